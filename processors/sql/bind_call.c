/* Binds function calls: scalar functions, aggregates, row_number(). */
#include "processors/sql/bind.h"

#include "base/alloc.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

static const char *last_name(const cu_ast_expr *e)
{
    return e->names[e->n_names - 1];
}

/* The argument list of a call, bound; named arguments are refused. */
static cu_expr **arguments(cu_bind *b, const cu_ast_expr *e)
{
    cu_expr **out = cu_arena_calloc(b->sql->arena, e->args.n + 1, sizeof(*out));
    bool good = true;
    for (uint32_t i = 0; i < e->args.n; i++) {
        out[i] = cu_bind_expr(b, e->args.at[i]);
        good = good && out[i];
    }
    return good ? out : NULL;
}

static bool refuse_clauses(cu_bind *b, const cu_ast_expr *e)
{
    const char *what = NULL;
    if (e->within_group)
        what = "WITHIN GROUP";
    else if (e->order.n)
        what = "ORDER BY inside an aggregate";
    else if (e->variadic)
        what = "VARIADIC";
    if (what)
        cu_sql_refuse(b->sql, e->pos, "%s", what);
    return what != NULL;
}

static bool misplaced(cu_bind *b, const cu_ast_expr *e)
{
    if (b->in_agg) {
        cu_sql_error(b->sql, e->pos, STATE('4', '2', '8', '0', '3'), NULL,
                     "aggregate function calls cannot be nested");
        return true;
    }
    if (!b->allow_aggs) {
        cu_sql_error(b->sql, e->pos, STATE('4', '2', '8', '0', '3'), NULL,
                     "aggregate functions are not allowed in %s", b->clause);
        return true;
    }
    return false;
}

static bool same_agg(const cu_found_agg *a, const cu_found_agg *b)
{
    if (a->func != b->func || a->distinct != b->distinct)
        return false;
    if ((a->arg == NULL) != (b->arg == NULL) ||
        (a->filter == NULL) != (b->filter == NULL))
        return false;
    return (a->arg == NULL || cu_expr_same(a->arg, b->arg)) &&
           (a->filter == NULL || cu_expr_same(a->filter, b->filter));
}

/* The number of an equal call, or of a new one. */
static uint32_t remember(cu_bind *b, const cu_found_agg *f)
{
    for (uint32_t i = 0; i < b->n_aggs; i++)
        if (same_agg(&b->aggs[i], f))
            return i;
    if (b->n_aggs == b->cap_aggs) {
        uint32_t cap = b->cap_aggs ? 2 * b->cap_aggs : 8;
        cu_found_agg *more = cu_arena_calloc(b->sql->arena, cap, sizeof(*more));
        if (b->n_aggs)
            memcpy(more, b->aggs, b->n_aggs * sizeof(*more));
        b->aggs = more;
        b->cap_aggs = cap;
    }
    b->aggs[b->n_aggs] = *f;
    return b->n_aggs++;
}

static cu_expr *bind_aggregate(cu_bind *b, const cu_ast_expr *e)
{
    if (misplaced(b, e) || refuse_clauses(b, e))
        return NULL;
    b->in_agg = true;
    cu_expr **args = arguments(b, e);
    cu_expr *filter = e->filter ? cu_bind_bool(b, e->filter, "FILTER") : NULL;
    b->in_agg = false;
    if (args == NULL || (e->filter && filter == NULL))
        return NULL;
    if (e->args.n == 0 && !e->star) {
        cu_sql_error(b->sql, e->pos, STATE('4', '2', '8', '0', '9'), NULL,
                     "%s(*) must be used to call a parameterless aggregate "
                     "function",
                     last_name(e));
        return NULL;
    }
    cu_found_agg f = {.filter = filter, .distinct = e->distinct};
    cu_err err = {0};
    char hint[120] = "";
    if (cu_func_resolve(b->sql->arena, last_name(e), CU_FUNC_AGGREGATE, args,
                        e->args.n, &f.func, &f.result, hint, &err)) {
        cu_bind_problem(b->sql, e->pos, &err, hint);
        return NULL;
    }
    if (e->args.n > 1) {
        cu_sql_refuse(b->sql, e->pos, "%s() with %u arguments", last_name(e),
                      e->args.n);
        return NULL;
    }
    f.arg = e->args.n ? cu_bind_settle(b, args[0]) : NULL;
    uint32_t at = remember(b, &f);
    return cu_expr_col(b->sql->arena, CU_AGG_BASE + at, f.result, e->pos);
}

static cu_expr *bind_window(cu_bind *b, const cu_ast_expr *e)
{
    if (!b->allow_windows) {
        cu_sql_error(b->sql, e->pos, STATE('4', '2', 'P', '2', '0'), NULL,
                     "window functions are not allowed in %s", b->clause);
        return NULL;
    }
    if (strcmp(last_name(e), "row_number") || e->args.n || e->filter ||
        e->over->framed) {
        cu_sql_refuse(b->sql, e->pos, "the window function %s()", last_name(e));
        return NULL;
    }
    if (b->n_windows == b->cap_windows) {
        b->cap_windows = b->cap_windows ? 2 * b->cap_windows : 4;
        cu_found_window *more = cu_arena_calloc(b->sql->arena, b->cap_windows,
                                                sizeof(*more));
        if (b->n_windows)
            memcpy(more, b->windows, b->n_windows * sizeof(*more));
        b->windows = more;
    }
    b->windows[b->n_windows].call = e;
    return cu_expr_col(b->sql->arena, CU_WINDOW_BASE + b->n_windows++,
                       CU_TYPE(CU_T_INT8), e->pos);
}

/* The language's own table functions, and functions of later versions. */
static bool refuse_own(cu_bind *b, const cu_ast_expr *e)
{
    const unsigned any = CU_FUNC_SCALAR | CU_FUNC_OPERATOR | CU_FUNC_SET;
    if (!cu_func_exists(last_name(e), any) &&
        cu_bind_postgres_has(last_name(e))) {
        cu_sql_refuse(b->sql, e->pos, "the function %s()", last_name(e));
        return true;
    }
    static const char *const own[] = {
        "tumble",  "hop",  "session", "cumulate",     "changelog", "late_rows",
        "history", "asof", "lookup",  "dead_letters", "watermark", "surrogate"};
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        if (strcmp(own[i], last_name(e)) == 0) {
            cu_sql_refuse(b->sql, e->pos, "%s()", own[i]);
            return true;
        }
    return false;
}

/* What the grammar's own forms are called in the catalog: no functions that
 * SQL could name. */
static bool is_form(const char *name)
{
    static const char *const forms[] = {"array", "not", "subscript"};
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
        if (strcmp(forms[i], name) == 0)
            return true;
    return strncmp(name, "any_", 4) == 0 || strncmp(name, "all_", 4) == 0 ||
           strncmp(name, "is_", 3) == 0;
}

static cu_expr *bind_now(cu_bind *b, const cu_ast_expr *e)
{
    return cu_expr_nary(b->sql->arena, CU_E_NOW, CU_TYPE(CU_T_TIMESTAMPTZ),
                        NULL, 0, e->pos);
}

static bool is_schema_ok(const cu_ast_expr *e)
{
    return e->n_names == 1 ||
           (e->n_names == 2 && strcmp(e->names[0], "pg_catalog") == 0);
}

/* substring(text, text) is by regular expression: never read as a number. */
static bool refuse_pattern(cu_bind *b, const cu_ast_expr *e, cu_expr **args)
{
    if (strcmp(last_name(e), "substring") || e->args.n < 2)
        return false;
    uint8_t of = args[0]->type.kind, at = args[1]->type.kind;
    bool text = of == CU_T_TEXT || of == CU_T_UNKNOWN;
    bool pattern = at == CU_T_TEXT ||
                   (at == CU_T_UNKNOWN && !args[1]->value.null);
    if (text && pattern)
        cu_sql_refuse(b->sql, e->pos, "substring() with a pattern");
    return text && pattern;
}

cu_expr *cu_bind_call(cu_bind *b, const cu_ast_expr *e)
{
    const char *name = last_name(e);
    if (!is_schema_ok(e)) {
        cu_sql_refuse(b->sql, e->pos, "a function name with a schema");
        return NULL;
    }
    if (e->over)
        return bind_window(b, e);
    if (e->star || cu_func_exists(name, CU_FUNC_AGGREGATE))
        return bind_aggregate(b, e);
    if (refuse_own(b, e) || refuse_clauses(b, e))
        return NULL;
    if (e->filter || e->distinct) {
        cu_sql_error(b->sql, e->pos, STATE('4', '2', '8', '0', '9'), NULL,
                     "%s specified, but %s is not an aggregate function",
                     e->distinct ? "DISTINCT" : "FILTER", name);
        return NULL;
    }
    if (e->args.n == 0 && (strcmp(name, "now") == 0 ||
                           strcmp(name, "transaction_timestamp") == 0))
        return bind_now(b, e);
    if (is_form(name)) {
        cu_sql_error(b->sql, e->pos, STATE('4', '2', '8', '8', '3'), NULL,
                     "function %s() does not exist", name);
        return NULL;
    }
    const unsigned scalar = CU_FUNC_SCALAR | CU_FUNC_OPERATOR;
    if (!cu_func_exists(name, scalar) && cu_func_exists(name, CU_FUNC_SET)) {
        cu_sql_refuse(b->sql, e->pos,
                      "the set-returning function %s() outside FROM", name);
        return NULL;
    }
    cu_expr **args = arguments(b, e);
    if (args == NULL || refuse_pattern(b, e, args))
        return NULL;
    cu_err err = {0};
    char hint[120] = "";
    cu_expr *out = NULL;
    if (cu_expr_call(b->sql->arena, name, args, e->args.n, e->pos, &out, hint,
                     &err)) {
        cu_bind_problem(b->sql, e->pos, &err, hint);
        return NULL;
    }
    if (cu_expr_is_volatile(out)) {
        cu_sql_refuse(b->sql, e->pos,
                      "the volatile function %s(), which a retraction could "
                      "not repeat,",
                      name);
        return NULL;
    }
    return out;
}
