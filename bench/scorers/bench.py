#!/usr/bin/env python3
"""What a row costs by scorer, beside XGBoost's own prediction of the same models in one run.

usage: bench.py BENCH-SCORERS

Trains two models (60 trees of depth 3, 500 of depth 8; 20 features) with python3-xgboost, times
bench-scorers on them, then XGBoost's inplace_predict() with one thread.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy
import xgboost

BIRDSTRIKES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "birdstrikes" / "model.json"
SECONDS = 1.0
FEATURES, TRAINING_ROWS = 20, 8000
SIZES = [(60, 3), (500, 8)]


def cost(predict, rows):
    """Nanoseconds of a row, of the fastest call."""
    predict()
    start, best = time.perf_counter(), float("inf")
    while time.perf_counter() - start < SECONDS:
        begin = time.perf_counter()
        predict()
        best = min(best, time.perf_counter() - begin)
    return best / rows * 1e9


def train(folder):
    random = numpy.random.default_rng(1)
    data = random.normal(size=(TRAINING_ROWS, FEATURES)).astype(numpy.float32)
    label = data[:, 0] * data[:, 1] + data[:, 2] + random.normal(size=TRAINING_ROWS) > 0
    for trees, depth in SIZES:
        parameters = {"objective": "binary:logistic", "max_depth": depth, "tree_method": "hist", "eta": 0.1, "nthread": 1,
                      "min_child_weight": 0, "lambda": 0}
        path = folder / f"{trees} trees of depth {depth}.json"
        xgboost.train(parameters, xgboost.DMatrix(data, label), trees).save_model(path)
        yield path


def report_xgboost(path, matrix):
    booster = xgboost.Booster({"nthread": 1}, model_file=path)
    one = matrix[:1]
    print(f"{path.name:34} {cost(lambda: booster.inplace_predict(one), 1):9.0f} "
          f"{cost(lambda: booster.inplace_predict(matrix), 256):9.0f}   XGBoost {xgboost.__version__}, inplace_predict()")


def main():
    print(f"load average of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    random = numpy.random.default_rng(2)
    with tempfile.TemporaryDirectory() as folder:
        models = list(train(pathlib.Path(folder)))
        sys.stdout.write(subprocess.run([sys.argv[1], BIRDSTRIKES, *models], check=True, text=True,
                                        capture_output=True).stdout)
        names = xgboost.Booster(model_file=BIRDSTRIKES).feature_names
        report_xgboost(BIRDSTRIKES, random.integers(0, 2, (256, len(names))).astype(numpy.float32))
        for path in models:
            report_xgboost(path, random.normal(size=(256, FEATURES)).astype(numpy.float32))


if __name__ == "__main__":
    main()
