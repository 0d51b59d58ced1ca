"""The examples of the documentation work: every block of commands in the pages of check, init and
validate is run, the output shown for an example is what it prints, and the tables of options have
the options of --help."""
import csv
import os
import pathlib
import random
import re
import subprocess

import pytest

from conftest import BINARY, ROOT

DOCS = ROOT / "docs"
PAGES = ["check.md", "configuration.md"]
# What the example commands of a page end with, where that is not success.
STATUS = {"--fail-on drift": {0, 3}}


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", (DOCS / page).read_text(), re.M | re.S)


def commands(page):
    lines = [line.split("  #")[0].strip() for block in blocks(page, "sh") for line in block.splitlines()]
    return [line for line in lines if line and "serve" not in line]


def housing(path, seed, names=("id", "created", "MedInc", "HouseAge", "y")):
    source = random.Random(seed)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for i in range(300):
            writer.writerow([i, f"2026-01-{i % 28 + 1:02}", round(source.gauss(4, 1), 3), source.randint(1, 50),
                             source.randint(0, 1)])


@pytest.fixture
def folder(tmp_path):
    """The files that the examples name, and the program on the path."""
    for seed, name in enumerate(["training.csv", "today.csv", "reference.csv"]):
        housing(tmp_path / name, seed)
    housing(tmp_path / "renamed.csv", 3, ("id", "created", "MedianIncome", "HouseAge", "y"))
    subprocess.run(["gzip", "-k", "today.csv"], cwd=tmp_path, check=True)
    (tmp_path / "models.yml").write_text(
        "models:\n  - {name: housing, reference: training.csv, scorer: {type: none},\n"
        "     features: [{name: MedInc}, {name: HouseAge}]}\n")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "model-service").symlink_to(pathlib.Path(BINARY).resolve())
    return tmp_path


def run(folder, line):
    return subprocess.run(["bash", "-o", "pipefail", "-c", line], cwd=folder, capture_output=True, text=True,
                          timeout=120, check=False, env={**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}"})


def train(folder):
    """model.json, for the example with a model."""
    xgboost, pandas = pytest.importorskip("xgboost"), pytest.importorskip("pandas")
    frame = pandas.read_csv(folder / "reference.csv")
    data = xgboost.DMatrix(frame[["MedInc", "HouseAge"]], label=frame.y)
    xgboost.train({"objective": "binary:logistic", "max_depth": 2}, data, 5).save_model(folder / "model.json")


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_run(folder, page):
    lines = commands(page)
    assert len(lines) >= 3
    for line in lines:
        if "model.json" in line:
            train(folder)
            (folder / "drift.yml").unlink(missing_ok=True)
        done = run(folder, line)
        allowed = next((codes for words, codes in STATUS.items() if words in line), {0})
        assert done.returncode in allowed, f"{page}: {line}: {done.returncode}\n{done.stderr}"


def test_the_output_shown_is_what_is_printed(folder):
    text = (DOCS / "check.md").read_text()
    pairs = re.findall(r"^```sh\n(model-service check [^`\n]*)\n```\n\n```\n(reference [^`]*)^```$", text, re.M)
    assert len(pairs) == 1
    for line, shown in pairs:
        assert run(folder, line).stdout == shown


def test_the_exit_status_of_a_gate_is_as_documented(folder):
    gate = "model-service check --reference training.csv --current renamed.csv --exclude id,created --fail-on drift"
    assert run(folder, gate).returncode == 3
    assert run(folder, gate + " --allow-missing-columns").returncode == 0


@pytest.mark.parametrize("command, page", [("check", "check.md"), ("init", "configuration.md")])
def test_every_option_is_documented_and_exists(command, page):
    shown = subprocess.run([BINARY, command, "--help"], capture_output=True, text=True, check=True).stdout
    options = set(re.findall(r"^  (--[a-z-]+)", shown, re.M)) - {"--help"}
    text = (DOCS / page).read_text()
    named = set(re.findall(r"--[a-z][a-z-]+", text))
    assert options <= named, options - named
    if command == "check":
        assert named <= options, named - options


def test_the_configuration_of_the_readme_is_valid(folder):
    found = blocks("../README.md", "yaml")
    assert len(found) == 1
    housing(folder / "housing_reference.csv", 5)
    (folder / "block.yml").write_text(found[0])
    done = run(folder, "model-service validate block.yml")
    assert done.returncode == 0, done.stderr
