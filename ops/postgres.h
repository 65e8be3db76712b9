/* Private to ops: one session that loads one view into one PostgreSQL table.
 *
 *   open -> prepare -> set_position* -> apply* -> close
 *
 * P1 the rows of a batch and the positions behind them are committed by one
 *    transaction of PostgreSQL.
 * P2 a position moves only from what this session believes it to be: whoever
 *    comes second changes nothing (CU_FENCED).
 * P3 whatever went wrong, after an error the session is closed and the truth
 *    is read again.
 *
 * Thread: one owner.  Errors: RETRY is set when the same may succeed later;
 * CU_STOPPED when *stop was seen.
 */
#ifndef CU_OPS_POSTGRES_H
#define CU_OPS_POSTGRES_H

#include "ops/postgres_sql.h"

#include "base/env.h"

#include <stdatomic.h>

typedef struct cu_pg cu_pg;

typedef struct cu_pg_opts {
    const cu_pg_plan *plan;
    const char *app, *instance, *topic;
    int32_t partitions;
    cu_env *env;
    const _Atomic int *stop; /* set: calls end soon */
} cu_pg_opts;

int cu_pg_open(const cu_pg_opts *opts, cu_pg **out, cu_err *err);
void cu_pg_close(cu_pg *pg); /* an open transaction is rolled back */

/* Makes what is missing and checks that the table can take the view's rows.
 * next[partition]: the stored position, or -1.  A table that had to be made
 * has none: it is loaded from the beginning. */
int cu_pg_prepare(cu_pg *pg, int64_t *next, cu_err *err);
/* From `from` (-1: there is none yet) to `to`; CU_FENCED as in P2. */
int cu_pg_set_position(cu_pg *pg, int32_t part, int64_t from, int64_t to,
                       cu_err *err);

/* A row as cu_pg_row() wrote it; upsert: ends with "\tf", or "\tt" when the
 * row is gone.  No two rows of one batch have the same key. */
typedef struct cu_pg_batch {
    const cu_slice *rows;
    uint32_t n;
    const struct cu_pg_move {
        int32_t part;
        int64_t from, to;
    } * moves; /* by partition, each once */
    uint32_t n_moves;
} cu_pg_batch;

/* Why PostgreSQL does not take a row. */
typedef struct cu_pg_refusal {
    char sqlstate[6];
    char column[64]; /* "" when it does not say */
    char message[400];
} cu_pg_refusal;

typedef struct cu_pg_applied {
    int64_t written, deleted, rejected;
} cu_pg_applied;

typedef struct cu_pg_heard {
    /* Told of each row that is left out, then once, before the commit. */
    int (*rejected)(void *ctx, uint32_t row, const cu_pg_refusal *why,
                    cu_err *err);
    int (*committing)(void *ctx, cu_err *err);
    void *ctx;
} cu_pg_heard;

int cu_pg_apply(cu_pg *pg, const cu_pg_batch *batch, const cu_pg_heard *heard,
                cu_pg_applied *done, cu_err *err);

#endif
