"""The same rows through the service and through check: the same numbers, to the last bit."""
import json
import random
import re
import subprocess

import pytest
import requests

from conftest import BINARY, by_method

WINDOW = 700

CONFIG = """models:
  - name: shop
    reference: reference.csv
    features:
      - {{name: amount, type: numeric}}
      - {{name: items, type: numeric}}
      - {{name: channel, type: categorical}}
    scorer: {{type: logistic, weights: [{{feature: amount, weight: 1}}]}}
    window: {{observations: {window}}}
    minimum_sample: 50
    reference_resolution: {resolution}
"""


def rows(seed, count, shift):
    source = random.Random(seed)
    return [(source.gauss(shift, 1), source.choice([0, 0, 1, 2, 3 if shift else 2]),
             source.choice(["web", "app", "app", "branch" if shift else "web"]))
            for _ in range(count)]


def text_of(table):
    return "amount,items,channel\n" + "".join(f"{a!r},{i},{c}\n" for a, i, c in table)


@pytest.fixture
def service():
    started = []

    def start(config):
        process = subprocess.Popen([BINARY, "serve", "--listen", "127.0.0.1:0", "--config", config],
                                   stderr=subprocess.PIPE, text=True)
        started.append(process)
        for line in process.stderr:
            found = re.search(r"listening on (http://\S+?)[\s\"]", line + " ")
            if found:
                return found[1]
        raise AssertionError("the service did not start")

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.parametrize("resolution", [0, 100])
def test_scores_and_p_values_are_equal_to_the_last_bit(check, service, resolution):
    check.write("reference.csv", text_of(rows(1, 2000, 0)))
    config = check.write("models.yml", CONFIG.format(window=WINDOW, resolution=resolution))
    current = rows(2, 1500, 0.4)
    address = service(config)
    body = {"instances": [{"features": list(row)} for row in current]}
    answer = requests.post(address + "/predict", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    online = requests.get(address + "/drift/status", timeout=30).json()

    path = check.write("current.csv", text_of(current))
    done = check.run("--config", config, "--current", path, "--format", "json")
    offline = json.loads(done.out)
    results = by_method(offline)
    assert offline["window_rows"] == online["window_observations"] == WINDOW
    compared = 0
    for name, feature in online["features"].items():
        if name.startswith("prediction"):
            continue  # the file has none
        for method, value in feature["methods"].items():
            result = results[name, method]
            assert result["score"] == value["score"], (name, method)
            assert result["p_value"] == value["p_value"], (name, method)
            assert result["significant"] == value["significant"], (name, method)
            assert result["drifted"] == value["drifted"], (name, method)
            compared += 1
    assert compared == 5
    assert results["amount", "ks_test"]["significant"]
