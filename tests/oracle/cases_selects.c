/* Whole SELECTs: aggregates, sets, order, and what is wrong about them. */
#include "tests/oracle/level.h"

/* clang-format off */
static const char *const all[] = {
    "SELECT count(*), count(x), sum(x), avg(x), min(x), max(x) FROM (VALUES "
    "(1::int2), (NULL), (5::int2)) AS t(x)",
    "SELECT count(*), count(x), sum(x), avg(x), min(x), max(x) FROM (VALUES "
    "(1::int4), (NULL), (2147483647)) AS t(x)",
    "SELECT count(*), count(x), sum(x), avg(x), min(x), max(x) FROM (VALUES "
    "(1::int8), (9223372036854775807), (9223372036854775807)) AS t(x)",
    "SELECT count(*), count(x), sum(x), avg(x), min(x), max(x) FROM (VALUES "
    "(1.5::float4), (NULL), (0.1::float4)) AS t(x)",
    "SELECT count(*), count(x), sum(x), avg(x), min(x), max(x) FROM (VALUES "
    "(1.5::float8), (NULL), (0.1)) AS t(x)",
    "SELECT sum(x), avg(x), min(x), max(x) FROM (VALUES (1.5::float8), "
    "('NaN'), ('Infinity')) AS t(x)",
    "SELECT sum(x), avg(x), min(x), max(x) FROM (VALUES "
    "('Infinity'::float8), ('-Infinity')) AS t(x)",
    "SELECT count(*), count(x), sum(x), avg(x), min(x), max(x) FROM (VALUES "
    "(1.50), (NULL), (0.125), (1e20)) AS t(x)",
    "SELECT sum(x), avg(x), min(x), max(x) FROM (VALUES (1.50), ('NaN'), "
    "(3)) AS t(x)",
    "SELECT sum(x), avg(x), min(x), max(x) FROM (VALUES (interval '1 day'), "
    "('25:00'), (NULL), ('1 mon')) AS t(x)",
    "SELECT min(x), max(x) FROM (VALUES ('b'::text), ('a'), ('é'), (NULL)) "
    "AS t(x)",
    "SELECT min(x), max(x) FROM (VALUES ('2024-01-31'::date), ('infinity'), "
    "(NULL)) AS t(x)",
    "SELECT min(x), max(x) FROM (VALUES ('10:30'::time), ('23:00'), (NULL)) "
    "AS t(x)",
    "SELECT min(x), max(x) FROM (VALUES ('2024-01-31 10:00'::timestamp), "
    "('1999-01-01')) AS t(x)",
    "SELECT min(x), max(x) FROM (VALUES ('2024-01-31 "
    "10:00+00'::timestamptz), ('1999-01-01 00:00+00')) AS t(x)",
    "SELECT min(x), max(x) FROM (VALUES (ARRAY[1,2]), (ARRAY[1]), (NULL)) "
    "AS t(x)",
    "SELECT bool_and(x), bool_or(x), every(x), count(x) FROM (VALUES "
    "(true), (false), (NULL)) AS t(x)",
    "SELECT bool_and(x), bool_or(x) FROM (VALUES (NULL::bool)) AS t(x)",
    "SELECT count(*), sum(x), avg(x), min(x), bool_and(x > 1) FROM (VALUES "
    "(1)) AS t(x) WHERE x > 5",
    "SELECT x % 2, count(*), sum(x) FROM (VALUES (1), (2), (3)) AS t(x) "
    "GROUP BY x % 2",
    "SELECT x % 2 AS m, count(*) FROM (VALUES (1), (2), (3)) AS t(x) GROUP "
    "BY m HAVING count(*) > 1",
    "SELECT x % 2 AS m, count(*) FROM (VALUES (1), (2), (3)) AS t(x) GROUP "
    "BY 1",
    "SELECT count(DISTINCT x), sum(DISTINCT x), avg(DISTINCT x) FROM "
    "(VALUES (1), (1), (2), (NULL)) AS t(x)",
    "SELECT count(DISTINCT x), min(DISTINCT x) FROM (VALUES (1.0), (1.00), "
    "(2)) AS t(x)",
    "SELECT count(*) FILTER (WHERE x > 1), sum(x) FILTER (WHERE x > 5) FROM "
    "(VALUES (1), (2)) AS t(x)",
    "SELECT count(*) + sum(x) * 2 FROM (VALUES (1), (2)) AS t(x)",
    "SELECT DISTINCT x FROM (VALUES (1), (1), (NULL), (NULL)) AS t(x)",
    "SELECT DISTINCT ON (g) g, x FROM (VALUES (1, 5), (1, 3), (2, NULL)) AS "
    "t(g, x) ORDER BY g, x",
    "SELECT DISTINCT ON (g) g, x FROM (VALUES (1, 5), (1, NULL), (2, NULL)) "
    "AS t(g, x) ORDER BY g, x DESC",
    "/* ordered */ SELECT x FROM (VALUES (3), (1), (NULL), (2)) AS t(x) "
    "ORDER BY x",
    "/* ordered */ SELECT x FROM (VALUES (3), (1), (NULL), (2)) AS t(x) "
    "ORDER BY x DESC",
    "/* ordered */ SELECT x FROM (VALUES (3), (1), (NULL), (2)) AS t(x) "
    "ORDER BY x DESC NULLS LAST LIMIT 2 OFFSET 1",
    "/* ordered */ SELECT x FROM (VALUES ('b'::text), ('B'), ('a'), ('é')) "
    "AS t(x) ORDER BY x",
    "/* ordered */ SELECT x, y FROM (VALUES (1, 'a'), (1, 'b'), (0, 'c')) "
    "AS t(x, y) ORDER BY x, y DESC",
    "/* ordered */ SELECT -x AS z FROM (VALUES (1), (3), (2)) AS t(x) ORDER "
    "BY z",
    "/* ordered */ SELECT x FROM (VALUES (1), (3), (2)) AS t(x) ORDER BY -x",
    "/* ordered */ SELECT x FROM (VALUES ('NaN'::float8), ('Infinity'), "
    "('-0'), (1)) AS t(x) ORDER BY 1",
    "/* ordered */ SELECT x FROM (VALUES (interval '1 mon'), ('29 days'), "
    "('31 days')) AS t(x) ORDER BY x",
    "/* ordered */ SELECT x FROM (VALUES ('[1]'::jsonb), ('{}'), ('null'), "
    "('\"a\"'), ('2'), ('true')) AS t(x) ORDER BY x",
    "SELECT g, x, row_number() OVER (PARTITION BY g ORDER BY x) FROM "
    "(VALUES (1, 5), (1, 3), (2, 1)) AS t(g, x)",
    "SELECT * FROM (SELECT g, x, row_number() OVER (PARTITION BY g ORDER BY "
    "x DESC) AS rn FROM (VALUES (1, 5), (1, 3), (2, 1)) AS t(g, x)) q WHERE "
    "rn <= 1",
    "SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, 'y'",
    "SELECT 1 AS a UNION SELECT 1.0",
    "SELECT 1 AS a UNION SELECT 1 UNION ALL SELECT 1",
    "SELECT NULL AS a UNION ALL SELECT 5",
    "SELECT 'a' AS a UNION ALL SELECT 'b'",
    "VALUES (1, 'a'), (2, NULL)",
    "VALUES (1), (2.5)",
    "SELECT * FROM jsonb_array_elements('[1, \"x\", null, [2]]'::jsonb) AS e",
    "SELECT * FROM jsonb_array_elements_text('[1, \"x\", null, "
    "[2]]'::jsonb) AS e",
    "SELECT * FROM jsonb_array_elements('{}'::jsonb) AS e",
    "SELECT * FROM jsonb_array_elements('1'::jsonb) AS e",
    "SELECT * FROM jsonb_each('{\"b\": 1, \"a\": {\"c\": null}}'::jsonb)",
    "SELECT * FROM jsonb_each_text('{\"b\": 1, \"a\": {\"c\": null}, \"n\": "
    "null}'::jsonb)",
    "SELECT * FROM jsonb_each('[1]'::jsonb)",
    "SELECT * FROM jsonb_object_keys('{\"b\": 1, \"a\": 2}'::jsonb) AS k",
    "SELECT * FROM regexp_matches('foobarbequebaz', '(b[^b]+)(b[^b]+)')",
    "SELECT * FROM regexp_matches('abcABC', '(b)(c)?', 'gi')",
    "SELECT * FROM regexp_matches('abc', 'x')",
    "SELECT * FROM regexp_matches('abc', '(')",
    "SELECT * FROM regexp_split_to_table('hello  world', ' +') AS w",
    "SELECT * FROM regexp_split_to_table('aXbxc', 'x', 'i') AS w",
    "SELECT * FROM string_to_table('a,b,,c', ',') WITH ORDINALITY",
    "SELECT * FROM string_to_table('a,b,,c', ',', 'b') WITH ORDINALITY",
    "SELECT * FROM string_to_table('abc', NULL) WITH ORDINALITY",
    "SELECT * FROM string_to_table(NULL, ',')",
    "SELECT * FROM unnest(ARRAY[1, NULL, 3]) AS x",
    "SELECT * FROM unnest(ARRAY['a', 'b']) WITH ORDINALITY AS u(x, n)",
    "SELECT * FROM unnest(NULL::int[]) AS x",
    "SELECT * FROM generate_series(1, 5) AS g",
    "SELECT * FROM generate_series(1, 10, 3) AS g",
    "SELECT * FROM generate_series(5, 1, -2) AS g",
    "SELECT * FROM generate_series(5, 1) AS g",
    "SELECT * FROM generate_series(1, 5, 0) AS g",
    "SELECT * FROM generate_series(1::int8, 3::int8) AS g",
    "SELECT * FROM generate_series(9223372036854775806, "
    "9223372036854775807, 1::int8) AS g",
    "SELECT * FROM generate_series(2147483646, 2147483647) AS g",
    "SELECT t.x, g FROM (VALUES (1), (3)) AS t(x), generate_series(1, t.x) "
    "AS g",
    "SELECT t.x, e->>'a' FROM (VALUES ('[{\"a\": 1}, {\"a\": 2}]'::jsonb), "
    "('[]')) AS t(x), jsonb_array_elements(t.x) AS e",
    "SELECT t.x, g FROM (VALUES (0), (2)) AS t(x) LEFT JOIN LATERAL "
    "generate_series(1, t.x) AS g ON true",
    "WITH a AS (SELECT 1 AS x UNION ALL SELECT 2), b AS (SELECT x * 10 AS y "
    "FROM a) SELECT sum(y) FROM b",
    "WITH a(z) AS (VALUES (1), (2)) SELECT z + 1 FROM a WHERE z > 1",
    "SELECT q.m FROM (SELECT max(x) AS m FROM (VALUES (1), (2)) AS t(x)) q",
    "SELECT x FROM (VALUES (1), (2)) AS t(x) WHERE x = 3 OR NULL",
    "SELECT sum(x) FROM (VALUES (1), (2)) AS t(x) WHERE nosuch = 1",
    "SELECT x FROM (VALUES (1, 2)) AS t(x, y) GROUP BY y",
    "SELECT sum(sum(x)) FROM (VALUES (1)) AS t(x)",
    "SELECT x FROM (VALUES (1)) AS t(x) WHERE sum(x) > 1",
    "SELECT x FROM (VALUES (1)) AS t(x) WHERE x",
    "SELECT x FROM (VALUES (1)) AS t(x) HAVING true",
    "SELECT DISTINCT ON (g) g, x FROM (VALUES (1, 2)) AS t(g, x) ORDER BY x",
    "SELECT (1, 2), (3) FROM (VALUES (1)) AS t(x) ORDER BY 5",
    "SELECT x FROM (VALUES (1), ('a')) AS t(x)",
    "SELECT x, y FROM (VALUES (1), (1, 2)) AS t(x, y)",
    "SELECT 1 UNION SELECT 'a'",
    "SELECT 1 UNION SELECT 1, 2",
    "SELECT g, count(*) FROM (VALUES (NULL), (NULL), (1)) AS t(g) GROUP BY g",
    "SELECT count(*) FROM (VALUES ('-0'::float8), ('0')) AS t(g) GROUP BY g",
    "SELECT count(*) FROM (VALUES ('NaN'::float8), ('NaN')) AS t(g) GROUP BY g",
    "SELECT count(*) FROM (VALUES ('{\"a\":1,\"b\":2}'::jsonb), "
    "('{\"b\":2,\"a\":1.0}')) AS t(g) GROUP BY g",
    "SELECT count(*) FROM (VALUES (interval '1 mon'), ('30 days')) AS t(g) "
    "GROUP BY g",
    "SELECT count(*), g FROM (VALUES (true), (false), (true)) AS t(g) GROUP "
    "BY g HAVING bool_and(g) OR count(*) = 1",
    "/* ordered */ SELECT -x AS x FROM (VALUES (1),(3),(2)) t(x) ORDER BY x",
    "SELECT x % 2 AS x, count(*) FROM (VALUES (1),(3),(2)) t(x) GROUP BY x",
    "/* ordered */ SELECT DISTINCT ON (x) -x AS x FROM (VALUES "
    "(1),(3),(2)) t(x) ORDER BY x",
    "/* ordered */ SELECT DISTINCT x % 2 AS y FROM (VALUES (1),(3),(2)) "
    "t(x) ORDER BY y",
    "SELECT 1 IN (2.5, '1.5')",
    "SELECT 1 IN (2, '3')",
    "SELECT 'a' IN ('b', 'a')",
    "SELECT x IN (1, 2.5) FROM (VALUES (1),(3)) t(x)",
    "SELECT 1 NOT IN (1.5, NULL)",
    "SELECT x AS y FROM (VALUES (1),(2)) t(x) WHERE y > 1",
    "SELECT x AS y, count(*) FROM (VALUES (1),(2)) t(x) GROUP BY y HAVING "
    "y > 1",
    "/* ordered */ SELECT count(*) AS n FROM (VALUES (1),(2)) t(x) ORDER "
    "BY n",
    "/* ordered */ SELECT x FROM (VALUES (1),(2)) t(x) ORDER BY y",
    "SELECT t.* FROM (VALUES (1,2)) t(x,y)",
    "SELECT t.x, * FROM (VALUES (1,2)) t(x,y)",
    "SELECT count(x, y) FROM (VALUES (1,2)) t(x,y)",
    "SELECT sum('a')",
    "SELECT sum('1')",
    "SELECT max('a')",
    "SELECT min(NULL)",
    "SELECT count('a')",
    "SELECT count(NULL)",
    "SELECT avg(true)",
    "SELECT CASE WHEN 1 THEN 2 END",
    "SELECT x FROM (VALUES (1)) t(x) LIMIT 'a'",
    "/* ordered */ SELECT x FROM (VALUES (1),(2)) t(x) ORDER BY x LIMIT 1.6",
    "/* ordered */ SELECT x FROM (VALUES (1),(2)) t(x) ORDER BY x LIMIT -1",
    "/* ordered */ SELECT x FROM (VALUES (1),(2)) t(x) ORDER BY x LIMIT "
    "NULL",
    "/* ordered */ SELECT x FROM (VALUES (1),(2)) t(x) ORDER BY x OFFSET -1",
    "/* ordered */ SELECT x FROM (VALUES (1),(2)) t(x) ORDER BY x FETCH "
    "FIRST 1 ROW ONLY",
    "SELECT x, count(*) FROM (VALUES (1),(2)) t(x) GROUP BY x ORDER BY "
    "count(*), x DESC",
    "SELECT x, sum(x) FROM (VALUES (1),(2)) t(x) GROUP BY x ORDER BY "
    "sum(x) DESC",
    "/* ordered */ SELECT x FROM (VALUES (1),(2)) t(x) UNION SELECT 3 "
    "ORDER BY x DESC",
    "/* ordered */ SELECT DISTINCT x FROM (VALUES (1),(2)) t(x) ORDER BY -x",
    "SELECT x.y FROM (VALUES (1)) t(x)",
    "SELECT z.x FROM (VALUES (1)) t(x)",
    "SELECT * FROM nosuch",
    "SELECT row_number() OVER () FROM (VALUES (1),(2)) t(x)",
    "SELECT 1 AS a, 2 AS a",
    "SELECT a FROM (SELECT 1 AS a, 2 AS a) q",
    "SELECT count(DISTINCT *) FROM (VALUES (1)) t(x)",
    "SELECT count() FROM (VALUES (1)) t(x)",
    "SELECT 1::int8::int2::text || 'a'",
    "SELECT interval '1' day",
    "SELECT date '2024-01-01' + time '10:00'",
    "SELECT 5 + '3'",
    "SELECT '5' + '3'",
    "SELECT 'a' || 'b'",
    "SELECT NULL || 'b'",
    "SELECT -'5'",
    "SELECT - '5'::int",
    "SELECT 2^3^2",
    "SELECT -2^2",
    "SELECT 1 < 2 = true",
    "SELECT not true = false",
    "SELECT 1 is null is null",
    "SELECT 'a' LIKE 'a' = true",
    "SELECT 1 + 2 || 'x'",
    "SELECT 'x' || 1 + 2",
    "SELECT 10 % 3 * 2",
    "SELECT 1 = any('{1,2}')",
    "SELECT '{1,2}'::int[] = '{1,2}'",
    "SELECT ARRAY[1,2] || '{3}'",
    "SELECT ARRAY[1,2] || '3'",
    "SELECT 1 || ARRAY[2]",
    "SELECT '1' || ARRAY[2]",
    "SELECT coalesce(1, '2')",
    "SELECT coalesce('a', 1)",
    "SELECT greatest('2', 10)",
    "SELECT nullif('1', 1)",
    "SELECT CASE 1 WHEN '1' THEN 'a' END",
    "SELECT CASE 'a' WHEN 'b' THEN 1 ELSE 2.5 END",
    "SELECT 'a' < 'b' COLLATE \"C\"",
    "SELECT U&'\\0061'",
    "SELECT E'a\\nb'",
    "SELECT $$a'b$$",
    "SELECT 1e3, 1e-3, .5e1, 0x1F",
    "SELECT 1_000",
    "SELECT true::text, 'on'::bool",
    "SELECT x IN (1, x, '2.5') FROM (VALUES (1), (3)) AS t(x)",
    "SELECT x IN ('1', '3') FROM (VALUES (1), (2)) AS t(x)",
    "SELECT 1.5 IN (1, 2, '1.5')",
    "SELECT 'a' IN (1, 2)",
    "SELECT x NOT IN (1.5, 2) FROM (VALUES (1), (2)) AS t(x)",
    "SELECT true IN ('t', 'f')",
    "SELECT x IN ('2024-01-31', '2024-02-01') FROM (VALUES "
    "('2024-01-31'::date)) AS t(x)",
    "SELECT (1, 2) IN ((1, 2), (3, 4))",
    "SELECT substring('hello', NULL)",
    "SELECT GREATEST(1, '2')",
    "SELECT x, x AS x FROM (VALUES (1), (2)) AS t(x) GROUP BY x, 1, 2",
    "SELECT count(*) FROM (VALUES (1), (2)) AS t(x) GROUP BY 1",
    "SELECT e.value FROM jsonb_array_elements('[1]') e",
    "SELECT e FROM jsonb_array_elements('[1]') e",
    "SELECT value FROM jsonb_array_elements('[1]') AS e",
    "SELECT * FROM jsonb_array_elements('[1]') AS e WHERE e > '0'",
    "SELECT e.e FROM jsonb_array_elements('[1]') AS e",
    "SELECT e.e FROM jsonb_array_elements('[1]') AS e(e)",
    "SELECT e.value, n FROM jsonb_array_elements('[1]') WITH ORDINALITY AS "
    "e(value, n)",
    "SELECT e FROM unnest(ARRAY[1]) AS e",
    "SELECT e.e FROM unnest(ARRAY[1]) AS e",
    "SELECT q FROM jsonb_object_keys('{\"a\":1}') AS q",
    "SELECT q.q FROM jsonb_object_keys('{\"a\":1}') AS q",
    "SELECT q.jsonb_object_keys FROM jsonb_object_keys('{\"a\":1}') AS q",
    "SELECT value FROM jsonb_array_elements('[1]') a, "
    "jsonb_array_elements('[2]') b",
    "SELECT a.value, b.value FROM jsonb_array_elements('[1]') a, "
    "jsonb_array_elements('[2]') b",
    "SELECT x FROM (VALUES (1,2),(3,4),(1,5)) t(x,y) ORDER BY 1.5",
    "SELECT x FROM (VALUES (1,2),(3,4),(1,5)) t(x,y) ORDER BY NULL",
    "SELECT x FROM (VALUES (1,2),(3,4),(1,5)) t(x,y) ORDER BY true",
    "SELECT x FROM (VALUES (1,2),(3,4),(1,5)) t(x,y) GROUP BY 0",
    "SELECT x FROM (VALUES (1,2),(3,4),(1,5)) t(x,y) ORDER BY -1",
    "SELECT w->>'a' FROM jsonb_array_elements('[{\"a\":5}]') AS w GROUP BY "
    "w->>'a'",
    "SELECT w, count(*) FROM jsonb_array_elements('[1,1]') AS w GROUP BY w",
    "SELECT DISTINCT ON (w) w FROM jsonb_array_elements('[1,1]') AS w "
    "ORDER BY w",
    "SELECT upper(x::text) FILTER (WHERE true) FROM (VALUES "
    "(1,2),(3,4),(1,5)) t(x,y)",
    "WITH a AS (SELECT 1 AS x), a AS (SELECT 2 AS x) SELECT * FROM a",
    "SELECT DISTINCT ON (1) x, y FROM (VALUES (1,2),(3,4),(1,5)) t(x,y) "
    "ORDER BY 1, 2",
    "SELECT DISTINCT ON (count(*)) x, count(*) FROM (VALUES "
    "(1,2),(3,4),(1,5)) t(x,y) GROUP BY x ORDER BY count(*), x",
    "SELECT DISTINCT ON (z) x AS z, y FROM (VALUES (1,2),(3,4),(1,5)) "
    "t(x,y) ORDER BY z, y",
    "SELECT DISTINCT x, count(*) FROM (VALUES (1,2),(3,4),(1,5)) t(x,y) "
    "GROUP BY x ORDER BY count(*), x",
    "SELECT DISTINCT x FROM (VALUES (1,2),(3,4),(1,5)) t(x,y) ORDER BY y",
    "SELECT x FROM (VALUES (1,2),(3,4),(1,5)) t(x,y) ORDER BY count(*)",
    "SELECT sum(x) FILTER (WHERE sum(y) > 1) FROM (VALUES "
    "(1,2),(3,4),(1,5)) t(x,y)",
    "SELECT 1 FROM (VALUES (1,2),(3,4),(1,5)) t(x,y) HAVING count(*) > 1",
    "SELECT (x + y) * 2 FROM (VALUES (1,2),(3,4),(1,5)) t(x,y) GROUP BY x "
    "+ y",
    "SELECT x FROM (VALUES (1,2),(3,4),(1,5)) t(x,y) GROUP BY x + 1",
    "SELECT max(x) - min(y), count(*) * 2 FROM (VALUES (1,2),(3,4),(1,5)) "
    "t(x,y)",
    "SELECT x, row_number() OVER w FROM (VALUES (1,2),(3,4),(1,5)) t(x,y) "
    "WINDOW w AS (PARTITION BY x ORDER BY y)",
    "SELECT row_number() OVER (ORDER BY x, y) AS r FROM (VALUES "
    "(1,2),(3,4),(1,5)) t(x,y) GROUP BY 1",
    "SELECT * FROM (VALUES (1,2),(3,4),(1,5)) t(x,y), generate_series(1, "
    "t.x) g WHERE g = t.x",
    "SELECT * FROM generate_series(1, 3) g, unnest(ARRAY[g, g*2]) u",
    "SELECT * FROM (VALUES (1,2),(3,4),(1,5)) t(x,y) JOIN LATERAL "
    "generate_series(1,x) g ON true",
    "WITH a AS (WITH b AS (SELECT 5 AS y) SELECT y FROM b) SELECT y + 1 "
    "FROM a",
    "(SELECT 1) UNION (SELECT 2) ORDER BY 1 DESC LIMIT 1",
    "SELECT x FROM (VALUES (1,2),(3,4),(1,5)) t(x,y) UNION ALL (SELECT x "
    "FROM (VALUES (1,2),(3,4),(1,5)) t(x,y) UNION SELECT 7)",
    "SELECT '1' UNION SELECT 2",
    "SELECT x AS y, y AS x FROM (VALUES (1,2),(3,4),(1,5)) t(x,y) ORDER BY "
    "x, y",
    "SELECT sum(1) WHERE false",
};
/* clang-format on */

const cu_hand_cases cu_cases_selects = {"selects", all,
                                        sizeof(all) / sizeof(*all)};
