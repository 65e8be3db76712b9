/* The source of pages: one pass over all items and their pages.
 *
 *     item      subject=science_fiction      subject=fantasy
 *     pages     0  100  200 … below total    0 …
 *                    |    |
 *                  head  sent
 *
 * Several pages of several items are under way at once, each in a slot; they
 * are published in the order of their offsets within an item, whatever the
 * order of answers, so that a rerun publishes the same pages in the same
 * order.  A published page says how many there are: the next one exists
 * while its offset is below the total of the page before.
 *
 * The cursor holds for each page the hash of its last published body and the
 * pass in which it was last seen.  A pass that was cut short is found by its
 * pages being ahead of the record "pass"; it goes on behind them.
 *
 * 1  The page at `head` always has a slot before any later page of the item.
 * 2  What is ready is committed before anything is waited for.
 */
#include "producers/http.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { MOST_CONCURRENCY = 64 };

/* --- the pass ------------------------------------------------------------ */

static void forget_slots(cu_http_half *h)
{
    for (uint32_t i = 0; i < h->n_slots; i++)
        cu_slot_free(h, &h->slots[i]);
    CU_ASSERT(h->flying == 0);
}

static void http_reset(void *half)
{
    cu_http_half *h = half;
    cu_slice rec = cu_cursor_get(h->c, CU_LIT("pass"));
    int64_t newest = cu_cursor_int(rec, "pass", 0);
    h->unfinished = rec.data && !cu_cursor_int(rec, "done", 0);
    cu_onode *n = cu_omap_seek(h->c->cursor, CU_LIT(""), false);
    for (; n; n = cu_onode_next(n)) {
        int64_t pass = cu_cursor_int(cu_slice_of(cu_onode_value(n)), "pass", 0);
        if (pass > newest) {
            newest = pass;
            h->unfinished = true;
        }
    }
    h->pass = newest;
    forget_slots(h);
    h->outage = (cu_err){0};
}

static int http_begin_pass(void *half, cu_err *err)
{
    cu_http_half *h = half;
    (void)err;
    if (!h->unfinished)
        h->pass++;
    h->unfinished = true;
    h->first = h->n_ended = 0;
    h->c->counts.planned = h->n_items;
    h->c->counts.done = 0;
    for (uint32_t i = 0; i < h->n_items; i++) {
        cu_item *it = &h->items[i];
        it->head = it->sent = 0;
        it->total = -1;
        it->ended = it->failed = false;
        cu_item_resume(h, it);
        cu_arena_reset(h->c->scratch);
    }
    return 0;
}

/* --- requests ------------------------------------------------------------ */

static cu_slot *free_slot(cu_http_half *h)
{
    for (uint32_t i = 0; i < h->n_slots; i++) {
        if (h->slots[i].state == CU_SLOT_FREE)
            return &h->slots[i];
    }
    return NULL;
}

/* The next page nobody asked for yet; false when there is none now. */
static bool next_page(const cu_http_half *h, uint32_t *item, int64_t *offset)
{
    int64_t window = h->limit * (int64_t)h->concurrency;
    for (uint32_t i = h->first; i < h->n_items; i++) {
        const cu_item *it = &h->items[i];
        bool head = it->sent == it->head;
        bool more = h->limit && it->sent < it->total &&
                    it->sent <= it->head + window;
        if (it->ended || !(head || more))
            continue;
        *item = i;
        *offset = it->sent;
        return true;
    }
    return false;
}

static int64_t step_of(const cu_http_half *h)
{
    return h->limit ? h->limit : 1;
}

/* The slot that is sent next and when, or NULL. A new page takes a slot only
 * when `start`. */
static cu_slot *next_slot(cu_http_half *h, bool start, int64_t *at)
{
    cu_slot *best = NULL;
    uint32_t item;
    int64_t offset;
    if (h->flying >= h->concurrency)
        return NULL;
    for (uint32_t i = 0; i < h->n_slots; i++) {
        cu_slot *s = &h->slots[i];
        if (s->state == CU_SLOT_WAITING && (!best || s->due_us < best->due_us))
            best = s;
    }
    int64_t now = cu_mono_us(h->c->o.env);
    cu_slot *fresh = free_slot(h);
    if ((!best || best->due_us > now) && fresh &&
        next_page(h, &item, &offset)) {
        best = fresh;
        if (start) {
            cu_slot_start(h, best, item, offset);
            h->items[item].sent = offset + step_of(h);
        }
    }
    if (!best)
        return NULL;
    int64_t gate = cu_wait_gate(h);
    *at = best->due_us > gate ? best->due_us : gate;
    return best;
}

static int send_ready(cu_http_half *h, cu_err *err)
{
    int64_t at;
    for (;;) {
        if (!next_slot(h, false, &at) || at > cu_mono_us(h->c->o.env))
            return 0;
        int rc = cu_slot_send(h, next_slot(h, true, &at), err);
        if (rc)
            return rc;
    }
}

static int take_ready(cu_http_half *h, cu_err *err)
{
    bool took = true;
    int rc = 0;
    while (!rc && took && h->http->vt->in_flight(h->http) > 0)
        rc = cu_slots_take(h, 0, &took, err);
    return rc;
}

/* Waits for an answer, or until the next request may go out.  *idle: nothing
 * happened, and waiting here would not help. */
static int wait_some(cu_http_half *h, int64_t until_us, bool *idle,
                     int64_t *wake_us, cu_err *err)
{
    int64_t now = cu_mono_us(h->c->o.env), at = INT64_MAX;
    bool took = false;
    cu_slot *next = next_slot(h, false, &at);
    *idle = false;
    *wake_us = at;
    if (h->flying == 0) {
        CU_ASSERT(next); /* 1: something is always to be done */
        *idle = at > now;
        return 0;
    }
    int64_t until = next && at < until_us ? at : until_us;
    int64_t wait = until > now ? (until - now + 999) / 1000 : 0;
    int rc = cu_slots_take(h, wait, &took, err);
    *idle = !took && cu_mono_us(h->c->o.env) < until;
    return rc;
}

static int http_work(void *half, int64_t until_us, cu_collect_state *state,
                     int64_t *wake_us, cu_err *err)
{
    cu_http_half *h = half;
    for (;;) {
        int rc = take_ready(h, err);
        if (!rc)
            rc = cu_pages_publish(h, err);
        if (rc)
            return rc;
        if (h->outage.code) {
            *err = h->outage;
            return err->code;
        }
        cu_arena_reset(h->c->scratch);
        if (cu_publish_limit(h->c) || h->n_ended == h->n_items) {
            *state = CU_COLLECT_PASSED;
            return cu_publish_limit(h->c) ? 0 : cu_items_finish(h, err);
        }
        bool idle = false;
        rc = send_ready(h, err);
        if (!rc)
            rc = wait_some(h, until_us, &idle, wake_us, err);
        if (rc)
            return rc;
        if (idle && h->flying == 0) {
            *state = CU_COLLECT_WAITING;
            return 0;
        }
        *state = CU_COLLECT_WORKING;
        *wake_us = 0;
        if (idle || cu_mono_us(h->c->o.env) >= until_us)
            return 0;
    }
}

/* --- status, opening, closing -------------------------------------------- */

static void http_status(const void *half, cu_buf *out)
{
    const cu_http_half *h = half;
    if (h->first >= h->n_items) {
        cu_buf_put_str(out, "finishing");
        return;
    }
    const cu_item *it = &h->items[h->first];
    cu_buf_printf(out, "page %lld",
                  (long long)(h->limit ? it->head / h->limit + 1 : 1));
    if (h->limit && it->total >= 0)
        cu_buf_printf(out, " of %lld", (long long)cu_item_pages(h, it));
    for (uint32_t k = 0; k < h->s->n_for_each; k++)
        cu_buf_printf(out, "%s%s", k ? ", " : " of ",
                      cu_item_value(h, h->first, k));
    int64_t now = cu_mono_us(h->c->o.env), at = INT64_MAX;
    const char *why = "";
    for (uint32_t i = 0; i < h->n_slots; i++) {
        const cu_slot *s = &h->slots[i];
        if (s->state == CU_SLOT_WAITING && s->due_us < at) {
            at = s->due_us;
            why = s->why;
        }
    }
    if (h->pause_until_us > now)
        cu_buf_printf(out, "; waits %lld s (%d)",
                      (long long)(h->pause_until_us - now + 999999) / 1000000,
                      h->pause_status);
    else if (h->flying)
        cu_buf_printf(out, "; %u under way", h->flying);
    else if (at != INT64_MAX && at > now)
        cu_buf_printf(out, "; waits %lld s (%s)",
                      (long long)(at - now + 999999) / 1000000, why);
}

static int parse_paths(cu_http_half *h, cu_err *err)
{
    const cu_http_source *s = h->s;
    cu_arena *a = h->c->arena;
    int rc = 0;
    h->require = cu_arena_calloc(a, s->n_require + 1, sizeof(*h->require));
    for (uint32_t i = 0; i < s->n_require && !rc; i++)
        rc = cu_path_parse(cu_slice_of(s->require[i]), a, &h->require[i], err);
    if (!rc && s->total_path)
        rc = cu_path_parse(cu_slice_of(s->total_path), a, &h->total, err);
    if (!rc && s->items_path)
        rc = cu_path_parse(cu_slice_of(s->items_path), a, &h->items_path, err);
    h->wants_json = s->n_require || s->total_path || s->items_path;
    return rc;
}

static int configure(cu_http_half *h, cu_err *err)
{
    const cu_http_source *s = h->s;
    cu_collector *c = h->c;
    if (s->paginator == CU_PAGE_OFFSET && (s->limit < 1 || !s->total_path))
        return cu_fail(err, CU_USAGE, 0,
                       "table %s: paginator 'offset' needs limit and "
                       "total_path",
                       c->o.table);
    h->limit = s->paginator == CU_PAGE_OFFSET ? s->limit : 0;
    h->user_agent = s->user_agent ? s->user_agent : "cupel/" CUPEL_VERSION;
    size_t len = strlen(s->url);
    while (len > 0 && s->url[len - 1] == '/')
        len--;
    h->base = cu_arena_strn(c->arena, s->url, len);
    h->param_headers = cu_arena_calloc(c->arena, s->n_for_each + 1,
                                       sizeof(*h->param_headers));
    for (uint32_t k = 0; k < s->n_for_each; k++)
        h->param_headers[k] = cu_arena_printf(c->arena, CU_H_PARAM "%s",
                                              s->for_each[k].name);
    h->concurrency = s->concurrency ? s->concurrency : 1;
    if (h->concurrency > MOST_CONCURRENCY)
        h->concurrency = MOST_CONCURRENCY;
    h->n_slots = 2 * h->concurrency + 2;
    h->slots = cu_calloc(h->n_slots, sizeof(*h->slots));
    double rate = s->rate_per_s > 0 ? s->rate_per_s : 1;
    h->interval_us = (int64_t)(1e6 / rate);
    int rc = cu_url_check(h, err);
    if (!rc)
        rc = parse_paths(h, err);
    return rc ? rc : cu_items_make(h, err);
}

static void http_close(void *half)
{
    cu_http_half *h = half;
    forget_slots(h);
    cu_free(h->slots);
    cu_free(h->items);
    cu_free(h);
}

static int http_open(cu_collector *c, void **out, cu_err *err)
{
    cu_http_half *h = cu_calloc(1, sizeof(*h));
    h->c = c;
    h->s = c->o.http;
    h->http = c->o.client;
    h->next_tag = c->o.env->vt->chance(c->o.env) << 20 | 1;
    c->every_ms = h->s->every_ms;
    int rc = configure(h, err);
    if (rc) {
        http_close(h);
        return rc;
    }
    *out = h;
    return 0;
}

const cu_source_vt cu_http_source_vt = {
    .name = "http",
    .open = http_open,
    .reset = http_reset,
    .begin_pass = http_begin_pass,
    .work = http_work,
    .status = http_status,
    .close = http_close,
};
