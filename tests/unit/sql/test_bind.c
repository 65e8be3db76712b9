/* The binder: names, types, GROUP BY, DISTINCT, ORDER BY; every refusal. */
#include "tests/unit/sql/golden.h"

#include <criterion/criterion.h>

#define T                                                                 \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka; CREATE FOREIGN TABLE t " \
    "(id bigint NOT NULL, g int, v bigint, s text, j jsonb) SERVER k "    \
    "OPTIONS (topic 't', format 'json');\n"
#define V(q) "CREATE MATERIALIZED VIEW x AS " q ";"

Test(bind, an_unknown_column_gets_the_nearest_name)
{
    expect_messages(T V("SELECT idd FROM t"),
                    "2:38 42703 column \"idd\" does not exist\n");
    expect_messages(T V("SELECT t.id, y.id FROM t"),
                    "2:44 42P01 missing FROM-clause entry for table \"y\"\n");
    expect_messages(T V("SELECT id FROM tt"),
                    "2:46 42P01 relation \"tt\" does not exist\n");
}

Test(bind, functions_and_operators_are_resolved_as_postgresql_does)
{
    expect_messages(T V("SELECT lowr(s) FROM t"),
                    "2:38 42883 function lowr(text) does not exist\n");
    expect_messages(T V("SELECT s + 1 FROM t"),
                    "2:40 42883 operator does not exist: text + integer\n");
    expect_messages(T V("SELECT 'abc'::int FROM t"),
                    "2:38 22P02 invalid input syntax for type integer: "
                    "\"abc\"\n");
}

Test(bind, grouping_is_checked)
{
    expect_messages(T V("SELECT g, v FROM t GROUP BY g"),
                    "2:41 42803 column \"t.v\" must appear in the GROUP BY "
                    "clause or be used in an aggregate function\n");
    expect_messages(T V("SELECT g, sum(count(*)) FROM t GROUP BY g"),
                    "2:45 42803 aggregate function calls cannot be nested\n");
    expect_messages(T V("SELECT id FROM t WHERE sum(v) > 1"),
                    "2:54 42803 aggregate functions are not allowed in "
                    "WHERE\n");
    expect_messages(T V("SELECT id FROM t GROUP BY 2"),
                    "2:57 42P10 GROUP BY position 2 is not in select list\n");
}

Test(bind, conditions_are_boolean)
{
    expect_messages(T V("SELECT id FROM t WHERE v"),
                    "2:54 42804 argument of WHERE must be type boolean, not "
                    "type bigint\n");
    expect_messages(T V("SELECT NOT s FROM t"),
                    "2:42 42804 argument of NOT must be type boolean, not "
                    "type text\n");
}

Test(bind, order_and_limit_follow_the_rules_for_views)
{
    expect_messages(T V("SELECT id FROM t LIMIT 3"),
                    "2:54 0A000 LIMIT without ORDER BY is not supported\n");
    expect_messages(T V("SELECT DISTINCT ON (g) g, v FROM t ORDER BY v"),
                    "2:54 42P10 SELECT DISTINCT ON expressions must match "
                    "initial ORDER BY expressions\n");
    expect_messages(T V("SELECT id FROM t ORDER BY 3"),
                    "2:57 42P10 ORDER BY position 3 is not in select list\n");
}

Test(bind, what_is_not_in_the_language_is_refused_by_name)
{
    expect_messages(T V("SELECT random() FROM t"),
                    "2:38 0A000 the function random() is not supported\n");
    expect_messages(
        T V("SELECT CASE WHEN g > 0 THEN jsonb_array_elements(j) END FROM t"),
        "2:59 0A000 the set-returning function "
        "jsonb_array_elements() outside FROM is not supported\n");
}

Test(bind, sets_have_columns_of_one_type)
{
    expect_messages(T V("SELECT id FROM t UNION ALL SELECT id, g FROM t"),
                    "2:65 42601 each UNION query must have the same number of "
                    "columns\n");
    expect_messages(T V("SELECT (id, g) = (1, 2, 3) FROM t"),
                    "2:46 42601 unequal number of entries in row "
                    "expressions\n");
}

Test(bind, all_faults_of_all_statements_come_at_once)
{
    expect_messages(T "CREATE MATERIALIZED VIEW a AS SELECT idd, vv FROM t;\n"
                      "CREATE MATERIALIZED VIEW b AS SELECT s + 1 FROM t;",
                    "2:38 42703 column \"idd\" does not exist\n"
                    "2:43 42703 column \"vv\" does not exist\n"
                    "3:40 42883 operator does not exist: text + integer\n");
}

Test(bind, views_that_retract_need_a_key)
{
    expect_messages(
        T V("SELECT n + 1 AS v FROM (SELECT g, count(*) AS n FROM "
            "t GROUP BY g) q"),
        "2:26 42P16 the rows of \"x\" change, but no key can be derived "
        "for them\n");
    expect_messages(T V("SELECT count(*) AS n FROM t"), "");
    expect_messages(T V("SELECT g, max(v) AS v FROM t GROUP BY g"), "");
}
