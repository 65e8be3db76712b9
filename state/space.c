/* Spaces: the state of one stage in one partition, and its commit cycle.
 *
 *   open -> [ get put del … -> log_changes -> to_batch -> committed ]*
 *                     |                                       ^
 *                     +--- revert (aborted): nothing happened -+
 *
 * In the kv, behind all tables:
 *
 *   'S' | stage u32 | partition u16 | 0xFFFF
 *      -> u8 1 | u8 flags | u64le applied | progress bytes
 *         flags: 1 there is progress, 2 the rows are being dropped
 *
 * S1: rows, `applied` and progress are operations of one batch.
 * S2: the batch exists only after the log said "committed", or it is part of
 *     the log's own write.
 * Dropping deletes in many batches; the flag makes open() finish what a
 * crash cut short, so that half a state is never taken for a whole one.
 */
#include "state/long.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { META_VERSION = 1, HAS_PROGRESS = 1, DROPPING = 2 };

/* --- keys ---------------------------------------------------------------- */

void cu_space_put_key(const cu_space *s, uint16_t table, cu_slice key,
                      cu_buf *out)
{
    char *p = cu_buf_reserve(out, KEY_PREFIX_BYTES + key.len);
    uint32_t stage = __builtin_bswap32(s->stage);
    uint16_t partition = __builtin_bswap16(s->partition);
    table = __builtin_bswap16(table);
    p[0] = 'S';
    memcpy(p + 1, &stage, 4);
    memcpy(p + 5, &partition, 2);
    memcpy(p + 7, &table, 2);
    if (key.len)
        memcpy(p + KEY_PREFIX_BYTES, key.data, key.len);
    out->len += KEY_PREFIX_BYTES + key.len;
}

void cu_space_bounds(const cu_space *s, uint16_t table, cu_buf *lo, cu_buf *hi)
{
    CU_ASSERT(table < META_TABLE);
    cu_space_put_key(s, table, CU_NULL_SLICE, lo);
    cu_space_put_key(s, (uint16_t)(table + 1), CU_NULL_SLICE, hi);
}

/* --- open and close ------------------------------------------------------ */

void cu_space_put_meta(cu_space *s, int64_t applied, const cu_buf *progress,
                       bool dropping, cu_kv_batch *out)
{
    cu_buf value = {0};
    cu_buf_put_u8(&value, META_VERSION);
    cu_buf_put_u8(&value, (uint8_t)((progress ? HAS_PROGRESS : 0) |
                                    (dropping ? DROPPING : 0)));
    cu_buf_put_u64le(&value, (uint64_t)applied);
    if (progress)
        cu_buf_put_slice(&value, cu_buf_slice(progress));
    cu_buf_clear(&s->scratch);
    cu_space_put_key(s, META_TABLE, CU_NULL_SLICE, &s->scratch);
    cu_kv_batch_put(out, cu_buf_slice(&s->scratch), cu_buf_slice(&value));
    cu_buf_free(&value);
}

static int read_meta(cu_space *s, cu_err *err)
{
    cu_kv *kv = s->store->kv;
    cu_slice value;
    cu_space_put_key(s, META_TABLE, CU_NULL_SLICE, &s->scratch);
    int rc = kv->vt->get(kv, cu_buf_slice(&s->scratch), s->arena, &value, err);
    if (rc || !value.data)
        return rc;
    cu_scan scan = cu_scan_of(value);
    uint8_t version = cu_scan_u8(&scan), flags = cu_scan_u8(&scan);
    s->applied = (int64_t)cu_scan_u64le(&scan);
    if (scan.bad || version != META_VERSION)
        return cu_fail(err, CU_CORRUPT, 0,
                       "state of stage %u[%u] has format %u, expected %d: it "
                       "was written by another version of cupel",
                       s->stage, s->partition, version, META_VERSION);
    if (flags & DROPPING)
        return cu_space_delete_rows(s, err);
    s->has_progress = flags & HAS_PROGRESS;
    cu_buf_put(&s->progress, scan.p, cu_scan_left(&scan));
    cu_space_follow(s);
    return 0;
}

int cu_space_open(cu_store *store, uint32_t stage, uint16_t partition,
                  cu_space **out, cu_err *err)
{
    cu_space *s = cu_calloc(1, sizeof(*s));
    s->store = store;
    s->stage = stage;
    s->partition = partition;
    s->arena = cu_arena_new(0);
    s->ring.next = s->ring.prev = &s->ring;
    atomic_fetch_add(&store->n_spaces, 1);
    int rc = read_meta(s, err);
    if (rc == 0)
        rc = cu_long_load(s, err);
    if (rc) {
        cu_space_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

void cu_space_close(cu_space *s)
{
    if (!s)
        return;
    cu_space_revert(s);
    cu_space_forget(s);
    cu_long_free(s);
    for (uint32_t i = 0; i < s->n_tables; i++)
        cu_table_free(s->tables[i]);
    cu_free(s->tables);
    cu_free(s->sorted);
    cu_buf_free(&s->progress);
    cu_buf_free(&s->next_progress);
    cu_buf_free(&s->noticed);
    cu_buf_free(&s->scratch);
    cu_kv_batch_free(&s->restoring);
    cu_arena_free(s->arena);
    atomic_fetch_sub(&s->store->n_spaces, 1);
    cu_free(s);
}

int cu_space_progress(cu_space *s, cu_arena *a, cu_progress *out, bool *found,
                      cu_err *err)
{
    *found = s->has_progress;
    if (!s->has_progress)
        return 0;
    return cu_progress_decode(cu_buf_slice(&s->progress), a, out, err);
}

int64_t cu_space_applied(const cu_space *s)
{
    return s->applied;
}

cu_table *cu_space_table(cu_space *s, uint16_t number)
{
    return cu_space_stored_table(s, cu_space_stored(number, s->generation));
}

cu_table *cu_space_stored_table(cu_space *s, uint16_t number)
{
    CU_ASSERT(number < LONG_TABLE);
    uint32_t at = 0;
    while (at < s->n_tables && s->tables[at]->number < number)
        at++;
    if (at < s->n_tables && s->tables[at]->number == number)
        return s->tables[at];
    s->tables = cu_realloc(s->tables, (s->n_tables + 1) * sizeof(cu_table *));
    memmove(s->tables + at + 1, s->tables + at,
            (s->n_tables - at) * sizeof(cu_table *));
    cu_table *t = cu_calloc(1, sizeof(*t));
    t->space = s;
    t->number = number;
    t->rows = cu_omap_new();
    s->tables[at] = t;
    s->n_tables++;
    return t;
}

/* --- the commit cycle ---------------------------------------------------- */

size_t cu_space_dirty_bytes(const cu_space *s)
{
    return s->dirty_bytes;
}

size_t cu_space_dirty_keys(const cu_space *s)
{
    return s->dirty_keys;
}

void cu_space_sort(cu_space *s)
{
    if (s->is_sorted)
        return;
    size_t n = 0;
    s->sorted = cu_realloc(s->sorted, (s->dirty_keys + 1) * sizeof(cu_keyed));
    for (uint32_t i = 0; i < s->n_tables; i++) {
        size_t start = n;
        for (entry *e = s->tables[i]->touched; e; e = e->next_touched)
            if (e->dirty)
                s->sorted[n++] = (cu_keyed){.key = cu_onode_key(e->node),
                                            .item = e};
        /* The list is the puts backwards, and operators put in key order. */
        for (size_t a = start, z = n; a + 1 < z; a++) {
            cu_keyed last = s->sorted[--z];
            s->sorted[z] = s->sorted[a];
            s->sorted[a] = last;
        }
        cu_sort_keyed(s->sorted + start, n - start);
    }
    CU_ASSERT(n == s->dirty_keys);
    s->n_sorted = n;
    s->is_sorted = true;
}

int cu_space_log_changes(cu_space *s, cu_writer *w, cu_part changelog,
                         int64_t timestamp_ms, const cu_progress *progress,
                         cu_err *err)
{
    cu_record r = {.part = changelog, .timestamp_ms = timestamp_ms};
    cu_long_revert(s);
    cu_space_sort(s);
    for (size_t i = 0; i < s->n_sorted; i++) {
        const entry *e = s->sorted[i].item;
        cu_buf_clear(&s->scratch);
        cu_buf_put_u16be(&s->scratch, e->table->number);
        cu_buf_put_slice(&s->scratch, s->sorted[i].key);
        r.key = cu_buf_slice(&s->scratch);
        r.value = current_of(e);
        int rc = cu_long_append(s, w, &r, e, progress->sequence, err);
        if (rc)
            return rc;
    }
    cu_buf_clear(&s->scratch);
    cu_buf_put_u16be(&s->scratch, META_TABLE);
    cu_buf_clear(&s->next_progress);
    cu_progress_encode(progress, &s->next_progress);
    s->has_next = true;
    r.key = cu_buf_slice(&s->scratch);
    r.value = cu_buf_slice(&s->next_progress);
    return cu_log_append(w, &r, err);
}

void cu_space_to_batch(cu_space *s, int64_t applied,
                       const cu_progress *progress, cu_kv_batch *out)
{
    cu_space_sort(s);
    for (size_t i = 0; i < s->n_sorted; i++) {
        const entry *e = s->sorted[i].item;
        cu_buf_clear(&s->scratch);
        cu_space_put_key(s, e->table->number, s->sorted[i].key, &s->scratch);
        if (e->current)
            cu_kv_batch_put(out, cu_buf_slice(&s->scratch), current_of(e));
        else
            cu_kv_batch_del(out, cu_buf_slice(&s->scratch));
    }
    cu_long_to_batch(s, out);
    cu_buf_clear(&s->next_progress);
    cu_progress_encode(progress, &s->next_progress);
    s->has_next = true;
    cu_space_put_meta(s, applied, &s->next_progress, false, out);
}

static void settle_table(cu_table *t, void (*settle)(entry *e))
{
    entry *e = t->touched;
    while (e) {
        entry *next = e->next_touched;
        settle(e);
        e = next;
    }
    t->touched = NULL;
    if (cu_omap_count(t->rows) == 0)
        cu_omap_reset(t->rows);
}

static void end_commit(cu_space *s, void (*settle)(entry *e))
{
    for (uint32_t i = 0; i < s->n_tables; i++)
        settle_table(s->tables[i], settle);
    s->n_touched = s->dirty_bytes = s->dirty_keys = s->n_sorted = 0;
    s->is_sorted = false;
    s->has_next = false;
    cu_space_trim(s);
}

void cu_space_committed(cu_space *s, int64_t applied)
{
    if (s->has_next) {
        cu_buf_clear(&s->progress);
        cu_buf_put_slice(&s->progress, cu_buf_slice(&s->next_progress));
        s->has_progress = true;
    }
    s->applied = applied;
    cu_long_committed(s);
    end_commit(s, cu_entry_keep);
}

void cu_space_revert(cu_space *s)
{
    cu_long_revert(s);
    end_commit(s, cu_entry_revert);
}
