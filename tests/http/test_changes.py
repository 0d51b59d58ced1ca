"""Sequential evidence in the running service: pages, notices, the reference's order, reloads."""
import json
import random
import re
import subprocess

import pytest

from conftest import BINARY
from test_metrics import scrape, series

MODEL = """
models:
  - name: m
    reference: reference.csv
    features: [{{name: a}}, {{name: b}}]
    scorer: {{type: none}}
    {more}
"""
TIMED = "columns: {timestamp: t}"


def write(folder, more, times=None, correlation=0.0, rows=3000):
    """A reference with a column t, of rows that resemble their neighbours."""
    rng = random.Random(7)
    a, lines = 0.0, []
    for i in range(rows):
        a = correlation * a + (1 - correlation ** 2) ** 0.5 * rng.gauss(0, 1)
        lines.append(f"{a:.5f},{rng.gauss(0, 1):.5f},{times(i) if times else i}")
    rng.shuffle(lines)
    (folder / "reference.csv").write_text("\n".join(["a,b,t", *lines]) + "\n")
    (folder / "drift.yml").write_text(MODEL.format(more=more))
    return folder / "drift.yml"


def observe(service, rng, rows, shift=0.0, missing=0.0):
    lines = [json.dumps({"features": {"a": rng.gauss(shift, 1), "b": None if rng.random() < missing else rng.gauss(0, 1)}})
             for _ in range(rows)]
    answer = service.post("/observe", data="\n".join(lines) + "\n", headers={"Content-Type": "application/x-ndjson"})
    assert answer.status_code == 200 and answer.json()["observed"] == rows, answer.text


def changes(service):
    found = service.get("/drift/status").json()["features"]
    return {(name, part): change for name, feature in found.items() for part, change in feature["change"].items()}


def metric(service, name, **labels):
    return {key: value for key, value in series(scrape(service)).items()
            if key[0] == name and labels.items() <= dict(key[1]).items()}


def validate(path):
    done = subprocess.run([BINARY, "validate", path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split()), done.stderr


def test_a_simulated_drift_is_a_page(start_service):
    service = start_service()
    service.post("/simulate/drift?severity=0&n_requests=300")
    assert not any(change["open"] for change in changes(service).values())
    service.post("/simulate/drift?severity=0.7&n_requests=300")
    change = changes(service)["feature_0", "values"]
    assert change["open"] and change["pages"] == 1 and not change["learning"]
    assert re.fullmatch(r"shifted up by about [01]\.\d+ deviations", change["what"])
    assert change["since"] <= change["paged"] and 250 <= change["rows"] <= 330
    assert not changes(service)["feature_0", "missing"]["open"]
    [open_] = metric(service, "model_feature_change_open", feature="feature_0", part="values").values()
    [kind] = metric(service, "model_feature_change_kind", feature="feature_0", part="values").values()
    [size] = metric(service, "model_feature_change_size", feature="feature_0", part="values").values()
    assert (open_, kind, size) == (1, 0, change["size"])
    service.post("/simulate/drift?severity=0&n_requests=2000")
    assert not changes(service)["feature_0", "values"]["open"]
    assert not metric(service, "model_feature_change_kind", feature="feature_0")
    [pages] = metric(service, "model_feature_change_pages_total", feature="feature_0").values()
    assert pages == 1


def test_the_same_through_observe_and_of_missing_values(tmp_path, start_service):
    service = start_service("--config", str(write(tmp_path, TIMED)))
    rng = random.Random(1)
    observe(service, rng, 1000)
    assert not any(change["open"] for change in changes(service).values())
    observe(service, rng, 2000, shift=-0.5, missing=0.1)
    found = changes(service)
    assert found["a", "values"]["what"].startswith("shifted down by about 0.")
    assert found["b", "missing"]["what"] == "more missing values"
    assert not found["b", "values"]["open"] and not found["a", "missing"]["open"]


@pytest.mark.parametrize("times", [str, lambda i: f"2026-01-{1 + i // 200:02} 10:{i // 60 % 60:02}:{i % 60:02}"[:10],
                                   lambda i: f"2026-02-01T{i // 3600:02}:{i // 60 % 60:02}:{i % 60:02}+01:00"],
                         ids=["numbers", "dates", "times"])
def test_timestamps_order_the_reference(tmp_path, start_service, times):
    service = start_service("--config", str(write(tmp_path, TIMED, times, correlation=0.9)))
    found = changes(service)
    assert found["a", "values"]["gives"] == "pages"
    assert found["b", "values"]["discount"] == 1
    if times(0) != times(1):  # a day has its rows in the order of the file, which is none
        assert found["a", "values"]["discount"] > 5


def test_without_an_order_changes_are_noticed(tmp_path, start_service):
    path = write(tmp_path, "", correlation=0.9)
    assert "name the column of their times in columns.timestamp" in validate(path)[0]
    service = start_service("--config", str(path))
    observe(service, random.Random(2), 500, shift=1)
    change = changes(service)["a", "values"]
    assert change["gives"].startswith("notices: the order") and not change["open"]
    assert change["notices"] > 0 and change["pages"] == 0
    assert all(v == 1 for v in metric(service, "model_feature_change_notices_only").values())


def test_unreadable_times_are_no_order(tmp_path):
    out, error = validate(write(tmp_path, TIMED, lambda i: f"{i}. of May"))
    assert "name the column of their times" in out
    assert re.search(r'the column "t" of the reference has "\d+\. of May", which is not a time', error)


def test_a_reference_that_changes_within_itself_is_demoted(tmp_path, start_service):
    path = write(tmp_path, TIMED)
    lines = path.with_name("reference.csv").read_text().splitlines()
    moved = [lines[0]] + [f"{float(a) + (int(t) > 1500)},{b},{t}" for a, b, t in (line.split(",") for line in lines[1:])]
    path.with_name("reference.csv").write_text("\n".join(moved) + "\n")
    assert 'no page for 1 of the features, as the reference changes within itself: "a"' in validate(path)[0]
    found = changes(start_service("--config", str(path)))
    assert found["a", "values"]["gives"] == "notices: the reference changes within itself"
    assert found["b", "values"]["gives"] == "pages"


def test_a_reload_keeps_what_was_seen(tmp_path, start_service):
    path = write(tmp_path, TIMED)
    service = start_service("--config", str(path))
    rng = random.Random(3)
    observe(service, rng, 1000)
    observe(service, rng, 1000, shift=0.5)
    before = changes(service)["a", "values"]
    assert before["open"]
    path.write_text(MODEL.format(more=TIMED + "\n    false_pages: {at_most: 1, per: 30d}\n    materiality: 2"))
    answer = service.post("/-/reload").json()
    assert answer["models"] == [{"name": "m", "state": "kept", "thresholds_changed": True}]
    after = changes(service)["a", "values"]
    assert (after["open"], after["since"], after["pages"]) == (True, before["since"], 1)
    assert service.get("/drift/status").json()["false_page_budget_seconds"] == 30 * 86400
    path.write_text(path.read_text() + "    bins: 20\n")  # new windows
    assert service.post("/-/reload").json()["models"] == [{"name": "m", "state": "changed"}]
    assert not changes(service)["a", "values"]["open"]


# --- rows that resemble their neighbours: what the windows' p-values make of them ---

def correlated(rng, rows, correlation, shift=0.0):
    a, b = rng.gauss(0, 1), rng.gauss(0, 1)
    for _ in range(rows):
        a = correlation * a + (1 - correlation ** 2) ** 0.5 * rng.gauss(0, 1)
        b = correlation * b + (1 - correlation ** 2) ** 0.5 * rng.gauss(0, 1)
        yield a + shift, "red" if b < -0.4 else "green" if b < 0.4 else "blue"


COLOURED = """
models:
  - name: m
    reference: reference.csv
    features: [{{name: a}}, {{name: b, type: categorical}}]
    scorer: {{type: none}}
    window: {{observations: {window}}}
    {more}
"""


def write_correlated(folder, correlation, ordered, window=200, rows=10000):
    lines = [f"{a:.5f},{b},{i}" for i, (a, b) in enumerate(correlated(random.Random(7), rows, correlation))]
    if not ordered:
        random.Random(8).shuffle(lines)
    (folder / "reference.csv").write_text("\n".join(["a,b,t", *lines]) + "\n")
    (folder / "drift.yml").write_text(COLOURED.format(window=window, more=TIMED if ordered else "discount: live"))
    return folder / "drift.yml"


def send(service, rows):
    lines = "".join(json.dumps({"features": {"a": a, "b": b}}) + "\n" for a, b in rows)
    answer = service.post("/observe", data=lines, headers={"Content-Type": "application/x-ndjson"})
    assert answer.status_code == 200, answer.text


def alerts(service):
    """Features for which the conditions of DataDriftDetected or DataDistributionChanged hold."""
    found = series(scrape(service))
    limit = {dict(labels)["feature"]: value for (name, labels), value in found.items()
             if name == "model_feature_drift_threshold" and dict(labels)["severity"] == "warning"}
    scores = {(dict(labels)["feature"], dict(labels)["method"]): value for (name, labels), value in found.items()
              if name == "model_drift_score"}
    significant = {(dict(labels)["feature"], dict(labels)["method"]) for (name, labels), value in found.items()
                   if name == "model_drift_significant" and value == 1}
    missing = {dict(labels)["feature"] for (name, labels), value in found.items()
               if name in ("model_feature_missing_significant", "model_feature_change_open") and value == 1}
    return missing | {feature for feature, method in significant if scores[feature, method] > limit[feature]}


@pytest.mark.parametrize("ordered, shift", [(True, 3), (False, 6)], ids=["ordered reference", "shuffled reference"])
def test_rows_that_resemble_their_neighbours_are_no_alert(tmp_path, start_service, ordered, shift):
    service = start_service("--config", str(write_correlated(tmp_path, 0.9, ordered)))
    live, drifted = correlated(random.Random(1), 10000, 0.9), 0
    for _ in range(100):
        send(service, [next(live) for _ in range(100)])
        drifted += bool(alerts(service))
    assert drifted == 0
    status = service.get("/drift/status").json()["features"]
    for name in "ab":
        [effective] = metric(service, "model_feature_effective_observations", feature=name).values()
        assert effective == status[name]["effective_size"] < 40, name
        assert status[name]["change"]["values"]["window_discount"] > 5
    # a change that stands out of such traffic is still one
    send(service, correlated(random.Random(2), 1000, 0.9, shift))
    assert service.get("/drift/status").json()["features"]["a"]["drifted"]


def test_independent_rows_are_judged_as_before(tmp_path, start_service):
    service = start_service("--config", str(write_correlated(tmp_path, 0, ordered=True)))
    send(service, correlated(random.Random(1), 2000, 0))
    status = service.get("/drift/status").json()["features"]
    assert all(feature["effective_size"] == 200 for feature in status.values()) and not alerts(service)
    send(service, correlated(random.Random(2), 200, 0, shift=1))
    assert service.get("/drift/status").json()["features"]["a"]["drifted"]
