/* A small world for tests of the embedded log: a kv, an environment, a log,
 * which can be killed and opened again. */
#ifndef CU_TESTS_LOG_WORLD_H
#define CU_TESTS_LOG_WORLD_H

#include "log/log.h"

typedef struct cu_world {
    char folder[256]; /* "" in memory */
    cu_kv *kv;
    cu_env *env;
    cu_log *log;
    bool carry_state;
    size_t memory_bytes; /* of the log, from the next opening on; 0: its own */
} cu_world;

/* Memory and the simulated environment. */
cu_world cu_world_sim(bool carry_state);
/* Memory and the real environment: polls wait. */
cu_world cu_world_memory(void);
/* RocksDB in a fresh folder and the real environment. */
cu_world cu_world_rocks(bool carry_state);
/* The log (and RocksDB) closed and opened again. */
void cu_world_reopen(cu_world *w);
/* As a killed process leaves it, or after a power cut; memory only. */
void cu_world_crash(cu_world *w, bool power);
void cu_world_close(cu_world *w);

#endif
