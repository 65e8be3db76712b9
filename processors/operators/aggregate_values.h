/* Values kept in the state, counted and in order, and what is made of them:
 * DISTINCT, min and max, percentiles, first values, whole lists. */
#ifndef CU_OPERATORS_AGGREGATE_VALUES_H
#define CU_OPERATORS_AGGREGATE_VALUES_H

#include "processors/operators/aggregate.h"

/* --- counted values: aggregate_values.c ---------------------------------- */

/* The column of the argument, or of WITHIN GROUP; -1: none. */
int32_t cu_acc_column(const cu_agg_call *call);

/* Values that calls with the same arguments, order and filter share. */
struct cu_value_set {
    uint8_t number;
    bool nulls;
    bool forms;  /* 1.0 and 1.00 are two values: what is shown then depends
                    on the rows alone */
    bool ranked; /* indexed by count, for mode() */
    bool loose;  /* for its keys alone: nothing is counted */
    int32_t filter;
    uint32_t n_order, n_values;
    const cu_key_col *order;
    cu_key_col values[2]; /* columns of the arguments */
    cu_type types[2];
    cu_acc_call **calls; /* heap */
    uint32_t n_calls;
};

typedef struct cu_counted cu_counted;

/* `forgets`: values that go may be unknown; they count for nothing. */
cu_counted *cu_counted_new(cu_op *op, cu_table *values, cu_table *ranks,
                           bool forgets);
void cu_counted_free(cu_counted *v);
/* Finds or makes the call's set. */
void cu_counted_join(cu_counted *v, cu_acc_call *c);
uint32_t cu_counted_sets(const cu_counted *v);
const cu_value_set *cu_counted_set(const cu_counted *v, uint32_t i);
/* The end of an order key: the values, and their forms where these count. */
void cu_set_put_values(const cu_value_set *s, const cu_value *v, cu_buf *out);
/* The whole order key of a row; *sort_len: without the forms. */
void cu_set_put_key(const cu_value_set *s, const cu_batch *b, uint32_t row,
                    cu_buf *out, size_t *sort_len);
/* The rows of one set. */
void cu_counted_push(cu_counted *v, const cu_value_set *s,
                     const cu_acc_rows *rows);
/* Pending counts into the state, what they change into the accumulators of
 * the groups, which are all in memory. */
int cu_counted_commit(cu_counted *v, cu_err *err);

/* A walk over the values of a group, from `key` (order key; absent: from the
 * end where it starts) on, or down below it. */
typedef struct cu_values_walk {
    cu_table_iter *it;
    size_t skip;     /* group key and set number */
    cu_slice key;    /* order key; lent until the next step */
    size_t sort_len; /* of it: what orders, without the forms */
    int64_t count;
    cu_value values[2]; /* lent likewise */
    int rc;
} cu_values_walk;

int cu_values_open(cu_counted *v, const cu_group *g, const cu_value_set *s,
                   cu_slice key, bool down, cu_values_walk *w, cu_err *err);
/* False at the end and after a fault, which close() returns. */
bool cu_values_next(cu_counted *v, const cu_value_set *s, cu_values_walk *w);
int cu_values_close(cu_counted *v, cu_values_walk *w, cu_err *err);
/* A walk that stands at the most frequent value; *found false: there is
 * none. */
int cu_values_most(cu_counted *v, const cu_group *g, const cu_value_set *s,
                   cu_values_walk *w, bool *found, cu_err *err);

/* --- marks: aggregate_marks.c -------------------------------------------- */

/* Fractions of a percentile, number of marks. */
int cu_marks_prepare(cu_acc_call *c, cu_err *err);
/* Copies of `key` went from `old` to `now`. */
void cu_marks_changed(const cu_acc_call *c, cu_acc_marks *m, cu_slice key,
                      int64_t old, int64_t now);
/* Moves the marks to where the counts want them. */
int cu_marks_settle(cu_counted *v, const cu_acc_call *c, cu_group *g,
                    cu_err *err);
/* Rows that never go: the first one stays. */
void cu_marks_add(const cu_acc_call *c, const cu_acc_rows *rows);
int cu_marks_result(const cu_acc_call *c, const cu_acc_marks *m, cu_arena *a,
                    cu_value *out, cu_err *err);
void cu_marks_put(const cu_acc_call *c, const cu_acc_marks *m, cu_buf *out);
bool cu_marks_get(const cu_acc_call *c, cu_acc_marks *m, cu_scan *from,
                  cu_arena *scratch);
void cu_mark_clear(cu_mark *m);

/* --- all values: aggregate_all.c ----------------------------------------- */

/* The result; reads the group's values unless it is known. */
int cu_all_result(cu_counted *v, const cu_acc_call *c, cu_group *g, cu_arena *a,
                  cu_value *out, cu_err *err);

#endif
