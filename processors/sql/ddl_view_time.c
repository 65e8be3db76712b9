/* What a view's options say about time, and what comes of it.
 *
 *   emit = 'final'      a BUFFER on top: rows leave when their window closes
 *   allowed_lateness    windows close that much later (the binder knows it
 *                       while it binds the query)
 *   late                the topic of late rows; any window that judges rows
 *                       makes one
 *   retention           closed windows leave the view
 */
#include "processors/sql/bind_time.h"
#include "processors/sql/ddl.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)
#define DEFINITION           STATE('4', '2', 'P', '1', '6')

void cu_ddl_view_time(cu_view_def *v, const cu_opt *emit,
                      const cu_opt *interval, const cu_opt *lateness)
{
    v->emit = (cu_emit)cu_option_int(emit, CU_EMIT_CHANGES);
    v->emit_interval_ms = cu_option_int(interval, 0);
    v->allowed_lateness_us = cu_option_int(lateness, 0) * 1000;
}

cu_node *cu_ddl_emit(cu_sql *s, cu_view_def *v, cu_node *in, const cu_opt *emit)
{
    cu_interval delay;
    int64_t lag;
    if (v->emit == CU_EMIT_CHANGES)
        return in;
    uint16_t col = cu_node_due(in, &delay, &lag);
    if (!col) {
        cu_sql_error(s, emit->at->pos, DEFINITION,
                     "Its output needs window_end (or window_start, "
                     "date_bin(…), or a watermarked column) of a source with "
                     "a watermark whose rows are only ever added.",
                     "emit = '%s' needs a window that closes",
                     v->emit == CU_EMIT_FINAL ? "final" : "early_final");
        return NULL;
    }
    if (v->emit == CU_EMIT_EARLY_FINAL) {
        v->final_col = col;
        v->final_delay = delay;
        v->final_lateness_us = lag;
        return in;
    }
    cu_node *n = cu_node_over_input(s, CU_N_BUFFER, in);
    n->append_only = true;
    n->buffer.col = (uint16_t)(col - 1);
    n->buffer.delay = delay;
    n->buffer.lateness_us = in->windows.judged ? lag : v->allowed_lateness_us;
    n->time = col;
    return n;
}

/* --- late rows ------------------------------------------------------------ */

static bool judges(void *ctx, cu_node *n)
{
    bool *found = ctx;
    *found = *found || (n->kind == CU_N_WINDOW && n->window.late) ||
             (n->kind == CU_N_SESSION && n->session.late) ||
             cu_node_judges_alone(n);
    return !*found;
}

bool cu_ddl_late(cu_sql *s, cu_view_def *v, cu_node *in, const cu_opt *late,
                 const cu_opt *lateness)
{
    bool found = false;
    cu_node_walk(in, judges, &found);
    if (found) {
        v->late_topic = late->at ? late->text
                                 : cu_arena_printf(s->arena, "%s.%s.late",
                                                   s->program->app, v->name);
        return true;
    }
    const cu_opt *o = late->at ? late : lateness;
    if (!o->at)
        return true;
    cu_sql_error(s, o->at->pos, DEFINITION,
                 "Group by a window (tumble, hop, session, date_bin) over the "
                 "watermarked column of rows that are only ever added.",
                 "option \"%s\" needs a window in which rows can be late",
                 o->at->name);
    return false;
}

bool cu_ddl_retention(cu_sql *s, cu_view_def *v, const cu_node *in,
                      const cu_opt *retention)
{
    cu_interval delay;
    int64_t lag;
    if (!retention->at)
        return true;
    v->retention_us = cu_option_int(retention, 0) * 1000;
    v->retention_col = cu_node_due(in, &delay, &lag);
    v->retention_us += cu_interval_us(delay) + lag;
    if (v->retention_col)
        return true;
    cu_sql_error(s, retention->at->pos, DEFINITION,
                 "Its output needs window_end, window_start or a watermarked "
                 "column.",
                 "option \"retention\" needs a window or time column");
    return false;
}

/* --- sinks ---------------------------------------------------------------- */

bool cu_ddl_writable(cu_sql *s, const cu_view_def *v, const cu_node *in)
{
    const cu_table_def *t = v->into;
    if (!t->write_mode || in->append_only ||
        strcmp(t->write_mode, "upsert") == 0)
        return true;
    cu_sql_error(s, v->pos, DEFINITION,
                 "Write with mode 'upsert' and a PRIMARY KEY, or make the view "
                 "emit = 'final'.",
                 "rows of \"%s\" change, but table \"%s\" has mode 'append'",
                 v->name, t->name);
    return false;
}
