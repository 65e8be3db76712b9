/* Windows over a table with a watermark: what is late, what closes, what goes.
 *
 * PostgreSQL computes it from the log of the accepted rows, which knows each
 * row's partition and place:
 *
 *   o_mark     the partition's watermark before the row; the row is late for
 *              a window when o_mark >= window_end + lateness
 *   horizon    the least watermark of all partitions, none while one has no
 *              rows; a window is closed when horizon >= window_end + lateness
 *   retention  its rows go when horizon >= window_end + lateness + retention
 *
 * When time has ended (c->final, at the last comparison) every window is
 * closed; retention goes on from the watermarks.
 */
#include "tests/oracle/view_gen.h"

#define N(x) (sizeof(x) / sizeof(*(x)))

typedef struct late {
    cu_gen *g;
    const cu_case_table *table;
    const char *time;
    const char *ours;    /* tumble(%s, …) without its first argument */
    const char *windows; /* rows (ws, we) for a row f of the log */
    const char *lateness, *retention;
    bool final;
    uint32_t kind;
} late;

static const char *pick(cu_gen *g, const char *const *at, size_t n)
{
    return at[cu_rng_below(g->r, (uint32_t)n)];
}

static void tumble(late *l)
{
    static const char *const sizes[] = {"10 minutes", "1 hour", "4 minutes"};
    const char *size = pick(l->g, sizes, N(sizes));
    l->ours = cu_arena_printf(l->g->a, "tumble(%s, %s, interval '%s')",
                              l->table->name, l->time, size);
    l->windows = cu_arena_printf(
        l->g->a,
        "(SELECT date_bin('%s', f.%s, '2000-01-01') AS ws, date_bin('%s', "
        "f.%s, '2000-01-01') + interval '%s' AS we)",
        size, l->time, size, l->time, size);
}

static void hop(late *l)
{
    static const char *const hops[][2] = {{"5 minutes", "10 minutes"},
                                          {"4 minutes", "10 minutes"},
                                          {"10 minutes", "30 minutes"}};
    const char *const *h = hops[cu_rng_below(l->g->r, N(hops))];
    l->ours = cu_arena_printf(
        l->g->a, "hop(%s, %s, slide => interval '%s', size => interval '%s')",
        l->table->name, l->time, h[0], h[1]);
    l->windows = cu_arena_printf(
        l->g->a,
        "(SELECT s AS ws, s + interval '%s' AS we FROM generate_series("
        "date_bin('%s', f.%s, '2000-01-01'), f.%s - interval '%s' + interval "
        "'1 microsecond', - interval '%s') s)",
        h[1], h[0], l->time, l->time, h[1], h[0]);
}

static void cumulate(late *l)
{
    static const char *const spans[][2] = {{"5 minutes", "10 minutes"},
                                           {"10 minutes", "1 hour"},
                                           {"30 minutes", "1 day"}};
    const char *const *s = spans[cu_rng_below(l->g->r, N(spans))];
    l->ours = cu_arena_printf(
        l->g->a,
        "cumulate(%s, %s, step => interval '%s', size => interval '%s')",
        l->table->name, l->time, s[0], s[1]);
    l->windows = cu_arena_printf(
        l->g->a,
        "(SELECT date_bin('%s', f.%s, '2000-01-01') AS ws, e AS we FROM "
        "generate_series(date_bin('%s', f.%s, '2000-01-01') + interval '%s', "
        "date_bin('%s', f.%s, '2000-01-01') + interval '%s', interval '%s') "
        "e)",
        s[1], l->time, s[0], l->time, s[0], s[1], l->time, s[1], s[0]);
}

/* The accepted rows with a time, each with the mark before it. */
static const char *marked(const late *l)
{
    return cu_arena_printf(
        l->g->a,
        "(SELECT * FROM (SELECT *, max(%s) FILTER (WHERE isfinite(%s)) OVER "
        "(PARTITION BY o_part ORDER BY o_seq ROWS BETWEEN UNBOUNDED PRECEDING "
        "AND 1 PRECEDING) - interval '%s' AS o_mark FROM %s_log) m WHERE "
        "isfinite(%s)) f",
        l->time, l->time, l->table->delay, l->table->name, l->time);
}

static const char *horizon(const late *l)
{
    return cu_arena_printf(
        l->g->a,
        "(SELECT min(m) FROM (SELECT max(%s) FILTER (WHERE isfinite(%s)) - "
        "interval '%s' AS m FROM %s_log GROUP BY o_part) m HAVING count(m) = "
        "%d)",
        l->time, l->time, l->table->delay, l->table->name,
        (int)l->g->c->partitions);
}

/* "is late for the window w". */
static const char *is_late(const late *l)
{
    return cu_arena_printf(l->g->a,
                           "coalesce(f.o_mark >= w.we + interval '%s', false)",
                           l->lateness);
}

static const char *theirs(const late *l)
{
    cu_arena *a = l->g->a;
    const char *where = cu_arena_printf(a, "NOT %s", is_late(l));
    if (l->final)
        where = cu_arena_printf(
            a,
            "%s AND (EXISTS (SELECT 1 FROM o_end) OR w.we + interval '%s' <= "
            "%s)",
            where, l->lateness, horizon(l));
    if (l->retention)
        where = cu_arena_printf(
            a,
            "%s AND NOT coalesce(w.we + interval '%s' + interval '%s' <= %s, "
            "false)",
            where, l->lateness, l->retention, horizon(l));
    return cu_arena_printf(a,
                           "(SELECT f.*, w.ws AS window_start, w.we AS "
                           "window_end FROM %s, LATERAL %s w WHERE %s) q",
                           marked(l), l->windows, where);
}

static const char *options(late *l)
{
    static const char *const lateness[] = {"3 minutes", "15 minutes",
                                           "2 hours"};
    static const char *const retention[] = {"1 minute", "10 minutes",
                                            "40 minutes", "5 hours"};
    cu_gen *g = l->g;
    const char *out = "";
    uint32_t emit = cu_rng_below(g->r, 5);
    l->final = emit < 2;
    if (emit < 3)
        out = emit < 2 ? "emit = 'final'" : "emit = 'early_final'";
    l->lateness = "0 seconds";
    if (cu_rng_chance(g->r, 40)) {
        l->lateness = pick(g, lateness, N(lateness));
        out = cu_arena_printf(g->a, "%s%sallowed_lateness = '%s'", out,
                              *out ? ", " : "", l->lateness);
    }
    l->retention = NULL;
    if (cu_rng_chance(g->r, 30)) {
        l->retention = pick(g, retention, N(retention));
        out = cu_arena_printf(g->a, "%s%sretention = '%s'", out,
                              *out ? ", " : "", l->retention);
    }
    return *out ? cu_arena_printf(g->a, " WITH (%s)", out) : NULL;
}

bool cu_gen_late(cu_gen *g, cu_case_view *v)
{
    const cu_case_table *table = &g->c->tables[0];
    if (table->delay == NULL)
        return false;
    const cu_case_col *t = &table->cols[table->mark], *by = NULL;
    cu_case_rel x = cu_gen_table(g, 0);
    late l = {
        .g = g, .table = table, .time = t->name, .kind = cu_rng_below(g->r, 3)};
    for (uint32_t k = 0; k < x.n_cols; k++)
        if (x.cols[k].exact && k != table->mark && cu_rng_chance(g->r, 25))
            by = &x.cols[k];
    v->options = options(&l);
    if (l.kind == 0)
        tumble(&l);
    else if (l.kind == 1)
        hop(&l);
    else
        cumulate(&l);
    v->from = cu_arena_printf(g->a, "%s q", l.ours);
    v->theirs = theirs(&l);
    cu_gen_add(g, v, "window_start", t->type, true, false, true);
    cu_gen_add(g, v, "window_end", t->type, true, false, true);
    if (by)
        cu_gen_add(g, v, by->name, by->type, true, by->small, true);
    cu_gen_calls(g, v, &x);
    v->group = cu_arena_printf(g->a, " GROUP BY window_start, window_end%s%s",
                               by ? ", " : "", by ? by->name : "");
    v->rows = 30;
    v->late = cu_arena_printf(
        g->a,
        "(SELECT f.* FROM %s WHERE NOT EXISTS (SELECT 1 FROM %s w WHERE "
        "NOT %s)) q",
        marked(&l), l.windows, is_late(&l));
    return true;
}

/* Rows that were late for all windows of a view before this one. */
bool cu_gen_late_rows(cu_gen *g, cu_case_view *v)
{
    const cu_case_view *of = NULL;
    for (uint32_t i = 0; i < g->c->n_views; i++)
        if (g->c->views[i].late && (of == NULL || cu_rng_chance(g->r, 50)))
            of = &g->c->views[i];
    if (of == NULL)
        return false;
    cu_case_rel x = cu_gen_table(g, 0);
    v->from = cu_arena_printf(g->a, "late_rows(%s) q", of->name);
    v->theirs = of->late;
    v->reads = 1u << (uint32_t)(of - g->c->views);
    v->append = true;
    for (uint32_t k = 0; k < x.n_cols; k++)
        cu_gen_add(g, v, x.cols[k].name, x.cols[k].type, x.cols[k].exact,
                   x.cols[k].small, false);
    return true;
}
