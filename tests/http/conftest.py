"""A model service of its own for each test module, on a free loopback port."""
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))  # for oracles.py
BINARY = os.environ.get("MODEL_SERVICE_BINARY", str(ROOT / "build" / "model-service"))
START_SECONDS = 20  # sanitizer builds start slowly


class Service:
    """A running `model-service serve`; its log is in .log after stop()."""

    def __init__(self, *arguments, environment=None):
        self.process = subprocess.Popen(
            [BINARY, "serve", "--listen", "127.0.0.1:0", *arguments],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self.log = ""
        self.url = "http://" + self._address()
        self.session = requests.Session()

    def _address(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            line = self.process.stderr.readline()
            self.log += line
            found = re.search(r"listening on http://(\S+?)[\s\"]", line + " ")
            if found:
                return found[1]
            if not line and self.process.poll() is not None:
                break
        raise AssertionError("the service did not start:\n" + self.log)

    def get(self, path, **options):
        return self.session.get(self.url + path, timeout=10, **options)

    def post(self, path, **options):
        return self.session.post(self.url + path, timeout=30, **options)

    def predict(self, features):
        answer = self.post("/predict", json={"features": features})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def stop(self, sig=signal.SIGTERM):
        """Stops it and returns its exit status; a sanitizer's report fails the test."""
        self.session.close()
        if self.process.poll() is None:
            self.process.send_signal(sig)
        self.log += self.process.communicate(timeout=30)[1]
        assert "Sanitizer" not in self.log and "runtime error" not in self.log, self.log
        return self.process.returncode


def wait_for(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    assert condition()


PREDICTIONS = ("prediction", "prediction_score")


def inputs(status):
    """The features of a /drift/status that are not the model's own predictions."""
    return {name: f for name, f in status["features"].items() if name not in PREDICTIONS}


@pytest.fixture
def start_service():
    """A function that starts services and stops them after the test."""
    running = []

    def start(*arguments, **options):
        service = Service(*arguments, **options)
        running.append(service)
        return service

    yield start
    for service in running:
        service.stop()


@pytest.fixture(scope="module")
def service():
    running = Service()
    yield running
    assert running.stop() == 0
