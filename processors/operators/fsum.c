/* Exact sums of doubles.
 *
 * Every finite double is a whole number of 2^-1074; a sum of them is a whole
 * number of at most 2,098 bits plus what the count adds.  It is kept as limbs
 * of 32 bits in 64-bit integers, only the window that the values reach:
 *
 *   limb number    0 … 31      32       33       34  …  68
 *                          [  lo  | lo + 1 | lo + 2 ]
 *
 * A value has 53 bits; times a weight (31 bits) and shifted to a limb boundary
 * (31 bits) it spans four limbs.  Each addition changes a limb by less than
 * 2^32, so carries may wait for 2^30 additions.
 *
 * A product of two doubles has 106 bits and is a whole number of 2^-2148: sums
 * of products are the same limbs with that unit, up to twice as many of them.
 *
 * The canonical form is sign and magnitude without zero limbs at the ends; it
 * is what is stored, so that a group which returns to an earlier sum returns
 * to earlier bytes.
 */
#include "processors/operators/fsum.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <math.h>

enum {
    LIMB_BITS = 32,
    SPAN = 4,         /* limbs that one addition touches */
    VALUE_LIMBS = 72, /* 2,098 bits, 63 bits of count, sign */
    MAX_LIMBS = 140,  /* products: 4,196 bits, and the same */
    MAX_ADDS = 1 << 30,
    LOWEST = -1074,         /* exponent of bit 0 */
    LOWEST_PRODUCT = -2148, /* the same of products */
};

typedef unsigned __int128 u128;

typedef struct magnitude {
    uint32_t limbs[MAX_LIMBS];
    uint32_t lo, n; /* limbs[0 … n) stand for limb numbers lo … */
    bool negative;
} magnitude;

void cu_fsum_free(cu_fsum *s)
{
    cu_free(s->limbs);
    *s = (cu_fsum){0};
}

/* Propagates carries; the top limb keeps the sign. */
static void settle(cu_fsum *s)
{
    int64_t carry = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        int64_t v = s->limbs[i] + carry;
        if (i + 1 == s->n) {
            s->limbs[i] = v;
        } else {
            s->limbs[i] = v & 0xFFFFFFFF;
            carry = v >> LIMB_BITS;
        }
    }
    s->n_adds = 0;
}

/* The window shall hold limbs [from, to). */
static void widen(cu_fsum *s, uint32_t from, uint32_t to)
{
    if (s->n && s->lo < from)
        from = s->lo;
    if (s->n && (uint32_t)(s->lo + s->n) > to)
        to = (uint32_t)(s->lo + s->n);
    CU_ASSERT(to <= MAX_LIMBS);
    int64_t *limbs = cu_calloc(to - from, sizeof(*limbs));
    if (s->n)
        memcpy(limbs + (s->lo - from), s->limbs, s->n * sizeof(*limbs));
    cu_free(s->limbs);
    s->limbs = limbs;
    s->lo = (uint16_t)from;
    s->n = (uint16_t)(to - from);
}

/* A finite double as digits x 2^(place + LOWEST). */
static uint64_t digits_at(double x, uint32_t *place, bool *negative)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    uint32_t exponent = (uint32_t)(bits >> 52 & 0x7FF);
    uint64_t digits = bits & ((UINT64_C(1) << 52) - 1);
    CU_ASSERT_SLOW(exponent != 0x7FF);
    if (exponent)
        digits |= UINT64_C(1) << 52;
    *place = exponent ? exponent - 1 : 0;
    *negative = bits >> 63;
    return digits;
}

/* Adds w times digits x 2^place; digits, |w| and the shift to a limb boundary
 * are at most 64 + 31 + 31 bits. */
static void add_digits(cu_fsum *s, uint64_t digits, uint32_t place,
                       bool negative, int32_t w)
{
    uint64_t times = (uint64_t)(w < 0 ? -(int64_t)w : w);
    u128 v = (u128)digits * times << place % LIMB_BITS;
    uint32_t first = place / LIMB_BITS;
    negative = negative ^ (w < 0);
    if (v == 0)
        return;
    if (first < s->lo || first + SPAN + 1 > (uint32_t)(s->lo + s->n))
        widen(s, first, first + SPAN + 1);
    int64_t *limb = s->limbs + (first - s->lo);
    for (int i = 0; i < SPAN; i++) {
        int64_t part = (int64_t)(uint32_t)(v >> i * LIMB_BITS);
        limb[i] += negative ? -part : part;
    }
    if (++s->n_adds == MAX_ADDS)
        settle(s);
}

void cu_fsum_add(cu_fsum *s, double x, int32_t w)
{
    uint32_t place;
    bool negative;
    uint64_t digits = digits_at(x, &place, &negative);
    add_digits(s, digits, place, negative, w);
}

void cu_fsum_add_product(cu_fsum *s, double x, double y, int32_t w)
{
    uint32_t x_place, y_place;
    bool x_negative, y_negative;
    u128 v = (u128)digits_at(x, &x_place, &x_negative) *
             digits_at(y, &y_place, &y_negative);
    uint32_t place = x_place + y_place;
    bool negative = x_negative ^ y_negative;
    add_digits(s, (uint64_t)v, place, negative, w);
    add_digits(s, (uint64_t)(v >> 64), place + 64, negative, w);
}

/* --- canonical form ------------------------------------------------------ */

/* One pass of carries over `limbs` into 32-bit digits; the carry left over. */
static int64_t digits_of(const cu_fsum *s, bool negate, uint32_t *out)
{
    int64_t carry = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        int64_t v = (negate ? -s->limbs[i] : s->limbs[i]) + carry;
        out[i] = (uint32_t)v;
        carry = v >> LIMB_BITS;
    }
    return carry;
}

static void canonical(const cu_fsum *s, magnitude *m)
{
    int64_t carry = digits_of(s, false, m->limbs);
    m->negative = carry < 0;
    if (m->negative)
        carry = digits_of(s, true, m->limbs);
    m->n = s->n;
    m->lo = s->lo;
    while (carry > 0) {
        CU_ASSERT(m->n < MAX_LIMBS);
        m->limbs[m->n++] = (uint32_t)carry;
        carry >>= LIMB_BITS;
    }
    while (m->n && m->limbs[m->n - 1] == 0)
        m->n--;
    uint32_t zeros = 0;
    while (zeros < m->n && m->limbs[zeros] == 0)
        zeros++;
    memmove(m->limbs, m->limbs + zeros, (m->n - zeros) * sizeof(*m->limbs));
    m->n -= zeros;
    m->lo = m->n ? m->lo + zeros : 0;
}

void cu_fsum_put(const cu_fsum *s, cu_buf *out)
{
    magnitude m;
    canonical(s, &m);
    cu_buf_put_u8(out, m.negative && m.n);
    cu_buf_put_varint(out, m.lo);
    cu_buf_put_varint(out, m.n);
    for (uint32_t i = 0; i < m.n; i++)
        cu_buf_put_u32le(out, m.limbs[i]);
}

static bool get(cu_fsum *s, cu_scan *from, uint32_t most)
{
    uint8_t negative = cu_scan_u8(from);
    uint64_t lo = cu_scan_varint(from);
    uint64_t n = cu_scan_varint(from);
    if (from->bad || negative > 1 || n > most - 3 || lo > most - 3 - n)
        return false;
    if (n == 0)
        return true;
    uint32_t top = (uint32_t)(lo + n);
    widen(s, (uint32_t)lo, top + 1);
    for (uint32_t i = 0; i < n; i++) {
        int64_t limb = cu_scan_u32le(from);
        s->limbs[i] = negative ? -limb : limb;
    }
    return !from->bad;
}

bool cu_fsum_get(cu_fsum *s, cu_scan *from)
{
    return get(s, from, VALUE_LIMBS);
}

bool cu_fsum_get_products(cu_fsum *s, cu_scan *from)
{
    return get(s, from, MAX_LIMBS);
}

/* The `count` (<= 64) highest bits from bit number `top` down. */
static uint64_t bits_below(const magnitude *m, uint32_t top, uint32_t count)
{
    uint64_t v = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = top - i;
        v = v << 1 | (m->limbs[at / LIMB_BITS] >> at % LIMB_BITS & 1);
    }
    return v;
}

static bool any_bit_below(const magnitude *m, uint32_t end)
{
    for (uint32_t i = 0; i < end / LIMB_BITS; i++)
        if (m->limbs[i])
            return true;
    uint32_t rest = end % LIMB_BITS;
    return rest && (m->limbs[end / LIMB_BITS] & ((1u << rest) - 1));
}

/* The nearest whole number of 53 bits; the value is it times 2^*scale. */
static double value_of(const magnitude *m, int lowest, int *scale)
{
    *scale = 0;
    if (m->n == 0)
        return 0;
    uint32_t length = m->n * LIMB_BITS -
                      (uint32_t)__builtin_clz(m->limbs[m->n - 1]);
    int base = lowest + (int)(m->lo * LIMB_BITS);
    uint32_t take = length < 53 ? length : 53;
    uint64_t v = bits_below(m, length - 1, take);
    uint32_t left = length - take; /* bits that do not fit */
    if (left) {
        bool half = bits_below(m, left - 1, 1);
        if (half && (any_bit_below(m, left - 1) || (v & 1)))
            v++;
    }
    *scale = base + (int)left;
    return m->negative ? -(double)v : (double)v;
}

double cu_fsum_value(const cu_fsum *s)
{
    magnitude m;
    int scale;
    canonical(s, &m);
    double x = value_of(&m, LOWEST, &scale);
    return ldexp(x, scale);
}

/* --- xy - x y / n -------------------------------------------------------- */

enum { WIDE = MAX_LIMBS + 8 };

/* out += a b, limb numbers added; `out` has WIDE limbs from number 0. */
static void multiply(const magnitude *a, const uint32_t *b, uint32_t b_lo,
                     uint32_t b_n, uint32_t *out)
{
    for (uint32_t i = 0; i < a->n; i++) {
        uint32_t *to = out + a->lo + i + b_lo;
        uint64_t carry = 0;
        for (uint32_t k = 0; k < b_n; k++) {
            carry += (uint64_t)a->limbs[i] * b[k] + to[k];
            to[k] = (uint32_t)carry;
            carry >>= LIMB_BITS;
        }
        for (uint32_t k = b_n; carry; k++) {
            carry += to[k];
            to[k] = (uint32_t)carry;
            carry >>= LIMB_BITS;
        }
    }
}

static int compare(const uint32_t *a, const uint32_t *b)
{
    for (int i = WIDE - 1; i >= 0; i--)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

/* a = |a ± b|, where a is not smaller when it is a difference. */
static void combine(uint32_t *a, const uint32_t *b, bool minus)
{
    int64_t carry = 0;
    for (int i = 0; i < WIDE; i++) {
        carry += (int64_t)a[i] + (minus ? -(int64_t)b[i] : (int64_t)b[i]);
        a[i] = (uint32_t)carry;
        carry >>= LIMB_BITS;
    }
}

static void trimmed(const uint32_t *wide, magnitude *m)
{
    uint32_t lo = 0, end = WIDE;
    while (end > 0 && wide[end - 1] == 0)
        end--;
    while (lo < end && wide[lo] == 0)
        lo++;
    m->lo = lo;
    m->n = end - lo;
    CU_ASSERT(m->n <= MAX_LIMBS);
    memcpy(m->limbs, wide + lo, m->n * sizeof(*wide));
}

double cu_fsum_spread(const cu_fsum *xy, const cu_fsum *x, const cu_fsum *y,
                      int64_t n)
{
    uint32_t first[WIDE] = {0}, second[WIDE] = {0};
    const uint32_t count[2] = {(uint32_t)n, (uint32_t)((uint64_t)n >> 32)};
    magnitude a, b, c;
    int scale;
    canonical(xy, &a);
    canonical(x, &b);
    canonical(y, &c);
    multiply(&a, count, 0, 2, first);
    multiply(&b, c.limbs, c.lo, c.n, second);
    bool negative = a.negative;
    bool minus = a.negative == (b.negative ^ c.negative);
    if (minus && compare(first, second) < 0) {
        combine(second, first, true);
        trimmed(second, &a);
        negative = !negative;
    } else {
        combine(first, second, minus);
        trimmed(first, &a);
    }
    a.negative = negative;
    double v = value_of(&a, LOWEST_PRODUCT, &scale);
    return ldexp(v / (double)n, scale);
}
