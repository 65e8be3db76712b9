/* Counted values: what must be known again when a row goes.
 *
 * Calls with the same arguments, order and filter share a set:
 *
 *   table 1   group key | u8 set | order key
 *                 -> u8 2 | varint count | varint sort length | values
 *   table 2   group key | u8 set | u64be ~count | order key   (mode() only)
 *                 -> the same
 *
 *   order key   ORDER BY's columns | the arguments | their bytes ("forms")
 *               +------- sort length -----------+
 *   values      per argument: u8 null | value
 *
 * A push only notes "value x of set s of group g: +w" in memory, per value,
 * so that what comes and goes between two commits costs nothing.  The commit
 * adds the notes to the stored counts, in key order, and tells each call of
 * the set what happened:
 *
 *   DISTINCT    0 -> n: the value goes into the accumulator once; n -> 0: it
 *               is taken out, in the form that was put in
 *   min, max    0 -> n: it may be the new best; n -> 0: if it was the best,
 *               the first (last) one is looked up after all counts are written
 *   marks       how far they moved; they settle after all counts are written
 *   lists       the result is no longer known
 *
 * DISTINCT of accumulators does not tell forms apart: 1.0 and 1.00 are one
 * value, shown as it first came.  Everything else does, so that the answer is
 * a function of the rows and not of their order.
 */
#include "processors/operators/aggregate_values.h"

enum { VERSION = 2, CHUNK = 1024, MOST_SETS = 255 };

typedef struct note {
    cu_keyrec rec;
    cu_group *group;
    const cu_value_set *set;
    int64_t delta;
    cu_slice tail; /* of the stored value, behind the count; in the arena of
                      the notes */
} note;

typedef struct unsettled {
    cu_group *group;
    const cu_acc_call *call;
} unsettled;

struct cu_counted {
    cu_op *op;
    bool forgets;
    cu_table *table, *ranks;
    cu_value_set *sets[MOST_SETS];
    uint32_t n_sets;
    cu_touched notes;
    cu_buf scratch;
    cu_arena *arena; /* of a chunk, or of a walk */
    unsettled *unsettled;
    size_t n_unsettled, cap_unsettled;
};

cu_counted *cu_counted_new(cu_op *op, cu_table *values, cu_table *ranks,
                           bool forgets)
{
    cu_counted *v = cu_calloc(1, sizeof(*v));
    v->op = op;
    v->forgets = forgets;
    v->table = values;
    v->ranks = ranks;
    v->arena = cu_arena_new(0);
    cu_touched_open(&v->notes, sizeof(note));
    return v;
}

void cu_counted_free(cu_counted *v)
{
    if (!v)
        return;
    for (uint32_t i = 0; i < v->n_sets; i++) {
        cu_free(v->sets[i]->calls);
        cu_free(v->sets[i]);
    }
    cu_touched_close(&v->notes);
    cu_buf_free(&v->scratch);
    cu_arena_free(v->arena);
    cu_free(v->unsettled);
    cu_free(v);
}

/* --- sets ---------------------------------------------------------------- */

/* Types whose key bytes do not say everything about the value. */
static bool has_forms(cu_type t)
{
    switch (t.kind) {
    case CU_T_NUMERIC:
    case CU_T_FLOAT4:
    case CU_T_FLOAT8:
    case CU_T_INTERVAL:
    case CU_T_JSONB:
    case CU_T_ARRAY:
        return true;
    default:
        return false;
    }
}

static bool is_ordered_set(unsigned agg)
{
    return agg == CU_AGG_PERCENTILE_CONT || agg == CU_AGG_PERCENTILE_DISC ||
           agg == CU_AGG_MODE;
}

int32_t cu_acc_column(const cu_agg_call *call)
{
    return is_ordered_set(call->func->agg) ? call->order[0].col : call->arg;
}

/* The set that the call would have alone. */
static void describe(const cu_acc_call *c, cu_value_set *s)
{
    const cu_agg_call *call = c->call;
    unsigned agg = call->func->agg;
    bool ordered = c->kind == CU_ACC_MARKS || c->kind == CU_ACC_ALL;
    bool forms = has_forms(c->arg) ||
                 (call->has_second && has_forms(c->second));
    *s = (cu_value_set){.nulls = c->nulls,
                        .loose = !c->counted,
                        .filter = call->filter,
                        .n_order = ordered ? call->n_order : 0,
                        .order = call->order,
                        .n_values = call->has_second ? 2 : 1,
                        .values[0].col = (uint16_t)cu_acc_column(call),
                        .types = {c->arg, c->second}};
    if (call->has_second)
        s->values[1].col = call->second;
    s->ranked = agg == CU_AGG_MODE;
    s->forms = forms && agg != CU_AGG_MODE &&
               (ordered || c->kind == CU_ACC_BEST);
    if (s->n_order && s->order[0].col == s->values[0].col && s->n_values == 1 &&
        (s->n_order == 1 || !forms)) {
        /* Behind its own value nothing orders any more. */
        s->values[0].flags = s->order[0].flags;
        s->n_order = 0;
    }
}

static bool same_keys(const cu_key_col *a, const cu_key_col *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (a[i].col != b[i].col || a[i].flags != b[i].flags)
            return false;
    return true;
}

static bool same_set(const cu_value_set *a, const cu_value_set *b)
{
    return a->nulls == b->nulls && a->loose == b->loose &&
           a->forms == b->forms && a->ranked == b->ranked &&
           a->filter == b->filter && a->n_order == b->n_order &&
           a->n_values == b->n_values &&
           same_keys(a->order, b->order, a->n_order) &&
           same_keys(a->values, b->values, a->n_values);
}

void cu_counted_join(cu_counted *v, cu_acc_call *c)
{
    cu_value_set like, *s = NULL;
    describe(c, &like);
    for (uint32_t i = 0; i < v->n_sets && !s; i++)
        if (same_set(v->sets[i], &like))
            s = v->sets[i];
    if (!s) {
        CU_ASSERT(v->n_sets < MOST_SETS);
        s = cu_alloc(sizeof(*s));
        *s = like;
        s->number = (uint8_t)v->n_sets;
        v->sets[v->n_sets++] = s;
    }
    s->calls = cu_realloc(s->calls, (s->n_calls + 1) * sizeof(*s->calls));
    s->calls[s->n_calls++] = c;
    c->set = s;
}

uint32_t cu_counted_sets(const cu_counted *v)
{
    return v->n_sets;
}

const cu_value_set *cu_counted_set(const cu_counted *v, uint32_t i)
{
    return v->sets[i];
}

/* --- keys ---------------------------------------------------------------- */

static void put_payload(const cu_value *v, uint32_t n, cu_buf *out)
{
    for (uint32_t i = 0; i < n; i++) {
        cu_buf_put_u8(out, v[i].null);
        if (!v[i].null)
            cu_value_put(&v[i], out);
    }
}

void cu_set_put_values(const cu_value_set *s, const cu_value *v, cu_buf *out)
{
    for (uint32_t i = 0; i < s->n_values; i++)
        cu_key_encode_value(&v[i], s->values[i].flags, out);
    if (s->forms)
        put_payload(v, s->n_values, out);
}

static void values_of(const cu_value_set *s, const cu_batch *b, uint32_t row,
                      cu_value out[2])
{
    for (uint32_t i = 0; i < s->n_values; i++)
        out[i] = cu_batch_value(b, row, s->values[i].col);
}

void cu_set_put_key(const cu_value_set *s, const cu_batch *b, uint32_t row,
                    cu_buf *out, size_t *sort_len)
{
    size_t start = out->len;
    cu_value v[2];
    values_of(s, b, row, v);
    cu_key_encode(b, row, s->order, s->n_order, out);
    for (uint32_t i = 0; i < s->n_values; i++)
        cu_key_encode_value(&v[i], s->values[i].flags, out);
    *sort_len = out->len - start;
    if (s->forms)
        put_payload(v, s->n_values, out);
}

static void put_prefix(const cu_group *g, const cu_value_set *s, cu_buf *out)
{
    cu_buf_put(out, g->rec.key, g->rec.key_len);
    cu_buf_put_u8(out, s->number);
}

/* The part of a note's key that orders it inside its group. */
static cu_slice order_key(const note *n)
{
    size_t skip = n->group->rec.key_len + 1;
    return cu_slice_n(n->rec.key + skip, n->rec.key_len - skip);
}

/* --- push ---------------------------------------------------------------- */

static void add_note(cu_counted *v, const cu_value_set *s, cu_group *g,
                     const cu_batch *b, uint32_t row, int32_t w)
{
    size_t sort_len;
    bool fresh;
    cu_buf_clear(&v->scratch);
    put_prefix(g, s, &v->scratch);
    cu_set_put_key(s, b, row, &v->scratch, &sort_len);
    cu_slice key = cu_buf_slice(&v->scratch);
    note *n = cu_touched_put(&v->notes, cu_hash(key), key, &fresh);
    n->delta += w;
    if (!fresh)
        return;
    cu_value values[2];
    values_of(s, b, row, values);
    n->group = g;
    n->set = s;
    cu_buf_clear(&v->scratch);
    cu_buf_put_varint(&v->scratch, sort_len);
    put_payload(values, s->n_values, &v->scratch);
    n->tail = cu_arena_slice(v->notes.arena, cu_buf_slice(&v->scratch));
}

void cu_counted_push(cu_counted *v, const cu_value_set *s,
                     const cu_acc_rows *rows)
{
    for (uint32_t i = 0; i < rows->n; i++)
        add_note(v, s, (cu_group *)rows->groups[i], rows->batch, rows->rows[i],
                 rows->weights[i]);
}

/* --- stored counts ------------------------------------------------------- */

static int corrupt(const cu_counted *v, cu_err *err)
{
    return cu_fail(err, CU_CORRUPT, 0,
                   "%s (node %u): a counted value does not check out",
                   v->op->vt->name, v->op->node->id);
}

/* `tail` stays as it is when nothing is stored. */
static int read_count(const cu_counted *v, cu_slice stored, uint64_t *count,
                      cu_slice *tail, cu_err *err)
{
    *count = 0;
    if (!stored.data)
        return 0;
    cu_scan s = cu_scan_of(stored);
    uint8_t version = cu_scan_u8(&s);
    *count = cu_scan_varint(&s);
    *tail = cu_slice_n(s.p, cu_scan_left(&s));
    return s.bad || version != VERSION || *count == 0 ? corrupt(v, err) : 0;
}

static int read_tail(const cu_counted *v, const cu_value_set *set,
                     cu_slice tail, size_t *sort_len, cu_value out[2],
                     cu_err *err)
{
    cu_scan s = cu_scan_of(tail);
    *sort_len = cu_scan_varint(&s);
    for (uint32_t i = 0; i < set->n_values; i++) {
        out[i] = (cu_value){.type = set->types[i], .null = true};
        if (cu_scan_u8(&s) == 0 &&
            !cu_value_get(set->types[i], &s, v->arena, &out[i]))
            return corrupt(v, err);
    }
    return s.bad || cu_scan_left(&s) ? corrupt(v, err) : 0;
}

static void write_count(cu_counted *v, cu_table *t, cu_slice key,
                        uint64_t count, cu_slice tail)
{
    if (count == 0) {
        cu_table_del(t, key);
        return;
    }
    cu_buf_clear(&v->scratch);
    cu_buf_put_u8(&v->scratch, VERSION);
    cu_buf_put_varint(&v->scratch, count);
    cu_buf_put_slice(&v->scratch, tail);
    cu_table_put(t, key, cu_buf_slice(&v->scratch));
}

static cu_slice rank_key(cu_counted *v, const note *n, uint64_t count)
{
    cu_buf key = {0};
    put_prefix(n->group, n->set, &key);
    cu_buf_put_u64be(&key, ~count);
    cu_buf_put_slice(&key, order_key(n));
    cu_slice kept = cu_arena_slice(v->arena, cu_buf_slice(&key));
    cu_buf_free(&key);
    return kept;
}

static void move_rank(cu_counted *v, const note *n, uint64_t old, uint64_t now,
                      cu_slice tail)
{
    if (old)
        cu_table_del(v->ranks, rank_key(v, n, old));
    if (now)
        write_count(v, v->ranks, rank_key(v, n, now), now, tail);
}

/* --- telling the calls --------------------------------------------------- */

static void settle_later(cu_counted *v, const cu_acc_call *c, cu_group *g)
{
    if (v->n_unsettled == v->cap_unsettled) {
        v->cap_unsettled = v->cap_unsettled ? v->cap_unsettled * 2 : 64;
        v->unsettled = cu_realloc(v->unsettled,
                                  v->cap_unsettled * sizeof(*v->unsettled));
    }
    v->unsettled[v->n_unsettled++] = (unsettled){g, c};
}

static void best_changed(cu_counted *v, note *n, const cu_acc_call *c,
                         bool appears, const cu_value *value)
{
    cu_acc_best *b = cu_group_acc(n->group, c);
    int order = b->value.null ? -1
                              : cu_slice_cmp(order_key(n),
                                             cu_slice_n(b->key, b->key_len));
    if (!b->value.null && c->call->func->agg == CU_AGG_MAX)
        order = -order;
    if (appears && order < 0) {
        cu_acc_set_best(c, b, value);
    } else if (!appears && order == 0 && !b->lost) {
        b->lost = true;
        settle_later(v, c, n->group);
    }
}

static void tell(cu_counted *v, note *n, const cu_acc_call *c, int64_t old,
                 int64_t now, const cu_value *values)
{
    bool turns = (old == 0) != (now == 0);
    void *acc = cu_group_acc(n->group, c);
    if (c->kind == CU_ACC_MARKS) {
        cu_acc_marks *m = acc;
        cu_marks_changed(c, m, order_key(n), old, now);
        if (!m->stale)
            settle_later(v, c, n->group);
        m->stale = true;
    } else if (c->kind == CU_ACC_ALL) {
        ((cu_acc_all *)acc)->known = false;
    } else if (c->kind == CU_ACC_BEST) {
        if (turns)
            best_changed(v, n, c, old == 0, values);
    } else if (turns) {
        cu_acc_add_value(c, acc, values, old == 0 ? 1 : -1, v->arena);
    }
}

/* --- commit -------------------------------------------------------------- */

static int commit_note(cu_counted *v, note *n, cu_slice stored, cu_err *err)
{
    uint64_t count;
    cu_slice tail = n->tail;
    cu_value values[2];
    size_t sort_len;
    int rc = read_count(v, stored, &count, &tail, err);
    if (rc)
        return rc;
    int64_t now = (int64_t)count + n->delta;
    if (now < 0 && !v->forgets)
        return cu_negative(v->op, "a value", err);
    v->op->n_unknown += now < 0;
    now = now < 0 ? 0 : now;
    if (now == (int64_t)count) /* it was forgotten */
        return 0;
    write_count(v, v->table, cu_keyrec_key(&n->rec), (uint64_t)now, tail);
    if (n->set->ranked)
        move_rank(v, n, count, (uint64_t)now, tail);
    rc = read_tail(v, n->set, tail, &sort_len, values, err);
    for (uint32_t i = 0; i < n->set->n_calls && !rc; i++)
        tell(v, n, n->set->calls[i], (int64_t)count, now, values);
    return rc;
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

/* The first value of the group, in the direction of the call. */
static int find_best(cu_counted *v, const cu_acc_call *c, cu_group *g,
                     cu_err *err)
{
    cu_acc_best *b = cu_group_acc(g, c);
    cu_values_walk w;
    b->lost = false;
    if (g->n_rows == 0) {
        cu_acc_set_best(c, b, NULL);
        return 0;
    }
    int rc = cu_values_open(v, g, c->set, CU_NULL_SLICE,
                            c->call->func->agg == CU_AGG_MAX, &w, err);
    if (rc)
        return rc;
    bool found = cu_values_next(v, c->set, &w);
    cu_acc_set_best(c, b, found ? w.values : NULL);
    return cu_values_close(v, &w, err);
}

int cu_counted_commit(cu_counted *v, cu_err *err)
{
    uint32_t n = v->notes.n;
    const cu_keyed *items = cu_touched_sorted(&v->notes);
    int rc = 0;
    v->op->n_keys += n;
    v->n_unsettled = 0;
    for (uint32_t i = 0; i < n && !rc; i += CHUNK)
        rc = commit_chunk(v, items + i, n - i < CHUNK ? n - i : CHUNK, err);
    for (size_t i = 0; i < v->n_unsettled && !rc; i++) {
        unsettled *u = &v->unsettled[i];
        rc = u->call->kind == CU_ACC_BEST
                 ? find_best(v, u->call, u->group, err)
                 : cu_marks_settle(v, u->call, u->group, err);
    }
    cu_touched_reset(&v->notes);
    return rc;
}

/* --- walks --------------------------------------------------------------- */

static int open_walk(cu_counted *v, cu_table *t, const cu_group *g,
                     const cu_value_set *s, cu_slice key, bool down,
                     cu_values_walk *w, cu_err *err)
{
    cu_buf lo = {0}, hi = {0};
    put_prefix(g, s, &lo);
    put_prefix(g, s, &hi);
    *w = (cu_values_walk){.skip = lo.len};
    bool bounded = true;
    if (key.data && down)
        cu_buf_put_slice(&hi, key);
    else
        bounded = cu_key_after_prefix(&hi);
    if (key.data && !down)
        cu_buf_put_slice(&lo, key);
    cu_arena_reset(v->arena);
    int rc = cu_table_scan(t, cu_buf_slice(&lo),
                           bounded ? cu_buf_slice(&hi) : CU_NULL_SLICE, down,
                           &w->it, err);
    cu_buf_free(&lo);
    cu_buf_free(&hi);
    return rc;
}

int cu_values_open(cu_counted *v, const cu_group *g, const cu_value_set *s,
                   cu_slice key, bool down, cu_values_walk *w, cu_err *err)
{
    return open_walk(v, v->table, g, s, key, down, w, err);
}

bool cu_values_next(cu_counted *v, const cu_value_set *s, cu_values_walk *w)
{
    cu_slice key, stored, tail;
    uint64_t count;
    if (w->rc || !cu_table_iter_next(w->it, &key, &stored))
        return false;
    v->op->n_keys++;
    cu_arena_reset(v->arena);
    w->key = cu_slice_n(key.data + w->skip, key.len - w->skip);
    w->rc = read_count(v, stored, &count, &tail, NULL);
    if (!w->rc)
        w->rc = read_tail(v, s, tail, &w->sort_len, w->values, NULL);
    w->count = (int64_t)count;
    return !w->rc;
}

int cu_values_close(cu_counted *v, cu_values_walk *w, cu_err *err)
{
    int closed = cu_table_iter_close(w->it, err);
    return w->rc ? corrupt(v, err) : closed;
}

int cu_values_most(cu_counted *v, const cu_group *g, const cu_value_set *s,
                   cu_values_walk *w, bool *found, cu_err *err)
{
    int rc = open_walk(v, v->ranks, g, s, CU_NULL_SLICE, false, w, err);
    if (rc)
        return rc;
    *found = cu_values_next(v, s, w);
    return 0;
}
