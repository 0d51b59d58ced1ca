#!/usr/bin/env python3
"""Damages each kind of file that the service reads, thousands of times: at a reload, and at the start.

usage: files.py [AT_RELOAD [AT_START]]      default: 5000 damaged files of each kind at a reload and 500 at a start; the state 500 at a start

A damaged file is cut, has other bits, bytes, digits or lines, or a piece of it twice. The service reads it or refuses it with a sentence, within
seconds, and goes on with what it had. The last line is the result; exit status 1 if a promise was broken."""

import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests/vectors/forest"
BINARY = os.environ.get("MODEL_SERVICE_BINARY", str(ROOT / "build" / "model-service"))
SECONDS = 20
SEED = 1
LARGE = [b"1e308", b"-1", b"99999999999999999999", b"4294967295", b"2147483648", b"nan", b"0", b"null", b"[[[[", b"\x00", b"\xff"]

WEIGHTS = {"intercept": -1.2, "classes": ["no", "yes"], "features": [
    {"name": "f0", "weight": 0.8, "mean": 0.1, "scale": 1.5, "missing": 0.5}, {"name": "f1", "weight": -2}, {"name": "f2", "weight": 1},
    {"name": "f3", "weight": 0}]}
CONFIG = """models:
  - name: m
    reference: reference.csv
    features: [{{name: f0}}, {{name: f1}}, {{name: f2}}, {{name: f3}}]
    scorer: {{{scorer}}}
    window: {{observations: 200, }}
    thresholds: {{warning: 0.3, critical: 0.5}}
    labels: {{capacity: 500, window: 100, max_age: 7d}}
"""


class Broken(Exception):
    """A promise that was not kept."""


def damage(content, generator):
    """One to three faults."""
    content = bytearray(content)
    for _ in range(generator.choice([1, 1, 2, 3])):
        at = generator.randrange(len(content) + 1)
        kind = generator.randrange(7)
        if kind == 0:
            del content[at:]
        elif kind == 1 and content:
            content[at % len(content)] ^= 1 << generator.randrange(8)
        elif kind == 2 and content:
            content[at % len(content)] = generator.randrange(256)
        elif kind == 3:
            piece = content[at:at + generator.randrange(1, 200)]
            content[at:at] = piece * generator.choice([1, 1, 50])
        elif kind == 4:
            del content[at:at + generator.randrange(1, 60)]
        else:
            numbers = list(re.finditer(rb"-?\d+(\.\d+)?", content))
            if numbers:
                found = generator.choice(numbers)
                content[found.start():found.end()] = generator.choice(LARGE)
    return bytes(content)


def reference():
    generator = random.Random(2)
    rows = [",".join(f"{generator.gauss(0, 1):.3f}" for _ in range(4)) for _ in range(60)]
    return ("f0,f1,f2,f3\n" + "\n".join(rows) + "\n").encode()


def kinds():
    """{kind: (file, its content, the scorer of the configuration)}"""
    logistic = "type: logistic, file: weights.json"
    light = (VECTORS / "l_zero.model.txt").read_bytes().replace(b"feature_names=a b\tc d_e", b"feature_names=f0 f1 f2")
    return {
        "XGBoost JSON": ("model.json", (VECTORS / "x_logistic.model.json").read_bytes(), "type: xgboost, file: model.json"),
        "XGBoost UBJSON": ("model.ubj", (VECTORS / "x_logistic.model.ubj").read_bytes(), "type: xgboost, file: model.ubj"),
        "LightGBM": ("model.txt", light, "type: lightgbm, file: model.txt"),
        "scikit-learn": ("trees.json", scikit_learn(), "type: scikit-learn, file: trees.json"),
        "weights": ("weights.json", json.dumps(WEIGHTS).encode(), logistic),
        "configuration": ("model.yml", None, logistic),
        "reference": ("reference.csv", reference(), logistic),
    }


def scikit_learn():
    model = (ROOT / "tests/fuzz/corpus/forest/forest.trees.json").read_bytes()
    return model.replace(b'["a", "b", "c"]', b'["f0", "f1", "f2"]')


class Harness:
    def __init__(self, folder):
        self.folder, self.process, self.port = pathlib.Path(folder), None, 0

    def write(self, scorer):
        for name, content, _ in kinds().values():
            if content is not None:
                (self.folder / name).write_bytes(content)
        (self.folder / "model.yml").write_text(CONFIG.format(scorer=scorer))

    def start(self, *options):
        """Whether it listens; else it has refused with a sentence."""
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen([BINARY, "serve", "--config", "model.yml", "--listen", "127.0.0.1:0", *options],
                                            cwd=self.folder, stderr=log)
        deadline = time.monotonic() + SECONDS
        while True:
            status, said = self.process.poll(), (self.folder / "log").read_text(errors="replace")
            found = re.search(r"listening on http://127.0.0.1:(\d+)", said)
            if found:
                self.port = int(found[1])
                return True
            if status is not None:
                if status != 1 or not said.strip():
                    raise Broken(f"status {status}, said {said!r}")
                return False
            if time.monotonic() > deadline:
                raise Broken("the start hangs")
            time.sleep(0.002)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def reload(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request("POST", "/-/reload", "{}", {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Broken(f"no answer to the reload: {error!r}; {self.process.poll()}; "
                         f"{(self.folder / 'log').read_text(errors='replace')[-1500:]}") from None
        finally:
            connection.close()
        if answer.status not in (200, 422):
            raise Broken(f"the reload answers {answer.status} {text[:300]}")
        if answer.status == 422 and not json.loads(text)["detail"]:
            raise Broken("the reload is refused without a sentence")
        return answer.status == 200

    # ---- promises ----

    def keep(self, kind, number, content):
        """What broke it, for whoever mends it."""
        path = pathlib.Path(tempfile.gettempdir()) / f"drift-damaged-{kind.replace(' ', '-')}-{number}"
        path.write_bytes(content)
        return path

    def each(self, kind, count, act):
        name, content, scorer = kinds()[kind]
        self.write(scorer)
        content = content if content is not None else (self.folder / name).read_bytes()
        generator, taken = random.Random(f"{SEED}{kind}"), 0
        for number in range(count):
            damaged = damage(content, generator)
            (self.folder / name).write_bytes(damaged)
            try:
                taken += act()
            except Broken as broken:
                raise Broken(f"{kind}, file {number} ({self.keep(kind, number, damaged)}): {broken}") from None
        return taken

    def at_reload(self, kind, count):
        self.write(kinds()[kind][2])
        if not self.start():
            raise Broken(f"{kind}: the sound file is refused: {(self.folder / 'log').read_text()}")
        taken = self.each(kind, count, self.reload)
        self.stop()
        return f"{kind}: {count} at a reload, {taken} read all the same"

    def try_start(self, *options):
        listens = self.start(*options)
        self.stop()
        return listens

    def at_start(self, kind, count):
        taken = self.each(kind, count, self.try_start)
        return f"{kind}: {count} at a start, {taken} read all the same"

    def state(self, count):
        """The start is never refused."""
        self.write(kinds()["weights"][2])
        state = self.folder / "state"
        self.start("--state", "state")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        rows = json.dumps({"instances": [[i / 100, 0, 1, 2] for i in range(300)]})
        connection.request("POST", "/predict", rows, {"Content-Type": "application/json"})
        connection.getresponse().read()
        connection.close()
        self.process.terminate()
        self.process.wait()
        content, generator = (state / "state.db").read_bytes(), random.Random(SEED)
        for number in range(count):
            shutil.rmtree(state)
            state.mkdir()
            damaged = damage(content, generator)
            (state / "state.db").write_bytes(damaged)
            if not self.try_start("--state", "state"):
                raise Broken(f"state {number} ({self.keep('state', number, damaged)}): refused: {(self.folder / 'log').read_text()}")
        return f"state: {count} at a start"


@contextlib.contextmanager
def harness():
    with tempfile.TemporaryDirectory(prefix="drift-files-") as folder:
        run = Harness(folder)
        try:
            yield run
        finally:
            run.stop()


def main():
    at_reload = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    at_start = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    try:
        with harness() as run:
            for kind in kinds():
                print(run.at_reload(kind, at_reload), flush=True)
                print(run.at_start(kind, at_start), flush=True)
            print(run.state(at_start), flush=True)
    except Broken as broken:
        print(f"FAILED: {broken}")
        return 1
    print(f"damaged files: {len(kinds())} kinds, {at_reload} each at a reload and {at_start} at a start, {at_start} states: "
          "no death, no hang")
    return 0


if __name__ == "__main__":
    sys.exit(main())
