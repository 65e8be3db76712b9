/* Integers, booleans and uuids as text; helpers to write digits. */
#include "rows/int.h"
#include "rows/text.h"
#include "rows/text_int.h"

static const char pairs[201] = "00010203040506070809101112131415161718192021"
                               "22232425262728293031323334353637383940414243"
                               "44454647484950515253545556575859606162636465"
                               "66676869707172737475767778798081828384858687"
                               "888990919293949596979899";

/* Writes v so that it ends before `end`; returns its start. */
static char *digits_before(char *end, uint64_t v)
{
    while (v >= 100) {
        end -= 2;
        memcpy(end, pairs + 2 * (v % 100), 2);
        v /= 100;
    }
    if (v >= 10) {
        end -= 2;
        memcpy(end, pairs + 2 * v, 2);
    } else {
        *--end = (char)('0' + v);
    }
    return end;
}

void cu_int8_out(int64_t v, cu_buf *out)
{
    char text[24], *end = text + sizeof(text);
    char *p = digits_before(end, v < 0 ? -(uint64_t)v : (uint64_t)v);
    if (v < 0)
        *--p = '-';
    cu_buf_put(out, p, (size_t)(end - p));
}

void cu_rows_put_padded(cu_buf *out, uint64_t v, int width)
{
    char text[24], *end = text + sizeof(text);
    char *p = digits_before(end, v);
    while (end - p < width)
        *--p = '0';
    cu_buf_put(out, p, (size_t)(end - p));
}

/* --- integers ----------------------------------------------------------- */

static int bad_int(cu_slice text, const char *type, bool range, cu_err *err)
{
    if (range)
        return BAD_DATA(err, STATE_RANGE,
                        "value \"%.*s\" is out of range for type %s",
                        SHOWN(text), type);
    return BAD_DATA(err, STATE_BAD_TEXT,
                    "invalid input syntax for type %s: \"%.*s\"", type,
                    SHOWN(text));
}

static int read_int(cu_slice text, int64_t most, const char *type, int64_t *out,
                    cu_err *err)
{
    const char *p = text.data, *end = p + text.len;
    while (p < end && is_space(*p))
        p++;
    bool minus = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    const char *start = p;
    uint64_t v = 0, limit = (uint64_t)most + minus;
    for (; p < end && is_digit(*p); p++) {
        uint64_t d = (uint64_t)(*p - '0');
        if (v > (limit - d) / 10)
            return bad_int(text, type, true, err);
        v = v * 10 + d;
    }
    if (p == start)
        return bad_int(text, type, false, err);
    while (p < end && is_space(*p))
        p++;
    if (p < end)
        return bad_int(text, type, false, err);
    *out = minus ? (int64_t)-v : (int64_t)v;
    return 0;
}

int cu_int2_in(cu_slice text, int16_t *out, cu_err *err)
{
    int64_t v;
    int rc = read_int(text, INT16_MAX, "smallint", &v, err);
    if (!rc)
        *out = (int16_t)v;
    return rc;
}

int cu_int4_in(cu_slice text, int32_t *out, cu_err *err)
{
    int64_t v;
    int rc = read_int(text, INT32_MAX, "integer", &v, err);
    if (!rc)
        *out = (int32_t)v;
    return rc;
}

int cu_int8_in(cu_slice text, int64_t *out, cu_err *err)
{
    /* Up to 18 plain digits cannot overflow. */
    const char *p = text.data, *end = p + text.len;
    bool minus = text.len && *p == '-';
    p += minus;
    if (end - p > 0 && end - p <= 18) {
        int64_t v = 0;
        while (p < end && is_digit(*p))
            v = v * 10 + (*p++ - '0');
        if (p == end) {
            *out = minus ? -v : v;
            return 0;
        }
    }
    return read_int(text, INT64_MAX, "bigint", out, err);
}

/* --- booleans ----------------------------------------------------------- */

/* `s` is the beginning of `word` and at least `least` long. */
static bool begins(cu_slice s, const char *word, size_t least)
{
    if (s.len < least || s.len > strlen(word))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (to_lower(s.data[i]) != word[i])
            return false;
    return true;
}

int cu_bool_in(cu_slice text, uint8_t *out, cu_err *err)
{
    cu_slice s = trim(text);
    if (begins(s, "true", 1) || begins(s, "yes", 1) || begins(s, "on", 2) ||
        begins(s, "1", 1)) {
        *out = 1;
        return 0;
    }
    if (begins(s, "false", 1) || begins(s, "no", 1) || begins(s, "off", 2) ||
        begins(s, "0", 1)) {
        *out = 0;
        return 0;
    }
    return bad_int(text, "boolean", false, err);
}

/* --- hexadecimal -------------------------------------------------------- */

static int hex_of(char c)
{
    if (is_digit(c))
        return c - '0';
    c = to_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Braces around are fine, and a hyphen after every fourth digit. */
int cu_uuid_in(cu_slice text, cu_uuid *out, cu_err *err)
{
    const char *p = text.data, *end = p + text.len;
    bool braces = text.len && *p == '{';
    p += braces;
    for (int i = 0; i < 16; i++) {
        int high = end - p >= 2 ? hex_of(p[0]) : -1;
        int low = end - p >= 2 ? hex_of(p[1]) : -1;
        if (high < 0 || low < 0)
            return bad_int(text, "uuid", false, err);
        out->b[i] = (uint8_t)(high << 4 | low);
        p += 2;
        if (i % 2 && i < 15 && p < end && *p == '-')
            p++;
    }
    if (braces && p < end && *p == '}')
        p++, braces = false;
    return p == end && !braces ? 0 : bad_int(text, "uuid", false, err);
}

static int hex_bytes(cu_slice s, cu_arena *a, cu_slice *out, cu_err *err)
{
    char *to = cu_arena_alloc(a, s.len / 2 + 1), *start = to;
    const char *p = s.data, *end = p + s.len;
    while (p < end) {
        if (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r') {
            p++;
            continue;
        }
        int high = hex_of(*p++);
        if (p == end && high >= 0)
            return BAD_DATA(err, STATE_PARAMETER,
                            "invalid hexadecimal data: odd number of digits");
        int low = high < 0 ? 0 : hex_of(*p++);
        if (high < 0 || low < 0) {
            cu_slice bad = {p - 1, 1};
            while ((unsigned char)bad.data[0] >= 0xC0 && p < end &&
                   ((unsigned char)*p & 0xC0) == 0x80)
                p++, bad.len++;
            return BAD_DATA(err, STATE_PARAMETER,
                            "invalid hexadecimal digit: \"%.*s\"", SHOWN(bad));
        }
        *to++ = (char)(high << 4 | low);
    }
    *out = cu_slice_n(start, (size_t)(to - start));
    return 0;
}

static bool is_octal(const char *p)
{
    return p[0] >= '0' && p[0] <= '3' && p[1] >= '0' && p[1] <= '7' &&
           p[2] >= '0' && p[2] <= '7';
}

/* "\x6162", or the escape form: \\ and \ooo. */
int cu_bytea_in(cu_slice text, cu_arena *a, cu_slice *out, cu_err *err)
{
    if (text.len >= 2 && text.data[0] == '\\' && text.data[1] == 'x')
        return hex_bytes((cu_slice){text.data + 2, text.len - 2}, a, out, err);
    if (!text.len || !memchr(text.data, '\\', text.len)) {
        *out = (cu_slice){text.data ? text.data : "", text.len};
        return 0;
    }
    char *to = cu_arena_alloc(a, text.len), *start = to;
    const char *p = text.data, *end = p + text.len;
    while (p < end) {
        if (*p != '\\') {
            *to++ = *p++;
        } else if (end - p >= 4 && is_octal(p + 1)) {
            *to++ = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 |
                           (p[3] - '0'));
            p += 4;
        } else if (end - p >= 2 && p[1] == '\\') {
            *to++ = '\\';
            p += 2;
        } else {
            return BAD_DATA(err, STATE_BAD_TEXT,
                            "invalid input syntax for type bytea");
        }
    }
    *out = cu_slice_n(start, (size_t)(to - start));
    return 0;
}

static void put_hex(const uint8_t *p, size_t n, cu_buf *out)
{
    static const char hex[] = "0123456789abcdef";
    char *to = cu_buf_reserve(out, 2 * n);
    for (size_t i = 0; i < n; i++) {
        to[2 * i] = hex[p[i] >> 4];
        to[2 * i + 1] = hex[p[i] & 15];
    }
    out->len += 2 * n;
}

void cu_rows_bytea_out(cu_slice s, cu_buf *out)
{
    cu_buf_put(out, "\\x", 2);
    put_hex((const uint8_t *)s.data, s.len, out);
}

void cu_rows_uuid_out(const cu_uuid *v, cu_buf *out)
{
    static const uint8_t groups[] = {4, 2, 2, 2, 6};
    const uint8_t *p = v->b;
    for (int i = 0; i < 5; i++) {
        if (i)
            cu_buf_put_u8(out, '-');
        put_hex(p, groups[i], out);
        p += groups[i];
    }
}
