/* Metrics and health over HTTP, one thread of libmicrohttpd's.
 *
 * Reads atomic counters and copies of the collectors' ones; nothing here
 * waits for a worker.  On a loopback address a request must name a
 * loopback host (or the one of --listen): a page in somebody's browser
 * could otherwise read us under a name of its own that resolves to 127.0.0.1.
 * Whoever listens on another address has decided that others may read.
 */
#include "ops/http.h"

#include "base/alloc.h"
#include "base/diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { MOST_CONNECTIONS = 64, IDLE_S = 10 };

struct cu_http_server {
    cu_running *run;
    struct MHD_Daemon *daemon;
    char *host; /* of --listen */
    bool loopback;
};

/* --- metrics -------------------------------------------------------------- */

static void family(cu_buf *b, const char *name, const char *type,
                   const char *help)
{
    cu_buf_printf(b, "# HELP cupel_%s %s\n# TYPE cupel_%s %s\n", name, help,
                  name, type);
}

static void plain(cu_buf *b, const char *name, const char *type,
                  const char *help, double value)
{
    family(b, name, type, help);
    cu_buf_printf(b, "cupel_%s %.15g\n", name, value);
}

/* Names are fit for topics, so nothing in them needs escaping. */
static void sample(cu_buf *b, const char *name, const char *label,
                   const char *of, int64_t value)
{
    cu_buf_printf(b, "cupel_%s{%s=\"%s\"} %lld\n", name, label, of,
                  (long long)value);
}

static int64_t table_count(const cu_table_counts *t, int which)
{
    switch (which) {
    case 0:
        return atomic_load(&t->in);
    case 1:
        return atomic_load(&t->applied);
    case 2:
        return atomic_load(&t->late);
    default:
        return atomic_load(&t->dead);
    }
}

static void tables(const cu_program *p, const cu_counts *c, cu_buf *b)
{
    static const char *const names[] = {"rows_in_total", "rows_applied_total",
                                        "rows_late_total", "rows_dead_total"};
    static const char *const helps[] = {"Rows read, by table.", "Rows applied.",
                                        "Rows stamped too far in the future.",
                                        "Rows in the dead letters."};
    for (int k = 0; k < 4; k++) {
        family(b, names[k], "counter", helps[k]);
        for (uint32_t i = 0; i < p->n_tables; i++)
            if (!p->tables[i]->is_sink)
                sample(b, names[k], "table", p->tables[i]->name,
                       table_count(&c->tables[i], k));
    }
}

static void views(const cu_program *p, const cu_counts *c, cu_buf *b)
{
    family(b, "view_changes_total", "counter",
           "Changes published to the view's topic.");
    for (uint32_t i = 0; i < p->n_views; i++)
        if (p->views[i]->has_topic)
            sample(b, "view_changes_total", "view", p->views[i]->name,
                   atomic_load(&c->views[i].rows));
    family(b, "view_rejected_total", "counter", "Rows that the view rejected.");
    for (uint32_t i = 0; i < p->n_views; i++)
        if (cu_view_is_named(p->views[i]))
            sample(b, "view_rejected_total", "view", p->views[i]->name,
                   atomic_load(&c->views[i].letters));
    family(b, "view_late_total", "counter",
           "Rows that came after their window had closed.");
    for (uint32_t i = 0; i < p->n_views; i++)
        if (p->views[i]->late_topic)
            sample(b, "view_late_total", "view", p->views[i]->name,
                   atomic_load(&c->views[i].late));
}

static void collectors(cu_running *r, cu_buf *b)
{
    static const char *const names[] = {
        "collector_requests_total", "collector_retries_total",
        "collector_records_total",  "collector_unchanged_total",
        "collector_dead_total",     "collector_bytes_total"};
    static const char *const helps[] = {"Requests sent, retries included.",
                                        "Requests sent again.",
                                        "Records published to bronze.",
                                        "Bodies or files that had not changed.",
                                        "Dead letters of the collector.",
                                        "Bytes published to bronze."};
    for (int k = 0; k < 6 && r->n_collecting; k++) {
        family(b, names[k], "counter", helps[k]);
        for (uint32_t i = 0; i < r->n_collecting; i++) {
            cu_collecting *at = &r->collecting[i];
            pthread_mutex_lock(&at->lock);
            cu_collector_counts n = at->counts;
            pthread_mutex_unlock(&at->lock);
            const int64_t values[] = {n.requests,  n.retries,      n.records,
                                      n.unchanged, n.dead_letters, n.bytes};
            sample(b, names[k], "table", at->table->name, values[k]);
        }
    }
}

static void sinks(cu_running *r, cu_buf *b)
{
    static const char *const names[] = {
        "sink_rows_written_total", "sink_rows_deleted_total",
        "sink_rows_rejected_total", "sink_lag_records"};
    static const char *const helps[] = {
        "Rows inserted or updated in the warehouse table.",
        "Rows deleted there.", "Rows that it refused: dead letters.",
        "Records of the view's topic not yet loaded."};
    for (int k = 0; k < 4 && r->n_sinking; k++) {
        family(b, names[k], k < 3 ? "counter" : "gauge", helps[k]);
        for (uint32_t i = 0; i < r->n_sinking; i++) {
            cu_sink_look l = cu_sinking_look(r, i);
            const int64_t values[] = {l.written, l.deleted, l.rejected, l.lag};
            sample(b, names[k], "view", l.view->name, values[k]);
        }
    }
}

void cu_metrics_print(cu_running *r, cu_buf *b)
{
    const cu_program *p = r->app->program;
    const cu_counts *c = cu_runtime_counts(cu_engine_runtime(r->app->engine));
    cu_kv *kv = cu_engine_kv(r->app->engine);
    cu_kv_stats s = {0};
    kv->vt->stats(kv, &s);
    family(b, "build_info", "gauge", "The version.");
    cu_buf_printf(b, "cupel_build_info{version=\"%s\"} 1\n", CUPEL_VERSION);
    tables(p, c, b);
    views(p, c, b);
    collectors(r, b);
    sinks(r, b);
    plain(b, "commits_total", "counter", "Transactions committed.",
          (double)atomic_load(&c->commits));
    plain(b, "aborts_total", "counter", "Transactions given up and repeated.",
          (double)atomic_load(&c->aborts));
    plain(b, "restores_total", "counter", "Stages restored from changelogs.",
          (double)atomic_load(&c->restores));
    plain(b, "restored_records_total", "counter",
          "Records of changelogs that were restored.",
          (double)atomic_load(&c->restored_rows));
    plain(b, "restored_bytes_total", "counter", "Their bytes.",
          (double)atomic_load(&c->restored_bytes));
    plain(b, "restore_left", "gauge", "Offsets still to be restored.",
          (double)atomic_load(&c->restore_left));
    plain(b, "commit_seconds_total", "counter", "Time spent in commits.",
          (double)atomic_load(&c->commit_us) / 1e6);
    plain(b, "lag_records", "gauge", "Records not yet applied, all inputs.",
          (double)atomic_load(&c->lag));
    plain(b, "memory_pauses_total", "counter",
          "Times that a worker stopped reading for want of memory.",
          (double)atomic_load(&c->pauses));
    plain(b, "resident_bytes", "gauge", "Memory of the process.",
          (double)cu_resident_bytes(r->c->env));
    plain(b, "store_bytes", "gauge", "The store on disk, estimated.",
          (double)s.live_bytes);
    plain(b, "store_cache_bytes", "gauge", "The store's block cache.",
          (double)s.cache_bytes);
    plain(b, "store_memtable_bytes", "gauge",
          "Memtables, with those that readers still keep.",
          (double)s.memtable_bytes);
    plain(b, "uptime_seconds", "gauge", "Since the process began.",
          (double)(cu_mono_us(r->c->env) - r->started_us) / 1e6);
}

/* --- answering ------------------------------------------------------------ */

static enum MHD_Result answer(struct MHD_Connection *to, unsigned status,
                              const char *type, cu_slice body)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(
        body.len, (void *)body.data, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(r, "Content-Type", type);
    MHD_add_response_header(r, "Cache-Control", "no-store");
    enum MHD_Result done = MHD_queue_response(to, status, r);
    MHD_destroy_response(r);
    return done;
}

static enum MHD_Result say(struct MHD_Connection *to, unsigned status,
                           const char *text)
{
    return answer(to, status, "text/plain; charset=utf-8", cu_slice_of(text));
}

/* "host", "host:port", "[::1]:port" -> the host. */
static char *host_of(const char *named, cu_arena *a)
{
    const char *from = named;
    size_t n;
    if (*from == '[') {
        from++;
        n = strcspn(from, "]");
    } else {
        n = strcspn(from, ":");
    }
    return cu_arena_strn(a, from, n);
}

bool cu_host_allowed(const char *header, const char *listen_host)
{
    cu_arena *a = cu_arena_new(512);
    const char *host = header ? host_of(header, a) : "";
    struct in_addr v4;
    bool good = strcasecmp(host, "localhost") == 0 ||
                strcmp(host, "::1") == 0 ||
                (inet_pton(AF_INET, host, &v4) == 1 &&
                 ntohl(v4.s_addr) >> 24 == 127) ||
                strcasecmp(host, listen_host) == 0;
    cu_arena_free(a);
    return good;
}

static enum MHD_Result metrics(cu_running *r, struct MHD_Connection *to)
{
    cu_buf b = {0};
    cu_metrics_print(r, &b);
    enum MHD_Result done = answer(to, MHD_HTTP_OK,
                                  "text/plain; version=0.0.4; charset=utf-8",
                                  cu_buf_slice(&b));
    cu_buf_free(&b);
    return done;
}

/* Each worker's first act with its partitions is a commit. */
static bool ready(cu_running *r)
{
    const cu_counts *c = cu_runtime_counts(cu_engine_runtime(r->app->engine));
    return atomic_load(&c->commits) > 0;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *to,
                                  const char *url, const char *method,
                                  const char *version, const char *data,
                                  size_t *size, void **request)
{
    cu_http_server *s = ctx;
    (void)version, (void)data, (void)request;
    const char *host = MHD_lookup_connection_value(to, MHD_HEADER_KIND,
                                                   MHD_HTTP_HEADER_HOST);
    if (*size) { /* a body is read and dropped */
        *size = 0;
        return MHD_YES;
    }
    if (s->loopback && !cu_host_allowed(host, s->host))
        return say(to, MHD_HTTP_FORBIDDEN,
                   "this Host is not served here: ask for localhost\n");
    if (strcmp(method, "GET") && strcmp(method, "HEAD"))
        return say(to, MHD_HTTP_METHOD_NOT_ALLOWED, "GET only\n");
    if (strcmp(url, "/metrics") == 0)
        return metrics(s->run, to);
    if (strcmp(url, "/health") == 0)
        return atomic_load(&s->run->failed)
                   ? say(to, MHD_HTTP_SERVICE_UNAVAILABLE, "failed\n")
                   : say(to, MHD_HTTP_OK, "ok\n");
    if (strcmp(url, "/ready") == 0)
        return ready(s->run) ? say(to, MHD_HTTP_OK, "ready\n")
                             : say(to, MHD_HTTP_SERVICE_UNAVAILABLE,
                                   "no partitions yet\n");
    return say(to, MHD_HTTP_NOT_FOUND,
               "there are /metrics, /health and /ready\n");
}

/* --- starting ------------------------------------------------------------- */

static bool is_loopback(const struct sockaddr *at)
{
    if (at->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)at)
                         ->sin_addr.s_addr) >>
                   24 ==
               127;
    return IN6_IS_ADDR_LOOPBACK(
        &((const struct sockaddr_in6 *)(const void *)at)->sin6_addr);
}

static int resolve(const char *listen, cu_arena *a, char **host,
                   struct addrinfo **out, cu_err *err)
{
    const char *colon = strrchr(listen, ':');
    if (colon == NULL || colon[1] == 0 ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
        strtol(colon + 1, NULL, 10) > 65535)
        return cu_fail(err, CU_USAGE, 0,
                       "--listen wants HOST:PORT, like 127.0.0.1:9100, not "
                       "\"%s\"",
                       listen);
    *host = host_of(cu_arena_strn(a, listen, (size_t)(colon - listen)), a);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    int rc = getaddrinfo(**host ? *host : NULL, colon + 1, &hints, out);
    if (rc)
        return cu_fail(err, CU_USAGE, 0, "--listen %s: %s", listen,
                       gai_strerror(rc));
    return 0;
}

static void said_by_daemon(void *ctx, const char *format, va_list ap)
{
    cu_arena *a = cu_arena_new(256);
    (void)ctx;
    cu_debug("http: %s", cu_arena_vprintf(a, format, ap));
    cu_arena_free(a);
}

static int start(cu_http_server *s, const char *listen,
                 const struct sockaddr *at, cu_err *err)
{
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ERROR_LOG;
    if (at->sa_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    s->loopback = is_loopback(at);
    errno = 0;
    s->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER,
        said_by_daemon, NULL, MHD_OPTION_SOCK_ADDR, at,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)MOST_CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
        MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
    if (s->daemon)
        return 0;
    char why[96];
    return cu_fail(err, CU_IO, 0,
                   "cannot listen on %s: %s; choose another port with "
                   "--listen HOST:PORT",
                   listen,
                   errno ? strerror_r(errno, why, sizeof(why)) : "no socket");
}

int cu_http_serve(cu_running *r, const char *listen, cu_http_server **out,
                  cu_err *err)
{
    cu_http_server *s = cu_calloc(1, sizeof(*s));
    const char *where = listen ? listen : "127.0.0.1:0";
    struct addrinfo *at = NULL;
    char *host = NULL;
    s->run = r;
    int rc = resolve(where, r->c->arena, &host, &at, err);
    if (rc == 0) {
        s->host = cu_strdup(host);
        rc = start(s, where, at->ai_addr, err);
    }
    if (at)
        freeaddrinfo(at);
    if (rc) {
        cu_http_stop(s);
        return rc;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(
        s->daemon, MHD_DAEMON_INFO_BIND_PORT);
    bool v6 = strchr(s->host, ':') != NULL;
    cu_info("metrics and health: http://%s%s%s:%u/metrics", v6 ? "[" : "",
            *s->host ? s->host : "localhost", v6 ? "]" : "",
            info ? info->port : 0);
    *out = s;
    return 0;
}

void cu_http_stop(cu_http_server *s)
{
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    cu_free(s->host);
    cu_free(s);
}
