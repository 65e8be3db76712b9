/* Several processes of one app on a simulated broker.
 *
 * Each process is the real runtime with a store and a log of its own, and runs
 * as a fiber: it may freeze or die at every point where it talks to the broker
 * or names a crash point.  First everything may happen (safety), then nothing
 * bad any more, and all must come to the right end (liveness).
 */
#ifndef CU_SIM_CLUSTER_H
#define CU_SIM_CLUSTER_H

#include "processors/runtime/runtime.h"
#include "tests/simulation/check.h"
#include "tests/simulation/client.h"
#include "tests/simulation/fiber.h"
#include "tests/simulation/invariants.h"

enum { SIM_NODES = 4, SIM_NODE_WORKERS = 2, SIM_MOST_POINTS = 48 };

/* What happens on purpose: at the `hit`th visit of a point. */
typedef struct sim_plan {
    const char *point; /* NULL: chance alone */
    uint32_t hit;
    sim_fate fate;
    int64_t freeze_us; /* with SIM_GO: frozen for so long */
    bool every;        /* and at each later visit of that number's multiples */
} sim_plan;

typedef struct sim_storm {
    const char *name;
    uint32_t kill, freeze, lose; /* of 10,000 visited points */
    /* Of 10,000 events: restart of the broker, a process without its disk, a
     * clean stop, a process asleep (one time in four: all of them), a second
     * one of the same name. */
    uint32_t broker, wipe, stop, sleep, twin;
    uint32_t steps;
    uint32_t nodes;
    bool statics;
    int64_t session_us, transaction_us; /* 0: 3 s; 3 or 9 s */
} sim_storm;

typedef struct sim_counts {
    uint64_t runs, commits, aborts, fenced, timeouts, rebalances, late, kills,
        freezes, zombies, losses, restarts, twins, checks, records;
} sim_counts;
extern sim_counts sim_total;

/* How often each point was visited in the run so far; by name. */
typedef struct sim_visits {
    const char *names[SIM_MOST_POINTS];
    uint32_t hits[SIM_MOST_POINTS];
    uint32_t n;
} sim_visits;

typedef struct sim_cluster sim_cluster;

typedef struct sim_node {
    cu_env env; /* the world's, with our own points */
    sim_cluster *w;
    uint32_t n;
    char name[16];
    sim_fiber *fiber; /* NULL: it does not run */
    sim_client client;
    cu_kv *kv;
    cu_store *store;
    cu_runtime *runtime;
    cu_worker *workers[SIM_NODE_WORKERS];
    uint32_t n_workers;
    bool opened, stop, frozen, twin;
    int64_t wake_us, from_us; /* asleep until; frozen since */
    int64_t hold_us;          /* stopped from outside until */
    uint64_t looked_at;       /* the rebalance after which its store was */
    cu_err err;
    int rc;
} sim_node;

struct sim_cluster {
    sim_world base; /* case, env, program, failures */
    const sim_storm *storm;
    const sim_plan *plan;
    sim_rng rng;
    sim_broker *broker;
    sim_client feeder; /* and whoever reads the end */
    cu_writer *writer;
    sim_node nodes[SIM_NODES];
    sim_invariants *inv;
    sim_visits visits;
    bool hit; /* the plan's point was met */
    bool calm;
};

/* What two runs of one case must have in common; filled by the first. */
typedef struct sim_outcome {
    bool known;
    uint64_t views, state;
} sim_outcome;

/* `ledger`: the case is the ledger, which can be judged at each commit. The
 * failed invariant's name is the first word of `why`. */
bool sim_cluster_run(sim_case *c, bool ledger, const sim_storm *storm,
                     const sim_plan *plan, uint64_t seed, sim_outcome *same,
                     sim_visits *visits, cu_buf *why);

/* ledger.c */
sim_case *sim_ledger_new(uint64_t seed);

#endif
