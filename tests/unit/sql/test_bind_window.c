/* OVER: nodes shared, frames, inheritance, ranks, refusals. */
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

Test(window, calls_of_one_window_share_a_node)
{
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x WITH (primary_key = 'auction') AS "
            "SELECT auction, price, rank() OVER w AS r, sum(price) OVER (w "
            "ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) * 2 AS s, lag(price, 1) "
            "OVER (PARTITION BY bidder ORDER BY ts DESC) AS l FROM bid WINDOW "
            "w AS (PARTITION BY auction ORDER BY price);",
        "materialize x -> auction bigint, price bigint, r bigint, s numeric, "
        "l bigint key(auction)\n"
        "  project as(auction, price, rank, (sum * 2::numeric), lag) -> "
        "auction bigint, price bigint, r bigint, s numeric, l bigint\n"
        "    over by(bidder) order(ts desc nulls first) lag(price, w6) range "
        "unbounded preceding to current row -> auction bigint, bidder "
        "bigint, price bigint, ts timestamp with time zone, w6 integer, rank "
        "bigint, sum numeric, lag bigint\n"
        "      over by(auction) order(price) rank() range unbounded "
        "preceding to current row sum(price) rows  2 preceding to current "
        "row -> auction bigint, bidder bigint, price bigint, ts timestamp "
        "with time zone, w6 integer, rank bigint, sum numeric\n"
        "        project as(auction, bidder, price, ts, 1) -> auction "
        "bigint, bidder bigint, price bigint, ts timestamp with time zone, "
        "w6 integer append-only\n"
        "          source bid -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date append-only\n");
}

Test(window, a_lone_rank_can_be_bounded)
{
    expect_plan(
        BID
        "CREATE MATERIALIZED VIEW x WITH (primary_key = 'auction') AS SELECT "
        "auction, r FROM (SELECT auction, dense_rank() OVER (PARTITION BY "
        "auction ORDER BY price DESC) AS r FROM bid) q WHERE r < 11;",
        "materialize x -> auction bigint, r bigint key(auction)\n"
        "  project as(auction, row_number) -> auction bigint, r bigint\n"
        "    filter where((row_number < 11::bigint)) -> auction bigint, "
        "price bigint, row_number bigint\n"
        "      rank by(auction) order(price desc nulls first) limit 10 "
        "dense_rank numbered -> auction bigint, price bigint, row_number "
        "bigint\n"
        "        project as(auction, price) -> auction bigint, price bigint "
        "append-only\n"
        "          source bid -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date append-only\n");
}

Test(window, with_ties_is_a_rank)
{
    expect_plan(BID "CREATE MATERIALIZED VIEW x WITH (primary_key = 'auction') "
                    "AS SELECT auction, price FROM bid ORDER BY price DESC "
                    "FETCH FIRST 3 ROWS WITH TIES;",
                "materialize x -> auction bigint, price bigint key(auction)\n"
                "  rank by() order(price desc nulls first) limit 3 rank -> "
                "auction bigint, price bigint\n"
                "    project as(auction, price) -> auction bigint, price "
                "bigint append-only\n"
                "      source bid -> auction bigint, bidder bigint, price "
                "bigint, ts timestamp with time zone, d date append-only\n");
}

Test(window, windows_look_at_groups)
{
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x AS SELECT auction, sum(count(*)) OVER "
            "(ORDER BY auction) AS n FROM bid GROUP BY 1;",
        "materialize x -> auction bigint, n numeric key(auction)\n"
        "  project as(auction, sum) -> auction bigint, n numeric key(auction)\n"
        "    over by() order(auction) sum(count) range unbounded preceding to "
        "current row -> auction bigint, count bigint, sum numeric "
        "key(auction)\n"
        "      aggregate by(auction) count(*) -> auction bigint, count bigint "
        "key(auction)\n"
        "        project as(auction) -> auction bigint append-only\n"
        "          source bid -> auction bigint, bidder bigint, price bigint, "
        "ts timestamp with time zone, d date append-only\n");
}

Test(window, frames_have_offsets_of_the_orders_type)
{
    expect_plan(
        BID
        "CREATE MATERIALIZED VIEW x WITH (primary_key = 'auction') AS SELECT "
        "auction, count(*) FILTER (WHERE price > 1) OVER (ORDER BY ts RANGE "
        "BETWEEN interval '1 hour' PRECEDING AND interval '1 day' FOLLOWING "
        "EXCLUDE TIES) AS n, first_value(price) OVER (ORDER BY ts GROUPS "
        "BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING) AS f FROM bid;",
        "materialize x -> auction bigint, n bigint, f bigint key(auction)\n"
        "  project as(auction, count, first_value) -> auction bigint, n "
        "bigint, f bigint\n"
        "    over by() order(ts) count() filter(w6) range  01:00:00 "
        "preceding to  1 day following exclude ties first_value(price) "
        "groups  1 preceding to unbounded following -> auction bigint, price "
        "bigint, ts timestamp with time zone, w6 boolean, count bigint, "
        "first_value bigint\n"
        "      project as(auction, price, ts, (price > 1::bigint)) -> "
        "auction bigint, price bigint, ts timestamp with time zone, w6 "
        "boolean append-only\n"
        "        source bid -> auction bigint, bidder bigint, price bigint, "
        "ts timestamp with time zone, d date append-only\n");
}

Test(window, misplaced_and_wrong_windows_are_named)
{
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT rank() FROM bid;",
        "2:38 42809 window function rank requires an OVER clause\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT array_agg(price) "
                        "OVER (ORDER BY ts) FROM bid;",
                    "2:38 0A000 array_agg() over a window is not supported\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT auction FROM bid "
                        "WHERE rank() OVER (ORDER BY ts) = 1;",
                    "2:61 42P20 window functions are not allowed in WHERE\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT sum(rank() OVER "
                        "(ORDER BY ts)) FROM bid;",
                    "2:42 42803 aggregate function calls cannot contain window "
                    "function calls\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT sum(rank() OVER "
                        "(ORDER BY ts)) OVER () FROM bid;",
                    "2:42 42P20 window function calls cannot be nested\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT rank() OVER nosuch FROM bid;",
        "2:50 42704 window \"nosuch\" does not exist\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT rank() OVER (w PARTITION BY "
            "bidder) FROM bid WINDOW w AS (PARTITION BY auction);",
        "2:50 42P20 cannot override PARTITION BY clause of window \"w\"\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT rank() OVER (w ORDER BY "
            "price) FROM bid WINDOW w AS (ORDER BY ts);",
        "2:50 42P20 cannot override ORDER BY clause of window \"w\"\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT sum(price) OVER (w) FROM bid "
            "WINDOW w AS (ORDER BY ts ROWS 1 PRECEDING);",
        "2:54 42P20 cannot copy window \"w\" because it has a frame clause\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT sum(price) OVER "
                        "(ROWS -1 PRECEDING) FROM bid;",
                    "2:60 22013 frame starting offset must not be negative\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT sum(price) OVER "
                        "(ROWS NULL PRECEDING) FROM bid;",
                    "2:60 22004 frame starting offset must not be null\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT sum(price) OVER "
                        "(ROWS price PRECEDING) FROM bid;",
                    "2:60 42703 column \"price\" does not exist\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT sum(price) OVER "
                        "(GROUPS 1 PRECEDING) FROM bid;",
                    "2:54 42P20 GROUPS mode requires an ORDER BY clause\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT sum(price) OVER "
                        "(RANGE 1 PRECEDING) FROM bid;",
                    "2:54 42P20 RANGE with offset PRECEDING/FOLLOWING requires "
                    "exactly one ORDER BY column\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT sum(price) OVER "
                        "(ORDER BY 'a'::text RANGE 1 PRECEDING) FROM bid;",
                    "2:54 0A000 RANGE with offset PRECEDING/FOLLOWING is not "
                    "supported for column type text\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT count(DISTINCT price) OVER "
            "() FROM bid;",
        "2:38 0A000 DISTINCT is not implemented for window functions\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT rank() FILTER "
                        "(WHERE true) OVER (ORDER BY ts) FROM bid;",
                    "2:38 0A000 FILTER is not implemented for non-aggregate "
                    "window functions\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT lower('a') OVER () FROM bid;",
        "2:38 42809 OVER specified, but lower is not a window function nor an "
        "aggregate function\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT auction FROM bid LIMIT 3;",
        "2:61 0A000 LIMIT without ORDER BY is not supported\n");
}
