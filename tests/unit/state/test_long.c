#include "tests/unit/state/world.h"

#include "base/alloc.h"
#include "base/map.h"

#include <criterion/criterion.h>
#include <stdio.h>

static cu_err err;

static void open_world(world *w, size_t limit, uint64_t seed)
{
    world_open(w, seed);
    w->changelog->limit = limit;
}

static unsigned draw(world *w, unsigned n)
{
    w->chance = w->chance * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(w->chance >> 33) % n;
}

static cu_slice text(char *buf, size_t size, char letter)
{
    memset(buf, letter, size);
    return cu_slice_n(buf, size);
}

static void put(world *w, const char *key, char letter, size_t size)
{
    char *buf = cu_alloc(size + 1);
    cu_table_put(cu_space_table(w->space, 5), cu_slice_of(key),
                 text(buf, size, letter));
    cu_free(buf);
}

static void expect(cu_space *s, const char *key, char letter, size_t size)
{
    cu_slice got;
    char *buf = cu_alloc(size + 1);
    cr_assert_eq(
        cu_table_get(cu_space_table(s, 5), cu_slice_of(key), &got, &err), 0);
    cr_assert(got.data && cu_slice_eq(got, text(buf, size, letter)),
              "%s: %zu bytes, not %zu", key, got.len, size);
    cu_free(buf);
}

static uint64_t digest_of(cu_space *s)
{
    uint64_t d;
    cr_assert_eq(cu_space_digest(s, &d, &err), 0);
    return d;
}

/* What compaction leaves of the records before `n`: the last of each key, and
 * no tombstones when `clean`. */
static recorder *compacted(const recorder *from, size_t n, bool clean)
{
    recorder *to = recorder_new(from->kv);
    cu_map *last = cu_map_new();
    bool fresh;
    to->records = cu_calloc(from->n + 1, sizeof(*to->records));
    for (size_t i = 0; i < n; i++)
        *cu_map_put(last, from->records[i].key, &fresh) = &from->records[i];
    for (size_t i = 0; i < from->n; i++) {
        const cu_record *r = &from->records[i];
        bool gone = i < n && (*cu_map_get(last, r->key) != r ||
                              (clean && !r->value.data));
        if (!gone)
            to->records[to->n++] = *r;
    }
    cu_map_free(last);
    return to;
}

/* Another store, from this changelog; `step` records a write. */
static uint64_t restored_from(world *w, const recorder *log, size_t step)
{
    cu_kv *kv = cu_kv_open_memory(1);
    cu_store *store = cu_store_new(kv, 0);
    cu_space *s;
    cr_assert_eq(cu_space_open(store, 9, 0, &s, &err), 0);
    for (size_t i = 0; i < log->n; i++) {
        cr_assert_eq(cu_space_restore(s, &log->records[i], &err), 0, "%s",
                     err.msg);
        if ((i + 1) % step && i + 1 < log->n)
            continue;
        cr_assert_eq(cu_space_restored(s, log->records[i].offset + 1, &err), 0);
        if (draw(w, 2)) { /* killed: goes on where its position says */
            cu_space_close(s);
            cr_assert_eq(cu_space_open(store, 9, 0, &s, &err), 0);
            while (i + 1 > 0 && log->records[i].offset >= cu_space_applied(s) &&
                   i > 0)
                i--;
            if (log->records[i].offset >= cu_space_applied(s))
                i = (size_t)-1;
        }
    }
    cr_assert_eq(cu_space_whole(s, &err), 0, "%s", err.msg);
    uint64_t d = digest_of(s);
    cu_space_close(s);
    cu_store_free(store);
    kv->vt->close(kv);
    return d;
}

Test(long_rows, go_in_pieces_and_come_back_whole)
{
    world w;
    open_world(&w, 1000, 7);
    put(&w, "a", 'a', 100000);
    put(&w, "b", 'b', 10);
    world_commit(&w);
    cr_assert_gt(w.changelog->n, 100);
    for (size_t i = 0; i < w.changelog->n; i++)
        cr_assert_leq(w.changelog->records[i].key.len +
                          w.changelog->records[i].value.len,
                      1000);
    world_reopen(&w);
    expect(w.space, "a", 'a', 100000);
    cu_space *copy;
    cr_assert_eq(cu_space_open(w.store, 4, 1, &copy, &err), 0);
    restore_space(copy, w.changelog, 0, 7);
    expect(copy, "a", 'a', 100000);
    expect(copy, "b", 'b', 10);
    cr_assert_eq(digest_of(copy), digest_of(w.space));
    cu_space_close(copy);
    world_close(&w);
}

Test(long_rows, fit_again_or_go_without_leaving_anything)
{
    world w;
    open_world(&w, 500, 7);
    put(&w, "a", 'a', 5000);
    put(&w, "b", 'b', 5000);
    put(&w, "c", 'c', 5);
    world_commit(&w);
    world_reopen(&w);
    put(&w, "a", 'A', 5);
    put(&w, "c", 'C', 5000);
    cu_table_del(cu_space_table(w.space, 5), CU_LIT("b"));
    world_commit(&w);
    cu_table_del(cu_space_table(w.space, 5), CU_LIT("c"));
    world_commit(&w);
    recorder *left = compacted(w.changelog, w.changelog->n, true);
    cr_assert_eq(left->n, 2); /* a and the progress */
    cr_assert_eq(restored_from(&w, left, 1), digest_of(w.space));
    recorder_free(left);
    world_close(&w);
}

Test(long_rows, a_key_may_be_long_as_well)
{
    world w;
    char *key = cu_calloc(1, 3001);
    memset(key, 'k', 3000);
    open_world(&w, 500, 7);
    put(&w, key, 'a', 3);
    world_commit(&w);
    put(&w, key, 'b', 3);
    world_commit(&w);
    expect(w.space, key, 'b', 3);
    cr_assert_eq(restored_from(&w, w.changelog, 3), digest_of(w.space));
    cu_table_del(cu_space_table(w.space, 5), cu_slice_of(key));
    world_commit(&w);
    recorder *left = compacted(w.changelog, w.changelog->n, true);
    cr_assert_eq(left->n, 1);
    recorder_free(left);
    cu_free(key);
    world_close(&w);
}

Test(long_rows, an_aborted_commit_leaves_the_old_pieces)
{
    world w;
    open_world(&w, 500, 7);
    put(&w, "a", 'a', 5000);
    world_commit(&w);
    size_t before = w.changelog->n;
    put(&w, "a", 'b', 7000);
    cu_part part = {"changelog", 0};
    cr_assert_eq(cu_space_log_changes(w.space, &w.changelog->writer, part, 0,
                                      &w.progress, &err),
                 0);
    w.changelog->n = before;
    cu_space_revert(w.space);
    expect(w.space, "a", 'a', 5000);
    put(&w, "a", 'c', 6000);
    world_commit(&w);
    expect(w.space, "a", 'c', 6000);
    recorder *left = compacted(w.changelog, w.changelog->n, true);
    cr_assert_eq(restored_from(&w, left, 2), digest_of(w.space));
    recorder_free(left);
    world_close(&w);
}

Test(long_rows, whatever_compaction_leaves_folds_to_the_live_state)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        world w;
        char key[8];
        open_world(&w, 120 + seed % 5 * 40, seed);
        for (int round = 0; round < 25; round++) {
            for (unsigned i = draw(&w, 6); i > 0; i--) {
                snprintf(key, sizeof(key), "%u", draw(&w, 6));
                if (draw(&w, 3) == 0)
                    cu_table_del(cu_space_table(w.space, 5), cu_slice_of(key));
                else
                    put(&w, key, (char)('a' + draw(&w, 26)),
                        draw(&w, 2) ? draw(&w, 60) : draw(&w, 900));
            }
            if (draw(&w, 4))
                world_commit(&w);
            else
                cu_space_revert(w.space);
            if (draw(&w, 5) == 0)
                world_reopen(&w);
        }
        uint64_t live = digest_of(w.space);
        for (int i = 0; i < 6; i++) {
            size_t n = i ? draw(&w, (unsigned)w.changelog->n + 1) : 0;
            recorder *log = compacted(w.changelog, n, i % 2);
            cr_assert_eq(restored_from(&w, log, 1 + draw(&w, 9)), live,
                         "seed %d, %d", (int)seed, i);
            recorder_free(log);
        }
        world_close(&w);
    }
}

Test(long_rows, missing_pieces_are_damage_and_no_silence)
{
    world w;
    open_world(&w, 500, 7);
    put(&w, "a", 'a', 5000);
    world_commit(&w);
    cu_space *copy;
    for (size_t without = 0; without < w.changelog->n; without++) {
        cr_assert_eq(cu_space_open(w.store, 4, (uint16_t)without, &copy, &err),
                     0);
        for (size_t i = 0; i < w.changelog->n; i++)
            if (i != without)
                cr_assert_eq(
                    cu_space_restore(copy, &w.changelog->records[i], &err), 0);
        cr_assert_eq(cu_space_restored(copy, 99, &err), 0);
        cu_scan key = cu_scan_of(w.changelog->records[without].key);
        bool is_piece = cu_scan_u16be(&key) == 0xFFFE;
        cu_scan_u64be(&key);
        cu_scan_u32be(&key);
        is_piece = is_piece && cu_scan_u32be(&key) > 0 && !key.bad;
        cr_assert_eq(cu_space_whole(copy, &err), is_piece ? CU_CORRUPT : 0,
                     "without record %zu", without);
        cu_space_close(copy);
        cr_assert_eq(cu_space_open(w.store, 4, (uint16_t)without, &copy, &err),
                     0);
        cr_assert_eq(cu_space_whole(copy, &err), is_piece ? CU_CORRUPT : 0);
        cu_space_close(copy);
    }
    world_close(&w);
}
