"""What a value means: numbers that name classes, booleans, scores, ids. The same in files, JSON, labels,
predictions and V2."""
import json
import math
import subprocess

import numpy
import pandas
import pytest
from sklearn import metrics

from conftest import BINARY
from test_labels import counts, label, value
from test_metrics import scrape

LINES = {"Content-Type": "application/x-ndjson"}


def serve(start_service, folder, config):
    (folder / "models.yml").write_text(config)
    return start_service("--config", str(folder / "models.yml"))


def refused_config(folder, config):
    (folder / "models.yml").write_text(config)
    done = subprocess.run([BINARY, "validate", str(folder / "models.yml")], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 1, done.stdout
    return done.stderr


def observe(service, rows):
    answer = service.post("/observe", data="".join(json.dumps(row) + "\n" for row in rows), headers=LINES)
    assert answer.status_code == 200, answer.text
    return answer.json()


# Numbers that name classes

OUTSIDE = """models:
  - name: outside
    reference: reference.csv
    features: [{{name: x}}]
    scorer: {{type: none{more}}}
    columns: {{prediction: p, label: y}}
    labels: {{window: 1000}}
"""


@pytest.fixture
def gaps(tmp_path, start_service):
    """Classes 1 and 2 in columns with gaps, which pandas writes as 1.0 and 2.0."""
    random = numpy.random.default_rng(5)
    truth = random.integers(1, 3, 600).astype(float)
    frame = pandas.DataFrame({"x": random.normal(size=600),
                              "p": numpy.where(random.random(600) < 0.8, truth, 3 - truth), "y": truth})
    frame.loc[::50, ["p", "y"]] = numpy.nan
    frame.to_csv(tmp_path / "reference.csv", index=False)
    assert ",1.0,2.0\n" in (tmp_path / "reference.csv").read_text()
    return serve(start_service, tmp_path, OUTSIDE.format(more=""))


def spellings(number):
    return [number, float(number), str(number), f"{number}.0", f"{number}.00", f"0{number}", f"{number}e0"]


def test_classes_are_compared_by_value(gaps):
    random = numpy.random.default_rng(6)
    truth, prediction = random.integers(1, 3, (2, 500))
    body = observe(gaps, [{"features": [0.1], "prediction": spellings(int(p))[i % 7],
                           "label": spellings(int(t))[i % 5]}
                          for i, (p, t) in enumerate(zip(prediction, truth))])
    assert body["observed"] == 500 and body["labels"]["joined"] == 500 and not body["errors"]
    measured = gaps.get("/performance").json()["metrics"]
    assert measured["accuracy"]["value"] == pytest.approx(metrics.accuracy_score(truth, prediction))
    assert measured["recall"]["value"] == pytest.approx(metrics.recall_score(truth, prediction, pos_label=2))
    exposition = scrape(gaps)
    for name, number in (("1.0", 1), ("2.0", 2)):
        assert value(exposition, "model_predictions_total", prediction_class=name) == (prediction == number).sum()
    assert value(exposition, "model_predictions_total", prediction_class="__other__") == 0


@pytest.mark.parametrize("wrong", [0, 3, "0", "3.0", 1.5, "one"])
def test_a_number_is_no_index_where_classes_are_numbers(gaps, wrong):
    answer = gaps.post("/labels", json={"id": "a", "label": wrong})
    assert answer.status_code == 422
    assert f'the label "{wrong}" is not one of the model\'s classes ("1.0", "2.0")' in answer.text.replace(
        "\\", "")


def test_an_index_where_no_class_is_a_number(tmp_path, start_service):
    (tmp_path / "reference.csv").write_text("x,p,y\n" + "1,no,no\n2,yes,yes\n" * 50)
    service = serve(start_service, tmp_path, OUTSIDE.format(more=""))
    observe(service, [{"features": [1], "prediction": "no", "id": name} for name in "abcd"])
    for name, given in zip("abc", (0, "0", "0.0")):
        assert counts(label(service, {"id": name, "label": given})) == {"joined": 1}
    assert service.get("/performance").json()["metrics"]["accuracy"]["since_start"]["value"] == 1
    for wrong in (2, -1, 0.5, True):
        label(service, {"id": "d", "label": wrong}, status=422)


# Booleans

@pytest.fixture(scope="module")
def booleans(tmp_path_factory):
    """A reference as pandas writes it: True and False, in a feature, the predictions and the labels."""
    folder = tmp_path_factory.mktemp("booleans")
    random = numpy.random.default_rng(7)
    member = random.random(1000) < 0.3
    prediction = member ^ (random.random(1000) < 0.2)
    pandas.DataFrame({"member": member, "x": random.normal(size=1000), "p": prediction,
                      "y": prediction ^ (random.random(1000) < 0.1)}).to_csv(folder / "reference.csv", index=False)
    assert ",True," in (folder / "reference.csv").read_text()
    return folder


BOOLEANS = """models:
  - name: booleans
    reference: reference.csv
    features: [{{name: member, type: categorical}}, {{name: x}}]
    scorer: {scorer}
    columns: {{prediction: p, label: y}}
"""


@pytest.mark.parametrize("write", [bool, str, lambda b: str(b).lower(), lambda b: str(b).upper()])
def test_a_boolean_is_one_category(booleans, start_service, write):
    service = serve(start_service, booleans, BOOLEANS.format(scorer="{type: none}"))
    random = numpy.random.default_rng(8)
    member, truth = random.random(400) < 0.3, random.random(400) < 0.4
    body = observe(service, [{"features": {"member": write(bool(m)), "x": 0.1}, "prediction": write(bool(m)),
                              "label": write(bool(t))} for m, t in zip(member, truth)])
    assert body["observed"] == 400 and body["labels"]["joined"] == 400
    exposition = scrape(service)
    assert value(exposition, "model_feature_unseen_ratio", feature="member") == 0
    assert value(exposition, "model_predictions_total", prediction_class="__other__") == 0
    assert value(exposition, "model_category_ratio", feature="member", category="true") == pytest.approx(
        member.mean())
    assert value(exposition, "model_drift_score", feature="member", method="psi") < 0.1
    measured = service.get("/performance").json()["metrics"]
    assert measured["accuracy"]["value"] == pytest.approx(metrics.accuracy_score(truth, member))
    assert measured["precision"]["value"] == pytest.approx(metrics.precision_score(truth, member))


def test_a_boolean_is_one_category_of_the_scorer(booleans, start_service):
    (booleans / "weights.json").write_text(json.dumps({"intercept": 0.5, "classes": ["False", "True"], "features": [
        {"name": "member", "categories": {"True": 2, "FALSE": -1}, "other": 9}, {"name": "x", "weight": 1}]}))
    service = serve(start_service, booleans, BOOLEANS.format(scorer="{type: logistic, file: weights.json}"))
    sigmoid = {True: 1 / (1 + math.exp(-2.5)), False: 1 / (1 + math.exp(0.5))}
    for truth, expected in sigmoid.items():
        for written in (truth, str(truth), str(truth).lower(), str(truth).upper()):
            for body in ({"features": [written, 0]}, {"features": {"x": 0, "member": written}, "other": 1}):
                answer = service.post("/predict", json=body).json()
                assert answer["prediction"] == pytest.approx(expected, rel=1e-15)
                assert answer["prediction_class"] == str(truth)
        for datatype, written in (("BOOL", truth), ("BYTES", str(truth)), ("BYTES", str(truth).upper())):
            answer = service.post("/v2/models/booleans/infer", json={"inputs": [
                {"name": "member", "shape": [1], "datatype": datatype, "data": [written]},
                {"name": "x", "shape": [1], "datatype": "FP64", "data": [0]}]}).json()
            assert answer["outputs"][0]["data"] == [pytest.approx(expected, rel=1e-15)]
    assert value(scrape(service), "model_feature_unseen_ratio", feature="member") == 0


# Scores

SCORED = """models:
  - name: scored
    reference: reference.csv
    features: [{{name: x}}]
    scorer: {{type: none{more}}}
    columns: {{prediction: p, score: s, label: y}}
"""


def logits(seed, rows):
    random = numpy.random.default_rng(seed)
    margin = random.normal(0, 2, rows)
    return margin, (random.random(rows) < 1 / (1 + numpy.exp(-margin))).astype(int)


def write_scores(folder, score, truth):
    pandas.DataFrame({"x": numpy.arange(len(score)) % 7, "p": (score > numpy.median(score)).astype(int), "s": score,
                      "y": truth}).to_csv(folder / "reference.csv", index=False)


def test_scores_that_are_no_probabilities_are_refused(tmp_path, start_service):
    margin, truth = logits(1, 400)
    write_scores(tmp_path, 1 / (1 + numpy.exp(-margin)), truth)
    service = serve(start_service, tmp_path, SCORED.format(more=""))
    rows = [{"features": [0], "score": float(m), "label": int(t)} for m, t in zip(margin, truth)]
    body = observe(service, rows)
    inside = (0 <= margin) & (margin <= 1)
    assert body["observed"] == inside.sum() and body["rejected"] == 400 - inside.sum()
    first = int(numpy.argmin(inside))
    assert body["errors"][0] == {"line": first + 1, "detail":
                                 f'"score" must be the probability of class "1", from 0 to 1, got {float(margin[first])!r}; '
                                 'if scores are log-odds, set scorer.score to margin'}
    answer = service.post("/observe", json={"features": [0], "score": 1.0000000000000002})
    assert answer.status_code == 422 and "from 0 to 1, got 1.0000000000000002" in answer.text
    for edge in (0, 1, 1e-300):
        observe(service, [{"features": [0], "score": edge}])


def test_scores_of_the_reference_that_are_no_probabilities(tmp_path):
    margin, truth = logits(2, 100)
    margin[0] = 0.5
    margin[1] = -3.25
    write_scores(tmp_path, margin, truth)
    assert ('the column "s" of the reference has the score -3.25 in row 2, which is not a probability from 0 to 1; '
            "if scores are log-odds, set scorer.score to margin") in refused_config(tmp_path, SCORED.format(more=""))


def test_margins(tmp_path, start_service):
    """The area under the curve of 400 logits, all of them counted."""
    margin, truth = logits(3, 2000)
    write_scores(tmp_path, margin, truth)
    service = serve(start_service, tmp_path, SCORED.format(more=", score: margin"))
    measured = service.get("/performance").json()["metrics"]
    assert measured["roc_auc"]["reference"]["value"] == pytest.approx(metrics.roc_auc_score(truth, margin), rel=1e-12)
    margin, truth = logits(4, 400)
    body = observe(service, [{"features": [0], "score": float(m), "label": int(t)} for m, t in zip(margin, truth)])
    assert body["observed"] == 400 and body["labels"]["joined"] == 400
    measured = service.get("/performance").json()["metrics"]
    assert measured["roc_auc"]["value"] == pytest.approx(metrics.roc_auc_score(truth, margin), rel=1e-12)
    assert measured["accuracy"]["value"] == pytest.approx(metrics.accuracy_score(truth, margin > 0))
    assert measured["log_loss"]["value"] == pytest.approx(
        metrics.log_loss(truth, 1 / (1 + numpy.exp(-margin))), rel=1e-9)


@pytest.mark.parametrize("more,sentence", [
    (", task: regression, score: margin", "a regression has no scores, expected only type, task"),
    (", score: logit", "scorer.score"),
])
def test_wrong_kinds_of_score(tmp_path, more, sentence):
    (tmp_path / "reference.csv").write_text("x,p,s,y\n1,0,0,0\n")
    assert sentence in refused_config(tmp_path, SCORED.format(more=more).replace("score: s, ", ""))


def test_init_tells_margins_from_probabilities(tmp_path, start_service):
    margin, truth = logits(5, 300)
    for name, score in (("margin", margin), ("probability", 1 / (1 + numpy.exp(-margin)))):
        write_scores(tmp_path, score, truth)
        done = subprocess.run([BINARY, "init", "reference.csv", "--prediction", "p", "--score", "s", "--label", "y"],
                              cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
        assert ("score: margin" in done.stdout) == (name == "margin")
        assert ("the probability of the second class" in done.stdout) == (name == "probability")
        service = serve(start_service, tmp_path, done.stdout)
        measured = service.get("/performance").json()["metrics"]["roc_auc"]["reference"]["value"]
        assert measured == pytest.approx(metrics.roc_auc_score(truth, margin), rel=1e-12)


# Ids

@pytest.mark.parametrize("identifier", ["a", "ä" * 64, "x" * 128, "with blank", "\t", "\"'\\/<>&", "0"])
def test_an_id_that_one_endpoint_takes_every_endpoint_takes(service, identifier):
    row = [0.5, -0.3, 0.8, 0.2, -0.1]
    named = [{"name": f"feature_{i}", "shape": [1], "datatype": "FP64", "data": [x]} for i, x in enumerate(row)]
    takers = {"/predict": {"features": row, "id": identifier},
              "/observe": {"features": row, "prediction": "positive", "id": identifier},
              "/labels": {"label": "positive", "id": identifier},
              "/v2/models/synthetic/infer": {"inputs": named, "id": identifier}}
    for path, body in takers.items():
        answer = service.post(path, json=body)
        assert answer.status_code == 200, (path, answer.text)
    assert service.post("/labels", json={"label": "positive", "id": identifier}).json()["unknown"] == 0


@pytest.mark.parametrize("identifier", ["", "x" * 129, 7, True, ["a"]])
def test_an_id_that_one_endpoint_refuses_every_endpoint_refuses(service, identifier):
    row = [0.5, -0.3, 0.8, 0.2, -0.1]
    matrix = {"name": "in", "shape": [1, 5], "datatype": "FP64", "data": row}
    for path, body in {"/predict": {"features": row}, "/observe": {"features": row, "prediction": "positive"},
                       "/labels": {"label": "positive"}, "/v2/models/synthetic/infer": {"inputs": [matrix]}}.items():
        answer = service.post(path, json={**body, "id": identifier})
        assert answer.status_code in (400, 422) and '"id' in answer.text.replace("\\", ""), (path, answer.text)


def test_optional_members_of_v2_may_be_null(service):
    matrix = {"name": "in", "shape": [1, 5], "datatype": "FP64", "data": [0.5, -0.3, 0.8, 0.2, -0.1],
              "parameters": None}
    answer = service.post("/v2/models/synthetic/infer",
                          json={"id": None, "parameters": None, "outputs": None, "inputs": [matrix]})
    assert answer.status_code == 200 and "id" not in answer.json() and len(answer.json()["outputs"]) == 2
    matrix["parameters"] = {"binary_data_size": None, "content_type": None}
    answer = service.post("/v2/models/synthetic/infer", json={
        "inputs": [matrix], "outputs": [{"name": "prediction", "parameters": None}]})
    assert answer.status_code == 200 and len(answer.json()["outputs"]) == 1


# A boolean where the classes are names

@pytest.mark.parametrize("written", [True, False, "true", "False", "TRUE"])
def test_a_boolean_prediction_names_no_class_of_other_names(tmp_path, start_service, written):
    """It was counted as __other__: a share of predictions that no class has, and no word about it."""
    (tmp_path / "reference.csv").write_text("x,p,y\n" + "1,no,no\n2,yes,yes\n" * 50)
    service = serve(start_service, tmp_path, OUTSIDE.format(more=""))
    answer = service.post("/observe", json={"features": [1], "prediction": written})
    word = str(written).lower() if isinstance(written, bool) else written
    assert answer.status_code == 422, answer.text
    assert f'"prediction" must name a class of the model ("no", ...), got {word}' in answer.json()["detail"]
    observe(service, [{"features": [1], "prediction": "maybe"}])
    assert value(scrape(service), "model_predictions_total", prediction_class="__other__") == 1
