#!/usr/bin/env python3
"""reference.csv and later.csv from birdstrikes.csv of the npm package `vega-datasets`.

usage: prepare.py BIRDSTRIKES.csv [FOLDER]

To get it: npm pack vega-datasets@3.2.1 && tar xzf vega-datasets-3.2.1.tgz package/data/birdstrikes.csv
Both prepared files are in the repository; this is how they were made.
"""
import csv
import pathlib
import sys

REFERENCE_YEARS = range(1990, 1993)
OPERATORS = 8  # named ones: the most frequent of the reference; the rest is OTHER
COLUMNS = ["id", "date", "operator", "phase", "size", "time_of_day", "speed", "damage"]


def operator(row):
    return row["Aircraft Airline Operator"].strip(" *")


def year(row):
    return int(row["Flight Date"][:4])


def frequent(rows):
    counts = {}
    for row in rows:
        if year(row) in REFERENCE_YEARS:
            counts[operator(row)] = counts.get(operator(row), 0) + 1
    return sorted(counts, key=lambda name: (-counts[name], name))[:OPERATORS]


def prepare(rows):
    """Rows in the order of their date, with what the model needs to know before the damage."""
    rows = sorted(rows, key=lambda row: row["Flight Date"])
    named = frequent(rows)
    for number, row in enumerate(rows):
        yield {
            "id": f"strike-{number:05}",
            "date": row["Flight Date"],
            "operator": operator(row) if operator(row) in named else "OTHER",
            "phase": row["Phase of flight"],
            "size": row["Wildlife Size"],
            "time_of_day": row["Time of day"],
            "speed": row["Speed IAS in knots"],  # often missing
            "damage": "no" if row["Effect Amount of damage"] == "None" else "yes",
        }


def write(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main():
    source = sys.argv[1]
    folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).parent)
    with open(source, newline="") as file:
        rows = list(prepare(csv.DictReader(file)))
    write(folder / "reference.csv", [r for r in rows if int(r["date"][:4]) in REFERENCE_YEARS])
    write(folder / "later.csv", [r for r in rows if int(r["date"][:4]) not in REFERENCE_YEARS])


if __name__ == "__main__":
    main()
