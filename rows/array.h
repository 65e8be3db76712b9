/* Array values: one-dimensional, length-prefixed bytes.
 *
 *   u8 version | u8 element kind | varint n | null bitmap (n bits, only when
 *   flag bit 7 of the version is set) | n values: fixed width little endian,
 *   or varint length + bytes (text, jsonb, bytea), or cu_numeric_put bytes
 */
#ifndef CU_ROWS_ARRAY_H
#define CU_ROWS_ARRAY_H

#include "rows/type.h"

/* Encodes n values of element type `elem` into the arena. */
cu_slice cu_array_make(cu_arena *a, cu_type elem, const cu_value *values,
                       uint32_t n);
uint32_t cu_array_length(cu_slice array);

typedef struct cu_array_iter {
    cu_scan at;
    cu_type elem;
    uint32_t i, n;
    const uint8_t *nulls;
} cu_array_iter;
cu_array_iter cu_array_iter_of(cu_slice array);
/* Values borrow from the array; numerics' big digits from `a`. */
bool cu_array_next(cu_array_iter *it, cu_arena *a, cu_value *out);
/* Element i, 1-based; NULL value outside the bounds. */
cu_value cu_array_at(cu_slice array, int64_t i, cu_arena *a);
/* PostgreSQL's text form, {a,"b c",NULL}. */
int cu_array_in(cu_type elem, cu_slice text, cu_arena *a, cu_slice *out,
                cu_err *err);
void cu_array_out(cu_slice array, cu_buf *out);
int cu_array_cmp(cu_slice a, cu_slice b);

#endif
