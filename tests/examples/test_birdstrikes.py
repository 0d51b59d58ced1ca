"""examples/birdstrikes: from the reference to a drift that appears, and XGBoost's own predictions."""
import csv
import importlib.util
import re
import socket
import subprocess
import sys

import numpy
import pytest
import xgboost

from conftest import BINARY, ROOT

FOLDER = ROOT / "examples" / "birdstrikes"
INIT = ["--id", "id", "--timestamp", "date", "--label", "damage", "--model", str(FOLDER / "model.json")]


def load(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


replay, train = load("replay"), load("train")


def rows_of(name):
    with open(FOLDER / name, newline="") as file:
        return list(csv.DictReader(file))


def run(*arguments):
    return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=60)


def has_command(name):
    return run(name, "--help").returncode == 0


def own_configuration(tmp_path):
    """What `init` writes."""
    if not has_command("init"):
        pytest.skip("this build has no init")
    done = run("init", FOLDER / "reference.csv", *INIT)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "drift.yml"
    path.write_text(done.stdout)
    return path


def test_init_and_validate(tmp_path, start_service):
    path = own_configuration(tmp_path)
    assert run("validate", path).returncode == 0, run("validate", path).stderr
    service = start_service("--config", str(path))
    status = service.get("/drift/status").json()
    assert {"operator", "phase", "size", "time_of_day", "speed"} <= set(status["features"])
    assert not {"id", "date", "damage"} & set(status["features"])
    answer = service.predict({"operator": "OTHER", "phase": "Climb", "size": "Large",
                              "time_of_day": "Day", "speed": None})
    assert 0 < answer["prediction"] < 1


@pytest.fixture(scope="module")
def later():
    return rows_of("later.csv")


def test_the_drift_appears_when_it_does(start_service, later):
    service = start_service("--config", str(FOLDER / "drift.yml"))
    seen = {}
    for group, answer in replay.replay(service.url, later):
        assert len(answer["predictions"]) == len(group)
        seen[replay.month(group[0])] = answer
    drifted = {month for month, answer in seen.items() if answer["drift_detected"]}
    # the operators who report change: not until late in 1995, and ever after
    assert not {month for month in drifted if month < "1995-06"}
    assert {month for month in seen if month >= "1996-06"} <= drifted
    assert seen["1993-12"]["drift_scores"]["operator"] < 0.1
    assert seen["2002-06"]["drift_scores"]["operator"] > 0.6
    status = service.get("/drift/status").json()
    verdicts = {name: any(m.get("drifted") for m in feature["methods"].values())
                for name, feature in status["features"].items()}
    assert verdicts["operator"]
    assert not any(verdicts[name] for name in ("phase", "size", "time_of_day", "speed"))
    labels = service.get("/performance").json()
    assert labels["total_labels"] == len(later)


def test_replay_shows_it(start_service):
    service = start_service("--config", str(FOLDER / "drift.yml"))
    done = subprocess.run([sys.executable, FOLDER / "replay.py", service.url], text=True,
                          capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["quarter", "rows", *replay.FEATURES, "drift"]
    by_quarter = {line[:7]: line.split()[-1] for line in lines[1:]}
    assert len(by_quarter) == 39
    assert by_quarter["1994 Q4"] == "-" and by_quarter["2000 Q3"] == "DRIFT"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_commands_of_the_readme(tmp_path):
    """As printed, but for the port, the folder of the result, and the build."""
    block = re.search(r"An example on real data:.*?```sh\n(.*?)```", (ROOT / "README.md").read_text(),
                      re.S)[1]
    commands = block.splitlines()
    assert len(commands) <= 5 and commands[0] == "make build"
    port = free_port()
    script = "\n".join(commands[1:] + ["kill %1", "wait"])
    script = script.replace("drift.yml", str(tmp_path / "drift.yml"))
    script = script.replace("build/model-service", BINARY)
    script = script.replace(" serve ", f" serve --listen 127.0.0.1:{port} ")
    script = script.replace("replay.py", f"replay.py http://127.0.0.1:{port}")
    done = subprocess.run(["bash", "-ec", "set -m\n" + script], cwd=ROOT, text=True, timeout=120,
                          capture_output=True)
    assert "valid: 1 model" in done.stdout, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("2002 Q3"), done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith("DRIFT")


def test_predictions_are_the_library_s_own(start_service, later):
    """To the last bit of float32, over every row of the example, one by one and in batches."""
    service = start_service("--config", str(FOLDER / "drift.yml"))
    booster = xgboost.Booster(model_file=FOLDER / "model.json")
    rows = rows_of("reference.csv") + later
    matrix = train.matrix_of(rows, booster.feature_names)
    expected = booster.predict(xgboost.DMatrix(matrix, feature_names=booster.feature_names))
    features = [{f: replay.value(row, f) for f in replay.FEATURES} for row in rows]
    for begin in range(0, len(rows), 1000):
        answer = service.post("/predict", json={"instances": features[begin:begin + 1000]}).json()
        got = numpy.array([p["prediction"] for p in answer["predictions"]])
        assert (got == expected[begin:begin + 1000].astype(float)).all()
    for i in range(0, len(rows), 50):
        assert service.predict(features[i])["prediction"] == float(expected[i])


def test_the_model_is_what_train_makes(tmp_path):
    booster = train.train(rows_of("reference.csv"))
    kept = xgboost.Booster(model_file=FOLDER / "model.json")
    matrix = train.matrix_of(rows_of("later.csv")[:500], kept.feature_names)
    assert booster.feature_names == kept.feature_names
    assert numpy.allclose(booster.inplace_predict(matrix), kept.inplace_predict(matrix), atol=1e-5)


def test_prepare_takes_the_published_columns(tmp_path):
    """The published file itself is not in the repository."""
    source = tmp_path / "birdstrikes.csv"
    header = ["Effect Amount of damage", "Flight Date", "Aircraft Airline Operator",
              "Phase of flight", "Wildlife Size", "Time of day", "Speed IAS in knots"]
    with open(source, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerow(["Minor", "1993-01-02", "B AIR*", "Climb", "Large", "Day", ""])
        writer.writerow(["None", "1990-01-02", "A AIR", "Climb", "Small", "Night", "140"])
    subprocess.run([sys.executable, FOLDER / "prepare.py", source, tmp_path], check=True)
    assert (tmp_path / "reference.csv").read_text().splitlines() == [
        ",".join(replay_columns()), "strike-00000,1990-01-02,A AIR,Climb,Small,Night,140,no"]
    assert (tmp_path / "later.csv").read_text().splitlines()[1] == \
        "strike-00001,1993-01-02,OTHER,Climb,Large,Day,,yes"


def replay_columns():
    return list(rows_of("reference.csv")[0])
