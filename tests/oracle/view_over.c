/* Window functions.
 *
 * Every window is ordered by all columns that its inner query shows, or else
 * only asks what equal rows agree on (rank, dense_rank, RANGE and GROUPS
 * frames of exact sums), so that there is one answer.
 */
#include "tests/oracle/tree.h"
#include "tests/oracle/view_gen.h"

#define N(x) (sizeof(x) / sizeof(*(x)))

typedef struct over {
    cu_gen *g;
    cu_case_col cols[CU_CASE_COLS]; /* q0 … and then w0 … */
    const char *inner[CU_CASE_COLS];
    uint32_t n_q, n;
    const char *list; /* the calls */
    const char *partition, *total;
} over;

/* A frame over a total order. */
static const char *frame(cu_gen *g)
{
    static const char *const ends[] = {
        "UNBOUNDED PRECEDING AND CURRENT ROW",
        "UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
        "CURRENT ROW AND UNBOUNDED FOLLOWING",
        "1 PRECEDING AND 1 FOLLOWING",
        "2 PRECEDING AND CURRENT ROW",
        "CURRENT ROW AND 2 FOLLOWING",
        "3 PRECEDING AND 1 PRECEDING",
        "1 FOLLOWING AND 3 FOLLOWING",
    };
    static const char *const excludes[] = {" EXCLUDE CURRENT ROW",
                                           " EXCLUDE GROUP", " EXCLUDE TIES",
                                           " EXCLUDE NO OTHERS"};
    static const char *const modes[] = {"ROWS", "ROWS", "GROUPS"};
    if (cu_rng_chance(g->r, 35))
        return "";
    bool range = cu_rng_chance(g->r, 15);
    return cu_arena_printf(
        g->a, " %s BETWEEN %s%s",
        range ? "RANGE" : modes[cu_rng_below(g->r, N(modes))],
        ends[cu_rng_below(g->r, range ? 3 : N(ends))],
        cu_rng_chance(g->r, 15) ? excludes[cu_rng_below(g->r, N(excludes))]
                                : "");
}

static void add(over *o, const char *call, const char *window, cu_type t,
                bool exact, bool small)
{
    if (o->n == CU_CASE_COLS)
        return;
    cu_gen *g = o->g;
    uint32_t at = o->n - o->n_q;
    o->cols[o->n++] = (cu_case_col){cu_arena_printf(g->a, "w%u", at), t, exact,
                                    false, small};
    o->list = cu_arena_printf(g->a, "%s, %s OVER (%s) AS w%u", o->list, call,
                              window, at);
}

static const char *window(over *o, const char *order, const char *frame)
{
    return cu_arena_printf(o->g->a, "%sORDER BY %s%s", o->partition, order,
                           frame);
}

/* row_number and its kin. */
static void add_number(over *o)
{
    static const char *const total[] = {"row_number()", "ntile(3)",
                                        "row_number()"};
    static const char *const any[] = {"rank()", "dense_rank()"};
    cu_gen *g = o->g;
    uint32_t what = cu_rng_below(g->r, 6);
    if (what < 3)
        add(o, total[what], window(o, o->total, ""),
            CU_TYPE(what == 1 ? CU_T_INT4 : CU_T_INT8), true, true);
    else if (what < 5)
        add(o, any[what - 3],
            window(o, o->inner[cu_rng_below(g->r, o->n_q)], ""),
            CU_TYPE(CU_T_INT8), true, true);
    else
        add(o, cu_rng_chance(g->r, 50) ? "percent_rank()" : "cume_dist()",
            window(o, o->inner[cu_rng_below(g->r, o->n_q)], ""),
            CU_TYPE(CU_T_FLOAT8), false, false);
}

/* A row beside it: a value of the inner query. */
static void add_value(over *o)
{
    static const char *const calls[] = {
        "lag(%s)",         "lead(%s)",       "lag(%s, 2)",      "lead(%s, 3)",
        "first_value(%s)", "last_value(%s)", "nth_value(%s, 2)"};
    cu_gen *g = o->g;
    uint32_t k = cu_rng_below(g->r, o->n_q), f = cu_rng_below(g->r, N(calls));
    const char *call = calls[f], *at = strchr(call, '%');
    call = cu_arena_printf(g->a, "%.*s%s%s", (int)(at - call), call,
                           o->inner[k], at + 2);
    add(o, call, window(o, o->total, f < 4 ? "" : frame(g)), o->cols[k].type,
        true, o->cols[k].small);
}

static void add_aggregate(over *o)
{
    cu_gen *g = o->g;
    uint32_t k = cu_rng_below(g->r, o->n_q);
    cu_type t = o->cols[k].type;
    const char *x = o->inner[k], *call = "count(*)";
    cu_type result = CU_TYPE(CU_T_INT8);
    bool whole = t.kind == CU_T_INT2 || t.kind == CU_T_INT4 ||
                 (t.kind == CU_T_INT8 && o->cols[k].small);
    bool exact = true, small = true;
    if (whole && cu_rng_chance(g->r, 60)) {
        bool avg = cu_rng_chance(g->r, 40);
        call = cu_arena_printf(g->a, "%s(%s)", avg ? "avg" : "sum", x);
        exact = !avg;
        small = !avg && t.kind != CU_T_INT8;
        if (avg || t.kind == CU_T_INT8)
            result = CU_TYPE(CU_T_NUMERIC);
    } else if (t.kind != CU_T_BOOL && t.kind != CU_T_BYTEA &&
               t.kind != CU_T_UUID && t.kind != CU_T_JSONB &&
               cu_rng_chance(g->r, 60)) {
        call = cu_arena_printf(g->a, "%s(%s)",
                               cu_rng_chance(g->r, 50) ? "min" : "max", x);
        result = t;
        small = o->cols[k].small;
    } else if (cu_rng_chance(g->r, 50)) {
        call = cu_arena_printf(g->a, "count(%s)", x);
    }
    if (cu_rng_chance(g->r, 15))
        call = cu_arena_printf(g->a, "%s FILTER (WHERE %s IS NOT NULL)", call,
                               o->inner[cu_rng_below(g->r, o->n_q)]);
    if (cu_rng_chance(g->r, 20))
        add(o, call, cu_arena_printf(g->a, "%s", o->partition), result, exact,
            small);
    else
        add(o, call, window(o, o->total, frame(g)), result, exact, small);
}

/* RANGE with offsets: one column in order, its peers together. */
static void add_range(over *o)
{
    static const struct {
        uint8_t kind;
        const char *offset;
    } of[] = {{CU_T_INT2, "2"},
              {CU_T_INT4, "2"},
              {CU_T_INT8, "3"},
              {CU_T_NUMERIC, "1.5"},
              {CU_T_DATE, "interval '30 days'"},
              {CU_T_TIMESTAMP, "interval '1 month'"},
              {CU_T_TIMESTAMPTZ, "interval '40 days'"},
              {CU_T_FLOAT8, "1.5"}};
    static const char *const ends[] = {
        "%s PRECEDING AND CURRENT ROW", "%s PRECEDING AND %s FOLLOWING",
        "CURRENT ROW AND %s FOLLOWING", "UNBOUNDED PRECEDING AND %s PRECEDING",
        "%s FOLLOWING AND UNBOUNDED FOLLOWING"};
    cu_gen *g = o->g;
    for (uint32_t k = 0; k < o->n_q; k++)
        for (uint32_t i = 0; i < N(of); i++) {
            if (of[i].kind != o->cols[k].type.kind || !cu_rng_chance(g->r, 50))
                continue;
            cu_buf b = {0};
            for (const char *p = ends[cu_rng_below(g->r, N(ends))]; *p; p++) {
                if (*p == '%')
                    cu_buf_put_str(&b, of[i].offset), p++;
                else
                    cu_buf_put(&b, p, 1);
            }
            const char *between = cu_arena_strn(g->a, b.data, b.len);
            cu_buf_free(&b);
            add(o, "count(*)",
                window(o,
                       cu_arena_printf(g->a, "%s%s", o->inner[k],
                                       cu_rng_chance(g->r, 30) ? " DESC" : ""),
                       cu_arena_printf(g->a, " RANGE BETWEEN %s", between)),
                CU_TYPE(CU_T_INT8), true, true);
            return;
        }
}

static void add_calls(over *o)
{
    uint32_t n = 1 + cu_rng_below(o->g->r, 3);
    for (uint32_t i = 0; i < n; i++)
        switch (cu_rng_below(o->g->r, 7)) {
        case 0:
        case 1:
            add_number(o);
            break;
        case 2:
        case 3:
            add_value(o);
            break;
        case 4:
            add_range(o);
            break;
        default:
            add_aggregate(o);
            break;
        }
}

bool cu_gen_over(cu_gen *g, cu_case_view *v)
{
    cu_case_rel x = cu_gen_any(g);
    over o = {.g = g, .list = "", .partition = ""};
    const char *select, *order;
    if (!cu_gen_exact(g, &x, o.cols, &o.n_q, &select, &order))
        return false;
    o.n = o.n_q;
    o.total = order;
    uint32_t n = 0;
    for (uint32_t k = 0; k < x.n_cols && n < o.n_q; k++)
        if (x.cols[k].exact)
            o.inner[n++] = x.cols[k].name;
    if (cu_rng_chance(g->r, 70))
        o.partition = cu_arena_printf(g->a, "PARTITION BY %s ",
                                      o.inner[cu_rng_below(g->r, o.n_q)]);
    add_calls(&o);
    if (o.n == o.n_q)
        return false;
    const char *from = cu_arena_printf(g->a, "(SELECT %s%s FROM %s%s) q",
                                       select, o.list, x.name,
                                       cu_gen_where(g, &x));
    cu_case_rel q = {.name = from,
                     .n_cols = o.n,
                     .cols = o.cols,
                     .reads = x.reads,
                     .rows = x.rows};
    if (cu_rng_chance(g->r, 40)) {
        cu_gen_aggregate(g, v, &q, cu_rng_chance(g->r, 20));
        return true;
    }
    const char *by = "";
    uint32_t shown = 0;
    for (uint32_t k = 0; k < o.n && v->n_targets < CU_CASE_COLS - 1; k++) {
        if (o.cols[k].exact)
            cu_gen_add(g, v, o.cols[k].name, o.cols[k].type, true,
                       o.cols[k].small, true);
        else
            cu_gen_add(g, v, cu_arena_printf(g->a, "%s::text", o.cols[k].name),
                       CU_TYPE(CU_T_TEXT), true, false, true);
        by = cu_arena_printf(g->a, "%s%s%u", by, k ? ", " : " GROUP BY ",
                             ++shown);
    }
    cu_gen_add(g, v, "count(*)", CU_TYPE(CU_T_INT8), true, true, false);
    v->group = by;
    v->from = from;
    v->reads = x.reads;
    v->rows = x.rows;
    return true;
}
