/* Operators: deltas in, deltas out.
 *
 * An operator is a method table over one plan node.  Batches are pushed
 * depth first in one thread; an operator emits only from inside push(),
 * watermark() or commit(), with cu_op_emit().
 *
 * O1 push is a function of (state, input) alone.
 * O2 the integral of an output never goes negative.
 * O3 after commit() nothing lives only in caches: all is in the space.
 *
 * Keyed operators keep decoded groups in a cache, load missing keys once per
 * batch, and emit at commit: any number of changes to a key cost one state
 * write and at most one (-1 old)(+1 new) pair downstream.
 *
 * After an abort the owner closes the operators and opens them anew on the
 * reverted space; operators have no revert of their own.
 */
#ifndef CU_OPERATORS_OP_H
#define CU_OPERATORS_OP_H

#include "processors/expr/prog.h"
#include "processors/plan/plan.h"
#include "state/state.h"

typedef struct cu_op cu_op;

/* A row that a view rejects: to the dead letters, by the owner. */
typedef struct cu_letter {
    const cu_batch *batch;
    uint32_t row;
    uint32_t sqlstate;
    const char *message;
    const char *stage;  /* operator name: "filter", "project", … */
    const char *column; /* output column, or NULL */
} cu_letter;

/* A row that came too late for every window it belongs to. */
typedef struct cu_late {
    const cu_batch *batch;
    uint32_t row;
    int64_t window_start_us, window_end_us; /* of the last window; us since
                                   2000; INT64_MIN: none */
    int64_t watermark_us;
} cu_late;

/* What an operator may use of the world; outlives it. */
typedef struct cu_op_env {
    cu_space *space; /* NULL for plans without state */
    const cu_expr_env *expr;
    void *ctx; /* of the calls below */
    /* Called once per failing +1 row (a failing -1 row emits nothing and
     * writes no letter). Non-zero stops the task (on_error 'fail'). */
    int (*letter)(void *ctx, const cu_letter *l, cu_err *err);
    size_t cache_bytes; /* for one operator's decoded groups; 0 = 8 MiB */
    /* A late row, once per +1 row; NULL: nobody asks. */
    int (*late)(void *ctx, const cu_late *l, cu_err *err);
    /* Set by the owner around the end of a snapshot that has a date: what
     * history() closes vanished rows with, instead of the commit's clock. */
    bool dated;
    int64_t date_us; /* since 2000 */
} cu_op_env;

typedef struct cu_op_vt {
    const char *name;
    int (*open)(cu_op *, cu_err *); /* compile expressions, bind tables */
    int (*push)(cu_op *, int port, const cu_batch *, cu_err *);
    /* The input's watermark is now ts (us since 2000); only grows. */
    int (*watermark)(cu_op *, int port, int64_t ts_us, cu_err *);
    /* Emit what is due, caches -> overlay. Called in topological order. */
    int (*commit)(cu_op *, cu_err *);
    void (*close)(cu_op *);
    /* When the clock alone (env->expr->now_us) makes a commit necessary: us
     * since 2000, INT64_MAX: never. NULL: never. */
    int64_t (*due)(cu_op *);
    /* `n` keyed rows of work done since it was opened, for tests that watch
     * how cost grows; NULL: n_in + n_out + n_keys. */
    uint64_t (*work)(const cu_op *);
} cu_op_vt;

typedef struct cu_op_out {
    cu_op *to;
    int port;
} cu_op_out;

struct cu_op {
    const cu_op_vt *vt;
    const cu_node *node;
    cu_op_env *env;
    cu_op_out *outs; /* whom it feeds */
    uint32_t n_outs;
    cu_arena *arena;      /* its own; reset at the start of each of its calls */
    uint64_t n_in, n_out; /* rows (live, not weights) */
    uint64_t n_keys;      /* keys touched, for work counters */
    uint64_t n_unknown;   /* retractions of what was forgotten, ignored */
};

/* Makes and opens the operator of a node (SOURCE, VIEW and EXCHANGE are the
 * runtime's and refused here). */
int cu_op_open(const cu_node *node, cu_op_env *env, cu_op **out, cu_err *err);
void cu_op_close(cu_op *op);
/* Feeds `to`'s input `port` from `op`. */
void cu_op_connect(cu_op *op, cu_op *to, int port);
/* Pushes a sealed batch to everyone downstream; skips empty batches. */
int cu_op_emit(cu_op *op, const cu_batch *b, cu_err *err);
int cu_op_emit_watermark(cu_op *op, int64_t ts_us, cu_err *err);

int cu_op_push(cu_op *op, int port, const cu_batch *b, cu_err *err);
int cu_op_watermark(cu_op *op, int port, int64_t ts_us, cu_err *err);
int cu_op_commit(cu_op *op, cu_err *err);
int64_t cu_op_due(cu_op *op);
uint64_t cu_op_work(const cu_op *op);

/* All operators of a tree: built children first, so that committing them in
 * order is topological.  Leaves (SOURCE, VIEW, EXCHANGE, VALUES of an input)
 * become *entries*: pass-through operators that the runtime pushes into. */
typedef struct cu_pipeline {
    cu_op **ops; /* topological order */
    uint32_t n_ops;
    cu_op *root;
    struct cu_entry {
        const cu_node *node;
        cu_op *op; /* push into port 0 */
    } * entries;
    uint32_t n_entries;
} cu_pipeline;
int cu_pipeline_open(const cu_node *root, cu_op_env *env, cu_pipeline **out,
                     cu_err *err);
void cu_pipeline_close(cu_pipeline *p);
/* The watermark that an entry has passed on; INT64_MIN: none. It only grows:
 * what is pushed below it is dropped. */
int64_t cu_entry_watermark(const cu_op *entry);
/* A clock, what says how late it is: an entry, or a WATERMARK operator. What
 * it has passed on; INT64_MIN: nothing. */
int64_t cu_clock_watermark(const cu_op *clock);
/* For one that is idle: it goes on to `ts_us`, and stamps rows with that. */
int cu_clock_move(cu_op *clock, int64_t ts_us, cu_err *err);
/* VALUES nodes emit their rows; once, on the first start of a stage. Also
 * makes a global aggregate's row for empty input due at the next commit. */
int cu_pipeline_first_start(cu_pipeline *p, cu_err *err);
int cu_pipeline_commit(cu_pipeline *p, cu_err *err);
/* The earliest due time of its operators; INT64_MAX: none. */
int64_t cu_pipeline_due(const cu_pipeline *p);

/* A pass-through operator of one's own for the end of a pipeline: what is
 * pushed goes to `push` of the owner (silver publisher, exchange, collector
 * of results). */
typedef int cu_tap_push(void *ctx, const cu_batch *b, cu_err *err);
typedef int cu_tap_watermark(void *ctx, int64_t ts_us, cu_err *err);
cu_op *cu_tap_new(cu_tap_push *push, cu_tap_watermark *watermark, void *ctx);

/* --- materialize, read from outside --------------------------------------- */

/* M1 materialize emits, per key and commit, at most one -1 (old) and one +1
 * (new) row, adjacent, the -1 first, in the same batch; nothing when the
 * row is the same.  In `bag` mode: net weights per distinct row.
 * Its rows can be read in key order, as +w batches lent per call, from the
 * space of the stage (committed and overlay). */
int cu_materialize_scan(cu_space *space, const cu_node *materialize,
                        int (*push)(void *ctx, const cu_batch *b, cu_err *err),
                        void *ctx, cu_err *err);
/* What it takes to make the rows of `was` those of `is`: M1's batches, of a
 * bag net weights.  The views keep their rows. */
int cu_materialize_diff(cu_space *was, cu_space *is, const cu_node *materialize,
                        int (*push)(void *ctx, const cu_batch *b, cu_err *err),
                        void *ctx, cu_err *err);
/* The entries as they are stored, row i of the batch being that of keys[i]; all
 * lent per call.  They may be put into the same table of another space. */
int cu_materialize_each(cu_space *space, const cu_node *materialize,
                        int (*visit)(void *ctx, const cu_slice *keys,
                                     const cu_slice *values,
                                     const cu_batch *rows, cu_err *err),
                        void *ctx, cu_err *err);
/* Once everything has been read: 23505 when a key still has several rows.  Any
 * operator; only a materialize has something to say. */
int cu_materialize_check(cu_op *op, cu_err *err);
/* The state table that a materialize (or other) node keeps its rows in. */
uint16_t cu_node_state_table(const cu_node *n, unsigned k);

#endif
