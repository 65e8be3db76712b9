/* Cases that need a proxy before the broker: what is on its way is counted, or
 * held until a test has looked. */
#include "tests/kafka/directed.h"

#include "base/alloc.h"
#include "tests/kafka/proxy.h"
#include "tests/unit/log/tools.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* The proxy, opened once, and the address behind which it listens, for a log;
 * NULL without one. */
static cu_proxy *proxy_at(char at[64])
{
    const char *ports = cu_test_variable("CUPEL_TEST_BEHIND_PROXY");
    char listener[64];
    unsigned to, from;
    if (!ports || sscanf(ports, "%63s %63s", listener, at) != 2 ||
        sscanf(listener, "127.0.0.1:%u", &to) != 1 ||
        sscanf(at, "127.0.0.1:%u", &from) != 1) {
        fprintf(stderr, "SKIPPED: CUPEL_TEST_BEHIND_PROXY is not set; run "
                        "through tests/kafka/run.sh\n");
        return NULL;
    }
    return cu_proxy_open((uint16_t)from, (uint16_t)to);
}

/* A log whose requests go through the proxy. */
static cu_log *behind(const char *at)
{
    return cu_test_open_log(&(cu_test_opts){.brokers = at});
}

/* One that gives a request up after two seconds and sends it again, while the
 * transaction is far from its own timeout. */
static cu_log *impatient_behind(const char *at)
{
    static const cu_property impatient = {"socket.timeout.ms", "2000"};
    return cu_test_open_log(&(cu_test_opts){
        .brokers = at, .properties = &impatient, .n_properties = 1});
}

void cu_kafka_directed_an_empty_transaction_is_not_sent(cu_log *log,
                                                        const char *prefix)
{
    enum { N = 1000 };
    char at[64];
    cu_proxy *proxy = proxy_at(at);
    if (!proxy)
        return;
    cu_log *far = behind(at);
    cu_test_topic(log, prefix, 1);
    cu_writer *w = cu_test_writer(far, prefix);
    int before = cu_proxy_requests(proxy);
    for (int i = 0; i < N; i++) {
        cu_test_begin(w);
        cu_test_commit(w);
    }
    /* librdkafka may look at the cluster once in a while. */
    CU_EXPECT(cu_proxy_requests(proxy) - before < N / 10);
    CU_EXPECT(cu_proxy_seen(proxy) == 0);
    CU_EXPECT(cu_test_end(log, prefix, 0, true) == 0);
    w->vt->writer_close(w);
    far->vt->close(far);
}

static void *commit_aside(void *arg)
{
    cu_test_commit(arg);
    return NULL;
}

static void mark_at(cu_writer *w, cu_reader *r, const char *topic, int64_t next)
{
    cu_err err = {0};
    CU_OK_(w->vt->mark(w, r, (cu_part){topic, 0}, next, &err), &err);
}

/* Its commit has all but its end, which the proxy holds. */
static void commit_held(cu_writer *w, cu_proxy *proxy, pthread_t *committer)
{
    int seen = cu_proxy_seen(proxy);
    cu_proxy_hold(proxy);
    CU_EXPECT(!pthread_create(committer, NULL, commit_aside, w));
    CU_AWAIT(cu_proxy_seen(proxy) > seen);
}

static void *release_soon(void *proxy)
{
    for (int i = 0; i < 10; i++)
        cu_test_nap();
    cu_proxy_release(proxy);
    return NULL;
}

static cu_reader *member_of(cu_log *log, const char *group, const char *topic)
{
    cu_err err = {0};
    cu_reader *r = NULL;
    cu_poll p = {0};
    cu_reader_opts o = {.group = group, .topics = &topic, .n_topics = 1};
    CU_OK_(log->vt->reader_open(log, &o, &r, &err), &err);
    while (p.kind != CU_POLL_ASSIGNED)
        CU_OK_(cu_log_poll(r, 100, &p, &err), &err);
    return r;
}

/* A fresh reader of partition 0 finds these rows and no more. */
static void expect_rows(cu_log *log, const char *topic, size_t n,
                        const char *rows)
{
    cu_seen *seen = cu_calloc(1, sizeof(*seen));
    cu_reader *r = cu_test_reader(log, topic, 1, CU_OLDEST);
    cu_test_read(r, seen, n);
    cu_test_expect_seen(seen, rows);
    r->vt->reader_close(r);
    cu_free(seen);
}

/* Asks until the answer is what a transaction in the way looks like; a busy
 * machine may have given no answer at all. */
static void expect_unstable(cu_log *hasty, const char *group, cu_part part)
{
    int64_t off = 0;
    cu_err err = {0};
    do {
        CU_EXPECT(hasty->vt->committed(hasty, group, part, &off, &err) ==
                  CU_TIMEOUT);
        CU_EXPECT(err.flags & CU_RETRY);
    } while (!strstr(err.msg, "a transaction of the group is still open"));
}

void cu_kafka_directed_group_positions_wait_until_they_are_stable(
    cu_log *log, const char *prefix)
{
    char at[64];
    cu_part part = {prefix, 0};
    pthread_t committer, releaser;
    cu_proxy *proxy = proxy_at(at);
    if (!proxy)
        return;
    cu_log *far = behind(at);
    cu_test_topic(log, prefix, 1);
    cu_writer *w = cu_test_writer(far, prefix);
    cu_test_put_many(w, prefix, 0, 3);
    cu_reader *r = member_of(log, prefix, prefix);
    cu_test_begin(w);
    mark_at(w, r, prefix, 2);
    cu_test_commit(w);
    CU_EXPECT(cu_test_committed(log, prefix, prefix, 0) == 2);

    /* Stopped between the marks and the end of the transaction. */
    cu_log *hasty = cu_test_open_log(&(cu_test_opts){.deadline_ms = 500});
    cu_test_begin(w);
    mark_at(w, r, prefix, 3);
    commit_held(w, proxy, &committer);
    expect_unstable(hasty, prefix, part);
    CU_EXPECT(!pthread_create(&releaser, NULL, release_soon, proxy));
    CU_EXPECT(cu_test_committed(log, prefix, prefix, 0) == 3);
    pthread_join(releaser, NULL);
    pthread_join(committer, NULL);
    hasty->vt->close(hasty);
    r->vt->reader_close(r);
    w->vt->writer_close(w);
    far->vt->close(far);
}

void cu_kafka_directed_a_resent_end_puts_the_commit_in_doubt(cu_log *log,
                                                             const char *prefix)
{
    cu_err err = {0};
    char at[64];
    cu_proxy *proxy = proxy_at(at);
    if (!proxy)
        return;
    cu_log *far = behind(at), *hasty = impatient_behind(at);
    cu_test_topic(log, prefix, 1);
    cu_writer *w = cu_test_writer(far, prefix);
    cu_test_put_many(w, prefix, 0, 1);
    CU_EXPECT(cu_proxy_seen(proxy) == 1); /* the quiet case: one end, OK */
    w->vt->writer_close(w);

    w = cu_test_writer(hasty, prefix);
    cu_test_begin(w);
    cu_test_put(w, prefix, 0, "doubt", "1", 1);
    int seen = cu_proxy_seen(proxy);
    cu_proxy_hold_until_resent(proxy);
    CU_EXPECT(w->vt->commit(w, CU_TEST_WAIT_MS, NULL, NULL, &err) ==
              CU_IN_DOUBT);
    CU_EXPECT(err.flags == CU_FATAL);
    int times = 0;
    const char *said = strstr(err.msg, "its end was sent ");
    CU_EXPECT(said && sscanf(said, "its end was sent %d times", &times) == 1);
    CU_EXPECT(times >= 2);
    CU_EXPECT(cu_proxy_seen(proxy) >= seen + 2);
    CU_EXPECT(w->vt->begin(w, &err) == CU_IN_DOUBT);
    w->vt->writer_close(w);

    /* Reopened, the log tells: librdkafka's second try had got through. */
    w = cu_test_writer(far, prefix);
    cu_test_begin(w);
    cu_test_put(w, prefix, 0, "next", "2", 2);
    cu_test_commit(w);
    expect_rows(log, prefix, 3, "k0=v0 doubt=1 next=2");
    w->vt->writer_close(w);
    hasty->vt->close(hasty);
    far->vt->close(far);
}

/* A transaction without a record touches the group alone; whoever looks for
 * what it has left must not ask about no partition at all. */
void cu_kafka_directed_positions_alone_in_doubt_do_not_stop_the_next_writer(
    cu_log *log, const char *prefix)
{
    cu_err err = {0};
    char at[64];
    cu_proxy *proxy = proxy_at(at);
    if (!proxy)
        return;
    cu_log *hasty = impatient_behind(at);
    cu_test_topic(log, prefix, 1);
    cu_writer *w = cu_test_writer(hasty, prefix);
    cu_test_put_many(w, prefix, 0, 3);
    cu_reader *r = member_of(log, prefix, prefix);
    cu_test_begin(w);
    mark_at(w, r, prefix, 2);
    cu_proxy_hold_until_resent(proxy);
    CU_EXPECT(w->vt->commit(w, CU_TEST_WAIT_MS, NULL, NULL, &err) ==
              CU_IN_DOUBT);
    w->vt->writer_close(w);

    w = cu_test_writer(hasty, prefix);
    CU_EXPECT(cu_test_committed(log, prefix, prefix, 0) == 2);
    cu_test_begin(w);
    mark_at(w, r, prefix, 3);
    cu_test_commit(w);
    CU_EXPECT(cu_test_committed(log, prefix, prefix, 0) == 3);
    expect_rows(log, prefix, 3, "k0=v0 k1=v1 k2=v2");
    r->vt->reader_close(r);
    w->vt->writer_close(w);
    hasty->vt->close(hasty);
}

/* A commit of `w` whose positions do not settle, here because another
 * transaction with them is held up in the proxy; a broker that has forgotten
 * the commit looks the same. */
typedef struct unsettled {
    cu_log *far, *twin;
    cu_reader *r;
    cu_writer *w, *late;
    pthread_t committer;
} unsettled;

static void unsettle(unsettled *u, cu_log *log, const char *prefix,
                     cu_proxy *proxy, const char *at)
{
    cu_name other = cu_test_name(prefix, "other");
    u->far = behind(at);
    u->twin = cu_test_open_log(&(cu_test_opts){0});
    cu_test_topic(log, prefix, 2);
    u->r = member_of(log, prefix, prefix);
    u->w = cu_test_writer(log, prefix);
    cu_test_begin(u->w);
    cu_test_put(u->w, prefix, 0, "kept", "1", 1);
    mark_at(u->w, u->r, prefix, 1);
    cu_test_commit(u->w);
    u->late = cu_test_writer(u->far, other.s);
    cu_test_begin(u->late);
    cu_test_put(u->late, prefix, 0, "late", "2", 2);
    mark_at(u->late, u->r, prefix, 2);
    commit_held(u->late, proxy, &u->committer);
}

/* Fenced by a twin, so that its transaction cannot be aborted, and closed. */
static void give_up(unsettled *u, const char *prefix)
{
    cu_err err = {0};
    CU_OK_(u->twin->vt->fence(u->twin, prefix, &err), &err);
    u->w->vt->writer_close(u->w);
}

static void settle(unsettled *u, cu_proxy *proxy)
{
    cu_proxy_release(proxy);
    pthread_join(u->committer, NULL);
    u->late->vt->writer_close(u->late);
    u->r->vt->reader_close(u->r);
    u->twin->vt->close(u->twin);
    u->far->vt->close(u->far);
}

/* Rows of the next transaction lie behind it: an abort of those would take the
 * commit with it. */
void cu_kafka_directed_a_commit_that_does_not_settle_is_not_aborted(
    cu_log *log, const char *prefix)
{
    cu_err err = {0};
    char at[64];
    unsettled u;
    cu_proxy *proxy = proxy_at(at);
    if (!proxy)
        return;
    unsettle(&u, log, prefix, proxy, at);
    cu_test_begin(u.w);
    cu_test_put(u.w, prefix, 0, "gone", "3", 3);
    CU_AWAIT(cu_test_end(log, prefix, 0, true) >= 4);
    give_up(&u, prefix);
    CU_EXPECT(log->vt->writer_open(log, prefix, &u.w, &err) == CU_NETWORK);
    CU_EXPECT(err.flags & CU_RETRY);
    CU_EXPECT(strstr(err.msg, "has forgotten that a transaction of"));

    settle(&u, proxy);
    u.w = cu_test_writer(log, prefix);
    expect_rows(log, prefix, 2, "kept=1 late=2");
    u.w->vt->writer_close(u.w);
}

/* Nothing lies behind it, the next transaction failed elsewhere: the commit
 * after that ends it as well, with a record where it has none of its own, which
 * no reader sees. */
void cu_kafka_directed_a_commit_that_does_not_settle_is_ended_by_the_next(
    cu_log *log, const char *prefix)
{
    char at[64];
    unsettled u;
    cu_proxy *proxy = proxy_at(at);
    if (!proxy)
        return;
    unsettle(&u, log, prefix, proxy, at);
    cu_test_begin(u.w);
    cu_test_put(u.w, prefix, 1, "gone", "3", 3);
    CU_AWAIT(cu_test_end(log, prefix, 1, true) >= 1);
    give_up(&u, prefix);
    int64_t end = cu_test_end(log, prefix, 0, true);

    u.w = cu_test_writer(log, prefix);
    cu_test_begin(u.w);
    cu_test_put(u.w, prefix, 1, "next", "3", 3);
    mark_at(u.w, u.r, prefix, 3);
    cu_test_commit(u.w);
    CU_AWAIT(cu_test_end(log, prefix, 0, true) == end + 2); /* and its marker */
    settle(&u, proxy);
    expect_rows(log, prefix, 2, "kept=1 late=2");
    CU_EXPECT(cu_test_committed(log, prefix, prefix, 0) == 3);
    u.w->vt->writer_close(u.w);
}

void cu_kafka_directed_a_resent_end_of_an_abort_retires_the_writer(
    cu_log *log, const char *prefix)
{
    cu_err err = {0};
    char at[64];
    cu_proxy *proxy = proxy_at(at);
    if (!proxy)
        return;
    cu_log *hasty = impatient_behind(at);
    cu_test_topic(log, prefix, 1);
    cu_writer *w = cu_test_writer(hasty, prefix);
    cu_test_begin(w);
    cu_test_put(w, prefix, 0, "gone", "1", 1);
    CU_AWAIT(cu_test_end(log, prefix, 0, true) > 0);
    cu_proxy_hold_until_resent(proxy);
    CU_EXPECT(w->vt->abort(w, &err) == CU_IN_DOUBT);
    CU_EXPECT(err.flags == CU_FATAL);
    w->vt->writer_close(w);
    w = cu_test_writer(log, prefix);
    cu_test_put_many(w, prefix, 0, 1);
    expect_rows(log, prefix, 1, "k0=v0");
    w->vt->writer_close(w);
    hasty->vt->close(hasty);
}
