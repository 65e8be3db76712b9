/* The rows of a report, in its order.
 *
 * A report of its own (joins, groups) keeps its rows sorted: they are read.
 * One that borrows has none: the rows of the view that it maps are read from
 * the same task's state, mapped and sorted, which costs a fraction of keeping
 * them a second time.  Both give the same rows in the same order: that of
 * ORDER BY, then of the rows' bytes.
 *
 *     view's state --scan--> project, filter --tap--> sorter --> batches
 *
 * The view and the report have committed together: a report is written between
 * transactions only.
 */
#include "processors/runtime/report_rows.h"

#include "state/sorter.h"

enum { SORT_BYTES = 8 << 20 };

typedef struct sorting {
    const cu_copy_def *copy;
    cu_sorter *sorter;
    cu_buf key, row;
} sorting;

static int sort_batch(void *ctx, const cu_batch *b, cu_err *err)
{
    sorting *s = ctx;
    int rc = 0;
    for (uint32_t i = 0; i < b->n_sel && !rc; i++) {
        uint32_t row = cu_batch_row(b, i);
        cu_buf_clear(&s->key);
        cu_buf_clear(&s->row);
        cu_key_encode(b, row, s->copy->order, s->copy->n_order, &s->key);
        cu_row_encode(b, row, NULL, b->n_cols, &s->row);
        for (int32_t n = cu_batch_weight(b, row); n > 0 && !rc; n--)
            rc = cu_sorter_add(s->sorter, cu_buf_slice(&s->key),
                               cu_buf_slice(&s->row), err);
    }
    return rc;
}

static int into_entry(void *entry, const cu_batch *b, cu_err *err)
{
    return cu_op_push(entry, 0, b, err);
}

/* The row's letter was written when it came. */
static int no_letter(void *ctx, const cu_letter *l, cu_err *err)
{
    (void)ctx, (void)l, (void)err;
    return 0;
}

/* All rows of the view below, as the report wants them, into the sorter. */
static int gather(sorting *s, cu_instance *i, cu_err *err)
{
    const cu_stage *below = i->stage->feeds[0].stage;
    cu_instance *from = cu_worker_instance(i->worker, below, i->partition);
    CU_ASSERT(from != NULL); /* it feeds this one in memory */
    cu_op_env env = {.expr = i->op_env.expr, .letter = no_letter};
    cu_pipeline *p = NULL;
    cu_op *tap = cu_tap_new(sort_batch, NULL, s);
    int rc = cu_pipeline_open(i->stage->root->inputs[0], &env, &p, err);
    if (!rc) {
        cu_op_connect(p->root, tap, 0);
        rc = cu_materialize_scan(from->space, below->root, into_entry,
                                 p->entries[0].op, err);
    }
    if (p)
        cu_pipeline_close(p);
    cu_op_close(tap);
    return rc;
}

static int give(const sorting *s, cu_report_push *push, void *ctx, cu_err *err)
{
    cu_arena *a = cu_arena_new(0);
    cu_batch *b = NULL;
    bool found = true;
    int rc = 0;
    while (found && !rc) {
        cu_slice key, row;
        rc = cu_sorter_next(s->sorter, &key, &row, &found, err);
        if (!rc && !b)
            b = cu_batch_new(a, s->copy->view->schema, CU_BATCH_ROWS);
        if (!rc && found)
            rc = cu_row_decode(row, b, 1, true, err);
        if (rc || (found && b->n_rows < b->capacity))
            continue;
        cu_batch_seal(b);
        rc = push(ctx, b, err);
        cu_arena_reset(a);
        b = NULL;
    }
    cu_arena_free(a);
    return rc;
}

int cu_report_rows(const cu_copy_def *c, cu_instance *i, cu_report_push *push,
                   void *ctx, cu_err *err)
{
    if (!i->stage->root->materialize.borrows)
        return cu_materialize_scan(i->space, i->stage->root, push, ctx, err);
    cu_arena *a = cu_arena_new(0);
    sorting s = {.copy = c};
    s.sorter = cu_sorter_new(i->worker->rt->o.env,
                             cu_arena_printf(a, "%s.sorting", c->path),
                             SORT_BYTES);
    int rc = gather(&s, i, err);
    rc = rc ? rc : give(&s, push, ctx, err);
    cu_sorter_free(s.sorter);
    cu_buf_free(&s.key);
    cu_buf_free(&s.row);
    cu_arena_free(a);
    return rc;
}
