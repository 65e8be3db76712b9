/* Key bytes: memcmp order is ORDER BY order, equality is SQL equality.
 *
 * A batch of keys is written column by column: the first pass adds up the
 * length of every key, the second writes each column's part behind the one
 * before it.  That needs lengths that are known beforehand, so keys with a
 * numeric, jsonb, bytea or array column are written row by row instead.
 *
 *   tag 0x01 value, 0x02 null (nulls last); 0x00 null, 0x01 value (first)
 *   bool       u8                    intN, date, time, timestamp  sign
 *   float      IEEE bits big endian,        flipped, big endian
 *              sign (all when < 0) flipped
 *   text       bytes, 00 -> 00 FF, end 00 00        uuid  16 bytes
 *   interval   i128 microseconds, 30 days a month   numeric, jsonb: theirs
 *   array      per element 0x01 value | 0x02 null; 0x00 ends
 *
 * K1  No key is a prefix of another of the same columns: every variable
 *     part has a terminator that sorts below all that may follow.
 * K2  -0 is written as 0 and every NaN as one NaN.
 */
#include "rows/key.h"

#include "rows/array.h"
#include "rows/int.h"
#include "rows/json.h"
#include "rows/key_int.h"
#include "rows/numeric.h"
#include "rows/numeric_big.h"

enum { TAG_NULL_FIRST = 0, TAG_VALUE = 1, TAG_NULL_LAST = 2 };

static char null_tag(uint16_t flags)
{
    return flags & CU_NULLS_FIRST ? TAG_NULL_FIRST : TAG_NULL_LAST;
}

/* --- fixed widths ------------------------------------------------------- */

static uint32_t float4_bits(float f)
{
    uint32_t u;
    if (f == 0)
        f = 0; /* -0; K2 */
    memcpy(&u, &f, 4);
    if (f != f)
        u = UINT32_C(0x7FC00000);
    return u & UINT32_C(0x80000000) ? ~u : u | UINT32_C(0x80000000);
}

static uint64_t float8_bits(double f)
{
    uint64_t u;
    if (f == 0)
        f = 0;
    memcpy(&u, &f, 8);
    if (f != f)
        u = UINT64_C(0x7FF8000000000000);
    return u >> 63 ? ~u : u | UINT64_C(1) << 63;
}

i128 cu_interval_span(const cu_interval *v)
{
    i128 days = (i128)v->months * 30 + v->days;
    return days * INT64_C(86400000000) + v->us;
}

/* Writes the key form of a fixed-width value; every case is a few moves. */
static inline char *put_fixed(uint8_t kind, const void *v, char *p)
{
    switch (fixed_key_class(kind)) {
    case KEY_U8:
        *p = *(const char *)v;
        return p + 1;
    case KEY_I16: {
        uint16_t u;
        memcpy(&u, v, 2);
        u = __builtin_bswap16((uint16_t)(u ^ 0x8000));
        memcpy(p, &u, 2);
        return p + 2;
    }
    case KEY_I32: {
        uint32_t u;
        memcpy(&u, v, 4);
        store32be(p, u ^ UINT32_C(0x80000000));
        return p + 4;
    }
    case KEY_I64:
        store64be(p, load64(v) ^ UINT64_C(1) << 63);
        return p + 8;
    case KEY_F32:
        store32be(p, float4_bits(*(const float *)v));
        return p + 4;
    case KEY_F64:
        store64be(p, float8_bits(*(const double *)v));
        return p + 8;
    case KEY_INTERVAL: {
        u128 u = (u128)cu_interval_span(v) ^ (u128)1 << 127;
        store64be(p, (uint64_t)(u >> 64));
        store64be(p + 8, (uint64_t)u);
        return p + 16;
    }
    case KEY_RAW16:
        memcpy(p, v, 16);
        return p + 16;
    case KEY_VARIABLE:
        break;
    }
    return p;
}

/* --- variable widths ---------------------------------------------------- */

void cu_key_put_bytes(cu_slice s, cu_buf *out)
{
    const char *p = s.data, *end = p + s.len;
    while (p < end) {
        const char *zero = memchr(p, 0, (size_t)(end - p));
        size_t run = (size_t)((zero ? zero : end) - p);
        cu_buf_put(out, p, run);
        p += run;
        if (zero) {
            cu_buf_put_u8(out, 0);
            cu_buf_put_u8(out, 0xFF);
            p++;
        }
    }
    cu_buf_put_u16be(out, 0);
}

static void put_value(uint8_t kind, const void *v, cu_buf *out);

static void put_array(cu_slice array, cu_buf *out)
{
    cu_array_iter it = cu_array_iter_of(array);
    cu_arena *scratch = it.elem.kind == CU_T_NUMERIC ? cu_arena_new(0) : NULL;
    cu_value v;
    while (cu_array_next(&it, scratch, &v)) {
        cu_buf_put_u8(out, v.null ? TAG_NULL_LAST : TAG_VALUE);
        if (!v.null)
            put_value(v.type.kind, value_ptr(&v), out);
    }
    cu_buf_put_u8(out, 0);
    if (scratch)
        cu_arena_free(scratch);
}

static void put_value(uint8_t kind, const void *v, cu_buf *out)
{
    size_t width = fixed_width(kind);
    if (width) {
        char *p = cu_buf_reserve(out, width);
        out->len += (size_t)(put_fixed(kind, v, p) - p);
    } else if (kind == CU_T_NUMERIC) {
        cu_numeric_key(v, out);
    } else if (kind == CU_T_JSONB) {
        cu_json_key(*(const cu_slice *)v, out);
    } else if (kind == CU_T_ARRAY) {
        put_array(*(const cu_slice *)v, out);
    } else {
        CU_ASSERT(kind == CU_T_TEXT || kind == CU_T_BYTEA);
        cu_key_put_bytes(*(const cu_slice *)v, out);
    }
}

/* Tag, value, direction. */
static void put_part(uint8_t kind, const void *v, uint16_t flags, cu_buf *out)
{
    cu_buf_put_u8(out, TAG_VALUE);
    size_t start = out->len;
    put_value(kind, v, out);
    if (flags & CU_DESC)
        for (size_t i = start; i < out->len; i++)
            out->data[i] = (char)~out->data[i];
}

void cu_key_encode_value(const cu_value *v, uint16_t flags, cu_buf *out)
{
    if (v->null)
        cu_buf_put_u8(out, (uint8_t)null_tag(flags));
    else
        put_part(v->type.kind, value_ptr(v), flags, out);
}

void cu_key_encode(const cu_batch *b, uint32_t row, const cu_key_col *cols,
                   uint32_t n, cu_buf *out)
{
    for (uint32_t i = 0; i < n; i++) {
        const cu_col *c = &b->cols[cols[i].col];
        size_t at = cu_col_at(c, row);
        if (cu_col_is_null(c, row))
            cu_buf_put_u8(out, (uint8_t)null_tag(cols[i].flags));
        else
            put_part(c->type.kind,
                     (const char *)c->data + at * cell_width(c->type.kind),
                     cols[i].flags, out);
    }
}

/* --- a whole batch ------------------------------------------------------ */

static bool length_known(uint8_t kind)
{
    return kind == CU_T_TEXT || fixed_width(kind);
}

/* Adds the length of this column's part to offsets[i + 1]. */
static void add_lengths(const cu_batch *b, const cu_col *c, cu_keys *out)
{
    uint32_t *sum = out->offsets + 1;
    uint32_t n = b->n_sel;
    uint32_t width = (uint32_t)fixed_width(c->type.kind);
    if (width && !c->valid) {
        for (uint32_t i = 0; i < n; i++)
            sum[i] += 1 + width;
        return;
    }
    const cu_slice *s = c->data;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = cu_batch_row(b, i);
        if (cu_col_is_null(c, row))
            sum[i] += 1;
        else
            sum[i] += 1 +
                      (width ? width : (uint32_t)s[cu_col_at(c, row)].len + 2);
    }
}

static inline char *put_text(const cu_slice *s, char *p)
{
    CU_ASSERT_SLOW(!s->len || !memchr(s->data, 0, s->len));
    if (s->len)
        memcpy(p, s->data, s->len);
    p += s->len;
    p[0] = 0;
    p[1] = 0;
    return p + 2;
}

/* Writes this column's part of every key and moves at[i] behind it. */
static void put_column(const cu_batch *b, const cu_col *c, uint16_t flags,
                       char *base, uint32_t *at)
{
    uint8_t kind = c->type.kind;
    size_t width = cell_width(c->type.kind);
    bool text = kind == CU_T_TEXT;
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        char *p = base + at[i];
        if (cu_col_is_null(c, row)) {
            *p = null_tag(flags);
            at[i]++;
            continue;
        }
        const char *v = (const char *)c->data + cu_col_at(c, row) * width;
        *p++ = TAG_VALUE;
        char *end = text ? put_text((const void *)v, p) : put_fixed(kind, v, p);
        if (flags & CU_DESC)
            for (char *q = p; q < end; q++)
                *q = (char)~*q;
        at[i] = (uint32_t)(end - base);
    }
}

static void encode_by_column(const cu_batch *b, const cu_key_col *cols,
                             uint32_t n, cu_keys *out)
{
    memset(out->offsets, 0, (b->n_sel + 1) * sizeof(uint32_t));
    for (uint32_t i = 0; i < n; i++)
        add_lengths(b, &b->cols[cols[i].col], out);
    for (uint32_t i = 0; i < b->n_sel; i++)
        out->offsets[i + 1] += out->offsets[i];
    char *base = cu_buf_reserve(&out->bytes, out->offsets[b->n_sel]);
    uint32_t at[CU_BATCH_ROWS];
    memcpy(at, out->offsets, b->n_sel * sizeof(uint32_t));
    for (uint32_t i = 0; i < n; i++)
        put_column(b, &b->cols[cols[i].col], cols[i].flags, base, at);
    out->bytes.len = out->offsets[b->n_sel];
}

void cu_keys_encode(const cu_batch *b, const cu_key_col *cols, uint32_t n,
                    cu_keys *out)
{
    bool known = true;
    for (uint32_t i = 0; i < n; i++)
        known = known && length_known(b->cols[cols[i].col].type.kind);
    cu_buf_clear(&out->bytes);
    out->n = b->n_sel;
    out->offsets[0] = 0;
    if (known) {
        encode_by_column(b, cols, n, out);
    } else {
        for (uint32_t i = 0; i < b->n_sel; i++) {
            cu_key_encode(b, cu_batch_row(b, i), cols, n, &out->bytes);
            out->offsets[i + 1] = (uint32_t)out->bytes.len;
        }
    }
    for (uint32_t i = 0; i < b->n_sel; i++)
        out->hash[i] = cu_hash(cu_keys_at(out, i));
}

bool cu_key_after_prefix(cu_buf *key)
{
    while (key->len && (uint8_t)key->data[key->len - 1] == 0xFF)
        key->len--;
    if (!key->len)
        return false;
    key->data[key->len - 1]++;
    return true;
}
