"""GET /performance, the metrics of performance, and concept drift: real and simulated."""
import io
import math

import numpy
import pandas
import pytest
from sklearn import metrics

from conftest import ROOT
from test_labels import value
from test_metrics import scrape

DATA = ROOT.parent / "shared" / "data"
DETECTORS = ["adwin", "ddm", "eddm", "hddm_a", "hddm_w", "page_hinkley", "kswin", "urn"]
CLASSIFICATION = ("accuracy precision recall f1 roc_auc log_loss brier "
                  "expected_calibration_error").split()
WINDOW = 400
EDGES = [i / 10 for i in range(1, 10)]


def performance(service, path="/performance"):
    answer = service.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def simulate(service, severity, count, **options):
    answer = service.post("/simulate/drift",
                          json={"kind": "concept", "severity": severity, "n_requests": count, **options})
    assert answer.status_code == 200, answer.text


# Values

LOGISTIC = """models:
  - name: m
    reference: reference.csv
    features: [{name: x}]
    scorer: {type: logistic, intercept: 0, weights: [{feature: x, weight: 2}]}
    columns: {label: y}
    labels: {window: 400}
"""


def logistic_rows(generator, count):
    x = numpy.round(generator.normal(0, 1, count), 2)
    truth = (generator.random(count) < 1 / (1 + numpy.exp(-2 * x))).astype(int)
    return x, truth


def expected_binary(truth, score):
    prediction = (score > 0.5).astype(int)
    bins = numpy.searchsorted(EDGES, score)
    return {
        "accuracy": metrics.accuracy_score(truth, prediction),
        "precision": metrics.precision_score(truth, prediction),
        "recall": metrics.recall_score(truth, prediction),
        "f1": metrics.f1_score(truth, prediction),
        "roc_auc": metrics.roc_auc_score(truth, score),
        "log_loss": metrics.log_loss(truth, score),
        "brier": metrics.brier_score_loss(truth, score),
        "expected_calibration_error":
            sum(abs((truth - score)[bins == b].sum()) for b in range(10)) / len(truth),
    }


def test_values_equal_scikit_learn(tmp_path, start_service):
    generator = numpy.random.default_rng(3)
    x, truth = logistic_rows(generator, 2000)
    pandas.DataFrame({"x": x, "y": truth}).to_csv(tmp_path / "reference.csv", index=False)
    (tmp_path / "c.yml").write_text(LOGISTIC)
    service = start_service("--config", str(tmp_path / "c.yml"))
    reference = performance(service)
    assert reference["reference"] == {"source": "reference", "labels": 2000}
    for name, number in expected_binary(truth, 1 / (1 + numpy.exp(-2 * x))).items():
        assert reference["metrics"][name]["reference"]["value"] == pytest.approx(number, rel=1e-12), name
        assert reference["metrics"][name]["value"] is None

    x, truth = logistic_rows(generator, 1000)
    rows = [{"features": [row], "id": f"p{i}"} for i, row in enumerate(x.tolist())]
    answer = service.post("/predict", json={"instances": rows}).json()
    score = numpy.array([row["prediction"] for row in answer["predictions"]])
    order = generator.permutation(1000)
    for at in range(0, 1000, 100):
        service.post("/labels", json={"labels": [{"id": f"p{i}", "label": str(truth[i])}
                                                 for i in order[at:at + 100]]})
    last = order[-WINDOW:]
    report, exposition = performance(service), scrape(service)
    assert report["window_labels"] == WINDOW and report["total_labels"] == 1000
    since = expected_binary(truth, score)
    for name, number in expected_binary(truth[last], score[last]).items():
        metric = report["metrics"][name]
        assert metric["value"] == pytest.approx(number, rel=1e-12), name
        assert metric["lower"] <= metric["value"] <= metric["upper"]
        assert metric["degraded"] is False
        assert value(exposition, "model_performance", metric=name) == metric["value"]
        assert value(exposition, "model_performance_reference", metric=name) == metric["reference"]["value"]
        for bound in ("lower", "upper"):
            assert value(exposition, "model_performance_interval", metric=name, bound=bound) == metric[bound]
        assert metric["since_start"]["value"] == pytest.approx(since[name], abs=1e-3), name
    assert report["concept_drift"] is False
    positive = report["classes"]["positive"]
    assert positive["precision"]["value"] == report["metrics"]["precision"]["value"]
    assert positive["labels"] == truth[last].sum()
    assert value(exposition, "model_performance_labels") == WINDOW
    assert value(exposition, "model_last_label_timestamp_seconds") > 0


def test_before_the_first_label(service):
    report, exposition = performance(service), scrape(service)
    assert report["reference"] == {"source": "reference", "labels": 1000}
    assert list(report["metrics"]) == CLASSIFICATION
    assert list(report["detectors"]) == DETECTORS
    assert report["labels"]["coverage"] is None and report["labels"]["last_label"] is None
    for name in CLASSIFICATION:
        assert math.isnan(value(exposition, "model_performance", metric=name))
        assert value(exposition, "model_performance_degraded", metric=name) == 0
    for name in DETECTORS:
        assert value(exposition, "model_concept_drift", detector=name) == 0
        assert value(exposition, "model_concept_drift_onsets_total", detector=name) == 0
    assert "model_concept_drift_onset_timestamp_seconds{" not in service.get("/metrics").text
    assert math.isnan(value(exposition, "model_label_coverage_ratio"))


def test_unknown_paths(service):
    assert service.get("/models/nobody/performance").status_code == 404
    assert service.post("/performance", json={}).status_code == 405


# Concept drift

def test_simulated_concept_drift(start_service):
    """The relation flips while the inputs stay: concept drift, and no data drift."""
    import time
    service = start_service()
    simulate(service, 0, 600)
    report = performance(service)
    assert report["concept_drift"] is False and report["degraded"] is False
    assert report["metrics"]["accuracy"]["value"] > 0.7
    before = time.time()
    simulate(service, 1, 500)
    report, status, exposition = performance(service), service.get("/drift/status").json(), scrape(service)
    assert report["concept_drift"] is True and report["degraded"] is True
    assert report["metrics"]["accuracy"]["value"] < 0.4
    assert report["metrics"]["roc_auc"]["degraded"] is True
    assert report["detectors"]["adwin"]["state"] == "drift"
    assert report["detectors"]["adwin"]["alerts"] is True
    onset = pandas.Timestamp(report["detectors"]["adwin"]["onset"]).timestamp()
    assert before - 1 < onset < time.time()
    concept = status["concept_drift"]
    assert concept["detected"] is True and "accuracy" in concept["degraded_metrics"]
    assert concept["detectors"] == report["detectors"]
    assert status["drift_detected"] is False and status["prediction_drift_detected"] is False
    assert value(exposition, "model_concept_drift", detector="adwin") == 2
    assert value(exposition, "model_concept_drift_detected") == 1
    assert value(exposition, "model_concept_drift_onset_timestamp_seconds", detector="adwin") == (
        pytest.approx(onset, abs=1e-3))
    assert value(exposition, "model_performance_degraded", metric="accuracy") == 1
    # Held while it is bad, gone after it is mended.
    simulate(service, 1, 1500)
    assert performance(service)["concept_drift"] is True
    simulate(service, 0, 1500)
    report = performance(service)
    assert report["concept_drift"] is False and report["degraded"] is False
    assert report["detectors"]["adwin"]["state"] == "normal"
    assert report["detectors"]["adwin"]["onset"] is None


def test_concept_drift_from_the_first_label(start_service):
    service = start_service()
    simulate(service, 1, 200)
    assert performance(service)["concept_drift"] is True


def test_simulation_of_a_concept_takes_no_features(service):
    for body in ({"kind": "concept", "features": ["feature_0"]}, {"kind": "concepts"}):
        answer = service.post("/simulate/drift", json=body)
        assert answer.status_code == 422


# Other tasks

MULTICLASS = """models:
  - name: m
    reference: reference.csv
    features: [{name: x}]
    scorer: {type: none, classes: [a, b, c]}
    columns: {prediction: p, label: y}
    labels: {window: 400}
    detectors: [adwin, ddm]
"""


def test_multiclass_reference_without_a_scorer(tmp_path, start_service):
    generator = numpy.random.default_rng(8)
    truth = generator.choice(list("abc"), 500, p=[0.5, 0.3, 0.2])
    predicted = numpy.where(generator.random(500) < 0.7, truth, generator.choice(list("abc"), 500))
    frame = pandas.DataFrame({"x": generator.normal(0, 1, 500), "p": predicted, "y": truth})
    frame.to_csv(tmp_path / "reference.csv", index=False)
    (tmp_path / "c.yml").write_text(MULTICLASS)
    service = start_service("--config", str(tmp_path / "c.yml"))
    report = performance(service)
    assert report["task"] == "multiclass" and list(report["detectors"]) == ["adwin", "ddm"]
    assert list(report["classes"]) == ["a", "b", "c"]
    for name, function in (("precision", metrics.precision_score), ("recall", metrics.recall_score),
                           ("f1", metrics.f1_score)):
        assert report["metrics"][name]["reference"]["value"] == pytest.approx(
            function(truth, predicted, average="macro"), rel=1e-12)
    assert report["metrics"]["roc_auc"]["reference"]["value"] is None


REGRESSION = """models:
  - name: m
    reference: reference.csv
    features: [{name: x}]
    scorer: {type: none, task: regression}
    columns: {prediction: p, label: y}
"""


def test_regression_reference(tmp_path, start_service):
    generator = numpy.random.default_rng(9)
    truth = generator.normal(10, 3, 700)
    predicted = truth + generator.normal(0.2, 1, 700)
    frame = pandas.DataFrame({"x": generator.normal(0, 1, 700), "p": predicted, "y": truth})
    frame.to_csv(tmp_path / "reference.csv", index=False)
    (tmp_path / "c.yml").write_text(REGRESSION)
    service = start_service("--config", str(tmp_path / "c.yml"))
    report = performance(service)
    assert report["task"] == "regression" and report["classes"] == {}
    frame = pandas.read_csv(io.StringIO((tmp_path / "reference.csv").read_text()))
    found = {name: metric["reference"]["value"] for name, metric in report["metrics"].items()}
    assert found == pytest.approx({
        "mae": metrics.mean_absolute_error(frame.y, frame.p),
        "rmse": math.sqrt(metrics.mean_squared_error(frame.y, frame.p)),
        "bias": (frame.p - frame.y).mean(),
        "r2": metrics.r2_score(frame.y, frame.p)}, rel=1e-12)


# Real data

HOUSING = ["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude"]
HOUSING_WINDOW = 1000


def housing_config(folder):
    features = "\n".join(f"      - {{name: {name}}}" for name in HOUSING)
    path = folder / "housing.yml"
    path.write_text(f"""models:
  - name: housing
    reference: {DATA / "california_housing_reference.csv"}
    features:
{features}
    scorer: {{type: none, task: classification, classes: ["0", "1"]}}
    columns: {{id: id, timestamp: timestamp, prediction: y_pred, score: y_pred_proba, label: clf_target}}
    window: {{observations: {HOUSING_WINDOW}}}
    labels: {{window: {HOUSING_WINDOW}}}
""")
    return str(path)


def housing_lines(frame, members):
    import json
    return "\n".join(json.dumps(members(row)) for row in frame.to_dict("records"))


def send_lines(service, path, text):
    answer = service.post(path, data=text, headers={"Content-Type": "application/x-ndjson"})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.skipif(not DATA.is_dir(), reason="the evaluation data is not here")
def test_california_housing(tmp_path, start_service):
    """Predictions through /observe, the truth later through /labels: windows equal scikit-learn's."""
    reference = pandas.read_csv(DATA / "california_housing_reference.csv")
    analysis = pandas.read_csv(DATA / "california_housing_analysis.csv").merge(
        pandas.read_csv(DATA / "california_housing_analysis_gt.csv"), on="id")
    service = start_service("--config", housing_config(tmp_path))
    report = performance(service)
    assert report["reference"] == {"source": "reference", "labels": len(reference)}
    scored = reference.dropna(subset=["y_pred_proba"])
    assert report["metrics"]["roc_auc"]["reference"]["value"] == pytest.approx(
        metrics.roc_auc_score(scored.clf_target, scored.y_pred_proba), rel=1e-12)
    assert report["metrics"]["accuracy"]["reference"]["value"] == pytest.approx(
        metrics.accuracy_score(reference.clf_target, reference.y_pred), rel=1e-12)

    chunk, lag = 500, 1500           # labels come three chunks later
    for at in range(0, len(analysis) + lag, chunk):
        predicted, labelled = analysis[at:at + chunk], analysis[max(0, at - lag):max(0, at - lag + chunk)]
        if len(predicted):
            answer = send_lines(service, "/observe", housing_lines(predicted, lambda row: {
                "id": str(row["id"]), "timestamp": row["timestamp"].replace(" ", "T") + "Z",
                "features": {name: row[name] for name in HOUSING},
                "prediction": row["y_pred"], "score": row["y_pred_proba"]}))
            assert answer["observed"] == len(predicted) and answer["rejected"] == 0, answer
        if not len(labelled):
            continue
        answer = send_lines(service, "/labels", housing_lines(
            labelled.sample(frac=1, random_state=at), lambda row: {"id": str(row["id"]), "label": row["clf_target"]}))
        assert answer["joined"] == len(labelled)
        check_housing_window(performance(service), analysis[:max(0, at - lag) + chunk])
    report = performance(service)
    assert report["total_labels"] == len(analysis)
    assert report["labels"]["joined"] == len(analysis) and report["labels"]["pending"] == 0
    print({name: metric["value"] for name, metric in report["metrics"].items()})


def check_housing_window(report, labelled):
    """Whole chunks are in the window, so their order within a chunk does not matter."""
    window = labelled.tail(report["window_labels"])
    if len(labelled) % 500:
        return                       # the last chunk is shorter: the window starts inside another
    truth, score = window.clf_target.to_numpy(), window.y_pred_proba.to_numpy()
    found = {name: metric["value"] for name, metric in report["metrics"].items()}
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(truth, window.y_pred), rel=1e-12)
    assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth, score), rel=1e-12)
    assert found["log_loss"] == pytest.approx(metrics.log_loss(truth, score), rel=1e-12)
    assert found["brier"] == pytest.approx(metrics.brier_score_loss(truth, score), rel=1e-12)
    assert found["f1"] == pytest.approx(metrics.f1_score(truth, window.y_pred), rel=1e-12)
