/* Asof: each left row with the right row of its key that was the latest at
 * its time.
 *
 *   key | left   (time, row)              x count
 *       | right  (time, arrival, row)     the versions
 *
 *   versions    v1 ------- v2 ---- v3 ------------>
 *   left rows      l1 l2      l3         l4 l5
 *
 * A version that comes, or goes, at s changes what the left rows in [s, next
 * version) meet, and nothing else.  At the commit, per key and in order: for
 * each time s that changed, what was valid at s before and what is now; when
 * the two differ, the rows of the segment are emitted, -old +new.  Left rows
 * that changed themselves: minus the old count with what was valid before,
 * plus the new count with what is now.
 *
 * Among versions of one time the latest to arrive is valid; taking a version
 * away takes the latest of those that are byte-equal.  So arrivals are given
 * at the push, and counted on in table 6: "" -> u8 1 | u64le next arrival.
 *
 * Forgetting, once an input's watermark speaks of its time column:
 *
 *   right rows behind the right's watermark are late; so
 *   left rows behind it need no corrections: they are answered, not kept;
 *   of the versions behind both only the last of each key is of use; so
 *   left rows behind both are late.
 *
 * A left row without key, time or version is dropped, or with LEFT goes on
 * with NULLs; a right row without key or time meets nothing.
 */
#include "processors/operators/pair.h"
#include "processors/operators/sides.h"
#include "processors/operators/two_marks.h"

enum { CHUNK = CU_BATCH_ROWS, TIME_BYTES = 8, ARRIVAL_BYTES = 8 };

typedef struct arrival {
    struct arrival *older;
    uint64_t number;
    int64_t count;
} arrival;

/* The composite key is join key | side u8 | time | row. */
typedef struct change {
    cu_keyrec rec;
    uint64_t key_hash;
    uint32_t key_len;
    int64_t weight;    /* of the left */
    arrival *arrivals; /* of the right: those that came and are still there */
    int64_t taken;     /* of those that were there before */
} change;

typedef struct asof {
    cu_op op;
    cu_key_col *key[2];
    bool *strict;
    uint32_t n_keys, n_left;
    uint16_t time[2];
    bool outer;
    cu_table *meta;
    uint64_t arrivals;
    bool arrivals_changed;
    cu_sides sides;
    cu_two_marks marks;
    cu_touched changes;
    cu_keys keys;
    cu_buf scratch;
    cu_side_walk walk;
    cu_outbox out;
} asof;

/* --- open ---------------------------------------------------------------- */

static int open_op(cu_op *op, cu_err *err)
{
    asof *a = (asof *)op;
    const cu_node *n = op->node;
    uint16_t times[] = {n->join.left_time, n->join.right_time};
    if (!times[0] || !times[1] || n->join.residual ||
        (n->join.kind != CU_JOIN_INNER && n->join.kind != CU_JOIN_LEFT))
        return cu_fail(err, CU_UNSUPPORTED, 0,
                       "asof joins by equal keys and a time on both sides");
    a->n_keys = n->join.n_keys;
    a->n_left = n->inputs[0]->schema->n;
    a->outer = n->join.kind == CU_JOIN_LEFT;
    a->out.schema = n->schema;
    a->strict = cu_calloc(a->n_keys + 1, sizeof(*a->strict));
    cu_sides_open(&a->sides, op);
    cu_touched_open(&a->changes, sizeof(change));
    bool forgets = false;
    for (int side = 0; side < 2; side++) {
        const uint16_t *cols = side ? n->join.right : n->join.left;
        a->key[side] = cu_calloc(a->n_keys + 1, sizeof(**a->key));
        for (uint32_t i = 0; i < a->n_keys; i++) {
            a->key[side][i].col = cols[i];
            a->strict[i] = !n->join.null_safe || !n->join.null_safe[i];
        }
        a->time[side] = (uint16_t)(times[side] - 1);
        forgets = forgets || n->inputs[side]->time == times[side];
    }
    int rc = cu_two_marks_open(&a->marks, op, forgets, err);
    for (int side = 0; side < 2; side++)
        a->marks.deaf[side] = n->inputs[side]->time != times[side];
    a->meta = cu_space_table(op->env->space, cu_node_state_table(n, 6));
    return rc ? rc : cu_number_read(op, a->meta, &a->arrivals, err);
}

/* --- push ---------------------------------------------------------------- */

static bool meets_nothing(const asof *a, int side, const cu_batch *b,
                          uint32_t row, int64_t *us)
{
    for (uint32_t i = 0; i < a->n_keys; i++)
        if (a->strict[i] && cu_col_is_null(&b->cols[a->key[side][i].col], row))
            return true;
    return !cu_instant_at(&b->cols[a->time[side]], row, us);
}

static bool is_late(const asof *a, int side, int64_t us, cu_late *window)
{
    const int64_t *done = a->marks.done;
    int64_t mark = side ? done[1] : cu_two_marks_low(done);
    *window = (cu_late){.window_start_us = INT64_MIN,
                        .window_end_us = INT64_MIN,
                        .watermark_us = mark};
    return us < mark;
}

/* A version comes, or the latest of its equals goes. */
static void add_version(asof *a, change *c, int64_t w)
{
    if (w > 0) {
        arrival *x = cu_arena_alloc(a->changes.arena, sizeof(*x));
        *x = (arrival){c->arrivals, a->arrivals++, w};
        c->arrivals = x;
        a->arrivals_changed = true;
    }
    for (; w < 0 && c->arrivals; w++)
        if (--c->arrivals->count == 0)
            c->arrivals = c->arrivals->older;
    c->taken += w < 0 ? -w : 0;
}

static void add_change(asof *a, int side, const cu_batch *b, uint32_t i,
                       int64_t us)
{
    uint32_t row = cu_batch_row(b, i);
    cu_slice key = cu_batch_key(&a->keys, i);
    bool fresh;
    cu_buf_clear(&a->scratch);
    cu_buf_put_slice(&a->scratch, key);
    cu_buf_put_u8(&a->scratch, (uint8_t)side);
    cu_instant_put_be(&a->scratch, us);
    cu_row_encode(b, row, NULL, b->n_cols, &a->scratch);
    cu_slice all = cu_buf_slice(&a->scratch);
    change *c = cu_touched_put(&a->changes, cu_hash(all), all, &fresh);
    c->key_hash = a->keys.hash[i];
    c->key_len = (uint32_t)key.len;
    if (side)
        add_version(a, c, cu_batch_weight(b, row));
    else
        c->weight += cu_batch_weight(b, row);
}

static int flush(asof *a, cu_err *err);

static int push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    asof *a = (asof *)op;
    uint16_t *pass = cu_arena_alloc(op->arena, b->n_sel * sizeof(*pass));
    uint32_t n_pass = 0;
    int rc = 0;
    cu_keys_encode(b, a->key[port], a->n_keys, &a->keys);
    for (uint32_t i = 0; i < b->n_sel && !rc; i++) {
        uint32_t row = cu_batch_row(b, i);
        int64_t us;
        cu_late window;
        if (meets_nothing(a, port, b, row, &us))
            pass[n_pass++] = (uint16_t)row;
        else if (is_late(a, port, us, &window))
            rc = cu_two_marks_late(&a->marks, b, row, &window, err);
        else
            add_change(a, port, b, i, us);
    }
    if (!rc && n_pass > 0 && port == 0 && a->outer)
        rc = cu_pair_pass(op, b, 0, pass, n_pass, false, err);
    if (!rc && cu_arena_used_bytes(a->changes.arena) > a->sides.budget)
        rc = flush(a, err);
    return rc;
}

/* --- one key ------------------------------------------------------------- */

/* A left row that changed. */
typedef struct asker {
    cu_slice row;
    int64_t us, before, now;
    const cu_side_row *then; /* its version before */
    cu_side_row *kept;       /* NULL: behind the right's watermark */
} asker;

/* A time at which versions changed. */
typedef struct segment {
    int64_t us, end; /* end: of the nearest version behind it; or MAX */
    bool ends;
    const cu_side_row *then; /* valid at `us` before */
} segment;

typedef struct task {
    cu_side_group *group;
    cu_slice key;
    change *const *left, *const *right;
    uint32_t n_left, n_right, n_segments;
    asker *askers;
    segment *segments;
} task;

static cu_slice id_of(const change *c)
{
    size_t skip = c->key_len + 1;
    return cu_slice_n(c->rec.key + skip, c->rec.key_len - skip);
}

static int64_t time_of(const change *c)
{
    return cu_instant_of_be(id_of(c));
}

static cu_slice version_row(const cu_side_row *v)
{
    enum { SKIP = TIME_BYTES + ARRIVAL_BYTES };
    return v ? cu_slice_n(v->bytes + SKIP, v->len - SKIP) : CU_NULL_SLICE;
}

/* Ids of times above `us` begin here; absent: there are none. */
static cu_slice after(int64_t us, cu_buf *out)
{
    cu_buf_clear(out);
    if (us == INT64_MAX)
        return CU_NULL_SLICE;
    cu_instant_put_be(out, us + 1);
    return cu_buf_slice(out);
}

static int version_at(asof *a, const cu_side_group *g, int64_t us,
                      const cu_side_row **out, cu_err *err)
{
    return cu_sides_before(&a->sides, g, 1, after(us, &a->scratch), out, err);
}

/* The segment ends at the first version behind its start. */
static int bound(asof *a, const cu_side_group *g, segment *s, cu_err *err)
{
    cu_side_row **rows;
    uint32_t n;
    cu_slice from = after(s->us, &a->scratch);
    if (!from.data)
        return 0;
    cu_side_walk_start(&a->walk, &a->sides, g, 1, from, CU_NULL_SLICE);
    int rc = cu_side_walk_next(&a->walk, 1, &rows, &n, err);
    if (rc || n == 0)
        return rc;
    int64_t us = cu_instant_of_be(cu_side_id(rows[0]));
    if (!s->ends || us < s->end)
        s->end = us;
    s->ends = true;
    return 0;
}

/* What the key was like: versions of its left rows, segments. */
static int look_back(asof *a, task *t, cu_err *err)
{
    cu_arena *arena = a->op.arena;
    int rc = 0;
    t->askers = cu_arena_calloc(arena, t->n_left, sizeof(*t->askers));
    t->segments = cu_arena_calloc(arena, t->n_right, sizeof(*t->segments));
    for (uint32_t i = 0; i < t->n_left && !rc; i++) {
        asker *q = &t->askers[i];
        cu_slice id = id_of(t->left[i]);
        q->us = time_of(t->left[i]);
        q->row = cu_slice_n(id.data + TIME_BYTES, id.len - TIME_BYTES);
        rc = version_at(a, t->group, q->us, &q->then, err);
    }
    for (uint32_t i = 0; i < t->n_right && !rc; i++) {
        int64_t us = time_of(t->right[i]);
        if (t->n_segments && t->segments[t->n_segments - 1].us == us)
            continue;
        segment *s = &t->segments[t->n_segments++];
        s->us = us;
        rc = version_at(a, t->group, us, &s->then, err);
        rc = rc ? rc : bound(a, t->group, s, err);
    }
    return rc;
}

/* The left rows' counts.  Those behind the right's watermark have no state:
 * what they meet does not change any more. */
static int count_left(asof *a, task *t, cu_err *err)
{
    cu_arena *arena = a->op.arena;
    cu_slice *ids = cu_arena_alloc(arena, (t->n_left + 1) * sizeof(*ids));
    cu_side_row **rows = cu_arena_alloc(arena, (t->n_left + 1) * sizeof(*rows));
    uint32_t n = 0, first = 0;
    while (first < t->n_left && t->askers[first].us < a->marks.done[1]) {
        int64_t w = t->left[first]->weight;
        t->askers[first].before = w < 0 ? -w : 0;
        t->askers[first++].now = w > 0 ? w : 0;
    }
    for (uint32_t i = first; i < t->n_left; i++)
        ids[n++] = id_of(t->left[i]);
    int rc = cu_sides_find(&a->sides, t->group, 0, n, ids, rows, err);
    for (uint32_t i = 0; i < n && !rc; i++) {
        asker *q = &t->askers[first + i];
        q->kept = rows[i];
        q->before = rows[i]->count;
        q->now = q->before + t->left[first + i]->weight;
        if (q->now < 0)
            return cu_negative(&a->op, "a row", err);
        rows[i]->changed = true;
        cu_sides_count(t->group, 0, rows[i], q->now);
        if (a->marks.forgets && q->before == 0)
            cu_two_marks_put(&a->marks, 0, q->us, t->key);
    }
    return rc;
}

/* Takes the latest `c->taken` versions with these bytes. */
static int take(asof *a, task *t, const change *c, cu_err *err)
{
    cu_side_row **rows, **found = NULL;
    uint32_t n = 1, n_found = 0, cap = 0;
    int64_t left = c->taken;
    cu_slice id = id_of(c), lo = {id.data, TIME_BYTES};
    cu_slice row = {id.data + TIME_BYTES, id.len - TIME_BYTES};
    int rc = 0;
    cu_side_walk_start(&a->walk, &a->sides, t->group, 1, lo,
                       after(time_of(c), &a->scratch));
    while (n > 0 && !rc) {
        rc = cu_side_walk_next(&a->walk, CHUNK, &rows, &n, err);
        for (uint32_t i = 0; i < n && !rc; i++) {
            if (!cu_slice_eq(version_row(rows[i]), row) || !rows[i]->count)
                continue;
            if (n_found == cap) {
                cap = cap ? cap * 2 : 8;
                found = cu_realloc(found, cap * sizeof(*found));
            }
            size_t size = sizeof(**rows) + rows[i]->len;
            found[n_found++] = t->group->side[1].whole
                                   ? rows[i]
                                   : cu_arena_dup(a->op.arena, rows[i], size);
        }
    }
    while (left > 0 && n_found > 0 && !rc) {
        cu_side_row *r = found[--n_found];
        int64_t some = left < r->count ? left : r->count;
        cu_sides_count(t->group, 1, r, r->count - some);
        cu_sides_save(&a->sides, t->group, 1, r);
        left -= some;
    }
    cu_free(found);
    return rc || !left ? rc : cu_negative(&a->op, "a version", err);
}

static int put(asof *a, task *t, const change *c, cu_err *err)
{
    cu_slice id = id_of(c);
    int rc = 0;
    for (const arrival *x = c->arrivals; x && !rc; x = x->older) {
        cu_side_row *r;
        cu_buf_clear(&a->scratch);
        cu_buf_put(&a->scratch, id.data, TIME_BYTES);
        cu_buf_put_u64be(&a->scratch, x->number);
        cu_buf_put(&a->scratch, id.data + TIME_BYTES, id.len - TIME_BYTES);
        cu_slice version = cu_buf_slice(&a->scratch);
        rc = cu_sides_find(&a->sides, t->group, 1, 1, &version, &r, err);
        if (rc)
            break;
        cu_sides_count(t->group, 1, r, x->count);
        cu_sides_save(&a->sides, t->group, 1, r);
    }
    if (!rc && c->arrivals && a->marks.forgets)
        cu_two_marks_put(&a->marks, 1, time_of(c), t->key);
    return rc;
}

static int change_versions(asof *a, task *t, cu_err *err)
{
    int rc = 0;
    for (uint32_t i = 0; i < t->n_right && !rc; i++) {
        if (t->right[i]->taken)
            rc = take(a, t, t->right[i], err);
        rc = rc ? rc : put(a, t, t->right[i], err);
    }
    if (!rc && t->n_right > 0)
        cu_sides_squeeze(&a->sides, t->group, 1);
    return rc;
}

/* --- rows out ------------------------------------------------------------ */

/* `before` times with one version, `now` times with the other. */
static int emit(asof *a, cu_slice row, const cu_side_row *then, int64_t before,
                const cu_side_row *valid, int64_t now, cu_err *err)
{
    cu_slice old = version_row(then), new = version_row(valid);
    if (cu_slice_eq(old, new)) {
        now -= before;
        before = 0;
    }
    int rc = 0;
    if (old.data || a->outer)
        rc = cu_outbox_pair(&a->out, a->n_left, row, old, -before, err);
    if (!rc && (new.data || a->outer))
        rc = cu_outbox_pair(&a->out, a->n_left, row, new, now, err);
    return rc;
}

/* Of rows that are not in memory, those that changed are known by id. */
static bool is_changed(const task *t, const cu_side_row *r, uint32_t *skip)
{
    if (t->group->side[0].whole)
        return r->changed;
    for (; *skip < t->n_left; ++*skip) {
        const cu_side_row *kept = t->askers[*skip].kept;
        int order = kept ? cu_slice_cmp(cu_side_id(kept), cu_side_id(r)) : -1;
        if (order >= 0)
            return order == 0;
    }
    return false;
}

static int emit_segment(asof *a, task *t, segment *s, uint32_t *skip,
                        cu_err *err)
{
    const cu_side_row *valid;
    cu_side_row **rows;
    uint32_t n = 1;
    char lo[TIME_BYTES];
    int rc = version_at(a, t->group, s->us, &valid, err);
    rc = rc ? rc : bound(a, t->group, s, err);
    if (rc || cu_slice_eq(version_row(s->then), version_row(valid)))
        return rc;
    cu_buf_clear(&a->scratch);
    cu_instant_put_be(&a->scratch, s->us);
    memcpy(lo, a->scratch.data, TIME_BYTES);
    cu_buf_clear(&a->scratch);
    cu_instant_put_be(&a->scratch, s->end);
    cu_side_walk_start(&a->walk, &a->sides, t->group, 0,
                       cu_slice_n(lo, TIME_BYTES),
                       s->ends ? cu_buf_slice(&a->scratch) : CU_NULL_SLICE);
    while (n > 0 && !rc) {
        rc = cu_side_walk_next(&a->walk, CHUNK, &rows, &n, err);
        for (uint32_t i = 0; i < n && !rc; i++) {
            const cu_side_row *l = rows[i];
            cu_slice row = {l->bytes + TIME_BYTES, l->len - TIME_BYTES};
            if (!is_changed(t, l, skip))
                rc = emit(a, row, s->then, l->count, valid, l->count, err);
        }
        if (!rc && !t->group->side[0].whole) /* the rows were lent */
            rc = cu_outbox_flush(&a->out, err);
    }
    return rc;
}

static int answer(asof *a, task *t, cu_err *err)
{
    int rc = 0;
    for (uint32_t i = 0; i < t->n_left && !rc; i++) {
        asker *q = &t->askers[i];
        const cu_side_row *valid = q->then;
        if (t->n_right > 0)
            rc = version_at(a, t->group, q->us, &valid, err);
        rc = rc ? rc : emit(a, q->row, q->then, q->before, valid, q->now, err);
        if (!q->kept)
            continue;
        q->kept->changed = false;
        cu_sides_save(&a->sides, t->group, 0, q->kept);
    }
    return rc;
}

static int run_task(asof *a, task *t, cu_err *err)
{
    uint32_t skip = 0;
    int rc = cu_sides_fill(&a->sides, t->group, 1, err);
    if (!rc && t->n_right > 0)
        rc = cu_sides_fill(&a->sides, t->group, 0, err);
    rc = rc ? rc : look_back(a, t, err);
    rc = rc ? rc : count_left(a, t, err);
    rc = rc ? rc : change_versions(a, t, err);
    for (uint32_t i = 0; i < t->n_segments && !rc; i++)
        rc = emit_segment(a, t, &t->segments[i], &skip, err);
    rc = rc ? rc : answer(a, t, err);
    if (!rc)
        cu_sides_store(&a->sides, t->group);
    return rc;
}

/* --- all keys ------------------------------------------------------------ */

static bool is_quiet(const change *c)
{
    return !c->weight && !c->arrivals && !c->taken;
}

/* The changes of one key; left ones come first. */
static uint32_t next_task(change *const *list, uint32_t n, task *t)
{
    uint32_t i = 0;
    *t = (task){.key = cu_slice_n(list[0]->rec.key, list[0]->key_len)};
    t->left = list;
    for (; i < n &&
           cu_slice_eq(t->key, cu_slice_n(list[i]->rec.key, list[i]->key_len));
         i++) {
        if (list[i]->rec.key[list[i]->key_len]) {
            t->right = t->n_right++ ? t->right : list + i;
        } else {
            t->n_left++;
        }
    }
    return i;
}

static int run_some(asof *a, task *tasks, uint32_t n, uint32_t *done,
                    cu_err *err)
{
    cu_arena *arena = a->op.arena;
    cu_slice *keys = cu_arena_alloc(arena, n * sizeof(*keys));
    uint64_t *hash = cu_arena_alloc(arena, n * sizeof(*hash));
    cu_side_group **groups = cu_arena_alloc(arena, n * sizeof(*groups));
    uint32_t i = 0;
    for (uint32_t k = 0; k < n; k++) {
        const change *c = tasks[k].n_left ? tasks[k].left[0]
                                          : tasks[k].right[0];
        keys[k] = tasks[k].key;
        hash[k] = c->key_hash;
    }
    int rc = cu_sides_load(&a->sides, n, keys, hash, groups, err);
    while (i < n && !rc && (!i || a->sides.bytes <= 2 * a->sides.budget)) {
        tasks[i].group = groups[i];
        rc = run_task(a, &tasks[i++], err);
    }
    rc = rc ? rc : cu_outbox_flush(&a->out, err);
    cu_sides_sweep(&a->sides);
    *done = i;
    return rc;
}

static int flush(asof *a, cu_err *err)
{
    uint32_t n_list = 0, at = 0, n = 0, done;
    const cu_keyed *items = cu_touched_sorted(&a->changes);
    change **list = cu_arena_alloc(a->changes.arena,
                                   (a->changes.n + 1) * sizeof(*list));
    task *tasks = cu_calloc(CHUNK, sizeof(*tasks));
    int rc = 0;
    for (uint32_t i = 0; i < a->changes.n; i++)
        if (!is_quiet(items[i].item))
            list[n_list++] = items[i].item;
    do {
        while (n < CHUNK && at < n_list)
            at += next_task(list + at, n_list - at, &tasks[n++]);
        if (n == 0)
            break;
        cu_arena_reset(a->op.arena);
        rc = run_some(a, tasks, n, &done, err);
        a->op.n_keys += done;
        n -= done;
        memmove(tasks, tasks + done, n * sizeof(*tasks));
    } while (!rc);
    cu_free(tasks);
    cu_touched_reset(&a->changes);
    return rc;
}

/* --- forgetting ---------------------------------------------------------- */

static int forget(asof *a, cu_side_group *g, int side, cu_slice lo, cu_slice hi,
                  cu_err *err)
{
    cu_side_row **rows;
    uint32_t n = 1;
    int rc = 0;
    cu_side_walk_start(&a->walk, &a->sides, g, side, lo, hi);
    while (n > 0 && !rc) {
        rc = cu_side_walk_next(&a->walk, CHUNK, &rows, &n, err);
        for (uint32_t i = 0; i < n && !rc; i++) {
            cu_sides_count(g, side, rows[i], 0);
            cu_sides_save(&a->sides, g, side, rows[i]);
        }
    }
    return rc;
}

static int forget_due(asof *a, int side, const cu_timed_key *due, cu_err *err)
{
    cu_side_group *g;
    cu_side_row **rows;
    uint32_t n;
    char ids[2 * TIME_BYTES];
    cu_slice lo = {ids, TIME_BYTES}, hi = {ids + TIME_BYTES, TIME_BYTES};
    uint64_t hash = cu_hash(due->key);
    int rc = cu_sides_load(&a->sides, 1, &due->key, &hash, &g, err);
    if (rc)
        return rc;
    cu_buf_clear(&a->scratch);
    cu_instant_put_be(&a->scratch, due->us);
    cu_instant_put_be(&a->scratch, due->us + 1);
    memcpy(ids, a->scratch.data, sizeof(ids));
    if (side == 0) {
        rc = forget(a, g, 0, lo, hi, err);
    } else { /* what is older than a version that is still there */
        cu_side_walk_start(&a->walk, &a->sides, g, 1, lo, hi);
        rc = cu_side_walk_next(&a->walk, 1, &rows, &n, err);
        if (!rc && n > 0)
            rc = forget(a, g, 1, CU_LIT(""), lo, err);
    }
    if (rc)
        return rc;
    cu_sides_store(&a->sides, g);
    cu_two_marks_del(&a->marks, side, due->us, due->key);
    return 0;
}

static int expire(asof *a, int side, cu_err *err)
{
    int64_t below = side ? cu_two_marks_low(a->marks.in) : a->marks.in[1];
    cu_timed_key due[CHUNK];
    uint32_t n = CHUNK;
    int rc = 0;
    while (n == CHUNK && !rc) {
        cu_arena_reset(a->op.arena);
        rc = cu_two_marks_due(&a->marks, side, below, CHUNK, a->op.arena, due,
                              &n, err);
        for (uint32_t i = 0; i < n && !rc; i++)
            rc = forget_due(a, side, &due[i], err);
        a->op.n_keys += n;
        cu_sides_sweep(&a->sides);
    }
    return rc;
}

/* --- the rest ------------------------------------------------------------ */

static int watermark(cu_op *op, int port, int64_t ts_us, cu_err *err)
{
    (void)err;
    cu_two_marks_see(&((asof *)op)->marks, port, ts_us);
    return 0;
}

static int commit(cu_op *op, cu_err *err)
{
    asof *a = (asof *)op;
    int rc = flush(a, err);
    for (int side = 0; side < 2 && cu_two_marks_moved(&a->marks) && !rc; side++)
        rc = expire(a, side, err);
    if (!rc && a->arrivals_changed) {
        cu_number_write(a->meta, a->arrivals);
        a->arrivals_changed = false;
    }
    return rc ? rc : cu_two_marks_commit(&a->marks, err);
}

static uint64_t work(const cu_op *op)
{
    return op->n_in + op->n_out + op->n_keys + ((const asof *)op)->sides.work;
}

static void close_op(cu_op *op)
{
    asof *a = (asof *)op;
    cu_outbox_close(&a->out);
    cu_two_marks_close(&a->marks);
    cu_side_walk_free(&a->walk);
    cu_sides_close(&a->sides);
    if (a->changes.arena)
        cu_touched_close(&a->changes);
    cu_buf_free(&a->keys.bytes);
    cu_buf_free(&a->scratch);
    cu_free(a->key[0]);
    cu_free(a->key[1]);
    cu_free(a->strict);
}

cu_op *cu_asof_new(void)
{
    static const cu_op_vt vt = {.name = "asof",
                                .open = open_op,
                                .push = push,
                                .watermark = watermark,
                                .commit = commit,
                                .close = close_op,
                                .work = work};
    asof *a = cu_calloc(1, sizeof(*a));
    cu_op_init(&a->op, &vt);
    cu_outbox_open(&a->out, &a->op, NULL);
    return &a->op;
}
