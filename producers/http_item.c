/* Items and what the cursor knows of their pages.
 *
 *     for_each 'subject: a, b'; 'lang: de, en'
 *     item 0  subject=a&lang=de      page  subject=a&lang=de&page_offset=100
 *     item 1  subject=a&lang=en      names and values percent-encoded, so
 *     item 2  subject=b&lang=de      that "&" and "=" only separate
 *
 * A page of the cursor belongs to the pass that last saw it.  When a pass is
 * done, pages that it did not see are no more: their items became shorter,
 * or were taken out of for_each.  Only items that ended because a page was
 * given up keep theirs, else the next pass would publish them as new.
 */
#include "producers/http.h"

#include "base/alloc.h"

enum { MOST_ITEMS = 1000000 };

const char *cu_item_value(const cu_http_half *h, uint32_t item, uint32_t k)
{
    /* The last for_each changes fastest. */
    for (uint32_t i = h->s->n_for_each; i-- > k + 1;)
        item /= h->s->for_each[i].n_values;
    return h->s->for_each[k].values[item % h->s->for_each[k].n_values];
}

int cu_items_make(cu_http_half *h, cu_err *err)
{
    uint64_t n = 1;
    for (uint32_t i = 0; i < h->s->n_for_each; i++) {
        n *= h->s->for_each[i].n_values;
        if (n > MOST_ITEMS)
            return cu_fail(err, CU_LIMIT, 0,
                           "table %s: for_each gives more than %d "
                           "combinations",
                           h->c->o.table, MOST_ITEMS);
    }
    if (n == 0)
        return cu_fail(err, CU_USAGE, 0, "table %s: for_each has no values",
                       h->c->o.table);
    h->n_items = (uint32_t)n;
    h->items = cu_calloc(n, sizeof(*h->items));
    cu_buf b = {0};
    for (uint32_t i = 0; i < h->n_items; i++) {
        cu_buf_clear(&b);
        for (uint32_t k = 0; k < h->s->n_for_each; k++) {
            cu_buf_put_str(&b, k ? "&" : "");
            cu_url_encode(&b, cu_slice_of(h->s->for_each[k].name));
            cu_buf_put_u8(&b, '=');
            cu_url_encode(&b, cu_slice_of(cu_item_value(h, i, k)));
        }
        cu_slice key = cu_buf_slice(&b);
        h->items[i].key = cu_arena_strn(h->c->arena, key.data, key.len);
        h->items[i].partition = cu_partition_of(key, h->c->o.partitions);
    }
    cu_buf_free(&b);
    return 0;
}

/* The cursor's item of a page. */
cu_slice cu_item_page(cu_http_half *h, const cu_item *it, int64_t offset)
{
    if (!h->limit)
        return cu_slice_of(it->key);
    return cu_slice_of(cu_arena_printf(h->c->scratch, "%s%spage_offset=%lld",
                                       it->key, it->key[0] ? "&" : "",
                                       (long long)offset));
}

/* How many pages the item has as far as we know. */
int64_t cu_item_pages(const cu_http_half *h, const cu_item *it)
{
    return h->limit && it->total > 0 ? (it->total + h->limit - 1) / h->limit
                                     : 1;
}

static void end_item(cu_http_half *h, cu_item *it, bool failed)
{
    it->ended = true;
    it->failed = failed;
    h->n_ended++;
    while (h->first < h->n_items && h->items[h->first].ended)
        h->first++;
}

/* The page at head is done: `total` as it said, -1 when it said nothing. */
void cu_item_advance(cu_http_half *h, cu_item *it, int64_t total)
{
    cu_collector_counts *n = &h->c->counts;
    n->planned -= cu_item_pages(h, it);
    if (total >= 0)
        it->total = total;
    n->planned += cu_item_pages(h, it);
    n->done++;
    it->head += h->limit;
    if (!h->limit || it->head >= it->total)
        end_item(h, it, h->limit && it->total < 0);
    if (it->sent < it->head)
        it->sent = it->head;
}

/* Behind the pages that this pass has seen already. */
void cu_item_resume(cu_http_half *h, cu_item *it)
{
    while (!it->ended) {
        cu_slice rec = cu_cursor_get(h->c, cu_item_page(h, it, it->head));
        if (cu_cursor_int(rec, "pass", 0) != h->pass)
            return;
        cu_item_advance(h, it, cu_cursor_int(rec, "total", -1));
    }
}

/* The items of pages that must not be forgotten, although this pass did not
 * see them: those behind a page that was given up. */
static cu_map *failed_items(const cu_http_half *h)
{
    bool fresh;
    cu_map *m = cu_map_new();
    for (uint32_t i = 0; i < h->n_items; i++) {
        if (h->items[i].failed)
            cu_map_put(m, cu_slice_of(h->items[i].key), &fresh);
    }
    return m;
}

static cu_slice item_of(cu_slice page)
{
    static const char last[] = "page_offset=";
    const char *and = memrchr(page.data, '&', page.len);
    size_t at = and? (size_t)(and-page.data) + 1 : 0;
    if (page.len - at < sizeof(last) - 1 ||
        memcmp(page.data + at, last, sizeof(last) - 1))
        return page;
    return cu_slice_n(page.data, at ? at - 1 : 0);
}

/* Pages that are no more leave the cursor; the pass is done. */
int cu_items_finish(cu_http_half *h, cu_err *err)
{
    cu_map *keep = failed_items(h);
    cu_collector *c = h->c;
    int rc = 0;
    cu_onode *n = cu_omap_seek(c->cursor, CU_LIT(""), false);
    while (n && !rc) {
        cu_slice key = cu_arena_slice(c->scratch, cu_onode_key(n));
        cu_slice rec = cu_slice_of(cu_onode_value(n));
        n = cu_onode_next(n);
        if (!cu_slice_is(key, "pass") &&
            cu_cursor_int(rec, "pass", 0) != h->pass &&
            !cu_map_get(keep, item_of(key)))
            rc = cu_publish_cursor(c, key, CU_NULL_SLICE, err);
    }
    cu_map_free(keep);
    const char *done = cu_arena_printf(c->scratch,
                                       "{\"v\":1,\"pass\":%lld,\"done\":true}",
                                       (long long)h->pass);
    if (!rc)
        rc = cu_publish_cursor(c, CU_LIT("pass"), cu_slice_of(done), err);
    if (!rc)
        rc = cu_publish_commit(c, err);
    h->unfinished = rc != 0;
    return rc;
}
