/* Begin and end records of snapshots, on their way to normalize. */
#ifndef CU_RUNTIME_SNAPSHOT_H
#define CU_RUNTIME_SNAPSHOT_H

#include "processors/runtime/int.h"

/* What a begin or end record means for everything that hears the input. */
int cu_snapshot_feed(cu_worker *w, cu_feed_in *in, const cu_record *r,
                     cu_slice mark, cu_err *err);
/* A row of the running snapshot was rejected: it deletes nothing. */
void cu_snapshot_fault(cu_feed_in *in, int64_t offset);

#endif
