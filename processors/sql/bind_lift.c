/* Decorrelation by lifting: the common case, and the cheap one.
 *
 *     EXISTS (SELECT … FROM r WHERE r.k = o.k AND r.x > 1)
 *
 * Where a subquery means its outside only in conjuncts of WHERE, these leave
 * it; the columns of its own that they speak of are carried up to its top as
 * extra columns, behind the columns it has anyway; and the join with the
 * outside judges the conjuncts.  An equality lets a GROUP BY, a rank or a
 * window function pass: the carried expression becomes one more column to
 * group or partition by.  Other conditions do not, and are lifted only when
 * all that lies above them works row by row.
 *
 * A global aggregate becomes a grouped one, and its row over nothing is lost;
 * `empty` is what the row would be, as long as only projections lie above.
 */
#include "processors/sql/bind_node.h"
#include "processors/sql/bind_rel.h"
#include "processors/sql/bind_unnest.h"

typedef struct lifter {
    cu_sql *s;
    uint32_t id;
    unsigned flags;
    bool failed;
} lifter;

/* Extra columns are the last n_extra of the node; conj numbers them from 0. */
typedef struct lifted {
    cu_node *node;
    uint32_t n_extra;
    cu_expr **conj;
    uint32_t n_conj;
    bool unequal; /* some conj is no equality */
    cu_expr **empty;
} lifted;

static lifted lift(lifter *l, cu_node *n);

static lifted fail(lifter *l, cu_node *n)
{
    l->failed = true;
    return (lifted){.node = n};
}

/* --- conditions ----------------------------------------------------------- */

static cu_expr *carry(lifter *l, cu_expr ***extra, uint32_t *n, uint32_t base,
                      cu_expr *e)
{
    uint32_t i = 0;
    while (i < *n && !cu_expr_same((*extra)[i], e))
        i++;
    if (i == *n) {
        *extra = cu_sql_grow(l->s->arena, *extra, *n, sizeof(**extra));
        (*extra)[(*n)++] = e;
    }
    return cu_expr_col(l->s->arena, base + i, e->type, e->pos);
}

typedef struct carrying {
    lifter *l;
    cu_expr ***extra;
    uint32_t *n, base;
} carrying;

static cu_expr *carry_one(void *ctx, cu_expr *col)
{
    const carrying *c = ctx;
    if (col->col >= CU_AGG_BASE)
        return col;
    return carry(c->l, c->extra, c->n, c->base, col);
}

/* outer = inner, either way round: which argument is the inner one; -1. */
static int inner_side(const lifter *l, const cu_expr *e)
{
    if (e->kind != CU_E_CALL || e->n_args != 2 ||
        (strcmp(e->func->name, "=") &&
         strcmp(e->func->name, "is_not_distinct_from")))
        return -1;
    for (int k = 0; k < 2; k++)
        if (!cu_rel_means(l->s, e->args[k], l->id) &&
            cu_rel_uses(e->args[k], 0, CU_AGG_BASE) &&
            !cu_rel_uses(e->args[1 - k], 0, CU_AGG_BASE))
            return k;
    return -1;
}

static void lift_one(lifter *l, lifted *out, cu_expr *e, cu_expr ***extra,
                     uint32_t *n, uint32_t base)
{
    int inner = inner_side(l, e);
    cu_expr *conj;
    if (inner >= 0) {
        bool safe = strcmp(e->func->name, "=") != 0;
        conj = cu_arena_dup(l->s->arena, e, sizeof(*e));
        conj->args = cu_arena_dup(l->s->arena, e->args, 2 * sizeof(*e->args));
        conj->args[inner] = carry(l, extra, n, base, e->args[inner]);
        if (safe) /* its extra column may be NULL */
            out->unequal = true;
    } else {
        carrying c = {l, extra, n, base};
        conj = cu_rel_rewrite(l->s, e, carry_one, &c);
        out->unequal = true;
    }
    if (out->unequal && !(l->flags & CU_UNNEST_ROWS))
        l->failed = true;
    out->conj = cu_sql_grow(l->s->arena, out->conj, out->n_conj,
                            sizeof(*out->conj));
    out->conj[out->n_conj++] = conj;
}

static lifted lift_filter(lifter *l, const cu_node *n)
{
    lifted out = lift(l, n->inputs[0]);
    if (out.empty || l->failed)
        return fail(l, out.node);
    uint32_t n_conj = 0, n_rest = 0, n_more = 0;
    cu_expr **conj = cu_rel_conjuncts(l->s, n->filter.predicate, NULL, &n_conj);
    cu_expr **rest = NULL, **more = NULL;
    for (uint32_t i = 0; i < n_conj; i++)
        if (cu_rel_means(l->s, conj[i], l->id))
            lift_one(l, &out, conj[i], &more, &n_more, out.n_extra);
        else
            rest = cu_rel_conjuncts(l->s, conj[i], rest, &n_rest);
    for (uint32_t i = 0; i < n_rest; i++)
        out.node = cu_rel_push(l->s, out.node, rest[i]);
    out.node = cu_rel_append(l->s, out.node, more, n_more);
    out.n_extra += n_more;
    return out;
}

/* --- what lies above ------------------------------------------------------ */

typedef struct emptied {
    cu_expr **empty;
} emptied;

static cu_expr *empty_one(void *ctx, cu_expr *col)
{
    const emptied *e = ctx;
    return col->col < CU_AGG_BASE ? e->empty[col->col] : col;
}

static lifted lift_project(lifter *l, const cu_node *n)
{
    if (cu_rel_own_means(l->s, n, l->id))
        return fail(l, n->inputs[0]);
    lifted out = lift(l, n->inputs[0]);
    if (l->failed)
        return out;
    uint32_t w = n->schema->n, in = n->inputs[0]->schema->n;
    cu_arena *a = l->s->arena;
    cu_expr **exprs = cu_arena_calloc(a, w + out.n_extra + 1, sizeof(*exprs));
    const char **names = cu_arena_calloc(a, w + out.n_extra + 1,
                                         sizeof(*names));
    cu_expr **empty = out.empty ? cu_arena_calloc(a, w + 1, sizeof(*empty))
                                : NULL;
    emptied e = {out.empty};
    for (uint32_t i = 0; i < w + out.n_extra; i++) {
        exprs[i] = i < w ? n->project.exprs[i]
                         : cu_rel_col(l->s, out.node, in + i - w);
        names[i] = i < w ? n->schema->fields[i].name
                         : out.node->schema->fields[in + i - w].name;
        if (empty && i < w)
            empty[i] = cu_rel_rewrite(l->s, exprs[i], empty_one, &e);
    }
    out.node = cu_rel_project(l->s, out.node, exprs, names, w + out.n_extra);
    out.empty = empty;
    return out;
}

static bool is_count(const cu_agg_call *c)
{
    return c->func->agg == CU_AGG_COUNT || c->func->agg == CU_AGG_COUNT_STAR ||
           c->func->agg == CU_AGG_REGR_COUNT;
}

static lifted lift_aggregate(lifter *l, const cu_node *n)
{
    lifted out = lift(l, n->inputs[0]);
    bool global = n->aggregate.global;
    if (out.unequal || out.empty || l->failed ||
        (global && !(l->flags & CU_UNNEST_EMPTY)))
        return fail(l, out.node);
    out.node = cu_rel_widened(l->s, n, out.node);
    if (!global)
        return out;
    out.empty = cu_arena_calloc(l->s->arena, n->schema->n + 1,
                                sizeof(*out.empty));
    for (uint32_t i = 0; i < n->schema->n; i++)
        out.empty[i] = is_count(&n->aggregate.calls[i])
                           ? cu_rel_int8(l->s, 0, n->pos)
                           : cu_rel_null(l->s, n->schema->fields[i].type,
                                         n->pos);
    return out;
}

static lifted lift_unary(lifter *l, const cu_node *n, bool rowwise)
{
    if (cu_rel_own_means(l->s, n, l->id))
        return fail(l, n->inputs[0]);
    lifted out = lift(l, n->inputs[0]);
    if (out.empty || l->failed || (out.unequal && !rowwise))
        return fail(l, out.node);
    out.node = cu_rel_widened(l->s, n, out.node);
    return out;
}

typedef struct shifted {
    cu_sql *s;
    uint32_t by;
} shifted;

static cu_expr *shift_extra(void *ctx, cu_expr *col)
{
    const shifted *h = ctx;
    return col->col >= CU_AGG_BASE ? col
                                   : cu_expr_col(h->s->arena, col->col + h->by,
                                                 col->type, col->pos);
}

/* Both sides' extra columns, left's first. */
static lifted lift_inner(lifter *l, const cu_node *n)
{
    cu_sql *s = l->s;
    lifted left = lift(l, n->inputs[0]), right = lift(l, n->inputs[1]);
    if (left.empty || right.empty || l->failed)
        return fail(l, left.node);
    uint32_t lw = n->inputs[0]->schema->n, rw = n->inputs[1]->schema->n;
    uint32_t le = left.n_extra, re = right.n_extra;
    cu_expr *residual = n->join.residual
                            ? cu_rel_shift(s, n->join.residual, lw, le)
                            : NULL;
    cu_node *j = cu_rel_rejoin(s, n, left.node, right.node, residual);
    uint32_t *cols = cu_arena_calloc(s->arena, lw + rw + le + re + 1,
                                     sizeof(*cols));
    uint32_t k = 0;
    if (n->join.kind == CU_JOIN_SEMI || n->join.kind == CU_JOIN_ANTI)
        rw = 0;
    for (uint32_t i = 0; i < lw + rw; i++)
        cols[k++] = i < lw ? i : i + le;
    for (uint32_t i = 0; i < le + re; i++)
        cols[k++] = i < le ? lw + i : lw + le + rw + (i - le);
    lifted out = {.n_extra = le + re,
                  .conj = left.conj,
                  .n_conj = left.n_conj,
                  .unequal = left.unequal || right.unequal};
    out.node = cu_rel_pick(s, j, cols, k);
    shifted h = {s, le};
    for (uint32_t i = 0; i < right.n_conj; i++)
        out.conj = cu_rel_conjuncts(
            s, cu_rel_rewrite(s, right.conj[i], shift_extra, &h), out.conj,
            &out.n_conj);
    return out;
}

static lifted lift_join(lifter *l, cu_node *n)
{
    cu_sql *s = l->s;
    cu_join_kind kind = n->join.kind;
    bool own = cu_rel_own_means(s, n, l->id);
    if (n->kind == CU_N_JOIN && kind == CU_JOIN_INNER && own) {
        /* The residual as a filter above. */
        cu_expr *e = n->join.residual;
        cu_node *bare = cu_rel_rejoin(s, n, n->inputs[0], n->inputs[1], NULL);
        return lift_filter(l, cu_node_filter(s, bare, e));
    }
    if (n->kind == CU_N_JOIN && kind == CU_JOIN_INNER)
        return lift_inner(l, n);
    bool left = kind == CU_JOIN_LEFT || kind == CU_JOIN_SEMI ||
                kind == CU_JOIN_ANTI || n->kind != CU_N_JOIN;
    if (own || !left || cu_rel_tree_means(s, n->inputs[1], l->id))
        return fail(l, n);
    return lift_inner(l, n);
}

static lifted lift(lifter *l, cu_node *n)
{
    if (l->failed || !cu_rel_tree_means(l->s, n, l->id))
        return (lifted){.node = n};
    switch (n->kind) {
    case CU_N_FILTER:
        return lift_filter(l, n);
    case CU_N_PROJECT:
        return lift_project(l, n);
    case CU_N_AGGREGATE:
        return lift_aggregate(l, n);
    case CU_N_JOIN:
    case CU_N_ASOF:
    case CU_N_LOOKUP:
        return lift_join(l, n);
    case CU_N_FLATMAP:
    case CU_N_EXPAND:
    case CU_N_WINDOW:
    case CU_N_TEMPORAL:
        return lift_unary(l, n, true);
    case CU_N_RANK:
    case CU_N_OVER:
    case CU_N_SESSION:
        return lift_unary(l, n, false);
    default:
        return fail(l, n);
    }
}

/* --- the result ----------------------------------------------------------- */

typedef struct meeting {
    cu_sql *s;
    const cu_outside *o;
    uint32_t extra; /* where extra column 0 stands in the join */
    bool failed;
} meeting;

static cu_expr *meet_one(void *ctx, cu_expr *col)
{
    meeting *m = ctx;
    if (col->col < CU_AGG_BASE)
        return cu_expr_col(m->s->arena, m->extra + col->col, col->type,
                           col->pos);
    cu_expr *out = cu_rel_outside(m->s, m->o, col);
    m->failed = m->failed || out == NULL;
    return out ? out : col;
}

bool cu_rel_lift(cu_sql *s, const cu_outside *o, cu_node *in, unsigned flags,
                 cu_unnested *out)
{
    lifter l = {.s = s, .id = o->scope->id, .flags = flags};
    lifted top = lift(&l, in);
    if (l.failed)
        return false;
    meeting m = {s, o, o->node->schema->n + in->schema->n, false};
    *out = (cu_unnested){.node = top.node,
                         .n_extra = top.n_extra,
                         .n_conj = top.n_conj,
                         .empty = top.empty};
    out->conj = cu_arena_calloc(s->arena, top.n_conj + 1, sizeof(*out->conj));
    for (uint32_t i = 0; i < top.n_conj; i++)
        out->conj[i] = cu_rel_rewrite(s, top.conj[i], meet_one, &m);
    return !m.failed;
}
