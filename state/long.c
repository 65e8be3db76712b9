/* Long values: rows that no record of the changelog can hold.
 *
 * An aggregate may keep more of a group than a topic takes in one record.
 * Such a row goes there in pieces, each a record of its own:
 *
 *   key    FF FE | commit u64be | nth u32be | piece u32be
 *   piece  1 … n   the next bytes of   table u16be | lslice key | value
 *   piece  0       u8 1 | varint n | varint bytes | u64le hash    last of all
 *
 * (commit, nth) is a *slot*: the sequence of the commit and a number in it.
 * Every version of a row gets a fresh one, so the pieces of one version never
 * stand under the keys of another, whatever compaction has left of either.  The
 * kv holds the row whole, and beside it which slot its record is in:
 *
 *   table FF FE, key commit u64be | nth u32be  ->  varint n | table | key
 *                                                  varint 0: pieces missing
 *
 * What a commit writes for a row whose last version is in slot o:
 *
 *   still long     the pieces in a new slot, then tombstones for o
 *   short again    the row's own record, then tombstones for o
 *   deleted        tombstones for o
 * and for one that gets long, a tombstone for its own record first.
 *
 * Reading it back, in the order of the log:
 *
 *   B1 a row is in at most one slot: its newest record, long or not, says so.
 *   B2 a tombstone of piece 0 deletes the row only if that slot still has it.
 *   B3 pieces stand side by side; whatever comes in between ends them.  A
 *      position between them is not kept: reading goes on from piece 1.
 *   B4 piece 0 without its pieces is what compaction leaves of a version that
 *      is gone: its tombstone is still to come.  One that stays like that to
 *      the end of the changelog is damage.
 */
#include "state/long.h"

#include "base/alloc.h"
#include "base/assert.h"

enum {
    HEAD_VERSION = 1,
    SLOT_BYTES = 12,
    FIRST_PIECE = 512 << 10,
    LEAST_PIECE = 64,
};

/* A row in a slot; without a row the slot lacks pieces. */
typedef struct long_row {
    uint32_t pieces;
    char slot[SLOT_BYTES];
    size_t row_len;
    char row[]; /* table u16be | key */
} long_row;

struct cu_longs {
    cu_omap *by_row;  /* -> long_row */
    cu_omap *by_slot; /* -> long_row, which this one owns */
    size_t n_missing;
    /* The open commit: slots that come, and those that go. */
    long_row **coming;
    char (*going)[SLOT_BYTES];
    size_t n_coming, cap_coming, n_going, cap_going;
    uint32_t nth;
    /* Pieces that wait for their piece 0. */
    bool gathering;
    char slot[SLOT_BYTES];
    uint32_t n_gathered;
    int64_t since; /* offset of piece 1 */
    cu_buf gathered, record;
    size_t piece_bytes;
};

static cu_longs *longs_of(cu_space *s)
{
    if (s->longs == NULL) {
        s->longs = cu_calloc(1, sizeof(*s->longs));
        s->longs->by_row = cu_omap_new();
        s->longs->by_slot = cu_omap_new();
        s->longs->piece_bytes = FIRST_PIECE;
    }
    return s->longs;
}

static cu_slice slot_of(const long_row *l)
{
    return cu_slice_n(l->slot, SLOT_BYTES);
}

static cu_slice row_of(const long_row *l)
{
    return cu_slice_n(l->row, l->row_len);
}

static long_row *find(const cu_omap *m, cu_slice key)
{
    cu_onode *n = cu_omap_get(m, key);
    return n ? cu_onode_value(n) : NULL;
}

static long_row *row_new(cu_slice slot, cu_slice row, uint32_t pieces)
{
    long_row *l = cu_calloc(1, sizeof(*l) + row.len);
    l->pieces = pieces;
    l->row_len = row.len;
    memcpy(l->slot, slot.data, SLOT_BYTES);
    if (row.len)
        memcpy(l->row, row.data, row.len);
    return l;
}

static void forget(cu_longs *g, long_row *l)
{
    if (l == NULL)
        return;
    if (l->row_len && find(g->by_row, row_of(l)) == l)
        cu_omap_del(g->by_row, row_of(l));
    if (l->row_len == 0)
        g->n_missing--;
    cu_omap_del(g->by_slot, slot_of(l));
    cu_free(l);
}

/* B1 */
static void remember(cu_longs *g, long_row *l)
{
    bool fresh;
    forget(g, find(g->by_slot, slot_of(l)));
    if (l->row_len) {
        forget(g, find(g->by_row, row_of(l)));
        cu_onode_set(cu_omap_put(g->by_row, row_of(l), &fresh), l);
    } else {
        g->n_missing++;
    }
    cu_onode_set(cu_omap_put(g->by_slot, slot_of(l), &fresh), l);
}

void cu_long_free(cu_space *s)
{
    cu_longs *g = s->longs;
    if (g == NULL)
        return;
    cu_long_revert(s);
    cu_onode *n = cu_omap_seek(g->by_slot, CU_LIT(""), false);
    for (; n; n = cu_onode_next(n))
        cu_free(cu_onode_value(n));
    cu_omap_free(g->by_row);
    cu_omap_free(g->by_slot);
    cu_free(g->coming);
    cu_free(g->going);
    cu_buf_free(&g->gathered);
    cu_buf_free(&g->record);
    cu_free(g);
    s->longs = NULL;
}

/* --- the kv --------------------------------------------------------------- */

static void kv_put(cu_space *s, const long_row *l, cu_kv_batch *out)
{
    cu_buf value = {0};
    cu_buf_put_varint(&value, l->pieces);
    cu_buf_put_slice(&value, row_of(l));
    cu_buf_clear(&s->scratch);
    cu_space_put_key(s, LONG_TABLE, slot_of(l), &s->scratch);
    cu_kv_batch_put(out, cu_buf_slice(&s->scratch), cu_buf_slice(&value));
    cu_buf_free(&value);
}

static void kv_del(cu_space *s, cu_slice slot, cu_kv_batch *out)
{
    cu_buf_clear(&s->scratch);
    cu_space_put_key(s, LONG_TABLE, slot, &s->scratch);
    cu_kv_batch_del(out, cu_buf_slice(&s->scratch));
}

int cu_long_load(cu_space *s, cu_err *err)
{
    cu_kv *kv = s->store->kv;
    cu_kv_iter *it;
    cu_slice key, value;
    cu_buf lo = {0}, hi = {0};
    cu_space_bounds(s, LONG_TABLE, &lo, &hi);
    int rc = kv->vt->iter(kv, cu_buf_slice(&lo), cu_buf_slice(&hi), &it, err);
    cu_buf_free(&lo);
    cu_buf_free(&hi);
    if (rc)
        return rc;
    while (kv->vt->iter_next(it, &key, &value)) {
        cu_scan scan = cu_scan_of(value);
        uint32_t pieces = (uint32_t)cu_scan_varint(&scan);
        cu_slice slot = {key.data + KEY_PREFIX_BYTES,
                         key.len - KEY_PREFIX_BYTES};
        if (slot.len == SLOT_BYTES && !scan.bad)
            remember(
                longs_of(s),
                row_new(slot, cu_slice_n(scan.p, cu_scan_left(&scan)), pieces));
    }
    return kv->vt->iter_close(it, err);
}

/* --- the commit ----------------------------------------------------------- */

static void piece_key(cu_space *s, cu_slice slot, uint32_t piece)
{
    cu_buf_clear(&s->scratch);
    cu_buf_put_u16be(&s->scratch, LONG_TABLE);
    cu_buf_put_slice(&s->scratch, slot);
    cu_buf_put_u32be(&s->scratch, piece);
}

static int append_piece(cu_space *s, cu_writer *w, cu_record *r, cu_slice slot,
                        uint32_t piece, cu_slice value, cu_err *err)
{
    piece_key(s, slot, piece);
    r->key = cu_buf_slice(&s->scratch);
    r->value = value;
    return cu_log_append(w, r, err);
}

/* Piece 0 first: without it the others say nothing. */
static int bury(cu_space *s, cu_writer *w, cu_record *r, const long_row *l,
                cu_err *err)
{
    cu_longs *g = s->longs;
    int rc = 0;
    for (uint32_t piece = 0; rc == 0 && piece <= l->pieces; piece++)
        rc = append_piece(s, w, r, slot_of(l), piece, CU_NULL_SLICE, err);
    if (rc)
        return rc;
    if (g->n_going == g->cap_going) {
        g->cap_going = g->cap_going ? 2 * g->cap_going : 8;
        g->going = cu_realloc(g->going, g->cap_going * sizeof(*g->going));
    }
    memcpy(g->going[g->n_going++], l->slot, SLOT_BYTES);
    return 0;
}

/* The body in pieces that the topic takes: the first size that fits stays. */
static int append_body(cu_space *s, cu_writer *w, cu_record *r, cu_slice slot,
                       uint32_t *pieces, cu_err *err)
{
    cu_longs *g = s->longs;
    cu_slice body = cu_buf_slice(&g->record);
    size_t at = 0;
    *pieces = 0;
    while (at < body.len) {
        size_t n = body.len - at;
        n = n < g->piece_bytes ? n : g->piece_bytes;
        int rc = append_piece(s, w, r, slot, *pieces + 1,
                              cu_slice_n(body.data + at, n), err);
        if (cu_long_too_large(rc, err) && g->piece_bytes > LEAST_PIECE) {
            g->piece_bytes /= 2;
            cu_err_clear(err);
            continue;
        }
        if (rc)
            return rc;
        at += n;
        ++*pieces;
    }
    return 0;
}

static int append_head(cu_space *s, cu_writer *w, cu_record *r, cu_slice slot,
                       uint32_t pieces, cu_err *err)
{
    cu_buf head = {0};
    cu_slice body = cu_buf_slice(&s->longs->record);
    cu_buf_put_u8(&head, HEAD_VERSION);
    cu_buf_put_varint(&head, pieces);
    cu_buf_put_varint(&head, body.len);
    cu_buf_put_u64le(&head, cu_hash(body));
    int rc = append_piece(s, w, r, slot, 0, cu_buf_slice(&head), err);
    cu_buf_free(&head);
    return rc;
}

static int append_long(cu_space *s, cu_writer *w, cu_record *r, const entry *e,
                       uint64_t sequence, cu_err *err)
{
    cu_longs *g = s->longs;
    cu_slice key = cu_onode_key(e->node);
    cu_buf slot = {0};
    uint32_t pieces;
    cu_buf_put_u64be(&slot, sequence);
    cu_buf_put_u32be(&slot, g->nth++);
    cu_buf_clear(&g->record);
    cu_buf_put_u16be(&g->record, e->table->number);
    cu_buf_put_lslice(&g->record, key);
    cu_buf_put_slice(&g->record, current_of(e));
    int rc = append_body(s, w, r, cu_buf_slice(&slot), &pieces, err);
    if (rc == 0)
        rc = append_head(s, w, r, cu_buf_slice(&slot), pieces, err);
    if (rc == 0) {
        if (g->n_coming == g->cap_coming) {
            g->cap_coming = g->cap_coming ? 2 * g->cap_coming : 8;
            g->coming = cu_realloc(g->coming,
                                   g->cap_coming * sizeof(*g->coming));
        }
        cu_buf_clear(&g->record);
        cu_buf_put_u16be(&g->record, e->table->number);
        cu_buf_put_slice(&g->record, key);
        g->coming[g->n_coming++] = row_new(cu_buf_slice(&slot),
                                           cu_buf_slice(&g->record), pieces);
    }
    cu_buf_free(&slot);
    return rc;
}

/* Its own record would come back when the pieces are gone. A key that does
 * not fit never had one. */
static int bury_short(cu_writer *w, cu_record *r, cu_err *err)
{
    r->value = CU_NULL_SLICE;
    int rc = cu_log_append(w, r, err);
    if (!cu_long_too_large(rc, err))
        return rc;
    cu_err_clear(err);
    return 0;
}

bool cu_long_too_large(int rc, const cu_err *err)
{
    return rc == CU_LIMIT && !(err->flags & CU_ABORT);
}

int cu_long_append(cu_space *s, cu_writer *w, cu_record *r, const entry *e,
                   uint64_t sequence, cu_err *err)
{
    const long_row *old = s->longs ? find(s->longs->by_row, r->key) : NULL;
    int rc = 0;
    if (e->current || !old)
        rc = cu_log_append(w, r, err);
    if (cu_long_too_large(rc, err)) {
        longs_of(s);
        cu_err_clear(err);
        rc = old ? 0 : bury_short(w, r, err);
        if (rc == 0 && e->current)
            rc = append_long(s, w, r, e, sequence, err);
    }
    return rc || !old ? rc : bury(s, w, r, old, err);
}

void cu_long_to_batch(cu_space *s, cu_kv_batch *out)
{
    const cu_longs *g = s->longs;
    for (size_t i = 0; g && i < g->n_going; i++)
        kv_del(s, cu_slice_n(g->going[i], SLOT_BYTES), out);
    for (size_t i = 0; g && i < g->n_coming; i++)
        kv_put(s, g->coming[i], out);
}

void cu_long_committed(cu_space *s)
{
    cu_longs *g = s->longs;
    if (g == NULL)
        return;
    for (size_t i = 0; i < g->n_going; i++)
        forget(g, find(g->by_slot, cu_slice_n(g->going[i], SLOT_BYTES)));
    for (size_t i = 0; i < g->n_coming; i++)
        remember(g, g->coming[i]);
    g->n_coming = g->n_going = 0;
    g->nth = 0;
}

void cu_long_revert(cu_space *s)
{
    cu_longs *g = s->longs;
    if (g == NULL)
        return;
    for (size_t i = 0; i < g->n_coming; i++)
        cu_free(g->coming[i]);
    g->n_coming = g->n_going = 0;
    g->nth = 0;
}

/* --- restore -------------------------------------------------------------- */

static void begin_gathering(cu_longs *g, cu_slice slot, int64_t offset)
{
    g->gathering = true;
    g->n_gathered = 0;
    g->since = offset;
    memcpy(g->slot, slot.data, SLOT_BYTES);
    cu_buf_clear(&g->gathered);
}

static void gather(cu_longs *g, cu_slice slot, uint32_t piece,
                   const cu_record *r)
{
    if (piece == 1 && r->value.data)
        begin_gathering(g, slot, r->offset);
    bool next = g->gathering && r->value.data && piece == g->n_gathered + 1 &&
                cu_slice_eq(slot, cu_slice_n(g->slot, SLOT_BYTES));
    if (next) {
        g->n_gathered++;
        cu_buf_put_slice(&g->gathered, r->value);
    } else {
        g->gathering = false;
    }
}

/* What piece 0 says of those before it. */
static bool complete(const cu_longs *g, cu_slice slot, cu_slice head)
{
    cu_scan scan = cu_scan_of(head);
    cu_slice body = cu_buf_slice(&g->gathered);
    return g->gathering && cu_slice_eq(slot, cu_slice_n(g->slot, SLOT_BYTES)) &&
           cu_scan_u8(&scan) == HEAD_VERSION &&
           cu_scan_varint(&scan) == g->n_gathered &&
           cu_scan_varint(&scan) == body.len &&
           cu_scan_u64le(&scan) == cu_hash(body) && !scan.bad;
}

static void row_key(cu_space *s, cu_slice row)
{
    cu_scan scan = cu_scan_of(row);
    uint16_t table = cu_scan_u16be(&scan);
    cu_buf_clear(&s->scratch);
    cu_space_put_key(s, table, cu_slice_n(scan.p, cu_scan_left(&scan)),
                     &s->scratch);
}

/* The row is in another slot, or in none, from here on. */
static void leave(cu_space *s, long_row *old)
{
    if (old == NULL)
        return;
    kv_del(s, slot_of(old), &s->restoring);
    forget(s->longs, old);
}

static void restore_whole(cu_space *s, cu_slice slot)
{
    cu_longs *g = s->longs;
    cu_scan scan = cu_scan_of(cu_buf_slice(&g->gathered));
    uint16_t table = cu_scan_u16be(&scan);
    cu_slice key = cu_scan_lslice(&scan);
    if (scan.bad)
        return;
    cu_buf_clear(&g->record);
    cu_buf_put_u16be(&g->record, table);
    cu_buf_put_slice(&g->record, key);
    cu_slice row = cu_buf_slice(&g->record);
    leave(s, find(g->by_row, row));
    long_row *l = row_new(slot, row, g->n_gathered);
    remember(g, l);
    kv_put(s, l, &s->restoring);
    row_key(s, row);
    cu_kv_batch_put(&s->restoring, cu_buf_slice(&s->scratch),
                    cu_slice_n(scan.p, cu_scan_left(&scan)));
}

/* B2 */
static void restore_buried(cu_space *s, cu_slice slot)
{
    long_row *old = find(s->longs->by_slot, slot);
    cu_buf_clear(&s->scratch);
    if (old == NULL)
        return;
    bool has_row = old->row_len > 0;
    cu_buf_clear(&s->longs->record);
    cu_buf_put_slice(&s->longs->record, row_of(old));
    leave(s, old);
    cu_buf_clear(&s->scratch);
    if (!has_row)
        return;
    row_key(s, cu_buf_slice(&s->longs->record));
    cu_kv_batch_del(&s->restoring, cu_buf_slice(&s->scratch));
}

int cu_long_restore(cu_space *s, const cu_record *r, cu_err *err)
{
    cu_longs *g = longs_of(s);
    cu_scan scan = cu_scan_of(r->key);
    cu_scan_u16be(&scan);
    cu_slice slot = cu_scan_bytes(&scan, SLOT_BYTES);
    uint32_t piece = cu_scan_u32be(&scan);
    if (scan.bad || cu_scan_left(&scan) > 0)
        return cu_fail(err, CU_CORRUPT, 0,
                       "record %lld of %s is no piece of a long row",
                       (long long)r->offset, r->part.topic);
    cu_buf_clear(&s->scratch);
    if (piece > 0) {
        gather(g, slot, piece, r);
        return 0;
    }
    if (!r->value.data) {
        restore_buried(s, slot);
    } else if (complete(g, slot, r->value)) {
        restore_whole(s, slot);
    } else { /* B4 */
        long_row *l = row_new(slot, CU_NULL_SLICE, 0);
        remember(g, l);
        kv_put(s, l, &s->restoring);
        cu_buf_clear(&s->scratch);
    }
    g->gathering = false;
    return 0;
}

void cu_long_interrupt(cu_space *s, cu_slice row)
{
    if (s->longs == NULL)
        return;
    s->longs->gathering = false;
    leave(s, find(s->longs->by_row, row));
}

int64_t cu_long_position(const cu_space *s, int64_t position)
{
    const cu_longs *g = s->longs;
    return g && g->gathering && g->since < position ? g->since : position;
}

int cu_space_whole(const cu_space *s, cu_err *err)
{
    const cu_longs *g = s->longs;
    if (g == NULL || g->n_missing == 0)
        return 0;
    return cu_fail(err, CU_CORRUPT, 0,
                   "%zu long rows of the changelog lack pieces: records were "
                   "deleted from it; reset the app's offsets to make its views "
                   "anew",
                   g->n_missing);
}
