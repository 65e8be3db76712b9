/* What nodes are made of: calls, frames, kinds of joins and windows. */
#ifndef CU_PLAN_CALL_H
#define CU_PLAN_CALL_H

#include "processors/expr/func.h"
#include "rows/key.h"

/* One aggregate call over columns of the input. */
typedef struct cu_agg_call {
    const cu_func *func;
    int32_t arg;    /* column, -1: none (count(*)) */
    int32_t filter; /* boolean column, -1: none */
    bool distinct;
    cu_type result;
    /* Second argument (corr's y, string_agg's delimiter, jsonb_object_agg's
     * value): a column when has_second. */
    bool has_second;
    uint16_t second;
    /* ORDER BY inside the call, or WITHIN GROUP (ORDER BY …): columns. Equal
     * rows keep the order of their row bytes. */
    uint32_t n_order;
    const cu_key_col *order;
    const cu_value *direct; /* percentile's fraction, or NULL */
} cu_agg_call;

/* When what stands under a key may be forgotten: once the watermark has
 * reached the key's first column (a date, timestamp or timestamptz) + delay +
 * lateness.  A row that comes for it after all is late (cu_op_env.late). */
typedef struct cu_closing {
    bool on;
    cu_interval delay;
    int64_t lateness_us;
} cu_closing;

/* A frame's end. PRECEDING and FOLLOWING offsets are constants. */
typedef enum cu_frame_bound {
    CU_BOUND_UNBOUNDED_PRECEDING,
    CU_BOUND_PRECEDING,
    CU_BOUND_CURRENT,
    CU_BOUND_FOLLOWING,
    CU_BOUND_UNBOUNDED_FOLLOWING,
} cu_frame_bound;
typedef enum cu_frame_mode {
    CU_FRAME_RANGE,
    CU_FRAME_ROWS,
    CU_FRAME_GROUPS
} cu_frame_mode;
typedef enum cu_frame_exclude {
    CU_EXCLUDE_NOTHING,
    CU_EXCLUDE_CURRENT,
    CU_EXCLUDE_GROUP,
    CU_EXCLUDE_TIES
} cu_frame_exclude;
typedef struct cu_over_frame {
    /* PostgreSQL's default is RANGE UNBOUNDED PRECEDING..CURRENT. */
    uint8_t mode, start, end, exclude;
    /* bigint for ROWS and GROUPS; RANGE: of the order column's offset type. */
    const cu_value *start_offset, *end_offset;
} cu_over_frame;

/* One window function, or an aggregate as one (func->agg). */
typedef struct cu_over_call {
    const cu_func *func;
    uint32_t n_args;
    uint16_t args[3]; /* columns of the input */
    int32_t filter;   /* boolean column, -1: none (aggregates only) */
    cu_over_frame frame;
    cu_type result;
} cu_over_call;

typedef enum cu_join_kind {
    CU_JOIN_INNER,
    CU_JOIN_LEFT,
    CU_JOIN_RIGHT,
    CU_JOIN_FULL,
    CU_JOIN_SEMI, /* left rows with a match, as often as they came */
    CU_JOIN_ANTI, /* left rows without one */
} cu_join_kind;

typedef enum cu_rank_fn {
    CU_RANK_ROW_NUMBER,
    CU_RANK_RANK, /* LIMIT … WITH TIES is rank() <= n */
    CU_RANK_DENSE_RANK,
} cu_rank_fn;

typedef enum cu_window_kind {
    CU_WINDOW_TUMBLE,
    CU_WINDOW_HOP,      /* every `slide` a window of `size` */
    CU_WINDOW_CUMULATE, /* grows by `slide` up to `size` */
    CU_WINDOW_JUDGE,    /* adds no column: `time` is the start of a window of
                           `size` that an expression made; late rows go */
} cu_window_kind;

/* For the binder: which columns bound the windows that the rows belong to.
 * Columns + 1; 0: not there. */
typedef struct cu_node_windows {
    uint16_t start, end, anchor;
    bool judged;         /* late rows are gone: a closed window stays so */
    cu_interval size;    /* start + size = end; sessions: the gap */
    int64_t lateness_us; /* a window closes that long after its end */
    int64_t lag_us;      /* `time` is up to this behind the watermark */
} cu_node_windows;

typedef enum cu_session_mode {
    CU_SESSION_ANCHOR, /* adds `anchor`: a time within the session that names it
                          among the sessions of its partition. When sessions
                          merge or split, the rows of the smaller part are
                          retracted and come again under the other's anchor.
                          Watermarks stay below every open anchor. */
    CU_SESSION_FINAL,  /* adds window_start, window_end; the rows of a session
                          come once it is closed */
} cu_session_mode;

#endif
