/* Sorting by key bytes: what reaches the log or the store goes in key order.
 *
 * Thread: any; nothing is shared.
 */
#ifndef CU_STATE_SORT_H
#define CU_STATE_SORT_H

#include "base/bytes.h"

typedef struct cu_keyed {
    uint64_t head; /* scratch of the sort */
    cu_slice key;  /* lent by the caller */
    void *item;
} cu_keyed;

/* Ascending memcmp order, shorter first on a tie; stable. */
void cu_sort_keyed(cu_keyed *items, size_t n);

#endif
