/* Reading what a materialize keeps: an entry, and, from outside a pipeline, all
 * rows of a space in the order of their keys.  Of a key in dispute
 * (materialize.c) the first row is the view's.
 */
#include "processors/operators/int.h"
#include "processors/plan/program.h"

typedef int push_fn(void *ctx, const cu_batch *b, cu_err *err);

typedef struct reading {
    const cu_node *node;
    cu_arena *arena;
    cu_batch *batch;
    push_fn *push;
    void *ctx;
} reading;

static int send(reading *r, cu_err *err)
{
    if (!r->batch)
        return 0;
    cu_batch_seal(r->batch);
    int rc = r->push(r->ctx, r->batch, err);
    r->batch = NULL;
    cu_arena_reset(r->arena);
    return rc;
}

static int read_row(reading *r, cu_slice row, int64_t weight, cu_err *err)
{
    int rc = 0;
    while (weight > 0 && !rc) {
        int32_t w = weight > INT32_MAX ? INT32_MAX : (int32_t)weight;
        if (r->batch && r->batch->n_rows == r->batch->capacity)
            rc = send(r, err);
        if (!r->batch)
            r->batch = cu_batch_new(r->arena, r->node->schema, CU_BATCH_ROWS);
        rc = rc ? rc : cu_row_decode(row, r->batch, w, true, err);
        weight -= w;
    }
    return rc;
}

int cu_materialize_entry(const cu_node *node, cu_slice key, cu_slice value,
                         cu_slice *row, int64_t *weight, cu_err *err)
{
    cu_scan s = cu_scan_of(value);
    bool good = cu_scan_u8(&s) == CU_MATERIALIZE_VERSION;
    uint64_t n = cu_scan_varint(&s);
    if (node->materialize.bag) {
        uint64_t skip = cu_scan_varint(&s);
        good = good && skip <= key.len && n <= INT64_MAX;
        *row = good ? cu_slice_n(key.data + skip, key.len - skip) : key;
        *weight = (int64_t)n;
    } else {
        cu_scan_svarint(&s);
        *row = cu_scan_lslice(&s);
        *weight = 1;
    }
    if (s.bad || !good || n == 0)
        return cu_fail(err, CU_CORRUPT, 0,
                       "materialize (node %u): a stored value does not check "
                       "out",
                       node->id);
    return 0;
}

static int read_entry(reading *r, cu_slice key, cu_slice value, cu_err *err)
{
    cu_slice row;
    int64_t weight;
    int rc = cu_materialize_entry(r->node, key, value, &row, &weight, err);
    return rc ? rc : read_row(r, row, weight, err);
}

int cu_materialize_scan(cu_space *space, const cu_node *node, push_fn *give,
                        void *ctx, cu_err *err)
{
    reading r = {.node = node, .push = give, .ctx = ctx};
    cu_table_iter *it;
    cu_slice key, value;
    CU_ASSERT(node->kind == CU_N_MATERIALIZE);
    if (node->n_key == 0 && !node->single && !node->materialize.bag)
        return cu_fail(err, CU_UNSUPPORTED, 0,
                       "view %s is append-only without key: its rows are in "
                       "its topic only",
                       node->materialize.view ? node->materialize.view->name
                                              : "?");
    cu_table *t = cu_space_table(space, cu_node_state_table(node, 0));
    int rc = cu_table_scan(t, CU_LIT(""), CU_NULL_SLICE, false, &it, err);
    if (rc)
        return rc;
    r.arena = cu_arena_new(0);
    while (!rc && cu_table_iter_next(it, &key, &value))
        rc = read_entry(&r, key, value, err);
    int closed = cu_table_iter_close(it, rc ? NULL : err);
    rc = rc ? rc : closed;
    rc = rc ? rc : send(&r, err);
    cu_arena_free(r.arena);
    return rc;
}
