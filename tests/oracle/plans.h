/* Random pipelines for the whole binary: many cases as one app. */
#ifndef CU_ORACLE_PLANS_H
#define CU_ORACLE_PLANS_H

#include "tests/oracle/postgres.h"

/* The cases of the seeds first .. first + n - 1 into a folder:
 *
 *   pipeline.sql     all of their tables and views; names begin with p0_, …
 *   expected.jsonl   a line per view that is kept: what PostgreSQL shows
 *
 * False, said on stdout, when PostgreSQL does not take one or nothing can be
 * written. */
bool cu_plans_write(cu_postgres *pg, uint64_t first, uint32_t n,
                    const char *folder);

/* Their changes, piece `piece` of `pieces`, into the topics: of a broker, or
 * (brokers NULL) of the embedded log in a state folder that nobody uses.
 * Topics are made when they are not there.  The first piece must have gone
 * through before the second comes; time ends after the last.  At least two
 * pieces. */
bool cu_plans_feed(uint64_t first, uint32_t n, uint32_t piece, uint32_t pieces,
                   const char *brokers, const char *state);

#endif
