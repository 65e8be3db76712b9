#include "processors/operators/ttl.h"

enum {
    GRAINS = 16,
    STAMP_BYTES = 8,
    CHUNK = 1024,
    ROOM = 4096,    /* what a commit does in any case */
    ROOM_SHARE = 2, /* and for each key that it touched: more than comes in */
};

static cu_table *table_of(const cu_op *op, unsigned k)
{
    return cu_space_table(op->env->space, cu_node_state_table(op->node, k));
}

/* The index entries from t->low on. */
static int scan(cu_ttl *t, cu_table_iter **it, cu_err *err)
{
    cu_buf_clear(&t->scratch);
    cu_instant_put_be(&t->scratch, t->low);
    return cu_table_scan(t->index, cu_buf_slice(&t->scratch), CU_NULL_SLICE,
                         false, it, err);
}

static int find_low(cu_ttl *t, cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    int rc = scan(t, &it, err);
    if (rc)
        return rc;
    t->low = cu_table_iter_next(it, &key, &value) ? cu_instant_of_be(key)
                                                  : INT64_MAX;
    return cu_table_iter_close(it, err);
}

int cu_ttl_open(cu_ttl *t, cu_op *op, unsigned index, cu_table *stamps,
                cu_err *err)
{
    *t = (cu_ttl){.op = op, .low = INT64_MIN, .us = op->node->ttl_us};
    if (t->us <= 0)
        return 0;
    t->on = true;
    t->grain = (t->us + GRAINS - 1) / GRAINS;
    t->index = table_of(op, index);
    cu_table_lean(t->index);
    t->stamps = stamps;
    return find_low(t, err);
}

void cu_ttl_close(cu_ttl *t)
{
    cu_buf_free(&t->scratch);
}

void cu_ttl_with(cu_ttl *t, cu_table *rows)
{
    CU_ASSERT(t->n_rows < 2);
    t->rows[t->n_rows++] = rows;
}

/* --- time ----------------------------------------------------------------- */

int64_t cu_ttl_now(const cu_ttl *t)
{
    int64_t now = t->op->env->expr->now_us, over = now % t->grain;
    return now - (over < 0 ? over + t->grain : over);
}

/* From when on the stamp is over. */
static int64_t end_of(const cu_ttl *t, int64_t stamp)
{
    return cu_instant_add(cu_instant_add(stamp, t->grain), t->us);
}

bool cu_ttl_over(const cu_ttl *t, int64_t stamp)
{
    return t->on && end_of(t, stamp) <= t->op->env->expr->now_us;
}

int64_t cu_ttl_due(const cu_ttl *t)
{
    return t->on && t->low != INT64_MAX ? end_of(t, t->low) : INT64_MAX;
}

/* --- entries -------------------------------------------------------------- */

static cu_slice entry_key(cu_ttl *t, int64_t stamp, cu_slice key)
{
    cu_buf_clear(&t->scratch);
    cu_instant_put_be(&t->scratch, stamp);
    cu_buf_put_slice(&t->scratch, key);
    return cu_buf_slice(&t->scratch);
}

void cu_ttl_put(cu_ttl *t, int64_t stamp, cu_slice key)
{
    cu_table_put(t->index, entry_key(t, stamp, key), CU_LIT(""));
    t->low = stamp < t->low ? stamp : t->low;
}

void cu_ttl_done(cu_ttl *t, const cu_ttl_entry *e)
{
    cu_table_del(t->index, entry_key(t, e->stamp, e->key));
}

void cu_ttl_leave(cu_ttl *t, const cu_ttl_entry *e)
{
    t->low = e->stamp < t->low ? e->stamp : t->low;
}

void cu_ttl_go_on(cu_ttl *t, const cu_ttl_entry *e, cu_slice from)
{
    cu_table_put(t->index, entry_key(t, e->stamp, e->key), from);
    cu_ttl_leave(t, e);
}

void cu_ttl_make_room(cu_ttl *t, uint64_t touched)
{
    t->room = ROOM + ROOM_SHARE * touched;
}

static void use_room(cu_ttl *t, uint64_t n)
{
    t->room = t->room > n ? t->room - n : 0;
    t->op->n_keys += n;
}

int cu_ttl_due_entries(cu_ttl *t, cu_ttl_entry *out, uint32_t most, uint32_t *n,
                       cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    *n = 0;
    if (t->low == INT64_MAX || !cu_ttl_over(t, t->low) || t->room == 0)
        return 0;
    most = t->room < most ? (uint32_t)t->room : most;
    int rc = scan(t, &it, err);
    if (rc)
        return rc;
    t->low = INT64_MAX;
    while (cu_table_iter_next(it, &key, &value)) {
        int64_t stamp = cu_instant_of_be(key);
        if (*n == most || !cu_ttl_over(t, stamp)) {
            t->low = stamp;
            break;
        }
        key = cu_slice_n(key.data + STAMP_BYTES, key.len - STAMP_BYTES);
        out[(*n)++] = (cu_ttl_entry){
            .stamp = stamp,
            .key = cu_arena_slice(t->op->arena, key),
            .from = cu_arena_slice(t->op->arena, value)};
    }
    use_room(t, *n);
    return cu_table_iter_close(it, err);
}

/* --- stamps --------------------------------------------------------------- */

void cu_ttl_put_head(int64_t stamp, cu_buf *out)
{
    cu_buf_put_u8(out, CU_TTL_VERSION);
    cu_buf_put_u64le(out, (uint64_t)stamp);
}

bool cu_ttl_get_head(cu_scan *from, int64_t *stamp)
{
    uint8_t version = cu_scan_u8(from);
    *stamp = (int64_t)cu_scan_u64le(from);
    return version == CU_TTL_VERSION && !from->bad;
}

static int stamp_of(const cu_ttl *t, cu_slice value, int64_t *stamp,
                    cu_err *err)
{
    cu_scan s = cu_scan_of(value);
    *stamp = INT64_MAX;
    if (!value.data || cu_ttl_get_head(&s, stamp))
        return 0;
    return cu_fail(err, CU_CORRUPT, 0,
                   "%s (node %u): a stored time does not check out",
                   t->op->vt->name, t->op->node->id);
}

int cu_ttl_read(cu_ttl *t, cu_slice key, int64_t *stamp, cu_err *err)
{
    cu_slice value;
    int rc = cu_table_get(t->stamps, key, &value, err);
    return rc ? rc : stamp_of(t, value, stamp, err);
}

void cu_ttl_changed(cu_ttl *t, cu_slice key, int64_t *stamp)
{
    int64_t now = cu_ttl_now(t);
    if (*stamp == now)
        return;
    if (*stamp == INT64_MAX)
        cu_ttl_put(t, now, key);
    *stamp = now;
    cu_buf_clear(&t->scratch);
    cu_ttl_put_head(now, &t->scratch);
    cu_table_put(t->stamps, key, cu_buf_slice(&t->scratch));
}

void cu_ttl_ended(cu_ttl *t, cu_slice key)
{
    cu_table_del(t->stamps, key);
}

/* --- forgetting ----------------------------------------------------------- */

/* Up to `most` (<= CHUNK) keys that begin with `key`; *more: perhaps others
 * are left. */
static int purge_some(cu_ttl *t, cu_table *rows, cu_slice key, uint64_t most,
                      uint64_t *n, bool *more, cu_err *err)
{
    cu_slice keys[CHUNK], k, value;
    cu_table_iter *it;
    cu_buf hi = {0};
    *n = 0;
    cu_buf_put_slice(&hi, key);
    bool bounded = cu_key_after_prefix(&hi);
    int rc = cu_table_scan(rows, key,
                           bounded ? cu_buf_slice(&hi) : CU_NULL_SLICE, false,
                           &it, err);
    cu_buf_free(&hi);
    if (rc)
        return rc;
    while (*n < most && (*more = cu_table_iter_next(it, &k, &value)))
        keys[(*n)++] = cu_arena_slice(t->op->arena, k);
    *more = *n == most;
    rc = cu_table_iter_close(it, err);
    for (uint64_t i = 0; i < *n && !rc; i++)
        cu_table_del(rows, keys[i]);
    return rc;
}

/* *all false: there was no room for more than some of the rows. */
static int forget_rows(cu_ttl *t, cu_slice key, bool bounded, bool *all,
                       cu_err *err)
{
    int rc = 0;
    bool more = false;
    for (uint32_t i = 0; i < t->n_rows && !more; i++)
        do {
            uint64_t n, most = bounded && t->room < CHUNK ? t->room : CHUNK;
            more = most == 0;
            if (more)
                break;
            rc = purge_some(t, t->rows[i], key, most, &n, &more, err);
            if (rc)
                return rc;
            use_room(t, n);
        } while (more);
    *all = !more;
    return rc;
}

int cu_ttl_forget(cu_ttl *t, cu_slice key, cu_err *err)
{
    bool all;
    int rc = forget_rows(t, key, false, &all, err);
    cu_ttl_ended(t, key);
    t->n_over++;
    return rc;
}

static int sweep_entry(cu_ttl *t, const cu_ttl_entry *e, int64_t stamp,
                       void (*forget)(void *ctx, cu_slice key), void *ctx,
                       cu_err *err)
{
    bool all = true;
    int rc = 0;
    if (stamp == INT64_MAX) { /* it has ended */
        cu_ttl_done(t, e);
        return 0;
    }
    if (!cu_ttl_over(t, stamp)) {
        cu_ttl_done(t, e);
        cu_ttl_put(t, stamp, e->key);
        return 0;
    }
    forget(ctx, e->key);
    rc = forget_rows(t, e->key, true, &all, err);
    if (rc)
        return rc;
    if (!all) { /* the stamp stays: who comes before the rest goes finds it */
        cu_ttl_leave(t, e);
        return 0;
    }
    cu_ttl_ended(t, e->key);
    cu_ttl_done(t, e);
    t->n_over++;
    return 0;
}

static int sweep_chunk(cu_ttl *t, uint32_t *n,
                       void (*forget)(void *ctx, cu_slice key), void *ctx,
                       cu_err *err)
{
    cu_ttl_entry due[CHUNK];
    cu_slice keys[CHUNK], values[CHUNK];
    int64_t stamps[CHUNK];
    cu_arena_reset(t->op->arena);
    int rc = cu_ttl_due_entries(t, due, CHUNK, n, err);
    for (uint32_t i = 0; i < *n; i++)
        keys[i] = due[i].key;
    if (!rc && *n)
        rc = cu_table_get_many(t->stamps, *n, keys, values, err);
    for (uint32_t i = 0; i < *n && !rc; i++)
        rc = stamp_of(t, values[i], &stamps[i], err);
    for (uint32_t i = 0; i < *n && !rc; i++)
        rc = sweep_entry(t, &due[i], stamps[i], forget, ctx, err);
    return rc;
}

int cu_ttl_sweep(cu_ttl *t, uint64_t touched,
                 void (*forget)(void *ctx, cu_slice key), void *ctx,
                 cu_err *err)
{
    uint32_t n = 1;
    int rc = 0;
    if (!t->on)
        return 0;
    cu_ttl_make_room(t, touched);
    while (!rc && n > 0)
        rc = sweep_chunk(t, &n, forget, ctx, err);
    return rc;
}
