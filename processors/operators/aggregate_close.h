/* Closing of groups: what the watermark has passed is forgotten. */
#ifndef CU_OPERATORS_AGGREGATE_CLOSE_H
#define CU_OPERATORS_AGGREGATE_CLOSE_H

#include "processors/operators/int.h"

typedef struct cu_closer {
    cu_op *op;
    const cu_closing *rule;
    bool on;
    cu_type type; /* of the group's first column */
    uint16_t col; /* of the input */
    int64_t mark; /* us: the watermark; what it closes is closed */
    int64_t low;  /* no group in the state is earlier */
    bool forgot;  /* a group closed before it was ever written */
} cu_closer;

/* Reads from the state what was closed when it was written. */
int cu_closer_open(cu_closer *c, cu_op *op, const cu_closing *rule,
                   const uint16_t *group, cu_err *err);
void cu_closer_mark(cu_closer *c, int64_t ts_us);
/* Takes the rows of closed groups out of *b: +1 rows to env->late. */
int cu_closer_sift(cu_closer *c, const cu_batch **b, cu_err *err);
/* Is the group of this key closed? */
bool cu_closer_has_closed(const cu_closer *c, cu_slice group_key);
/* Deletes what is closed from the node's first `n_tables` state tables, whose
 * keys begin with group keys; `forget` gets the keys of table 0. */
int cu_closer_expire(cu_closer *c, unsigned n_tables,
                     void (*forget)(void *ctx, cu_slice key), void *ctx,
                     cu_err *err);

#endif
