/* Join: inner, left, right, full, semi, anti; equal keys, a residual.
 *
 *   push     key | id -> weight, per side: changes of an interval cancel out
 *   commit   per key, in order, L and R being its rows before:
 *              dL x dR, dL x (R - dR), dR x (L - dL)      pairs that change
 *              rows whose other half came or went         NULLs, semi, anti
 *
 * A pair is looked at once, with both counts before and after, and is emitted
 * with the difference of their products.  So whatever happens to a key within
 * an interval costs what its net effect touches, nothing is emitted to be
 * taken back, and each emitted row alone keeps O2, in any order.  A flush
 * comes before the commit when the changes pass the budget.
 *
 * When do rows without a match show?  If equal keys are all there is, a row's
 * matches are the other side's total of its key.  Else each row of a kept
 * side stores its degree: with how many rows it matches.
 *
 *   inner        nothing more than pairs
 *   left, full   left rows of degree 0, with NULLs; right, full: right rows
 *   semi, anti   left rows of degree > 0, = 0; right rows are kept only when
 *                there is a residual, else their total is all
 *
 * Ids are row bytes, with the time in front in interval joins: a row then
 * meets only those of the other side within the interval (join_match.c), and
 * what is to be forgotten stands together (join_expire.c).
 *
 * With a ttl each row has a stamp (ttl.h), and goes when it is over, with
 * nothing emitted (join_expire.c).  The other side's degrees still count it,
 * and each row of a kept side must have its own: totals would not know for
 * whom it counts.  A row that goes unknown is ignored.
 *
 * A NULL in a key column (or time) meets nothing: such rows never come into
 * the state; those of a kept side pass at once.  A pair whose residual fails
 * is no match, and is reported when it comes up.
 *
 * J1 a row's id says all of it: equal ids, equal rows.
 * J2 between flushes degree = number of the other side's rows, as often as
 *    they came, that match; forgotten ones still count.
 */
#include "processors/operators/join.h"

static int open_input(cu_join *j, int side, cu_err *err)
{
    const cu_node *n = j->op.node;
    const cu_schema *schema = n->inputs[side]->schema;
    const uint16_t *cols = side ? n->join.right : n->join.left;
    uint16_t time = side ? n->join.right_time : n->join.left_time;
    cu_join_input *in = &j->in[side];
    in->key = cu_calloc(j->n_keys + 1, sizeof(*in->key));
    in->strict = cu_calloc(j->n_keys + 1, sizeof(*in->strict));
    for (uint32_t i = 0; i < j->n_keys; i++) {
        if (cols[i] >= schema->n)
            return cu_fail(err, CU_UNSUPPORTED, 0,
                           "join: the key is outside its input");
        in->key[i].col = cols[i];
        in->strict[i] = !n->join.null_safe || !n->join.null_safe[i];
    }
    in->n_cols = schema->n;
    in->time = j->interval ? time - 1 : -1;
    in->keeps = side == 0 ? j->kind != CU_JOIN_INNER && j->kind != CU_JOIN_RIGHT
                          : j->kind == CU_JOIN_RIGHT || j->kind == CU_JOIN_FULL;
    in->tracks = in->keeps && j->tested;
    return 0;
}

static int open_op(cu_op *op, cu_err *err)
{
    cu_join *j = (cu_join *)op;
    const cu_node *n = op->node;
    j->kind = n->join.kind;
    j->n_keys = n->join.n_keys;
    j->half = j->kind == CU_JOIN_SEMI || j->kind == CU_JOIN_ANTI;
    j->interval = n->join.left_time && n->join.right_time;
    j->tested = n->join.residual || j->interval ||
                (n->ttl_us && j->kind != CU_JOIN_INNER);
    j->counting = j->half && !j->tested;
    if (n->join.residual && (cu_expr_uses_clock(n->join.residual) ||
                             cu_expr_is_volatile(n->join.residual)))
        return cu_fail(err, CU_UNSUPPORTED, 0,
                       "a join condition that changes with time");
    cu_sides_open(&j->sides, op);
    for (int i = 0; i < 2; i++)
        cu_touched_open(&j->changes[i], sizeof(cu_join_change));
    int rc = open_input(j, 0, err);
    rc = rc ? rc : open_input(j, 1, err);
    rc = rc ? rc : cu_join_emit_open(j, err);
    rc = rc ? rc : cu_ttl_open(&j->ttl, op, 6, NULL, err);
    j->sides.stamped = j->ttl.on;
    bool forgets = j->interval || (n->join.closing.on && j->n_keys > 0);
    return rc ? rc : cu_two_marks_open(&j->marks, op, forgets, err);
}

/* --- push ---------------------------------------------------------------- */

static bool meets_nothing(const cu_join *j, const cu_join_input *in,
                          const cu_batch *b, uint32_t row, int64_t *us)
{
    for (uint32_t i = 0; i < j->n_keys; i++)
        if (in->strict[i] && cu_col_is_null(&b->cols[in->key[i].col], row))
            return true;
    return in->time >= 0 && !cu_instant_at(&b->cols[in->time], row, us);
}

static void add_change(cu_join *j, int side, const cu_batch *b, uint32_t i,
                       int64_t us)
{
    uint32_t row = cu_batch_row(b, i);
    cu_slice key = cu_batch_key(&j->keys, i);
    uint64_t hash = j->keys.hash[i];
    cu_slice all = key;
    bool fresh;
    if (side == 0 || !j->counting) {
        cu_buf_clear(&j->scratch);
        cu_buf_put_slice(&j->scratch, key);
        if (j->interval)
            cu_instant_put_be(&j->scratch, us);
        cu_row_encode(b, row, NULL, b->n_cols, &j->scratch);
        all = cu_buf_slice(&j->scratch);
        hash = cu_hash(all);
    }
    cu_join_change *c = cu_touched_put(&j->changes[side], hash, all, &fresh);
    c->weight += cu_batch_weight(b, row);
    c->key_hash = j->keys.hash[i];
    c->key_len = (uint32_t)key.len;
}

static bool is_full(const cu_join *j)
{
    size_t used = cu_arena_used_bytes(j->changes[0].arena) +
                  cu_arena_used_bytes(j->changes[1].arena);
    return used > j->sides.budget;
}

static int push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    cu_join *j = (cu_join *)op;
    const cu_join_input *in = &j->in[port];
    uint16_t *pass = cu_arena_alloc(op->arena, b->n_sel * sizeof(*pass));
    uint32_t n_pass = 0;
    int rc = 0;
    cu_keys_encode(b, in->key, j->n_keys, &j->keys);
    for (uint32_t i = 0; i < b->n_sel && !rc; i++) {
        uint32_t row = cu_batch_row(b, i);
        int64_t us = 0;
        cu_late window;
        if (meets_nothing(j, in, b, row, &us))
            pass[n_pass++] = (uint16_t)row;
        else if (j->marks.forgets &&
                 cu_join_is_late(j, port, us, cu_batch_key(&j->keys, i),
                                 &window))
            rc = cu_two_marks_late(&j->marks, b, row, &window, err);
        else
            add_change(j, port, b, i, us);
    }
    if (!rc && n_pass > 0 && in->keeps && j->kind != CU_JOIN_SEMI)
        rc = cu_pair_pass(op, b, port ? j->in[0].n_cols : 0, pass, n_pass,
                          false, err);
    if (!rc && is_full(j))
        rc = cu_join_flush(j, err);
    return rc;
}

/* --- the rest ------------------------------------------------------------ */

static int watermark(cu_op *op, int port, int64_t ts_us, cu_err *err)
{
    (void)err;
    cu_two_marks_see(&((cu_join *)op)->marks, port, ts_us);
    return 0;
}

static int commit(cu_op *op, cu_err *err)
{
    cu_join *j = (cu_join *)op;
    int rc = j->ttl.on ? cu_join_forget(j, err) : 0;
    rc = rc ? rc : cu_join_flush(j, err);
    if (!rc && cu_two_marks_moved(&j->marks))
        rc = cu_join_expire(j, err);
    return rc ? rc : cu_two_marks_commit(&j->marks, err);
}

static int64_t due(cu_op *op)
{
    return cu_ttl_due(&((cu_join *)op)->ttl);
}

static uint64_t work(const cu_op *op)
{
    const cu_join *j = (const cu_join *)op;
    return op->n_in + op->n_out + op->n_keys + j->n_pairs + j->sides.work;
}

static void close_op(cu_op *op)
{
    cu_join *j = (cu_join *)op;
    for (int i = 0; i < 2; i++) {
        cu_free(j->in[i].key);
        cu_free(j->in[i].strict);
        if (j->changes[i].arena)
            cu_touched_close(&j->changes[i]);
    }
    cu_join_emit_close(j);
    cu_two_marks_close(&j->marks);
    cu_ttl_close(&j->ttl);
    cu_side_walk_free(&j->walk);
    cu_sides_close(&j->sides);
    cu_buf_free(&j->keys.bytes);
    cu_buf_free(&j->scratch);
}

cu_op *cu_join_new(void)
{
    static const cu_op_vt vt = {.name = "join",
                                .open = open_op,
                                .push = push,
                                .watermark = watermark,
                                .commit = commit,
                                .close = close_op,
                                .due = due,
                                .work = work};
    cu_join *j = cu_calloc(1, sizeof(*j));
    cu_op_init(&j->op, &vt);
    cu_outbox_open(&j->out, &j->op, NULL);
    return &j->op;
}
