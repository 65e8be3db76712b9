/* Attaches subqueries to the node whose expressions hold them.
 *
 * Conjuncts of WHERE become semi and anti joins.  Anywhere else a subquery is
 * left joined and its value is an expression over the joined columns:
 *
 *     EXISTS      distinct extra columns + a flag        flag is not null
 *     x IN (y)    distinct y, extra + a flag, and        true if flagged, false
 *                 count(*), count(y) per extra           if n = 0, NULL if x is
 *                                                        or nn < n, else false
 *     scalar      single row per extra                   the column
 *     ARRAY       array_agg per extra                    or '{}'
 *     op ANY/ALL  EXISTS (… WHERE x op y), and
 *                 EXISTS (… WHERE (x op y) IS NULL)      as PostgreSQL's CASE
 *
 * "Extra" are the columns by which decorrelation (bind_unnest.c) ties rows to
 * the outside; a subquery that means nothing outside has none.
 */
#include "processors/sql/bind_node.h"
#include "processors/sql/bind_rel.h"
#include "processors/sql/bind_unnest.h"

typedef struct attacher {
    cu_sql *s;
    cu_outside o; /* o.node grows */
} attacher;

static bool attach_one(attacher *a, cu_sub *sub);

/* --- values in place ------------------------------------------------------ */

static cu_sub *sub_at(const cu_scope *scope, const cu_expr *col)
{
    if (col->col < CU_SUB_BASE || col->col >= CU_OUTER_BASE)
        return NULL;
    return scope->subs->at[col->col - CU_SUB_BASE];
}

static cu_expr *value_of(void *ctx, cu_expr *col)
{
    cu_sub *sub = sub_at(ctx, col);
    return sub && sub->value ? sub->value : col;
}

cu_expr *cu_rel_with_values(cu_sql *s, const cu_scope *scope, cu_expr *e)
{
    return cu_rel_rewrite(s, e, value_of, (void *)(uintptr_t)scope);
}

static bool attach_all_in(attacher *a, const cu_expr *e)
{
    cu_sub *sub = e->kind == CU_E_COL ? sub_at(a->o.scope, e) : NULL;
    if (sub && sub->value == NULL && !attach_one(a, sub))
        return false;
    for (uint32_t i = 0; i < e->n_args; i++)
        if (!attach_all_in(a, e->args[i]))
            return false;
    return true;
}

bool cu_rel_attach(cu_sql *s, const cu_outside *o, cu_node **node,
                   cu_expr **exprs, uint32_t n)
{
    attacher a = {s, *o};
    a.o.node = *node;
    for (uint32_t i = 0; i < n; i++) {
        if (exprs[i] == NULL ||
            !cu_rel_uses(exprs[i], CU_SUB_BASE, CU_OUTER_BASE))
            continue;
        if (!attach_all_in(&a, exprs[i]))
            return false;
        exprs[i] = cu_rel_with_values(s, o->scope, exprs[i]);
    }
    *node = a.o.node;
    return true;
}

bool cu_bind_subs(cu_sql *s, const cu_scope *scope, cu_node **node,
                  cu_expr **exprs, uint32_t n, cu_sub_map *map, void *ctx)
{
    cu_outside o = {scope, *node, scope->map, map, ctx};
    return cu_rel_attach(s, &o, node, exprs, n);
}

bool cu_bind_subs_of(cu_sql *s, cu_bind *b, cu_node **node, cu_expr **exprs,
                     uint32_t n, cu_sub_map *map, void *ctx)
{
    const cu_scope *at = b->scope;
    bool good = cu_bind_subs(s, at, node, exprs, n, map, ctx);
    for (uint32_t i = 0; good && i < b->n_windows; i++) {
        cu_found_window *w = &b->windows[i];
        good = cu_bind_subs(s, at, node, w->args, w->n_args, map, ctx) &&
               cu_bind_subs(s, at, node, &w->filter, 1, map, ctx) &&
               cu_bind_subs(s, at, node, w->partition, w->n_partition, map,
                            ctx) &&
               cu_bind_subs(s, at, node, w->order, w->n_order, map, ctx);
    }
    return good;
}

static void values(cu_sql *s, cu_bind *b, cu_expr **exprs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        exprs[i] = cu_rel_with_values(s, b->scope, exprs[i]);
}

void cu_bind_sub_values(cu_sql *s, cu_bind *b, cu_expr **exprs, uint32_t n)
{
    values(s, b, exprs, n);
    for (uint32_t i = 0; i < b->n_windows; i++) {
        cu_found_window *w = &b->windows[i];
        values(s, b, w->args, w->n_args);
        values(s, b, &w->filter, 1);
        values(s, b, w->partition, w->n_partition);
        values(s, b, w->order, w->n_order);
    }
}

/* Refs of the test may hold subqueries themselves: (SELECT …) IN (SELECT …). */
static bool attach_inner(attacher *a, const cu_expr *e)
{
    if (e->kind == CU_E_COL && cu_rel_is_ref(e->col)) {
        const cu_outer_ref *r = &a->s->refs[e->col - CU_OUTER_BASE];
        return r->scope != a->o.scope->id || attach_all_in(a, r->expr);
    }
    for (uint32_t i = 0; i < e->n_args; i++)
        if (!attach_inner(a, e->args[i]))
            return false;
    return true;
}

/* --- joins ---------------------------------------------------------------- */

static uint32_t width(const attacher *a)
{
    return a->o.node->schema->n;
}

/* conj over (the outside as it was, `was` wide; node): the node's columns from
 * `from` on now stand from `to` on, behind the outside as it is. */
static cu_expr **again(const attacher *a, const cu_unnested *x, uint32_t was,
                       uint32_t from, uint32_t to, uint32_t *n)
{
    cu_expr **out = NULL;
    for (uint32_t i = 0; i < x->n_conj; i++)
        out = cu_rel_conjuncts(
            a->s,
            cu_rel_shift(a->s, x->conj[i], was, width(a) - was + to - from),
            out, n);
    return out;
}

static void join(attacher *a, cu_join_kind kind, cu_node *right, cu_expr **conj,
                 uint32_t n, uint32_t *at)
{
    a->o.node = cu_rel_join(a->s, kind, a->o.node, right, conj, n, at);
}

/* Columns [w, w + n_extra) of a node, or those and others before: a list. */
static uint32_t *extra_columns(cu_sql *s, uint32_t w, uint32_t n_extra)
{
    uint32_t *cols = cu_arena_calloc(s->arena, n_extra + 2, sizeof(*cols));
    for (uint32_t i = 0; i < n_extra; i++)
        cols[i] = w + i;
    return cols;
}

static cu_node *flagged(cu_sql *s, cu_node *n)
{
    cu_expr *yes = cu_rel_true(s, n->pos);
    return cu_rel_append(s, cu_node_distinct(s, n), &yes, 1);
}

static const cu_func *aggregate_named(const char *name, uint8_t agg)
{
    uint32_t n;
    const cu_func *const *all = cu_func_all(&n);
    for (uint32_t i = 0; i < n; i++)
        if (all[i]->kind == CU_FUNC_AGGREGATE && all[i]->agg == agg &&
            (name == NULL || strcmp(all[i]->name, name) == 0))
            return all[i];
    return NULL;
}

static cu_agg_call call_of(uint8_t agg, int32_t arg, cu_type result)
{
    return (cu_agg_call){.func = aggregate_named(NULL, agg),
                         .arg = arg,
                         .filter = -1,
                         .result = result};
}

/* Extra columns first, then the others; grouped by the extra ones. */
static cu_node *grouped(cu_sql *s, cu_node *n, uint32_t w, uint32_t n_extra,
                        const cu_agg_call *calls, uint32_t n_calls)
{
    uint32_t *cols = cu_arena_calloc(s->arena, w + n_extra + 1, sizeof(*cols));
    for (uint32_t i = 0; i < w + n_extra; i++)
        cols[i] = i < n_extra ? w + i : i - n_extra;
    const cu_agg_call *kept = cu_arena_dup(s->arena, calls,
                                           n_calls * sizeof(*calls));
    return cu_node_aggregate(s, cu_rel_pick(s, n, cols, w + n_extra), n_extra,
                             kept, n_calls, n_extra == 0);
}

static cu_join_kind kind_for(const cu_unnested *x)
{
    return x->n_extra ? CU_JOIN_LEFT : CU_JOIN_INNER;
}

/* --- EXISTS --------------------------------------------------------------- */

static cu_expr *counted(attacher *a, cu_node *n)
{
    cu_sql *s = a->s;
    uint32_t at;
    cu_agg_call c = call_of(CU_AGG_COUNT_STAR, -1, CU_TYPE(CU_T_INT8));
    join(a, CU_JOIN_INNER, grouped(s, n, n->schema->n, 0, &c, 1), NULL, 0, &at);
    return cu_rel_call(s, ">", cu_rel_col(s, a->o.node, at),
                       cu_rel_int8(s, 0, n->pos), n->pos);
}

static cu_expr *exists(attacher *a, cu_node *n)
{
    cu_sql *s = a->s;
    cu_unnested x;
    if (!cu_rel_unnest(s, &a->o, n, CU_UNNEST_EMPTY, &x))
        return NULL;
    if (x.empty)
        return cu_rel_true(s, n->pos);
    if (x.n_extra == 0 && x.n_conj == 0)
        return counted(a, x.node);
    uint32_t w = n->schema->n, was = width(a), n_conj = 0, at;
    cu_expr **conj = again(a, &x, was, w, 0, &n_conj);
    uint32_t *cols = extra_columns(s, w, x.n_extra);
    join(a, CU_JOIN_LEFT, flagged(s, cu_rel_pick(s, x.node, cols, x.n_extra)),
         conj, n_conj, &at);
    return cu_rel_call(s, "is_not_null",
                       cu_rel_col(s, a->o.node, at + x.n_extra), NULL, n->pos);
}

/* --- ANY, ALL ------------------------------------------------------------- */

typedef struct testing {
    attacher *a;
    uint32_t by; /* where the node's columns begin */
    bool failed;
} testing;

static cu_expr *test_one(void *ctx, cu_expr *col)
{
    testing *t = ctx;
    if (col->col < CU_AGG_BASE)
        return cu_expr_col(t->a->s->arena, col->col + t->by, col->type,
                           col->pos);
    cu_expr *out = cu_rel_outside(t->a->s, &t->a->o, col);
    t->failed = t->failed || out == NULL;
    return out ? out : col;
}

/* The test over the outside's columns, then the node's. */
static cu_expr *outside_test(attacher *a, cu_expr *test)
{
    testing t = {a, width(a), false};
    cu_expr *out = cu_rel_rewrite(a->s, test, test_one, &t);
    return t.failed ? NULL : out;
}

static bool never_null(const cu_node *n, const cu_expr *e)
{
    if (e->kind == CU_E_CONST)
        return !e->value.null;
    return e->kind == CU_E_COL && e->col < n->schema->n &&
           n->schema->fields[e->col].not_null;
}

/* The side of `=` that is the subquery's column, and the other one. */
static bool sides_of(const cu_expr *test, cu_expr **inner, cu_expr **outer)
{
    for (int k = 0; k < 2; k++)
        if (cu_rel_uses(test->args[k], 0, CU_AGG_BASE)) {
            *inner = test->args[k];
            *outer = test->args[1 - k];
            return true;
        }
    return false;
}

static cu_expr *three_valued(cu_sql *s, cu_expr *yes, cu_expr *no,
                             cu_expr *unknown, cu_pos pos)
{
    cu_type t = CU_TYPE(CU_T_BOOL);
    cu_value is_false = {.type = t};
    cu_expr **args = cu_arena_calloc(s->arena, 7, sizeof(*args));
    uint32_t n = 0;
    args[n++] = yes;
    args[n++] = cu_rel_true(s, pos);
    if (no) {
        args[n++] = no;
        args[n++] = cu_expr_const(s->arena, &is_false, pos);
    }
    args[n++] = unknown;
    args[n++] = cu_rel_null(s, t, pos);
    args[n++] = cu_expr_const(s->arena, &is_false, pos);
    return cu_expr_nary(s->arena, CU_E_CASE, t, args, n, pos);
}

static cu_expr *either(cu_sql *s, cu_expr *a, cu_expr *b)
{
    cu_expr **args = cu_arena_calloc(s->arena, 2, sizeof(*args));
    args[0] = a;
    args[1] = b;
    return cu_expr_nary(s->arena, CU_E_OR, CU_TYPE(CU_T_BOOL), args, 2, a->pos);
}

/* n = 0 | x is null or nn < n, once count(*), count(y) are joined. */
static cu_expr *judged(attacher *a, const cu_unnested *x, uint32_t was,
                       cu_expr *flag, cu_expr *outer, cu_node *values,
                       cu_pos pos)
{
    cu_sql *s = a->s;
    uint32_t w = values->schema->n - x->n_extra, n_conj = 0, at;
    cu_agg_call calls[2] = {
        call_of(CU_AGG_COUNT_STAR, -1, CU_TYPE(CU_T_INT8)),
        call_of(CU_AGG_COUNT, (int32_t)x->n_extra, CU_TYPE(CU_T_INT8))};
    cu_node *counts = grouped(s, values, w, x->n_extra, calls, 2);
    cu_expr **conj = again(a, x, was, w, 0, &n_conj);
    join(a, kind_for(x), counts, conj, n_conj, &at);
    cu_expr *n = cu_rel_col(s, a->o.node, at + x->n_extra);
    cu_expr *nn = cu_rel_col(s, a->o.node, at + x->n_extra + 1);
    cu_expr *none = cu_rel_call(s, "=", n, cu_rel_int8(s, 0, pos), pos);
    if (x->n_extra)
        none = either(s, cu_rel_call(s, "is_null", n, NULL, pos), none);
    cu_expr *unknown = either(s, cu_rel_call(s, "is_null", outer, NULL, pos),
                              cu_rel_call(s, "<", nn, n, pos));
    return three_valued(s, flag, none, unknown, pos);
}

/* x IN (SELECT y). */
static cu_expr *in(attacher *a, const cu_sub *sub)
{
    cu_sql *s = a->s;
    cu_unnested x;
    cu_expr *inner, *outer;
    if (!cu_rel_unnest(s, &a->o, sub->node, 0, &x) ||
        !sides_of(sub->test, &inner, &outer))
        return NULL;
    uint32_t w = sub->node->schema->n, was = width(a), n = 0, at;
    /* y as it is compared, then the extra columns. */
    cu_node *y = cu_rel_append(s, x.node, &inner, 1);
    uint32_t *cols = cu_arena_calloc(s->arena, x.n_extra + 2, sizeof(*cols));
    cols[0] = w + x.n_extra;
    for (uint32_t i = 0; i < x.n_extra; i++)
        cols[1 + i] = w + i;
    cu_node *values = cu_rel_pick(s, y, cols, 1 + x.n_extra);
    outer = outside_test(a, outer);
    if (outer == NULL)
        return NULL;
    cu_unnested one = x; /* as if `y` were all that the subquery has */
    one.conj = again(a, &x, was, w, 1, &n);
    n = 0;
    cu_expr **conj = again(a, &one, was, 0, 0, &n);
    cu_expr *column = cu_expr_col(s->arena, was, inner->type, sub->pos);
    conj = cu_rel_conjuncts(s, cu_rel_call(s, "=", outer, column, sub->pos),
                            conj, &n);
    join(a, CU_JOIN_LEFT, flagged(s, values), conj, n, &at);
    cu_expr *flag = cu_rel_call(s, "is_not_null",
                                cu_rel_col(s, a->o.node, at + 1 + x.n_extra),
                                NULL, sub->pos);
    if (never_null(sub->node, inner) && never_null(a->o.node, outer))
        return flag;
    return judged(a, &one, was, flag, outer, values, sub->pos);
}

static cu_expr *any_all(attacher *a, const cu_sub *sub)
{
    cu_sql *s = a->s;
    bool all = sub->use == CU_USE_ALL;
    cu_expr *hit = all ? cu_rel_call(s, "not", sub->test, NULL, sub->pos)
                       : sub->test;
    cu_expr *unsure = cu_rel_call(s, "is_null", sub->test, NULL, sub->pos);
    cu_expr *met = exists(a, cu_node_filter(s, sub->node, hit));
    cu_expr *maybe = met ? exists(a, cu_node_filter(s, sub->node, unsure))
                         : NULL;
    if (maybe == NULL)
        return NULL;
    cu_expr *any = three_valued(s, met, NULL, maybe, sub->pos);
    return all ? cu_rel_call(s, "not", any, NULL, sub->pos) : any;
}

/* --- values --------------------------------------------------------------- */

/* At most one row per extra columns? */
static bool is_single(const cu_unnested *x, uint32_t w)
{
    if (x->node->single)
        return true;
    for (uint32_t k = 0; k < x->node->n_key; k++)
        if (x->node->key[k] < w)
            return false;
    return x->node->n_key > 0;
}

static bool equalities(const cu_unnested *x)
{
    return x->n_conj >= x->n_extra;
}

static cu_expr *scalar(attacher *a, const cu_sub *sub)
{
    cu_sql *s = a->s;
    cu_unnested x;
    if (!cu_rel_unnest(s, &a->o, sub->node, CU_UNNEST_EMPTY, &x))
        return NULL;
    uint32_t w = sub->node->schema->n, was = width(a), n = 0, at;
    cu_node *one = x.node;
    cu_join_kind kind = CU_JOIN_LEFT;
    uint32_t value = 0, key = w;
    if (!is_single(&x, w) || !equalities(&x)) {
        cu_agg_call c = call_of(CU_AGG_SINGLE, (int32_t)x.n_extra, sub->type);
        if (c.func == NULL) {
            cu_sql_refuse(s, sub->pos, "a subquery of many rows here");
            return NULL;
        }
        one = grouped(s, x.node, w, x.n_extra, &c, 1);
        kind = kind_for(&x);
        value = x.n_extra;
        key = 0;
    }
    cu_expr **conj = again(a, &x, was, w, key, &n);
    join(a, kind, one, conj, n, &at);
    cu_expr *e = cu_rel_col(s, a->o.node, at + value);
    bool other = x.empty &&
                 !(x.empty[0]->kind == CU_E_CONST && x.empty[0]->value.null);
    if (!other)
        return e;
    cu_expr *met = cu_rel_call(
        s, "is_not_null", cu_rel_col(s, a->o.node, at + key), NULL, sub->pos);
    return cu_rel_case(s, met, e, x.empty[0]);
}

static cu_expr *array(attacher *a, const cu_sub *sub)
{
    cu_sql *s = a->s;
    cu_unnested x;
    if (!cu_rel_unnest(s, &a->o, sub->node, 0, &x))
        return NULL;
    uint32_t w = sub->node->schema->n, was = width(a), n = 0, at;
    cu_key_col *order = cu_arena_calloc(s->arena, sub->n_order + 1,
                                        sizeof(*order));
    for (uint32_t i = 0; i < sub->n_order; i++)
        order[i] = (cu_key_col){(uint16_t)(sub->order[i].col + x.n_extra),
                                sub->order[i].flags};
    cu_agg_call c = call_of(CU_AGG_ARRAY_AGG, (int32_t)x.n_extra, sub->type);
    c.n_order = sub->n_order;
    c.order = order;
    cu_expr **conj = again(a, &x, was, w, 0, &n);
    join(a, kind_for(&x), grouped(s, x.node, w, x.n_extra, &c, 1), conj, n,
         &at);
    cu_expr *none = NULL;
    cu_err err = {0};
    if (cu_expr_cast(s->arena,
                     cu_expr_literal(s->arena, CU_LIT("{}"), sub->pos),
                     sub->type, CU_CAST_EXPLICIT, &none, &err)) {
        cu_bind_problem(s, sub->pos, &err, NULL);
        return NULL;
    }
    cu_expr **args = cu_arena_calloc(s->arena, 2, sizeof(*args));
    args[0] = cu_rel_col(s, a->o.node, at + x.n_extra);
    args[1] = none;
    return cu_expr_nary(s->arena, CU_E_COALESCE, sub->type, args, 2, sub->pos);
}

static bool attach_one(attacher *a, cu_sub *sub)
{
    if (sub->test && !attach_inner(a, sub->test))
        return false;
    switch (sub->use) {
    case CU_USE_EXISTS:
        sub->value = exists(a, sub->node);
        break;
    case CU_USE_SCALAR:
        sub->value = scalar(a, sub);
        break;
    case CU_USE_ARRAY:
        sub->value = array(a, sub);
        break;
    case CU_USE_ANY:
    case CU_USE_ALL:
        sub->value = sub->equal ? in(a, sub) : any_all(a, sub);
        break;
    }
    return sub->value != NULL;
}

/* --- conjuncts of WHERE --------------------------------------------------- */

static bool semi(attacher *a, cu_sub *sub, cu_join_kind kind, const char *fold)
{
    cu_sql *s = a->s;
    cu_unnested x;
    if (sub->test && !attach_inner(a, sub->test))
        return false;
    if (!cu_rel_unnest(s, &a->o, sub->node, CU_UNNEST_ROWS, &x))
        return false;
    uint32_t n = 0, at, was = width(a);
    cu_expr **conj = again(a, &x, was, 0, 0, &n);
    if (sub->test) {
        cu_expr *test = outside_test(a, sub->test);
        if (test && fold)
            test = cu_rel_call(s, fold, test, NULL, sub->pos);
        if (test == NULL)
            return false;
        conj = cu_rel_conjuncts(s, test, conj, &n);
    }
    uint32_t keep = was;
    join(a, kind, x.node, conj, n, &at);
    a->o.node = cu_rel_pick(s, a->o.node, NULL, keep);
    return true;
}

/* x NOT IN (y) where neither can be NULL. */
static bool plain_anti(const attacher *a, cu_sub *sub)
{
    cu_expr *inner, *outer;
    if (!sub->equal || !sides_of(sub->test, &inner, &outer) ||
        !never_null(sub->node, inner))
        return false;
    cu_expr *out = cu_rel_outside(a->s, &a->o, outer);
    return out && never_null(a->o.node, out);
}

bool cu_rel_where_sub(cu_sql *s, const cu_outside *o, cu_expr *conj,
                      cu_node **node, bool *done)
{
    bool no = conj->kind == CU_E_CALL && strcmp(conj->func->name, "not") == 0;
    const cu_expr *e = no ? conj->args[0] : conj;
    cu_sub *sub = e->kind == CU_E_COL ? sub_at(o->scope, e) : NULL;
    *done = false;
    if (sub == NULL)
        return true;
    attacher a = {s, *o};
    bool good = true;
    cu_join_kind kind = no ? CU_JOIN_ANTI : CU_JOIN_SEMI;
    if (sub->use == CU_USE_EXISTS &&
        cu_rel_tree_means(s, sub->node, o->scope->id))
        good = semi(&a, sub, kind, NULL);
    else if (sub->use == CU_USE_ANY && (!no || plain_anti(&a, sub)))
        good = semi(&a, sub, kind, NULL);
    else if (sub->use == CU_USE_ANY && !sub->equal)
        good = semi(&a, sub, CU_JOIN_ANTI, "is_not_false");
    else if (sub->use == CU_USE_ALL)
        good = no ? semi(&a, sub, CU_JOIN_SEMI, "is_false")
                  : semi(&a, sub, CU_JOIN_ANTI, "is_not_true");
    else
        return true;
    *done = true;
    *node = a.o.node;
    return good;
}

/* --- what subqueries need ------------------------------------------------- */

typedef struct needing {
    bool (*misses)(void *, const cu_expr *);
    void *ctx;
} needing;

static bool misses_ref(void *ctx, const cu_expr *e)
{
    const needing *w = ctx;
    if (e->kind == CU_E_COL)
        return cu_rel_is_ref(e->col) && w->misses(w->ctx, e);
    for (uint32_t i = 0; i < e->n_args; i++)
        if (misses_ref(ctx, e->args[i]))
            return true;
    return false;
}

bool cu_rel_subs_need(cu_sql *s, const cu_scope *scope, const cu_expr *e,
                      bool (*misses)(void *, const cu_expr *), void *ctx)
{
    needing w = {misses, ctx};
    const cu_sub *sub = e->kind == CU_E_COL ? sub_at(scope, e) : NULL;
    if (sub && (cu_rel_tree_any(sub->node, misses_ref, &w) ||
                (sub->test && misses_ref(&w, sub->test))))
        return false;
    for (uint32_t i = 0; i < e->n_args; i++)
        if (!cu_rel_subs_need(s, scope, e->args[i], misses, ctx))
            return false;
    return true;
}
