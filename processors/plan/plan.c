/* Plans as trees: walking them, naming their kinds. */
#include "processors/plan/plan.h"

#include "base/assert.h"

bool cu_node_walk(cu_node *root, bool (*visit)(void *ctx, cu_node *n),
                  void *ctx)
{
    for (uint32_t i = 0; i < root->n_inputs; i++)
        if (!cu_node_walk(root->inputs[i], visit, ctx))
            return false;
    return visit(ctx, root);
}

const char *cu_node_kind_name(cu_node_kind k)
{
    static const char *const names[] = {
        [CU_N_SOURCE] = "source",
        [CU_N_VIEW] = "view",
        [CU_N_VALUES] = "values",
        [CU_N_FILTER] = "filter",
        [CU_N_PROJECT] = "project",
        [CU_N_FLATMAP] = "flatmap",
        [CU_N_AGGREGATE] = "aggregate",
        [CU_N_RANK] = "rank",
        [CU_N_UNION] = "union",
        [CU_N_OVER] = "over",
        [CU_N_JOIN] = "join",
        [CU_N_ASOF] = "asof",
        [CU_N_LOOKUP] = "lookup",
        [CU_N_EXPAND] = "expand",
        [CU_N_WINDOW] = "window",
        [CU_N_SESSION] = "session",
        [CU_N_BUFFER] = "buffer",
        [CU_N_TEMPORAL] = "temporal",
        [CU_N_HISTORY] = "history",
        [CU_N_CHANGELOG] = "changelog",
        [CU_N_SURROGATE] = "surrogate",
        [CU_N_EXCHANGE] = "exchange",
        [CU_N_NORMALIZE] = "normalize",
        [CU_N_WATERMARK] = "watermark",
        [CU_N_MATERIALIZE] = "materialize",
    };
    _Static_assert(sizeof(names) / sizeof(*names) == CU_NODE_KINDS,
                   "every kind has a name");
    CU_ASSERT(k < CU_NODE_KINDS);
    return names[k];
}
