"""serve --config: what is taken, and what is refused with file, line, key and what was expected."""
import csv
import json
import math
import os
import random
import re
import subprocess
import time

import numpy
import pytest
import scipy.stats

from conftest import BINARY, ROOT, inputs
from raw import exchange, predict
from test_metrics import scrape, value

REFERENCE = "age,colour,income\n" + "".join(
    f"{20 + i % 40},{'red' if i % 3 else 'green' if i % 2 else 'blue'},{1000.5 + i * 7}\n" for i in range(300))

CONFIG = """models:
  - name: loans
    version: "3"
    reference: loans.csv
    features:
      - {name: age, type: numeric}
      - {name: colour, type: categorical}
      - {name: income}
    scorer:
      type: logistic
      intercept: -1
      weights: [{feature: age, weight: 0.05}, {feature: income, weight: -0.0005}]
    window: {observations: 100}
    minimum_sample: 30
"""
ROW = {"age": 30, "colour": "red", "income": 2000}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "loans.csv").write_text(REFERENCE)
    (tmp_path / "loans.yml").write_text(CONFIG)
    return tmp_path


def refused(folder, name="loans.yml", environment=None):
    """The one sentence with which the service declines to start."""
    outcome = subprocess.run([BINARY, "serve", "--listen", "127.0.0.1:0", "--config", folder / name],
                             capture_output=True, text=True, timeout=30,
                             env={**os.environ, **(environment or {})})
    assert outcome.returncode == 1, outcome.stderr
    lines = [line for line in outcome.stderr.splitlines() if " info " not in line]
    assert len(lines) == 1 and " error " in lines[0], outcome.stderr
    return lines[0]


def test_a_configured_model(folder, start_service):
    service = start_service("--config", str(folder / "loans.yml"))
    assert service.get("/").json()["models"] == ["loans"]
    score = 1 / (1 + math.exp(-(-1 + 0.05 * 30 - 0.0005 * 2000)))
    for features in (ROW, [30, "red", 2000], dict(reversed(ROW.items()))):
        answer = service.predict(features)
        assert answer["prediction"] == pytest.approx(score, rel=1e-14)
        assert (answer["model"], answer["model_version"]) == ("loans", "3")
    status = service.get("/drift/status").json()
    assert (status["reference_samples"], status["minimum_sample"]) == (300, 30)
    assert list(inputs(status)) == ["age", "colour", "income"]
    assert [f["type"] for f in inputs(status).values()] == ["numeric", "categorical", "numeric"]
    assert service.post("/simulate/drift").status_code == 403


def test_a_categorical_feature(folder, start_service):
    service = start_service("--config", str(folder / "loans.yml"))
    rng = random.Random(4)
    rows = [[20 + rng.randrange(40), rng.choice(["red", "red", "green", "purple", "pink"]),
             1000 + rng.random() * 2000] for _ in range(100)]
    answer = service.post("/predict", json={"instances": rows}).json()
    status = service.get("/drift/status").json()["features"]["colour"]
    assert set(status) == {"type", "prediction", "drifted", "drifted_since", "change", "methods", "window_size", "effective_size",
                           "reference_size", "missing", "unseen", "infinite", "out_of_range",
                           "thresholds", "categories"}
    assert set(status["methods"]) == {"psi"}
    known = ["red", "green", "blue"]
    counts = []
    for values in ([line.split(",")[1] for line in REFERENCE.splitlines()[1:]], [r[1] for r in rows]):
        counts.append(numpy.array([values.count(c) for c in known] + [sum(v not in known for v in values)]))
    p, q = (numpy.maximum(c / c.sum(), 1e-4) for c in counts)
    psi = ((p - q) * numpy.log(p / q)).sum()
    assert answer["drift_scores"]["colour"] == pytest.approx(psi, abs=1e-12)
    assert status["methods"]["psi"]["score"] == answer["drift_scores"]["colour"]
    assert status["methods"]["psi"]["p_value"] == pytest.approx(
        scipy.stats.chi2.sf(psi / (1 / 300 + 1 / 100), 3), rel=1e-6)
    shares = {c: {"window": n[1] / 100, "reference": n[0] / 300}
              for c, n in zip(known + ["__unseen__"], zip(*counts))}
    assert status["categories"] == {**shares, **{c: {"window": 0, "reference": 0} for c in ("__other__", "__missing__")}}
    assert status["drifted"] is True and answer["drift_detected"] is True
    unseen = sum(r[1] not in known for r in rows)
    assert status["unseen"] == {"window": unseen, "total": unseen}
    families = scrape(service)
    labels = {"model": "loans", "feature": "colour"}
    assert value(families, "model_feature_unseen_total", **labels) == unseen
    assert value(families, "model_feature_missing_total", **labels) == 0
    assert value(families, "model_drift_score", method="psi", **labels) == answer["drift_scores"]["colour"]
    for name in ("model_feature_mean", "model_feature_std", "model_feature_infinite"):
        assert {s.labels["feature"] for s in families[name].samples} == {"age", "income", "prediction_score"}
    assert {s.labels["feature"] for s in families["model_feature_unseen"].samples} == {"colour", "prediction"}


@pytest.mark.parametrize("change, word", [
    ({"colour": 5}, '"colour" must be a string'), ({"colour": None}, '"colour"'),
    ({"colour": ["red"]}, '"colour"'), ({"age": "30"}, '"age" must be a finite number'),
    ({"age": None}, '"age"'), ({"size": 1}, '"size"')])
def test_wrong_types(folder, start_service, change, word):
    service = start_service("--config", str(folder / "loans.yml"))
    answer = service.post("/predict", json={"features": ROW | change})
    assert answer.status_code == 422 and word in answer.json()["detail"]
    missing = {k: v for k, v in ROW.items() if k != "colour"}
    answer = service.post("/predict", json={"features": missing})
    assert answer.status_code == 422 and '"colour" is missing' in answer.json()["detail"]
    assert service.get("/").json()["recent_samples"] == 0


def test_unseen_categories_of_every_kind(folder, start_service):
    """None of them is known, and none is a reason to fail."""
    service = start_service("--config", str(folder / "loans.yml"))
    odd = ["", "RED", "red ", "é🎉", "x" * 100000, "__other__", "\u0001", "NA", "null", '"', "<b>"]
    for colour in odd:
        assert service.predict([30, colour, 2000])["prediction"] > 0
    total = service.get("/drift/status").json()["features"]["colour"]
    assert total["unseen"]["total"] + total["missing"]["total"] == len(odd)


def test_names_in_every_script(tmp_path, start_service):
    """Feature names with quotes, spaces, other scripts: the same in JSON, labels and CSV."""
    names = ["größe", "two words", 'say "hi"', "back\\slash", "特徴", "features", "id", "<b>&amp;", "a,b"]
    quoted = ",".join('"%s"' % n.replace('"', '""') for n in names)
    (tmp_path / "r.csv").write_text(quoted + "\n" + "".join(
        ",".join(str(r * 10 + c) for c in range(len(names))) + "\n" for r in range(60)))
    features = "".join(f"      - {{name: {json.dumps(n, ensure_ascii=False)}}}\n" for n in names)
    (tmp_path / "c.yml").write_text(
        f"models:\n  - name: odd\n    reference: r.csv\n    features:\n{features}"
        f"    scorer: {{type: logistic, weights: [{{feature: größe, weight: 1}}]}}\n")
    service = start_service("--config", str(tmp_path / "c.yml"))
    row = {n: i for i, n in enumerate(names)}
    for body in ({"features": row}, {"features": list(row.values())},
                 {"instances": [row, list(row.values())]}):
        assert service.post("/predict", json=body).status_code == 200, body
    assert list(inputs(service.get("/drift/status").json())) == names
    for openmetrics in (False, True):
        samples = scrape(service, openmetrics)["model_feature_mean"].samples
        assert [s.labels["feature"] for s in samples] == names + ["prediction_score"]
        assert [s.value for s in samples[:-1]] == list(range(len(names)))


def test_many_features(tmp_path, start_service):
    names = [f"f{i}" for i in range(1000)]
    (tmp_path / "r.csv").write_text(",".join(names) + "\n" + "".join(
        ",".join(str((r * 7 + c) % 50) for c in range(1000)) + "\n" for r in range(60)))
    features = ", ".join("{name: %s}" % n for n in names)
    (tmp_path / "c.yml").write_text(
        f"models:\n  - name: wide\n    reference: r.csv\n    features: [{features}]\n"
        "    scorer: {type: logistic, weights: [{feature: f999, weight: 1}]}\n"
        "    minimum_sample: 1\n")
    service = start_service("--config", str(tmp_path / "c.yml"))
    answer = service.predict([0.5] * 999 + [3])
    assert answer["prediction"] == pytest.approx(1 / (1 + math.exp(-3)))
    assert len(answer["drift_scores"]) == 1000
    short = service.post("/predict", json={"features": [1] * 999})
    assert short.status_code == 422 and len(short.text) < 1000
    assert "1000" in short.json()["detail"]
    assert len(inputs(service.get("/drift/status").json())) == 1000
    assert len(scrape(service)["model_drift_score"].samples) == 2000 + 1 + 2  # and the predictions'


def test_a_window_by_duration(folder, start_service):
    (folder / "loans.yml").write_text(CONFIG.replace("{observations: 100}", "{duration: 2s}"))
    service = start_service("--config", str(folder / "loans.yml"))
    service.post("/predict", json={"instances": [ROW] * 50})
    families = scrape(service)
    assert value(families, "model_window_observations", model="loans") == 50
    assert not families["model_window_capacity_observations"].samples
    deadline = time.monotonic() + 10
    while value(scrape(service), "model_window_observations", model="loans") > 0:
        assert time.monotonic() < deadline, "the rows do not leave"
        time.sleep(0.1)
    assert service.get("/drift/status").json()["overall_drift"] == "insufficient_data"
    assert value(scrape(service), "model_prediction_latency_seconds_count", model="loans") == 50


def test_the_file_says_where_to_listen(folder, start_service):
    (folder / "loans.yml").write_text("listen: 127.0.0.1:1\n" + CONFIG)
    service = start_service("--config", str(folder / "loans.yml"))  # the option wins
    assert service.get("/health").status_code == 200


@pytest.mark.parametrize("old, new, line, words", [
    ("models:", "modells:", 1, ["modells", "listen, state, models"]),
    ("name: loans", "name: 'lo ans'", 2, ["models[0].name", "lo ans"]),
    ("name: loans", "name: ..", 2, ["models[0].name"]),
    ("name: loans", "nam: loans", 2, ["models[0].nam", "unknown"]),
    ("reference: loans.csv", "reference: [a]", 4, ["models[0].reference", "list"]),
    ("type: numeric", "type: number", 6, ["features[0].type", "number", "numeric or categorical"]),
    ("name: income", "name: age", 8, ["features[2].name", "features[0]"]),
    ("type: logistic", "type: forest", 10, ["scorer.type", "forest", "logistic or xgboost or lightgbm or scikit-learn or none"]),
    ("type: logistic", "type: xgboost", 12, ["scorer.weights", "does not belong", "type xgboost"]),
    ("type: logistic", "type: none", 12, ["scorer.weights", "does not belong", "type none"]),
    ("type: logistic", "type: logistic\n      file: w.json", 13, ["scorer.weights", "with a file"]),
    ("{name: income}", "{name: prediction}", 8, ["features[2].name", "prediction"]),
    ("{name: income}", "{name: income, thresholds: {warning: -1}}", 8, ["features[2].thresholds.warning", "-1"]),
    ("{name: income}", "{name: income, thresholds: {warning: 0.7}}", 8, ["0.7", "0.5 (the model's)"]),
    ("minimum_sample: 30", "columns: {label: age}", 14, ["columns.label", "age", "features"]),
    ("minimum_sample: 30", "detectors: [adwin, magic]", 14, ["detectors[1]", "magic", "kswin"]),
    ("minimum_sample: 30", "labels: {max_age: soon}", 14, ["labels.max_age", "soon", "7d"]),
    ("minimum_sample: 30", "streams: [{feature: colour, detectors: [adwin]}]", 14, ["colour", "categorical"]),
    ("intercept: -1", "intercept: 1e999", 11, ["intercept", "1e999"]),
    ("intercept: -1", "intercept: nan", 11, ["intercept"]),
    ("weight: 0.05", "weight: heavy", 12, ["weights[0].weight", "heavy"]),
    ("{feature: income", "{feature: nobody", 12, ["weights[1].feature", "nobody"]),
    ("{feature: income", "{feature: colour", 12, ["colour", "categorical"]),
    ("{feature: income", "{feature: age", 12, ["age", "already"]),
    ("observations: 100", "observations: 0", 13, ["window.observations"]),
    ("observations: 100", "observations: -5", 13, ["window.observations", "-5"]),
    ("observations: 100", "observations: 99999999999", 13, ["window.observations"]),
    ("observations: 100", "duration: soon", 13, ["window.duration", "soon", "15m"]),
    ("observations: 100", "observations: 100, duration: 5m", 13, ["window", "both"]),
    ("observations: 100", "", 13, ["window"]),
    ("minimum_sample: 30", "minimum_sample: 101", 14, ["minimum_sample", "101"]),
    ("minimum_sample: 30", "minimum_sample: 0", 14, ["minimum_sample"]),
    ("minimum_sample: 30", "thresholds: {warning: 0.6}", 14, ["thresholds.warning", "0.6"]),
    ("minimum_sample: 30", "thresholds: {warning: -1}", 14, ["thresholds.warning"]),
    ("minimum_sample: 30", "significance: 1", 14, ["significance"]),
    ("minimum_sample: 30", "bins: 65", 14, ["bins"]),
    ("minimum_sample: 30", "simulation: yes", 14, ["simulation", "true or false"]),
    ("minimum_sample: 30", "version: 4", 14, ["version", "twice"]),
    ("minimum_sample: 30", "\tminimum_sample: 30", 14, []),
    ("minimum_sample: 30", "minimum_sample: [", None, []),
    ("minimum_sample: 30", "minimum_sample: &a [*a]", None, []),
], ids=str)
def test_a_wrong_configuration(folder, old, new, line, words):
    assert old in CONFIG
    (folder / "loans.yml").write_text(CONFIG.replace(old, new, 1))
    said = refused(folder)
    assert str(folder / "loans.yml") in said
    if line:
        assert f"loans.yml:{line}:" in said
    for word in words:
        assert word in said


@pytest.mark.parametrize("content", [
    b"", b"   \n", b"# only a comment\n", b"[]", b"text", b"models: []\n", b"models: {}\n", b"models:\n",
    b"\xff\xfe\x00", b"\0" * 100, CONFIG.encode().replace(b"loans", b"lo\xffns"), b"models: " + b"[" * 20000,
    b"a: &a [x, x]\nb: &b [*a, *a]\nmodels: [*b, *b]\n", b"{" * 20000, b"---\n" * 1000, b"%YAML 9.9\n---\n"],
    ids=range(16))
def test_a_file_that_is_none(folder, content):
    (folder / "loans.yml").write_bytes(content)
    assert str(folder / "loans.yml") in refused(folder)


def test_an_alias_bomb(folder):
    """Nine levels of nine: a billion nodes if it were expanded."""
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10))
    (folder / "loans.yml").write_text(bomb + CONFIG)
    assert "loans.yml" in refused(folder)


@pytest.mark.parametrize("content, words", [
    (None, ["No such file"]), (b"", ["loans.csv"]), (b"age,colour,income\n", ["no rows"]),
    (b"age,colour\n1,red\n", ["income"]), (b"age,colour,income,age\n1,red,2,3\n", ["age"]),
    (b"age,colour,income\n1,red,2\n3,red\n", ["loans.csv", "3"]),
    (b"age,colour,income\n1,red,abc\n", ["income", "abc", "2"]),
    (b"age,colour,income\n1,red,1e999\n", ["income", "1e999"]),
    (b'age,colour,income\n1,"red,2\n', ["loans.csv", "quote"]),
    (b"age,colour,income\n1,r\xffd,2\n", ["colour", "UTF-8"]),
    (b"age,colour,income\n1,r\0d,2\n", ["NUL"]), (b"\xff\xfea\0g\0e\0", ["loans.csv"])],
    ids=range(12))
def test_a_wrong_reference(folder, content, words):
    if content is None:
        (folder / "loans.csv").unlink()
    else:
        (folder / "loans.csv").write_bytes(content)
    said = refused(folder)
    assert "loans" in said
    for word in words:
        assert word in said


def test_the_reference_is_a_folder(folder):
    (folder / "loans.yml").write_text(CONFIG.replace("loans.csv", "."))
    assert "directory" in refused(folder).lower()


def test_a_threshold_above_a_models_critical_one(folder):
    said = refused(folder, environment={"DRIFT_THRESHOLD": "0.7"})
    assert "DRIFT_THRESHOLD" in said and "0.7" in said and "loans" in said


def test_simulation_of_categories_is_refused_at_start(folder):
    (folder / "loans.yml").write_text(CONFIG + "    simulation: true\n")
    assert "simulation" in refused(folder)


def test_missing_and_infinite_values_in_the_reference(folder, start_service):
    (folder / "loans.csv").write_text(
        "age,colour,income\n" + "NA,red,1\n,green,inf\n30,,-inf\nnan,NA,5\n" * 25)
    service = start_service("--config", str(folder / "loans.yml"))
    service.post("/predict", json={"instances": [ROW] * 60})
    features = service.get("/drift/status").json()["features"]  # strict JSON
    assert features["age"]["missing"]["reference"] == 75
    assert features["colour"]["missing"]["reference"] == 50
    assert scrape(service)


@pytest.mark.parametrize("column", ["age", "income"])
def test_a_column_without_a_single_number(folder, start_service, column):
    """Served or refused with a sentence: never a crash."""
    lines = [line.split(",") for line in REFERENCE.splitlines()]
    index = lines[0].index(column)
    for line in lines[1:]:
        line[index] = "NA"
    (folder / "loans.csv").write_text("\n".join(",".join(line) for line in lines) + "\n")
    service = start_service("--config", str(folder / "loans.yml"))
    service.post("/predict", json={"instances": [ROW] * 60})
    feature = service.get("/drift/status").json()["features"][column]
    assert feature["reference"]["mean"] is None and feature["missing"]["reference"] == 300
    assert scrape(service) and scrape(service, openmetrics=True)


def test_a_reference_of_one_row(folder, start_service):
    (folder / "loans.csv").write_text("age,colour,income\n30,red,2000\n")
    service = start_service("--config", str(folder / "loans.yml"))
    service.post("/predict", json={"instances": [ROW, {"age": 1, "colour": "x", "income": 0}] * 50})
    assert service.get("/drift/status").json()["overall_drift"] in (
        "No drift", "Minor drift", "Moderate drift", "Severe drift")
    assert exchange(service.url, predict(json.dumps({"features": ROW}))).status == 200


def validate(path, **options):
    return subprocess.run([BINARY, "validate", path], capture_output=True, text=True, timeout=60, **options)


def test_validate(folder):
    done = validate(folder / "loans.yml")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.splitlines() == [
        f"{folder / 'loans.yml'}: valid: 1 model, 3 features",
        "  loans: 2 numeric and 1 categorical features, 300 reference rows, scorer logistic",
        "    changes of features are noticed but give no page, as the order of the",
        "    reference's rows is not known: name the column of their times in columns.timestamp"]


@pytest.mark.parametrize("change, words", [
    (lambda f: (f / "loans.csv").unlink(), ["loans.csv", "No such file"]),
    (lambda f: (f / "loans.yml").write_text(CONFIG.replace("income", "wage")), ["wage"]),
    (lambda f: (f / "loans.yml").write_text(CONFIG.replace("name: income", "nome: wage")), [":8:", "nome"]),
    (lambda f: (f / "loans.yml").unlink(), ["loans.yml", "No such file"])], ids=range(4))
def test_validate_refuses_what_serve_refuses(folder, change, words):
    change(folder)
    done = validate(folder / "loans.yml")
    assert done.returncode == 1 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    said = refused(folder)
    for word in words:
        assert word in done.stderr and word in said


@pytest.mark.parametrize("arguments", [[], [""], ["a.yml", "b.yml"], ["--format", "json"]])
def test_wrong_use_of_validate(arguments):
    done = subprocess.run([BINARY, "validate", *arguments], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2 and done.stdout == "" and "validate" in done.stderr


# Where a mapping of the schema stands, as a file whose one wrong key makes the service list the right ones.
PLACES = {
    "": "{%s: 1}", "Of a model": "models: [{%s: 1}]", "Of a feature": "models: [{features: [{%s: 1}]}]",
    "Of `thresholds`": "models: [{thresholds: {%s: 1}}]", "Of `window`": "models: [{window: {%s: 1}}]",
    "Of `false_pages`": "models: [{false_pages: {%s: 1}}]",
    "Of a `scorer`": "models: [{scorer: {%s: 1}}]", "Of a weight": "models: [{scorer: {weights: [{%s: 1}]}}]",
    "Of `columns`": "models: [{columns: {%s: 1}}]", "Of `labels`": "models: [{labels: {%s: 1}}]",
    "Of a stream": "models: [{streams: [{%s: 1}]}]"}


def documented():
    """Title of each table of keys in the documentation, and its keys."""
    tables, title = {}, ""
    for line in (ROOT / "docs/configuration.md").read_text().splitlines():
        if line.startswith("Of "):
            title = next(t for t in PLACES if t and line.startswith(t))
        elif found := re.match(r"\| `(\w+)` \|", line):
            tables.setdefault(title, []).append(found[1])
    return tables


def test_every_key_is_documented(tmp_path):
    tables = documented()
    assert set(tables) == set(PLACES)
    for place, text in PLACES.items():
        (tmp_path / "c.yml").write_text(text % "wrong" + "\n")
        said = validate(tmp_path / "c.yml").stderr
        keys = re.search(r"expected one of (.*)$", said.strip())[1].split(", ")
        assert sorted(tables[place]) == sorted(keys), place


def test_from_a_csv_to_a_service(tmp_path, start_service):
    """init, validate, serve: with names that YAML, JSON and the exposition each have to quote."""
    names = ["yes", "1", "a: b #", "größe", "- x", '"q"', "back\\slash", "null", "colour"]
    rng = random.Random(5)
    rows = [[round(rng.gauss(c, 1), 2) for c in range(8)] + [rng.choice("rgb")] for _ in range(300)]
    with open(tmp_path / "ref.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row"] + names + ["label"])
        writer.writerows([i] + row + [i % 2] for i, row in enumerate(rows))
    done = subprocess.run([BINARY, "init", "ref.csv", "--label", "label", "--output", "drift.yml"], cwd=tmp_path,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert validate(tmp_path / "drift.yml").returncode == 0
    service = start_service("--config", str(tmp_path / "drift.yml"))
    assert service.get("/").json()["models"] == ["ref"]
    assert list(inputs(service.get("/drift/status").json())) == names
    assert {s.labels["feature"] for s in scrape(service)["model_drift_score"].samples} >= set(names)


WEIGHTED = CONFIG[CONFIG.index("      type: logistic"):CONFIG.index("    window:")]


@pytest.mark.parametrize("scorer, columns, words", [
    ("{type: logistic, file: w.json}", "", ["w.json", "No such file"]),
    ("{type: logistic, file: .}", "", ["directory"]),
    ("{type: logistic, file: loans.csv}", "", ["loans.csv"]),
    ("{type: xgboost, file: m.json}", "", ["m.json", "No such file"]),
    ("{type: xgboost, file: loans.csv}", "", ["loans.csv"]),
    ("{type: xgboost, file: .}", "", ["model"]),
    ("{type: none}", "columns: {prediction: p}", ["loans.csv", '"p"', "missing"]),
    ("{type: none}", "columns: {score: s}", ["loans.csv", '"s"', "missing"]),
    ("{type: none, task: regression}", "columns: {prediction: text}", ["text", "number"]),
    ("{type: none, classes: [a, b]}", "columns: {score: text}", ["text", "number"]),
    ("{type: none}", "columns: {prediction: same}", ["same", "1 different", "expected 2"])], ids=str)
def test_a_broken_scorer_or_column(folder, scorer, columns, words):
    """Refused by serve and by validate, each with one sentence that names the model."""
    lines = REFERENCE.splitlines()
    (folder / "loans.csv").write_text("\n".join([lines[0] + ",text,same"] + [line + ",abc,1" for line in lines[1:]]) + "\n")
    config = CONFIG.replace("    scorer:\n" + WEIGHTED, f"    scorer: {scorer}\n") + f"    {columns}\n"
    assert f"scorer: {scorer}" in config
    (folder / "loans.yml").write_text(config)
    said = refused(folder)
    done = validate(folder / "loans.yml")
    assert done.returncode == 1 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    for word in ['"loans"', *words]:
        assert word in said and word in done.stderr
