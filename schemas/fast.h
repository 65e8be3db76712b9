/* Short cuts for the common spellings of numbers and times.
 *
 * Each returns true only when the text is of the plain form and the result is
 * exactly what the type's input function would give; anything else (blanks,
 * exponents, infinities, odd zones, wrong input) is left to that function.
 */
#ifndef CU_SCHEMAS_FAST_H
#define CU_SCHEMAS_FAST_H

#include "rows/type.h"

/* -?[0-9]{1,18} */
bool cu_fast_int(cu_slice text, int64_t *out);
/* -?[0-9]*(.[0-9]*)? of at most 18 digits: mantissa and digits after the
 * point. */
bool cu_fast_decimal(cu_slice text, int64_t *mantissa, unsigned *scale,
                     bool *negative);
/* A decimal whose double is exact in one operation. */
bool cu_fast_double(cu_slice text, double *out);
/* YYYY-MM-DD */
bool cu_fast_date(cu_slice text, int32_t *days);
/* YYYY-MM-DD[T ]HH:MM[:SS[.f{1,6}]][Z|+HH[[:]MM]]; *has_offset tells whether
 * `offset_s` was given. */
bool cu_fast_timestamp(cu_slice text, int64_t *local_us, bool *has_offset,
                       int32_t *offset_s);
/* Is it such a text? */
bool cu_fast_is_timestamp(cu_slice text);

#endif
