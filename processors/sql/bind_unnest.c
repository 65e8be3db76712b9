/* Decorrelation of what lifting (bind_lift.c) cannot do: the general case.
 *
 *     D = distinct(the outside's columns that the subquery means)
 *
 * The subquery is computed for all rows of D at once: D joins in below the
 * deepest operators that mean the outside, refs become D's columns, and these
 * come up through every operator as extra columns.  The outside then meets
 * the result on equal D columns, NULLs equal.
 *
 *       join on o.a is not distinct from d.a
 *        /                 \
 *       o            aggregate by (d.a)
 *       |                   |
 *   distinct(a) ───── join on r.x < d.a
 *                           |
 *                           r
 *
 * A global aggregate over nothing is a row of its own: D left joins the
 * groups, and counts that are missing are 0.  A subquery that works row by
 * row (LATERAL over a function of the outside, VALUES, expressions) needs no
 * D: the outside itself takes its place.
 */
#include "processors/sql/bind_unnest.h"

#include "processors/sql/bind_node.h"
#include "processors/sql/bind_rel.h"

typedef struct unnester {
    cu_sql *s;
    const cu_outside *o;
    uint32_t id;
    cu_node *d;             /* D, or the outside itself */
    bool direct;            /* d is the outside */
    uint32_t *refs, n_refs; /* D: the ref that each column is */
    bool failed;
} unnester;

static cu_node *depend(unnester *u, cu_node *n);

/* --- refs ----------------------------------------------------------------- */

cu_expr *cu_rel_outside(cu_sql *s, const cu_outside *o, cu_expr *e)
{
    if (e->kind != CU_E_COL) {
        if (e->n_args == 0)
            return e;
        cu_expr *out = cu_arena_dup(s->arena, e, sizeof(*e));
        out->args = cu_arena_calloc(s->arena, e->n_args, sizeof(*out->args));
        for (uint32_t i = 0; i < e->n_args; i++) {
            out->args[i] = cu_rel_outside(s, o, e->args[i]);
            if (out->args[i] == NULL)
                return NULL;
        }
        return out;
    }
    if (!cu_rel_is_ref(e->col))
        return e;
    const cu_outer_ref *r = &s->refs[e->col - CU_OUTER_BASE];
    if (r->scope != o->scope->id)
        return e;
    cu_expr *meant = cu_rel_meant(s, r, o->map);
    meant = cu_rel_with_values(s, o->scope, meant);
    return o->fn ? o->fn(o->ctx, meant) : meant;
}

typedef struct at_d {
    unnester *u;
    uint32_t base; /* where D's columns begin */
} at_d;

static cu_expr *d_column(void *ctx, cu_expr *col)
{
    const at_d *a = ctx;
    unnester *u = a->u;
    if (!cu_rel_is_ref(col->col) ||
        u->s->refs[col->col - CU_OUTER_BASE].scope != u->id)
        return col;
    for (uint32_t i = 0; !u->direct && i < u->n_refs; i++)
        if (u->refs[i] == col->col)
            return cu_expr_col(u->s->arena, a->base + i, col->type, col->pos);
    cu_expr *e = cu_rel_outside(u->s, u->o, col);
    if (e == NULL) {
        u->failed = true;
        return col;
    }
    return cu_rel_shift(u->s, e, 0, a->base);
}

static cu_expr *with_d(unnester *u, cu_expr *e, uint32_t base)
{
    at_d a = {u, base};
    return cu_rel_rewrite(u->s, e, d_column, &a);
}

static bool note_refs(void *ctx, const cu_expr *e)
{
    unnester *u = ctx;
    if (e->kind == CU_E_COL && cu_rel_is_ref(e->col) &&
        u->s->refs[e->col - CU_OUTER_BASE].scope == u->id) {
        uint32_t i = 0;
        while (i < u->n_refs && u->refs[i] != e->col)
            i++;
        if (i == u->n_refs) {
            u->refs = cu_sql_grow(u->s->arena, u->refs, i, sizeof(*u->refs));
            u->refs[u->n_refs++] = e->col;
        }
    }
    for (uint32_t i = 0; i < e->n_args; i++)
        note_refs(ctx, e->args[i]);
    return false;
}

/* --- joins with D --------------------------------------------------------- */

static uint32_t d_width(const unnester *u)
{
    return u->d->schema->n;
}

/* n's columns, then D's, for every pair that meets `conj` (over n, then D). */
static cu_node *times_d(unnester *u, cu_node *n, cu_expr **conj,
                        uint32_t n_conj)
{
    uint32_t w = n->schema->n, d = d_width(u), at;
    if (n->kind == CU_N_VALUES && n->values.n == 1 && n_conj == 0) {
        cu_expr **exprs = cu_arena_calloc(u->s->arena, w + d, sizeof(*exprs));
        const char **names = cu_arena_calloc(u->s->arena, w + d,
                                             sizeof(*names));
        for (uint32_t i = 0; i < w + d; i++) {
            exprs[i] = i < w ? with_d(u, n->values.rows[0][i], 0)
                             : cu_rel_col(u->s, u->d, i - w);
            names[i] = i < w ? n->schema->fields[i].name
                             : u->d->schema->fields[i - w].name;
        }
        return cu_rel_project(u->s, u->d, exprs, names, w + d);
    }
    cu_node *j = cu_rel_join(u->s, CU_JOIN_INNER, n, u->d, conj, n_conj, &at);
    uint32_t *cols = cu_arena_calloc(u->s->arena, w + d + 1, sizeof(*cols));
    for (uint32_t i = 0; i < w + d; i++)
        cols[i] = i < w ? i : at + i - w;
    return cu_rel_pick(u->s, j, cols, w + d);
}

/* The row of an aggregate over nothing, for rows of D without a group. */
static cu_node *with_empty(unnester *u, const cu_node *n, cu_node *groups)
{
    cu_sql *s = u->s;
    uint32_t d = d_width(u), w = n->schema->n, at;
    cu_expr **conj = cu_arena_calloc(s->arena, d + 1, sizeof(*conj));
    for (uint32_t i = 0; i < d; i++)
        conj[i] = cu_rel_call(s, "is_not_distinct_from", cu_rel_col(s, u->d, i),
                              cu_expr_col(s->arena, d + w + i,
                                          u->d->schema->fields[i].type, n->pos),
                              n->pos);
    cu_node *j = cu_rel_join(s, CU_JOIN_LEFT, u->d, groups, conj, d, &at);
    cu_expr **exprs = cu_arena_calloc(s->arena, w + d + 1, sizeof(*exprs));
    const char **names = cu_arena_calloc(s->arena, w + d + 1, sizeof(*names));
    for (uint32_t i = 0; i < w + d; i++) {
        cu_expr *e = cu_rel_col(s, j, i < w ? at + i : i - w);
        uint8_t agg = i < w ? n->aggregate.calls[i].func->agg : CU_AGG_NONE;
        if (agg == CU_AGG_COUNT || agg == CU_AGG_COUNT_STAR ||
            agg == CU_AGG_REGR_COUNT) {
            cu_expr **or_0 = cu_arena_calloc(s->arena, 2, sizeof(*or_0));
            or_0[0] = e;
            or_0[1] = cu_rel_int8(s, 0, n->pos);
            e = cu_expr_nary(s->arena, CU_E_COALESCE, e->type, or_0, 2, n->pos);
        }
        exprs[i] = e;
        names[i] = i < w ? n->schema->fields[i].name
                         : u->d->schema->fields[i - w].name;
    }
    return cu_rel_project(s, j, exprs, names, w + d);
}

/* --- operators ------------------------------------------------------------ */

static cu_node *depend_filter(unnester *u, cu_node *n)
{
    cu_sql *s = u->s;
    cu_node *in = n->inputs[0];
    uint32_t w = in->schema->n, n_conj = 0;
    cu_expr *e = with_d(u, n->filter.predicate, w);
    cu_expr **conj = cu_rel_conjuncts(s, e, NULL, &n_conj);
    if (!cu_rel_tree_means(s, in, u->id))
        return times_d(u, in, conj, n_conj);
    in = depend(u, in);
    for (uint32_t i = 0; i < n_conj; i++)
        in = cu_rel_push(s, in, conj[i]);
    return in;
}

static cu_node *depend_project(unnester *u, cu_node *n)
{
    cu_sql *s = u->s;
    uint32_t w = n->schema->n, in_w = n->inputs[0]->schema->n, d = d_width(u);
    cu_node *in = depend(u, n->inputs[0]);
    cu_expr **exprs = cu_arena_calloc(s->arena, w + d + 1, sizeof(*exprs));
    const char **names = cu_arena_calloc(s->arena, w + d + 1, sizeof(*names));
    for (uint32_t i = 0; i < w + d; i++) {
        exprs[i] = i < w ? with_d(u, n->project.exprs[i], in_w)
                         : cu_rel_col(s, in, in_w + i - w);
        names[i] = i < w ? n->schema->fields[i].name
                         : u->d->schema->fields[i - w].name;
    }
    return cu_rel_project(s, in, exprs, names, w + d);
}

static cu_node *depend_unary(unnester *u, cu_node *n)
{
    cu_sql *s = u->s;
    uint32_t w = n->inputs[0]->schema->n;
    cu_node *in = depend(u, n->inputs[0]);
    cu_node *own = n;
    if (n->kind == CU_N_FLATMAP) {
        own = cu_arena_dup(s->arena, n, sizeof(*n));
        own->flatmap.args = cu_arena_calloc(s->arena, n->flatmap.n_args + 1,
                                            sizeof(cu_expr *));
        for (uint32_t i = 0; i < n->flatmap.n_args; i++)
            own->flatmap.args[i] = with_d(u, n->flatmap.args[i], w);
    }
    return cu_rel_widened(s, own, in);
}

static cu_node *depend_aggregate(unnester *u, cu_node *n)
{
    cu_node *groups = cu_rel_widened(u->s, n, depend(u, n->inputs[0]));
    return n->aggregate.global ? with_empty(u, n, groups) : groups;
}

static cu_node *united(unnester *u, cu_node **inputs, uint32_t n)
{
    cu_schema *schema = cu_schema_new(u->s->arena, inputs[0]->schema->n);
    for (uint32_t i = 0; i < schema->n; i++) {
        schema->fields[i] = inputs[0]->schema->fields[i];
        for (uint32_t k = 1; k < n; k++)
            if (!inputs[k]->schema->fields[i].not_null)
                schema->fields[i].not_null = false;
    }
    return cu_node_union(u->s, inputs, n, schema);
}

static cu_node *depend_union(unnester *u, cu_node *n)
{
    cu_node **inputs = cu_arena_calloc(u->s->arena, n->n_inputs,
                                       sizeof(*inputs));
    for (uint32_t i = 0; i < n->n_inputs; i++)
        inputs[i] = depend(u, n->inputs[i]);
    return united(u, inputs, n->n_inputs);
}

static cu_node *depend_values(unnester *u, cu_node *n)
{
    cu_node **inputs = cu_arena_calloc(u->s->arena, n->values.n,
                                       sizeof(*inputs));
    for (uint32_t r = 0; r < n->values.n; r++) {
        cu_node *one = cu_arena_dup(u->s->arena, n, sizeof(*n));
        one->values.n = 1;
        one->values.rows = n->values.rows + r;
        inputs[r] = times_d(u, one, NULL, 0);
    }
    return n->values.n == 1 ? inputs[0] : united(u, inputs, n->values.n);
}

/* --- joins ---------------------------------------------------------------- */

/* The join's own conditions again, over left, D, right[, D]. */
static cu_expr **own_conditions(unnester *u, const cu_node *n, uint32_t lw,
                                uint32_t left, uint32_t *n_conj)
{
    cu_sql *s = u->s;
    const cu_node *l = n->inputs[0], *r = n->inputs[1];
    cu_expr **conj = NULL;
    for (uint32_t i = 0; i < n->join.n_keys; i++) {
        bool safe = n->join.null_safe && n->join.null_safe[i];
        cu_expr *a = cu_rel_col(s, l, n->join.left[i]);
        cu_expr *b = cu_expr_col(s->arena, left + n->join.right[i],
                                 r->schema->fields[n->join.right[i]].type,
                                 n->pos);
        conj = cu_rel_conjuncts(
            s,
            cu_rel_call(s, safe ? "is_not_distinct_from" : "=", a, b, n->pos),
            conj, n_conj);
    }
    if (n->join.residual) {
        cu_expr *e = cu_rel_shift(s, n->join.residual, lw, left - lw);
        conj = cu_rel_conjuncts(s, with_d(u, e, lw), conj, n_conj);
    }
    return conj;
}

/* left carries D always (but for INNER, when only right means it); right too
 * when it means the outside, and then they meet on equal D. */
static cu_node *depend_join(unnester *u, cu_node *n)
{
    cu_sql *s = u->s;
    cu_join_kind kind = n->join.kind;
    cu_node *l = n->inputs[0], *r = n->inputs[1];
    uint32_t lw = l->schema->n, rw = r->schema->n, d = d_width(u);
    bool right = cu_rel_tree_means(s, r, u->id);
    if (n->kind != CU_N_JOIN || kind == CU_JOIN_RIGHT || kind == CU_JOIN_FULL ||
        (u->direct && right)) {
        u->failed = true;
        return n;
    }
    uint32_t n_conj = 0, at;
    cu_node *left = depend(u, l), *rights = right ? depend(u, r) : r;
    cu_expr **conj = own_conditions(u, n, lw, lw + d, &n_conj);
    for (uint32_t i = 0; right && i < d; i++) {
        cu_expr *e = cu_rel_call(
            s, "is_not_distinct_from", cu_rel_col(s, left, lw + i),
            cu_expr_col(s->arena, lw + d + rw + i, u->d->schema->fields[i].type,
                        n->pos),
            n->pos);
        conj = cu_rel_conjuncts(s, e, conj, &n_conj);
    }
    cu_node *j = cu_rel_join(s, kind, left, rights, conj, n_conj, &at);
    if (kind == CU_JOIN_SEMI || kind == CU_JOIN_ANTI)
        return cu_rel_pick(s, j, NULL, lw + d);
    uint32_t *cols = cu_arena_calloc(s->arena, lw + rw + d + 1, sizeof(*cols));
    for (uint32_t i = 0; i < lw + rw + d; i++)
        cols[i] = i < lw ? i : i < lw + rw ? at + i - lw : i - rw;
    return cu_rel_pick(s, j, cols, lw + rw + d);
}

static cu_node *depend(unnester *u, cu_node *n)
{
    if (u->failed)
        return n;
    if (!cu_rel_tree_means(u->s, n, u->id) && n->kind != CU_N_FILTER &&
        n->kind != CU_N_PROJECT)
        return times_d(u, n, NULL, 0);
    if (!cu_rel_tree_means(u->s, n, u->id) && n->n_inputs &&
        n->inputs[0]->kind != CU_N_VALUES)
        return times_d(u, n, NULL, 0);
    switch (n->kind) {
    case CU_N_FILTER:
        return depend_filter(u, n);
    case CU_N_PROJECT:
        return depend_project(u, n);
    case CU_N_AGGREGATE:
        return depend_aggregate(u, n);
    case CU_N_UNION:
        return depend_union(u, n);
    case CU_N_VALUES:
        return depend_values(u, n);
    case CU_N_JOIN:
    case CU_N_ASOF:
    case CU_N_LOOKUP:
        return depend_join(u, n);
    case CU_N_FLATMAP:
    case CU_N_EXPAND:
    case CU_N_WINDOW:
    case CU_N_TEMPORAL:
    case CU_N_RANK:
    case CU_N_OVER:
    case CU_N_SESSION:
        return depend_unary(u, n);
    default:
        u->failed = true;
        return n;
    }
}

/* --- the whole ------------------------------------------------------------ */

/* The distinct values of what the subquery means. */
static bool make_d(unnester *u, cu_node *in)
{
    cu_sql *s = u->s;
    cu_rel_tree_any(in, note_refs, u);
    cu_expr **exprs = cu_arena_calloc(s->arena, u->n_refs + 1, sizeof(*exprs));
    const char **names = cu_arena_calloc(s->arena, u->n_refs + 1,
                                         sizeof(*names));
    for (uint32_t i = 0; i < u->n_refs; i++) {
        cu_expr ref = {.kind = CU_E_COL, .col = u->refs[i], .pos = in->pos};
        exprs[i] = cu_rel_outside(s, u->o, &ref);
        if (exprs[i] == NULL)
            return false;
        names[i] = cu_arena_printf(s->arena, "outer%u", i + 1);
    }
    cu_node *p = cu_rel_project(s, u->o->node, exprs, names, u->n_refs);
    u->d = cu_node_distinct(s, p);
    return true;
}

bool cu_rel_unnest(cu_sql *s, const cu_outside *o, cu_node *in, unsigned flags,
                   cu_unnested *out)
{
    if (!cu_rel_tree_means(s, in, o->scope->id)) {
        *out = (cu_unnested){.node = in};
        return true;
    }
    if (cu_rel_lift(s, o, in, flags, out))
        return true;
    unnester u = {.s = s, .o = o, .id = o->scope->id};
    if (!make_d(&u, in))
        return false;
    cu_node *node = depend(&u, in);
    if (u.failed) {
        cu_sql_refuse(s, in->pos, "a correlated subquery of this kind");
        return false;
    }
    *out = (cu_unnested){.node = node, .n_extra = u.n_refs, .n_conj = u.n_refs};
    out->conj = cu_arena_calloc(s->arena, u.n_refs + 1, sizeof(*out->conj));
    uint32_t at = o->node->schema->n + in->schema->n;
    for (uint32_t i = 0; i < u.n_refs; i++) {
        cu_expr *d = cu_rel_col(s, u.d, i);
        cu_expr ref = {.kind = CU_E_COL, .col = u.refs[i], .pos = in->pos};
        out->conj[i] = cu_rel_call(
            s, "is_not_distinct_from", cu_rel_outside(s, o, &ref),
            cu_expr_col(s->arena, at + i, d->type, in->pos), in->pos);
    }
    return true;
}

/* --- LATERAL -------------------------------------------------------------- */

static bool row_by_row(const cu_node *n)
{
    bool plain = n->kind == CU_N_FILTER || n->kind == CU_N_PROJECT ||
                 n->kind == CU_N_FLATMAP || n->kind == CU_N_VALUES ||
                 n->kind == CU_N_UNION;
    for (uint32_t i = 0; plain && i < n->n_inputs; i++)
        plain = row_by_row(n->inputs[i]);
    return plain;
}

/* The outside's columns, then in's, computed over the outside itself. */
static cu_node *direct(cu_sql *s, const cu_outside *o, cu_node *in,
                       cu_expr **on, uint32_t n_on)
{
    unnester u = {.s = s, .o = o, .id = o->scope->id};
    uint32_t ow = o->node->schema->n, w = in->schema->n;
    u.d = o->node;
    u.direct = true;
    cu_node *n = depend(&u, in);
    if (u.failed)
        return NULL;
    uint32_t *cols = cu_arena_calloc(s->arena, ow + w + 1, sizeof(*cols));
    for (uint32_t i = 0; i < ow + w; i++)
        cols[i] = i < ow ? w + i : i - ow;
    n = cu_rel_pick(s, n, cols, ow + w);
    for (uint32_t i = 0; i < n_on; i++)
        n = cu_rel_push(s, n, on[i]);
    return n;
}

/* What rows that met nothing have: see cu_unnested.empty. */
static cu_node *fill_empty(cu_sql *s, const cu_outside *o, cu_node *j,
                           const cu_unnested *x, uint32_t w, uint32_t at)
{
    uint32_t ow = o->node->schema->n;
    cu_expr **exprs = cu_arena_calloc(s->arena, ow + w + 1, sizeof(*exprs));
    const char **names = cu_arena_calloc(s->arena, ow + w + 1, sizeof(*names));
    for (uint32_t i = 0; i < ow + w; i++) {
        uint32_t c = i < ow ? i : at + i - ow;
        names[i] = j->schema->fields[c].name;
        exprs[i] = cu_rel_col(s, j, c);
        if (i < ow)
            continue;
        cu_expr *met = cu_rel_call(s, "is_not_null", cu_rel_col(s, j, at + w),
                                   NULL, j->pos);
        exprs[i] = cu_rel_case(s, met, exprs[i], x->empty[i - ow]);
    }
    return cu_rel_project(s, j, exprs, names, ow + w);
}

cu_node *cu_rel_lateral(cu_sql *s, const cu_outside *o, cu_node *in, bool outer,
                        cu_expr **on, uint32_t n_on, uint32_t *right_at)
{
    cu_unnested x;
    uint32_t ow = o->node->schema->n, w = in->schema->n;
    if (n_on == 0 || !outer) {
        cu_node *n = cu_rel_asof(s, o, in, outer, right_at);
        for (uint32_t i = 0; n && i < n_on; i++)
            n = cu_rel_push(s, n, cu_rel_shift(s, on[i], ow, *right_at - ow));
        if (n)
            return n;
    }
    unsigned flags = CU_UNNEST_ROWS | (n_on ? 0 : CU_UNNEST_EMPTY);
    if (!cu_rel_lift(s, o, in, flags, &x)) {
        cu_node *n = !outer && row_by_row(in) ? direct(s, o, in, on, n_on)
                                              : NULL;
        *right_at = ow;
        if (n)
            return n;
        if (!cu_rel_unnest(s, o, in, flags, &x))
            return NULL;
    }
    uint32_t n = 0;
    cu_expr **conj = NULL;
    for (uint32_t i = 0; i < x.n_conj; i++)
        conj = cu_rel_conjuncts(s, x.conj[i], conj, &n);
    for (uint32_t i = 0; i < n_on; i++)
        conj = cu_rel_conjuncts(s, on[i], conj, &n);
    bool left = outer || x.empty;
    cu_node *j = cu_rel_join(s, left ? CU_JOIN_LEFT : CU_JOIN_INNER, o->node,
                             x.node, conj, n, right_at);
    if (x.empty) {
        j = fill_empty(s, o, j, &x, w, *right_at);
        *right_at = ow;
    }
    return j;
}
