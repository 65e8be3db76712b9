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

/* --- numbers ------------------------------------------------------------- */

bool cu_item_peers(const cu_item *a, const cu_item *b)
{
    cu_slice x = cu_item_key(a), y = cu_item_key(b);
    x.len -= sizeof(uint64_t);
    y.len -= sizeof(uint64_t);
    return cu_slice_eq(x, y);
}

size_t cu_window_shown(const cu_window *w, cu_rank_fn fn, size_t limit)
{
    size_t i = fn == CU_RANK_DENSE_RANK ? 0 : limit, groups = 0;
    if (w->n <= i || limit == 0)
        return w->n < i ? w->n : i;
    switch (fn) {
    case CU_RANK_ROW_NUMBER:
        break;
    case CU_RANK_RANK:
        while (i < w->n && cu_item_peers(w->at[i], w->at[limit - 1]))
            i++;
        break;
    case CU_RANK_DENSE_RANK:
        for (; i < w->n; i++) {
            groups += i == 0 || !cu_item_peers(w->at[i - 1], w->at[i]);
            if (groups > limit)
                break;
        }
        break;
    }
    return i;
}

size_t *cu_window_numbers(const cu_window *w, cu_rank_fn fn, size_t n,
                          cu_arena *a)
{
    size_t *numbers = cu_arena_alloc(a, (n + 1) * sizeof(*numbers));
    size_t number = 0;
    for (size_t i = 0; i < n; i++) {
        bool peer = fn != CU_RANK_ROW_NUMBER && i > 0 &&
                    cu_item_peers(w->at[i - 1], w->at[i]);
        if (!peer)
            number = fn == CU_RANK_DENSE_RANK ? number + 1 : i + 1;
        numbers[i] = number;
    }
    return numbers;
}

/* --- comparing ----------------------------------------------------------- */

static cu_keyed *sorted(cu_ranked_item *list, size_t n, cu_arena *a)
{
    cu_keyed *items = cu_arena_alloc(a, n * sizeof(*items));
    for (size_t i = 0; i < n; i++)
        items[i] = (cu_keyed){.key = cu_item_row(list[i].item),
                              .item = &list[i]};
    cu_sort_keyed(items, n);
    return items;
}

/* Takes out of both lists what is byte-equal and of one number: sorted views
 * of the rows are walked together; equal rows stand by number. */
static void cancel(cu_window_diff *d, cu_arena *a)
{
    if (!d->n_gone || !d->n_come)
        return;
    cu_keyed *g = sorted(d->gone, d->n_gone, a);
    cu_keyed *c = sorted(d->come, d->n_come, a);
    for (size_t i = 0, k = 0; i < d->n_gone && k < d->n_come;) {
        cu_ranked_item *x = g[i].item, *y = c[k].item;
        int order = cu_slice_cmp(g[i].key, c[k].key);
        if (order == 0)
            order = x->number < y->number ? -1 : x->number > y->number;
        if (order == 0)
            x->item = y->item = NULL;
        i += order <= 0;
        k += order >= 0;
    }
}

static size_t squeeze(cu_ranked_item *list, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (list[i].item)
            list[kept++] = list[i];
    return kept;
}

static cu_ranked_item item_of(const cu_numbered *w, size_t i)
{
    return (cu_ranked_item){w->window->at[i], w->numbers ? w->numbers[i] : 0};
}

cu_window_diff cu_window_compare(const cu_numbered *old, const cu_numbered *now,
                                 size_t from, cu_arena *a)
{
    size_t i = from, k = from;
    cu_window_diff d = {0};
    d.gone = cu_arena_alloc(a, (old->end + 1) * sizeof(*d.gone));
    d.come = cu_arena_alloc(a, (now->end + 1) * sizeof(*d.come));
    while (i < old->end || k < now->end) {
        cu_ranked_item x = i < old->end ? item_of(old, i) : (cu_ranked_item){0};
        cu_ranked_item y = k < now->end ? item_of(now, k) : (cu_ranked_item){0};
        int order = !x.item            ? 1
                    : !y.item          ? -1
                    : x.item == y.item ? 0
                                       : cu_slice_cmp(cu_item_key(x.item),
                                                      cu_item_key(y.item));
        bool same = order == 0 && x.number == y.number;
        if (order <= 0 && !same)
            d.gone[d.n_gone++] = x;
        if (order >= 0 && !same)
            d.come[d.n_come++] = y;
        i += order <= 0;
        k += order >= 0;
    }
    cancel(&d, a);
    d.n_gone = squeeze(d.gone, d.n_gone);
    d.n_come = squeeze(d.come, d.n_come);
    return d;
}
