/* Subscripts, named arguments, declared columns: what is refused, and where. */
#include "tests/unit/sql/golden.h"

#include <criterion/criterion.h>

Test(args, slices_are_of_arrays)
{
    expect_messages(
        "CREATE VIEW a AS SELECT ('[1]'::jsonb)[0:1] AS x;\n"
        "CREATE VIEW b AS SELECT (ARRAY[1,2])[1:2][1] AS x;\n"
        "CREATE VIEW c AS SELECT (5)[1:2] AS x;\n"
        "CREATE VIEW d AS SELECT ((ARRAY[1,2])[1:2])[1] AS x;\n"
        "CREATE VIEW e AS SELECT (ARRAY[1,2])['a'::text:] AS x;",
        "1:31 42804 jsonb subscript does not support slices\n"
        "2:26 0A000 an array of more than one dimension is not supported\n"
        "3:26 42804 cannot subscript type integer because it does not support "
        "subscripting\n"
        "5:38 42804 array subscript must have type integer\n");
}

Test(args, arrays_of_arrays_are_refused_before_a_row_comes)
{
    expect_messages(
        "CREATE VIEW a AS SELECT ARRAY[[x, 2], [3, 4]] AS y FROM (VALUES (1)) "
        "AS t(x);\n"
        "CREATE VIEW b AS SELECT ARRAY[string_to_array('a', ',')] AS y;\n"
        "CREATE VIEW c AS SELECT CASE WHEN x > 0 THEN ARRAY[ARRAY[x]] END AS y "
        "FROM (VALUES (1)) AS t(x);\n"
        "CREATE VIEW d AS SELECT array_agg(ARRAY[x]) AS y FROM (VALUES (1)) AS "
        "t(x);\n"
        "CREATE VIEW e AS SELECT ARRAY[[1, 2]]::text[] AS y;",
        "1:25 0A000 an array of more than one dimension is not supported\n"
        "2:25 0A000 an array of more than one dimension is not supported\n"
        "3:46 0A000 an array of more than one dimension is not supported\n"
        "4:25 0A000 an array of more than one dimension is not supported\n"
        "5:31 0A000 an array of more than one dimension is not supported\n");
}

Test(args, names_are_those_of_the_function)
{
    expect_messages(
        "CREATE VIEW a AS SELECT make_interval(yeers => 1) AS x;\n"
        "CREATE VIEW b AS SELECT make_interval(days => 1, days => 2) AS x;\n"
        "CREATE VIEW c AS SELECT make_interval(days => 1, 2) AS x;\n"
        "CREATE VIEW d AS SELECT jsonb_set(path => '{a}') AS x;\n"
        "CREATE VIEW e AS SELECT lower(text => 'A') AS x;",
        "1:39 42883 function make_interval() with these arguments does not "
        "exist\n"
        "2:50 42601 argument name \"days\" used more than once\n"
        "3:50 42601 positional argument cannot follow named argument\n"
        "4:25 42883 function jsonb_set() with these arguments does not exist\n"
        "5:31 0A000 a named argument of this function is not supported\n");
}

Test(args, columns_are_declared_for_records_only)
{
    expect_messages(
        "CREATE VIEW a AS SELECT * FROM jsonb_to_record('{}');\n"
        "CREATE VIEW b AS SELECT * FROM generate_series(1, 2) AS t(a int);\n"
        "CREATE VIEW c AS SELECT * FROM jsonb_to_record('{}') AS t(a int, a "
        "int);\n"
        "CREATE VIEW d AS SELECT * FROM jsonb_to_record('{}') AS t(a json);",
        "1:32 42601 a column definition list is required for functions "
        "returning \"record\"\n"
        "2:32 42601 a column definition list is only allowed for functions "
        "returning \"record\"\n"
        "3:66 42701 column name \"a\" specified more than once\n"
        "4:61 0A000 type \"json\" is not supported; use jsonb\n");
}

Test(args, any_of_other_operators_wants_known_arrays)
{
    expect_messages(
        "CREATE VIEW a AS SELECT 'x' LIKE ANY (p) AS y FROM (VALUES "
        "(ARRAY['a'])) AS t(p);\n"
        "CREATE VIEW b AS SELECT 'x' || ANY (ARRAY['a']) AS y;\n"
        "CREATE VIEW c AS SELECT 'x' LIKE ANY ('a'::text) AS y;",
        "1:29 0A000 ~~ ANY of an array that is not known in advance is not "
        "supported\n"
        "2:29 42809 op ANY/ALL (array) requires operator to yield boolean\n"
        "3:29 42809 op ANY/ALL (array) requires array on right side\n");
}
