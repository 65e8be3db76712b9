/* state_ttl: what forgets, what stays, and what is refused. */
#include "tests/unit/sql/golden.h"

#include <criterion/criterion.h>

#define TABLES                                                                \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka; CREATE SERVER f FOREIGN "    \
    "DATA WRAPPER files OPTIONS (path 'data'); CREATE FOREIGN TABLE t (g "    \
    "int, v int, ts timestamptz OPTIONS (watermark '5 seconds')) SERVER k "   \
    "OPTIONS (topic 't', format 'json'); CREATE FOREIGN TABLE u (id int "     \
    "OPTIONS (key 'true') PRIMARY KEY, v int, ts timestamptz OPTIONS "        \
    "(watermark '5 seconds') NOT NULL) SERVER k OPTIONS (topic 'u', format "  \
    "'json', mode 'upsert'); CREATE FOREIGN TABLE n (id int PRIMARY KEY, v "  \
    "int) SERVER f OPTIONS (glob '*.csv', format 'csv', mode 'snapshot');"    \
    " CREATE MATERIALIZED VIEW seen AS SELECT v, count(*) AS c FROM n GROUP " \
    "BY v;\n"

#define WITH(value)                                       \
    "CREATE MATERIALIZED VIEW x WITH (state_ttl = " value \
    ") AS SELECT g, count(*) AS n FROM t GROUP BY g;"
#define DAY(query) \
    "CREATE MATERIALIZED VIEW x WITH (state_ttl = '1 day') AS " query ";"

Test(ttl, its_value_is_a_time_span)
{
    expect_messages(TABLES WITH("'1 day'"), "");
    expect_messages(TABLES WITH("'90 seconds'"), "");
    expect_messages(
        TABLES WITH("'1 month'"),
        "2:46 22023 invalid value for option \"state_ttl\": \"1 month\"\n");
    expect_messages(
        TABLES WITH("'-1 day'"),
        "2:46 22023 invalid value for option \"state_ttl\": \"-1 day\"\n");
    expect_messages(
        TABLES WITH("'0 seconds'"),
        "2:46 22023 invalid value for option \"state_ttl\": \"0 seconds\"\n");
    expect_messages(
        TABLES WITH("'soon'"),
        "2:46 22023 invalid value for option \"state_ttl\": \"soon\"\n");
    expect_messages(
        TABLES "CREATE VIEW x WITH (state_ttl = '1 day') AS SELECT g FROM t;",
        "2:21 HV00D unknown option \"state_ttl\" of a plain view\n");
}

Test(ttl, what_promises_to_remember_is_refused)
{
    expect_messages(TABLES DAY("SELECT * FROM history(u, ARRAY[id], ts)"),
                    "2:34 42P16 option \"state_ttl\" cannot forget the "
                    "versions of history()\n");
    expect_messages(
        TABLES DAY("SELECT id, surrogate_id FROM surrogate(u, ARRAY[id])"),
        "2:34 42P16 option \"state_ttl\" cannot forget the numbers of "
        "surrogate()\n");
    expect_messages(TABLES DAY("SELECT v, count(*) AS n FROM n GROUP BY v"),
                    "2:34 42P16 option \"state_ttl\" cannot forget groups over "
                    "snapshot table n\n");
    expect_messages(TABLES DAY("SELECT c, count(*) AS n FROM seen GROUP BY c"),
                    "2:34 42P16 option \"state_ttl\" cannot forget groups over "
                    "snapshot table n\n");
}

Test(ttl, there_must_be_something_to_forget)
{
    static const char nothing[] = "2:34 42P16 option \"state_ttl\" has nothing "
                                  "to forget in this view\n";
    expect_messages(TABLES DAY("SELECT g, v FROM t"), nothing);
    expect_messages(TABLES DAY("SELECT count(*) AS n FROM t"), nothing);
    expect_messages(
        TABLES DAY("SELECT window_start, count(*) AS n FROM tumble(t, ts, "
                   "interval '1 minute') GROUP BY 1"),
        nothing);
    expect_messages(
        TABLES DAY("SELECT a.v, b.v AS w FROM t a JOIN t b ON a.g = b.g AND "
                   "b.ts BETWEEN a.ts AND a.ts + interval '1 hour'"),
        nothing);
    expect_messages(TABLES DAY("SELECT u.id, n.v FROM u JOIN n USING (id)"),
                    nothing);
}

Test(ttl, the_side_of_a_table_stays_with_all_below_it)
{
    expect_plan(
        TABLES
        "CREATE MATERIALIZED VIEW x WITH (state_ttl = '1 day', primary_key = "
        "'g') AS SELECT t.g, s.m, n.v FROM t JOIN (SELECT id, max(v) AS m "
        "FROM u GROUP BY id) s ON s.id = t.g LEFT JOIN n ON n.id = t.g;",
        "materialize x -> g integer, m integer, v integer key(g)\n"
        "  project as(g, m, v) -> g integer, m integer, v integer\n"
        "    join left on(g = id) forgets after 24:00:00 but right -> g "
        "integer, m integer, id integer, v integer\n"
        "      project as(g, m) -> g integer, m integer\n"
        "        join inner on(g = id) forgets after 24:00:00 but right -> g "
        "integer, id integer, m integer\n"
        "          project as(g) -> g integer append-only\n"
        "            source t -> g integer, v integer, ts timestamp with time "
        "zone append-only\n"
        "          project as(id, max) -> id integer, m integer key(id)\n"
        "            aggregate by(id) max(v) -> id integer, max integer "
        "key(id)\n"
        "              project as(id, v) -> id integer, v integer key(id)\n"
        "                normalize u -> id integer, v integer, ts timestamp "
        "with time zone key(id)\n"
        "                  source u -> id integer, v integer, ts timestamp "
        "with time zone\n"
        "      normalize n -> id integer, v integer key(id)\n"
        "        source n -> id integer, v integer\n");
}

Test(ttl, streams_are_forgotten_at_both_sides)
{
    expect_plan(
        TABLES
        "CREATE MATERIALIZED VIEW x WITH (state_ttl = '90 minutes') AS SELECT "
        "DISTINCT ON (a.g) a.g, a.v FROM t a WHERE EXISTS (SELECT 1 FROM t b "
        "WHERE b.g = a.g AND b.v > a.v) ORDER BY a.g, a.v;",
        "materialize x -> g integer, v integer key(g)\n"
        "  rank by(g) order(v) limit 1 forgets after 01:30:00 -> g integer, v "
        "integer key(g)\n"
        "    join semi on(g = g) where(($3 > $2)) forgets after 01:30:00 -> g "
        "integer, v integer append-only\n"
        "      project as(g, v) -> g integer, v integer append-only\n"
        "        source t -> g integer, v integer, ts timestamp with time zone "
        "append-only\n"
        "      project as(v, g) -> v integer, g integer append-only\n"
        "        source t -> g integer, v integer, ts timestamp with time zone "
        "append-only\n");
}
