/* Binds tumble, hop, cumulate and session, and windows that an expression
 * makes.
 *
 *   tumble, hop, cumulate   WINDOW: adds window_start and window_end
 *   session                 SESSION(ANCHOR) -> over (partition…, anchor) with
 *                           min and max of the time: the bounds as columns.
 *                           A GROUP BY of the bounds is grouped by the anchor
 *                           instead (bind_group.c).  emit = 'final': SESSION
 *                           (FINAL) has the bounds at once.
 *   date_bin, date_trunc    an expression; under emit = 'final' or
 *                           allowed_lateness a WINDOW(JUDGE) stands before the
 *                           grouping, which then closes
 *
 * Rows are late only where the input is append-only and its watermark speaks
 * of the very column; elsewhere windows never close.  Over a date all spans
 * are whole days, and bounds are dates.
 */
#include "processors/sql/bind_time.h"

#include "processors/expr/calendar.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

static bool judged(const cu_node *in, uint32_t col)
{
    return in->append_only && in->time == col + 1;
}

static cu_node_windows windows_of(cu_sql *s, const cu_node *in, uint32_t col)
{
    bool late = judged(in, col);
    return (cu_node_windows){
        .judged = late,
        .lateness_us = late ? s->time.lateness_us + in->windows.lag_us : 0,
        .lag_us = in->windows.lag_us};
}

/* --- tumble, hop, cumulate ------------------------------------------------ */

static bool time_column(cu_sql *s, const cu_args *a, const cu_scope *in,
                        uint16_t *col)
{
    int32_t at = cu_args_column(s, a, in, a->at[1]);
    if (at < 0)
        return false;
    cu_type t = in->node->schema->fields[at].type;
    if (t.kind != CU_T_TIMESTAMP && t.kind != CU_T_TIMESTAMPTZ &&
        t.kind != CU_T_DATE) {
        char name[64];
        cu_sql_error(s, a->at[1]->pos, STATE('4', '2', '8', '0', '4'),
                     "Cast it in a subquery: "
                     "tumble((SELECT …, ts::timestamptz AS ts FROM t), ts, …).",
                     "the time column of %s() must be a date or timestamp, not "
                     "type %s",
                     a->function, cu_type_name(t, name));
        return false;
    }
    *col = (uint16_t)at;
    return true;
}

/* A span of the windows over `type`. */
static bool span(cu_sql *s, const cu_args *a, const cu_ast_expr *e,
                 cu_type type, cu_interval *out)
{
    if (!cu_args_interval(s, a, e, out))
        return false;
    if (type.kind != CU_T_DATE || cu_interval_us(*out) % CU_US_DAY == 0)
        return true;
    cu_sql_error(s, e->pos, STATE('2', '2', '0', '2', '3'),
                 "Or cast the column in a subquery: (SELECT …, d::timestamp AS "
                 "ts FROM t).",
                 "%s() over a date wants whole days", a->function);
    return false;
}

static bool origin_of(cu_sql *s, const cu_args *a, const cu_ast_expr *e,
                      cu_type type, int64_t *out)
{
    cu_value v;
    *out = -CU_PG_EPOCH_US; /* 1970-01-01 */
    if (e == NULL)
        return true;
    if (!cu_args_constant(s, a, e, type, &v))
        return false;
    bool date = type.kind == CU_T_DATE;
    bool finite = date ? v.i4 != CU_DATE_INFINITY &&
                             v.i4 != CU_DATE_MINUS_INFINITY
                       : v.i8 != CU_TS_INFINITY && v.i8 != CU_TS_MINUS_INFINITY;
    if (v.null || !finite) {
        cu_sql_error(s, e->pos, STATE('2', '2', '0', '0', '8'), NULL,
                     "the origin of %s() must be a finite time", a->function);
        return false;
    }
    *out = date ? v.i4 * CU_US_DAY : v.i8;
    return true;
}

static bool fits(cu_sql *s, const cu_args *a, cu_window_kind kind,
                 cu_interval size, cu_interval slide)
{
    const char *why = NULL;
    int64_t whole = cu_interval_us(size), part = cu_interval_us(slide);
    if (kind == CU_WINDOW_HOP && part > whole)
        why = "the slide of hop() must not be longer than its size";
    if (kind == CU_WINDOW_CUMULATE && whole % part)
        why = "the size of cumulate() must be a multiple of its step";
    if (kind != CU_WINDOW_TUMBLE && !why && whole / part > 10000)
        why = "a row would belong to more than 10000 windows";
    if (why)
        cu_sql_error(s, a->pos, STATE('2', '2', '0', '2', '3'), NULL, "%s",
                     why);
    return why == NULL;
}

static cu_node *window(cu_sql *s, const cu_args *a, const cu_scope *in,
                       cu_window_kind kind)
{
    bool plain = kind == CU_WINDOW_TUMBLE;
    cu_interval size = {0}, slide = {0};
    uint16_t col = 0;
    int64_t origin = 0;
    bool good = time_column(s, a, in, &col);
    cu_type type = in->node->schema->fields[col].type;
    good = span(s, a, a->at[plain ? 2 : 3], type, &size) && good;
    good = (plain || span(s, a, a->at[2], type, &slide)) && good;
    if (!good || !origin_of(s, a, a->at[plain ? 3 : 4], type, &origin) ||
        !fits(s, a, kind, size, slide))
        return NULL;
    cu_field bounds[2] = {{.name = "window_start", .type = type},
                          {.name = "window_end", .type = type}};
    cu_node *n = cu_node_over_input(s, CU_N_WINDOW, in->node);
    uint16_t own = (uint16_t)in->node->schema->n;
    n->schema = cu_schema_with(s, in->node->schema, bounds, 2);
    n->windows = windows_of(s, in->node, col);
    n->windows.start = (uint16_t)(own + 1);
    n->windows.end = (uint16_t)(own + 2);
    n->windows.size = size;
    n->window.kind = kind;
    n->window.time = col;
    n->window.size = size;
    n->window.slide = slide;
    n->window.origin_us = origin;
    n->window.late = n->windows.judged;
    n->window.lateness_us = n->windows.lateness_us;
    if (kind == CU_WINDOW_CUMULATE) /* start + size is the last end only */
        n->windows.size = size;
    if (!plain && n->n_key) { /* a row per window */
        uint16_t *key = cu_arena_calloc(s->arena, n->n_key + 1, sizeof(*key));
        memcpy(key, n->key, n->n_key * sizeof(*key));
        key[n->n_key] = (uint16_t)(own + 1);
        n->key = key;
        n->n_key++;
    }
    n->single = n->single && plain;
    return n;
}

/* --- sessions ------------------------------------------------------------- */

static cu_expr *called(cu_sql *s, const char *name, cu_expr *a, cu_expr *b)
{
    cu_expr *args[2] = {a, b};
    return cu_bind_called(s, name, args, 2, a->pos);
}

/* The end of a session whose last row is at `last`. */
static cu_expr *end_of(cu_sql *s, cu_expr *last, int64_t gap_us, cu_pos pos)
{
    cu_value v = {.type = CU_TYPE(CU_T_INTERVAL), .iv = {.us = gap_us}};
    if (last->type.kind == CU_T_DATE)
        v = (cu_value){.type = CU_TYPE(CU_T_INT4),
                       .i4 = (int32_t)(gap_us / CU_US_DAY)};
    return called(s, "+", last, cu_expr_const(s->arena, &v, pos));
}

bool cu_bind_session_end(cu_sql *s, const cu_node *session, bool max,
                         cu_found_agg *out)
{
    uint16_t col = session->session.time;
    cu_expr *arg = cu_expr_col(s->arena, col, session->schema->fields[col].type,
                               session->pos);
    cu_err err = {0};
    char hint[120] = "";
    *out = (cu_found_agg){.arg = arg};
    if (cu_func_resolve(s->arena, max ? "max" : "min", CU_FUNC_AGGREGATE, &arg,
                        1, &out->func, &out->result, hint, &err)) {
        cu_bind_problem(s, session->pos, &err, hint);
        return false;
    }
    return true;
}

cu_node *cu_bind_session_bounds(cu_sql *s, cu_node *in, const cu_node *session,
                                uint32_t n_results)
{
    uint32_t n_part = session->session.n_partition,
             ends = 1 + n_part + n_results;
    uint32_t n = n_part + 2 + n_results;
    cu_expr **exprs = cu_arena_calloc(s->arena, n, sizeof(*exprs));
    const char **names = cu_arena_calloc(s->arena, n, sizeof(*names));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t from = i < n_part        ? 1 + i
                        : i == n_part     ? ends
                        : i == n_part + 1 ? ends + 1
                                          : i - 1;
        const cu_field *f = &in->schema->fields[from];
        exprs[i] = cu_expr_col(s->arena, from, f->type, in->pos);
        names[i] = f->name;
    }
    names[n_part] = "window_start";
    names[n_part + 1] = "window_end";
    exprs[n_part + 1] = end_of(s, exprs[n_part + 1], session->session.gap_us,
                               in->pos);
    if (exprs[n_part + 1] == NULL)
        return NULL;
    cu_node *p = cu_node_project(s, in, exprs, names, n);
    uint16_t *key = cu_arena_calloc(s->arena, n_part + 1, sizeof(*key));
    for (uint32_t i = 0; i <= n_part; i++)
        key[i] = (uint16_t)i;
    p->key = key;
    p->n_key = n_part + 1;
    p->windows.start = (uint16_t)(n_part + 1);
    p->windows.end = (uint16_t)(n_part + 2);
    p->time = p->windows.judged ? p->windows.end : 0;
    return p;
}

/* session -> over the whole session -> (own columns, bounds, anchor). */
static cu_node *with_bounds(cu_sql *s, cu_node *session)
{
    uint32_t own = session->inputs[0]->schema->n,
             n_part = session->session.n_partition;
    cu_arena *a = s->arena;
    uint16_t *part = cu_arena_calloc(a, n_part + 1, sizeof(*part));
    cu_over_call *calls = cu_arena_calloc(a, 2, sizeof(*calls));
    cu_field fields[2];
    part[0] = (uint16_t)own;
    for (uint32_t i = 0; i < n_part; i++)
        part[i + 1] = session->session.partition[i];
    for (uint32_t i = 0; i < 2; i++) {
        cu_found_agg f;
        if (!cu_bind_session_end(s, session, i == 1, &f))
            return NULL;
        calls[i] = (cu_over_call){
            .func = f.func,
            .n_args = 1,
            .args = {session->session.time},
            .filter = -1,
            .frame = {.mode = CU_FRAME_RANGE,
                      .start = CU_BOUND_UNBOUNDED_PRECEDING,
                      .end = CU_BOUND_UNBOUNDED_FOLLOWING},
            .result = f.result};
        fields[i] = (cu_field){.name = f.func->name, .type = f.result};
    }
    cu_node *o = cu_node_over_input(s, CU_N_OVER, session);
    o->schema = cu_schema_with(s, session->schema, fields, 2);
    o->append_only = false;
    o->over.partition = part;
    o->over.n_partition = n_part + 1;
    o->over.calls = calls;
    o->over.n_calls = 2;
    cu_node_closing(session, part, 1, &o->over.closing);
    const char **names;
    cu_expr **exprs = cu_node_columns(s, o, 0, &names);
    cu_expr *anchor = exprs[own];
    exprs[own] = exprs[own + 1];
    exprs[own + 1] = end_of(s, exprs[own + 2], session->session.gap_us, o->pos);
    exprs[own + 2] = anchor;
    if (exprs[own + 1] == NULL)
        return NULL;
    names[own] = "window_start";
    names[own + 1] = "window_end";
    names[own + 2] = "anchor";
    cu_node *p = cu_node_project(s, o, exprs, names, own + 3);
    p->windows.start = (uint16_t)(own + 1);
    p->windows.end = (uint16_t)(own + 2);
    return p;
}

static cu_node *session(cu_sql *s, const cu_args *a, const cu_scope *in,
                        uint32_t *hidden)
{
    cu_interval gap = {0};
    uint16_t col = 0, *part = NULL;
    uint32_t n_part = 0;
    bool good = time_column(s, a, in, &col);
    cu_type type = in->node->schema->fields[col].type;
    good = span(s, a, a->at[2], type, &gap) && good;
    good = (!a->at[3] || cu_args_columns(s, a, in, a->at[3], &part, &n_part)) &&
           good;
    if (!good)
        return NULL;
    uint16_t own = (uint16_t)in->node->schema->n;
    cu_node *n = cu_node_over_input(s, CU_N_SESSION, in->node);
    n->windows = windows_of(s, in->node, col);
    n->windows.size = gap;
    n->session.partition = part;
    n->session.n_partition = n_part;
    n->session.time = col;
    n->session.gap_us = cu_interval_us(gap);
    n->session.late = n->windows.judged;
    n->session.lateness_us = n->windows.lateness_us;
    if (s->time.emit == CU_EMIT_FINAL && n->windows.judged) {
        cu_field bounds[2] = {{.name = "window_start", .type = type},
                              {.name = "window_end", .type = type}};
        n->session.mode = CU_SESSION_FINAL;
        n->schema = cu_schema_with(s, in->node->schema, bounds, 2);
        n->windows.start = 0; /* start + gap is no end */
        n->windows.end = (uint16_t)(own + 2);
        n->time = n->windows.end;
        return n;
    }
    cu_field anchor = {.name = "anchor", .type = type};
    n->session.mode = CU_SESSION_ANCHOR;
    n->schema = cu_schema_with(s, in->node->schema, &anchor, 1);
    n->append_only = false;
    n->windows.anchor = (uint16_t)(own + 1);
    *hidden = 1;
    return with_bounds(s, n);
}

cu_node *cu_bind_session_of(const cu_node *in)
{
    if (in->kind != CU_N_PROJECT || in->inputs[0]->kind != CU_N_OVER ||
        !in->windows.anchor)
        return NULL;
    cu_node *n = in->inputs[0]->inputs[0];
    bool whole = n->kind == CU_N_SESSION && in->schema->n == n->schema->n + 2;
    return whole ? n : NULL;
}

cu_node *cu_bind_time(cu_sql *s, const cu_args *a, const cu_scope *in,
                      uint32_t *hidden)
{
    *hidden = 0;
    if (strcmp(a->function, "tumble") == 0)
        return window(s, a, in, CU_WINDOW_TUMBLE);
    if (strcmp(a->function, "hop") == 0)
        return window(s, a, in, CU_WINDOW_HOP);
    if (strcmp(a->function, "cumulate") == 0)
        return window(s, a, in, CU_WINDOW_CUMULATE);
    return session(s, a, in, hidden);
}

/* --- windows that an expression makes ------------------------------------- */

static bool unit_size(cu_slice unit, cu_interval *out)
{
    static const struct {
        const char *name;
        cu_interval size;
    } units[] = {{"microsecond", {.us = 1}},
                 {"millisecond", {.us = 1000}},
                 {"second", {.us = 1000000}},
                 {"minute", {.us = INT64_C(60000000)}},
                 {"hour", {.us = INT64_C(3600000000)}},
                 {"day", {.days = 1}},
                 {"week", {.days = 7}},
                 {"month", {.months = 1}},
                 {"quarter", {.months = 3}},
                 {"year", {.months = 12}},
                 {"decade", {.months = 120}},
                 {"century", {.months = 1200}},
                 {"millennium", {.months = 12000}}};
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (cu_slice_eq(unit, cu_slice_of(units[i].name))) {
            *out = units[i].size;
            return true;
        }
    return false;
}

/* date_bin(stride, ts, origin), date_trunc(unit, ts): the window's size. */
static bool bins(const cu_expr *e, uint32_t time, cu_interval *size)
{
    if (e->kind != CU_E_CALL || e->n_args < 2 || e->args[1]->kind != CU_E_COL ||
        e->args[1]->col != time || e->args[0]->kind != CU_E_CONST ||
        e->args[0]->value.null)
        return false;
    if (strcmp(e->func->name, "date_bin") == 0 && e->n_args == 3 &&
        cu_expr_is_const(e->args[2])) {
        *size = e->args[0]->value.iv;
        return true;
    }
    return strcmp(e->func->name, "date_trunc") == 0 && e->n_args == 2 &&
           unit_size(e->args[0]->value.s, size);
}

void cu_bind_judge(cu_sql *s, cu_expr **e, cu_node **in)
{
    cu_node *n = *in;
    cu_interval size;
    if (n->windows.judged || !n->append_only || !n->time ||
        !bins(*e, n->time - 1u, &size))
        return;
    const char *name = "window_start";
    uint32_t col = n->schema->n;
    cu_node *p = cu_node_extend(s, n, e, &name, 1);
    cu_node *w = cu_node_over_input(s, CU_N_WINDOW, p);
    w->windows = windows_of(s, n, n->time - 1u);
    w->windows.start = (uint16_t)(col + 1);
    w->windows.size = size;
    w->window.kind = CU_WINDOW_JUDGE;
    w->window.time = (uint16_t)col;
    w->window.size = size;
    w->window.late = true;
    w->window.lateness_us = w->windows.lateness_us;
    *e = cu_expr_col(s->arena, col, (*e)->type, (*e)->pos);
    *in = w;
}

/* --- DISTINCT ------------------------------------------------------------- */

/* The columns of `in` with column 0 and column `at` in each other's place. */
static cu_node *swapped(cu_sql *s, cu_node *in, uint32_t at)
{
    const char **names;
    cu_expr **exprs = cu_node_columns(s, in, 0, &names);
    cu_expr *e = exprs[0];
    const char *name = names[0];
    exprs[0] = exprs[at];
    names[0] = names[at];
    exprs[at] = e;
    names[at] = name;
    return cu_node_project(s, in, exprs, names, in->schema->n);
}

cu_node *cu_bind_distinct(cu_sql *s, cu_node *in)
{
    uint32_t n = in->schema->n;
    uint16_t *all = cu_arena_calloc(s->arena, n + 1, sizeof(*all));
    cu_closing closing;
    for (uint32_t i = 0; i < n; i++)
        all[i] = (uint16_t)i;
    int32_t at = cu_node_closing(in, all, n, &closing);
    cu_node *d = cu_node_distinct(s,
                                  at > 0 ? swapped(s, in, (uint32_t)at) : in);
    d->aggregate.closing = closing;
    return at > 0 ? swapped(s, d, (uint32_t)at) : d;
}
