/* Passes of over: the rows of a partition that a commit's changes touch. */
#ifndef CU_OPERATORS_OVER_PASS_H
#define CU_OPERATORS_OVER_PASS_H

#include "processors/operators/over.h"

/* One distinct row of a commit interval: its key is partition | order | row
 * bytes. */
typedef struct cu_over_change {
    cu_keyrec rec;
    int64_t net;
    uint32_t partition_len, order_len;
    cu_value at; /* RANGE offsets: its order value */
} cu_over_change;

static inline cu_slice cu_over_change_key(const cu_over_change *c)
{
    return cu_keyrec_key(&c->rec);
}

typedef struct cu_over_put {
    cu_slice key, value;
} cu_over_put;

typedef struct cu_over_pass {
    cu_op *op;
    cu_table *table;
    cu_over_plan plan;
    cu_over_rows rows;
    cu_outbox out;
    cu_over_put *puts; /* waiting for the scan to pause */
    uint32_t n_puts;
    cu_arena *puts_arena, *scratch, *probe;
    cu_buf shown, state, value;
    cu_buf from, affected, order; /* of looking back */
    cu_buf peers;                 /* of the last row computed */
    uint64_t looked;              /* rows that it read, ever */
    /* The partition at hand: */
    cu_slice partition;
    cu_over_change **changes;
    uint32_t n_changes;
} cu_over_pass;

int cu_over_pass_open(cu_over_pass *p, cu_op *op, cu_table *table, cu_err *err);
void cu_over_pass_close(cu_over_pass *p);
/* A state value without outputs. */
void cu_over_put_fresh(uint32_t order_len, cu_buf *out);
/* A row with stored outputs, into the outbox. */
int cu_over_emit(cu_over_pass *p, cu_slice bytes, cu_slice shown, int32_t w,
                 cu_err *err);
/* Computes what the changes of one partition touch; the table has them. */
int cu_over_pass_run(cu_over_pass *p, cu_slice partition,
                     cu_over_change **changes, uint32_t n, cu_err *err);

#endif
