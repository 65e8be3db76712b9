/* Buffer: rows wait until their window closes, and leave once.
 *
 *   push      per (time, row): what came and went since the last commit
 *   commit    stored weights + changes; then every row with
 *             time + delay + lateness <= watermark leaves, in key order
 *
 * State, table 0: key bytes of the time column | row bytes -> u8 1 | varint
 * weight.  Key order is closing order, because time + delay only grows with
 * time, so that what is due stands at the front.  Table 1: "" -> u8 1 | i64
 * the watermark that closed last.
 *
 * B1 What left is never retracted: a row that comes for a closed time is
 *    late (env->late), its retraction is ignored.
 * B2 A row is closed by the watermarks seen before it and by its own mark, not
 *    by the last commit, so that neither commits nor batches change what is
 *    late.
 * B3 A time of NULL never closes: the row stays, and no watermark can
 *    speak of it.
 */
#include "processors/operators/instant.h"
#include "processors/operators/int.h"
#include "processors/operators/keyset.h"

enum { VERSION = 1, CHUNK = 1024 };

typedef struct waiting {
    cu_keyrec rec;
    int64_t weight;
} waiting;

typedef struct buffer {
    cu_op op;
    cu_table *table, *meta;
    cu_key_col key;
    cu_type type;
    cu_touched touched;
    cu_buf scratch;
    cu_buf gone; /* the last key that left: nothing stands before it */
    cu_outbox out;
    cu_held_mark mark;
    int64_t closed; /* the watermark that rows are judged by */
    int64_t swept;  /* the one that has closed rows */
} buffer;

static int corrupt(const buffer *b, cu_err *err)
{
    return cu_fail(err, CU_CORRUPT, 0,
                   "%s (node %u): a stored value does not check out",
                   b->op.vt->name, b->op.node->id);
}

static int open_op(cu_op *op, cu_err *err)
{
    buffer *b = (buffer *)op;
    const cu_node *n = op->node;
    cu_slice value;
    b->key.col = n->buffer.col;
    b->type = n->schema->fields[n->buffer.col].type;
    b->out.schema = n->schema;
    b->mark = CU_HELD_MARK;
    b->closed = INT64_MIN;
    b->table = cu_space_table(op->env->space, cu_node_state_table(n, 0));
    b->meta = cu_space_table(op->env->space, cu_node_state_table(n, 1));
    int rc = cu_table_get(b->meta, CU_LIT(""), &value, err);
    if (!rc && value.data) {
        cu_scan s = cu_scan_of(value);
        uint8_t version = cu_scan_u8(&s);
        b->closed = (int64_t)cu_scan_u64le(&s);
        if (s.bad || version != VERSION)
            return corrupt(b, err);
    }
    b->swept = b->closed;
    return rc;
}

static int64_t closes_at(const buffer *b, int64_t time)
{
    const cu_node *n = b->op.node;
    return cu_instant_plus(time, n->buffer.delay, n->buffer.lateness_us);
}

/* --- push ---------------------------------------------------------------- */

static int late(buffer *b, const cu_batch *in, uint32_t row, int64_t time,
                int64_t mark, cu_err *err)
{
    const cu_op_env *env = b->op.env;
    if (cu_batch_weight(in, row) < 0 || !env->late)
        return 0;
    cu_late l = {
        .batch = in,
        .row = row,
        .window_start_us = time,
        .window_end_us = cu_instant_plus(time, b->op.node->buffer.delay, 0),
        .watermark_us = mark};
    return env->late(env->ctx, &l, err);
}

static int push(cu_op *op, int port, const cu_batch *in, cu_err *err)
{
    buffer *b = (buffer *)op;
    const cu_col *col = &in->cols[b->key.col];
    (void)port;
    for (uint32_t i = 0; i < in->n_sel; i++) {
        uint32_t row = cu_batch_row(in, i);
        int64_t time, mark = b->closed;
        bool fresh;
        if (in->marks && in->marks[row] > mark)
            mark = in->marks[row];
        if (mark != INT64_MIN && cu_instant_at(col, row, &time) &&
            closes_at(b, time) <= mark) {
            int rc = late(b, in, row, time, mark, err);
            if (rc)
                return rc;
            continue;
        }
        cu_buf_clear(&b->scratch);
        cu_key_encode(in, row, &b->key, 1, &b->scratch);
        cu_row_encode(in, row, NULL, in->n_cols, &b->scratch);
        cu_slice key = cu_buf_slice(&b->scratch);
        waiting *w = cu_touched_put(&b->touched, cu_hash(key), key, &fresh);
        w->weight += cu_batch_weight(in, row);
    }
    return 0;
}

static int watermark(cu_op *op, int port, int64_t ts_us, cu_err *err)
{
    buffer *b = (buffer *)op;
    (void)port, (void)err;
    cu_held_mark_see(&b->mark, ts_us);
    b->closed = ts_us > b->closed ? ts_us : b->closed;
    return 0;
}

/* --- commit -------------------------------------------------------------- */

static int read_weight(const buffer *b, cu_slice value, int64_t *weight,
                       cu_err *err)
{
    *weight = 0;
    if (!value.data)
        return 0;
    cu_scan s = cu_scan_of(value);
    uint8_t version = cu_scan_u8(&s);
    *weight = (int64_t)cu_scan_varint(&s);
    return s.bad || version != VERSION || *weight <= 0 ? corrupt(b, err) : 0;
}

static int keep(buffer *b, cu_slice key, int64_t weight, cu_err *err)
{
    if (weight < 0)
        return cu_negative(&b->op, "a row", err);
    if (weight == 0) {
        cu_table_del(b->table, key);
        return 0;
    }
    cu_buf_clear(&b->scratch);
    cu_buf_put_u8(&b->scratch, VERSION);
    cu_buf_put_varint(&b->scratch, (uint64_t)weight);
    cu_table_put(b->table, key, cu_buf_slice(&b->scratch));
    return 0;
}

static int keep_chunk(buffer *b, const cu_keyed *items, uint32_t n, cu_err *err)
{
    cu_slice keys[CHUNK], values[CHUNK];
    const waiting *of[CHUNK];
    int64_t old[CHUNK];
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++) {
        const waiting *w = items[i].item;
        if (w->weight == 0)
            continue;
        keys[k] = items[i].key;
        of[k++] = w;
    }
    if (k == 0)
        return 0;
    int rc = cu_table_get_many(b->table, k, keys, values, err);
    for (uint32_t i = 0; i < k && !rc; i++)
        rc = read_weight(b, values[i], &old[i], err);
    for (uint32_t i = 0; i < k && !rc; i++)
        rc = keep(b, keys[i], old[i] + of[i]->weight, err);
    return rc;
}

/* Sends up to CHUNK rows that are due; *more: there may be others. */
static int leave_chunk(buffer *b, bool *more, cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value, keys[CHUNK];
    uint32_t n = 0;
    int64_t time, weight;
    cu_arena_reset(b->op.arena);
    int rc = cu_table_scan(b->table, cu_buf_slice(&b->gone), CU_NULL_SLICE,
                           false, &it, err);
    if (rc)
        return rc;
    *more = false;
    while (!rc && cu_table_iter_next(it, &key, &value)) {
        if (!cu_instant_of_key(b->type, key, &time) ||
            closes_at(b, time) > b->closed)
            break;
        if (n == CHUNK) {
            *more = true;
            break;
        }
        size_t head = cu_instant_key_bytes(b->type);
        rc = read_weight(b, value, &weight, err);
        rc = rc ? rc : cu_outbox_room(&b->out, 1, err);
        if (rc)
            break;
        keys[n] = cu_arena_slice(b->op.arena, key);
        cu_slice row = cu_arena_slice(
            b->out.arena, cu_slice_n(key.data + head, key.len - head));
        n++;
        rc = cu_outbox_weighed(&b->out, row, weight, err);
    }
    int closed = cu_table_iter_close(it, rc ? NULL : err);
    rc = rc ? rc : closed;
    if (rc || n == 0)
        return rc;
    for (uint32_t i = 0; i < n; i++)
        cu_table_del(b->table, keys[i]);
    cu_buf_clear(&b->gone);
    cu_buf_put_slice(&b->gone, keys[n - 1]);
    return 0;
}

static int leave(buffer *b, cu_err *err)
{
    bool more = true;
    int rc = 0;
    while (more && !rc)
        rc = leave_chunk(b, &more, err);
    if (rc)
        return rc;
    b->swept = b->closed;
    cu_buf_clear(&b->scratch);
    cu_buf_put_u8(&b->scratch, VERSION);
    cu_buf_put_u64le(&b->scratch, (uint64_t)b->swept);
    cu_table_put(b->meta, CU_LIT(""), cu_buf_slice(&b->scratch));
    return cu_outbox_flush(&b->out, err);
}

static int commit(cu_op *op, cu_err *err)
{
    buffer *b = (buffer *)op;
    const cu_keyed *items = cu_touched_sorted(&b->touched);
    uint32_t n = b->touched.n;
    int rc = 0;
    op->n_keys += n;
    for (uint32_t i = 0; i < n && !rc; i += CHUNK)
        rc = keep_chunk(b, items + i, n - i < CHUNK ? n - i : CHUNK, err);
    cu_touched_reset(&b->touched);
    if (!rc && b->closed > b->swept)
        rc = leave(b, err);
    return rc ? rc : cu_held_mark_send(&b->mark, op, err);
}

static void close_op(cu_op *op)
{
    buffer *b = (buffer *)op;
    cu_touched_close(&b->touched);
    cu_outbox_close(&b->out);
    cu_buf_free(&b->scratch);
    cu_buf_free(&b->gone);
}

cu_op *cu_buffer_new(void)
{
    static const cu_op_vt vt = {.name = "buffer",
                                .open = open_op,
                                .push = push,
                                .watermark = watermark,
                                .commit = commit,
                                .close = close_op};
    buffer *b = cu_calloc(1, sizeof(*b));
    cu_op_init(&b->op, &vt);
    cu_touched_open(&b->touched, sizeof(waiting));
    cu_outbox_open(&b->out, &b->op, NULL);
    return &b->op;
}
