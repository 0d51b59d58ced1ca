"""A short run of `make crash` (tests/crash/crash.py), which tells what is compared."""
import importlib.util
import pathlib

import pytest


@pytest.fixture(scope="module")
def harness():
    path = pathlib.Path(__file__).resolve().parents[1] / "crash/crash.py"
    spec = importlib.util.spec_from_file_location("crash", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_nothing_acknowledged_is_lost_but_the_last_second(harness):
    said = harness.crash(20, seed=3)
    assert said.startswith("20 kills ("), said


def test_the_comparison_notices_what_is_missing_and_what_is_invented(harness, tmp_path):
    """A row that was sent and is not known, and one that is known and was not sent."""
    run = harness.Harness(tmp_path, seed=4)
    try:
        run.turn("stopped")
        sent = list(run.rows)
        assert run.least["rows"] > 1
        run.rows[:] = sent[:run.least["rows"] - 1]
        with pytest.raises(harness.Broken, match="are known, and"):
            run.start()
        run.service.end(9)
        run.rows[:] = [(5.0, "Bern")] * len(sent)
        with pytest.raises(harness.Broken, match="the mean of the window"):
            run.start()
        run.service.end(9)
        run.rows[:] = sent
        run.least["rows"] = len(sent) + 1
        with pytest.raises(harness.Broken, match="were acknowledged in time"):
            run.start()
    finally:
        run.close()
