/* Shared views: notices where one is of no use.
 *
 *   nobody names it     it is built all the same: what runs follows from each
 *                       statement alone, never from who reads it
 *   it keeps no state   rows only pass: a plain view does the same, and its
 *                       readers can be added at any time
 */
#include "processors/sql/ddl.h"

static bool is_read(const cu_program *p, const cu_view_def *v)
{
    for (uint32_t i = 0; i < p->n_views; i++)
        if (cu_view_reads(p->views[i], v))
            return true;
    return false;
}

/* Row by row, out of nothing but the row. */
static bool passes(void *ctx, cu_node *n)
{
    (void)ctx;
    switch (n->kind) {
    case CU_N_MATERIALIZE:
        return !cu_view_keeps(n->materialize.view);
    case CU_N_SOURCE:
    case CU_N_VIEW:
    case CU_N_VALUES:
    case CU_N_FILTER:
    case CU_N_PROJECT:
    case CU_N_FLATMAP:
    case CU_N_EXPAND:
    case CU_N_UNION:
        return true;
    default:
        return false;
    }
}

/* Who reads what is only known when everything was understood. */
static bool has_errors(const cu_sql *s)
{
    for (uint32_t i = 0; i < s->n_problems; i++)
        if (!s->problems[i].notice)
            return true;
    return false;
}

void cu_ddl_check_shared(cu_sql *s)
{
    const cu_program *p = s->program;
    if (has_errors(s))
        return;
    for (uint32_t i = 0; i < p->n_views; i++) {
        const cu_view_def *v = p->views[i];
        if (!v->shared)
            continue;
        if (!is_read(p, v))
            cu_sql_notice(s, v->pos,
                          "It is kept up to date all the same; without "
                          "(shared) it costs nothing until it is named.",
                          "nobody reads shared view \"%s\"", v->name);
        if (cu_node_walk(v->root, passes, NULL))
            cu_sql_notice(s, v->pos,
                          "Leave (shared) away: a plain view does the same, "
                          "and new views can begin to read it at any time.",
                          "shared view \"%s\" keeps nothing that could be "
                          "shared",
                          v->name);
    }
}
