/* What must hold at the end of a simulated run. */
#ifndef CU_SIM_CHECK_H
#define CU_SIM_CHECK_H

#include "processors/engine/engine.h"
#include "tests/simulation/world.h"

typedef struct sim_world {
    sim_case *c;
    const sim_how *how;
    sim_rng rng;
    cu_buf *why;
    bool failed, healing;
    cu_env *env;
    cu_kv *log_kv, *state_kv;
    cu_log *log;
    cu_program *program; /* what runs */
    cu_program *truth;   /* what should; the same but for sabotage */
    cu_engine *engine;
    cu_runtime *runtime; /* whose views are looked at */
    cu_worker *workers[4];
    uint32_t n_workers, next_worker;
    cu_writer *feeder;
    uint32_t fed, phase;
} sim_world;

void sim_fail(sim_world *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* An input as the log takes it, with room for a header (world.c). */
cu_record sim_record_of(const sim_record *r, cu_header *header);
bool sim_program_of(sim_world *w, cu_program **out);
/* Views = naive; fold(topic) = view; one dead letter per bad record. */
void sim_check(sim_world *w);

#endif
