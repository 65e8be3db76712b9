/* history() end to end: the same versions under every cut, kill and layout. */
#include "tests/unit/engine/script.h"

#include <criterion/criterion.h>

#define KAFKA "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"
#define UPSERTS                                                              \
    KAFKA "CREATE FOREIGN TABLE t (id int OPTIONS (key 'true'), name text, " \
          "d date, PRIMARY KEY (id)) SERVER k OPTIONS (topic 't', format "   \
          "'json', mode 'upsert', partitions '4');"
#define APPENDED                                                     \
    KAFKA "CREATE FOREIGN TABLE a (id int, name text, d date) "      \
          "SERVER k OPTIONS (topic 'a', format 'json', partitions '" \
          "4');"
#define FILES "CREATE SERVER f FOREIGN DATA WRAPPER files OPTIONS (path 'd');"
#define SNAPSHOTS(more)                                                      \
    FILES "CREATE FOREIGN TABLE p (id int, name text, d date, file text "    \
          "OPTIONS (metadata 'file'), PRIMARY KEY (id)) SERVER f OPTIONS "   \
          "(glob 'p_*.json', format 'json', mode 'snapshot', topic 'p'" more \
          ");"
#define VERSIONS "id, name, version, valid_from, valid_until, op"

Test(history, versions_of_upserts_stand_in_the_order_of_their_dates)
{
    script_check(UPSERTS "CREATE MATERIALIZED VIEW h AS SELECT " VERSIONS
                         " FROM history(t, valid_at => d);"
                         "CREATE MATERIALIZED VIEW kept AS SELECT " VERSIONS
                         " FROM history(t, valid_at => d, deletes => false);",
                 "t 0 {\"id\":1} {\"name\":\"tea\",\"d\":\"2024-01-01\"}\n"
                 "t 0 {\"id\":1} {\"name\":\"tea\",\"d\":\"2024-01-02\"}\n"
                 "t 0 {\"id\":1} {\"name\":\"coffee\",\"d\":\"2024-01-02\"}\n"
                 "t 1 {\"id\":2} {\"name\":\"cup\",\"d\":\"2023-01-01\"}\n"
                 "t 1 {\"id\":2} null\n"
                 "t 1 {\"id\":2} {\"name\":\"mug\",\"d\":\"2024-01-05\"}\n"
                 "t 0 {\"id\":1} {\"name\":\"cocoa\",\"d\":\"2023-12-01\"}\n"
                 "t 0 {\"id\":1} {\"name\":\"bad\",\"d\":null}\n"
                 "t 2 {\"id\":7} null\n",
                 "h\n"
                 "  1 cocoa 1 2023-12-01 2024-01-01 I\n"
                 "  1 coffee 3 2024-01-02 null U\n"
                 "  1 tea 2 2024-01-01 2024-01-02 U\n"
                 "  2 cup 1 2023-01-01 2024-01-01 D\n"
                 "  2 mug 2 2024-01-05 null I\n"
                 "kept\n"
                 "  1 cocoa 1 2023-12-01 2024-01-01 I\n"
                 "  1 coffee 3 2024-01-02 null U\n"
                 "  1 tea 2 2024-01-01 2024-01-02 U\n"
                 "  2 cup 1 2023-01-01 2024-01-05 I\n"
                 "  2 mug 2 2024-01-05 null U\n");
}

Test(history, a_null_date_is_a_letter_of_the_view)
{
    script_check(UPSERTS
                 "CREATE MATERIALIZED VIEW h AS SELECT " VERSIONS
                 " FROM history(t, valid_at => d);"
                 "CREATE MATERIALIZED VIEW l AS SELECT error_code, view, "
                 "column_name, stage, topic, partition, record_offset "
                 "FROM dead_letters(h);",
                 "t 0 {\"id\":1} {\"name\":\"tea\",\"d\":\"2024-01-01\"}\n"
                 "t 0 {\"id\":1} {\"name\":\"bad\"}\n"
                 "t 0 {\"id\":1} {\"name\":\"cup\",\"d\":\"2024-01-02\"}\n",
                 "h\n"
                 "  1 cup 2 2024-01-02 null U\n"
                 "  1 tea 1 2024-01-01 2024-01-02 I\n"
                 "l\n"
                 "  22004 h d history null null null\n");
}

Test(history, appended_rows_meet_by_their_key_over_partitions)
{
    script_check(APPENDED "CREATE MATERIALIZED VIEW h AS SELECT " VERSIONS
                          " FROM history(a, key => ARRAY[id], valid_at => d);",
                 "a 0 - {\"id\":1,\"name\":\"tea\",\"d\":\"2024-01-01\"}\n"
                 "a 0 - {\"id\":2,\"name\":\"cup\",\"d\":\"2024-01-02\"}\n"
                 "a 3 - {\"id\":1,\"name\":\"cocoa\",\"d\":\"2024-01-04\"}\n"
                 "a 1 - {\"id\":2,\"name\":\"mug\",\"d\":\"2024-01-01\"}\n"
                 "a 2 - {\"id\":3,\"name\":\"jar\"}\n",
                 "h\n"
                 "  1 cocoa 2 2024-01-04 null U\n"
                 "  1 tea 1 2024-01-01 2024-01-04 I\n"
                 "  2 cup 2 2024-01-02 null U\n"
                 "  2 mug 1 2024-01-01 2024-01-02 I\n");
}

Test(history, a_filter_below_ends_and_begins_versions)
{
    script_check(UPSERTS "CREATE MATERIALIZED VIEW h AS SELECT " VERSIONS
                         " FROM history((SELECT * FROM t WHERE name <> 'no'), "
                         "valid_at => d, key => ARRAY[name, id]);",
                 "t 0 {\"id\":1} {\"name\":\"tea\",\"d\":\"2023-01-01\"}\n"
                 "t 0 {\"id\":1} {\"name\":\"no\",\"d\":\"2023-01-02\"}\n"
                 "t 0 {\"id\":1} {\"name\":\"tea\",\"d\":\"2024-01-03\"}\n"
                 "t 0 {\"id\":1} {\"name\":\"cup\",\"d\":\"2024-01-04\"}\n",
                 "h\n"
                 "  1 cup 1 2024-01-04 null I\n"
                 "  1 tea 1 2023-01-01 2024-01-01 D\n"
                 "  1 tea 2 2024-01-03 2024-01-03 D\n");
}

/* --- snapshots ------------------------------------------------------------ */

#define DAY(day, rows) "begin p p_" day ".json\n" rows "end p\n"
#define ROW(id, name, d) \
    "p 0 - {\"id\":" id ",\"name\":\"" name "\",\"d\":\"2023-07-" d "\"}\n"
#define DAYS                                                          \
    DAY("2023-07-21", ROW("1", "tea", "20") ROW("2", "cup", "20"))    \
    DAY("2023-07-22", ROW("1", "coffee", "22") ROW("2", "cup", "20")) \
    DAY("2023-07-23", ROW("1", "coffee", "22"))                       \
    DAY("2023-07-24", ROW("1", "coffee", "22") ROW("2", "cup", "20")) \
    DAY("2023-07-25", ROW("2", "cup", "25"))

Test(history, a_vanished_row_is_closed_at_the_snapshots_date)
{
    script_check(
        SNAPSHOTS(
            ", snapshot_at 'p_([0-9-]+)'") "CREATE MATERIALIZED VIEW h "
                                           "AS SELECT " VERSIONS
                                           " FROM history(p, valid_at => d);"
                                           "CREATE MATERIALIZED VIEW seen AS "
                                           "SELECT id, name, version, "
                                           "valid_from::date, "
                                           "valid_until::date, op FROM "
                                           "history(p);"
                                           "CREATE MATERIALIZED VIEW now AS "
                                           "SELECT id, name, file FROM p;",
        DAYS,
        "h\n"
        "  1 coffee 2 2023-07-22 2023-07-25 D\n"
        "  1 tea 1 2023-07-20 2023-07-22 I\n"
        "  2 cup 1 2023-07-20 2023-07-23 D\n"
        "  2 cup 2 2023-07-24 null I\n"
        "seen\n"
        "  1 coffee 2 2023-07-22 2023-07-25 D\n"
        "  1 tea 1 2023-07-21 2023-07-22 I\n"
        "  2 cup 1 2023-07-21 2023-07-23 D\n"
        "  2 cup 2 2023-07-24 2023-07-25 I\n"
        "  2 cup 3 2023-07-25 null U\n"
        "now\n"
        "  2 cup p_2023-07-25.json\n");
}

Test(history, a_column_dates_a_snapshot_too)
{
    script_check(
        SNAPSHOTS(", snapshot_at 'd'") "CREATE MATERIALIZED VIEW h AS SELECT "
                                       "id, name, version, "
                                       "valid_from::date, valid_until::date, "
                                       "op FROM history(p);",
        DAY("a", ROW("1", "tea", "20") ROW("2", "cup", "21"))
            DAY("b", ROW("2", "cup", "24") ROW("3", "jar", "23")),
        "h\n"
        "  1 tea 1 2023-07-21 2023-07-24 D\n"
        "  2 cup 1 2023-07-21 2023-07-24 I\n"
        "  2 cup 2 2023-07-24 null U\n"
        "  3 jar 1 2023-07-24 null I\n");
}

Test(history, a_snapshot_with_bad_rows_or_without_a_date_deletes_nothing)
{
    script_check(
        SNAPSHOTS(
            ", snapshot_at 'p_([0-9-]+)'") "CREATE MATERIALIZED VIEW h "
                                           "AS SELECT " VERSIONS
                                           " FROM history(p, valid_at => d);"
                                           "CREATE MATERIALIZED VIEW l AS "
                                           "SELECT error_code, column_name, "
                                           "record_offset, file, line FROM "
                                           "dead_letters(p);",
        DAY("2023-07-21", ROW("1", "tea", "20") ROW("2", "cup", "20"))
            DAY("2023-07-22", ROW("\"x\"", "tea", "20") ROW("3", "jar", "22"))
                DAY("none", ROW("3", "can", "23")),
        "h\n"
        "  1 tea 1 2023-07-20 null I\n"
        "  2 cup 1 2023-07-20 null I\n"
        "  3 can 2 2023-07-23 null U\n"
        "  3 jar 1 2023-07-22 2023-07-23 I\n"
        "l\n"
        "  22007 null 10 p_none.json null\n"
        "  22P02 id 5 p_2023-07-22.json 1\n");
}

Test(history, is_read_as_of_a_version_and_as_of_a_time)
{
    script_check(
        SNAPSHOTS(
            ", snapshot_at 'p_([0-9-]+)'") "CREATE MATERIALIZED VIEW h "
                                           "AS SELECT " VERSIONS
                                           " FROM history(p, valid_at => d);"
                                           "CREATE MATERIALIZED VIEW first "
                                           "WITH (primary_key = 'id') AS "
                                           "SELECT id, name FROM h WHERE "
                                           "version = 1;"
                                           "CREATE MATERIALIZED VIEW day22 "
                                           "WITH (primary_key = 'id') AS "
                                           "SELECT id, name, version FROM h "
                                           "WHERE valid_from <= date "
                                           "'2023-07-22' AND (valid_until IS "
                                           "NULL OR "
                                           "valid_until > date '2023-07-22');"
                                           "CREATE MATERIALIZED VIEW day23 "
                                           "WITH (primary_key = 'id') AS "
                                           "SELECT id, name, version FROM h "
                                           "WHERE valid_from <= date "
                                           "'2023-07-23' AND (valid_until IS "
                                           "NULL OR "
                                           "valid_until > date '2023-07-23');",
        DAYS,
        "first\n"
        "  1 tea\n"
        "  2 cup\n"
        "day22\n"
        "  1 coffee 2\n"
        "  2 cup 1\n"
        "day23\n"
        "  1 coffee 2\n");
}

/* --- changelogs ----------------------------------------------------------- */

#define CHANGE(op, before, after)                              \
    "t 0 - {\"payload\":{\"op\":\"" op "\",\"before\":" before \
    ",\"after\":" after "}}\n"
#define IMAGE(id, name, d) \
    "{\"id\":" id ",\"name\":\"" name "\",\"d\":\"2023-07-" d "\"}"

Test(history, follows_a_changelog)
{
    script_check(
        KAFKA "CREATE FOREIGN TABLE t (id int PRIMARY KEY, name text, d date) "
              "SERVER k OPTIONS (topic 't', format 'debezium-json', "
              "partitions '4');"
              "CREATE MATERIALIZED VIEW h AS SELECT " VERSIONS
              " FROM history(t, valid_at => d);"
              "CREATE MATERIALIZED VIEW c WITH (primary_key = 'id, d, op') "
              "AS SELECT * FROM changelog(t);",
        CHANGE("c", "null", IMAGE("1", "tea", "20"))
            CHANGE("u", IMAGE("1", "tea", "20"), IMAGE("1", "cup", "21"))
                CHANGE("c", "null", IMAGE("2", "jar", "21"))
                    CHANGE("d", IMAGE("2", "jar", "21"), "null") CHANGE(
                        "u", IMAGE("1", "cup", "21"), IMAGE("1", "cup", "22")),
        "h\n"
        "  1 cup 2 2023-07-21 null U\n"
        "  1 tea 1 2023-07-20 2023-07-21 I\n"
        "  2 jar 1 2023-07-21 2024-01-01 D\n"
        "c\n"
        "  1 cup 2023-07-21 U\n"
        "  1 cup 2023-07-22 U\n"
        "  1 tea 2023-07-20 I\n"
        "  2 jar 2023-07-21 D\n"
        "  2 jar 2023-07-21 I\n");
}
