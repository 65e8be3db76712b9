/* Rows as arguments and as subqueries; functions beside each other and in
 * select lists; subqueries in VALUES, in FULL JOIN's ON, in functions of FROM.
 */
#include "tests/oracle/level.h"

/* clang-format off */
#define W \
    "WITH o(id, k, v, ts) AS (VALUES " \
    "(1, 1, 10, timestamp '2024-01-01 10:00'), " \
    "(2, 2, 20, '2024-01-01 11:00'), (3, 2, 5, '2024-01-01 12:00'), " \
    "(4, NULL, 7, '2024-01-02 10:00'), (5, 3, NULL, '2024-01-03 10:00')), " \
    "r(id, k, x) AS (VALUES (1, 1, 10.5), (2, 1, 30), (3, 2, 20.0), " \
    "(4, NULL, 40), (5, 4, NULL)), " \
    "e(id, tags, j) AS (VALUES " \
    "(1, ARRAY['a','b'], '{\"x\": [1, 2]}'::jsonb), " \
    "(2, '{}', '{\"x\": []}'), (3, NULL, '{\"x\": [5], \"y\": 1}'), " \
    "(4, '{c,NULL,d}', '{}')) "

static const char *const all[] = {
    /* rows as JSON */
    W "SELECT to_jsonb(o) FROM o",
    W "SELECT to_jsonb(o.*) FROM o",
    W "SELECT to_jsonb(x) FROM o x",
    W "SELECT to_jsonb(ROW(id, k, ts)) FROM o",
    W "SELECT to_jsonb((id, (k, 'z'))) FROM o",
    W "SELECT to_jsonb(ROW(o.*, 1)) FROM o",
    W "SELECT to_jsonb(ROW()) FROM o",
    W "SELECT to_jsonb(e) - 'j' FROM e",
    W "SELECT to_jsonb(e)->'tags' FROM e",
    W "SELECT jsonb_build_object('row', o, 'n', 1) FROM o",
    W "SELECT jsonb_build_array(o, ROW(1, 2)) FROM o",
    W "SELECT k, jsonb_agg(o ORDER BY id) FROM o GROUP BY k",
    W "SELECT k, jsonb_agg(ROW(id, v) ORDER BY v DESC, id) FROM o GROUP BY k",
    W "SELECT jsonb_object_agg(id, o ORDER BY id) FROM o",
    W "SELECT jsonb_agg(to_jsonb(o) - 'ts' ORDER BY id) FROM o",
    W "SELECT jsonb_agg(s ORDER BY s.id) FROM (SELECT id, v FROM o) s",
    W "SELECT o.id, to_jsonb(r) FROM o LEFT JOIN r ON o.k = r.k",
    W "SELECT r.id, to_jsonb(o) FROM o RIGHT JOIN r ON o.k = r.k",
    W "SELECT to_jsonb(o), to_jsonb(r) FROM o FULL JOIN r ON o.k = r.k",
    W "SELECT o.id, to_jsonb(r) FROM o JOIN r USING (k)",
    W "SELECT o.id, count(r), count(*) FROM o LEFT JOIN r ON o.k = r.k GROUP BY o.id",
    W "SELECT o.id, (SELECT jsonb_agg(r ORDER BY r.id) FROM r WHERE r.k = o.k) FROM o",
    W "SELECT o.id, (SELECT to_jsonb(o)) FROM o",
    W "SELECT o.id, l.j FROM o, LATERAL (SELECT to_jsonb(o) AS j) l",
    W "SELECT to_jsonb(g) FROM generate_series(1, 2) g",
    W "SELECT to_jsonb(t) FROM unnest(ARRAY[1,2], ARRAY['a']) AS t(a, b)",
    W "SELECT to_jsonb(nothing) FROM o",
    "SELECT to_jsonb(s) FROM (SELECT 1 AS s) s",
    "SELECT to_jsonb(ROW(1.50, true, NULL, 'x', 1e3::float8, date '2024-01-02'))",
    "SELECT to_jsonb(ROW(interval '1 day 2 hours', time '10:00', "
    "ARRAY[1,2], '{\"b\":1,\"a\":2}'::jsonb))",
    /* counting rows */
    W "SELECT count(o) FROM o",
    W "SELECT count((k, v)) FROM o",
    W "SELECT count(DISTINCT (k, v)) FROM o",
    W "SELECT count(DISTINCT (k, v > 6)) FROM o",
    W "SELECT k, count(DISTINCT ROW(v, ts)) FROM o GROUP BY k",
    W "SELECT count(DISTINCT o) FROM (SELECT k FROM o) o",
    W "SELECT count(DISTINCT (x, 1)) FROM (VALUES (1.0), (1.00), (2)) t(x)",
    W "SELECT count(DISTINCT r) FROM o LEFT JOIN (SELECT k, x FROM r) r ON o.k = r.k",
    /* fields */
    W "SELECT (o).v, (o).id FROM o",
    W "SELECT (x).v + 1 FROM o x WHERE (x).k = 2",
    W "SELECT (o).nothing FROM o",
    W "SELECT (nothing).id FROM o",
    W "SELECT id FROM o GROUP BY (id, k)",
    W "SELECT (k, v) IS NULL, ROW(k, v) IS NOT NULL FROM o",
    /* rows and subqueries */
    W "SELECT id FROM o WHERE (k, v) = (SELECT k, 10 FROM r WHERE id = 1)",
    W "SELECT id FROM o WHERE (k, v) <> (SELECT k, 10 FROM r WHERE id = 1)",
    W "SELECT id, (k, v) < (SELECT 2, 10) FROM o",
    W "SELECT id, (k, v) >= (SELECT k, x FROM r WHERE id = 3) FROM o",
    W "SELECT id, (k, v) = (SELECT k, x FROM r WHERE id = 99) FROM o",
    W "SELECT id, (SELECT 1, 10) = (k, v) FROM o",
    W "SELECT id, (k, v) = (SELECT r.k, 10 FROM r WHERE r.id = o.id) FROM o",
    W "SELECT id, (k, v) IS DISTINCT FROM (SELECT 1, 10) FROM o",
    W "SELECT id, (k, v) IS NOT DISTINCT FROM (SELECT NULL::int, 7) FROM o",
    W "SELECT id FROM o WHERE (k, v) = (SELECT k, x FROM r)",
    W "SELECT id FROM o WHERE (k, v) = (SELECT k FROM r WHERE id = 1)",
    W "SELECT id FROM o WHERE (k, v) = (SELECT k, x, id FROM r WHERE id = 1)",
    W "SELECT (SELECT 1, 2) = (SELECT 1, 2)",
    W "SELECT id FROM o WHERE (k, v) IN (SELECT k, max(v) FROM o GROUP BY k)",
    W "SELECT id FROM o WHERE (k, v) NOT IN (SELECT k, v FROM o WHERE v > 9)",
    W "SELECT CASE WHEN (1, 10) = (SELECT k, v FROM o WHERE id = 1) THEN 'y' END",
    /* subqueries in VALUES */
    W "SELECT * FROM (VALUES (1, (SELECT count(*) FROM o)), (2, (SELECT max(x) FROM r))) t(a, n)",
    W "SELECT o.id, t.b FROM o, LATERAL (VALUES ('v', o.v), ('m', (SELECT max(id) FROM r WHERE r.k = o.k))) t(a, b)",
    W "SELECT * FROM (VALUES ((SELECT 1)), (NULL), (2.5)) t(a)",
    W "VALUES (1, EXISTS (SELECT FROM o)), (2, 3 IN (SELECT id FROM o))",
    W "SELECT * FROM (VALUES (1, 2), ((SELECT 1))) t(a)",
    /* in the arguments of functions in FROM */
    W "SELECT g FROM generate_series(1, (SELECT max(id) FROM r)) g",
    W "SELECT u FROM unnest(ARRAY(SELECT k FROM o WHERE k > 1 ORDER BY id)) u",
    W "SELECT o.id, g FROM o, generate_series(1, (SELECT count(*) FROM r WHERE r.k = o.k)) g",
    W "SELECT o.id, u FROM o LEFT JOIN unnest(ARRAY(SELECT x FROM r WHERE r.k = o.k)) u ON true",
    /* in ON of a FULL JOIN */
    W "SELECT o.id, r.id FROM o FULL JOIN r ON o.k = r.k AND o.v IN (SELECT v FROM o WHERE v > 5)",
    W "SELECT o.id, r.id FROM o FULL JOIN r ON o.k = r.k AND r.id IN (SELECT id FROM o WHERE v > 5)",
    W "SELECT o.id, r.id FROM o FULL JOIN r ON o.k = r.k AND EXISTS (SELECT FROM r q WHERE q.k = o.k AND q.x > 15)",
    W "SELECT o.id, r.id FROM o FULL JOIN r ON o.k = r.k AND r.x > (SELECT avg(x) FROM r)",
    W "SELECT o.id, r.id FROM o FULL JOIN r ON o.k = r.k AND r.x > (SELECT max(v) FROM o p WHERE p.k = r.k) AND o.v IN (SELECT v FROM o)",
    W "SELECT o.id, r.id, q.id FROM o FULL JOIN r ON o.k = r.k AND o.v > (SELECT min(v) FROM o) FULL JOIN o q ON q.id = r.id AND q.v < (SELECT max(v) FROM o)",
    /* a join with a name */
    W "SELECT j.id, j.x FROM (o JOIN r USING (id)) AS j",
    W "SELECT * FROM (o JOIN r USING (id, k)) AS j(a, b, c)",
    W "SELECT j.k FROM (o JOIN r USING (id)) AS j",
    W "SELECT o.id FROM (o JOIN r USING (id)) AS j",
    W "SELECT j.id, e.id FROM (o JOIN r USING (id)) AS j LEFT JOIN e ON e.id = j.v - 9",
    /* ROWS FROM */
    "SELECT * FROM ROWS FROM (generate_series(1, 3), unnest(ARRAY['a','b'])) AS t(a, b)",
    "SELECT * FROM ROWS FROM (generate_series(1, 3), unnest(ARRAY['a','b'])) WITH ORDINALITY AS t(a, b, o)",
    "SELECT * FROM ROWS FROM (generate_series(1, 2), "
    "jsonb_each('{\"a\": 1}'), "
    "jsonb_array_elements_text('[\"x\", null]')) AS t",
    "SELECT t.key, t.value FROM ROWS FROM "
    "(jsonb_each('{\"a\": 1}'), generate_series(1, 2)) AS t",
    "SELECT * FROM ROWS FROM "
    "(jsonb_to_recordset('[{\"a\": 1, \"b\": \"x\"}, {\"a\": 2}]') "
    "AS (a int, b text), generate_series(5, 7)) AS t(x, y, z)",
    "SELECT * FROM ROWS FROM (unnest(NULL::int[]), generate_series(1, 2)) AS t(a, b)",
    "SELECT * FROM ROWS FROM (unnest(ARRAY[1,2], ARRAY['a']), generate_series(1, 3)) AS t(a, b, c)",
    "SELECT * FROM ROWS FROM (unnest(ARRAY[]::int[]), unnest(NULL::text[])) AS t(a, b)",
    "SELECT * FROM ROWS FROM (regexp_matches('a1b2', '[a-z]\\d', 'g'), string_to_table('x,y,z', ',')) AS t(a, b)",
    "SELECT * FROM ROWS FROM (generate_series(1, 2), generate_series(1.5, 3.5), generate_series(timestamp '2024-01-01', '2024-01-02', '1 day')) AS t(a, b, c)",
    "SELECT * FROM ROWS FROM (generate_series(1, 2), generate_series(1, 0, 0)) AS t(a, b)",
    "SELECT * FROM ROWS FROM (generate_series(1, 2), nothing(1)) AS t(a, b)",
    "SELECT * FROM ROWS FROM (generate_series(1, 2), unnest(ARRAY[1])) AS t(a, b, c)",
    W "SELECT e.id, t.* FROM e, ROWS FROM (unnest(e.tags), jsonb_array_elements(e.j->'x')) AS t(a, b)",
    W "SELECT e.id, t.* FROM e LEFT JOIN ROWS FROM (unnest(e.tags), jsonb_array_elements(e.j->'x')) AS t(a, b) ON true",
    W "SELECT e.id, t.* FROM e LEFT JOIN ROWS FROM (unnest(e.tags), generate_series(1, e.id)) AS t(a, b) ON b > 1",
    /* functions in select lists */
    W "SELECT id, unnest(tags) FROM e",
    W "SELECT unnest(tags) AS tag, id FROM e WHERE id <> 1",
    W "SELECT id, jsonb_array_elements(j->'x') FROM e",
    W "SELECT id, jsonb_array_elements(j->'x')::text || '!' AS t FROM e",
    W "SELECT id, unnest(tags), jsonb_array_elements(j->'x') FROM e",
    W "SELECT id, unnest(tags), generate_series(1, 2) FROM e",
    W "SELECT *, unnest(tags) FROM e",
    W "SELECT e.*, generate_series(1, id) AS g FROM e",
    W "SELECT DISTINCT unnest(tags) IS NULL FROM e",
    W "SELECT id, jsonb_object_keys(j) AS k FROM e ORDER BY k DESC, id",
    W "SELECT id, unnest(tags) AS t FROM e ORDER BY t DESC NULLS LAST, id LIMIT 2",
    W "SELECT id, (jsonb_each(j)).key FROM e",
    W "SELECT id, (jsonb_each(j)).key, (jsonb_each(j)).value FROM e",
    W "SELECT (jsonb_each_text('{\"a\": 1, \"b\": [2]}')).value",
    W "SELECT count(*) FROM (SELECT unnest(tags) FROM e) s",
    W "SELECT t, count(*) FROM (SELECT unnest(tags) AS t FROM e) s GROUP BY t",
    W "SELECT k, unnest(array_agg(id ORDER BY id)) FROM o GROUP BY k",
    W "SELECT k, unnest(array_agg(id ORDER BY id)) AS i, count(*) FROM o GROUP BY k ORDER BY k, i",
    W "SELECT generate_series(1, max(id)::int), min(v) FROM o",
    W "SELECT id, unnest(tags), row_number() OVER (ORDER BY id DESC) FROM e",
    W "SELECT o.id, (SELECT sum(s) FROM (SELECT generate_series(1, o.id) AS s) q) FROM o",
    W "SELECT id, lower(unnest(tags)) FROM e UNION ALL SELECT 9, 'z'",
    W "SELECT id, CASE WHEN id > 1 THEN unnest(tags) END FROM e",
    W "SELECT sum(generate_series(1, 3)) FROM o",
    W "SELECT id FROM e WHERE unnest(tags) = 'a'",
    "SELECT generate_series(1, 3)",
    "SELECT generate_series(1, 3), generate_series(1, 2)",
    "SELECT 1 AS a, unnest(ARRAY[]::int[])",
    "SELECT generate_series(1, 2) + 10 AS a, 'x'",
    "SELECT regexp_split_to_table('a,b', ','), 1",
};
/* clang-format on */

const cu_hand_cases cu_cases_rows = {"rows", all, sizeof(all) / sizeof(*all)};
