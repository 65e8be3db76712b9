/* The http door with canned answers, for tests and simulation.
 *
 * A request waits for a seeded number of polls; then it is answered, in a
 * seeded order among those that are due.  The answer is computed when it is
 * handed out, as a server's would be after requests that came before it.
 * poll() never waits: simulation's clock is not ours.
 */
#include "base/http.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { MAX_DELAY = 4 }; /* polls */

typedef struct request {
    cu_http_response res; /* must be first */
    cu_http_request req;
    cu_arena *arena;
    unsigned delay;
} request;

typedef struct canned {
    cu_http base;
    uint64_t chance;
    cu_http_answer *answer;
    void *ctx;
    request **waiting;
    size_t n, cap;
} canned;

static uint64_t next_chance(canned *c)
{
    uint64_t z = c->chance += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static char *copy(cu_arena *a, const char *s)
{
    return s ? cu_arena_str(a, s) : NULL;
}

static int canned_submit(cu_http *h, const cu_http_request *req, uint64_t tag,
                         cu_err *err)
{
    canned *c = (canned *)h;
    (void)err;
    request *r = cu_calloc(1, sizeof(*r));
    r->arena = cu_arena_new(1024);
    r->req = *req;
    r->req.url = copy(r->arena, req->url);
    r->req.user_agent = copy(r->arena, req->user_agent);
    r->req.ca_file = copy(r->arena, req->ca_file);
    cu_http_header *headers = cu_arena_calloc(r->arena, req->n_headers,
                                              sizeof(*headers));
    for (size_t i = 0; i < req->n_headers; i++) {
        headers[i].name = cu_arena_slice(r->arena, req->headers[i].name);
        headers[i].value = cu_arena_slice(r->arena, req->headers[i].value);
    }
    r->req.headers = headers;
    r->res.tag = tag;
    r->delay = (unsigned)(next_chance(c) % (MAX_DELAY + 1));
    if (c->n == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 8;
        c->waiting = cu_realloc(c->waiting, c->cap * sizeof(*c->waiting));
    }
    c->waiting[c->n++] = r;
    return 0;
}

static int canned_poll(cu_http *h, int64_t timeout_ms, cu_http_response **done,
                       cu_err *err)
{
    canned *c = (canned *)h;
    (void)timeout_ms;
    (void)err;
    *done = NULL;
    size_t due = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (c->waiting[i]->delay > 0)
            c->waiting[i]->delay--;
        else
            due++;
    }
    if (due == 0)
        return 0;
    size_t pick = (size_t)(next_chance(c) % due);
    size_t at = 0;
    while (c->waiting[at]->delay > 0 || pick-- > 0)
        at++;
    request *r = c->waiting[at];
    c->n--;
    memmove(c->waiting + at, c->waiting + at + 1,
            (c->n - at) * sizeof(*c->waiting));

    r->res.elapsed_ms = (int64_t)(1 + next_chance(c) % 200);
    c->answer(c->ctx, &r->req, &r->res, r->arena);
    if (!r->res.err.code && !r->res.body.data)
        r->res.body = CU_LIT("");
    *done = &r->res;
    return 0;
}

static void canned_release(cu_http *h, cu_http_response *res)
{
    request *r = (request *)res;
    (void)h;
    if (!r)
        return;
    cu_arena_free(r->arena);
    cu_free(r);
}

static size_t canned_in_flight(const cu_http *h)
{
    return ((const canned *)h)->n;
}

static void canned_close(cu_http *h)
{
    canned *c = (canned *)h;
    for (size_t i = 0; i < c->n; i++)
        canned_release(h, &c->waiting[i]->res);
    cu_free(c->waiting);
    cu_free(c);
}

cu_http *cu_http_canned(uint64_t seed, cu_http_answer *answer, void *ctx)
{
    static const cu_http_vt vt = {
        .version = 1,
        .submit = canned_submit,
        .poll = canned_poll,
        .release = canned_release,
        .in_flight = canned_in_flight,
        .close = canned_close,
    };
    canned *c = cu_calloc(1, sizeof(*c));
    c->base.vt = &vt;
    c->chance = seed;
    c->answer = answer;
    c->ctx = ctx;
    return &c->base;
}
