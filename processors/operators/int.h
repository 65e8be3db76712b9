/* Shared by the files of operators/ only. */
#ifndef CU_OPERATORS_INT_H
#define CU_OPERATORS_INT_H

#include "base/alloc.h"
#include "base/assert.h"
#include "processors/operators/op.h"

/* --- the makers, one per file -------------------------------------------- */

cu_op *cu_entry_new(void);
cu_op *cu_filter_new(void);
cu_op *cu_project_new(void);
cu_op *cu_flatmap_new(void);
cu_op *cu_union_new(void);
cu_op *cu_values_new(void);
cu_op *cu_watermark_new(void);
cu_op *cu_normalize_new(void);
cu_op *cu_aggregate_new(void);
cu_op *cu_rank_new(void);
cu_op *cu_rank_first_new(void);
cu_op *cu_over_new(void);
cu_op *cu_join_new(void);
cu_op *cu_asof_new(void);
cu_op *cu_lookup_new(void);
cu_op *cu_expand_new(void);
cu_op *cu_window_new(void);
cu_op *cu_session_new(void);
cu_op *cu_buffer_new(void);
cu_op *cu_temporal_new(void);
cu_op *cu_history_new(void);
cu_op *cu_changelog_new(void);
cu_op *cu_surrogate_new(void);
cu_op *cu_materialize_new(void);

/* rank_first.c keeps the node's one row a partition without scans. */
bool cu_rank_first_suits(const cu_node *n);
/* First start of a stage. */
int cu_values_emit(cu_op *op, cu_err *err);
int cu_aggregate_first(cu_op *op, cu_err *err);
/* A WATERMARK's part of cu_clock_…() */
int64_t cu_watermark_at(const cu_op *op);
int cu_watermark_move(cu_op *op, int64_t ts_us, cu_err *err);

/* Sets what every operator has; `vt->open` comes later. */
void cu_op_init(cu_op *op, const cu_op_vt *vt);

/* --- faults of rows ------------------------------------------------------ */

/* Writes the letters of the failing +1 rows; `column_of` names the output
 * column of an expression (NULL: none). Clears the failing rows out of the
 * `n` row numbers in `sel`; *n is how many are left. */
int cu_faults_report(cu_op *op, const cu_batch *b, const cu_row_faults *faults,
                     const cu_schema *columns, cu_err *err);
uint32_t cu_faults_sift(const cu_batch *b, const cu_row_faults *faults,
                        uint16_t *sel);

/* --- emitting rows ------------------------------------------------------- */

/* Rows gathered into batches and emitted as these fill up. */
typedef struct cu_outbox {
    cu_op *op;
    const cu_schema *schema;
    cu_arena *arena; /* of the batch; reset after each emit */
    cu_batch *batch; /* NULL: nothing waits */
    bool marked;     /* rows leave with marks: that of cu_outbox_pair()'s */
    int64_t mark;    /* are `mark`; the other adders' are their caller's */
    int64_t *marks;  /* of the batch */
} cu_outbox;

void cu_outbox_open(cu_outbox *o, cu_op *op, const cu_schema *schema);
void cu_outbox_close(cu_outbox *o);
/* Room for `rows` more that must stand in one batch: emits when it is not
 * there. */
int cu_outbox_room(cu_outbox *o, uint32_t rows, cu_err *err);
/* The row that `bytes` hold; `bytes` must live until the flush. */
int cu_outbox_row(cu_outbox *o, cu_slice bytes, int32_t weight, cu_err *err);
/* The same with any 64-bit weight, over several rows if need be. */
int cu_outbox_weighed(cu_outbox *o, cu_slice bytes, int64_t weight,
                      cu_err *err);
int cu_outbox_flush(cu_outbox *o, cu_err *err);

/* --- watermarks of operators that emit at commit ------------------------- */

/* Rows of before a watermark leave at the commit, so it must wait for them. */
typedef struct cu_held_mark {
    int64_t seen, sent;
} cu_held_mark;
#define CU_HELD_MARK ((cu_held_mark){INT64_MIN, INT64_MIN})

static inline void cu_held_mark_see(cu_held_mark *m, int64_t ts_us)
{
    if (ts_us > m->seen)
        m->seen = ts_us;
}
int cu_held_mark_send(cu_held_mark *m, cu_op *op, cu_err *err);

/* --- numbers in the state: number.c --------------------------------------- */

/* A table's one number, under the key "": u8 1 | u64le.  *v stays as it is
 * when none was written. */
int cu_number_read(const cu_op *op, cu_table *t, uint64_t *v, cu_err *err);
void cu_number_write(cu_table *t, uint64_t v);
/* The same for times. */
int cu_mark_read(const cu_op *op, cu_table *t, int64_t *us, cu_err *err);
static inline void cu_mark_write(cu_table *t, int64_t us)
{
    cu_number_write(t, (uint64_t)us);
}

/* --- what a materialize keeps: materialize_read.c ------------------------- */

enum { CU_MATERIALIZE_VERSION = 1 };
/* The row of a stored entry, lent by it, and how often it is there; of a key in
 * dispute the first row, once. */
int cu_materialize_entry(const cu_node *node, cu_slice key, cu_slice value,
                         cu_slice *row, int64_t *weight, cu_err *err);

/* False: made of VALUES alone; such an input has no watermark, ever. */
bool cu_op_has_source(const cu_node *n);

/* --- errors -------------------------------------------------------------- */

/* A retraction of a row that is not there: a bug upstream. Ends the process
 * where slow asserts are on. */
int cu_negative(const cu_op *op, const char *what, cu_err *err);

#endif
