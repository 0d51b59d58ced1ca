"""Scorers from files: scikit-learn's, XGBoost's and LightGBM's own numbers, and what is refused."""
import importlib.util
import json
import subprocess

import numpy
import pandas
import pytest
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from conftest import BINARY, ROOT

ROWS = 400
NAMES = ["age", "fare", "sex", "port"]


def exporter():
    path = ROOT / "examples" / "scikit-learn" / "export_logistic.py"
    spec = importlib.util.spec_from_file_location("export_logistic", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def people():
    random = numpy.random.default_rng(5)
    data = pandas.DataFrame({
        "age": random.normal(35, 12, ROWS),
        "fare": random.lognormal(3, 1, ROWS),
        "sex": random.choice(["male", "female"], ROWS),
        "port": random.choice(["Queenstown", "Cherbourg", "Southampton, \"S\"", "Zürich"], ROWS),
    })
    z = (data.age - 30) / 10 + (data.sex == "male") * 1.5 - (data.port == "Zürich")
    target = numpy.where(random.random(ROWS) < 1 / (1 + numpy.exp(-z)), "yes", "no")
    data.loc[random.random(ROWS) < 0.1, "fare"] = numpy.nan
    return data, target


def write_config(folder, data, scorer, features=None):
    data.to_csv(folder / "reference.csv", index=False)
    kinds = features or {n: "numeric" if data[n].dtype.kind == "f" else "categorical" for n in NAMES}
    config = {"models": [{"name": "people", "reference": "reference.csv",
                          "features": [{"name": n, "type": k} for n, k in kinds.items()],
                          "scorer": scorer}]}
    path = folder / "drift.yml"
    path.write_text(json.dumps(config))
    return str(path)


def row_of(record):
    return {n: None if isinstance(v, float) and v != v else v for n, v in record.items()}


def fit(data, target, drop=None):
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    pipeline = Pipeline([
        ("columns", ColumnTransformer([
            ("numbers", numbers, ["age", "fare"]),
            ("texts", OneHotEncoder(handle_unknown="ignore", drop=drop), ["sex", "port"])])),
        ("model", LogisticRegression())])
    return pipeline.fit(data, target)


def test_logistic_equals_scikit_learn(tmp_path, start_service):
    data, target = people()
    pipeline = fit(data, target)
    exporter().write_logistic(pipeline, data, tmp_path / "weights.json")
    service = start_service("--config", write_config(
        tmp_path, data, {"type": "logistic", "file": "weights.json"}))
    new = pandas.concat([data, pandas.DataFrame({
        "age": [1e6, -50.0, 20.0], "fare": [0.0, numpy.nan, 1e-9], "sex": ["male", "other", "female"],
        "port": ["Atlantis", "Zürich", "zürich"]})], ignore_index=True)
    expected = pipeline.predict_proba(new)[:, 1]
    instances = [row_of(record) for record in new.to_dict("records")]
    answer = service.post("/predict", json={"instances": instances}).json()
    for i, prediction in enumerate(answer["predictions"]):
        assert abs(prediction["prediction"] - expected[i]) < 1e-12, i
        assert prediction["prediction_class"] == ("yes" if expected[i] > 0.5 else "no")
    assert abs(service.predict(instances[7])["prediction"] - expected[7]) < 1e-12


@pytest.mark.parametrize("drop", [None, "first"])
def test_logistic_with_a_category_of_missing_values(tmp_path, start_service, drop):
    """A OneHotEncoder that saw NaN in training has a weight for it."""
    data, target = people()
    data.loc[numpy.random.default_rng(8).random(ROWS) < 0.2, "port"] = numpy.nan
    pipeline = fit(data, numpy.where(data.port.isna(), "yes", target), drop)
    exporter().write_logistic(pipeline, data, tmp_path / "weights.json")
    service = start_service("--config", write_config(tmp_path, data, {"type": "logistic", "file": "weights.json"}))
    instances = [row_of(record) for record in data.to_dict("records")]
    predictions = service.post("/predict", json={"instances": instances}).json()["predictions"]
    got = numpy.array([prediction["prediction"] for prediction in predictions])
    assert numpy.abs(got - pipeline.predict_proba(data)[:, 1]).max() < 1e-12


def test_the_exporter_writes_nothing_that_differs(tmp_path, monkeypatch):
    """Here because the weight of missing values is forgotten, as it once was."""
    data, target = people()
    data.loc[::5, "port"] = numpy.nan
    module, pipeline = exporter(), fit(data, target)
    whole = module.export_logistic(pipeline)
    monkeypatch.setattr(module, "export_logistic", lambda _: {**whole, "features": [
        {key: value for key, value in feature.items() if key != "missing_weight"} for feature in whole["features"]]})
    with pytest.raises(ValueError, match="80 of 400 rows would get other probabilities"):
        module.write_logistic(pipeline, data, tmp_path / "weights.json")
    assert not (tmp_path / "weights.json").exists()


def test_logistic_null_without_a_replacement(tmp_path, start_service):
    data, target = people()
    weights = exporter().export_logistic(fit(data, target))
    del weights["features"][0]["missing"]  # of the age
    (tmp_path / "weights.json").write_text(json.dumps(weights))
    service = start_service("--config", write_config(
        tmp_path, data, {"type": "logistic", "file": "weights.json"}))
    row = {"age": None, "fare": None, "sex": None, "port": None}
    answer = service.post("/predict", json={"features": row})
    assert answer.status_code == 422 and '"age" must be a finite number' in answer.json()["detail"]
    assert 0 < service.predict({**row, "age": 30})["prediction"] < 1
    answer = service.post("/predict", json={"features": {"age": 30}})
    assert answer.status_code == 422 and "is missing" in answer.json()["detail"]


def matrix_of(data, names):
    return numpy.column_stack([
        data[name] if name in data else data[name.split("=")[0]] == name.split("=", 1)[1]
        for name in names]).astype(numpy.float32)


XGB_NAMES = ["fare", "age"] + [f"sex={s}" for s in ("male", "female")] + ["port=Zürich"]


def train(data, target, names=XGB_NAMES, **parameters):
    matrix = matrix_of(data, names)
    booster = xgboost.train({"max_depth": 3, "nthread": 1, **parameters},
                            xgboost.DMatrix(matrix, label=target, feature_names=names), 20)
    return booster, matrix


@pytest.mark.parametrize("kind", ["json", "ubj"])
def test_xgboost_classes(tmp_path, start_service, kind):
    data, _ = people()
    target = numpy.digitize(data.age, [30, 45])
    booster, matrix = train(data, target, objective="multi:softprob", num_class=3)
    booster.save_model(tmp_path / f"model.{kind}")
    service = start_service("--config", write_config(tmp_path, data, {
        "type": "xgboost", "file": f"model.{kind}", "classes": ["young", "middle", "old"]}))
    expected = booster.inplace_predict(matrix)
    for i in range(0, ROWS, 7):
        answer = service.predict(row_of(data.iloc[i].to_dict()))
        assert list(answer["probabilities"].values()) == [float(p) for p in expected[i]]
        assert list(answer["probabilities"]) == ["young", "middle", "old"]
        assert answer["prediction"] == float(expected[i].max())
        assert answer["prediction_class"] == ["young", "middle", "old"][expected[i].argmax()]


def test_xgboost_regression(tmp_path, start_service):
    data, _ = people()
    booster, matrix = train(data, data.age.to_numpy(), objective="reg:squarederror")
    booster.save_model(tmp_path / "model.ubj")
    service = start_service("--config", write_config(
        tmp_path, data, {"type": "xgboost", "file": "model.ubj"}))
    expected = booster.inplace_predict(matrix)
    for i in range(0, ROWS, 7):
        answer = service.predict(row_of(data.iloc[i].to_dict()))
        assert answer["prediction"] == float(expected[i])
        assert answer["prediction_class"] is None and "probabilities" not in answer


def test_reload_to_the_first_model_of_xgboost(tmp_path, start_service):
    """The library comes into a process whose workers run already."""
    data, _ = people()
    booster, matrix = train(data, data.age.to_numpy(), objective="reg:squarederror")
    booster.save_model(tmp_path / "model.json")
    service = start_service("--config", write_config(
        tmp_path, data, {"type": "logistic", "weights": [{"feature": "age", "weight": 1}]}))
    row = row_of(data.iloc[3].to_dict())
    assert service.predict({**row, "fare": 1.0})["prediction_class"] == "positive"
    write_config(tmp_path, data, {"type": "xgboost", "file": "model.json"})
    assert service.post("/-/reload").status_code == 200
    for _ in range(20):
        assert service.predict(row)["prediction"] == float(booster.inplace_predict(matrix)[3])


def test_reload_takes_a_new_model_file_and_refuses_a_wrong_one(tmp_path, start_service):
    data, _ = people()
    row = row_of(data.iloc[3].to_dict())
    first, matrix = train(data, data.age.to_numpy(), objective="reg:squarederror")
    second, _ = train(data, -data.age.to_numpy(), objective="reg:squarederror")
    first.save_model(tmp_path / "model.ubj")
    service = start_service("--config", write_config(
        tmp_path, data, {"type": "xgboost", "file": "model.ubj"}))
    assert service.predict(row)["prediction"] == float(first.inplace_predict(matrix)[3])
    second.save_model(tmp_path / "model.ubj")
    assert service.post("/-/reload").status_code == 200
    assert service.predict(row)["prediction"] == float(second.inplace_predict(matrix)[3])
    whole = (tmp_path / "model.ubj").read_bytes()
    (tmp_path / "model.ubj").write_bytes(whole[:-10])
    answer = service.post("/-/reload")
    assert answer.status_code >= 400 and "the document was cut short" in answer.text
    assert service.predict(row)["prediction"] == float(second.inplace_predict(matrix)[3])


# --- refused at start, with one sentence and nothing of the library's log ---

def refusal(config):
    done = subprocess.run([BINARY, "serve", "--listen", "127.0.0.1:0", "--config", config],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and done.stdout == "", done.stderr
    return done.stderr


def test_wrong_model_files(tmp_path):
    data, target = people()
    booster, _ = train(data, target == "yes", objective="binary:logistic")
    booster.save_model(tmp_path / "model.json")
    whole = (tmp_path / "model.json").read_bytes()
    scorer = {"type": "xgboost", "file": "model.json"}
    config = write_config(tmp_path, data, scorer)
    for content, words in [
            (whole[:5000], "model.json: byte "),
            (b"hello", "neither JSON nor UBJSON"),
            (b"", "empty"),
            (b'{"learner": {}}', "not an XGBoost model"),
            (whole.replace(b"binary:logistic", b"binary:invented"), 'its objective is "binary:invented"'),
            ((VECTORS / "l_none.model.txt").read_bytes(), "a model of LightGBM, but the scorer's type is"),
            (whole.replace(b'"fare"', b'"fair"'), '"fair" is none of the configuration\'s')]:
        (tmp_path / "model.json").write_bytes(content)
        assert words in refusal(config), content[:30]
    (tmp_path / "model.json").unlink()
    assert "No such file" in refusal(config)
    (tmp_path / "model.json").write_bytes(whole)
    kinds = {"age": "numeric", "fare": "numeric", "sex": "categorical"}
    assert '"port=Zürich" is none' in refusal(write_config(tmp_path, data, scorer, kinds))
    scorer["classes"] = ["a", "b", "c"]
    assert "names 3 classes, but the model has 2" in refusal(write_config(tmp_path, data, scorer))


# --- trees of other programs, and categories that the model splits by itself ---

VECTORS = ROOT / "tests" / "vectors" / "forest"


def load_module(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / "scikit-learn" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_scikit_learn_forest_equals_its_own_predictions(tmp_path, start_service):
    data, target = people()
    names = ["age", "fare", "sex=male", "port=Zürich"]
    matrix = pandas.DataFrame(matrix_of(data.fillna(0), names), columns=names)
    model = RandomForestClassifier(20, max_depth=4, random_state=1).fit(matrix, target)
    load_module("export_trees").write_trees(model, matrix, tmp_path / "model.trees.json")
    service = start_service("--config", write_config(
        tmp_path, data, {"type": "scikit-learn", "file": "model.trees.json"}))
    expected = model.predict_proba(matrix)[:, 1]
    rows = [row_of(record) for record in data.fillna({"fare": 0}).to_dict("records")]
    answer = service.post("/predict", json={"instances": rows[:100]}).json()
    assert [p["prediction"] for p in answer["predictions"]] == [float(e) for e in expected[:100]]
    assert {p["prediction_class"] for p in answer["predictions"]} == {"no", "yes"}
    # scikit-learn refuses missing values for this model, and so does the service
    assert service.post("/predict", json={"features": {**rows[0], "fare": None}}).status_code == 422


def lightgbm_service(tmp_path, start_service, names):
    """A model whose third feature is categorical; names: of its categories, as pandas had them."""
    text = (VECTORS / "l_nan.model.txt").read_text()
    text = text.replace("feature_names=a b\tc d_e", "feature_names=age fare port")
    (tmp_path / "model.txt").write_text(text.replace("pandas_categorical:null", "pandas_categorical:" + names))
    data, _ = people()
    kinds = {"age": "numeric", "fare": "numeric", "port": "categorical"}
    return start_service("--config", write_config(
        tmp_path, data, {"type": "lightgbm", "file": "model.txt", "classes": ["no", "yes"]}, kinds))


@pytest.mark.parametrize("named", [True, False])
def test_lightgbm_categories_by_name_and_by_code(tmp_path, start_service, named):
    categories = [f"port {i}" for i in range(70)]
    service = lightgbm_service(tmp_path, start_service, json.dumps([categories]) if named else "null")
    rows = pandas.read_csv(VECTORS / "l_nan.rows.csv").to_numpy()
    expected = pandas.read_csv(VECTORS / "l_nan.expected.csv")["pred_0"]
    for i, (age, fare, code) in enumerate(rows):
        if numpy.isinf([age, fare]).any() or code != code or code < 0 or code > 69 or code != int(code):
            continue
        port = categories[int(code)] if named else str(int(code))
        answer = service.predict(row_of({"age": age, "fare": fare, "port": port}))
        assert answer["prediction"] == pytest.approx(expected[i], rel=1e-15)
    unseen = service.predict({"age": 1.0, "fare": 1.0, "port": "zebra"})["prediction"]
    assert unseen == service.predict({"age": 1.0, "fare": 1.0, "port": None})["prediction"]


# --- the same predictions as where the model was trained ---

def validate(*arguments):
    return subprocess.run([BINARY, "validate", *arguments], capture_output=True, text=True, timeout=30)


def test_expected_predictions(tmp_path):
    data, _ = people()
    target = numpy.digitize(data.age, [30, 45])
    booster, matrix = train(data, target, objective="multi:softprob", num_class=3)
    booster.save_model(tmp_path / "model.ubj")
    classes = ["young", "middle, or so", "old"]
    config = write_config(tmp_path, data, {"type": "xgboost", "file": "model.ubj", "classes": classes})
    table = data.copy()
    table[[f"prediction={c}" for c in classes]] = booster.inplace_predict(matrix)
    table.to_csv(tmp_path / "predictions.csv", index=False)
    done = validate(config, "--expect", str(tmp_path / "predictions.csv"))
    assert done.returncode == 0 and f"the predictions of {ROWS} rows equal those of" in done.stdout, done
    table.loc[7, "prediction=old"] += 2e-6
    table.loc[9, "prediction=young"] -= 1e-3
    table.to_csv(tmp_path / "predictions.csv", index=False)
    done = validate(config, "--expect", str(tmp_path / "predictions.csv"))
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert f'the predictions of 2 of {ROWS} rows are others here, most of all row 10: "prediction=young" is' in done.stderr
    table.drop(columns="prediction=old").to_csv(tmp_path / "predictions.csv", index=False)
    assert "prediction=old" in validate(config, "--expect", str(tmp_path / "predictions.csv")).stderr
    assert "has no model 'other'" in validate(config, "--model", "other").stderr


def test_newer_version_is_served_with_a_warning(tmp_path):
    data, _ = people()
    booster, _ = train(data, data.age.to_numpy(), objective="reg:squarederror")
    booster.save_model(tmp_path / "model.json")
    model = json.loads((tmp_path / "model.json").read_text())
    model["version"] = [5, 1, 0]
    (tmp_path / "model.json").write_text(json.dumps(model))
    done = validate(write_config(tmp_path, data, {"type": "xgboost", "file": "model.json"}))
    assert done.returncode == 0 and "XGBoost 5.1, newer than 3.4" in done.stderr


WEIGHTS = {"intercept": 0.5, "features": [
    {"name": "age", "weight": 1}, {"name": "fare", "weight": 2, "mean": 3, "scale": 4, "missing": 5},
    {"name": "sex", "categories": {"male": 1}}, {"name": "port", "categories": {}, "other": 1}]}


@pytest.mark.parametrize("change,words", [
    (lambda w: w.pop("intercept"), "intercept: missing, expected a number"),
    (lambda w: w.update(intercept="1"), "intercept: found a string, expected a number"),
    (lambda w: w.update(weights=[]), 'unknown member "weights"'),
    (lambda w: w.update(classes=["a"]), "classes: expected an array of two names"),
    (lambda w: w.update(features=[]), "features: found an empty one, expected"),
    (lambda w: w["features"][1].update(scale=0), "features[1].scale: found 0, expected a number above 0"),
    (lambda w: w["features"][0].pop("weight"), "features[0].weight: missing"),
    (lambda w: w["features"][0].update(wieght=1), 'features[0]: unknown member "wieght"'),
    (lambda w: w["features"][2]["categories"].update(x=None), "features[2].categories.x: found null"),
    (lambda w: w["features"].append({"name": "age", "weight": 1}), '"age" is there twice'),
    (lambda w: w["features"].append({"name": "height", "weight": 1}), '"height", which is not a feature'),
    (lambda w: w["features"].pop(0), 'has nothing for the feature "age"'),
    (lambda w: w["features"][2].pop("categories") and w["features"][2].update(weight=1),
     'has a weight for the feature "sex", which is categorical'),
])
def test_wrong_weights(tmp_path, change, words):
    data, _ = people()
    weights = json.loads(json.dumps(WEIGHTS))
    change(weights)
    (tmp_path / "weights.json").write_text(json.dumps(weights))
    config = write_config(tmp_path, data, {"type": "logistic", "file": "weights.json"})
    assert words in refusal(config)


def test_weights_that_are_no_json(tmp_path):
    data, _ = people()
    config = write_config(tmp_path, data, {"type": "logistic", "file": "weights.json"})
    assert "No such file" in refusal(config)
    for text, words in [("", "empty"), ("{\"intercept\": 1,\n", "weights.json:2:"), ("[1]", "found an array"),
                        ("{\"intercept\": 1e999}", "malformed JSON")]:
        (tmp_path / "weights.json").write_text(text)
        assert words in refusal(config), text
