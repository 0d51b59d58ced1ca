"""Requests for other hosts and from other sites' pages: refused on each route of the service and the inbox, whose tables
the service itself tells (its metrics, and the source of the inbox); a browser is the judge of what pages can send."""
import http.server
import pathlib
import re
import shutil
import subprocess
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from raw import exchange, request
from test_inbox import Inbox

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL_ROUTES = 30  # at least so many must be found, or the tests below would test nothing


def routes_of(service):
    """(method, path) of each route, with a model's name put in."""
    families = text_string_to_metric_families(service.get("/metrics").text)
    found = {(s.labels["method"], s.labels["handler"])
             for family in families if family.name == "http_requests" for s in family.samples}
    found = {(method, path) for method, path in found if method != "other"}
    assert len(found) >= MODEL_ROUTES
    values = {"model": "synthetic", "version": "1", "feature": "feature_0", "incident": "1",
              "silence": "00000000-0000-0000-0000-000000000000"}
    return sorted((method, re.sub(r"\{(\w+)\}", lambda name: values[name[1]], path)) for method, path in found)


def routes_of_inbox():
    source = (ROOT / "model-service/inbox/service.c").read_text()
    found = re.findall(r'\{"(GET|POST)", "([^"]+)", HTTP_BODY', source)
    assert len(found) >= 10
    return [(method, path.replace("{rest}", "x")) for method, path in found]


@pytest.fixture(scope="module")
def doors(service):
    """(url, routes) of the service and of an inbox."""
    inbox = Inbox()
    yield [(service.url, routes_of(service)), (inbox.url, routes_of_inbox())]
    inbox.stop()


def each_route(doors):
    return [(url, method, path) for url, routes in doors for method, path in routes]


def replaced_host(data, host):
    return data.replace(b"Host: localhost", b"Host: " + host)


def test_other_hosts_are_refused_on_every_route(doors):
    for url, method, path in each_route(doors):
        for host in (b"rebound.example:8000", b"localhost.example"):
            answer = exchange(url, replaced_host(request(method, path, b"{}" if method == "POST" else b""), host))
            assert answer.status == 403 and b"Host" in answer.body, (method, path, answer)
            assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("header", [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site"),
                                    ("Origin", "https://evil.example"), ("Origin", "null")])
def test_other_sites_are_refused_on_every_route_that_changes_something(doors, header):
    for url, method, path in each_route(doors):
        answer = exchange(url, request(method, path, b"{}" if method == "POST" else b"", [header]))
        if method == "POST":
            assert answer.status == 403 and header[0].encode() in answer.body, (path, answer)
        else:
            assert answer.status not in (403, 500), (path, answer)
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_own_pages_and_programs_are_not_refused(doors):
    for url, method, path in each_route(doors):
        host = url.split("//")[1]
        for headers in ([], [("Origin", f"http://{host}")], [("Sec-Fetch-Site", "same-origin")], [("Sec-Fetch-Site", "none")]):
            data = replaced_host(request(method, path, b"[]" if method == "POST" else b"", headers), host.encode())
            assert exchange(url, data).status != 403, (method, path, headers)


def test_bodies_need_a_content_type(doors):
    for url, method, path in each_route(doors):
        if method != "POST" or path.endswith("/infer") or path == "/slack/x":
            continue
        answer = exchange(url, request(method, path, b"{}", [("Content-Type", None)]))
        assert answer.status == 415 and b"send 'Content-Type: application/json'" in answer.body, (path, answer)


def test_hosts_that_are_configured(start_service):
    service = start_service("--allow-host", "drift.example", "--allow-host", "other.example")
    for host, status in ((b"drift.example:8000", 200), (b"Other.Example", 200), (b"third.example", 403)):
        assert exchange(service.url, replaced_host(request("GET", "/health"), host)).status == status
    counted = re.findall(r'http_requests_total\{method="GET",handler="/health",code="(\d+)"\} (\d+)',
                         service.get("/metrics").text)
    assert dict(counted) == {"200": "2", "403": "1"}


def test_exactly_one_host(service):
    without = request("GET", "/health").replace(b"Host: localhost\r\n", b"")
    twice = request("GET", "/health", headers=[("Host", "127.0.0.1")])
    for data in (without, twice):
        answer = exchange(service.url, data)
        assert answer.status == 400 and b"Host" in answer.body
        assert answer.headers["content-type"] == "application/problem+json"
    assert exchange(service.url, without.replace(b"HTTP/1.1", b"HTTP/1.0")).status == 200


def commands():
    """Each curl command of the documents, pages and scripts, with its continuation lines."""
    files = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/*.md"), *ROOT.glob("scripts/*.sh"),
             *ROOT.glob("*.sh"), *ROOT.glob("model-service/web/*.html"), *ROOT.glob("*/README.md")]
    return [(file.name, command) for file in files
            for command in re.findall(r"curl (?:.*\\\n)*.*", file.read_text())]


def test_every_example_that_sends_a_body_names_its_type():
    sending = [(file, command) for file, command in commands() if re.search(r" (-d|--data\S*|-T) ", command)]
    assert len(sending) >= 5
    for file, command in sending:
        assert "Content-Type: application/" in command, (file, command)


# --- a browser ---

def attack(targets):
    """A page that sends what a page can send without asking first, and then writes into its title how often it could."""
    return ("""<!doctype html><title>waiting</title><body><script>
const forms = [...%s].map((target, i) => {
  const frame = document.createElement('iframe'); frame.name = 'f' + i; document.body.append(frame);
  const form = document.createElement('form'); form.method = 'POST'; form.action = target; form.target = frame.name;
  form.enctype = 'text/plain'; document.body.append(form); form.submit();
  return fetch(target, {method: 'POST', mode: 'no-cors', body: new Blob(['{}'])}).catch(() => 0);
});
Promise.all(forms).then(() => setTimeout(() => document.title = 'sent', 500));
</script>""" % targets).encode()


@pytest.fixture
def site():
    """A site of its own (another port of this host): what it serves is in .page."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(self.server.page)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def posts(service):
    """How often each status was answered to a POST."""
    counts = {}
    for code, count in re.findall(r'http_requests_total\{method="POST",handler="[^"]+",code="(\d+)"\} (\d+)',
                                  service.get("/metrics").text):
        counts[code] = counts.get(code, 0) + int(count)
    return {code: count for code, count in counts.items() if count}


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])  # the service's site by its address, and another site
def test_a_page_of_another_site_in_a_browser(start_service, site, tmp_path, name):
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        pytest.skip("no chromium here: scripts/setup.sh test installs it")
    service = start_service()
    targets = [service.url + path for path in ("/simulate/drift", "/-/reload", "/predict", "/labels")]
    site.page = attack(targets)
    done = subprocess.run(
        [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={tmp_path}",
         "--virtual-time-budget=10000", "--dump-dom", f"http://{name}:{site.server_port}/"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert "<title>sent</title>" in done.stdout, done.stderr[-2000:]
    assert posts(service) == {"403": 2 * len(targets)}
