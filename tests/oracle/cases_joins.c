/* Joins, subqueries, LATERAL, set operations, rows.
 *
 * Every query stands behind the same three relations: o and r share k (with
 * NULLs, doubles and strangers on both sides), s has fewer ids.
 */
#include "tests/oracle/level.h"

/* clang-format off */
#define W \
    "WITH o(id, k, v, ts) AS (VALUES " \
    "(1, 1, 10, timestamp '2024-01-01 10:00'), " \
    "(2, 2, 20, '2024-01-01 11:00'), (3, 2, 5, '2024-01-01 12:00'), " \
    "(4, NULL, 7, '2024-01-02 10:00'), (5, 3, NULL, '2024-01-03 10:00')), " \
    "r(id, k, x, t) AS (VALUES " \
    "(1, 1, 10, timestamp '2024-01-01 11:00'), " \
    "(2, 1, 30, '2024-01-01 12:30'), (3, 2, 20, '2024-01-01 09:00'), " \
    "(4, NULL, 40, '2024-01-01 10:00'), (5, 4, NULL, NULL)), " \
    "s(id, n) AS (VALUES (1, 'a'), (2, 'b'), (3, NULL)) "

static const char *const all[] = {
    W "SELECT o.id, r.x FROM o JOIN r ON o.k = r.k",
    W "SELECT o.id, r.x FROM o LEFT JOIN r ON o.k = r.k",
    W "SELECT o.id, r.x FROM o RIGHT JOIN r ON o.k = r.k",
    W "SELECT o.id, r.x FROM o FULL JOIN r ON o.k = r.k",
    W "SELECT o.id, r.id FROM o CROSS JOIN r",
    W "SELECT o.id, r.id FROM o, r",
    W "SELECT o.id, r.id FROM o, r WHERE o.k = r.k",
    W "SELECT o.id, r.id FROM o, r WHERE o.k = r.k AND r.x > 10",
    W "SELECT o.id, r.id FROM o JOIN r ON o.k = r.k AND r.x > 10",
    W "SELECT o.id, r.id FROM o LEFT JOIN r ON o.k = r.k AND r.x > 10",
    W "SELECT o.id, r.id FROM o LEFT JOIN r ON o.k = r.k AND o.v > 10",
    W "SELECT o.id, r.id FROM o LEFT JOIN r ON o.k = r.k WHERE r.x > 10",
    W "SELECT o.id, r.id FROM o LEFT JOIN r ON o.k = r.k WHERE r.x IS NULL",
    W "SELECT o.id, r.id FROM o LEFT JOIN r ON o.k = r.k WHERE r.x IS NOT "
    "NULL OR o.id = 1",
    W "SELECT o.id, r.id FROM o RIGHT JOIN r ON o.k = r.k AND o.v > 5 WHERE "
    "r.x > 5",
    W "SELECT o.id, r.id FROM o FULL JOIN r ON o.k = r.k AND o.v > r.x",
    W "SELECT o.id, r.id FROM o FULL JOIN r ON o.k = r.k WHERE o.id IS NULL "
    "OR r.id IS NULL",
    W "SELECT o.id, r.id FROM o FULL JOIN r ON o.k = r.k WHERE o.id > 1",
    W "SELECT o.id, r.id FROM o LEFT JOIN r ON o.v < r.x",
    W "SELECT o.id, r.id FROM o JOIN r ON o.v < r.x AND o.k <> r.k",
    W "SELECT o.id, r.id FROM o LEFT JOIN r ON true",
    W "SELECT o.id, r.id FROM o LEFT JOIN r ON false",
    W "SELECT o.id, r.id FROM o LEFT JOIN r ON NULL",
    W "SELECT o.id, r.id FROM o JOIN r ON o.k IS NOT DISTINCT FROM r.k",
    W "SELECT o.id, r.id FROM o LEFT JOIN r ON o.k IS NOT DISTINCT FROM r.k",
    W "SELECT o.id, r.id FROM o JOIN r ON o.k + 1 = r.k",
    W "SELECT o.id, r.id FROM o JOIN r ON o.k + 1 = r.k - 1 + o.k",
    W "SELECT o.id, r.id FROM o JOIN r ON o.k::int8 = r.k",
    W "SELECT o.id, r.id FROM o JOIN r ON o.k = r.k::numeric",
    W "SELECT o.id, r.id FROM o JOIN r ON o.k = r.k::float8",
    W "SELECT a.id, b.id FROM o a JOIN o b ON a.k = b.k AND a.id < b.id",
    W "SELECT a.id, b.id, c.id FROM o a JOIN o b ON a.k = b.k JOIN r c ON c.k "
    "= b.k",
    W "SELECT a.id, b.id, c.id FROM o a, r b, s c WHERE a.k = b.k AND b.id = "
    "c.id",
    W "SELECT a.id, b.id, c.id FROM o a, s c, r b WHERE a.k = b.k AND b.id = "
    "c.id",
    W "SELECT a.id, b.id, c.n FROM o a, s c, r b WHERE a.k = b.k AND b.id = "
    "c.id AND a.v + b.x > 20 AND c.n <> 'b'",
    W "SELECT o.id, r.id, s.n FROM o LEFT JOIN r ON o.k = r.k LEFT JOIN s ON "
    "s.id = r.id",
    W "SELECT o.id, r.id, s.n FROM o LEFT JOIN (r JOIN s ON s.id = r.id) ON "
    "o.k = r.k",
    W "SELECT o.id, r.id, s.n FROM o JOIN r ON o.k = r.k RIGHT JOIN s ON s.id "
    "= r.id",
    W "SELECT o.id, r.id, s.n FROM o LEFT JOIN r ON o.k = r.k JOIN s ON s.id "
    "= o.id",
    W "SELECT o.id, r.id, s.n FROM (o FULL JOIN r ON o.k = r.k) LEFT JOIN s "
    "ON s.id = o.id",
    W "SELECT o.id, r.id, s.n FROM s, o LEFT JOIN r ON o.k = r.k WHERE s.id = "
    "o.id",
    W "SELECT * FROM o JOIN r USING (k)",
    W "SELECT * FROM o LEFT JOIN r USING (k)",
    W "SELECT * FROM o RIGHT JOIN r USING (k)",
    W "SELECT * FROM o FULL JOIN r USING (k)",
    W "SELECT k, o.k, r.k FROM o FULL JOIN r USING (k)",
    W "SELECT o.*, r.* FROM o JOIN r USING (k)",
    W "SELECT k, count(*) FROM o FULL JOIN r USING (k) GROUP BY k",
    W "SELECT * FROM o JOIN r USING (k, id)",
    W "SELECT * FROM o NATURAL JOIN s",
    W "SELECT * FROM o NATURAL LEFT JOIN s",
    W "SELECT * FROM o NATURAL FULL JOIN r",
    W "SELECT * FROM s NATURAL JOIN (VALUES (1, 2)) v(p, q)",
    W "SELECT id, k FROM o JOIN r USING (k, id) WHERE id > 1",
    W "SELECT * FROM o JOIN r USING (id) JOIN s USING (id)",
    W "SELECT * FROM o FULL JOIN r USING (id) FULL JOIN s USING (id)",
    W "SELECT id, s.n FROM o LEFT JOIN r USING (id) FULL JOIN s USING (id) "
    "WHERE id < 5",
    W "SELECT k FROM o JOIN (SELECT k::int8 AS k FROM r) z USING (k)",
    W "SELECT k FROM o FULL JOIN (SELECT k::int8 AS k FROM r) z USING (k)",
    W "SELECT o.k, count(*), sum(r.x) FROM o JOIN r ON o.k = r.k GROUP BY o.k",
    W "SELECT o.k, count(r.id) FROM o LEFT JOIN r ON o.k = r.k GROUP BY o.k "
    "HAVING count(r.id) < 2",
    W "SELECT DISTINCT o.k FROM o JOIN r ON o.v > r.x",
    W "SELECT o.id, r.id FROM o JOIN r ON o.k = r.k ORDER BY o.id, r.id LIMIT "
    "3",
    W "SELECT z.c, o.id FROM o JOIN (SELECT k, count(*) c FROM r GROUP BY k) "
    "z ON z.k = o.k",
    W "SELECT z.c, o.id FROM o LEFT JOIN (SELECT k, count(*) c FROM r GROUP "
    "BY k) z ON z.k = o.k AND z.c > 1",
    W "SELECT z.c, o.id FROM o, (SELECT count(*) c FROM r) z WHERE o.id = z.c",
    W "SELECT o.id, u FROM o, unnest(ARRAY[o.id, o.k]) u",
    W "SELECT o.id, u, r.id FROM o, unnest(ARRAY[o.id, o.k]) u, r WHERE r.k = "
    "u",
    W "SELECT o.id, u, r.id FROM o JOIN r ON r.k = o.k CROSS JOIN "
    "unnest(ARRAY[o.v, r.x]) u",
    W "SELECT o.id, g FROM o LEFT JOIN generate_series(1, o.id) g ON g > 1",
    W "SELECT o.id, g FROM o LEFT JOIN LATERAL generate_series(2, o.id) g ON "
    "true",
    W "SELECT o.id, g, r.id FROM o LEFT JOIN LATERAL generate_series(2, o.id) "
    "g ON true LEFT JOIN r ON r.id = g",
    W "SELECT g, r.id FROM generate_series(1, 4) g LEFT JOIN r ON r.id = g",
    W "SELECT g, h FROM generate_series(1, 2) g, generate_series(g, 3) h",
    W "SELECT g, r.x FROM r RIGHT JOIN generate_series(1, 6) g ON r.id = g",
    W "SELECT id FROM o WHERE EXISTS (SELECT 1 FROM r WHERE r.k = o.k)",
    W "SELECT id FROM o WHERE NOT EXISTS (SELECT 1 FROM r WHERE r.k = o.k)",
    W "SELECT id FROM o WHERE EXISTS (SELECT 1 FROM r WHERE r.k = o.k AND r.x "
    "> o.v)",
    W "SELECT id FROM o WHERE NOT EXISTS (SELECT 1 FROM r WHERE r.k = o.k AND "
    "r.x > o.v)",
    W "SELECT id FROM o WHERE EXISTS (SELECT 1 FROM r WHERE r.x > o.v)",
    W "SELECT id FROM o WHERE EXISTS (SELECT 1 FROM r)",
    W "SELECT id FROM o WHERE NOT EXISTS (SELECT 1 FROM r WHERE x > 1000)",
    W "SELECT id FROM o WHERE EXISTS (SELECT 1 FROM r WHERE o.v > 10)",
    W "SELECT id FROM o WHERE NOT EXISTS (SELECT 1 FROM r WHERE o.v > 10)",
    W "SELECT id FROM o WHERE EXISTS (SELECT count(*) FROM r WHERE r.k = o.k)",
    W "SELECT id FROM o WHERE EXISTS (SELECT count(*) FROM r WHERE r.k = o.k "
    "HAVING count(*) > 1)",
    W "SELECT id FROM o WHERE NOT EXISTS (SELECT r.k FROM r WHERE r.k = o.k "
    "GROUP BY r.k HAVING sum(r.x) > 30)",
    W "SELECT id FROM o WHERE EXISTS (SELECT 1 FROM r JOIN s ON s.id = r.id "
    "WHERE r.k = o.k AND s.n <> 'a')",
    W "SELECT id FROM o WHERE EXISTS (SELECT 1 FROM r LEFT JOIN s ON s.id = "
    "r.id AND s.n = 'a' WHERE r.k = o.k AND s.n IS NULL)",
    W "SELECT id FROM o WHERE EXISTS (SELECT 1 FROM r WHERE r.k = o.k LIMIT "
    "1)",
    W "SELECT id FROM o WHERE EXISTS (SELECT 1 FROM r WHERE r.k = o.k LIMIT "
    "0)",
    W "SELECT id FROM o WHERE EXISTS (SELECT 1 FROM r WHERE r.k = o.k ORDER "
    "BY r.x OFFSET 1)",
    W "SELECT id FROM o WHERE EXISTS (SELECT 1 FROM r WHERE r.k = o.k) OR v > "
    "15",
    W "SELECT id, EXISTS (SELECT 1 FROM r WHERE r.k = o.k) AS e FROM o",
    W "SELECT id, NOT EXISTS (SELECT 1 FROM r WHERE r.k = o.k AND r.x > o.v) "
    "FROM o",
    W "SELECT id, EXISTS (SELECT 1 FROM r WHERE x > 100), EXISTS (SELECT 1 "
    "FROM r) FROM o",
    W "SELECT id, CASE WHEN EXISTS (SELECT 1 FROM r WHERE r.k = o.k) THEN 'y' "
    "ELSE 'n' END FROM o",
    W "SELECT id FROM o WHERE k IN (SELECT k FROM r)",
    W "SELECT id FROM o WHERE k NOT IN (SELECT k FROM r)",
    W "SELECT id FROM o WHERE k NOT IN (SELECT k FROM r WHERE k IS NOT NULL)",
    W "SELECT id FROM o WHERE k NOT IN (SELECT k FROM r WHERE x > 1000)",
    W "SELECT id FROM o WHERE k IN (SELECT r.k FROM r WHERE r.x > o.v)",
    W "SELECT id FROM o WHERE k NOT IN (SELECT r.k FROM r WHERE r.x > o.v)",
    W "SELECT id FROM o WHERE v NOT IN (SELECT r.x FROM r WHERE r.k = o.k)",
    W "SELECT id FROM o WHERE v IN (SELECT max(x) FROM r GROUP BY k)",
    W "SELECT id FROM o WHERE v NOT IN (SELECT max(x) FROM r WHERE r.k = o.k)",
    W "SELECT id, k IN (SELECT k FROM r) FROM o",
    W "SELECT id, k NOT IN (SELECT k FROM r) FROM o",
    W "SELECT id, k IN (SELECT k FROM r WHERE k IS NOT NULL) FROM o",
    W "SELECT id, k IN (SELECT k FROM r WHERE x > 1000) FROM o",
    W "SELECT id, k IN (SELECT r.k FROM r WHERE r.x > o.v) FROM o",
    W "SELECT id, v IN (SELECT r.x FROM r WHERE r.k = o.k) FROM o",
    W "SELECT id, k IN (SELECT k::int8 FROM r) FROM o",
    W "SELECT id FROM o WHERE k::int8 IN (SELECT k FROM r)",
    W "SELECT id FROM o WHERE k::numeric IN (SELECT k FROM r)",
    W "SELECT id FROM o WHERE NOT (k IN (SELECT k FROM r))",
    W "SELECT id FROM o WHERE 2 IN (SELECT k FROM r)",
    W "SELECT id FROM o WHERE NULL IN (SELECT k FROM r)",
    W "SELECT id FROM o WHERE 'a' IN (SELECT n FROM s)",
    W "SELECT id FROM o WHERE (k, v) IN (SELECT k, x FROM r)",
    W "SELECT id FROM o WHERE (k, v) NOT IN (SELECT k, x FROM r)",
    W "SELECT id, (k, v) IN (SELECT k, x FROM r) FROM o",
    W "SELECT id, (k, id) IN (SELECT k, id FROM r) FROM o",
    W "SELECT id FROM o WHERE (k, v) NOT IN (SELECT k, x FROM r WHERE k IS "
    "NOT NULL)",
    W "SELECT id FROM o WHERE v > ANY (SELECT x FROM r)",
    W "SELECT id FROM o WHERE v > ALL (SELECT x FROM r)",
    W "SELECT id FROM o WHERE v > ALL (SELECT x FROM r WHERE x IS NOT NULL)",
    W "SELECT id FROM o WHERE v <> ALL (SELECT x FROM r WHERE r.k = o.k)",
    W "SELECT id FROM o WHERE v = ANY (SELECT x FROM r WHERE r.k = o.k)",
    W "SELECT id FROM o WHERE v = ALL (SELECT x FROM r WHERE r.k = o.k)",
    W "SELECT id, v > ANY (SELECT x FROM r), v > ALL (SELECT x FROM r) FROM o",
    W "SELECT id, v > ANY (SELECT x FROM r WHERE r.k = o.k), v <= ALL (SELECT "
    "x FROM r WHERE r.k = o.k) FROM o",
    W "SELECT id, v <> ANY (SELECT x FROM r WHERE x > 1000), v < ALL (SELECT "
    "x FROM r WHERE x > 1000) FROM o",
    W "SELECT id FROM o WHERE NOT (v > ANY (SELECT x FROM r))",
    W "SELECT id FROM o WHERE NOT (v > ALL (SELECT x FROM r))",
    W "SELECT id, (SELECT max(x) FROM r) FROM o",
    W "SELECT id, (SELECT max(x) FROM r WHERE r.k = o.k) m FROM o",
    W "SELECT id, (SELECT count(*) FROM r WHERE r.k = o.k) FROM o",
    W "SELECT id, (SELECT count(*) + 1 FROM r WHERE r.k = o.k) FROM o",
    W "SELECT id, (SELECT coalesce(sum(x), -1) FROM r WHERE r.k = o.k) FROM o",
    W "SELECT id, (SELECT sum(x) FROM r WHERE r.x > o.v) FROM o",
    W "SELECT id, (SELECT count(*) FROM r WHERE r.x > o.v) FROM o",
    W "SELECT id, (SELECT count(*) FROM r WHERE r.x > o.v AND r.k = o.k) FROM "
    "o",
    W "SELECT id, (SELECT count(*) FROM r WHERE r.k = o.k HAVING count(*) > "
    "1) FROM o",
    W "SELECT id, (SELECT s.n FROM s WHERE s.id = o.id) FROM o",
    W "SELECT id, (SELECT r.x FROM r WHERE r.k = o.k) FROM o",
    W "SELECT id, (SELECT r.x FROM r WHERE r.id = o.id) FROM o",
    W "SELECT id, (SELECT r.x FROM r) FROM o",
    W "SELECT id, (SELECT r.x FROM r WHERE false) FROM o",
    W "SELECT id, (SELECT r.x FROM r WHERE r.k = o.k ORDER BY r.x DESC NULLS "
    "LAST, r.id LIMIT 1) FROM o",
    W "SELECT id, (SELECT r.x FROM r WHERE r.x > o.v ORDER BY r.x LIMIT 1) "
    "FROM o",
    W "SELECT id, (SELECT r.x FROM r ORDER BY r.x DESC NULLS LAST LIMIT 1) "
    "FROM o",
    W "SELECT id, (SELECT o.v + 1) FROM o",
    W "SELECT id, (SELECT o.v + max(x) FROM r) FROM o",
    W "SELECT id, (SELECT o.v + x FROM r WHERE r.id = o.id) FROM o",
    W "SELECT id, (SELECT max(x + o.v) FROM r WHERE r.k = o.k) FROM o",
    W "SELECT id, (SELECT max(u) FROM unnest(ARRAY[o.k, o.v]) u) FROM o",
    W "SELECT id, (SELECT sum(g) FROM generate_series(1, o.id) g) FROM o",
    W "SELECT id, (SELECT count(*) FROM unnest(ARRAY[]::int[]) u) FROM o",
    W "SELECT id FROM o WHERE v > (SELECT avg(x) FROM r)",
    W "SELECT id FROM o WHERE v > (SELECT avg(x) FROM r WHERE r.k = o.k)",
    W "SELECT id FROM o WHERE v = (SELECT max(v) FROM o p WHERE p.k = o.k)",
    W "SELECT id FROM o WHERE (SELECT count(*) FROM r WHERE r.k = o.k) = 2",
    W "SELECT id FROM o WHERE (SELECT count(*) FROM r WHERE r.k = o.k) = 0",
    W "SELECT k, sum(v) FROM o GROUP BY k HAVING sum(v) > (SELECT avg(x) FROM "
    "r)",
    W "SELECT k, sum(v), (SELECT max(x) FROM r WHERE r.k = o.k) FROM o GROUP "
    "BY k",
    W "SELECT k, count(*) FROM o GROUP BY k HAVING EXISTS (SELECT 1 FROM r "
    "WHERE r.k = o.k)",
    W "SELECT k, count(*) FROM o GROUP BY k HAVING count(*) IN (SELECT id "
    "FROM r)",
    W "SELECT (SELECT max(x) FROM r WHERE r.k = o.k) m, count(*) FROM o GROUP "
    "BY 1",
    W "SELECT sum((SELECT count(*) FROM r WHERE r.k = o.k)) FROM o",
    W "SELECT count(*) FILTER (WHERE EXISTS (SELECT 1 FROM r WHERE r.k = "
    "o.k)) FROM o",
    W "SELECT count(*), (SELECT max(x) FROM r) FROM o WHERE id > 100",
    W "SELECT id FROM o ORDER BY (SELECT count(*) FROM r WHERE r.k = o.k), id",
    W "SELECT ARRAY(SELECT x FROM r ORDER BY x)",
    W "SELECT id, ARRAY(SELECT r.id FROM r WHERE r.k = o.k ORDER BY r.id) "
    "FROM o",
    W "SELECT id, ARRAY(SELECT r.id FROM r WHERE r.x > o.v ORDER BY r.x DESC, "
    "r.id) FROM o",
    W "SELECT id, ARRAY(SELECT u + o.id FROM unnest(ARRAY[1,2]) u ORDER BY u) "
    "FROM o",
    W "SELECT id, l.x FROM o, LATERAL (SELECT r.x FROM r WHERE r.k = o.k) l",
    W "SELECT id, l.x FROM o LEFT JOIN LATERAL (SELECT r.x FROM r WHERE r.k = "
    "o.k) l ON true",
    W "SELECT id, l.x FROM o LEFT JOIN LATERAL (SELECT r.x FROM r WHERE r.k = "
    "o.k) l ON l.x > 10",
    W "SELECT id, l.x FROM o LEFT JOIN LATERAL (SELECT r.x FROM r WHERE r.x > "
    "o.v) l ON true",
    W "SELECT id, l.c FROM o, LATERAL (SELECT count(*) c FROM r WHERE r.k = "
    "o.k) l",
    W "SELECT id, l.c, l.m FROM o LEFT JOIN LATERAL (SELECT count(*) c, "
    "max(x) m FROM r WHERE r.k = o.k) l ON true",
    W "SELECT id, l.c FROM o LEFT JOIN LATERAL (SELECT count(*) c FROM r "
    "WHERE r.k = o.k) l ON l.c > 0",
    W "SELECT id, l.c FROM o JOIN LATERAL (SELECT count(*) c FROM r WHERE r.x "
    "> o.v) l ON l.c > 1",
    W "SELECT id, l.x FROM o, LATERAL (SELECT r.x FROM r WHERE r.k = o.k "
    "ORDER BY r.x NULLS LAST, r.id LIMIT 1) l",
    W "SELECT id, l.x FROM o LEFT JOIN LATERAL (SELECT r.x FROM r WHERE r.k = "
    "o.k ORDER BY r.x DESC NULLS LAST, r.id LIMIT 2) l ON true",
    W "SELECT id, l.x FROM o, LATERAL (SELECT r.x FROM r WHERE r.x > o.v "
    "ORDER BY r.x LIMIT 2) l",
    W "SELECT id, l.w FROM o, LATERAL (SELECT o.v * 2 AS w) l",
    W "SELECT id, l.w, m.z FROM o, LATERAL (SELECT o.v * 2 AS w) l, LATERAL "
    "(SELECT l.w + 1 AS z) m",
    W "SELECT id, l.c, l.w FROM o, LATERAL (VALUES ('k', o.k), ('v', o.v)) "
    "l(c, w)",
    W "SELECT id, l.u FROM o, LATERAL (SELECT u FROM unnest(ARRAY[o.k, o.v]) "
    "u WHERE u > 1) l",
    W "SELECT id, l.u FROM o LEFT JOIN LATERAL (SELECT u FROM "
    "unnest(ARRAY[o.k, o.v]) u WHERE u > 10) l ON true",
    W "SELECT id, l.d FROM o, LATERAL (SELECT DISTINCT r.k AS d FROM r WHERE "
    "r.x > o.v) l",
    W "SELECT id, l.a FROM o, LATERAL (SELECT r.x AS a FROM r WHERE r.k = o.k "
    "UNION ALL SELECT s.id FROM s WHERE s.id = o.id) l",
    W "SELECT id, l.a FROM o, LATERAL (SELECT r.x AS a FROM r WHERE r.k = o.k "
    "UNION SELECT o.v) l",
    W "SELECT id, l.rn, l.x FROM o, LATERAL (SELECT r.x, row_number() OVER "
    "(ORDER BY r.id) AS rn FROM r WHERE r.k = o.k) l",
    W "SELECT o.id, p.id FROM o, LATERAL (SELECT q.id FROM o q WHERE q.k = "
    "o.k AND q.id <> o.id) p",
    W "SELECT o.id, l.x, m.n FROM o LEFT JOIN LATERAL (SELECT r.id, r.x FROM "
    "r WHERE r.k = o.k) l ON true LEFT JOIN LATERAL (SELECT s.n FROM s WHERE "
    "s.id = l.id) m ON true",
    W "SELECT o.id, l.x FROM o JOIN s ON s.id = o.id, LATERAL (SELECT r.x "
    "FROM r WHERE r.k = o.k AND r.id >= s.id) l",
    W "SELECT id FROM o WHERE EXISTS (SELECT 1 FROM r WHERE r.k = o.k AND "
    "EXISTS (SELECT 1 FROM s WHERE s.id = r.id))",
    W "SELECT id FROM o WHERE EXISTS (SELECT 1 FROM r WHERE r.k = o.k AND "
    "EXISTS (SELECT 1 FROM s WHERE s.id = r.id AND s.id <= o.id))",
    W "SELECT id FROM o WHERE EXISTS (SELECT 1 FROM r WHERE r.k = o.k AND NOT "
    "EXISTS (SELECT 1 FROM s WHERE s.id = r.id AND s.id > o.id))",
    W "SELECT id, (SELECT max((SELECT count(*) FROM s WHERE s.id <= r.id AND "
    "s.id <= o.id)) FROM r WHERE r.k = o.k) FROM o",
    W "SELECT id, (SELECT max(z.c) FROM (SELECT r.k, count(*) c FROM r WHERE "
    "r.x > o.v GROUP BY r.k) z) FROM o",
    W "SELECT id FROM o WHERE k IN (SELECT k FROM r WHERE x IN (SELECT id * "
    "10 FROM s))",
    W "SELECT id FROM o WHERE k IN (SELECT k FROM r WHERE x > (SELECT avg(x) "
    "FROM r q WHERE q.k = r.k))",
    W "SELECT id FROM o WHERE (SELECT k) IN (SELECT k FROM r)",
    W "SELECT o.id, r.id FROM o JOIN r ON o.k = r.k AND EXISTS (SELECT 1 FROM "
    "s WHERE s.id = r.id)",
    W "SELECT o.id, r.id FROM o LEFT JOIN r ON o.k = r.k AND EXISTS (SELECT 1 "
    "FROM s WHERE s.id = r.id)",
    W "SELECT o.id, r.id FROM o LEFT JOIN r ON o.k = r.k AND o.id IN (SELECT "
    "id FROM s)",
    W "SELECT k FROM o INTERSECT SELECT k FROM r",
    W "SELECT k FROM o EXCEPT SELECT k FROM r",
    W "SELECT k FROM o INTERSECT ALL SELECT k FROM r",
    W "SELECT k FROM o EXCEPT ALL SELECT k FROM r",
    W "SELECT k FROM o UNION SELECT k FROM r INTERSECT SELECT id FROM s",
    W "(SELECT k FROM o UNION SELECT k FROM r) INTERSECT SELECT id FROM s",
    W "SELECT k FROM o EXCEPT SELECT k FROM r EXCEPT SELECT id FROM s",
    W "SELECT k FROM o EXCEPT (SELECT k FROM r EXCEPT SELECT id FROM s)",
    W "SELECT k, v FROM o INTERSECT SELECT k, x FROM r ORDER BY 1 LIMIT 2",
    W "SELECT k FROM o EXCEPT SELECT k::int8 FROM r",
    W "SELECT k, 'a' FROM o INTERSECT SELECT k, NULL FROM r",
    W "SELECT 1.0 INTERSECT SELECT 1",
    W "SELECT id FROM o WHERE k IN (SELECT k FROM r INTERSECT SELECT id FROM "
    "s)",
    W "SELECT count(*) FROM (SELECT k FROM o UNION ALL SELECT k FROM r EXCEPT "
    "ALL SELECT id FROM s) z",
    W "SELECT id FROM o WHERE (k, v) = (2, 20)",
    W "SELECT id FROM o WHERE (k, v) <> (2, 20)",
    W "SELECT id, (k, v) < (2, 20), (k, v) <= (2, 20), (k, v) > (2, 20), (k, "
    "v) >= (2, 20) FROM o",
    W "SELECT id, (k, v) IS NULL, (k, v) IS NOT NULL FROM o",
    W "SELECT id, (k, v) IS DISTINCT FROM (2, 20), (k, v) IS NOT DISTINCT "
    "FROM (2, 20) FROM o",
    W "SELECT id FROM o WHERE (k, v) IN ((1, 10), (2, 20))",
    W "SELECT id FROM o WHERE (k, v) NOT IN ((1, 10), (2, 20))",
    W "SELECT o.id, r.id FROM o JOIN r ON (o.k, o.v) = (r.k, r.x)",
    W "SELECT id FROM o WHERE v BETWEEN SYMMETRIC 20 AND 5",
    W "SELECT id FROM o WHERE k = ANY (ARRAY[1, 3])",
    W "SELECT id FROM o WHERE k <> ALL (ARRAY[1, 3])",
    W "SELECT o.id, r.id FROM o JOIN r ON r.t BETWEEN o.ts AND o.ts + "
    "interval '2 hours'",
    W "SELECT o.id, r.id FROM o JOIN r ON r.k = o.k AND r.t >= o.ts - "
    "interval '1 hour' AND o.ts + interval '1 day' > r.t",
    W "SELECT o.id, l.x FROM o LEFT JOIN LATERAL (SELECT * FROM r WHERE r.k = "
    "o.k AND r.t <= o.ts ORDER BY r.t DESC NULLS LAST LIMIT 1) l ON true",
    W ", z AS (SELECT k, count(*) c FROM r GROUP BY k) SELECT a.k, b.c FROM z "
    "a JOIN z b ON a.c = b.c",
    W "SELECT z.id FROM (SELECT o.id, o.k FROM o WHERE v > 5) z JOIN r USING "
    "(k) WHERE z.id < 4",
    W "SELECT z.q FROM (SELECT v / k AS q FROM o WHERE k <> 0) z JOIN r ON "
    "r.id = 1 WHERE q > 1",
    W "SELECT z.id FROM (SELECT id, rank() OVER (PARTITION BY k ORDER BY v) "
    "rk FROM o) z JOIN r ON r.id = z.id WHERE z.rk = 1",
    W "SELECT * FROM (SELECT k, sum(v) FROM o GROUP BY k) z WHERE k > 1",
    W "SELECT * FROM (SELECT k FROM o UNION ALL SELECT k FROM r) z WHERE k > "
    "1",
    W "SELECT o.id, r.id, l.m, l.c FROM o FULL JOIN r ON o.k = r.k CROSS JOIN "
    "LATERAL (SELECT min(DISTINCT s.id) m, count(*) c FROM s WHERE o.id IS "
    "NULL) l",
    W "SELECT o.id, l.x FROM o CROSS JOIN LATERAL (SELECT min(r.x) + 1 AS x "
    "FROM r WHERE r.x > o.v) l",
    W "SELECT k, v % 2, grouping(k, v % 2), count(*) FROM o GROUP BY CUBE (k, "
    "v % 2) HAVING count(*) > 1",
    W "SELECT o.id FROM o, r WHERE o.k = r.k AND 1 = 0",
    W "SELECT o.id FROM o JOIN r ON o.k = r.k WHERE NULL",
    W "SELECT id FROM o JOIN r ON o.k = r.k",
    W "SELECT o.id FROM o JOIN r ON q.k = r.k",
    W "SELECT o.id FROM o JOIN r ON o.k = zz.k",
    W "SELECT o.id FROM o JOIN r USING (zz)",
    W "SELECT o.id FROM o JOIN r USING (v)",
    W "SELECT o.id FROM o JOIN s ON o.k = s.n",
    W "SELECT * FROM o JOIN (SELECT n AS k FROM s) z USING (k)",
    W "SELECT o.id FROM o, r JOIN s ON s.id = o.id",
    W "SELECT o.id FROM o, (SELECT * FROM r WHERE r.k = o.k) z",
    W "SELECT o.id FROM o JOIN o ON true",
    W "SELECT id, (SELECT x, k FROM r) FROM o",
    W "SELECT id FROM o WHERE k IN (SELECT k, x FROM r)",
    W "SELECT id FROM o WHERE (k, v) IN (SELECT k FROM r)",
    W "SELECT id FROM o WHERE k IN (SELECT n FROM s)",
    W "SELECT id FROM o WHERE v > ALL (SELECT n FROM s)",
    W "SELECT k, (SELECT max(x) FROM r WHERE r.k = o.v) FROM o GROUP BY k",
    W "SELECT k FROM o UNION SELECT k, x FROM r",
    W "SELECT k FROM o INTERSECT SELECT n FROM s",
    W "SELECT k FROM o EXCEPT SELECT k, x FROM r",
    W "SELECT (k, v) = (1, 2, 3) FROM o",
    W "SELECT (k, v) < (1, 'a') FROM o",
    W "SELECT o.id FROM o JOIN r ON o.k",
    W "SELECT o.id FROM o JOIN r ON count(*) > 1",
};
/* clang-format on */

const cu_hand_cases cu_cases_joins = {"joins", all, sizeof(all) / sizeof(*all)};
