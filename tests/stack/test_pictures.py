"""The Slack inbox as a browser shows it: a warning, a critical and a resolved message as they arrived in the
incidents. The pictures are in docs/images; UPDATE_PICTURES=1 takes them anew."""

import json
import os
import pathlib
import re
import shutil
import struct
import subprocess

import pytest
import requests

from test_config import ROOT, eventually, free_port, start  # noqa: F401 (a fixture)
from test_incidents import BINARY, EXPECTED

IMAGES = ROOT / "docs/images"
WIDTH = 900
# picture -> (incident, its message, height, words that must be on the page)
PICTURES = {
    "inbox-warning": ("warning_becomes_critical", 0, 440, ["DataDriftDetected", "drift score", "0.312", "threshold 0.3"]),
    "inbox-critical": ("fifty_features", 0, 500, ["FIRING 50", "CriticalDataDrift", "f49", "and 40 more firing"]),
    "inbox-resolved": ("single_feature", 1, 360, ["RESOLVED 1", "last drift score", "It is over."]),
}


def browser():
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no chromium here: scripts/setup.sh test installs it")
    return found


def browse(profile, *arguments):
    shown = subprocess.run([browser(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                            "--disable-background-networking", "--disable-component-update", "--disable-sync",
                            f"--user-data-dir={profile}", "--hide-scrollbars", "--virtual-time-budget=1500", *arguments],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=90)
    assert shown.returncode == 0
    return shown.stdout.decode()


def message(incident, index):
    """As it arrived, with a time and addresses in place of what was normalised."""
    text = json.dumps(json.loads((EXPECTED / f"{incident}.json").read_text())[index])
    for word, instead in (("SERVICE", "127.0.0.1:8000"), ("TIME UTC", "2026-11-24 12:00:00 UTC"), ("from TIME", "from 2026-11-24 11:58:00")):
        text = text.replace(word, instead)
    return json.loads(text)


@pytest.mark.parametrize("name", PICTURES)
def test_picture(name, tmp_path, start):  # noqa: F811
    incident, index, height, words = PICTURES[name]
    port = free_port()
    start(BINARY, "slack-inbox", "--listen", f"127.0.0.1:{port}", cwd=tmp_path)
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: requests.get(url + "/messages", timeout=5).status_code == 200, "the inbox is ready")
    assert requests.post(url + "/slack", json=message(incident, index), timeout=5).status_code == 200
    page = re.sub(r"<[^>]+>", "", browse(tmp_path / "profile", "--dump-dom", url))
    assert [word for word in words if word not in page] == []
    taken = tmp_path / f"{name}.png"
    browse(tmp_path / "profile", f"--window-size={WIDTH},{height}", f"--screenshot={taken}", url)
    data = taken.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", data[16:24]) == (WIDTH, height)
    assert len(data) > 10000, "an empty page is smaller"
    if os.environ.get("UPDATE_PICTURES"):
        IMAGES.mkdir(exist_ok=True)
        shutil.copy(taken, IMAGES)


def test_documents_show_the_pictures():
    shown = "".join(path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
    for name in PICTURES:
        data = (IMAGES / f"{name}.png").read_bytes()
        assert data[:8] == b"\x89PNG\r\n\x1a\n" and f"images/{name}.png" in shown
