/* Rows side by side.  Both halves are decoded in place: for the time of a
 * call the batch has the columns of one side only. */
#include "processors/operators/pair.h"

int cu_pair_put(cu_batch *b, uint32_t n_left, cu_slice left, cu_slice right,
                int32_t w, cu_err *err)
{
    uint32_t n_cols = b->n_cols;
    cu_batch rest = *b;
    int rc = 0;
    rest.weights = NULL;
    rest.cols += n_left;
    rest.n_cols = n_cols - n_left;
    b->n_cols = n_left;
    if (left.data)
        rc = cu_row_decode(left, b, w, false, err);
    else
        cu_batch_add(b, w);
    b->n_cols = n_cols;
    if (rc || rest.n_cols == 0)
        return rc;
    if (right.data)
        return cu_row_decode(right, &rest, 1, false, err);
    cu_batch_add(&rest, 1);
    return 0;
}

int cu_outbox_pair(cu_outbox *o, uint32_t n_left, cu_slice left, cu_slice right,
                   int64_t weight, cu_err *err)
{
    int rc = 0;
    while (weight && !rc) {
        int32_t w = cu_pair_weight(weight);
        rc = cu_outbox_room(o, 1, err);
        rc = rc ? rc : cu_pair_put(o->batch, n_left, left, right, w, err);
        if (!rc && o->marks)
            o->marks[o->batch->n_rows - 1] = o->mark;
        weight -= w;
    }
    return rc;
}

int cu_pair_pass(cu_op *op, const cu_batch *b, uint32_t first,
                 const uint16_t *rows, uint32_t n, bool marks, cu_err *err)
{
    const cu_schema *schema = op->node->schema;
    cu_batch *out = cu_arena_dup(op->arena, b, sizeof(*b));
    out->schema = schema;
    out->n_cols = schema->n;
    out->cols = cu_arena_calloc(op->arena, schema->n, sizeof(*out->cols));
    for (uint32_t i = 0; i < schema->n; i++) {
        cu_value none = {.type = schema->fields[i].type, .null = true};
        out->cols[i] = i >= first && i < first + b->n_cols
                           ? b->cols[i - first]
                           : cu_col_const(op->arena, &none);
    }
    out->marks = marks ? b->marks : NULL;
    out->origins = NULL;
    out->records = NULL;
    return cu_op_emit(op, cu_batch_select(op->arena, out, rows, n), err);
}
