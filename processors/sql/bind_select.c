/* Binds one query level: targets, DISTINCT, ORDER BY, LIMIT.
 *
 *   FROM -> WHERE -> GROUP BY, HAVING -> OVER -> targets [+ hidden]
 *        -> DISTINCT | DISTINCT ON -> ORDER BY with LIMIT
 *
 * Hidden columns serve ORDER BY and DISTINCT ON and are projected away before
 * anybody outside sees the node.
 */
#include "processors/sql/bind_group.h"
#include "processors/sql/bind_rel.h"
#include "processors/sql/bind_time.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

/* One level while it is bound. */
typedef struct level {
    cu_sql *s;
    const cu_ast_select *sel;
    cu_scope scope;
    cu_bind b;
    cu_node *node;
    cu_expr **exprs; /* visible targets, then hidden ones */
    const char **names;
    uint32_t n, n_visible, cap;
    cu_key_col *order;
    uint32_t n_order;
    uint16_t *on; /* DISTINCT ON columns */
    uint32_t n_on;
} level;

static void add_target(level *l, cu_expr *e, const char *name)
{
    cu_arena *a = l->s->arena;
    if (l->n == l->cap) {
        uint32_t cap = l->cap ? 2 * l->cap : 16;
        cu_expr **exprs = cu_arena_calloc(a, cap, sizeof(*exprs));
        const char **names = cu_arena_calloc(a, cap, sizeof(*names));
        if (l->n) {
            memcpy(exprs, l->exprs, l->n * sizeof(*exprs));
            memcpy(names, l->names, l->n * sizeof(*names));
        }
        l->exprs = exprs;
        l->names = names;
        l->cap = cap;
    }
    l->exprs[l->n] = e;
    l->names[l->n++] = name;
}

/* A scalar subquery is named as its one column. */
static const char *subquery_name(const cu_ast_target *t)
{
    return t->name ? t->name : cu_bind_name(t->expr);
}

const char *cu_bind_name(const cu_ast_expr *e)
{
    switch (e->kind) {
    case CU_A_COLUMN:
    case CU_A_CALL:
        return e->names[e->n_names - 1];
    case CU_A_CAST:
        if (e->args.at[0]->kind == CU_A_COLUMN ||
            e->args.at[0]->kind == CU_A_CALL)
            return cu_bind_name(e->args.at[0]);
        return e->type->name;
    case CU_A_CASE:
        return "case";
    case CU_A_COALESCE:
        return "coalesce";
    case CU_A_NULLIF:
        return "nullif";
    case CU_A_GREATEST:
        return "greatest";
    case CU_A_LEAST:
        return "least";
    case CU_A_ARRAY:
        return "array";
    case CU_A_CLOCK:
        return e->text;
    case CU_A_INDEX:
        return cu_bind_name(e->args.at[0]);
    case CU_A_SUBQUERY:
        return e->sub == CU_SUB_EXISTS  ? "exists"
               : e->sub == CU_SUB_ARRAY ? "array"
               : e->sub == CU_SUB_SCALAR && e->select->n_targets == 1
                   ? subquery_name(&e->select->targets[0])
                   : "?column?";
    default:
        return "?column?";
    }
}

/* --- targets -------------------------------------------------------------- */

static bool expand_star(level *l, const cu_ast_expr *e)
{
    const char *rel = e->n_names ? e->names[0] : NULL;
    uint32_t before = l->n;
    for (uint32_t i = 0; i < l->scope.n_cols; i++) {
        const cu_scope_col *c = &l->scope.cols[i];
        if ((rel && strcmp(rel, c->rel)) || (c->hidden && !rel) ||
            c->name[0] == '\1' || c->rel[0] == '\1')
            continue;
        add_target(l, cu_scope_expr(l->s, c, e->pos), c->name);
    }
    if (l->n > before)
        return true;
    if (rel)
        cu_sql_error(l->s, e->pos, STATE('4', '2', 'P', '0', '1'),
                     cu_sql_nearest(l->s, rel, l->scope.rels, l->scope.n_rels),
                     "missing FROM-clause entry for table \"%s\"", rel);
    else
        cu_sql_error(l->s, e->pos, STATE('4', '2', '6', '0', '1'), NULL,
                     "SELECT * with no tables specified is not valid");
    return false;
}

static bool bind_targets(level *l)
{
    bool good = true;
    l->b.allow_aggs = l->b.allow_windows = true;
    l->b.clause = "the select list";
    for (uint32_t i = 0; i < l->sel->n_targets; i++) {
        const cu_ast_target *t = &l->sel->targets[i];
        if (t->expr->kind == CU_A_COLUMN && t->expr->star) {
            good = expand_star(l, t->expr) && good;
            continue;
        }
        cu_expr *e = cu_bind_settle(&l->b, cu_bind_expr(&l->b, t->expr));
        good = good && e;
        if (e)
            add_target(l, e, t->name ? t->name : cu_bind_name(t->expr));
    }
    l->n_visible = l->n;
    return good;
}

/* An integer literal that names a target: 1-based, or 0 when it is none. */
static uint32_t ordinal(level *l, const cu_ast_expr *e, const char *clause,
                        bool *bad)
{
    *bad = false;
    bool constant = e->kind == CU_A_STRING || e->kind == CU_A_NULL ||
                    e->kind == CU_A_BOOL;
    if (e->kind != CU_A_NUMBER && !constant)
        return 0;
    int32_t at = 0;
    cu_err err = {0};
    bool whole = !constant && cu_int4_in(cu_slice_of(e->text), &at, &err) == 0;
    if (whole && at >= 1 && (uint32_t)at <= l->n_visible)
        return (uint32_t)at;
    *bad = true;
    if (!whole) {
        cu_sql_error(l->s, e->pos, STATE('4', '2', '6', '0', '1'), NULL,
                     "non-integer constant in %s", clause);
        return 0;
    }
    cu_sql_error(l->s, e->pos, STATE('4', '2', 'P', '1', '0'), NULL,
                 "%s position %s is not in select list", clause, e->text);
    return 0;
}

/* A bare name that is an output name: its target + 1. */
static uint32_t output_name(level *l, const cu_ast_expr *e)
{
    if (e->kind != CU_A_COLUMN || e->n_names != 1 || e->star)
        return 0;
    for (uint32_t i = 0; i < l->n_visible; i++)
        if (strcmp(l->names[i], e->names[0]) == 0)
            return i + 1;
    return 0;
}

static bool input_name(const level *l, const cu_ast_expr *e)
{
    if (e->kind != CU_A_COLUMN || e->n_names != 1)
        return false;
    for (uint32_t i = 0; i < l->scope.n_cols; i++)
        if (strcmp(l->scope.cols[i].name, e->names[0]) == 0)
            return true;
    return false;
}

/* Target number (0-based) of an ORDER BY or DISTINCT ON expression; a hidden
 * target is added when it is none of the visible ones. -1 after a problem. */
static int32_t sort_target(level *l, const cu_ast_expr *e, const char *clause)
{
    bool bad;
    uint32_t at = ordinal(l, e, clause, &bad);
    if (bad)
        return -1;
    if (at == 0)
        at = output_name(l, e);
    if (at)
        return (int32_t)at - 1;
    l->b.clause = clause;
    cu_expr *x = cu_bind_settle(&l->b, cu_bind_expr(&l->b, e));
    if (x == NULL)
        return -1;
    for (uint32_t i = 0; i < l->n; i++)
        if (cu_expr_same(l->exprs[i], x))
            return (int32_t)i;
    add_target(l, x, cu_arena_printf(l->s->arena, "sort%u", l->n));
    return (int32_t)l->n - 1;
}

static bool bind_sorts(level *l)
{
    const cu_ast_select *sel = l->sel;
    bool good = true;
    l->on = cu_arena_calloc(l->s->arena, sel->distinct_on.n + 1,
                            sizeof(*l->on));
    for (uint32_t i = 0; i < sel->distinct_on.n; i++) {
        int32_t at = sort_target(l, sel->distinct_on.at[i],
                                 "SELECT DISTINCT ON");
        good = good && at >= 0;
        l->on[l->n_on++] = (uint16_t)(at < 0 ? 0 : at);
    }
    l->order = cu_arena_calloc(l->s->arena, sel->order.n + 1,
                               sizeof(*l->order));
    for (uint32_t i = 0; i < sel->order.n; i++) {
        int32_t at = sort_target(l, sel->order.at[i].expr, "ORDER BY");
        good = good && at >= 0;
        l->order[l->n_order++] = (cu_key_col){(uint16_t)(at < 0 ? 0 : at),
                                              cu_bind_flags(&sel->order.at[i])};
    }
    return good;
}

/* --- GROUP BY and HAVING -------------------------------------------------- */

/* GROUP BY 1 or a target's name may stand for an aggregate. */
static bool has_result(const cu_expr *e, uint32_t base)
{
    if (e->kind == CU_E_COL)
        return e->col >= base && e->col < 2 * base;
    for (uint32_t i = 0; i < e->n_args; i++)
        if (has_result(e->args[i], base))
            return true;
    return false;
}

static cu_expr *group_target(level *l, const cu_ast_expr *e, cu_expr *target)
{
    bool agg = has_result(target, CU_AGG_BASE);
    if (!agg && !has_result(target, CU_WINDOW_BASE))
        return target;
    cu_sql_error(l->s, e->pos,
                 agg ? STATE('4', '2', '8', '0', '3')
                     : STATE('4', '2', 'P', '2', '0'),
                 NULL, "%s functions are not allowed in GROUP BY",
                 agg ? "aggregate" : "window");
    return NULL;
}

/* One expression of GROUP BY: a position, an output's name, or its own. */
static cu_expr *group_one(void *ctx, const cu_ast_expr *e)
{
    level *l = ctx;
    bool bad;
    uint32_t at = ordinal(l, e, "GROUP BY", &bad);
    if (at == 0 && !bad && !input_name(l, e))
        at = output_name(l, e);
    if (at)
        return group_target(l, e, l->exprs[at - 1]);
    return bad ? NULL : cu_bind_settle(&l->b, cu_bind_expr(&l->b, e));
}

static bool bind_grouping(level *l)
{
    const cu_ast_select *sel = l->sel;
    cu_groups g = {0};
    l->b.allow_aggs = l->b.allow_windows = false;
    l->b.clause = "GROUP BY";
    bool good = cu_bind_sets(l->s, sel, group_one, l, &g);
    g.shown = cu_arena_calloc(l->s->arena, l->n + 1, sizeof(*g.shown));
    if (l->n)
        memcpy(g.shown, l->exprs, l->n * sizeof(*g.shown));
    g.names = l->names;
    g.n_shown = l->n;
    cu_expr *having = NULL;
    l->b.allow_aggs = true;
    l->b.clause = "HAVING";
    if (sel->having) {
        having = cu_bind_bool(&l->b, sel->having, "HAVING");
        good = good && having;
    }
    return good &&
           cu_bind_group(l->s, &l->b, &g, l->exprs, l->n, having, &l->node);
}

/* --- DISTINCT ------------------------------------------------------------- */

static bool distinct(level *l)
{
    if (l->n > l->n_visible) {
        cu_sql_error(l->s, l->sel->pos, STATE('4', '2', 'P', '1', '0'), NULL,
                     "for SELECT DISTINCT, ORDER BY expressions must appear in "
                     "select list");
        return false;
    }
    l->node = cu_bind_distinct(l->s, l->node);
    return true;
}

static bool is_on(const level *l, uint16_t col)
{
    for (uint32_t i = 0; i < l->n_on; i++)
        if (l->on[i] == col)
            return true;
    return false;
}

/* The leading ORDER BY columns are the DISTINCT ON ones; the rest decide
 * which row of a group stays. */
static bool distinct_on(level *l)
{
    uint32_t lead = 0;
    while (lead < l->n_order && is_on(l, l->order[lead].col))
        lead++;
    bool mixed = lead < l->n_order && lead < l->n_on;
    for (uint32_t i = lead; i < l->n_order; i++)
        mixed = mixed || (is_on(l, l->order[i].col) && lead < l->n_on);
    if (mixed) {
        cu_sql_error(l->s, l->sel->pos, STATE('4', '2', 'P', '1', '0'), NULL,
                     "SELECT DISTINCT ON expressions must match initial ORDER "
                     "BY expressions");
        return false;
    }
    cu_closing closing;
    int32_t at = cu_node_closing(l->node, l->on, l->n_on, &closing);
    if (at > 0) {
        uint16_t first = l->on[at];
        l->on[at] = l->on[0];
        l->on[0] = first;
    }
    l->node = cu_node_rank(l->s, l->node, l->on, l->n_on, l->order + lead,
                           l->n_order - lead, 1, 0, false);
    l->node->rank.closing = closing;
    return true;
}

/* --- LIMIT ---------------------------------------------------------------- */

static bool bind_count(cu_sql *s, const cu_ast_expr *e, const char *what,
                       int64_t none, int64_t *out)
{
    *out = none;
    if (e == NULL || e->kind == CU_A_NULL)
        return true;
    static const cu_scope nothing;
    cu_bind b = {.sql = s, .scope = &nothing, .clause = what};
    cu_expr *x = cu_bind_expr(&b, e), *wide = NULL;
    cu_err err = {0};
    cu_value v;
    if (x == NULL)
        return false;
    if (cu_expr_cast(s->arena, x, CU_TYPE(CU_T_INT8), CU_CAST_ASSIGNMENT, &wide,
                     &err) ||
        cu_expr_fold(s->arena, wide, &v, &err)) {
        cu_bind_problem(s, e->pos, &err, NULL);
        return false;
    }
    if (v.null)
        return true;
    if (v.i8 < 0) {
        bool offset = strcmp(what, "OFFSET") == 0;
        cu_sql_error(s, e->pos,
                     offset ? STATE('2', '2', '0', '1', 'X')
                            : STATE('2', '2', '0', '1', 'W'),
                     NULL, "%s must not be negative", what);
        return false;
    }
    *out = v.i8;
    return true;
}

/* Only the first n columns of a node. */
static cu_node *only_visible(cu_sql *s, cu_node *n, uint32_t visible)
{
    if (n->schema->n == visible)
        return n;
    cu_expr **exprs = cu_arena_calloc(s->arena, visible, sizeof(*exprs));
    const char **names = cu_arena_calloc(s->arena, visible, sizeof(*names));
    for (uint32_t i = 0; i < visible; i++) {
        exprs[i] = cu_expr_col(s->arena, i, n->schema->fields[i].type, n->pos);
        names[i] = n->schema->fields[i].name;
    }
    return cu_node_project(s, n, exprs, names, visible);
}

/* WITH TIES: all rows whose rank() is in the limit. */
static cu_node *limited(cu_sql *s, const cu_ast_select *sel, const cu_bound *o)
{
    cu_node *n = cu_node_rank(s, o->node, NULL, 0, o->order, o->n_order,
                              o->limit, o->offset, false);
    if (sel->with_ties) {
        n->rank.fn = CU_RANK_RANK;
        n->single = false;
        n->n_key = o->node->n_key;
        n->key = o->node->key;
    }
    return n;
}

/* ORDER BY and LIMIT by the rules for views; or handed to the caller. */
static bool finish(cu_sql *s, const cu_ast_select *sel, bool keep_order,
                   bool order_used, cu_bound *out)
{
    if (!bind_count(s, sel->limit, "LIMIT", -1, &out->limit) ||
        !bind_count(s, sel->offset, "OFFSET", 0, &out->offset))
        return false;
    out->with_ties = sel->with_ties;
    if (sel->with_ties && !sel->order.n) {
        cu_sql_error(s, sel->pos, STATE('4', '2', '6', '0', '1'), NULL,
                     "WITH TIES cannot be specified without ORDER BY clause");
        return false;
    }
    if (keep_order && !sel->with_ties)
        return true;
    bool cut = out->limit >= 0 || out->offset > 0;
    if (cut && out->n_order == 0) {
        cu_sql_error(s, sel->limit ? sel->limit->pos : sel->pos,
                     STATE('0', 'A', '0', '0', '0'),
                     "Add ORDER BY: without it the rows that stay are "
                     "arbitrary.",
                     "LIMIT without ORDER BY is not supported");
        return false;
    }
    if (cut)
        out->node = limited(s, sel, out);
    else if (out->n_order && !order_used)
        cu_sql_notice(s, sel->order.at[0].expr->pos,
                      "A view has no order; put ORDER BY into the COPY or "
                      "query that reads it.",
                      "ORDER BY without LIMIT has no effect here");
    out->limit = -1;
    out->offset = 0;
    out->with_ties = false;
    if (keep_order)
        return true;
    out->node = only_visible(s, out->node, out->n_visible);
    out->n_order = 0;
    return true;
}

/* --- the forms of a query ------------------------------------------------- */

/* WHERE: what needs no clock is planned with the joins. */
static bool bind_where(level *l)
{
    cu_expr *where = NULL, *clocked = NULL;
    bool good = true;
    if (l->sel->where) {
        where = cu_bind_bool(&l->b, l->sel->where, "WHERE");
        good = where != NULL;
    }
    where = cu_bind_clockless(l->s, where, &clocked);
    if (!cu_bind_where(l->s, &l->scope, where))
        return false;
    if (clocked && l->scope.map)
        clocked = cu_rel_mapped(l->s, clocked, l->scope.map);
    l->node = l->scope.node;
    if (good && clocked)
        l->node = cu_bind_temporal(l->s, l->node, clocked);
    return good && l->node;
}

static bool bind_plain(cu_sql *s, const cu_ctes *ctes, const cu_ast_select *sel,
                       cu_bound *out, bool *order_used)
{
    sel = cu_bind_srf(s, sel);
    level l = {.s = s, .sel = sel};
    if (!cu_bind_from(s, ctes, sel, &l.scope))
        return false;
    l.b = (cu_bind){
        .sql = s, .scope = &l.scope, .select = sel, .clause = "WHERE"};
    bool good = bind_where(&l);
    if (!l.scope.node || !bind_targets(&l) || !good || !bind_sorts(&l) ||
        !bind_grouping(&l) ||
        !cu_bind_subs_of(s, &l.b, &l.node, l.exprs, l.n, NULL, NULL) ||
        !cu_bind_windows(s, &l.b, l.exprs, l.n, &l.node))
        return false;
    l.node = cu_node_project(s, l.node, l.exprs, l.names, l.n);
    if (sel->distinct && !distinct(&l))
        return false;
    if (l.n_on && !distinct_on(&l))
        return false;
    *order_used = l.n_on > 0;
    out->node = l.node;
    out->order = l.order;
    out->n_order = l.n_order;
    out->n_visible = l.n_visible;
    return true;
}

static bool ctes_differ(cu_sql *s, const cu_ast_select *sel)
{
    for (uint32_t i = 0; i < sel->n_ctes; i++)
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(sel->ctes[i].name, sel->ctes[k].name) == 0) {
                cu_sql_error(s, sel->ctes[i].pos,
                             STATE('4', '2', '7', '1', '2'), NULL,
                             "WITH query name \"%s\" specified more than once",
                             sel->ctes[i].name);
                return false;
            }
    return true;
}

bool cu_bind_query(cu_sql *s, const cu_ctes *ctes, const cu_ast_select *sel,
                   bool keep_order, cu_bound *out)
{
    *out = (cu_bound){.limit = -1};
    cu_ctes own = {ctes, sel->ctes, sel->n_ctes, s->outer};
    const cu_ctes *all = sel->n_ctes ? &own : ctes;
    bool order_used = false;
    if (!ctes_differ(s, sel))
        return false;
    bool good = sel->set != CU_SET_NONE || sel->n_values
                    ? cu_bind_set(s, all, sel, out)
                    : bind_plain(s, all, sel, out, &order_used);
    return good && finish(s, sel, keep_order, order_used, out);
}

bool cu_bind_select(cu_sql *s, const cu_ast_select *sel, bool keep_order,
                    cu_bound *out)
{
    if (!cu_bind_query(s, NULL, sel, keep_order, out))
        return false;
    cu_bind_settle_node(out->node);
    return true;
}

cu_expr *cu_bind_scalar(cu_sql *s, const cu_ast_expr *e,
                        const cu_schema *columns, const char *table)
{
    cu_scope scope = {0};
    for (uint32_t i = 0; i < columns->n; i++)
        cu_scope_add(s, &scope, table, columns->fields[i].name,
                     columns->fields[i].type, i);
    cu_bind b = {.sql = s, .scope = &scope, .clause = "this expression"};
    return cu_bind_settle(&b, cu_bind_expr(&b, e));
}
