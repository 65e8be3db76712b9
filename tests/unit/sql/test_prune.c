/* What is dropped from plans, what must not be, and what becomes one. */
#include "tests/unit/sql/golden.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* o streams; s is somebody's rows without a key, which change; d is keyed. */
#define T                                                                      \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;\n"                            \
    "CREATE SERVER f FOREIGN DATA WRAPPER files OPTIONS (path 'data');\n"      \
    "CREATE FOREIGN TABLE o (id bigint NOT NULL, k int, v bigint, t text, "    \
    "ts timestamptz OPTIONS (watermark '5 seconds') NOT NULL) SERVER k "       \
    "OPTIONS (topic 'o', format 'json');\n"                                    \
    "CREATE FOREIGN TABLE s (a int, b int, c int) SERVER f "                   \
    "OPTIONS (glob '*.csv', format 'csv', mode 'snapshot');\n"                 \
    "CREATE FOREIGN TABLE d (k int OPTIONS (key 'true') PRIMARY KEY, n text, " \
    "m text) SERVER k OPTIONS (topic 'd', format 'json', mode 'upsert');\n"

static void plan(const char *query, const char *want)
{
    char sql[4096];
    (void)snprintf(sql, sizeof(sql), T "CREATE MATERIALIZED VIEW x AS %s;",
                   query);
    expect_plan(sql, want);
}

/* clang-format off */
Test(prune, aggregates_and_windows_that_nobody_reads_are_not_computed)
{
    plan("SELECT k, n FROM (SELECT k, count(*) AS n, max(v) AS m FROM o "
         "GROUP BY k) g",
         "materialize x -> k integer, n bigint key(k)\n"
         "  project as(k, count) -> k integer, n bigint key(k)\n"
         "    aggregate by(k) count(*) -> k integer, count bigint key(k)\n"
         "      project as(k) -> k integer append-only\n"
         "        source o -> id bigint, k integer, v bigint, t text, ts timestamp with time zone append-only\n");
    plan("SELECT DISTINCT id FROM (SELECT id, lag(v) OVER (PARTITION BY k "
         "ORDER BY ts) FROM o) w",
         "materialize x -> id bigint key(id)\n"
         "  aggregate by(id) -> id bigint key(id)\n"
         "    project as(id) -> id bigint\n"
         "      source o -> id bigint, k integer, v bigint, t text, ts timestamp with time zone append-only\n");
}

Test(prune, a_rank_whose_rows_can_go_keeps_what_tells_them_apart)
{
    plan("SELECT a, b FROM (SELECT *, row_number() OVER (PARTITION BY a ORDER "
         "BY b) AS r FROM s) q WHERE r = 1",
         "materialize x -> a integer, b integer key(a)\n"
         "  project as(a, b) -> a integer, b integer key(a)\n"
         "    filter where((row_number = 1::bigint)) -> a integer, b integer, c integer, row_number bigint key(a)\n"
         "      rank by(a) order(b) limit 1 numbered -> a integer, b integer, c integer, row_number bigint key(a, row_number)\n"
         "        normalize s -> a integer, b integer, c integer\n"
         "          source s -> a integer, b integer, c integer\n");
    plan("SELECT n FROM (SELECT *, row_number() OVER (PARTITION BY n ORDER BY "
         "n) AS r FROM d) q WHERE r = 1",
         "materialize x -> n text key(n)\n"
         "  project as(n) -> n text key(n)\n"
         "    filter where((row_number = 1::bigint)) -> k integer, n text, row_number bigint key(n)\n"
         "      rank by(n) order(n) limit 1 numbered -> k integer, n text, row_number bigint key(k)\n"
         "        project as(k, n) -> k integer, n text key(k)\n"
         "          normalize d -> k integer, n text, m text key(k)\n"
         "            source d -> k integer, n text, m text\n");
    plan("SELECT k, v FROM (SELECT *, row_number() OVER (PARTITION BY k ORDER "
         "BY v) AS r FROM o) q WHERE r = 1",
         "materialize x -> k integer, v bigint key(k)\n"
         "  project as(k, v) -> k integer, v bigint key(k)\n"
         "    filter where((row_number = 1::bigint)) -> k integer, v bigint, row_number bigint key(k)\n"
         "      rank by(k) order(v) limit 1 numbered -> k integer, v bigint, row_number bigint key(k, row_number)\n"
         "        project as(k, v) -> k integer, v bigint append-only\n"
         "          source o -> id bigint, k integer, v bigint, t text, ts timestamp with time zone append-only\n");
}

Test(prune, what_may_be_late_is_shown_whole)
{
    plan("SELECT window_start, count(*) AS n FROM tumble(o, ts, size => "
         "interval '1 hour') GROUP BY 1",
         "materialize x -> window_start timestamp with time zone, n bigint key(window_start)\n"
         "  project as(window_start, count) -> window_start timestamp with time zone, n bigint key(window_start)\n"
         "    aggregate by(window_start) count(*) closes after 01:00:00 -> window_start timestamp with time zone, count bigint key(window_start)\n"
         "      project as(window_start) -> window_start timestamp with time zone append-only\n"
         "        window tumble of ts size 01:00:00 judged -> id bigint, k integer, v bigint, t text, ts timestamp with time zone, window_start timestamp with time zone, window_end timestamp with time zone append-only\n"
         "          source o -> id bigint, k integer, v bigint, t text, ts timestamp with time zone append-only\n");
}

Test(prune, inputs_of_a_union_keep_the_same_columns)
{
    plan("SELECT k, count(*) AS n FROM (SELECT id, k, v FROM o UNION ALL "
         "SELECT a, b, c FROM s) u GROUP BY k",
         "materialize x -> k integer, n bigint key(k)\n"
         "  project as(k, count) -> k integer, n bigint key(k)\n"
         "    aggregate by(k) count(*) -> k integer, count bigint key(k)\n"
         "      union -> k integer\n"
         "        project as(k) -> k integer append-only\n"
         "          source o -> id bigint, k integer, v bigint, t text, ts timestamp with time zone append-only\n"
         "        project as(b) -> k integer\n"
         "          normalize s -> a integer, b integer, c integer\n"
         "            source s -> a integer, b integer, c integer\n");
}

Test(prune, rows_have_at_least_one_column)
{
    plan("SELECT count(*) AS n FROM o, s",
         "materialize x -> n bigint single\n"
         "  project as(count) -> n bigint single\n"
         "    aggregate count(*) global -> count bigint single\n"
         "      project as(1) -> e1 integer\n"
         "        join inner on() -> id bigint, a integer\n"
         "          project as(id) -> id bigint append-only\n"
         "            source o -> id bigint, k integer, v bigint, t text, ts timestamp with time zone append-only\n"
         "          project as(a) -> a integer\n"
         "            normalize s -> a integer, b integer, c integer\n"
         "              source s -> a integer, b integer, c integer\n");
}

Test(prune, what_is_named_twice_is_one)
{
    plan("WITH g AS (SELECT k, count(*) AS n FROM o GROUP BY k) "
         "SELECT a.k, a.n, b.n AS next FROM g a JOIN g b ON b.k = a.k + 1",
         "materialize x -> k integer, n bigint, next bigint key(k)\n"
         "  project as(k, n, n) -> k integer, n bigint, next bigint key(k)\n"
         "    join inner on(k3 = k) -> k integer, n bigint, k3 integer, k integer, n bigint key(k)\n"
         "      project as(k, count, (k + 1)) -> k integer, n bigint, k3 integer key(k)\n"
         "        aggregate by(k) count(*) -> k integer, count bigint key(k)\n"
         "          project as(k) -> k integer append-only\n"
         "            source o -> id bigint, k integer, v bigint, t text, ts timestamp with time zone append-only\n"
         "      project as(k, count) -> k integer, n bigint key(k)\n"
         "        aggregate by(k) count(*): the one above\n");
    plan("SELECT a.k, count(*) AS n FROM o a JOIN o b ON a.k = b.k GROUP BY "
         "a.k",
         "materialize x -> k integer, n bigint key(k)\n"
         "  project as(k, count) -> k integer, n bigint key(k)\n"
         "    aggregate by(k) count(*) -> k integer, count bigint key(k)\n"
         "      project as(k) -> k integer append-only\n"
         "        join inner on(k = k) -> k integer, k integer append-only\n"
         "          project as(k) -> k integer append-only\n"
         "            source o -> id bigint, k integer, v bigint, t text, ts timestamp with time zone append-only\n"
         "          project as(k): the one above\n");
}

Test(prune, a_column_made_equal_by_a_join_can_stand_for_a_key)
{
    plan("SELECT g.k, d.n, g.c FROM d JOIN (SELECT k, count(*) AS c FROM o "
         "GROUP BY k) g ON g.k = d.k",
         "materialize x -> k integer, n text, c bigint key(k)\n"
         "  project as(k, n, c) -> k integer, n text, c bigint key(k)\n"
         "    join inner on(k = k) -> k integer, n text, k integer, c bigint key(k)\n"
         "      project as(k, n) -> k integer, n text key(k)\n"
         "        normalize d -> k integer, n text, m text key(k)\n"
         "          source d -> k integer, n text, m text\n"
         "      project as(k, count) -> k integer, c bigint key(k)\n"
         "        aggregate by(k) count(*) -> k integer, count bigint key(k)\n"
         "          project as(k) -> k integer append-only\n"
         "            source o -> id bigint, k integer, v bigint, t text, ts timestamp with time zone append-only\n");
}
