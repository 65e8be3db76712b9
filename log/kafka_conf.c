/* Settings of every kind of handle.
 *
 * They come in four layers, later ones win: what all handles share, what
 * the kind of handle starts with, what the user says (-X, OPTIONS), and
 * what exactly-once rests on.  The last layer is refused to the user by
 * name instead of being overridden silently.
 *
 * Times that hang together: session 10 s and transaction 10 s, so that a
 * dead member's transaction ends while the group waits for it anyway; the
 * socket and message timeouts are not above the transaction's, else
 * librdkafka refuses.  max.poll 60 s: longer than any commit.
 */
#include "log/kafka.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>

/* Correctness depends on them. */
static const char *const not_the_users[] = {
    "bootstrap.servers",
    "metadata.broker.list",
    "group.id",
    "group.instance.id",
    "transactional.id",
    "enable.idempotence",
    "acks",
    "request.required.acks",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "auto.commit.enable",
    "auto.offset.reset",
    "isolation.level",
    "enable.partition.eof",
    "partition.assignment.strategy",
    "allow.auto.create.topics",
};

static const cu_property common[] = {
    {"socket.nagle.disable", "true"},
    {"socket.keepalive.enable", "true"},
    {"reconnect.backoff.ms", "50"},
    {"reconnect.backoff.max.ms", "1000"},
    /* The broker closes idle connections; that is no news. */
    {"log.connection.close", "false"},
    {NULL, NULL},
};

/* --- layers ------------------------------------------------------------ */

static int set(rd_kafka_conf_t *conf, const cu_property *p, cu_err *err)
{
    char why[256];
    if (rd_kafka_conf_set(conf, p->name, p->value, why, sizeof(why)) ==
        RD_KAFKA_CONF_OK)
        return 0;
    return cu_fail(err, CU_USAGE, 0, "broker property %s: %s", p->name, why);
}

static int set_all(rd_kafka_conf_t *conf, const cu_property *list, cu_err *err)
{
    int rc = 0;
    for (; list && list->name && !rc; list++)
        rc = set(conf, list, err);
    return rc;
}

static int set_users(rd_kafka_conf_t *conf, const cu_kafka *k, cu_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < k->n_properties && !rc; i++)
        rc = set(conf, &k->properties[i], err);
    return rc;
}

int cu_kafka_conf(cu_kafka_client *c, const cu_property *defaults,
                  const cu_property *fixed, rd_kafka_conf_t **out, cu_err *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    const cu_property who[] = {
        {"bootstrap.servers", c->kafka->brokers},
        {"client.id", c->kafka->client_id},
        {NULL, NULL},
    };
    int rc = set_all(conf, common, err);
    if (!rc)
        rc = set_all(conf, who, err);
    if (!rc)
        rc = set_all(conf, defaults, err);
    if (!rc)
        rc = set_users(conf, c->kafka, err);
    if (!rc)
        rc = set_all(conf, fixed, err);
    if (rc) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    cu_kafka_callbacks(c, conf);
    *out = conf;
    return 0;
}

static const char *users(const cu_kafka *k, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < k->n_properties; i++)
        if (strcmp(k->properties[i].name, name) == 0)
            value = k->properties[i].value;
    return value;
}

/* What librdkafka would say in words of its own, or only to the log. */
static int check_security(const cu_kafka *k, cu_err *err)
{
    static const char *const files[] = {
        "ssl.ca.location", "ssl.certificate.location", "ssl.key.location",
        "ssl.keystore.location", "ssl.crl.location"};
    const char *protocol = users(k, "security.protocol");
    if (protocol &&
        (strncmp(protocol, "SASL", 4) == 0 ||
         strncmp(protocol, "sasl", 4) == 0) &&
        !users(k, "sasl.mechanism") && !users(k, "sasl.mechanisms"))
        return cu_fail(err, CU_USAGE, 0,
                       "security.protocol is %s but sasl.mechanism is not "
                       "set: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512",
                       protocol);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        const char *path = users(k, files[i]);
        cu_stat st;
        if (!path || strcmp(path, "probe") == 0 ||
            k->env->vt->stat(k->env, path, &st, err) == 0)
            continue;
        return cu_err_note(err, "broker property %s: ", files[i]);
    }
    return 0;
}

int cu_kafka_check_properties(cu_kafka *k, cu_err *err)
{
    size_t n = sizeof(not_the_users) / sizeof(not_the_users[0]);
    for (size_t i = 0; i < k->n_properties; i++)
        for (size_t j = 0; j < n; j++)
            if (strcmp(k->properties[i].name, not_the_users[j]) == 0)
                return cu_fail(err, CU_USAGE, 0,
                               "broker property %s: cupel sets it itself, "
                               "exactly-once depends on it",
                               not_the_users[j]);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    int rc = set_users(conf, k, err);
    rd_kafka_conf_destroy(conf);
    return rc ? rc : check_security(k, err);
}

/* --- readers ------------------------------------------------------------ */

typedef struct numbers { /* settings as text */
    char session[24], beat[24], max_poll[24];
    char queue_kb[24], fetch[24], part_fetch[24];
} numbers;

static void put_number(char out[24], int64_t v)
{
    snprintf(out, 24, "%lld", (long long)v);
}

/* Half of the memory is for the queue, half for the answer that arrives
 * while it is just not full.  Below 1 MB librdkafka refuses: fetch.max.bytes
 * has to hold the largest message it would itself produce by default. */
size_t cu_kafka_queue_bytes(const cu_reader_opts *o)
{
    size_t half = (o->max_bytes ? o->max_bytes : 8 << 20) / 2;
    return half < 1 << 20 ? 1 << 20 : half;
}

static void reckon(numbers *n, const cu_kafka *k, int64_t bytes)
{
    int64_t session = k->session_ms;
    int64_t beat = session / 6 < 500 ? session / 6 : 500;
    put_number(n->session, session);
    put_number(n->beat, beat);
    put_number(n->max_poll, session > 60000 ? session : 60000);
    put_number(n->queue_kb, bytes / 1024);
    put_number(n->fetch, bytes);
    put_number(n->part_fetch, bytes < 4 << 20 ? bytes / 4 : 1 << 20);
}

int cu_kafka_reader_conf(cu_kafka_client *c, const cu_reader_opts *o,
                         rd_kafka_conf_t **out, cu_err *err)
{
    cu_kafka *k = c->kafka;
    numbers n;
    char by_hand[160];
    reckon(&n, k, (int64_t)cu_kafka_queue_bytes(o));
    snprintf(by_hand, sizeof(by_hand), "%s.by-hand", k->client_id);
    const cu_property defaults[] = {
        {"session.timeout.ms", n.session},
        {"heartbeat.interval.ms", n.beat},
        {"max.poll.interval.ms", n.max_poll},
        {"fetch.wait.max.ms", "50"},
        {"fetch.error.backoff.ms", "100"},
        {"check.crcs", "true"},
        {"queued.max.messages.kbytes", n.queue_kb},
        {"fetch.max.bytes", n.fetch},
        {"fetch.message.max.bytes", n.part_fetch},
        {NULL, NULL},
    };
    const cu_property fixed[] = {
        {"group.id", o->group ? o->group : by_hand},
        {"isolation.level",
         o->uncommitted ? "read_uncommitted" : "read_committed"},
        {"auto.offset.reset", "error"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"enable.partition.eof", "true"},
        {"partition.assignment.strategy", "range"},
        {"allow.auto.create.topics", "false"},
        {o->group && o->instance ? "group.instance.id" : NULL, o->instance},
        {NULL, NULL},
    };
    return cu_kafka_conf(c, defaults, fixed, out, err);
}

/* --- writers ------------------------------------------------------------ */

int cu_kafka_writer_conf(cu_kafka_client *c, const char *txn_id,
                         rd_kafka_conf_t **out, cu_err *err)
{
    cu_kafka *k = c->kafka;
    char txn[24], queue_kb[24], largest[24], batch[24];
    size_t queue = k->memory_bytes / 4;
    if (queue < CU_KAFKA_RECORD_BYTES + (1 << 20))
        queue = CU_KAFKA_RECORD_BYTES + (1 << 20);
    snprintf(txn, sizeof(txn), "%lld", (long long)k->transaction_ms);
    snprintf(queue_kb, sizeof(queue_kb), "%zu", queue / 1024);
    snprintf(largest, sizeof(largest), "%d", CU_KAFKA_RECORD_BYTES);
    snprintf(batch, sizeof(batch), "%d", CU_KAFKA_BATCH_BYTES);
    const cu_property defaults[] = {
        {"socket.timeout.ms", txn},
        {"message.timeout.ms", txn},
        {"linger.ms", "5"},
        {"compression.codec", "lz4"},
        {"batch.size", batch},
        {"message.max.bytes", largest},
        {"queue.buffering.max.kbytes", queue_kb},
        {"queue.buffering.max.messages", "1000000"},
        /* One dead process blocks every read_committed reader as long. */
        {k->at_least_once ? NULL : "transaction.timeout.ms", txn},
        {NULL, NULL},
    };
    const cu_property fixed[] = {
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {k->at_least_once ? NULL : "transactional.id", txn_id},
        {NULL, NULL},
    };
    return cu_kafka_conf(c, defaults, fixed, out, err);
}
