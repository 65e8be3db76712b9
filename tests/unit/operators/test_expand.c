#include "tests/unit/operators/rig.h"

#include <criterion/criterion.h>

Test(expand, gives_a_row_per_grouping_set)
{
    static const uint64_t sets[] = {3, 1, 0};
    const char *schema = "a:int b:text x:int ga:int gb:text s:int";
    rig r;
    rig_open(&r, 1);
    cu_node *n = rig_node(&r, CU_N_EXPAND, schema,
                          rig_source(&r, "a:int b:text x:int"));
    n->expand.group = rig_cols(&r, "0 1", &n->expand.n_group);
    n->expand.n_sets = 3;
    n->expand.sets = sets;
    rig_start(&r, n);
    rig_push(&r, 0, "+2 | 1 u 5\n+1 | null v 6\n");
    rig_expect(&r, rig_commit(&r), schema,
               "+2 | 1 u 5 1 u 0\n+2 | 1 u 5 1 null 1\n"
               "+2 | 1 u 5 null null 2\n"
               "null v 6 null v 0\nnull v 6 null null 1\n"
               "null v 6 null null 2\n");
    rig_push(&r, 0, "-1 | 1 u 5\n");
    rig_expect(&r, rig_commit(&r), schema,
               "-1 | 1 u 5 1 u 0\n-1 | 1 u 5 1 null 1\n"
               "-1 | 1 u 5 null null 2\n");
    rig_close(&r);
}

/* GROUP BY ROLLUP (a, b): over the copies and the set's number. */
Test(expand, makes_rollups_with_an_aggregate_behind_it)
{
    static const uint64_t sets[] = {3, 1, 0};
    const char *schema = "ga:int gb:text s:int n:int8";
    rig r;
    rig_open(&r, 2);
    cu_node *e = rig_node(&r, CU_N_EXPAND,
                          "a:int b:text x:int ga:int gb:text s:int",
                          rig_source(&r, "a:int b:text x:int"));
    e->expand.group = rig_cols(&r, "0 1", &e->expand.n_group);
    e->expand.n_sets = 3;
    e->expand.sets = sets;
    cu_node *n = rig_aggregate(&r, schema, e, "3 4 5");
    rig_call(&r, n, CU_AGG_SUM, 2, false, -1);
    rig_start(&r, n);
    rig_push(&r, 0, "1 u 5\n1 v 6\n2 u 7\n1 null 8\n");
    rig_expect(&r, rig_commit(&r), schema,
               "1 u 0 5\n1 v 0 6\n2 u 0 7\n1 null 0 8\n1 null 1 19\n"
               "2 null 1 7\nnull null 2 26\n");
    rig_close(&r);
}
