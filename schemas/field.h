/* Values into columns: the second half of decoding.
 *
 * Each function writes column `col` of the call's row, or adds a fault that
 * names the column and leaves the value unset.  Slices are borrowed from the
 * text unless the type's form differs from it.
 */
#ifndef CU_SCHEMAS_FIELD_H
#define CU_SCHEMAS_FIELD_H

#include "schemas/int.h"

/* A slot, by its kind; false for NULL and absent (set as NULL) and after a
 * fault; *null tells the two apart. */
bool cu_field_put_raw(cu_call *c, uint32_t col, const cu_raw *r, bool *null);
/* Text through the column's encoding and input function. */
bool cu_field_put_text(cu_call *c, uint32_t col, cu_slice text);
/* The same for texts of the type's plain form; false, and nothing done, for
 * all others. The column has no encoding. */
bool cu_field_put_plain(cu_call *c, uint32_t col, cu_slice text);
/* A timestamp column, when the text has the plain form; no faults. */
bool cu_field_put_plain_time(cu_call *c, uint32_t col, cu_slice text);
/* Bytes that need no interpretation: a bytea column takes them as they
 * are, others as text (UTF-8 checked). */
bool cu_field_put_bytes(cu_call *c, uint32_t col, cu_slice bytes);
/* An integer, through the column's encoding; types that are no integer go
 * through its text. */
bool cu_field_put_int(cu_call *c, uint32_t col, int64_t v);
/* Microseconds since 1970 into a timestamp, timestamptz or date column. */
bool cu_field_put_unix_us(cu_call *c, uint32_t col, __int128 us);
/* A value of the column's own kind (typmod already applied). */
void cu_field_put_value(cu_call *c, uint32_t col, const cu_value *v);
void cu_field_put_null(cu_call *c, uint32_t col);
/* Reports d->err against the column; returns false. */
bool cu_field_fault(cu_call *c, uint32_t col);

#endif
