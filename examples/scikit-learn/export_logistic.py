#!/usr/bin/env python3
"""Writes the weights of a fitted scikit-learn pipeline as the service reads them.

    from export_logistic import export_logistic
    json.dump(export_logistic(pipeline), open("weights.json", "w"))

pipeline: Pipeline of a ColumnTransformer, with a StandardScaler on the numeric columns (after a
SimpleImputer if there is one) and a OneHotEncoder(handle_unknown="ignore") on the categorical
ones, and a LogisticRegression of two classes. A feature the model does not use has weight 0.
"""
import sys


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
        values = {}
        for i, category in enumerate(categories):
            if i == dropped:
                values[str(category)] = 0.0
                continue
            if category == category and category is not None:  # a missing one is "other"
                values[str(category)] = float(weights[start])
            start += 1
        yield {"name": columns[column], "categories": values, "other": 0.0}


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


if __name__ == "__main__":
    sys.exit(__doc__)
