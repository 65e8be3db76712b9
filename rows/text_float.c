/* Floats as text: exact in, shortest out.
 *
 * In: up to 15 digits and a small power of ten are one exact multiplication
 * or division; the rest goes to strtod(), which glibc rounds correctly.
 *
 * Out: the fewest digits that read back as the same number, the closest of
 * those, and never a decimal that lies exactly between two floats (a reader
 * would need round-to-even to get it right; PostgreSQL avoids them too).
 * The digits are found with Raffaello Giulietti's Schubfach: scale the
 * number and the ends of its rounding interval by one power of ten, to 64
 * bits that keep a sticky bit for what was cut off, and look whether a
 * multiple of ten, else an integer, lies inside.  The 617 powers with 128
 * bits each are computed exactly on first use.
 */
#include "base/alloc.h"
#include "rows/int.h"
#include "rows/text.h"
#include "rows/text_int.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

/* Powers of ten that a double holds exactly. */
static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                              1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                              1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* What differs between the two widths. */
struct width {
    const char *name;
    int mantissa;     /* stored bits */
    int bias;         /* of the exponent of an integer mantissa */
    int plain;        /* exponents of ten below this are written without e */
    double plain_end; /* 10^plain */
    int64_t exact;    /* integers up to this are exact */
    int exact_power;  /* so is 10^this */
};
static const struct width real = {"real",           23, 150, 6, 1e6,
                                  INT64_C(1) << 24, 10};
static const struct width dbl = {"double precision", 52, 1075, 15, 1e15,
                                 INT64_C(1) << 53,   22};

/* --- in ----------------------------------------------------------------- */

/* [-]digits[.digits][e[+-]digits] with few digits; false: take the slow
 * road. */
static bool read_fast(cu_slice s, const struct width *w, double *out)
{
    const char *p = s.data, *end = p + s.len;
    bool minus = p < end && *p == '-';
    p += minus;
    const char *start = p;
    int64_t m = 0;
    int exponent = 0, n = 0;
    for (; p < end && is_digit(*p) && n < 18; p++, n++)
        m = m * 10 + (*p - '0');
    if (p == start)
        return false;
    if (p < end && *p == '.') {
        const char *point = ++p;
        for (; p < end && is_digit(*p) && n < 18; p++, n++)
            m = m * 10 + (*p - '0');
        exponent = (int)(point - p);
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        bool down = ++p < end && *p == '-';
        if (p < end && (*p == '-' || *p == '+'))
            p++;
        start = p;
        int e = 0;
        for (; p < end && is_digit(*p) && e < 1000; p++)
            e = e * 10 + (*p - '0');
        if (p == start)
            return false;
        exponent += down ? -e : e;
    }
    if (p < end || m > w->exact || exponent > w->exact_power ||
        exponent < -w->exact_power)
        return false;
    double v = (double)m;
    if (w == &real) /* one rounding only */
        v = (double)(exponent < 0 ? (float)m / (float)tens[-exponent]
                                  : (float)m * (float)tens[exponent]);
    else
        v = exponent < 0 ? v / tens[-exponent] : v * tens[exponent];
    *out = minus ? -v : v;
    return true;
}

static bool says_digit(cu_slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (is_digit(s.data[i]))
            return true;
    return false;
}

/* No digit but 0 in front of the exponent (decimal or hexadecimal). */
static bool says_zero(cu_slice s)
{
    bool hex = s.len > 2 && memchr(s.data, 'x', s.len);
    for (size_t i = 0; i < s.len; i++) {
        char c = to_lower(s.data[i]);
        if (c == (hex ? 'p' : 'e'))
            break;
        if ((c >= '1' && c <= '9') || (c >= 'a' && c <= 'f'))
            return false;
    }
    return true;
}

/* The C library's idea of the number; *used: how far it read. */
static double read_slow(cu_slice s, const struct width *w, size_t *used,
                        bool *range)
{
    char few[128], *text = s.len < sizeof(few) ? few : cu_alloc(s.len + 1);
    char *end;
    memcpy(text, s.data, s.len);
    text[s.len] = 0;
    double v = w == &real ? (double)strtof(text, &end) : strtod(text, &end);
    *range = (v == 0 && !says_zero(s)) || (isinf(v) && says_digit(s));
    *used = (size_t)(end - text);
    if (text != few)
        cu_free(text);
    return v;
}

static int read_float(cu_slice text, const struct width *w, double *out,
                      cu_err *err)
{
    cu_slice s = trim(text);
    size_t used;
    bool range;
    if (read_fast(s, w, out))
        return 0;
    *out = s.len ? read_slow(s, w, &used, &range) : 0;
    if (!s.len || used != s.len)
        return BAD_DATA(err, STATE_BAD_TEXT,
                        "invalid input syntax for type %s: \"%.*s\"", w->name,
                        SHOWN(text));
    if (range)
        return BAD_DATA(err, STATE_RANGE,
                        "\"%.*s\" is out of range for type %s", SHOWN(s),
                        w->name);
    return 0;
}

int cu_float4_in(cu_slice text, float *out, cu_err *err)
{
    double v;
    int rc = read_float(text, &real, &v, err);
    if (!rc)
        *out = (float)v;
    return rc;
}

int cu_float8_in(cu_slice text, double *out, cu_err *err)
{
    return read_float(text, &dbl, out, err);
}

/* --- out: layout -------------------------------------------------------- */

/* 0.d1d2d3… x 10^point. */
struct decimal {
    char digits[24];
    int n;
    int point;
};

static void put_decimal(const struct decimal *d, const struct width *w,
                        cu_buf *out)
{
    int exponent = d->point - 1;
    char *p = cu_buf_reserve(out, 48), *start = p;
    if (exponent < -4 || exponent >= w->plain) {
        *p++ = d->digits[0];
        if (d->n > 1) {
            *p++ = '.';
            memcpy(p, d->digits + 1, (size_t)d->n - 1);
            p += d->n - 1;
        }
        *p++ = 'e';
        *p++ = exponent < 0 ? '-' : '+';
        out->len += (size_t)(p - start);
        cu_rows_put_padded(out, (uint64_t)abs(exponent), 2);
        return;
    }
    int i = 0;
    if (d->point <= 0)
        *p++ = '0';
    for (; i < d->point; i++)
        *p++ = i < d->n ? d->digits[i] : '0';
    if (d->n > d->point) {
        *p++ = '.';
        for (int k = d->point; k < 0; k++)
            *p++ = '0';
        for (; i < d->n; i++)
            *p++ = d->digits[i];
    }
    out->len += (size_t)(p - start);
}

static void set_digits(struct decimal *d, uint64_t v, int behind_point)
{
    char tmp[24];
    int n = 0;
    for (; v; v /= 10)
        tmp[n++] = (char)('0' + v % 10);
    for (int i = 0; i < n; i++)
        d->digits[i] = tmp[n - 1 - i];
    d->n = n;
    d->point = n - behind_point;
    while (d->n > 1 && d->digits[d->n - 1] == '0')
        d->n--;
}

/* --- out: powers of ten ------------------------------------------------- */

enum { LEAST_POWER = -292, MOST_POWER = 324, WORDS = 20 };

/* 10^e = bits x 2^(floor(log2(10^e)) - 127), rounded up to 128 bits. */
static struct power {
    uint64_t high, low;
} powers[MOST_POWER - LEAST_POWER + 1];
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The top 128 bits of a number whose highest word is words[n - 1]. */
static struct power top_bits(const uint64_t *words, int n, bool cut)
{
    int shift = __builtin_clzll(words[n - 1]);
    uint64_t w[3] = {words[n - 1], n > 1 ? words[n - 2] : 0,
                     n > 2 ? words[n - 3] : 0};
    struct power p = {w[0], w[1]};
    if (shift) {
        p.high = w[0] << shift | w[1] >> (64 - shift);
        p.low = w[1] << shift | w[2] >> (64 - shift);
    }
    cut = cut || w[2] << shift;
    for (int i = 0; i < n - 3; i++)
        cut = cut || words[i];
    if (cut && ++p.low == 0)
        p.high++;
    return p;
}

static void make_powers(void)
{
    uint64_t words[WORDS] = {1};
    int n = 1;
    for (int e = 0; e <= MOST_POWER; e++) {
        powers[e - LEAST_POWER] = top_bits(words, n, false);
        u128 carry = 0;
        for (int i = 0; i < n; i++) {
            carry += (u128)words[i] * 10;
            words[i] = (uint64_t)carry;
            carry >>= 64;
        }
        if (carry)
            words[n++] = (uint64_t)carry;
    }
    memset(words, 0, sizeof(words)); /* 2^1216, far above 10^292 x 2^128 */
    words[WORDS - 1] = 1;
    n = WORDS;
    for (int e = -1; e >= LEAST_POWER; e--) {
        u128 rest = 0;
        for (int i = n - 1; i >= 0; i--) {
            rest = rest << 64 | words[i];
            words[i] = (uint64_t)(rest / 10);
            rest %= 10;
        }
        while (!words[n - 1])
            n--;
        powers[e - LEAST_POWER] = top_bits(words, n, true);
    }
}

/* --- out: digits -------------------------------------------------------- */

/* floor(e x log2(10)) */
static int log2_of_power(int e)
{
    return (e * 1741647) >> 19;
}

/* floor(power x v / 2^128), with the lowest bit set when that was cut. */
static uint64_t scaled(struct power p, uint64_t v)
{
    u128 low = (u128)p.low * v;
    u128 high = (u128)p.high * v + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* c x 2^q, c > 0 -> digits x 10^*e10. `closer`: the float below is half as
 * far away as the one above. */
static uint64_t shortest(uint64_t c, int q, bool closer, int *e10)
{
    /* floor(log10(2^q)), or of 3/4 of it. */
    int k = (q * 1262611 - (closer ? 524031 : 0)) >> 22;
    int shift = q + log2_of_power(-k) + 1;
    struct power p = powers[-k - LEAST_POWER];
    /* Four times the number and the ends of its interval, times 10^-k; the
     * ends themselves are outside. */
    uint64_t low = scaled(p, (4 * c - 2 + closer) << shift) + 1;
    uint64_t mid = scaled(p, (4 * c) << shift);
    uint64_t high = scaled(p, (4 * c + 2) << shift) - 1;
    uint64_t s = mid / 4, ten = s / 10;
    *e10 = k + 1;
    if (ten) {
        bool down = low <= 40 * ten, up = 40 * ten + 40 <= high;
        if (down != up)
            return ten + up;
    }
    *e10 = k;
    bool down = low <= 4 * s, up = 4 * s + 4 <= high;
    if (down != up)
        return s + up;
    uint64_t half = 4 * s + 2;
    return s + (mid > half || (mid == half && (s & 1)));
}

static void put_float(double v, uint64_t bits, const struct width *w,
                      cu_buf *out)
{
    if (isnan(v)) {
        cu_buf_put_str(out, "NaN");
        return;
    }
    if (signbit(v)) {
        cu_buf_put_u8(out, '-');
        v = -v;
    }
    if (isinf(v)) {
        cu_buf_put_str(out, "Infinity");
        return;
    }
    if (v < w->plain_end && v == (double)(int64_t)v) {
        cu_int8_out((int64_t)v, out);
        return;
    }
    uint64_t c = bits & ((UINT64_C(1) << w->mantissa) - 1);
    int e = (int)(bits >> w->mantissa) & (w == &real ? 0xFF : 0x7FF);
    bool closer = c == 0 && e > 1;
    if (e)
        c |= UINT64_C(1) << w->mantissa;
    int e10;
    pthread_once(&once, make_powers);
    uint64_t digits = shortest(c, (e ? e : 1) - w->bias, closer, &e10);
    struct decimal d;
    set_digits(&d, digits, -e10);
    put_decimal(&d, w, out);
}

void cu_float8_out(double v, cu_buf *out)
{
    uint64_t bits;
    memcpy(&bits, &v, 8);
    put_float(v, bits, &dbl, out);
}

void cu_float4_out(float v, cu_buf *out)
{
    uint32_t bits;
    memcpy(&bits, &v, 4);
    put_float((double)v, bits, &real, out);
}
