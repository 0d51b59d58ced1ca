#!/usr/bin/env python3
"""Writes the weights of a fitted scikit-learn pipeline as the service reads them.

    from export_logistic import write_logistic
    write_logistic(pipeline, training_rows, "weights.json")

pipeline: Pipeline of a ColumnTransformer, with a StandardScaler on the numeric columns (after a
SimpleImputer if there is one) and a OneHotEncoder(handle_unknown="ignore") on the categorical
ones, and a LogisticRegression of two classes. A feature the model does not use has weight 0.
training_rows: the DataFrame that it was fitted on (some of its rows will do). They are scored from
what would be written; if one of the probabilities differs from the pipeline's own, nothing is
written.
"""
import json
import math
import sys

# Probabilities are compared up to rounding: the terms are added in another order.
LARGEST_DIFFERENCE = 1e-12


def _is_missing(value):
    return value is None or value != value


def _steps(transformer):
    return [step for _, step in transformer.steps] if hasattr(transformer, "steps") else [transformer]


def _numeric(columns, transformer, weights):
    mean, scale, missing = [0.0] * len(columns), [1.0] * len(columns), [None] * len(columns)
    for step in _steps(transformer):
        if hasattr(step, "statistics_"):  # SimpleImputer
            missing = [float(v) for v in step.statistics_]
        elif hasattr(step, "scale_"):  # StandardScaler
            mean = [0.0] * len(columns) if step.mean_ is None else [float(v) for v in step.mean_]
            scale = [1.0] * len(columns) if step.scale_ is None else [float(v) for v in step.scale_]
        else:
            raise ValueError(f"cannot export {type(step).__name__}")
    for i, name in enumerate(columns):
        feature = {"name": name, "weight": float(weights[i]), "mean": mean[i], "scale": scale[i]}
        if missing[i] is not None:
            feature["missing"] = missing[i]
        yield feature


def _categorical(columns, encoder, weights):
    start = 0
    for column, categories in enumerate(encoder.categories_):
        dropped = None if encoder.drop_idx_ is None else encoder.drop_idx_[column]
        feature = {"name": columns[column], "categories": {}, "other": 0.0}
        for i, category in enumerate(categories):
            weight = 0.0 if i == dropped else float(weights[start])
            start += i != dropped
            if _is_missing(category):
                feature["missing_weight"] = weight
            else:
                feature["categories"][str(category)] = weight
        yield feature


def export_logistic(pipeline):
    """The weights file's content, as a dictionary."""
    (_, columns), (_, model) = pipeline.steps
    if len(model.classes_) != 2:
        raise ValueError("a LogisticRegression of two classes is expected")
    weights, start, features = model.coef_[0], 0, []
    for _, transformer, names in columns.transformers_:
        if isinstance(transformer, str):  # "drop"
            continue
        last = _steps(transformer)[-1]
        width = len(transformer.get_feature_names_out(names))
        part = weights[start:start + width]
        features += (_categorical if hasattr(last, "categories_") else _numeric)(
            list(names), last if hasattr(last, "categories_") else transformer, part)
        start += width
    return {"intercept": float(model.intercept_[0]),
            "classes": [str(c) for c in model.classes_], "features": features}


def _term(feature, value):
    if "categories" in feature:
        if _is_missing(value):
            return feature.get("missing_weight", feature["other"])
        return feature["categories"].get(str(value), feature["other"])
    if _is_missing(value):
        value = feature["missing"]
    return feature["weight"] * ((value - feature["mean"]) / feature["scale"])


def predict(content, rows):
    """The probability of the second class for every row of a DataFrame, from the file's content."""
    for row in rows.to_dict("records"):
        z = content["intercept"] + sum(_term(feature, row[feature["name"]]) for feature in content["features"])
        yield 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


def write_logistic(pipeline, rows, path):
    """Writes the file, if it gives the pipeline's own probabilities for the rows."""
    content = export_logistic(pipeline)
    expected = pipeline.predict_proba(rows)[:, 1]
    differs = [i for i, (got, want) in enumerate(zip(predict(content, rows), expected))
               if not abs(got - want) <= LARGEST_DIFFERENCE]
    if differs:
        raise ValueError(f"nothing written: {len(differs)} of {len(expected)} rows would get other probabilities than "
                         f"the pipeline's own, the first is row {differs[0]}")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file)


if __name__ == "__main__":
    sys.exit(__doc__)
