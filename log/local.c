/* The embedded log: topics, partitions and groups in one ordered store.
 *
 * It exists so that cupel runs on a laptop without a broker, and so that
 * the whole product runs in one thread under a seed.  It lives in the kv
 * beside the state ('L' here, 'S' there), so a transaction is one write and
 * exactly-once needs no protocol.
 *
 *     writer: records are encoded into blocks as they are appended
 *        |  commit: offsets, ends, positions, state -> one kv write
 *        v
 *     kv  'L' 'R' topic partition base -> block     (local_store.c)
 *        |  poll: one iterator per partition, blocks decoded in place
 *        v
 *     reader: woken by a condition variable, or never waiting (simulation)
 *
 * Rejected: a record per key (twenty times the cost per record), files of
 * our own (state and log would need two-phase commit again).
 *
 * 1 Memory mirrors the kv: ends, positions, topics are read from memory and
 *   published only after the write that holds them (L2, L3).
 * 2 Ends only grow and are stored apart from the blocks, so that deleting
 *   records never frees offsets (L1).
 * 3 A new attempt of a transaction id is known to all writers before it can
 *   commit; a commit checks its own attempt under commit_lock (L4).
 * 4 Whatever takes partitions from a reader holds commit_lock: no commit
 *   with its marks is under way then, and none will pass.
 *
 * One process has the kv open, so nothing here guards against others.
 */
#include "log/local.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <time.h>

void cu_local_lock2(cu_local *l)
{
    pthread_mutex_lock(&l->commit_lock);
    pthread_mutex_lock(&l->lock);
}

void cu_local_unlock2(cu_local *l)
{
    pthread_mutex_unlock(&l->lock);
    pthread_mutex_unlock(&l->commit_lock);
}

cu_part cu_local_name(const cu_local_part *p)
{
    return (cu_part){p->topic->name, p->n};
}

cu_local_topic *cu_local_topic_get(const cu_local *l, const char *name)
{
    void **slot = cu_map_get(l->topics, cu_slice_of(name));
    return slot ? *slot : NULL;
}

int cu_local_find(const cu_local *l, const char *topic, int32_t partition,
                  cu_local_part **out, cu_err *err)
{
    cu_local_topic *t = cu_local_topic_get(l, topic);
    if (!t)
        return cu_fail(err, CU_NOT_FOUND, 0,
                       "topic %s does not exist in the embedded log; create "
                       "it first",
                       topic);
    if (partition < 0 || partition >= t->n_parts)
        return cu_fail(err, CU_NOT_FOUND, 0,
                       "topic %s has no partition %d; it has %d, counted "
                       "from 0",
                       topic, (int)partition, (int)t->n_parts);
    *out = &t->parts[partition];
    return 0;
}

/* Writers read topic and n without a lock, so these are left alone. */
void cu_local_publish(cu_local_part *p, const cu_local_part *fresh)
{
    const size_t from = offsetof(cu_local_part, start);
    CU_ASSERT(p->topic == fresh->topic);
    memcpy((char *)p + from, (const char *)fresh + from, sizeof(*p) - from);
}

int cu_local_write(cu_local *l, const cu_kv_batch *b, bool sync,
                   const char *what, cu_err *err)
{
    int rc = l->kv->vt->write(l->kv, b, sync, err);
    if (rc)
        return cu_err_note(err, "embedded log: %s: ", what), rc;
    if (!sync)
        l->unsynced = true;
    atomic_fetch_add(&l->written, b->ops.len);
    return 0;
}

/* --- opening and closing ------------------------------------------------ */

/* The simulation is known by its table; there is one for all seeds. */
static bool simulated(cu_env *env)
{
    cu_env *probe = cu_env_sim(0);
    bool same = probe->vt == env->vt;
    probe->vt->close(probe);
    return same;
}

static void free_group(cu_local_group *g)
{
    void *value;
    for (size_t at = 0; cu_map_next(g->positions, &at, NULL, &value);)
        cu_free(value);
    cu_map_free(g->positions);
    cu_free(g->name);
    cu_free(g);
}

static void local_free(cu_local *l)
{
    void *value;
    for (size_t at = 0; cu_map_next(l->groups, &at, NULL, &value);)
        free_group(value);
    for (size_t at = 0; cu_map_next(l->ids, &at, NULL, &value);) {
        cu_free(((cu_local_id *)value)->name);
        cu_free(value);
    }
    while (l->every) {
        cu_local_topic *t = l->every;
        l->every = t->next;
        cu_local_topic_free(t);
    }
    cu_map_free(l->groups);
    cu_map_free(l->ids);
    cu_map_free(l->topics);
    cu_free(l->sorted);
    cu_free(l->doomed);
    cu_local_pass_end(l);
    pthread_cond_destroy(&l->wake);
    pthread_mutex_destroy(&l->maintain_lock);
    pthread_mutex_destroy(&l->lock);
    pthread_mutex_destroy(&l->commit_lock);
    cu_free(l);
}

static void local_close(cu_log *log)
{
    cu_local *l = (cu_local *)log;
    CU_ASSERT(l->n_open == 0); /* readers and writers are closed first */
    if (l->unsynced)
        l->kv->vt->sync(l->kv, NULL); /* the caller's kv syncs again */
    local_free(l);
}

static const cu_log_vt local_vt = {
    .version = 1,
    .name = "local",
    .topic_ensure = cu_local_topic_ensure,
    .topic_list = cu_local_topic_list,
    .topic_delete = cu_local_topic_delete,
    .delete_records = cu_local_delete_records,
    .offset_at = cu_local_offset_at,
    .end_offset = cu_local_end_offset,
    .committed = cu_local_committed,
    .group_positions = cu_local_group_positions,
    .group_alter = cu_local_group_alter,
    .fence = cu_local_fence,
    .maintain = cu_local_maintain,
    .reader_open = cu_local_reader_open,
    .reader_seek = cu_local_reader_seek,
    .reader_pause = cu_local_reader_pause,
    .reader_poll = cu_local_reader_poll,
    .reader_close = cu_local_reader_close,
    .writer_open = cu_local_writer_open,
    .begin = cu_local_begin,
    .append = cu_local_append,
    .mark = cu_local_mark,
    .attach = cu_local_attach,
    .commit = cu_local_commit,
    .abort = cu_local_abort,
    .writer_close = cu_local_writer_close,
    .close = local_close,
};

int cu_log_open_local(const cu_log_local_opts *opts, cu_log **out, cu_err *err)
{
    CU_ASSERT(opts->kv && opts->env);
    cu_local *l = cu_calloc(1, sizeof(*l));
    l->base.vt = &local_vt;
    l->kv = opts->kv;
    l->env = opts->env;
    l->carry_state = opts->carry_state;
    l->sync_commit = opts->sync_commit;
    l->index_bytes = opts->memory_bytes ? opts->memory_bytes : 32 << 20;
    l->simulated = simulated(opts->env);
    l->topics = cu_map_new();
    l->groups = cu_map_new();
    l->ids = cu_map_new();
    l->next_topic_id = 1;
    l->synced_us = cu_mono_us(l->env);
    pthread_mutex_init(&l->commit_lock, NULL);
    pthread_mutex_init(&l->lock, NULL);
    pthread_mutex_init(&l->maintain_lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&l->wake, &attr);
    pthread_condattr_destroy(&attr);

    int rc = cu_local_load(l, err);
    if (rc) {
        local_free(l);
        return rc;
    }
    *out = &l->base;
    return 0;
}
