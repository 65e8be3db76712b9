/* What changed between two generations of a view's rows.
 *
 * Both stand in the same table, by the same keys, in two spaces (or in two
 * generations of one): they are merged in key order, and what differs comes
 * out as materialize would have emitted it: per key at most one -1 and one +1,
 * adjacent, the -1 first, in the same batch (M1); of a bag net weights.
 *
 *   was   a 1   b 2   c 3            -1 b 2, +1 b 5, -1 c 3, +1 d 4
 *   is    a 1   b 5        d 4
 *
 * The iterators are closed before a batch is given away, so that its taker may
 * write into other tables of the same space.
 */
#include "processors/operators/int.h"
#include "processors/plan/program.h"

enum { PAIRS = CU_BATCH_ROWS / 2 };

typedef int push_fn(void *ctx, const cu_batch *b, cu_err *err);

typedef struct side {
    cu_table *table;
    cu_table_iter *it;
    bool more;
    cu_slice key, value;
} side;

typedef struct diff {
    const cu_node *node;
    side was, is;
    cu_arena *arena;
    cu_batch *batch;
    cu_buf from; /* where the next batch begins */
    bool over;
} diff;

static int give(diff *d, cu_slice row, int64_t weight, cu_err *err)
{
    if (weight == 0)
        return 0;
    if (weight > INT32_MAX || weight < -INT32_MAX)
        return cu_fail(err, CU_LIMIT, 0, "a row of a bag is there too often");
    return cu_row_decode(row, d->batch, (int32_t)weight, true, err);
}

static int one_key(diff *d, bool was, bool is, cu_err *err)
{
    cu_slice old = CU_NULL_SLICE, now = CU_NULL_SLICE;
    int64_t n_old = 0, n_now = 0;
    int rc = 0;
    if (was)
        rc = cu_materialize_entry(d->node, d->was.key, d->was.value, &old,
                                  &n_old, err);
    if (rc == 0 && is)
        rc = cu_materialize_entry(d->node, d->is.key, d->is.value, &now, &n_now,
                                  err);
    if (rc)
        return rc;
    if (d->node->materialize.bag)
        return give(d, is ? now : old, n_now - n_old, err);
    if (was && is && cu_slice_eq(old, now))
        return 0;
    rc = give(d, old, -n_old, err);
    return rc ? rc : give(d, now, n_now, err);
}

static void advance(side *s)
{
    s->more = cu_table_iter_next(s->it, &s->key, &s->value);
}

static int open_side(side *s, cu_slice from, cu_err *err)
{
    s->it = NULL;
    int rc = cu_table_scan(s->table, from, CU_NULL_SLICE, false, &s->it, err);
    if (rc == 0)
        advance(s);
    return rc;
}

static int close_side(side *s, cu_err *err)
{
    return s->it ? cu_table_iter_close(s->it, err) : 0;
}

static int compare(const diff *d)
{
    if (!d->was.more || !d->is.more)
        return d->was.more ? -1 : 1;
    return cu_slice_cmp(d->was.key, d->is.key);
}

/* As many differences as a batch takes. */
static int merge(diff *d, cu_err *err)
{
    int rc = 0;
    while (rc == 0 && (d->was.more || d->is.more)) {
        int order = compare(d);
        if (d->batch->n_rows + 2 > 2 * PAIRS) {
            cu_slice next = order <= 0 ? d->was.key : d->is.key;
            cu_buf_clear(&d->from);
            cu_buf_put_slice(&d->from, next);
            return 0;
        }
        rc = one_key(d, order <= 0, order >= 0, err);
        if (order <= 0)
            advance(&d->was);
        if (order >= 0)
            advance(&d->is);
    }
    d->over = true;
    return rc;
}

static int some(diff *d, push_fn *push, void *ctx, cu_err *err)
{
    cu_arena_reset(d->arena);
    d->batch = cu_batch_new(d->arena, d->node->schema, CU_BATCH_ROWS);
    int rc = open_side(&d->was, cu_buf_slice(&d->from), err);
    if (rc == 0)
        rc = open_side(&d->is, cu_buf_slice(&d->from), err);
    if (rc == 0)
        rc = merge(d, err);
    int closed = close_side(&d->was, rc ? NULL : err);
    rc = rc ? rc : closed;
    closed = close_side(&d->is, rc ? NULL : err);
    rc = rc ? rc : closed;
    if (rc || d->batch->n_rows == 0)
        return rc;
    cu_batch_seal(d->batch);
    return push(ctx, d->batch, err);
}

int cu_materialize_diff(cu_space *was, cu_space *is, const cu_node *node,
                        push_fn *push, void *ctx, cu_err *err)
{
    diff d = {.node = node};
    uint16_t table = cu_node_state_table(node, 0);
    int rc = 0;
    CU_ASSERT(node->kind == CU_N_MATERIALIZE);
    CU_ASSERT(node->n_key || node->single || node->materialize.bag);
    d.was.table = cu_space_table(was, table);
    d.is.table = cu_space_table(is, table);
    d.arena = cu_arena_new(0);
    cu_buf_reserve(&d.from, 1);
    while (rc == 0 && !d.over)
        rc = some(&d, push, ctx, err);
    cu_arena_free(d.arena);
    cu_buf_free(&d.from);
    return rc;
}
