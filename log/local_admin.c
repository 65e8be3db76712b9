/* Topics, offsets and positions of the embedded log: asked and altered.
 *
 * Asking reads memory.  Altering writes the kv first and memory after, under
 * commit_lock, like a commit.  A deleted topic leaves the catalog at once;
 * its blocks are marked doomed in the same write and go bit by bit in
 * maintain(), so a crash in between costs nothing.
 */
#include "log/local.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>

enum { LONGEST_NAME = 249, SOME_RECORDS = 64 };

/* --- topics ------------------------------------------------------------- */

/* Kafka's rule, so that a name works on both transports. */
static int check_name(const char *name, cu_err *err)
{
    size_t len = strlen(name);
    size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    if (len > 0 && len <= LONGEST_NAME && good == len && strcmp(name, ".") &&
        strcmp(name, ".."))
        return 0;
    return cu_fail(err, CU_USAGE, 0,
                   "\"%.250s\" cannot name a topic: 1 to 249 letters, digits, "
                   "dots, underscores and hyphens",
                   name);
}

static int check_spec(const cu_topic_spec *s, cu_err *err)
{
    if (s->partitions < 0 || s->partitions > CU_LOCAL_PARTITIONS)
        return cu_fail(err, CU_USAGE, 0,
                       "topic %s: %d partitions; the embedded log takes 1 to "
                       "%d",
                       s->name, (int)s->partitions, CU_LOCAL_PARTITIONS);
    if (s->retention_ms < 0 || s->max_record_bytes < 0)
        return cu_fail(err, CU_USAGE, 0,
                       "topic %s: retention and record size cannot be "
                       "negative",
                       s->name);
    return check_name(s->name, err);
}

static int create(cu_local *l, const cu_topic_spec *s, int32_t partitions,
                  cu_err *err)
{
    cu_kv_batch b = {0};
    cu_local_topic *t = cu_local_topic_new(s->name, partitions);
    t->id = l->next_topic_id;
    t->compact = s->compact;
    t->retention_ms = s->retention_ms;
    t->max_record_bytes = s->max_record_bytes ? s->max_record_bytes
                                              : CU_LOCAL_RECORD_BYTES;
    cu_local_put_topic(&b, t);
    int rc = cu_local_write(l, &b, l->sync_commit, "cannot create a topic",
                            err);
    cu_kv_batch_free(&b);
    if (rc) {
        cu_local_topic_free(t);
        return rc;
    }
    pthread_mutex_lock(&l->lock);
    cu_local_adopt(l, t);
    pthread_mutex_unlock(&l->lock);
    return 0;
}

int cu_local_topic_ensure(cu_log *log, const cu_topic_spec *s, cu_err *err)
{
    cu_local *l = (cu_local *)log;
    int rc = check_spec(s, err);
    if (rc)
        return rc;
    int32_t partitions = s->partitions ? s->partitions : 1;
    pthread_mutex_lock(&l->commit_lock);
    const cu_local_topic *t = cu_local_topic_get(l, s->name);
    if (!t)
        rc = create(l, s, partitions, err);
    else if (t->n_parts != partitions)
        rc = cu_fail(err, CU_EXISTS, 0,
                     "topic %s exists with %d partitions, not %d; delete it "
                     "or declare %d",
                     s->name, (int)t->n_parts, (int)partitions,
                     (int)t->n_parts);
    pthread_mutex_unlock(&l->commit_lock);
    return rc;
}

int cu_local_topic_list(cu_log *log, cu_arena *a, cu_topic_list *out,
                        cu_err *err)
{
    cu_local *l = (cu_local *)log;
    (void)err;
    pthread_mutex_lock(&l->lock);
    out->n = l->n_topics;
    out->topics = cu_arena_calloc(a, l->n_topics + 1, sizeof(*out->topics));
    for (size_t i = 0; i < l->n_topics; i++) {
        const cu_local_topic *t = l->sorted[i];
        out->topics[i] = (cu_topic_info){
            .name = t->name,
            .partitions = t->n_parts,
            .compact = t->compact,
            .retention_ms = t->retention_ms,
        };
    }
    pthread_mutex_unlock(&l->lock);
    return 0;
}

/* The positions that groups have in a topic go with it. */
static void drop_positions(cu_local *l, cu_local_topic *t, cu_kv_batch *b)
{
    void *g;
    for (size_t at = 0; cu_map_next(l->groups, &at, NULL, &g);) {
        for (int32_t i = 0; i < t->n_parts; i++) {
            const cu_local_pos *pos = cu_local_position(g, &t->parts[i], false);
            if (pos && pos->next != CU_NO_OFFSET)
                cu_local_put_position(b, g, &t->parts[i], CU_NO_OFFSET);
        }
    }
}

/* Out of memory's maps; the struct stays, its name is lent. */
static void forget_topic(cu_local *l, cu_local_topic *t)
{
    t->deleted = true;
    l->n_deletes++;
    cu_map_del(l->topics, cu_slice_of(t->name));
    size_t at = 0;
    while (l->sorted[at] != t)
        at++;
    l->n_topics--;
    memmove(&l->sorted[at], &l->sorted[at + 1],
            (l->n_topics - at) * sizeof(*l->sorted));
    cu_local_doom(l, t->id);
    void *value;
    for (size_t i = 0; cu_map_next(l->groups, &i, NULL, &value);) {
        const cu_local_group *g = value;
        bool read = false;
        for (const cu_local_member *m = g->members; m; m = m->next)
            for (size_t k = 0; k < m->n_topics; k++)
                read |= m->topics[k] == t;
        if (read)
            cu_local_rebalance(l, value);
    }
    pthread_cond_broadcast(&l->wake);
}

int cu_local_topic_delete(cu_log *log, const char *topic, cu_err *err)
{
    cu_local *l = (cu_local *)log;
    cu_kv_batch b = {0};
    pthread_mutex_lock(&l->commit_lock);
    cu_local_part *p = NULL;
    int rc = cu_local_find(l, topic, 0, &p, err);
    if (!rc) {
        cu_local_del_topic(&b, p->topic);
        cu_local_put_doomed(&b, p->topic->id, true);
        drop_positions(l, p->topic, &b);
        rc = cu_local_write(l, &b, l->sync_commit, "cannot delete a topic",
                            err);
    }
    if (!rc) {
        pthread_mutex_lock(&l->lock);
        forget_topic(l, p->topic);
        pthread_mutex_unlock(&l->lock);
    }
    pthread_mutex_unlock(&l->commit_lock);
    cu_kv_batch_free(&b);
    return rc;
}

int cu_local_delete_records(cu_log *log, cu_part part, int64_t before,
                            cu_err *err)
{
    cu_local *l = (cu_local *)log;
    cu_local_part *p = NULL;
    pthread_mutex_lock(&l->lock);
    int rc = cu_local_find(l, part.topic, part.partition, &p, err);
    int64_t end = rc ? 0 : p->end;
    pthread_mutex_unlock(&l->lock);
    if (rc)
        return rc;
    if (before == CU_NEWEST)
        before = end;
    if (before < 0 || before > end)
        return cu_fail(err, CU_USAGE, 0,
                       "cannot delete records of %s[%d] before %lld: it ends "
                       "at %lld",
                       part.topic, (int)part.partition, (long long)before,
                       (long long)end);
    bool more = true;
    while (more && !rc)
        rc = cu_local_trim(l, p, before, INT64_MIN, &more, err);
    return rc;
}

/* --- offsets ------------------------------------------------------------ */

/* Stands the iterator before the first block whose high_ms reaches at_ms:
 * it never falls, so bisecting by base finds it. */
static int bisect(cu_local *l, cu_kv_iter *it, const cu_local_part *p,
                  int64_t at_ms, cu_err *err)
{
    char key[CU_LOCAL_RECORD_KEY];
    int64_t lo = p->trimmed, hi = p->end;
    cu_slice k, value;
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        l->kv->vt->iter_seek(it,
                             cu_local_record_key(key, p->topic->id, p->n, mid));
        if (!l->kv->vt->iter_next(it, &k, &value)) {
            hi = mid;
            continue;
        }
        cu_block_info info;
        int64_t base = cu_local_record_base(k);
        int rc = cu_block_peek(value, cu_local_name(p), base, &info, err);
        if (rc)
            return rc;
        if (info.high_ms >= at_ms)
            hi = mid;
        else
            lo = base + info.span;
    }
    l->kv->vt->iter_seek(it, cu_local_record_key(key, p->topic->id, p->n, lo));
    return 0;
}

/* The first record from the iterator on that is not older than at_ms. */
static int scan(cu_local *l, cu_kv_iter *it, const cu_local_part *p,
                int64_t at_ms, int64_t *off, cu_err *err)
{
    cu_record some[SOME_RECORDS];
    cu_arena *a = cu_arena_new(0);
    cu_buf space = {0};
    cu_slice key, value;
    int rc = 0;
    bool found = false;
    while (!rc && !found && l->kv->vt->iter_next(it, &key, &value)) {
        cu_block_reader r;
        size_t n = 1;
        rc = cu_block_open(&r, value, cu_local_name(p),
                           cu_local_record_base(key), &space, err);
        while (!rc && !found && n > 0) {
            rc = cu_block_read(&r, p->start, some, SOME_RECORDS, a, &n, err);
            for (size_t i = 0; !rc && !found && i < n; i++) {
                found = some[i].timestamp_ms >= at_ms;
                *off = found ? some[i].offset : *off;
            }
        }
        cu_arena_reset(a);
    }
    cu_buf_free(&space);
    cu_arena_free(a);
    return rc;
}

int cu_local_offset_at(cu_log *log, cu_part part, int64_t at_ms, int64_t *off,
                       cu_err *err)
{
    cu_local *l = (cu_local *)log;
    cu_local_part *live = NULL, p = {0};
    pthread_mutex_lock(&l->lock);
    int rc = cu_local_find(l, part.topic, part.partition, &live, err);
    if (!rc)
        p = *live;
    pthread_mutex_unlock(&l->lock);
    if (rc)
        return rc;
    *off = at_ms == CU_OLDEST ? p.start : p.end;
    if (at_ms == CU_OLDEST || at_ms == CU_NEWEST)
        return 0;

    char lo[CU_LOCAL_RECORD_KEY], hi[CU_LOCAL_RECORD_KEY];
    uint32_t id = p.topic->id;
    cu_kv_iter *it = NULL;
    rc = l->kv->vt->iter(l->kv, cu_local_record_key(lo, id, p.n, p.trimmed),
                         cu_local_record_key(hi, id, p.n, p.end), &it, err);
    if (rc)
        return rc;
    rc = bisect(l, it, &p, at_ms, err);
    if (!rc)
        rc = scan(l, it, &p, at_ms, off, err);
    int closed = l->kv->vt->iter_close(it, rc ? NULL : err);
    return rc ? rc : closed;
}

/* Open transactions live in their writers only, so the two ends agree. */
int cu_local_end_offset(cu_log *log, cu_part part, bool uncommitted,
                        int64_t *off, cu_err *err)
{
    cu_local *l = (cu_local *)log;
    cu_local_part *p = NULL;
    (void)uncommitted;
    pthread_mutex_lock(&l->lock);
    int rc = cu_local_find(l, part.topic, part.partition, &p, err);
    if (!rc)
        *off = p->end;
    pthread_mutex_unlock(&l->lock);
    return rc;
}

/* --- positions of groups ------------------------------------------------ */

int cu_local_committed(cu_log *log, const char *group, cu_part part,
                       int64_t *off, cu_err *err)
{
    cu_local *l = (cu_local *)log;
    cu_local_part *p = NULL;
    *off = CU_NO_OFFSET;
    pthread_mutex_lock(&l->lock);
    int rc = cu_local_find(l, part.topic, part.partition, &p, err);
    void **g = cu_map_get(l->groups, cu_slice_of(group));
    const cu_local_pos *pos = NULL;
    if (!rc && g)
        pos = cu_local_position(*g, p, false);
    if (pos)
        *off = pos->next;
    pthread_mutex_unlock(&l->lock);
    return rc;
}

static int by_part(const void *a, const void *b)
{
    const cu_part *x = &((const cu_position *)a)->part;
    const cu_part *y = &((const cu_position *)b)->part;
    int order = strcmp(x->topic, y->topic);
    if (order)
        return order;
    return (x->partition > y->partition) - (x->partition < y->partition);
}

int cu_local_group_positions(cu_log *log, const char *group, cu_arena *a,
                             cu_positions *out, cu_err *err)
{
    cu_local *l = (cu_local *)log;
    (void)err;
    *out = (cu_positions){0};
    pthread_mutex_lock(&l->lock);
    void **slot = cu_map_get(l->groups, cu_slice_of(group));
    if (slot) {
        const cu_local_group *g = *slot;
        void *value;
        out->at = cu_arena_calloc(a, cu_map_count(g->positions) + 1,
                                  sizeof(*out->at));
        for (size_t at = 0; cu_map_next(g->positions, &at, NULL, &value);) {
            const cu_local_pos *pos = value;
            if (pos->next == CU_NO_OFFSET || pos->part->topic->deleted)
                continue;
            out->at[out->n++] = (cu_position){cu_local_name(pos->part),
                                              pos->next};
        }
        qsort(out->at, out->n, sizeof(*out->at), by_part);
    }
    pthread_mutex_unlock(&l->lock);
    return 0;
}

/* Under commit_lock: all partitions exist, nobody is in the group. */
static int check_alter(const cu_local *l, const cu_local_group *g,
                       const cu_positions *to, cu_local_part **parts,
                       cu_err *err)
{
    if (g->members)
        return cu_fail(err, CU_BUSY, CU_RETRY,
                       "group %s has readers; stop them before its positions "
                       "are altered",
                       g->name);
    for (size_t i = 0; i < to->n; i++) {
        cu_part part = to->at[i].part;
        int rc = cu_local_find(l, part.topic, part.partition, &parts[i], err);
        if (rc)
            return rc;
        if (to->at[i].next < 0)
            return cu_fail(err, CU_USAGE, 0,
                           "group %s: %lld is no offset of %s[%d]", g->name,
                           (long long)to->at[i].next, part.topic,
                           (int)part.partition);
    }
    return 0;
}

int cu_local_group_alter(cu_log *log, const char *group, const cu_positions *to,
                         cu_err *err)
{
    cu_local *l = (cu_local *)log;
    cu_kv_batch b = {0};
    cu_local_part **parts = cu_calloc(to->n + 1, sizeof(*parts));
    cu_local_lock2(l);
    cu_local_group *g = cu_local_group_get(l, group);
    pthread_mutex_unlock(&l->lock);
    int rc = check_alter(l, g, to, parts, err);
    for (size_t i = 0; !rc && i < to->n; i++)
        cu_local_put_position(&b, g, parts[i], to->at[i].next);
    if (!rc)
        rc = cu_local_write(l, &b, l->sync_commit,
                            "cannot set a group's positions", err);
    if (!rc) {
        pthread_mutex_lock(&l->lock);
        for (size_t i = 0; i < to->n; i++)
            cu_local_position(g, parts[i], true)->next = to->at[i].next;
        pthread_mutex_unlock(&l->lock);
    }
    pthread_mutex_unlock(&l->commit_lock);
    cu_kv_batch_free(&b);
    cu_free(parts);
    return rc;
}
