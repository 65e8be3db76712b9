#include "tests/simulation/naive.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "processors/expr/prog.h"
#include "rows/numeric.h"

#include <stdlib.h>

typedef struct naive {
    const sim_case *c;
    const cu_program *p;
    cu_arena *a;
    cu_expr_env env;
    sim_rel **views; /* by view index, memoised */
} naive;

static sim_rel *eval(naive *n, const cu_node *node);

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

static sim_rel *rel_new(naive *n, const cu_schema *schema)
{
    sim_rel *r = cu_arena_calloc(n->a, 1, sizeof(*r));
    r->schema = schema;
    return r;
}

/* NULL equals NULL, and sorts last. */
static int cmp(const cu_value *x, const cu_value *y)
{
    if (x->null || y->null)
        return x->null - y->null;
    return cu_value_cmp(x, y);
}

/* --- sources
 * ------------------------------------------------------------------ */

static sim_rel *eval_source(naive *n, const cu_node *node)
{
    sim_rel *r = rel_new(n, node->schema);
    int table = strcmp(node->source.table->name, "t") == 0 ? 0 : 1;
    for (uint32_t i = 0; i < n->c->n_records; i++) {
        const sim_record *rec = &n->c->records[i];
        if (rec->table == table && !rec->bad)
            sim_rel_add(r, n->a, rec->row);
    }
    return r;
}

/* The last record of each key decides. */
static sim_rel *eval_upsert(naive *n, const cu_node *node)
{
    sim_rel *r = rel_new(n, node->schema);
    for (uint32_t i = 0; i < n->c->n_records; i++) {
        const sim_record *rec = &n->c->records[i];
        bool last = rec->table == 1 && !rec->gone;
        for (uint32_t k = i + 1; last && k < n->c->n_records; k++)
            last = n->c->records[k].table != 1 ||
                   n->c->records[k].row[0].i8 != rec->row[0].i8;
        if (last)
            sim_rel_add(r, n->a, rec->row);
    }
    return r;
}

/* --- expressions, one row at a time
 * --------------------------------------------- */

static cu_batch *one_row(naive *n, const cu_schema *schema, cu_value *row)
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
static bool compute(naive *n, cu_prog *p, const cu_schema *schema,
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

static cu_prog *compile(naive *n, cu_expr *const *exprs, uint32_t count,
                        const cu_schema *schema)
{
    cu_prog *p = NULL;
    cu_err err = {0};
    int rc = cu_prog_compile(exprs, count, schema, &n->env, &p, &err);
    CU_ASSERT(rc == 0);
    return p;
}

static sim_rel *eval_filter(naive *n, const cu_node *node)
{
    sim_rel *in = eval(n, node->inputs[0]), *r = rel_new(n, node->schema);
    cu_expr *e = node->filter.predicate;
    cu_prog *p = compile(n, &e, 1, in->schema);
    for (uint32_t i = 0; i < in->n; i++) {
        cu_value v;
        if (compute(n, p, in->schema, in->rows[i], 1, &v) && !v.null && v.b)
            sim_rel_add(r, n->a, in->rows[i]);
    }
    cu_prog_free(p);
    return r;
}

static sim_rel *eval_project(naive *n, const cu_node *node)
{
    sim_rel *in = eval(n, node->inputs[0]), *r = rel_new(n, node->schema);
    uint32_t count = node->schema->n;
    cu_prog *p = compile(n, node->project.exprs, count, in->schema);
    for (uint32_t i = 0; i < in->n; i++) {
        cu_value *row = cu_arena_calloc(n->a, count, sizeof(*row));
        if (compute(n, p, in->schema, in->rows[i], count, row))
            sim_rel_add(r, n->a, row);
    }
    cu_prog_free(p);
    return r;
}

static sim_rel *eval_flatmap(naive *n, const cu_node *node)
{
    sim_rel *in = eval(n, node->inputs[0]), *r = rel_new(n, node->schema);
    uint32_t n_args = node->flatmap.n_args, own = in->schema->n;
    cu_prog *p = compile(n, node->flatmap.args, n_args, in->schema);
    CU_ASSERT(!node->flatmap.outer && !node->flatmap.ordinality);
    for (uint32_t i = 0; i < in->n; i++) {
        cu_value args[CU_FUNC_ARGS];
        cu_set_rows rows = {0};
        cu_err err = {0};
        if (!compute(n, p, in->schema, in->rows[i], n_args, args) ||
            args[0].null ||
            cu_set_call(node->flatmap.func, args, n_args, n->a, &rows, &err))
            continue;
        for (uint32_t k = 0; k < rows.n; k++) {
            cu_value *row = cu_arena_calloc(n->a, node->schema->n,
                                            sizeof(*row));
            memcpy(row, in->rows[i], own * sizeof(*row));
            memcpy(row + own, &rows.values[k * rows.n_cols],
                   rows.n_cols * sizeof(*row));
            sim_rel_add(r, n->a, row);
        }
    }
    cu_prog_free(p);
    return r;
}

/* --- aggregates
 * ------------------------------------------------------------------ */

static bool same_group(const cu_node *node, cu_value *x, cu_value *y)
{
    for (uint32_t k = 0; k < node->aggregate.n_group; k++) {
        uint16_t col = node->aggregate.group[k];
        if (cmp(&x[col], &y[col]))
            return false;
    }
    return true;
}

static cu_numeric as_numeric(const cu_value *v)
{
    switch (v->type.kind) {
    case CU_T_INT2:
        return cu_numeric_from_int8(v->i2);
    case CU_T_INT4:
        return cu_numeric_from_int8(v->i4);
    case CU_T_INT8:
        return cu_numeric_from_int8(v->i8);
    default:
        return v->num;
    }
}

static cu_value sum_or_avg(naive *n, const cu_agg_call *call, cu_value *seen,
                           uint32_t count)
{
    cu_value out = {.type = call->result, .null = count == 0};
    cu_numeric sum = cu_numeric_from_int8(0);
    cu_err err = {0};
    for (uint32_t i = 0; i < count; i++) {
        cu_numeric x = as_numeric(&seen[i]);
        cu_numeric_add(&sum, &x, n->a, &sum, &err);
    }
    if (out.null)
        return out;
    if (call->func->agg == CU_AGG_AVG) {
        cu_numeric by = cu_numeric_from_int8(count);
        cu_numeric_div(&sum, &by, n->a, &out.num, &err);
    } else if (call->result.kind == CU_T_INT8) {
        cu_numeric_to_int8(&sum, &out.i8, &err);
    } else {
        out.num = sum;
    }
    return out;
}

static cu_value finish(naive *n, const cu_agg_call *call, cu_value *seen,
                       uint32_t count)
{
    cu_value out = {.type = call->result};
    switch ((cu_agg)call->func->agg) {
    case CU_AGG_COUNT_STAR:
    case CU_AGG_COUNT:
        out.i8 = count;
        return out;
    case CU_AGG_SUM:
    case CU_AGG_AVG:
        return sum_or_avg(n, call, seen, count);
    case CU_AGG_MIN:
    case CU_AGG_MAX:
        out.null = count == 0;
        for (uint32_t i = 0; i < count; i++) {
            int c = i ? cu_value_cmp(&seen[i], &out) : 0;
            if (i == 0 || (call->func->agg == CU_AGG_MIN ? c < 0 : c > 0))
                out = seen[i];
        }
        return out;
    default:
        CU_ASSERT(!"an aggregate that the generator does not write");
        return out;
    }
}

static cu_value aggregate(naive *n, const cu_agg_call *call, sim_rel *in,
                          const bool *member)
{
    cu_value *seen = cu_arena_calloc(n->a, in->n + 1, sizeof(*seen));
    uint32_t count = 0;
    for (uint32_t i = 0; i < in->n; i++) {
        if (!member[i])
            continue;
        cu_value *row = in->rows[i];
        if (call->filter >= 0 &&
            (row[call->filter].null || !row[call->filter].b))
            continue;
        if (call->arg >= 0 && row[call->arg].null)
            continue;
        cu_value v = {0};
        if (call->arg >= 0)
            v = row[call->arg];
        bool repeated = false;
        for (uint32_t k = 0; call->distinct && k < count; k++)
            repeated = repeated || cu_value_cmp(&seen[k], &v) == 0;
        if (!repeated)
            seen[count++] = v;
    }
    return finish(n, call, seen, count);
}

static void add_group(naive *n, const cu_node *node, sim_rel *in, sim_rel *r,
                      cu_value *first, const bool *member)
{
    uint32_t n_group = node->aggregate.n_group;
    cu_value *row = cu_arena_calloc(n->a, node->schema->n + 1, sizeof(*row));
    for (uint32_t k = 0; k < n_group; k++)
        row[k] = first[node->aggregate.group[k]];
    for (uint32_t k = 0; k < node->aggregate.n_calls; k++)
        row[n_group + k] = aggregate(n, &node->aggregate.calls[k], in, member);
    sim_rel_add(r, n->a, row);
}

static sim_rel *eval_aggregate(naive *n, const cu_node *node)
{
    sim_rel *in = eval(n, node->inputs[0]), *r = rel_new(n, node->schema);
    bool *done = cu_arena_calloc(n->a, in->n + 1, sizeof(*done));
    for (uint32_t i = 0; i < in->n; i++) {
        if (done[i])
            continue;
        bool *member = cu_arena_calloc(n->a, in->n, sizeof(*member));
        for (uint32_t k = i; k < in->n; k++)
            if (same_group(node, in->rows[i], in->rows[k]))
                done[k] = member[k] = true;
        add_group(n, node, in, r, in->rows[i], member);
    }
    if (node->aggregate.global && in->n == 0)
        add_group(n, node, in, r, NULL, done);
    return r;
}

/* --- rank
 * ---------------------------------------------------------------------------
 */

static const cu_node *sorting;

static int by_order(const void *x, const void *y)
{
    cu_value *a = *(cu_value *const *)x, *b = *(cu_value *const *)y;
    for (uint32_t k = 0; k < sorting->rank.n_partition; k++) {
        int c = cmp(&a[sorting->rank.partition[k]],
                    &b[sorting->rank.partition[k]]);
        if (c)
            return c;
    }
    for (uint32_t k = 0; k < sorting->rank.n_order; k++) {
        const cu_key_col *o = &sorting->rank.order[k];
        const cu_value *p = &a[o->col], *q = &b[o->col];
        int c;
        if (p->null || q->null) {
            c = p->null - q->null;
            c = o->flags & CU_NULLS_FIRST ? -c : c;
        } else {
            c = cu_value_cmp(p, q);
            c = o->flags & CU_DESC ? -c : c;
        }
        if (c)
            return c;
    }
    return 0;
}

static bool same_partition(const cu_node *node, cu_value *x, cu_value *y)
{
    for (uint32_t k = 0; k < node->rank.n_partition; k++)
        if (cmp(&x[node->rank.partition[k]], &y[node->rank.partition[k]]))
            return false;
    return true;
}

static sim_rel *eval_rank(naive *n, const cu_node *node)
{
    sim_rel *in = eval(n, node->inputs[0]), *r = rel_new(n, node->schema);
    cu_value **sorted = cu_arena_dup(n->a, in->rows,
                                     in->n * sizeof(*sorted) + 1);
    sorting = node;
    if (in->n)
        qsort(sorted, in->n, sizeof(*sorted), by_order);
    int64_t at = 0;
    for (uint32_t i = 0; i < in->n; i++) {
        at = i && same_partition(node, sorted[i - 1], sorted[i]) ? at + 1 : 0;
        if (at < node->rank.offset ||
            (node->rank.limit >= 0 &&
             at >= node->rank.offset + node->rank.limit))
            continue;
        cu_value *row = cu_arena_calloc(n->a, node->schema->n, sizeof(*row));
        memcpy(row, sorted[i], in->schema->n * sizeof(*row));
        if (node->rank.numbered)
            row[in->schema->n] = (cu_value){.type = CU_TYPE(CU_T_INT8),
                                            .i8 = at + 1};
        sim_rel_add(r, n->a, row);
    }
    return r;
}

/* --- the rest
 * -------------------------------------------------------------------------- */

static sim_rel *eval_union(naive *n, const cu_node *node)
{
    sim_rel *r = rel_new(n, node->schema);
    for (uint32_t k = 0; k < node->n_inputs; k++) {
        sim_rel *in = eval(n, node->inputs[k]);
        for (uint32_t i = 0; i < in->n; i++)
            sim_rel_add(r, n->a, in->rows[i]);
    }
    return r;
}

static sim_rel *eval(naive *n, const cu_node *node)
{
    switch (node->kind) {
    case CU_N_SOURCE:
        return eval_source(n, node);
    case CU_N_NORMALIZE:
        return eval_upsert(n, node);
    case CU_N_VIEW: {
        uint32_t at = node->view.view->index;
        if (n->views[at] == NULL)
            n->views[at] = eval(n, node->view.view->root);
        return n->views[at];
    }
    case CU_N_FILTER:
        return eval_filter(n, node);
    case CU_N_PROJECT:
        return eval_project(n, node);
    case CU_N_FLATMAP:
        return eval_flatmap(n, node);
    case CU_N_AGGREGATE:
        return eval_aggregate(n, node);
    case CU_N_RANK:
        return eval_rank(n, node);
    case CU_N_UNION:
        return eval_union(n, node);
    case CU_N_WATERMARK:
    case CU_N_MATERIALIZE:
        return eval(n, node->inputs[0]);
    case CU_N_OVER:
    case CU_N_JOIN:
    case CU_N_ASOF:
    case CU_N_LOOKUP:
    case CU_N_EXPAND:
    case CU_N_WINDOW:
    case CU_N_SESSION:
    case CU_N_BUFFER:
    case CU_N_TEMPORAL:
    case CU_N_HISTORY:
    case CU_N_CHANGELOG:
    case CU_N_SURROGATE:
    case CU_N_VALUES:
    case CU_N_EXCHANGE:
    case CU_NODE_KINDS:
        break;
    }
    CU_ASSERT(!"a node that the generator does not write");
    return NULL;
}

sim_rel *sim_naive_view(const sim_case *c, const cu_program *p,
                        const cu_view_def *v, cu_env *env, cu_arena *a)
{
    naive n = {.c = c, .p = p, .a = a};
    n.env = (cu_expr_env){.env = env, .zone = cu_zone_utc()};
    n.views = cu_arena_calloc(a, p->n_views, sizeof(*n.views));
    return eval(&n, v->root);
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
