/* The sending half of an exchange: rows to the partition of their key.
 *
 * Rows are gathered per target partition and leave as blocks, when 1,024 are
 * together or at the commit.  The partition is a hash of the key's group
 * bytes, so that SQL-equal keys meet.  When the watermark moved, or the stage
 * became idle or awoke, every target hears of it, with a mark (a block without
 * rows) if it gets no rows.
 *
 * A block that the topic does not take is cut in two until it does; a single
 * row that is too large becomes a dead letter of the view.  Only the last part
 * tells the new watermark: with an earlier one, rows behind it would be late.
 */
#include "processors/runtime/letters.h"
#include "processors/runtime/sabotage.h"

#include "rows/numeric.h"

typedef struct target {
    cu_arena *arena;
    cu_batch *batch; /* NULL: empty */
    int64_t *marks;  /* of its rows; NULL: they came without */
    bool told;       /* the newest watermark was sent */
    int64_t sent_us; /* the watermark that it was told last */
    bool sent_idle;
} target;

typedef struct cu_exchange_out {
    cu_instance *instance;
    cu_key_col *cols;
    cu_keys keys;
    target *targets;
    uint32_t n_targets;
    int64_t watermark_us;
    bool idle;
    cu_buf block;
} cu_exchange_out;

static int put(cu_exchange_out *x, uint32_t t, const cu_block_head *h,
               const cu_batch *b, cu_err *err)
{
    cu_worker *w = x->instance->worker;
    cu_buf_clear(&x->block);
    cu_block_encode(h, b, &x->block);
    cu_record rec = {.part = {x->instance->stage->exchange_topic, (int32_t)t},
                     .timestamp_ms = w->newest_ms,
                     .value = cu_buf_slice(&x->block)};
    return cu_log_append(w->writer, &rec, err);
}

/* Its retraction, should one come, is as large, and is left out here. */
static int put_aside(cu_exchange_out *x, const cu_batch *b, cu_err *err)
{
    uint32_t row = cu_batch_row(b, 0);
    cu_arena *a = x->instance->worker->arena;
    cu_letter l = {.batch = b,
                   .row = row,
                   .sqlstate = CU_SQLSTATE('5', '4', '0', '0', '0'),
                   .message = cu_arena_str(a, err->msg),
                   .stage = "exchange"};
    cu_err_clear(err);
    return cu_batch_weight(b, row) > 0 ? cu_letter_row(x->instance, &l, err)
                                       : 0;
}

static int put_rows(cu_exchange_out *x, uint32_t t, const cu_block_head *h,
                    const cu_batch *b, cu_err *err)
{
    target *to = &x->targets[t];
    int rc = put(x, t, h, b, err);
    if (rc != CU_LIMIT || b == NULL)
        return rc;
    if (b->n_sel == 1) {
        rc = put_aside(x, b, err);
        return rc ? rc : put(x, t, h, NULL, err);
    }
    uint16_t *sel = cu_arena_alloc(to->arena, b->n_sel * sizeof(*sel));
    uint32_t half = b->n_sel / 2;
    for (uint32_t i = 0; i < b->n_sel; i++)
        sel[i] = (uint16_t)cu_batch_row(b, i);
    cu_block_head before = *h;
    before.watermark_us = to->sent_us;
    before.idle = to->sent_idle;
    cu_err_clear(err);
    rc = put_rows(x, t, &before, cu_batch_select(to->arena, b, sel, half), err);
    if (rc)
        return rc;
    return put_rows(x, t, h,
                    cu_batch_select(to->arena, b, sel + half, b->n_sel - half),
                    err);
}

static int send(cu_exchange_out *x, uint32_t t, cu_err *err)
{
    const cu_stage *s = x->instance->stage;
    target *to = &x->targets[t];
    cu_block_head h = {.source = (uint32_t)x->instance->partition,
                       .total = (uint32_t)s->partitions,
                       .watermark_us = x->watermark_us,
                       .idle = x->idle};
    if (to->batch) {
        cu_batch_seal(to->batch);
        to->batch->marks = to->marks;
    }
    int rc = cu_worker_begin(x->instance->worker, err);
    if (rc)
        return rc;
    rc = put_rows(x, t, &h, to->batch, err);
    to->sent_us = x->watermark_us;
    to->sent_idle = x->idle;
    to->batch = NULL;
    to->marks = NULL;
    to->told = true;
    cu_arena_reset(to->arena);
    return rc;
}

/* What a row borrows must outlive the push: copied into the target's arena. */
static void own(cu_arena *a, cu_col *c, uint32_t row)
{
    if (cu_col_is_null(c, row))
        return;
    if (cu_type_is_slice(c->type)) {
        cu_slice *s = &CU_COL(c, cu_slice)[row];
        *s = cu_arena_slice(a, *s);
    } else if (c->type.kind == CU_T_NUMERIC) {
        cu_numeric *n = &CU_COL(c, cu_numeric)[row];
        *n = cu_numeric_copy(n, a);
    }
}

static void add_mark(target *to, const cu_batch *b, uint32_t row, uint32_t at)
{
    if (b->marks == NULL && to->marks == NULL)
        return;
    if (to->marks == NULL) {
        to->marks = cu_arena_alloc(to->arena,
                                   CU_BATCH_ROWS * sizeof(*to->marks));
        for (uint32_t k = 0; k < at; k++)
            to->marks[k] = INT64_MIN;
    }
    to->marks[at] = b->marks ? b->marks[row] : INT64_MIN;
}

static int add(cu_exchange_out *x, uint32_t t, const cu_batch *b, uint32_t row,
               cu_err *err)
{
    target *to = &x->targets[t];
    if (to->batch == NULL)
        to->batch = cu_batch_new(to->arena, b->schema, CU_BATCH_ROWS);
    cu_batch_append(to->batch, b, row, cu_batch_weight(b, row));
    uint32_t at = to->batch->n_rows - 1;
    for (uint32_t k = 0; k < b->n_cols; k++)
        own(to->arena, &to->batch->cols[k], at);
    add_mark(to, b, row, at);
    if (to->batch->n_rows == CU_BATCH_ROWS)
        return send(x, t, err);
    return 0;
}

static int push(void *ctx, const cu_batch *b, cu_err *err)
{
    cu_exchange_out *x = ctx;
    const cu_stage *s = x->instance->stage;
    if (s->n_exchange_cols)
        cu_keys_encode(b, x->cols, s->n_exchange_cols, &x->keys);
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t t = 0;
        if (s->n_exchange_cols)
            t = (uint32_t)cu_partition_of(cu_keys_at(&x->keys, i),
                                          (int32_t)x->n_targets);
        int rc = add(x, t, b, cu_batch_row(b, i), err);
        if (rc)
            return rc;
    }
    return 0;
}

static void tell(cu_exchange_out *x, int64_t ts_us, bool idle)
{
    if (ts_us <= x->watermark_us && idle == x->idle)
        return;
    if (ts_us > x->watermark_us)
        x->watermark_us = ts_us;
    x->idle = idle;
    for (uint32_t t = 0; t < x->n_targets; t++)
        x->targets[t].told = false;
}

static int watermark(void *ctx, int64_t ts_us, cu_err *err)
{
    cu_exchange_out *x = ctx;
    (void)err;
    tell(x, ts_us, x->idle);
    return 0;
}

void cu_exchange_told(cu_instance *i)
{
    for (uint32_t t = 0; t < i->exchange->n_targets; t++)
        i->exchange->targets[t].told = true;
}

int cu_exchange_flush(cu_instance *i, cu_err *err)
{
    cu_exchange_out *x = i->exchange;
    tell(x, i->ended ? INT64_MAX : INT64_MIN, i->idle);
    for (uint32_t t = 0; t < x->n_targets; t++) {
        if (x->targets[t].batch == NULL &&
            (x->targets[t].told || CU_SABOTAGED(CU_SABOTAGE_DROP)))
            continue;
        int rc = send(x, t, err);
        if (rc)
            return rc;
    }
    return 0;
}

int cu_exchange_open(cu_instance *i, cu_err *err)
{
    (void)err;
    const cu_stage *s = i->stage;
    cu_exchange_out *x = cu_calloc(1, sizeof(*x));
    x->instance = i;
    x->watermark_us = INT64_MIN;
    x->n_targets = (uint32_t)s->exchange_partitions;
    x->targets = cu_calloc(x->n_targets, sizeof(*x->targets));
    for (uint32_t t = 0; t < x->n_targets; t++) {
        x->targets[t].arena = cu_arena_new(0);
        x->targets[t].told = true;
        x->targets[t].sent_us = INT64_MIN;
    }
    x->cols = cu_calloc(s->n_exchange_cols + 1, sizeof(*x->cols));
    for (uint32_t k = 0; k < s->n_exchange_cols; k++)
        x->cols[k].col = s->exchange_cols[k];
    i->exchange = x;
    i->tap = cu_tap_new(push, watermark, x);
    cu_op_connect(i->pipeline->root, i->tap, 0);
    return 0;
}

void cu_exchange_close(cu_instance *i)
{
    cu_exchange_out *x = i->exchange;
    if (x == NULL)
        return;
    for (uint32_t t = 0; t < x->n_targets; t++)
        cu_arena_free(x->targets[t].arena);
    cu_buf_free(&x->keys.bytes);
    cu_buf_free(&x->block);
    cu_free(x->targets);
    cu_free(x->cols);
    cu_free(x);
    i->exchange = NULL;
}
