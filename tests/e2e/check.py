#!/usr/bin/env python3
"""Compares what cupel wrote with what it should have written.

    check.py same WANT.csv GOT.csv      by position and value, in any order
    check.py folded WANT.jsonl GOT.jsonl [-FIELD…]
    check.py steady TOPIC.jsonl         no record repeats the one before it

A topic is JSON lines of `cupel tail -o jsonl` or `kcat -J`, or bare rows of
`cupel query -o jsonl`; folded, the last value of each key counts and null
deletes.  -FIELD leaves a field out of the comparison, on both sides.
Says what differs, at most five of a kind, and exits with 1.
"""
import csv
import json
import sys
from collections import Counter
from decimal import Decimal, InvalidOperation


def value_of(cell):
    """Numbers compare as numbers: 1.0 is 1.00."""
    try:
        return Decimal(cell).normalize()
    except InvalidOperation:
        return cell


def table(path):
    with open(path, encoding="utf-8", newline="") as f:
        rows = list(csv.reader(f))
    return Counter(tuple(map(value_of, r)) for r in rows[1:])


def parsed(text):
    return json.loads(text) if isinstance(text, str) else text


def records(path):
    """[(key, value)]; a bare row is its own key"""
    out = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            r = json.loads(line)
            if "partition" not in r or "offset" not in r:
                out.append((line, r))
                continue
            key, value = r["key"], r.get("payload", r.get("value"))
            out.append((json.dumps(parsed(key), sort_keys=True),
                        None if value is None else parsed(value)))
    return out


def folded(path, without):
    rows = {}
    for key, value in records(path):
        rows.pop(key, None)
        if value is not None:
            rows[key] = value
    for row in rows.values():
        for name in without:
            row.pop(name, None)
    return Counter(json.dumps(r, sort_keys=True, ensure_ascii=False)
                   for r in rows.values())


def differ(want, got):
    """Prints what is missing and what is too much."""
    if not want:
        print("    nothing to compare with")
    for word, rows in (("missing", want - got), ("too much", got - want)):
        for row, n in list(rows.items())[:5]:
            print("    %s: %s%s" % (word, row, " x %d" % n if n > 1 else ""))
        if len(rows) > 5:
            print("    … %d rows %s" % (len(rows), word))
    return want != got or not want


def steady(path):
    last, bad = {}, 0
    for number, (key, value) in enumerate(records(path), 1):
        if key in last and last[key] == value:
            print("    record %d says again what %s was" % (number, key))
            bad += 1
        if key not in last and value is None:
            print("    record %d deletes %s, which never was" % (number, key))
            bad += 1
        last[key] = value
    if not last:
        print("    the topic is empty")
    return bad > 0 or not last


def main():
    verb, *rest = sys.argv[1:]
    if verb == "same":
        return differ(table(rest[0]), table(rest[1]))
    if verb == "folded":
        without = [a[1:] for a in rest[2:]]
        return differ(folded(rest[0], without), folded(rest[1], without))
    if verb == "steady":
        return steady(rest[0])
    sys.exit(__doc__)


sys.exit(1 if main() else 0)
