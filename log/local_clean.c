/* Housekeeping of the embedded log: sync, deleted topics, retention,
 * compaction.
 *
 * maintain() does a little per call, until its time is up; every step is
 * one kv write that leaves a correct log, so a crash between steps needs no
 * repair.  Steps that read blocks in order to rewrite them hold commit_lock
 * over both, so they are small.
 *
 * Compaction keeps the last record per key.  A pass over one partition:
 *
 *     start ......... cleaned ............ until ...... end
 *     |  cleaned before  |  indexed: key -> last offset  |  left alone
 *     |<------- rewritten, block by block, in order --->|
 *
 * The index holds exact keys, never hashes alone (a collision would lose a
 * row), within the log's share of memory; what does not fit waits for the
 * next pass.  Records superseded in the index go; so do tombstones written
 * more than a day ago.  Offsets stay, blocks that shrank are merged, gaps
 * remain.
 *
 * C1 blocks are rewritten in ascending order, so a tombstone never goes
 *    before the records that it deletes.
 * C2 a pass never rewrites at or above `until`, a block boundary; blocks
 *    never cross it.
 * C3 `cleaned` moves only when the pass is over; an interrupted pass is
 *    repeated, which changes nothing that it did already.
 */
#include "log/local.h"

#include "base/alloc.h"
#include "base/assert.h"

enum {
    BUDGET_US = 20 * 1000,
    SYNC_US = 1000 * 1000,
    TRIM_BLOCKS = 256,   /* per step */
    PURGE_BLOCKS = 1000, /* per write */
    STEP_BYTES = 1 << 20,
    INDEX_ENTRY = 48, /* what a key costs beside its bytes */
    LEAST_DIRTY = 1 << 20,
    TOMBSTONE_MS = 24 * 3600 * 1000,
    SOME_RECORDS = 64,
};

struct cu_local_pass {
    cu_local_part *p;
    cu_map *keys; /* key -> last offset + 1 */
    size_t key_bytes;
    int64_t at;    /* next block */
    int64_t until; /* indexing: the end as of now */
    bool rewriting;
    int64_t dirty_bytes; /* no longer dirty when the pass is over */
    int64_t dirty_all;   /* at the start */
    int64_t clean_bytes; /* rewritten */
    cu_buf space;        /* of packed blocks */
};

typedef struct merge { /* blocks that become one */
    cu_buf out;
    cu_block_writer w;
    cu_kv_batch batch;
    int64_t base, end;
    int64_t high_ms, written_ms;
    size_t n_in, in_bytes;
    uint32_t dropped;
} merge;

static bool time_left(const cu_local *l, int64_t until_us)
{
    return cu_mono_us(l->env) < until_us;
}

static int iter_part(cu_local *l, const cu_local_part *p, int64_t from,
                     int64_t to, cu_kv_iter **out, cu_err *err)
{
    char lo[CU_LOCAL_RECORD_KEY], hi[CU_LOCAL_RECORD_KEY];
    return l->kv->vt->iter(
        l->kv, cu_local_record_key(lo, p->topic->id, p->n, from),
        cu_local_record_key(hi, p->topic->id, p->n, to), out, err);
}

/* Keeps the first error. */
static int close_iter(cu_local *l, cu_kv_iter *it, int rc, cu_err *err)
{
    int closed = l->kv->vt->iter_close(it, rc ? NULL : err);
    return rc ? rc : closed;
}

static void publish(cu_local *l, cu_local_part *p, const cu_local_part *fresh)
{
    pthread_mutex_lock(&l->lock);
    cu_local_publish(p, fresh);
    pthread_mutex_unlock(&l->lock);
}

/* --- sync and deleted topics ---------------------------------------------- */

static int sync_if_due(cu_local *l, cu_err *err)
{
    int64_t now = cu_mono_us(l->env);
    if (now - l->synced_us < SYNC_US)
        return 0;
    l->synced_us = now;
    pthread_mutex_lock(&l->commit_lock);
    bool due = l->unsynced;
    l->unsynced = false;
    pthread_mutex_unlock(&l->commit_lock);
    int rc = due ? l->kv->vt->sync(l->kv, err) : 0;
    if (rc) {
        pthread_mutex_lock(&l->commit_lock);
        l->unsynced = true;
        pthread_mutex_unlock(&l->commit_lock);
    }
    return rc;
}

static int write_batch(cu_local *l, cu_kv_batch *b, cu_err *err)
{
    pthread_mutex_lock(&l->commit_lock);
    int rc = cu_local_write(l, b, false, "cannot delete old records", err);
    pthread_mutex_unlock(&l->commit_lock);
    cu_kv_batch_clear(b);
    return rc;
}

/* Blocks of one deleted topic; *done when none is left. */
static int purge(cu_local *l, uint32_t id, int64_t until_us, bool *done,
                 cu_err *err)
{
    char lo[CU_LOCAL_RECORD_KEY], hi[CU_LOCAL_RECORD_KEY];
    cu_kv_iter *it = NULL;
    int rc = l->kv->vt->iter(l->kv, cu_local_record_key(lo, id, 0, 0),
                             cu_local_record_key(hi, id + 1, 0, 0), &it, err);
    if (rc)
        return rc;
    cu_kv_batch b = {0};
    cu_slice key, value;
    *done = false;
    do {
        *done = !l->kv->vt->iter_next(it, &key, &value);
        if (*done)
            cu_local_put_doomed(&b, id, false);
        else
            cu_kv_batch_del(&b, key);
        if (*done || b.n_ops == PURGE_BLOCKS)
            rc = write_batch(l, &b, err);
    } while (!rc && !*done && (b.n_ops > 0 || time_left(l, until_us)));
    cu_kv_batch_free(&b);
    return close_iter(l, it, rc, err);
}

static int purge_doomed(cu_local *l, int64_t until_us, cu_err *err)
{
    for (;;) {
        pthread_mutex_lock(&l->lock);
        bool any = l->n_doomed > 0;
        uint32_t id = any ? l->doomed[0] : 0;
        pthread_mutex_unlock(&l->lock);
        if (!any || !time_left(l, until_us))
            return 0;
        bool done = false;
        int rc = purge(l, id, until_us, &done, err);
        if (rc || !done)
            return rc;
        cu_local_lock2(l);
        CU_ASSERT(l->doomed[0] == id);
        memmove(l->doomed, l->doomed + 1, --l->n_doomed * sizeof(*l->doomed));
        cu_local_unlock2(l);
    }
}

/* --- retention ------------------------------------------------------------ */

/* Whether the block goes; moves fresh->start and fresh->trimmed over it. */
static int judge(cu_slice key, cu_slice value, int64_t cutoff_ms,
                 cu_local_part *fresh, bool *goes, cu_err *err)
{
    cu_block_info info;
    cu_err why = {0};
    int64_t base = cu_local_record_base(key);
    int rc = cu_block_peek(value, cu_local_name(fresh), base, &info, &why);
    if (rc && base >= fresh->start) {
        if (err)
            *err = why;
        return rc;
    }
    if (rc) /* damaged, and its beginning is to be deleted anyway */
        info = (cu_block_info){.span = 1};
    int64_t end = base + info.span;
    *goes = end <= fresh->start || info.max_ms < cutoff_ms;
    if (!*goes) {
        fresh->oldest_ms = info.max_ms;
        return 0;
    }
    fresh->trimmed = end;
    if (fresh->start < end)
        fresh->start = end;
    return 0;
}

/* Under commit_lock. */
static int trim_locked(cu_local *l, cu_local_part *p, cu_local_part *fresh,
                       int64_t cutoff_ms, bool *more, cu_err *err)
{
    cu_kv_iter *it = NULL;
    cu_kv_batch b = {0};
    cu_slice key, value;
    int rc = iter_part(l, p, fresh->trimmed, fresh->end, &it, err);
    if (rc)
        return rc;
    bool goes = true;
    fresh->oldest_ms = INT64_MAX;
    while (!rc && goes && b.n_ops < TRIM_BLOCKS &&
           l->kv->vt->iter_next(it, &key, &value)) {
        rc = judge(key, value, cutoff_ms, fresh, &goes, err);
        if (!rc && goes)
            cu_kv_batch_del(&b, key);
    }
    rc = close_iter(l, it, rc, err);
    *more = b.n_ops == TRIM_BLOCKS;
    fresh->oldest_known = !*more;
    if (fresh->cleaned < fresh->start)
        fresh->cleaned = fresh->start;
    if (!rc && (b.n_ops > 0 || fresh->start != p->start)) {
        cu_local_put_part(&b, fresh);
        rc = cu_local_write(l, &b, false, "cannot delete old records", err);
    }
    if (!rc)
        publish(l, p, fresh);
    cu_kv_batch_free(&b);
    return rc;
}

int cu_local_trim(cu_local *l, cu_local_part *p, int64_t before, int64_t now_ms,
                  bool *more, cu_err *err)
{
    int rc = 0;
    *more = false;
    pthread_mutex_lock(&l->commit_lock);
    if (!p->topic->deleted) {
        cu_local_part fresh = *p;
        int64_t keep_ms = p->topic->retention_ms;
        int64_t cutoff_ms = INT64_MIN;
        if (keep_ms > 0 && now_ms >= 0)
            cutoff_ms = now_ms - keep_ms;
        if (fresh.start < before)
            fresh.start = before;
        rc = trim_locked(l, p, &fresh, cutoff_ms, more, err);
    }
    pthread_mutex_unlock(&l->commit_lock);
    return rc;
}

typedef bool due(const cu_local_part *p, int64_t now_ms);

static bool old(const cu_local_part *p, int64_t now_ms)
{
    int64_t keep_ms = p->topic->retention_ms;
    if (keep_ms == 0 || p->trimmed == p->end)
        return false;
    return !p->oldest_known || p->oldest_ms < now_ms - keep_ms;
}

static bool dirty(const cu_local_part *p, int64_t now_ms)
{
    (void)now_ms;
    return p->topic->compact && !p->unclean && p->dirty_bytes >= LEAST_DIRTY &&
           p->dirty_bytes >= p->clean_bytes;
}

/* The first partition by name that is due, or NULL. */
static cu_local_part *find_due(cu_local *l, due *is_due, int64_t now_ms)
{
    cu_local_part *found = NULL;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; !found && i < l->n_topics; i++) {
        const cu_local_topic *t = l->sorted[i];
        if (!t->compact && t->retention_ms == 0)
            continue;
        for (int32_t k = 0; !found && k < t->n_parts; k++)
            found = is_due(&t->parts[k], now_ms) ? &t->parts[k] : NULL;
    }
    pthread_mutex_unlock(&l->lock);
    return found;
}

static int retain(cu_local *l, int64_t until_us, cu_err *err)
{
    int64_t now_ms = cu_wall_us(l->env) / 1000;
    cu_local_part *p;
    while (time_left(l, until_us) && (p = find_due(l, old, now_ms))) {
        bool more;
        int rc = cu_local_trim(l, p, 0, now_ms, &more, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* --- compaction ------------------------------------------------------------
 */

void cu_local_pass_end(cu_local *l)
{
    if (!l->pass)
        return;
    cu_map_free(l->pass->keys);
    cu_buf_free(&l->pass->space);
    cu_free(l->pass);
    l->pass = NULL;
}

static void pass_start(cu_local *l, cu_local_part *p)
{
    cu_local_pass *pass = cu_calloc(1, sizeof(*pass));
    pass->p = p;
    pass->keys = cu_map_new();
    pthread_mutex_lock(&l->lock);
    pass->at = p->cleaned;
    pass->until = p->end;
    pass->dirty_all = p->dirty_bytes;
    pthread_mutex_unlock(&l->lock);
    l->pass = pass;
}

/* Compaction stops at damage and leaves that partition alone. */
static int damaged(cu_local *l, int rc)
{
    if (rc == CU_CORRUPT) {
        cu_local_lock2(l);
        l->pass->p->unclean = true;
        cu_local_unlock2(l);
    }
    cu_local_pass_end(l);
    return rc;
}

/* Every key of the block with its last offset. */
static int index_block(cu_local_pass *pass, cu_slice value, int64_t base,
                       cu_arena *a, cu_err *err)
{
    cu_record some[SOME_RECORDS];
    cu_block_reader r;
    size_t n = 1;
    int rc = cu_block_open(&r, value, cu_local_name(pass->p), base,
                           &pass->space, err);
    while (!rc && n > 0) {
        rc = cu_block_read(&r, 0, some, SOME_RECORDS, a, &n, err);
        for (size_t i = 0; !rc && i < n; i++) {
            bool fresh;
            void **slot = cu_map_put(pass->keys, some[i].key, &fresh);
            *slot = (void *)(uintptr_t)(some[i].offset + 1);
            pass->key_bytes += fresh ? some[i].key.len + INDEX_ENTRY : 0;
        }
    }
    cu_arena_reset(a);
    if (!rc) {
        pass->at = base + r.info.span;
        pass->dirty_bytes += r.info.n_bytes;
    }
    return rc;
}

static int index_some(cu_local *l, int64_t until_us, cu_err *err)
{
    cu_local_pass *pass = l->pass;
    cu_kv_iter *it = NULL;
    cu_slice key, value;
    int rc = iter_part(l, pass->p, pass->at, pass->until, &it, err);
    if (rc)
        return rc;
    cu_arena *a = cu_arena_new(0);
    bool more = true;
    while (!rc && pass->key_bytes < l->index_bytes &&
           (more = l->kv->vt->iter_next(it, &key, &value))) {
        rc = index_block(pass, value, cu_local_record_base(key), a, err);
        if (!time_left(l, until_us))
            break;
    }
    cu_arena_free(a);
    rc = close_iter(l, it, rc, err);
    if (rc)
        return rc;
    bool full = pass->key_bytes >= l->index_bytes;
    if (full || !more) {
        if (full)
            pass->until = pass->at;
        else /* more than was met when an earlier pass was cut off */
            pass->dirty_bytes = pass->dirty_all;
        pass->rewriting = true;
        pthread_mutex_lock(&l->lock);
        pass->at = pass->p->trimmed;
        pthread_mutex_unlock(&l->lock);
    }
    return 0;
}

static bool keeps(const cu_local_pass *pass, const cu_record *r,
                  int64_t written_ms, int64_t now_ms)
{
    void **last = cu_map_get(pass->keys, r->key);
    if (last && (int64_t)(uintptr_t)*last > r->offset + 1)
        return false;
    return r->value.data || written_ms > now_ms - TOMBSTONE_MS;
}

static int merge_block(cu_local *l, merge *m, cu_slice key, cu_slice value,
                       cu_arena *a, cu_err *err)
{
    cu_local_pass *pass = l->pass;
    cu_record some[SOME_RECORDS];
    cu_block_reader r;
    size_t n = 1;
    int64_t now_ms = cu_wall_us(l->env) / 1000;
    int64_t base = cu_local_record_base(key);
    int rc = cu_block_open(&r, value, cu_local_name(pass->p), base,
                           &pass->space, err);
    if (rc)
        return rc;
    if (m->n_in == 0) {
        m->base = base;
        m->high_ms = m->written_ms = INT64_MIN;
        cu_block_start(&m->w, &m->out);
    }
    while (!rc && n > 0) {
        rc = cu_block_read(&r, 0, some, SOME_RECORDS, a, &n, err);
        for (size_t i = 0; !rc && i < n; i++) {
            if (keeps(pass, &some[i], r.info.written_ms, now_ms))
                cu_block_add(&m->w, some[i].offset - m->base, &some[i]);
            else
                m->dropped++;
        }
    }
    cu_arena_reset(a);
    m->n_in++;
    m->in_bytes += r.info.n_bytes;
    m->end = base + r.info.span;
    if (r.info.high_ms > m->high_ms)
        m->high_ms = r.info.high_ms;
    if (r.info.written_ms > m->written_ms)
        m->written_ms = r.info.written_ms;
    cu_kv_batch_del(&m->batch, key);
    return rc;
}

/* Under commit_lock: the merged block in place of those it came from. */
static int merge_write(cu_local *l, merge *m, cu_err *err)
{
    const cu_local_part *p = l->pass->p;
    bool same = m->n_in == 1 && m->dropped == 0;
    l->pass->at = m->end;
    if (same) {
        l->pass->clean_bytes += (int64_t)m->in_bytes;
        return 0;
    }
    if (m->w.info.n > 0) {
        char key[CU_LOCAL_RECORD_KEY];
        cu_block_end(&m->w);
        cu_block_info info = m->w.info;
        size_t len = cu_block_size_bytes(&m->w);
        l->pass->clean_bytes += info.n_bytes;
        info.span = m->end - m->base;
        info.high_ms = m->high_ms;
        info.written_ms = m->written_ms;
        cu_block_seal(m->out.data, len, &info);
        cu_kv_batch_put(&m->batch,
                        cu_local_record_key(key, p->topic->id, p->n, m->base),
                        cu_slice_n(m->out.data, len));
    }
    return cu_local_write(l, &m->batch, false, "cannot compact", err);
}

/* One merged block; *done when there was none. Under commit_lock. */
static int rewrite_step(cu_local *l, bool *done, cu_err *err)
{
    cu_local_pass *pass = l->pass;
    cu_kv_iter *it = NULL;
    cu_slice key, value;
    merge m = {0};
    *done = true;
    if (pass->p->topic->deleted)
        return 0;
    int rc = iter_part(l, pass->p, pass->at, pass->until, &it, err);
    if (rc)
        return rc;
    cu_arena *a = cu_arena_new(0);
    while (!rc && m.in_bytes < STEP_BYTES &&
           l->kv->vt->iter_next(it, &key, &value)) {
        if (m.n_in && m.out.len + value.len > CU_LOCAL_BLOCK_BYTES)
            break;
        rc = merge_block(l, &m, key, value, a, err);
    }
    cu_arena_free(a);
    rc = close_iter(l, it, rc, err);
    if (!rc && m.n_in > 0) {
        *done = false;
        rc = merge_write(l, &m, err);
    }
    cu_buf_free(&m.out);
    cu_kv_batch_free(&m.batch);
    return rc;
}

/* Everything below `until` is clean now. Under commit_lock. */
static int pass_done(cu_local *l, cu_err *err)
{
    cu_local_pass *pass = l->pass;
    cu_kv_batch b = {0};
    int rc = 0;
    if (!pass->p->topic->deleted) {
        cu_local_part fresh = *pass->p;
        if (fresh.cleaned < pass->until)
            fresh.cleaned = pass->until;
        fresh.clean_bytes = pass->clean_bytes;
        fresh.dirty_bytes -= pass->dirty_bytes;
        if (fresh.dirty_bytes < 0)
            fresh.dirty_bytes = 0;
        fresh.oldest_known = false;
        cu_local_put_part(&b, &fresh);
        rc = cu_local_write(l, &b, false, "cannot compact", err);
        if (!rc)
            publish(l, pass->p, &fresh);
    }
    cu_kv_batch_free(&b);
    cu_local_pass_end(l);
    return rc;
}

static int compact(cu_local *l, int64_t until_us, cu_err *err)
{
    int rc = 0;
    while (!rc && time_left(l, until_us)) {
        if (!l->pass) {
            cu_local_part *p = find_due(l, dirty, 0);
            if (!p)
                return 0;
            pass_start(l, p);
        }
        if (!l->pass->rewriting) {
            rc = index_some(l, until_us, err);
        } else {
            bool done;
            pthread_mutex_lock(&l->commit_lock);
            rc = rewrite_step(l, &done, err);
            if (!rc && done)
                rc = pass_done(l, err);
            pthread_mutex_unlock(&l->commit_lock);
        }
    }
    if (rc && l->pass)
        return damaged(l, rc);
    return rc;
}

int cu_local_maintain(cu_log *log, cu_err *err)
{
    cu_local *l = (cu_local *)log;
    if (pthread_mutex_trylock(&l->maintain_lock))
        return 0; /* somebody is at it */
    int64_t until_us = cu_mono_us(l->env) + BUDGET_US;
    int rc = sync_if_due(l, err);
    if (!rc)
        rc = purge_doomed(l, until_us, err);
    if (!rc)
        rc = retain(l, until_us, err);
    if (!rc)
        rc = compact(l, until_us, err);
    pthread_mutex_unlock(&l->maintain_lock);
    return rc;
}
