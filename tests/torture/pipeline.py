"""The pipeline under torture, its input, and its answer without cupel.

Every row of the input is a function of its partition and offset, so the
answer needs nothing but how many rows each partition has.
"""
from collections import Counter

PARTITIONS = 4
ITEMS = 150
BASE_MS = 1704067200000  # 2024-01-01

SQL = """
CREATE SERVER kafka FOREIGN DATA WRAPPER kafka;
CREATE FOREIGN TABLE sale (
  p integer OPTIONS (metadata 'partition'),
  o bigint OPTIONS (metadata 'offset'),
  shop integer NOT NULL, item integer NOT NULL, amount bigint NOT NULL,
  ts timestamptz OPTIONS (encoding 'epoch_millis', watermark '30 days')
) SERVER kafka OPTIONS (topic :'input', format 'json');
CREATE FOREIGN TABLE item (
  id integer OPTIONS (key 'true'), kind integer, PRIMARY KEY (id)
) SERVER kafka OPTIONS (topic :'items', format 'json', mode 'upsert');

-- Every row once: no key, so that a row said twice is seen twice.
CREATE MATERIALIZED VIEW passed AS SELECT p, o, amount FROM sale;
-- One exchange, then a second one behind it.
CREATE MATERIALIZED VIEW shops AS
SELECT shop, count(*) AS n, sum(amount) AS total,
       count(DISTINCT item) AS items
FROM sale GROUP BY shop;
CREATE MATERIALIZED VIEW sizes AS
SELECT n % 7 AS size, count(*) AS shops, sum(total) AS total
FROM shops GROUP BY n % 7;
-- A join of two topics, aggregated.
CREATE MATERIALIZED VIEW kinds AS
SELECT i.kind, count(*) AS n, sum(s.amount) AS total
FROM sale s JOIN item i ON i.id = s.item GROUP BY i.kind;
CREATE MATERIALIZED VIEW hours AS
SELECT window_start, count(*) AS n, sum(amount) AS total
FROM tumble(sale, ts, interval '1 hour') GROUP BY window_start;
"""


def fields(p, o):
    return ((o * o + 7 * o + p) % 211, (o * 31 + p * 7) % ITEMS,
            (o * 37 + p) % 101, BASE_MS + o * 1000)


def row(p, o):
    return b'{"shop":%d,"item":%d,"amount":%d,"ts":%d}' % fields(p, o)


def item(i):
    return b'{"id":%d}' % i, b'{"id":%d,"kind":%d}' % (i, i % 9)


def hour(ms):
    seconds = (ms - BASE_MS) // 1000
    day, hour_of_day = divmod(seconds // 3600, 24)
    month = 0
    for days in (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31):
        if day < days:
            break
        day, month = day - days, month + 1
    return "2024-%02d-%02dT%02d:00:00Z" % (month + 1, day + 1, hour_of_day)


def answer(counts):
    """view -> {key as a tuple: rest of the row}, of so many rows each"""
    n, total, items = Counter(), Counter(), {}
    kinds, hours = {}, {}
    for p, rows in enumerate(counts):
        for o in range(rows):
            shop, it, amount, ms = fields(p, o)
            n[shop] += 1
            total[shop] += amount
            items.setdefault(shop, set()).add(it)
            k = kinds.setdefault(it % 9, [0, 0])
            k[0] += 1
            k[1] += amount
            h = hours.setdefault(o // 3600, [0, 0])
            h[0] += 1
            h[1] += amount
    sizes = {}
    for shop, count in n.items():
        s = sizes.setdefault(count % 7, [0, 0])
        s[0] += 1
        s[1] += total[shop]
    return {
        "shops": {s: {"shop": s, "n": c, "total": total[s],
                      "items": len(items[s])} for s, c in n.items()},
        "sizes": {s: {"size": s, "shops": v[0], "total": v[1]}
                  for s, v in sizes.items()},
        "kinds": {k: {"kind": k, "n": v[0], "total": v[1]}
                  for k, v in kinds.items()},
        "hours": {hour(BASE_MS + h * 3600000):
                  {"window_start": hour(BASE_MS + h * 3600000), "n": v[0],
                   "total": v[1]} for h, v in hours.items()},
    }
