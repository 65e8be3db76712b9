/* Digit strings: what numerics are when 38 digits are not enough.
 *
 * Schoolbook arithmetic on base-10000 digits in arenas.  The fast form
 * serves nearly every row; this one has to be right, not fast.  Results are
 * stripped of leading and trailing zero digits; the scale is a number beside
 * them and never changes the digits.
 */
#include "rows/numeric_big.h"

#include <math.h>

/* --- 128-bit helpers ---------------------------------------------------- */

static const uint64_t small_powers[20] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

u128 cu_pow10_u128(unsigned n)
{
    CU_ASSERT(n <= 38);
    if (n < 20)
        return small_powers[n];
    return (u128)small_powers[19] * small_powers[n - 19];
}

unsigned cu_digits_u128(u128 v)
{
    uint64_t high = (uint64_t)(v >> 64), low = (uint64_t)v;
    unsigned bits = high  ? 128 - (unsigned)__builtin_clzll(high)
                    : low ? 64 - (unsigned)__builtin_clzll(low)
                          : 1;
    unsigned guess = bits * 1233 >> 12; /* log10(2) = 0.30103 */
    if (guess > 38)
        return 39;
    return guess + (v >= cu_pow10_u128(guess));
}

/* --- making ------------------------------------------------------------- */

static void strip(big *b)
{
    while (b->n && b->digits[0] == 0) {
        b->digits++;
        b->n--;
        b->weight--;
    }
    while (b->n && b->digits[b->n - 1] == 0)
        b->n--;
    if (!b->n) {
        b->weight = 0;
        b->negative = false;
    }
}

static uint16_t *new_digits(cu_arena *a, int32_t n)
{
    return cu_arena_calloc(a, (size_t)(n > 0 ? n : 1), sizeof(uint16_t));
}

big cu_big_from(const cu_numeric *n, cu_arena *a)
{
    big b = {.scale = n->scale};
    CU_ASSERT(is_finite(n));
    if (n->form == CU_NUM_BIG) {
        b.digits = cu_arena_dup(a, n->digits, n->n_digits * sizeof(uint16_t));
        b.n = n->n_digits;
        b.weight = n->weight;
        b.negative = n->negative;
        return b;
    }
    u128 v = n->i < 0 ? -(u128)n->i : (u128)n->i;
    enum { ROOM = 12 };
    uint16_t *to = new_digits(a, ROOM);
    int32_t at = ROOM, cut = n->scale % 4;
    if (cut) { /* the digits behind the last whole group */
        uint64_t part = small_powers[cut];
        to[--at] = (uint16_t)((uint64_t)(v % part) * small_powers[4 - cut]);
        v /= part;
    }
    for (; v >> 64; v /= BIG_BASE)
        to[--at] = (uint16_t)(v % BIG_BASE);
    for (uint64_t low = (uint64_t)v; low; low /= BIG_BASE)
        to[--at] = (uint16_t)(low % BIG_BASE);
    b.digits = to + at;
    b.n = ROOM - at;
    b.weight = b.n - 1 - (n->scale + 3) / 4;
    b.negative = n->i < 0;
    strip(&b);
    return b;
}

big cu_big_from_u64(uint64_t v, cu_arena *a)
{
    cu_numeric n = {.i = (i128)v, .form = CU_NUM_INT};
    return cu_big_from(&n, a);
}

static int32_t digits_of(uint16_t d)
{
    return d >= 1000 ? 4 : d >= 100 ? 3 : d >= 10 ? 2 : 1;
}

/* The value x 10^scale, which has at most 38 digits. */
static u128 to_u128(const big *b)
{
    u128 v = 0;
    int32_t exponent = 4 * (b->weight + 1) + b->scale; /* of what is left */
    for (int32_t i = 0; i < b->n; i++) {
        exponent -= 4;
        if (exponent >= 0)
            v = v * BIG_BASE + b->digits[i];
        else
            v = v * small_powers[4 + exponent] +
                b->digits[i] / small_powers[-exponent];
    }
    return exponent > 0 ? v * cu_pow10_u128((unsigned)exponent) : v;
}

int cu_big_to(const big *from, cu_arena *a, cu_numeric *out, cu_err *err)
{
    big b = *from;
    memset(out, 0, sizeof(*out));
    strip(&b);
    if (b.weight > BIG_MAX_WEIGHT || b.scale > BIG_MAX_SCALE)
        return BAD_DATA(err, STATE_RANGE, "value overflows numeric format");
    out->scale = (uint16_t)b.scale;
    if (!b.n)
        return 0;
    int32_t total = 4 * b.weight + digits_of(b.digits[0]) + b.scale;
    if (total <= INT_MAX_DIGITS) {
        i128 v = (i128)to_u128(&b);
        out->i = b.negative ? -v : v;
        return 0;
    }
    out->form = CU_NUM_BIG;
    out->digits = cu_arena_dup(a, b.digits, (size_t)b.n * sizeof(uint16_t));
    out->n_digits = (uint16_t)b.n;
    out->weight = (int16_t)b.weight;
    out->negative = b.negative;
    return 0;
}

/* --- comparing ---------------------------------------------------------- */

int cu_big_cmp_abs(const big *x, const big *y)
{
    if (!x->n || !y->n)
        return (x->n > 0) - (y->n > 0);
    if (x->weight != y->weight)
        return x->weight < y->weight ? -1 : 1;
    for (int32_t i = 0; i < x->n && i < y->n; i++)
        if (x->digits[i] != y->digits[i])
            return x->digits[i] < y->digits[i] ? -1 : 1;
    return (x->n > y->n) - (x->n < y->n);
}

int cu_big_cmp(const big *x, const big *y)
{
    if (x->negative != y->negative)
        return x->negative ? -1 : 1;
    int order = cu_big_cmp_abs(x, y);
    return x->negative ? -order : order;
}

/* --- adding ------------------------------------------------------------- */

static int32_t digit_at(const big *b, int32_t weight)
{
    int32_t i = b->weight - weight;
    return i >= 0 && i < b->n ? b->digits[i] : 0;
}

/* |x| + sign x |y|; with a minus |x| >= |y|. */
static big combine(const big *x, const big *y, int sign, cu_arena *a)
{
    int32_t top = (x->weight > y->weight ? x->weight : y->weight) + 1;
    int32_t low_x = x->weight - x->n + 1, low_y = y->weight - y->n + 1;
    int32_t low = low_x < low_y ? low_x : low_y;
    big r = {.weight = top, .n = top - low + 1};
    r.scale = x->scale > y->scale ? x->scale : y->scale;
    r.digits = new_digits(a, r.n);
    int32_t carry = 0;
    for (int32_t w = low; w <= top; w++) {
        int32_t d = digit_at(x, w) + sign * digit_at(y, w) + carry;
        carry = d < 0 ? -1 : d >= BIG_BASE ? 1 : 0;
        r.digits[top - w] = (uint16_t)(d - carry * BIG_BASE);
    }
    CU_ASSERT(carry == 0);
    return r;
}

big cu_big_add(const big *x, const big *y, cu_arena *a)
{
    big r;
    if (x->negative == y->negative) {
        r = combine(x, y, 1, a);
        r.negative = x->negative;
    } else if (cu_big_cmp_abs(x, y) >= 0) {
        r = combine(x, y, -1, a);
        r.negative = x->negative;
    } else {
        r = combine(y, x, -1, a);
        r.negative = y->negative;
    }
    strip(&r);
    return r;
}

big cu_big_sub(const big *x, const big *y, cu_arena *a)
{
    big minus = *y;
    minus.negative = y->n && !y->negative;
    return cu_big_add(x, &minus, a);
}

/* --- multiplying -------------------------------------------------------- */

big cu_big_mul(const big *x, const big *y, cu_arena *a)
{
    big r = {.scale = x->scale + y->scale};
    if (!x->n || !y->n) {
        r.digits = new_digits(a, 1);
        return r;
    }
    r.n = x->n + y->n;
    r.weight = x->weight + y->weight + 1;
    r.negative = x->negative != y->negative;
    r.digits = new_digits(a, r.n);
    for (int32_t i = x->n - 1; i >= 0; i--) {
        uint32_t carry = 0, d = x->digits[i];
        uint16_t *to = r.digits + i + 1;
        for (int32_t j = y->n - 1; j >= 0; j--) {
            uint32_t v = to[j] + d * y->digits[j] + carry;
            carry = v / BIG_BASE;
            to[j] = (uint16_t)(v - carry * BIG_BASE);
        }
        to[-1] = (uint16_t)carry;
    }
    strip(&r);
    return r;
}

/* --- dividing ----------------------------------------------------------- */

/* q[0..n) = the first n digits of u / d. */
static void divide_short(const big *x, uint32_t d, uint16_t *q, int32_t n)
{
    uint32_t rest = 0;
    for (int32_t i = 0; i < n; i++) {
        rest = rest * BIG_BASE + (i < x->n ? x->digits[i] : 0);
        q[i] = (uint16_t)(rest / d);
        rest %= d;
    }
}

/* u[0..n] -= q x v[0..n); returns the borrow. */
static int32_t subtract_times(int32_t *u, const int32_t *v, int32_t n,
                              int32_t q)
{
    int32_t borrow = 0;
    for (int32_t j = n - 1; j >= 0; j--) {
        int32_t d = u[j + 1] - q * v[j] - borrow;
        borrow = d < 0 ? (-d + BIG_BASE - 1) / BIG_BASE : 0;
        u[j + 1] = d + borrow * BIG_BASE;
    }
    u[0] -= borrow;
    return u[0];
}

static void add_back(int32_t *u, const int32_t *v, int32_t n)
{
    int32_t carry = 0;
    for (int32_t j = n - 1; j >= 0; j--) {
        int32_t d = u[j + 1] + v[j] + carry;
        carry = d >= BIG_BASE;
        u[j + 1] = d - carry * BIG_BASE;
    }
    u[0] += carry;
}

/* Knuth's algorithm D. The divisor has at least two digits. */
static void divide_long(const big *x, const big *y, uint16_t *q, int32_t n,
                        cu_arena *a)
{
    int32_t ny = y->n, nu = n + ny;
    int32_t *u = cu_arena_calloc(a, (size_t)nu + 1, sizeof(*u));
    int32_t *v = cu_arena_calloc(a, (size_t)ny, sizeof(*v));
    int32_t factor = BIG_BASE / (y->digits[0] + 1), carry = 0;
    for (int32_t i = ny - 1; i >= 0; i--) {
        int32_t d = y->digits[i] * factor + carry;
        v[i] = d % BIG_BASE;
        carry = d / BIG_BASE;
    }
    carry = 0;
    for (int32_t i = nu - 1; i >= 0; i--) {
        int32_t d = (i < x->n ? x->digits[i] : 0) * factor + carry;
        u[i + 1] = d % BIG_BASE;
        carry = d / BIG_BASE;
    }
    u[0] = carry;
    for (int32_t i = 0; i < n; i++) {
        int32_t head = u[i] * BIG_BASE + u[i + 1];
        int32_t guess = head / v[0];
        if (guess >= BIG_BASE)
            guess = BIG_BASE - 1;
        while ((int64_t)guess * v[1] >
               (int64_t)(head - guess * v[0]) * BIG_BASE + u[i + 2])
            guess--;
        if (guess && subtract_times(u + i, v, ny, guess) < 0) {
            guess--;
            add_back(u + i, v, ny);
        }
        q[i] = (uint16_t)guess;
    }
}

big cu_big_div(const big *x, const big *y, int32_t scale, bool round,
               cu_arena *a)
{
    CU_ASSERT(y->n > 0);
    big r = {.weight = x->weight - y->weight};
    /* One group more than asked for: the rounding digit is in it. */
    int32_t n = r.weight + 1 + (scale + 3) / 4 + 1;
    if (!x->n || n <= 0) {
        r = (big){.digits = new_digits(a, 1), .scale = scale > 0 ? scale : 0};
        return r;
    }
    r.n = n;
    r.digits = new_digits(a, n);
    r.negative = x->negative != y->negative;
    r.scale = 4 * ((scale + 3) / 4 + 1);
    if (y->n == 1)
        divide_short(x, y->digits[0], r.digits, n);
    else
        divide_long(x, y, r.digits, n, a);
    strip(&r);
    return cu_big_round(&r, scale, round, a);
}

/* --- rounding ----------------------------------------------------------- */

big cu_big_round(const big *x, int32_t scale, bool round, cu_arena *a)
{
    big r = *x;
    r.scale = scale > 0 ? scale : 0;
    int32_t keep = 4 * (x->weight + 1) + scale; /* decimal digits */
    if (!x->n || keep < 0) {
        r.n = 0;
        strip(&r);
        return r;
    }
    int32_t groups = (keep + 3) / 4, part = keep % 4;
    if (groups > x->n || (groups == x->n && !part))
        return r;
    r.digits = new_digits(a, groups + 1) + 1; /* room for a carry */
    memcpy(r.digits, x->digits, (size_t)groups * sizeof(uint16_t));
    r.n = groups;
    bool up;
    if (part) {
        uint32_t unit = (uint32_t)small_powers[4 - part];
        uint32_t rest = r.digits[groups - 1] % unit;
        up = rest >= unit / 2;
        r.digits[groups - 1] = (uint16_t)(r.digits[groups - 1] - rest);
        if (round && up)
            r.digits[groups - 1] = (uint16_t)(r.digits[groups - 1] + unit);
    } else {
        up = x->digits[groups] >= BIG_BASE / 2;
        if (round && up)
            r.digits[groups - 1]++;
    }
    for (int32_t i = groups - 1; i >= 0 && r.digits[i] >= BIG_BASE; i--) {
        r.digits[i] = (uint16_t)(r.digits[i] - BIG_BASE);
        r.digits[i - 1]++; /* digits[-1] is the spare one */
    }
    if (r.digits[-1]) {
        r.digits--;
        r.n++;
        r.weight++;
    }
    strip(&r);
    return r;
}

double cu_big_to_double(const big *x)
{
    double v = 0;
    int32_t n = x->n < 6 ? x->n : 6;
    for (int32_t i = 0; i < n; i++)
        v = v * BIG_BASE + x->digits[i];
    v *= pow(BIG_BASE, x->weight - n + 1);
    return x->negative ? -v : v;
}
