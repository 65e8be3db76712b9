/* The queries of the Nexmark benchmark, over a few auctions and bids.
 *
 * Windows are written as PostgreSQL can: date_bin, and generate_series for
 * those that overlap.  Query 6 averages over an auction's last winners, 10 and
 * 22 are text alone, 12 needs the clock and 13 a table beside the stream.
 */
#include "tests/oracle/level.h"

/* clang-format off */
#define W \
    "WITH person(id, name, city, state, ts) AS (VALUES " \
    "(1, 'ann', 'bend', 'or', timestamp '2024-01-01 00:00:01'), " \
    "(2, 'bob', 'boise', 'id', '2024-01-01 00:00:04'), " \
    "(3, 'cyd', 'reno', 'nv', '2024-01-01 00:00:12')), " \
    "auction(id, item_name, reserve, ts, expires, seller, category) AS (VALUES " \
    "(1, 'lamp', 100, timestamp '2024-01-01 00:00:02', timestamp '2024-01-01 00:00:20', 1, 10), " \
    "(2, 'desk', 500, '2024-01-01 00:00:05', '2024-01-01 00:00:09', 1, 10), " \
    "(123, 'bike', 50, '2024-01-01 00:00:11', '2024-01-01 00:00:40', 2, 11), " \
    "(4, 'vase', 900, '2024-01-01 00:00:13', '2024-01-01 00:00:14', 3, 10)), " \
    "bid(auction, bidder, price, channel, url, ts, extra) AS (VALUES " \
    "(1, 2, 150::bigint, 'apple', 'https://x.org/a/b/c?q=1', timestamp '2024-01-01 00:00:03', 'c1c'), " \
    "(1, 3, 2500000, 'Google', 'https://x.org/d/e/f&channel_id=7', '2024-01-01 00:00:07', 'abc'), " \
    "(1, 3, 2500000, 'web', 'https://x.org/g', '2024-01-01 00:00:30', ''), " \
    "(2, 3, 510, 'baidu', 'https://x.org/h/i', '2024-01-01 00:00:08', NULL), " \
    "(2, 1, 9000, 'web', 'https://x.org/j/k/l', '2024-01-01 00:00:10', 'cc'), " \
    "(123, 1, 60, 'facebook', 'channel_id=9&z', '2024-01-01 00:00:12', 'x'), " \
    "(123, 2, 60, 'other', 'https://x.org', '2024-01-01 08:00:15', 'c'), " \
    "(5, 2, 10, NULL, NULL, '2024-01-02 19:00:00', 'y')) "

static const char *const all[] = {
    W "SELECT auction, bidder, price, ts, extra FROM bid",
    W "SELECT auction, bidder, 0.908 * price AS price, ts, extra FROM bid",
    W "SELECT auction, price FROM bid WHERE mod(auction, 123) = 0",
    W "SELECT p.name, p.city, p.state, a.id FROM auction AS a INNER JOIN person AS p ON a.seller = p.id "
      "WHERE a.category = 10 AND (p.state = 'or' OR p.state = 'id' OR p.state = 'ca')",
    W "SELECT q.category, avg(q.final) FROM (SELECT max(b.price) AS final, a.category FROM auction a, bid b "
      "WHERE a.id = b.auction AND b.ts BETWEEN a.ts AND a.expires GROUP BY a.id, a.category) q GROUP BY q.category",
    W ", hops AS (SELECT auction, w, count(*) AS num FROM bid, generate_series(date_bin('2 seconds', ts, '2000-01-01'), "
      "date_bin('2 seconds', ts, '2000-01-01') - interval '8 seconds', interval '-2 seconds') AS w GROUP BY auction, w) "
      "SELECT h.auction, h.num, h.w FROM hops h JOIN (SELECT max(num) AS maxn, w FROM hops GROUP BY w) m "
      "ON h.w = m.w AND h.num >= m.maxn",
    W "SELECT q.seller, q.id, avg(q.final) OVER (PARTITION BY q.seller ORDER BY q.ts, q.id ROWS BETWEEN 10 PRECEDING AND CURRENT ROW) "
      "FROM (SELECT max(b.price) AS final, a.seller, a.id, max(b.ts) AS ts FROM auction AS a, bid AS b "
      "WHERE a.id = b.auction AND b.ts BETWEEN a.ts AND a.expires GROUP BY a.id, a.seller) AS q",
    W "SELECT b.auction, b.price, b.bidder, b.ts FROM bid b JOIN (SELECT max(price) AS maxprice, "
      "date_bin('10 seconds', ts, '2000-01-01') AS w FROM bid GROUP BY 2) m ON b.price = m.maxprice "
      "WHERE b.ts BETWEEN m.w AND m.w + interval '10 seconds'",
    W "SELECT p.id, p.name, p.w FROM (SELECT id, name, date_bin('10 seconds', ts, '2000-01-01') AS w FROM person GROUP BY 1, 2, 3) p "
      "JOIN (SELECT seller, date_bin('10 seconds', ts, '2000-01-01') AS w FROM auction GROUP BY 1, 2) a ON p.id = a.seller AND p.w = a.w",
    W "SELECT id, item_name, auction, bidder, price, bid_ts FROM (SELECT a.*, b.auction, b.bidder, b.price, b.ts AS bid_ts, "
      "row_number() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.ts ASC) AS rownum FROM auction a, bid b "
      "WHERE a.id = b.auction AND b.ts BETWEEN a.ts AND a.expires) q WHERE rownum <= 1",
    W "SELECT auction, bidder, price, ts, to_char(ts, 'yyyy-MM-dd'), to_char(ts, 'HH24:MI') FROM bid",
    W "SELECT bidder, count(*), min(ts), max(ts) + interval '10 seconds' FROM (SELECT bidder, ts, sum(new) OVER "
      "(PARTITION BY bidder ORDER BY ts) AS s FROM (SELECT bidder, ts, CASE WHEN ts - lag(ts) OVER (PARTITION BY bidder ORDER BY ts) "
      "< interval '10 seconds' THEN 0 ELSE 1 END AS new FROM bid) n) g GROUP BY bidder, s",
    W "SELECT b.auction, b.bidder, b.price, b.ts, s.value FROM bid b JOIN (VALUES (0, 'a'), (1, 'b')) AS s(key, value) "
      "ON b.auction % 3 = s.key",
    W "SELECT auction, bidder, 0.908 * price, CASE WHEN extract(hour FROM ts) >= 8 AND extract(hour FROM ts) <= 18 THEN 'dayTime' "
      "WHEN extract(hour FROM ts) <= 6 OR extract(hour FROM ts) >= 20 THEN 'nightTime' ELSE 'otherTime' END, "
      "length(extra) - length(replace(extra, 'c', '')) FROM bid WHERE 0.908 * price > 100 AND 0.908 * price < 50000000",
    W "SELECT to_char(ts, 'YYYY-MM-DD') AS day, count(*), count(*) FILTER (WHERE price < 10000), "
      "count(*) FILTER (WHERE price >= 10000 AND price < 1000000), count(*) FILTER (WHERE price >= 1000000), "
      "count(DISTINCT bidder), count(DISTINCT bidder) FILTER (WHERE price < 10000), "
      "count(DISTINCT auction) FILTER (WHERE price >= 1000000) FROM bid GROUP BY to_char(ts, 'YYYY-MM-DD')",
    W "SELECT channel, to_char(ts, 'YYYY-MM-DD') AS day, max(to_char(ts, 'HH24:MI')) AS minute, count(*), "
      "count(DISTINCT bidder) FILTER (WHERE price < 10000) FROM bid GROUP BY channel, to_char(ts, 'YYYY-MM-DD')",
    W "SELECT auction, to_char(ts, 'YYYY-MM-DD') AS day, count(*), min(price), max(price), avg(price), sum(price) "
      "FROM bid GROUP BY auction, to_char(ts, 'YYYY-MM-DD')",
    W "SELECT auction, bidder, price, channel, url, ts FROM (SELECT *, row_number() OVER (PARTITION BY bidder, auction "
      "ORDER BY ts DESC) AS n FROM bid) q WHERE n <= 1",
    W "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC, ts) AS n FROM bid) q WHERE n <= 10",
    W "SELECT auction, bidder, price, b.ts, item_name, a.ts, expires, seller, category FROM bid AS b INNER JOIN auction AS a "
      "ON b.auction = a.id WHERE a.category = 10",
    W "SELECT auction, bidder, price, channel, CASE WHEN lower(channel) = 'apple' THEN '0' WHEN lower(channel) = 'google' THEN '1' "
      "WHEN lower(channel) = 'facebook' THEN '2' WHEN lower(channel) = 'baidu' THEN '3' "
      "ELSE (regexp_match(url, '(&|^)channel_id=([^&]*)'))[2] END FROM bid WHERE "
      "(regexp_match(url, '(&|^)channel_id=([^&]*)'))[2] IS NOT NULL OR lower(channel) IN ('apple', 'google', 'facebook', 'baidu')",
    W "SELECT auction, bidder, price, channel, split_part(url, '/', 4), split_part(url, '/', 5), split_part(url, '/', 6) FROM bid",
};
/* clang-format on */

const cu_hand_cases cu_cases_nexmark = {"nexmark", all,
                                        sizeof(all) / sizeof(*all)};
