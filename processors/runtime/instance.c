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
#include "processors/runtime/int.h"

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
    i->slots[i->n_slots] = (cu_slot){.in = in, .next = CU_NO_OFFSET};
    return i->n_slots++;
}

static int64_t position_of(const cu_instance *i, uint32_t slot)
{
    int64_t next = i->slots[slot].next;
    if (CU_SABOTAGED(CU_SABOTAGE_POSITION) && next > 0)
        return next - 1;
    return next;
}

void cu_instance_progress(const cu_instance *i, cu_progress *out, cu_arena *a)
{
    const cu_worker *w = i->worker;
    *out = (cu_progress){.plan_hash = i->stage->hash,
                         .sequence = i->sequence + 1,
                         .clock_us = w->expr_env.now_us,
                         .instance = w->rt->o.instance,
                         .txn_id = w->txn_id,
                         .n_inputs = i->n_slots};
    out->inputs = cu_arena_calloc(a, i->n_slots + 1, sizeof(*out->inputs));
    for (uint32_t k = 0; k < i->n_slots; k++) {
        const cu_feed_in *in = i->slots[k].in;
        out->inputs[k] = (cu_input_progress){.part = in->part,
                                             .next = position_of(i, k),
                                             .watermark_us = in->watermark_us,
                                             .max_ts_us = in->max_ts_us};
    }
}

static int open_space(cu_instance *i, cu_err *err)
{
    cu_runtime *rt = i->worker->rt;
    uint32_t id = rt->stage_ids[i->stage->index];
    int rc = cu_space_open(rt->o.store, id, (uint16_t)i->partition, &i->space,
                           err);
    if (rc == 0 && !rt->o.log_carries_state)
        rc = cu_restore(i->worker, i, err);
    return rc;
}

int cu_instance_open(cu_worker *w, const cu_stage *s, int32_t partition,
                     cu_instance **out, cu_err *err)
{
    cu_instance *i = cu_calloc(1, sizeof(*i));
    i->worker = w;
    i->stage = s;
    i->partition = partition;
    int rc = open_space(i, err);
    if (rc)
        goto out;
    i->op_env = (cu_op_env){.space = i->space,
                            .expr = &w->expr_env,
                            .ctx = i,
                            .letter = cu_letter_row,
                            .cache_bytes = w->rt->o.memory_bytes /
                                           (4 * w->rt->stages.n + 1)};
    rc = cu_pipeline_open(s->root, &i->op_env, &i->pipeline, err);
    if (rc)
        goto out;
    rc = s->exchange_topic ? cu_exchange_open(i, err) : cu_silver_open(i, err);
out:
    if (rc) {
        cu_err_note(err, "stage %s[%d]: ", s->name, (int)partition);
        cu_instance_close(i);
        return rc;
    }
    *out = i;
    return 0;
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

/* Positions from the progress record; inputs that it does not know start at
 * their `start` option (decision 13). */
static int settle(cu_instance *i, const cu_progress *p, bool found, cu_err *err)
{
    for (uint32_t k = 0; k < i->n_slots; k++) {
        cu_slot *s = &i->slots[k];
        if (s->next != CU_NO_OFFSET)
            continue;
        for (uint32_t j = 0; found && j < p->n_inputs; j++) {
            const cu_input_progress *ip = &p->inputs[j];
            if (!cu_part_eq(ip->part, s->in->part))
                continue;
            s->next = ip->next;
            if (ip->watermark_us > s->in->watermark_us)
                s->in->watermark_us = ip->watermark_us;
            if (ip->max_ts_us > s->in->max_ts_us)
                s->in->max_ts_us = ip->max_ts_us;
        }
        if (s->next == CU_NO_OFFSET) {
            int rc = start_of(i, s->in, &s->next, err);
            if (rc)
                return rc;
        }
    }
    return 0;
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
        int rc = cu_materialize_scan(up->space, up->stage->root, bootstrap_push,
                                     entry, err);
        if (rc)
            return rc;
    }
    cu_op_connect(up->pipeline->root, entry, 0);
    for (uint32_t k = 0; k < up->n_slots; k++) {
        uint32_t slot = slot_add(i, up->slots[k].in);
        if (i->fresh)
            i->slots[slot].next = up->slots[k].next;
    }
    return 0;
}

static void subscribe(cu_instance *i, cu_feed_in *in, const cu_feed *f)
{
    in->subs = cu_realloc(in->subs, (in->n_subs + 1) * sizeof(*in->subs));
    in->subs[in->n_subs++] = (cu_sub){
        .instance = i, .entry = entry_of(i, f->leaf), .slot = slot_add(i, in)};
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
    i->sequence = p.sequence;
    i->fresh = !found;
    if (i->fresh) {
        /* Constant rows, and the row of an empty global aggregate, are there
         * once, not once per partition. */
        if (i->partition == 0)
            rc = cu_pipeline_first_start(i->pipeline, err);
        i->moved = true;
    }
    /* Direct inputs first: a part that also comes through an upstream
     * stage keeps the position of the direct reader. */
    for (uint32_t k = 0; rc == 0 && k < s->n_feeds; k++) {
        const cu_feed *f = &s->feeds[k];
        if (f->kind == CU_FEED_STAGE)
            continue;
        cu_feed_in *in = cu_worker_input(i->worker, f->topic, i->partition);
        subscribe(i, in, f);
    }
    if (rc == 0)
        rc = settle(i, &p, found, err);
    for (uint32_t k = 0; rc == 0 && k < s->n_feeds; k++)
        if (s->feeds[k].kind == CU_FEED_STAGE)
            rc = connect_stage(i, &s->feeds[k], err);
    if (rc == 0)
        rc = settle(i, &p, found, err);
    return rc;
}
