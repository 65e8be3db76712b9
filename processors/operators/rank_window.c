/* Windows: the first rows of a partition, sorted by state key.
 *
 * An array, because windows are short (a LIMIT) or were asked for whole.  Rows
 * are counted references, so that the window of the last commit can be kept
 * beside the current one for the price of pointers.
 */
#include "processors/operators/rank.h"

cu_item *cu_item_new(cu_slice key, cu_slice row)
{
    cu_item *i = cu_alloc(sizeof(*i) + key.len + row.len);
    i->refs = 1;
    i->key_len = (uint32_t)key.len;
    i->row_len = (uint32_t)row.len;
    if (key.len)
        memcpy(i->bytes, key.data, key.len);
    memcpy(i->bytes + key.len, row.data, row.len);
    return i;
}

void cu_item_release(cu_item *i)
{
    if (--i->refs == 0)
        cu_free(i);
}

void cu_window_clear(cu_window *w)
{
    for (size_t i = 0; i < w->n; i++)
        cu_item_release(w->at[i]);
    cu_free(w->at);
    *w = (cu_window){0};
}

size_t cu_window_find(const cu_window *w, cu_slice key)
{
    size_t from = 0, to = w->n;
    while (from < to) {
        size_t mid = (from + to) / 2;
        if (cu_slice_cmp(cu_item_key(w->at[mid]), key) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

size_t cu_window_find_row(const cu_window *w, cu_slice order, cu_slice row)
{
    for (size_t i = cu_window_find(w, order); i < w->n; i++) {
        cu_slice key = cu_item_key(w->at[i]);
        if (key.len < order.len || memcmp(key.data, order.data, order.len))
            break;
        if (cu_slice_eq(cu_item_row(w->at[i]), row))
            return i;
    }
    return w->n;
}

static void reserve(cu_window *w, size_t n)
{
    if (n <= w->cap)
        return;
    w->cap = w->cap * 2 > n ? w->cap * 2 : n;
    w->at = cu_realloc(w->at, w->cap * sizeof(*w->at));
}

void cu_window_insert(cu_window *w, size_t at, cu_item *item)
{
    reserve(w, w->n + 1);
    memmove(w->at + at + 1, w->at + at, (w->n - at) * sizeof(*w->at));
    w->at[at] = item;
    w->n++;
    item->refs++;
}

void cu_window_remove(cu_window *w, size_t at)
{
    cu_item_release(w->at[at]);
    w->n--;
    memmove(w->at + at, w->at + at + 1, (w->n - at) * sizeof(*w->at));
}

void cu_window_copy(cu_window *to, const cu_window *from, size_t most)
{
    CU_ASSERT(to->n == 0);
    size_t n = from->n < most ? from->n : most;
    if (n == 0)
        return;
    reserve(to, n);
    memcpy(to->at, from->at, n * sizeof(*to->at));
    to->n = n;
    for (size_t i = 0; i < n; i++)
        to->at[i]->refs++;
}

size_t cu_window_bytes(const cu_window *w)
{
    size_t total = w->cap * sizeof(*w->at);
    for (size_t i = 0; i < w->n; i++)
        total += sizeof(cu_item) + 16 + w->at[i]->key_len + w->at[i]->row_len;
    return total;
}

/* --- comparing ----------------------------------------------------------- */

/* Takes out of both lists what is byte-equal: sorted views of the rows are
 * walked together. */
static void cancel(cu_window_diff *d, cu_arena *a)
{
    if (!d->n_gone || !d->n_come)
        return;
    cu_keyed *g = cu_arena_alloc(a, d->n_gone * sizeof(*g));
    cu_keyed *c = cu_arena_alloc(a, d->n_come * sizeof(*c));
    for (size_t i = 0; i < d->n_gone; i++)
        g[i] = (cu_keyed){.key = cu_item_row(d->gone[i]), .item = &d->gone[i]};
    for (size_t i = 0; i < d->n_come; i++)
        c[i] = (cu_keyed){.key = cu_item_row(d->come[i]), .item = &d->come[i]};
    cu_sort_keyed(g, d->n_gone);
    cu_sort_keyed(c, d->n_come);
    for (size_t i = 0, k = 0; i < d->n_gone && k < d->n_come;) {
        int order = cu_slice_cmp(g[i].key, c[k].key);
        if (order == 0) {
            *(const cu_item **)g[i++].item = NULL;
            *(const cu_item **)c[k++].item = NULL;
        } else if (order < 0) {
            i++;
        } else {
            k++;
        }
    }
}

static size_t squeeze(const cu_item **list, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (list[i])
            list[kept++] = list[i];
    return kept;
}

static size_t end_of(const cu_window *w, size_t visible)
{
    return w->n < visible ? w->n : visible;
}

cu_window_diff cu_window_compare(const cu_window *old, const cu_window *now,
                                 size_t from, size_t visible, cu_arena *a)
{
    size_t end_old = end_of(old, visible), end_now = end_of(now, visible);
    size_t i = from, k = from;
    cu_window_diff d = {0};
    d.gone = cu_arena_alloc(a, (end_old + 1) * sizeof(*d.gone));
    d.come = cu_arena_alloc(a, (end_now + 1) * sizeof(*d.come));
    while (i < end_old || k < end_now) {
        int order = i >= end_old   ? 1
                    : k >= end_now ? -1
                    : old->at[i] == now->at[k]
                        ? 0
                        : cu_slice_cmp(cu_item_key(old->at[i]),
                                       cu_item_key(now->at[k]));
        if (order < 0) {
            d.gone[d.n_gone++] = old->at[i++];
        } else if (order > 0) {
            d.come[d.n_come++] = now->at[k++];
        } else {
            i++;
            k++;
        }
    }
    cancel(&d, a);
    d.n_gone = squeeze(d.gone, d.n_gone);
    d.n_come = squeeze(d.come, d.n_come);
    return d;
}
