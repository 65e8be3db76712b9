/* Hold: a view's changes, published at most once per emit_interval.
 *
 * The view itself, and the views that read it, follow every commit; only its
 * topic waits.  What waits is the net change of each key since the last
 * publication:
 *
 *   shown --change--> . --change--> now          key -> {shown, now}
 *   back to what is shown: nothing waits
 *
 * State of the stage, so that a crash neither loses nor repeats a change:
 *
 *   table 0xFFF8   key bytes -> u8 1 | lslice shown row | lslice row now
 *   table 0xFFF9   ""        -> u8 1 | svarint clock of the last publication
 */
#include "processors/runtime/hold.h"

enum {
    VERSION = 1,
    TABLE_ROWS = 0xFFF8,
    TABLE_META = 0xFFF9,
    CHUNK = CU_BATCH_ROWS / 2
};

struct cu_hold {
    cu_table *rows, *meta;
    const cu_schema *schema;
    const cu_key_col *key;
    uint32_t n_key;
    int64_t interval_us, last_us; /* INT64_MIN: never published */
    bool known, waits;            /* whether something waits was looked up */
    cu_arena *arena;
    cu_buf key_text, row, value;
};

typedef struct waiting {
    cu_slice shown, now; /* absent: no row */
} waiting;

cu_hold *cu_hold_new(cu_space *space, const cu_schema *schema,
                     const cu_key_col *key, uint32_t n_key, int64_t interval_ms)
{
    cu_hold *h = cu_calloc(1, sizeof(*h));
    h->rows = cu_space_table(space, TABLE_ROWS);
    h->meta = cu_space_table(space, TABLE_META);
    h->schema = schema;
    h->key = key;
    h->n_key = n_key;
    h->interval_us = interval_ms * 1000;
    h->last_us = INT64_MIN;
    h->arena = cu_arena_new(0);
    return h;
}

void cu_hold_free(cu_hold *h)
{
    if (h == NULL)
        return;
    cu_arena_free(h->arena);
    cu_buf_free(&h->key_text);
    cu_buf_free(&h->row);
    cu_buf_free(&h->value);
    cu_free(h);
}

static int corrupt(cu_err *err)
{
    return cu_fail(err, CU_CORRUPT, CU_FATAL,
                   "a held change of a view does not check out");
}

static int decode(cu_slice value, waiting *out, cu_err *err)
{
    cu_scan s = cu_scan_of(value);
    unsigned version = cu_scan_u8(&s);
    out->shown = cu_scan_lslice(&s);
    out->now = cu_scan_lslice(&s);
    if (s.bad || version != VERSION || cu_scan_left(&s))
        return corrupt(err);
    return 0;
}

/* --- what waits ----------------------------------------------------------- */

static bool same(cu_slice a, cu_slice b)
{
    if (a.data == NULL || b.data == NULL)
        return a.data == b.data;
    return cu_slice_eq(a, b);
}

static void put(cu_hold *h, cu_slice key, cu_slice shown, cu_slice now)
{
    if (same(shown, now)) {
        cu_table_del(h->rows, key);
        return;
    }
    cu_buf *v = &h->value;
    cu_buf_clear(v);
    cu_buf_put_u8(v, VERSION);
    cu_buf_put_lslice(v, shown);
    cu_buf_put_lslice(v, now);
    cu_table_put(h->rows, key, cu_buf_slice(v));
    h->known = h->waits = true;
}

/* The key's row was `old` and is `now`. */
static int note(cu_hold *h, cu_slice key, cu_slice old, cu_slice now,
                cu_err *err)
{
    cu_slice value;
    waiting w;
    int rc = cu_table_get(h->rows, key, &value, err);
    if (rc)
        return rc;
    if (value.data == NULL) {
        put(h, key, old, now);
        return 0;
    }
    cu_arena_reset(h->arena); /* a put may take back what was lent */
    rc = decode(cu_arena_slice(h->arena, value), &w, err);
    if (rc == 0)
        put(h, key, w.shown, now);
    return rc;
}

/* M1: at most one -1 and one +1 per key, adjacent.  The second of a pair finds
 * what the first one left. */
int cu_hold_push(cu_hold *h, const cu_batch *b, cu_err *err)
{
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        bool gone = cu_batch_weight(b, row) < 0;
        cu_buf_clear(&h->key_text);
        cu_buf_clear(&h->row);
        cu_buf_reserve(&h->key_text, 1); /* a key of no columns is a key */
        cu_buf_reserve(&h->row, 1);
        cu_key_encode(b, row, h->key, h->n_key, &h->key_text);
        cu_row_encode(b, row, NULL, b->n_cols, &h->row);
        cu_slice bytes = cu_buf_slice(&h->row);
        rc = note(h, cu_buf_slice(&h->key_text), gone ? bytes : CU_NULL_SLICE,
                  gone ? CU_NULL_SLICE : bytes, err);
    }
    return rc;
}

static int copy_table(cu_table *to, cu_table *from, cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    int rc = cu_table_scan(from, CU_LIT(""), CU_NULL_SLICE, false, &it, err);
    if (rc)
        return rc;
    while (cu_table_iter_next(it, &key, &value))
        cu_table_put(to, key, value);
    return cu_table_iter_close(it, err);
}

int cu_hold_inherit(cu_hold *h, cu_space *from, cu_err *err)
{
    int rc = copy_table(h->rows, cu_space_table(from, TABLE_ROWS), err);
    h->known = false;
    h->last_us = INT64_MIN;
    return rc ? rc : copy_table(h->meta, cu_space_table(from, TABLE_META), err);
}

cu_table *cu_hold_rows(cu_space *space)
{
    return cu_space_table(space, TABLE_ROWS);
}

int cu_hold_each(cu_space *space, cu_hold_visit *visit, void *ctx, cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    waiting w;
    int rc = cu_table_scan(cu_hold_rows(space), CU_LIT(""), CU_NULL_SLICE,
                           false, &it, err);
    if (rc)
        return rc;
    while (rc == 0 && cu_table_iter_next(it, &key, &value)) {
        rc = decode(value, &w, err);
        if (rc == 0)
            rc = visit(ctx, key, value, w.now.data ? w.now : w.shown, err);
    }
    int closed = cu_table_iter_close(it, rc ? NULL : err);
    return rc ? rc : closed;
}

/* --- publication ---------------------------------------------------------- */

static int read_last(cu_hold *h, cu_err *err)
{
    cu_slice value;
    if (h->last_us != INT64_MIN)
        return 0;
    int rc = cu_table_get(h->meta, CU_LIT(""), &value, err);
    if (rc || value.data == NULL)
        return rc;
    cu_scan s = cu_scan_of(value);
    unsigned version = cu_scan_u8(&s);
    h->last_us = cu_scan_svarint(&s);
    return s.bad || version != VERSION ? corrupt(err) : 0;
}

static int look(cu_hold *h, cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    if (h->known)
        return 0;
    int rc = cu_table_scan(h->rows, CU_LIT(""), CU_NULL_SLICE, false, &it, err);
    if (rc)
        return rc;
    h->waits = cu_table_iter_next(it, &key, &value);
    h->known = true;
    return cu_table_iter_close(it, err);
}

int cu_hold_due(cu_hold *h, int64_t *due_us, cu_err *err)
{
    *due_us = INT64_MAX;
    int rc = look(h, err);
    if (rc == 0)
        rc = read_last(h, err);
    if (rc == 0 && h->waits)
        *due_us = h->last_us == INT64_MIN ? INT64_MIN
                                          : h->last_us + h->interval_us;
    return rc;
}

static int add(cu_batch *b, cu_slice row, int32_t weight, cu_err *err)
{
    return row.data ? cu_row_decode(row, b, weight, false, err) : 0;
}

/* The first keys that wait, in order, and takes them off. */
static int publish_some(cu_hold *h, uint32_t *n, cu_hold_out *out, void *ctx,
                        cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value, keys[CHUNK];
    *n = 0;
    cu_arena_reset(h->arena);
    cu_batch *b = cu_batch_new(h->arena, h->schema, CU_BATCH_ROWS);
    int rc = cu_table_scan(h->rows, CU_LIT(""), CU_NULL_SLICE, false, &it, err);
    if (rc)
        return rc;
    while (rc == 0 && *n < CHUNK && cu_table_iter_next(it, &key, &value)) {
        waiting w;
        keys[(*n)++] = cu_arena_slice(h->arena, key);
        rc = decode(cu_arena_slice(h->arena, value), &w, err);
        if (rc == 0)
            rc = add(b, w.shown, -1, err);
        if (rc == 0)
            rc = add(b, w.now, 1, err);
    }
    int closed = cu_table_iter_close(it, rc ? NULL : err);
    if (rc || closed)
        return rc ? rc : closed;
    for (uint32_t i = 0; i < *n; i++)
        cu_table_del(h->rows, keys[i]);
    cu_batch_seal(b);
    return b->n_sel ? out(ctx, b, err) : 0;
}

int cu_hold_flush(cu_hold *h, int64_t now_us, bool all, cu_hold_out *out,
                  void *ctx, cu_err *err)
{
    int64_t due;
    uint32_t n = CHUNK, total = 0;
    int rc = cu_hold_due(h, &due, err);
    if (rc || due == INT64_MAX || (!all && now_us < due))
        return rc;
    while (rc == 0 && n == CHUNK) {
        rc = publish_some(h, &n, out, ctx, err);
        total += n;
    }
    h->waits = false;
    if (rc || total == 0)
        return rc;
    h->last_us = now_us;
    cu_buf_clear(&h->value);
    cu_buf_put_u8(&h->value, VERSION);
    cu_buf_put_svarint(&h->value, now_us);
    cu_table_put(h->meta, CU_LIT(""), cu_buf_slice(&h->value));
    return 0;
}
