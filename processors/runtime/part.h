/* A partition read once, from outside the group. */
#ifndef CU_RUNTIME_PART_H
#define CU_RUNTIME_PART_H

#include "log/log.h"

/* Takes the records of one poll; an error ends the reading. */
typedef int cu_part_take(void *ctx, const cu_poll *p, cu_err *err);
/* What is committed of a partition by now, in its order. */
int cu_part_read(cu_log *log, cu_part part, cu_part_take *take, void *ctx,
                 cu_err *err);

#endif
