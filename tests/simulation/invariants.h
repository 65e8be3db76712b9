/* What must hold at each commit, judged from the broker's bytes alone.
 *
 * I1  a view is its query over the input up to the progress
 * I2  sequences of a stage's commits are 1, 2, 3 ...; no letter stands twice
 * I3  outputs, state, progress and positions come in one transaction
 * I4  progress never goes back, and the group stands where it says
 * I5  a store is its changelog, however it was restored
 * I6  no store is ahead of the committed log
 * I7  nothing of a fenced epoch is committed; one writer per changelog
 * I8  every record is a row, a letter, or filtered
 * I9  a letter has the bytes of its record
 * I10 no transaction hangs
 * I11 the changes of a key come in the order of its records
 * I12 however the input was cut, the views come out the same
 * I13 the same input leaves the same state
 * I17 once the faults stop, everything goes through
 * I18 a restore begins where the store ends, and a kill empties no store
 */
#ifndef CU_SIM_INVARIANTS_H
#define CU_SIM_INVARIANTS_H

#include "processors/plan/stage.h"
#include "tests/simulation/broker.h"
#include "tests/simulation/check.h"

typedef struct sim_invariants sim_invariants;

sim_invariants *sim_invariants_new(sim_world *w, sim_broker *b,
                                   const cu_stages *stages, bool ledger);
void sim_invariants_free(sim_invariants *v);
/* Hooks of the broker. */
void sim_invariants_commit(sim_invariants *v, sim_txn *t);
void sim_invariants_init(sim_invariants *v, sim_id *id);
/* The store of a process, which may run no further than the log. */
void sim_invariants_store(sim_invariants *v, const char *who, cu_kv *kv);
/* What a kill has left of the store of process `n`; NULL: nothing. */
void sim_invariants_left(sim_invariants *v, uint32_t n, cu_kv *kv);
/* A changelog is read from `from`: the store of process `n` ends there. */
void sim_invariants_restore(sim_invariants *v, uint32_t n, cu_kv *kv,
                            cu_part part, int64_t from);
/* Nobody runs any more, everything has gone through. */
void sim_invariants_end(sim_invariants *v);
/* All rows of all changelogs, without progress: what the state is. */
void sim_invariants_state(sim_invariants *v, cu_buf *out);
/* All topics of views, folded, as text. */
void sim_invariants_views(sim_invariants *v, cu_buf *out);
uint64_t sim_invariants_checks(const sim_invariants *v);

#endif
