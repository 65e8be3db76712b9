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

/* runtime.c: the ids of stages in the store, made when there are none. */
int cu_runtime_ids(cu_runtime *rt, const cu_stages *stages, uint32_t **out,
                   cu_err *err);

/* Some stage of the worker still has to catch up. */
bool cu_rebuild_runs(const cu_worker *w);
/* Some stage has corrections to publish, or rows to delete. */
bool cu_rebuild_moves(const cu_worker *w);
/* Refuses, with CU_HISTORY, when rows that the state was made of have left the
 * inputs. */
int cu_rebuild_whole(cu_worker *w, cu_err *err);
/* Between commits: has all that was there gone through? */
int cu_rebuild_look(cu_worker *w, cu_err *err);
void cu_rebuild_forget(cu_worker *w);
/* Behind the operators' commit. */
int cu_rebuild_commit(cu_instance *i, cu_err *err);

/* --- said.c: rows of views that keep none --------------------------------- */

typedef int cu_said_out(void *ctx, cu_slice key, cu_slice value, cu_err *err);

/* A record that the topic would get. */
int cu_said_note(cu_space *space, cu_slice key, cu_slice value, cu_err *err);
/* Gives those that the instance has not put into the topic yet, as often as
 * they are missing, and forgets all. */
typedef struct cu_said_where {
    cu_log *log;
    const char *topic; /* NULL: what it has does not count */
    int32_t partitions;
    const cu_stage *stage;
    int32_t instance;
} cu_said_where;
int cu_said_tell(cu_space *space, const cu_said_where *at, cu_said_out *out,
                 void *ctx, cu_err *err);

/* Which instance of a stage without key a record of the topic comes from: the
 * only one, or that of the header, or of the partition. */
#define CU_SAID_TASK "cupel.task"
int32_t cu_said_by(const cu_stage *s, const cu_record *r);
/* Can a partition of the topic have records of the instance? */
bool cu_said_from(const cu_stage *s, int32_t partitions, int32_t partition,
                  int32_t instance);

#endif
