/* Aggregate nodes for tests, and a group's answers computed naively. */
#ifndef CU_TESTS_OPERATORS_AGGREGATES_H
#define CU_TESTS_OPERATORS_AGGREGATES_H

#include "tests/unit/operators/rig.h"

/* How a call is written in these tests. */
typedef struct agg_call {
    const char *name;
    int arg, second;    /* columns, -1: none */
    const char *order;  /* "2", "-2 3": columns + 1, negative: DESC */
    const char *direct; /* a value of `direct_type` */
    const char *direct_type;
    bool distinct;
    int filter; /* column + 1; 0: none */
} agg_call;

/* Appends the call; its result has the type of the node's next column. */
void agg_add(rig *r, cu_node *n, agg_call c);
cu_node *agg_node(rig *r, const char *in, const char *group, const char *schema,
                  const agg_call *calls, unsigned n_calls);

#endif
