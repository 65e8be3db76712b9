/* Joins that forget by watermark, recognised from their conditions.
 *
 *   interval   s.ts BETWEEN o.ts AND o.ts + interval '4 hours'
 *              bounds on right_time - left_time, both of them, of watermarked
 *              columns of rows that are never retracted
 *   window     a.window_start = b.window_start: windows that close, as keys
 *   as-of      LATERAL (… WHERE r.k = o.k AND r.since <= o.ts
 *                       ORDER BY r.since DESC LIMIT 1)
 *
 * The conditions stay what they are; what is recognised here only says which
 * rows can meet nothing any more.
 */
#include "processors/sql/bind_rel.h"
#include "processors/sql/bind_time.h"
#include "processors/sql/bind_unnest.h"

/* --- interval joins ------------------------------------------------------- */

/* column + us, the only shape that bounds are found in. */
typedef struct moment {
    uint32_t col;
    int64_t us;
} moment;

static bool constant_us(cu_sql *s, cu_expr *e, int64_t *us)
{
    cu_value v;
    cu_err err = {0};
    if (e->type.kind != CU_T_INTERVAL || !cu_expr_is_const(e) ||
        cu_expr_fold(s->arena, e, &v, &err) || v.null || v.iv.months ||
        v.iv.days > 100000000 || v.iv.days < -100000000)
        return false;
    *us = cu_interval_us(v.iv);
    return true;
}

static bool moment_of(cu_sql *s, cu_expr *e, moment *out)
{
    if (e->kind == CU_E_COL) {
        *out = (moment){e->col, 0};
        return true;
    }
    if (e->kind != CU_E_CALL || e->n_args != 2)
        return false;
    bool plus = strcmp(e->func->name, "+") == 0;
    int64_t us;
    for (int k = 0; k < (plus ? 2 : 1); k++)
        if ((plus || strcmp(e->func->name, "-") == 0) &&
            constant_us(s, e->args[1 - k], &us) &&
            moment_of(s, e->args[k], out))
            return !__builtin_add_overflow(out->us, plus ? us : -us, &out->us);
    return false;
}

typedef struct bounds {
    bool lower, upper;
    int64_t lower_us, upper_us;
} bounds;

static void bound(bounds *b, bool lower, int64_t us)
{
    if (lower && (!b->lower || us > b->lower_us))
        b->lower_us = us;
    if (!lower && (!b->upper || us < b->upper_us))
        b->upper_us = us;
    b->lower = b->lower || lower;
    b->upper = b->upper || !lower;
}

/* l OP r with both a moment: a bound on right_time - left_time. */
static void note_bound(cu_sql *s, const cu_expr *e, uint32_t left,
                       uint32_t right, bounds *b)
{
    moment m[2];
    if (e->kind == CU_E_AND) {
        for (uint32_t i = 0; i < e->n_args; i++)
            note_bound(s, e->args[i], left, right, b);
        return;
    }
    if (e->kind != CU_E_CALL || e->n_args != 2)
        return;
    const char *op = e->func->name;
    bool less = op[0] == '<' && op[1] != '>', more = op[0] == '>';
    bool same = strcmp(op, "=") == 0;
    if ((!less && !more && !same) || !moment_of(s, e->args[0], &m[0]) ||
        !moment_of(s, e->args[1], &m[1]))
        return;
    bool flip = m[0].col == right && m[1].col == left;
    if (!flip && !(m[0].col == left && m[1].col == right))
        return;
    /* left + a <= right + b: right - left >= a - b. */
    int64_t us = flip ? m[1].us - m[0].us : m[0].us - m[1].us;
    if (same || less != flip)
        bound(b, true, us);
    if (same || less == flip)
        bound(b, false, us);
}

static void interval_join(cu_sql *s, cu_node *n, cu_expr *const *conj,
                          uint32_t n_conj)
{
    const cu_node *l = n->inputs[0], *r = n->inputs[1];
    if (!l->time || !r->time || !l->append_only || !r->append_only ||
        l->schema->fields[l->time - 1].type.kind !=
            r->schema->fields[r->time - 1].type.kind)
        return;
    bounds b = {0};
    for (uint32_t i = 0; i < n_conj; i++)
        note_bound(s, conj[i], l->time - 1u, l->schema->n + r->time - 1u, &b);
    if (!b.lower || !b.upper)
        return;
    n->join.left_time = l->time;
    n->join.right_time = r->time;
    n->join.lower_us = b.lower_us;
    n->join.upper_us = b.upper_us;
}

/* --- window joins --------------------------------------------------------- */

static bool bounds_window(const cu_node *n, uint16_t col)
{
    const cu_node_windows *w = &n->windows;
    return w->judged && (col + 1 == w->start || col + 1 == w->end);
}

static bool same_interval(cu_interval a, cu_interval b)
{
    return a.months == b.months && a.days == b.days && a.us == b.us;
}

static void swap_keys(cu_sql *s, cu_node *n, uint32_t i)
{
    uint16_t *cols[2] = {
        cu_arena_dup(s->arena, n->join.left, n->join.n_keys * sizeof(uint16_t)),
        cu_arena_dup(s->arena, n->join.right,
                     n->join.n_keys * sizeof(uint16_t))};
    for (int k = 0; k < 2; k++) {
        uint16_t first = cols[k][0];
        cols[k][0] = cols[k][i];
        cols[k][i] = first;
    }
    n->join.left = cols[0];
    n->join.right = cols[1];
}

/* Which of the right's columns is equated with left's column + 1. */
static uint16_t equated(const cu_node *n, uint16_t left)
{
    for (uint32_t i = 0; left && i < n->join.n_keys; i++)
        if (n->join.left[i] + 1 == left)
            return (uint16_t)(n->join.right[i] + 1);
    return 0;
}

static void window_join(cu_sql *s, cu_node *n)
{
    const cu_node *l = n->inputs[0], *r = n->inputs[1];
    const cu_node_windows *lw = &l->windows, *rw = &r->windows;
    if (n->join.null_safe || !same_interval(lw->size, rw->size) || lw->anchor ||
        rw->anchor)
        return;
    for (uint32_t i = 0; i < n->join.n_keys; i++) {
        uint16_t a = n->join.left[i], b = n->join.right[i];
        if (!bounds_window(l, a) || !bounds_window(r, b) ||
            (a + 1 == lw->start) != (b + 1 == rw->start))
            continue;
        cu_interval none = {0};
        swap_keys(s, n, i);
        n->join.closing = (cu_closing){
            .on = true,
            .delay = a + 1 == lw->start ? lw->size : none,
            .lateness_us = lw->lateness_us > rw->lateness_us ? lw->lateness_us
                                                             : rw->lateness_us};
        if (n->join.kind == CU_JOIN_FULL || !equated(n, (uint16_t)(a + 1)))
            return; /* left's columns may be NULL */
        n->windows = *lw;
        n->windows.lateness_us = n->join.closing.lateness_us;
        n->windows.lag_us = lw->lag_us > rw->lag_us ? lw->lag_us : rw->lag_us;
        n->time = (uint16_t)(a + 1);
        return;
    }
}

void cu_rel_join_time(cu_sql *s, cu_node *join, cu_expr *const *conj,
                      uint32_t n)
{
    interval_join(s, join, conj, n);
    window_join(s, join);
}

/* --- as-of from LATERAL --------------------------------------------------- */

/* The parts of the pattern: project? (rank 1 by time desc (filter* (right))).
 */
typedef struct pattern {
    const cu_node *top; /* PROJECT over the rank, or NULL */
    const cu_node *rank;
    const cu_node *below; /* PROJECT under it, or NULL */
    cu_node *right;
    cu_expr **conj;
    uint32_t n;
} pattern;

static bool only_columns(const cu_node *n)
{
    for (uint32_t i = 0; i < n->schema->n; i++)
        if (n->project.exprs[i]->kind != CU_E_COL)
            return false;
    return true;
}

static bool read_pattern(cu_sql *s, cu_node *in, pattern *p)
{
    *p = (pattern){0};
    if (in->kind == CU_N_PROJECT && in->inputs[0]->kind == CU_N_RANK) {
        p->top = in;
        in = in->inputs[0];
    }
    if (in->kind != CU_N_RANK || in->rank.limit != 1 || in->rank.offset ||
        in->rank.numbered || in->rank.n_partition || in->rank.n_order != 1 ||
        !(in->rank.order[0].flags & CU_DESC))
        return false;
    p->rank = in;
    in = in->inputs[0];
    if (in->kind == CU_N_PROJECT) {
        p->below = in;
        in = in->inputs[0];
    }
    while (in->kind == CU_N_FILTER) {
        p->conj = cu_rel_conjuncts(s, in->filter.predicate, p->conj, &p->n);
        in = in->inputs[0];
    }
    p->right = in;
    return p->n > 0 && (!p->below || only_columns(p->below)) &&
           (!p->top || only_columns(p->top));
}

/* `right's col <= something outside`, either way round. */
static cu_expr *outside_time(const cu_sql *s, const cu_expr *e, uint32_t col,
                             uint32_t id)
{
    for (int k = 0; k < 2; k++) {
        const char *op = k ? ">=" : "<=";
        if (e->kind == CU_E_CALL && e->n_args == 2 &&
            strcmp(e->func->name, op) == 0 && e->args[k]->kind == CU_E_COL &&
            e->args[k]->col == col && cu_rel_means(s, e->args[1 - k], id) &&
            !cu_rel_uses(e->args[1 - k], 0, CU_AGG_BASE))
            return e->args[1 - k];
    }
    return NULL;
}

static uint32_t column_below(const pattern *p, uint32_t col)
{
    return p->below ? p->below->project.exprs[col]->col : col;
}

typedef struct pairing {
    cu_sql *s;
    const cu_outside *o;
    bool failed;
} pairing;

static cu_expr *pair_one(void *ctx, cu_expr *col)
{
    pairing *p = ctx;
    if (col->col < CU_AGG_BASE)
        return cu_expr_col(p->s->arena, col->col + p->o->node->schema->n,
                           col->type, col->pos);
    cu_expr *out = cu_rel_outside(p->s, p->o, col);
    p->failed = p->failed || out == NULL;
    return out ? out : col;
}

/* The as-of join's columns as the subquery lists them, behind the outside's. */
static cu_node *as_listed(cu_sql *s, const cu_outside *o, const pattern *p,
                          const cu_node *in, cu_node *j, uint32_t at)
{
    uint32_t ow = o->node->schema->n, w = in->schema->n;
    uint32_t *cols = cu_arena_calloc(s->arena, ow + w + 1, sizeof(*cols));
    for (uint32_t i = 0; i < ow + w; i++) {
        uint32_t c = i < ow ? i : i - ow;
        if (i >= ow && p->top)
            c = p->top->project.exprs[c]->col;
        cols[i] = i < ow ? c : at + column_below(p, c);
    }
    return cu_rel_pick(s, j, cols, ow + w);
}

cu_node *cu_rel_asof(cu_sql *s, const cu_outside *o, cu_node *in, bool outer,
                     uint32_t *right_at)
{
    pattern p;
    uint32_t id = o->scope->id, n = 0, at, n_keys = 0;
    if (!read_pattern(s, in, &p) || cu_rel_tree_means(s, p.right, id))
        return NULL;
    uint32_t since = column_below(&p, p.rank->rank.order[0].col);
    cu_expr *time = NULL,
            **conj = cu_arena_calloc(s->arena, p.n + 1, sizeof(*conj));
    pairing pair = {s, o, false};
    for (uint32_t i = 0; i < p.n; i++) {
        cu_expr *e = p.conj[i], *t = outside_time(s, e, since, id);
        if (!cu_rel_means(s, e, id)) {
            p.right = cu_rel_push(s, p.right, e);
        } else if (t && time == NULL &&
                   t->type.kind == p.right->schema->fields[since].type.kind) {
            time = cu_rel_outside(s, o, t);
        } else {
            bool eq = e->kind == CU_E_CALL && strcmp(e->func->name, "=") == 0;
            n_keys += eq;
            conj[n++] = cu_rel_rewrite(s, e, pair_one, &pair);
            if (!eq) /* it chooses among the versions: not as-of's rule */
                return NULL;
        }
    }
    if (time == NULL || n_keys == 0 || pair.failed ||
        !p.right->schema->fields[since].not_null)
        return NULL;
    cu_ast_expr some = {.pos = in->pos};
    cu_asof a = {.node = p.right,
                 .time = &some,
                 .right_time = (uint16_t)(since + 1),
                 .pos = in->pos};
    cu_node *j = cu_bind_asof_join(s, &a, o->node, time, outer, conj, n, &at);
    if (j == NULL)
        return NULL;
    *right_at = o->node->schema->n;
    return as_listed(s, o, &p, in, j, at);
}
