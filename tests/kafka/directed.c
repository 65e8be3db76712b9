/* Cases that only a real broker can show: errors, ends, limits, seeking.
 * Those about groups stand in directed_groups.c, those that need a proxy in
 * directed_proxy.c. */
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
    do { /* on a busy machine it may have had no time to be refused */
        CU_EXPECT(cu_test_open(&o, &other, &err) == CU_NETWORK);
        CU_EXPECT(err.flags & CU_RETRY);
        CU_EXPECT(
            strstr(err.msg, "no broker answers at 127.0.0.1:9 within 1.5 s"));
    } while (!strstr(err.msg, "Connection refused"));
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
    CU_AWAIT(cu_test_end(log, real.s, 1, false) >= 1);
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

void cu_kafka_directed_a_fenced_writer_says_so_at_commit(cu_log *log,
                                                         const char *prefix)
{
    cu_err err = {0};
    cu_test_topic(log, prefix, 1);
    cu_writer *old = cu_test_writer(log, prefix);
    open_transaction(log, old, prefix, 0); /* only EndTxn is left to do */
    cu_writer *young = cu_test_writer(log, prefix);
    CU_EXPECT(old->vt->commit(old, CU_TEST_WAIT_MS, NULL, NULL, &err) ==
              CU_FENCED);
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
    /* Many that fit, but not into one batch; noise, so that it stays big. */
    unsigned dice = 1;
    for (size_t i = 0; i < 20 * 500; i++)
        bytes[i] = (char)((dice = dice * 1103515245 + 12345) >> 16);
    cu_test_begin(w);
    for (size_t i = 0; i < 20; i++) {
        r.value = cu_slice_n(bytes + i * 500, 500);
        CU_OK_(cu_log_append(w, &r, &err), &err);
    }
    cu_test_commit(w);
    cu_seen *seen = cu_calloc(1, sizeof(*seen));
    cu_reader *reader = cu_test_reader(log, prefix, 1, CU_OLDEST);
    cu_test_read(reader, seen, 22);
    CU_EXPECT(!strcmp(seen->at[0].value, "before"));
    CU_EXPECT(!strcmp(seen->at[1].value, "after"));
    reader->vt->reader_close(reader);
    w->vt->writer_close(w);
    cu_free(bytes);
    cu_free(seen);
}

void cu_kafka_directed_a_record_of_16_mb_passes_a_small_reader(
    cu_log *log, const char *prefix)
{
    enum { LARGE = 16 * 1000 * 1000 };
    cu_err err = {0};
    cu_poll p = {0};
    cu_test_topic(log, prefix, 1);
    cu_writer *w = cu_test_writer(log, prefix);
    char *bytes = cu_alloc(LARGE);
    unsigned dice = 1;
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)((dice = dice * 1103515245 + 12345) >> 16);
    cu_record r = {.part = {prefix, 0}, .value = cu_slice_n(bytes, LARGE)};
    cu_test_begin(w);
    cu_test_put(w, prefix, 0, "k", "before", 1);
    CU_OK_(cu_log_append(w, &r, &err), &err);
    CU_OK_(cu_log_append(w, &r, &err), &err); /* waits for the first to go */
    cu_test_put(w, prefix, 0, "k", "after", 1);
    cu_test_commit(w);
    cu_reader *reader;
    cu_position from = {{prefix, 0}, 0};
    cu_reader_opts o = {.parts = &from, .n_parts = 1, .max_bytes = 2 << 20};
    CU_OK_(log->vt->reader_open(log, &o, &reader, &err), &err);
    size_t n = 0, n_large = 0;
    int64_t until = cu_test_now_ms() + CU_TEST_WAIT_MS;
    while (n < 4) {
        CU_EXPECT(cu_test_now_ms() < until);
        CU_OK_(cu_log_poll(reader, 100, &p, &err), &err);
        n += p.n;
        for (size_t i = 0; i < p.n; i++)
            n_large += cu_slice_eq(p.records[i].value, r.value);
    }
    CU_EXPECT(n_large == 2);
    reader->vt->reader_close(reader);
    w->vt->writer_close(w);
    cu_free(bytes);
}

/* --- positions ---------------------------------------------------------- */

enum { ROWS_PER_TXN = 100, TXNS = 60 };

/* What a reader of two partitions has to be handed next. */
typedef struct expected {
    int64_t at[2];
    int n_runs;
} expected;

static void check_poll(cu_reader *r, expected *e, int64_t timeout_ms)
{
    cu_err err = {0};
    cu_poll p;
    CU_OK_(cu_log_poll(r, timeout_ms, &p, &err), &err);
    if (p.kind == CU_POLL_IDLE)
        return;
    int64_t *at = &e->at[p.part.partition];
    for (size_t i = 0; i < p.n; i++) {
        int64_t off = p.records[i].offset;
        bool marker = *at % (ROWS_PER_TXN + 1) == ROWS_PER_TXN;
        CU_EXPECT(off == *at + marker); /* only a marker is skipped */
        *at = off + 1;
    }
    CU_EXPECT(p.next >= *at && p.next <= *at + 1);
    *at = p.next;
    e->n_runs += p.kind == CU_POLL_RECORDS;
}

static void pause_both(cu_reader *r, const char *topic, bool pause)
{
    cu_err err = {0};
    for (int32_t p = 0; p < 2; p++)
        CU_OK_(r->vt->reader_pause(r, (cu_part){topic, p}, pause, &err), &err);
}

void cu_kafka_directed_pause_and_seek_lose_and_repeat_nothing(
    cu_log *log, const char *prefix)
{
    cu_err err = {0};
    expected e = {0};
    unsigned dice = 12345;
    /* Small helpings of each partition in turn: runs end by the other. */
    cu_property small = {"fetch.message.max.bytes", "2000"};
    cu_test_opts o = {.properties = &small, .n_properties = 1};
    cu_log *nibbling = cu_test_open_log(&o);
    cu_test_topic(log, prefix, 2);
    cu_writer *w = cu_test_writer(log, prefix);
    for (int i = 0; i < TXNS; i++)
        for (int p = 0; p < 2; p++)
            cu_test_put_many(w, prefix, p, ROWS_PER_TXN);
    w->vt->writer_close(w);
    cu_reader *r = cu_test_reader(nibbling, prefix, 2, 0);
    for (int i = 0; i < 300; i++) {
        dice = dice * 1103515245 + 12345;
        cu_part part = {prefix, (int32_t)(dice >> 16 & 1)};
        int64_t *at = &e.at[part.partition];
        switch (dice >> 20 & 3) {
        case 0:
        case 1:
            CU_OK_(r->vt->reader_pause(r, part, dice >> 20 & 1, &err), &err);
            break;
        case 2:
            *at = *at > 1500 ? *at - 1500 : 0;
            CU_OK_(r->vt->reader_seek(r, part, *at, &err), &err);
            break;
        default: /* both flow, so that a run ends with the other's record */
            pause_both(r, prefix, false);
        }
        check_poll(r, &e, 10);
    }
    pause_both(r, prefix, false);
    int64_t end = TXNS * (ROWS_PER_TXN + 1); /* with the markers */
    int64_t until = cu_test_now_ms() + CU_TEST_WAIT_MS;
    while (e.at[0] < end || e.at[1] < end) {
        CU_EXPECT(cu_test_now_ms() < until);
        check_poll(r, &e, 50);
    }
    CU_EXPECT(e.n_runs > 20);
    r->vt->reader_close(r);
    nibbling->vt->close(nibbling);
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
    int64_t until = cu_test_now_ms() + CU_TEST_WAIT_MS;
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
