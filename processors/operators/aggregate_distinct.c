/* Counted values: DISTINCT, and min and max of rows that can go.
 *
 * State: group key | u8 call | value key  ->  u8 1 | varint count | value
 *
 * A push only notes "value x of call c of group g: +w" in memory, per value,
 * so that what comes and goes between two commits costs nothing.  The commit
 * adds the notes to the stored counts, in key order, and looks at what
 * happened to each value:
 *
 *    0 -> n   DISTINCT: the value goes into the accumulator once
 *             min, max: it may be the new best
 *    n -> 0   DISTINCT: it is taken out, in the form that was put in
 *             min, max: if it was the best, the first (last) value of the
 *             group is looked up after all counts are written
 *
 * The value key sorts like the value, so the best is the first or the last
 * key of the range.
 */
#include "processors/operators/aggregate.h"

enum { VERSION = 1, CHUNK = 1024 };

typedef struct note {
    cu_keyrec rec;
    cu_group *group;
    const cu_acc_call *call;
    int64_t delta;
    cu_slice value; /* as first seen; in the arena of the notes */
} note;

struct cu_counted {
    cu_op *op;
    cu_table *table;
    cu_touched notes;
    cu_keys keys;
    cu_buf scratch;
    cu_arena *arena; /* of a chunk */
    note **lost;     /* one note per group and call that lost its best */
    size_t n_lost, cap_lost;
};

cu_counted *cu_counted_new(cu_op *op, cu_table *table)
{
    cu_counted *v = cu_calloc(1, sizeof(*v));
    v->op = op;
    v->table = table;
    v->arena = cu_arena_new(0);
    cu_touched_open(&v->notes, sizeof(note));
    return v;
}

void cu_counted_free(cu_counted *v)
{
    if (!v)
        return;
    cu_touched_close(&v->notes);
    cu_buf_free(&v->keys.bytes);
    cu_buf_free(&v->scratch);
    cu_arena_free(v->arena);
    cu_free(v->lost);
    cu_free(v);
}

/* --- push ---------------------------------------------------------------- */

static void add_note(cu_counted *v, const cu_acc_call *c, cu_group *g,
                     const cu_value *value, int32_t w)
{
    cu_buf_clear(&v->scratch);
    cu_buf_put(&v->scratch, g->rec.key, g->rec.key_len);
    cu_buf_put_u8(&v->scratch, c->number);
    cu_acc_value_key(c, value, &v->scratch);
    cu_slice key = cu_buf_slice(&v->scratch);
    bool fresh;
    note *n = cu_touched_put(&v->notes, cu_hash(key), key, &fresh);
    n->delta += w;
    if (!fresh)
        return;
    n->group = g;
    n->call = c;
    cu_buf_clear(&v->scratch);
    cu_value_put(value, &v->scratch);
    n->value = cu_arena_slice(v->notes.arena, cu_buf_slice(&v->scratch));
}

void cu_counted_push(cu_counted *v, const cu_acc_call *c,
                     const cu_acc_rows *rows)
{
    for (uint32_t i = 0; i < rows->n; i++) {
        cu_value value = cu_col_value(rows->col, rows->rows[i]);
        add_note(v, c, (cu_group *)rows->groups[i], &value, rows->weights[i]);
    }
}

/* --- commit -------------------------------------------------------------- */

static int corrupt(const cu_counted *v, cu_err *err)
{
    return cu_fail(err, CU_CORRUPT, 0,
                   "%s (node %u): a counted value does not check out",
                   v->op->vt->name, v->op->node->id);
}

static int read_count(const cu_counted *v, cu_slice stored, uint64_t *count,
                      cu_slice *value, cu_err *err)
{
    *count = 0;
    if (!stored.data)
        return 0;
    cu_scan s = cu_scan_of(stored);
    uint8_t version = cu_scan_u8(&s);
    *count = cu_scan_varint(&s);
    *value = cu_slice_n(s.p, cu_scan_left(&s));
    return s.bad || version != VERSION || *count == 0 ? corrupt(v, err) : 0;
}

static int value_of(const cu_counted *v, const cu_acc_call *c, cu_slice bytes,
                    cu_value *out, cu_err *err)
{
    cu_scan s = cu_scan_of(bytes);
    return cu_value_get(c->arg, &s, v->arena, out) ? 0 : corrupt(v, err);
}

/* The part of a value's state key that orders it inside its group. */
static cu_slice order_key(const note *n)
{
    size_t skip = n->group->rec.key_len + 1;
    return cu_slice_n(n->rec.key + skip, n->rec.key_len - skip);
}

static void lose_best(cu_counted *v, note *n, cu_acc_best *b)
{
    if (b->lost)
        return;
    b->lost = true;
    if (v->n_lost == v->cap_lost) {
        v->cap_lost = v->cap_lost ? v->cap_lost * 2 : 64;
        v->lost = cu_realloc(v->lost, v->cap_lost * sizeof(*v->lost));
    }
    v->lost[v->n_lost++] = n;
}

static void best_changed(cu_counted *v, note *n, bool appears,
                         const cu_value *value)
{
    cu_acc_best *b = cu_group_acc(n->group, n->call);
    int order = b->value.null ? -1
                              : cu_slice_cmp(order_key(n),
                                             cu_slice_n(b->key, b->key_len));
    if (!b->value.null && n->call->call->func->agg == CU_AGG_MAX)
        order = -order;
    if (appears && order < 0)
        cu_acc_set_best(n->call, b, value);
    else if (!appears && order == 0)
        lose_best(v, n, b);
}

static int commit_note(cu_counted *v, note *n, cu_slice stored, cu_err *err)
{
    uint64_t count;
    cu_slice bytes = n->value;
    cu_value value;
    int rc = read_count(v, stored, &count, &bytes, err);
    if (rc)
        return rc;
    int64_t now = (int64_t)count + n->delta;
    if (now < 0)
        return cu_negative(v->op, "a value", err);
    cu_slice key = cu_keyrec_key(&n->rec);
    if (now == 0) {
        cu_table_del(v->table, key);
    } else {
        cu_buf_clear(&v->scratch);
        cu_buf_put_u8(&v->scratch, VERSION);
        cu_buf_put_varint(&v->scratch, (uint64_t)now);
        cu_buf_put_slice(&v->scratch, bytes);
        cu_table_put(v->table, key, cu_buf_slice(&v->scratch));
    }
    if ((count == 0) == (now == 0))
        return 0;
    rc = value_of(v, n->call, bytes, &value, err);
    if (rc)
        return rc;
    if (n->call->kind == CU_ACC_BEST)
        best_changed(v, n, count == 0, &value);
    else
        cu_acc_add_value(n->call, cu_group_acc(n->group, n->call), &value,
                         count == 0 ? 1 : -1, v->arena);
    return 0;
}

static int commit_chunk(cu_counted *v, const cu_keyed *items, uint32_t n,
                        cu_err *err)
{
    cu_slice keys[CHUNK], values[CHUNK];
    uint32_t at[CHUNK], n_keys = 0;
    cu_arena_reset(v->arena);
    for (uint32_t i = 0; i < n; i++) {
        if (((const note *)items[i].item)->delta == 0)
            continue;
        keys[n_keys] = items[i].key;
        at[n_keys++] = i;
    }
    int rc = cu_table_get_many(v->table, n_keys, keys, values, err);
    for (uint32_t i = 0; i < n_keys && !rc; i++)
        if (values[i].data)
            values[i] = cu_arena_slice(v->arena, values[i]);
    for (uint32_t i = 0; i < n_keys && !rc; i++)
        rc = commit_note(v, items[at[i]].item, values[i], err);
    return rc;
}

/* The first value of the range, in the direction of the call. */
static int find_best(cu_counted *v, const note *n, cu_err *err)
{
    cu_acc_best *b = cu_group_acc(n->group, n->call);
    bool last = n->call->call->func->agg == CU_AGG_MAX;
    cu_table_iter *it;
    cu_slice key, stored, bytes;
    cu_value value;
    cu_buf hi = {0};
    uint64_t count;
    b->lost = false;
    if (n->group->n_rows == 0) {
        cu_acc_set_best(n->call, b, NULL);
        return 0;
    }
    cu_buf_clear(&v->scratch);
    cu_buf_put(&v->scratch, n->group->rec.key, n->group->rec.key_len);
    cu_buf_put_u8(&v->scratch, n->call->number);
    cu_buf_put_slice(&hi, cu_buf_slice(&v->scratch));
    bool bounded = cu_key_after_prefix(&hi);
    int rc = cu_table_scan(v->table, cu_buf_slice(&v->scratch),
                           bounded ? cu_buf_slice(&hi) : CU_NULL_SLICE, last,
                           &it, err);
    cu_buf_free(&hi);
    if (rc)
        return rc;
    if (!cu_table_iter_next(it, &key, &stored)) {
        cu_acc_set_best(n->call, b, NULL);
    } else {
        rc = read_count(v, stored, &count, &bytes, err);
        rc = rc ? rc : value_of(v, n->call, bytes, &value, err);
        if (!rc)
            cu_acc_set_best(n->call, b, &value);
    }
    int closed = cu_table_iter_close(it, rc ? NULL : err);
    return rc ? rc : closed;
}

int cu_counted_commit(cu_counted *v, cu_err *err)
{
    uint32_t n = v->notes.n;
    const cu_keyed *items = cu_touched_sorted(&v->notes);
    int rc = 0;
    v->op->n_keys += n;
    v->n_lost = 0;
    for (uint32_t i = 0; i < n && !rc; i += CHUNK)
        rc = commit_chunk(v, items + i, n - i < CHUNK ? n - i : CHUNK, err);
    for (size_t i = 0; i < v->n_lost && !rc; i++)
        rc = find_best(v, v->lost[i], err);
    cu_touched_reset(&v->notes);
    return rc;
}
