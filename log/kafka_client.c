/* What every librdkafka handle has: configuration, callbacks, errors.
 *
 * Configuration comes in four layers, later ones win: what all handles
 * share, what the kind of handle starts with, what the user says (-X,
 * OPTIONS), and what exactly-once rests on.  The last layer is refused to
 * the user by name instead of being overridden silently.
 *
 * librdkafka's own lines go to diag: warnings as warnings, the rest (and
 * each single failed connection) as debug.  That no broker answers is said
 * once in half a minute, for all handles together.
 */
#include "log/kafka.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/diag.h"

#include <librdkafka/rdkafka.h>
#include <stdarg.h>
#include <stdio.h>

enum { WARN_EVERY_MS = 30000 };

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

/* --- callbacks -------------------------------------------------------- */

static void on_log(const rd_kafka_t *rk, int level, const char *facility,
                   const char *text)
{
    cu_kafka_client *c = rk ? rd_kafka_opaque(rk) : NULL;
    const char *what = c ? c->what : "kafka";
    bool connection = strcmp(facility, "FAIL") == 0 ||
                      strcmp(facility, "ERROR") == 0;
    bool about_settings = strcmp(facility, "CONFWARN") == 0;
    if (level <= 4 && !connection && !about_settings)
        cu_warn("kafka %s: %s", what, text);
    else
        cu_debug("kafka %s: %s %s", what, facility, text);
}

static void on_error(rd_kafka_t *rk, int code, const char *why, void *opaque)
{
    cu_kafka_client *c = opaque;
    cu_kafka *k = c->kafka;
    bool down = code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    bool say = false;
    (void)rk;
    int64_t now = cu_mono_ms(k->env);
    pthread_mutex_lock(&k->mutex);
    if (!down) /* which only counts; the one before it says why */
        snprintf(c->last_error, sizeof(c->last_error), "%s", why);
    else if (!k->warned_ms || now - k->warned_ms >= WARN_EVERY_MS) {
        k->warned_ms = now;
        say = true;
    }
    pthread_mutex_unlock(&k->mutex);
    if (say)
        cu_warn("no broker answers at %s (%s); waiting", k->brokers,
                c->last_error);
    else
        cu_debug("kafka %s: %s: %s", c->what,
                 rd_kafka_err2name((rd_kafka_resp_err_t)code), why);
}

void cu_kafka_last_error(cu_kafka_client *c, char *out, size_t size)
{
    pthread_mutex_lock(&c->kafka->mutex);
    snprintf(out, size, "%s", c->last_error);
    pthread_mutex_unlock(&c->kafka->mutex);
}

/* --- configuration ---------------------------------------------------- */

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
    rd_kafka_conf_set_opaque(conf, c);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    *out = conf;
    return 0;
}

int cu_kafka_client_open(cu_kafka_client *c, int type, rd_kafka_conf_t *conf,
                         cu_err *err)
{
    char why[400];
    c->rk = rd_kafka_new((rd_kafka_type_t)type, conf, why, sizeof(why));
    if (!c->rk) {
        rd_kafka_conf_destroy(conf);
        return cu_fail(err, CU_USAGE, 0,
                       "librdkafka refuses the settings of the %s: %s; check "
                       "the broker properties (-X)",
                       c->what, why);
    }
    if (type == RD_KAFKA_CONSUMER)
        rd_kafka_poll_set_consumer(c->rk);
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
    return rc;
}

/* --- errors ----------------------------------------------------------- */

typedef struct meaning {
    rd_kafka_resp_err_t code;
    cu_code is;
    uint32_t flags;
    const char *hint; /* what to do next */
} meaning;

#define E(name)    RD_KAFKA_RESP_ERR_##name
#define HINT_DOWN  "is the broker running? check --brokers"
#define HINT_ACL   "check the permissions of this user on the brokers"
#define HINT_OWNER "another process took over"

static const meaning meanings[] = {
    {E(_TRANSPORT), CU_NETWORK, CU_RETRY, HINT_DOWN},
    {E(_ALL_BROKERS_DOWN), CU_NETWORK, CU_RETRY, HINT_DOWN},
    {E(_RESOLVE), CU_NETWORK, CU_RETRY, HINT_DOWN},
    {E(_WAIT_COORD), CU_NETWORK, CU_RETRY, HINT_DOWN},
    {E(BROKER_NOT_AVAILABLE), CU_NETWORK, CU_RETRY, HINT_DOWN},
    {E(LEADER_NOT_AVAILABLE), CU_NETWORK, CU_RETRY, NULL},
    {E(NOT_LEADER_FOR_PARTITION), CU_NETWORK, CU_RETRY, NULL},
    {E(NETWORK_EXCEPTION), CU_NETWORK, CU_RETRY, HINT_DOWN},
    {E(NOT_CONTROLLER), CU_NETWORK, CU_RETRY, NULL},
    {E(COORDINATOR_NOT_AVAILABLE), CU_NETWORK, CU_RETRY, NULL},
    {E(COORDINATOR_LOAD_IN_PROGRESS), CU_NETWORK, CU_RETRY, NULL},
    {E(NOT_COORDINATOR), CU_NETWORK, CU_RETRY, NULL},
    {E(NOT_ENOUGH_REPLICAS), CU_NETWORK, CU_RETRY,
     "too few replicas are in sync"},
    {E(_TIMED_OUT), CU_TIMEOUT, CU_RETRY, HINT_DOWN},
    {E(_MSG_TIMED_OUT), CU_TIMEOUT, CU_RETRY, HINT_DOWN},
    {E(_TIMED_OUT_QUEUE), CU_TIMEOUT, CU_RETRY, HINT_DOWN},
    {E(REQUEST_TIMED_OUT), CU_TIMEOUT, CU_RETRY, NULL},
    {E(UNSTABLE_OFFSET_COMMIT), CU_TIMEOUT, CU_RETRY,
     "a transaction of the group is still open"},
    {E(_AUTHENTICATION), CU_DENIED, 0, "check the security properties (-X)"},
    {E(SASL_AUTHENTICATION_FAILED), CU_DENIED, 0,
     "check the security properties (-X)"},
    {E(TOPIC_AUTHORIZATION_FAILED), CU_DENIED, 0, HINT_ACL},
    {E(GROUP_AUTHORIZATION_FAILED), CU_DENIED, 0, HINT_ACL},
    {E(CLUSTER_AUTHORIZATION_FAILED), CU_DENIED, 0, HINT_ACL},
    {E(TRANSACTIONAL_ID_AUTHORIZATION_FAILED), CU_DENIED, 0, HINT_ACL},
    {E(UNKNOWN_TOPIC_OR_PART), CU_NOT_FOUND, 0, "create it, or check the name"},
    {E(_UNKNOWN_TOPIC), CU_NOT_FOUND, 0, "create it, or check the name"},
    {E(_UNKNOWN_PARTITION), CU_NOT_FOUND, 0, "it has fewer partitions"},
    {E(GROUP_ID_NOT_FOUND), CU_NOT_FOUND, 0, NULL},
    {E(TOPIC_ALREADY_EXISTS), CU_EXISTS, 0, NULL},
    {E(NON_EMPTY_GROUP), CU_BUSY, 0, "stop its members first"},
    {E(MSG_SIZE_TOO_LARGE), CU_LIMIT, 0, "raise the topic's max.message.bytes"},
    {E(RECORD_LIST_TOO_LARGE), CU_LIMIT, 0,
     "raise the topic's max.message.bytes"},
    {E(ILLEGAL_GENERATION), CU_FENCED, 0, HINT_OWNER},
    {E(UNKNOWN_MEMBER_ID), CU_FENCED, 0, HINT_OWNER},
    {E(FENCED_INSTANCE_ID), CU_FENCED, 0, HINT_OWNER},
    {E(REBALANCE_IN_PROGRESS), CU_FENCED, 0, "partitions are moving"},
    {E(PRODUCER_FENCED), CU_FENCED, 0, HINT_OWNER},
    {E(INVALID_PRODUCER_EPOCH), CU_FENCED, 0, HINT_OWNER},
    {E(_FENCED), CU_FENCED, 0, HINT_OWNER},
    {E(OFFSET_OUT_OF_RANGE), CU_HISTORY, 0,
     "retention or a purge has removed the records"},
    {E(_AUTO_OFFSET_RESET), CU_HISTORY, 0,
     "retention or a purge has removed the records"},
    {E(_BAD_MSG), CU_CORRUPT, 0, NULL},
    {E(_BAD_COMPRESSION), CU_CORRUPT, 0, NULL},
    {E(INVALID_MSG), CU_CORRUPT, CU_RETRY, NULL},
    {E(INVALID_CONFIG), CU_USAGE, 0, NULL},
    {E(INVALID_PARTITIONS), CU_USAGE, 0, NULL},
    {E(INVALID_REPLICATION_FACTOR), CU_USAGE, 0,
     "are there that many brokers?"},
    {E(TOPIC_EXCEPTION), CU_USAGE, 0,
     "topic names have letters, digits, '.', '_' and '-', 249 at most"},
    {E(_INVALID_ARG), CU_USAGE, 0, NULL},
    {E(POLICY_VIOLATION), CU_USAGE, 0, NULL},
    {E(INVALID_SESSION_TIMEOUT), CU_USAGE, 0,
     "the brokers' group.min/max.session.timeout.ms say what they take"},
    {E(INVALID_TRANSACTION_TIMEOUT), CU_USAGE, 0,
     "the brokers' transaction.max.timeout.ms says what they take"},
    {E(INCONSISTENT_GROUP_PROTOCOL), CU_USAGE, 0,
     "another program is in this group with another assignor"},
    {E(UNSUPPORTED_VERSION), CU_UNSUPPORTED, 0, "the brokers are too old"},
    {E(_UNSUPPORTED_FEATURE), CU_UNSUPPORTED, 0, "the brokers are too old"},
    {E(KAFKA_STORAGE_ERROR), CU_IO, CU_RETRY, "look at the broker's disk"},
};

static const meaning *meaning_of(int code)
{
    static const meaning unknown = {E(UNKNOWN), CU_IO, 0, NULL};
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if ((int)meanings[i].code == code)
            return &meanings[i];
    return &unknown;
}

bool cu_kafka_is_fence(int code)
{
    return meaning_of(code)->is == CU_FENCED;
}

int cu_kafka_fail(cu_err *err, int code, uint32_t flags, const char *why,
                  const char *format, ...)
{
    const meaning *m = meaning_of(code);
    rd_kafka_resp_err_t e = (rd_kafka_resp_err_t)code;
    char doing[240];
    va_list ap;
    va_start(ap, format);
    vsnprintf(doing, sizeof(doing), format, ap);
    va_end(ap);
    return cu_fail(err, m->is, m->flags | flags, "%s: %s (%s)%s%s", doing,
                   why && *why ? why : rd_kafka_err2str(e),
                   rd_kafka_err2name(e), m->hint ? "; " : "",
                   m->hint ? m->hint : "");
}
