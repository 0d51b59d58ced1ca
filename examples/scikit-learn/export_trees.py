#!/usr/bin/env python3
"""Writes the trees of a fitted scikit-learn model as the service reads them.

    from export_trees import write_trees
    write_trees(model, training_rows, "model.trees.json")

model: RandomForest, ExtraTrees, GradientBoosting or HistGradientBoosting, classifier or regressor,
or a single DecisionTree. training_rows: the DataFrame or array that it was fitted on (some of its
rows will do). They are scored from what would be written; if one of the predictions differs from
the model's own, nothing is written. docs/scorers.md describes the format.
"""
import json
import sys

import numpy
import sklearn

VERSION = 1
# Predictions are compared up to rounding: scikit-learn adds the trees of a forest in any order.
RELATIVE, ABSOLUTE = 1e-12, 1e-14


# --- trees ---

def _plain_tree(tree, values, output):
    """Of sklearn.tree: values per node, a number or a list each."""
    leaf = tree.children_left < 0
    exported = {
        "output": output,
        "feature": numpy.where(leaf, -1, tree.feature).tolist(),
        "threshold": numpy.where(leaf, 0.0, tree.threshold).tolist(),
        "left": numpy.where(leaf, 0, tree.children_left).tolist(),
        "right": numpy.where(leaf, 0, tree.children_right).tolist(),
        "value": numpy.asarray(values, dtype=float).ravel().tolist(),
    }
    if hasattr(tree, "missing_go_to_left"):
        exported["missing_left"] = numpy.where(leaf, 0, tree.missing_go_to_left).tolist()
    return exported


def _probabilities(tree, classes):
    """Of the leaves of a classifier's tree: counts up to 1.2, shares since 1.3."""
    values = tree.value[:, 0, :classes]
    if tuple(int(v) for v in sklearn.__version__.split(".")[:2]) < (1, 3):
        total = values.sum(axis=1)[:, numpy.newaxis]
        total[total == 0.0] = 1.0
        values = values / total
    return values[:, 1:2] if classes == 2 else values


def _codes(bits):
    return [32 * word + bit for word, value in enumerate(bits) for bit in range(32) if int(value) >> bit & 1]


def _histogram_tree(predictor, known, output):
    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(bool)
    exported = {
        "output": output,
        "feature": numpy.where(leaf, -1, nodes["feature_idx"].astype(int)).tolist(),
        "threshold": numpy.where(leaf, 0.0, nodes["num_threshold"]).tolist(),
        "left": numpy.where(leaf, 0, nodes["left"].astype(int)).tolist(),
        "right": numpy.where(leaf, 0, nodes["right"].astype(int)).tolist(),
        "missing_left": numpy.where(leaf, 0, nodes["missing_go_to_left"].astype(int)).tolist(),
        "value": nodes["value"].tolist(),
    }
    if not nodes["is_categorical"][~leaf].any():
        return exported
    # unknown codes go where missing values do, so the list has those that go to the other side
    exported.update(category_node=[], category_begin=[0], categories=[])
    for i in numpy.flatnonzero(nodes["is_categorical"].astype(bool) & ~leaf):
        left = _codes(predictor.raw_left_cat_bitsets[nodes["bitset_idx"][i]])
        if nodes["missing_go_to_left"][i]:
            left = sorted(set(known[nodes["feature_idx"][i]]) - set(left))
        exported["category_node"].append(int(i))
        exported["categories"] += left
        exported["category_begin"].append(len(exported["categories"]))
        exported["threshold"][i] = 0.0
    return exported


# --- models ---

def _forest(model, single):
    trees = [model] if single else list(model.estimators_)
    if model.n_outputs_ != 1:
        raise ValueError("a model of one output is expected")
    classes = len(model.classes_) if hasattr(model, "classes_") else 0
    if classes == 1:
        raise ValueError("a model of at least two classes is expected")
    size = 1 if classes <= 2 else classes
    values = [_probabilities(t.tree_, classes) if classes else t.tree_.value[:, 0, 0] for t in trees]
    return {"float32": True, "average": not single, "transform": "identity", "leaf_size": size,
            "base": [0.0] * size, "trees": [_plain_tree(t.tree_, v, 0) for t, v in zip(trees, values)]}


def _gradient_boosting(model, rows):
    if model.init is not None and model.init != "zero":
        raise ValueError("a GradientBoosting model with an estimator as init cannot be exported")
    if model.loss == "exponential":
        raise ValueError("a GradientBoosting model with the exponential loss cannot be exported")
    base = model._raw_predict_init(numpy.asarray(rows[:1], dtype=numpy.float32))[0]
    trees = [_plain_tree(t.tree_, model.learning_rate * t.tree_.value[:, 0, 0], output)
             for stage in model.estimators_ for output, t in enumerate(stage)]
    return {"float32": True, "average": False, "transform": _link(model, len(base)), "leaf_size": 1,
            "base": [float(v) for v in base], "trees": trees}


def _histogram_boosting(model):
    if getattr(model, "_preprocessor", None) is not None:
        raise ValueError("a HistGradientBoosting model that encodes categories itself cannot be exported; "
                         "encode them before (OrdinalEncoder)")
    base = numpy.ravel(model._baseline_prediction)
    bits, places = model._bin_mapper.make_known_categories_bitsets()
    flags = model.is_categorical_ if model.is_categorical_ is not None else []
    known = {f: _codes(bits[places[f]]) for f, flag in enumerate(flags) if flag}
    trees = [_histogram_tree(p, known, output) for stage in model._predictors for output, p in enumerate(stage)]
    return {"float32": False, "average": False, "transform": _link(model, len(base)), "leaf_size": 1,
            "base": [float(v) for v in base], "trees": trees}


def _link(model, outputs):
    if hasattr(model, "classes_"):
        return "logistic" if outputs == 1 else "softmax"
    return "exp" if model.loss in ("poisson", "gamma") else "identity"


def export_trees(model, rows, names=None):
    """The file's content, as a dictionary. names: of the features, if rows does not name them."""
    kind = type(model).__name__
    if kind.startswith(("RandomForest", "ExtraTrees", "DecisionTree")):
        content = _forest(model, kind.startswith("DecisionTree"))
    elif kind.startswith("GradientBoosting"):
        content = _gradient_boosting(model, rows)
    elif kind.startswith("HistGradientBoosting"):
        content = _histogram_boosting(model)
    else:
        raise ValueError(f"cannot export {kind}")
    names = list(getattr(model, "feature_names_in_", names if names is not None else []))
    if len(names) != model.n_features_in_:
        raise ValueError(f"{model.n_features_in_} names of features are expected, got {len(names)}")
    classes = [str(c) for c in getattr(model, "classes_", [])]
    missing = kind.startswith("Hist") or any(any(t.get("missing_left", [])) for t in content["trees"])
    return {"format": "scikit-learn trees", "version": VERSION, "scikit_learn": sklearn.__version__,
            "estimator": kind, "task": "regression" if not classes else "binary" if len(classes) == 2 else "multiclass",
            "classes": classes, "features": [str(n) for n in names], "accepts_missing": bool(missing), **content}


# --- the proof ---

def _leaves(tree, rows):
    """The leaf that each row reaches, by the exported arrays alone."""
    feature, threshold = numpy.array(tree["feature"]), numpy.array(tree["threshold"])
    children = numpy.array([tree["left"], tree["right"]])
    missing_left = numpy.array(tree.get("missing_left", [0] * len(feature))).astype(bool)
    begins = tree.get("category_begin", [0])
    listed = {node: tree["categories"][begins[i]:begins[i + 1]]
              for i, node in enumerate(tree.get("category_node", []))}
    at = numpy.zeros(len(rows), dtype=int)
    while (feature[at] >= 0).any():
        inner = feature[at] >= 0
        value = rows[numpy.arange(len(rows)), numpy.maximum(feature[at], 0)]
        left = numpy.where(numpy.isnan(value), missing_left[at], value <= threshold[at])
        for node in set(at[inner]) & set(listed):
            here = at == node
            inside = numpy.isin(numpy.trunc(value[here]), listed[node])
            left[here] = inside != missing_left[node]
        at = numpy.where(inner, children[numpy.where(left, 0, 1), at], at)
    return at


def predict(content, rows):
    """[rows][outputs]: what the service computes from a file of this content."""
    rows = numpy.asarray(rows, dtype=float)
    if content["float32"]:
        rows = rows.astype(numpy.float32).astype(float)
    size = content["leaf_size"]
    sums = numpy.tile(numpy.array(content["base"]), (len(rows), 1))
    for tree in content["trees"]:
        values = numpy.array(tree["value"]).reshape(-1, size)[_leaves(tree, rows)]
        if size > 1:
            sums += values
        else:
            sums[:, tree["output"]] += values[:, 0]
    if content["average"]:
        sums /= len(content["trees"])
    if content["transform"] == "logistic":
        return 1 / (1 + numpy.exp(-sums))
    if content["transform"] == "exp":
        return numpy.exp(sums)
    if content["transform"] == "softmax":
        powers = numpy.exp(sums - sums.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
    return sums


def expected(model, rows):
    """The model's own predictions, as the service gives them: of two classes that of the second."""
    if not hasattr(model, "classes_"):
        return model.predict(rows).reshape(-1, 1)
    probabilities = model.predict_proba(rows)
    return probabilities[:, 1:] if len(model.classes_) == 2 else probabilities


def write_trees(model, rows, path, names=None):
    """Writes the file, if it gives the model's own predictions for the rows."""
    content = export_trees(model, rows, names)
    got, want = predict(content, rows), expected(model, rows)
    differs = ~numpy.isclose(got, want, rtol=RELATIVE, atol=ABSOLUTE).all(axis=1)
    if differs.any():
        row = int(numpy.argmax(differs))
        raise ValueError(f"nothing written: {int(differs.sum())} of {len(got)} rows would get other predictions than "
                         f"the model's own, the first is row {row}: {got[row]} instead of {want[row]}")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file)


if __name__ == "__main__":
    sys.exit(__doc__)
