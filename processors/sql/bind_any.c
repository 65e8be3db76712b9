/* Binds x op ANY (array) and x op ALL (array).
 *
 * Comparisons have kernels.  Another operator (LIKE, @>, ~) is written out
 * over the elements, which must be known: ARRAY[…] or a constant.
 */
#include "processors/sql/bind.h"

#include "rows/array.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

/* The name of the kernel over arrays, or NULL. */
static const char *kernel_of(cu_bind *b, const cu_ast_expr *e)
{
    static const char *const signs[][2] = {{"=", "eq"}, {"<>", "ne"},
                                           {"<", "lt"}, {"<=", "le"},
                                           {">", "gt"}, {">=", "ge"}};
    for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
        if (strcmp(signs[i][0], e->text) == 0)
            return cu_arena_printf(b->sql->arena, "%s_%s",
                                   e->flag ? "all" : "any", signs[i][1]);
    return NULL;
}

/* The elements of a constant array; NULL after a problem, or for another
 * array. *null: the array itself is NULL. */
static cu_expr **constants(cu_bind *b, const cu_ast_expr *e, cu_expr *array,
                           cu_type of, uint32_t *n, bool *null)
{
    cu_arena *a = b->sql->arena;
    cu_err err = {0};
    cu_value v, item;
    const cu_type want = {.kind = CU_T_ARRAY, .elem = of.kind, .scale = -1};
    if (array->type.kind == CU_T_UNKNOWN &&
        cu_expr_cast(a, array, want, CU_CAST_IMPLICIT, &array, &err)) {
        cu_bind_problem(b->sql, e->pos, &err, NULL);
        return NULL;
    }
    if (!cu_expr_is_const(array) || cu_expr_fold(a, array, &v, &err)) {
        cu_sql_refuse(b->sql, e->pos,
                      "%s %s of an array that is not known in advance", e->text,
                      e->flag ? "ALL" : "ANY");
        return NULL;
    }
    *null = v.null;
    *n = v.null ? 0 : cu_array_length(v.s);
    cu_expr **out = cu_arena_calloc(a, *n + 1, sizeof(*out));
    cu_array_iter it = {.n = 0};
    if (*n)
        it = cu_array_iter_of(v.s);
    for (uint32_t i = 0; i < *n && cu_array_next(&it, a, &item); i++)
        out[i] = cu_expr_const(a, &item, e->pos);
    return out;
}

static cu_expr *truth(cu_bind *b, bool null, bool value, cu_pos pos)
{
    const cu_value v = {.type = CU_TYPE(CU_T_BOOL), .null = null, .b = value};
    return cu_expr_const(b->sql->arena, &v, pos);
}

/* x op e1 OR x op e2 …, or AND. */
static cu_expr *written_out(cu_bind *b, const cu_ast_expr *e, cu_expr *x,
                            cu_expr **items, uint32_t n)
{
    cu_expr **parts = cu_arena_calloc(b->sql->arena, n + 1, sizeof(*parts));
    for (uint32_t i = 0; i < n; i++) {
        cu_expr *sides[2] = {x, items[i]};
        parts[i] = cu_bind_called(b->sql, e->text, sides, 2, e->pos);
        if (!parts[i])
            return NULL;
        if (parts[i]->type.kind != CU_T_BOOL) {
            cu_sql_error(b->sql, e->pos, STATE('4', '2', '8', '0', '9'), NULL,
                         "op ANY/ALL (array) requires operator to yield "
                         "boolean");
            return NULL;
        }
    }
    if (n < 2)
        return n ? parts[0] : truth(b, false, e->flag, e->pos);
    return cu_expr_nary(b->sql->arena, e->flag ? CU_E_AND : CU_E_OR,
                        CU_TYPE(CU_T_BOOL), parts, n, e->pos);
}

static cu_expr *other(cu_bind *b, const cu_ast_expr *e, cu_expr *x,
                      cu_expr *array)
{
    const cu_ast_expr *list = e->args.at[1];
    uint32_t n = list->args.n;
    bool null = false;
    cu_expr **items = NULL;
    if (list->kind == CU_A_ARRAY) {
        items = cu_arena_calloc(b->sql->arena, n + 1, sizeof(*items));
        for (uint32_t i = 0; i < n; i++)
            if (!(items[i] = cu_bind_expr(b, list->args.at[i])))
                return NULL;
    } else {
        items = constants(b, e, array, x->type, &n, &null);
    }
    if (!items)
        return NULL;
    return null ? truth(b, true, false, e->pos)
                : written_out(b, e, x, items, n);
}

cu_expr *cu_bind_any(cu_bind *b, const cu_ast_expr *e)
{
    cu_expr **args = cu_arena_calloc(b->sql->arena, 2, sizeof(*args));
    args[0] = cu_bind_expr(b, e->args.at[0]);
    args[1] = cu_bind_expr(b, e->args.at[1]);
    if (!args[0] || !args[1])
        return NULL;
    if (args[1]->type.kind != CU_T_ARRAY &&
        args[1]->type.kind != CU_T_UNKNOWN) {
        cu_sql_error(b->sql, e->pos, STATE('4', '2', '8', '0', '9'), NULL,
                     "op ANY/ALL (array) requires array on right side");
        return NULL;
    }
    const char *kernel = kernel_of(b, e);
    return kernel ? cu_bind_called(b->sql, kernel, args, 2, e->pos)
                  : other(b, e, args[0], args[1]);
}
