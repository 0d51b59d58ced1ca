"""bench/pages simulates alerts: here Prometheus itself judges the same series with the project's rule
file, and must be pending, firing and silent at exactly the evaluations at which the simulation is."""

import itertools
import json
import os
import pathlib
import re
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "prometheus/rules/alerts.yml"
BINARY = pathlib.Path(os.environ.get("MODEL_SERVICE_BINARY", ROOT / "build/model-service")).with_name("bench-pages")
ALERTS = {"warning": "DataDriftDetected", "critical": "CriticalDataDrift"}
STATES = [None, "pending", "firing"]
SHORT = 400  # scrapes of the script that meet every boundary
SAMPLE_EVERY = 25  # evaluations compared beside those where something changes


@pytest.fixture(scope="module")
def export():
    done = subprocess.run([BINARY, "--export"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def labels(**extra):
    named = {"job": "model-service", "instance": "a:8000", "model": "m", **extra}
    return "{" + ",".join(f'{name}="{value}"' for name, value in named.items()) + "}"


def series(name, values, **extra):
    return {"series": name + labels(**extra), "values": " ".join(map(str, values))}


def is_known(score):
    return score != "NaN"


def window_observations(export, stream, count):
    """The window fills row by row; a script, which has no rows, has just the minimum."""
    if stream["window"] == 0:
        return [export["minimum_sample"]] * count
    return [min((scrape + 1) * export["rows_per_scrape"], stream["window"]) for scrape in range(count)]


def input_series(export, stream):
    """What a scrape exports; the thresholds as one of the model and as one of each feature."""
    count = len(stream["features"][0]["warning"])
    result = [series("up", [f"1x{count}"]),
              series("model_window_observations", window_observations(export, stream, count)),
              series("model_minimum_sample_observations", [f"{export['minimum_sample']}x{count}"])]
    for severity in ALERTS:
        result.append(series("model_drift_threshold", [f"{stream[severity]}x{count}"], severity=severity))
    for feature in stream["features"]:
        for severity in ALERTS:
            result.append(series("model_feature_drift_threshold", [f"{stream[severity]}x{count}"],
                                 feature=feature["name"], severity=severity))
        for method in ("ks_test", "psi"):
            if any(map(is_known, feature[method]["score"])):  # else a method that the feature does not have
                of = {"feature": feature["name"], "method": method}
                result.append(series("model_drift_score", feature[method]["score"], **of))
                result.append(series("model_drift_significant", feature[method]["significant"], **of))
    return result


def states_at(stream, scrape):
    """The series ALERTS as the simulation has them."""
    return [(feature["name"], severity, STATES[feature[severity][scrape]])
            for feature in stream["features"] for severity in ALERTS if feature[severity][scrape]]


def compared(stream):
    """Every scrape at which something changes, the one before, and some between."""
    count = len(stream["features"][0]["warning"])
    changes = [s for s in range(1, count) if states_at(stream, s) != states_at(stream, s - 1)]
    return sorted({s for change in changes for s in (change - 1, change)} | set(range(0, count, SAMPLE_EVERY)))


def expectation(stream, scrape, scrape_seconds):
    samples = [{"labels": "ALERTS" + labels(alertname=ALERTS[severity], alertstate=state, feature=feature,
                                            severity=severity), "value": 1}
               for feature, severity, state in states_at(stream, scrape)]
    return {"expr": 'ALERTS{alertname=~"DataDriftDetected|CriticalDataDrift"}',
            "eval_time": f"{scrape * scrape_seconds}s", "exp_samples": samples}


def promtool(folder, export, stream, rules=None):
    scrape_seconds = export["scrape_seconds"]
    step = f"{scrape_seconds}s"
    document = {"rule_files": [str(rules or RULES)], "evaluation_interval": step,
                "tests": [{"name": stream["name"], "interval": step, "input_series": input_series(export, stream),
                           "promql_expr_test": [expectation(stream, s, scrape_seconds) for s in compared(stream)]}]}
    path = folder / "stream.test.yml"
    path.write_text(json.dumps(document))  # which is YAML
    return subprocess.run(["promtool", "test", "rules", path], env={**os.environ, "GOGC": "800"},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=300)


def test_the_intervals_are_the_configured_ones(export):
    configured = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text())["global"]
    assert configured["scrape_interval"] == configured["evaluation_interval"] == f"{export['scrape_seconds']}s"


@pytest.mark.parametrize("index", range(4))
def test_prometheus_agrees(export, tmp_path, index):
    stream = export["streams"][index]
    assert len(export["streams"]) == 4
    assert any(STATES[state] == "firing" for feature in stream["features"] for state in feature["warning"])
    judged = promtool(tmp_path, export, stream)
    assert judged.returncode == 0, judged.stdout[-4000:]


def runs(stream, severity):
    """How long the condition of a rule held, and was absent, each time, in scrapes."""
    result = []
    for feature in stream["features"]:
        held = [any(is_known(feature[method]["score"][s]) and feature[method]["score"][s] > stream[severity]
                    and feature[method]["significant"][s] for method in ("ks_test", "psi"))
                for s in range(len(feature[severity]))]
        result += [(value, len(list(group))) for value, group in itertools.groupby(held)]
    return result


def head(stream, scrapes):
    """A stream cut short: a rule that is wrong shows early."""
    def cut(value):
        if isinstance(value, list):
            return value[:scrapes]
        return {key: cut(part) for key, part in value.items()} if isinstance(value, dict) else value
    return {**stream, "features": [cut(feature) for feature in stream["features"]]}


@pytest.mark.parametrize("scrapes", [SHORT, 800])
def test_the_script_meets_the_boundaries(export, scrapes):
    """A condition seen in n evaluations has held for n - 1 intervals."""
    script = head(export["streams"][3], scrapes)
    step = export["scrape_seconds"]
    for severity, held_for, kept in (("warning", 60, 75), ("critical", 30, 105)):
        seen = runs(script, severity)
        assert {(True, held_for // step), (True, held_for // step + 1)} <= set(seen), severity
        assert {(False, kept // step), (False, kept // step + 1)} <= set(seen), severity


@pytest.mark.parametrize("right, wrong", [
    (r"        for: 1m\n        keep_firing_for: 75s", "        for: 55s\n        keep_firing_for: 75s"),
    (r"        for: 1m\n        keep_firing_for: 75s", "        for: 65s\n        keep_firing_for: 75s"),
    (r"        for: 30s", "        for: 35s"),
    (r"keep_firing_for: 75s", "keep_firing_for: 70s"),
    (r"model_drift_significant == 1", "model_drift_significant >= 0"),
])
def test_a_different_rule_is_noticed(export, tmp_path, right, wrong):
    text, changed = re.subn(right, wrong, RULES.read_text())
    assert changed
    (tmp_path / "alerts.yml").write_text(text)
    judged = promtool(tmp_path, export, head(export["streams"][3], SHORT), tmp_path / "alerts.yml")
    assert judged.returncode != 0


def test_the_table_in_the_docs_is_the_measured_one():
    def rows(path):
        return [line for line in (ROOT / path).read_text().splitlines() if re.match(r"\| [\d.]+ \|", line)]
    told, measured = rows("docs/choosing.md"), rows("bench/pages/README.md")
    assert len(told) > 20
    assert [row for row in told if row not in measured] == []
