/* Shared views: kept once, fed to every reader in memory. */
#include "tests/unit/engine/golden.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define TABLES(n)                                                            \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"                            \
    "CREATE FOREIGN TABLE t (id int, g int, v int) SERVER k OPTIONS (topic " \
    "'t', format 'json', partitions '" n "');"                               \
    "CREATE FOREIGN TABLE u (id int PRIMARY KEY, x int) SERVER k OPTIONS "   \
    "(topic 'u', format 'json', mode 'upsert', partitions '" n "');"
/* `how` is the view's options; with "" it is a plain one. */
#define JOINED(how)                                                         \
    "CREATE VIEW j " how " AS SELECT t.id, t.g, t.v, u.x FROM t JOIN u ON " \
    "u.id = t.g;"
#define BY_X                                                                 \
    "CREATE MATERIALIZED VIEW by_x AS SELECT x, sum(v) AS s, count(*) AS n " \
    "FROM j GROUP BY x;"
#define BY_G                                                                 \
    "CREATE MATERIALIZED VIEW by_g AS SELECT g, x, max(v) AS m FROM j GROUP" \
    " BY g, x;"

/* --- rows ----------------------------------------------------------------- */

static const char rows[] = "u/0 1 10\n"
                           "u/0 2 20\n"
                           "t/0 1 1 5\n"
                           "t/0 2 1 6\n"
                           "t/0 3 2 7\n"
                           "t/0 4 9 8\n"
                           "--\n"
                           "topic app.by_x\n"
                           "topic app.by_g\n"
                           "u/0 1 20\n"
                           "--\n"
                           "topic app.by_x\n"
                           "topic app.by_g\n"
                           "u/0 9 20\n"
                           "--\n"
                           "view by_x\n"
                           "view by_g\n";
static const char deltas[] = "app.by_x:\n"
                             "{\"x\":10,\"s\":11,\"n\":2}\n"
                             "{\"x\":20,\"s\":7,\"n\":1}\n"
                             "app.by_g:\n"
                             "{\"g\":1,\"x\":10,\"m\":6}\n"
                             "{\"g\":2,\"x\":20,\"m\":7}\n"
                             "app.by_x:\n"
                             "- {\"x\":10}\n"
                             "{\"x\":20,\"s\":18,\"n\":3}\n"
                             "app.by_g:\n"
                             "- {\"g\":1,\"x\":10}\n"
                             "{\"g\":1,\"x\":20,\"m\":6}\n"
                             "by_x has:\n"
                             "20 26 4\n"
                             "by_g has:\n"
                             "1 20 6\n"
                             "2 20 7\n"
                             "9 20 8\n";

Test(shared, readers_say_what_they_say_over_a_plain_view)
{
    golden(TABLES("1") JOINED("") BY_X BY_G, rows, deltas);
}

Test(shared, a_bag_feeds_its_readers)
{
    golden(TABLES("1") JOINED("WITH (shared)") BY_X BY_G, rows, deltas);
}

Test(shared, rows_by_key_feed_its_readers)
{
    golden(TABLES("1") JOINED("WITH (shared, primary_key = 'id')") BY_X BY_G,
           rows, deltas);
}

Test(shared, is_read_over_exchanges)
{
    static const char script[] = "u/0 1 10\n"
                                 "u/1 2 20\n"
                                 "t/0 1 1 5\n"
                                 "t/1 2 1 6\n"
                                 "t/1 3 2 7\n"
                                 "t/0 4 9 8\n"
                                 "--\n"
                                 "u/0 1 20\n"
                                 "t/0 5 1 1\n"
                                 "t/1 5 1 1\n"
                                 "--\n"
                                 "u/1 9 20\n"
                                 "--\n"
                                 "view j\n"
                                 "view by_x\n"
                                 "view by_g\n";
    golden(TABLES("2") JOINED("WITH (shared, partitions = 3)") BY_X BY_G,
           script,
           "j has:\n"
           "1 1 5 20\n"
           "2 1 6 20\n"
           "3 2 7 20\n"
           "4 9 8 20\n"
           "5 1 1 20\n"
           "5 1 1 20\n"
           "by_x has:\n"
           "20 28 6\n"
           "by_g has:\n"
           "1 20 6\n"
           "2 20 7\n"
           "9 20 8\n");
}

/* A shared view over a shared view, with itself, with rows that only pass. */
Test(shared, views_stand_on_each_other)
{
    static const char sql[] = TABLES(
        "1") "CREATE VIEW p WITH (shared) AS SELECT id, g, v FROM t "
             "WHERE v > 0;"
             "CREATE VIEW s (g, n) WITH (shared) AS SELECT g, count(*) "
             "FROM p GROUP BY g;"
             "CREATE MATERIALIZED VIEW pairs AS SELECT a.g, b.g AS h, "
             "a.n FROM s a JOIN s b ON a.n = b.n AND a.g < b.g;"
             "CREATE MATERIALIZED VIEW whole AS SELECT * FROM p;";
    static const char script[] = "t/0 1 1 5\n"
                                 "t/0 2 2 6\n"
                                 "t/0 3 2 0\n"
                                 "--\n"
                                 "topic app.pairs\n"
                                 "topic app.whole\n"
                                 "t/0 4 2 7\n"
                                 "--\n"
                                 "topic app.pairs\n"
                                 "topic app.whole\n"
                                 "view s\n";
    golden(sql, script,
           "app.pairs:\n"
           "{\"g\":1,\"h\":2,\"n\":1}\n"
           "app.whole:\n"
           "{\"id\":1,\"g\":1,\"v\":5}\n"
           "{\"id\":2,\"g\":2,\"v\":6}\n"
           "app.pairs:\n"
           "- {\"g\":1,\"h\":2}\n"
           "app.whole:\n"
           "{\"id\":4,\"g\":2,\"v\":7}\n"
           "s has:\n"
           "1 1\n"
           "2 2\n");
}

/* Its windows judge what is late, once; final rows go to readers as such. */
Test(shared, windows_close_for_all_readers)
{
    static const char sql[] =
        "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"
        "CREATE FOREIGN TABLE e (g int, ts timestamptz OPTIONS (watermark '0 "
        "seconds')) SERVER k OPTIONS (topic 'e', format 'json');"
        "CREATE VIEW w WITH (shared, emit = 'final', allowed_lateness = '5 "
        "seconds') AS SELECT g, window_end, count(*) AS n FROM tumble(e, ts, "
        "interval '10 seconds') GROUP BY g, window_end;"
        "CREATE MATERIALIZED VIEW most AS SELECT window_end AS at, "
        "max(n) AS n FROM w GROUP BY window_end;"
        "CREATE MATERIALIZED VIEW total AS SELECT sum(n) AS n FROM w;"
        "CREATE MATERIALIZED VIEW missed AS SELECT g, error_code FROM "
        "late_rows(w);";
    static const char script[] = "e/0 1 00:00:01\n"
                                 "e/0 1 00:00:02\n"
                                 "e/0 2 00:00:03\n"
                                 "e/0 2 00:00:12\n"
                                 "--\n"
                                 "topic app.most\n"
                                 "e/0 3 00:00:09\n"
                                 "e/0 3 00:00:16\n"
                                 "--\n"
                                 "topic app.most\n"
                                 "e/0 7 00:00:08\n"
                                 "--\n"
                                 "topic app.missed\n"
                                 "view total\n"
                                 "late w\n"
                                 "late most\n";
    golden(sql, script,
           "app.most:\n"
           "app.most:\n"
           "{\"at\":\"2024-01-01T00:00:10Z\",\"n\":2}\n"
           "app.missed:\n"
           "{\"g\":7,\"error_code\":\"CU021\"}\n"
           "total has:\n"
           "4\n"
           "late 1\n"
           "late 0\n");
}

/* --- kept once ------------------------------------------------------------ */

static bool count_joins(void *n, cu_node *node)
{
    *(uint32_t *)n += node->kind == CU_N_JOIN;
    return true;
}

static uint32_t joins_of(rig *r)
{
    const cu_stages *s = cu_runtime_stages(cu_engine_runtime(r->engine));
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++)
        cu_node_walk((cu_node *)s->at[i]->root, count_joins, &n);
    return n;
}

/* Rows that wait for each other: what a join keeps is most of the state. */
static uint64_t keys_of(const char *sql, uint32_t *joins)
{
    rig r;
    rig_open(&r, sql, NULL);
    for (int i = 0; i < 100; i++) {
        char text[64];
        snprintf(text, sizeof(text), "{\"id\":%d,\"g\":%d,\"v\":1}", i, i);
        rig_feed(&r, "t", 0, text);
        snprintf(text, sizeof(text), "{\"id\":%d,\"x\":1}", i + 90);
        rig_feed(&r, "u", 0, text);
    }
    rig_drain(&r);
    cr_expect_str_eq(rig_view(&r, "by_x"), "1 10 10\n");
    *joins = joins_of(&r);
    uint64_t keys = rig_state_keys(&r);
    rig_close(&r);
    return keys;
}

Test(shared, what_two_views_need_is_kept_once)
{
    uint32_t plain_joins, joins;
    uint64_t plain = keys_of(TABLES("1") JOINED("") BY_X BY_G, &plain_joins);
    uint64_t shared = keys_of(TABLES("1") JOINED("WITH (shared)") BY_X BY_G,
                              &joins);
    cr_expect_eq(plain_joins, 2);
    cr_expect_eq(joins, 1);
    /* 100 rows of t, 100 of u twice, less the 10 that j keeps as its own. */
    cr_expect_geq(plain, shared + 250, "%llu keys, shared %llu",
                  (unsigned long long)plain, (unsigned long long)shared);
}

/* --- readers that come later ---------------------------------------------- */

static void feed_some(rig *r)
{
    rig_feed(r, "u", 0, "{\"id\":1,\"x\":10}");
    rig_feed(r, "t", 0, "{\"id\":1,\"g\":1,\"v\":5}");
    rig_feed(r, "t", 1, "{\"id\":2,\"g\":1,\"v\":6}");
    rig_feed(r, "t", 1, "{\"id\":2,\"g\":1,\"v\":6}");
    rig_run(r);
}

static void joins_late(void (*open)(rig *, const char *, rig_tweak *))
{
    rig r;
    open(&r, TABLES("2") JOINED("WITH (shared)") BY_X, NULL);
    feed_some(&r);
    cr_expect_str_eq(rig_view(&r, "by_x"), "10 17 3\n");
    rig_change(&r, TABLES("2") JOINED("WITH (shared)") BY_X BY_G, NULL);
    rig_run(&r);
    cr_expect_str_eq(rig_view(&r, "by_g"), "1 10 6\n");
    rig_feed(&r, "u", 0, "{\"id\":1,\"x\":11}");
    rig_run(&r);
    cr_expect_str_eq(rig_view(&r, "by_g"), "1 11 6\n");
    cr_expect_str_eq(rig_view(&r, "by_x"), "11 17 3\n");
    rig_close(&r);
}

Test(shared, a_reader_that_comes_later_begins_with_its_rows)
{
    joins_late(rig_open);
    joins_late(rig_open_beside);
}

/* Steps until the worker gives up. */
static void expect_failure(rig *r, const char *want)
{
    cu_err err = {0};
    bool busy;
    int rc = 0;
    for (int n = 0; n < 100 && rc == 0; n++)
        rc = cu_worker_step(r->workers[0], 0, &busy, &err);
    cr_expect_neq(rc, 0);
    cr_expect(strstr(err.msg, want) != NULL, "%s", err.msg);
}

#define PASSING \
    TABLES("2") "CREATE VIEW p WITH (shared) AS SELECT * FROM t WHERE v > 5;"

Test(shared, rows_that_passed_are_not_made_up_for_a_later_reader)
{
    rig r;
    rig_open(&r,
             PASSING "CREATE MATERIALIZED VIEW a AS SELECT count(*) FROM p;",
             NULL);
    feed_some(&r);
    cr_expect_str_eq(rig_view(&r, "a"), "2\n");
    rig_change(&r,
               PASSING "CREATE MATERIALIZED VIEW a AS SELECT count(*) FROM p;"
                       "CREATE MATERIALIZED VIEW b AS SELECT max(v) FROM p;",
               NULL);
    expect_failure(&r, "view b reads shared view p, which runs already and "
                       "keeps no rows");
    rig_close(&r);
}

/* A topic would have what is said from now on, and not what was. */
Test(shared, is_not_made_a_materialized_view_in_its_state)
{
#define SUMS(what) \
    TABLES("2") "CREATE " what " AS SELECT g, sum(v) AS v FROM t GROUP BY g;"
    rig r;
    rig_open(&r, SUMS("VIEW s WITH (shared)"), NULL);
    feed_some(&r);
    cr_expect_str_eq(rig_view(&r, "s"), "1 17\n");
    rig_change(&r, SUMS("MATERIALIZED VIEW s"), NULL);
    expect_failure(&r, "view s was changed since its state was made");
    rig_close(&r);
}

/* --- queries -------------------------------------------------------------- */

/* The number of rows, or the error. */
static const char *ask(rig *r, const char *sql, char *out, size_t n)
{
    cu_sql_problems problems;
    cu_query *q;
    cu_result *result;
    cu_err err = {0};
    cr_assert_eq(
        cu_sql_query(r->program, cu_slice_of(sql), &q, &problems, &err), 0,
        "%s", err.msg);
    cu_sql_problems_free(&problems);
    if (cu_engine_query(r->engine, q, &result, &err)) {
        snprintf(out, n, "%s", err.msg);
    } else {
        uint32_t rows_of = 0;
        for (const cu_batch *b; (b = cu_result_next(result));)
            rows_of += b->n_sel;
        snprintf(out, n, "%u", rows_of);
        cu_result_free(result);
    }
    cu_query_free(q);
    return out;
}

Test(shared, is_read_by_queries_from_its_state)
{
    char out[1024];
    rig r;
    rig_open(&r,
             TABLES("2") JOINED("WITH (shared)") BY_X
             "CREATE VIEW p WITH (shared) AS SELECT * FROM t;",
             NULL);
    feed_some(&r);
    cr_expect_str_eq(ask(&r, "SELECT * FROM j", out, sizeof(out)), "3");
    cr_expect_str_eq(ask(&r, "SELECT DISTINCT id FROM j JOIN by_x USING (x)",
                         out, sizeof(out)),
                     "2");
    ask(&r, "SELECT * FROM p", out, sizeof(out));
    cr_expect(strstr(out, "view p has no key and no topic of its own") != NULL,
              "%s", out);
    rig_close(&r);
}

/* On Kafka other processes may keep some of its partitions. */
Test(shared, is_not_read_by_queries_on_kafka)
{
    char out[1024];
    rig r;
    rig_open_beside(&r, TABLES("2") JOINED("WITH (shared)") BY_X, NULL);
    feed_some(&r);
    ask(&r, "SELECT * FROM j", out, sizeof(out));
    cr_expect(strstr(out, "shared view j has no topic") != NULL, "%s", out);
    cr_expect_str_eq(ask(&r, "SELECT * FROM by_x", out, sizeof(out)), "1");
    rig_close(&r);
}
