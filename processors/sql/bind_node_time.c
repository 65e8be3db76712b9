/* Where time goes in a plan: which column watermarks speak of, which columns
 * bound windows, and when what stands under a key may be forgotten.
 *
 *     source (ts, watermark)    time = ts
 *     tumble                    time = ts, windows = {start, end, judged}
 *     group by ..., window_end  time = window_end, closes at window_end
 *
 * A window closes only where late rows were taken out on the way (`judged`):
 * over rows that retract, or without a watermark, nothing is ever late and
 * nothing is ever forgotten.  After an aggregate the rows of a window come up
 * to its lateness behind the watermark; `lag_us` adds that up for windows
 * of windows.
 */
#include "processors/sql/bind_time.h"

int64_t cu_interval_us(cu_interval i)
{
    const int64_t day = INT64_C(86400000000);
    return i.us + ((int64_t)i.days + 31 * (int64_t)i.months) * day;
}

const cu_schema *cu_schema_with(cu_sql *s, const cu_schema *in,
                                const cu_field *fields, uint32_t n)
{
    cu_schema *out = cu_schema_new(s->arena, in->n + n);
    for (uint32_t i = 0; i < in->n; i++)
        out->fields[i] = in->fields[i];
    for (uint32_t i = 0; i < n; i++)
        out->fields[in->n + i] = fields[i];
    return out;
}

cu_expr **cu_node_columns(cu_sql *s, const cu_node *in, uint32_t more,
                          const char ***names)
{
    uint32_t n = in->schema->n;
    cu_expr **out = cu_arena_calloc(s->arena, n + more + 1, sizeof(*out));
    *names = cu_arena_calloc(s->arena, n + more + 1, sizeof(**names));
    for (uint32_t i = 0; i < n; i++) {
        out[i] = cu_expr_col(s->arena, i, in->schema->fields[i].type, in->pos);
        (*names)[i] = in->schema->fields[i].name;
    }
    return out;
}

cu_node *cu_node_extend(cu_sql *s, cu_node *in, cu_expr *const *exprs,
                        const char *const *names, uint32_t n)
{
    if (n == 0)
        return in;
    const char **all;
    cu_expr **cols = cu_node_columns(s, in, n, &all);
    for (uint32_t i = 0; i < n; i++) {
        cols[in->schema->n + i] = exprs[i];
        all[in->schema->n + i] = names[i];
    }
    return cu_node_project(s, in, cols, all, in->schema->n + n);
}

/* --- where columns go ----------------------------------------------------- */

/* Column + 1 of the projection that is the input's column `col` - 1. */
static uint16_t moved(const cu_node *n, uint16_t col)
{
    for (uint32_t i = 0; col && i < n->schema->n; i++)
        if (n->project.exprs[i]->kind == CU_E_COL &&
            n->project.exprs[i]->col + 1 == col)
            return (uint16_t)(i + 1);
    return 0;
}

void cu_node_project_times(cu_node *n, const cu_node *in)
{
    n->time = moved(n, in->time);
    n->windows = in->windows;
    n->windows.start = moved(n, in->windows.start);
    n->windows.end = moved(n, in->windows.end);
    n->windows.anchor = moved(n, in->windows.anchor);
}

/* Rows of a group come until its window is closed. */
void cu_node_group_times(cu_node *n, const cu_node *in, uint32_t n_group)
{
    cu_node_windows w = in->windows;
    w.start = w.start <= n_group ? w.start : 0;
    w.end = w.end <= n_group ? w.end : 0;
    w.anchor = w.anchor <= n_group ? w.anchor : 0;
    n->time = in->time <= n_group ? in->time : 0;
    if (w.judged && (w.end || w.start)) {
        n->time = w.end ? w.end : w.start;
        w.lag_us += w.lateness_us + (w.end ? 0 : cu_interval_us(w.size));
    }
    n->windows = w;
}

void cu_node_union_times(cu_node *n)
{
    cu_node_windows w = n->inputs[0]->windows;
    n->time = n->inputs[0]->time;
    for (uint32_t i = 1; i < n->n_inputs; i++) {
        const cu_node *in = n->inputs[i];
        const cu_node_windows *o = &in->windows;
        n->time = in->time == n->time ? n->time : 0;
        bool same = o->start == w.start && o->end == w.end && !o->anchor &&
                    memcmp(&o->size, &w.size, sizeof(w.size)) == 0;
        w.judged = w.judged && o->judged && same;
        w.start = same ? w.start : 0;
        w.end = same ? w.end : 0;
        w.anchor = 0;
        w.lateness_us = o->lateness_us > w.lateness_us ? o->lateness_us
                                                       : w.lateness_us;
        w.lag_us = o->lag_us > w.lag_us ? o->lag_us : w.lag_us;
    }
    n->windows = w;
}

/* --- closing -------------------------------------------------------------- */

static int32_t place_of(const uint16_t *cols, uint32_t n, uint16_t col)
{
    for (uint32_t i = 0; col && i < n; i++)
        if (cols[i] + 1 == col)
            return (int32_t)i;
    return -1;
}

/* The end says it best; a start needs the size; an anchor is a time of its
 * session, which is there until a gap after its end (session.c). */
int32_t cu_node_closing(const cu_node *in, const uint16_t *cols, uint32_t n,
                        cu_closing *out)
{
    const cu_node_windows *w = &in->windows;
    *out = (cu_closing){0};
    if (!w->judged)
        return -1;
    cu_interval delay = {0};
    int32_t at = place_of(cols, n, w->end);
    if (at < 0 && w->anchor)
        at = place_of(cols, n, w->anchor);
    else if (at < 0)
        at = place_of(cols, n, w->start);
    if (at < 0)
        return -1;
    if (cols[at] + 1 != w->end)
        delay = w->size;
    if (cols[at] + 1 != w->end && w->anchor) /* as long as it may be joined */
        delay = (cu_interval){2 * delay.us, 2 * delay.days, 2 * delay.months};
    *out = (cu_closing){true, delay, w->lateness_us};
    return at;
}

void cu_node_rank_times(cu_node *n, const uint16_t *partition,
                        uint32_t n_partition)
{
    cu_closing closing;
    if (cu_node_closing(n, partition, n_partition, &closing) < 0)
        n->windows.judged = false;
}

uint16_t cu_node_due(const cu_node *n, cu_interval *delay, int64_t *lag_us)
{
    const cu_node_windows *w = &n->windows;
    *delay = (cu_interval){0};
    *lag_us = w->judged ? w->lateness_us : 0;
    if (w->judged && w->end)
        return w->end;
    if (w->judged && w->start && !w->anchor) {
        *delay = w->size;
        return w->start;
    }
    return n->append_only ? n->time : 0;
}

bool cu_node_judges_alone(const cu_node *n)
{
    return n->kind == CU_N_BUFFER && !n->windows.judged;
}

bool cu_node_naps(const cu_node *n)
{
    if (n->kind == CU_N_SOURCE)
        return n->source.table->idle_timeout_ms > 0;
    if (n->kind == CU_N_VIEW)
        return cu_node_naps(n->view.view->root);
    for (uint32_t i = 0; i < n->n_inputs; i++)
        if (cu_node_naps(n->inputs[i]))
            return true;
    return false;
}
