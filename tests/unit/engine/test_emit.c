/* When a topic hears of a view: windows, late rows, intervals, finals. */
#include "tests/unit/engine/rig.h"

#include <criterion/criterion.h>

#define TABLE                                                               \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"                           \
    "CREATE FOREIGN TABLE t (g int, v int, ts timestamptz OPTIONS ("        \
    "watermark '0 seconds') NOT NULL) SERVER k OPTIONS (topic 't', format " \
    "'json', partitions '2');"
#define WINDOWS(with)                                                     \
    "CREATE MATERIALIZED VIEW w WITH (" with ") AS SELECT window_start, " \
    "count(*) AS n FROM tumble(t, ts, interval '1 minute') GROUP BY "     \
    "window_start;"
#define ROW(g, time) \
    "{\"g\": " #g ", \"v\": 1, \"ts\": \"2024-01-01 " time "Z\"}"
#define W(minute, n) \
    "{\"window_start\":\"2024-01-01T00:" minute ":00Z\",\"n\":" #n "}"

/* Both partitions, so that time moves. */
static void feed(rig *r, const char *time)
{
    char row[100];
    for (int32_t p = 0; p < 2; p++) {
        cu_buf b = {0};
        cu_buf_printf(&b, "{\"g\": 1, \"ts\": \"2024-01-01 %sZ\"}", time);
        cr_assert_lt(b.len, sizeof(row));
        memcpy(row, b.data, b.len);
        row[b.len] = 0;
        cu_buf_free(&b);
        rig_feed(r, "t", p, row);
    }
    rig_run(r);
}

Test(emit, final_waits_for_the_window_and_the_late_are_put_aside)
{
    rig r;
    rig_open(&r, TABLE WINDOWS("emit = 'final'"), NULL);
    feed(&r, "00:00:10");
    feed(&r, "00:00:50");
    cr_expect_str_eq(rig_topic(&r, "app.w", NULL), "");
    feed(&r, "00:01:10");
    cr_expect_str_eq(rig_topic(&r, "app.w", NULL), W("00", 4) "\n");
    rig_feed(&r, "t", 0, ROW(7, "00:00:59"));
    rig_run(&r);
    cr_expect_str_eq(rig_topic(&r, "app.w", NULL), W("00", 4) "\n");
    cr_expect_str_eq(rig_topic(&r, "app.w.late", "cupel.error.code"),
                     "CU021 {\"g\":7,\"v\":1,\"ts\":\"2024-01-01T00:00:59Z\","
                     "\"window_start\":\"2024-01-01T00:00:00Z\","
                     "\"window_end\":\"2024-01-01T00:01:00Z\","
                     "\"watermark\":\"2024-01-01T00:01:10Z\"}\n");
    cr_expect_eq(rig_view_counts(&r, "w")->late, 1);
    const cu_table_counts *t = rig_table_counts(&r, "t");
    cr_expect_eq(t->in, 7);
    cr_expect_eq(t->in, t->applied + t->late + t->dead);
    rig_close(&r);
}

static void check_late_over_restarts(rig *r)
{
    feed(r, "00:00:10");
    feed(r, "00:01:10");
    rig_kill(r);
    rig_feed(r, "t", 1, ROW(8, "00:00:30"));
    rig_run(r);
    rig_kill(r);
    rig_run(r);
    cr_expect_str_eq(rig_topic(r, "app.w", NULL), W("00", 2) "\n");
    cr_expect_str_eq(rig_topic(r, "app.w.late", "cupel.error.view"),
                     "w {\"g\":8,\"v\":1,\"ts\":\"2024-01-01T00:00:30Z\","
                     "\"window_start\":\"2024-01-01T00:00:00Z\","
                     "\"window_end\":\"2024-01-01T00:01:00Z\","
                     "\"watermark\":\"2024-01-01T00:01:10Z\"}\n");
}

Test(emit, a_window_does_not_open_again_after_a_restart)
{
    rig r;
    rig_open(&r, TABLE WINDOWS("emit = 'final'"), NULL);
    check_late_over_restarts(&r);
    rig_close(&r);
}

Test(emit, nor_with_the_state_beside_the_log)
{
    rig r;
    rig_open_beside(&r, TABLE WINDOWS("emit = 'final'"), NULL);
    check_late_over_restarts(&r);
    rig_close(&r);
}

Test(emit, late_rows_are_a_table)
{
    rig r;
    rig_open(&r,
             TABLE WINDOWS("emit = 'final'") "CREATE MATERIALIZED VIEW l AS "
                                             "SELECT g, window_start, stage, "
                                             "view, topic, partition, "
                                             "record_offset FROM late_rows(w);",
             NULL);
    feed(&r, "00:00:10");
    feed(&r, "00:01:10");
    rig_feed(&r, "t", 1, ROW(8, "00:00:30"));
    rig_drain(&r);
    cr_expect_str_eq(rig_view(&r, "l"),
                     "8 2024-01-01 00:00:00+00 window w t 1 2\n");
    rig_close(&r);
}

Test(emit, a_drain_leaves_windows_open_and_final_closes_them)
{
    rig r;
    rig_open(&r, TABLE WINDOWS("emit = 'final'"), NULL);
    feed(&r, "00:00:10");
    rig_drain(&r);
    cr_expect_str_eq(rig_topic(&r, "app.w", NULL), "");
    rig_kill(&r);
    feed(&r, "00:00:20");
    rig_drain_final(&r);
    cr_expect_str_eq(rig_topic(&r, "app.w", NULL), W("00", 4) "\n");
    rig_kill(&r);
    feed(&r, "00:00:30");
    rig_drain_final(&r);
    cr_expect_str_eq(rig_topic(&r, "app.w", NULL), W("00", 4) "\n");
    cr_expect_eq(rig_view_counts(&r, "w")->late, 2);
    rig_close(&r);
}

Test(emit, early_final_says_when_a_row_is_final)
{
    rig r;
    rig_open(&r, TABLE WINDOWS("emit = 'early_final'"), NULL);
    feed(&r, "00:00:10");
    rig_kill(&r);
    feed(&r, "00:00:50");
    feed(&r, "00:01:10");
    rig_kill(&r);
    feed(&r, "00:02:10");
    static const char want[] =
        "- {\"window_start\":\"2024-01-01T00:00:00Z\",\"n\":1}\n"
        "- {\"window_start\":\"2024-01-01T00:00:00Z\",\"n\":2}\n"
        "- {\"window_start\":\"2024-01-01T00:00:00Z\",\"n\":3}\n"
        "- {\"window_start\":\"2024-01-01T00:00:00Z\",\"n\":4}\n"
        "- {\"window_start\":\"2024-01-01T00:01:00Z\",\"n\":1}\n"
        "true {\"window_start\":\"2024-01-01T00:00:00Z\",\"n\":4}\n"
        "- {\"window_start\":\"2024-01-01T00:01:00Z\",\"n\":2}\n"
        "- {\"window_start\":\"2024-01-01T00:02:00Z\",\"n\":1}\n"
        "- {\"window_start\":\"2024-01-01T00:02:00Z\",\"n\":2}\n"
        "true {\"window_start\":\"2024-01-01T00:01:00Z\",\"n\":2}\n";
    cr_expect_str_eq(rig_topic(&r, "app.w", "cupel.final"), want);
    rig_close(&r);
}

/* --- emit_interval -------------------------------------------------------- */

#define COUNT(with)                                                          \
    "CREATE MATERIALIZED VIEW c WITH (" with ") AS SELECT g, count(*) AS n " \
    "FROM t GROUP BY g HAVING count(*) <> 3;"
#define C(g, n) "{\"g\":" #g ",\"n\":" #n "}\n"

static void feed_g(rig *r, int g)
{
    rig_feed(r, "t", 0, g == 1 ? ROW(1, "00:00:00") : ROW(2, "00:00:00"));
    rig_run(r);
}

static void check_interval(rig *r)
{
    feed_g(r, 1); /* the first one goes out at once */
    feed_g(r, 1);
    feed_g(r, 2);
    cr_expect_str_eq(rig_topic(r, "app.c", NULL), C(1, 1));
    cr_expect_str_eq(rig_view(r, "c"), "1 2\n2 1\n");
    rig_kill(r);
    feed_g(r, 1); /* 3: gone */
    feed_g(r, 2);
    cr_expect_str_eq(rig_topic(r, "app.c", NULL), C(1, 1));
    rig_pass_ms(r, 60000);
    rig_run(r);
    cr_expect_str_eq(rig_topic(r, "app.c", NULL), C(1, 1) "null\n" C(2, 2));
    feed_g(r, 1); /* comes back */
    feed_g(r, 2); /* 3: gone */
    feed_g(r, 2);
    rig_drain(r);
    cr_expect_str_eq(rig_topic(r, "app.c", NULL),
                     C(1, 1) "null\n" C(2, 2) C(1, 4) C(2, 4));
}

Test(emit, an_interval_publishes_net_changes_at_most_once)
{
    rig r;
    rig_open(&r, TABLE COUNT("emit_interval = '1 minute', partitions = 1"),
             NULL);
    check_interval(&r);
    rig_close(&r);
}

Test(emit, an_interval_survives_with_the_state_beside_the_log)
{
    rig r;
    rig_open_beside(
        &r, TABLE COUNT("emit_interval = '1 minute', partitions = 1"), NULL);
    check_interval(&r);
    rig_close(&r);
}

Test(emit, what_comes_back_within_the_interval_is_not_published)
{
    rig r;
    rig_open(&r, TABLE COUNT("emit_interval = '1 minute', partitions = 1"),
             NULL);
    feed_g(&r, 2);
    feed_g(&r, 1);
    feed_g(&r, 1);
    feed_g(&r, 1); /* came and went */
    rig_drain(&r);
    cr_expect_str_eq(rig_topic(&r, "app.c", NULL), C(2, 1));
    rig_close(&r);
}

/* --- the clock ------------------------------------------------------------ */

Test(emit, the_clock_alone_makes_rows_appear_and_leave)
{
    rig r;
    rig_open(&r,
             "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"
             "CREATE FOREIGN TABLE t (id int PRIMARY KEY, until_ms bigint) "
             "SERVER k OPTIONS (topic 't', format 'json', mode 'upsert');"
             "CREATE MATERIALIZED VIEW a AS SELECT id FROM t WHERE "
             "to_timestamp(until_ms / 1000.0) > now();",
             NULL);
    cu_buf row = {0};
    cu_buf_printf(&row, "{\"id\": 1, \"until_ms\": %lld}",
                  (long long)(cu_wall_us(r.env) / 1000 + 5000));
    cu_buf_put_u8(&row, 0);
    rig_feed(&r, "t", 0, row.data);
    cu_buf_free(&row);
    rig_run(&r);
    cr_expect_str_eq(rig_view(&r, "a"), "1\n");
    rig_kill(&r);
    rig_pass_ms(&r, 6000);
    rig_run(&r);
    cr_expect_str_eq(rig_view(&r, "a"), "");
    rig_close(&r);
}

/* --- rows without a source ------------------------------------------------ */

#define NAMES "CREATE VIEW names (g, name) AS VALUES (1, 'one'), (2, 'two');"

static void check_values(rig *r, const char *empty)
{
    rig_drain(r);
    cr_expect_str_eq(rig_view(r, "j"), empty);
    rig_kill(r);
    for (int32_t p = 0; p < 2; p++)
        rig_feed(r, "t", p, ROW(2, "00:00:00"));
    rig_drain(r);
    rig_kill(r);
    rig_run(r);
}

Test(emit, values_joined_with_partitions_are_there_once)
{
    rig r;
    rig_open(&r,
             TABLE NAMES
             "CREATE MATERIALIZED VIEW j AS SELECT g, name, count(ts) AS n "
             "FROM names LEFT JOIN t USING (g) GROUP BY g, name;",
             NULL);
    check_values(&r, "1 one 0\n2 two 0\n");
    cr_expect_str_eq(rig_view(&r, "j"), "1 one 0\n2 two 2\n");
    rig_close(&r);
}

Test(emit, a_union_of_values_and_partitions_has_them_once)
{
    rig r;
    rig_open(&r,
             TABLE NAMES
             "CREATE MATERIALIZED VIEW j AS SELECT g, count(*) AS n FROM "
             "(SELECT g FROM names UNION ALL SELECT g FROM t) x GROUP BY g;",
             NULL);
    check_values(&r, "1 1\n2 1\n");
    cr_expect_str_eq(rig_view(&r, "j"), "1 1\n2 3\n");
    rig_close(&r);
}
