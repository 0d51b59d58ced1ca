"""POST /-/reload and SIGHUP: what stays, what changes, and that a bad file changes nothing."""
import os
import random
import shutil
import signal
import socket
import threading
import time

import pytest
import requests

from test_metrics import scrape, value

ONE = """  - name: %s
    reference: %s
    features: [{name: a}, {name: b}]
    scorer: {type: logistic, weights: [{feature: a, weight: %s}]}
    window: {observations: 100}
    minimum_sample: 20
"""


@pytest.fixture
def folder(tmp_path):
    rng = random.Random(7)
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text("a,b\n" + "".join(f"{rng.gauss(0, 1)},{rng.gauss(0, 1)}\n" for _ in range(200)))
    configure(tmp_path, ("one", "one.csv", 1), ("two", "two.csv", 1))
    return tmp_path


def configure(folder, *models, head="", more=""):
    """Writes the file beside and moves it into place, as an editor or a deployment does."""
    (folder / "new.yml").write_text(head + "models:\n" + "".join(ONE % m for m in models) + more)
    os.replace(folder / "new.yml", folder / "drift.yml")


def observe(service, model, rows=50):
    answer = service.post(f"/models/{model}/predict", json={"instances": [[i / 10, 1] for i in range(rows)]})
    assert answer.status_code == 200, answer.text


def window(service, model):
    return service.get(f"/models/{model}/drift/status").json()["window_observations"]


def reload(service, status=200):
    answer = service.post("/-/reload")
    assert answer.status_code == status, answer.text
    return answer.json()


def states(answer):
    return {m["name"]: m["state"] for m in answer["models"]}


@pytest.fixture
def service(folder, start_service):
    running = start_service("--config", str(folder / "drift.yml"))
    observe(running, "one")
    observe(running, "two")
    return running


def test_nothing_changed(folder, service):
    before = scrape(service)
    assert value(before, "model_config_last_reload_successful") == 1
    answer = reload(service)
    assert answer == {"status": "reloaded", "removed": [], "models": [
        {"name": "one", "state": "kept"}, {"name": "two", "state": "kept"}]}
    after = scrape(service)
    for family in ("model_drift_score", "model_predictions_total", "model_window_observations",
                   "model_observations_total", "model_prediction_latency_seconds"):
        name = family.removesuffix("_total")
        assert before[name].samples == after[name].samples and before[name].samples
    name = "model_config_last_reload_success_timestamp_seconds"
    assert value(before, name) < value(after, name) <= time.time()


def test_one_of_each(folder, service):
    configure(folder, ("three", "one.csv", 1), ("one", "one.csv", 2))
    shutil.copy(folder / "drift.yml", folder / "keep.yml")
    answer = reload(service)
    assert states(answer) == {"three": "added", "one": "changed"} and answer["removed"] == ["two"]
    assert service.get("/").json()["models"] == ["three", "one"]
    assert window(service, "one") == 0 and window(service, "three") == 0
    assert service.get("/models/two/drift/status").status_code == 404
    assert {s.labels["model"] for s in scrape(service)["model_window_observations"].samples} == {"three", "one"}


@pytest.mark.parametrize("old, new, state", [
    ("minimum_sample: 20", "minimum_sample: 60", "kept"),
    ("minimum_sample: 20", "minimum_sample: 20\n    thresholds: {warning: 0.2}", "kept"),
    ("minimum_sample: 20", "minimum_sample: 20\n    significance: 0.01", "kept"),
    ("{name: b}", "{name: b, thresholds: {critical: 0.9}}", "kept"),
    ("{name: b}", "{name: b, type: categorical}", "changed"),
    ("observations: 100", "observations: 101", "changed"),
    ("minimum_sample: 20", "minimum_sample: 20\n    version: 2", "changed"),
    ("minimum_sample: 20", "minimum_sample: 20\n    bins: 5", "changed"),
    ("minimum_sample: 20", "minimum_sample: 20\n    simulation: true", "changed"),
    ("weight: 1", "weight: 1.5", "changed")])
def test_what_needs_new_windows(folder, service, old, new, state):
    text = (folder / "drift.yml").read_text()
    (folder / "drift.yml").write_text(text.replace(old, new, 1))
    answer = reload(service)
    assert states(answer) == {"one": state, "two": "kept"}
    assert answer["models"][0].get("thresholds_changed", False) is (state == "kept")
    assert window(service, "one") == (50 if state == "kept" else 0) and window(service, "two") == 50


def test_other_thresholds_hold_at_once(folder, service):
    def threshold(feature):
        return value(scrape(service), "model_feature_drift_threshold", model="one", feature=feature,
                     severity="warning")
    assert threshold("a") == threshold("b") == 0.3
    text = (folder / "drift.yml").read_text()
    text = text.replace("{name: b}", "{name: b, thresholds: {warning: 0.99, critical: 1.5}}", 1)
    (folder / "drift.yml").write_text(text.replace("minimum_sample: 20", "minimum_sample: 20\n    "
                                                   "thresholds: {warning: 0.05}", 1))
    reload(service)
    assert threshold("a") == 0.05 and threshold("b") == 0.99
    status = service.get("/models/one/drift/status").json()
    assert status["features"]["a"]["methods"]["ks_test"]["threshold"] == 0.05
    (folder / "drift.yml").write_text(text.replace("minimum_sample: 20", "minimum_sample: 99", 1))
    reload(service)
    assert service.get("/models/one/drift/status").json()["overall_drift"] == "insufficient_data"


def test_files_are_compared_by_content(folder, service):
    text = (folder / "one.csv").read_text()
    os.utime(folder / "one.csv")
    assert states(reload(service)) == {"one": "kept", "two": "kept"}
    (folder / "other").write_text(text)
    os.replace(folder / "other", folder / "one.csv")
    assert states(reload(service)) == {"one": "kept", "two": "kept"}
    digit = text.rindex("1") if "1" in text else text.rindex("2")
    (folder / "one.csv").write_text(text[:digit] + "3" + text[digit + 1:])  # of the same size
    assert states(reload(service)) == {"one": "changed", "two": "kept"}
    (folder / "moved.csv").write_text((folder / "two.csv").read_text())
    configure(folder, ("one", "one.csv", 1), ("two", "moved.csv", 1))
    assert states(reload(service)) == {"one": "kept", "two": "kept"}


@pytest.mark.parametrize("break_it, words", [
    (lambda f: (f / "drift.yml").write_text("models: ["), ["drift.yml:2", "not YAML"]),
    (lambda f: (f / "drift.yml").unlink(), ["drift.yml", "No such file"]),
    (lambda f: configure(f, ("one", "one.csv", 1), ("one", "two.csv", 1)), ["models[1].name", '"one"']),
    (lambda f: configure(f, ("one", "one.csv", 1), ("new", "none.csv", 1)), ["none.csv", "No such file"]),
    (lambda f: (f / "two.csv").write_text("a,c\n1,2\n"), ['"two"', "b", "missing"]),
    (lambda f: configure(f, ("one", "one.csv", 1), more="    thresholds: {warning: -1}\n"), ["warning", "-1"])],
    ids=range(6))
def test_a_bad_file_changes_nothing(folder, service, break_it, words):
    break_it(folder)
    answer = service.post("/-/reload")
    assert answer.status_code == 422 and answer.headers["Content-Type"] == "application/problem+json"
    for word in words:
        assert word in answer.json()["detail"]
    families = scrape(service)
    assert value(families, "model_config_last_reload_successful") == 0
    assert window(service, "one") == 50 and window(service, "two") == 50
    configure(folder, ("one", "one.csv", 1))
    assert states(reload(service)) == {"one": "kept"}
    assert value(scrape(service), "model_config_last_reload_successful") == 1
    service.stop()
    assert "configuration not reloaded, the running one stays: " in service.log
    assert "1 models kept" in service.log and "1 removed" in service.log


def test_a_threshold_the_environment_forbids(folder, start_service):
    """Found when the first model has its new thresholds already: it gets the old ones back."""
    service = start_service("--config", str(folder / "drift.yml"), environment={"DRIFT_THRESHOLD": "0.4"})
    text = (folder / "drift.yml").read_text()
    first, second = text.rsplit("minimum_sample: 20", 1)
    first = first.replace("minimum_sample: 20", "minimum_sample: 20\n    thresholds: {critical: 0.6}")
    (folder / "drift.yml").write_text(first + "thresholds: {warning: 0.1, critical: 0.35}" + second)
    assert "DRIFT_THRESHOLD" in reload(service, 422)["detail"]
    families = scrape(service)
    for model in ("one", "two"):
        assert value(families, "model_drift_threshold", model=model, severity="critical") == 0.5
        assert value(families, "model_drift_threshold", model=model, severity="warning") == 0.4


def test_sighup(folder, service):
    def wait(name, wanted):
        deadline = time.monotonic() + 20
        while value(scrape(service), name) != wanted:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    configure(folder, ("one", "one.csv", 1), ("three", "two.csv", 1))
    service.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 20
    while service.get("/").json()["models"] != ["one", "three"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert window(service, "one") == 50
    (folder / "drift.yml").write_text("nonsense")
    service.process.send_signal(signal.SIGHUP)
    wait("model_config_last_reload_successful", 0)
    configure(folder, ("one", "one.csv", 1), head="listen: 127.0.0.1:1\n")
    service.process.send_signal(signal.SIGHUP)
    wait("model_config_last_reload_successful", 1)
    assert service.stop() == 0
    assert "changing 'listen' requires a restart" in service.log


def test_without_a_file(start_service):
    service = start_service()
    answer = service.post("/-/reload")
    assert answer.status_code == 409 and "without a configuration file" in answer.json()["detail"]
    service.process.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    assert service.get("/health").status_code == 200
    assert value(scrape(service), "model_config_last_reload_successful") == 1
    service.stop()
    assert "nothing to reload" in service.log


def test_only_from_here(folder, start_service):
    assert start_service("--config", str(folder / "drift.yml")).get("/-/reload").status_code == 405
    others = {a[4][0] for a in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    service = start_service("--config", str(folder / "drift.yml"), "--listen", "0.0.0.0:0", "--insecure-listen")
    port = service.url.rsplit(":", 1)[1]
    service.url = f"http://127.0.0.1:{port}"
    assert service.post("/-/reload").status_code == 200
    assert service.post("/-/reload", json={}).status_code == 200
    for header in ("Forwarded", "X-Forwarded-For"):
        assert service.post("/-/reload", headers={header: "192.0.2.1"}).status_code == 403
    for address in others - {a for a in others if a.startswith("127.")}:
        answer = requests.post(f"http://{address}:{port}/-/reload", timeout=10)
        assert answer.status_code == 403 and "own host" in answer.json()["detail"]


def test_under_load(folder, service):
    """Every request is answered, and counters of models that stay never fall."""
    stop = threading.Event()
    failures, counts = [], []

    def predict(model):
        session = requests.Session()
        while not stop.is_set():
            answer = session.post(f"{service.url}/models/{model}/predict", json={"features": [1, 2]}, timeout=30)
            if answer.status_code != 200:
                failures.append(answer.text)

    def watch():
        last = {}
        while not stop.is_set():
            families = scrape(service)
            for family in ("model_predictions", "model_observations", "http_requests"):
                for sample in families[family].samples:
                    if sample.labels.get("model") == "two":
                        continue
                    key = (sample.name, tuple(sorted(sample.labels.items())))
                    if sample.value < last.get(key, 0):
                        failures.append((key, last[key], sample.value))
                    last[key] = sample.value
            counts.append(1)

    threads = [threading.Thread(target=predict, args=(m,)) for m in ("one", "two", "one")]
    threads.append(threading.Thread(target=watch))
    for thread in threads:
        thread.start()
    session = requests.Session()
    deadline, reloads = time.monotonic() + 4, 0
    while time.monotonic() < deadline or len(counts) < 3 or reloads < 6:
        configure(folder, ("one", "one.csv", 1), ("two", "two.csv", reloads % 3),
                  *[("third", "two.csv", 1)] * (reloads % 2), more=f"    significance: 0.00{1 + reloads % 5}\n")
        answer = session.post(service.url + "/-/reload", timeout=60)
        if answer.status_code != 200 or states(answer.json())["one"] != "kept":
            failures.append(answer.text)
        if reloads % 5 == 0:
            service.process.send_signal(signal.SIGHUP)
            time.sleep(0.05)
        reloads += 1
    stop.set()
    for thread in threads:
        thread.join()
    failures = [f for f in failures if "another reload is under way" not in str(f)]
    assert not failures, failures[:3]
