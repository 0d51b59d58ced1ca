#!/usr/bin/python3
"""How cost grows with features, rows of the reference, connections, models and trees.

Each curve is fitted by a line in logarithms: its slope is the power of growth, to be compared with what theory says. "end"
is the slope of the upper half, where what is constant no longer hides the growth. A curve whose end is steeper than its
theory by more than 0.25 is marked (caches that overflow explain about that much), and the run then ends with status 1.

usage: bench.py [--only NAME...] [--bench-scorers PATH] [--pictures FOLDER]
"""
import argparse
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import service

TOLERANCE = 0.25
MOST_CONNECTIONS = 990  # the service takes 1000, one of which asks beside the others
MOST_MODELS = 100  # of a configuration
BEGAN = time.monotonic()


def say(text):
    print(f"[{time.monotonic() - BEGAN:4.0f} s] {text}", flush=True)


class Curve:
    """theory: the power that the cost should grow with, and why."""

    def __init__(self, title, unit, theory, why):
        self.title, self.unit, self.theory, self.why = title, unit, theory, why
        self.points = []

    def add(self, x, y):
        self.points.append((x, y))
        say(f"  {self.title}: {x:>8} {y:12.4g} {self.unit}")

    def slope(self, points):
        if len(points) < 2:
            return math.nan
        xs, ys = zip(*((math.log(x), math.log(y)) for x, y in points))
        mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
        return (sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys)) /
                sum((x - mean_x) ** 2 for x in xs))

    def whole(self):
        return self.slope(self.points)

    def end(self):
        return self.slope(self.points[len(self.points) // 2 - (len(self.points) < 4):])

    def is_worse(self):
        return self.end() > self.theory + TOLERANCE


def features(folder, _):
    row = Curve("a row of /predict", "us of the processor", 1, "a window for each feature")
    scrape = Curve("a scrape after a new row", "ms of the processor", 1, "as many series")
    memory = Curve("resident, full window", "MB", 1, "a reference and a window for each")
    for count in 5, 10, 30, 100, 300, 1000:
        service.configure(folder, 1, count, 1000, window=1000)
        with service.Service(folder) as running:
            # as many different rows as the window holds: fewer would be drift, which costs more
            rows = service.row_texts(count, 1000)
            fill = lambda: [running.predict("m0", rows[i:i + 100]) for i in range(0, 1000, 100)]
            row.add(count, running.cost(fill) / len(rows) * 1e6)
            only = running.cost(lambda: running.predict("m0", rows[:1]))
            both = running.cost(lambda: (running.predict("m0", rows[:1]), running.ask("GET", "/metrics")))
            scrape.add(count, max(both - only, 1e-6) * 1e3)
            memory.add(count, running.resident_mb())
    return [row, scrape, memory]


def reference(folder, _):
    row = Curve("a row of five features", "us of the processor", 0, "O(log R): a search and a path of a tree")
    start = Curve("start", "ms of the processor", 1, "read once, sorted by digits")
    memory = Curve("resident", "MB", 1, "a reference is its distinct values")
    for count in 1000, 10_000, 100_000, 1_000_000:
        service.configure(folder, 1, 5, count, window=1000)
        with service.Service(folder) as running:
            start.add(count, max(running.start_processor, 0.005) * 1e3)
            rows = service.row_texts(5, 1000)
            row.add(count, running.cost(lambda: running.predict("m0", rows)) / len(rows) * 1e6)
            memory.add(count, running.resident_mb())
    return [row, start, memory]


def connections(folder, _):
    request = Curve("a request of one row", "us of the processor", 0, "epoll gives only those that are ready")
    memory = Curve("resident", "MB", 1, "buffers of a connection")
    service.configure(folder, 1, 5, 1000)
    for count in 1, 3, 10, 30, 100, 300, MOST_CONNECTIONS:
        with service.Service(folder) as running:
            clients = service.Clients(running.port, count, 5)
            rounds = max(1, 300 // count)
            request.add(count, running.cost(lambda: [clients.round() for _ in range(rounds)]) / rounds / count * 1e6)
            memory.add(count, running.resident_mb())
            clients.close()
    return [request, memory]


def models(folder, _):
    scrape = Curve("a scrape, nothing new", "ms of the processor", 1, "as many series")
    row = Curve("a row of one of them", "us of the processor", 0, "the others are not touched")
    start = Curve("start", "ms of the processor", 1, "a reference each")
    memory = Curve("resident", "MB", 1, "windows of each")
    for count in 1, 3, 10, 30, MOST_MODELS:
        service.configure(folder, count, 5, 200)
        with service.Service(folder) as running:
            start.add(count, max(running.start_processor, 0.005) * 1e3)
            rows = service.row_texts(5, 200)
            scrape.add(count, running.cost(lambda: running.ask("GET", "/metrics")) * 1e3)
            row.add(count, running.cost(lambda: [running.predict(f"m{count - 1}", rows) for _ in range(5)]) / 5 /
                    len(rows) * 1e6)
            memory.add(count, running.resident_mb())
    return [scrape, row, start, memory]


def trees(folder, bench_scorers):
    import numpy
    import xgboost
    random = numpy.random.default_rng(1)
    data = random.normal(size=(1500, 20)).astype(numpy.float32)
    label = data[:, 0] * data[:, 1] + data[:, 2] + random.normal(size=1500) > 0
    say("  training 5000 trees")
    parameters = {"objective": "binary:logistic", "max_depth": 6, "tree_method": "hist", "eta": 0.05,
                  "min_child_weight": 0, "lambda": 0, "nthread": 1}
    matrix = xgboost.DMatrix(data, label)
    booster = xgboost.train(parameters, matrix, 5000)
    alone = Curve("a row alone", "ns", 1, "a walk for each tree")
    together = Curve("a row of 256", "ns", 1, "the nodes of each tree")
    load = Curve("reading the model", "ms", 1, "a pass over the file")
    for count in 1, 5, 20, 100, 500, 2000, 5000:
        path = folder / f"{count}.json"
        booster[:count].save_model(path)
        birdstrikes = service.ROOT / "examples" / "birdstrikes" / "model.json"
        lines = subprocess.run([bench_scorers, birdstrikes, path], check=True, text=True, capture_output=True).stdout
        fields = lines.splitlines()[-1].split()
        alone.add(count, float(fields[1]))
        together.add(count, float(fields[2]))
        load.add(count, max(float(fields[-2]), 0.01))
    return [alone, together, load]


GROWTHS = {"features": features, "reference": reference, "connections": connections, "models": models, "trees": trees}


def draw(name, curves, folder):
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "growth"
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for curve in curves:
        xs, ys = zip(*curve.points)
        line, = axes.loglog(xs, ys, marker="o",
                            label=f"{curve.title}, {curve.unit}: slope {curve.end():.2f} (theory {curve.theory})")
        middle = len(xs) // 2  # the theory, through a point of the middle
        axes.loglog(xs, [ys[middle] * (x / xs[middle]) ** curve.theory for x in xs], linestyle=":", linewidth=1,
                    color=line.get_color())
    axes.set_xlabel({"reference": "rows of the reference"}.get(name, name))
    axes.grid(True, which="major", alpha=0.3)
    axes.legend(fontsize=8)
    axes.set_title("Cost by " + {"reference": "rows of the reference"}.get(name, name) + " (dotted: what theory says)",
                   fontsize=10)
    figure.tight_layout()
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    pyplot.close(figure)


def report(grown):
    print("\n| by | cost | from | to | slope | end | theory | |\n|---|---|---|---|---|---|---|---|")
    worse = 0
    for name, curves in grown.items():
        for curve in curves:
            worse += curve.is_worse()
            (_, first), (_, last) = curve.points[0], curve.points[-1]
            print(f"| {name} {curve.points[0][0]} to {curve.points[-1][0]} | {curve.title}, {curve.unit} | {first:.3g} | "
                  f"{last:.3g} | {curve.whole():.2f} | {curve.end():.2f} | {curve.theory}: {curve.why} | "
                  f"{'**steeper**' if curve.is_worse() else ''} |")
    return worse


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=GROWTHS, default=list(GROWTHS))
    parser.add_argument("--bench-scorers", default=str(service.ROOT / "build" / "bench-scorers"))
    parser.add_argument("--pictures", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    options = parser.parse_args()
    say(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    grown = {}
    for name in options.only:
        say(name)
        with tempfile.TemporaryDirectory() as folder:
            grown[name] = GROWTHS[name](pathlib.Path(folder), options.bench_scorers)
        draw(name, grown[name], options.pictures)
    sys.exit(1 if report(grown) else 0)


if __name__ == "__main__":
    main()
