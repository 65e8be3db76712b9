/* Restore: rolls a space forward to the end of its changelog.
 *
 * The rule that makes a takeover safe (decision: architecture 7): note the
 * read_uncommitted end at assignment, then read committed records until the
 * *position* reaches it.  That waits for a dead owner's open transaction to be
 * aborted, and contains a zombie's late commit.  Values are absolute, so a
 * replay of any suffix converges.
 *
 * When the position does not move for a second although the committed records
 * end before, an open transaction of a dead owner holds it back: its
 * transactional.id stands in the last progress record and is fenced.
 */
#include "processors/runtime/int.h"

#include "processors/runtime/sabotage.h"

enum { STUCK_MS = 1000, DEADLINE_MS = 120000, POLL_MS = 50, LISTEN_MS = 500 };

typedef struct restoring {
    cu_worker *w;
    cu_instance *i;
    cu_part part;
    cu_reader *reader;
    int64_t end, position;
    bool fenced;
} restoring;

static int fence_owner(restoring *r, cu_err *err)
{
    cu_arena *a = cu_arena_new(0);
    cu_progress p;
    bool found = false;
    cu_log *log = r->w->rt->o.log;
    int rc = cu_space_restored(r->i->space, r->position, err);
    if (rc == 0)
        rc = cu_space_progress(r->i->space, a, &p, &found, err);
    if (rc == 0 && found && p.txn_id && strcmp(p.txn_id, r->w->txn_id) != 0) {
        cu_info("%s: an open transaction of %s is in the way; ending it",
                r->i->stage->name, p.txn_id);
        rc = log->vt->fence(log, p.txn_id, err);
    }
    r->fenced = true;
    cu_arena_free(a);
    return rc;
}

/* A slow broker looks the same from here, and fences nobody. */
static int unblock(restoring *r, cu_err *err)
{
    cu_log *log = r->w->rt->o.log;
    int64_t stable;
    int rc = log->vt->end_offset(log, r->part, false, &stable, err);
    return rc || stable >= r->end ? rc : fence_owner(r, err);
}

static int take(restoring *r, const cu_poll *p, cu_err *err)
{
    for (size_t k = 0; k < p->n; k++) {
        int rc = cu_space_restore(r->i->space, &p->records[k], err);
        if (rc)
            return rc;
    }
    r->position = p->next;
    return 0;
}

static int roll_forward(restoring *r, cu_err *err)
{
    cu_env *env = r->w->rt->o.env;
    int64_t moved = cu_mono_ms(env), heard = moved, looked = moved;
    while (r->position < r->end) {
        cu_poll p;
        int rc = cu_log_poll(r->reader, POLL_MS, &p, err);
        if (rc)
            return rc;
        int64_t before = r->position;
        if (p.kind == CU_POLL_RECORDS)
            rc = take(r, &p, err);
        else if (p.kind == CU_POLL_END)
            r->position = p.next;
        if (rc)
            return rc;
        int64_t now = cu_mono_ms(env);
        if (now - heard > LISTEN_MS) {
            heard = now;
            rc = cu_worker_listen(r->w, err);
            if (rc)
                return rc;
        }
        if (r->position != before)
            moved = looked = now;
        if (now - looked > STUCK_MS && !r->fenced) {
            looked = now;
            rc = unblock(r, err);
            if (rc)
                return rc;
        }
        if (now - moved > DEADLINE_MS)
            return cu_fail(err, CU_TIMEOUT, CU_RETRY,
                           "%s[%d]: an open transaction keeps offset %lld from "
                           "being read (end %lld); look for a hanging producer",
                           r->part.topic, (int)r->part.partition,
                           (long long)r->position, (long long)r->end);
    }
    return cu_space_restored(r->i->space, r->position, err);
}

int cu_restore(cu_worker *w, cu_instance *i, cu_err *err)
{
    cu_log *log = w->rt->o.log;
    restoring r = {.w = w,
                   .i = i,
                   .part = {i->stage->changelog, i->partition},
                   .position = cu_space_applied(i->space)};
    int rc = log->vt->end_offset(log, r.part, true, &r.end, err);
    if (rc)
        return rc;
    if (CU_SABOTAGED(CU_SABOTAGE_RESTORE) && r.end > 0)
        r.end--;
    if (r.position > r.end)
        return cu_fail(err, CU_HISTORY, CU_FATAL,
                       "%s[%d] ends at %lld, but this state has applied %lld: "
                       "the topic was deleted and made again; remove the state "
                       "folder to rebuild",
                       r.part.topic, (int)r.part.partition, (long long)r.end,
                       (long long)r.position);
    if (r.position == r.end)
        return 0;
    cu_position at = {r.part, r.position};
    cu_reader_opts o = {.parts = &at, .n_parts = 1};
    rc = log->vt->reader_open(log, &o, &r.reader, err);
    if (rc)
        return rc;
    rc = roll_forward(&r, err);
    r.reader->vt->reader_close(r.reader);
    atomic_fetch_add(&w->rt->counts.restores, 1);
    return rc;
}
