#include "base/env.h"

#include <criterion/criterion.h>

static cu_arena *arena;
static cu_env *env;

static void start(void)
{
    arena = cu_arena_new(0);
    env = cu_env_sim(5);
}

static void stop(void)
{
    env->vt->close(env);
    cu_arena_free(arena);
}

TestSuite(env_sim, .init = start, .fini = stop);

static void expect(const char *path, const char *text)
{
    cu_slice got;
    int rc = env->vt->read_file(env, path, 1000, arena, &got, NULL);
    cr_assert_eq(rc, text ? 0 : CU_NOT_FOUND);
    cr_assert(cu_slice_eq(got, cu_slice_of(text)), "%s", path);
}

static void put(const char *path, const char *text)
{
    cr_assert_eq(env->vt->write_file(env, path, cu_slice_of(text), NULL), 0);
}

Test(env_sim, time_stands_still_until_somebody_moves_it)
{
    cr_assert_eq(cu_wall_us(env), INT64_C(1704067200000000));
    cr_assert_eq(cu_wall_us(env), INT64_C(1704067200000000));
    cu_env_sim_advance(env, 5);
    env->vt->sleep_us(env, 10);
    cr_assert_eq(cu_wall_us(env), INT64_C(1704067200000015));
    cr_assert_eq(cu_mono_us(env), 15);
    cu_env_sim_stop(env, 1);
    cr_assert_eq(env->vt->stop_requested(env), 1);
    env->vt->sleep_us(env, 60000000);
    cr_assert_eq(cu_mono_us(env), 10015);
}

Test(env_sim, equal_seeds_are_equal_worlds)
{
    cu_env *same = cu_env_sim(5), *other = cu_env_sim(6);
    cu_env_sim_faults(same, 500, NULL, 0);
    bool differs = false;
    for (int i = 0; i < 50; i++) {
        uint64_t v = env->vt->chance(env);
        cr_assert_eq(v, same->vt->chance(same), "faults change nothing else");
        differs = differs || v != other->vt->chance(other);
        cu_fault(same, "x");
    }
    cr_assert(differs);
    same->vt->close(same);
    other->vt->close(other);
}

Test(env_sim, faults_fire_as_often_as_asked)
{
    int fired = 0;
    cu_env_sim_faults(env, 100, NULL, 0);
    for (int i = 0; i < 2000; i++)
        fired += cu_fault(env, i % 2 ? "a" : "b");
    cr_assert(fired > 120 && fired < 280, "%d of 2000", fired);
    cr_assert_eq(cu_env_sim_visits(env), 2000);

    cu_env_sim_faults(env, 1000, "a", 0);
    cr_assert(!cu_fault(env, "b"));
    cr_assert(cu_fault(env, "a"));

    cu_env_sim_faults(env, 0, "a", 2);
    cr_assert(!cu_fault(env, "a"));
    cr_assert(!cu_fault(env, "b"));
    cr_assert(cu_fault(env, "a"));
    cr_assert(!cu_fault(env, "a"), "once");
    cu_env_sim_faults(env, 0, NULL, 0);
    cr_assert(!cu_fault(env, "a"));
}

Test(env_sim, a_crash_keeps_what_was_synced)
{
    put("d/a", "one");
    put("d/b", "two");
    put("e/c", "three");
    cr_assert_eq(env->vt->remove(env, "d/a", NULL), 0);
    cr_assert_eq(env->vt->remove(env, "e/c", NULL), 0);
    put("d/new", "x"); /* syncs the folder d, and with it the removal */
    expect("d/a", NULL);
    expect("e/c", NULL);
    cu_env_sim_crash(env);
    expect("d/a", NULL);
    expect("d/b", "two");
    expect("d/new", "x");
    expect("e/c", "three");
}

Test(env_sim, a_crash_frees_locks_and_forgets_stops)
{
    cu_lock *old = NULL, *fresh = NULL;
    cr_assert_eq(env->vt->lock(env, "lock", &old, NULL), 0);
    cu_env_sim_stop(env, 2);
    cu_env_sim_crash(env);
    cr_assert_eq(env->vt->stop_requested(env), 0);
    cr_assert_eq(env->vt->lock(env, "lock", &fresh, NULL), 0);
    env->vt->unlock(env, old); /* the dead owner unwinds */
    cu_lock *third = NULL;
    cr_assert_eq(env->vt->lock(env, "lock", &third, NULL), CU_BUSY);
    env->vt->unlock(env, fresh);
}

Test(env_sim, paths_are_normal)
{
    put("./x//y/../z", "1");
    expect("x/z", "1");
    expect("/x/z", NULL);
    put("/x/z", "2");
    expect("/x/../x/./z", "2");
    expect("x/z", "1");
    cu_names names;
    cr_assert_eq(env->vt->list_dir(env, "", arena, &names, NULL), 0);
    cr_assert_eq(names.n, 1);
    cr_assert_eq(env->vt->list_dir(env, "/", arena, &names, NULL), 0);
    cr_assert_eq(names.n, 1);
    cr_assert_str_eq(names.names[0], "x");
}

Test(env_sim, a_folder_may_take_the_name_of_a_removed_file)
{
    put("a", "file");
    cr_assert_eq(env->vt->remove(env, "a", NULL), 0);
    put("a/b", "x");
    cu_env_sim_crash(env);
    expect("a/b", "x");
}

Test(env_sim, folders_that_are_nested_too_deep_are_refused)
{
    cu_buf path = {0};
    cu_err err = {0};
    cu_names names;
    for (int i = 0; i < 70; i++)
        cu_buf_put_str(&path, "d/");
    cu_buf_put_str(&path, "f");
    put(cu_arena_strn(arena, path.data, path.len), "x");
    cr_assert_eq(cu_glob(env, ".", "**/f", arena, &names, &err), CU_LIMIT);
    cr_assert_eq(cu_glob(env, ".", "d/**/f", arena, &names, &err), CU_LIMIT);
    path.data[20] = 0;
    cr_assert_eq(cu_glob(env, path.data, "*/*/*/f", arena, &names, &err), 0);
    cr_assert_eq(names.n, 0);
    cu_buf_free(&path);
}
