/* A naive evaluator: windows, sessions, what waits for the watermark.
 *
 * Late is judged by the row's own mark; what is closed at the end, by the
 * least watermark of the partitions. */
#include "tests/simulation/naive_int.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "processors/expr/calendar.h"

#include <stdlib.h>

/* A timestamp column; both its bounds behind the row's own columns. */
static void add_window(sim_naive *n, sim_rel *r, const cu_value *row,
                       uint32_t width, cu_type type, int64_t start, int64_t end)
{
    cu_value *out = sim_row_new(n->a, width + 2, row[-1].i8);
    memcpy(out, row, width * sizeof(*out));
    out[width] = (cu_value){.type = type, .i8 = start};
    out[width + 1] = (cu_value){.type = type, .i8 = end};
    sim_rel_add(r, n->a, out);
}

static bool is_late(const cu_value *row, bool judged, int64_t lateness,
                    int64_t end)
{
    return judged && row[-1].i8 != INT64_MIN && row[-1].i8 >= end + lateness;
}

static int64_t floor_to(int64_t t, int64_t step)
{
    int64_t rest = t % step;
    return t - (rest < 0 ? rest + step : rest);
}

/* The windows of a time, from its node's definition. */
static uint32_t windows_of(const cu_node *node, int64_t time, int64_t *starts,
                           int64_t *ends)
{
    int64_t size = node->window.size.us, origin = node->window.origin_us;
    int64_t step = node->window.kind == CU_WINDOW_TUMBLE
                       ? size
                       : node->window.slide.us;
    int64_t t = time - origin, at = floor_to(t, step);
    uint32_t n = 0;
    CU_ASSERT(node->window.size.months == 0 && node->window.size.days == 0);
    if (node->window.kind == CU_WINDOW_CUMULATE) {
        int64_t start = floor_to(t, size);
        for (int64_t end = at + step; end <= start + size; end += step) {
            starts[n] = origin + start;
            ends[n++] = origin + end;
        }
        return n;
    }
    for (int64_t start = at; start > t - size; start -= step) {
        starts[n] = origin + start;
        ends[n++] = origin + start + size;
    }
    return n;
}

enum { MOST_WINDOWS = 16 };

/* The row's windows, without those that it is late for; `late`: it has some,
 * and is late for all. */
static void put_in_windows(sim_naive *n, const cu_node *node, cu_value *row,
                           uint32_t width, sim_rel *r, sim_rel *late)
{
    const cu_value *time = &row[node->window.time];
    int64_t starts[MOST_WINDOWS], ends[MOST_WINDOWS];
    if (time->null)
        return; /* a letter */
    uint32_t count = windows_of(node, time->i8, starts, ends), good = 0;
    for (uint32_t k = 0; k < count; k++) {
        if (is_late(row, node->window.late, node->window.lateness_us, ends[k]))
            continue;
        good++;
        if (r)
            add_window(n, r, row, width, time->type, starts[k], ends[k]);
    }
    if (count && good == 0 && late)
        sim_rel_add(late, n->a, row);
}

sim_rel *sim_eval_window(sim_naive *n, const cu_node *node)
{
    sim_rel *in = sim_eval(n, node->inputs[0]),
            *r = sim_rel_new(n, node->schema);
    for (uint32_t i = 0; i < in->n; i++) {
        cu_value *row = in->rows[i];
        const cu_value *time = &row[node->window.time];
        if (node->window.kind != CU_WINDOW_JUDGE)
            put_in_windows(n, node, row, in->schema->n, r, NULL);
        else if (time->null ||
                 !is_late(row, node->window.late, node->window.lateness_us,
                          time->i8 + node->window.size.us))
            sim_rel_add(r, n->a, row);
    }
    return r;
}

/* --- sessions ------------------------------------------------------------- */

static const cu_node *sessions;

static int by_time(const void *x, const void *y)
{
    cu_value *a = *(cu_value *const *)x, *b = *(cu_value *const *)y;
    for (uint32_t k = 0; k < sessions->session.n_partition; k++) {
        int c = sim_cmp(&a[sessions->session.partition[k]],
                        &b[sessions->session.partition[k]]);
        if (c)
            return c;
    }
    return sim_cmp(&a[sessions->session.time], &b[sessions->session.time]);
}

static bool same_partition(const cu_node *node, cu_value *a, cu_value *b)
{
    for (uint32_t k = 0; k < node->session.n_partition; k++)
        if (sim_cmp(&a[node->session.partition[k]],
                    &b[node->session.partition[k]]))
            return false;
    return true;
}

static bool same_session(const cu_node *node, cu_value *a, cu_value *b)
{
    uint16_t col = node->session.time;
    return same_partition(node, a, b) &&
           b[col].i8 - a[col].i8 < node->session.gap_us;
}

/* The session from rows[i] on ends before the row that is returned. */
static uint32_t session_end(const cu_node *node, cu_value **rows, uint32_t i,
                            uint32_t count)
{
    uint32_t k = i + 1;
    while (k < count && same_session(node, rows[k - 1], rows[k]))
        k++;
    return k;
}

/* Does the row fall between the first and the last row of a session that it
 * is not late for? `rows`: in order. */
static bool inside(const cu_node *node, const cu_value *row, cu_value **rows,
                   uint32_t count)
{
    uint16_t col = node->session.time;
    for (uint32_t i = 0, end; i < count; i = end) {
        end = session_end(node, rows, i, count);
        int64_t first = rows[i][col].i8, last = rows[end - 1][col].i8;
        if (first <= row[col].i8 && row[col].i8 <= last &&
            !is_late(row, true, node->session.lateness_us,
                     last + node->session.gap_us))
            return true;
    }
    return false;
}

/* The rows that came before `row`, of its partition and accepted. */
static uint32_t before(sim_naive *n, const cu_node *node, const sim_rel *in,
                       const bool *taken, uint32_t at, cu_value ***out)
{
    uint32_t count = 0;
    *out = cu_arena_calloc(n->a, at + 1, sizeof(**out));
    for (uint32_t i = 0; i < at; i++)
        if (taken[i] && same_partition(node, in->rows[i], in->rows[at]))
            (*out)[count++] = in->rows[i];
    sessions = node;
    if (count)
        qsort(*out, count, sizeof(**out), by_time);
    return count;
}

/* In the order in which they came: the generator has rows of one partition in
 * one partition of t where any may be late. */
static void judge(sim_naive *n, const cu_node *node, const sim_rel *in,
                  bool *taken)
{
    uint16_t col = node->session.time;
    for (uint32_t i = 0; i < in->n; i++) {
        cu_value **rows, *row = in->rows[i];
        if (row[col].null)
            continue;
        taken[i] = !is_late(row, node->session.late, node->session.lateness_us,
                            row[col].i8 + node->session.gap_us);
        if (taken[i])
            continue;
        uint32_t count = before(n, node, in, taken, i, &rows);
        taken[i] = inside(node, row, rows, count);
    }
}

/* The anchor is only a name: the first row's time. */
sim_rel *sim_eval_session(sim_naive *n, const cu_node *node)
{
    sim_rel *in = sim_eval(n, node->inputs[0]),
            *r = sim_rel_new(n, node->schema);
    uint32_t w = in->schema->n, count = 0;
    uint16_t col = node->session.time;
    int64_t gap = node->session.gap_us, least = sim_least_mark(n);
    cu_value **rows = cu_arena_calloc(n->a, in->n + 1, sizeof(*rows));
    bool *taken = cu_arena_calloc(n->a, in->n + 1, sizeof(*taken));
    judge(n, node, in, taken);
    for (uint32_t i = 0; i < in->n; i++)
        if (taken[i])
            rows[count++] = in->rows[i];
    sessions = node;
    if (count)
        qsort(rows, count, sizeof(*rows), by_time);
    for (uint32_t i = 0, end; i < count; i = end) {
        end = session_end(node, rows, i, count);
        const cu_value *first = rows[i], *last = rows[end - 1];
        bool final = node->session.mode == CU_SESSION_FINAL;
        if (final && last[col].i8 + 2 * gap + node->session.lateness_us > least)
            continue;
        for (uint32_t k = i; k < end; k++) {
            cu_value *row = sim_row_new(n->a, w + 2, INT64_MIN);
            memcpy(row, rows[k], w * sizeof(*row));
            row[w] = row[w + 1] = first[col];
            row[w + 1].i8 = last[col].i8 + gap;
            sim_rel_add(r, n->a, row);
        }
    }
    return r;
}

sim_rel *sim_late_rows(sim_naive *n, const cu_node *node)
{
    sim_rel *in = sim_eval(n, node->inputs[0]), *r = sim_rel_new(n, in->schema);
    bool *taken = cu_arena_calloc(n->a, in->n + 1, sizeof(*taken));
    if (node->kind == CU_N_SESSION)
        judge(n, node, in, taken);
    for (uint32_t i = 0; i < in->n; i++)
        if (node->kind == CU_N_WINDOW)
            put_in_windows(n, node, in->rows[i], in->schema->n, NULL, r);
        else if (!taken[i])
            sim_rel_add(r, n->a, in->rows[i]);
    return r;
}

/* --- final ---------------------------------------------------------------- */

int64_t sim_least_mark(const sim_naive *n)
{
    int64_t least = INT64_MAX;
    for (int32_t p = 0; p < n->c->partitions; p++)
        least = n->marks[p] < least ? n->marks[p] : least;
    return least;
}

sim_rel *sim_eval_buffer(sim_naive *n, const cu_node *node)
{
    sim_rel *in = sim_eval(n, node->inputs[0]),
            *r = sim_rel_new(n, node->schema);
    int64_t least = sim_least_mark(n);
    for (uint32_t i = 0; i < in->n; i++) {
        const cu_value *time = &in->rows[i][node->buffer.col];
        int64_t end;
        if (!time->null && cu_ts_add(time->i8, node->buffer.delay, &end) &&
            end + node->buffer.lateness_us <= least)
            sim_rel_add(r, n->a, in->rows[i]);
    }
    return r;
}

/* --- what goes again ------------------------------------------------------ */

static bool find_session(void *ctx, cu_node *n)
{
    int64_t *gap = ctx;
    if (n->kind == CU_N_SESSION)
        *gap = n->session.gap_us;
    return true;
}

/* From when a window closed: a session does a gap after the others. */
sim_rel *sim_eval_materialize(sim_naive *n, const cu_node *node)
{
    sim_rel *in = sim_eval(n, node->inputs[0]);
    const cu_view_def *v = node->materialize.view;
    if (!v->retention_us || !v->retention_col)
        return in;
    sim_rel *r = sim_rel_new(n, node->schema);
    int64_t least = sim_least_mark(n), gap = 0;
    cu_node_walk(v->root, find_session, &gap);
    for (uint32_t i = 0; i < in->n; i++) {
        const cu_value *time = &in->rows[i][v->retention_col - 1];
        if (time->null || time->i8 + v->retention_us + gap > least)
            sim_rel_add(r, n->a, in->rows[i]);
    }
    return r;
}

/* At the end of the run. */
sim_rel *sim_eval_temporal(sim_naive *n, const cu_node *node)
{
    sim_rel *in = sim_eval(n, node->inputs[0]),
            *r = sim_rel_new(n, node->schema);
    for (uint32_t i = 0; i < in->n; i++) {
        cu_value *row = in->rows[i], none = {.i8 = 0};
        const cu_value *from = &none, *until = &none;
        if (node->temporal.from)
            from = &row[node->temporal.from - 1];
        if (node->temporal.until)
            until = &row[node->temporal.until - 1];
        if (!from->null && !until->null &&
            (from == &none || from->i8 <= SIM_END_US) &&
            (until == &none || SIM_END_US < until->i8))
            sim_rel_add(r, n->a, row);
    }
    return r;
}
