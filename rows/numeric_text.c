/* Numerics as text and as bytes.
 *
 * Serial form, byte exact (formats.md draws it):
 *
 *   u8   form (3 bits) | scale << 3 (0..30), 31: a varint scale follows
 *   INT  zigzag varint of up to 128 bits
 *   BIG  u8 negative | svarint weight | varint n | n x u16 digits
 */
#include "rows/int.h"
#include "rows/numeric.h"
#include "rows/numeric_big.h"

/* --- serial ------------------------------------------------------------- */

enum { LONG_SCALE = 31 };

char *cu_numeric_write(const cu_numeric *n, char *p)
{
    unsigned scale = is_finite(n) ? n->scale : 0;
    *p++ = (char)(n->form | (scale < LONG_SCALE ? scale : (unsigned)LONG_SCALE)
                                << 3);
    if (scale >= LONG_SCALE)
        p = put_varint(p, scale);
    if (n->form == CU_NUM_INT && n->i == (int64_t)n->i) {
        int64_t v = (int64_t)n->i;
        return put_varint(p, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
    }
    if (n->form == CU_NUM_INT) {
        u128 z = (u128)n->i << 1 ^ (u128)(n->i >> 127);
        while (z >> 64) {
            *p++ = (char)((uint8_t)z | 0x80);
            z >>= 7;
        }
        return put_varint(p, (uint64_t)z);
    }
    if (n->form == CU_NUM_BIG) {
        *p++ = (char)n->negative;
        uint64_t w = (uint64_t)n->weight;
        p = put_varint(p, w << 1 ^ (uint64_t)((int64_t)n->weight >> 63));
        p = put_varint(p, n->n_digits);
        memcpy(p, n->digits, 2 * (size_t)n->n_digits);
        p += 2 * (size_t)n->n_digits;
    }
    return p;
}

void cu_numeric_put(const cu_numeric *n, cu_buf *out)
{
    char *p = cu_buf_reserve(out, cu_numeric_bound(n));
    out->len += (size_t)(cu_numeric_write(n, p) - p);
}

static bool get_int(cu_scan *s, cu_numeric *out)
{
    const char *p = s->p;
    uint64_t low = 0;
    u128 z = 0;
    for (unsigned shift = 0; shift < 128 && p < s->end; shift += 7) {
        uint8_t b = (uint8_t)*p++;
        if (shift < 56)
            z = low |= (uint64_t)(b & 0x7F) << shift;
        else
            z |= (u128)(b & 0x7F) << shift;
        if (b & 0x80)
            continue;
        s->p = p;
        out->i = (i128)(z >> 1) ^ -(i128)(z & 1);
        u128 v = out->i < 0 ? -(u128)out->i : (u128)out->i;
        return v < cu_pow10_u128(INT_MAX_DIGITS);
    }
    return false;
}

static bool get_big(cu_scan *s, cu_arena *a, cu_numeric *out)
{
    uint8_t negative = cu_scan_u8(s);
    int64_t weight = cu_scan_svarint(s);
    uint64_t n = cu_scan_varint(s);
    if (s->bad || negative > 1 || !n || n > UINT16_MAX || weight < INT16_MIN ||
        weight > INT16_MAX || 2 * n > cu_scan_left(s))
        return false;
    cu_slice bytes = cu_scan_bytes(s, 2 * (size_t)n);
    uint16_t *digits = cu_arena_dup(a, bytes.data, bytes.len);
    for (size_t i = 0; i < n; i++)
        if (digits[i] >= BIG_BASE)
            return false;
    if (!digits[0] || !digits[n - 1])
        return false;
    out->digits = digits;
    out->n_digits = (uint16_t)n;
    out->weight = (int16_t)weight;
    out->negative = negative;
    return true;
}

int cu_numeric_get(cu_scan *s, cu_arena *a, cu_numeric *out)
{
    memset(out, 0, sizeof(*out));
    uint8_t head = cu_scan_u8(s);
    uint64_t scale = head >> 3;
    if (scale == LONG_SCALE)
        scale = cu_scan_varint(s);
    out->form = head & 7;
    bool ok = !s->bad && out->form <= CU_NUM_NINF && scale <= BIG_MAX_SCALE;
    out->scale = (uint16_t)scale;
    if (ok && out->form == CU_NUM_INT)
        ok = get_int(s, out);
    else if (ok && out->form == CU_NUM_BIG)
        ok = get_big(s, a, out);
    if (!ok)
        s->bad = true;
    return ok ? 0 : CU_CORRUPT;
}

cu_numeric cu_numeric_copy(const cu_numeric *n, cu_arena *a)
{
    cu_numeric copy = *n;
    if (n->form == CU_NUM_BIG)
        copy.digits = cu_arena_dup(a, n->digits,
                                   n->n_digits * sizeof(uint16_t));
    return copy;
}

/* --- out ---------------------------------------------------------------- */

/* Decimal digits of v, most significant first; returns how many. */
static unsigned decimal(u128 v, char out[40])
{
    char tmp[40];
    unsigned n = 0;
    for (; v >> 64; v /= 10)
        tmp[n++] = (char)('0' + (unsigned)(v % 10));
    for (uint64_t low = (uint64_t)v; low; low /= 10)
        tmp[n++] = (char)('0' + low % 10);
    for (unsigned i = 0; i < n; i++)
        out[i] = tmp[n - 1 - i];
    return n;
}

static void out_int(const cu_numeric *n, cu_buf *out)
{
    char digits[40];
    u128 v = n->i < 0 ? -(u128)n->i : (u128)n->i;
    size_t count = decimal(v, digits), scale = n->scale;
    char *p = cu_buf_reserve(out, count + scale + 4), *start = p;
    if (n->i < 0)
        *p++ = '-';
    if (count > scale) {
        memcpy(p, digits, count - scale);
        p += count - scale;
    } else {
        *p++ = '0';
    }
    if (scale) {
        *p++ = '.';
        size_t shown = count < scale ? count : scale;
        memset(p, '0', scale - shown);
        memcpy(p + (scale - shown), digits + (count - shown), shown);
        p += scale;
    }
    out->len += (size_t)(p - start);
}

static char *put4(char *p, unsigned d)
{
    p[0] = (char)('0' + d / 1000);
    p[1] = (char)('0' + d / 100 % 10);
    p[2] = (char)('0' + d / 10 % 10);
    p[3] = (char)('0' + d % 10);
    return p + 4;
}

static unsigned big_digit(const cu_numeric *n, int32_t weight)
{
    int32_t i = n->weight - weight;
    return i >= 0 && i < n->n_digits ? n->digits[i] : 0;
}

static void out_big(const cu_numeric *n, cu_buf *out)
{
    size_t whole = n->weight >= 0 ? 4 * ((size_t)n->weight + 1) : 1;
    char *p = cu_buf_reserve(out, whole + n->scale + 8u), *start = p;
    if (n->negative)
        *p++ = '-';
    char *first = p;
    for (int32_t w = n->weight; w >= 0; w--)
        p = put4(p, big_digit(n, w));
    size_t zeros = 0;
    while (first + zeros < p && first[zeros] == '0')
        zeros++;
    memmove(first, first + zeros, (size_t)(p - first) - zeros);
    p -= zeros;
    if (p == first)
        *p++ = '0';
    if (n->scale) {
        *p++ = '.';
        char *point = p;
        for (int32_t w = -1; p < point + n->scale; w--)
            p = put4(p, big_digit(n, w));
        p = point + n->scale;
    }
    out->len += (size_t)(p - start);
}

void cu_numeric_out(const cu_numeric *n, cu_buf *out)
{
    switch ((enum cu_numeric_form)n->form) {
    case CU_NUM_INT:
        out_int(n, out);
        break;
    case CU_NUM_BIG:
        out_big(n, out);
        break;
    case CU_NUM_NAN:
        cu_buf_put_str(out, "NaN");
        break;
    case CU_NUM_PINF:
        cu_buf_put_str(out, "Infinity");
        break;
    case CU_NUM_NINF:
        cu_buf_put_str(out, "-Infinity");
        break;
    }
}

/* --- in ----------------------------------------------------------------- */

struct parts {
    bool negative;
    const char *digits; /* with a point somewhere among them */
    const char *end;
    int64_t whole;    /* digits before the point */
    int64_t fraction; /* behind it */
    int64_t exponent;
};

static bool split(cu_slice s, struct parts *out)
{
    const char *p = s.data, *end = p + s.len;
    *out = (struct parts){.negative = p < end && *p == '-'};
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    out->digits = p;
    while (p < end && is_digit(*p))
        p++;
    out->whole = p - out->digits;
    if (p < end && *p == '.') {
        const char *point = p++;
        while (p < end && is_digit(*p))
            p++;
        out->fraction = p - point - 1;
    }
    out->end = p;
    if (!out->whole && !out->fraction)
        return false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        bool minus = p < end && *p == '-';
        if (p < end && (*p == '-' || *p == '+'))
            p++;
        if (p == end)
            return false;
        for (; p < end && is_digit(*p); p++)
            if (out->exponent < 1000000000)
                out->exponent = out->exponent * 10 + (*p - '0');
        out->exponent = minus ? -out->exponent : out->exponent;
    }
    return p == end && (is_digit(p[-1]) || p[-1] == '.');
}

/* Up to 38 significant digits. */
static bool small_value(const struct parts *t, int64_t scale, cu_numeric *out)
{
    int64_t zeros = t->exponent - t->fraction + scale; /* to append */
    uint64_t low = 0;
    u128 v = 0;
    unsigned n = 0;
    for (const char *p = t->digits; p < t->end; p++) {
        if (*p == '.')
            continue;
        if (!n && *p == '0')
            continue;
        if (++n > INT_MAX_DIGITS)
            return false;
        uint64_t digit = (uint64_t)*p - '0';
        if (n <= 19)
            v = low = low * 10 + digit;
        else
            v = v * 10 + digit;
    }
    if (n && (int64_t)n + zeros > INT_MAX_DIGITS)
        return false;
    if (n && zeros > 0)
        v *= cu_pow10_u128((unsigned)zeros);
    out->i = t->negative ? -(i128)v : (i128)v;
    out->scale = (uint16_t)scale;
    return true;
}

static int big_value(const struct parts *t, int64_t scale, cu_arena *a,
                     cu_numeric *out, cu_err *err)
{
    int64_t point = t->whole + t->exponent; /* digits before the point */
    int64_t groups = point > 0 ? (point + 3) / 4 : -(-point / 4);
    int64_t lead = 4 * groups - point; /* zeros to fill the first group */
    int64_t n = (lead + t->whole + t->fraction + 3) / 4;
    uint16_t *digits = cu_arena_calloc(a, (size_t)n, sizeof(uint16_t));
    static const uint16_t units[4] = {1000, 100, 10, 1};
    int64_t at = lead;
    for (const char *p = t->digits; p < t->end; p++) {
        if (*p == '.')
            continue;
        digits[at / 4] = (uint16_t)(digits[at / 4] +
                                    (*p - '0') * units[at % 4]);
        at++;
    }
    if (groups - 1 > INT32_MAX / 2 || n > INT32_MAX / 2)
        return BAD_DATA(err, STATE_RANGE, "value overflows numeric format");
    big b = {digits, (int32_t)n, (int32_t)(groups - 1), (int32_t)scale,
             t->negative};
    return cu_big_to(&b, a, out, err);
}

static bool special(cu_slice s, cu_numeric *out)
{
    bool minus = s.len && s.data[0] == '-';
    cu_slice word = s;
    if (s.len && (s.data[0] == '-' || s.data[0] == '+'))
        word = (cu_slice){s.data + 1, s.len - 1};
    if (is_word(s, "nan")) {
        out->form = CU_NUM_NAN;
        return true;
    }
    if (is_word(word, "infinity") || is_word(word, "inf")) {
        out->form = minus ? CU_NUM_NINF : CU_NUM_PINF;
        return true;
    }
    return false;
}

int cu_numeric_in(cu_slice text, cu_arena *a, cu_numeric *out, cu_err *err)
{
    cu_slice s = trim(text);
    struct parts t;
    memset(out, 0, sizeof(*out));
    if (!s.len || !split(s, &t)) {
        if (s.len && special(s, out))
            return 0;
        return BAD_DATA(err, STATE_BAD_TEXT,
                        "invalid input syntax for type numeric: \"%.*s\"",
                        SHOWN(text));
    }
    int64_t scale = t.fraction - t.exponent;
    if (scale < 0)
        scale = 0;
    if (scale > BIG_MAX_SCALE)
        return BAD_DATA(err, STATE_RANGE, "value overflows numeric format");
    if (small_value(&t, scale, out))
        return 0;
    return big_value(&t, scale, a, out, err);
}
