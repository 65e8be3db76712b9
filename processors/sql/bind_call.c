/* Binds function calls: which kind of function it is, and scalar ones. */
#include "processors/sql/bind_time.h"

#include "base/alloc.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

static const char *last_name(const cu_ast_expr *e)
{
    return e->names[e->n_names - 1];
}

/* age(x): since today's midnight. */
static cu_expr *today(cu_bind *b, cu_pos pos)
{
    cu_err err = {0};
    cu_expr *out = cu_expr_nary(b->sql->arena, CU_E_NOW,
                                CU_TYPE(CU_T_TIMESTAMPTZ), NULL, 0, pos);
    cu_expr_cast(b->sql->arena, out, CU_TYPE(CU_T_DATE), CU_CAST_EXPLICIT, &out,
                 &err);
    return out;
}

/* The argument list of a call, bound, in the function's order. */
static cu_expr **arguments(cu_bind *b, const cu_ast_expr *e, uint32_t *n)
{
    cu_ast_list args;
    if (!cu_bind_named(b, e, &args))
        return NULL;
    const bool aged = args.n == 1 && strcmp(last_name(e), "age") == 0;
    cu_expr **out = cu_arena_calloc(b->sql->arena, args.n + 2, sizeof(*out));
    bool good = true;
    *n = 0;
    if (aged)
        out[(*n)++] = today(b, e->pos);
    for (uint32_t i = 0; i < args.n; i++) {
        out[*n] = cu_bind_row_argument(b, e, args.at[i]);
        good = good && out[*n];
        ++*n;
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

/* The language's own table functions, and functions of later versions. */
static bool refuse_own(cu_bind *b, const cu_ast_expr *e)
{
    const unsigned any = CU_FUNC_SCALAR | CU_FUNC_OPERATOR | CU_FUNC_SET;
    if (!cu_func_exists(last_name(e), any) &&
        cu_bind_postgres_has(last_name(e))) {
        cu_bind_refuse_known(b->sql, e->pos, last_name(e));
        return true;
    }
    if (!cu_bind_is_relation(last_name(e)))
        return false;
    cu_sql_error(b->sql, e->pos, STATE('0', 'A', '0', '0', '0'),
                 "It is a relation: write it in FROM.",
                 "%s() outside FROM is not supported", last_name(e));
    return true;
}

/* What the grammar's own forms are called in the catalog: no functions that
 * SQL could name. */
static bool is_form(const char *name)
{
    static const char *const forms[] = {"array", "not", "subscript", "slice"};
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

cu_expr *cu_bind_call(cu_bind *b, const cu_ast_expr *e)
{
    const char *name = last_name(e);
    if (!is_schema_ok(e)) {
        cu_sql_refuse(b->sql, e->pos, "a function name with a schema");
        return NULL;
    }
    bool made;
    cu_expr *inlined = cu_bind_sql_call(b, e, &made);
    if (made)
        return inlined;
    if (e->over)
        return cu_bind_over(b, e);
    if (e->star || e->within_group || cu_func_exists(name, CU_FUNC_AGGREGATE))
        return cu_bind_aggregate(b, e);
    if (cu_func_exists(name, CU_FUNC_WINDOW)) {
        cu_sql_error(b->sql, e->pos, STATE('4', '2', '8', '0', '9'), NULL,
                     "window function %s requires an OVER clause", name);
        return NULL;
    }
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
    uint32_t n_args;
    cu_expr **args = arguments(b, e, &n_args);
    if (args == NULL)
        return NULL;
    cu_err err = {0};
    char hint[120] = "";
    cu_expr *out = NULL;
    if (cu_expr_call(b->sql->arena, name, args, n_args, e->pos, &out, hint,
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
