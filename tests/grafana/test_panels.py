"""The Grafana dashboard as Grafana draws it: its own panel code (npm packages, in GRAFANA_MODULES) in a headless Chromium, from the
dashboard's JSON and a live Prometheus, on quiet and on drifting traffic. `make test-grafana` runs it."""
import functools
import http.server
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import threading
import time

import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/stack")]
from browser import Browser  # noqa: E402
from test_dashboard import DASHBOARD, PANELS, substituted  # noqa: E402
from test_dashboard_live import Live  # noqa: E402
from test_incidents import Slack  # noqa: E402

MODULES = os.environ.get("GRAFANA_MODULES")
EXPORTED = ("bargauge", "timeseries", "stat")  # state timeline and heatmap are not in the packages
SECONDS = 40
PICTURE = (1, 2, 9, 42)  # what somebody on call looks at first
UNIT_TEXTS = {"percentunit": r"%$|^$|^-?[\d.]+$", "s": r"(s|ms|µs|ns|mins?|hours?|weeks?|days?|years?)$|^0 s$|^$", "bytes": r"[BKMGi]+B?$|B$|^$"}
COLORS = {"green": "#73BF69", "orange": "#FF9830", "red": "#F2495C"}  # Grafana's names in its dark theme


class Traffic(Live):
    """As test_dashboard_live, but for how far the age has moved."""
    shift = 0.0

    def traffic(self, stop):
        source, sent, session = random.Random(2), 0, requests.Session()
        while not stop.wait(0.2):
            rows, labels = [], []
            for _ in range(20):
                sent += 1
                age = source.gauss(self.shift, 1)
                rows.append({"features": {"age": age, "channel": "web" if source.random() < 0.7 else "shop"}, "id": f"r{sent}"})
                labels.append({"id": f"r{sent}", "label": self.truth(source, age)})
            for path, body in ("/predict", {"instances": rows}), ("/labels", {"labels": labels}):
                assert session.post(self.url("service", path), json=body, timeout=10).status_code == 200


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The address of the bundle of the panels' code."""
    if not MODULES:
        pytest.skip("make test-grafana fetches the packages and sets GRAFANA_MODULES")
    folder = tmp_path_factory.mktemp("page")
    shutil.copy(ROOT / "tests/grafana/app.jsx", folder)
    (folder / "drift.json").write_text(json.dumps(DASHBOARD))
    (folder / "index.html").write_text('<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><link rel="stylesheet" href="app.css"><body style="background:#111;color:#ccd"><div id="root"></div>'
                                       '<script src="app.js"></script>')
    (folder / "node_modules").symlink_to(pathlib.Path(MODULES).resolve())
    done = subprocess.run([f"{MODULES}/.bin/esbuild", "app.jsx", "--bundle", "--outfile=app.js", "--format=iife", "--jsx=automatic", "--loader:.svg=text",
                           "--loader:.ttf=empty", "--loader:.woff2=empty", "--loader:.woff=empty", '--define:process.env.NODE_ENV="production"'],
                          cwd=folder, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-3000:]

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/index.html"
    server.shutdown()


@pytest.fixture(scope="module")
def drawn(page, tmp_path_factory):
    """{"quiet": ..., "drift": ...}: what was drawn, of which time; with the pictures in docs/images where UPDATE_PICTURES says so."""
    stack, stop = Traffic(tmp_path_factory.mktemp("grafana"), [], Slack()), threading.Event()
    thread, browser = threading.Thread(target=stack.traffic, args=(stop,)), Browser()
    found = {}
    try:
        stack.start_all()
        began = time.time()
        thread.start()
        for name, shift in ("quiet", 0.0), ("drift", 1.5):
            stack.shift = shift
            time.sleep(SECONDS)
            assert thread.is_alive(), "the traffic goes on"
            end = time.time() - 2
            address = f"{page}?prometheus={stack.url('prometheus', '')}&start={began}&end={end}&model=live"
            browser.size(1184, 900)
            browser.open(address, "wanted.length > 0 && wanted.every(id => drawn[id])")
            time.sleep(1)  # the canvases are drawn after the elements
            panels = browser.run("drawn")
            for number, panel in panels.items():
                panel["dom"] = browser.run(f"""(() => {{ const part = document.querySelector('[data-panel="{number}"]');
                    const inks = [...part.querySelectorAll('canvas')].map(canvas => {{ const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                        const seen = new Set(); for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 0) seen.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]);
                        return seen.size }});
                    return {{ text: part.innerText, inks }} }})()""")
            found[name] = {"panels": panels, "end": end, "console": list(browser.console),
                           "prometheus": {panel["id"]: [answer(stack, target, began, end) for target in panel["targets"]] for panel in PANELS}}
            picture = tmp_path_factory.mktemp("pictures") / f"grafana-{name}.png"
            browser.size(1184, 640)
            browser.open(f"{address}&ids={','.join(map(str, PICTURE))}", "wanted.every(id => drawn[id])")
            time.sleep(1)
            browser.picture(picture)
            if os.environ.get("UPDATE_PICTURES"):
                shutil.copy(picture, ROOT / "docs/images")
        yield found
    finally:
        stop.set()
        if thread.ident:
            thread.join()
        stack.stop()
        browser.close()


def answer(stack, target, began, end):
    """Series of a target as Prometheus gives them."""
    expression = substituted(target["expr"], job=".+", model="live", rate="10s").replace("[30m]", f"[{round(end - began)}s]")
    times = {"time": end} if target["instant"] else {"start": began, "end": end, "step": 2}
    told = requests.get(stack.url("prometheus", "/api/v1/query" if target["instant"] else "/api/v1/query_range"),
                        params={"query": expression, **times}, timeout=20).json()
    assert told["status"] == "success", told
    return [re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda m: series["metric"].get(m[1], ""), target["legendFormat"]) for series in told["data"]["result"]]


def thresholds(panel, series):
    """Those of a series: the panel's, unless an override has others for its name."""
    found = panel["fieldConfig"]["defaults"]["thresholds"]
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"] == {"id": "byName", "options": series}:
            found = next((p["value"] for p in override["properties"] if p["id"] == "thresholds"), found)
    return found


SHOWN = [panel for panel in PANELS if panel["type"] in EXPORTED]


@pytest.mark.parametrize("when", ["quiet", "drift"])
@pytest.mark.parametrize("panel", SHOWN, ids=lambda panel: panel["title"])
def test_a_panel_is_drawn(drawn, when, panel):
    made = drawn[when]["panels"][str(panel["id"])]
    assert "error" not in made, made["error"]
    assert sorted(made["series"]) == sorted(sum(drawn[when]["prometheus"][panel["id"]], [])), "a series of Prometheus each"
    defaults = panel["fieldConfig"]["defaults"]
    if not made["series"]:
        assert "No data" in made["dom"]["text"]
        return
    assert made["steps"] == [[step["color"], step["value"]] for step in thresholds(panel, made["series"][0])["steps"]]
    pattern = UNIT_TEXTS.get(defaults["unit"])
    if pattern and not panel["fieldConfig"].get("overrides"):
        for value in made["values"]:
            assert value["number"] is None or re.search(pattern, value["text"]), value
    if panel["type"] == "timeseries":
        assert made["points"] > 0 and max(made["dom"]["inks"], default=0) > 3, "something is drawn"
        if panel["options"]["legend"]["showLegend"] and panel["options"]["legend"]["displayMode"] != "hidden":
            for name in made["series"]:
                assert name in made["dom"]["text"], "the legend names it"
    else:
        for value in made["values"]:
            assert value["text"] in re.sub(r"\s+", " ", made["dom"]["text"]) or value["text"].replace(" ", "") in re.sub(r"\s+", "", made["dom"]["text"])


def test_which_panels_the_packages_cannot_draw():
    assert {panel["type"] for panel in PANELS} - set(EXPORTED) == {"state-timeline", "heatmap"}
    assert len(SHOWN) > 30


def bar(drawn, when, feature):
    return [value for value in drawn[when]["panels"]["1"]["values"] if value["name"].startswith(feature + " (")]


def test_the_bars_say_how_much_of_its_threshold_a_score_has(drawn):
    assert all(value["number"] < 1 and value["color"] == COLORS["green"] for value in bar(drawn, "quiet", "age"))
    strongest = max(bar(drawn, "drift", "age"), key=lambda value: value["number"])
    assert strongest["number"] >= 2 and strongest["color"] == COLORS["red"], "above its critical threshold"
    assert all(value["number"] < 1 and value["color"] == COLORS["green"] for value in bar(drawn, "drift", "channel"))


def test_which_feature_moved_first(drawn):
    assert drawn["quiet"]["panels"]["42"]["series"] == []
    values = drawn["drift"]["panels"]["42"]["values"]
    assert "age" in values[0]["name"] and 0 < values[0]["number"] < SECONDS + 5, "since when it has drifted"
    assert [value["number"] for value in values] == sorted((value["number"] for value in values), reverse=True)


def test_nothing_is_wrong_on_the_console(drawn):
    for when in drawn.values():
        assert [line for line in when["console"] if "Warning" not in line] == []
