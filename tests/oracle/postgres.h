/* PostgreSQL, asked in batches over one connection. */
#ifndef CU_ORACLE_POSTGRES_H
#define CU_ORACLE_POSTGRES_H

#include "tests/oracle/answer.h"

typedef struct cu_postgres cu_postgres;

/* NULL, said on stdout, when the server is not there. */
cu_postgres *cu_postgres_open(const char *dsn);
void cu_postgres_close(cu_postgres *p);
/* Each query is a transaction of its own; all go out before the first answer
 * is read, so that a batch costs about one round trip. */
void cu_postgres_ask(cu_postgres *p, const char *const *queries, uint32_t n,
                     cu_arena *arena, cu_answer *out);
/* Statements without answers; false when one fails, said on stdout unless
 * `quiet`. */
bool cu_postgres_run(cu_postgres *p, const char *sql, bool quiet);

/* Many statements at once, as one transaction; meanwhile the caller does
 * something else.  Then the answers of those that have rows, up to `n`; false
 * when a statement failed, said unless `quiet`. */
void cu_postgres_send(cu_postgres *p, const char *sql);
bool cu_postgres_collect(cu_postgres *p, cu_arena *arena, cu_answer *out,
                         uint32_t n, bool quiet);

#endif
