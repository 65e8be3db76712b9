/* Values: constant rows, emitted once in the life of a stage.  They have no
 * origin and, in a union, no watermark. */
#include "processors/operators/int.h"

static int values_push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    (void)op, (void)port, (void)b;
    return cu_fail(err, CU_UNSUPPORTED, 0, "values take no input");
}

int cu_values_emit(cu_op *op, cu_err *err)
{
    const cu_node *n = op->node;
    cu_arena_reset(op->arena);
    for (uint32_t at = 0; at < n->values.n; at += CU_BATCH_ROWS) {
        uint32_t end = n->values.n - at < CU_BATCH_ROWS ? n->values.n
                                                        : at + CU_BATCH_ROWS;
        cu_batch *b = cu_batch_new(op->arena, n->schema, end - at);
        for (uint32_t r = at; r < end; r++) {
            uint32_t row = cu_batch_add(b, 1);
            for (uint32_t c = 0; c < n->schema->n; c++) {
                cu_value v;
                int rc = cu_expr_fold(op->arena, n->values.rows[r][c], &v, err);
                if (rc)
                    return rc;
                v.type = n->schema->fields[c].type;
                cu_col_set(op->arena, &b->cols[c], row, b->capacity, &v);
            }
        }
        cu_batch_seal(b);
        int rc = cu_op_emit(op, b, err);
        if (rc)
            return rc;
    }
    return 0;
}

cu_op *cu_values_new(void)
{
    static const cu_op_vt vt = {.name = "values", .push = values_push};
    cu_op *op = cu_calloc(1, sizeof(*op));
    cu_op_init(op, &vt);
    return op;
}
