/* Building, comparing, copying and asking expression trees. */
#include "processors/expr/expr.h"

#include "base/assert.h"
#include "processors/expr/int.h"
#include "rows/key.h"

static cu_expr *node(cu_arena *a, cu_expr_kind kind, cu_type type, cu_pos pos)
{
    cu_expr *e = cu_arena_calloc(a, 1, sizeof(*e));
    e->kind = kind;
    e->type = type;
    e->pos = pos;
    return e;
}

cu_expr *cu_expr_const(cu_arena *a, const cu_value *v, cu_pos pos)
{
    cu_expr *e = node(a, CU_E_CONST, v->type, pos);
    e->value = *v;
    return e;
}

cu_expr *cu_expr_literal(cu_arena *a, cu_slice text, cu_pos pos)
{
    cu_value v = {.type = {.kind = CU_T_UNKNOWN, .scale = -1},
                  .null = !text.data,
                  .s = text};
    return cu_expr_const(a, &v, pos);
}

cu_expr *cu_expr_col(cu_arena *a, uint32_t col, cu_type type, cu_pos pos)
{
    cu_expr *e = node(a, CU_E_COL, type, pos);
    e->col = col;
    return e;
}

cu_expr *cu_expr_nary(cu_arena *a, cu_expr_kind kind, cu_type type,
                      cu_expr **args, uint32_t n, cu_pos pos)
{
    cu_expr *e = node(a, kind, type, pos);
    e->args = cu_arena_dup(a, args, n * sizeof(*args));
    e->n_args = n;
    return e;
}

static bool same_type(cu_type a, cu_type b)
{
    return cu_type_same(a, b) && a.precision == b.precision &&
           a.scale == b.scale;
}

bool cu_value_same(const cu_value *a, const cu_value *b)
{
    if (!same_type(a->type, b->type) || a->null != b->null)
        return false;
    if (a->null)
        return true;
    if (cu_type_is_slice(a->type) || a->type.kind == CU_T_UNKNOWN)
        return cu_slice_eq(a->s, b->s);
    switch (a->type.kind) {
    case CU_T_NUMERIC:
        return a->num.form == b->num.form && a->num.scale == b->num.scale &&
               cu_value_cmp(a, b) == 0;
    case CU_T_INTERVAL:
        return a->iv.us == b->iv.us && a->iv.days == b->iv.days &&
               a->iv.months == b->iv.months;
    default:
        return memcmp(&a->b, &b->b, cu_type_width(a->type)) == 0;
    }
}

bool cu_expr_same(const cu_expr *a, const cu_expr *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || !same_type(a->type, b->type) ||
        a->n_args != b->n_args)
        return false;
    if (a->kind == CU_E_CONST)
        return cu_value_same(&a->value, &b->value);
    if (a->kind == CU_E_COL)
        return a->col == b->col;
    if (a->kind == CU_E_CALL &&
        (a->func != b->func || a->func->volatility == CU_VOLATILE))
        return false;
    for (uint32_t i = 0; i < a->n_args; i++)
        if (!cu_expr_same(a->args[i], b->args[i]))
            return false;
    return true;
}

/* The one walk that copies: columns become cols[c] or number map[c]. */
static cu_expr *rewrite(cu_arena *a, const cu_expr *e, cu_expr *const *cols,
                        uint32_t n, const uint32_t *map)
{
    if (e->kind == CU_E_COL && cols) {
        CU_ASSERT(e->col < n);
        return cols[e->col];
    }
    cu_expr *out = cu_arena_dup(a, e, sizeof(*e));
    if (e->kind == CU_E_COL)
        out->col = map[e->col];
    if (e->n_args)
        out->args = cu_arena_calloc(a, e->n_args, sizeof(cu_expr *));
    for (uint32_t i = 0; i < e->n_args; i++)
        out->args[i] = rewrite(a, e->args[i], cols, n, map);
    return out;
}

cu_expr *cu_expr_substitute(cu_arena *a, const cu_expr *e, cu_expr *const *cols,
                            uint32_t n)
{
    return rewrite(a, e, cols, n, NULL);
}

cu_expr *cu_expr_remap(cu_arena *a, const cu_expr *e, const uint32_t *map)
{
    return rewrite(a, e, NULL, 0, map);
}

static bool any_node(const cu_expr *e, bool (*test)(const cu_expr *))
{
    if (test(e))
        return true;
    for (uint32_t i = 0; i < e->n_args; i++)
        if (any_node(e->args[i], test))
            return true;
    return false;
}

static bool is_now(const cu_expr *e)
{
    return e->kind == CU_E_NOW;
}

static bool is_volatile(const cu_expr *e)
{
    return e->kind == CU_E_CALL && e->func->volatility == CU_VOLATILE;
}

static bool moves(const cu_expr *e)
{
    return e->kind == CU_E_COL || is_now(e) || is_volatile(e);
}

bool cu_expr_is_const(const cu_expr *e)
{
    return !any_node(e, moves);
}

bool cu_expr_uses_clock(const cu_expr *e)
{
    return any_node(e, is_now);
}

bool cu_expr_is_volatile(const cu_expr *e)
{
    return any_node(e, is_volatile);
}

void cu_expr_columns(const cu_expr *e, bool *used, uint32_t n)
{
    if (e->kind == CU_E_COL) {
        CU_ASSERT(e->col < n);
        used[e->col] = true;
    }
    for (uint32_t i = 0; i < e->n_args; i++)
        cu_expr_columns(e->args[i], used, n);
}
