"""model-service init: what it takes a column for, and that the result is valid whatever the names are."""
import csv
import os
import pathlib
import pty
import random
import subprocess
import time

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("MODEL_SERVICE_BINARY", str(ROOT / "build" / "model-service"))
DATA = ROOT.parent / "shared" / "data"


def run(*arguments, cwd=None):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, cwd=cwd, timeout=120,
                          check=False)
    done.out, done.err = done.stdout.decode(), done.stderr.decode()
    assert "Sanitizer" not in done.err and "runtime error" not in done.err, done.err
    return done


def write_csv(path, header, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def strings(text):
    """The document with every scalar as its text, as the service reads it."""
    return yaml.load(text, Loader=yaml.BaseLoader)


def init(folder, *arguments, name="ref.csv"):
    """The configuration of ref.csv in a folder: valid, and parsed by an independent reader."""
    done = run("init", name, *arguments, cwd=folder)
    assert done.returncode == 0 and done.err == "", done.err
    (folder / "drift.yml").write_text(done.out, encoding="utf-8")
    valid = run("validate", "drift.yml", cwd=folder)
    assert valid.returncode == 0, valid.err + done.out
    document = strings(done.out)
    assert list(document) == ["models"] and len(document["models"]) == 1
    return document["models"][0], done.out


def types(model):
    return {f["name"]: f["type"] for f in model["features"]}


def excluded(text):
    """Name and reason of the columns left out."""
    lines = [line for line in text.splitlines() if line.startswith("      # - {name: ")]
    result = {}
    for line in lines:
        entry, reason = line.removeprefix("      # - ").split("  # left out, ", 1)
        result[strings(entry)["name"]] = reason
    return result


def test_what_columns_are(tmp_path):
    rng = random.Random(1)
    header = ["row", "user_id", "amount", "flag", "city", "ticket", "when", "day", "created_at", "same",
              "nothing", "half", "mixed"]
    rows = [[i, 1000 + (i * 7919) % 100003, round(rng.gauss(5, 2), 3), i % 2, rng.choice("ABC"), f"T{i}x",
             f"2026-01-{i % 28 + 1:02}T12:00:00Z", f"{i % 28 + 1:02}.01.2026", 1750000000 + i * 3 % 70, "x",
             "NA", "" if i % 2 else 4.5 + i % 3, "3+" if i % 50 == 0 else i % 4] for i in range(300)]
    write_csv(tmp_path / "ref.csv", header, rows)
    model, text = init(tmp_path)
    assert types(model) == {"amount": "numeric", "flag": "numeric", "city": "categorical",
                            "half": "numeric", "mixed": "categorical"}
    left_out = excluded(text)
    assert set(left_out) == {"row", "user_id", "ticket", "when", "day", "created_at", "same", "nothing"}
    for name, word in {"row": "identifier", "user_id": "identifier", "ticket": "identifier",
                       "when": "timestamp", "day": "timestamp", "created_at": "timestamp",
                       "same": "constant", "nothing": "missing"}.items():
        assert word in left_out[name], left_out
    assert "50.0 % missing" in text and "3 distinct values" in text
    assert model["name"] == "ref" and model["reference"] == "ref.csv"
    assert model["scorer"] == {"type": "none", "task": "classification"}


def test_roles_by_option(tmp_path):
    rows = [[i, f"2026-01-01 00:{i % 60:02}:00", i % 7, ["no", "yes"][i % 2], 0.25 + i % 3 / 4,
             ["yes", "no", "maybe"][i % 3], i % 5, i % 4, i % 3] for i in range(120)]
    write_csv(tmp_path / "ref.csv", ["key", "t", "x", "p", "s", "y", "a", "b", "a,b"], rows)
    model, _ = init(tmp_path, "--id", "key", "--timestamp", "t", "--prediction", "p", "--score", "s",
                    "--label", "y", "--exclude", "a", "--exclude", "b,a,b", "--name", "loans")
    assert model["name"] == "loans"
    assert model["columns"] == {"id": "key", "timestamp": "t", "prediction": "p", "score": "s", "label": "y"}
    assert model["scorer"]["classes"] == ["maybe", "no", "yes"]
    assert types(model) == {"x": "numeric"}


@pytest.mark.parametrize("values, task, classes", [
    ([0, 1], "classification", ["0", "1"]), ([10, 9, 2], "classification", ["2", "9", "10"]),
    (["b", "a"], "classification", ["a", "b"]), ([0.5, 1], "regression", None),
    (range(40), "regression", None), (["only"], "classification", None)])
def test_task_and_classes(tmp_path, values, task, classes):
    values = list(values)
    write_csv(tmp_path / "ref.csv", ["x", "label"], [[i % 9, values[i % len(values)]] for i in range(120)])
    model, _ = init(tmp_path, "--label", "label")
    assert model["scorer"]["task"] == task and model["scorer"].get("classes") == classes


@pytest.mark.parametrize("prediction", [lambda i: "same", lambda i: f"class {i}", lambda i: "x" * 200 + str(i % 2)])
def test_predictions_without_classes_to_list(tmp_path, prediction):
    write_csv(tmp_path / "ref.csv", ["x", "p"], [[i % 9, prediction(i)] for i in range(150)])
    model, text = init(tmp_path, "--prediction", "p")
    assert "columns" not in model and "# prediction: p  # left out" in text


def test_reserved_names_are_the_output(tmp_path):
    write_csv(tmp_path / "ref.csv", ["x", "y", "prediction", "prediction_score"],
              [[i % 9, i % 7, i % 2, (i % 11) / 10] for i in range(100)])
    model, text = init(tmp_path)
    assert model["columns"] == {"prediction": "prediction", "score": "prediction_score"}
    assert text.count("assumed for its name") == 2
    model, text = init(tmp_path, "--prediction", "prediction", "--score", "x")
    assert "prediction_score" in excluded(text)


HOSTILE = ["yes", "no", "null", "~", "true", "NaN", "1", "-1.5", "0x10", "1e3", "2026-01-01", "- x", "-", "--- ",
           "a: b", "a #b", "#", "'single'", 'say "hi"', "back\\slash", "{flow}", "[list]", "a, b", "&anchor",
           "*alias", "!tag", "|", ">", "%", "@", "`", "? x", ": y", " lead", "trail ", "größe", "特徴", "🎉",
           "\u2028sep", "\u2029", "\ufeffmark", "<<", "=", "x=y", "\u00a0nbsp", "name", "models", "$(id)", "é",
           "...", "12:30:45", "0o7", "._"]


def test_hostile_names(tmp_path):
    write_csv(tmp_path / "ref.csv", HOSTILE, [[i * 7 % 13 + c for c in range(len(HOSTILE))] for i in range(60)])
    model, text = init(tmp_path)
    assert [f["name"] for f in model["features"]] == HOSTILE
    # also a reader that knows what the words mean takes them for text
    assert [f["name"] for f in yaml.safe_load(text)["models"][0]["features"]] == HOSTILE


def test_names_that_cannot_be(tmp_path):
    names = ["ok", "line\nbreak", "", "twice", "twice", "tab\there", "x" * 129, "c1\u0085"]
    write_csv(tmp_path / "ref.csv", names, [[i * 7 % 13 + c for c in range(len(names))] for i in range(60)])
    model, text = init(tmp_path)
    assert types(model) == {"ok": "numeric"}
    reasons = excluded(text)
    assert reasons["line\nbreak"].startswith("its name holds a line break")
    assert reasons[""].startswith("it has no name")
    assert reasons["twice"].startswith("its name appears more than once")
    assert reasons["x" * 129].startswith("its name is longer")


def test_hostile_values(tmp_path):
    """Examples stand in comments and classes in the scorer."""
    values = ["a\nb", "# no", "yes", "é\u2028x", 'q"q', "\u0085", "-", "x: y", "\ufeff"]
    write_csv(tmp_path / "ref.csv", ["c", "p"], [[values[i % 9], values[1 + i % 4]] for i in range(90)])
    model, _ = init(tmp_path, "--prediction", "p")
    assert types(model) == {"c": "categorical"}
    assert sorted(model["scorer"]["classes"]) == sorted(values[1:5])


def test_bad_values(tmp_path):
    (tmp_path / "ref.csv").write_bytes(b"x,u,big\n" + b"1,a,1\n2,\xff,1e999\n" * 40)
    model, text = init(tmp_path)
    assert types(model) == {"x": "numeric"}
    assert "UTF-8" in excluded(text)["u"] and "line 3" in excluded(text)["big"]
    numbers = [[i * 1.5, "?" if i == 77 else i * 2.5 % 97] for i in range(400)]
    write_csv(tmp_path / "ref.csv", ["x", "flawed"], numbers)
    _, text = init(tmp_path)
    assert '"?" in line 79' in excluded(text)["flawed"]


@pytest.mark.parametrize("seed", range(12))
def test_random_files_are_valid(tmp_path, seed):
    rng = random.Random(seed)
    alphabet = "aB1 -:#\"',{}[]&*!|>%@`~.é特\\/=?_\u2028"
    names = list({"".join(rng.choice(alphabet) for _ in range(rng.randint(1, 12))) for _ in range(9)})
    makers = [lambda i: rng.gauss(0, 1), lambda i: rng.choice(["", "NA", "x", "y,z", 'q"', "\n"]),
              lambda i: i, lambda i: rng.choice(alphabet) + str(rng.randint(0, 400)), lambda i: "same",
              lambda i: rng.choice([1, 2, "2+", "inf", "nan"]), lambda i: f"2026-02-{i % 28 + 1:02}",
              lambda i: f"1e{rng.randint(-300, 300)}" if rng.random() < .99 else "1e500"]
    columns = [rng.choice(makers) for _ in names] + [lambda i: rng.random()]
    write_csv(tmp_path / "ref.csv", names + ["sure"], [[m(i) for m in columns] for i in range(rng.randint(2, 300))])
    model, _ = init(tmp_path)
    assert "sure" in types(model)


@pytest.mark.parametrize("arguments, code, words", [
    ([], 2, ["expected the name of a CSV file"]), (["-"], 2, ["must be a file"]),
    (["none.csv"], 1, ["none.csv", "No such file"]), (["ref.csv", "more"], 2, ["unexpected argument"]),
    (["ref.csv", "--id", "nope"], 2, ['--id: no column "nope"', "x, y"]),
    (["ref.csv", "--exclude", "x,nope"], 2, ['--exclude: no column "nope"']),
    (["ref.csv", "--id", "x", "--label", "x"], 2, ["--id and --label both name", "x"]),
    (["ref.csv", "--exclude", "x", "--label", "x"], 2, ["--label and --exclude both name"]),
    (["ref.csv", "--exclude", "x,y"], 1, ["no column to monitor"]),
    (["ref.csv", "--score", "y"], 2, ["--score", "expected numbers"]),
    (["bad.csv", "--label", "y"], 2, ["--label", '"y"', "UTF-8", "line 2"]),
    (["ref.csv", "--name", "a/b"], 2, ["--name", "a/b"]),
    (["ref.csv", "--model", "m.pkl"], 2, [".json, .ubj or .txt"]),
    (["ref.csv", "--model", "m.json"], 1, ["m.json: No such file"]),
    (["ref.csv", "--model", "m.json", "--weights", "w.json"], 2, ["exclude each other"]),
    (["ref.csv", "--output", "ref.csv"], 1, ["ref.csv", "already"]),
    (["ref.csv", "--output", "no/where.yml"], 1, ["no/where.yml"]),
    (["short.csv"], 1, ["short.csv:3", "1 field", "2"]), (["empty.csv"], 1, ["no rows"])])
def test_refused(tmp_path, arguments, code, words):
    write_csv(tmp_path / "ref.csv", ["x", "y"], [[i % 5, "ab"[i % 2]] for i in range(60)])
    (tmp_path / "short.csv").write_text("x,y\n1,2\n1\n")
    (tmp_path / "bad.csv").write_bytes(b"x,y\n1,\xff\n2,a\n")
    (tmp_path / "empty.csv").write_text("x,y\n")
    done = run("init", *arguments, cwd=tmp_path)
    assert done.returncode == code and done.out == "", done.err
    for word in words:
        assert word in done.err
    assert len(done.err.splitlines()) <= 2


def test_output_in_another_folder(tmp_path):
    (tmp_path / "etc").mkdir()
    write_csv(tmp_path / "ref.csv", ["x"], [[i % 5] for i in range(60)])
    assert run("init", "ref.csv", "--output", "etc/drift.yml", cwd=tmp_path).returncode == 0
    assert run("validate", tmp_path / "etc" / "drift.yml", cwd="/").returncode == 0


@pytest.mark.skipif(not DATA.is_dir(), reason="the evaluation data is not here")
def test_the_public_data():
    done = run("init", DATA / "titanic_reference.csv", "--label", "Survived")
    model = strings(done.out)["models"][0]
    assert types(model) == {"Pclass": "numeric", "Sex": "categorical", "Age": "numeric", "SibSp": "numeric",
                            "Parch": "numeric", "Fare": "numeric", "Embarked": "categorical",
                            "boat": "categorical", "body": "numeric"}
    assert set(excluded(done.out)) == {"PassengerId", "Name", "Ticket", "Cabin", "home.dest"}
    done = run("init", DATA / "california_housing_reference.csv", "--label", "clf_target", "--prediction",
               "y_pred", "--score", "y_pred_proba")
    assert set(excluded(done.out)) == {"id", "timestamp"}
    assert len(strings(done.out)["models"][0]["features"]) == 8


def test_progress_on_a_terminal(tmp_path):
    # quoted fields are read one by one: a progress line is due after half a second
    line = ",".join(f'"{i}.25"' for i in range(40)) + "\n"
    (tmp_path / "ref.csv").write_text(",".join(f"c{i}" for i in range(40)) + "\n" + line + line.replace("25", "5") +
                                      line * 600000)
    master, slave = pty.openpty()
    process = subprocess.Popen([BINARY, "init", "ref.csv"], cwd=tmp_path, stderr=slave, stdout=subprocess.DEVNULL)
    os.close(slave)
    said = b""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            part = os.read(master, 4096)
        except OSError:
            break
        if not part:
            break
        said += part
    os.close(master)
    assert process.wait(timeout=60) == 0
    assert b"million rows" in said and b"%" in said
