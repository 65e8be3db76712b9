/* A transactional producer: opening, topics, appending.
 *
 * What ends its transactions stands in kafka_txn.c.
 *
 * Too large records are refused before librdkafka sees them: the broker's
 * refusal would come as a delivery error and cost the whole transaction.
 * So the first record for a topic asks for the topic's own limit, and by
 * the way lets the producer learn the leaders before the first commit.
 *
 * Every record's delivery report carries a pointer to the slot of its
 * partition, where the end is kept: no lookup per report.
 */
#include "log/kafka_txn.h"

#include "base/alloc.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    /* Batch header, record header with the largest varints. */
    BATCH_OVERHEAD = 61 + 40,
    HEADER_OVERHEAD = 10,
    SERVE_EVERY = 256, /* appends between two looks at delivery reports */
    CLOSE_MS = 2000,
};

struct cu_kafka_out {
    const char *name; /* kept by the log */
    rd_kafka_topic_t *rkt;
    cu_kafka_slot **slots; /* per partition; made when first needed */
    int32_t n_slots;
    int64_t max_bytes;
};

/* --- callbacks -------------------------------------------------------- */

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m,
                        void *opaque)
{
    cu_kafka_writer *w = ((cu_kafka_client *)opaque)->owner;
    cu_kafka_slot *s = m->_private;
    (void)rk;
    s->n_out--;
    if (!m->err ||
        rd_kafka_message_status(m) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED)
        s->stays = true;
    if (!m->err) {
        if (m->offset >= s->end)
            s->end = m->offset + 1;
    } else if (!w->failed && !w->aborting) {
        w->failed = m->err;
        cu_part_name(s->part, w->failed_at, sizeof(w->failed_at));
    }
}

/* --- open and close --------------------------------------------------- */

/* Ends what an older producer of the id left open, and fences it. */
static int init(cu_kafka_writer *w, cu_err *err)
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
                       : cu_kafka_fail(err, code, 0, rd_kafka_error_string(e),
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
    cu_kafka_writer *w = cu_calloc(1, sizeof(*w));
    w->base.vt = k->base.vt;
    w->client.kafka = k;
    w->client.owner = w;
    w->txn_id = cu_strdup(txn_id);
    w->topics = cu_map_new();
    snprintf(w->client.what, sizeof(w->client.what), "writer %s", txn_id);
    int rc = cu_kafka_writer_conf(&w->client, txn_id, &conf, err);
    if (!rc) {
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
        cu_kafka_guard(conf, w);
        rc = cu_kafka_client_open(&w->client, RD_KAFKA_PRODUCER, conf, err);
    }
    if (!rc && !k->at_least_once)
        rc = init(w, err);
    if (!rc)
        rc = cu_kafka_remains_end(w, err);
    if (rc)
        cu_kafka_writer_close(&w->base);
    else
        *out = &w->base;
    return rc;
}

int cu_kafka_fence(cu_log *log, const char *txn_id, cu_err *err)
{
    cu_writer *w;
    if (((cu_kafka *)log)->at_least_once)
        return 0; /* there are no transactions */
    int rc = cu_kafka_writer_open(log, txn_id, &w, err);
    if (!rc)
        cu_kafka_writer_close(w);
    return rc;
}

static void release_topics(cu_kafka_writer *w)
{
    size_t at = 0;
    cu_slice key;
    void *value;
    while (cu_map_next(w->topics, &at, &key, &value))
        if (((cu_kafka_out *)value)->rkt)
            rd_kafka_topic_destroy(((cu_kafka_out *)value)->rkt);
}

static void free_topics(cu_kafka_writer *w)
{
    size_t at = 0;
    cu_slice key;
    void *value;
    while (cu_map_next(w->topics, &at, &key, &value)) {
        cu_kafka_out *t = value;
        for (int32_t i = 0; i < t->n_slots; i++)
            cu_free(t->slots[i]);
        cu_free(t->slots);
        cu_free(t);
    }
    cu_map_free(w->topics);
}

/* Until every record has its report: what may be in the log is known then. */
static void give_up(cu_kafka_writer *w)
{
    rd_kafka_t *rk = w->client.rk;
    int64_t until = cu_mono_ms(w->client.kafka->env) + CLOSE_MS;
    rd_kafka_purge(rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    do {
        rd_kafka_poll(rk, rd_kafka_outq_len(rk) > 0 ? 10 : 0);
    } while (rd_kafka_outq_len(rk) > 0 &&
             cu_kafka_left(w->client.kafka, until));
}

void cu_kafka_writer_close(cu_writer *base)
{
    cu_kafka_writer *w = (cu_kafka_writer *)base;
    rd_kafka_t *rk = w->client.rk;
    if (rk) {
        rd_kafka_error_t *e = NULL;
        w->aborting = true;
        if (w->state == CU_KAFKA_ACTIVE && !w->client.kafka->at_least_once)
            e = rd_kafka_abort_transaction(rk, CLOSE_MS);
        give_up(w);
        if (e || w->state == CU_KAFKA_DEAD || w->client.n_broken != w->n_broken)
            cu_kafka_remains_keep(w);
        rd_kafka_error_destroy(e);
        release_topics(w);
        rd_kafka_destroy(rk);
    }
    cu_kafka_forget(w);
    free_topics(w); /* after the handle: its last reports point at slots */
    cu_free(w->touched);
    cu_kafka_unsettle(w);
    cu_free(w->txn_id);
    cu_free(w);
}

/* --- topics ----------------------------------------------------------- */

/* Asks for the topic once: is it there, how wide, how much a record may
 * weigh; and lets the producer learn its leaders now, not at the first
 * commit. */
static int open_topic(cu_kafka_writer *w, cu_part part, cu_kafka_out **out,
                      cu_err *err)
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
        cu_kafka_out *t = cu_calloc(1, sizeof(*t));
        t->name = cu_kafka_topic_of(k, part.topic)->name;
        t->rkt = rd_kafka_topic_new(w->client.rk, part.topic, NULL);
        *at = t;
    }
    cu_kafka_out *t = *at;
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

static int find_topic(cu_kafka_writer *w, cu_part part, cu_kafka_out **out,
                      cu_err *err)
{
    cu_kafka_out *t = w->last;
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

static cu_kafka_slot *touch(cu_kafka_writer *w, cu_kafka_out *t,
                            int32_t partition)
{
    cu_kafka_slot *s = t->slots[partition];
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
        s->stays = false;
        s->n_out = 0;
        s->end = -1;
        s->queued_bytes = 0; /* a commit or an abort has emptied it */
        w->touched[w->n_touched++] = s;
    }
    return s;
}

/* --- append ------------------------------------------------------------- */

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
static rd_kafka_resp_err_t produce(cu_kafka_writer *w, const cu_kafka_out *t,
                                   cu_kafka_slot *s, const cu_record *r)
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
    s->n_out++; /* before the report can come */
    rd_kafka_error_t *e = rd_kafka_produceva(w->client.rk, what, n);
    if (!e)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    s->n_out--;
    rd_kafka_resp_err_t code = rd_kafka_error_code(e);
    rd_kafka_error_destroy(e);
    if (headers)
        rd_kafka_headers_destroy(headers);
    return code;
}

/* A batch is as large as the settings say, not as the topic takes: where
 * that is less, what is queued goes out before it grows too large. */
static int make_room(cu_kafka_writer *w, const cu_kafka_out *t,
                     cu_kafka_slot *s, int64_t bytes, cu_err *err)
{
    if (s->queued_bytes + bytes > t->max_bytes) {
        rd_kafka_resp_err_t e = rd_kafka_flush(
            w->client.rk, (int)w->client.kafka->transaction_ms);
        if (e)
            return cu_kafka_fail_step(w, e, NULL, "cannot append", err);
        s->queued_bytes = 0;
    }
    s->queued_bytes += bytes;
    return 0;
}

int cu_kafka_append(cu_writer *base, const cu_record *r, cu_err *err)
{
    cu_kafka_writer *w = (cu_kafka_writer *)base;
    cu_kafka *k = w->client.kafka;
    cu_kafka_out *t = NULL;
    int rc = w->state == CU_KAFKA_DEAD ? cu_kafka_fail_dead(w, err)
                                       : find_topic(w, r->part, &t, err);
    int64_t until = 0, bytes = (int64_t)weight(r);
    if (rc)
        return rc;
    if (bytes > t->max_bytes)
        return too_large(r, t->max_bytes, err);
    rc = cu_kafka_activate(w, err);
    if (rc)
        return rc;
    cu_kafka_slot *s = touch(w, t, r->part.partition);
    if (t->max_bytes < CU_KAFKA_BATCH_BYTES) {
        rc = make_room(w, t, s, bytes, err);
        if (rc)
            return rc;
    }
    for (;;) {
        if (w->failed)
            return cu_kafka_fail_delivery(w, err);
        rd_kafka_resp_err_t e = produce(w, t, s, r);
        if (!e)
            break;
        if (e == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
            return too_large(r, t->max_bytes, err);
        int64_t now = cu_mono_ms(k->env);
        until = until ? until : now + k->transaction_ms;
        if (e != RD_KAFKA_RESP_ERR__QUEUE_FULL || now >= until)
            return cu_kafka_fail_step(w, e, NULL, "cannot append", err);
        rd_kafka_poll(w->client.rk, 10);
    }
    if (++w->n_appended % SERVE_EVERY == 0)
        rd_kafka_poll(w->client.rk, 0);
    return 0;
}
