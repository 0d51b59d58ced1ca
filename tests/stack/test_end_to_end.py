"""`make run` as a user starts it: the real Prometheus and Alertmanager with the project's own
configuration and intervals, the service and the Slack inbox, on other ports and in a folder of
their own. Ordinary traffic raises nothing; drift becomes a Slack message; its end another."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
PORT_NAMES = ("MODEL_SERVICE_PORT", "PROMETHEUS_PORT", "ALERTMANAGER_PORT", "SLACK_INBOX_PORT")
START_SECONDS = 60
STOP_SECONDS = 60


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for held in sockets:
            held.bind(("127.0.0.1", 0))
        return [held.getsockname()[1] for held in sockets]
    finally:
        for held in sockets:
            held.close()


class Run:
    """One `scripts/run.sh`, its settings and what it printed."""

    def __init__(self, folder, **settings):
        self.folder = pathlib.Path(folder)
        self.ports = dict(zip(PORT_NAMES, free_ports(len(PORT_NAMES))))
        binary = os.environ.get("MODEL_SERVICE_BINARY", str(ROOT / "build" / "model-service"))
        self.env = {**os.environ, "RUN_DIR": str(self.folder), "SLACK_WEBHOOK_URL": "",
                    "MESSAGES_GO_TO": "inbox", "BUILD_DIR": str(pathlib.Path(binary).parent),
                    **{name: str(port) for name, port in self.ports.items()}, **settings}
        self.output = self.folder.parent / (self.folder.name + ".output")
        self.process = None

    def start(self):
        self.process = subprocess.Popen([ROOT / "scripts/run.sh", "--no-build"], env=self.env,
                                        stdin=subprocess.DEVNULL, stdout=open(self.output, "w"),
                                        stderr=subprocess.STDOUT)
        deadline = time.monotonic() + START_SECONDS
        while "Everything runs" not in self.text():
            assert self.process.poll() is None and time.monotonic() < deadline, self.text()
            time.sleep(0.1)
        return self

    def text(self):
        return self.output.read_text() if self.output.exists() else ""

    def script(self, name, *arguments, timeout):
        return subprocess.run([ROOT / name, *arguments], env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=timeout)

    def pid(self, component):
        return int((self.folder / "pids" / f"{component}.pid").read_text().split()[0])

    def get(self, port_name, path):
        return requests.get(f"http://127.0.0.1:{self.ports[port_name]}{path}", timeout=10)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(STOP_SECONDS)
        return self.process.returncode if self.process else None


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def new_run():
    """A function that prepares runs in folders of their own and stops them after the test."""
    runs = []
    with tempfile.TemporaryDirectory(prefix="drift-run-") as folder:
        def prepare(**settings):
            runs.append(Run(pathlib.Path(folder) / f"run{len(runs)}", **settings))
            return runs[-1]

        yield prepare
        for run in runs:
            run.stop()


def messages(run):
    found = run.get("SLACK_INBOX_PORT", "/messages").json()
    found = found if isinstance(found, list) else found["messages"]
    return sorted((message for message in found), key=lambda message: message["received_at"])


def test_drift_becomes_a_message_and_its_end_another(new_run):
    run = new_run().start()

    normal = run.script("test_normal.sh", "--seconds", "20", timeout=120)
    assert normal.returncode == 0, normal.stdout
    assert 'stayed "No drift"' in normal.stdout
    assert messages(run) == []

    drift = run.script("test_drift.sh", timeout=600)
    assert drift.returncode == 0, drift.stdout

    attachments = [message["attachments"][0] for message in messages(run)]
    firing = next(a for a in attachments if a["title"].startswith("FIRING"))
    assert re.search(r"DataDriftDetected|CriticalDataDrift", firing["title"] + firing["text"])
    found = re.findall(r"feature `feature_[0-2]`.*?: drift score \*([\d.]+)\*, threshold (0\.[35]) \((?:psi|ks_test), p \S+, "
                       r"200 observations against 1000 of the reference\); mean \S+, reference \S+;", firing["text"])
    assert found and all(float(score) > float(threshold) for score, threshold in found), firing
    fields = {field["title"]: field["value"] for field in firing["fields"]}
    assert len(fields["Recommended action"]) > 20
    prometheus = f"http://127.0.0.1:{run.ports['PROMETHEUS_PORT']}/"
    service = f"http://127.0.0.1:{run.ports['MODEL_SERVICE_PORT']}/dashboard?"
    assert prometheus in fields["Links"], "links lead to this run's Prometheus"
    assert service in fields["Links"], "without Grafana, to the service's own dashboard"
    resolved = attachments[-1]
    assert resolved["title"].startswith("RESOLVED") and resolved["color"] == "good"

    runbook = run.get("PROMETHEUS_PORT", "/user/runbook.html")
    assert runbook.status_code == 200
    failed = re.findall(r'^alertmanager_notifications_failed_total\{.*integration="slack".*\} (\S+)',
                        run.get("ALERTMANAGER_PORT", "/metrics").text, re.M)
    assert all(float(count) == 0 for count in failed)

    components = [run.pid(name) for name in ("model-service", "prometheus", "alertmanager", "slack-inbox")]
    assert all(alive(pid) for pid in components)
    assert run.stop() == 0, run.text()
    assert not any(alive(pid) for pid in components)
    stopped = re.findall(r"stopped (\S+)", run.text())
    assert stopped == ["prometheus", "alertmanager", "model-service", "slack-inbox"]
