"""docker-compose.yml with a real Docker engine: the image builds, every container becomes healthy
with the rights it should have, and a drift reaches the Slack inbox."""

import re
import subprocess
import time

import pytest
import requests
from conftest import SERVICES, run

DRIFT_SECONDS = 180


def get(url, **arguments):
    return requests.get(url, timeout=10, **arguments)


@pytest.mark.parametrize("service", SERVICES)
def test_healthy(stack, service):
    assert stack.health(service) == "healthy", stack.compose("logs", service)


@pytest.mark.parametrize("service", SERVICES)
def test_rights(stack, service):
    details = stack.inspect(service)
    host = details["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"] and not host["CapAdd"] and not host["Privileged"]
    assert any(option.startswith("no-new-privileges") for option in host["SecurityOpt"])
    assert host["Memory"] > 0 and host["PidsLimit"] > 0
    for bindings in host["PortBindings"].values():
        assert all(binding["HostIp"] == "127.0.0.1" for binding in bindings)


@pytest.mark.parametrize("service", SERVICES)
def test_process_is_not_root_and_cannot_write(stack, service):
    """What the kernel says of the running process, not what the configuration says."""
    pid = stack.inspect(service)["State"]["Pid"]
    status = dict(line.split(":\t", 1) for line in open(f"/proc/{pid}/status").read().splitlines()
                  if ":\t" in line)
    assert all(int(uid) > 0 for uid in status["Uid"].split())
    assert int(status["CapEff"], 16) == 0 and status["NoNewPrivs"] == "1"
    root = next(line.split() for line in open(f"/proc/{pid}/mounts") if line.split()[1] == "/")
    assert "ro" in root[3].split(",")


def test_stops_at_once(stack):
    """The service acts on SIGTERM instead of waiting to be killed."""
    began = time.monotonic()
    stack.compose("restart", "-t", "30", "model-service")
    assert time.monotonic() - began < 15
    deadline = time.monotonic() + 60
    while stack.health("model-service") != "healthy" and time.monotonic() < deadline:
        time.sleep(1)
    assert stack.health("model-service") == "healthy"


def test_version_in_image(stack):
    answer = get(stack.url("MODEL_SERVICE_PORT", "/")).json()
    out = stack.compose("exec", "-T", "model-service", "model-service", "--version")
    assert answer["version"] in out


def test_generate_in_container(stack):
    out = stack.compose("exec", "-T", "model-service", "model-service", "generate", "--rows", "3")
    assert len(out.strip().splitlines()) == 4  # with the header


def test_prometheus_scrapes_every_target(stack):
    deadline = time.monotonic() + 60
    while True:
        targets = get(stack.url("PROMETHEUS_PORT", "/api/v1/targets")).json()["data"]["activeTargets"]
        states = {target["labels"]["job"]: (target["health"], target["lastError"]) for target in targets}
        if all(state == "up" for state, _ in states.values()) or time.monotonic() > deadline:
            break
        time.sleep(1)
    assert set(states) == {"model-service", "prometheus", "alertmanager"}
    assert all(state == "up" for state, _ in states.values()), states
    rules = get(stack.url("PROMETHEUS_PORT", "/api/v1/rules")).json()["data"]["groups"]
    names = {rule["name"] for group in rules for rule in group["rules"]}
    assert {"DataDriftDetected", "CriticalDataDrift", "ModelServiceDown",
            "PredictionDistributionShift"} <= names


def test_runbook_is_served(stack):
    answer = get(stack.url("PROMETHEUS_PORT", "/user/runbook.html"))
    assert answer.status_code == 200 and '<h2 id="criticaldatadrift">' in answer.text


def test_the_image_says_which_commit_it_is(stack):
    commit = run(["git", "rev-parse", "HEAD"], cwd=stack.tree).strip()
    [revision] = re.findall(r'model_service_build_info\{.*revision="(\w+)".*\} 1', get(stack.url("MODEL_SERVICE_PORT", "/metrics")).text)
    assert len(revision) >= 7 and commit.startswith(revision)


def test_the_image_keeps_no_package_caches(stack):
    listed = stack.compose("exec", "-T", "model-service", "sh", "-c", "du -sk /var/cache/apt /var/lib/apt/lists 2>/dev/null | cut -f1")
    assert sum(map(int, listed.split())) < 100, listed


def test_webhook_is_not_readable_from_the_environment_of_the_process(stack):
    pid = stack.inspect("alertmanager")["State"]["Pid"]
    assert b"SLACK_WEBHOOK_URL" not in open(f"/proc/{pid}/environ", "rb").read()


def test_drift_reaches_the_inbox(stack):
    """test_drift.sh against the containers, as its user runs it."""
    env = dict(stack.env, BUILD_DIR="/nonexistent", COMPOSE_PROJECT_NAME="drift-test",
               RUN_DIR="/nonexistent", MESSAGES_GO_TO="inbox")
    done = subprocess.run([stack.tree / "test_drift.sh", "--no-resolve"], cwd=stack.tree, env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=DRIFT_SECONDS + 120)
    assert done.returncode == 0, done.stdout
    messages = get(stack.url("SLACK_INBOX_PORT", "/messages")).json()
    text = str(messages)
    assert "CriticalDataDrift" in text or "DataDriftDetected" in text
    # The links lead to the ports that are published, though none is the usual one.
    ports = {name: f"localhost:{port}/" for name, port in stack.ports.items()}
    for name in ("PROMETHEUS_PORT", "GRAFANA_PORT"):
        assert ports[name] in text, name
    assert f"--alertmanager.url=http://localhost:{stack.ports['ALERTMANAGER_PORT']} silence add" in text
    assert not re.search(r"localhost:(3000|8000|909\d)", text)
    for needed in ("feature_", "drift score", "threshold", "Recommended action", "Runbook"):
        assert needed in text, text


def test_clean_up_lists_what_compose_made(stack):
    env = dict(stack.env, COMPOSE_PROJECT_NAME="drift-test", RUN_DIR="/nonexistent")
    done = subprocess.run([stack.tree / "cleanup.sh", "--dry-run"], cwd=stack.tree, env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    assert done.returncode == 0, done.stdout
    for service in SERVICES:
        assert f"container  drift-test_{service}_1" in done.stdout
    for volume in ("prometheus-data", "alertmanager-data"):
        assert f"volume     drift-test_{volume}" in done.stdout
    assert "network    drift-test_default" in done.stdout
    assert "image      drift-test/model-service" in done.stdout
    assert stack.health("model-service") == "healthy"


def test_an_own_model_is_served(stack):
    """The example's folder is mounted unless MODEL_FOLDER names another."""
    stack.compose("up", "-d", "model-service", MODEL_CONFIG="birdstrikes/drift.yml")
    deadline = time.monotonic() + 60
    while stack.health("model-service") != "healthy" and time.monotonic() < deadline:
        time.sleep(1)
    served = get(stack.url("MODEL_SERVICE_PORT", "/")).json()["models"]
    assert "birdstrikes" in str(served), served
