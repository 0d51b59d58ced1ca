"""Incidents from the row to Slack on the real programs: the service, Prometheus and Alertmanager with the
project's own configuration, its intervals shortened, against a receiver that answers as Slack does. What
arrived is compared, as JSON, with the files in incidents/; times, ports and rates are normalised.

The stacks of all incidents run beside each other, a few at a time. UPDATE_INCIDENTS=1 writes the files anew."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest
import requests
import yaml

from test_config import ALERTMANAGER, PROMETHEUS, ROOT, Answer, Sink, free_port, load

EXPECTED = pathlib.Path(__file__).parent / "incidents"
WAIT_SECONDS = 90
QUIET_SECONDS = 5  # longer than any interval below
AT_ONCE = 2
BINARY = os.environ.get("MODEL_SERVICE_BINARY", str(ROOT / "build" / "model-service"))
ROWS = 200

# A minute of the project is a few seconds here; what is longer than something else stays longer.
SHORTENED = {"30s": "2s", "1m": "3s", "45s": "8s", "75s": "6s", "105s": "8s", "2m": "4s", "5m": "6s", "15m": "9s"}
# The waits of a group are long beside an evaluation on a busy machine, or an incident comes in two messages.
WAITS = {"10s": "4s", "30s": "8s"}


class Slack(Sink):
    """Answers the first deliveries with the given statuses, then 200; accepted holds what Slack would show."""

    def __init__(self, *answers):
        self.answers, self.refused = list(answers), []
        super().__init__()
        self.RequestHandlerClass = Delivery

    @property
    def accepted(self):
        return [body for _, body in list(self.received)]


class Delivery(Answer):
    def do_POST(self):
        if not self.server.answers:
            return super().do_POST()
        status = self.server.answers.pop(0)
        self.server.refused.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        return self.answer("rate_limited" if status == 429 else "server_error", "text/plain", status)


class Stack:
    """A service for the given features, Prometheus, Alertmanager and a receiver, in a folder of their own."""

    def __init__(self, folder, features, slack, webhook=True):
        self.folder, self.features, self.slack = pathlib.Path(folder), features, slack
        self.ports = {name: free_port() for name in ("service", "prometheus", "alertmanager")}
        self.processes = {}
        self.write_model()
        self.write_prometheus()
        self.write_alertmanager()
        if webhook:
            self.write_webhook()

    # ---- configuration ----

    def write_model(self):
        """Every numeric feature is evenly spread over 0 to 1; `steady` alone decides the prediction."""
        rows = [[f"{(i * 37 + k * 11) % 1000 / 1000}" for k in range(len(self.features))]
                + ["web" if i % 4 else "shop", f"{i % 1000 / 1000}"] for i in range(1000)]
        lines = [",".join([*self.features, "channel", "steady"])] + [",".join(row) for row in rows]
        (self.folder / "reference.csv").write_text("\n".join(lines) + "\n")
        features = [{"name": name, "type": "numeric"} for name in self.features]
        features += [{"name": "channel", "type": "categorical"}, {"name": "steady", "type": "numeric"}]
        (self.folder / "model.yml").write_text(yaml.safe_dump({"models": [{
            "name": "shop", "reference": "reference.csv", "features": features, "window": {"observations": ROWS},
            "scorer": {"type": "logistic", "weights": [{"feature": "steady", "weight": 1}]}}]}))

    def write_prometheus(self):
        folder = self.folder / "prometheus"
        (folder / "rules").mkdir(parents=True)
        (folder / "targets").mkdir()
        for path in (PROMETHEUS / "rules").glob("*.yml"):
            (folder / "rules" / path.name).write_text(self.rule_text(re.sub(
                r"(?m)^(\s+(?:for|keep_firing_for|interval): )(\w+)$", lambda m: m[1] + SHORTENED[m[2]], path.read_text())))
        config = load(PROMETHEUS / "prometheus.yml")
        config["global"].update(scrape_interval="1s", scrape_timeout="1s", evaluation_interval="1s")
        self.rules = config.pop("rule_files")
        self.prometheus = config
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        for job, name in (("model-service", "service"), ("prometheus", "prometheus"), ("alertmanager", "alertmanager")):
            (folder / f"targets/{job}.yml").write_text(yaml.safe_dump([{"targets": [f"127.0.0.1:{self.ports[name]}"]}]))

    def rule_text(self, text):
        return text

    def write_alertmanager(self):
        folder = self.folder / "alertmanager"
        folder.mkdir()
        (folder / "templates").symlink_to(ALERTMANAGER / "templates")
        config = load(ALERTMANAGER / "alertmanager.yml")
        for route in [config["route"], *config["route"]["routes"]]:
            for key in ("group_wait", "group_interval"):
                if key in route:
                    route[key] = WAITS[route[key]] if key == "group_wait" else "2s"
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))

    def write_webhook(self):
        (self.folder / "alertmanager/secrets").mkdir(exist_ok=True)
        (self.folder / "alertmanager/secrets/slack_url").write_text(f"http://{self.slack.address}/slack")

    # ---- processes ----

    def start(self, name, *command, cwd=None):
        log = open(self.folder / f"{name}.log", "a")
        self.processes[name] = subprocess.Popen(
            [str(part) for part in command], cwd=cwd or self.folder, stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, env=self.environment())
        log.close()

    def environment(self):
        return {"PATH": "/usr/bin:/bin", "DASHBOARD_URL": "http://dash.example/d/model-drift",
                "RUNBOOK_URL": "http://book.example/runbook.html", "GOGC": "200"}

    def start_service(self):
        self.start("service", BINARY, "serve", "--config", "model.yml", "--listen", f"127.0.0.1:{self.ports['service']}")
        self.ready("service", "/ready")

    def kill_service(self):
        process = self.processes.pop("service")
        process.kill()
        process.wait()

    def start_all(self):
        self.start_service()
        program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
        self.start("alertmanager", program, "--config.file=alertmanager.yml", f"--storage.path={self.folder}/am-data",
                   f"--web.listen-address=127.0.0.1:{self.ports['alertmanager']}", "--web.external-url=http://am.example:9093",
                   "--web.route-prefix=/", "--cluster.listen-address=", cwd=self.folder / "alertmanager")
        self.start("prometheus", "prometheus", f"--config.file={self.folder}/prometheus/prometheus.yml",
                   f"--storage.tsdb.path={self.folder}/tsdb", f"--web.listen-address=127.0.0.1:{self.ports['prometheus']}",
                   "--web.external-url=http://prom.example:9090", "--web.route-prefix=/",
                   # Alertmanager takes an alert for ended that it has not heard of for four times as long.
                   "--rules.alert.resend-delay=5s",
                   "--enable-feature=expand-external-labels")
        self.ready("alertmanager", "/-/ready")
        self.ready("prometheus", "/-/ready")
        self.until(lambda: len(self.query("up == 1")) == 3, "everything is scraped")
        self.load_rules()

    def load_rules(self):
        """Only now: it takes Prometheus five seconds to find its targets, and a minute is shorter than that here."""
        self.prometheus["rule_files"] = self.rules
        (self.folder / "prometheus/prometheus.yml").write_text(yaml.safe_dump(self.prometheus))
        self.processes["prometheus"].send_signal(signal.SIGHUP)
        self.until(lambda: self.query("ALERTS{alertname='Watchdog'}"), "the rules are evaluated")

    def stop(self):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(30)
        self.slack.close()

    # ---- what it says ----

    def url(self, name, path):
        return f"http://127.0.0.1:{self.ports[name]}{path}"

    def query(self, expression):
        answer = requests.get(self.url("prometheus", "/api/v1/query"), params={"query": expression}, timeout=10)
        return answer.json()["data"]["result"]

    def until(self, condition, what):
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(requests.ConnectionError):
                if condition():
                    return
            time.sleep(0.2)
        logs = "\n".join(path.read_text()[-1500:] for path in self.folder.glob("*.log"))
        raise AssertionError(f"not within {WAIT_SECONDS} s: {what}\n{self.titles()}\n{logs}")

    def ready(self, name, path):
        self.until(lambda: requests.get(self.url(name, path), timeout=5).status_code == 200, f"{name} is ready")

    def titles(self):
        return [body["attachments"][0]["title"] for body in self.slack.accepted]

    def await_messages(self, count):
        """Exactly so many: no further one within the quiet time."""
        self.until(lambda: len(self.slack.accepted) >= count, f"{count} messages")
        time.sleep(QUIET_SECONDS)
        assert len(self.slack.accepted) == count, self.titles()

    # ---- what it is sent ----

    def send(self, place=lambda name, u: u, channel=lambda i: "web" if i % 4 else "shop"):
        """A whole window, in one request: place moves a feature's value u, which is evenly spread over 0 to 1."""
        rows = []
        for i in range(ROWS):
            row = {name: place(name, ((i * 37 + k * 11) % ROWS + 0.5) / ROWS) for k, name in enumerate(self.features)}
            rows.append({"features": {**row, "channel": channel(i), "steady": (i + 0.5) / ROWS}})
        answer = requests.post(self.url("service", "/predict"), json={"instances": rows}, timeout=30)
        assert answer.status_code == 200, answer.text

    def normalised(self):
        text = json.dumps(self.slack.accepted, ensure_ascii=False)
        for name, port in self.ports.items():
            text = text.replace(f"127.0.0.1:{port}", name.upper()).replace(f"127.0.0.1%3A{port}", name.upper())
        text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "TIME UTC", text)
        text = re.sub(r"end_input=\d{4}-\d\d-\d\d%20\d\d:\d\d:\d\d", "end_input=TIME", text)
        text = re.sub(r"time=\d{13}", "time=TIME", text)
        text = re.sub(r"fails \S+ notifications", "fails N notifications", text)
        return json.loads(text)


def shift(names, by):
    return lambda name, u: u + by if name in names else u


def tilt(names):
    """Four of five values come from the upper half: KS 0.31, PSI 0.45, a warning and no more."""
    return lambda name, u: (u / 0.38 if u < 0.19 else 0.5 + (u - 0.19) / 1.62) if name in names else u


# ---- the incidents: what is done, and what has arrived then ----

def single_feature(stack):
    stack.send()
    stack.await_messages(0)
    stack.send(shift({"b"}, 0.625))
    stack.await_messages(1)
    stack.send()
    stack.await_messages(2)


def categorical_feature(stack):
    stack.send(channel=lambda i: "web" if i % 10 == 0 else "shop")
    stack.await_messages(1)


def fifty_features(stack):
    names = stack.features
    stack.send(lambda name, u: u + 0.505 + names.index(name) / 200)
    stack.await_messages(1)


def warning_becomes_critical(stack):
    stack.send(tilt({"b"}))
    stack.await_messages(1)
    stack.send(shift({"b"}, 0.625))
    stack.await_messages(2)
    stack.send()
    stack.await_messages(4)


def service_killed(stack):
    stack.send(shift({"b"}, 0.625))
    stack.await_messages(1)
    stack.kill_service()
    stack.await_messages(2)
    stack.until(lambda: not stack.query('ALERTS{alertname="CriticalDataDrift"}'), "the drift is no longer known")
    stack.start_service()
    stack.await_messages(4)  # also the end of the drift, which nobody knows of any more


def slack_refuses(stack):
    stack.send(shift({"b"}, 0.625))
    # the drift at the second try, and that there were failures
    stack.await_messages(2)
    assert not stack.slack.answers and len(stack.slack.refused) == 3
    assert stack.query("sum(alertmanager_notifications_failed_total)")[0]["value"][1] == "1", "429 is not tried again at once"


def webhook_missing(stack):
    stack.send(shift({"b"}, 0.625))
    stack.until(lambda: stack.query('ALERTS{alertname="AlertmanagerNotificationsFailing",alertstate="firing"}'),
                "the failures are seen in Prometheus")
    assert stack.slack.accepted == []
    stack.write_webhook()
    stack.await_messages(2)


ABC = ["a", "b", "c"]
INCIDENTS = {
    "single_feature": (single_feature, ABC, {}),
    "categorical_feature": (categorical_feature, ABC, {}),
    "fifty_features": (fifty_features, [f"f{k:02}" for k in range(50)], {}),
    "warning_becomes_critical": (warning_becomes_critical, ABC, {}),
    "service_killed": (service_killed, ABC, {}),
    "slack_refuses": (slack_refuses, ABC, {"answers": (429, 500, 500)}),
    "webhook_missing": (webhook_missing, ABC, {"webhook": False}),
}


def play(name):
    act, features, settings = INCIDENTS[name]
    with tempfile.TemporaryDirectory(prefix=f"drift-{name}-") as folder:
        stack = Stack(folder, features, Slack(*settings.get("answers", ())), settings.get("webhook", True))
        try:
            stack.start_all()
            act(stack)
            return stack.normalised()
        finally:
            stack.stop()


@pytest.fixture(scope="module")
def played(request):
    """Of each incident that is asked for, a promise of its messages."""
    wanted = [item.callspec.params["name"] for item in request.session.items
              if item.module is request.module and hasattr(item, "callspec")]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(play, name) for name in wanted}


@pytest.mark.parametrize("name", INCIDENTS)
def test_incident(name, played):
    arrived = played[name].result()
    titles = {id(body): body["attachments"][0]["title"] for body in arrived}
    if name in ("slack_refuses", "webhook_missing"):  # two groups, each at its own time
        arrived.sort(key=lambda body: titles[id(body)])
    else:  # so do the ends of two severities
        arrived.sort(key=lambda body: titles[id(body)] if titles[id(body)].startswith("RESOLVED") else "")
    path = EXPECTED / f"{name}.json"
    if os.environ.get("UPDATE_INCIDENTS"):
        EXPECTED.mkdir(exist_ok=True)
        path.write_text(json.dumps(arrived, indent=1, ensure_ascii=False) + "\n")
    assert arrived == json.loads(path.read_text())


def test_every_incident_has_its_messages():
    assert {path.stem for path in EXPECTED.glob("*.json")} == set(INCIDENTS)
