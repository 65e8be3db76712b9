#!/usr/bin/env python3
"""The reports of pipelines/open-library, computed without cupel.

    reports.py OUT EDITION…            the catalogue of tests/openlibrary
    reports.py OUT FILE=SUBJECT        one stored answer

Several editions are fetched one after the other: the latest fetch of a work
wins, and what has vanished since stays, because bronze keeps every page.
Writes OUT/<report>.csv byte for byte as cupel has to, and OUT/silver.jsonl,
the rows of silver.openlibrary.works without fetched_at.
"""
import json
import os
import sys
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "openlibrary"))
import works as made  # noqa: E402


def fetched(arguments):
    """[{subject: [work]}], the oldest fetch first"""
    if "=" in arguments[0]:
        path, _, subject = arguments[0].rpartition("=")
        with open(path, encoding="utf-8") as f:
            return [{subject: json.load(f)["works"]}]
    return [made.subjects(int(edition)) for edition in arguments]


def two_digits(value):
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def names_of(author):
    first, _, last = author.rpartition(" ")
    return first, last


def cell(value):
    text = "" if value is None else str(value)
    quoted = any(c in text for c in ',"\r\n') or value == ""
    return '"%s"' % text.replace('"', '""') if quoted else text


def in_order(row):
    """"C" order of UTF-8, NULL last."""
    return [(v is None, v.encode() if isinstance(v, str) else v or 0)
            for v in row]


def reports(silver):
    # Latest fetch first; of one fetch the subject that sorts first.
    ranked = sorted(silver.items(), key=lambda e: (-e[1][0], e[0][1]))
    distinct = {}
    for (key, _), (_, work) in ranked:
        distinct.setdefault(key, work)
    pairs = [(a["name"], w["title"], w["first_publish_year"])
             for w in distinct.values() for a in w["authors"]]
    by_year = Counter((name, year) for name, _, year in pairs)
    of_author = {}
    for (name, _), n in by_year.items():
        of_author.setdefault(name, []).append(n)
    shelf = {(key.split("/")[2], w["title"], w["first_publish_year"], name,
              *names_of(name))
             for (key, subject), (_, w) in silver.items()
             if subject == "fantasy"
             for name in (a["name"].replace(".", "") for a in w["authors"])}
    years = {}
    for _, _, year, name, _, _ in shelf:
        years.setdefault(name, []).append(year)
    counted = [(name, len(ys), len(set(ys) - {None}))
               for name, ys in years.items()]
    return {
        "authors_and_titles": ("author,title", [p[:2] for p in pairs]),
        "books_by_year": ("author,year,books",
                          [(*k, n) for k, n in by_year.items()]),
        "avg_books_by_year": ("author,average", [
            (name, two_digits(Decimal(sum(ns)) / len(ns)))
            for name, ns in of_author.items()]),
        "fantasy_author_books": (
            "key,title,first_publish_year,author,author_firstname,"
            "author_lastname", shelf),
        "fantasy_books_per_year": (
            "author,books,distinct_years,average",
            [(name, n, d, two_digits(Decimal(n) / d) if d else None)
             for name, n, d in counted])}


def main():
    out, silver = sys.argv[1], {}
    for number, subjects in enumerate(fetched(sys.argv[2:])):
        for subject, works in subjects.items():
            for work in works:
                silver[work["key"], subject] = (number, work)
    os.makedirs(out, exist_ok=True)
    for name, (head, rows) in reports(silver).items():
        order = {"fantasy_author_books": lambda r: in_order((r[0], r[3]))}
        rows = sorted(rows, key=order.get(name, in_order))
        with open(os.path.join(out, name + ".csv"), "w", encoding="utf-8",
                  newline="") as f:
            f.write(head + "\n")
            f.writelines(",".join(map(cell, r)) + "\n" for r in rows)
    with open(os.path.join(out, "silver.jsonl"), "w", encoding="utf-8") as f:
        for (key, subject), (_, w) in sorted(silver.items()):
            f.write(json.dumps({
                "key": key, "subject": subject, "title": w["title"],
                "first_publish_year": w["first_publish_year"],
                "edition_count": w["edition_count"],
                "authors": w["authors"],
                "availability": (w.get("availability") or {}).get("status"),
            }, ensure_ascii=False) + "\n")


main()
