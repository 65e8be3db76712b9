/* Blocks: rows of an exchange as one record.  Bytes drawn in block.c. */
#ifndef CU_RUNTIME_BLOCK_H
#define CU_RUNTIME_BLOCK_H

#include "rows/batch.h"

typedef struct cu_block_head {
    uint32_t source;      /* partition of the sending stage */
    uint32_t total;       /* how many partitions send */
    int64_t watermark_us; /* INT64_MAX: the sender's time has ended */
    bool idle;            /* nothing comes; it holds nobody back */
} cu_block_head;

/* Appends the live rows of `b`, or, with NULL, a mark without rows. */
void cu_block_encode(const cu_block_head *h, const cu_batch *b, cu_buf *out);
/* The batch lies in `a`; slices point into `bytes`. NULL batch: a mark.
 * CU_CORRUPT when the bytes are not a block of that schema. */
int cu_block_decode(cu_slice bytes, const cu_schema *schema, cu_arena *a,
                    cu_block_head *h, cu_batch **out, cu_err *err);

#endif
