/* Private to bind_prune.c and bind_ask.c: what is asked of each node. */
#ifndef CU_SQL_BIND_PRUNE_H
#define CU_SQL_BIND_PRUNE_H

#include "processors/sql/bind_rel.h"

/* A node, what is asked of it, and what became of it. */
typedef struct cu_pruned {
    const cu_node *old;
    bool *asked; /* by old column */
    cu_node *now;
    uint32_t n;     /* columns that are left */
    uint16_t *kept; /* their old numbers, ascending */
    uint32_t *map;  /* old number -> new; UINT32_MAX: gone */
} cu_pruned;

typedef struct cu_pruner {
    cu_sql *s;
    cu_pruned *parts; /* children first */
    uint32_t n, cap;
} cu_pruner;

cu_pruned *cu_prune_part(const cu_pruner *p, const cu_node *n);
/* What `me` needs of its inputs, in bind_ask.c. */
void cu_ask(const cu_pruner *p, const cu_pruned *me);
/* The same of one input (a join: of both), which need not be the one that is
 * known to the pruner. */
void cu_ask_alone(const cu_pruned *me, cu_pruned *in, cu_pruned *right);
void cu_ask_all(cu_pruned *of);
/* Rows have at least one column: the cheapest, when none is asked for. */
void cu_ask_some(cu_pruned *me);

/* bind_unite.c: equal subtrees of a tree become one node. */
cu_node *cu_bind_unite(cu_sql *s, cu_node *root);

#endif
