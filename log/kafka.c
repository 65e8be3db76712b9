/* The durable log on a Kafka cluster: opening, closing, the method table.
 *
 * librdkafka 2.0 does the talking.  What it does behind our back is turned
 * off or watched: no automatic commits, stores, resets or topics; its logs
 * go to diag; a silently resent EndTxn is counted (kafka_writer.c).
 *
 * K1 Rebalances reach the caller only as results of poll: ASSIGNED after
 *    the partitions are ours and paused, REVOKED before they go.
 * K2 A position is what was handed to the caller, never what librdkafka
 *    has read ahead; resume always starts from ours.
 * K3 Marks carry the generation under which they were made, never a
 *    fresh one: the broker takes a fresh one from anybody.
 * K4 A transaction is committed when exactly one EndTxn was sent and
 *    answered with success; anything else is in doubt.
 */
#include "log/kafka.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "log/sabotage.h"

#include <librdkafka/rdkafka.h>

enum { DIAL_STEP_MS = 300 };

static void log_close(cu_log *log);

static int nothing_due(cu_log *log, cu_err *err)
{
    /* Kafka keeps its own house; this only lets callbacks run. */
    cu_kafka *k = (cu_kafka *)log;
    (void)err;
    pthread_mutex_lock(&k->mutex);
    rd_kafka_t *probe = k->probe.rk;
    pthread_mutex_unlock(&k->mutex);
    rd_kafka_poll(k->admin.rk, 0);
    if (probe)
        rd_kafka_poll(probe, 0);
    return 0;
}

static const cu_log_vt kafka_vt = {
    .version = 1,
    .name = "kafka",
    .topic_ensure = cu_kafka_topic_ensure,
    .topic_list = cu_kafka_topic_list,
    .topic_delete = cu_kafka_topic_delete,
    .delete_records = cu_kafka_delete_records,
    .offset_at = cu_kafka_offset_at,
    .end_offset = cu_kafka_end_offset,
    .committed = cu_kafka_committed,
    .group_positions = cu_kafka_group_positions,
    .group_alter = cu_kafka_group_alter,
    .fence = cu_kafka_fence,
    .maintain = nothing_due,
    .reader_open = cu_kafka_reader_open,
    .reader_seek = cu_kafka_reader_seek,
    .reader_pause = cu_kafka_reader_pause,
    .reader_poll = cu_kafka_reader_poll,
    .reader_close = cu_kafka_reader_close,
    .writer_open = cu_kafka_writer_open,
    .begin = cu_kafka_begin,
    .append = cu_kafka_append,
    .mark = cu_kafka_mark,
    .attach = cu_kafka_attach,
    .commit = cu_kafka_commit,
    .abort = cu_kafka_abort,
    .writer_close = cu_kafka_writer_close,
    .close = log_close,
};

/* --- names and handles ------------------------------------------------ */

cu_kafka_topic *cu_kafka_topic_of(cu_kafka *k, const char *name)
{
    bool fresh;
    pthread_mutex_lock(&k->mutex);
    void **slot = cu_map_put(k->topics, cu_slice_of(name), &fresh);
    if (fresh) {
        size_t len = strlen(name);
        cu_kafka_topic *t = cu_alloc(sizeof(*t) + len + 1);
        t->max_record_bytes = 0;
        memcpy(t->name, name, len + 1);
        *slot = t;
    }
    cu_kafka_topic *topic = *slot;
    pthread_mutex_unlock(&k->mutex);
    return topic;
}

int cu_kafka_left(cu_kafka *k, int64_t until_ms)
{
    int64_t left = until_ms - cu_mono_ms(k->env);
    return left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* A consumer that fetches nothing.  It has a group name although it joins
 * none: without one librdkafka 2.0.2 follows a null pointer when a broker
 * says that it is not the coordinator of a group that we asked about. */
static int open_idle(cu_kafka *k, cu_kafka_client *c, const char *what,
                     const char *isolation, cu_err *err)
{
    char group[160];
    rd_kafka_conf_t *conf = NULL;
    snprintf(group, sizeof(group), "%s.%s", k->client_id, what);
    snprintf(c->what, sizeof(c->what), "%s", what);
    c->kafka = k;
    const cu_property fixed[] = {
        {"group.id", group},
        {"isolation.level", isolation},
        {"enable.auto.commit", "false"},
        {"allow.auto.create.topics", "false"},
        {NULL, NULL},
    };
    int rc = cu_kafka_conf(c, NULL, fixed, &conf, err);
    return rc ? rc : cu_kafka_client_open(c, RD_KAFKA_CONSUMER, conf, err);
}

int cu_kafka_probe(cu_kafka *k, rd_kafka_t **out, cu_err *err)
{
    int rc = 0;
    pthread_mutex_lock(&k->mutex);
    if (!k->probe.rk)
        rc = open_idle(k, &k->probe, "probe", "read_committed", err);
    *out = k->probe.rk;
    pthread_mutex_unlock(&k->mutex);
    return rc;
}

/* --- open and close --------------------------------------------------- */

static void keep_options(cu_kafka *k, const cu_log_kafka_opts *o)
{
    k->env = o->env;
    k->brokers = cu_strdup(o->brokers);
    k->client_id = cu_strdup(o->client_id ? o->client_id : "cupel");
    k->memory_bytes = o->memory_bytes ? o->memory_bytes : (size_t)64 << 20;
    k->session_ms = o->session_ms ? o->session_ms : 10000;
    k->transaction_ms = o->transaction_ms ? o->transaction_ms : 10000;
    k->deadline_ms = o->deadline_ms ? o->deadline_ms : 30000;
    k->at_least_once = o->at_least_once;
    k->properties = cu_calloc(o->n_properties, sizeof(*k->properties));
    k->n_properties = o->n_properties;
    for (size_t i = 0; i < o->n_properties; i++) {
        k->properties[i].name = cu_strdup(o->properties[i].name);
        k->properties[i].value = cu_strdup(o->properties[i].value);
    }
}

/* True when a broker has answered by `until`; else *why, which is final
 * when *todo says what to do about it. */
static bool answered(cu_kafka *k, int64_t until, char why[200],
                     const char **todo)
{
    const struct rd_kafka_metadata *md = NULL;
    do {
        int left = cu_kafka_left(k, until);
        if (!rd_kafka_metadata(k->admin.rk, 0, NULL, &md,
                               left < DIAL_STEP_MS ? left : DIAL_STEP_MS)) {
            rd_kafka_metadata_destroy(md);
            return true;
        }
        k->warned_ms = cu_mono_ms(k->env); /* an error here, not a wait */
        rd_kafka_poll(k->admin.rk, 0);     /* runs error_cb, which knows more */
        cu_kafka_last_error(&k->admin, why, 200);
        *todo = cu_kafka_refusal(why);
    } while (!*todo && cu_kafka_left(k, until));
    return false;
}

/* A first answer, or what to check. */
static int dial(cu_kafka *k, cu_err *err)
{
    char why[200] = "";
    const char *todo = NULL;
    int64_t ms = CU_KAFKA_DIAL_MS;
    if (ms > k->deadline_ms)
        ms = k->deadline_ms;
    if (answered(k, cu_mono_ms(k->env) + ms, why, &todo)) {
        k->warned_ms = 0;
        return 0;
    }
    why[strcspn(why, "\n")] = 0;
    char *timing = strstr(why, " (after ");
    if (timing)
        *timing = 0;
    if (todo)
        return cu_fail(err, CU_DENIED, 0, "the brokers at %s refuse us: %s; %s",
                       k->brokers, why, todo);
    bool nobody = strstr(why, "refused") || strstr(why, "resol");
    return cu_fail(err, CU_NETWORK, CU_RETRY,
                   "no broker answers at %s within %g s%s%s%s: is it running? "
                   "check --brokers%s",
                   k->brokers, (double)ms / 1000, *why ? " (" : "", why,
                   *why ? ")" : "",
                   nobody ? ""
                          : ", and security.protocol: the listener may want "
                            "TLS or a password");
}

#ifdef CU_SABOTAGE
cu_log_sabotage cu_log_sabotage_now;

static void read_sabotage(cu_env *env)
{
    static const char *const names[] = {"", "no-group-metadata", "no-guard",
                                        "offsets-outside"};
    const char *name = env->vt->variable(env, "CUPEL_SABOTAGE");
    for (int i = 0; name && i < 4; i++)
        if (strcmp(name, names[i]) == 0)
            cu_log_sabotage_now = (cu_log_sabotage)i;
}
#else
static void read_sabotage(cu_env *env)
{
    (void)env;
}
#endif

int cu_log_open_kafka(const cu_log_kafka_opts *opts, cu_log **out, cu_err *err)
{
    CU_ASSERT(opts->env);
    *out = NULL;
    if (!opts->brokers || !*opts->brokers)
        return cu_fail(err, CU_USAGE, 0,
                       "no brokers are named; give --brokers HOST:PORT");
    cu_kafka *k = cu_calloc(1, sizeof(*k));
    k->base.vt = &kafka_vt;
    pthread_mutex_init(&k->mutex, NULL);
    k->topics = cu_map_new();
    k->remains = cu_map_new();
    keep_options(k, opts);
    read_sabotage(k->env);
    int rc = cu_kafka_check_properties(k, err);
    if (!rc)
        rc = open_idle(k, &k->admin, "admin", "read_uncommitted", err);
    if (!rc)
        rc = dial(k, err);
    if (rc)
        log_close(&k->base);
    else
        *out = &k->base;
    return rc;
}

static void log_close(cu_log *log)
{
    cu_kafka *k = (cu_kafka *)log;
    size_t at = 0;
    cu_slice key;
    void *topic;
    if (k->probe.rk)
        rd_kafka_destroy(k->probe.rk);
    if (k->admin.rk)
        rd_kafka_destroy(k->admin.rk);
    while (cu_map_next(k->topics, &at, &key, &topic))
        cu_free(topic);
    cu_map_free(k->topics);
    cu_kafka_remains_free(k);
    for (size_t i = 0; i < k->n_properties; i++) {
        cu_free((char *)k->properties[i].name);
        cu_free((char *)k->properties[i].value);
    }
    cu_free(k->properties);
    cu_free(k->brokers);
    cu_free(k->client_id);
    pthread_mutex_destroy(&k->mutex);
    cu_free(k);
}
