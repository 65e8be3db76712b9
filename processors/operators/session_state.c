/* What sessions keep, and how it is written.
 *
 *   0 rows      partition | time | row bytes -> u8 1 | varint count
 *   1 spans     partition | last             -> u8 1 | svarint start
 *                                               | svarint anchor | varint n
 *   2 closing   i64 last | partition         -> ""
 *   3 anchors   i64 anchor | partition       -> ""         (ANCHOR)
 *   4 meta      ""                           -> u8 1 | i64 closed
 *
 * Partition, time and last are key bytes, i64 is big endian and in order.
 * Spans are found by their last row, not their first: what closed stands
 * before it, so that no look-up walks over what was deleted.  Closing and the
 * lowest anchor are a look at the front of their tables.
 */
#include "processors/operators/session.h"

static int corrupt(const cu_sessions *s, cu_err *err)
{
    return cu_fail(err, CU_CORRUPT, 0,
                   "%s (node %u): a stored value does not check out",
                   s->op.vt->name, s->op.node->id);
}

cu_span *cu_spans_add(cu_spans *list, cu_span p)
{
    if (list->n == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 16;
        list->at = cu_realloc(list->at, list->cap * sizeof(*list->at));
    }
    list->at[list->n] = p;
    return &list->at[list->n++];
}

cu_slice cu_session_key(cu_sessions *s, int64_t time)
{
    cu_buf_clear(&s->key);
    cu_buf_put_slice(&s->key, s->part);
    cu_instant_key(s->type, time, &s->key);
    return cu_buf_slice(&s->key);
}

cu_slice cu_session_after(cu_sessions *s, int64_t time)
{
    cu_buf_clear(&s->hi);
    cu_buf_put_slice(&s->hi, s->part);
    cu_instant_key(s->type, time, &s->hi);
    bool has = cu_key_after_prefix(&s->hi);
    CU_ASSERT(has); /* a tag is never 0xFF */
    return cu_buf_slice(&s->hi);
}

/* --- rows ---------------------------------------------------------------- */

int cu_session_count(cu_sessions *s, cu_slice value, int64_t *count,
                     cu_err *err)
{
    *count = 0;
    if (!value.data)
        return 0;
    cu_scan in = cu_scan_of(value);
    uint8_t version = cu_scan_u8(&in);
    *count = (int64_t)cu_scan_varint(&in);
    if (in.bad || version != CU_SESSION_VERSION || *count <= 0)
        return corrupt(s, err);
    return 0;
}

void cu_session_put_row(cu_sessions *s, cu_slice key, int64_t count,
                        bool absent)
{
    if (count == 0) {
        cu_table_del(s->rows, key);
        return;
    }
    cu_buf_clear(&s->value);
    cu_buf_put_u8(&s->value, CU_SESSION_VERSION);
    cu_buf_put_varint(&s->value, (uint64_t)count);
    if (absent)
        cu_table_put_new(s->rows, key, cu_buf_slice(&s->value));
    else
        cu_table_put(s->rows, key, cu_buf_slice(&s->value));
}

int cu_session_emit(cu_sessions *s, cu_slice row, int64_t weight, int64_t a,
                    int64_t b, cu_err *err)
{
    int rc = 0;
    while (weight && !rc) {
        int32_t w = weight > INT32_MAX    ? INT32_MAX
                    : weight < -INT32_MAX ? -INT32_MAX
                                          : (int32_t)weight;
        rc = cu_outbox_room(&s->out, 1, err);
        if (rc)
            return rc;
        /* The bytes are a table's, which changes before the flush. */
        rc = cu_outbox_row(&s->out, cu_arena_slice(s->out.arena, row), w, err);
        if (rc)
            return rc;
        cu_batch *to = s->out.batch;
        cu_instant_put(to, to->n_cols - (s->final ? 2 : 1), a);
        if (s->final)
            cu_instant_put(to, to->n_cols - 1, b);
        weight -= w;
    }
    return rc;
}

/* --- spans --------------------------------------------------------------- */

int cu_session_read(cu_sessions *s, cu_slice value, int64_t last, cu_span *out,
                    cu_err *err)
{
    cu_scan in = cu_scan_of(value);
    uint8_t version = cu_scan_u8(&in);
    out->start = cu_scan_svarint(&in);
    out->anchor = cu_scan_svarint(&in);
    out->n = cu_scan_varint(&in);
    out->last = last;
    if (in.bad || version != CU_SESSION_VERSION || out->start > last)
        return corrupt(s, err);
    return 0;
}

int cu_session_load(cu_sessions *s, int64_t from, int64_t to, cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value, hi = CU_NULL_SLICE;
    int64_t low = cu_instant_add(from, -s->gap), last = 0;
    int64_t high = cu_instant_add(to, s->gap);
    cu_spans *l = &s->loaded;
    if (l->n && l->at[l->n - 1].last >= low)
        low = l->at[l->n - 1].last;
    cu_buf_clear(&s->hi);
    cu_buf_put_slice(&s->hi, s->part);
    if (s->part.len && cu_key_after_prefix(&s->hi))
        hi = cu_buf_slice(&s->hi);
    int rc = cu_table_scan(s->spans, cu_session_key(s, low), hi, false, &it,
                           err);
    if (rc)
        return rc;
    while (!rc && cu_table_iter_next(it, &key, &value)) {
        cu_span p;
        bool has = cu_instant_of_key(
            s->type, cu_slice_n(key.data + s->part.len, key.len - s->part.len),
            &last);
        s->steps++;
        rc = has ? cu_session_read(s, value, last, &p, err) : corrupt(s, err);
        if (rc || p.start >= high)
            break;
        if (last > low)
            cu_spans_add(l, p);
    }
    int closed = cu_table_iter_close(it, rc ? NULL : err);
    return rc ? rc : closed;
}

static cu_slice by_time(cu_sessions *s, int64_t time)
{
    cu_buf_clear(&s->key);
    cu_instant_put_be(&s->key, time);
    cu_buf_put_slice(&s->key, s->part);
    return cu_buf_slice(&s->key);
}

void cu_session_span_del(cu_sessions *s, const cu_span *p)
{
    cu_table_del(s->spans, cu_session_key(s, p->last));
    cu_table_del(s->closing, by_time(s, p->last));
    if (!s->final && cu_span_holds(p, p->anchor))
        cu_table_del(s->anchors, by_time(s, p->anchor));
}

static void put_span(cu_sessions *s, const cu_span *p)
{
    cu_buf_clear(&s->value);
    cu_buf_put_u8(&s->value, CU_SESSION_VERSION);
    cu_buf_put_svarint(&s->value, p->start);
    cu_buf_put_svarint(&s->value, p->anchor);
    cu_buf_put_varint(&s->value, p->n);
    cu_table_put(s->spans, cu_session_key(s, p->last), cu_buf_slice(&s->value));
}

/* The first at or after `k` whose last row is not before `time`. */
static uint32_t seek_last(const cu_spans *l, uint32_t k, int64_t time)
{
    while (k < l->n && l->at[k].last < time)
        k++;
    return k;
}

/* The same by the anchor, among those that hold theirs. */
static uint32_t seek_anchor(const cu_spans *l, uint32_t k, int64_t time)
{
    while (k < l->n && (!cu_span_holds(&l->at[k], l->at[k].anchor) ||
                        l->at[k].anchor < time))
        k++;
    return k;
}

/* The anchors of `of` that `than` has not. */
static void each_anchor(cu_sessions *s, const cu_spans *of,
                        const cu_spans *than, bool del)
{
    for (uint32_t i = 0, k = 0; i < of->n; i++) {
        int64_t anchor = of->at[i].anchor;
        if (!cu_span_holds(&of->at[i], anchor))
            continue;
        k = seek_anchor(than, k, anchor);
        if (k < than->n && than->at[k].anchor == anchor)
            continue;
        if (del) {
            cu_table_del(s->anchors, by_time(s, anchor));
            continue;
        }
        cu_table_put(s->anchors, by_time(s, anchor), CU_LIT(""));
        s->anchor_low = anchor < s->anchor_low ? anchor : s->anchor_low;
    }
}

/* What is in both lists under the same key is not deleted and put. */
void cu_session_save(cu_sessions *s)
{
    const cu_spans *old = &s->loaded, *now = &s->kept;
    for (uint32_t i = 0, k = 0; i < old->n; i++) {
        int64_t last = old->at[i].last;
        k = seek_last(now, k, last);
        if (k < now->n && now->at[k].last == last)
            continue;
        cu_table_del(s->spans, cu_session_key(s, last));
        cu_table_del(s->closing, by_time(s, last));
    }
    for (uint32_t i = 0, k = 0; i < now->n; i++) {
        const cu_span *p = &now->at[i];
        k = seek_last(old, k, p->last);
        bool same = k < old->n && old->at[k].last == p->last;
        if (!same) {
            cu_table_put(s->closing, by_time(s, p->last), CU_LIT(""));
            s->close_low = p->last < s->close_low ? p->last : s->close_low;
        }
        if (!same || memcmp(&old->at[k], p, sizeof(*p)) != 0)
            put_span(s, p);
    }
    if (s->final)
        return;
    each_anchor(s, old, now, true);
    each_anchor(s, now, old, false);
}
