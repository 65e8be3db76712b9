#!/usr/bin/env python3
"""A report of tests/e2e/reports.py as the rows that its topic has.

    rows.py REPORT.csv     JSON lines

Texts are texts, an empty one too; other cells are numbers, an empty one null.
"""
import csv
import json
import sys

TEXTS = {"author", "title", "key", "author_firstname", "author_lastname"}


def value_of(column, cell):
    if column in TEXTS:
        return cell
    return json.loads(cell) if cell else None


with open(sys.argv[1], encoding="utf-8", newline="") as f:
    for row in csv.DictReader(f):
        print(json.dumps({c: value_of(c, v) for c, v in row.items()}))
