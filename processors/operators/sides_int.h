/* Shared by sides.c and sides_store.c only. */
#ifndef CU_OPERATORS_SIDES_INT_H
#define CU_OPERATORS_SIDES_INT_H

#include "processors/operators/sides.h"

/* An empty group, whole on both sides. */
cu_side_group *cu_side_group_new(cu_sides *s, uint64_t hash, cu_slice key);
void cu_side_group_free(cu_sides *s, cu_side_group *g);
/* Counts its bytes again; a side that has become too large leaves memory. */
void cu_side_group_weigh(cu_sides *s, cu_side_group *g);

/* A row of count 0, on the heap when `a` is NULL. */
cu_side_row *cu_side_row_new(cu_arena *a, cu_slice id);
void cu_side_append(cu_side *side, cu_side_row *r);
/* The first row of a whole side that is not below `id`. */
uint32_t cu_side_seek(const cu_side *side, cu_slice id);
/* cu_sides_find() of a whole side: new rows are put into their places. */
void cu_side_find_whole(cu_sides *s, cu_side *side, uint32_t n,
                        const cu_slice *ids, cu_side_row **out);

#endif
