/* Consolidation: what a pile of deltas amounts to.
 *
 * The live rows of all batches are written as row bytes (byte-exact
 * identity), sorted, and the weights of equal ones added up.  The sort
 * compares eight bytes as a number first; only ties look at the rest.  A
 * hash table would be faster for few distinct rows, but the result has to
 * be in byte order anyway, so that it does not depend on the cuts.
 */
#include "rows/batch.h"

#include "rows/int.h"
#include "rows/key.h"

#include <stdlib.h>

struct item {
    uint64_t head; /* the first bytes after version and count */
    const char *data;
    size_t len;
    uint32_t batch, row;
};

static int compare(const void *pa, const void *pb)
{
    const struct item *a = pa, *b = pb;
    if (a->head != b->head)
        return a->head < b->head ? -1 : 1;
    return cu_slice_cmp(cu_slice_n(a->data, a->len),
                        cu_slice_n(b->data, b->len));
}

static bool same(const struct item *a, const struct item *b)
{
    return a->head == b->head && a->len == b->len &&
           !memcmp(a->data, b->data, a->len);
}

static uint64_t head_of(const char *p, size_t len)
{
    char head[8] = {0};
    memcpy(head, p, len < 8 ? len : 8);
    return __builtin_bswap64(load64(head));
}

static uint32_t collect(cu_arena *a, const cu_batch *const *in, uint32_t n,
                        cu_buf *bytes, struct item **out)
{
    uint32_t total = 0, k = 0;
    for (uint32_t i = 0; i < n; i++)
        total += in[i]->n_sel;
    struct item *items = cu_arena_alloc(a, (total + 1) * sizeof(*items));
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < in[i]->n_sel; j++, k++) {
            uint32_t row = cu_batch_row(in[i], j);
            size_t start = bytes->len;
            cu_row_encode(in[i], row, NULL, in[i]->n_cols, bytes);
            items[k] = (struct item){
                .len = bytes->len - start, .batch = i, .row = row};
        }
    }
    const char *p = bytes->data; /* it does not move any more */
    for (k = 0; k < total; k++) {
        items[k].data = p;
        items[k].head = head_of(p + 2, items[k].len - 2);
        p += items[k].len;
    }
    *out = items;
    return total;
}

struct output {
    cu_arena *arena;
    const cu_schema *schema;
    uint32_t capacity;
    cu_batch **batches;
    uint32_t n;
};

static void put(struct output *o, const cu_batch *from, uint32_t row,
                int64_t weight)
{
    while (weight) {
        int64_t w = weight > INT32_MAX    ? INT32_MAX
                    : weight < -INT32_MAX ? -INT32_MAX
                                          : weight;
        cu_batch *last = o->n ? o->batches[o->n - 1] : NULL;
        if (!last || last->n_rows == last->capacity) {
            last = cu_batch_new(o->arena, o->schema, o->capacity);
            o->batches[o->n++] = last;
        }
        cu_batch_append(last, from, row, (int32_t)w);
        weight -= w;
    }
}

uint32_t cu_batch_consolidate(cu_arena *a, const cu_batch *const *in,
                              uint32_t n, cu_batch ***out)
{
    *out = NULL;
    if (!n)
        return 0;
    cu_buf bytes = {0};
    struct item *items;
    uint32_t total = collect(a, in, n, &bytes, &items);
    if (total > 1)
        qsort(items, total, sizeof(*items), compare);
    uint32_t capacity = total < CU_BATCH_ROWS ? total : CU_BATCH_ROWS;
    struct output o = {.arena = a,
                       .schema = in[0]->schema,
                       .capacity = capacity ? capacity : 1};
    /* Twice: a weight beyond int32 takes several rows. */
    o.batches = cu_arena_alloc(a, (2 * (size_t)total / o.capacity + 2) *
                                      sizeof(*o.batches));
    for (uint32_t i = 0, end; i < total; i = end) {
        int64_t sum = 0;
        for (end = i; end < total && same(&items[i], &items[end]); end++)
            sum += cu_batch_weight(in[items[end].batch], items[end].row);
        put(&o, in[items[i].batch], items[i].row, sum);
    }
    for (uint32_t i = 0; i < o.n; i++)
        cu_batch_seal(o.batches[i]);
    cu_buf_free(&bytes);
    *out = o.batches;
    return o.n;
}
