/* What the makers of one door share; private to base. */
#ifndef CU_BASE_INT_H
#define CU_BASE_INT_H

#include "base/kv.h"

/* The error for a batch that holds `n` whole operations instead of n_ops. */
int cu_kv_batch_damaged(const cu_kv_batch *b, size_t n, cu_err *err);

#endif
