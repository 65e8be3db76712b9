/* CREATE VIEW … WITH (shared). */
#include "tests/unit/sql/golden.h"

#include <criterion/criterion.h>

#define TABLES                                                              \
    SERVERS                                                                 \
    "\n"                                                                    \
    "CREATE FOREIGN TABLE t (id int, g int, v int, ts timestamptz OPTIONS " \
    "(watermark '5 seconds')) SERVER k OPTIONS (topic 't', format 'json');" \
    "CREATE FOREIGN TABLE u (id int OPTIONS (key 'true') PRIMARY KEY, x "   \
    "int) SERVER k OPTIONS (topic 'u', format 'json', mode 'upsert');\n"

#define PROGRAM                                                \
    "server k kafka\n"                                         \
    "server f files\n"                                         \
    "server h http\n"                                          \
    "server b blackhole\n"                                     \
    "table t on k append json topic t\n"                       \
    "  id integer\n"                                           \
    "  g integer\n"                                            \
    "  v integer\n"                                            \
    "  ts timestamp with time zone watermark 5000000\n"        \
    "table u on k upsert json topic u key (id) tombstones 1\n" \
    "  id integer from key not null key\n"                     \
    "  x integer\n"

Test(shared_view, has_no_topic_and_derives_its_key)
{
    expect(TABLES
           "CREATE VIEW a WITH (shared) AS SELECT g, count(*) AS n FROM t "
           "GROUP BY g;\n"
           "CREATE VIEW b (x, n) WITH (shared = on) AS SELECT u.x, t.v FROM t "
           "JOIN u ON u.id = t.g;\n"
           "CREATE VIEW c WITH (shared = 'true', primary_key = 'id') AS "
           "SELECT id, count(*) OVER (PARTITION BY id) AS n FROM t;\n"
           "CREATE VIEW d WITH (shared = false) AS SELECT 1 AS one;\n"
           "CREATE MATERIALIZED VIEW all_of AS SELECT count(*) AS n FROM a, b,"
           " c, d;",
           PROGRAM "view a (g integer, n bigint) shared key (g)\n"
                   "view b (x integer, n integer) shared bag\n"
                   "view c (id integer, n bigint) shared key (id)\n"
                   "view all_of (n bigint) topic app.all_of single\n");
}

Test(shared_view, takes_the_options_of_a_stage)
{
    expect(TABLES
           "CREATE VIEW w WITH (shared, emit = 'final', allowed_lateness = "
           "'1 minute', late = 'w.late', retention = '1 day', partitions = 4,"
           " on_error = 'fail') AS SELECT g, window_end, count(*) AS n FROM "
           "tumble(t, ts, interval '1 minute') GROUP BY g, window_end;\n"
           "CREATE VIEW f WITH (shared, state_ttl = '1 day') AS SELECT g, "
           "max(v) AS v FROM t GROUP BY g;\n"
           "CREATE MATERIALIZED VIEW r AS SELECT g, error_code FROM "
           "late_rows(w);\n"
           "CREATE MATERIALIZED VIEW m AS SELECT max(n) AS n FROM w, f;",
           PROGRAM
           "table late_rows(w) on k append json topic w.late letters_of w\n"
           "  id integer\n"
           "  g integer\n"
           "  v integer\n"
           "  ts timestamp with time zone\n"
           "  window_start timestamp with time zone\n"
           "  window_end timestamp with time zone\n"
           "  watermark timestamp with time zone\n"
           "  error_code text\n"
           "  error_message text\n"
           "  stage text\n"
           "  view text\n"
           "  column_name text\n"
           "  topic text\n"
           "  partition integer\n"
           "  record_offset bigint\n"
           "  record_time timestamp with time zone\n"
           "  file text\n"
           "  line bigint\n"
           "  raw_key bytea\n"
           "  raw_value bytea\n"
           "  headers jsonb\n"
           "  first_seen timestamp with time zone\n"
           "view w (g integer, window_end timestamp with time zone, n bigint) "
           "shared key (g, window_end) partitions 4 fail 1 emit 1 lateness "
           "60000000 late w.late retention 86460000000 by 2\n"
           "view f (g integer, v integer) shared key (g)\n"
           "view r (g integer, error_code text) topic app.r\n"
           "view m (n bigint) topic app.m single\n");
}

Test(shared_view, is_not_published)
{
    expect_messages(
        TABLES
        "CREATE VIEW a WITH (shared, topic = 'x', format = 'avro', into = "
        "'u', emit_interval = '1 second', registry = 'x') AS SELECT 1 AS n;\n"
        "CREATE VIEW b WITH (shared, emit = 'early_final') AS SELECT g, "
        "window_end, count(*) AS n FROM tumble(t, ts, interval '1 minute') "
        "GROUP BY g, window_end;\n"
        "CREATE VIEW c WITH (shared = perhaps) AS SELECT 1 AS n;\n"
        "CREATE VIEW d WITH (shared, shared) AS SELECT 1 AS n;\n"
        "CREATE VIEW e WITH (share) AS SELECT 1 AS n;\n"
        "CREATE VIEW f WITH (primary_key = 'n') AS SELECT 1 AS n;\n"
        "CREATE VIEW h WITH (shared, primary_key = 'm') AS SELECT 1 AS n;\n"
        "CREATE VIEW i WITH (shared, color = 'red') AS SELECT 1 AS n;\n"
        "CREATE MATERIALIZED VIEW j WITH (shared) AS SELECT 1 AS n;\n"
        "INSERT INTO a SELECT 1;",
        "3:29 HV00D a shared view is not published: it has no option "
        "\"topic\"\n"
        "3:42 HV00D a shared view is not published: it has no option "
        "\"format\"\n"
        "3:59 HV00D a shared view is not published: it has no option "
        "\"into\"\n"
        "3:71 HV00D a shared view is not published: it has no option "
        "\"emit_interval\"\n"
        "3:99 HV00D a shared view is not published: it has no option "
        "\"registry\"\n"
        "4:36 42P16 emit = 'early_final' marks records of a topic, and a "
        "shared view has none\n"
        "5:30 22023 invalid value for option \"shared\": \"perhaps\"\n"
        "6:29 42710 option \"shared\" provided more than once\n"
        "7:21 HV00D unknown option \"share\" of a plain view\n"
        "8:21 HV00D unknown option \"primary_key\" of a plain view\n"
        "9:43 42703 column \"m\" named in primary_key does not exist\n"
        "10:29 HV00D unknown option \"color\" of a shared view\n"
        "11:34 HV00D unknown option \"shared\" of a materialized view\n");
}

Test(shared_view, is_found_by_name_alone)
{
    expect_messages(TABLES
                    "CREATE VIEW joined WITH (shared) AS SELECT t.v, u.x FROM "
                    "t JOIN u ON u.id = t.g;\n"
                    "CREATE VIEW joined AS SELECT 1;\n"
                    "CREATE MATERIALIZED VIEW a AS SELECT max(v) FROM joind;\n"
                    "CREATE MATERIALIZED VIEW b AS SELECT v, x FROM joined;\n"
                    "CREATE MATERIALIZED VIEW c AS SELECT * FROM "
                    "late_rows(joined);\n"
                    "CREATE MATERIALIZED VIEW d AS SELECT * FROM "
                    "history(joined);\n",
                    "4:13 42P07 relation \"joined\" already exists\n"
                    "5:50 42P01 relation \"joind\" does not exist\n"
                    "6:26 42P16 the rows of \"b\" change, but no key can be "
                    "derived for them\n"
                    "7:55 42809 view \"joined\" has no late rows\n"
                    "8:45 42P16 history() needs a key: none is known of this "
                    "relation\n");
}

Test(shared_view, that_shares_nothing_is_told)
{
    expect_messages(TABLES
                    "CREATE VIEW a WITH (shared) AS SELECT g FROM t WHERE v > "
                    "1 UNION ALL SELECT v FROM t;\n"
                    "CREATE VIEW b WITH (shared) AS SELECT * FROM u;\n"
                    "CREATE VIEW c WITH (shared) AS SELECT g FROM a GROUP BY "
                    "g;\n"
                    "CREATE MATERIALIZED VIEW d AS SELECT count(*) AS n FROM "
                    "c;",
                    "3:13 - shared view \"a\" keeps nothing that could be "
                    "shared\n"
                    "4:13 - nobody reads shared view \"b\"\n");
}

/* Conditions and columns of its readers stay outside. */
Test(shared_view, is_the_same_whoever_reads_it)
{
    expect_plan(TABLES
                "CREATE VIEW s WITH (shared) AS SELECT t.g, t.v, u.x FROM t "
                "JOIN u ON u.id = t.g;\n"
                "CREATE MATERIALIZED VIEW r AS SELECT x, count(*) AS n FROM s "
                "WHERE g = 1 GROUP BY x;",
                "materialize r -> x integer, n bigint key(x)\n"
                "  project as(x, count) -> x integer, n bigint key(x)\n"
                "    aggregate by(x) count(*) -> x integer, count bigint "
                "key(x)\n"
                "      project as(x) -> x integer\n"
                "        filter where((g = 1)) -> g integer, v integer, x "
                "integer\n"
                "          view s -> g integer, v integer, x integer\n");
}
