#include "processors/operators/plan_facts.h"

static bool among(const uint16_t *cols, uint32_t n, uint32_t col)
{
    for (uint32_t i = 0; i < n; i++)
        if (cols[i] == col)
            return true;
    return false;
}

bool cu_keeps_unique(const cu_node *node, const uint16_t *cols, uint32_t n)
{
    uint16_t mapped[UINT8_MAX];
    uint32_t k = 0, groups = 0;
    if (n > UINT8_MAX)
        return false;
    switch (node->kind) {
    case CU_N_FILTER:
        return !cu_expr_is_volatile(node->filter.predicate) &&
               !cu_expr_uses_clock(node->filter.predicate) &&
               cu_keeps_unique(node->inputs[0], cols, n);
    case CU_N_PROJECT:
        for (uint32_t i = 0; i < node->schema->n; i++)
            if (cu_expr_is_volatile(node->project.exprs[i]) ||
                cu_expr_uses_clock(node->project.exprs[i]))
                return false;
        for (uint32_t i = 0; i < n; i++) {
            const cu_expr *e = node->project.exprs[cols[i]];
            if (e->kind == CU_E_COL)
                mapped[k++] = (uint16_t)e->col;
        }
        return cu_keeps_unique(node->inputs[0], mapped, k);
    case CU_N_AGGREGATE:
        for (uint32_t g = 0; g < node->aggregate.n_group; g++)
            groups += among(cols, n, g);
        return groups == node->aggregate.n_group;
    case CU_N_RANK:
        if (node->rank.limit != 1)
            return false;
        for (uint32_t g = 0; g < node->rank.n_partition; g++)
            groups += among(cols, n, node->rank.partition[g]);
        return groups == node->rank.n_partition;
    default:
        return false;
    }
}

bool cu_is_gathered(const cu_node *n)
{
    if (n->kind == CU_N_EXCHANGE)
        return !n->append_only;
    for (uint32_t i = 0; i < n->n_inputs; i++)
        if (cu_is_gathered(n->inputs[i]))
            return true;
    return false;
}
