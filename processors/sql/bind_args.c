/* The arguments of the language's own table functions.
 *
 *   tumble(bid, ts, interval '10 minutes')            by position
 *   tumble(bid, ts, size => interval '10 minutes')    by name
 *
 * The first is a relation: a table, a view, a name of WITH, a subquery, or
 * another table function.  Columns are looked up in that relation; everything
 * else is constant.
 */
#include "processors/sql/bind_time.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

static int32_t parameter(const char *const *names, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return (int32_t)i;
    return -1;
}

static bool put(cu_sql *s, cu_args *out, uint32_t at, const char *name,
                const cu_ast_expr *value)
{
    if (out->at[at]) {
        cu_sql_error(s, value->pos, STATE('4', '2', '6', '0', '1'), NULL,
                     "argument name \"%s\" used more than once", name);
        return false;
    }
    out->at[at] = value;
    return true;
}

bool cu_args_read(cu_sql *s, const cu_ast_expr *call, const char *const *names,
                  uint32_t n, uint32_t required, cu_args *out)
{
    *out = (cu_args){.function = call->names[call->n_names - 1],
                     .pos = call->pos};
    bool named = false;
    for (uint32_t i = 0; i < call->args.n; i++) {
        const cu_ast_expr *e = call->args.at[i];
        int32_t at = (int32_t)i;
        if (e->kind == CU_A_NAMED) {
            at = parameter(names, n, e->text);
            if (at < 0) {
                cu_sql_error(s, e->pos, STATE('4', '2', '8', '8', '3'),
                             cu_sql_nearest(s, e->text, names, n),
                             "%s() has no parameter \"%s\"", out->function,
                             e->text);
                return false;
            }
            e = e->args.at[0];
        } else if (named) {
            cu_sql_error(s, e->pos, STATE('4', '2', '6', '0', '1'), NULL,
                         "positional argument cannot follow named argument");
            return false;
        }
        named = call->args.at[i]->kind == CU_A_NAMED;
        if (at >= (int32_t)n) {
            cu_sql_error(s, e->pos, STATE('4', '2', '8', '8', '3'), NULL,
                         "%s() takes at most %u argument%s", out->function, n,
                         n == 1 ? "" : "s");
            return false;
        }
        if (!put(s, out, (uint32_t)at, names[at], e))
            return false;
    }
    for (uint32_t i = 0; i < required; i++)
        if (!out->at[i]) {
            cu_sql_error(s, call->pos, STATE('4', '2', '8', '8', '3'), NULL,
                         "%s() needs the argument \"%s\"", out->function,
                         names[i]);
            return false;
        }
    return true;
}

bool cu_bind_argument(cu_sql *s, const cu_ctes *ctes, const cu_ast_expr *arg,
                      cu_scope *out)
{
    cu_arena *a = s->arena;
    cu_ast_select *sel = cu_arena_calloc(a, 1, sizeof(*sel));
    cu_ast_from *f = cu_arena_calloc(a, 1, sizeof(*f));
    sel->pos = f->pos = arg->pos;
    if (arg->kind == CU_A_COLUMN && arg->n_names == 1 && !arg->star) {
        f->kind = CU_F_TABLE;
        f->name = arg->names[0];
    } else if (arg->kind == CU_A_SUBQUERY && arg->sub == CU_SUB_SCALAR) {
        f->kind = CU_F_SUBQUERY;
        f->select = arg->select;
        f->alias = "subquery";
    } else if (arg->kind == CU_A_CALL && !arg->over) {
        f->kind = CU_F_FUNCTION;
        f->call = (cu_ast_expr *)arg;
    } else {
        cu_sql_error(s, arg->pos, STATE('4', '2', '8', '0', '9'),
                     "The first argument is a relation: the name of a table "
                     "or view, or a subquery in parentheses.",
                     "this is no relation");
        return false;
    }
    sel->from = cu_arena_dup(a, &f, sizeof(f));
    sel->n_from = 1;
    return cu_bind_from(s, ctes, sel, out) && cu_bind_where(s, out, NULL);
}

int32_t cu_args_column(cu_sql *s, const cu_args *a, const cu_scope *scope,
                       const cu_ast_expr *e)
{
    cu_bind b = {.sql = s, .scope = scope, .clause = "functions in FROM"};
    if (e->kind != CU_A_COLUMN || e->star) {
        cu_sql_error(s, e->pos, STATE('4', '2', '8', '0', '9'), NULL,
                     "%s() wants a column here", a->function);
        return -1;
    }
    cu_expr *x = cu_bind_expr(&b, e);
    if (x == NULL)
        return -1;
    if (x->kind != CU_E_COL || x->col >= scope->node->schema->n) {
        cu_sql_error(s, e->pos, STATE('4', '2', '8', '0', '9'), NULL,
                     "%s() wants a column of its relation here", a->function);
        return -1;
    }
    return (int32_t)x->col;
}

bool cu_args_columns(cu_sql *s, const cu_args *a, const cu_scope *scope,
                     const cu_ast_expr *e, uint16_t **cols, uint32_t *n)
{
    const cu_ast_list one = {(cu_ast_expr **)&e, 1};
    const cu_ast_list *list = e->kind == CU_A_ARRAY ? &e->args : &one;
    *cols = cu_arena_calloc(s->arena, list->n + 1, sizeof(**cols));
    *n = 0;
    for (uint32_t i = 0; i < list->n; i++) {
        int32_t at = cu_args_column(s, a, scope, list->at[i]);
        bool twice = false;
        if (at < 0)
            return false;
        for (uint32_t k = 0; k < *n; k++)
            twice = twice || (*cols)[k] == at;
        if (!twice)
            (*cols)[(*n)++] = (uint16_t)at;
    }
    if (*n == 0)
        cu_sql_error(s, e->pos, STATE('2', '2', '0', '2', '3'), NULL,
                     "%s() wants at least one column here", a->function);
    return *n > 0;
}

bool cu_args_constant(cu_sql *s, const cu_args *a, const cu_ast_expr *e,
                      cu_type t, cu_value *out)
{
    static const cu_scope nothing;
    cu_bind b = {.sql = s, .scope = &nothing, .clause = "functions in FROM"};
    cu_expr *x = cu_bind_expr(&b, e), *typed = NULL;
    cu_err err = {0};
    if (x == NULL)
        return false;
    int rc = cu_expr_cast(s->arena, x, t, CU_CAST_ASSIGNMENT, &typed, &err);
    if (rc == 0 && !cu_expr_is_const(typed)) {
        cu_sql_error(s, e->pos, STATE('4', '2', '8', '0', '9'), NULL,
                     "%s() wants a constant here", a->function);
        return false;
    }
    if (rc || cu_expr_fold(s->arena, typed, out, &err)) {
        cu_bind_problem(s, e->pos, &err, NULL);
        return false;
    }
    return true;
}

bool cu_args_interval(cu_sql *s, const cu_args *a, const cu_ast_expr *e,
                      cu_interval *out)
{
    cu_value v;
    const int64_t most = INT64_C(86400000000) * 36525;
    if (!cu_args_constant(s, a, e, CU_TYPE(CU_T_INTERVAL), &v))
        return false;
    if (!v.null && v.iv.months) {
        cu_sql_error(s, e->pos, STATE('0', 'A', '0', '0', '0'),
                     "Months differ in length: write days, or group by "
                     "date_trunc('month', ts).",
                     "an interval of months in %s() is not supported",
                     a->function);
        return false;
    }
    bool small = !v.null && v.iv.days <= 36525 && v.iv.us <= most &&
                 v.iv.days >= 0 && v.iv.us >= 0;
    if (!small || cu_interval_us(v.iv) <= 0) {
        cu_sql_error(s, e->pos, STATE('2', '2', '0', '0', '8'), NULL,
                     "%s() wants an interval from 1 microsecond to 100 years",
                     a->function);
        return false;
    }
    *out = v.iv;
    return true;
}
