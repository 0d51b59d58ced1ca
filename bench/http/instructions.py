#!/usr/bin/python3
"""What one POST /predict of a single row costs: instructions, allocations and bytes allocated.

Runs each binary under valgrind (callgrind counts the instructions, memcheck the allocations) and
sends it the same requests over one connection, once few and once many; the difference is what the
requests cost, without the start. Needs valgrind.

usage: bench/http/instructions.py [--requests N] BINARY...      e.g. an older build and this one
"""
import argparse
import http.client
import json
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

FEW = 100  # enough to fill the window's minimum sample, so that every request reads scores
NAMED = {f"feature_{i}": value for i, value in enumerate([0.5, -0.3, 0.8, 0.2, -0.1])}
BODIES = {
    "array": {"features": list(NAMED.values())},
    "named": {"features": NAMED},
    "named, id": {"features": NAMED, "id": "request-17"},
}
TOOLS = {
    "instructions": (["--tool=callgrind", "--callgrind-out-file=/dev/null"],
                     re.compile(r"Collected : (\d+)")),
    "allocations": (["--tool=memcheck", "--leak-check=no", "--undef-value-errors=no"],
                    re.compile(r"total heap usage: ([\d,]+) allocs, [\d,]+ frees, ([\d,]+) bytes")),
}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def connect(port, process):
    for _ in range(600):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.connect()
            return connection
        except OSError:
            assert process.poll() is None, "the service did not start"
            time.sleep(0.1)
    raise SystemExit("the service did not listen within a minute")


def totals(binary, tool, body, requests):
    """The numbers that valgrind prints at the end of a run with so many requests."""
    options, pattern = TOOLS[tool]
    port = free_port()
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(["valgrind", *options, binary, "serve", "--listen", f"127.0.0.1:{port}"],
                                   stdout=log, stderr=log)
        connection = connect(port, process)
        for _ in range(requests):
            connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 200, text
        connection.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        log.seek(0)
        found = pattern.search(log.read())
    return [int(number.replace(",", "")) for number in found.groups()]


def cost(binary, tool, body, requests):
    few, many = (totals(binary, tool, body, count) for count in (FEW, FEW + requests))
    return [(b - a) / requests for a, b in zip(few, many)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary", nargs="+", type=pathlib.Path)
    parser.add_argument("--requests", type=int, default=1000)
    arguments = parser.parse_args()
    print(f"{'binary':40} {'body':10} {'instructions':>12} {'allocations':>12} {'bytes':>8}")
    for name, body in BODIES.items():
        for binary in arguments.binary:
            body_text = json.dumps(body)
            instructions, = cost(binary, "instructions", body_text, arguments.requests)
            allocations, size = cost(binary, "allocations", body_text, arguments.requests)
            print(f"{str(binary)[-40:]:40} {name:10} {instructions:12.0f} {allocations:12.1f} {size:8.0f}",
                  flush=True)


if __name__ == "__main__":
    main()
