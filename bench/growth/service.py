"""A service to be measured: its configuration, its requests, and what it uses of the processor and of memory."""
import http.client
import json
import os
import pathlib
import random
import re
import select
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("MODEL_SERVICE_BINARY", str(ROOT / "build" / "model-service"))
JSON = {"Content-Type": "application/json"}


def write_table(path, features, rows, seed=0):
    source = random.Random(seed)
    with open(path, "w", encoding="utf-8") as file:
        file.write(",".join(f"f{f}" for f in range(features)) + "\n")
        for _ in range(rows):
            file.write(",".join(f"{source.gauss(0, 1):.6f}" for _ in range(features)) + "\n")


def configure(folder, models, features, rows, window=200):
    """A configuration of equal models, which share one reference."""
    write_table(folder / "reference.csv", features, rows)
    names = ", ".join("{name: f%d}" % f for f in range(features))
    lines = ["models:"]
    for m in range(models):
        lines += [f"  - name: m{m}", "    reference: reference.csv", f"    features: [{names}]",
                  "    scorer: {type: logistic, weights: [{feature: f0, weight: 1}]}",
                  "    window: {observations: %d}" % window]
    (folder / "models.yml").write_text("\n".join(lines) + "\n")


def row_texts(features, count, seed=1):
    source = random.Random(seed)
    return ["[" + ",".join(f"{source.gauss(0, 1):.6f}" for _ in range(features)) + "]" for _ in range(count)]


class Service:
    def __init__(self, folder):
        began = time.perf_counter()
        self.process = subprocess.Popen([BINARY, "serve", "--config", folder / "models.yml", "--listen", "127.0.0.1:0"],
                                        stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if found := re.search(r"listening on http://127.0.0.1:(\d+)", line):
                self.port = int(found[1])
                break
        else:
            raise SystemExit("the service did not start")
        self.start_seconds = time.perf_counter() - began
        self.start_processor = self.processor()
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.process.terminate()
        self.process.communicate(timeout=60)

    def processor(self):
        """Seconds of the processor that it has used: other work on the machine adds little to them."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def ask(self, method, path, body=None):
        self.connection.request(method, path, body, JSON if body else {})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {text[:300]}")
        return text

    def predict(self, model, rows):
        self.ask("POST", f"/models/{model}/predict", '{"instances": [' + ",".join(rows) + "]}")

    def cost(self, action, seconds=0.3, most=3.0):
        """Seconds of the processor that an action takes: repeated until they can be read."""
        action()
        began, used, count = time.perf_counter(), self.processor(), 0
        while True:
            action()
            count += 1
            spent = self.processor() - used
            if spent >= seconds or (time.perf_counter() - began > most and spent > 0):
                return spent / count


class Clients:
    """Connections that each send a request at the same time, and wait for its answer."""

    def __init__(self, port, count, features):
        body = json.dumps({"features": [0.25] * features})
        self.request = (f"POST /models/m0/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        f"Content-Length: {len(body)}\r\n\r\n{body}").encode()
        self.sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
        self.poll = select.epoll()
        self.by_number = {s.fileno(): s for s in self.sockets}
        for number in self.by_number:
            self.poll.register(number, select.EPOLLIN)

    def round(self):
        for each in self.sockets:
            each.sendall(self.request)
        waiting = len(self.sockets)
        while waiting > 0:
            ready = self.poll.poll(10)
            if not ready:
                raise SystemExit("a connection was not answered")
            for number, _ in ready:
                if not self.by_number[number].recv(65536).startswith(b"HTTP/1.1 200"):
                    raise SystemExit("a connection was refused")
                waiting -= 1

    def close(self):
        self.poll.close()
        for each in self.sockets:
            each.close()
