/* Private to ops: versions of the libraries. */
#ifndef CU_OPS_VERSION_H
#define CU_OPS_VERSION_H

#include "ops/cli.h"

typedef struct cu_library {
    const char *name, *version;
} cu_library;

enum { CU_MOST_LIBRARIES = 16 };

/* Those that are loaded, in a fixed order. */
uint32_t cu_libraries(cu_library *out, uint32_t most, cu_arena *a);

#endif
