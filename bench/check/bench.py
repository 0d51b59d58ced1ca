#!/usr/bin/python3
"""`model-service check` beside a pandas + SciPy script doing KS and chi-square on the same files.

Makes a reference of 100 000 rows and a current file of 1 000 000 rows with 15 numeric and 5
categorical columns, runs both programs over them in alternating rounds, and prints wall time,
processor time and peak resident memory of every round, and the ratio of the medians. Also checks
that the statistics of both are equal. Options: --rows, --reference-rows, --rounds, --keep FOLDER.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("MODEL_SERVICE_BINARY", str(ROOT / "build" / "model-service"))
SEED = 20261124


def make_rows(numpy, pandas, random, rows, moved):
    """Fifteen numeric columns of the kinds tables have, and five categorical ones."""
    shift = 0.1 if moved else 0.0
    return pandas.DataFrame({
        "amount": numpy.round(random.lognormal(3 + shift, 1, rows), 2),
        "score": random.normal(shift, 1, rows),
        "probability": random.beta(2, 5, rows),
        "age": random.integers(18, 90, rows),
        "balance": numpy.round(random.normal(1000, 400, rows), 2),
        "latency_ms": numpy.round(random.gamma(2, 40, rows), 3),
        "visits": random.poisson(4 + 4 * shift, rows),
        "latitude": numpy.round(random.uniform(-90, 90, rows), 5),
        "rate": random.exponential(1, rows),
        "pressure": numpy.round(random.normal(1013, 8, rows), 1),
        "channel": random.choice(["web", "app", "branch", "partner"], rows,
                                 p=[0.5 - shift, 0.3 + shift, 0.15, 0.05]),
        "country": random.choice([f"C{i:03d}" for i in range(200)], rows),
        "status": random.choice(["new", "active", "dormant", "closed"], rows,
                                p=[0.2, 0.5, 0.2, 0.1]),
        "longitude": numpy.round(random.uniform(-180, 180, rows), 6),
        "temperature": numpy.round(random.normal(21, 6, rows), 2),
        "clicks": random.geometric(0.05, rows),
        "margin": random.normal(0, 1e-3, rows),
        "weight": numpy.round(random.normal(75, 12, rows), 1),
        "device": random.choice(["phone", "tablet", "desktop"], rows, p=[0.6, 0.1, 0.3]),
        "returning": random.choice(["yes", "no"], rows),
    })


def make_files(reference, reference_rows, current, rows):
    """In a process of its own: a child's peak memory begins at its parent's."""
    pid = os.fork()
    if pid == 0:
        import numpy
        import pandas
        random = numpy.random.default_rng(SEED)
        for path, count, moved in (reference, reference_rows, False), (current, rows, True):
            make_rows(numpy, pandas, random, count, moved).to_csv(path, index=False)
        os._exit(0)
    if os.waitpid(pid, 0)[1] != 0:
        sys.exit("the files could not be made")


def run(command, folder):
    """Wall seconds, processor seconds, peak resident MB and output of a command."""
    output = folder / "output.json"
    with open(output, "wb") as out:
        started = time.monotonic()
        pid = os.posix_spawnp(command[0], command, os.environ,
                              file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)])
        _, status, usage = os.wait4(pid, 0)
        wall = time.monotonic() - started
    if status != 0:
        sys.exit(f"{command[0]} ended with status {status}")
    return (wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024,
            json.loads(output.read_text()))


def compare(ours, theirs):
    """The KS and chi-square statistics of both must be the same numbers."""
    by_name = {(r["feature"], r["method"]): r["score"] for r in ours["results"]}
    for feature, truth in theirs.items():
        method = "ks_test" if "ks" in truth else "chi_square"
        expected = truth.get("ks", truth.get("chi_square"))
        if abs(by_name[feature, method] - expected) > 1e-9 * max(1, expected):
            sys.exit(f"{feature}: {by_name[feature, method]} is not {expected}")


def compare_with_zcat(reference, current, folder, rounds):
    """A compressed file beside what only decompresses it."""
    compressed = folder / "current.csv.gz"
    subprocess.run(f"gzip -1 -c {current} > {compressed}", shell=True, check=True)
    walls = {"check": [], "zcat": []}
    for _ in range(rounds):
        walls["check"].append(run([BINARY, "check", "--reference", str(reference), "--current", str(compressed),
                                   "--format", "json"], folder)[0])
        began = time.monotonic()
        subprocess.run(["zcat", str(compressed)], stdout=subprocess.DEVNULL, check=True)
        walls["zcat"].append(time.monotonic() - began)
    ours, theirs = (statistics.median(walls[name]) for name in ("check", "zcat"))
    print(f"compressed with gzip: {ours:.3f} s, zcat alone {theirs:.3f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--reference-rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=pathlib.Path, help="folder for the files, kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or pathlib.Path(scratch)
        folder.mkdir(exist_ok=True)
        reference, current = folder / "reference.csv", folder / "current.csv"
        make_files(reference, options.reference_rows, current, options.rows)
        print(f"{options.rows} rows, {current.stat().st_size / 1e6:.0f} MB, against "
              f"{options.reference_rows} rows; load {os.getloadavg()[0]:.1f}, "
              f"{os.cpu_count()} processors")
        commands = {
            "model-service": [BINARY, "check", "--reference", str(reference), "--current",
                              str(current), "--format", "json"],
            "pandas + SciPy": ["/usr/bin/python3",
                               str(pathlib.Path(__file__).with_name("scipy_check.py")),
                               str(reference), str(current)],
        }
        walls = {name: [] for name in commands}
        for _ in range(options.rounds):
            answers = {}
            for name, command in commands.items():
                wall, processor, peak, answers[name] = run(command, folder)
                walls[name].append(wall)
                print(f"  {name:15s} {wall:7.3f} s wall  {processor:7.3f} s processor  "
                      f"{peak:6.0f} MB peak")
            compare(answers["model-service"], answers["pandas + SciPy"])
        ours, theirs = (statistics.median(walls[name]) for name in commands)
        print(f"median {ours:.3f} s beside {theirs:.3f} s: {theirs / ours:.1f} times as fast; "
              "statistics equal")
        compare_with_zcat(reference, current, folder, options.rounds)


if __name__ == "__main__":
    main()
