"""serve --state: what the models know survives kills, and no disk takes the service down."""
import concurrent.futures
import gzip
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import time

import numpy
import pandas
import pytest

from conftest import BINARY, Service, wait_for
from test_labels import value
from test_metrics import scrape

MODELS = """models:
  - name: binary
    reference: reference.csv
    features: [{name: x}, {name: y}, {name: town, type: categorical}]
    scorer: {type: none, classes: ["no", "yes"]}
    columns: {prediction: said, score: probability, label: truth}
    window: {observations: 300}
    labels: {capacity: 400, window: 100}
    streams:
      - {feature: x, detectors: [adwin, page_hinkley]}
  - name: passing
    reference: reference.csv
    features: [{name: x}, {name: y}]
    scorer: {type: logistic, intercept: 0, weights: [{feature: x, weight: 1}, {feature: y, weight: 1}]}
    window: {duration: 1h}
  - name: number
    reference: reference.csv
    features: [{name: x}, {name: y}]
    scorer: {type: none, task: regression}
    columns: {prediction: guessed, label: measured}
    labels: {capacity: 1000, window: 50}
"""
SAVED = 1.6  # seconds after which what was acknowledged is on the disk


def make_reference(path, shift=0.0, rows=1000):
    generator = numpy.random.default_rng(5)
    frame = pandas.DataFrame(generator.normal(shift, 1, (rows, 2)).round(4), columns=["x", "y"])
    frame["town"] = generator.choice(["Bern", "Oslo", "Rome"], rows)
    frame["probability"] = (1 / (1 + numpy.exp(-frame.x))).round(4)
    frame["said"] = numpy.where(frame.probability > 0.5, "yes", "no")
    frame["truth"] = numpy.where(generator.random(rows) < frame.probability, "yes", "no")
    frame["guessed"] = frame.x
    frame["measured"] = (frame.x + generator.normal(0, 0.3, rows)).round(4)
    frame.to_csv(path, index=False)


@pytest.fixture
def folder(tmp_path):
    make_reference(tmp_path / "reference.csv")
    (tmp_path / "c.yml").write_text("state: kept\n" + MODELS)
    return tmp_path


@pytest.fixture
def serve(folder, start_service):
    def start(*arguments, **options):
        return start_service("--config", str(folder / "c.yml"), *arguments, **options)
    return start


def traffic(service, generator, rows, shift=0.0):
    """Rows, predictions, missing values and labels of every kind to all three models."""
    for model in ("binary", "number"):
        lines, labels = [], []
        for _ in range(rows):
            x, y = generator.gauss(shift, 1), generator.gauss(0, 1)
            id_ = f"{generator.getrandbits(60):x}"
            features = {"x": round(x, 4), "y": generator.choice([round(y, 4), None])}
            line = {"features": features, "id": id_}
            if model == "binary":
                features["town"] = generator.choice(["Bern", "Oslo", "Rome", "Nowhere", None])
                line |= {"prediction": generator.choice(["yes", "no"]), "score": round(generator.random(), 4)}
                truth = generator.choice(["yes", "no"])
            else:
                line["prediction"] = round(x, 4)
                truth = round(x + generator.gauss(0, 2), 4)
            lines.append(line)
            labels.append({"id": id_, "label": truth})
        lines.append({**lines[-1], "id": f"{generator.getrandbits(60):x}", "label": truth})
        labels = [label for label in labels if generator.random() < 0.7] + labels[:2] + [{"id": "?", "label": truth}]
        for path, sent in (("observe", lines), ("labels", labels)):
            body = "\n".join(map(json.dumps, sent))
            answer = service.post(f"/models/{model}/{path}", data=body, headers={"Content-Type": "application/x-ndjson"})
            assert answer.status_code == 200, answer.text
    instances = [[generator.gauss(shift, 1), generator.gauss(0, 1)] for _ in range(rows)]
    assert service.post("/models/passing/predict", json={"instances": instances}).status_code == 200


def knowledge(service):
    """All that the service says about its models, but for the coverage, which changes as time goes by, and the history,
    which grows by itself."""
    said = {}
    for model in ("binary", "passing", "number"):
        for path in ("drift/status", "performance"):
            answer = service.get(f"/models/{model}/{path}").json()
            answer.pop("timestamp", None)
            answer.get("labels", {}).pop("coverage", None)
            said[model, path] = answer
    families = scrape(service)
    said["metrics"] = {
        (sample.name, tuple(sorted(sample.labels.items()))): str(sample.value)
        for family in families.values() for sample in family.samples
        if "model" in sample.labels and not re.search("_created$|coverage", sample.name)}
    return said


def difference(one, two, path):
    """Where two answers differ first."""
    if isinstance(one, dict) and isinstance(two, dict) and one.keys() == two.keys():
        return next(difference(one[k], two[k], f"{path}.{k}") for k in one if one[k] != two[k])
    return f"{path}: {one} != {two}"


def assert_same(before, after):
    assert before.keys() == after.keys()
    for key in before:
        assert before[key] == after[key], difference(before[key], after[key], str(key))


@pytest.mark.parametrize("sig, pause", [(signal.SIGTERM, 0), (signal.SIGKILL, SAVED)])
def test_a_restart_changes_nothing(serve, sig, pause):
    generator, service = random.Random(1), serve()
    for turn in range(4):
        traffic(service, generator, (20, 400, 3, 90)[turn], shift=(0, 0, 2, 3)[turn])
        time.sleep(pause)
        before = knowledge(service)
        service.stop(sig)
        service = serve()
        assert service.log.count("goes on with its saved state") == 3, service.log
        assert_same(before, knowledge(service))
    assert before["binary", "drift/status"]["features"]["x"]["drifted_since"]
    assert before["binary", "performance"]["labels"]["late"] > 0


def test_a_restart_equals_no_restart(serve, folder, start_service):
    """The same rows through a service that is killed again and again and one that is not."""
    (folder / "plain.yml").write_text(MODELS)
    other = start_service("--config", str(folder / "plain.yml"))
    one, two, service = random.Random(2), random.Random(2), serve()
    for turn in range(3):
        traffic(service, one, 150, shift=turn)
        traffic(other, two, 150, shift=turn)
        time.sleep(SAVED)
        service.stop(signal.SIGKILL)
        service = serve()
    kept, plain = knowledge(service), knowledge(other)
    for model in ("binary", "passing", "number"):
        mine, theirs = (k[model, "drift/status"]["features"] for k in (kept, plain))
        for name in mine:
            for method in ("ks_test", "psi"):
                assert mine[name]["scores"].get(method) == theirs[name]["scores"].get(method) \
                    if "scores" in mine[name] else mine[name].get(method) == theirs[name].get(method)
    for series, number in plain["metrics"].items():
        if not re.search("timestamp|latency|_since|lag|_change_", series[0]):     # evidence of changes begins with the seconds
            assert kept["metrics"][series] == number, series


def past(service, model):
    """Series and incidents, of which the last one goes on while something has drifted."""
    answers = [service.get(f"/models/{model}/{path}").json() for path in ("history", "history?feature=x", "incidents")]
    return {"all": answers[0], "x": answers[1], "incidents": answers[2]["incidents"]}


@pytest.mark.parametrize("sig, pause", [(signal.SIGTERM, 0), (signal.SIGKILL, SAVED)])
def test_history_and_incidents_survive(serve, sig, pause):
    service = serve()
    traffic(service, random.Random(12), 400, shift=2)
    wait_for(lambda: past(service, "binary")["incidents"], 20)        # from here on five seconds without another point
    time.sleep(pause)
    before = past(service, "binary")
    service.stop(sig)
    service = serve()
    assert_same(before, past(service, "binary"))
    traffic(service, random.Random(13), 20, shift=2)
    wait_for(lambda: past(service, "binary")["incidents"] != before["incidents"], 20)
    incident, = past(service, "binary")["incidents"]                  # it goes on
    assert (incident["id"], incident["opened"], incident["ended"]) == (
        before["incidents"][0]["id"], before["incidents"][0]["opened"], None)
    (ms, strength), *_ = before["x"]["fine"]["points"]                # an interval may still have grown
    assert any(at == ms and more >= strength for at, more in past(service, "binary")["x"]["fine"]["points"])


def changes(service, model="old"):
    return {name: feature["change"] for name, feature in service.get(f"/models/{model}/drift/status").json()["features"].items()}


def observe_old(service, shift, rows=40):
    generator = random.Random(rows)
    lines = [json.dumps({"features": {"x": round(generator.gauss(shift, 1), 3), "town": generator.choice(["Bern", "Oslo"])},
                         "prediction": "yes"}) for _ in range(rows)]
    for line in lines:      # one by one, for the urns
        assert service.post("/observe", data=line, headers={"Content-Type": "application/x-ndjson"}).ok


@pytest.fixture
def version_1(tmp_path):
    """What the program of the first version wrote: windows whole and as a journal, labels, counters; and what it said."""
    source = pathlib.Path(__file__).with_name("state_version_1")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/state.db").write_bytes(gzip.decompress((source / "state.db.gz").read_bytes()))
    for name in ("reference.csv", "model.yml"):
        shutil.copy(source / name, tmp_path)
    return tmp_path, json.loads((source / "said.json").read_text())


def version_of(folder):
    with sqlite3.connect(folder / "kept/state.db") as database:
        version, = database.execute("PRAGMA user_version").fetchone()
    database.close()
    return version


def test_a_file_of_the_first_version(version_1, start_service):
    folder, said = version_1
    assert version_of(folder) == 1
    start = lambda: start_service("--config", str(folder / "model.yml"), "--state", str(folder / "kept"))
    service = start()
    assert "goes on with its saved state" in service.log
    assert "the evidence of changes begins anew" in service.log
    status = service.get("/drift/status").json()
    for feature in status["features"].values():
        assert not feature.pop("change")["values"]["open"]
        feature.pop("effective_size")  # nor what a window is worth
    status.pop("timestamp")
    urn = status["concept_drift"]["detectors"].pop("urn")  # it begins here, the others go on
    assert (urn["state"], urn["onsets"]) == ("normal", 0)
    assert_same(said["status"], status)
    metrics = dict(line.rsplit(" ", 1) for line in service.get("/metrics").text.splitlines())
    for series, number in said["metrics"].items():
        assert metrics[series] == number, series
    observe_old(service, shift=0)       # a journal upon pieces that had no evidence: they are whole first
    service.stop(signal.SIGTERM)
    assert version_of(folder) == 2
    service = start()
    assert "the evidence of changes" not in service.log
    assert changes(service)["x"]["values"]["evidence"] > 0
    observe_old(service, shift=3, rows=80)
    before = changes(service)
    assert before["x"]["values"]["open"]
    time.sleep(SAVED)
    service.stop(signal.SIGKILL)
    service = start()
    assert_same(before, changes(service))


def test_other_rules_of_changes_apply_to_later_rows_only(version_1, start_service):
    """A page that is open stays open under a materiality that would not have opened it; nothing is judged again."""
    folder, _ = version_1
    start = lambda: start_service("--config", str(folder / "model.yml"), "--state", str(folder / "kept"))
    service = start()
    observe_old(service, shift=3, rows=80)
    before = changes(service)
    assert before["x"]["values"]["open"]
    service.stop(signal.SIGTERM)
    model = (folder / "model.yml").read_text()
    (folder / "model.yml").write_text(model.replace("    window:", "    materiality: 100\n    window:"))
    service = start()
    assert_same(before["x"], changes(service)["x"])
    observe_old(service, shift=0, rows=300)
    observe_old(service, shift=-3, rows=100)
    after = changes(service)["x"]["values"]
    assert not after["open"] and after["pages"] == 1 and after["notices"] >= 1, after


def test_a_kill_loses_at_most_a_second(serve):
    """Rows one after the other, killed in the middle: what is missing was acknowledged in the last second."""
    service, acknowledged = serve(), []
    with concurrent.futures.ThreadPoolExecutor(1) as killer:
        killed = killer.submit(lambda: (time.sleep(2.45), service.process.kill(), time.monotonic())[2])
        while not killed.done():
            try:
                service.post("/models/passing/predict", json={"features": [0.1, 0.2]})
            except OSError:
                break
            acknowledged.append(time.monotonic())
    at = killed.result()
    service.stop()
    service = serve()
    restored = int(value(scrape(service), "model_observations_total", model="passing"))
    early = sum(1 for when in acknowledged if when < at - SAVED)
    assert 0 < early <= restored <= len(acknowledged) + 1


def test_labels_are_joined_over_a_restart_and_ids_do_not_repeat(serve):
    service = serve()
    first = [service.post("/models/passing/predict", json={"features": [0, 1]}).json()["prediction_id"] for _ in range(3)]
    service.stop()
    service = serve()
    answer = service.post("/models/passing/labels", json={"id": first[0], "label": 1}).json()
    assert answer["joined"] == 1
    later = [service.post("/models/passing/predict", json={"features": [0, 1]}).json()["prediction_id"] for _ in range(3)]
    assert not set(first) & set(later)
    service.stop(signal.SIGTERM)
    service = serve()
    assert service.post("/models/passing/labels", json={"id": first[0], "label": 1}).json()["duplicate"] == 1
    assert service.post("/models/passing/labels", json={"id": first[0], "label": 0}).json()["conflicting"] == 1


def test_a_forgotten_prediction_stays_late(serve):
    """Fingerprints of forgotten ids are kept with the key that they were made with."""
    service = serve()
    lines = "\n".join('{"features": {"x": 0, "y": 0, "town": "Bern"}, "prediction": "no", "id": "i%d"}' % i for i in range(500))
    assert service.post("/models/binary/observe", data=lines, headers={"Content-Type": "application/x-ndjson"}).ok
    service.stop()
    service = serve()
    assert service.post("/models/binary/labels", json={"id": "i7", "label": "no"}).json()["late"] == 1
    assert service.post("/models/binary/labels", json={"id": "j7", "label": "no"}).json()["unknown"] == 1
    assert service.post("/models/binary/labels", json={"id": "i450", "label": "no"}).json()["joined"] == 1


def test_another_start_of_the_machine(serve, folder):
    """The monotonic clock begins anew; ages and onsets go on by the wall clock."""
    service = serve()
    traffic(service, random.Random(3), 200, shift=3)
    before = knowledge(service)
    service.stop()
    with sqlite3.connect(folder / "kept/state.db") as database:
        database.execute("UPDATE clock SET boot = 'another', monotonic_ms = 5, wall_ms = wall_ms - 600000")
    database.close()
    service = serve()
    after = knowledge(service)
    since = [pandas.Timestamp(k["passing", "drift/status"]["features"]["x"]["drifted_since"]) for k in (before, after)]
    assert abs((since[0] - since[1]).total_seconds() - 600) < 1, since     # as if it had been saved ten minutes ago


def test_a_changed_reference_starts_anew_and_says_so(serve, folder):
    service = serve()
    traffic(service, random.Random(4), 50)
    service.stop()
    make_reference(folder / "reference.csv", shift=0.5)
    service = serve()
    assert service.log.count("it starts anew") == 3
    status = service.get("/models/passing/drift/status").json()
    assert status["window_observations"] == 0
    assert service.stop() == 0
    assert serve().log.count("goes on with its saved state") == 3


def test_a_reload(serve, folder):
    service = serve()
    traffic(service, random.Random(5), 60)
    make_reference(folder / "two.csv", shift=1)
    (folder / "c.yml").write_text("state: kept\n" + MODELS.replace("reference.csv", "two.csv", 1))
    assert service.post("/-/reload").status_code == 200
    traffic(service, random.Random(6), 30)
    time.sleep(SAVED)
    before = knowledge(service)
    service.stop(signal.SIGKILL)
    assert_same(before, knowledge(serve()))
    assert before["binary", "drift/status"]["window_observations"] == 31


def test_two_services_do_not_share_a_directory(serve, folder):
    serve()
    second = subprocess.run([BINARY, "serve", "--listen", "127.0.0.1:0", "--config", folder / "c.yml"],
                            capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 1
    assert f"{folder}/kept: another service keeps its state in this directory" in second.stderr


@pytest.mark.parametrize("option, place", [(["--state", "{}/elsewhere"], "elsewhere"), ([], "kept")])
def test_the_option_wins_over_the_file(serve, folder, option, place):
    service = serve(*(part.format(folder) for part in option))
    assert (folder / place / "state.db").is_file()
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {place}
    assert (folder / place / "state.db").stat().st_mode & 0o077 == 0
    assert value(scrape(service), "model_state_kept") == 1


def test_without_a_directory_nothing_is_kept(service):
    assert not any(name.startswith("model_state") and family.samples for name, family in scrape(service).items())


# --- disks ---

def damage(path, generator, kind):
    content = bytearray(path.read_bytes())
    if kind == "cut":
        del content[generator.randrange(len(content)):]
    elif kind == "garbage":
        content[:] = generator.randbytes(generator.randrange(1, 20000))
    elif kind == "page":
        at = generator.randrange(len(content) // 4096) * 4096
        content[at:at + 4096] = generator.randbytes(4096)
    else:
        for _ in range(generator.randrange(1, 20)):
            content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    path.write_bytes(content)


@pytest.mark.parametrize("kind", ["cut", "garbage", "page", "bits"])
@pytest.mark.parametrize("file", ["state.db", "state.db-wal"])
def test_a_damaged_file_never_stops_the_service(serve, folder, kind, file):
    service = serve()
    traffic(service, random.Random(6), 120)
    rows = 121
    time.sleep(SAVED)
    service.stop(signal.SIGKILL)
    shutil.copytree(folder / "kept", folder / "sound")
    for seed in range(3):
        shutil.rmtree(folder / "kept")
        shutil.copytree(folder / "sound", folder / "kept")
        damage(folder / "kept" / file, random.Random(f"{seed}{kind}"), kind)
        service = serve()
        for model in ("binary", "number"):
            assert service.get(f"/models/{model}/drift/status").json()["window_observations"] in range(rows + 1)
        assert service.post("/models/passing/predict", json={"features": [0, 0]}).status_code == 200
        assert value(scrape(service), "model_state_kept") == 1
        assert service.stop() == 0


@pytest.fixture(scope="module")
def failing_disk(tmp_path_factory):
    library = tmp_path_factory.mktemp("disk") / "failing_disk.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, pathlib.Path(__file__).with_name("failing_disk.c"), "-ldl"],
                   check=True)
    return library


@pytest.mark.parametrize("how", ["full", "sync"])
def test_a_failing_disk_stops_nothing_and_is_said(serve, folder, failing_disk, how):
    if {"ASAN_OPTIONS", "TSAN_OPTIONS"} & set(os.environ):
        pytest.skip("a sanitizer has to be loaded before anything else")
    switch = folder / "switch"
    service = serve(environment={"LD_PRELOAD": str(failing_disk), "FAILING_DISK": str(switch)})
    traffic(service, random.Random(7), 40)
    switch.write_text(how)
    traffic(service, random.Random(8), 40)
    wait_for(lambda: value(scrape(service), "model_state_kept") == 0, 20)
    ready = service.get("/ready")
    assert ready.status_code == 200 and ready.json()["parts"] == {"service": True, "models": True, "state": False}
    traffic(service, random.Random(9), 40)
    switch.unlink()
    wait_for(lambda: value(scrape(service), "model_state_kept") == 1, 20)
    assert service.get("/ready").json()["parts"]["state"]
    before = knowledge(service)
    service.stop(signal.SIGKILL)
    assert "the state is not kept: " in service.log and "the state is kept again" in service.log
    assert_same(before, knowledge(serve()))


def test_a_directory_that_cannot_be_used(start_service, tmp_path):
    (tmp_path / "file").write_text("")
    service = start_service("--state", str(tmp_path / "file"))
    assert "the state is not kept until the next start: " in service.log
    assert value(scrape(service), "model_state_kept") == 0
    assert service.predict([0, 0, 0, 0, 0])


def test_a_fifo_in_place_of_the_file(start_service, tmp_path):
    __import__("os").mkfifo(tmp_path / "state.db")
    service = start_service("--state", str(tmp_path))
    assert "not a regular file" in service.log
    assert value(scrape(service), "model_state_kept") == 0


def test_a_file_of_a_newer_version_is_left_alone(start_service, tmp_path):
    service = start_service("--state", str(tmp_path))
    service.stop()
    with sqlite3.connect(tmp_path / "state.db") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    service = start_service("--state", str(tmp_path))
    assert "its version is 99" in service.log
    assert value(scrape(service), "model_state_kept") == 0
    service.stop()
    with sqlite3.connect(tmp_path / "state.db") as database:
        assert database.execute("PRAGMA user_version").fetchone() == (99,)
        assert database.execute("SELECT count(*) FROM piece").fetchone()[0] > 0
    database.close()


def test_the_file_stays_bounded(serve, folder):
    service, sizes = serve(), []
    for turn in range(8):
        for _ in range(4):
            traffic(service, random.Random(turn), 1500)
        time.sleep(1.1)
        sizes.append(value(scrape(service), "model_state_size_bytes"))
    # three models: windows of 300 to 1000 rows, labels of at most 1000; each below a MiB, a journal, the log
    assert max(sizes) < 24 << 20, sizes


# --- model-service state ---

def state(*arguments):
    return subprocess.run([BINARY, "state", *map(str, arguments)], capture_output=True, text=True, timeout=20, check=False)


def test_list_export_import_forget(serve, folder):
    service = serve()
    traffic(service, random.Random(10), 100)
    time.sleep(SAVED)
    kept = folder / "kept"
    listed = state("list", "--state", kept)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["binary", "number", "passing"], listed
    assert state("export", folder / "copy", "--state", kept).returncode == 0
    assert "exists already" in state("export", folder / "copy", "--state", kept).stderr
    for action in (["import", folder / "copy"], ["forget", "binary"]):
        refused = state(*action, "--state", kept)
        assert refused.returncode == 1 and "another service" in refused.stderr
    before = knowledge(service)
    service.stop()
    assert state("import", folder / "copy", "--state", folder / "new").returncode == 0
    service = serve("--state", str(folder / "new"))
    assert_same(before, knowledge(service))
    service.stop()
    assert b"Nowhere" not in (kept / "state.db").read_bytes()      # categories that are not the reference's
    assert state("forget", "binary", "--state", kept).stdout == "forgot 1 model\n"
    assert state("forget", "binary", "--state", kept).returncode == 1
    assert [line.split()[0] for line in state("list", "--state", kept).stdout.splitlines()] == ["number", "passing"]
    assert state("forget", ":all", "--state", kept).returncode == 0
    assert state("list", "--state", kept).stdout == ""


@pytest.mark.parametrize("arguments, status, said", [
    ([], 2, "say list, export, import or forget"), (["list"], 2, "--state DIR is missing"),
    (["list", "x", "--state", "d"], 2, "takes no argument"), (["export", "--state", "d"], 2, "needs one argument"),
    (["list", "--state", "/nowhere"], 1, "No such file"), (["import", "/etc/passwd", "--state", "/tmp"], 1, "not a database")])
def test_wrong_use(arguments, status, said):
    done = state(*arguments)
    assert done.returncode == status and said in done.stderr, done
