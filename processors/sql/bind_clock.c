/* Where the clock may be read.
 *
 * A condition on it is a TEMPORAL node by now (bind_temporal.c).  As a value,
 * now() is the clock of the commit in which a row came.  That stands for rows
 * that are only ever added; a row that goes would be computed once more, with
 * another clock, and not find the one that it takes back.  Anywhere else it is
 * refused.
 */
#include "processors/sql/bind_time.h"

static bool lasting(const cu_node *n)
{
    for (uint32_t i = 0; i < n->n_inputs; i++)
        if (!n->inputs[i]->append_only)
            return false;
    return true;
}

static const cu_expr *clock_in(const cu_expr *e)
{
    if (e->kind == CU_E_NOW)
        return e;
    const cu_expr *found = NULL;
    for (uint32_t i = 0; i < e->n_args && !found; i++)
        found = clock_in(e->args[i]);
    return found;
}

static const cu_expr *first_clock(cu_expr *const *exprs, uint32_t n)
{
    const cu_expr *found = NULL;
    for (uint32_t i = 0; i < n && !found; i++)
        found = clock_in(exprs[i]);
    return found;
}

static void refuse_value(cu_sql *s, const cu_expr *clock)
{
    cu_sql_error(s, clock->pos, CU_SQLSTATE('0', 'A', '0', '0', '0'),
                 "A row that goes would be computed with another clock. "
                 "Compare a column with it in WHERE or HAVING.",
                 "the clock as a value of rows that change is not supported");
}

static void refuse_condition(cu_sql *s, const cu_expr *clock)
{
    cu_sql_error(s, clock->pos, CU_SQLSTATE('0', 'A', '0', '0', '0'),
                 "Compare a column with it in WHERE, joined by AND: ts > now() "
                 "- interval '1 hour'.",
                 "this condition on the clock is not supported");
}

static bool one_node(void *ctx, cu_node *n)
{
    const cu_expr *value = NULL, *condition = NULL;
    if (n->kind == CU_N_PROJECT)
        value = first_clock(n->project.exprs, n->schema->n);
    else if (n->kind == CU_N_FLATMAP)
        value = first_clock(n->flatmap.args, n->flatmap.n_args);
    else if (n->kind == CU_N_FILTER)
        condition = clock_in(n->filter.predicate);
    else if (n->kind == CU_N_JOIN && n->join.residual)
        condition = clock_in(n->join.residual);
    if (condition)
        refuse_condition(ctx, condition);
    else if (value && !lasting(n))
        refuse_value(ctx, value);
    return true;
}

void cu_bind_check_clock(cu_sql *s, cu_node *root)
{
    cu_node_walk(root, one_node, s);
}
