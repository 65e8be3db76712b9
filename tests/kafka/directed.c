/* Cases that only a real broker can show: errors, ends, limits, seeking.
 * Those about groups and fencing stand in directed_groups.c. */
#include "tests/kafka/directed.h"

#include "base/alloc.h"
#include "tests/unit/log/tools.h"

#include <stdio.h>
#include <stdlib.h>

/* --- errors that say what to do ---------------------------------------- */

void cu_kafka_directed_a_bad_property_is_named(cu_log *log, const char *prefix)
{
    (void)log, (void)prefix;
    cu_property bad[] = {{"lingerr.ms", "5"}}, ours[] = {{"acks", "1"}},
                value[] = {{"linger.ms", "soon"}};
    cu_err err = {0};
    cu_log *other = NULL;
    cu_test_opts o = {.properties = bad, .n_properties = 1};
    CU_EXPECT(cu_test_open(&o, &other, &err) == CU_USAGE);
    CU_EXPECT(
        strstr(err.msg, "No such configuration property: \"lingerr.ms\""));
    o.properties = value;
    CU_EXPECT(cu_test_open(&o, &other, &err) == CU_USAGE);
    CU_EXPECT(strstr(err.msg, "linger.ms"));
    o.properties = ours;
    CU_EXPECT(cu_test_open(&o, &other, &err) == CU_USAGE);
    CU_EXPECT(strstr(err.msg, "property acks: cupel sets it itself"));
}

void cu_kafka_directed_a_missing_broker_is_named(cu_log *log,
                                                 const char *prefix)
{
    (void)log, (void)prefix;
    cu_err err = {0};
    cu_log *other = NULL;
    cu_test_opts o = {.brokers = "127.0.0.1:9", .deadline_ms = 1500};
    CU_EXPECT(cu_test_open(&o, &other, &err) == CU_NETWORK);
    CU_EXPECT(err.flags & CU_RETRY);
    CU_EXPECT(strstr(err.msg, "no broker answers at 127.0.0.1:9 within 1.5 s"));
    CU_EXPECT(strstr(err.msg, "Connection refused"));
    CU_EXPECT(strstr(err.msg, "check --brokers"));
    CU_EXPECT(other == NULL);
}

void cu_kafka_directed_a_missing_topic_is_named(cu_log *log, const char *prefix)
{
    cu_err err = {0};
    cu_reader *r = NULL;
    cu_name topic = cu_test_name(prefix, "none"),
            real = cu_test_name(prefix, "two");
    const char *topics[] = {topic.s};
    cu_reader_opts o = {.group = prefix, .topics = topics, .n_topics = 1};
    CU_EXPECT(log->vt->reader_open(log, &o, &r, &err) == CU_NOT_FOUND);
    CU_EXPECT(strstr(err.msg, topic.s));
    cu_test_topic(log, real.s, 2);
    cu_writer *w = cu_test_writer(log, prefix);
    cu_test_begin(w);
    cu_record rec = {.part = {real.s, 2}, .value = CU_LIT("x")};
    CU_EXPECT(cu_log_append(w, &rec, &err) == CU_NOT_FOUND);
    CU_EXPECT(strstr(err.msg, "has 2 partitions, there is no number 2"));
    cu_test_put(w, real.s, 1, "k", "v", 1); /* the transaction is still good */
    cu_test_commit(w);
    CU_EXPECT(cu_test_end(log, real.s, 1, false) >= 1);
    w->vt->writer_close(w);
}

/* --- ends -------------------------------------------------------------- */

/* Appends until the broker has something: an open transaction is seen by
 * others as soon as librdkafka has sent it. */
static void open_transaction(cu_log *log, cu_writer *w, const char *topic,
                             int64_t end)
{
    cu_test_begin(w);
    cu_test_put(w, topic, 0, "open", "1", 5000);
    CU_AWAIT(cu_test_end(log, topic, 0, true) > end);
}

void cu_kafka_directed_ends_differ_while_a_transaction_is_open(
    cu_log *log, const char *prefix)
{
    cu_err err = {0};
    cu_test_topic(log, prefix, 1);
    cu_writer *w = cu_test_writer(log, prefix);
    cu_test_put_many(w, prefix, 0, 3);
    CU_AWAIT(cu_test_end(log, prefix, 0, false) == 4); /* and its marker */
    open_transaction(log, w, prefix, 4);
    CU_EXPECT(cu_test_end(log, prefix, 0, false) == 4);
    CU_EXPECT(cu_test_end(log, prefix, 0, true) == 5);

    /* A read_committed reader ends there; an uncommitted one goes on. */
    cu_seen *seen = cu_calloc(1, sizeof(*seen));
    cu_reader *r = cu_test_reader(log, prefix, 1, CU_OLDEST);
    cu_test_read_to_end(r, seen, 1);
    cu_test_expect_seen(seen, "k0=v0 k1=v1 k2=v2");
    CU_EXPECT(seen->last_end == 4);

    CU_OK_(w->vt->abort(w, &err), &err);
    CU_AWAIT(cu_test_end(log, prefix, 0, false) == 6);
    while (seen->last_end < 6) /* control records count as position */
        cu_test_read_to_end(r, seen, 1);
    CU_EXPECT(seen->n == 3);
    CU_EXPECT(seen->last_end == 6);
    r->vt->reader_close(r);

    cu_position from = {{prefix, 0}, 3};
    cu_reader_opts o = {.parts = &from, .n_parts = 1, .uncommitted = true};
    CU_OK_(log->vt->reader_open(log, &o, &r, &err), &err);
    *seen = (cu_seen){0};
    cu_test_read(r, seen, 1);
    cu_test_expect_seen(seen, "open=1");
    r->vt->reader_close(r);
    w->vt->writer_close(w);
    cu_free(seen);
}

void cu_kafka_directed_times_and_ends_skip_what_is_open(cu_log *log,
                                                        const char *prefix)
{
    cu_err err = {0};
    cu_test_topic(log, prefix, 1);
    cu_writer *w = cu_test_writer(log, prefix);
    cu_test_begin(w);
    cu_test_put(w, prefix, 0, "a", "1", 1000);
    cu_test_put(w, prefix, 0, "b", "2", 2000);
    cu_test_commit(w);
    CU_AWAIT(cu_test_end(log, prefix, 0, false) == 3);
    open_transaction(log, w, prefix, 3);
    CU_EXPECT(cu_test_offset(log, prefix, 0, CU_OLDEST) == 0);
    CU_EXPECT(cu_test_offset(log, prefix, 0, CU_NEWEST) == 3);
    CU_EXPECT(cu_test_offset(log, prefix, 0, 1500) == 1);
    CU_EXPECT(cu_test_offset(log, prefix, 0, -5) == 0);
    CU_EXPECT(cu_test_offset(log, prefix, 0, 4000) == 3); /* open: the end */
    CU_OK_(w->vt->abort(w, &err), &err);
    w->vt->writer_close(w);
}

/* --- writers ------------------------------------------------------------ */

void cu_kafka_directed_an_empty_transaction_is_not_sent(cu_log *log,
                                                        const char *prefix)
{
    cu_test_topic(log, prefix, 1);
    cu_writer *w = cu_test_writer(log, prefix);
    int64_t began = cu_test_now_ms();
    for (int i = 0; i < 1000; i++) {
        cu_test_begin(w);
        cu_test_commit(w);
    }
    /* A round trip each would take longer, a marker each would be seen. */
    CU_EXPECT(cu_test_now_ms() - began < 500);
    CU_EXPECT(cu_test_end(log, prefix, 0, true) == 0);
    w->vt->writer_close(w);
}

void cu_kafka_directed_a_fenced_writer_says_so_at_commit(cu_log *log,
                                                         const char *prefix)
{
    cu_err err = {0};
    cu_test_topic(log, prefix, 1);
    cu_writer *old = cu_test_writer(log, prefix);
    open_transaction(log, old, prefix, 0); /* only EndTxn is left to do */
    cu_writer *young = cu_test_writer(log, prefix);
    CU_EXPECT(old->vt->commit(old, 10000, NULL, NULL, &err) == CU_FENCED);
    CU_EXPECT(err.flags & CU_FATAL);
    CU_EXPECT(!(err.flags & CU_RETRY));
    CU_EXPECT(strstr(err.msg, prefix));
    CU_EXPECT(old->vt->begin(old, &err) == CU_FENCED); /* it stays dead */
    CU_EXPECT(old->vt->abort(old, &err) == CU_FENCED);
    cu_test_put_many(young, prefix, 0, 2);
    cu_seen *seen = cu_calloc(1, sizeof(*seen));
    cu_reader *r = cu_test_reader(log, prefix, 1, CU_OLDEST);
    cu_test_read(r, seen, 2);
    cu_test_expect_seen(seen, "k0=v0 k1=v1");
    r->vt->reader_close(r);
    old->vt->writer_close(old);
    young->vt->writer_close(young);
    cu_free(seen);
}

void cu_kafka_directed_a_topic_with_a_low_limit_does_not_poison(
    cu_log *log, const char *prefix)
{
    cu_err err = {0};
    cu_topic_spec spec = {.name = prefix, .max_record_bytes = 2000};
    CU_OK_(log->vt->topic_ensure(log, &spec, &err), &err);
    cu_writer *w = cu_test_writer(log, prefix);
    char *bytes = cu_calloc(1, 17 << 20);
    cu_test_begin(w);
    cu_test_put(w, prefix, 0, "k", "before", 1);
    cu_record r = {.part = {prefix, 0}, .value = cu_slice_n(bytes, 2000)};
    CU_EXPECT(cu_log_append(w, &r, &err) == CU_LIMIT); /* compressed or not */
    CU_EXPECT(err.flags == 0);
    CU_EXPECT(strstr(err.msg, "takes 2000"));
    r.value.len = 17 << 20;
    CU_EXPECT(cu_log_append(w, &r, &err) == CU_LIMIT);
    cu_test_put(w, prefix, 0, "k", "after", 1);
    cu_test_commit(w);
    cu_seen *seen = cu_calloc(1, sizeof(*seen));
    cu_reader *reader = cu_test_reader(log, prefix, 1, CU_OLDEST);
    cu_test_read(reader, seen, 2);
    cu_test_expect_seen(seen, "k=before k=after");
    reader->vt->reader_close(reader);
    w->vt->writer_close(w);
    cu_free(bytes);
    cu_free(seen);
}

/* --- positions ---------------------------------------------------------- */

/* Pauses, resumes and seeks at random while two partitions are read. */
void cu_kafka_directed_pause_and_seek_lose_and_repeat_nothing(
    cu_log *log, const char *prefix)
{
    enum { ROWS = 3000 };
    cu_err err = {0};
    int64_t expect[2] = {0, 0};
    unsigned dice = 12345;
    cu_test_topic(log, prefix, 2);
    cu_writer *w = cu_test_writer(log, prefix);
    for (int i = 0; i < ROWS; i += 100)
        for (int p = 0; p < 2; p++)
            cu_test_put_many(w, prefix, p, 100);
    w->vt->writer_close(w);
    int64_t end = ROWS + ROWS / 100; /* one marker per transaction */
    cu_reader *r = cu_test_reader(log, prefix, 2, 0);
    int64_t until = cu_test_now_ms() + 60000;
    int n_runs = 0, n_moves = 0;
    while (expect[0] < end || expect[1] < end) {
        cu_poll p;
        CU_EXPECT(cu_test_now_ms() < until);
        CU_OK_(cu_log_poll(r, 50, &p, &err), &err);
        if (p.kind == CU_POLL_RECORDS || p.kind == CU_POLL_END) {
            int64_t *at = &expect[p.part.partition];
            for (size_t i = 0; i < p.n; i++) {
                int64_t off = p.records[i].offset;
                /* Only a marker may be skipped. */
                CU_EXPECT(off == *at || (off == *at + 1 && *at % 101 == 100));
                *at = off + 1;
            }
            CU_EXPECT(p.next >= *at);
            *at = p.next;
            n_runs++;
        }
        dice = dice * 1103515245 + 12345;
        cu_part part = {prefix, (int32_t)(dice >> 16 & 1)};
        unsigned what = dice >> 20 & 7;
        if (what < 2) {
            CU_OK_(r->vt->reader_pause(r, part, what == 0, &err), &err);
        } else if (what == 2) {
            int64_t back = expect[part.partition] > 250
                               ? expect[part.partition] - 250
                               : 0;
            CU_OK_(r->vt->reader_seek(r, part, back, &err), &err);
            expect[part.partition] = back;
            n_moves++;
        } else if (what == 3) {
            CU_OK_(r->vt->reader_pause(r, (cu_part){prefix, 0}, false, &err),
                   &err);
            CU_OK_(r->vt->reader_pause(r, (cu_part){prefix, 1}, false, &err),
                   &err);
        }
        if (n_moves == 40) /* enough; now it may finish */
            dice = 0x00400000, n_moves = 41;
        if (n_moves > 40) {
            dice = 0x00400000;
            CU_OK_(r->vt->reader_pause(r, (cu_part){prefix, 0}, false, &err),
                   &err);
            CU_OK_(r->vt->reader_pause(r, (cu_part){prefix, 1}, false, &err),
                   &err);
            dice = dice * 1103515245;
        }
    }
    CU_EXPECT(n_runs > 20);
    r->vt->reader_close(r);
}

void cu_kafka_directed_lost_history_is_an_error(cu_log *log, const char *prefix)
{
    cu_err err = {0};
    cu_poll p = {0};
    cu_test_topic(log, prefix, 1);
    cu_writer *w = cu_test_writer(log, prefix);
    cu_test_put_many(w, prefix, 0, 10);
    w->vt->writer_close(w);
    CU_OK_(log->vt->delete_records(log, (cu_part){prefix, 0}, 5, &err), &err);
    CU_EXPECT(cu_test_offset(log, prefix, 0, CU_OLDEST) == 5);
    cu_reader *r = cu_test_reader(log, prefix, 1, 2);
    int rc = 0;
    int64_t until = cu_test_now_ms() + 20000;
    while (rc == 0) {
        CU_EXPECT(cu_test_now_ms() < until);
        rc = cu_log_poll(r, 100, &p, &err);
        CU_EXPECT(rc || p.kind == CU_POLL_IDLE);
    }
    CU_EXPECT(rc == CU_HISTORY);
    CU_EXPECT(strstr(err.msg, prefix) && strstr(err.msg, "from offset 2 on"));
    /* The owner may decide to go on from what is left. */
    CU_OK_(r->vt->reader_seek(r, (cu_part){prefix, 0}, CU_OLDEST, &err), &err);
    cu_seen *seen = cu_calloc(1, sizeof(*seen));
    cu_test_read(r, seen, 5);
    cu_test_expect_seen(seen, "k5=v5 k6=v6 k7=v7 k8=v8 k9=v9");
    r->vt->reader_close(r);
    cu_free(seen);
}
