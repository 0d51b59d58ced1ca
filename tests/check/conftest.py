"""Runs `model-service check` on small files written by the tests."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))  # for oracles.py
BINARY = os.environ.get("MODEL_SERVICE_BINARY", str(ROOT / "build" / "model-service"))
DATA = ROOT.parent / "shared" / "data"
SECONDS = 120


class Check:
    """A folder with files, and the command."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    def column(self, name, header, values):
        return self.write(name, header + "\n" + "".join(f"{v}\n" for v in values))

    def run(self, *arguments, **options):
        done = subprocess.run([BINARY, "check", *map(str, arguments)], capture_output=True,
                              timeout=SECONDS, check=False, **options)
        done.out, done.err = done.stdout.decode(), done.stderr.decode()
        assert "Sanitizer" not in done.err and "runtime error" not in done.err, done.err
        return done

    def files(self, reference, current, *arguments, **options):
        return self.run("--reference", reference, "--current", current, *arguments, **options)

    def json(self, reference, current, *arguments, **options):
        done = self.files(reference, current, "--format", "json", *arguments, **options)
        assert done.returncode == 0, done.err
        return json.loads(done.out)


def by_method(answer):
    """(feature, method) -> result; the keys must be unique."""
    results = {(r["feature"], r["method"]): r for r in answer["results"]}
    assert len(results) == len(answer["results"])
    return results


@pytest.fixture
def check(tmp_path):
    return Check(tmp_path)
