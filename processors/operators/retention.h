/* Rows of a view that leave when the watermark has passed them: an index of
 * keys by time, beside the rows.  Used by materialize.
 *
 *   index   i64 time | key  -> ""
 *   meta    ""              -> u8 1 | i64 the watermark that has swept last
 *
 * A row is over when its time + the retention <= watermark.  NULL and
 * infinity never are, and the end of time (drain --final) sweeps nothing:
 * what closed then is there to be read. */
#ifndef CU_OPERATORS_RETENTION_H
#define CU_OPERATORS_RETENTION_H

#include "processors/operators/instant.h"
#include "processors/operators/int.h"

typedef struct cu_retention {
    bool on;
    const cu_op *op;
    cu_table *index, *meta;
    uint16_t col;
    int64_t us;
    int64_t horizon; /* the newest watermark heard */
    int64_t swept;   /* the one that rows have left by */
    int64_t low;     /* nothing in the index is before it */
    cu_buf scratch;
} cu_retention;

/* `col` + 1; tables 1 and 2 of the node. */
int cu_retention_open(cu_retention *r, cu_op *op, uint16_t col, int64_t us,
                      cu_err *err);
void cu_retention_close(cu_retention *r);
void cu_retention_see(cu_retention *r, int64_t ts_us);
/* Is the row over? False when off. */
int cu_retention_over(cu_retention *r, cu_slice row, bool *over, cu_err *err);
/* The key's row was `old` and is `now`; either may be absent. */
int cu_retention_move(cu_retention *r, cu_slice key, cu_slice old, cu_slice now,
                      cu_err *err);
/* Takes up to `most` keys out of the index whose rows are over; they are in
 * the operator's arena.  *n < most: these were all. */
int cu_retention_take(cu_retention *r, cu_slice *keys, uint32_t most,
                      uint32_t *n, cu_err *err);
/* To be called at the end of a commit. */
void cu_retention_settle(cu_retention *r);

#endif
