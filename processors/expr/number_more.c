/* Numbers: divisors, factorials, scales, buckets, counts of NULLs. */
#include "processors/expr/kernel.h"
#include "rows/array.h"
#include "rows/numeric.h"

#include <math.h>

#define E_BUCKET CU_SQLSTATE('2', '2', '0', '1', 'G')
#define E_NULL   CU_SQLSTATE('2', '2', '0', '0', '4')

/* --- gcd, lcm -------------------------------------------------------- */

static uint64_t magnitude(int64_t v)
{
    return v < 0 ? -(uint64_t)v : (uint64_t)v;
}

static uint64_t gcd_of(uint64_t x, uint64_t y)
{
    while (y) {
        const uint64_t rest = x % y;
        x = y;
        y = rest;
    }
    return x;
}

static bool gcd_int(int64_t x, int64_t y, uint64_t *out)
{
    *out = gcd_of(magnitude(x), magnitude(y));
    return true;
}

static bool lcm_int(int64_t x, int64_t y, uint64_t *out)
{
    *out = 0;
    if (x == 0 || y == 0)
        return true;
    const uint64_t a = magnitude(x), b = magnitude(y);
    return !__builtin_mul_overflow(a / gcd_of(a, b), b, out);
}

#define DIVISORS(fn, T, most, name, f)                                       \
    static void fn(cu_call *c)                                               \
    {                                                                        \
        CU_ARG(T, x, c, 0);                                                  \
        CU_ARG(T, y, c, 1);                                                  \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {                  \
            uint64_t v;                                                      \
            if (f(CU_AT(x, r), CU_AT(y, r), &v) && v <= (uint64_t)most)      \
                CU_OUT(T, c)[r] = (T)v;                                      \
            else                                                             \
                cu_call_fail(c, r, CU_E_OUT_OF_RANGE, name " out of range"); \
        }                                                                    \
    }

DIVISORS(gcd_i4, int32_t, INT32_MAX, "integer", gcd_int)
DIVISORS(gcd_i8, int64_t, INT64_MAX, "bigint", gcd_int)
DIVISORS(lcm_i4, int32_t, INT32_MAX, "integer", lcm_int)
DIVISORS(lcm_i8, int64_t, INT64_MAX, "bigint", lcm_int)

static cu_numeric special(uint8_t form)
{
    return (cu_numeric){.form = form};
}

static int scale_of_both(const cu_numeric *x, const cu_numeric *y)
{
    return x->scale > y->scale ? x->scale : y->scale;
}

static int gcd_num(const cu_numeric *x, const cu_numeric *y, cu_arena *a,
                   cu_numeric *out, cu_err *err)
{
    cu_numeric p = cu_numeric_abs(x), q = cu_numeric_abs(y);
    if (p.form > CU_NUM_BIG || q.form > CU_NUM_BIG) {
        *out = special(CU_NUM_NAN);
        return 0;
    }
    while (cu_numeric_sign(&q)) {
        cu_numeric rest;
        if (cu_numeric_mod(&p, &q, a, &rest, err))
            return err->code;
        p = q;
        q = rest;
    }
    return cu_numeric_round(&p, scale_of_both(x, y), a, out, err);
}

static int lcm_num(const cu_numeric *x, const cu_numeric *y, cu_arena *a,
                   cu_numeric *out, cu_err *err)
{
    cu_numeric g, part, all;
    if (gcd_num(x, y, a, &g, err))
        return err->code;
    if (g.form > CU_NUM_BIG) {
        *out = g;
        return 0;
    }
    all = cu_numeric_from_int8(0);
    if (cu_numeric_sign(x) && cu_numeric_sign(y)) {
        if (cu_numeric_div(x, &g, a, &part, err) ||
            cu_numeric_round(&part, 0, a, &part, err) ||
            cu_numeric_mul(&part, y, a, &all, err))
            return err->code;
        all = cu_numeric_abs(&all);
    }
    return cu_numeric_round(&all, scale_of_both(x, y), a, out, err);
}

/* Towards zero. What is taken off first makes the division exact. */
static int div_num(const cu_numeric *x, const cu_numeric *y, cu_arena *a,
                   cu_numeric *out, cu_err *err)
{
    cu_numeric rest, whole, q;
    if (x->form > CU_NUM_BIG || y->form > CU_NUM_BIG || !cu_numeric_sign(y)) {
        if (cu_numeric_div(x, y, a, out, err))
            return err->code;
        if (out->form <= CU_NUM_BIG)
            *out = cu_numeric_from_int8(0);
        return 0;
    }
    if (cu_numeric_mod(x, y, a, &rest, err) ||
        cu_numeric_sub(x, &rest, a, &whole, err) ||
        cu_numeric_div(&whole, y, a, &q, err))
        return err->code;
    return cu_numeric_round(&q, 0, a, out, err);
}

#define TWO_NUMERICS(fn, f)                               \
    static void fn(cu_call *c)                            \
    {                                                     \
        CU_ARG(cu_numeric, x, c, 0);                      \
        CU_ARG(cu_numeric, y, c, 1);                      \
        cu_err err;                                       \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) \
            if (f(&CU_AT(x, r), &CU_AT(y, r), c->arena,   \
                  &CU_OUT(cu_numeric, c)[r], &err))       \
                cu_call_fail_err(c, r, &err);             \
    }

TWO_NUMERICS(gcd_kernel, gcd_num)
TWO_NUMERICS(lcm_kernel, lcm_num)
TWO_NUMERICS(div_kernel, div_num)

/* --- factorial ------------------------------------------------------- */

enum { MOST_FACTORIAL = 32177 };

/* The product of [from, to], by halves: long numbers meet long ones. */
static int product(int64_t from, int64_t to, cu_arena *a, cu_numeric *out,
                   cu_err *err)
{
    if (to - from < 8) {
        *out = cu_numeric_from_int8(from);
        for (int64_t k = from + 1; k <= to; k++) {
            cu_numeric by = cu_numeric_from_int8(k), all;
            if (cu_numeric_mul(out, &by, a, &all, err))
                return err->code;
            *out = all;
        }
        return 0;
    }
    const int64_t middle = from + (to - from) / 2;
    cu_numeric x, y;
    if (product(from, middle, a, &x, err) ||
        product(middle + 1, to, a, &y, err))
        return err->code;
    return cu_numeric_mul(&x, &y, a, out, err);
}

static void factorial(cu_call *c)
{
    CU_ARG(int64_t, x, c, 0);
    cu_err err;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const int64_t n = CU_AT(x, r);
        if (n < 0)
            cu_call_fail(c, r, CU_E_OUT_OF_RANGE,
                         "factorial of a negative number is undefined");
        else if (n > MOST_FACTORIAL)
            cu_call_fail(c, r, CU_E_OUT_OF_RANGE,
                         "value overflows numeric format");
        else if (product(1, n < 1 ? 1 : n, c->arena, &CU_OUT(cu_numeric, c)[r],
                         &err))
            cu_call_fail_err(c, r, &err);
    }
}

/* --- scales ---------------------------------------------------------- */

/* Digits behind the point without the zeros at the end. */
static int needed_scale(const cu_numeric *x, cu_arena *a)
{
    int low = 0, high = x->scale;
    while (low < high) {
        const int middle = (low + high) / 2;
        cu_numeric cut;
        cu_err err;
        if (!cu_numeric_trunc(x, middle, a, &cut, &err) &&
            cu_numeric_cmp(&cut, x) == 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void scale_kernel(cu_call *c)
{
    CU_ARG(cu_numeric, x, c, 0);
    const bool least = c->func->name[0] == 'm';
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const cu_numeric *v = &CU_AT(x, r);
        if (v->form > CU_NUM_BIG)
            cu_call_null(c, r);
        else
            CU_OUT(int32_t, c)
        [r] = least ? needed_scale(v, c->arena) : v->scale;
    }
}

static void trim_scale(cu_call *c)
{
    CU_ARG(cu_numeric, x, c, 0);
    cu_err err;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const cu_numeric *v = &CU_AT(x, r);
        if (v->form > CU_NUM_BIG)
            CU_OUT(cu_numeric, c)[r] = *v;
        else if (cu_numeric_trunc(v, needed_scale(v, c->arena), c->arena,
                                  &CU_OUT(cu_numeric, c)[r], &err))
            cu_call_fail_err(c, r, &err);
    }
}

/* --- width_bucket ---------------------------------------------------- */

/* NULL: the bounds are fine. */
static const char *bad_bounds(bool nan, bool infinite, int32_t count, bool same)
{
    if (count <= 0)
        return "count must be greater than zero";
    if (nan)
        return "operand, lower bound, and upper bound cannot be NaN";
    if (infinite)
        return "lower and upper bounds must be finite";
    return same ? "lower bound cannot equal upper bound" : NULL;
}

static void put_bucket(cu_call *c, uint32_t row, int64_t bucket)
{
    if (bucket > INT32_MAX)
        cu_call_fail(c, row, CU_E_OUT_OF_RANGE, "integer out of range");
    else
        CU_OUT(int32_t, c)[row] = (int32_t)bucket;
}

static int64_t bucket_of(double v, double low, double high, int32_t count)
{
    if (low > high)
        return bucket_of(-v, -low, -high, count);
    if (v < low)
        return 0;
    if (v >= high)
        return (int64_t)count + 1;
    /* As PostgreSQL 15 does: it may round up to the bucket behind the last. */
    const double n = count * (v - low) / (high - low);
    if (isfinite(n) && !isinf(high - low))
        return (int64_t)n + 1;
    return (int64_t)(count * ((v / 2 - low / 2) / (high / 2 - low / 2))) + 1;
}

static void bucket_f8(cu_call *c)
{
    CU_ARG(double, x, c, 0);
    CU_ARG(double, low, c, 1);
    CU_ARG(double, high, c, 2);
    CU_ARG(int32_t, count, c, 3);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const double v = CU_AT(x, r), l = CU_AT(low, r), h = CU_AT(high, r);
        const char *bad = bad_bounds(isnan(v) || isnan(l) || isnan(h),
                                     isinf(l) || isinf(h), CU_AT(count, r),
                                     l == h);
        if (bad)
            cu_call_fail(c, r, E_BUCKET, "%s", bad);
        else
            put_bucket(c, r, bucket_of(v, l, h, CU_AT(count, r)));
    }
}

/* floor(count * (v - low) / (high - low)) + 1, exactly. */
static int bucket_num(const cu_numeric *v, const cu_numeric *low,
                      const cu_numeric *high, int32_t count, cu_arena *a,
                      int64_t *out, cu_err *err)
{
    const bool down = cu_numeric_cmp(low, high) > 0;
    const int at_low = cu_numeric_cmp(v, low),
              at_high = cu_numeric_cmp(v, high);
    cu_numeric n = cu_numeric_from_int8(count), x, width, all, q;
    *out = 0;
    if (down ? at_low > 0 : at_low < 0)
        return 0;
    *out = (int64_t)count + 1;
    if (down ? at_high <= 0 : at_high >= 0)
        return 0;
    if (cu_numeric_sub(v, low, a, &x, err) ||
        cu_numeric_sub(high, low, a, &width, err) ||
        cu_numeric_mul(&x, &n, a, &all, err) ||
        div_num(&all, &width, a, &q, err) || cu_numeric_to_int8(&q, out, err))
        return err->code;
    ++*out;
    return 0;
}

static bool infinite(const cu_numeric *x)
{
    return x->form == CU_NUM_PINF || x->form == CU_NUM_NINF;
}

static void bucket_numeric(cu_call *c)
{
    CU_ARG(cu_numeric, x, c, 0);
    CU_ARG(cu_numeric, low, c, 1);
    CU_ARG(cu_numeric, high, c, 2);
    CU_ARG(int32_t, count, c, 3);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const cu_numeric *v = &CU_AT(x, r), *l = &CU_AT(low, r),
                         *h = &CU_AT(high, r);
        int64_t bucket;
        cu_err err;
        const bool nan = v->form == CU_NUM_NAN || l->form == CU_NUM_NAN ||
                         h->form == CU_NUM_NAN;
        const char *bad = bad_bounds(nan, infinite(l) || infinite(h),
                                     CU_AT(count, r),
                                     cu_numeric_cmp(l, h) == 0);
        if (bad)
            cu_call_fail(c, r, E_BUCKET, "%s", bad);
        else if (bucket_num(v, l, h, CU_AT(count, r), c->arena, &bucket, &err))
            cu_call_fail_err(c, r, &err);
        else
            put_bucket(c, r, bucket);
    }
}

/* Bounds in ascending order: how many are not above the value. */
static void bucket_array(cu_call *c)
{
    CU_ARG(cu_slice, bounds, c, 1);
    cu_compare *compare = cu_compare_of(CU_TYPE(c->args[1]->type.elem));
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const cu_value v = cu_col_value(c->args[0], r);
        const uint32_t n = cu_array_length(CU_AT(bounds, r));
        cu_value *at = cu_arena_calloc(c->arena, n, sizeof(*at));
        cu_array_iter it = cu_array_iter_of(CU_AT(bounds, r));
        bool null = false;
        for (uint32_t k = 0; k < n && cu_array_next(&it, c->arena, &at[k]); k++)
            null = null || at[k].null;
        if (null) {
            cu_call_fail(c, r, E_NULL,
                         "thresholds array must not contain NULLs");
            continue;
        }
        uint32_t low = 0, high = n;
        while (low < high) {
            const uint32_t middle = (low + high) / 2;
            if (compare(&v.b, &at[middle].b) < 0)
                high = middle;
            else
                low = middle + 1;
        }
        CU_OUT(int32_t, c)[r] = (int32_t)low;
    }
}

/* --- counting NULLs -------------------------------------------------- */

static void count_nulls(cu_call *c)
{
    const bool nulls = c->func->name[4] == 'n' && c->func->name[5] == 'u';
    for (uint32_t i = 0; i < c->n_sel; i++) {
        const uint32_t r = cu_call_row(c, i);
        int32_t n = 0;
        for (uint32_t k = 0; k < c->n_args; k++)
            n += cu_col_is_null(c->args[k], r) == nulls;
        CU_OUT(int32_t, c)[r] = n;
    }
}

/* --- the catalog's part ---------------------------------------------- */

#define I2 CU_T_INT2
#define I4 CU_T_INT4
#define I8 CU_T_INT8
#define F8 CU_T_FLOAT8
#define N  CU_T_NUMERIC
#define COUNTER(nm, text)                                                  \
    {                                                                      \
        .name = nm, .kind = CU_FUNC_SCALAR, .n_args = 1, .variadic = true, \
        .total = true, .args = {CU_T_ANY}, .result = I4,                   \
        .kernel = count_nulls, .doc = text                                 \
    }

static const cu_func list[] = {
    CU_FN("gcd", I4, gcd_i4, "greatest common divisor", I4, I4),
    CU_FN("gcd", I8, gcd_i8, "greatest common divisor", I8, I8),
    CU_FN("gcd", N, gcd_kernel, "greatest common divisor", N, N),
    CU_FN("lcm", I4, lcm_i4, "least common multiple", I4, I4),
    CU_FN("lcm", I8, lcm_i8, "least common multiple", I8, I8),
    CU_FN("lcm", N, lcm_kernel, "least common multiple", N, N),
    CU_FN("div", N, div_kernel, "whole quotient, towards zero", N, N),
    CU_FN("factorial", N, factorial, "1 * 2 * … * x", I8),
    CU_FN("scale", I4, scale_kernel, "digits behind the point", N),
    CU_FN("min_scale", I4, scale_kernel,
          "digits behind the point without zeros at the end", N),
    CU_FN("trim_scale", N, trim_scale, "without zeros at the end", N),
    CU_FN("width_bucket", I4, bucket_f8,
          "which of n equal parts of [y, z) has x", F8, F8, F8, I4),
    CU_FN("width_bucket", I4, bucket_numeric,
          "which of n equal parts of [y, z) has x", N, N, N, I4),
    CU_FN("width_bucket", I4, bucket_array,
          "how many of these ascending bounds are not above x", CU_T_COMPATIBLE,
          CU_T_COMPATIBLEARRAY),
    COUNTER("num_nulls", "how many are NULL"),
    COUNTER("num_nonnulls", "how many are not NULL"),
};
CU_PART(cu_part_number_more, list);
