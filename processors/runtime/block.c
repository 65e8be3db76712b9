/* Blocks: rows of an exchange as one record.
 *
 *   u8 version | u32 source | u32 total | i64 watermark | u32 n | u8 flags
 *   [n x svarint weight]            when flags & 1
 *   [n x i64 watermark of the row]  when flags & 2
 *   per column: u8 has_nulls [| bitmap of n bits] | values
 *     fixed width: n x width bytes, little endian as in memory
 *     slices:      n x varint length, then all bytes
 *     numeric:     n x cu_numeric_put
 *   u64 XXH3 of everything before
 *
 * flags & 4: the sender is idle.
 *
 * Column-encoded, because the receiver wants columns and neighbours
 * compress well.  Repartition topics are internal and live for minutes: a
 * block is never read by another version of cupel than a neighbour's, and the
 * version byte says so if it is.
 */
#include "processors/runtime/block.h"

#include "rows/numeric.h"

enum {
    BLOCK_VERSION = 2,
    HAS_WEIGHTS = 1,
    HAS_MARKS = 2,
    IDLE = 4,
    LENGTH_BYTES = 10
};

static bool all_valid(const cu_batch *b, const cu_col *c)
{
    if (c->valid == NULL)
        return true;
    for (uint32_t i = 0; i < b->n_sel; i++)
        if (cu_col_is_null(c, cu_batch_row(b, i)))
            return false;
    return true;
}

static void put_nulls(const cu_batch *b, const cu_col *c, cu_buf *out)
{
    bool full = all_valid(b, c);
    cu_buf_put_u8(out, full ? 0 : 1);
    if (full)
        return;
    size_t n = (b->n_sel + 7) / 8;
    uint8_t *bits = (uint8_t *)cu_buf_reserve(out, n);
    memset(bits, 0, n);
    for (uint32_t i = 0; i < b->n_sel; i++)
        if (!cu_col_is_null(c, cu_batch_row(b, i)))
            bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << (i % 8));
    out->len += n;
}

static inline char *put_length(char *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (char)(v | 0x80);
        v >>= 7;
    }
    *p++ = (char)v;
    return p;
}

static void put_slices(const cu_batch *b, const cu_col *c, cu_buf *out)
{
    const cu_slice *s = c->data;
    cu_slice live[CU_BATCH_ROWS];
    size_t bytes = 0;
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        live[i] = cu_col_is_null(c, row) ? CU_NULL_SLICE : s[cu_col_at(c, row)];
        bytes += live[i].len;
    }
    char *p = cu_buf_reserve(out, bytes + (size_t)LENGTH_BYTES * b->n_sel);
    char *start = p;
    for (uint32_t i = 0; i < b->n_sel; i++)
        p = put_length(p, live[i].len);
    for (uint32_t i = 0; i < b->n_sel; i++) {
        if (live[i].len)
            memcpy(p, live[i].data, live[i].len);
        p += live[i].len;
    }
    out->len += (size_t)(p - start);
}

static void put_fixed(const cu_batch *b, const cu_col *c, cu_buf *out)
{
    size_t width = cu_type_width(c->type);
    char *to = cu_buf_reserve(out, width * b->n_sel);
    const char *from = c->data;
    out->len += width * b->n_sel;
    if (!b->sel && !c->valid && c->form == CU_FLAT) {
        memcpy(to, from, width * b->n_sel);
        return;
    }
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        if (cu_col_is_null(c, row))
            memset(to + i * width, 0, width);
        else
            memcpy(to + i * width, from + cu_col_at(c, row) * width, width);
    }
}

static void put_numerics(const cu_batch *b, const cu_col *c, cu_buf *out)
{
    static const cu_numeric zero;
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        bool null = cu_col_is_null(c, row);
        cu_numeric_put(null ? &zero
                            : &CU_COL(c, const cu_numeric)[cu_col_at(c, row)],
                       out);
    }
}

void cu_block_encode(const cu_block_head *h, const cu_batch *b, cu_buf *out)
{
    size_t start = out->len;
    cu_buf_put_u8(out, BLOCK_VERSION);
    cu_buf_put_u32le(out, h->source);
    cu_buf_put_u32le(out, h->total);
    cu_buf_put_u64le(out, (uint64_t)h->watermark_us);
    cu_buf_put_u32le(out, b ? b->n_sel : 0);
    cu_buf_put_u8(out, (uint8_t)((b && b->weights ? HAS_WEIGHTS : 0) |
                                 (b && b->marks ? HAS_MARKS : 0) |
                                 (h->idle ? IDLE : 0)));
    if (b) {
        for (uint32_t i = 0; b->weights && i < b->n_sel; i++)
            cu_buf_put_svarint(out, b->weights[cu_batch_row(b, i)]);
        for (uint32_t i = 0; b->marks && i < b->n_sel; i++)
            cu_buf_put_u64le(out, (uint64_t)b->marks[cu_batch_row(b, i)]);
        for (uint32_t k = 0; k < b->n_cols; k++) {
            const cu_col *c = &b->cols[k];
            put_nulls(b, c, out);
            if (cu_type_is_slice(c->type))
                put_slices(b, c, out);
            else if (c->type.kind == CU_T_NUMERIC)
                put_numerics(b, c, out);
            else
                put_fixed(b, c, out);
        }
    }
    cu_slice done = {out->data + start, out->len - start};
    cu_buf_put_u64le(out, cu_hash(done));
}

static uint64_t *get_nulls(cu_scan *s, cu_arena *a, uint32_t n)
{
    if (cu_scan_u8(s) == 0)
        return NULL;
    cu_slice bits = cu_scan_bytes(s, (n + 7) / 8);
    uint64_t *valid = cu_arena_calloc(a, CU_BATCH_ROWS / 64, sizeof(*valid));
    if (!s->bad)
        memcpy(valid, bits.data, bits.len);
    return valid;
}

static void *get_slices(cu_scan *s, cu_arena *a, uint32_t n)
{
    cu_slice *out = cu_arena_alloc(a, (n + 1) * sizeof(*out));
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool is_short = s->p < s->end && !(*s->p & 0x80);
        uint64_t len = is_short ? (uint8_t)*s->p++ : cu_scan_varint(s);
        if (len > cu_scan_left(s))
            s->bad = true;
        out[i].len = s->bad ? 0 : (size_t)len;
        bytes += out[i].len;
    }
    cu_slice all = cu_scan_bytes(s, s->bad ? 0 : bytes);
    for (uint32_t i = 0; i < n; i++) {
        out[i] = (cu_slice){all.data, s->bad ? 0 : out[i].len};
        all.data += out[i].len;
    }
    return out;
}

static int get_column(cu_scan *s, cu_col *c, cu_arena *a, uint32_t n,
                      cu_err *err)
{
    c->valid = get_nulls(s, a, n);
    if (cu_type_is_slice(c->type)) {
        c->data = get_slices(s, a, n);
        return 0;
    }
    if (c->type.kind == CU_T_NUMERIC) {
        cu_numeric *out = cu_arena_calloc(a, n, sizeof(*out));
        c->data = out;
        for (uint32_t i = 0; i < n; i++) {
            int rc = cu_numeric_get(s, a, &out[i]);
            if (rc)
                return cu_fail(err, CU_CORRUPT, CU_FATAL,
                               "an exchange block holds a bad numeric");
        }
        return 0;
    }
    size_t width = cu_type_width(c->type);
    cu_slice raw = cu_scan_bytes(s, width * n);
    c->data = cu_arena_alloc(a, width * n + 1);
    if (!s->bad && raw.len)
        memcpy(c->data, raw.data, raw.len);
    return 0;
}

int cu_block_decode(cu_slice bytes, const cu_schema *schema, cu_arena *a,
                    cu_block_head *h, cu_batch **out, cu_err *err)
{
    *out = NULL;
    cu_scan tail = cu_scan_of(bytes);
    if (bytes.len > 8)
        tail.p = bytes.data + bytes.len - 8;
    uint64_t sum = cu_scan_u64le(&tail);
    cu_slice body = {bytes.data, bytes.len > 8 ? bytes.len - 8 : 0};
    if (tail.bad || sum != cu_hash(body))
        return cu_fail(err, CU_CORRUPT, CU_FATAL,
                       "an exchange block fails its checksum");
    cu_scan s = cu_scan_of(body);
    unsigned version = cu_scan_u8(&s);
    if (version != BLOCK_VERSION)
        return cu_fail(err, CU_CORRUPT, CU_FATAL,
                       "an exchange block has version %u, known is %d", version,
                       BLOCK_VERSION);
    h->source = cu_scan_u32le(&s);
    h->total = cu_scan_u32le(&s);
    h->watermark_us = (int64_t)cu_scan_u64le(&s);
    uint32_t n = cu_scan_u32le(&s);
    unsigned flags = cu_scan_u8(&s);
    h->idle = (flags & IDLE) != 0;
    if (s.bad || n > CU_BATCH_ROWS)
        return cu_fail(err, CU_CORRUPT, CU_FATAL, "an exchange block is cut");
    if (n == 0)
        return 0;
    cu_batch *b = cu_batch_new(a, schema, n);
    int32_t *weights = NULL;
    if (flags & HAS_WEIGHTS)
        weights = cu_arena_alloc(a, n * sizeof(*weights));
    for (uint32_t i = 0; weights && i < n; i++)
        weights[i] = (int32_t)cu_scan_svarint(&s);
    int64_t *marks = NULL;
    if (flags & HAS_MARKS)
        marks = cu_arena_alloc(a, n * sizeof(*marks));
    for (uint32_t i = 0; marks && i < n; i++)
        marks[i] = (int64_t)cu_scan_u64le(&s);
    b->n_rows = n;
    b->weights = weights;
    b->marks = marks;
    for (uint32_t k = 0; k < schema->n; k++) {
        int rc = get_column(&s, &b->cols[k], a, n, err);
        if (rc)
            return rc;
    }
    if (s.bad || cu_scan_left(&s))
        return cu_fail(err, CU_CORRUPT, CU_FATAL,
                       "an exchange block does not fit its schema");
    cu_batch_seal(b);
    *out = b;
    return 0;
}
