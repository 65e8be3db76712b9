/* One space on a database in memory, and its changelog. */
#ifndef CU_TESTS_STATE_WORLD_H
#define CU_TESTS_STATE_WORLD_H

#include "tests/unit/state/recorder.h"

typedef struct world {
    cu_kv *kv;
    cu_store *store;
    cu_space *space; /* stage 3, partition 1 */
    recorder *changelog;
    cu_progress progress; /* of the next commit */
    uint64_t chance;      /* the seed, to draw from */
} world;

void world_open(world *w, uint64_t seed);
void world_close(world *w);
/* What was not committed is gone. */
void world_reopen(world *w);
void world_commit(world *w);

#endif
