#!/usr/bin/env python3
"""What the views of offsets.sh must be, computed from the records.

    offsets.py want INPUT.jsonl FROM.csv OUT   rows of shops and big, from the
                                               positions (topic,partition,
                                               offset lines) on
    offsets.py bag WANT.jsonl TOPIC.jsonl      every wanted row stands in the
                                               topic as often as it must, or,
                                               of what it said before, more
    offsets.py tombstones BEFORE AFTER TOPIC.jsonl
                                               keys of BEFORE that AFTER lacks
                                               were deleted since, once each
"""
import json
import sys
from collections import Counter


def records(path):
    with open(path, encoding="utf-8") as f:
        for line in f:
            r = json.loads(line)
            value = r.get("payload", r.get("value"))
            key = r.get("key")
            yield (r["partition"], r["offset"],
                   json.loads(key) if isinstance(key, str) else key,
                   json.loads(value) if isinstance(value, str) else value)


def positions(path):
    with open(path, encoding="utf-8") as f:
        return {int(p): int(o) for _, p, o in
                (line.strip().split(",") for line in f if line.strip())}


def want(source, since, out):
    since = positions(since)
    shops, big = {}, []
    for partition, offset, _, row in records(source):
        if offset < since.get(partition, 0):
            continue
        s = shops.setdefault(row["shop"], [0, 0, set()])
        s[0] += 1
        s[1] += row["amount"]
        s[2].add(row["amount"])
        if row["amount"] > 90:
            big.append(row)
    with open(out + ".shops", "w", encoding="utf-8") as f:
        for k, s in sorted(shops.items()):
            print(json.dumps({"shop": k, "n": s[0], "total": s[1],
                              "amounts": len(s[2])}), file=f)
    with open(out + ".big", "w", encoding="utf-8") as f:
        for row in big:
            print(json.dumps({"id": row["id"], "amount": row["amount"]}),
                  file=f)


def rows(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def bag(wanted, topic):
    want_rows = Counter(json.dumps(r, sort_keys=True) for r in rows(wanted))
    got = Counter(json.dumps(r[3], sort_keys=True) for r in records(topic))
    missing, twice = want_rows - got, {r: n for r, n in got.items() if n > 1}
    for r in list(missing)[:5]:
        print("missing", r)
    for r in list(twice)[:5]:
        print("doubled", r)
    return bool(missing or twice)


def tombstones(before, after, topic):
    gone = {r["shop"] for r in rows(before)} - {r["shop"] for r in rows(after)}
    deleted = Counter(key["shop"] for _, _, key, value in records(topic)
                      if value is None)
    print(len(gone), "keys are gone,", sum(deleted.values()), "tombstones")
    return not gone or deleted != Counter(gone)


if __name__ == "__main__":
    verb = {"want": want, "bag": bag, "tombstones": tombstones}[sys.argv[1]]
    sys.exit(verb(*sys.argv[2:]))
