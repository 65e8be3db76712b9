/* Shared by the files of the judge. */
#ifndef CU_SIM_INVARIANTS_INT_H
#define CU_SIM_INVARIANTS_INT_H

#include "base/assert.h"
#include "base/map.h"
#include "state/state.h"
#include "tests/simulation/invariants.h"

enum {
    SIM_MOST_INPUTS = 64,
    SIM_STORES = 4,
    SIM_LEDGER_KEYS = 16,
    SIM_LEDGER_PARTS = 8,
    SIM_LEDGER_GROUPS = 8
};

typedef struct sim_seen_input {
    cu_part part;
    int64_t next;
} sim_seen_input;

/* What was committed of a stage in a partition. */
typedef struct sim_stage_part {
    uint64_t sequence;
    const sim_txn *in_txn;    /* the last one with its progress */
    int64_t left[SIM_STORES]; /* where the store of a process ended */
    sim_seen_input inputs[SIM_MOST_INPUTS];
    uint32_t n_inputs;
} sim_stage_part;

typedef struct sim_ledger_books {
    int64_t t_next[SIM_LEDGER_PARTS], u_next[SIM_LEDGER_PARTS];
    int64_t want[SIM_LEDGER_PARTS][SIM_LEDGER_KEYS];
    int64_t have[SIM_LEDGER_PARTS][SIM_LEDGER_KEYS];
} sim_ledger_books;

struct sim_invariants {
    sim_world *w;
    sim_broker *broker;
    const cu_stages *stages;
    cu_arena *a;
    cu_map *letters, *epochs;
    bool ledger;
    sim_stage_part **at; /* [stage][partition] */
    sim_ledger_books books;
    uint64_t n_checks;
};

bool sim_holds(sim_invariants *v, bool good, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool sim_is_progress(const sim_entry *e);
const cu_stage *sim_changelog_of(const sim_invariants *v, const char *topic);
/* invariants_ledger.c */
void sim_ledger_commit(sim_invariants *v, sim_txn *t);
void sim_ledger_end(sim_invariants *v);

#endif
