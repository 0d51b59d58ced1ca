"""examples/scikit-learn/export_trees.py: scikit-learn's own predictions, and that it proves them."""
import importlib.util
import os
import pathlib

import numpy
import pytest
from sklearn import ensemble, tree

from forest_vectors import probe, ulps

PROBE = os.environ["FOREST_PROBE"]
ROOT = pathlib.Path(__file__).parents[3]
spec = importlib.util.spec_from_file_location("export_trees", ROOT / "examples/scikit-learn/export_trees.py")
export = importlib.util.module_from_spec(spec)
spec.loader.exec_module(export)

NAMES = ["a", "b b", "c\"", "é", "code"]
FOREST = {"n_estimators": 7, "random_state": 1}
BOOSTED = {"learning_rate": 0.3, "random_state": 1}
MODELS = {
    "RandomForestClassifier": FOREST, "RandomForestRegressor": FOREST, "ExtraTreesClassifier": FOREST,
    "ExtraTreesRegressor": FOREST, "GradientBoostingClassifier": {"n_estimators": 7, **BOOSTED},
    "GradientBoostingRegressor": {"n_estimators": 7, **BOOSTED},
    "HistGradientBoostingClassifier": {"max_iter": 7, "categorical_features": [4], **BOOSTED},
    "HistGradientBoostingRegressor": {"max_iter": 7, "categorical_features": [4], **BOOSTED},
}
CASES = [(name, classes) for name in MODELS for classes in ((2, 3) if "Classifier" in name else (0,))]


def make_data(missing):
    random = numpy.random.default_rng(3)
    data = random.normal(size=(500, 5)) * [1, 1e-3, 1e6, 1, 1]
    data[:, 4] = random.integers(0, 30, size=500)
    z = data[:, 0] + data[:, 1] * 1e3 * (data[:, 4] % 3 - 1) + data[:, 2] * 1e-6
    if missing:
        data[random.random(data.shape) < 0.2] = numpy.nan
    return data, z


def fit(name, classes, **more):
    data, z = make_data("Hist" in name)
    target = numpy.digitize(z, [0] if classes == 2 else [-1, 1]) if classes else z
    model = getattr(ensemble, name)(**{**MODELS[name], **more})
    return model.fit(data, target), data


def write_rows(path, rows):
    path.write_text("header\n" + "".join(
        ",".join("" if v != v else repr(float(v)) for v in row) + ",\n" for row in rows))


@pytest.mark.parametrize("name,classes", CASES)
def test_equals_scikit_learn(name, classes, tmp_path):
    model, data = fit(name, classes)
    rows = numpy.vstack([data[:80], numpy.nan_to_num(data[80:85]) * 1e30])
    rows[:, 4] = numpy.where(rows[:, 4] > 40, 31, rows[:, 4])  # a code it has never seen
    export.write_trees(model, data, tmp_path / "model.trees.json", NAMES)
    write_rows(tmp_path / "rows.csv", rows)
    facts, _, predictions, _ = probe(PROBE, tmp_path / "model.trees.json", tmp_path / "rows.csv")
    want = export.expected(model, rows)
    assert facts["objective"] == name
    # sums are equal to the last bit; expit and logsumexp are other formulas than ours
    limit = 4 if "Boosting" in name and classes else 0
    assert ulps(predictions, want, False) <= (limit if classes < 3 else 8 * limit), facts


def test_poisson_and_single_trees(tmp_path):
    data, z = make_data(True)
    model = ensemble.HistGradientBoostingRegressor(loss="poisson", max_iter=5).fit(data, numpy.exp(z / 3))
    export.write_trees(model, data, tmp_path / "poisson.json", NAMES)
    write_rows(tmp_path / "rows.csv", data)
    assert ulps(probe(PROBE, tmp_path / "poisson.json", tmp_path / "rows.csv")[2], export.expected(model, data), False) <= 4
    data, z = make_data(False)
    model = tree.DecisionTreeClassifier(max_depth=4).fit(data, numpy.digitize(z, [-1, 1]))
    export.write_trees(model, data, tmp_path / "tree.json", NAMES)
    write_rows(tmp_path / "rows.csv", data)
    assert ulps(probe(PROBE, tmp_path / "tree.json", tmp_path / "rows.csv")[2], export.expected(model, data), False) == 0


def test_writes_nothing_that_differs(tmp_path, monkeypatch):
    model, data = fit("RandomForestClassifier", 2)
    monkeypatch.setattr(export, "predict", lambda content, rows: export.expected(model, rows) + 1e-9)
    with pytest.raises(ValueError, match="500 of 500 rows would get other predictions"):
        export.write_trees(model, data, tmp_path / "model.json", NAMES)
    assert not (tmp_path / "model.json").exists()


def test_refuses_what_it_cannot_export(tmp_path):
    model, data = fit("GradientBoostingClassifier", 2, loss="exponential")
    with pytest.raises(ValueError, match="exponential"):
        export.write_trees(model, data, tmp_path / "model.json", NAMES)
    model, data = fit("RandomForestClassifier", 2)
    with pytest.raises(ValueError, match="5 names of features"):
        export.write_trees(model, data, tmp_path / "model.json", NAMES[:4])
    with pytest.raises(ValueError, match="cannot export AdaBoostClassifier"):
        export.write_trees(ensemble.AdaBoostClassifier().fit(data, data[:, 0] > 0), data, tmp_path / "m", NAMES)
