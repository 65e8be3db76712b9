/* The http door on libcurl, the only file that sees it.
 *
 * One multi handle; each request is an easy handle with an arena for its
 * headers and a buffer for its body, all limited while bytes arrive, after
 * decompression: a small answer that unpacks to gigabytes ends at its limit.
 *
 * Peers are judged twice, each time on the address and never on the name:
 * when a socket is opened, and again before a request is sent, because the
 * connection may be an old one that another request was allowed to open.
 *
 * Everything that could reach around this file is off: redirects, proxies
 * from the environment, netrc, cookies, other protocols.
 */
#include "base/http.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/http_address.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

enum {
    default_connect_ms = 10000,
    default_total_ms = 60000,
    default_body_bytes = 64 << 20,
    max_header_bytes = 256 << 10,
    max_headers = 512,
    kept_connections = 16,
};

typedef struct request {
    cu_http_response res; /* must be first */
    struct request *next;
    CURL *easy;
    cu_arena *arena;
    struct curl_slist *sent;
    cu_buf body;
    size_t header_bytes, cap_headers, max_body_bytes;
    bool allow_private, refused, body_too_large, headers_too_large;
    char *shown; /* the URL without user, password and query */
    char why[CURL_ERROR_SIZE];
} request;

typedef struct http {
    cu_http base;
    CURLM *multi;
    request *active, *done; /* `done` in order of completion */
    size_t n_active, n_done;
} http;

/* --- callbacks ---------------------------------------------------------- */

static size_t on_body(char *data, size_t one, size_t len, void *arg)
{
    request *r = arg;
    (void)one;
    if (len > r->max_body_bytes - r->body.len) {
        r->body_too_large = true;
        return 0;
    }
    cu_buf_put(&r->body, data, len);
    return len;
}

static cu_slice trim(cu_slice s)
{
    while (s.len > 0 && strchr(" \t\r\n", s.data[s.len - 1]))
        s.len--;
    while (s.len > 0 && strchr(" \t", s.data[0])) {
        s.data++;
        s.len--;
    }
    return s;
}

static void add_header(request *r, cu_slice name, cu_slice value)
{
    cu_http_response *res = &r->res;
    if (res->n_headers == r->cap_headers) {
        size_t cap = r->cap_headers ? r->cap_headers * 2 : 16;
        cu_http_header *more = cu_arena_calloc(r->arena, cap, sizeof(*more));
        if (res->n_headers)
            memcpy(more, res->headers, res->n_headers * sizeof(*more));
        res->headers = more;
        r->cap_headers = cap;
    }
    char *lower = cu_arena_strn(r->arena, name.data, name.len);
    for (size_t i = 0; i < name.len; i++) {
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] + 32);
    }
    res->headers[res->n_headers++] = (cu_http_header){
        cu_slice_n(lower, name.len), cu_arena_slice(r->arena, value)};
}

/* One line; a status line starts over (100 Continue comes before it). */
static size_t on_header(char *data, size_t one, size_t len, void *arg)
{
    request *r = arg;
    (void)one;
    r->header_bytes += len;
    if (r->header_bytes > max_header_bytes || r->res.n_headers == max_headers) {
        r->headers_too_large = true;
        return 0;
    }
    if (len >= 5 && !memcmp(data, "HTTP/", 5)) {
        r->res.n_headers = 0;
        return len;
    }
    const char *colon = memchr(data, ':', len);
    if (!colon)
        return len;
    size_t name = (size_t)(colon - data);
    add_header(r, trim(cu_slice_n(data, name)),
               trim(cu_slice_n(colon + 1, len - name - 1)));
    return len;
}

static curl_socket_t on_socket(void *arg, curlsocktype purpose,
                               struct curl_sockaddr *peer)
{
    request *r = arg;
    (void)purpose;
    if (!r->allow_private && cu_http_address_private(&peer->addr)) {
        r->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(peer->family, peer->socktype | SOCK_CLOEXEC, peer->protocol);
}

static int on_request(void *arg, char *peer, char *local, int peer_port,
                      int local_port)
{
    request *r = arg;
    (void)local;
    (void)peer_port;
    (void)local_port;
    if (r->allow_private || !cu_http_text_private(peer))
        return CURL_PREREQFUNC_OK;
    r->refused = true;
    return CURL_PREREQFUNC_ABORT;
}

/* --- submitting --------------------------------------------------------- */

static void request_free(request *r)
{
    if (r->easy)
        curl_easy_cleanup(r->easy);
    curl_slist_free_all(r->sent);
    cu_buf_free(&r->body);
    cu_arena_free(r->arena);
    cu_free(r);
}

/* Checks the URL and writes r->shown. */
static int check_url(request *r, const char *url, cu_err *err)
{
    char *scheme = NULL, *host = NULL, *path = NULL;
    int rc = 0;
    CURLU *u = curl_url();
    CURLUcode bad = curl_url_set(u, CURLUPART_URL, url, 0);
    if (bad) {
        rc = cu_fail(err, CU_USAGE, 0, "%.200s is not a URL: %s", url,
                     curl_url_strerror(bad));
        goto out;
    }
    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0);
    curl_url_get(u, CURLUPART_HOST, &host, 0);
    curl_url_get(u, CURLUPART_PATH, &path, 0);
    if (strcmp(scheme, "http") && strcmp(scheme, "https")) {
        rc = cu_fail(err, CU_USAGE, 0,
                     "%.200s: only http and https can be fetched, not %s", url,
                     scheme);
        goto out;
    }
    r->shown = cu_arena_printf(r->arena, "%s://%s%.150s", scheme, host, path);
out:
    curl_free(scheme);
    curl_free(host);
    curl_free(path);
    curl_url_cleanup(u);
    return rc;
}

/* A line break in a header would start another one. */
static bool clean(cu_slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '\r' || s.data[i] == '\n' || s.data[i] == 0)
            return false;
    }
    return true;
}

static int add_sent_headers(request *r, const cu_http_request *req, cu_err *err)
{
    for (size_t i = 0; i < req->n_headers; i++) {
        cu_slice name = req->headers[i].name, value = req->headers[i].value;
        if (!clean(name) || !clean(value) || name.len == 0)
            return cu_fail(err, CU_USAGE, 0,
                           "header %.*s for %s holds a line break",
                           (int)name.len, name.data, r->shown);
        const char *line = cu_arena_printf(
            r->arena, value.len ? "%.*s: %.*s" : "%.*s;", (int)name.len,
            name.data, (int)value.len, value.data ? value.data : "");
        r->sent = curl_slist_append(r->sent, line);
    }
    return 0;
}

static void set_options(request *r, const cu_http_request *req)
{
    CURL *e = r->easy;
    int64_t connect_ms = req->connect_timeout_ms;
    int64_t total_ms = req->timeout_ms;
    curl_easy_setopt(e, CURLOPT_PRIVATE, r);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, r->why);
    curl_easy_setopt(e, CURLOPT_URL, req->url);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, r->sent);
    curl_easy_setopt(e, CURLOPT_USERAGENT, req->user_agent);
    curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(connect_ms ? connect_ms : default_connect_ms));
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS,
                     (long)(total_ms ? total_ms : default_total_ms));
    if (req->ca_file)
        curl_easy_setopt(e, CURLOPT_CAINFO, req->ca_file);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, r);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, r);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, r);
}

static int curl_submit(cu_http *base, const cu_http_request *req, uint64_t tag,
                       cu_err *err)
{
    http *h = (http *)base;
    request *r = cu_calloc(1, sizeof(*r));
    r->arena = cu_arena_new(2048);
    r->res.tag = tag;
    r->allow_private = req->allow_private;
    r->max_body_bytes = req->max_body_bytes ? req->max_body_bytes
                                            : default_body_bytes;
    int rc = check_url(r, req->url, err);
    if (rc == 0)
        rc = add_sent_headers(r, req, err);
    if (rc == 0 && !(r->easy = curl_easy_init()))
        rc = cu_fail(err, CU_IO, CU_RETRY, "cannot set up a transfer for %s",
                     r->shown);
    if (rc) {
        request_free(r);
        return rc;
    }
    set_options(r, req);
    CURLMcode added = curl_multi_add_handle(h->multi, r->easy);
    CU_ASSERT(added == CURLM_OK);
    r->next = h->active;
    h->active = r;
    h->n_active++;
    return 0;
}

/* --- answers ------------------------------------------------------------ */

static int explain(request *r, cu_code code, uint32_t flags, const char *why)
{
    return cu_fail(&r->res.err, code, flags, "cannot fetch %s: %s", r->shown,
                   why);
}

/* Why no answer came, in our words. */
static void translate(request *r, CURLcode result)
{
    char text[160];
    const char *why = r->why[0] ? r->why : curl_easy_strerror(result);
    bool answered = r->header_bytes > 0;
    if (r->refused && result != CURLE_OK) {
        explain(r, CU_DENIED, 0,
                "its address is private or local; allow private addresses for "
                "this server if that is meant");
        return;
    }
    if (r->body_too_large) {
        snprintf(text, sizeof(text), "the answer is larger than %zu bytes",
                 r->max_body_bytes);
        explain(r, CU_LIMIT, 0, text);
        return;
    }
    if (r->headers_too_large) {
        explain(r, CU_LIMIT, 0, "the headers of the answer are too large");
        return;
    }
    switch ((int)result) {
    case CURLE_OK:
        return;
    case CURLE_OPERATION_TIMEDOUT:
        explain(r, CU_TIMEOUT, CU_RETRY, why);
        return;
    case CURLE_PARTIAL_FILE:
        explain(r, CU_DATA, CU_RETRY, why);
        return;
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        explain(r, answered ? CU_DATA : CU_NETWORK, CU_RETRY, why);
        return;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: /* not HTTP at all */
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WRITE_ERROR:
        explain(r, CU_DATA, 0, why);
        return;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
        explain(r, CU_NETWORK, 0, why);
        return;
    default:
        explain(r, CU_NETWORK, CU_RETRY, why);
    }
}

static void finish(http *h, request *r, CURLcode result)
{
    long status = 0;
    curl_off_t us = 0;
    request **at = &h->active;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    h->n_active--;

    curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(r->easy, CURLINFO_TOTAL_TIME_T, &us);
    curl_multi_remove_handle(h->multi, r->easy);
    translate(r, result);
    r->res.status = (int)status;
    r->res.elapsed_ms = (int64_t)us / 1000;
    r->res.body = cu_buf_slice(&r->body);

    at = &h->done;
    while (*at)
        at = &(*at)->next;
    r->next = NULL;
    *at = r;
    h->n_done++;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int curl_poll(cu_http *base, int64_t timeout_ms, cu_http_response **done,
                     cu_err *err)
{
    http *h = (http *)base;
    int64_t until = now_ms() + timeout_ms;
    *done = NULL;
    for (;;) {
        int running = 0, left = 0;
        CURLMcode mc = curl_multi_perform(h->multi, &running);
        CURLMsg *msg;
        while (mc == CURLM_OK &&
               (msg = curl_multi_info_read(h->multi, &left))) {
            request *r = NULL;
            curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&r);
            if (msg->msg == CURLMSG_DONE)
                finish(h, r, msg->data.result);
        }
        if (h->done) {
            request *r = h->done;
            h->done = r->next;
            h->n_done--;
            *done = &r->res;
            return 0;
        }
        int64_t wait = until - now_ms();
        if (mc == CURLM_OK && wait <= 0)
            return 0;
        if (mc == CURLM_OK)
            mc = curl_multi_poll(h->multi, NULL, 0,
                                 (int)(wait < 1000 ? wait : 1000), NULL);
        if (mc != CURLM_OK)
            return cu_fail(err, CU_IO, CU_FATAL, "cannot run transfers: %s",
                           curl_multi_strerror(mc));
    }
}

static void curl_release(cu_http *h, cu_http_response *res)
{
    (void)h;
    if (res)
        request_free((request *)res);
}

static size_t curl_in_flight(const cu_http *base)
{
    const http *h = (const http *)base;
    return h->n_active + h->n_done;
}

static void curl_close(cu_http *base)
{
    http *h = (http *)base;
    while (h->active) {
        request *r = h->active;
        h->active = r->next;
        curl_multi_remove_handle(h->multi, r->easy);
        request_free(r);
    }
    while (h->done) {
        request *r = h->done;
        h->done = r->next;
        request_free(r);
    }
    curl_multi_cleanup(h->multi);
    cu_free(h);
}

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

cu_http *cu_http_curl(void)
{
    static const cu_http_vt vt = {
        .version = 1,
        .submit = curl_submit,
        .poll = curl_poll,
        .release = curl_release,
        .in_flight = curl_in_flight,
        .close = curl_close,
    };
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_curl);
    http *h = cu_calloc(1, sizeof(*h));
    h->base.vt = &vt;
    h->multi = curl_multi_init();
    CU_ASSERT(h->multi);
    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)kept_connections);
    return &h->base;
}
