/* Binds GROUP BY, aggregates and HAVING.
 *
 *   input ── project(group…, arguments…, filters…) ── aggregate ── [filter]
 *
 * The select's expressions were bound over the input, with found aggregates as
 * column numbers above CU_AGG_BASE.  Here every subtree that equals a
 * group expression becomes its column, every aggregate its result, and an input
 * column that is left over is the classic error.
 *
 * The column that says when a group may be forgotten stands first among the
 * groups.  Two forms have a plan of their own:
 *
 *   GROUPING SETS   project ── expand ── aggregate by (copies…, set)
 *   a session       session ── aggregate by (anchor, partition…), with
 *                   min(ts) and max(ts) + gap for window_start and window_end
 */
#include "processors/sql/bind_group.h"

#include "processors/sql/bind_time.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

typedef struct grouping {
    cu_sql *s;
    cu_bind *b;
    cu_groups *g;
    cu_expr **match;   /* GROUP BY's expressions as they are found */
    cu_expr **results; /* what they are above the aggregate */
    uint32_t first_agg;
    int32_t set_col; /* the set's number, or -1 */
    bool failed;
    bool sub; /* of a subquery */
} grouping;

static const char *column_name(const cu_scope *scope, uint32_t at, cu_arena *a)
{
    for (uint32_t i = 0; i < scope->n_cols; i++)
        if (scope->cols[i].at == at)
            return cu_arena_printf(a, "%s.%s", scope->cols[i].rel,
                                   scope->cols[i].name);
    return "?";
}

static cu_expr *rewrite(grouping *g, cu_expr *e)
{
    cu_arena *a = g->s->arena;
    for (uint32_t i = 0; i < g->g->n_group; i++)
        if (cu_expr_same(e, g->match[i]))
            return g->results[i];
    if (e->kind == CU_E_COL && e->col >= CU_GROUPING_BASE) {
        uint32_t before = g->s->n_problems;
        cu_expr *x = cu_bind_grouping_value(
            g->s, g->g, &g->b->groupings[e->col - CU_GROUPING_BASE],
            g->set_col);
        g->failed = g->failed || g->s->n_problems > before;
        return x;
    }
    if (e->kind == CU_E_COL && e->col >= CU_WINDOW_BASE)
        return e;
    if (e->kind == CU_E_COL && e->col >= CU_AGG_BASE)
        return cu_expr_col(a, g->first_agg + e->col - CU_AGG_BASE, e->type,
                           e->pos);
    if (e->kind == CU_E_COL) {
        g->failed = true;
        cu_sql_error(g->s, e->pos, STATE('4', '2', '8', '0', '3'), NULL,
                     g->sub ? "subquery uses ungrouped column \"%s\" from "
                              "outer query"
                            : "column \"%s\" must appear in the GROUP BY "
                              "clause or be used in an aggregate function",
                     column_name(g->b->scope, e->col, a));
        return e;
    }
    if (e->n_args == 0)
        return e;
    cu_expr *copy = cu_arena_dup(a, e, sizeof(*e));
    copy->args = cu_arena_calloc(a, e->n_args, sizeof(*copy->args));
    for (uint32_t i = 0; i < e->n_args; i++)
        copy->args[i] = rewrite(g, e->args[i]);
    return copy;
}

static void rewrite_all(grouping *g, cu_expr **exprs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        exprs[i] = rewrite(g, exprs[i]);
}

static void rewrite_windows(grouping *g)
{
    for (uint32_t i = 0; i < g->b->n_windows; i++) {
        cu_found_window *w = &g->b->windows[i];
        rewrite_all(g, w->args, w->n_args);
        if (w->filter)
            w->filter = rewrite(g, w->filter);
        rewrite_all(g, w->partition, w->n_partition);
        rewrite_all(g, w->order, w->n_order);
    }
}

/* --- the projection below ------------------------------------------------- */

typedef struct below {
    cu_expr **exprs;
    uint32_t n;
} below;

/* Column of the projection that holds `e`, added when it is new. */
static int32_t add(below *p, cu_expr *e, uint32_t from)
{
    if (e == NULL)
        return -1;
    for (uint32_t i = from; i < p->n; i++)
        if (cu_expr_same(p->exprs[i], e))
            return (int32_t)i;
    p->exprs[p->n++] = e;
    return (int32_t)(p->n - 1);
}

/* The output's name of an expression, by which errors call it; or NULL. */
static const char *shown_name(const cu_groups *g, const cu_expr *e)
{
    for (uint32_t i = 0; i < g->n_shown; i++)
        if (g->shown[i] && cu_expr_same(g->shown[i], e) &&
            strcmp(g->names[i], "?column?"))
            return g->names[i];
    return NULL;
}

static const char **made_names(const grouping *g, cu_expr **exprs, uint32_t n)
{
    cu_sql *s = g->s;
    const cu_bind *b = g->b;
    const char **names = cu_arena_calloc(s->arena, n + 1, sizeof(*names));
    for (uint32_t i = 0; i < n; i++) {
        names[i] = exprs[i]->kind == CU_E_COL ? NULL
                                              : shown_name(g->g, exprs[i]);
        if (names[i] == NULL)
            names[i] = cu_arena_printf(s->arena, "e%u", i + 1);
        if (exprs[i]->kind != CU_E_COL)
            continue;
        for (uint32_t k = 0; k < b->scope->n_cols; k++)
            if (b->scope->cols[k].at == exprs[i]->col)
                names[i] = b->scope->cols[k].name;
    }
    return names;
}

static cu_agg_call call_of(cu_sql *s, below *p, const cu_found_agg *f,
                           uint32_t n_group)
{
    cu_agg_call c = {.func = f->func,
                     .distinct = f->distinct,
                     .result = f->result,
                     .n_order = f->n_order,
                     .direct = f->direct};
    cu_key_col *order = cu_arena_calloc(s->arena, f->n_order + 1,
                                        sizeof(*order));
    c.arg = add(p, f->arg, 0);
    c.filter = add(p, f->filter, n_group);
    c.has_second = f->second != NULL;
    c.second = (uint16_t)(f->second ? add(p, f->second, 0) : 0);
    for (uint32_t i = 0; i < f->n_order; i++)
        order[i] = (cu_key_col){(uint16_t)add(p, f->order[i], 0), f->flags[i]};
    c.order = order;
    return c;
}

static uint32_t room(const cu_bind *b, uint32_t n_group)
{
    uint32_t n = n_group + 4;
    for (uint32_t i = 0; i < b->n_aggs; i++)
        n += 3 + b->aggs[i].n_order;
    return n;
}

/* --- the usual grouping --------------------------------------------------- */

/* The group that closes first. */
static uint32_t first_closes(grouping *g, cu_expr **group, const cu_node *in,
                             cu_closing *closing)
{
    uint32_t n = g->g->n_group;
    uint16_t *cols = cu_arena_calloc(g->s->arena, n + 1, sizeof(*cols));
    for (uint32_t i = 0; i < n; i++)
        cols[i] = group[i]->kind == CU_E_COL ? (uint16_t)group[i]->col
                                             : UINT16_MAX;
    int32_t at = cu_node_closing(in, cols, n, closing);
    if (at <= 0)
        return 0;
    cu_expr *e = group[at], *m = g->match[at];
    group[at] = group[0];
    g->match[at] = g->match[0];
    group[0] = e;
    g->match[0] = m;
    return (uint32_t)at;
}

/* The key in the order of GROUP BY. */
static void key_as_written(grouping *g, cu_node *agg, uint32_t swapped)
{
    uint16_t *key = cu_arena_dup(g->s->arena, agg->key,
                                 agg->n_key * sizeof(*key));
    key[0] = (uint16_t)swapped;
    key[swapped] = 0;
    agg->key = key;
}

static void results_are_columns(grouping *g, uint32_t first)
{
    for (uint32_t i = 0; i < g->g->n_group; i++)
        g->results[i] = cu_expr_col(g->s->arena, first + i, g->match[i]->type,
                                    g->match[i]->pos);
}

/* P5 of bind_prune.c: the rest of the row, to be shown when it is late. */
static void carry(cu_sql *s, below *p, const cu_node *in)
{
    const uint32_t used = p->n;
    for (uint32_t c = 0; c < in->schema->n; c++) {
        uint32_t i = 0;
        while (i < used &&
               (p->exprs[i]->kind != CU_E_COL || p->exprs[i]->col != c))
            i++;
        if (i == used)
            p->exprs[p->n++] = cu_expr_col(s->arena, c,
                                           in->schema->fields[c].type, in->pos);
    }
}

static cu_node *aggregate_over(grouping *g, cu_node *in)
{
    cu_sql *s = g->s;
    cu_bind *b = g->b;
    uint32_t n_group = g->g->n_group;
    below p = {.n = n_group};
    cu_expr **group = cu_arena_dup(s->arena, g->match,
                                   (n_group + 1) * sizeof(*group));
    bool judged = s->time.emit != CU_EMIT_CHANGES || s->time.lateness_given;
    for (uint32_t i = 0; i < n_group && judged; i++)
        cu_bind_judge(s, &group[i], &in);
    cu_closing closing;
    uint32_t swapped = first_closes(g, group, in, &closing);
    p.exprs = cu_arena_calloc(s->arena, room(b, n_group) + in->schema->n,
                              sizeof(*p.exprs));
    memcpy(p.exprs, group, n_group * sizeof(*group));
    cu_agg_call *calls = cu_arena_calloc(s->arena, b->n_aggs + 1,
                                         sizeof(*calls));
    for (uint32_t i = 0; i < b->n_aggs; i++)
        calls[i] = call_of(s, &p, &b->aggs[i], n_group);
    if (p.n == 0) { /* count(*) of everything needs a column to stand on */
        cu_value one = {.type = CU_TYPE(CU_T_INT4), .i4 = 1};
        p.exprs[p.n++] = cu_expr_const(s->arena, &one, in->pos);
    }
    if (closing.on && cu_node_naps(in))
        carry(s, &p, in);
    cu_node *n = cu_node_project(s, in, p.exprs, made_names(g, p.exprs, p.n),
                                 p.n);
    n = cu_node_aggregate(s, n, n_group, calls, b->n_aggs, n_group == 0);
    n->aggregate.closing = closing;
    if (swapped)
        key_as_written(g, n, swapped);
    results_are_columns(g, 0);
    g->first_agg = n_group;
    return n;
}

/* --- GROUPING SETS -------------------------------------------------------- */

static cu_node *aggregate_sets(grouping *g, cu_node *in)
{
    cu_sql *s = g->s;
    cu_bind *b = g->b;
    uint32_t n_group = g->g->n_group;
    below p = {cu_arena_calloc(s->arena, room(b, n_group), sizeof(*p.exprs)),
               n_group};
    memcpy(p.exprs, g->match, n_group * sizeof(*p.exprs));
    cu_agg_call *calls = cu_arena_calloc(s->arena, b->n_aggs + 1,
                                         sizeof(*calls));
    for (uint32_t i = 0; i < b->n_aggs; i++)
        calls[i] = call_of(s, &p, &b->aggs[i], n_group);
    cu_node *n = cu_node_project(s, in, p.exprs, made_names(g, p.exprs, p.n),
                                 p.n);
    n = cu_bind_sets_aggregate(s, n, g->g, calls, b->n_aggs);
    results_are_columns(g, 0);
    g->set_col = (int32_t)n_group;
    g->first_agg = n_group + 1;
    return n;
}

/* --- sessions ------------------------------------------------------------- */

static bool over_input(const cu_expr *e, uint32_t n)
{
    if (e == NULL)
        return true;
    if (e->kind == CU_E_COL)
        return e->col < n;
    for (uint32_t i = 0; i < e->n_args; i++)
        if (!over_input(e->args[i], n))
            return false;
    return true;
}

/* GROUP BY names all partition columns and a bound of the window, nothing
 * else, and no aggregate looks at the bounds. */
static bool by_session(const grouping *g, const cu_node *in,
                       const cu_node *session)
{
    uint32_t n_own = session->inputs[0]->schema->n, found = 0, bounds = 0;
    for (uint32_t i = 0; i < g->g->n_group; i++) {
        if (g->match[i]->kind != CU_E_COL)
            return false;
        uint32_t col = g->match[i]->col;
        bool bound = col + 1 == in->windows.start || col + 1 == in->windows.end;
        bool part = false;
        for (uint32_t k = 0; k < session->session.n_partition; k++)
            part = part || session->session.partition[k] == col;
        if (!bound && !part)
            return false;
        bounds += bound;
        found += part;
    }
    if (bounds == 0 || found != session->session.n_partition)
        return false;
    for (uint32_t i = 0; i < g->b->n_aggs; i++) {
        const cu_found_agg *f = &g->b->aggs[i];
        bool good = over_input(f->arg, n_own) && over_input(f->second, n_own) &&
                    over_input(f->filter, n_own);
        for (uint32_t k = 0; k < f->n_order; k++)
            good = good && over_input(f->order[k], n_own);
        if (!good)
            return false;
    }
    return true;
}

/* session -> aggregate by (anchor, partition…) with min and max of the time
 * -> project (partition…, window_start, window_end, results…). */
static cu_node *aggregate_session(grouping *g, cu_node *in, cu_node *session)
{
    cu_sql *s = g->s;
    cu_bind *b = g->b;
    uint32_t n_part = session->session.n_partition, n_group = n_part + 1;
    below p = {cu_arena_calloc(s->arena, room(b, n_group), sizeof(*p.exprs)),
               0};
    uint32_t anchor = session->schema->n - 1;
    const cu_schema *own = session->schema;
    p.exprs[p.n++] = cu_expr_col(s->arena, anchor, own->fields[anchor].type,
                                 in->pos);
    for (uint32_t i = 0; i < n_part; i++) {
        uint32_t col = session->session.partition[i];
        p.exprs[p.n++] = cu_expr_col(s->arena, col, own->fields[col].type,
                                     in->pos);
    }
    cu_agg_call *calls = cu_arena_calloc(s->arena, b->n_aggs + 2,
                                         sizeof(*calls));
    for (uint32_t i = 0; i < b->n_aggs; i++)
        calls[i] = call_of(s, &p, &b->aggs[i], n_group);
    cu_found_agg ends[2];
    for (uint32_t i = 0; i < 2; i++) {
        if (!cu_bind_session_end(s, session, i == 1, &ends[i]))
            return NULL;
        calls[b->n_aggs + i] = call_of(s, &p, &ends[i], n_group);
    }
    cu_node *n = cu_node_project(s, session, p.exprs,
                                 made_names(g, p.exprs, p.n), p.n);
    uint16_t first = 0;
    cu_closing closing;
    cu_node_closing(n, &first, 1, &closing);
    n = cu_node_aggregate(s, n, n_group, calls, b->n_aggs + 2, false);
    n->aggregate.closing = closing;
    n = cu_bind_session_bounds(s, n, session, b->n_aggs);
    for (uint32_t i = 0; n && i < g->g->n_group; i++) {
        uint32_t col = g->match[i]->col, at = 0;
        while (at < n_part && session->session.partition[at] != col)
            at++;
        if (col + 1 == in->windows.start)
            at = n_part;
        else if (col + 1 == in->windows.end)
            at = n_part + 1;
        g->results[i] = cu_expr_col(s->arena, at, g->match[i]->type,
                                    g->match[i]->pos);
    }
    g->first_agg = n_part + 2;
    return n;
}

/* --- the whole ------------------------------------------------------------ */

/* Subqueries that GROUP BY and the aggregates hold: below the aggregate. */
static bool subs_below(cu_sql *s, cu_bind *b, cu_groups *groups,
                       cu_expr **exprs, uint32_t n_exprs, cu_expr **having,
                       cu_node **node)
{
    const cu_scope *at = b->scope;
    bool good = cu_bind_subs(s, at, node, groups->group, groups->n_group, NULL,
                             NULL);
    for (uint32_t i = 0; good && i < b->n_aggs; i++) {
        cu_found_agg *f = &b->aggs[i];
        good = cu_bind_subs(s, at, node, &f->arg, 1, NULL, NULL) &&
               cu_bind_subs(s, at, node, &f->second, 1, NULL, NULL) &&
               cu_bind_subs(s, at, node, &f->filter, 1, NULL, NULL) &&
               cu_bind_subs(s, at, node, f->order, f->n_order, NULL, NULL);
    }
    cu_bind_sub_values(s, b, exprs, n_exprs);
    cu_bind_sub_values(s, b, having, 1);
    return good;
}

/* What a subquery above the aggregate means. */
static cu_expr *past_group(void *ctx, cu_expr *e)
{
    grouping *g = ctx;
    g->sub = true;
    e = rewrite(g, e);
    return g->failed ? NULL : e;
}

bool cu_bind_group(cu_sql *s, cu_bind *b, cu_groups *groups, cu_expr **exprs,
                   uint32_t n_exprs, cu_expr *having, cu_node **node)
{
    if (!groups->given && b->n_aggs == 0 && having == NULL &&
        b->n_groupings == 0)
        return true;
    uint32_t n = groups->n_group;
    if (!subs_below(s, b, groups, exprs, n_exprs, &having, node))
        return false;
    grouping g = {.s = s, .b = b, .g = groups, .set_col = -1};
    g.match = cu_arena_calloc(s->arena, n + 1, sizeof(*g.match));
    if (n)
        memcpy(g.match, groups->group, n * sizeof(*g.match));
    g.results = cu_arena_calloc(s->arena, n + 1, sizeof(*g.results));
    cu_node *session = cu_bind_session_of(*node);
    cu_node *made;
    if (groups->n_sets)
        made = aggregate_sets(&g, *node);
    else if (session && by_session(&g, *node, session))
        made = aggregate_session(&g, *node, session);
    else
        made = aggregate_over(&g, *node);
    if (made == NULL)
        return false;
    rewrite_all(&g, exprs, n_exprs);
    rewrite_windows(&g);
    if (having)
        having = rewrite(&g, having);
    if (g.failed)
        return false;
    *node = made;
    if (!cu_bind_subs_of(s, b, node, exprs, n_exprs, past_group, &g) ||
        !cu_bind_subs(s, b->scope, node, &having, 1, past_group, &g))
        return false;
    if (having)
        *node = cu_bind_temporal(s, *node, having);
    return *node != NULL;
}
