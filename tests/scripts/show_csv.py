#!/usr/bin/env python3
"""Prints the first rows of a CSV as an aligned table: show_csv.py FILE N."""
import csv
import sys


def main():
    path, most = sys.argv[1], int(sys.argv[2])
    with open(path, encoding="utf-8", newline="") as f:
        rows = list(csv.reader(f))
    head, body = rows[0], rows[1:]
    shown = [head] + body[:most]
    width = [max(len(r[i]) for r in shown) for i in range(len(head))]
    width = [min(w, 48) for w in width]
    for row in shown:
        cells = (c[:w].ljust(w) for c, w in zip(row, width))
        print("  " + "  ".join(cells).rstrip())
    if len(body) > most:
        print(f"  … {len(body) - most} more rows in {path}")


main()
