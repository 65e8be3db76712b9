/* Join: what the changes of an interval mean.
 *
 *   changes, by key and id         tasks: one per key
 *   left   k1 a, k1 b, k3 c        k1: dL {a b} dR {x}
 *   right  k1 x, k2 y              k2: dL {}    dR {y}    k3: …
 *
 * Tasks are taken some at a time: their groups loaded together, pairs tested
 * together, then each is finished: rows that lost or found their other half
 * are emitted, counts and degrees go to the state.
 *
 * Within a key, of an interval join, ids begin with the time: both lists are
 * walked as one, so that a row looks only at those within its bounds.  For
 * the walk over a side that is not in memory, changes whose bounds overlap
 * share a range.
 */
#include "processors/operators/join.h"

enum { TASKS = CU_BATCH_ROWS };

/* --- a task begins ------------------------------------------------------- */

/* Only totals are kept of this side. */
static int begin_total(cu_join *j, cu_join_task *t, cu_err *err)
{
    cu_side *right = &t->group->side[1];
    t->total[1] = right->total;
    for (uint32_t i = 0; i < t->n[1]; i++)
        right->total += t->changes[1][i]->weight;
    t->n[1] = 0;
    return right->total < 0 ? cu_negative(&j->op, "a row", err) : 0;
}

static int begin_side(cu_join *j, cu_join_task *t, int side, cu_err *err)
{
    cu_side_group *g = t->group;
    uint32_t n = t->n[side];
    t->total[side] = g->side[side].total;
    if (n == 0)
        return 0;
    cu_slice *ids = cu_arena_alloc(j->op.arena, n * sizeof(*ids));
    cu_side_row **rows = t->rows[side] = cu_arena_alloc(j->op.arena,
                                                        n * sizeof(*rows));
    for (uint32_t i = 0; i < n; i++) {
        cu_slice all = cu_keyrec_key(&t->changes[side][i]->rec);
        ids[i] = cu_slice_n(all.data + t->key.len, all.len - t->key.len);
    }
    int rc = cu_sides_find(&j->sides, g, side, n, ids, rows, err);
    for (uint32_t i = 0; i < n && !rc; i++) {
        cu_side_row *r = rows[i];
        int64_t count = r->count + t->changes[side][i]->weight;
        r->before = r->count;
        r->changed = true;
        if (count < 0 && !j->ttl.on)
            return cu_negative(&j->op, "a row", err);
        if (count < 0) { /* it was forgotten */
            j->op.n_unknown += (uint64_t)-count;
            count = 0;
        }
        if (j->ttl.on && count)
            cu_join_date(j, g, side, r);
        cu_sides_count(g, side, r, count);
        if (j->interval && r->before == 0)
            cu_two_marks_put(&j->marks, side, cu_join_time(r), t->key);
    }
    return rc;
}

/* --- time ---------------------------------------------------------------- */

/* How far from its own time a row of `side` looks. */
static int64_t look_from(const cu_join *j, int side)
{
    const cu_node *n = j->op.node;
    return side == 0 ? n->join.lower_us : -n->join.upper_us;
}

static int64_t look_to(const cu_join *j, int side)
{
    const cu_node *n = j->op.node;
    return side == 0 ? n->join.upper_us : -n->join.lower_us;
}

/* Of rows in time order, those that `r` of the other side may meet: *from
 * only grows while r's time does. Returns the end. */
static uint32_t within(const cu_join *j, int side, const cu_side_row *r,
                       cu_side_row *const *rows, uint32_t n, uint32_t *from)
{
    if (!j->interval)
        return n;
    int64_t us = cu_join_time(r);
    int64_t lo = cu_instant_add(us, look_from(j, !side));
    int64_t hi = cu_instant_add(us, look_to(j, !side));
    while (*from < n && cu_join_time(rows[*from]) < lo)
        ++*from;
    uint32_t end = *from;
    while (end < n && cu_join_time(rows[end]) <= hi)
        end++;
    return end;
}

/* --- pairs --------------------------------------------------------------- */

/* dL x dR.  Only rows that were, or are, there at the same time can be a
 * pair: left rows look at the right rows of then, of now, or all. */
static int meet_changed(cu_join *j, const cu_join_task *t, cu_err *err)
{
    enum { OLD = 1, NOW = 2 };
    uint32_t n[4] = {0}, from[4] = {0};
    cu_side_row **lists[4] = {0};
    int rc = 0;
    if (t->n[0] == 0 || t->n[1] == 0)
        return 0;
    for (int k = 1; k < 4; k++) {
        lists[k] = cu_arena_alloc(j->op.arena, t->n[1] * sizeof(**lists));
        for (uint32_t i = 0; i < t->n[1]; i++) {
            cu_side_row *r = t->rows[1][i];
            int in = (r->before ? OLD : 0) | (r->count ? NOW : 0);
            if (in & k)
                lists[k][n[k]++] = r;
        }
    }
    for (uint32_t i = 0; i < t->n[0] && !rc; i++) {
        cu_side_row *l = t->rows[0][i];
        int k = (l->before ? OLD : 0) | (l->count ? NOW : 0);
        uint32_t end = within(j, 1, l, lists[k], n[k], &from[k]);
        for (uint32_t r = from[k]; r < end && !rc; r++)
            rc = cu_join_meet(j, t->number, l, lists[k][r], err);
    }
    return rc;
}

/* Emits what a row of a kept side shows now and did not before. */
static int settle(cu_join *j, const cu_join_task *t, int side, cu_side_row *r,
                  cu_err *err)
{
    const cu_join_input *in = &j->in[side];
    int64_t then = r->changed ? r->before : r->count;
    int64_t degree = in->tracks ? r->degree : t->total[!side];
    int64_t degree_now = in->tracks ? r->degree + r->gained
                                    : t->group->side[!side].total;
    bool matched = j->kind == CU_JOIN_SEMI;
    r->degree += r->gained;
    r->gained = 0;
    CU_ASSERT_SLOW(r->degree >= 0); /* J2 */
    if (!in->keeps)
        return 0;
    int64_t shown = (degree > 0) == matched ? then : 0;
    int64_t shows = (degree_now > 0) == matched ? r->count : 0;
    return cu_join_single(j, side, r, shows - shown, err);
}

/* Rows lent by the walk are settled before it goes on. */
static int settle_lent(cu_join *j, const cu_join_task *t, int side,
                       cu_side_row *const *rows, uint32_t n, cu_err *err)
{
    int rc = cu_join_test(j, err);
    for (uint32_t i = 0; i < n && !rc; i++) {
        if (rows[i]->changed || rows[i]->gained == 0)
            continue;
        rc = settle(j, t, side, rows[i], err);
        cu_sides_save(&j->sides, t->group, side, rows[i]);
    }
    return rc ? rc : cu_outbox_flush(&j->out, err);
}

typedef struct meeting {
    int side;          /* of the changed rows */
    uint32_t from, to; /* these of them */
    uint32_t skip;     /* changed rows of the other side passed so far */
    bool pairs, flips; /* what there is to do */
} meeting;

/* Of rows that are not in memory, those that changed are known by id. */
static bool is_changed(const cu_join_task *t, meeting *m, const cu_side_row *r)
{
    int other = !m->side;
    if (t->group->side[other].whole)
        return r->changed;
    while (m->skip < t->n[other]) {
        int order = cu_slice_cmp(cu_side_id(t->rows[other][m->skip]),
                                 cu_side_id(r));
        if (order >= 0)
            return order == 0;
        m->skip++;
    }
    return false;
}

static int meet_rows(cu_join *j, const cu_join_task *t, meeting *m,
                     cu_side_row *const *rows, uint32_t n, cu_err *err)
{
    cu_side_row *const *mine = t->rows[m->side];
    bool lent = !t->group->side[!m->side].whole;
    int rc = 0;
    for (uint32_t i = 0; i < n && !rc; i++) {
        cu_side_row *r = rows[i];
        if (is_changed(t, m, r)) {
            r->changed = true;
            continue;
        }
        r->before = r->count;
        r->moved = r->moved || lent;
        uint32_t end = m->pairs ? within(j, m->side, r, mine, m->to, &m->from)
                                : m->from;
        for (uint32_t k = m->from; k < end && !rc; k++)
            rc = m->side == 0 ? cu_join_meet(j, t->number, mine[k], r, err)
                              : cu_join_meet(j, t->number, r, mine[k], err);
        if (m->flips && !rc)
            rc = settle(j, t, !m->side, r, err);
    }
    if (lent && !rc)
        rc = settle_lent(j, t, !m->side, rows, n, err);
    return rc;
}

/* The changed rows [m->from, m->to) with one range of the other side. */
static int meet_range(cu_join *j, const cu_join_task *t, meeting *m,
                      cu_slice lo, cu_slice hi, cu_err *err)
{
    cu_side_row **rows;
    uint32_t n = 1;
    int rc = 0;
    m->skip = 0;
    cu_side_walk_start(&j->walk, &j->sides, t->group, !m->side, lo, hi);
    while (n > 0 && !rc) {
        rc = cu_side_walk_next(&j->walk, CU_BATCH_ROWS, &rows, &n, err);
        if (!rc && n > 0)
            rc = meet_rows(j, t, m, rows, n, err);
    }
    return rc;
}

/* Changed rows whose bounds overlap go together. */
static int meet_ranges(cu_join *j, const cu_join_task *t, meeting *m,
                       cu_err *err)
{
    cu_side_row *const *mine = t->rows[m->side];
    cu_buf *bounds = &j->scratch;
    int rc = 0;
    for (uint32_t i = 0; i < t->n[m->side] && !rc; i = m->to) {
        int64_t us = cu_join_time(mine[i]);
        int64_t lo = cu_instant_add(us, look_from(j, m->side)), hi;
        m->from = i;
        m->to = i;
        do {
            hi = cu_instant_add(cu_join_time(mine[m->to++]),
                                look_to(j, m->side));
        } while (m->to < t->n[m->side] &&
                 cu_instant_add(cu_join_time(mine[m->to]),
                                look_from(j, m->side)) <= hi);
        cu_buf_clear(bounds);
        cu_instant_put_be(bounds, lo);
        cu_instant_put_be(bounds, hi == INT64_MAX ? hi : hi + 1);
        rc = meet_range(j, t, m, cu_slice_n(bounds->data, 8),
                        hi == INT64_MAX ? CU_NULL_SLICE
                                        : cu_slice_n(bounds->data + 8, 8),
                        err);
    }
    return rc;
}

/* The changed rows of `side` and the unchanged ones of the other. */
static int meet_unchanged(cu_join *j, const cu_join_task *t, int side,
                          cu_err *err)
{
    cu_side_group *g = t->group;
    const cu_join_input *other = &j->in[!side];
    meeting m = {.side = side, .to = t->n[side]};
    m.pairs = !j->counting && t->n[side] > 0;
    m.flips = !j->tested && other->keeps &&
              (t->total[side] > 0) != (g->side[side].total > 0);
    if ((!m.pairs && !m.flips) || g->side[!side].rows == 0)
        return 0;
    if (j->interval)
        return meet_ranges(j, t, &m, err);
    return meet_range(j, t, &m, CU_LIT(""), CU_NULL_SLICE, err);
}

/* Sides that have to be walked come into memory first, if they are small:
 * changed rows are then found there. */
static int begin(cu_join *j, cu_join_task *t, cu_err *err)
{
    cu_side_group *g = t->group;
    bool walk[2] = {t->n[1] > 0, t->n[0] > 0};
    int rc = 0;
    if (j->counting) {
        rc = begin_total(j, t, err);
        walk[0] = (t->total[1] > 0) != (g->side[1].total > 0);
        walk[1] = false;
    }
    for (int side = 0; side < 2; side++) {
        if (walk[side] && !rc)
            rc = cu_sides_fill(&j->sides, g, side, err);
        if (!rc && !(side == 1 && j->counting))
            rc = begin_side(j, t, side, err);
    }
    if (!j->counting)
        rc = rc ? rc : meet_changed(j, t, err);
    rc = rc ? rc : meet_unchanged(j, t, 0, err);
    return rc ? rc : meet_unchanged(j, t, 1, err);
}

/* --- a task ends --------------------------------------------------------- */

static int finish(cu_join *j, cu_join_task *t, cu_err *err)
{
    int rc = 0;
    for (int side = 0; side < 2; side++)
        for (uint32_t i = 0; i < t->n[side] && !rc; i++) {
            cu_side_row *r = t->rows[side][i];
            rc = settle(j, t, side, r, err);
            r->changed = false;
            cu_sides_save(&j->sides, t->group, side, r);
        }
    while (j->next_moved < j->n_moved && !rc &&
           j->moved[j->next_moved].task == t->number) {
        cu_join_moved *m = &j->moved[j->next_moved++];
        rc = settle(j, t, m->side, m->row, err);
        m->row->moved = false;
        cu_sides_save(&j->sides, t->group, m->side, m->row);
    }
    if (!rc)
        cu_sides_store(&j->sides, t->group);
    return rc;
}

/* --- tasks --------------------------------------------------------------- */

/* As many tasks as memory has room for; at least one. */
static int run_some(cu_join *j, cu_join_task *tasks, uint32_t n, uint32_t *done,
                    cu_err *err)
{
    cu_arena *a = j->op.arena;
    cu_slice *keys = cu_arena_alloc(a, n * sizeof(*keys));
    uint64_t *hash = cu_arena_alloc(a, n * sizeof(*hash));
    cu_side_group **groups = cu_arena_alloc(a, n * sizeof(*groups));
    uint32_t i = 0;
    for (uint32_t k = 0; k < n; k++) {
        keys[k] = tasks[k].key;
        hash[k] = tasks[k].hash;
    }
    int rc = cu_sides_load(&j->sides, n, keys, hash, groups, err);
    j->n_moved = j->next_moved = 0;
    while (i < n && !rc && (i == 0 || j->sides.bytes <= 2 * j->sides.budget)) {
        tasks[i].number = i;
        tasks[i].group = groups[i];
        rc = begin(j, &tasks[i++], err);
    }
    rc = rc ? rc : cu_join_test(j, err);
    for (uint32_t k = 0; k < i && !rc; k++)
        rc = finish(j, &tasks[k], err);
    rc = rc ? rc : cu_outbox_flush(&j->out, err);
    cu_sides_sweep(&j->sides);
    *done = i;
    return rc;
}

static cu_slice key_of(const cu_join_change *c)
{
    return cu_slice_n(c->rec.key, c->key_len);
}

/* A side's changes in order, those that cancelled left out. */
static const cu_join_change **in_order(cu_touched *changes, uint32_t *n)
{
    cu_keyed *items = cu_touched_sorted(changes);
    const cu_join_change **list = cu_arena_alloc(
        changes->arena, (changes->n + 1) * sizeof(*list));
    *n = 0;
    for (uint32_t i = 0; i < changes->n; i++) {
        const cu_join_change *c = items[i].item;
        if (c->weight)
            list[(*n)++] = c;
    }
    return list;
}

typedef struct queue {
    const cu_join_change **list[2];
    uint32_t n[2], at[2];
} queue;

/* The lowest key of both sides, with all its changes. */
static bool next_task(queue *q, cu_join_task *t)
{
    const cu_join_change *first = NULL;
    for (int side = 0; side < 2; side++) {
        if (q->at[side] == q->n[side])
            continue;
        const cu_join_change *c = q->list[side][q->at[side]];
        if (!first || cu_slice_cmp(key_of(c), key_of(first)) < 0)
            first = c;
    }
    if (!first)
        return false;
    *t = (cu_join_task){.key = key_of(first), .hash = first->key_hash};
    for (int side = 0; side < 2; side++) {
        uint32_t *at = &q->at[side];
        t->changes[side] = q->list[side] + *at;
        while (*at < q->n[side] &&
               cu_slice_eq(key_of(q->list[side][*at]), t->key)) {
            ++*at;
            t->n[side]++;
        }
    }
    return true;
}

int cu_join_flush(cu_join *j, cu_err *err)
{
    queue q = {0};
    cu_join_task *tasks = cu_calloc(TASKS, sizeof(*tasks));
    uint32_t n = 0, done;
    int rc = 0;
    for (int side = 0; side < 2; side++)
        q.list[side] = in_order(&j->changes[side], &q.n[side]);
    do {
        while (n < TASKS && next_task(&q, &tasks[n]))
            n++;
        if (n == 0)
            break;
        cu_arena_reset(j->op.arena);
        rc = run_some(j, tasks, n, &done, err);
        j->op.n_keys += done;
        n -= done;
        memmove(tasks, tasks + done, n * sizeof(*tasks));
    } while (!rc);
    cu_free(tasks);
    for (int side = 0; side < 2; side++)
        cu_touched_reset(&j->changes[side]);
    return rc;
}
