/* Rank first: DISTINCT ON and LIMIT 1 over rows that never go.
 *
 *   push      per partition: is the row before the one that is there?
 *   commit    partitions in order: -1 the old row, +1 the new one
 *
 * A row that was not the first can never become it, so one row a partition is
 * all that is kept, under the partition's key: no scan is needed to find it,
 * and one batch of gets, which a bloom filter answers for new keys, serves a
 * batch of rows.  Of rows that are equal in the order the latest stays.
 *
 * State, table 0: partition key -> u8 1 | lslice order key | row bytes
 *
 * With a ttl (ttl.h) the value begins with u8 2 | u64le stamp, table 3 is the
 * index, and a row that is over counts as none.  Rows that come and are not
 * the first change nothing: the time runs from the row that is there.
 */
#include "processors/operators/int.h"
#include "processors/operators/keyset.h"
#include "processors/operators/ttl.h"

enum { VERSION = 1 };

typedef struct held {
    cu_keyrec rec;
    cu_slice before;     /* committed row, absent: none; in the commit arena */
    cu_slice row, order; /* as it is now */
    bool changed;
} held;

typedef struct first {
    cu_op op;
    cu_table *table;
    cu_key_col *partition;
    cu_keys keys;
    cu_touched touched;
    cu_buf scratch;
    cu_outbox out;
    cu_held_mark mark;
    cu_ttl ttl;
} first;

static int open_op(cu_op *op, cu_err *err)
{
    first *f = (first *)op;
    const cu_node *n = op->node;
    f->table = cu_space_table(op->env->space, cu_node_state_table(n, 0));
    f->partition = cu_calloc(n->rank.n_partition + 1, sizeof(*f->partition));
    for (uint32_t i = 0; i < n->rank.n_partition; i++)
        f->partition[i].col = n->rank.partition[i];
    cu_table_lean(f->table);
    f->mark = CU_HELD_MARK;
    f->out.schema = n->schema;
    return cu_ttl_open(&f->ttl, op, 3, f->table, err);
}

static int corrupt(const first *f, cu_err *err)
{
    return cu_fail(err, CU_CORRUPT, 0,
                   "rank (node %u): a stored value does not check out",
                   f->op.node->id);
}

/* What the state holds for a key that was not touched before. */
static int read_held(first *f, held *h, cu_slice value, cu_err *err)
{
    if (!value.data)
        return 0;
    cu_scan s = cu_scan_of(cu_arena_slice(f->touched.arena, value));
    int64_t stamp = INT64_MAX;
    bool good = f->ttl.on ? cu_ttl_get_head(&s, &stamp)
                          : cu_scan_u8(&s) == VERSION;
    if (good && f->ttl.on && cu_ttl_over(&f->ttl, stamp))
        return 0;
    h->order = cu_scan_lslice(&s);
    if (s.bad || !good)
        return corrupt(f, err);
    h->before = h->row = cu_slice_n(s.p, cu_scan_left(&s));
    return 0;
}

/* The records of all rows of the batch, those that are new loaded. */
static int touch(first *f, const cu_batch *b, held **rows, cu_err *err)
{
    cu_slice keys[CU_BATCH_ROWS], values[CU_BATCH_ROWS];
    held *loaded[CU_BATCH_ROWS];
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n_sel; i++) {
        bool fresh;
        rows[i] = cu_touched_put(&f->touched, f->keys.hash[i],
                                 cu_batch_key(&f->keys, i), &fresh);
        if (!fresh)
            continue;
        loaded[n] = rows[i];
        keys[n++] = cu_keyrec_key(&rows[i]->rec);
    }
    int rc = n ? cu_table_get_many(f->table, n, keys, values, err) : 0;
    for (uint32_t i = 0; i < n && !rc; i++)
        rc = read_held(f, loaded[i], values[i], err);
    return rc;
}

static int push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    first *f = (first *)op;
    const cu_node *n = op->node;
    held *rows[CU_BATCH_ROWS];
    (void)port;
    cu_keys_encode(b, f->partition, n->rank.n_partition, &f->keys);
    int rc = touch(f, b, rows, err);
    for (uint32_t i = 0; i < b->n_sel && !rc; i++) {
        uint32_t row = cu_batch_row(b, i);
        held *h = rows[i];
        if (cu_batch_weight(b, row) < 0)
            return cu_negative(op, "a row of an append-only input", err);
        cu_buf_clear(&f->scratch);
        cu_key_encode(b, row, n->rank.order, n->rank.n_order, &f->scratch);
        cu_slice order = cu_buf_slice(&f->scratch);
        if (h->row.data && cu_slice_cmp(order, h->order) > 0)
            continue;
        h->order = cu_arena_slice(f->touched.arena, order);
        cu_buf_clear(&f->scratch);
        cu_row_encode(b, row, NULL, b->n_cols, &f->scratch);
        h->row = cu_arena_slice(f->touched.arena, cu_buf_slice(&f->scratch));
        h->changed = true;
    }
    return rc;
}

static int commit_key(first *f, const held *h, cu_err *err)
{
    if (!h->changed || cu_slice_eq(h->before, h->row))
        return 0;
    int rc = cu_outbox_room(&f->out, 2, err);
    if (!rc && h->before.data)
        rc = cu_outbox_row(&f->out, h->before, -1, err);
    rc = rc ? rc : cu_outbox_row(&f->out, h->row, 1, err);
    if (rc)
        return rc;
    cu_buf_clear(&f->scratch);
    if (f->ttl.on)
        cu_ttl_put_head(cu_ttl_now(&f->ttl), &f->scratch);
    else
        cu_buf_put_u8(&f->scratch, VERSION);
    if (f->ttl.on && !h->before.data)
        cu_ttl_put(&f->ttl, cu_ttl_now(&f->ttl), cu_keyrec_key(&h->rec));
    cu_buf_put_lslice(&f->scratch, h->order);
    cu_buf_put_slice(&f->scratch, h->row);
    cu_table_put(f->table, cu_keyrec_key(&h->rec), cu_buf_slice(&f->scratch));
    return 0;
}

/* Nothing stays in memory between commits. */
static void forget(void *ctx, cu_slice key)
{
    (void)ctx, (void)key;
}

static int commit(cu_op *op, cu_err *err)
{
    first *f = (first *)op;
    uint64_t touched = f->touched.n;
    const cu_keyed *items = cu_touched_sorted(&f->touched);
    int rc = 0;
    op->n_keys += f->touched.n;
    for (uint32_t i = 0; i < f->touched.n && !rc; i++)
        rc = commit_key(f, items[i].item, err);
    rc = rc ? rc : cu_outbox_flush(&f->out, err);
    cu_touched_reset(&f->touched);
    rc = rc ? rc : cu_ttl_sweep(&f->ttl, touched, forget, NULL, err);
    return rc ? rc : cu_held_mark_send(&f->mark, op, err);
}

static int watermark(cu_op *op, int port, int64_t ts_us, cu_err *err)
{
    first *f = (first *)op;
    (void)port, (void)err;
    cu_held_mark_see(&f->mark, ts_us);
    return 0;
}

static int64_t due(cu_op *op)
{
    return cu_ttl_due(&((first *)op)->ttl);
}

static void close_op(cu_op *op)
{
    first *f = (first *)op;
    cu_ttl_close(&f->ttl);
    cu_touched_close(&f->touched);
    cu_outbox_close(&f->out);
    cu_buf_free(&f->keys.bytes);
    cu_buf_free(&f->scratch);
    cu_free(f->partition);
}

bool cu_rank_first_suits(const cu_node *n)
{
    return n->inputs[0]->append_only && n->rank.limit == 1 &&
           n->rank.offset == 0 && !n->rank.numbered && !n->rank.closing.on &&
           n->rank.fn == CU_RANK_ROW_NUMBER;
}

cu_op *cu_rank_first_new(void)
{
    static const cu_op_vt vt = {.name = "rank",
                                .open = open_op,
                                .push = push,
                                .watermark = watermark,
                                .commit = commit,
                                .close = close_op,
                                .due = due};
    first *f = cu_calloc(1, sizeof(*f));
    cu_op_init(&f->op, &vt);
    cu_touched_open(&f->touched, sizeof(held));
    cu_outbox_open(&f->out, &f->op, NULL);
    return &f->op;
}
