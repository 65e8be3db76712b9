/* Project: new columns computed from old ones, row for row.  Selection,
 * weights, marks and origins are the input's; a row that fails leaves the
 * selection and, when it came (+1), gets a letter. */
#include "processors/operators/int.h"

typedef struct project {
    cu_op op;
    cu_prog *prog;
    cu_row_faults faults;
} project;

static int project_open(cu_op *op, cu_err *err)
{
    project *p = (project *)op;
    const cu_node *n = op->node;
    return cu_prog_compile(n->project.exprs, n->schema->n, n->inputs[0]->schema,
                           op->env->expr, &p->prog, err);
}

static int project_push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    project *p = (project *)op;
    const cu_schema *schema = op->node->schema;
    (void)port;
    cu_batch *out = cu_arena_dup(op->arena, b, sizeof(*b));
    out->schema = schema;
    out->n_cols = schema->n;
    out->arena = op->arena;
    out->cols = cu_arena_calloc(op->arena, schema->n, sizeof(cu_col));
    cu_prog_run(p->prog, b, op->arena, out->cols, &p->faults);
    if (p->faults.n) {
        uint16_t *sel = cu_arena_alloc(op->arena, b->n_sel * sizeof(*sel) + 2);
        int rc = cu_faults_report(op, b, &p->faults, schema, err);
        if (rc)
            return rc;
        out->n_sel = cu_faults_sift(b, &p->faults, sel);
        out->sel = sel;
    }
    return cu_op_emit(op, out, err);
}

static void project_close(cu_op *op)
{
    cu_prog_free(((project *)op)->prog);
}

cu_op *cu_project_new(void)
{
    static const cu_op_vt vt = {.name = "project",
                                .open = project_open,
                                .push = project_push,
                                .close = project_close};
    project *p = cu_calloc(1, sizeof(*p));
    cu_op_init(&p->op, &vt);
    return &p->op;
}
