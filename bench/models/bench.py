#!/usr/bin/env python3
"""100 models of 50 features in one service: start, memory, and a scrape, beside the official Python client
rendering as many series.

usage: bench.py [--models N] [--features N] [--rounds N]
"""
import argparse
import http.client
import os
import pathlib
import random
import re
import statistics
import subprocess
import tempfile
import time

from prometheus_client import CollectorRegistry, Gauge, generate_latest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("MODEL_SERVICE_BINARY", str(ROOT / "build" / "model-service"))
ROWS = 1000  # of a reference, and of a window


def rows(rng, features, count):
    return [[round(rng.gauss(0, 1), 6) for _ in range(features)] for _ in range(count)]


def configure(folder, models, features):
    """A configuration whose models each have a reference of their own."""
    names = [f"feature_{f}" for f in range(features)]
    lines = ["models:"]
    for m in range(models):
        rng = random.Random(m)
        table = rows(rng, features, ROWS)
        (folder / f"{m}.csv").write_text("\n".join(",".join(map(str, row)) for row in [names, *table]) + "\n")
        lines += [f"  - name: model_{m}", f"    reference: {m}.csv",
                  "    features: [" + ", ".join("{name: %s}" % n for n in names) + "]",
                  "    scorer: {type: logistic, weights: [{feature: feature_0, weight: 1}]}",
                  "    window: {observations: %d}" % ROWS]
    (folder / "drift.yml").write_text("\n".join(lines) + "\n")


def start(folder):
    """The process, its port, and the seconds until it listened."""
    began = time.perf_counter()
    process = subprocess.Popen([BINARY, "serve", "--config", folder / "drift.yml", "--listen", "127.0.0.1:0"],
                               stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if found := re.search(r"listening on http://127.0.0.1:(\d+)", line):
            return process, int(found[1]), time.perf_counter() - began
    raise SystemExit("the service did not start")


def resident(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def processor_ms(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def ask(connection, method, path, body=None, headers=None):
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    data = answer.read()
    assert answer.status == 200, data[:300]
    return data


def fill(connection, models, features):
    """Full windows: the same rows for all models."""
    table = rows(random.Random(-1), features, ROWS)
    body = '{"instances": [' + ",".join("[" + ",".join(map(str, row)) + "]" for row in table) + "]}"
    for m in range(models):
        ask(connection, "POST", f"/models/model_{m}/predict", body, {"Content-Type": "application/json"})


def one_row_each(connection, models, features):
    body = '{"features": [' + ",".join(["0.25"] * features) + "]}"
    for m in range(models):
        ask(connection, "POST", f"/models/model_{m}/predict", body, {"Content-Type": "application/json"})


def timed(action, processor=lambda: time.process_time() * 1000):
    """Milliseconds of wall clock, and of the processor's time."""
    began, used = time.perf_counter(), processor()
    action()
    return (time.perf_counter() - began) * 1000, processor() - used


def show(title, times):
    wall, processor = zip(*times)
    print(f"{title:<44} fastest {min(wall):7.1f} ms   median {statistics.median(wall):7.1f} ms   "
          f"processor {statistics.mean(processor):7.1f} ms")


def python_client(series, rounds):
    """As many gauges with as many labels as the service has of its largest families."""
    registry = CollectorRegistry()
    families = 20
    for family in range(families):
        gauge = Gauge(f"model_feature_value_{family}", "A value.", ["model", "feature"], registry=registry)
        for i in range(series // families):
            gauge.labels(f"model_{i % 100}", f"feature_{i // 100}").set(i * 0.123456789)
    return [timed(lambda: generate_latest(registry)) for _ in range(rounds)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        configure(folder, options.models, options.features)
        process, port, seconds = start(folder)
        try:
            print(f"{options.models} models x {options.features} features, {ROWS} rows of reference and window each")
            print(f"start, until it listens                      {seconds * 1000:7.0f} ms, processor "
                  f"{processor_ms(process):.0f} ms")
            print(f"resident at start                            {resident(process):7.0f} MB")
            connection = http.client.HTTPConnection("127.0.0.1", port)
            fill(connection, options.models, options.features)
            print(f"resident with full windows                   {resident(process):7.0f} MB")
            used = lambda: processor_ms(process)
            scrape = lambda: ask(connection, "GET", "/metrics")
            gzipped = lambda: ask(connection, "GET", "/metrics", headers={"Accept-Encoding": "gzip"})
            text = scrape()
            series = sum(1 for line in text.splitlines() if line and not line.startswith(b"#"))
            print(f"series of a scrape                           {series:7d}")
            print(f"bytes of a scrape                            {len(text) / 1e6:7.1f} MB, "
                  f"gzip {len(gzipped()) / 1e6:.1f} MB")
            show("/metrics, nothing new", [timed(scrape, used) for _ in range(options.rounds)])
            changed = []
            for _ in range(options.rounds):
                one_row_each(connection, options.models, options.features)
                changed.append(timed(scrape, used))
            show("/metrics, a new row in every model", changed)
            show("/metrics, gzip, nothing new", [timed(gzipped, used) for _ in range(max(3, options.rounds // 4))])
            print(f"resident after the scrapes                   {resident(process):7.0f} MB")
        finally:
            process.terminate()
            process.wait(timeout=30)
    show(f"prometheus_client, {series} gauges", python_client(series, max(3, options.rounds // 4)))


if __name__ == "__main__":
    main()
