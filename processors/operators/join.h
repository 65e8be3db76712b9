/* Shared by the join's files: join.c (rows in, commits), join_match.c (what
 * a change means), join_emit.c (rows out), join_expire.c (forgetting). */
#ifndef CU_OPERATORS_JOIN_H
#define CU_OPERATORS_JOIN_H

#include "processors/operators/pair.h"
#include "processors/operators/sides.h"
#include "processors/operators/ttl.h"
#include "processors/operators/two_marks.h"

/* What an interval took in: the composite key is join key | id. */
typedef struct cu_join_change {
    cu_keyrec rec;
    int64_t weight;
    uint64_t key_hash;
    uint32_t key_len;
} cu_join_change;

typedef struct cu_join_input {
    cu_key_col *key;
    bool *strict; /* per key column: NULL meets nothing */
    uint32_t n_cols;
    int time;    /* column, -1: none */
    bool keeps;  /* its rows are emitted by how many they meet */
    bool tracks; /* … which each of its rows must know by itself */
} cu_join_input;

/* A pair whose residual is not known yet. */
typedef struct cu_join_pair {
    cu_side_row *rows[2];
    int64_t gain[2]; /* of the rows' degrees, if it is a match */
    uint32_t task;
    bool emits;
} cu_join_pair;

/* An unchanged row whose degree is to change. */
typedef struct cu_join_moved {
    uint32_t task;
    int side;
    cu_side_row *row;
} cu_join_moved;

typedef struct cu_join {
    cu_op op;
    cu_join_kind kind;
    bool half;     /* semi, anti: left's columns only */
    bool tested;   /* pairs of a key may not match: residual, interval */
    bool counting; /* of the right only the totals are kept */
    bool interval;
    cu_join_input in[2];
    uint32_t n_keys;
    cu_sides sides;
    cu_two_marks marks;
    cu_ttl ttl;
    cu_touched changes[2];
    cu_keys keys;
    cu_buf scratch;
    cu_side_walk walk;
    /* join_emit.c */
    cu_prog *prog; /* NULL: none */
    cu_arena *schemas;
    const cu_schema *joined; /* left's columns, then right's */
    cu_arena *pair_arena;
    cu_batch *pair_batch; /* NULL: nothing waits */
    cu_join_pair *pairs;
    cu_row_faults *faults;
    cu_join_moved *moved;
    size_t n_moved, cap_moved, next_moved;
    cu_outbox out;
    uint64_t n_pairs; /* considered */
} cu_join;

/* One key of a flush. */
typedef struct cu_join_task {
    uint32_t number;
    cu_slice key;
    uint64_t hash;
    cu_side_group *group;
    const cu_join_change *const *changes[2];
    uint32_t n[2];
    cu_side_row **rows[2];
    int64_t total[2]; /* before */
} cu_join_task;

static inline int64_t cu_join_time(const cu_side_row *r)
{
    return cu_instant_of_be(cu_side_id(r));
}
static inline cu_slice cu_join_row(const cu_join *j, const cu_side_row *r)
{
    uint32_t skip = j->interval ? 8 : 0;
    return cu_slice_n(r->bytes + skip, r->len - skip);
}

/* --- join_match.c -------------------------------------------------------- */

/* All changes of the interval: output emitted, state written. */
int cu_join_flush(cu_join *j, cu_err *err);

/* --- join_emit.c --------------------------------------------------------- */

int cu_join_emit_open(cu_join *j, cu_err *err);
void cu_join_emit_close(cu_join *j);
/* The pair's rows have their new counts, and the old ones in `before`. */
int cu_join_meet(cu_join *j, uint32_t task, cu_side_row *l, cu_side_row *r,
                 cu_err *err);
/* Runs the residual over the pairs that wait. */
int cu_join_test(cu_join *j, cu_err *err);
/* A row without its other half. */
int cu_join_single(cu_join *j, int side, const cu_side_row *r, int64_t weight,
                   cu_err *err);
/* --- join_expire.c ------------------------------------------------------- */

/* Whether state for this row has been forgotten already; `window` says of
 * what. `us`: its time, of intervals. */
bool cu_join_is_late(const cu_join *j, int side, int64_t us, cu_slice key,
                     cu_late *window);
int cu_join_expire(cu_join *j, cu_err *err);
/* The row has changed: remembers when. */
void cu_join_date(cu_join *j, cu_side_group *g, int side, cu_side_row *r);
/* Rows that have not changed for the ttl go. */
int cu_join_forget(cu_join *j, cu_err *err);

#endif
