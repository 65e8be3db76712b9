/* Random views from what the language has, each over any relation before it.
 *
 * Every shape has one answer: DISTINCT ON, ranks and LIMIT are ordered by all
 * columns that they show; columns whose equal values may look different are
 * never grouped or ordered; float aggregates are shown, not used.
 */
#include "tests/oracle/view_expr.h"

#include "tests/oracle/tree.h"

#define N(x) (sizeof(x) / sizeof(*(x)))

typedef struct gen {
    cu_rng *r;
    cu_arena *a;
    cu_case *c;
} gen;

static cu_case_rel relation(gen *g, uint32_t at)
{
    if (at < CU_CASE_TABLES) {
        const cu_case_table *t = &g->c->tables[at];
        return (cu_case_rel){t->name, t->n_cols + t->generated,
                             t->cols, !t->upsert,
                             false,   t->upsert,
                             0};
    }
    uint32_t i = at - CU_CASE_TABLES;
    const cu_case_view *v = &g->c->views[i];
    cu_case_rel rel = {v->name,   v->n_cols, v->cols,           v->append,
                       v->single, false,     v->reads | 1u << i};
    for (uint32_t k = 0; k < v->n_cols; k++)
        rel.keyed = rel.keyed || v->cols[k].key;
    return rel;
}

static cu_case_rel any(gen *g)
{
    return relation(g, cu_rng_below(g->r, CU_CASE_TABLES + g->c->n_views));
}

/* --- targets
 * -------------------------------------------------------------------- */

static const char *add(gen *g, cu_case_view *v, const char *sql, cu_type t,
                       bool exact, bool small, bool key)
{
    if (v->n_targets == CU_CASE_COLS)
        return NULL;
    const char *name = cu_arena_printf(g->a, "%s_%u", v->name, v->n_targets);
    v->targets[v->n_targets++] = cu_arena_printf(g->a, "%s AS %s", sql, name);
    v->cols[v->n_cols++] = (cu_case_col){name, t, exact, key, small};
    return name;
}

static const char *add_expr(gen *g, cu_case_view *v, const cu_case_expr *e,
                            bool key)
{
    return add(g, v, e->sql, e->type, e->exact, e->small, key);
}

static void add_some(gen *g, cu_case_view *v, const cu_case_rel *x, uint32_t n,
                     bool exact, bool key)
{
    for (uint32_t i = 0; i < n; i++) {
        cu_case_expr e = cu_case_expr_any(g->r, g->a, x, exact);
        add_expr(g, v, &e, key);
    }
}

static void add_where(gen *g, cu_case_view *v, const cu_case_rel *x)
{
    if (cu_rng_chance(g->r, 45))
        v->where = cu_arena_printf(g->a, " WHERE %s",
                                   cu_case_condition(g->r, g->a, x));
}

/* --- aggregates
 * ------------------------------------------------------------------ */

typedef struct agg {
    const char *name;
    uint8_t kind, result; /* result 0: the argument's */
    bool shown_only, inexact;
} agg;

static const agg aggs[] = {
    {"sum", CU_T_INT2, CU_T_INT8, false, false},
    {"sum", CU_T_INT4, CU_T_INT8, false, false},
    {"sum", CU_T_INT8, CU_T_NUMERIC, false, false},
    {"sum", CU_T_NUMERIC, CU_T_NUMERIC, false, true},
    {"sum", CU_T_FLOAT4, CU_T_FLOAT4, true, false},
    {"sum", CU_T_FLOAT8, CU_T_FLOAT8, true, false},
    {"sum", CU_T_INTERVAL, CU_T_INTERVAL, false, true},
    {"avg", CU_T_INT2, CU_T_NUMERIC, false, true},
    {"avg", CU_T_INT4, CU_T_NUMERIC, false, true},
    {"avg", CU_T_INT8, CU_T_NUMERIC, false, true},
    {"avg", CU_T_NUMERIC, CU_T_NUMERIC, false, true},
    {"avg", CU_T_FLOAT4, CU_T_FLOAT8, true, false},
    {"avg", CU_T_FLOAT8, CU_T_FLOAT8, true, false},
    {"avg", CU_T_INTERVAL, CU_T_INTERVAL, false, true},
    {"bool_and", CU_T_BOOL, CU_T_BOOL, false, false},
    {"bool_or", CU_T_BOOL, CU_T_BOOL, false, false},
    {"every", CU_T_BOOL, CU_T_BOOL, false, false},
};

static bool has_order(cu_type t)
{
    return t.kind != CU_T_BOOL && t.kind != CU_T_BYTEA && t.kind != CU_T_UUID &&
           t.kind != CU_T_JSONB;
}

/* A call over any argument; its column. */
static cu_case_expr any_agg(gen *g, const cu_case_rel *x, const char **call,
                            bool *shown_only)
{
    cu_case_expr e = cu_case_expr_any(g->r, g->a, x, false), out = e;
    uint32_t what = cu_rng_below(g->r, 10);
    const char *distinct = e.exact && cu_rng_chance(g->r, 25) ? "DISTINCT "
                                                              : "";
    *shown_only = false;
    if (what >= 5)
        for (uint32_t tries = 0; tries < 40; tries++) {
            const agg *f = &aggs[cu_rng_below(g->r, N(aggs))];
            bool fits = f->kind == e.type.kind &&
                        (e.small || f->kind > CU_T_INT8);
            if (!fits)
                continue;
            *call = cu_arena_printf(g->a, "%s(%s%s)", f->name, distinct, e.sql);
            *shown_only = f->shown_only;
            out.type = CU_TYPE(f->result);
            out.exact = !f->inexact;
            out.small = f->result == CU_T_INT8;
            return out;
        }
    if (what >= 2 && e.exact && has_order(e.type)) {
        *call = cu_arena_printf(g->a, "%s(%s%s)", what % 2 ? "min" : "max",
                                distinct, e.sql);
        return out;
    }
    *call = what == 0 ? "count(*)"
                      : cu_arena_printf(g->a, "count(%s%s)", distinct, e.sql);
    out.type = CU_TYPE(CU_T_INT8);
    out.exact = out.small = true;
    return out;
}

static void add_aggs(gen *g, cu_case_view *v, const cu_case_rel *x)
{
    uint32_t n = 1 + cu_rng_below(g->r, 5);
    for (uint32_t i = 0; i < n; i++) {
        const char *call;
        bool shown_only;
        cu_case_expr e = any_agg(g, x, &call, &shown_only);
        if (cu_rng_chance(g->r, 20))
            call = cu_arena_printf(g->a, "%s FILTER (WHERE %s)", call,
                                   cu_case_condition(g->r, g->a, x));
        if (cu_rng_chance(g->r, 10) && e.type.kind == CU_T_INT8)
            call = cu_arena_printf(g->a, "%s + 1", call);
        add(g, v, call, e.type, e.exact, e.small, false);
        if (shown_only && v->n_cols == v->n_targets)
            v->cols[v->n_cols - 1].type.kind = CU_T_NULL;
    }
}

static void add_groups(gen *g, cu_case_view *v, const cu_case_rel *x)
{
    uint32_t n = 1 + cu_rng_below(g->r, 2);
    const char *list = "";
    for (uint32_t i = 0; i < n; i++) {
        cu_case_expr e = cu_case_expr_any(g->r, g->a, x, true);
        add_expr(g, v, &e, true);
        /* A constant would be a position itself. */
        bool number = cu_rng_chance(g->r, 30) || strcmp(e.sql, "1") == 0;
        list = cu_arena_printf(g->a, "%s%s%s", list, i ? ", " : "",
                               number ? cu_arena_printf(g->a, "%u", i + 1)
                                      : e.sql);
    }
    v->group = cu_arena_printf(g->a, " GROUP BY %s", list);
    if (cu_rng_chance(g->r, 25)) {
        const char *call;
        bool shown_only;
        any_agg(g, x, &call, &shown_only);
        v->having = cu_rng_chance(g->r, 50)
                        ? " HAVING count(*) > 1"
                        : cu_arena_printf(g->a, " HAVING %s IS NOT NULL", call);
    }
}

/* --- shapes
 * ----------------------------------------------------------------------- */

static void project(gen *g, cu_case_view *v)
{
    cu_case_rel x = any(g);
    v->from = x.name;
    v->reads = x.reads;
    v->append = x.append;
    v->single = x.single;
    for (uint32_t k = 0; k < x.n_cols; k++)
        if (x.cols[k].key)
            add(g, v, x.cols[k].name, x.cols[k].type, x.cols[k].exact,
                x.cols[k].small, true);
    add_some(g, v, &x, 1 + cu_rng_below(g->r, 4), false, false);
    add_where(g, v, &x);
    v->plain = cu_rng_chance(g->r, 30);
}

static void aggregate(gen *g, cu_case_view *v, const cu_case_rel *x,
                      bool global)
{
    if (!global)
        add_groups(g, v, x);
    v->single = global;
    add_aggs(g, v, x);
    v->from = x->name;
    v->reads = x->reads;
}

static void group(gen *g, cu_case_view *v)
{
    cu_case_rel x = any(g);
    aggregate(g, v, &x, cu_rng_chance(g->r, 20));
    add_where(g, v, &x);
}

static void distinct(gen *g, cu_case_view *v)
{
    cu_case_rel x = any(g);
    v->from = x.name;
    v->reads = x.reads;
    v->distinct = "DISTINCT ";
    add_some(g, v, &x, 1 + cu_rng_below(g->r, 3), true, true);
    add_where(g, v, &x);
    v->plain = cu_rng_chance(g->r, 15);
}

static const char *direction(gen *g)
{
    static const char *const all[] = {"", " DESC", " NULLS FIRST",
                                      " DESC NULLS LAST", " ASC"};
    return all[cu_rng_below(g->r, N(all))];
}

/* The exact columns of a relation under new names, and an order of them all.
 * False when there are none. */
static bool exact_columns(gen *g, const cu_case_rel *x, cu_case_col *cols,
                          uint32_t *n, const char **select, const char **order)
{
    *n = 0;
    *select = *order = "";
    for (uint32_t k = 0; k < x->n_cols && *n < 5; k++) {
        const cu_case_col *c = &x->cols[k];
        if (!c->exact)
            continue;
        const char *comma = *n ? ", " : "";
        cols[*n] = *c;
        cols[*n].key = false;
        cols[*n].name = cu_arena_printf(g->a, "q%u", *n);
        *select = cu_arena_printf(g->a, "%s%s%s AS q%u", *select, comma,
                                  c->name, *n);
        *order = cu_arena_printf(g->a, "%s%s%s%s", *order, comma, c->name,
                                 direction(g));
        ++*n;
    }
    return *n > 0;
}

static bool distinct_on(gen *g, cu_case_view *v)
{
    cu_case_rel x = any(g);
    cu_case_col cols[CU_CASE_COLS];
    const char *select, *order;
    uint32_t n;
    if (!exact_columns(g, &x, cols, &n, &select, &order))
        return false;
    uint32_t keys = n > 2 && cu_rng_chance(g->r, 30) ? 2 : 1;
    const char *on = "";
    uint32_t k = 0;
    for (uint32_t i = 0; i < x.n_cols && k < n; i++) {
        const cu_case_col *c = &x.cols[i];
        if (!c->exact)
            continue;
        if (k < keys)
            on = cu_arena_printf(g->a, "%s%s%s", on, k ? ", " : "", c->name);
        add(g, v, c->name, c->type, true, c->small, k < keys);
        k++;
    }
    v->distinct = cu_arena_printf(g->a, "DISTINCT ON (%s) ", on);
    v->from = x.name;
    v->reads = x.reads;
    v->order = cu_arena_printf(g->a, " ORDER BY %s", order);
    add_where(g, v, &x);
    return true;
}

static bool top(gen *g, cu_case_view *v)
{
    cu_case_rel x = any(g);
    cu_case_col cols[CU_CASE_COLS];
    const char *select, *order;
    uint32_t n;
    if (!exact_columns(g, &x, cols, &n, &select, &order))
        return false;
    const char *first = NULL;
    for (uint32_t i = 0; i < x.n_cols && first == NULL; i++)
        first = x.cols[i].exact ? x.cols[i].name : NULL;
    bool parted = cu_rng_chance(g->r, 70);
    v->from = cu_arena_printf(
        g->a,
        "(SELECT %s, row_number() OVER (%s%s ORDER BY %s) AS rn FROM %s) q",
        select, parted ? "PARTITION BY " : "", parted ? first : "", order,
        x.name);
    for (uint32_t k = 0; k < n; k++)
        add(g, v, cols[k].name, cols[k].type, true, cols[k].small,
            parted && k == 0);
    add(g, v, "rn", CU_TYPE(CU_T_INT8), true, true, true);
    v->where = cu_arena_printf(g->a, " WHERE rn <= %u",
                               1 + cu_rng_below(g->r, 4));
    const char *key = v->cols[v->n_cols - 1].name;
    v->options = parted
                     ? cu_arena_printf(g->a, " WITH (primary_key = '%s, %s')",
                                       v->cols[0].name, key)
                     : cu_arena_printf(g->a, " WITH (primary_key = '%s')", key);
    v->reads = x.reads;
    return true;
}

static bool limited(gen *g, cu_case_view *v)
{
    cu_case_rel x = any(g);
    cu_case_col cols[CU_CASE_COLS];
    const char *select, *order;
    uint32_t n;
    if (!exact_columns(g, &x, cols, &n, &select, &order))
        return false;
    cu_case_rel q = {"q", n, cols, false, false, false, x.reads};
    aggregate(g, v, &q, cu_rng_chance(g->r, 30));
    v->from = cu_arena_printf(g->a,
                              "(SELECT %s FROM %s ORDER BY %s LIMIT %u OFFSET "
                              "%u) q",
                              select, x.name, order, 1 + cu_rng_below(g->r, 12),
                              cu_rng_below(g->r, 4));
    return true;
}

/* Types whose equal values look equal wherever they come from. */
static bool plain_type(cu_type t)
{
    return t.kind != CU_T_NUMERIC && t.kind != CU_T_INTERVAL &&
           t.kind != CU_T_FLOAT4 && t.kind != CU_T_FLOAT8 &&
           t.kind != CU_T_NULL;
}

static bool unite(gen *g, cu_case_view *v)
{
    cu_case_rel x = any(g), y = any(g);
    cu_case_col cols[3];
    const char *left = "", *right = "";
    uint32_t n = 0, want = 1 + cu_rng_below(g->r, 3);
    for (uint32_t tries = 0; tries < 60 && n < want; tries++) {
        cu_case_expr e = cu_case_expr_any(g->r, g->a, &x, true);
        cu_case_expr f = cu_case_expr_of(g->r, g->a, &y, e.type, 2);
        if (f.sql == NULL || !plain_type(e.type))
            continue;
        const char *comma = n ? ", " : "";
        left = cu_arena_printf(g->a, "%s%s%s AS u%u", left, comma, e.sql, n);
        right = cu_arena_printf(g->a, "%s%s%s", right, comma, f.sql);
        cols[n] = (cu_case_col){cu_arena_printf(g->a, "u%u", n), e.type, true,
                                false, e.small && f.small};
        n++;
    }
    if (n == 0)
        return false;
    uint32_t reads = x.reads | y.reads;
    cu_case_rel u = {"u", n, cols, false, false, false, reads};
    const char *all = cu_rng_chance(g->r, 60) ? " ALL" : "";
    const char *both = cu_arena_printf(
        g->a, "(SELECT %s FROM %s UNION%s SELECT %s FROM %s) u", left, x.name,
        all, right, y.name);
    if (*all == 0 && cu_rng_chance(g->r, 40)) {
        for (uint32_t k = 0; k < n; k++)
            add(g, v, cols[k].name, cols[k].type, true, cols[k].small, true);
        v->reads = reads;
    } else {
        aggregate(g, v, &u, cu_rng_chance(g->r, 25));
    }
    v->from = both;
    return true;
}

/* --- functions in FROM
 * ---------------------------------------------------------- */

static const struct {
    const char *call; /* '\1': the column */
    uint8_t kind, elem;
    const char *columns;
    uint8_t first, second; /* kinds of its columns */
} calls[] = {
    {"jsonb_array_elements(CASE WHEN jsonb_typeof(\1) = 'array' THEN \1 END)",
     CU_T_JSONB, 0, "e", CU_T_JSONB, 0},
    {"jsonb_array_elements_text(CASE WHEN jsonb_typeof(\1) = 'array' THEN \1 "
     "ELSE '[]' END)",
     CU_T_JSONB, 0, "e", CU_T_TEXT, 0},
    {"jsonb_each(CASE WHEN jsonb_typeof(\1) = 'object' THEN \1 END)",
     CU_T_JSONB, 0, "e(e, e2)", CU_T_TEXT, CU_T_JSONB},
    {"jsonb_each_text(CASE WHEN jsonb_typeof(\1) = 'object' THEN \1 END)",
     CU_T_JSONB, 0, "e(e, e2)", CU_T_TEXT, CU_T_TEXT},
    {"jsonb_object_keys(CASE WHEN jsonb_typeof(\1) = 'object' THEN \1 END)",
     CU_T_JSONB, 0, "e", CU_T_TEXT, 0},
    {"unnest(\1)", CU_T_ARRAY, CU_T_INT4, "e", CU_T_INT4, 0},
    {"unnest(\1)", CU_T_ARRAY, CU_T_TEXT, "e", CU_T_TEXT, 0},
    {"generate_series(1, \1 % 4)", CU_T_INT4, 0, "e", CU_T_INT4, 0},
    {"generate_series(\1 % 5, 0, -2::bigint)", CU_T_INT8, 0, "e", CU_T_INT8, 0},
};

static const char *put_in(gen *g, const char *format, const char *arg)
{
    const char *out = "";
    for (const char *p = format; *p; p++)
        out = *p == '\1' ? cu_arena_printf(g->a, "%s%s", out, arg)
                         : cu_arena_printf(g->a, "%s%c", out, *p);
    return out;
}

static bool flatmap(gen *g, cu_case_view *v)
{
    cu_case_rel x = any(g);
    uint32_t k = cu_rng_below(g->r, N(calls));
    cu_type t = CU_TYPE(calls[k].kind);
    t.elem = calls[k].elem;
    cu_case_expr arg = cu_case_expr_of(g->r, g->a, &x, t, 0);
    if (arg.sql == NULL || x.n_cols + 3 > CU_CASE_COLS)
        return false;
    const char *call = put_in(g, calls[k].call, arg.sql);
    cu_case_col cols[CU_CASE_COLS];
    uint32_t n = 0;
    cols[n++] = (cu_case_col){"e", CU_TYPE(calls[k].first), true, false, true};
    if (calls[k].second)
        cols[n++] = (cu_case_col){"e2", CU_TYPE(calls[k].second), true, false,
                                  true};
    memcpy(cols + n, x.cols, x.n_cols * sizeof(*cols));
    n += x.n_cols;
    cu_case_rel q = {"q", n, cols, x.append, false, false, x.reads};
    bool outer = cu_rng_chance(g->r, 25),
         numbered = cu_rng_chance(g->r, 20) && calls[k].second == 0;
    if (numbered)
        cols[n] = (cu_case_col){"nr", CU_TYPE(CU_T_INT8), true, false, true};
    q.n_cols += numbered;
    if (x.append && cu_rng_chance(g->r, 40)) {
        add_some(g, v, &q, 1 + cu_rng_below(g->r, 3), false, false);
        v->append = true;
        v->reads = q.reads;
    } else {
        aggregate(g, v, &q, cu_rng_chance(g->r, 15));
    }
    v->from = cu_arena_printf(
        g->a, "%s%s%s%s AS %s%s", x.name, outer ? " LEFT JOIN LATERAL " : ", ",
        call, numbered ? " WITH ORDINALITY" : "",
        numbered ? "e(e, nr)" : calls[k].columns, outer ? " ON true" : "");
    add_where(g, v, &q);
    return true;
}

static void with(gen *g, cu_case_view *v)
{
    cu_case_rel x = any(g);
    cu_case_view inner = {.name = "w",
                          .with = "",
                          .distinct = cu_rng_chance(g->r, 20) ? "DISTINCT "
                                                              : "",
                          .from = x.name,
                          .where = "",
                          .group = "",
                          .having = "",
                          .order = "",
                          .tail = ""};
    cu_buf b = {0};
    add_some(g, &inner, &x, 1 + cu_rng_below(g->r, 4), *inner.distinct != 0,
             false);
    add_where(g, &inner, &x);
    cu_case_select(&inner, &b);
    cu_case_rel q = {"w",   inner.n_cols, inner.cols, x.append,
                     false, false,        x.reads};
    aggregate(g, v, &q, cu_rng_chance(g->r, 15));
    v->with = cu_arena_printf(g->a, "WITH w AS (%.*s) ", (int)b.len, b.data);
    cu_buf_free(&b);
    add_where(g, v, &q);
}

static bool shape(gen *g, cu_case_view *v)
{
    switch (cu_rng_below(g->r, 11)) {
    case 0:
    case 1:
        project(g, v);
        return true;
    case 2:
    case 3:
    case 4:
        group(g, v);
        return true;
    case 5:
        distinct(g, v);
        return true;
    case 6:
        return distinct_on(g, v);
    case 7:
        return top(g, v);
    case 8:
        return cu_rng_chance(g->r, 50) ? limited(g, v) : unite(g, v);
    case 9:
        return flatmap(g, v);
    default:
        with(g, v);
        return true;
    }
}

/* What was only to be shown is no column for others. */
static void hide(cu_case_view *v)
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < v->n_cols; k++)
        if (v->cols[k].type.kind != CU_T_NULL)
            v->cols[n++] = v->cols[k];
    v->n_cols = n;
}

cu_case *cu_case_new(uint64_t seed)
{
    cu_arena *a = cu_arena_new(64 * 1024);
    cu_rng r = {seed};
    cu_case *c = cu_arena_calloc(a, 1, sizeof(*c));
    gen g = {&r, a, c};
    c->arena = a;
    c->seed = seed;
    cu_case_fill(c, &r);
    uint32_t n = 1 + cu_rng_below(&r, CU_CASE_VIEWS);
    for (uint32_t tries = 0; c->n_views < n && tries < 50; tries++) {
        cu_case_view *v = &c->views[c->n_views];
        *v = (cu_case_view){.with = "",
                            .distinct = "",
                            .where = "",
                            .group = "",
                            .having = "",
                            .order = "",
                            .tail = ""};
        v->name = cu_arena_printf(a, "v%u", c->n_views);
        if (!shape(&g, v))
            continue;
        hide(v);
        if (v->n_cols)
            c->n_views++;
    }
    return c;
}

void cu_case_free(cu_case *c)
{
    cu_arena_free(c->arena);
}
