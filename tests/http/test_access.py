"""Tokens and roles: each route of the service and of the inbox with each role, the routes from the tables themselves."""
import base64
import pathlib
import re
import subprocess

import pytest

from conftest import BINARY, Service
from raw import exchange, request
from test_inbox import Inbox
from test_origin import routes_of, routes_of_inbox

TOKENS = {role: f"{role}-0123456789abcdef" for role in ("read", "write", "admin")}
RANK = {None: 0, "read": 1, "write": 2, "admin": 3}
OPEN = {"/health", "/ready", "/v2/health/live", "/v2/health/ready"}
WRITING = {"predict", "observe", "labels", "infer", "slack", "x"}  # last segments of paths that take data


def role_needed(method, path):
    """As docs/security.md says; a route that it does not know needs admin."""
    if path in OPEN:
        return None
    if method == "GET":
        return "read"
    return "write" if path.rsplit("/", 1)[1] in WRITING else "admin"


@pytest.fixture(scope="module")
def token_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("access") / "tokens"
    path.write_text("# ours\n" + "".join(f"{role} {token}\n" for role, token in TOKENS.items()))
    path.chmod(0o600)
    return str(path)


@pytest.fixture(scope="module")
def guarded(token_file, service):
    """(url, routes) of a service and an inbox with tokens; the routes are told by one without."""
    own, inbox = Service("--token-file", token_file), Inbox("--token-file", token_file)
    yield [(own.url, routes_of(service)), (inbox.url, routes_of_inbox())]
    own.stop()
    inbox.stop()


@pytest.mark.parametrize("role", [None, "read", "write", "admin"])
def test_every_route_with_every_role(guarded, role):
    headers = [("Authorization", "Bearer " + TOKENS[role])] if role else []
    for url, routes in guarded:
        for method, path in routes:
            needed = role_needed(method, path)
            answer = exchange(url, request(method, path, b"[]" if method == "POST" else b"", headers))
            if RANK[role] >= RANK[needed]:
                assert answer.status not in (401, 403), (method, path, answer)
            else:
                assert answer.status == (403 if role else 401), (method, path, answer)
                assert ("www-authenticate" in answer.headers) == (role is None)


@pytest.mark.parametrize("value", ["Bearer admin-0123456789abcdee", "Bearer ", "Basic " + base64.b64encode(b"a:b").decode()])
def test_wrong_tokens(guarded, value):
    for url, _ in guarded:
        answer = exchange(url, request("GET", "/metrics", headers=[("Authorization", value)]))
        assert answer.status == 401 and b"Authorization" in answer.body


def test_a_browser_asks_for_the_token_as_a_password(guarded):
    value = "Basic " + base64.b64encode(b"anybody:" + TOKENS["read"].encode()).decode()
    for url, _ in guarded:
        answer = exchange(url, request("GET", "/"))
        assert answer.status == 401 and "Basic realm=" in answer.headers["www-authenticate"]
        assert exchange(url, request("GET", "/metrics", headers=[("Authorization", value)])).status == 200


def test_a_refused_body_is_not_read(guarded):
    """Who has no token cannot make the service hold a body."""
    for (url, _), path in zip(guarded, ("/predict", "/slack")):
        head = request("POST", path, headers=[("Content-Length", "1000000")], length=False)
        assert exchange(url, head).status == 401


def start(*arguments):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=20)


@pytest.mark.parametrize("command", ["serve", "slack-inbox"])
def test_listening_for_everybody_must_be_wanted(command, token_file, tmp_path):
    done = start(command, "--listen", "0.0.0.0:0")
    assert done.returncode == 1 and "--insecure-listen" in done.stderr and "--token-file" in done.stderr
    public = tmp_path / "public"
    public.write_text(pathlib.Path(token_file).read_text())
    public.chmod(0o644)
    done = start(command, "--token-file", str(public))
    assert done.returncode == 1 and "chmod 600" in done.stderr
    assert not any(token in done.stderr for token in TOKENS.values())


def test_a_token_allows_a_reload_from_elsewhere(start_service, token_file):
    service = start_service("--token-file", token_file)
    headers = {"Authorization": "Bearer " + TOKENS["admin"], "X-Forwarded-For": "192.0.2.1"}
    assert service.post("/-/reload", headers=headers).status_code == 409  # allowed, and the built-in model has no file
    del headers["Authorization"]
    assert service.post("/-/reload", headers=headers).status_code == 401


def test_generated_ids_cannot_be_guessed(service):
    ids = [service.predict([0, 0, 0, 0, 0])["prediction_id"] for _ in range(200)]
    secrets = [re.fullmatch(r"[0-9a-f]{8}-\d+-([0-9a-f]{16})", text)[1] for text in ids]
    assert len(set(secrets)) == len(secrets)
    bits = [sum(int(secret, 16) >> bit & 1 for secret in secrets) for bit in range(64)]
    assert all(50 < ones < 150 for ones in bits)  # 7 standard deviations
