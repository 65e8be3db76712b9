/* Sorting by key bytes.
 *
 * State keys share long prefixes, and memcmp through a qsort callback costs
 * more than everything else about a dirty key.  So: skip what all keys share,
 * take the next eight bytes as a big-endian number, merge sort by these, and
 * go deeper only into runs that tie.  Keys that end inside the eight bytes
 * would tie with keys that go on with zeros; such runs are compared whole.
 */
#include "state/sort.h"

#include "base/alloc.h"

enum { SMALL = 24 };

static uint64_t head_of(cu_slice key, size_t skip)
{
    uint64_t head = 0;
    if (key.len >= skip + 8) {
        memcpy(&head, key.data + skip, 8);
        return __builtin_bswap64(head);
    }
    for (size_t i = 0; i < 8; i++)
        head = head << 8 |
               (skip + i < key.len ? (unsigned char)key.data[skip + i] : 0);
    return head;
}

/* How many first bytes all keys share; they share `from` already. */
static size_t shared(const cu_keyed *items, size_t n, size_t from)
{
    cu_slice first = items[0].key;
    size_t most = first.len;
    for (size_t i = 1; i < n && most > from; i++) {
        cu_slice key = items[i].key;
        size_t max = key.len < most ? key.len : most, k = from;
        while (k < max && key.data[k] == first.data[k])
            k++;
        most = k;
    }
    return most;
}

static bool less(const cu_keyed *a, const cu_keyed *b, bool whole)
{
    if (a->head != b->head || !whole)
        return a->head < b->head;
    return cu_slice_cmp(a->key, b->key) < 0;
}

static void insertion_sort(cu_keyed *items, size_t n, bool whole)
{
    for (size_t i = 1; i < n; i++) {
        cu_keyed x = items[i];
        size_t at = i;
        for (; at > 0 && less(&x, &items[at - 1], whole); at--)
            items[at] = items[at - 1];
        items[at] = x;
    }
}

static void merge(const cu_keyed *a, size_t na, const cu_keyed *b, size_t nb,
                  cu_keyed *to, bool whole)
{
    while (na && nb) {
        if (less(b, a, whole))
            *to++ = *b++, nb--;
        else
            *to++ = *a++, na--;
    }
    memcpy(to, na ? a : b, (na ? na : nb) * sizeof(*to));
}

static void merge_sort(cu_keyed *items, size_t n, cu_keyed *spare, bool whole)
{
    if (n <= SMALL) {
        insertion_sort(items, n, whole);
        return;
    }
    size_t half = n / 2;
    merge_sort(items, half, spare, whole);
    merge_sort(items + half, n - half, spare, whole);
    if (!less(&items[half], &items[half - 1], whole))
        return;
    memcpy(spare, items, half * sizeof(*items));
    merge(spare, half, items + half, n - half, items, whole);
}

static bool all_reach(const cu_keyed *items, size_t n, size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (items[i].key.len < len)
            return false;
    return true;
}

static void sort_from(cu_keyed *items, size_t n, size_t from, cu_keyed *spare)
{
    size_t skip = shared(items, n, from);
    for (size_t i = 0; i < n; i++)
        items[i].head = head_of(items[i].key, skip);
    merge_sort(items, n, spare, false);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && items[end].head == items[i].head; end++)
            ;
        if (end - i == 1)
            continue;
        if (end - i > SMALL && all_reach(items + i, end - i, skip + 8))
            sort_from(items + i, end - i, skip + 8, spare);
        else
            merge_sort(items + i, end - i, spare, true);
    }
}

void cu_sort_keyed(cu_keyed *items, size_t n)
{
    size_t sorted = 1;
    while (sorted < n &&
           cu_slice_cmp(items[sorted - 1].key, items[sorted].key) <= 0)
        sorted++;
    if (sorted >= n)
        return;
    cu_keyed *spare = cu_alloc((n / 2 + 1) * sizeof(*spare));
    sort_from(items, n, 0, spare);
    cu_free(spare);
}
