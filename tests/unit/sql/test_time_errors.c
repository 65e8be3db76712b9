/* What windows, their options and the clock refuse: where and why. */
#include "tests/unit/sql/golden.h"

#include <criterion/criterion.h>

#define T                                                                     \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka; CREATE FOREIGN TABLE t (g "  \
    "int, name text, d date, tod time, ts timestamptz OPTIONS (watermark '5 " \
    "seconds')) SERVER k OPTIONS (topic 't', format 'json'); CREATE FOREIGN " \
    "TABLE p (id int OPTIONS (key 'true') PRIMARY KEY, ts timestamptz) "      \
    "SERVER "                                                                 \
    "k OPTIONS (topic 'p', format 'json', mode 'upsert');\n"

#define WINDOW(of)                                                      \
    "CREATE MATERIALIZED VIEW x AS SELECT window_start, count(*) AS n " \
    "FROM " of " GROUP BY 1;"
#define WITH(options)                                                         \
    "CREATE MATERIALIZED VIEW x WITH (" options                               \
    ") AS SELECT window_start, count(*) AS n FROM tumble(t, ts, interval '1 " \
    "minute') GROUP BY 1;"
#define COLUMN(of)                       \
    "CREATE FOREIGN TABLE b (g int, " of \
    ") SERVER k OPTIONS (topic 'b', format 'json');"

Test(time_errors, arguments_of_windows_are_checked)
{
    expect_messages(T WINDOW("tumble(t, name, interval '1 minute')"),
                    "2:81 42804 the time column of tumble() must be a date or "
                    "timestamp, not type text\n");
    expect_messages(T WINDOW("tumble(t, tod, interval '1 minute')"),
                    "2:81 42804 the time column of tumble() must be a date or "
                    "timestamp, not type time without time zone\n");
    expect_messages(T WINDOW("tumble(t, d, interval '36 hours')"),
                    "2:93 22023 tumble() over a date wants whole days\n");
    expect_messages(
        T WINDOW("hop(t, d, interval '12 hours', interval '1 day')"),
        "2:90 22023 hop() over a date wants whole days\n");
    expect_messages(T WINDOW("session(t, d, interval '1 hour')"),
                    "2:94 22023 session() over a date wants whole days\n");
    expect_messages(T WINDOW("tumble(t, ts, interval '-1 minute')"),
                    "2:94 22008 tumble() wants an interval from 1 microsecond "
                    "to 100 years\n");
    expect_messages(T WINDOW("tumble(t, ts, 60)"),
                    "2:85 42846 cannot cast type integer to interval\n");
    expect_messages(
        T WINDOW("tumble(t, ts, 'x')"),
        "2:85 22007 invalid input syntax for type interval: \"x\"\n");
    expect_messages(T WINDOW("tumble(t, ts, NULL)"),
                    "2:85 22008 tumble() wants an interval from 1 microsecond "
                    "to 100 years\n");
    expect_messages(T WINDOW("tumble(t, ts, interval '1 minute', 'x')"),
                    "2:106 22007 invalid input syntax for type timestamp with "
                    "time zone: \"x\"\n");
    expect_messages(
        T WINDOW("tumble(t, ts, interval '1 minute', NULL)"),
        "2:106 22008 the origin of tumble() must be a finite time\n");
    expect_messages(
        T WINDOW("tumble(t, ts + interval '1 s', interval '1 minute')"),
        "2:84 42809 tumble() wants a column here\n");
    expect_messages(T WINDOW("tumble(t, ts, interval '1 minute' * g)"),
                    "2:107 42703 column \"g\" does not exist\n");
    expect_messages(
        T WINDOW("tumble(t, ts, interval '200 years')"),
        "2:94 0A000 an interval of months in tumble() is not supported\n");
    expect_messages(
        T WINDOW("tumble(t, d, interval '1 day', date 'infinity')"),
        "2:107 22008 the origin of tumble() must be a finite time\n");
    expect_messages(
        T WINDOW("hop(t, ts, interval '1 month', interval '1 year')"),
        "2:91 0A000 an interval of months in hop() is not supported\n2:111 "
        "0A000 an interval of months in hop() is not supported\n");
    expect_messages(T WINDOW("hop(t, ts, interval '1 minute')"),
                    "2:71 42883 hop() needs the argument \"size\"\n");
    expect_messages(T WINDOW("hop(t, ts, slide => interval '1 minute', sise => "
                             "interval '1 hour')"),
                    "2:112 42883 hop() has no parameter \"sise\"\n");
    expect_messages(T WINDOW("cumulate(t, ts, interval '0', interval '1 day')"),
                    "2:96 22008 cumulate() wants an interval from 1 "
                    "microsecond to 100 years\n");
    expect_messages(T WINDOW("session(t, ts, interval '0')"),
                    "2:95 22008 session() wants an interval from 1 microsecond "
                    "to 100 years\n");
    expect_messages(T WINDOW("session(t, ts, gap => interval '-1 s')"),
                    "2:102 22008 session() wants an interval from 1 "
                    "microsecond to 100 years\n");
    expect_messages(
        T WINDOW("session(t, ts, interval '1 month')"),
        "2:95 0A000 an interval of months in session() is not supported\n");
    expect_messages(T WINDOW("session(t, ts, interval '1 minute', partition_by "
                             "=> ARRAY[nosuch])"),
                    "2:129 42703 column \"nosuch\" does not exist\n");
    expect_messages(T WINDOW("watermark(t, name, interval '1 s')"),
                    "2:84 42804 the column of watermark() must be a date or "
                    "timestamp, not type text\n");
    expect_messages(T WINDOW("watermark(t, ts, interval '1 month')"),
                    "2:97 22008 watermark() wants an interval of days or less, "
                    "not negative\n");
    expect_messages(T WINDOW("watermark(t, ts, interval '-1 s')"),
                    "2:97 22008 watermark() wants an interval of days or less, "
                    "not negative\n");
}

Test(time_errors, options_of_time_are_checked)
{
    expect_messages(
        T WITH("emit = 'finale'"),
        "2:41 22023 invalid value for option \"emit\": \"finale\"\n");
    expect_messages(
        T WITH("emti = 'final'"),
        "2:34 HV00D unknown option \"emti\" of a materialized view\n");
    expect_messages(T WITH("allowed_latenes = '1 minute'"),
                    "2:34 HV00D unknown option \"allowed_latenes\" of a "
                    "materialized view\n");
    expect_messages(
        T WITH("allowed_lateness = 'x'"),
        "2:53 22023 invalid value for option \"allowed_lateness\": \"x\"\n");
    expect_messages(T WITH("allowed_lateness = '-1 minute'"),
                    "2:53 22023 invalid value for option \"allowed_lateness\": "
                    "\"-1 minute\"\n");
    expect_messages(
        T WITH("retention = '1 month'"),
        "2:46 22023 invalid value for option \"retention\": \"1 month\"\n");
    expect_messages(
        T WITH("retention = '-1 day'"),
        "2:46 22023 invalid value for option \"retention\": \"-1 day\"\n");
    expect_messages(T WITH("emit_interval = '0 seconds'"),
                    "2:50 22023 invalid value for option \"emit_interval\": "
                    "\"0 seconds\"\n");
    expect_messages(
        T WITH("emit_interval = 'soon'"),
        "2:50 22023 invalid value for option \"emit_interval\": \"soon\"\n");
    expect_messages(T WITH("late = ''"),
                    "2:41 22023 invalid value for option \"late\": \"\"\n");
}

Test(time_errors, watermarks_of_columns_are_checked)
{
    expect_messages(T COLUMN("ts text OPTIONS (watermark '5 seconds')"),
                    "2:49 42804 option \"watermark\" does not fit column "
                    "\"ts\" of type text\n");
    expect_messages(T COLUMN("ts date OPTIONS (watermark '5 seconds')"),
                    "2:49 42804 option \"watermark\" does not fit column "
                    "\"ts\" of type date\n");
    expect_messages(
        T COLUMN("ts timestamptz OPTIONS (watermark 'x')"),
        "2:66 22023 invalid value for option \"watermark\": \"x\"\n");
    expect_messages(
        T COLUMN("ts timestamptz OPTIONS (watermark '-5 seconds')"),
        "2:66 22023 invalid value for option \"watermark\": \"-5 seconds\"\n");
    expect_messages(T COLUMN("ts timestamptz OPTIONS (watremark '5 seconds')"),
                    "2:56 HV00D unknown option \"watremark\" of a column\n");
    expect_messages(
        T COLUMN("ts timestamptz OPTIONS (watermark '5 seconds'), u "
                 "timestamptz OPTIONS (watermark '5 seconds')"),
        "2:103 42P16 table \"b\" has a watermark already: column \"ts\"\n");
}

Test(time_errors, what_needs_a_window_says_so)
{
    expect_messages(T "CREATE MATERIALIZED VIEW x WITH (emit = 'final') AS "
                      "SELECT id, ts FROM p;",
                    "2:34 42P16 emit = 'final' needs a window that closes\n");
    expect_messages(
        T "CREATE MATERIALIZED VIEW x WITH (retention = '1 day') AS SELECT id, "
          "ts FROM p;",
        "2:34 42P16 option \"retention\" needs a window or time column\n");
    expect_messages(
        T "CREATE MATERIALIZED VIEW x WITH (retention = '1 day') AS SELECT g, "
          "ts FROM t;",
        "2:26 42P16 option \"retention\" needs a key, and \"x\" has none\n");
    expect_messages(T "CREATE MATERIALIZED VIEW x WITH (allowed_lateness = '1 "
                      "day') AS SELECT g, ts FROM t;",
                    "2:34 42P16 option \"allowed_lateness\" needs a window in "
                    "which rows can be late\n");
    expect_messages(T "CREATE MATERIALIZED VIEW x WITH (allowed_lateness = '1 "
                      "day') AS SELECT window_start, count(*) AS n FROM "
                      "tumble(p, ts, interval '1 day') GROUP BY 1;",
                    "2:34 42P16 option \"allowed_lateness\" needs a window in "
                    "which rows can be late\n");
    expect_messages(T
                    "CREATE MATERIALIZED VIEW x AS SELECT * FROM late_rows(t);",
                    "2:55 42P01 \"t\" is no materialized view\n");
    expect_messages(T "CREATE MATERIALIZED VIEW y AS SELECT g FROM t; CREATE "
                      "MATERIALIZED VIEW x AS SELECT * FROM late_rows(y);",
                    "2:102 42809 view \"y\" has no late rows\n");
}

Test(time_errors, the_clock_is_read_where_it_can_be_kept)
{
    expect_messages(
        T "CREATE MATERIALIZED VIEW x AS SELECT g, ts > now() AS f FROM t;",
        "");
    expect_messages(
        T "CREATE MATERIALIZED VIEW x AS SELECT id, ts > now() AS f FROM p;",
        "2:47 0A000 the clock as a value of rows that change is not "
        "supported\n");
    expect_messages(T "CREATE MATERIALIZED VIEW x AS SELECT count(*) FILTER "
                      "(WHERE ts > now()) AS m FROM p;",
                    "2:66 0A000 the clock as a value of rows that change is "
                    "not supported\n");
    expect_messages(
        T "CREATE MATERIALIZED VIEW x AS SELECT max(now()) AS m FROM p;",
        "2:42 0A000 the clock as a value of rows that change is not "
        "supported\n");
    expect_messages(
        T "CREATE MATERIALIZED VIEW x WITH (primary_key = 'g') AS SELECT g, "
          "now() - ts AS age FROM t WHERE ts > now() - interval '1 hour';",
        "2:66 0A000 the clock as a value of rows that change is not "
        "supported\n");
    expect_messages(
        T "CREATE MATERIALIZED VIEW x AS SELECT id FROM p WHERE NOT (ts > "
          "now());",
        "2:54 0A000 this condition on the clock is not supported\n");
    expect_messages(T "CREATE MATERIALIZED VIEW x AS SELECT id FROM p WHERE "
                      "localtimestamp > '2024-01-01';",
                    "");
    expect_messages(
        T "CREATE MATERIALIZED VIEW x WITH (primary_key = 'id') AS SELECT id, "
          "g FROM p LEFT JOIN t ON g = id AND t.ts > now();",
        "2:110 0A000 this condition on the clock is not supported\n");
    expect_messages(
        T "CREATE MATERIALIZED VIEW x AS SELECT id FROM p WHERE ts > "
          "clock_timestamp();",
        "2:59 0A000 the function clock_timestamp() is not supported\n");
    expect_messages(
        T "COPY (SELECT id, now() AS at FROM p) TO 'x.csv' WITH (FORMAT csv);",
        "2:18 0A000 the clock as a value of rows that change is not "
        "supported\n");
}

Test(time_errors, hints_say_what_to_write)
{
    expect("CREATE SERVER k FOREIGN DATA WRAPPER kafka; CREATE FOREIGN TABLE p "
           "(id int OPTIONS (key 'true') PRIMARY KEY, ts timestamptz) SERVER k "
           "OPTIONS (topic 'p', format 'json', mode 'upsert');\nCREATE "
           "MATERIALIZED VIEW x AS SELECT id, now() AS at FROM p;",
           "x.sql:2:42: error: the clock as a value of rows that change is not "
           "supported [0A000]\n    CREATE MATERIALIZED VIEW x AS SELECT id, "
           "now() AS at FROM p;\n                                             "
           "^\nhint: A row that goes would be computed with another clock. "
           "Compare a column with it in WHERE or HAVING.\n");
    expect(
        "CREATE SERVER k FOREIGN DATA WRAPPER kafka; CREATE FOREIGN TABLE t (d "
        "date) SERVER k OPTIONS (topic 't', format 'json');\nCREATE "
        "MATERIALIZED VIEW x AS SELECT * FROM tumble(t, d, interval '1 hour');",
        "x.sql:2:67: error: tumble() over a date wants whole days [22023]\n    "
        "CREATE MATERIALIZED VIEW x AS SELECT * FROM tumble(t, d, interval '1 "
        "hour');\n                                                             "
        "         ^\nhint: Or cast the column in a subquery: (SELECT …, "
        "d::timestamp AS ts FROM t).\n");
}
