"""The models of tests/vectors/forest: margins, leaves and predictions (make_forest.py)."""
import os
import pathlib

import pytest

from forest_vectors import check

PROBE = os.environ["FOREST_PROBE"]
FOLDER = pathlib.Path(__file__).parents[2] / "vectors" / "forest"
MODELS = sorted(path.name for path in FOLDER.glob("*.model.*"))


def test_there_are_all_formats():
    assert {name.rsplit(".", 1)[1] for name in MODELS} == {"json", "ubj", "txt"}


@pytest.mark.parametrize("model", MODELS)
def test_equals_the_program(model, tmp_path):
    name, _, kind = model.split(".")
    facts = check(PROBE, FOLDER, name, kind, name.startswith("x_"), tmp_path)
    assert facts["warning"] == ""
