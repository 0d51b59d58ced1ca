#!/usr/bin/env python3
"""Small XGBoost models and the library's own predictions, into tests/vectors/xgboost/.

NAME.json or NAME.ubj is the model, NAME.csv its rows: the features (empty: missing), then the
predictions as hexadecimal floats. Written by XGBoost 1.7.4 (Debian's python3-xgboost).
"""
import math
import pathlib

import numpy
import xgboost

FOLDER = pathlib.Path(__file__).parent / "xgboost"
COLORS = ["red", "green", "light=blue"]
NAMES = ["x0", "color=red", "color=green", "color=light=blue", "x1"]
ROWS = 60


def columns(x0, x1, color):
    hot = [[c == wanted for wanted in COLORS] for c in color]
    return numpy.column_stack([x0, numpy.array(hot, float), x1])


def train(name, objective, target, matrix, names=NAMES, **more):
    parameters = {"objective": objective, "nthread": 1, "max_depth": 3, "seed": 1, **more}
    data = xgboost.DMatrix(matrix, label=target, feature_names=names)
    booster = xgboost.train(parameters, data, 8)
    booster.save_model(FOLDER / name)
    return booster


def logistic(margins):
    """As XGBoost computes it, in float32."""
    one = numpy.float32(1)
    return one / (numpy.array([math.exp(-float(m)) for m in margins.ravel()], numpy.float32) + one)[:, None]


def write(name, booster, header, rows, matrix, transform=lambda predictions: predictions):
    # one row at a time and all at once must agree
    whole = numpy.atleast_2d(booster.inplace_predict(matrix).T).T
    for i in range(len(matrix)):
        single = booster.inplace_predict(matrix[i:i + 1])
        assert (single.reshape(-1) == whole[i].reshape(-1)).all()
    # a DMatrix refuses what float32 cannot hold, the first row
    data = xgboost.DMatrix(matrix[1:], feature_names=booster.feature_names)
    assert (booster.predict(data).reshape(-1) == whole[1:].reshape(-1)).all()
    lines = [header]
    for row, predictions in zip(rows, transform(whole)):
        fields = ["" if v is None or v != v else v if isinstance(v, str) else repr(float(v))
                  for v in row]
        lines.append(",".join(fields + [float(p).hex() for p in predictions]))
    (FOLDER / name).with_suffix(".csv").write_text("\n".join(lines) + "\n")


def main():
    FOLDER.mkdir(exist_ok=True)
    random = numpy.random.default_rng(7)
    x0, x1 = random.normal(size=(2, 2000))
    color = random.choice(COLORS + [None], size=2000)
    z = x0 + (color == "red") * 1.5 - (color == "light=blue") + 0.5 * x1 * x1
    x0[random.random(2000) < 0.1] = numpy.nan
    matrix = columns(x0, x1, color)
    rows = [(x0[i], x1[i], color[i]) for i in range(ROWS)]
    rows[0] = (1e300, -1e300, "red")  # beyond float32
    rows[1] = (float("nan"), float("nan"), None)
    rows[2] = (0.1, 5e-324, "violet")  # a color it has never seen
    shown = columns(*(numpy.array(c, dtype=object) for c in zip(*rows))).astype(float)
    with numpy.errstate(over="ignore"):
        shown = shown.astype(numpy.float32)
    for name, objective, target, more in [
            ("binary.json", "binary:logistic", z > 0, {}),
            ("dart.ubj", "binary:logistic", z > 0, {"booster": "dart", "rate_drop": 0.3}),
            ("multi.ubj", "multi:softprob", numpy.digitize(z, [-1, 1]), {"num_class": 3}),
            ("regression.ubj", "reg:squarederror", z, {}),
            ("poisson.json", "count:poisson", numpy.floor(numpy.exp(z / 2)), {})]:
        booster = train(name, objective, target, matrix, **more)
        write(name, booster, "x0,x1,color", rows, shown)
    # the same trees under objectives that do not give probabilities by themselves
    booster = train("softmax.json", "multi:softmax", numpy.digitize(z, [-1, 1]), matrix, num_class=3)
    booster.set_param({"objective": "multi:softprob"})
    write("softmax.json", booster, "x0,x1,color", rows, shown)
    # its margins, of which the service makes probabilities; exchanging the objective would read the
    # base score as a probability, which it is not here
    booster = train("logitraw.ubj", "binary:logitraw", z > 0, matrix)
    write("logitraw.ubj", booster, "x0,x1,color", rows, shown, logistic)
    # without names, numbers only
    numbers = numpy.column_stack([x0, x1])
    booster = train("unnamed.json", "binary:logistic", z > 0, numbers, names=None)
    few = [(a, b) for a, b, _ in rows]
    write("unnamed.json", booster, "x0,x1", few, shown[:, [0, 4]])
    # to be refused
    train("ranking.json", "rank:pairwise", z > 0, numbers, names=["x0", "x1"])
    train("linear.json", "binary:logistic", z > 0, numbers, names=["x0", "x1"], booster="gblinear")


if __name__ == "__main__":
    main()
