/* Windows of time: cupel's table functions, and what they mean in PostgreSQL.
 *
 *   tumble    date_bin
 *   hop       every start of a window above time - size, down from date_bin
 *   cumulate  every end of a step above time, up to the end of the span
 *   session   a row begins one when its predecessor is a gap or more away
 *
 * No table has a watermark here, so nothing is late; rows without a finite
 * time are letters.
 */
#include "tests/oracle/view_gen.h"

#define N(x) (sizeof(x) / sizeof(*(x)))

static const char *const sizes[] = {"10 minutes", "1 hour", "1 day",
                                    "90 seconds"};
static const char *const hops[][2] = {{"5 minutes", "10 minutes"},
                                      {"4 minutes", "10 minutes"},
                                      {"10 minutes", "10 minutes"},
                                      {"1 hour", "90 minutes"}};
static const char *const spans[][2] = {{"5 minutes", "10 minutes"},
                                       {"10 minutes", "1 hour"},
                                       {"30 minutes", "1 day"}};
static const char *const gaps[] = {"5 minutes", "10 minutes", "1 hour"};

/* A column that windows count by. */
static const cu_case_col *time_of(cu_gen *g, const cu_case_rel *x)
{
    const cu_case_col *found = NULL;
    uint32_t seen = 0;
    for (uint32_t k = 0; k < x->n_cols; k++)
        if ((x->cols[k].type.kind == CU_T_TIMESTAMP ||
             x->cols[k].type.kind == CU_T_TIMESTAMPTZ) &&
            cu_rng_below(g->r, ++seen) == 0)
            found = &x->cols[k];
    return found;
}

static void tumble(cu_gen *g, cu_case_view *v, const cu_case_rel *x,
                   const char *t)
{
    const char *size = sizes[cu_rng_below(g->r, N(sizes))];
    v->from = cu_arena_printf(g->a, "tumble(%s, %s, size => interval '%s') q",
                              x->name, t, size);
    v->theirs = cu_arena_printf(
        g->a,
        "(SELECT *, date_bin('%s', %s, '2000-01-01') AS window_start, "
        "date_bin('%s', %s, '2000-01-01') + interval '%s' AS window_end FROM "
        "%s WHERE isfinite(%s)) q",
        size, t, size, t, size, x->name, t);
}

static void hop(cu_gen *g, cu_case_view *v, const cu_case_rel *x, const char *t)
{
    const char *const *h = hops[cu_rng_below(g->r, N(hops))];
    v->from = cu_arena_printf(
        g->a, "hop(%s, %s, slide => interval '%s', size => interval '%s') q",
        x->name, t, h[0], h[1]);
    v->theirs = cu_arena_printf(
        g->a,
        "(SELECT f.*, w AS window_start, w + interval '%s' AS window_end FROM "
        "%s f, generate_series(date_bin('%s', %s, '2000-01-01'), %s - interval "
        "'%s' + interval '1 microsecond', - interval '%s') w WHERE "
        "isfinite(%s)) q",
        h[1], x->name, h[0], t, t, h[1], h[0], t);
}

static void cumulate(cu_gen *g, cu_case_view *v, const cu_case_rel *x,
                     const char *t)
{
    const char *const *s = spans[cu_rng_below(g->r, N(spans))];
    v->from = cu_arena_printf(
        g->a,
        "cumulate(%s, %s, step => interval '%s', size => interval '%s') q",
        x->name, t, s[0], s[1]);
    v->theirs = cu_arena_printf(
        g->a,
        "(SELECT f.*, date_bin('%s', %s, '2000-01-01') AS window_start, w AS "
        "window_end FROM %s f, generate_series(date_bin('%s', %s, "
        "'2000-01-01') + interval '%s', date_bin('%s', %s, '2000-01-01') + "
        "interval '%s', interval '%s') w WHERE isfinite(%s)) q",
        s[1], t, x->name, s[0], t, s[0], s[1], t, s[1], s[0], t);
}

static void session(cu_gen *g, cu_case_view *v, const cu_case_rel *x,
                    const char *t, const char *by)
{
    const char *gap = gaps[cu_rng_below(g->r, N(gaps))];
    const char *parted = by ? cu_arena_printf(g->a, "PARTITION BY %s ", by)
                            : "";
    v->from = cu_arena_printf(
        g->a, "session(%s, %s, gap => interval '%s'%s%s%s) q", x->name, t, gap,
        by ? ", partition_by => ARRAY[" : "", by ? by : "", by ? "]" : "");
    v->theirs = cu_arena_printf(
        g->a,
        "(SELECT *, min(%s) OVER (PARTITION BY %snth) AS window_start, "
        "max(%s) OVER (PARTITION BY %snth) + interval '%s' AS window_end FROM "
        "(SELECT *, sum(fresh) OVER (%sORDER BY %s) AS nth FROM (SELECT *, "
        "CASE WHEN %s - lag(%s) OVER (%sORDER BY %s) < interval '%s' THEN 0 "
        "ELSE 1 END AS fresh FROM %s WHERE isfinite(%s)) f) f) q",
        t, by ? cu_arena_printf(g->a, "%s, ", by) : "", t,
        by ? cu_arena_printf(g->a, "%s, ", by) : "", gap, parted, t, t, t,
        parted, t, gap, x->name, t);
}

bool cu_gen_windowed(cu_gen *g, cu_case_view *v)
{
    cu_case_rel x = cu_gen_named(g);
    const cu_case_col *t = NULL, *by = NULL;
    for (uint32_t tries = 0; tries < 5 && t == NULL; tries++) {
        x = cu_gen_named(g);
        t = time_of(g, &x);
    }
    /* Elsewhere rows may be late: view_late.c. */
    if (t == NULL || (x.append && g->c->tables[0].delay))
        return false;
    for (uint32_t k = 0; k < x.n_cols; k++)
        if (x.cols[k].exact && &x.cols[k] != t && cu_rng_chance(g->r, 30))
            by = &x.cols[k];
    uint32_t what = cu_rng_below(g->r, 4);
    if (what == 3)
        cumulate(g, v, &x, t->name);
    else if (what == 0)
        tumble(g, v, &x, t->name);
    else if (what == 1)
        hop(g, v, &x, t->name);
    else
        session(g, v, &x, t->name, by ? by->name : NULL);
    const char *ours = v->from;
    cu_gen_add(g, v, "window_start", t->type, true, false, true);
    cu_gen_add(g, v, "window_end", t->type, true, false, true);
    if (by)
        cu_gen_add(g, v, by->name, by->type, true, by->small, true);
    cu_gen_calls(g, v, &x);
    v->group = cu_arena_printf(g->a, " GROUP BY window_start, window_end%s%s",
                               by ? ", " : "", by ? by->name : "");
    v->from = ours;
    v->reads = x.reads;
    v->rows = 30;
    return true;
}
