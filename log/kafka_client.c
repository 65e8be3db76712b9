/* What every librdkafka handle has: callbacks, and errors in our words.
 *
 * librdkafka's own lines go to diag: errors that no call returns as
 * warnings, the rest as debug ("retrying" is its daily bread).  That no
 * broker answers, or that they refuse us, is said once in half a minute, for
 * all handles together.
 */
#include "log/kafka.h"

#include "base/diag.h"

#include <librdkafka/rdkafka.h>
#include <stdarg.h>
#include <stdio.h>

enum { WARN_EVERY_MS = 30000 };

/* --- refusals ---------------------------------------------------------- */

/* librdkafka tells these in words only, and keeps on trying. */
const char *cu_kafka_refusal(const char *why)
{
    static const char *const known[][2] = {
        {"mechanism handshake failed",
         "set sasl.mechanism to one that this listener has; if it has none, "
         "correct security.protocol or the port"},
        {"Unsupported SASL mechanism",
         "set sasl.mechanism to one that this listener has"},
        {"SASL authentication error",
         "correct sasl.username and the password (and sasl.mechanism)"},
        {"uthentication failed",
         "correct sasl.username and the password (and sasl.mechanism)"},
        {"certificate verify failed",
         "set ssl.ca.location to the CA that signed the broker's certificate; "
         "the name in --brokers must be one that it names"},
        {"alert bad certificate",
         "set ssl.certificate.location and ssl.key.location: this listener "
         "wants a client certificate that it trusts"},
        {"certificate required",
         "set ssl.certificate.location and ssl.key.location: this listener "
         "wants a client certificate"},
        {"alert unknown ca",
         "the broker does not trust the CA of our certificate: correct "
         "ssl.certificate.location"},
        {"alert certificate",
         "the broker does not take our certificate: correct "
         "ssl.certificate.location"},
        {"unexpected eof while reading",
         "this listener speaks no TLS: correct security.protocol or the port"},
        {"wrong version number",
         "this listener speaks no TLS: correct security.protocol or the port"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strstr(why, known[i][0]))
            return known[i][1];
    return NULL;
}

/* --- callbacks -------------------------------------------------------- */

/* Connections go through error_cb, the rest through results of calls. */
static bool comes_as_error(const char *facility)
{
    static const char *const known[] = {"FAIL",   "ERROR",    "FATAL",
                                        "TXNERR", "ADDPARTS", "SSL"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(facility, known[i]) == 0)
            return true;
    return false;
}

/* Which topic of a transaction is refused stands in the log alone: Failed to
 * add partition "x" [0] to transaction: Broker: Topic authorization failed */
static void note_denied(cu_kafka_client *c, const char *text)
{
    const char *from = strchr(text, '"');
    const char *to = from ? strchr(from + 1, '"') : NULL;
    if (!to || !strstr(to, "authorization failed"))
        return;
    pthread_mutex_lock(&c->kafka->mutex);
    snprintf(c->denied, sizeof(c->denied), "%.*s", (int)(to - from - 1),
             from + 1);
    pthread_mutex_unlock(&c->kafka->mutex);
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility,
                   const char *text)
{
    cu_kafka_client *c = rk ? rd_kafka_opaque(rk) : NULL;
    const char *what = c ? c->what : "kafka";
    if (c && strcmp(facility, "ADDPARTS") == 0)
        note_denied(c, text);
    if (level <= 3 && !comes_as_error(facility))
        cu_warn("kafka %s: %s", what, text);
    else
        cu_debug("kafka %s: %s %s", what, facility, text);
}

static void on_error(rd_kafka_t *rk, int code, const char *why, void *opaque)
{
    cu_kafka_client *c = opaque;
    cu_kafka *k = c->kafka;
    bool down = code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    bool refused = cu_kafka_refusal(why) != NULL, say = false;
    if (down || code == RD_KAFKA_RESP_ERR__TRANSPORT)
        c->n_broken++;
    char last[sizeof(c->last_error)];
    (void)rk;
    int64_t now = cu_mono_ms(k->env);
    pthread_mutex_lock(&k->mutex);
    if (!down) /* which only counts; the one before it says why */
        snprintf(c->last_error, sizeof(c->last_error), "%s", why);
    if ((down || refused) &&
        (!k->warned_ms || now - k->warned_ms >= WARN_EVERY_MS)) {
        k->warned_ms = now;
        say = true;
    }
    memcpy(last, c->last_error, sizeof(last));
    pthread_mutex_unlock(&k->mutex);
    if (say && refused)
        cu_warn("the brokers at %s refuse us: %s; %s; trying again", k->brokers,
                why, cu_kafka_refusal(why));
    else if (say)
        cu_warn("no broker answers at %s (%s); waiting", k->brokers,
                *last ? last : why);
    else
        cu_debug("kafka %s: %s: %s", c->what,
                 rd_kafka_err2name((rd_kafka_resp_err_t)code), why);
}

void cu_kafka_callbacks(cu_kafka_client *c, rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_opaque(conf, c);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
}

void cu_kafka_denied(cu_kafka_client *c, char *out, size_t size)
{
    pthread_mutex_lock(&c->kafka->mutex);
    snprintf(out, size, "%s", c->denied);
    pthread_mutex_unlock(&c->kafka->mutex);
}

void cu_kafka_last_error(cu_kafka_client *c, char *out, size_t size)
{
    pthread_mutex_lock(&c->kafka->mutex);
    snprintf(out, size, "%s", c->last_error);
    pthread_mutex_unlock(&c->kafka->mutex);
}

/* --- opening ----------------------------------------------------------- */

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

/* --- errors ----------------------------------------------------------- */

typedef struct meaning {
    rd_kafka_resp_err_t code;
    cu_code is;
    uint32_t flags;
    const char *hint; /* what to do next */
} meaning;

#define E(name)    RD_KAFKA_RESP_ERR_##name
#define HINT_DOWN  "is the broker running? check --brokers"
#define HINT_ACL   "cupel doctor PATH --acls lists what an app needs"
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
    {E(GROUP_AUTHORIZATION_FAILED), CU_DENIED, 0,
     "this user lacks Read on the group; " HINT_ACL},
    {E(CLUSTER_AUTHORIZATION_FAILED), CU_DENIED, 0, HINT_ACL},
    {E(TRANSACTIONAL_ID_AUTHORIZATION_FAILED), CU_DENIED, 0,
     "this user lacks Write on the transactional id; " HINT_ACL},
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

int cu_kafka_fail_grant(cu_err *err, int code, const char *operation,
                        const char *topic, const char *doing)
{
    if (code != RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        return cu_kafka_fail(err, code, 0, NULL, "%s %s", doing, topic);
    return cu_fail(err, CU_DENIED, 0,
                   "%s %s: this user lacks %s on topic %s "
                   "(TOPIC_AUTHORIZATION_FAILED); " HINT_ACL,
                   doing, topic, operation, topic);
}
