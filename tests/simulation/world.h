/* The world of one simulated run: the whole product in one thread.
 *
 * Real runtime, operators, state, log and engine over a virtual clock and
 * memory; a seeded generator picks what happens next: a feed, a worker's
 * step, time passing, a worker joining or leaving, a crash.
 */
#ifndef CU_SIM_WORLD_H
#define CU_SIM_WORLD_H

#include "processors/plan/program.h"
#include "tests/simulation/gen.h"

typedef struct sim_how {
    const char *name;   /* of the law it serves */
    bool carried;       /* the log carries the state (embedded); else
                           changelogs and a store that may lag, like Kafka */
    uint32_t most_feed; /* records per feed: 0 = all of a partition at once */
    uint32_t most_workers;
    unsigned faults;        /* per mille at each visited crash point */
    uint32_t crash_percent; /* of steps: a kill between two steps */
    uint32_t full_percent;  /* of steps: its first write finds a full disk */
    int64_t commit_ms;
    uint32_t reset_percent; /* of steps: the app is set back to its beginning */
} sim_how;

/* Runs the case and compares every view, its topic and the dead letters with
 * the naive evaluator.  True when all agree; else `why` says what differs. */
bool sim_run(sim_case *c, const sim_how *how, uint64_t seed, cu_buf *why);
/* Prints what happens, step by step. */
extern bool sim_trace;
/* Breaks the plan that runs, not the one that says what is right. */
extern void (*sim_sabotage)(const cu_program *p);
/* How often the process was killed in all runs so far. */
uint64_t sim_crashes(void);
/* How often an app was set back. */
uint64_t sim_resets(void);

#endif
