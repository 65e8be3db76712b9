/* numeric: operators and functions over rows/numeric.h, row by row. */
#include "processors/expr/kernel.h"
#include "rows/numeric.h"

#include <math.h>

#define E_ARGUMENT_FOR_LOG CU_SQLSTATE('2', '2', '0', '1', 'E')

typedef int binary_fn(const cu_numeric *, const cu_numeric *, cu_arena *,
                      cu_numeric *, cu_err *);
typedef int unary_fn(const cu_numeric *, cu_arena *, cu_numeric *, cu_err *);
typedef int digits_fn(const cu_numeric *, int, cu_arena *, cu_numeric *,
                      cu_err *);

static inline void binary(cu_call *c, binary_fn *f)
{
    CU_ARG(cu_numeric, x, c, 0);
    CU_ARG(cu_numeric, y, c, 1);
    cu_numeric *out = CU_OUT(cu_numeric, c);
    cu_err err;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        if (f(&CU_AT(x, r), &CU_AT(y, r), c->arena, &out[r], &err))
            cu_call_fail_err(c, r, &err);
}

static inline void unary(cu_call *c, unary_fn *f)
{
    CU_ARG(cu_numeric, x, c, 0);
    cu_numeric *out = CU_OUT(cu_numeric, c);
    cu_err err;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        if (f(&CU_AT(x, r), c->arena, &out[r], &err))
            cu_call_fail_err(c, r, &err);
}

/* round(x) and trunc(x), or with the number of digits. */
static inline void to_digits(cu_call *c, digits_fn *f)
{
    CU_ARG(cu_numeric, x, c, 0);
    cu_numeric *out = CU_OUT(cu_numeric, c);
    cu_err err;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        int digits = 0;
        if (c->n_args == 2)
            digits = CU_COL(c->args[1], int32_t)[cu_col_at(c->args[1], r)];
        if (f(&CU_AT(x, r), digits, c->arena, &out[r], &err))
            cu_call_fail_err(c, r, &err);
    }
}

/* --- logarithms to any base ------------------------------------------ */

/* Decimal weight of ln(x): how many digits it has before the point. */
static int ln_weight(const cu_numeric *x, cu_arena *a)
{
    const double v = cu_numeric_to_float8(x);
    if (v >= 0.9 && v <= 1.1) {
        cu_numeric one = cu_numeric_from_int8(1), rest;
        cu_err err;
        double d = 0;
        if (!cu_numeric_sub(x, &one, a, &rest, &err))
            d = fabs(cu_numeric_to_float8(&rest));
        return d == 0 ? 0 : (int)floor(log10(d));
    }
    if (v > 0 && !isinf(v))
        return (int)log10(fabs(log(v)));
    /* Beyond what a double holds the number of digits says enough. */
    const double digits = x->form == CU_NUM_BIG
                              ? 4.0 * x->weight
                              : log10((double)x->i) - x->scale;
    return (int)log10(fabs(digits) * log(10));
}

static int bad_logarithm(const cu_numeric *x, cu_err *err)
{
    int sign = x->form == CU_NUM_NAN ? 1 : cu_numeric_sign(x);
    if (sign > 0)
        return 0;
    cu_fail(err, CU_DATA, 0, "cannot take logarithm of %s",
            sign ? "a negative number" : "zero");
    err->sqlstate = E_ARGUMENT_FOR_LOG;
    return CU_DATA;
}

static int most(int x, int y)
{
    return x > y ? x : y;
}

/* ln(num) / ln(base), both taken with eight digits more than the result
 * shows; the result has at least 16 significant digits. */
static int log_base(const cu_numeric *base, const cu_numeric *num, cu_arena *a,
                    cu_numeric *out, cu_err *err)
{
    cu_numeric x, y, ln_x, ln_y, q;
    if (bad_logarithm(base, err) || bad_logarithm(num, err))
        return CU_DATA;
    if (base->form > CU_NUM_BIG || num->form > CU_NUM_BIG) {
        if (cu_numeric_ln(num, a, &ln_x, err) ||
            cu_numeric_ln(base, a, &ln_y, err))
            return err->code;
        return cu_numeric_div(&ln_x, &ln_y, a, out, err);
    }
    int wx = ln_weight(num, a), wy = ln_weight(base, a);
    int scale = most(16 - (wx - wy), most(base->scale, num->scale));
    scale = scale < 0 ? 0 : scale > 1000 ? 1000 : scale;
    int sx = scale - wy + 8, sy = scale + (wx - wy) - wy + 8;
    if (cu_numeric_round(num, most(sx, num->scale), a, &x, err) ||
        cu_numeric_round(base, most(sy, base->scale), a, &y, err) ||
        cu_numeric_ln(&x, a, &ln_x, err) || cu_numeric_ln(&y, a, &ln_y, err) ||
        cu_numeric_div(&ln_x, &ln_y, a, &q, err))
        return err->code;
    return cu_numeric_round(&q, scale, a, out, err);
}

static int log_ten(const cu_numeric *x, cu_arena *a, cu_numeric *out,
                   cu_err *err)
{
    cu_numeric ten = cu_numeric_from_int8(10);
    return log_base(&ten, x, a, out, err);
}

/* --- kernels --------------------------------------------------------- */

#define BINARY(fn, f)          \
    static void fn(cu_call *c) \
    {                          \
        binary(c, f);          \
    }
#define UNARY(fn, f)           \
    static void fn(cu_call *c) \
    {                          \
        unary(c, f);           \
    }

BINARY(add_kernel, cu_numeric_add)
BINARY(sub_kernel, cu_numeric_sub)
BINARY(mul_kernel, cu_numeric_mul)
BINARY(div_kernel, cu_numeric_div)
BINARY(mod_kernel, cu_numeric_mod)
BINARY(power_kernel, cu_numeric_power)
BINARY(log_base_kernel, log_base)
UNARY(log_ten_kernel, log_ten)
UNARY(sqrt_kernel, cu_numeric_sqrt)
UNARY(exp_kernel, cu_numeric_exp)
UNARY(ln_kernel, cu_numeric_ln)
UNARY(ceil_kernel, cu_numeric_ceil)
UNARY(floor_kernel, cu_numeric_floor)

static cu_numeric sign_of(cu_numeric x)
{
    return x.form == CU_NUM_NAN ? x : cu_numeric_from_int8(cu_numeric_sign(&x));
}

#define NEG(x)  cu_numeric_neg(&(x))
#define ABS(x)  cu_numeric_abs(&(x))
#define SAME(x) (x)
CU_UNARY_ROWS(neg_kernel, cu_numeric, cu_numeric, NEG)
CU_UNARY_ROWS(abs_kernel, cu_numeric, cu_numeric, ABS)
CU_UNARY_ROWS(plus_kernel, cu_numeric, cu_numeric, SAME)
CU_UNARY_ROWS(sign_kernel, cu_numeric, cu_numeric, sign_of)

static void round_kernel(cu_call *c)
{
    to_digits(c, cu_numeric_round);
}

static void trunc_kernel(cu_call *c)
{
    to_digits(c, cu_numeric_trunc);
}

#define N CU_T_NUMERIC

static const cu_func list[] = {
    CU_OP("+", N, add_kernel, "sum", N, N),
    CU_OP("-", N, sub_kernel, "difference", N, N),
    CU_OP("*", N, mul_kernel, "product", N, N),
    CU_OP("/", N, div_kernel, "quotient", N, N),
    CU_OP("%", N, mod_kernel, "remainder", N, N),
    CU_OP("^", N, power_kernel, "x to the power of y", N, N),
    CU_OP("-", N, neg_kernel, "negation", N),
    CU_OP("+", N, plus_kernel, "the number", N),
    CU_OP("@", N, abs_kernel, "absolute value", N),
    CU_FN("abs", N, abs_kernel, "absolute value", N),
    CU_FN("sign", N, sign_kernel, "-1, 0 or 1", N),
    CU_FN("mod", N, mod_kernel, "remainder", N, N),
    CU_FN("round", N, round_kernel, "nearest whole number, halves up", N),
    CU_FN("round", N, round_kernel, "rounded to n digits", N, CU_T_INT4),
    CU_FN("trunc", N, trunc_kernel, "whole number towards zero", N),
    CU_FN("trunc", N, trunc_kernel, "cut to n digits", N, CU_T_INT4),
    CU_FN("ceil", N, ceil_kernel, "next whole number up", N),
    CU_FN("ceiling", N, ceil_kernel, "next whole number up", N),
    CU_FN("floor", N, floor_kernel, "next whole number down", N),
    CU_FN("power", N, power_kernel, "x to the power of y", N, N),
    CU_FN("pow", N, power_kernel, "x to the power of y", N, N),
    CU_FN("sqrt", N, sqrt_kernel, "square root", N),
    CU_FN("exp", N, exp_kernel, "e to the power", N),
    CU_FN("ln", N, ln_kernel, "natural logarithm", N),
    CU_FN("log", N, log_ten_kernel, "logarithm to base 10", N),
    CU_FN("log10", N, log_ten_kernel, "logarithm to base 10", N),
    CU_FN("log", N, log_base_kernel, "logarithm of y to base x", N, N),
};
CU_PART(cu_part_numeric, list);
