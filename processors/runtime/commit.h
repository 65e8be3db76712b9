/* The commit cycle, and its parts for who commits something else as well. */
#ifndef CU_RUNTIME_COMMIT_H
#define CU_RUNTIME_COMMIT_H

#include "processors/runtime/int.h"

/* Everything since the last one, in one transaction; nothing: no transaction.
 */
int cu_commit(cu_worker *w, cu_err *err);
/* Dies here, if the simulation wants it to. */
int cu_worker_crash(cu_worker *w, const char *point, cu_err *err);
/* Marks one position as it is: it is the marks of a transaction that the group
 * fences a zombie by. */
int cu_worker_mark_still(cu_worker *w, cu_err *err);
/* Of the ends that a commit told: that of a changelog it wrote to. */
int64_t cu_changelog_end(const cu_positions *ends, cu_part part);

#endif
