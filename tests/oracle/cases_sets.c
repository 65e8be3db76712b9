/* Set-returning functions in FROM: series, arrays, paths, records. */
#include "tests/oracle/level.h"

static const char *const all[] = {
    "SELECT * FROM generate_series(1.0, 2.5, 0.5)",
    "SELECT * FROM generate_series(1.5, 4)",
    "SELECT * FROM generate_series(3.0, 1.0, -1)",
    "SELECT * FROM generate_series(3.0, 1.0, 0)",
    "SELECT * FROM generate_series('NaN'::numeric, 1.0)",
    "SELECT * FROM generate_series(1.0, 'Infinity'::numeric)",
    "SELECT * FROM generate_series(1.0, 2.0, '-Infinity'::numeric)",
    "SELECT * FROM generate_series(timestamp '2024-01-30', timestamp "
    "'2024-04-30', interval '1 mon')",
    "SELECT * FROM generate_series(timestamp '2024-01-03', timestamp "
    "'2024-01-01', interval '-1 day')",
    "SELECT * FROM generate_series(timestamp '2024-01-03', timestamp "
    "'2024-01-01', interval '1 day')",
    "SELECT * FROM generate_series(timestamp '2024-01-03', timestamp "
    "'2024-01-01', interval '0')",
    "SELECT * FROM generate_series(timestamptz '2024-03-30 12:00+00', "
    "timestamptz '2024-04-01 12:00+00', interval '12 hours')",
    "SELECT * FROM generate_series(date '2024-01-01', date '2024-01-03', "
    "interval '1 day')",
    "SELECT * FROM generate_series(date '2024-01-01', NULL, interval '1 day')",
    "SELECT s, o FROM generate_series(2, 6, 2) WITH ORDINALITY AS t(s, o) "
    "ORDER BY o",
    "SELECT * FROM generate_subscripts(ARRAY['a','b'], 1)",
    "SELECT * FROM generate_subscripts(ARRAY['a','b'], 2)",
    "SELECT s, o FROM generate_subscripts(ARRAY['a','b'], 1, true) WITH "
    "ORDINALITY AS t(s, o) ORDER BY o",
    "SELECT * FROM unnest(ARRAY[1,2,3], ARRAY['a','b']) AS t(x, y) ORDER BY x",
    "SELECT * FROM unnest(ARRAY[1,2], ARRAY['a','b'], ARRAY[true,NULL]) WITH "
    "ORDINALITY AS t(x, y, z, o) ORDER BY o",
    "SELECT * FROM unnest(ARRAY[1,2], NULL::text[]) AS t(x, y) ORDER BY x",
    "SELECT * FROM unnest(ARRAY[1,2], 5) AS t(x, y)",
    "SELECT x, y FROM (VALUES (ARRAY[1,2], ARRAY['a'])) v(p, q), unnest(v.p, "
    "v.q) AS t(x, y) ORDER BY x",
    "SELECT u FROM unnest(ARRAY[3,1,2]) AS u WHERE u > 1 ORDER BY u",
    "SELECT * FROM jsonb_path_query('{\"a\": [1, 2, 3]}', '$.a[*] ? (@ > 1)')",
    "SELECT * FROM jsonb_path_query('{\"a\": [1, 2, 3]}', '$.a[*] ? (@ > $x)', "
    "'{\"x\": 2}')",
    "SELECT * FROM jsonb_path_query('{\"a\": [1, \"x\", 3]}', "
    "'$.a[*].double()', '{}', true)",
    "SELECT * FROM jsonb_path_query('{\"a\": [1, \"x\", 3]}', "
    "'$.a[*].double()')",
    "SELECT * FROM jsonb_path_query('{\"a\": 1}', 'strict $.b', silent => "
    "true)",
    "SELECT * FROM jsonb_path_query('{\"a\": 1}', 'strict $.b')",
    "SELECT * FROM jsonb_path_query('{\"a\": 1}', '$.')",
    "SELECT v.k, p FROM (VALUES (1, '[1, 2]'::jsonb), (2, '[]')) v(k, j), "
    "jsonb_path_query(v.j, '$[*]') AS p ORDER BY 1, 2",
    "SELECT * FROM jsonb_to_recordset('[{\"sku\": \"a\", \"qty\": 2}, "
    "{\"sku\": \"b\"}, {}]') AS t(sku text, qty int)",
    "SELECT * FROM jsonb_to_recordset('[{\"a\": 1, \"b\": [1, \"2\", null], "
    "\"c\": {\"x\": 1}, \"d\": \"q\", \"e\": [1], \"f\": null, \"g\": "
    "\"{1,2}\"}]') AS t(a text, b int[], c jsonb, d jsonb, e text, f jsonb, g "
    "int[])",
    "SELECT * FROM jsonb_to_recordset('[{\"a\": \"2024-01-31\", \"b\": "
    "\"12.345\", \"c\": true, \"d\": 1.5}]') AS t(a date, b numeric(5,1), c "
    "boolean, d float8)",
    "SELECT * FROM jsonb_to_recordset('[{\"a\": \"abcdef\"}]') AS t(a "
    "varchar(3))",
    "SELECT * FROM jsonb_to_recordset('[{\"a\": 1.5}]') AS t(a int)",
    "SELECT * FROM jsonb_to_recordset('[{\"a\": 5}]') AS t(a int[])",
    "SELECT * FROM jsonb_to_recordset('[1]') AS t(a int)",
    "SELECT * FROM jsonb_to_recordset('{}') AS t(a int)",
    "SELECT * FROM jsonb_to_recordset('1') AS t(a int)",
    "SELECT * FROM jsonb_to_recordset(NULL) AS t(a int)",
    "SELECT * FROM jsonb_to_recordset('[]') AS t(a int)",
    "SELECT * FROM jsonb_to_recordset('[{\"a\": 1}]')",
    "SELECT * FROM jsonb_to_recordset('[{\"a\": 1}]') AS t(a int, a text)",
    "SELECT t.a, t.o FROM ROWS FROM (jsonb_to_recordset('[{\"a\": 1}, {\"a\": "
    "2}]') AS (a int)) WITH ORDINALITY AS t(a, o) ORDER BY o",
    "SELECT * FROM jsonb_to_record('{\"a\": 1, \"B\": \"x\"}') AS t(a int, "
    "\"B\" text, c date)",
    "SELECT * FROM jsonb_to_record(NULL) AS t(a int)",
    "SELECT * FROM jsonb_to_record('[]') AS t(a int)",
    "SELECT * FROM jsonb_to_record('1') AS t(a int)",
    "SELECT v.k, t.sku, t.qty * 2 AS twice FROM (VALUES (1, '[{\"sku\": \"a\", "
    "\"qty\": 2}]'::jsonb), (2, '[{\"sku\": \"b\", \"qty\": 5}, {\"sku\": "
    "\"c\"}]')) v(k, j), jsonb_to_recordset(v.j) AS t(sku text, qty int) ORDER "
    "BY 1, 2",
    "SELECT v.k, t.a FROM (VALUES (1, '{\"a\": 7}'::jsonb), (2, NULL)) v(k, "
    "j), jsonb_to_record(v.j) AS t(a int) ORDER BY 1",
    "SELECT v.k, t.sku FROM (VALUES (1, '[]'::jsonb), (2, '[{\"sku\": "
    "\"b\"}]')) v(k, j) LEFT JOIN jsonb_to_recordset(v.j) AS t(sku text) ON "
    "true ORDER BY 1",
    "SELECT sum(t.qty) FROM jsonb_to_recordset('[{\"qty\": 1}, {\"qty\": 2}]') "
    "AS t(qty int)",
    "SELECT * FROM generate_series(1, 2) AS t(a int)",
    "SELECT * FROM jsonb_each('{\"a\": 1}') AS t(a text, b jsonb)",
};

const cu_hand_cases cu_cases_sets = {"sets", all, sizeof(all) / sizeof(*all)};
