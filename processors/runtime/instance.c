/* A stage in one partition: its space, its operators, what it listens to.
 *
 *   input (topic partition) --sub--> entry op … root op --tap--> outputs
 *   upstream instance's root ------> entry op
 *
 * Each instance knows how far it has applied every input that reaches it
 * (slots), in-memory feeds included, so that an instance that is new or was
 * behind skips nothing and repeats nothing: rows below its slot are not for
 * it.  A new instance behind an old one starts from the rows that the old
 * one has kept.
 */
#include "processors/runtime/letters.h"

#include "processors/runtime/sabotage.h"

static cu_slot *slot_of(cu_instance *i, const cu_feed_in *in)
{
    for (uint32_t k = 0; k < i->n_slots; k++)
        if (i->slots[k].in == in)
            return &i->slots[k];
    return NULL;
}

static uint32_t slot_add(cu_instance *i, cu_feed_in *in)
{
    cu_slot *old = slot_of(i, in);
    if (old)
        return (uint32_t)(old - i->slots);
    i->slots = cu_realloc(i->slots, (i->n_slots + 1) * sizeof(*i->slots));
    i->slots[i->n_slots] = (cu_slot){.in = in,
                                     .next = CU_NO_OFFSET,
                                     .watermark_us = INT64_MIN,
                                     .max_ts_us = INT64_MIN,
                                     .from = CU_NO_OFFSET};
    return i->n_slots++;
}

static int64_t position_of(const cu_instance *i, uint32_t slot)
{
    int64_t next = i->slots[slot].next;
    if (CU_SABOTAGED(CU_SABOTAGE_POSITION) && next > 0)
        return next - 1;
    return next;
}

/* The input's time at the instance's position. */
static cu_input_progress input_progress(const cu_instance *i, uint32_t slot)
{
    const cu_slot *s = &i->slots[slot];
    const cu_feed_in *in = s->in;
    cu_input_progress p = {.part = in->part,
                           .next = position_of(i, slot),
                           .from = s->from,
                           .judged = s->judged};
    if (s->next == in->next) {
        p.watermark_us = in->watermark_us;
        p.max_ts_us = in->max_ts_us;
        p.upstream = in->upstream;
    } else { /* the input is behind, for the sake of others */
        p.watermark_us = s->watermark_us;
        p.max_ts_us = s->max_ts_us;
        p.upstream = s->upstream;
    }
    p.n_upstream = p.upstream ? in->n_upstream : 0;
    return p;
}

void cu_instance_progress(const cu_instance *i, cu_progress *out, cu_arena *a)
{
    const cu_worker *w = i->worker;
    *out = (cu_progress){.plan_hash = i->stage->hash,
                         .sequence = i->sequence + 1,
                         .clock_us = w->expr_env.now_us,
                         .instance = w->rt->o.instance,
                         .txn_id = w->txn_id,
                         .n_inputs = i->n_slots,
                         .n_marks = i->stage->n_feeds,
                         .rebuild = i->rebuild};
    if (i->rebuild.phase == CU_REBUILD_DUE && !w->resetting)
        out->rebuild.phase = CU_REBUILD_RUNNING;
    out->inputs = cu_arena_calloc(a, i->n_slots + 1, sizeof(*out->inputs));
    for (uint32_t k = 0; k < i->n_slots; k++)
        out->inputs[k] = input_progress(i, k);
    out->marks = cu_arena_calloc(a, out->n_marks + 1, sizeof(*out->marks));
    for (uint32_t f = 0; f < out->n_marks; f++)
        out->marks[f] = w->resetting ? INT64_MIN
                                     : cu_entry_watermark(i->entries[f]);
}

/* The workers of a process share its store.  One that slept may still have
 * what the group has given to another: never both at once. */
static int claim(cu_runtime *rt, const cu_stage *s, int32_t partition,
                 cu_err *err)
{
    if (!atomic_exchange(&rt->open[s->index][partition], true))
        return 0;
    return cu_fail(err, CU_BUSY, CU_RETRY,
                   "stage %s[%d]: another worker of this process still has it",
                   s->name, (int)partition);
}

int cu_instance_open(cu_worker *w, const cu_stage *s, int32_t partition,
                     cu_instance **out, cu_err *err)
{
    cu_runtime *rt = w->rt;
    int rc = claim(rt, s, partition, err);
    if (rc)
        return rc;
    cu_instance *i = cu_calloc(1, sizeof(*i));
    i->worker = w;
    i->stage = s;
    i->partition = partition;
    rc = cu_space_open(rt->o.store, rt->stage_ids[s->index],
                       (uint16_t)partition, &i->space, err);
    if (rc == 0 && CU_SABOTAGED(CU_SABOTAGE_WIPE))
        rc = cu_space_drop(i->space, err);
    if (rc) {
        cu_err_note(err, "stage %s[%d]: ", s->name, (int)partition);
        cu_instance_close(i);
        return rc;
    }
    *out = i;
    return 0;
}

int cu_instance_start(cu_instance *i, cu_err *err)
{
    cu_worker *w = i->worker;
    const cu_stage *s = i->stage;
    i->op_env = (cu_op_env){.space = i->space,
                            .expr = &w->expr_env,
                            .ctx = i,
                            .letter = cu_letter_row,
                            .late = s->view->late_topic ? cu_late_row : NULL,
                            .cache_bytes = w->rt->o.memory_bytes /
                                           (4 * w->rt->stages.n + 1)};
    int rc = cu_pipeline_open(s->root, &i->op_env, &i->pipeline, err);
    if (rc == 0)
        rc = s->exchange_topic ? cu_exchange_open(i, err)
                               : cu_silver_open(i, err);
    if (rc)
        cu_err_note(err, "stage %s[%d]: ", s->name, (int)i->partition);
    return rc;
}

void cu_instance_close(cu_instance *i)
{
    if (i->pipeline)
        cu_pipeline_close(i->pipeline);
    cu_exchange_close(i);
    cu_silver_close(i);
    if (i->tap)
        cu_op_close(i->tap);
    if (i->space)
        cu_space_close(i->space);
    atomic_store(&i->worker->rt->open[i->stage->index][i->partition], false);
    cu_free(i->entries);
    cu_free(i->slots);
    cu_free(i);
}

static cu_op *entry_of(const cu_instance *i, const cu_node *leaf)
{
    for (uint32_t k = 0; k < i->pipeline->n_entries; k++)
        if (i->pipeline->entries[k].node == leaf)
            return i->pipeline->entries[k].op;
    CU_ASSERT(!"a feed without an entry");
    return NULL;
}

static int start_of(cu_instance *i, const cu_feed_in *in, int64_t *next,
                    cu_err *err)
{
    cu_log *log = i->worker->rt->o.log;
    int64_t at = in->table ? in->table->start_ms : CU_OLDEST;
    return log->vt->offset_at(log, in->part, at, next, err);
}

/* What the progress record says of a slot; of twins the same in order. */
static const cu_input_progress *recorded(const cu_instance *i, uint32_t slot,
                                         const cu_progress *p)
{
    cu_part part = i->slots[slot].in->part;
    uint32_t before = 0;
    for (uint32_t k = 0; k < slot; k++)
        before += cu_part_eq(i->slots[k].in->part, part);
    for (uint32_t k = 0; k < p->n_inputs; k++)
        if (cu_part_eq(p->inputs[k].part, part) && before-- == 0)
            return &p->inputs[k];
    return NULL;
}

/* Positions from the progress record; inputs that it does not know start at
 * their `start` option (decision 13). */
static int settle(cu_instance *i, const cu_progress *p, cu_err *err)
{
    for (uint32_t k = 0; k < i->n_slots; k++) {
        cu_slot *s = &i->slots[k];
        if (s->next != CU_NO_OFFSET)
            continue;
        const cu_input_progress *ip = recorded(i, k, p);
        if (ip) {
            s->next = ip->next;
            s->from = ip->from;
            s->judged = ip->judged;
            s->watermark_us = ip->watermark_us;
            s->max_ts_us = ip->max_ts_us;
            if (ip->n_upstream == s->in->n_upstream)
                s->upstream = ip->upstream;
            continue;
        }
        int rc = start_of(i, s->in, &s->next, err);
        if (rc)
            return rc;
        s->from = s->next;
    }
    return 0;
}

/* What passed through before the reader was there is nowhere. */
static int came_late(const cu_instance *i, const cu_instance *up, cu_err *err)
{
    const cu_view_def *v = up->stage->view;
    return cu_fail(err, CU_EXISTS, CU_FATAL,
                   "view %s reads shared view %s, which runs already and keeps "
                   "no rows that a new reader could begin with; nothing was "
                   "read. Under another --app all views begin together; a "
                   "shared view with a primary_key keeps its rows",
                   i->stage->view->name, v->name);
}

static int bootstrap_push(void *ctx, const cu_batch *b, cu_err *err)
{
    return cu_op_push(ctx, 0, b, err);
}

/* In-memory feed: wire it; a new instance first gets what the upstream one
 * has kept. */
static int connect_stage(cu_instance *i, const cu_feed *f, cu_err *err)
{
    cu_instance *up = cu_worker_instance(i->worker, f->stage, i->partition);
    CU_ASSERT(up != NULL);
    cu_op *entry = entry_of(i, f->leaf);
    if (i->fresh && !up->fresh) {
        if (up->stage->view->shared && !cu_view_keeps(up->stage->view))
            return came_late(i, up, err);
        int rc = cu_view_scan_part(i->worker->rt, up->stage, up->partition,
                                   bootstrap_push, entry, err);
        if (rc)
            return rc;
    }
    cu_op_connect(up->pipeline->root, entry, 0);
    for (uint32_t k = 0; k < up->n_slots; k++) {
        uint32_t at = slot_add(i, up->slots[k].in);
        cu_slot *slot = &i->slots[at];
        if (i->fresh && slot->next == CU_NO_OFFSET)
            *slot = up->slots[k];
    }
    return 0;
}

static void subscribe(cu_instance *i, cu_feed_in *in, const cu_feed *f)
{
    in->subs = cu_realloc(in->subs, (in->n_subs + 1) * sizeof(*in->subs));
    in->subs[in->n_subs++] = (cu_sub){
        .instance = i, .entry = entry_of(i, f->leaf), .slot = slot_add(i, in)};
}

/* Direct inputs first: a part that also comes through an upstream stage
 * keeps the position of the direct reader. */
static int connect_feeds(cu_instance *i, const cu_progress *p, cu_err *err)
{
    const cu_stage *s = i->stage;
    i->entries = cu_calloc(s->n_feeds + 1, sizeof(*i->entries));
    for (uint32_t k = 0; k < s->n_feeds; k++) {
        const cu_feed *f = &s->feeds[k];
        i->entries[k] = entry_of(i, f->leaf);
        cu_feed_in *in = cu_worker_feed(i->worker, f, i->partition);
        if (in)
            subscribe(i, in, f);
    }
    int rc = settle(i, p, err);
    for (uint32_t k = 0; rc == 0 && k < s->n_feeds; k++)
        if (s->feeds[k].kind == CU_FEED_STAGE)
            rc = connect_stage(i, &s->feeds[k], err);
    return rc ? rc : settle(i, p, err);
}

int cu_instance_connect(cu_instance *i, cu_err *err)
{
    cu_arena *a = i->worker->assigned;
    const cu_stage *s = i->stage;
    cu_progress p = {0};
    bool found = false;
    int rc = cu_space_progress(i->space, a, &p, &found, err);
    if (rc)
        return rc;
    if (found && p.plan_hash != s->hash)
        return cu_fail(err, CU_EXISTS, CU_FATAL,
                       "view %s was changed since its state was made; run the "
                       "old SQL, give the new one another --app, or remove "
                       "the old state folder to rebuild everything",
                       s->view->name);
    if (p.rebuild.phase == CU_REBUILD_MOVED)
        return cu_fail(err, CU_EXISTS, CU_FATAL,
                       "the app was given other partitions while this process "
                       "started; start it again");
    i->sequence = p.sequence;
    i->rebuild = p.rebuild;
    i->rebuild.used |= (uint8_t)(1u << p.rebuild.generation);
    i->fresh = !found || p.rebuild.phase == CU_REBUILD_DUE;
    cu_expr_env *env = &i->worker->expr_env;
    if (p.clock_us > env->now_us)
        env->now_us = p.clock_us;
    i->moved = i->fresh;
    return connect_feeds(i, &p, err);
}
