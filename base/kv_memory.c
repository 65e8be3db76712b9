/* The kv door in memory: what simulation stores in.
 *
 * An ordered map from key to a chain of versions, newest first:
 *
 *     key -> cell -> (seq 9, deleted) -> (seq 4, "b") -> (seq 2, "a")
 *
 * An iterator remembers the sequence number of its making and reads the
 * first version that is not newer, so a view stays consistent while writes
 * go on.  Without open iterators a write replaces its version in place;
 * when the last iterator closes, cells with more than one version or none
 * worth keeping are cleaned.
 *
 * A power cut: each write since the last sync leaves an undo batch (the
 * values before it).  cu_kv_memory_crash() keeps a random number of these
 * writes and takes the later ones back, last first.  Like a real disk, the
 * oldest writes become durable by themselves once many are pending.
 *
 * Everything is a function of the seed and of the calls.
 */
#include "base/kv.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/int.h"
#include "base/map.h"

#include <pthread.h>

enum { MAX_UNSYNCED = 16384 };

typedef struct version {
    struct version *older;
    uint64_t seq;
    bool deleted;
    size_t len;
    char value[];
} version;

typedef struct cell {
    version *newest;
    cu_onode *node;
    struct cell *next_dirty; /* list of cells to clean */
    bool dirty;
} cell;

typedef struct memory {
    cu_kv base;
    pthread_mutex_t lock;
    cu_omap *cells;
    cell *dirty;
    uint64_t seq;
    uint64_t chance;
    size_t n_iters;
    size_t n_keys, live_bytes;
    cu_kv_batch *undo; /* of the writes since the last sync */
    size_t n_undo, cap_undo;
    unsigned fail_in; /* 0: no failure is due */
    cu_code fail_code;
} memory;

struct cu_kv_iter {
    memory *m;
    cu_buf lo, hi, at; /* `at`: current key or seek target */
    bool bounded;      /* `hi` counts */
    uint64_t seq;
    enum { FRESH, ON, SOUGHT, AT_END, AT_START } state;
};

/* --- versions ----------------------------------------------------------- */

static const version *visible(const cell *c, uint64_t seq)
{
    const version *v = c->newest;
    while (v && v->seq > seq)
        v = v->older;
    return v && !v->deleted ? v : NULL;
}

static const version *lookup(const memory *m, cu_slice key, uint64_t seq)
{
    cu_onode *node = cu_omap_get(m->cells, key);
    return node ? visible(cu_onode_value(node), seq) : NULL;
}

static void free_chain(version *v)
{
    while (v) {
        version *older = v->older;
        cu_free(v);
        v = older;
    }
}

/* Keeps the newest version alone; a deleted key goes altogether. */
static void clean(memory *m, cell *c)
{
    free_chain(c->newest->older);
    c->newest->older = NULL;
    if (!c->newest->deleted)
        return;
    cu_free(c->newest);
    bool was = cu_omap_del(m->cells, cu_onode_key(c->node));
    CU_ASSERT(was);
    cu_free(c);
}

static void clean_all(memory *m)
{
    while (m->dirty) {
        cell *c = m->dirty;
        m->dirty = c->next_dirty;
        c->dirty = false;
        clean(m, c);
    }
}

/* Sets or, with an absent value, deletes; `seq` is the batch's. */
static void apply(memory *m, cu_slice key, cu_slice value)
{
    bool fresh;
    cu_onode *node = cu_omap_put(m->cells, key, &fresh);
    cell *c = cu_onode_value(node);
    if (fresh) {
        c = cu_calloc(1, sizeof(*c));
        c->node = node;
        cu_onode_set(node, c);
    }
    const version *old = visible(c, m->seq);
    if (old) {
        m->n_keys--;
        m->live_bytes -= key.len + old->len;
    }
    if (value.data) {
        m->n_keys++;
        m->live_bytes += key.len + value.len;
    }
    version *v = cu_alloc(sizeof(*v) + value.len);
    *v = (version){.older = c->newest,
                   .seq = m->seq,
                   .deleted = !value.data,
                   .len = value.len};
    if (value.len)
        memcpy(v->value, value.data, value.len);
    c->newest = v;
    if (m->n_iters == 0) {
        clean(m, c);
    } else if (!c->dirty) {
        c->dirty = true;
        c->next_dirty = m->dirty;
        m->dirty = c;
    }
}

/* --- durability --------------------------------------------------------- */

static void forget_undo(memory *m, size_t n)
{
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++)
        cu_kv_batch_free(&m->undo[i]);
    m->n_undo -= n;
    memmove(m->undo, m->undo + n, m->n_undo * sizeof(*m->undo));
}

static cu_kv_batch *new_undo(memory *m)
{
    if (m->n_undo == MAX_UNSYNCED)
        forget_undo(m, MAX_UNSYNCED / 2);
    if (m->n_undo == m->cap_undo) {
        m->cap_undo = m->cap_undo ? m->cap_undo * 2 : 16;
        m->undo = cu_realloc(m->undo, m->cap_undo * sizeof(*m->undo));
    }
    m->undo[m->n_undo] = (cu_kv_batch){0};
    return &m->undo[m->n_undo++];
}

/* A key may stand in a batch twice: the oldest value must win, so the ops
 * go backwards. */
static void take_back(memory *m, const cu_kv_batch *undo)
{
    cu_slice *ops = cu_calloc(undo->n_ops * 2, sizeof(*ops));
    size_t at = 0, n = 0;
    while (cu_kv_batch_next(undo, &at, &ops[2 * n], &ops[2 * n + 1]))
        n++;
    m->seq++;
    while (n-- > 0)
        apply(m, ops[2 * n], ops[2 * n + 1]);
    cu_free(ops);
}

static uint64_t next_chance(memory *m)
{
    uint64_t z = m->chance += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void cu_kv_memory_crash(cu_kv *kv, bool power)
{
    memory *m = (memory *)kv;
    CU_ASSERT(m->n_iters == 0);
    if (!power)
        return;
    size_t keep = (size_t)(next_chance(m) % (m->n_undo + 1));
    while (m->n_undo > keep) {
        cu_kv_batch *last = &m->undo[--m->n_undo];
        take_back(m, last);
        cu_kv_batch_free(last);
    }
    forget_undo(m, m->n_undo);
}

void cu_kv_memory_fail_write(cu_kv *kv, unsigned n, cu_code code)
{
    memory *m = (memory *)kv;
    m->fail_in = n;
    m->fail_code = code;
}

/* --- the calls ---------------------------------------------------------- */

static int memory_multi_get(cu_kv *kv, size_t n, const cu_slice *keys,
                            cu_arena *a, cu_slice *values, cu_err *err)
{
    memory *m = (memory *)kv;
    (void)err;
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < n; i++) {
        const version *v = lookup(m, keys[i], m->seq);
        values[i] = v ? cu_arena_slice(a, cu_slice_n(v->value, v->len))
                      : CU_NULL_SLICE;
    }
    pthread_mutex_unlock(&m->lock);
    return 0;
}

static int memory_get(cu_kv *kv, cu_slice key, cu_arena *a, cu_slice *value,
                      cu_err *err)
{
    return memory_multi_get(kv, 1, &key, a, value, err);
}

static int memory_write(cu_kv *kv, const cu_kv_batch *b, bool sync, cu_err *err)
{
    memory *m = (memory *)kv;
    cu_slice key, value;
    size_t n = 0;
    for (size_t at = 0; cu_kv_batch_next(b, &at, &key, &value);)
        n++;
    if (n != b->n_ops)
        return cu_kv_batch_damaged(b, n, err);
    pthread_mutex_lock(&m->lock);
    if (m->fail_in > 0 && --m->fail_in == 0) {
        cu_code code = m->fail_code;
        pthread_mutex_unlock(&m->lock);
        return cu_fail(err, code, code == CU_FULL ? CU_RETRY : 0,
                       "cannot write to the store in memory: injected fault");
    }
    cu_kv_batch *undo = new_undo(m);
    uint64_t before = m->seq++;
    for (size_t at = 0; cu_kv_batch_next(b, &at, &key, &value);) {
        const version *old = lookup(m, key, m->seq);
        if (old)
            cu_kv_batch_put(undo, key, cu_slice_n(old->value, old->len));
        else
            cu_kv_batch_del(undo, key);
        apply(m, key, value);
    }
    CU_ASSERT(m->seq == before + 1);
    if (sync)
        forget_undo(m, m->n_undo);
    pthread_mutex_unlock(&m->lock);
    return 0;
}

static int memory_sync(cu_kv *kv, cu_err *err)
{
    memory *m = (memory *)kv;
    (void)err;
    pthread_mutex_lock(&m->lock);
    forget_undo(m, m->n_undo);
    pthread_mutex_unlock(&m->lock);
    return 0;
}

static void memory_stats(cu_kv *kv, cu_kv_stats *out)
{
    memory *m = (memory *)kv;
    pthread_mutex_lock(&m->lock);
    *out = (cu_kv_stats){.live_bytes = (int64_t)m->live_bytes,
                         .n_keys = (int64_t)m->n_keys};
    for (size_t i = 0; i < m->n_undo; i++)
        out->memtable_bytes += (int64_t)m->undo[i].ops.len;
    pthread_mutex_unlock(&m->lock);
}

static void memory_close(cu_kv *kv)
{
    memory *m = (memory *)kv;
    CU_ASSERT(m->n_iters == 0);
    cu_onode *n = cu_omap_seek(m->cells, CU_LIT(""), false);
    for (; n; n = cu_onode_next(n)) {
        cell *c = cu_onode_value(n);
        free_chain(c->newest);
        cu_free(c);
    }
    cu_omap_free(m->cells);
    forget_undo(m, m->n_undo);
    cu_free(m->undo);
    pthread_mutex_destroy(&m->lock);
    cu_free(m);
}

/* --- iterators ---------------------------------------------------------- */

static int memory_iter(cu_kv *kv, cu_slice lo, cu_slice hi, cu_kv_iter **out,
                       cu_err *err)
{
    memory *m = (memory *)kv;
    (void)err;
    cu_kv_iter *it = cu_calloc(1, sizeof(*it));
    it->m = m;
    cu_buf_put_slice(&it->lo, lo);
    cu_buf_put_slice(&it->hi, hi);
    it->bounded = hi.data != NULL;
    pthread_mutex_lock(&m->lock);
    it->seq = m->seq;
    m->n_iters++;
    pthread_mutex_unlock(&m->lock);
    *out = it;
    return 0;
}

static bool in_bounds(const cu_kv_iter *it, cu_slice key)
{
    if (cu_slice_cmp(key, cu_buf_slice(&it->lo)) < 0)
        return false;
    return !it->bounded || cu_slice_cmp(key, cu_buf_slice(&it->hi)) < 0;
}

/* The first node from `n` on, in either direction, that this view sees. */
static bool settle(cu_kv_iter *it, cu_onode *n, bool forward, cu_slice *key,
                   cu_slice *value)
{
    for (; n && in_bounds(it, cu_onode_key(n));
         n = forward ? cu_onode_next(n)
                     : cu_omap_before(it->m->cells, cu_onode_key(n))) {
        const version *v = visible(cu_onode_value(n), it->seq);
        if (!v)
            continue;
        *key = cu_onode_key(n);
        *value = cu_slice_n(v->value, v->len);
        cu_buf_clear(&it->at);
        cu_buf_put_slice(&it->at, *key);
        it->state = ON;
        return true;
    }
    it->state = forward ? AT_END : AT_START;
    return false;
}

static bool memory_iter_next(cu_kv_iter *it, cu_slice *key, cu_slice *value)
{
    memory *m = it->m;
    if (it->state == AT_END)
        return false;
    pthread_mutex_lock(&m->lock);
    cu_slice lo = cu_buf_slice(&it->lo), from = cu_buf_slice(&it->at);
    bool inside = it->state == ON || it->state == SOUGHT;
    if (!inside || cu_slice_cmp(from, lo) < 0)
        from = lo;
    cu_onode *n = cu_omap_seek(m->cells, from, it->state == ON);
    bool found = settle(it, n, true, key, value);
    pthread_mutex_unlock(&m->lock);
    return found;
}

static bool memory_iter_prev(cu_kv_iter *it, cu_slice *key, cu_slice *value)
{
    memory *m = it->m;
    if (it->state == AT_START)
        return false;
    pthread_mutex_lock(&m->lock);
    cu_slice to = it->bounded ? cu_buf_slice(&it->hi) : CU_NULL_SLICE;
    cu_slice at = cu_buf_slice(&it->at);
    bool inside = it->state == ON || it->state == SOUGHT;
    if (inside && (!to.data || cu_slice_cmp(at, to) < 0))
        to = at;
    cu_onode *n = cu_omap_before(m->cells, to);
    bool found = settle(it, n, false, key, value);
    pthread_mutex_unlock(&m->lock);
    return found;
}

static void memory_iter_seek(cu_kv_iter *it, cu_slice key)
{
    cu_buf target = {0}; /* `key` may be the lent one */
    cu_buf_put_slice(&target, key);
    cu_buf_free(&it->at);
    it->at = target;
    it->state = SOUGHT;
}

static int memory_iter_close(cu_kv_iter *it, cu_err *err)
{
    memory *m = it->m;
    (void)err;
    pthread_mutex_lock(&m->lock);
    if (--m->n_iters == 0)
        clean_all(m);
    pthread_mutex_unlock(&m->lock);
    cu_buf_free(&it->lo);
    cu_buf_free(&it->hi);
    cu_buf_free(&it->at);
    cu_free(it);
    return 0;
}

cu_kv *cu_kv_open_memory(uint64_t seed)
{
    static const cu_kv_vt vt = {
        .version = 1,
        .get = memory_get,
        .multi_get = memory_multi_get,
        .write = memory_write,
        .iter = memory_iter,
        .iter_next = memory_iter_next,
        .iter_prev = memory_iter_prev,
        .iter_seek = memory_iter_seek,
        .iter_close = memory_iter_close,
        .sync = memory_sync,
        .flush = memory_sync,
        .stats = memory_stats,
        .close = memory_close,
    };
    memory *m = cu_calloc(1, sizeof(*m));
    m->base.vt = &vt;
    m->cells = cu_omap_new();
    m->chance = seed;
    pthread_mutex_init(&m->lock, NULL);
    return &m->base;
}
