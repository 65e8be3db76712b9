/* Assignment: which inputs and instances a worker owns.
 *
 * On assign: an input per partition, then every stage instance whose inputs
 * are all here, in topological order, restored and wired; only then the
 * reader is sought and resumed.  On revoke everything goes (eager
 * assignment); state stays in the store and is rolled forward when the
 * partition returns.
 */
#include "processors/runtime/int.h"

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

static const cu_table_def *table_of(const cu_runtime *rt, const char *topic)
{
    for (uint32_t i = 0; i < rt->program->n_tables; i++) {
        const cu_table_def *t = rt->program->tables[i];
        if (!t->is_sink && t->topic && strcmp(t->topic, topic) == 0)
            return t;
    }
    return NULL;
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

static int add_input(cu_worker *w, cu_part part, cu_err *err)
{
    cu_feed_in *in = cu_calloc(1, sizeof(*in));
    w->inputs = cu_realloc(w->inputs, (w->n_inputs + 1) * sizeof(*w->inputs));
    w->inputs[w->n_inputs++] = in;
    in->part = (cu_part){cu_arena_str(w->assigned, part.topic), part.partition};
    in->watermark_us = in->max_ts_us = INT64_MIN;
    in->marked = CU_NO_OFFSET;
    in->exchange = exchange_of(w->rt, part.topic);
    if (in->exchange) {
        in->n_upstream = (uint32_t)in->exchange->partitions;
        in->upstream = cu_calloc(in->n_upstream, sizeof(*in->upstream));
        for (uint32_t k = 0; k < in->n_upstream; k++)
            in->upstream[k] = INT64_MIN;
        return 0;
    }
    in->table = table_of(w->rt, part.topic);
    CU_ASSERT(in->table != NULL);
    return cu_decode_open(in->table, &w->expr_env, &in->decode, err);
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
                : cu_worker_input(w, f->topic, p) == NULL)
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
            rc = cu_instance_connect(i, err);
            if (rc)
                return rc;
            w->moved = w->moved || i->moved;
        }
    }
    return 0;
}

/* The lowest position that a reader of the input needs; and where the rows
 * begin that nobody has judged yet. */
static void positions_of(cu_feed_in *in)
{
    in->next = INT64_MAX;
    in->settled = 0;
    for (uint32_t k = 0; k < in->n_subs; k++) {
        int64_t next = in->subs[k].instance->slots[in->subs[k].slot].next;
        if (next < in->next)
            in->next = next;
        if (next > in->settled)
            in->settled = next;
    }
}

static int start_reading(cu_worker *w, cu_feed_in *in, cu_err *err)
{
    cu_log *log = w->rt->o.log;
    if (in->n_subs == 0)
        return 0; /* another member runs what reads it; stays paused */
    positions_of(in);
    int64_t oldest;
    int rc = log->vt->offset_at(log, in->part, CU_OLDEST, &oldest, err);
    if (rc)
        return rc;
    if (in->next < oldest)
        return cu_fail(err, CU_HISTORY, CU_FATAL,
                       "%s[%d]: records from offset %lld on are needed, but "
                       "the oldest one left is %lld: the topic's retention was "
                       "shorter than the outage; remove the state folder to "
                       "rebuild from what is left",
                       in->part.topic, (int)in->part.partition,
                       (long long)in->next, (long long)oldest);
    rc = w->reader->vt->reader_seek(w->reader, in->part, in->next, err);
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
    for (uint32_t i = 0; rc == 0 && i < w->n_inputs; i++)
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
    /* Downstream first: an upstream root still points to its entries. */
    while (w->n_instances)
        cu_instance_close(w->instances[--w->n_instances]);
    while (w->n_inputs)
        close_input(w->inputs[--w->n_inputs]);
    cu_arena_reset(w->assigned);
    w->rows = 0;
    w->moved = false;
}
