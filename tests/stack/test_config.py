"""The configuration of Prometheus and Alertmanager: their own checkers, the unit tests of the
rules (and that these tests notice when a rule is broken), routing, and both programs for real with
the configuration of this tree against local stand-ins."""

import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time

import pytest
import requests
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "prometheus"
ALERTMANAGER = ROOT / "alertmanager"
JOBS = {"model-service": 8000, "prometheus": 9090, "alertmanager": 9093}
WAIT_SECONDS = 20
QUIET_SECONDS = 1.5  # longer than the groups' interval in these tests


def run(*command):
    # promtool spends much of its time collecting garbage it has no need to collect
    return subprocess.run([str(part) for part in command], env={**os.environ, "GOGC": "800"}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)


def load(path):
    return yaml.safe_load(pathlib.Path(path).read_text())


def alert_rules():
    return [rule for path in sorted((PROMETHEUS / "rules").glob("*.yml"))
            for group in load(path)["groups"] for rule in group["rules"] if "alert" in rule]


def alert_names():
    return sorted({rule["alert"] for rule in alert_rules()})


# ---- checkers ----

def test_promtool_accepts_the_configuration():
    checked = run("promtool", "check", "config", PROMETHEUS / "prometheus.yml")
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count("SUCCESS") >= 4, "the rule files are found"


def test_promtool_finds_no_lint_in_the_rules():
    files = sorted((PROMETHEUS / "rules").glob("*.yml"))
    assert [path.name for path in files] == ["alerts.yml", "history.yml", "meta.yml", "recording.yml", "stale.yml"]
    checked = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", *files)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("path", sorted((PROMETHEUS / "tests").glob("*.yml")), ids=lambda p: p.name)
def test_rules_behave(path):
    tested = run("promtool", "test", "rules", path)
    assert tested.returncode == 0, tested.stdout


# Each breaks the rules in one way; the tests of that file, or those with the last part in their names, must then fail.
BROKEN = [
    ("drift", "alerts.yml", "model_drift_significant == 1", "model_drift_significant >= 0",
     "DataDriftDetected: does not fire"),
    ("drift", "alerts.yml", "        for: 1m\n        keep_firing_for: 75s", "        for: 55s\n        keep_firing_for: 75s",
     "DataDriftDetected: fires, boundary"),
    ("drift", "alerts.yml", "        for: 30s", "        for: 1m",
     "CriticalDataDrift: fires, boundary"),
    ("drift", "alerts.yml", "keep_firing_for: 75s", "keep_firing_for: 70s",
     "DataDriftDetected: fires, boundary"),
    ("drift", "alerts.yml", 'on (job, instance, model, feature) group_left () model_feature_drift_threshold{severity="warning"}',
     "0.3",
     "DataDriftDetected: does not fire"),
    ("drift", "alerts.yml", "max without (method)", "max without (nothing)",
     "DataDriftDetected: fires, boundary"),
    ("drift", "alerts.yml", 'feature!~"prediction|prediction_score",method="ks_test"', 'method="none"',
     "which score speaks"),
    ("drift", "alerts.yml", 'feature!~"prediction|prediction_score"', 'feature!~"prediction"',
     "DataDriftDetected: does not fire"),
    ("drift", "alerts.yml", "model_window_observations >= model_minimum_sample_observations", "model_window_observations >= 0",
     "below the minimum"),
    ("drift", "alerts.yml", 'printf "%.40s" $top | reReplaceAll', 'printf "%.1s" $top | reReplaceAll',
     "hostile names"),
    ("distribution", "alerts.yml", "timestamp_seconds < 600", "timestamp_seconds < 6000",
     "idle"),
    ("rate", "alerts.yml", "[1h:1m] offset 10m) >= 35", "[1h:1m] offset 10m) >= 5",
     "rate: does not fire"),
    ("rate", "alerts.yml", "offset 10m) * 300 >= 50", "offset 10m) >= 0",
     "rate: does not fire"),
    ("rate", "alerts.yml", "< 0.3 * quantile", "< 0.6 * quantile",
     "rate: fires, boundary"),
    ("classes", "alerts.yml", "share_z > 4", "share_z > 2",
     "classes: does not fire"),
    ("classes", "alerts.yml", "> 0.15", "> 0.05",
     "classes: fires, boundary"),
    ("classes", "alerts.yml", "increase10m >= 100", "increase10m >= 10",
     "classes: does not fire"),
    ("rate", "alerts.yml", "        for: 5m", "        for: 2m",
     "rate: fires, boundary"),
    ("quality", "alerts.yml", "> 2 * model_feature_reference", "> 1 * model_feature_reference",
     "ModelFeatureMissing: does not fire"),
    ("quality", "alerts.yml", "model_feature_reference_missing_ratio > 0.05", "model_feature_reference_missing_ratio > 0.03",
     "ModelFeatureMissing: does not fire"),
    ("quality", "alerts.yml", "model_feature_missing_significant == 1", "model_feature_missing_significant >= 0",
     "ModelFeatureMissing: does not fire"),
    ("quality", "alerts.yml", "model_feature_unseen_ratio > 0.02", "model_feature_unseen_ratio >= 0.02",
     "ModelFeatureUnseen: does not fire"),
    ("quality", "alerts.yml", "model_window_observations >= 10", "model_window_observations >= 9",
     "ModelFeatureUnseen: does not fire"),
    ("performance", "alerts.yml", "model_performance_labels >= 50", "model_performance_labels >= 49",
     "ModelPerformanceDegraded: does not fire"),
    ("performance", "alerts.yml", '[1d]) > 0', '[1d]) >= 0',
     "ConceptDriftDetected: does not fire"),
    ("performance", "alerts.yml", 'detector=~"adwin|hddm_a|page_hinkley|urn"', 'detector=~".+"',
     "ConceptDriftDetected: does not fire"),
    ("performance", "alerts.yml", "model_performance_degraded == 1", "model_performance_degraded >= 0",
     "ModelPerformanceDegraded: does not fire"),
    ("stale", "stale.yml", "max_over_time(model:model_last_label_timestamp_seconds:max[7d])",
     "model:model_last_label_timestamp_seconds:max",
     "LabelsStale: fires, restart"),
    ("stale", "stale.yml", "          and\n            model:model_predictions:increase10m > 0", "",
     "LabelsStale: idle"),
    ("stale", "stale.yml", "> 3600", "> 7200",
     "LabelsStale: fires, boundary"),
    ("labels_daily", "stale.yml", "> 129600", "> 86400"),
    ("down", "alerts.yml", ' or absent(up{job="model-service"})', "",
     "ModelServiceDown: missing series"),
    ("service", "meta.yml", "model_config_last_reload_successful == 0", "model_config_last_reload_successful < 0",
     "ModelConfigReloadFailed: fires"),
    ("service", "meta.yml", "model_state_kept == 0", "model_state_kept < 0", "ModelStateNotKept: fires"),
    ("service", "meta.yml", "increase(model_observations_total[10m]) > 0", "increase(model_observations_total[10m]) >= 0",
     "ModelWindowBelowMinimum: idle"),
    ("stale", "stale.yml", "(model_last_observation_timestamp_seconds > 0)", "model_last_observation_timestamp_seconds",
     "ModelObservationsStale: restart"),
    ("stale", "stale.yml", ">= 36", ">= 1",
     "ModelObservationsStale: "),
    ("ended", "meta.yml", "        for: 45s", "        for: 50s", "AlertEndTold: fires"),
    ("ended", "meta.yml", "[16m]", "[15m]", "AlertEndTold: fires"),
    ("ended", "meta.yml", "          unless on (alertname, job, instance, model, feature, signal)\n            ALERTS{severity=~\"critical|warning\"}\n",
     "", "AlertEndTold: resolves"),
    ("ended", "meta.yml", '{alertname="CriticalDataDrift",alertstate="firing"}[1m]', '{alertname="CriticalDataDrift",alertstate="firing"}[10s]',
     "muted by the critical"),
    ("ended", "meta.yml", 'ALERTS{alertname="ModelServiceDown"', 'ALERTS{alertname="None"', "muted"),
    ("ended", "meta.yml", "(increase(alertmanager_notifications_failed_total[20m])) > 0",
     "(increase(alertmanager_notifications_failed_total[20m])) > 1e9", "a delivery failed"),
    ("monitoring", "meta.yml", "(prometheus|alertmanager)_config", "(prometheus)_config",
     "MonitoringConfigReloadFailed: fires, of both"),
    ("monitoring", "meta.yml", "prometheus_notifications_alertmanagers_discovered < 1",
     "prometheus_notifications_alertmanagers_discovered < 0",
     "no Alertmanager is known"),
]


@pytest.mark.parametrize("broken", BROKEN, ids=range(len(BROKEN)))
def test_rule_tests_notice_broken_rules(broken, tmp_path):
    """On a broken copy of the rules, promtool's tests fail."""
    test, rules, text, instead, *part = broken
    copy = tmp_path / "prometheus"
    shutil.copytree(PROMETHEUS, copy)
    original = (copy / "rules" / rules).read_text()
    assert text in original, text
    (copy / "rules" / rules).write_text(original.replace(text, instead))
    tests = copy / "tests" / f"{test}.test.yml"
    chosen = load(tests)
    chosen["tests"] = [one for one in chosen["tests"] if not part or part[0] in one["name"]]
    assert chosen["tests"], part
    tests.write_text(yaml.safe_dump(chosen, width=1000))
    result = run("promtool", "test", "rules", tests)
    assert result.returncode != 0 and "FAILED:" in result.stdout, (text, instead)
    assert "could not parse" not in result.stdout, result.stdout[-2000:]


# ---- what the rules promise ----

def test_mission_alerts_have_their_names_times_and_severities():
    found = {(rule["alert"], rule["labels"]["severity"], rule["for"]) for rule in alert_rules()
             if rule["alert"] in ("DataDriftDetected", "CriticalDataDrift", "ModelServiceDown")}
    assert found == {("DataDriftDetected", "warning", "1m"), ("CriticalDataDrift", "critical", "30s"),
                     ("ModelServiceDown", "critical", "1m")}
    assert {rule["labels"]["severity"] for rule in alert_rules()
            if rule["alert"] == "PredictionDistributionShift"} == {"warning"}


def test_drift_alerts_outlast_the_detection_of_a_dead_service():
    seconds = {rule["alert"]: rule.get("keep_firing_for") for rule in alert_rules()}
    assert (seconds["DataDriftDetected"], seconds["CriticalDataDrift"]) == ("75s", "105s"), "longer than the 60 s of ModelServiceDown"


@pytest.mark.parametrize("rule", alert_rules(), ids=lambda rule: rule["alert"] + rule["labels"].get("signal", ""))
def test_alert_says_what_the_reader_needs(rule):
    assert re.fullmatch(r"([A-Z][a-z]+){1,6}", rule["alert"])
    assert rule["labels"]["severity"] in ("critical", "warning", "info", "none")
    assert not any("{{" in value for value in rule["labels"].values()), "no values in labels"
    annotations = rule["annotations"]
    assert {"summary", "description", "kind", "recommended_action", "runbook_url", "dashboard_url"} <= set(annotations)
    assert "{{" not in annotations["summary"], "the summary is the same for the whole group"
    assert annotations["runbook_url"].endswith("#" + rule["alert"].lower())


CASES = {"fires", "does not fire", "resolves", "boundary", "counter reset", "restart", "gap", "missing series", "idle", "NaN"}


def named_cases():
    """{"Alert" or "Alert signal": cases}, of the names of the unit tests: "Alert: case, case, what else"."""
    found = {}
    for path in (PROMETHEUS / "tests").glob("*.yml"):
        for test in load(path)["tests"]:
            subject, colon, cases = test["name"].partition(": ")
            if not colon:
                continue  # of a recording rule
            assert cases.split(", ")[0] in CASES, f"{path.name}: the name begins with no case: {test['name']}"
            found.setdefault(subject, set()).update(set(cases.split(", ")) & CASES)
    return found


@pytest.mark.parametrize("subject", sorted({" ".join(filter(None, (rule["alert"], rule["labels"].get("signal"))))
                                            for rule in alert_rules()}))
def test_every_alert_has_every_case(subject):
    """Fires, does not fire, resolves, at the boundary of its time, across a reset of counters, a restart, a gap in
    scrapes, with series missing, on an idle service, with NaN."""
    assert CASES - named_cases().get(subject, set()) == set()


def test_every_alert_has_a_place_in_the_runbook():
    headings = re.findall(r"^## (\S+)$", (ROOT / "docs" / "runbook.md").read_text(), re.M)
    assert sorted(set(headings) & set(alert_names())) == alert_names()
    assert len(headings) == len(set(headings))


DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), PROMETHEUS / "README.md", ALERTMANAGER / "README.md",
             ROOT / "grafana/README.md"]


def anchors(document):
    """Of its headings, as a reader of Markdown makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"(?ms)^```.*?^```", "", document.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_documents_lead_somewhere(document):
    text = re.sub(r"(?ms)^```.*?^```", "", document.read_text())
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", target):
            continue
        path, _, anchor = target.partition("#")
        found = (document.parent / path).resolve() if path else document
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


def test_runbook_links_of_the_alerts_lead_to_their_headings():
    for rule in alert_rules():
        assert rule["annotations"]["runbook_url"].rpartition("#")[2] in anchors(ROOT / "docs/runbook.md"), rule["alert"]


def test_runbook_sections_are_complete():
    sections = re.split(r"^## ", (ROOT / "docs" / "runbook.md").read_text(), flags=re.M)[1:]
    for section in sections:
        name = section.split("\n", 1)[0]
        if name in alert_names():
            for part in ("**Means**", "**Confirm**", "**Causes**", "**Do**", "**Silence**"):
                assert part in section, f"{name} lacks {part}"


# ---- targets ----

def test_targets_are_the_same_jobs_natively_and_in_compose():
    services = load(ROOT / "docker-compose.yml")["services"]
    for job, port in JOBS.items():
        assert load(PROMETHEUS / f"targets/{job}.yml") == [{"targets": [f"127.0.0.1:{port}"]}]
        assert load(PROMETHEUS / f"targets/compose/{job}.yml") == [{"targets": [f"{job}:{port}"]}]
        assert job in services
    assert {path.stem for path in (PROMETHEUS / "targets").glob("*.yml")} == set(JOBS)
    assert {path.stem for path in (PROMETHEUS / "targets/compose").glob("*.yml")} == set(JOBS)


def test_scrapes_are_limited():
    config = load(PROMETHEUS / "prometheus.yml")
    assert {scrape["job_name"] for scrape in config["scrape_configs"]} == set(JOBS)
    for scrape in config["scrape_configs"]:
        assert scrape["sample_limit"] > 0 and scrape["body_size_limit"]


# ---- Alertmanager ----

def test_amtool_accepts_the_configuration():
    checked = run("amtool", "check-config", ALERTMANAGER / "alertmanager.yml")
    assert checked.returncode == 0, checked.stdout
    assert "1 templates" in checked.stdout


@pytest.mark.parametrize("labels,receiver", [
    ("alertname=CriticalDataDrift severity=critical model=m feature=f", "slack"),
    ("alertname=DataDriftDetected severity=warning model=m feature=f", "slack"),
    ("alertname=PredictionDistributionShift severity=warning model=m signal=rate", "slack"),
    ("alertname=ModelServiceDown severity=critical job=model-service", "slack"),
    ("alertname=ConceptDriftDetected severity=critical model=m", "slack"),
    ("alertname=LabelsStale severity=warning model=m", "slack"),
    ("alertname=ModelFeatureMissing severity=warning model=m feature=f", "slack"),
    ("alertname=ModelConfigReloadFailed severity=warning job=model-service", "slack"),
    ("alertname=ModelStateNotKept severity=warning job=model-service", "slack"),
    ("alertname=ModelWindowBelowMinimum severity=info model=m", "nowhere"),
    ("alertname=Watchdog severity=none", "nowhere"),
    ("alertname=SomebodyElses severity=page", "slack"),
    ("alertname=WithoutSeverity", "slack"),
])
def test_route(labels, receiver):
    command = ["amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER / 'alertmanager.yml'}"]
    right = run(*command, f"--verify.receivers={receiver}", *labels.split())
    assert right.returncode == 0, right.stdout
    wrong = "nowhere" if receiver == "slack" else "slack"
    assert run(*command, f"--verify.receivers={wrong}", *labels.split()).returncode == 1


def test_intervals_suit_a_person_and_a_demonstration():
    def seconds(text):
        return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]

    route = load(ALERTMANAGER / "alertmanager.yml")["route"]
    critical = next(child for child in route["routes"] if 'severity="critical"' in child["matchers"])
    assert 60 + 10 + seconds(route["group_wait"]) <= 180, "a warning within three minutes"
    assert 75 + 10 + seconds(route["group_interval"]) <= 120, "resolved within two minutes"
    assert seconds(critical["repeat_interval"]) >= 4 * 3600
    assert seconds(route["repeat_interval"]) >= 12 * 3600


def test_what_several_may_fire_at_once_of_is_told_to_have_ended_once():
    """Alerts that a group can hold several of (features, replicas): each has its rule for AlertEndTold."""
    config = load(ALERTMANAGER / "alertmanager.yml")
    names = {matcher.split('"')[1] for rule in config["inhibit_rules"] for matcher in rule["source_matchers"]
             if matcher.startswith("ended=")}
    for rule in config["inhibit_rules"]:
        if 'alertname="AlertEndTold"' in rule["source_matchers"]:
            ended = rule["source_matchers"][1].split('"')[1]
            assert rule["target_matchers"] == [f'alertname="{ended}"']
            assert rule["equal"] == ["job", "instance", "model", "feature", "signal"]
    told = {rule["alert"] for rule in alert_rules() if rule["labels"]["severity"] in ("critical", "warning")}
    about_one = {"LabelsStale", "ModelReferenceMissing", "MonitoringConfigReloadFailed", "AlertmanagerNotificationsFailing",
                 "AlertmanagerDown", "PrometheusNotConnectedToAlertmanager", "PrometheusRuleFailures"}
    assert names == told - about_one


def test_no_rule_over_all_replicas_keeps_what_a_replica_is_called():
    """`without (instance)` keeps pod, node and whatever else a service discovery adds."""
    for path in sorted((PROMETHEUS / "rules").glob("*.yml")):
        assert not re.search(r"without \([^)]*instance", path.read_text()), path.name


# ---- stand-ins ----

class Sink(http.server.ThreadingHTTPServer):
    """Answers /slack as Slack does and keeps what it was sent, by path."""

    def __init__(self, pages=None):
        self.received, self.pages = [], pages or {}
        super().__init__(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server_port}"

    def attachments(self):
        return [body["attachments"][0] for path, body in list(self.received) if path == "/slack"]

    def close(self):
        self.shutdown()
        self.server_close()


class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.received.append((self.path, body))
        self.answer("ok", "text/plain")

    def do_GET(self):
        page = self.server.pages.get(self.path)
        self.answer(page or "", "text/plain; version=0.0.4; charset=utf-8", 200 if page else 404)

    def answer(self, text, content_type, status=200):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def eventually(condition, what):
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            result = condition()
        except requests.ConnectionError:
            result = None
        if result:
            return result
        time.sleep(0.1)
    raise AssertionError(f"not within {WAIT_SECONDS} s: {what() if callable(what) else what}")


@pytest.fixture
def start(tmp_path):
    """A function that starts a program and ends it after the test."""
    started = []

    def begin(*command, cwd, env=None):
        log = open(tmp_path / f"log{len(started)}", "w+")
        started.append((subprocess.Popen([str(part) for part in command], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                                         stdout=log, stderr=subprocess.STDOUT), log))

    yield begin
    for process, log in started:
        process.terminate()
        process.wait(20)
        log.close()


@pytest.fixture
def sink():
    server = Sink()
    yield server
    server.close()


# ---- Alertmanager for real, through the container's entry point, on a faster clock ----

@pytest.fixture
def alertmanager(tmp_path, start, sink):
    copy, folder, port = tmp_path / "alertmanager", tmp_path / "run", free_port()
    shutil.copytree(ALERTMANAGER, copy)
    folder.mkdir()
    config = load(copy / "alertmanager.yml")
    for route in [config["route"], *config["route"]["routes"]]:
        route.update({key: "1s" for key in ("group_wait", "group_interval") if key in route})
    (copy / "alertmanager.yml").write_text(yaml.safe_dump(config))
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    assert program, "Alertmanager is not installed"
    start("sh", copy / "entrypoint.sh", f"--config.file={folder}/alertmanager.yml", f"--storage.path={tmp_path}/data",
          f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", cwd="/",
          env={"ALERTMANAGER_URL": "http://am.example:9093", "RUN_DIR": str(folder), "ALERTMANAGER": program, "SLACK_WEBHOOK_URL": f"http://{sink.address}/slack",
               "PATH": "/usr/bin:/bin"})
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: requests.get(url + "/-/ready", timeout=5).status_code == 200, "Alertmanager is ready")
    assert (folder / "secrets/slack_url").stat().st_mode & 0o077 == 0, "nobody else reads the webhook"
    return url


def drift(alertname, feature, model="m", instance="a:8000", **more):
    labels = {"alertname": alertname, "feature": feature, "model": model, "instance": instance, "job": "model-service",
              "severity": "critical" if alertname == "CriticalDataDrift" else "warning"}
    return {"labels": labels, "annotations": {"summary": "s", "drift_score": "0.62", "threshold": "0.5",
                                              "recommended_action": "act"}, **more}


def down(instance):
    return {"labels": {"alertname": "ModelServiceDown", "job": "model-service", "instance": instance,
                       "severity": "critical"}, "annotations": {"summary": "down"}}


def send(url, *alerts):
    posted = requests.post(url + "/api/v2/alerts", json=alerts, timeout=5)
    assert posted.status_code == 200, posted.text


def ended(alert):
    return {**alert, "startsAt": "2020-01-01T00:00:00Z",
            "endsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def test_critical_mutes_the_warning_of_its_feature_only(alertmanager, sink):
    # the critical one is known before the warning's group is sent, as `for` and group_wait see to
    send(alertmanager, drift("CriticalDataDrift", "f"))
    eventually(sink.attachments, "the critical message")
    send(alertmanager, drift("DataDriftDetected", "f"), drift("DataDriftDetected", "g"),
         drift("DataDriftDetected", "f", model="other"))
    eventually(lambda: len(sink.attachments()) >= 3, lambda: f"three messages, not {sink.attachments()}")
    time.sleep(QUIET_SECONDS)
    messages = {message["title"]: message for message in sink.attachments()}
    assert len(sink.attachments()) == 3 and set(messages) == {
        "FIRING 1 | critical | CriticalDataDrift | model m", "FIRING 1 | warning | DataDriftDetected | model m",
        "FIRING 1 | warning | DataDriftDetected | model other"}
    critical, warning = list(messages.values())[0], messages["FIRING 1 | warning | DataDriftDetected | model m"]
    assert "feature `f`" in critical["text"] and critical["color"] == "danger"
    assert "feature `g`" in warning["text"] and "`f`" not in warning["text"] and warning["color"] == "warning"


def test_the_end_of_a_critical_drift_is_one_message(alertmanager, sink):
    """The muted warning ends with it and is never heard of."""
    both = drift("CriticalDataDrift", "f"), drift("DataDriftDetected", "f")
    send(alertmanager, *both)
    eventually(sink.attachments, "the critical message")
    time.sleep(QUIET_SECONDS)
    send(alertmanager, *map(ended, both))
    eventually(lambda: len(sink.attachments()) >= 2, "the resolved message")
    time.sleep(QUIET_SECONDS)
    assert [(m["title"], m["color"]) for m in sink.attachments()] == [
        ("FIRING 1 | critical | CriticalDataDrift | model m", "danger"),
        ("RESOLVED 1 | critical | CriticalDataDrift | model m", "good")]


def test_a_warning_that_became_critical_is_resolved_too(alertmanager, sink):
    warning, critical = drift("DataDriftDetected", "f"), drift("CriticalDataDrift", "f")
    send(alertmanager, warning)
    eventually(sink.attachments, "the warning")
    send(alertmanager, critical)
    eventually(lambda: len(sink.attachments()) >= 2, "the critical message")
    send(alertmanager, ended(critical))
    eventually(lambda: len(sink.attachments()) >= 3, "the end of the critical one")
    time.sleep(QUIET_SECONDS)
    send(alertmanager, ended(warning))
    eventually(lambda: len(sink.attachments()) >= 4, "the end of the warning")
    assert [m["title"].rsplit(" | ", 1)[0] for m in sink.attachments()] == [
        "FIRING 1 | warning | DataDriftDetected", "FIRING 1 | critical | CriticalDataDrift",
        "RESOLVED 1 | critical | CriticalDataDrift", "RESOLVED 1 | warning | DataDriftDetected"]


def test_service_down_mutes_the_drift_of_its_replica_only(alertmanager, sink):
    send(alertmanager, down("a:8000"))
    eventually(sink.attachments, "the message that the service is down")
    rate = {"labels": {"alertname": "PredictionDistributionShift", "signal": "rate", "job": "model-service", "model": "m",
                       "severity": "warning"}}
    send(alertmanager, drift("CriticalDataDrift", "f"), drift("DataDriftDetected", "g"), rate,
         drift("CriticalDataDrift", "h", instance="b:8000"))
    eventually(lambda: len(sink.attachments()) >= 2, "the drift of the other replica")
    time.sleep(QUIET_SECONDS)
    assert [m["title"] for m in sink.attachments()] == [
        "FIRING 1 | critical | ModelServiceDown | model-service", "FIRING 1 | critical | CriticalDataDrift | model m"]
    assert "feature `h`" in sink.attachments()[1]["text"]


def test_a_target_that_is_missing_altogether_mutes_what_its_replicas_told(alertmanager, sink):
    """It has no instance; everything of the job that has one is about the past."""
    absent = down("")
    del absent["labels"]["instance"]
    send(alertmanager, absent)
    eventually(sink.attachments, "the message that the service is down")
    other = drift("CriticalDataDrift", "g", model="elsewhere")
    other["labels"]["job"] = "another-job"
    send(alertmanager, drift("CriticalDataDrift", "f"), other)
    eventually(lambda: len(sink.attachments()) == 2, "the drift of the other job")
    time.sleep(QUIET_SECONDS)
    assert [m["title"] for m in sink.attachments()][1:] == ["FIRING 1 | critical | CriticalDataDrift | model elsewhere"]


def performance(alertname, severity, **more):
    labels = {"alertname": alertname, "model": "m", "instance": "a:8000", "job": "model-service", "severity": severity}
    return {"labels": {**labels, **more}, "annotations": {"summary": "s"}}


def test_concept_drift_mutes_the_degraded_performance_of_its_model_only(alertmanager, sink):
    send(alertmanager, performance("ConceptDriftDetected", "critical"))
    eventually(sink.attachments, "the concept drift")
    send(alertmanager, performance("ModelPerformanceDegraded", "warning"),
         performance("ModelPerformanceDegraded", "warning", model="other"))
    eventually(lambda: len(sink.attachments()) >= 2, "the other model")
    time.sleep(QUIET_SECONDS)
    assert [m["title"] for m in sink.attachments()] == [
        "FIRING 1 | critical | ConceptDriftDetected | model m", "FIRING 1 | warning | ModelPerformanceDegraded | model other"]


def test_service_down_mutes_stale_labels_and_quality(alertmanager, sink):
    send(alertmanager, down("a:8000"))
    eventually(sink.attachments, "the message that the service is down")
    stale = performance("LabelsStale", "warning")
    del stale["labels"]["instance"]
    send(alertmanager, stale, performance("ModelFeatureMissing", "warning", feature="f"),
         performance("ConceptDriftDetected", "critical"), performance("ModelConfigReloadFailed", "warning"),
         performance("PredictionDistributionShift", "warning", signal="distribution", feature="prediction"),
         performance("PredictionDistributionShift", "warning", signal="distribution", feature="prediction", instance="b:8000"))
    eventually(lambda: len(sink.attachments()) >= 2, "the other replica")
    time.sleep(QUIET_SECONDS)
    assert [m["title"] for m in sink.attachments()[1:]] == ["FIRING 1 | warning | PredictionDistributionShift | model m"]
    assert "`b:8000`" in sink.attachments()[1]["text"]


def test_a_thousand_drifting_features_are_one_message_within_slacks_limits(alertmanager, sink):
    alerts = [drift("CriticalDataDrift", f"feature_{i:03}_" + "<" * 116) for i in range(1000)]
    for i, alert in enumerate(alerts):
        score = 0.5 + (i * 37 % 1000) / 2000
        alert["annotations"].update(drift_score=f"{score:.3f}", details="threshold 0.5 " + "x" * 200)
    send(alertmanager, *alerts)
    eventually(sink.attachments, "the message")
    time.sleep(QUIET_SECONDS)
    [message] = sink.attachments()
    scores = re.findall(r"drift score \*([\d.]+)\*", message["text"])
    assert message["title"].startswith("FIRING 1000 | ") and "and 990 more firing" in message["text"]
    assert len(scores) == 10 and scores == sorted(scores, reverse=True) and scores[0] in ("0.999", "1.000")
    assert len(message["title"]) <= 256 and len(message["text"]) <= 12000 and len(message["fallback"]) <= 4000
    assert all(len(field["value"]) <= 2000 for field in message["fields"])
    assert len(json.dumps(sink.received[0][1])) < 40000


def test_one_incident_is_one_message_that_slack_accepts(alertmanager, sink):
    hostile = "<!channel> & `*_x_*`\n\"q\""
    send(alertmanager, *[drift("CriticalDataDrift", f"f{i:02}") for i in range(24)], drift("CriticalDataDrift", hostile),
         drift("DataDriftDetected", "zz", model="quiet"), {"labels": {"alertname": "Watchdog", "severity": "none"}})
    eventually(lambda: len(sink.attachments()) >= 2, "two messages")
    time.sleep(QUIET_SECONDS)
    assert len(sink.received) == 2
    for path, body in sink.received:
        assert path == "/slack" and set(body) <= {"channel", "username", "attachments"} and len(body["attachments"]) == 1
        attachment = body["attachments"][0]
        assert set(attachment) <= {"title", "title_link", "text", "fallback", "callback_id", "footer", "color",
                                   "fields", "mrkdwn_in"}
        assert attachment["mrkdwn_in"] == ["text", "fields"] and attachment["title_link"].startswith("http")
        assert len(json.dumps(body)) < 40000
        assert "<!" not in json.dumps(body)
    [critical] = [m for m in sink.attachments() if m["color"] == "danger"]
    assert "and 15 more firing" in critical["text"] and critical["title"].startswith("FIRING 25 | ")


# ---- Prometheus for real ----

SCRAPED = """# TYPE model_drift_score gauge
model_drift_score{model="m",feature="f",method="ks_test"} 0.9
model_drift_significant{model="m",feature="f",method="ks_test"} 1
model_feature_drift_threshold{model="m",feature="f",severity="critical"} 0.5
model_window_observations{model="m"} 200
model_minimum_sample_observations{model="m"} 50
model_reference_samples{model="m"} 1000
"""


def test_prometheus_runs_this_configuration(tmp_path, start):
    """With targets of its own beside the same files, and faster intervals."""
    service, manager = Sink({"/metrics": SCRAPED}), Sink({"/metrics": "alertmanager_alerts 0\n"})
    folder, port = tmp_path / "prometheus", free_port()
    (folder / "targets").mkdir(parents=True)
    config = load(PROMETHEUS / "prometheus.yml")
    config["global"].update(scrape_interval="1s", scrape_timeout="1s", evaluation_interval="1s")
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    (folder / "rules").mkdir()
    for path in (PROMETHEUS / "rules").glob("*.yml"):  # some groups have a slower interval of their own
        (folder / "rules" / path.name).write_text(path.read_text().replace("    interval: 1m\n", ""))
    for job, address in (("model-service", service.address), ("alertmanager", manager.address),
                         ("prometheus", f"127.0.0.1:{port}")):
        (folder / f"targets/{job}.yml").write_text(yaml.safe_dump([{"targets": [address]}]))
    start("prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/tsdb",
          f"--web.listen-address=127.0.0.1:{port}", "--web.external-url=http://prom.example:9090",
          "--rules.alert.resend-delay=1s", "--web.route-prefix=/",
          "--enable-feature=expand-external-labels", cwd="/", env={"DASHBOARD_URL": "https://dash.example/x", "PATH": "/usr/bin:/bin"})
    url = f"http://127.0.0.1:{port}"

    def api(path):
        return requests.get(url + "/api/v1" + path, timeout=5).json()["data"]

    try:
        eventually(lambda: requests.get(url + "/-/ready", timeout=5).status_code == 200, "Prometheus is ready")
        eventually(lambda: sorted(t["labels"]["job"] for t in api("/targets")["activeTargets"] if t["health"] == "up")
                   == sorted(JOBS), lambda: f"all targets up: {api('/targets')['activeTargets']}")
        assert [a["url"] for a in api("/alertmanagers")["activeAlertmanagers"]] == [f"http://{manager.address}/api/v2/alerts"]
        sent = eventually(lambda: [a for path, body in list(manager.received) for a in body
                                   if path == "/api/v2/alerts"], "the Watchdog reaches Alertmanager")
        watchdog = next(a for a in sent if a["labels"]["alertname"] == "Watchdog")
        assert watchdog["labels"] == {"alertname": "Watchdog", "severity": "none"}, "no link among the labels"
        assert watchdog["annotations"]["dashboard_url"] == "https://dash.example/x"
        assert watchdog["annotations"]["runbook_url"] == "http://prom.example:9090/user/runbook.html#watchdog"

        def evaluated():
            rules = [rule for group in api("/rules")["groups"] for rule in group["rules"]]
            return rules if rules and all(rule["health"] != "unknown" for rule in rules) else None

        rules = eventually(evaluated, "every rule is evaluated")
        assert {rule["name"]: rule.get("lastError", "") for rule in rules if rule["health"] != "ok"} == {}
        eventually(lambda: [a for a in api("/alerts")["alerts"] if a["labels"]["alertname"] == "CriticalDataDrift"],
                   "the drift is pending")
    finally:
        service.close()
        manager.close()
