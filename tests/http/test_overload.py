"""The port is open while models load, and more requests than can be served do not make everybody late."""
import concurrent.futures
import socket
import subprocess
import time

from conftest import BINARY
from raw import Closed, Raw, exchange, predict, request
from test_metrics import scrape, value


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def first_answer(url, path, process):
    """As soon as the port is open."""
    while True:
        try:
            return exchange(url, request("GET", path))
        except (ConnectionError, Closed):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.002)


def test_the_port_is_open_while_models_load(tmp_path):
    (tmp_path / "r.csv").write_text("a,b,c\n" + "".join(f"{i % 997},{i % 89}.5,{i}\n" for i in range(200_000)))
    (tmp_path / "c.yml").write_text("models:\n" + "".join(
        f"  - {{name: m{i}, reference: r.csv, scorer: {{type: none}}, features: [{{name: a}}, {{name: b}}, {{name: c}}]}}\n" for i in range(20)))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([BINARY, "serve", "--listen", f"127.0.0.1:{port}", "--config", str(tmp_path / "c.yml")],
                               stderr=subprocess.PIPE, text=True)
    try:
        ready = first_answer(url, "/ready", process)
        assert ready.status == 503 and ready.json()["detail"] == "the models are being loaded"
        assert exchange(url, request("GET", "/health")).status == 200
        for data in (request("GET", "/metrics"), request("POST", "/observe", "{}"), request("GET", "/")):
            answer = exchange(url, data)
            assert answer.status == 503 and answer.headers["retry-after"] == "1", answer
            assert answer.headers["content-type"] == "application/problem+json"
        deadline = time.monotonic() + 60
        while (ready := exchange(url, request("GET", "/ready"))).status == 503:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert ready.status == 200 and exchange(url, request("GET", "/metrics")).status == 200
    finally:
        process.terminate()
        assert process.wait(30) == 0, process.stderr.read()


def test_a_configuration_that_is_wrong_ends_it(tmp_path):
    (tmp_path / "c.yml").write_text("models:\n  - {name: m, reference: none.csv, scorer: {type: none}, features: [{name: a}]}\n")
    done = subprocess.run([BINARY, "serve", "--listen", "127.0.0.1:0", "--config", str(tmp_path / "c.yml")],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "none.csv" in done.stderr and "listening" not in done.stderr


def test_overload_is_shed(start_service):
    """Batches that take seconds together, for one worker: some are served, the others are told to try again, and the probes
    beside them do not wait."""
    service = start_service("--threads", "1")
    batch = predict('{"instances": [%s]}' % ",".join(["[0.5,-0.3,0.8,0.2,-0.1]"] * 10000))
    worst, statuses = 0, []

    def client(_):
        with Raw(service.url, timeout=60) as connection:
            return [connection.send(batch).receive() for _ in range(4)]

    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        running = [pool.submit(client, i) for i in range(60)]
        while not all(one.done() for one in running):
            began = time.monotonic()
            for path in ("/health", "/ready", "/metrics"):
                assert exchange(service.url, request("GET", path)).status == 200
            worst = max(worst, time.monotonic() - began)
            time.sleep(0.02)
        for one in running:
            for answer in one.result():
                statuses.append(answer.status)
                assert answer.status == 200 or answer.headers["retry-after"] == "1"
    print(f"{statuses.count(200)} served, {statuses.count(503)} refused, the slowest three probes took {worst * 1000:.0f} ms")
    assert set(statuses) == {200, 503} and worst < 5
    assert value(scrape(service), "http_requests_shed_total") == statuses.count(503)
