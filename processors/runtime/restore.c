/* Restore: spaces rolled forward to the ends of their changelogs.
 *
 * The rule that makes a takeover safe (decision: architecture 7): note the
 * read_uncommitted end at assignment, then read committed records until the
 * *position* reaches it.  That waits for a dead owner's open transaction to be
 * aborted, and contains a zombie's late commit.  Values are absolute, so a
 * replay of any suffix converges, and what is restored is written whenever
 * enough of it has come.
 *
 * All spaces of an assignment are restored at once, by one reader: a broker
 * answers for many partitions as fast as for one.
 *
 * When a position does not move for a second although the committed records
 * end before, an open transaction of a dead owner holds it back: its
 * transactional.id stands in the last progress record and is fenced.
 */
#include "processors/runtime/int.h"

#include "processors/runtime/sabotage.h"

enum {
    STUCK_MS = 1000,
    DEADLINE_MS = 120000,
    POLL_MS = 50,
    LISTEN_MS = 500,
    LEAST_FETCH = 4 << 20,
    WRITE_BYTES = 4 << 20 /* pending in one space */
};

typedef struct restoring {
    cu_instance *i;
    cu_part part;
    int64_t end, position;
    int64_t moved_ms, looked_ms; /* position moved; its owner was looked for */
    bool fenced, done;
} restoring;

typedef struct restore {
    cu_worker *w;
    cu_reader *reader;
    restoring *at; /* in the arena of the assignment */
    uint32_t n, n_left;
} restore;

/* --- a dead owner ----------------------------------------------------- */

static int fence_owner(restore *all, restoring *r, cu_err *err)
{
    cu_arena *a = cu_arena_new(0);
    cu_progress p;
    bool found = false;
    cu_log *log = all->w->rt->o.log;
    int rc = cu_space_restored(r->i->space, r->position, err);
    if (rc == 0)
        rc = cu_space_progress(r->i->space, a, &p, &found, err);
    if (rc == 0 && found && p.txn_id && strcmp(p.txn_id, all->w->txn_id) != 0) {
        cu_info("%s: an open transaction of %s is in the way; ending it",
                r->i->stage->name, p.txn_id);
        rc = log->vt->fence(log, p.txn_id, err);
    }
    r->fenced = true;
    cu_arena_free(a);
    return rc;
}

/* A slow broker looks the same from here, and fences nobody. */
static int unblock(restore *all, restoring *r, cu_err *err)
{
    cu_log *log = all->w->rt->o.log;
    int64_t stable;
    int rc = log->vt->end_offset(log, r->part, false, &stable, err);
    return rc || stable >= r->end ? rc : fence_owner(all, r, err);
}

static int look_after(restore *all, restoring *r, int64_t now, cu_err *err)
{
    if (now - r->moved_ms > DEADLINE_MS)
        return cu_fail(err, CU_TIMEOUT, CU_RETRY,
                       "%s[%d]: an open transaction keeps offset %lld from "
                       "being read (end %lld); look for a hanging producer "
                       "(kafka-transactions.sh find-hanging)",
                       r->part.topic, (int)r->part.partition,
                       (long long)r->position, (long long)r->end);
    if (r->fenced || now - r->looked_ms <= STUCK_MS)
        return 0;
    r->looked_ms = now;
    return unblock(all, r, err);
}

/* --- rolling forward -------------------------------------------------- */

static restoring *find(restore *all, cu_part part)
{
    for (uint32_t k = 0; k < all->n; k++)
        if (cu_part_eq(all->at[k].part, part))
            return &all->at[k];
    CU_ASSERT(!"a changelog that nobody restores");
    return NULL;
}

static int take_records(restore *all, restoring *r, const cu_poll *p,
                        cu_err *err)
{
    cu_counts *c = &all->w->rt->counts;
    int64_t bytes = 0;
    for (size_t k = 0; k < p->n; k++) {
        int rc = cu_space_restore(r->i->space, &p->records[k], err);
        if (rc)
            return rc;
        bytes += (int64_t)(p->records[k].key.len + p->records[k].value.len);
    }
    atomic_fetch_add(&c->restored_rows, (int64_t)p->n);
    atomic_fetch_add(&c->restored_bytes, bytes);
    return 0;
}

/* The position moved; at the end the space has all there is. */
static int advance(restore *all, restoring *r, int64_t next, cu_err *err)
{
    cu_counts *c = &all->w->rt->counts;
    int64_t left = r->end > next ? r->end - next : 0;
    atomic_fetch_sub(&c->restore_left, r->end - r->position - left);
    r->moved_ms = r->looked_ms = cu_mono_ms(all->w->rt->o.env);
    r->position = next;
    if (left == 0) {
        r->done = true;
        all->n_left--;
        atomic_fetch_add(&c->restores, 1);
    }
    if (left && cu_space_restoring_bytes(r->i->space) < WRITE_BYTES)
        return 0;
    int rc = cu_space_restored(r->i->space, next, err);
    return rc || left ? rc : cu_space_whole(r->i->space, err);
}

static int take(restore *all, const cu_poll *p, cu_err *err)
{
    if (p->kind != CU_POLL_RECORDS && p->kind != CU_POLL_END)
        return 0;
    restoring *r = find(all, p->part);
    if (r->done)
        return 0;
    int rc = 0;
    if (p->kind == CU_POLL_RECORDS)
        rc = take_records(all, r, p, err);
    if (rc == 0 && p->next > r->position)
        rc = advance(all, r, p->next, err);
    return rc;
}

static int roll_forward(restore *all, cu_err *err)
{
    cu_env *env = all->w->rt->o.env;
    int64_t heard = cu_mono_ms(env);
    while (all->n_left > 0) {
        cu_poll p;
        int rc = cu_log_poll(all->reader, POLL_MS, &p, err);
        if (rc == 0)
            rc = take(all, &p, err);
        int64_t now = cu_mono_ms(env);
        if (rc == 0 && now - heard > LISTEN_MS) {
            heard = now;
            rc = cu_worker_listen(all->w, err);
        }
        for (uint32_t k = 0; rc == 0 && k < all->n; k++)
            if (!all->at[k].done)
                rc = look_after(all, &all->at[k], now, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* --- what there is to do ---------------------------------------------- */

static int add(restore *all, cu_instance *i, cu_err *err)
{
    cu_log *log = all->w->rt->o.log;
    int64_t now = cu_mono_ms(all->w->rt->o.env);
    restoring r = {.i = i,
                   .part = {i->stage->changelog, i->partition},
                   .position = cu_space_applied(i->space),
                   .moved_ms = now,
                   .looked_ms = now};
    bool open_too = !CU_SABOTAGED(CU_SABOTAGE_STABLE);
    int rc = log->vt->end_offset(log, r.part, open_too, &r.end, err);
    if (rc)
        return rc;
    if (CU_SABOTAGED(CU_SABOTAGE_RESTORE) && r.end > 0)
        r.end--;
    if (CU_SABOTAGED(CU_SABOTAGE_STABLE) && r.end < r.position)
        r.end = r.position;
    if (r.position > r.end)
        return cu_fail(err, CU_HISTORY, CU_FATAL,
                       "%s[%d] ends at %lld, but this state has applied %lld: "
                       "the topic was deleted and made again; remove the state "
                       "folder to rebuild",
                       r.part.topic, (int)r.part.partition, (long long)r.end,
                       (long long)r.position);
    if (r.position == r.end)
        return 0;
    all->at[all->n++] = r;
    all->n_left++;
    return 0;
}

static int open_reader(restore *all, cu_err *err)
{
    cu_log *log = all->w->rt->o.log;
    size_t share = all->w->rt->o.memory_bytes / 4;
    cu_position *from = cu_arena_calloc(all->w->assigned, all->n,
                                        sizeof(*from));
    for (uint32_t k = 0; k < all->n; k++)
        from[k] = (cu_position){all->at[k].part, all->at[k].position};
    cu_reader_opts o = {.parts = from,
                        .n_parts = all->n,
                        .max_bytes = share < LEAST_FETCH ? LEAST_FETCH : share};
    return log->vt->reader_open(log, &o, &all->reader, err);
}

int cu_restore(cu_worker *w, cu_err *err)
{
    restore all = {.w = w};
    _Atomic int64_t *left = &w->rt->counts.restore_left;
    int rc = 0;
    all.at = cu_arena_calloc(w->assigned, w->n_instances + 1, sizeof(*all.at));
    for (uint32_t k = 0; rc == 0 && k < w->n_instances; k++)
        rc = add(&all, w->instances[k], err);
    if (rc || all.n == 0)
        return rc;
    for (uint32_t k = 0; k < all.n; k++)
        atomic_fetch_add(left, all.at[k].end - all.at[k].position);
    rc = open_reader(&all, err);
    if (rc == 0)
        rc = roll_forward(&all, err);
    for (uint32_t k = 0; k < all.n; k++)
        if (!all.at[k].done) /* given up */
            atomic_fetch_sub(left, all.at[k].end - all.at[k].position);
    if (all.reader)
        all.reader->vt->reader_close(all.reader);
    return rc;
}
