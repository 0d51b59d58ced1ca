"""The examples of README.md and docs/ work: requests are sent and are accepted, answers have the members that are shown,
commands are run, configurations are accepted by the programs that read them. Every fenced block of every page has a
test here or in the file that WHERE names, so an example that nobody runs cannot be added.

docs/check.md and docs/configuration.md are run by tests/check/test_docs.py."""
import csv
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import time

import numpy
import pandas
import pytest
import yaml
from sklearn.linear_model import LogisticRegression

from conftest import BINARY, ROOT, Service, wait_for

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


class Block:
    """A fenced block of a page: its heading, language and text."""

    def __init__(self, page, heading, language, text):
        self.page, self.heading, self.language, self.text = page, heading, language, text

    def __repr__(self):
        return f"{self.page}: {self.heading}: {self.text.splitlines()[0]}"


def blocks(path):
    heading = ""
    lines = iter(path.read_text().splitlines())
    for line in lines:
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("```"):
            inside = []
            for inner in lines:
                if inner == "```":
                    break
                inside.append(inner)
            yield Block(path.name, heading, line[3:], "\n".join(inside) + "\n")


ALL = [block for path in PAGES for block in blocks(path)]


def block(page, heading, language, number=0):
    found = [b for b in ALL if (b.page, b.heading, b.language) == (page, heading, language)]
    return found[number].text


# --- every block has a test ---

HERE = "tests/http/test_examples.py"
# By page and language; for a page with drawings also by heading. The files named read the page.
WHERE = {
    ("check.md", "sh"): "tests/check/test_docs.py", ("check.md", ""): "tests/check/test_docs.py",
    ("configuration.md", "sh"): "tests/check/test_docs.py",
    ("README.md", "yaml"): "tests/check/test_docs.py",
    ("api.md", "json"): HERE, ("scorers.md", "json"): HERE, ("scorers.md", "python"): HERE, ("scorers.md", "sh"): HERE,
    ("security.md", "sh"): HERE, ("security.md", "yaml"): HERE, ("reliability.md", "sh"): HERE,
    ("README.md", "sh"): HERE, ("README.md", ""): HERE,
    ("design.md", ""): "tests/unit/test_layers.py",  # the map of the rooms; two pictures are drawings
}


def test_every_example_has_a_test():
    assert len(ALL) > 20
    assert {(b.page, b.language) for b in ALL} == set(WHERE)
    for (page, _), file in WHERE.items():
        assert page in (ROOT / file).read_text(), f"{file} does not read {page}"


# --- docs/api.md: requests and answers ---

WEIGHTS = {"age": {"weight": -0.01}, "sex": {"categories": {"female": 1.2, "male": -0.6}}, "fare": {"weight": 0.02}}


def write_titanic(folder, features=("age", "sex", "fare")):
    """Reference, weights and configuration of a model with the features of the examples."""
    source = random.Random(1)
    with open(folder / "titanic.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["age", "sex", "fare"])
        for _ in range(500):
            writer.writerow([source.randint(1, 80), source.choice(["female", "male"]), round(source.expovariate(0.03), 2)])
    (folder / "weights.json").write_text(json.dumps({"intercept": -0.4, "classes": ["0", "1"], "features": [
        {"name": name, **WEIGHTS[name]} for name in features]}))
    path = folder / "titanic.yml"
    path.write_text(yaml.safe_dump({"models": [{
        "name": "titanic", "reference": "titanic.csv", "scorer": {"type": "logistic", "file": "weights.json"},
        "features": [{"name": name, "type": "categorical" if name == "sex" else "numeric"} for name in features]}]}))
    return path


def documents(text):
    """The JSON texts of a block: one for each line, or one that takes several."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        found.append(value)
    return found


def api(heading, number):
    return documents(block("api.md", heading, "json", number))


def check_answer(shown, answer, where):
    """The answer has every member that is shown, of the same kind."""
    kinds = {dict: dict, list: list, bool: bool, int: (int, float), float: (int, float), str: str}
    assert isinstance(answer, kinds[type(shown)]), where
    if isinstance(shown, dict):
        assert set(shown) <= set(answer), f"{where}: {set(shown) - set(answer)}"
        for name, value in shown.items():
            check_answer(value, answer[name], f"{where}.{name}")
    elif isinstance(shown, list) and shown:
        assert answer, f"{where} is empty"
        check_answer(shown[0], answer[0], f"{where}[0]")


@pytest.fixture(scope="module")
def synthetic():
    service = Service()
    source = random.Random(2)
    service.post("/predict", json={"instances": [[source.gauss(0, 1) for _ in range(5)] for _ in range(100)]})
    yield service
    assert service.stop() == 0


@pytest.fixture(scope="module")
def titanic(tmp_path_factory):
    service = Service("--config", str(write_titanic(tmp_path_factory.mktemp("titanic"))))
    yield service
    assert service.stop() == 0


def test_predict(synthetic):
    requests = api("POST /predict", 0)
    assert len(requests) == 3
    answers = [synthetic.post("/predict", json=one) for one in requests]
    assert [answer.status_code for answer in answers] == [200] * 3
    check_answer(api("POST /predict", 1)[0], answers[0].json(), "answer")
    assert answers[1].json()["prediction_id"] == "a17" and len(answers[2].json()["predictions"]) == 2


def test_infer(tmp_path, start_service):
    service = start_service("--config", str(write_titanic(tmp_path, ("age", "sex"))))
    [request] = api("Open Inference Protocol (V2)", 0)
    answer = service.post("/v2/models/titanic/infer", json=request)
    assert answer.status_code == 200, answer.text
    assert answer.json()["outputs"][0]["shape"] == [2]


def test_observe(titanic):
    [request], [shown] = api("POST /observe", 0), api("POST /observe", 1)
    lines = [request, {"features": {"agee": 31}}, {**request, "features": [31, "female", 7.25], "id": "a18"}]
    answer = titanic.post("/observe", data="\n".join(map(json.dumps, lines)),
                          headers={"Content-Type": "application/x-ndjson"})
    assert answer.status_code == 200
    check_answer(shown, answer.json(), "answer")
    assert answer.json()["observed"] == 2
    # The sentence shown is the one of today.
    assert answer.json()["errors"][0] == {"line": 2, "detail": shown["errors"][0]["detail"]}


def test_labels(synthetic):
    one, many = api("POST /labels", 0)
    [shown] = api("POST /labels", 1)
    for identity in "a17", "a18":
        synthetic.post("/predict", json={"features": [0.5, -0.3, 0.8, 0.2, -0.1], "id": identity})
    assert synthetic.post("/labels", json=one).json()["joined"] == 1
    assert synthetic.post("/labels", json=many).json() == {
        "model": "synthetic", "joined": 1, "unknown": 0, "late": 0, "duplicate": 1, "conflicting": 0, "rejected": 0, "errors": []}
    wrong = synthetic.post("/labels", json={"labels": [many["labels"][1], {"id": "a19"}]}).json()
    check_answer(shown, wrong, "answer")
    assert wrong["errors"] == shown["errors"]
    lines = "".join(json.dumps(label) + "\n" for label in many["labels"])
    stream = synthetic.post("/labels", data=lines, headers={"Content-Type": "application/x-ndjson"})
    assert stream.json()["duplicate"] == 2


def test_reload(tmp_path, start_service):
    path = write_titanic(tmp_path)
    config = yaml.safe_load(path.read_text())
    titanic = config["models"][0]

    def models(*names):
        path.write_text(yaml.safe_dump({"models": [{**titanic, "name": name} for name in names]}))

    models("loans", "old")
    service = start_service("--config", str(path))
    models("loans", "risk")
    [shown] = api("POST /-/reload", 0)
    assert service.post("/-/reload").json() == shown


# --- README.md ---

def sh(command, cwd, timeout=60, **environment):
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=cwd, capture_output=True, text=True, timeout=timeout,
                          check=False, env={**os.environ, "no_proxy": "*", **environment})
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


def test_targets_and_scripts_of_the_readme_exist():
    """They are run by tests/stack (make run, the scripts) and by whoever runs this (make test)."""
    words = re.sub(r" +#.*", "", block("README.md", "Quick start", "") + block("README.md", "Quick start", "", 1))
    targets = sh("make help", ROOT)
    for line in words.splitlines():
        program, *arguments = line.split()
        if program == "make":
            assert re.search(rf"^ *(make )?{arguments[0]}\b", targets, re.M), line
        else:
            shown = sh(f"{program} --help", ROOT)
            assert all(argument in shown for argument in arguments), line


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def scraped(start_service):
    return start_service()


@pytest.fixture
def prometheus(scraped, tmp_path):
    """A real Prometheus with the project's rules, scraping a service every second; its address."""
    if not shutil.which("prometheus"):
        pytest.skip("prometheus is not installed")
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump({
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ROOT / "prometheus/rules/*.yml")],
        "scrape_configs": [{"job_name": "model-service", "static_configs": [
            {"targets": [scraped.url.removeprefix("http://")]}]}]}))
    port = free_port()
    process = subprocess.Popen(["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
                                f"--web.listen-address=127.0.0.1:{port}"], stderr=subprocess.DEVNULL)
    sh(f"curl -sf --retry 60 --retry-connrefused --retry-delay 1 http://127.0.0.1:{port}/-/ready", tmp_path, 90)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(20)


def test_queries_of_the_readme_find_something(prometheus, scraped):
    """Each has a positive result once there is drift."""
    text = re.sub(r"\n  (?=\S)", " ", block("README.md", "Try it", "", 1))
    queries = [re.split(r" {3,}", line)[0] for line in text.splitlines()]
    assert len(queries) == 5

    def values(query):
        answer = scraped.session.get(prometheus + "/api/v1/query", params={"query": query}, timeout=10)
        assert answer.status_code == 200, answer.text
        return [float(one["value"][1]) for one in answer.json()["data"]["result"]]

    def all_found():
        scraped.post("/predict", json={"instances": [[3, 3, 3, 3, 3]] * 100})
        time.sleep(0.5)
        return all(any(value > 0 for value in values(query)) for query in queries)

    wait_for(lambda: values("model_drift_incidents_total"), 30)
    wait_for(all_found, 60)


def test_what_another_server_predicted(tmp_path, start_service):
    source = random.Random(3)
    with open(tmp_path / "housing_reference.csv", "w") as file:
        file.write("MedInc,HouseAge\n" + "".join(f"{source.gauss(4, 1):.3f},{source.randint(1, 50)}\n" for _ in range(300)))
    config = yaml.safe_load(block("README.md", "Your own model", "yaml"))
    config["models"][0]["scorer"] = {"type": "none", "classes": ["0", "1"]}
    (tmp_path / "drift.yml").write_text(yaml.safe_dump(config))
    service = start_service("--config", str(tmp_path / "drift.yml"))
    commands = block("README.md", "Your own model", "sh").replace("localhost:8000", service.url).replace("curl -s", "curl -sf")
    answers = documents(sh(commands, tmp_path))
    assert answers[0]["observed"] == 1 and answers[1]["joined"] == 1
    assert answers[2]["metrics"]


def test_bird_strikes(tmp_path):
    """The commands as they stand, but for the build and the port."""
    port = free_port()
    lines = block("README.md", "Your own model", "sh", 1).splitlines()
    assert lines[0] == "make build" and lines[-1] == "examples/birdstrikes/replay.py"
    lines[3] = lines[3].replace("serve", f"serve --listen 127.0.0.1:{port}")
    lines[4] += f" http://127.0.0.1:{port}"
    (tmp_path / "build").mkdir()
    (tmp_path / "build/model-service").symlink_to(pathlib.Path(BINARY).resolve())
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    ready = f"curl -s --retry 50 --retry-connrefused --retry-delay 1 http://127.0.0.1:{port}/health >/dev/null"
    script = "\n".join([*lines[1:4], ready, lines[4], "kill %1", "wait"])
    printed = sh("set -m\n" + script, tmp_path, timeout=180)
    assert "DRIFT" in printed


# --- docs/scorers.md ---

def test_the_weights_file_is_read(tmp_path, start_service):
    write_titanic(tmp_path)
    (tmp_path / "weights.json").write_text(block("scorers.md", "A file of weights", "json"))
    (tmp_path / "drift.yml").write_text(yaml.safe_dump({"models": [{
        "name": "titanic", "reference": "titanic.csv", "features": [{"name": "age"}, {"name": "sex", "type": "categorical"}],
        "scorer": {"type": "logistic", "file": "weights.json"}}]}))
    service = start_service("--config", str(tmp_path / "drift.yml"))
    [weights] = documents(block("scorers.md", "A file of weights", "json"))
    for age, sex, category in (51, "male", 0.1), (None, "female", -0.4), (38.2, "unknown", 0):
        value = 37 if age is None else age
        margin = weights["intercept"] + 0.8 * (value - 38.2) / 13.1 + category
        answer = service.predict({"age": age, "sex": sex})
        assert answer["prediction"] == pytest.approx(1 / (1 + numpy.exp(-margin)), rel=1e-12)
        assert answer["prediction_class"] in weights["classes"]


def test_predictions_of_the_trainer_are_compared(tmp_path):
    """A model of scikit-learn, written out, gives the predictions that the Python of the page writes down."""
    source = numpy.random.default_rng(5)
    rows = pandas.DataFrame({"MedInc": source.normal(4, 1, 300), "HouseAge": source.integers(1, 50, 300).astype(float)})
    model = LogisticRegression().fit(rows, (rows.MedInc + source.normal(0, 1, 300) > 4).astype(int))
    rows.to_csv(tmp_path / "reference.csv", index=False)
    weights = {"intercept": model.intercept_[0], "classes": ["0", "1"], "features": [
        {"name": name, "weight": weight} for name, weight in zip(rows.columns, model.coef_[0])]}
    (tmp_path / "weights.json").write_text(json.dumps(weights))
    (tmp_path / "drift.yml").write_text(yaml.safe_dump({"models": [{
        "name": "housing", "reference": "reference.csv", "features": [{"name": "MedInc"}, {"name": "HouseAge"}],
        "scorer": {"type": "logistic", "file": "weights.json"}}]}))
    code = block("scorers.md", "Is it the same model?", "python").replace("predictions.csv", f"{tmp_path}/predictions.csv")
    exec(code, {"rows": rows, "model": model})  # pylint: disable=exec-used
    command = block("scorers.md", "Is it the same model?", "sh")
    path = f"{pathlib.Path(BINARY).resolve().parent}:{os.environ['PATH']}"
    sh(command, tmp_path, PATH=path)
    table = pandas.read_csv(tmp_path / "predictions.csv")
    table.loc[17, "prediction"] += 0.01
    table.to_csv(tmp_path / "predictions.csv", index=False)
    with pytest.raises(AssertionError, match="row 18"):
        sh(command, tmp_path, PATH=path)


# --- docs/security.md ---

def test_tokens(tmp_path):
    port = free_port()
    make, serve, ask = block("security.md", "Who may do what", "sh").splitlines()
    sh(make, tmp_path)
    assert (tmp_path / "tokens").stat().st_mode & 0o077 == 0
    command = serve.replace("build/model-service", BINARY).replace("0.0.0.0:8000", f"127.0.0.1:{port}")
    with subprocess.Popen(["bash", "-c", "exec " + command], cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
        try:
            ask = ask.replace("curl -s", f"curl -sf --retry 50 --retry-connrefused --connect-to drift.example.com:8000:127.0.0.1:{port}")
            answer = json.loads(sh(ask, tmp_path))
            assert answer["model"] == "synthetic"
            with pytest.raises(AssertionError):
                sh(re.sub(r'-H ".*?" ', "", ask), tmp_path)
        finally:
            process.terminate()


def test_the_scrape_configuration_with_a_token(tmp_path):
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed")
    (tmp_path / "token").write_text("secret\n")
    (tmp_path / "prometheus.yml").write_text(block("security.md", "Who may do what", "yaml"))
    assert "SUCCESS" in sh("promtool check config prometheus.yml", tmp_path)


# --- docs/reliability.md ---

def test_the_commands_of_state(tmp_path):
    folder = tmp_path / "state"
    service = Service("--state", str(folder))
    service.predict([0.5, -0.3, 0.8, 0.2, -0.1])
    assert service.stop() == 0
    lines = [re.sub(r"  +#.*", "", line) for line in block("reliability.md", "Commands", "sh").splitlines()]
    assert [line.split()[2] for line in lines] == ["list", "export", "import", "forget"]
    path = f"{pathlib.Path(BINARY).resolve().parent}:{os.environ['PATH']}"
    listed = []
    for line in lines:
        line = line.replace("FILE", "copy.db").replace("DIR", str(folder)).replace("MODEL", "synthetic")
        sh(line, tmp_path, PATH=path)
        listed.append("synthetic" in sh(f"model-service state list --state {folder}", tmp_path, PATH=path))
    assert listed == [True, True, True, False]


# --- commands within sentences ---

INLINE = sorted({span for path in PAGES if path.name != "decisions.md"
                 for span in re.findall(r"`((?:curl|make|\./\w+\.sh|scripts/\w+\.sh|(?:build/)?model-service) [^`]+)`", path.read_text())})


@pytest.mark.parametrize("command", INLINE)
def test_commands_within_sentences_exist(command, synthetic, tmp_path):
    """curl's addresses answer; targets, commands and options are those that --help lists."""
    program, *words = command.split(" | ")[0].split(" > ")[0].split()
    if program == "curl":
        if "localhost:8000" not in command:
            pytest.skip("it asks Alertmanager, which tests/stack does")
        line = command.replace("MODEL", "synthetic").replace("http://localhost:8000", synthetic.url)
        printed = sh(line, tmp_path)
        if "-X POST" in command:  # the built-in model has no file to read again
            assert json.loads(printed)["status"] == 409
        else:
            assert printed and '"status": 4' not in printed and '"status":4' not in printed
    elif program == "make":
        assert re.search(rf"^{words[0]}\b", sh("make help", ROOT), re.M)
    elif program.endswith(".sh"):
        shown = sh(f"{program} --help", ROOT)
        assert all(word in shown for word in words if re.match(r"-|[a-z]+$", word))
    else:
        shown = sh(f"{BINARY} {words[0]} --help", ROOT)
        assert all(word in shown for word in words[1:] if word.startswith("--"))
