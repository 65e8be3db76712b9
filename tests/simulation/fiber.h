/* Threads of which one runs at a time: a simulated process may stop in the
 * middle of a call and go on later, and the order is the scheduler's alone. */
#ifndef CU_SIM_FIBER_H
#define CU_SIM_FIBER_H

#include <stdbool.h>

typedef struct sim_fiber sim_fiber;

/* Nothing runs before the first resume. */
sim_fiber *sim_fiber_new(void (*run)(void *ctx), void *ctx);
/* The fiber runs until it yields or ends; false: it has ended. */
bool sim_fiber_resume(sim_fiber *f);
/* Back to whoever resumed; outside of a fiber nothing happens, and false. */
bool sim_fiber_yield(void);
void sim_fiber_free(sim_fiber *f); /* must have ended */

#endif
