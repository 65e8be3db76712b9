/* Recovery: what a worker does about an error.
 *
 *   abortable      abort; everything back to the last commit, by opening the
 *                  same partitions again from the store
 *   in doubt       a new writer of the same id ends the old transaction, then
 *                  the same way: the log decides what happened
 *   fenced
 *     the group    somebody else owns our partitions: apply nothing until the
 *                  next assignment, which the reader will tell of
 *     the writer   somebody who took other partitions over ended our
 *                  transaction; what is ours still is: the same as in doubt.
 *                  If it is not, the next commit is fenced by the group.
 *     the reader   a younger one bears our name: a new one, and waiting.  It
 *                  also happens without a twin (2.0.2, a process that slept
 *                  over a broker's crash)
 *                  six of them in 60 s mean that another process bears the
 *                  same name: the worker stops.  The other two kinds are not
 *                  counted: a group may be restless for long
 *   retriable      pause and try again: outages are not dead letters
 *   anything else  the worker stops with the error
 *
 * A dead reader or writer is closed here and opened by the next step.
 */
#include "processors/runtime/int.h"

#include "processors/runtime/sabotage.h"

enum {
    FENCES = sizeof(((cu_worker *)NULL)->fences) / sizeof(int64_t),
    FENCE_WINDOW_MS = 60000,
    RETRY_PAUSE_US = 200000,
    TELL_EVERY_MS = 10000
};

void cu_worker_own(cu_worker *w, const cu_part *parts, size_t n)
{
    cu_arena_reset(w->owned_arena);
    w->owned = cu_arena_calloc(w->owned_arena, n + 1, sizeof(*w->owned));
    for (size_t k = 0; k < n; k++)
        w->owned[k] = (cu_part){cu_arena_str(w->owned_arena, parts[k].topic),
                                parts[k].partition};
    w->n_owned = n;
}

/* Ends the open transaction, if need be with its writer. */
static void end_transaction(cu_worker *w, const cu_err *why)
{
    cu_err ignored = {0};
    bool dead = (why->flags & CU_FATAL) || why->code == CU_IN_DOUBT;
    if (!dead && w->in_txn)
        dead = w->writer->vt->abort(w->writer, &ignored) != 0;
    w->in_txn = false;
    if (!dead || w->writer == NULL)
        return;
    w->writer->vt->writer_close(w->writer);
    w->writer = NULL;
}

static void close_reader(cu_worker *w)
{
    w->reader->vt->reader_close(w->reader);
    w->reader = NULL;
    w->reader_dead = false;
}

/* What we own will be opened again, from the store and the log. */
static void reopen_later(cu_worker *w)
{
    for (size_t k = 0; k < w->n_owned; k++) {
        cu_err ignored = {0};
        w->reader->vt->reader_pause(w->reader, w->owned[k], true, &ignored);
    }
    cu_worker_unassign(w);
    w->reopen = true;
}

static void wait_for_assignment(cu_worker *w)
{
    cu_worker_unassign(w);
    cu_worker_own(w, NULL, 0);
    w->lost = true;
    w->reopen = false;
}

static bool too_often(cu_worker *w)
{
    int64_t now = cu_mono_ms(w->rt->o.env);
    memmove(w->fences, w->fences + 1, sizeof(w->fences[0]) * (FENCES - 1));
    w->fences[FENCES - 1] = now;
    return w->fences[0] && now - w->fences[0] < FENCE_WINDOW_MS;
}

static int fenced(cu_worker *w, const cu_err *why, bool by_group, cu_err *err)
{
    if (w->reader == NULL && too_often(w))
        return cu_fail(err, CU_BUSY, CU_FATAL,
                       "fenced %d times in a minute: another process runs as "
                       "\"%s\"; give each its own --instance",
                       FENCES, w->rt->o.instance);
    if (by_group) {
        wait_for_assignment(w);
        cu_info("another member took over (%s); waiting for a new assignment",
                why->msg);
        return 0;
    }
    cu_info("%s; opening it again", why->msg);
    reopen_later(w);
    return 0;
}

/* An outage is told of when it begins and every ten seconds. */
static void pause_a_moment(cu_worker *w, const cu_err *why)
{
    cu_env *env = w->rt->o.env;
    int64_t now = cu_mono_ms(env);
    if (w->told_ms == 0 || now - w->told_ms >= TELL_EVERY_MS) {
        cu_warn("%s; trying again", why->msg);
        w->told_ms = now;
    }
    env->vt->sleep_us(env, RETRY_PAUSE_US);
}

static bool recoverable(const cu_err *e)
{
    if (e->code == CU_FENCED || e->code == CU_IN_DOUBT)
        return true;
    return (e->flags & (CU_ABORT | CU_RETRY)) != 0;
}

int cu_worker_recover(cu_worker *w, cu_err *err)
{
    cu_err why = *err;
    if (!recoverable(&why))
        return why.code;
    atomic_fetch_add(&w->rt->counts.aborts, 1);
    cu_err_clear(err);
    end_transaction(w, &why);
    if (CU_SABOTAGED(CU_SABOTAGE_GO_ON) && why.code != CU_FENCED &&
        !w->reader_dead && !w->reopen)
        return 0;
    bool no_reader = w->reader_dead;
    if (no_reader)
        close_reader(w);
    if (why.code == CU_FENCED)
        return fenced(w, &why, no_reader || !(why.flags & CU_FATAL), err);
    if (why.flags & CU_RETRY)
        pause_a_moment(w, &why);
    if (no_reader)
        wait_for_assignment(w);
    else if (w->reopen || w->n_owned > 0 || w->rt->n_inputs == 0)
        reopen_later(w);
    return 0;
}
