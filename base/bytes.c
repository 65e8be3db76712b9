/* Bytes: comparing slices, growing buffers, reading untrusted input.
 *
 * Encodings used all over the tree (drawn here once):
 *
 *     varint   7 bits per byte, low first, high bit = more follows; at most
 *              ten bytes, the tenth at most 1
 *     svarint  varint of (v << 1) ^ (v >> 63)
 *     lslice   varint 0 = absent | varint len + 1, then `len` bytes
 *
 * A scan that went bad stays at its end, so that loops over it terminate.
 */
#include "base/bytes.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>

bool cu_slice_eq(cu_slice a, cu_slice b)
{
    if (!a.data || !b.data)
        return !a.data && !b.data;
    return a.len == b.len && (a.len == 0 || !memcmp(a.data, b.data, a.len));
}

int cu_slice_cmp(cu_slice a, cu_slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.data, b.data, len) : 0;
    if (order)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool cu_slice_is(cu_slice a, const char *s)
{
    return cu_slice_eq(a, cu_slice_of(s));
}

/* --- a growing buffer ------------------------------------------------- */

void cu_buf_free(cu_buf *b)
{
    cu_free(b->data);
    *b = (cu_buf){0};
}

static void grow(cu_buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need)
        cap += cap;
    b->data = cu_realloc(b->data, cap);
    b->cap = cap;
}

char *cu_buf_reserve(cu_buf *b, size_t extra)
{
    CU_ASSERT(extra <= SIZE_MAX / 4);
    if (b->cap - b->len < extra || !b->data)
        grow(b, b->len + extra);
    return b->data + b->len;
}

void cu_buf_put(cu_buf *b, const void *p, size_t len)
{
    char *to = cu_buf_reserve(b, len);
    if (len)
        memcpy(to, p, len);
    b->len += len;
}

void cu_buf_put_slice(cu_buf *b, cu_slice s)
{
    cu_buf_put(b, s.data, s.len);
}

void cu_buf_put_str(cu_buf *b, const char *s)
{
    cu_buf_put(b, s, strlen(s));
}

void cu_buf_put_u8(cu_buf *b, uint8_t v)
{
    *cu_buf_reserve(b, 1) = (char)v;
    b->len++;
}

/* The low `n` bytes of v, lowest first. */
static void put_le(cu_buf *b, uint64_t v, size_t n)
{
    char *to = cu_buf_reserve(b, n);
    for (size_t i = 0; i < n; i++)
        to[i] = (char)(v >> (8 * i) & 0xff);
    b->len += n;
}

static void put_be(cu_buf *b, uint64_t v, size_t n)
{
    char *to = cu_buf_reserve(b, n);
    for (size_t i = 0; i < n; i++)
        to[i] = (char)(v >> (8 * (n - 1 - i)) & 0xff);
    b->len += n;
}

void cu_buf_put_u16le(cu_buf *b, uint16_t v)
{
    put_le(b, v, 2);
}

void cu_buf_put_u32le(cu_buf *b, uint32_t v)
{
    put_le(b, v, 4);
}

void cu_buf_put_u64le(cu_buf *b, uint64_t v)
{
    put_le(b, v, 8);
}

void cu_buf_put_u16be(cu_buf *b, uint16_t v)
{
    put_be(b, v, 2);
}

void cu_buf_put_u32be(cu_buf *b, uint32_t v)
{
    put_be(b, v, 4);
}

void cu_buf_put_u64be(cu_buf *b, uint64_t v)
{
    put_be(b, v, 8);
}

void cu_buf_put_varint(cu_buf *b, uint64_t v)
{
    char *to = cu_buf_reserve(b, 10);
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        to[n++] = (char)((v & 0x7f) | 0x80);
    to[n++] = (char)v;
    b->len += n;
}

void cu_buf_put_svarint(cu_buf *b, int64_t v)
{
    uint64_t sign = v < 0 ? UINT64_MAX : 0;
    cu_buf_put_varint(b, ((uint64_t)v << 1) ^ sign);
}

void cu_buf_put_lslice(cu_buf *b, cu_slice s)
{
    if (!s.data) {
        cu_buf_put_u8(b, 0);
        return;
    }
    cu_buf_put_varint(b, (uint64_t)s.len + 1);
    cu_buf_put(b, s.data, s.len);
}

void cu_buf_printf(cu_buf *b, const char *format, ...)
{
    va_list ap;
    cu_buf_reserve(b, 1);
    va_start(ap, format);
    int len = vsnprintf(b->data + b->len, b->cap - b->len, format, ap);
    va_end(ap);
    CU_ASSERT(len >= 0);
    if ((size_t)len >= b->cap - b->len) {
        cu_buf_reserve(b, (size_t)len + 1);
        va_start(ap, format);
        vsnprintf(b->data + b->len, b->cap - b->len, format, ap);
        va_end(ap);
    }
    b->len += (size_t)len;
}

/* --- reading untrusted bytes ------------------------------------------ */

cu_scan cu_scan_of(cu_slice s)
{
    const char *p = s.data ? s.data : "";
    return (cu_scan){p, p + (s.data ? s.len : 0), false};
}

/* `n` bytes, or NULL and `bad`. */
static const unsigned char *take(cu_scan *s, size_t n)
{
    if (cu_scan_left(s) < n) {
        s->bad = true;
        s->p = s->end;
        return NULL;
    }
    const char *p = s->p;
    s->p += n;
    return (const unsigned char *)p;
}

static uint64_t scan_le(cu_scan *s, size_t n)
{
    const unsigned char *p = take(s, n);
    uint64_t v = 0;
    for (size_t i = n; p && i > 0; i--)
        v = v << 8 | p[i - 1];
    return v;
}

static uint64_t scan_be(cu_scan *s, size_t n)
{
    const unsigned char *p = take(s, n);
    uint64_t v = 0;
    for (size_t i = 0; p && i < n; i++)
        v = v << 8 | p[i];
    return v;
}

uint8_t cu_scan_u8(cu_scan *s)
{
    const unsigned char *p = take(s, 1);
    return p ? *p : 0;
}

uint16_t cu_scan_u16le(cu_scan *s)
{
    return (uint16_t)scan_le(s, 2);
}

uint32_t cu_scan_u32le(cu_scan *s)
{
    return (uint32_t)scan_le(s, 4);
}

uint64_t cu_scan_u64le(cu_scan *s)
{
    return scan_le(s, 8);
}

uint16_t cu_scan_u16be(cu_scan *s)
{
    return (uint16_t)scan_be(s, 2);
}

uint32_t cu_scan_u32be(cu_scan *s)
{
    return (uint32_t)scan_be(s, 4);
}

uint64_t cu_scan_u64be(cu_scan *s)
{
    return scan_be(s, 8);
}

uint64_t cu_scan_varint(cu_scan *s)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && s->p < s->end; shift += 7) {
        uint64_t byte = (unsigned char)*s->p++;
        if (shift == 63 && byte > 1)
            break;
        v |= (byte & 0x7f) << shift;
        if (byte < 0x80)
            return v;
    }
    s->bad = true;
    s->p = s->end;
    return 0;
}

int64_t cu_scan_svarint(cu_scan *s)
{
    uint64_t v = cu_scan_varint(s);
    return (int64_t)(v >> 1 ^ (~(v & 1) + 1));
}

cu_slice cu_scan_bytes(cu_scan *s, size_t len)
{
    const unsigned char *p = take(s, len);
    return p ? cu_slice_n(p, len) : cu_slice_n("", 0);
}

cu_slice cu_scan_lslice(cu_scan *s)
{
    uint64_t n = cu_scan_varint(s);
    if (s->bad)
        return cu_slice_n("", 0);
    if (n == 0)
        return CU_NULL_SLICE;
    return cu_scan_bytes(s, (size_t)(n - 1));
}
