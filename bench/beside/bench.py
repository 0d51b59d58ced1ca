#!/usr/bin/python3
"""Two builds of the service in the same rounds of one run: /predict, /observe and check.

An older build and this one take turns, and the one that begins changes in every round, so that
a noisy machine slows both. Prints every round, the ratio of the medians and the worst round.

usage: bench/beside/bench.py OLD [NEW]      e.g. /tmp/before/build/model-service
"""
import argparse
import importlib.util
import os
import pathlib
import random
import signal
import statistics
import sys
import tempfile
import time

BENCH = pathlib.Path(__file__).resolve().parents[1]
ROOT = BENCH.parent


def sibling(name):
    """The module of another benchmark: bench/NAME/bench.py."""
    spec = importlib.util.spec_from_file_location(f"bench_{name}", BENCH / name / "bench.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


http, observe, check = sibling("http"), sibling("observe"), sibling("check")


def rounds(names, count, measure):
    """Calls measure(name) for every name in `count` rounds; returns the figures by name."""
    figures = {name: [] for name in names}
    for number in range(count):
        for name in names if number % 2 == 0 else reversed(names):
            figures[name].append(measure(name))
    return figures


def report(what, unit, figures, more_is_better=True):
    ratios = [new / old if more_is_better else old / new
              for old, new in zip(figures["old"], figures["new"])]
    for name, values in figures.items():
        print(f"  {name}  " + "  ".join(f"{value:10.4g}" for value in values) + f"  {unit}")
    print(f"  {what}: new is {statistics.median(ratios):.3f} times as fast as old "
          f"(rounds {min(ratios):.3f} to {max(ratios):.3f})", flush=True)


def stop(processes):
    for process in processes.values():
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def bench_predict(binaries, args, folder):
    script = folder / "post.lua"
    script.write_text(http.WRK)
    ports = {name: http.free_port() for name in binaries}
    services = {name: http.start([binary, "serve", "--listen", f"127.0.0.1:{ports[name]}",
                                  "--threads", "1"], args.server_core)
                for name, binary in binaries.items()}
    for port in ports.values():
        http.wait_first_answer(port, time.monotonic())
        for _ in range(300):
            http.post(port)
    figures = rounds(list(binaries), args.rounds, lambda name: http.load(
        ports[name], str(script), args.client_core, args.seconds, args.connections)[0])
    stop(services)
    report("/predict", "requests/s", figures)


def bench_observe(binaries, args, folder):
    source = random.Random(42)
    observe.write_files(folder, source)
    body = observe.make_lines(source, args.lines)
    ports = {name: observe.free_port() for name in binaries}
    services = {name: observe.start([binary, "serve", "--config", folder / "models.yml", "--threads",
                                     1, "--listen", f"127.0.0.1:{ports[name]}"],
                                    args.server_core, ports[name])
                for name, binary in binaries.items()}
    here = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {args.client_core})
    figures = rounds(list(binaries), args.rounds,
                     lambda name: args.lines / observe.send(ports[name], body)[0])
    os.sched_setaffinity(0, here)
    stop(services)
    report("/observe", "observations/s", figures)


def bench_check(binaries, args, folder):
    reference, current = folder / "reference.csv", folder / "current.csv"
    check.make_files(reference, 100_000, current, args.rows)
    figures = rounds(list(binaries), args.rounds, lambda name: check.run(
        [binaries[name], "check", "--reference", str(reference), "--current", str(current),
         "--format", "json"], folder)[0])
    report("check", "seconds", figures, more_is_better=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old", help="the build before")
    parser.add_argument("new", nargs="?", default=str(ROOT / "build/model-service"))
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=int, default=4, help="of a round of /predict")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--lines", type=int, default=300_000, help="of a request to /observe")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the file that is checked")
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--client-core", type=int, default=1)
    args = parser.parse_args()
    if os.cpu_count() < 2:
        sys.exit("this needs two cores: one for the servers, one for the load")
    binaries = {"old": os.path.abspath(args.old), "new": os.path.abspath(args.new)}
    print(f"load {os.getloadavg()[0]:.1f} at the start")
    with tempfile.TemporaryDirectory() as folder:
        for bench in (bench_predict, bench_observe, bench_check):
            bench(binaries, args, pathlib.Path(folder))


if __name__ == "__main__":
    main()
