/* Divergences from PostgreSQL that are meant, each with its reason. */
#ifndef CU_ORACLE_ALLOW_H
#define CU_ORACLE_ALLOW_H

#include "tests/oracle/answer.h"

/* The reason why these two answers to `sql` may differ; NULL: they may not. */
const char *cu_allowed(const char *sql, const cu_answer *ours,
                       const cu_answer *theirs);

#endif
