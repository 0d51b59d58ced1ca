"""A part of `make faults` (tests/faults/): allocations that fail."""
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "faults"))
import allocations  # noqa: E402

EVERY = 37


@pytest.fixture
def run():
    with allocations.harness() as harness:
        tried = subprocess.run([allocations.BINARY, "--version"], env={"LD_PRELOAD": str(harness.library)}, capture_output=True, check=False)
        if tried.returncode != 0:
            pytest.skip("a sanitizer has an allocator of its own")
        yield harness


def test_no_allocation_that_fails_at_the_start_is_a_crash(run):
    said = run.at_start(EVERY)
    starts, refused = (int(word) for word in said.replace(",", "").split() if word.isdigit())
    assert starts > 50 and 0 < refused < starts, said


def test_no_allocation_that_fails_in_a_request_is_the_clients_fault(run):
    said = run.in_requests(EVERY)
    assert int(said.split()[0]) > 60, said


def test_a_refused_row_is_noticed(run):
    with pytest.raises(allocations.Broken, match="one row, allocation 5"):
        run.judge("one row", 5, 422, b"{}")
    with pytest.raises(allocations.Broken, match="no such member"):
        run.judge("observe lines", 5, 200, b'{"rejected": 1, "errors": [{"detail": "no such member"}]}')
