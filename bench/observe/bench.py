#!/usr/bin/python3
"""/observe: lines of six features with a prediction, into the windows, beside a FastAPI endpoint
(uvicorn, uvloop, httptools) that only parses the same lines.

Each server has one core, the client another; alternating rounds of one run, each one request of
--lines lines. Prints observations per second of wall-clock time, and per second of the server's own
processor time, which other load on the machine disturbs less.
"""
import argparse
import json
import os
import pathlib
import re
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
NAMES = ("age", "fare", "ratio", "visits", "city", "channel")
CONFIG = """models:
  - name: bench
    reference: reference.csv
    features:
      - {name: age, type: numeric}
      - {name: fare, type: numeric}
      - {name: ratio, type: numeric}
      - {name: visits, type: numeric}
      - {name: city, type: categorical}
      - {name: channel, type: categorical}
    scorer: {type: none}
    columns: {prediction: prediction, score: score}
    window: {observations: 1000}
"""


def row(source):
    score = source.random()
    features = (round(source.gauss(40, 12), 1), round(source.expovariate(1 / 30), 2),
                round(source.random(), 4), source.randint(0, 9),
                source.choice(("berlin", "paris", "rome", "madrid", "vienna")), source.choice("ab"))
    return features, str(int(score > 0.5)), round(score, 4)


def write_files(folder, source):
    text = ",".join(NAMES) + ",prediction,score\n"
    for _ in range(10_000):
        features, prediction, score = row(source)
        text += ",".join(map(str, features)) + f",{prediction},{score}\n"
    (folder / "reference.csv").write_text(text)
    (folder / "models.yml").write_text(CONFIG)


def make_lines(source, count):
    lines = []
    for i in range(count):
        features, prediction, score = row(source)
        lines.append(json.dumps({"features": dict(zip(NAMES, features)), "prediction": prediction,
                                 "score": score, "id": f"a{i}", "timestamp": "2026-01-31T12:00:00Z"}))
    return ("\n".join(lines) + "\n").encode()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(command, core, port):
    process = subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], cwd=HERE,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(1000):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process
        except OSError:
            time.sleep(0.02)
    sys.exit(f"{command[0]} did not start")


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024


def send(port, body):
    """Seconds from the first byte to the whole answer, and what it says was observed."""
    head = (f"POST /observe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n").encode()
    with socket.create_connection(("127.0.0.1", port), 600) as connection:
        begun = time.monotonic()
        connection.sendall(head)
        connection.sendall(body)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    seconds = time.monotonic() - begun
    return seconds, json.loads(answer.split(b"\r\n\r\n", 1)[1])["observed"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    built = os.environ.get("MODEL_SERVICE_BINARY", str(ROOT / "build/model-service"))
    parser.add_argument("--binary", default=built)
    parser.add_argument("--lines", type=int, default=500_000, help="of each request (default 500000)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each server (default 5)")
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--client-core", type=int, default=1)
    args = parser.parse_args()
    if os.cpu_count() < 2:
        sys.exit("this needs two cores: one for the server, one for the client")
    os.sched_setaffinity(0, {args.client_core})
    source = random.Random(42)

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_files(folder, source)
        body = make_lines(source, args.lines)
        ports = {"service": free_port(), "fastapi": free_port()}
        servers = {
            "service": start([args.binary, "serve", "--config", folder / "models.yml", "--threads", 1,
                              "--listen", f"127.0.0.1:{ports['service']}"],
                             args.server_core, ports["service"]),
            "fastapi": start(["/usr/bin/python3", "-m", "uvicorn", "fastapi_parse:app", "--port",
                              ports["fastapi"], "--loop", "uvloop", "--http", "httptools",
                              "--no-access-log"], args.server_core, ports["fastapi"]),
        }
        before = resident_mb(servers["service"].pid)
        wall = {name: [] for name in servers}
        processor = {name: [] for name in servers}
        print(f"{args.lines} lines of {len(body) / args.lines:.0f} bytes in each request")
        for round_number in range(args.rounds):
            for server in ("fastapi", "service"):
                pid = servers[server].pid
                used = processor_seconds(pid)
                seconds, observed = send(ports[server], body)
                used = processor_seconds(pid) - used
                assert observed == args.lines, observed
                wall[server].append(args.lines / seconds)
                processor[server].append(args.lines / used)
                print(f"round {round_number + 1}  {server:8} {args.lines / seconds:9.0f} observations/s  "
                      f"{args.lines / used:9.0f} per processor second", flush=True)
        after = resident_mb(servers["service"].pid)
        for process in servers.values():
            process.send_signal(signal.SIGTERM)
            process.wait(10)

    for what, rates in (("observations/s", wall), ("per processor second", processor)):
        medians = {server: statistics.median(values) for server, values in rates.items()}
        print(f"median    service {medians['service']:.0f}, fastapi {medians['fastapi']:.0f} {what}; "
              f"ratio {medians['service'] / medians['fastapi']:.1f}")
    print(f"resident  service {before:.1f} MB before, {after:.1f} MB after")


if __name__ == "__main__":
    main()
