#!/usr/bin/python3
"""/predict with full monitoring beside nginx returning a constant of the same size.

Both servers are pinned to one core and loaded from another by wrk with keep-alive POSTs of the
five-number body, in alternating rounds of one run. Prints requests per second, p50 and p99 of
every round, the ratio of the medians, resident memory, and the time from start to the first
answered request. Needs wrk and nginx (scripts/setup.sh bench) and a built service.
"""
import argparse
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BODY = '{"features": [0.5, -0.3, 0.8, 0.2, -0.1]}'

NGINX = """
daemon off; master_process off; error_log {dir}/error.log; pid {dir}/pid;
events {{ worker_connections 1024; use epoll; multi_accept on; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600; tcp_nodelay on;
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  server {{
    listen 127.0.0.1:{port};
    location / {{ default_type application/json; return 200 '{body}'; }}
  }}
}}
"""

WRK = f"""
wrk.method = "POST"
wrk.body = '{BODY}'
wrk.headers["Content-Type"] = "application/json"
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def post(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    connection.request("POST", "/predict", BODY, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def wait_first_answer(port, started, limit=10):
    """Seconds from `started` to the first answered request."""
    while time.monotonic() - started < limit:
        try:
            post(port)
            return time.monotonic() - started
        except OSError:
            time.sleep(0.0005)
    sys.exit("the server did not answer within 10 s")


def start(command, core):
    return subprocess.Popen(
        ["taskset", "-c", str(core), *command], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )


def resident_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024


def load(port, script, core, seconds, connections):
    out = subprocess.run(
        ["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
         "-s", script, f"http://127.0.0.1:{port}/predict"],
        check=True, capture_output=True, text=True).stdout
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    if errors or "Socket errors" in out:
        sys.exit("errors under load:\n" + out)
    percentile = {p: v for p, v in re.findall(r"^\s+(50|99)%\s+(\S+)", out, re.M)}
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), percentile["50"], percentile["99"]


def startup_times(binary, core, rounds):
    times = []
    for _ in range(rounds):
        port = free_port()
        started = time.monotonic()
        process = start([binary, "serve", "--listen", f"127.0.0.1:{port}", "--threads", "1"], core)
        times.append(wait_first_answer(port, started) * 1000)
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    built = os.environ.get("MODEL_SERVICE_BINARY", str(ROOT / "build/model-service"))
    parser.add_argument("--binary", default=built)
    parser.add_argument("--seconds", type=int, default=5, help="of each round (default 5)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each server (default 5)")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--client-core", type=int, default=1)
    args = parser.parse_args()
    for tool in ("wrk", "nginx"):
        if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin"):
            sys.exit(f"{tool} is not installed: run scripts/setup.sh bench")
    if os.cpu_count() < 2:
        sys.exit("this needs two cores: one for the server, one for the load")

    with tempfile.TemporaryDirectory() as folder:
        script = f"{folder}/post.lua"
        pathlib.Path(script).write_text(WRK)
        ports = {"service": free_port()}
        service = start([args.binary, "serve", "--listen", f"127.0.0.1:{ports['service']}",
                         "--threads", "1"], args.server_core)
        wait_first_answer(ports["service"], time.monotonic())
        rss_start = resident_mb(service.pid)
        for _ in range(300):  # fill the window: answers then have their full size
            status, answer = post(ports["service"])
        assert status == 200 and len(json.loads(answer)["drift_scores"]) == 5, answer

        ports["nginx"] = free_port()
        config = f"{folder}/nginx.conf"
        pathlib.Path(config).write_text(NGINX.format(dir=folder, port=ports["nginx"], body=answer))
        nginx = start(["/usr/sbin/nginx", "-c", config, "-p", folder], args.server_core)
        wait_first_answer(ports["nginx"], time.monotonic())
        assert len(post(ports["nginx"])[1]) == len(answer)

        rates = {name: [] for name in ports}
        print(f"body {len(BODY)} bytes, answer {len(answer)} bytes, {args.connections} connections")
        for round_number in range(args.rounds):
            for name in ("nginx", "service"):
                rate, p50, p99 = load(ports[name], script, args.client_core, args.seconds,
                                      args.connections)
                rates[name].append(rate)
                print(f"round {round_number + 1}  {name:8} {rate:9.0f} requests/s  "
                      f"p50 {p50:>8}  p99 {p99:>8}", flush=True)
        rss_end = resident_mb(service.pid)
        for process in (service, nginx):
            process.send_signal(signal.SIGTERM)
            process.wait(10)

    medians = {name: statistics.median(values) for name, values in rates.items()}
    ratios = [s / n for s, n in zip(rates["service"], rates["nginx"])]
    startup = startup_times(args.binary, args.server_core, 10)
    print(f"median    service {medians['service']:.0f}, nginx {medians['nginx']:.0f} requests/s; "
          f"ratio {medians['service'] / medians['nginx']:.2f} "
          f"(rounds {min(ratios):.2f} to {max(ratios):.2f})")
    print(f"resident  {rss_start:.1f} MB at start, {rss_end:.1f} MB after the load")
    print(f"start to first answer  median {statistics.median(startup):.1f} ms, "
          f"worst of 10 {max(startup):.1f} ms")


if __name__ == "__main__":
    main()
