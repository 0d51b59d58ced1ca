"""A change that no threshold sees, through the real chain: the service, Prometheus and Alertmanager with the project's own
configuration and intervals, and the Slack inbox. A feature moves by a quarter of a deviation, and is told with what, since when
and how often chance does that. While it is there values of another feature go missing, which is told too."""
import json
import random
import re
import time

import requests

from test_end_to_end import messages, new_run  # noqa: F401

ROWS_EACH = 25
SECONDS_EACH = 0.25

CONFIG = """
models:
  - name: sales
    reference: reference.csv
    features: [{name: price}, {name: stock}]
    columns: {timestamp: t}
    scorer: {type: none}
    window: {observations: 200}
"""


def write_config(folder):
    rng = random.Random(1)
    rows = [f"{i},{rng.gauss(0, 1):.5f},{rng.gauss(0, 1):.5f}" for i in range(10000)]
    (folder / "reference.csv").write_text("\n".join(["t,price,stock", *rows]) + "\n")
    (folder / "drift.yml").write_text(CONFIG)
    return folder / "drift.yml"


class Traffic:
    """Rows at an even pace."""

    def __init__(self, run):
        self.run, self.rng, self.shift, self.missing = run, random.Random(2), 0.0, 0.0
        self.session = requests.Session()

    def row(self):
        price = self.rng.gauss(self.shift, 1)
        return {"price": price, "stock": None if self.rng.random() < self.missing else self.rng.gauss(0, 1)}

    def until(self, condition, seconds):
        deadline = time.monotonic() + seconds
        url = f"http://127.0.0.1:{self.run.ports['MODEL_SERVICE_PORT']}/observe"
        while not condition():
            assert time.monotonic() < deadline, "\n".join([self.run.text()[-2000:], *(
                part[key] for entry in messages(self.run) for part in entry["attachments"] for key in ("title", "text"))])
            body = "".join(json.dumps({"features": self.row()}) + "\n" for _ in range(ROWS_EACH))
            answer = self.session.post(url, data=body, headers={"Content-Type": "application/x-ndjson"}, timeout=30)
            assert answer.json()["observed"] == ROWS_EACH
            time.sleep(SECONDS_EACH)

    def for_seconds(self, seconds):
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end, seconds + 60)


def told(run, *parts):
    return [message for message in (entry["attachments"][0] for entry in messages(run))
            if all(part in message["title"] + message["text"] for part in parts)]


def test_a_quarter_of_a_deviation_and_a_second_change(new_run, tmp_path):  # noqa: F811
    run = new_run(MODEL_CONFIG=str(write_config(tmp_path))).start()
    traffic = Traffic(run)
    traffic.for_seconds(20)
    assert messages(run) == []

    began = time.time()
    traffic.shift = 0.25
    traffic.until(lambda: told(run, "FIRING", "DataDistributionChanged"), 300)
    [first] = told(run, "DataDistributionChanged")
    assert first["title"] == "FIRING 1 | warning | DataDistributionChanged | model sales"
    found = re.search(r"feature `price`.*, shifted up by about (0\.\d+) deviations, about (\d+) rows ago; by chance at most one page of "
                      r"the model in 90d; model version 1; since (\S+ \S+) UTC", first["text"])
    assert found, first["text"]
    assert 0.15 <= float(found[1]) <= 0.5 and int(found[2]) > 100
    assert "stock" not in first["text"]
    since = time.mktime(time.strptime(found[3], "%Y-%m-%d %H:%M:%S")) - time.timezone
    assert abs(since - began) < 30, (found[3], began)

    traffic.missing = 0.03  # five points are told by ModelFeatureMissing
    traffic.until(lambda: told(run, "FIRING 2", "more missing values"), 300)
    [second] = told(run, "FIRING 2")
    assert "feature `stock`" in second["text"] and "feature `price`" in second["text"]
    assert not told(run, "DataDriftDetected") and not told(run, "RESOLVED")
    assert run.stop() == 0, run.text()
