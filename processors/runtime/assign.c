/* Assignment: which inputs and instances a worker owns.
 *
 * On assign: an input per partition, then every stage instance whose inputs
 * are all here, in topological order: opened, restored all at once, started
 * and wired; only then the reader is sought and resumed.  On revoke everything
 * goes (eager assignment); state stays in the store and is rolled forward when
 * the partition returns.
 */
#include "processors/plan/needed.h"
#include "processors/runtime/rebuild.h"
#include "processors/runtime/time.h"

cu_instance *cu_worker_instance(const cu_worker *w, const cu_stage *s,
                                int32_t partition)
{
    for (uint32_t i = 0; i < w->n_instances; i++)
        if (w->instances[i]->stage == s &&
            w->instances[i]->partition == partition)
            return w->instances[i];
    return NULL;
}

cu_feed_in *cu_worker_input(const cu_worker *w, const char *topic,
                            int32_t partition)
{
    for (uint32_t i = 0; i < w->n_inputs; i++) {
        cu_feed_in *in = w->inputs[i];
        if (in->part.partition == partition &&
            strcmp(in->part.topic, topic) == 0)
            return in;
    }
    return NULL;
}

cu_feed_in *cu_worker_feed(const cu_worker *w, const cu_feed *f,
                           int32_t partition)
{
    if (f->kind == CU_FEED_STAGE)
        return NULL;
    cu_feed_in *in = cu_worker_input(w, f->topic, partition);
    while (in && f->kind == CU_FEED_TABLE && in->table != f->table)
        in = in->twin;
    return in;
}

/* Does some stage read the table? */
static bool is_read(const cu_runtime *rt, const cu_table_def *t)
{
    for (uint32_t i = 0; i < rt->stages.n; i++)
        for (uint32_t k = 0; k < rt->stages.at[i]->n_feeds; k++)
            if (rt->stages.at[i]->feeds[k].table == t)
                return true;
    return false;
}

static const cu_stage *exchange_of(const cu_runtime *rt, const char *topic)
{
    for (uint32_t i = 0; i < rt->stages.n; i++) {
        const cu_stage *s = rt->stages.at[i];
        if (s->exchange_topic && strcmp(s->exchange_topic, topic) == 0)
            return s;
    }
    return NULL;
}

static cu_feed_in *new_input(cu_worker *w, cu_part part)
{
    cu_feed_in *in = cu_calloc(1, sizeof(*in));
    w->inputs = cu_realloc(w->inputs, (w->n_inputs + 1) * sizeof(*w->inputs));
    w->inputs[w->n_inputs++] = in;
    in->part = (cu_part){cu_arena_str(w->assigned, part.topic), part.partition};
    in->watermark_us = in->max_ts_us = INT64_MIN;
    in->marked = CU_NO_OFFSET;
    in->heard_ms = cu_mono_ms(w->rt->o.env);
    return in;
}

static void forget(cu_feed_in *in)
{
    in->watermark_us = in->max_ts_us = INT64_MIN;
    in->idle = false;
    for (uint32_t k = 0; k < in->n_upstream; k++)
        in->upstream[k] = (cu_upstream){INT64_MIN, false};
}

/* One of an exchange, or one for each table that reads the topic. */
static int add_input(cu_worker *w, cu_part part, cu_err *err)
{
    const cu_program *p = w->rt->program;
    const cu_stage *exchange = exchange_of(w->rt, part.topic);
    cu_feed_in *last = NULL;
    if (exchange) {
        cu_feed_in *in = new_input(w, part);
        in->exchange = exchange;
        in->n_upstream = (uint32_t)exchange->partitions;
        in->upstream = cu_calloc(in->n_upstream, sizeof(*in->upstream));
        forget(in);
        return 0;
    }
    for (uint32_t i = 0; i < p->n_tables; i++) {
        const cu_table_def *t = p->tables[i];
        if (t->topic == NULL || strcmp(t->topic, part.topic) != 0 ||
            !is_read(w->rt, t))
            continue;
        if (part.partition >= w->rt->partitions[i] && w->rt->o.as_it_was)
            return 0;
        if (part.partition >= w->rt->partitions[i])
            return cu_fail(err, CU_EXISTS, CU_FATAL,
                           "topic %s had %d partitions when this process "
                           "started and has more now; start it again: it "
                           "says what can be done",
                           part.topic, (int)w->rt->partitions[i]);
        cu_feed_in *in = new_input(w, part);
        in->table = t;
        in->younger = last != NULL;
        if (last)
            last->twin = in;
        last = in;
        bool *kept = cu_arena_calloc(w->assigned, t->schema->n, sizeof(*kept));
        (void)cu_needed_columns(&w->rt->stages, t, kept);
        int rc = cu_decode_open(t, &w->expr_env, kept, &in->decode, err);
        if (rc)
            return rc;
    }
    CU_ASSERT(last != NULL);
    return 0;
}

/* Every feed of (stage, p) is here. A stage without feeds (VALUES only) goes
 * with partition 0 of the first input topic. */
static bool can_run(const cu_worker *w, const cu_stage *s, int32_t p)
{
    if (s->n_feeds == 0) {
        if (w->rt->n_inputs == 0)
            return w->index == 0;
        return cu_worker_input(w, w->rt->inputs[0], 0) != NULL;
    }
    for (uint32_t k = 0; k < s->n_feeds; k++) {
        const cu_feed *f = &s->feeds[k];
        if (f->kind == CU_FEED_STAGE
                ? cu_worker_instance(w, f->stage, p) == NULL
                : cu_worker_feed(w, f, p) == NULL)
            return false;
    }
    return true;
}

static int open_instances(cu_worker *w, cu_err *err)
{
    for (uint32_t k = 0; k < w->rt->stages.n; k++) {
        const cu_stage *s = w->rt->stages.at[k];
        for (int32_t p = 0; p < s->partitions; p++) {
            if (!can_run(w, s, p))
                continue;
            cu_instance *i;
            int rc = cu_instance_open(w, s, p, &i, err);
            if (rc)
                return rc;
            w->instances = cu_realloc(w->instances, (w->n_instances + 1) *
                                                        sizeof(*w->instances));
            w->instances[w->n_instances++] = i;
        }
    }
    return 0;
}

static int start_instances(cu_worker *w, cu_err *err)
{
    for (uint32_t k = 0; k < w->n_instances; k++) {
        cu_instance *i = w->instances[k];
        int rc = cu_instance_start(i, err);
        if (rc == 0)
            rc = cu_instance_connect(i, err);
        if (rc)
            return rc;
        w->moved = w->moved || i->moved;
    }
    return 0;
}

/* The lowest position that a reader of the input needs, with the time there;
 * and where the rows begin that nobody has judged yet. */
void cu_input_settle(cu_feed_in *in)
{
    const cu_slot *lowest = NULL;
    in->settled = 0;
    forget(in);
    for (uint32_t k = 0; k < in->n_subs; k++) {
        const cu_sub *sub = &in->subs[k];
        const cu_slot *s = &sub->instance->slots[sub->slot];
        if (lowest == NULL || s->next < lowest->next)
            lowest = s;
        if (s->next > in->settled)
            in->settled = s->next;
        if (s->judged > in->settled)
            in->settled = s->judged;
    }
    in->next = lowest ? lowest->next : INT64_MAX;
    if (lowest == NULL)
        return;
    in->watermark_us = lowest->watermark_us;
    in->max_ts_us = lowest->max_ts_us;
    for (uint32_t k = 0; lowest->upstream && k < in->n_upstream; k++)
        cu_time_hear(in, k, lowest->upstream[k].watermark_us,
                     lowest->upstream[k].idle);
}

/* Has the group read past what was deleted?  Then a newer owner has purged it,
 * and our state is old: it is restored once more, or we hear that the
 * partition is not ours. */
static bool gone_on(cu_worker *w, cu_part part, int64_t oldest)
{
    cu_log *log = w->rt->o.log;
    cu_err ignored = {0};
    int64_t at;
    return log->vt->committed(log, w->rt->program->app, part, &at, &ignored) ==
               0 &&
           at >= oldest;
}

/* Where a partition is read from: the lowest of the twins. */
static int start_reading(cu_worker *w, cu_feed_in *in, cu_err *err)
{
    cu_log *log = w->rt->o.log;
    int64_t from = INT64_MAX, oldest;
    for (cu_feed_in *t = in; t; t = t->twin) {
        cu_input_settle(t);
        if (t->next < from)
            from = t->next;
    }
    if (from == INT64_MAX || w->still)
        return 0; /* another member runs what reads it; stays paused */
    int rc = log->vt->offset_at(log, in->part, CU_OLDEST, &oldest, err);
    if (rc)
        return rc;
    if (from < oldest && gone_on(w, in->part, oldest))
        return cu_fail(err, CU_BUSY, CU_ABORT | CU_RETRY,
                       "another member has gone on in %s[%d]", in->part.topic,
                       (int)in->part.partition);
    if (from < oldest)
        return cu_fail(err, CU_HISTORY, CU_FATAL,
                       "%s[%d]: records from offset %lld on are needed, but "
                       "the oldest one left is %lld: the topic's retention was "
                       "shorter than the outage; cupel offsets reset PATH "
                       "--to-earliest --execute makes the views anew from "
                       "what is left",
                       in->part.topic, (int)in->part.partition, (long long)from,
                       (long long)oldest);
    rc = w->reader->vt->reader_seek(w->reader, in->part, from, err);
    if (rc)
        return rc;
    return w->reader->vt->reader_pause(w->reader, in->part, false, err);
}

int cu_worker_assign(cu_worker *w, const cu_part *parts, size_t n, cu_err *err)
{
    int rc = 0;
    w->lost = false;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = add_input(w, parts[i], err);
    if (rc == 0)
        rc = open_instances(w, err);
    if (rc == 0 && !w->rt->o.log_carries_state)
        rc = cu_restore(w, err);
    if (rc == 0)
        rc = start_instances(w, err);
    if (rc == 0)
        rc = cu_time_start(w, err);
    for (uint32_t i = 0; rc == 0 && i < w->n_inputs; i++)
        if (!w->inputs[i]->younger)
            rc = start_reading(w, w->inputs[i], err);
    /* The first commit tells the group where we stand. */
    w->moved = true;
    if (rc == 0)
        atomic_store(&w->ready, true);
    return rc;
}

static void close_input(cu_feed_in *in)
{
    cu_decode_close(in->decode);
    cu_free(in->upstream);
    cu_free(in->subs);
    cu_free(in);
}

void cu_worker_unassign(cu_worker *w)
{
    atomic_store(&w->ready, false);
    atomic_store(&w->settled, false);
    atomic_store(&w->ended, false);
    cu_rebuild_forget(w);
    /* Downstream first: an upstream root still points to its entries. */
    while (w->n_instances)
        cu_instance_close(w->instances[--w->n_instances]);
    while (w->n_inputs)
        close_input(w->inputs[--w->n_inputs]);
    cu_arena_reset(w->assigned);
    w->rows = w->bytes = 0;
    w->moved = false;
    w->due_us = INT64_MAX;
}
