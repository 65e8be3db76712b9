/* Time of stages: what their feeds' watermarks mean. */
#ifndef CU_RUNTIME_TIME_H
#define CU_RUNTIME_TIME_H

#include "processors/runtime/int.h"

/* The commit's clock: read once between two commits, before anything that
 * looks at it. Never goes back. */
void cu_worker_tick(cu_worker *w);
/* When all instances are wired, before any row: first rows of new ones, and
 * the watermarks that the progress records of the others hold. */
int cu_time_start(cu_worker *w, cu_err *err);
/* Before an instance commits: what its idle and ended feeds mean for it. */
int cu_time_settle(cu_instance *i, cu_err *err);
/* True when an input became idle, or the time ended, since the last commit. */
bool cu_time_moved(cu_worker *w);
/* A block of an exchange says how far its sender is. */
void cu_time_hear(cu_feed_in *in, uint32_t source, int64_t watermark_us,
                  bool idle);
/* After a commit: when the clock alone makes the next one necessary. */
int64_t cu_time_due(const cu_worker *w);

#endif
