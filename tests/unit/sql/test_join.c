/* Plans of joins, subqueries, LATERAL and set operations. */
#include "tests/unit/sql/golden.h"

#include <criterion/criterion.h>

/* o and r stream with watermarks; d is keyed. */
#define T                                                                      \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;\n"                            \
    "CREATE FOREIGN TABLE o (id bigint NOT NULL, k int, v bigint, "            \
    "ts timestamptz OPTIONS (watermark '5 seconds') NOT NULL) SERVER k "       \
    "OPTIONS (topic 'o', format 'json');\n"                                    \
    "CREATE FOREIGN TABLE r (id bigint NOT NULL, k bigint, x bigint, "         \
    "t timestamptz OPTIONS (watermark '5 seconds') NOT NULL) SERVER k "        \
    "OPTIONS (topic 'r', format 'json');\n"                                    \
    "CREATE FOREIGN TABLE d (k int OPTIONS (key 'true') PRIMARY KEY, n text) " \
    "SERVER k OPTIONS (topic 'd', format 'json', mode 'upsert');\n"

static void plan(const char *query, const char *want)
{
    expect_plan_of(T, query, want);
}

static void refused(const char *query, const char *want)
{
    expect_refused(T, query, want);
}

/* clang-format off */
Test(join, an_equality_of_both_sides_is_a_key_and_is_cast_to_one_type)
{
    plan("SELECT o.id, r.x FROM o JOIN r ON o.k = r.k",
         "materialize x -> id bigint, x bigint key(id) append-only\n"
         "  project as(id, x) -> id bigint, x bigint append-only\n"
         "    join inner on(k5 = k) -> id bigint, k5 bigint, k bigint, x bigint append-only\n"
         "      project as(id, k::bigint) -> id bigint, k5 bigint append-only\n"
         "        source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      project as(k, x) -> k bigint, x bigint append-only\n"
         "        source r -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n");
}

Test(join, conditions_of_one_side_sink_below_an_inner_join)
{
    plan("SELECT o.id, r.x FROM o, r WHERE o.id = r.id AND o.v > 1 AND r.x > "
         "2 AND o.v <> r.x",
         "materialize x -> id bigint, x bigint key(id) append-only\n"
         "  project as(id, x) -> id bigint, x bigint append-only\n"
         "    join inner on(id = id) where(($2 <> $4)) -> id bigint, v bigint, id bigint, x bigint append-only\n"
         "      project as(id, v) -> id bigint, v bigint append-only\n"
         "        filter where((v > 1::bigint)) -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "          source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      project as(id, x) -> id bigint, x bigint append-only\n"
         "        filter where((x > 2::bigint)) -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n"
         "          source r -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n");
}

Test(join, a_left_join_keeps_the_key_of_its_left_side_when_the_right_is_unique)
{
    plan("SELECT z.id, d.n FROM (SELECT id, k FROM o) z LEFT JOIN d ON d.k = "
         "z.k",
         "materialize x -> id bigint, n text key(id)\n"
         "  project as(id, n) -> id bigint, n text\n"
         "    join left on(k = k) -> id bigint, k integer, k integer, n text\n"
         "      project as(id, k) -> id bigint, k integer append-only\n"
         "        source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      normalize d -> k integer, n text key(k)\n"
         "        source d -> k integer, n text\n");
}

Test(join, on_sinks_into_the_nullable_side_and_where_into_the_other)
{
    plan("SELECT o.id, d.n FROM o LEFT JOIN d ON d.k = o.k AND d.n <> 'x' "
         "AND o.v > 3 WHERE o.id > 5",
         "materialize x -> id bigint, n text key(id)\n"
         "  project as(id, n) -> id bigint, n text\n"
         "    join left on(k = k) where(($3 > 3::bigint)) -> id bigint, k integer, v bigint, k integer, n text\n"
         "      project as(id, k, v) -> id bigint, k integer, v bigint append-only\n"
         "        filter where((id > 5::bigint)) -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "          source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      filter where((n <> 'x')) -> k integer, n text key(k)\n"
         "        normalize d -> k integer, n text key(k)\n"
         "          source d -> k integer, n text\n");
}

Test(join, where_that_rejects_nulls_makes_a_left_join_inner)
{
    plan("SELECT o.id, d.n FROM o LEFT JOIN d ON d.k = o.k WHERE d.n > 'a'",
         "materialize x -> id bigint, n text key(id)\n"
         "  project as(id, n) -> id bigint, n text\n"
         "    join inner on(k = k) -> id bigint, k integer, k integer, n text\n"
         "      project as(id, k) -> id bigint, k integer append-only\n"
         "        source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      filter where((n > 'a')) -> k integer, n text key(k)\n"
         "        normalize d -> k integer, n text key(k)\n"
         "          source d -> k integer, n text\n");
}

Test(join, a_right_join_is_a_left_join_the_other_way_round)
{
    plan("SELECT o.id, d.n FROM d RIGHT JOIN o ON d.k = o.k",
         "materialize x -> id bigint, n text key(id)\n"
         "  project as(id, n) -> id bigint, n text\n"
         "    join left on(k = k) -> id bigint, k integer, k integer, n text\n"
         "      project as(id, k) -> id bigint, k integer append-only\n"
         "        source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      normalize d -> k integer, n text key(k)\n"
         "        source d -> k integer, n text\n");
}

Test(join, a_full_join_closes_its_sides)
{
    plan("SELECT COALESCE(o.id, r.id) AS id FROM o FULL JOIN r ON o.id = "
         "r.id AND o.v > r.x",
         "materialize x -> id bigint key(id)\n"
         "  project as(COALESCE(id, id)) -> id bigint\n"
         "    join full on(id = id) where(($2 > $4)) -> id bigint, v bigint, id bigint, x bigint\n"
         "      project as(id, v) -> id bigint, v bigint append-only\n"
         "        source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      project as(id, x) -> id bigint, x bigint append-only\n"
         "        source r -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n");
}

Test(join, relations_join_in_the_order_in_which_keys_connect_them)
{
    plan("SELECT o.id FROM o, d, r WHERE o.id = r.id AND r.x = d.k",
         "materialize x -> id bigint key(id)\n"
         "  project as(id) -> id bigint\n"
         "    join inner on(x = k3) -> id bigint, x bigint, k3 bigint\n"
         "      project as(id, x) -> id bigint, x bigint append-only\n"
         "        join inner on(id = id) -> id bigint, id bigint, x bigint append-only\n"
         "          project as(id) -> id bigint append-only\n"
         "            source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "          project as(id, x) -> id bigint, x bigint append-only\n"
         "            source r -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n"
         "      project as(k::bigint) -> k3 bigint\n"
         "        normalize d -> k integer, n text key(k)\n"
         "          source d -> k integer, n text\n");
}

Test(join, null_safe_keys)
{
    plan("SELECT o.id FROM o JOIN r ON o.v IS NOT DISTINCT FROM r.x",
         "materialize x -> id bigint key(id) append-only\n"
         "  project as(id) -> id bigint append-only\n"
         "    join inner on(v <=> x) -> id bigint, v bigint, x bigint append-only\n"
         "      project as(id, v) -> id bigint, v bigint append-only\n"
         "        source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      project as(x) -> x bigint append-only\n"
         "        source r -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n");
}

Test(join, a_condition_sinks_through_projections_unions_and_groups)
{
    plan("SELECT id FROM (SELECT id, count(*) FROM (SELECT id FROM o UNION "
         "ALL SELECT id + 1 FROM r) u GROUP BY id) g WHERE id > 7",
         "materialize x -> id bigint key(id)\n"
         "  aggregate by(id) -> id bigint key(id)\n"
         "    union -> id bigint append-only\n"
         "      project as(id) -> id bigint append-only\n"
         "        filter where((id > 7::bigint)) -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "          source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      project as((id + 1::bigint)) -> ?column? bigint append-only\n"
         "        filter where(((id + 1::bigint) > 7::bigint)) -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n"
         "          source r -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n");
}

Test(join, a_condition_that_may_fail_stays_behind_the_filter_before_it)
{
    plan("SELECT id FROM (SELECT id, v / k AS q FROM o WHERE k <> 0) z WHERE "
         "q > 1",
         "materialize x -> id bigint key(id) append-only\n"
         "  project as(id) -> id bigint append-only\n"
         "    filter where(((k <> 0) AND ((v / k::bigint) > 1::bigint))) -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n");
}

Test(join, an_interval_join_forgets_by_both_watermarks)
{
    plan("SELECT o.id, r.x FROM o JOIN r ON o.id = r.id AND r.t BETWEEN o.ts "
         "AND o.ts + interval '4 hours'",
         "materialize x -> id bigint, x bigint key(id) append-only\n"
         "  project as(id, x) -> id bigint, x bigint append-only\n"
         "    join inner on(id = id) times(ts, t) to 04:00:00 where((($5 >= $2) AND ($5 <= ($2 + '04:00:00'::interval)))) -> id bigint, ts timestamp with time zone, id bigint, x bigint, t timestamp with time zone append-only\n"
         "      project as(id, ts) -> id bigint, ts timestamp with time zone append-only\n"
         "        source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      project as(id, x, t) -> id bigint, x bigint, t timestamp with time zone append-only\n"
         "        source r -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n");
}

Test(join, a_window_join_closes_by_its_first_key)
{
    plan("SELECT a.id, b.x FROM tumble(o, ts, interval '1 hour') a JOIN "
         "tumble(r, t, interval '1 hour') b ON a.id = b.id AND "
         "a.window_start = b.window_start",
         "materialize x -> id bigint, x bigint key(id) append-only\n"
         "  project as(id, x) -> id bigint, x bigint append-only\n"
         "    join inner on(window_start = window_start, id = id) closes after 01:00:00 -> id bigint, window_start timestamp with time zone, id bigint, x bigint, window_start timestamp with time zone append-only\n"
         "      project as(id, window_start) -> id bigint, window_start timestamp with time zone append-only\n"
         "        window tumble of ts size 01:00:00 judged -> id bigint, k integer, v bigint, ts timestamp with time zone, window_start timestamp with time zone, window_end timestamp with time zone append-only\n"
         "          source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      project as(id, x, window_start) -> id bigint, x bigint, window_start timestamp with time zone append-only\n"
         "        window tumble of t size 01:00:00 judged -> id bigint, k bigint, x bigint, t timestamp with time zone, window_start timestamp with time zone, window_end timestamp with time zone append-only\n"
         "          source r -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n");
}

Test(join, exists_is_a_semi_join_and_not_exists_an_anti_join)
{
    plan("SELECT id FROM o WHERE EXISTS (SELECT 1 FROM r WHERE r.k = o.k AND "
         "r.x > o.v) AND NOT EXISTS (SELECT 1 FROM d WHERE d.k = o.k)",
         "materialize x -> id bigint key(id)\n"
         "  project as(id) -> id bigint\n"
         "    join anti on(k = k) -> id bigint, k integer\n"
         "      project as(id, k) -> id bigint, k integer append-only\n"
         "        join semi on(k5 = k) where(($5 > $3)) -> id bigint, k integer, v bigint, k5 bigint append-only\n"
         "          project as(id, k, v, k::bigint) -> id bigint, k integer, v bigint, k5 bigint append-only\n"
         "            source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "          project as(x, k) -> x bigint, k bigint append-only\n"
         "            source r -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n"
         "      project as(k) -> k integer key(k)\n"
         "        normalize d -> k integer, n text key(k)\n"
         "          source d -> k integer, n text\n");
}

Test(join, in_is_a_semi_join)
{
    plan("SELECT id FROM o WHERE k IN (SELECT k FROM d WHERE n = 'a')",
         "materialize x -> id bigint key(id)\n"
         "  project as(id) -> id bigint\n"
         "    join semi on(k = k) -> id bigint, k integer\n"
         "      project as(id, k) -> id bigint, k integer append-only\n"
         "        source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      project as(k) -> k integer key(k)\n"
         "        filter where((n = 'a')) -> k integer, n text key(k)\n"
         "          normalize d -> k integer, n text key(k)\n"
         "            source d -> k integer, n text\n");
}

Test(join, not_in_counts_rows_and_nulls)
{
    plan("SELECT id FROM o WHERE v NOT IN (SELECT x FROM r)",
         "materialize x -> id bigint key(id)\n"
         "  project as(id) -> id bigint\n"
         "    filter where((NOT CASE WHEN (k2 IS NOT NULL) THEN true WHEN (count = 0) THEN false WHEN ((v IS NULL) OR (count < count)) THEN NULL ELSE false END)) -> id bigint, v bigint, k2 boolean, count bigint, count bigint\n"
         "      join inner on() -> id bigint, v bigint, k2 boolean, count bigint, count bigint\n"
         "        project as(id, v, k2) -> id bigint, v bigint, k2 boolean\n"
         "          join left on(v = x) -> id bigint, v bigint, x bigint, k2 boolean\n"
         "            project as(id, v) -> id bigint, v bigint append-only\n"
         "              source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "            project as(x, true) -> x bigint, k2 boolean key(x) append-only\n"
         "              aggregate by(x) -> x bigint key(x) append-only\n"
         "                project as(x) -> x bigint append-only\n"
         "                  source r -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n"
         "        aggregate count(*) count(x) global -> count bigint, count bigint single\n"
         "          project as(x): the one above\n");
}

Test(join, not_in_of_columns_that_are_never_null_is_an_anti_join)
{
    plan("SELECT id FROM o WHERE id NOT IN (SELECT id FROM r)",
         "materialize x -> id bigint key(id)\n"
         "  join anti on(id = id) -> id bigint\n"
         "    project as(id) -> id bigint append-only\n"
         "      source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "    project as(id) -> id bigint append-only\n"
         "      source r -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n");
}

Test(join, exists_in_an_expression_is_a_flag)
{
    plan("SELECT id, EXISTS (SELECT 1 FROM r WHERE r.k = o.k) AS e FROM o",
         "materialize x -> id bigint, e boolean key(id)\n"
         "  project as(id, (k2 IS NOT NULL)) -> id bigint, e boolean\n"
         "    join left on(k5 = k) -> id bigint, k5 bigint, k bigint, k2 boolean\n"
         "      project as(id, k::bigint) -> id bigint, k5 bigint append-only\n"
         "        source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      project as(k, true) -> k bigint, k2 boolean key(k) append-only\n"
         "        aggregate by(k) -> k bigint key(k) append-only\n"
         "          project as(k) -> k bigint append-only\n"
         "            source r -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n");
}

Test(join, a_scalar_subquery_is_left_joined_and_checked_to_be_single)
{
    plan("SELECT id, (SELECT x FROM r WHERE r.id = o.id) AS x FROM o",
         "materialize x -> id bigint, x bigint key(id)\n"
         "  project as(id, single row) -> id bigint, x bigint\n"
         "    join left on(id = id) -> id bigint, id bigint, single row bigint\n"
         "      project as(id) -> id bigint append-only\n"
         "        source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      aggregate by(id) single row(x) -> id bigint, single row bigint key(id)\n"
         "        project as(id, x) -> id bigint, x bigint append-only\n"
         "          source r -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n");
}

Test(join, a_scalar_subquery_of_a_unique_key_needs_no_check)
{
    plan("SELECT id, (SELECT n FROM d WHERE d.k = o.k) AS n FROM o",
         "materialize x -> id bigint, n text key(id)\n"
         "  project as(id, n) -> id bigint, n text\n"
         "    join left on(k = k) -> id bigint, k integer, n text, k integer\n"
         "      project as(id, k) -> id bigint, k integer append-only\n"
         "        source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      project as(n, k) -> n text, k integer key(k)\n"
         "        normalize d -> k integer, n text key(k)\n"
         "          source d -> k integer, n text\n");
}

Test(join, a_correlated_count_over_nothing_is_0)
{
    plan("SELECT id, (SELECT count(*) FROM r WHERE r.id = o.id) AS c FROM o",
         "materialize x -> id bigint, c bigint key(id)\n"
         "  project as(id, CASE WHEN (id IS NOT NULL) THEN count ELSE 0 END) -> id bigint, c bigint\n"
         "    join left on(id = id) -> id bigint, count bigint, id bigint\n"
         "      project as(id) -> id bigint append-only\n"
         "        source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      project as(count, id) -> count bigint, id bigint key(id)\n"
         "        aggregate by(id) count(*) -> id bigint, count bigint key(id)\n"
         "          project as(id) -> id bigint append-only\n"
         "            source r -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n");
}

Test(join, what_cannot_be_lifted_is_computed_for_the_distinct_outer_values)
{
    plan("SELECT id, (SELECT count(*) FROM r WHERE r.x > o.v) AS c FROM o",
         "materialize x -> id bigint, c bigint key(id)\n"
         "  project as(id, count) -> id bigint, c bigint\n"
         "    join left on(v <=> outer1) -> id bigint, v bigint, count bigint, outer1 bigint\n"
         "      project as(id, v) -> id bigint, v bigint append-only\n"
         "        source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      project as(COALESCE(count, 0), outer1) -> count bigint, outer1 bigint key(outer1)\n"
         "        join left on(outer1 <=> outer1) -> outer1 bigint, count bigint, outer1 bigint key(outer1)\n"
         "          aggregate by(outer1) -> outer1 bigint key(outer1) append-only\n"
         "            project as(v) -> outer1 bigint append-only\n"
         "              source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "          project as(count, outer1) -> count bigint, outer1 bigint key(outer1)\n"
         "            aggregate by(outer1) count(*) -> outer1 bigint, count bigint key(outer1)\n"
         "              project as(outer1) -> outer1 bigint append-only\n"
         "                join inner on() where(($1 > $2)) -> x bigint, outer1 bigint append-only\n"
         "                  project as(x) -> x bigint append-only\n"
         "                    source r -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n"
         "                  aggregate by(outer1): the one above\n");
}

Test(join, lateral_with_limit_ranks_per_outer_key)
{
    plan("SELECT o.id, l.x FROM o LEFT JOIN LATERAL (SELECT r.x FROM r WHERE "
         "r.id = o.id ORDER BY r.x LIMIT 1) l ON true",
         "materialize x -> id bigint, x bigint key(id)\n"
         "  project as(id, x) -> id bigint, x bigint\n"
         "    join left on(id = id) -> id bigint, x bigint, id bigint\n"
         "      project as(id) -> id bigint append-only\n"
         "        source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      rank by(id) order(x) limit 1 -> x bigint, id bigint key(id)\n"
         "        project as(x, id) -> x bigint, id bigint append-only\n"
         "          source r -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n");
}

Test(join, lateral_with_the_latest_before_is_an_as_of_join)
{
    plan("SELECT o.id, l.x FROM o LEFT JOIN LATERAL (SELECT x FROM r WHERE "
         "r.id = o.id AND r.t <= o.ts ORDER BY r.t DESC LIMIT 1) l ON true",
         "materialize x -> id bigint, x bigint key(id)\n"
         "  project as(id, x) -> id bigint, x bigint\n"
         "    asof left on(id = id) times(ts, t) -> id bigint, ts timestamp with time zone, id bigint, x bigint, t timestamp with time zone\n"
         "      project as(id, ts) -> id bigint, ts timestamp with time zone append-only\n"
         "        source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      project as(id, x, t) -> id bigint, x bigint, t timestamp with time zone append-only\n"
         "        source r -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n");
}

Test(join, lateral_of_expressions_needs_no_join)
{
    plan("SELECT o.id, l.w, m.z FROM o, LATERAL (SELECT o.v * 2 AS w) l, "
         "LATERAL (SELECT l.w + 1 AS z) m",
         "materialize x -> id bigint, w bigint, z bigint key(id) append-only\n"
         "  project as(id, w, (w + 1::bigint)) -> id bigint, w bigint, z bigint append-only\n"
         "    project as(id, (v * 2::bigint)) -> id bigint, w bigint append-only\n"
         "      source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n");
}

Test(join, except_counts_both_sides)
{
    plan("SELECT id FROM o EXCEPT SELECT id FROM r",
         "materialize x -> id bigint key(id)\n"
         "  project as(id) -> id bigint key(id)\n"
         "    filter where(((count > 0) AND (count = 0))) -> id bigint, count bigint, count bigint key(id)\n"
         "      aggregate by(id) count(*) filter(k2) count(*) filter(k3) -> id bigint, count bigint, count bigint key(id)\n"
         "        union -> id bigint, k2 boolean, k3 boolean append-only\n"
         "          project as(id, true, false) -> id bigint, k2 boolean, k3 boolean append-only\n"
         "            source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "          project as(id, false, true) -> id bigint, k2 boolean, k3 boolean append-only\n"
         "            source r -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n");
}

Test(join, intersect_all_repeats)
{
    plan("SELECT id FROM (SELECT id FROM o INTERSECT ALL SELECT id FROM r) z "
         "GROUP BY id",
         "materialize x -> id bigint key(id)\n"
         "  aggregate by(id) -> id bigint key(id)\n"
         "    project as(id) -> id bigint\n"
         "      flatmap generate_series of(1, k4) -> id bigint, k4 bigint, generate_series bigint\n"
         "        project as(id, CASE WHEN (count < count) THEN count ELSE count END) -> id bigint, k4 bigint key(id)\n"
         "          aggregate by(id) count(*) filter(k2) count(*) filter(k3) -> id bigint, count bigint, count bigint key(id)\n"
         "            union -> id bigint, k2 boolean, k3 boolean append-only\n"
         "              project as(id, true, false) -> id bigint, k2 boolean, k3 boolean append-only\n"
         "                source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "              project as(id, false, true) -> id bigint, k2 boolean, k3 boolean append-only\n"
         "                source r -> id bigint, k bigint, x bigint, t timestamp with time zone append-only\n");
}

Test(join, rows_compare_by_the_first_pair_that_differs)
{
    plan("SELECT id FROM o WHERE (k, v) < (1, 2)",
         "materialize x -> id bigint key(id) append-only\n"
         "  project as(id) -> id bigint append-only\n"
         "    filter where(CASE WHEN (k <> 1) THEN (k < 1) WHEN (k = 1) THEN (v < 2::bigint) ELSE NULL END) -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n"
         "      source o -> id bigint, k integer, v bigint, ts timestamp with time zone append-only\n");
}

Test(join, names_of_joins_are_checked)
{
    refused("SELECT id FROM o JOIN r ON o.k = r.k",
            "6:8 42702 column reference \"id\" is ambiguous\n");
    refused("SELECT o.id FROM o JOIN r ON q.k = r.k",
            "6:30 42P01 missing FROM-clause entry for table \"q\"\n");
    refused("SELECT o.id FROM o, r JOIN d ON d.k = o.k",
            "6:39 42P01 invalid reference to FROM-clause "
            "entry for table \"o\"\n");
    refused("SELECT o.id FROM o, (SELECT * FROM r WHERE r.k = o.k) z",
            "6:50 42P01 invalid reference to FROM-clause "
            "entry for table \"o\"\n");
    refused("SELECT o.id FROM o JOIN o ON true",
            "6:25 42712 table name \"o\" specified more than once\n");
}

Test(join, using_is_checked)
{
    refused("SELECT o.id FROM o JOIN r USING (zz)",
            "6:18 42703 column \"zz\" specified in USING clause "
            "does not exist in left table\n");
    refused("SELECT o.id FROM o JOIN (SELECT 'a'::text AS k) z USING (k)",
            "6:18 42804 JOIN/USING types integer and text cannot be matched\n");
    refused("SELECT a.id FROM o a JOIN o b ON true JOIN r USING (id)",
            "6:18 42702 common column name \"id\" appears more than "
            "once in left table\n");
}

Test(join, subqueries_have_as_many_columns_as_are_wanted)
{
    refused("SELECT (SELECT x, k FROM r) FROM o",
            "6:8 42601 subquery must return only one column\n");
    refused("SELECT id FROM o WHERE k IN (SELECT k, x FROM r)",
            "6:26 42601 subquery has too many columns\n");
    refused("SELECT id FROM o WHERE (k, v) IN (SELECT k FROM r)",
            "6:31 42601 subquery has too few columns\n");
    refused("SELECT id FROM o WHERE k IN (SELECT n FROM d)",
            "6:26 42883 operator does not exist: integer = text\n");
}

Test(join, a_subquery_above_group_by_sees_groups_alone)
{
    refused("SELECT k, (SELECT max(x) FROM r WHERE r.k = o.v) FROM o GROUP "
            "BY k",
            "6:45 42803 subquery uses ungrouped column \"o.v\" from "
            "outer query\n");
}

Test(join, what_subqueries_cannot_do_is_refused_by_name)
{
    refused("SELECT o.id FROM o FULL JOIN r ON o.k = r.k AND EXISTS (SELECT 1 "
            "FROM d WHERE d.k = o.k + r.x)",
            "6:49 0A000 a subquery over both sides in ON of an outer join is "
            "not supported\n");
    refused("SELECT o.id FROM o LEFT JOIN r ON (SELECT o.v = r.x)",
            "6:35 0A000 a subquery over both sides in ON of an outer join is not supported\n");
    refused("SELECT id FROM o ORDER BY id LIMIT (SELECT 1)",
            "6:36 0A000 a subquery in LIMIT is not supported\n");
    refused("SELECT ARRAY(SELECT ARRAY[id]) FROM o",
            "6:8 0A000 an array of arrays is not supported\n");
    refused("SELECT id FROM o WHERE (SELECT id FROM r LIMIT 1) = 1",
            "6:48 0A000 LIMIT without ORDER BY is not supported\n");
}
