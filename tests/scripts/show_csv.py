#!/usr/bin/env python3
"""Prints the first rows of a CSV as an aligned table: show_csv.py FILE N.

Numbers stand to the right, as in `cupel query`; an empty cell is NULL.
"""
import csv
import sys

WIDEST = 48


def number(text):
    try:
        float(text)
    except ValueError:
        return text == ""
    return True


def shorter(text):
    text = text.replace("\n", " ").replace("\t", " ")
    return text if len(text) <= WIDEST else text[:WIDEST - 1] + "…"


def main():
    path, most = sys.argv[1], int(sys.argv[2])
    with open(path, encoding="utf-8", newline="") as f:
        head, *body = csv.reader(f)
    rows = [[shorter(c) for c in row] for row in [head] + body[:most]]
    widths = [max(map(len, column)) for column in zip(*rows)]
    right = [all(map(number, column[1:])) for column in zip(*rows)]
    for n, row in enumerate(rows):
        cells = (c.rjust(w) if r else c.ljust(w)
                 for c, w, r in zip(row, widths, right))
        print("  " + "  ".join(cells).rstrip())
        if n == 0:
            print("  " + "  ".join("-" * w for w in widths))
    if len(body) > most:
        print(f"  … {len(body) - most} more in {path}")


main()
