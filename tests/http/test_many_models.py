"""Many models in one service: they are read, and a scrape of them is written, by several threads."""
import random

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from conftest import Service

MODELS, FEATURES, ROWS = 40, 60, 50
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def configure(folder, broken=()):
    names = [f"f{f}" for f in range(FEATURES)]
    lines = ["models:"]
    for m in range(MODELS):
        source = random.Random(m)
        rows = [[repr(source.gauss(m, 1)) for _ in names] for _ in range(ROWS)]
        if m in broken:
            rows[7][3] = f"broken{m}"
        (folder / f"{m}.csv").write_text("\n".join(map(",".join, [names, *rows])) + "\n")
        lines += [f"  - name: m{m}", f"    reference: {m}.csv",
                  "    features: [" + ", ".join("{name: %s}" % name for name in names) + "]",
                  "    scorer: {type: logistic, weights: [{feature: f0, weight: 1}]}",
                  "    window: {observations: 50}"]
    (folder / "models.yml").write_text("\n".join(lines) + "\n")
    return str(folder / "models.yml")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    running = Service("--config", configure(tmp_path_factory.mktemp("models")))
    yield running
    assert running.stop() == 0


def samples(service, parse, **headers):
    """By family the samples without the service's own, in the order of the answer. Both parsers refuse a
    family that comes twice or is interleaved with another."""
    text = service.get("/metrics", headers=headers).text
    return {family.name: [s for s in family.samples if "model" in s.labels] for family in parse(text)}


@pytest.mark.parametrize("parse, accept", [(prometheus, "text/plain"), (openmetrics, OPENMETRICS)])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_each_family_has_the_models_in_their_order(service, parse, accept, encoding):
    families = samples(service, parse, **{"Accept": accept, "Accept-Encoding": encoding})
    for name in "model_feature_reference_mean", "model_drift_score", "model_predictions":
        found = list(dict.fromkeys(s.labels["model"] for s in families[name]))
        assert found == [f"m{m}" for m in range(MODELS)], name
    means = families["model_feature_reference_mean"]
    assert [s.labels["feature"] for s in means if s.labels["model"] == "m7"][:FEATURES] == [
        f"f{f}" for f in range(FEATURES)]
    for m in 0, 19, 20, MODELS - 1:  # the values of this model, and not of another
        own = [s.value for s in means if s.labels["model"] == f"m{m}" and s.labels["feature"] == "f0"]
        assert own == [pytest.approx(m, abs=1)]


def test_a_row_is_seen_in_its_own_model(service):
    answer = service.post("/models/m33/predict", json={"features": [33.0] * FEATURES})
    assert answer.status_code == 200, answer.text
    counts = {s.labels["model"]: s.value for s in samples(service, prometheus)["model_predictions"]
              if s.labels.get("result", "ok") in ("ok", "success", "accepted")}
    assert counts["m33"] == 1 and counts["m32"] == 0, counts


def test_log_names_models_in_their_order(tmp_path):
    running = Service("--config", configure(tmp_path))
    assert running.stop() == 0
    named = [line.split('"')[1] for line in running.log.splitlines() if "features" in line and 'model "m' in line]
    assert named == [f"m{m}" for m in range(MODELS)]


def test_the_first_broken_model_is_named(tmp_path):
    """Whichever thread finds its error first."""
    path = configure(tmp_path, broken=(5, 6, 30))
    for _ in range(3):
        with pytest.raises(AssertionError, match="broken5"):
            Service("--config", path)
