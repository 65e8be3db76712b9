/* Dead letters and late rows, as topics and as tables. */
#include "tests/unit/engine/script.h"

#include <criterion/criterion.h>

#define SERVER "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"
#define TABLES                                                                 \
    SERVER "CREATE FOREIGN TABLE t (g int, ts timestamptz OPTIONS (watermark " \
           "'10 seconds')) SERVER k OPTIONS (topic 't', format 'json', "       \
           "partitions '2');"                                                  \
           "CREATE FOREIGN TABLE u (g int) SERVER k OPTIONS (topic 'u', "      \
           "format 'json');"
#define LETTERS(name, topic)                                             \
    "CREATE FOREIGN TABLE " name                                         \
    " (error_code text, stage text, view text, column_name text, topic " \
    "text, partition int, record_offset bigint, raw_value bytea, "       \
    "first_seen timestamptz) SERVER k OPTIONS (topic '" topic            \
    "', format 'json');"

static void of(cu_program *p, const char *table, cu_letters kind,
               const char *whose)
{
    cu_table_def *t = rig_table_def(p, table);
    t->letters = kind;
    t->letters_of = whose;
}

static void letters_of_t_and_v(cu_program *p)
{
    of(p, "lt", CU_LETTERS_DEAD, "t");
    of(p, "lv", CU_LETTERS_DEAD, "v");
}

#define READERS                                                            \
    TABLES                                                                 \
    "CREATE MATERIALIZED VIEW w AS SELECT g, ts FROM t;"                   \
    "CREATE MATERIALIZED VIEW v AS SELECT g, 12 / g AS q FROM u;" LETTERS( \
        "lt", "app.dlq")                                                   \
        LETTERS("lv", "app.dlq") "CREATE MATERIALIZED VIEW of_t AS "       \
                                 "SELECT error_code, stage, "              \
                                 "column_name, topic, partition, "         \
                                 "record_offset, encode(raw_value, "       \
                                 "'escape') AS raw FROM lt;"               \
                                 "CREATE MATERIALIZED VIEW of_v AS "       \
                                 "SELECT error_code, view, count(*) "      \
                                 "AS n, count(first_seen) AS seen FROM "   \
                                 "lv GROUP BY error_code, view;"

static void feed_faults(rig *r)
{
    rig_feed(r, "t", 1, "{\"g\": \"x\", \"ts\": null}");
    rig_feed(r, "t", 0, "{\"g\": 1, \"ts\": \"2024-01-01\"}");
    rig_feed(r, "t", 1, "no json");
    rig_feed(r, "u", 0, "{\"g\": 0}");
    rig_feed(r, "u", 0, "{\"g\": 3}");
}

static void check_letters(rig *r)
{
    cr_expect_str_eq(rig_view(r, "of_t"),
                     "22P02 decode g t 1 0 {\"g\": \"x\", \"ts\": null}\n"
                     "22P02 decode null t 1 1 no json\n");
    cr_expect_str_eq(rig_view(r, "of_v"), "22012 v 1 1\n");
}

static void check_counts(rig *r)
{
    const cu_table_counts *lt = rig_table_counts(r, "lt");
    const cu_table_counts *lv = rig_table_counts(r, "lv");
    cr_expect_eq(lt->in, 2);
    cr_expect_eq(lt->applied, 2);
    cr_expect_eq(lt->dead, 0);
    cr_expect_eq(lv->in, 1);
    cr_expect_eq(lv->applied, 1);
}

Test(letters, of_a_table_and_of_a_view_are_rows)
{
    rig r;
    rig_open(&r, READERS, letters_of_t_and_v);
    feed_faults(&r);
    rig_run(&r);
    check_letters(&r);
    check_counts(&r);
    rig_close(&r);
}

Test(letters, that_are_read_belong_to_the_drain)
{
    rig r;
    rig_open(&r, READERS, letters_of_t_and_v);
    feed_faults(&r);
    rig_drain(&r);
    check_letters(&r);
    rig_close(&r);
}

Test(letters, are_read_once_over_restarts)
{
    rig r;
    rig_open_beside(&r, READERS, letters_of_t_and_v);
    feed_faults(&r);
    rig_run(&r);
    rig_kill(&r);
    rig_run(&r);
    rig_feed(&r, "u", 0, "{\"g\": 0}");
    rig_kill(&r);
    rig_run(&r);
    cr_expect_str_eq(rig_view(&r, "of_v"), "22012 v 2 2\n");
    rig_close(&r);
}

/* --- what they hold ------------------------------------------------------- */

#define KAFKA   "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"
#define AS_TEXT "convert_from(raw_value, 'LATIN1') AS raw"
#define BAD_JSON                           \
    "j 0 - {\"id\":1,\"x\":3}\n"           \
    "j 1 - {\"id\":4}\n"                   \
    "j 1 - {\"id\":5,\"x\":-1}\n"          \
    "j 1 k5 {\"id\":\"q\",\"x\":\"z\"}\n"  \
    "j 1 - {\"id\":99999999999,\"x\":5}\n" \
    "j 0 - no json\n"                      \
    "j 0 - {\"id\":8,\"x\":5,\"s\":\"\xff\"}\n"
#define JSON_TABLE                                                          \
    KAFKA "CREATE FOREIGN TABLE j (id int, x int NOT NULL, s text, "        \
          "CONSTRAINT pos CHECK (x > 0)) SERVER k OPTIONS (topic 'j', "     \
          "format 'json', partitions '2');"                                 \
          "CREATE MATERIALIZED VIEW v WITH (primary_key = 'id') AS SELECT " \
          "id, x FROM j;"
#define ALL_FAULTS                                         \
    "  id: invalid input syntax for type integer: \"q\"\n" \
    "  x: invalid input syntax for type integer: \"z\" j\n"
#define JSON_LETTERS                                                \
    "l\n"                                                           \
    "  22003 id j 1 3 null {\"id\":99999999999,\"x\":5}\n"          \
    "  22021 null j 0 2 null {\"id\":8,\"x\":5,\"s\":\"\u00ff\"}\n" \
    "  22P02 id j 1 2 k5 {\"id\":\"q\",\"x\":\"z\"}\n"              \
    "  22P02 null j 0 1 null no json\n"                             \
    "  23502 x j 1 0 null {\"id\":4}\n"                             \
    "  23514 null j 1 1 null {\"id\":5,\"x\":-1}\n"                 \
    "v\n"                                                           \
    "  1 3\n"

Test(letters, of_json_say_what_was_wrong_where)
{
    script_check(JSON_TABLE
                 "CREATE MATERIALIZED VIEW l AS SELECT error_code, "
                 "column_name, topic, partition, record_offset, "
                 "convert_from(raw_key, 'UTF8'), " AS_TEXT
                 " FROM dead_letters(j);"
                 "CREATE MATERIALIZED VIEW h AS SELECT headers->>"
                 "'cupel.error.all' AS a, headers->>'cupel.error.table' AS t "
                 "FROM dead_letters(j) WHERE headers ? 'cupel.error.column' "
                 "AND raw_key IS NOT NULL;",
                 BAD_JSON, JSON_LETTERS "h\n" ALL_FAULTS);
}

Test(letters, are_one_each_whatever_point_of_a_commit_dies)
{
    static const char *const points[] = {"commit_begin",    "commit_emitted",
                                         "commit_marked",   "commit_committed",
                                         "commit_applied",  "log_before_commit",
                                         "log_after_commit"};
    for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++)
        for (int beside = 0; beside < 2; beside++) {
            cu_buf script = {0};
            cu_buf_printf(&script, BAD_JSON "crash %s\nrun\n", points[i]);
            cu_buf_put_u8(&script, 0);
            script_check_once(
                JSON_TABLE "CREATE MATERIALIZED VIEW l AS SELECT error_code, "
                           "column_name, topic, partition, record_offset, "
                           "convert_from(raw_key, 'UTF8'), " AS_TEXT
                           " FROM dead_letters(j);",
                script.data, CUT_NOT, beside, JSON_LETTERS);
            cu_buf_free(&script);
        }
}

Test(letters, of_csv_and_files_know_the_line)
{
    script_check(
        KAFKA
        "CREATE SERVER f FOREIGN DATA WRAPPER files OPTIONS (path 'd');"
        "CREATE FOREIGN TABLE c (id int, x int) SERVER k OPTIONS (topic 'c', "
        "format 'csv', header 'false', dead_letter_topic 'c.dead');"
        "CREATE FOREIGN TABLE t (id int, x int) SERVER f OPTIONS (glob "
        "'*.json', format 'json', topic 't');"
        "CREATE MATERIALIZED VIEW v WITH (primary_key = 'id, x') AS SELECT "
        "id, x FROM c UNION ALL SELECT id, x FROM t;"
        "CREATE MATERIALIZED VIEW l AS SELECT error_code, column_name, topic, "
        "record_offset, file, line, headers->>'cupel.file' AS f, " AS_TEXT
        " FROM (SELECT * FROM dead_letters(c) UNION ALL SELECT * FROM "
        "dead_letters(t)) AS q;"
        "CREATE MATERIALIZED VIEW n AS SELECT q.topic, count(*) AS n, "
        "count(v.id) AS good FROM dead_letters(t) AS q LEFT JOIN v ON v.id = "
        "q.line GROUP BY q.topic;",
        "c 0 - 1,2\n"
        "c 0 - 1,x\n"
        "c 0 - 1\n"
        "c 0 - \"1,2\n"
        "file t a.json\n"
        "t 0 - {\"id\":2}\n"
        "t 0 - {\"id\":\"x\"}\n",
        "v\n"
        "  1 2\n"
        "  2 null\n"
        "l\n"
        "  22P02 id t 1 a.json 2 a.json {\"id\":\"x\"}\n"
        "  22P02 x c 1 null null null 1,x\n"
        "  22P04 null c 3 null null null \"1,2\n"
        "  22P04 x c 2 null null null 1\n"
        "n\n"
        "  t 1 1\n");
}

Test(letters, of_avro_keep_the_bytes)
{
    rig_file("s.avsc",
             "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":"
             "\"id\",\"type\":\"int\"},{\"name\":\"s\",\"type\":\"string\"}]}");
    script_check(KAFKA
                 "CREATE FOREIGN TABLE t (id int, s text) SERVER k OPTIONS "
                 "(topic 't', format 'avro', schema_file 's.avsc');"
                 "CREATE MATERIALIZED VIEW v WITH (primary_key = 'id') AS "
                 "SELECT id, s FROM t;"
                 "CREATE MATERIALIZED VIEW l AS SELECT error_code, "
                 "column_name, record_offset, raw_value FROM dead_letters(t);",
                 "t 0 - \x02\x06tea\n"
                 "t 0 - \x02\x06te\n"
                 "t 0 - \x06\x04\xff\xfe\n"
                 "t 0 - \x04\x06"
                 "cup\n",
                 "v\n"
                 "  1 tea\n"
                 "  2 cup\n"
                 "l\n"
                 "  22P03 null 1 \\x02067465\n"
                 "  22P03 null 2 \\x0604fffe\n");
}

Test(letters, of_views_have_the_row_and_its_place)
{
    script_check(
        KAFKA "CREATE FOREIGN TABLE j (id int, x int, s text) SERVER k OPTIONS "
              "(topic 'j', format 'json', partitions '2');"
              "CREATE MATERIALIZED VIEW v WITH (primary_key = 'id') AS SELECT "
              "id, 100 / (x - 2) AS q, s::int AS n FROM j WHERE id <> 9;"
              "CREATE MATERIALIZED VIEW a AS SELECT s, sum(x::int4 * "
              "1000000000) AS n FROM j GROUP BY s;"
              "CREATE MATERIALIZED VIEW lv AS SELECT error_code, stage, view, "
              "column_name, topic, partition, record_offset, " AS_TEXT
              " FROM dead_letters(v);"
              "CREATE MATERIALIZED VIEW la AS SELECT error_code, stage, view, "
              "topic, partition, record_offset, " AS_TEXT
              " FROM dead_letters(a);",
        "j 0 - {\"id\":1,\"x\":3,\"s\":\"5\"}\n"
        "j 0 - {\"id\":2,\"x\":2,\"s\":\"5\"}\n"
        "j 1 - {\"id\":3,\"x\":1,\"s\":\"five\"}\n"
        "j 1 - {\"id\":9,\"x\":2,\"s\":\"five\"}\n"
        "j 1 - {\"id\":6,\"x\":1,\"s\":\"7\"}\n",
        "v\n"
        "  1 100 5\n"
        "  6 -100 7\n"
        "lv\n"
        "  22012 project v q j 0 1 {\"id\":2,\"x\":2,\"s\":\"5\"}\n"
        "  22P02 project v n j 1 0 {\"id\":3,\"x\":1,\"s\":\"five\"}\n"
        "a\n"
        "  5 2000000000\n"
        "  7 1000000000\n"
        "  five 3000000000\n"
        "la\n"
        "  22003 project a j 0 0 {\"id\":1,\"x\":3,\"s\":\"5\"}\n");
}

Test(letters, late_rows_have_their_own_columns_first)
{
    script_check(
        KAFKA "CREATE FOREIGN TABLE t (id int, stage text, ts timestamptz "
              "OPTIONS (watermark '0 seconds')) SERVER k OPTIONS (topic 't', "
              "format 'json');"
              "CREATE MATERIALIZED VIEW w AS SELECT window_start, count(*) AS "
              "n FROM tumble(t, ts, interval '10 seconds') GROUP BY "
              "window_start;"
              "CREATE MATERIALIZED VIEW l AS SELECT id, stage, ts::time AS "
              "ts, window_end::time AS we, watermark::time AS wm, view, "
              "topic, record_offset, error_code FROM late_rows(w);"
              "CREATE MATERIALIZED VIEW n AS SELECT count(*) AS late, (SELECT "
              "count(*) FROM t) AS all FROM late_rows(w);",
        "t 0 - {\"id\":1,\"stage\":\"a\",\"ts\":\"2024-01-01 "
        "00:00:05Z\"}\n"
        "t 0 - {\"id\":2,\"stage\":\"b\",\"ts\":\"2024-01-01 "
        "00:00:15Z\"}\n"
        "t 0 - {\"id\":3,\"stage\":\"c\",\"ts\":\"2024-01-01 "
        "00:00:06Z\"}\n"
        "t 0 - {\"id\":4,\"ts\":\"2024-01-01 00:00:12Z\"}\n",
        "l\n"
        "  3 c 00:00:06 00:00:10 00:00:15 w t 2 CU021\n"
        "n\n"
        "  1 4\n");
}

/* --- of tables that are not read otherwise -------------------------------- */

#define ALONE                                                                 \
    SERVER "CREATE FOREIGN TABLE t (g int NOT NULL, x int) SERVER k OPTIONS " \
           "(topic 't', format 'json', partitions '2');"                      \
           "CREATE FOREIGN TABLE p (g int OPTIONS (key 'true'), x int, "      \
           "PRIMARY KEY (g)) SERVER k "                                       \
           "OPTIONS (topic 'p', format 'json', mode 'upsert');"               \
           "CREATE MATERIALIZED VIEW l AS SELECT view, topic, error_code, "   \
           "column_name FROM dead_letters(t) UNION ALL SELECT view, topic, "  \
           "error_code, column_name FROM dead_letters(p);"
#define ALONE_ROWS                                  \
    "t 0 - {\"g\":1,\"x\":2}\n"                     \
    "t 1 - {\"g\":\"q\"}\n"                         \
    "p 0 {\"g\":1} {\"x\":\"y\"}\n"                 \
    "p 0 {\"g\":1} {\"x\":1}\np 0 {\"g\":1} null\n" \
    "t 0 - {\"x\":2}\n"

Test(letters, alone_are_asked_of_a_table)
{
    script_check(ALONE, ALONE_ROWS,
                 "l\n"
                 "  null p 22P02 x\n"
                 "  null t 22P02 g\n"
                 "  null t 23502 g\n");
}

Test(letters, alone_are_in_the_drain_and_the_table_adds_up)
{
    rig r;
    rig_open(&r, ALONE, NULL);
    rig_feed(&r, "t", 0, "{\"g\":1,\"x\":2}");
    rig_feed(&r, "t", 1, "{\"g\":\"q\"}");
    rig_drain(&r);
    cr_expect_str_eq(rig_view(&r, "l"), "null t 22P02 g\n");
    const cu_table_counts *t = rig_table_counts(&r, "t");
    cr_expect_eq(t->in, 2);
    cr_expect_eq(t->applied, 1);
    cr_expect_eq(t->dead, 1);
    rig_close(&r);
}

Test(letters, of_a_view_show_the_columns_that_no_view_reads)
{
    rig r;
    rig_open(&r,
             SERVER "CREATE FOREIGN TABLE u (g int, t text, n numeric, d int "
                    "GENERATED ALWAYS AS (g + 1) STORED) SERVER k OPTIONS "
                    "(topic 'u', format 'json', partitions '2');"
                    "CREATE MATERIALIZED VIEW v AS SELECT 12 / g AS q FROM u "
                    "WHERE g < 5;",
             NULL);
    rig_feed(&r, "u", 1, "{\"g\": 3, \"t\": \"a\", \"n\": 1.50}");
    rig_feed(&r, "u", 1, "{\"g\": 0, \"t\": \"b\\n\", \"n\": 2.50}");
    rig_feed(&r, "u", 1, "{\"g\": 0, \"t\": \"c\", \"n\": \"x\"}");
    rig_run(&r);
    cr_expect_str_eq(rig_view(&r, "v"), "4\n");
    cr_expect_str_eq(rig_topic(&r, "app.dlq", "cupel.error.code"),
                     "22012 {\"g\":0,\"t\":\"b\\n\",\"n\":2.50,\"d\":1}\n"
                     "22P02 {\"g\": 0, \"t\": \"c\", \"n\": \"x\"}\n");
    rig_close(&r);
}
