/* What the rows of a commit do to sessions.
 *
 *   sessions      |--A--|            |-----B-----|        |--C--|
 *   rows            x        x   x                             -
 *   1 join        |---------------B--------------|        |--C--|
 *   2 rows        come and go under the anchor of where they stand
 *   3 part        |---------------B--------------|        |C|  |-D-|
 *
 * Three passes over the partitions that were touched, in the order of time:
 *
 *   join   every row that came is a point; points and stored sessions that
 *          are less than a gap apart become one.  The anchor of the largest
 *          stays; the rows of the others are retracted and come again under
 *          it.  A row moves only into a session at least twice as large as
 *          its own: log(n) times at most.
 *   rows   counts change, rows are emitted.
 *   part   where the last row of a moment went, its neighbours decide: less
 *          than a gap apart, nothing happens; else the session ends there,
 *          or falls in two.
 *
 * The anchor is where a session's rows stand downstream, so it moves only
 * when it would leave the session, and then to the middle of it in time:
 * deletes must then take away half of the session's time before it moves
 * again, which bounds the moves of a row by the logarithm of its session's
 * length.  A new session is anchored at its first row.
 *
 * A1 Spans of a partition are a gap or more apart and hold their anchors (but
 *    see A4): anchors are unique.
 * A2 In each pass what is emitted fits what downstream has: join works on the
 *    rows as they were, part on the rows as they are.
 * A3 A new anchor is not closed by the watermark: middle or start when a
 *    session that ended there would not be gone, else the last row.
 * A4 What the watermark has closed is not moved: a part that is split off
 *    behind it keeps the anchor that it had, outside of its span, until it
 *    leaves the state with this commit.
 */
#include "processors/operators/session.h"

#include "processors/expr/calendar.h"

/* --- anchors ------------------------------------------------------------- */

static int64_t anchor_of(const cu_sessions *s, int64_t at, const cu_span *p)
{
    if (s->type.kind == CU_T_DATE)
        at = cu_floor_div(at, CU_US_DAY) * CU_US_DAY;
    return cu_session_gone_at(s, at) > s->horizon ? at : p->last; /* A3 */
}

/* The rows of a span leave `from` and come under its anchor. Counts them. */
static int move_rows(cu_sessions *s, cu_span *p, int64_t from, cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    int64_t count;
    size_t head = s->part.len + s->time_bytes;
    int rc = cu_table_scan(s->rows, cu_session_key(s, p->start),
                           cu_session_after(s, p->last), false, &it, err);
    if (rc)
        return rc;
    p->n = 0;
    while (!rc && cu_table_iter_next(it, &key, &value)) {
        cu_slice row = cu_slice_n(key.data + head, key.len - head);
        rc = cu_session_count(s, value, &count, err);
        rc = rc ? rc : cu_session_emit(s, row, -count, from, 0, err);
        rc = rc ? rc : cu_session_emit(s, row, count, p->anchor, 0, err);
        p->n++;
        s->steps++;
    }
    int closed = cu_table_iter_close(it, rc ? NULL : err);
    return rc ? rc : closed;
}

/* The commit at hand will close it. */
static bool is_over(const cu_sessions *s, const cu_span *p)
{
    return s->closes && cu_session_gone_at(s, p->last) <= s->horizon;
}

/* A span whose anchor is not in it gets another. */
static int settle(cu_sessions *s, cu_span *p, cu_err *err)
{
    int64_t from = p->anchor;
    if (s->final) {
        p->anchor = p->start;
        return 0;
    }
    if (cu_span_holds(p, from))
        return 0;
    if (is_over(s, p)) /* A4 */
        return 0;
    p->anchor = anchor_of(s, p->start + (p->last - p->start) / 2, p);
    return move_rows(s, p, from, err);
}

/* --- the rows at hand ----------------------------------------------------- */

/* Loads the sessions that the rows touch, group of near rows by group. */
static int load(cu_sessions *s, cu_session_row **rows, uint32_t n, cu_err *err)
{
    int rc = 0;
    s->loaded.n = 0;
    for (uint32_t i = 0; i < n && !rc;) {
        uint32_t k = i;
        while (k + 1 < n && rows[k + 1]->time - rows[k]->time < s->gap)
            k++;
        rc = cu_session_load(s, rows[i]->time, rows[k]->time, err);
        i = k + 1;
    }
    return rc;
}

/* How often each row stands in the state; outside of all sessions: not. */
static int count_rows(cu_sessions *s, cu_session_row **rows, uint32_t n,
                      cu_err *err)
{
    cu_slice keys[CU_SESSION_CHUNK], values[CU_SESSION_CHUNK];
    cu_session_row *of[CU_SESSION_CHUNK];
    uint32_t at = 0, m = 0;
    int rc = 0;
    for (uint32_t i = 0; i <= n && !rc; i++) {
        if (m && (i == n || m == CU_SESSION_CHUNK)) {
            rc = cu_table_get_many(s->rows, m, keys, values, err);
            for (uint32_t k = 0; k < m && !rc; k++)
                rc = cu_session_count(s, values[k], &of[k]->count, err);
            m = 0;
        }
        if (i == n || rc)
            break;
        while (at < s->loaded.n && s->loaded.at[at].last < rows[i]->time)
            at++;
        rows[i]->count = -1;
        if (at == s->loaded.n || s->loaded.at[at].start > rows[i]->time)
            continue;
        keys[m] = cu_keyrec_key(&rows[i]->rec);
        of[m++] = rows[i];
    }
    return rc;
}

/* Rows that go without being there: of sessions that closed, or they were late
 * when they came; what still could not be late is a bug. */
static int drop_missing(cu_sessions *s, cu_session_row **rows, uint32_t *n,
                        cu_err *err)
{
    uint32_t kept = 0;
    int64_t closed = s->closed > s->horizon ? s->closed : s->horizon;
    for (uint32_t i = 0; i < *n; i++) {
        cu_session_row *r = rows[i];
        int64_t count = r->count < 0 ? 0 : r->count;
        int64_t end = cu_instant_add(r->time, s->gap);
        if (count + r->change >= 0)
            rows[kept++] = r;
        else if (!s->closes || cu_instant_add(end, s->lateness) > closed)
            return cu_negative(&s->op, "a row", err);
    }
    *n = kept;
    return 0;
}

/* --- join ---------------------------------------------------------------- */

/* s->loaded.at[from .. to) became `p`. */
static int join_spans(cu_sessions *s, uint32_t from, uint32_t to, cu_span p,
                      cu_err *err)
{
    const cu_span *l = s->loaded.at;
    uint32_t best = from;
    int rc = 0;
    for (uint32_t i = from; i < to; i++) {
        p.n += l[i].n;
        if (l[i].n > l[best].n)
            best = i;
    }
    p.anchor = from < to ? l[best].anchor : anchor_of(s, p.start, &p);
    for (uint32_t i = from; i < to && !rc && !s->final; i++) {
        cu_span part = l[i];
        part.anchor = p.anchor;
        if (i != best)
            rc = move_rows(s, &part, l[i].anchor, err);
    }
    cu_spans_add(&s->live, p);
    return rc;
}

/* Stored sessions and points, by time; `cur` grows while they are near. */
static int join(cu_sessions *s, cu_session_row **rows, uint32_t n, cu_err *err)
{
    const cu_spans *l = &s->loaded;
    uint32_t i = 0, k = 0, first = 0;
    cu_span cur = {0};
    bool open = false;
    s->live.n = 0;
    while (i < n || k < l->n) {
        bool is_point = k == l->n || (i < n && rows[i]->time < l->at[k].start);
        cu_span next = {0};
        next.start = next.last = is_point ? rows[i]->time : l->at[k].start;
        if (!is_point)
            next.last = l->at[k].last;
        if (open && next.start - cur.last >= s->gap) {
            int rc = join_spans(s, first, k, cur, err);
            if (rc)
                return rc;
            open = false;
        }
        if (!open) {
            cur = next;
            first = k;
            open = true;
        }
        cur.last = next.last > cur.last ? next.last : cur.last;
        i += is_point;
        k += !is_point;
    }
    return open ? join_spans(s, first, k, cur, err) : 0;
}

/* --- rows ---------------------------------------------------------------- */

static int change_rows(cu_sessions *s, cu_session_row **rows, uint32_t n,
                       cu_err *err)
{
    size_t head = s->part.len + s->time_bytes;
    uint32_t k = 0;
    int rc = 0;
    for (uint32_t i = 0; i < n && !rc; i++) {
        cu_session_row *r = rows[i];
        cu_slice key = cu_keyrec_key(&r->rec);
        cu_slice row = cu_slice_n(key.data + head, key.len - head);
        while (s->live.at[k].last < r->time)
            k++;
        cu_span *p = &s->live.at[k];
        CU_ASSERT(cu_span_holds(p, r->time)); /* A1 */
        bool absent = r->count < 0;
        int64_t old = absent ? 0 : r->count;
        r->count = old + r->change;
        p->n += r->count > 0 && old == 0;
        p->n -= r->count == 0 && old > 0 && p->n > 0;
        cu_session_put_row(s, key, r->count, absent);
        if (!s->final)
            rc = cu_session_emit(s, row, r->change, p->anchor, 0, err);
    }
    return rc;
}

/* --- part ---------------------------------------------------------------- */

/* The nearest time with rows in [from, to], from one of its ends. */
static int nearest(cu_sessions *s, int64_t from, int64_t to, bool backwards,
                   int64_t *time, bool *found, cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    *found = false;
    if (from > to)
        return 0;
    int rc = cu_table_scan(s->rows, cu_session_key(s, from),
                           cu_session_after(s, to), backwards, &it, err);
    if (rc)
        return rc;
    s->steps++;
    if (cu_table_iter_next(it, &key, &value))
        *found = cu_instant_of_key(
            s->type, cu_slice_n(key.data + s->part.len, key.len - s->part.len),
            time);
    return cu_table_iter_close(it, err);
}

/* `p` falls in two between `left` and `right`; p is the later part then. */
static int split(cu_sessions *s, cu_span *p, int64_t left, int64_t right,
                 cu_err *err)
{
    cu_span a = *p, b = *p;
    a.last = left;
    b.start = right;
    bool a_keeps = cu_span_holds(&a, p->anchor),
         b_keeps = cu_span_holds(&b, p->anchor);
    int rc = settle(s, &a, err);
    rc = rc ? rc : settle(s, &b, err);
    if (!s->final && a_keeps)
        a.n = p->n - b.n;
    if (!s->final && b_keeps)
        b.n = p->n - a.n;
    cu_spans_add(&s->kept, a);
    *p = b;
    return rc;
}

/* Rows of `p` are gone at time t. *next: until there nothing is. */
static int part_at(cu_sessions *s, cu_span *p, int64_t t, int64_t *next,
                   bool *gone, cu_err *err)
{
    int64_t before, after;
    bool has_before, has_after;
    int rc = nearest(s, t, p->last, false, &after, &has_after, err);
    *next = has_after ? after : INT64_MAX;
    if (rc || (has_after && after == t))
        return rc;
    rc = nearest(s, p->start, t, true, &before, &has_before, err);
    if (rc)
        return rc;
    if (!has_before && !has_after) {
        *gone = true;
        return 0;
    }
    if (has_before && has_after)
        return after - before < s->gap ? 0 : split(s, p, before, after, err);
    if (has_after)
        p->start = after;
    else
        p->last = before;
    return settle(s, p, err);
}

/* Another row of that moment is known to be there. */
static bool stays(cu_session_row *const *rows, uint32_t n, uint32_t i)
{
    int64_t t = rows[i]->time;
    return (i > 0 && rows[i - 1]->time == t && rows[i - 1]->count > 0) ||
           (i + 1 < n && rows[i + 1]->time == t && rows[i + 1]->count > 0);
}

static int part(cu_sessions *s, cu_session_row **rows, uint32_t n, cu_err *err)
{
    uint32_t i = 0;
    s->kept.n = 0;
    for (uint32_t k = 0; k < s->live.n; k++) {
        cu_span p = s->live.at[k];
        int64_t next = INT64_MIN;
        bool gone = false;
        int64_t end = p.last;
        for (; i < n && rows[i]->time <= end; i++) {
            if (rows[i]->count > 0 || rows[i]->time < next || gone ||
                stays(rows, n, i))
                continue;
            int rc = part_at(s, &p, rows[i]->time, &next, &gone, err);
            if (rc)
                return rc;
        }
        int rc = gone ? 0 : settle(s, &p, err);
        if (rc)
            return rc;
        if (!gone)
            cu_spans_add(&s->kept, p);
    }
    return 0;
}

/* --- all ----------------------------------------------------------------- */

static int apply_partition(cu_sessions *s, cu_session_row **rows, uint32_t n,
                           cu_err *err)
{
    cu_slice key = cu_keyrec_key(&rows[0]->rec);
    s->part = cu_slice_n(key.data, rows[0]->part_len);
    int rc = load(s, rows, n, err);
    rc = rc ? rc : count_rows(s, rows, n, err);
    rc = rc ? rc : drop_missing(s, rows, &n, err);
    rc = rc ? rc : join(s, rows, n, err);
    rc = rc ? rc : change_rows(s, rows, n, err);
    rc = rc ? rc : part(s, rows, n, err);
    if (!rc)
        cu_session_save(s);
    return rc;
}

static bool same_part(const cu_session_row *a, const cu_session_row *b)
{
    return a->part_len == b->part_len &&
           !memcmp(a->rec.key, b->rec.key, a->part_len);
}

int cu_session_apply(cu_sessions *s, cu_err *err)
{
    const cu_keyed *items = cu_touched_sorted(&s->touched);
    cu_session_row **rows = cu_arena_alloc(s->touched.arena,
                                           (s->touched.n + 1) * sizeof(*rows));
    uint32_t n = 0;
    int rc = 0;
    for (uint32_t i = 0; i < s->touched.n; i++) {
        cu_session_row *r = items[i].item;
        if (r->change)
            rows[n++] = r;
    }
    s->op.n_keys += n;
    for (uint32_t i = 0; i < n && !rc;) {
        uint32_t k = i + 1;
        while (k < n && same_part(rows[i], rows[k]))
            k++;
        rc = apply_partition(s, rows + i, k - i, err);
        i = k;
    }
    cu_touched_reset(&s->touched);
    return rc;
}
