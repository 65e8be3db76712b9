/* One page under way.
 *
 *     FREE -start-> WAITING -send-> FLYING -the page-> DONE -publish-> FREE
 *                      ^              |  \--given up--> DONE
 *                      \--try again---/
 *
 * Whose fault is silence?  When an attempt finds no server at all and every
 * request since then, whatever its page, found none either, it is an outage:
 * nothing is given up, the collector goes back and the caller pauses.  When
 * others were answered meanwhile, it is this page.
 *
 * Tags are never used twice, so that an answer to a forgotten request finds
 * no slot.
 */
#include "producers/http.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/diag.h"

#include <stdio.h>

enum { MOST_REDIRECTS = 5, MOST_BODY = 16 << 20, CONNECT_MS = 10000 };

static void build_url(cu_http_half *h, cu_slot *s)
{
    cu_buf b = {0};
    cu_url_build(h, s->item, s->offset, &b);
    cu_free(s->url);
    cu_buf_put_u8(&b, 0);
    s->url = cu_strdup(b.data);
    cu_buf_free(&b);
    s->redirects = 0;
    s->strange = false;
}

void cu_slot_start(cu_http_half *h, cu_slot *s, uint32_t item, int64_t offset)
{
    CU_ASSERT(s->state == CU_SLOT_FREE);
    *s = (cu_slot){
        .state = CU_SLOT_WAITING, .item = item, .offset = offset, .total = -1};
    build_url(h, s);
}

void cu_slot_free(cu_http_half *h, cu_slot *s)
{
    if (s->state == CU_SLOT_FLYING)
        h->flying--;
    if (s->res)
        h->http->vt->release(h->http, s->res);
    cu_buf_free(&s->first);
    cu_free(s->url);
    *s = (cu_slot){0};
}

int cu_slot_send(cu_http_half *h, cu_slot *s, cu_err *err)
{
    const cu_http_source *o = h->s;
    CU_ASSERT(s->state == CU_SLOT_WAITING);
    cu_http_header *headers = cu_arena_calloc(h->c->scratch, o->n_headers + 1,
                                              sizeof(*headers));
    for (uint32_t i = 0; i < o->n_headers; i++)
        headers[i] = (cu_http_header){o->headers[i].name, o->headers[i].value};
    cu_http_request req = {
        .url = s->url,
        .user_agent = h->user_agent,
        .headers = headers,
        .n_headers = s->strange ? 0 : o->n_headers,
        .timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : 30000,
        .max_body_bytes = o->max_body_bytes ? o->max_body_bytes : MOST_BODY,
        .allow_private = o->allow_private,
    };
    req.connect_timeout_ms = req.timeout_ms < CONNECT_MS ? req.timeout_ms
                                                         : CONNECT_MS;
    s->tag = h->next_tag++;
    int rc = h->http->vt->submit(h->http, &req, s->tag, err);
    if (rc)
        return rc;
    if (!s->redirects)
        s->attempts++;
    s->state = CU_SLOT_FLYING;
    h->flying++;
    h->c->counts.requests++;
    h->c->counts.retries += s->retry;
    s->retry = false;
    cu_wait_sent(h);
    cu_collector_tell(
        h->c, "GET %s%s", s->url,
        s->attempts > 1
            ? cu_arena_printf(h->c->scratch, " (attempt %u)", s->attempts)
            : "");
    return 0;
}

/* --- answers ------------------------------------------------------------- */

static void give_up(cu_http_half *h, cu_slot *s, const cu_http_response *res)
{
    s->state = CU_SLOT_DONE;
    s->res = NULL;
    s->fetched_us = cu_wall_us(h->c->o.env);
    cu_buf_clear(&s->first);
    size_t len = res->body.len < CU_LETTER_BYTES ? res->body.len
                                                 : CU_LETTER_BYTES;
    if (!res->err.code && len)
        cu_buf_put(&s->first, res->body.data, len);
}

static void outage(cu_http_half *h, const cu_slot *s,
                   const cu_http_response *res)
{
    cu_fail(&h->outage, CU_NETWORK, CU_RETRY,
            "%.300s (attempt %u of %u; check the address, the network and "
            "that the server is up)",
            res->err.msg, s->attempts, h->s->retries + 1);
}

/* Another attempt, or the end of them. */
static void again(cu_http_half *h, cu_slot *s, const cu_http_response *res,
                  bool silent)
{
    if (silent && !s->silent)
        s->heard = h->heard;
    s->silent = silent;
    bool hopeless = silent && !(res->err.flags & CU_RETRY);
    if (s->attempts <= h->s->retries && !hopeless) {
        build_url(h, s);
        cu_wait_retry(h, s, res);
        s->state = CU_SLOT_WAITING;
        s->retry = true;
        cu_debug("%s: %s: %s; trying again", h->c->o.table, s->url, s->why);
    } else if (silent && s->heard == h->heard) {
        outage(h, s, res);
        give_up(h, s, res);
    } else {
        give_up(h, s, res);
    }
}

/* False: we do not follow; s->why says why. */
static bool follow(cu_slot *s, const cu_http_response *res)
{
    cu_buf to = {0};
    bool strange = false;
    cu_slice location = cu_http_header_get(res, "location");
    const char *no = ++s->redirects > MOST_REDIRECTS
                         ? "more than 5 redirects"
                         : cu_url_follow(s->url, location, &to, &strange);
    if (no) {
        snprintf(s->why, sizeof(s->why), "%s: HTTP status %d to %.*s", no,
                 res->status, (int)(location.len < 200 ? location.len : 200),
                 location.data ? location.data : "");
        s->sqlstate = CU_STATE_REDIRECT;
    } else {
        cu_free(s->url);
        cu_buf_put_u8(&to, 0);
        s->url = cu_strdup(to.data);
        s->strange = s->strange || strange;
        s->state = CU_SLOT_WAITING;
        s->due_us = 0;
    }
    cu_buf_free(&to);
    return !no;
}

/* True: the slot keeps the answer. */
static bool answer(cu_http_half *h, cu_slot *s, cu_http_response *res,
                   cu_err *err)
{
    cu_verdict v = cu_page_judge(h, s, res);
    if (v != CU_PAGE_SILENT)
        h->heard++;
    if (res->err.code == CU_DENIED && !s->redirects) {
        *err = res->err; /* our own refusal: an option is wrong */
        return false;
    }
    switch (v) {
    case CU_PAGE_GOOD:
        s->state = CU_SLOT_DONE;
        s->sqlstate = 0;
        s->res = res;
        s->fetched_us = cu_wall_us(h->c->o.env);
        return true;
    case CU_PAGE_AGAIN:
    case CU_PAGE_SILENT:
        again(h, s, res, v == CU_PAGE_SILENT);
        return false;
    case CU_PAGE_MOVED:
        if (!follow(s, res))
            give_up(h, s, res);
        return false;
    case CU_PAGE_BAD:
        give_up(h, s, res);
        return false;
    }
    return false;
}

int cu_slots_take(cu_http_half *h, int64_t wait_ms, bool *took, cu_err *err)
{
    cu_http_response *res = NULL;
    *took = false;
    int rc = h->http->vt->poll(h->http, wait_ms, &res, err);
    if (rc || !res)
        return rc;
    *took = true;
    cu_err denied = {0};
    bool kept = false;
    for (uint32_t i = 0; i < h->n_slots; i++) {
        cu_slot *s = &h->slots[i];
        if (s->state != CU_SLOT_FLYING || s->tag != res->tag)
            continue;
        h->flying--;
        s->state = CU_SLOT_WAITING;
        kept = answer(h, s, res, &denied);
        break;
    }
    if (!kept)
        h->http->vt->release(h->http, res);
    if (denied.code)
        return cu_fail(err, denied.code, 0, "%s", denied.msg);
    return 0;
}
