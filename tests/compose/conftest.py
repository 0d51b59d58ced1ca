"""A Docker engine, the base image, the stand-ins and the running Compose project."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
PROJECT = "drift-test"
SERVICES = ("model-service", "slack-inbox", "alertmanager", "prometheus")
PORT_NAMES = ("MODEL_SERVICE_PORT", "SLACK_INBOX_PORT", "ALERTMANAGER_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT")


def run(command, env=None, timeout=600, check=True, cwd=ROOT):
    """Output of a command; its output is in the failure's text."""
    done = subprocess.run(command, cwd=cwd, env=env, timeout=timeout, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert not check or done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for held in sockets:
            held.bind(("127.0.0.1", 0))
        return [held.getsockname()[1] for held in sockets]
    finally:
        for held in sockets:
            held.close()


@pytest.fixture(scope="session")
def engine():
    """Environment that reaches a Docker engine, started here if none runs."""
    folder = tempfile.mkdtemp(prefix="drift-docker-")
    try:
        started = subprocess.run([HERE / "engine.sh", "start", folder], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        assert started.returncode == 0, started.stderr
        host = started.stdout.strip()
        env = dict(os.environ, **({"DOCKER_HOST": host} if host else {}))
        yield env
    finally:
        run([HERE / "engine.sh", "stop", folder])
        shutil.rmtree(folder, ignore_errors=True)


def build_stand_in(env, name, program, tag):
    """Debian's binary and the files it reads at start, which the real image has inside the binary."""
    with tempfile.TemporaryDirectory() as context:
        shutil.copy(program, f"{context}/{name}")
        shutil.copy(shutil.which("busybox"), f"{context}/busybox")
        shutil.copytree("/usr/share/prometheus", f"{context}/share", symlinks=True)
        run(["docker", "build", "-q", "-t", tag, "-f", HERE / f"{name}.Dockerfile", context], env)


@pytest.fixture(scope="session")
def images(engine):
    """debian:bookworm-slim, and stand-ins for the images of Prometheus and Alertmanager."""
    run([HERE / "engine.sh", "base"], engine)
    build_stand_in(engine, "prometheus", shutil.which("prometheus"), "drift-test/prometheus")
    build_stand_in(engine, "alertmanager", shutil.which("prometheus-alertmanager"),
                   "drift-test/alertmanager")
    return {"PROMETHEUS_IMAGE": "drift-test/prometheus",
            "ALERTMANAGER_IMAGE": "drift-test/alertmanager",
            "MODEL_SERVICE_IMAGE": "drift-test/model-service"}


class Stack:
    """The running project: its ports and what docker says about its containers."""

    def __init__(self, tree, env, ports):
        self.tree = tree
        self.env = env
        self.ports = ports

    def compose(self, *arguments, timeout=600, check=True, **settings):
        return run(["docker-compose", "-p", PROJECT, *arguments], {**self.env, **settings}, timeout, check, self.tree)

    def container(self, service):
        return self.compose("ps", "-q", service).split()[-1]

    def inspect(self, service):
        return json.loads(run(["docker", "inspect", self.container(service)], self.env))[0]

    def health(self, service):
        return self.inspect(service)["State"]["Health"]["Status"]

    def logs(self):
        return self.compose("logs", "--no-color", "--tail=20", check=False)

    def url(self, port_name, path):
        return f"http://127.0.0.1:{self.ports[port_name]}{path}"


@pytest.fixture(scope="session")
def tree():
    """A clone made by somebody whose files nobody else may read: Compose has to run from it."""
    with tempfile.TemporaryDirectory(prefix="drift-clone-") as folder:
        clone = pathlib.Path(folder) / "clone"
        run(["sh", "-c", 'umask 077 && exec git clone -q "$0" "$1"', ROOT, clone])
        assert (clone / "alertmanager/entrypoint.sh").stat().st_mode & 0o077 == 0
        yield clone


@pytest.fixture(scope="session")
def stack(engine, images, tree):
    ports = dict(zip(PORT_NAMES, free_ports(len(PORT_NAMES))))
    env = {**engine, **images, **{name: str(port) for name, port in ports.items()}}
    env["SLACK_WEBHOOK_URL"] = ""  # not one from a developer's .env
    running = Stack(tree, env, ports)
    try:
        try:
            running.compose("up", "-d", "--build", *SERVICES, timeout=900)
        except AssertionError as failed:
            pytest.fail(f"{failed}\n{running.logs()}")
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            states = {service: running.health(service) for service in SERVICES}
            if all(state == "healthy" for state in states.values()):
                break
            time.sleep(1)
        else:
            pytest.fail(f"not healthy within two minutes: {states}\n{running.logs()}")
        yield running
    finally:
        running.compose("down", "-v", "--remove-orphans", "--rmi", "local", check=False)
        run(["docker", "rmi", "-f", *images.values()], env, check=False)
