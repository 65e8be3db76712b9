/* Private to ops: where a group stands against where its topics end. */
#ifndef CU_OPS_LAG_H
#define CU_OPS_LAG_H

#include "ops/cli.h"

typedef struct cu_lag_row {
    cu_part part;
    int64_t oldest, end;
    int64_t at; /* CU_NO_OFFSET: none yet */
    int64_t lag;
} cu_lag_row;

typedef struct cu_lag {
    cu_lag_row *at; /* by topic and partition */
    uint32_t n;
    int64_t total;
} cu_lag;

/* The topics that the stages read (tables' and exchanges'), by name. */
const char **cu_lag_inputs(const cu_stages *s, cu_arena *a, uint32_t *n);
/* Every partition of the topics; those that do not exist are left out. */
int cu_lag_read(cu_log *log, const char *group, const char *const *topics,
                uint32_t n_topics, cu_arena *a, cu_lag *out, cu_err *err);
/* Every partition in which the group has a position. */
int cu_lag_group(cu_log *log, const char *group, cu_arena *a, cu_lag *out,
                 cu_err *err);

#endif
