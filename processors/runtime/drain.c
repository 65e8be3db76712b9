/* Drain: everything that was there at the beginning went through.
 *
 * The ends of all source partitions are noted once.  When the group's
 * committed positions have reached them, the ends of the repartition topics
 * are noted, in topological order of their stages, and waited for in turn:
 * nothing can be appended to one once everything before it has passed.  A topic
 * of letters that is read is such a hop too, before the first stage that reads
 * it: whose letters it wants comes earlier.  An empty partition counts when
 * its reader has committed once: rows without a source are on their way then.
 * Positions are the group's, so every process of the app sees the same truth.
 */
#include "processors/runtime/int.h"

typedef struct goal {
    cu_part part;
    int64_t end;
    bool reached;
} goal;

struct cu_drain {
    cu_runtime *rt;
    goal *goals;
    uint32_t n_goals;
    uint32_t stage; /* next one to look at */
    bool fed;       /* the letters that it reads were noted */
    int64_t left;
};

/* `ours`: the app itself writes the topic.  When its transaction is committed
 * (a pass of a collector is over, a position has moved), its records may still
 * wait for their markers, so that what is not committed yet counts. */
static int add_goal(cu_drain *d, const char *topic, int32_t partition,
                    bool ours, cu_err *err)
{
    cu_log *log = d->rt->o.log;
    goal g = {.part = {topic, partition}};
    int rc = log->vt->end_offset(log, g.part, ours, &g.end, err);
    if (rc)
        return rc;
    d->goals = cu_realloc(d->goals, (d->n_goals + 1) * sizeof(*d->goals));
    d->goals[d->n_goals++] = g;
    return 0;
}

static int add_table(cu_drain *d, const cu_table_def *t, cu_err *err)
{
    bool ours = t->letters != CU_LETTERS_NONE || t->http || t->files;
    int rc = 0;
    for (int32_t p = 0; rc == 0 && p < d->rt->partitions[t->index]; p++)
        rc = add_goal(d, t->topic, p, ours, err);
    return rc;
}

int cu_drain_begin(cu_runtime *rt, cu_drain **out, cu_err *err)
{
    cu_drain *d = cu_calloc(1, sizeof(*d));
    d->rt = rt;
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < rt->program->n_tables; i++) {
        const cu_table_def *t = rt->program->tables[i];
        bool read = false;
        for (uint32_t k = 0; t->topic && k < rt->n_inputs; k++)
            read = read || strcmp(rt->inputs[k], t->topic) == 0;
        if (read && t->letters == CU_LETTERS_NONE)
            rc = add_table(d, t, err);
    }
    if (rc) {
        cu_drain_free(d);
        return rc;
    }
    *out = d;
    return 0;
}

void cu_drain_free(cu_drain *d)
{
    cu_free(d->goals);
    cu_free(d);
}

int64_t cu_drain_left(const cu_drain *d)
{
    return d->left;
}

static int goals_reached(cu_drain *d, bool *all, cu_err *err)
{
    cu_log *log = d->rt->o.log;
    *all = true;
    d->left = 0;
    for (uint32_t i = 0; i < d->n_goals; i++) {
        goal *g = &d->goals[i];
        if (g->reached)
            continue;
        int64_t at;
        int rc = log->vt->committed(log, d->rt->program->app, g->part, &at,
                                    err);
        if (rc)
            return rc;
        g->reached = at >= g->end;
        *all = *all && g->reached;
        if (!g->reached)
            d->left += g->end - (at < 0 ? 0 : at);
    }
    return 0;
}

/* Notes the letters that the next stage reads, then its exchange. */
static int next_goals(cu_drain *d, cu_err *err)
{
    const cu_stage *s = d->rt->stages.at[d->stage];
    int rc = 0;
    if (!d->fed) {
        for (uint32_t k = 0; rc == 0 && k < s->n_feeds; k++) {
            const cu_table_def *t = s->feeds[k].table;
            if (t && t->letters != CU_LETTERS_NONE)
                rc = add_table(d, t, err);
        }
        d->fed = true;
        return rc;
    }
    for (int32_t p = 0; rc == 0 && p < s->exchange_partitions; p++)
        rc = add_goal(d, s->exchange_topic, p, true, err);
    d->stage++;
    d->fed = false;
    return rc;
}

int cu_drain_done(cu_drain *d, bool *done, cu_err *err)
{
    *done = false;
    for (;;) {
        bool all;
        int rc = goals_reached(d, &all, err);
        if (rc || !all)
            return rc;
        if (d->stage == d->rt->stages.n) {
            *done = true;
            return 0;
        }
        rc = next_goals(d, err);
        if (rc)
            return rc;
    }
}
