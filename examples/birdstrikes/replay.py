#!/usr/bin/env python3
"""Sends later.csv to a running service, month after month, and shows the drift appear.

usage: replay.py [URL [MODEL]]      default: http://127.0.0.1:8000, the service's first model

Each month's rows are predicted by POST /predict; then its labels, known by the end of the month,
follow by POST /labels. A line per quarter: what the service says after the quarter's last row.
Only the standard library is needed.
"""
import csv
import itertools
import json
import pathlib
import sys
import time
import urllib.error
import urllib.request

NUMERIC = {"speed"}
FEATURES = ["operator", "phase", "size", "time_of_day", "speed"]


def value(row, feature):
    if not row[feature]:
        return None
    return float(row[feature]) if feature in NUMERIC else row[feature]


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def wait_until_ready(base, seconds=10):
    """The service may have been started in the line before."""
    end = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(base.rstrip("/") + "/ready", timeout=5).close()
            return
        except urllib.error.URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def month(row):
    return row["date"][:7]


def quarter(row):
    return f"{row['date'][:4]} Q{(int(row['date'][5:7]) + 2) // 3}"


def replay(url, rows):
    """Yields the rows of a month and the answer to them."""
    for _, group in itertools.groupby(rows, month):
        group = list(group)
        instances = [{"id": row["id"], "features": {f: value(row, f) for f in FEATURES}}
                     for row in group]
        answer = post(url + "/predict", {"instances": instances})
        post(url + "/labels", {"labels": [{"id": r["id"], "label": r["damage"]} for r in group]})
        yield group, answer


def line(name, count, answer):
    scores = answer["drift_scores"]
    mark = "DRIFT" if answer["drift_detected"] else "-"
    text = "  ".join(f"{scores.get(f, float('nan')):11.3f}" for f in FEATURES)
    print(f"{name}  {count:5}  {text}  {mark}", flush=True)


def main():
    base = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
    url = base.rstrip("/") + (f"/models/{sys.argv[2]}" if len(sys.argv) > 2 else "")
    with open(pathlib.Path(__file__).parent / "later.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    print("quarter   rows  " + "  ".join(f"{f:>11}" for f in FEATURES) + "  drift")
    try:
        wait_until_ready(base)
        for name, months in itertools.groupby(replay(url, rows), lambda pair: quarter(pair[0][0])):
            months = list(months)
            line(name, sum(len(group) for group, _ in months), months[-1][1])
    except urllib.error.HTTPError as error:
        sys.exit(f"{error.url}: {error.status}: {error.read().decode()}")
    except urllib.error.URLError as error:
        sys.exit(f"{url}: {error.reason}; is the service running?")


if __name__ == "__main__":
    main()
