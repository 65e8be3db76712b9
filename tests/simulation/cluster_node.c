/* One process of the cluster: the real runtime as a fiber that may freeze or
 * die at each of its points.
 *
 * A point is where it talks to the broker or names a crash point.  Its clock
 * is the world's; a killed one finds every point deadly, so that it unwinds
 * without another word, and its store is left as a power cut or a kill leaves
 * it.
 */
#include "tests/simulation/cluster_int.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { CACHE_BYTES = 1 << 20 };

/* --- its points and its clock --------------------------------------------- */

static void nap(sim_node *n, int64_t us)
{
    if (n->client.dead)
        return;
    n->wake_us = sim_cluster_us(n->w) + us;
    sim_fiber_yield();
}

static void freeze(sim_node *n, int64_t us)
{
    sim_total.freezes++;
    TRACE("%s freezes for %lld ms\n", n->name, (long long)us / 1000);
    n->frozen = true;
    n->from_us = sim_cluster_us(n->w);
    nap(n, us);
    n->frozen = false;
    bool zombie = !n->client.dead &&
                  sim_cluster_us(n->w) - n->from_us > n->w->broker->session_us;
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

void sim_node_look(sim_node *n)
{
    if (n->kv)
        sim_invariants_store(n->w->inv, n->name, n->kv);
}

/* Restored, and nothing is read yet. */
static void look_at_restored(sim_node *n)
{
    if (n->looked_at == n->w->broker->n_rebalances)
        return;
    n->looked_at = n->w->broker->n_rebalances;
    sim_node_look(n);
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

bool sim_node_alive(void *client)
{
    const sim_client *c = client;
    const sim_node *n = c->ctx;
    return n && n->fiber && !n->frozen && !c->dead &&
           n->hold_us <= sim_cluster_us(n->w);
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

/* --- from start to end ---------------------------------------------------- */

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

void sim_node_start(sim_cluster *w, uint32_t at, uint32_t workers)
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
    sim_node_look(n);
    if (n->client.dead) {
        sim_total.kills++;
        TRACE("%s is killed\n", n->name);
        cu_kv_memory_crash(n->kv, sim_chance(&w->rng, 50));
        sim_node_look(n);
        sim_invariants_left(w->inv, n->n, n->kv);
    } else if (n->rc && !may_end(n)) {
        sim_fail(&w->base, "I17 %s stops: %s (%s:%d)", n->name, n->err.msg,
                 n->err.file, n->err.line);
    }
}

void sim_node_resume(sim_node *n)
{
    if (!sim_fiber_resume(n->fiber))
        ended(n);
}

bool sim_node_is_due(const sim_node *n)
{
    int64_t now = sim_cluster_us(n->w);
    return n->fiber && n->wake_us <= now && n->hold_us <= now;
}

void sim_node_kill(sim_node *n)
{
    if (n->fiber == NULL)
        return;
    n->client.dead = true;
    while (n->fiber)
        sim_node_resume(n);
}

void sim_node_lose_disk(sim_node *n)
{
    sim_node_kill(n);
    if (n->kv)
        n->kv->vt->close(n->kv);
    n->kv = NULL;
    sim_invariants_left(n->w->inv, (uint32_t)(n - n->w->nodes), NULL);
    TRACE("%s loses its disk\n", n->name);
}
