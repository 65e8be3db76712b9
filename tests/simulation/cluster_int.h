/* What the files of the cluster share. */
#ifndef CU_SIM_CLUSTER_INT_H
#define CU_SIM_CLUSTER_INT_H

#include "tests/simulation/cluster.h"

#include <stdio.h>

#define TRACE(...) (sim_trace ? (void)printf(__VA_ARGS__) : (void)0)

/* --- cluster_node.c: one process ------------------------------------------ */

/* Nothing when it runs already; in a storm perhaps under another's name. */
void sim_node_start(sim_cluster *w, uint32_t at, uint32_t workers);
/* To its next point, or its end. */
void sim_node_resume(sim_node *n);
/* It runs, and neither sleeps nor is stopped from outside. */
bool sim_node_is_due(const sim_node *n);
/* kill -9, wherever it is. */
void sim_node_kill(sim_node *n);
void sim_node_lose_disk(sim_node *n); /* and dies */
/* Its store is judged. */
void sim_node_look(sim_node *n);
/* For the broker: does the process of this client answer at all? */
bool sim_node_alive(void *client);

/* --- cluster.c: time, and one thing that happens -------------------------- */

int64_t sim_cluster_us(const sim_cluster *w);
/* Up to `most` records of the phase, committed. */
void sim_cluster_feed(sim_cluster *w, uint32_t most);
/* Somebody goes on; with nobody to, time does. */
void sim_cluster_go_on(sim_cluster *w);

/* --- cluster_rest.c: without faults --------------------------------------- */

/* Until everything of the phase is done. */
void sim_cluster_heal(sim_cluster *w, const cu_stages *stages);
/* One process that never was there before has everything, to the end of all
 * cases. */
void sim_cluster_from_empty(sim_cluster *w, const cu_stages *stages);

#endif
