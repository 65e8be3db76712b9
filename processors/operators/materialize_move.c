/* The entries of a materialize as they are stored, with their rows: for who
 * moves them into another space (repartition).  Of a key in dispute the first
 * row decides, as it does for readers (materialize_read.c); the entry goes as a
 * whole.
 */
#include "processors/operators/int.h"
#include "processors/plan/program.h"

typedef int visit_fn(void *ctx, const cu_slice *keys, const cu_slice *values,
                     const cu_batch *rows, cu_err *err);

typedef struct page {
    const cu_node *node;
    cu_arena *arena;
    cu_slice keys[CU_BATCH_ROWS], values[CU_BATCH_ROWS];
    cu_batch *rows;
    uint32_t n;
} page;

static int add(page *p, cu_slice key, cu_slice value, cu_err *err)
{
    cu_slice k = cu_arena_slice(p->arena, key), row;
    cu_slice v = cu_arena_slice(p->arena, value);
    int64_t weight;
    int rc = cu_materialize_entry(p->node, k, v, &row, &weight, err);
    if (rc)
        return rc;
    p->keys[p->n] = k;
    p->values[p->n++] = v;
    return cu_row_decode(row, p->rows, 1, false, err);
}

static int give(page *p, visit_fn *visit, void *ctx, cu_err *err)
{
    if (p->n == 0)
        return 0;
    cu_batch_seal(p->rows);
    return visit(ctx, p->keys, p->values, p->rows, err);
}

static void turn(page *p)
{
    p->n = 0;
    cu_arena_reset(p->arena);
    p->rows = cu_batch_new(p->arena, p->node->schema, CU_BATCH_ROWS);
}

int cu_materialize_each(cu_space *space, const cu_node *node, visit_fn *visit,
                        void *ctx, cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    CU_ASSERT(node->kind == CU_N_MATERIALIZE);
    cu_table *t = cu_space_table(space, cu_node_state_table(node, 0));
    int rc = cu_table_scan(t, CU_LIT(""), CU_NULL_SLICE, false, &it, err);
    if (rc)
        return rc;
    page *p = cu_calloc(1, sizeof(*p));
    p->node = node;
    p->arena = cu_arena_new(0);
    turn(p);
    while (!rc && cu_table_iter_next(it, &key, &value)) {
        rc = add(p, key, value, err);
        if (!rc && p->n == CU_BATCH_ROWS) {
            rc = give(p, visit, ctx, err);
            turn(p);
        }
    }
    int closed = cu_table_iter_close(it, rc ? NULL : err);
    rc = rc ? rc : closed;
    rc = rc ? rc : give(p, visit, ctx, err);
    cu_arena_free(p->arena);
    cu_free(p);
    return rc;
}
