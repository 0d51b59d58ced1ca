"""All the models of a folder of vectors beside the project, where there is one: margins, leaves and
predictions of XGBoost 1.7 to 3.4 and LightGBM 4.6, and the models that must be refused."""
import json
import os
import pathlib

import pytest

from forest_vectors import Refused, check, probe

PROBE = os.environ["FOREST_PROBE"]
FOLDER = pathlib.Path(os.environ.get("MODELS", pathlib.Path(__file__).parents[4] / "shared" / "models"))
VECTORS = json.loads((FOLDER / "manifest.json").read_text())["vectors"] \
    if (FOLDER / "manifest.json").exists() else []
CASES = [pytest.param(vector, kind, id=f"{vector['name']}.{kind}") for vector in VECTORS
         for kind in vector["formats"]]

pytestmark = pytest.mark.skipif(not CASES, reason=f"no models in {FOLDER}")


@pytest.mark.parametrize("vector,kind", [c for c in CASES if not c.values[0]["refuse"]])
def test_equals_the_program(vector, kind, tmp_path):
    single = vector["program"] == "xgboost"
    facts = check(PROBE, FOLDER, vector["name"], kind, single, tmp_path)
    assert facts["warning"] == ""
    assert facts["objective"] == vector["objective"]


@pytest.mark.parametrize("vector,kind", [c for c in CASES if c.values[0]["refuse"]])
def test_is_refused_by_name(vector, kind):
    words = {"gblinear": "gblinear", "dump": "dump_model()", "config": "save_config()",
             "legacy": "old binary format", "linear": "linear tree"}
    model = FOLDER / f"{vector['name']}.model.{kind}"
    with pytest.raises(Refused) as refused:
        probe(PROBE, model, os.devnull)
    assert words[vector["name"].split("_", 1)[1]] in str(refused.value)
