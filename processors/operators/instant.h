/* Instants: the values of a date, timestamp or timestamptz column as
 * microseconds since 2000, and back.
 *
 * Sums saturate: INT64_MAX is never reached by a watermark of data, only by
 * the end of time (drain --final); INT64_MIN is below every watermark. */
#ifndef CU_OPERATORS_INSTANT_H
#define CU_OPERATORS_INSTANT_H

#include "processors/operators/op.h"

/* False for NULL. The infinities, and dates that no timestamp reaches, are
 * INT64_MIN and INT64_MAX. */
bool cu_instant_at(const cu_col *c, uint32_t row, int64_t *us);
static inline bool cu_instant_finite(int64_t us)
{
    return us != INT64_MIN && us != INT64_MAX;
}
/* A value of the type; a date is the day that the instant is in. */
cu_value cu_instant_value(cu_type type, int64_t us);
/* Into column `col` of the last row of a batch. */
void cu_instant_put(cu_batch *b, uint32_t col, int64_t us);

int64_t cu_instant_add(int64_t us, int64_t more_us);
/* Calendar months first, as timestamp + interval; then `more_us`. */
int64_t cu_instant_plus(int64_t us, cu_interval v, int64_t more_us);

/* The row's instant, when a window can hold it. Else *skip: a row that came
 * is a letter (NULL 22004, infinite 22008), one that goes is nothing. */
int cu_instant_of_row(cu_op *op, const cu_batch *b, uint32_t row, uint32_t col,
                      int64_t *us, bool *skip, cu_err *err);
/* A letter about column `col`, for a row that came. */
int cu_instant_letter(cu_op *op, const cu_batch *b, uint32_t row, uint32_t col,
                      bool null, cu_err *err);

/* Key bytes of one instant, and how long they are. */
void cu_instant_key(cu_type type, int64_t us, cu_buf *out);
static inline size_t cu_instant_key_bytes(cu_type type)
{
    return 1 + cu_type_width(type);
}
/* The instant that key bytes begin with; false for NULL. */
bool cu_instant_of_key(cu_type type, cu_slice key, int64_t *us);
/* Big endian and in order: eight bytes of a state key of our own. */
void cu_instant_put_be(cu_buf *out, int64_t us);
int64_t cu_instant_of_be(cu_slice key);

#endif
