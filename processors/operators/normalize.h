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
/* A row of the running snapshot was rejected: its end deletes nothing. */
void cu_normalize_snapshot_fault(cu_op *op);
/* `deletes`: keys that were not seen go, unless there was a fault.  A snapshot
 * without any row changes nothing when the table does not allow it to be
 * empty.  Where the table's rows say when it was taken (snapshot_col), the
 * changes of all versions leave under that date (cu_op_env). */
int cu_normalize_snapshot_end(cu_op *op, bool deletes, cu_err *err);
/* Rows of the running snapshot; 0 when none runs. */
uint64_t cu_normalize_snapshot_rows(const cu_op *op);

#endif
