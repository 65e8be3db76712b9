/* Binds calls with OVER, and makes their nodes.
 *
 *   input ── [project: arguments, partitions, orders] ── over ── over …
 *
 * A call becomes a column number above CU_WINDOW_BASE while the select list is
 * bound; GROUP BY then moves its expressions over the groups (bind_group.c),
 * and here all calls of one partition and order share a node.  A lone
 * row_number(), rank() or dense_rank() is a RANK node, which a filter above
 * can bound (`WHERE rn <= 3`).
 */
#include "processors/sql/bind_time.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

static const char *last_name(const cu_ast_expr *e)
{
    return e->names[e->n_names - 1];
}

static bool wrong(cu_bind *b, cu_pos pos, uint32_t state, const char *text)
{
    cu_sql_error(b->sql, pos, state, NULL, "%s", text);
    return false;
}

/* --- which window --------------------------------------------------------- */

static const cu_ast_window *named(cu_bind *b, const char *name, cu_pos pos)
{
    const cu_ast_select *sel = b->select;
    for (uint32_t i = 0; sel && i < sel->n_windows; i++)
        if (strcmp(sel->windows[i].name, name) == 0)
            return &sel->windows[i];
    cu_sql_error(b->sql, pos, STATE('4', '2', '7', '0', '4'), NULL,
                 "window \"%s\" does not exist", name);
    return NULL;
}

/* OVER w is w itself; OVER (w …) adds an order or a frame to it. */
static bool window_of(cu_bind *b, const cu_ast_window *w, unsigned depth,
                      cu_ast_window *out)
{
    *out = *w;
    const char *base = w->base;
    if (depth > 100)
        return wrong(b, w->pos, STATE('4', '2', 'P', '2', '0'),
                     "a window is built on itself");
    if (depth == 0 && w->name && !base) {
        const cu_ast_window *d = named(b, w->name, w->pos);
        return d && window_of(b, d, 1, out);
    }
    if (!base)
        return true;
    const cu_ast_window *d = named(b, base, w->pos);
    cu_ast_window from;
    if (!d || !window_of(b, d, depth + 1, &from))
        return false;
    const char *what = w->partition.n ? "override PARTITION BY clause of"
                       : w->order.n && from.order.n
                           ? "override ORDER BY clause of"
                       : from.frame.written ? "copy"
                                            : NULL;
    if (what) {
        cu_sql_error(b->sql, w->pos, STATE('4', '2', 'P', '2', '0'), NULL,
                     from.frame.written && !strcmp(what, "copy")
                         ? "cannot %s window \"%s\" because it has a frame "
                           "clause"
                         : "cannot %s window \"%s\"",
                     what, base);
        return false;
    }
    out->partition = from.partition;
    if (!w->order.n)
        out->order = from.order;
    return true;
}

/* --- frames --------------------------------------------------------------- */

static cu_type offset_type(cu_type t)
{
    switch (t.kind) {
    case CU_T_INT2:
    case CU_T_INT4:
    case CU_T_INT8:
        return CU_TYPE(CU_T_INT8);
    case CU_T_FLOAT4:
    case CU_T_FLOAT8:
        return CU_TYPE(CU_T_FLOAT8);
    case CU_T_NUMERIC:
        return CU_TYPE(CU_T_NUMERIC);
    case CU_T_DATE:
    case CU_T_TIME:
    case CU_T_TIMESTAMP:
    case CU_T_TIMESTAMPTZ:
    case CU_T_INTERVAL:
        return CU_TYPE(CU_T_INTERVAL);
    default:
        return CU_TYPE(CU_T_UNKNOWN);
    }
}

static bool negative(const cu_value *v)
{
    cu_value zero = {.type = v->type};
    return cu_value_cmp(v, &zero) < 0;
}

/* A constant offset of the frame's type. */
static bool bind_offset(cu_bind *b, const cu_ast_expr *e, bool start,
                        cu_type type, const cu_value **out)
{
    static const cu_scope nothing;
    if (e == NULL)
        return true;
    cu_bind own = {.sql = b->sql, .scope = &nothing, .clause = "a frame"};
    cu_expr *x = cu_bind_expr(&own, e), *typed = NULL;
    cu_value *v = cu_arena_calloc(b->sql->arena, 1, sizeof(*v));
    cu_err err = {0};
    if (x == NULL)
        return false;
    if (cu_expr_cast(b->sql->arena, x, type, CU_CAST_ASSIGNMENT, &typed,
                     &err) ||
        (cu_expr_is_const(typed) &&
         cu_expr_fold(b->sql->arena, typed, v, &err))) {
        cu_bind_problem(b->sql, e->pos, &err, NULL);
        return false;
    }
    if (!cu_expr_is_const(typed)) {
        cu_sql_refuse(b->sql, e->pos, "a frame offset that is no constant");
        return false;
    }
    if (v->null || negative(v)) {
        cu_sql_error(b->sql, e->pos,
                     v->null ? STATE('2', '2', '0', '0', '4')
                             : STATE('2', '2', '0', '1', '3'),
                     NULL, "frame %s offset must not be %s",
                     start ? "starting" : "ending",
                     v->null ? "null" : "negative");
        return false;
    }
    *out = v;
    return true;
}

static bool bind_frame(cu_bind *b, const cu_ast_window *w, cu_found_window *f)
{
    const cu_ast_frame *a = &w->frame;
    bool offsets = a->start_offset || a->end_offset;
    cu_type type = CU_TYPE(CU_T_INT8);
    f->frame = (cu_over_frame){.mode = CU_FRAME_RANGE,
                               .start = CU_BOUND_UNBOUNDED_PRECEDING,
                               .end = CU_BOUND_CURRENT};
    if (!a->written)
        return true;
    f->frame = (cu_over_frame){.mode = a->mode,
                               .start = a->start,
                               .end = a->end,
                               .exclude = a->exclude};
    if (a->mode == CU_FRAME_GROUPS && f->n_order == 0)
        return wrong(b, w->pos, STATE('4', '2', 'P', '2', '0'),
                     "GROUPS mode requires an ORDER BY clause");
    if (a->mode == CU_FRAME_RANGE && offsets) {
        if (f->n_order != 1)
            return wrong(b, w->pos, STATE('4', '2', 'P', '2', '0'),
                         "RANGE with offset PRECEDING/FOLLOWING requires "
                         "exactly one ORDER BY column");
        type = offset_type(f->order[0]->type);
        if (type.kind == CU_T_UNKNOWN) {
            char name[64];
            cu_sql_error(b->sql, w->pos, STATE('0', 'A', '0', '0', '0'), NULL,
                         "RANGE with offset PRECEDING/FOLLOWING is not "
                         "supported for column type %s",
                         cu_type_name(f->order[0]->type, name));
            return false;
        }
    }
    return bind_offset(b, a->start_offset, true, type,
                       &f->frame.start_offset) &&
           bind_offset(b, a->end_offset, false, type, &f->frame.end_offset);
}

/* --- a call --------------------------------------------------------------- */

static bool refuse_clauses(cu_bind *b, const cu_ast_expr *e, bool aggregate)
{
    const char *what = NULL;
    if (e->distinct)
        what = "DISTINCT is not implemented for window functions";
    else if (e->within_group)
        what = "OVER is not supported for ordered-set aggregates";
    else if (e->order.n)
        what = "aggregate ORDER BY is not implemented for window functions";
    else if (e->filter && !aggregate)
        what = "FILTER is not implemented for non-aggregate window functions";
    if (what)
        wrong(b, e->pos, STATE('0', 'A', '0', '0', '0'), what);
    return what != NULL;
}

static bool misplaced(cu_bind *b, const cu_ast_expr *e)
{
    if (b->in_window)
        wrong(b, e->pos, STATE('4', '2', 'P', '2', '0'),
              "window function calls cannot be nested");
    else if (b->in_agg)
        wrong(b, e->pos, STATE('4', '2', '8', '0', '3'),
              "aggregate function calls cannot contain window function calls");
    else if (!b->allow_windows)
        cu_sql_error(b->sql, e->pos, STATE('4', '2', 'P', '2', '0'), NULL,
                     "window functions are not allowed in %s", b->clause);
    else
        return false;
    return true;
}

static bool bind_lists(cu_bind *b, const cu_ast_window *w, cu_found_window *f)
{
    cu_arena *a = b->sql->arena;
    bool good = true;
    f->partition = cu_arena_calloc(a, w->partition.n + 1,
                                   sizeof(*f->partition));
    f->order = cu_arena_calloc(a, w->order.n + 1, sizeof(*f->order));
    f->flags = cu_arena_calloc(a, w->order.n + 1, sizeof(*f->flags));
    for (uint32_t i = 0; i < w->partition.n; i++) {
        f->partition[i] = cu_bind_settle(b,
                                         cu_bind_expr(b, w->partition.at[i]));
        good = good && f->partition[i];
    }
    for (uint32_t i = 0; i < w->order.n; i++) {
        f->order[i] = cu_bind_settle(b, cu_bind_expr(b, w->order.at[i].expr));
        f->flags[i] = cu_bind_flags(&w->order.at[i]);
        good = good && f->order[i];
    }
    f->n_partition = w->partition.n;
    f->n_order = w->order.n;
    return good;
}

/* Lists of a frame: each row would hold all of its frame again. */
static bool is_list(const cu_func *f)
{
    return f->agg == CU_AGG_STRING_AGG || f->agg == CU_AGG_ARRAY_AGG ||
           f->agg == CU_AGG_JSONB_AGG || f->agg == CU_AGG_JSONB_OBJECT_AGG;
}

static bool bind_arguments(cu_bind *b, const cu_ast_expr *e, bool aggregate,
                           cu_found_window *f)
{
    cu_expr **args = cu_arena_calloc(b->sql->arena, e->args.n + 1,
                                     sizeof(*args));
    bool good = true;
    cu_err err = {0};
    char hint[120] = "";
    for (uint32_t i = 0; i < e->args.n; i++) {
        args[i] = cu_bind_expr(b, e->args.at[i]);
        good = good && args[i];
    }
    if (e->filter)
        f->filter = cu_bind_bool(b, e->filter, "FILTER");
    if (!good || (e->filter && !f->filter))
        return false;
    if (cu_func_resolve(b->sql->arena, last_name(e),
                        aggregate ? CU_FUNC_AGGREGATE : CU_FUNC_WINDOW, args,
                        e->args.n, &f->func, &f->result, hint, &err)) {
        cu_bind_problem(b->sql, e->pos, &err, hint);
        return false;
    }
    if (is_list(f->func)) {
        cu_sql_refuse(b->sql, e->pos, "%s() over a window", f->func->name);
        return false;
    }
    if (e->args.n > 3) {
        cu_sql_refuse(b->sql, e->pos, "%s() with %u arguments", last_name(e),
                      e->args.n);
        return false;
    }
    for (uint32_t i = 0; i < e->args.n; i++) {
        f->args[i] = cu_bind_settle(b, args[i]);
        good = good && f->args[i];
    }
    f->n_args = e->args.n;
    return good;
}

cu_expr *cu_bind_over(cu_bind *b, const cu_ast_expr *e)
{
    const char *name = last_name(e);
    bool aggregate = e->star || cu_func_exists(name, CU_FUNC_AGGREGATE);
    cu_ast_window w;
    if (misplaced(b, e))
        return NULL;
    if (!aggregate && !cu_func_exists(name, CU_FUNC_WINDOW)) {
        if (cu_func_exists(name, CU_FUNC_SCALAR | CU_FUNC_SET))
            cu_sql_error(b->sql, e->pos, STATE('4', '2', '8', '0', '9'), NULL,
                         "OVER specified, but %s is not a window function nor "
                         "an aggregate function",
                         name);
        else
            cu_sql_refuse(b->sql, e->pos, "the window function %s()", name);
        return NULL;
    }
    if (refuse_clauses(b, e, aggregate) || !window_of(b, e->over, 0, &w))
        return NULL;
    cu_found_window f = {.pos = e->pos};
    b->in_window = true;
    bool good = bind_arguments(b, e, aggregate, &f);
    good = bind_lists(b, &w, &f) && good;
    b->in_window = false;
    if (!good || !bind_frame(b, &w, &f))
        return NULL;
    b->windows = cu_sql_grow(b->sql->arena, b->windows, b->n_windows,
                             sizeof(*b->windows));
    b->windows[b->n_windows] = f;
    return cu_expr_col(b->sql->arena, CU_WINDOW_BASE + b->n_windows++, f.result,
                       e->pos);
}

/* --- nodes ---------------------------------------------------------------- */

typedef struct nodes {
    cu_sql *s;
    cu_bind *b;
    cu_node *node;
    cu_expr **exprs; /* of the node's projection */
    const char **names;
    uint32_t n, n_first; /* n_first: the input's own */
    uint32_t *result;    /* per window: its column */
    bool *done;
} nodes;

static bool same_list(cu_expr *const *a, cu_expr *const *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!cu_expr_same(a[i], b[i]))
            return false;
    return true;
}

static bool same_window(const cu_found_window *a, const cu_found_window *b)
{
    return a->n_partition == b->n_partition && a->n_order == b->n_order &&
           same_list(a->partition, b->partition, a->n_partition) &&
           same_list(a->order, b->order, a->n_order) &&
           memcmp(a->flags, b->flags, a->n_order * sizeof(*a->flags)) == 0;
}

/* Column of the node that holds `e`; added to its projection when it is none
 * of the columns. */
static uint16_t column_of(nodes *w, cu_expr *e)
{
    for (uint32_t i = 0; i < w->n; i++)
        if (cu_expr_same(w->exprs[i], e))
            return (uint16_t)i;
    w->exprs[w->n] = e;
    w->names[w->n] = cu_arena_printf(w->s->arena, "w%u", w->n + 1);
    return (uint16_t)w->n++;
}

static void project_all(nodes *w)
{
    uint32_t more = 0;
    for (uint32_t i = 0; i < w->b->n_windows; i++) {
        const cu_found_window *f = &w->b->windows[i];
        more += f->n_args + f->n_partition + f->n_order + 1;
    }
    w->exprs = cu_node_columns(w->s, w->node, more, &w->names);
    w->n = w->n_first = w->node->schema->n;
    for (uint32_t i = 0; i < w->b->n_windows; i++) {
        const cu_found_window *f = &w->b->windows[i];
        for (uint32_t k = 0; k < f->n_args; k++)
            column_of(w, f->args[k]);
        if (f->filter)
            column_of(w, f->filter);
        for (uint32_t k = 0; k < f->n_partition; k++)
            column_of(w, f->partition[k]);
        for (uint32_t k = 0; k < f->n_order; k++)
            column_of(w, f->order[k]);
    }
    if (w->n > w->n_first)
        w->node = cu_node_project(w->s, w->node, w->exprs, w->names, w->n);
}

/* The column that closes stands first. */
static uint16_t *partition_of(nodes *w, const cu_found_window *f,
                              cu_closing *closing)
{
    uint16_t *part = cu_arena_calloc(w->s->arena, f->n_partition + 1,
                                     sizeof(*part));
    for (uint32_t k = 0; k < f->n_partition; k++)
        part[k] = column_of(w, f->partition[k]);
    int32_t at = cu_node_closing(w->node, part, f->n_partition, closing);
    if (at > 0) {
        uint16_t first = part[at];
        part[at] = part[0];
        part[0] = first;
    }
    return part;
}

static void rank(nodes *w, const cu_found_window *f, const uint16_t *part,
                 const cu_key_col *order, cu_closing closing)
{
    const cu_node *in = w->node;
    cu_node *n = cu_node_rank(w->s, w->node, part, f->n_partition, order,
                              f->n_order, -1, 0, true);
    n->rank.closing = closing;
    if (f->func->win != CU_WIN_ROW_NUMBER) {
        n->rank.fn = f->func->win == CU_WIN_RANK ? CU_RANK_RANK
                                                 : CU_RANK_DENSE_RANK;
        n->n_key = in->n_key;
        n->key = in->key;
    }
    w->node = n;
}

static cu_over_call call_of(nodes *w, const cu_found_window *f)
{
    cu_over_call c = {.func = f->func,
                      .n_args = f->n_args,
                      .filter = f->filter ? column_of(w, f->filter) : -1,
                      .frame = f->frame,
                      .result = f->result};
    for (uint32_t k = 0; k < f->n_args; k++)
        c.args[k] = column_of(w, f->args[k]);
    return c;
}

static void over(nodes *w, const cu_found_window *f, const uint32_t *which,
                 uint32_t n_calls, const uint16_t *part,
                 const cu_key_col *order, cu_closing closing)
{
    cu_arena *a = w->s->arena;
    cu_node *n = cu_node_over_input(w->s, CU_N_OVER, w->node);
    cu_over_call *calls = cu_arena_calloc(a, n_calls, sizeof(*calls));
    cu_field *fields = cu_arena_calloc(a, n_calls, sizeof(*fields));
    for (uint32_t i = 0; i < n_calls; i++) {
        calls[i] = call_of(w, &w->b->windows[which[i]]);
        fields[i] = (cu_field){.name = calls[i].func->name,
                               .type = calls[i].result};
    }
    n->schema = cu_schema_with(w->s, w->node->schema, fields, n_calls);
    n->append_only = false;
    n->over.partition = part;
    n->over.n_partition = f->n_partition;
    n->over.order = order;
    n->over.n_order = f->n_order;
    n->over.calls = calls;
    n->over.n_calls = n_calls;
    n->over.closing = closing;
    cu_node_rank_times(n, part, f->n_partition);
    w->node = n;
}

/* The node of window `i` and of all that share its partition and order. */
static void make_node(nodes *w, uint32_t i)
{
    const cu_found_window *f = &w->b->windows[i];
    uint32_t *which = cu_arena_calloc(w->s->arena, w->b->n_windows,
                                      sizeof(*which));
    uint32_t n = 0, base = w->node->schema->n;
    for (uint32_t k = i; k < w->b->n_windows; k++)
        if (!w->done[k] && same_window(f, &w->b->windows[k])) {
            w->done[k] = true;
            w->result[k] = base + n;
            which[n++] = k;
        }
    cu_closing closing;
    uint16_t *part = partition_of(w, f, &closing);
    cu_key_col *order = cu_arena_calloc(w->s->arena, f->n_order + 1,
                                        sizeof(*order));
    for (uint32_t k = 0; k < f->n_order; k++)
        order[k] = (cu_key_col){column_of(w, f->order[k]), f->flags[k]};
    uint8_t win = f->func->win;
    bool ranks = win == CU_WIN_ROW_NUMBER ||
                 (f->n_order &&
                  (win == CU_WIN_RANK || win == CU_WIN_DENSE_RANK));
    if (n == 1 && ranks)
        rank(w, f, part, order, closing);
    else
        over(w, f, which, n, part, order, closing);
}

static cu_expr *placed(nodes *w, cu_expr *e)
{
    if (e->kind == CU_E_COL && e->col >= CU_WINDOW_BASE)
        return cu_expr_col(w->s->arena, w->result[e->col - CU_WINDOW_BASE],
                           e->type, e->pos);
    if (e->n_args == 0)
        return e;
    cu_expr *copy = cu_arena_dup(w->s->arena, e, sizeof(*e));
    copy->args = cu_arena_calloc(w->s->arena, e->n_args, sizeof(*copy->args));
    for (uint32_t i = 0; i < e->n_args; i++)
        copy->args[i] = placed(w, e->args[i]);
    return copy;
}

bool cu_bind_windows(cu_sql *s, cu_bind *b, cu_expr **exprs, uint32_t n,
                     cu_node **node)
{
    if (b->n_windows == 0)
        return true;
    nodes w = {.s = s, .b = b, .node = *node};
    w.result = cu_arena_calloc(s->arena, b->n_windows, sizeof(*w.result));
    w.done = cu_arena_calloc(s->arena, b->n_windows, sizeof(*w.done));
    project_all(&w);
    for (uint32_t i = 0; i < b->n_windows; i++)
        if (!w.done[i])
            make_node(&w, i);
    for (uint32_t i = 0; i < n; i++)
        exprs[i] = placed(&w, exprs[i]);
    *node = w.node;
    return true;
}
