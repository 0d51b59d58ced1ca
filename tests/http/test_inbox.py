"""The Slack inbox over HTTP: what a client of Slack's incoming webhook sees, and what a reader does."""
import concurrent.futures
import html.parser
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("MODEL_SERVICE_BINARY", str(ROOT / "build" / "model-service"))
START_SECONDS = 20  # sanitizer builds start slowly
MAX_BODY_BYTES = 1 << 20


class Inbox:
    """A running `model-service slack-inbox`."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [BINARY, "slack-inbox", "--listen", "127.0.0.1:0", *arguments],
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log = ""
        deadline = time.monotonic() + START_SECONDS
        while not (found := re.search(r"inbox on (http://\S+)/,", self.log)):
            line = self.process.stderr.readline()
            assert line and time.monotonic() < deadline, "did not start: " + self.log
            self.log += line
        self.url = found[1]

    def get(self, path, **options):
        return requests.get(self.url + path, timeout=10, **options)

    def post(self, payload, **options):
        return requests.post(self.url + "/slack", json=payload, timeout=30, **options)

    def post_raw(self, body, content_type=None):
        headers = {"Content-Type": content_type} if content_type else {}
        return requests.post(self.url + "/slack", data=body, headers=headers, timeout=30)

    def accept(self, payload):
        answer = self.post(payload)
        assert (answer.status_code, answer.text) == (200, "ok")

    def messages(self, since=None):
        answer = self.get("/messages", params={} if since is None else {"since": since})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def metric(self, name, **labels):
        for family in text_string_to_metric_families(self.get("/metrics").text):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return sample.value
        raise AssertionError(f"no {name}{labels}")

    def stop(self, sig=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(sig)
        self.log += self.process.communicate(timeout=30)[1]
        assert "Sanitizer" not in self.log and "runtime error" not in self.log, self.log
        return self.process.returncode


@pytest.fixture
def start_inbox():
    running = []

    def start(*arguments):
        running.append(Inbox(*arguments))
        return running[-1]

    yield start
    for inbox in running:
        inbox.stop()


@pytest.fixture
def inbox(start_inbox):
    return start_inbox()


# As Alertmanager 0.25 sends it.
ALERT = {
    "channel": "#ml-alerts",
    "username": "Alertmanager",
    "attachments": [
        {
            "title": "FIRING 1 | critical | CriticalDataDrift",
            "title_link": "http://localhost:9093/#/alerts",
            "pretext": "",
            "text": "feature `feature_0`: drift score *0.73*, threshold 0.5",
            "fallback": "CriticalDataDrift",
            "callback_id": "",
            "fields": [{"title": "Score", "value": "0.73", "short": True}],
            "actions": [{"type": "button", "text": "Runbook", "url": "http://localhost/r"}],
            "footer": "",
            "color": "danger",
            "mrkdwn_in": ["fallback", "pretext", "text"],
        }
    ],
}


def test_a_message_is_taken_and_shown(inbox):
    answer = inbox.post(ALERT)
    assert (answer.status_code, answer.text) == (200, "ok")
    assert answer.headers["Content-Type"].startswith("text/plain")
    listed = inbox.messages()
    assert (listed["total"], listed["dropped"]) == (1, 0)
    message = listed["messages"][0]
    assert message["payload"] == ALERT
    assert message["id"] == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", message["received_at"])
    assert message["channel"] == "#ml-alerts" and message["text"] == ""
    attachment = message["attachments"][0]
    assert attachment["color"] == "danger"
    assert attachment["fields"] == ALERT["attachments"][0]["fields"]
    assert attachment["actions"][0]["url"] == "http://localhost/r"
    page = inbox.get("/").text
    assert "<b>0.73</b>" in page and "<code>feature_0</code>" in page
    assert 'href="http://localhost:9093/#/alerts"' in page


def test_json_is_taken_by_its_content_type_only(inbox):
    payload = json.dumps({"text": "é & +", "unknown": [1, None]})
    assert inbox.post_raw(payload.encode(), "application/json").text == "ok"
    message = inbox.messages()["messages"][0]
    assert message["text"] == "é & +"
    assert message["payload"] == json.loads(payload)
    answer = requests.post(inbox.url + "/slack", data={"payload": payload}, timeout=10)
    assert (answer.status_code, answer.text) == (415, "the Content-Type must be application/json")
    answer = inbox.post_raw(payload.encode())
    assert answer.status_code == 415 and "Content-Type: application/json" in answer.text
    assert inbox.metric("slack_inbox_rejected_total", reason="other") == 2
    assert inbox.messages()["total"] == 1


def test_what_grafana_sends_is_shown(inbox):
    attachment = {
        "title": "[FIRING:1] Rule", "title_link": "http://localhost:3000/alerting/list", "text": "*Firing*",
        "fallback": "[FIRING:1] Rule", "footer": "Grafana v10.4", "footer_icon": "https://grafana.com/fav32.png",
        "color": "#D63232", "ts": 1795516800, "image_url": "http://localhost:3000/panel.png",
        "pretext": "<!here|here>", "mrkdwn_in": ["pretext"],
    }
    inbox.accept({"channel": "#ml", "username": "Grafana", "icon_emoji": ":fire:", "attachments": [attachment]})
    listed = inbox.messages()["messages"][0]["attachments"][0]
    for member in ("title", "title_link", "text", "footer", "color", "ts", "image_url", "pretext"):
        assert listed[member] == attachment[member]
    page = inbox.get("/").text
    assert '<span class="mention ping">@here</span>' in page
    assert "<span>Grafana v10.4</span><time" in page


def test_the_page_and_the_json_list_in_the_order_that_the_page_says(inbox):
    for text in ("first", "second"):
        inbox.accept({"text": text})
    page = inbox.get("/").text
    assert "Newest first; as JSON, oldest first" in page
    assert page.index("second") < page.index("first")
    assert [m["text"] for m in inbox.messages()["messages"]] == ["first", "second"]


@pytest.mark.parametrize(
    "body, status, word",
    [
        ("", 400, "invalid_payload"),
        ("hello", 400, "invalid_payload"),
        ('{"text": "x"', 400, "invalid_payload"),
        ("[1]", 400, "invalid_payload"),
        ('{"text": 1}', 400, "invalid_payload"),
        (b'{"text": "\xff"}', 400, "invalid_payload"),
        ("{}", 400, "no_text"),
        ('{"text": "  "}', 400, "no_text"),
        (json.dumps({"text": "x" * 40001}), 400, "msg_too_long"),
        (json.dumps({"attachments": [{"text": "x"}] * 101}), 400, "too_many_attachments"),
        ('{"attachments": [1]}', 400, "invalid_attachments"),
        ('{"text": "x", "blocks": [{"type": "divider"}]}', 400, "invalid_blocks"),
        ('{"attachments": [{"text": "x", "blocks": [{"type": "divider"}]}]}', 400, "invalid_blocks"),
        (b'{"text": "' + b"x" * MAX_BODY_BYTES + b'"}', 413, "msg_too_long"),
        ("[" * 100000, 400, "invalid_payload"),
    ],
    ids=range(15),
)
def test_refusals_are_slacks(inbox, body, status, word):
    before = inbox.metric("slack_inbox_rejected_total", reason=word)
    answer = inbox.post_raw(body, "application/json")
    assert (answer.status_code, answer.text) == (status, word)
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert inbox.metric("slack_inbox_rejected_total", reason=word) == before + 1
    assert inbox.messages()["total"] == 0


def test_other_paths_and_methods(inbox):
    for path in ("/services/T0/B0/XXXX", "/slack/x", "/nope"):
        answer = requests.post(inbox.url + path, json={"text": "x"}, timeout=10)
        assert (answer.status_code, answer.text) == (404, "no_service")
    for method in ("GET", "PUT", "DELETE"):
        answer = requests.request(method, inbox.url + "/slack", timeout=10)
        assert answer.status_code == 405
        assert answer.headers["Allow"] == "POST"
    assert inbox.get("/health").json()["status"] == "healthy"


def test_only_the_newest_are_kept(start_inbox):
    inbox = start_inbox("--capacity", "3")
    for number in range(1, 6):
        inbox.accept({"text": f"message {number}"})
    listed = inbox.messages()
    assert [m["id"] for m in listed["messages"]] == [3, 4, 5]
    assert (listed["total"], listed["dropped"]) == (5, 2)
    assert [m["id"] for m in inbox.messages(since=4)["messages"]] == [5]
    assert inbox.messages(since=5)["messages"] == []
    assert inbox.metric("slack_inbox_messages_total") == 5
    assert inbox.metric("slack_inbox_dropped_messages_total") == 2
    assert inbox.metric("slack_inbox_kept_messages") == 3
    page = inbox.get("/").text
    assert page.index("message 5") < page.index("message 4") < page.index("message 3")
    assert "message 2" not in page


def test_memory_is_bounded_in_bytes(inbox):
    text = "&" * 39000
    for _ in range(4):
        inbox.accept({"text": text, "attachments": [{"text": text}] * 24})
    kept = 0
    for _ in range(12):
        inbox.accept({"text": text, "attachments": [{"text": text}] * 24})
        kept = inbox.metric("slack_inbox_kept_messages")
    assert 1 <= kept < 16
    assert inbox.metric("slack_inbox_dropped_messages_total") == 16 - kept
    status = pathlib.Path(f"/proc/{inbox.process.pid}/status").read_text()
    resident = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])
    assert resident < 1_000_000, f"{resident} kB for a store of 64 MiB"


def test_since_must_be_an_id(inbox):
    for value in ("-1", "x", "1.5", "99999999999999999999999", " 1"):
        assert inbox.get("/messages", params={"since": value}).status_code == 400


def test_clear(inbox):
    inbox.accept({"text": "one"})
    before = inbox.get("/news").json()
    answer = requests.post(inbox.url + "/messages/clear", timeout=10)
    assert (answer.status_code, answer.json()) == (200, {"cleared": 1})
    assert inbox.messages() == {"messages": [], "total": 1, "dropped": 0}
    after = inbox.get("/news").json()
    assert after["generation"] != before["generation"] and after["kept"] == 0
    inbox.accept({"text": "two"})
    assert [m["id"] for m in inbox.messages()["messages"]] == [2]


def test_news_are_what_the_page_lacks(inbox):
    inbox.accept({"text": "one"})
    page = inbox.get("/").text
    last = re.search(r'data-last="(\d+)"', page)[1]
    generation = re.search(r'data-generation="(\d+)"', page)[1]
    assert inbox.get("/news", params={"since": last}).json()["html"] == ""
    inbox.accept({"text": "two"})
    news = inbox.get("/news", params={"since": last}).json()
    assert (news["generation"], news["last"], news["kept"]) == (generation, 2, 2)
    assert 'id="m2"' in news["html"] and 'id="m1"' not in news["html"]
    assert news["html"] in inbox.get("/").text


def test_empty_page_says_how_to_send(inbox):
    page = inbox.get("/")
    assert 'class="empty"' in page.text
    assert f"{inbox.url}/slack" in page.text
    forged = inbox.get("/", headers={"Host": 'x"><script>alert(1)</script>'})
    assert "<script>alert" not in forged.text


class Elements(html.parser.HTMLParser):
    """Every element of the page with its attributes."""

    def __init__(self, page):
        super().__init__()
        self.elements = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "'-alert(1)-'",
    "<javascript:alert(1)|click>",
    '<http://x/" onclick="alert(1)|y>',
    "</article></main><iframe src=//evil>",
    "javascript:alert(1)",
    "{{messages}}",
]


def test_hostile_content_is_text(inbox):
    inbox.accept({"text": "benign"})
    benign = Elements(inbox.get("/").text)
    for text in HOSTILE:
        inbox.accept(
            {
                "text": text,
                "channel": text,
                "username": text,
                "icon_url": text,
                "attachments": [
                    {key: text for key in ("color", "title", "title_link", "pretext", "text", "footer", "image_url", "thumb_url")}
                    | {
                        "mrkdwn_in": ["text", "pretext", "fields"],
                        "fields": [{"title": text, "value": text, "short": True}],
                        "actions": [{"type": "button", "text": text, "url": text, "style": text}],
                    }
                ],
            }
        )
    answer = inbox.get("/")
    page = Elements(answer.text)
    for tag in ("script", "img", "meta", "link", "main", "body"):
        assert len(page.of(tag)) == len(benign.of(tag)), tag
    assert page.of("script") == benign.of("script")
    assert len(page.of("article")) == 1 + len(HOSTILE)
    assert not {"iframe", "style", "form", "object"} & {tag for tag, _ in page.elements}
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
    for link in page.of("a"):
        assert re.match(r"https?://|/messages$", link["href"]), link
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_pings_are_told_from_text(inbox):
    inbox.accept({"text": "<!channel> and &lt;!channel&gt;"})
    page = inbox.get("/").text
    assert page.count('<span class="mention ping">@channel</span>') == 1
    assert "&lt;!channel&gt;" in page


def test_rate_limit(start_inbox):
    inbox = start_inbox("--rate", "1")
    inbox.accept({"text": "first"})
    answer = inbox.post({"text": "second"})
    assert (answer.status_code, answer.text) == (429, "rate_limited")
    assert answer.headers["Retry-After"] == "1"
    time.sleep(1.1)
    inbox.accept({"text": "third"})


def test_many_clients_at_once(start_inbox):
    inbox = start_inbox("--capacity", "50")

    def send(number):
        inbox.accept({"text": f"n{number}", "attachments": [{"text": "x" * 2000}]})
        ids = [m["id"] for m in inbox.messages()["messages"]]
        assert ids == list(range(ids[0], ids[0] + len(ids)))
        inbox.get("/").raise_for_status()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(200)))
    listed = inbox.messages()
    assert (listed["total"], listed["dropped"], len(listed["messages"])) == (200, 150, 50)


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_stops_cleanly(start_inbox, sig):
    inbox = start_inbox()
    inbox.accept({"text": "x"})
    assert inbox.stop(sig) == 0


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--capacity", "0"], "capacity"),
        (["--capacity", "many"], "capacity"),
        (["--rate", "-1"], "rate"),
        (["--log-level", "loud"], "log-level"),
        (["--nonsense"], "nonsense"),
        (["extra"], "extra"),
        (["--listen", "nowhere"], "ADDR:PORT"),
    ],
)
def test_wrong_use(arguments, said):
    ended = subprocess.run([BINARY, "slack-inbox", *arguments], capture_output=True, text=True, timeout=30)
    assert ended.returncode == 2
    assert said in ended.stderr


def test_help():
    ended = subprocess.run([BINARY, "slack-inbox", "--help"], capture_output=True, text=True, timeout=30)
    assert ended.returncode == 0
    for flag in ("--listen", "--capacity", "--rate", "--log-level", "--log-format"):
        assert flag in ended.stdout


def test_a_busy_port_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        ended = subprocess.run([BINARY, "slack-inbox", "--listen", address], capture_output=True,
                               text=True, timeout=30)
    assert ended.returncode == 1
    assert address in ended.stderr and "another program uses that port" in ended.stderr
