/* Binds GROUP BY, aggregates and HAVING.
 *
 *   input ── project(group…, arguments…, filters…) ── aggregate ── [filter]
 *
 * The select's expressions were bound over the input, with found aggregates as
 * column numbers above CU_AGG_BASE.  Here every subtree that equals a
 * group expression becomes its column, every aggregate its result, and an input
 * column that is left over is the classic error.
 */
#include "processors/sql/bind.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

typedef struct grouping {
    cu_sql *s;
    const cu_bind *b;
    cu_expr **group;
    uint32_t n_group;
    bool failed;
} grouping;

static const char *column_name(const cu_scope *scope, uint32_t at, cu_arena *a)
{
    for (uint32_t i = 0; i < scope->n_cols; i++)
        if (scope->cols[i].at == at)
            return cu_arena_printf(a, "%s.%s", scope->cols[i].rel,
                                   scope->cols[i].name);
    return "?";
}

static cu_expr *rewrite(grouping *g, cu_expr *e)
{
    for (uint32_t i = 0; i < g->n_group; i++)
        if (cu_expr_same(e, g->group[i]))
            return cu_expr_col(g->s->arena, i, e->type, e->pos);
    if (e->kind == CU_E_COL && e->col >= CU_AGG_BASE)
        return cu_expr_col(g->s->arena, g->n_group + e->col - CU_AGG_BASE,
                           e->type, e->pos);
    if (e->kind == CU_E_COL) {
        g->failed = true;
        cu_sql_error(g->s, e->pos, STATE('4', '2', '8', '0', '3'), NULL,
                     "column \"%s\" must appear in the GROUP BY clause or be "
                     "used in an aggregate function",
                     column_name(g->b->scope, e->col, g->s->arena));
        return e;
    }
    if (e->n_args == 0)
        return e;
    cu_expr *copy = cu_arena_dup(g->s->arena, e, sizeof(*e));
    copy->args = cu_arena_calloc(g->s->arena, e->n_args, sizeof(*copy->args));
    for (uint32_t i = 0; i < e->n_args; i++)
        copy->args[i] = rewrite(g, e->args[i]);
    return copy;
}

/* Column of the projection that holds `e`, added when it is new. */
static int32_t project_add(cu_expr **exprs, uint32_t *n, cu_expr *e,
                           uint32_t from)
{
    if (e == NULL)
        return -1;
    for (uint32_t i = from; i < *n; i++)
        if (cu_expr_same(exprs[i], e))
            return (int32_t)i;
    exprs[(*n)++] = e;
    return (int32_t)(*n - 1);
}

static const char **made_names(cu_sql *s, const cu_bind *b, cu_expr **exprs,
                               uint32_t n)
{
    const char **names = cu_arena_calloc(s->arena, n + 1, sizeof(*names));
    for (uint32_t i = 0; i < n; i++) {
        names[i] = cu_arena_printf(s->arena, "e%u", i + 1);
        if (exprs[i]->kind != CU_E_COL)
            continue;
        for (uint32_t k = 0; k < b->scope->n_cols; k++)
            if (b->scope->cols[k].at == exprs[i]->col)
                names[i] = b->scope->cols[k].name;
    }
    return names;
}

static cu_node *aggregate_over(cu_sql *s, cu_bind *b, cu_expr **group,
                               uint32_t n_group, cu_node *in)
{
    cu_expr **exprs = cu_arena_calloc(s->arena, n_group + 2 * b->n_aggs + 1,
                                      sizeof(*exprs));
    uint32_t n = 0;
    for (; n < n_group; n++)
        exprs[n] = group[n];
    cu_agg_call *calls = cu_arena_calloc(s->arena, b->n_aggs + 1,
                                         sizeof(*calls));
    for (uint32_t i = 0; i < b->n_aggs; i++) {
        const cu_found_agg *f = &b->aggs[i];
        calls[i] = (cu_agg_call){
            .func = f->func, .distinct = f->distinct, .result = f->result};
        calls[i].arg = project_add(exprs, &n, f->arg, 0);
        calls[i].filter = project_add(exprs, &n, f->filter, n_group);
    }
    if (n == 0) { /* count(*) of everything needs a column to stand on */
        cu_value one = {.type = CU_TYPE(CU_T_INT4), .i4 = 1};
        exprs[n++] = cu_expr_const(s->arena, &one, in->pos);
    }
    cu_node *p = cu_node_project(s, in, exprs, made_names(s, b, exprs, n), n);
    return cu_node_aggregate(s, p, n_group, calls, b->n_aggs, n_group == 0);
}

bool cu_bind_group(cu_sql *s, cu_bind *b, const cu_ast_select *sel,
                   cu_expr **group, uint32_t n_group, cu_expr **exprs,
                   uint32_t n_exprs, cu_expr *having, cu_node **node)
{
    if (n_group == 0 && b->n_aggs == 0 && having == NULL)
        return true;
    if (b->n_windows) {
        cu_sql_refuse(s, sel->pos, "a window function beside GROUP BY");
        return false;
    }
    grouping g = {s, b, group, n_group, false};
    for (uint32_t i = 0; i < n_exprs; i++)
        exprs[i] = rewrite(&g, exprs[i]);
    if (having)
        having = rewrite(&g, having);
    if (g.failed)
        return false;
    *node = aggregate_over(s, b, group, n_group, *node);
    if (having)
        *node = cu_node_filter(s, *node, having);
    return true;
}
