/* Filters, as far down as they may go.
 *
 * A condition sinks through projections (their expressions take the place of
 * columns), unions, the preserved sides of joins, group and partition columns,
 * down to the sources, where it saves the most.  A condition that may fail
 * stops at the first filter and is judged after it, so that
 *
 *     (SELECT a / b AS q FROM t WHERE b <> 0) WHERE q > 1
 *
 * divides no row that b <> 0 keeps out.  Where windows judge what is late a
 * condition stays above: what is late does not depend on it.
 */
#include "processors/sql/bind_node.h"
#include "processors/sql/bind_rel.h"

/* The numbered rank whose number column `col` of `n` is, through plain
 * projections. */
static cu_node *rank_behind(cu_node *n, uint32_t col)
{
    while (n->kind == CU_N_PROJECT && n->project.exprs[col]->kind == CU_E_COL) {
        col = n->project.exprs[col]->col;
        n = n->inputs[0];
    }
    if (n->kind == CU_N_RANK && n->rank.numbered && col == n->schema->n - 1)
        return n;
    return NULL;
}

/* `col <= 10`, `col < 11`, `col = 1`: how many rows can pass; -1: no such
 * bound. */
static int64_t bound_of(cu_sql *s, const cu_expr *e, uint32_t *col)
{
    if (e->kind != CU_E_CALL || e->n_args != 2 ||
        e->args[0]->kind != CU_E_COL || !cu_expr_is_const(e->args[1]))
        return -1;
    cu_err err = {0};
    cu_value v;
    cu_expr *wide;
    if (cu_expr_cast(s->arena, e->args[1], CU_TYPE(CU_T_INT8),
                     CU_CAST_ASSIGNMENT, &wide, &err) ||
        cu_expr_fold(s->arena, wide, &v, &err) || v.null || v.i8 < 1)
        return -1;
    *col = e->args[0]->col;
    if (strcmp(e->func->name, "<=") == 0 || strcmp(e->func->name, "=") == 0)
        return v.i8;
    if (strcmp(e->func->name, "<") == 0 && v.i8 > 1)
        return v.i8 - 1;
    return -1;
}

/* Where column `col` of `rank` stands in `n`, which is above it by plain
 * projections; -1: nowhere. */
static int32_t place_above(const cu_node *n, const cu_node *rank, uint32_t col)
{
    if (n == rank)
        return (int32_t)col;
    int32_t below = place_above(n->inputs[0], rank, col);
    for (uint32_t i = 0; below >= 0 && i < n->schema->n; i++)
        if (n->project.exprs[i]->kind == CU_E_COL &&
            (int32_t)n->project.exprs[i]->col == below)
            return (int32_t)i;
    return -1;
}

/* One row a partition is left: its columns are a key of what passes. */
static void key_of_first(cu_sql *s, cu_node *filter, const cu_node *rank)
{
    uint32_t n = rank->rank.n_partition;
    uint16_t *key = cu_arena_calloc(s->arena, n + 1, sizeof(*key));
    for (uint32_t i = 0; i < n; i++) {
        int32_t at = place_above(filter->inputs[0], rank,
                                 rank->rank.partition[i]);
        if (at < 0)
            return;
        key[i] = (uint16_t)at;
    }
    filter->key = key;
    filter->n_key = n;
    filter->single = n == 0;
}

/* `first`: the rank of which only first rows can pass. */
static void push_bound(cu_sql *s, cu_node *in, const cu_expr *e,
                       const cu_node **first)
{
    if (e->kind == CU_E_AND) {
        for (uint32_t i = 0; i < e->n_args; i++)
            push_bound(s, in, e->args[i], first);
        return;
    }
    uint32_t col;
    int64_t most = bound_of(s, e, &col);
    if (most < 0 || col >= in->schema->n)
        return;
    cu_node *rank = rank_behind(in, col);
    if (rank && (rank->rank.limit < 0 || most < rank->rank.limit))
        rank->rank.limit = most;
    if (rank && most == 1 && rank->rank.fn == CU_RANK_ROW_NUMBER)
        *first = rank;
}

cu_node *cu_bind_filter(cu_sql *s, cu_node *in, cu_expr *predicate)
{
    const cu_node *first = NULL;
    push_bound(s, in, predicate, &first);
    cu_node *n = cu_node_filter(s, in, predicate);
    if (first)
        key_of_first(s, n, first);
    return n;
}

/* --- what lies below ------------------------------------------------------ */

static cu_node *with_input(cu_sql *s, const cu_node *n, uint32_t i, cu_node *in)
{
    cu_node *out = cu_arena_dup(s->arena, n, sizeof(*n));
    out->inputs = cu_arena_dup(s->arena, n->inputs,
                               n->n_inputs * sizeof(*n->inputs));
    out->inputs[i] = in;
    return out;
}

static cu_node *stay(cu_sql *s, cu_node *in, cu_expr *e)
{
    if (in->kind != CU_N_FILTER)
        return cu_bind_filter(s, in, e);
    uint32_t n = 0;
    cu_expr **all = cu_rel_conjuncts(s, in->filter.predicate, NULL, &n);
    all = cu_rel_conjuncts(s, e, all, &n);
    return cu_bind_filter(s, in->inputs[0], cu_rel_and(s, all, n));
}

typedef struct inlining {
    const cu_node *project;
} inlining;

static cu_expr *inline_one(void *ctx, cu_expr *col)
{
    const inlining *in = ctx;
    return col->col < CU_AGG_BASE ? in->project->project.exprs[col->col] : col;
}

static cu_node *into_union(cu_sql *s, cu_node *in, cu_expr *e)
{
    cu_node *out = in;
    for (uint32_t i = 0; i < in->n_inputs; i++)
        out = with_input(s, out, i, cu_rel_push(s, in->inputs[i], e));
    return out;
}

/* A key more for an inner join, when `e` is an equality of plain columns. */
static cu_node *one_key_more(cu_sql *s, cu_node *in, cu_expr *e)
{
    uint32_t own = in->inputs[0]->schema->n, n = in->join.n_keys;
    if (in->kind != CU_N_JOIN || in->join.kind != CU_JOIN_INNER ||
        e->kind != CU_E_CALL || strcmp(e->func->name, "=") ||
        e->args[0]->kind != CU_E_COL || e->args[1]->kind != CU_E_COL ||
        !cu_type_same(e->args[0]->type, e->args[1]->type))
        return NULL;
    uint32_t l = e->args[0]->col, r = e->args[1]->col;
    if (l > r) {
        l = e->args[1]->col;
        r = e->args[0]->col;
    }
    if (l >= own || r < own || r >= in->schema->n)
        return NULL;
    cu_node *out = with_input(s, in, 0, in->inputs[0]);
    uint16_t *left = cu_arena_calloc(s->arena, n + 1, sizeof(*left));
    uint16_t *right = cu_arena_calloc(s->arena, n + 1, sizeof(*right));
    bool *safe = cu_arena_calloc(s->arena, n + 1, sizeof(*safe));
    for (uint32_t i = 0; i < n; i++) {
        left[i] = in->join.left[i];
        right[i] = in->join.right[i];
        safe[i] = in->join.null_safe && in->join.null_safe[i];
    }
    left[n] = (uint16_t)l;
    right[n] = (uint16_t)(r - own);
    out->join.left = left;
    out->join.right = right;
    out->join.null_safe = in->join.null_safe ? safe : NULL;
    out->join.n_keys = n + 1;
    return out;
}

static cu_node *into_join(cu_sql *s, cu_node *in, cu_expr *e)
{
    uint32_t own = in->inputs[0]->schema->n;
    bool left = cu_rel_uses(e, 0, own);
    bool right = cu_rel_uses(e, own, CU_AGG_BASE);
    cu_join_kind k = in->join.kind;
    if (!right && k != CU_JOIN_RIGHT && k != CU_JOIN_FULL)
        return with_input(s, in, 0, cu_rel_push(s, in->inputs[0], e));
    if (!left && right && in->kind == CU_N_JOIN &&
        (k == CU_JOIN_INNER || k == CU_JOIN_RIGHT)) {
        uint32_t *map = cu_arena_calloc(s->arena, in->schema->n, sizeof(*map));
        for (uint32_t i = own; i < in->schema->n; i++)
            map[i] = i - own;
        cu_expr *of_right = cu_rel_mapped(s, e, map);
        return with_input(s, in, 1, cu_rel_push(s, in->inputs[1], of_right));
    }
    cu_node *keyed = one_key_more(s, in, e);
    return keyed ? keyed : stay(s, in, e);
}

/* Only columns that are among cols[0..n)? */
static bool only(const cu_expr *e, const uint16_t *cols, uint32_t n)
{
    if (e->kind == CU_E_COL && e->col < CU_AGG_BASE) {
        for (uint32_t i = 0; i < n; i++)
            if (cols[i] == e->col)
                return true;
        return false;
    }
    for (uint32_t i = 0; i < e->n_args; i++)
        if (!only(e->args[i], cols, n))
            return false;
    return true;
}

static cu_node *into_group(cu_sql *s, cu_node *in, cu_expr *e)
{
    uint32_t n = in->aggregate.n_group;
    if (n == 0 || in->aggregate.global || cu_rel_uses(e, n, CU_AGG_BASE) ||
        !cu_rel_uses(e, 0, n))
        return stay(s, in, e);
    uint32_t *map = cu_arena_calloc(s->arena, n, sizeof(*map));
    for (uint32_t i = 0; i < n; i++)
        map[i] = in->aggregate.group[i];
    cu_expr *below = cu_rel_mapped(s, e, map);
    return with_input(s, in, 0, cu_rel_push(s, in->inputs[0], below));
}

cu_node *cu_rel_push(cu_sql *s, cu_node *in, cu_expr *e)
{
    inlining p = {in};
    switch (in->kind) {
    case CU_N_FILTER:
        if (!cu_rel_total(e))
            return stay(s, in, e);
        return with_input(s, in, 0, cu_rel_push(s, in->inputs[0], e));
    case CU_N_PROJECT:
        e = cu_rel_rewrite(s, e, inline_one, &p);
        in = with_input(s, in, 0, cu_rel_push(s, in->inputs[0], e));
        cu_node_project_key(s, in);
        return in;
    case CU_N_UNION:
        return into_union(s, in, e);
    case CU_N_JOIN:
    case CU_N_ASOF:
    case CU_N_LOOKUP:
        return into_join(s, in, e);
    case CU_N_FLATMAP:
        if (cu_rel_uses(e, in->inputs[0]->schema->n, CU_AGG_BASE))
            return stay(s, in, e);
        return with_input(s, in, 0, cu_rel_push(s, in->inputs[0], e));
    case CU_N_AGGREGATE:
        return into_group(s, in, e);
    case CU_N_RANK:
        if (in->rank.n_partition == 0 ||
            !only(e, in->rank.partition, in->rank.n_partition))
            return stay(s, in, e);
        return with_input(s, in, 0, cu_rel_push(s, in->inputs[0], e));
    case CU_N_OVER:
        if (in->over.n_partition == 0 ||
            !only(e, in->over.partition, in->over.n_partition))
            return stay(s, in, e);
        return with_input(s, in, 0, cu_rel_push(s, in->inputs[0], e));
    default:
        return stay(s, in, e);
    }
}
