/* A transactional producer, one transaction at a time.
 *
 *            begin          append, mark           commit, abort
 *   IDLE -----------> OPEN --------------> ACTIVE ---------------> IDLE
 *    ^                  |                    |
 *    +---- nothing -----+                    +--- fatal, in doubt: DEAD
 *
 * OPEN is ours alone: librdkafka's begin comes with the first append or
 * mark, so an empty transaction never reaches a broker.
 *
 * Commit = flush, every delivery report, the marks (each set with the
 * generation it was made under, K3), EndTxn.  The first failure decides:
 *
 *   before EndTxn   fence code       CU_FENCED | ABORT (FATAL when the
 *                                    producer is)
 *                   delivery, rest   its code | ABORT, or FATAL
 *                   marks timed out  CU_IN_DOUBT | FATAL: a late request
 *                                    would land in our next transaction
 *   EndTxn          sent once and    CU_FENCED | FATAL: the broker said no
 *                   fenced
 *                   other failure    CU_IN_DOUBT | FATAL
 *                   ok, sent twice   CU_IN_DOUBT | FATAL (K4)
 *
 * The last line is the guard.  librdkafka 2.0.2 sends EndTxn again when the
 * answer is late; the broker may then end our next transaction with it and
 * tear that one in two.  An interceptor counts the sends on the wire; after
 * two, a writer never starts another transaction.  An abort is an EndTxn
 * too and is guarded alike.
 *
 * Too large records are refused before librdkafka sees them: the broker's
 * refusal would come as a delivery error and cost the whole transaction.
 */
#include "log/kafka.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/diag.h"

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    API_END_TXN = 26,
    /* Batch header, record header with the largest varints. */
    BATCH_OVERHEAD = 61 + 40,
    HEADER_OVERHEAD = 10,
    SERVE_EVERY = 256, /* appends between two looks at delivery reports */
    CLOSE_MS = 2000,
};

/* Where one partition ends; delivery reports point at it. */
typedef struct slot {
    cu_part part;
    int64_t end; /* -1: nothing delivered in this transaction */
    bool touched;
} slot;

typedef struct topic {
    const char *name; /* kept by the log */
    rd_kafka_topic_t *rkt;
    slot **slots; /* per partition; made when first needed */
    int32_t n_slots;
    int64_t max_bytes;
} topic;

/* Marks of one generation. */
typedef struct marks {
    cu_kafka_generation *generation;
    rd_kafka_topic_partition_list_t *positions;
} marks;

typedef enum state { IDLE, OPEN, ACTIVE, DEAD } state;

typedef struct writer {
    cu_writer base;
    cu_kafka_client client;
    char *txn_id;
    state state;
    cu_err death; /* why it is DEAD */
    bool aborting;
    atomic_int end_txn_sent;

    cu_map *topics; /* name -> topic */
    topic *last;
    slot **touched; /* in this transaction */
    size_t n_touched, cap_touched;
    size_t n_appended;
    marks *marks;
    size_t n_marks;

    rd_kafka_resp_err_t failed; /* the first delivery that did not work */
    char failed_at[300];
} writer;

/* --- callbacks -------------------------------------------------------- */

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m,
                        void *opaque)
{
    writer *w = ((cu_kafka_client *)opaque)->owner;
    slot *s = m->_private;
    (void)rk;
    if (!m->err) {
        if (m->offset >= s->end)
            s->end = m->offset + 1;
    } else if (!w->failed && !w->aborting) {
        w->failed = m->err;
        cu_part_name(s->part, w->failed_at, sizeof(w->failed_at));
    }
}

static rd_kafka_resp_err_t on_request_sent(rd_kafka_t *rk, int sockfd,
                                           const char *broker, int32_t id,
                                           int16_t api, int16_t version,
                                           int32_t correlation, size_t size,
                                           void *opaque)
{
    writer *w = opaque;
    (void)rk, (void)sockfd, (void)broker, (void)id, (void)version;
    (void)correlation, (void)size;
    if (api == API_END_TXN)
        atomic_fetch_add(&w->end_txn_sent, 1);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *rk, const rd_kafka_conf_t *conf,
                                  void *opaque, char *why, size_t size)
{
    (void)conf, (void)why, (void)size;
    return rd_kafka_interceptor_add_on_request_sent(rk, "end_txn",
                                                    on_request_sent, opaque);
}

/* --- failing ---------------------------------------------------------- */

static int die(writer *w, const cu_err *why, cu_err *err)
{
    w->state = DEAD;
    w->death = *why;
    w->death.flags = CU_FATAL;
    if (err)
        *err = w->death;
    return w->death.code;
}

static int in_doubt(writer *w, const char *why, cu_err *err)
{
    cu_err e = {0};
    cu_fail(&e, CU_IN_DOUBT, CU_FATAL,
            "transaction of %s: %s; whether it was committed shows after "
            "the writer is opened again",
            w->txn_id, why);
    return die(w, &e, err);
}

/* The producer as a whole is dead: fenced, or its transaction was torn. */
static int fail_fatal(writer *w, cu_err *err)
{
    char why[300];
    cu_err e = {0};
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(w->client.rk, why,
                                                    sizeof(why));
    if (!cu_kafka_is_fence(code))
        return in_doubt(w, why, err);
    cu_kafka_fail(&e, code, CU_FATAL, why, "writer %s is fenced", w->txn_id);
    return die(w, &e, err);
}

/* Before EndTxn: everything appended can still be aborted. */
static int fail_step(writer *w, int code, const char *why, const char *step,
                     cu_err *err)
{
    if (rd_kafka_fatal_error(w->client.rk, NULL, 0))
        return fail_fatal(w, err);
    return cu_kafka_fail(err, code, CU_ABORT, why, "transaction of %s: %s",
                         w->txn_id, step);
}

static int fail_delivery(writer *w, cu_err *err)
{
    int rc = fail_step(w, w->failed, NULL, "a record was not delivered", err);
    return err && err->flags & CU_FATAL
               ? rc
               : cu_err_note(err, "%s: ", w->failed_at);
}

static int fail_error(writer *w, rd_kafka_error_t *e, const char *step,
                      cu_err *err)
{
    int rc = fail_step(w, rd_kafka_error_code(e), rd_kafka_error_string(e),
                       step, err);
    rd_kafka_error_destroy(e);
    return rc;
}

static int fail_dead(const writer *w, cu_err *err)
{
    if (err)
        *err = w->death;
    return w->death.code;
}

/* --- open and close --------------------------------------------------- */

static int configure(writer *w, rd_kafka_conf_t **conf, cu_err *err)
{
    cu_kafka *k = w->client.kafka;
    char txn[24], queue_kb[24], largest[24];
    size_t queue = k->memory_bytes / 4;
    if (queue < CU_KAFKA_RECORD_BYTES + (1 << 20))
        queue = CU_KAFKA_RECORD_BYTES + (1 << 20);
    snprintf(txn, sizeof(txn), "%lld", (long long)k->transaction_ms);
    snprintf(queue_kb, sizeof(queue_kb), "%zu", queue / 1024);
    snprintf(largest, sizeof(largest), "%d", CU_KAFKA_RECORD_BYTES);
    const cu_property defaults[] = {
        /* One dead process blocks every read_committed reader as long. */
        {"transaction.timeout.ms", txn},
        {"socket.timeout.ms", txn},
        {"message.timeout.ms", txn},
        {"linger.ms", "5"},
        {"compression.codec", "lz4"},
        {"batch.size", "524288"},
        {"message.max.bytes", largest},
        {"queue.buffering.max.kbytes", queue_kb},
        {"queue.buffering.max.messages", "1000000"},
        {NULL, NULL},
    };
    const cu_property fixed[] = {
        {"transactional.id", w->txn_id},
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {NULL, NULL},
    };
    int rc = cu_kafka_conf(&w->client, defaults, fixed, conf, err);
    if (rc)
        return rc;
    rd_kafka_conf_set_dr_msg_cb(*conf, on_delivery);
    rd_kafka_conf_interceptor_add_on_new(*conf, "end_txn", on_new, w);
    return 0;
}

/* Ends what an older producer of the id left open, and fences it. */
static int init(writer *w, cu_err *err)
{
    cu_kafka *k = w->client.kafka;
    int64_t until = cu_mono_ms(k->env) + k->deadline_ms;
    for (;;) {
        int left = cu_kafka_left(k, until);
        rd_kafka_error_t *e = rd_kafka_init_transactions(w->client.rk, left);
        if (!e)
            return 0;
        int code = rd_kafka_error_code(e);
        bool again = rd_kafka_error_is_retriable(e) &&
                     !rd_kafka_error_is_fatal(e) && cu_kafka_left(k, until);
        int rc = again ? 0
                       : cu_kafka_fail(err, code, CU_FATAL,
                                       rd_kafka_error_string(e),
                                       "cannot open writer %s on %s", w->txn_id,
                                       k->brokers);
        rd_kafka_error_destroy(e);
        if (!again)
            return rc;
        k->env->vt->sleep_us(k->env, 20000);
    }
}

int cu_kafka_writer_open(cu_log *log, const char *txn_id, cu_writer **out,
                         cu_err *err)
{
    cu_kafka *k = (cu_kafka *)log;
    rd_kafka_conf_t *conf = NULL;
    *out = NULL;
    writer *w = cu_calloc(1, sizeof(*w));
    w->base.vt = k->base.vt;
    w->client.kafka = k;
    w->client.owner = w;
    w->txn_id = cu_strdup(txn_id);
    w->topics = cu_map_new();
    snprintf(w->client.what, sizeof(w->client.what), "writer %s", txn_id);
    int rc = configure(w, &conf, err);
    if (!rc)
        rc = cu_kafka_client_open(&w->client, RD_KAFKA_PRODUCER, conf, err);
    if (!rc)
        rc = init(w, err);
    if (rc)
        cu_kafka_writer_close(&w->base);
    else
        *out = &w->base;
    return rc;
}

int cu_kafka_fence(cu_log *log, const char *txn_id, cu_err *err)
{
    cu_writer *w;
    int rc = cu_kafka_writer_open(log, txn_id, &w, err);
    if (!rc)
        cu_kafka_writer_close(w);
    return rc;
}

static void free_topics(writer *w)
{
    size_t at = 0;
    cu_slice key;
    void *value;
    while (cu_map_next(w->topics, &at, &key, &value)) {
        topic *t = value;
        if (t->rkt)
            rd_kafka_topic_destroy(t->rkt);
        for (int32_t i = 0; i < t->n_slots; i++)
            cu_free(t->slots[i]);
        cu_free(t->slots);
        cu_free(t);
    }
    cu_map_free(w->topics);
}

static void forget_transaction(writer *w)
{
    for (size_t i = 0; i < w->n_touched; i++)
        w->touched[i]->touched = false;
    for (size_t i = 0; i < w->n_marks; i++) {
        cu_kafka_generation_release(w->marks[i].generation);
        rd_kafka_topic_partition_list_destroy(w->marks[i].positions);
    }
    cu_free(w->marks);
    w->marks = NULL;
    w->n_marks = 0;
    w->n_touched = 0;
    w->n_appended = 0;
    w->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
    w->aborting = false;
}

void cu_kafka_writer_close(cu_writer *base)
{
    writer *w = (writer *)base;
    rd_kafka_t *rk = w->client.rk;
    if (rk) {
        w->aborting = true;
        if (w->state == ACTIVE) /* else it ends with its timeout */
            rd_kafka_error_destroy(rd_kafka_abort_transaction(rk, CLOSE_MS));
        rd_kafka_purge(rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_poll(rk, 0);
    }
    forget_transaction(w);
    /* The handle goes last but one: its last reports point at slots. */
    size_t at = 0;
    cu_slice key;
    void *value;
    while (cu_map_next(w->topics, &at, &key, &value)) {
        topic *t = value;
        if (t->rkt)
            rd_kafka_topic_destroy(t->rkt);
        t->rkt = NULL;
    }
    if (rk)
        rd_kafka_destroy(rk);
    free_topics(w);
    cu_free(w->touched);
    cu_free(w->txn_id);
    cu_free(w);
}

/* --- topics ----------------------------------------------------------- */

/* Asks for the topic once: is it there, how wide, how much a record may
 * weigh; and lets the producer learn its leaders now, not at the first
 * commit. */
static int open_topic(writer *w, cu_part part, topic **out, cu_err *err)
{
    cu_kafka *k = w->client.kafka;
    const struct rd_kafka_metadata *md = NULL;
    int32_t n;
    int64_t max_bytes;
    bool fresh;
    int rc = cu_kafka_require(k, part, &n, err);
    if (!rc)
        rc = cu_kafka_record_limit(k, part.topic, &max_bytes, err);
    if (rc)
        return rc;
    void **at = cu_map_put(w->topics, cu_slice_of(part.topic), &fresh);
    if (fresh) {
        topic *t = cu_calloc(1, sizeof(*t));
        t->name = cu_kafka_topic_of(k, part.topic)->name;
        t->rkt = rd_kafka_topic_new(w->client.rk, part.topic, NULL);
        *at = t;
    }
    topic *t = *at;
    if (!rd_kafka_metadata(w->client.rk, 0, t->rkt, &md, (int)k->deadline_ms))
        rd_kafka_metadata_destroy(md);
    t->slots = cu_realloc(t->slots, (size_t)n * sizeof(*t->slots));
    for (; t->n_slots < n; t->n_slots++)
        t->slots[t->n_slots] = NULL;
    t->max_bytes = max_bytes < CU_KAFKA_RECORD_BYTES ? max_bytes
                                                     : CU_KAFKA_RECORD_BYTES;
    *out = t;
    return 0;
}

static int find_topic(writer *w, cu_part part, topic **out, cu_err *err)
{
    topic *t = w->last;
    if (!t || strcmp(t->name, part.topic) != 0) {
        void **at = cu_map_get(w->topics, cu_slice_of(part.topic));
        t = at ? *at : NULL;
    }
    if (!t || part.partition < 0 || part.partition >= t->n_slots) {
        int rc = open_topic(w, part, &t, err);
        if (rc)
            return rc;
    }
    w->last = *out = t;
    return 0;
}

static slot *touch(writer *w, topic *t, int32_t partition)
{
    slot *s = t->slots[partition];
    if (!s) {
        s = t->slots[partition] = cu_calloc(1, sizeof(*s));
        s->part = (cu_part){t->name, partition};
    }
    if (!s->touched) {
        if (w->n_touched == w->cap_touched) {
            w->cap_touched = w->cap_touched ? 2 * w->cap_touched : 16;
            w->touched = cu_realloc(w->touched,
                                    w->cap_touched * sizeof(*w->touched));
        }
        s->touched = true;
        s->end = -1;
        w->touched[w->n_touched++] = s;
    }
    return s;
}

/* --- begin, append, mark ---------------------------------------------- */

int cu_kafka_begin(cu_writer *base, cu_err *err)
{
    writer *w = (writer *)base;
    if (w->state == DEAD)
        return fail_dead(w, err);
    CU_ASSERT(w->state == IDLE);
    rd_kafka_poll(w->client.rk, 0);
    if (rd_kafka_fatal_error(w->client.rk, NULL, 0))
        return fail_fatal(w, err);
    w->state = OPEN;
    return 0;
}

/* The transaction is no longer empty. */
static int activate(writer *w, cu_err *err)
{
    if (w->state == DEAD)
        return fail_dead(w, err);
    CU_ASSERT(w->state != IDLE);
    if (w->state == ACTIVE)
        return 0;
    rd_kafka_error_t *e = rd_kafka_begin_transaction(w->client.rk);
    if (e)
        return fail_error(w, e, "cannot begin", err);
    w->state = ACTIVE;
    return 0;
}

static size_t weight(const cu_record *r)
{
    size_t n = r->key.len + r->value.len + BATCH_OVERHEAD;
    for (uint32_t i = 0; i < r->n_headers; i++)
        n += r->headers[i].name.len + r->headers[i].value.len + HEADER_OVERHEAD;
    return n;
}

static int too_large(const cu_record *r, int64_t max_bytes, cu_err *err)
{
    char name[300];
    return cu_fail(err, CU_LIMIT, 0,
                   "a record of %zu bytes does not fit into %s, which takes "
                   "%lld; raise the topic's max.message.bytes (16 MiB is the "
                   "most)",
                   weight(r), cu_part_name(r->part, name, sizeof(name)),
                   (long long)max_bytes);
}

static rd_kafka_headers_t *headers_of(const cu_record *r)
{
    rd_kafka_headers_t *h = rd_kafka_headers_new(r->n_headers);
    for (uint32_t i = 0; i < r->n_headers; i++)
        rd_kafka_header_add(
            h, r->headers[i].name.data, (ssize_t)r->headers[i].name.len,
            r->headers[i].value.data, (ssize_t)r->headers[i].value.len);
    return h;
}

static rd_kafka_vu_t bytes_of(rd_kafka_vtype_t type, cu_slice s)
{
    return (rd_kafka_vu_t){type, {.mem = {(void *)s.data, s.len}}};
}

/* One attempt; the queue may be full. */
static rd_kafka_resp_err_t produce(writer *w, const topic *t, slot *s,
                                   const cu_record *r)
{
    rd_kafka_headers_t *headers = r->n_headers ? headers_of(r) : NULL;
    /* To librdkafka 0 means now, and below it are marks. */
    int64_t ts = r->timestamp_ms > 0 ? r->timestamp_ms : 0;
    rd_kafka_vu_t what[] = {
        {RD_KAFKA_VTYPE_RKT, {.rkt = t->rkt}},
        {RD_KAFKA_VTYPE_PARTITION, {.i32 = r->part.partition}},
        {RD_KAFKA_VTYPE_MSGFLAGS, {.i = RD_KAFKA_MSG_F_COPY}},
        {RD_KAFKA_VTYPE_TIMESTAMP, {.i64 = ts}},
        {RD_KAFKA_VTYPE_OPAQUE, {.ptr = s}},
        bytes_of(RD_KAFKA_VTYPE_KEY, r->key),
        bytes_of(RD_KAFKA_VTYPE_VALUE, r->value),
        {RD_KAFKA_VTYPE_HEADERS, {.headers = headers}},
    };
    size_t n = sizeof(what) / sizeof(what[0]) - (headers ? 0 : 1);
    rd_kafka_error_t *e = rd_kafka_produceva(w->client.rk, what, n);
    if (!e)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_resp_err_t code = rd_kafka_error_code(e);
    rd_kafka_error_destroy(e);
    if (headers)
        rd_kafka_headers_destroy(headers);
    return code;
}

int cu_kafka_append(cu_writer *base, const cu_record *r, cu_err *err)
{
    writer *w = (writer *)base;
    cu_kafka *k = w->client.kafka;
    topic *t = NULL;
    int rc = w->state == DEAD ? fail_dead(w, err)
                              : find_topic(w, r->part, &t, err);
    if (rc)
        return rc;
    if ((int64_t)weight(r) > t->max_bytes)
        return too_large(r, t->max_bytes, err);
    rc = activate(w, err);
    if (rc)
        return rc;
    slot *s = touch(w, t, r->part.partition);
    int64_t until = 0;
    for (;;) {
        if (w->failed)
            return fail_delivery(w, err);
        rd_kafka_resp_err_t e = produce(w, t, s, r);
        if (!e)
            break;
        if (e == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
            return too_large(r, t->max_bytes, err);
        int64_t now = cu_mono_ms(k->env);
        until = until ? until : now + k->transaction_ms;
        if (e != RD_KAFKA_RESP_ERR__QUEUE_FULL || now >= until)
            return fail_step(w, e, NULL, "cannot append", err);
        rd_kafka_poll(w->client.rk, 10);
    }
    if (++w->n_appended % SERVE_EVERY == 0)
        rd_kafka_poll(w->client.rk, 0);
    return 0;
}

/* The set of marks of a generation; takes the reference. */
static marks *marks_of(writer *w, cu_kafka_generation *g)
{
    for (size_t i = 0; i < w->n_marks; i++) {
        if (w->marks[i].generation == g) {
            cu_kafka_generation_release(g);
            return &w->marks[i];
        }
    }
    w->marks = cu_realloc(w->marks, (w->n_marks + 1) * sizeof(*w->marks));
    marks *m = &w->marks[w->n_marks++];
    *m = (marks){g, rd_kafka_topic_partition_list_new(8)};
    return m;
}

int cu_kafka_mark(cu_writer *base, cu_reader *reader, cu_part part,
                  int64_t next, cu_err *err)
{
    writer *w = (writer *)base;
    cu_kafka_generation *g;
    int rc = activate(w, err);
    if (!rc)
        rc = cu_kafka_reader_generation(reader, part, &g, err);
    if (rc) {
        if (err)
            err->flags |= CU_ABORT;
        return rc;
    }
    marks *m = marks_of(w, g);
    rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_find(
        m->positions, part.topic, part.partition);
    if (!p)
        p = rd_kafka_topic_partition_list_add(m->positions, part.topic,
                                              part.partition);
    p->offset = next;
    return 0;
}

bool cu_kafka_attach(cu_writer *base, const cu_kv_batch *batch)
{
    (void)base;
    (void)batch;
    return false; /* Kafka carries no state: the caller has a changelog */
}

/* --- commit and abort ------------------------------------------------- */

static int flush(writer *w, int64_t until, cu_err *err)
{
    rd_kafka_resp_err_t e = rd_kafka_flush(
        w->client.rk, cu_kafka_left(w->client.kafka, until));
    if (w->failed)
        return fail_delivery(w, err);
    return e ? fail_step(w, e, NULL, "records are not delivered in time", err)
             : 0;
}

static int send_marks(writer *w, const marks *m, int64_t until, cu_err *err)
{
    cu_kafka *k = w->client.kafka;
    for (;;) {
        rd_kafka_error_t *e = rd_kafka_send_offsets_to_transaction(
            w->client.rk, m->positions, m->generation->metadata,
            cu_kafka_left(k, until));
        if (!e)
            return 0;
        bool again = rd_kafka_error_is_retriable(e) &&
                     !rd_kafka_error_txn_requires_abort(e) &&
                     !rd_kafka_error_is_fatal(e);
        if (!again)
            return fail_error(w, e, "input positions are refused", err);
        cu_debug("kafka %s: positions again: %s", w->client.what,
                 rd_kafka_error_string(e));
        rd_kafka_error_destroy(e);
        if (!cu_kafka_left(k, until))
            return in_doubt(w, "input positions got no answer in time", err);
    }
}

/* What the end of a transaction came to; `sent` EndTxn requests were seen
 * on the wire.  Takes `e`. */
static int judge(writer *w, rd_kafka_error_t *e, int sent, cu_err *err)
{
    char why[300];
    bool fatal = e && rd_kafka_error_is_fatal(e);
    bool abortable = e && rd_kafka_error_txn_requires_abort(e);
    if (!e && sent <= 1)
        return 0; /* K4 */
    if (e && sent == 0 && abortable && !fatal)
        return fail_error(w, e, "cannot commit", err);
    if (e && sent <= 1 && fatal && cu_kafka_is_fence(rd_kafka_error_code(e))) {
        rd_kafka_error_destroy(e);
        return fail_fatal(w, err);
    }
    snprintf(why, sizeof(why), "its end was sent %d times, answer: %s", sent,
             e ? rd_kafka_error_string(e) : "ok");
    rd_kafka_error_destroy(e);
    return in_doubt(w, why, err);
}

static void report_ends(writer *w, cu_arena *a, cu_positions *ends)
{
    *ends = (cu_positions){0};
    ends->at = cu_arena_calloc(a, w->n_touched + 1, sizeof(*ends->at));
    for (size_t i = 0; i < w->n_touched; i++)
        if (w->touched[i]->end >= 0)
            ends->at[ends->n++] = (cu_position){w->touched[i]->part,
                                                w->touched[i]->end};
    qsort(ends->at, ends->n, sizeof(*ends->at), cu_kafka_position_cmp);
}

static int commit_active(writer *w, int64_t until, cu_err *err)
{
    cu_kafka *k = w->client.kafka;
    int rc = flush(w, until, err);
    for (size_t i = 0; i < w->n_marks && !rc; i++)
        rc = send_marks(w, &w->marks[i], until, err);
    if (rc)
        return rc;
    int before = atomic_load(&w->end_txn_sent);
    rd_kafka_error_t *e = rd_kafka_commit_transaction(w->client.rk,
                                                      cu_kafka_left(k, until));
    return judge(w, e, atomic_load(&w->end_txn_sent) - before, err);
}

int cu_kafka_commit(cu_writer *base, int64_t timeout_ms, cu_arena *a,
                    cu_positions *ends, cu_err *err)
{
    writer *w = (writer *)base;
    cu_kafka *k = w->client.kafka;
    int64_t wait = timeout_ms > 0 ? timeout_ms : k->transaction_ms;
    if (w->state == DEAD)
        return fail_dead(w, err);
    CU_ASSERT(w->state == OPEN || w->state == ACTIVE);
    int rc = w->state == ACTIVE
                 ? commit_active(w, cu_mono_ms(k->env) + wait, err)
                 : 0;
    if (rc)
        return rc;
    if (ends)
        report_ends(w, a, ends);
    forget_transaction(w);
    w->state = IDLE;
    return 0;
}

static int abort_active(writer *w, cu_err *err)
{
    cu_kafka *k = w->client.kafka;
    int64_t until = cu_mono_ms(k->env) + k->transaction_ms;
    int before = atomic_load(&w->end_txn_sent);
    rd_kafka_error_t *e;
    w->aborting = true;
    for (;;) {
        e = rd_kafka_abort_transaction(w->client.rk, cu_kafka_left(k, until));
        if (!e || rd_kafka_error_is_fatal(e) ||
            !rd_kafka_error_is_retriable(e) || !cu_kafka_left(k, until))
            break;
        rd_kafka_error_destroy(e);
    }
    return judge(w, e, atomic_load(&w->end_txn_sent) - before, err);
}

int cu_kafka_abort(cu_writer *base, cu_err *err)
{
    writer *w = (writer *)base;
    if (w->state == DEAD)
        return fail_dead(w, err);
    int rc = w->state == ACTIVE ? abort_active(w, err) : 0;
    forget_transaction(w);
    if (!rc)
        w->state = IDLE;
    return rc;
}
