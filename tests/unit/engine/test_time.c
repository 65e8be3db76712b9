/* Time of stages: watermarks over restarts, exchanges, idle partitions. */
#include "tests/unit/engine/rig.h"

#include <criterion/criterion.h>

#define SERVER "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"
#define TABLE(name, partitions, more)                                \
    "CREATE FOREIGN TABLE " name " (g int, ts timestamptz OPTIONS (" \
    "watermark '10 seconds')) SERVER k OPTIONS (topic '" name        \
    "', format 'json', partitions '" partitions "'" more ");"
#define AT(time) "{\"g\": 1, \"ts\": \"2024-01-01 " time "Z\"}"
#define COUNT                                                             \
    "CREATE MATERIALIZED VIEW a AS SELECT g, count(*) AS n FROM t GROUP " \
    "BY g;"

static void expect_mark(rig *r, const char *stage, int32_t partition,
                        uint32_t feed, const char *time)
{
    int64_t want = time ? rig_time(time) : INT64_MIN;
    if (time && strcmp(time, "infinity") == 0)
        want = INT64_MAX;
    int64_t have = rig_mark(r, stage, partition, feed);
    cr_expect_eq(have, want, "%s[%d] feed %u: %lld s off", stage,
                 (int)partition, feed,
                 (long long)(have == INT64_MIN ? 0 : (have - want) / 1000000));
}

Test(time, a_watermark_is_the_newest_time_less_the_delay)
{
    rig r;
    rig_open(&r, SERVER TABLE("t", "1", "") COUNT, NULL);
    rig_run(&r);
    expect_mark(&r, "a", 0, 0, NULL);
    rig_feed(&r, "t", 0, AT("00:00:30"));
    rig_feed(&r, "t", 0, AT("00:00:05"));
    rig_run(&r);
    expect_mark(&r, "a", 0, 0, "2024-01-01 00:00:20Z");
    rig_close(&r);
}

Test(time, views_behind_views_hear_of_it)
{
    rig r;
    rig_open(&r,
             SERVER TABLE("t", "1", "") COUNT
             "CREATE MATERIALIZED VIEW b AS SELECT n, count(*) AS m FROM a "
             "GROUP BY n;"
             "CREATE MATERIALIZED VIEW c AS SELECT n, m FROM b;",
             NULL);
    rig_feed(&r, "t", 0, AT("00:00:30"));
    rig_run(&r);
    expect_mark(&r, "c", 0, 0, "2024-01-01 00:00:20Z");
    rig_close(&r);
}

static void check_restart(rig *r)
{
    rig_feed(r, "t", 0, AT("00:00:30"));
    rig_feed(r, "t", 1, AT("00:00:50"));
    rig_run(r);
    expect_mark(r, "a", 0, 0, "2024-01-01 00:00:20Z");
    expect_mark(r, "b", 0, 0, "2024-01-01 00:00:20Z");
    rig_kill(r);
    rig_run(r);
    expect_mark(r, "b", 0, 0, "2024-01-01 00:00:20Z");
    /* The other partition was heard before; its mark is not forgotten. */
    rig_feed(r, "t", 0, AT("00:00:45"));
    rig_run(r);
    expect_mark(r, "a", 0, 0, "2024-01-01 00:00:35Z");
    expect_mark(r, "b", 0, 0, "2024-01-01 00:00:35Z");
    rig_kill(r);
    rig_feed(r, "t", 0, AT("00:01:45"));
    rig_run(r);
    expect_mark(r, "b", 0, 0, "2024-01-01 00:00:40Z");
}

#define EXCHANGED                                                           \
    SERVER TABLE("t", "2", "") COUNT                                        \
        "CREATE MATERIALIZED VIEW b AS SELECT g, max(n) AS m FROM a GROUP " \
        "BY g;"

Test(time, an_exchange_waits_for_all_its_senders_over_restarts)
{
    rig r;
    rig_open(&r, EXCHANGED, NULL);
    check_restart(&r);
    rig_close(&r);
}

Test(time, the_same_with_the_state_beside_the_log)
{
    rig r;
    rig_open_beside(&r, EXCHANGED, NULL);
    check_restart(&r);
    rig_close(&r);
}

Test(time, a_rebalance_keeps_it)
{
    rig r;
    rig_open_beside(&r, EXCHANGED, NULL);
    rig_feed(&r, "t", 0, AT("00:00:30"));
    rig_feed(&r, "t", 1, AT("00:00:50"));
    rig_run(&r);
    rig_add_worker(&r);
    rig_run(&r);
    rig_feed(&r, "t", 0, AT("00:00:45"));
    rig_run(&r);
    expect_mark(&r, "a", 0, 0, "2024-01-01 00:00:35Z");
    expect_mark(&r, "b", 1, 0, "2024-01-01 00:00:35Z");
    rig_close(&r);
}

Test(time, a_new_view_behind_an_old_one_knows_the_time)
{
    rig r;
    rig_open(&r, SERVER TABLE("t", "1", "") COUNT, NULL);
    rig_feed(&r, "t", 0, AT("00:00:30"));
    rig_run(&r);
    rig_change(&r,
               SERVER TABLE("t", "1", "") COUNT
               "CREATE MATERIALIZED VIEW b AS SELECT n, count(*) AS m FROM a "
               "GROUP BY n;",
               NULL);
    rig_run(&r);
    expect_mark(&r, "b", 0, 0, "2024-01-01 00:00:20Z");
    cr_expect_str_eq(rig_view(&r, "b"), "1 1\n");
    rig_close(&r);
}

Test(time, a_new_view_reads_old_rows_at_their_own_time)
{
    rig r;
    rig_open(&r, SERVER TABLE("t", "1", "") COUNT, NULL);
    rig_feed(&r, "t", 0, AT("00:00:10"));
    rig_feed(&r, "t", 0, AT("00:00:30"));
    rig_run(&r);
    rig_change(&r,
               SERVER TABLE("t", "1", "") COUNT
               "CREATE MATERIALIZED VIEW b AS SELECT g, max(ts) AS m FROM t "
               "GROUP BY g;",
               NULL);
    rig_run(&r);
    expect_mark(&r, "a", 0, 0, "2024-01-01 00:00:20Z");
    expect_mark(&r, "b", 0, 0, "2024-01-01 00:00:20Z");
    cr_expect_str_eq(rig_view(&r, "a"), "1 2\n");
    rig_close(&r);
}

/* --- idle ----------------------------------------------------------------- */

static void idle_after_a_second(cu_program *p)
{
    rig_table_def(p, "t")->idle_timeout_ms = 1000;
}

#define BOTH                                                                \
    "CREATE MATERIALIZED VIEW a AS SELECT g, count(*) AS n FROM (SELECT g " \
    "FROM t UNION ALL SELECT g FROM u) x GROUP BY g;"

static void check_idle_union(bool never, const char *want)
{
    rig r;
    rig_open(&r, SERVER TABLE("t", "1", "") TABLE("u", "1", "") BOTH,
             idle_after_a_second);
    r.never_idle = never;
    rig_kill(&r);
    rig_feed(&r, "t", 0, AT("00:00:30"));
    rig_feed(&r, "u", 0, AT("00:05:00"));
    rig_run(&r);
    expect_mark(&r, "a", 0, 0, "2024-01-01 00:00:20Z");
    rig_pass_ms(&r, 2000);
    rig_run(&r);
    expect_mark(&r, "a", 0, 0, want);
    rig_feed(&r, "t", 0, AT("00:00:40"));
    rig_run(&r);
    expect_mark(&r, "a", 0, 0, want ? want : "2024-01-01 00:00:30Z");
    cr_expect_str_eq(rig_view(&r, "a"), "1 3\n");
    rig_close(&r);
}

Test(time, an_idle_table_moves_along_with_the_others)
{
    check_idle_union(false, "2024-01-01 00:04:50Z");
}

Test(time, a_drain_knows_no_idle_tables)
{
    rig r;
    rig_open(&r, SERVER TABLE("t", "1", "") TABLE("u", "1", "") BOTH,
             idle_after_a_second);
    r.never_idle = true;
    rig_kill(&r);
    rig_feed(&r, "t", 0, AT("00:00:30"));
    rig_feed(&r, "u", 0, AT("00:05:00"));
    rig_run(&r);
    rig_pass_ms(&r, 2000);
    rig_run(&r);
    expect_mark(&r, "a", 0, 0, "2024-01-01 00:00:20Z");
    rig_close(&r);
}

Test(time, an_idle_partition_leaves_the_minimum_of_an_exchange)
{
    rig r;
    rig_open(&r, EXCHANGED, idle_after_a_second);
    rig_feed(&r, "t", 0, AT("00:00:30"));
    rig_run(&r);
    expect_mark(&r, "a", 0, 0, NULL); /* partition 1 has not spoken */
    rig_pass_ms(&r, 900);
    rig_feed(&r, "t", 0, AT("00:00:31"));
    rig_run(&r);
    rig_pass_ms(&r, 500);
    rig_run(&r);
    expect_mark(&r, "a", 0, 0, "2024-01-01 00:00:21Z");
    /* All are idle: time stands still. */
    rig_pass_ms(&r, 5000);
    rig_run(&r);
    expect_mark(&r, "a", 1, 0, "2024-01-01 00:00:21Z");
    /* One wakes far behind: it holds nobody back, and is not lost. */
    rig_feed(&r, "t", 1, AT("00:00:01"));
    rig_run(&r);
    rig_feed(&r, "t", 0, AT("00:01:00"));
    rig_run(&r);
    expect_mark(&r, "a", 0, 0, "2024-01-01 00:00:21Z");
    cr_expect_str_eq(rig_view(&r, "a"), "1 4\n");
    rig_pass_ms(&r, 5000);
    rig_run(&r);
    rig_feed(&r, "t", 0, AT("00:01:10"));
    rig_run(&r);
    expect_mark(&r, "a", 0, 0, "2024-01-01 00:01:00Z");
    rig_close(&r);
}

Test(time, who_is_idle_is_remembered_with_the_state)
{
    rig r;
    rig_open_beside(&r, EXCHANGED, idle_after_a_second);
    rig_feed(&r, "t", 0, AT("00:00:30"));
    rig_run(&r);
    rig_pass_ms(&r, 2000);
    rig_run(&r);
    int64_t before = rig_mark(&r, "a", 0, 0);
    rig_kill(&r);
    rig_run(&r);
    cr_expect_geq(rig_mark(&r, "a", 0, 0), before);
    rig_close(&r);
}

/* --- the end -------------------------------------------------------------- */

Test(time, final_ends_the_time_of_every_stage)
{
    rig r;
    rig_open(&r,
             SERVER TABLE("t", "2", "") TABLE("u", "1", "") BOTH
             "CREATE MATERIALIZED VIEW b AS SELECT g, max(n) AS m FROM a "
             "GROUP BY g;",
             NULL);
    rig_feed(&r, "t", 0, AT("00:00:30"));
    rig_drain_final(&r);
    expect_mark(&r, "a", 0, 0, "infinity");
    expect_mark(&r, "a", 1, 0, "infinity");
    expect_mark(&r, "b", 1, 0, "infinity");
    rig_kill(&r);
    rig_feed(&r, "t", 0, AT("00:00:50"));
    rig_drain(&r);
    expect_mark(&r, "b", 0, 0, "infinity");
    cr_expect_str_eq(rig_view(&r, "a"), "1 2\n");
    rig_close(&r);
}

Test(time, final_reaches_every_worker)
{
    rig r;
    rig_open_beside(&r, EXCHANGED, NULL);
    rig_add_worker(&r);
    rig_feed(&r, "t", 0, AT("00:00:30"));
    rig_drain_final(&r);
    expect_mark(&r, "b", 0, 0, "infinity");
    expect_mark(&r, "b", 1, 0, "infinity");
    rig_close(&r);
}

/* --- the future ----------------------------------------------------------- */

static void clamp_a_minute(cu_program *p)
{
    rig_table_def(p, "t")->max_future_us = 60 * 1000000;
}

Test(time, a_row_of_the_future_moves_no_clock)
{
    rig r;
    rig_open(&r, SERVER TABLE("t", "1", "") COUNT, clamp_a_minute);
    const char *near = "{\"g\": 1, \"ts\": \"1970-01-01 00:00:00Z\"}";
    const char *far = "{\"g\": 1, \"ts\": \"2999-01-01 00:00:00Z\"}";
    rig_feed(&r, "t", 0, near);
    rig_feed(&r, "t", 0, far);
    rig_feed(&r, "t", 0, near);
    rig_run(&r);
    expect_mark(&r, "a", 0, 0, "1969-12-31 23:59:50Z");
    cr_expect_str_eq(rig_view(&r, "a"), "1 2\n");
    const cu_table_counts *c = rig_table_counts(&r, "t");
    cr_expect_eq(c->in, 3);
    cr_expect_eq(c->applied, 2);
    cr_expect_eq(c->late, 1);
    cr_expect_eq(c->dead, 0);
    cr_expect_str_eq(rig_topic(&r, "app.dlq", "cupel.error.code"),
                     "CU020 {\"g\": 1, \"ts\": \"2999-01-01 00:00:00Z\"}\n");
    cr_expect_str_eq(rig_topic(&r, "app.dlq", "cupel.error.stage"),
                     "watermark {\"g\": 1, \"ts\": \"2999-01-01 "
                     "00:00:00Z\"}\n");
    rig_close(&r);
}
