/* Casts: which exist, in which context, and how an expression gets one.
 *
 * A cast is at most two calls: one changes the type, one (the "fit") applies
 * the typmod of numeric(p,s), varchar(n) or timestamp(p).  The table below is
 * PostgreSQL's pg_cast for our types; casts through the text form (any type
 * to text in an assignment, text to any type explicitly) and element by
 * element between arrays are rules, not rows.
 */
#include "base/assert.h"
#include "processors/expr/int.h"

#define SQL_CANNOT_COERCE     CU_SQLSTATE('4', '2', '8', '4', '6')
#define SQL_DATATYPE_MISMATCH CU_SQLSTATE('4', '2', '8', '0', '4')

typedef struct rule {
    uint8_t from, to, ctx;
} rule;

enum { I = CU_CAST_IMPLICIT, A = CU_CAST_ASSIGNMENT, E = CU_CAST_EXPLICIT };

static const rule rules[] = {
    {CU_T_BOOL, CU_T_INT4, E},
    {CU_T_INT2, CU_T_INT4, I},
    {CU_T_INT2, CU_T_INT8, I},
    {CU_T_INT2, CU_T_FLOAT4, I},
    {CU_T_INT2, CU_T_FLOAT8, I},
    {CU_T_INT2, CU_T_NUMERIC, I},
    {CU_T_INT4, CU_T_BOOL, E},
    {CU_T_INT4, CU_T_INT2, A},
    {CU_T_INT4, CU_T_INT8, I},
    {CU_T_INT4, CU_T_FLOAT4, I},
    {CU_T_INT4, CU_T_FLOAT8, I},
    {CU_T_INT4, CU_T_NUMERIC, I},
    {CU_T_INT8, CU_T_INT2, A},
    {CU_T_INT8, CU_T_INT4, A},
    {CU_T_INT8, CU_T_FLOAT4, I},
    {CU_T_INT8, CU_T_FLOAT8, I},
    {CU_T_INT8, CU_T_NUMERIC, I},
    {CU_T_FLOAT4, CU_T_INT2, A},
    {CU_T_FLOAT4, CU_T_INT4, A},
    {CU_T_FLOAT4, CU_T_INT8, A},
    {CU_T_FLOAT4, CU_T_FLOAT8, I},
    {CU_T_FLOAT4, CU_T_NUMERIC, A},
    {CU_T_FLOAT8, CU_T_INT2, A},
    {CU_T_FLOAT8, CU_T_INT4, A},
    {CU_T_FLOAT8, CU_T_INT8, A},
    {CU_T_FLOAT8, CU_T_FLOAT4, A},
    {CU_T_FLOAT8, CU_T_NUMERIC, A},
    {CU_T_NUMERIC, CU_T_INT2, A},
    {CU_T_NUMERIC, CU_T_INT4, A},
    {CU_T_NUMERIC, CU_T_INT8, A},
    {CU_T_NUMERIC, CU_T_FLOAT4, I},
    {CU_T_NUMERIC, CU_T_FLOAT8, I},
    {CU_T_DATE, CU_T_TIMESTAMP, I},
    {CU_T_DATE, CU_T_TIMESTAMPTZ, I},
    {CU_T_TIME, CU_T_INTERVAL, I},
    {CU_T_TIMESTAMP, CU_T_DATE, A},
    {CU_T_TIMESTAMP, CU_T_TIME, A},
    {CU_T_TIMESTAMP, CU_T_TIMESTAMPTZ, I},
    {CU_T_TIMESTAMPTZ, CU_T_DATE, A},
    {CU_T_TIMESTAMPTZ, CU_T_TIME, A},
    {CU_T_TIMESTAMPTZ, CU_T_TIMESTAMP, A},
    {CU_T_INTERVAL, CU_T_TIME, A},
    {CU_T_JSONB, CU_T_BOOL, E},
    {CU_T_JSONB, CU_T_INT2, E},
    {CU_T_JSONB, CU_T_INT4, E},
    {CU_T_JSONB, CU_T_INT8, E},
    {CU_T_JSONB, CU_T_FLOAT4, E},
    {CU_T_JSONB, CU_T_FLOAT8, E},
    {CU_T_JSONB, CU_T_NUMERIC, E},
};

bool cu_cast_exists(cu_type from, cu_type to, cu_cast_context ctx)
{
    if (cu_type_same(from, to) || cu_type_untyped(from))
        return true;
    if (cu_type_is_pseudo(from) || cu_type_is_pseudo(to))
        return false;
    if (to.kind == CU_T_TEXT)
        return ctx >= CU_CAST_ASSIGNMENT;
    if (from.kind == CU_T_TEXT)
        return ctx == CU_CAST_EXPLICIT;
    if (from.kind == CU_T_ARRAY && to.kind == CU_T_ARRAY)
        return cu_cast_exists(CU_TYPE(from.elem), CU_TYPE(to.elem), ctx);
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
        if (rules[i].from == from.kind && rules[i].to == to.kind)
            return rules[i].ctx <= ctx;
    return false;
}

const cu_func *cu_cast_kernel(cu_type from, cu_type to)
{
    uint32_t first, n = cu_func_named("cast", &first);
    const cu_func *const *all = cu_func_all(&(uint32_t){0});
    for (uint32_t i = first; i < first + n; i++)
        if (all[i]->args[0] == from.kind && all[i]->result == to.kind)
            return all[i];
    return NULL;
}

const cu_func *cu_cast_find(cu_type from, cu_type to, cu_cast_context ctx)
{
    return cu_cast_exists(from, to, ctx) ? cu_cast_kernel(from, to) : NULL;
}

static cu_expr *call(cu_arena *a, const cu_func *f, cu_expr *arg, cu_type to)
{
    cu_expr *e = cu_expr_nary(a, CU_E_CALL, to, &arg, 1, arg->pos);
    e->func = f;
    return e;
}

static bool has_typmod(cu_type t)
{
    if (t.kind == CU_T_TEXT || t.kind == CU_T_NUMERIC)
        return t.precision > 0;
    return t.scale >= 0 && (t.kind == CU_T_TIMESTAMP || t.kind == CU_T_TIME ||
                            t.kind == CU_T_TIMESTAMPTZ);
}

/* The call that makes values obey the typmod of `to`, when one is needed. */
static cu_expr *fit(cu_arena *a, cu_expr *e, cu_type to, cu_cast_context ctx)
{
    if (!has_typmod(to) ||
        (e->type.precision == to.precision && e->type.scale == to.scale))
        return e;
    if (to.kind == CU_T_TEXT && ctx != CU_CAST_EXPLICIT) {
        uint32_t first;
        CU_ASSERT(cu_func_named("cast_assign", &first) == 1);
        return call(a, cu_func_all(&(uint32_t){0})[first], e, to);
    }
    return call(a, cu_cast_kernel(to, to), e, to);
}

/* A literal or bare NULL becomes a constant of the type at once. */
static int cast_literal(cu_arena *a, const cu_expr *e, cu_type to,
                        cu_cast_context ctx, cu_expr **out, cu_err *err)
{
    cu_value v = {.type = to, .null = true};
    CU_ASSERT(e->kind == CU_E_CONST);
    if (!e->value.null) {
        cu_type bare = to;
        if (to.kind == CU_T_TEXT)
            bare.precision = 0;
        v.null = false;
        if (cu_value_in(bare, e->value.s, NULL, a, &v, err)) {
            if (err)
                err->code = CU_SQL;
            return CU_SQL;
        }
        v.type = bare;
    }
    *out = cu_expr_const(a, &v, e->pos);
    if (v.null || to.kind != CU_T_TEXT || to.precision == 0)
        return 0;
    cu_expr *fitted = fit(a, *out, to, ctx);
    if (cu_expr_fold(a, fitted, &v, err))
        return CU_SQL;
    *out = cu_expr_const(a, &v, e->pos);
    return 0;
}

int cu_expr_cast(cu_arena *a, cu_expr *e, cu_type to, cu_cast_context ctx,
                 cu_expr **out, cu_err *err)
{
    char from_name[64], to_name[64];
    CU_ASSERT(!cu_type_untyped(to) && !cu_type_is_pseudo(to));
    if (cu_type_untyped(e->type))
        return cast_literal(a, e, to, ctx, out, err);
    if (!cu_type_same(e->type, to)) {
        cu_type bare = CU_TYPE(to.kind);
        bare.elem = to.elem;
        const cu_func *f = cu_cast_find(e->type, to, ctx);
        if (!f) {
            cu_fail(err, CU_SQL, 0, "cannot cast type %s to %s",
                    cu_sig_name(e->type, from_name), cu_sig_name(to, to_name));
            if (err)
                err->sqlstate = SQL_CANNOT_COERCE;
            return CU_SQL;
        }
        e = call(a, f, e, bare);
    }
    *out = fit(a, e, to, ctx);
    return 0;
}

int cu_expr_unify(cu_arena *a, cu_expr **args, uint32_t n, const char *what,
                  cu_type *type, cu_err *err)
{
    char x[64], y[64];
    cu_type clash, *types = cu_arena_calloc(a, n, sizeof(*types));
    for (uint32_t i = 0; i < n; i++)
        types[i] = args[i]->type;
    if (!cu_common_type(types, n, type, &clash)) {
        cu_fail(err, CU_SQL, 0, "%s types %s and %s cannot be matched", what,
                cu_sig_name(*type, x), cu_sig_name(clash, y));
        if (err)
            err->sqlstate = SQL_DATATYPE_MISMATCH;
        return CU_SQL;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!cu_cast_exists(args[i]->type, *type, CU_CAST_IMPLICIT)) {
            cu_fail(err, CU_SQL, 0, "%s could not convert type %s to %s", what,
                    cu_sig_name(args[i]->type, x), cu_sig_name(*type, y));
            if (err)
                err->sqlstate = SQL_CANNOT_COERCE;
            return CU_SQL;
        }
        if (cu_expr_cast(a, args[i], *type, CU_CAST_IMPLICIT, &args[i], err))
            return CU_SQL;
    }
    return 0;
}
