/* Watermark: the column that carries event time where the table declares none
 * (or another one).
 *
 * As the runtime does for a table's own column, each row is stamped with the
 * watermark before it, the newest time so far less the delay, and the
 * watermark goes on behind the batch: lateness is judged row by row and does
 * not depend on how records were cut.  It is that of the rows of one instance
 * of the stage: of one partition of the source, where nothing exchanges rows
 * below.  NULL and infinite times move nothing.
 *
 * The input's own watermark means another column and is not passed on, but
 * for the end of time.  While the input is idle the runtime moves it along
 * with the other clocks of the stage; what wakes behind that is late.
 *
 * State, table 0:  ""  ->  u8 1 | u64le the watermark
 */
#include "processors/operators/instant.h"
#include "processors/operators/int.h"

typedef struct watermark {
    cu_op op;
    cu_table *table;
    int64_t mark, stored, sent; /* INT64_MIN: none */
} watermark;

static int open_op(cu_op *op, cu_err *err)
{
    watermark *w = (watermark *)op;
    w->table = cu_space_table(op->env->space, cu_node_state_table(op->node, 0));
    int rc = cu_mark_read(op, w->table, &w->mark, err);
    w->stored = w->mark;
    return rc;
}

static int send(watermark *w, cu_err *err)
{
    if (w->mark <= w->sent)
        return 0;
    w->sent = w->mark;
    return cu_op_emit_watermark(&w->op, w->mark, err);
}

static int push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    watermark *w = (watermark *)op;
    const cu_col *col = &b->cols[op->node->watermark.col];
    cu_batch *out = cu_arena_dup(op->arena, b, sizeof(*b));
    int64_t *marks = cu_arena_alloc(op->arena, b->n_rows * sizeof(*marks));
    (void)port;
    for (uint32_t row = 0; row < b->n_rows; row++)
        marks[row] = INT64_MIN;
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        int64_t us;
        marks[row] = w->mark;
        if (cu_batch_weight(b, row) < 0 || !cu_instant_at(col, row, &us) ||
            !cu_instant_finite(us))
            continue;
        us = cu_instant_add(us, -op->node->watermark.delay_us);
        w->mark = us > w->mark ? us : w->mark;
    }
    out->marks = marks;
    int rc = cu_op_emit(op, out, err);
    return rc ? rc : send(w, err);
}

static int see(cu_op *op, int port, int64_t ts_us, cu_err *err)
{
    watermark *w = (watermark *)op;
    (void)port;
    if (ts_us != INT64_MAX)
        return 0;
    w->mark = INT64_MAX;
    return send(w, err);
}

int64_t cu_watermark_at(const cu_op *op)
{
    return ((const watermark *)op)->mark;
}

int cu_watermark_move(cu_op *op, int64_t ts_us, cu_err *err)
{
    watermark *w = (watermark *)op;
    if (ts_us <= w->mark)
        return 0;
    w->mark = ts_us;
    return send(w, err);
}

/* After a restart the first commit, before any row, passes on what was. */
static int commit(cu_op *op, cu_err *err)
{
    watermark *w = (watermark *)op;
    int rc = send(w, err);
    if (rc || w->mark == w->stored)
        return rc;
    cu_mark_write(w->table, w->mark);
    w->stored = w->mark;
    return 0;
}

cu_op *cu_watermark_new(void)
{
    static const cu_op_vt vt = {.name = "watermark",
                                .open = open_op,
                                .push = push,
                                .watermark = see,
                                .commit = commit};
    watermark *w = cu_calloc(1, sizeof(*w));
    w->mark = w->stored = w->sent = INT64_MIN;
    cu_op_init(&w->op, &vt);
    return &w->op;
}
