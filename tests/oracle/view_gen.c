/* Random views from what the language has, each over any relation before it.
 *
 * Every shape has one answer: DISTINCT ON, ranks and LIMIT are ordered by all
 * columns that they show; columns whose equal values may look different are
 * never grouped or ordered; float aggregates are shown, not used.
 */
#include "tests/oracle/view_gen.h"
#include "tests/oracle/ours.h"
#include "tests/oracle/tree.h"

#include <stdio.h>
#include <stdlib.h>

#define N(x) (sizeof(x) / sizeof(*(x)))

/* --- targets -------------------------------------------------------------- */

const char *cu_gen_add(cu_gen *g, cu_case_view *v, const char *sql, cu_type t,
                       bool exact, bool small, bool key)
{
    if (v->n_targets == CU_CASE_COLS)
        return NULL;
    const char *name = cu_arena_printf(g->a, "%s_%u", v->name, v->n_targets);
    v->targets[v->n_targets++] = cu_arena_printf(g->a, "%s AS %s", sql, name);
    v->cols[v->n_cols++] = (cu_case_col){name, t, exact, key, small};
    return name;
}

static const char *add_expr(cu_gen *g, cu_case_view *v, const cu_case_expr *e,
                            bool key)
{
    return cu_gen_add(g, v, e->sql, e->type, e->exact, e->small, key);
}

static void add_some(cu_gen *g, cu_case_view *v, const cu_case_rel *x,
                     uint32_t n, bool exact, bool key)
{
    for (uint32_t i = 0; i < n; i++) {
        cu_case_expr e = cu_case_expr_any(g->r, g->a, x, exact);
        add_expr(g, v, &e, key);
    }
}

static void add_where(cu_gen *g, cu_case_view *v, const cu_case_rel *x)
{
    v->where = cu_gen_where(g, x);
}

/* --- shapes --------------------------------------------------------------- */

static void project(cu_gen *g, cu_case_view *v)
{
    cu_case_rel x = cu_gen_any(g);
    bool plain = x.append || x.single || x.keyed;
    v->from = x.name;
    v->reads = x.reads;
    v->append = x.append;
    v->single = x.single;
    v->distinct = plain ? "" : "DISTINCT ";
    for (uint32_t k = 0; plain && k < x.n_cols; k++)
        if (x.cols[k].key)
            cu_gen_add(g, v, x.cols[k].name, x.cols[k].type, x.cols[k].exact,
                       x.cols[k].small, true);
    add_some(g, v, &x, 1 + cu_rng_below(g->r, 4), !plain, !plain);
    add_where(g, v, &x);
    v->plain = cu_rng_chance(g->r, 30);
}

static void group(cu_gen *g, cu_case_view *v)
{
    cu_case_rel x = cu_gen_any(g);
    cu_gen_aggregate(g, v, &x, cu_rng_chance(g->r, 20));
    add_where(g, v, &x);
}

static void distinct(cu_gen *g, cu_case_view *v)
{
    cu_case_rel x = cu_gen_any(g);
    v->from = x.name;
    v->reads = x.reads;
    v->distinct = "DISTINCT ";
    add_some(g, v, &x, 1 + cu_rng_below(g->r, 3), true, true);
    add_where(g, v, &x);
    v->plain = cu_rng_chance(g->r, 15);
}

static const char *direction(cu_gen *g)
{
    static const char *const all[] = {"", " DESC", " NULLS FIRST",
                                      " DESC NULLS LAST", " ASC"};
    return all[cu_rng_below(g->r, N(all))];
}

/* The exact columns of a relation under new names, and an order of them all.
 * False when there are none. */
bool cu_gen_exact(cu_gen *g, const cu_case_rel *x, cu_case_col *cols,
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

static bool distinct_on(cu_gen *g, cu_case_view *v)
{
    cu_case_rel x = cu_gen_any(g);
    cu_case_col cols[CU_CASE_COLS];
    const char *select, *order;
    uint32_t n;
    if (!cu_gen_exact(g, &x, cols, &n, &select, &order))
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
        cu_gen_add(g, v, c->name, c->type, true, c->small, k < keys);
        k++;
    }
    v->distinct = cu_arena_printf(g->a, "DISTINCT ON (%s) ", on);
    v->from = x.name;
    v->reads = x.reads;
    v->order = cu_arena_printf(g->a, " ORDER BY %s", order);
    add_where(g, v, &x);
    return true;
}

static bool top(cu_gen *g, cu_case_view *v)
{
    cu_case_rel x = cu_gen_any(g);
    cu_case_col cols[CU_CASE_COLS];
    const char *select, *order;
    uint32_t n;
    if (!cu_gen_exact(g, &x, cols, &n, &select, &order))
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
        cu_gen_add(g, v, cols[k].name, cols[k].type, true, cols[k].small,
                   parted && k == 0);
    cu_gen_add(g, v, "rn", CU_TYPE(CU_T_INT8), true, true, true);
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

static bool limited(cu_gen *g, cu_case_view *v)
{
    cu_case_rel x = cu_gen_any(g);
    cu_case_col cols[CU_CASE_COLS];
    const char *select, *order;
    uint32_t n;
    if (!cu_gen_exact(g, &x, cols, &n, &select, &order))
        return false;
    cu_case_rel q = {
        .name = "q", .n_cols = n, .cols = cols, .reads = x.reads, .rows = 12};
    cu_gen_aggregate(g, v, &q, cu_rng_chance(g->r, 30));
    v->from = cu_arena_printf(g->a,
                              "(SELECT %s FROM %s ORDER BY %s LIMIT %u OFFSET "
                              "%u) q",
                              select, x.name, order, 1 + cu_rng_below(g->r, 12),
                              cu_rng_below(g->r, 4));
    return true;
}

static bool unite(cu_gen *g, cu_case_view *v)
{
    cu_case_rel u = cu_gen_united(g);
    if (u.n_cols == 0)
        return false;
    if (cu_rng_chance(g->r, 30)) {
        v->distinct = "DISTINCT ";
        for (uint32_t k = 0; k < u.n_cols; k++)
            cu_gen_add(g, v, u.cols[k].name, u.cols[k].type, true,
                       u.cols[k].small, true);
        v->from = u.name;
        v->reads = u.reads;
        v->rows = u.rows;
    } else {
        cu_gen_aggregate(g, v, &u, cu_rng_chance(g->r, 25));
    }
    return true;
}

/* --- functions in FROM ---------------------------------------------------- */

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

static const char *put_in(cu_gen *g, const char *format, const char *arg)
{
    const char *out = "";
    for (const char *p = format; *p; p++)
        out = *p == '\1' ? cu_arena_printf(g->a, "%s%s", out, arg)
                         : cu_arena_printf(g->a, "%s%c", out, *p);
    return out;
}

static bool flatmap(cu_gen *g, cu_case_view *v)
{
    cu_case_rel x = cu_gen_any(g);
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
    cu_case_rel q = {.name = "q",
                     .n_cols = n,
                     .cols = cols,
                     .append = x.append,
                     .reads = x.reads,
                     .rows = 3 * x.rows};
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
        cu_gen_aggregate(g, v, &q, cu_rng_chance(g->r, 15));
    }
    v->from = cu_arena_printf(
        g->a, "%s%s%s%s AS %s%s", x.name, outer ? " LEFT JOIN LATERAL " : ", ",
        call, numbered ? " WITH ORDINALITY" : "",
        numbered ? "e(e, nr)" : calls[k].columns, outer ? " ON true" : "");
    add_where(g, v, &q);
    return true;
}

static void with(cu_gen *g, cu_case_view *v)
{
    cu_case_rel x = cu_gen_any(g);
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
    cu_case_select(&inner, true, &b);
    cu_case_rel q = {.name = "w",
                     .n_cols = inner.n_cols,
                     .cols = inner.cols,
                     .append = x.append,
                     .reads = x.reads,
                     .rows = x.rows};
    cu_gen_aggregate(g, v, &q, cu_rng_chance(g->r, 15));
    v->with = cu_arena_printf(g->a, "WITH w AS (%.*s) ", (int)b.len, b.data);
    cu_buf_free(&b);
    add_where(g, v, &q);
}

static bool shape(cu_gen *g, cu_case_view *v)
{
    switch (cu_rng_below(g->r, 23)) {
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
        return limited(g, v);
    case 9:
        return flatmap(g, v);
    case 10:
    case 11:
        return unite(g, v);
    case 12:
        cu_gen_sets(g, v);
        return true;
    case 13:
    case 14:
        return cu_gen_over(g, v);
    case 15:
        return cu_gen_windowed(g, v);
    case 16:
        return cu_gen_late(g, v);
    case 17:
        return cu_gen_late_rows(g, v) || cu_gen_late(g, v);
    case 18:
        return cu_gen_history(g, v);
    case 19:
        return cu_gen_changelog(g, v);
    case 20:
        return cu_gen_surrogate(g, v);
    case 21:
        return cu_gen_asof(g, v) || cu_gen_lookup(g, v);
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

/* False: cupel says that it does not support the last view, or cannot derive
 * a key. Anything else is for the comparison to find. */
static bool is_taken(cu_gen *g, cu_env *env)
{
    cu_answer why = {0};
    cu_buf sql = {0};
    cu_case_view *last = &g->c->views[g->c->n_views - 1];
    cu_case_cupel(g->c, &sql);
    if (getenv("ORACLE_TRACE"))
        printf("%.*s\n", (int)sql.len, sql.data);
    cu_program *p = cu_ours_compile(env, cu_arena_strn(g->a, sql.data, sql.len),
                                    g->a, &why);
    cu_buf_free(&sql);
    if (p) {
        const cu_view_def *v = cu_program_view(p, last->name);
        if (v)
            last->append = v->n_key == 0 && !v->single &&
                           !v->root->materialize.bag;
        last->passes = v && v->shared && !cu_view_keeps(v);
        cu_program_free(p);
        return true;
    }
    g->c->refused++;
    g->c->refusal = why.message;
    return strcmp(why.state, "0A000") && strcmp(why.state, "42P16");
}

/* A fifth of the views that are kept; drawn by itself, so that everything
 * else of a seed stays as it was. */
static bool is_shared(const cu_gen *g, const cu_case_view *v)
{
    cu_rng r = {g->c->seed * 31 + g->c->n_views};
    bool drawn = cu_rng_chance(&r, 20);
    return drawn && !v->plain &&
           !(v->options && strstr(v->options, "early_final"));
}

static bool draw(cu_gen *g, cu_env *env, cu_case_view *v)
{
    *v = (cu_case_view){.with = "",
                        .distinct = "",
                        .where = "",
                        .group = "",
                        .having = "",
                        .order = "",
                        .tail = "",
                        .rows = 60};
    v->name = cu_arena_printf(g->a, "%sv%u", g->c->prefix, g->c->n_views);
    if (!shape(g, v))
        return false;
    hide(v);
    if (v->n_cols == 0)
        return false;
    v->shared = is_shared(g, v);
    g->c->n_views++;
    if (is_taken(g, env))
        return true;
    g->c->n_views--;
    return false;
}

cu_case *cu_case_new(uint64_t seed, const char *prefix)
{
    cu_arena *a = cu_arena_new(64 * 1024);
    cu_rng r = {seed};
    cu_case *c = cu_arena_calloc(a, 1, sizeof(*c));
    cu_gen g = {&r, a, c, 0};
    cu_env *env = cu_env_sim(seed);
    c->arena = a;
    c->seed = seed;
    c->prefix = cu_arena_str(a, prefix);
    cu_case_fill(c, &r);
    uint32_t n = 1 + cu_rng_below(&r, CU_CASE_VIEWS);
    for (uint32_t tries = 0; c->n_views < n && tries < 50; tries++)
        draw(&g, env, &c->views[c->n_views]);
    env->vt->close(env);
    return c;
}

void cu_case_free(cu_case *c)
{
    cu_arena_free(c->arena);
}
