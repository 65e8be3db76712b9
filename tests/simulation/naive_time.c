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

sim_rel *sim_eval_window(sim_naive *n, const cu_node *node)
{
    sim_rel *in = sim_eval(n, node->inputs[0]),
            *r = sim_rel_new(n, node->schema);
    int64_t size = node->window.size.us, origin = node->window.origin_us;
    int64_t step = node->window.kind == CU_WINDOW_HOP ? node->window.slide.us
                                                      : size;
    CU_ASSERT(node->window.kind != CU_WINDOW_CUMULATE &&
              node->window.size.months == 0 && node->window.size.days == 0);
    for (uint32_t i = 0; i < in->n; i++) {
        cu_value *row = in->rows[i];
        const cu_value *time = &row[node->window.time];
        if (node->window.kind == CU_WINDOW_JUDGE) {
            if (time->null ||
                !is_late(row, node->window.late, node->window.lateness_us,
                         time->i8 + size))
                sim_rel_add(r, n->a, row);
            continue;
        }
        if (time->null)
            continue; /* a letter */
        int64_t t = time->i8 - origin;
        for (int64_t start = floor_to(t, step); start > t - size; start -= step)
            if (!is_late(row, node->window.late, node->window.lateness_us,
                         origin + start + size))
                add_window(n, r, row, in->schema->n, time->type, origin + start,
                           origin + start + size);
    }
    return r;
}

/* --- sessions
 * ------------------------------------------------------------------ */

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

static bool same_session(const cu_node *node, cu_value *a, cu_value *b)
{
    uint16_t col = node->session.time;
    for (uint32_t k = 0; k < node->session.n_partition; k++)
        if (sim_cmp(&a[node->session.partition[k]],
                    &b[node->session.partition[k]]))
            return false;
    return b[col].i8 - a[col].i8 < node->session.gap_us;
}

/* The generator's rows are never late for a session. Its anchor is only a
 * name: the first row's time. */
sim_rel *sim_eval_session(sim_naive *n, const cu_node *node)
{
    sim_rel *in = sim_eval(n, node->inputs[0]),
            *r = sim_rel_new(n, node->schema);
    uint32_t w = in->schema->n, count = 0;
    uint16_t col = node->session.time;
    cu_value **rows = cu_arena_calloc(n->a, in->n + 1, sizeof(*rows));
    for (uint32_t i = 0; i < in->n; i++)
        if (!in->rows[i][col].null)
            rows[count++] = in->rows[i];
    sessions = node;
    if (count)
        qsort(rows, count, sizeof(*rows), by_time);
    CU_ASSERT(node->session.mode == CU_SESSION_ANCHOR);
    cu_value *first = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || !same_session(node, rows[i - 1], rows[i]))
            first = rows[i];
        cu_value *row = sim_row_new(n->a, w + 1, INT64_MIN);
        memcpy(row, rows[i], w * sizeof(*row));
        row[w] = first[col];
        sim_rel_add(r, n->a, row);
    }
    return r;
}

/* --- final
 * --------------------------------------------------------------------- */

sim_rel *sim_eval_buffer(sim_naive *n, const cu_node *node)
{
    sim_rel *in = sim_eval(n, node->inputs[0]),
            *r = sim_rel_new(n, node->schema);
    int64_t least = INT64_MAX;
    for (int32_t p = 0; p < n->c->partitions; p++)
        least = n->marks[p] < least ? n->marks[p] : least;
    for (uint32_t i = 0; i < in->n; i++) {
        const cu_value *time = &in->rows[i][node->buffer.col];
        int64_t end;
        if (!time->null && cu_ts_add(time->i8, node->buffer.delay, &end) &&
            end + node->buffer.lateness_us <= least)
            sim_rel_add(r, n->a, in->rows[i]);
    }
    return r;
}
