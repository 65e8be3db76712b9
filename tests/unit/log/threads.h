/* Many threads on one log: writers, a group that grows and shrinks,
 * housekeeping, and an exact count at the end. */
#ifndef CU_TESTS_LOG_THREADS_H
#define CU_TESTS_LOG_THREADS_H

#include "log/log.h"

/* `n_txns` transactions per producer; the log must wait for real. */
void cu_test_threads(cu_log *log, int n_txns);

#endif
