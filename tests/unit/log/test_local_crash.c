/* Crashes of the embedded log against a model.
 *
 * Random transactions write to random partitions, mark a position, attach a
 * state batch with their number; fault points kill some commits before or
 * after the write, some are aborted.  After each kill the log is opened
 * again and must hold exactly the transactions whose state is there. */
#include "tests/unit/log/tools.h"
#include "tests/unit/log/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum { PARTS = 3, MOST = 8000 };

typedef struct row {
    int txn, n;
    int64_t offset;
} row;

typedef struct model {
    cu_world w;
    cu_writer *wr;
    cu_reader *in; /* of the group */
    uint64_t seed;
    row rows[PARTS][MOST];
    size_t n[PARTS];
    int64_t ends[PARTS]; /* highest ever seen: L1 */
    int64_t marked;
    int last_txn; /* committed */
    bool carry_state;
} model;

static uint64_t chance(model *m)
{
    m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
    return m->seed >> 33;
}

static void open_all(model *m)
{
    cu_err err = {0};
    cu_poll p;
    const char *topic = "in";
    cu_reader_opts o = {.group = "g", .topics = &topic, .n_topics = 1};
    m->wr = cu_test_writer(m->w.log, "id");
    CU_OK_(m->w.log->vt->reader_open(m->w.log, &o, &m->in, &err), &err);
    CU_OK_(cu_log_poll(m->in, 0, &p, &err), &err);
    cr_assert_eq(p.kind, CU_POLL_ASSIGNED);
}

static void close_all(model *m)
{
    m->wr->vt->writer_close(m->wr);
    m->in->vt->reader_close(m->in);
}

/* The transaction's number in the state; 0: none yet. */
static int stored_txn(model *m)
{
    cu_err err = {0};
    cu_slice value;
    cu_arena *a = cu_arena_new(0);
    CU_OK_(m->w.kv->vt->get(m->w.kv, CU_LIT("Stxn"), a, &value, &err), &err);
    int txn = value.data ? atoi(cu_arena_strn(a, value.data, value.len)) : 0;
    cu_arena_free(a);
    return txn;
}

/* Reads everything and compares. */
static void check(model *m)
{
    cu_err err = {0};
    cu_reader *r = cu_test_reader(m->w.log, "out", PARTS, CU_OLDEST);
    size_t n[PARTS] = {0}, ends = 0;
    int64_t next[PARTS] = {0};
    while (ends < PARTS) {
        cu_poll p;
        CU_OK_(cu_log_poll(r, 0, &p, &err), &err);
        ends += p.kind == CU_POLL_END;
        for (size_t i = 0; p.kind == CU_POLL_RECORDS && i < p.n; i++) {
            int32_t part = p.part.partition;
            const row *want = &m->rows[part][n[part]++];
            char value[32];
            snprintf(value, sizeof(value), "%d/%d", want->txn, want->n);
            cr_assert_leq(n[part], m->n[part]);
            cr_assert(cu_slice_is(p.records[i].value, value), "%.*s, not %s",
                      (int)p.records[i].value.len, p.records[i].value.data,
                      value);
            cr_assert_geq(p.records[i].offset, next[part]);
            next[part] = p.records[i].offset + 1;
        }
    }
    for (int32_t i = 0; i < PARTS; i++) {
        cr_assert_eq(n[i], m->n[i], "partition %d: %zu of %zu", (int)i, n[i],
                     m->n[i]);
        int64_t end = cu_test_end(m->w.log, "out", i, false);
        cr_assert_geq(end, m->ends[i]);
        m->ends[i] = end;
    }
    cr_assert_eq(cu_test_committed(m->w.log, "g", "in", 0), m->marked);
    r->vt->reader_close(r);
}

/* One transaction; returns what commit said. */
static int transact(model *m, int txn, row made[PARTS][64], size_t n[PARTS])
{
    cu_err err = {0};
    cu_kv_batch b = {0};
    cu_arena *a = cu_arena_new(0);
    cu_positions ends;
    char text[32];
    cu_test_begin(m->wr);
    for (size_t left = chance(m) % 40; left-- > 0;) {
        int32_t part = (int32_t)(chance(m) % PARTS);
        snprintf(text, sizeof(text), "%d/%zu", txn, n[part]);
        cu_test_put(m->wr, "out", part, "k", text, txn);
        made[part][n[part]] = (row){txn, (int)n[part], 0};
        n[part]++;
    }
    CU_OK_(m->wr->vt->mark(m->wr, m->in, (cu_part){"in", 0}, txn, &err), &err);
    snprintf(text, sizeof(text), "%d", txn);
    cu_kv_batch_put(&b, CU_LIT("Stxn"), cu_slice_of(text));
    bool carried = m->wr->vt->attach(m->wr, &b);
    cr_assert_eq(carried, m->carry_state);
    int rc;
    if (chance(m) % 10 == 0) {
        CU_OK_(m->wr->vt->abort(m->wr, &err), &err);
        rc = CU_USAGE; /* stands for "aborted" */
    } else {
        rc = m->wr->vt->commit(m->wr, 0, a, &ends, &err);
    }
    if (!carried && rc == 0)
        CU_OK_(m->w.kv->vt->write(m->w.kv, &b, false, &err), &err);
    cu_kv_batch_free(&b);
    cu_arena_free(a);
    return rc;
}

static void keep(model *m, int txn, row made[PARTS][64], size_t n[PARTS])
{
    for (size_t i = 0; i < PARTS; i++) {
        cr_assert_lt(m->n[i] + n[i], MOST);
        memcpy(&m->rows[i][m->n[i]], made[i], n[i] * sizeof(row));
        m->n[i] += n[i];
    }
    m->marked = txn;
    m->last_txn = txn;
}

static void run(uint64_t seed, bool carry_state, int *killed, int *survived)
{
    model *m = calloc(1, sizeof(*m));
    m->seed = seed;
    m->carry_state = carry_state;
    m->marked = CU_NO_OFFSET;
    m->w = cu_world_sim(carry_state);
    cu_test_topic(m->w.log, "out", PARTS);
    cu_test_topic(m->w.log, "in", 1);
    open_all(m);
    cu_env_sim_faults(m->w.env, 150, NULL, 0);
    for (int txn = 1; txn <= 150; txn++) {
        row made[PARTS][64];
        size_t n[PARTS] = {0};
        int64_t before = cu_test_committed(m->w.log, "g", "in", 0);
        int rc = transact(m, txn, made, n);
        if (rc == 0) {
            keep(m, txn, made, n);
        } else if (rc == CU_STOPPED) {
            close_all(m);
            cu_world_crash(&m->w, false);
            open_all(m);
            bool there = cu_test_committed(m->w.log, "g", "in", 0) != before;
            ++*killed;
            *survived += there;
            if (carry_state) /* L2: state and marks tell the same */
                cr_assert_eq(stored_txn(m) == txn, there);
            if (there)
                keep(m, txn, made, n);
            check(m);
        }
    }
    check(m);
    close_all(m);
    cu_world_close(&m->w);
    free(m);
}

Test(local_crash, a_kill_loses_no_commit_and_shows_no_open_transaction)
{
    int killed = 0, survived = 0;
    for (uint64_t seed = 1; seed <= 12; seed++)
        run(seed, seed % 2, &killed, &survived);
    cr_assert_gt(survived, 20);          /* killed after the write */
    cr_assert_gt(killed - survived, 20); /* and before it */
}

Test(local_crash, the_writer_is_dead_after_a_fault)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_arena *a = cu_arena_new(0);
    cu_test_topic(w.log, "t", 1);
    cu_writer *wr = cu_test_writer(w.log, "id");
    cu_env_sim_faults(w.env, 1000, "log_before_commit", 1);
    cu_test_begin(wr);
    cu_test_put(wr, "t", 0, "k", "v", 1);
    cr_assert_eq(wr->vt->commit(wr, 0, a, NULL, &err), CU_STOPPED);
    cr_assert(err.flags & CU_FATAL);
    cr_assert_eq(wr->vt->begin(wr, &err), CU_STOPPED);
    cr_assert_eq(wr->vt->abort(wr, &err), CU_STOPPED);
    cr_assert_eq(cu_test_end(w.log, "t", 0, false), 0);
    wr->vt->writer_close(wr);
    cu_arena_free(a);
    cu_world_close(&w);
}

/* Others may go on before they are unwound too: nothing is used twice. */
Test(local_crash, what_was_written_before_the_kill_is_in_memory_too)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_arena *a = cu_arena_new(0);
    cu_test_topic(w.log, "t", 1);
    cu_writer *wr = cu_test_writer(w.log, "id");
    cu_writer *other = cu_test_writer(w.log, "other");
    cu_env_sim_faults(w.env, 1000, "log_after_commit", 1);
    cu_test_begin(wr);
    cu_test_put(wr, "t", 0, "k", "v", 1);
    cr_assert_eq(wr->vt->commit(wr, 0, a, NULL, &err), CU_STOPPED);
    cu_env_sim_faults(w.env, 0, NULL, 0);
    cr_assert_eq(cu_test_end(w.log, "t", 0, false), 1);
    cu_test_put_many(other, "t", 0, 1);
    cu_seen seen = {0};
    cu_reader *r = cu_test_reader(w.log, "t", 1, CU_OLDEST);
    cu_test_read(r, &seen, 2);
    cu_test_expect_seen(&seen, "k=v k0=v0");
    r->vt->reader_close(r);
    wr->vt->writer_close(wr);
    other->vt->writer_close(other);
    cu_arena_free(a);
    cu_world_close(&w);
}

/* Without fsync a power cut takes whole commits from the end, together with
 * their marks and state. */
Test(local_crash, a_power_cut_leaves_a_prefix_of_whole_commits)
{
    for (int round = 0; round < 20; round++) {
        cu_world w = cu_world_sim(true);
        cu_err err = {0};
        cu_arena *a = cu_arena_new(0);
        cu_test_topic(w.log, "t", 2);
        CU_OK_(w.kv->vt->sync(w.kv, &err), &err);
        cu_writer *wr = cu_test_writer(w.log, "id");
        for (int i = 1; i <= 10 + round; i++) {
            char text[16];
            cu_kv_batch b = {0};
            snprintf(text, sizeof(text), "%d", i);
            cu_kv_batch_put(&b, CU_LIT("S"), cu_slice_of(text));
            cu_test_begin(wr);
            cu_test_put(wr, "t", 0, "k", text, 1);
            cu_test_put(wr, "t", 1, "k", text, 1);
            wr->vt->attach(wr, &b);
            cu_test_commit(wr);
            cu_kv_batch_free(&b);
        }
        wr->vt->writer_close(wr);
        cu_world_crash(&w, true);
        cu_slice value;
        CU_OK_(w.kv->vt->get(w.kv, CU_LIT("S"), a, &value, &err), &err);
        size_t n = 0;
        if (value.data)
            n = (size_t)atoi(cu_arena_strn(a, value.data, value.len));
        for (int32_t part = 0; part < 2; part++) {
            cr_assert_eq(cu_test_end(w.log, "t", part, false), (int64_t)n);
        }
        cu_seen seen = {0};
        cu_reader *r = cu_test_reader(w.log, "t", 2, CU_OLDEST);
        cu_test_read(r, &seen, 2 * n);
        cu_test_read_to_end(r, &seen, 2);
        cr_assert_eq(seen.n, 2 * n);
        r->vt->reader_close(r);
        cu_arena_free(a);
        cu_world_close(&w);
    }
}

Test(local_crash, a_power_cut_takes_nothing_when_each_commit_is_synced)
{
    for (uint64_t seed = 0; seed < 10; seed++) {
        cu_err err = {0};
        cu_kv *kv = cu_kv_open_memory(seed);
        cu_env *env = cu_env_sim(seed);
        cu_log *log;
        cu_log_local_opts o = {.kv = kv, .env = env, .sync_commit = true};
        CU_OK_(cu_log_open_local(&o, &log, &err), &err);
        cu_test_topic(log, "t", 1);
        cu_writer *wr = cu_test_writer(log, "id");
        for (int i = 0; i < 5; i++)
            cu_test_put_many(wr, "t", 0, 2);
        wr->vt->writer_close(wr);
        cu_kv_memory_crash(kv, true);
        log->vt->close(log);
        CU_OK_(cu_log_open_local(&o, &log, &err), &err);
        cr_assert_eq(cu_test_end(log, "t", 0, false), 10);
        log->vt->close(log);
        kv->vt->close(kv);
        env->vt->close(env);
    }
}

Test(local_crash, maintenance_syncs_once_a_second)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_test_topic(w.log, "t", 1);
    cu_writer *wr = cu_test_writer(w.log, "id");
    for (int i = 0; i < 50; i++)
        cu_test_put_many(wr, "t", 0, 1);
    cu_env_sim_advance(w.env, 1500 * 1000);
    CU_OK_(w.log->vt->maintain(w.log, &err), &err);
    cu_test_put_many(wr, "t", 0, 1);
    CU_OK_(w.log->vt->maintain(w.log, &err), &err); /* too early */
    wr->vt->writer_close(wr);
    cu_world_crash(&w, true);
    int64_t end = cu_test_end(w.log, "t", 0, false);
    cr_assert(end == 50 || end == 51);
    cu_world_close(&w);
}
