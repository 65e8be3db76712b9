/* The layout of an app: which of its own topics count.
 *
 * `cupel app repartition` makes changelogs, exchanges and state for other
 * partitions beside those that are there; then one transaction says in
 * `<app>.layout` that the new ones count, sets the group's positions, and marks
 * the state of the old ones as moved away from.
 *
 *   <app>.layout   "layout" -> u8 1 | varint number | varint partitions
 *                              | varint n | n x { lslice topic
 *                                                 | varint partitions }
 *
 * The list is that of the inputs, as they were.  L1 a process that begins with
 * an older layout is stopped by the mark when it restores (instance.c), or by
 * looking a second time, after it made its topics (runtime.c).
 */
#ifndef CU_RUNTIME_LAYOUT_H
#define CU_RUNTIME_LAYOUT_H

#include "log/log.h"
#include "processors/plan/stage.h"

typedef struct cu_layout_input {
    const char *topic;
    int32_t partitions;
} cu_layout_input;

typedef struct cu_layout_record {
    cu_layout layout;
    uint32_t n_inputs;
    cu_layout_input *inputs;
} cu_layout_record;

/* The one that counts; {0} when there never was another than the first. */
int cu_layout_read(cu_log *log, cu_env *env, const char *app, cu_arena *a,
                   cu_layout_record *out, cu_err *err);
const char *cu_layout_topic(const char *app, cu_arena *a);
int cu_layout_ensure(cu_log *log, const char *app, cu_err *err); /* its topic */
/* The record, into the writer's open transaction. */
int cu_layout_write(cu_writer *w, const char *app, const cu_layout_record *l,
                    cu_err *err);
/* Partitions that the record says of an input; 0: nothing. */
int32_t cu_layout_input_of(const cu_layout_record *l, const char *topic);

void cu_layout_encode(const cu_layout_record *l, cu_buf *out);
int cu_layout_decode(cu_slice bytes, cu_arena *a, cu_layout_record *out,
                     cu_err *err);

#endif
