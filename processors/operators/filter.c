/* Filter: rows whose predicate is true pass; false, NULL and failing rows do
 * not.  The batch goes on with another selection; nothing is copied. */
#include "processors/operators/int.h"

typedef struct filter {
    cu_op op;
    cu_prog *prog;
    cu_row_faults faults;
} filter;

static int filter_open(cu_op *op, cu_err *err)
{
    filter *f = (filter *)op;
    cu_expr *predicate = op->node->filter.predicate;
    return cu_prog_compile(&predicate, 1, op->node->inputs[0]->schema,
                           op->env->expr, &f->prog, err);
}

static int filter_push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    filter *f = (filter *)op;
    (void)port;
    uint16_t *sel = cu_arena_alloc(op->arena, CU_BATCH_ROWS * sizeof(*sel));
    uint32_t n = cu_prog_filter(f->prog, b, op->arena, sel, &f->faults);
    if (f->faults.n) {
        int rc = cu_faults_report(op, b, &f->faults, NULL, err);
        if (rc)
            return rc;
    }
    if (n == b->n_sel)
        return cu_op_emit(op, b, err);
    return cu_op_emit(op, cu_batch_select(op->arena, b, sel, n), err);
}

static void filter_close(cu_op *op)
{
    cu_prog_free(((filter *)op)->prog);
}

cu_op *cu_filter_new(void)
{
    static const cu_op_vt vt = {.name = "filter",
                                .open = filter_open,
                                .push = filter_push,
                                .close = filter_close};
    filter *f = cu_calloc(1, sizeof(*f));
    cu_op_init(&f->op, &vt);
    return &f->op;
}
