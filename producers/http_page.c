/* Is this answer the page?  Only a page is published.
 *
 * Servers say 200 and mean something else: an HTML page of a proxy, half a
 * body, `null` where the count should be because a back end timed out.  An
 * answer is the page when its status is 200, its type fits, it is whole and
 * well-formed, every required path is present and not null, and its items
 * are not empty before the total is reached.
 */
#include "producers/http.h"

#include "rows/json.h"

#include <stdarg.h>
#include <stdio.h>

enum { DEPTH = 1000 }; /* what the decoder takes, too */

static cu_verdict say(cu_slot *s, cu_verdict v, uint32_t sqlstate,
                      const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static cu_verdict say(cu_slot *s, cu_verdict v, uint32_t sqlstate,
                      const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(s->why, sizeof(s->why), format, ap);
    va_end(ap);
    s->sqlstate = sqlstate;
    return v;
}

/* No answer came. */
static cu_verdict judge_error(cu_slot *s, const cu_err *e)
{
    switch (e->code) {
    case CU_NETWORK:
        return say(s, CU_PAGE_SILENT, CU_STATE_NETWORK, "%.380s", e->msg);
    case CU_TIMEOUT:
        return say(s, CU_PAGE_AGAIN, CU_STATE_TIMEOUT, "%.380s", e->msg);
    case CU_LIMIT:
        return say(s, CU_PAGE_BAD, CU_STATE_TOO_LONG, "%.380s", e->msg);
    case CU_DENIED:
        return say(s, CU_PAGE_BAD, CU_STATE_NETWORK, "%.380s", e->msg);
    default:
        return say(s, CU_PAGE_AGAIN, CU_STATE_CUT, "%.380s", e->msg);
    }
}

static cu_verdict judge_status(cu_slot *s, int status)
{
    uint32_t state = cu_state_http(status);
    switch (status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return CU_PAGE_MOVED;
    case 408:
    case 425:
    case 429:
        return say(s, CU_PAGE_AGAIN, state, "the answer is HTTP status %d",
                   status);
    default:
        return say(s, status >= 500 ? CU_PAGE_AGAIN : CU_PAGE_BAD, state,
                   "the answer is HTTP status %d", status);
    }
}

static bool has_json(cu_slice type)
{
    for (size_t i = 0; i + 4 <= type.len; i++) {
        if (!strncasecmp(type.data + i, "json", 4))
            return true;
    }
    return false;
}

static bool absent(cu_slice v)
{
    return !v.data || cu_slice_is(v, "null");
}

static cu_verdict judge_total(cu_http_half *h, cu_slot *s, cu_slice body)
{
    cu_arena *a = h->c->scratch;
    cu_slice v = cu_path_get(&h->total, body, a);
    if (v.data && cu_json_kind_of(v) == CU_JSON_STRING)
        v = cu_json_text(v, a);
    int64_t total = -1;
    if (cu_int_of(v, &total) && total >= 0)
        s->total = total;
    if (s->total < 0)
        return say(s, CU_PAGE_AGAIN, CU_STATE_SOFT,
                   "a soft failure: %s is %.*s", h->s->total_path,
                   v.data ? (int)(v.len < 60 ? v.len : 60) : 7,
                   v.data ? v.data : "missing");
    if (!h->s->items_path)
        return CU_PAGE_GOOD;
    cu_slice items = cu_path_get(&h->items_path, body, a);
    if (items.data && cu_json_kind_of(items) == CU_JSON_ARRAY &&
        s->offset < s->total && cu_json_array_length(items) == 0)
        return say(s, CU_PAGE_AGAIN, CU_STATE_SOFT,
                   "a soft failure: %s is empty at offset %lld of %lld",
                   h->s->items_path, (long long)s->offset, (long long)s->total);
    return CU_PAGE_GOOD;
}

static cu_verdict judge_body(cu_http_half *h, cu_slot *s,
                             const cu_http_response *res)
{
    cu_slice type = cu_http_header_get(res, "content-type");
    size_t bad = 0;
    if (h->wants_json && type.data && !has_json(type))
        return say(s, CU_PAGE_AGAIN, CU_STATE_TYPE,
                   "the answer is %.*s, not JSON",
                   (int)(type.len < 80 ? type.len : 80), type.data);
    if (!h->wants_json && !has_json(type))
        return CU_PAGE_GOOD;
    if (!cu_json_validate(res->body, DEPTH, &bad))
        return say(s, CU_PAGE_AGAIN, CU_STATE_JSON,
                   "the body is no JSON from byte %zu of %zu on", bad,
                   res->body.len);
    for (uint32_t i = 0; i < h->s->n_require; i++) {
        if (absent(cu_path_get(&h->require[i], res->body, h->c->scratch)))
            return say(s, CU_PAGE_AGAIN, CU_STATE_SOFT,
                       "a soft failure: %s is missing or null",
                       h->s->require[i]);
    }
    return h->limit ? judge_total(h, s, res->body) : CU_PAGE_GOOD;
}

cu_verdict cu_page_judge(cu_http_half *h, cu_slot *s,
                         const cu_http_response *res)
{
    s->status = res->err.code ? 0 : res->status;
    s->total = -1;
    if (res->err.code)
        return judge_error(s, &res->err);
    if (res->status != 200)
        return judge_status(s, res->status);
    return judge_body(h, s, res);
}
