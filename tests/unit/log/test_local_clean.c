/* Retention, compaction and deleted topics of the embedded log. */
#include "tests/unit/log/tools.h"
#include "tests/unit/log/world.h"

#include "base/alloc.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static void maintain(cu_world *w)
{
    cu_err err = {0};
    CU_OK_(w->log->vt->maintain(w->log, &err), &err);
}

static size_t count(cu_world *w, const char *from, const char *to)
{
    cu_err err = {0};
    cu_kv_iter *it;
    cu_slice key, value;
    size_t n = 0;
    CU_OK_(
        w->kv->vt->iter(w->kv, cu_slice_of(from), cu_slice_of(to), &it, &err),
        &err);
    while (w->kv->vt->iter_next(it, &key, &value))
        n++;
    CU_OK_(w->kv->vt->iter_close(it, &err), &err);
    return n;
}

static size_t count_blocks(cu_world *w)
{
    return count(w, "LR", "LS");
}

static void put_one(cu_writer *w, const char *topic, const char *key,
                    const char *value, int64_t ms)
{
    cu_test_begin(w);
    cu_test_put(w, topic, 0, key, value, ms);
    cu_test_commit(w);
}

static void make(cu_world *w, const char *topic, bool compact,
                 int64_t retention_ms)
{
    cu_err err = {0};
    cu_topic_spec spec = {
        .name = topic, .compact = compact, .retention_ms = retention_ms};
    CU_OK_(w->log->vt->topic_ensure(w->log, &spec, &err), &err);
}

/* --- retention --------------------------------------------------------------
 */

Test(local_clean, records_past_retention_go_from_the_front)
{
    cu_world w = cu_world_sim(true);
    make(&w, "t", false, 10000);
    make(&w, "keep", false, 0);
    cu_writer *wr = cu_test_writer(w.log, "id");
    int64_t now = cu_wall_us(w.env) / 1000;
    put_one(wr, "t", "a", "1", now - 20000);
    put_one(wr, "t", "b", "2", now - 9000);
    put_one(wr, "t", "c", "3", now - 20000); /* old, but behind b */
    put_one(wr, "keep", "a", "1", now - 20000);
    maintain(&w);
    cr_assert_eq(cu_test_offset(w.log, "t", 0, CU_OLDEST), 1);
    cr_assert_eq(count_blocks(&w), 3);
    maintain(&w);
    cr_assert_eq(cu_test_offset(w.log, "t", 0, CU_OLDEST), 1);
    cu_env_sim_advance(w.env, 2000 * 1000);
    maintain(&w);
    cr_assert_eq(cu_test_offset(w.log, "t", 0, CU_OLDEST), 3);
    cr_assert_eq(count_blocks(&w), 1);
    cr_assert_eq(cu_test_offset(w.log, "keep", 0, CU_OLDEST), 0);

    wr->vt->writer_close(wr);
    cu_world_crash(&w, false);
    cr_assert_eq(cu_test_offset(w.log, "t", 0, CU_OLDEST), 3);
    cr_assert_eq(cu_test_end(w.log, "t", 0, false), 3);
    wr = cu_test_writer(w.log, "id");
    now = cu_wall_us(w.env) / 1000;
    put_one(wr, "t", "d", "4", now);
    cu_seen seen = {0};
    cu_reader *r = cu_test_reader(w.log, "t", 1, CU_OLDEST);
    cu_test_read(r, &seen, 1);
    cr_assert_eq(seen.at[0].offset, 3); /* L1 */
    r->vt->reader_close(r);
    cu_env_sim_advance(w.env, 11000 * 1000);
    maintain(&w); /* the first block after an emptied log is watched too */
    cr_assert_eq(cu_test_offset(w.log, "t", 0, CU_OLDEST), 4);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_clean, what_follows_an_emptied_log_expires_too)
{
    cu_world w = cu_world_sim(true);
    make(&w, "t", false, 1000);
    cu_writer *wr = cu_test_writer(w.log, "id");
    for (int i = 1; i <= 3; i++) {
        put_one(wr, "t", "k", "v", cu_wall_us(w.env) / 1000);
        maintain(&w);
        cr_assert_eq(count_blocks(&w), 1);
        cu_env_sim_advance(w.env, 2000 * 1000);
        maintain(&w);
        cr_assert_eq(count_blocks(&w), 0);
        cr_assert_eq(cu_test_offset(w.log, "t", 0, CU_OLDEST), i);
    }
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_clean, a_long_history_goes_in_bounded_steps)
{
    cu_world w = cu_world_sim(true);
    make(&w, "t", false, 1000);
    cu_writer *wr = cu_test_writer(w.log, "id");
    int64_t now = cu_wall_us(w.env) / 1000;
    for (int i = 0; i < 1500; i++)
        put_one(wr, "t", "k", "v", now);
    cr_assert_eq(count_blocks(&w), 1500);
    cu_env_sim_advance(w.env, 5000 * 1000);
    maintain(&w);
    cr_assert_eq(count_blocks(&w), 0);
    cr_assert_eq(cu_test_offset(w.log, "t", 0, CU_OLDEST), 1500);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_clean, time_is_found_after_the_front_is_gone)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_test_topic(w.log, "t", 1);
    cu_writer *wr = cu_test_writer(w.log, "id");
    put_one(wr, "t", "k", "v", 5000); /* an outlier, deleted below */
    for (int i = 1; i <= 200; i++)
        put_one(wr, "t", "k", "v", 10 * i);
    for (int i = 1; i <= 200; i++)
        cr_assert_eq(cu_test_offset(w.log, "t", 0, 10 * i), 0);
    CU_OK_(w.log->vt->delete_records(w.log, (cu_part){"t", 0}, 3, &err), &err);
    cr_assert_eq(cu_test_offset(w.log, "t", 0, -100), 3);
    for (int i = 3; i <= 200; i++) {
        cr_assert_eq(cu_test_offset(w.log, "t", 0, 10 * i), i);
        cr_assert_eq(cu_test_offset(w.log, "t", 0, 10 * i - 9), i);
    }
    cr_assert_eq(cu_test_offset(w.log, "t", 0, 2001), 201);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

/* --- deleted topics
 * ----------------------------------------------------------- */

Test(local_clean, blocks_of_a_deleted_topic_go_even_after_a_crash)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_test_topic(w.log, "dead", 2);
    cu_test_topic(w.log, "alive", 1);
    cu_writer *wr = cu_test_writer(w.log, "id");
    for (int i = 0; i < 1200; i++)
        put_one(wr, "dead", "k", "v", 1);
    put_one(wr, "alive", "k", "v", 1);
    CU_OK_(w.log->vt->topic_delete(w.log, "dead", &err), &err);
    wr->vt->writer_close(wr);
    cu_world_crash(&w, false);
    cr_assert_eq(count_blocks(&w), 1201);
    cr_assert_eq(count(&w, "LD", "LE"), 1);
    maintain(&w);
    cr_assert_eq(count(&w, "LD", "LE"), 0);
    cr_assert_eq(count_blocks(&w), 1);
    cr_assert_eq(cu_test_end(w.log, "alive", 0, false), 1);
    maintain(&w);
    cu_world_reopen(&w);
    cr_assert_eq(cu_test_end(w.log, "alive", 0, false), 1);
    cu_world_close(&w);
}

/* --- compaction
 * ----------------------------------------------------------------- */

typedef struct expected { /* the last record of a key */
    int64_t offset;
    int value;
    bool gone;
} expected;

enum { KEYS = 60, PAD = 2000 };

/* The number at `skip` in bytes that have no end mark. */
static int number(cu_slice s, size_t skip)
{
    char text[16];
    snprintf(text, sizeof(text), "%.*s",
             (int)(s.len - skip < 12 ? s.len - skip : 12), s.data + skip);
    return atoi(text);
}

static uint64_t roll(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* Commits n records with random keys; every eighth is a tombstone. */
static void churn(cu_world *w, cu_writer *wr, uint64_t *seed, int n,
                  expected last[KEYS])
{
    static char pad[PAD];
    memset(pad, 'x', PAD);
    int64_t offset = cu_test_end(w->log, "c", 0, false);
    while (n > 0) {
        cu_test_begin(wr);
        for (size_t some = 1 + roll(seed) % 30; some > 0 && n > 0;
             some--, n--) {
            char key[16], value[PAD + 16];
            size_t k = (size_t)(roll(seed) % KEYS);
            bool gone = roll(seed) % 8 == 0;
            last[k] = (expected){offset++, n, gone};
            snprintf(key, sizeof(key), "key%zu", k);
            snprintf(value, sizeof(value), "%d %.*s", n, PAD, pad);
            cu_test_put(wr, "c", 0, key, gone ? NULL : value,
                        cu_wall_us(w->env) / 1000);
        }
        cu_test_commit(wr);
    }
}

/* The last record of each key must be there, with its offset; returns how
 * many records there are. `tombstones` may be missing. */
static size_t fold(cu_world *w, const expected last[KEYS], int64_t from,
                   bool tombstones)
{
    cu_err err = {0};
    cu_position at = {{"c", 0}, from};
    cu_reader_opts o = {.parts = &at, .n_parts = 1};
    cu_reader *r;
    CU_OK_(w->log->vt->reader_open(w->log, &o, &r, &err), &err);
    int64_t seen[KEYS], before = from - 1;
    size_t n = 0;
    for (int k = 0; k < KEYS; k++)
        seen[k] = -1;
    for (;;) {
        cu_poll p;
        CU_OK_(cu_log_poll(r, 0, &p, &err), &err);
        if (p.kind == CU_POLL_END) {
            cr_assert_eq(p.next, cu_test_end(w->log, "c", 0, false));
            break;
        }
        for (size_t i = 0; i < p.n; i++, n++) {
            const cu_record *rec = &p.records[i];
            int k = number(rec->key, 3);
            cr_assert_gt(rec->offset, before);
            before = rec->offset;
            seen[k] = rec->offset;
            if (rec->offset == last[k].offset && rec->value.data)
                cr_assert_eq(number(rec->value, 0), last[k].value);
        }
    }
    r->vt->reader_close(r);
    for (int k = 0; k < KEYS; k++) {
        if (last[k].offset < from)
            continue;
        if (last[k].gone && !tombstones)
            cr_assert(seen[k] == -1);
        else
            cr_assert_eq(seen[k], last[k].offset, "key%d: %ld, not %ld", k,
                         (long)seen[k], (long)last[k].offset);
    }
    return n;
}

Test(local_clean, compaction_keeps_the_last_record_of_each_key)
{
    cu_world w = cu_world_sim(true);
    make(&w, "c", true, 0);
    cu_writer *wr = cu_test_writer(w.log, "id");
    expected last[KEYS];
    uint64_t seed = 7;
    for (int k = 0; k < KEYS; k++)
        last[k] = (expected){-1, 0, true};
    for (int round = 0; round < 6; round++) {
        churn(&w, wr, &seed, 1500, last);
        size_t full = fold(&w, last, 0, true);
        cr_assert_geq(full, 1500);
        maintain(&w);
        size_t n = fold(&w, last, 0, true);
        cr_assert_leq(n, KEYS, "round %d: %zu left", round, n);
        cr_assert_leq(count_blocks(&w), 3);
        for (int i = 0; i < 20; i++) /* seeks into gaps */
            fold(&w, last,
                 (int64_t)(roll(&seed) %
                           (uint64_t)cu_test_end(w.log, "c", 0, false)),
                 true);
    }
    wr->vt->writer_close(wr);
    cu_world_crash(&w, false);
    fold(&w, last, 0, true);
    cu_world_close(&w);
}

Test(local_clean, keys_beyond_the_memory_wait_for_the_next_pass)
{
    cu_world w = cu_world_sim(true);
    w.memory_bytes = 1000; /* some 18 keys */
    cu_world_reopen(&w);
    make(&w, "c", true, 0);
    cu_writer *wr = cu_test_writer(w.log, "id");
    expected last[KEYS];
    uint64_t seed = 7;
    for (int k = 0; k < KEYS; k++)
        last[k] = (expected){-1, 0, true};
    churn(&w, wr, &seed, 1500, last);
    size_t full = fold(&w, last, 0, true), n = full;
    for (int i = 0; i < 40; i++) {
        maintain(&w);
        size_t left = fold(&w, last, 0, true);
        cr_assert_leq(left, n);
        n = left;
    }
    cr_expect_lt(n, full / 2);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_clean, tombstones_live_a_day_and_then_go)
{
    cu_world w = cu_world_sim(true);
    make(&w, "c", true, 0);
    cu_writer *wr = cu_test_writer(w.log, "id");
    expected last[KEYS];
    uint64_t seed = 3;
    for (int k = 0; k < KEYS; k++)
        last[k] = (expected){-1, 0, true};
    churn(&w, wr, &seed, 1500, last);
    maintain(&w);
    fold(&w, last, 0, true);
    /* Two days later other keys make the log dirty again. */
    cu_env_sim_advance(w.env, INT64_C(48) * 3600 * 1000 * 1000);
    char value[5000];
    memset(value, 'y', sizeof(value));
    value[sizeof(value) - 1] = 0;
    for (int i = 0; i < 400; i++)
        put_one(wr, "c", "key999", value, 1);
    maintain(&w);
    cu_err err = {0};
    cu_poll p;
    size_t n = 0, live = 0;
    cu_reader *r = cu_test_reader(w.log, "c", 1, CU_OLDEST);
    do {
        CU_OK_(cu_log_poll(r, 0, &p, &err), &err);
        for (size_t i = 0; p.kind == CU_POLL_RECORDS && i < p.n; i++, n++)
            cr_assert_not_null(p.records[i].value.data);
    } while (p.kind == CU_POLL_RECORDS);
    for (int k = 0; k < KEYS; k++)
        live += last[k].offset >= 0 && !last[k].gone;
    cr_assert_eq(n, live + 1);
    r->vt->reader_close(r);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_clean, a_reader_on_its_way_is_not_disturbed_by_compaction)
{
    cu_world w = cu_world_sim(true);
    make(&w, "c", true, 0);
    cu_writer *wr = cu_test_writer(w.log, "id");
    cu_err err = {0};
    expected last[KEYS];
    uint64_t seed = 11;
    for (int k = 0; k < KEYS; k++)
        last[k] = (expected){-1, 0, true};
    churn(&w, wr, &seed, 800, last);
    cu_reader *r = cu_test_reader(w.log, "c", 1, CU_OLDEST);
    int64_t seen[KEYS], next = 0;
    for (int k = 0; k < KEYS; k++)
        seen[k] = -1;
    for (int polls = 0;; polls++) {
        cu_poll p;
        CU_OK_(cu_log_poll(r, 0, &p, &err), &err);
        if (polls == 5) {
            maintain(&w); /* what is lent stays */
            churn(&w, wr, &seed, 800, last);
        }
        if (polls == 6) /* position in a gap of the merged block */
            CU_OK_(r->vt->reader_seek(r, (cu_part){"c", 0}, next, &err), &err);
        if (p.kind == CU_POLL_END)
            break;
        for (size_t i = 0; i < p.n; i++) {
            cr_assert_geq(p.records[i].offset, next);
            next = p.records[i].offset + 1;
            seen[number(p.records[i].key, 3)] = p.records[i].offset;
        }
        next = p.next;
    }
    for (int k = 0; k < KEYS; k++)
        cr_assert_eq(seen[k], last[k].offset);
    r->vt->reader_close(r);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_clean, a_failed_or_crashed_pass_is_repeated)
{
    for (unsigned fail = 1; fail <= 4; fail++) {
        cu_world w = cu_world_sim(true);
        make(&w, "c", true, 0);
        cu_writer *wr = cu_test_writer(w.log, "id");
        cu_err err = {0};
        expected last[KEYS];
        uint64_t seed = 17;
        for (int k = 0; k < KEYS; k++)
            last[k] = (expected){-1, 0, true};
        churn(&w, wr, &seed, 3000, last);
        wr->vt->writer_close(wr);
        cu_kv_memory_fail_write(w.kv, fail, CU_IO);
        cr_assert_eq(w.log->vt->maintain(w.log, &err), CU_IO);
        fold(&w, last, 0, true);
        cu_world_crash(&w, false);
        fold(&w, last, 0, true);
        maintain(&w);
        cr_assert_leq(fold(&w, last, 0, true), KEYS);
        cu_world_close(&w);
    }
}

Test(local_clean, compaction_works_on_rocks_while_time_is_short)
{
    cu_world w = cu_world_rocks(true);
    make(&w, "c", true, 0);
    cu_writer *wr = cu_test_writer(w.log, "id");
    expected last[KEYS];
    uint64_t seed = 5;
    for (int k = 0; k < KEYS; k++)
        last[k] = (expected){-1, 0, true};
    churn(&w, wr, &seed, 3000, last);
    size_t n = 0;
    CU_AWAIT((maintain(&w), n = fold(&w, last, 0, true)) <= KEYS);
    wr->vt->writer_close(wr);
    cu_world_reopen(&w);
    cr_assert_eq(fold(&w, last, 0, true), n);
    cu_world_close(&w);
}
