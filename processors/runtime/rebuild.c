/* Rebuild: from the reset of an app's positions to what its topics get of it
 * (rebuild.h draws the steps).
 *
 * That all went through is a drain's question: the ends of all inputs are
 * noted when the worker has its partitions, and the group's positions decide.
 * So all processes of the app come to the same answer, each for what it owns,
 * and it does not matter which of them did the work.
 */
#include "processors/runtime/rebuild.h"

#include "processors/runtime/commit.h"
#include "processors/runtime/sabotage.h"

enum { LOOK_MS = 100, SWEEP_ROWS = 20000 };

/* --- at work -------------------------------------------------------------- */

bool cu_rebuild_runs(const cu_worker *w)
{
    for (uint32_t k = 0; k < w->n_instances; k++)
        if (w->instances[k]->rebuild.phase != CU_REBUILD_NOT)
            return true;
    return false;
}

static bool sweeps(const cu_instance *i)
{
    const cu_rebuild *r = &i->rebuild;
    return r->phase == CU_REBUILD_NOT && r->used != 1u << r->generation;
}

bool cu_rebuild_moves(const cu_worker *w)
{
    for (uint32_t k = 0; k < w->n_instances; k++)
        if (w->instances[k]->caught_up || sweeps(w->instances[k]))
            return true;
    return false;
}

void cu_rebuild_forget(cu_worker *w)
{
    if (w->rebuild)
        cu_drain_free(w->rebuild);
    w->rebuild = NULL;
}

static int ask(cu_worker *w, bool *done, cu_err *err)
{
    int rc = w->rebuild ? 0 : cu_drain_begin(w->rt, &w->rebuild, err);
    if (rc == 0)
        rc = cu_drain_done(w->rebuild, done, err);
    if (rc && (err->flags & CU_RETRY)) {
        cu_err_clear(err); /* asked again */
        rc = 0;
    }
    return rc;
}

int cu_rebuild_look(cu_worker *w, cu_err *err)
{
    int64_t now = cu_mono_ms(w->rt->o.env);
    bool done = false;
    if (!atomic_load(&w->ready) || !cu_rebuild_runs(w) || w->still ||
        now - w->rebuild_ms < LOOK_MS)
        return 0;
    w->rebuild_ms = now;
    int rc = ask(w, &done, err);
    if (rc || !done)
        return rc;
    for (uint32_t k = 0; k < w->n_instances; k++) {
        cu_instance *i = w->instances[k];
        if (i->rebuild.phase == CU_REBUILD_RUNNING)
            i->caught_up = i->moved = w->moved = true;
    }
    cu_rebuild_forget(w);
    return 0;
}

int cu_rebuild_commit(cu_instance *i, cu_err *err)
{
    bool left;
    if (i->caught_up) {
        bool corrects = i->silver && !CU_SABOTAGED(CU_SABOTAGE_CORRECT);
        int rc = corrects ? cu_silver_correct(i, err) : 0;
        i->caught_up = false;
        i->rebuild.phase = CU_REBUILD_NOT;
        return rc;
    }
    if (!sweeps(i))
        return 0;
    int rc = cu_space_sweep(i->space, SWEEP_ROWS, &left, err);
    if (rc == 0 && !left)
        i->rebuild.used = (uint8_t)(1u << i->rebuild.generation);
    i->moved = true;
    return rc;
}

/* --- the reset ------------------------------------------------------------ */

void cu_worker_still(cu_worker *w)
{
    w->still = true;
}

static int32_t partitions_of(const cu_runtime *rt, const char *topic)
{
    for (uint32_t i = 0; i < rt->program->n_tables; i++) {
        const cu_table_def *t = rt->program->tables[i];
        if (t->topic && strcmp(t->topic, topic) == 0)
            return rt->partitions[i];
    }
    for (uint32_t i = 0; i < rt->stages.n; i++) {
        const cu_stage *s = rt->stages.at[i];
        if (s->exchange_topic && strcmp(s->exchange_topic, topic) == 0)
            return s->exchange_partitions;
    }
    return 0;
}

bool cu_worker_owns_all(const cu_worker *w)
{
    const cu_runtime *rt = w->rt;
    if (!atomic_load(&w->ready))
        return false;
    for (uint32_t i = 0; i < rt->n_inputs; i++)
        for (int32_t p = 0; p < partitions_of(rt, rt->inputs[i]); p++)
            if (cu_worker_input(w, rt->inputs[i], p) == NULL)
                return false;
    return true;
}

static const cu_slot *lowest_slot(const cu_worker *w, const cu_feed_in *in)
{
    const cu_slot *lowest = NULL;
    for (uint32_t k = 0; k < w->n_instances; k++)
        for (uint32_t s = 0; s < w->instances[k]->n_slots; s++) {
            const cu_slot *at = &w->instances[k]->slots[s];
            if (at->in != in)
                continue;
            if (lowest == NULL || at->from < lowest->from)
                lowest = at;
        }
    return lowest;
}

/* Where a table's rows begin: as recorded, else its `start`, and never before
 * what is left. */
static int begin_of(cu_worker *w, const cu_feed_in *in, int64_t from,
                    int64_t *out, cu_err *err)
{
    cu_log *log = w->rt->o.log;
    int64_t oldest;
    int rc = log->vt->offset_at(log, in->part, CU_OLDEST, &oldest, err);
    *out = from;
    if (rc == 0 && from == CU_NO_OFFSET)
        rc = log->vt->offset_at(log, in->part, in->table->start_ms, out, err);
    if (rc == 0 && *out < oldest)
        *out = oldest;
    return rc;
}

int cu_rebuild_whole(cu_worker *w, cu_err *err)
{
    cu_log *log = w->rt->o.log;
    for (uint32_t k = 0; k < w->n_inputs; k++) {
        const cu_feed_in *in = w->inputs[k];
        const cu_slot *s = lowest_slot(w, in);
        int64_t oldest;
        if (in->table == NULL || s == NULL || s->from == CU_NO_OFFSET)
            continue;
        int rc = log->vt->offset_at(log, in->part, CU_OLDEST, &oldest, err);
        if (rc)
            return rc;
        if (s->from < oldest)
            return cu_fail(err, CU_HISTORY, 0,
                           "%s[%d]: the views were made of records from "
                           "offset %lld on, and the oldest one left is %lld: "
                           "made anew, they would lose rows. If they may: "
                           "cupel offsets reset PATH --to-earliest --execute, "
                           "and then this",
                           in->part.topic, (int)in->part.partition,
                           (long long)s->from, (long long)oldest);
    }
    return 0;
}

int cu_worker_begins(cu_worker *w, cu_arena *a, cu_positions *out, cu_err *err)
{
    out->at = cu_arena_calloc(a, w->n_inputs + 1, sizeof(*out->at));
    out->n = 0;
    for (uint32_t k = 0; k < w->n_inputs; k++) {
        const cu_feed_in *in = w->inputs[k];
        const cu_slot *s = lowest_slot(w, in);
        if (in->table == NULL || in->younger || s == NULL)
            continue;
        cu_position *at = &out->at[out->n++];
        at->part.topic = cu_arena_str(a, in->part.topic);
        at->part.partition = in->part.partition;
        int rc = begin_of(w, in, s->from, &at->next, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int new_position(cu_worker *w, const cu_feed_in *in, int64_t from,
                        const cu_positions *to, int64_t *out, cu_err *err)
{
    cu_log *log = w->rt->o.log;
    if (in->table == NULL) /* what lies in exchanges is of the past */
        return log->vt->end_offset(log, in->part, true, out, err);
    for (size_t k = 0; k < to->n; k++)
        if (cu_part_eq(to->at[k].part, in->part)) {
            *out = to->at[k].next;
            return 0;
        }
    return begin_of(w, in, from, out, err);
}

static int reset_slot(cu_worker *w, cu_slot *s, const cu_positions *to,
                      cu_err *err)
{
    int64_t next;
    int rc = new_position(w, s->in, s->from, to, &next, err);
    if (rc)
        return rc;
    if (s->in->table && s->next > s->judged)
        s->judged = s->next;
    s->next = s->from = next;
    s->watermark_us = s->max_ts_us = INT64_MIN;
    s->upstream = NULL;
    return 0;
}

static int next_generation(cu_instance *i, cu_err *err)
{
    cu_rebuild *r = &i->rebuild;
    if (r->phase == CU_REBUILD_DUE)
        return 0; /* nothing was written into it */
    if (r->phase == CU_REBUILD_NOT)
        r->shown = r->generation;
    uint8_t g = 0;
    while (g < CU_GENERATIONS && (r->used & 1u << g))
        g++;
    if (g == CU_GENERATIONS)
        return cu_fail(err, CU_BUSY, 0,
                       "stage %s[%d] has not got over the resets before this "
                       "one; run the app until it has caught up (cupel run "
                       "--drain), then reset it",
                       i->stage->name, (int)i->partition);
    r->generation = g;
    r->used |= (uint8_t)(1u << g);
    r->phase = CU_REBUILD_DUE;
    return 0;
}

static int reset_instance(cu_instance *i, const cu_positions *to, cu_err *err)
{
    int rc = next_generation(i, err);
    for (uint32_t k = 0; rc == 0 && k < i->n_slots; k++)
        rc = reset_slot(i->worker, &i->slots[k], to, err);
    i->moved = true;
    return rc;
}

int cu_worker_reset(cu_worker *w, const cu_positions *to, cu_err *err)
{
    int rc = 0;
    CU_ASSERT(w->still);
    CU_ASSERT(cu_worker_owns_all(w));
    for (uint32_t k = 0; rc == 0 && k < w->n_instances; k++)
        rc = reset_instance(w->instances[k], to, err);
    for (uint32_t k = 0; rc == 0 && k < w->n_inputs; k++)
        cu_input_settle(w->inputs[k]);
    if (rc)
        return rc;
    w->resetting = w->moved = true;
    return cu_commit(w, err);
}
