/* Rows as arguments, functions beside each other and in select lists. */
#include "tests/unit/sql/golden.h"

#include <criterion/criterion.h>

#define T                                                                      \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;\n"                            \
    "CREATE FOREIGN TABLE t (id bigint NOT NULL, g int, tags text[], "         \
    "j jsonb) SERVER k OPTIONS (topic 't', format 'json');\n"                  \
    "CREATE FOREIGN TABLE u (g int, d interval) SERVER k OPTIONS (topic 'u', " \
    "format 'json');\n"

static void plan(const char *query, const char *want)
{
    expect_plan_of(T, query, want);
}

static void refused(const char *query, const char *want)
{
    expect_refused(T, query, want);
}

/* clang-format off */
Test(rows, a_relation_as_json_is_an_object_of_its_columns)
{
    plan("SELECT t.id, to_jsonb(u) AS u FROM t JOIN u ON t.g = u.g",
         "materialize x -> id bigint, u jsonb key(id) append-only\n"
         "  project as(id, to_jsonb(jsonb_build_object('g', g, 'd', d))) -> id bigint, u jsonb append-only\n"
         "    join inner on(g = g) -> id bigint, g integer, g integer, d interval append-only\n"
         "      project as(id, g) -> id bigint, g integer append-only\n"
         "        source t -> id bigint, g integer, tags text[], j jsonb append-only\n"
         "      source u -> g integer, d interval append-only\n");
}

Test(rows, the_row_that_an_outer_join_misses_is_null)
{
    plan("SELECT t.id, count(u) AS n FROM t LEFT JOIN u ON t.g = u.g GROUP BY t.id",
         "materialize x -> id bigint, n bigint key(id)\n"
         "  project as(id, count) -> id bigint, n bigint key(id)\n"
         "    aggregate by(id) count(e2) -> id bigint, count bigint key(id)\n"
         "      project as(id, CASE WHEN ((g IS NULL) AND (d IS NULL)) THEN NULL ELSE true END) -> id bigint, e2 boolean\n"
         "        join left on(g = g) -> id bigint, g integer, g integer, d interval\n"
         "          project as(id, g) -> id bigint, g integer append-only\n"
         "            source t -> id bigint, g integer, tags text[], j jsonb append-only\n"
         "          source u -> g integer, d interval append-only\n");
}

Test(rows, functions_of_a_list_move_to_from)
{
    plan("SELECT id, unnest(tags) AS tag, jsonb_array_elements(j) FROM t",
         "materialize x -> id bigint, tag text, jsonb_array_elements jsonb key(id) append-only\n"
         "  project as(id, unnest, value) -> id bigint, tag text, jsonb_array_elements jsonb append-only\n"
         "    flatmap rows from of('\\x06756e6e657374014300000000000000146a736f6e625f61727261795f656c656d656e7473011000000000000000'::bytea, tags, j) -> id bigint, g integer, tags text[], j jsonb, unnest text, value jsonb append-only\n"
         "      source t -> id bigint, g integer, tags text[], j jsonb append-only\n");
}

Test(rows, behind_group_by_the_list_comes_first)
{
    plan("SELECT g AS id, unnest(array_agg(id)) AS i FROM t GROUP BY g",
         "materialize x -> id integer, i bigint key(id)\n"
         "  project as(col0, unnest) -> id integer, i bigint\n"
         "    flatmap unnest of(arg1) -> col0 integer, arg1 bigint[], unnest bigint\n"
         "      project as(g, array_agg) -> col0 integer, arg1 bigint[] key(col0)\n"
         "        aggregate by(g) array_agg(id) -> g integer, array_agg bigint[] key(g)\n"
         "          project as(g, id) -> g integer, id bigint append-only\n"
         "            source t -> id bigint, g integer, tags text[], j jsonb append-only\n");
}

Test(rows, columns_of_a_table_declare_those_of_a_record)
{
    plan("SELECT t.id, r.g, r.d FROM t, jsonb_populate_record(NULL::u, t.j) AS r",
         "materialize x -> id bigint, g integer, d interval key(id) append-only\n"
         "  project as(id, g, d) -> id bigint, g integer, d interval append-only\n"
         "    flatmap jsonb_to_record of(j, '{g,d}'::text[], '\\x03000000ffff0e000000ffff'::bytea) -> id bigint, g integer, tags text[], j jsonb, g integer, d interval append-only\n"
         "      source t -> id bigint, g integer, tags text[], j jsonb append-only\n");
}
/* clang-format on */

Test(rows, what_a_row_cannot_be_is_refused_by_name)
{
    refused("SELECT t FROM t",
            "5:8 0A000 the row \"t\" as a value is not supported\n");
    refused("SELECT DISTINCT (id, g) FROM t",
            "5:17 0A000 a row value here is not supported\n");
    refused("SELECT count(DISTINCT u) FROM u",
            "5:23 0A000 count(DISTINCT) of a row with an interval is not "
            "supported\n");
    refused("SELECT (j).a FROM t",
            "5:9 0A000 a field of a composite value is not supported\n");
    refused("SELECT to_json(t) FROM t",
            "5:8 0A000 the function to_json() is not supported\n");
    refused("SELECT id FROM t WHERE (SELECT 1, 2) = (g, id)",
            "5:38 42601 subquery must return only one column\n");
    refused("SELECT id FROM t WHERE (g, id) = (SELECT 1)",
            "5:32 42601 subquery has too few columns\n");
}

Test(rows, what_functions_cannot_do_is_refused_by_name)
{
    refused("SELECT jsonb_each(j) FROM t",
            "5:8 0A000 the set-returning function jsonb_each() outside FROM is "
            "not supported\n");
    refused("SELECT DISTINCT g, unnest(array_agg(id)) FROM t GROUP BY g",
            "5:20 0A000 the set-returning function unnest() outside FROM is "
            "not supported\n");
    refused("SELECT r.* FROM t, jsonb_populate_record(t, t.j) AS r",
            "5:20 0A000 jsonb_populate_record() of another row than NULL is "
            "not supported\n");
    refused("SELECT r.* FROM t, jsonb_populate_record(NULL::tt, t.j) AS r",
            "5:20 42P01 relation \"tt\" does not exist\n");
    refused("SELECT r.* FROM t, ROWS FROM (generate_series(1, 2, 1), "
            "generate_series(1, 2, 1), unnest(tags), unnest(tags)) AS r",
            "5:31 0A000 functions beside each other of more than 7 arguments "
            "is not supported\n");
    refused("SELECT x.a FROM t, ROWS FROM (unnest(tags), unnest(tags)) AS "
            "x(a, b, c)",
            "5:31 42P10 table \"x\" has 2 columns available but 3 columns "
            "specified\n");
}
