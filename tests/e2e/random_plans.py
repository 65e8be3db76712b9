#!/usr/bin/env python3
"""Compares the views of a random pipeline with PostgreSQL's answers.

    random_plans.py question EXPECTED.jsonl    one SELECT that shows them all
    random_plans.py answer EXPECTED.jsonl GOT.jsonl
                                       what `cupel query -o jsonl` said to it
    random_plans.py topics EXPECTED.jsonl FOLDER
                                       FOLDER/VIEW: its topic, as `kcat -J`

EXPECTED has a line per view: its columns, their types, its rows as text.  Rows
are multisets; numbers of float columns may differ by 1e-9 of their size, as in
the oracle.  Says what differs, at most five rows of a kind, and exits with 1.
"""
import json
import sys
from collections import Counter

FLOATS = ("real", "double precision")


def expected(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def question(views):
    """Every row of every view as (view, array of text)."""
    return "\nUNION ALL\n".join(
        "SELECT %s AS v, ARRAY[%s]::text[] AS r FROM %s"
        % (quoted(v["view"]), ", ".join(c + "::text" for c in v["columns"]),
           v["view"]) for v in views)


# --- one text for each value ------------------------------------------------

def canonical(text):
    """jsonb, whatever its blanks; numbers keep their digits."""
    value = json.loads(text, parse_float=Number, parse_int=Number)
    return plain(value)


class Number(str):
    pass


def plain(v):
    if isinstance(v, Number):
        return str(v)
    if isinstance(v, list):
        return "[" + ", ".join(map(plain, v)) + "]"
    if isinstance(v, dict):
        return "{" + ", ".join(json.dumps(k) + ": " + plain(x)
                               for k, x in sorted(v.items())) + "}"
    return json.dumps(v)


def element(text):
    if text is None:
        return "NULL"
    bare = text and text.upper() != "NULL" and not any(
        c in '{}",\\ \t\n\r\v\f' for c in text)
    return text if bare else '"%s"' % text.replace("\\", "\\\\").replace(
        '"', '\\"')


def as_text(v, kind):
    """A value of a silver record as PostgreSQL would print it."""
    if v is None:
        return None
    if kind == "jsonb":
        return plain(v)
    if kind.endswith("[]"):
        return "{" + ",".join(element(as_text(x, kind[:-2])) for x in v) + "}"
    if isinstance(v, bool):
        return "t" if v else "f"
    if kind.startswith("timestamp") and v.lstrip("-") != "infinity":
        v = v.replace("T", " ")
        return v.replace("Z", "+00") if v.endswith("Z") else v
    return str(v)


def cell(text, kind, append):
    if text is not None and kind == "jsonb":
        text = canonical(text)
        # A view without key is read from its topic: a JSON null is NULL.
        return None if append and text == "null" else text
    if text is not None and kind == "boolean":
        return text[0]
    return text


# --- comparing --------------------------------------------------------------

def near(a, b, kind):
    if a == b:
        return True
    if kind not in FLOATS or a is None or b is None:
        return False
    x, y = float(a), float(b)
    return abs(x - y) <= 1e-9 * max(abs(x), abs(y))


def same(want, got, types):
    def order(row):
        return [(c is not None, c or "") for c in row]
    if len(want) != len(got):
        return False
    return all(near(a, b, t)
               for x, y in zip(sorted(want, key=order), sorted(got, key=order))
               for a, b, t in zip(x, y, types))


def compare(view, got, where):
    types, append = view["types"], view["append"]
    want = [tuple(cell(c, t, append) for c, t in zip(r, types))
            for r in view["rows"]]
    got = [tuple(cell(c, t, append) for c, t in zip(r, types)) for r in got]
    if same(want, got, types):
        return 0
    print("    %s (seed %d) differs %s: %d rows, PostgreSQL has %d"
          % (view["view"], view["seed"], where, len(got), len(want)))
    w, g = Counter(want), Counter(got)
    for word, rows in (("missing", w - g), ("too much", g - w)):
        for row, n in list(rows.items())[:5]:
            print("        %s: %s%s" % (word, row, " x %d" % n
                                        if n > 1 else ""))
    return 1


def folded(path, view):
    rows, last, bad = {}, {}, 0
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f):
            r = json.loads(line, parse_float=Number, parse_int=Number)
            value = r["payload"] if "payload" in r else r["value"]
            if not isinstance(value, (str, type(None))):
                value = plain(value)
            key = number if r["key"] is None else json.dumps(r["key"])
            if key in last and last[key] == value:
                print("    %s, partition %s, offset %s says again what %s was"
                      % (view["view"], r["partition"], r["offset"], key))
                bad = 1
            last[key] = value
            rows.pop(key, None)
            if value is not None:
                rows[key] = json.loads(value, parse_float=Number,
                                       parse_int=Number)
    return bad, [[as_text(r[c], t) for c, t in zip(view["columns"],
                                                   view["types"])]
                 for r in rows.values()]


def answer(views, path):
    got = {v["view"]: [] for v in views}
    with open(path, encoding="utf-8") as f:
        for line in f:
            r = json.loads(line)
            got[r["v"]].append(r["r"])
    return sum(compare(v, got[v["view"]], "in the query") for v in views)


def topics(views, folder):
    bad = 0
    for v in views:
        again, got = folded("%s/%s" % (folder, v["view"]), v)
        bad += again + compare(v, got, "in its topic")
    return bad


def main():
    verb, path, *rest = sys.argv[1:]
    views = expected(path)
    if verb == "question":
        print(question(views))
        return 0
    bad = {"answer": answer, "topics": topics}[verb](views, *rest)
    rows = sum(len(v["rows"]) for v in views)
    print("%d views, %d rows, %d differ" % (len(views), rows, bad))
    return bad or not rows


sys.exit(1 if main() else 0)
