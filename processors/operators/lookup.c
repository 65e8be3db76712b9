/* Lookup: each left row with the right's rows of its key, as they are when
 * the left row comes.  What happens to the right later emits nothing.
 *
 * "When" is the order of arrival at this operator: batches in the order they
 * are pushed, rows in the order of the batch; no commit comes in between, and
 * a right row of the same commit that was pushed before counts.  So a rebuild
 * may answer otherwise.  Both inputs are worked on at once, at the push.
 *
 *   key | right  (row)                          x count
 *       | left   (row, ~arrival, what it met)   x count
 *
 * The left side is a memo of what was emitted, kept only where left rows can
 * be retracted: a row goes with what it came with, of several equal ones the
 * latest first.
 *
 *   id of a memo   varint length | left row | ~arrival u64be
 *                  | n x { varint count | lslice right row }
 *
 * table 6: "" -> u8 1 | u64le next arrival.
 *
 * A row's time is the left's, so the left's watermark is all that goes on, and
 * its mark: what is late for a window above is late whatever the commits.
 */
#include "processors/operators/pair.h"
#include "processors/operators/sides.h"

enum { ARRIVAL_BYTES = 8, LEFT = 0, RIGHT = 1 };

typedef struct lookup {
    cu_op op;
    cu_key_col *key[2];
    bool *strict;
    uint32_t n_keys, n_left;
    bool outer, remembers;
    cu_table *meta;
    uint64_t arrivals;
    bool arrivals_changed;
    cu_sides sides;
    cu_keys keys;
    cu_buf id, memo;
    cu_side_walk walk;
    cu_outbox out;
    /* Of a batch: rows with a key, and their groups. */
    uint32_t n;
    uint16_t rows[CU_BATCH_ROWS];
    cu_slice row_keys[CU_BATCH_ROWS];
    uint64_t hash[CU_BATCH_ROWS];
    cu_side_group *groups[CU_BATCH_ROWS];
} lookup;

/* --- open ---------------------------------------------------------------- */

static int open_op(cu_op *op, cu_err *err)
{
    lookup *l = (lookup *)op;
    const cu_node *n = op->node;
    if (n->join.residual ||
        (n->join.kind != CU_JOIN_INNER && n->join.kind != CU_JOIN_LEFT))
        return cu_fail(err, CU_UNSUPPORTED, 0, "lookup joins by equal keys");
    l->n_keys = n->join.n_keys;
    l->n_left = n->inputs[0]->schema->n;
    l->outer = n->join.kind == CU_JOIN_LEFT;
    l->remembers = !n->inputs[0]->append_only;
    l->out.schema = n->schema;
    l->out.marked = true;
    l->strict = cu_calloc(l->n_keys + 1, sizeof(*l->strict));
    for (int side = 0; side < 2; side++) {
        const uint16_t *cols = side ? n->join.right : n->join.left;
        l->key[side] = cu_calloc(l->n_keys + 1, sizeof(**l->key));
        for (uint32_t i = 0; i < l->n_keys; i++) {
            l->key[side][i].col = cols[i];
            l->strict[i] = !n->join.null_safe || !n->join.null_safe[i];
        }
    }
    cu_sides_open(&l->sides, op);
    l->meta = cu_space_table(op->env->space, cu_node_state_table(n, 6));
    return cu_number_read(op, l->meta, &l->arrivals, err);
}

/* --- the right ----------------------------------------------------------- */

static int change_right(lookup *l, const cu_batch *b, uint32_t i, cu_err *err)
{
    cu_side_group *g = l->groups[i];
    cu_side_row *r;
    cu_buf_clear(&l->id);
    cu_row_encode(b, l->rows[i], NULL, b->n_cols, &l->id);
    cu_slice id = cu_buf_slice(&l->id);
    int rc = cu_sides_find(&l->sides, g, RIGHT, 1, &id, &r, err);
    if (rc)
        return rc;
    int64_t count = r->count + cu_batch_weight(b, l->rows[i]);
    if (count < 0)
        return cu_negative(&l->op, "a row", err);
    cu_sides_count(g, RIGHT, r, count);
    cu_sides_save(&l->sides, g, RIGHT, r);
    return 0;
}

/* --- the left ------------------------------------------------------------ */

static int emit(lookup *l, cu_slice row, cu_slice right, int64_t weight,
                cu_err *err)
{
    return cu_outbox_pair(&l->out, l->n_left, row, right, weight, err);
}

/* The row comes: what the right has is emitted, and noted in l->memo. */
static int answer(lookup *l, const cu_side_group *g, cu_slice row, int64_t w,
                  cu_err *err)
{
    cu_side_row **rows;
    uint32_t n = 1;
    bool met = false, lent = !g->side[RIGHT].whole;
    int rc = 0;
    cu_side_walk_start(&l->walk, &l->sides, g, RIGHT, CU_LIT(""),
                       CU_NULL_SLICE);
    while (n > 0 && !rc) {
        rc = cu_side_walk_next(&l->walk, CU_BATCH_ROWS, &rows, &n, err);
        for (uint32_t i = 0; i < n && !rc; i++) {
            cu_slice right = cu_side_id(rows[i]);
            if (rows[i]->count == 0)
                continue;
            met = true;
            rc = emit(l, row, right, w * rows[i]->count, err);
            if (!l->remembers)
                continue;
            cu_buf_put_varint(&l->memo, (uint64_t)rows[i]->count);
            cu_buf_put_lslice(&l->memo, right);
        }
        if (lent && !rc)
            rc = cu_outbox_flush(&l->out, err);
    }
    if (!rc && !met && l->outer)
        rc = emit(l, row, CU_NULL_SLICE, w, err);
    return rc;
}

/* What all memos of a row begin with. */
static void put_prefix(cu_slice row, cu_buf *out)
{
    cu_buf_clear(out);
    cu_buf_put_lslice(out, row);
}

static int come(lookup *l, cu_side_group *g, cu_slice row, int64_t w,
                cu_err *err)
{
    cu_side_row *r;
    put_prefix(row, &l->memo);
    cu_buf_put_u64be(&l->memo, ~l->arrivals);
    int rc = answer(l, g, row, w, err);
    if (rc || !l->remembers)
        return rc;
    l->arrivals++;
    l->arrivals_changed = true;
    cu_slice id = cu_buf_slice(&l->memo);
    rc = cu_sides_find(&l->sides, g, LEFT, 1, &id, &r, err);
    if (rc)
        return rc;
    cu_sides_count(g, LEFT, r, w);
    cu_sides_save(&l->sides, g, LEFT, r);
    return 0;
}

static int take_back(lookup *l, cu_side_group *g, const cu_side_row *memo,
                     cu_slice row, int64_t w, cu_err *err)
{
    cu_scan s = cu_scan_of(cu_side_id(memo));
    bool met = false;
    int rc = 0;
    cu_scan_lslice(&s);
    cu_scan_bytes(&s, ARRIVAL_BYTES);
    while (cu_scan_left(&s) > 0 && !s.bad && !rc) {
        int64_t count = (int64_t)cu_scan_varint(&s);
        cu_slice right = cu_scan_lslice(&s);
        met = true;
        rc = s.bad ? 0 : emit(l, row, right, -w * count, err);
    }
    if (!rc && s.bad)
        rc = cu_fail(err, CU_CORRUPT, 0,
                     "lookup (node %u): a stored row does not check out",
                     l->op.node->id);
    if (!rc && !met && l->outer)
        rc = emit(l, row, CU_NULL_SLICE, -w, err);
    if (!rc && !g->side[LEFT].whole) /* the memo is lent */
        rc = cu_outbox_flush(&l->out, err);
    return rc;
}

static int go(lookup *l, cu_side_group *g, cu_slice row, int64_t w, cu_err *err)
{
    cu_side_row **rows;
    uint32_t n;
    put_prefix(row, &l->id);
    put_prefix(row, &l->memo);
    bool bounded = cu_key_after_prefix(&l->memo);
    cu_side_walk_start(&l->walk, &l->sides, g, LEFT, cu_buf_slice(&l->id),
                       bounded ? cu_buf_slice(&l->memo) : CU_NULL_SLICE);
    while (w > 0) {
        int rc = cu_side_walk_next(&l->walk, 1, &rows, &n, err);
        if (rc || n == 0)
            return rc ? rc : cu_negative(&l->op, "a row", err);
        cu_side_row *memo = rows[0];
        int64_t some = memo->count < w ? memo->count : w;
        if (some == 0)
            continue;
        rc = take_back(l, g, memo, row, some, err);
        if (rc)
            return rc;
        cu_sides_count(g, LEFT, memo, memo->count - some);
        cu_sides_save(&l->sides, g, LEFT, memo);
        w -= some;
    }
    return 0;
}

static int change_left(lookup *l, const cu_batch *b, uint32_t i, cu_err *err)
{
    int32_t w = cu_batch_weight(b, l->rows[i]);
    cu_side_group *g = l->groups[i];
    cu_buf_clear(&l->id);
    cu_row_encode(b, l->rows[i], NULL, b->n_cols, &l->id);
    cu_slice row = cu_arena_slice(l->op.arena, cu_buf_slice(&l->id));
    if (w < 0 && !l->remembers)
        return cu_negative(&l->op, "a row of an append-only input", err);
    int rc = cu_sides_fill(&l->sides, g, RIGHT, err);
    if (rc)
        return rc;
    l->out.mark = b->marks ? b->marks[l->rows[i]] : INT64_MIN;
    return w > 0 ? come(l, g, row, w, err) : go(l, g, row, -(int64_t)w, err);
}

/* --- push ---------------------------------------------------------------- */

static bool meets_nothing(const lookup *l, int side, const cu_batch *b,
                          uint32_t row)
{
    for (uint32_t i = 0; i < l->n_keys; i++)
        if (l->strict[i] && cu_col_is_null(&b->cols[l->key[side][i].col], row))
            return true;
    return false;
}

/* Rows with a key into l->rows; those without pass, on the left of LEFT. */
static int sort_out(lookup *l, int side, const cu_batch *b, cu_err *err)
{
    uint16_t *pass = cu_arena_alloc(l->op.arena, b->n_sel * sizeof(*pass));
    uint32_t n_pass = 0;
    l->n = 0;
    cu_keys_encode(b, l->key[side], l->n_keys, &l->keys);
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        if (meets_nothing(l, side, b, row)) {
            pass[n_pass++] = (uint16_t)row;
            continue;
        }
        l->rows[l->n] = (uint16_t)row;
        l->hash[l->n] = l->keys.hash[i];
        l->row_keys[l->n++] = cu_batch_key(&l->keys, i);
    }
    if (n_pass == 0 || side == RIGHT || !l->outer)
        return 0;
    return cu_pair_pass(&l->op, b, 0, pass, n_pass, true, err);
}

static int push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    lookup *l = (lookup *)op;
    int rc = sort_out(l, port, b, err);
    if (!rc && l->n > 0)
        rc = cu_sides_load(&l->sides, l->n, l->row_keys, l->hash, l->groups,
                           err);
    for (uint32_t i = 0; i < l->n && !rc; i++) {
        l->groups[i]->changed = port == RIGHT || l->remembers;
        rc = port == RIGHT ? change_right(l, b, i, err)
                           : change_left(l, b, i, err);
    }
    rc = rc ? rc : cu_outbox_flush(&l->out, err);
    if (rc)
        return rc;
    /* A group may be there several times, and is gone when it is empty. */
    uint32_t n = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        cu_side_group *g = l->groups[i];
        if (g->changed)
            l->groups[n++] = g;
        g->changed = false;
    }
    op->n_keys += n;
    for (uint32_t i = 0; i < n; i++)
        cu_sides_store(&l->sides, l->groups[i]);
    cu_sides_sweep(&l->sides);
    return 0;
}

/* --- the rest ------------------------------------------------------------ */

static int watermark(cu_op *op, int port, int64_t ts_us, cu_err *err)
{
    return port == LEFT ? cu_op_emit_watermark(op, ts_us, err) : 0;
}

static int commit(cu_op *op, cu_err *err)
{
    lookup *l = (lookup *)op;
    (void)err;
    if (!l->arrivals_changed)
        return 0;
    cu_number_write(l->meta, l->arrivals);
    l->arrivals_changed = false;
    return 0;
}

static uint64_t work(const cu_op *op)
{
    return op->n_in + op->n_out + op->n_keys + ((const lookup *)op)->sides.work;
}

static void close_op(cu_op *op)
{
    lookup *l = (lookup *)op;
    cu_outbox_close(&l->out);
    cu_side_walk_free(&l->walk);
    cu_sides_close(&l->sides);
    cu_buf_free(&l->keys.bytes);
    cu_buf_free(&l->id);
    cu_buf_free(&l->memo);
    cu_free(l->key[0]);
    cu_free(l->key[1]);
    cu_free(l->strict);
}

cu_op *cu_lookup_new(void)
{
    static const cu_op_vt vt = {.name = "lookup",
                                .open = open_op,
                                .push = push,
                                .watermark = watermark,
                                .commit = commit,
                                .close = close_op,
                                .work = work};
    lookup *l = cu_calloc(1, sizeof(*l));
    cu_op_init(&l->op, &vt);
    cu_outbox_open(&l->out, &l->op, NULL);
    return &l->op;
}
