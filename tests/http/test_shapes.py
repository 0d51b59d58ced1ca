"""Odd shapes of HTTP, each on a connection of its own: one answer, ours, and counted. Beside it stands what nginx 1.22
answers to the same bytes (with 200 for every path); where nginx is installed the test holds that column against it, too."""
import pathlib
import re
import shutil
import socket
import subprocess
import time

import pytest

from raw import Raw, request

ROW = b'{"features":[0,0,0,0,0]}'
JSON = b"Content-Type: application/json\r\n"


def get(path=b"/health", extra=b"", version=b"HTTP/1.1", method=b"GET", host=b"Host: localhost\r\n"):
    return method + b" " + path + b" " + version + b"\r\n" + host + extra + b"\r\n"


def post(extra=b"", body=ROW, length=True, path=b"/predict", kind=JSON, **rest):
    own = b"Content-Length: %d\r\n" % len(body) if length else b""
    return get(path, kind + own + extra, method=b"POST", **rest) + body


def bare(extra, body=ROW, **rest):
    return post(extra, body, length=False, **rest)


def chunked(body, **rest):
    return bare(b"Transfer-Encoding: chunked\r\n", body, **rest)


WHOLE = b"18\r\n" + ROW + b"\r\n0\r\n\r\n"
HALF = "half-closed"  # the client ends its side behind the bytes

# name: (bytes, our status or statuses, nginx's status or None where it does not answer within a second)
SHAPES = {
    "predict": (post(), 200, 200),
    "1.0 without Host": (get(version=b"HTTP/1.0", host=b""), 200, 200),
    "1.0 kept alive": (post(b"Connection: keep-alive\r\n", version=b"HTTP/1.0"), 200, 200),
    "1.0 chunked": (chunked(WHOLE, version=b"HTTP/1.0"), 400, 400),
    "1.1 without Host": (get(host=b""), 400, 400),
    "two Hosts": (get(extra=b"Host: 127.0.0.1\r\n"), 400, 400),
    "Host is not one": (get(host=b"Host: a b/<>\r\n"), 403, 400),
    "0.9": (b"GET /health\r\n\r\n", 400, "0.9"),
    "HTTP/2.0": (get(version=b"HTTP/2.0"), 505, 505),
    "HTTP/1.2": (get(version=b"HTTP/1.2"), 200, 200),
    "HTTP/9.9": (get(version=b"HTTP/9.9"), 505, 505),
    "HTTP/1.1x": (get(version=b"HTTP/1.1x"), 400, 400),
    "http/1.1": (get(version=b"http/1.1"), 400, 400),
    "preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 505, 400),
    "upgrade to h2c": (get(extra=b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"), 200, 200),
    "upgrade to WebSocket": (get(extra=b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"), 200, 200),
    "TLS": (bytes.fromhex("16030100c8010000c40303") + bytes(range(200)), 400, 400),
    "SSH": (b"SSH-2.0-x\r\n", 400, 400),
    "all bytes": (bytes(range(256)) * 10, 400, 400),
    "nothing": (b"", None, None, HALF),
    "empty lines": (b"\r\n" * 100 + get(), 200, 200),
    "5000 empty lines": (b"\r\n" * 5000 + get(), 414, 200),
    "LF alone": (b"GET /health HTTP/1.1\nHost: localhost\n\n", 400, 200),
    "CR alone": (b"GET /health HTTP/1.1\rHost: localhost\r\r", 400, 400),
    "blank first": (b" GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, 400),
    "two blanks": (b"GET  /health  HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, 200),
    "tabs": (b"GET\t/health\tHTTP/1.1\r\nHost: localhost\r\n\r\n", 400, 400),
    "method in lower case": (get(method=b"get"), 405, 400),
    "unknown method": (get(method=b"FOO"), 405, 200),
    "long method": (get(method=b"A" * 5000), 405, 200),
    "TRACE": (get(method=b"TRACE"), 405, 405),
    "OPTIONS *": (get(b"*", method=b"OPTIONS"), 404, 400),
    "OPTIONS": (get(b"/predict", method=b"OPTIONS"), 405, 200),
    "CONNECT": (get(b"example.com:443", method=b"CONNECT"), 404, 400),
    "absolute target": (get(b"http://localhost/health"), 200, 200),
    "absolute target without a path": (get(b"http://localhost"), 200, 200),
    "target of 7 kB": (get(b"/" + b"a" * 7000), 404, 200),
    "target of 9 kB": (get(b"/" + b"a" * 9000), 414, 414),
    "target of 100 kB": (get(b"/" + b"a" * 100000), 414, 414),
    "target of 10 MB": (get(b"/" + b"a" * 10000000), 414, 414),
    "header of 7 kB": (get(extra=b"X: " + b"a" * 7000 + b"\r\n"), 200, 200),
    "header of 9 kB": (get(extra=b"X: " + b"a" * 9000 + b"\r\n"), 431, 400),
    "header of 1 MB": (get(extra=b"X: " + b"a" * 1000000 + b"\r\n"), 431, 400),
    "header of 10 MB": (get(extra=b"X: " + b"a" * 10000000 + b"\r\n"), 431, 400),
    "1000 headers": (get(extra=b"".join(b"X%d: a\r\n" % i for i in range(1000))), 431, 400),
    "99 headers": (get(extra=b"".join(b"X%d: a\r\n" % i for i in range(99))), 200, 200),
    "100 headers": (get(extra=b"".join(b"X%d: a\r\n" % i for i in range(100))), 431, 200),
    "cookies of 3 kB": (get(extra=b"Cookie: " + b"a=b; " * 600 + b"\r\n"), 200, 200),
    "cookies of 7 kB": (get(extra=b"Cookie: " + b"a=b; " * 1400 + b"\r\n"), 200, 200),
    "header without a colon": (get(extra=b"Foo\r\n"), 400, 200),
    "header without a name": (get(extra=b": x\r\n"), 400, 400),
    "folded header": (get(extra=b"X: a\r\n b\r\n"), 400, 400),
    "blank before a colon": (bare(b"Content-Length : 24\r\n"), 400, 400),
    "NUL in a header": (get(extra=b"X: a\0b\r\n"), 400, 400),
    "NUL in a length": (bare(b"Content-Length: 24\0\r\n"), 400, 400),
    "NUL in a name": (get(extra=b"X\0Y: a\r\n"), 400, 400),
    "NUL in a path": (get(b"/health\0x"), 400, 400),
    "encoded NUL": (get(b"/health%00"), 400, 400),
    "cut escape": (get(b"/health%"), 400, 400),
    "no escape": (get(b"/%zz"), 400, 400),
    "no escape in a query": (post(path=b"/simulate/drift?severity=%zz", body=b""), 400, 200),
    "encoded dots": (get(b"/%2e%2e/%2e%2e/etc/passwd"), 404, 400),
    "dots": (get(b"/../../etc/passwd"), 404, 400),
    "two slashes": (get(b"//health"), 404, 200),
    "encoded slash": (get(b"/models/a%2fb/drift/status"), 404, 200),
    "encoded letter": (get(b"/%68ealth"), 200, 200),
    "encoded bytes": (get(b"/models/%ff%fe/drift/status"), 404, 200),
    "bytes": (get(b"/models/\xff\xfe/drift/status"), 404, 200),
    "markup": (get(b"/models/<script>alert(1)</script>/drift/status"), 404, 200),
    "parameter of a path": (get(b"/health;x=1"), 404, 200),
    "fragment": (get(b"/health#x"), 404, 200),
    "1000 parameters": (post(path=b"/simulate/drift?" + b"&".join([b"a=1"] * 1000), body=b""), 422, 200),
    "length and chunks": (post(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n" + get()), 400, 400),
    "chunks and length": (bare(b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", b"0\r\n\r\n"), 400, 400),
    "two equal lengths": (post(b"Content-Length: 24\r\n"), 400, 400),
    "two lengths": (post(b"Content-Length: 5\r\n"), 400, 400),
    "list of lengths": (bare(b"Content-Length: 24, 24\r\n"), 400, 400),
    "length with a sign": (bare(b"Content-Length: +24\r\n"), 400, 400),
    "negative length": (bare(b"Content-Length: -1\r\n"), 400, 400),
    "hexadecimal length": (bare(b"Content-Length: 0x18\r\n"), 400, 400),
    "length and a letter": (bare(b"Content-Length: 24x\r\n"), 400, 400),
    "length 2^64": (bare(b"Content-Length: 18446744073709551616\r\n"), 400, 400),
    "length 2^64 - 1": (bare(b"Content-Length: 18446744073709551615\r\n"), 413, 400),
    "length 2^63": (bare(b"Content-Length: 9223372036854775808\r\n"), 413, 400),
    "empty length": (bare(b"Content-Length: \r\n"), 400, 400),
    "coding identity": (bare(b"Transfer-Encoding: identity\r\n"), 501, 501),
    "coding gzip, chunked": (bare(b"Transfer-Encoding: gzip, chunked\r\n"), 501, 501),
    "coding xchunked": (bare(b"Transfer-Encoding: xchunked\r\n"), 501, 501),
    "coding chunked twice": (bare(b"Transfer-Encoding: chunked\r\n" * 2, b"0\r\n\r\n"), 501, 400),
    "coding CHUNKED": (bare(b"Transfer-Encoding: CHUNKED\r\n", WHOLE), 200, 200),
    "coding behind a tab": (bare(b"Transfer-Encoding:\tchunked\r\n", WHOLE), 200, 501),
    "coding behind a control": (bare(b"Transfer-Encoding: \x0bchunked\r\n", WHOLE), 400, 501),
    "coding before a blank and a colon": (post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"), 400, 400),
    "chunks": (chunked(WHOLE), 200, 200),
    "chunk of 2^64 - 1": (chunked(b"ffffffffffffffff\r\n" + ROW), 413, 400),
    "chunk beyond 2^64": (chunked(b"fffffffffffffffff\r\n" + ROW), 400, 400),
    "chunk of 2^63 - 1": (chunked(b"7fffffffffffffff\r\n" + ROW), 413, 400),
    "chunk of 2 GB": (chunked(b"80000000\r\n" + ROW), 413, 413),
    "negative chunk": (chunked(b"-1\r\n" + ROW), 400, 400),
    "chunk 0x18": (chunked(b"0x18\r\n" + ROW + b"\r\n0\r\n\r\n"), 400, 400),
    "chunk with an extension": (chunked(b"18;a=b\r\n" + ROW + b"\r\n0\r\n\r\n"), 200, 200),
    "chunk with 20 kB of extensions": (chunked(b"18;a=" + b"b" * 20000 + b"\r\n" + ROW + b"\r\n0\r\n\r\n"), 400, 200),
    "chunk of many zeros": (chunked(b"0" * 10000 + b"18\r\n" + ROW + b"\r\n0\r\n\r\n"), 400, 200),
    "chunk without an end": (chunked(b"18\r\n" + ROW + b"XX0\r\n\r\n"), 400, 400),
    "chunks with LF": (chunked(b"18\n" + ROW + b"\n0\n\n"), 400, 200),
    "trailers": (chunked(b"18\r\n" + ROW + b"\r\n0\r\nX: y\r\nContent-Length: 5\r\n\r\n"), 200, 200),
    "100 kB of trailers": (chunked(b"18\r\n" + ROW + b"\r\n0\r\n" + b"".join(b"X%d: y\r\n" % i for i in range(10000)) + b"\r\n"), 431, 200),
    "chunks of a byte": (chunked(b"".join(b"1\r\n%c\r\n" % c for c in ROW) + b"0\r\n\r\n"), 200, 200),
    "chunk of 5 MB": (chunked(b"500000\r\n" + b" " * 0x500000 + b"\r\n0\r\n\r\n"), 413, 413),
    "expects 100, body there": (post(b"Expect: 100-continue\r\n"), 200, 100),
    "expects something else": (post(b"Expect: foo\r\n"), 417, 200),
    "expects 100 for nothing": (post(b"Expect: 100-continue\r\n", path=b"/nowhere")[:-24], 404, 100),
    "expects 100 for too much": (bare(b"Expect: 100-continue\r\nContent-Length: 99999999\r\n", b""), 413, 413),
    "GET with a body": (get(extra=b"Content-Length: 5\r\n") + b"abcde", 413, 200),
    "pipeline": (get() + get(b"/ready") + get(), [200] * 3, 200),
    "pipeline of 200": (post() * 200, [200] * 200, 200),
    "request in a refused body": (bare(b"Content-Length: 99999999\r\n", get()), 413, 413),
    "compressed body": (post(b"Content-Encoding: gzip\r\n"), 415, 200),
    "text": (post(kind=b"Content-Type: text/plain\r\n"), 415, 200),
    "form": (post(kind=b"Content-Type: application/x-www-form-urlencoded\r\n"), 415, 200),
    "untyped": (post(kind=b""), 415, 200),
    "UTF-16": (post(kind=b"Content-Type: application/json; charset=utf-16\r\n"), 200, 200),
    "HEAD": (get(method=b"HEAD"), 200, 200),
    "HEAD of a long answer": (get(b"/metrics", method=b"HEAD"), 200, 200),
    "PUT": (post().replace(b"POST", b"PUT"), 405, 200),
    "range": (get(b"/metrics", b"Range: bytes=0-10\r\n"), 200, 200),
    "close": (get(extra=b"Connection: close\r\n"), 200, 200),
    "half a body": (post()[:-5], None, None, HALF),
    "half a header": (get()[:-5], None, None, HALF),
    "half a stream": (bare(b"Content-Length: 1000\r\n", b'{"feat', kind=b"Content-Type: application/x-ndjson\r\n",
                           path=b"/observe"), None, 200, HALF),
}


def send(url, data, how=None):
    """All that comes back until the end, or until half a second after the last byte."""
    host, port = url.split("//")[1].rsplit(":", 1)
    with socket.create_connection((host, int(port)), 10) as client:
        try:
            client.sendall(data)
            if how == HALF:
                client.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # answered before all was sent
        answer = b""
        client.settimeout(2)
        try:
            while piece := client.recv(1 << 20):
                answer += piece
                client.settimeout(0.3)
        except (TimeoutError, ConnectionResetError):
            pass
    return answer


def statuses(answer):
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def counted(service):
    """Answers, but for those to this question itself."""
    found = re.findall(r'http_requests_total\{method="(\w+)",handler="([^"]+)",code="(\w+)"\} (\d+)', service.get("/metrics").text)
    assert found
    return {key: int(count) for *key, count in found for key in [tuple(key)]}


def check_answer(answer, wanted, head):
    found = statuses(answer)
    assert found == wanted, answer[:500]
    parts = [part for part in re.split(rb"(?=HTTP/1\.1 \d{3} )", answer) if part]
    for part, status in zip(parts, found):
        headers, _, body = part.partition(b"\r\n\r\n")
        length = int(re.search(rb"\r\nContent-Length: (\d+)", headers)[1])
        assert len(body) == (0 if head else length), "nothing more than one answer"
        assert b"\r\nX-Content-Type-Options: nosniff" in headers and b"\r\nDate: " in headers
        assert status < 400 or b"\r\nContent-Type: application/problem+json\r\n" in headers, headers


@pytest.mark.parametrize("name", SHAPES)
def test_one_answer_of_ours(service, name):
    data, wanted, _, *how = SHAPES[name]
    wanted = wanted if isinstance(wanted, list) else [wanted] if wanted else []
    before = counted(service)
    check_answer(send(service.url, data, *how), wanted, data.startswith(b"HEAD"))
    after = counted(service)
    new = sorted(int(key[2]) for key, count in after.items() for _ in range(count - before.get(key, 0)))
    new.remove(200)  # the second look at the metrics
    assert new == sorted(wanted), "each answer is counted once"
    with Raw(service.url) as connection:
        assert connection.send(request("GET", "/health")).receive().status == 200


NGINX = """
daemon off; master_process off; error_log {folder}/error.log; pid {folder}/pid;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; client_max_body_size 4m;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 'ok'; }} location /predict {{ proxy_pass http://127.0.0.1:{port}/health; }} }}
}}
"""


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if not program:
        pytest.skip("nginx is not installed (scripts/setup.sh bench)")
    folder = tmp_path_factory.mktemp("nginx")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    process = subprocess.Popen([program, "-c", str(folder / "nginx.conf"), "-p", str(folder)], stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    for _ in range(100):
        try:
            send(url, get())
            break
        except OSError:
            time.sleep(0.05)
    yield url
    process.terminate()
    process.wait(10)


def status_of(answer):
    """Of the first answer; "0.9" for one without a head."""
    found = statuses(answer)
    return found[0] if found else "0.9" if answer else None


def test_beside_nginx(nginx):
    """The third column is what it says, so that the differences are real ones."""
    wrong = {}
    for name, (data, _, theirs, *how) in SHAPES.items():
        found = status_of(send(nginx, data, *how))
        if found != theirs:
            wrong[name] = found
    assert not wrong
