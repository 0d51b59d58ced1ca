#!/usr/bin/env python3
"""What a row costs by scorer, beside the Python package on the same XGBoost model.

usage: bench.py BENCH-SCORERS
"""
import pathlib
import subprocess
import sys
import time

import numpy
import xgboost

MODEL = pathlib.Path(__file__).resolve().parents[2] / "examples" / "birdstrikes" / "model.json"
SECONDS = 0.5


def cost(predict, rows):
    """Nanoseconds of a row."""
    predict()
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        predict()
        done += rows
    return (time.perf_counter() - start) / done * 1e9


def main():
    sys.stdout.write(subprocess.run([sys.argv[1], MODEL], check=True, text=True,
                                    capture_output=True).stdout)
    booster = xgboost.Booster(model_file=MODEL)
    booster.set_param({"nthread": 1})
    names = booster.feature_names
    matrix = numpy.random.default_rng(1).integers(0, 2, (256, len(names))).astype(numpy.float32)
    one = matrix[:1]
    print(f"{'python':10} {cost(lambda: booster.inplace_predict(one), 1):10.0f} "
          f"{cost(lambda: booster.inplace_predict(matrix), 256):10.0f}   xgboost's inplace_predict()")


if __name__ == "__main__":
    main()
