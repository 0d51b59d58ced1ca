"""examples/scikit-learn/export_logistic.py: the service gives scikit-learn's probabilities, also of missing categories,
and what would not is not written."""
import importlib.util
import json

import numpy
import pandas
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from conftest import ROOT

SPEC = importlib.util.spec_from_file_location("export_logistic", ROOT / "examples/scikit-learn/export_logistic.py")
export = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(export)

ROWS = 6000
TEXTS = ["port", "deck"]


def make_data(missing=0.02):
    random = numpy.random.default_rng(11)
    data = pandas.DataFrame({"age": random.normal(35, 12, ROWS),
                             "port": random.choice(["C", "Q", "S"], ROWS).astype(object),
                             "deck": random.choice(list("ABCDE"), ROWS).astype(object)})
    lost = random.random(ROWS) < missing
    data.loc[lost, "port"] = numpy.nan
    z = (data.age - 35) / 12 + (data.port == "S") + 1.5 * lost - 0.5
    data.loc[random.random(ROWS) < 0.05, "age"] = numpy.nan
    return data, numpy.where(random.random(ROWS) < 1 / (1 + numpy.exp(-z)), "yes", "no")


def fit(data, target, **encoding):
    encoder = OneHotEncoder(**{"handle_unknown": "ignore", **encoding})
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return Pipeline([("columns", ColumnTransformer([("numbers", numbers, ["age"]), ("texts", encoder, TEXTS)])),
                     ("model", LogisticRegression())]).fit(data, target)


def served(tmp_path, start_service, data, rows):
    data.to_csv(tmp_path / "reference.csv", index=False)
    features = [{"name": n, "type": "categorical" if n in TEXTS else "numeric"} for n in data]
    (tmp_path / "drift.yml").write_text(json.dumps({"models": [{
        "name": "people", "reference": "reference.csv", "features": features,
        "scorer": {"type": "logistic", "file": "weights.json"}}]}))
    service = start_service("--config", str(tmp_path / "drift.yml"))
    instances = [{n: None if v != v else v for n, v in record.items()} for record in rows.to_dict("records")]
    answer = service.post("/predict", json={"instances": instances}).json()
    return numpy.array([prediction["prediction"] for prediction in answer["predictions"]])


@pytest.mark.parametrize("encoding", [{}, {"drop": "first"}, {"drop": "if_binary"}, {"drop": ["S", "A"]}], ids=str)
def test_a_missing_category_keeps_its_weight(encoding, tmp_path, start_service):
    data, target = make_data()
    pipeline = fit(data, target, **encoding)
    export.write_logistic(pipeline, data, tmp_path / "weights.json")
    got = served(tmp_path, start_service, data, data)
    want = pipeline.predict_proba(data)[:, 1]
    assert data.port.isna().sum() > 100
    assert numpy.abs(got - want).max() < 1e-12


def test_a_missing_category_that_training_did_not_have_counts_as_unknown(tmp_path, start_service):
    data, target = make_data(missing=0)
    pipeline = fit(data, target)
    export.write_logistic(pipeline, data, tmp_path / "weights.json")
    rows = data.head(3).assign(port=[numpy.nan, "Atlantis", "S"])
    got = served(tmp_path, start_service, data, rows)
    assert numpy.abs(got - pipeline.predict_proba(rows)[:, 1]).max() < 1e-12


def test_missing_as_none_and_as_nan_in_one_column_is_not_written(tmp_path):
    """scikit-learn has a weight for each of the two, the service one for missing."""
    data, target = make_data()
    data.loc[:200, "deck"] = None
    data.loc[200:300, "deck"] = numpy.nan
    with pytest.raises(ValueError, match=r"nothing written: \d+ of 6000 rows would get other probabilities"):
        export.write_logistic(fit(data, target), data, tmp_path / "weights.json")
    assert not (tmp_path / "weights.json").exists()
