"""A part of `make faults` (tests/faults/files.py): damaged files of each kind; and configurations that would take for ever."""
import pathlib
import subprocess
import sys
import time

import pytest

from conftest import BINARY

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "faults"))
import files  # noqa: E402


@pytest.mark.parametrize("kind", files.kinds())
def test_a_damaged_file_is_refused_or_read(kind):
    with files.harness() as run:
        said = run.at_reload(kind, 80)
        taken = int(said.split(", ")[1].split()[0])
        assert taken < 60, said     # most of them are refused
        run.at_start(kind, 4)


def test_a_damaged_state_never_refuses_the_start():
    with files.harness() as run:
        run.state(15)


LAUGHS = "\n".join(["models: &a0 [x, x, x, x, x, x, x, x, x]"] + [
    f"a{i}: &a{i} [" + ", ".join([f"*a{i - 1}"] * 9) + "]" for i in range(1, 9)])


@pytest.mark.parametrize("text, said", [
    ("models: " + "[" * 1000000, ":1: nested more than 64 deep"),
    ("models: " + "{a: " * 100000, ":1: nested more than 64 deep"),
    ("models:\n" + "".join(" " * i + "-\n" for i in range(1, 2000)), ":65: nested more than 64 deep"),
    (LAUGHS, ":7: more than 2000000 values, an alias counted as what it stands for"),
    ("models: [" + ",".join(f"&x{i} a" for i in range(300)) + "]", ":1: more than 256 anchors"),
    ("models: [" + "x," * 2100000 + "]", ":1: more than 2000000 values"),
    ("models: &a [*a]", "expected a mapping"),
], ids=["brackets", "braces", "blocks", "laughs", "anchors", "values", "itself"])
def test_a_configuration_that_would_take_for_ever(tmp_path, text, said):
    (tmp_path / "c.yml").write_text(text + "\n")
    began = time.monotonic()
    checked = subprocess.run([BINARY, "validate", tmp_path / "c.yml"], capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 1 and said in checked.stderr, checked.stderr
    assert time.monotonic() - began < 20    # linear: a second, and a sanitizer's time


def test_anchors_and_aliases_are_welcome(tmp_path):
    (tmp_path / "reference.csv").write_text("x\n" + "\n".join(str(i % 7) for i in range(100)) + "\n")
    (tmp_path / "c.yml").write_text("""models:
  - name: one
    reference: reference.csv
    features: &features [{name: x}]
    scorer: &scorer {type: none}
  - {name: two, reference: reference.csv, features: *features, scorer: *scorer}
""")
    checked = subprocess.run([BINARY, "validate", tmp_path / "c.yml"], capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stderr
