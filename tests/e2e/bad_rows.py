#!/usr/bin/env python3
"""Bad rows of every kind between good ones, and what must become of them.

    bad_rows.py make FOLDER       data/ and events for bad_rows.sh
    bad_rows.py judge LETTERS     the dead letters against what was made

A case is (what, code, bytes): the bytes of one record, and the SQLSTATE of
its dead letter or None when the row is good.
"""
import json
import os
import sys

DEEP = b'{"id":%d,"note":' + b"[" * 1200 + b"]" * 1200 + b"}"
PASSES = b'{"id":%d,"note":"n","extra":' + b"[" * 190 + b"]" * 190 + b"}"

READINGS = [
    ("good", None, b'{"id":%d,"small":7,"big":1.50,"note":"a"}'),
    ("no JSON", "22P02", b"not json %d"),
    ("half a record", "22P02", b'{"id":%d,"small":'),
    ("good behind the half", None, b'{"id":%d,"small":9}'),
    ("no object", "22023", b"[%d, 2]"),
    ("text behind it", "22P02", b'{"id":%d} trailing'),
    ("good", None, b'{"id":%d,"small":"8","flag":"yes","at":"2024-05-01"}'),
    ("a word for a number", "22P02", b'{"id":%d,"small":"abc"}'),
    ("a fraction for an integer", "22P02", b'{"id":%d,"small":1.5}'),
    ("true for an integer", "22P02", b'{"id":%d,"small":true}'),
    ("no boolean", "22P02", b'{"id":%d,"flag":"perhaps"}'),
    ("no timestamp", "22007", b'{"id":%d,"at":"soon"}'),
    ("no such day", "22008", b'{"id":%d,"at":"2024-02-31T00:00:00Z"}'),
    ("a clock's word", "22007", b'{"id":%d,"at":"now"}'),
    ("int4 overflow", "22003", b'{"id":%d,"small":2147483648}'),
    ("int8 overflow", "22003", b'{"id":9223372036854775808,"note":"%d"}'),
    ("float8 overflow", "22003", b'{"id":%d,"ratio":1e999}'),
    ("good, all digits", None,
     b'{"id":%d,"small":1,"big":12345678901234567890123456789.000000001}'),
    ("null in NOT NULL", "23502", b'{"id":null,"note":"%d"}'),
    ("missing in NOT NULL", "23502", b'{"note":"%d"}'),
    ("CHECK", "23514", b'{"id":%d,"small":-10}'),
    ("invalid UTF-8", "22021", b'{"id":%d,"note":"a\xff\xfeb"}'),
    ("NaN", "22P02", b'{"id":%d,"ratio":NaN}'),
    ("NaN where nothing is declared", "22P02", b'{"id":%d,"extra":NaN}'),
    ("\\u0000", "22P05", b'{"id":%d,"note":"a\\u0000b"}'),
    ("a lone surrogate", "22P02", b'{"id":%d,"note":"\\ud800"}'),
    ("too deep", "54001", DEEP),
    ("good, deep", None, PASSES),
    ("good, for the view too", None, b'{"id":%d,"small":4,"note":"x"}'),
    ("division by zero in a view", "22012", b'{"id":%d,"small":0}'),
    ("good at last", None, b'{"id":%d,"small":5}'),
    ("too large", "54000", b'{"id":%d,"note":"' + b"x" * (17 << 20) + b'"}'),
    ("good behind the large one", None, b'{"id":%d,"small":2}'),
]
PEOPLE = [
    ("good", None, b'%d,Ann,1990-01-02'),
    ("too few cells", "22P04", b"%d,Bob"),
    ("too many cells", "22P04", b"%d,Cid,1990-01-02,more"),
    ("text behind a quote", "22P04", b'%d,"Dan"x,1990-01-02'),
    ("no integer", "22P02", b'x%d,Eve,1990-01-02'),
    ("empty in NOT NULL", "23502", b',Fay %d,1990-01-02'),
    ("no such day", "22008", b'%d,Gus,1990-02-30'),
    ("invalid UTF-8", "22021", b'%d,H\xff,1990-02-03'),
    ("good, an empty string and NULL", None, b'%d,"",'),
    ("good, over two lines", None, b'%d,"I\nJ",2000-02-29'),
    ("good", None, b'%d,Kim,1990-01-02'),
    ("an unterminated quote", "22P04", b'%d,"Lea,1990-01-02'),
]
EVENTS = [
    ("good", None, b'{"id":%d,"kind":"a","body":{"n":1}}'),
    ("no JSON", "22P02", b'{"id":%d'),
    ("CHECK", "23514", b'{"id":%d,"kind":"a","n":1000}'),
    ("NOT NULL", "23502", b'{"id":%d}'),
    ("overflow", "22003", b'{"id":%d,"kind":"a","n":99999999999}'),
    ("a bad cast in a view", "22P02", b'{"id":%d,"kind":"a","body":{"n":"?"}}'),
    ("good", None, b'{"id":%d,"kind":"b","body":{"n":2}}'),
]
IN_A_VIEW = ("division by zero in a view", "a bad cast in a view")
FILES = (("data/readings.jsonl", b"", READINGS),
         ("data/people.csv", b"id,name,born\n", PEOPLE),
         ("events", b"", EVENTS))


def cases(which):
    """(id, what, code, bytes); ids from 1 in order"""
    return [(i, what, code, text % i if b"%d" in text else text)
            for i, (what, code, text) in enumerate(which, 1)]


def make(folder):
    os.makedirs(os.path.join(folder, "data"), exist_ok=True)
    for name, head, which in FILES:
        with open(os.path.join(folder, name), "wb") as f:
            f.write(head + b"".join(c[3] + b"\n" for c in cases(which)))


def wanted():
    """{(where, position): (what, code, bytes)}: line of a file, offset of a
    record that was produced"""
    out = {}
    for name, head, which in FILES:
        where = os.path.basename(name)
        at = 0 if where == "events" else 1 + head.count(b"\n")
        for _, what, code, text in cases(which):
            if code:
                out[where, at] = (what, code, text)
            at += 1 + (text.count(b"\n") if where != "events" else 0)
    return out


def shown(text):
    """Bytes as `cupel tail -o jsonl` shows them, parsed."""
    try:
        return json.loads(text, parse_constant=lambda c: 1 / 0)
    except (ValueError, ZeroDivisionError, RecursionError):
        pass
    try:
        return text.decode()
    except UnicodeDecodeError:
        return "\\x" + text.hex()


def judge_one(letter, what, code, text):
    headers, value = letter["headers"], letter["value"]
    if headers["cupel.error.code"] != code:
        return "code %s, not %s" % (headers["cupel.error.code"], code)
    if not headers.get("cupel.error.message"):
        return "no message"
    if what in IN_A_VIEW:
        same = value["id"] == json.loads(text)["id"]
    elif what == "too large":  # what fits the topic is kept
        same = text.startswith(value.encode()) and len(value) >= 65536
    elif what == "too deep" or what == "\\u0000" or what == "a lone surrogate":
        same = value == text.decode()
    else:
        same = value == shown(text)
    return None if same else "the letter is not the record: %.100r" % value


def judge(path):
    want, bad, seen = wanted(), 0, set()
    with open(path, encoding="utf-8") as f:
        letters = [json.loads(line) for line in f]
    for letter in letters:
        h = letter["headers"]
        where = (h["cupel.file"], int(h["cupel.line"])) \
            if "cupel.file" in h else \
            (h["__streams.errors.topic"], int(h["__streams.errors.offset"]))
        case = want.get(where)
        why = "is there twice" if where in seen else \
            judge_one(letter, *case) if case else \
            "is no bad row: " + h["cupel.error.message"]
        seen.add(where)
        if why:
            print("%s %d%s: %s" % (*where, " (%s)" % case[0] if case else "",
                                   why))
            bad = 1
    for where in sorted(set(want) - seen):
        print("%s %d (%s): no letter" % (*where, want[where][0]))
        bad = 1
    return bad


def main():
    verb, path = sys.argv[1:]
    return make(path) if verb == "make" else judge(path)


sys.exit(main())
