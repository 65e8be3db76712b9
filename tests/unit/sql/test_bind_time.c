/* Windows, sessions, emit, temporal filters: plans and refusals. */
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

Test(time, a_tumble_closes_by_its_end)
{
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x WITH (allowed_lateness = '1 minute') "
            "AS SELECT auction, window_start, window_end, count(*) AS n FROM "
            "tumble(bid, ts, interval '10 minutes') GROUP BY auction, "
            "window_start, window_end;",
        "materialize x -> auction bigint, window_start timestamp with time "
        "zone, window_end timestamp with time zone, n bigint key(auction, "
        "window_start, window_end)\n"
        "  project as(auction, window_start, window_end, count) -> auction "
        "bigint, window_start timestamp with time zone, window_end timestamp "
        "with time zone, n bigint key(auction, window_start, window_end)\n"
        "    aggregate by(window_end, window_start, auction) count(*) closes "
        "after 00:00:00 late 00:01:00 -> window_end timestamp with time zone, "
        "window_start timestamp with time zone, auction bigint, count bigint "
        "key(auction, window_start, window_end)\n"
        "      project as(window_end, window_start, auction) -> window_end "
        "timestamp with time zone, window_start timestamp with time zone, "
        "auction bigint append-only\n"
        "        window tumble of ts size 00:10:00 judged lateness 00:01:00 -> "
        "auction bigint, bidder bigint, price bigint, ts timestamp with time "
        "zone, d date, window_start timestamp with time zone, window_end "
        "timestamp with time zone append-only\n"
        "          source bid -> auction bigint, bidder bigint, price bigint, "
        "ts timestamp with time zone, d date append-only\n");
}

Test(time, emit_final_buffers_until_the_end)
{
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x WITH (emit = 'final') AS SELECT "
            "window_start, window_end, count(*) AS n FROM tumble(bid, ts, size "
            "=> interval '10 minutes') GROUP BY 1, 2;",
        "materialize x -> window_start timestamp with time zone, window_end "
        "timestamp with time zone, n bigint key(window_start, window_end) "
        "append-only\n"
        "  buffer until window_end + 00:00:00 -> window_start timestamp with "
        "time zone, window_end timestamp with time zone, n bigint "
        "key(window_start, window_end) append-only\n"
        "    project as(window_start, window_end, count) -> window_start "
        "timestamp with time zone, window_end timestamp with time zone, n "
        "bigint key(window_start, window_end)\n"
        "      aggregate by(window_end, window_start) count(*) closes after "
        "00:00:00 -> window_end timestamp with time zone, window_start "
        "timestamp with time zone, count bigint key(window_start, window_end)\n"
        "        project as(window_end, window_start) -> window_end timestamp "
        "with time zone, window_start timestamp with time zone append-only\n"
        "          window tumble of ts size 00:10:00 judged -> auction bigint, "
        "bidder bigint, price bigint, ts timestamp with time zone, d date, "
        "window_start timestamp with time zone, window_end timestamp with time "
        "zone append-only\n"
        "            source bid -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date append-only\n");
    expect_plan(BID "CREATE MATERIALIZED VIEW x WITH (emit = 'final') AS "
                    "SELECT auction, ts FROM bid;",
                "materialize x -> auction bigint, ts timestamp with time zone "
                "append-only\n"
                "  buffer until ts + 00:00:00 -> auction bigint, ts timestamp "
                "with time zone append-only\n"
                "    project as(auction, ts) -> auction bigint, ts timestamp "
                "with time zone append-only\n"
                "      source bid -> auction bigint, bidder bigint, price "
                "bigint, ts timestamp with time zone, d date append-only\n");
}

Test(time, a_start_closes_a_size_later)
{
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x AS SELECT window_start, max(price) AS "
            "m FROM hop(bid, ts, slide => interval '1 minute', size => "
            "interval '10 minutes') GROUP BY 1;",
        "materialize x -> window_start timestamp with time zone, m bigint "
        "key(window_start)\n"
        "  project as(window_start, max) -> window_start timestamp with time "
        "zone, m bigint key(window_start)\n"
        "    aggregate by(window_start) max(price) closes after 00:10:00 -> "
        "window_start timestamp with time zone, max bigint key(window_start)\n"
        "      project as(window_start, price) -> window_start timestamp with "
        "time zone, price bigint append-only\n"
        "        window hop of ts size 00:10:00 slide 00:01:00 judged -> "
        "auction bigint, bidder bigint, price bigint, ts timestamp with time "
        "zone, d date, window_start timestamp with time zone, window_end "
        "timestamp with time zone append-only\n"
        "          source bid -> auction bigint, bidder bigint, price bigint, "
        "ts timestamp with time zone, d date append-only\n");
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x AS SELECT DISTINCT auction, "
            "window_start FROM cumulate(bid, ts, step => interval '1 hour', "
            "size => interval '1 day');",
        "materialize x -> auction bigint, window_start timestamp with time "
        "zone key(window_start, auction) append-only\n"
        "  project as(auction, window_start) -> auction bigint, window_start "
        "timestamp with time zone key(window_start, auction) append-only\n"
        "    aggregate by(window_start, auction) closes after 1 day -> "
        "window_start timestamp with time zone, auction bigint "
        "key(window_start, auction) append-only\n"
        "      project as(window_start, auction) -> window_start timestamp "
        "with time zone, auction bigint append-only\n"
        "        window cumulate of ts size 1 day slide 01:00:00 judged -> "
        "auction bigint, bidder bigint, price bigint, ts timestamp with time "
        "zone, d date, window_start timestamp with time zone, window_end "
        "timestamp with time zone append-only\n"
        "          source bid -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date append-only\n");
}

Test(time, rows_that_retract_are_never_late)
{
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x AS SELECT window_start, count(*) AS n "
            "FROM tumble(product, since, interval '1 day') GROUP BY 1;",
        "materialize x -> window_start timestamp with time zone, n bigint "
        "key(window_start)\n"
        "  project as(window_start, count) -> window_start timestamp with time "
        "zone, n bigint key(window_start)\n"
        "    aggregate by(window_start) count(*) -> window_start timestamp "
        "with time zone, count bigint key(window_start)\n"
        "      project as(window_start) -> window_start timestamp with time "
        "zone\n"
        "        window tumble of since size 1 day -> id bigint, name text, "
        "since timestamp with time zone, window_start timestamp with time "
        "zone, window_end timestamp with time zone key(id)\n"
        "          normalize product -> id bigint, name text, since timestamp "
        "with time zone key(id)\n"
        "            source product -> id bigint, name text, since timestamp "
        "with time zone\n");
}

Test(time, a_window_of_another_column_is_never_late)
{
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x AS SELECT window_start, count(*) AS n "
            "FROM tumble((SELECT d::timestamptz AS t FROM bid), t, interval '1 "
            "day') GROUP BY 1;",
        "materialize x -> window_start timestamp with time zone, n bigint "
        "key(window_start)\n"
        "  project as(window_start, count) -> window_start timestamp with time "
        "zone, n bigint key(window_start)\n"
        "    aggregate by(window_start) count(*) -> window_start timestamp "
        "with time zone, count bigint key(window_start)\n"
        "      project as(window_start) -> window_start timestamp with time "
        "zone append-only\n"
        "        window tumble of t size 1 day -> t timestamp with time zone, "
        "window_start timestamp with time zone, window_end timestamp with time "
        "zone append-only\n"
        "          project as(d::timestamp with time zone) -> t timestamp with "
        "time zone append-only\n"
        "            source bid -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date append-only\n");
}

Test(time, a_session_is_grouped_by_its_anchor)
{
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x AS SELECT bidder, window_start, "
            "window_end, count(*) AS n FROM session(bid, ts, gap => interval "
            "'30 minutes', partition_by => ARRAY[bidder]) GROUP BY 1, 2, 3;",
        "materialize x -> bidder bigint, window_start timestamp with time "
        "zone, window_end timestamp with time zone, n bigint key(bidder, "
        "window_start)\n"
        "  project as(bidder, min, (max + '00:30:00'::interval), count) -> "
        "bidder bigint, window_start timestamp with time zone, window_end "
        "timestamp with time zone, n bigint key(bidder, window_start)\n"
        "    aggregate by(window_start, bidder) count(*) min(ts) max(ts) "
        "closes after 01:00:00 -> window_start timestamp with time zone, "
        "bidder bigint, count bigint, min timestamp with time zone, max "
        "timestamp with time zone key(window_start, bidder)\n"
        "      project as(anchor, bidder, ts) -> window_start timestamp with "
        "time zone, bidder bigint, ts timestamp with time zone\n"
        "        session by(bidder) of ts gap 00:30:00 judged -> auction "
        "bigint, bidder bigint, price bigint, ts timestamp with time zone, d "
        "date, anchor timestamp with time zone\n"
        "          source bid -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date append-only\n");
}

Test(time, a_session_with_other_groups_looks_at_its_bounds)
{
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x AS SELECT auction, window_end, "
            "count(*) AS n FROM session(bid, ts, gap => interval '30 minutes', "
            "partition_by => ARRAY[bidder]) GROUP BY 1, 2;",
        "materialize x -> auction bigint, window_end timestamp with time "
        "zone, n bigint key(auction, window_end)\n"
        "  project as(auction, window_end, count) -> auction bigint, "
        "window_end timestamp with time zone, n bigint key(auction, "
        "window_end)\n"
        "    aggregate by(window_end, auction) count(*) closes after "
        "00:00:00 -> window_end timestamp with time zone, auction bigint, "
        "count bigint key(auction, window_end)\n"
        "      project as((max + '00:30:00'::interval), auction) -> "
        "window_end timestamp with time zone, auction bigint\n"
        "        over by(anchor, bidder) order() max(ts) range unbounded "
        "preceding to unbounded following closes after 01:00:00 -> auction "
        "bigint, bidder bigint, ts timestamp with time zone, anchor "
        "timestamp with time zone, max timestamp with time zone\n"
        "          project as(auction, bidder, ts, anchor) -> auction "
        "bigint, bidder bigint, ts timestamp with time zone, anchor "
        "timestamp with time zone\n"
        "            session by(bidder) of ts gap 00:30:00 judged -> auction "
        "bigint, bidder bigint, price bigint, ts timestamp with time zone, d "
        "date, anchor timestamp with time zone\n"
        "              source bid -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date append-only\n");
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x AS SELECT bidder, window_start, "
            "count(*) AS n FROM session(bid, ts, gap => interval '30 minutes', "
            "partition_by => ARRAY[bidder]) WHERE price > 1 GROUP BY 1, 2;",
        "materialize x -> bidder bigint, window_start timestamp with time "
        "zone, n bigint key(bidder, window_start)\n"
        "  project as(bidder, window_start, count) -> bidder bigint, "
        "window_start timestamp with time zone, n bigint key(bidder, "
        "window_start)\n"
        "    aggregate by(bidder, window_start) count(*) -> bidder bigint, "
        "window_start timestamp with time zone, count bigint key(bidder, "
        "window_start)\n"
        "      project as(bidder, min) -> bidder bigint, window_start "
        "timestamp with time zone\n"
        "        filter where((price > 1::bigint)) -> bidder bigint, price "
        "bigint, ts timestamp with time zone, anchor timestamp with time "
        "zone, min timestamp with time zone\n"
        "          over by(anchor, bidder) order() min(ts) range unbounded "
        "preceding to unbounded following closes after 01:00:00 -> bidder "
        "bigint, price bigint, ts timestamp with time zone, anchor timestamp "
        "with time zone, min timestamp with time zone\n"
        "            project as(bidder, price, ts, anchor) -> bidder bigint, "
        "price bigint, ts timestamp with time zone, anchor timestamp with "
        "time zone\n"
        "              session by(bidder) of ts gap 00:30:00 judged -> "
        "auction bigint, bidder bigint, price bigint, ts timestamp with time "
        "zone, d date, anchor timestamp with time zone\n"
        "                source bid -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date append-only\n");
}

Test(time, a_final_session_has_its_bounds_at_once)
{
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x WITH (emit = 'final') AS SELECT "
            "bidder, window_start, window_end, count(*) AS n FROM session(bid, "
            "ts, gap => interval '30 minutes', partition_by => ARRAY[bidder]) "
            "GROUP BY 1, 2, 3;",
        "materialize x -> bidder bigint, window_start timestamp with time "
        "zone, window_end timestamp with time zone, n bigint key(bidder, "
        "window_start, window_end) append-only\n"
        "  buffer until window_end + 00:00:00 -> bidder bigint, window_start "
        "timestamp with time zone, window_end timestamp with time zone, n "
        "bigint key(bidder, window_start, window_end) append-only\n"
        "    project as(bidder, window_start, window_end, count) -> bidder "
        "bigint, window_start timestamp with time zone, window_end timestamp "
        "with time zone, n bigint key(bidder, window_start, window_end)\n"
        "      aggregate by(window_end, window_start, bidder) count(*) closes "
        "after 00:00:00 -> window_end timestamp with time zone, window_start "
        "timestamp with time zone, bidder bigint, count bigint key(bidder, "
        "window_start, window_end)\n"
        "        project as(window_end, window_start, bidder) -> window_end "
        "timestamp with time zone, window_start timestamp with time zone, "
        "bidder bigint append-only\n"
        "          session by(bidder) of ts gap 00:30:00 final judged -> "
        "auction bigint, bidder bigint, price bigint, ts timestamp with time "
        "zone, d date, window_start timestamp with time zone, window_end "
        "timestamp with time zone append-only\n"
        "            source bid -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date append-only\n");
}

Test(time, date_bin_is_judged_only_when_asked)
{
    expect_plan(BID
                "CREATE MATERIALIZED VIEW x AS SELECT date_bin('10 minutes', "
                "ts, '2000-01-01') AS w, count(*) AS n FROM bid GROUP BY 1;",
                "materialize x -> w timestamp with time zone, n bigint key(w)\n"
                "  project as(w, count) -> w timestamp with time zone, n "
                "bigint key(w)\n"
                "    aggregate by(w) count(*) -> w timestamp with time zone, "
                "count bigint key(w)\n"
                "      project as(date_bin('00:10:00'::interval, ts, "
                "'2000-01-01 00:00:00+00'::timestamp with time zone)) -> w "
                "timestamp with time zone append-only\n"
                "        source bid -> auction bigint, bidder bigint, price "
                "bigint, ts timestamp with time zone, d date append-only\n");
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x WITH (allowed_lateness = '0 seconds', "
            "retention = '1 day') AS SELECT date_bin('10 minutes', ts, "
            "'2000-01-01') AS w, count(*) AS n FROM bid GROUP BY 1;",
        "materialize x -> w timestamp with time zone, n bigint key(w)\n"
        "  project as(e1, count) -> w timestamp with time zone, n bigint "
        "key(w)\n"
        "    aggregate by(e1) count(*) closes after 00:10:00 -> e1 timestamp "
        "with time zone, count bigint key(e1)\n"
        "      project as(window_start) -> e1 timestamp with time zone "
        "append-only\n"
        "        window judge of window_start size 00:10:00 judged -> auction "
        "bigint, bidder bigint, price bigint, ts timestamp with time zone, d "
        "date, window_start timestamp with time zone append-only\n"
        "          project as(auction, bidder, price, ts, d, "
        "date_bin('00:10:00'::interval, ts, '2000-01-01 "
        "00:00:00+00'::timestamp with time zone)) -> auction bigint, bidder "
        "bigint, price bigint, ts timestamp with time zone, d date, "
        "window_start timestamp with time zone append-only\n"
        "            source bid -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date append-only\n");
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x WITH (emit = 'final') AS SELECT "
            "date_trunc('month', ts) AS w, count(*) AS n FROM bid GROUP BY 1;",
        "materialize x -> w timestamp with time zone, n bigint key(w) "
        "append-only\n"
        "  buffer until w + 1 mon -> w timestamp with time zone, n bigint "
        "key(w) append-only\n"
        "    project as(e1, count) -> w timestamp with time zone, n bigint "
        "key(w)\n"
        "      aggregate by(e1) count(*) closes after 1 mon -> e1 timestamp "
        "with time zone, count bigint key(e1)\n"
        "        project as(window_start) -> e1 timestamp with time zone "
        "append-only\n"
        "          window judge of window_start size 1 mon judged -> auction "
        "bigint, bidder bigint, price bigint, ts timestamp with time zone, d "
        "date, window_start timestamp with time zone append-only\n"
        "            project as(auction, bidder, price, ts, d, "
        "date_trunc('month', ts)) -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date, window_start timestamp "
        "with time zone append-only\n"
        "              source bid -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date append-only\n");
}

Test(time, a_rank_in_a_window_closes_with_it)
{
    expect_plan(
        BID
        "CREATE MATERIALIZED VIEW x WITH (primary_key = 'auction, window_end, "
        "rn') AS SELECT * FROM (SELECT window_end, auction, price, "
        "row_number() OVER (PARTITION BY auction, window_end ORDER BY price "
        "DESC) AS rn FROM tumble(bid, ts, interval '1 day')) q WHERE rn <= 3;",
        "materialize x -> window_end timestamp with time zone, auction "
        "bigint, price bigint, rn bigint key(auction, window_end, rn)\n"
        "  project as(window_end, auction, price, row_number) -> window_end "
        "timestamp with time zone, auction bigint, price bigint, rn bigint "
        "key(window_end, auction, rn)\n"
        "    filter where((row_number <= 3::bigint)) -> auction bigint, "
        "price bigint, window_end timestamp with time zone, row_number "
        "bigint key(window_end, auction, row_number)\n"
        "      rank by(window_end, auction) order(price desc nulls first) "
        "limit 3 numbered closes after 00:00:00 -> auction bigint, price "
        "bigint, window_end timestamp with time zone, row_number bigint "
        "key(window_end, auction, row_number)\n"
        "        project as(auction, price, window_end) -> auction bigint, "
        "price bigint, window_end timestamp with time zone append-only\n"
        "          window tumble of ts size 1 day judged -> auction bigint, "
        "bidder bigint, price bigint, ts timestamp with time zone, d date, "
        "window_start timestamp with time zone, window_end timestamp with "
        "time zone append-only\n"
        "            source bid -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date append-only\n");
}

Test(time, windows_of_windows_know_how_late_rows_come)
{
    expect_plan(
        BID
        "CREATE MATERIALIZED VIEW a WITH (emit = 'final', allowed_lateness = "
        "'1 minute') AS SELECT window_end, count(*) AS n FROM tumble(bid, ts, "
        "interval '10 minutes') GROUP BY 1; CREATE MATERIALIZED VIEW x AS "
        "SELECT w.window_start, sum(n) AS n FROM tumble((SELECT window_end AS "
        "t, n FROM a), t, interval '1 hour') AS w GROUP BY 1;",
        "materialize x -> window_start timestamp with time zone, n numeric "
        "key(window_start)\n"
        "  project as(window_start, sum) -> window_start timestamp with time "
        "zone, n numeric key(window_start)\n"
        "    aggregate by(window_start) sum(n) closes after 01:00:00 late "
        "00:01:00 -> window_start timestamp with time zone, sum numeric "
        "key(window_start)\n"
        "      project as(window_start, n) -> window_start timestamp with time "
        "zone, n bigint append-only\n"
        "        window tumble of t size 01:00:00 judged lateness 00:01:00 -> "
        "t timestamp with time zone, n bigint, window_start timestamp with "
        "time zone, window_end timestamp with time zone key(t) append-only\n"
        "          project as(window_end, n) -> t timestamp with time zone, n "
        "bigint key(t) append-only\n"
        "            view a -> window_end timestamp with time zone, n bigint "
        "key(window_end) append-only\n");
}

Test(time, conditions_on_the_clock_become_times)
{
    expect_plan(
        BID
        "CREATE MATERIALIZED VIEW x WITH (primary_key = 'auction') AS SELECT "
        "auction FROM bid WHERE ts > now() - interval '1 hour' AND price > 3;",
        "materialize x -> auction bigint key(auction)\n"
        "  project as(auction) -> auction bigint\n"
        "    temporal until until -> auction bigint, until timestamp with "
        "time zone\n"
        "      project as(auction, (ts + '01:00:00'::interval)) -> auction "
        "bigint, until timestamp with time zone append-only\n"
        "        filter where((price > 3::bigint)) -> auction bigint, bidder "
        "bigint, price bigint, ts timestamp with time zone, d date "
        "append-only\n"
        "          source bid -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date append-only\n");
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x AS SELECT auction FROM bid WHERE ts <= "
            "now();",
        "materialize x -> auction bigint append-only\n"
        "  project as(auction) -> auction bigint append-only\n"
        "    temporal from from -> auction bigint, from timestamp with time "
        "zone append-only\n"
        "      project as(auction, ts) -> auction bigint, from timestamp "
        "with time zone append-only\n"
        "        source bid -> auction bigint, bidder bigint, price bigint, "
        "ts timestamp with time zone, d date append-only\n");
    expect_plan(
        BID
        "CREATE MATERIALIZED VIEW x WITH (primary_key = 'auction') AS SELECT "
        "auction FROM bid WHERE d >= current_date - 7 AND d < current_date;",
        "materialize x -> auction bigint key(auction)\n"
        "  project as(auction) -> auction bigint\n"
        "    temporal from from -> auction bigint, from timestamp with time "
        "zone\n"
        "      project as(auction, (date_trunc('day', d::timestamp with time "
        "zone) + '1 day'::interval)) -> auction bigint, from timestamp with "
        "time zone\n"
        "        temporal until until -> auction bigint, d date, until "
        "timestamp with time zone\n"
        "          project as(auction, d, (date_trunc('day', (d::timestamp "
        "with time zone + '7 days'::interval)) + '1 day'::interval)) -> "
        "auction bigint, d date, until timestamp with time zone append-only\n"
        "            source bid -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date append-only\n");
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x WITH (primary_key = 'auction') AS "
            "SELECT auction FROM bid WHERE now() - interval '1 day' <= ts AND "
            "current_date = d;",
        "materialize x -> auction bigint key(auction)\n"
        "  project as(auction) -> auction bigint\n"
        "    temporal from from until until -> auction bigint, from "
        "timestamp with time zone, until timestamp with time zone\n"
        "      project as(auction, d::timestamp with time zone, "
        "(d::timestamp with time zone + '1 day'::interval)) -> auction "
        "bigint, from timestamp with time zone, until timestamp with time "
        "zone\n"
        "        temporal until until -> auction bigint, d date, until "
        "timestamp with time zone\n"
        "          project as(auction, d, ((ts + '1 day'::interval) + "
        "'00:00:00.000001'::interval)) -> auction bigint, d date, until "
        "timestamp with time zone append-only\n"
        "            source bid -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date append-only\n");
    expect_plan(
        BID
        "CREATE MATERIALIZED VIEW x AS SELECT auction, max(ts) AS m FROM bid "
        "GROUP BY 1 HAVING max(ts) < current_timestamp - interval '1 hour';",
        "materialize x -> auction bigint, m timestamp with time zone "
        "key(auction)\n"
        "  project as(auction, max) -> auction bigint, m timestamp with time "
        "zone key(auction)\n"
        "    temporal from from -> auction bigint, max timestamp with time "
        "zone, from timestamp with time zone key(auction)\n"
        "      project as(auction, max, ((max + '01:00:00'::interval) + "
        "'00:00:00.000001'::interval)) -> auction bigint, max timestamp with "
        "time zone, from timestamp with time zone key(auction)\n"
        "        aggregate by(auction) max(ts) -> auction bigint, max "
        "timestamp with time zone key(auction)\n"
        "          project as(auction, ts) -> auction bigint, ts timestamp "
        "with time zone append-only\n"
        "            source bid -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date append-only\n");
}

Test(time, other_conditions_on_the_clock_are_refused)
{
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT auction FROM bid WHERE ts > "
            "now() OR price > 1;",
        "2:72 0A000 this condition on the clock is not supported\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT auction FROM bid WHERE ts > "
            "now() - interval '1 month';",
        "2:64 0A000 this condition on the clock is not supported\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT auction FROM bid WHERE ts <> "
            "now();",
        "2:64 0A000 this condition on the clock is not supported\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT auction FROM bid WHERE "
            "extract(hour FROM now()) = 1;",
        "2:86 0A000 this condition on the clock is not supported\n");
}

Test(time, arguments_are_checked)
{
    expect_messages(BID
                    "CREATE MATERIALIZED VIEW x AS SELECT * FROM tumble(bid);",
                    "2:45 42883 tumble() needs the argument \"ts\"\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM "
                        "tumble(bid, price, interval '1 day');",
                    "2:57 42804 the time column of tumble() must be a date "
                    "or timestamp, not type bigint\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM "
                        "tumble(bid, nosuch, interval '1 day');",
                    "2:57 42703 column \"nosuch\" does not exist\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM "
                        "tumble(nosuch, ts, interval '1 day');",
                    "2:52 42P01 relation \"nosuch\" does not exist\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM "
                        "tumble(bid, ts, interval '0');",
                    "2:70 22008 tumble() wants an interval from 1 microsecond "
                    "to 100 years\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM tumble(bid, ts, "
            "interval '1 month');",
        "2:70 0A000 an interval of months in tumble() is not supported\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM "
                        "tumble(bid, ts, siz => interval '1 day');",
                    "2:61 42883 tumble() has no parameter \"siz\"\n");
    expect_messages(BID
                    "CREATE MATERIALIZED VIEW x AS SELECT * FROM tumble(bid, "
                    "ts, interval '1 day', size => interval '1 day');",
                    "2:96 42601 argument name \"size\" used more than once\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM tumble(bid, ts, size "
            "=> interval '1 day', timestamptz '2000-01-01');",
        "2:99 42601 positional argument cannot follow named argument\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM tumble(bid, ts, "
            "interval '1 day', timestamptz 'infinity');",
        "2:91 22008 the origin of tumble() must be a finite time\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM "
                        "tumble(bid, ts, interval '1 day', 1, 2);",
                    "2:82 42883 tumble() takes at most 4 arguments\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM tumble(1, "
                        "ts, interval '1 day');",
                    "2:52 42809 this is no relation\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM hop(bid, ts, interval "
            "'2 days', interval '1 day');",
        "2:45 22023 the slide of hop() must not be longer than its size\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM hop(bid, ts, interval "
            "'1 second', interval '1 day');",
        "2:45 22023 a row would belong to more than 10000 windows\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM cumulate(bid, ts, "
            "interval '7 hours', interval '1 day');",
        "2:45 22023 the size of cumulate() must be a multiple of its step\n");
    expect_messages(BID
                    "CREATE MATERIALIZED VIEW x AS SELECT * FROM session(bid, "
                    "ts, interval '1 day', partition_by => ARRAY[1]);",
                    "2:102 42809 session() wants a column here\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM tumble(bid, ts, "
            "interval '1 day') WITH ORDINALITY;",
        "2:45 0A000 WITH ORDINALITY of tumble() is not supported\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT tumble(bid, ts, "
                        "interval '1 day') FROM bid;",
                    "2:38 0A000 tumble() outside FROM is not supported\n");
}

Test(time, options_of_time_need_a_window)
{
    expect_messages(BID "CREATE MATERIALIZED VIEW x WITH (emit = 'final') AS "
                        "SELECT auction, count(*) AS n FROM bid GROUP BY 1;",
                    "2:34 42P16 emit = 'final' needs a window that closes\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x WITH (emit = 'early_final', "
            "primary_key = 'auction') AS SELECT auction, count(*) AS n FROM "
            "tumble(bid, ts, interval '1 day') GROUP BY auction, window_end;",
        "2:34 42P16 emit = 'early_final' needs a window that closes\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x WITH (emit = 'final') AS "
                        "SELECT window_end, count(*) AS n FROM tumble(product, "
                        "since, interval '1 day') GROUP BY 1;",
                    "2:34 42P16 emit = 'final' needs a window that closes\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x WITH (allowed_lateness = '1 minute') "
            "AS SELECT auction, count(*) AS n FROM bid GROUP BY 1;",
        "2:34 42P16 option \"allowed_lateness\" needs a window in which rows "
        "can be late\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x WITH (late = 'x.late') AS "
                        "SELECT auction, count(*) AS n FROM bid GROUP BY 1;",
                    "2:34 42P16 option \"late\" needs a window in which rows "
                    "can be late\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x WITH (retention = '1 day') AS SELECT "
            "auction, count(*) AS n FROM bid GROUP BY 1;",
        "2:34 42P16 option \"retention\" needs a window or time column\n");
}
