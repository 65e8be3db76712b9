/* Over: window functions.
 *
 *   push     net weights of distinct rows, by key
 *   commit   per partition, in key order: rows come into the state and go
 *            from it (-old); a pass computes what that touches (over_pass.c)
 *
 * State, table 0:
 *
 *   partition key | order key | row bytes | u32be copy
 *     -> u8 1 | u8 status | varint bytes of both keys | lslice outputs | state
 *
 * outputs: u8 null [value], per call.  state: what the next row's values
 * start from (over_result.c).  Rows equal in the order stand in the order of
 * their bytes, byte-equal ones are copies 0, 1, …: the output is a function
 * of the rows and not of how they came.  Taking one away takes the highest.
 *
 * The key "" is closing's (aggregate_close.h).  With a ttl (ttl.h), table 2 has
 * the stamps of partitions and table 3 the index; a partition that is over goes
 * with its rows, silently.
 *
 * V1 between commits every row of the state is shown with its outputs, or
 *    refused.
 * V2 copies of a row are numbered without gaps.
 */
#include "processors/operators/over.h"

#include "processors/operators/aggregate_close.h"
#include "processors/operators/over_pass.h"
#include "processors/operators/ttl.h"

typedef struct over {
    cu_op op;
    cu_table *table;
    cu_over_pass pass;
    cu_key_col *order; /* partition, then order columns */
    uint32_t n_partition, n_all;
    cu_keys partitions, orders;
    cu_touched touched;
    cu_over_change **changes; /* of one partition */
    uint32_t n_changes, cap_changes;
    cu_buf scratch, fresh;
    cu_held_mark mark;
    cu_closer closer;
    cu_ttl ttl;
    uint64_t applied; /* rows that came and went, ever */
} over;

/* --- open ----------------------------------------------------------------- */

static int open_op(cu_op *op, cu_err *err)
{
    over *o = (over *)op;
    const cu_node *n = op->node;
    uint32_t np = n->over.n_partition, no = n->over.n_order;
    o->table = cu_space_table(op->env->space, cu_node_state_table(n, 0));
    o->order = cu_calloc(np + no + 1, sizeof(*o->order));
    for (uint32_t i = 0; i < np; i++)
        o->order[i].col = n->over.partition[i];
    for (uint32_t i = 0; i < no; i++)
        o->order[np + i] = n->over.order[i];
    o->n_partition = np;
    o->n_all = np + no;
    o->mark = CU_HELD_MARK;
    int rc = cu_over_pass_open(&o->pass, op, o->table, err);
    rc = rc ? rc
            : cu_closer_open(&o->closer, op, &n->over.closing,
                             n->over.partition, err);
    cu_table *stamps = cu_space_table(op->env->space,
                                      cu_node_state_table(n, 2));
    rc = rc ? rc : cu_ttl_open(&o->ttl, op, 3, stamps, err);
    cu_ttl_with(&o->ttl, o->table);
    return rc;
}

/* --- push ----------------------------------------------------------------- */

static int push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    over *o = (over *)op;
    (void)port;
    int rc = o->closer.on ? cu_closer_sift(&o->closer, &b, err) : 0;
    if (rc)
        return rc;
    cu_keys_encode(b, o->order, o->n_partition, &o->partitions);
    cu_keys_encode(b, o->order, o->n_all, &o->orders);
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        bool fresh;
        cu_slice order = cu_batch_key(&o->orders, i);
        cu_buf_clear(&o->scratch);
        cu_buf_put_slice(&o->scratch, order);
        cu_row_encode(b, row, NULL, b->n_cols, &o->scratch);
        cu_slice key = cu_buf_slice(&o->scratch);
        cu_over_change *c = cu_touched_put(&o->touched, cu_hash(key), key,
                                           &fresh);
        c->partition_len = (uint32_t)cu_batch_key(&o->partitions, i).len;
        c->order_len = (uint32_t)order.len;
        c->net += cu_batch_weight(b, row);
    }
    return 0;
}

/* --- rows into the state and out of it ------------------------------------ */

static cu_slice copy_key(over *o, const cu_over_change *c, uint32_t copy)
{
    cu_buf_clear(&o->scratch);
    cu_buf_put_slice(&o->scratch, cu_over_change_key(c));
    cu_buf_put_u32be(&o->scratch, copy);
    return cu_buf_slice(&o->scratch);
}

static int has_copy(over *o, const cu_over_change *c, uint64_t copy, bool *has,
                    cu_err *err)
{
    cu_slice value;
    int rc = cu_table_get(o->table, copy_key(o, c, (uint32_t)copy), &value,
                          err);
    *has = !rc && value.data;
    return rc;
}

/* How many copies there are: by doubling, then halving (V2). */
static int count_copies(over *o, const cu_over_change *c, uint64_t *n,
                        cu_err *err)
{
    uint64_t low = 0, high = 1; /* there are `low` at least, fewer than high */
    bool has = true;
    int rc = 0;
    while (!rc && has) {
        rc = has_copy(o, c, high - 1, &has, err);
        low = has ? high : low;
        high = has ? high * 2 : high;
    }
    while (!rc && low + 1 < high) {
        uint64_t mid = low + (high - low) / 2;
        rc = has_copy(o, c, mid - 1, &has, err);
        low = has ? mid : low;
        high = has ? high : mid;
    }
    *n = low;
    return rc;
}

static int take_copy(over *o, const cu_over_change *c, uint32_t copy,
                     cu_err *err)
{
    cu_slice key = copy_key(o, c, copy), value;
    cu_over_row row;
    int rc = cu_table_get(o->table, key, &value, err);
    if (rc)
        return rc;
    if (!value.data || !cu_over_row_parse(key, value, &row))
        return cu_fail(err, CU_CORRUPT, 0,
                       "over (node %u): a row's state does not check out",
                       o->op.node->id);
    if (row.status == CU_OVER_SHOWN)
        rc = cu_over_emit(&o->pass, row.bytes, row.shown, -1, err);
    cu_table_del(o->table, key);
    return rc;
}

static int apply(over *o, const cu_over_change *c, cu_err *err)
{
    uint64_t copies;
    int64_t w = c->net;
    int rc = count_copies(o, c, &copies, err);
    if (rc)
        return rc;
    if (o->ttl.on && w < 0 && copies < (uint64_t)-w) { /* it was forgotten */
        o->op.n_unknown += (uint64_t)-w - copies;
        w = -(int64_t)copies;
    }
    o->applied += (uint64_t)(w < 0 ? -w : w);
    if (w < 0 && copies < (uint64_t)-w)
        return cu_negative(&o->op, "a row", err);
    if (w > 0 && copies + (uint64_t)w > UINT32_MAX)
        return cu_fail(err, CU_DATA, 0,
                       "over (node %u): more than 4,294,967,295 equal rows",
                       o->op.node->id);
    cu_buf_clear(&o->fresh);
    cu_over_put_fresh(c->order_len, &o->fresh);
    for (; w > 0; w--)
        cu_table_put(o->table, copy_key(o, c, (uint32_t)copies++),
                     cu_buf_slice(&o->fresh));
    for (; w < 0 && !rc; w++)
        rc = take_copy(o, c, (uint32_t)--copies, err);
    return rc;
}

/* --- commit --------------------------------------------------------------- */

static cu_slice partition_of(const cu_over_change *c)
{
    return cu_slice_n(c->rec.key, c->partition_len);
}

static void gather(over *o, cu_over_change *c)
{
    if (o->n_changes == o->cap_changes) {
        o->cap_changes = o->cap_changes ? o->cap_changes * 2 : 64;
        o->changes = cu_realloc(o->changes,
                                o->cap_changes * sizeof(*o->changes));
    }
    o->changes[o->n_changes++] = c;
}

/* A partition that is over begins anew; the others have changed. */
static int date_partition(over *o, cu_slice key, cu_err *err)
{
    int64_t stamp;
    int rc = cu_ttl_read(&o->ttl, key, &stamp, err);
    if (!rc && stamp != INT64_MAX && cu_ttl_over(&o->ttl, stamp)) {
        rc = cu_ttl_forget(&o->ttl, key, err);
        stamp = INT64_MAX;
    }
    if (!rc)
        cu_ttl_changed(&o->ttl, key, &stamp);
    return rc;
}

static int commit_partition(over *o, cu_err *err)
{
    int rc = 0;
    if (o->ttl.on && o->n_changes > 0)
        rc = date_partition(o, partition_of(o->changes[0]), err);
    for (uint32_t i = 0; i < o->n_changes && !rc; i++)
        rc = apply(o, o->changes[i], err);
    if (rc || o->n_changes == 0)
        return rc;
    rc = cu_over_pass_run(&o->pass, partition_of(o->changes[0]), o->changes,
                          o->n_changes, err);
    o->n_changes = 0;
    return rc;
}

static int commit_changes(over *o, cu_err *err)
{
    cu_keyed *sorted = cu_touched_sorted(&o->touched);
    int rc = 0;
    o->n_changes = 0;
    for (uint32_t i = 0; i < o->touched.n && !rc; i++) {
        cu_over_change *c = sorted[i].item;
        if (c->net == 0)
            continue;
        if (o->n_changes > 0 &&
            !cu_slice_eq(partition_of(c), partition_of(o->changes[0])))
            rc = commit_partition(o, err);
        gather(o, c);
    }
    rc = rc ? rc : commit_partition(o, err);
    o->op.n_keys += o->touched.n;
    cu_touched_reset(&o->touched);
    return rc ? rc : cu_outbox_flush(&o->pass.out, err);
}

/* Nothing stays in memory between commits. */
static void forget(void *ctx, cu_slice key)
{
    (void)ctx, (void)key;
}

static int commit(cu_op *op, cu_err *err)
{
    over *o = (over *)op;
    uint64_t touched = o->touched.n;
    int rc = commit_changes(o, err);
    if (!rc && o->closer.on)
        rc = cu_closer_expire(&o->closer, 1, forget, NULL, err);
    rc = rc ? rc : cu_ttl_sweep(&o->ttl, touched, forget, NULL, err);
    return rc ? rc : cu_held_mark_send(&o->mark, op, err);
}

static int watermark(cu_op *op, int port, int64_t ts_us, cu_err *err)
{
    over *o = (over *)op;
    (void)port, (void)err;
    cu_held_mark_see(&o->mark, ts_us);
    cu_closer_mark(&o->closer, ts_us);
    return 0;
}

static uint64_t work(const cu_op *op)
{
    const over *o = (const over *)op;
    return o->applied + o->pass.rows.read + o->pass.looked;
}

static int64_t due(cu_op *op)
{
    return cu_ttl_due(&((over *)op)->ttl);
}

static void close_op(cu_op *op)
{
    over *o = (over *)op;
    cu_ttl_close(&o->ttl);
    cu_over_pass_close(&o->pass);
    cu_touched_close(&o->touched);
    cu_buf_free(&o->partitions.bytes);
    cu_buf_free(&o->orders.bytes);
    cu_buf_free(&o->scratch);
    cu_buf_free(&o->fresh);
    cu_free(o->changes);
    cu_free(o->order);
}

cu_op *cu_over_new(void)
{
    static const cu_op_vt vt = {.name = "over",
                                .open = open_op,
                                .push = push,
                                .watermark = watermark,
                                .commit = commit,
                                .close = close_op,
                                .due = due,
                                .work = work};
    over *o = cu_calloc(1, sizeof(*o));
    cu_op_init(&o->op, &vt);
    cu_touched_open(&o->touched, sizeof(cu_over_change));
    return &o->op;
}
