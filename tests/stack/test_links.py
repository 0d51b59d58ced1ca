"""Every link of a message, opened by a browser while the drift is there and again after it has ended: each shows what it
promises. The graph's link names its moment, so that it shows the same ten minutes later, or a month. Amtool runs the
command that silences."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
import urllib.parse

import pytest
import requests

from test_config import run
from test_incidents import Slack, Stack, shift
from test_template import links

FEATURES = ["a", "b", "c"]
# From the end of the drift to the second look; AFTER_SECONDS=600 tries what a person finds ten minutes later.
AFTER_SECONDS = int(os.environ.get("AFTER_SECONDS", "0"))


class Linked(Stack):
    """With links that lead to this stack itself, as `make run` sets them."""

    def start(self, name, *command, cwd=None):
        command = [str(part).replace("http://prom.example:9090", f"http://127.0.0.1:{self.ports['prometheus']}")
                   .replace("http://am.example:9093", f"http://127.0.0.1:{self.ports['alertmanager']}") for part in command]
        if name == "prometheus":
            pages = self.folder / "pages"
            pages.mkdir()
            (pages / "runbook.html").write_text(requests.get(self.url("service", "/runbook"), timeout=10).text)
            command.append(f"--web.user-assets={pages}")
        super().start(name, *command, cwd=cwd)

    def environment(self):
        return {"PATH": "/usr/bin:/bin", "DASHBOARD_URL": self.url("service", "/dashboard"), "GOGC": "200"}


@pytest.fixture(scope="module")
def browse():
    """A function that opens a page and gives its text as it is once its scripts have run."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        pytest.skip("no chromium here: scripts/setup.sh test installs it")

    def opened(url):
        with tempfile.TemporaryDirectory() as profile:
            done = subprocess.run(
                [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={profile}",
                 "--virtual-time-budget=15000", "--dump-dom", url],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return opened


@pytest.fixture(scope="module")
def stack():
    with tempfile.TemporaryDirectory(prefix="drift-links-") as folder:
        stack = Linked(folder, FEATURES, Slack())
        try:
            stack.start_all()
            stack.send(shift({"a", "b"}, 0.625))
            stack.await_messages(1)
            yield stack
        finally:
            stack.stop()


def check_links(message, browse, stack):
    fields = {field["title"]: field["value"] for field in message["fields"]}
    found = links(fields["Links"])
    assert list(found) == ["Runbook", "Graph", "Dashboard"]

    page, _, anchor = found["Runbook"].partition("#")
    assert anchor == "criticaldatadrift"
    shown = browse(found["Runbook"])
    section = shown[shown.index(f'<h2 id="{anchor}">'):].partition("<h2 id=")[2].partition("<h2")[0]
    assert "CriticalDataDrift" in section and "Do</strong>" in section
    assert requests.get(stack.url("service", "/runbook"), timeout=10).text.count(f'<h2 id="{anchor}">') == 1

    # The legend names the series that were drawn: the scores and their thresholds.
    shown = browse(found["Graph"])
    for series in ("model_drift_score", "model_feature_drift_threshold", 'feature="a"', 'severity="critical"'):
        assert series in re.sub(r"<[^>]*>", "", shown[shown.index("legend"):].replace("&quot;", '"')), series
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(found["Graph"]).query)
    assert query["g0.tab"] == ["0"] and query["g0.end_input"]

    shown = browse(found["Dashboard"])
    assert "shop" in shown
    assert re.search(r"From .* drifted, first (a|b)\.", re.sub(r"<[^>]*>", "", shown)), "the incident, also when it is over"
    return fields["Links"]


def test_links_while_it_drifts_and_after_it_has_ended(stack, browse):
    [firing] = [body["attachments"][0] for body in stack.slack.accepted]
    command = shlex.split(re.search(r"```(.*)```", check_links(firing, browse, stack))[1])

    silenced = run(*command)
    assert silenced.returncode == 0, silenced.stdout
    alerts = requests.get(stack.url("alertmanager", "/api/v2/alerts"), params={"active": "false", "inhibited": "false"}, timeout=10)
    assert {alert["labels"]["feature"] for alert in alerts.json()} == {"a", "b"}, "just what fires"
    expired = run("amtool", f"--alertmanager.url={stack.url('alertmanager', '')}", "silence", "expire", silenced.stdout.strip())
    assert expired.returncode == 0, expired.stdout

    stack.send()
    stack.await_messages(2)
    ended = stack.slack.accepted[1]["attachments"][0]
    assert ended["title"].startswith("RESOLVED 2")
    time.sleep(AFTER_SECONDS)
    for message in (firing, ended):
        check_links(message, browse, stack)
