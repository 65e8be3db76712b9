/* Liveness: with the faults over, everything comes to rest, at the right end.
 *
 * Rest is: no commit for a while, every input read to its end, every worker
 * settled.  Then all processes stop, and one that has nothing but the broker
 * comes to rest once more.
 */
#include "tests/simulation/cluster_int.h"

enum {
    MOST_ROUNDS = 40000,
    QUIET_ROUNDS = 30,
    QUIET_STEPS = 100, /* each may only tell of the end of a partition */
};

/* Nothing of an input is left for the group. */
static bool is_read(sim_cluster *w, const char *topic)
{
    sim_topic *t = sim_topic_of(w->broker, topic);
    sim_group *g = sim_group_of(w->broker, w->base.program->app);
    for (int32_t i = 0; t && i < t->n_parts; i++) {
        sim_part *p = &t->parts[i];
        sim_mark *m = sim_position(g, p);
        for (int64_t k = m ? m->next : 0; k < p->end; k++)
            if (!p->at[k].control && p->at[k].txn->state != SIM_ABORTED)
                return false;
    }
    return true;
}

static bool all_read(sim_cluster *w, const cu_stages *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        for (uint32_t k = 0; k < s->at[i]->n_feeds; k++)
            if (s->at[i]->feeds[k].kind != CU_FEED_STAGE &&
                !is_read(w, s->at[i]->feeds[k].topic))
                return false;
    return true;
}

static bool all_settled(sim_cluster *w)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->storm->nodes; i++) {
        sim_node *p = &w->nodes[i];
        n += p->fiber != NULL;
        if (p->fiber && (!p->opened || p->frozen))
            return false;
        for (uint32_t k = 0; p->fiber && k < p->n_workers; k++)
            if (!p->workers[k] || !cu_worker_settled(p->workers[k]))
                return false;
    }
    return n > 0;
}

/* Who does not come to rest, and where the group stands. */
static void tell_unrest(sim_cluster *w)
{
    sim_group *g = sim_group_of(w->broker, w->base.program->app);
    printf("%llu commits, generation %llu%s\n",
           (unsigned long long)w->broker->n_commits,
           (unsigned long long)g->generation,
           g->preparing ? ", preparing" : "");
    for (sim_member *m = g->members; m; m = m->next)
        printf("member %llu of %s: generation %llu, %u parts%s%s\n",
               (unsigned long long)m->id,
               m->client ? ((sim_node *)((sim_client *)m->client)->ctx)->name
                         : "nobody",
               (unsigned long long)m->generation, m->n_parts,
               m->joined ? ", joined" : "", m->told ? ", told" : "");
    for (uint32_t i = 0; i < w->storm->nodes; i++) {
        sim_node *n = &w->nodes[i];
        printf("%s: %s%s%s\n", n->name, n->fiber ? "runs" : "is down",
               n->opened ? ", opened" : "", n->frozen ? ", frozen" : "");
        for (uint32_t k = 0; n->fiber && k < n->n_workers; k++)
            printf("  worker %u: %s%s\n", k,
                   cu_worker_ready(n->workers[k]) ? "ready" : "not ready",
                   cu_worker_settled(n->workers[k]) ? ", settled" : "");
    }
    for (uint32_t i = 0; i < g->n_positions; i++)
        printf("%s[%d] is read to %lld of %lld (%lld stable)\n",
               g->positions[i].part->topic->name, (int)g->positions[i].part->n,
               (long long)g->positions[i].next,
               (long long)g->positions[i].part->end,
               (long long)sim_stable(g->positions[i].part));
}

static void settle(sim_cluster *w, const cu_stages *stages)
{
    uint32_t quiet = 0, rounds = 0;
    uint64_t commits = 0;
    while (!w->base.failed && quiet < QUIET_ROUNDS) {
        sim_node_start(w, 0, 1); /* it may have been about to stop */
        sim_cluster_feed(w, 1000);
        for (uint32_t i = 0; i < 2 * w->storm->nodes; i++)
            sim_cluster_go_on(w);
        bool still = commits == w->broker->n_commits && all_settled(w) &&
                     all_read(w, stages);
        commits = w->broker->n_commits;
        quiet = still ? quiet + 1 : 0;
        if (++rounds > MOST_ROUNDS && sim_trace)
            tell_unrest(w);
        if (rounds > MOST_ROUNDS)
            sim_fail(&w->base, "I17 the faults are over, and it does not come "
                               "to rest");
    }
}

static void stop_all(sim_cluster *w)
{
    for (uint32_t i = 0; i < SIM_NODES; i++) {
        sim_node *n = &w->nodes[i];
        n->stop = true;
        while (n->fiber)
            if (sim_node_is_due(n))
                sim_node_resume(n);
            else
                cu_env_sim_advance(w->base.env, 5000);
    }
}

/* The clock stands at the end of all cases while what waits for it happens:
 * the process sleeps between two steps, and we take them. */
static void last_steps(sim_cluster *w, sim_node *n)
{
    cu_err err = {0};
    int64_t end = SIM_END_US - SIM_EPOCH_US;
    if (sim_cluster_us(w) > end)
        sim_fail(&w->base, "I17 it took longer than the time that there is");
    else
        cu_env_sim_advance(w->base.env, end - sim_cluster_us(w));
    for (uint32_t quiet = 0, i = 0; quiet < QUIET_STEPS && !w->base.failed;
         i++) {
        bool busy = false;
        int rc = cu_worker_step(n->workers[0], 0, &busy, &err);
        if (rc == 0)
            rc = cu_worker_commit(n->workers[0], &err);
        quiet = busy ? 0 : quiet + 1;
        if (rc || i > MOST_ROUNDS)
            sim_fail(&w->base, "I17 the last steps: %s", err.msg);
    }
}

/* One process that never was there before has everything. */
void sim_cluster_from_empty(sim_cluster *w, const cu_stages *stages)
{
    stop_all(w);
    if (w->base.failed)
        return;
    sim_node_lose_disk(&w->nodes[0]);
    sim_node_start(w, 0, 1);
    settle(w, stages);
    TRACE("%lld s have passed\n", (long long)sim_cluster_us(w) / 1000000);
    if (!w->base.failed)
        last_steps(w, &w->nodes[0]);
    sim_node_look(&w->nodes[0]);
    w->base.runtime = w->nodes[0].runtime;
}

void sim_cluster_heal(sim_cluster *w, const cu_stages *stages)
{
    w->calm = true;
    w->broker->down_until_us = 0;
    for (uint32_t i = 0; i < w->storm->nodes; i++)
        if (w->nodes[i].twin)
            sim_node_kill(&w->nodes[i]);
    for (uint32_t i = 0; i < w->storm->nodes && !w->base.failed; i++)
        if (w->nodes[i].fiber == NULL && (i == 0 || sim_chance(&w->rng, 50)))
            sim_node_start(w, i, 1);
    settle(w, stages);
}
