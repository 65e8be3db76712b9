/* Groups that change, writers that are fenced, brokers that are away. */
#include "tests/unit/engine/rig.h"

#include <criterion/criterion.h>

/* The log with a slow broker: the first reader of a changelog hears nothing
 * for a second, and another member joins meanwhile. */
static struct {
    const cu_log_vt *real;
    cu_log_vt slow;
    rig *world;
    int silent; /* polls still to go */
} broker;

static int poll_slowly(cu_reader *r, int64_t timeout_ms, cu_poll *p,
                       cu_err *err)
{
    if (broker.silent == 0)
        return broker.real->reader_poll(r, timeout_ms, p, err);
    if (broker.silent-- == 4)
        rig_add_worker(broker.world);
    rig_pass_ms(broker.world, 300);
    *p = (cu_poll){.kind = CU_POLL_IDLE};
    return 0;
}

static int open_slowly(cu_log *log, const cu_reader_opts *o, cu_reader **out,
                       cu_err *err)
{
    int rc = broker.real->reader_open(log, o, out, err);
    if (rc == 0 && o->group == NULL)
        (*out)->vt = &broker.slow;
    return rc;
}

static void slow_down(rig *r)
{
    broker.real = r->log->vt;
    broker.slow = *broker.real;
    broker.slow.reader_open = open_slowly;
    broker.slow.reader_poll = poll_slowly;
    broker.world = r;
    broker.silent = 4;
    r->log->vt = &broker.slow;
}

static const char sql[] =
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"
    "CREATE FOREIGN TABLE t (g int, v int) SERVER k OPTIONS (topic 't', "
    "format 'json', partitions '2');"
    "CREATE MATERIALIZED VIEW sums AS SELECT g, count(*) AS n, sum(v) AS s "
    "FROM t GROUP BY g;";

static void feed_both(rig *r)
{
    for (int32_t p = 0; p < 2; p++) {
        rig_feed(r, "t", p, "{\"g\": 1, \"v\": 10}");
        rig_feed(r, "t", p, "{\"g\": 2, \"v\": 5}");
    }
}

Test(rebalance, in_the_middle_of_a_restore_nothing_is_opened_twice)
{
    rig r;
    rig_open_beside(&r, sql, NULL);
    feed_both(&r);
    rig_run(&r);
    rig_wipe(&r);
    slow_down(&r);
    rig_run(&r);
    cr_assert_eq(r.n_workers, 2);
    cr_assert_eq(broker.silent, 0);
    feed_both(&r);
    rig_run(&r);
    cr_expect_str_eq(rig_view(&r, "sums"), "1 4 40\n2 4 20\n");
    cr_expect_eq(rig_table_counts(&r, "t")->in, 4);
    rig_close(&r);
}

/* What a member that takes over does when our transaction is in its way. */
static void end_transactions_of(rig *r, const char *txn_id)
{
    cu_err err = {0};
    cr_assert_eq(r->log->vt->fence(r->log, txn_id, &err), 0, "%s", err.msg);
}

Test(rebalance, a_fenced_writer_goes_on_with_what_the_group_left_it)
{
    rig r;
    rig_open_beside(&r, sql, NULL);
    feed_both(&r);
    rig_run(&r);
    end_transactions_of(&r, "app.local.0");
    feed_both(&r);
    rig_run(&r);
    cr_expect_str_eq(rig_view(&r, "sums"), "1 4 40\n2 4 20\n");
    rig_close(&r);
}

Test(rebalance, a_writer_may_be_fenced_again_and_again)
{
    rig r;
    rig_open_beside(&r, sql, NULL);
    feed_both(&r);
    rig_run(&r);
    for (int i = 0; i < 4; i++) {
        end_transactions_of(&r, "app.local.0");
        feed_both(&r);
        rig_run(&r);
    }
    cr_expect_str_eq(rig_view(&r, "sums"), "1 10 100\n2 10 50\n");
    rig_close(&r);
}

static int unreachable(cu_log *log, const char *txn_id, cu_writer **out,
                       cu_err *err)
{
    if (broker.silent == 0)
        return broker.real->writer_open(log, txn_id, out, err);
    broker.silent--;
    return cu_fail(err, CU_NETWORK, CU_RETRY, "no broker answers");
}

Test(rebalance, a_writer_that_cannot_be_opened_is_tried_again)
{
    rig r;
    rig_open_beside(&r, sql, NULL);
    feed_both(&r);
    rig_run(&r);
    rig_feed(&r, "t", 0, "{\"g\": 3, \"v\": 1}");
    slow_down(&r);
    broker.slow.writer_open = unreachable;
    end_transactions_of(&r, "app.local.0");
    rig_run(&r);
    cr_expect_eq(broker.silent, 0);
    cr_expect_str_eq(rig_view(&r, "sums"), "1 2 20\n2 2 10\n3 1 1\n");
    rig_close(&r);
}

/* A zombie reads on where the new owner has purged what it had committed. */
static int poll_purged(cu_reader *r, int64_t timeout_ms, cu_poll *p,
                       cu_err *err)
{
    int rc = broker.real->reader_poll(r, timeout_ms, p, err);
    if (rc || p->kind != CU_POLL_RECORDS || broker.silent == 0)
        return rc;
    broker.silent--;
    return cu_fail(err, CU_HISTORY, 0, "the records are gone");
}

static int open_grouped(cu_log *log, const cu_reader_opts *o, cu_reader **out,
                        cu_err *err)
{
    int rc = broker.real->reader_open(log, o, out, err);
    if (rc == 0 && o->group)
        (*out)->vt = &broker.slow;
    return rc;
}

Test(rebalance, records_purged_by_the_next_owner_stop_nobody)
{
    rig r;
    rig_open_beside(&r, sql, NULL);
    feed_both(&r);
    rig_run(&r);
    slow_down(&r);
    broker.slow.reader_open = open_grouped;
    broker.slow.reader_poll = poll_purged;
    broker.silent = 1;
    rig_add_worker(&r);
    feed_both(&r);
    rig_run(&r);
    cr_expect_eq(broker.silent, 0);
    cr_expect_str_eq(rig_view(&r, "sums"), "1 4 40\n2 4 20\n");
    rig_close(&r);
}

/* A worker that does not poll while others wait is evicted after a minute, and
 * does not know it. */
Test(rebalance, what_a_sleeper_still_has_is_not_opened_beside_it)
{
    rig r;
    cu_err err = {0};
    bool busy;
    rig_open_beside(&r, sql, NULL);
    rig_add_worker(&r);
    feed_both(&r);
    rig_run(&r);
    cr_assert(cu_worker_ready(r.workers[0]) && cu_worker_ready(r.workers[1]));
    rig_add_worker(&r);
    for (int second = 0; second < 70; second++)
        for (int i = 1; i <= 2; i++) {
            rig_pass_ms(&r, 500);
            cr_assert_eq(cu_worker_step(r.workers[i], 0, &busy, &err), 0, "%s",
                         err.msg);
        }
    cr_expect(cu_worker_ready(r.workers[0]));
    cr_expect_not(cu_worker_ready(r.workers[1]));
    cr_expect(cu_worker_ready(r.workers[2]));
    feed_both(&r);
    rig_run(&r);
    cr_expect_str_eq(rig_view(&r, "sums"), "1 4 40\n2 4 20\n");
    rig_close(&r);
}

/* A newer owner reads on and purges while we restore what it took over. */
static int purged(cu_log *log, cu_part part, int64_t at_ms, int64_t *off,
                  cu_err *err)
{
    int rc = broker.real->offset_at(log, part, at_ms, off, err);
    if (at_ms == CU_OLDEST && broker.silent > 0 &&
        strstr(part.topic, "repartition")) {
        *off += 1000;
        broker.silent--;
    }
    return rc;
}

static int ahead(cu_log *log, const char *group, cu_part part, int64_t *off,
                 cu_err *err)
{
    int rc = broker.real->committed(log, group, part, off, err);
    *off += 1000;
    return rc;
}

Test(rebalance, what_a_newer_owner_has_purged_is_restored_once_more)
{
    rig r;
    rig_open_beside(&r, sql, NULL);
    feed_both(&r);
    rig_run(&r);
    feed_both(&r);
    slow_down(&r);
    broker.slow.offset_at = purged;
    broker.slow.committed = ahead;
    end_transactions_of(&r, "app.local.0");
    rig_run(&r);
    cr_expect_eq(broker.silent, 0);
    cr_expect_str_eq(rig_view(&r, "sums"), "1 4 40\n2 4 20\n");
    rig_close(&r);
}
