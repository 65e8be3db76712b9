/* The door to HTTP: libcurl, or canned answers under a seed.
 *
 * Requests are submitted and polled, so that one thread can keep several in
 * flight and simulation can answer in any order.  Redirects are never
 * followed here (the collector decides); bodies, headers and times are
 * bounded; only http and https; no environment proxies, no netrc, no
 * cookies; TLS is always verified.  Private, loopback and link-local peers
 * are refused unless `allow_private` (checked on the resolved address).
 *
 * Thread: one owner per handle.
 */
#ifndef CU_BASE_HTTP_H
#define CU_BASE_HTTP_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

typedef struct cu_http cu_http;

typedef struct cu_http_header {
    cu_slice name, value;
} cu_http_header;

typedef struct cu_http_request {
    const char *url;
    const char *user_agent;
    const cu_http_header *headers;
    size_t n_headers;
    int64_t connect_timeout_ms; /* 0 = 10 s */
    int64_t timeout_ms;         /* whole request; 0 = 60 s */
    size_t max_body_bytes;      /* 0 = 64 MiB */
    bool allow_private;
    const char *ca_file; /* NULL: the system's */
} cu_http_request;

typedef struct cu_http_response {
    uint64_t tag; /* as submitted */
    /* 0: an answer came (whatever its status).  Else why none came:
     * CU_NETWORK, CU_TIMEOUT, CU_LIMIT, CU_DENIED (refused peer), CU_DATA
     * (cut body, broken framing). */
    cu_err err;
    int status;
    cu_http_header *headers; /* lower-case names; lent until release */
    size_t n_headers;
    cu_slice body; /* decompressed; lent until release */
    int64_t elapsed_ms;
} cu_http_response;

typedef struct cu_http_vt {
    int version;
    /* Copies the request.  CU_USAGE: not an http(s) URL, or a line break in
     * a header. */
    int (*submit)(cu_http *, const cu_http_request *, uint64_t tag, cu_err *);
    /* One finished request, or *done = NULL after `timeout_ms` (canned: at
     * once; a few polls pass before an answer is due). */
    int (*poll)(cu_http *, int64_t timeout_ms, cu_http_response **done,
                cu_err *);
    void (*release)(cu_http *, cu_http_response *);
    size_t (*in_flight)(const cu_http *);
    void (*close)(cu_http *); /* cancels what is in flight */
} cu_http_vt;

struct cu_http {
    const cu_http_vt *vt;
};

cu_http *cu_http_curl(void);

/* A canned server for tests: called once per request, fills the response
 * (body and headers from `a`). */
typedef void cu_http_answer(void *ctx, const cu_http_request *req,
                            cu_http_response *res, cu_arena *a);
cu_http *cu_http_canned(uint64_t seed, cu_http_answer *answer, void *ctx);

/* Value of a header (lower-case name), or an absent slice. */
cu_slice cu_http_header_get(const cu_http_response *r, const char *name);
/* Percent-encodes everything but unreserved characters into `out`. */
void cu_url_encode(cu_buf *out, cu_slice s);
/* Retry-After in seconds or as an HTTP date against `now_us`; clamped to
 * [1 s, 1 h]; -1 when absent or garbage. */
int64_t cu_retry_after_ms(cu_slice value, int64_t now_us);

#endif
