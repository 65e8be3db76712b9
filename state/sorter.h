/* Sorting more rows than memory holds: sorted runs in one file, then a merge.
 *
 *     add ... add | memory is full: sorted, a run | add ... | next ... next
 *
 * What fits in memory never becomes a file.  Thread: one owner.
 */
#ifndef CU_STATE_SORTER_H
#define CU_STATE_SORTER_H

#include "base/bytes.h"
#include "base/env.h"

typedef struct cu_sorter cu_sorter;

/* `path`: the file, while it is needed; free removes it.  One that a killed
 * process left is overwritten. */
cu_sorter *cu_sorter_new(cu_env *env, const char *path, size_t memory_bytes);
void cu_sorter_free(cu_sorter *s);

/* Sorted by the bytes of key and value together; both are copied. */
int cu_sorter_add(cu_sorter *s, cu_slice key, cu_slice value, cu_err *err);
/* After the last add, the smallest that is left, lent until the next call;
 * *found false: none. Equal ones come as often as they were added. */
int cu_sorter_next(cu_sorter *s, cu_slice *key, cu_slice *value, bool *found,
                   cu_err *err);

#endif
