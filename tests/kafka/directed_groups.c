/* Cases about groups, generations and the guard against resent ends. */
#include "tests/kafka/directed.h"

#include "base/alloc.h"
#include "tests/kafka/proxy.h"
#include "tests/unit/log/tools.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static cu_reader *member(cu_log *log, const char *group, const char *topic,
                         const char *instance)
{
    cu_err err = {0};
    cu_reader *r = NULL;
    cu_reader_opts o = {
        .group = group, .topics = &topic, .n_topics = 1, .instance = instance};
    CU_OK_(log->vt->reader_open(log, &o, &r, &err), &err);
    return r;
}

/* Polls until that kind comes; records are not expected before. */
static cu_poll await_kind(cu_reader *r, cu_poll_kind kind)
{
    cu_err err = {0};
    cu_poll p;
    int64_t until = cu_test_now_ms() + 30000;
    do {
        CU_EXPECT(cu_test_now_ms() < until);
        CU_OK_(cu_log_poll(r, 100, &p, &err), &err);
        CU_EXPECT(p.kind == kind || p.kind == CU_POLL_IDLE ||
                  p.kind == CU_POLL_END);
    } while (p.kind != kind);
    return p;
}

static void resume(cu_reader *r, const char *topic, int32_t partition,
                   int64_t from)
{
    cu_err err = {0};
    cu_part part = {topic, partition};
    CU_OK_(r->vt->reader_seek(r, part, from, &err), &err);
    CU_OK_(r->vt->reader_pause(r, part, false, &err), &err);
}

/* --- positions and generations ------------------------------------------ */

/* What a zombie does: it marks under a generation that has passed. */
void cu_kafka_directed_marks_of_an_old_generation_are_fenced(cu_log *log,
                                                             const char *prefix)
{
    cu_err err = {0};
    cu_part zero = {prefix, 0};
    cu_test_topic(log, prefix, 2);
    cu_writer *w = cu_test_writer(log, prefix);
    cu_test_put_many(w, prefix, 0, 3);
    cu_reader *a = member(log, prefix, prefix, NULL);
    cu_poll p = await_kind(a, CU_POLL_ASSIGNED);
    CU_EXPECT(p.n_parts == 2);
    cu_test_begin(w);
    cu_test_put(w, prefix, 1, "zombie", "1", 1);
    CU_OK_(w->vt->mark(w, a, zero, 2, &err), &err);

    /* A second member comes; the first goes through it without commit. */
    cu_reader *b = member(log, prefix, prefix, NULL);
    bool a_again = false, b_too = false;
    int64_t until = cu_test_now_ms() + 30000;
    while (!a_again || !b_too) {
        CU_EXPECT(cu_test_now_ms() < until);
        CU_OK_(cu_log_poll(a, 50, &p, &err), &err);
        a_again = a_again || p.kind == CU_POLL_ASSIGNED;
        CU_OK_(cu_log_poll(b, 50, &p, &err), &err);
        b_too = b_too || p.kind == CU_POLL_ASSIGNED;
    }
    CU_EXPECT(w->vt->commit(w, 10000, NULL, NULL, &err) == CU_FENCED);
    CU_EXPECT((err.flags & CU_ABORT) && !(err.flags & CU_FATAL));
    CU_OK_(w->vt->abort(w, &err), &err);
    CU_EXPECT(cu_test_committed(log, prefix, prefix, 0) == CU_NO_OFFSET);

    /* Of the two, one still owns partition 0 and may mark it now. */
    cu_test_begin(w);
    int rc = w->vt->mark(w, a, zero, 1, &err);
    CU_EXPECT(rc == 0 || rc == CU_FENCED);
    if (rc)
        CU_OK_(w->vt->mark(w, b, zero, 1, &err), &err);
    else
        CU_EXPECT(w->vt->mark(w, b, zero, 1, &err) == CU_FENCED);
    cu_test_commit(w);
    CU_EXPECT(cu_test_committed(log, prefix, prefix, 0) == 1);
    CU_EXPECT(cu_test_end(log, prefix, 1, false) ==
              cu_test_end(log, prefix, 1, true));
    cu_seen *seen = cu_calloc(1, sizeof(*seen));
    cu_reader *r = cu_test_reader(log, prefix, 2, CU_OLDEST);
    cu_test_read_to_end(r, seen, 2);
    cu_test_expect_seen(seen, "k0=v0 k1=v1 k2=v2"); /* no zombie */
    r->vt->reader_close(r);
    a->vt->reader_close(a);
    b->vt->reader_close(b);
    w->vt->writer_close(w);
    cu_free(seen);
}

void cu_kafka_directed_a_static_member_comes_back_without_rebalance(
    cu_log *log, const char *prefix)
{
    cu_err err = {0};
    cu_poll p;
    cu_test_topic(log, prefix, 2);
    cu_reader *a = member(log, prefix, prefix, "one");
    await_kind(a, CU_POLL_ASSIGNED);
    cu_reader *b = member(log, prefix, prefix, "two");
    bool b_has = false, a_has = false;
    int64_t until = cu_test_now_ms() + 30000;
    while (!b_has || !a_has) {
        CU_EXPECT(cu_test_now_ms() < until);
        CU_OK_(cu_log_poll(a, 50, &p, &err), &err);
        a_has = a_has || (p.kind == CU_POLL_ASSIGNED && p.n_parts == 1);
        CU_OK_(cu_log_poll(b, 50, &p, &err), &err);
        b_has = b_has || (p.kind == CU_POLL_ASSIGNED && p.n_parts == 1);
    }
    b->vt->reader_close(b);
    b = member(log, prefix, prefix, "two");
    b_has = false;
    until = cu_test_now_ms() + 30000;
    while (!b_has) {
        CU_EXPECT(cu_test_now_ms() < until);
        CU_OK_(cu_log_poll(a, 50, &p, &err), &err);
        CU_EXPECT(p.kind == CU_POLL_IDLE || p.kind == CU_POLL_END);
        CU_OK_(cu_log_poll(b, 50, &p, &err), &err);
        b_has = p.kind == CU_POLL_ASSIGNED;
    }
    a->vt->reader_close(a);
    b->vt->reader_close(b);
}

/* --- a group in two threads ---------------------------------------------- */

enum { ROWS = 4000, PARTS = 4, OUT_OF_TIME_MS = 60000 };

typedef struct worker {
    cu_log *log;
    const char *in, *out, *group;
    char id[64];
    atomic_int *n_committed;
    atomic_bool *stop;
    int n_assigned, n_fenced;
} worker;

/* Copies in to out; the group's position is the only progress kept. */
typedef struct copying {
    worker *k;
    cu_reader *r;
    cu_writer *w;
    int n; /* rows in the open transaction */
    bool open;
} copying;

static void finish(copying *c)
{
    cu_err err = {0};
    if (!c->open)
        return;
    int rc = c->w->vt->commit(c->w, 10000, NULL, NULL, &err);
    if (rc == 0)
        atomic_fetch_add(c->k->n_committed, c->n);
    else
        CU_EXPECT(rc == CU_FENCED && err.flags & CU_ABORT);
    if (rc) {
        CU_OK_(c->w->vt->abort(c->w, &err), &err);
        c->k->n_fenced++;
    }
    c->open = false;
    c->n = 0;
}

static void copy_run(copying *c, const cu_poll *p)
{
    cu_err err = {0};
    if (!c->open)
        cu_test_begin(c->w);
    c->open = true;
    for (size_t i = 0; i < p->n; i++) {
        cu_record rec = p->records[i];
        rec.part.topic = c->k->out;
        CU_OK_(cu_log_append(c->w, &rec, &err), &err);
        c->n++;
    }
    CU_OK_(c->w->vt->mark(c->w, c->r, p->part, p->next, &err), &err);
}

static void *work(void *arg)
{
    worker *k = arg;
    cu_err err = {0};
    cu_poll p;
    copying c = {.k = k, .r = member(k->log, k->group, k->in, NULL)};
    c.w = cu_test_writer(k->log, k->id);
    int64_t next = 0;
    while (!atomic_load(k->stop)) {
        CU_OK_(cu_log_poll(c.r, 20, &p, &err), &err);
        if (p.kind == CU_POLL_RECORDS)
            copy_run(&c, &p);
        if (p.kind == CU_POLL_REVOKED || cu_test_now_ms() >= next) {
            finish(&c); /* revoke commits first */
            next = cu_test_now_ms() + 50;
        }
        for (size_t i = 0; p.kind == CU_POLL_ASSIGNED && i < p.n_parts; i++) {
            int64_t from = cu_test_committed(k->log, k->group, k->in,
                                             p.parts[i].partition);
            resume(c.r, k->in, p.parts[i].partition,
                   from == CU_NO_OFFSET ? CU_OLDEST : from);
        }
        k->n_assigned += p.kind == CU_POLL_ASSIGNED;
    }
    finish(&c);
    c.r->vt->reader_close(c.r);
    c.w->vt->writer_close(c.w);
    return NULL;
}

static void expect_each_once(cu_log *log, const char *topic)
{
    static char hit[PARTS][ROWS / PARTS];
    cu_seen *seen = cu_calloc(1, sizeof(*seen));
    cu_reader *r = cu_test_reader(log, topic, PARTS, CU_OLDEST);
    cu_test_read(r, seen, ROWS);
    cu_test_read_to_end(r, seen, 1);
    CU_EXPECT(seen->n == ROWS);
    for (size_t i = 0; i < seen->n; i++) {
        int n = atoi(seen->at[i].value);
        CU_EXPECT(n >= 0 && n < ROWS / PARTS);
        CU_EXPECT(!hit[seen->at[i].partition][n]++);
    }
    r->vt->reader_close(r);
    cu_free(seen);
}

void cu_kafka_directed_two_threads_share_a_group_exactly_once(
    cu_log *log, const char *prefix)
{
    cu_name in = cu_test_name(prefix, "in"), out = cu_test_name(prefix, "out");
    atomic_int n = 0;
    atomic_bool stop = false, stop_second = false;
    pthread_t t[3];
    worker k[3];
    cu_test_topic(log, in.s, PARTS);
    cu_test_topic(log, out.s, PARTS);
    for (int i = 0; i < 3; i++) {
        k[i] = (worker){.log = log,
                        .in = in.s,
                        .out = out.s,
                        .group = prefix,
                        .n_committed = &n,
                        .stop = i == 1 ? &stop_second : &stop};
        snprintf(k[i].id, sizeof(k[i].id), "%.50s-%d", prefix, i);
    }
    CU_EXPECT(pthread_create(&t[0], NULL, work, &k[0]) == 0);
    cu_writer *w = cu_test_writer(log, prefix);
    for (int row = 0; row < ROWS / PARTS; row += 20) {
        cu_test_begin(w);
        for (int i = row; i < row + 20; i++) {
            char text[16];
            snprintf(text, sizeof(text), "%d", i);
            for (int p = 0; p < PARTS; p++)
                cu_test_put(w, in.s, p, text, text, 1000 + i);
        }
        cu_test_commit(w);
        cu_test_nap();
        cu_test_nap();
        if (row == 200) /* joins while rows flow */
            CU_EXPECT(pthread_create(&t[1], NULL, work, &k[1]) == 0);
        if (row == 600) { /* one leaves, one comes */
            atomic_store(&stop_second, true);
            CU_EXPECT(pthread_create(&t[2], NULL, work, &k[2]) == 0);
        }
    }
    int64_t until = cu_test_now_ms() + OUT_OF_TIME_MS;
    while (atomic_load(&n) < ROWS && cu_test_now_ms() < until)
        cu_test_nap();
    CU_EXPECT(atomic_load(&n) == ROWS);
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    w->vt->writer_close(w);
    expect_each_once(log, out.s);
    CU_EXPECT(k[0].n_assigned >= 3 && k[1].n_assigned >= 1);
    CU_EXPECT(k[2].n_assigned >= 1);
}

/* --- the guard ------------------------------------------------------------ */

enum { TRANSACTION_MS = 2000, HOLD_MS = 2600 };

/* A log whose requests go through the proxy; NULL without one. */
static cu_log *behind_proxy(cu_proxy **proxy)
{
    const char *ports = cu_test_variable("CUPEL_TEST_BEHIND_PROXY");
    cu_log *log = NULL;
    cu_err err = {0};
    char listener[64], at[64];
    unsigned to, from;
    if (!ports || sscanf(ports, "%63s %63s", listener, at) != 2 ||
        sscanf(listener, "127.0.0.1:%u", &to) != 1 ||
        sscanf(at, "127.0.0.1:%u", &from) != 1) {
        fprintf(stderr, "SKIPPED: CUPEL_TEST_BEHIND_PROXY is not set; run "
                        "through tests/kafka/run.sh\n");
        return NULL;
    }
    *proxy = cu_proxy_open((uint16_t)from, (uint16_t)to);
    cu_test_opts o = {.brokers = at, .transaction_ms = TRANSACTION_MS};
    CU_OK_(cu_test_open(&o, &log, &err), &err);
    return log;
}

static void *commit_aside(void *arg)
{
    cu_test_commit(arg);
    return NULL;
}

void cu_kafka_directed_group_positions_wait_until_they_are_stable(
    cu_log *log, const char *prefix)
{
    cu_err err = {0};
    cu_proxy *proxy;
    cu_log *hasty = NULL, *far = behind_proxy(&proxy);
    cu_part part = {prefix, 0};
    int64_t off = 0;
    pthread_t thread;
    if (!far)
        return;
    cu_test_topic(log, prefix, 1);
    cu_writer *w = cu_test_writer(far, prefix);
    cu_test_put_many(w, prefix, 0, 3);
    cu_reader *r = member(log, prefix, prefix, NULL);
    await_kind(r, CU_POLL_ASSIGNED);
    cu_test_begin(w);
    CU_OK_(w->vt->mark(w, r, part, 2, &err), &err);
    cu_test_commit(w);
    CU_EXPECT(cu_test_committed(log, prefix, prefix, 0) == 2);

    /* Stopped between the marks and the end of the transaction. */
    cu_test_opts o = {.deadline_ms = 300};
    CU_OK_(cu_test_open(&o, &hasty, &err), &err);
    cu_test_begin(w);
    CU_OK_(w->vt->mark(w, r, part, 3, &err), &err);
    int seen = cu_proxy_seen(proxy);
    cu_proxy_hold(proxy, 1, 1500); /* within the request's own timeout */
    CU_EXPECT(pthread_create(&thread, NULL, commit_aside, w) == 0);
    CU_AWAIT(cu_proxy_seen(proxy) > seen);
    CU_EXPECT(hasty->vt->committed(hasty, prefix, part, &off, &err) ==
              CU_TIMEOUT);
    CU_EXPECT(err.flags & CU_RETRY);
    CU_EXPECT(strstr(err.msg, "a transaction of the group is still open"));
    CU_EXPECT(cu_test_committed(log, prefix, prefix, 0) == 3);
    pthread_join(thread, NULL);
    hasty->vt->close(hasty);
    r->vt->reader_close(r);
    w->vt->writer_close(w);
    far->vt->close(far);
}

void cu_kafka_directed_a_resent_end_puts_the_commit_in_doubt(cu_log *log,
                                                             const char *prefix)
{
    cu_err err = {0};
    cu_proxy *proxy;
    cu_log *far = behind_proxy(&proxy);
    if (!far)
        return;
    cu_test_topic(log, prefix, 1);
    cu_writer *w = cu_test_writer(far, prefix);
    cu_test_put_many(w, prefix, 0, 1);
    CU_EXPECT(cu_proxy_seen(proxy) == 1); /* the quiet case: one end, OK */

    cu_test_begin(w);
    cu_test_put(w, prefix, 0, "doubt", "1", 1);
    cu_proxy_hold(proxy, 1, HOLD_MS);
    CU_EXPECT(w->vt->commit(w, 10000, NULL, NULL, &err) == CU_IN_DOUBT);
    CU_EXPECT(err.flags == CU_FATAL);
    CU_EXPECT(strstr(err.msg, "its end was sent 2 times"));
    CU_EXPECT(cu_proxy_seen(proxy) >= 2);
    CU_EXPECT(w->vt->begin(w, &err) == CU_IN_DOUBT);
    w->vt->writer_close(w);

    /* Reopened, the log tells: librdkafka's second try had got through. */
    w = cu_test_writer(far, prefix);
    cu_test_begin(w);
    cu_test_put(w, prefix, 0, "next", "2", 2);
    cu_test_commit(w);
    cu_seen *seen = cu_calloc(1, sizeof(*seen));
    cu_reader *r = cu_test_reader(log, prefix, 1, CU_OLDEST);
    cu_test_read(r, seen, 3);
    cu_test_expect_seen(seen, "k0=v0 doubt=1 next=2");
    r->vt->reader_close(r);
    w->vt->writer_close(w);
    far->vt->close(far);
    cu_free(seen);
}

void cu_kafka_directed_a_resent_end_of_an_abort_retires_the_writer(
    cu_log *log, const char *prefix)
{
    cu_err err = {0};
    cu_proxy *proxy;
    cu_log *far = behind_proxy(&proxy);
    if (!far)
        return;
    cu_test_topic(log, prefix, 1);
    cu_writer *w = cu_test_writer(far, prefix);
    cu_test_begin(w);
    cu_test_put(w, prefix, 0, "gone", "1", 1);
    CU_AWAIT(cu_test_end(log, prefix, 0, true) > 0);
    cu_proxy_hold(proxy, 1, HOLD_MS);
    CU_EXPECT(w->vt->abort(w, &err) == CU_IN_DOUBT);
    CU_EXPECT(err.flags == CU_FATAL);
    w->vt->writer_close(w);
    w = cu_test_writer(far, prefix);
    cu_test_put_many(w, prefix, 0, 1);
    cu_seen *seen = cu_calloc(1, sizeof(*seen));
    cu_reader *r = cu_test_reader(log, prefix, 1, CU_OLDEST);
    cu_test_read(r, seen, 1);
    cu_test_expect_seen(seen, "k0=v0");
    r->vt->reader_close(r);
    w->vt->writer_close(w);
    far->vt->close(far);
    cu_free(seen);
}
