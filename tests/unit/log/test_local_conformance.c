/* The embedded log against the contract of every log, in three worlds. */
#include "tests/unit/log/conformance.h"
#include "tests/unit/log/world.h"

#include <criterion/criterion.h>

#define IN_MEMORY(name)                             \
    Test(local_memory, name)                        \
    {                                               \
        cu_world w = cu_world_sim(true);            \
        cu_log_conformance_##name(w.log, "memory"); \
        cu_world_close(&w);                         \
    }
CU_LOG_CONFORMANCE(IN_MEMORY)

#define WITHOUT_STATE(name)                            \
    Test(local_without_state, name)                    \
    {                                                  \
        cu_world w = cu_world_sim(false);              \
        cu_log_conformance_##name(w.log, "stateless"); \
        cu_world_close(&w);                            \
    }
CU_LOG_CONFORMANCE(WITHOUT_STATE)

#define ON_ROCKS(name)                             \
    Test(local_rocks, name)                        \
    {                                              \
        cu_world w = cu_world_rocks(true);         \
        cu_log_conformance_##name(w.log, "rocks"); \
        cu_world_close(&w);                        \
    }
CU_LOG_CONFORMANCE(ON_ROCKS)
