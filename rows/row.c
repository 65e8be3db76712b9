/* Row bytes: the byte-exact identity of a row, and how state stores it.
 *
 *   +---------+----------+-------------+----------------+-----------------+
 *   | u8 1    | varint n | n bits null | fixed columns  | var columns     |
 *   +---------+----------+-------------+----------------+-----------------+
 *
 * Fixed columns come first, in column order, little endian and packed; then
 * slices (varint length, bytes) and numerics (cu_numeric_put).  A NULL takes
 * its bit and nothing else.  Columns that were added after the row was
 * written are missing at the end and read as NULL.
 *
 * R1  Equal bytes, equal rows: nothing but the values goes in (no padding,
 *     no pointer, no capacity).
 * R2  Decoding checks every length; bytes come from disk and from the log.
 */
#include "rows/key.h"

#include "rows/int.h"
#include "rows/numeric.h"
#include "rows/numeric_big.h"

enum { ROW_VERSION = 1 };

static const void *cell(const cu_col *c, uint32_t row)
{
    return (const char *)c->data +
           (size_t)cu_col_at(c, row) * cell_width(c->type.kind);
}

/* Most bytes that the variable columns can take. */
static size_t var_bound(const cu_col *c, uint32_t row)
{
    if (c->type.kind == CU_T_NUMERIC)
        return cu_numeric_bound(cell(c, row));
    return 10 + ((const cu_slice *)cell(c, row))->len;
}

static char *put_var(const cu_col *c, uint32_t row, char *p)
{
    if (c->type.kind == CU_T_NUMERIC)
        return cu_numeric_write(cell(c, row), p);
    const cu_slice *s = cell(c, row);
    p = put_varint(p, s->len);
    if (s->len)
        memcpy(p, s->data, s->len);
    return p + s->len;
}

void cu_row_encode(const cu_batch *b, uint32_t row, const uint16_t *cols,
                   uint32_t n, cu_buf *out)
{
    size_t bound = 6 + n / 8 + 1, n_var = 0;
    for (uint32_t i = 0; i < n; i++) {
        const cu_col *c = &b->cols[cols ? cols[i] : i];
        size_t width = fixed_width(c->type.kind);
        if (width)
            bound += width;
        else if (!cu_col_is_null(c, row))
            bound += var_bound(c, row), n_var++;
    }
    char *start = cu_buf_reserve(out, bound), *p = start;
    *p++ = ROW_VERSION;
    p = put_varint(p, n);
    uint8_t *nulls = (uint8_t *)p;
    memset(nulls, 0, (n + 7) / 8);
    p += (n + 7) / 8;
    for (uint32_t i = 0; i < n; i++) {
        const cu_col *c = &b->cols[cols ? cols[i] : i];
        if (cu_col_is_null(c, row)) {
            nulls[i / 8] = (uint8_t)(nulls[i / 8] | 1 << i % 8);
            continue;
        }
        size_t width = fixed_width(c->type.kind);
        if (width) {
            copy_fixed(p, cell(c, row), width);
            p += width;
        }
    }
    for (uint32_t i = 0; n_var; i++) {
        const cu_col *c = &b->cols[cols ? cols[i] : i];
        if (fixed_width(c->type.kind) || cu_col_is_null(c, row))
            continue;
        p = put_var(c, row, p);
        n_var--;
    }
    out->len += (size_t)(p - start);
}

static int corrupt(cu_err *err, const char *why)
{
    return cu_fail(err, CU_CORRUPT, 0, "stored row does not fit: %s", why);
}

static bool is_null(const uint8_t *nulls, uint32_t n, uint32_t i)
{
    return i >= n || nulls[i / 8] >> i % 8 & 1;
}

static bool get_var(cu_scan *s, cu_batch *to, cu_col *c, uint32_t at, bool copy)
{
    if (c->type.kind == CU_T_NUMERIC)
        return !cu_numeric_get(s, to->arena, &CU_COL(c, cu_numeric)[at]);
    uint64_t len = s->p < s->end && !(*s->p & 0x80) ? (uint64_t)*s->p++
                                                    : cu_scan_varint(s);
    if (s->bad || len > cu_scan_left(s))
        return false;
    cu_slice v = {s->p, (size_t)len};
    s->p += len;
    CU_COL(c, cu_slice)[at] = copy ? cu_arena_slice(to->arena, v) : v;
    return true;
}

int cu_row_decode(cu_slice bytes, cu_batch *to, int32_t w, bool copy,
                  cu_err *err)
{
    CU_ASSERT(to->n_rows < to->capacity);
    uint32_t at = to->n_rows, n_var = 0;
    cu_scan s = cu_scan_of(bytes);
    if (cu_scan_u8(&s) != ROW_VERSION)
        return corrupt(err, "unknown layout version");
    uint64_t n64 = cu_scan_varint(&s);
    if (s.bad || n64 > to->n_cols)
        return corrupt(err, "it has more columns than the schema");
    uint32_t n = (uint32_t)n64;
    cu_slice bits = cu_scan_bytes(&s, (n + 7) / 8);
    const uint8_t *nulls = (const uint8_t *)bits.data;
    if (s.bad)
        return corrupt(err, "it ends in the null bitmap");
    for (uint32_t i = 0; i < to->n_cols; i++) {
        cu_col *c = &to->cols[i];
        if (is_null(nulls, n, i)) {
            cu_col_set_null(to->arena, c, at, to->capacity);
            continue;
        }
        if (c->valid)
            c->valid[at >> 6] |= UINT64_C(1) << (at & 63);
        size_t width = fixed_width(c->type.kind);
        if (!width) {
            n_var++;
            continue;
        }
        if (cu_scan_left(&s) < width)
            return corrupt(err, "it ends in a fixed-width column");
        copy_fixed((char *)c->data + at * width, s.p, width);
        s.p += width;
    }
    for (uint32_t i = 0; n_var; i++) {
        cu_col *c = &to->cols[i];
        if (fixed_width(c->type.kind) || is_null(nulls, n, i))
            continue;
        if (!get_var(&s, to, c, at, copy))
            return corrupt(err, "a length passes its end");
        n_var--;
    }
    if (cu_scan_left(&s))
        return corrupt(err, "bytes are left over");
    cu_rows_new_row(to, w);
    return 0;
}
