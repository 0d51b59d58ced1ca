#!/usr/bin/python3
"""What is still served when more arrives than can be: an open loop, whose requests leave by a schedule and do not wait for
the answers to others.

The server has one worker on one core, the generator the other. First the peak: 16 clients that ask again at once. Then 0.5, 1,
2 and 4 times as many requests a second; an answer counts as good if it is 200 within a second of its moment in the
schedule. Meanwhile /health and /metrics are asked ten times a second. Needs two cores and a built service.
"""
import argparse
import collections
import http.client
import json
import os
import pathlib
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOOD_SECONDS = 1.0


def request_bytes(rows):
    body = json.dumps({"instances": [[0.5, -0.3, 0.8, 0.2, -0.1]] * rows})
    return (f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


class Client:
    """A connection with at most one request under way."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due, self.left, self.status, self.head = None, None, None, b""

    def send(self, data, due):
        self.due, self.left, self.head = due, None, b""
        self.socket.sendall(data)

    def receive(self):
        """The status of the answer once it is complete, None before; 0 if the connection has ended."""
        piece = self.socket.recv(1 << 16)
        if not piece:
            return 0
        if self.left is None:
            self.head += piece
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return None
            self.status = int(self.head[9:12])
            length = int(self.head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            self.left = length - (len(self.head) - end - 4)
        else:
            self.left -= len(piece)
        return self.status if self.left == 0 else None


def closed_loop(port, data, clients, seconds):
    """Answers a second."""
    selector, done, end = selectors.DefaultSelector(), 0, time.monotonic() + seconds
    for _ in range(clients):
        client = Client(port)
        client.send(data, 0)
        selector.register(client.socket, selectors.EVENT_READ, client)
    while time.monotonic() < end:
        for key, _ in selector.select(0.1):
            if key.data.receive() is not None:
                done += 1
                key.data.send(data, 0)
    return done / seconds


def open_loop(port, data, rate, seconds):
    """{"good", "late", "refused", "lost": count} of the requests of a schedule."""
    selector, idle, open_clients = selectors.DefaultSelector(), [], 0
    counts, start, sent, total = collections.Counter(), time.monotonic() + 0.1, 0, int(rate * seconds)
    under_way = 0
    while sent < total or (under_way and time.monotonic() < start + seconds + 5):
        now = time.monotonic()
        while sent < total and start + sent / rate <= now:
            due, sent = start + sent / rate, sent + 1
            if not idle and open_clients >= 900:
                counts["lost"] += 1
                continue
            if not idle:
                client, open_clients = Client(port), open_clients + 1
                selector.register(client.socket, selectors.EVENT_READ, client)
            else:
                client = idle.pop()
            client.send(data, due)
            under_way += 1
        wait = max(0, min(0.05, start + sent / rate - time.monotonic())) if sent < total else 0.05
        for key, _ in selector.select(wait):
            status = key.data.receive()
            if status is None:
                continue
            under_way -= 1
            in_time = time.monotonic() - key.data.due <= GOOD_SECONDS
            counts["lost" if status == 0 else "refused" if status == 503 else "good" if in_time else "late"] += 1
            if status == 0:
                selector.unregister(key.data.socket)
                open_clients -= 1
            else:
                idle.append(key.data)
    counts["lost"] += under_way
    return counts


class Probes(threading.Thread):
    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.worst, self.ended = port, 0, False

    def run(self):
        while not self.ended:
            for path in ("/health", "/metrics"):
                began = time.monotonic()
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                connection.request("GET", path)
                connection.getresponse().read()
                connection.close()
                self.worst = max(self.worst, time.monotonic() - began)
            time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=os.environ.get("MODEL_SERVICE_BINARY", str(ROOT / "build/model-service")))
    parser.add_argument("--rows", type=int, default=100, help="of each request (default 100)")
    parser.add_argument("--seconds", type=int, default=5, help="of each load (default 5)")
    args = parser.parse_args()
    if os.cpu_count() < 2:
        sys.exit("this needs two cores: one for the server, one for the load")
    os.sched_setaffinity(0, {1})
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(["taskset", "-c", "0", args.binary, "serve", "--listen", f"127.0.0.1:{port}", "--threads", "1"],
                               stderr=subprocess.DEVNULL)
    time.sleep(1)
    data = request_bytes(args.rows)
    peak = closed_loop(port, data, 16, args.seconds)
    print(f"requests of {args.rows} rows; peak {peak:.0f} a second")
    for load in (0.5, 1, 2, 4):
        probes = Probes(port)
        probes.start()
        counts = open_loop(port, data, load * peak, args.seconds)
        probes.ended = True
        probes.join()
        print(f"{load:3} times the peak: good {counts['good'] / args.seconds / peak:5.2f} of the peak, late {counts['late']}, "
              f"refused {counts['refused']}, lost {counts['lost']}; the slowest probe {probes.worst * 1000:.0f} ms", flush=True)
    process.send_signal(signal.SIGTERM)
    process.wait(10)


if __name__ == "__main__":
    main()
