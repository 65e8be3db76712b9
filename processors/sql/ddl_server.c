/* CREATE SERVER and CREATE USER MAPPING.
 *
 * Secrets come from files and the environment, never from the SQL text:
 * `password_file`, `password_env`, `token_file`, `token_env`, and ${NAME}
 * inside of an http header.
 */
#include "processors/sql/ddl.h"

enum {
    KAFKA = 1 << CU_W_KAFKA,
    HTTP = 1 << CU_W_HTTP,
    FILES = 1 << CU_W_FILES,
    PG = 1 << CU_W_POSTGRES
};

enum {
    S_BROKERS,
    S_DELIVERY,
    S_URL,
    S_USER_AGENT,
    S_RATE_LIMIT,
    S_CONCURRENCY,
    S_RETRIES,
    S_TIMEOUT,
    S_BACKOFF,
    S_BACKOFF_MAX,
    S_ALLOW_PRIVATE,
    S_PATH,
    S_HOST,
    S_PORT,
    S_DBNAME,
    S_SSLMODE,
    N_SERVER
};

static const cu_opt_spec server_specs[N_SERVER] = {
    [S_BROKERS] = {"brokers", CU_OPT_TEXT, KAFKA, 0, 0, "localhost:9092"},
    [S_DELIVERY] = {"delivery", CU_OPT_WORD, KAFKA, 0,
                    "exactly_once | at_least_once", NULL},
    [S_URL] = {"url", CU_OPT_TEXT, HTTP, HTTP, 0, "https://openlibrary.org"},
    [S_USER_AGENT] = {"user_agent", CU_OPT_TEXT, HTTP, 0, 0,
                      "app (you@example.org)"},
    [S_RATE_LIMIT] = {"rate_limit", CU_OPT_RATE, HTTP, 0, 0, NULL},
    [S_CONCURRENCY] = {"concurrency", CU_OPT_INT, HTTP, 0, 0, "2"},
    [S_RETRIES] = {"retries", CU_OPT_INT, HTTP, 0, 0, "5"},
    [S_TIMEOUT] = {"timeout", CU_OPT_DURATION, HTTP, 0, 0, NULL},
    [S_BACKOFF] = {"backoff", CU_OPT_DURATION, HTTP, 0, 0, "1 second"},
    [S_BACKOFF_MAX] = {"backoff_max", CU_OPT_DURATION, HTTP, 0, 0, "1 minute"},
    [S_ALLOW_PRIVATE] = {"allow_private", CU_OPT_BOOL, HTTP, 0, 0, NULL},
    [S_PATH] = {"path", CU_OPT_TEXT, FILES, FILES, 0, "data"},
    [S_HOST] = {"host", CU_OPT_TEXT, PG, 0, 0, "localhost"},
    [S_PORT] = {"port", CU_OPT_INT, PG, 0, 0, "5432"},
    [S_DBNAME] = {"dbname", CU_OPT_TEXT, PG, PG, 0, "warehouse"},
    [S_SSLMODE] = {"sslmode", CU_OPT_WORD, PG, 0,
                   "disable | allow | prefer | require | verify-ca | "
                   "verify-full",
                   NULL},
};

/* What cupel itself decides. */
static const char *const ours[] = {
    "group.id",           "group.instance.id",
    "enable.auto.commit", "enable.auto.offset.store",
    "enable.idempotence", "transactional.id",
    "isolation.level",    "partition.assignment.strategy",
    "auto.offset.reset",
};

static bool add_header(cu_sql *s, const cu_header **at, uint32_t *n,
                       const char *name, cu_slice value)
{
    cu_header *h = cu_arena_calloc(s->arena, *n + 1, sizeof *h);
    for (uint32_t i = 0; i < *n; i++)
        h[i] = (*at)[i];
    h[*n] = (cu_header){cu_slice_of(cu_arena_str(s->arena, name)), value};
    *at = h;
    (*n)++;
    return true;
}

/* ${NAME} from the environment. */
static bool filled(cu_sql *s, const cu_ast_option *o, cu_slice *out)
{
    cu_buf b = {0};
    bool good = true;
    for (const char *p = o->value; *p;) {
        const char *end = p[0] == '$' && p[1] == '{' ? strchr(p, '}') : NULL;
        if (!end) {
            cu_buf_put(&b, p++, 1);
            continue;
        }
        const char *name = cu_arena_strn(s->arena, p + 2,
                                         (size_t)(end - p - 2));
        const char *v = s->env->vt->variable(s->env, name);
        if (!v) {
            cu_sql_error(s, o->value_pos, CU_SQLSTATE('2', '2', '0', '2', '3'),
                         NULL, "environment variable \"%s\" is not set", name);
            good = false;
        }
        cu_buf_put_str(&b, v ? v : "");
        p = end + 1;
    }
    bool plain = !b.data ||
                 (!memchr(b.data, '\n', b.len) && !memchr(b.data, '\r', b.len));
    if (!plain) {
        cu_sql_error(s, o->value_pos, CU_SQLSTATE('2', '2', '0', '2', '3'),
                     NULL, "a header is one line");
        good = false;
    }
    *out = cu_arena_slice(s->arena, cu_buf_slice(&b));
    cu_buf_free(&b);
    return good;
}

static bool is_secret(const char *name)
{
    static const char *const names[] = {"ssl.key.password",
                                        "ssl.keystore.password",
                                        "ssl.key.pem",
                                        "sasl.jaas.config",
                                        "sasl.oauthbearer.config",
                                        "sasl.oauthbearer.client.secret"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

static bool property(cu_sql *s, cu_server_def *d, const cu_ast_option *o)
{
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (!strcmp(o->name, ours[i])) {
            cu_sql_refuse(s, o->pos, "option \"%s\", which cupel sets itself,",
                          o->name);
            return false;
        }
    }
    const char *v = o->value ? o->value : "";
    if (is_secret(o->name)) {
        cu_sql_refuse(s, o->pos,
                      "a secret in SQL (write it into the file of "
                      "--command-config)");
        return false;
    }
    if (!strcmp(o->name, "sasl.password")) {
        cu_sql_refuse(s, o->pos,
                      "a password in SQL (write CREATE USER MAPPING … OPTIONS "
                      "(username '…', password_file '…'))");
        return false;
    }
    if (!strcmp(o->name, "bootstrap.servers") ||
        !strcmp(o->name, "metadata.broker.list")) {
        d->brokers = v;
        return true;
    }
    return add_header(s, &d->properties, &d->n_properties, o->name,
                      cu_slice_of(v));
}

/* Options whose names are not ours: librdkafka's (they have a dot) and http
 * headers ("header.NAME"). The others go to *rest. */
static bool foreign(cu_sql *s, cu_sql_server *v, const cu_ast_options *given,
                    cu_ast_options *rest)
{
    bool good = true;
    rest->at = cu_arena_calloc(s->arena, given->n + 1, sizeof *rest->at);
    rest->n = 0;
    for (uint32_t i = 0; i < given->n; i++) {
        const cu_ast_option *o = &given->at[i];
        if (v->def->wrapper == CU_W_KAFKA && strchr(o->name, '.')) {
            good = property(s, v->def, o) && good;
        } else if (v->def->wrapper == CU_W_HTTP && o->value &&
                   !strncmp(o->name, "header.", 7) && o->name[7]) {
            cu_slice value;
            good = filled(s, o, &value) &&
                   add_header(s, &v->http.headers, &v->http.n_headers,
                              o->name + 7, value) &&
                   good;
        } else {
            rest->at[rest->n++] = *o;
        }
    }
    return good;
}

static bool in_range(cu_sql *s, const cu_opt *o, int64_t least, int64_t most)
{
    if (!o->at || (o->i >= least && o->i <= most))
        return true;
    cu_option_bad(s, o,
                  cu_arena_printf(s->problem_arena,
                                  "Expected a number from %lld to %lld.",
                                  (long long)least, (long long)most));
    return false;
}

static bool http_server(cu_sql *s, cu_http_source *h, const cu_opt *o)
{
    bool good = true;
    const char *url = o[S_URL].text ? o[S_URL].text : "";
    size_t n = strlen(url);
    while (n && url[n - 1] == '/')
        n--;
    h->url = cu_arena_strn(s->arena, url, n);
    bool web = !strncmp(url, "http://", 7) || !strncmp(url, "https://", 8);
    if (o[S_URL].at && (!web || strpbrk(url, " \t\r\n{}?#"))) {
        cu_option_bad(s, &o[S_URL],
                      "Expected an address such as 'https://openlibrary.org', "
                      "without path parameters.");
        good = false;
    }
    h->user_agent = o[S_USER_AGENT].text;
    h->rate_per_s = o[S_RATE_LIMIT].at ? o[S_RATE_LIMIT].rate : 1;
    good = in_range(s, &o[S_CONCURRENCY], 1, 64) && good;
    good = in_range(s, &o[S_RETRIES], 0, 100) && good;
    h->concurrency = (uint32_t)cu_option_int(&o[S_CONCURRENCY], 1);
    h->retries = (uint32_t)cu_option_int(&o[S_RETRIES], 5);
    h->timeout_ms = cu_option_int(&o[S_TIMEOUT], 30000);
    h->backoff_ms = cu_option_int(&o[S_BACKOFF], 1000);
    h->backoff_max_ms = cu_option_int(&o[S_BACKOFF_MAX], 60000);
    h->allow_private = cu_option_int(&o[S_ALLOW_PRIVATE], 0) != 0;
    return good;
}

static bool kafka_server(cu_sql *s, cu_server_def *d, const cu_opt *o)
{
    cu_program *p = s->program;
    if (o[S_BROKERS].text)
        d->brokers = o[S_BROKERS].text;
    if (d->brokers && p->brokers && strcmp(d->brokers, p->brokers) != 0) {
        cu_sql_error(s, d->pos, CU_SQLSTATE('0', 'A', '0', '0', '0'),
                     "One app lives on one cluster.",
                     "a second kafka server with other brokers is not "
                     "supported");
        return false;
    }
    if (d->brokers)
        p->brokers = d->brokers;
    if (cu_option_int(&o[S_DELIVERY], 0))
        p->at_least_once = true;
    return true;
}

static bool wrapper_of(cu_sql *s, const cu_ast_stmt *st, cu_wrapper *out)
{
    static const char *const names[] = {"kafka", "http", "files", "blackhole",
                                        "postgres"};
    for (uint32_t i = 0; i < 5; i++) {
        *out = (cu_wrapper)i;
        if (!strcmp(st->wrapper, names[i]))
            return true;
    }
    if (!strcmp(st->wrapper, "schema_registry")) {
        cu_sql_error(s, st->at_pos, CU_SQLSTATE('0', 'A', '0', '0', '0'), NULL,
                     "foreign-data wrapper \"%s\" is not supported yet",
                     st->wrapper);
        return false;
    }
    const char *hint = cu_sql_nearest(s, st->wrapper, names, 5);
    cu_sql_error(s, st->at_pos, CU_SQLSTATE('4', '2', '7', '0', '4'),
                 *hint ? hint
                       : "Known: kafka, http, files, blackhole, postgres.",
                 "foreign-data wrapper \"%s\" does not exist", st->wrapper);
    return false;
}

static const char *const owners[] = {"a kafka server", "an http server",
                                     "a files server", "a blackhole server",
                                     "a postgres server"};

/* What libpq calls them. */
static bool postgres_server(cu_sql *s, cu_server_def *d, const cu_opt *o)
{
    static const uint32_t texts[] = {S_HOST, S_PORT, S_DBNAME, S_SSLMODE};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const cu_opt *x = &o[texts[i]];
        if (x->at)
            add_header(s, &d->properties, &d->n_properties, x->at->name,
                       cu_slice_of(x->at->value));
    }
    return in_range(s, &o[S_PORT], 1, 65535);
}

bool cu_ddl_create_server(cu_sql *s, const cu_ast_stmt *st)
{
    cu_program *p = s->program;
    cu_wrapper w;
    if (!wrapper_of(s, st, &w))
        return false;
    for (uint32_t i = 0; i < p->n_servers; i++) {
        if (strcmp(p->servers[i]->name, st->name) != 0)
            continue;
        if (!st->if_not_exists)
            cu_sql_error(s, st->name_pos, CU_SQLSTATE('4', '2', '7', '1', '0'),
                         NULL, "server \"%s\" already exists", st->name);
        return st->if_not_exists;
    }
    cu_server_def *d = cu_arena_calloc(s->arena, 1, sizeof *d);
    *d = (cu_server_def){.name = st->name, .wrapper = w, .pos = st->name_pos};
    cu_sql_server v = {.def = d};
    cu_ast_options rest;
    cu_opt o[N_SERVER];
    bool good = foreign(s, &v, &st->options, &rest);
    good = cu_options_read(s, owners[w], 1u << w, server_specs, N_SERVER, &rest,
                           st->name_pos, o) &&
           good;
    if (w == CU_W_HTTP)
        good = http_server(s, &v.http, o) && good;
    if (w == CU_W_KAFKA)
        good = kafka_server(s, d, o) && good;
    if (w == CU_W_POSTGRES)
        good = postgres_server(s, d, o) && good;
    if (w == CU_W_FILES && o[S_PATH].text)
        v.dir = cu_path_join(s->arena, cu_ddl_dir(s, st->pos), o[S_PATH].text);
    /* Known even with bad options: its tables are checked as well. */
    s->servers = cu_sql_grow(s->arena, s->servers, p->n_servers, sizeof v);
    p->servers = cu_sql_grow(s->arena, p->servers, p->n_servers,
                             sizeof *p->servers);
    s->servers[p->n_servers] = v;
    p->servers[p->n_servers++] = d;
    return good;
}

/* --- user mappings -------------------------------------------------------- */

enum {
    M_USERNAME,
    M_PASSWORD_FILE,
    M_PASSWORD_ENV,
    M_TOKEN_FILE,
    M_TOKEN_ENV,
    N_MAPPING
};

static const cu_opt_spec mapping_specs[N_MAPPING] = {
    [M_USERNAME] = {"username", CU_OPT_TEXT, KAFKA | HTTP | PG, KAFKA | PG, 0,
                    "app"},
    [M_PASSWORD_FILE] = {"password_file", CU_OPT_TEXT, KAFKA | HTTP | PG, 0, 0,
                         "secrets/password"},
    [M_PASSWORD_ENV] = {"password_env", CU_OPT_TEXT, KAFKA | HTTP | PG, 0, 0,
                        "APP_PASSWORD"},
    [M_TOKEN_FILE] = {"token_file", CU_OPT_TEXT, HTTP, 0, 0, "secrets/token"},
    [M_TOKEN_ENV] = {"token_env", CU_OPT_TEXT, HTTP, 0, 0, "APP_TOKEN"},
};

/* From the file or the variable; absent when neither is named. */
static bool secret(cu_sql *s, const cu_opt *file, const cu_opt *env,
                   cu_slice *out)
{
    *out = CU_NULL_SLICE;
    if (file->at)
        return cu_ddl_read(s, file->text, file->at->value_pos, out);
    if (!env->at)
        return true;
    const char *v = s->env->vt->variable(s->env, env->text);
    if (!v) {
        cu_sql_error(s, env->at->value_pos,
                     CU_SQLSTATE('2', '2', '0', '2', '3'), NULL,
                     "environment variable \"%s\" is not set", env->text);
        return false;
    }
    *out = cu_arena_slice(s->arena, cu_slice_of(v));
    return true;
}

static cu_slice base64(cu_sql *s, cu_slice in)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
                                 "qrstuvwxyz0123456789+/";
    char *out = cu_arena_alloc(s->arena, in.len / 3 * 4 + 8);
    size_t n = 0;
    for (size_t i = 0; i < in.len; i += 3) {
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (i + k < in.len ? (unsigned char)in.data[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            out[n++] = i + k > in.len ? '=' : digits[v >> (18 - 6 * k) & 63];
    }
    return (cu_slice){out, n};
}

static void http_secret(cu_sql *s, cu_sql_server *v, const char *user,
                        cu_slice password, cu_slice token)
{
    cu_slice text = token;
    const char *scheme = "Bearer";
    if (!token.data) {
        const char *both = cu_arena_printf(s->arena, "%s:%.*s", user,
                                           (int)password.len, password.data);
        text = base64(s, cu_slice_of(both));
        scheme = "Basic";
    }
    const char *value = cu_arena_printf(s->arena, "%s %.*s", scheme,
                                        (int)text.len, text.data);
    add_header(s, &v->http.headers, &v->http.n_headers, "Authorization",
               cu_slice_of(value));
}

static void plain_secret(cu_sql *s, cu_sql_server *v, const char *user,
                         cu_slice password)
{
    cu_server_def *d = v->def;
    bool kafka = d->wrapper == CU_W_KAFKA;
    add_header(s, &d->properties, &d->n_properties,
               kafka ? "sasl.username" : "user", cu_slice_of(user));
    if (password.data)
        add_header(s, &d->properties, &d->n_properties,
                   kafka ? "sasl.password" : "password", password);
}

bool cu_ddl_user_mapping(cu_sql *s, const cu_ast_stmt *st)
{
    cu_sql_server *v = cu_ddl_server(s, st->server, st->at_pos);
    cu_opt o[N_MAPPING];
    cu_slice password, token;
    if (!v)
        return true; /* reported; the server's name is not at fault */
    cu_wrapper w = v->def->wrapper;
    if (v->mapped || !(1u << w & (KAFKA | HTTP | PG))) {
        cu_sql_error(s, st->at_pos, CU_SQLSTATE('4', '2', '7', '1', '0'), NULL,
                     v->mapped ? "server \"%s\" has a user mapping already"
                               : "server \"%s\" needs no user mapping",
                     st->server);
        return true;
    }
    for (uint32_t i = 0; i < s->program->n_tables; i++) {
        if (s->program->tables[i]->server == v->def && w == CU_W_HTTP) {
            cu_sql_error(s, st->pos, CU_SQLSTATE('5', '5', '0', '0', '0'), NULL,
                         "the user mapping of \"%s\" must come before its "
                         "tables",
                         st->server);
            return true;
        }
    }
    bool good = cu_options_read(s, "a user mapping", 1u << w, mapping_specs,
                                N_MAPPING, &st->options, st->pos, o);
    good = secret(s, &o[M_PASSWORD_FILE], &o[M_PASSWORD_ENV], &password) &&
           good;
    good = secret(s, &o[M_TOKEN_FILE], &o[M_TOKEN_ENV], &token) && good;
    if (good && !password.data && !token.data && w != CU_W_POSTGRES) {
        cu_sql_error(s, st->pos, CU_SQLSTATE('H', 'V', '0', '0', 'J'),
                     "Add: password_file 'secrets/password'",
                     "the user mapping names no secret");
        good = false;
    }
    if (!good)
        return true;
    v->mapped = true;
    const char *user = o[M_USERNAME].text ? o[M_USERNAME].text : "";
    if (w == CU_W_HTTP)
        http_secret(s, v, user, password, token);
    else
        plain_secret(s, v, user, password);
    return true;
}
