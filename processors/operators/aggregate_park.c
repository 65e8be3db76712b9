/* Rows that wait for their groups to be read.
 *
 * A group that is not in memory costs a look into the store, and where keys
 * are many, all that such a look touches is cold: index, filter, block.  Asked
 * in the order of arrival, every key pays for a block of its own.  So rows of
 * groups that are not there are copied aside, with an empty group in memory,
 * until the commit; then the groups are read in key order, and neighbours
 * share a block:
 *
 *   push    rows  c . a . x . b      (. : group in memory, added at once)
 *   parked        c   a   x   b
 *   commit        a b c x: read      then their rows, as they came
 *
 * P1: while a group waits, all its rows do; so they are added in the order in
 *     which they came.
 * P2: parked rows borrow nothing: a batch is lent for the push only.
 */
#include "processors/operators/aggregate_park.h"

void cu_parking_close(cu_parking *p)
{
    cu_arena_free(p->arena);
    cu_free(p->groups);
}

void cu_parking_want(cu_parking *p, cu_group *g)
{
    if (p->n_groups == p->cap_groups) {
        p->cap_groups = p->cap_groups ? p->cap_groups * 2 : 64;
        p->groups = cu_realloc(p->groups, p->cap_groups * sizeof(*p->groups));
    }
    g->waits = true;
    p->groups[p->n_groups++] = (cu_keyed){.key = cu_keyrec_key(&g->rec),
                                          .item = g};
}

/* A copy of some rows. */
static void add(cu_parking *p, const cu_batch *b, const cu_live *l)
{
    if (!p->arena)
        p->arena = cu_arena_new(0);
    if (!p->first)
        p->end = &p->first;
    cu_parked *more = cu_arena_alloc(p->arena, sizeof(*more));
    cu_batch some = *b;
    some.sel = l->rows;
    some.n_sel = l->n;
    some.weights = NULL; /* the aggregate has its own */
    some.marks = NULL;
    some.origins = NULL;
    some.records = NULL;
    *more = (cu_parked){
        .batch = cu_batch_copy(p->arena, &some),
        .groups = cu_arena_dup(p->arena, l->groups, l->n * sizeof(*l->groups)),
        .weights = cu_arena_dup(p->arena, l->weights,
                                l->n * sizeof(*l->weights))};
    *p->end = more;
    p->end = &more->next;
}

void cu_parking_take(cu_parking *p, const cu_batch *b, cu_live *l)
{
    cu_live parked;
    uint32_t n = 0;
    parked.n = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        bool waits = ((const cu_group *)l->groups[i])->waits;
        cu_live *to = waits ? &parked : l;
        uint32_t at = waits ? parked.n++ : n++;
        to->groups[at] = l->groups[i];
        to->rows[at] = l->rows[i];
        to->weights[at] = l->weights[i];
    }
    l->n = n;
    if (parked.n)
        add(p, b, &parked);
}

void cu_parking_give(const cu_parked *p, cu_live *l)
{
    l->n = p->batch->n_rows;
    memcpy(l->groups, p->groups, l->n * sizeof(*l->groups));
    memcpy(l->weights, p->weights, l->n * sizeof(*l->weights));
    for (uint32_t i = 0; i < l->n; i++)
        l->rows[i] = (uint16_t)i;
}

size_t cu_parking_bytes(const cu_parking *p)
{
    return p->first ? cu_arena_used_bytes(p->arena) : 0;
}

void cu_parking_reset(cu_parking *p)
{
    if (p->arena)
        cu_arena_reset(p->arena);
    p->first = NULL;
    p->n_groups = 0;
}
