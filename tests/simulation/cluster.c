#include "tests/simulation/cluster.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/diag.h"

#include <stdio.h>

enum {
    SESSION_US = 3000000,
    CHAOS_US = 220000000, /* of 400 s until the clock of all cases ends */
    LOOK_EVERY = 25,
    CACHE_BYTES = 1 << 20,
    MOST_ROUNDS = 40000,
    QUIET_ROUNDS = 30,
    QUIET_STEPS = 100, /* each may only tell of the end of a partition */
};

sim_counts sim_total;

#define TRACE(...) (sim_trace ? (void)printf(__VA_ARGS__) : (void)0)

static int64_t now_us(const sim_cluster *w)
{
    return cu_mono_us(w->base.env);
}

/* --- a process: its points and its clock
 * ---------------------------------------
 */

static void nap(sim_node *n, int64_t us)
{
    if (n->client.dead)
        return;
    n->wake_us = now_us(n->w) + us;
    sim_fiber_yield();
}

static void freeze(sim_node *n, int64_t us)
{
    sim_total.freezes++;
    TRACE("%s freezes for %lld ms\n", n->name, (long long)us / 1000);
    n->frozen = true;
    n->from_us = now_us(n->w);
    nap(n, us);
    n->frozen = false;
    bool zombie = !n->client.dead &&
                  now_us(n->w) - n->from_us > n->w->broker->session_us;
    sim_total.zombies += zombie;
    if (!n->client.dead)
        TRACE("%s wakes up%s\n", n->name, zombie ? " as a zombie" : "");
}

static uint32_t visit(sim_cluster *w, const char *name)
{
    sim_visits *v = &w->visits;
    uint32_t i = 0;
    while (i < v->n && strcmp(v->names[i], name) != 0)
        i++;
    CU_ASSERT(i < SIM_MOST_POINTS);
    v->names[i] = name;
    v->n += i == v->n;
    return ++v->hits[i];
}

static sim_fate by_chance(sim_node *n, const char *name)
{
    sim_cluster *w = n->w;
    uint32_t x = sim_below(&w->rng, 10000);
    const sim_storm *s = w->storm;
    if (x < s->kill)
        return SIM_KILLED;
    x -= s->kill;
    if (x < s->freeze) {
        freeze(n, sim_chance(&w->rng, 50)
                      ? 1000 * (1 + sim_below(&w->rng, 500))
                      : 100000 * (1 + sim_below(&w->rng, 80)));
        return SIM_GO;
    }
    x -= s->freeze;
    bool asked = strncmp(name, "commit_", 7) != 0 && strcmp(name, "flushed") &&
                 strcmp(name, "marked") && strcmp(name, "ended") &&
                 strcmp(name, "poll") && strcmp(name, "read") &&
                 strcmp(name, "seek");
    if (x < s->lose && asked)
        return (sim_fate)(SIM_NO_REQUEST + sim_below(&w->rng, 3));
    if (sim_chance(&w->rng, 6)) /* others may come in between */
        nap(n, sim_below(&w->rng, 20000));
    return SIM_GO;
}

static void look_at(sim_cluster *w, sim_node *n)
{
    if (n->kv)
        sim_invariants_store(w->inv, n->name, n->kv);
}

/* Restored, and nothing is read yet. */
static void look_at_restored(sim_node *n)
{
    if (n->looked_at == n->w->broker->n_rebalances)
        return;
    n->looked_at = n->w->broker->n_rebalances;
    look_at(n->w, n);
}

/* A named point: of the network, or of the runtime's commit. */
static sim_fate meet(void *ctx, const char *name)
{
    sim_node *n = ctx;
    sim_cluster *w = n->w;
    const sim_plan *p = w->plan;
    sim_fate f = SIM_GO;
    if (n->client.dead)
        return SIM_KILLED;
    uint32_t hit = visit(w, name);
    if (strcmp(name, "seek") == 0)
        look_at_restored(n);
    if (p && p->point && !w->calm && strcmp(p->point, name) == 0 &&
        (p->every ? hit % p->hit == 0 : !w->hit && hit >= p->hit)) {
        w->hit = true;
        TRACE("%s meets %s\n", n->name, name);
        if (p->freeze_us)
            freeze(n, p->freeze_us);
        f = p->fate;
    } else if (!w->calm) {
        f = by_chance(n, name);
    }
    if (f > SIM_KILLED) {
        sim_total.losses++;
        TRACE("%s: %s of %s\n", n->name, name,
              f == SIM_NO_REQUEST  ? "request lost"
              : f == SIM_NO_ANSWER ? "answer lost"
                                   : "late copy");
    }
    if (f == SIM_KILLED)
        n->client.dead = true;
    return n->client.dead ? SIM_KILLED : f;
}

static void wait_for(void *ctx, int64_t us)
{
    nap(ctx, us);
}

static bool is_alive(void *client)
{
    const sim_client *c = client;
    const sim_node *n = c->ctx;
    return n && n->fiber && !n->frozen && !c->dead &&
           n->hold_us <= now_us(n->w);
}

static int64_t env_wall(cu_env *e)
{
    return cu_wall_us(((sim_node *)e)->w->base.env);
}

static int64_t env_mono(cu_env *e)
{
    return cu_mono_us(((sim_node *)e)->w->base.env);
}

static uint64_t env_chance(cu_env *e)
{
    return sim_next(&((sim_node *)e)->w->rng);
}

static void env_sleep(cu_env *e, int64_t us)
{
    nap((sim_node *)e, us);
}

static bool env_fault(cu_env *e, const char *point)
{
    return meet(e, point) == SIM_KILLED;
}

static int env_stop(cu_env *e)
{
    (void)e;
    return 0;
}

static const char *env_variable(cu_env *e, const char *name)
{
    (void)e, (void)name;
    return NULL;
}

static const cu_env_vt node_env = {.version = 1,
                                   .wall_us = env_wall,
                                   .mono_us = env_mono,
                                   .chance = env_chance,
                                   .sleep_us = env_sleep,
                                   .fault = env_fault,
                                   .stop_requested = env_stop,
                                   .variable = env_variable};

/* --- a process: from start to end
 * ----------------------------------------------
 */

static int open_node(sim_node *n)
{
    cu_runtime_opts o = {.program = n->w->base.program,
                         .log = &n->client.base,
                         .store = n->store,
                         .env = &n->env,
                         .instance = n->name,
                         .static_member = n->w->storm->statics,
                         .commit_interval_ms = n->w->base.how->commit_ms};
    int rc = cu_runtime_open(&o, &n->runtime, &n->err);
    for (uint32_t i = 0; rc == 0 && i < n->n_workers; i++)
        rc = cu_worker_open(n->runtime, i, &n->workers[i], &n->err);
    return rc;
}

static int step_node(sim_node *n)
{
    int rc = 0;
    bool busy, any = false;
    for (uint32_t i = 0; rc == 0 && i < n->n_workers; i++) {
        rc = cu_worker_step(n->workers[i], 0, &busy, &n->err);
        any = any || busy;
    }
    if (rc == 0)
        nap(n, any ? 0 : 5000);
    return rc;
}

static void run_node(void *ctx)
{
    sim_node *n = ctx;
    int rc = open_node(n);
    n->opened = rc == 0;
    while (rc == 0 && !n->stop && !n->client.dead)
        rc = step_node(n);
    for (uint32_t i = 0; i < n->n_workers; i++) {
        if (rc == 0 && n->stop && !n->client.dead)
            rc = cu_worker_commit(n->workers[i], &n->err);
        if (n->workers[i])
            cu_worker_close(n->workers[i]);
        n->workers[i] = NULL;
    }
    if (n->runtime)
        cu_runtime_close(n->runtime);
    n->runtime = NULL;
    n->rc = rc;
}

static void on_open(void *ctx, cu_part part, int64_t from)
{
    sim_node *n = ctx;
    sim_invariants_restore(n->w->inv, n->n, n->kv, part, from);
}

static void start(sim_cluster *w, uint32_t at, uint32_t workers)
{
    sim_node *n = &w->nodes[at];
    uint32_t name = at;
    if (n->fiber)
        return;
    if (!w->calm && sim_below(&w->rng, 10000) < w->storm->twin * 50)
        name = sim_below(&w->rng, w->storm->nodes);
    *n = (sim_node){.env = {&node_env}, .w = w, .n = at, .kv = n->kv};
    snprintf(n->name, sizeof(n->name), "p%u", name);
    n->twin = name != at;
    sim_total.twins += n->twin;
    if (n->kv == NULL)
        n->kv = cu_kv_open_memory(sim_next(&w->rng));
    n->store = cu_store_new(n->kv, CACHE_BYTES);
    n->n_workers = workers;
    sim_client_init(&n->client, w->broker, &n->env, &w->rng);
    n->client.point = meet;
    n->client.wait = wait_for;
    n->client.opened = on_open;
    n->client.ctx = n;
    n->fiber = sim_fiber_new(run_node, n);
    TRACE("%s starts\n", n->name);
}

static bool may_end(const sim_node *n)
{
    if (n->rc == CU_BUSY) /* it has found out that it has a twin */
        return n->w->storm->twin > 0;
    /* What was lost before the calm may be felt in it: it starts again. */
    return (!n->w->calm || !n->opened) &&
           (n->rc == CU_NETWORK || n->rc == CU_TIMEOUT);
}

static void ended(sim_node *n)
{
    sim_cluster *w = n->w;
    sim_fiber_free(n->fiber);
    n->fiber = NULL;
    cu_store_free(n->store);
    look_at(w, n);
    if (n->client.dead) {
        sim_total.kills++;
        TRACE("%s is killed\n", n->name);
        cu_kv_memory_crash(n->kv, sim_chance(&w->rng, 50));
        look_at(w, n);
        sim_invariants_left(w->inv, n->n, n->kv);
    } else if (n->rc && !may_end(n)) {
        sim_fail(&w->base, "I17 %s stops: %s (%s:%d)", n->name, n->err.msg,
                 n->err.file, n->err.line);
    }
}

static void resume(sim_node *n)
{
    if (!sim_fiber_resume(n->fiber))
        ended(n);
}

/* kill -9, wherever it is. */
static void kill_node(sim_node *n)
{
    if (n->fiber == NULL)
        return;
    n->client.dead = true;
    while (n->fiber)
        resume(n);
}

static void lose_disk(sim_node *n)
{
    kill_node(n);
    if (n->kv)
        n->kv->vt->close(n->kv);
    n->kv = NULL;
    sim_invariants_left(n->w->inv, (uint32_t)(n - n->w->nodes), NULL);
    TRACE("%s loses its disk\n", n->name);
}

/* --- one thing that happens
 * ----------------------------------------------------
 */

static void feed(sim_cluster *w, uint32_t most)
{
    cu_err err = {0};
    cu_log *log = &w->feeder.base;
    int rc = 0;
    uint32_t left = w->base.c->phase_end[w->base.phase] - w->base.fed;
    uint32_t n = most < left ? most : left;
    if (n == 0 || now_us(w) < w->broker->down_until_us)
        return;
    if (w->writer == NULL)
        rc = log->vt->writer_open(log, "feeder", &w->writer, &err);
    if (rc == 0)
        rc = w->writer->vt->begin(w->writer, &err);
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        cu_header header;
        cu_record r = sim_record_of(&w->base.c->records[w->base.fed + i],
                                    &header);
        rc = cu_log_append(w->writer, &r, &err);
    }
    if (rc == 0)
        rc = w->writer->vt->commit(w->writer, 1000, NULL, NULL, &err);
    if (rc)
        sim_fail(&w->base, "the feeder failed: %s", err.msg);
    w->base.fed += n;
    sim_total.records += n;
}

static bool is_due(const sim_cluster *w, const sim_node *n)
{
    return n->fiber && n->wake_us <= now_us(w) && n->hold_us <= now_us(w);
}

/* Somebody goes on; with nobody to, time does. */
static void go_on(sim_cluster *w)
{
    uint32_t first = sim_below(&w->rng, w->storm->nodes);
    for (uint32_t i = 0; i < w->storm->nodes; i++) {
        sim_node *n = &w->nodes[(first + i) % w->storm->nodes];
        if (is_due(w, n)) {
            resume(n);
            return;
        }
    }
    cu_env_sim_advance(w->base.env, 5000);
    sim_broker_tick(w->broker);
}

/* SIGSTOP, wherever it is; one time in four all of them, as when a lid is
 * closed. */
static void hold(sim_cluster *w, sim_node *one)
{
    int64_t us = 100000 * (1 + sim_below(&w->rng, 100));
    bool all = sim_chance(&w->rng, 25);
    for (uint32_t i = 0; i < w->storm->nodes; i++) {
        sim_node *n = &w->nodes[i];
        if (!n->fiber || !(all || n == one))
            continue;
        n->hold_us = now_us(w) + us;
        sim_total.freezes++;
        sim_total.zombies += us > w->broker->session_us;
        TRACE("%s is stopped for %lld ms\n", n->name, (long long)us / 1000);
    }
}

static void disturb(sim_cluster *w)
{
    const sim_storm *s = w->storm;
    sim_node *n = &w->nodes[sim_below(&w->rng, s->nodes)];
    uint32_t x = sim_below(&w->rng, 10000);
    if (x < s->broker) {
        sim_total.restarts++;
        TRACE("the broker restarts\n");
        sim_broker_restart(w->broker, 1000 * (1 + sim_below(&w->rng, 4000)));
    } else if ((x -= s->broker) < s->wipe) {
        lose_disk(n);
    } else if ((x -= s->wipe) < s->stop && n->fiber) {
        n->stop = true;
    } else if ((x -= s->stop) < s->sleep) {
        hold(w, n);
    } else if (x > 9950) {
        sim_broker_compact(w->broker);
    }
    if (n->fiber == NULL && sim_chance(&w->rng, 3))
        start(w, (uint32_t)(n - w->nodes),
              1 + sim_below(&w->rng, SIM_NODE_WORKERS));
}

static void something(sim_cluster *w)
{
    disturb(w);
    if (sim_chance(&w->rng, 12))
        feed(w, 1 + sim_below(&w->rng, 12));
    if (sim_chance(&w->rng, 15))
        cu_env_sim_advance(w->base.env, 1000 * (1 + sim_below(&w->rng, 60)));
    go_on(w);
}

/* --- liveness
 * --------------------------------------------------------------------
 */

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
        start(w, 0, 1); /* it may have been about to stop */
        feed(w, 1000);
        for (uint32_t i = 0; i < 2 * w->storm->nodes; i++)
            go_on(w);
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
            if (is_due(w, n))
                resume(n);
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
    if (now_us(w) > end)
        sim_fail(&w->base, "I17 it took longer than the time that there is");
    else
        cu_env_sim_advance(w->base.env, end - now_us(w));
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
static void from_empty(sim_cluster *w, const cu_stages *stages)
{
    stop_all(w);
    if (w->base.failed)
        return;
    lose_disk(&w->nodes[0]);
    start(w, 0, 1);
    settle(w, stages);
    TRACE("%lld s have passed\n", (long long)now_us(w) / 1000000);
    if (!w->base.failed)
        last_steps(w, &w->nodes[0]);
    look_at(w, &w->nodes[0]);
    w->base.runtime = w->nodes[0].runtime;
}

static void heal(sim_cluster *w, const cu_stages *stages)
{
    w->calm = true;
    w->broker->down_until_us = 0;
    for (uint32_t i = 0; i < w->storm->nodes; i++)
        if (w->nodes[i].twin)
            kill_node(&w->nodes[i]);
    for (uint32_t i = 0; i < w->storm->nodes && !w->base.failed; i++)
        if (w->nodes[i].fiber == NULL && (i == 0 || sim_chance(&w->rng, 50)))
            start(w, i, 1);
    settle(w, stages);
}

static void safety(sim_cluster *w)
{
    w->calm = false;
    for (uint32_t i = 0; i < w->storm->nodes; i++)
        start(w, i, 1 + sim_below(&w->rng, SIM_NODE_WORKERS));
    for (uint32_t i = 0; i < w->storm->steps && !w->base.failed; i++) {
        if (now_us(w) > CHAOS_US)
            break;
        something(w);
        if (i % LOOK_EVERY == 0)
            look_at(w, &w->nodes[sim_below(&w->rng, w->storm->nodes)]);
    }
}

/* --- a run
 * -----------------------------------------------------------------------
 */

static void on_commit(void *ctx, sim_txn *t)
{
    sim_invariants_commit(((sim_cluster *)ctx)->inv, t);
}

static void on_init(void *ctx, sim_id *id)
{
    sim_invariants_init(((sim_cluster *)ctx)->inv, id);
}

static uint64_t hash_of(sim_cluster *w, void (*put)(sim_invariants *, cu_buf *))
{
    cu_buf b = {0};
    uint64_t h = 1469598103934665603u;
    put(w->inv, &b);
    for (size_t i = 0; i < b.len; i++)
        h = (h ^ (unsigned char)b.data[i]) * 1099511628211u;
    cu_buf_free(&b);
    return h;
}

static void compare(sim_cluster *w, sim_outcome *same)
{
    sim_outcome now = {true, hash_of(w, sim_invariants_views),
                       hash_of(w, sim_invariants_state)};
    if (!same->known)
        *same = now;
    if (same->views != now.views)
        sim_fail(&w->base, "I12 the views are others than in the calm run");
    else if (same->state != now.state)
        sim_fail(&w->base, "I13 the state is another than in the calm run");
}

static void count(sim_cluster *w)
{
    const sim_broker *b = w->broker;
    sim_total.runs++;
    sim_total.commits += b->n_commits;
    sim_total.aborts += b->n_aborts;
    sim_total.fenced += b->n_fenced;
    sim_total.timeouts += b->n_timeouts;
    sim_total.rebalances += b->n_rebalances;
    sim_total.late += b->n_late;
    sim_total.checks += sim_invariants_checks(w->inv);
}

static void close_all(sim_cluster *w)
{
    if (w->writer)
        w->writer->vt->writer_close(w->writer);
    w->calm = true;
    for (uint32_t i = 0; i < SIM_NODES; i++) {
        kill_node(&w->nodes[i]);
        if (w->nodes[i].kv)
            w->nodes[i].kv->vt->close(w->nodes[i].kv);
    }
}

static int make_topics(sim_cluster *w, cu_stages *stages, cu_arena *a,
                       cu_err *err)
{
    const cu_program *p = w->base.program;
    int32_t n[SIM_TABLES + 4];
    int rc = 0;
    CU_ASSERT(p->n_tables <= SIM_TABLES + 4);
    for (uint32_t i = 0; rc == 0 && i < p->n_tables; i++) {
        n[i] = p->tables[i]->partitions ? p->tables[i]->partitions : 1;
        cu_topic_spec s = {.name = p->tables[i]->topic, .partitions = n[i]};
        if (s.name)
            rc = w->feeder.base.vt->topic_ensure(&w->feeder.base, &s, err);
    }
    return rc ? rc : cu_stages_cut(p, n, a, stages, err);
}

static void run_phases(sim_cluster *w, const cu_stages *stages, bool ledger,
                       sim_outcome *same)
{
    for (; w->base.phase < w->base.c->n_phases && !w->base.failed;
         w->base.phase++) {
        safety(w);
        heal(w, stages);
    }
    w->base.phase = w->base.c->n_phases - 1;
    if (!w->base.failed)
        from_empty(w, stages);
    if (!w->base.failed)
        sim_invariants_end(w->inv);
    if (!w->base.failed && !ledger)
        sim_check(&w->base);
    if (!w->base.failed && same)
        compare(w, same);
}

bool sim_cluster_run(sim_case *c, bool ledger, const sim_storm *storm,
                     const sim_plan *plan, uint64_t seed, sim_outcome *same,
                     sim_visits *visits, cu_buf *why)
{
    static const int64_t intervals[] = {10, 30, 100, 400};
    cu_err err = {0};
    cu_stages stages;
    sim_how how = {.name = storm->name};
    sim_cluster *w = cu_calloc(1, sizeof(*w));
    w->rng.state = seed;
    how.commit_ms = intervals[sim_below(&w->rng, 4)];
    w->base = (sim_world){.c = c, .how = &how, .why = why};
    w->base.env = cu_env_sim(seed);
    w->storm = storm;
    w->plan = plan;
    w->broker = sim_broker_new(w->base.env);
    w->broker->session_us = storm->session_us ? storm->session_us : SESSION_US;
    w->broker->transaction_us = storm->transaction_us ? storm->transaction_us
                                : sim_chance(&w->rng, 50) ? SESSION_US
                                                          : 3 * SESSION_US;
    w->broker->unfenced = sim_client_broken == SIM_UNFENCED;
    sim_client_init(&w->feeder, w->broker, w->base.env, &w->rng);
    w->base.log = &w->feeder.base;
    if (sim_program_of(&w->base, &w->base.program) &&
        sim_program_of(&w->base, &w->base.truth)) {
        if (make_topics(w, &stages, c->arena, &err)) {
            sim_fail(&w->base, "no stages: %s", err.msg);
        } else {
            w->inv = sim_invariants_new(&w->base, w->broker, &stages, ledger);
            w->broker->on_commit = on_commit;
            w->broker->on_init = on_init;
            w->broker->alive = is_alive;
            w->broker->ctx = w;
            run_phases(w, &stages, ledger, same);
            close_all(w);
            count(w);
            sim_invariants_free(w->inv);
        }
    }
    if (visits)
        *visits = w->visits;
    bool good = !w->base.failed;
    sim_broker_free(w->broker);
    if (w->base.program)
        cu_program_free(w->base.program);
    if (w->base.truth)
        cu_program_free(w->base.truth);
    w->base.env->vt->close(w->base.env);
    cu_free(w);
    return good;
}
