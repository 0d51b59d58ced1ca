"""What `make run` and `make stop` do when something is in the way or ends unexpectedly."""

import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import time

import requests

from test_end_to_end import ROOT, alive, new_run  # noqa: F401 (a fixture)


def test_second_run_says_that_one_runs(new_run):  # noqa: F811
    run = new_run().start()
    second = run.script("scripts/run.sh", "--no-build", timeout=30)
    assert second.returncode == 1
    assert "already running" in second.stdout and str(run.process.pid) in second.stdout
    assert "make stop" in second.stdout
    assert run.process.poll() is None

    stopped = run.script("scripts/stop.sh", timeout=60)
    assert stopped.returncode == 0 and "stopped" in stopped.stdout
    assert run.process.wait(10) == 0
    again = run.script("scripts/stop.sh", timeout=30)
    assert again.returncode == 0 and "nothing runs" in again.stdout


def test_busy_port_names_its_owner_and_the_setting(new_run):  # noqa: F811
    run = new_run()
    with socket.create_server(("127.0.0.1", run.ports["PROMETHEUS_PORT"])):
        refused = run.script("scripts/run.sh", "--no-build", timeout=30)
    assert refused.returncode == 1
    assert f"pid {os.getpid()}" in refused.stdout and "PROMETHEUS_PORT=" in refused.stdout
    assert not (run.folder / "run.pid").exists()


def test_component_that_dies_is_named_and_the_rest_stops(new_run):  # noqa: F811
    run = new_run().start()
    others = [run.pid(name) for name in ("prometheus", "model-service", "slack-inbox")]
    os.kill(run.pid("alertmanager"), signal.SIGKILL)
    assert run.process.wait(60) == 1
    assert "alertmanager was killed (signal 9)" in run.text()
    assert "setsid" not in run.text(), "the shell's own report of the killed job"
    assert "| " in run.text(), "the end of its log is shown"
    assert not any(alive(pid) for pid in others)


def test_a_service_that_dies_is_started_again_and_goes_on(new_run):  # noqa: F811
    run = new_run().start()

    def total():
        text = run.get("MODEL_SERVICE_PORT", "/metrics").text
        return float(re.search(r"^model_observations_total\S* (\S+)$", text, re.M)[1])

    requests.post(f"http://127.0.0.1:{run.ports['MODEL_SERVICE_PORT']}/simulate/drift?severity=0.7&n_requests=300", timeout=30)
    others = [run.pid(name) for name in ("prometheus", "alertmanager", "slack-inbox")]
    time.sleep(1.6)
    for turn in range(2):
        before = run.pid("model-service")
        os.kill(before, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while run.pid("model-service") == before or not answers(run):
            assert time.monotonic() < deadline, run.text()
            time.sleep(0.1)
        assert total() == 300
    assert run.text().count("model-service was killed (signal 9); it is started again") == 2
    assert [run.pid(name) for name in ("prometheus", "alertmanager", "slack-inbox")] == others
    assert run.process.poll() is None and all(alive(pid) for pid in others)
    assert run.stop() == 0, run.text()
    assert not any(alive(pid) for pid in others)


def answers(run):
    try:
        return run.get("MODEL_SERVICE_PORT", "/ready").status_code == 200
    except requests.ConnectionError:
        return False


def test_component_that_cannot_start_is_named(new_run):  # noqa: F811
    run = new_run()
    wrong = run.folder.parent / "wrong.yml"
    wrong.write_text("models: 3\n")
    run.env["MODEL_CONFIG"] = str(wrong)
    failed = run.script("scripts/run.sh", "--no-build", timeout=60)
    assert failed.returncode == 1
    assert "model-service ended while starting" in failed.stdout and "wrong.yml" in failed.stdout


def test_absent_configuration_is_refused_before_anything_starts(new_run):  # noqa: F811
    failed = new_run(MODEL_CONFIG="/nonexistent.yml").script("scripts/run.sh", "--no-build", timeout=60)
    assert failed.returncode == 1
    assert "MODEL_CONFIG" in failed.stdout and "/nonexistent.yml" in failed.stdout
    assert "starting" not in failed.stdout


def test_own_model_is_told_what_to_send(new_run):  # noqa: F811
    run = new_run()
    config = run.folder.parent / "model.yml"
    (run.folder.parent / "reference.csv").write_text("age\n" + "".join(f"{n}\n" for n in range(200)))
    config.write_text("models:\n  - name: mine\n    reference: reference.csv\n"
                      "    features: [{name: age, type: numeric}]\n"
                      "    scorer: {type: logistic, weights: [{feature: age, weight: 0.1}]}\n")
    run.env["MODEL_CONFIG"] = str(config)
    run.start()
    assert "test_normal.sh" not in run.text() and "test_drift.sh" not in run.text()
    command = next(line for line in run.text().splitlines() if "/predict" in line)
    answer = subprocess.run(command, shell=True, text=True, stdout=subprocess.PIPE, timeout=20)
    assert '"prediction"' in answer.stdout, command
    assert "/drift/status" in run.text()
    refused = run.script("test_drift.sh", "--no-resolve", timeout=60)
    assert refused.returncode == 1 and "status 403" in refused.stdout
    assert "simulation" in refused.stdout, "the service's own sentence"


def test_own_model_without_a_scorer_is_told_where_to_send_rows(new_run):  # noqa: F811
    run = new_run()
    config = run.folder.parent / "model.yml"
    (run.folder.parent / "reference.csv").write_text("age,kind\n" + "".join(f"{n},{'ab'[n % 2]}\n" for n in range(200)))
    config.write_text("models:\n  - name: mine\n    reference: reference.csv\n    scorer: {type: none}\n"
                      "    features: [{name: age, type: numeric}, {name: kind, type: categorical}]\n")
    run.env["MODEL_CONFIG"] = str(config)
    run.start()
    assert "/predict" not in run.text()
    command = next(line for line in run.text().splitlines() if "/observe" in line)
    answer = subprocess.run(command.replace("curl -s", "curl -sf"), shell=True, text=True, stdout=subprocess.PIPE, timeout=20)
    assert answer.returncode == 0 and '"observed":1' in answer.stdout, command


def test_printed_pages_exist(new_run):  # noqa: F811
    run = new_run().start()
    pages = re.findall(r"^  (?:model service|Prometheus|Slack inbox) +(http://\S+)", run.text(), re.M)
    assert len(pages) == 3
    assert [requests.get(page, timeout=10).status_code for page in pages] == [200] * 3


def test_killed_run_leaves_nothing_behind(new_run):  # noqa: F811
    run = new_run().start()
    components = [run.pid(name) for name in ("model-service", "prometheus", "alertmanager", "slack-inbox")]
    run.process.kill()
    run.process.wait(10)
    run.script("scripts/stop.sh", timeout=60)
    assert not any(alive(pid) for pid in components)
    run.start()


def test_stop_leaves_a_process_with_a_reused_pid_alone(new_run):  # noqa: F811
    run = new_run()
    run.folder.mkdir(parents=True)
    with subprocess.Popen(["sleep", "30"]) as other:
        (run.folder / "run.pid").write_text(f"{other.pid} 1\n")
        assert "nothing runs" in run.script("scripts/stop.sh", timeout=30).stdout
        assert other.poll() is None
        other.kill()


def test_secrets_are_for_the_owner_only(new_run):  # noqa: F811
    run = new_run(SLACK_WEBHOOK_URL="http://127.0.0.1:9/services/secret").start()
    path = run.folder / "alertmanager" / "secrets" / "slack_url"
    assert path.read_text().strip() == "http://127.0.0.1:9/services/secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(run.folder.stat().st_mode) == 0o700
    assert "services/secret" not in run.text()
    assert "messages go to your webhook" in run.text()


def test_help_of_every_script():
    for script in ("scripts/run.sh", "scripts/stop.sh", "scripts/setup.sh", "scripts/build.sh",
                   "scripts/test.sh", "test_normal.sh", "test_drift.sh", "cleanup.sh"):
        shown = subprocess.run([ROOT / script, "--help"], text=True, stdout=subprocess.PIPE, timeout=10)
        assert shown.returncode == 0 and "usage:" in shown.stdout, script


def test_tokens_reach_who_needs_them_and_the_webhook_nobody_else(new_run):  # noqa: F811
    run = new_run()
    tokens = run.folder.parent / "tokens"
    tokens.write_text("read read-0123456789abcdef\nadmin admin-0123456789abcdef\n")
    tokens.chmod(0o600)
    run.env |= {"TOKEN_FILE": str(tokens), "SLACK_WEBHOOK_URL": "http://127.0.0.1:9/services/a-secret"}
    run.start()
    port = run.ports["MODEL_SERVICE_PORT"]
    assert requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).status_code == 401

    def scraped():
        answer = requests.get(f"http://127.0.0.1:{run.ports['PROMETHEUS_PORT']}/api/v1/query",
                              {"query": 'up{job="model-service"}'}, timeout=10).json()
        return [sample["value"][1] for sample in answer["data"]["result"]] == ["1"]

    deadline = time.monotonic() + 30
    while not scraped():
        assert time.monotonic() < deadline, "Prometheus does not scrape the service with its token"
        time.sleep(0.5)
    for name in ("model-service", "prometheus", "alertmanager", "slack-inbox"):
        environment = pathlib.Path(f"/proc/{run.pid(name)}/environ").read_bytes()
        command = pathlib.Path(f"/proc/{run.pid(name)}/cmdline").read_bytes()
        assert b"a-secret" not in environment + command, name
        assert b"0123456789abcdef" not in environment + command, name
    rows = run.folder.parent / "rows"
    rows.write_text('{"features": [0, 0, 0, 0, 0]}\n' * 3)
    sent = subprocess.run(["bash", "-c", ". scripts/lib.sh; "
                           f". scripts/traffic.sh; find_stack; send_rows {rows} 1 3; http_post $SERVICE_URL/simulate/drift?n_requests=3"],
                          cwd=ROOT, env=run.env, capture_output=True, text=True, timeout=30)
    assert '"drift_simulated"' in sent.stdout, sent
