#!/usr/bin/env python3
"""Kills the service again and again while it works, and compares what it knows afterwards with what it had acknowledged.

usage: crash.py [KILLS [SEED]]        default: 1000 kills; the seed is printed and repeats the order of what is done

Each turn starts the service on the state of the turn before, reads what it knows, sends rows, predictions, labels, reloads,
scrapes and copies of the state, and ends it at a random instant: mostly by SIGKILL, now and then by SIGTERM. In some turns the disk is full (a
small tmpfs; without root, a limit on the size of files), fsync() fails, or the files are damaged after the kill as a power cut may: cut short,
or with bits of the last page flipped. For each turn:

- the service starts, whatever the files are like;
- its rows are the first R of those that were sent, by their number, and the window holds the last of them: mean, missing values
  and categories are compared with the rows themselves, so that nothing can be invented;
- what is missing was acknowledged in the last second before the kill (SIGTERM: nothing is missing); while the disk failed, since then;
- no counter is below what /metrics had shown;
- no id of a prediction comes twice, and labels are joined at most as often as they were sent.

The last line is the result; exit status 1 if a promise was broken."""

import contextlib
import http.client
import json
import math
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("MODEL_SERVICE_BINARY", str(ROOT / "build" / "model-service"))
# Between two transactions, and a transaction; to which comes what the machine was held up (Watchdog).
SECOND, TRANSACTION = 1.0, 0.3
WINDOW = 300
START_SECONDS = 30
DISK_BYTES = 4 << 20
TOWNS = ["Bern", "Oslo", "Rome"]
CONFIG = f"""models:
  - name: watched
    reference: reference.csv
    features: [{{name: x}}, {{name: town, type: categorical}}]
    columns: {{timestamp: t}}
    scorer: {{type: none}}
    window: {{observations: {WINDOW}}}
  - name: scored
    reference: reference.csv
    features: [{{name: x}}]
    scorer: {{type: logistic, weights: [{{feature: x, weight: 1}}]}}
    window: {{observations: {WINDOW}}}
    labels: {{capacity: 3000, window: 200}}
"""
# How a turn ends, and how often.
FAULTS = {"none": 70, "stopped": 8, "full": 7, "sync": 5, "cut": 5, "flipped": 5}


class Broken(Exception):
    """A promise that was not kept."""


def build_failing_disk(folder):
    """None for a program with a sanitizer, which has to be loaded first."""
    library = folder / "failing_disk.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, ROOT / "tests/http/failing_disk.c", "-ldl"], check=True)
    tried = subprocess.run([BINARY, "--version"], env={**os.environ, "LD_PRELOAD": str(library)}, capture_output=True, check=False)
    return library if tried.returncode == 0 else None


class Service:
    def __init__(self, folder, state, library):
        self.log = open(folder / "service.log", "ab")
        self.began = self.log.tell()
        self.process = subprocess.Popen(
            [BINARY, "serve", "--config", "model.yml", "--listen", "127.0.0.1:0", "--state", str(state)], cwd=folder,
            stderr=self.log, env={**os.environ, **({"LD_PRELOAD": str(library)} if library else {}),
                                  "FAILING_DISK": str(folder / "switch")})
        self.path, self.port = folder / "service.log", None
        deadline = time.monotonic() + START_SECONDS
        while not self.port:
            found = re.search(rb"listening on http://127.0.0.1:(\d+)", self.said())
            if found:
                self.port = int(found[1])
            elif self.process.poll() is not None or time.monotonic() > deadline:
                raise Broken(f"the start was refused (status {self.process.poll()}): {self.said().decode()}")
            else:
                time.sleep(0.01)

    def said(self):
        with open(self.path, "rb") as log:
            log.seek(self.began)
            return log.read()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def end(self, sig):
        at = time.monotonic()
        self.process.send_signal(sig)
        status = self.process.wait(30)
        self.log.close()
        if status not in (0, -signal.SIGKILL):
            raise Broken(f"it ended with status {status}: {self.said().decode()[-2000:]}")
        return at


class Sender(threading.Thread):
    """One connection, one request after the other, so that the order of rows is known; ends when the service does."""

    def __init__(self, service, seed):
        super().__init__(daemon=True)
        self.connection, self.random, self.fault = service.connect(), random.Random(seed), None

    def ask(self, method, path, body=None, kind="application/json"):
        self.connection.request(method, path, body, {"Content-Type": kind} if body is not None else {})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise Broken(f"{method} {path}: {answer.status} {text[:300]}")
        return text

    def run(self):
        try:
            while True:
                self.step()
        except (OSError, http.client.HTTPException):
            pass  # the service is gone
        except Broken as broken:
            self.fault = broken
        finally:
            self.connection.close()


class Observer(Sender):
    """Rows to /observe; `rows` are all that were sent, acks how many of them had been acknowledged when."""

    def __init__(self, service, seed, rows):
        super().__init__(service, seed)
        self.rows, self.acks = rows, []

    def row(self):
        x = None if self.random.random() < 0.1 else round(self.random.gauss(0.5, 1), 6)
        return x, self.random.choice(TOWNS + [None])

    def step(self):
        new = [self.row() for _ in range(self.random.choice([1, 1, 2, 10, 150]))]
        self.rows += new
        body = "\n".join(json.dumps({"features": {"x": x, "town": town}}) for x, town in new)
        self.ask("POST", "/models/watched/observe", body, "application/x-ndjson")
        self.acks.append((time.monotonic(), len(self.rows)))


class Predictor(Sender):
    """Predictions and labels for some of them."""

    def __init__(self, service, seed, known, ids, labels):
        super().__init__(service, seed)
        self.sent, self.ids, self.labels = known, ids, labels
        self.acks, self.label_acks = [], []

    def step(self):
        rows = self.random.choice([1, 1, 5, 40])
        self.sent += rows
        body = json.dumps({"instances": [[round(self.random.gauss(0, 1), 4)] for _ in range(rows)]})
        new = [one["prediction_id"] for one in json.loads(self.ask("POST", "/models/scored/predict", body))["predictions"]]
        self.acks.append((time.monotonic(), self.sent))
        if self.ids.intersection(new):
            raise Broken(f"an id came twice: {self.ids.intersection(new)}")
        self.ids.update(new)
        if self.random.random() < 0.5:
            some = self.random.sample(new, (len(new) + 1) // 2)
            self.labels["sent"] += len(some)
            body = "\n".join(json.dumps({"id": one, "label": self.random.randrange(2)}) for one in some)
            answer = json.loads(self.ask("POST", "/models/scored/labels", body, "application/x-ndjson"))
            self.labels["joined"] += answer["joined"]
            self.label_acks.append((time.monotonic(), self.labels["joined"]))


class Operator(Sender):
    """Reloads, scrapes, and copies of the state; the counters of each scrape are the least that is known later."""

    def __init__(self, service, seed, folder, state):
        super().__init__(service, seed)
        self.folder, self.state, self.shown = folder, state, {}
        # A scrape waits until what it shows is on the disk, which leaves little to lose: every other turn has none.
        self.work = ["reload", "copy"] + ["scrape"] * self.random.choice([0, 2])

    def step(self):
        time.sleep(self.random.random() * 0.1)
        what = self.random.choice(self.work)
        if what == "scrape":
            self.shown = counters(self.ask("GET", "/metrics").decode())
        elif what == "reload":
            self.ask("POST", "/-/reload", "{}")
        else:
            copy = self.folder / "copy.db"
            copy.unlink(missing_ok=True)
            subprocess.run([BINARY, "state", "export", copy, "--state", self.state], capture_output=True, timeout=30, check=False)


def counters(text):
    found = re.findall(r'^(model_\w+_(?:total|count)\{model="(?:watched|scored)"[^}]*\}) ([0-9.e+]+)$', text, re.M)
    return {series: float(number) for series, number in found}


def number(text, series):
    found = re.search(re.escape(series) + r" (\S+)", text)
    return float(found[1]) if found else math.nan


class Watchdog(threading.Thread):
    """How long a small transaction of our own takes at the same time: on a busy machine the service waits as long."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.ended, self.longest, self.last = path, threading.Event(), 0.0, time.monotonic()

    def run(self):
        with open(self.path, "wb") as file:
            while not self.ended.wait(0.05):
                file.seek(0)
                file.write(bytes(1 << 16))
                file.flush()
                os.fsync(file.fileno())
                self.note()

    def note(self):
        now = time.monotonic()
        self.longest, self.last = max(self.longest, now - self.last), now

    def end(self):
        self.note()
        self.ended.set()
        return self.longest


class Harness:
    def __init__(self, folder, seed):
        self.folder, self.random = pathlib.Path(folder), random.Random(seed)
        self.disk = self.folder / "disk"  # what fills up
        self.disk.mkdir()
        self.mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", self.disk], capture_output=True,
                                      check=False).returncode == 0
        self.library = build_failing_disk(self.folder)
        self.choice = {name: often for name, often in FAULTS.items() if name != "sync" or self.library}
        self.write_model()
        self.losses, self.stopped, self.faults = [], 0, dict.fromkeys(FAULTS, 0)
        self.anew, self.held_up, self.service = 0, 0.0, None
        self.forget()

    def close(self):
        if self.service and self.service.process.poll() is None:
            self.service.end(signal.SIGKILL)
        if self.mounted:
            subprocess.run(["umount", self.disk], check=False)

    def write_model(self):
        generator = random.Random(1)
        rows = [f"{t},{generator.gauss(0, 1):.4f},{generator.choice(TOWNS)}" for t in range(500)]
        (self.folder / "reference.csv").write_text("\n".join(["t,x,town", *rows]) + "\n")
        (self.folder / "model.yml").write_text(CONFIG)

    def forget(self):
        """Another life of the state."""
        self.state = self.folder / "state"
        shutil.rmtree(self.state, ignore_errors=True)
        for path in self.disk.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.rows, self.ids = [], set()
        self.labels, self.shown = {"sent": 0, "joined": 0}, {}
        self.least = {"rows": 0, "predictions": 0, "joined": 0}
        self.most_predictions = 0
        self.lenient = False

    # ---- what it knows after a start ----

    def check(self, service):
        ask = Sender(service, 0)
        metrics = ask.ask("GET", "/metrics").decode()
        status = json.loads(ask.ask("GET", "/models/watched/drift/status"))
        ask.connection.close()
        known = {"rows": int(number(metrics, 'model_observations_total{model="watched"}')),
                 "predictions": int(number(metrics, 'model_observations_total{model="scored"}')),
                 "joined": int(number(metrics, 'model_labels_total{model="scored",result="joined"}'))}
        self.check_bounds(known, metrics)
        window = status["window_observations"]
        if window == 0 and self.lenient:
            self.anew += 1
        else:
            self.check_window(known["rows"], window, metrics)
        del self.rows[known["rows"]:]
        self.labels["joined"] = known["joined"]
        self.most_predictions = known["predictions"]

    def check_bounds(self, known, metrics):
        most = {"rows": len(self.rows), "predictions": self.most_predictions, "joined": self.labels["sent"]}
        for what, count in known.items():
            if count > most[what]:
                raise Broken(f"{count} {what} are known, and {most[what]} were sent")
            if count < self.least[what] and not self.lenient:
                raise Broken(f"{count} {what} are known, and {self.least[what]} were acknowledged in time")
        now = counters(metrics)
        fallen = {series: (shown, now.get(series)) for series, shown in self.shown.items() if now.get(series, 0) < shown}
        if fallen and not self.lenient:
            raise Broken(f"counters below what was shown: {fallen}")

    def check_window(self, rows, window, metrics):
        """The last of the first `rows` rows, by mean, missing values and shares of categories."""
        if window != min(rows, WINDOW):
            raise Broken(f"{window} rows in the window, {rows} in all")
        last = self.rows[rows - window:rows]
        numbers = [x for x, _ in last if x is not None]
        if numbers and not math.isclose(number(metrics, 'model_feature_mean{model="watched",feature="x"}'),
                                        math.fsum(numbers) / len(numbers), rel_tol=1e-9, abs_tol=1e-12):
            raise Broken(f"the mean of the window is not that of the last {window} of {rows} rows")
        missing = sum(1 for x, _ in self.rows[:rows] if x is None)
        if number(metrics, 'model_feature_missing_total{model="watched",feature="x"}') != missing:
            raise Broken(f"missing values: {missing} in the first {rows} rows")
        towns = [town for _, town in last]
        for town in TOWNS if towns else ():
            share = number(metrics, f'model_category_ratio{{model="watched",feature="town",category="{town}"}}')
            if not math.isclose(share, towns.count(town) / len(towns), abs_tol=1e-9):
                raise Broken(f"the share of {town} is {share}, and of the rows {towns.count(town) / len(towns)}")

    # ---- a turn ----

    def fail(self, service, fault):
        """Breaks the disk somewhere within the turn; returns since when."""
        time.sleep(self.random.random())
        if fault == "sync":
            (self.folder / "switch").write_text("sync")
        elif self.mounted:
            with contextlib.suppress(OSError), open(self.disk / "filler", "wb") as filler:
                while True:
                    filler.write(bytes(4096))
                    filler.flush()
        else:
            size = max(path.stat().st_size for path in self.state.iterdir())
            resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (size, size))
        return time.monotonic()

    def start(self):
        """On the state as it is, and compares."""
        self.service = Service(self.folder, self.state, self.library)
        self.check(self.service)

    def turn(self, fault):
        """Goes on with the service of the turn before, but on a disk of its own for a disk that fills up."""
        if self.service and fault == "full" and self.mounted:
            self.service.end(signal.SIGKILL)
            self.service = None
            self.forget()
            self.state = self.disk / "state"
        if not self.service:
            self.start()
        service = self.service
        senders = [Observer(service, self.random.random(), self.rows),
                   Predictor(service, self.random.random(), self.most_predictions, self.ids, self.labels),
                   Operator(service, self.random.random(), self.folder, self.state)]
        watchdog = Watchdog(self.folder / "watched")
        for thread in (*senders, watchdog):
            thread.start()
        failed = self.fail(service, fault) if fault in ("full", "sync") else math.inf
        time.sleep(self.random.random() ** 2 * 2.5)
        ended = service.end(signal.SIGTERM if fault == "stopped" else signal.SIGKILL)
        held_up = watchdog.end()
        self.held_up = max(self.held_up, held_up)
        for sender in senders:
            sender.join(30)
            if sender.fault:
                raise sender.fault
        (self.folder / "switch").unlink(missing_ok=True)
        observer, predictor, operator = senders
        self.promise(fault, observer, predictor, operator, ended, failed, held_up)
        if fault in ("cut", "flipped"):
            self.damage(fault)

    def promise(self, fault, observer, predictor, operator, ended, failed, held_up):
        """What has to be known after the next start."""
        in_time = min(ended, failed) - SECOND - TRANSACTION - held_up if fault != "stopped" else math.inf
        self.most_predictions = predictor.sent
        self.acks = {"rows": observer.acks, "predictions": predictor.acks, "joined": predictor.label_acks}
        self.least = {what: max([count for at, count in acks if at <= in_time], default=0) for what, acks in self.acks.items()}
        self.ended, self.exact = ended, fault == "none"
        self.lenient = fault in ("cut", "flipped")
        self.shown = operator.shown if failed == math.inf else {}

    def damage(self, fault):
        """Of the file that was written last: its end is missing, or bits of its last page are others."""
        path = self.random.choice([one for one in self.state.iterdir() if one.name in ("state.db", "state.db-wal") and one.stat().st_size])
        content = bytearray(path.read_bytes())
        if fault == "cut":
            del content[-self.random.randrange(1, min(len(content), 9000) + 1):]
        else:
            for _ in range(self.random.randrange(1, 20)):
                content[len(content) - self.random.randrange(1, min(len(content), 4096) + 1)] ^= 1 << self.random.randrange(8)
        path.write_bytes(content)

    def measure(self):
        """How long before the kill the first row came that is not known any more; of the turn whose state was just read."""
        lost = [at for at, count in self.acks["rows"] if count > len(self.rows)]
        self.losses.append(self.ended - lost[0] if lost else 0.0)

    def run(self, kills, tell):
        began, previous = time.monotonic(), "none"
        for turn in range(kills):
            fault, = self.random.choices(list(self.choice), self.choice.values())
            self.faults[fault] += 1
            try:
                self.turn(fault)
                self.start()
            except Broken as broken:
                log = (self.folder / "service.log").read_text()[-1500:]
                raise Broken(f"turn {turn + 1} ({fault}, after {previous}): {broken}\n{log}") from None
            if self.exact:
                self.measure()
            if fault in ("full", "sync", "cut", "flipped"):
                self.service.end(signal.SIGKILL)
                self.service = None
                self.forget()
            self.least, self.lenient, previous = dict.fromkeys(self.least, 0), False, fault
            if tell and (turn + 1) % 25 == 0:
                print(f"{turn + 1} kills in {time.monotonic() - began:.0f} s; longest loss so far {max(self.losses, default=0):.2f} s",
                      flush=True)
        return self.result(kills)

    def result(self, kills):
        losses = sorted(self.losses) or [0.0]
        how = ", ".join(f"{count} {name}" for name, count in self.faults.items() if name != "none")
        return (f"{kills} kills ({how}; full disk by {'tmpfs' if self.mounted else 'limit'}): no start refused, nothing invented, "
                f"no counter fell; lost at most {losses[-1]:.2f} s, half of the times at most {losses[len(losses) // 2]:.2f} s (the machine held up others for up to {self.held_up:.2f} s); "
                f"{self.anew} damaged windows began anew")


def crash(kills, seed, tell=False):
    with tempfile.TemporaryDirectory(prefix="drift-crash-") as folder:
        harness = Harness(folder, seed)
        try:
            return harness.run(kills, tell)
        finally:
            harness.close()


def main():
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 30)
    print(f"{kills} kills, seed {seed}", flush=True)
    try:
        print(crash(kills, seed, tell=True))
    except Broken as broken:
        print(f"FAILED: {broken}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
