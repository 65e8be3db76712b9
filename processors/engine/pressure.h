/* Whether the process has more memory than it was given. */
#ifndef CU_ENGINE_PRESSURE_H
#define CU_ENGINE_PRESSURE_H

#include "processors/engine/engine.h"

#include <stdatomic.h>

typedef struct cu_pressure {
    cu_env *env;
    int64_t limit;
    _Atomic int64_t looked_ms;
    _Atomic bool pressed;
} cu_pressure;

void cu_pressure_init(cu_pressure *p, cu_env *env, size_t memory_bytes);
/* As cu_runtime_opts.pressed wants it. */
bool cu_pressure_ask(void *pressure);

#endif
