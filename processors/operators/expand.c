/* Expand: a row per grouping set.
 *
 *   a b | x          sets {a, b}, {a}, {}
 *   1 2 | 5     ->   1 2 | 5 | 1    2    | 0
 *                    1 2 | 5 | 1    NULL | 1
 *                    1 2 | 5 | NULL NULL | 2
 *
 * One batch goes out per set, made of the input's columns, of the group's
 * columns once more or NULL, and the set's number: nothing is copied. */
#include "processors/operators/int.h"

static cu_col null_column(cu_arena *a, cu_type type)
{
    cu_value none = {.type = type, .null = true};
    return cu_col_const(a, &none);
}

static int push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    const cu_node *n = op->node;
    uint32_t n_in = b->n_cols, n_group = n->expand.n_group;
    (void)port;
    for (uint32_t s = 0; s < n->expand.n_sets; s++) {
        cu_batch *out = cu_arena_dup(op->arena, b, sizeof(*b));
        cu_value number = {.type = CU_TYPE(CU_T_INT4), .i4 = (int32_t)s};
        out->schema = n->schema;
        out->n_cols = n->schema->n;
        out->cols = cu_arena_calloc(op->arena, out->n_cols, sizeof(*out->cols));
        memcpy(out->cols, b->cols, n_in * sizeof(*b->cols));
        for (uint32_t i = 0; i < n_group; i++) {
            const cu_col *col = &b->cols[n->expand.group[i]];
            bool in_set = n->expand.sets[s] >> i & 1;
            out->cols[n_in + i] = in_set ? *col
                                         : null_column(op->arena, col->type);
        }
        out->cols[n_in + n_group] = cu_col_const(op->arena, &number);
        int rc = cu_op_emit(op, out, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int open_op(cu_op *op, cu_err *err)
{
    const cu_node *n = op->node;
    CU_ASSERT(n->schema->n == n->inputs[0]->schema->n + n->expand.n_group + 1);
    if (n->expand.n_group > 64)
        return cu_fail(err, CU_LIMIT, 0,
                       "GROUPING SETS over more than 64 columns");
    return 0;
}

cu_op *cu_expand_new(void)
{
    static const cu_op_vt vt = {
        .name = "expand", .open = open_op, .push = push};
    cu_op *op = cu_calloc(1, sizeof(*op));
    cu_op_init(op, &vt);
    return op;
}
