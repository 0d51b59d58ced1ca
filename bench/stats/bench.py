#!/usr/bin/python3
"""What the statistics cost, and SciPy's time for the same answers in the same run on the same core.

usage: bench/stats/bench.py [BENCH_BINARY]        (default build/stats/bench-stats)

Per observation: libdrift takes one observation in and one out and gives the exact KS statistic;
SciPy recomputes it with ks_2samp. The report: all methods with p-values, moments and the test of
the missing share, of 1000 features with R = 1000, W = 1000 and 10 bins; SciPy is timed on some
features and multiplied.
"""
import os
import pathlib
import re
import subprocess
import sys
import time

import numpy as np
from scipy import stats
from scipy.spatial.distance import jensenshannon

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZES = [(1000, 200), (1000, 1000), (10000, 1000), (100000, 1000)]
GOALS_NS = {(1000, 1000): 150, (100000, 1000): 600}
REPORT_FEATURES = 1000
SCIPY_REPORT_FEATURES = 20


def run_libdrift(binary):
    output = subprocess.run([binary], check=True, capture_output=True, text=True).stdout
    return {name: float(value) for name, value in re.findall(r"^(\S+) (\S+) \S+$", output, re.M)}


def best_seconds(function, rounds=5):
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def scipy_ks_ns(rng, rows, window):
    ref, cur = np.sort(rng.normal(size=rows)), rng.normal(0.1, 1, size=window)
    return 1e9 * best_seconds(lambda: stats.ks_2samp(ref, cur, method="asymp"))


def scipy_report(ref, cur, edges):
    stats.ks_2samp(ref, cur, method="asymp")
    stats.wasserstein_distance(ref, cur)
    stats.cramervonmises_2samp(ref, cur, method="asymptotic")
    p, q = (np.bincount(np.searchsorted(edges, x), minlength=len(edges) + 1) for x in (ref, cur))
    stats.chi2_contingency([p, q], correction=False)
    jensenshannon(p, q, 2)
    p, q = np.maximum(p / p.sum(), 1e-4), np.maximum(q / q.sum(), 1e-4)
    np.sum((p - q) * np.log(p / q))
    np.sqrt(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2) / 2)
    cur.mean(), cur.std(ddof=1), cur.min(), cur.max()


def scipy_report_ms(rng):
    ref = rng.normal(size=1000)
    edges = np.quantile(ref, np.arange(1, 10) / 10)
    features = [rng.normal(0.1, 1, size=1000) for _ in range(SCIPY_REPORT_FEATURES)]
    seconds = best_seconds(lambda: [scipy_report(ref, cur, edges) for cur in features], 3)
    return 1e3 * seconds * REPORT_FEATURES / SCIPY_REPORT_FEATURES


def print_observations(ours, rng):
    print(f"{'R':>7} {'W':>6} {'count ns':>9} {'duration ns':>12} {'SciPy ns':>12} {'times':>9}  goal")
    for rows, window in SIZES:
        count = ours[f"observe_count_R{rows}_W{window}"]
        duration = ours[f"observe_duration_R{rows}_W{window}"]
        scipy = scipy_ks_ns(rng, rows, window)
        goal = GOALS_NS.get((rows, window))
        verdict = "" if goal is None else f"{goal} ns {'met' if count <= goal else 'MISSED'}"
        print(f"{rows:7} {window:6} {count:9.1f} {duration:12.1f} {scipy:12.0f} "
              f"{scipy / count:9.0f}  {verdict}")


def print_memory(ours):
    print(f"\n{'R':>7} {'W':>6} {'reference KiB':>14} {'count KiB':>10} {'duration KiB':>13}")
    for rows, window in SIZES:
        of = {kind: ours[f"memory_{kind}_R{rows}_W{window}"]
              for kind in ("reference", "count", "duration")}
        print(f"{rows:7} {window:6} {of['reference']:14.1f} {of['count']:10.1f} "
              f"{of['duration']:13.1f}")


def main():
    binary = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "build" / "stats" / "bench-stats")
    if not os.path.exists(binary):
        sys.exit(f"{binary} is missing: make build, or name the binary")
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    rng = np.random.default_rng(42)
    ours = run_libdrift(binary)
    print(f"Pinned to core {core}. Exact KS statistic after every observation:\n")
    print_observations(ours, rng)
    print("\nScore and p-value when asked, R = W = 1000:")
    for name, value in ours.items():
        if name.startswith("score_and_p_"):
            print(f"  {name[len('score_and_p_'):]:18} {value:8.0f} ns")
    report, scipy = ours[f"report_{REPORT_FEATURES}_features"], scipy_report_ms(rng)
    print(f"\nFull report of {REPORT_FEATURES} features: {report:.2f} ms; SciPy {scipy:.0f} ms, "
          f"{scipy / report:.0f} times as long")
    print_memory(ours)


if __name__ == "__main__":
    main()
