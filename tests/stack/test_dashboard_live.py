"""Every query of every panel against a real Prometheus that scrapes the real service under traffic, with
labels: none fails, none is empty. The look back of the recording rules is shortened from an hour to seconds."""

import random
import re
import threading
import time

import pytest
import requests
import yaml

from test_dashboard import DASHBOARD, PANELS, TARGETS, VARIABLES, promtool_parses, substituted  # noqa: F401
from test_incidents import Slack, Stack

TRAFFIC_SECONDS = 45


class Live(Stack):
    """One numeric and one categorical feature, a reference with labels."""

    def write_model(self):
        rng = random.Random(1)
        lines = ["age,channel,y"]
        for _ in range(1000):
            age = rng.gauss(0, 1)
            lines.append(f"{age},{'web' if rng.random() < 0.7 else 'shop'},{self.truth(rng, age)}")
        (self.folder / "reference.csv").write_text("\n".join(lines) + "\n")
        (self.folder / "model.yml").write_text(yaml.safe_dump({"models": [{
            "name": "live", "reference": "reference.csv", "window": {"observations": 200}, "columns": {"label": "y"},
            "features": [{"name": "age", "type": "numeric"}, {"name": "channel", "type": "categorical"}],
            "scorer": {"type": "logistic", "weights": [{"feature": "age", "weight": 2}]}}]}))

    @staticmethod
    def truth(rng, age):
        return "positive" if age + rng.gauss(0, 0.5) > 0 else "negative"

    def rule_text(self, text):
        for window, instead in (("[1h] offset 10m", "[20s] offset 10s"), ("[10m]", "[10s]"), ("[5m]", "[10s]")):
            text = text.replace(window, instead)
        return text

    def traffic(self, stop):
        rng, sent, session = random.Random(2), 0, requests.Session()
        while not stop.is_set():
            rows, labels = [], []
            for _ in range(20):
                sent += 1
                age = rng.gauss(0.7, 1)
                channel = "new" if sent % 50 == 0 else "web" if rng.random() < 0.7 else "shop"
                rows.append({"features": {"age": age, "channel": channel}, "id": f"r{sent}"})
                labels.append({"id": f"r{sent}" if sent % 10 else f"nobody{sent}", "label": self.truth(rng, age)})
            answer = session.post(self.url("service", "/predict"), json={"instances": rows}, timeout=10)
            assert answer.status_code == 200, answer.text
            time.sleep(0.2)
            answer = session.post(self.url("service", "/labels"), json={"labels": labels}, timeout=10)
            assert answer.status_code == 200, answer.text
            stop.wait(0.2)


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    stack = Live(tmp_path_factory.mktemp("live"), [], Slack())
    stop = threading.Event()
    thread = threading.Thread(target=stack.traffic, args=(stop,))
    try:
        stack.start_all()
        began = time.time()
        thread.start()
        time.sleep(TRAFFIC_SECONDS)
        assert thread.is_alive(), "the traffic goes on"
        yield stack, began
    finally:
        stop.set()
        if thread.ident:
            thread.join()
        stack.stop()


def values(stack, began, target):
    """Numbers of the answer that are numbers, and the error if there is one."""
    expression = substituted(target["expr"], job="model-service", model="live", rate="10s")
    now = time.time()
    if target["instant"]:
        path, times = "/api/v1/query", {"time": now}
    else:
        path, times = "/api/v1/query_range", {"start": began, "end": now, "step": 2}
    answer = requests.get(stack.url("prometheus", path), params={"query": expression, **times}, timeout=20).json()
    assert answer["status"] == "success", answer
    points = [point for series in answer["data"]["result"] for point in series.get("values", [series.get("value")])]
    return [float(number) for _, number in points if number != "NaN"]


def test_no_query_of_a_panel_fails_or_is_empty(live):
    stack, began = live
    empty = [(panel["title"], target["refId"]) for panel, target in TARGETS if not values(stack, began, target)]
    assert empty == []


def test_variables_find_the_model(live):
    stack, _ = live
    for name, expected in (("job", {"model-service"}), ("model", {"live"}), ("feature", {"age", "channel", "prediction",
                                                                                       "prediction_score"})):
        query = VARIABLES[name]["query"]["query"]
        expression, label = re.fullmatch(r"label_values\((.*), (\w+)\)", query).groups()
        found = stack.query(substituted(expression, job="model-service", model="live"))
        assert {series["metric"][label] for series in found} == expected


def test_every_rule_is_evaluated_without_an_error(live):
    stack, _ = live
    groups = requests.get(stack.url("prometheus", "/api/v1/rules"), timeout=10).json()["data"]["groups"]
    assert {rule["name"]: rule.get("lastError") for group in groups for rule in group["rules"] if rule["health"] != "ok"} == {}
