/* real and double precision: arithmetic and mathematics.
 *
 * PostgreSQL raises errors where IEEE 754 gives infinities or zeros that
 * no argument had; NaN and infinities that came in go through.  The loops
 * compute densely and note in one flag that something is worth a look.
 */
#include "processors/expr/kernel.h"

#include <float.h>
#include <math.h>

#ifdef __OPTIMIZE__
#pragma GCC optimize("O3")
#endif

#define E_ARGUMENT_FOR_LOG   CU_SQLSTATE('2', '2', '0', '1', 'E')
#define E_ARGUMENT_FOR_POWER CU_SQLSTATE('2', '2', '0', '1', 'F')

typedef enum trouble { NONE, OVERFLOW_, UNDERFLOW_, BY_ZERO } trouble;

static void fail(cu_call *c, uint32_t row, trouble t)
{
    if (t == OVERFLOW_)
        cu_call_fail(c, row, CU_E_OUT_OF_RANGE, "value out of range: overflow");
    else if (t == UNDERFLOW_)
        cu_call_fail(c, row, CU_E_OUT_OF_RANGE,
                     "value out of range: underflow");
    else
        cu_call_fail(c, row, CU_E_ZERO_DIVIDE, "division by zero");
}

/* --- arithmetic ------------------------------------------------------ */

#define INF_(x) (isinf(x) != 0)

static trouble judge_sum(double x, double y, double r)
{
    return INF_(r) && !INF_(x) && !INF_(y) ? OVERFLOW_ : NONE;
}

static trouble judge_product(double x, double y, double r)
{
    if (INF_(r) && !INF_(x) && !INF_(y))
        return OVERFLOW_;
    return r == 0 && x != 0 && y != 0 ? UNDERFLOW_ : NONE;
}

static trouble judge_quotient(double x, double y, double r)
{
    if (y == 0 && !isnan(x))
        return BY_ZERO;
    if (INF_(r) && !INF_(x))
        return OVERFLOW_;
    return r == 0 && x != 0 && !INF_(y) ? UNDERFLOW_ : NONE;
}

#define ADD(x, y) ((x) + (y))
#define SUB(x, y) ((x) - (y))
#define MUL(x, y) ((x) * (y))

/* Not finite, or zero: then the judge is asked about the live rows. */
#define ODD_SUM8(r)     (!(fabs(r) <= DBL_MAX))
#define ODD_PRODUCT8(r) (!(fabs(r) <= DBL_MAX) | ((r) == 0))
#define ODD_SUM4(r)     (!(fabsf(r) <= FLT_MAX))
#define ODD_PRODUCT4(r) (!(fabsf(r) <= FLT_MAX) | ((r) == 0))

#define FLOATING(fn, T1, T2, T, OP, ODD, judge)                               \
    static void fn(cu_call *c)                                                \
    {                                                                         \
        CU_ARG(T1, x, c, 0);                                                  \
        CU_ARG(T2, y, c, 1);                                                  \
        T *restrict out = CU_OUT(T, c);                                       \
        const uint32_t n = c->n_rows;                                         \
        int odd = !cu_call_dense(c);                                          \
        if (odd) {                                                            \
            for (uint32_t i = 0; i < c->n_sel; i++) {                         \
                const uint32_t r = cu_call_row(c, i);                         \
                out[r] = OP(CU_AT(x, r), CU_AT(y, r));                        \
            }                                                                 \
        } else if (!y_m) {                                                    \
            const T2 b = y[0];                                                \
            for (uint32_t i = 0; i < n; i++) {                                \
                out[i] = OP(x[i], b);                                         \
                odd |= ODD(out[i]);                                           \
            }                                                                 \
        } else if (!x_m) {                                                    \
            const T1 a = x[0];                                                \
            for (uint32_t i = 0; i < n; i++) {                                \
                out[i] = OP(a, y[i]);                                         \
                odd |= ODD(out[i]);                                           \
            }                                                                 \
        } else {                                                              \
            for (uint32_t i = 0; i < n; i++) {                                \
                out[i] = OP(x[i], y[i]);                                      \
                odd |= ODD(out[i]);                                           \
            }                                                                 \
        }                                                                     \
        if (!odd)                                                             \
            return;                                                           \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {                   \
            const trouble t = judge((double)CU_AT(x, r), (double)CU_AT(y, r), \
                                    (double)out[r]);                          \
            if (t)                                                            \
                fail(c, r, t);                                                \
        }                                                                     \
    }

/* A defined quotient even where the divisor is zero. */
#define DIV(x, y) ((x) / ((y) == 0 ? NAN : (y)))

#define FOUR(name, T1, T2, T, n)                                        \
    FLOATING(add_##name, T1, T2, T, ADD, ODD_SUM##n, judge_sum)         \
    FLOATING(sub_##name, T1, T2, T, SUB, ODD_SUM##n, judge_sum)         \
    FLOATING(mul_##name, T1, T2, T, MUL, ODD_PRODUCT##n, judge_product) \
    FLOATING(div_##name, T1, T2, T, DIV, ODD_PRODUCT##n, judge_quotient)
FOUR(f8, double, double, double, 8)
FOUR(f4, float, float, float, 4)
FOUR(f84, double, float, double, 8)
FOUR(f48, float, double, double, 8)

/* --- functions that cannot fail -------------------------------------- */

#define NEG(x)  (-(x))
#define SAME(x) (x)
#define SIGN(x) ((x) > 0 ? 1.0 : (x) < 0 ? -1.0 : 0.0)

CU_UNARY(neg_f8, double, double, NEG)
CU_UNARY(neg_f4, float, float, NEG)
CU_UNARY(plus_f8, double, double, SAME)
CU_UNARY(plus_f4, float, float, SAME)
CU_UNARY(abs_f8, double, double, fabs)
CU_UNARY(abs_f4, float, float, fabsf)
CU_UNARY(sign_f8, double, double, SIGN)
CU_UNARY(round_f8, double, double, rint)
CU_UNARY(trunc_f8, double, double, trunc)
CU_UNARY(ceil_f8, double, double, ceil)
CU_UNARY(floor_f8, double, double, floor)
CU_UNARY(cbrt_f8, double, double, cbrt)

static void pi_kernel(cu_call *c)
{
    for (uint32_t i = 0; i < c->n_rows; i++)
        CU_OUT(double, c)[i] = 3.14159265358979323846;
}

/* --- functions that can ---------------------------------------------- */

static void sqrt_f8(cu_call *c)
{
    CU_ARG(double, x, c, 0);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        if (CU_AT(x, r) < 0)
            cu_call_fail(c, r, E_ARGUMENT_FOR_POWER,
                         "cannot take square root of a negative number");
        else
            CU_OUT(double, c)[r] = sqrt(CU_AT(x, r));
    }
}

static void exp_f8(cu_call *c)
{
    CU_ARG(double, x, c, 0);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const double v = CU_AT(x, r), e = exp(v);
        CU_OUT(double, c)[r] = e;
        if (INF_(e) && !INF_(v))
            fail(c, r, OVERFLOW_);
        else if (e == 0 && !INF_(v))
            fail(c, r, UNDERFLOW_);
    }
}

static void logarithm(cu_call *c, double (*f)(double))
{
    CU_ARG(double, x, c, 0);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const double v = CU_AT(x, r);
        if (v == 0)
            cu_call_fail(c, r, E_ARGUMENT_FOR_LOG,
                         "cannot take logarithm of zero");
        else if (v < 0)
            cu_call_fail(c, r, E_ARGUMENT_FOR_LOG,
                         "cannot take logarithm of a negative number");
        else
            CU_OUT(double, c)[r] = f(v);
    }
}

static void ln_f8(cu_call *c)
{
    logarithm(c, log);
}

static void log_f8(cu_call *c)
{
    logarithm(c, log10);
}

static void power_f8(cu_call *c)
{
    CU_ARG(double, x, c, 0);
    CU_ARG(double, y, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const double b = CU_AT(x, r), e = CU_AT(y, r), v = pow(b, e);
        CU_OUT(double, c)[r] = v;
        if (b == 0 && e < 0)
            cu_call_fail(c, r, E_ARGUMENT_FOR_POWER,
                         "zero raised to a negative power is undefined");
        else if (b < 0 && !isnan(e) && floor(e) != e)
            cu_call_fail(c, r, E_ARGUMENT_FOR_POWER,
                         "a negative number raised to a non-integer power "
                         "yields a complex result");
        else if (!isfinite(b) || !isfinite(e))
            continue;
        else if (INF_(v))
            fail(c, r, OVERFLOW_);
        else if (v == 0 && b != 0)
            fail(c, r, UNDERFLOW_);
    }
}

/* --- the catalog's part ---------------------------------------------- */

#define F4 CU_T_FLOAT4
#define F8 CU_T_FLOAT8

#define OPERATORS(result, name, x, y)                       \
    CU_OP("+", result, add_##name, "sum", x, y),            \
        CU_OP("-", result, sub_##name, "difference", x, y), \
        CU_OP("*", result, mul_##name, "product", x, y),    \
        CU_OP("/", result, div_##name, "quotient", x, y)

static const cu_func list[] = {
    OPERATORS(F8, f8, F8, F8),
    OPERATORS(F4, f4, F4, F4),
    OPERATORS(F8, f84, F8, F4),
    OPERATORS(F8, f48, F4, F8),
    CU_OP_TOTAL("-", F8, neg_f8, "negation", F8),
    CU_OP_TOTAL("-", F4, neg_f4, "negation", F4),
    CU_OP_TOTAL("+", F8, plus_f8, "the number", F8),
    CU_OP_TOTAL("+", F4, plus_f4, "the number", F4),
    CU_OP_TOTAL("@", F8, abs_f8, "absolute value", F8),
    CU_OP_TOTAL("@", F4, abs_f4, "absolute value", F4),
    CU_FN_TOTAL("abs", F8, abs_f8, "absolute value", F8),
    CU_FN_TOTAL("abs", F4, abs_f4, "absolute value", F4),
    CU_FN_TOTAL("sign", F8, sign_f8, "-1, 0 or 1", F8),
    CU_FN_TOTAL("round", F8, round_f8, "nearest whole number, ties to even",
                F8),
    CU_FN_TOTAL("trunc", F8, trunc_f8, "whole number towards zero", F8),
    CU_FN_TOTAL("ceil", F8, ceil_f8, "next whole number up", F8),
    CU_FN_TOTAL("ceiling", F8, ceil_f8, "next whole number up", F8),
    CU_FN_TOTAL("floor", F8, floor_f8, "next whole number down", F8),
    CU_FN_TOTAL("cbrt", F8, cbrt_f8, "cube root", F8),
    CU_FN("sqrt", F8, sqrt_f8, "square root", F8),
    CU_OP_TOTAL("||/", F8, cbrt_f8, "cube root", F8),
    CU_OP("|/", F8, sqrt_f8, "square root", F8),
    CU_FN("exp", F8, exp_f8, "e to the power", F8),
    CU_FN("ln", F8, ln_f8, "natural logarithm", F8),
    CU_FN("log", F8, log_f8, "logarithm to base 10", F8),
    CU_FN("log10", F8, log_f8, "logarithm to base 10", F8),
    CU_FN("power", F8, power_f8, "x to the power of y", F8, F8),
    CU_FN("pow", F8, power_f8, "x to the power of y", F8, F8),
    CU_OP("^", F8, power_f8, "x to the power of y", F8, F8),
    {.name = "pi",
     .kind = CU_FUNC_SCALAR,
     .strict = true,
     .total = true,
     .result = F8,
     .kernel = pi_kernel,
     .doc = "3.14159265358979"},
};
CU_PART(cu_part_float, list);
