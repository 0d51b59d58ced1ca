"""docs/api.md, docs/metrics.md and README.md say what the service does: every member of an answer is named, the curl examples
of the README work, and no query has a threshold of its own."""
import os
import re
import subprocess

import pytest

from conftest import ROOT

API = (ROOT / "docs/api.md").read_text()
README = (ROOT / "README.md").read_text()
METRICS = (ROOT / "docs/metrics.md").read_text()


def section(text, heading):
    return re.search(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", text, re.M | re.S)[1]


def members(answer):
    """Of an object, its features, metrics, classes and detectors, whose own names are not members."""
    for name, value in answer.items():
        yield name
        if name in ("features", "metrics", "classes", "detectors", "streams", "methods",
                    "feature_drift_scores", "categories", "degraded_metrics"):
            for inner in value.values():
                yield from members(inner) if isinstance(inner, dict) else ()
        elif isinstance(value, dict) and name != "change":
            yield from members(value)


@pytest.fixture(scope="module")
def answers():
    from conftest import Service
    service = Service()
    service.post("/simulate/drift?severity=1&n_requests=300")
    yield service
    service.stop()


@pytest.mark.parametrize("path, heading", [("/drift/status", "GET /drift/status"), ("/performance", "GET /performance")])
def test_every_member_of_an_answer_is_documented(answers, path, heading):
    text = section(API, heading)
    named = {name for part in (text, section(API, "GET /performance"), section(API, "POST /labels"))
             for name in re.findall(r"`(\w+)`", part)}
    found = set(members(answers.get(path).json()))
    assert len(found) > 15
    assert found - named == set()


def test_the_requests_of_the_readme_work(answers):
    [block] = re.findall(r"^## Try it\n\n```\n(.*?)^```$", README, re.M | re.S)
    requests = re.findall(r"curl (?:.*\\\n)*.*", block)
    assert len(requests) == 3
    for line in requests:
        line = line.replace("localhost:8000", answers.url.removeprefix("http://")).replace("curl -s", "curl -sf")
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "no_proxy": "*"})
        assert done.returncode == 0 and done.stdout.startswith("{"), line


def test_queries_take_the_threshold_of_the_feature_as_the_alert_does():
    """A configured threshold would otherwise differ from the query's."""
    rule = "model_drift_score > on (job, instance, model, feature) group_left ()"
    for text in README, METRICS:
        flat = re.sub(r"\s+", " ", text)
        assert f'{rule} model_feature_drift_threshold{{severity="warning"}}' in flat
        assert not re.search(r"model_drift_score\S* [<>]=? *[0-9.]", flat)
    alerts = re.sub(r"\s+", " ", (ROOT / "prometheus/rules/recording.yml").read_text()
                    + (ROOT / "prometheus/rules/alerts.yml").read_text())
    assert 'group_left () model_feature_drift_threshold{severity="warning"}' in alerts
    assert "`/predict` refuses null" not in METRICS
