"""POST /predict: what callers send, and what they get."""
import concurrent.futures
import math
import random
import re

import numpy
import pytest
import scipy.stats

from raw import Raw, predict
from test_metrics import scrape, value

ROW = [0.5, -0.3, 0.8, 0.2, -0.1]
WEIGHTS = [0.5, -0.3, 0.8, 0.2, -0.6]
NOISE_DEVIATION = 0.1
NAMES = [f"feature_{i}" for i in range(5)]


def logit(p):
    return math.log(p) - math.log1p(-p)


def linear(row):
    return sum(w * x for w, x in zip(WEIGHTS, row))


def test_a_call_of_the_original(start_service):
    answer = start_service().predict(ROW)
    assert set(answer) == {"prediction", "prediction_class", "prediction_id", "drift_detected",
                           "drift_scores", "model", "model_version"}
    assert 0 < answer["prediction"] < 1
    assert answer["prediction_class"] == ("positive" if answer["prediction"] > 0.5 else "negative")
    assert isinstance(answer["prediction_id"], str) and answer["prediction_id"]
    assert answer["drift_detected"] is False
    assert answer["drift_scores"] == {}, "one row is below the minimum sample"
    assert (answer["model"], answer["model_version"]) == ("synthetic", "1")


def test_named_features_in_any_order(start_service):
    """Two services of the same seed: the same numbers by place and by name are the same row."""
    by_place, by_name = start_service(), start_service()
    named = dict(zip(reversed(NAMES), reversed(ROW)))
    assert by_place.predict(ROW)["prediction"] == by_name.predict(named)["prediction"]
    for service in (by_place, by_name):
        window = service.get("/drift/status").json()["features"]
        assert [window[name]["window"]["mean"] for name in NAMES] == ROW


def test_every_form_of_a_batch(service):
    before = service.get("/").json()["recent_samples"]
    named = dict(zip(NAMES, ROW))
    answer = service.post("/predict", json={"instances": [
        ROW, {"features": ROW, "id": "b"}, {"features": named, "id": "c"}, named,
        {"features": ROW}]})
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"predictions", "drift_detected", "drift_scores", "model", "model_version"}
    assert len(body["predictions"]) == 5
    for one in body["predictions"]:
        assert set(one) == {"prediction", "prediction_class", "prediction_id"}
        assert abs(logit(one["prediction"]) - linear(ROW)) < 6 * NOISE_DEVIATION
    assert [p["prediction_id"] for p in body["predictions"]][1:3] == ["b", "c"]
    assert service.get("/").json()["recent_samples"] == before + 5


def test_a_batch_equals_its_rows_one_by_one(start_service):
    rows = [[random.Random(i * 5 + f).gauss(0, 2) for f in range(5)] for i in range(300)]
    batch, single = start_service(), start_service()
    together = batch.post("/predict", json={"instances": rows}).json()
    apart = [single.predict(row) for row in rows]
    assert [p["prediction"] for p in together["predictions"]] == [p["prediction"] for p in apart]
    assert together["drift_scores"] == apart[-1]["drift_scores"]
    statuses = [s.get("/drift/status").json() for s in (batch, single)]
    for status in statuses:
        del status["timestamp"]
        for feature in status["features"].values():
            feature["drifted_since"] = feature["drifted_since"] is not None
            feature.pop("change")  # its budget is in time
    assert statuses[0] == statuses[1]


def test_the_largest_batch(start_service):
    service = start_service()
    answer = service.post("/predict", json={"instances": [ROW] * 10000})
    assert answer.status_code == 200
    predictions = answer.json()["predictions"]
    assert len({p["prediction_id"] for p in predictions}) == 10000
    assert service.get("/").json()["recent_samples"] == 200
    refused = service.post("/predict", json={"instances": [ROW] * 10001})
    assert refused.status_code == 413
    assert "10000" in refused.json()["detail"]
    families = scrape(service)
    assert sum(s.value for s in families["model_predictions"].samples) == 10000


def test_the_largest_batch_in_its_longest_form(start_service):
    """Names, ids and all digits: a body of 2 MB."""
    row = dict(zip(NAMES, [-1.2345678901234567e-123] * 5))
    instances = [{"features": row, "id": f"{i:0128}"} for i in range(10000)]
    answer = start_service().post("/predict", json={"instances": instances})
    assert answer.status_code == 200
    assert [p["prediction_id"] for p in answer.json()["predictions"]] == [i["id"] for i in instances]


def test_ids(service):
    for given in ("a17", "é🎉", "x" * 128, 'quote " \\ \n </script>'):
        answer = service.post("/predict", json={"features": ROW, "id": given})
        assert answer.json()["prediction_id"] == given
    made = {service.predict(ROW)["prediction_id"] for _ in range(50)}
    assert len(made) == 50
    for one in made:
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9]+-[0-9a-f]{16}", one)


def test_ids_differ_from_start_to_start(start_service):
    first, second = start_service(), start_service()
    assert first.predict(ROW)["prediction_id"] != second.predict(ROW)["prediction_id"]


def test_the_formula_and_its_noise(start_service):
    """logit(prediction) minus the weighted sum is normal with mean 0 and deviation 0.1."""
    rng = random.Random(3)
    rows = [[rng.gauss(0, 1) for _ in range(5)] for _ in range(5000)]
    answer = start_service().post("/predict", json={"instances": rows}).json()
    noise = numpy.array([logit(p["prediction"]) - linear(row)
                         for p, row in zip(answer["predictions"], rows)])
    test = scipy.stats.kstest(noise, "norm", (0, NOISE_DEVIATION))
    assert test.pvalue > 1e-4, test  # the seed is fixed: this cannot flicker
    assert abs(numpy.corrcoef(noise[:-1], noise[1:])[0, 1]) < 0.06, "rows next to each other"
    assert abs(numpy.corrcoef(noise, [linear(row) for row in rows])[0, 1]) < 0.06
    for p in answer["predictions"]:
        assert p["prediction_class"] == ("positive" if p["prediction"] > 0.5 else "negative")


def test_the_same_requests_after_a_restart(start_service):
    rows = [[float(i % 7 - f) for f in range(5)] for i in range(80)]
    runs = []
    for _ in range(2):
        service = start_service()
        answers = [service.predict(row) for row in rows]
        runs.append([(a["prediction"], a["drift_scores"], a["drift_detected"]) for a in answers])
        assert service.stop() == 0
    assert runs[0] == runs[1]


def test_extreme_numbers(start_service):
    service = start_service()
    rows = [[1.7976931348623157e308, -1.7976931348623157e308, 1e308, 1e308, -1e308],
            [-1.7976931348623157e308, 1.7976931348623157e308, -1e308, -1e308, 1e308],
            [5e-324, -5e-324, 0.0, -0.0, 2.2250738585072014e-308],
            [9007199254740993, -9007199254740993, 10**300, -(10**300), 1]]
    seen = [service.predict(row)["prediction"] for row in rows]
    assert seen[0] == 1 and seen[1] == 0
    assert all(0 <= p <= 1 for p in seen)
    for row in rows * 20:
        service.predict(row)
    status = service.get("/drift/status").json()  # strict JSON: no NaN or Infinity
    assert status["overall_drift"] == "Severe drift"
    assert scrape(service)


def test_pipelined_requests_are_answered_in_order(service):
    with Raw(service.url) as connection:
        connection.send(b"".join(
            predict('{"features": %s, "id": "%d"}' % (ROW, i)) for i in range(200)))
        for i in range(200):
            answer = connection.receive()
            assert (answer.status, answer.json()["prediction_id"]) == (200, str(i))


def test_a_model_by_name_is_the_same_model(start_service):
    service = start_service()
    for path in ("/predict", "/models/synthetic/predict", "/models/%73ynthetic/predict"):
        answer = service.post(path, json={"features": ROW})
        assert answer.status_code == 200 and answer.json()["model"] == "synthetic"
    assert service.get("/models/synthetic/drift/status").json()["window_observations"] == 3
    unknown = service.post("/models/nobody/predict", json={"features": ROW})
    assert unknown.status_code == 404 and '"nobody"' in unknown.json()["detail"]
    assert service.get("/models/nobody/drift/status").status_code == 404
    assert service.post("/models/nobody/simulate/drift").status_code == 404
    assert service.get("/").json()["recent_samples"] == 3


def hammer(service, worker, count):
    """Requests of one client; what it sent and what it got."""
    rng = random.Random(worker)
    sent, rows = {"single": 0, "rows": 0, "refused": 0}, []
    with Raw(service.url, timeout=60) as connection:
        for i in range(count):
            row = [rng.uniform(-3, 3) for _ in range(5)]
            kind = i % 10
            if kind == 7:
                connection.send(predict('{"features": [1, 2, 3]}'))
                assert connection.receive().status == 422
                sent["refused"] += 1
                continue
            if kind == 3:
                ids = [f"{worker}-{i}-{k}" for k in range(20)]
                connection.send(predict('{"instances": [%s]}' % ", ".join(
                    '{"features": %s, "id": "%s"}' % (row, one) for one in ids)))
                predictions = connection.receive().json()["predictions"]
                assert [p["prediction_id"] for p in predictions] == ids
            else:
                connection.send(predict('{"features": %s, "id": "%d-%d"}' % (row, worker, i)))
                predictions = [connection.receive().json()]
                assert predictions[0]["prediction_id"] == f"{worker}-{i}"
            for p in predictions:
                rows.append((row, p["prediction"]))
                assert abs(logit(p["prediction"]) - linear(row)) < 6 * NOISE_DEVIATION
            sent["single"] += 1
            sent["rows"] += len(predictions)
    return sent, rows


def test_sixteen_clients_at_once(start_service):
    """Every answer belongs to its own request, and the totals are what was sent."""
    service = start_service("--threads", "4")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda w: hammer(service, w, 100), range(16)))
    families = scrape(service)
    rows = sum(sent["rows"] for sent, _ in results)
    scored = [pair for _, pairs in results for pair in pairs]
    assert len(scored) == rows
    positive = sum(p > 0.5 for _, p in scored)
    labels = {"model": "synthetic", "prediction_class": "positive"}
    assert value(families, "model_predictions_total", **labels) == positive
    labels["prediction_class"] = "negative"
    assert value(families, "model_predictions_total", **labels) == rows - positive
    assert value(families, "model_prediction_latency_seconds_count", model="synthetic") == rows
    route = {"method": "POST", "handler": "/predict"}
    assert value(families, "http_requests_total", code="200", **route) == sum(
        sent["single"] for sent, _ in results)
    assert value(families, "http_requests_total", code="422", **route) == sum(
        sent["refused"] for sent, _ in results)
    # The noise of a prediction belongs to its number alone: each was used once.
    noise = sorted(round(logit(p) - linear(row), 9) for row, p in scored)
    alone = start_service()
    answer = alone.post("/predict", json={"instances": [[0, 0, 0, 0, 0]] * rows}).json()
    expected = sorted(round(logit(p["prediction"]), 9) for p in answer["predictions"])
    assert noise == pytest.approx(expected, abs=1e-8)


def test_the_window_holds_the_newest_rows_whoever_sent_them(start_service):
    """Many clients send, then one fills the window: nothing of the others is left."""
    service = start_service("--threads", "4")

    def disturb(worker):
        with Raw(service.url, timeout=60) as connection:
            for _ in range(100):
                connection.send(predict('{"features": [%d, 100, -100, 5, 5]}' % worker))
                assert connection.receive().status == 200

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(disturb, range(8)))
    rng = random.Random(8)
    rows = [[rng.gauss(0, 1) for _ in range(5)] for _ in range(200)]
    last = service.post("/predict", json={"instances": rows}).json()
    alone = start_service()
    assert alone.post("/predict", json={"instances": rows}).json()["drift_scores"] == \
        last["drift_scores"]
