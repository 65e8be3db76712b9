/* Readers of the embedded log: what the contract leaves to the transport. */
#include "tests/unit/log/tools.h"
#include "tests/unit/log/world.h"

#include "log/local.h"

#include <criterion/criterion.h>

static cu_poll poll(cu_reader *r, int64_t timeout_ms)
{
    cu_err err = {0};
    cu_poll p;
    CU_OK_(cu_log_poll(r, timeout_ms, &p, &err), &err);
    return p;
}

static cu_reader *join(cu_log *log, const char *topic, const char *instance)
{
    cu_err err = {0};
    cu_reader *r;
    cu_reader_opts o = {
        .group = "g", .topics = &topic, .n_topics = 1, .instance = instance};
    CU_OK_(log->vt->reader_open(log, &o, &r, &err), &err);
    return r;
}

Test(local_reader, poll_never_waits_in_simulation_but_time_passes)
{
    cu_world w = cu_world_sim(true);
    cu_test_topic(w.log, "t", 1);
    cu_reader *r = cu_test_reader(w.log, "t", 1, CU_OLDEST);
    cr_assert_eq(poll(r, 0).kind, CU_POLL_END);
    int64_t before = cu_mono_us(w.env);
    cr_assert_eq(poll(r, 0).kind, CU_POLL_IDLE);
    cr_assert_eq(cu_mono_us(w.env), before);
    cr_assert_eq(poll(r, 3600 * 1000).kind, CU_POLL_IDLE);
    cr_assert_eq(cu_mono_us(w.env), before + INT64_C(3600) * 1000 * 1000);
    r->vt->reader_close(r);
    cu_world_close(&w);
}

Test(local_reader, a_block_is_handed_out_in_portions)
{
    cu_world w = cu_world_sim(true);
    cu_test_topic(w.log, "t", 1);
    cu_writer *wr = cu_test_writer(w.log, "id");
    cu_test_put_many(wr, "t", 0, 2500);
    cu_reader *r = cu_test_reader(w.log, "t", 1, CU_OLDEST);
    size_t sizes[3];
    for (size_t i = 0; i < 3; i++) {
        cu_poll p = poll(r, 0);
        cr_assert_eq(p.kind, CU_POLL_RECORDS);
        sizes[i] = p.n;
    }
    cr_assert(sizes[0] == 1024 && sizes[1] == 1024 && sizes[2] == 452);
    cr_assert_eq(poll(r, 0).kind, CU_POLL_END);
    r->vt->reader_close(r);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_reader, a_seek_keeps_what_is_lent_until_the_next_poll)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_test_topic(w.log, "t", 1);
    cu_writer *wr = cu_test_writer(w.log, "id");
    cu_test_put_many(wr, "t", 0, 3);
    cu_reader *r = cu_test_reader(w.log, "t", 1, CU_OLDEST);
    cu_poll p = poll(r, 0);
    cr_assert_eq(p.n, 3);
    CU_OK_(r->vt->reader_seek(r, p.part, 2, &err), &err);
    CU_OK_(r->vt->reader_pause(r, p.part, true, &err), &err);
    cr_assert(cu_slice_is(p.records[2].value, "v2"));
    CU_OK_(r->vt->reader_pause(r, p.part, false, &err), &err);
    p = poll(r, 0);
    cr_assert_eq(p.n, 1);
    cr_assert_eq(p.records[0].offset, 2);
    r->vt->reader_close(r);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_reader, a_lost_history_is_told_once_and_seek_goes_on)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_poll p;
    cu_test_topic(w.log, "t", 2);
    cu_writer *wr = cu_test_writer(w.log, "id");
    cu_test_put_many(wr, "t", 0, 4);
    cu_test_put_many(wr, "t", 1, 1);
    cu_reader *r = cu_test_reader(w.log, "t", 2, CU_OLDEST);
    cu_part part = {"t", 0};
    CU_OK_(w.log->vt->delete_records(w.log, part, 3, &err), &err);
    cr_assert_eq(cu_log_poll(r, 0, &p, &err), CU_HISTORY);
    cr_assert_not_null(strstr(err.msg, "t[0]: offset 0"), "%s", err.msg);
    p = poll(r, 0); /* the other partition goes on */
    cr_assert_eq(p.kind, CU_POLL_RECORDS);
    cr_assert_eq(p.part.partition, 1);
    cr_assert_eq(poll(r, 0).kind, CU_POLL_END);
    cr_assert_eq(poll(r, 0).kind, CU_POLL_IDLE);
    CU_OK_(r->vt->reader_seek(r, part, CU_OLDEST, &err), &err);
    p = poll(r, 0);
    cr_assert_eq(p.kind, CU_POLL_RECORDS);
    cr_assert_eq(p.records[0].offset, 3);
    CU_OK_(r->vt->reader_seek(r, part, 99, &err), &err);
    cr_assert_eq(cu_log_poll(r, 0, &p, &err), CU_HISTORY);
    r->vt->reader_close(r);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_reader, a_deleted_topic_is_told_and_its_name_can_be_used_again)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_poll p;
    cu_test_topic(w.log, "t", 1);
    cu_writer *wr = cu_test_writer(w.log, "id");
    cu_test_put_many(wr, "t", 0, 4);
    cu_reader *r = cu_test_reader(w.log, "t", 1, CU_OLDEST);
    cu_test_begin(wr);
    cu_test_put(wr, "t", 0, "k", "lost", 1);
    CU_OK_(w.log->vt->topic_delete(w.log, "t", &err), &err);
    cr_assert_eq(wr->vt->commit(wr, 0, NULL, NULL, &err), CU_NOT_FOUND);
    cr_assert(err.flags & CU_ABORT);
    CU_OK_(wr->vt->abort(wr, &err), &err);
    cr_assert_eq(cu_log_poll(r, 0, &p, &err), CU_NOT_FOUND);
    cr_assert_eq(poll(r, 0).kind, CU_POLL_IDLE);
    r->vt->reader_close(r);

    cu_test_topic(w.log, "t", 2);
    cr_assert_eq(cu_test_end(w.log, "t", 0, false), 0);
    cu_test_put_many(wr, "t", 1, 2);
    cu_seen seen = {0};
    r = cu_test_reader(w.log, "t", 2, CU_OLDEST);
    cu_test_read(r, &seen, 2);
    r->vt->reader_close(r);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_reader, a_damaged_block_is_named_and_can_be_skipped)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_poll p;
    cu_test_topic(w.log, "t", 1);
    cu_writer *wr = cu_test_writer(w.log, "id");
    for (int i = 0; i < 3; i++)
        cu_test_put_many(wr, "t", 0, 2);
    char key[CU_LOCAL_RECORD_KEY];
    cu_slice value, k = cu_local_record_key(key, 1, 0, 2);
    cu_arena *a = cu_arena_new(0);
    CU_OK_(w.kv->vt->get(w.kv, k, a, &value, &err), &err);
    cr_assert_not_null(value.data);
    ((char *)value.data)[value.len - 1] ^= 1;
    cu_kv_batch b = {0};
    cu_kv_batch_put(&b, k, value);
    CU_OK_(w.kv->vt->write(w.kv, &b, false, &err), &err);
    cu_kv_batch_free(&b);

    cu_reader *r = cu_test_reader(w.log, "t", 1, CU_OLDEST);
    cr_assert_eq(poll(r, 0).n, 2);
    cr_assert_eq(cu_log_poll(r, 0, &p, &err), CU_CORRUPT);
    cr_assert_not_null(strstr(err.msg, "t[0] at offset 2"), "%s", err.msg);
    cr_assert_eq(poll(r, 0).kind, CU_POLL_IDLE);
    CU_OK_(r->vt->reader_seek(r, (cu_part){"t", 0}, 4, &err), &err);
    cr_assert_eq(poll(r, 0).records[0].offset, 4);
    r->vt->reader_close(r);
    /* Deleting past it works too, and offsets go on. */
    CU_OK_(w.log->vt->delete_records(w.log, (cu_part){"t", 0}, 4, &err), &err);
    CU_OK_(w.kv->vt->get(w.kv, k, a, &value, &err), &err);
    cr_assert_null(value.data);
    cu_arena_free(a);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

/* One commit of 2 MB that does not pack well. */
static void put_much(cu_writer *w, int32_t partition, uint64_t *random)
{
    enum { VALUE = 64 << 10, VALUES = 32 };
    static char value[VALUE + 1];
    cu_test_begin(w);
    for (int i = 0; i < VALUES; i++) {
        for (size_t at = 0; at < VALUE; at++) {
            *random = *random * 6364136223846793005u + 1442695040888963407u;
            value[at] = (char)(' ' + (*random >> 33) % 90);
        }
        cu_test_put(w, "t", partition, "k", value, 1);
    }
    cu_test_commit(w);
}

Test(local_reader, one_that_lags_keeps_few_memtables)
{
    enum { PARTS = 16 };
    cu_world w = cu_world_rocks(true);
    cu_test_topic(w.log, "t", PARTS);
    cu_writer *wr = cu_test_writer(w.log, "id");
    uint64_t random = 1;
    for (int32_t i = 0; i < PARTS; i++)
        put_much(wr, i, &random);
    cu_reader *r = cu_test_reader(w.log, "t", PARTS, CU_OLDEST);
    bool met[PARTS] = {0};
    int n_met = 0;
    for (int i = 0; i < PARTS; i++) {
        cu_poll p = poll(r, 0);
        cr_assert_eq(p.kind, CU_POLL_RECORDS);
        n_met += !met[p.part.partition];
        met[p.part.partition] = true;
        put_much(wr, 0, &random);
    }
    cr_assert_eq(n_met, PARTS, "views as old as could be: %d", n_met);
    cu_kv_stats stats;
    w.kv->vt->stats(w.kv, &stats);
    cr_assert_lt(stats.memtable_bytes, 24 << 20);
    r->vt->reader_close(r);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_reader, a_block_begun_goes_on_where_it_was_when_its_view_went)
{
    cu_world w = cu_world_sim(true);
    cu_test_topic(w.log, "t", 1);
    cu_writer *wr = cu_test_writer(w.log, "id");
    cu_test_put_many(wr, "t", 0, 2500);
    cu_reader *r = cu_test_reader(w.log, "t", 1, CU_OLDEST);
    uint64_t random = 1;
    cr_assert_eq(poll(r, 0).next, 1024);
    for (int i = 0; i < 3; i++)
        put_much(wr, 0, &random);
    cu_poll p = poll(r, 0);
    cr_assert(p.n == 1024 && p.records[0].offset == 1024);
    p = poll(r, 0);
    cr_assert(p.n == 452 && p.records[0].offset == 2048);
    r->vt->reader_close(r);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_reader, an_unknown_topic_or_partition_is_refused)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_reader *r = NULL;
    const char *topic = "nope";
    cu_test_topic(w.log, "t", 2);
    cu_reader_opts o = {.group = "g", .topics = &topic, .n_topics = 1};
    cr_assert_eq(w.log->vt->reader_open(w.log, &o, &r, &err), CU_NOT_FOUND);
    cr_assert_not_null(strstr(err.msg, "nope"));
    cu_position at = {{"t", 2}, 0};
    cu_reader_opts by_hand = {.parts = &at, .n_parts = 1};
    cr_assert_eq(w.log->vt->reader_open(w.log, &by_hand, &r, &err),
                 CU_NOT_FOUND);
    cu_world_close(&w);
}

/* --- groups --------------------------------------------------------------- */

Test(local_group, a_revoked_partition_can_be_marked_until_the_next_poll)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_test_topic(w.log, "t", 2);
    cu_writer *wr = cu_test_writer(w.log, "id");
    cu_reader *a = join(w.log, "t", NULL);
    cr_assert_eq(poll(a, 0).kind, CU_POLL_ASSIGNED);
    cu_reader *b = join(w.log, "t", NULL);
    cr_assert_eq(poll(b, 0).kind, CU_POLL_IDLE); /* a still holds */
    cu_poll p = poll(a, 0);
    cr_assert_eq(p.kind, CU_POLL_REVOKED);
    cr_assert_eq(p.n_parts, 2);
    cr_assert_not(p.lost);
    cr_assert_eq(poll(b, 0).kind, CU_POLL_IDLE);

    cu_test_begin(wr);
    CU_OK_(wr->vt->mark(wr, a, (cu_part){"t", 1}, 5, &err), &err);
    cu_test_commit(wr);
    cr_assert_eq(cu_test_committed(w.log, "g", "t", 1), 5);

    cu_test_begin(wr);
    CU_OK_(wr->vt->mark(wr, a, (cu_part){"t", 1}, 9, &err), &err);
    cr_assert_eq(poll(a, 0).kind, CU_POLL_ASSIGNED); /* lets go here */
    cr_assert_eq(wr->vt->commit(wr, 0, NULL, NULL, &err), CU_FENCED);
    cr_assert(err.flags & CU_ABORT);
    CU_OK_(wr->vt->abort(wr, &err), &err);
    cu_test_begin(wr);
    cr_assert_eq(wr->vt->mark(wr, a, (cu_part){"t", 1}, 9, &err), CU_FENCED);
    CU_OK_(wr->vt->abort(wr, &err), &err);

    p = poll(b, 0);
    cr_assert_eq(p.kind, CU_POLL_ASSIGNED);
    cr_assert_eq(p.n_parts, 1);
    cr_assert_eq(p.parts[0].partition, 1);
    cr_assert_eq(cu_test_committed(w.log, "g", "t", 1), 5);
    a->vt->reader_close(a);
    b->vt->reader_close(b);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_group, resuming_without_seek_starts_at_the_committed_position)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_test_topic(w.log, "t", 2);
    cu_writer *wr = cu_test_writer(w.log, "id");
    cu_test_put_many(wr, "t", 0, 4);
    cu_test_put_many(wr, "t", 1, 4);
    cu_position at = {{"t", 1}, 3};
    cu_positions to = {&at, 1};
    CU_OK_(w.log->vt->group_alter(w.log, "g", &to, &err), &err);
    cu_reader *r = join(w.log, "t", NULL);
    cr_assert_eq(poll(r, 0).kind, CU_POLL_ASSIGNED);
    for (int32_t i = 0; i < 2; i++)
        CU_OK_(r->vt->reader_pause(r, (cu_part){"t", i}, false, &err), &err);
    cu_seen seen = {0};
    cu_test_read(r, &seen, 5);
    cu_test_expect_seen(&seen, "k0=v0 k1=v1 k2=v2 k3=v3 k3=v3");
    r->vt->reader_close(r);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_group, a_member_that_does_not_poll_is_evicted_and_fenced)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_test_topic(w.log, "t", 2);
    cu_writer *wr = cu_test_writer(w.log, "id");
    cu_reader *stuck = join(w.log, "t", NULL);
    cr_assert_eq(poll(stuck, 0).kind, CU_POLL_ASSIGNED);
    cu_test_begin(wr);
    CU_OK_(wr->vt->mark(wr, stuck, (cu_part){"t", 0}, 5, &err), &err);
    cu_reader *b = join(w.log, "t", NULL);
    cr_assert_eq(poll(b, 59 * 1000).kind, CU_POLL_IDLE);
    cu_env_sim_advance(w.env, 2 * 1000 * 1000);
    cu_poll p = poll(b, 0);
    cr_assert_eq(p.kind, CU_POLL_ASSIGNED);
    cr_assert_eq(p.n_parts, 2);
    cr_assert_eq(wr->vt->commit(wr, 0, NULL, NULL, &err), CU_FENCED);
    CU_OK_(wr->vt->abort(wr, &err), &err);

    p = poll(stuck, 0); /* it wakes up and is told */
    cr_assert_eq(p.kind, CU_POLL_REVOKED);
    cr_assert(p.lost);
    cr_assert_eq(p.n_parts, 2);
    cr_assert_eq(poll(stuck, 0).kind, CU_POLL_IDLE);
    cr_assert_eq(poll(b, 0).kind, CU_POLL_REVOKED);
    p = poll(b, 0);
    cr_assert_eq(p.kind, CU_POLL_ASSIGNED);
    cr_assert_eq(p.parts[0].partition, 1);
    p = poll(stuck, 0);
    cr_assert_eq(p.kind, CU_POLL_ASSIGNED);
    cr_assert_eq(p.parts[0].partition, 0);
    stuck->vt->reader_close(stuck);
    b->vt->reader_close(b);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_group, a_second_reader_of_an_instance_fences_the_first)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_poll p;
    cu_test_topic(w.log, "t", 3);
    cu_reader *a = join(w.log, "t", "one");
    cr_assert_eq(poll(a, 0).n_parts, 3);
    cu_reader *b = join(w.log, "t", "one");
    p = poll(b, 0);
    cr_assert_eq(p.kind, CU_POLL_ASSIGNED);
    cr_assert_eq(p.n_parts, 3);
    cr_assert_eq(cu_log_poll(a, 0, &p, &err), CU_FENCED);
    cr_assert(err.flags & CU_FATAL);
    a->vt->reader_close(a);
    cr_assert_eq(poll(b, 0).kind, CU_POLL_IDLE); /* not disturbed */
    b->vt->reader_close(b);
    cu_world_close(&w);
}

Test(local_group, more_readers_than_partitions_leave_the_last_without)
{
    cu_world w = cu_world_sim(true);
    cu_test_topic(w.log, "t", 2);
    const char *names[] = {"c", "a", "b"}; /* static ones go by name */
    cu_reader *r[3];
    for (int i = 0; i < 3; i++)
        r[i] = join(w.log, "t", names[i]);
    cu_poll p = poll(r[0], 0);
    cr_assert(p.kind == CU_POLL_ASSIGNED && p.n_parts == 0);
    p = poll(r[1], 0);
    cr_assert(p.n_parts == 1 && p.parts[0].partition == 0);
    p = poll(r[2], 0);
    cr_assert(p.n_parts == 1 && p.parts[0].partition == 1);
    for (int i = 0; i < 3; i++)
        r[i]->vt->reader_close(r[i]);
    cu_world_close(&w);
}

Test(local_group, a_deleted_topic_is_revoked)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_test_topic(w.log, "a", 1);
    cu_test_topic(w.log, "b", 1);
    const char *topics[] = {"a", "b"};
    cu_reader_opts o = {.group = "g", .topics = topics, .n_topics = 2};
    cu_reader *r;
    CU_OK_(w.log->vt->reader_open(w.log, &o, &r, &err), &err);
    cr_assert_eq(poll(r, 0).n_parts, 2);
    CU_OK_(w.log->vt->topic_delete(w.log, "a", &err), &err);
    cr_assert_eq(poll(r, 0).kind, CU_POLL_REVOKED);
    cu_poll p = poll(r, 0);
    cr_assert_eq(p.kind, CU_POLL_ASSIGNED);
    cr_assert_eq(p.n_parts, 1);
    cr_assert_str_eq(p.parts[0].topic, "b");
    r->vt->reader_close(r);
    cu_world_close(&w);
}
