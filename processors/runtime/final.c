/* Finals: emit = 'early_final' gives a row once more when its window closes.
 *
 * Changes are published as they come.  A row of the view also stands in an
 * index by the time at which it closes; when the watermark has reached that, it
 * is published again, with the header `cupel.final: true`.
 *
 *   table 0xFFFA   i64 time it closes | key bytes -> row bytes
 *
 * A row without a time, or with an infinite one, is never final.  The rows that
 * leave the view afterwards (`retention`) are ordinary tombstones.
 */
#include "processors/operators/instant.h"
#include "processors/runtime/hold.h"

enum { TABLE_FINALS = 0xFFFA, CHUNK = CU_BATCH_ROWS, TIME_BYTES = 8 };

struct cu_finals {
    cu_table *table;
    const cu_view_def *view;
    const cu_key_col *key;
    uint32_t n_key;
    int64_t low; /* nothing in the table is before it */
    cu_arena *arena;
    cu_buf at, row;
};

cu_finals *cu_finals_new(cu_space *space, const cu_view_def *view,
                         const cu_key_col *key, uint32_t n_key)
{
    cu_finals *f = cu_calloc(1, sizeof(*f));
    CU_ASSERT(view->final_col > 0);
    f->table = cu_space_table(space, TABLE_FINALS);
    f->view = view;
    f->key = key;
    f->n_key = n_key;
    f->low = INT64_MIN;
    f->arena = cu_arena_new(0);
    return f;
}

void cu_finals_free(cu_finals *f)
{
    if (f == NULL)
        return;
    cu_arena_free(f->arena);
    cu_buf_free(&f->at);
    cu_buf_free(&f->row);
    cu_free(f);
}

/* False: the row never closes. */
static bool closes_at(const cu_finals *f, const cu_batch *b, uint32_t row,
                      int64_t *at)
{
    const cu_view_def *v = f->view;
    if (!cu_instant_at(&b->cols[v->final_col - 1], row, at) ||
        !cu_instant_finite(*at))
        return false;
    *at = cu_instant_plus(*at, v->final_delay, v->final_lateness_us);
    return cu_instant_finite(*at);
}

int cu_finals_push(cu_finals *f, const cu_batch *b, cu_err *err)
{
    (void)err;
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        int64_t at;
        if (!closes_at(f, b, row, &at))
            continue;
        cu_buf_clear(&f->at);
        cu_instant_put_be(&f->at, at);
        cu_key_encode(b, row, f->key, f->n_key, &f->at);
        if (cu_batch_weight(b, row) < 0) {
            cu_table_del(f->table, cu_buf_slice(&f->at));
            continue;
        }
        cu_buf_clear(&f->row);
        cu_row_encode(b, row, NULL, b->n_cols, &f->row);
        cu_table_put(f->table, cu_buf_slice(&f->at), cu_buf_slice(&f->row));
        if (at < f->low)
            f->low = at;
    }
    return 0;
}

/* The first rows that have closed, taken off. */
static int publish_some(cu_finals *f, int64_t watermark_us, uint32_t *n,
                        cu_hold_out *out, void *ctx, cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value, keys[CHUNK];
    *n = 0;
    f->low = INT64_MAX;
    cu_arena_reset(f->arena);
    cu_batch *b = cu_batch_new(f->arena, f->view->schema, CU_BATCH_ROWS);
    int rc = cu_table_scan(f->table, CU_LIT(""), CU_NULL_SLICE, false, &it,
                           err);
    if (rc)
        return rc;
    while (rc == 0 && *n < CHUNK && cu_table_iter_next(it, &key, &value)) {
        int64_t at = cu_instant_of_be(key);
        if (at > watermark_us) {
            f->low = at;
            break;
        }
        keys[(*n)++] = cu_arena_slice(f->arena, key);
        rc = cu_row_decode(cu_arena_slice(f->arena, value), b, 1, false, err);
    }
    int closed = cu_table_iter_close(it, rc ? NULL : err);
    if (rc || closed)
        return rc ? rc : closed;
    for (uint32_t i = 0; i < *n; i++)
        cu_table_del(f->table, keys[i]);
    cu_batch_seal(b);
    return b->n_sel ? out(ctx, b, err) : 0;
}

bool cu_finals_closed(const cu_finals *f, const cu_batch *b, uint32_t row,
                      int64_t watermark_us)
{
    int64_t at;
    return closes_at(f, b, row, &at) && at <= watermark_us;
}

int cu_finals_closing(cu_finals *f, int64_t watermark_us, bool *closing,
                      cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    *closing = false;
    if (watermark_us == INT64_MIN || f->low > watermark_us)
        return 0;
    int rc = cu_table_scan(f->table, CU_LIT(""), CU_NULL_SLICE, false, &it,
                           err);
    if (rc)
        return rc;
    f->low = INT64_MAX;
    if (cu_table_iter_next(it, &key, &value))
        f->low = cu_instant_of_be(key);
    *closing = f->low <= watermark_us;
    return cu_table_iter_close(it, err);
}

int cu_finals_flush(cu_finals *f, int64_t watermark_us, cu_hold_out *out,
                    void *ctx, cu_err *err)
{
    uint32_t n = CHUNK;
    int rc = 0;
    if (watermark_us == INT64_MIN || f->low > watermark_us)
        return 0;
    while (rc == 0 && n == CHUNK)
        rc = publish_some(f, watermark_us, &n, out, ctx, err);
    return rc;
}
