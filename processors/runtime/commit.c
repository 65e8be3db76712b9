/* The commit cycle (T2).
 *
 *   1 operators emit what is due, upstream first
 *   2 exchanges send their blocks and marks
 *   3 outputs are in the transaction; changelog + progress, or the state
 *     itself where the log carries it
 *   4 input positions join the transaction
 *   5 commit                       == the truth moves here ==
 *   6 the local store, with the applied changelog position, in one write
 *
 * Between the steps stand the named crash points of the simulation.
 */
#include "processors/runtime/commit.h"

#include "processors/runtime/rebuild.h"
#include "processors/runtime/sabotage.h"
#include "processors/runtime/time.h"

enum { COMMIT_TIMEOUT_MS = 10000, PURGE_MS = 10000 };

int cu_worker_crash(cu_worker *w, const char *point, cu_err *err)
{
    if (!cu_fault(w->rt->o.env, point))
        return 0;
    return cu_fail(err, CU_STOPPED, CU_FATAL, "crash point %s", point);
}

static bool changed(const cu_instance *i)
{
    return i->moved || cu_space_dirty_keys(i->space) > 0;
}

static int emit_all(cu_worker *w, cu_err *err)
{
    for (uint32_t k = 0; k < w->n_instances && !w->resetting; k++) {
        cu_instance *i = w->instances[k];
        cu_arena_reset(w->arena);
        int rc = cu_time_settle(i, err);
        if (rc == 0)
            rc = cu_pipeline_commit(i->pipeline, err);
        if (rc == 0)
            rc = i->exchange ? cu_exchange_flush(i, err)
                             : cu_silver_flush(i, err);
        if (rc == 0)
            rc = cu_rebuild_commit(i, err);
        if (rc) {
            cu_err_note(err, "stage %s[%d]: ", i->stage->name,
                        (int)i->partition);
            return rc;
        }
    }
    return 0;
}

/* State: into the changelogs, or into the transaction itself. */
static int hand_over_state(cu_worker *w, cu_kv_batch *batch, cu_err *err)
{
    bool carried = w->rt->o.log_carries_state;
    for (uint32_t k = 0; k < w->n_instances; k++) {
        cu_instance *i = w->instances[k];
        if (!changed(i))
            continue;
        cu_progress p;
        cu_instance_progress(i, &p, w->arena);
        if (carried) {
            cu_space_to_batch(i->space, 0, &p, batch);
            continue;
        }
        cu_part log = {i->stage->changelog, i->partition};
        int rc = cu_space_log_changes(i->space, w->writer, log, w->newest_ms,
                                      &p, err);
        if (rc)
            return rc;
    }
    if (carried) {
        bool taken = w->writer->vt->attach(w->writer, batch);
        CU_ASSERT(taken);
    }
    return 0;
}

/* Where the group may go on in an input: the lowest of the twins. */
static int64_t next_of(const cu_feed_in *in, bool *moved)
{
    int64_t next = INT64_MAX;
    *moved = false;
    for (const cu_feed_in *t = in->younger ? NULL : in; t; t = t->twin) {
        if (t->n_subs && t->next < next)
            next = t->next;
        *moved = *moved || (t->n_subs && t->next != t->marked);
    }
    return next;
}

int cu_worker_mark_still(cu_worker *w, cu_err *err)
{
    for (uint32_t k = w->n_inputs; k-- > 0;) {
        const cu_feed_in *in = w->inputs[k];
        bool moved;
        int64_t next = next_of(in, &moved);
        if (next != INT64_MAX)
            return w->writer->vt->mark(w->writer, w->reader, in->part, next,
                                       err);
    }
    return 0;
}

/* What moved; when nothing did, one position as it was. */
static int mark_inputs(cu_worker *w, cu_err *err)
{
    bool moved, any = false;
    int rc = 0;
    for (uint32_t k = 0; rc == 0 && k < w->n_inputs; k++) {
        const cu_feed_in *in = w->inputs[k];
        int64_t next = next_of(in, &moved);
        any = any || moved;
        if (moved && !CU_SABOTAGED(CU_SABOTAGE_FORGET))
            rc = w->writer->vt->mark(w->writer, w->reader, in->part, next, err);
    }
    return rc || any ? rc : cu_worker_mark_still(w, err);
}

/* What a store must never be: ahead of the log.  See sabotage.h. */
static int apply_early(cu_worker *w, cu_err *err)
{
    cu_kv_batch batch = {0};
    cu_kv *kv = cu_store_kv(w->rt->o.store);
    for (uint32_t k = 0; k < w->n_instances; k++) {
        cu_instance *i = w->instances[k];
        if (!changed(i))
            continue;
        cu_progress p;
        cu_instance_progress(i, &p, w->arena);
        cu_space_to_batch(i->space, cu_space_applied(i->space), &p, &batch);
    }
    int rc = kv->vt->write(kv, &batch, false, err);
    cu_kv_batch_free(&batch);
    return rc;
}

int64_t cu_changelog_end(const cu_positions *ends, cu_part part)
{
    for (size_t k = 0; k < ends->n; k++)
        if (cu_part_eq(ends->at[k].part, part))
            return ends->at[k].next;
    CU_ASSERT(!"a changelog without an end");
    return 0;
}

/* Step 6. S1: rows and applied position in one batch. */
static int apply(cu_worker *w, const cu_positions *ends, cu_err *err)
{
    bool carried = w->rt->o.log_carries_state;
    cu_kv_batch batch = {0};
    for (uint32_t k = 0; !carried && k < w->n_instances; k++) {
        cu_instance *i = w->instances[k];
        if (!changed(i))
            continue;
        cu_progress p;
        cu_instance_progress(i, &p, w->arena);
        cu_part log = {i->stage->changelog, i->partition};
        cu_space_to_batch(i->space, cu_changelog_end(ends, log), &p, &batch);
    }
    int rc = 0;
    cu_kv *kv = cu_store_kv(w->rt->o.store);
    if (batch.n_ops)
        rc = kv->vt->write(kv, &batch, false, err);
    cu_kv_batch_free(&batch);
    for (uint32_t k = 0; rc == 0 && k < w->n_instances; k++) {
        cu_instance *i = w->instances[k];
        if (!changed(i))
            continue;
        cu_part log = {i->stage->changelog, i->partition};
        cu_space_committed(i->space, carried ? 0 : cu_changelog_end(ends, log));
        i->sequence++;
        i->moved = i->fresh = false;
        if (i->rebuild.phase == CU_REBUILD_DUE)
            i->rebuild.phase = CU_REBUILD_RUNNING;
    }
    return rc;
}

static void count(cu_worker *w)
{
    cu_counts *c = &w->rt->counts;
    for (uint32_t k = 0; k < w->n_inputs; k++) {
        cu_feed_in *in = w->inputs[k];
        in->marked = in->next;
        if (in->settled < in->next)
            in->settled = in->next;
        if (in->table == NULL)
            continue;
        cu_table_counts *t = &c->tables[in->table->index];
        atomic_fetch_add(&t->in, in->pending.in);
        atomic_fetch_add(&t->applied, in->pending.applied);
        atomic_fetch_add(&t->late, in->pending.late);
        atomic_fetch_add(&t->dead, in->pending.dead);
        in->pending = (cu_pending){0};
    }
    for (uint32_t k = 0; k < w->n_instances; k++) {
        cu_instance *i = w->instances[k];
        cu_view_counts *v = &c->views[i->stage->view->index];
        atomic_fetch_add(&v->rows, i->pending_rows);
        atomic_fetch_add(&v->letters, i->pending_letters);
        atomic_fetch_add(&v->late, i->pending_late);
        i->pending_rows = i->pending_letters = i->pending_late = 0;
    }
    atomic_fetch_add(&c->commits, 1);
}

/* How much input the next commit may take: as much as will change
 * `commit_bytes` of state, going by this one. */
static void budget(cu_worker *w)
{
    const int64_t least = w->rt->o.commit_bytes / 4;
    const int64_t most = w->budget * 2;
    int64_t changed_bytes = 1;
    for (uint32_t k = 0; k < w->n_instances; k++)
        changed_bytes += (int64_t)cu_space_dirty_bytes(w->instances[k]->space);
    double next = (double)w->bytes * (double)w->rt->o.commit_bytes /
                  (double)changed_bytes;
    w->budget = next < (double)least  ? least
                : next > (double)most ? most
                                      : (int64_t)next;
}

static int transact(cu_worker *w, cu_err *err)
{
    cu_kv_batch batch = {0};
    cu_positions ends = {0};
    int rc = cu_worker_crash(w, "commit_begin", err);
    if (rc == 0)
        rc = cu_worker_begin(w, err);
    if (rc == 0)
        rc = emit_all(w, err);
    if (rc == 0)
        rc = cu_worker_crash(w, "commit_emitted", err);
    if (rc == 0 && w->bytes >= w->budget)
        budget(w);
    if (rc == 0)
        rc = hand_over_state(w, &batch, err);
    if (rc == 0)
        rc = mark_inputs(w, err);
    if (rc == 0 && CU_SABOTAGED(CU_SABOTAGE_EARLY))
        rc = apply_early(w, err);
    if (rc == 0)
        rc = cu_worker_crash(w, "commit_marked", err);
    if (rc == 0)
        rc = w->writer->vt->commit(w->writer, COMMIT_TIMEOUT_MS, w->arena,
                                   &ends, err);
    if (rc == 0)
        rc = cu_worker_crash(w, "commit_committed", err);
    if (rc == 0)
        rc = apply(w, &ends, err);
    if (rc == 0)
        rc = cu_worker_crash(w, "commit_applied", err);
    cu_kv_batch_free(&batch);
    return rc;
}

/* Blocks that every reader has committed past serve nobody. Best effort: what
 * is not deleted now is deleted later. */
static void purge_exchanges(cu_worker *w)
{
    cu_log *log = w->rt->o.log;
    int64_t now = cu_mono_ms(w->rt->o.env);
    if (now - w->purged_ms < PURGE_MS)
        return;
    w->purged_ms = now;
    for (uint32_t k = 0; k < w->n_inputs; k++) {
        const cu_feed_in *in = w->inputs[k];
        cu_err ignored = {0};
        if (!in->exchange || in->n_subs == 0 || in->marked <= 0)
            continue;
        if (log->vt->delete_records(log, in->part, in->marked, &ignored) ==
                CU_DENIED &&
            !w->purge_denied) {
            cu_warn("exchanges only grow: %s", ignored.msg);
            w->purge_denied = true;
        }
    }
}

static void note_time(cu_worker *w)
{
    bool ended = true;
    for (uint32_t k = 0; k < w->n_instances; k++)
        ended = ended && w->instances[k]->ended;
    w->due_us = cu_time_due(w);
    atomic_store(&w->ended, ended);
    if (atomic_load(&w->ready) && !cu_rebuild_runs(w))
        atomic_store(&w->settled, true);
}

int cu_commit(cu_worker *w, cu_err *err)
{
    cu_env *env = w->rt->o.env;
    int64_t start = cu_mono_us(env);
    cu_worker_tick(w);
    w->moved = w->moved || (atomic_load(&w->ready) &&
                            (cu_time_moved(w) || cu_rebuild_moves(w)));
    if (w->moved || w->in_txn) {
        int rc = transact(w, err);
        if (rc)
            return rc;
        w->in_txn = false;
        w->moved = false;
        w->rows = w->bytes = 0;
        count(w);
        note_time(w);
        purge_exchanges(w);
        atomic_fetch_add(&w->rt->counts.commit_us, cu_mono_us(env) - start);
    }
    w->last_commit_ms = cu_mono_ms(env); /* a long commit is paid for by rows */
    w->ticked = false;
    return 0;
}
