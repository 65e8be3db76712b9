/* Clauses of aggregates, GROUPING SETS: plans and refusals. */
#include "tests/unit/sql/golden.h"

#include <criterion/criterion.h>

#define BID                                                                   \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka; CREATE FOREIGN TABLE bid "   \
    "(auction bigint NOT NULL, bidder bigint NOT NULL, price bigint, ts "     \
    "timestamptz OPTIONS (watermark '5 seconds') NOT NULL, d date) SERVER k " \
    "OPTIONS (topic 'b', format 'json'); CREATE FOREIGN TABLE product (id "   \
    "bigint OPTIONS (key 'true') NOT NULL, name text, since timestamptz "     \
    "OPTIONS (watermark '1 minute') NOT NULL, PRIMARY KEY (id)) SERVER k "    \
    "OPTIONS (topic 'p', format 'json', mode 'upsert');\n"

Test(group, aggregates_have_clauses)
{
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x AS SELECT auction, string_agg(DISTINCT "
            "bidder::text, ',' ORDER BY bidder::text) AS s, array_agg(price "
            "ORDER BY ts DESC, price) FILTER (WHERE price > 1) AS a, "
            "percentile_cont(0.5) WITHIN GROUP (ORDER BY price) AS p, mode() "
            "WITHIN GROUP (ORDER BY price DESC) AS m, corr(price, bidder) AS c "
            "FROM bid GROUP BY auction;",
        "materialize x -> auction bigint, s text, a bigint[], p double "
        "precision, m bigint, c double precision key(auction)\n"
        "  project as(auction, string_agg, array_agg, percentile_cont, mode, "
        "corr) -> auction bigint, s text, a bigint[], p double precision, m "
        "bigint, c double precision key(auction)\n"
        "    aggregate by(auction) string_agg(distinct e2) and(e3) order(e2) "
        "array_agg(price) order(ts desc nulls first, price) filter(e5) "
        "percentile_cont(e7) order(e7) at 0.5 mode(price) order(price desc "
        "nulls first) corr(e7) and(e8) -> auction bigint, string_agg text, "
        "array_agg bigint[], percentile_cont double precision, mode bigint, "
        "corr double precision key(auction)\n"
        "      project as(auction, bidder::text, ',', price, (price > "
        "1::bigint), ts, price::double precision, bidder::double precision) -> "
        "auction bigint, e2 text, e3 text, price bigint, e5 boolean, ts "
        "timestamp with time zone, e7 double precision, e8 double precision "
        "append-only\n"
        "        source bid -> auction bigint, bidder bigint, price bigint, ts "
        "timestamp with time zone, d date append-only\n");
}

Test(group, the_first_of_an_array_is_one_row)
{
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x AS SELECT auction, (array_agg(price "
            "ORDER BY ts))[1] AS f, (array_agg(price ORDER BY ts))[2] AS g "
            "FROM bid GROUP BY auction;",
        "materialize x -> auction bigint, f bigint, g bigint key(auction)\n"
        "  project as(auction, first, array_agg[2]) -> auction bigint, f "
        "bigint, g bigint key(auction)\n"
        "    aggregate by(auction) first(price) order(ts) array_agg(price) "
        "order(ts) -> auction bigint, first bigint, array_agg bigint[] "
        "key(auction)\n"
        "      project as(auction, price, ts) -> auction bigint, price bigint, "
        "ts timestamp with time zone append-only\n"
        "        source bid -> auction bigint, bidder bigint, price bigint, ts "
        "timestamp with time zone, d date append-only\n");
}

Test(group, rollup_has_a_row_for_no_rows)
{
    expect_plan(
        BID
        "CREATE MATERIALIZED VIEW x AS SELECT auction, bidder, "
        "grouping(auction, bidder) AS g, count(*) AS n, sum(price) FILTER "
        "(WHERE price > 1) AS s FROM bid GROUP BY ROLLUP (auction, bidder);",
        "materialize x -> auction bigint, bidder bigint, g integer, n "
        "bigint, s numeric key(auction, bidder)\n"
        "  project as(auction, bidder, CASE WHEN (set = 0) THEN 0 WHEN (set "
        "= 1) THEN 1 WHEN (set = 2) THEN 3 ELSE 0 END, count, sum) -> "
        "auction bigint, bidder bigint, g integer, n bigint, s numeric "
        "key(auction, bidder)\n"
        "    filter where(((count > 0) OR (set = 2))) -> auction bigint, "
        "bidder bigint, set integer, count bigint, sum numeric, count bigint "
        "key(auction, bidder)\n"
        "      aggregate by(auction, bidder, set) count(*) filter(real1) "
        "sum(price) filter(real2) count(*) filter(real) -> auction bigint, "
        "bidder bigint, set integer, count bigint, sum numeric, count bigint "
        "key(auction, bidder)\n"
        "        project as(auction, bidder, set, price, real, real1, real2) "
        "-> auction bigint, bidder bigint, set integer, price bigint, real "
        "boolean, real1 boolean, real2 boolean append-only\n"
        "          expand by(auction, bidder) 3 1 0 -> auction bigint, "
        "bidder bigint, price bigint, real boolean, real1 boolean, real2 "
        "boolean, auction bigint, bidder bigint, set integer append-only\n"
        "            project as(auction, bidder, price, real, real, (real "
        "AND e4)) -> auction bigint, bidder bigint, price bigint, real "
        "boolean, real1 boolean, real2 boolean append-only\n"
        "              union -> auction bigint, bidder bigint, price bigint, "
        "e4 boolean, real boolean append-only\n"
        "                project as(auction, bidder, price, (price > "
        "1::bigint), true) -> auction bigint, bidder bigint, price bigint, "
        "e4 boolean, real boolean append-only\n"
        "                  source bid -> auction bigint, bidder bigint, "
        "price bigint, ts timestamp with time zone, d date append-only\n"
        "                values (NULL, NULL, NULL, NULL, false) -> auction "
        "bigint, bidder bigint, price bigint, e4 boolean, real boolean "
        "single append-only\n");
}

Test(group, sets_multiply)
{
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x WITH (primary_key = 'auction, bidder, "
            "d') AS SELECT auction, bidder, d, count(*) AS n FROM bid GROUP BY "
            "auction, CUBE (bidder, d);",
        "materialize x -> auction bigint, bidder bigint, d date, n bigint "
        "key(auction, bidder, d)\n"
        "  project as(auction, bidder, d, count) -> auction bigint, bidder "
        "bigint, d date, n bigint\n"
        "    aggregate by(auction, bidder, d, set) count(*) -> auction "
        "bigint, bidder bigint, d date, set integer, count bigint "
        "key(auction, bidder, d, set)\n"
        "      project as(auction, bidder, d, set) -> auction bigint, bidder "
        "bigint, d date, set integer append-only\n"
        "        expand by(auction, bidder, d) 7 3 5 1 -> auction bigint, "
        "bidder bigint, d date, auction bigint, bidder bigint, d date, set "
        "integer append-only\n"
        "          project as(auction, bidder, d) -> auction bigint, bidder "
        "bigint, d date append-only\n"
        "            source bid -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date append-only\n");
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x AS SELECT auction, bidder, count(*) AS "
            "n FROM bid GROUP BY GROUPING SETS ((auction, bidder), auction);",
        "materialize x -> auction bigint, bidder bigint, n bigint "
        "key(auction, bidder)\n"
        "  project as(auction, bidder, count) -> auction bigint, bidder "
        "bigint, n bigint key(auction, bidder)\n"
        "    aggregate by(auction, bidder, set) count(*) -> auction bigint, "
        "bidder bigint, set integer, count bigint key(auction, bidder)\n"
        "      project as(auction, bidder, set) -> auction bigint, bidder "
        "bigint, set integer append-only\n"
        "        expand by(auction, bidder) 3 1 -> auction bigint, bidder "
        "bigint, auction bigint, bidder bigint, set integer append-only\n"
        "          project as(auction, bidder) -> auction bigint, bidder "
        "bigint append-only\n"
        "            source bid -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date append-only\n");
}

Test(group, an_empty_set_alone_is_a_global_row)
{
    expect_plan(BID "CREATE MATERIALIZED VIEW x AS SELECT count(*) AS n FROM "
                    "bid GROUP BY ();",
                "materialize x -> n bigint single\n"
                "  project as(count) -> n bigint single\n"
                "    aggregate count(*) global -> count bigint single\n"
                "      project as(1) -> e1 integer append-only\n"
                "        source bid -> auction bigint, bidder bigint, price "
                "bigint, ts timestamp with time zone, d date append-only\n");
}

Test(group, wrong_clauses_are_named)
{
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT sum(price) "
                        "WITHIN GROUP (ORDER BY price) FROM bid;",
                    "2:38 42809 sum is not an ordered-set aggregate, so it "
                    "cannot have WITHIN GROUP\n");
    expect_messages(
        BID
        "CREATE MATERIALIZED VIEW x AS SELECT percentile_cont(0.5) FROM bid;",
        "2:38 42809 WITHIN GROUP is required for ordered-set aggregate "
        "percentile_cont\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT percentile_cont(price) "
            "WITHIN GROUP (ORDER BY price) FROM bid;",
        "2:54 0A000 a direct argument that is no constant is not supported\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT percentile_cont(95) WITHIN "
            "GROUP (ORDER BY price), percentile_disc(ARRAY[0, 1.5, NULL]) "
            "WITHIN GROUP (ORDER BY price), percentile_cont(NULL) WITHIN GROUP "
            "(ORDER BY price) FROM bid;",
        "2:54 22003 percentile value 95 is not between 0 and 1\n"
        "2:105 22003 percentile value 1.5 is not between 0 and 1\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT rank(1) WITHIN "
                        "GROUP (ORDER BY price) FROM bid;",
                    "2:38 0A000 rank() WITHIN GROUP is not supported\n");
    expect_messages(BID
                    "CREATE MATERIALIZED VIEW x AS SELECT string_agg(DISTINCT "
                    "bidder::text, ',' ORDER BY price) FROM bid;",
                    "2:85 42P10 in an aggregate with DISTINCT, ORDER BY "
                    "expressions must appear in argument list\n");
    expect_messages(
        BID
        "CREATE MATERIALIZED VIEW x AS SELECT sum(VARIADIC ARRAY[1]) FROM bid;",
        "2:38 0A000 VARIADIC is not supported\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT grouping(price) "
                        "FROM bid GROUP BY auction;",
                    "2:47 42803 arguments to GROUPING must be grouping "
                    "expressions of the associated query level\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT auction FROM bid WHERE "
            "grouping(auction) = 0;",
        "2:61 42803 grouping operations are not allowed in WHERE\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT price FROM bid "
                        "GROUP BY ROLLUP (auction);",
                    "2:38 42803 column \"bid.price\" must appear in the GROUP "
                    "BY clause or be used in an aggregate function\n");
}
