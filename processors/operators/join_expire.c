/* Join: forgetting by watermark, and by the clock.
 *
 * Interval joins.  right.time - left.time lies within [lower, upper]:
 *
 *                    t                    right rows that can still come:
 *   left row         |----lower----upper--|     from the right's watermark on
 *   is done when all of that is behind it:   t + upper < right's watermark
 *   right row at s:                          s - lower < left's watermark
 *
 * A row is late when it is behind both: its own input's watermark, so that what
 * it could meet may be gone, and the other's bound.  On time for its own input,
 * it finds all that it can meet, however far the other one is ahead.
 *
 * The index (two_marks.h) has the keys in time order; ids begin with the
 * time, so that what goes stands at the front of its side.
 *
 * Window joins (`closing`).  The first key column is a time; heads are in
 * key order, so the closed keys are the first ones of the table.
 *
 * By the clock (ttl.h).  The index has u8 side | key, at every stamp that a row
 * there got: when a stamp is over, so are the side's rows up to it.  A side is
 * walked in parts when it is large; the entry says where the next one begins.
 *
 * Nothing is emitted: what a forgotten row has shown stays.
 */
#include "processors/operators/join.h"

enum { CHUNK = CU_BATCH_ROWS };

/* Rows of the side with a time below this are done. */
static int64_t horizon(const cu_join *j, int side, const int64_t marks[2])
{
    const cu_node *n = j->op.node;
    return side == 0 ? cu_instant_add(marks[1], -n->join.upper_us)
                     : cu_instant_add(marks[0], n->join.lower_us);
}

static cu_type key_type(const cu_join *j)
{
    const cu_node *n = j->op.node;
    return n->inputs[0]->schema->fields[n->join.left[0]].type;
}

/* When what stands under the key closes; INT64_MAX: never. */
static int64_t closes(const cu_join *j, cu_slice key, int64_t *start)
{
    const cu_closing *c = &j->op.node->join.closing;
    *start = INT64_MIN;
    if (!cu_instant_of_key(key_type(j), key, start))
        return INT64_MAX;
    return cu_instant_plus(*start, c->delay, c->lateness_us);
}

static bool has_closing(const cu_join *j)
{
    return j->op.node->join.closing.on && j->n_keys > 0;
}

bool cu_join_is_late(const cu_join *j, int side, int64_t us, cu_slice key,
                     cu_late *window)
{
    const int64_t *done = j->marks.done;
    int64_t low = cu_two_marks_low(done), start;
    *window = (cu_late){.window_start_us = INT64_MIN,
                        .window_end_us = INT64_MIN};
    if (j->interval && us < done[side] && us < horizon(j, side, done)) {
        window->watermark_us = done[side];
        return true;
    }
    if (!has_closing(j) || low == INT64_MIN || closes(j, key, &start) > low)
        return false;
    if (start == INT64_MIN)
        return false;
    window->window_start_us = start;
    window->window_end_us = cu_instant_plus(start,
                                            j->op.node->join.closing.delay, 0);
    window->watermark_us = low;
    return true;
}

/* --- rows go ------------------------------------------------------------- */

static int forget_rows(cu_join *j, cu_side_group *g, int side, cu_slice lo,
                       cu_slice hi, cu_err *err)
{
    cu_side_row **rows;
    uint32_t n = 1;
    int rc = 0;
    cu_side_walk_start(&j->walk, &j->sides, g, side, lo, hi);
    while (n > 0 && !rc) {
        rc = cu_side_walk_next(&j->walk, CHUNK, &rows, &n, err);
        for (uint32_t i = 0; i < n && !rc; i++) {
            cu_sides_count(g, side, rows[i], 0);
            cu_sides_save(&j->sides, g, side, rows[i]);
        }
    }
    return rc;
}

static int load_one(cu_join *j, cu_slice key, cu_side_group **g, cu_err *err)
{
    uint64_t hash = cu_hash(key);
    return cu_sides_load(&j->sides, 1, &key, &hash, g, err);
}

static int forget_time(cu_join *j, int side, const cu_timed_key *due,
                       cu_err *err)
{
    cu_side_group *g;
    int rc = load_one(j, due->key, &g, err);
    if (rc)
        return rc;
    cu_buf_clear(&j->scratch);
    cu_instant_put_be(&j->scratch, due->us);
    cu_instant_put_be(&j->scratch, due->us + 1);
    rc = forget_rows(j, g, side, cu_slice_n(j->scratch.data, 8),
                     cu_slice_n(j->scratch.data + 8, 8), err);
    if (rc)
        return rc;
    cu_sides_store(&j->sides, g);
    cu_two_marks_del(&j->marks, side, due->us, due->key);
    return 0;
}

/* Brings the keys' groups into memory together. */
static int load_due(cu_join *j, const cu_timed_key *due, uint32_t n,
                    cu_err *err)
{
    cu_slice keys[CHUNK];
    uint64_t hash[CHUNK];
    cu_side_group *groups[CHUNK];
    for (uint32_t i = 0; i < n; i++) {
        keys[i] = due[i].key;
        hash[i] = cu_hash(due[i].key);
    }
    return cu_sides_load(&j->sides, n, keys, hash, groups, err);
}

static int expire_side(cu_join *j, int side, cu_err *err)
{
    int64_t below = horizon(j, side, j->marks.in);
    cu_timed_key due[CHUNK];
    uint32_t n = CHUNK;
    int rc = 0;
    while (n == CHUNK && !rc) {
        cu_arena_reset(j->op.arena);
        rc = cu_two_marks_due(&j->marks, side, below, CHUNK, j->op.arena, due,
                              &n, err);
        rc = rc ? rc : load_due(j, due, n, err);
        for (uint32_t i = 0; i < n && !rc; i++)
            rc = forget_time(j, side, &due[i], err);
        j->op.n_keys += n;
        cu_sides_sweep(&j->sides);
    }
    return rc;
}

/* --- keys go ------------------------------------------------------------- */

/* The first keys that are closed. */
static int find_closed(cu_join *j, cu_slice *keys, uint32_t *n, cu_err *err)
{
    int64_t low = cu_two_marks_low(j->marks.in), start;
    cu_table_iter *it;
    cu_slice key, value;
    *n = 0;
    int rc = cu_table_scan(j->sides.heads, CU_LIT(""), CU_NULL_SLICE, false,
                           &it, err);
    if (rc)
        return rc;
    while (*n < CHUNK && cu_table_iter_next(it, &key, &value)) {
        int64_t end = closes(j, key, &start);
        if (end > low)
            break;
        if (start != INT64_MIN)
            keys[(*n)++] = cu_arena_slice(j->op.arena, key);
    }
    return cu_table_iter_close(it, err);
}

static int forget_key(cu_join *j, cu_slice key, cu_err *err)
{
    cu_side_group *g;
    int rc = load_one(j, key, &g, err);
    for (int side = 0; side < 2 && !rc; side++)
        rc = forget_rows(j, g, side, CU_LIT(""), CU_NULL_SLICE, err);
    if (rc)
        return rc;
    g->side[0].total = g->side[1].total = 0;
    cu_sides_store(&j->sides, g);
    return 0;
}

static int expire_keys(cu_join *j, cu_err *err)
{
    cu_slice keys[CHUNK];
    uint32_t n = CHUNK;
    int rc = 0;
    if (cu_two_marks_low(j->marks.in) == INT64_MIN)
        return 0;
    while (n == CHUNK && !rc) {
        cu_arena_reset(j->op.arena);
        rc = find_closed(j, keys, &n, err);
        for (uint32_t i = 0; i < n && !rc; i++)
            rc = forget_key(j, keys[i], err);
        j->op.n_keys += n;
        cu_sides_sweep(&j->sides);
    }
    return rc;
}

int cu_join_expire(cu_join *j, cu_err *err)
{
    int rc = 0;
    for (int side = 0; side < 2 && j->interval && !rc; side++)
        rc = expire_side(j, side, err);
    if (!rc && has_closing(j))
        rc = expire_keys(j, err);
    return rc;
}

/* --- by the clock --------------------------------------------------------- */

void cu_join_date(cu_join *j, cu_side_group *g, int side, cu_side_row *r)
{
    if (j->op.node->join.stays[side])
        return;
    r->stamp = cu_ttl_now(&j->ttl);
    if (g->dated[side] == r->stamp)
        return;
    g->dated[side] = r->stamp;
    cu_buf_clear(&j->scratch);
    cu_buf_put_u8(&j->scratch, (uint8_t)side);
    cu_buf_put_slice(&j->scratch, cu_keyrec_key(&g->rec));
    cu_ttl_put(&j->ttl, r->stamp, cu_buf_slice(&j->scratch));
}

/* The rows of a side from an id on, as far as there is room; *from: where to
 * go on, absent: that was all. */
static int forget_over(cu_join *j, cu_side_group *g, int side, cu_slice *from,
                       cu_err *err)
{
    cu_side_row **rows;
    uint32_t n = 1;
    uint64_t looked = 0;
    int rc = 0;
    cu_side_walk_start(&j->walk, &j->sides, g, side, *from, CU_NULL_SLICE);
    *from = CU_NULL_SLICE;
    while (!rc && n > 0 && looked <= j->ttl.room) {
        rc = cu_side_walk_next(&j->walk, CHUNK, &rows, &n, err);
        for (uint32_t i = 0; i < n && !rc; i++) {
            if (!cu_ttl_over(&j->ttl, rows[i]->stamp))
                continue;
            cu_sides_count(g, side, rows[i], 0);
            cu_sides_save(&j->sides, g, side, rows[i]);
            j->ttl.n_over++;
        }
        looked += n;
        if (!rc && n > 0) {
            cu_buf_clear(&j->scratch);
            cu_buf_put_slice(&j->scratch, cu_side_id(rows[n - 1]));
            cu_buf_put_u8(&j->scratch, 0); /* the next id */
        }
    }
    if (!rc && n > 0)
        *from = cu_arena_slice(j->op.arena, cu_buf_slice(&j->scratch));
    j->ttl.room -= looked < j->ttl.room ? looked : j->ttl.room;
    j->op.n_keys += looked;
    return rc;
}

static int forget_due(cu_join *j, const cu_ttl_entry *e, cu_err *err)
{
    cu_side_group *g;
    cu_slice key = cu_slice_n(e->key.data + 1, e->key.len - 1), from = e->from;
    int side = e->key.data[0];
    int rc = load_one(j, key.len ? key : CU_LIT(""), &g, err);
    rc = rc ? rc : forget_over(j, g, side, &from, err);
    if (rc)
        return rc;
    cu_sides_store(&j->sides, g);
    if (from.data)
        cu_ttl_go_on(&j->ttl, e, from);
    else
        cu_ttl_done(&j->ttl, e);
    return 0;
}

int cu_join_forget(cu_join *j, cu_err *err)
{
    enum { SOME = 256 };
    cu_ttl_entry due[SOME];
    uint32_t n = SOME;
    int rc = 0;
    cu_ttl_make_room(&j->ttl, (uint64_t)j->changes[0].n + j->changes[1].n);
    while (n > 0 && !rc) {
        cu_arena_reset(j->op.arena);
        rc = cu_ttl_due_entries(&j->ttl, due, SOME, &n, err);
        for (uint32_t i = 0; i < n && !rc; i++) {
            if (i > 0 && j->ttl.room == 0)
                cu_ttl_leave(&j->ttl, &due[i]);
            else
                rc = forget_due(j, &due[i], err);
        }
        cu_sides_sweep(&j->sides);
    }
    return rc;
}
