"""The pages about alerts, with the real Prometheus, Alertmanager and inbox: what fires is shown, a silence takes two clicks, and a
newcomer sees the chain from the traffic to the message."""
import datetime
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest
import requests

from conftest import BINARY, ROOT, wait_for

sys.path.insert(0, str(ROOT / "tests"))
from browser import Browser  # noqa: E402

FIRING = "document.querySelectorAll('#firing tr').length"
PROMETHEUS = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ["%s"]}]}]}
scrape_configs: [{job_name: model-service, static_configs: [{targets: ["%s"]}]}]
"""
RULES = """
groups:
  - name: g
    rules:
      - {alert: DataDriftDetected, expr: 'max by (model) (model_drift_score) > 0.3', for: 4s, labels: {severity: warning}}
"""
ALERTMANAGER = """
route: {receiver: slack, group_wait: 1s, group_interval: 1s, group_by: [alertname]}
receivers: [{name: slack, slack_configs: [{api_url: "http://%s/slack", channel: "#a", title: "FIRING {{ .CommonLabels.alertname }}", text: "drift"}]}]
"""


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


class Program:
    def __init__(self, address, ready, *command):
        self.address = address
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: self.answers(ready), 30)

    def answers(self, path):
        try:
            return requests.get(f"http://{self.address}{path}", timeout=2).status_code == 200
        except requests.ConnectionError:
            return False

    def get(self, path):
        return requests.get(f"http://{self.address}{path}", timeout=10).json()

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(20)


@pytest.fixture
def run(tmp_path):
    """run(name, *arguments): starts a program of the stack on a free port; stopped after the test."""
    programs = []

    def start(name, text=None, rules=None):
        address = f"127.0.0.1:{free_port()}"
        folder = tmp_path / name
        folder.mkdir()
        if text:
            (folder / "config.yml").write_text(text)
        if rules:
            (folder / "rules.yml").write_text(rules)
        if name == "inbox":
            command = "/messages", BINARY, "slack-inbox", "--listen", address
        else:
            found = shutil.which(name) or shutil.which(f"prometheus-{name}")
            if not found:
                pytest.skip(f"no {name} here: scripts/setup.sh run installs it")
            more = ["--cluster.listen-address="] if name == "alertmanager" else []
            storage = "--storage.path" if name == "alertmanager" else "--storage.tsdb.path"
            command = "/-/ready", found, f"--config.file={folder}/config.yml", f"{storage}={folder}/data", f"--web.listen-address={address}", *more
        programs.append(Program(address, *command))
        return programs[-1]

    yield start
    for program in programs:
        program.stop()


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    browser.size(1300, 900)
    yield browser
    browser.close()


def clean(browser, service):
    assert [line for line in browser.console if "/alerts/silences" not in line] == []
    assert [url for url in browser.requests if not url.startswith((service.url + "/", "data:,"))] == []


def fire(alertmanager, *alerts):
    answer = requests.post(f"http://{alertmanager.address}/api/v2/alerts", timeout=10, json=[
        {"labels": labels, "annotations": {"summary": f"{labels['alertname']} of a test"}} for labels in alerts])
    assert answer.status_code == 200, answer.text


def active(alertmanager):
    return [s for s in alertmanager.get("/api/v2/silences") if s["status"]["state"] == "active"]


HOSTILE = {"alertname": "CriticalDataDrift", "severity": "critical", "model": "synthetic",
           "feature": "<img src=x onerror=alert(1)>\"'", "other": "</script><b>&amp;"}


def test_what_fires_and_a_silence_in_two_clicks(browser, run, start_service):
    alertmanager = run("alertmanager", ALERTMANAGER % "127.0.0.1:1")
    service = start_service("--alertmanager", f"http://{alertmanager.address}/")
    fire(alertmanager, HOSTILE, {"alertname": "ModelServiceDown", "severity": "warning"},
         {"alertname": "DataDriftDetected", "severity": "warning", "model": "another"})
    browser.open(service.url + "/dashboard/alerts", f"{FIRING} === 2")
    rows = browser.run("[...document.querySelectorAll('#firing tr')].map(row => [...row.cells].map(cell => cell.textContent))")
    assert [row[0] for row in rows] == ["CriticalDataDrift", "ModelServiceDown"], "of this model and of the service, critical ones first"
    assert all(f"{name}={value}" in rows[0][3] for name, value in HOSTILE.items() if name != "alertname")
    assert browser.run("document.images.length") == 0 and browser.run("document.scripts.length") == 1
    assert browser.run("document.querySelector('#verdict').textContent") == "2 alerts fire, 1 critical."
    assert "without --prometheus" in browser.run("document.querySelector('#rules-trouble').textContent")

    browser.run("localStorage.clear(); document.querySelector('#firing button').click()")
    assert browser.run("document.activeElement === document.querySelector('form.silence input')"), "ready to be typed into"
    browser.run("document.querySelector('form.silence input').value = 'Ada <b>'")
    time.sleep(3)
    assert browser.run("document.querySelector('form.silence input').value") == "Ada <b>", "a refresh leaves the form alone"
    browser.run("document.querySelector('form.silence button').click()")
    wait_for(lambda: active(alertmanager), 10)
    [silence] = active(alertmanager)
    assert {m["name"]: m["value"] for m in silence["matchers"]} == HOSTILE and silence["createdBy"] == "Ada <b>"
    assert not any(m["isRegex"] for m in silence["matchers"])
    ends = datetime.datetime.fromisoformat(silence["endsAt"].replace("Z", "+00:00")).timestamp()
    assert abs(ends - time.time() - 7200) < 30
    browser.wait("document.querySelector('#firing tr td:last-child').textContent === 'silenced'")
    assert browser.run("document.querySelector('#verdict').textContent") == "1 alert fires; 1 silenced or muted."
    assert browser.run("document.querySelector('#silences tr').cells[1].textContent") == "Ada <b>"
    browser.run("document.querySelector('#silences button').click()")
    browser.wait("document.querySelector('#silences-section').hidden && document.querySelectorAll('#firing button').length === 2")
    assert active(alertmanager) == []
    clean(browser, service)

    alertmanager.stop()
    browser.wait("/cannot be asked: nothing answers there/.test(document.querySelector('#alerts-trouble').textContent)")
    assert browser.run(FIRING) == 2, "what was known stays"
    answer = service.post("/alerts/silences", json={"alert": service.get("/alerts").json()["alerts"]["says"][0]["fingerprint"],
                                                    "author": "a", "seconds": 60})
    assert answer.status_code == 502 and "nothing answers there" in answer.json()["detail"]
    assert answer.reason == answer.json()["title"] == "Bad Gateway"


def test_without_addresses(browser, service):
    browser.open(service.url + "/dashboard/alerts", "!document.querySelector('#alerts-trouble').hidden")
    assert "without --alertmanager" in browser.run("document.querySelector('#alerts-trouble').textContent")
    assert {source["configured"] for source in service.get("/alerts").json().values()} == {False}
    assert service.post("/alerts/silences", json={"alert": "a", "author": "b", "seconds": 5}).status_code == 404
    expire = service.post("/alerts/silences/00000000-0000-0000-0000-000000000000/expire", json={})
    assert expire.status_code == 404 and "--alertmanager" in expire.json()["detail"]
    clean(browser, service)


@pytest.mark.parametrize("value", ["https://a:1", "", "a b:1", "user@host:1"])
def test_an_address_that_is_none(value):
    done = subprocess.run([BINARY, "serve", "--listen", "127.0.0.1:0", "--alertmanager", value], capture_output=True, text=True, timeout=20)
    assert done.returncode != 0 and "--alertmanager" in done.stderr


def test_reading_is_for_readers_and_silencing_for_admins(run, start_service, tmp_path):
    alertmanager = run("alertmanager", ALERTMANAGER % "127.0.0.1:1")
    tokens = tmp_path / "tokens"
    tokens.write_text("read reader-token-of-a-test\nadmin admin-token-of-a-test\n")
    tokens.chmod(0o600)
    service = start_service("--alertmanager", alertmanager.address, "--token-file", str(tokens))
    fire(alertmanager, {"alertname": "A", "severity": "warning"})
    reader, admin = ({"Authorization": f"Bearer {name}-token-of-a-test"} for name in ("reader", "admin"))
    assert service.get("/alerts").status_code == 401
    wait_for(lambda: service.get("/alerts", headers=reader).json()["alerts"]["says"], 10)
    [alert] = service.get("/alerts", headers=reader).json()["alerts"]["says"]
    wanted = {"alert": alert["fingerprint"], "author": "a", "seconds": 60}
    assert service.post("/alerts/silences", json=wanted, headers=reader).status_code == 403
    made = service.post("/alerts/silences", json=wanted, headers=admin)
    assert made.status_code == 200, made.text
    [silence] = active(alertmanager)
    assert made.json() == {"silenceID": silence["id"]} and silence["comment"] == "from the dashboard"
    assert service.post(f"/alerts/silences/{silence['id']}/expire", json={}, headers=reader).status_code == 403
    assert service.post(f"/alerts/silences/{silence['id']}/expire", json={}, headers=admin).status_code == 200
    assert active(alertmanager) == []
    for odd in "x", "..", silence["id"].upper() if silence["id"].upper() != silence["id"] else "y":
        assert service.post(f"/alerts/silences/{odd}/expire", json={}, headers=admin).status_code == 404


def test_an_alertmanager_that_hangs_holds_no_worker(start_service):
    """It takes connections and never answers; the service answers as ever, and says so."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen(50)
        service = start_service("--alertmanager", f"127.0.0.1:{held.getsockname()[1]}", "--threads", "1")
        worst = 0
        for _ in range(40):
            began = time.monotonic()
            assert service.get("/alerts").status_code == 200
            worst = max(worst, time.monotonic() - began)
            time.sleep(0.1)
        assert worst < 0.5
        assert service.get("/alerts").json()["alerts"]["error"] == "it does not answer in time"
        assert service.stop(signal.SIGTERM) == 0


def steps(browser):
    return dict(browser.run("[...document.querySelectorAll('#steps li')].map(step => [step.querySelector('b').textContent, step.className])"))


def test_a_newcomer_sees_the_chain_move(browser, run, start_service, tmp_path):
    """Everything real; the rule waits four seconds instead of a minute."""
    inbox = run("inbox")
    alertmanager = run("alertmanager", ALERTMANAGER % inbox.address)
    prometheus_address = f"127.0.0.1:{free_port()}"
    service = start_service("--alertmanager", alertmanager.address, "--inbox", inbox.address, "--prometheus", prometheus_address)
    folder = tmp_path / "watching"
    folder.mkdir()
    (folder / "config.yml").write_text(PROMETHEUS % (alertmanager.address, service.url.removeprefix("http://")))
    (folder / "rules.yml").write_text(RULES)
    program = shutil.which("prometheus")
    if not program:
        pytest.skip("no prometheus here: scripts/setup.sh run installs it")
    prometheus = Program(prometheus_address, "/-/ready", program, f"--config.file={folder}/config.yml", f"--storage.tsdb.path={folder}/data",
                         f"--web.listen-address={prometheus_address}")
    try:
        service.post("/simulate/drift?severity=0&n_requests=300")
        browser.open(service.url + "/dashboard/try", "document.querySelectorAll('#steps li').length === 5")
        browser.wait("/No drift/.test(document.querySelector('#verdict').textContent)")
        seen = [steps(browser)]
        browser.run("document.querySelector('#drift').click()")
        end = time.monotonic() + 60
        while seen[-1].get("Message") != "done":
            assert time.monotonic() < end, (seen[-1], browser.run("document.querySelector('#steps').innerText"))
            now = steps(browser)
            if now != seen[-1]:
                seen.append(now)
            time.sleep(0.05)
        assert seen[0]["Score"] == seen[0]["Alert firing"] == "idle" and seen[0]["Traffic"] == "done"
        reached = [next(i for i, step in enumerate(seen) if step[name] in states) for name, states in (
            ("Score", ["done"]), ("Alert pending", ["now"]), ("Alert firing", ["done"]), ("Message", ["done"]))]
        assert reached == sorted(reached) and reached[0] > 0 and reached[1] < reached[2], seen
        assert "FIRING DataDriftDetected" in browser.run("document.querySelector('#steps').textContent")
        clean(browser, service)
        if os.environ.get("UPDATE_PICTURES"):
            browser.size(1200, 480)
            browser.picture(ROOT / "docs/images/dashboard-try.png")
            browser.open(service.url + "/dashboard/alerts", f"{FIRING} === 1")
            browser.run("document.querySelector('#firing button').click()")
            browser.picture(ROOT / "docs/images/dashboard-alerts.png")
            browser.size(1300, 900)
    finally:
        prometheus.stop()


def test_where_simulation_is_not_allowed_the_button_is_off(browser, start_service, tmp_path):
    (tmp_path / "reference.csv").write_text("x\n" + "1\n2\n3\n" * 20)
    (tmp_path / "config.yml").write_text(json.dumps({"models": [{
        "name": "m", "version": "1", "reference": "reference.csv", "scorer": {"type": "none"}, "features": [{"name": "x", "type": "numeric"}]}]}))
    service = start_service("--config", str(tmp_path / "config.yml"))
    browser.open(service.url + "/dashboard/try", "!document.querySelector('#no-simulation').hidden")
    assert browser.run("document.querySelector('#drift').disabled && document.querySelector('#healthy').disabled")
    clean(browser, service)
