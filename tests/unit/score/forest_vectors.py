"""Runs a model through forest_probe and compares with what the program that trained it said."""
import csv
import json
import subprocess

import numpy


class Refused(Exception):
    """The model was refused; its text is the sentence."""


def probe(program, model, rows, *more):
    """(facts, margins, predictions, leaves) of the rows of a CSV file."""
    done = subprocess.run([program, model, rows, *more], capture_output=True, text=True, timeout=60)
    if done.returncode == 1:
        raise Refused(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    head, *lines = done.stdout.splitlines()
    parts = [line.split(";") for line in lines]
    numbers = [[[float.fromhex(v) for v in part.split(",")] for part in row[:2]] for row in parts]
    leaves = [[int(v) for v in row[2].split(",")] for row in parts]
    return (json.loads(head), numpy.array([n[0] for n in numbers]), numpy.array([n[1] for n in numbers]),
            numpy.array(leaves))


def read_csv(path):
    """{column: [texts]}"""
    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return {name: [row[i] for row in rows] for i, name in enumerate(header)}


def write_rows(source, target):
    """The same cells under a header of one line without quotes."""
    columns = read_csv(source)
    with open(target, "w", encoding="utf-8") as file:
        file.write(",".join(f"c{i}" for i in range(len(columns))) + "\n")
        for cells in zip(*columns.values()):
            file.write(",".join(cells) + "\n")


def columns_of(expected, *prefixes):
    names = [n for n in expected if n.rsplit("_", 1)[0] in prefixes]
    return numpy.array([[float(v) for v in expected[n]] for n in names]).T


def ulps(got, want, single):
    """The largest distance in units in the last place."""
    kind, whole = (numpy.float32, numpy.int32) if single else (numpy.float64, numpy.int64)
    got, want = (numpy.ascontiguousarray(a, dtype=kind) for a in (got, want))
    assert not numpy.isnan(got).any() and not numpy.isnan(want).any()
    order = [numpy.where(a.view(whole) < 0, numpy.iinfo(whole).min - a.view(whole), a.view(whole))
             .astype(object) for a in (got, want)]
    return max(abs(order[0] - order[1]).ravel())


def check(program, folder, name, kind, single, scratch):
    """Margins to the last bit, leaves exactly, predictions within 2 (float32) or 4 (double) ulps."""
    rows = scratch / "rows.csv"
    write_rows(folder / f"{name}.rows.csv", rows)
    model = folder / f"{name}.model.{kind}"
    expected = read_csv(folder / f"{name}.expected.csv")
    facts, margins, predictions, leaves = probe(program, model, rows)
    assert ulps(margins, columns_of(expected, "margin", "raw"), single) == 0
    assert ulps(predictions, columns_of(expected, "pred"), single) <= (2 if single else 4)
    path = folder / f"{name}.leaf.csv"
    if path.exists():
        want = numpy.array([[int(v) for v in column] for column in read_csv(path).values()]).T
        assert (leaves == want).all()
    if "best_margin_0" in expected:
        _, margins, predictions, _ = probe(program, model, rows, "best")
        assert ulps(margins, columns_of(expected, "best_margin"), single) == 0
        assert ulps(predictions, columns_of(expected, "best_pred"), single) <= 2
    return facts
