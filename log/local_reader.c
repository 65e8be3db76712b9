/* Readers of the embedded log.
 *
 * A reader keeps one cursor per partition: an iterator over the blocks
 * between its position and the end as it was, and the block it decodes.
 * What poll lends points into that block, so nothing moves until the next
 * poll; seek and pause only mark a cursor stale.
 *
 *     position   the offset that comes next
 *         |  == end: nothing to do, no call to the kv
 *         v
 *     iterator   made at a position; dropped at its end, and by a poll when
 *         |      VIEW_BYTES were written since: it pins a view of the store,
 *         |      and a reader that lags would keep many memtables alive
 *         v
 *     block      checked once, handed out in portions of 1,024 records
 *
 * A position may lie inside a block (seek, or compaction merged blocks) or
 * in a gap, so a fresh iterator steps back to the last block that starts at
 * or before it.
 *
 * One reader may sleep (never in simulation): on the log's condition
 * variable, which commits and reassignments signal.
 */
#include "log/local.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <time.h>

enum {
    PORTION = 1024,
    LONGEST_WAIT_MS = 24 * 3600 * 1000,
    VIEW_BYTES = 4 << 20,
};

typedef struct cursor {
    cu_local_part *p;
    int64_t next; /* position */
    bool paused;
    bool failed;   /* told once; until seek or resume */
    bool told_end; /* END was told at this position */
    bool stale;    /* the iterator goes at the next poll */
    cu_kv_iter *it;
    int64_t it_end; /* what the iterator covers */
    bool in_block;
    cu_block_reader block;
    cu_buf space; /* of a packed block; goes with the iterator */
} cursor;

typedef struct reader {
    cu_reader base;
    cu_local *l;
    cu_local_member *member; /* NULL: by hand */
    cursor *cursors;
    size_t n, turn; /* turn: where the search for work starts */
    bool any_stale;
    size_t viewed; /* l->written when views were last let go */
    bool revoking; /* REVOKED was told: the next poll lets go */
    cu_part *names;
    cu_record *records; /* PORTION of them */
    cu_arena *headers;  /* of the block being read */
} reader;

/* --- cursors ------------------------------------------------------------ */

static int drop_iter(reader *r, cursor *c, cu_err *err)
{
    int rc = 0;
    if (c->it)
        rc = r->l->kv->vt->iter_close(c->it, err);
    c->it = NULL;
    cu_buf_free(&c->space);
    c->in_block = false;
    c->stale = false;
    return rc;
}

static void stale(reader *r, cursor *c)
{
    c->stale = true;
    r->any_stale = true;
}

static cursor *find(reader *r, cu_part part)
{
    for (size_t i = 0; i < r->n; i++) {
        if (cu_part_eq(cu_local_name(r->cursors[i].p), part))
            return &r->cursors[i];
    }
    return NULL;
}

static int not_ours(cu_part part, cu_err *err)
{
    return cu_fail(err, CU_NOT_FOUND, 0,
                   "%s[%d] is not among the partitions of this reader",
                   part.topic, (int)part.partition);
}

/* Under either lock. */
static int64_t resolve(const cu_local_part *p, int64_t off)
{
    if (off == CU_OLDEST)
        return p->start;
    return off == CU_NEWEST ? p->end : off;
}

static int open_iter(reader *r, cursor *c, int64_t end, cu_err *err)
{
    const cu_kv_vt *kv = r->l->kv->vt;
    const cu_local_topic *t = c->p->topic;
    char lo[CU_LOCAL_RECORD_KEY], hi[CU_LOCAL_RECORD_KEY];
    cu_slice key, value;
    int rc = kv->iter(r->l->kv, cu_local_record_key(lo, t->id, c->p->n, 0),
                      cu_local_record_key(hi, t->id, c->p->n, end), &c->it,
                      err);
    if (rc)
        return rc;
    c->it_end = end;
    cu_slice after = cu_local_record_key(lo, t->id, c->p->n, c->next + 1);
    kv->iter_seek(c->it, after);
    if (kv->iter_prev(c->it, &key, &value))
        kv->iter_seek(c->it, key);
    else
        kv->iter_seek(c->it, after);
    return 0;
}

/* The next block with records at or behind the position; *found = false at
 * the end of the iterator, which is then gone and the position there. */
static int next_block(reader *r, cursor *c, bool *found, cu_err *err)
{
    cu_slice key, value;
    while (r->l->kv->vt->iter_next(c->it, &key, &value)) {
        int64_t base = cu_local_record_base(key);
        int rc = cu_block_open(&c->block, value, cu_local_name(c->p), base,
                               &c->space, err);
        if (rc)
            return rc;
        if (base + c->block.info.span <= c->next)
            continue;
        cu_arena_reset(r->headers);
        c->in_block = true;
        *found = true;
        return 0;
    }
    int rc = drop_iter(r, c, err);
    if (!rc && c->it_end > c->next)
        c->next = c->it_end;
    *found = false;
    return rc;
}

/* Up to a portion of one block; out->n == 0 when the rest up to `end` is a
 * gap. */
static int read_some(reader *r, cursor *c, int64_t end, cu_poll *out,
                     cu_err *err)
{
    while (c->next < end) {
        if (!c->it) {
            int rc = open_iter(r, c, end, err);
            if (rc)
                return rc;
        }
        bool found = c->in_block;
        if (!found) {
            int rc = next_block(r, c, &found, err);
            if (rc)
                return rc;
        }
        if (!found)
            continue;
        size_t n;
        int rc = cu_block_read(&c->block, c->next, r->records, PORTION,
                               r->headers, &n, err);
        if (rc)
            return rc;
        c->in_block = c->block.left > 0;
        c->next = c->in_block ? c->block.next
                              : c->block.base + c->block.info.span;
        if (n == 0)
            continue;
        *out = (cu_poll){.kind = CU_POLL_RECORDS,
                         .part = cu_local_name(c->p),
                         .records = r->records,
                         .n = n,
                         .next = c->next};
        return 0;
    }
    return 0;
}

/* --- membership --------------------------------------------------------- */

static void drop_cursors(reader *r)
{
    for (size_t i = 0; i < r->n; i++)
        drop_iter(r, &r->cursors[i], NULL);
    r->n = r->turn = 0;
    r->any_stale = false;
}

/* Something about our group is to be done or told. Under `lock`. */
static bool called(const reader *r)
{
    const cu_local_member *m = r->member;
    if (!m)
        return false;
    const cu_local_group *g = m->group;
    if (m->fenced || m->lost || r->revoking)
        return true;
    if (g->preparing)
        return m->holding || cu_local_evict_due(r->l, g);
    return m->generation != g->generation;
}

static void tell_parts(reader *r, cu_poll_kind kind, bool lost, cu_poll *out)
{
    for (size_t i = 0; i < r->n; i++)
        r->names[i] = cu_local_name(r->cursors[i].p);
    *out = (cu_poll){
        .kind = kind, .parts = r->names, .n_parts = r->n, .lost = lost};
}

/* Makes cursors of the new assignment, at the group's positions. */
static void take(reader *r, cu_local_member *m)
{
    CU_ASSERT(r->n == 0);
    size_t room = m->n_parts + 1;
    r->cursors = cu_realloc(r->cursors, room * sizeof(*r->cursors));
    r->names = cu_realloc(r->names, room * sizeof(*r->names));
    for (size_t i = 0; i < m->n_parts; i++) {
        cu_local_part *p = m->parts[i];
        cu_local_pos *pos = cu_local_position(m->group, p, false);
        int64_t next = pos ? pos->next : CU_NO_OFFSET;
        r->cursors[i] = (cursor){
            .p = p,
            .next = next == CU_NO_OFFSET ? p->start : next,
            .paused = true,
        };
    }
    r->n = m->n_parts;
    m->generation = m->group->generation;
    m->holding = m->n_parts > 0;
}

/* One step of the protocol; *told when `out` holds an event. Under both
 * locks. */
static int group_step(reader *r, cu_poll *out, bool *told, cu_err *err)
{
    cu_local_member *m = r->member;
    if (m->fenced)
        return cu_fail(err, CU_FENCED, CU_FATAL,
                       "group %s: another reader opened as instance %s",
                       m->group->name, m->instance);
    if (r->revoking) {
        r->revoking = false;
        cu_local_let_go(r->l, m);
        return 0;
    }
    if (m->lost || (m->group->preparing && m->holding)) {
        r->revoking = true;
        *told = true;
        tell_parts(r, CU_POLL_REVOKED, m->lost, out);
        return 0;
    }
    cu_local_evict(r->l, m->group);
    if (!m->group->preparing && m->generation != m->group->generation) {
        take(r, m);
        *told = true;
        tell_parts(r, CU_POLL_ASSIGNED, false, out);
    }
    return 0;
}

/* --- poll --------------------------------------------------------------- */

static int gone(reader *r, cursor *c, int64_t start, int64_t end, cu_err *err)
{
    char name[320];
    c->failed = true;
    stale(r, c);
    cu_part_name(cu_local_name(c->p), name, sizeof(name));
    if (c->p->topic->deleted)
        return cu_fail(err, CU_NOT_FOUND, 0, "%s was deleted while it was read",
                       name);
    return cu_fail(err, CU_HISTORY, 0,
                   "%s: offset %lld is not there, the log holds %lld to %lld; "
                   "seek to one of these",
                   name, (long long)c->next, (long long)start, (long long)end);
}

/* A cursor with work, or an END to tell; neither: *c stays NULL. Under
 * `lock`. */
static int choose(reader *r, cursor **found, int64_t *end, cu_poll *out,
                  cu_err *err)
{
    for (size_t i = 0; i < r->n; i++) {
        size_t at = (r->turn + i) % r->n;
        cursor *c = &r->cursors[at];
        if (c->paused || c->failed)
            continue;
        const cu_local_part *p = c->p;
        if (p->topic->deleted || c->next < p->start || c->next > p->end)
            return gone(r, c, p->start, p->end, err);
        if (c->next < p->end) {
            *found = c;
            *end = p->end;
            r->turn = at;
            return 0;
        }
        if (!c->told_end) {
            c->told_end = true;
            *out = (cu_poll){
                .kind = CU_POLL_END, .part = cu_local_name(p), .next = c->next};
            return 0;
        }
    }
    return 0;
}

/* Sleeps under `lock` until something happens; false: the deadline. */
static bool wait_for_more(reader *r, int64_t until_us)
{
    cu_local *l = r->l;
    if (l->simulated || cu_mono_us(l->env) >= until_us)
        return false;
    struct timespec until = {.tv_sec = (time_t)(until_us / 1000000),
                             .tv_nsec = (long)(until_us % 1000000) * 1000};
    return pthread_cond_timedwait(&l->wake, &l->lock, &until) == 0;
}

/* Positions stand: a block that was begun is opened once more. */
static void let_old_views_go(reader *r)
{
    size_t written = atomic_load(&r->l->written);
    if (written - r->viewed < VIEW_BYTES)
        return;
    r->viewed = written;
    for (size_t i = 0; i < r->n; i++) {
        if (r->cursors[i].it)
            stale(r, &r->cursors[i]);
    }
}

static int release_lent(reader *r, cu_err *err)
{
    int rc = 0;
    let_old_views_go(r);
    for (size_t i = 0; r->any_stale && i < r->n; i++) {
        cursor *c = &r->cursors[i];
        if (c->stale && !rc)
            rc = drop_iter(r, c, err);
        else if (c->stale)
            drop_iter(r, c, NULL);
    }
    r->any_stale = false;
    return rc;
}

static int work(reader *r, cursor *c, int64_t end, cu_poll *out, cu_err *err)
{
    int rc = read_some(r, c, end, out, err);
    if (rc) {
        c->failed = true;
        stale(r, c);
        return rc;
    }
    c->told_end = false;
    if (!c->in_block) /* fair: the next poll starts at the neighbour */
        r->turn = ((size_t)(c - r->cursors) + 1) % r->n;
    return 0;
}

/* One look at group and partitions; *again: look once more at once. */
static int look(reader *r, cu_poll *out, bool *again, cu_err *err)
{
    cu_local *l = r->l;
    cursor *c = NULL;
    int64_t end = 0;
    int rc = 0;
    bool group = false;
    pthread_mutex_lock(&l->lock);
    if (called(r))
        group = true;
    else
        rc = choose(r, &c, &end, out, err);
    pthread_mutex_unlock(&l->lock);
    if (group) {
        bool told = false;
        if (r->revoking)
            drop_cursors(r);
        cu_local_lock2(l);
        rc = group_step(r, out, &told, err);
        cu_local_unlock2(l);
        *again = !told;
    } else if (c) {
        rc = work(r, c, end, out, err);
        *again = out->kind == CU_POLL_IDLE;
    }
    return rc;
}

/* Nothing to tell and nothing to read. Under `lock`. */
static bool idle(const reader *r)
{
    if (called(r))
        return false;
    for (size_t i = 0; i < r->n; i++) {
        const cursor *c = &r->cursors[i];
        if (!c->paused && !c->failed &&
            (c->p->topic->deleted || c->next != c->p->end))
            return false;
    }
    return true;
}

int cu_local_reader_poll(cu_reader *base, int64_t timeout_ms, cu_poll *out,
                         cu_err *err)
{
    reader *r = (reader *)base;
    cu_local *l = r->l;
    if (timeout_ms < 0 || timeout_ms > LONGEST_WAIT_MS)
        timeout_ms = timeout_ms < 0 ? 0 : LONGEST_WAIT_MS;
    int64_t until_us = cu_mono_us(l->env) + timeout_ms * 1000;
    *out = (cu_poll){.kind = CU_POLL_IDLE};
    int rc = release_lent(r, err);
    while (!rc && out->kind == CU_POLL_IDLE) {
        bool again = false;
        rc = look(r, out, &again, err);
        if (rc || again || out->kind != CU_POLL_IDLE)
            continue;
        pthread_mutex_lock(&l->lock);
        bool more = true;
        while (more && idle(r))
            more = wait_for_more(r, until_us);
        pthread_mutex_unlock(&l->lock);
        if (!more)
            break;
    }
    if (!rc && out->kind == CU_POLL_IDLE && l->simulated && timeout_ms > 0)
        l->env->vt->sleep_us(l->env, timeout_ms * 1000);
    return rc;
}

/* --- the other calls ---------------------------------------------------- */

int cu_local_reader_seek(cu_reader *base, cu_part part, int64_t off,
                         cu_err *err)
{
    reader *r = (reader *)base;
    cursor *c = find(r, part);
    if (!c)
        return not_ours(part, err);
    if (off < 0 && off != CU_OLDEST && off != CU_NEWEST)
        return cu_fail(err, CU_USAGE, 0, "cannot seek %s[%d] to offset %lld",
                       part.topic, (int)part.partition, (long long)off);
    pthread_mutex_lock(&r->l->lock);
    c->next = resolve(c->p, off);
    pthread_mutex_unlock(&r->l->lock);
    c->failed = c->told_end = false;
    stale(r, c);
    return 0;
}

int cu_local_reader_pause(cu_reader *base, cu_part part, bool pause,
                          cu_err *err)
{
    reader *r = (reader *)base;
    cursor *c = find(r, part);
    if (!c)
        return not_ours(part, err);
    c->paused = pause;
    c->failed = c->told_end = false;
    if (pause) /* a paused cursor must not pin the store */
        stale(r, c);
    return 0;
}

void cu_local_reader_close(cu_reader *base)
{
    reader *r = (reader *)base;
    cu_local *l = r->l;
    drop_cursors(r);
    cu_local_lock2(l);
    if (r->member)
        cu_local_leave(l, r->member);
    l->n_open--;
    cu_local_unlock2(l);
    cu_arena_free(r->headers);
    cu_free(r->records);
    cu_free(r->cursors);
    cu_free(r->names);
    cu_free(r);
}

bool cu_local_reader_grouped(const cu_reader *base)
{
    return ((const reader *)base)->member != NULL;
}

const cu_local_member *cu_local_reader_member(cu_reader *base, cu_part part,
                                              cu_local_part **out)
{
    reader *r = (reader *)base;
    cursor *c = find(r, part);
    if (!c || !r->member || !r->member->holding)
        return NULL;
    *out = c->p;
    return r->member;
}

static int open_by_hand(reader *r, const cu_reader_opts *o, cu_err *err)
{
    r->cursors = cu_calloc(o->n_parts, sizeof(*r->cursors));
    r->names = cu_calloc(o->n_parts, sizeof(*r->names));
    for (size_t i = 0; i < o->n_parts; i++) {
        cu_part part = o->parts[i].part;
        int rc = cu_local_find(r->l, part.topic, part.partition,
                               &r->cursors[i].p, err);
        if (rc)
            return rc;
        r->cursors[i].next = resolve(r->cursors[i].p, o->parts[i].next);
    }
    r->n = o->n_parts;
    return 0;
}

static int open_in_group(reader *r, const cu_reader_opts *o, cu_err *err)
{
    cu_local_topic **topics = cu_calloc(o->n_topics, sizeof(*topics));
    for (size_t i = 0; i < o->n_topics; i++) {
        cu_local_part *p;
        int rc = cu_local_find(r->l, o->topics[i], 0, &p, err);
        if (rc) {
            cu_free(topics);
            return rc;
        }
        topics[i] = p->topic;
    }
    r->member = cu_local_join(r->l, o, topics);
    return 0;
}

int cu_local_reader_open(cu_log *log, const cu_reader_opts *o, cu_reader **out,
                         cu_err *err)
{
    cu_local *l = (cu_local *)log;
    reader *r = cu_calloc(1, sizeof(*r));
    r->base.vt = log->vt;
    r->l = l;
    cu_local_lock2(l);
    int rc = o->group ? open_in_group(r, o, err) : open_by_hand(r, o, err);
    if (!rc)
        l->n_open++;
    cu_local_unlock2(l);
    if (rc) {
        cu_free(r->cursors);
        cu_free(r->names);
        cu_free(r);
        return rc;
    }
    r->records = cu_alloc(PORTION * sizeof(*r->records));
    r->headers = cu_arena_new(4096);
    *out = &r->base;
    return 0;
}
