/* Runs of the cluster: storms by chance, a sweep over every named point, and
 * what was broken on purpose.  Each prints what it did. */
#ifndef CU_SIM_STORMS_H
#define CU_SIM_STORMS_H

#include <stdbool.h>
#include <stdint.h>

/* What make test runs: the simulated log keeps the contract of every log;
 * `runs` storms; each point at its first `hits` visits, killed, frozen, lost.
 */
int sim_cluster_suite(uint64_t seed, uint32_t runs, uint32_t hits);
/* The same over and over, with other seeds, until the time is over. */
int sim_cluster_long(uint64_t seed, uint32_t minutes);
/* Each breakage is noticed by the invariant that is there for it; nothing is
 * when nothing is broken. Adds to the counts. */
void sim_cluster_sabotages(uint64_t seed, uint32_t most, uint32_t *passed,
                           uint32_t *failed);
/* One storm, or one case of the sweep, with a trace. */
int sim_cluster_trace(uint64_t seed, const char *point, uint32_t hit,
                      uint32_t how);

#endif
