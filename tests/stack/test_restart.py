"""A restart during a drift, on the real programs: nobody on call hears of it. The service, Prometheus and Alertmanager with the
project's own configuration, its intervals shortened (test_incidents.py), at a slow, an ordinary and a fast rate of rows. While
three features have drifted, one so little that only the evidence row by row shows it, the service is stopped and started, and
then killed and started. The stacks of the three rates run beside each other."""

import concurrent.futures
import contextlib
import json
import random
import signal
import tempfile
import threading
import time

import pytest
import requests

from test_incidents import BINARY, QUIET_SECONDS, Slack, Stack

RATES = {"slow": 0.4, "ordinary": 10, "fast": 4000}
FEATURES = ["a", "b"]
MODEL = """models:
  - name: shop
    reference: reference.csv
    features: [{name: a}, {name: b}, {name: channel, type: categorical}]
    columns: {timestamp: t, prediction: said, label: truth}
    scorer: {type: logistic, weights: [{feature: a, weight: 1}]}
    window: {observations: 300}
    labels: {capacity: 5000, window: 200}
"""
# What must not fall or begin anew. Processes count their requests themselves.
COUNTERS = '{__name__=~"model_.+_(total|count|bucket)",job="model-service"}'
BLOCK = 200  # rows of a request at most


class Kept(Stack):
    """The stack of test_incidents.py with a state directory, and traffic that goes on through restarts."""

    def __init__(self, folder, rate):
        super().__init__(folder, FEATURES, Slack())
        self.rate, self.random = rate, random.Random(str(rate))
        self.drifting, self.ended = False, threading.Event()
        self.acknowledged, self.ids = 0, set()
        self.repeated = []

    def write_model(self):
        generator = random.Random(1)
        lines = ["t,a,b,channel,said,truth"]
        for i in range(3000):
            a = generator.gauss(0, 1)
            lines.append(f"{i},{a:.4f},{generator.gauss(0, 1):.4f},{generator.choice(['web', 'shop'])},{int(a > 0)},"
                         f"{int(a + generator.gauss(0, 1) > 0)}")
        (self.folder / "reference.csv").write_text("\n".join(lines) + "\n")
        (self.folder / "model.yml").write_text(MODEL)

    def rule_text(self, text):
        """A start on a busy machine takes seconds, and must be within what an alert outlasts, as it is with the true intervals."""
        return text.replace("keep_firing_for: 6s", "keep_firing_for: 11s").replace("keep_firing_for: 8s", "keep_firing_for: 13s")

    def start_service(self):
        self.start("service", BINARY, "serve", "--config", "model.yml", "--state", "state",
                   "--listen", f"127.0.0.1:{self.ports['service']}")
        self.ready("service", "/ready")

    # ---- traffic ----

    def row(self):
        shift = 1.6 if self.drifting else 0
        return {"a": self.random.gauss(shift, 1), "b": self.random.gauss(0.4 if self.drifting else 0, 1),
                "channel": self.random.choice(["web"] * 9 + ["shop"] if self.drifting else ["web", "shop"])}

    def predict(self, rows):
        """Rows in one request; labels of some of them in another."""
        features = [self.row() for _ in range(rows)]
        answer = requests.post(self.url("service", "/predict"), json={"instances": [{"features": row} for row in features]},
                               timeout=10)
        if answer.status_code == 503:  # the port is open before the models are there
            raise requests.ConnectionError("not ready")
        assert answer.status_code == 200, answer.text
        ids = [prediction["prediction_id"] for prediction in answer.json()["predictions"]]
        self.acknowledged += rows
        self.repeated += [one for one in ids if one in self.ids]
        self.ids.update(ids)
        labels = "".join(json.dumps({"id": one, "label": int(row["a"] + self.random.gauss(0, 1) > 0)}) + "\n"
                         for one, row in list(zip(ids, features))[::4])
        answer = requests.post(self.url("service", "/labels"), data=labels, timeout=10,
                               headers={"Content-Type": "application/x-ndjson"})
        if answer.status_code == 503:  # the port is open before the models are there
            raise requests.ConnectionError("not ready")
        assert answer.status_code == 200, answer.text

    def keep_sending(self):
        """At the rate, as well as the machine can; what is refused during a restart is not sent again."""
        began, sent = time.monotonic(), 0
        while not self.ended.wait(max(0.01, min(1 / self.rate, 0.1))):
            due = int((time.monotonic() - began) * self.rate) - sent
            rows = min(due, BLOCK)
            sent += due
            if rows > 0:
                with contextlib.suppress(requests.RequestException):
                    self.predict(rows)

    # ---- what is known ----

    def status(self):
        return requests.get(self.url("service", "/drift/status"), timeout=10).json()["features"]

    def since(self):
        """When each drift and each change began, and when each alert did."""
        status = self.status()
        alerts = self.query('ALERTS_FOR_STATE{alertname=~"DataDriftDetected|CriticalDataDrift|DataDistributionChanged"}')
        return {
            "drifted": {name: feature["drifted_since"] for name, feature in status.items() if name in ("a", "channel")},
            "changed": [status["b"]["change"]["values"][key] for key in ("since", "paged", "pages")],
            "alerts": {(alert["metric"]["alertname"], alert["metric"]["feature"]): alert["value"][1] for alert in alerts},
        }

    def restart(self, sig):
        process = self.processes.pop("service")
        process.send_signal(sig)
        process.wait(30)
        self.start_service()

    def assert_counters_go_on(self):
        """Also after the kill: what /metrics has shown is on the disk."""
        names = {one["metric"]["__name__"] for one in self.query(COUNTERS)}
        assert {"model_observations_total", "model_predictions_total", "model_labels_total"} <= names
        fallen = {name: one["metric"] for name in sorted(names) for one in self.query(f"resets({name}[5m]) > 0")}
        assert not fallen, fallen


def drift_through_restarts(stack):
    for _ in range(3):
        stack.predict(BLOCK)
    stack.until(lambda: stack.query('model_observations_total{job="model-service"} >= 600'), "the healthy rows are scraped")
    stack.await_messages(0)
    stack.drifting = True
    for _ in range(8):  # so that also the slow one has a window of drift, and evidence
        stack.predict(BLOCK)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        traffic = pool.submit(stack.keep_sending)
        try:
            stack.until(lambda: len(stack.slack.accepted) >= 2, "the drift, and the change of b, are told")
            time.sleep(QUIET_SECONDS)
            told, before = list(stack.slack.accepted), stack.since()
            assert {name for name, _ in before["alerts"]} >= {"CriticalDataDrift", "DataDistributionChanged"}, before
            for sig in (signal.SIGTERM, signal.SIGKILL):
                stack.restart(sig)
                time.sleep(QUIET_SECONDS)
                assert stack.since() == before, sig
                assert stack.slack.accepted == told, (sig, stack.titles())
            time.sleep(2 * QUIET_SECONDS)  # longer after the last one than an alert outlasts
            assert stack.slack.accepted == told, stack.titles()
            stack.assert_counters_go_on()
        finally:
            stack.ended.set()
        traffic.result()
    assert not stack.repeated, stack.repeated[:3]
    log = (stack.folder / "service.log").read_text()
    assert log.count("goes on with its saved state") == 2, log
    counted = sum(float(one["value"][1]) for one in stack.query("model_observations_total"))
    assert counted <= stack.acknowledged + 2 * BLOCK, "nothing is invented"  # of two requests the answer may be lost
    stack.drifting = False
    for _ in range(3):
        stack.predict(BLOCK)
    stack.until(lambda: any(title.startswith("RESOLVED") for title in stack.titles()), "the drift ends when it does")


def play(name):
    with tempfile.TemporaryDirectory(prefix=f"drift-restart-{name}-") as folder:
        stack = Kept(folder, RATES[name])
        try:
            stack.start_all()
            drift_through_restarts(stack)
        finally:
            stack.ended.set()
            stack.stop()


@pytest.fixture(scope="module")
def played(request):
    wanted = [item.callspec.params["name"] for item in request.session.items
              if item.module is request.module and hasattr(item, "callspec")]
    with concurrent.futures.ThreadPoolExecutor(len(RATES)) as pool:
        yield {name: pool.submit(play, name) for name in wanted}


@pytest.mark.parametrize("name", RATES)
def test_a_restart_is_not_told(name, played):
    played[name].result()
