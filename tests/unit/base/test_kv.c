/* What both makers of the kv door promise, run against both. */
#include "base/kv.h"

#include "base/alloc.h"
#include "base/map.h"
#include "tests/unit/base/scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum { MEMORY, ROCKS_WAL, ROCKS_PLAIN, MAKERS };

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

static cu_kv *make(int maker)
{
    cu_kv *kv = NULL;
    cu_err err = {0};
    if (maker == MEMORY)
        return cu_kv_open_memory(1);
    cu_kv_opts opts = {.wal = maker == ROCKS_WAL, .sync_every_ms = 20};
    int rc = cu_kv_open_rocks(cu_arena_printf(arena, "%s/a/b", folder), &opts,
                              &kv, &err);
    cr_assert_eq(rc, 0, "%s", err.msg);
    return kv;
}

static void put(cu_kv *kv, const char *key, const char *value)
{
    cu_kv_batch b = {0};
    cu_err err = {0};
    if (value)
        cu_kv_batch_put(&b, cu_slice_of(key), cu_slice_of(value));
    else
        cu_kv_batch_del(&b, cu_slice_of(key));
    cr_assert_eq(kv->vt->write(kv, &b, false, &err), 0, "%s", err.msg);
    cu_kv_batch_free(&b);
}

static void expect(cu_kv *kv, const char *key, const char *value)
{
    cu_slice got;
    cu_err err = {0};
    int rc = kv->vt->get(kv, cu_slice_of(key), arena, &got, &err);
    cr_assert_eq(rc, 0, "%s", err.msg);
    cr_assert(cu_slice_eq(got, cu_slice_of(value)), "%s: got %.*s", key,
              (int)got.len, got.data ? got.data : "(nothing)");
}

static cu_kv_iter *iter(cu_kv *kv, const char *lo, const char *hi)
{
    cu_kv_iter *it = NULL;
    cr_assert_eq(kv->vt->iter(kv, cu_slice_of(lo), cu_slice_of(hi), &it, NULL),
                 0);
    return it;
}

/* Steps through `moves` (n: next, p: prev) and checks the keys that come:
 * one letter each, '.' for none. */
static void walk(cu_kv *kv, cu_kv_iter *it, const char *moves, const char *keys)
{
    cu_slice key, value;
    for (size_t i = 0; moves[i]; i++) {
        bool is = moves[i] == 'n' ? kv->vt->iter_next(it, &key, &value)
                                  : kv->vt->iter_prev(it, &key, &value);
        cr_assert_eq(is ? key.data[0] : '.', keys[i], "move %zu of %s", i,
                     moves);
    }
}

#define FOR_ALL(suite, name)                           \
    static void suite##_##name(cu_kv *kv);             \
    Test(suite, name, .init = start, .fini = stop)     \
    {                                                  \
        for (int maker = 0; maker < MAKERS; maker++) { \
            cu_kv *kv = make(maker);                   \
            suite##_##name(kv);                        \
            kv->vt->close(kv);                         \
            stop();                                    \
            start();                                   \
        }                                              \
    }                                                  \
    static void suite##_##name(cu_kv *kv)

FOR_ALL(kv, puts_and_deletes_are_read_back)
{
    expect(kv, "a", NULL);
    put(kv, "a", "1");
    put(kv, "b", "");
    expect(kv, "a", "1");
    expect(kv, "b", "");
    put(kv, "a", "2");
    expect(kv, "a", "2");
    put(kv, "a", NULL);
    expect(kv, "a", NULL);
    put(kv, "never there", NULL);
}

FOR_ALL(kv, the_last_op_of_a_batch_wins)
{
    cu_kv_batch b = {0};
    cu_kv_batch_put(&b, CU_LIT("x"), CU_LIT("1"));
    cu_kv_batch_put(&b, CU_LIT("x"), CU_LIT("2"));
    cu_kv_batch_put(&b, CU_LIT("y"), CU_LIT("1"));
    cu_kv_batch_del(&b, CU_LIT("y"));
    cr_assert_eq(kv->vt->write(kv, &b, true, NULL), 0);
    expect(kv, "x", "2");
    expect(kv, "y", NULL);
    cu_kv_batch_clear(&b);
    cr_assert_eq(kv->vt->write(kv, &b, true, NULL), 0, "empty is fine");
    cu_kv_batch_free(&b);
}

FOR_ALL(kv, a_damaged_batch_is_refused_as_a_whole)
{
    cu_kv_batch b = {0};
    cu_err err = {0};
    cu_kv_batch_put(&b, CU_LIT("x"), CU_LIT("1"));
    cu_kv_batch_put(&b, CU_LIT("y"), CU_LIT("1"));
    b.ops.len--;
    cr_assert_eq(kv->vt->write(kv, &b, false, &err), CU_CORRUPT);
    expect(kv, "x", NULL);
    cu_kv_batch_free(&b);
}

FOR_ALL(kv, multi_get_takes_any_order_and_repeats)
{
    enum { N = 300 };
    cu_slice keys[N], values[N];
    for (int i = 0; i < 200; i += 2)
        put(kv, cu_arena_printf(arena, "k%03d", i),
            cu_arena_printf(arena, "v%d", i));
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N; i++) {
            int n = round == 0 ? i : i * 77 % 200;
            keys[i] = cu_slice_of(cu_arena_printf(arena, "k%03d", n));
        }
        cr_assert_eq(kv->vt->multi_get(kv, N, keys, arena, values, NULL), 0);
        for (int i = 0; i < N; i++) {
            int n = round == 0 ? i : i * 77 % 200;
            const char *want = n < 200 && n % 2 == 0
                                   ? cu_arena_printf(arena, "v%d", n)
                                   : NULL;
            cr_assert(cu_slice_eq(values[i], cu_slice_of(want)), "key %d", n);
        }
    }
    cr_assert_eq(kv->vt->multi_get(kv, 0, NULL, arena, NULL, NULL), 0);
}

FOR_ALL(kv, iterators_walk_both_ways_inside_their_bounds)
{
    for (const char *p = "fdbhz"; *p; p++)
        put(kv, (char[]){*p, 0}, "v");
    put(kv, "e", "v");
    put(kv, "e", NULL);
    cu_kv_iter *it = iter(kv, "", NULL);
    walk(kv, it, "nnnnnn", "bdfhz.");
    walk(kv, it, "nppppppn", ".zhfdb.b");
    walk(kv, it, "npnp", "dbdb");
    cr_assert_eq(kv->vt->iter_close(it, NULL), 0);

    it = iter(kv, "c", "h");
    walk(kv, it, "pppnnn", "fd.df.");
    cr_assert_eq(kv->vt->iter_close(it, NULL), 0);
    it = iter(kv, "i", "j");
    walk(kv, it, "np", "..");
    cr_assert_eq(kv->vt->iter_close(it, NULL), 0);
    it = iter(kv, "d", "d");
    walk(kv, it, "n", ".");
    cr_assert_eq(kv->vt->iter_close(it, NULL), 0);
}

FOR_ALL(kv, seek_stands_between_keys)
{
    static const struct {
        const char *target, *moves, *keys;
    } cases[] = {
        {"e", "nnp", "fhf"}, {"e", "ppp", "db."}, {"d", "n", "d"},
        {"d", "p", "b"},     {"", "n", "b"},      {"", "p", "."},
        {"zz", "n", "."},    {"zz", "pp", "zh"},  {"a", "npn", "b.b"},
    };
    for (const char *p = "fdbhz"; *p; p++)
        put(kv, (char[]){*p, 0}, "v");
    cu_kv_iter *it = iter(kv, "", NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        kv->vt->iter_seek(it, cu_slice_of(cases[i].target));
        walk(kv, it, cases[i].moves, cases[i].keys);
    }
    cr_assert_eq(kv->vt->iter_close(it, NULL), 0);

    /* Targets outside of the bounds. */
    it = iter(kv, "d", "h");
    kv->vt->iter_seek(it, CU_LIT("a"));
    walk(kv, it, "nn", "df");
    kv->vt->iter_seek(it, CU_LIT("a"));
    walk(kv, it, "p", ".");
    kv->vt->iter_seek(it, CU_LIT("x"));
    walk(kv, it, "n", ".");
    kv->vt->iter_seek(it, CU_LIT("x"));
    walk(kv, it, "pp", "fd");
    cr_assert_eq(kv->vt->iter_close(it, NULL), 0);
}

FOR_ALL(kv, iterators_see_the_moment_of_their_making)
{
    put(kv, "a", "old");
    put(kv, "b", "old");
    cu_kv_iter *it = iter(kv, "", NULL);
    put(kv, "a", "new");
    put(kv, "b", NULL);
    put(kv, "c", "new");
    cu_kv_iter *later = iter(kv, "", NULL);
    put(kv, "c", "newer");

    cu_slice key, value;
    cr_assert(kv->vt->iter_next(it, &key, &value));
    cr_assert(cu_slice_is(key, "a") && cu_slice_is(value, "old"));
    cr_assert(kv->vt->iter_next(it, &key, &value));
    cr_assert(cu_slice_is(key, "b") && cu_slice_is(value, "old"));
    cr_assert(!kv->vt->iter_next(it, &key, &value));
    walk(kv, later, "nnn", "ac.");
    cr_assert(kv->vt->iter_prev(later, &key, &value));
    cr_assert(cu_slice_is(value, "new"));
    cr_assert_eq(kv->vt->iter_close(it, NULL), 0);
    cr_assert_eq(kv->vt->iter_close(later, NULL), 0);
    expect(kv, "b", NULL);
    expect(kv, "c", "newer");
}

static uint64_t step(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Random batches, walks and views against an array. */
FOR_ALL(kv, answers_like_an_array_under_random_batches)
{
    enum { N = 200 };
    int model[N] = {0}, seen[N];
    uint64_t r = 99;
    cu_kv_batch b = {0};
    char key[16], value[16];
    for (int round = 1; round < 60; round++) {
        memcpy(seen, model, sizeof(seen));
        cu_kv_iter *it = iter(kv, "", NULL);
        cu_kv_batch_clear(&b);
        for (int i = 0; i < 20; i++) {
            int n = (int)(step(&r) % N);
            model[n] = step(&r) % 3 ? round : 0;
            snprintf(key, sizeof(key), "%04d", n);
            snprintf(value, sizeof(value), "%d", model[n]);
            if (model[n])
                cu_kv_batch_put(&b, cu_slice_of(key), cu_slice_of(value));
            else
                cu_kv_batch_del(&b, cu_slice_of(key));
        }
        cr_assert_eq(kv->vt->write(kv, &b, false, NULL), 0);
        if (round % 16 == 0)
            cr_assert_eq(kv->vt->flush(kv, NULL), 0);
        cu_slice k, v;
        for (int n = 0; n < N; n++) {
            if (!seen[n])
                continue;
            cr_assert(kv->vt->iter_next(it, &k, &v));
            snprintf(key, sizeof(key), "%04d", n);
            snprintf(value, sizeof(value), "%d", seen[n]);
            cr_assert(cu_slice_is(k, key) && cu_slice_is(v, value));
        }
        cr_assert(!kv->vt->iter_next(it, &k, &v));
        cr_assert_eq(kv->vt->iter_close(it, NULL), 0);
    }
    cu_kv_stats stats;
    kv->vt->stats(kv, &stats);
    cr_assert_gt(stats.n_keys, 0);
    cu_kv_batch_free(&b);
}

/* --- memory alone -------------------------------------------------------- */

TestSuite(kv_memory, .init = start, .fini = stop);

/* Writes 1..n one per batch, with a sync after `synced`; says how many are
 * left after a power cut, and checks that they are the first ones. */
static int left_after_cut(uint64_t seed, int n, int synced)
{
    cu_kv *kv = cu_kv_open_memory(seed);
    for (int i = 1; i <= n; i++) {
        put(kv, "count", cu_arena_printf(arena, "%d", i));
        cu_kv_batch b = {0};
        cu_slice key = cu_slice_of(cu_arena_printf(arena, "k%d", i));
        cu_kv_batch_put(&b, key, CU_LIT("twice"));
        cu_kv_batch_put(&b, key, CU_LIT("x"));
        cu_kv_batch_put(&b, CU_LIT("pair"), key);
        cr_assert_eq(kv->vt->write(kv, &b, i == synced, NULL), 0);
        cu_kv_batch_free(&b);
    }
    cu_kv_memory_crash(kv, false);
    expect(kv, "count", cu_arena_printf(arena, "%d", n));
    cu_kv_memory_crash(kv, true);
    cu_slice got;
    cr_assert_eq(kv->vt->get(kv, CU_LIT("count"), arena, &got, NULL), 0);
    int left = got.data ? atoi(cu_arena_strn(arena, got.data, got.len)) : 0;
    for (int i = 1; i <= n; i++) {
        const char *key = cu_arena_printf(arena, "k%d", i);
        cr_assert_eq(kv->vt->get(kv, cu_slice_of(key), arena, &got, NULL), 0);
        if (i != left)
            cr_assert_eq(got.data != NULL, i < left, "%d of %d", i, left);
        else
            cr_assert(cu_slice_eq(got, CU_LIT("x")) || !got.data);
    }
    /* What survived is synced now: a second cut takes nothing. */
    cu_kv_memory_crash(kv, true);
    expect(kv, "count",
           left ? cu_arena_printf(arena, "%d", left) : (const char *)NULL);
    kv->vt->close(kv);
    return left;
}

Test(kv_memory, a_power_cut_keeps_a_prefix_that_holds_all_synced_batches)
{
    int fewest = 20, most = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        int left = left_after_cut(seed, 20, 8);
        cr_assert_geq(left, 8);
        fewest = left < fewest ? left : fewest;
        most = left > most ? left : most;
        cr_assert_eq(left, left_after_cut(seed, 20, 8), "same seed, same cut");
    }
    cr_assert_eq(fewest, 8, "the cut may reach back to the sync");
    cr_assert_eq(most, 20, "and may take nothing");
}

Test(kv_memory, sync_and_flush_protect_everything_before)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        cu_kv *kv = cu_kv_open_memory(seed);
        put(kv, "a", "1");
        cr_assert_eq(kv->vt->sync(kv, NULL), 0);
        put(kv, "b", "1");
        cr_assert_eq(kv->vt->flush(kv, NULL), 0);
        cu_kv_memory_crash(kv, true);
        expect(kv, "a", "1");
        expect(kv, "b", "1");
        kv->vt->close(kv);
    }
}

Test(kv_memory, injected_faults_fail_one_write_and_apply_nothing)
{
    cu_kv *kv = cu_kv_open_memory(1);
    cu_kv_batch b = {0};
    cu_err err = {0};
    cu_kv_batch_put(&b, CU_LIT("a"), CU_LIT("1"));
    cu_kv_memory_fail_write(kv, 2, CU_FULL);
    cr_assert_eq(kv->vt->write(kv, &b, false, &err), 0);
    cu_kv_batch_put(&b, CU_LIT("b"), CU_LIT("1"));
    cr_assert_eq(kv->vt->write(kv, &b, false, &err), CU_FULL);
    cr_assert_eq(err.flags, CU_RETRY);
    expect(kv, "b", NULL);
    cr_assert_eq(kv->vt->write(kv, &b, false, &err), 0);
    expect(kv, "b", "1");
    cu_kv_batch_free(&b);
    kv->vt->close(kv);
}
