/* Floats as text: exact in, shortest out.
 *
 * In: up to 15 digits and a small power of ten are one exact multiplication
 * or division; the rest goes to strtod(), which glibc rounds correctly.
 *
 * Out: the fewest digits that read back as the same number, the closest of
 * those, and never a decimal that lies exactly between two floats (a reader
 * would need round-to-even to get it right; PostgreSQL avoids them too).
 * Prices, counts and measurements have at most 15 digits and are found by
 * scaling to an integer; only the others are tried with 15, 16, 17 digits.
 */
#include "base/alloc.h"
#include "rows/int.h"
#include "rows/text.h"
#include "rows/text_int.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { MOST_POWER = 22 };

/* What differs between the two widths. */
struct width {
    const char *name;
    int digits;      /* decimals of so many digits survive a round trip */
    int most_digits; /* so many digits always suffice */
    int plain;       /* exponents below this are written without e */
    int mantissa;    /* bits */
    int64_t exact;   /* integers below this are exact */
    int exact_power; /* so is 10^this */
    int least;       /* exponent of the smallest normal number, frexp's */
};
static const struct width real = {"real",           6,  9,   6, 24,
                                  INT64_C(1) << 24, 10, -125};
static const struct width dbl = {"double precision", 15, 17,   15, 53,
                                 INT64_C(1) << 53,   22, -1021};

/* --- in --------------------------------------------------------------------
 */

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
        v = (double)(exponent < 0 ? (float)m / (float)powers[-exponent]
                                  : (float)m * (float)powers[exponent]);
    else
        v = exponent < 0 ? v / powers[-exponent] : v * powers[exponent];
    *out = minus ? -v : v;
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
    errno = 0;
    double v = w == &real ? (double)strtof(text, &end) : strtod(text, &end);
    *range = errno == ERANGE && (v == 0 || isinf(v));
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

/* --- out: layout -------------------------------------------------------------
 */

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

/* --- out: digits
 * ---------------------------------------------------------------- */

/* A decimal of at most w->digits digits that is exactly this number. */
static bool few_digits(double v, const struct width *w, struct decimal *d)
{
    double most = powers[w->digits];
    for (int k = 0; k <= w->exact_power; k++) {
        double scaled = v * powers[k];
        if (scaled >= most)
            return false;
        double whole = (double)(int64_t)(scaled + 0.5);
        double back = whole / powers[k];
        if (w == &real ? (float)back == (float)v : back == v) {
            if (whole == 0)
                return false;
            set_digits(d, (uint64_t)whole, k);
            return true;
        }
    }
    return false;
}

static u128 odd_part(u128 v)
{
    while (!((uint64_t)v & 1))
        v >>= 1;
    return v;
}

static u128 power_of_5(int n)
{
    u128 v = 1;
    while (n-- > 0)
        v *= 5;
    return v;
}

/* Whether digits x 10^e10 is exactly half way between v and a neighbour.
 * They are close to each other, so comparing the odd parts suffices. */
static bool is_midpoint(uint64_t digits, int e10, double v,
                        const struct width *w)
{
    if (e10 > 27 || e10 < -27)
        return false;
    int exponent;
    double fraction = frexp(v, &exponent);
    int bits = w->mantissa;
    if (exponent < w->least) /* denormal */
        bits -= w->least - exponent;
    uint64_t m = (uint64_t)ldexp(fraction, bits);
    u128 mine = digits, up = 2 * (u128)m + 1, down = 2 * (u128)m - 1;
    if (m == UINT64_C(1) << (w->mantissa - 1))
        down = 4 * (u128)m - 1; /* the neighbour below is closer */
    if (e10 >= 0) {
        mine *= power_of_5(e10);
    } else {
        up *= power_of_5(-e10);
        down *= power_of_5(-e10);
    }
    mine = odd_part(mine);
    return mine == odd_part(up) || mine == odd_part(down);
}

static double reread(uint64_t digits, int e10, const struct width *w,
                     cu_buf *tmp)
{
    cu_buf_clear(tmp);
    cu_buf_printf(tmp, "%llue%d", (unsigned long long)digits, e10);
    cu_buf_put_u8(tmp, 0);
    return w == &real ? (double)strtof(tmp->data, NULL)
                      : strtod(tmp->data, NULL);
}

/* The n-digit decimal closest to v, if it reads back as v. */
static bool try_digits(double v, int n, const struct width *w, cu_buf *tmp,
                       struct decimal *d)
{
    cu_buf_clear(tmp);
    cu_buf_printf(tmp, "%.*e", n - 1, v);
    cu_buf_put_u8(tmp, 0);
    uint64_t digits = 0;
    const char *p = tmp->data;
    for (; *p != 'e'; p++)
        if (is_digit(*p))
            digits = digits * 10 + (uint64_t)(*p - '0');
    int e10 = atoi(p + 1) - (n - 1);
    /* Below a power of two the gap is half as wide as above it, so that the
     * closest decimal may miss where the next one up still hits. */
    for (int step = 0; step < 2; step++, digits++) {
        if (reread(digits, e10, w, tmp) == v &&
            (n == w->most_digits || !is_midpoint(digits, e10, v, w))) {
            set_digits(d, digits, -e10);
            return true;
        }
    }
    return false;
}

static void many_digits(double v, const struct width *w, struct decimal *d)
{
    cu_buf tmp = {0};
    int exponent;
    frexp(v, &exponent);
    int n = exponent < w->least ? 1 : w->digits;
    while (n < w->most_digits && !try_digits(v, n, w, &tmp, d))
        n++;
    if (n == w->most_digits)
        try_digits(v, n, w, &tmp, d);
    cu_buf_free(&tmp);
}

static void put_float(double v, const struct width *w, cu_buf *out)
{
    struct decimal d;
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
    } else if (v < powers[w->plain] && v == (double)(int64_t)v) {
        cu_int8_out((int64_t)v, out);
    } else {
        if (!few_digits(v, w, &d))
            many_digits(v, w, &d);
        put_decimal(&d, w, out);
    }
}

void cu_float8_out(double v, cu_buf *out)
{
    put_float(v, &dbl, out);
}

void cu_float4_out(float v, cu_buf *out)
{
    put_float((double)v, &real, out);
}
