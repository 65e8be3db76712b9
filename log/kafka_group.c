/* Offsets of a Kafka cluster: ends, times, and what groups have committed.
 *
 * An end depends on who asks: the read_committed probe is told the last
 * stable offset, the admin handle (read_uncommitted) the high watermark.
 * Between the two lie the records of open transactions.
 *
 * Group positions are asked with require-stable: while a transaction that
 * commits offsets of the group is open, the broker answers "unstable" and
 * we ask again until the deadline.  The older number would be an invitation
 * to process rows twice.
 *
 * A question for a group's coordinator must not time out in librdkafka 2.0.2
 * while no broker answers: it frees the question, uses it when a broker is
 * back, and aborts the process.  So we ask only when some broker answers, and
 * it is we who stop waiting.
 */
#include "log/kafka_txn.h"

#include "base/alloc.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

enum {
    UNSTABLE_EVERY_US = 20000,
    NEVER_MS = 3600 * 1000 /* the most that librdkafka takes */
};

/* --- offsets of partitions -------------------------------------------- */

static int watermarks(cu_kafka *k, rd_kafka_t *rk, cu_part part, int64_t *low,
                      int64_t *high, cu_err *err)
{
    char name[300];
    rd_kafka_resp_err_t e = rd_kafka_query_watermark_offsets(
        rk, part.topic, part.partition, low, high, (int)k->deadline_ms);
    if (!e)
        return 0;
    int32_t n; /* that it is a permission only a look at the topic tells */
    if (cu_kafka_partitions(k, part.topic, &n, err) == CU_DENIED)
        return CU_DENIED;
    return cu_kafka_fail(err, e, 0, NULL, "cannot ask %s for the ends of %s",
                         k->brokers, cu_part_name(part, name, sizeof(name)));
}

int cu_kafka_end_offset(cu_log *log, cu_part part, bool uncommitted,
                        int64_t *off, cu_err *err)
{
    cu_kafka *k = (cu_kafka *)log;
    rd_kafka_t *rk = k->admin.rk;
    int64_t low;
    int rc = uncommitted ? 0 : cu_kafka_probe(k, &rk, err);
    return rc ? rc : watermarks(k, rk, part, &low, off, err);
}

/* The broker's answer to "first offset not older than at_ms", -1: none. */
static int ask_by_time(cu_kafka *k, cu_part part, int64_t at_ms, int64_t *off,
                       cu_err *err)
{
    char name[300];
    rd_kafka_t *rk;
    int rc = cu_kafka_probe(k, &rk, err);
    if (rc)
        return rc;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(
        1);
    rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_add(
        list, part.topic, part.partition);
    p->offset = at_ms;
    rd_kafka_resp_err_t e = rd_kafka_offsets_for_times(rk, list,
                                                       (int)k->deadline_ms);
    if (!e)
        e = p->err;
    *off = p->offset;
    rd_kafka_topic_partition_list_destroy(list);
    if (!e)
        return 0;
    return cu_kafka_fail(
        err, e, 0, NULL, "cannot ask %s for the records of %s since %lld",
        k->brokers, cu_part_name(part, name, sizeof(name)), (long long)at_ms);
}

/* Reads on from `from`: the first committed record not older than at_ms. */
static int look_by_time(cu_kafka *k, cu_part part, int64_t at_ms, int64_t from,
                        int64_t *off, cu_err *err)
{
    cu_reader *r;
    cu_poll p;
    cu_position start = {part, from};
    cu_reader_opts o = {.parts = &start, .n_parts = 1};
    int64_t until = cu_mono_ms(k->env) + k->deadline_ms;
    int rc = cu_kafka_reader_open(&k->base, &o, &r, err);
    if (rc)
        return rc;
    *off = -1;
    while (!rc && *off < 0) {
        rc = cu_kafka_reader_poll(r, 100, &p, err);
        if (!rc && p.kind == CU_POLL_END)
            *off = p.next;
        for (size_t i = 0; !rc && *off < 0 && i < p.n; i++)
            if (p.records[i].timestamp_ms >= at_ms)
                *off = p.records[i].offset;
        if (!rc && *off < 0 && !cu_kafka_left(k, until))
            rc = cu_fail(err, CU_TIMEOUT, CU_RETRY,
                         "looking for the first record of %s[%d] since %lld "
                         "takes longer than %lld s; start at an offset",
                         part.topic, part.partition, (long long)at_ms,
                         (long long)k->deadline_ms / 1000);
    }
    cu_kafka_reader_close(r);
    return rc;
}

/* The broker counts a transaction's marker as a record of the moment when
 * it was written, so its answer may lie before the record that is meant,
 * never behind it: the rest is read. */
static int by_time(cu_kafka *k, cu_part part, int64_t at_ms, int64_t *off,
                   cu_err *err)
{
    int64_t from;
    int rc = ask_by_time(k, part, at_ms, &from, err);
    *off = from;
    if (rc || from < 0)
        return rc;
    return look_by_time(k, part, at_ms, from, off, err);
}

int cu_kafka_offset_at(cu_log *log, cu_part part, int64_t at_ms, int64_t *off,
                       cu_err *err)
{
    cu_kafka *k = (cu_kafka *)log;
    int64_t high;
    if (at_ms == CU_OLDEST)
        return watermarks(k, k->admin.rk, part, off, &high, err);
    if (at_ms != CU_NEWEST) {
        /* A time before 1970 would be read as one of Kafka's own marks. */
        int rc = by_time(k, part, at_ms < 0 ? 0 : at_ms, off, err);
        if (rc || *off >= 0)
            return rc;
    }
    return cu_kafka_end_offset(log, part, false, off, err);
}

/* --- group positions -------------------------------------------------- */

int cu_kafka_position_cmp(const void *a, const void *b)
{
    const cu_position *x = a, *y = b;
    int by_topic = strcmp(x->part.topic, y->part.topic);
    if (by_topic)
        return by_topic;
    return (x->part.partition > y->part.partition) -
           (x->part.partition < y->part.partition);
}

/* Some broker answers. */
static rd_kafka_resp_err_t answers(cu_kafka *k, int64_t until)
{
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_resp_err_t e = rd_kafka_metadata(k->admin.rk, 0, NULL, &md,
                                              cu_kafka_left(k, until));
    if (!e)
        rd_kafka_metadata_destroy(md);
    return e;
}

/* One question; `want` NULL: all partitions.  *event is the caller's and
 * keeps *found alive. */
static rd_kafka_resp_err_t fetch(cu_kafka *k, const char *group,
                                 const rd_kafka_topic_partition_list_t *want,
                                 int64_t until, rd_kafka_event_t **event,
                                 const rd_kafka_topic_partition_list_t **found)
{
    char why[8];
    size_t n = 0;
    *event = NULL;
    *found = NULL;
    rd_kafka_resp_err_t up = answers(k, until);
    if (up)
        return up;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(k->admin.rk);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(
        k->admin.rk, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    rd_kafka_AdminOptions_set_request_timeout(options, NEVER_MS, why,
                                              sizeof(why));
    rd_kafka_error_destroy(
        rd_kafka_AdminOptions_set_require_stable_offsets(options, 1));
    rd_kafka_ListConsumerGroupOffsets_t
        *question = rd_kafka_ListConsumerGroupOffsets_new(group, want);
    rd_kafka_ListConsumerGroupOffsets(k->admin.rk, &question, 1, options,
                                      queue);
    *event = rd_kafka_queue_poll(queue, cu_kafka_left(k, until));
    rd_kafka_resp_err_t e = *event ? rd_kafka_event_error(*event)
                                   : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (!e) {
        const rd_kafka_group_result_t *
            *groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
                rd_kafka_event_ListConsumerGroupOffsets_result(*event), &n);
        if (n == 1)
            *found = rd_kafka_group_result_partitions(groups[0]);
        if (n == 1 && rd_kafka_group_result_error(groups[0]))
            e = rd_kafka_error_code(rd_kafka_group_result_error(groups[0]));
    }
    for (int i = 0; *found && !e && i < (*found)->cnt; i++)
        e = (*found)->elems[i].err;
    rd_kafka_ListConsumerGroupOffsets_destroy(question);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return e;
}

static bool worth_asking_again(rd_kafka_resp_err_t e)
{
    return e == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT ||
           e == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS ||
           e == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
           e == RD_KAFKA_RESP_ERR_NOT_COORDINATOR ||
           e == RD_KAFKA_RESP_ERR__TRANSPORT;
}

/* fetch() until it is stable or the deadline passes. */
static int stable(cu_kafka *k, const char *group,
                  const rd_kafka_topic_partition_list_t *want,
                  rd_kafka_event_t **event,
                  const rd_kafka_topic_partition_list_t **found, cu_err *err)
{
    int64_t until = cu_mono_ms(k->env) + k->deadline_ms;
    rd_kafka_resp_err_t before = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (;;) {
        rd_kafka_resp_err_t e = fetch(k, group, want, until, event, found);
        if (!e)
            return 0;
        if (*event)
            rd_kafka_event_destroy(*event);
        *event = NULL;
        if (e == RD_KAFKA_RESP_ERR__TIMED_OUT && before)
            e = before; /* says more */
        before = e;
        if (!worth_asking_again(e) || !cu_kafka_left(k, until))
            return cu_kafka_fail(err, e, 0, NULL,
                                 "cannot read the positions of group %s on %s",
                                 group, k->brokers);
        k->env->vt->sleep_us(k->env, UNSTABLE_EVERY_US);
    }
}

int cu_kafka_pending(cu_kafka *k, const char *group,
                     const rd_kafka_topic_partition_list_t *want, bool *pending,
                     cu_err *err)
{
    rd_kafka_event_t *event;
    const rd_kafka_topic_partition_list_t *found;
    int64_t until = cu_mono_ms(k->env) + k->deadline_ms;
    rd_kafka_resp_err_t e = fetch(k, group, want, until, &event, &found);
    if (event)
        rd_kafka_event_destroy(event);
    *pending = e == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT;
    return e && !*pending
               ? cu_kafka_fail(err, e, 0, NULL,
                               "cannot read the positions of group %s on %s",
                               group, k->brokers)
               : 0;
}

int cu_kafka_committed(cu_log *log, const char *group, cu_part part,
                       int64_t *off, cu_err *err)
{
    cu_kafka *k = (cu_kafka *)log;
    rd_kafka_event_t *event = NULL;
    const rd_kafka_topic_partition_list_t *found;
    rd_kafka_topic_partition_list_t *want = rd_kafka_topic_partition_list_new(
        1);
    rd_kafka_topic_partition_list_add(want, part.topic, part.partition);
    *off = CU_NO_OFFSET;
    int rc = stable(k, group, want, &event, &found, err);
    if (!rc && found && found->cnt == 1 && found->elems[0].offset >= 0)
        *off = found->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(want);
    if (event)
        rd_kafka_event_destroy(event);
    return rc;
}

int cu_kafka_group_positions(cu_log *log, const char *group, cu_arena *a,
                             cu_positions *out, cu_err *err)
{
    cu_kafka *k = (cu_kafka *)log;
    rd_kafka_event_t *event = NULL;
    const rd_kafka_topic_partition_list_t *found;
    *out = (cu_positions){0};
    int rc = stable(k, group, NULL, &event, &found, err);
    if (!rc && found) {
        out->at = cu_arena_calloc(a, (size_t)found->cnt + 1, sizeof(*out->at));
        for (int i = 0; i < found->cnt; i++) {
            const rd_kafka_topic_partition_t *p = &found->elems[i];
            if (p->offset >= 0)
                out->at[out->n++] = (cu_position){
                    {cu_arena_str(a, p->topic), p->partition}, p->offset};
        }
        qsort(out->at, out->n, sizeof(*out->at), cu_kafka_position_cmp);
    }
    if (event)
        rd_kafka_event_destroy(event);
    return rc;
}

/* --- setting them ----------------------------------------------------- */

static int altered(const rd_kafka_event_t *event, const char *group,
                   cu_err *err)
{
    size_t n = 0;
    char name[300];
    const rd_kafka_group_result_t *
        *groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(
            rd_kafka_event_AlterConsumerGroupOffsets_result(
                (rd_kafka_event_t *)event),
            &n);
    const rd_kafka_topic_partition_list_t
        *done = n == 1 ? rd_kafka_group_result_partitions(groups[0]) : NULL;
    for (int i = 0; done && i < done->cnt; i++) {
        rd_kafka_resp_err_t e = done->elems[i].err;
        cu_part part = {done->elems[i].topic, done->elems[i].partition};
        if (e == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID)
            return cu_fail(err, CU_BUSY, 0,
                           "group %s has members; stop them before its "
                           "positions are set (a killed one counts until "
                           "its session ends)",
                           group);
        if (e)
            return cu_kafka_fail(err, e, 0, NULL,
                                 "cannot set the position of group %s in %s",
                                 group, cu_part_name(part, name, sizeof(name)));
    }
    return 0;
}

int cu_kafka_group_alter(cu_log *log, const char *group,
                         const cu_positions *positions, cu_err *err)
{
    cu_kafka *k = (cu_kafka *)log;
    char why[8];
    int rc = 0;
    int64_t until = cu_mono_ms(k->env) + k->deadline_ms;
    if (positions->n == 0)
        return 0;
    rd_kafka_resp_err_t up = answers(k, until);
    if (up)
        return cu_kafka_fail(err, up, 0, NULL,
                             "cannot set the positions of group %s on %s",
                             group, k->brokers);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(
        (int)positions->n);
    for (size_t i = 0; i < positions->n; i++)
        rd_kafka_topic_partition_list_add(list, positions->at[i].part.topic,
                                          positions->at[i].part.partition)
            ->offset = positions->at[i].next;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(k->admin.rk);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(
        k->admin.rk, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS);
    rd_kafka_AdminOptions_set_request_timeout(options, NEVER_MS, why,
                                              sizeof(why));
    rd_kafka_AlterConsumerGroupOffsets_t
        *order = rd_kafka_AlterConsumerGroupOffsets_new(group, list);
    rd_kafka_AlterConsumerGroupOffsets(k->admin.rk, &order, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue,
                                                  cu_kafka_left(k, until));
    rd_kafka_resp_err_t e = event ? rd_kafka_event_error(event)
                                  : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (e)
        rc = cu_kafka_fail(err, e, 0, NULL,
                           "cannot set the positions of group %s on %s", group,
                           k->brokers);
    else
        rc = altered(event, group, err);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_AlterConsumerGroupOffsets_destroy(order);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_partition_list_destroy(list);
    return rc;
}
