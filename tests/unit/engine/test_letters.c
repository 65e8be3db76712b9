/* Dead letters and late rows, as topics and as tables. */
#include "tests/unit/engine/rig.h"

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
