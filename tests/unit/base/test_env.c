/* What both makers of the env door promise, run against both. */
#include "base/env.h"

#include "tests/unit/base/scratch.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static char *folder;
static cu_arena *arena;

static void start(void)
{
    arena = cu_arena_new(0);
    folder = cu_scratch_new();
}

static void stop(void)
{
    cu_scratch_free(folder);
    cu_arena_free(arena);
}

TestSuite(env, .init = start, .fini = stop);

static const char *in(const char *name)
{
    return cu_path_join(arena, folder, name);
}

static void put(cu_env *e, const char *name, const char *text)
{
    cu_err err = {0};
    int rc = e->vt->write_file(e, in(name), cu_slice_of(text), &err);
    cr_assert_eq(rc, 0, "%s", err.msg);
}

static void expect(cu_env *e, const char *name, const char *text)
{
    cu_slice got;
    cu_err err = {0};
    int rc = e->vt->read_file(e, in(name), 1000, arena, &got, &err);
    if (!text) {
        cr_assert_eq(rc, CU_NOT_FOUND);
        return;
    }
    cr_assert_eq(rc, 0, "%s", err.msg);
    cr_assert(cu_slice_is(got, text), "%s", name);
}

static void expect_names(cu_env *e, const char *name, const char *want)
{
    cu_names names;
    cu_err err = {0};
    int rc = e->vt->list_dir(e, in(name), arena, &names, &err);
    cr_assert_eq(rc, 0, "%s", err.msg);
    cu_buf all = {0};
    for (size_t i = 0; i < names.n; i++)
        cu_buf_printf(&all, "%s ", names.names[i]);
    cr_assert(cu_slice_is(cu_buf_slice(&all), want), "%.*s", (int)all.len,
              all.data);
    cu_buf_free(&all);
}

#define FOR_BOTH(name)                                           \
    static void env_##name(cu_env *e);                           \
    Test(env, name)                                              \
    {                                                            \
        cu_env *real = cu_env_real(false), *sim = cu_env_sim(1); \
        env_##name(real);                                        \
        real->vt->close(real);                                   \
        cr_assert_eq(sim->vt->make_dirs(sim, folder, NULL), 0);  \
        env_##name(sim);                                         \
        sim->vt->close(sim);                                     \
    }                                                            \
    static void env_##name(cu_env *e)

FOR_BOTH(files_are_written_replaced_and_read)
{
    expect(e, "a", NULL);
    put(e, "a", "one");
    expect(e, "a", "one");
    put(e, "a", "");
    expect(e, "a", "");
    put(e, "deep/er/b", "two");
    expect(e, "deep/er/b", "two");
    expect(e, "deep/./er/..//er/b", "two");
    expect_names(e, "", "a deep ");
    expect_names(e, "deep", "er ");
}

FOR_BOTH(the_clock_runs_forward_and_chance_varies)
{
    int64_t before = cu_mono_us(e), wall = cu_wall_us(e);
    cr_assert_geq(wall, INT64_C(1704067200000000));
    e->vt->sleep_us(e, 3000);
    cr_assert_geq(cu_mono_us(e), before + 3000);
    cr_assert_geq(cu_wall_us(e), wall + 2000);
    int64_t earlier = cu_mono_us(e) / 1000, ms = cu_mono_ms(e);
    cr_assert(earlier <= ms && ms <= cu_mono_us(e) / 1000);
    cr_assert_neq(e->vt->chance(e), e->vt->chance(e));
    cr_assert(!cu_fault(e, "anywhere"));
    cr_assert_eq(e->vt->stop_requested(e), 0);
}

FOR_BOTH(too_large_files_are_refused)
{
    cu_slice got;
    cu_err err = {0};
    put(e, "a", "12345");
    cr_assert_eq(e->vt->read_file(e, in("a"), 5, arena, &got, &err), 0);
    cr_assert_eq(e->vt->read_file(e, in("a"), 4, arena, &got, &err), CU_LIMIT);
    cr_assert_null(got.data);
}

FOR_BOTH(stat_tells_files_from_folders)
{
    cu_stat st;
    cu_err err = {0};
    put(e, "d/a", "12345");
    cr_assert_eq(e->vt->stat(e, in("d/a"), &st, &err), 0);
    cr_assert(!st.is_dir && st.size_bytes == 5);
    cr_assert_leq(st.modified_us, cu_wall_us(e));
    cr_assert_gt(st.modified_us, cu_wall_us(e) - 3600 * INT64_C(1000000));
    cr_assert_eq(e->vt->stat(e, in("d"), &st, &err), 0);
    cr_assert(st.is_dir);
    cr_assert_eq(e->vt->stat(e, in("none"), &st, &err), CU_NOT_FOUND);
    cr_assert_not_null(strstr(err.msg, "none"));
}

FOR_BOTH(folders_and_files_do_not_stand_in_for_each_other)
{
    cu_err err = {0};
    cu_slice got;
    cu_names names;
    put(e, "file", "x");
    cr_assert_eq(e->vt->make_dirs(e, in("d/e/"), &err), 0);
    cr_assert_eq(e->vt->make_dirs(e, in("d/e"), &err), 0, "again is fine");
    cr_assert_eq(e->vt->make_dirs(e, in("file/below"), &err), CU_IO);
    cr_assert_eq(e->vt->write_file(e, in("file/below"), CU_LIT("x"), &err),
                 CU_IO);
    cr_assert_neq(e->vt->write_file(e, in("d/e"), CU_LIT("x"), &err), 0);
    cr_assert_eq(e->vt->read_file(e, in("d"), 99, arena, &got, &err), CU_IO);
    cr_assert_eq(e->vt->list_dir(e, in("none"), arena, &names, &err),
                 CU_NOT_FOUND);
    cr_assert_eq(e->vt->list_dir(e, in("file"), arena, &names, &err), CU_IO);
}

FOR_BOTH(removal_takes_files_and_empty_folders)
{
    cu_err err = {0};
    put(e, "d/a", "x");
    cr_assert_eq(e->vt->remove(e, in("d"), &err), CU_EXISTS);
    cr_assert_eq(e->vt->remove(e, in("d/a"), &err), 0);
    expect(e, "d/a", NULL);
    expect_names(e, "d", "");
    cr_assert_eq(e->vt->remove(e, in("d/a"), &err), CU_NOT_FOUND);
    cr_assert_eq(e->vt->remove(e, in("d"), &err), 0);
    expect_names(e, "", "");
}

FOR_BOTH(an_open_file_keeps_what_it_was_opened_on)
{
    cu_infile *f = NULL;
    cu_err err = {0};
    char to[8];
    size_t got;
    put(e, "a", "0123456789");
    cr_assert_eq(e->vt->open_in(e, in("a"), &f, &err), 0);
    put(e, "a", "changed");
    cr_assert_eq(e->vt->read_at(e, f, 4, to, 4, &got, &err), 0);
    cr_assert(got == 4 && !memcmp(to, "4567", 4));
    cr_assert_eq(e->vt->read_at(e, f, 8, to, 4, &got, &err), 0);
    cr_assert(got == 2 && !memcmp(to, "89", 2));
    cr_assert_eq(e->vt->read_at(e, f, 10, to, 4, &got, &err), 0);
    cr_assert_eq(got, 0);
    cr_assert_eq(e->vt->read_at(e, f, 99, to, 4, &got, &err), 0);
    cr_assert_eq(got, 0);
    e->vt->close_in(e, f);
    cr_assert_eq(e->vt->open_in(e, in("none"), &f, &err), CU_NOT_FOUND);
}

FOR_BOTH(a_lock_has_one_holder)
{
    cu_lock *first = NULL, *second = NULL;
    cu_err err = {0};
    cr_assert_eq(e->vt->lock(e, in("lock"), &first, &err), 0);
    cr_assert_eq(e->vt->lock(e, in("lock"), &second, &err), CU_BUSY);
    cu_slice pid;
    cr_assert_eq(e->vt->read_file(e, in("lock"), 99, arena, &pid, &err), 0);
    cr_assert_eq(e->vt->lock(e, in("lock"), &second, &err), CU_BUSY);
    cr_assert_not_null(
        strstr(err.msg,
               cu_arena_printf(arena, "held by process %d;",
                               atoi(cu_arena_strn(arena, pid.data, pid.len)))));
    cr_assert_eq(e->vt->lock(e, in("other"), &second, &err), 0);
    e->vt->unlock(e, second);
    e->vt->unlock(e, first);
    cr_assert_eq(e->vt->lock(e, in("lock"), &first, &err), 0);
    e->vt->unlock(e, first);
    e->vt->unlock(e, NULL);
    cr_assert_eq(e->vt->lock(e, in("no/folder"), &first, &err), CU_NOT_FOUND);
}

static void expect_glob(cu_env *e, const char *pattern, const char *want)
{
    cu_names names;
    cu_err err = {0};
    int rc = cu_glob(e, folder, pattern, arena, &names, &err);
    cr_assert_eq(rc, 0, "%s", err.msg);
    cu_buf all = {0};
    for (size_t i = 0; i < names.n; i++)
        cu_buf_printf(&all, "%s ", names.names[i]);
    cr_assert(cu_slice_is(cu_buf_slice(&all), want), "%s gave %.*s", pattern,
              (int)all.len, all.data);
    cu_buf_free(&all);
}

FOR_BOTH(globs_find_files)
{
    static const char *const files[] = {
        "a.csv",          "b.csv",     "a.json",       ".hidden.csv",
        "d/c.csv",        "d/e/f.csv", "d/.git/g.csv", "d/e/x[1].csv",
        "d/\xc3\xa4.csv", "z10.csv",
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        put(e, files[i], "x");
    expect_glob(e, "*.csv", "a.csv b.csv z10.csv ");
    expect_glob(e, "?.csv", "a.csv b.csv ");
    expect_glob(e, "[ab].*", "a.csv a.json b.csv ");
    expect_glob(e, "[!a].csv", "b.csv ");
    expect_glob(e, "[x-z]1[0-9].csv", "z10.csv ");
    expect_glob(e, ".h*", ".hidden.csv ");
    expect_glob(e, "d/*.csv", "d/c.csv d/\xc3\xa4.csv ");
    expect_glob(e, "d/?.csv", "d/c.csv d/\xc3\xa4.csv ");
    expect_glob(e, "*/*/f.csv", "d/e/f.csv ");
    expect_glob(e, "**/*.csv",
                "a.csv b.csv d/c.csv d/e/f.csv d/e/x[1].csv d/\xc3\xa4.csv "
                "z10.csv ");
    expect_glob(e, "**/e/**/f.csv", "d/e/f.csv ");
    expect_glob(e, "d/**", "d/c.csv d/e/f.csv d/e/x[1].csv d/\xc3\xa4.csv ");
    expect_glob(e, "d/e/x\\[1].csv", "d/e/x[1].csv ");
    expect_glob(e, "a.csv", "a.csv ");
    expect_glob(e, "d", "");
    expect_glob(e, "none/*", "");
    expect_glob(e, "**/**/c.csv", "d/c.csv ");
    expect_glob(e, "a*c*v", "a.csv ");
    expect_glob(e, in("?.json"), cu_arena_printf(arena, "%s ", in("a.json")));
}
