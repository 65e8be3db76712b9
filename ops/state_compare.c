/* One state against its changelog: the parts of `cupel state verify`.
 *
 *   changelog   0 … applied ……… end
 *   here        ├── fold ──┤
 *   restored    ├────── fold ──────┤
 *
 * A changelog is compacted, so what it was at `applied` can no longer be read;
 * but what the records behind `applied` say is the same for both sides.  So
 * the restored one is the fold to the end, the keys of those records are
 * marked, and every other row must be the same here and there.
 */
#include "ops/state.h"

#include "base/assert.h"

enum { PREFIX = 7, LONG = 0xFFFE, WRITE_BYTES = 4 << 20, POLL_MS = 200 };

typedef struct reading {
    cu_kv *kv;
    cu_space *into;
    int64_t applied;
    cu_kv_batch marks;
    cu_buf key;
} reading;

static int take(reading *r, const cu_poll *p, cu_err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->n; i++) {
        const cu_record *rec = &p->records[i];
        rc = cu_space_restore(r->into, rec, err);
        cu_slice row = cu_space_restored_row(r->into);
        if (rc || rec->offset < r->applied || !row.data)
            continue;
        cu_buf_clear(&r->key);
        cu_buf_put_u8(&r->key, 'T');
        cu_buf_put_slice(&r->key, row);
        cu_kv_batch_put(&r->marks, cu_buf_slice(&r->key), CU_LIT(""));
    }
    return rc;
}

static int write(reading *r, int64_t next, cu_err *err)
{
    int rc = cu_space_restored(r->into, next, err);
    if (rc == 0 && r->marks.n_ops)
        rc = r->kv->vt->write(r->kv, &r->marks, false, err);
    cu_kv_batch_clear(&r->marks);
    return rc;
}

static int read_all(reading *r, cu_reader *from, cu_part part, int64_t at,
                    int64_t end, cu_err *err)
{
    int rc = 0;
    while (rc == 0 && at < end) {
        cu_poll p;
        rc = cu_log_poll(from, POLL_MS, &p, err);
        if (rc == 0 && p.kind == CU_POLL_RECORDS)
            rc = take(r, &p, err);
        if (rc == 0 && (p.kind == CU_POLL_RECORDS || p.kind == CU_POLL_END) &&
            cu_part_eq(p.part, part))
            at = p.next;
        if (rc == 0 && cu_space_restoring_bytes(r->into) >= WRITE_BYTES)
            rc = write(r, at, err);
    }
    if (rc == 0)
        rc = write(r, at, err);
    return rc ? rc : cu_space_whole(r->into, err);
}

int cu_verify_read(cu_log *log, cu_part changelog, int64_t applied, cu_kv *kv,
                   cu_space *into, int64_t *end, cu_err *err)
{
    reading r = {.kv = kv, .into = into, .applied = applied};
    cu_position at = {.part = changelog};
    cu_reader *from;
    int rc = log->vt->end_offset(log, changelog, false, end, err);
    if (rc == 0)
        rc = log->vt->offset_at(log, changelog, CU_OLDEST, &at.next, err);
    if (rc)
        return rc;
    cu_reader_opts o = {.parts = &at, .n_parts = 1};
    rc = log->vt->reader_open(log, &o, &from, err);
    if (rc)
        return rc;
    rc = read_all(&r, from, changelog, at.next, *end, err);
    from->vt->reader_close(from);
    cu_kv_batch_free(&r.marks);
    cu_buf_free(&r.key);
    return rc;
}

/* --- comparing ------------------------------------------------------------ */

typedef struct side {
    cu_kv *kv;
    cu_kv_iter *it;
    bool more;
    cu_slice key, value; /* key: table and key */
} side;

static void put_bound(uint32_t stage, uint16_t partition, uint16_t table,
                      cu_buf *out)
{
    cu_buf_clear(out);
    cu_buf_put_u8(out, 'S');
    cu_buf_put_u32be(out, stage);
    cu_buf_put_u16be(out, partition);
    cu_buf_put_u16be(out, table);
}

static void advance(side *s)
{
    s->more = s->kv->vt->iter_next(s->it, &s->key, &s->value);
    if (s->more)
        s->key = cu_slice_n(s->key.data + PREFIX, s->key.len - PREFIX);
}

static int open_side(side *s, uint32_t stage, uint16_t partition, cu_err *err)
{
    cu_buf lo = {0}, hi = {0};
    put_bound(stage, partition, 0, &lo);
    put_bound(stage, partition, LONG, &hi);
    int rc = s->kv->vt->iter(s->kv, cu_buf_slice(&lo), cu_buf_slice(&hi),
                             &s->it, err);
    cu_buf_free(&lo);
    cu_buf_free(&hi);
    if (rc == 0)
        advance(s);
    return rc;
}

static int marked(cu_kv *kv, cu_slice key, cu_arena *a, bool *out, cu_err *err)
{
    cu_buf at = {0};
    cu_slice value;
    cu_buf_put_u8(&at, 'T');
    cu_buf_put_slice(&at, key);
    int rc = kv->vt->get(kv, cu_buf_slice(&at), a, &value, err);
    *out = rc == 0 && value.data;
    cu_buf_free(&at);
    return rc;
}

static void differ(cu_verdict *v, cu_slice key, const side *here,
                   const side *there, cu_arena *a)
{
    cu_scan s = cu_scan_of(key);
    v->same = false;
    v->table = cu_scan_u16be(&s);
    v->key = cu_arena_slice(a, cu_slice_n(s.p, cu_scan_left(&s)));
    if (here)
        v->here = cu_arena_slice(a, here->value);
    if (there)
        v->there = cu_arena_slice(a, there->value);
}

static int merge(side *here, side *there, cu_arena *a, cu_verdict *v,
                 cu_err *err)
{
    int rc = 0;
    while (rc == 0 && v->same && (here->more || there->more)) {
        int order = !here->more    ? 1
                    : !there->more ? -1
                                   : cu_slice_cmp(here->key, there->key);
        cu_slice key = order <= 0 ? here->key : there->key;
        bool excused = false;
        if (order || !cu_slice_eq(here->value, there->value)) {
            rc = marked(there->kv, key, a, &excused, err);
            if (rc == 0 && !excused)
                differ(v, key, order <= 0 ? here : NULL,
                       order >= 0 ? there : NULL, a);
        }
        v->rows += order >= 0;
        if (order <= 0 && v->same)
            advance(here);
        if (order >= 0 && v->same)
            advance(there);
    }
    return rc;
}

int cu_verify_compare(cu_kv *here, uint32_t stage, uint16_t partition,
                      cu_kv *there, uint32_t there_stage, cu_arena *a,
                      cu_verdict *out, cu_err *err)
{
    side h = {.kv = here}, t = {.kv = there};
    *out = (cu_verdict){.same = true};
    int rc = open_side(&h, stage, partition, err);
    if (rc == 0)
        rc = open_side(&t, there_stage, 0, err);
    if (rc == 0)
        rc = merge(&h, &t, a, out, err);
    if (h.it) {
        int closed = here->vt->iter_close(h.it, rc ? NULL : err);
        rc = rc ? rc : closed;
    }
    if (t.it) {
        int closed = there->vt->iter_close(t.it, rc ? NULL : err);
        rc = rc ? rc : closed;
    }
    return rc;
}
