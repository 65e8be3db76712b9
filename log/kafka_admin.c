/* Topics of a Kafka cluster: make, list, delete, trim.
 *
 * Each call has its own queue, so any thread may ask.  A topic that was
 * made or deleted is waited for until the metadata agrees: KRaft answers
 * before the brokers have heard of it.
 */
#include "log/kafka.h"

#include "base/alloc.h"
#include "base/diag.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

enum { AGREE_EVERY_US = 20000, AGREE_MS = 10000 };

typedef struct call {
    cu_kafka *k;
    rd_kafka_queue_t *queue;
    rd_kafka_AdminOptions_t *options;
    rd_kafka_event_t *event;
} call;

static void call_init(call *c, cu_kafka *k, rd_kafka_admin_op_t op)
{
    char why[8];
    int ms = (int)k->deadline_ms;
    c->k = k;
    c->event = NULL;
    c->queue = rd_kafka_queue_new(k->admin.rk);
    c->options = rd_kafka_AdminOptions_new(k->admin.rk, op);
    rd_kafka_AdminOptions_set_request_timeout(c->options, ms, why, sizeof(why));
    if (op != RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS)
        rd_kafka_AdminOptions_set_operation_timeout(c->options, ms, why,
                                                    sizeof(why));
}

static void call_clear(call *c)
{
    if (c->event)
        rd_kafka_event_destroy(c->event);
    rd_kafka_AdminOptions_destroy(c->options);
    rd_kafka_queue_destroy(c->queue);
}

/* The answer, or the error of the call as a whole. */
static int answer(call *c, const char *doing, const char *topic, cu_err *err)
{
    c->event = rd_kafka_queue_poll(c->queue, (int)c->k->deadline_ms + 1000);
    if (!c->event)
        return cu_kafka_fail(err, RD_KAFKA_RESP_ERR__TIMED_OUT, 0, NULL,
                             "%s %s on %s", doing, topic, c->k->brokers);
    rd_kafka_resp_err_t e = rd_kafka_event_error(c->event);
    if (e)
        return cu_kafka_fail(err, e, 0, rd_kafka_event_error_string(c->event),
                             "%s %s on %s", doing, topic, c->k->brokers);
    return 0;
}

/* What the broker says about the one topic of a call. */
static rd_kafka_resp_err_t verdict(const rd_kafka_topic_result_t **results,
                                   size_t n, const char **why)
{
    if (n == 0)
        return RD_KAFKA_RESP_ERR_UNKNOWN;
    *why = rd_kafka_topic_result_error_string(results[0]);
    return rd_kafka_topic_result_error(results[0]);
}

/* --- metadata --------------------------------------------------------- */

/* Partitions that have a leader, or 0 when one has none yet. */
static int32_t usable(const struct rd_kafka_metadata_topic *t)
{
    for (int i = 0; i < t->partition_cnt; i++)
        if (t->partitions[i].leader < 0)
            return 0;
    return t->partition_cnt;
}

static int ask(cu_kafka *k, const char *topic, int32_t *n, bool *there,
               cu_err *err)
{
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(k->admin.rk, topic, NULL);
    *n = 0;
    *there = false;
    if (!rkt)
        return cu_kafka_fail(err, rd_kafka_last_error(), 0, NULL,
                             "cannot look up topic %s", topic);
    rd_kafka_resp_err_t e = rd_kafka_metadata(k->admin.rk, 0, rkt, &md,
                                              (int)k->deadline_ms);
    if (!e && md->topic_cnt == 1) {
        e = md->topics[0].err;
        *n = usable(&md->topics[0]);
    }
    if (md)
        rd_kafka_metadata_destroy(md);
    rd_kafka_topic_destroy(rkt);
    *there = !e || e == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    if (*there || e == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return 0;
    return cu_kafka_fail_grant(err, e, "Describe (which Read and Write bring)",
                               topic, "cannot look up");
}

int cu_kafka_partitions(cu_kafka *k, const char *topic, int32_t *n, cu_err *err)
{
    bool there;
    int64_t until = cu_mono_ms(k->env) + k->deadline_ms;
    for (;;) {
        int rc = ask(k, topic, n, &there, err);
        if (rc || !there || *n > 0)
            return rc;
        if (!cu_kafka_left(k, until))
            return cu_fail(err, CU_NETWORK, CU_RETRY,
                           "topic %s has partitions without a leader: is a "
                           "broker down?",
                           topic);
        k->env->vt->sleep_us(k->env, AGREE_EVERY_US);
    }
}

int cu_kafka_require(cu_kafka *k, cu_part part, int32_t *n, cu_err *err)
{
    int rc = cu_kafka_partitions(k, part.topic, n, err);
    if (rc)
        return rc;
    if (*n == 0)
        return cu_fail(err, CU_NOT_FOUND, 0,
                       "there is no topic %s on %s; create it, or check the "
                       "name",
                       part.topic, k->brokers);
    if (part.partition < 0 || part.partition >= *n)
        return cu_fail(err, CU_NOT_FOUND, 0,
                       "topic %s has %d partitions, there is no number %d",
                       part.topic, *n, part.partition);
    return 0;
}

/* Until the topic is there (with n partitions) or, for 0, gone. */
static void agree(cu_kafka *k, const char *topic, int32_t n)
{
    int64_t until = cu_mono_ms(k->env) + AGREE_MS;
    while (cu_kafka_left(k, until)) {
        int32_t seen;
        bool there;
        if (!ask(k, topic, &seen, &there, NULL) && seen == n &&
            there == (n > 0))
            return;
        k->env->vt->sleep_us(k->env, AGREE_EVERY_US);
    }
}

/* --- make and delete -------------------------------------------------- */

static int compare(const cu_topic_spec *s, int32_t has, int32_t wants,
                   cu_err *err)
{
    if (has == wants)
        return 0;
    return cu_fail(err, CU_EXISTS, 0,
                   "topic %s exists with %d partitions, %d are wanted; keep "
                   "that number, or use another topic",
                   s->name, has, wants);
}

static void describe(rd_kafka_NewTopic_t *t, const cu_topic_spec *s)
{
    char number[32];
    const char *policy = !s->compact           ? "delete"
                         : s->retention_ms > 0 ? "compact,delete"
                                               : "compact";
    rd_kafka_NewTopic_set_config(t, "cleanup.policy", policy);
    snprintf(number, sizeof(number), "%lld",
             (long long)(s->retention_ms ? s->retention_ms : -1));
    rd_kafka_NewTopic_set_config(t, "retention.ms", number);
    snprintf(number, sizeof(number), "%lld",
             (long long)(s->max_record_bytes ? s->max_record_bytes
                                             : CU_KAFKA_RECORD_BYTES));
    rd_kafka_NewTopic_set_config(t, "max.message.bytes", number);
}

/* 0 also when somebody else was faster: the caller looks again. */
static int create(cu_kafka *k, const cu_topic_spec *s, int32_t n, cu_err *err)
{
    char reason[200];
    const char *why = NULL;
    call c;
    rd_kafka_NewTopic_t *t = rd_kafka_NewTopic_new(
        s->name, n, s->replication ? s->replication : -1, reason,
        sizeof(reason));
    if (!t)
        return cu_fail(err, CU_USAGE, 0, "cannot create topic %s: %s", s->name,
                       reason);
    describe(t, s);
    call_init(&c, k, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_CreateTopics(k->admin.rk, &t, 1, c.options, c.queue);
    int rc = answer(&c, "cannot create topic", s->name, err);
    if (!rc) {
        size_t count = 0;
        const rd_kafka_topic_result_t *
            *results = rd_kafka_CreateTopics_result_topics(
                rd_kafka_event_CreateTopics_result(c.event), &count);
        rd_kafka_resp_err_t e = verdict(results, count, &why);
        if (e && e != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            rc = e == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
                     ? cu_kafka_fail_grant(err, e, "Create", s->name,
                                           "cannot create")
                     : cu_kafka_fail(err, e, 0, why,
                                     "cannot create topic %s on %s", s->name,
                                     k->brokers);
    }
    rd_kafka_NewTopic_destroy(t);
    call_clear(&c);
    return rc;
}

int cu_kafka_topic_ensure(cu_log *log, const cu_topic_spec *s, cu_err *err)
{
    cu_kafka *k = (cu_kafka *)log;
    int32_t wants = s->partitions ? s->partitions : 1, has = 0;
    int rc = cu_kafka_partitions(k, s->name, &has, err);
    if (rc || has)
        return rc ? rc : compare(s, has, wants, err);
    rc = create(k, s, wants, err);
    if (rc)
        return rc;
    agree(k, s->name, wants);
    rc = cu_kafka_require(k, (cu_part){s->name, 0}, &has, err);
    return rc ? rc : compare(s, has, wants, err);
}

int cu_kafka_topic_delete(cu_log *log, const char *topic, cu_err *err)
{
    cu_kafka *k = (cu_kafka *)log;
    const char *why = NULL;
    call c;
    call_init(&c, k, RD_KAFKA_ADMIN_OP_DELETETOPICS);
    rd_kafka_DeleteTopic_t *t = rd_kafka_DeleteTopic_new(topic);
    rd_kafka_DeleteTopics(k->admin.rk, &t, 1, c.options, c.queue);
    int rc = answer(&c, "cannot delete topic", topic, err);
    if (!rc) {
        size_t count = 0;
        const rd_kafka_topic_result_t *
            *results = rd_kafka_DeleteTopics_result_topics(
                rd_kafka_event_DeleteTopics_result(c.event), &count);
        rd_kafka_resp_err_t e = verdict(results, count, &why);
        if (e)
            rc = cu_kafka_fail(err, e, 0, why, "cannot delete topic %s on %s",
                               topic, k->brokers);
    }
    if (!rc) {
        agree(k, topic, 0);
        cu_kafka_topic *known = cu_kafka_topic_of(k, topic);
        pthread_mutex_lock(&k->mutex);
        known->max_record_bytes = 0;
        pthread_mutex_unlock(&k->mutex);
    }
    rd_kafka_DeleteTopic_destroy(t);
    call_clear(&c);
    return rc;
}

int cu_kafka_delete_records(cu_log *log, cu_part part, int64_t before,
                            cu_err *err)
{
    cu_kafka *k = (cu_kafka *)log;
    char name[300];
    call c;
    cu_part_name(part, name, sizeof(name));
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(
        1);
    rd_kafka_topic_partition_list_add(list, part.topic, part.partition)
        ->offset = before;
    rd_kafka_DeleteRecords_t *d = rd_kafka_DeleteRecords_new(list);
    call_init(&c, k, RD_KAFKA_ADMIN_OP_DELETERECORDS);
    rd_kafka_DeleteRecords(k->admin.rk, &d, 1, c.options, c.queue);
    int rc = answer(&c, "cannot delete records of", name, err);
    if (!rc) {
        const rd_kafka_topic_partition_list_t
            *done = rd_kafka_DeleteRecords_result_offsets(
                rd_kafka_event_DeleteRecords_result(c.event));
        if (done->cnt == 1 &&
            done->elems[0].err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
            rc = cu_kafka_fail_grant(err, done->elems[0].err, "Delete",
                                     part.topic, "cannot delete records of");
        else if (done->cnt == 1 && done->elems[0].err)
            rc = cu_kafka_fail(err, done->elems[0].err, 0, NULL,
                               "cannot delete the records of %s before %lld",
                               name, (long long)before);
    }
    rd_kafka_DeleteRecords_destroy(d);
    rd_kafka_topic_partition_list_destroy(list);
    call_clear(&c);
    return rc;
}

/* --- what topics are like --------------------------------------------- */

typedef void on_entry(void *ctx, size_t topic, const char *name,
                      const char *value);

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Hands every setting of one answer to `each`; a topic that may not be
 * described has none. */
static void each_setting(const rd_kafka_ConfigResource_t *r,
                         const char *const *topics, size_t n, on_entry *each,
                         void *ctx)
{
    const char *topic = rd_kafka_ConfigResource_name(r);
    const char *const *found = bsearch(&topic, topics, n, sizeof(*topics),
                                       by_name);
    size_t n_entries = 0;
    const rd_kafka_ConfigEntry_t **e = rd_kafka_ConfigResource_configs(
        r, &n_entries);
    for (size_t i = 0; found && i < n_entries; i++)
        if (rd_kafka_ConfigEntry_value(e[i]))
            each(ctx, (size_t)(found - topics), rd_kafka_ConfigEntry_name(e[i]),
                 rd_kafka_ConfigEntry_value(e[i]));
}

/* One request for the settings of all `topics`, which are sorted. */
static int settings(cu_kafka *k, const char *const *topics, size_t n,
                    on_entry *each, void *ctx, cu_err *err)
{
    call c;
    rd_kafka_ConfigResource_t **r = cu_calloc(n, sizeof(*r));
    for (size_t i = 0; i < n; i++)
        r[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topics[i]);
    call_init(&c, k, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_DescribeConfigs(k->admin.rk, r, n, c.options, c.queue);
    int rc = answer(&c, "cannot read the settings of topic", topics[0], err);
    if (!rc) {
        size_t n_results = 0;
        const rd_kafka_ConfigResource_t *
            *results = rd_kafka_DescribeConfigs_result_resources(
                rd_kafka_event_DescribeConfigs_result(c.event), &n_results);
        for (size_t i = 0; i < n_results; i++)
            each_setting(results[i], topics, n, each, ctx);
    }
    rd_kafka_ConfigResource_destroy_array(r, n);
    cu_free(r);
    call_clear(&c);
    return rc;
}

static void to_info(void *ctx, size_t topic, const char *name,
                    const char *value)
{
    cu_topic_info *info = &((cu_topic_info *)ctx)[topic];
    if (strcmp(name, "cleanup.policy") == 0) {
        info->compact = strstr(value, "compact") != NULL;
        info->deletes = strstr(value, "delete") != NULL;
    } else if (strcmp(name, "max.message.bytes") == 0) {
        info->max_record_bytes = strtoll(value, NULL, 10);
    } else if (strcmp(name, "retention.ms") == 0) {
        long long ms = strtoll(value, NULL, 10);
        info->retention_ms = ms < 0 ? 0 : ms; /* Kafka's -1: for ever */
    }
}

static int info_cmp(const void *a, const void *b)
{
    return strcmp(((const cu_topic_info *)a)->name,
                  ((const cu_topic_info *)b)->name);
}

int cu_kafka_topic_list(cu_log *log, cu_arena *a, cu_topic_list *out,
                        cu_err *err)
{
    cu_kafka *k = (cu_kafka *)log;
    const struct rd_kafka_metadata *md = NULL;
    *out = (cu_topic_list){0};
    rd_kafka_resp_err_t e = rd_kafka_metadata(k->admin.rk, 1, NULL, &md,
                                              (int)k->deadline_ms);
    if (e)
        return cu_kafka_fail(err, e, 0, NULL, "cannot list the topics of %s",
                             k->brokers);
    out->topics = cu_arena_calloc(a, (size_t)md->topic_cnt + 1,
                                  sizeof(*out->topics));
    for (int i = 0; i < md->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *t = &md->topics[i];
        if (t->err || strncmp(t->topic, "__", 2) == 0)
            continue; /* on its way in or out, or the brokers' own */
        out->topics[out->n++] = (cu_topic_info){
            .name = cu_arena_str(a, t->topic),
            .partitions = t->partition_cnt,
            .retention_ms = -1,
        };
    }
    rd_kafka_metadata_destroy(md);
    if (out->n == 0)
        return 0;
    qsort(out->topics, out->n, sizeof(*out->topics), info_cmp);
    const char **names = cu_arena_calloc(a, out->n, sizeof(*names));
    for (size_t i = 0; i < out->n; i++)
        names[i] = out->topics[i].name;
    /* A user without DescribeConfigs still gets names and partitions. */
    cu_err ignored = {0};
    if (settings(k, names, out->n, to_info, out->topics, &ignored))
        cu_debug("%s", ignored.msg);
    return 0;
}

static void to_limit(void *ctx, size_t topic, const char *name,
                     const char *value)
{
    (void)topic;
    if (strcmp(name, "max.message.bytes") == 0)
        *(int64_t *)ctx = strtoll(value, NULL, 10);
}

int cu_kafka_record_limit(cu_kafka *k, const char *topic, int64_t *bytes,
                          cu_err *err)
{
    cu_kafka_topic *t = cu_kafka_topic_of(k, topic);
    pthread_mutex_lock(&k->mutex);
    *bytes = t->max_record_bytes;
    pthread_mutex_unlock(&k->mutex);
    if (*bytes)
        return 0;
    int rc = settings(k, &topic, 1, to_limit, bytes, err);
    if (rc && rc != CU_DENIED)
        return rc;
    if (*bytes <= 0) {
        cu_warn("this user lacks DescribeConfigs on topic %s: how large its "
                "records may be is not known, and one that is too large will "
                "stop the app",
                topic);
        *bytes = CU_KAFKA_RECORD_BYTES;
    }
    pthread_mutex_lock(&k->mutex);
    t->max_record_bytes = *bytes;
    pthread_mutex_unlock(&k->mutex);
    return 0;
}
