/* A worker: one reader, one writer, the instances of its partitions.
 *
 *              poll
 *   ASSIGNED ───┤──> restore, wire, seek, resume
 *   RECORDS  ───┤──> feed
 *   END      ───┤──> position only (control records count)
 *   REVOKED  ───┴──> commit, let go
 *            commit when the interval, or the row count, is reached
 *
 * What goes wrong is sorted in recover.c and nowhere else.
 */
#include "processors/runtime/commit.h"
#include "processors/runtime/rebuild.h"
#include "processors/runtime/time.h"

enum { PRESSED_MS = 1000, PRESSED_LOOK_US = 10000 };

static int open_reader(cu_worker *w, cu_err *err)
{
    cu_runtime *rt = w->rt;
    if (rt->n_inputs == 0)
        return 0;
    cu_reader_opts o = {.group = rt->program->app,
                        .topics = rt->inputs,
                        .n_topics = rt->n_inputs,
                        .instance = w->member};
    return rt->o.log->vt->reader_open(rt->o.log, &o, &w->reader, err);
}

static int open_writer(cu_worker *w, cu_err *err)
{
    cu_log *log = w->rt->o.log;
    return log->vt->writer_open(log, w->txn_id, &w->writer, err);
}

/* The writer first: init ends what a former self left open, and warms the
 * connections before the group waits for us. */
static int open_handles(cu_worker *w, cu_err *err)
{
    int rc = w->writer ? 0 : open_writer(w, err);
    if (rc == 0 && w->reader == NULL)
        rc = open_reader(w, err);
    return rc;
}

int cu_worker_open(cu_runtime *rt, uint32_t index, cu_worker **out, cu_err *err)
{
    cu_worker *w = cu_calloc(1, sizeof(*w));
    cu_buf name = {0};
    w->rt = rt;
    w->index = index;
    w->arena = cu_arena_new(64 * 1024);
    w->assigned = cu_arena_new(0);
    w->owned_arena = cu_arena_new(0);
    w->expr_env = (cu_expr_env){.env = rt->o.env, .zone = cu_zone_utc()};
    w->due_us = INT64_MAX;
    w->expr_env.now_us = cu_wall_us(rt->o.env) - CU_PG_EPOCH_US;
    w->last_commit_ms = cu_mono_ms(rt->o.env);
    w->budget = rt->o.commit_bytes;
    w->reports_due = cu_calloc(rt->program->n_copies + 1,
                               sizeof(*w->reports_due));
    cu_buf_printf(&name, "%s.%s.%u", rt->program->app, rt->o.instance, index);
    cu_buf_put_u8(&name, 0);
    w->txn_id = cu_strdup(name.data);
    if (rt->o.static_member)
        w->member = cu_strdup(name.data);
    cu_buf_free(&name);
    int rc = open_handles(w, err);
    w->reopen = rt->n_inputs == 0; /* nothing will ever be assigned */
    if (rc) {
        cu_worker_close(w);
        return rc;
    }
    *out = w;
    return 0;
}

void cu_worker_close(cu_worker *w)
{
    cu_worker_unassign(w);
    if (w->reader)
        w->reader->vt->reader_close(w->reader);
    if (w->writer)
        w->writer->vt->writer_close(w->writer);
    cu_arena_free(w->arena);
    cu_arena_free(w->assigned);
    cu_arena_free(w->owned_arena);
    cu_free(w->inputs);
    cu_free(w->instances);
    cu_free(w->reports_due);
    cu_free(w->txn_id);
    cu_free(w->member);
    cu_free(w);
}

bool cu_worker_ready(const cu_worker *w)
{
    return atomic_load(&w->ready);
}

bool cu_worker_settled(const cu_worker *w)
{
    return atomic_load(&w->settled);
}

bool cu_worker_ended(const cu_worker *w)
{
    return atomic_load(&w->settled) && atomic_load(&w->ended);
}

void cu_worker_tick(cu_worker *w)
{
    if (w->ticked)
        return;
    int64_t now = cu_wall_us(w->rt->o.env) - CU_PG_EPOCH_US;
    if (now > w->expr_env.now_us)
        w->expr_env.now_us = now;
    w->ticked = true;
}

int cu_worker_begin(cu_worker *w, cu_err *err)
{
    if (w->in_txn)
        return 0;
    int rc = w->writer->vt->begin(w->writer, err);
    if (rc == 0)
        w->in_txn = true;
    return rc;
}

/* --- one step ------------------------------------------------------------- */

static int take(cu_worker *w, const cu_poll *p, bool *busy, cu_err *err)
{
    switch (p->kind) {
    case CU_POLL_IDLE:
        return 0;
    case CU_POLL_END:
        cu_feed_end(w, p);
        return 0;
    case CU_POLL_RECORDS:
        *busy = true;
        return w->lost ? 0 : cu_feed_records(w, p, err);
    case CU_POLL_REVOKED: {
        int rc = w->lost || w->reopen ? 0 : cu_commit(w, err);
        cu_worker_unassign(w);
        cu_worker_own(w, NULL, 0);
        w->reopen = false;
        return rc;
    }
    case CU_POLL_ASSIGNED:
        cu_worker_own(w, p->parts, p->n_parts);
        w->lost = false;
        w->reopen = true;
        return 0;
    }
    return 0;
}

/* Opens what we own, all of it or nothing; stays due while that fails. */
static int open_owned(cu_worker *w, cu_err *err)
{
    int rc = cu_worker_assign(w, w->owned, w->n_owned, err);
    if (rc == 0)
        w->reopen = false;
    else
        cu_worker_unassign(w);
    return rc;
}

static int poll(cu_worker *w, int64_t timeout_ms, cu_poll *p, cu_err *err)
{
    int rc = w->reader ? cu_log_poll(w->reader, timeout_ms, p, err) : 0;
    w->reader_dead = rc && (err->flags & CU_FATAL);
    /* What a newer owner has purged is gone for a zombie: it opens again and
     * goes on from the owner's position.  What is gone for the owner as well
     * is told then (cu_worker_assign). */
    if (rc && err->code == CU_HISTORY)
        err->flags |= CU_ABORT;
    return rc;
}

int cu_worker_listen(cu_worker *w, cu_err *err)
{
    cu_poll p = {0};
    int rc = poll(w, 0, &p, err);
    if (rc || (p.kind != CU_POLL_REVOKED && p.kind != CU_POLL_ASSIGNED))
        return rc;
    bool gone = p.kind == CU_POLL_REVOKED;
    cu_worker_own(w, p.parts, gone ? 0 : p.n_parts);
    w->reopen = !gone;
    return cu_fail(err, CU_BUSY, CU_ABORT,
                   "the group was rebalanced during the restore");
}

/* What moves without a record. */
static bool clock_moved(cu_worker *w)
{
    if (!atomic_load(&w->ready))
        return false;
    int64_t now = cu_wall_us(w->rt->o.env) - CU_PG_EPOCH_US;
    return now >= w->due_us || cu_time_moved(w) || cu_rebuild_moves(w);
}

static bool commit_due(cu_worker *w)
{
    const cu_runtime_opts *o = &w->rt->o;
    if (w->still)
        return false;
    if (!w->moved && clock_moved(w))
        w->moved = true;
    if (!w->moved && !w->in_txn)
        return false;
    if (w->rows >= o->commit_rows || w->bytes >= w->budget)
        return true;
    return cu_mono_ms(o->env) - w->last_commit_ms >= o->commit_interval_ms;
}

/* What is changed goes out, what is clean is forgotten. */
static int give_back(cu_worker *w, cu_err *err)
{
    int rc = w->still ? 0 : cu_commit(w, err);
    for (uint32_t k = 0; rc == 0 && k < w->n_instances; k++)
        cu_space_shed(w->instances[k]->space);
    return rc;
}

/* Memory is short: what can be given back is, and nothing is read until that
 * is over.  Where it never is, one interval in every second is read in: a
 * budget that is too small makes it slow, no more. */
static int relieve(cu_worker *w, int64_t timeout_ms, bool *held, cu_err *err)
{
    const cu_runtime_opts *o = &w->rt->o;
    int64_t now = cu_mono_ms(o->env);
    if (o->pressed == NULL || w->reopen || w->lost || now < w->free_until_ms ||
        !atomic_load(&w->ready))
        return 0;
    bool was = w->pressed;
    w->pressed = o->pressed(o->pressed_ctx);
    if (!w->pressed)
        return 0;
    if (was && now - w->pressed_ms >= PRESSED_MS) {
        w->pressed = false;
        w->free_until_ms = now + o->commit_interval_ms;
        return 0;
    }
    *held = true;
    if (was) {
        if (timeout_ms > 0)
            o->env->vt->sleep_us(o->env, PRESSED_LOOK_US);
        return 0;
    }
    w->pressed_ms = now;
    atomic_fetch_add(&w->rt->counts.pauses, 1);
    return give_back(w, err);
}

static int step(cu_worker *w, int64_t timeout_ms, bool *busy, cu_err *err)
{
    cu_poll p = {0};
    bool held = false;
    int rc = open_handles(w, err);
    if (rc == 0)
        rc = relieve(w, timeout_ms, &held, err);
    if (rc == 0 && !held)
        rc = poll(w, w->reopen ? 0 : timeout_ms, &p, err);
    if (rc == 0)
        rc = take(w, &p, busy, err);
    if (rc == 0 && w->reopen) {
        *busy = true;
        rc = open_owned(w, err);
    }
    if (rc == 0)
        rc = cu_rebuild_look(w, err);
    if (rc == 0 && commit_due(w)) {
        *busy = true;
        rc = cu_commit(w, err);
    }
    if (rc == 0)
        rc = cu_reports_due(w, err);
    return rc;
}

int cu_worker_step(cu_worker *w, int64_t timeout_ms, bool *busy, cu_err *err)
{
    *busy = false;
    int rc = step(w, timeout_ms, busy, err);
    return rc ? cu_worker_recover(w, err) : 0;
}

int cu_worker_commit(cu_worker *w, cu_err *err)
{
    int rc = cu_commit(w, err);
    return rc ? cu_worker_recover(w, err) : 0;
}
