/* Transactions that a broker has forgotten.
 *
 * Apache Kafka 4.1 to 4.3 (KAFKA-20734): a coordinator that starts again, and
 * wants to end a transaction before the leaders of its partitions are there,
 * takes those partitions for deleted.  The transaction is over for the
 * coordinator and stays open in the partitions:
 *
 *   records of the transaction | no marker      the stable end stays before it
 *
 * Nobody reads past it.  Worse, the next transaction of the same id goes on in
 * those partitions, and its commit would commit the old records with it.
 *
 * What a client can do: a transaction of the same id that touches the same
 * partitions and aborts.  Its markers end both.  So:
 *
 *   H1 whoever gives a writer up, or closes it and has no answer to the abort,
 *      keeps where its last transaction was
 *   H2 the next writer of that id looks, after init (for the coordinator
 *      nothing is open then), whether something is open there; positions are
 *      asked for where no record tells
 *   H3 if so it aborts a transaction of one record for each such partition, and
 *      of the positions, before it is used for anything else
 *   H4 unless the commit before it was forgotten too: the abort would take
 *      what is committed with it, so that is told and waited for.  Where
 *      nothing lies behind such a commit, the next one ends it as well
 *
 * A partition that others write to as well may look open because of them:
 * that costs an aborted record.  A process that was killed keeps nothing;
 * there the restore says what to look for.
 */
#include "log/kafka_txn.h"

#include "base/alloc.h"
#include "base/diag.h"

#include <librdkafka/rdkafka.h>

enum { SETTLE_MS = 5000, LOOK_EVERY_US = 50000 };

typedef rd_kafka_topic_partition_list_t parts;

/* Where the last transaction of a writer was that has been given up. */
typedef struct remains {
    parts *touched;
    parts *positions; /* of `group`, NULL when it had none */
    bool sent;        /* they may have reached the group */
    parts *settled;   /* those of the commit before it, or NULL */
    char group[256];
} remains;

static void release(remains *r)
{
    rd_kafka_topic_partition_list_destroy(r->touched);
    if (r->positions)
        rd_kafka_topic_partition_list_destroy(r->positions);
    if (r->settled)
        rd_kafka_topic_partition_list_destroy(r->settled);
    cu_free(r);
}

/* --- H1 ---------------------------------------------------------------- */

static void add(parts *to, const char *topic, int32_t partition, int64_t offset)
{
    if (!rd_kafka_topic_partition_list_find(to, topic, partition))
        rd_kafka_topic_partition_list_add(to, topic, partition)
            ->offset = offset;
}

static void add_all(parts *to, const parts *from)
{
    for (int i = 0; i < from->cnt; i++)
        add(to, from->elems[i].topic, from->elems[i].partition,
            from->elems[i].offset);
}

void cu_kafka_settle(cu_kafka_writer *w)
{
    if (w->settled)
        rd_kafka_topic_partition_list_destroy(w->settled);
    w->settled = NULL;
    if (w->n_marks == 0 || !*w->group)
        return;
    w->settled = rd_kafka_topic_partition_list_copy(w->marks[0].positions);
    for (size_t i = 1; i < w->n_marks; i++)
        add_all(w->settled, w->marks[i].positions);
}

static void keep_positions(remains *r, cu_kafka_writer *w)
{
    if (!*w->group)
        return;
    snprintf(r->group, sizeof(r->group), "%s", w->group);
    r->sent = r->sent || w->marks_sent;
    if (w->n_marks > 0 && !r->positions)
        r->positions = rd_kafka_topic_partition_list_new(16);
    for (size_t i = 0; i < w->n_marks; i++)
        add_all(r->positions, w->marks[i].positions);
    if (w->settled && !r->settled)
        r->settled = rd_kafka_topic_partition_list_copy(w->settled);
}

void cu_kafka_remains_keep(cu_kafka_writer *w)
{
    bool fresh;
    cu_kafka *k = w->client.kafka;
    if (k->at_least_once || w->n_touched + w->n_marks == 0)
        return;
    pthread_mutex_lock(&k->mutex);
    void **at = cu_map_put(k->remains, cu_slice_of(w->txn_id), &fresh);
    if (fresh || !*at) {
        *at = cu_calloc(1, sizeof(remains));
        ((remains *)*at)->touched = rd_kafka_topic_partition_list_new(16);
    }
    remains *r = *at;
    for (size_t i = 0; i < w->n_touched; i++) {
        cu_part p = w->touched[i]->part;
        add(r->touched, p.topic, p.partition, RD_KAFKA_OFFSET_END);
    }
    keep_positions(r, w);
    pthread_mutex_unlock(&k->mutex);
}

static remains *take(cu_kafka *k, const char *txn_id)
{
    pthread_mutex_lock(&k->mutex);
    void **at = cu_map_get(k->remains, cu_slice_of(txn_id));
    remains *r = at ? *at : NULL;
    if (at)
        *at = NULL;
    pthread_mutex_unlock(&k->mutex);
    return r;
}

/* What could not be ended is for the next writer, with what this one may have
 * left when it tried; positions are the same ones. */
static void give_back(cu_kafka *k, const char *txn_id, remains *r)
{
    bool fresh;
    pthread_mutex_lock(&k->mutex);
    void **at = cu_map_put(k->remains, cu_slice_of(txn_id), &fresh);
    remains *newer = fresh ? NULL : *at;
    *at = r;
    if (newer)
        add_all(r->touched, newer->touched);
    pthread_mutex_unlock(&k->mutex);
    if (newer)
        release(newer);
}

void cu_kafka_remains_free(cu_kafka *k)
{
    size_t at = 0;
    cu_slice key;
    void *value;
    while (cu_map_next(k->remains, &at, &key, &value))
        if (value)
            release(value);
    cu_map_free(k->remains);
}

/* --- H2 ---------------------------------------------------------------- */

/* The topic is gone, and what was open in it too. */
static bool is_gone(rd_kafka_resp_err_t e)
{
    return e == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           e == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
           e == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

static rd_kafka_resp_err_t ask(cu_kafka *k, rd_kafka_t *rk, parts *list)
{
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = RD_KAFKA_OFFSET_END;
    rd_kafka_resp_err_t e = rd_kafka_offsets_for_times(rk, list,
                                                       (int)k->deadline_ms);
    for (int i = 0; !e && i < list->cnt; i++)
        e = list->elems[i].err;
    return e;
}

/* The ends of all `list`, as `rk` may read them; where one is gone, without
 * it. */
static rd_kafka_resp_err_t ends(cu_kafka *k, rd_kafka_t *rk, parts *list)
{
    rd_kafka_resp_err_t e = list->cnt > 0 ? ask(k, rk, list)
                                          : RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!is_gone(e))
        return e;
    for (int i = list->cnt - 1; i >= 0; i--) {
        rd_kafka_topic_partition_t *p = &list->elems[i];
        parts *one = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(one, p->topic, p->partition);
        e = ask(k, rk, one);
        p->offset = one->elems[0].offset;
        rd_kafka_topic_partition_list_destroy(one);
        if (is_gone(e))
            rd_kafka_topic_partition_list_del_by_idx(list, i);
        else if (e)
            return e;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Into *open: those with an open transaction.  The stable ends are asked for
 * last, so that what others commit meanwhile looks settled. */
static int look(cu_kafka *k, const remains *r, parts **open, cu_err *err)
{
    rd_kafka_t *probe;
    *open = rd_kafka_topic_partition_list_new(8);
    int rc = cu_kafka_probe(k, &probe, err);
    if (rc)
        return rc;
    parts *all = rd_kafka_topic_partition_list_copy(r->touched);
    rd_kafka_resp_err_t e = ends(k, k->admin.rk, all);
    parts *stable = rd_kafka_topic_partition_list_copy(all);
    if (!e)
        e = ends(k, probe, stable);
    for (int i = 0; !e && i < stable->cnt; i++) {
        const rd_kafka_topic_partition_t *s = &stable->elems[i];
        const rd_kafka_topic_partition_t *p =
            rd_kafka_topic_partition_list_find(all, s->topic, s->partition);
        if (s->offset < p->offset)
            add(*open, s->topic, s->partition, s->offset);
    }
    rd_kafka_topic_partition_list_destroy(stable);
    rd_kafka_topic_partition_list_destroy(all);
    return e ? cu_kafka_fail(err, e, 0, NULL, "cannot ask %s for ends",
                             k->brokers)
             : 0;
}

/* --- H3 ---------------------------------------------------------------- */

/* The commit before the last transaction was forgotten as well: its positions
 * do not settle.  Nobody else has marks for those partitions. */
static int look_before(cu_kafka *k, const remains *r, bool *forgotten,
                       cu_err *err)
{
    int64_t until = cu_mono_ms(k->env) + SETTLE_MS;
    *forgotten = false;
    if (!r->settled || r->sent) /* sent: which of the two they are is open */
        return 0;
    for (;;) {
        int rc = cu_kafka_pending(k, r->group, r->settled, forgotten, err);
        if (rc || !*forgotten || !cu_kafka_left(k, until))
            return rc;
        k->env->vt->sleep_us(k->env, LOOK_EVERY_US);
    }
}

static int refuse(cu_kafka *k, const char *txn_id, const parts *open,
                  cu_err *err)
{
    return cu_fail(err, CU_NETWORK, CU_RETRY,
                   "the broker has forgotten that a transaction of %s is "
                   "committed (KAFKA-20734): its rows are held back in %d "
                   "partitions, from %s[%d] offset %lld on, and rows of the "
                   "one after it, which failed, lie behind them. To give both "
                   "up: kafka-transactions.sh --bootstrap-server %s abort "
                   "--topic T --partition N --start-offset O for each; then "
                   "cupel offsets reset PATH --to-earliest --execute makes "
                   "the views anew",
                   txn_id, open->cnt, open->elems[0].topic,
                   (int)open->elems[0].partition,
                   (long long)open->elems[0].offset, k->brokers);
}

/* Positions that nobody will ever see; the group must only be in it. */
static int add_positions(cu_kafka_writer *w, const remains *r, cu_err *err)
{
    if (!r->positions)
        return 0;
    rd_kafka_consumer_group_metadata_t
        *group = rd_kafka_consumer_group_metadata_new(r->group);
    rd_kafka_error_t *e = rd_kafka_send_offsets_to_transaction(
        w->client.rk, r->positions, group,
        (int)w->client.kafka->transaction_ms);
    rd_kafka_consumer_group_metadata_destroy(group);
    if (!e)
        return 0;
    int rc = cu_kafka_fail(err, rd_kafka_error_code(e), 0,
                           rd_kafka_error_string(e), "positions of group %s",
                           r->group);
    rd_kafka_error_destroy(e);
    return rc;
}

static int abort_in(cu_kafka_writer *w, const remains *r, const parts *open,
                    cu_err *err)
{
    cu_kafka *k = w->client.kafka;
    int rc = cu_kafka_begin(&w->base, err);
    if (!rc)
        rc = cu_kafka_activate(w, err); /* there may be positions alone */
    for (int i = 0; !rc && i < open->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &open->elems[i];
        cu_record nothing = {
            .part = {cu_kafka_topic_of(k, p->topic)->name, p->partition},
            .key = cu_slice_of("-")};
        rc = cu_kafka_append(&w->base, &nothing, err);
    }
    if (!rc && rd_kafka_flush(w->client.rk, (int)k->transaction_ms))
        rc = cu_fail(err, CU_TIMEOUT, 0, "no answer");
    if (!rc && w->failed)
        rc = cu_kafka_fail(err, w->failed, 0, NULL, "%s", w->failed_at);
    if (!rc)
        rc = add_positions(w, r, err);
    cu_err ignored = {0};
    int aborted = w->state == CU_KAFKA_OPEN || w->state == CU_KAFKA_ACTIVE
                      ? cu_kafka_abort(&w->base, rc ? &ignored : err)
                      : 0;
    return rc ? rc : aborted;
}

int cu_kafka_remains_end(cu_kafka_writer *w, cu_err *err)
{
    cu_err why = {0};
    parts *open = NULL;
    cu_kafka *k = w->client.kafka;
    remains *r = take(k, w->txn_id);
    if (!r)
        return 0;
    int rc = look(k, r, &open, &why);
    bool pending = false, forgotten = false;
    if (!rc && open->cnt == 0 && r->sent)
        rc = cu_kafka_pending(k, r->group, r->positions, &pending, &why);
    if (!rc && open->cnt > 0)
        rc = look_before(k, r, &forgotten, &why);
    if (!rc && forgotten)
        rc = refuse(k, w->txn_id, open, &why);
    if (!rc && (open->cnt > 0 || pending)) {
        cu_debug("kafka %s: something is open in %d partitions of its last "
                 "transaction%s; ending it",
                 w->client.what, open->cnt, pending ? ", positions" : "");
        rc = abort_in(w, r, open, &why);
    }
    rd_kafka_topic_partition_list_destroy(open);
    if (!rc) {
        release(r);
        return 0;
    }
    give_back(k, w->txn_id, r);
    return cu_fail(err, CU_NETWORK, CU_RETRY,
                   "cannot end what the last transaction of %s left open: %s",
                   w->txn_id, why.msg);
}
