/* sqrt, exp, ln and power: PostgreSQL's scales, correctly rounded digits.
 *
 * Every function first chooses the scale of its result exactly as
 * PostgreSQL does (at least 16 significant digits, from a double's estimate
 * of the size), then computes with GUARD more digits than that and rounds
 * once.  The methods are the plain ones: Newton for the root, Taylor after
 * halving the argument for exp, the atanh series after roots for ln, and
 * squaring for whole powers.
 */
#include "rows/int.h"
#include "rows/numeric.h"
#include "rows/numeric_big.h"

#include <math.h>

enum { MIN_SIG_DIGITS = 16, GUARD = 10, MOST_RESULT = 2000 };

#define LOG10_E 0.434294481903252
#define LN_10   2.302585092994046

static int32_t clamp_scale(int32_t scale, int32_t at_least)
{
    if (scale < at_least)
        scale = at_least;
    if (scale < 0)
        scale = 0;
    return scale > BIG_MAX_RESULT ? BIG_MAX_RESULT : scale;
}

static int overflow(cu_err *err)
{
    return BAD_DATA(err, STATE_RANGE, "value overflows numeric format");
}

static cu_numeric special(enum cu_numeric_form form)
{
    cu_numeric n;
    memset(&n, 0, sizeof(n));
    n.form = (uint8_t)form;
    return n;
}

static cu_numeric zero_of(int32_t scale)
{
    cu_numeric n = special(CU_NUM_INT);
    n.scale = (uint16_t)scale;
    return n;
}

static big mul(const big *x, const big *y, int32_t scale, cu_arena *a)
{
    big product = cu_big_mul(x, y, a);
    return cu_big_round(&product, scale, true, a);
}

static big of_double(double v, cu_arena *a)
{
    cu_numeric n;
    cu_numeric_from_float8(v, a, &n, NULL);
    return cu_big_from(&n, a);
}

/* --- square root -------------------------------------------------------- */

/* Digits before the point of the first significant one, in tens. */
static int32_t tens_of(const big *x)
{
    return 4 * (x->weight + 1);
}

/* x > 0; `scale` digits. Each round doubles the digits that are right. */
static big root(const big *x, int32_t scale, cu_arena *a)
{
    big half = of_double(0.5, a);
    int32_t odd = x->weight % 2; /* the weight must be halved */
    big m = *x;
    m.weight = odd < 0 ? 1 : odd;
    big r = of_double(sqrt(cu_big_to_double(&m)), a);
    r.weight += (x->weight - m.weight) / 2;
    int32_t work = scale + GUARD;
    int32_t want = work + tens_of(&r);
    for (int32_t good = 14; good < 2 * want; good *= 2) {
        big q = cu_big_div(x, &r, work, true, a);
        big sum = cu_big_add(&r, &q, a);
        r = mul(&sum, &half, work, a);
    }
    return cu_big_round(&r, scale, true, a);
}

int cu_numeric_sqrt(const cu_numeric *x, cu_arena *a, cu_numeric *out,
                    cu_err *err)
{
    if (x->form == CU_NUM_NAN || x->form == CU_NUM_PINF) {
        *out = *x;
        return 0;
    }
    if (cu_numeric_sign(x) < 0)
        return BAD_DATA(err, STATE_POWER,
                        "cannot take square root of a negative number");
    big b = cu_big_from(x, a);
    int32_t weight = tens_of(&b) / 2 - 1;
    int32_t scale = clamp_scale(MIN_SIG_DIGITS - weight, x->scale);
    if (!b.n) {
        *out = zero_of(scale);
        return 0;
    }
    big r = root(&b, scale, a);
    return cu_big_to(&r, a, out, err);
}

/* --- exp ---------------------------------------------------------------- */

/* e^x for x >= 0 with about `digits` significant digits. */
static big exp_plain(const big *x, double value, int32_t digits, cu_arena *a)
{
    int32_t halvings = 0;
    for (double v = value; v > 0.01; v /= 2)
        halvings++;
    /* Squaring doubles the relative error each time. */
    int32_t work = digits + GUARD + halvings / 3 + 1;
    big r = *x;
    big half = of_double(0.5, a), one = cu_big_from_u64(1, a);
    for (int32_t i = 0; i < halvings; i++)
        r = mul(&r, &half, work + halvings, a);
    big sum = cu_big_add(&one, &r, a), term = r;
    for (uint64_t n = 2; term.n; n++) {
        big by = cu_big_from_u64(n, a);
        term = mul(&term, &r, work, a);
        term = cu_big_div(&term, &by, work, true, a);
        sum = cu_big_add(&sum, &term, a);
    }
    while (halvings-- > 0) {
        int32_t scale = work - 2 * 4 * sum.weight;
        sum = mul(&sum, &sum, scale > 0 ? scale : 0, a);
    }
    return sum;
}

/* e^x rounded to `scale`. */
static int exp_big(const big *x, int32_t scale, cu_arena *a, cu_numeric *out,
                   cu_err *err)
{
    double value = cu_big_to_double(x);
    if (fabs(value) >= MOST_RESULT * 3) {
        if (value > 0)
            return overflow(err);
        *out = zero_of(scale);
        return 0;
    }
    big positive = *x;
    positive.negative = false;
    int32_t digits = scale + (int32_t)(value * LOG10_E);
    big r = exp_plain(&positive, fabs(value), digits > 1 ? digits : 1, a);
    if (x->negative) {
        big one = cu_big_from_u64(1, a);
        r = cu_big_div(&one, &r, scale, true, a);
    } else {
        r = cu_big_round(&r, scale, true, a);
    }
    return cu_big_to(&r, a, out, err);
}

static double clamp_weight(double v)
{
    return v < -MOST_RESULT ? -MOST_RESULT : v > MOST_RESULT ? MOST_RESULT : v;
}

int cu_numeric_exp(const cu_numeric *x, cu_arena *a, cu_numeric *out,
                   cu_err *err)
{
    if (!is_finite(x)) {
        *out = x->form == CU_NUM_NINF ? zero_of(0) : *x;
        return 0;
    }
    big b = cu_big_from(x, a);
    double weight = clamp_weight(cu_big_to_double(&b) * LOG10_E);
    int32_t scale = clamp_scale(MIN_SIG_DIGITS - (int32_t)weight, x->scale);
    return exp_big(&b, scale, a, out, err);
}

/* --- ln ----------------------------------------------------------------- */

/* Decimal weight of ln(x), roughly; x > 0. */
static int32_t ln_weight(const big *x, cu_arena *a)
{
    double v = cu_big_to_double(x);
    if (v >= 0.9 && v <= 1.1) {
        big one = cu_big_from_u64(1, a), rest = cu_big_sub(x, &one, a);
        return rest.n ? 4 * rest.weight + (int32_t)log10(rest.digits[0]) : 0;
    }
    double head = x->digits[0];
    int32_t tens = 4 * x->weight;
    if (x->n > 1) {
        head = head * BIG_BASE + x->digits[1];
        tens -= 4;
    }
    return (int32_t)log10(fabs(log(head) + tens * LN_10));
}

/* ln(x) with `scale` digits after the point; x > 0. */
static big ln_big(const big *x, int32_t scale, cu_arena *a)
{
    int32_t roots = 0;
    double size = log(x->digits[0]) + 4 * x->weight * LN_10;
    for (double v = fabs(size); v > 0.05; v /= 2)
        roots++;
    /* Every root is paid back by a doubling; the first root of a small x has
     * half as many zeros after the point, which are no digits. */
    int32_t zeros = x->weight < 0 ? -2 * x->weight + 2 : 0;
    int32_t work = scale + GUARD + roots / 3 + 1 + zeros;
    big r = *x, one = cu_big_from_u64(1, a);
    for (int32_t i = 0; i < roots; i++)
        r = root(&r, work, a);
    big over = cu_big_sub(&r, &one, a), under = cu_big_add(&r, &one, a);
    big z = cu_big_div(&over, &under, work, true, a);
    big square = mul(&z, &z, work, a), power = z, sum = z;
    for (uint64_t n = 3; power.n; n += 2) {
        big by = cu_big_from_u64(n, a);
        power = mul(&power, &square, work, a);
        big term = cu_big_div(&power, &by, work, true, a);
        sum = cu_big_add(&sum, &term, a);
    }
    big factor = cu_big_from_u64(UINT64_C(2) << roots, a);
    return mul(&sum, &factor, scale, a);
}

int cu_numeric_ln(const cu_numeric *x, cu_arena *a, cu_numeric *out,
                  cu_err *err)
{
    if (x->form == CU_NUM_NAN || x->form == CU_NUM_PINF) {
        *out = *x;
        return 0;
    }
    int sign = cu_numeric_sign(x);
    if (sign <= 0)
        return BAD_DATA(err, STATE_LOGARITHM, "cannot take logarithm of %s",
                        sign ? "a negative number" : "zero");
    big b = cu_big_from(x, a);
    int32_t scale = clamp_scale(MIN_SIG_DIGITS - ln_weight(&b, a), x->scale);
    big r = ln_big(&b, scale, a);
    return cu_big_to(&r, a, out, err);
}

/* --- power -------------------------------------------------------------- */

static bool is_whole(const big *x)
{
    return x->n <= x->weight + 1;
}

/* The value of a whole number that fits in 32 bits. */
static bool to_int32(const big *x, int32_t *out)
{
    int64_t v = 0;
    if (!is_whole(x) || x->weight > 2)
        return false;
    for (int32_t i = 0; i <= x->weight; i++)
        v = v * BIG_BASE + (i < x->n ? x->digits[i] : 0);
    v = x->negative ? -v : v;
    *out = (int32_t)v;
    return *out == v;
}

/* Decimal weight of base^n. */
static double power_weight(const big *base, int32_t n)
{
    double head = base->digits[0];
    int32_t tens = 4 * base->weight;
    for (int32_t i = 1; i < base->n && i < 4; i++) {
        head = head * BIG_BASE + base->digits[i];
        tens -= 4;
    }
    return n * (log10(head) + tens);
}

/* base^n by squaring, keeping `digits` significant ones. */
static int power_steps(const big *base, uint32_t n, int32_t digits, cu_arena *a,
                       big *out, cu_err *err)
{
    big r = cu_big_from_u64(1, a), square = *base;
    for (;;) {
        if (n & 1) {
            int32_t scale = digits - 4 * (square.weight + r.weight);
            r = mul(&square, &r, scale > 0 ? scale : 0, a);
        }
        n >>= 1;
        if (!n)
            break;
        int32_t scale = digits - 8 * square.weight;
        square = mul(&square, &square, scale > 0 ? scale : 0, a);
        if (square.weight > BIG_MAX_WEIGHT)
            return overflow(err);
        if (!square.n)
            break;
    }
    *out = square.n ? r : square;
    return 0;
}

static int power_int(const big *base, int32_t n, cu_arena *a, cu_numeric *out,
                     cu_err *err)
{
    double weight = base->n ? power_weight(base, n) : 0;
    if (weight > 4.0 * (BIG_MAX_WEIGHT + 1))
        return overflow(err);
    int32_t scale = clamp_scale(MIN_SIG_DIGITS, base->scale);
    if (weight + 1 < -scale) {
        *out = zero_of(scale);
        return 0;
    }
    big one = cu_big_from_u64(1, a), r;
    if (n == 0) {
        r = one;
    } else if (!base->n) {
        r = *base;
    } else {
        uint32_t times = n < 0 ? -(uint32_t)n : (uint32_t)n;
        int32_t digits = 1 + scale + (int32_t)weight;
        digits += (int32_t)log(times) + GUARD + 4;
        int rc = power_steps(base, times, digits, a, &r, err);
        if (rc)
            return rc;
        if (n < 0)
            r = cu_big_div(&one, &r, scale, true, a);
    }
    r = cu_big_round(&r, scale, true, a);
    return cu_big_to(&r, a, out, err);
}

/* base > 0, any exponent: e^(y ln base). */
static int power_any(const big *base, const big *y, bool minus, cu_arena *a,
                     cu_numeric *out, cu_err *err)
{
    int32_t weight = ln_weight(base, a);
    int32_t scale = 8 - weight > 0 ? 8 - weight : 0;
    big ln = ln_big(base, scale, a);
    big product = mul(&ln, y, scale, a);
    double value = cu_big_to_double(&product);
    if (fabs(value) > MOST_RESULT * 3.01) {
        if (value > 0)
            return overflow(err);
        *out = zero_of(BIG_MAX_RESULT);
        return 0;
    }
    value *= LOG10_E;
    int32_t least = base->scale > y->scale ? base->scale : y->scale;
    scale = clamp_scale(MIN_SIG_DIGITS - (int32_t)value, least);
    int32_t work = scale + (int32_t)value - weight + GUARD + 8;
    work = work > 0 ? work : 0;
    ln = ln_big(base, work + tens_of(y), a);
    product = mul(&ln, y, work + GUARD, a);
    int rc = exp_big(&product, scale, a, out, err);
    if (!rc && minus)
        *out = cu_numeric_neg(out);
    return rc;
}

static const char complex_result[] = "a negative number raised to a "
                                     "non-integer power yields a complex "
                                     "result";

static bool is_one(const cu_numeric *x)
{
    cu_numeric one = cu_numeric_from_int8(1);
    return x->form == CU_NUM_INT && !cu_numeric_cmp(x, &one);
}

static bool is_odd(const big *y)
{
    return y->n == y->weight + 1 && y->n && (y->digits[y->n - 1] & 1);
}

/* At least one of them is NaN or infinite. */
static int power_special(const cu_numeric *x, const cu_numeric *y, cu_arena *a,
                         cu_numeric *out, cu_err *err)
{
    int sx = cu_numeric_sign(x), sy = cu_numeric_sign(y);
    bool nan_x = x->form == CU_NUM_NAN, nan_y = y->form == CU_NUM_NAN;
    cu_numeric one = cu_numeric_from_int8(1);
    if ((nan_x && sy == 0) || (nan_y && is_one(x)))
        *out = one;
    else if (nan_x || nan_y)
        *out = special(CU_NUM_NAN);
    else if (is_finite(x)) { /* y is infinite */
        cu_numeric size = cu_numeric_abs(x);
        int order = cu_numeric_cmp(&size, &one);
        if (sx == 0 && sy < 0)
            return BAD_DATA(err, STATE_POWER,
                            "zero raised to a negative power is undefined");
        if (order == 0)
            *out = one;
        else
            *out = (order > 0) == (sy > 0) ? special(CU_NUM_PINF) : zero_of(0);
    } else {
        big by = is_finite(y) ? cu_big_from(y, a) : (big){.n = 0};
        if (sx < 0 && is_finite(y) && !is_whole(&by))
            return BAD_DATA(err, STATE_POWER, "%s", complex_result);
        if (sy <= 0)
            *out = sy ? zero_of(0) : one;
        else
            *out = special(sx < 0 && is_odd(&by) ? CU_NUM_NINF : CU_NUM_PINF);
    }
    return 0;
}

int cu_numeric_power(const cu_numeric *x, const cu_numeric *y, cu_arena *a,
                     cu_numeric *out, cu_err *err)
{
    if (!is_finite(x) || !is_finite(y))
        return power_special(x, y, a, out, err);
    big base = cu_big_from(x, a), by = cu_big_from(y, a);
    int32_t n;
    if (!base.n && by.negative)
        return BAD_DATA(err, STATE_POWER,
                        "zero raised to a negative power is undefined");
    if (base.negative && !is_whole(&by))
        return BAD_DATA(err, STATE_POWER, "%s", complex_result);
    if (to_int32(&by, &n))
        return power_int(&base, n, a, out, err);
    if (!base.n) {
        *out = zero_of(MIN_SIG_DIGITS);
        return 0;
    }
    bool minus = base.negative && is_odd(&by);
    base.negative = false;
    return power_any(&base, &by, minus, a, out, err);
}
