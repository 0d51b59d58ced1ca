#!/usr/bin/env python3
"""Lets every single allocation of the service fail, one at a time: at the start, and in each kind of request.

usage: allocations.py [EVERY]       default 1: each allocation; 37: every 37th

At the start the service may refuse with a sentence and status 1, or go on without what it could not have; it never dies of a signal. In a
request the answer is the usual one, the server's 503, or a closed connection; it never is the client's fault (4xx), a row or label of it is refused for want of
memory only, and the service lives on. The last line is the result; exit status 1 if a promise was broken."""

import contextlib
import http.client
import json
import mmap
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("MODEL_SERVICE_BINARY", str(ROOT / "build" / "model-service"))
AT_START = 5000     # allocations, or fewer if there are fewer
IN_A_REQUEST = 2000
START_SECONDS = 60
CONFIG = """models:
  - name: m
    reference: reference.csv
    features: [{name: x}, {name: town, type: categorical}]
    columns: {timestamp: t, label: truth}
    scorer: {type: logistic, weights: [{feature: x, weight: 1}]}
    window: {observations: 200}
    labels: {capacity: 500, window: 100}
  - name: forest
    reference: reference.csv
    features: [{name: x}]
    scorer: {type: xgboost, file: model.json}
    window: {observations: 200}
    simulation: true
"""
JSON, NDJSON = "application/json", "application/x-ndjson"
ROW = {"features": {"x": 0.25, "town": "Bern"}}
LINES = "".join(json.dumps({**ROW, "id": f"i{i}", "prediction": i % 2, "score": 0.5}) + "\n" for i in range(5))
LABELS = "".join(json.dumps({"id": f"i{i}", "label": i % 2}) + "\n" for i in range(5))
V2 = {"inputs": [{"name": "x", "shape": [2], "datatype": "FP64", "data": [1, 2]},
                 {"name": "town", "shape": [2], "datatype": "BYTES", "data": ["Bern", "Oslo"]}]}
REQUESTS = {
    "one row": ("POST", "/predict", json.dumps(ROW), JSON),
    "rows": ("POST", "/predict", json.dumps({"instances": [ROW] * 20}), JSON),
    "rows of a forest": ("POST", "/models/forest/predict", json.dumps({"instances": [[0.5]] * 20}), JSON),
    "observe JSON": ("POST", "/observe", json.dumps({"instances": [{**ROW, "prediction": 1}] * 3}), JSON),
    "observe lines": ("POST", "/observe", LINES, NDJSON),
    "label": ("POST", "/labels", json.dumps({"id": "i1", "label": 1}), JSON),
    "label lines": ("POST", "/labels", LABELS, NDJSON),
    "simulate": ("POST", "/models/forest/simulate/drift", json.dumps({"n_requests": 5}), JSON),
    "infer": ("POST", "/v2/models/m/infer", json.dumps(V2), JSON),
    "reload": ("POST", "/-/reload", "{}", JSON),
    "reload of a change": ("POST", "/-/reload", "{}", JSON),
    **{path: ("GET", path, None, None) for path in (
        "/", "/health", "/ready", "/metrics", "/drift/status", "/performance", "/models/m/report", "/models/m/history",
        "/models/m/history?feature=x", "/models/m/incidents", "/models/m/features/town", "/v2", "/v2/models/m", "/v2/models/m/ready",
        "/dashboard", "/dashboard.js", "/runbook")},
}


class Broken(Exception):
    """A promise that was not kept."""


def write_model(folder):
    rows = [f"{t},{t % 97 / 97:.4f},{'Bern' if t % 3 else 'Oslo'},{t % 2}" for t in range(300)]
    (folder / "reference.csv").write_text("\n".join(["t,x,town,truth", *rows]) + "\n")
    (folder / "model.yml").write_text(CONFIG)
    tree = {"base_weights": [0, 1, 2], "categories": [], "categories_nodes": [], "categories_segments": [], "categories_sizes": [],
            "default_left": [0, 0, 0], "id": 0, "left_children": [1, -1, -1], "loss_changes": [1, 0, 0],
            "parents": [2147483647, 0, 0], "right_children": [2, -1, -1], "split_conditions": [0.5, -1, 1],
            "split_indices": [0, 0, 0], "split_type": [0, 0, 0], "sum_hessian": [4, 2, 2],
            "tree_param": {"num_deleted": "0", "num_feature": "1", "num_nodes": "3", "size_leaf_vector": "0"}}
    (folder / "model.json").write_text(json.dumps({"version": [1, 7, 4], "learner": {
        "attributes": {}, "feature_names": [], "feature_types": [],
        "gradient_booster": {"name": "gbtree", "model": {"gbtree_model_param": {"num_trees": "1", "num_parallel_tree": "1"},
                                                          "tree_info": [0], "trees": [tree]}},
        "learner_model_param": {"base_score": "5E-1", "num_class": "0", "num_feature": "1", "num_target": "1"},
        "objective": {"name": "binary:logistic", "reg_loss_param": {"scale_pos_weight": "1"}}}}))


def build_library(folder):
    library = folder / "failing_malloc.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, ROOT / "tests/faults/failing_malloc.c"], check=True)
    return library


class Harness:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        write_model(self.folder)
        self.library = build_library(self.folder)
        (self.folder / "countdown").write_bytes(bytes(8))
        with open(self.folder / "countdown", "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 8)
        self.process, self.port = None, 0

    def set(self, n):
        self.memory[:] = struct.pack("q", n)

    def left(self):
        return struct.unpack("q", self.memory[:])[0]

    # ---- life ----

    def start(self, n):
        """True if it listens; else it has refused, with a sentence."""
        self.set(n)
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [BINARY, "serve", "--config", "model.yml", "--state", "state", "--listen", "127.0.0.1:0", "--threads", "1"],
                cwd=self.folder, stderr=log,
                env={**os.environ, "LD_PRELOAD": str(self.library), "FAILING_MALLOC": str(self.folder / "countdown")})
        deadline = time.monotonic() + START_SECONDS
        while True:
            status, said = self.process.poll(), (self.folder / "log").read_text()
            found = re.search(r"listening on http://127.0.0.1:(\d+)", said)
            if found:
                self.port = int(found[1])
                return True
            if status is not None:
                if status != 1 or not said.strip():
                    raise Broken(f"allocation {n} at the start: status {status}, said {said!r}")
                return False
            if time.monotonic() > deadline:
                raise Broken(f"allocation {n} at the start: it neither listens nor ends; said {said!r}")
            time.sleep(0.002)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def ask(self, method, path, body, kind):
        """Status and text; None: the connection was closed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {"Content-Type": kind} if kind else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (http.client.HTTPException, ConnectionError):
            return None, b""
        finally:
            connection.close()

    # ---- promises ----

    def at_start(self, every, tell=lambda text: None):
        refused, n = 0, 1
        while n <= AT_START:
            listens = self.start(n)
            reached = self.left() <= 0
            if listens:
                self.set(0)
                status, text = self.ask("POST", "/predict", json.dumps(ROW), JSON)
                if status != 200:
                    raise Broken(f"allocation {n} at the start: /predict answers {status} {text[:200]}")
            refused += not listens
            self.stop()
            if not reached:
                break
            if n % 100 < every:
                tell(f"start: allocation {n}")
            n += every
        return f"{(n + every - 1) // every} starts, {refused} refused"

    def judge(self, name, n, status, text):
        if status is None or status == 503:
            return
        usual = 200
        if status != usual:
            raise Broken(f"{name}, allocation {n}: {status} {text[:300].decode(errors='replace')}")
        if name in ("observe JSON", "observe lines", "label lines"):
            answer = json.loads(text)
            if any("not enough memory" not in json.dumps(error) for error in answer.get("errors", [])):
                raise Broken(f"{name}, allocation {n}: {text[:300].decode()}")

    def change(self, n):
        """Something that a reload has to read: another threshold, and another window."""
        text = CONFIG.replace("window: {observations: 200}", f"window: {{observations: {150 + n % 50}}}", 1)
        (self.folder / "model.yml").write_text(text)

    def in_request(self, name, every):
        method, path, body, kind = REQUESTS[name]
        n, asked, served = 1, 0, 0
        while n <= IN_A_REQUEST:
            if name == "reload of a change":
                self.change(n)
            self.set(n)
            status, text = self.ask(method, path, body, kind)
            reached = self.left() <= 0
            self.set(0)
            self.judge(name, n, status, text)
            if self.process.poll() is not None:
                raise Broken(f"{name}, allocation {n}: it died, {self.process.returncode}: {(self.folder / 'log').read_text()[-2000:]}")
            asked, served = asked + 1, served + (status == 200)
            if not reached:
                break
            n += every
        return asked, served

    def in_requests(self, every, tell=lambda text: None):
        total = 0
        self.start(0)
        for warm in ("observe lines", "label lines", "/metrics"):
            self.judge(warm, 0, *self.ask(*REQUESTS[warm]))
        for name in REQUESTS:
            asked, served = self.in_request(name, every)
            tell(f"{name}: {asked} asked, {served} served all the same")
            total += asked
        status, text = self.ask("POST", "/predict", json.dumps(ROW), JSON)
        if status != 200:
            raise Broken(f"afterwards /predict answers {status} {text[:200]}")
        self.stop()
        return f"{total} requests of {len(REQUESTS)} kinds"


@contextlib.contextmanager
def harness():
    with tempfile.TemporaryDirectory(prefix="drift-faults-") as folder:
        run = Harness(folder)
        try:
            yield run
        finally:
            run.stop()


def main():
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    tell = lambda text: print(text, flush=True)
    try:
        with harness() as run:
            requests = run.in_requests(every, tell)
            starts = run.at_start(every, tell)
    except Broken as broken:
        print(f"FAILED: {broken}")
        return 1
    print(f"failing allocations: {starts}; {requests}; no death and no wrong status")
    return 0


if __name__ == "__main__":
    sys.exit(main())
