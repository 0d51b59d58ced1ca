#!/usr/bin/python3
"""The detection table, and the cost beside the implementation that the tests compare with.

usage: bench/detectors/bench.py [BENCH_BINARY]        (default build/stats/bench-detectors)

tests/unit/stats/detector_papers.py is written to be read, not to be fast: its cost grows with the labels
since the last drift. Timed here on its first LABELS labels.
"""
import os
import pathlib
import random
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/unit/stats"))
import detector_papers as papers  # noqa: E402

LABELS = 2000
NAMES = ("adwin", "ddm", "eddm", "hddm_a", "hddm_w", "page_hinkley", "kswin")


def python_us(name, labels):
    detector = papers.make(name)
    start = time.perf_counter()
    for x in labels:
        detector.update(x)
    return 1e6 * (time.perf_counter() - start) / len(labels)


def main():
    binary = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "build/stats/bench-detectors")
    if not os.path.exists(binary):
        sys.exit(f"{binary} is missing: make build, or name the binary")
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    table = subprocess.run([binary], check=True, capture_output=True, text=True).stdout
    print(table)
    rng = random.Random(1)
    labels = [float(rng.random() < 0.1) for _ in range(LABELS)]
    print(f"The same in Python, from the papers, first {LABELS} labels:")
    for name in NAMES:
        print(f"  {name:13} {python_us(name, labels):9.1f} us/label")


if __name__ == "__main__":
    main()
