/* The two identities of a row, and the order of keys.
 *
 * Row bytes: byte-exact.  What a retraction must match, and what state
 * stores.  1.0 and 1.00 differ.
 * Key bytes: equal under SQL equality (-0 = 0, all NaN equal and largest,
 * 1.0 = 1.00, one month = 30 days, jsonb canonical), and memcmp order is
 * ORDER BY order.  Groups, joins, exchanges and state keys use them.
 * The two are never mixed.
 *
 * Key bytes, per column: a tag (nulls last: 0x01 value 0x02 null; nulls
 * first: 0x00 null 0x01 value), then integers big endian with the sign bit
 * flipped; floats with the sign (or all bits) flipped; text and bytea with
 * 0x00 -> 0x00 0xFF and 0x00 0x00 at the end; numeric as sign, exponent,
 * digits, terminator; uuid raw.  DESC complements everything after the tag.
 *
 * Row bytes: u8 layout version | varint columns | null bitmap | fixed-width
 * columns, little endian | varint-length slices and numerics, in column
 * order; a NULL takes only its bit.  A row with fewer columns than the
 * schema reads NULL for the rest (a column added later).  Both are drawn in
 * docs/formats.md.
 */
#ifndef CU_ROWS_KEY_H
#define CU_ROWS_KEY_H

#include "rows/batch.h"

enum cu_order_flags { CU_DESC = 1, CU_NULLS_FIRST = 2 };

/* One column of a key: which, and how it sorts (ASC NULLS LAST = 0). */
typedef struct cu_key_col {
    uint16_t col;
    uint16_t flags; /* cu_order_flags */
} cu_key_col;

/* Appends the key bytes of one row. */
void cu_key_encode(const cu_batch *b, uint32_t row, const cu_key_col *cols,
                   uint32_t n, cu_buf *out);
/* Appends the key bytes of one value. */
void cu_key_encode_value(const cu_value *v, uint16_t flags, cu_buf *out);

/* Keys of all live rows at once: key i (by position in sel) is
 * bytes.data[offsets[i] .. offsets[i+1]); hash[i] its cu_hash. */
typedef struct cu_keys {
    cu_buf bytes;
    uint32_t offsets[CU_BATCH_ROWS + 1];
    uint64_t hash[CU_BATCH_ROWS];
    uint32_t n;
} cu_keys;

/* Reuses the memory of `out`; start with a zeroed struct, end with
 * cu_buf_free(&out->bytes). */
void cu_keys_encode(const cu_batch *b, const cu_key_col *cols, uint32_t n,
                    cu_keys *out);
static inline cu_slice cu_keys_at(const cu_keys *k, uint32_t i)
{
    return (cu_slice){k->bytes.data + k->offsets[i],
                      k->offsets[i + 1] - k->offsets[i]};
}
/* Reads key bytes back into values (canonical representatives; jsonb
 * and numeric lose their written form).  `flags` NULL: all 0.  The key must
 * end with the last column; CU_CORRUPT when the bytes do not fit. */
int cu_key_decode(cu_slice key, const cu_type *types, const uint16_t *flags,
                  uint32_t n, cu_arena *a, cu_value *out, cu_err *err);
/* The smallest byte string greater than every string with this prefix, in
 * place; false when there is none (all 0xFF). For range ends. */
bool cu_key_after_prefix(cu_buf *key);

/* Appends the row bytes of the given columns (NULL: all, in order). */
void cu_row_encode(const cu_batch *b, uint32_t row, const uint16_t *cols,
                   uint32_t n, cu_buf *out);
/* Appends the row that `bytes` hold to `to` with weight `w`; slices point
 * into `bytes` (lent by the caller) unless `copy`, numerics' big digits are
 * always in to->arena. CU_CORRUPT when the bytes do not fit the schema. */
int cu_row_decode(cu_slice bytes, cu_batch *to, int32_t w, bool copy,
                  cu_err *err);

/* Same null-ness and SQL-equal (0), else ORDER BY order. */
int cu_value_cmp(const cu_value *a, const cu_value *b);

#endif
