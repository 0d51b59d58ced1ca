"""axe-core (npm, in GRAFANA_MODULES) looks at every built-in page, light and dark, and finds nothing serious."""
import json
import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = os.environ.get("GRAFANA_MODULES")
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/http")]
from browser import Browser  # noqa: E402
from test_pages import DRAWN, MEASURED, RENDERED  # noqa: E402

PAGES = {
    "/dashboard": f"{RENDERED} && document.querySelectorAll('#charts figure').length === 6",
    "/dashboard/features/feature_0?var-model=synthetic": f"{DRAWN} && document.querySelector('#chart svg')",
    "/dashboard/incidents/{id}?var-model=synthetic": "document.querySelectorAll('#moved tr').length > 0",
    "/dashboard/performance": MEASURED,
    "/dashboard/alerts": "!document.querySelector('#alerts-trouble').hidden",
    "/dashboard/try": "document.querySelectorAll('#steps li').length === 5",
    "/models/synthetic/report": "document.querySelector('article')",
    "/runbook": "document.querySelector('h2')",
}


@pytest.fixture(scope="module")
def seen():
    """A service with drift and labels, and a browser."""
    if not MODULES:
        pytest.skip("make test-grafana fetches axe-core and sets GRAFANA_MODULES")
    from conftest import Service, wait_for
    service, browser = Service(), Browser()
    service.post("/simulate/drift?severity=0&n_requests=250")
    service.post("/simulate/drift", json={"kind": "concept", "severity": 0.3, "n_requests": 300})
    service.post("/simulate/drift?severity=0.7&n_requests=200")
    wait_for(lambda: service.get("/models/synthetic/incidents").json()["incidents"], 20)
    yield service, browser
    browser.close()
    service.stop()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_nothing_serious(seen, path, dark):
    service, browser = seen
    [incident] = service.get("/models/synthetic/incidents").json()["incidents"]
    browser.size(1200, 900, dark)
    browser.open(service.url + path.format(**incident), PAGES[path])
    browser.run((pathlib.Path(MODULES) / "axe-core/axe.min.js").read_text() + "; 1")
    found = browser.run("axe.run(document, {resultTypes: ['violations']}).then(result => result)")
    assert len(found["passes"]) > 5, "it has looked"
    serious = [(v["id"], [n["html"][:200] + " " + n["failureSummary"][:200] for n in v["nodes"][:3]]) for v in found["violations"]
               if v["impact"] in ("serious", "critical")]
    assert serious == [], json.dumps(serious, indent=1)
