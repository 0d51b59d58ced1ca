"""More clients than there are connections, which are slow, idle or do not read: others are answered within a second."""
import os
import resource
import socket
import time

import pytest

from raw import Raw, request

MORE = 1500  # than the thousand connections of the service

GET = request("GET", "/metrics")
KINDS = {
    "silent": b"",
    "half a request line": b"GET /hea",
    "half a header": b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ",
    "half a body": request("POST", "/predict", b"{", [("Content-Length", "1000")], length=False),
    "a large body announced": request("POST", "/predict", b"{", [("Content-Length", "4000000")], length=False),
    "a stream": request("POST", "/observe", b"1\r\n{\r\n", [("Content-Type", "application/x-ndjson"),
                                                       ("Transfer-Encoding", "chunked")], length=False),
    "does not read": GET,
}


@pytest.fixture(scope="module", autouse=True)
def files():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[1], 8192), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def probe(service):
    """The seconds until a new client has its answers."""
    began = time.monotonic()
    for path in ("/health", "/ready", "/metrics"):
        with Raw(service.url, timeout=20) as connection:
            assert connection.send(request("GET", path)).receive().status == 200
    return time.monotonic() - began


@pytest.mark.parametrize("kind", KINDS)
def test_others_are_answered(start_service, kind):
    service = start_service()
    host, port = service.url.split("//")[1].rsplit(":", 1)
    clients, worst = [], 0
    alone = max(probe(service) for _ in range(5))  # on this machine, with whatever else it does
    try:
        for i in range(MORE):
            client = socket.create_connection((host, int(port)), 5)
            client.setblocking(False)
            clients.append(client)
            try:
                client.send(KINDS[kind])
            except OSError:
                pass
            if i % 100 == 99:
                worst = max(worst, probe(service))
        for _ in range(5):
            time.sleep(0.2)
            worst = max(worst, probe(service))
    finally:
        for client in clients:
            client.close()
    print(f"{kind}: the slowest round of three probes took {worst * 1000:.0f} ms, {alone * 1000:.0f} ms without them")
    assert worst < max(10, 30 * alone)  # three answers; on a quiet machine well below one second
    with open(f"/proc/{service.process.pid}/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    # A sanitizer keeps freed memory for a while.
    assert peak < 200 << 10 or {"ASAN_OPTIONS", "TSAN_OPTIONS"} & set(os.environ)


def test_deadlines(start_service):
    """Five seconds for a header, ten and one for each thousand bytes for a body; a stream may take its time."""
    service = start_service()
    began = time.monotonic()
    slow = {name: Raw(service.url, timeout=20).send(KINDS[name])
            for name in ("silent", "half a header", "half a body", "a stream")}
    dribbling = Raw(service.url, timeout=20).send(KINDS["half a header"])
    steady = Raw(service.url, timeout=20).send(request("POST", "/predict", b"[", [("Content-Length", "14000")], length=False))

    def dribble(until):
        while time.monotonic() - began < until:
            try:
                dribbling.send("x")
            except OSError:
                pass
            steady.send(" " * 500)
            time.sleep(0.5)

    def expect_timeout(connection, least, most):
        answer = connection.receive()
        assert answer.status == 408 and answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["connection"] == "close" and connection.closed_within(1)
        assert least < time.monotonic() - began < most

    dribble(4)
    for name in ("silent", "half a header"):
        expect_timeout(slow[name], 4.5, 8)
    expect_timeout(dribbling, 4.5, 8)
    dribble(9)
    expect_timeout(slow["half a body"], 9.5, 13)
    dribble(12)
    steady.send(b" " * 14000)
    assert steady.receive().status == 400
    assert slow["a stream"].send("0\r\n\r\n").receive().status == 422  # its line is not JSON
    text = service.get("/metrics").text
    assert 'http_requests_total{method="other",handler="other",code="408"} 3' in text
    assert 'http_requests_total{method="POST",handler="/predict",code="408"} 1' in text
