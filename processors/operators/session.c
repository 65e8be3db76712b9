/* Session: rows of a partition that are less than a gap apart belong
 * together.
 *
 *   ANCHOR   a row comes out at the commit, with the anchor of its session,
 *            a time in it; when sessions join or part, rows are retracted
 *            and come again (session_apply.c)
 *   FINAL    rows are held, and come out once, with the bounds of their
 *            session, when it is closed
 *
 *   push --> touched rows --apply--> state --watermark--> closed, forgotten
 *
 * A session ends a gap after its last row.  A row that is not late may still
 * join it until the watermark has reached that end + another gap + lateness:
 * then it closes, and its rows leave the state.  (Were it closed at its end +
 * lateness, it would depend on the commits whether such a row finds it.)
 *
 * Late: the mark has reached the end + lateness of the session that the row
 * would be alone, and it is not inside of a session whose end + lateness it has
 * not reached.  (Before the first row of one it is late: it could be near to a
 * session that is gone.)  Only rows that are so far behind look at sessions;
 * what was pushed before them is applied first, so that the answer does not
 * depend on commits.
 *
 * S1 The watermark goes on at the commit, behind the rows.  ANCHOR: it stays
 *    below the anchor of every open session, so that whoever groups by it may
 *    close a group by that alone.  FINAL: it speaks of window_end and goes on
 *    a gap behind, so that a session's rows come just before what closes
 *    their window; no open session holds back another one.
 * S2 A session without lateness judged (no `late`) is never closed in ANCHOR
 *    mode: a row could still join it.
 * S3 A row that goes from a session that closed is ignored, like its pair.
 */
#include "processors/operators/session.h"

#include "processors/expr/calendar.h"

static int open_op(cu_op *op, cu_err *err)
{
    cu_sessions *s = (cu_sessions *)op;
    const cu_node *n = op->node;
    cu_space *space = op->env->space;
    s->time = n->session.time;
    s->type = n->schema->fields[s->time].type;
    s->time_bytes = cu_instant_key_bytes(s->type);
    s->gap = n->session.gap_us;
    s->lateness = n->session.lateness_us;
    s->final = n->session.mode == CU_SESSION_FINAL;
    s->judges = n->session.late;
    s->closes = s->judges || s->final; /* S2 */
    s->out.schema = n->schema;
    s->mark = CU_HELD_MARK;
    s->horizon = s->closed = INT64_MIN;
    s->close_low = s->anchor_low = INT64_MIN;
    if (s->gap <= 0 || (s->type.kind == CU_T_DATE && s->gap % CU_US_DAY != 0)) {
        int rc = cu_fail(err, CU_UNSUPPORTED, 0,
                         "the gap of a session must be longer than zero, and "
                         "of whole days over a date");
        if (err)
            err->sqlstate = CU_SQLSTATE('0', 'A', '0', '0', '0');
        return rc;
    }
    s->partition = cu_calloc(n->session.n_partition + 1, sizeof(cu_key_col));
    for (uint32_t i = 0; i < n->session.n_partition; i++)
        s->partition[i].col = n->session.partition[i];
    s->rows = cu_space_table(space, cu_node_state_table(n, 0));
    s->spans = cu_space_table(space, cu_node_state_table(n, 1));
    s->closing = cu_space_table(space, cu_node_state_table(n, 2));
    s->anchors = cu_space_table(space, cu_node_state_table(n, 3));
    s->meta = cu_space_table(space, cu_node_state_table(n, 4));
    return cu_mark_read(op, s->meta, &s->closed, err);
}

/* --- late rows ------------------------------------------------------------ */

static int64_t closes_at(const cu_sessions *s, int64_t last)
{
    return cu_instant_add(cu_instant_add(last, s->gap), s->lateness);
}

int64_t cu_session_gone_at(const cu_sessions *s, int64_t last)
{
    return cu_instant_add(closes_at(s, last), s->gap);
}

int cu_session_inside(cu_sessions *s, cu_slice part, int64_t time, int64_t mark,
                      bool *inside, cu_err *err)
{
    s->part = part;
    s->loaded.n = 0;
    *inside = false;
    int rc = cu_session_load(s, time, time, err);
    for (uint32_t i = 0; i < s->loaded.n && !rc; i++)
        *inside |= cu_span_holds(&s->loaded.at[i], time) &&
                   mark < closes_at(s, s->loaded.at[i].last);
    return rc;
}

static int report(cu_sessions *s, const cu_batch *b, uint32_t row, int64_t time,
                  int64_t mark, cu_err *err)
{
    const cu_op_env *env = s->op.env;
    if (cu_batch_weight(b, row) < 0 || !env->late)
        return 0;
    cu_late l = {.batch = b,
                 .row = row,
                 .window_start_us = time,
                 .window_end_us = cu_instant_add(time, s->gap),
                 .watermark_us = mark};
    return env->late(env->ctx, &l, err);
}

static int judge(cu_sessions *s, const cu_batch *b, uint32_t i, int64_t time,
                 bool *late, cu_err *err)
{
    uint32_t row = cu_batch_row(b, i);
    int64_t mark = b->marks ? b->marks[row] : INT64_MIN;
    bool inside;
    mark = s->horizon > mark ? s->horizon : mark;
    *late = false;
    if (!s->judges || mark == INT64_MIN || mark < closes_at(s, time))
        return 0;
    int rc = s->touched.n ? cu_session_apply(s, err) : 0;
    rc = rc ? rc
            : cu_session_inside(s, cu_batch_key(&s->parts, i), time, mark,
                                &inside, err);
    if (rc || inside)
        return rc;
    *late = true;
    return report(s, b, row, time, mark, err);
}

/* --- push ---------------------------------------------------------------- */

static int push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    cu_sessions *s = (cu_sessions *)op;
    (void)port;
    cu_keys_encode(b, s->partition, op->node->session.n_partition, &s->parts);
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        int64_t time;
        bool skip, late = false, fresh;
        int rc = cu_instant_of_row(op, b, row, s->time, &time, &skip, err);
        if (!rc && !skip)
            rc = judge(s, b, i, time, &late, err);
        if (rc)
            return rc;
        if (skip || late)
            continue;
        cu_slice part = cu_batch_key(&s->parts, i);
        cu_buf_clear(&s->key);
        cu_buf_put_slice(&s->key, part);
        cu_instant_key(s->type, time, &s->key);
        cu_row_encode(b, row, NULL, b->n_cols, &s->key);
        cu_slice key = cu_buf_slice(&s->key);
        cu_session_row *r = cu_touched_put(&s->touched, cu_hash(key), key,
                                           &fresh);
        r->part_len = (uint32_t)part.len;
        r->time = time;
        r->change += cu_batch_weight(b, row);
    }
    return 0;
}

static int watermark(cu_op *op, int port, int64_t ts_us, cu_err *err)
{
    cu_sessions *s = (cu_sessions *)op;
    (void)port, (void)err;
    cu_held_mark_see(&s->mark, ts_us);
    s->horizon = ts_us > s->horizon ? ts_us : s->horizon;
    return 0;
}

/* --- closing ------------------------------------------------------------- */

/* Deletes, and in FINAL mode sends, up to CHUNK rows of a session. */
static int close_rows(cu_sessions *s, const cu_span *p, cu_buf *from,
                      bool *more, cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value, *keys;
    size_t head = s->part.len + s->time_bytes;
    int64_t count, end = cu_instant_add(p->last, s->gap);
    uint32_t n = 0;
    int rc = cu_table_scan(s->rows, cu_buf_slice(from),
                           cu_session_after(s, p->last), false, &it, err);
    if (rc)
        return rc;
    cu_arena_reset(s->arena);
    keys = cu_arena_alloc(s->arena, CU_SESSION_CHUNK * sizeof(*keys));
    while (!rc && n < CU_SESSION_CHUNK &&
           cu_table_iter_next(it, &key, &value)) {
        keys[n++] = cu_arena_slice(s->arena, key);
        rc = cu_session_count(s, value, &count, err);
        if (!rc && s->final)
            rc = cu_session_emit(s, cu_slice_n(key.data + head, key.len - head),
                                 count, p->start, end, err);
    }
    int closed = cu_table_iter_close(it, rc ? NULL : err);
    rc = rc ? rc : closed;
    s->steps += n;
    *more = n == CU_SESSION_CHUNK;
    for (uint32_t i = 0; i < n && !rc; i++)
        cu_table_del(s->rows, keys[i]);
    if (n) {
        cu_buf_clear(from);
        cu_buf_put_slice(from, keys[n - 1]);
    }
    return rc;
}

static int close_span(cu_sessions *s, cu_slice part, int64_t last,
                      cu_slice value, cu_err *err)
{
    cu_span p;
    cu_buf from = {0};
    bool more = true;
    s->part = part;
    int rc = cu_session_read(s, value, last, &p, err);
    if (rc)
        return rc;
    cu_buf_put_slice(&from, cu_session_key(s, p.start));
    while (more && !rc)
        rc = close_rows(s, &p, &from, &more, err);
    cu_buf_free(&from);
    if (!rc)
        cu_session_span_del(s, &p);
    return rc;
}

/* Up to CHUNK entries of `closing` that are due, in the operator's arena. */
static int due_spans(cu_sessions *s, cu_slice *parts, int64_t *lasts,
                     uint32_t *n, cu_err *err)
{
    enum { TIME_BYTES = 8 };
    cu_table_iter *it;
    cu_slice key, value;
    *n = 0;
    cu_buf_clear(&s->key);
    cu_instant_put_be(&s->key, s->close_low);
    int rc = cu_table_scan(s->closing, cu_buf_slice(&s->key), CU_NULL_SLICE,
                           false, &it, err);
    if (rc)
        return rc;
    s->close_low = INT64_MAX;
    while (cu_table_iter_next(it, &key, &value)) {
        int64_t last = cu_instant_of_be(key);
        if (*n == CU_SESSION_CHUNK ||
            cu_session_gone_at(s, last) > s->horizon) {
            s->close_low = last;
            break;
        }
        lasts[*n] = last;
        cu_slice part = cu_slice_n(key.data + TIME_BYTES, key.len - TIME_BYTES);
        parts[(*n)++] = cu_arena_slice(s->op.arena, part);
    }
    return cu_table_iter_close(it, err);
}

static int close_some(cu_sessions *s, uint32_t *n, cu_err *err)
{
    cu_slice parts[CU_SESSION_CHUNK], keys[CU_SESSION_CHUNK];
    cu_slice values[CU_SESSION_CHUNK];
    int64_t lasts[CU_SESSION_CHUNK];
    cu_arena_reset(s->op.arena);
    int rc = due_spans(s, parts, lasts, n, err);
    if (rc || *n == 0)
        return rc;
    for (uint32_t i = 0; i < *n; i++) {
        s->part = parts[i];
        keys[i] = cu_arena_slice(s->op.arena, cu_session_key(s, lasts[i]));
    }
    rc = cu_table_get_many(s->spans, *n, keys, values, err);
    for (uint32_t i = 0; i < *n && !rc; i++) /* lent until the first delete */
        values[i] = cu_arena_slice(s->op.arena, values[i]);
    for (uint32_t i = 0; i < *n && !rc; i++)
        rc = close_span(s, parts[i], lasts[i], values[i], err);
    return rc;
}

int cu_session_close(cu_sessions *s, cu_err *err)
{
    bool any = false;
    int rc = 0;
    while (!rc && s->horizon != INT64_MIN &&
           (s->close_low == INT64_MIN ||
            cu_session_gone_at(s, s->close_low) <= s->horizon)) {
        uint32_t n;
        rc = close_some(s, &n, err);
        any |= n > 0;
        s->op.n_keys += n;
        if (n < CU_SESSION_CHUNK)
            break;
    }
    if (rc || !any)
        return rc;
    s->closed = s->horizon;
    cu_mark_write(s->meta, s->closed);
    return 0;
}

/* --- commit -------------------------------------------------------------- */

/* The lowest anchor of any session; INT64_MAX: there is none. */
static int lowest_anchor(cu_sessions *s, cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    if (s->anchor_low == INT64_MAX)
        return 0;
    cu_buf_clear(&s->key);
    cu_instant_put_be(&s->key, s->anchor_low);
    int rc = cu_table_scan(s->anchors, cu_buf_slice(&s->key), CU_NULL_SLICE,
                           false, &it, err);
    if (rc)
        return rc;
    s->anchor_low = cu_table_iter_next(it, &key, &value) ? cu_instant_of_be(key)
                                                         : INT64_MAX;
    return cu_table_iter_close(it, err);
}

static int send_mark(cu_sessions *s, cu_err *err)
{
    int64_t ts = s->mark.seen;
    if (s->final)
        ts = cu_instant_add(ts, -s->gap); /* S1 */
    if (ts <= s->mark.sent)
        return 0;
    int rc = s->final ? 0 : lowest_anchor(s, err);
    if (rc)
        return rc;
    if (!s->final && s->anchor_low != INT64_MAX && s->anchor_low - 1 < ts)
        ts = s->anchor_low - 1; /* S1 */
    if (ts <= s->mark.sent)
        return 0;
    s->mark.sent = ts;
    return cu_op_emit_watermark(&s->op, ts, err);
}

static int commit(cu_op *op, cu_err *err)
{
    cu_sessions *s = (cu_sessions *)op;
    int rc = s->touched.n ? cu_session_apply(s, err) : 0;
    if (!rc && s->closes)
        rc = cu_session_close(s, err);
    rc = rc ? rc : cu_outbox_flush(&s->out, err);
    return rc ? rc : send_mark(s, err);
}

static uint64_t work(const cu_op *op)
{
    return op->n_in + op->n_out + op->n_keys + ((const cu_sessions *)op)->steps;
}

static void close_op(cu_op *op)
{
    cu_sessions *s = (cu_sessions *)op;
    cu_touched_close(&s->touched);
    cu_outbox_close(&s->out);
    cu_arena_free(s->arena);
    cu_buf_free(&s->parts.bytes);
    cu_buf_free(&s->key);
    cu_buf_free(&s->hi);
    cu_buf_free(&s->value);
    cu_free(s->loaded.at);
    cu_free(s->live.at);
    cu_free(s->kept.at);
    cu_free(s->partition);
}

cu_op *cu_session_new(void)
{
    static const cu_op_vt vt = {.name = "session",
                                .open = open_op,
                                .push = push,
                                .watermark = watermark,
                                .commit = commit,
                                .close = close_op,
                                .work = work};
    cu_sessions *s = cu_calloc(1, sizeof(*s));
    cu_op_init(&s->op, &vt);
    cu_touched_open(&s->touched, sizeof(cu_session_row));
    cu_outbox_open(&s->out, &s->op, NULL);
    s->arena = cu_arena_new(0);
    return &s->op;
}
