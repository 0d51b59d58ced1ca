"""Incidents close to each other, on the real Prometheus and Alertmanager with the project's own rules, routes and message:
every ordered pair of data drift, concept drift, missing values and shifted predictions, overlapping, adjacent and apart.
Each pair is a model of its own in one fake service, so that all are played at once. Asserted are the exact messages:
title, alerts, features, links and the command that silences them; and that no change was told twice or never.

The times of the project are shortened, each one that is longer than another stays longer."""

import re
import shutil
import subprocess
import time
import urllib.parse

import pytest
import requests
import yaml

from fake_service import FakeModel, FakeService
from test_config import ALERTMANAGER, PROMETHEUS, Sink, free_port, load
from test_template import links

# Of the rules. The 16 minutes of AlertEndTold stay: so long, whatever the settings, Prometheus repeats an end.
SHORTENED = {"30s": "2s", "1m": "4s", "45s": "6s", "75s": "6s", "105s": "9s", "2m": "4s", "5m": "6s", "15m": "9s"}
MINUTE_BACK = ("[1m]", "[10s]")
GROUP_WAIT = {"10s": "2s", "30s": "4s"}
GROUP_INTERVAL = "3s"
RESEND_DELAY = "10s"  # Prometheus's own is a minute; here too it is longer than AlertEndTold takes to fire
START_SECONDS = 60

KINDS = {  # kind: alert, severity, features of a first and of a second incident
    "data": ("CriticalDataDrift", "critical", (("a", "b"), ("c",))),
    "concept": ("ConceptDriftDetected", "critical", ((), ())),
    "quality": ("ModelFeatureMissing", "warning", (("a", "b"), ("c",))),
    "prediction": ("PredictionDistributionShift", "warning", (("prediction",), ("prediction_score",))),
}
SPACINGS = {  # seconds at which the first begins and ends, and the second
    "overlapping": (0, 16, 6, 24),
    "adjacent": (0, 14, 14, 28),
    "apart": (0, 14, 32, 46),
}
SETTLE_SECONDS = 18  # from the end of the last drift until nothing more may come
PAIRS = [(first, second, spacing) for first in KINDS for second in KINDS for spacing in SPACINGS
         # a model's concept has no features: a second incident that touches the first is the same one
         if not (first == second == "concept" and spacing != "apart")]


def model_name(first, second, spacing):
    return f"{first}-{second}-{spacing}"


def switch(model, kind, turn, on):
    """Begins or ends an incident; turn 1 takes other features than turn 0 where both are of one kind."""
    features = KINDS[kind][2][turn]
    if kind == "concept":
        model.concept(on)
    elif kind == "quality":
        model.missing = model.missing | set(features) if on else model.missing - set(features)
    elif on:
        for feature, score in zip(features, (0.7, 0.6)):
            model.drift(feature, score=score)
    else:
        model.end_drift(*features)


class Stack:
    """Prometheus and Alertmanager over one fake service, with a receiver in Slack's place."""

    def __init__(self, folder, start, models):
        self.folder, self.service, self.slack = folder, FakeService(models), Sink()
        self.ports = {name: free_port() for name in ("prometheus", "alertmanager")}
        self.write_prometheus()
        self.write_alertmanager()
        program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
        start(program, "--config.file=alertmanager.yml", f"--storage.path={folder}/am-data", "--cluster.listen-address=",
              f"--web.listen-address=127.0.0.1:{self.ports['alertmanager']}", "--web.external-url=http://am.example:9093",
              "--web.route-prefix=/", cwd=folder / "alertmanager")
        start("prometheus", f"--config.file={folder}/prometheus/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
              f"--web.listen-address=127.0.0.1:{self.ports['prometheus']}", "--web.external-url=http://prom.example:9090",
              "--web.route-prefix=/", f"--rules.alert.resend-delay={RESEND_DELAY}",
              "--enable-feature=expand-external-labels", cwd=folder,
              env={"PATH": "/usr/bin:/bin", "DASHBOARD_URL": "http://dash.example/d/model-drift", "GOGC": "200"})
        self.until(lambda: self.query("ALERTS{alertname='Watchdog'}") and self.query("up{job='alertmanager'} == 1")
                   and self.query("model_info"))

    def write_prometheus(self):
        folder = self.folder / "prometheus"
        (folder / "rules").mkdir(parents=True)
        (folder / "targets").mkdir()
        for path in (PROMETHEUS / "rules").glob("*.yml"):
            text = re.sub(r"(?m)^(\s+(?:for|keep_firing_for|interval): )(\w+)$", lambda m: m[1] + SHORTENED[m[2]], path.read_text())
            (folder / "rules" / path.name).write_text(text.replace(*MINUTE_BACK) if path.name == "meta.yml" else text)
        config = load(PROMETHEUS / "prometheus.yml")
        config["global"].update(scrape_interval="1s", scrape_timeout="1s", evaluation_interval="1s")
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        for job, address in (("model-service", self.service.address), ("prometheus", f"127.0.0.1:{self.ports['prometheus']}"),
                             ("alertmanager", f"127.0.0.1:{self.ports['alertmanager']}")):
            (folder / f"targets/{job}.yml").write_text(yaml.safe_dump([{"targets": [address]}]))

    def write_alertmanager(self):
        folder = self.folder / "alertmanager"
        (folder / "secrets").mkdir(parents=True)
        (folder / "templates").symlink_to(ALERTMANAGER / "templates")
        (folder / "secrets/slack_url").write_text(f"http://{self.slack.address}/slack")
        config = load(ALERTMANAGER / "alertmanager.yml")
        for route in [config["route"], *config["route"]["routes"]]:
            if "group_wait" in route:
                route["group_wait"] = GROUP_WAIT[route["group_wait"]]
        config["route"]["group_interval"] = GROUP_INTERVAL
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))

    def query(self, expression):
        answer = requests.get(f"http://127.0.0.1:{self.ports['prometheus']}/api/v1/query", params={"query": expression}, timeout=10)
        return answer.json()["data"]["result"]

    def until(self, condition):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            try:
                if condition():
                    return
            except (requests.ConnectionError, ValueError):  # not up yet
                pass
            time.sleep(0.2)
        raise AssertionError("Prometheus and Alertmanager did not start: " + "".join(
            path.read_text()[-1000:] for path in self.folder.glob("log*")))

    def close(self):
        self.service.close()
        self.slack.close()


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Plays all pairs at once; of each model, the messages that arrived, oldest first."""
    folder, processes = tmp_path_factory.mktemp("close"), []

    def start(*command, cwd, env=None):
        log = open(folder / f"log{len(processes)}", "w")
        processes.append(subprocess.Popen([str(part) for part in command], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=subprocess.STDOUT))
        log.close()

    models = {pair: FakeModel(model_name(*pair)) for pair in PAIRS}
    stack = Stack(folder, start, list(models.values()))
    try:
        plan = []
        for (first, second, spacing), model in models.items():
            begin, end, begin2, end2 = SPACINGS[spacing]
            plan += [(begin, model, first, 0, True), (end, model, first, 0, False),
                     (begin2, model, second, 1, True), (end2, model, second, 1, False)]
        began = time.monotonic()
        # An end before a beginning at the same second, or a concept's second incident would end at once.
        for at, model, kind, turn, on in sorted(plan, key=lambda step: (step[0], step[4])):
            time.sleep(max(0, began + at - time.monotonic()))
            switch(model, kind, turn, on)
        time.sleep(SETTLE_SECONDS)
        arrived = {}
        for message in stack.slack.attachments():
            arrived.setdefault(message["title"].rpartition(" | model ")[2], []).append(message)
        yield arrived
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)
        stack.close()


# ---- what a message should say, written down without looking at the template ----

def expected_graph(alert, model, instance, feature):
    of_model = f'job="model-service",instance="{instance}",model="{model}"'
    of_feature = f'{of_model},feature="{feature}"'
    return {
        "CriticalDataDrift": f"model_drift_score{{{of_feature}}} or model_feature_drift_threshold{{{of_feature}}}",
        "PredictionDistributionShift": f"model_drift_score{{{of_feature}}} or model_feature_drift_threshold{{{of_feature}}}",
        "ModelFeatureMissing": f"model_feature_missing_ratio{{{of_feature}}} or model_feature_reference_missing_ratio{{{of_feature}}}",
        "ConceptDriftDetected": f"model_performance{{{of_model}}} or model_performance_reference{{{of_model}}}",
    }[alert]


def features_of(text):
    return re.findall(r"`([^`]+)`", text)


def told(message):
    """(state, features that fire, features that ended) of a message, by its text."""
    lines = message["text"].splitlines()
    ended = [feature for line in lines if line.startswith("Ended: ") for feature in features_of(line)]
    bullets = [re.search(r"feature `([^`]+)`", line) for line in lines if line.startswith("•")]
    listed = [found[1] if found else "" for found in bullets]
    if message["title"].startswith("FIRING "):
        return listed, ended
    return [], listed


def check_message(message, alert, severity, model):
    """Everything of a message is about what fires, or, when nothing does, about what ended."""
    firing, ended = told(message)
    about = firing or ended
    state = "FIRING" if firing else "RESOLVED"
    assert message["title"] == f"{state} {len(about)} | {severity} | {alert} | model {model}"
    assert message["color"] == ("good" if not firing else "danger" if severity == "critical" else "warning")
    fields = {field["title"]: field["value"] for field in message["fields"]}
    found = links(fields["Links"])
    assert list(found) == ["Runbook", "Graph", "Dashboard"]
    assert found["Runbook"] == f"http://prom.example:9090/user/runbook.html#{alert.lower()}"
    graph = urllib.parse.urlsplit(found["Graph"])
    query = urllib.parse.parse_qs(graph.query)
    instance = re.search(r"on `([^`]+)`", message["text"])[1]
    assert (graph.netloc, graph.path) == ("prom.example:9090", "/graph")
    assert query["g0.expr"] == [expected_graph(alert, model, instance, about[0])]
    assert query["g0.tab"] == ["0"] and query["g0.range_input"] == ["1h"]
    assert message["title_link"] == found["Graph"]
    variables = f"?var-model={model}" + (f"&var-feature={about[0]}" if len(about) == 1 and about[0] else "")
    assert re.fullmatch(re.escape("http://dash.example/d/model-drift" + variables) + r"&time=\d{13}&time\.window=7200000",
                        found["Dashboard"])
    command = re.search(r"```(.*)```", fields["Links"])
    if firing:
        matchers = f"""'alertname="{alert}"' 'model="{model}"'""" + (
            f""" 'feature=~"{"|".join(sorted(firing))}"'""" if firing[0] else "")
        assert command[1] == (f"amtool --alertmanager.url=http://am.example:9093 silence add {matchers} "
                              "--duration=2h --comment='why, and who'")
        assert "over" not in fields["Recommended action"]
    else:
        assert command is None
        assert fields["Recommended action"].startswith("It is over. Review what was decided")


def check_history(messages, alert, severity, model, incidents):
    """messages tell the incidents' beginnings and ends, each exactly once; incidents: tuples of features."""
    fires, seen = set(), []
    for message in messages:
        check_message(message, alert, severity, model)
        firing, ended = told(message)
        begun = set(firing) - fires
        assert begun or ended, f"tells nothing new: {message['title']}"
        assert set(ended) <= fires | begun, f"ended without having been told, or twice: {message['text']}"
        assert set(firing) == (fires | begun) - set(ended), f"left out: {message['text']}"
        seen += [("begins", feature) for feature in begun] + [("ends", feature) for feature in ended]
        fires = set(firing)
    expected = [(what, feature) for features in incidents for feature in (features or ("",)) for what in ("begins", "ends")]
    assert sorted(seen) == sorted(expected), "every change is told once"


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: model_name(*pair))
def test_every_change_is_told_once_by_a_message_about_what_fires(pair, played):
    first, second, spacing = pair
    name = model_name(*pair)
    messages = {}
    for message in played.get(name, []):
        messages.setdefault(message["title"].split(" | ")[2], []).append(message)
    assert set(messages) == {KINDS[first][0], KINDS[second][0]}, "one message is about one kind of incident"
    if first == second:
        alert, severity, (some, others) = KINDS[first]
        check_history(messages[alert], alert, severity, name, (some, others))
        return
    for turn, kind in enumerate((first, second)):
        alert, severity, features = KINDS[kind]
        check_history(messages[alert], alert, severity, name, (features[turn],))
        assert len(messages[alert]) == 2, "its beginning and its end"
