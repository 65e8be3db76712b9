/* Other positions: views are made anew, topics get what differs. */
#include "tests/unit/engine/rig.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define TABLE                                                             \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"                         \
    "CREATE FOREIGN TABLE t (g int, v int) SERVER k OPTIONS (topic 't', " \
    "format 'json', partitions '2');"
#define VIEWS                                                                \
    "CREATE MATERIALIZED VIEW sums AS SELECT g, count(*) AS n, sum(v) AS s " \
    "FROM t GROUP BY g;"                                                     \
    "CREATE MATERIALIZED VIEW sizes AS SELECT n, count(*) AS groups FROM "   \
    "sums GROUP BY n;"                                                       \
    "CREATE MATERIALIZED VIEW total AS SELECT count(*) AS n, sum(v) AS s "   \
    "FROM t;"

static const char sql[] = TABLE VIEWS;

static void feed(rig *r, int g, int v)
{
    char text[64];
    snprintf(text, sizeof(text), "{\"g\": %d, \"v\": %d}", g, v);
    rig_feed(r, "t", g & 1, text);
}

/* Groups 0..7, twice each: partition g % 2 has offsets 0..7. */
static void feed_all(rig *r, int from)
{
    for (int round = 0, n = 0; round < 2; round++)
        for (int g = 0; g < 8; g++, n++)
            if (n / 2 >= from)
                feed(r, g, 10 * round + g);
}

/* With a crash point the process dies there and starts again. */
static int try_reset(rig *r, const cu_position *to, size_t n, const char *crash)
{
    cu_err err = {0};
    cu_worker *w = rig_look(r);
    cu_positions all = {(cu_position *)to, n};
    if (crash)
        cu_env_sim_faults(r->env, 0, crash, 1);
    int rc = cu_worker_reset(w, &all, &err);
    cu_env_sim_faults(r->env, 0, NULL, 0);
    cr_assert_eq(rc, crash ? CU_STOPPED : err.code, "%s", err.msg);
    cu_worker_close(w);
    if (crash)
        rig_kill(r);
    else
        rig_add_worker(r);
    return rc;
}

static void reset_to(rig *r, int64_t next)
{
    const cu_position to[] = {{{"t", 0}, next}, {{"t", 1}, next}};
    cr_assert_eq(try_reset(r, to, 2, NULL), 0);
}

/* The views of a process that never saw anything else. */
static void is_fresh(rig *r, const char *text, int from)
{
    static const char *const views[] = {"sums", "sizes", "total"};
    rig fresh;
    rig_open(&fresh, text, NULL);
    feed_all(&fresh, from);
    rig_drain(&fresh);
    for (int i = 0; i < 3; i++)
        cr_expect_str_eq(rig_view(r, views[i]), rig_view(&fresh, views[i]),
                         "%s: %s instead of %s", views[i],
                         rig_view(r, views[i]), rig_view(&fresh, views[i]));
    cr_expect_eq(rig_state_keys(r), rig_state_keys(&fresh), "%llu, not %llu",
                 (unsigned long long)rig_state_keys(r),
                 (unsigned long long)rig_state_keys(&fresh));
    rig_close(&fresh);
}

static void open_world(rig *r, bool beside)
{
    if (beside)
        rig_open_beside(r, sql, NULL);
    else
        rig_open(r, sql, NULL);
}

static void corrects(bool beside, bool wipe, bool workers)
{
    rig r;
    int64_t sums[RIG_PARTITIONS] = {0}, sizes[RIG_PARTITIONS] = {0},
            total[RIG_PARTITIONS] = {0};
    open_world(&r, beside);
    feed_all(&r, 0);
    rig_drain(&r);
    rig_deltas(&r, "app.sums", NULL, sums);
    rig_deltas(&r, "app.sizes", NULL, sizes);
    rig_deltas(&r, "app.total", NULL, total);
    reset_to(&r, 6); /* the last two records of each partition: 4, 6 | 5, 7 */
    if (wipe)
        rig_wipe(&r);
    if (workers)
        rig_add_worker(&r);
    cr_expect_str_eq(rig_deltas(&r, "app.sums", NULL, sums), "");
    rig_drain(&r);
    rig_run(&r);
    is_fresh(&r, sql, 6);
    const char *sum = rig_deltas(&r, "app.sums", NULL, sums);
    for (int g = 0; g < 8; g++) {
        char text[64];
        if (g < 4)
            snprintf(text, sizeof(text), "- {\"g\":%d}\n", g);
        else
            snprintf(text, sizeof(text), "{\"g\":%d,\"n\":1,\"s\":%d}\n", g,
                     10 + g);
        cr_expect(strstr(sum, text), "no %s in %s", text, sum);
    }
    size_t lines = 0;
    for (const char *p = sum; *p; p++)
        lines += *p == '\n';
    cr_expect_eq(lines, 8, "%s", sum);
    const char *size = rig_deltas(&r, "app.sizes", NULL, sizes);
    cr_expect(strstr(size, "{\"n\":1,\"groups\":4}\n"), "%s", size);
    cr_expect(strstr(size, "- {\"n\":2}\n"), "%s", size);
    cr_expect_eq(strlen(size), strlen("{\"n\":1,\"groups\":4}\n- {\"n\":2}\n"));
    cr_expect_str_eq(rig_deltas(&r, "app.total", NULL, total),
                     "{\"n\":4,\"s\":62}\n");
    rig_close(&r);
}

Test(reset, gives_the_views_of_a_fresh_run_and_corrects_their_topics)
{
    corrects(false, false, false);
}

Test(reset, does_the_same_with_changelogs)
{
    corrects(true, false, false);
}

Test(reset, reaches_processes_that_restore_from_the_changelogs)
{
    corrects(true, true, false);
}

Test(reset, is_worked_off_by_all_workers)
{
    corrects(true, false, true);
}

/* What nobody can see is made anew as well, also where rows only pass. */
static void corrects_readers(bool beside)
{
    static const char shared[] = TABLE
        "CREATE VIEW p WITH (shared) AS SELECT g, v FROM t WHERE v >= 0;"
        "CREATE VIEW sums WITH (shared) AS SELECT g, count(*) AS n, "
        "sum(v) AS s FROM p GROUP BY g;"
        "CREATE MATERIALIZED VIEW sizes AS SELECT n, count(*) AS groups "
        "FROM sums GROUP BY n;"
        "CREATE MATERIALIZED VIEW total AS SELECT sum(n) AS n, sum(s) AS "
        "s FROM sums;";
    rig r;
    int64_t sizes[RIG_PARTITIONS] = {0}, total[RIG_PARTITIONS] = {0};
    if (beside)
        rig_open_beside(&r, shared, NULL);
    else
        rig_open(&r, shared, NULL);
    feed_all(&r, 0);
    rig_drain(&r);
    rig_deltas(&r, "app.sizes", NULL, sizes);
    rig_deltas(&r, "app.total", NULL, total);
    reset_to(&r, 6);
    if (beside)
        rig_wipe(&r);
    rig_drain(&r);
    rig_run(&r);
    is_fresh(&r, shared, 6);
    cr_expect_str_eq(rig_deltas(&r, "app.total", NULL, total),
                     "{\"n\":4,\"s\":62}\n");
    cr_expect(strstr(rig_deltas(&r, "app.sizes", NULL, sizes),
                     "{\"n\":1,\"groups\":4}\n"));
    rig_close(&r);
}

Test(reset, goes_through_shared_views)
{
    corrects_readers(false);
    corrects_readers(true);
}

Test(reset, to_where_the_views_began_says_nothing_again)
{
    rig r;
    int64_t sums[RIG_PARTITIONS] = {0}, sizes[RIG_PARTITIONS] = {0};
    rig_open(&r, sql, NULL);
    feed_all(&r, 0);
    rig_drain(&r);
    rig_deltas(&r, "app.sums", NULL, sums);
    rig_deltas(&r, "app.sizes", NULL, sizes);
    reset_to(&r, 0);
    rig_drain(&r);
    rig_run(&r);
    is_fresh(&r, sql, 0);
    cr_expect_str_eq(rig_deltas(&r, "app.sums", NULL, sums), "");
    cr_expect_str_eq(rig_deltas(&r, "app.sizes", NULL, sizes), "");
    rig_close(&r);
}

Test(reset, reads_what_it_does_not_name_from_where_it_began)
{
    rig r;
    const cu_position one = {{"t", 1}, 8};
    rig_open(&r, sql, NULL);
    feed_all(&r, 0);
    rig_drain(&r);
    cr_assert_eq(try_reset(&r, &one, 1, NULL), 0);
    rig_drain(&r);
    cr_expect_str_eq(rig_view(&r, "sums"), "0 2 10\n2 2 14\n4 2 18\n6 2 22\n");
    rig_close(&r);
}

Test(reset, shows_what_was_until_it_is_through)
{
    rig r;
    rig_open(&r, sql, NULL);
    feed_all(&r, 0);
    rig_drain(&r);
    char was[256];
    snprintf(was, sizeof(was), "%s", rig_view(&r, "sums"));
    reset_to(&r, 7);
    cr_expect_str_eq(rig_view(&r, "sums"), was);
    rig_drain(&r);
    cr_expect_str_eq(rig_view(&r, "sums"), "6 1 16\n7 1 17\n");
    rig_close(&r);
}

/* Killed at each step of each commit on the way, again and again. */
static void survives(bool beside, const char *point, int times)
{
    rig r;
    int64_t sums[RIG_PARTITIONS] = {0};
    const cu_position to[] = {{{"t", 0}, 6}, {{"t", 1}, 6}};
    open_world(&r, beside);
    feed_all(&r, 0);
    rig_drain(&r);
    rig_deltas(&r, "app.sums", NULL, sums);
    try_reset(&r, to, 2, point);
    reset_to(&r, 6);
    for (int i = 0; i < times; i++)
        rig_crash(&r, point);
    rig_drain(&r);
    rig_run(&r);
    is_fresh(&r, sql, 6);
    const char *sum = rig_deltas(&r, "app.sums", NULL, sums);
    size_t lines = 0;
    for (const char *p = sum; *p; p++)
        lines += *p == '\n';
    cr_expect_eq(lines, 8, "%s: %s", point, sum);
    rig_close(&r);
}

static const char *const points[] = {"commit_begin", "commit_emitted",
                                     "commit_marked", "commit_committed",
                                     "commit_applied"};

Test(reset, survives_a_kill_at_every_step)
{
    for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++) {
        survives(false, points[i], 1);
        survives(false, points[i], 3);
    }
}

Test(reset, survives_a_kill_at_every_step_with_changelogs)
{
    for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++) {
        survives(true, points[i], 2);
        survives(true, points[i], 4);
    }
}

Test(reset, of_a_reset_that_is_not_through_counts_alone)
{
    rig r;
    int64_t sums[RIG_PARTITIONS] = {0};
    rig_open_beside(&r, sql, NULL);
    feed_all(&r, 0);
    rig_drain(&r);
    rig_deltas(&r, "app.sums", NULL, sums);
    reset_to(&r, 3);
    reset_to(&r, 5);
    for (int i = 0; i < 3; i++) {
        cu_err err = {0};
        bool busy;
        for (int n = 0; n < 4; n++) /* some of it */
            cr_assert_eq(cu_worker_step(r.workers[0], 0, &busy, &err), 0);
        cr_assert_eq(cu_worker_commit(r.workers[0], &err), 0);
        if (i < 2)
            reset_to(&r, 6);
    }
    rig_drain(&r);
    rig_run(&r);
    is_fresh(&r, sql, 6);
    rig_close(&r);
}

Test(reset, too_often_is_refused)
{
    rig r;
    const cu_position to[] = {{{"t", 0}, 1}, {{"t", 1}, 1}};
    int rc = 0, n = 0;
    rig_open(&r, sql, NULL);
    feed_all(&r, 0);
    rig_drain(&r);
    for (; n < 10 && rc == 0; n++) {
        rc = try_reset(&r, to, 2, NULL);
        cu_err err = {0};
        cr_assert_eq(cu_worker_commit(r.workers[0], &err), 0);
        bool busy;
        cr_assert_eq(cu_worker_step(r.workers[0], 0, &busy, &err), 0);
        cr_assert_eq(cu_worker_commit(r.workers[0], &err), 0);
    }
    cr_expect_eq(rc, CU_BUSY);
    cr_expect_eq(n, 4);
    rig_drain(&r);
    rig_run(&r);
    is_fresh(&r, sql, 1);
    cr_expect_eq(try_reset(&r, to, 2, NULL), 0);
    rig_close(&r);
}

Test(reset, mends_an_app_whose_input_lost_what_it_needs)
{
    rig r;
    cu_err err = {0};
    bool busy;
    int rc = 0;
    const cu_part part = {"t", 0};
    rig_open_beside(&r, sql, NULL);
    feed(&r, 0, 1);
    rig_drain(&r);
    rig_stop_workers(&r);
    feed_all(&r, 0); /* offsets 1 to 8 */
    cr_assert_eq(r.log->vt->delete_records(r.log, part, 5, &err), 0);
    rig_add_worker(&r);
    for (int i = 0; i < 20 && rc == 0; i++)
        rc = cu_worker_step(r.workers[0], 0, &busy, &err);
    cr_assert_eq(rc, CU_HISTORY);
    cr_assert(strstr(err.msg, "offsets reset"), "%s", err.msg);
    cr_assert_eq(try_reset(&r, NULL, 0, NULL), 0);
    rig_drain(&r);
    cr_expect_str_eq(rig_view(&r, "sums"),
                     "0 1 10\n1 2 12\n2 1 12\n3 2 16\n4 1 14\n5 2 20\n"
                     "6 1 16\n7 2 24\n");
    rig_close(&r);
}

/* --- other kinds of views ------------------------------------------------- */

Test(reset, of_a_view_without_key_says_no_row_twice)
{
    rig r;
    int64_t rows[RIG_PARTITIONS] = {0};
    rig_open_beside(&r,
                    TABLE "CREATE MATERIALIZED VIEW rows AS SELECT v, g FROM t "
                          "WHERE v > 0;",
                    NULL);
    feed_all(&r, 0);
    feed(&r, 2, 12); /* a second one that looks the same */
    rig_drain(&r);
    rig_deltas(&r, "app.rows", NULL, rows);
    rig_stop_workers(&r);
    rig_add_worker(&r);
    reset_to(&r, 2);
    feed(&r, 2, 12);
    feed(&r, 3, 99);
    rig_drain(&r);
    rig_run(&r);
    cr_expect_str_eq(rig_deltas(&r, "app.rows", NULL, rows),
                     "{\"v\":12,\"g\":2}\n{\"v\":99,\"g\":3}\n");
    feed(&r, 4, 44);
    rig_run(&r);
    cr_expect_str_eq(rig_deltas(&r, "app.rows", NULL, rows),
                     "{\"v\":44,\"g\":4}\n");
    rig_close(&r);
}

Test(reset, keeps_to_what_the_topic_was_told_with_emit_interval)
{
    rig r;
    int64_t slow[RIG_PARTITIONS] = {0};
    rig_open(&r,
             TABLE "CREATE MATERIALIZED VIEW slow WITH (emit_interval = '1 "
                   "hour') AS SELECT g, count(*) AS n FROM t GROUP BY g;",
             NULL);
    feed(&r, 1, 1);
    feed(&r, 3, 3);
    feed(&r, 2, 2);
    feed(&r, 4, 4);
    rig_run(&r);
    rig_pass_ms(&r, 3600 * 1000 + 1);
    rig_run(&r);
    const char *first = rig_deltas(&r, "app.slow", NULL, slow);
    for (int g = 1; g <= 4; g++) {
        char text[32];
        snprintf(text, sizeof(text), "{\"g\":%d,\"n\":1}\n", g);
        cr_assert(strstr(first, text), "%s", first);
    }
    for (int g = 1; g <= 4; g++)
        feed(&r, g, g); /* these wait: 2 each */
    rig_run(&r);
    /* Over the second ones, each has 1 row again, as the topic says; over
     * those of partition 0 alone, 1 and 3 go. */
    reset_to(&r, 2);
    rig_drain(&r);
    rig_run(&r);
    cr_expect_str_eq(rig_view(&r, "slow"), "1 1\n2 1\n3 1\n4 1\n");
    cr_expect_str_eq(rig_deltas(&r, "app.slow", NULL, slow), "");
    const cu_position to[] = {{{"t", 0}, 2}, {{"t", 1}, 4}};
    cr_assert_eq(try_reset(&r, to, 2, NULL), 0);
    rig_drain(&r);
    const char *said = rig_deltas(&r, "app.slow", NULL, slow);
    cr_expect(strstr(said, "- {\"g\":1}\n"), "%s", said);
    cr_expect(strstr(said, "- {\"g\":3}\n"), "%s", said);
    cr_expect_eq(strlen(said), strlen("- {\"g\":1}\n- {\"g\":3}\n"));
    rig_close(&r);
}

Test(reset, writes_no_letter_a_second_time)
{
    rig r;
    int64_t dlq[RIG_PARTITIONS] = {0};
    rig_open(&r, sql, NULL);
    rig_feed(&r, "t", 0, "{\"g\": \"x\"}");
    feed(&r, 1, 1);
    rig_drain(&r);
    cr_expect(strstr(rig_deltas(&r, "app.dlq", NULL, dlq), "x"));
    reset_to(&r, 0);
    rig_feed(&r, "t", 1, "{\"g\": \"y\"}");
    rig_drain(&r);
    cr_expect_str_eq(rig_deltas(&r, "app.dlq", NULL, dlq), "{\"g\": \"y\"}\n");
    rig_close(&r);
}

/* Whether a row is late hangs on what came from other partitions meanwhile:
 * one that was in time may be late now, so none is kept back. */
Test(reset, says_late_rows_again_and_loses_none)
{
    rig r;
    int64_t at[RIG_PARTITIONS] = {0};
    const char *late = "{\"g\": 3, \"ts\": \"2026-01-01T00:00:02\"}";
    rig_open(&r,
             "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"
             "CREATE FOREIGN TABLE t (g int, ts timestamp OPTIONS (watermark "
             "'0 seconds')) SERVER k OPTIONS (topic 't', format 'json', "
             "partitions '1');"
             "CREATE MATERIALIZED VIEW w AS SELECT window_start, count(*) AS n "
             "FROM tumble(t, ts, size => interval '10 seconds') GROUP BY "
             "window_start;"
             "CREATE MATERIALIZED VIEW l AS SELECT g, count(*) AS n FROM "
             "late_rows(w) GROUP BY g;",
             NULL);
    rig_feed(&r, "t", 0, "{\"g\": 1, \"ts\": \"2026-01-01T00:00:01\"}");
    rig_feed(&r, "t", 0, "{\"g\": 2, \"ts\": \"2026-01-01T00:00:20\"}");
    rig_feed(&r, "t", 0, late);
    rig_drain(&r);
    const char *windows = rig_view(&r, "w");
    cr_expect_str_eq(rig_view(&r, "l"), "3 1\n");
    cr_expect(strstr(rig_deltas(&r, "app.w.late", NULL, at), "\"g\":3"));
    reset_to(&r, 0);
    rig_drain(&r);
    cr_expect_str_eq(rig_view(&r, "w"), windows);
    cr_expect(strstr(rig_deltas(&r, "app.w.late", NULL, at), "\"g\":3"));
    cr_expect_str_eq(rig_view(&r, "l"), "3 2\n");
    rig_close(&r);
}

Test(reset, makes_constant_rows_again)
{
    rig r;
    int64_t rows[RIG_PARTITIONS] = {0};
    rig_open(&r,
             TABLE "CREATE MATERIALIZED VIEW u WITH (primary_key = 'g') AS "
                   "SELECT g, count(*) AS n FROM (SELECT g FROM t UNION ALL "
                   "VALUES (100)) AS q GROUP BY g;",
             NULL);
    feed(&r, 1, 1);
    feed(&r, 2, 2);
    rig_drain(&r);
    cr_expect_str_eq(rig_view(&r, "u"), "1 1\n100 1\n2 1\n");
    rig_deltas(&r, "app.u", NULL, rows);
    reset_to(&r, 1);
    rig_drain(&r);
    cr_expect_str_eq(rig_view(&r, "u"), "100 1\n");
    const char *said = rig_deltas(&r, "app.u", NULL, rows);
    cr_expect(strstr(said, "- {\"g\":1}\n"), "%s", said);
    cr_expect(strstr(said, "- {\"g\":2}\n"), "%s", said);
    cr_expect_eq(strlen(said), strlen("- {\"g\":1}\n- {\"g\":2}\n"));
    rig_close(&r);
}

/* --- time ----------------------------------------------------------------- */

static const char timed[] =
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"
    "CREATE FOREIGN TABLE t (g int, ts timestamptz OPTIONS (watermark '10 "
    "seconds')) SERVER k OPTIONS (topic 't', format 'json', partitions '2');"
    "CREATE MATERIALIZED VIEW sums WITH (emit = 'final') AS SELECT g, "
    "date_bin('1 minute', ts, '2000-01-01') AS w, count(*) AS n FROM t GROUP "
    "BY 1, 2;"
    "CREATE MATERIALIZED VIEW sizes WITH (emit = 'early_final') AS SELECT "
    "date_bin('1 minute', ts, '2000-01-01') AS w, count(*) AS n FROM t GROUP "
    "BY 1;"
    "CREATE MATERIALIZED VIEW total AS SELECT count(*) AS n FROM sums;";

static void feed_time(rig *r, int from)
{
    for (int n = 0; n < 40; n++) { /* every ten seconds, both partitions */
        char text[80];
        if (n < from)
            continue;
        snprintf(text, sizeof(text),
                 "{\"g\": %d, \"ts\": \"2024-01-01 00:%02d:%02d+00\"}", n % 3,
                 n / 6, n % 6 * 10);
        rig_feed(r, "t", 0, text);
        rig_feed(r, "t", 1, text);
    }
}

static void times(bool beside)
{
    rig r, fresh;
    int64_t sums[RIG_PARTITIONS] = {0}, sizes[RIG_PARTITIONS] = {0};
    if (beside)
        rig_open_beside(&r, timed, NULL);
    else
        rig_open(&r, timed, NULL);
    feed_time(&r, 0);
    rig_drain(&r);
    rig_deltas(&r, "app.sums", NULL, sums);
    rig_deltas(&r, "app.sizes", NULL, sizes);
    reset_to(&r, 0);
    rig_drain(&r);
    rig_run(&r);
    cr_expect_str_eq(rig_deltas(&r, "app.sums", NULL, sums), "");
    cr_expect_str_eq(rig_deltas(&r, "app.sizes", NULL, sizes), "");
    reset_to(&r, 15); /* in the middle of the third minute */
    rig_crash(&r, "commit_emitted");
    rig_drain(&r);
    rig_run(&r);
    rig_open(&fresh, timed, NULL);
    feed_time(&fresh, 15);
    rig_drain(&fresh);
    rig_run(&fresh);
    static const char *const views[] = {"sums", "sizes", "total"};
    for (int i = 0; i < 3; i++)
        cr_expect_str_eq(rig_view(&r, views[i]), rig_view(&fresh, views[i]),
                         "%s: %s instead of %s", views[i],
                         rig_view(&r, views[i]), rig_view(&fresh, views[i]));
    const char *size = rig_deltas(&r, "app.sizes", "cupel.final", sizes);
    cr_expect(strstr(size, "- {\"w\":\"2024-01-01 00:00:00+00\"}") ||
                  strstr(size, "- {\"w\":\"2024-01-01T00:00:00Z\"}"),
              "%s", size);
    cr_expect(strstr(size, "cupel.final=true {\"w\":\"2024-01-01T00:02:00Z\","
                           "\"n\":6}"),
              "%s", size);
    rig_close(&fresh);
    rig_close(&r);
}

Test(reset, of_windows_begins_their_time_again)
{
    times(false);
    times(true);
}
