/* Transactions of a Kafka writer: begin, mark, commit, abort, and what to
 * make of it when they fail.
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
 * At least once there are no transactions: the same states, but a commit is
 * the flush and a plain commit of the marks, and an abort takes back only
 * what was not sent.
 */
#include "log/kafka_txn.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/diag.h"
#include "log/sabotage.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

enum { API_END_TXN = 26 };

/* --- the guard --------------------------------------------------------- */

static rd_kafka_resp_err_t on_request_sent(rd_kafka_t *rk, int sockfd,
                                           const char *broker, int32_t id,
                                           int16_t api, int16_t version,
                                           int32_t correlation, size_t size,
                                           void *opaque)
{
    cu_kafka_writer *w = opaque;
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

void cu_kafka_guard(rd_kafka_conf_t *conf, cu_kafka_writer *w)
{
    rd_kafka_conf_interceptor_add_on_new(conf, "end_txn", on_new, w);
}

/* --- failing ---------------------------------------------------------- */

static int die(cu_kafka_writer *w, const cu_err *why, cu_err *err)
{
    w->state = CU_KAFKA_DEAD;
    w->death = *why;
    w->death.flags = CU_FATAL;
    if (err)
        *err = w->death;
    return w->death.code;
}

static int in_doubt(cu_kafka_writer *w, const char *why, cu_err *err)
{
    cu_err e = {0};
    cu_fail(&e, CU_IN_DOUBT, CU_FATAL,
            "transaction of %s: %s; whether it was committed shows after "
            "the writer is opened again",
            w->txn_id, why);
    return die(w, &e, err);
}

/* The producer as a whole is dead: fenced, or its transaction was torn. */
static int fail_fatal(cu_kafka_writer *w, cu_err *err)
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
int cu_kafka_fail_step(cu_kafka_writer *w, int code, const char *why,
                       const char *step, cu_err *err)
{
    cu_err e = {0};
    char topic[256], doing[240];
    cu_kafka_denied(&w->client, topic, sizeof(topic));
    snprintf(doing, sizeof(doing), "transaction of %s:", w->txn_id);
    if (*topic) /* whatever it led to */
        cu_kafka_fail_grant(&e, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                            "Write", topic, doing);
    else if (rd_kafka_fatal_error(w->client.rk, NULL, 0))
        return fail_fatal(w, err);
    else
        cu_kafka_fail(&e, code, 0, why, "%s %s", doing, step);
    /* No permission, or larger than the topic now takes: it would fail
     * again and again. */
    if (e.code == CU_DENIED || e.code == CU_LIMIT)
        return die(w, &e, err);
    e.flags = CU_ABORT; /* the same call cannot succeed before that */
    if (err)
        *err = e;
    return e.code;
}

int cu_kafka_fail_delivery(cu_kafka_writer *w, cu_err *err)
{
    int rc = cu_kafka_fail_step(w, w->failed, NULL,
                                "a record was not delivered", err);
    return err && (err->flags & CU_FATAL) && err->code != CU_DENIED &&
                   err->code != CU_LIMIT
               ? rc
               : cu_err_note(err, "%s: ", w->failed_at);
}

static int fail_error(cu_kafka_writer *w, rd_kafka_error_t *e, const char *step,
                      cu_err *err)
{
    int rc = cu_kafka_fail_step(w, rd_kafka_error_code(e),
                                rd_kafka_error_string(e), step, err);
    rd_kafka_error_destroy(e);
    return rc;
}

int cu_kafka_fail_dead(const cu_kafka_writer *w, cu_err *err)
{
    if (err)
        *err = w->death;
    return w->death.code;
}

/* --- begin, mark -------------------------------------------------------- */

int cu_kafka_begin(cu_writer *base, cu_err *err)
{
    cu_kafka_writer *w = (cu_kafka_writer *)base;
    if (w->state == CU_KAFKA_DEAD)
        return cu_kafka_fail_dead(w, err);
    CU_ASSERT(w->state == CU_KAFKA_IDLE);
    rd_kafka_poll(w->client.rk, 0);
    if (rd_kafka_fatal_error(w->client.rk, NULL, 0))
        return fail_fatal(w, err);
    w->state = CU_KAFKA_OPEN;
    return 0;
}

/* The transaction is no longer empty. */
int cu_kafka_activate(cu_kafka_writer *w, cu_err *err)
{
    if (w->state == CU_KAFKA_DEAD)
        return cu_kafka_fail_dead(w, err);
    CU_ASSERT(w->state != CU_KAFKA_IDLE);
    if (w->state == CU_KAFKA_ACTIVE)
        return 0;
    rd_kafka_error_t *e = NULL;
    if (!w->client.kafka->at_least_once)
        e = rd_kafka_begin_transaction(w->client.rk);
    if (e)
        return fail_error(w, e, "cannot begin", err);
    w->state = CU_KAFKA_ACTIVE;
    return 0;
}

void cu_kafka_forget(cu_kafka_writer *w)
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
    w->marks_sent = false;
    w->n_touched = 0;
    w->n_appended = 0;
    w->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
    w->aborting = false;
}

/* The set of marks of a generation; takes the reference. */
static cu_kafka_marks *marks_of(cu_kafka_writer *w, cu_kafka_generation *g)
{
    for (size_t i = 0; i < w->n_marks; i++) {
        if (w->marks[i].generation == g) {
            cu_kafka_generation_release(g);
            return &w->marks[i];
        }
    }
    w->marks = cu_realloc(w->marks, (w->n_marks + 1) * sizeof(*w->marks));
    cu_kafka_marks *m = &w->marks[w->n_marks++];
    *m = (cu_kafka_marks){g, rd_kafka_topic_partition_list_new(8)};
    return m;
}

/* A writer marks for one group; asked while the reader is there. */
static void learn_group(cu_kafka_writer *w, const cu_kafka_generation *g)
{
    size_t size = sizeof(w->group);
    if (!*w->group &&
        rd_kafka_conf_get(rd_kafka_conf(g->rk), "group.id", w->group, &size))
        *w->group = 0;
}

int cu_kafka_mark(cu_writer *base, cu_reader *reader, cu_part part,
                  int64_t next, cu_err *err)
{
    cu_kafka_writer *w = (cu_kafka_writer *)base;
    cu_kafka_generation *g;
    int rc = cu_kafka_activate(w, err);
    if (!rc)
        rc = cu_kafka_reader_generation(reader, part, &g, err);
    if (rc) {
        if (err && w->state != CU_KAFKA_DEAD)
            err->flags = CU_ABORT;
        return rc;
    }
    learn_group(w, g);
    cu_kafka_marks *m = marks_of(w, g);
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

static int flush(cu_kafka_writer *w, int64_t until, cu_err *err)
{
    rd_kafka_resp_err_t e = rd_kafka_flush(
        w->client.rk, cu_kafka_left(w->client.kafka, until));
    if (w->failed)
        return cu_kafka_fail_delivery(w, err);
    return e ? cu_kafka_fail_step(w, e, NULL,
                                  "records are not delivered in time", err)
             : 0;
}

static int send_marks(cu_kafka_writer *w, const cu_kafka_marks *m,
                      int64_t until, cu_err *err)
{
    cu_kafka *k = w->client.kafka;
    w->marks_sent = true;
    if (CU_LOG_SABOTAGED(CU_LOG_SABOTAGE_OUTSIDE)) {
        rd_kafka_commit(m->generation->rk, m->positions, 1);
        return 0;
    }
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
            return fail_error(w, e,
                              "input positions are refused (they want Read "
                              "on their topics and on the group)",
                              err);
        cu_debug("kafka %s: positions again: %s", w->client.what,
                 rd_kafka_error_string(e));
        rd_kafka_error_destroy(e);
        if (!cu_kafka_left(k, until))
            return in_doubt(w, "input positions got no answer in time", err);
    }
}

/* What the end of a transaction came to; `sent` EndTxn requests were seen
 * on the wire.  Takes `e`. */
static int judge(cu_kafka_writer *w, rd_kafka_error_t *e, int sent, cu_err *err)
{
    char why[300];
    bool fatal = e && rd_kafka_error_is_fatal(e);
    bool abortable = e && rd_kafka_error_txn_requires_abort(e);
    if (!e && (sent <= 1 || CU_LOG_SABOTAGED(CU_LOG_SABOTAGE_GUARD)))
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

static void report_ends(cu_kafka_writer *w, cu_arena *a, cu_positions *ends)
{
    *ends = (cu_positions){0};
    ends->at = cu_arena_calloc(a, w->n_touched + 1, sizeof(*ends->at));
    for (size_t i = 0; i < w->n_touched; i++)
        if (w->touched[i]->end >= 0)
            ends->at[ends->n++] = (cu_position){w->touched[i]->part,
                                                w->touched[i]->end};
    qsort(ends->at, ends->n, sizeof(*ends->at), cu_kafka_position_cmp);
}

/* At least once: everything is delivered, then the group's positions move. */
static int commit_plain(cu_kafka_writer *w, int64_t until, cu_err *err)
{
    int rc = flush(w, until, err);
    for (size_t i = 0; i < w->n_marks && !rc; i++) {
        const cu_kafka_marks *m = &w->marks[i];
        rd_kafka_resp_err_t e = rd_kafka_commit(m->generation->rk, m->positions,
                                                0);
        if (e)
            rc = cu_kafka_fail_step(w, e, NULL, "input positions are refused",
                                    err);
    }
    return rc;
}

/* What is queued or on its way may arrive all the same. */
static int abort_plain(cu_kafka_writer *w, cu_err *err)
{
    cu_kafka *k = w->client.kafka;
    w->aborting = true;
    rd_kafka_purge(w->client.rk, RD_KAFKA_PURGE_F_QUEUE);
    rd_kafka_resp_err_t e = rd_kafka_flush(w->client.rk,
                                           (int)k->transaction_ms);
    return e ? in_doubt(w, "its last records got no answer in time", err) : 0;
}

static int commit_active(cu_kafka_writer *w, int64_t until, cu_err *err)
{
    cu_kafka *k = w->client.kafka;
    if (k->at_least_once)
        return commit_plain(w, until, err);
    int rc = flush(w, until, err);
    if (!rc)
        rc = cu_kafka_mend(w, err);
    for (size_t i = 0; i < w->n_marks && !rc; i++)
        rc = send_marks(w, &w->marks[i], until, err);
    if (rc)
        return rc;
    cu_fault(k->env, "kafka_before_end");
    int before = atomic_load(&w->end_txn_sent);
    rd_kafka_error_t *e = rd_kafka_commit_transaction(w->client.rk,
                                                      cu_kafka_left(k, until));
    cu_fault(k->env, "kafka_after_end");
    return judge(w, e, atomic_load(&w->end_txn_sent) - before, err);
}

int cu_kafka_commit(cu_writer *base, int64_t timeout_ms, cu_arena *a,
                    cu_positions *ends, cu_err *err)
{
    cu_kafka_writer *w = (cu_kafka_writer *)base;
    cu_kafka *k = w->client.kafka;
    int64_t wait = timeout_ms > 0 ? timeout_ms : k->transaction_ms;
    if (w->state == CU_KAFKA_DEAD)
        return cu_kafka_fail_dead(w, err);
    CU_ASSERT(w->state == CU_KAFKA_OPEN || w->state == CU_KAFKA_ACTIVE);
    int rc = w->state == CU_KAFKA_ACTIVE
                 ? commit_active(w, cu_mono_ms(k->env) + wait, err)
                 : 0;
    if (rc)
        return rc;
    if (ends)
        report_ends(w, a, ends);
    cu_kafka_settle(w);
    cu_kafka_forget(w);
    w->state = CU_KAFKA_IDLE;
    return 0;
}

static int abort_active(cu_kafka_writer *w, cu_err *err)
{
    cu_kafka *k = w->client.kafka;
    if (k->at_least_once)
        return abort_plain(w, err);
    /* Twice, so that a request whose answer is lost is sent again. */
    int64_t until = cu_mono_ms(k->env) + 2 * k->transaction_ms;
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
    cu_kafka_writer *w = (cu_kafka_writer *)base;
    if (w->state == CU_KAFKA_DEAD)
        return cu_kafka_fail_dead(w, err);
    int rc = w->state == CU_KAFKA_ACTIVE ? abort_active(w, err) : 0;
    if (rc && w->state != CU_KAFKA_DEAD)
        return in_doubt(w, "it cannot be aborted", err);
    if (rc)
        return rc;
    cu_kafka_forget(w);
    w->state = CU_KAFKA_IDLE;
    return 0;
}
