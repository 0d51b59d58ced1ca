#!/usr/bin/env python3
"""Models of trees and what they predict, into tests/vectors/forest/.

NAME.model.FORM is the model, NAME.rows.csv its rows (empty: missing), NAME.expected.csv margins
before and predictions after the transform, NAME.leaf.csv the leaf of each tree.

x_*: trained and predicted by XGBoost 1.7.4 (Debian's python3-xgboost), then rewritten as 3.4 writes
the same model: base scores in a list, dart's weights in the model, the version.
l_*: made here in LightGBM's format, and predicted by the few lines below.
"""
import json
import math
import pathlib
import struct

import numpy
import xgboost

FOLDER = pathlib.Path(__file__).parent / "forest"
ROWS = 25


def write_csv(path, header, rows):
    path.write_text("\n".join([",".join(header), *(",".join(row) for row in rows)]) + "\n")


def text(value):
    return "" if value != value else repr(float(value))


def write_expected(name, rows, margins, predictions, leaves):
    write_csv(FOLDER / f"{name}.rows.csv", [f"f{i}" for i in range(rows.shape[1])],
              [[text(v) for v in row] for row in rows])
    write_csv(FOLDER / f"{name}.expected.csv",
              [f"margin_{i}" for i in range(margins.shape[1])] + [f"pred_{i}" for i in range(predictions.shape[1])],
              [[text(v) for v in row] for row in numpy.hstack([margins, predictions])])
    write_csv(FOLDER / f"{name}.leaf.csv", [f"tree_{i}" for i in range(leaves.shape[1])],
              [[str(int(v)) for v in row] for row in leaves])


# --- XGBoost ---

def modernise(model):
    """The model as XGBoost 3.4 writes it."""
    learner = model["learner"]
    parameters = learner["learner_model_param"]
    outputs = max(1, int(parameters["num_class"]))
    parameters["base_score"] = "[" + ",".join([parameters["base_score"]] * outputs) + "]"
    booster = learner["gradient_booster"]
    if booster["name"] == "dart":
        booster["gbtree"]["model"]["weight_drop"] = booster["weight_drop"]
        booster = learner["gradient_booster"] = booster["gbtree"]
    booster["model"]["cats"] = {"enc": [], "feature_segments": [], "sorted_idx": []}
    trees = booster["model"]["trees"]
    for tree in trees:
        for key in ("base_weights", "loss_changes", "sum_hessian"):
            tree[key] = []
    model["version"] = [3, 4, 1]
    return model


def ubjson(value):
    """XGBoost's UBJSON: lengths as int64, arrays of numbers typed."""
    def string(word):
        return b"L" + struct.pack(">q", len(word.encode())) + word.encode()
    if isinstance(value, dict):
        return b"{" + b"".join(string(k) + ubjson(v) for k, v in value.items()) + b"}"
    if isinstance(value, list) and value and all(isinstance(v, float) for v in value):
        return b"[$d#L" + struct.pack(">q", len(value)) + b"".join(struct.pack(">f", v) for v in value)
    if isinstance(value, list) and value and all(isinstance(v, int) for v in value):
        return b"[$l#L" + struct.pack(">q", len(value)) + b"".join(struct.pack(">i", v) for v in value)
    if isinstance(value, list):
        return b"[#L" + struct.pack(">q", len(value)) + b"".join(ubjson(v) for v in value)
    if isinstance(value, str):
        return b"S" + string(value)
    return b"d" + struct.pack(">f", value) if isinstance(value, float) else b"l" + struct.pack(">i", value)


def shorten(value):
    """Floats with the nine digits that a float32 needs."""
    if isinstance(value, dict):
        return {k: shorten(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shorten(v) for v in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def make_xgboost(name, objective, label, data, kinds=None, **more):
    matrix = xgboost.DMatrix(data, label, feature_types=kinds, enable_categorical=True)
    parameters = {"objective": objective, "max_depth": 3, "nthread": 1, "seed": 3, "tree_method": "hist", **more}
    model = xgboost.train(parameters, matrix, 3)
    modern = shorten(modernise(json.loads(model.save_raw("json").decode())))
    (FOLDER / f"{name}.model.json").write_text(json.dumps(modern, separators=(",", ":")))
    (FOLDER / f"{name}.model.ubj").write_bytes(ubjson(modern))
    rows = data[:ROWS]
    shown = xgboost.DMatrix(rows, feature_types=kinds, enable_categorical=True)
    write_expected(name, rows, model.predict(shown, output_margin=True).reshape(ROWS, -1),
                   model.predict(shown).reshape(ROWS, -1),
                   model.predict(shown, pred_leaf=True).reshape(ROWS, -1))


# --- LightGBM ---

class Tree:
    """A random tree; grows to `leaves` leaves."""

    def __init__(self, random, leaves, missing, categorical):
        self.feature, self.threshold, self.decision, self.children = [], [], [], []
        self.words, self.bounds = [], [0]
        self.value = list(random.normal(size=leaves))
        open_ends = [None]
        for split in range(leaves - 1):
            end = open_ends.pop(int(random.integers(len(open_ends))))
            if end:
                self.children[end[0]][end[1]] = split
            feature = int(random.integers(3))
            if feature == 2 and categorical:
                self.threshold.append(len(self.bounds) - 1)
                self.words += [int(w) for w in random.integers(0, 2 ** 32, size=2)]
                self.bounds.append(len(self.words))
                self.decision.append(1)
            else:
                self.threshold.append(float(numpy.round(random.normal(), 1)))
                self.decision.append(missing << 2 | 2 * int(random.integers(2)))
            self.feature.append(feature)
            self.children.append([None, None])
            open_ends += [(split, 0), (split, 1)]
        for leaf, (split, side) in enumerate(open_ends):
            self.children[split][side] = ~leaf

    def goes_left(self, split, value):
        decision, threshold = self.decision[split], self.threshold[split]
        if decision & 1:
            if math.isnan(value) or int(value) < 0:
                return False
            words = self.words[self.bounds[threshold]:self.bounds[threshold + 1]]
            return int(value) < 32 * len(words) and words[int(value) // 32] >> int(value) % 32 & 1
        value = 0.0 if abs(value) <= 1.0000000180025095e-35 else value
        kind = decision >> 2
        if math.isnan(value) and kind != 2:
            value = 0.0
        if (kind == 1 and value == 0) or (kind == 2 and math.isnan(value)):
            return bool(decision & 2)
        return value <= threshold

    def leaf(self, row):
        node = 0
        while node >= 0:
            node = self.children[node][0 if self.goes_left(node, row[self.feature[node]]) else 1]
        return ~node

    def lines(self, number):
        numbers = {"num_leaves": [len(self.value)], "num_cat": [len(self.bounds) - 1],
                   "split_feature": self.feature, "threshold": self.threshold, "decision_type": self.decision,
                   "left_child": [c[0] for c in self.children], "right_child": [c[1] for c in self.children],
                   "leaf_value": self.value, "cat_boundaries": self.bounds, "cat_threshold": self.words,
                   "is_linear": [0], "shrinkage": [1]}
        return [f"Tree={number}"] + [f"{k}=" + " ".join(repr(v) for v in values) for k, values in numbers.items()] + ["", ""]


def make_lightgbm(name, objective, transform, rows, missing, outputs=1, average=False):
    random = numpy.random.default_rng(len(name))
    trees = [Tree(random, int(random.integers(2, 8)), missing, True) for _ in range(3 * outputs)]
    head = ["tree", "version=v4", f"num_class={outputs}", f"num_tree_per_iteration={outputs}", "label_index=0",
            "max_feature_idx=2", f"objective={objective}", *(["average_output"] if average else []),
            "feature_names=a b\tc d_e", "feature_infos=[-3:3] [-3:3] 1:0:2", "tree_sizes=0", ""]
    body = [line for i, tree in enumerate(trees) for line in tree.lines(i)]
    (FOLDER / f"{name}.model.txt").write_text("\n".join(head + body + ["end of trees", "", "pandas_categorical:null", ""]))
    leaves = numpy.array([[tree.leaf(row) for tree in trees] for row in rows])
    margins = numpy.zeros((len(rows), outputs))
    for r in range(len(rows)):
        for i, tree in enumerate(trees):
            margins[r, i % outputs] += tree.value[leaves[r, i]]
    predictions = numpy.array([transform(m / 3 if average else m) for m in margins])
    write_expected(name, rows, margins, predictions, leaves)


def softmax(margins):
    powers = [math.exp(m - max(margins)) for m in margins]
    return [p / sum(powers) for p in powers]


def main():
    FOLDER.mkdir(exist_ok=True)
    random = numpy.random.default_rng(11)
    data = random.normal(size=(400, 4)).astype(numpy.float32)
    data[random.random(data.shape) < 0.2] = numpy.nan
    z = numpy.nan_to_num(data).sum(axis=1)
    make_xgboost("x_logistic", "binary:logistic", z > 0, data, base_score=0.2)
    make_xgboost("x_poisson", "count:poisson", numpy.floor(numpy.exp(z / 2)), data, base_score=0.7)
    make_xgboost("x_softprob", "multi:softprob", numpy.digitize(z, [-1, 1]), data, num_class=3)
    make_xgboost("x_dart", "reg:squarederror", z, data, booster="dart", rate_drop=0.5)
    coded = data.copy()
    coded[:, 3] = random.integers(0, 40, size=400)
    z = z + (coded[:, 3] % 3)
    make_xgboost("x_categories", "reg:squarederror", z, coded, kinds=["q", "q", "q", "c"])

    rows = numpy.round(random.normal(size=(ROWS, 3)), 1)
    rows[:, 2] = random.integers(-1, 70, size=ROWS)
    rows[random.random(rows.shape) < 0.3] = numpy.nan
    rows[0] = [0.0, 1e-35, 2.75]
    rows[1] = [1e-40, -1.0000000180025095e-35, -0.5]
    rows[2] = [math.inf, -math.inf, 1e9]
    make_lightgbm("l_none", "regression", list, rows, 0)
    make_lightgbm("l_zero", "poisson", lambda m: [math.exp(v) for v in m], rows, 1)
    make_lightgbm("l_nan", "binary sigmoid:2", lambda m: [1 / (1 + math.exp(-2 * v)) for v in m], rows, 2)
    make_lightgbm("l_multiclass", "multiclass num_class:3", softmax, rows, 2, outputs=3)
    make_lightgbm("l_forest", "regression", list, rows, 2, average=True)


if __name__ == "__main__":
    main()
