/* Rows that wait for their groups to be read.
 *
 * Thread: one owner.
 */
#ifndef CU_OPERATORS_AGGREGATE_PARK_H
#define CU_OPERATORS_AGGREGATE_PARK_H

#include "processors/operators/aggregate.h"

/* Rows of a batch, ascending, and their groups. */
typedef struct cu_live {
    uint32_t n;
    cu_keyrec *groups[CU_BATCH_ROWS];
    uint16_t rows[CU_BATCH_ROWS];
    int32_t weights[CU_BATCH_ROWS];
} cu_live;

typedef struct cu_parked {
    struct cu_parked *next;
    const cu_batch *batch; /* all rows are live */
    cu_keyrec **groups;    /* of row i */
    int32_t *weights;
} cu_parked;

typedef struct cu_parking {
    cu_arena *arena; /* rows; NULL until the first */
    cu_parked *first, **end;
    cu_keyed *groups; /* those that are to be read; `item` is the group */
    uint32_t n_groups, cap_groups;
} cu_parking;

void cu_parking_close(cu_parking *p);
/* The group will be read. */
void cu_parking_want(cu_parking *p, cu_group *g);
/* Takes the rows out of `l` whose groups wait, and keeps copies. */
void cu_parking_take(cu_parking *p, const cu_batch *b, cu_live *l);
/* The rows back. */
void cu_parking_give(const cu_parked *p, cu_live *l);
/* Memory of the rows. */
size_t cu_parking_bytes(const cu_parking *p);
/* Forgets rows and groups. */
void cu_parking_reset(cu_parking *p);

#endif
