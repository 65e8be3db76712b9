/* Whole SELECTs: every aggregate and window function, over every type.
 *
 * The answers are sets, or sorted by what is compared, so nothing hangs on
 * the order in which rows come: what depends on it says ORDER BY with id.
 * Results of floating point have the tolerance of answer.c. */
#include "tests/oracle/level.h"

/* A column of each kind of number; f is 0.1 and 3.75 among large ones. */
#define N                                                                     \
    "WITH n AS (SELECT id, g, a::int2 AS a, b::int4 AS b, c::int8 AS c, "     \
    "e::float4 AS e, f::float8 AS f, d::numeric AS d, v::interval AS v FROM " \
    "(VALUES (1, 'a', 3, 12, 7, 1.5, 0.1, 1.10, '1 day'), "                   \
    "(2, 'a', 5, -6, 9007199254740993, -2.25, 123456.5, 2.205, "              \
    "'1 mon 2 days 03:04:05'), "                                              \
    "(3, 'b', NULL, NULL, NULL, NULL, NULL, NULL, NULL), "                    \
    "(4, 'b', 5, 2147483647, -1, 1.5, 3.75, 2.205, '-1 day'), "               \
    "(5, NULL, -7, 12, 7, 0.25, 0.1, -100.5, '1 day'), "                      \
    "(6, 'c', NULL, 1, NULL, NULL, 2.5, NULL, NULL)) "                        \
    "AS r(id, g, a, b, c, e, f, d, v)) "

/* A column of each other kind. */
#define T                                                                      \
    "WITH t AS (SELECT id, g, s::text AS s, y::bool AS y, d::date AS d, "      \
    "m::time AS m, p::timestamp AS p, z::timestamptz AS z, v::interval AS v, " \
    "j::jsonb AS j, x::bytea AS x, u::uuid AS u, l::int4[] AS l FROM (VALUES " \
    "(1, 1, 'b', 't', '2024-01-31', '10:30', '2024-01-31 10:00', "             \
    "'2024-01-31 10:00+02', '1 day', '{\"a\": [1, null]}', '\\x0102', "        \
    "'550e8400-e29b-41d4-a716-446655440000', '{1,2}'), "                       \
    "(2, 1, 'é\"\\', 'f', '1999-12-31', '23:59:59.5', "                       \
    "'1999-12-31 23:59:59.25', '1999-12-31 23:00-05', '1 mon -1 day', "        \
    "'\"q\"', '\\xff', '00000000-0000-0000-0000-000000000001', '{3,NULL}'), "  \
    "(3, 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "      \
    "NULL), "                                                                  \
    "(4, 2, 'a', 't', '1999-12-31', '00:00', '2024-01-31 10:00', "             \
    "'2024-01-31 08:00+00', '25:00', 'null', '\\x', "                          \
    "'550e8400-e29b-41d4-a716-446655440000', '{1,2}'), "                       \
    "(5, 3, 'a', 'f', 'infinity', '10:30', '-infinity', 'infinity', "          \
    "'30 days', '1.50', '\\x0102', "                                           \
    "'ffffffff-0000-0000-0000-000000000001', '{}')) "                          \
    "AS r(id, g, s, y, d, m, p, z, v, j, x, u, l)) "

#define SPREAD(c)                                                      \
    "stddev_pop(" c "), stddev_samp(" c "), stddev(" c "), var_pop(" c \
    "), var_samp(" c "), variance(" c ")"
#define BITS(c) "bit_and(" c "), bit_or(" c "), bit_xor(" c ")"
#define SUMS(c) "count(" c "), sum(" c "), avg(" c "), min(" c "), max(" c ")"
#define PAIRS(y, x)                                                           \
    "covar_pop(" y ", " x "), covar_samp(" y ", " x "), corr(" y ", " x       \
    "), regr_slope(" y ", " x "), regr_intercept(" y ", " x "), regr_r2(" y   \
    ", " x "), regr_avgx(" y ", " x "), regr_avgy(" y ", " x "), regr_sxx(" y \
    ", " x "), regr_syy(" y ", " x "), regr_sxy(" y ", " x "), regr_count(" y \
    ", " x ")"
#define IN_GROUP(c) " WITHIN GROUP (ORDER BY " c ")"
/* Of values that have an order: the ordered-set aggregates. */
#define DISC(p, c) "percentile_disc(" p ")" IN_GROUP(c)
#define CONT(p, c) "percentile_cont(" p ")" IN_GROUP(c)
#define PLACES(c)                                       \
    "mode()" IN_GROUP(c) ", " DISC("0.5", c) ", " DISC( \
        "0", c " DESC") ", " DISC("ARRAY[1, 0.25, NULL, 0.75]", c)
#define BETWEEN(c) \
    CONT("0.5", c) \
    ", " CONT("0.3", c " DESC") ", " CONT("ARRAY[0, 0.1, NULL, 1]", c)
#define LISTS(c)                                                        \
    "array_agg(" c " ORDER BY id), jsonb_agg(" c " ORDER BY id DESC), " \
    "array_agg(" c " ORDER BY id) FILTER (WHERE id > 2)"
/* What looks at other rows. */
#define AROUND(c)                                                          \
    "lag(" c ") OVER w, lag(" c ", 2) OVER w, lead(" c ") OVER w, lead(" c \
    ", 2) OVER w, first_value(" c ") OVER w, last_value(" c ") OVER w, "   \
    "nth_value(" c ", 2) OVER w"
#define BY_ID " WINDOW w AS (ORDER BY id)"

/* clang-format off */
static const char *const all[] = {
    /* --- numbers */
    N "SELECT " SUMS("a") " FROM n", N "SELECT " SUMS("b") " FROM n",
    N "SELECT " SUMS("c") " FROM n", N "SELECT " SUMS("d") " FROM n",
    N "SELECT " SUMS("e") " FROM n", N "SELECT " SUMS("f") " FROM n",
    N "SELECT " SUMS("v") " FROM n",
    N "SELECT g, " SUMS("b") ", " SUMS("d") " FROM n GROUP BY g",
    N "SELECT " BITS("a") " FROM n", N "SELECT " BITS("b") " FROM n",
    N "SELECT " BITS("c") " FROM n",
    N "SELECT g, " BITS("a") ", " BITS("c") " FROM n GROUP BY g",
    N "SELECT bit_xor(DISTINCT b), bit_or(b) FILTER (WHERE b < 0) FROM n",
    N "SELECT bit_and(d) FROM n", N "SELECT bit_or(f) FROM n",
    N "SELECT " SPREAD("a") " FROM n", N "SELECT " SPREAD("b") " FROM n",
    N "SELECT " SPREAD("c") " FROM n", N "SELECT " SPREAD("d") " FROM n",
    N "SELECT " SPREAD("e") " FROM n", N "SELECT " SPREAD("f") " FROM n",
    N "SELECT g, " SPREAD("a") ", " SPREAD("b") " FROM n GROUP BY g",
    N "SELECT g, " SPREAD("c") ", " SPREAD("d") " FROM n GROUP BY g",
    N "SELECT g, " SPREAD("e") ", " SPREAD("f") " FROM n GROUP BY g",
    N "SELECT stddev(DISTINCT b), var_pop(DISTINCT d), variance(DISTINCT f) "
    "FROM n",
    N "SELECT stddev_pop(d) FILTER (WHERE id = 1), stddev_samp(d) FILTER "
    "(WHERE id = 1), var_pop(f) FILTER (WHERE id = 1), var_samp(f) FILTER "
    "(WHERE id = 1) FROM n",
    "SELECT " SPREAD("x") " FROM (VALUES (1.5), ('NaN')) t(x)",
    "SELECT " SPREAD("x") " FROM (VALUES (1::float8), ('NaN')) t(x)",
    "SELECT " SPREAD("x") " FROM (VALUES (1::float8), ('Infinity')) t(x)",
    "SELECT " SPREAD("x") " FROM (VALUES (1e100), (1e100 + 1)) t(x)",
    "SELECT " SPREAD("x") " FROM (VALUES (9223372036854775807), (-1)) t(x)",
    "SELECT " SPREAD("x") " FROM (VALUES (0.001), (0.0020)) t(x)",
    N "SELECT " SPREAD("v") " FROM n",
    N "SELECT " PAIRS("f", "e") " FROM n",
    N "SELECT g, " PAIRS("e", "a") " FROM n GROUP BY g",
    N "SELECT " PAIRS("b", "d") " FROM n",
    N "SELECT " PAIRS("f", "f") " FROM n WHERE f IS NULL",
    N "SELECT " PAIRS("f", "1") " FROM n",
    N "SELECT corr(a, b) FILTER (WHERE id < 3), regr_count(a, b) FILTER (WHERE "
    "id < 3), covar_samp(DISTINCT a, f) FROM n",
    N "SELECT " PAIRS("2", "f") " FROM n",
    "SELECT " PAIRS("y", "x") " FROM (VALUES (1::float8, 'NaN'::float8), (2, "
    "1)) t(y, x)",
    "SELECT " PAIRS("y", "x") " FROM (VALUES (1::float8, 'Infinity'::float8), "
    "(2, 1)) t(y, x)",
    N "SELECT corr(g, f) FROM n", N "SELECT corr(f) FROM n",

    /* --- values that have an order */
    T "SELECT min(s), max(s), min(d), max(d), min(m), max(m), min(p), max(p), "
    "min(z), max(z), min(v), max(v), min(l), max(l) FROM t",
    T "SELECT bool_and(y), bool_or(y), every(y), count(y), count(*), count(j), "
    "count(x), count(DISTINCT u), count(DISTINCT l), count(DISTINCT j) FROM t",
    T "SELECT max(u) FROM t",
    T "SELECT g, min(s), max(d), min(m), max(p), min(z), max(v), min(l), "
    "bool_and(y), bool_or(y), every(y) FROM t GROUP BY g",
    T "SELECT min(y) FROM t", T "SELECT min(j) FROM t",
    N "SELECT " PLACES("a") " FROM n", N "SELECT " PLACES("b") " FROM n",
    N "SELECT " PLACES("c") " FROM n", N "SELECT " PLACES("d") " FROM n",
    N "SELECT " PLACES("e") " FROM n", N "SELECT " PLACES("f") " FROM n",
    N "SELECT " PLACES("v") " FROM n", T "SELECT " PLACES("s") " FROM t",
    T "SELECT " PLACES("y") " FROM t", T "SELECT " PLACES("d") " FROM t",
    T "SELECT " PLACES("m") " FROM t", T "SELECT " PLACES("p") " FROM t",
    T "SELECT " PLACES("z") " FROM t", T "SELECT " PLACES("j") " FROM t",
    T "SELECT " PLACES("x") " FROM t", T "SELECT " PLACES("u") " FROM t",
    T "SELECT mode()" IN_GROUP("l") ", percentile_disc(0.5)" IN_GROUP("l")
    " FROM t",
    N "SELECT g, " PLACES("b") " FROM n GROUP BY g",
    T "SELECT g, " PLACES("s") " FROM t GROUP BY g",
    N "SELECT " BETWEEN("a") " FROM n", N "SELECT " BETWEEN("b") " FROM n",
    N "SELECT " BETWEEN("c") " FROM n", N "SELECT " BETWEEN("d") " FROM n",
    N "SELECT " BETWEEN("e") " FROM n", N "SELECT " BETWEEN("f") " FROM n",
    N "SELECT " BETWEEN("v") " FROM n",
    N "SELECT g, " BETWEEN("f") " FROM n GROUP BY g",
    N "SELECT g, " BETWEEN("v") " FROM n GROUP BY g",
    N "SELECT percentile_cont(0.5)" IN_GROUP("f") " FILTER (WHERE id > 3), "
    "percentile_disc(0.5)" IN_GROUP("b") " FILTER (WHERE id > 9), mode()"
    IN_GROUP("c") " FILTER (WHERE id <> 1) FROM n",
    N "SELECT percentile_cont(NULL)" IN_GROUP("f") " FROM n",
    N "SELECT percentile_disc(NULL::float8)" IN_GROUP("b") " FROM n",
    N "SELECT percentile_cont(1.5)" IN_GROUP("f") " FROM n",
    N "SELECT percentile_disc(-0.1)" IN_GROUP("b") " FROM n",
    N "SELECT percentile_disc(ARRAY[0.5, 2])" IN_GROUP("b") " FROM n",
    T "SELECT percentile_cont(0.5)" IN_GROUP("s") " FROM t",
    T "SELECT percentile_cont(0.5)" IN_GROUP("d") " FROM t",
    N "SELECT percentile_cont(0.5) FROM n", N "SELECT mode() FROM n",
    N "SELECT mode(b) FROM n", N "SELECT sum(b)" IN_GROUP("b") " FROM n",
    N "SELECT mode()" IN_GROUP("b, c") " FROM n",

    /* --- lists */
    N "SELECT " LISTS("a") " FROM n", N "SELECT " LISTS("b") " FROM n",
    N "SELECT " LISTS("c") " FROM n", N "SELECT " LISTS("d") " FROM n",
    N "SELECT " LISTS("e") " FROM n", N "SELECT " LISTS("f") " FROM n",
    T "SELECT " LISTS("s") " FROM t", T "SELECT " LISTS("y") " FROM t",
    T "SELECT " LISTS("d") " FROM t", T "SELECT " LISTS("m") " FROM t",
    T "SELECT " LISTS("p") " FROM t", T "SELECT " LISTS("z") " FROM t",
    T "SELECT " LISTS("v") " FROM t", T "SELECT " LISTS("j") " FROM t",
    T "SELECT " LISTS("x") " FROM t", T "SELECT " LISTS("u") " FROM t",
    T "SELECT jsonb_agg(l ORDER BY id) FROM t",
    T "SELECT g, " LISTS("s") " FROM t GROUP BY g",
    N "SELECT array_agg(DISTINCT b), array_agg(DISTINCT d ORDER BY d DESC), "
    "jsonb_agg(DISTINCT c), array_agg(DISTINCT g ORDER BY g NULLS FIRST) FROM "
    "n",
    N "SELECT array_agg(id ORDER BY f DESC NULLS LAST, id), (array_agg(b ORDER "
    "BY d, id))[1], (array_agg(g ORDER BY id DESC))[2] FROM n",
    N "SELECT g, (array_agg(d ORDER BY id DESC))[1] FROM n GROUP BY g",
    N "SELECT array_agg(b), jsonb_agg(b), string_agg(g, ',') FROM n WHERE id > "
    "9",
    N "SELECT array_agg(DISTINCT b ORDER BY id) FROM n",
    T "SELECT string_agg(s, ', ' ORDER BY id), string_agg(s, '' ORDER BY s "
    "DESC, id), string_agg(s, g::text ORDER BY id), string_agg(s, NULL ORDER "
    "BY id), string_agg(NULL::text, ',') FROM t",
    T "SELECT string_agg(x, '\\x00'::bytea ORDER BY id), string_agg(x, NULL "
    "ORDER BY id DESC), string_agg(x, x ORDER BY id) FROM t",
    T "SELECT g, string_agg(s, '-' ORDER BY id), string_agg(x, '\\xaa'::bytea "
    "ORDER BY id) FROM t GROUP BY g",
    T "SELECT string_agg(DISTINCT s, ','), string_agg(DISTINCT s, ',' ORDER BY "
    "s DESC), string_agg(DISTINCT x, '\\x00'::bytea ORDER BY x), string_agg(s, "
    "',' ORDER BY id) FILTER (WHERE y) FROM t",
    T "SELECT string_agg(DISTINCT s, ',' ORDER BY id) FROM t",
    T "SELECT string_agg(s) FROM t", N "SELECT string_agg(b, ',') FROM n",
    T "SELECT jsonb_object_agg(id, s), jsonb_object_agg(g, j ORDER BY id), "
    "jsonb_object_agg(s, id ORDER BY id) FILTER (WHERE s IS NOT NULL) FROM t",
    T "SELECT jsonb_object_agg(id, d), jsonb_object_agg(id, m), "
    "jsonb_object_agg(id, p), jsonb_object_agg(id, z), jsonb_object_agg(id, "
    "v), jsonb_object_agg(id, x), jsonb_object_agg(id, u), "
    "jsonb_object_agg(id, l), jsonb_object_agg(id, y) FROM t",
    N "SELECT jsonb_object_agg(id, a), jsonb_object_agg(id, b), "
    "jsonb_object_agg(id, c), jsonb_object_agg(id, d), jsonb_object_agg(id, "
    "e), jsonb_object_agg(id, f) FROM n",
    N "SELECT jsonb_object_agg(f, id ORDER BY id) FILTER (WHERE f IS NOT "
    "NULL), jsonb_object_agg(d, id ORDER BY id) FILTER (WHERE d > 0) FROM n",
    T "SELECT jsonb_object_agg(d, id ORDER BY id), jsonb_object_agg(z, id ORDER "
    "BY id), jsonb_object_agg(u, id ORDER BY id), jsonb_object_agg(y, id ORDER "
    "BY id) FROM t WHERE d IS NOT NULL",
    T "SELECT jsonb_object_agg(s, id) FROM t",
    T "SELECT jsonb_object_agg(l, id) FROM t WHERE l IS NOT NULL",
    T "SELECT g, jsonb_object_agg(id, s) FROM t GROUP BY g",
    T "SELECT jsonb_object_agg(id, s) FROM t WHERE id > 9",
    T "SELECT jsonb_object_agg(id) FROM t",
    N "SELECT (SELECT d FROM n WHERE id = 2), (SELECT g FROM n WHERE id = 9)",
    N "SELECT (SELECT d FROM n WHERE id < 3)",

    /* --- window functions */
    N "SELECT id, row_number() OVER w, rank() OVER w, count(*) OVER w, ntile(2) "
    "OVER w FROM n" BY_ID,
    N "SELECT id, ntile(2) OVER w, ntile(3) OVER w, ntile(id) OVER w FROM n "
    "WINDOW w AS (PARTITION BY b > 5 ORDER BY id)",
    N "SELECT id, row_number() OVER (ORDER BY id), rank() OVER w, dense_rank() "
    "OVER w, percent_rank() OVER w, cume_dist() OVER w FROM n WINDOW w AS "
    "(ORDER BY b)",
    N "SELECT id, row_number() OVER (PARTITION BY g ORDER BY id DESC), rank() "
    "OVER w, dense_rank() OVER w, percent_rank() OVER w, cume_dist() OVER w "
    "FROM n WINDOW w AS (PARTITION BY g ORDER BY f DESC NULLS LAST)",
    N "SELECT id, rank() OVER (), dense_rank() OVER (), percent_rank() OVER (), "
    "cume_dist() OVER () FROM n",
    N "SELECT id, ntile(1) OVER w, ntile(2) OVER w, ntile(4) OVER w, ntile(9) "
    "OVER w, ntile(NULL) OVER w FROM n" BY_ID,
    N "SELECT id, ntile(id) OVER w FROM n" BY_ID,
    N "SELECT ntile(0) OVER w FROM n" BY_ID,
    N "SELECT ntile(-1) OVER w FROM n" BY_ID,
    N "SELECT id, " AROUND("a") " FROM n" BY_ID,
    N "SELECT id, " AROUND("b") " FROM n" BY_ID,
    N "SELECT id, " AROUND("c") " FROM n" BY_ID,
    N "SELECT id, " AROUND("d") " FROM n" BY_ID,
    N "SELECT id, " AROUND("e") " FROM n" BY_ID,
    N "SELECT id, " AROUND("f") " FROM n" BY_ID,
    T "SELECT id, " AROUND("s") " FROM t" BY_ID,
    T "SELECT id, " AROUND("y") " FROM t" BY_ID,
    T "SELECT id, " AROUND("d") " FROM t" BY_ID,
    T "SELECT id, " AROUND("m") " FROM t" BY_ID,
    T "SELECT id, " AROUND("p") " FROM t" BY_ID,
    T "SELECT id, " AROUND("z") " FROM t" BY_ID,
    T "SELECT id, " AROUND("v") " FROM t" BY_ID,
    T "SELECT id, " AROUND("j") " FROM t" BY_ID,
    T "SELECT id, " AROUND("x") " FROM t" BY_ID,
    T "SELECT id, " AROUND("u") " FROM t" BY_ID,
    T "SELECT id, " AROUND("l") " FROM t" BY_ID,
    T "SELECT id, " AROUND("s") " FROM t WINDOW w AS (PARTITION BY g ORDER BY "
    "id DESC)",
    N "SELECT id, lag(b, 1, 0) OVER w, lag(b, 1, 0.5) OVER w, lag(d, 2, 7) OVER "
    "w, lead(c, 1, a) OVER w, lead(g, 1, 'none') OVER w, lead(f, 0, 1) OVER w, "
    "lag(a, 1, NULL) OVER w FROM n" BY_ID,
    N "SELECT id, lag(b, -1) OVER w, lead(b, -2) OVER w, lag(b, NULL) OVER w, "
    "lead(b, id, -1) OVER w, lag(b, 99, b) OVER w FROM n" BY_ID,
    N "SELECT lag(b, 1, 'x') OVER w FROM n" BY_ID,
    N "SELECT lag() OVER w FROM n" BY_ID,
    N "SELECT nth_value(b, 0) OVER w FROM n" BY_ID,
    N "SELECT id, nth_value(b, NULL) OVER w, nth_value(b, 99) OVER w, "
    "nth_value(b, id) OVER w FROM n" BY_ID,
    N "SELECT id, first_value(b) OVER w, last_value(b) OVER w, nth_value(b, 2) "
    "OVER w, sum(b) OVER w, count(*) OVER w FROM n WINDOW w AS (ORDER BY id "
    "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)",
    N "SELECT id, first_value(d) OVER w, last_value(d) OVER w, nth_value(d, 1) "
    "OVER w, avg(d) OVER w, min(d) OVER w FROM n WINDOW w AS (ORDER BY id ROWS "
    "BETWEEN 2 FOLLOWING AND UNBOUNDED FOLLOWING)",
    N "SELECT id, first_value(id) OVER w, last_value(id) OVER w, sum(f) OVER w, "
    "max(c) OVER w FROM n WINDOW w AS (ORDER BY id GROUPS BETWEEN 2 PRECEDING "
    "AND 1 PRECEDING)",
    N "SELECT id, sum(c) OVER w, count(b) OVER w, bit_or(a) OVER w FROM n "
    "WINDOW w AS (ORDER BY b GROUPS BETWEEN CURRENT ROW AND 1 FOLLOWING)",
    N "SELECT id, sum(b) OVER w, avg(c) OVER w, stddev(d) OVER w FROM n WINDOW "
    "w AS (ORDER BY b RANGE BETWEEN 15 PRECEDING AND 3 FOLLOWING)",
    N "SELECT id, sum(b) OVER w, count(*) OVER w FROM n WINDOW w AS (ORDER BY f "
    "DESC RANGE BETWEEN 2.5 PRECEDING AND CURRENT ROW)",
    T "SELECT id, count(*) OVER w, sum(id) OVER w FROM t "
    "WINDOW w AS (ORDER BY p RANGE BETWEEN '1 day' PRECEDING AND '25 years' "
    "FOLLOWING)",
    N "SELECT id, sum(c) OVER w FROM n WINDOW w AS (ORDER BY b ROWS BETWEEN "
    "UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW)",
    N "SELECT id, sum(id) OVER w, first_value(id) OVER w FROM n WINDOW w AS "
    "(ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING "
    "EXCLUDE GROUP)",
    N "SELECT id, sum(id) OVER w, count(*) OVER w FROM n WINDOW w AS (ORDER BY "
    "b GROUPS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE "
    "TIES)",
    N "SELECT id, sum(b) FILTER (WHERE id > 2) OVER w, count(*) FILTER (WHERE d "
    "> 0) OVER w, max(id) FILTER (WHERE b > 0) OVER w FROM n" BY_ID,
    N "SELECT id, " BITS("c") " FROM n GROUP BY id ORDER BY id",
    N "SELECT id, bit_and(a) OVER w, bit_or(b) OVER w, bit_xor(c) OVER w, "
    "bool_and(b > 0) OVER w, every(d > 0) OVER w, bool_or(f < 1) OVER w FROM n"
    BY_ID,
    N "SELECT id, stddev_pop(a) OVER w, var_samp(b) OVER w, variance(d) OVER w, "
    "stddev_samp(f) OVER w, var_pop(e) OVER w, stddev(c) OVER w FROM n" BY_ID,
    N "SELECT id, covar_pop(f, e) OVER w, corr(f, e) OVER w, regr_count(f, e) "
    "OVER w, regr_avgx(f, e) OVER w FROM n" BY_ID,
    N "SELECT id, array_agg(b) OVER w FROM n" BY_ID,
    N "SELECT id, jsonb_agg(b) OVER w FROM n" BY_ID,
    N "SELECT id, string_agg(g, '+') OVER w FROM n" BY_ID,
    N "SELECT id, jsonb_object_agg(id, d) OVER w FROM n" BY_ID,
    N "SELECT id, array_agg(b) FILTER (WHERE b > 0) OVER w FROM n" BY_ID,
    N "SELECT g, sum(b), rank() OVER (ORDER BY sum(b)), sum(sum(c)) OVER (ORDER "
    "BY g) FROM n GROUP BY g",
    N "SELECT sum(DISTINCT b) OVER (ORDER BY id) FROM n",
    N "SELECT row_number() FROM n", N "SELECT mode() OVER () FROM n",
    N "SELECT id FROM n WHERE row_number() OVER () = 1",
    N "SELECT sum(b) OVER (ORDER BY id ROWS BETWEEN -1 PRECEDING AND CURRENT "
    "ROW) FROM n",
    N "SELECT sum(b) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND 1 "
    "PRECEDING) FROM n",
    N "SELECT sum(b) OVER (GROUPS 1 PRECEDING) FROM n",
    N "SELECT sum(b) OVER (ORDER BY id, b RANGE 1 PRECEDING) FROM n",
    N "SELECT upper(g) OVER () FROM n", N "SELECT sum(b) OVER nosuch FROM n",
};
/* clang-format on */

const cu_hand_cases cu_cases_aggregates = {"aggregates", all,
                                           sizeof(all) / sizeof(*all)};
