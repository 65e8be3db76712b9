/* Restore: the store from the changelog, and the cold walks over a space.
 *
 * Records carry absolute values, so replaying a part twice changes nothing.
 * They go to the kv in batches of the caller's choice; each batch ends with
 * the position it reaches and the last progress record that was met, so a
 * crash in between only means reading on from that position (S1).
 *
 * The overlay is bypassed: it must hold nothing uncommitted, and its clean
 * rows are forgotten when a batch is written.
 */
#include "state/long.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "state/sort.h"

enum { DELETES_PER_BATCH = 4096 };

int cu_space_restore(cu_space *s, const cu_record *r, cu_err *err)
{
    CU_ASSERT(s->n_touched == 0);
    if (!r->key.data || r->key.len < 2) {
        char name[256];
        return cu_fail(err, CU_CORRUPT, 0,
                       "record %lld of %s is no state change: somebody else "
                       "wrote into the changelog",
                       (long long)r->offset,
                       cu_part_name(r->part, name, sizeof(name)));
    }
    cu_scan scan = cu_scan_of(r->key);
    uint16_t table = cu_scan_u16be(&scan);
    if (table == LONG_TABLE)
        return cu_long_restore(s, r, err);
    cu_long_interrupt(s, r->key);
    if (table == META_TABLE) {
        cu_buf_clear(&s->scratch);
        s->has_noticed = r->value.data != NULL;
        cu_buf_clear(&s->noticed);
        cu_buf_put_slice(&s->noticed, r->value);
        return 0;
    }
    cu_slice key = {scan.p, cu_scan_left(&scan)};
    cu_buf_clear(&s->scratch);
    cu_space_put_key(s, table, key, &s->scratch);
    if (r->value.data)
        cu_kv_batch_put(&s->restoring, cu_buf_slice(&s->scratch), r->value);
    else
        cu_kv_batch_del(&s->restoring, cu_buf_slice(&s->scratch));
    return 0;
}

cu_slice cu_space_restored_row(const cu_space *s)
{
    enum { BEFORE = KEY_PREFIX_BYTES - 2 };
    return s->scratch.len > BEFORE
               ? cu_slice_n(s->scratch.data + BEFORE, s->scratch.len - BEFORE)
               : CU_NULL_SLICE;
}

size_t cu_space_restoring_bytes(const cu_space *s)
{
    return s->restoring.ops.len;
}

/* The last operation on each key, in the order of keys: a store takes sorted
 * keys faster, and a hot key only once. */
static void settle(const cu_kv_batch *from, cu_kv_batch *to)
{
    cu_keyed *ops = cu_alloc(from->n_ops * sizeof(*ops));
    cu_slice *values = cu_alloc(from->n_ops * sizeof(*values));
    cu_slice key;
    size_t n = 0, at = 0;
    while (cu_kv_batch_next(from, &at, &key, &values[n])) {
        ops[n] = (cu_keyed){.key = key, .item = &values[n]};
        n++;
    }
    CU_ASSERT(n == from->n_ops);
    cu_sort_keyed(ops, n); /* stable: the last one is the newest */
    for (size_t k = 0; k < n; k++) {
        const cu_slice *value = ops[k].item;
        if (k + 1 < n && cu_slice_cmp(ops[k].key, ops[k + 1].key) == 0)
            continue;
        if (value->data)
            cu_kv_batch_put(to, ops[k].key, *value);
        else
            cu_kv_batch_del(to, ops[k].key);
    }
    cu_free(values);
    cu_free(ops);
}

int cu_space_restored(cu_space *s, int64_t position, cu_err *err)
{
    CU_ASSERT(s->n_touched == 0);
    cu_kv *kv = s->store->kv;
    cu_kv_batch batch = {0};
    position = cu_long_position(s, position);
    if (s->has_noticed) {
        cu_buf_clear(&s->progress);
        cu_buf_put_slice(&s->progress, cu_buf_slice(&s->noticed));
        s->has_progress = true;
        s->has_noticed = false;
        cu_space_follow(s);
    }
    if (s->restoring.n_ops > 0) {
        cu_space_forget(s);
        settle(&s->restoring, &batch);
    }
    cu_space_put_meta(s, position, s->has_progress ? &s->progress : NULL, false,
                      &batch);
    int rc = kv->vt->write(kv, &batch, false, err);
    cu_kv_batch_free(&batch);
    if (rc)
        return rc;
    cu_kv_batch_clear(&s->restoring);
    s->applied = position;
    return 0;
}

/* --- dropping ------------------------------------------------------------ */

/* One batch of deletes; *more false at the end. */
static int delete_some(cu_space *s, cu_slice lo, cu_slice hi, bool *more,
                       cu_err *err)
{
    cu_kv *kv = s->store->kv;
    cu_kv_batch batch = {0};
    cu_kv_iter *it;
    cu_slice key, value;
    int rc = kv->vt->iter(kv, lo, hi, &it, err);
    if (rc)
        return rc;
    while (batch.n_ops < DELETES_PER_BATCH &&
           kv->vt->iter_next(it, &key, &value))
        cu_kv_batch_del(&batch, key);
    rc = kv->vt->iter_close(it, err);
    *more = batch.n_ops > 0;
    if (!rc && *more)
        rc = kv->vt->write(kv, &batch, false, err);
    cu_kv_batch_free(&batch);
    return rc;
}

int cu_space_delete_rows(cu_space *s, cu_err *err)
{
    cu_kv *kv = s->store->kv;
    cu_kv_batch mark = {0};
    cu_buf lo = {0}, hi = {0};
    bool more = true;
    cu_space_put_meta(s, 0, NULL, true, &mark);
    int rc = kv->vt->write(kv, &mark, false, err);
    cu_space_put_key(s, 0, CU_NULL_SLICE, &lo);
    cu_space_put_key(s, META_TABLE, CU_NULL_SLICE, &hi);
    while (!rc && more)
        rc = delete_some(s, cu_buf_slice(&lo), cu_buf_slice(&hi), &more, err);
    if (!rc) {
        cu_kv_batch_clear(&mark);
        cu_kv_batch_del(&mark, cu_buf_slice(&hi));
        rc = kv->vt->write(kv, &mark, false, err);
    }
    cu_kv_batch_free(&mark);
    cu_buf_free(&lo);
    cu_buf_free(&hi);
    return rc;
}

int cu_space_drop(cu_space *s, cu_err *err)
{
    cu_space_revert(s);
    cu_space_forget(s);
    cu_long_free(s);
    cu_kv_batch_clear(&s->restoring);
    cu_buf_clear(&s->progress);
    s->has_progress = s->has_noticed = false;
    s->generation = 0;
    s->applied = 0;
    return cu_space_delete_rows(s, err);
}

/* --- walking ------------------------------------------------------------- */

/* The first table >= `from` that has a row in the kv or an overlay. */
static int next_table(cu_space *s, uint32_t from, uint32_t *found, cu_err *err)
{
    cu_kv *kv = s->store->kv;
    cu_kv_iter *it;
    cu_slice key, value;
    cu_buf lo = {0}, hi = {0};
    *found = LONG_TABLE;
    cu_space_put_key(s, (uint16_t)from, CU_NULL_SLICE, &lo);
    cu_space_put_key(s, LONG_TABLE, CU_NULL_SLICE, &hi);
    int rc = kv->vt->iter(kv, cu_buf_slice(&lo), cu_buf_slice(&hi), &it, err);
    if (!rc) {
        if (kv->vt->iter_next(it, &key, &value)) {
            cu_scan scan = {.p = key.data + KEY_PREFIX_BYTES - 2,
                            .end = key.data + key.len};
            *found = cu_scan_u16be(&scan);
        }
        rc = kv->vt->iter_close(it, err);
    }
    for (uint32_t i = 0; i < s->n_tables; i++)
        if (s->tables[i]->number >= from && s->tables[i]->number < *found)
            *found = s->tables[i]->number;
    cu_buf_free(&lo);
    cu_buf_free(&hi);
    return rc;
}

static int walk_table(cu_space *s, uint16_t number, cu_space_visit *visit,
                      void *ctx, cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    int rc = cu_table_scan(cu_space_stored_table(s, number), CU_LIT(""),
                           CU_NULL_SLICE, false, &it, err);
    if (rc)
        return rc;
    while (!rc && cu_table_iter_next(it, &key, &value))
        rc = visit(ctx, number, key, value, err);
    int closed = cu_table_iter_close(it, rc ? NULL : err);
    return rc ? rc : closed;
}

int cu_space_each(cu_space *s, cu_space_visit *visit, void *ctx, cu_err *err)
{
    uint32_t table = 0;
    for (;;) {
        int rc = next_table(s, table, &table, err);
        if (rc || table == LONG_TABLE)
            return rc;
        rc = walk_table(s, (uint16_t)table, visit, ctx, err);
        if (rc)
            return rc;
        table++;
    }
}

struct digest {
    cu_buf bytes;
    uint64_t sum;
};

static int digest_row(void *ctx, uint16_t table, cu_slice key, cu_slice value,
                      cu_err *err)
{
    struct digest *d = ctx;
    (void)err;
    cu_buf_clear(&d->bytes);
    cu_buf_put_u16be(&d->bytes, table);
    cu_buf_put_lslice(&d->bytes, key);
    cu_buf_put_slice(&d->bytes, value);
    d->sum += cu_hash(cu_buf_slice(&d->bytes));
    return 0;
}

int cu_space_digest(cu_space *s, uint64_t *out, cu_err *err)
{
    struct digest d = {0};
    int rc = cu_space_each(s, digest_row, &d, err);
    cu_buf_free(&d.bytes);
    *out = d.sum;
    return rc;
}
