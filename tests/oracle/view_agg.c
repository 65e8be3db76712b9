/* Aggregate calls, GROUP BY, grouping sets.
 *
 * What an order inside a call leaves open must not show: calls are ordered by
 * what they take. Deviations of floats depend on the order of addition in
 * PostgreSQL and are only shown; those of integers and numerics are exact.
 */
#include "tests/oracle/tree.h"
#include "tests/oracle/view_gen.h"

#define N(x) (sizeof(x) / sizeof(*(x)))

enum { OF_ARRAY = 255 };

typedef struct agg {
    const char *format; /* '\1': the argument, '\2': DISTINCT or nothing */
    uint8_t kind, elem, result; /* result OF_ARRAY: an array of kind */
    bool shown_only, inexact;
} agg;

#define SUM(name, kind, result, shown, inexact)                      \
    {                                                                \
        name "(\2\1)", CU_T_##kind, 0, CU_T_##result, shown, inexact \
    }
#define SPREAD(name)                           \
    SUM(name, INT2, NUMERIC, false, true),     \
        SUM(name, INT4, NUMERIC, false, true), \
        SUM(name, INT8, NUMERIC, false, true), \
        SUM(name, NUMERIC, NUMERIC, false, true)
#define LIST(kind)                                                           \
    {"array_agg(\2\1 ORDER BY \1)", CU_T_##kind, 0, OF_ARRAY, false, false}, \
        {"array_agg(\2\1 ORDER BY \1 DESC NULLS LAST)",                      \
         CU_T_##kind,                                                        \
         0,                                                                  \
         OF_ARRAY,                                                           \
         false,                                                              \
         false},                                                             \
        {"(array_agg(\1 ORDER BY \1 DESC))[1]",                              \
         CU_T_##kind,                                                        \
         0,                                                                  \
         CU_T_##kind,                                                        \
         false,                                                              \
         false},                                                             \
        {"(array_agg(\1 ORDER BY \1 NULLS FIRST))[2]",                       \
         CU_T_##kind,                                                        \
         0,                                                                  \
         CU_T_##kind,                                                        \
         false,                                                              \
         false},                                                             \
        {"percentile_disc(0.3) WITHIN GROUP (ORDER BY \1)",                  \
         CU_T_##kind,                                                        \
         0,                                                                  \
         CU_T_##kind,                                                        \
         false,                                                              \
         false},                                                             \
        {"percentile_disc(0.8) WITHIN GROUP (ORDER BY \1 DESC)",             \
         CU_T_##kind,                                                        \
         0,                                                                  \
         CU_T_##kind,                                                        \
         false,                                                              \
         false},                                                             \
        {"mode() WITHIN GROUP (ORDER BY \1)",                                \
         CU_T_##kind,                                                        \
         0,                                                                  \
         CU_T_##kind,                                                        \
         false,                                                              \
         false},                                                             \
    {                                                                        \
        "jsonb_agg(\2\1 ORDER BY \1)", CU_T_##kind, 0, CU_T_JSONB, false,    \
            false                                                            \
    }

static const agg aggs[] = {
    SUM("sum", INT2, INT8, false, false),
    SUM("sum", INT4, INT8, false, false),
    SUM("sum", INT8, NUMERIC, false, false),
    SUM("sum", NUMERIC, NUMERIC, false, true),
    SUM("sum", FLOAT4, FLOAT4, true, false),
    SUM("sum", FLOAT8, FLOAT8, true, false),
    SUM("sum", INTERVAL, INTERVAL, false, true),
    SUM("avg", INT2, NUMERIC, false, true),
    SUM("avg", INT4, NUMERIC, false, true),
    SUM("avg", INT8, NUMERIC, false, true),
    SUM("avg", NUMERIC, NUMERIC, false, true),
    SUM("avg", FLOAT4, FLOAT8, true, false),
    SUM("avg", FLOAT8, FLOAT8, true, false),
    SUM("avg", INTERVAL, INTERVAL, false, true),
    SUM("bool_and", BOOL, BOOL, false, false),
    SUM("bool_or", BOOL, BOOL, false, false),
    SUM("every", BOOL, BOOL, false, false),
    SUM("bit_and", INT4, INT4, false, false),
    SUM("bit_or", INT8, INT8, false, false),
    SUM("bit_xor", INT4, INT4, false, false),
    SPREAD("stddev_samp"),
    SPREAD("stddev_pop"),
    SPREAD("var_samp"),
    SPREAD("var_pop"),
    LIST(INT4),
    LIST(INT8),
    LIST(TEXT),
    LIST(DATE),
    {"string_agg(\2\1, ',' ORDER BY \1)", CU_T_TEXT, 0, CU_T_TEXT, false,
     false},
    {"string_agg(\1, '' ORDER BY length(\1) DESC, \1)", CU_T_TEXT, 0, CU_T_TEXT,
     false, false},
    {"jsonb_object_agg(coalesce(\1, '-'), length(\1) ORDER BY \1)", CU_T_TEXT,
     0, CU_T_JSONB, false, false},
    {"jsonb_object_agg(coalesce(\1, 0), \1 ORDER BY \1 DESC)", CU_T_INT4, 0,
     CU_T_JSONB, false, false},
    {"percentile_cont(0.5) WITHIN GROUP (ORDER BY \1)", CU_T_FLOAT8, 0,
     CU_T_FLOAT8, true, false},
    {"percentile_cont(0.9) WITHIN GROUP (ORDER BY \1)", CU_T_INT8, 0,
     CU_T_FLOAT8, true, false},
    {"percentile_cont(0.25) WITHIN GROUP (ORDER BY \1 DESC)", CU_T_INT4, 0,
     CU_T_FLOAT8, true, false},
    {"corr(\1, \1 * \1)", CU_T_INT4, 0, CU_T_FLOAT8, true, false},
    {"covar_samp(\1, -\1)", CU_T_INT8, 0, CU_T_FLOAT8, true, false},
    {"regr_slope(\1, \1 % 3)", CU_T_INT8, 0, CU_T_FLOAT8, true, false},
    {"regr_count(\1, \1)", CU_T_INT4, 0, CU_T_INT8, false, false},
    {"stddev_samp(\1)", CU_T_FLOAT8, 0, CU_T_FLOAT8, true, false},
    {"var_pop(\1)", CU_T_FLOAT4, 0, CU_T_FLOAT8, true, false},
};

static const char *filled(cu_gen *g, const agg *f, const char *arg,
                          const char *distinct)
{
    cu_buf b = {0};
    for (const char *p = f->format; *p; p++) {
        if (*p == '\1')
            cu_buf_put_str(&b, arg);
        else if (*p == '\2')
            cu_buf_put_str(&b, distinct);
        else
            cu_buf_put(&b, p, 1);
    }
    const char *out = cu_arena_strn(g->a, b.data, b.len);
    cu_buf_free(&b);
    return out;
}

static bool has_order(cu_type t)
{
    return t.kind != CU_T_BOOL && t.kind != CU_T_BYTEA && t.kind != CU_T_UUID &&
           t.kind != CU_T_JSONB;
}

/* False: nothing of the list takes it. */
static bool from_list(cu_gen *g, const cu_case_expr *e, const char *distinct,
                      const char **call, cu_case_expr *out, bool *shown_only)
{
    for (uint32_t tries = 0; tries < 80; tries++) {
        const agg *f = &aggs[cu_rng_below(g->r, N(aggs))];
        if (f->kind != e->type.kind || e->type.elem)
            continue;
        if (!e->small && f->kind >= CU_T_INT2 && f->kind <= CU_T_INT8)
            return false;
        *call = filled(g, f, e->sql, distinct);
        *shown_only = f->shown_only;
        out->type = CU_TYPE(f->result == OF_ARRAY ? CU_T_ARRAY : f->result);
        out->type.scale = -1;
        if (f->result == OF_ARRAY)
            out->type.elem = f->kind;
        out->exact = !f->inexact && e->exact;
        out->small = f->result == f->kind || f->result == CU_T_INT8;
        return true;
    }
    return false;
}

cu_case_expr cu_gen_call(cu_gen *g, const cu_case_rel *x, const char **call,
                         bool *shown_only)
{
    cu_case_expr e = cu_case_expr_any(g->r, g->a, x, false), out = e;
    uint32_t what = cu_rng_below(g->r, 10);
    const char *distinct = e.exact && cu_rng_chance(g->r, 25) ? "DISTINCT "
                                                              : "";
    *shown_only = false;
    if (what >= 4 && from_list(g, &e, distinct, call, &out, shown_only))
        return out;
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

void cu_gen_calls(cu_gen *g, cu_case_view *v, const cu_case_rel *x)
{
    uint32_t n = 1 + cu_rng_below(g->r, 5);
    for (uint32_t i = 0; i < n; i++) {
        const char *call;
        bool shown_only;
        cu_case_expr e = cu_gen_call(g, x, &call, &shown_only);
        if (cu_rng_chance(g->r, 20) && call[0] != '(')
            call = cu_arena_printf(g->a, "%s FILTER (WHERE %s)", call,
                                   cu_case_condition(g->r, g->a, x));
        if (cu_rng_chance(g->r, 10) && e.type.kind == CU_T_INT8)
            call = cu_arena_printf(g->a, "%s + 1", call);
        cu_gen_add(g, v, call, e.type, e.exact, e.small, false);
        if (shown_only && v->n_cols == v->n_targets)
            v->cols[v->n_cols - 1].type.kind = CU_T_NULL;
    }
}

static void add_having(cu_gen *g, cu_case_view *v, const cu_case_rel *x)
{
    const char *call;
    bool shown_only;
    if (!cu_rng_chance(g->r, 25))
        return;
    cu_gen_call(g, x, &call, &shown_only);
    v->having = cu_rng_chance(g->r, 50)
                    ? " HAVING count(*) > 1"
                    : cu_arena_printf(g->a, " HAVING %s IS NOT NULL", call);
}

static void add_groups(cu_gen *g, cu_case_view *v, const cu_case_rel *x)
{
    uint32_t n = 1 + cu_rng_below(g->r, 2);
    const char *list = "";
    for (uint32_t i = 0; i < n; i++) {
        cu_case_expr e = cu_case_expr_any(g->r, g->a, x, true);
        cu_gen_add(g, v, e.sql, e.type, e.exact, e.small, true);
        /* A constant would be a position itself. */
        bool number = cu_rng_chance(g->r, 30) || strcmp(e.sql, "1") == 0;
        list = cu_arena_printf(g->a, "%s%s%s", list, i ? ", " : "",
                               number ? cu_arena_printf(g->a, "%u", i + 1)
                                      : e.sql);
    }
    v->group = cu_arena_printf(g->a, " GROUP BY %s", list);
    add_having(g, v, x);
}

void cu_gen_aggregate(cu_gen *g, cu_case_view *v, const cu_case_rel *x,
                      bool global)
{
    if (!global)
        add_groups(g, v, x);
    v->single = global;
    cu_gen_calls(g, v, x);
    v->from = x->name;
    v->reads = x->reads;
    v->rows = global ? 1 : x->rows < 20 ? x->rows : 20;
}

/* Every set shows which one it is, so that rows have a key. */
void cu_gen_sets(cu_gen *g, cu_case_view *v)
{
    static const char *const forms[] = {
        " GROUP BY ROLLUP (%s, %s)",
        " GROUP BY CUBE (%s, %s)",
        " GROUP BY GROUPING SETS ((%s), (%s))",
        " GROUP BY GROUPING SETS ((%s, %s), ())",
    };
    cu_case_rel x = cu_gen_any(g);
    cu_case_col *first = NULL, *second = NULL;
    cu_case_col *cols = cu_arena_dup(g->a, x.cols, x.n_cols * sizeof(*cols));
    for (uint32_t k = 0; k < x.n_cols; k++)
        if (cols[k].exact) {
            if (first == NULL || cu_rng_chance(g->r, 40))
                first = &cols[k];
            else
                second = &cols[k];
        }
    if (first == NULL || second == NULL) {
        cu_gen_aggregate(g, v, &x, true);
        v->where = cu_gen_where(g, &x);
        return;
    }
    cu_gen_add(g, v, first->name, first->type, true, first->small, true);
    cu_gen_add(g, v, second->name, second->type, true, second->small, true);
    cu_gen_add(
        g, v,
        cu_arena_printf(g->a, "grouping(%s, %s)", first->name, second->name),
        CU_TYPE(CU_T_INT4), true, true, true);
    const char *form = forms[cu_rng_below(g->r, N(forms))];
    cu_buf b = {0};
    const char *name = first->name;
    for (const char *p = form; *p; p++) {
        if (p[0] == '%' && p[1] == 's') {
            cu_buf_put_str(&b, name);
            name = second->name;
            p++;
        } else {
            cu_buf_put(&b, p, 1);
        }
    }
    v->group = cu_arena_strn(g->a, b.data, b.len);
    cu_buf_free(&b);
    add_having(g, v, &x);
    cu_gen_calls(g, v, &x);
    v->options = cu_arena_printf(g->a, " WITH (primary_key = '%s, %s, %s')",
                                 v->cols[0].name, v->cols[1].name,
                                 v->cols[2].name);
    v->from = x.name;
    v->reads = x.reads;
    v->rows = 50;
    v->where = cu_gen_where(g, &x);
}
