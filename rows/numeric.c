/* Numeric arithmetic: the 128-bit road, and where it forks off to digits.
 *
 * Every operation first settles NaN and the infinities, then tries 128 bits
 * and falls back to digit strings when 38 digits are not enough.  Both roads
 * give the same value and scale; which one was taken cannot be seen in the
 * result, because cu_big_to() returns to the INT form whenever it fits (N1).
 *
 * N1  A value is in INT form if and only if |value| x 10^scale < 10^38.
 * N2  Scales follow PostgreSQL: add, sub, mod the larger one, mul the sum,
 *     div at least 16 significant digits (select_div_scale).
 */
#include "rows/numeric.h"

#include "rows/int.h"
#include "rows/numeric_big.h"

#include <math.h>
#include <stdlib.h> /* strtod */

enum { MIN_SIG_DIGITS = 16 };

static i128 limit(void)
{
    return (i128)cu_pow10_u128(INT_MAX_DIGITS);
}

static bool fits(i128 v)
{
    return v < limit() && v > -limit();
}

static cu_numeric of_form(enum cu_numeric_form form)
{
    cu_numeric n;
    memset(&n, 0, sizeof(n));
    n.form = (uint8_t)form;
    return n;
}

static cu_numeric of_int(i128 v, uint16_t scale)
{
    cu_numeric n;
    memset(&n, 0, sizeof(n));
    n.i = v;
    n.scale = scale;
    return n;
}

static bool is_nan(const cu_numeric *n)
{
    return n->form == CU_NUM_NAN;
}

static bool is_int(const cu_numeric *x, const cu_numeric *y)
{
    return (x->form | y->form) == CU_NUM_INT;
}

static cu_numeric infinity(int sign)
{
    return of_form(sign < 0 ? CU_NUM_NINF : CU_NUM_PINF);
}

static int div_zero(cu_err *err)
{
    return BAD_DATA(err, STATE_DIV_ZERO, "division by zero");
}

/* Rounds half away from zero; den != 0. */
static i128 div_round(i128 num, i128 den)
{
    i128 q = num / den, rest = num % den;
    u128 r = rest < 0 ? -(u128)rest : (u128)rest;
    u128 d = den < 0 ? -(u128)den : (u128)den;
    if (r >= d - r)
        q += (num < 0) == (den < 0) ? 1 : -1;
    return q;
}

/* --- conversions -------------------------------------------------------- */

cu_numeric cu_numeric_from_int8(int64_t v)
{
    return of_int(v, 0);
}

cu_numeric cu_numeric_from_int128(__int128 v, uint16_t scale)
{
    CU_ASSERT(fits(v));
    return of_int(v, scale);
}

int cu_numeric_from_float8(double v, cu_arena *a, cu_numeric *out, cu_err *err)
{
    if (isnan(v) || isinf(v)) {
        *out = isnan(v) ? of_form(CU_NUM_NAN) : infinity(v < 0 ? -1 : 1);
        return 0;
    }
    if (fabs(v) < 1e15 && v == (double)(int64_t)v) {
        *out = of_int((int64_t)v, 0);
        return 0;
    }
    cu_buf text = {0};
    cu_buf_printf(&text, "%.15g", v);
    int rc = cu_numeric_in(cu_buf_slice(&text), a, out, err);
    cu_buf_free(&text);
    return rc;
}

double cu_numeric_to_float8(const cu_numeric *n)
{
    static const double powers[] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const int64_t exact = INT64_C(1) << 53;
    if (n->form == CU_NUM_NAN)
        return NAN;
    if (n->form > CU_NUM_NAN)
        return n->form == CU_NUM_PINF ? INFINITY : -INFINITY;
    if (n->form == CU_NUM_INT && n->scale <= 22 && n->i <= exact &&
        n->i >= -exact)
        return (double)(int64_t)n->i / powers[n->scale];
    cu_buf text = {0};
    cu_numeric_out(n, &text);
    cu_buf_put_u8(&text, 0);
    double v = strtod(text.data, NULL);
    cu_buf_free(&text);
    return v;
}

static int bigint_range(cu_err *err)
{
    return BAD_DATA(err, STATE_RANGE, "bigint out of range");
}

int cu_numeric_to_int8(const cu_numeric *n, int64_t *out, cu_err *err)
{
    if (!is_finite(n))
        return BAD_DATA(err, STATE_NO_FEATURE, "cannot convert %s to bigint",
                        is_nan(n) ? "NaN" : "infinity");
    i128 v = n->i;
    if (n->form == CU_NUM_BIG) {
        cu_arena *scratch = cu_arena_new(0);
        cu_numeric r;
        int rc = cu_numeric_round(n, 0, scratch, &r, err);
        bool big_one = r.form == CU_NUM_BIG;
        v = r.i;
        cu_arena_free(scratch);
        if (rc || big_one)
            return rc ? rc : bigint_range(err);
    } else if (n->scale > INT_MAX_DIGITS) {
        v = 0;
    } else if (n->scale) {
        v = div_round(v, (i128)cu_pow10_u128(n->scale));
    }
    if (v > INT64_MAX || v < INT64_MIN)
        return bigint_range(err);
    *out = (int64_t)v;
    return 0;
}

/* --- sign, order -------------------------------------------------------- */

int cu_numeric_sign(const cu_numeric *x)
{
    switch ((enum cu_numeric_form)x->form) {
    case CU_NUM_INT:
        return (x->i > 0) - (x->i < 0);
    case CU_NUM_BIG:
        return x->negative ? -1 : 1;
    case CU_NUM_NINF:
        return -1;
    case CU_NUM_NAN:
    case CU_NUM_PINF:
        break;
    }
    return 1;
}

cu_numeric cu_numeric_neg(const cu_numeric *x)
{
    cu_numeric n = *x;
    if (x->form == CU_NUM_INT)
        n.i = -x->i;
    else if (x->form == CU_NUM_BIG)
        n.negative = !x->negative;
    else if (!is_nan(x))
        n.form = x->form == CU_NUM_PINF ? CU_NUM_NINF : CU_NUM_PINF;
    return n;
}

cu_numeric cu_numeric_abs(const cu_numeric *x)
{
    return cu_numeric_sign(x) < 0 ? cu_numeric_neg(x) : *x;
}

/* Both to the larger scale; false when that takes more than 128 bits. */
static bool align(const cu_numeric *x, const cu_numeric *y, i128 *vx, i128 *vy)
{
    *vx = x->i;
    *vy = y->i;
    if (x->scale == y->scale)
        return true;
    bool raise_x = x->scale < y->scale;
    unsigned by = raise_x ? (unsigned)(y->scale - x->scale)
                          : (unsigned)(x->scale - y->scale);
    i128 *v = raise_x ? vx : vy;
    if (*v == 0)
        return true;
    return by <= INT_MAX_DIGITS &&
           !__builtin_mul_overflow(*v, (i128)cu_pow10_u128(by), v);
}

static int cmp_finite(const cu_numeric *x, const cu_numeric *y)
{
    i128 vx, vy;
    if (is_int(x, y) && align(x, y, &vx, &vy))
        return (vx > vy) - (vx < vy);
    int sx = cu_numeric_sign(x), sy = cu_numeric_sign(y);
    if (sx != sy)
        return sx < sy ? -1 : 1;
    cu_arena *scratch = cu_arena_new(512);
    big bx = cu_big_from(x, scratch), by = cu_big_from(y, scratch);
    int order = cu_big_cmp(&bx, &by);
    cu_arena_free(scratch);
    return order;
}

int cu_numeric_cmp(const cu_numeric *x, const cu_numeric *y)
{
    /* -inf < finite < inf < NaN */
    static const int8_t ranks[] = {[CU_NUM_INT] = 1,
                                   [CU_NUM_BIG] = 1,
                                   [CU_NUM_NAN] = 3,
                                   [CU_NUM_PINF] = 2,
                                   [CU_NUM_NINF] = 0};
    int rx = ranks[x->form], ry = ranks[y->form];
    if (rx != 1 || ry != 1)
        return rx - ry;
    return cmp_finite(x, y);
}

/* --- add, sub, mul ------------------------------------------------------ */

static uint16_t larger_scale(const cu_numeric *x, const cu_numeric *y)
{
    return x->scale > y->scale ? x->scale : y->scale;
}

static int add_big(const cu_numeric *x, const cu_numeric *y, cu_arena *a,
                   cu_numeric *out, cu_err *err)
{
    big bx = cu_big_from(x, a), by = cu_big_from(y, a);
    big r = cu_big_add(&bx, &by, a);
    return cu_big_to(&r, a, out, err);
}

int cu_numeric_add(const cu_numeric *x, const cu_numeric *y, cu_arena *a,
                   cu_numeric *out, cu_err *err)
{
    i128 vx, vy, sum;
    if (is_int(x, y) && align(x, y, &vx, &vy) &&
        !__builtin_add_overflow(vx, vy, &sum) && fits(sum)) {
        *out = of_int(sum, larger_scale(x, y));
        return 0;
    }
    if (is_finite(x) && is_finite(y))
        return add_big(x, y, a, out, err);
    if (is_nan(x) || is_nan(y) ||
        (!is_finite(x) && !is_finite(y) && x->form != y->form))
        *out = of_form(CU_NUM_NAN);
    else
        *out = is_finite(x) ? *y : *x;
    return 0;
}

int cu_numeric_sub(const cu_numeric *x, const cu_numeric *y, cu_arena *a,
                   cu_numeric *out, cu_err *err)
{
    cu_numeric minus = cu_numeric_neg(y);
    return cu_numeric_add(x, &minus, a, out, err);
}

int cu_numeric_mul(const cu_numeric *x, const cu_numeric *y, cu_arena *a,
                   cu_numeric *out, cu_err *err)
{
    i128 product;
    unsigned scale = (unsigned)x->scale + y->scale;
    if (is_int(x, y) && scale <= BIG_MAX_SCALE &&
        !__builtin_mul_overflow(x->i, y->i, &product) && fits(product)) {
        *out = of_int(product, (uint16_t)scale);
        return 0;
    }
    if (is_finite(x) && is_finite(y)) {
        big bx = cu_big_from(x, a), by = cu_big_from(y, a);
        big r = cu_big_mul(&bx, &by, a);
        if (r.scale > BIG_MAX_SCALE)
            r = cu_big_round(&r, BIG_MAX_SCALE, true, a);
        return cu_big_to(&r, a, out, err);
    }
    int sign = cu_numeric_sign(x) * cu_numeric_sign(y);
    if (is_nan(x) || is_nan(y) || sign == 0)
        *out = of_form(CU_NUM_NAN);
    else
        *out = infinity(sign);
    return 0;
}

/* --- div, mod ----------------------------------------------------------- */

/* The first base-10000 digit and its weight. */
static void head_of(const cu_numeric *n, int32_t *weight, int32_t *digit)
{
    *weight = 0;
    *digit = 0;
    if (n->form == CU_NUM_BIG) {
        *weight = n->weight;
        *digit = n->digits[0];
        return;
    }
    if (!n->i)
        return;
    u128 v = n->i < 0 ? -(u128)n->i : (u128)n->i;
    int32_t count = (int32_t)cu_digits_u128(v);
    int32_t top = count - 1 - n->scale; /* power of 10 of the first digit */
    *weight = top >= 0 ? top / 4 : -((-top + 3) / 4);
    int32_t keep = top - 4 * *weight + 1; /* 1..4 digits of v */
    if (count >= keep)
        *digit = (int32_t)(v / cu_pow10_u128((unsigned)(count - keep)));
    else
        *digit = (int32_t)(v * cu_pow10_u128((unsigned)(keep - count)));
}

static int32_t div_scale(const cu_numeric *x, const cu_numeric *y)
{
    int32_t wx, wy, dx, dy;
    head_of(x, &wx, &dx);
    head_of(y, &wy, &dy);
    int32_t weight = wx - wy - (dx <= dy);
    int32_t scale = MIN_SIG_DIGITS - 4 * weight;
    if (scale < larger_scale(x, y))
        scale = larger_scale(x, y);
    if (scale < 0)
        scale = 0;
    return scale > BIG_MAX_RESULT ? BIG_MAX_RESULT : scale;
}

static bool div_small(const cu_numeric *x, const cu_numeric *y, int32_t scale,
                      cu_numeric *out)
{
    int32_t by = scale + y->scale - x->scale;
    i128 num = x->i, den = y->i;
    if (by < 0) {
        if (-by > INT_MAX_DIGITS ||
            __builtin_mul_overflow(den, (i128)cu_pow10_u128((unsigned)-by),
                                   &den))
            return false;
    } else if (by > INT_MAX_DIGITS ||
               __builtin_mul_overflow(num, (i128)cu_pow10_u128((unsigned)by),
                                      &num)) {
        return false;
    }
    i128 q = div_round(num, den);
    if (!fits(q))
        return false;
    *out = of_int(q, (uint16_t)scale);
    return true;
}

static int div_special(const cu_numeric *x, const cu_numeric *y,
                       cu_numeric *out, cu_err *err)
{
    if (is_nan(x) || is_nan(y)) {
        *out = of_form(CU_NUM_NAN);
    } else if (is_finite(x)) {
        *out = of_int(0, 0);
    } else if (!is_finite(y)) {
        *out = of_form(CU_NUM_NAN);
    } else {
        int sign = cu_numeric_sign(y);
        if (!sign)
            return div_zero(err);
        *out = infinity(cu_numeric_sign(x) * sign);
    }
    return 0;
}

int cu_numeric_div(const cu_numeric *x, const cu_numeric *y, cu_arena *a,
                   cu_numeric *out, cu_err *err)
{
    if (!is_finite(x) || !is_finite(y))
        return div_special(x, y, out, err);
    if (!cu_numeric_sign(y))
        return div_zero(err);
    int32_t scale = div_scale(x, y);
    if (is_int(x, y) && div_small(x, y, scale, out))
        return 0;
    big bx = cu_big_from(x, a), by = cu_big_from(y, a);
    big r = cu_big_div(&bx, &by, scale, true, a);
    return cu_big_to(&r, a, out, err);
}

int cu_numeric_mod(const cu_numeric *x, const cu_numeric *y, cu_arena *a,
                   cu_numeric *out, cu_err *err)
{
    i128 vx, vy;
    if (is_nan(x) || is_nan(y)) {
        *out = of_form(CU_NUM_NAN);
        return 0;
    }
    if (is_finite(y) && !cu_numeric_sign(y))
        return div_zero(err);
    if (!is_finite(x)) {
        *out = of_form(CU_NUM_NAN);
        return 0;
    }
    if (!is_finite(y)) {
        *out = *x;
        return 0;
    }
    if (is_int(x, y) && align(x, y, &vx, &vy)) {
        *out = of_int(vx % vy, larger_scale(x, y));
        return 0;
    }
    big bx = cu_big_from(x, a), by = cu_big_from(y, a);
    big q = cu_big_div(&bx, &by, 0, false, a);
    big part = cu_big_mul(&by, &q, a);
    big r = cu_big_sub(&bx, &part, a);
    r.scale = larger_scale(x, y);
    return cu_big_to(&r, a, out, err);
}

/* --- rounding ----------------------------------------------------------- */

static int cut(const cu_numeric *x, int digits, bool round, cu_arena *a,
               cu_numeric *out, cu_err *err)
{
    if (!is_finite(x)) {
        *out = *x;
        return 0;
    }
    int scale = digits < -2 * BIG_MAX_RESULT  ? -2 * BIG_MAX_RESULT
                : digits > 2 * BIG_MAX_RESULT ? 2 * BIG_MAX_RESULT
                                              : digits;
    int by = x->scale - scale;
    if (x->form == CU_NUM_INT && by >= 0 && by <= INT_MAX_DIGITS &&
        scale >= 0) {
        i128 unit = (i128)cu_pow10_u128((unsigned)by);
        *out = of_int(round ? div_round(x->i, unit) : x->i / unit,
                      (uint16_t)scale);
        return 0;
    }
    big b = cu_big_from(x, a);
    big r = cu_big_round(&b, scale, round, a);
    return cu_big_to(&r, a, out, err);
}

int cu_numeric_round(const cu_numeric *x, int digits, cu_arena *a,
                     cu_numeric *out, cu_err *err)
{
    return cut(x, digits, true, a, out, err);
}

int cu_numeric_trunc(const cu_numeric *x, int digits, cu_arena *a,
                     cu_numeric *out, cu_err *err)
{
    return cut(x, digits, false, a, out, err);
}

/* Cut towards zero, then one step away when something was cut off. */
static int step(const cu_numeric *x, int sign, cu_arena *a, cu_numeric *out,
                cu_err *err)
{
    cu_numeric whole;
    int rc = cut(x, 0, false, a, &whole, err);
    *out = whole;
    if (rc || !is_finite(x) || cu_numeric_sign(x) != sign ||
        !cu_numeric_cmp(x, &whole))
        return rc;
    cu_numeric one = of_int(sign, 0);
    return cu_numeric_add(&whole, &one, a, out, err);
}

int cu_numeric_ceil(const cu_numeric *x, cu_arena *a, cu_numeric *out,
                    cu_err *err)
{
    return step(x, 1, a, out, err);
}

int cu_numeric_floor(const cu_numeric *x, cu_arena *a, cu_numeric *out,
                     cu_err *err)
{
    return step(x, -1, a, out, err);
}

static int field_overflow(int precision, int scale, bool infinite, cu_err *err)
{
    int whole = precision - scale;
    if (infinite)
        return BAD_DATA(err, STATE_RANGE,
                        "numeric field overflow: a field with precision %d, "
                        "scale %d cannot hold an infinite value",
                        precision, scale);
    return BAD_DATA(err, STATE_RANGE,
                    "numeric field overflow: a field with precision %d, scale "
                    "%d must round to an absolute value less than %s%d",
                    precision, scale, whole ? "10^" : "", whole ? whole : 1);
}

int cu_numeric_fit(const cu_numeric *n, int precision, int scale, cu_arena *a,
                   cu_numeric *out, cu_err *err)
{
    if (precision <= 0 || is_nan(n)) {
        *out = *n;
        return 0;
    }
    if (!is_finite(n))
        return field_overflow(precision, scale, true, err);
    cu_numeric r;
    int rc = cut(n, scale, true, a, &r, err);
    if (rc)
        return rc;
    if (cu_numeric_sign(&r)) {
        int32_t weight, digit;
        head_of(&r, &weight, &digit);
        int32_t before = 4 * weight + (digit >= 1000  ? 4
                                       : digit >= 100 ? 3
                                       : digit >= 10  ? 2
                                                      : 1);
        if (before > precision - scale)
            return field_overflow(precision, scale, false, err);
    }
    *out = r;
    return 0;
}
