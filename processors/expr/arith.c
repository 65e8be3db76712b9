/* Integer arithmetic with PostgreSQL's errors.
 *
 * Each operation is a small inline function that stores a result, wrapped
 * if need be, and says whether it failed.  The loop runs it densely and ORs
 * the answers; only when one failed are the live rows looked at again.
 */
#include "processors/expr/kernel.h"

#ifdef __OPTIMIZE__
#pragma GCC optimize("O3")
#endif

/* --- operations: result, and whether it does not fit ----------------- */

#define NARROW(T, W, name, op)                \
    static inline bool name(T x, T y, T *out) \
    {                                         \
        const W r = (W)((W)x op(W) y);        \
        *out = (T)r;                          \
        return r != *out;                     \
    }

NARROW(int16_t, int32_t, add_i2, +)
NARROW(int16_t, int32_t, sub_i2, -)
NARROW(int16_t, int32_t, mul_i2, *)
NARROW(int32_t, int64_t, add_i4, +)
NARROW(int32_t, int64_t, sub_i4, -)
NARROW(int32_t, int64_t, mul_i4, *)

/* Sign tricks instead of the builtin, which does not vectorise. */
static inline bool add_i8(int64_t x, int64_t y, int64_t *out)
{
    const int64_t r = (int64_t)((uint64_t)x + (uint64_t)y);
    *out = r;
    return ((x ^ r) & (y ^ r)) < 0;
}

static inline bool sub_i8(int64_t x, int64_t y, int64_t *out)
{
    const int64_t r = (int64_t)((uint64_t)x - (uint64_t)y);
    *out = r;
    return ((x ^ y) & (x ^ r)) < 0;
}

static inline bool mul_i8(int64_t x, int64_t y, int64_t *out)
{
    return __builtin_mul_overflow(x, y, out);
}

/* The quotient of the smallest number by -1 does not fit; the remainder is
 * 0, but the machine's instruction traps on it too. */
#define DIVIDE(T, name, least)                              \
    static inline bool div_##name(T x, T y, T *out)         \
    {                                                       \
        const bool bad = y == 0 || (y == -1 && x == least); \
        *out = (T)(bad ? 0 : x / y);                        \
        return bad;                                         \
    }                                                       \
    static inline bool mod_##name(T x, T y, T *out)         \
    {                                                       \
        *out = (T)(y == 0 || y == -1 ? 0 : x % y);          \
        return y == 0;                                      \
    }                                                       \
    static inline bool neg_##name(T x, T *out)              \
    {                                                       \
        *out = (T)(x == least ? x : -x);                    \
        return x == least;                                  \
    }                                                       \
    static inline bool abs_##name(T x, T *out)              \
    {                                                       \
        *out = (T)(x < 0 && x != least ? -x : x);           \
        return x == least;                                  \
    }

DIVIDE(int16_t, i2, INT16_MIN)
DIVIDE(int32_t, i4, INT32_MIN)
DIVIDE(int64_t, i8, INT64_MIN)

/* --- kernels --------------------------------------------------------- */

static void fail(cu_call *c, uint32_t row, bool by_zero)
{
    char name[64];
    if (by_zero)
        cu_call_fail(c, row, CU_E_ZERO_DIVIDE, "division by zero");
    else
        cu_call_fail(c, row, CU_E_OUT_OF_RANGE, "%s out of range",
                     cu_type_name(c->type, name));
}

/* `by_zero`: an expression over y that tells a zero divisor. */
#define CHECKED(fn, T, f, by_zero)                        \
    static void fn(cu_call *c)                            \
    {                                                     \
        CU_ARG(T, x, c, 0);                               \
        CU_ARG(T, y, c, 1);                               \
        T *restrict out = CU_OUT(T, c);                   \
        const uint32_t n = c->n_rows;                     \
        bool bad = !cu_call_dense(c);                     \
        if (bad) {                                        \
        } else if (!y_m) {                                \
            const T b = y[0];                             \
            for (uint32_t i = 0; i < n; i++)              \
                bad |= f(x[i], b, &out[i]);               \
        } else if (!x_m) {                                \
            const T a = x[0];                             \
            for (uint32_t i = 0; i < n; i++)              \
                bad |= f(a, y[i], &out[i]);               \
        } else {                                          \
            for (uint32_t i = 0; i < n; i++)              \
                bad |= f(x[i], y[i], &out[i]);            \
        }                                                 \
        if (!bad)                                         \
            return;                                       \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) \
            if (f(CU_AT(x, r), CU_AT(y, r), &out[r]))     \
                fail(c, r, by_zero);                      \
    }

#define CHECKED_UNARY(fn, T, f)                           \
    static void fn(cu_call *c)                            \
    {                                                     \
        CU_ARG(T, x, c, 0);                               \
        T *restrict out = CU_OUT(T, c);                   \
        bool bad = !cu_call_dense(c);                     \
        if (!bad)                                         \
            for (uint32_t i = 0; i < c->n_rows; i++)      \
                bad |= f(x[i], &out[i]);                  \
        if (!bad)                                         \
            return;                                       \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) \
            if (f(CU_AT(x, r), &out[r]))                  \
                fail(c, r, false);                        \
    }

#define AND_(x, y) ((x) & (y))
#define OR_(x, y)  ((x) | (y))
#define XOR_(x, y) ((x) ^ (y))
#define NOT_(x)    (~(x))
#define SAME(x)    (x)

#define INTEGERS(T, t)                                      \
    CHECKED(add_##t##_kernel, T, add_##t, false)            \
    CHECKED(sub_##t##_kernel, T, sub_##t, false)            \
    CHECKED(mul_##t##_kernel, T, mul_##t, false)            \
    CHECKED(div_##t##_kernel, T, div_##t, CU_AT(y, r) == 0) \
    CHECKED(mod_##t##_kernel, T, mod_##t, true)             \
    CHECKED_UNARY(neg_##t##_kernel, T, neg_##t)             \
    CHECKED_UNARY(abs_##t##_kernel, T, abs_##t)             \
    CU_BINARY(and_##t##_kernel, T, T, T, AND_)              \
    CU_BINARY(or_##t##_kernel, T, T, T, OR_)                \
    CU_BINARY(xor_##t##_kernel, T, T, T, XOR_)              \
    CU_UNARY(not_##t##_kernel, T, T, NOT_)                  \
    CU_UNARY(plus_##t##_kernel, T, T, SAME)

INTEGERS(int16_t, i2)
INTEGERS(int32_t, i4)
INTEGERS(int64_t, i8)

/* Distances are taken modulo the width, as the machine that PostgreSQL's
 * results come from does. */
#define SHIFTS(T, U, t, bits)                           \
    static inline T shl_##t(T x, int32_t by)            \
    {                                                   \
        return (T)(U)((U)x << (by & (bits - 1)));       \
    }                                                   \
    static inline T shr_##t(T x, int32_t by)            \
    {                                                   \
        return (T)(x >> (by & (bits - 1)));             \
    }                                                   \
    CU_BINARY(shl_##t##_kernel, T, int32_t, T, shl_##t) \
    CU_BINARY(shr_##t##_kernel, T, int32_t, T, shr_##t)

SHIFTS(int32_t, uint32_t, i4, 32)
SHIFTS(int64_t, uint64_t, i8, 64)

/* --- the catalog's part ---------------------------------------------- */

#define OPERATORS(kind, t)                                                     \
    CU_OP("+", kind, add_##t##_kernel, "sum", kind, kind),                     \
        CU_OP("-", kind, sub_##t##_kernel, "difference", kind, kind),          \
        CU_OP("*", kind, mul_##t##_kernel, "product", kind, kind),             \
        CU_OP("/", kind, div_##t##_kernel, "quotient, towards zero", kind,     \
              kind),                                                           \
        CU_OP("%", kind, mod_##t##_kernel, "remainder", kind, kind),           \
        CU_FN("mod", kind, mod_##t##_kernel, "remainder", kind, kind),         \
        CU_OP("-", kind, neg_##t##_kernel, "negation", kind),                  \
        CU_OP_TOTAL("+", kind, plus_##t##_kernel, "the number", kind),         \
        CU_OP("@", kind, abs_##t##_kernel, "absolute value", kind),            \
        CU_FN("abs", kind, abs_##t##_kernel, "absolute value", kind),          \
        CU_OP_TOTAL("&", kind, and_##t##_kernel, "bits of both", kind, kind),  \
        CU_OP_TOTAL("|", kind, or_##t##_kernel, "bits of either", kind, kind), \
        CU_OP_TOTAL("#", kind, xor_##t##_kernel, "bits of one only", kind,     \
                    kind),                                                     \
        CU_OP_TOTAL("~", kind, not_##t##_kernel, "bits flipped", kind)

static const cu_func list[] = {
    OPERATORS(CU_T_INT2, i2),
    OPERATORS(CU_T_INT4, i4),
    OPERATORS(CU_T_INT8, i8),
    CU_OP_TOTAL("<<", CU_T_INT4, shl_i4_kernel, "bits to the left", CU_T_INT4,
                CU_T_INT4),
    CU_OP_TOTAL(">>", CU_T_INT4, shr_i4_kernel, "bits to the right", CU_T_INT4,
                CU_T_INT4),
    CU_OP_TOTAL("<<", CU_T_INT8, shl_i8_kernel, "bits to the left", CU_T_INT8,
                CU_T_INT4),
    CU_OP_TOTAL(">>", CU_T_INT8, shr_i8_kernel, "bits to the right", CU_T_INT8,
                CU_T_INT4),
};
CU_PART(cu_part_arith, list);
