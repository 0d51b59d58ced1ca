"""A wall clock that somebody sets, forward or back, changes what people read and nothing else."""
import datetime
import os
import pathlib
import subprocess
import time

import pytest

from conftest import wait_for
from test_metrics import scrape, value

CONFIG = """
models:
  - name: aged
    version: "1"
    reference: reference.csv
    features: [{name: x, type: numeric}]
    scorer: {type: none, classes: ["0", "1"]}
    window: {duration: 4s}
    labels: {max_age: 3s}
"""
HOUR = 3600

pytestmark = pytest.mark.skipif("ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ,
                                reason="a sanitizer has to be loaded before anything else")


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    library = tmp_path_factory.mktemp("clock") / "faked_wall_clock.so"
    source = pathlib.Path(__file__).with_name("faked_wall_clock.c")
    subprocess.run(["cc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", source, "-o", library, "-ldl"], check=True)
    return library


@pytest.fixture
def aged(tmp_path, shim, start_service):
    """(service, set_clock): the service, and a function that puts its wall clock ahead by seconds."""
    (tmp_path / "reference.csv").write_text("x\n" + "\n".join(str(i / 100) for i in range(100)) + "\n")
    (tmp_path / "models.yml").write_text(CONFIG)
    setting = tmp_path / "ahead"

    def set_clock(seconds):
        new = tmp_path / "ahead.new"
        new.write_text(str(seconds))
        os.replace(new, setting)

    set_clock(0)
    service = start_service("--config", str(tmp_path / "models.yml"),
                            environment={"LD_PRELOAD": str(shim), "FAKED_WALL_CLOCK": str(setting)})
    return service, set_clock


def observe(service, *identifiers):
    answer = service.post("/observe", json={"instances": [
        {"features": [0.5], "prediction": "1", "id": identifier} for identifier in identifiers]})
    assert answer.status_code == 200, answer.text


def rows(service):
    return value(scrape(service), "model_window_observations", model="aged")


def label(service, identifier):
    answer = service.post("/labels", json={"id": identifier, "label": "1"}).json()
    return next(name for name in ("joined", "late", "unknown", "duplicate") if answer[name])


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_windows_and_labels_age_by_the_time_that_passes(aged, ahead):
    service, set_clock = aged
    observe(service, *(f"a{i}" for i in range(10)))
    set_clock(ahead)
    assert rows(service) == 10, "rows that have just come stay"
    assert label(service, "a0") == "joined", "a label that comes at once is not late"
    observe(service, "b0")
    assert rows(service) == 11
    wait_for(lambda: rows(service) == 0)
    assert label(service, "a1") == "late"


def test_what_people_read_follows_the_wall_clock(aged):
    service, set_clock = aged
    set_clock(-HOUR)
    observe(service, "a")
    shown = value(scrape(service), "model_last_observation_timestamp_seconds", model="aged")
    assert shown == pytest.approx(time.time() - HOUR, abs=5)
    again = {value(scrape(service), "model_last_observation_timestamp_seconds", model="aged") for _ in range(20)}
    assert again == {shown}, "the moment does not move while nobody sets the clock"
    set_clock(0)
    shown = value(scrape(service), "model_last_observation_timestamp_seconds", model="aged")
    assert shown == pytest.approx(time.time(), abs=5)
    stamp = datetime.datetime.fromisoformat(service.get("/drift/status").json()["timestamp"].replace("Z", "+00:00"))
    assert stamp.timestamp() == pytest.approx(time.time(), abs=5)
