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
 *   H1 whoever gives a writer up keeps where its last transaction was
 *   H2 the next writer of that id looks, after init (for the coordinator
 *      nothing is open then), whether something is open there
 *   H3 if so it aborts a transaction of one record for each such partition, and
 *      of the positions, before it is used for anything else
 *
 * A partition that others write to as well may look open because of them:
 * that costs an aborted record.  A process that was killed keeps nothing;
 * there the restore says what to look for.
 */
#include "log/kafka_txn.h"

#include "base/alloc.h"
#include "base/diag.h"

#include <librdkafka/rdkafka.h>

typedef rd_kafka_topic_partition_list_t parts;

/* Where the last transaction of a writer was that has been given up. */
typedef struct remains {
    parts *touched;
    parts *positions; /* of `group`, NULL when it had none */
    char group[256];
} remains;

static void release(remains *r)
{
    rd_kafka_topic_partition_list_destroy(r->touched);
    if (r->positions)
        rd_kafka_topic_partition_list_destroy(r->positions);
    cu_free(r);
}

/* --- H1 ---------------------------------------------------------------- */

static void keep_positions(remains *r, const cu_kafka_marks *m)
{
    size_t size = sizeof(r->group);
    if (r->positions || m->positions->cnt == 0 ||
        rd_kafka_conf_get(rd_kafka_conf(m->generation->rk), "group.id",
                          r->group, &size))
        return;
    r->positions = rd_kafka_topic_partition_list_copy(m->positions);
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
        if (!rd_kafka_topic_partition_list_find(r->touched, p.topic,
                                                p.partition))
            rd_kafka_topic_partition_list_add(r->touched, p.topic, p.partition);
    }
    for (size_t i = 0; i < w->n_marks; i++)
        keep_positions(r, &w->marks[i]);
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

/* What could not be ended is for the next writer, unless this one has left
 * something of its own by now. */
static void give_back(cu_kafka *k, const char *txn_id, remains *r)
{
    bool fresh;
    pthread_mutex_lock(&k->mutex);
    void **at = cu_map_put(k->remains, cu_slice_of(txn_id), &fresh);
    remains *newer = fresh ? NULL : *at;
    *at = r;
    for (int i = 0; newer && i < newer->touched->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &newer->touched->elems[i];
        if (!rd_kafka_topic_partition_list_find(r->touched, p->topic,
                                                p->partition))
            rd_kafka_topic_partition_list_add(r->touched, p->topic,
                                              p->partition);
    }
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

/* The ends of all `list`, as `rk` may read them. */
static rd_kafka_resp_err_t ends(cu_kafka *k, rd_kafka_t *rk, parts *list)
{
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = RD_KAFKA_OFFSET_END;
    rd_kafka_resp_err_t e = rd_kafka_offsets_for_times(rk, list,
                                                       (int)k->deadline_ms);
    for (int i = 0; !e && i < list->cnt; i++)
        e = list->elems[i].err;
    return e;
}

/* The topic is gone, and what was open in it too. */
static bool is_gone(rd_kafka_resp_err_t e)
{
    return e == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           e == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
           e == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

/* Into *open: those with an open transaction. */
static int look(cu_kafka *k, const remains *r, parts **open, cu_err *err)
{
    rd_kafka_t *probe;
    *open = rd_kafka_topic_partition_list_new(8);
    int rc = cu_kafka_probe(k, &probe, err);
    if (rc)
        return rc;
    parts *stable = rd_kafka_topic_partition_list_copy(r->touched);
    parts *all = rd_kafka_topic_partition_list_copy(r->touched);
    rd_kafka_resp_err_t e = ends(k, probe, stable);
    if (!e)
        e = ends(k, k->admin.rk, all);
    for (int i = 0; !e && i < all->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &all->elems[i];
        const rd_kafka_topic_partition_t *s =
            rd_kafka_topic_partition_list_find(stable, p->topic, p->partition);
        if (s && s->offset < p->offset)
            rd_kafka_topic_partition_list_add(*open, p->topic, p->partition);
    }
    rd_kafka_topic_partition_list_destroy(stable);
    rd_kafka_topic_partition_list_destroy(all);
    if (e && !is_gone(e))
        return cu_kafka_fail(err, e, 0, NULL, "cannot ask %s for ends",
                             k->brokers);
    return 0;
}

/* --- H3 ---------------------------------------------------------------- */

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
    if (!rc && open->cnt > 0) {
        cu_debug("kafka %s: something is open in %d partitions of its last "
                 "transaction; ending it",
                 w->client.what, open->cnt);
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
