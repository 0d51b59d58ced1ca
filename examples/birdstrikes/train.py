#!/usr/bin/env python3
"""Trains model.json on reference.csv (Debian: python3-xgboost, python3-numpy).

usage: train.py [FOLDER]

Columns are named for the service: a number by its feature, a category by feature=category.
"""
import csv
import pathlib
import sys

import numpy
import xgboost

NUMERIC = ["speed"]
CATEGORICAL = ["operator", "phase", "size", "time_of_day"]
ROUNDS = 60


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def names_of(rows):
    """The columns of the model, from the reference."""
    return NUMERIC + [f"{feature}={category}" for feature in CATEGORICAL
                      for category in sorted({row[feature] for row in rows})]


def matrix_of(rows, names):
    def value(row, name):
        if name in NUMERIC:
            return float(row[name]) if row[name] else numpy.nan
        feature, category = name.split("=", 1)
        return float(row[feature] == category)
    return numpy.array([[value(row, name) for name in names] for row in rows], numpy.float32)


def train(rows):
    names = names_of(rows)
    data = xgboost.DMatrix(matrix_of(rows, names), label=[row["damage"] == "yes" for row in rows],
                           feature_names=names)
    parameters = {"objective": "binary:logistic", "max_depth": 3, "eta": 0.1, "seed": 1, "nthread": 1}
    return xgboost.train(parameters, data, ROUNDS)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    train(read(folder / "reference.csv")).save_model(folder / "model.json")


if __name__ == "__main__":
    main()
