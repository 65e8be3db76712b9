/* CREATE FUNCTION in views: what it gives, and where its faults go. */
#include "tests/unit/engine/script.h"

#include <criterion/criterion.h>

#define TABLE                                                              \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"                          \
    "CREATE FOREIGN TABLE t (id int, s text) SERVER k OPTIONS (topic 't'," \
    " format 'json');"
#define ROWS                          \
    "t 0 - {\"id\":1,\"s\":\"Ab\"}\n" \
    "t 0 - {\"id\":0,\"s\":\"Cd\"}\n" \
    "t 0 - {\"id\":2}\n"

Test(functions, overloads_defaults_names_and_strict)
{
    script_check(
        TABLE
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN a + 1;"
        "CREATE FUNCTION f(a text) RETURNS text LANGUAGE sql AS 'SELECT "
        "upper($1)';"
        "CREATE FUNCTION g(a int, b int DEFAULT 10) RETURNS int LANGUAGE sql "
        "AS $$ SELECT f(g.a) * b $$;"
        "CREATE FUNCTION n(a int) RETURNS int LANGUAGE sql RETURN coalesce(a, "
        "-1);"
        "CREATE FUNCTION ns(a int) RETURNS int LANGUAGE sql STRICT RETURN "
        "coalesce(a, -1);"
        "CREATE MATERIALIZED VIEW v WITH (primary_key = 'id') AS SELECT id, "
        "f(id) AS i, f(s) AS s, g(id) AS g, g(b => 2, a => id) AS gn, n(NULL) "
        "AS n, ns(NULL) AS ns FROM t WHERE f(id) > 1;",
        ROWS,
        "v\n"
        "  1 2 AB 20 4 -1 null\n"
        "  2 3 null 30 6 -1 null\n");
}

Test(functions, replaced_ones_count_from_there_on)
{
    script_check(
        TABLE "CREATE FUNCTION f(a text) RETURNS text LANGUAGE sql AS 'SELECT "
              "upper($1)';"
              "CREATE MATERIALIZED VIEW up AS SELECT DISTINCT f(s) AS s FROM t;"
              "CREATE OR REPLACE FUNCTION f(a text) RETURNS text LANGUAGE sql "
              "BEGIN ATOMIC SELECT lower(a); END;"
              "CREATE MATERIALIZED VIEW low AS SELECT DISTINCT f(s) AS s FROM "
              "t;",
        ROWS,
        "up\n"
        "  AB\n"
        "  CD\n"
        "  null\n"
        "low\n"
        "  ab\n"
        "  cd\n"
        "  null\n");
}

Test(functions, a_fault_in_a_body_is_one_letter)
{
    script_check(
        TABLE "CREATE FUNCTION share(a int) RETURNS int LANGUAGE sql RETURN "
              "12 / a;"
              "CREATE MATERIALIZED VIEW v WITH (primary_key = 'id') AS SELECT "
              "id, share(id) AS q FROM t;"
              "CREATE MATERIALIZED VIEW l AS SELECT error_code, error_message, "
              "stage, view, column_name, topic, partition, record_offset, "
              "convert_from(raw_value, 'UTF8') FROM dead_letters(v);",
        ROWS,
        "v\n"
        "  1 12\n"
        "  2 6\n"
        "l\n"
        "  22012 division by zero project v q t 0 1 {\"id\":0,\"s\":\"Cd\"}\n");
}
