/* state_ttl: what operators forget, what the view keeps, and that a kill, a
 * loss or a restore from the changelog changes nothing of it. */
#include "tests/unit/engine/golden.h"
#include "tests/unit/engine/script.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define TABLES                                                               \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"                            \
    "CREATE FOREIGN TABLE t (k int, v int) SERVER k OPTIONS (topic 't', "    \
    "format 'json', partitions '1');"                                        \
    "CREATE FOREIGN TABLE s (k int, w int) SERVER k OPTIONS (topic 's', "    \
    "format 'json', partitions '1');"                                        \
    "CREATE FOREIGN TABLE u (id int OPTIONS (key 'true') PRIMARY KEY, name " \
    "text, k int) SERVER k OPTIONS (topic 'u', format 'json', mode "         \
    "'upsert');"

Test(ttl, a_group_begins_anew_and_its_row_is_replaced)
{
    golden(TABLES
           "CREATE MATERIALIZED VIEW g WITH (state_ttl = '1 minute') AS SELECT "
           "k, count(*) AS n, sum(v) AS s, count(DISTINCT v) AS d FROM t GROUP "
           "BY k;"
           "CREATE MATERIALIZED VIEW all_of_it AS SELECT count(*) AS n, sum(s) "
           "AS s FROM g;",
           "t/0 1 5\n"
           "t/0 2 7\n"
           "t/0 2 7\n"
           "--\n"
           "topic app.g\n"
           "pass 40000\n"
           "t/0 1 6\n"
           "--\n"
           "pass 40000\n"
           "--\n"
           "topic app.g\n"
           "view g\n"
           "t/0 1 1\n"
           "t/0 2 1\n"
           "--\n"
           "topic app.g\n"
           "pass 600000\n"
           "--\n"
           "topic app.g\n"
           "view g\n"
           "view all_of_it\n"
           "keys 4\n",
           "app.g:\n"
           "{\"k\":1,\"n\":1,\"s\":5,\"d\":1}\n"
           "{\"k\":2,\"n\":2,\"s\":14,\"d\":1}\n"
           "app.g:\n"
           "{\"k\":1,\"n\":2,\"s\":11,\"d\":2}\n"
           "g has:\n"
           "1 2 11 2\n"
           "2 2 14 1\n"
           "app.g:\n"
           "{\"k\":1,\"n\":3,\"s\":12,\"d\":3}\n"
           "{\"k\":2,\"n\":1,\"s\":1,\"d\":1}\n"
           "app.g:\n"
           "g has:\n"
           "1 3 12 3\n"
           "2 1 1 1\n"
           "all_of_it has:\n"
           "2 13\n");
}

Test(ttl, duplicates_are_known_for_so_long)
{
    golden(TABLES
           "CREATE MATERIALIZED VIEW f WITH (state_ttl = '1 minute') AS SELECT "
           "DISTINCT ON (k) k, v FROM t ORDER BY k, v DESC;"
           "CREATE MATERIALIZED VIEW top WITH (state_ttl = '1 minute', "
           "primary_key = 'k, rn') AS SELECT * FROM (SELECT k, v, row_number() "
           "OVER (PARTITION BY k ORDER BY v DESC) AS rn FROM t) x WHERE rn <= "
           "2;",
           "t/0 1 5\n"
           "t/0 1 6\n"
           "t/0 1 4\n"
           "--\n"
           "topic app.f\n"
           "topic app.top\n"
           "pass 30000\n"
           "t/0 1 1\n"
           "--\n"
           "topic app.f\n"
           "topic app.top\n"
           "pass 40000\n"
           "t/0 1 3\n"
           "--\n"
           "topic app.f\n"
           "topic app.top\n"
           "view top\n",
           "app.f:\n"
           "{\"k\":1,\"v\":6}\n"
           "app.top:\n"
           "{\"k\":1,\"v\":6,\"rn\":1}\n"
           "{\"k\":1,\"v\":5,\"rn\":2}\n"
           "app.f:\n"
           "app.top:\n"
           "app.f:\n"
           "{\"k\":1,\"v\":3}\n"
           "app.top:\n"
           "{\"k\":1,\"v\":3,\"rn\":1}\n"
           "top has:\n"
           "1 3 1\n"
           "1 5 2\n");
}

Test(ttl, a_stream_is_forgotten_and_a_table_stays)
{
    script_check(
        TABLES
        "CREATE MATERIALIZED VIEW named WITH (state_ttl = '1 minute', "
        "primary_key = 'v') AS SELECT t.v, u.name FROM t JOIN u USING (k);"
        "CREATE MATERIALIZED VIEW p WITH (state_ttl = '1 minute', primary_key "
        "= 'v') AS SELECT t.v, s.w FROM t LEFT JOIN s ON s.k = t.k;"
        "CREATE MATERIALIZED VIEW one WITH (state_ttl = '1 minute', "
        "primary_key = 'v') AS SELECT t.v, x.m FROM t JOIN (SELECT k, "
        "max(name) AS m FROM u GROUP BY k) x USING (k);",
        "u 0 {\"id\":1} {\"id\":1,\"name\":\"one\",\"k\":1}\n"
        "s 0 - {\"k\":1,\"w\":50}\n"
        "run\n"
        "t 0 - {\"k\":1,\"v\":5}\n"
        "run\n"
        "pass 70000\n"
        "run\n"
        "u 0 {\"id\":1} {\"id\":1,\"name\":\"uno\",\"k\":1}\n"
        "run\n"
        "t 0 - {\"k\":1,\"v\":6}\n"
        "run\n"
        "s 0 - {\"k\":1,\"w\":60}\n"
        "run\n",
        "named\n"
        "  5 one\n"
        "  6 uno\n"
        "one\n"
        "  5 one\n"
        "  6 uno\n"
        "p\n"
        "  5 50\n"
        "  6 60\n");
}

Test(ttl, rows_that_go_unknown_are_ignored)
{
    script_check(
        TABLES
        "CREATE MATERIALIZED VIEW g WITH (state_ttl = '1 minute') AS SELECT k, "
        "count(*) AS n, max(name) AS m, count(DISTINCT name) AS d FROM u GROUP "
        "BY k;"
        "CREATE MATERIALIZED VIEW sums WITH (state_ttl = '1 minute', "
        "primary_key = 'id') AS SELECT id, sum(id) OVER (PARTITION BY k) AS s "
        "FROM u;"
        "CREATE MATERIALIZED VIEW best WITH (state_ttl = '1 minute') AS SELECT "
        "DISTINCT ON (k) k, name FROM u ORDER BY k, name;",
        "u 0 {\"id\":1} {\"id\":1,\"name\":\"a\",\"k\":1}\n"
        "u 0 {\"id\":2} {\"id\":2,\"name\":\"b\",\"k\":1}\n"
        "u 0 {\"id\":3} {\"id\":3,\"name\":\"c\",\"k\":2}\n"
        "run\n"
        "pass 70000\n"
        "run\n"
        "u 0 {\"id\":1} {\"id\":1,\"name\":\"d\",\"k\":1}\n"
        "u 0 {\"id\":3} null\n"
        "run\n"
        "u 0 {\"id\":2} {\"id\":2,\"name\":\"e\",\"k\":3}\n"
        "run\n",
        "g\n"
        "  2 1 c 1\n"
        "  3 1 e 1\n"
        "sums\n"
        "  1 3\n"
        "  2 2\n"
        "  3 3\n"
        "best\n"
        "  1 d\n"
        "  2 c\n"
        "  3 e\n");
}

#define COUNTS(ttl)                                             \
    TABLES "CREATE MATERIALIZED VIEW g WITH (state_ttl = '" ttl \
           "') AS SELECT k, count(*) AS n FROM t GROUP BY k;"

Test(ttl, its_length_may_change)
{
    rig r;
    rig_open(&r, COUNTS("1 minute"), NULL);
    rig_feed(&r, "t", 0, "{\"k\": 1, \"v\": 1}");
    rig_run(&r);
    rig_change(&r, COUNTS("1 hour"), NULL);
    rig_pass_ms(&r, 70000);
    rig_feed(&r, "t", 0, "{\"k\": 1, \"v\": 1}");
    rig_run(&r);
    cr_expect_str_eq(rig_view(&r, "g"), "1 2\n");
    rig_change(&r, COUNTS("10 seconds"), NULL);
    rig_pass_ms(&r, 20000);
    rig_feed(&r, "t", 0, "{\"k\": 1, \"v\": 1}");
    rig_run(&r);
    cr_expect_str_eq(rig_view(&r, "g"), "1 1\n");
    rig_close(&r);
}

/* --- an endless stream ---------------------------------------------------- */

enum { STEP = 400 };

static const char endless[] = TABLES
    "CREATE MATERIALIZED VIEW f WITH (state_ttl = '1 minute') AS SELECT "
    "sum(v) AS s FROM (SELECT DISTINCT ON (k) k, v FROM t ORDER BY k, v) x;"
    "CREATE MATERIALIZED VIEW g WITH (state_ttl = '1 minute') AS SELECT "
    "sum(n) AS n, sum(v) AS v FROM (SELECT k, count(*) AS n, count(DISTINCT v) "
    "AS v FROM t GROUP BY k) x WHERE n > 1;"
    "CREATE MATERIALIZED VIEW r WITH (state_ttl = '1 minute') AS SELECT "
    "count(*) AS n FROM (SELECT v, row_number() OVER (PARTITION BY k ORDER BY "
    "v) "
    "AS rn FROM t) x WHERE rn <= 2;"
    "CREATE MATERIALIZED VIEW p WITH (state_ttl = '1 minute') AS SELECT t.v, "
    "s.w FROM t JOIN s USING (k);"
    "CREATE MATERIALIZED VIEW l WITH (state_ttl = '1 minute') AS SELECT "
    "count(*) AS n FROM t LEFT JOIN s USING (k) WHERE s.w IS NULL;"
    "CREATE MATERIALIZED VIEW o WITH (state_ttl = '1 minute') AS SELECT "
    "sum(a) AS n FROM (SELECT sum(v) OVER (PARTITION BY k) AS a FROM t) x;";

static void feed(rig *r, int from)
{
    static char text[STEP][60];
    rig_record some[STEP];
    for (int i = 0; i < STEP; i++) {
        bool left = i % 2;
        snprintf(text[i], sizeof(text[i]), "{\"k\": %d, \"%s\": %d}",
                 from + i / 2, left ? "v" : "w", i);
        some[i] = (rig_record){left ? "t" : "s", 0, text[i]};
    }
    rig_feed_all(r, some, STEP);
    rig_run(r);
    rig_pass_ms(r, 20000);
}

Test(ttl, the_state_of_an_endless_stream_of_keys)
{
    rig r;
    int rows = getenv("CUPEL_LONG") ? 1000000 : 24000;
    uint64_t most = 0, first = 0;
    rig_open_beside(&r, endless, NULL);
    for (int at = 0; at < rows; at += STEP) {
        feed(&r, at);
        uint64_t n = rig_state_keys(&r);
        if (at == 20 * STEP)
            first = n;
        if (at > 20 * STEP)
            most = n > most ? n : most;
    }
    cr_expect_geq(first, STEP);
    cr_expect_lt(most, first + first / 2, "%llu keys after %llu",
                 (unsigned long long)most, (unsigned long long)first);
    rig_wipe(&r);
    rig_run(&r);
    cr_expect_lt(rig_state_keys(&r), first + first / 2);
    rig_pass_ms(&r, 100000);
    rig_run(&r);
    cr_expect_lt(rig_state_keys(&r), 40);
    rig_close(&r);
}
