"""HTTP spoken by hand, for what a client library would not send."""
import json
import os
import socket
import time


class Answer:
    """One response: .status, .headers (lower case; repeated ones joined by commas), .body."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:300]!r}>"


class Closed(Exception):
    """The server closed the connection where a response should have begun."""


# A sanitizer makes the service this many times slower, at most.
PATIENCE = 10 if {"ASAN_OPTIONS", "TSAN_OPTIONS"} & set(os.environ) else 1


class Raw:
    """A connection of its own to the service at `url`."""

    def __init__(self, url, timeout=10 * PATIENCE):
        host, port = url.split("//")[1].rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())
        return self

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def _more(self):
        try:
            piece = self.socket.recv(65536)
        except ConnectionResetError:
            piece = b""
        self.rest += piece
        return bool(piece)

    def _line_end(self):
        while b"\r\n\r\n" not in self.rest:
            if not self._more():
                raise Closed(self.rest)

    def receive(self, head=False):
        """The next final response; head: to a HEAD request, so without a body."""
        while True:
            self._line_end()
            block, self.rest = self.rest.split(b"\r\n\r\n", 1)
            first, *lines = block.decode("latin-1").split("\r\n")
            status = int(first.split(" ", 2)[1])
            if status >= 200:
                break
        headers = {}
        for line in lines:
            name, value = line.split(":", 1)
            name, value = name.strip().lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        length = 0 if head or status in (204, 304) else int(headers.get("content-length", "0"))
        while len(self.rest) < length:
            assert self._more(), f"body cut after {len(self.rest)} of {length} bytes"
        body, self.rest = self.rest[:length], self.rest[length:]
        return Answer(status, headers, body)

    def closed_within(self, seconds):
        """True if the server closes the connection, having sent nothing more."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                if not self._more():
                    return not self.rest
            except TimeoutError:
                return False
        return False


def request(method, target, body=b"", headers=(), version="HTTP/1.1", length=True):
    """The bytes of a request. headers: (name, value) pairs; what a POST needs and they lack is added: the
    Content-Type of JSON (None as its value: there is none) and, with `length`, the Content-Length."""
    body = body if isinstance(body, bytes) else body.encode()
    lines = [f"{method} {target} {version}", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in headers if value is not None]
    if method == "POST" and not any(name.lower() == "content-type" for name, _ in headers):
        lines.append("Content-Type: application/json")
    if length and (body or method == "POST"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def predict(body, headers=(("Content-Type", "application/json"),), target="/predict"):
    return request("POST", target, body, headers)


def exchange(url, data, head=False):
    """One request on a connection of its own, and the answer."""
    with Raw(url) as connection:
        return connection.send(data).receive(head)
