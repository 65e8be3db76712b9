/* Rows side by side: the output of operators with a left and a right. */
#ifndef CU_OPERATORS_PAIR_H
#define CU_OPERATORS_PAIR_H

#include "processors/operators/int.h"

/* Adds a row to `b`: row bytes of the left, whose columns are the first
 * `n_left`, and of the right. An absent side is NULLs. The bytes are lent to
 * the batch. */
int cu_pair_put(cu_batch *b, uint32_t n_left, cu_slice left, cu_slice right,
                int32_t w, cu_err *err);
/* The same into an outbox, with any weight; nothing when it is 0. */
int cu_outbox_pair(cu_outbox *o, uint32_t n_left, cu_slice left, cu_slice right,
                   int64_t weight, cu_err *err);
static inline int32_t cu_pair_weight(int64_t w)
{
    return w > INT32_MAX ? INT32_MAX : w < -INT32_MAX ? -INT32_MAX : (int32_t)w;
}
/* Emits `n` rows of a pushed batch at once, its columns standing at `first`
 * among NULLs; `marks`: with their marks. */
int cu_pair_pass(cu_op *op, const cu_batch *b, uint32_t first,
                 const uint16_t *rows, uint32_t n, bool marks, cu_err *err);

#endif
