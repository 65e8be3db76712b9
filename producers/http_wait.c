/* When the next request may go out.
 *
 *     rate      one token, filled again `interval` after each request:
 *               requests never come closer together than that
 *     backoff   chance x min(most, first x 2^(attempt - 1)), per page
 *     pause     429 and 503 hold all requests back, because they speak for
 *               the server; Retry-After says for how long
 */
#include "producers/http.h"

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t cu_wait_gate(const cu_http_half *h)
{
    return most(h->next_send_us, h->pause_until_us);
}

void cu_wait_sent(cu_http_half *h)
{
    h->next_send_us = cu_mono_us(h->c->o.env) + h->interval_us;
}

/* Full jitter. */
static int64_t backoff_us(const cu_http_half *h, uint32_t attempts)
{
    int64_t ms = h->s->backoff_ms > 0 ? h->s->backoff_ms : 1000;
    int64_t cap = h->s->backoff_max_ms > 0 ? h->s->backoff_max_ms : 60000;
    for (uint32_t i = 1; i < attempts && ms < cap; i++)
        ms *= 2;
    if (ms > cap)
        ms = cap;
    uint64_t span = (uint64_t)ms * 1000 + 1;
    return (int64_t)(h->c->o.env->vt->chance(h->c->o.env) % span);
}

void cu_wait_retry(cu_http_half *h, cu_slot *s, const cu_http_response *res)
{
    int64_t now = cu_mono_us(h->c->o.env);
    int64_t wait = backoff_us(h, s->attempts);
    bool asked = !res->err.code && (res->status == 429 || res->status == 503);
    int64_t told = -1;
    if (!res->err.code)
        told = cu_retry_after_ms(cu_http_header_get(res, "retry-after"),
                                 cu_wall_us(h->c->o.env));
    if (told >= 0)
        wait = told * 1000;
    s->due_us = now + wait;
    if ((asked || told >= 0) && s->due_us > h->pause_until_us) {
        h->pause_until_us = s->due_us;
        h->pause_status = res->status;
    }
}
