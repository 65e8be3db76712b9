#include "tests/unit/state/world.h"

#include "base/alloc.h"

#include <criterion/criterion.h>
#include <stdio.h>

static cu_err err;

static cu_table *table(world *w)
{
    return cu_space_table(w->space, 5);
}

static void put(world *w, const char *key, const char *value)
{
    cu_table_put(table(w), cu_slice_of(key), cu_slice_of(value));
}

static void del(world *w, const char *key)
{
    cu_table_del(table(w), cu_slice_of(key));
}

static void expect(world *w, const char *key, const char *value)
{
    cu_slice got;
    cr_assert_eq(cu_table_get(table(w), cu_slice_of(key), &got, &err), 0);
    cr_assert(value ? cu_slice_is(got, value) : !got.data, "%s: %.*s", key,
              (int)got.len, got.data);
}

Test(space, reads_its_own_overlay_before_the_commit)
{
    world w;
    world_open(&w, 7);
    put(&w, "a", "1");
    expect(&w, "a", "1");
    expect(&w, "b", NULL);
    put(&w, "empty", "");
    expect(&w, "empty", "");
    world_reopen(&w); /* nothing was committed */
    expect(&w, "a", NULL);
    world_close(&w);
}

Test(space, keeps_what_was_committed)
{
    world w;
    world_open(&w, 7);
    put(&w, "a", "1");
    put(&w, "empty", "");
    world_commit(&w);
    cr_assert_eq(cu_space_applied(w.space), 3);
    world_reopen(&w);
    expect(&w, "a", "1");
    expect(&w, "empty", "");
    cr_assert_eq(cu_space_applied(w.space), 3);
    world_close(&w);
}

Test(space, writes_one_record_per_key_whatever_happened_to_it)
{
    world w;
    world_open(&w, 7);
    for (int i = 0; i < 100; i++)
        put(&w, "a", i % 2 ? "odd" : "even");
    cr_assert_eq(cu_space_dirty_keys(w.space), 1);
    world_commit(&w);
    cr_assert_eq(w.changelog->n, 2); /* the key and the progress */
    world_close(&w);
}

Test(space, writes_nothing_when_a_key_ends_as_it_was)
{
    world w;
    world_open(&w, 7);
    put(&w, "a", "1");
    world_commit(&w);
    size_t before = w.changelog->n;
    put(&w, "a", "2");
    del(&w, "a");
    put(&w, "a", "1");
    expect(&w, "gone", NULL);
    put(&w, "gone", "x");
    del(&w, "gone");
    cu_table_put_new(table(&w), CU_LIT("fresh"), CU_LIT("x"));
    cr_assert_eq(cu_space_dirty_keys(w.space), 1);
    del(&w, "fresh");
    cr_assert_eq(cu_space_dirty_keys(w.space), 0);
    cr_assert_eq(cu_space_dirty_bytes(w.space), 0);
    world_commit(&w);
    cr_assert_eq(w.changelog->n, before + 1);
    expect(&w, "a", "1");
    world_close(&w);
}

Test(space, reverts_to_the_committed_values)
{
    world w;
    world_open(&w, 7);
    put(&w, "a", "1");
    put(&w, "b", "1");
    world_commit(&w);
    put(&w, "a", "2");
    del(&w, "b");
    put(&w, "c", "3");
    cu_space_revert(w.space);
    cr_assert_eq(cu_space_dirty_keys(w.space), 0);
    expect(&w, "a", "1");
    expect(&w, "b", "1");
    expect(&w, "c", NULL);
    world_close(&w);
}

Test(space, a_failing_append_leaves_everything_revertible)
{
    world w;
    world_open(&w, 7);
    put(&w, "a", "1");
    put(&w, "b", "1");
    w.changelog->fail_at = 2;
    cu_part part = {"changelog", 0};
    int rc = cu_space_log_changes(w.space, &w.changelog->writer, part, 0,
                                  &w.progress, &err);
    cr_assert_eq(rc, CU_NETWORK);
    cu_space_revert(w.space);
    expect(&w, "a", NULL);
    world_close(&w);
}

Test(space, changelog_goes_in_key_order_with_the_progress_last)
{
    world w;
    world_open(&w, 7);
    cu_table_put(cu_space_table(w.space, 9), CU_LIT("a"), CU_LIT("9"));
    put(&w, "b", "1");
    put(&w, "a\x01", "1");
    put(&w, "a", "1");
    world_commit(&w);
    static const cu_slice keys[] = {{"\0\5a", 3},
                                    {"\0\5a\1", 4},
                                    {"\0\5b", 3},
                                    {"\0\11a", 3},
                                    {"\xFF\xFF", 2}};
    cr_assert_eq(w.changelog->n, 5);
    for (int i = 0; i < 5; i++)
        cr_assert(cu_slice_eq(w.changelog->records[i].key, keys[i]), "%d", i);
    world_close(&w);
}

Test(space, progress_comes_back)
{
    world w;
    world_open(&w, 7);
    cu_arena *a = cu_arena_new(0);
    cu_progress got;
    bool found;
    cr_assert_eq(cu_space_progress(w.space, a, &got, &found, &err), 0);
    cr_assert_not(found);
    cu_upstream up[] = {{12, false}, {INT64_MIN, true}};
    int64_t marks[] = {-7, INT64_MAX};
    cu_input_progress in[] = {
        {{"bronze.books", 0}, 17, INT64_MIN, INT64_MIN, 0, NULL, 11, 0},
        {{"bronze.authors", 3}, 5, -7, INT64_MAX, 2, up, CU_NO_OFFSET, 9}};
    w.progress.marks = marks;
    w.progress.n_marks = 2;
    w.progress.inputs = in;
    w.progress.n_inputs = 2;
    w.progress.instance = "one";
    w.progress.clock_us = -12;
    world_commit(&w);
    for (int round = 0; round < 2; round++) {
        cr_assert_eq(cu_space_progress(w.space, a, &got, &found, &err), 0);
        cr_assert(found);
        cr_assert_eq(got.plan_hash, 42);
        cr_assert_eq(got.sequence, 1);
        cr_assert_eq(got.clock_us, -12);
        cr_assert_str_eq(got.instance, "one");
        cr_assert_null(got.txn_id);
        cr_assert_eq(got.n_inputs, 2);
        cr_assert_str_eq(got.inputs[1].part.topic, "bronze.authors");
        cr_assert_eq(got.inputs[1].part.partition, 3);
        cr_assert_eq(got.inputs[0].next, 17);
        cr_assert_eq(got.inputs[0].watermark_us, INT64_MIN);
        cr_assert_eq(got.inputs[1].max_ts_us, INT64_MAX);
        cr_assert_eq(got.inputs[0].n_upstream, 0);
        cr_assert_eq(got.inputs[1].n_upstream, 2);
        cr_assert_eq(got.inputs[1].upstream[0].watermark_us, 12);
        cr_assert_not(got.inputs[1].upstream[0].idle);
        cr_assert(got.inputs[1].upstream[1].idle);
        cr_assert_eq(got.n_marks, 2);
        cr_assert_eq(got.marks[0], -7);
        cr_assert_eq(got.marks[1], INT64_MAX);
        world_reopen(&w);
    }
    cu_arena_free(a);
    world_close(&w);
}

Test(space, a_cut_progress_record_is_an_error)
{
    cu_arena *a = cu_arena_new(0);
    cu_buf bytes = {0};
    cu_upstream up = {5, true};
    int64_t mark = 6;
    cu_input_progress in = {{"t", 1}, 2, 3, 4, 1, &up, 5, 6};
    cu_progress p = {.instance = "i",
                     .n_inputs = 1,
                     .inputs = &in,
                     .n_marks = 1,
                     .marks = &mark};
    cu_progress_encode(&p, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        char *exact = cu_alloc(len);
        memcpy(exact, bytes.data, len);
        cr_assert_eq(cu_progress_decode(cu_slice_n(exact, len), a, &p, &err),
                     CU_CORRUPT);
        cu_free(exact);
    }
    cu_buf_free(&bytes);
    cu_arena_free(a);
}

Test(space, spaces_and_tables_do_not_see_each_other)
{
    world w;
    world_open(&w, 7);
    cu_space *other;
    cr_assert_eq(cu_space_open(w.store, 3, 2, &other, &err), 0);
    put(&w, "a", "1");
    cu_table_put(cu_space_table(w.space, 6), CU_LIT("a"), CU_LIT("6"));
    world_commit(&w);
    cu_slice got;
    cr_assert_eq(
        cu_table_get(cu_space_table(other, 5), CU_LIT("a"), &got, &err), 0);
    cr_assert_null(got.data);
    expect(&w, "a", "1");
    cu_space_close(other);
    world_close(&w);
}

Test(space, drop_takes_everything_even_after_a_crash_in_the_middle)
{
    world w;
    world_open(&w, 7);
    char key[16];
    for (int i = 0; i < 10000; i++) {
        snprintf(key, sizeof(key), "%d", i);
        put(&w, key, "x");
    }
    world_commit(&w);
    cu_kv_memory_fail_write(w.kv, 3, CU_IO);
    cr_assert_eq(cu_space_drop(w.space, &err), CU_IO);
    world_reopen(&w);
    bool found;
    cu_progress p;
    cr_assert_eq(cu_space_progress(w.space, NULL, &p, &found, &err), 0);
    cr_assert_not(found);
    cr_assert_eq(cu_space_applied(w.space), 0);
    cu_kv_stats stats;
    w.kv->vt->stats(w.kv, &stats);
    cr_assert_eq(stats.n_keys, 0);
    world_close(&w);
}

Test(space, get_many_reads_overlay_and_store_in_one_call)
{
    world w;
    world_open(&w, 7);
    put(&w, "a", "1");
    put(&w, "c", "3");
    put(&w, "d", "4");
    world_commit(&w);
    world_reopen(&w);
    put(&w, "b", "2");
    del(&w, "d");
    cu_slice keys[] = {CU_LIT("c"), CU_LIT("x"), CU_LIT("a"), CU_LIT("c"),
                       CU_LIT("b"), CU_LIT("d"), CU_LIT("x")};
    const char *want[] = {"3", NULL, "1", "3", "2", NULL, NULL};
    cu_slice got[7];
    cr_assert_eq(cu_table_get_many(table(&w), 7, keys, got, &err), 0);
    for (int i = 0; i < 7; i++)
        cr_assert(want[i] ? cu_slice_is(got[i], want[i]) : !got[i].data, "%d",
                  i);
    world_close(&w);
}

Test(space, a_kv_read_is_paid_once)
{
    world w;
    world_open(&w, 7);
    put(&w, "a", "1");
    world_commit(&w);
    world_reopen(&w);
    expect(&w, "a", "1");
    expect(&w, "nope", NULL);
    /* Behind its back: a cached key does not go to the kv again. */
    cu_kv_batch b = {0};
    cu_kv_batch_put(&b, (cu_slice){"S\0\0\0\3\0\1\0\5a", 10}, CU_LIT("2"));
    cu_kv_batch_put(&b, (cu_slice){"S\0\0\0\3\0\1\0\5nope", 13}, CU_LIT("2"));
    cr_assert_eq(w.kv->vt->write(w.kv, &b, false, &err), 0);
    cu_kv_batch_free(&b);
    expect(&w, "a", "1");
    expect(&w, "nope", NULL);
    world_reopen(&w);
    expect(&w, "a", "2");
    expect(&w, "nope", "2");
    world_close(&w);
}

Test(space, clean_rows_go_when_the_budget_is_used_up)
{
    world w;
    world_open(&w, 7);
    cu_space_close(w.space);
    cu_store_free(w.store);
    w.store = cu_store_new(w.kv, 10000);
    cr_assert_eq(cu_space_open(w.store, 3, 1, &w.space, &err), 0);
    char key[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "%04d", i);
        put(&w, key, key);
    }
    world_commit(&w);
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "%04d", i);
        expect(&w, key, key);
        put(&w, "z", i % 2 ? "1" : "2"); /* where eviction may happen */
    }
    cu_slice got;
    cr_assert_eq(cu_table_get(table(&w), CU_LIT("0000"), &got, &err), 0);
    cr_assert(cu_slice_is(got, "0000"));
    world_commit(&w);
    world_close(&w);
}

Test(space, restore_equals_the_store)
{
    world w;
    world_open(&w, 7);
    uint64_t chance = 99, live, restored, partly;
    char key[16], value[32];
    int32_t at_half = 0;
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < 50; i++) {
            chance = chance * 6364136223846793005u + 1442695040888963407u;
            snprintf(key, sizeof(key), "%u", (unsigned)(chance >> 33) % 200);
            snprintf(value, sizeof(value), "%llx", (unsigned long long)chance);
            cu_table *t = cu_space_table(w.space, (uint16_t)(chance >> 60));
            if (chance >> 40 & 1)
                cu_table_put(t, cu_slice_of(key), cu_slice_of(value));
            else
                cu_table_del(t, cu_slice_of(key));
        }
        if (chance >> 50 & 1)
            world_commit(&w);
        else
            cu_space_revert(w.space);
        if (round == 20)
            at_half = (int32_t)w.changelog->n;
    }
    cr_assert_eq(cu_space_digest(w.space, &live, &err), 0);
    cu_space *copy;
    cr_assert_eq(cu_space_open(w.store, 4, 1, &copy, &err), 0);
    restore_space(copy, w.changelog, 0, 7);
    cr_assert_eq(cu_space_digest(copy, &restored, &err), 0);
    cr_assert_eq(live, restored);
    /* Values are absolute: a part read twice changes nothing. */
    restore_space(copy, w.changelog, (size_t)at_half, 1000);
    cr_assert_eq(cu_space_digest(copy, &restored, &err), 0);
    cr_assert_eq(live, restored);
    cr_assert_eq(cu_space_applied(copy), (int64_t)w.changelog->n);
    bool found;
    cu_progress p;
    cu_arena *a = cu_arena_new(0);
    cr_assert_eq(cu_space_progress(copy, a, &p, &found, &err), 0);
    cr_assert(found);
    cr_assert_eq(p.sequence, w.progress.sequence - 1);
    cu_table_put(cu_space_table(copy, 1), CU_LIT("one more"), CU_LIT(""));
    cr_assert_eq(cu_space_digest(copy, &partly, &err), 0);
    cr_assert_neq(live, partly);
    cu_arena_free(a);
    cu_space_close(copy);
    world_close(&w);
}

Test(space, restore_is_seen_by_a_space_with_cached_rows)
{
    world w;
    world_open(&w, 7);
    put(&w, "a", "1");
    world_commit(&w);
    expect(&w, "a", "1");
    cu_record r = {
        .part = {"changelog", 0}, .key = {"\0\5a", 3}, .value = CU_LIT("2")};
    cr_assert_eq(cu_space_restore(w.space, &r, &err), 0);
    cr_assert_eq(cu_space_restored(w.space, 9, &err), 0);
    expect(&w, "a", "2");
    r.key = CU_LIT("x");
    cr_assert_eq(cu_space_restore(w.space, &r, &err), CU_CORRUPT);
    world_close(&w);
}

/* S1: whatever prefix of its writes the kv keeps, position, progress and
 * rows belong together, and rolling forward gives the live state. */
Test(space, a_power_cut_leaves_a_position_to_roll_forward_from)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        cu_kv *kv = cu_kv_open_memory(seed);
        cu_store *store = cu_store_new(kv, 1 << 20);
        recorder *log = recorder_new(kv);
        cu_space *s;
        cu_arena *a = cu_arena_new(0);
        cu_progress p = {.sequence = 0}, got;
        char value[32];
        cr_assert_eq(cu_space_open(store, 1, 0, &s, &err), 0);
        for (int i = 1; i <= 30; i++) {
            snprintf(value, sizeof(value), "%d", i);
            cu_table *t = cu_space_table(s, 1);
            cu_table_put(t, CU_LIT("count"), cu_slice_of(value));
            cu_table_put(t, cu_slice_of(value), CU_LIT("x"));
            p.sequence++;
            commit_space(s, log, &p);
        }
        uint64_t live, restored;
        cr_assert_eq(cu_space_digest(s, &live, &err), 0);
        cu_space_close(s);
        cu_kv_memory_crash(kv, true);
        cr_assert_eq(cu_space_open(store, 1, 0, &s, &err), 0);
        bool found;
        cu_slice count;
        cr_assert_eq(cu_space_progress(s, a, &got, &found, &err), 0);
        cr_assert_eq(cu_space_applied(s),
                     found ? (int64_t)got.sequence * 3 : 0);
        cr_assert_eq(
            cu_table_get(cu_space_table(s, 1), CU_LIT("count"), &count, &err),
            0);
        snprintf(value, sizeof(value), "%d", found ? (int)got.sequence : 0);
        cr_assert(found ? cu_slice_is(count, value) : !count.data);
        restore_space(s, log, (size_t)cu_space_applied(s), 4);
        cr_assert_eq(cu_space_digest(s, &restored, &err), 0);
        cr_assert_eq(live, restored, "seed %d", (int)seed);
        cu_space_close(s);
        cu_store_free(store);
        recorder_free(log);
        cu_arena_free(a);
        kv->vt->close(kv);
    }
}
