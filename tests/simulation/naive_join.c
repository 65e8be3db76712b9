/* A naive evaluator: joins, by looking at every pair. */
#include "tests/simulation/naive_int.h"

#include "base/alloc.h"
#include "base/assert.h"

typedef struct join {
    sim_naive *n;
    const cu_node *node;
    sim_rel *left, *right;
    cu_schema *both;
    cu_prog *residual; /* NULL: none */
} join;

/* The right as it was after the first phase. */
static sim_rel *right_then(sim_naive *n, const cu_node *node)
{
    sim_rel **views = n->views;
    uint32_t limit = n->limit;
    n->views = cu_arena_calloc(n->a, n->p->n_views, sizeof(*n->views));
    n->limit = n->c->phase_end[0];
    sim_rel *r = sim_eval(n, node->inputs[1]);
    n->views = views;
    n->limit = limit;
    return r;
}

static void open_join(join *j, sim_naive *n, const cu_node *node)
{
    *j = (join){.n = n, .node = node};
    j->left = sim_eval(n, node->inputs[0]);
    j->right = node->kind == CU_N_LOOKUP ? right_then(n, node)
                                         : sim_eval(n, node->inputs[1]);
    uint32_t l = j->left->schema->n, r = j->right->schema->n;
    j->both = cu_schema_new(n->a, l + r);
    for (uint32_t i = 0; i < l + r; i++)
        j->both->fields[i] = i < l ? j->left->schema->fields[i]
                                   : j->right->schema->fields[i - l];
    cu_expr *e = node->join.residual;
    if (e)
        j->residual = sim_compile(n, &e, 1, j->both);
}

/* Both rows side by side; NULL: NULLs. */
static cu_value *pair(join *j, cu_value *left, cu_value *right)
{
    uint32_t l = j->left->schema->n, r = j->right->schema->n;
    cu_value *row = sim_row_new(j->n->a, l + r, INT64_MIN);
    for (uint32_t i = 0; i < l + r; i++) {
        cu_value none = {.type = j->both->fields[i].type, .null = true};
        cu_value *from = i < l ? left : right;
        row[i] = from ? from[i < l ? i : i - l] : none;
    }
    return row;
}

static bool keys_meet(const join *j, const cu_value *left,
                      const cu_value *right)
{
    const cu_node *n = j->node;
    for (uint32_t k = 0; k < n->join.n_keys; k++) {
        const cu_value *x = &left[n->join.left[k]],
                       *y = &right[n->join.right[k]];
        bool safe = n->join.null_safe && n->join.null_safe[k];
        if ((x->null || y->null) && !(safe && x->null && y->null))
            return false;
        if (!x->null && cu_value_cmp(x, y))
            return false;
    }
    return true;
}

static bool meets(join *j, cu_value *left, cu_value *right)
{
    cu_value v;
    if (!keys_meet(j, left, right))
        return false;
    if (j->residual == NULL)
        return true;
    return sim_compute(j->n, j->residual, j->both, pair(j, left, right), 1,
                       &v) &&
           !v.null && v.b;
}

sim_rel *sim_eval_join(sim_naive *n, const cu_node *node)
{
    join j;
    sim_rel *out = sim_rel_new(n, node->schema);
    cu_join_kind kind = node->join.kind;
    open_join(&j, n, node);
    bool *met = cu_arena_calloc(n->a, j.right->n + 1, sizeof(*met));
    bool half = kind == CU_JOIN_SEMI || kind == CU_JOIN_ANTI;
    for (uint32_t i = 0; i < j.left->n; i++) {
        cu_value *left = j.left->rows[i];
        bool any = false;
        for (uint32_t k = 0; k < j.right->n && !(half && any); k++) {
            if (!meets(&j, left, j.right->rows[k]))
                continue;
            any = met[k] = true;
            if (!half)
                sim_rel_add(out, n->a, pair(&j, left, j.right->rows[k]));
        }
        if (half && any == (kind == CU_JOIN_SEMI))
            sim_rel_add(out, n->a, left);
        if (!any && (kind == CU_JOIN_LEFT || kind == CU_JOIN_FULL))
            sim_rel_add(out, n->a, pair(&j, left, NULL));
    }
    for (uint32_t k = 0; k < j.right->n; k++)
        if (!met[k] && (kind == CU_JOIN_RIGHT || kind == CU_JOIN_FULL))
            sim_rel_add(out, n->a, pair(&j, NULL, j.right->rows[k]));
    return out;
}

/* Of one time the right that came last; versions come in their order. */
sim_rel *sim_eval_asof(sim_naive *n, const cu_node *node)
{
    join j;
    sim_rel *out = sim_rel_new(n, node->schema);
    uint32_t lt = node->join.left_time - 1u, rt = node->join.right_time - 1u;
    open_join(&j, n, node);
    CU_ASSERT(j.residual == NULL);
    for (uint32_t i = 0; i < j.left->n; i++) {
        cu_value *left = j.left->rows[i], *best = NULL;
        for (uint32_t k = 0; k < j.right->n; k++) {
            cu_value *right = j.right->rows[k];
            if (left[lt].null || right[rt].null || !keys_meet(&j, left, right))
                continue;
            if (cu_value_cmp(&right[rt], &left[lt]) <= 0 &&
                (best == NULL || cu_value_cmp(&right[rt], &best[rt]) >= 0))
                best = right;
        }
        if (best || node->join.kind == CU_JOIN_LEFT)
            sim_rel_add(out, n->a, pair(&j, left, best));
    }
    return out;
}

sim_rel *sim_eval_lookup(sim_naive *n, const cu_node *node)
{
    join j;
    sim_rel *out = sim_rel_new(n, node->schema);
    open_join(&j, n, node);
    for (uint32_t i = 0; i < j.left->n; i++) {
        cu_value *left = j.left->rows[i];
        bool any = false;
        for (uint32_t k = 0; k < j.right->n; k++)
            if (meets(&j, left, j.right->rows[k])) {
                any = true;
                sim_rel_add(out, n->a, pair(&j, left, j.right->rows[k]));
            }
        if (!any && node->join.kind == CU_JOIN_LEFT)
            sim_rel_add(out, n->a, pair(&j, left, NULL));
    }
    return out;
}
