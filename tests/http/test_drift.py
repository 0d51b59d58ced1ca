"""Drift over HTTP: status words, scores against SciPy, onsets, simulation."""
import csv
import fractions
import math
import random
import re
import subprocess

import numpy
import pytest
import scipy.special
import scipy.stats

import oracles
from conftest import BINARY, inputs
from test_metrics import scrape, series, value

NAMES = [f"feature_{i}" for i in range(5)]
WINDOW = 200


def generate(*arguments):
    """Rows of `model-service generate`."""
    out = subprocess.run([BINARY, "generate", *map(str, arguments)], check=True, text=True,
                         capture_output=True, timeout=60).stdout.splitlines()
    assert out[0] == ",".join(NAMES)
    return numpy.array([[float(x) for x in line.split(",")] for line in out[1:]])


def send(service, rows, path="/predict"):
    answer = service.post(path, json={"instances": rows.tolist()})
    assert answer.status_code == 200, answer.text
    return answer.json()


def status(service, path="/drift/status"):
    answer = service.get(path)
    assert answer.status_code == 200
    return answer.json()


def write_config(folder, models):
    """models: name -> (reference array, keyword settings as YAML text)."""
    text = "models:\n"
    for name, (reference, settings) in models.items():
        with open(folder / f"{name}.csv", "w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(NAMES[:reference.shape[1]])
            writer.writerows([[repr(float(x)) for x in row] for row in reference])
        features = ", ".join("{name: %s, type: numeric}" % n for n in NAMES[:reference.shape[1]])
        text += f"""  - name: {name}
    version: "7"
    reference: {name}.csv
    features: [{features}]
    scorer: {{type: logistic, intercept: 0.5, weights: [{{feature: feature_0, weight: 2}}]}}
"""
        text += "".join(f"    {line}\n" for line in settings)
    path = folder / "models.yml"
    path.write_text(text)
    return str(path)


def histograms(reference, window, bins=10):
    """Counts of both in the frozen deciles of a reference without ties."""
    ordered = numpy.sort(reference)
    assert len(set(ordered)) == len(ordered) and len(ordered) % bins == 0
    edges = ordered[len(ordered) // bins - 1::len(ordered) // bins][:-1]
    return [numpy.bincount(numpy.searchsorted(edges, x, side="left"), minlength=bins)
            for x in (reference, window)]


def psi(reference, window):
    """Shares of at least 1e-4 on both sides."""
    p, q = (numpy.maximum(c / c.sum(), 1e-4) for c in histograms(reference, window))
    return float(((p - q) * numpy.log(p / q)).sum())


def holm(p_values, alpha):
    """Those of the tests that are significant."""
    significant = set()
    for i, key in enumerate(sorted(p_values, key=p_values.get)):
        if p_values[key] > alpha / (len(p_values) - i):
            break
        significant.add(key)
    return significant


def key(name, **labels):
    return name, tuple(sorted(labels.items()))


def test_the_words_through_a_whole_cycle(start_service):
    service = start_service()
    assert status(service)["overall_drift"] == "insufficient_data"
    normal = generate("--rows", 1000, "--seed", 5)
    send(service, normal[:49])
    seen = status(service)
    assert seen["overall_drift"] == "insufficient_data" and seen["feature_drift_scores"] == {}
    assert seen["drift_detected"] is False and seen["window_observations"] == 49
    assert send(service, normal[49:50])["drift_scores"].keys() == set(NAMES)
    assert status(service)["overall_drift"] == "No drift"
    send(service, normal[50:300])
    assert status(service)["overall_drift"] == "No drift"

    answer = service.post("/simulate/drift?severity=1&n_requests=200").json()
    assert answer["status"] == "drift_simulated"
    seen = status(service)
    assert seen["overall_drift"] == "Severe drift" and seen["drift_detected"] is True
    drifted = {n for n, f in inputs(seen).items() if f["drifted"]}
    assert drifted == {"feature_0", "feature_1", "feature_2"}
    assert send(service, normal[:1])["drift_detected"] is True

    send(service, normal[300:700])
    seen = status(service)
    assert seen["overall_drift"] == "No drift" and seen["drift_detected"] is False
    assert not any(f["drifted"] or f["drifted_since"] for f in inputs(seen).values())


def test_words_in_between(start_service):
    """The word is that of the largest score with evidence."""
    words = set()
    for severity in numpy.arange(0, 0.8, 0.05):
        service = start_service()
        send(service, generate("--rows", 300, "--seed", 9, "--severity", severity))
        seen = status(service)
        largest = max([m["score"] for f in inputs(seen).values()
                       for m in f["methods"].values() if m["significant"]], default=0)
        expected = ("No drift" if largest < 0.1 else "Minor drift" if largest < 0.25 else
                    "Moderate drift" if largest < 0.5 else "Severe drift")
        assert seen["overall_drift"] == expected
        words.add(expected)
        service.stop()
    assert words >= {"No drift", "Moderate drift", "Severe drift"}


def test_shape_of_the_status(start_service):
    service = start_service()
    for rows in (0, 10, 100):
        if rows:
            send(service, generate("--rows", rows))
        seen = status(service)
        assert set(seen) == {
            "model", "model_version", "overall_drift", "drift_detected", "prediction_drift_detected",
            "feature_drift_scores",
            "threshold", "critical_threshold", "significance", "false_page_budget_seconds", "timestamp", "window_observations",
            "minimum_sample", "reference_samples", "features", "concept_drift", "streams"}
        assert (seen["threshold"], seen["critical_threshold"]) == (0.3, 0.5)
        assert 0 < seen["significance"] <= 0.001 and seen["minimum_sample"] == 50
        assert seen["reference_samples"] == 1000
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", seen["timestamp"])
        assert list(inputs(seen)) == NAMES
        for feature in inputs(seen).values():
            assert set(feature) == {
                "type", "prediction", "drifted", "drifted_since", "change", "methods", "window_size", "effective_size",
                "reference_size",
                "missing", "unseen", "infinite", "out_of_range", "thresholds", "window", "reference"}
            assert set(feature["methods"]) == {"ks_test", "psi"}
            for method in feature["methods"].values():
                assert set(method) == {"score", "threshold", "p_value", "significant", "drifted"}
                assert (method["score"] is None) == (seen["window_observations"] < 50)
            for side in ("window", "reference"):
                assert set(feature[side]) == {"mean", "std", "min", "max"}
            assert feature["reference"]["mean"] is not None
    assert service.get("/models/synthetic/drift/status").json().keys() == seen.keys()


@pytest.mark.parametrize("severity", [0, 0.3, 1])
def test_scores_are_scipys(tmp_path, start_service, severity):
    reference = generate("--rows", 1000, "--seed", 77)
    rows = generate("--rows", 333, "--seed", 78, "--severity", severity)
    service = start_service("--config", write_config(
        tmp_path, {"m": (reference, [f"window: {{observations: {WINDOW}}}"])}))
    begin = 0
    for end in (60, 150, 200, 201, 333):
        answer = send(service, rows[begin:end])
        begin = end
        check_scores(service, answer, reference, rows[max(0, end - WINDOW):end])


def check_scores(service, answer, reference, window):
    seen, exported = status(service), series(scrape(service))
    n, m = len(reference), len(window)
    evidence = {}
    for f, name in enumerate(NAMES):
        ref, cur, report = reference[:, f], window[:, f], seen["features"][name]["methods"]
        ks = scipy.stats.ks_2samp(ref, cur).statistic
        assert report["ks_test"]["score"] == pytest.approx(ks, abs=1e-12), name
        assert report["psi"]["score"] == pytest.approx(psi(ref, cur), abs=1e-12), name
        ks_p = (scipy.stats.ks_2samp(ref, cur, mode="exact").pvalue,
                scipy.special.kolmogorov(math.sqrt(n * m / (n + m)) * ks))
        assert any(report["ks_test"]["p_value"] == pytest.approx(p, rel=1e-6, abs=1e-290) for p in ks_p)
        # The limit of PSI, and not less than the test of the same bins.
        psi_p = max(scipy.stats.chi2.sf(psi(ref, cur) / (1 / n + 1 / m), 9),
                    oracles.homogeneity_p(*histograms(ref, cur)))
        assert report["psi"]["p_value"] == pytest.approx(psi_p, rel=1e-6, abs=1e-300)
        for method in ("ks_test", "psi"):
            evidence[name, method] = report[method]["p_value"]
        for method, one in report.items():
            labels = {"model": "m", "feature": name, "method": method}
            assert exported[key("model_drift_score", **labels)] == one["score"]
            assert exported[key("model_drift_p_value", **labels)] == one["p_value"]
            assert exported[key("model_drift_significant", **labels)] == one["significant"]
        assert answer["drift_scores"][name] == report["ks_test"]["score"]
        assert seen["feature_drift_scores"][name] == report["ks_test"]["score"]
        check_moments(exported, name, seen["features"][name], ref, cur)
    significant = holm(evidence, seen["significance"])
    for name, method in evidence:
        one = seen["features"][name]["methods"][method]
        assert one["significant"] == ((name, method) in significant)
        assert one["drifted"] == (one["significant"] and one["score"] > 0.3)
    assert answer["drift_detected"] == seen["drift_detected"] == any(
        one["drifted"] for f in inputs(seen).values() for one in f["methods"].values())


def check_moments(exported, name, feature, reference, window):
    side, base = feature["window"], feature["reference"]
    # The exact mean, rounded once: independent of order and of what has left the window.
    assert side["mean"] == float(sum(map(fractions.Fraction, window)) / len(window))
    assert side["std"] == pytest.approx(window.std(ddof=1), rel=1e-12)
    assert (side["min"], side["max"]) == (window.min(), window.max())
    assert base["mean"] == pytest.approx(reference.mean(), rel=1e-12)
    assert base["std"] == pytest.approx(reference.std(ddof=1), rel=1e-12)
    for metric, number in (("mean", side["mean"]), ("std", side["std"]),
                           ("reference_mean", base["mean"]), ("reference_std", base["std"])):
        assert exported[key("model_feature_" + metric, model="m", feature=name)] == number


def test_no_alarm_without_drift(start_service):
    """Forty services on clean traffic, from the first judged row to a full window and beyond."""
    for seed in range(1000, 1040):
        service = start_service()
        rows = generate("--rows", 300, "--seed", seed)
        for begin, end in [(0, 50), *((n, n + 10) for n in range(50, 300, 10))]:
            assert send(service, rows[begin:end])["drift_detected"] is False, (seed, end)
        assert status(service)["overall_drift"] in ("No drift", "Minor drift")
        service.stop()


def test_the_built_in_reference_is_what_generate_draws(start_service):
    """Rows without drift lie where the reference does: a large sample's moments."""
    rows = generate("--rows", 100000, "--seed", 2)
    seen = status(start_service())["features"]
    for f, name in enumerate(NAMES):
        mean, std = seen[name]["reference"]["mean"], seen[name]["reference"]["std"]
        assert abs(mean - rows[:, f].mean()) < 5 * std / math.sqrt(1000)
        assert std == pytest.approx(rows[:, f].std(), rel=0.12)
        assert -1.2 < rows[:, f].mean() < 1.2 and 0.5 < rows[:, f].std() < 2


def test_onsets_are_counted_once(start_service):
    service = start_service()

    def onsets():
        families = scrape(service)
        return [value(families, "drift_alerts_total", model="synthetic", severity=s)
                for s in ("warning", "critical")]

    normal = generate("--rows", 1200, "--seed", 21)
    send(service, normal[:250])
    assert onsets() == [0, 0]
    service.post("/simulate/drift?severity=1&n_requests=200")
    once = onsets()
    assert once[0] == 3 and 1 <= once[1] <= 3
    for _ in range(5):
        service.post("/simulate/drift?severity=1&n_requests=200")
        scrape(service), status(service)
    assert onsets() == once, "drift that stays is no new onset"
    send(service, normal[250:600])
    assert status(service)["overall_drift"] == "No drift" and onsets() == once
    service.post("/simulate/drift?severity=1&n_requests=200")
    assert onsets()[0] == 6


def test_a_drift_has_a_beginning(start_service):
    service = start_service()
    service.post("/simulate/drift?severity=1&n_requests=200")
    first = status(service)["features"]["feature_0"]
    assert first["drifted"] is True
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["drifted_since"])
    service.post("/simulate/drift?severity=1&n_requests=100")
    assert status(service)["features"]["feature_0"]["drifted_since"] == first["drifted_since"]
    assert status(service)["features"]["feature_4"]["drifted_since"] is None


def test_simulation_as_callers_of_the_original_do(start_service):
    service = start_service()
    answer = service.post("/simulate/drift?severity=0.7&n_requests=150")
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "drift_simulated"
    assert (body["severity"], body["n_requests"]) == (0.7, 150)
    assert "150" in body["message"] and "0.7" in body["message"]
    families = scrape(service)
    assert value(families, "model_simulated_predictions_total", model="synthetic") == 150
    assert sum(s.value for s in families["model_predictions"].samples) == 150
    assert value(families, "model_window_observations", model="synthetic") == 150


@pytest.mark.parametrize("query, body, expected", [
    ("", None, (0.5, 100)), ("", "", (0.5, 100)), ("", "{}", (0.5, 100)),
    ("?severity=0.25", '{"severity": 0.75, "n_requests": 7}', (0.25, 7)),
    ("?n_requests=3", '{"severity": 0.75, "n_requests": 7}', (0.75, 3)),
    ("", '{"severity": null, "n_requests": null, "features": null, "kind": null}', (0.5, 100)),
    ("?severity=0", None, (0, 100)), ("?severity=-0", None, (0, 100)), ("?severity=1", None, (1, 100)),
    ("?severity=5e-1", None, (0.5, 100)), ("?n_requests=1", None, (0.5, 1)),
    ("", '{"n_requests": 1e3}', (0.5, 1000)), ("", '{"severity": -0}', (0, 100)),
    ("?features=feature_3,feature_4&kind=scaled", None, (0.5, 100)),
], ids=range(14))
def test_simulation_parameters(service, query, body, expected):
    answer = service.post("/simulate/drift" + query, data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["severity"], answer.json()["n_requests"]) == expected
    assert "-0" not in answer.text


def test_the_longest_simulation(service):
    before = value(scrape(service), "model_simulated_predictions_total", model="synthetic")
    assert service.post("/simulate/drift?n_requests=100000&severity=0").status_code == 200
    assert value(scrape(service), "model_simulated_predictions_total", model="synthetic") == \
        before + 100000


@pytest.mark.parametrize("kind, moved, wider", [("mixed", 2, 1.5), ("shifted", 2, 1), ("scaled", 0, 3)])
def test_kinds_of_drift_do_what_they_say(start_service, kind, moved, wider):
    """severity 1 on one feature: its mean moves by 2 deviations, its deviation grows by the factor."""
    rows = numpy.array(generate("--rows", 50000, "--seed", 6, "--severity", 1, "--kind", kind))
    plain = numpy.array(generate("--rows", 50000, "--seed", 6))
    for f in range(5):
        drifts = f < 3
        deviation = plain[:, f].std()
        assert rows[:, f].mean() == pytest.approx(
            plain[:, f].mean() + (moved * deviation if drifts else 0), abs=0.05 * deviation)
        assert rows[:, f].std() == pytest.approx(deviation * (wider if drifts else 1), rel=0.03)
    service = start_service()
    service.post(f"/simulate/drift?severity=1&n_requests=200&features=feature_4&kind={kind}")
    seen = status(service)["features"]
    assert [n for n in NAMES if seen[n]["drifted"]] == ["feature_4"]
    scale = seen["feature_4"]["reference"]["std"]
    shift = seen["feature_4"]["window"]["mean"] - seen["feature_4"]["reference"]["mean"]
    assert shift / scale == pytest.approx(moved, abs=5 * wider / math.sqrt(200))
    assert seen["feature_4"]["window"]["std"] / scale == pytest.approx(wider, rel=0.3)


def test_simulation_without_drift_is_none(start_service):
    """Ten windows of simulated traffic of severity 0: no alarm."""
    service = start_service()
    for _ in range(10):
        service.post("/simulate/drift?severity=0&n_requests=200")
        assert status(service)["drift_detected"] is False
    families = scrape(service)
    for severity in ("warning", "critical"):
        assert value(families, "drift_alerts_total", model="synthetic", severity=severity) == 0


def test_two_models_do_not_mix(tmp_path, start_service):
    reference = generate("--rows", 500, "--seed", 31)
    service = start_service("--config", write_config(tmp_path, {
        "first": (reference, ["simulation: true"]),
        "second": (reference[:, :2] + 10, ["minimum_sample: 20", "window: {observations: 40}",
                                           "thresholds: {warning: 0.2, critical: 0.6}"]),
    }))
    assert service.get("/").json()["models"] == ["first", "second"]
    assert service.predict([0, 1, 2, 3, 4])["model"] == "first"
    rows = generate("--rows", 60, "--seed", 32)
    answer = send(service, rows[:, :2] + 10, "/models/second/predict")
    assert (answer["model"], answer["model_version"]) == ("second", "7")
    assert set(answer["drift_scores"]) == {"feature_0", "feature_1"}
    first, second = status(service), status(service, "/models/second/drift/status")
    assert status(service, "/models/first/drift/status")["window_observations"] == 1
    assert (first["window_observations"], second["window_observations"]) == (1, 40)
    assert (second["threshold"], second["critical_threshold"], second["minimum_sample"]) == (0.2, 0.6, 20)
    assert list(inputs(second)) == NAMES[:2]
    families = scrape(service)
    for model, total in (("first", 1), ("second", 60)):
        assert sum(s.value for s in families["model_predictions"].samples
                   if s.labels["model"] == model) == total
    assert value(families, "model_drift_threshold", model="second", severity="warning") == 0.2
    assert service.post("/models/second/predict", json={"features": [0] * 5}).status_code == 422
    refused = service.post("/models/second/simulate/drift")
    assert refused.status_code == 403 and "simulation: true" in refused.json()["detail"]
    assert service.post("/models/first/simulate/drift?n_requests=10").json()["model"] == "first"
    assert service.post("/simulate/drift?n_requests=10").json()["model"] == "first"
    assert status(service)["window_observations"] == 21
    # The configured scorer is the plain logistic function, without noise.
    score = service.post("/predict", json={"features": [0.7, 9, 9, 9, 9]}).json()["prediction"]
    assert score == pytest.approx(scipy.special.expit(0.5 + 2 * 0.7), rel=1e-15)


def test_simulation_of_a_configured_model(tmp_path, start_service):
    """Rows are drawn from its reference; at severity 0 they are rows of it."""
    reference = generate("--rows", 500, "--seed", 41)
    service = start_service("--config", write_config(tmp_path, {"m": (reference, ["simulation: true"])}))
    service.post("/simulate/drift?severity=0&n_requests=1000")
    seen = status(service)
    assert seen["drift_detected"] is False
    for f, name in enumerate(NAMES):
        side = seen["features"][name]["window"]
        assert side["min"] in reference[:, f] and side["max"] in reference[:, f]
    service.post("/simulate/drift?severity=1&n_requests=1000&features=feature_2")
    assert [n for n, f in inputs(status(service)).items() if f["drifted"]] == ["feature_2"]


def test_ties_and_constants(tmp_path, start_service):
    """A reference of few values, a constant, and windows of the same: KS as SciPy counts ties."""
    rng = random.Random(2)
    reference = numpy.array([[rng.choice([0, 0, 0, 1, 2.5]), 3.0, rng.randrange(4)] for _ in range(400)])
    rows = numpy.array([[rng.choice([0, 1, 2.5, 7]), rng.choice([3.0, 3.0, 4.0]), rng.randrange(5)]
                        for _ in range(120)])
    service = start_service("--config", write_config(tmp_path, {"m": (reference, [])}))
    answer = send(service, rows)
    for f, name in enumerate(NAMES[:3]):
        truth = scipy.stats.ks_2samp(reference[:, f], rows[:, f]).statistic
        assert answer["drift_scores"][name] == pytest.approx(truth, abs=1e-12)


@pytest.mark.parametrize("threshold", ["0.05", "0.2", "0.49"])
def test_the_environment_sets_the_threshold(start_service, threshold):
    service = start_service(environment={"DRIFT_THRESHOLD": threshold})
    assert service.get("/").json()["drift_threshold"] == float(threshold)
    assert status(service)["threshold"] == float(threshold)
    assert value(scrape(service), "model_drift_threshold", model="synthetic",
                 severity="warning") == float(threshold)
