/* The rows of a report, wherever they are kept.
 *
 * Thread: the worker's.
 */
#ifndef CU_RUNTIME_REPORT_ROWS_H
#define CU_RUNTIME_REPORT_ROWS_H

#include "processors/runtime/int.h"

typedef int cu_report_push(void *ctx, const cu_batch *b, cu_err *err);

/* In the report's order, before LIMIT and OFFSET; batches are lent per call. */
int cu_report_rows(const cu_copy_def *c, cu_instance *i, cu_report_push *push,
                   void *ctx, cu_err *err);

#endif
