#!/usr/bin/env python3
"""Are the topics of repartition.sh what its input says?

    repartition.py INPUT.jsonl FOLDER   FOLDER/VIEW: the topic of a view
"""
import json
import sys
from collections import Counter, defaultdict


def records(path):
    with open(path, encoding="utf-8") as f:
        for line in f:
            r = json.loads(line)
            key, value = r.get("key"), r.get("payload", r.get("value"))
            yield (json.loads(key) if isinstance(key, str) else key,
                   json.loads(value) if isinstance(value, str) else value)


def folded(path):
    rows = {}
    for key, value in records(path):
        rows.pop(json.dumps(key, sort_keys=True), None)
        if value is not None:
            rows[json.dumps(key, sort_keys=True)] = value
    return Counter(json.dumps(r, sort_keys=True) for r in rows.values())


def wanted(sales):
    shops = defaultdict(list)
    for s in sales:
        shops[s["shop"]].append(s)
    sizes, named, minutes = {}, Counter(), Counter()
    out = defaultdict(list)
    for shop, rows in shops.items():
        total = sum(r["amount"] for r in rows)
        out["shops"].append({"shop": shop, "n": len(rows), "total": total})
        size = sizes.setdefault(len(rows) % 7, [0, 0])
        size[0] += 1
        size[1] += total
        named["name %d" % (shop % 17)] += total
        rows.sort(key=lambda r: (-r["amount"], r["id"]))
        for place, r in enumerate(rows[:2], 1):
            out["best"].append({"shop": shop, "id": r["id"],
                                "amount": r["amount"], "place": place})
    out["sizes"] = [{"size": k, "shops": n, "total": t}
                    for k, (n, t) in sizes.items()]
    out["named"] = [{"name": k, "total": t} for k, t in named.items()]
    for s in sales:
        minutes[s["at"], s["shop"] % 10] += 1
    return out, sorted(minutes.values())


def differ(name, want, got):
    for r in list(want - got)[:3]:
        print(name, "misses", r)
    for r in list(got - want)[:3]:
        print(name, "has", r)
    return want != got


def main(source, folder):
    sales = [value for _, value in records(source)]
    want, minutes = wanted(sales)
    bad = False
    for view, rows in want.items():
        rows = Counter(json.dumps(r, sort_keys=True) for r in rows)
        bad |= differ(view, rows, folded(f"{folder}/{view}"))
    got = sorted(json.loads(r)["n"] for r in
                 folded(f"{folder}/minutes").elements())
    if got != minutes:
        print("minutes differ:", sum(got), "rows instead of", sum(minutes))
        bad = True
    big = Counter(json.dumps({"id": s["id"], "amount": s["amount"]},
                             sort_keys=True)
                  for s in sales if s["amount"] > 90)
    said = Counter(json.dumps(v, sort_keys=True)
                   for _, v in records(f"{folder}/big"))
    return bad | differ("big", big, said)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
