/* Bytes as text and back: encode, decode, md5, to_hex, chr, quote_literal. */
#include "processors/expr/kernel.h"
#include "processors/expr/md5.h"

#define E_LIMIT CU_SQLSTATE('5', '4', '0', '0', '0')

static const char hex_digits[] = "0123456789abcdef";

/* --- hex, base64, escape: writing ------------------------------------ */

static void put_hex(cu_slice s, cu_buf *out)
{
    char *to = cu_buf_reserve(out, s.len * 2);
    for (size_t i = 0; i < s.len; i++) {
        *to++ = hex_digits[(unsigned char)s.data[i] >> 4];
        *to++ = hex_digits[(unsigned char)s.data[i] & 15];
    }
    out->len += s.len * 2;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Lines of 76 characters, as MIME wants them and PostgreSQL writes them. */
static void put_base64(cu_slice s, cu_buf *out)
{
    size_t line = 0;
    for (size_t i = 0; i < s.len; i += 3) {
        uint32_t v = 0;
        const size_t n = s.len - i < 3 ? s.len - i : 3;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (k < n ? (unsigned char)s.data[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            cu_buf_put_u8(
                out,
                k <= n ? (uint8_t)base64_digits[v >> (18 - 6 * k) & 63] : '=');
        line += 4;
        if (line == 76 && i + 3 < s.len + (n == 3)) {
            cu_buf_put_u8(out, '\n');
            line = 0;
        }
    }
}

static void put_escape(cu_slice s, cu_buf *out)
{
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char b = (unsigned char)s.data[i];
        if (b == 0 || b >= 0x80)
            cu_buf_printf(out, "\\%03o", b);
        else if (b == '\\')
            cu_buf_put_str(out, "\\\\");
        else
            cu_buf_put_u8(out, b);
    }
}

/* --- and reading ----------------------------------------------------- */

static int bad(cu_err *err, const char *format, int len, const char *what)
{
    cu_fail(err, CU_DATA, 0, format, len, what);
    err->sqlstate = CU_E_PARAMETER;
    return CU_DATA;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static int get_hex(cu_slice s, cu_buf *out, cu_err *err)
{
    for (size_t i = 0; i < s.len; i++) {
        if (blank(s.data[i]))
            continue;
        int high = hex_value(s.data[i]);
        if (high < 0)
            return bad(err, "invalid hexadecimal digit: \"%.*s\"",
                       (int)cu_utf8_size(s.data + i), s.data + i);
        if (++i >= s.len)
            return bad(err,
                       "invalid hexadecimal data: odd number of digits%.*s", 0,
                       "");
        int low = hex_value(s.data[i]);
        if (low < 0)
            return bad(err, "invalid hexadecimal digit: \"%.*s\"",
                       (int)cu_utf8_size(s.data + i), s.data + i);
        cu_buf_put_u8(out, (uint8_t)(high << 4 | low));
    }
    return 0;
}

static int get_base64(cu_slice s, cu_buf *out, cu_err *err)
{
    uint32_t v = 0;
    int digits = 0, ends = 0;
    for (size_t i = 0; i < s.len; i++) {
        const char ch = s.data[i];
        const char *at = ch ? strchr(base64_digits, ch) : NULL;
        if (blank(ch))
            continue;
        if (ch == '=') {
            if (!ends && digits < 2)
                return bad(err,
                           "unexpected \"=\" while decoding base64 "
                           "sequence%.*s",
                           0, "");
            ends = ends ? ends : digits == 2 ? 1 : 2;
            v <<= 6;
        } else if (at) {
            v = v << 6 | (uint32_t)(at - base64_digits);
        } else {
            return bad(err,
                       "invalid symbol \"%.*s\" found while decoding base64 "
                       "sequence",
                       (int)cu_utf8_size(s.data + i), s.data + i);
        }
        if (++digits < 4)
            continue;
        cu_buf_put_u8(out, (uint8_t)(v >> 16));
        if (ends == 0 || ends > 1)
            cu_buf_put_u8(out, (uint8_t)(v >> 8));
        if (ends == 0)
            cu_buf_put_u8(out, (uint8_t)v);
        v = 0;
        digits = 0;
    }
    if (digits)
        return bad(err, "invalid base64 end sequence%.*s", 0, "");
    return 0;
}

static bool octal(char c, char most)
{
    return c >= '0' && c <= most;
}

static int get_escape(cu_slice s, cu_buf *out, cu_err *err)
{
    for (size_t i = 0; i < s.len; i++) {
        const char *p = s.data + i;
        const size_t left = s.len - i;
        if (*p != '\\') {
            cu_buf_put_u8(out, (uint8_t)*p);
        } else if (left >= 4 && octal(p[1], '3') && octal(p[2], '7') &&
                   octal(p[3], '7')) {
            cu_buf_put_u8(out, (uint8_t)((p[1] - '0') << 6 | (p[2] - '0') << 3 |
                                         (p[3] - '0')));
            i += 3;
        } else if (left >= 2 && p[1] == '\\') {
            cu_buf_put_u8(out, '\\');
            i++;
        } else {
            cu_fail(err, CU_DATA, 0, "invalid input syntax for type bytea");
            err->sqlstate = CU_SQLSTATE('2', '2', 'P', '0', '2');
            return CU_DATA;
        }
    }
    return 0;
}

typedef struct format {
    const char *name;
    void (*put)(cu_slice, cu_buf *);
    int (*get)(cu_slice, cu_buf *, cu_err *);
} format;

static const format formats[] = {
    {"hex", put_hex, get_hex},
    {"base64", put_base64, get_base64},
    {"escape", put_escape, get_escape},
};

static const format *format_of(cu_call *c, uint32_t row, cu_slice name)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
        if (name.len == strlen(formats[i].name) &&
            !strncasecmp(name.data, formats[i].name, name.len))
            return &formats[i];
    cu_call_fail(c, row, CU_E_PARAMETER, "unrecognized encoding: \"%.*s\"",
                 (int)name.len, name.data);
    return NULL;
}

static void encode(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, name, c, 1);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const format *f = format_of(c, r, CU_AT(name, r));
        if (!f)
            continue;
        f->put(CU_AT(x, r), c->scratch);
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

static void decode(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, name, c, 1);
    size_t at = cu_text_start(c);
    cu_err err;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const format *f = format_of(c, r, CU_AT(name, r));
        if (!f)
            continue;
        if (f->get(CU_AT(x, r), c->scratch, &err)) {
            c->scratch->len = at;
            cu_call_fail_err(c, r, &err);
            continue;
        }
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

/* --- the rest -------------------------------------------------------- */

static void md5(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        uint8_t digest[16];
        cu_md5(CU_AT(x, r), digest);
        put_hex((cu_slice){(const char *)digest, 16}, c->scratch);
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

static void put_hex_number(uint64_t v, cu_buf *out)
{
    cu_buf_printf(out, "%llx", (unsigned long long)v);
}

#define TO_HEX(fn, T, U)                                    \
    static void fn(cu_call *c)                              \
    {                                                       \
        CU_ARG(T, x, c, 0);                                 \
        size_t at = cu_text_start(c);                       \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) { \
            put_hex_number((U)CU_AT(x, r), c->scratch);     \
            at = cu_text_row(c, r, at);                     \
        }                                                   \
        cu_text_finish(c);                                  \
    }
TO_HEX(to_hex_i4, int32_t, uint32_t)
TO_HEX(to_hex_i8, int64_t, uint64_t)

static int32_t ascii(cu_slice s)
{
    return s.len ? (int32_t)cu_utf8_get(s.data) : 0;
}

CU_UNARY_ROWS(ascii_kernel, cu_slice, int32_t, ascii)

static void chr(cu_call *c)
{
    CU_ARG(int32_t, x, c, 0);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const int32_t code = CU_AT(x, r);
        if (code < 0)
            cu_call_fail(c, r, CU_E_PARAMETER,
                         "character number must be positive");
        else if (code == 0)
            cu_call_fail(c, r, E_LIMIT, "null character not permitted");
        else if (code > 0x10FFFF)
            cu_call_fail(c, r, E_LIMIT,
                         "requested character too large for encoding: %d",
                         code);
        else if (code >= 0xD800 && code < 0xE000)
            cu_call_fail(c, r, E_LIMIT,
                         "requested character not valid for encoding: %d",
                         code);
        else {
            cu_utf8_put(c->scratch, (uint32_t)code);
            at = cu_text_row(c, r, at);
        }
    }
    cu_text_finish(c);
}

#define T  CU_T_TEXT
#define BY CU_T_BYTEA

static const cu_func list[] = {
    CU_FN("encode", T, encode, "bytes as hex, base64 or escape", BY, T),
    CU_FN("decode", BY, decode, "bytes from hex, base64 or escape", T, T),
    CU_FN("md5", T, md5, "MD5 hash in hex", T),
    CU_FN("md5", T, md5, "MD5 hash in hex", BY),
    CU_FN("to_hex", T, to_hex_i4, "hexadecimal digits", CU_T_INT4),
    CU_FN("to_hex", T, to_hex_i8, "hexadecimal digits", CU_T_INT8),
    CU_FN_TOTAL("ascii", CU_T_INT4, ascii_kernel,
                "code point of the first character", T),
    CU_FN("chr", T, chr, "the character of a code point", CU_T_INT4),
};
CU_PART(cu_part_encode, list);
