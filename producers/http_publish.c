/* Pages that are ready become records, in order, with their cursor.
 *
 *     value    the body, byte for byte       key  none
 *     headers  cupel.param.NAME, cupel.param.page_offset, cupel.url,
 *              cupel.fetched_at, cupel.hash
 *
 * A body whose hash is known publishes nothing; its cursor moves to this pass
 * all the same.  A page that was given up becomes a letter with all that a
 * replay needs, and keeps the hash of what was published before.
 */
#include "producers/http.h"

#include "rows/text.h"

#include <stdio.h>

enum { TXN_BYTES = 16 << 20, TXN_RECORDS = 256 };

static int put_cursor(cu_http_half *h, const cu_slot *s, uint64_t hash,
                      cu_err *err)
{
    cu_item *it = &h->items[s->item];
    cu_arena *a = h->c->scratch;
    const char *total = s->total < 0 ? ""
                                     : cu_arena_printf(a, ",\"total\":%lld",
                                                       (long long)s->total);
    const char *value = cu_arena_printf(
        a, "{\"v\":1,\"pass\":%lld,\"hash\":\"%016llx\"%s%s}",
        (long long)h->pass, (unsigned long long)hash, total,
        s->sqlstate ? ",\"dead\":true" : "");
    return cu_publish_cursor(h->c, cu_item_page(h, it, s->offset),
                             cu_slice_of(value), err);
}

/* Where the page came from; into `to`, which has room for all. */
static uint32_t put_params(cu_http_half *h, const cu_slot *s, cu_header *to)
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < h->s->n_for_each; k++)
        to[n++] = (cu_header){cu_slice_of(h->param_headers[k]),
                              cu_slice_of(cu_item_value(h, s->item, k))};
    if (h->limit)
        to[n++] = (cu_header){
            CU_LIT(CU_H_PARAM "page_offset"),
            cu_slice_of(
                cu_arena_printf(h->c->scratch, "%lld", (long long)s->offset))};
    to[n++] = (cu_header){CU_LIT(CU_H_URL), cu_slice_of(s->url)};
    return n;
}

static int publish_letter(cu_http_half *h, const cu_slot *s, cu_slice body,
                          cu_err *err)
{
    cu_arena *a = h->c->scratch;
    cu_header *from = cu_arena_calloc(a, h->s->n_for_each + 2, sizeof(*from));
    uint32_t n = put_params(h, s, from);
    cu_letter_out l = {.sqlstate = s->sqlstate, .value = body};
    for (uint32_t i = 0; i < n; i++)
        if (l.n < CU_LETTER_HEADERS)
            cu_letter_put(&l,
                          cu_arena_strn(a, from[i].name.data, from[i].name.len),
                          from[i].value);
    cu_letter_put(&l, "cupel.attempt",
                  cu_slice_of(cu_arena_printf(a, "%u", s->attempts)));
    cu_letter_put(&l, "cupel.status",
                  cu_slice_of(cu_arena_printf(a, "%d", s->status)));
    l.message = cu_arena_printf(a, "%s: %s (attempt %u)", s->url, s->why,
                                s->attempts);
    return cu_publish_letter(h->c, &l, err);
}

static int publish_record(cu_http_half *h, const cu_slot *s, uint64_t hash,
                          cu_err *err)
{
    cu_arena *a = h->c->scratch;
    cu_header *from = cu_arena_calloc(a, h->s->n_for_each + 4, sizeof(*from));
    uint32_t n = put_params(h, s, from);
    cu_buf at = {0};
    cu_rfc3339_out(s->fetched_us - CU_PG_EPOCH_US, &at);
    from[n++] = (cu_header){CU_LIT(CU_H_FETCHED),
                            cu_arena_slice(a, cu_buf_slice(&at))};
    cu_buf_free(&at);
    from[n++] = (cu_header){
        CU_LIT("cupel.hash"),
        cu_slice_of(cu_arena_printf(a, "%016llx", (unsigned long long)hash))};
    cu_record r = {
        .part = {h->c->o.topic, h->items[s->item].partition},
        .timestamp_ms = s->fetched_us / 1000,
        .value = s->res->body,
        .headers = from,
        .n_headers = n,
    };
    return cu_publish_record(h->c, &r, err);
}

static int publish(cu_http_half *h, cu_slot *s, cu_err *err)
{
    cu_item *it = &h->items[s->item];
    cu_slice rec = cu_cursor_get(h->c, cu_item_page(h, it, s->offset));
    uint64_t known = cu_cursor_hex(rec, "hash"), hash = known;
    int rc = 0;
    if (!s->sqlstate) {
        hash = cu_hash(s->res->body);
        hash += hash == 0; /* 0: nothing was ever published */
        if (hash == known)
            h->c->pending.unchanged++;
        else
            rc = publish_record(h, s, hash, err);
        if (rc == CU_LIMIT && !(err->flags & CU_ABORT)) {
            cu_slice body = s->res->body;
            snprintf(s->why, sizeof(s->why), "%.390s", err->msg);
            s->sqlstate = CU_STATE_TOO_LONG;
            cu_err_clear(err);
            hash = known;
            rc = publish_letter(h, s, body, err);
        }
    } else {
        rc = publish_letter(h, s, cu_buf_slice(&s->first), err);
    }
    if (!rc)
        rc = put_cursor(h, s, hash, err);
    if (!rc)
        cu_item_advance(h, it, s->total);
    return rc;
}

/* Pages that turned out not to exist. */
static void free_beyond(cu_http_half *h, uint32_t item)
{
    for (uint32_t i = 0; i < h->n_slots; i++) {
        cu_slot *s = &h->slots[i];
        if (s->state != CU_SLOT_FREE && s->item == item)
            cu_slot_free(h, s);
    }
}

/* One page of which all before are published, or NULL. */
static cu_slot *ready(cu_http_half *h)
{
    for (uint32_t i = 0; i < h->n_slots; i++) {
        cu_slot *s = &h->slots[i];
        if (s->state == CU_SLOT_DONE && h->items[s->item].head == s->offset)
            return s;
    }
    return NULL;
}

int cu_pages_publish(cu_http_half *h, cu_err *err)
{
    int rc = 0;
    cu_collector *c = h->c;
    for (cu_slot *s; !rc && !cu_publish_limit(c) && (s = ready(h));) {
        uint32_t item = s->item;
        /* A page that an outage swallowed is no letter. */
        if (s->sqlstate && s->silent && h->outage.code)
            break;
        rc = publish(h, s, err);
        cu_slot_free(h, s);
        if (h->items[item].ended)
            free_beyond(h, item);
        if (!rc && (c->txn_bytes > TXN_BYTES || c->txn_records > TXN_RECORDS))
            rc = cu_publish_commit(c, err);
    }
    return rc ? rc : cu_publish_commit(c, err);
}
