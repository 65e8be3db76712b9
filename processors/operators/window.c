/* Window: a row comes out once per window of time that it belongs to, with
 * the window's bounds behind its own columns.
 *
 *   tumble    |--------|--------|--------|      one window of `size`
 *   hop       |-----------|                     of `size`, one begins every
 *                 |-----------|                 `slide`: as many as overlap;
 *                     |-----------|             none in a gap (slide > size)
 *   cumulate  |--|        |--|                  all begin with the period of
 *             |-----|     |-----|               `size`, and end `slide` later
 *             |--------|  |--------|            each
 *   judge     the row's own column is the start of its window of `size`; no
 *             column is added, NULL and infinity pass
 *
 * Windows are half open and count from the origin; months are calendar
 * months from it (tumble only), in UTC.  Bounds have the type of the column.
 *
 * Late: a row whose mark, the watermark of its partition before it, has
 * reached a window's end + lateness does not come out for that window; late
 * for all, it is reported once.  Nothing is kept: the judgement is a function
 * of the row and its mark, so that a retraction meets the same one or a later
 * mark, and batches and exchanges do not matter.
 *
 * W1 A row without time, with an infinite one, or with a window beyond the
 *    calendar is a letter, never a silent loss.
 */
#include "processors/operators/instant.h"
#include "processors/operators/int.h"

#include "processors/expr/calendar.h"

typedef struct bounds {
    int64_t start, end;
} bounds;

typedef struct window {
    cu_op op;
    uint16_t time;
    int64_t size, slide; /* 0 size: months */
    int32_t months;
    bounds last; /* the window of the row before: most rows share it */
    /* Rows that wait: */
    cu_arena *chunk;
    uint32_t n;
    uint16_t from[CU_BATCH_ROWS];
    bounds at[CU_BATCH_ROWS];
} window;

/* --- open ---------------------------------------------------------------- */

static bool whole_days(int64_t us)
{
    return us % CU_US_DAY == 0;
}

static int refuse(const char *what, cu_err *err)
{
    int rc = cu_fail(err, CU_UNSUPPORTED, 0, "%s", what);
    if (err)
        err->sqlstate = CU_SQLSTATE('0', 'A', '0', '0', '0');
    return rc;
}

/* The binder has said the same with a position. */
static int check(const window *w, const cu_node *n, cu_err *err)
{
    bool steps = n->window.kind == CU_WINDOW_HOP ||
                 n->window.kind == CU_WINDOW_CUMULATE;
    const cu_interval *size = &n->window.size, *slide = &n->window.slide;
    if (size->months && (steps || size->days || size->us || size->months < 0))
        return refuse("a window of months must be a tumble of months", err);
    if (!size->months && w->size <= 0)
        return refuse("a window must be longer than zero", err);
    if (steps && (slide->months || w->slide <= 0))
        return refuse("a window must slide by more than zero", err);
    if (n->inputs[0]->schema->fields[w->time].type.kind == CU_T_DATE &&
        (!whole_days(w->size) || (steps && !whole_days(w->slide)) ||
         !whole_days(n->window.origin_us)))
        return refuse("windows over a date must be of whole days", err);
    return 0;
}

static int open_op(cu_op *op, cu_err *err)
{
    window *w = (window *)op;
    const cu_node *n = op->node;
    w->time = n->window.time;
    w->months = n->window.size.months;
    w->size = w->months ? 0 : cu_instant_plus(0, n->window.size, 0);
    w->slide = n->window.slide.months ? 0
                                      : cu_instant_plus(0, n->window.slide, 0);
    CU_ASSERT(n->schema->n == n->inputs[0]->schema->n +
                                  (n->window.kind == CU_WINDOW_JUDGE ? 0 : 2));
    w->last = (bounds){INT64_MAX, INT64_MIN};
    w->chunk = cu_arena_new(0);
    return check(w, n, err);
}

/* --- windows of a time --------------------------------------------------- */

static bool add_months(int64_t us, int64_t months, int64_t *out)
{
    if (months < INT32_MIN || months > INT32_MAX)
        return false;
    return cu_ts_add(us, (cu_interval){.months = (int32_t)months}, out);
}

/* The month a time stands in, counted from that of the origin, is at most
 * one window too far: the day decides. */
static bool tumble_months(const window *w, int64_t t, bounds *b)
{
    int64_t origin = w->op.node->window.origin_us;
    cu_moment a = cu_moment_of(origin), m = cu_moment_of(t);
    int64_t k = cu_floor_div((m.year - a.year) * 12 + m.month - a.month,
                             w->months);
    if (!add_months(origin, k * w->months, &b->start))
        return false;
    if (b->start > t && !add_months(origin, --k * w->months, &b->start))
        return false;
    return add_months(origin, (k + 1) * w->months, &b->end);
}

/* [start, start + size) with start = origin + k * step, the latest that is not
 * after t. */
static bool latest(const window *w, int64_t t, int64_t step, bounds *b)
{
    int64_t from, start;
    if (__builtin_sub_overflow(t, w->op.node->window.origin_us, &from))
        return false;
    start = cu_floor_div(from, step) * step + w->op.node->window.origin_us;
    *b = (bounds){start, cu_instant_add(start, w->size)};
    return cu_ts_valid(b->start) && cu_ts_valid(b->end);
}

static bool tumble(window *w, int64_t t, bounds *b)
{
    if (t >= w->last.start && t < w->last.end) {
        *b = w->last;
        return true;
    }
    bool ok = w->months ? tumble_months(w, t, b) : latest(w, t, w->size, b);
    if (ok)
        w->last = *b;
    return ok;
}

/* --- rows that go nowhere ------------------------------------------------ */

static int64_t mark_of(const window *w, const cu_batch *b, uint32_t row)
{
    return w->op.node->window.late && b->marks ? b->marks[row] : INT64_MIN;
}

static bool is_late(const window *w, int64_t mark, int64_t end)
{
    return mark != INT64_MIN &&
           mark >= cu_instant_add(end, w->op.node->window.lateness_us);
}

static int late(window *w, const cu_batch *b, uint32_t row, bounds of,
                cu_err *err)
{
    const cu_op_env *env = w->op.env;
    if (cu_batch_weight(b, row) < 0 || !env->late)
        return 0;
    cu_late l = {.batch = b,
                 .row = row,
                 .window_start_us = of.start,
                 .window_end_us = of.end,
                 .watermark_us = b->marks[row]};
    return env->late(env->ctx, &l, err);
}

static int time_of(window *w, const cu_batch *b, uint32_t row, int64_t *t,
                   bool *skip, cu_err *err)
{
    return cu_instant_of_row(&w->op, b, row, w->time, t, skip, err);
}

static int beyond(window *w, const cu_batch *b, uint32_t row, cu_err *err)
{
    return cu_instant_letter(&w->op, b, row, w->time, false, err);
}

/* --- rows with one window: the columns stay where they are --------------- */

static int64_t *bound_col(const window *w, cu_arena *a, cu_col *c, uint32_t n)
{
    c->type = w->op.node->schema->fields[w->op.node->schema->n - 1].type;
    c->data = cu_arena_calloc(a, n, cu_type_width(c->type));
    return c->data;
}

static void put(cu_col *c, uint32_t row, int64_t us)
{
    if (c->type.kind == CU_T_DATE)
        CU_COL(c, int32_t)[row] = (int32_t)cu_floor_div(us, CU_US_DAY);
    else
        CU_COL(c, int64_t)[row] = us;
}

static int tumble_rows(window *w, const cu_batch *b, cu_batch *out,
                       uint16_t *sel, cu_err *err)
{
    cu_col *start = &out->cols[b->n_cols], *end = start + 1;
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        int64_t t;
        bounds at;
        bool skip;
        int rc = time_of(w, b, row, &t, &skip, err);
        if (rc)
            return rc;
        if (skip)
            continue;
        if (!tumble(w, t, &at))
            rc = beyond(w, b, row, err);
        else if (is_late(w, mark_of(w, b, row), at.end))
            rc = late(w, b, row, at, err);
        else
            sel[out->n_sel++] = (uint16_t)row;
        if (rc)
            return rc;
        put(start, row, at.start);
        put(end, row, at.end);
    }
    return 0;
}

static int judge_rows(window *w, const cu_batch *b, cu_batch *out,
                      uint16_t *sel, cu_err *err)
{
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        bounds at = {0};
        int64_t mark = mark_of(w, b, row);
        bool has = mark != INT64_MIN &&
                   cu_instant_at(&b->cols[w->time], row, &at.start);
        if (has)
            at.end = cu_instant_plus(at.start, w->op.node->window.size, 0);
        if (!has || !cu_instant_finite(at.start) || !is_late(w, mark, at.end)) {
            sel[out->n_sel++] = (uint16_t)row;
            continue;
        }
        int rc = late(w, b, row, at, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int push_one(window *w, const cu_batch *b, cu_err *err)
{
    cu_arena *a = w->op.arena;
    const cu_schema *schema = w->op.node->schema;
    bool judges = w->op.node->window.kind == CU_WINDOW_JUDGE;
    cu_batch *out = cu_arena_dup(a, b, sizeof(*b));
    uint16_t *sel = cu_arena_alloc(a, (b->n_sel + 1) * sizeof(*sel));
    out->schema = schema;
    out->n_sel = 0;
    out->sel = sel;
    if (!judges) {
        out->n_cols = schema->n;
        out->arena = a;
        out->cols = cu_arena_calloc(a, schema->n, sizeof(cu_col));
        memcpy(out->cols, b->cols, b->n_cols * sizeof(cu_col));
        bound_col(w, a, &out->cols[b->n_cols], b->n_rows);
        bound_col(w, a, &out->cols[b->n_cols + 1], b->n_rows);
    }
    int rc = judges ? judge_rows(w, b, out, sel, err)
                    : tumble_rows(w, b, out, sel, err);
    if (rc)
        return rc;
    if (out->n_sel == b->n_sel) {
        out->sel = b->sel;
        out->n_sel = b->n_sel;
    }
    return cu_op_emit(&w->op, out, err);
}

/* --- rows with several windows ------------------------------------------- */

#define GATHER(field, type_)                                      \
    if (in->field) {                                              \
        type_ *to = cu_arena_alloc(w->chunk, w->n * sizeof(*to)); \
        for (uint32_t i = 0; i < w->n; i++)                       \
            to[i] = in->field[w->from[i]];                        \
        out->field = to;                                          \
    }

static int send_chunk(window *w, const cu_batch *in, cu_err *err)
{
    const cu_schema *schema = w->op.node->schema;
    if (w->n == 0)
        return 0;
    cu_batch *out = cu_arena_calloc(w->chunk, 1, sizeof(*out));
    out->schema = schema;
    out->n_cols = schema->n;
    out->n_rows = out->capacity = w->n;
    out->arena = w->chunk;
    out->records = in->records;
    out->cols = cu_arena_calloc(w->chunk, schema->n, sizeof(cu_col));
    for (uint32_t c = 0; c < in->n_cols; c++)
        out->cols[c] = cu_col_gather(w->chunk, &in->cols[c], w->from, w->n);
    cu_col *start = &out->cols[in->n_cols], *end = start + 1;
    bound_col(w, w->chunk, start, w->n);
    bound_col(w, w->chunk, end, w->n);
    for (uint32_t i = 0; i < w->n; i++) {
        put(start, i, w->at[i].start);
        put(end, i, w->at[i].end);
    }
    GATHER(weights, int32_t)
    GATHER(marks, int64_t)
    GATHER(origins, uint32_t)
    cu_batch_seal(out);
    w->n = 0;
    int rc = cu_op_emit(&w->op, out, err);
    cu_arena_reset(w->chunk);
    return rc;
}

static int add(window *w, const cu_batch *in, uint32_t row, bounds at,
               cu_err *err)
{
    w->from[w->n] = (uint16_t)row;
    w->at[w->n] = at;
    return ++w->n < CU_BATCH_ROWS ? 0 : send_chunk(w, in, err);
}

/* From the latest window back to the first that still holds t. */
static int hop(window *w, const cu_batch *b, uint32_t row, int64_t t,
               cu_err *err)
{
    int64_t mark = mark_of(w, b, row);
    bounds at;
    if (!latest(w, t, w->slide, &at))
        return beyond(w, b, row, err);
    if (t < at.end && is_late(w, mark, at.end))
        return late(w, b, row, at, err);
    int rc = 0;
    while (t < at.end && cu_ts_valid(at.start) && !is_late(w, mark, at.end) &&
           !rc) {
        rc = add(w, b, row, at, err);
        at.start -= w->slide;
        at.end -= w->slide;
    }
    return rc;
}

/* From the longest window back to the shortest that still holds t. */
static int cumulate(window *w, const cu_batch *b, uint32_t row, int64_t t,
                    cu_err *err)
{
    int64_t mark = mark_of(w, b, row);
    bounds at;
    if (!latest(w, t, w->size, &at))
        return beyond(w, b, row, err);
    if (is_late(w, mark, at.end))
        return late(w, b, row, at, err);
    int64_t k = (w->size + w->slide - 1) / w->slide;
    int rc = 0;
    while (t < at.end && !is_late(w, mark, at.end) && !rc) {
        rc = add(w, b, row, at, err);
        at.end = at.start + --k * w->slide;
    }
    return rc;
}

static int push_many(window *w, const cu_batch *b, cu_err *err)
{
    bool hops = w->op.node->window.kind == CU_WINDOW_HOP;
    w->n = 0; /* an error may have left rows of another batch */
    cu_arena_reset(w->chunk);
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        int64_t t;
        bool skip;
        int rc = time_of(w, b, row, &t, &skip, err);
        if (!rc && !skip)
            rc = hops ? hop(w, b, row, t, err) : cumulate(w, b, row, t, err);
        if (rc)
            return rc;
    }
    return send_chunk(w, b, err);
}

static int push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    window *w = (window *)op;
    (void)port;
    switch (op->node->window.kind) {
    case CU_WINDOW_TUMBLE:
    case CU_WINDOW_JUDGE:
        return push_one(w, b, err);
    case CU_WINDOW_HOP:
    case CU_WINDOW_CUMULATE:
        break;
    }
    return push_many(w, b, err);
}

static void close_op(cu_op *op)
{
    cu_arena_free(((window *)op)->chunk);
}

cu_op *cu_window_new(void)
{
    static const cu_op_vt vt = {
        .name = "window", .open = open_op, .push = push, .close = close_op};
    window *w = cu_calloc(1, sizeof(*w));
    cu_op_init(&w->op, &vt);
    return &w->op;
}
