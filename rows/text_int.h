/* Inside rows/: arrays whose elements know a time zone. */
#ifndef CU_ROWS_TEXT_INT_H
#define CU_ROWS_TEXT_INT_H

#include "rows/text.h"

int cu_rows_array_in(cu_type elem, cu_slice text, const cu_zone *zone,
                     cu_arena *a, cu_slice *out, cu_err *err);
void cu_rows_array_out(cu_slice array, const cu_zone *zone, cu_buf *out);
void cu_rows_bytea_out(cu_slice s, cu_buf *out);
void cu_rows_uuid_out(const cu_uuid *v, cu_buf *out);
/* varchar(n), UTF-8; rounding of times to `scale` digits. */
int cu_rows_fit_text(cu_type t, cu_slice *s, cu_err *err);
int64_t cu_rows_round_time(int64_t us, int digits);
/* Appends v with at least `width` digits, zeros in front. */
void cu_rows_put_padded(cu_buf *out, uint64_t v, int width);

#endif
