/* Binds aggregate calls and their clauses.
 *
 *     sum(DISTINCT x) FILTER (WHERE p)       argument, filter
 *     string_agg(x, ',' ORDER BY t)          two arguments, order
 *     percentile_cont(0.5) WITHIN GROUP (ORDER BY x)
 *                                            the fraction is a constant, x the
 *                                            argument and its order
 *     (array_agg(x ORDER BY t))[1]           first: one row is kept, not all
 *
 * The call becomes a column number above CU_AGG_BASE; equal calls share one.
 */
#include "processors/sql/bind.h"
#include "rows/array.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

static const char *last_name(const cu_ast_expr *e)
{
    return e->names[e->n_names - 1];
}

uint16_t cu_bind_flags(const cu_ast_sort *o)
{
    bool first = o->nulls == 1 || (o->nulls == 0 && o->desc);
    return (uint16_t)((o->desc ? CU_DESC : 0) | (first ? CU_NULLS_FIRST : 0));
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
    if (e->variadic)
        cu_sql_refuse(b->sql, e->pos, "VARIADIC");
    return e->variadic;
}

/* --- equal calls ---------------------------------------------------------- */

static bool same_expr(const cu_expr *a, const cu_expr *b)
{
    return a == b || (a && b && cu_expr_same(a, b));
}

static bool same_agg(const cu_found_agg *a, const cu_found_agg *b)
{
    if (a->func != b->func || a->distinct != b->distinct ||
        a->n_order != b->n_order || (a->direct == NULL) != (b->direct == NULL))
        return false;
    for (uint32_t i = 0; i < a->n_order; i++)
        if (a->flags[i] != b->flags[i] ||
            !cu_expr_same(a->order[i], b->order[i]))
            return false;
    if (a->direct && (!cu_type_same(a->direct->type, b->direct->type) ||
                      a->direct->null != b->direct->null ||
                      cu_value_cmp(a->direct, b->direct)))
        return false;
    return cu_type_same(a->result, b->result) && same_expr(a->arg, b->arg) &&
           same_expr(a->second, b->second) && same_expr(a->filter, b->filter);
}

/* The number of an equal call, or of a new one, as a column. */
static cu_expr *remember(cu_bind *b, const cu_found_agg *f, cu_pos pos)
{
    uint32_t at = 0;
    while (at < b->n_aggs && !same_agg(&b->aggs[at], f))
        at++;
    if (at == b->n_aggs) {
        b->aggs = cu_sql_grow(b->sql->arena, b->aggs, at, sizeof(*b->aggs));
        b->aggs[b->n_aggs++] = *f;
    }
    return cu_expr_col(b->sql->arena, CU_AGG_BASE + at, f->result, pos);
}

/* --- the clauses ---------------------------------------------------------- */

static cu_expr **bound(cu_bind *b, const cu_ast_expr *e, uint32_t more)
{
    cu_expr **out = cu_arena_calloc(b->sql->arena, e->args.n + more + 1,
                                    sizeof(*out));
    bool good = true;
    for (uint32_t i = 0; i < e->args.n; i++) {
        out[i] = cu_bind_row_argument(b, e, e->args.at[i]);
        good = good && out[i];
    }
    return good ? out : NULL;
}

static bool bind_order(cu_bind *b, const cu_ast_expr *e, cu_found_agg *f)
{
    cu_arena *a = b->sql->arena;
    bool good = true;
    f->order = cu_arena_calloc(a, e->order.n + 1, sizeof(*f->order));
    f->flags = cu_arena_calloc(a, e->order.n + 1, sizeof(*f->flags));
    for (uint32_t i = 0; i < e->order.n; i++) {
        f->order[i] = cu_bind_settle(b, cu_bind_expr(b, e->order.at[i].expr));
        f->flags[i] = cu_bind_flags(&e->order.at[i]);
        good = good && f->order[i];
    }
    f->n_order = e->order.n;
    return good;
}

static bool resolve(cu_bind *b, const cu_ast_expr *e, cu_expr **args,
                    uint32_t n, cu_found_agg *f)
{
    cu_err err = {0};
    char hint[120] = "";
    if (cu_func_resolve(b->sql->arena, last_name(e), CU_FUNC_AGGREGATE, args, n,
                        &f->func, &f->result, hint, &err) == 0)
        return true;
    cu_bind_problem(b->sql, e->pos, &err, hint);
    return false;
}

/* DISTINCT sorts by the argument; another order would contradict it. */
static bool distinct_fits(cu_bind *b, const cu_ast_expr *e,
                          const cu_found_agg *f)
{
    for (uint32_t i = 0; f->distinct && i < f->n_order; i++) {
        if (same_expr(f->order[i], f->arg) || same_expr(f->order[i], f->second))
            continue;
        cu_sql_error(b->sql, e->order.at[i].expr->pos,
                     STATE('4', '2', 'P', '1', '0'), NULL,
                     "in an aggregate with DISTINCT, ORDER BY expressions must "
                     "appear in argument list");
        return false;
    }
    return true;
}

static bool is_ordered_set(const char *name)
{
    return strcmp(name, "percentile_cont") == 0 ||
           strcmp(name, "percentile_disc") == 0 || strcmp(name, "mode") == 0;
}

/* --- WITHIN GROUP --------------------------------------------------------- */

static bool constant(cu_bind *b, const cu_expr *e, cu_found_agg *f)
{
    cu_err err = {0};
    cu_value *v = cu_arena_calloc(b->sql->arena, 1, sizeof(*v));
    if (!cu_expr_is_const(e)) {
        cu_sql_refuse(b->sql, e->pos, "a direct argument that is no constant");
        return false;
    }
    if (cu_expr_fold(b->sql->arena, e, v, &err)) {
        cu_bind_problem(b->sql, e->pos, &err, NULL);
        return false;
    }
    f->direct = v;
    return true;
}

static bool fraction(cu_bind *b, cu_pos pos, const cu_value *v)
{
    if (v->null || (v->f8 >= 0 && v->f8 <= 1))
        return true;
    cu_sql_error(b->sql, pos, STATE('2', '2', '0', '0', '3'),
                 "The median is percentile_cont(0.5).",
                 "percentile value %g is not between 0 and 1", v->f8);
    return false;
}

/* A wrong one would stop the view before its first row. */
static bool fractions(cu_bind *b, cu_pos pos, const cu_found_agg *f)
{
    const cu_value *v = f->direct;
    if (v->type.kind != CU_T_ARRAY || v->null)
        return fraction(b, pos, v);
    cu_array_iter it = cu_array_iter_of(v->s);
    cu_value one;
    while (cu_array_next(&it, NULL, &one))
        if (!fraction(b, pos, &one))
            return false;
    return true;
}

static bool within_group(cu_bind *b, const cu_ast_expr *e, cu_expr **args,
                         cu_found_agg *f)
{
    if (!is_ordered_set(last_name(e))) {
        bool known = cu_func_exists(last_name(e),
                                    CU_FUNC_AGGREGATE | CU_FUNC_WINDOW);
        if (known && cu_func_exists(last_name(e), CU_FUNC_AGGREGATE))
            cu_sql_error(b->sql, e->pos, STATE('4', '2', '8', '0', '9'), NULL,
                         "%s is not an ordered-set aggregate, so it cannot "
                         "have WITHIN GROUP",
                         last_name(e));
        else
            cu_sql_refuse(b->sql, e->pos, "%s() WITHIN GROUP", last_name(e));
        return false;
    }
    if (e->distinct) {
        cu_sql_error(b->sql, e->pos, STATE('4', '2', '8', '0', '9'), NULL,
                     "cannot use DISTINCT with WITHIN GROUP");
        return false;
    }
    uint32_t n = e->args.n;
    for (uint32_t i = 0; i < f->n_order; i++)
        args[n++] = f->order[i];
    if (!resolve(b, e, args, n, f))
        return false;
    f->arg = args[n - 1];
    f->order[0] = args[n - 1];
    f->n_order = 1;
    if (e->args.n == 0)
        return true;
    return constant(b, args[0], f) && fractions(b, args[0]->pos, f);
}

/* --- the call ------------------------------------------------------------- */

static bool usual(cu_bind *b, const cu_ast_expr *e, cu_expr **args,
                  cu_found_agg *f)
{
    if (e->args.n == 0 && !e->star) {
        cu_sql_error(b->sql, e->pos, STATE('4', '2', '8', '0', '9'), NULL,
                     "%s(*) must be used to call a parameterless aggregate "
                     "function",
                     last_name(e));
        return false;
    }
    if (is_ordered_set(last_name(e)) &&
        cu_func_exists(last_name(e), CU_FUNC_AGGREGATE)) {
        cu_sql_error(b->sql, e->pos, STATE('4', '2', '8', '0', '9'), NULL,
                     "WITHIN GROUP is required for ordered-set aggregate %s",
                     last_name(e));
        return false;
    }
    if (!resolve(b, e, args, e->args.n, f))
        return false;
    if (e->args.n > 2) {
        cu_sql_refuse(b->sql, e->pos, "%s() with %u arguments", last_name(e),
                      e->args.n);
        return false;
    }
    f->arg = e->args.n ? cu_bind_settle(b, args[0]) : NULL;
    f->second = e->args.n > 1 ? cu_bind_settle(b, args[1]) : NULL;
    return distinct_fits(b, e, f);
}

cu_expr *cu_bind_aggregate(cu_bind *b, const cu_ast_expr *e)
{
    if (misplaced(b, e))
        return NULL;
    cu_found_agg f = {.distinct = e->distinct};
    b->in_agg = true;
    cu_expr **args = bound(b, e, e->order.n);
    bool good = bind_order(b, e, &f) && args;
    f.filter = e->filter ? cu_bind_bool(b, e->filter, "FILTER") : NULL;
    b->in_agg = false;
    if (!good || (e->filter && f.filter == NULL))
        return NULL;
    good = e->within_group ? within_group(b, e, args, &f)
                           : usual(b, e, args, &f);
    return good ? remember(b, &f, e->pos) : NULL;
}

cu_expr *cu_bind_first(cu_bind *b, const cu_ast_expr *e, bool *is)
{
    static const cu_func first = {
        .name = "first",
        .kind = CU_FUNC_AGGREGATE,
        .n_args = 1,
        .agg = CU_AGG_FIRST,
        .args = {CU_T_ANYELEMENT},
        .result = CU_T_ANYELEMENT,
        .doc = "the first value in an order",
    };
    const cu_ast_expr *c = e->args.at[0], *at = e->args.at[1];
    *is = e->args.n == 2 && c->kind == CU_A_CALL && at &&
          at->kind == CU_A_NUMBER && strcmp(at->text, "1") == 0 &&
          strcmp(last_name(c), "array_agg") == 0 && c->args.n == 1 &&
          c->order.n && !c->over && !c->distinct && !c->within_group;
    if (!*is)
        return NULL;
    if (misplaced(b, c))
        return NULL;
    cu_found_agg f = {.func = &first};
    b->in_agg = true;
    f.arg = cu_bind_settle(b, cu_bind_expr(b, c->args.at[0]));
    bool good = bind_order(b, c, &f) && f.arg;
    f.filter = c->filter ? cu_bind_bool(b, c->filter, "FILTER") : NULL;
    b->in_agg = false;
    if (!good || (c->filter && f.filter == NULL))
        return NULL;
    *is = f.arg->type.kind != CU_T_ARRAY; /* an array of arrays is refused */
    f.result = f.arg->type;
    return *is ? remember(b, &f, e->pos) : NULL;
}
