/* Private to the binder: GROUP BY and its sets. */
#ifndef CU_SQL_BIND_GROUP_H
#define CU_SQL_BIND_GROUP_H

#include "processors/sql/bind.h"

/* bind_group.c: aggregates, GROUP BY and HAVING over `scope`; on return the
 * targets' and the windows' expressions are over *node. */
typedef struct cu_groups {
    cu_expr **group; /* every expression of GROUP BY, once */
    uint32_t n_group;
    bool given; /* there is a GROUP BY */
    uint32_t n_sets;
    const uint64_t *sets; /* GROUPING SETS: bit i is group[i]; else NULL */
    cu_expr **shown;      /* the targets, and their names */
    const char *const *names;
    uint32_t n_shown;
} cu_groups;
bool cu_bind_group(cu_sql *s, cu_bind *b, cu_groups *g, cu_expr **exprs,
                   uint32_t n_exprs, cu_expr *having, cu_node **node);
/* bind_sets.c: the sets of a GROUP BY clause, their expressions bound by
 * `bind`; false after a problem. */
bool cu_bind_sets(cu_sql *s, const cu_ast_select *sel,
                  cu_expr *(*bind)(void *ctx, const cu_ast_expr *e), void *ctx,
                  cu_groups *out);
/* The aggregate of GROUPING SETS over `in`, whose first columns are the
 * groups: groups, the set's number, results [, more]. */
cu_node *cu_bind_sets_aggregate(cu_sql *s, cu_node *in, const cu_groups *g,
                                const cu_agg_call *calls, uint32_t n_calls);
/* GROUPING (args) as an expression over the set's number. */
cu_expr *cu_bind_grouping_value(cu_sql *s, const cu_groups *g,
                                const cu_found_grouping *f, int32_t set_col);

#endif
