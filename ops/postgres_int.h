/* Private to ops/postgres*.c: statements over libpq.  The two structs are
 * libpq's own. */
#ifndef CU_OPS_POSTGRES_INT_H
#define CU_OPS_POSTGRES_INT_H

#include "ops/postgres.h"

struct cu_pg {
    cu_pg_opts o;
    struct pg_conn *conn;
    cu_pg_refusal refusal; /* of the last statement that failed */
    int64_t next_us;       /* since when a stop is waited for, 0: it is not */
};

typedef struct pg_result cu_pg_rows;

/* One statement; `params` as text, NULL is NULL.  `out` may be NULL.
 * CU_DATA: a row is at fault, pg->refusal says why. */
int cu_pg_run(cu_pg *pg, const char *sql, const char *const *params, int n,
              cu_pg_rows **out, cu_err *err);
int cu_pg_n(const cu_pg_rows *r);
const char *cu_pg_at(const cu_pg_rows *r, int row, int col); /* "" for NULL */
int64_t cu_pg_affected(const cu_pg_rows *r);
void cu_pg_rows_free(cu_pg_rows *r);
/* COPY … FROM STDIN of rows [first, end). */
int cu_pg_copy(cu_pg *pg, const char *sql, const cu_slice *rows, uint32_t first,
               uint32_t end, cu_err *err);

#endif
