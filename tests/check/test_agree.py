"""init and validate agree: init writes nothing that validate would refuse, names files from where it
writes, and both warn about what can never match. The models are written by XGBoost itself."""
import json
import os
import pickle
import subprocess

import pytest
import yaml

from conftest import BINARY


def run(*arguments, cwd=None):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, timeout=120, check=False,
                          cwd=cwd, text=True)
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
    return done


def model_of(text):
    return yaml.load(text, Loader=yaml.BaseLoader)["models"][0]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """References and models: raw columns, pandas' dummies at the defaults of pandas 2 and as integers."""
    xgboost, pandas = pytest.importorskip("xgboost"), pytest.importorskip("pandas")
    numpy = pytest.importorskip("numpy")
    folder = tmp_path_factory.mktemp("trained")
    rng = numpy.random.default_rng(1)
    raw = pandas.DataFrame({"age": rng.normal(40, 10, 300).round(1), "sex": rng.choice(["m", "f"], 300),
                            "city": rng.choice(["a", "b", "c"], 300)})
    truth = (raw.age > 40).astype(int)
    dummies = pandas.get_dummies(raw)
    booleans = dummies.astype({c: bool for c in dummies.columns[1:]})
    codes = raw.astype({"sex": "category", "city": "category"})
    for name, frame in ("raw", raw), ("numbers", dummies.astype(float)), ("booleans", booleans):
        frame.assign(y=truth).to_csv(folder / f"{name}.csv", index=False)
    for name, frame in ("dummies", booleans), ("categories", codes):
        data = xgboost.DMatrix(frame, label=truth, enable_categorical=True)
        xgboost.train({"objective": "binary:logistic", "max_depth": 2, "tree_method": "hist"}, data, 5).save_model(
            folder / f"{name}.json")
    (folder / "other.json").write_text(json.dumps({"learner": {}}))
    (folder / "list.json").write_text("[1, 2]")
    return folder


@pytest.mark.parametrize("reference", ["raw", "numbers", "booleans"])
@pytest.mark.parametrize("model", ["dummies", "categories", "other", "list"])
def test_what_init_writes_is_valid(trained, reference, model):
    done = run("init", f"{reference}.csv", "--label", "y", "--model", f"{model}.json", cwd=trained)
    if done.returncode == 0:
        (trained / "drift.yml").write_text(done.stdout)
        valid = run("validate", "drift.yml", cwd=trained)
        assert valid.returncode == 0, valid.stderr
    else:
        assert done.returncode == 1 and done.stdout == ""
        assert "nothing is written" in done.stderr and f"{model}.json" in done.stderr
    expected = {("numbers", "dummies"): 0, ("raw", "dummies"): 1, ("booleans", "dummies"): 1,
                ("numbers", "categories"): 1}
    if model in ("other", "list"):
        assert done.returncode == 1
    elif (reference, model) in expected:
        assert done.returncode == expected[reference, model], done.stderr
    if (reference, model) == ("booleans", "dummies"):
        assert "get_dummies(..., dtype=int)" in done.stderr


def test_nothing_is_written_to_a_file_either(trained, tmp_path):
    output = tmp_path / "drift.yml"
    done = run("init", trained / "raw.csv", "--label", "y", "--model", trained / "dummies.json", "--output", output)
    assert done.returncode == 1 and not output.exists()


def test_weights_that_do_not_fit(tmp_path):
    (tmp_path / "ref.csv").write_text("x,y\n" + "".join(f"{i % 9}.5,{i % 2}\n" for i in range(80)))
    weights = {"intercept": 0, "features": [{"name": "z", "weight": 1}]}
    (tmp_path / "w.json").write_text(json.dumps(weights))
    done = run("init", "ref.csv", "--label", "y", "--weights", "w.json", cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == "" and "w.json" in done.stderr


# --- paths and names ---


def test_paths_are_relative_to_the_file_that_is_written(trained, tmp_path):
    for part in "data", "models", "conf/deep":
        (tmp_path / part).mkdir(parents=True)
    (tmp_path / "data" / "ref.csv").write_bytes((trained / "numbers.csv").read_bytes())
    (tmp_path / "models" / "m.json").write_bytes((trained / "dummies.json").read_bytes())
    arguments = ["init", "data/ref.csv", "--label", "y", "--model", "models/m.json", "--output"]
    assert run(*arguments, "conf/deep/drift.yml", cwd=tmp_path).returncode == 0
    model = model_of((tmp_path / "conf" / "deep" / "drift.yml").read_text())
    assert model["reference"] == "../../data/ref.csv" and model["scorer"]["file"] == "../../models/m.json"
    assert run(*arguments, "data/drift.yml", cwd=tmp_path).returncode == 0
    model = model_of((tmp_path / "data" / "drift.yml").read_text())
    assert model["reference"] == "ref.csv" and model["scorer"]["file"] == "../models/m.json"
    for path in "conf/deep/drift.yml", "data/drift.yml":
        assert run("validate", tmp_path / path, cwd="/").returncode == 0
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    assert run("validate", moved / "conf" / "deep" / "drift.yml", cwd="/").returncode == 0


@pytest.mark.parametrize("reference, model, name", [
    ("reference.csv", "churn.json", "churn"), ("reference.csv", "churn/model.json", "churn"),
    ("churn_reference.csv", None, "churn"), ("churn/reference.csv", None, "churn"),
    ("churn.csv", "other/model.json", "other"), ("ref.csv", None, "ref"), ("a b.csv", None, "a_b")])
def test_a_model_is_named_after_the_model(trained, tmp_path, reference, model, name):
    for path, source in (reference, "numbers.csv"), (model, "dummies.json"):
        if path:
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_bytes((trained / source).read_bytes())
    done = run("init", reference, "--label", "y", *(["--model", model] if model else []), cwd=tmp_path)
    assert done.returncode == 0 and model_of(done.stdout)["name"] == name, done.stderr


# --- what only another program can run ---


@pytest.mark.parametrize("name, start", [
    ("m.pkl", pickle.dumps({"a": 1})), ("m.joblib", pickle.dumps([1])), ("m.onnx", b"\x08\x08\x12\x07pytorch"),
    ("m.pt", b"PK\x03\x04"), ("m.pth", b"PK\x03\x04"), ("m.h5", b"\x89HDF\r\n\x1a\n"), ("m.json", pickle.dumps(1)),
    ("m.keras", b"PK\x03\x04"), ("m.cbm", b"CBM1")])
def test_the_way_to_observe_is_in_the_answer(tmp_path, name, start):
    (tmp_path / "ref.csv").write_text("x\n" + "".join(f"{i % 9}.5\n" for i in range(80)))
    (tmp_path / name).write_bytes(start + bytes(50))
    (tmp_path / "drift.yml").write_text(
        "models:\n  - {name: m, reference: ref.csv, features: [{name: x}],\n"
        f"     scorer: {{type: xgboost, file: {name}}}}}\n")
    for done in (run("init", "ref.csv", "--model", name, cwd=tmp_path), run("validate", "drift.yml", cwd=tmp_path)):
        assert done.returncode == 1 and "/observe" in done.stderr and name in done.stderr, done.stderr


# --- spellings ---


def test_a_number_spelt_in_another_way_is_warned_about(tmp_path):
    rows = "".join(f"{'x' if i % 3 == 0 else str(float(i % 3))},{i}.5\n" for i in range(90))
    (tmp_path / "ref.csv").write_text("k,x\n" + rows)
    done = run("init", "ref.csv", "--output", "drift.yml", cwd=tmp_path)
    assert done.returncode == 0
    valid = run("validate", "drift.yml", cwd=tmp_path)
    assert valid.returncode == 0
    for said in done.stderr, valid.stderr:
        assert said.count("warning") == 1 and '"k"' in said and '"1.0"' in said and '"1"' in said
    (tmp_path / "ref.csv").write_text("k,x\n" + rows.replace(".0,", ","))
    assert run("validate", "drift.yml", cwd=tmp_path).stderr == ""


def test_booleans_need_no_warning(tmp_path):
    """Every spelling of a boolean is one category, so that none can be wrong."""
    (tmp_path / "ref.csv").write_text("k,x\n" + "".join(f"{('True', 'false')[i % 2]},{i}.5\n" for i in range(90)))
    done = run("init", "ref.csv", "--output", "drift.yml", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""


def test_serve_logs_the_warnings_too(tmp_path):
    (tmp_path / "ref.csv").write_text("k,x\n" + "".join(f"{2**60 + i},{i}.5\n" for i in range(90)))
    (tmp_path / "drift.yml").write_text("models:\n  - {name: m, reference: ref.csv, scorer: {type: none},\n"
                                        "     features: [{name: k}, {name: x}]}\n")
    with subprocess.Popen([BINARY, "serve", "--config", tmp_path / "drift.yml", "--listen", "127.0.0.1:0"],
                          stderr=subprocess.PIPE, text=True, env={**os.environ}) as service:
        lines = []
        for line in service.stderr:
            lines.append(line)
            if "listening" in line or len(lines) > 20:
                break
        service.terminate()
        service.communicate(timeout=20)
    assert sum("2^53" in line for line in lines) == 1, lines
