/* Stages that are made anew, in other generations of their tables.
 *
 *   offsets reset         DUE      positions and generation, one transaction
 *   first commit          RUNNING  rows go to the new generation, none to
 *                                  the topic, which shows the old one
 *   all that was there
 *   went through          NOT      the topic gets the difference, in the
 *                                  transaction that says so
 *   then, bit by bit               the other generations are deleted
 *
 * Each step is one commit or can be repeated, so a crash anywhere only means
 * going on.  R1 what the topic shows is the generation `shown`, or, without a
 * rebuild, the current one.  R2 a generation is written into only when none
 * of its rows are left of an earlier one.
 */
#ifndef CU_RUNTIME_REBUILD_H
#define CU_RUNTIME_REBUILD_H

#include "processors/runtime/int.h"

/* Some stage of the worker still has to catch up. */
bool cu_rebuild_runs(const cu_worker *w);
/* Some stage has corrections to publish, or rows to delete. */
bool cu_rebuild_moves(const cu_worker *w);
/* Between commits: has all that was there gone through? */
int cu_rebuild_look(cu_worker *w, cu_err *err);
void cu_rebuild_forget(cu_worker *w);
/* Behind the operators' commit. */
int cu_rebuild_commit(cu_instance *i, cu_err *err);

/* --- said.c: rows of views that keep none ----------------------------------
 */

typedef int cu_said_out(void *ctx, cu_slice key, cu_slice value, cu_err *err);

/* A record that the topic would get. */
int cu_said_note(cu_space *space, cu_slice key, cu_slice value, cu_err *err);
/* Gives those that the partition of the topic does not have yet, as often as
 * they are missing, and forgets all. */
int cu_said_tell(cu_space *space, cu_log *log, cu_part part, cu_said_out *out,
                 void *ctx, cu_err *err);

#endif
