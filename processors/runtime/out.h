/* What a stage ends in: the topic of its view, or an exchange. */
#ifndef CU_RUNTIME_OUT_H
#define CU_RUNTIME_OUT_H

#include "processors/runtime/int.h"

/* silver.c */
int cu_silver_open(cu_instance *i, cu_err *err);
/* After the operators committed: what is due of what was held back. */
int cu_silver_flush(cu_instance *i, cu_err *err);
/* When the clock alone makes that necessary. */
int64_t cu_silver_due(cu_instance *i);
/* Two rows claim one key of the view: once all is read, the flush says so. */
bool cu_silver_disputed(cu_instance *i);
/* What the topic shows becomes what the view is (rebuild.h). */
int cu_silver_correct(cu_instance *i, cu_err *err);
void cu_silver_close(cu_instance *i);
/* exchange.c */
int cu_exchange_open(cu_instance *i, cu_err *err);
int cu_exchange_flush(cu_instance *i, cu_err *err);
/* Its targets know all that it knows. */
void cu_exchange_told(cu_instance *i);
void cu_exchange_close(cu_instance *i);

#endif
