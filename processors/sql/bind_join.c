/* Plans the join of FROM's items under ON and WHERE.
 *
 * Conditions are bound over all items beside each other, in the order of the
 * text; the plan takes the items in the order in which keys connect them (of
 * several the first in the text), and `map` says where a column went.  LEFT
 * JOINs are items like others that keep the rows of those before them:
 *
 *     (A join B) left join C on f(A, C)  =  (A left join C on f(A, C)) join B
 *
 * A RIGHT JOIN is a LEFT JOIN with its sides changed; the sides of a FULL JOIN
 * are closed: planned alone, and one item from then on.
 *
 * Invariants: a conjunct is used once; none is used before all its columns are
 * there; conditions on the clock come last (they become temporal filters).
 */
#include "processors/sql/bind_rel.h"
#include "processors/sql/bind_time.h"
#include "processors/sql/bind_unnest.h"

enum { NOWHERE = CU_AGG_BASE };

typedef struct planner {
    cu_sql *s;
    const cu_scope *scope;
    cu_from_items *from;
    cu_node *node;
    uint32_t *map; /* column of the items -> column of `node` */
    bool *placed;  /* items */
    cu_expr **conj;
    bool *used;
    uint32_t n_conj;
    uint32_t width; /* columns of all items */
    bool failed;
} planner;

static cu_outside outside(const planner *p)
{
    return (cu_outside){p->scope, p->node, p->map, NULL, NULL};
}

/* --- what a condition needs ----------------------------------------------- */

typedef struct need {
    const planner *p;
    const cu_item *item; /* whose columns are there too; NULL: none */
} need;

/* Some column is not there yet? */
static bool misses(void *ctx, const cu_expr *e)
{
    const need *w = ctx;
    const planner *p = w->p;
    if (e->kind == CU_E_COL && e->col < CU_AGG_BASE)
        return p->map[e->col] == NOWHERE &&
               !(w->item && e->col >= w->item->first &&
                 e->col < w->item->first + w->item->n);
    if (e->kind == CU_E_COL && cu_rel_is_ref(e->col)) {
        const cu_outer_ref *r = &p->s->refs[e->col - CU_OUTER_BASE];
        return r->scope == p->scope->id && misses(ctx, r->expr);
    }
    for (uint32_t i = 0; i < e->n_args; i++)
        if (misses(ctx, e->args[i]))
            return true;
    return false;
}

/* Only refs of a LATERAL tree count: its plain columns are its own. */
static bool misses_refs(void *ctx, const cu_expr *e)
{
    if (e->kind == CU_E_COL)
        return cu_rel_is_ref(e->col) && misses(ctx, e);
    for (uint32_t i = 0; i < e->n_args; i++)
        if (misses_refs(ctx, e->args[i]))
            return true;
    return false;
}

static bool all_ready(const planner *p, cu_expr *const *list, uint32_t n,
                      const cu_item *it)
{
    need w = {p, it};
    for (uint32_t i = 0; i < n; i++)
        if (misses(&w, list[i]))
            return false;
    return true;
}

static bool has_sub(const cu_expr *e)
{
    return cu_rel_uses(e, CU_SUB_BASE, CU_OUTER_BASE);
}

static bool of_item(const cu_expr *e, const cu_item *it)
{
    return cu_rel_uses(e, it->first, it->first + it->n);
}

/* --- which item is next --------------------------------------------------- */

static bool placeable(const planner *p, const cu_item *it)
{
    need w = {p, NULL};
    if (it->kind == CU_I_FUNCTION) {
        for (uint32_t i = 0; i < it->n_args; i++)
            if (!cu_rel_subs_need(p->s, p->scope, it->args[i], misses, &w))
                return false;
        return p->node && all_ready(p, it->args, it->n_args, NULL);
    }
    if (it->kind == CU_I_LATERAL && cu_rel_tree_any(it->node, misses_refs, &w))
        return false;
    return (!it->outer && it->kind == CU_I_RELATION) ||
           (p->node && all_ready(p, it->on, it->n_on, it));
}

static bool is_equality(const cu_expr *e)
{
    return e->kind == CU_E_CALL && e->n_args == 2 &&
           (strcmp(e->func->name, "=") == 0 ||
            strcmp(e->func->name, "is_not_distinct_from") == 0);
}

/* Some key of what is there and the item? */
static bool connected(const planner *p, const cu_item *it)
{
    if (it->outer || it->kind != CU_I_RELATION)
        return true;
    for (uint32_t i = 0; i < p->n_conj; i++) {
        const cu_expr *e = p->conj[i];
        need alone = {p, NULL}, with = {p, it};
        if (p->used[i] || !is_equality(e) || !of_item(e, it) ||
            misses(&with, e))
            continue;
        /* One side of what is there, one of the item. */
        for (int k = 0; k < 2; k++)
            if (!misses(&alone, e->args[k]) && of_item(e->args[1 - k], it) &&
                cu_rel_uses(e->args[k], 0, CU_AGG_BASE))
                return true;
    }
    return false;
}

static int32_t next_item(const planner *p)
{
    int32_t any = -1;
    for (uint32_t i = 0; i < p->from->n_items; i++) {
        const cu_item *it = &p->from->items[i];
        if (p->placed[i] || !placeable(p, it))
            continue;
        if (p->node == NULL || connected(p, it))
            return (int32_t)i;
        any = any < 0 ? (int32_t)i : any;
    }
    return any;
}

/* --- placing -------------------------------------------------------------- */

static void settle(planner *p, const cu_item *it, uint32_t at)
{
    for (uint32_t i = 0; i < it->n; i++)
        p->map[it->first + i] = at + i;
}

/* Conjuncts of the item alone, pushed into it. */
static cu_node *restricted(planner *p, const cu_item *it, cu_expr **list,
                           bool *used, uint32_t n)
{
    cu_node *node = it->node;
    uint32_t last = it->first + it->n;
    uint32_t *own = cu_arena_calloc(p->s->arena, last + 1, sizeof(*own));
    for (uint32_t i = 0; i < it->n; i++)
        own[it->first + i] = i;
    for (uint32_t i = 0; i < n; i++) {
        if (used[i] || !of_item(list[i], it) ||
            cu_rel_uses(list[i], 0, it->first) ||
            cu_rel_uses(list[i], last, CU_AGG_BASE) || has_sub(list[i]))
            continue;
        node = cu_rel_push(p->s, node, cu_rel_mapped(p->s, list[i], own));
        used[i] = true;
    }
    return node;
}

/* The item's columns as a join numbers them: behind those of `node`. */
static cu_expr *paired(planner *p, const cu_item *it, cu_expr *e)
{
    uint32_t *map = cu_arena_dup(p->s->arena, p->map, p->width * sizeof(*map));
    for (uint32_t i = 0; i < it->n; i++)
        map[it->first + i] = p->node->schema->n + i;
    return cu_rel_mapped(p->s, e, map);
}

/* WHERE's conjuncts whose columns are all there by now. */
static void filter_ready(planner *p)
{
    need w = {p, NULL};
    for (uint32_t i = 0; i < p->n_conj; i++) {
        cu_expr *e = p->conj[i];
        if (p->used[i] || has_sub(e) || misses(&w, e))
            continue;
        p->node = cu_rel_push(p->s, p->node, cu_rel_mapped(p->s, e, p->map));
        p->used[i] = true;
    }
}

/* LEFT JOIN … ON with a subquery: judged on the side that it speaks of. */
static bool subs_of_on(planner *p, cu_item *it, cu_expr **e, bool *used)
{
    need without = {p, NULL};
    bool left = !misses(&without, *e) &&
                cu_rel_subs_need(p->s, p->scope, *e, misses, &without);
    uint32_t last = it->first + it->n;
    bool right = !left && !cu_rel_uses(*e, 0, it->first) &&
                 !cu_rel_uses(*e, last, CU_AGG_BASE);
    if (left) {
        cu_outside o = outside(p);
        *e = cu_rel_mapped(p->s, *e, p->map);
        bool good = cu_rel_attach(p->s, &o, &p->node, e, 1);
        *used = true;
        return good;
    }
    uint32_t *own = cu_arena_calloc(p->s->arena, p->width + 1, sizeof(*own));
    for (uint32_t i = 0; i < p->width; i++)
        own[i] = i - it->first < it->n ? i - it->first : NOWHERE;
    need alone = {&(planner){.s = p->s, .scope = p->scope, .map = own}, NULL};
    if (!right || !cu_rel_subs_need(p->s, p->scope, *e, misses, &alone)) {
        cu_sql_refuse(p->s, (*e)->pos,
                      "a subquery over both sides in ON of an outer join");
        return false;
    }
    cu_outside o = {p->scope, it->node, own, NULL, NULL};
    cu_expr *mine = cu_rel_mapped(p->s, *e, own);
    uint32_t n = it->node->schema->n;
    if (!cu_rel_attach(p->s, &o, &it->node, &mine, 1))
        return false;
    it->node = cu_rel_pick(p->s, cu_rel_push(p->s, it->node, mine), NULL, n);
    *e = NULL;
    return true;
}

/* While a FULL JOIN's condition is bound, the columns of one side stand from 0
 * on, those of the other from OTHER on. */
enum { OTHER = CU_AGG_BASE / 2 };

static cu_expr *changed_sides(void *ctx, cu_expr *col)
{
    cu_sql *s = ctx;
    if (col->col >= CU_AGG_BASE)
        return col;
    return cu_expr_col(s->arena, col->col ^ OTHER, col->type, col->pos);
}

/* Attaches the subqueries of *e to the side that they speak of. */
static bool to_side(cu_sql *s, const cu_scope *scope, cu_item *it,
                    const cu_item *other, cu_expr **e, bool *done)
{
    uint32_t end = it->first + it->n, rest = other->first + other->n;
    uint32_t width = end > rest ? end : rest;
    uint32_t *own = cu_arena_calloc(s->arena, width + 1, sizeof(*own));
    uint32_t *both = cu_arena_calloc(s->arena, width + 1, sizeof(*both));
    for (uint32_t i = 0; i < width; i++) {
        bool mine = i - it->first < it->n;
        own[i] = mine ? i - it->first : NOWHERE;
        both[i] = mine ? i - it->first : OTHER + i - other->first;
    }
    need alone = {&(planner){.s = s, .scope = scope, .map = own}, NULL};
    *done = cu_rel_subs_need(s, scope, *e, misses, &alone);
    if (!*done)
        return true;
    cu_outside o = {scope, it->node, own, NULL, NULL};
    *e = cu_rel_mapped(s, *e, both);
    return cu_rel_attach(s, &o, &it->node, e, 1);
}

bool cu_rel_full_on(cu_sql *s, const cu_scope *scope, cu_item *l, cu_item *r,
                    cu_expr **conj, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        bool done;
        if (!to_side(s, scope, l, r, &conj[i], &done))
            return false;
        if (done)
            continue;
        if (!to_side(s, scope, r, l, &conj[i], &done))
            return false;
        if (!done) {
            cu_sql_refuse(s, conj[i]->pos,
                          "a subquery over both sides in ON of an outer join");
            return false;
        }
        conj[i] = cu_rel_rewrite(s, conj[i], changed_sides, s);
    }
    for (uint32_t i = 0; i < n; i++)
        conj[i] = cu_rel_shift(s, conj[i], OTHER, l->node->schema->n - OTHER);
    return true;
}

static void place_outer(planner *p, cu_item *it)
{
    cu_sql *s = p->s;
    bool *used = cu_arena_calloc(s->arena, it->n_on + 1, sizeof(*used));
    it->node = restricted(p, it, it->on, used, it->n_on);
    cu_expr **conj = cu_arena_calloc(s->arena, it->n_on + 1, sizeof(*conj));
    uint32_t n = 0;
    /* Subqueries first: they change how wide the left side is. */
    for (uint32_t i = 0; i < it->n_on; i++) {
        cu_expr *e = it->on[i];
        bool mapped = false;
        if (used[i] || !has_sub(e))
            continue;
        used[i] = true;
        if (!subs_of_on(p, it, &e, &mapped)) {
            p->failed = true;
            return;
        }
        if (mapped)
            conj[n++] = e;
    }
    for (uint32_t i = 0; i < it->n_on; i++)
        if (!used[i])
            conj[n++] = paired(p, it, it->on[i]);
    uint32_t at;
    p->node = cu_rel_join(s, CU_JOIN_LEFT, p->node, it->node, conj, n, &at);
    settle(p, it, at);
}

static void place_inner(planner *p, cu_item *it)
{
    cu_sql *s = p->s;
    it->node = restricted(p, it, p->conj, p->used, p->n_conj);
    if (p->node == NULL) {
        p->node = it->node;
        settle(p, it, 0);
        return;
    }
    cu_expr **conj = cu_arena_calloc(s->arena, p->n_conj + 1, sizeof(*conj));
    uint32_t n = 0, at;
    need w = {p, it};
    for (uint32_t i = 0; i < p->n_conj; i++)
        if (!p->used[i] && !has_sub(p->conj[i]) && !misses(&w, p->conj[i])) {
            conj[n++] = paired(p, it, p->conj[i]);
            p->used[i] = true;
        }
    p->node = cu_rel_join(s, CU_JOIN_INNER, p->node, it->node, conj, n, &at);
    settle(p, it, at);
}

static void place_function(planner *p, cu_item *it)
{
    cu_outside o = outside(p);
    cu_expr **args = cu_arena_calloc(p->s->arena, it->n_args + 1,
                                     sizeof(*args));
    for (uint32_t i = 0; i < it->n_args; i++)
        args[i] = cu_rel_mapped(p->s, it->args[i], p->map);
    if (!cu_rel_attach(p->s, &o, &p->node, args, it->n_args)) {
        p->failed = true;
        return;
    }
    uint32_t at = p->node->schema->n;
    p->node = cu_node_flatmap(p->s, p->node, it->func, args, it->n_args,
                              it->fields, it->n - it->ordinality,
                              it->ordinality, it->outer);
    settle(p, it, at);
}

static void place_lateral(planner *p, cu_item *it)
{
    cu_outside o = outside(p);
    uint32_t at = p->node->schema->n;
    cu_expr **on = cu_arena_calloc(p->s->arena, it->n_on + 1, sizeof(*on));
    for (uint32_t i = 0; i < it->n_on; i++)
        on[i] = paired(p, it, it->on[i]);
    cu_node *node = cu_rel_lateral(p->s, &o, it->node, it->outer, on, it->n_on,
                                   &at);
    p->failed = node == NULL;
    if (node)
        p->node = node;
    settle(p, it, at);
}

static void place(planner *p, cu_item *it)
{
    if (it->kind == CU_I_FUNCTION)
        place_function(p, it);
    else if (it->kind == CU_I_LATERAL)
        place_lateral(p, it);
    else if (it->outer)
        place_outer(p, it);
    else
        place_inner(p, it);
    if (!p->failed)
        filter_ready(p);
}

/* A LEFT JOIN whose NULL-extended rows WHERE throws away is an inner one. */
static void make_inner(planner *p)
{
    for (uint32_t i = 0; i < p->from->n_items; i++) {
        cu_item *it = &p->from->items[i];
        for (uint32_t k = 0; it->outer && k < p->n_conj; k++)
            if (!has_sub(p->conj[k]) &&
                cu_rel_rejects(p->conj[k], it->first, it->first + it->n)) {
                it->outer = false;
                for (uint32_t c = 0; c < it->n_on; c++)
                    p->conj = cu_rel_conjuncts(p->s, it->on[c], p->conj,
                                               &p->n_conj);
                it->n_on = 0;
            }
    }
}

static bool place_all(planner *p)
{
    for (uint32_t left = p->from->n_items; left > 0; left--) {
        int32_t i = next_item(p);
        if (i < 0) {
            for (uint32_t k = 0; k < p->from->n_items; k++)
                if (!p->placed[k]) {
                    cu_sql_refuse(p->s, p->from->items[k].pos,
                                  "LATERAL over this side of a join");
                    return false;
                }
        }
        p->placed[i] = true;
        place(p, &p->from->items[i]);
        if (p->failed)
            return false;
    }
    return true;
}

/* --- the whole ------------------------------------------------------------ */

/* Conditions on the clock stay apart, as `*late`. */
static planner start(cu_sql *s, const cu_scope *scope, cu_from_items *from,
                     cu_expr *where, cu_expr ***late, uint32_t *n_late)
{
    planner p = {.s = s, .scope = scope, .from = from};
    for (uint32_t i = 0; i < from->n_items; i++) {
        uint32_t end = from->items[i].first + from->items[i].n;
        p.width = end > p.width ? end : p.width;
    }
    p.map = cu_arena_calloc(s->arena, p.width + 1, sizeof(*p.map));
    for (uint32_t i = 0; i < p.width; i++)
        p.map[i] = NOWHERE;
    p.placed = cu_arena_calloc(s->arena, from->n_items + 1, sizeof(*p.placed));
    uint32_t n = 0;
    cu_expr **all = NULL;
    for (uint32_t i = 0; i < from->n_where; i++)
        all = cu_rel_conjuncts(s, from->where[i], all, &n);
    all = cu_rel_conjuncts(s, where, all, &n);
    for (uint32_t i = 0; i < n; i++)
        if (cu_expr_uses_clock(all[i]))
            *late = cu_rel_conjuncts(s, all[i], *late, n_late);
        else
            p.conj = cu_rel_conjuncts(s, all[i], p.conj, &p.n_conj);
    make_inner(&p);
    p.used = cu_arena_calloc(s->arena, p.n_conj + 1, sizeof(*p.used));
    return p;
}

/* Conjuncts with subqueries, once everything else is there. */
static bool attach_rest(planner *p)
{
    cu_sql *s = p->s;
    for (uint32_t i = 0; i < p->n_conj; i++) {
        if (p->used[i])
            continue;
        cu_outside o = outside(p);
        cu_expr *e = cu_rel_mapped(s, p->conj[i], p->map);
        bool done = false;
        if (!cu_rel_where_sub(s, &o, e, &p->node, &done))
            return false;
        if (done)
            continue;
        o = outside(p);
        if (!cu_rel_attach(s, &o, &p->node, &e, 1))
            return false;
        p->node = cu_rel_push(s, p->node, e);
    }
    return true;
}

static bool plan(planner *p, cu_expr **late, uint32_t n_late)
{
    if (!place_all(p) || !attach_rest(p))
        return false;
    for (uint32_t i = 0; i < n_late; i++)
        late[i] = cu_rel_mapped(p->s, late[i], p->map);
    cu_outside o = outside(p);
    if (!cu_rel_attach(p->s, &o, &p->node, late, n_late))
        return false;
    if (n_late)
        p->node = cu_bind_temporal(p->s, p->node,
                                   cu_rel_and(p->s, late, n_late));
    return p->node != NULL;
}

cu_node *cu_rel_close(cu_sql *s, const cu_scope *scope, cu_from_items *from,
                      uint32_t first, uint32_t n)
{
    cu_expr **late = NULL;
    uint32_t n_late = 0;
    planner p = start(s, scope, from, NULL, &late, &n_late);
    if (!plan(&p, late, n_late))
        return NULL;
    return cu_rel_pick(s, p.node, p.map + first, n);
}

bool cu_bind_where(cu_sql *s, cu_scope *scope, cu_expr *where)
{
    cu_expr **late = NULL;
    uint32_t n_late = 0;
    planner p = start(s, scope, scope->from, where, &late, &n_late);
    if (!plan(&p, late, n_late))
        return false;
    scope->node = p.node;
    scope->map = p.map;
    for (uint32_t i = 0; i < scope->n_cols; i++) {
        cu_scope_col *c = &scope->cols[i];
        if (c->expr)
            c->expr = cu_rel_mapped(s, c->expr, p.map);
        else
            c->at = p.map[c->at];
    }
    return true;
}
