/* ALTER FOREIGN TABLE … ADD COLUMN under a running app. */
#include "tests/unit/engine/script.h"

#include <criterion/criterion.h>

#define TABLES                                                                \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"                             \
    "CREATE FOREIGN TABLE t (id int, x int) SERVER k OPTIONS (topic 't', "    \
    "format 'json', partitions '2');"                                         \
    "CREATE FOREIGN TABLE u (id int OPTIONS (key 'true'), x int, PRIMARY "    \
    "KEY (id)) SERVER k OPTIONS (topic 'u', format 'json', mode 'upsert', "   \
    "partitions '2');"                                                        \
    "CREATE VIEW plain AS SELECT * FROM t;"                                   \
    "CREATE MATERIALIZED VIEW rows WITH (primary_key = 'id') AS SELECT * "    \
    "FROM t;"                                                                 \
    "CREATE MATERIALIZED VIEW latest AS SELECT * FROM u;"                     \
    "CREATE MATERIALIZED VIEW totals AS SELECT id, sum(x) AS x FROM t WHERE " \
    "x > 0 GROUP BY id;"                                                      \
    "CREATE MATERIALIZED VIEW versions AS SELECT id, x, version, op FROM "    \
    "history(u);"
#define LATER                                                               \
    "ALTER FOREIGN TABLE t ADD COLUMN y text, ADD COLUMN seen "             \
    "timestamptz OPTIONS (metadata 'timestamp');"                           \
    "ALTER FOREIGN TABLE u ADD COLUMN y text;"                              \
    "CREATE MATERIALIZED VIEW through WITH (primary_key = 'id') AS SELECT " \
    "* FROM plain;"                                                         \
    "CREATE MATERIALIZED VIEW wide WITH (primary_key = 'id') AS SELECT "    \
    "id, x, y FROM t;"                                                      \
    "CREATE MATERIALIZED VIEW star AS SELECT * FROM u;"                     \
    "CREATE MATERIALIZED VIEW since AS SELECT min(seen) AS first FROM t "   \
    "WHERE y IS NOT NULL;"
#define BEFORE                               \
    "t 0 - {\"id\":1,\"x\":1}\n"             \
    "t 1 - {\"id\":2,\"x\":2,\"y\":\"a\"}\n" \
    "u 0 {\"id\":1} {\"x\":1}\n"             \
    "u 1 {\"id\":2} {\"x\":2}\n"
#define AFTER                                  \
    "t 1 - {\"id\":3,\"x\":3,\"y\":\"b\"}\n"   \
    "u 0 {\"id\":1} {\"x\":1,\"y\":\"new\"}\n" \
    "u 1 {\"id\":2} {\"x\":5,\"y\":\"new\"}\n"
#define OLD_VIEWS \
    "rows\n"      \
    "  1 1\n"     \
    "  2 2\n"     \
    "  3 3\n"     \
    "latest\n"    \
    "  1 1\n"     \
    "  2 5\n"     \
    "totals\n"    \
    "  1 1\n"     \
    "  2 2\n"     \
    "  3 3\n"     \
    "versions\n"  \
    "  1 1 1 I\n" \
    "  2 2 1 I\n" \
    "  2 5 2 U\n"
#define NEW_VIEWS  \
    "through\n"    \
    "  1 1\n"      \
    "  2 2\n"      \
    "  3 3\n"      \
    "wide\n"       \
    "  1 1 null\n" \
    "  2 2 a\n"    \
    "  3 3 b\n"    \
    "star\n"       \
    "  1 1 new\n"  \
    "  2 5 new\n"

Test(alter, statements_before_it_do_not_see_the_column)
{
    script_check(TABLES LATER, BEFORE "run\n" AFTER, OLD_VIEWS NEW_VIEWS);
}

static void grow(bool beside, script_cut cut)
{
    rig r;
    if (beside)
        rig_open_beside(&r, TABLES, NULL);
    else
        rig_open(&r, TABLES, NULL);
    rig_run(&r);
    script_play(&r, BEFORE, cut);
    rig_change(&r, TABLES LATER, NULL);
    rig_run(&r);
    script_play(&r, AFTER, cut);
    script_expect(&r, OLD_VIEWS NEW_VIEWS, "after the change");
    rig_close(&r);
}

Test(alter, what_runs_goes_on)
{
    grow(false, CUT_NOT);
    grow(false, CUT_KILL);
    grow(true, CUT_NOT);
    grow(true, CUT_WIPE);
}

Test(alter, when_a_column_appeared_is_a_question_to_the_data)
{
    rig r;
    rig_open(&r, TABLES LATER, NULL);
    rig_run(&r);
    rig_pass_ms(&r, 60000);
    script_play(&r, "t 0 - {\"id\":1,\"x\":1}\n", CUT_NOT);
    script_expect(&r, "since\n  null\n", "before");
    rig_pass_ms(&r, 60000);
    int64_t least = cu_wall_us(r.env) / 1000 * 1000 - CU_PG_EPOCH_US;
    script_play(&r, "t 0 - {\"id\":2,\"x\":1,\"y\":\"a\"}\n", CUT_NOT);
    rig_pass_ms(&r, 60000);
    script_play(&r, "t 0 - {\"id\":3,\"x\":1,\"y\":\"a\"}\n", CUT_NOT);
    const char *first = rig_view(&r, "since");
    cr_expect_eq(rig_time(first), least, "%s", first);
    rig_close(&r);
}
