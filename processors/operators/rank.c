/* Rank: the first rows of each partition in an order: DISTINCT ON, LIMIT,
 * row_number(), rank() or dense_rank() <= n, LIMIT WITH TIES.
 *
 * State, table 0, in the order that rows have:
 *
 *   partition key | order key | ~arrival u64be  ->  row bytes
 *
 * table 1: "" -> u8 1 | u64le next arrival.  Arrival numbers rows as they
 * come, so that among equals the latest is first; taking a row away takes
 * the latest of those that are byte-equal.
 *
 * In memory a partition keeps its first rows, the *window*: a little more
 * than what is visible (limit + offset), so that a deletion near the top
 * does not need the state.
 *
 *   window   r1 r2 r3 | r4 r5      in the state only: r6 r7 …
 *            visible    reserve
 *
 * W1 the window is exactly the first n rows of the partition.
 * W2 `whole`: there are no other rows.
 * When the window has become shorter than what must be visible and is not
 * whole, the commit reads on behind its last row.  Nothing else scans.
 *
 * By rank() and dense_rank() the last visible row's equals are visible too:
 * the window then goes on to the first row behind them (W3), and is cut back
 * when it has doubled.
 *
 * An append-only input with a limit can never need the rows behind the
 * window: these are not kept.
 *
 * With a ttl (ttl.h), table 2 has the stamps of partitions and table 3 the
 * index.  A partition that is over goes with its rows, silently, and begins
 * anew with the next one; rows that go unknown are ignored.
 *
 * The commit compares what was visible at the first touch with what is now,
 * and emits only the difference: all -1 rows of a partition, then all +1.
 */
#include "processors/operators/rank.h"

#include "processors/operators/aggregate_close.h"
#include "processors/operators/ttl.h"

enum { DEFAULT_CACHE_BYTES = 8 << 20, RESERVE = 8 };

typedef struct rank {
    cu_op op;
    cu_table *table, *meta;
    cu_key_col *partition; /* then the order columns */
    uint32_t n_partition, n_all;
    bool prunes;
    cu_rank_fn fn;
    bool tied;      /* a limit that equals may pass */
    size_t visible; /* offset + limit; SIZE_MAX: all */
    size_t keep;    /* rows that the window aims at */
    uint64_t arrivals;
    bool arrivals_changed;
    cu_keyset set;
    cu_ranked **groups;
    uint32_t n_groups, cap_groups, hand;
    cu_keyed *dirty;
    uint32_t n_dirty, cap_dirty;
    size_t bytes, budget;
    cu_keys keys, orders;
    cu_keyrec *found[CU_BATCH_ROWS];
    cu_buf scratch, row, end;
    cu_outbox out;
    cu_held_mark mark;
    cu_closer closer;
    cu_ttl ttl;
} rank;

/* --- open ---------------------------------------------------------------- */

static int open_op(cu_op *op, cu_err *err)
{
    rank *r = (rank *)op;
    const cu_node *n = op->node;
    uint32_t np = n->rank.n_partition, no = n->rank.n_order;
    r->table = cu_space_table(op->env->space, cu_node_state_table(n, 0));
    r->meta = cu_space_table(op->env->space, cu_node_state_table(n, 1));
    r->partition = cu_calloc(np + no, sizeof(*r->partition));
    for (uint32_t i = 0; i < np; i++)
        r->partition[i].col = n->rank.partition[i];
    for (uint32_t i = 0; i < no; i++)
        r->partition[np + i] = n->rank.order[i];
    r->n_partition = np;
    r->n_all = np + no;
    r->visible = r->keep = SIZE_MAX;
    if (n->rank.limit >= 0) {
        r->visible = (size_t)n->rank.limit + (size_t)n->rank.offset;
        r->keep = r->visible + (r->visible < RESERVE ? r->visible : RESERVE);
    }
    r->fn = n->rank.fn;
    r->tied = r->fn != CU_RANK_ROW_NUMBER && n->rank.limit >= 0;
    r->prunes = n->inputs[0]->append_only && n->rank.limit >= 0;
    if (r->prunes)
        r->keep = r->visible;
    r->budget = op->env->cache_bytes ? op->env->cache_bytes
                                     : DEFAULT_CACHE_BYTES;
    r->mark = CU_HELD_MARK;
    r->out.schema = n->schema;
    int rc = cu_number_read(op, r->meta, &r->arrivals, err);
    rc = rc ? rc
            : cu_closer_open(&r->closer, op, &n->rank.closing,
                             n->rank.partition, err);
    cu_table *stamps = cu_space_table(op->env->space,
                                      cu_node_state_table(n, 2));
    rc = rc ? rc : cu_ttl_open(&r->ttl, op, 3, stamps, err);
    cu_ttl_with(&r->ttl, r->table);
    return rc;
}

/* --- partitions in memory ------------------------------------------------ */

static cu_ranked *group_new(rank *r, uint64_t hash, cu_slice key)
{
    cu_ranked *g = cu_alloc(sizeof(*g) + key.len);
    memset(g, 0, sizeof(*g));
    memcpy(g->bytes, key.data, key.len);
    g->rec = (cu_keyrec){hash, g->bytes, (uint32_t)key.len};
    if (r->n_groups == r->cap_groups) {
        r->cap_groups = r->cap_groups ? r->cap_groups * 2 : 64;
        r->groups = cu_realloc(r->groups, r->cap_groups * sizeof(*r->groups));
    }
    g->stamp = INT64_MAX;
    g->at = r->n_groups;
    r->groups[r->n_groups++] = g;
    cu_keyset_add(&r->set, &g->rec);
    return g;
}

static void group_free(rank *r, cu_ranked *g)
{
    r->bytes -= g->counted;
    cu_keyset_del(&r->set, &g->rec);
    r->groups[g->at] = r->groups[--r->n_groups];
    r->groups[g->at]->at = g->at;
    cu_window_clear(&g->window);
    cu_window_clear(&g->before);
    cu_free(g);
}

static void evict(rank *r)
{
    while (r->bytes > r->budget && r->n_groups > 0) {
        if (r->hand >= r->n_groups)
            r->hand = 0;
        cu_ranked *g = r->groups[r->hand];
        if (g->used) {
            g->used = false;
            r->hand++;
        } else {
            group_free(r, g);
        }
    }
}

static size_t shown(const rank *r, const cu_window *w)
{
    return cu_window_shown(w, r->fn, r->visible);
}

/* Does the window say what is visible? */
static bool covers(const rank *r, const cu_window *w)
{
    if (w->whole || !r->tied || r->visible == 0)
        return w->whole || w->n >= r->visible;
    return w->n > shown(r, w);
}

/* The same in a loop that appends rows; `groups` of peers so far. */
static bool has_all(const rank *r, const cu_window *w, size_t groups)
{
    if (w->n < r->keep || !r->tied || r->visible == 0)
        return w->n >= r->keep;
    if (r->fn == CU_RANK_DENSE_RANK)
        return groups > r->visible;
    return w->n > r->visible &&
           !cu_item_peers(w->at[w->n - 1], w->at[r->visible - 1]);
}

static size_t begins_group(const cu_window *w, size_t i)
{
    return i == 0 || !cu_item_peers(w->at[i - 1], w->at[i]);
}

/* Reads on behind the window's last row until it has what it aims at. */
static int fill(rank *r, cu_ranked *g, cu_err *err)
{
    cu_window *w = &g->window;
    size_t groups = 0;
    bool dense = r->tied && r->fn == CU_RANK_DENSE_RANK;
    for (size_t i = 0; dense && i < w->n; i++)
        groups += begins_group(w, i);
    cu_table_iter *it;
    cu_slice key, value;
    bool more = true;
    cu_buf_clear(&r->scratch);
    if (w->n > 0) { /* the next key after the last one */
        cu_buf_put_slice(&r->scratch, cu_item_key(w->at[w->n - 1]));
        cu_buf_put_u8(&r->scratch, 0);
    } else {
        cu_buf_put_slice(&r->scratch, cu_keyrec_key(&g->rec));
    }
    cu_buf_clear(&r->end);
    cu_buf_put_slice(&r->end, cu_keyrec_key(&g->rec));
    cu_slice end = cu_key_after_prefix(&r->end) ? cu_buf_slice(&r->end)
                                                : CU_NULL_SLICE;
    if (g->rec.key_len == 0)
        end = CU_NULL_SLICE;
    int rc = cu_table_scan(r->table, cu_buf_slice(&r->scratch), end, false, &it,
                           err);
    if (rc)
        return rc;
    while (!has_all(r, w, groups) &&
           (more = cu_table_iter_next(it, &key, &value))) {
        cu_item *item = cu_item_new(key, value);
        cu_window_insert(w, w->n, item);
        cu_item_release(item);
        groups += dense && begins_group(w, w->n - 1);
    }
    w->whole = !more;
    return cu_table_iter_close(it, err);
}

static bool is_over(const rank *r, const cu_ranked *g)
{
    return g->stamp != INT64_MAX && cu_ttl_over(&r->ttl, g->stamp);
}

static int load(rank *r, const cu_keys *keys, uint32_t i, cu_ranked **out,
                cu_err *err)
{
    cu_slice key = cu_batch_key(keys, i);
    cu_ranked *g = (cu_ranked *)cu_keyset_find(&r->set, keys->hash[i], key);
    *out = g;
    if (g)
        return 0;
    *out = g = group_new(r, keys->hash[i], key);
    int rc = r->ttl.on ? cu_ttl_read(&r->ttl, key, &g->stamp, err) : 0;
    /* What is over is not worth reading. */
    if (!rc && !(r->ttl.on && is_over(r, g)))
        rc = fill(r, g, err);
    return rc;
}

/* The partition is over: it begins anew. */
static int begin_anew(rank *r, cu_ranked *g, cu_err *err)
{
    cu_window_clear(&g->window);
    g->window.whole = true;
    g->stamp = INT64_MAX;
    return cu_ttl_forget(&r->ttl, cu_keyrec_key(&g->rec), err);
}

static void touch(rank *r, cu_ranked *g)
{
    if (r->n_dirty == r->cap_dirty) {
        r->cap_dirty = r->cap_dirty ? r->cap_dirty * 2 : 64;
        r->dirty = cu_realloc(r->dirty, r->cap_dirty * sizeof(*r->dirty));
    }
    r->dirty[r->n_dirty++] = (cu_keyed){.key = cu_keyrec_key(&g->rec),
                                        .item = g};
    g->dirty = g->used = true;
    cu_window_copy(&g->before, &g->window, shown(r, &g->window));
}

/* --- rows ---------------------------------------------------------------- */

/* Rows that the window need not hold go from its end. */
static void cut(rank *r, cu_ranked *g)
{
    cu_window *w = &g->window;
    size_t keep = r->keep;
    if (r->tied)
        keep = shown(r, w) + (r->prunes ? 0 : RESERVE);
    while (w->n > keep) {
        if (r->prunes)
            cu_table_del(r->table, cu_item_key(w->at[w->n - 1]));
        cu_window_remove(w, w->n - 1);
        w->whole = r->prunes;
    }
    g->most = r->tied ? 2 * (w->n + RESERVE) : r->keep;
}

static void insert(rank *r, cu_ranked *g, cu_slice order, cu_slice row)
{
    cu_window *w = &g->window;
    cu_buf_clear(&r->scratch);
    cu_buf_put_slice(&r->scratch, order);
    cu_buf_put_u64be(&r->scratch, ~r->arrivals++);
    r->arrivals_changed = true;
    cu_slice key = cu_buf_slice(&r->scratch);
    size_t at = cu_window_find(w, key);
    bool inside = at < w->n || w->whole;
    if (inside && (at < r->keep || r->tied)) {
        cu_item *item = cu_item_new(key, row);
        cu_window_insert(w, at, item);
        cu_item_release(item);
    } else if (r->prunes) {
        return;
    } else if (inside) {
        w->whole = false;
    }
    g->changed = true;
    cu_table_put_new(r->table, key, row);
    if (w->n > (r->tied ? g->most : r->keep))
        cut(r, g);
}

/* The key of the newest row with these bytes, into scratch. */
static int find_row(rank *r, cu_slice order, cu_slice row, bool *found,
                    cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    *found = false;
    cu_buf_clear(&r->end);
    cu_buf_put_slice(&r->end, order);
    cu_slice end = order.len && cu_key_after_prefix(&r->end)
                       ? cu_buf_slice(&r->end)
                       : CU_NULL_SLICE;
    int rc = cu_table_scan(r->table, order, end, false, &it, err);
    if (rc)
        return rc;
    while (!*found && cu_table_iter_next(it, &key, &value)) {
        *found = cu_slice_eq(value, row);
        cu_buf_clear(&r->scratch);
        cu_buf_put_slice(&r->scratch, key);
    }
    return cu_table_iter_close(it, err);
}

static int take_away(rank *r, cu_ranked *g, cu_slice order, cu_slice row,
                     cu_err *err)
{
    cu_window *w = &g->window;
    size_t at = cu_window_find_row(w, order, row);
    if (at < w->n && !r->prunes) {
        g->changed = true;
        cu_table_del(r->table, cu_item_key(w->at[at]));
        cu_window_remove(w, at);
        return 0;
    }
    bool found = false;
    int rc = w->whole || r->prunes ? 0 : find_row(r, order, row, &found, err);
    if (rc)
        return rc;
    if (!found && r->ttl.on && !r->prunes) {
        r->op.n_unknown++;
        return 0;
    }
    if (!found)
        return cu_negative(&r->op, "a row", err);
    g->changed = true;
    cu_table_del(r->table, cu_buf_slice(&r->scratch));
    return 0;
}

static int push_row(rank *r, const cu_batch *b, uint32_t i, cu_err *err)
{
    cu_ranked *g = (cu_ranked *)r->found[i];
    uint32_t row = cu_batch_row(b, i);
    int32_t w = cu_batch_weight(b, row);
    int rc = g ? 0 : load(r, &r->keys, i, &g, err);
    if (!rc && !g->dirty && is_over(r, g))
        rc = begin_anew(r, g, err);
    if (rc)
        return rc;
    if (!g->dirty)
        touch(r, g);
    cu_buf_clear(&r->row);
    cu_row_encode(b, row, NULL, b->n_cols, &r->row);
    cu_slice order = cu_batch_key(&r->orders, i);
    for (; w > 0; w--)
        insert(r, g, order, cu_buf_slice(&r->row));
    for (; w < 0 && !rc; w++)
        rc = take_away(r, g, order, cu_buf_slice(&r->row), err);
    return rc;
}

static int push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    rank *r = (rank *)op;
    (void)port;
    int rc = r->closer.on ? cu_closer_sift(&r->closer, &b, err) : 0;
    if (rc)
        return rc;
    cu_keys_encode(b, r->partition, r->n_partition, &r->keys);
    cu_keys_encode(b, r->partition, r->n_all, &r->orders);
    cu_keyset_probe(&r->set, &r->keys, r->found);
    for (uint32_t i = 0; i < b->n_sel && !rc; i++)
        rc = push_row(r, b, i, err);
    return rc;
}

/* --- commit -------------------------------------------------------------- */

static int emit_row(rank *r, const cu_item *item, size_t number, int32_t w,
                    cu_err *err)
{
    const cu_node *n = r->op.node;
    int rc = cu_outbox_room(&r->out, 1, err);
    /* The item may be freed before the batch is sent. */
    cu_slice row = rc ? CU_NULL_SLICE
                      : cu_arena_slice(r->out.arena, cu_item_row(item));
    rc = rc ? rc : cu_outbox_row(&r->out, row, w, err);
    if (rc || !n->rank.numbered)
        return rc;
    cu_batch *b = r->out.batch;
    cu_col *col = &b->cols[b->n_cols - 1];
    cu_value v = {.type = col->type, .i8 = (int64_t)number};
    cu_col_set(b->arena, col, b->n_rows - 1, b->capacity, &v);
    return 0;
}

/* Numbered rows differ when their position or their bytes do. */
static int emit_numbered(rank *r, const cu_window *old, const cu_window *now,
                         size_t from, cu_err *err)
{
    int rc = 0;
    for (int pass = 0; pass < 2; pass++) {
        const cu_window *a = pass ? now : old, *b = pass ? old : now;
        size_t end = a->n < r->visible ? a->n : r->visible;
        for (size_t i = from; i < end && !rc; i++) {
            if (i < b->n && i < r->visible &&
                cu_slice_eq(cu_item_row(a->at[i]), cu_item_row(b->at[i])))
                continue;
            rc = emit_row(r, a->at[i], i + 1, pass ? 1 : -1, err);
        }
    }
    return rc;
}

/* What came and went; with numbers when equals share them. */
static int emit_differences(rank *r, const cu_window *old, const cu_window *now,
                            size_t from, cu_err *err)
{
    cu_arena *a = r->op.arena;
    cu_numbered x = {.window = old, .end = old->n};
    cu_numbered y = {.window = now, .end = shown(r, now)};
    if (r->op.node->rank.numbered) {
        x.numbers = cu_window_numbers(old, r->fn, x.end, a);
        y.numbers = cu_window_numbers(now, r->fn, y.end, a);
    }
    cu_window_diff d = cu_window_compare(&x, &y, from, a);
    int rc = 0;
    for (size_t i = 0; i < d.n_gone && !rc; i++)
        rc = emit_row(r, d.gone[i].item, d.gone[i].number, -1, err);
    for (size_t i = 0; i < d.n_come && !rc; i++)
        rc = emit_row(r, d.come[i].item, d.come[i].number, 1, err);
    return rc;
}

static int commit_group(rank *r, cu_ranked *g, cu_err *err)
{
    size_t from = (size_t)r->op.node->rank.offset;
    cu_window *w = &g->window;
    int rc = 0;
    if (!covers(r, w))
        rc = fill(r, g, err);
    if (!rc)
        rc = r->op.node->rank.numbered && r->fn == CU_RANK_ROW_NUMBER
                 ? emit_numbered(r, &g->before, w, from, err)
                 : emit_differences(r, &g->before, w, from, err);
    cu_window_clear(&g->before);
    if (r->tied && !rc)
        cut(r, g);
    g->dirty = false;
    r->bytes -= g->counted;
    g->counted = sizeof(*g) + g->rec.key_len + cu_window_bytes(w);
    r->bytes += g->counted;
    bool ends = w->n == 0 && w->whole;
    if (r->ttl.on && !rc) {
        if (ends && g->stamp != INT64_MAX)
            cu_ttl_ended(&r->ttl, cu_keyrec_key(&g->rec));
        else if (!ends && g->changed)
            cu_ttl_changed(&r->ttl, cu_keyrec_key(&g->rec), &g->stamp);
    }
    g->changed = false;
    if (ends)
        group_free(r, g);
    return rc;
}

static void count_dropped(void *ctx, cu_slice key)
{
    (void)key;
    ++*(uint64_t *)ctx;
}

/* Partitions that the watermark has passed, in the state and here. */
static int forget(rank *r, cu_err *err)
{
    uint64_t dropped = 0;
    if (!r->closer.on)
        return 0;
    int rc = cu_closer_expire(&r->closer, 1, count_dropped, &dropped, err);
    for (uint32_t i = r->n_groups; i > 0 && dropped > 0 && !rc; i--)
        if (cu_closer_has_closed(&r->closer,
                                 cu_keyrec_key(&r->groups[i - 1]->rec)))
            group_free(r, r->groups[i - 1]);
    return rc;
}

static void drop(void *ctx, cu_slice key)
{
    rank *r = ctx;
    cu_keyrec *g = cu_keyset_find(&r->set, cu_hash(key), key);
    if (g)
        group_free(r, (cu_ranked *)g);
}

static int commit(cu_op *op, cu_err *err)
{
    rank *r = (rank *)op;
    int rc = 0;
    uint64_t touched = r->n_dirty;
    op->n_keys += touched;
    cu_sort_keyed(r->dirty, r->n_dirty);
    for (uint32_t i = 0; i < r->n_dirty && !rc; i++) {
        cu_arena_reset(op->arena);
        rc = commit_group(r, r->dirty[i].item, err);
    }
    r->n_dirty = 0;
    rc = rc ? rc : cu_outbox_flush(&r->out, err);
    if (rc)
        return rc;
    if (r->arrivals_changed)
        cu_number_write(r->meta, r->arrivals);
    r->arrivals_changed = false;
    rc = forget(r, err);
    rc = rc ? rc : cu_ttl_sweep(&r->ttl, touched, drop, r, err);
    if (rc)
        return rc;
    evict(r);
    return cu_held_mark_send(&r->mark, op, err);
}

static int watermark(cu_op *op, int port, int64_t ts_us, cu_err *err)
{
    rank *r = (rank *)op;
    (void)port, (void)err;
    cu_held_mark_see(&r->mark, ts_us);
    cu_closer_mark(&r->closer, ts_us);
    return 0;
}

static int64_t due(cu_op *op)
{
    return cu_ttl_due(&((rank *)op)->ttl);
}

static void close_op(cu_op *op)
{
    rank *r = (rank *)op;
    cu_ttl_close(&r->ttl);
    while (r->n_groups > 0)
        group_free(r, r->groups[r->n_groups - 1]);
    cu_keyset_close(&r->set);
    cu_outbox_close(&r->out);
    cu_buf_free(&r->keys.bytes);
    cu_buf_free(&r->orders.bytes);
    cu_buf_free(&r->scratch);
    cu_buf_free(&r->row);
    cu_buf_free(&r->end);
    cu_free(r->groups);
    cu_free(r->dirty);
    cu_free(r->partition);
}

cu_op *cu_rank_new(void)
{
    static const cu_op_vt vt = {.name = "rank",
                                .open = open_op,
                                .push = push,
                                .watermark = watermark,
                                .commit = commit,
                                .close = close_op,
                                .due = due};
    rank *r = cu_calloc(1, sizeof(*r));
    cu_op_init(&r->op, &vt);
    cu_keyset_open(&r->set);
    cu_outbox_open(&r->out, &r->op, NULL);
    return &r->op;
}
