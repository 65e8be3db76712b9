/* Divergences from PostgreSQL that are meant, each with its reason. */
#ifndef CU_ORACLE_ALLOW_H
#define CU_ORACLE_ALLOW_H

#include "tests/oracle/answer.h"

/* The reason why these two answers to `sql` may differ; NULL: they may not.
 * `random`: nobody wrote this case, so nonsense is nonsense. */
const char *cu_allowed(const char *sql, bool random, const cu_answer *ours,
                       const cu_answer *theirs);

#endif
