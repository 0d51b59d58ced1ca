"""More than a hundred drifted features are one alert: promtool on the project's rules, with features made here."""

import pytest
import yaml

from test_config import PROMETHEUS, run

OF = 'job="model-service",instance="a:8000",model="m"'
ALERTS = {"DataDriftDetected": ("warning", 0.4), "CriticalDataDrift": ("critical", 0.7)}


def series(name, labels, values):
    return {"series": f"{name}{{{OF}{labels}}}", "values": values}


def features(count, score, later=0):
    """`later` more features drift from 80 s on."""
    yield series("model_window_observations", "", "200x60")
    yield series("model_minimum_sample_observations", "", "50x60")
    for i in range(count + later):
        feature = f',feature="f{i:03}"'
        values = f"{score + i / 1000:.3f}x60" if i < count else f"0.1x15 {score + i / 1000:.3f}x30"
        yield series("model_drift_score", feature + ',method="ks_test"', values)
        yield series("model_drift_significant", feature + ',method="ks_test"', "1x60")
        for severity, threshold in (("warning", 0.3), ("critical", 0.5)):
            yield series("model_feature_drift_threshold", f'{feature},severity="{severity}"', f"{threshold}x60")


def promtool(tmp_path, alert, input_series, expected):
    """expected: {seconds: (alerts of features, alerts of the model)} that fire."""
    firing = f'ALERTS{{alertname="{alert}",alertstate="firing"'
    checks = [{"expr": f"count({firing},scope{operator}}})", "eval_time": f"{seconds}s",
               "exp_samples": [{"value": count}] if count else []}
              for seconds, counts in expected.items() for operator, count in zip(('=""', '="model"'), counts)]
    path = tmp_path / "wide.test.yml"
    path.write_text(yaml.safe_dump({
        "rule_files": [str(PROMETHEUS / "rules/alerts.yml")], "evaluation_interval": "5s",
        "tests": [{"interval": "5s", "input_series": list(input_series), "promql_expr_test": checks}]}))
    done = run("promtool", "test", "rules", path)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("alert", ALERTS)
@pytest.mark.parametrize("count, fire", [(100, (100, 0)), (101, (0, 1))])
def test_a_hundred_features_are_a_hundred_alerts_and_one_more_is_one(tmp_path, alert, count, fire):
    promtool(tmp_path, alert, features(count, ALERTS[alert][1]), {0: (0, 0), 75: fire})


@pytest.mark.parametrize("alert", ALERTS)
def test_what_fires_already_stays_when_many_more_follow(tmp_path, alert):
    """The hundred first ones have been told: they end when they end. The new ones are the alert of the model."""
    promtool(tmp_path, alert, features(100, ALERTS[alert][1], later=40), {75: (100, 0), 155: (100, 1)})


@pytest.mark.parametrize("alert", ALERTS)
def test_the_alert_names_the_ten_strongest_and_how_many(tmp_path, alert):
    severity, score = ALERTS[alert]
    path = tmp_path / "names.test.yml"
    ten = ", ".join(f"`f{i:03}` {score + i / 1000:.3f}" for i in range(119, 109, -1))
    test = {"interval": "5s", "input_series": list(features(120, score)), "alert_rule_test": [
        {"eval_time": "75s", "alertname": alert, "exp_alerts": [{
            "exp_labels": {"severity": severity, "scope": "model", "job": "model-service", "instance": "a:8000", "model": "m"},
            "exp_annotations": {"description": f"120 features of model `m` on a:8000 have drifted. The strongest: {ten}."}}]}]}
    path.write_text(yaml.safe_dump({"rule_files": [str(PROMETHEUS / "rules/alerts.yml")], "evaluation_interval": "5s",
                                    "tests": [test]}))
    done = run("promtool", "test", "rules", path)
    # promtool compares all annotations, of which the description is the one that is asserted here.
    assert f"120 features of model `m` on a:8000 have drifted. The strongest: {ten}." in done.stdout.split("got:")[1]
