"""Random models of python3-xgboost: margins, leaves and predictions equal to the last bit.

FOREST_MODELS sets how many (default 30); a long run takes 1000.
"""
import os

import numpy
import pytest
import xgboost

from forest_vectors import probe, ulps

PROBE = os.environ["FOREST_PROBE"]
MODELS = int(os.environ.get("FOREST_MODELS", "30"))
OBJECTIVES = ["reg:squarederror", "binary:logistic", "binary:logitraw", "binary:hinge", "reg:logistic",
              "count:poisson", "reg:gamma", "reg:tweedie", "reg:pseudohubererror", "reg:absoluteerror",
              "multi:softprob", "multi:softmax", "rank:pairwise", "survival:cox", "reg:squaredlogerror"]


def make_data(random, rows, features, categorical):
    data = random.normal(size=(rows, features)) * 10.0 ** random.integers(-3, 4, size=features)
    data = data.astype(numpy.float32)
    kinds = []
    for f in range(features):
        kinds.append("c" if categorical and random.random() < 0.5 else "q")
        if kinds[-1] == "c":
            data[:, f] = random.integers(0, int(random.choice([3, 12, 70])), rows)
        elif random.random() < 0.3:
            data[:, f] = numpy.round(data[:, f])
    data[random.random((rows, features)) < random.choice([0, 0.1, 0.5])] = numpy.nan
    return data, kinds


def make_label(random, objective, data, classes):
    z = numpy.nan_to_num(data).sum(axis=1)
    z = (z - z.mean()) / (z.std() + 1e-9) + random.normal(size=len(z)) * 0.3
    if objective.startswith("multi"):
        return numpy.digitize(z, numpy.linspace(-1, 1, classes - 1))
    if objective.startswith("binary") or objective == "reg:logistic":
        return (z > 0).astype(float)
    if objective in ("count:poisson", "reg:tweedie"):
        return numpy.floor(numpy.exp(z / 2))
    if objective in ("reg:gamma", "survival:cox", "reg:squaredlogerror"):
        return numpy.exp(z / 2) + 0.1
    return numpy.digitize(z, [-1, 0, 1]) if objective.startswith("rank") else z


def train(seed):
    random = numpy.random.default_rng(seed)
    objective = str(random.choice(OBJECTIVES))
    booster = "dart" if random.random() < 0.25 else "gbtree"
    categorical = random.random() < 0.3
    classes = int(random.integers(2, 6))
    data, kinds = make_data(random, int(random.integers(20, 300)), int(random.integers(1, 9)), categorical)
    parameters = {
        "objective": objective, "booster": booster, "nthread": 1, "seed": seed,
        "max_depth": int(random.integers(1, 10)), "eta": float(random.uniform(0.05, 1)),
        "min_child_weight": float(random.choice([0, 1, 5])), "subsample": float(random.uniform(0.5, 1)),
        "num_parallel_tree": int(random.choice([1, 1, 1, 3])),
        "tree_method": "hist" if categorical else str(random.choice(["hist", "exact", "approx"])),
        "gamma": float(random.choice([0, 0, 0.5])), "max_cat_to_onehot": int(random.choice([1, 4, 100])),
    }
    if booster == "dart":
        parameters.update(rate_drop=0.4, normalize_type=str(random.choice(["tree", "forest"])))
    if objective.startswith("multi"):
        parameters["num_class"] = classes
    if random.random() < 0.5 and objective != "survival:cox":
        parameters["base_score"] = float(random.uniform(0.05, 0.95))
    matrix = xgboost.DMatrix(data, make_label(random, objective, data, classes), feature_types=kinds,
                             enable_categorical=True)
    if objective.startswith("rank"):
        matrix.set_group([len(data)])
    model = xgboost.train(parameters, matrix, int(random.integers(1, 20)))
    rows, _ = make_data(random, 60, data.shape[1], False)
    rows[:, [k == "c" for k in kinds]] = random.integers(-1, 90, size=(60, kinds.count("c")))
    rows[:20] = data[:20]
    return model, rows, kinds, str(random.choice(["json", "ubj"]))


def write_rows(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        file.write("header\n")
        for row in rows:
            # a first cell that is missing must not leave the line empty
            file.write(",".join("" if v != v else repr(float(v)) for v in row) + ",\n")


@pytest.mark.parametrize("seed", range(MODELS))
def test_equals_xgboost(seed, tmp_path):
    model, rows, kinds, form = train(seed)
    path = tmp_path / f"model.{form}"
    model.save_model(path)
    write_rows(tmp_path / "rows.csv", rows)
    matrix = xgboost.DMatrix(rows, feature_types=kinds, enable_categorical=True)
    facts, margins, predictions, leaves = probe(PROBE, path, tmp_path / "rows.csv")
    want = model.predict(matrix, output_margin=True).reshape(len(rows), -1)
    assert ulps(margins, want, True) == 0, facts
    want = model.predict(matrix).reshape(len(rows), -1)
    assert ulps(predictions, want, True) <= 2, facts
    want = model.predict(matrix, pred_leaf=True).reshape(len(rows), -1)
    assert (leaves == want).all(), facts
