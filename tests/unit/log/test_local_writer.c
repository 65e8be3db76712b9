/* Writers of the embedded log: one write, its failures, its crashes. */
#include "tests/unit/log/tools.h"
#include "tests/unit/log/world.h"

#include "log/local.h"

#include <criterion/criterion.h>
#include <stdio.h>

static cu_slice get(cu_world *w, cu_slice key, cu_arena *a)
{
    cu_err err = {0};
    cu_slice value;
    CU_OK_(w->kv->vt->get(w->kv, key, a, &value, &err), &err);
    return value;
}

static size_t count_blocks(cu_world *w)
{
    cu_err err = {0};
    cu_kv_iter *it;
    cu_slice key, value;
    size_t n = 0;
    CU_OK_(w->kv->vt->iter(w->kv, CU_LIT("LR"), CU_LIT("LS"), &it, &err), &err);
    while (w->kv->vt->iter_next(it, &key, &value))
        n++;
    CU_OK_(w->kv->vt->iter_close(it, &err), &err);
    return n;
}

Test(local_writer, an_attached_batch_is_written_with_the_commit)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_arena *a = cu_arena_new(0);
    cu_kv_batch b = {0};
    cu_test_topic(w.log, "t", 1);
    cu_writer *wr = cu_test_writer(w.log, "id");
    cu_kv_batch_put(&b, CU_LIT("S1"), CU_LIT("one"));
    cu_test_begin(wr);
    cr_assert(wr->vt->attach(wr, &b));
    CU_OK_(wr->vt->abort(wr, &err), &err);
    cu_test_begin(wr);
    cu_test_commit(wr);
    cr_assert_null(get(&w, CU_LIT("S1"), a).data);

    cu_test_begin(wr);
    cr_assert(wr->vt->attach(wr, &b));
    cu_kv_batch_clear(&b); /* it was copied */
    cu_kv_batch_put(&b, CU_LIT("S2"), CU_LIT("two"));
    cr_assert(wr->vt->attach(wr, &b));
    cr_assert_null(get(&w, CU_LIT("S1"), a).data);
    cu_test_commit(wr);
    cr_assert(cu_slice_is(get(&w, CU_LIT("S1"), a), "one"));
    cr_assert(cu_slice_is(get(&w, CU_LIT("S2"), a), "two"));
    cu_kv_batch_free(&b);
    cu_arena_free(a);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_writer, a_log_without_state_leaves_batches_to_the_caller)
{
    cu_world w = cu_world_sim(false);
    cu_arena *a = cu_arena_new(0);
    cu_kv_batch b = {0};
    cu_writer *wr = cu_test_writer(w.log, "id");
    cu_kv_batch_put(&b, CU_LIT("S1"), CU_LIT("one"));
    cu_test_begin(wr);
    cr_assert_not(wr->vt->attach(wr, &b));
    cu_test_commit(wr);
    cr_assert_null(get(&w, CU_LIT("S1"), a).data);
    cu_kv_batch_free(&b);
    cu_arena_free(a);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_writer, a_commit_packs_records_into_blocks)
{
    cu_world w = cu_world_sim(true);
    cu_test_topic(w.log, "t", 2);
    cu_writer *wr = cu_test_writer(w.log, "id");
    cu_test_put_many(wr, "t", 0, 1000);
    cr_assert_eq(count_blocks(&w), 1);
    char value[1001];
    memset(value, 'x', sizeof(value));
    value[1000] = 0;
    cu_test_begin(wr);
    for (int i = 0; i < 1000; i++) /* 1 MB: four blocks */
        cu_test_put(wr, "t", i % 2, "k", value, 1);
    cu_test_commit(wr);
    cr_assert_eq(count_blocks(&w), 1 + 4);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_writer, a_compacted_topic_refuses_a_null_key)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_topic_spec spec = {.name = "c", .compact = true};
    CU_OK_(w.log->vt->topic_ensure(w.log, &spec, &err), &err);
    cu_writer *wr = cu_test_writer(w.log, "id");
    cu_record r = {.part = {"c", 0}, .value = CU_LIT("v")};
    cu_test_begin(wr);
    cr_assert_eq(cu_log_append(wr, &r, &err), CU_DATA);
    r.key = CU_LIT("");
    CU_OK_(cu_log_append(wr, &r, &err), &err);
    cu_test_commit(wr);
    cr_assert_eq(cu_test_end(w.log, "c", 0, false), 1);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_writer, a_topic_has_its_own_limit)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_topic_spec spec = {.name = "t", .max_record_bytes = 1000};
    CU_OK_(w.log->vt->topic_ensure(w.log, &spec, &err), &err);
    cu_writer *wr = cu_test_writer(w.log, "id");
    char value[1000];
    memset(value, 'x', sizeof(value));
    cu_record r = {.part = {"t", 0}, .value = cu_slice_n(value, 800)};
    cu_test_begin(wr);
    CU_OK_(cu_log_append(wr, &r, &err), &err);
    r.value.len = 1000;
    cr_assert_eq(cu_log_append(wr, &r, &err), CU_LIMIT);
    cu_test_commit(wr);
    wr->vt->writer_close(wr);
    cu_world_reopen(&w); /* it is remembered */
    wr = cu_test_writer(w.log, "id");
    cu_test_begin(wr);
    cr_assert_eq(cu_log_append(wr, &r, &err), CU_LIMIT);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_writer, an_unknown_topic_is_refused_and_the_transaction_is_good)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_test_topic(w.log, "t", 2);
    cu_writer *wr = cu_test_writer(w.log, "id");
    cu_record r = {.part = {"u", 0}, .value = CU_LIT("v")};
    cu_test_begin(wr);
    cr_assert_eq(cu_log_append(wr, &r, &err), CU_NOT_FOUND);
    r.part = (cu_part){"t", 2};
    cr_assert_eq(cu_log_append(wr, &r, &err), CU_NOT_FOUND);
    r.part.partition = -1;
    cr_assert_eq(cu_log_append(wr, &r, &err), CU_NOT_FOUND);
    r.part.partition = 1;
    CU_OK_(cu_log_append(wr, &r, &err), &err);
    cu_test_commit(wr);
    cr_assert_eq(cu_test_end(w.log, "t", 1, false), 1);
    wr->vt->writer_close(wr);
    cu_world_close(&w);
}

Test(local_writer, a_failed_write_leaves_nothing_and_can_be_repeated)
{
    cu_world w = cu_world_sim(true);
    cu_err err = {0};
    cu_arena *a = cu_arena_new(0);
    cu_test_topic(w.log, "t", 1);
    cu_writer *wr = cu_test_writer(w.log, "id");
    cu_test_put_many(wr, "t", 0, 2);
    cu_reader *r = cu_test_reader(w.log, "t", 1, CU_NEWEST);
    cu_test_begin(wr);
    cu_test_put(wr, "t", 0, "a", "1", 1);
    cu_kv_memory_fail_write(w.kv, 1, CU_FULL);
    cr_assert_eq(wr->vt->commit(wr, 0, a, NULL, &err), CU_FULL);
    cr_assert(err.flags & CU_ABORT);
    cr_assert(err.flags & CU_RETRY);
    cr_assert_not_null(strstr(err.msg, "cannot commit"), "%s", err.msg);
    cr_assert_eq(wr->vt->begin(wr, &err), CU_USAGE); /* abort first */
    CU_OK_(wr->vt->abort(wr, &err), &err);
    cr_assert_eq(cu_test_end(w.log, "t", 0, false), 2);
    cu_test_put_many(wr, "t", 0, 1);
    cu_seen seen = {0};
    cu_test_read(r, &seen, 1);
    cr_assert_eq(seen.at[0].offset, 2);
    cu_test_expect_seen(&seen, "k0=v0");
    r->vt->reader_close(r);
    wr->vt->writer_close(wr);
    cu_arena_free(a);
    cu_world_close(&w);
}

Test(local_writer, everything_is_there_after_reopening)
{
    for (int rocks = 0; rocks < 2; rocks++) {
        cu_world w = rocks ? cu_world_rocks(true) : cu_world_sim(true);
        cu_err err = {0};
        cu_topic_spec spec = {.name = "b.topic",
                              .partitions = 2,
                              .compact = true,
                              .retention_ms = 12345};
        CU_OK_(w.log->vt->topic_ensure(w.log, &spec, &err), &err);
        cu_test_topic(w.log, "a", 1);
        cu_test_topic(w.log, "dead", 1);
        cu_writer *wr = cu_test_writer(w.log, "id");
        cu_test_put_many(wr, "a", 0, 3);
        cu_test_put_many(wr, "b.topic", 1, 4);
        cu_position at[] = {{{"a", 0}, 2}, {{"dead", 0}, 1}};
        cu_positions to = {at, 2};
        CU_OK_(w.log->vt->group_alter(w.log, "g", &to, &err), &err);
        CU_OK_(w.log->vt->topic_delete(w.log, "dead", &err), &err);
        CU_OK_(w.log->vt->delete_records(w.log, (cu_part){"a", 0}, 1, &err),
               &err);
        wr->vt->writer_close(wr);
        cu_world_reopen(&w);

        cu_arena *a = cu_arena_new(0);
        cu_topic_list list;
        CU_OK_(w.log->vt->topic_list(w.log, a, &list, &err), &err);
        cr_assert_eq(list.n, 2);
        cr_assert_str_eq(list.topics[0].name, "a");
        cr_assert_str_eq(list.topics[1].name, "b.topic");
        cr_assert_eq(list.topics[1].partitions, 2);
        cr_assert_eq(list.topics[1].retention_ms, 12345);
        cr_assert(list.topics[1].compact);
        cr_assert_eq(cu_test_offset(w.log, "a", 0, CU_OLDEST), 1);
        cr_assert_eq(cu_test_end(w.log, "a", 0, false), 3);
        cr_assert_eq(cu_test_end(w.log, "b.topic", 1, false), 4);
        cu_positions pos;
        CU_OK_(w.log->vt->group_positions(w.log, "g", a, &pos, &err), &err);
        cr_assert_eq(pos.n, 1);
        cr_assert_eq(pos.at[0].next, 2);
        cu_seen seen = {0};
        cu_reader *r = cu_test_reader(w.log, "a", 1, CU_OLDEST);
        cu_test_read(r, &seen, 2);
        cu_test_expect_seen(&seen, "k1=v1 k2=v2");
        r->vt->reader_close(r);
        /* A topic made now is not the dead one. */
        cu_test_topic(w.log, "dead", 1);
        cr_assert_eq(cu_test_committed(w.log, "g", "dead", 0), CU_NO_OFFSET);
        cr_assert_eq(cu_test_end(w.log, "dead", 0, false), 0);
        cu_arena_free(a);
        cu_world_close(&w);
    }
}

Test(local_writer, a_damaged_catalog_is_refused)
{
    static const struct {
        cu_slice key, value;
    } bad[] = {
        {CU_LIT("LC\0\0\0\1"), CU_LIT("\2")},
        {CU_LIT("LC\0\0"), CU_LIT("\1\2t\1\0\0\0")},
        {CU_LIT("LP\0\0\0\7\0\0"), CU_LIT("\1\0\0\0\0\0\0\0")},
        {CU_LIT("LGx"), CU_LIT("\1\1")},
        {CU_LIT("LWx"), CU_LIT("\7")},
        {CU_LIT("LD\0"), CU_LIT("\1")},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        cu_err err = {0};
        cu_kv *kv = cu_kv_open_memory(1);
        cu_env *env = cu_env_sim(1);
        cu_log *log = NULL;
        cu_kv_batch b = {0};
        cu_kv_batch_put(&b, bad[i].key, bad[i].value);
        CU_OK_(kv->vt->write(kv, &b, false, &err), &err);
        cu_log_local_opts o = {.kv = kv, .env = env};
        cr_assert_eq(cu_log_open_local(&o, &log, &err), CU_CORRUPT, "%zu", i);
        cu_kv_batch_free(&b);
        kv->vt->close(kv);
        env->vt->close(env);
    }
}

Test(local_writer, topic_names_follow_kafka)
{
    static const char *const bad[] = {"", ".", "..", "a b", "a/b", "t\303\244"};
    cu_world w = cu_world_sim(true);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        cu_err err = {0};
        cu_topic_spec spec = {.name = bad[i]};
        cr_assert_eq(w.log->vt->topic_ensure(w.log, &spec, &err), CU_USAGE);
    }
    cu_err err = {0};
    cu_topic_spec many = {.name = "t", .partitions = 10001};
    cr_assert_eq(w.log->vt->topic_ensure(w.log, &many, &err), CU_USAGE);
    cu_test_topic(w.log, "Good_name-1.2", 1);
    cu_world_close(&w);
}
