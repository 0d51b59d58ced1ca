"""POST /observe: predictions that another server made, one by one, in batches and as lines."""
import json
import pathlib
import re
import subprocess
import threading
import time

import numpy
import pytest

from conftest import BINARY, inputs, wait_for
from raw import Raw, request
from test_metrics import scrape, value

LINES = {"Content-Type": "application/x-ndjson"}
WINDOW = 500
ROWS = 3000

CONFIG = """models:
  - name: outside
    reference: reference.csv
    features:
      - {name: age, type: numeric}
      - {name: sex, type: categorical}
      - {name: fare, type: numeric}
    scorer: {type: none}
    columns: {prediction: prediction, score: score}
    window: {observations: 500}
    minimum_sample: 50
  - name: prices
    reference: reference.csv
    features: [{name: age, type: numeric}, {name: sex, type: categorical}]
    scorer: {type: none, task: regression}
    columns: {prediction: fare}
    window: {observations: 500}
"""


def table(seed, rows, drifted_predictions=False):
    """(age, sex, fare, prediction, score) of each row; about a tenth of age and sex is missing."""
    random = numpy.random.default_rng(seed)
    score = random.beta(5, 2, rows) if drifted_predictions else random.beta(2, 5, rows)
    return [(None if random.random() < 0.1 else round(random.normal(40, 12), 2),
             None if random.random() < 0.1 else random.choice(["male", "female", "f 2"]),
             round(random.exponential(30), 3), "yes" if s > 0.5 else "no", round(s, 4))
            for s in score]


def csv_of(rows):
    text = "age,sex,fare,prediction,score\n"
    for row in rows:
        text += ",".join("" if v is None else str(v) for v in row) + "\n"
    return text


def observation(row, **more):
    return {"features": {"age": row[0], "sex": row[1], "fare": row[2]}, "prediction": row[3],
            "score": row[4], **more}


def lines_of(rows):
    return "".join(json.dumps(observation(row)) + "\n" for row in rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("observe")
    (path / "reference.csv").write_text(csv_of(table(1, ROWS)))
    (path / "models.yml").write_text(CONFIG)
    return path


@pytest.fixture
def outside(folder, start_service):
    return start_service("--config", str(folder / "models.yml"))


def metric(service, name, **labels):
    labels.setdefault("model", "outside")
    return value(scrape(service), name, **labels)


def taken(answer, observed, rejected=0, model="outside"):
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["model"] == model
    assert (body["observed"], body["rejected"]) == (observed, rejected), body
    assert len(body["errors"]) == min(rejected, 100)
    return body


def refused(answer, status, *words):
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    for word in words:
        assert word in answer.json()["detail"]
    return answer.json()["detail"]


# --- forms ---

def test_single(outside):
    body = taken(outside.post("/observe", json={
        "features": {"age": 31, "sex": "male", "fare": 7.25}, "prediction": "yes", "score": 0.93,
        "id": "a17", "timestamp": "2026-01-31T12:00:00Z"}), 1)
    assert body == {"model": "outside", "observed": 1, "rejected": 0, "errors": [],
                    "drift_detected": False}
    taken(outside.post("/observe", json={"features": [31, "female", 7.25]}), 1)
    taken(outside.post("/models/outside/observe", json={"features": {}}), 1)
    assert metric(outside, "model_observations_total") == 3
    assert metric(outside, "model_predictions_total", prediction_class="yes") == 1
    assert metric(outside, "model_predictions_total", prediction_class="no") == 0
    status = outside.get("/drift/status").json()
    assert status["window_observations"] == 3
    assert status["features"]["prediction"]["window_size"] == 1  # those that were told


def test_a_score_stands_for_its_class(outside):
    taken(outside.post("/observe", json={"features": {}, "score": 0.7}), 1)
    taken(outside.post("/observe", json={"features": {}, "score": 0.2}), 1)
    assert metric(outside, "model_predictions_total", prediction_class="yes") == 1
    assert metric(outside, "model_predictions_total", prediction_class="no") == 1


def test_classes_that_the_model_does_not_have(outside):
    for prediction in ("maybe", 2):
        taken(outside.post("/observe", json={"features": {}, "prediction": prediction}), 1)
    refused(outside.post("/observe", json={"features": {}, "prediction": True}), 422, '"prediction" must name a class')
    assert metric(outside, "model_predictions_total", prediction_class="__other__") == 2


def test_batch(outside):
    instances = [observation(row) for row in table(2, 20)]
    instances[3] = {"features": {"agee": 1}}
    instances[7] = [1, 2, 3]
    body = taken(outside.post("/observe", json={"instances": instances}), 18, 2)
    assert [error["instance"] for error in body["errors"]] == [3, 7]
    assert "agee" in body["errors"][0]["detail"]
    assert metric(outside, "model_observations_total") == 18
    assert metric(outside, "model_observations_rejected_total") == 2


def test_lines(outside):
    good = [json.dumps(observation(row)) for row in table(2, 4)]
    text = "\n".join([good[0], "", good[1] + "\r", "{", "  ", '{"features": {"age": "old"}}', good[2],
                      '{"features": {}, "lable": "yes"}', good[3]])
    body = taken(outside.post("/observe", data=text, headers=LINES), 4, 3)
    assert body["errors"] == [
        {"line": 4, "detail": "malformed JSON at column 1: string or '}' expected near end of file"},
        {"line": 6, "detail": 'feature "age" must be a finite number, got "old"'},
        {"line": 8, "detail": 'unknown member "lable"; an observation has features, prediction, '
                              'score, id, timestamp, label'}]
    assert metric(outside, "model_observations_total") == 4
    assert metric(outside, "model_observations_rejected_total") == 3


@pytest.mark.parametrize("content_type", ["application/ndjson", "application/jsonl; charset=utf-8",
                                          "Application/X-NDJSON"])
def test_names_of_the_content_type(outside, content_type):
    taken(outside.post("/observe", data='{"features": {}}\n{"features": {}}',
                       headers={"Content-Type": content_type}), 2)


def test_the_first_hundred_errors_are_listed_and_all_counted(outside):
    text = '{"features": {}}\n' + "nonsense\n" * 5000
    body = taken(outside.post("/observe", data=text, headers=LINES), 1, 5000)
    assert [error["line"] for error in body["errors"]] == list(range(2, 102))
    assert metric(outside, "model_observations_rejected_total") == 5000


def test_a_line_that_is_too_long_is_skipped(outside):
    text = b'{"features": {}}\n{"id": "' + b"x" * (3 << 20) + b'"}\n{"features": {}}\n'
    body = taken(outside.post("/observe", data=text, headers=LINES), 2, 1)
    assert body["errors"] == [{"line": 2, "detail": "the line is longer than 1 MiB"}]


def test_refusals(outside):
    refused(outside.post("/observe", data="", headers=LINES), 422, "no line")
    refused(outside.post("/observe", data="\n \n", headers=LINES), 422, "no line")
    refused(outside.post("/observe", data="{\n", headers=LINES), 422, "malformed JSON at column 1")
    refused(outside.post("/observe", data="\n{\n[]", headers=LINES), 422, "none of 2 lines", "line 2: ")
    refused(outside.post("/observe", json={"instances": [{}, {}]}), 422, "none of 2 instances",
            'instance 0: "features" is missing')
    refused(outside.post("/observe", json={"instances": []}), 422, "empty")
    refused(outside.post("/observe", json={"features": {"age": "x"}}), 422, "age")
    refused(outside.post("/observe", data="{", headers={"Content-Type": "application/json"}), 400,
            "line 1, column 1")
    refused(outside.post("/observe", json={"instances": [{"features": {}}] * 10001}), 413, "10001")
    refused(outside.post("/observe", data="age\n3\n", headers={"Content-Type": "text/csv"}), 415)
    for headers in (LINES, {"Content-Type": "application/json"}):
        refused(outside.post("/models/none/observe", data='{"features": {}}', headers=headers), 404,
                'no model "none"')
    assert outside.get("/observe").status_code == 405
    assert metric(outside, "model_observations_total") == 0


def test_a_built_in_model_takes_observations(service):
    answer = service.post("/observe", json={"features": [0, 0, 0, 0, None], "score": 0.3})
    taken(answer, 1, model="synthetic")


def test_regression(outside):
    path = "/models/prices/observe"
    for prediction in (12.5, "12.5", "1e1"):
        taken(outside.post(path, json={"features": {"age": 3}, "prediction": prediction}), 1, model="prices")
    refused(outside.post(path, json={"features": {}, "prediction": "cheap"}), 422, "cheap", "regression")
    assert metric(outside, "model_predictions_total", model="prices", prediction_class="value") == 3
    assert metric(outside, "model_observations_rejected_total", model="prices") == 1
    taken(outside.post(path, json={"features": {}}), 1, model="prices")
    assert metric(outside, "model_predictions_total", model="prices", prediction_class="value") == 3


# --- what is in a row ---

def test_missing_infinite_unseen_and_out_of_range_are_counted(outside):
    rows = [{"age": None, "sex": None, "fare": 1}, {"age": "NaN", "sex": "", "fare": 1e9},
            {"sex": "NA", "fare": "Infinity"}, {"age": 30, "sex": "other", "fare": "-Infinity"},
            {"age": -5, "sex": 7, "fare": 1}, {"age": 30, "sex": True, "fare": 1},
            {"age": 30, "sex": "null", "fare": 1}]
    text = "\n".join(json.dumps({"features": row}) for row in rows)
    taken(outside.post("/observe", data=text, headers=LINES), len(rows))
    families = scrape(outside)
    def count(kind, feature):
        return value(families, f"model_feature_{kind}_total", model="outside", feature=feature)
    assert (count("missing", "age"), count("missing", "sex"), count("missing", "fare")) == (3, 4, 0)
    assert (count("infinite", "age"), count("infinite", "fare")) == (0, 2)
    assert count("unseen", "sex") == 3
    assert (count("out_of_range", "age"), count("out_of_range", "fare")) == (1, 1)
    features = outside.get("/drift/status").json()["features"]
    assert (features["age"]["missing"]["total"], features["sex"]["missing"]["total"]) == (3, 4)
    assert features["sex"]["unseen"]["total"] == 3 and features["fare"]["infinite"]["total"] == 2
    assert features["age"]["out_of_range"]["total"] == 1


def test_numbers_are_categories_in_their_shortest_form(tmp_path, start_service):
    (tmp_path / "r.csv").write_text("code\n" + "1\n2\n0.5\n" * 50)
    (tmp_path / "m.yml").write_text("""models: [{name: codes, reference: r.csv, scorer: {type: none},
        features: [{name: code, type: categorical}]}]""")
    service = start_service("--config", str(tmp_path / "m.yml"))
    text = "".join(f'{{"features": {{"code": {code}}}}}\n'
                   for code in ('"1"', "1", "1.0", "1e0", "2", "5e-1", '"0.5"', "3", '"1.0"'))
    taken(service.post("/observe", data=text, headers=LINES), 9, model="codes")
    assert metric(service, "model_feature_unseen_total", model="codes", feature="code") == 2


def test_words_for_missing_in_predict(tmp_path, start_service):
    (tmp_path / "r.csv").write_text("x,kind\n" + "1,a\n2,\n" * 50)
    (tmp_path / "m.yml").write_text("""models:
  - name: m
    reference: r.csv
    features: [{name: x}, {name: kind, type: categorical}]
    scorer: {type: logistic, weights: [{feature: x, weight: 1}]}
""")
    service = start_service("--config", str(tmp_path / "m.yml"))
    for kind in ("a", "", "NA", "b"):
        service.predict([1, kind])
    assert metric(service, "model_feature_missing_total", model="m", feature="kind") == 2
    assert metric(service, "model_feature_unseen_total", model="m", feature="kind") == 1
    assert service.post("/predict", json={"features": [1]}).status_code == 422
    assert metric(service, "model_observations_rejected_total", model="m") == 1


# --- drift ---

def test_lines_count_as_if_they_came_one_by_one(folder, start_service):
    services = [start_service("--config", str(folder / "models.yml")) for _ in range(2)]
    rows = table(3, 777)
    taken(services[0].post("/observe", data=lines_of(rows), headers=LINES), len(rows))
    for row in rows:
        taken(services[1].post("/observe", json=observation(row)), 1)
    statuses = [service.get("/drift/status").json() for service in services]
    for status in statuses:
        del status["timestamp"]
        for feature in status["features"].values():
            feature.pop("drifted_since")
            feature.pop("change")  # its budget is in time
    assert statuses[0] == statuses[1]


def test_a_check_of_the_same_rows_gives_the_same(outside, folder):
    rows = table(4, 900, drifted_predictions=True)
    taken(outside.post("/observe", data=lines_of(rows), headers=LINES), len(rows))
    online = outside.get("/drift/status").json()
    (folder / "current.csv").write_text(csv_of(rows))
    done = subprocess.run([BINARY, "check", "--config", folder / "models.yml", "--model", "outside",
                           "--current", folder / "current.csv", "--format", "json"],
                          capture_output=True, text=True, timeout=60)
    offline = json.loads(done.stdout)
    results = {(r["feature"], r["method"]): r for r in offline["results"]}
    compared = 0
    for name, feature in inputs(online).items():
        for method, found in feature["methods"].items():
            for key in ("score", "p_value", "significant", "drifted"):
                assert results[name, method][key] == found[key], (name, method, key)
            compared += 1
    assert compared == 5


def test_only_the_predictions_drift(outside):
    taken(outside.post("/observe", data=lines_of(table(5, WINDOW)), headers=LINES), WINDOW)
    features = outside.get("/drift/status").json()["features"]
    assert not any(feature["drifted"] for feature in features.values())
    body = taken(outside.post("/observe", data=lines_of(table(6, WINDOW, drifted_predictions=True)),
                              headers=LINES), WINDOW)
    assert body["drift_detected"] is False  # which is about the inputs
    status = outside.get("/drift/status").json()
    drifted = {name for name, feature in status["features"].items() if feature["drifted"]}
    assert drifted == {"prediction", "prediction_score"}
    assert metric(outside, "model_drift_significant", feature="prediction_score", method="ks_test") == 1
    assert metric(outside, "model_drift_score", feature="prediction", method="psi") > 0.5
    assert metric(outside, "drift_alerts_total", severity="critical") == 0  # of inputs


def test_inputs_drift_and_recover(outside):
    shifted = [(row[0], row[1], row[2] + 200, row[3], row[4]) for row in table(7, WINDOW)]
    body = taken(outside.post("/observe", data=lines_of(shifted), headers=LINES), WINDOW)
    assert body["drift_detected"] is True
    assert metric(outside, "drift_alerts_total", severity="critical") == 1
    body = taken(outside.post("/observe", data=lines_of(table(8, 2 * WINDOW)), headers=LINES), 2 * WINDOW)
    assert body["drift_detected"] is False
    assert metric(outside, "drift_alerts_total", severity="critical") == 1


# --- streams ---

def test_chunked(outside):
    rows = table(9, 300)
    text = lines_of(rows).encode()
    pieces = (text[i:i + 77] for i in range(0, len(text), 77))
    taken(outside.post("/observe", data=pieces, headers=LINES), len(rows))


def observed(service):
    return metric(service, "model_observations_total")


def test_a_slow_client_is_observed_as_it_sends_and_holds_nobody_up(folder, start_service):
    service = start_service("--config", str(folder / "models.yml"), "--threads", "1")
    lines = lines_of(table(10, 5)).encode()
    with Raw(service.url) as slow:
        slow.send(request("POST", "/observe", headers=[*LINES.items(), ("Transfer-Encoding", "chunked")],
                          length=False))
        half = len(lines) // 2
        slow.send(b"%x\r\n%s\r\n" % (half, lines[:half]))
        wait_for(lambda: observed(service) == lines[:half].count(b"\n"))
        taken(service.post("/observe", json={"features": {}}), 1)
        for byte in lines[half:]:
            slow.send(b"1\r\n%c\r\n" % byte)
        slow.send(b"0\r\n\r\n")
        answer = slow.receive()
        assert answer.json()["observed"] == 5
    assert observed(service) == 6


def test_a_client_that_disconnects(outside):
    lines = lines_of(table(11, 10)).encode()
    for framing in (("Transfer-Encoding", "chunked"), ("Content-Length", "100000")):
        before = observed(outside)
        with Raw(outside.url) as client:
            head = request("POST", "/observe", headers=[*LINES.items(), framing], length=False)
            body = lines[:-20]  # the last one is not complete
            client.send(head + (b"%x\r\n%s" % (100000, body) if framing[1] == "chunked" else body))
            wait_for(lambda: observed(outside) == before + 9)
        time.sleep(0.1)
        assert observed(outside) == before + 9
    taken(outside.post("/observe", json={"features": {}}), 1)


def resident_kib(service):
    text = pathlib.Path(f"/proc/{service.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1])


def is_sanitized(service):
    """A sanitizer's build is slow, and keeps freed memory for a while."""
    return value(scrape(service), "process_virtual_memory_bytes") > 1 << 40


def test_a_million_lines_in_one_request(outside):
    pieces = 20 if is_sanitized(outside) else 1000
    piece = lines_of(table(12, 1000)).encode()
    taken(outside.post("/observe", data=piece, headers=LINES), 1000)
    before = resident_kib(outside)
    largest = [0]
    done = threading.Event()

    def watch():
        while not done.wait(0.05):
            largest[0] = max(largest[0], resident_kib(outside))

    thread = threading.Thread(target=watch)
    thread.start()
    answer = outside.session.post(outside.url + "/observe", headers=LINES, timeout=600,
                                  data=(piece for _ in range(pieces)))
    done.set()
    thread.join()
    taken(answer, pieces * 1000)
    assert largest[0] < before + 4096 or is_sanitized(outside)


def test_long_lines_of_many_clients_find_no_memory(outside):
    """Together they may hold 32 MiB; what finds no room is refused, nothing else is."""
    clients = []
    head = request("POST", "/observe", headers=[*LINES.items(), ("Content-Length", "10000000")],
                   length=False)
    before = resident_kib(outside)
    try:
        for _ in range(100):
            clients.append(Raw(outside.url).send(head + b'{"id": "' + b"x" * 900_000))
        wait_for(lambda: outside.post("/observe", json={"features": {}}).status_code == 200)
        time.sleep(0.5)
        assert resident_kib(outside) < before + 64 * 1024 or is_sanitized(outside)
        taken(outside.post("/observe", data='{"features": {}}\n{"features": {}}', headers=LINES), 2)
    finally:
        for client in clients:
            client.close()


def test_lines_follow_a_reload(tmp_path, folder, start_service):
    (tmp_path / "reference.csv").write_text((folder / "reference.csv").read_text())
    path = tmp_path / "models.yml"
    path.write_text(CONFIG)
    service = start_service("--config", str(path))
    lines = lines_of(table(13, 4)).encode().splitlines(keepends=True)

    def reload(config):
        path.write_text(config)
        assert service.post("/-/reload").status_code == 200

    with Raw(service.url) as client:
        client.send(request("POST", "/models/outside/observe", length=False,
                            headers=[*LINES.items(), ("Transfer-Encoding", "chunked")]))
        client.send(b"%x\r\n%s\r\n" % (len(lines[0]) + 5, lines[0] + lines[1][:5]))
        wait_for(lambda: observed(service) == 1)
        reload(CONFIG.replace("observations: 500", "observations: 400", 1))
        assert observed(service) == 0  # the model is another one
        client.send(b"%x\r\n%s\r\n" % (len(lines[1]) - 5, lines[1][5:]))
        wait_for(lambda: observed(service) == 1)
        reload(CONFIG.replace("name: outside", "name: renamed"))
        client.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(lines[2]), lines[2]))
        body = client.receive().json()
    assert (body["observed"], body["rejected"]) == (2, 1)
    assert "reload" in body["errors"][0]["detail"]
    assert metric(service, "model_observations_total", model="renamed") == 0


def test_refused_rows_are_seen(folder, start_service):
    """A line of the log for the first, with its reason; not one for each."""
    service = start_service("--config", str(folder / "models.yml"))
    lines = "".join(json.dumps({"features": {"agee": i}}) + "\n" for i in range(9))
    answer = service.post("/observe", data=lines, headers=LINES)
    assert answer.status_code == 422
    answer = service.post("/observe", data='{"features": {"age": NaN}}', headers=LINES)
    assert "use null for a missing value" in answer.json()["detail"]
    for word, remedy in [("nan", "no NaN or Infinity: use null for a missing value"),
                         *[(word, 'use the string "Infinity" or "-Infinity"') for word in
                           ("-Infinity", "Inf", "-inf", "+Infinity")],
                         ("None", "JSON has null, true and false"), ("True", "JSON has null, true and false")]:
        answer = service.post("/observe", data='{"features": {"age": %s}}' % word, headers=LINES)
        assert remedy in answer.json()["detail"], word
    for word in "Infinity", "-Infinity":
        answer = service.post("/observe", data='{"features": {"age": "%s"}}' % word, headers=LINES)
        assert answer.json()["observed"] == 1, "what the sentence advises works"
    answer = service.post("/observe", data='\ufeff{"features": {"age": 3}}\n'.encode(), headers=LINES)
    assert answer.status_code == 200 and answer.json()["observed"] == 1, "a byte order mark is skipped"
    answer = service.post("/predict", data='{"features": [NaN, 1]}', headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 409)
    assert metric(service, "model_observations_rejected_total") >= 10
    service.stop()
    seen = [line for line in service.log.splitlines() if "refused a row" in line]
    assert len(seen) == 1 and 'unknown feature "agee"' in seen[0] and '"outside"' in seen[0]


def test_labels_follow_a_reload(tmp_path, folder, start_service):
    """After a reload the labels of a stream go to the model that has the name, which is the one that is reported."""
    (tmp_path / "reference.csv").write_text((folder / "reference.csv").read_text())
    path = tmp_path / "models.yml"
    path.write_text(CONFIG)
    service = start_service("--config", str(path))

    def predict(name, identifier):
        taken(service.post(f"/models/{name}/observe", json={"instances": [
            observation(table(1, 4)[0]) | {"id": identifier, "prediction": "yes"}]}), 1, model=name)

    def label(identifier):
        line = json.dumps({"id": identifier, "label": "yes"}).encode() + b"\n"
        return b"%x\r\n%s\r\n" % (len(line), line)

    def joined():
        return metric(service, "model_labels_total", result="joined")

    predict("outside", "a")
    with Raw(service.url) as client:
        client.send(request("POST", "/models/outside/labels", length=False,
                            headers=[*LINES.items(), ("Transfer-Encoding", "chunked")]))
        client.send(label("a"))
        wait_for(lambda: joined() == 1)
        path.write_text(CONFIG.replace("observations: 500", "observations: 400", 1))
        assert service.post("/-/reload").status_code == 200
        predict("outside", "b")
        client.send(label("b"))
        wait_for(lambda: joined() == 1)  # counted by the new model, which began at 0
        path.write_text(CONFIG.replace("name: outside", "name: renamed"))
        assert service.post("/-/reload").status_code == 200
        client.send(label("c") + b"0\r\n\r\n")
        body = client.receive().json()
    assert (body["joined"], body["rejected"]) == (2, 1)
    assert "removed by a configuration reload" in body["errors"][0]["detail"]


def test_labels_that_come_along(outside):
    rows = [observation(row, label=row[3]) for row in table(14, 200)]
    rows[3]["label"] = "maybe"
    text = "\n".join(json.dumps(row) for row in rows)
    body = taken_with_labels(outside.post("/observe", data=text, headers=LINES))
    assert body["labels"]["joined"] == 199 and body["labels"]["rejected"] == 1
    assert metric(outside, "model_performance", metric="accuracy") == 1
    taken(outside.post("/observe", json={"features": {}, "prediction": "no", "id": "w1"}), 1)
    assert outside.post("/labels", json={"id": "w1", "label": "yes"}).json()["joined"] == 1


def taken_with_labels(answer):
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["observed"], body["rejected"]) == (200, 0)
    assert [error["line"] for error in body["errors"]] == [4]
    return body


def test_classes_by_number_are_the_named_ones(tmp_path, start_service):
    """0 and 1 in the reference and in observations, names in the configuration: no drift."""
    numbers = [(*row[:3], int(row[3] == "yes"), row[4]) for row in table(1, ROWS)]
    (tmp_path / "reference.csv").write_text(csv_of(numbers))
    config = CONFIG.split("  - name: prices")[0].replace("{type: none}", "{type: none, classes: [low, high]}")
    (tmp_path / "models.yml").write_text(config)
    service = start_service("--config", str(tmp_path / "models.yml"))
    rows = [(*row[:3], int(row[3] == "yes"), row[4]) for row in table(2, 400)]
    answer = service.post("/observe", json={"instances": [observation(row) for row in rows]})
    taken(answer, len(rows))
    high = sum(row[3] for row in rows)
    assert metric(service, "model_predictions_total", prediction_class="high") == high
    assert metric(service, "model_predictions_total", prediction_class="low") == len(rows) - high
    assert metric(service, "model_predictions_total", prediction_class="__other__") == 0
    status = service.get("/drift/status").json()
    assert status["prediction_drift_detected"] is False
    assert status["features"]["prediction"]["methods"]["psi"]["score"] < 0.1


def test_classes_of_the_reference_that_the_model_does_not_have(folder, tmp_path):
    (tmp_path / "reference.csv").write_text((folder / "reference.csv").read_text())
    (tmp_path / "models.yml").write_text(CONFIG.replace("{type: none}", "{type: none, classes: [low, high]}"))
    done = subprocess.run([BINARY, "validate", str(tmp_path / "models.yml")], text=True, capture_output=True,
                          timeout=60)
    assert done.returncode == 1
    assert re.search(r'the column "prediction" .* "(yes|no)", which is not one of the model\'s classes', done.stderr)


def test_rare_categories_are_not_unseen(tmp_path, start_service):
    """A reference of 3000 merchants: the 2000 beyond the cap are counted together, but are known."""
    rng = numpy.random.default_rng(5)
    merchants = numpy.array([f"m{i}" for i in range(3000)])
    reference = numpy.concatenate([merchants, rng.choice(merchants, 57_000)])
    (tmp_path / "reference.csv").write_text("merchant\n" + "\n".join(reference) + "\n")
    (tmp_path / "models.yml").write_text("""
models:
  - name: shop
    version: "1"
    reference: reference.csv
    features: [{name: merchant, type: categorical}]
    scorer: {type: none}
    window: {observations: 1000}
""")
    service = start_service("--config", str(tmp_path / "models.yml"))
    rows = [{"features": [merchant]} for merchant in rng.choice(merchants, 999)] + [{"features": ["new one"]}]
    taken(service.post("/observe", json={"instances": rows}), 1000, model="shop")
    assert metric(service, "model_feature_unseen_ratio", model="shop", feature="merchant") == 0.001
    assert metric(service, "model_feature_unseen_total", model="shop", feature="merchant") == 1
    assert metric(service, "model_category_ratio", model="shop", feature="merchant", category="__unseen__") == 0.001
    other = sum(row["features"][0] != "new one" for row in rows) / 1000
    shown = [metric(service, "model_category_ratio", model="shop", feature="merchant", category=name)
             for name in service.get("/drift/status").json()["features"]["merchant"]["categories"]
             if name.startswith("m")]
    assert metric(service, "model_category_ratio", model="shop", feature="merchant", category="__other__") == pytest.approx(
        other - sum(shown))
    assert service.get("/drift/status").json()["features"]["merchant"]["drifted"] is False


def test_a_window_of_one_rare_category_is_drift(tmp_path, start_service):
    """It has no bin of its own, but too many rows are in none: the score of bins publishes the p-value of their test."""
    rng = numpy.random.default_rng(5)
    merchants = numpy.array([f"m{i}" for i in range(3000)])
    rows = numpy.concatenate([merchants, rng.choice(merchants, 57_000, p=(w := 1 / numpy.arange(5, 3005)) / w.sum())])
    (tmp_path / "reference.csv").write_text("merchant\n" + "\n".join(rows) + "\n")
    (tmp_path / "models.yml").write_text("""
models:
  - name: shop
    version: "1"
    reference: reference.csv
    features: [{name: merchant, type: categorical}]
    scorer: {type: none}
    window: {observations: 200}
""")
    service = start_service("--config", str(tmp_path / "models.yml"))
    taken(service.post("/observe", json={"instances": [{"features": ["m2900"]}] * 200}), 200, model="shop")
    merchant = service.get("/drift/status").json()["features"]["merchant"]
    assert merchant["drifted"] is True
    assert merchant["methods"]["psi"]["p_value"] < 1e-20


def test_categories_called_like_the_reserved_ones_make_no_series_twice(tmp_path, start_service):
    rows = [(30 + i % 7, ("__other__", "__missing__", "male")[i % 3], i, "yes" if i % 2 else "no", 0.5)
            for i in range(600)]
    (tmp_path / "reference.csv").write_text(csv_of(rows))
    (tmp_path / "models.yml").write_text(CONFIG)
    service = start_service("--config", str(tmp_path / "models.yml"))
    taken(service.post("/observe", json={"instances": [observation(row) for row in rows[:90]]}), 90)
    samples = [line.rsplit(" ", 1)[0] for line in service.get("/metrics").text.splitlines()
               if not line.startswith("#")]
    assert len(samples) == len(set(samples))
    for category in ("__other__", "__missing__", "male"):
        for name in ("model_category_ratio", "model_category_reference_ratio"):
            assert metric(service, name, feature="sex", category=category) == pytest.approx(1 / 3)


@pytest.mark.parametrize("name", ["__other__", "__missing__"])
def test_a_class_called_like_a_reserved_one_is_refused(folder, tmp_path, name):
    (tmp_path / "reference.csv").write_text((folder / "reference.csv").read_text().replace(",yes,", f",{name},"))
    (tmp_path / "models.yml").write_text(CONFIG)
    done = subprocess.run([BINARY, "validate", str(tmp_path / "models.yml")], text=True, capture_output=True,
                          timeout=60)
    assert done.returncode == 1 and f'a class may not be called "{name}"' in done.stderr


def test_a_batch_that_is_not_json_is_refused_whole(outside):
    body = '{"instances":[{"features":[1,"male",3]},{"features":[1e999,"male",3]}]}'
    answer = outside.post("/observe", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert metric(outside, "model_observations_total") == 0
    assert metric(outside, "model_observations_rejected_total") == 1
