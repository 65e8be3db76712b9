/* Records of one table -> accepted rows. */
#ifndef CU_RUNTIME_DECODE_H
#define CU_RUNTIME_DECODE_H

#include "processors/runtime/runtime.h"

/* Counted until the commit that makes them true. */
typedef struct cu_pending {
    int64_t in, applied, late, dead;
} cu_pending;

typedef struct cu_decode_ctx cu_decode_ctx;
/* Told of every rejected record. */
typedef int cu_reject(void *ctx, const cu_table_def *t, const cu_record *r,
                      const cu_faults *faults, cu_err *err);
/* `kept`: the columns that anybody reads (needed.h), NULL: all. What is
 * accepted, and what is said of the rest, does not depend on it; the other
 * columns of the rows are NULL. */
int cu_decode_open(const cu_table_def *t, const cu_expr_env *env,
                   const bool *kept, cu_decode_ctx **out, cu_err *err);
void cu_decode_close(cu_decode_ctx *d);
/* Up to CU_BATCH_ROWS records (of one partition) into one sealed batch in
 * `a`, origins set; what is none of the table's gives no row and no fault.
 * `reject` may be NULL (the rows were judged before). */
int cu_decode_batch(cu_decode_ctx *d, const cu_record *records, uint32_t n,
                    cu_arena *a, cu_reject *reject, void *ctx,
                    cu_pending *counts, cu_batch **out, cu_err *err);
/* Rows of `b` that this decoder made without some columns: row `*row` once
 * more from its record, with all of them, in `a`; *b and *row become that.
 * Nothing happens to rows that are whole, or of another making. */
int cu_decode_whole(cu_decode_ctx *d, cu_arena *a, const cu_batch **b,
                    uint32_t *row, cu_err *err);
/* "begin"/"end" of a snapshot record, or an absent slice. */
cu_slice cu_snapshot_mark(const cu_record *r);

#endif
