"""Detectors on the means of features and the rate of predictions, by configuration."""
import time

import numpy
import pandas
import pytest

from test_labels import value
from test_metrics import scrape

CONFIG = """models:
  - name: m
    reference: reference.csv
    features: [{name: x}, {name: y}]
    scorer: {type: logistic, intercept: -1, weights: [{feature: x, weight: 1}, {feature: y, weight: 1}]}
    window: {observations: 500}
    streams:
      - {feature: x, detectors: [adwin, page_hinkley]}
      - {feature: prediction, detectors: [adwin]}
"""


@pytest.fixture
def watched(tmp_path, start_service):
    generator = numpy.random.default_rng(4)
    rows = generator.normal([10, 0], [2, 1], (1000, 2))
    rows[:, 0] -= 9
    frame = pandas.DataFrame(rows, columns=["x", "y"]).sort_values("x")    # in an order that says nothing
    frame.to_csv(tmp_path / "reference.csv", index=False)
    (tmp_path / "c.yml").write_text(CONFIG)
    service = start_service("--config", str(tmp_path / "c.yml"))
    service.generator = generator
    return service


def send(service, count, shift=0.0):
    rows = service.generator.normal([1 + shift, 0], [2, 1], (count, 2)).round(6).tolist()
    for at in range(0, count, 200):
        assert service.post("/predict", json={"instances": rows[at:at + 200]}).status_code == 200


def states(service):
    streams = service.get("/drift/status").json()["streams"]
    return {(name, detector): report["state"] for name, stream in streams.items()
            for detector, report in stream["detectors"].items()}


ALL = [("x", "adwin"), ("x", "page_hinkley"), ("prediction", "adwin")]


def test_streams(watched):
    assert states(watched) == dict.fromkeys(ALL, "normal")
    send(watched, 3000)
    assert states(watched)[("x", "adwin")] == states(watched)[("prediction", "adwin")] == "normal"
    before = time.time()
    send(watched, 400, shift=4)
    seen = states(watched)
    assert seen == dict.fromkeys(ALL, "drift")
    exposition = scrape(watched)
    for feature, detector in ALL:
        assert value(exposition, "model_stream_drift", feature=feature, detector=detector) == 2
        assert value(exposition, "model_stream_drift_onsets_total", feature=feature, detector=detector) >= 1
    onset = value(exposition, "model_stream_drift_onset_timestamp_seconds", feature="x", detector="adwin")
    assert before - 1 < onset < time.time()
    send(watched, 3000, shift=4)                  # what is usual now
    assert states(watched)[("x", "adwin")] == "normal"


def test_none_by_default(service):
    assert service.get("/drift/status").json()["streams"] == {}
    assert "model_stream_drift{" not in service.get("/metrics").text
