/* A Kafka consumer whose rebalances are results of poll.
 *
 * librdkafka tells of a rebalance in a callback and waits for assign().
 *
 *             callback ASSIGN             callback REVOKE
 *             generation taken            nothing is done yet
 *             assign, paused              |
 *   (none) -----------------> owned ------+--> leaving -------------> (none)
 *                 poll says ASSIGNED   poll says REVOKED   next poll:
 *                                      (the caller commits) assign(NULL)
 *
 * On ASSIGN the callback must assign at once: while an assign() is pending,
 * 2.0.2 delivers no further rebalance and the member is thrown out.  The
 * start offset given there is harmless (the oldest, paused); the owner
 * seeks before it resumes.  On REVOKE nothing can happen meanwhile, so the
 * last commit is made outside the callback, by whoever called poll.  Both
 * callbacks yield: else consumer_poll would sit out its timeout first.
 *
 * Records come one by one from consumer_poll, not from the batch calls:
 * those may return stale records across a rebalance in 2.0.2 and lock as
 * often.  A run of one partition is one answer; the record that ends the
 * run is held for the next.
 *
 * Every partition has our own position `next`: what was handed out, control
 * records counted when the end was reported (K2).  librdkafka's position
 * runs ahead of it by the held record, so resume seeks to ours first.
 */
#include "log/kafka_txn.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/diag.h"
#include "log/sabotage.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>

enum {
    RUN_RECORDS = 1024, /* in one answer */
    RUN_BYTES = 4 << 20,
    SEEK_MS = 5000,
    SEEK_EVERY_US = 5000,
};

typedef struct owned {
    const char *topic; /* kept by the log */
    int32_t partition;
    int64_t next; /* CU_NO_OFFSET: ours, but nobody said from where */
    bool paused;
    bool stopped; /* librdkafka gave up on it: its position was gone */
} owned;

typedef enum event { NONE, ASSIGNED, REVOKED } event;

typedef struct reader {
    cu_reader base;
    cu_kafka_client client;
    char *group;         /* NULL: by hand */
    owned *parts;        /* what is assigned */
    cu_part *names;      /* the same, as the caller sees them */
    size_t n_parts, hit; /* `hit`: where find() looks first */
    cu_kafka_generation *generation;

    event event; /* not told yet */
    bool lost, leaving, closing;

    rd_kafka_message_t *lent[RUN_RECORDS];
    cu_record records[RUN_RECORDS];
    size_t n_lent;
    rd_kafka_message_t *held;
    cu_arena *headers; /* of the lent records */
    cu_kafka_wake *wake;
    rd_kafka_topic_t **warm; /* destroyed, they would be forgotten */
    size_t n_warm;
} reader;

void cu_kafka_generation_release(cu_kafka_generation *g)
{
    if (!g || --g->refs > 0)
        return;
    if (g->metadata)
        rd_kafka_consumer_group_metadata_destroy(g->metadata);
    cu_free(g);
}

/* --- what is assigned ------------------------------------------------- */

static void drop_held(reader *r)
{
    if (r->held)
        rd_kafka_message_destroy(r->held);
    r->held = NULL;
}

static void forget_parts(reader *r)
{
    cu_free(r->parts);
    cu_free(r->names);
    r->parts = NULL;
    r->names = NULL;
    r->n_parts = 0;
    r->hit = 0;
    cu_kafka_generation_release(r->generation);
    r->generation = NULL;
    drop_held(r);
}

/* Takes over a list; positions are its offsets when `positioned`. */
static void keep_parts(reader *r, const rd_kafka_topic_partition_list_t *list,
                       bool positioned)
{
    size_t n = (size_t)list->cnt;
    r->parts = cu_calloc(n, sizeof(*r->parts));
    r->names = cu_calloc(n, sizeof(*r->names));
    r->n_parts = n;
    for (size_t i = 0; i < n; i++) {
        const rd_kafka_topic_partition_t *e = &list->elems[i];
        owned *p = &r->parts[i];
        p->topic = cu_kafka_topic_of(r->client.kafka, e->topic)->name;
        p->partition = e->partition;
        p->next = positioned ? e->offset : CU_NO_OFFSET;
        p->paused = !positioned;
        r->names[i] = (cu_part){p->topic, p->partition};
    }
}

static owned *find(reader *r, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < r->n_parts; i++) {
        size_t at = r->hit + i < r->n_parts ? r->hit + i
                                            : r->hit + i - r->n_parts;
        owned *p = &r->parts[at];
        if (p->partition == partition && strcmp(p->topic, topic) == 0) {
            r->hit = at;
            return p;
        }
    }
    return NULL;
}

static rd_kafka_topic_partition_list_t *one(const owned *p, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(
        1);
    rd_kafka_topic_partition_list_add(list, p->topic, p->partition)
        ->offset = offset;
    return list;
}

/* --- rebalances ------------------------------------------------------- */

static void take_assignment(reader *r, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_t *rk = r->client.rk;
    r->generation = cu_calloc(1, sizeof(*r->generation));
    r->generation->refs = 1;
    r->generation->rk = rk;
    r->generation->metadata = CU_LOG_SABOTAGED(CU_LOG_SABOTAGE_STRANGER)
                                  ? rd_kafka_consumer_group_metadata_new(
                                        r->group)
                                  : rd_kafka_consumer_group_metadata(rk);
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(rk, list);
    rd_kafka_pause_partitions(rk, list);
    keep_parts(r, list, false);
    r->event = ASSIGNED;
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    reader *r = ((cu_kafka_client *)opaque)->owner;
    bool assign = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    cu_debug("kafka %s: %s %d partitions", r->client.what,
             assign ? "gets" : "loses", list->cnt);
    CU_ASSERT(r->closing || r->event == NONE);
    if (assign && !r->closing) {
        take_assignment(r, list);
    } else if (code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS && !r->closing) {
        r->event = REVOKED;
        r->lost = rd_kafka_assignment_lost(rk) != 0;
    } else {
        forget_parts(r);
        rd_kafka_assign(rk, NULL);
    }
    rd_kafka_yield(rk);
}

static void tell_event(reader *r, cu_poll *out)
{
    drop_held(r); /* of a revoked partition: whoever owns it reads it again */
    out->kind = r->event == ASSIGNED ? CU_POLL_ASSIGNED : CU_POLL_REVOKED;
    out->parts = r->names;
    out->n_parts = r->n_parts;
    out->lost = r->event == REVOKED && r->lost;
    r->leaving = r->event == REVOKED;
    r->event = NONE;
}

/* --- records ---------------------------------------------------------- */

static void take_back(reader *r)
{
    for (size_t i = 0; i < r->n_lent; i++)
        rd_kafka_message_destroy(r->lent[i]);
    r->n_lent = 0;
    cu_arena_reset(r->headers);
}

static void read_headers(reader *r, const rd_kafka_message_t *m, cu_record *to)
{
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(m, &headers) || !headers)
        return;
    size_t n = rd_kafka_header_cnt(headers), size;
    cu_header *h = cu_arena_calloc(r->headers, n, sizeof(*h));
    for (size_t i = 0; i < n; i++) {
        const char *name = NULL;
        const void *value = NULL;
        rd_kafka_header_get_all(headers, i, &name, &value, &size);
        h[i] = (cu_header){cu_slice_of(name), cu_slice_n(value, size)};
    }
    to->headers = h;
    to->n_headers = (uint32_t)n;
}

static void lend(reader *r, const owned *p, rd_kafka_message_t *m)
{
    rd_kafka_timestamp_type_t type;
    cu_record *to = &r->records[r->n_lent];
    *to = (cu_record){
        .part = {p->topic, p->partition},
        .offset = m->offset,
        .timestamp_ms = rd_kafka_message_timestamp(m, &type),
        .key = cu_slice_n(m->key, m->key ? m->key_len : 0),
        .value = cu_slice_n(m->payload, m->payload ? m->len : 0),
    };
    read_headers(r, m, to);
    r->lent[r->n_lent++] = m;
}

/* The run of one partition that starts with `m`. */
static void tell_run(reader *r, owned *p, rd_kafka_message_t *m, cu_poll *out)
{
    const rd_kafka_topic_t *rkt = m->rkt;
    size_t bytes = 0;
    do {
        bytes += m->len + m->key_len;
        p->next = m->offset + 1;
        if (cu_kafka_is_nothing(m))
            rd_kafka_message_destroy(m);
        else
            lend(r, p, m);
        if (r->n_lent == RUN_RECORDS || bytes >= RUN_BYTES)
            break;
        m = rd_kafka_consumer_poll(r->client.rk, 0);
        if (m && (m->err || m->rkt != rkt || m->partition != p->partition)) {
            r->held = m;
            break;
        }
    } while (m);
    cu_kafka_wake_taken(r->wake, bytes);
    out->kind = CU_POLL_RECORDS;
    out->part = (cu_part){p->topic, p->partition};
    out->records = r->records;
    out->n = r->n_lent;
    out->next = p->next;
}

/* --- what is not a record --------------------------------------------- */

static int fail_fatal(reader *r, cu_err *err)
{
    char why[300];
    rd_kafka_resp_err_t e = rd_kafka_fatal_error(r->client.rk, why,
                                                 sizeof(why));
    if (e == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
        return cu_fail(err, CU_FENCED, CU_FATAL,
                       "%s: the group knows a newer member of the same "
                       "instance name (%s); open it again, and if that "
                       "repeats, give each process its own --instance",
                       r->client.what, why);
    return cu_kafka_fail(err, e, CU_FATAL, why, "%s has to be opened again",
                         r->client.what);
}

static int fail_history(reader *r, owned *p, const char *why, cu_err *err)
{
    char name[300];
    p->stopped = true;
    cu_part_name((cu_part){p->topic, p->partition}, name, sizeof(name));
    return cu_fail(err, CU_HISTORY, 0,
                   "%s: the records of %s from offset %lld on are gone: %s; "
                   "retention or a purge has removed what was not read yet",
                   r->client.what, name, (long long)p->next, why);
}

/* An error in place of a record: 0 when it is none for the caller. */
static int fail_message(reader *r, const rd_kafka_message_t *m, cu_err *err)
{
    const char *why = rd_kafka_message_errstr(m);
    const char *topic = m->rkt ? rd_kafka_topic_name(m->rkt) : NULL;
    owned *p = topic ? find(r, topic, m->partition) : NULL;
    if (rd_kafka_fatal_error(r->client.rk, NULL, 0))
        return fail_fatal(r, err);
    if (m->err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED) {
        cu_warn("%s was not polled for too long and left its group; it "
                "joins again: %s",
                r->client.what, why);
        return 0;
    }
    if (p && (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
              m->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE))
        return fail_history(r, p, why, err);
    if (m->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED && !r->group)
        return 0; /* librdkafka asks about a group that is only a name */
    if (topic && m->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        return cu_kafka_fail_grant(err, m->err, "Read", topic, "cannot read");
    return cu_kafka_fail(err, m->err, 0, why, "%s cannot read %s",
                         r->client.what, topic ? topic : "its topics");
}

/* True when *out or *rc is the answer. Takes the message. */
static bool tell_message(reader *r, rd_kafka_message_t *m, cu_poll *out,
                         int *rc, cu_err *err)
{
    const char *topic = m->rkt ? rd_kafka_topic_name(m->rkt) : "";
    owned *p = find(r, topic, m->partition);
    if (!m->err && p && m->offset >= p->next) {
        tell_run(r, p, m, out);
        return true;
    }
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        int64_t end = m->offset;
        rd_kafka_message_destroy(m);
        if (!p || end < p->next)
            return false;
        p->next = end;
        out->kind = CU_POLL_END;
        out->part = (cu_part){p->topic, p->partition};
        out->next = end;
        return true;
    }
    *rc = m->err ? fail_message(r, m, err) : 0;
    rd_kafka_message_destroy(m);
    return *rc != 0;
}

int cu_kafka_reader_poll(cu_reader *base, int64_t timeout_ms, cu_poll *out,
                         cu_err *err)
{
    reader *r = (reader *)base;
    cu_kafka *k = r->client.kafka;
    int64_t until = cu_mono_ms(k->env) + timeout_ms;
    int rc = 0;
    *out = (cu_poll){.kind = CU_POLL_IDLE};
    take_back(r);
    if (r->leaving) {
        r->leaving = false;
        forget_parts(r);
        rd_kafka_assign(r->client.rk, NULL);
    }
    for (;;) {
        if (r->event != NONE) {
            tell_event(r, out);
            return 0;
        }
        rd_kafka_message_t *m = r->held;
        r->held = NULL;
        int left = cu_kafka_left(k, until);
        if (!m)
            m = rd_kafka_consumer_poll(r->client.rk, left);
        if (m && tell_message(r, m, out, &rc, err))
            return rc;
        if (!m && r->event == NONE && left == 0)
            return rd_kafka_fatal_error(r->client.rk, NULL, 0)
                       ? fail_fatal(r, err)
                       : 0;
    }
}

/* --- seek, pause ------------------------------------------------------ */

static int not_ours(reader *r, cu_part part, cu_err *err)
{
    char name[300];
    return cu_fail(err, r->group ? CU_FENCED : CU_USAGE, 0,
                   "%s does not own %s", r->client.what,
                   cu_part_name(part, name, sizeof(name)));
}

/* Starts a stopped partition at `offset`.  A seek cannot; what can is to
 * assign everything anew, each where we stand. */
static void restart(reader *r, owned *p, int64_t offset)
{
    rd_kafka_t *rk = r->client.rk;
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(
        (int)r->n_parts);
    rd_kafka_topic_partition_list_t *paused = rd_kafka_topic_partition_list_new(
        (int)r->n_parts);
    for (size_t i = 0; i < r->n_parts; i++) {
        owned *q = &r->parts[i];
        int64_t next = q->next == CU_NO_OFFSET ? CU_OLDEST : q->next;
        rd_kafka_topic_partition_list_add(all, q->topic, q->partition)
            ->offset = q == p ? offset : next;
        if (q->paused)
            rd_kafka_topic_partition_list_add(paused, q->topic, q->partition);
    }
    drop_held(r);
    rd_kafka_assign(rk, all);
    rd_kafka_pause_partitions(rk, paused);
    rd_kafka_topic_partition_list_destroy(paused);
    rd_kafka_topic_partition_list_destroy(all);
    p->stopped = false;
}

/* A partition that was assigned a moment ago may not have started yet. */
static int move(reader *r, owned *p, int64_t offset, cu_err *err)
{
    cu_kafka *k = r->client.kafka;
    if (p->stopped)
        restart(r, p, offset);
    int64_t until = cu_mono_ms(k->env) + SEEK_MS;
    rd_kafka_topic_partition_list_t *list = one(p, offset);
    rd_kafka_resp_err_t e;
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_seek_partitions(r->client.rk, list,
                                                           SEEK_MS);
        e = error ? rd_kafka_error_code(error) : list->elems[0].err;
        rd_kafka_error_destroy(error);
        if (!e || !cu_kafka_left(k, until))
            break;
        list->elems[0].err = RD_KAFKA_RESP_ERR_NO_ERROR;
        list->elems[0].offset = offset;
        k->env->vt->sleep_us(k->env, SEEK_EVERY_US);
    }
    rd_kafka_topic_partition_list_destroy(list);
    if (!e)
        return 0;
    return cu_kafka_fail(
        err, e, CU_RETRY, NULL, "%s cannot move to offset %lld of %s[%d]",
        r->client.what, (long long)offset, p->topic, p->partition);
}

static void drop_held_of(reader *r, const owned *p)
{
    if (r->held && r->held->rkt && r->held->partition == p->partition &&
        strcmp(rd_kafka_topic_name(r->held->rkt), p->topic) == 0)
        drop_held(r);
}

int cu_kafka_reader_seek(cu_reader *base, cu_part part, int64_t off,
                         cu_err *err)
{
    reader *r = (reader *)base;
    owned *p = find(r, part.topic, part.partition);
    if (!p)
        return not_ours(r, part, err);
    drop_held_of(r, p);
    int rc = move(r, p, off, err);
    if (!rc)
        p->next = off;
    return rc;
}

/* Where the group stands, for an owner that did not say. */
static int start_of(reader *r, owned *p, cu_err *err)
{
    cu_log *log = &r->client.kafka->base;
    cu_part name = {p->topic, p->partition};
    int rc = cu_kafka_committed(log, r->group, name, &p->next, err);
    if (!rc && p->next == CU_NO_OFFSET)
        p->next = CU_OLDEST;
    return rc;
}

int cu_kafka_reader_pause(cu_reader *base, cu_part part, bool pause,
                          cu_err *err)
{
    reader *r = (reader *)base;
    owned *p = find(r, part.topic, part.partition);
    int rc = 0;
    if (!p)
        return not_ours(r, part, err);
    if (p->paused == pause)
        return 0;
    drop_held_of(r, p);
    if (!pause && p->next == CU_NO_OFFSET)
        rc = start_of(r, p, err);
    if (!rc && !pause)
        rc = move(r, p, p->next, err);
    if (rc)
        return rc;
    rd_kafka_topic_partition_list_t *list = one(p, 0);
    rd_kafka_resp_err_t e = pause
                                ? rd_kafka_pause_partitions(r->client.rk, list)
                                : rd_kafka_resume_partitions(r->client.rk,
                                                             list);
    if (!e)
        e = list->elems[0].err;
    rd_kafka_topic_partition_list_destroy(list);
    if (e)
        return cu_kafka_fail(err, e, 0, NULL, "%s cannot %s %s[%d]",
                             r->client.what, pause ? "pause" : "resume",
                             p->topic, p->partition);
    p->paused = pause;
    return 0;
}

int cu_kafka_reader_generation(cu_reader *base, cu_part part,
                               cu_kafka_generation **out, cu_err *err)
{
    reader *r = (reader *)base;
    char name[300];
    if (!r->group)
        return cu_fail(err, CU_USAGE, 0,
                       "%s has no group whose position in %s could be kept",
                       r->client.what, cu_part_name(part, name, sizeof(name)));
    if (!r->generation || !find(r, part.topic, part.partition))
        return not_ours(r, part, err);
    r->generation->refs++;
    *out = r->generation;
    return 0;
}

/* --- open and close --------------------------------------------------- */

/* Asks for the leaders of a topic now: the first fetch would otherwise wait
 * half a second for the next refresh. */
static void warm(reader *r, const char *name)
{
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(r->client.rk, name, NULL);
    if (!rkt)
        return;
    if (!rd_kafka_metadata(r->client.rk, 0, rkt, &md, CU_KAFKA_DIAL_MS))
        rd_kafka_metadata_destroy(md);
    r->warm = cu_realloc(r->warm, (r->n_warm + 1) * sizeof(*r->warm));
    r->warm[r->n_warm++] = rkt;
}

static int subscribe(reader *r, const cu_reader_opts *o, cu_err *err)
{
    cu_kafka *k = r->client.kafka;
    int32_t n;
    int rc = 0;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(
        (int)o->n_topics);
    for (size_t i = 0; i < o->n_topics && !rc; i++) {
        rc = cu_kafka_require(k, (cu_part){o->topics[i], 0}, &n, err);
        if (!rc)
            warm(r, o->topics[i]);
        rd_kafka_topic_partition_list_add(list, o->topics[i],
                                          RD_KAFKA_PARTITION_UA);
    }
    rd_kafka_resp_err_t e = rc ? RD_KAFKA_RESP_ERR_NO_ERROR
                               : rd_kafka_subscribe(r->client.rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (e)
        rc = cu_kafka_fail(err, e, 0, NULL, "%s cannot subscribe",
                           r->client.what);
    return rc;
}

static int assign_by_hand(reader *r, const cu_reader_opts *o, cu_err *err)
{
    cu_kafka *k = r->client.kafka;
    int32_t n;
    int rc = 0;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(
        (int)o->n_parts);
    for (size_t i = 0; i < o->n_parts && !rc; i++) {
        cu_part p = o->parts[i].part;
        rc = cu_kafka_require(k, p, &n, err);
        if (!rc && (i == 0 || strcmp(p.topic, o->parts[i - 1].part.topic)))
            warm(r, p.topic);
        rd_kafka_topic_partition_list_add(list, p.topic, p.partition)
            ->offset = o->parts[i].next;
    }
    rd_kafka_resp_err_t e = rc ? RD_KAFKA_RESP_ERR_NO_ERROR
                               : rd_kafka_assign(r->client.rk, list);
    if (!rc && !e)
        keep_parts(r, list, true);
    rd_kafka_topic_partition_list_destroy(list);
    if (e)
        rc = cu_kafka_fail(err, e, 0, NULL, "%s cannot start reading",
                           r->client.what);
    return rc;
}

int cu_kafka_reader_open(cu_log *log, const cu_reader_opts *o, cu_reader **out,
                         cu_err *err)
{
    cu_kafka *k = (cu_kafka *)log;
    rd_kafka_conf_t *conf = NULL;
    *out = NULL;
    reader *r = cu_calloc(1, sizeof(*r));
    r->base.vt = k->base.vt;
    r->client.kafka = k;
    r->client.owner = r;
    r->headers = cu_arena_new(0);
    r->group = o->group ? cu_strdup(o->group) : NULL;
    snprintf(r->client.what, sizeof(r->client.what), "reader %s%s",
             o->group ? "of group " : "without a group",
             o->group ? o->group : "");
    int rc = cu_kafka_reader_conf(&r->client, o, &conf, err);
    if (!rc && r->group)
        rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    if (!rc)
        rc = cu_kafka_client_open(&r->client, RD_KAFKA_CONSUMER, conf, err);
    if (!rc)
        r->wake = cu_kafka_wake_new(r->client.rk, cu_kafka_queue_bytes(o));
    if (!rc)
        rc = r->group ? subscribe(r, o, err) : assign_by_hand(r, o, err);
    if (rc)
        cu_kafka_reader_close(&r->base);
    else
        *out = &r->base;
    return rc;
}

void cu_kafka_reader_close(cu_reader *base)
{
    reader *r = (reader *)base;
    take_back(r);
    r->closing = true;
    forget_parts(r);
    if (r->client.rk) {
        /* A revoke that was told but not finished would stop the close. */
        if (r->leaving || r->event == REVOKED)
            rd_kafka_assign(r->client.rk, NULL);
        rd_kafka_consumer_close(r->client.rk);
        cu_kafka_wake_free(r->wake);
        for (size_t i = 0; i < r->n_warm; i++)
            rd_kafka_topic_destroy(r->warm[i]);
        rd_kafka_destroy(r->client.rk);
    }
    cu_arena_free(r->headers);
    cu_free(r->warm);
    cu_free(r->group);
    cu_free(r);
}
