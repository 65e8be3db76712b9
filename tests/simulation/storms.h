/* Runs of the cluster: storms by chance, a sweep over every named point, and
 * what was broken on purpose.  Each prints what it did. */
#ifndef CU_SIM_STORMS_H
#define CU_SIM_STORMS_H

#include <stdbool.h>
#include <stdint.h>

/* The simulated log keeps the contract of every log. */
int sim_conformance(void);
int sim_storms(uint64_t seed, uint32_t runs);
/* Every point at its first `hits` visits, killed, frozen, lost. */
int sim_sweep(uint64_t seed, uint32_t hits);
int sim_storm_sabotages(uint64_t seed, uint32_t most);
/* One storm, or one case of the sweep, with a trace. */
int sim_storm_trace(uint64_t seed, const char *point, uint32_t hit,
                    uint32_t how);

#endif
