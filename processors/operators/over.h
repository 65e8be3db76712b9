/* Shared by the files of over: calls, frames, results. */
#ifndef CU_OPERATORS_OVER_H
#define CU_OPERATORS_OVER_H

#include "processors/operators/aggregate.h"
#include "processors/operators/over_rows.h"

enum { CU_OVER_SPANS = 3 };
/* The end of a partition, before it is known. */
#define CU_OVER_END INT64_MAX

/* How a call's rows depend on one another. */
typedef enum cu_over_class {
    CU_OVER_LOCAL, /* on rows near by */
    CU_OVER_RUN,   /* on all before it, through a state per row */
    CU_OVER_WHOLE, /* on the whole partition */
} cu_over_class;

/* How far a change is felt, or how far a row looks. */
typedef struct cu_over_reach {
    int64_t rows;   /* that many */
    int64_t groups; /* of peers, 0: its own; -1: peers do not matter */
} cu_over_reach;

/* One end of a frame. */
typedef struct cu_over_end {
    uint8_t bound; /* cu_frame_bound */
    int64_t n;     /* ROWS, GROUPS: the offset */
    cu_value by;   /* RANGE: the offset */
    bool ranged;   /* a RANGE offset */
} cu_over_end;

/* Rows [low, high) that are in the frame, as far as they were added. */
typedef struct cu_over_span {
    int64_t low, high;
    int64_t *queue; /* min, max: candidates, best first */
    uint32_t first, n, cap;
} cu_over_span;

typedef struct cu_over_fn {
    const cu_over_call *call;
    cu_over_class class;
    uint8_t mode, exclude;
    cu_over_end start, end;
    bool framed;   /* an aggregate, first, last or nth value */
    bool from_top; /* the frame starts with the partition */
    bool to_end;   /* and ends with it */
    bool last;     /* last_value */
    bool best;     /* min, max */
    bool adds;     /* an accumulator that adds and takes away */
    bool keeps;    /* first or nth value of a frame from the top */
    bool ahead;    /* rows to the partition's end are added before the pass */
    bool stays;    /* needs all rows from the top in memory */
    bool shift_known;
    int64_t shift; /* lag: below 0 */
    int64_t nth;
    cu_agg_call agg;
    cu_acc_call acc;
    void *sum; /* its accumulator */
    /* keeps, or best from the top: the value, and how many were counted */
    cu_acc_best held;
    int64_t held_n;
    /* In a pass: */
    int64_t low, high; /* of the frame */
    cu_over_span spans[CU_OVER_SPANS];
    int64_t buckets; /* ntile's argument; 0: not known yet */
} cu_over_fn;

/* --- what a call means: over_call.c --------------------------------------- */

typedef struct cu_over_plan {
    const cu_node *node;
    const cu_zone *zone;
    cu_over_fn *fns;
    uint32_t n;
    uint16_t order_col, order_flags; /* of RANGE offsets */
    bool counts, ranks, denses;      /* which numbers the state has */
    bool whole, run, ahead, sized;
    bool ranged;           /* RANGE offsets */
    cu_over_reach before;  /* rows ahead of a change that feel it */
    cu_over_reach after;   /* rows behind it */
    cu_over_reach context; /* rows that these look back at */
    bool before_range, after_range, context_range;
} cu_over_plan;

int cu_over_plan_open(cu_over_plan *p, const cu_node *node, const cu_zone *zone,
                      cu_err *err);
void cu_over_plan_close(cu_over_plan *p);

/* --- RANGE offsets: over_range.c ------------------------------------------ */

/* PostgreSQL's in_range: whether `v` is on the frame's side of `base` moved
 * by the end's offset; `less`: the frame is below. Values are not null. */
bool cu_over_in_range(const cu_over_plan *p, const cu_over_end *e,
                      const cu_value *v, const cu_value *base, bool start);
/* NULLs included: is `v` before the frame's start, or behind its end, for a
 * row whose value is `base`? */
bool cu_over_before(const cu_over_plan *p, const cu_over_end *e,
                    const cu_value *v, const cu_value *base);
bool cu_over_behind(const cu_over_plan *p, const cu_over_end *e,
                    const cu_value *v, const cu_value *base);
/* 22013 for an offset that is negative or NULL. */
int cu_over_offset_check(const cu_over_end *e, cu_err *err);

/* --- frames over rows: over_frame.c --------------------------------------- */

/* The row that a pass computes. */
typedef struct cu_over_cursor {
    int64_t at;
    int64_t peers, peers_end; /* its group; end: CU_OVER_END, not looked for */
    int64_t number, rank, dense; /* of the row, from 1 */
    int64_t total;               /* rows of the partition, when sized */
} cu_over_cursor;

/* Forgets what the last pass added. */
void cu_over_fn_clear(cu_over_fn *f);
/* Frames stand before the first row of a pass. */
void cu_over_fn_start(cu_over_fn *f, const cu_over_rows *r);
/* The frame's end for the row before the pass; nothing is added: that row's
 * state holds it. */
int cu_over_fn_resume(const cu_over_plan *p, cu_over_fn *f, cu_over_rows *r,
                      int64_t anchor, cu_err *err);
/* Moves the frame to the cursor's row; adds and takes away. */
int cu_over_fn_move(const cu_over_plan *p, cu_over_fn *f, cu_over_rows *r,
                    cu_over_cursor *c, cu_arena *scratch, cu_err *err);
/* The row into the accumulator that is held over rows. */
void cu_over_fn_add(cu_over_fn *f, const cu_over_row *row, cu_arena *scratch);
/* The lowest row that it still needs. */
int64_t cu_over_fn_needs(const cu_over_fn *f, const cu_over_rows *r,
                         const cu_over_cursor *c);
int cu_over_peers_end(cu_over_rows *r, int64_t at, int64_t *end, cu_err *err);

/* --- results: over_result.c ----------------------------------------------- */

/* The call's value for the cursor's row; borrows. An error is the row's
 * own when it has an SQLSTATE. */
int cu_over_fn_result(cu_over_fn *f, cu_over_rows *r, cu_over_cursor *c,
                      cu_arena *a, cu_value *out, cu_err *err);
/* What the next row's computation starts from. */
void cu_over_state_put(const cu_over_plan *p, const cu_over_cursor *c,
                       cu_buf *out);
bool cu_over_state_get(cu_over_plan *p, cu_over_cursor *c, cu_slice bytes,
                       cu_arena *scratch);

#endif
