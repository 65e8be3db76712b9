/* Normalize: upserts and snapshots become deltas.
 *
 *   push +1 row   the key's row is now this       (a second one replaces it)
 *   push -1 row   the key has no row now          (only key columns count)
 *   commit        per key, in order: -old +new; nothing when they are equal
 *
 * State, table 0: key bytes -> cell
 *
 *   u8 1 | u8 flags | [varint count | lslice row]  current  (flag 1)
 *                   | [varint count | lslice row]  staged   (flag 2)
 *                   | [varint snapshot]            seen in  (flag 4)
 *
 * Without a key the row bytes are the key, `row` is empty and `count` says
 * how often the row stands in the table.  State, table 1: "" -> whether a
 * snapshot runs, its number, how many rows it has had, and its date:
 *
 *   u8 2 | u8 flags | varint number | varint rows [| svarint us]
 *          1 running, 2 a row was rejected, 4 dated
 *
 * A snapshot that fits between two commits lives in memory (`seen`).  When a
 * commit cuts it, `seen` is written as staged rows and marks with the
 * snapshot's number; old marks need no cleaning because numbers only grow.
 * The end compares marks and memory with the table and turns the difference
 * into changes, which leave at the commit like all others (`changes`).
 *
 * Comparing rows of snapshots leaves metadata columns out: the file's name
 * and line differ in every snapshot.  Which snapshot a row's are from must not
 * depend on how many end in one commit: there changes leave at the end.
 *
 * `all_versions`: for operators that want every change and not their sum.
 * The changes of a push leave within the push, in arrival order, those of a
 * snapshot when it ends, in key order.
 *
 * V1 The -old and +new of a change are adjacent in one batch.
 * V2 A batch has at most one change per key.  So -old without +new in its
 *    batch is a delete, whatever filters and projections stand in between.
 */
#include "processors/operators/normalize.h"

#include "processors/operators/instant.h"
#include "processors/operators/int.h"
#include "processors/operators/keyset.h"
#include "processors/plan/program.h"

enum { VERSION = 1, META_VERSION = 2, CHUNK = 1024 };
enum { RUNNING = 1, FAULTY = 2, DATED = 4 };
enum { HAS_CURRENT = 1, HAS_STAGED = 2, HAS_SEEN = 4 };

/* A row, or how many of it; count 0: none. */
typedef struct holding {
    int64_t count;
    cu_slice row;
} holding;

typedef struct cell {
    holding current, staged;
    uint64_t seen; /* 0: never */
} cell;

typedef struct touched_key {
    cu_keyrec rec;
    holding now;
    size_t cap; /* of now.row's memory */
} touched_key;

typedef struct normalize {
    cu_op op;
    cu_table *table, *meta;
    cu_key_col *key;
    uint32_t n_key;
    uint16_t *compared; /* columns that count; NULL: all */
    uint32_t n_compared;
    cu_keys keys;
    cu_touched changes, seen;
    bool at_once; /* all_versions */
    bool running, faulty, meta_changed;
    uint64_t number, rows; /* of the snapshot */
    uint16_t date_col;     /* + 1: the newest of it is the snapshot's date */
    bool dated;
    int64_t date_us;
    uint64_t spilled; /* rows of it that are in the state */
    cu_buf scratch;
    cu_outbox out;
    cu_held_mark mark;
} normalize;

/* --- open ---------------------------------------------------------------- */

static bool is_metadata(cu_from from)
{
    switch (from) {
    case CU_FROM_TOPIC:
    case CU_FROM_PARTITION:
    case CU_FROM_OFFSET:
    case CU_FROM_TIMESTAMP:
    case CU_FROM_RAW_KEY:
    case CU_FROM_HEADERS:
    case CU_FROM_FILE:
    case CU_FROM_LINE:
        return true;
    case CU_FROM_VALUE:
    case CU_FROM_KEY:
    case CU_FROM_HEADER:
    case CU_FROM_NOTHING:
        break;
    }
    return false;
}

static void find_compared(normalize *z, const cu_table_def *t)
{
    uint32_t n = z->op.node->schema->n;
    if (!t || t->codec.n_cols < n ||
        (t->mode != CU_MODE_SNAPSHOT && !z->at_once))
        return;
    z->compared = cu_calloc(n, sizeof(*z->compared));
    for (uint32_t i = 0; i < n; i++)
        if (!is_metadata(t->codec.cols[i].from))
            z->compared[z->n_compared++] = (uint16_t)i;
    if (z->n_compared == n) {
        cu_free(z->compared);
        z->compared = NULL;
    }
}

static int corrupt(const normalize *z, cu_err *err)
{
    return cu_fail(err, CU_CORRUPT, 0,
                   "%s (node %u): a stored value does not check out",
                   z->op.vt->name, z->op.node->id);
}

static int read_meta(normalize *z, cu_err *err)
{
    cu_slice value;
    int rc = cu_table_get(z->meta, CU_LIT(""), &value, err);
    if (rc || !value.data)
        return rc;
    cu_scan s = cu_scan_of(value);
    uint8_t version = cu_scan_u8(&s), flags = cu_scan_u8(&s);
    z->running = flags & RUNNING;
    z->faulty = flags & FAULTY;
    z->dated = flags & DATED;
    z->number = cu_scan_varint(&s);
    z->rows = z->spilled = cu_scan_varint(&s);
    z->date_us = z->dated ? cu_scan_svarint(&s) : 0;
    return s.bad || version != META_VERSION ? corrupt(z, err) : 0;
}

static int open_op(cu_op *op, cu_err *err)
{
    normalize *z = (normalize *)op;
    const cu_table_def *t = op->node->normalize.table;
    uint32_t n_key = t ? t->n_key : op->node->n_key;
    const uint16_t *key = t ? t->key : op->node->key;
    z->mark = CU_HELD_MARK;
    z->at_once = op->node->normalize.all_versions;
    z->date_col = t ? t->snapshot_col : 0;
    if (z->date_col > op->node->schema->n)
        z->date_col = 0;
    z->out.schema = op->node->schema;
    z->table = cu_space_table(op->env->space, cu_node_state_table(op->node, 0));
    z->meta = cu_space_table(op->env->space, cu_node_state_table(op->node, 1));
    z->n_key = n_key;
    z->key = cu_calloc(n_key, sizeof(*z->key));
    for (uint32_t i = 0; i < n_key; i++)
        z->key[i].col = key[i];
    find_compared(z, t);
    return read_meta(z, err);
}

/* --- cells --------------------------------------------------------------- */

static holding get_holding(cu_scan *s)
{
    holding h;
    h.count = (int64_t)cu_scan_varint(s);
    h.row = cu_scan_lslice(s);
    return h;
}

static int read_cell(const normalize *z, cu_slice value, cell *out, cu_err *err)
{
    *out = (cell){0};
    if (!value.data)
        return 0;
    cu_scan s = cu_scan_of(value);
    uint8_t version = cu_scan_u8(&s), flags = cu_scan_u8(&s);
    if (flags & HAS_CURRENT)
        out->current = get_holding(&s);
    if (flags & HAS_STAGED)
        out->staged = get_holding(&s);
    if (flags & HAS_SEEN)
        out->seen = cu_scan_varint(&s);
    return s.bad || version != VERSION ? corrupt(z, err) : 0;
}

static void put_holding(const holding *h, cu_buf *out)
{
    cu_buf_put_varint(out, (uint64_t)h->count);
    cu_buf_put_lslice(out, h->row);
}

static void write_cell(normalize *z, cu_slice key, const cell *c)
{
    if (!c->current.count && !c->staged.count && !c->seen) {
        cu_table_del(z->table, key);
        return;
    }
    cu_buf *out = &z->scratch;
    cu_buf_clear(out);
    cu_buf_put_u8(out, VERSION);
    cu_buf_put_u8(out, (uint8_t)((c->current.count ? HAS_CURRENT : 0) |
                                 (c->staged.count ? HAS_STAGED : 0) |
                                 (c->seen ? HAS_SEEN : 0)));
    if (c->current.count)
        put_holding(&c->current, out);
    if (c->staged.count)
        put_holding(&c->staged, out);
    if (c->seen)
        cu_buf_put_varint(out, c->seen);
    cu_table_put(z->table, key, cu_buf_slice(out));
}

static void compared_bytes(normalize *z, cu_slice row, cu_buf *out)
{
    cu_batch *b = cu_batch_new(z->op.arena, z->op.node->schema, 1);
    cu_buf_clear(out);
    if (cu_row_decode(row, b, 1, false, NULL))
        cu_buf_put_slice(out, row);
    else
        cu_row_encode(b, 0, z->compared, z->n_compared, out);
}

static bool same(normalize *z, const holding *a, const holding *b)
{
    if (a->count != b->count || a->count == 0)
        return a->count == b->count;
    if (cu_slice_eq(a->row, b->row))
        return true;
    if (!z->compared)
        return false;
    cu_buf x = {0}, y = {0};
    compared_bytes(z, a->row, &x);
    compared_bytes(z, b->row, &y);
    bool equal = cu_slice_eq(cu_buf_slice(&x), cu_buf_slice(&y));
    cu_buf_free(&x);
    cu_buf_free(&y);
    return equal;
}

/* --- what a key is now --------------------------------------------------- */

static void hold(cu_touched *t, touched_key *k, int64_t count, cu_slice row)
{
    if (row.len > k->cap) {
        k->cap = row.len + row.len / 4;
        k->now.row.data = cu_arena_alloc(t->arena, k->cap);
    }
    if (row.len)
        memcpy((char *)k->now.row.data, row.data, row.len);
    k->now.row.len = row.len;
    k->now.count = count;
}

/* The key of row `i` (of the live ones) and, in scratch, its bytes. */
static cu_slice key_of(normalize *z, const cu_batch *b, uint32_t i,
                       uint64_t *hash, cu_slice *row)
{
    cu_buf_clear(&z->scratch);
    cu_row_encode(b, cu_batch_row(b, i), NULL, b->n_cols, &z->scratch);
    cu_slice bytes = cu_buf_slice(&z->scratch);
    if (z->n_key == 0) {
        *hash = cu_hash(bytes);
        *row = CU_LIT("");
        return bytes;
    }
    *hash = z->keys.hash[i];
    *row = bytes;
    return cu_batch_key(&z->keys, i);
}

static void write_meta(normalize *z)
{
    cu_buf_clear(&z->scratch);
    cu_buf_put_u8(&z->scratch, META_VERSION);
    cu_buf_put_u8(&z->scratch,
                  (uint8_t)((z->running ? RUNNING : 0) |
                            (z->faulty ? FAULTY : 0) | (z->dated ? DATED : 0)));
    cu_buf_put_varint(&z->scratch, z->number);
    cu_buf_put_varint(&z->scratch, z->rows);
    if (z->dated)
        cu_buf_put_svarint(&z->scratch, z->date_us);
    cu_table_put(z->meta, CU_LIT(""), cu_buf_slice(&z->scratch));
    z->meta_changed = false;
}

/* --- emission ------------------------------------------------------------ */

static int emit(normalize *z, cu_slice key, const holding *old,
                const holding *now, cu_err *err)
{
    if (z->n_key == 0)
        return cu_outbox_weighed(&z->out, key, now->count - old->count, err);
    int rc = cu_outbox_room(&z->out, 2, err);
    if (!rc && old->count)
        rc = cu_outbox_row(&z->out, cu_arena_slice(z->out.arena, old->row), -1,
                           err);
    if (!rc && now->count)
        rc = cu_outbox_row(&z->out, now->row, 1, err);
    return rc;
}

static int commit_key(normalize *z, const touched_key *k, cell *c, cu_err *err)
{
    cu_slice key = cu_keyrec_key(&k->rec);
    bool had_staged = c->staged.count != 0;
    c->staged = (holding){0};
    if (!k->now.count)
        c->seen = 0;
    if (same(z, &c->current, &k->now)) {
        if (had_staged)
            write_cell(z, key, c);
        return 0;
    }
    int rc = emit(z, key, &c->current, &k->now, err);
    c->current = k->now;
    write_cell(z, key, c);
    return rc;
}

/* A running snapshot's row goes into the state, unseen by anyone. */
static void spill_key(normalize *z, const touched_key *k, cell *c)
{
    holding staged = k->now;
    bool again = c->seen == z->number;
    if (again && z->n_key == 0)
        staged.count += c->staged.count ? c->staged.count : c->current.count;
    c->staged = (holding){0};
    if (!same(z, &c->current, &staged))
        c->staged = staged;
    c->seen = z->number;
    write_cell(z, cu_keyrec_key(&k->rec), c);
}

static int commit_chunk(normalize *z, const cu_keyed *items, uint32_t n,
                        bool spill, cu_err *err)
{
    cu_slice keys[CHUNK], values[CHUNK];
    cu_arena_reset(z->op.arena);
    for (uint32_t i = 0; i < n; i++)
        keys[i] = items[i].key;
    int rc = cu_table_get_many(z->table, n, keys, values, err);
    for (uint32_t i = 0; i < n && !rc; i++)
        if (values[i].data)
            values[i] = cu_arena_slice(z->op.arena, values[i]);
    for (uint32_t i = 0; i < n && !rc; i++) {
        cell c;
        rc = read_cell(z, values[i], &c, err);
        if (!rc && spill)
            spill_key(z, items[i].item, &c);
        else if (!rc)
            rc = commit_key(z, items[i].item, &c, err);
    }
    return rc;
}

static int commit_all(normalize *z, cu_touched *t, const cu_keyed *items,
                      bool spill, cu_err *err)
{
    int rc = 0;
    z->op.n_keys += t->n;
    for (uint32_t i = 0; i < t->n && !rc; i += CHUNK)
        rc = commit_chunk(z, items + i, t->n - i < CHUNK ? t->n - i : CHUNK,
                          spill, err);
    return rc;
}

/* All changes leave, in key order or as they came. */
static int settle(normalize *z, bool by_key, cu_err *err)
{
    cu_touched *t = &z->changes;
    cu_keyed *items;
    if (by_key) {
        items = cu_touched_sorted(t);
    } else {
        items = cu_arena_alloc(t->arena, (t->n + 1) * sizeof(*items));
        for (uint32_t i = 0; i < t->n; i++)
            items[i] = (cu_keyed){.key = cu_keyrec_key(t->recs[i]),
                                  .item = t->recs[i]};
    }
    int rc = commit_all(z, t, items, false, err);
    rc = rc ? rc : cu_outbox_flush(&z->out, err);
    cu_touched_reset(t);
    return rc;
}

/* --- push ---------------------------------------------------------------- */

static int push_upserts(normalize *z, const cu_batch *b, cu_err *err)
{
    for (uint32_t i = 0; i < b->n_sel; i++) {
        int32_t w = cu_batch_weight(b, cu_batch_row(b, i));
        uint64_t hash;
        cu_slice row;
        bool fresh;
        if (z->at_once && cu_keyset_find(&z->changes.set, z->keys.hash[i],
                                         cu_batch_key(&z->keys, i))) {
            int rc = settle(z, false, err); /* V2 */
            if (rc)
                return rc;
        }
        cu_slice key = key_of(z, b, i, &hash, &row);
        touched_key *k = cu_touched_put(&z->changes, hash, key, &fresh);
        hold(&z->changes, k, w > 0, w > 0 ? row : CU_LIT(""));
    }
    return 0;
}

/* Without a key rows are counted; what is not there cannot be taken away. */
static int push_counts(normalize *z, const cu_batch *b, cu_err *err)
{
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint64_t hash;
        cu_slice row, value;
        cu_slice key = key_of(z, b, i, &hash, &row);
        bool fresh;
        touched_key *k = cu_touched_put(&z->changes, hash, key, &fresh);
        if (fresh) {
            cell stored;
            int rc = cu_table_get(z->table, key, &value, err);
            rc = rc ? rc : read_cell(z, value, &stored, err);
            if (rc)
                return rc;
            k->now.count = stored.current.count;
            k->now.row = CU_LIT("");
        }
        k->now.count += cu_batch_weight(b, cu_batch_row(b, i));
        if (k->now.count < 0)
            k->now.count = 0;
    }
    return 0;
}

static int twice(normalize *z, const cu_batch *b, uint32_t row, cu_err *err)
{
    const cu_op_env *env = z->op.env;
    if (!env->letter)
        return 0;
    cu_letter letter = {.batch = b,
                        .row = row,
                        .sqlstate = CU_SQLSTATE('2', '3', '5', '0', '5'),
                        .message = "the key stands in this snapshot twice",
                        .stage = z->op.vt->name};
    return env->letter(env->ctx, &letter, err);
}

/* Which live rows have keys that an earlier part of the snapshot had. */
static int find_spilled(normalize *z, const cu_batch *b, bool *spilled,
                        cu_err *err)
{
    cu_slice keys[CU_BATCH_ROWS], values[CU_BATCH_ROWS];
    memset(spilled, 0, b->n_sel * sizeof(*spilled));
    if (!z->spilled || !z->n_key)
        return 0;
    for (uint32_t i = 0; i < b->n_sel; i++)
        keys[i] = cu_batch_key(&z->keys, i);
    int rc = cu_table_get_many(z->table, b->n_sel, keys, values, err);
    for (uint32_t i = 0; i < b->n_sel && !rc; i++) {
        cell c;
        rc = read_cell(z, values[i], &c, err);
        spilled[i] = c.seen == z->number;
    }
    return rc;
}

static void see_date(normalize *z, const cu_batch *b, uint32_t row)
{
    int64_t us;
    if (!z->date_col || !cu_instant_at(&b->cols[z->date_col - 1], row, &us) ||
        !cu_instant_finite(us) || (z->dated && us <= z->date_us))
        return;
    z->dated = true;
    z->date_us = us;
}

static int push_snapshot(normalize *z, const cu_batch *b, cu_err *err)
{
    bool spilled[CU_BATCH_ROWS];
    int rc = find_spilled(z, b, spilled, err);
    for (uint32_t i = 0; i < b->n_sel && !rc; i++) {
        uint32_t at = cu_batch_row(b, i);
        int32_t w = cu_batch_weight(b, at);
        uint64_t hash;
        cu_slice row;
        cu_slice key = key_of(z, b, i, &hash, &row);
        bool fresh;
        if (w < 0)
            continue;
        z->rows++;
        z->meta_changed = true;
        see_date(z, b, at);
        if (spilled[i]) {
            rc = twice(z, b, at, err);
            continue;
        }
        touched_key *k = cu_touched_put(&z->seen, hash, key, &fresh);
        if (z->n_key == 0)
            hold(&z->seen, k, k->now.count + w, row);
        else if (fresh)
            hold(&z->seen, k, 1, row);
        else
            rc = twice(z, b, at, err);
    }
    return rc;
}

static int push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    normalize *z = (normalize *)op;
    (void)port;
    if (z->n_key)
        cu_keys_encode(b, z->key, z->n_key, &z->keys);
    if (z->running)
        return push_snapshot(z, b, err);
    int rc = z->n_key ? push_upserts(z, b, err) : push_counts(z, b, err);
    return !rc && z->at_once ? settle(z, false, err) : rc;
}

/* --- snapshots ----------------------------------------------------------- */

int cu_normalize_snapshot_begin(cu_op *op, cu_err *err)
{
    normalize *z = (normalize *)op;
    (void)err;
    CU_ASSERT(op->node->kind == CU_N_NORMALIZE);
    cu_touched_reset(&z->seen);
    z->running = z->meta_changed = true;
    z->faulty = z->dated = false;
    z->number++;
    z->rows = z->spilled = 0;
    return 0;
}

void cu_normalize_snapshot_fault(cu_op *op)
{
    normalize *z = (normalize *)op;
    z->faulty = z->meta_changed = z->running;
}

uint64_t cu_normalize_snapshot_rows(const cu_op *op)
{
    const normalize *z = (const normalize *)op;
    return z->running ? z->rows : 0;
}

static void change_to(normalize *z, uint64_t hash, cu_slice key,
                      const holding *now)
{
    bool fresh;
    touched_key *k = cu_touched_put(&z->changes, hash, key, &fresh);
    hold(&z->changes, k, now->count, now->count ? now->row : CU_LIT(""));
}

/* What a key of the table is after the snapshot. */
static void end_key(normalize *z, cu_slice key, const cell *c, bool deletes)
{
    uint64_t hash = cu_hash(key);
    const touched_key *k = (const touched_key *)cu_keyset_find(&z->seen.set,
                                                               hash, key);
    holding none = {0}, sum;
    bool marked = c->seen == z->number && z->spilled;
    const holding *staged = c->staged.count ? &c->staged : &c->current;
    if (k && !(marked && z->n_key == 0))
        return; /* already a change */
    if (k) {
        sum = (holding){k->now.count + staged->count, CU_LIT("")};
        change_to(z, hash, key, &sum);
    } else if (marked) {
        change_to(z, hash, key, staged);
    } else if (deletes && (c->current.count || c->staged.count)) {
        change_to(z, hash, key, &none);
    }
}

/* Changes of before the snapshot to keys that it does not have. */
static void end_older_changes(normalize *z, uint32_t n, bool deletes)
{
    for (uint32_t i = 0; i < n && deletes; i++) {
        touched_key *k = (touched_key *)z->changes.recs[i];
        if (!cu_keyset_find(&z->seen.set, k->rec.hash, cu_keyrec_key(&k->rec)))
            hold(&z->changes, k, 0, CU_LIT(""));
    }
}

static int end_scan(normalize *z, bool deletes, cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    int rc = cu_table_scan(z->table, CU_LIT(""), CU_NULL_SLICE, false, &it,
                           err);
    if (rc)
        return rc;
    while (!rc && cu_table_iter_next(it, &key, &value)) {
        cell c;
        rc = read_cell(z, value, &c, err);
        if (!rc)
            end_key(z, key, &c, deletes);
    }
    int closed = cu_table_iter_close(it, rc ? NULL : err);
    return rc ? rc : closed;
}

static int settle_dated(normalize *z, cu_err *err)
{
    cu_op_env *env = z->op.env;
    const bool outer = env->dated;
    const int64_t outer_us = env->date_us;
    if (z->dated) {
        env->dated = true;
        env->date_us = z->date_us;
    }
    int rc = settle(z, true, err);
    env->dated = outer;
    env->date_us = outer_us;
    return rc;
}

int cu_normalize_snapshot_end(cu_op *op, bool deletes, cu_err *err)
{
    normalize *z = (normalize *)op;
    const cu_table_def *t = op->node->normalize.table;
    int rc = 0;
    if (!z->running)
        return 0;
    z->running = false;
    z->meta_changed = true;
    deletes = deletes && !z->faulty;
    if (z->rows == 0 && t && !t->allow_empty)
        return 0;
    cu_arena_reset(op->arena);
    uint32_t older = z->changes.n;
    end_older_changes(z, older, deletes);
    for (uint32_t i = 0; i < z->seen.n; i++) {
        const touched_key *k = (const touched_key *)z->seen.recs[i];
        change_to(z, k->rec.hash, cu_keyrec_key(&k->rec), &k->now);
    }
    if (deletes || z->spilled)
        rc = end_scan(z, deletes, err);
    cu_touched_reset(&z->seen);
    return !rc && (z->at_once || z->compared) ? settle_dated(z, err) : rc;
}

/* --- commit -------------------------------------------------------------- */

static int commit(cu_op *op, cu_err *err)
{
    normalize *z = (normalize *)op;
    int rc = settle(z, true, err);
    if (!rc && z->running && z->seen.n) {
        rc = commit_all(z, &z->seen, cu_touched_sorted(&z->seen), true, err);
        z->spilled = z->rows;
    }
    if (!rc && z->meta_changed)
        write_meta(z);
    if (z->seen.n)
        cu_touched_reset(&z->seen);
    return rc ? rc : cu_held_mark_send(&z->mark, op, err);
}

static int watermark(cu_op *op, int port, int64_t ts_us, cu_err *err)
{
    normalize *z = (normalize *)op;
    (void)port, (void)err;
    cu_held_mark_see(&z->mark, ts_us);
    return 0;
}

static void close_op(cu_op *op)
{
    normalize *z = (normalize *)op;
    cu_touched_close(&z->changes);
    cu_touched_close(&z->seen);
    cu_outbox_close(&z->out);
    cu_buf_free(&z->keys.bytes);
    cu_buf_free(&z->scratch);
    cu_free(z->key);
    cu_free(z->compared);
}

cu_op *cu_normalize_new(void)
{
    static const cu_op_vt vt = {.name = "normalize",
                                .open = open_op,
                                .push = push,
                                .watermark = watermark,
                                .commit = commit,
                                .close = close_op};
    normalize *z = cu_calloc(1, sizeof(*z));
    cu_op_init(&z->op, &vt);
    cu_touched_open(&z->changes, sizeof(touched_key));
    cu_touched_open(&z->seen, sizeof(touched_key));
    cu_outbox_open(&z->out, &z->op, NULL);
    return &z->op;
}
