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
 * those partitions, and its end is the end of both.  What a client can do is
 * just that: a transaction of the same id that touches the same partitions,
 *
 *   to abort a transaction that failed
 *   H1 whoever gives a writer up, or closes it and has no answer to the abort,
 *      keeps where its last transaction was
 *   H2 the next writer of that id looks, after init (for the coordinator
 *      nothing is open then), whether something is open there; positions are
 *      asked for where no record tells.  Where it has left no record, what is
 *      open is not its
 *   H3 if so it aborts a transaction of one record for each such partition, and
 *      of the positions, before it is used for anything else
 *
 *   to commit one that was answered, and whose markers were not written yet
 *   H4 a writer whose connections broke asks, before it ends the next
 *      transaction, whether the positions of the last commit are settled
 *   H5 if not, it adds a record to that next transaction for every partition of
 *      the last one that is open, so that its commit ends both
 *   H6 the next writer of the id does the same, and never aborts in partitions
 *      of such a commit; where rows of a failed transaction may lie behind it,
 *      that is told and waited for
 *
 * The record that is added is no row: a key "-", no value, and a header that
 * says so.  Readers pass over it (cu_kafka_is_nothing); to others it deletes a
 * key that is not there.
 *
 * A partition that others write to as well may look open because of them: that
 * costs such a record.  A process that was killed keeps nothing; there the
 * restore says what to look for.
 */
#include "log/kafka_txn.h"

#include "base/alloc.h"
#include "base/diag.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>

#define NOTHING "cupel.nothing"

enum { SETTLE_MS = 500, LOOK_EVERY_US = 20000, STAYS = 1, NEVER_LOOKED = -1 };

typedef rd_kafka_topic_partition_list_t parts;

/* Where the last transaction of a writer was that has been given up. */
typedef struct remains {
    parts *touched;   /* the offset is STAYS where its records may be */
    parts *positions; /* of `group`, NULL when it had none */
    bool sent;        /* they may have reached the group */
    parts *settled;   /* those of the commit before it, or NULL */
    parts *committed; /* the partitions of that, or NULL */
    char group[256];
} remains;

/* --- lists ---------------------------------------------------------------- */

static bool has(const parts *list, const char *topic, int32_t partition)
{
    return list && rd_kafka_topic_partition_list_find((parts *)list, topic,
                                                      partition) != NULL;
}

static void add(parts *to, const char *topic, int32_t partition, int64_t offset)
{
    rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_find(
        to, topic, partition);
    if (!p) {
        p = rd_kafka_topic_partition_list_add(to, topic, partition);
        p->offset = offset;
    }
    if (p->offset < offset)
        p->offset = offset;
}

static void add_all(parts *to, const parts *from)
{
    for (int i = 0; from && i < from->cnt; i++)
        add(to, from->elems[i].topic, from->elems[i].partition,
            from->elems[i].offset);
}

static parts *copy(const parts *list)
{
    return list ? rd_kafka_topic_partition_list_copy(list) : NULL;
}

static void drop(parts *list)
{
    if (list)
        rd_kafka_topic_partition_list_destroy(list);
}

static void release(remains *r)
{
    drop(r->touched);
    drop(r->positions);
    drop(r->settled);
    drop(r->committed);
    cu_free(r);
}

/* --- H1 ------------------------------------------------------------------- */

void cu_kafka_unsettle(cu_kafka_writer *w)
{
    drop(w->settled);
    drop(w->committed);
    w->settled = w->committed = NULL;
}

void cu_kafka_settle(cu_kafka_writer *w)
{
    cu_kafka_unsettle(w);
    if (w->n_marks == 0 || !*w->group)
        return;
    w->settled = copy(w->marks[0].positions);
    for (size_t i = 1; i < w->n_marks; i++)
        add_all(w->settled, w->marks[i].positions);
    w->committed = rd_kafka_topic_partition_list_new((int)w->n_touched + 1);
    for (size_t i = 0; i < w->n_touched; i++)
        rd_kafka_topic_partition_list_add(w->committed,
                                          w->touched[i]->part.topic,
                                          w->touched[i]->part.partition);
}

static void keep_positions(remains *r, const cu_kafka_writer *w)
{
    if (!*w->group)
        return;
    snprintf(r->group, sizeof(r->group), "%s", w->group);
    r->sent = r->sent || w->marks_sent;
    if (w->n_marks > 0 && !r->positions)
        r->positions = rd_kafka_topic_partition_list_new(16);
    for (size_t i = 0; i < w->n_marks; i++)
        add_all(r->positions, w->marks[i].positions);
    if (w->settled && !r->settled) {
        r->settled = copy(w->settled);
        r->committed = copy(w->committed);
    }
}

void cu_kafka_remains_keep(cu_kafka_writer *w)
{
    bool fresh;
    cu_kafka *k = w->client.kafka;
    if (k->at_least_once || (w->n_touched + w->n_marks == 0 && !w->settled))
        return;
    pthread_mutex_lock(&k->mutex);
    void **at = cu_map_put(k->remains, cu_slice_of(w->txn_id), &fresh);
    if (fresh || !*at) {
        *at = cu_calloc(1, sizeof(remains));
        ((remains *)*at)->touched = rd_kafka_topic_partition_list_new(16);
    }
    remains *r = *at;
    for (size_t i = 0; i < w->n_touched; i++) {
        const cu_kafka_slot *s = w->touched[i];
        add(r->touched, s->part.topic, s->part.partition,
            s->stays || s->n_out > 0 ? STAYS : 0);
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

/* What could not be ended is for the next writer; what this one leaves when it
 * is closed is added to it. */
static void give_back(cu_kafka *k, const char *txn_id, remains *r)
{
    bool fresh;
    pthread_mutex_lock(&k->mutex);
    *cu_map_put(k->remains, cu_slice_of(txn_id), &fresh) = r;
    pthread_mutex_unlock(&k->mutex);
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

/* --- what is open --------------------------------------------------------- */

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

/* Into *open, which is new: those of the list with an open transaction, and
 * where it begins.  The stable ends are asked for last, so that what others
 * commit meanwhile looks settled. */
static int look(cu_kafka *k, const parts *list, parts **open, cu_err *err)
{
    rd_kafka_t *probe;
    *open = rd_kafka_topic_partition_list_new(8);
    int rc = cu_kafka_probe(k, &probe, err);
    if (rc)
        return rc;
    parts *all = copy(list);
    rd_kafka_resp_err_t e = ends(k, k->admin.rk, all);
    parts *stable = copy(all);
    if (!e)
        e = ends(k, probe, stable);
    for (int i = 0; !e && i < stable->cnt; i++) {
        const rd_kafka_topic_partition_t *s = &stable->elems[i];
        const rd_kafka_topic_partition_t *p =
            rd_kafka_topic_partition_list_find(all, s->topic, s->partition);
        if (s->offset < p->offset)
            add(*open, s->topic, s->partition, s->offset);
    }
    drop(stable);
    drop(all);
    return e ? cu_kafka_fail(err, e, 0, NULL, "cannot ask %s for ends",
                             k->brokers)
             : 0;
}

/* A commit was forgotten when its positions do not settle: nobody else has
 * marks for those partitions, or theirs come later.  Not asked for long: a
 * transaction may be open meanwhile.  When it only takes its time, the records
 * that are added do no harm. */
static int is_forgotten(cu_kafka *k, const char *group, const parts *settled,
                        bool *forgotten, cu_err *err)
{
    int64_t until = cu_mono_ms(k->env) + SETTLE_MS;
    *forgotten = false;
    if (!settled)
        return 0;
    for (;;) {
        int rc = cu_kafka_pending(k, group, settled, forgotten, err);
        if (rc || !*forgotten || !cu_kafka_left(k, until))
            return rc;
        k->env->vt->sleep_us(k->env, LOOK_EVERY_US);
    }
}

/* --- a record that is no row ---------------------------------------------- */

bool cu_kafka_is_nothing(const struct rd_kafka_message_s *m)
{
    const void *value;
    size_t size;
    rd_kafka_headers_t *headers;
    return !m->payload && m->key_len == 1 && *(const char *)m->key == '-' &&
           !rd_kafka_message_headers(m, &headers) &&
           !rd_kafka_header_get_last(headers, NOTHING, &value, &size);
}

/* Into every partition of `open`, but not where `but` is. */
static int add_nothing(cu_kafka_writer *w, const parts *open, const parts *but,
                       cu_err *err)
{
    cu_kafka *k = w->client.kafka;
    cu_header header = {cu_slice_of(NOTHING), cu_slice_of("")};
    for (int i = 0; i < open->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &open->elems[i];
        cu_record nothing = {
            .part = {cu_kafka_topic_of(k, p->topic)->name, p->partition},
            .key = cu_slice_of("-"),
            .headers = &header,
            .n_headers = 1};
        if (has(but, p->topic, p->partition))
            continue;
        int rc = cu_kafka_append(&w->base, &nothing, err);
        if (rc)
            return rc;
    }
    if (rd_kafka_flush(w->client.rk, (int)k->transaction_ms))
        return cu_fail(err, CU_TIMEOUT, CU_ABORT, "no answer");
    return w->failed ? cu_kafka_fail_delivery(w, err) : 0;
}

/* --- H3 ------------------------------------------------------------------- */

/* Positions that nobody will ever see; the group must only be in it. */
static int add_positions(cu_kafka_writer *w, const remains *r, cu_err *err)
{
    if (!r->sent)
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
    cu_err ignored = {0};
    cu_debug("kafka %s: something is open in %d partitions of its last "
             "transaction; ending it",
             w->client.what, open->cnt);
    int rc = cu_kafka_begin(&w->base, err);
    if (!rc)
        rc = cu_kafka_activate(w, err); /* there may be positions alone */
    if (!rc)
        rc = add_nothing(w, open, NULL, err);
    if (!rc)
        rc = add_positions(w, r, err);
    int aborted = w->state == CU_KAFKA_OPEN || w->state == CU_KAFKA_ACTIVE
                      ? cu_kafka_abort(&w->base, rc ? &ignored : err)
                      : 0;
    return rc ? rc : aborted;
}

/* --- H4, H5 --------------------------------------------------------------- */

int cu_kafka_mend(cu_kafka_writer *w, cu_err *err)
{
    cu_err why = {0};
    bool forgotten = false;
    parts *open = NULL;
    cu_kafka *k = w->client.kafka;
    int n_broken = w->client.n_broken;
    if (n_broken == w->n_broken)
        return 0;
    int rc = is_forgotten(k, w->group, w->settled, &forgotten, &why);
    if (!rc && forgotten)
        rc = look(k, w->committed, &open, &why);
    if (!rc && forgotten) {
        parts *touched = rd_kafka_topic_partition_list_new(16);
        for (size_t i = 0; i < w->n_touched; i++)
            rd_kafka_topic_partition_list_add(touched,
                                              w->touched[i]->part.topic,
                                              w->touched[i]->part.partition);
        cu_info("the broker has forgotten that a transaction of %s is "
                "committed (KAFKA-20734); the next one ends it in %d "
                "partitions",
                w->txn_id, open->cnt);
        rc = add_nothing(w, open, touched, &why);
        drop(touched);
    }
    drop(open);
    if (rc)
        return cu_kafka_fail_step(w, RD_KAFKA_RESP_ERR__FAIL, why.msg,
                                  "the last commit cannot be looked after",
                                  err);
    w->n_broken = n_broken;
    return 0;
}

/* --- H2, H6 --------------------------------------------------------------- */

static int refuse(const cu_kafka_writer *w, const rd_kafka_topic_partition_t *p,
                  cu_err *err)
{
    return cu_fail(err, CU_NETWORK, CU_RETRY,
                   "the broker has forgotten that a transaction of %s is "
                   "committed (KAFKA-20734): its rows are held back in "
                   "%s[%d] from offset %lld on, and rows of the one after "
                   "it, which failed, may lie behind them. To give both up: "
                   "kafka-transactions.sh --bootstrap-server %s abort --topic "
                   "%s --partition %d --start-offset %lld; then cupel offsets "
                   "reset PATH --to-earliest --execute makes the views anew",
                   w->txn_id, p->topic, (int)p->partition, (long long)p->offset,
                   w->client.kafka->brokers, p->topic, (int)p->partition,
                   (long long)p->offset);
}

/* What was committed stays as it is, for the next commit to end. */
static int hand_over(cu_kafka_writer *w, remains *r, const parts *open,
                     cu_err *err)
{
    for (int i = 0; i < open->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &open->elems[i];
        if (has(r->committed, p->topic, p->partition))
            return refuse(w, p, err);
    }
    int rc = open->cnt > 0 ? abort_in(w, r, open, err) : 0;
    if (rc)
        return rc;
    cu_kafka_unsettle(w);
    w->settled = r->settled;
    w->committed = r->committed;
    r->settled = r->committed = NULL;
    snprintf(w->group, sizeof(w->group), "%s", r->group);
    w->n_broken = NEVER_LOOKED;
    return 0;
}

/* Where a record of the transaction may be. */
static parts *staying(const remains *r)
{
    parts *list = rd_kafka_topic_partition_list_new(8);
    for (int i = 0; i < r->touched->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &r->touched->elems[i];
        if (p->offset == STAYS)
            add(list, p->topic, p->partition, p->offset);
    }
    return list;
}

static int end(cu_kafka_writer *w, remains *r, cu_err *err)
{
    parts *open = NULL, *stay = staying(r);
    bool pending = false, forgotten = false;
    cu_kafka *k = w->client.kafka;
    int rc = look(k, stay, &open, err);
    if (!rc && r->sent && open->cnt == 0)
        rc = cu_kafka_pending(k, r->group, r->positions, &pending, err);
    if (!rc &&
        !r->sent) /* else which of the two the positions are of is open */
        rc = is_forgotten(k, r->group, r->settled, &forgotten, err);
    if (!rc && forgotten)
        rc = hand_over(w, r, open, err);
    else if (!rc && (open->cnt > 0 || pending))
        rc = abort_in(w, r, open, err);
    drop(open);
    drop(stay);
    return rc;
}

int cu_kafka_remains_end(cu_kafka_writer *w, cu_err *err)
{
    cu_err why = {0};
    cu_kafka *k = w->client.kafka;
    remains *r = take(k, w->txn_id);
    if (!r)
        return 0;
    int rc = end(w, r, &why);
    if (!rc) {
        release(r);
        return 0;
    }
    give_back(k, w->txn_id, r);
    return cu_fail(err, CU_NETWORK, CU_RETRY,
                   "cannot end what the last transaction of %s left open: %s",
                   w->txn_id, why.msg);
}
