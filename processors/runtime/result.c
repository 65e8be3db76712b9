/* A result: the rows of a bag, sorted, cut and projected.
 *
 * COPY and `cupel query` maintain everything but the outermost ORDER BY,
 * LIMIT and OFFSET; those are done here, over a copy of the rows.  The sort
 * compares key bytes (memcmp order is ORDER BY order); equal keys keep the
 * order in which the rows came, which is the bag's key order.
 */
#include "processors/runtime/int.h"

#include <stdlib.h>

typedef struct ref {
    cu_slice key;
    const cu_batch *batch;
    uint32_t row;
    uint32_t at; /* arrival */
} ref;

struct cu_result {
    const cu_copy_def *copy;
    cu_arena *arena; /* rows */
    cu_arena *page;  /* the batch that was handed out */
    ref *refs;
    size_t n, cap;
    bool sorted;
    size_t next, end;
    cu_schema *schema; /* of what is handed out */
};

cu_result *cu_result_new(const cu_copy_def *copy)
{
    cu_result *r = cu_calloc(1, sizeof(*r));
    r->copy = copy;
    r->arena = cu_arena_new(64 * 1024);
    r->page = cu_arena_new(0);
    r->schema = cu_schema_new(r->arena, copy->n_cols);
    for (uint32_t k = 0; k < copy->n_cols; k++)
        r->schema->fields[k] = copy->view->schema->fields[copy->cols[k]];
    return r;
}

void cu_result_free(cu_result *r)
{
    cu_arena_free(r->arena);
    cu_arena_free(r->page);
    cu_free(r->refs);
    cu_free(r);
}

static void add(cu_result *r, const cu_batch *b, uint32_t row, cu_slice key)
{
    if (r->n == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 1024;
        r->refs = cu_realloc(r->refs, r->cap * sizeof(*r->refs));
    }
    r->refs[r->n] = (ref){key, b, row, (uint32_t)r->n};
    r->n++;
}

int cu_result_add(void *result, const cu_batch *in, cu_err *err)
{
    (void)err;
    cu_result *r = result;
    CU_ASSERT(!r->sorted);
    const cu_batch *b = cu_batch_copy(r->arena, in);
    cu_buf key = {0};
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        cu_buf_clear(&key);
        cu_key_encode(b, row, r->copy->order, r->copy->n_order, &key);
        cu_slice own = cu_arena_slice(r->arena, cu_buf_slice(&key));
        for (int32_t w = cu_batch_weight(b, row); w > 0; w--)
            add(r, b, row, own);
    }
    cu_buf_free(&key);
    return 0;
}

static int by_key(const void *a, const void *b)
{
    const ref *x = a, *y = b;
    int c = cu_slice_cmp(x->key, y->key);
    if (c)
        return c;
    return (x->at > y->at) - (x->at < y->at);
}

static void finish(cu_result *r)
{
    if (r->copy->n_order && r->n)
        qsort(r->refs, r->n, sizeof(*r->refs), by_key);
    r->next = r->copy->offset > 0 ? (size_t)r->copy->offset : 0;
    r->end = r->n;
    if (r->copy->limit >= 0 && r->next + (size_t)r->copy->limit < r->n)
        r->end = r->next + (size_t)r->copy->limit;
    r->sorted = true;
}

const cu_schema *cu_result_schema(const cu_result *r)
{
    return r->schema;
}

const cu_batch *cu_result_next(cu_result *r)
{
    if (!r->sorted)
        finish(r);
    if (r->next >= r->end)
        return NULL;
    cu_arena_reset(r->page);
    size_t left = r->end - r->next;
    uint32_t n = left < CU_BATCH_ROWS ? (uint32_t)left : CU_BATCH_ROWS;
    cu_batch *b = cu_batch_new(r->page, r->schema, n);
    for (uint32_t i = 0; i < n; i++) {
        const ref *from = &r->refs[r->next + i];
        uint32_t row = cu_batch_add(b, 1);
        for (uint32_t k = 0; k < r->copy->n_cols; k++)
            cu_col_copy(r->page, &b->cols[k], row, n,
                        &from->batch->cols[r->copy->cols[k]], from->row);
    }
    cu_batch_seal(b);
    r->next += n;
    return b;
}
