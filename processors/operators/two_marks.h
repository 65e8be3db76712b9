/* Time of operators with two inputs: watermarks, what they have forgotten,
 * and which keys have rows of a time.
 *
 * Thread: one owner. */
#ifndef CU_OPERATORS_TWO_MARKS_H
#define CU_OPERATORS_TWO_MARKS_H

#include "processors/operators/instant.h"
#include "processors/operators/int.h"

typedef struct cu_two_marks {
    cu_op *op;
    bool forgets;    /* the operator drops rows by watermark */
    bool deaf[2];    /* an input's watermark is not of our time column */
    int64_t in[2];   /* the inputs' watermarks; deaf: none */
    int64_t done[2]; /* the same, as of the last commit that forgot by them */
    int64_t sent[2]; /* the inputs' watermarks as they are */
    cu_held_mark held;
    cu_table *index[2], *meta;
    cu_buf key, value;
} cu_two_marks;

/* Takes the tables 3, 4 and 5 of the node. Watermarks go into the state when
 * the operator forgets by them. */
int cu_two_marks_open(cu_two_marks *m, cu_op *op, bool forgets, cu_err *err);
void cu_two_marks_close(cu_two_marks *m);
void cu_two_marks_see(cu_two_marks *m, int port, int64_t ts_us);
/* The lower one. */
int64_t cu_two_marks_low(const int64_t marks[2]);
/* Whether there is more to forget than at the last commit. */
bool cu_two_marks_moved(const cu_two_marks *m);
/* All is forgotten and emitted: remembers it, and sends the lower mark. */
int cu_two_marks_commit(cu_two_marks *m, cu_err *err);

/* A row for what was forgotten: to env->late when its weight is positive. */
int cu_two_marks_late(cu_two_marks *m, const cu_batch *b, uint32_t row,
                      const cu_late *window, cu_err *err);

/* --- the index: time | key ----------------------------------------------- */

typedef struct cu_timed_key {
    int64_t us;
    cu_slice key;
} cu_timed_key;

void cu_two_marks_put(cu_two_marks *m, int side, int64_t us, cu_slice key);
void cu_two_marks_del(cu_two_marks *m, int side, int64_t us, cu_slice key);
/* The first entries with a time below `below`, at most `most`; in `a`. */
int cu_two_marks_due(cu_two_marks *m, int side, int64_t below, uint32_t most,
                     cu_arena *a, cu_timed_key *out, uint32_t *n, cu_err *err);

#endif
