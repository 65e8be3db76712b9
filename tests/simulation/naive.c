#include "tests/simulation/naive_int.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "rows/numeric.h"

#include <stdlib.h>

cu_value *sim_row_new(cu_arena *a, uint32_t n, int64_t mark)
{
    cu_value *all = cu_arena_calloc(a, n + 1, sizeof(*all));
    all[0].i8 = mark;
    return all + 1;
}

void sim_rel_add(sim_rel *r, cu_arena *a, cu_value *row)
{
    if (r->n == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 64;
        cu_value **more = cu_arena_calloc(a, r->cap, sizeof(*more));
        if (r->n)
            memcpy(more, r->rows, r->n * sizeof(*more));
        r->rows = more;
    }
    r->rows[r->n++] = row;
}

sim_rel *sim_rel_new(sim_naive *n, const cu_schema *schema)
{
    sim_rel *r = cu_arena_calloc(n->a, 1, sizeof(*r));
    r->schema = schema;
    return r;
}

/* NULL equals NULL, and sorts last. */
int sim_cmp(const cu_value *x, const cu_value *y)
{
    if (x->null || y->null)
        return x->null - y->null;
    return cu_value_cmp(x, y);
}

/* --- expressions, one row at a time --------------------------------------- */

static cu_batch *one_row(sim_naive *n, const cu_schema *schema, cu_value *row)
{
    cu_batch *b = cu_batch_new(n->a, schema, 1);
    cu_batch_add(b, 1);
    for (uint32_t i = 0; i < schema->n; i++) {
        if (row[i].null)
            cu_col_set_null(n->a, &b->cols[i], 0, 1);
        else
            cu_col_set(n->a, &b->cols[i], 0, 1, &row[i]);
    }
    cu_batch_seal(b);
    return b;
}

/* False when an expression fails on the row. */
bool sim_compute(sim_naive *n, cu_prog *p, const cu_schema *schema,
                 cu_value *row, uint32_t n_out, cu_value *out)
{
    static cu_row_faults faults;
    cu_batch *b = one_row(n, schema, row);
    cu_col *cols = cu_arena_calloc(n->a, n_out, sizeof(*cols));
    cu_prog_run(p, b, n->a, cols, &faults);
    for (uint32_t i = 0; i < n_out; i++)
        out[i] = cu_col_value(&cols[i], 0);
    return faults.n == 0;
}

cu_prog *sim_compile(sim_naive *n, cu_expr *const *exprs, uint32_t count,
                     const cu_schema *schema)
{
    cu_prog *p = NULL;
    cu_err err = {0};
    int rc = cu_prog_compile(exprs, count, schema, &n->env, &p, &err);
    CU_ASSERT(rc == 0 && n->n_progs < SIM_PROGS);
    n->progs[n->n_progs++] = p;
    return p;
}

static sim_rel *eval_filter(sim_naive *n, const cu_node *node)
{
    sim_rel *in = sim_eval(n, node->inputs[0]),
            *r = sim_rel_new(n, node->schema);
    cu_expr *e = node->filter.predicate;
    cu_prog *p = sim_compile(n, &e, 1, in->schema);
    for (uint32_t i = 0; i < in->n; i++) {
        cu_value v;
        if (sim_compute(n, p, in->schema, in->rows[i], 1, &v) && !v.null && v.b)
            sim_rel_add(r, n->a, in->rows[i]);
    }
    return r;
}

static sim_rel *eval_project(sim_naive *n, const cu_node *node)
{
    sim_rel *in = sim_eval(n, node->inputs[0]),
            *r = sim_rel_new(n, node->schema);
    uint32_t count = node->schema->n;
    cu_prog *p = sim_compile(n, node->project.exprs, count, in->schema);
    for (uint32_t i = 0; i < in->n; i++) {
        cu_value *row = sim_row_new(n->a, count, in->rows[i][-1].i8);
        if (sim_compute(n, p, in->schema, in->rows[i], count, row))
            sim_rel_add(r, n->a, row);
    }
    return r;
}

static sim_rel *eval_flatmap(sim_naive *n, const cu_node *node)
{
    sim_rel *in = sim_eval(n, node->inputs[0]),
            *r = sim_rel_new(n, node->schema);
    uint32_t n_args = node->flatmap.n_args, own = in->schema->n;
    cu_prog *p = sim_compile(n, node->flatmap.args, n_args, in->schema);
    CU_ASSERT(!node->flatmap.outer && !node->flatmap.ordinality);
    for (uint32_t i = 0; i < in->n; i++) {
        cu_value args[CU_FUNC_ARGS];
        cu_set_rows rows = {0};
        cu_err err = {0};
        if (!sim_compute(n, p, in->schema, in->rows[i], n_args, args) ||
            args[0].null ||
            cu_set_call(node->flatmap.func, args, n_args, n->a, &rows, &err))
            continue;
        for (uint32_t k = 0; k < rows.n; k++) {
            cu_value *row = sim_row_new(n->a, node->schema->n,
                                        in->rows[i][-1].i8);
            memcpy(row, in->rows[i], own * sizeof(*row));
            memcpy(row + own, &rows.values[k * rows.n_cols],
                   rows.n_cols * sizeof(*row));
            sim_rel_add(r, n->a, row);
        }
    }
    return r;
}

/* --- the rest ------------------------------------------------------------- */

static sim_rel *eval_union(sim_naive *n, const cu_node *node)
{
    sim_rel *r = sim_rel_new(n, node->schema);
    for (uint32_t k = 0; k < node->n_inputs; k++) {
        sim_rel *in = sim_eval(n, node->inputs[k]);
        for (uint32_t i = 0; i < in->n; i++)
            sim_rel_add(r, n->a, in->rows[i]);
    }
    return r;
}

static sim_rel *eval_values(sim_naive *n, const cu_node *node)
{
    sim_rel *r = sim_rel_new(n, node->schema);
    for (uint32_t i = 0; i < node->values.n; i++) {
        cu_value *row = sim_row_new(n->a, node->schema->n, INT64_MIN);
        cu_err err = {0};
        for (uint32_t k = 0; k < node->schema->n; k++)
            cu_expr_fold(n->a, node->values.rows[i][k], &row[k], &err);
        sim_rel_add(r, n->a, row);
    }
    return r;
}

sim_rel *sim_eval(sim_naive *n, const cu_node *node)
{
    switch (node->kind) {
    case CU_N_SOURCE:
        return sim_eval_source(n, node);
    case CU_N_NORMALIZE:
        return sim_eval_normalize(n, node);
    case CU_N_VIEW: {
        uint32_t at = node->view.view->index;
        if (n->views[at] == NULL)
            n->views[at] = sim_eval(n, node->view.view->root);
        return n->views[at];
    }
    case CU_N_FILTER:
        return eval_filter(n, node);
    case CU_N_PROJECT:
        return eval_project(n, node);
    case CU_N_FLATMAP:
        return eval_flatmap(n, node);
    case CU_N_AGGREGATE:
        return sim_eval_aggregate(n, node);
    case CU_N_RANK:
        return sim_eval_rank(n, node);
    case CU_N_OVER:
        return sim_eval_over(n, node);
    case CU_N_EXPAND:
        return sim_eval_expand(n, node);
    case CU_N_JOIN:
        return sim_eval_join(n, node);
    case CU_N_ASOF:
        return sim_eval_asof(n, node);
    case CU_N_WINDOW:
        return sim_eval_window(n, node);
    case CU_N_SESSION:
        return sim_eval_session(n, node);
    case CU_N_BUFFER:
        return sim_eval_buffer(n, node);
    case CU_N_VALUES:
        return eval_values(n, node);
    case CU_N_UNION:
        return eval_union(n, node);
    case CU_N_WATERMARK:
        return sim_eval(n, node->inputs[0]);
    case CU_N_MATERIALIZE:
        return sim_eval_materialize(n, node);
    case CU_N_LOOKUP:
        return sim_eval_lookup(n, node);
    case CU_N_TEMPORAL:
        return sim_eval_temporal(n, node);
    case CU_N_HISTORY:
        return sim_eval_history(n, node);
    case CU_N_CHANGELOG:
        return sim_eval_changelog(n, node);
    case CU_N_SURROGATE:
        return sim_eval_surrogate(n, node);
    case CU_N_EXCHANGE:
    case CU_NODE_KINDS:
        break;
    }
    CU_ASSERT(!"a node that the generator does not write");
    return NULL;
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

void sim_rel_print(const sim_rel *r, cu_arena *a, cu_buf *out)
{
    const char **lines = cu_arena_calloc(a, r->n + 1, sizeof(*lines));
    cu_buf line = {0};
    for (uint32_t i = 0; i < r->n; i++) {
        cu_buf_clear(&line);
        for (uint32_t k = 0; k < r->schema->n; k++) {
            if (k)
                cu_buf_put_str(&line, " | ");
            if (r->rows[i][k].null)
                cu_buf_put_str(&line, "NULL");
            else
                cu_value_out(&r->rows[i][k], NULL, &line);
        }
        lines[i] = cu_arena_strn(a, line.data ? line.data : "", line.len);
    }
    if (r->n)
        qsort(lines, r->n, sizeof(*lines), by_text);
    for (uint32_t i = 0; i < r->n; i++)
        cu_buf_printf(out, "%s\n", lines[i]);
    cu_buf_free(&line);
}

void sim_naive_view(const sim_case *c, const cu_program *p,
                    const cu_view_def *v, cu_env *env, cu_buf *out)
{
    sim_naive n = {.c = c, .p = p, .a = cu_arena_new(0)};
    n.limit = c->n_records;
    n.env = (cu_expr_env){.env = env, .zone = cu_zone_utc()};
    n.views = cu_arena_calloc(n.a, p->n_views, sizeof(*n.views));
    for (int32_t i = 0; i < SIM_PARTITIONS; i++)
        n.marks[i] = INT64_MIN;
    sim_rel_print(sim_eval(&n, v->root), n.a, out);
    for (uint32_t i = 0; i < n.n_progs; i++)
        cu_prog_free(n.progs[i]);
    cu_arena_free(n.a);
}
