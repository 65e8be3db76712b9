/* Time of a task: what its inputs' watermarks mean for its stages.
 *
 *   input (partition)   own watermark = newest time - delay      feed.c
 *   exchange            the lowest of all senders that are not idle
 *   stage before        what its operators pass on
 *        |
 *        v
 *   entry of a stage    only grows; the progress record holds it
 *
 * An idle feed (read to its end and silent for its table's idle_timeout; an
 * exchange whose senders all are; a stage whose feeds all are) holds nobody
 * back: its clock, its entry or the WATERMARK above that, is moved along with
 * the lowest of its stage's other clocks.  When it wakes behind that, its rows
 * are stamped with the clock's watermark (feed.c, watermark.c), so that what is
 * old among them is late like any other old row.
 *
 * A feed has *ended* when its entry stands at INT64_MAX: `--final` moves the
 * tables' entries there, the marks of ended stages move the exchanges', and so
 * on down to the last stage.  A stage without feeds (VALUES) has ended from the
 * start.
 *
 * W1 an entry's watermark is recorded by every commit that moved it and given
 *    back before any row, so that no window opens again.
 * W2 an exchange is never ahead of a sender that is awake.
 * W3 whether somebody is idle changes only what is closed, never a count.
 */
#include "processors/runtime/time.h"

/* --- exchanges ------------------------------------------------------------ */

/* The lowest of those who hold time back. All ended: INT64_MAX; nobody awake:
 * it stays, and the exchange is idle. */
static void merge(cu_feed_in *in)
{
    int64_t low = INT64_MAX;
    bool ended = true;
    in->idle = true;
    for (uint32_t k = 0; k < in->n_upstream; k++) {
        const cu_upstream *u = &in->upstream[k];
        if (u->watermark_us == INT64_MAX)
            continue;
        ended = false;
        if (u->idle)
            continue;
        in->idle = false;
        if (u->watermark_us < low)
            low = u->watermark_us;
    }
    in->idle = in->idle && !ended;
    if (!in->idle && low > in->watermark_us)
        in->watermark_us = low;
}

void cu_time_hear(cu_feed_in *in, uint32_t source, int64_t watermark_us,
                  bool idle)
{
    if (source >= in->n_upstream)
        return;
    cu_upstream *u = &in->upstream[source];
    if (watermark_us > u->watermark_us)
        u->watermark_us = watermark_us;
    u->idle = idle;
    merge(in);
}

/* --- clocks --------------------------------------------------------------- */

/* Marks `n` and what is below it; `top`: not below a WATERMARK. */
static void reach(const cu_pipeline *p, const cu_node *n, bool top, bool *seen)
{
    uint32_t k = 0;
    while (p->ops[k]->node != n)
        k++;
    if (seen[k])
        return;
    seen[k] = true;
    if (top && n->kind == CU_N_WATERMARK)
        return;
    for (uint32_t i = 0; i < n->n_inputs && n->kind != CU_N_EXCHANGE; i++)
        reach(p, n->inputs[i], top, seen);
}

static void add_clock(cu_instance *i, cu_op *op, bool *seen)
{
    const cu_stage *s = i->stage;
    const cu_pipeline *p = i->pipeline;
    cu_clock *c = &i->clocks[i->n_clocks];
    bool any = false;
    memset(seen, 0, p->n_ops * sizeof(*seen));
    reach(p, op->node, false, seen);
    c->op = op;
    c->feeds = cu_arena_calloc(i->worker->assigned, s->n_feeds + 1,
                               sizeof(*c->feeds));
    for (uint32_t f = 0; f < s->n_feeds; f++)
        for (uint32_t k = 0; k < p->n_ops; k++)
            if (seen[k] && p->ops[k] == i->entries[f])
                c->feeds[f] = any = true;
    c->timed = op->node->kind != CU_N_SOURCE ||
               op->node->source.table->watermark_col >= 0;
    i->n_clocks += any;
}

/* The entries that no WATERMARK stands above, and the WATERMARKs that do. */
static void find_clocks(cu_instance *i)
{
    cu_arena *a = i->worker->assigned;
    const cu_pipeline *p = i->pipeline;
    bool *top = cu_arena_calloc(a, p->n_ops, sizeof(*top));
    bool *seen = cu_arena_calloc(a, p->n_ops, sizeof(*seen));
    i->clocks = cu_arena_calloc(a, p->n_ops, sizeof(*i->clocks));
    i->n_clocks = 0;
    reach(p, p->root->node, true, top);
    for (uint32_t k = 0; k < p->n_ops; k++) {
        cu_node_kind kind = p->ops[k]->node->kind;
        if (top[k] && (kind == CU_N_WATERMARK || kind == CU_N_SOURCE ||
                       kind == CU_N_VIEW || kind == CU_N_EXCHANGE))
            add_clock(i, p->ops[k], seen);
    }
}

/* --- at the start --------------------------------------------------------- */

/* Pushed, then through the operators that hold marks until a commit; at the
 * recorded clock, so that nothing else is due. */
static int resume(cu_instance *i, const cu_progress *p, cu_err *err)
{
    cu_expr_env *env = &i->worker->expr_env;
    int64_t now = env->now_us;
    int rc = 0;
    for (uint32_t f = 0; rc == 0 && f < p->n_marks && f < i->stage->n_feeds;
         f++)
        if (p->marks[f] != INT64_MIN)
            rc = cu_op_watermark(i->entries[f], 0, p->marks[f], err);
    if (rc)
        return rc;
    env->now_us = p->clock_us;
    rc = cu_pipeline_commit(i->pipeline, err);
    env->now_us = now;
    /* What was recorded was also sent; but nobody knows us as awake. */
    if (i->exchange && !i->worker->rt->knows_idle)
        cu_exchange_told(i);
    return rc;
}

int cu_time_start(cu_worker *w, cu_err *err)
{
    int rc = 0;
    for (uint32_t k = 0; rc == 0 && k < w->n_instances; k++) {
        cu_instance *i = w->instances[k];
        cu_progress p;
        bool found;
        cu_arena_reset(w->arena);
        find_clocks(i);
        /* Constant rows, and the row of an empty global aggregate, are there
         * once, not once per partition. */
        if (i->fresh && i->partition == 0)
            rc = cu_pipeline_first_start(i->pipeline, err);
        if (i->fresh)
            continue;
        rc = cu_space_progress(i->space, w->assigned, &p, &found, err);
        if (rc == 0 && found)
            rc = resume(i, &p, err);
        if (rc)
            cu_err_note(err, "stage %s[%d]: ", i->stage->name,
                        (int)i->partition);
    }
    return rc;
}

/* --- at a commit ---------------------------------------------------------- */

static cu_instance *stage_before(const cu_instance *i, const cu_feed *f)
{
    return cu_worker_instance(i->worker, f->stage, i->partition);
}

static bool feed_idle(const cu_instance *i, const cu_feed *f)
{
    const cu_feed_in *in = cu_worker_feed(i->worker, f, i->partition);
    return in ? in->idle : stage_before(i, f)->idle;
}

static bool feed_over(const cu_instance *i, const cu_feed *f)
{
    if (f->kind == CU_FEED_STAGE)
        return stage_before(i, f)->ended;
    if (f->kind == CU_FEED_EXCHANGE)
        return false; /* its marks say so */
    return atomic_load(&i->worker->rt->ending) == CU_ENDING_TIME;
}

static int move(cu_instance *i, uint32_t feed, int64_t ts_us, cu_err *err)
{
    if (cu_entry_watermark(i->entries[feed]) >= ts_us)
        return 0;
    i->moved = true;
    return cu_op_watermark(i->entries[feed], 0, ts_us, err);
}

static bool hears(const cu_instance *i, const cu_clock *c, const bool *awake)
{
    for (uint32_t f = 0; f < i->stage->n_feeds; f++)
        if (c->feeds[f] && awake[f])
            return true;
    return false;
}

/* Idle clocks go with the slowest of those that are awake. */
static int move_idle(cu_instance *i, const bool *awake, cu_err *err)
{
    int64_t low = INT64_MAX;
    int rc = 0;
    for (uint32_t k = 0; k < i->n_clocks; k++) {
        const cu_clock *c = &i->clocks[k];
        int64_t at = cu_clock_watermark(c->op);
        if (c->timed && at < low && hears(i, c, awake))
            low = at;
    }
    for (uint32_t k = 0; k < i->n_clocks && low != INT64_MAX && !rc; k++) {
        const cu_clock *c = &i->clocks[k];
        if (hears(i, c, awake) || cu_clock_watermark(c->op) >= low)
            continue;
        i->moved = true;
        rc = cu_clock_move(c->op, low, err);
    }
    return rc;
}

int cu_time_settle(cu_instance *i, cu_err *err)
{
    const cu_stage *s = i->stage;
    bool *awake = cu_arena_calloc(i->worker->arena, s->n_feeds + 1,
                                  sizeof(*awake));
    uint32_t n_idle = 0, n_ended = 0;
    int rc = 0;
    for (uint32_t f = 0; rc == 0 && f < s->n_feeds; f++) {
        if (feed_over(i, &s->feeds[f]))
            rc = move(i, f, INT64_MAX, err);
        if (cu_entry_watermark(i->entries[f]) == INT64_MAX)
            n_ended++;
        else if (feed_idle(i, &s->feeds[f]))
            n_idle++;
        else
            awake[f] = true;
    }
    i->ended = n_ended == s->n_feeds;
    i->idle = n_idle > 0 && n_idle + n_ended == s->n_feeds;
    return rc || n_idle == 0 ? rc : move_idle(i, awake, err);
}

/* --- between commits ------------------------------------------------------ */

static bool falls_silent(const cu_runtime *rt, cu_feed_in *in, int64_t now_ms)
{
    if (in->table == NULL || in->idle || !in->at_end || in->n_subs == 0)
        return false;
    int64_t timeout = in->table->idle_timeout_ms;
    if (!rt->knows_idle || timeout == 0 || now_ms - in->heard_ms < timeout)
        return false;
    in->idle = true;
    return true;
}

bool cu_time_moved(cu_worker *w)
{
    cu_runtime *rt = w->rt;
    bool moved = false;
    if (atomic_load(&rt->ending) == CU_ENDING_TIME && !w->ended)
        moved = w->n_instances > 0;
    for (uint32_t k = 0; !moved && atomic_load(&rt->ending) != CU_ENDING_NOT &&
                         k < w->n_instances;
         k++)
        moved = cu_silver_due(w->instances[k]) != INT64_MAX ||
                cu_silver_disputed(w->instances[k]);
    if (!rt->knows_idle)
        return moved;
    int64_t now_ms = cu_mono_ms(rt->o.env);
    for (uint32_t k = 0; k < w->n_inputs; k++)
        moved = falls_silent(rt, w->inputs[k], now_ms) || moved;
    return moved;
}

int64_t cu_time_due(const cu_worker *w)
{
    int64_t due = INT64_MAX;
    for (uint32_t k = 0; k < w->n_instances; k++) {
        int64_t at = cu_pipeline_due(w->instances[k]->pipeline);
        due = at < due ? at : due;
        at = cu_silver_due(w->instances[k]);
        due = at < due ? at : due;
    }
    return due;
}
