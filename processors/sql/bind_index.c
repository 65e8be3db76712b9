/* Binds subscripts: a[n], a[n:m], j['name']. */
#include "processors/sql/bind.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

static cu_expr *wrong(cu_bind *b, cu_pos pos, const char *what)
{
    cu_sql_error(b->sql, pos, STATE('4', '2', '8', '0', '4'), NULL, "%s", what);
    return NULL;
}

static cu_expr *no_subscripts(cu_bind *b, const cu_expr *x)
{
    char name[64] = "unknown";
    if (x->type.kind != CU_T_UNKNOWN)
        cu_type_name(x->type, name);
    cu_sql_error(b->sql, x->pos, STATE('4', '2', '8', '0', '4'), NULL,
                 "cannot subscript type %s because it does not support "
                 "subscripting",
                 name);
    return NULL;
}

/* A subscript of an array. */
static cu_expr *integer(cu_bind *b, cu_expr *e)
{
    cu_expr *at = NULL;
    cu_err err = {0};
    if (cu_expr_cast(b->sql->arena, e, CU_TYPE(CU_T_INT4), CU_CAST_ASSIGNMENT,
                     &at, &err))
        return wrong(b, e->pos, "array subscript must have type integer");
    return at;
}

/* A bound of a slice; one that is left out is as far as it goes. */
static cu_expr *bound(cu_bind *b, const cu_ast_expr *e, int32_t open,
                      cu_pos pos)
{
    const cu_value v = {.type = CU_TYPE(CU_T_INT4), .i4 = open};
    if (!e)
        return cu_expr_const(b->sql->arena, &v, pos);
    cu_expr *out = cu_bind_expr(b, e);
    return out ? integer(b, out) : NULL;
}

static bool never_fails(const cu_expr *e)
{
    bool good = e->kind != CU_E_CALL || e->func->total;
    for (uint32_t i = 0; i < e->n_args; i++)
        good = good && never_fails(e->args[i]);
    return good;
}

/* args[0] with the others as its subscripts.  Of a NULL nothing is taken:
 * what its subscripts would say is not asked for. */
static cu_expr *taken(cu_bind *b, const char *name, cu_expr **args, uint32_t n,
                      cu_pos pos)
{
    bool sure = true;
    for (uint32_t i = 1; i < n; i++)
        sure = sure && never_fails(args[i]);
    cu_expr *of = args[0], *all = cu_bind_called(b->sql, name, args, n, pos);
    if (sure || !all)
        return all;
    cu_value null = {.type = all->type, .null = true};
    cu_expr **arms = cu_arena_calloc(b->sql->arena, 3, sizeof(*arms));
    arms[0] = cu_bind_called(b->sql, "is_null", &of, 1, pos);
    arms[1] = cu_expr_const(b->sql->arena, &null, pos);
    arms[2] = all;
    return arms[0]
               ? cu_expr_nary(b->sql->arena, CU_E_CASE, all->type, arms, 3, pos)
               : NULL;
}

static cu_expr *slice(cu_bind *b, const cu_ast_expr *e, cu_expr *of)
{
    cu_expr **args = cu_arena_calloc(b->sql->arena, 3, sizeof(*args));
    if (of->type.kind == CU_T_JSONB)
        return wrong(b, e->pos, "jsonb subscript does not support slices");
    args[0] = of;
    args[1] = bound(b, e->args.at[1], INT32_MIN, e->pos);
    args[2] = bound(b, e->args.at[2], INT32_MAX, e->pos);
    return args[1] && args[2] ? taken(b, "slice", args, 3, e->pos) : NULL;
}

/* a[1:2][1] has two dimensions; (a[1:2])[1] has not. */
static bool two_dimensional(const cu_ast_expr *e)
{
    return e->flag && (e->args.n == 3 || e->args.at[0]->args.n == 3);
}

cu_expr *cu_bind_index(cu_bind *b, const cu_ast_expr *e)
{
    cu_expr **args = cu_arena_calloc(b->sql->arena, 2, sizeof(*args));
    args[0] = cu_bind_expr(b, e->args.at[0]);
    if (!args[0])
        return NULL;
    const uint8_t kind = args[0]->type.kind;
    if (kind != CU_T_ARRAY && kind != CU_T_JSONB)
        return no_subscripts(b, args[0]);
    if (kind == CU_T_ARRAY && two_dimensional(e)) {
        cu_sql_refuse(b->sql, e->pos, "an array of more than one dimension");
        return NULL;
    }
    if (e->args.n == 3)
        return slice(b, e, args[0]);
    args[1] = cu_bind_expr(b, e->args.at[1]);
    if (args[1] && kind == CU_T_ARRAY)
        args[1] = integer(b, args[1]);
    return args[1] ? taken(b, "subscript", args, 2, e->pos) : NULL;
}
