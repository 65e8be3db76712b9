/* One batch: positions and rows in one transaction.
 *
 *   BEGIN
 *   positions move (P2)       waits for whoever moves them at the same time
 *   all rows at once          and, as a rule, that is all
 *   COMMIT
 *
 * When PostgreSQL refuses a row, the transaction is begun again, and the rows
 * go in halves between savepoints, until those at fault stand alone:
 *
 *   [0 ............. n)  refused
 *   [0 ..... n/2)  good   [n/2 .... n)  refused
 *                         [n/2 . )  good  [ .. n)  …
 *
 * Deferred constraints are checked at once, so that COMMIT refuses nothing.
 */
#include "ops/postgres_int.h"

typedef struct loading {
    cu_pg *pg;
    const cu_pg_batch *batch;
    const cu_pg_heard *heard;
    cu_pg_applied done;
} loading;

static int run0(cu_pg *pg, const char *sql, cu_err *err)
{
    return cu_pg_run(pg, sql, NULL, 0, NULL, err);
}

static int counted(cu_pg *pg, const char *sql, int64_t *n, cu_err *err)
{
    cu_pg_rows *r;
    int rc = cu_pg_run(pg, sql, NULL, 0, &r, err);
    if (rc)
        return rc;
    *n = cu_pg_affected(r);
    cu_pg_rows_free(r);
    return 0;
}

static int begin(loading *l, cu_err *err)
{
    const cu_pg_batch *b = l->batch;
    int rc = run0(l->pg, "BEGIN", err);
    if (rc == 0)
        rc = run0(l->pg, "SET CONSTRAINTS ALL IMMEDIATE", err);
    for (uint32_t i = 0; rc == 0 && i < b->n_moves; i++)
        rc = cu_pg_set_position(l->pg, b->moves[i].part, b->moves[i].from,
                                b->moves[i].to, err);
    return rc;
}

/* Rows [first, end); counted only when all of them are in. */
static int load(loading *l, uint32_t first, uint32_t end, cu_err *err)
{
    const cu_pg_plan *p = l->pg->o.plan;
    int64_t written = end - first, deleted = 0;
    int rc = cu_pg_copy(l->pg, p->copy, l->batch->rows, first, end, err);
    if (rc == 0 && p->upsert)
        rc = counted(l->pg, p->remove, &deleted, err);
    if (rc == 0 && p->upsert)
        rc = counted(l->pg, p->insert, &written, err);
    if (rc)
        return rc;
    l->done.written += written;
    l->done.deleted += deleted;
    return 0;
}

/* `stage` still has the rows of the part before. */
static int empty_stage(loading *l, cu_err *err)
{
    return l->pg->o.plan->upsert
               ? run0(l->pg, "TRUNCATE pg_temp.cupel_stage", err)
               : 0;
}

static int bisect(loading *l, uint32_t first, uint32_t end, cu_err *err)
{
    int rc = run0(l->pg, "SAVEPOINT cupel", err);
    if (rc == 0)
        rc = empty_stage(l, err);
    if (rc == 0)
        rc = load(l, first, end, err);
    if (rc == 0)
        return run0(l->pg, "RELEASE SAVEPOINT cupel", err);
    if (rc != CU_DATA)
        return rc;
    cu_pg_refusal why = l->pg->refusal;
    cu_err_clear(err);
    rc = run0(l->pg, "ROLLBACK TO SAVEPOINT cupel", err);
    if (rc == 0)
        rc = run0(l->pg, "RELEASE SAVEPOINT cupel", err);
    if (rc)
        return rc;
    if (end - first == 1) {
        l->done.rejected++;
        return l->heard->rejected(l->heard->ctx, first, &why, err);
    }
    uint32_t middle = first + (end - first) / 2;
    rc = bisect(l, first, middle, err);
    return rc ? rc : bisect(l, middle, end, err);
}

static int in_halves(loading *l, cu_err *err)
{
    cu_err_clear(err);
    int rc = run0(l->pg, "ROLLBACK", err);
    if (rc == 0)
        rc = begin(l, err);
    if (rc == 0)
        rc = bisect(l, 0, l->batch->n, err);
    return rc;
}

int cu_pg_apply(cu_pg *pg, const cu_pg_batch *batch, const cu_pg_heard *heard,
                cu_pg_applied *done, cu_err *err)
{
    loading l = {.pg = pg, .batch = batch, .heard = heard};
    int rc = begin(&l, err);
    if (rc == 0 && batch->n)
        rc = load(&l, 0, batch->n, err);
    if (rc == CU_DATA)
        rc = in_halves(&l, err);
    if (rc == 0)
        rc = heard->committing(heard->ctx, err);
    if (rc == 0 && cu_fault(pg->o.env, "sink_before_commit"))
        return cu_fail(err, CU_STOPPED, 0, "stopped at a fault point");
    if (rc == 0)
        rc = run0(pg, "COMMIT", err);
    if (rc == 0)
        *done = l.done;
    return rc;
}
