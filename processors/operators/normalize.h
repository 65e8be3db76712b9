/* Snapshots into a normalize operator.
 *
 * Between begin and end all pushed rows are the whole table.  At the end,
 * keys that were not seen are retracted; without a key the whole multiset is
 * replaced.  A snapshot may span commits: what was seen so far is kept in the
 * state, and everything changes at the end, in one commit.
 */
#ifndef CU_OPERATORS_NORMALIZE_H
#define CU_OPERATORS_NORMALIZE_H

#include "processors/operators/op.h"

/* A snapshot starts; one that was not ended counts for nothing. */
int cu_normalize_snapshot_begin(cu_op *op, cu_err *err);
/* `deletes`: keys that were not seen go (false: a snapshot with bad rows, or
 * deletes 'ignore').  A snapshot without any row changes nothing when the
 * table does not allow it to be empty. */
int cu_normalize_snapshot_end(cu_op *op, bool deletes, cu_err *err);
/* Rows of the running snapshot; 0 when none runs. */
uint64_t cu_normalize_snapshot_rows(const cu_op *op);

#endif
