/* UTF-8 helpers, and the text functions that only cut: length, left, right,
 * substr, trim.  Their results borrow from their arguments. */
#include "processors/expr/text.h"

#include "processors/expr/kernel.h"

#define E_SUBSTRING CU_SQLSTATE('2', '2', '0', '1', '1')

static bool continues(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

size_t cu_utf8_length(cu_slice s)
{
    const uint64_t tops = UINT64_C(0x8080808080808080);
    size_t i = 0, more = 0;
    for (; i + 8 <= s.len; i += 8) {
        uint64_t v;
        memcpy(&v, s.data + i, 8);
        more += (size_t)__builtin_popcountll(v & ~(v << 1) & tops);
    }
    for (; i < s.len; i++)
        more += continues(s.data[i]);
    return s.len - more;
}

size_t cu_utf8_bytes(cu_slice s, size_t n)
{
    size_t at = 0;
    if (n >= s.len)
        return s.len;
    while (n-- && at < s.len)
        at += cu_utf8_size(s.data + at);
    return at;
}

size_t cu_utf8_bytes_before_last(cu_slice s, size_t n)
{
    size_t at = s.len;
    if (n >= s.len)
        return 0;
    while (n && at > 0)
        n -= !continues(s.data[--at]);
    return at;
}

uint32_t cu_utf8_get(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    if (b[0] < 0x80)
        return b[0];
    if (b[0] < 0xE0)
        return (b[0] & 0x1FU) << 6 | (b[1] & 0x3FU);
    if (b[0] < 0xF0)
        return (b[0] & 0x0FU) << 12 | (b[1] & 0x3FU) << 6 | (b[2] & 0x3FU);
    return (b[0] & 0x07U) << 18 | (b[1] & 0x3FU) << 12 | (b[2] & 0x3FU) << 6 |
           (b[3] & 0x3FU);
}

void cu_utf8_put(cu_buf *out, uint32_t code)
{
    if (code < 0x80) {
        cu_buf_put_u8(out, (uint8_t)code);
    } else if (code < 0x800) {
        cu_buf_put_u8(out, (uint8_t)(0xC0 | code >> 6));
        cu_buf_put_u8(out, (uint8_t)(0x80 | (code & 0x3F)));
    } else if (code < 0x10000) {
        cu_buf_put_u8(out, (uint8_t)(0xE0 | code >> 12));
        cu_buf_put_u8(out, (uint8_t)(0x80 | (code >> 6 & 0x3F)));
        cu_buf_put_u8(out, (uint8_t)(0x80 | (code & 0x3F)));
    } else {
        cu_buf_put_u8(out, (uint8_t)(0xF0 | code >> 18));
        cu_buf_put_u8(out, (uint8_t)(0x80 | (code >> 12 & 0x3F)));
        cu_buf_put_u8(out, (uint8_t)(0x80 | (code >> 6 & 0x3F)));
        cu_buf_put_u8(out, (uint8_t)(0x80 | (code & 0x3F)));
    }
}

size_t cu_find(cu_slice in, cu_slice what, size_t from)
{
    if (what.len > in.len || from > in.len - what.len)
        return SIZE_MAX;
    if (what.len == 0)
        return from;
    const char *p = memmem(in.data + from, in.len - from, what.data, what.len);
    return p ? (size_t)(p - in.data) : SIZE_MAX;
}

/* --- lengths --------------------------------------------------------- */

static int32_t length(cu_slice s)
{
    return (int32_t)cu_utf8_length(s);
}

static int32_t bytes(cu_slice s)
{
    return (int32_t)s.len;
}

static int32_t bits(cu_slice s)
{
    return (int32_t)(s.len * 8);
}

CU_UNARY_ROWS(length_kernel, cu_slice, int32_t, length)
CU_UNARY_ROWS(bytes_kernel, cu_slice, int32_t, bytes)
CU_UNARY_ROWS(bits_kernel, cu_slice, int32_t, bits)

/* --- left, right, substr --------------------------------------------- */

/* A negative n counts from the other end. */
static cu_slice left(cu_slice s, int32_t n)
{
    if (n >= 0)
        return (cu_slice){s.data, cu_utf8_bytes(s, (size_t)n)};
    return (cu_slice){s.data,
                      cu_utf8_bytes_before_last(s, (size_t) - (int64_t)n)};
}

static cu_slice right(cu_slice s, int32_t n)
{
    size_t at = n >= 0 ? cu_utf8_bytes_before_last(s, (size_t)n)
                       : cu_utf8_bytes(s, (size_t) - (int64_t)n);
    return (cu_slice){s.data + at, s.len - at};
}

/* Characters from..end-1, counted from 1; both may lie outside. */
static cu_slice text_part(cu_slice s, int64_t from, int64_t end)
{
    if (from < 1)
        from = 1;
    if (end <= from)
        return (cu_slice){s.data, 0};
    size_t skip = cu_utf8_bytes(s, (size_t)(from - 1));
    cu_slice rest = {s.data + skip, s.len - skip};
    rest.len = cu_utf8_bytes(rest, (size_t)(end - from));
    return rest;
}

static cu_slice bytea_part(cu_slice s, int64_t from, int64_t end)
{
    if (from < 1)
        from = 1;
    if (end > (int64_t)s.len + 1)
        end = (int64_t)s.len + 1;
    if (end <= from)
        return (cu_slice){s.data, 0};
    return (cu_slice){s.data + from - 1, (size_t)(end - from)};
}

typedef cu_slice part_fn(cu_slice s, int64_t from, int64_t end);

static void substr(cu_call *c, part_fn *part)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(int32_t, from, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        int64_t end = INT64_MAX;
        if (c->n_args == 3) {
            int32_t n = CU_COL(c->args[2], int32_t)[cu_col_at(c->args[2], r)];
            if (n < 0)
                cu_call_fail(c, r, E_SUBSTRING,
                             "negative substring length not allowed");
            end = (int64_t)CU_AT(from, r) + n;
        }
        CU_OUT(cu_slice, c)[r] = part(CU_AT(x, r), CU_AT(from, r), end);
    }
}

static void text_substr(cu_call *c)
{
    substr(c, text_part);
}

static void bytea_substr(cu_call *c)
{
    substr(c, bytea_part);
}

CU_BINARY_ROWS(left_kernel, cu_slice, int32_t, cu_slice, left)
CU_BINARY_ROWS(right_kernel, cu_slice, int32_t, cu_slice, right)

/* --- trim ------------------------------------------------------------ */

enum { LEFT = 1, RIGHT = 2 };

static bool among(cu_slice set, const char *p, size_t size)
{
    for (size_t i = 0; i < set.len; i += cu_utf8_size(set.data + i))
        if (cu_utf8_size(set.data + i) == size &&
            !memcmp(set.data + i, p, size))
            return true;
    return false;
}

static cu_slice trim(cu_slice s, cu_slice set, int sides)
{
    while ((sides & LEFT) && s.len) {
        size_t size = cu_utf8_size(s.data);
        if (!among(set, s.data, size))
            break;
        s.data += size;
        s.len -= size;
    }
    while ((sides & RIGHT) && s.len) {
        size_t at = cu_utf8_bytes_before_last(s, 1);
        if (!among(set, s.data + at, s.len - at))
            break;
        s.len = at;
    }
    return s;
}

static void trim_rows(cu_call *c, int sides)
{
    CU_ARG(cu_slice, x, c, 0);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_slice set = CU_LIT(" ");
        if (c->n_args == 2)
            set = CU_COL(c->args[1], cu_slice)[cu_col_at(c->args[1], r)];
        CU_OUT(cu_slice, c)[r] = trim(CU_AT(x, r), set, sides);
    }
}

static void btrim(cu_call *c)
{
    trim_rows(c, LEFT | RIGHT);
}

static void ltrim(cu_call *c)
{
    trim_rows(c, LEFT);
}

static void rtrim(cu_call *c)
{
    trim_rows(c, RIGHT);
}

#define T  CU_T_TEXT
#define I4 CU_T_INT4
#define BY CU_T_BYTEA

static const cu_func list[] = {
    CU_FN_TOTAL("length", I4, length_kernel, "characters", T),
    CU_FN_TOTAL("char_length", I4, length_kernel, "characters", T),
    CU_FN_TOTAL("character_length", I4, length_kernel, "characters", T),
    CU_FN_TOTAL("octet_length", I4, bytes_kernel, "bytes", T),
    CU_FN_TOTAL("bit_length", I4, bits_kernel, "bits", T),
    CU_FN_TOTAL("length", I4, bytes_kernel, "bytes", BY),
    CU_FN_TOTAL("octet_length", I4, bytes_kernel, "bytes", BY),
    CU_FN_TOTAL("bit_length", I4, bits_kernel, "bits", BY),
    CU_FN_TOTAL("left", T, left_kernel,
                "first n characters; n < 0: all but the last", T, I4),
    CU_FN_TOTAL("right", T, right_kernel,
                "last n characters; n < 0: all but the first", T, I4),
    CU_FN("substr", T, text_substr, "from a place to the end", T, I4),
    CU_FN("substr", T, text_substr, "n characters from a place", T, I4, I4),
    CU_FN("substring", T, text_substr, "from a place to the end", T, I4),
    CU_FN("substring", T, text_substr, "n characters from a place", T, I4, I4),
    CU_FN("substr", BY, bytea_substr, "from a place to the end", BY, I4),
    CU_FN("substr", BY, bytea_substr, "n bytes from a place", BY, I4, I4),
    CU_FN("substring", BY, bytea_substr, "from a place to the end", BY, I4),
    CU_FN("substring", BY, bytea_substr, "n bytes from a place", BY, I4, I4),
    CU_FN_TOTAL("btrim", T, btrim, "without blanks at both ends", T),
    CU_FN_TOTAL("btrim", T, btrim, "without these characters at both ends", T,
                T),
    CU_FN_TOTAL("ltrim", T, ltrim, "without blanks at the start", T),
    CU_FN_TOTAL("ltrim", T, ltrim, "without these characters at the start", T,
                T),
    CU_FN_TOTAL("rtrim", T, rtrim, "without blanks at the end", T),
    CU_FN_TOTAL("rtrim", T, rtrim, "without these characters at the end", T, T),
};
CU_PART(cu_part_text, list);
