/* What happens to the processes of an app, and a run of it: phase by phase
 * chaos (safety), then calm (liveness, cluster_rest.c); the verdict at the end.
 */
#include "tests/simulation/cluster_int.h"

#include "base/alloc.h"
#include "base/assert.h"

enum {
    SESSION_US = 3000000,
    CHAOS_US = 220000000, /* of 400 s until the clock of all cases ends */
    LOOK_EVERY = 25,
};

sim_counts sim_total;

int64_t sim_cluster_us(const sim_cluster *w)
{
    return cu_mono_us(w->base.env);
}

/* --- one thing that happens ----------------------------------------------- */

void sim_cluster_feed(sim_cluster *w, uint32_t most)
{
    cu_err err = {0};
    cu_log *log = &w->feeder.base;
    int rc = 0;
    uint32_t left = w->base.c->phase_end[w->base.phase] - w->base.fed;
    uint32_t n = most < left ? most : left;
    if (n == 0 || sim_cluster_us(w) < w->broker->down_until_us)
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

/* Somebody goes on; with nobody to, time does. */
void sim_cluster_go_on(sim_cluster *w)
{
    uint32_t first = sim_below(&w->rng, w->storm->nodes);
    for (uint32_t i = 0; i < w->storm->nodes; i++) {
        sim_node *n = &w->nodes[(first + i) % w->storm->nodes];
        if (sim_node_is_due(n)) {
            sim_node_resume(n);
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
        n->hold_us = sim_cluster_us(w) + us;
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
        sim_node_lose_disk(n);
    } else if ((x -= s->wipe) < s->stop && n->fiber) {
        n->stop = true;
    } else if ((x -= s->stop) < s->sleep) {
        hold(w, n);
    } else if (x > 9950) {
        sim_broker_compact(w->broker);
    }
    if (n->fiber == NULL && sim_chance(&w->rng, 3))
        sim_node_start(w, (uint32_t)(n - w->nodes),
                       1 + sim_below(&w->rng, SIM_NODE_WORKERS));
}

static void something(sim_cluster *w)
{
    disturb(w);
    if (sim_chance(&w->rng, 12))
        sim_cluster_feed(w, 1 + sim_below(&w->rng, 12));
    if (sim_chance(&w->rng, 15))
        cu_env_sim_advance(w->base.env, 1000 * (1 + sim_below(&w->rng, 60)));
    sim_cluster_go_on(w);
}

static void safety(sim_cluster *w)
{
    w->calm = false;
    for (uint32_t i = 0; i < w->storm->nodes; i++)
        sim_node_start(w, i, 1 + sim_below(&w->rng, SIM_NODE_WORKERS));
    for (uint32_t i = 0; i < w->storm->steps && !w->base.failed; i++) {
        if (sim_cluster_us(w) > CHAOS_US)
            break;
        something(w);
        if (i % LOOK_EVERY == 0)
            sim_node_look(&w->nodes[sim_below(&w->rng, w->storm->nodes)]);
    }
}

/* --- a run ---------------------------------------------------------------- */

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
        sim_node_kill(&w->nodes[i]);
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
        sim_cluster_heal(w, stages);
    }
    w->base.phase = w->base.c->n_phases - 1;
    if (!w->base.failed)
        sim_cluster_from_empty(w, stages);
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
            w->broker->alive = sim_node_alive;
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
