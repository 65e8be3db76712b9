/* A properties file as Kafka's own tools read it, for librdkafka.
 *
 *   # comment            ! comment
 *   security.protocol=SASL_SSL
 *   sasl.jaas.config=…PlainLoginModule required \
 *       username="u" password="p";
 *
 * Most names are librdkafka's already.  The others are translated, or left
 * out where they concern only Java (serializers, memory of the JVM client).
 */
#include "ops/config.h"

#include <ctype.h>

enum { MOST_BYTES = 1 << 20 };

/* --- names ---------------------------------------------------------------- */

/* The value of username="…" in a JAAS line, or NULL. */
static char *jaas_word(const char *jaas, const char *name, cu_arena *a)
{
    const char *at = strstr(jaas, name);
    if (at == NULL)
        return NULL;
    at += strlen(name);
    at += strspn(at, " =");
    char quote = *at;
    if (quote != '"' && quote != '\'')
        return cu_arena_strn(a, at, strcspn(at, " ;"));
    char *out = cu_arena_strn(a, at + 1, strlen(at + 1));
    size_t n = 0;
    for (const char *p = at + 1; *p && *p != quote; p++) {
        if (*p == '\\' && p[1])
            p++;
        out[n++] = *p;
    }
    out[n] = 0;
    return out;
}

static bool only_java(const char *name)
{
    static const char *const names[] = {"key.serializer",
                                        "value.serializer",
                                        "key.deserializer",
                                        "value.deserializer",
                                        "partitioner.class",
                                        "interceptor.classes",
                                        "metric.reporters",
                                        "buffer.memory",
                                        "max.block.ms",
                                        "default.api.timeout.ms",
                                        "max.poll.records",
                                        "partition.assignment.strategy",
                                        "ssl.truststore.password",
                                        "ssl.protocol",
                                        "ssl.enabled.protocols"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool ends_with(const char *s, const char *with)
{
    size_t n = strlen(s), k = strlen(with);
    return n >= k && strcmp(s + n - k, with) == 0;
}

static bool is(const char *name, const char *wanted)
{
    return strcmp(name, wanted) == 0;
}

static bool is_store(const char *path)
{
    return ends_with(path, ".jks") || ends_with(path, ".p12") ||
           ends_with(path, ".pfx");
}

/* PEM for both, PKCS #12 for our own key; nothing follows from them. */
static int store_type(const char *name, const char *value, cu_err *err)
{
    bool key = is(name, "ssl.keystore.type");
    if (is(value, "PEM") || (key && is(value, "PKCS12")))
        return 0;
    return cu_fail(err, CU_UNSUPPORTED, 0,
                   "%s=%s is not supported; export the store as PEM%s", name,
                   value, key ? " or PKCS #12" : "");
}

int cu_config_translate(const char *name, const char *value, cu_arena *a,
                        cu_property out[2], uint32_t *n, cu_err *err)
{
    *n = 0;
    if (only_java(name))
        return 0;
    if (strcmp(name, "sasl.jaas.config") == 0) {
        char *user = jaas_word(value, "username", a);
        char *password = jaas_word(value, "password", a);
        if (user)
            out[(*n)++] = (cu_property){"sasl.username", user};
        if (password)
            out[(*n)++] = (cu_property){"sasl.password", password};
        return 0;
    }
    if (is(name, "ssl.truststore.type") || is(name, "ssl.keystore.type"))
        return store_type(name, value, err);
    if (is(name, "ssl.truststore.location") && is_store(value))
        return cu_fail(err, CU_UNSUPPORTED, 0,
                       "%s: the CA's certificates are wanted as PEM; export "
                       "them: keytool -exportcert -rfc -keystore %s -alias "
                       "NAME",
                       name, value);
    if (is(name, "ssl.keystore.location") && ends_with(value, ".jks"))
        return cu_fail(err, CU_UNSUPPORTED, 0,
                       "%s: a Java key store is not supported; export it as "
                       "PEM or PKCS #12 (keytool -importkeystore "
                       "-deststoretype pkcs12)",
                       name);
    if (is(name, "ssl.keystore.location") && ends_with(value, ".pem")) {
        out[0] = (cu_property){"ssl.certificate.location", value};
        out[1] = (cu_property){"ssl.key.location", value};
        *n = 2;
        return 0;
    }
    *n = 1;
    out[0] = (cu_property){name, value};
    if (is(name, "ssl.truststore.location"))
        out[0].name = "ssl.ca.location";
    else if (is(name, "ssl.truststore.certificates"))
        out[0].name = "ssl.ca.pem";
    else if (is(name, "ssl.keystore.certificate.chain"))
        out[0].name = "ssl.certificate.pem";
    else if (is(name, "ssl.keystore.key"))
        out[0].name = "ssl.key.pem";
    else if (strcmp(name, "request.timeout.ms") == 0)
        out[0].name = "socket.timeout.ms";
    else if (strcmp(name, "ssl.endpoint.identification.algorithm") == 0 &&
             *value == 0)
        out[0].value = "none";
    return 0;
}

/* --- lines ---------------------------------------------------------------- */

/* The next logical line: a backslash at the end joins the one behind it. */
static bool next_line(char **at, uint32_t *number, char **line)
{
    char *to = *at, *from = *at;
    if (*from == 0)
        return false;
    *line = to;
    for (;;) {
        size_t n = strcspn(from, "\n");
        bool end = from[n] == 0;
        size_t keep = n;
        if (keep && from[keep - 1] == '\r')
            keep--;
        bool joined = keep && from[keep - 1] == '\\' && !end;
        if (joined)
            keep--;
        memmove(to, from, keep);
        to += keep;
        from += n + (end ? 0 : 1);
        ++*number;
        if (!joined)
            break;
        from += strspn(from, " \t");
    }
    *at = from;
    *to = 0;
    return true;
}

static char *trim(char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    size_t n = strlen(s);
    while (n && isspace((unsigned char)s[n - 1]))
        s[--n] = 0;
    return s;
}

static int take(cu_cmd *c, char *line, cu_property *all, uint32_t *n,
                cu_err *err)
{
    line = trim(line);
    if (*line == 0 || *line == '#' || *line == '!')
        return 0;
    char *eq = line + strcspn(line, "=:");
    if (*eq == 0 || eq == line)
        return cu_fail(err, CU_USAGE, 0, "this is not NAME=VALUE");
    *eq = 0;
    const char *name = trim(line), *value = trim(eq + 1);
    if (strcmp(name, "bootstrap.servers") == 0) {
        if (c->o.brokers == NULL)
            c->o.brokers = value;
        return 0;
    }
    uint32_t more;
    int rc = cu_config_translate(name, value, c->arena, all + *n, &more, err);
    *n += more;
    return rc;
}

int cu_config_load(cu_cmd *c)
{
    const char *path = c->o.command_config;
    cu_slice bytes;
    cu_err err = {0};
    if (c->env->vt->read_file(c->env, path, MOST_BYTES, c->arena, &bytes,
                              &err)) {
        cu_err_note(&err, "--command-config: ");
        return cu_tell(c, &err);
    }
    char *at = cu_arena_strn(c->arena, bytes.data, bytes.len), *line;
    uint32_t number = 0, n = 0, most = 2 + c->o.n_properties;
    for (size_t i = 0; i < bytes.len; i++)
        most += bytes.data[i] == '\n' ? 2 : 0;
    cu_property *all = cu_arena_calloc(c->arena, most + 2, sizeof(*all));
    for (uint32_t first = 1; next_line(&at, &number, &line); first = number + 1)
        if (take(c, line, all, &n, &err))
            return cu_usage(c, "%s:%u: %s", path, first, err.msg);
    if (c->o.n_properties)
        memcpy(all + n, c->o.properties, c->o.n_properties * sizeof(*all));
    c->o.properties = all;
    c->o.n_properties += n;
    return 0;
}

void cu_config_of_program(cu_cmd *c, const cu_program *p)
{
    uint32_t n = 0, most = c->o.n_properties;
    for (uint32_t i = 0; i < p->n_servers; i++)
        most += p->servers[i]->n_properties;
    cu_property *all = cu_arena_calloc(c->arena, most + 1, sizeof(*all));
    for (uint32_t i = 0; i < p->n_servers; i++) {
        const cu_server_def *d = p->servers[i];
        for (uint32_t k = 0; d->wrapper == CU_W_KAFKA && k < d->n_properties;
             k++) {
            const cu_header *h = &d->properties[k];
            all[n++] = (cu_property){
                cu_arena_strn(c->arena, h->name.data, h->name.len),
                cu_arena_strn(c->arena, h->value.data, h->value.len)};
        }
    }
    if (c->o.n_properties)
        memcpy(all + n, c->o.properties, c->o.n_properties * sizeof(*all));
    c->o.properties = all;
    c->o.n_properties += n;
}
