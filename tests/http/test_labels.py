"""POST /labels: labels that come late, twice, differently, never; every one in exactly one counter."""
import json
import random
import threading

import pytest

from test_metrics import scrape

ROW = [0.5, -0.3, 0.8, 0.2, -0.1]
RESULTS = ("joined", "unknown", "late", "duplicate", "conflicting")

CONFIG = """models:
  - name: {name}
    reference: reference.csv
    features: [{{name: x}}]
    scorer: {{type: logistic, intercept: 0, weights: [{{feature: x, weight: 1}}]}}
    labels: {{capacity: {capacity}, max_age: {max_age}, window: 100}}
"""


def label(service, body, path="/labels", status=200):
    answer = service.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def counts(answer):
    return {name: answer[name] for name in RESULTS if answer[name]}


def value(families, name, **labels):
    """Of the one series with these labels, whichever model it is of."""
    [found] = [sample.value for family in families.values() for sample in family.samples
               if sample.name == name and labels.items() <= sample.labels.items()]
    return found


def metric(service, result):
    return value(scrape(service), "model_labels_total", result=result)


@pytest.fixture
def predicted(service):
    """Ids of fresh predictions of the shared service."""
    def predict(count):
        rows = [{"features": ROW, "id": f"{random.getrandbits(64):x}"} for _ in range(count)]
        answer = service.post("/predict", json={"instances": rows}).json()
        return [row["prediction_id"] for row in answer["predictions"]]
    return predict


def test_one_label(service, predicted):
    [id_] = predicted(1)
    assert label(service, {"id": id_, "label": "positive"}) == {
        "model": "synthetic", "joined": 1, "unknown": 0, "late": 0, "duplicate": 0, "conflicting": 0,
        "rejected": 0, "errors": []}
    assert counts(label(service, {"id": id_, "label": "positive"})) == {"duplicate": 1}
    assert counts(label(service, {"id": id_, "label": "1"})) == {"duplicate": 1}
    assert counts(label(service, {"id": id_, "label": 1})) == {"duplicate": 1}
    assert counts(label(service, {"id": id_, "label": 0})) == {"conflicting": 1}
    assert counts(label(service, {"id": id_, "label": "positive"})) == {"duplicate": 1}


def test_generated_ids(service):
    prediction = service.predict(ROW)
    assert counts(label(service, {"id": prediction["prediction_id"], "label": "negative"})) == {"joined": 1}


@pytest.mark.parametrize("name", ["labels", "instances"])
def test_batch_with_bad_labels_among_good_ones(service, predicted, name):
    a, b = predicted(2)
    answer = label(service, {name: [{"id": a, "label": "1"}, {"id": b, "label": "maybe"}, 7,
                                    {"id": b, "label": "0"}, {"label": "1"}, {"id": "never", "label": 1}]})
    assert counts(answer) == {"joined": 2, "unknown": 1}
    assert answer["rejected"] == 3
    assert [error["instance"] for error in answer["errors"]] == [1, 2, 4]
    assert answer["errors"][0]["detail"] == (
        'the label "maybe" is not one of the model\'s classes ("negative", "positive")')


def test_only_the_first_errors_are_listed(service, predicted):
    [id_] = predicted(1)
    answer = label(service, {"labels": [{"id": id_, "label": "x"}] * 500 + [{"id": id_, "label": 0}]})
    assert answer["rejected"] == 500 and len(answer["errors"]) == 100
    assert counts(answer) == {"joined": 1}


@pytest.mark.parametrize("body, status, detail", [
    ("{", 400, "malformed JSON"),
    ("[]", 400, "must be a JSON object"),
    ("{}", 422, '"label" or "labels" is missing'),
    ('{"id": "a", "label": "x"}', 422, 'the label "x" is not one of the model\'s classes'),
    ('{"id": "a", "label": 2}', 422, 'the label "2" is not one of the model\'s classes'),
    ('{"id": "a", "label": 0.5}', 422, 'the label "0.5" is not one of the model\'s classes'),
    ('{"id": "a"}', 422, '"label" is missing'),
    ('{"id": "a", "lable": 1}', 422, 'unknown member "lable"; a label has id, label'),
    ('{"id": "a", "label": 1, "time": 1}', 422, 'unknown member "time"; a label has id, label'),
    ('{"labels": [{"id": "a", "label": 1, "modle": "m"}]}', 422, 'unknown member "modle"; a label has id, label'),
    ('{"labels": [{"id": "a", "label": 1}], "model": "m"}', 422,
     'unknown member "model"; the array of labels stands alone in its object'),
    ('{"id": "%s", "label": 1}' % ("i" * 129), 422, '"id" must have 1 to 128 bytes, got 129'),
    ('{"labels": [3, {"id": 4}]}', 422, "a label must be an object, got a number"),
    ('{"labels": [%s]}' % ",".join(["1"] * 10001), 413, "too many labels: 10001"),
])
def test_refused(service, body, status, detail):
    answer = service.post("/labels", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert detail in answer.json()["detail"]


def test_other_methods_and_models(service):
    assert service.get("/labels").status_code == 405
    assert service.post("/models/nobody/labels", json={"id": "a", "label": 1}).status_code == 404
    answer = label(service, {"id": "a", "label": 1}, path="/models/synthetic/labels")
    assert answer["model"] == "synthetic"


def test_an_id_that_comes_twice_stays_with_its_first_prediction(service, predicted):
    [id_] = predicted(1)
    before = service.get("/performance").json()["labels"]["repeated"]
    service.post("/predict", json={"features": ROW, "id": id_})
    assert service.get("/performance").json()["labels"]["repeated"] == before + 1
    assert counts(label(service, {"id": id_, "label": 1})) == {"joined": 1}


def configured(tmp_path, capacity, max_age="7d", name="small"):
    (tmp_path / "reference.csv").write_text("x\n" + "".join(f"{i / 50 - 1}\n" for i in range(100)))
    (tmp_path / "c.yml").write_text(CONFIG.format(name=name, capacity=capacity, max_age=max_age))
    return str(tmp_path / "c.yml")


def test_capacity(tmp_path, start_service):
    service = start_service("--config", configured(tmp_path, 10))
    for i in range(25):
        service.post("/predict", json={"features": [0.5], "id": f"p{i}"})
    answers = [counts(label(service, {"id": f"p{i}", "label": 1})) for i in range(26)]
    # the last ten are remembered, ten more known to have been there
    assert answers == [{"unknown": 1}] * 5 + [{"late": 1}] * 10 + [{"joined": 1}] * 10 + [{"unknown": 1}]
    assert metric(service, "expired") == 15
    assert value(scrape(service), "model_predictions_pending") == 0


def test_age(tmp_path, start_service):
    import time
    service = start_service("--config", configured(tmp_path, 100, max_age="1s"))
    service.post("/predict", json={"features": [0.5], "id": "old"})
    time.sleep(1.3)
    service.post("/predict", json={"features": [0.5], "id": "new"})
    assert counts(label(service, {"id": "old", "label": 1})) == {"late": 1}
    assert counts(label(service, {"id": "new", "label": 1})) == {"joined": 1}
    assert metric(service, "expired") == 1


def test_every_label_is_in_exactly_one_counter(tmp_path, start_service):
    """From several connections at once, in any order, with repetitions and contradictions."""
    service = start_service("--config", configured(tmp_path, 1000))
    generator = random.Random(5)
    for first in range(0, 2000, 500):
        rows = [{"features": [generator.gauss(0, 1)], "id": f"p{i}"} for i in range(first, first + 500)]
        service.post("/predict", json={"instances": rows})
    given = [{"id": f"p{generator.randrange(2300)}", "label": generator.randrange(2)} for _ in range(6000)]
    answers = []

    def send(part):
        import requests
        for at in range(0, len(part), 100):
            answers.append(requests.post(service.url + "/labels", json={"labels": part[at:at + 100]},
                                         timeout=30).json())

    threads = [threading.Thread(target=send, args=(given[i::4],)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = {name: sum(answer[name] for answer in answers) for name in RESULTS}
    assert sum(total.values()) == len(given)
    assert total["late"] == sum(int(one["id"][1:]) < 1000 for one in given)
    assert total["unknown"] == sum(int(one["id"][1:]) >= 2000 for one in given)
    assert total["joined"] == len({one["id"] for one in given if 1000 <= int(one["id"][1:]) < 2000})
    exposition = scrape(service)
    for name in RESULTS:
        assert value(exposition, "model_labels_total", result=name) == total[name], name
    assert value(exposition, "model_label_lag_seconds_count") == total["joined"]
    assert value(exposition, "model_predictions_pending") == 1000 - total["joined"]
    assert value(exposition, "model_labels_total", result="expired") == 1000


def test_labels_do_not_disturb_one_another_between_models(tmp_path, start_service):
    path = configured(tmp_path, 10, name="one")
    text = (tmp_path / "c.yml").read_text()
    (tmp_path / "c.yml").write_text(text + text.removeprefix("models:\n").replace("name: one", "name: two"))
    service = start_service("--config", path)
    service.post("/models/two/predict", json={"features": [0.5], "id": "a"})
    assert counts(label(service, {"id": "a", "label": 1})) == {"unknown": 1}
    assert counts(label(service, {"id": "a", "label": 1}, path="/models/two/labels")) == {"joined": 1}
    assert json.loads(service.get("/models/two/performance").text)["window_labels"] == 1


# Lines

def lines(service, text, path="/labels", status=200):
    answer = service.post(path, data=text, headers={"Content-Type": "application/x-ndjson"})
    assert answer.status_code == status, answer.text
    return answer.json()


def test_lines(service, predicted):
    a, b, c = predicted(3)
    text = (f'{{"id": "{a}", "label": "1"}}\n\n{{"id": "{b}", "label": 0}}\r\nnot json\n'
            f'{{"labels": [{{"id": "{c}", "label": 0}}]}}\n{{"id": "{c}", "label": 7}}\n'
            f'{{"label": "1", "id": "{a}"}}')
    answer = lines(service, text)
    assert counts(answer) == {"joined": 2, "duplicate": 1}
    assert answer["rejected"] == 3
    assert [error["line"] for error in answer["errors"]] == [4, 5, 6]
    assert answer["errors"][1]["detail"] == "a line holds one label, not a batch"


def test_many_lines(service, predicted):
    """More than any collected body may hold."""
    ids = [id_ for _ in range(6) for id_ in predicted(10000)]
    answer = lines(service, "\n".join(json.dumps({"id": id_, "label": "1"}) for id_ in ids))
    assert counts(answer) == {"joined": 60000}


def test_lines_none_of_which_is_a_label(service):
    assert lines(service, "\n\n", status=422)["detail"] == "there is no line in the body"
    assert "none of 2 lines was taken; line 1: " in lines(service, "x\ny\n", status=422)["detail"]


# Labels that come with an observation

OBSERVED = """models:
  - name: m
    reference: reference.csv
    features: [{name: x}]
    scorer: {type: none, classes: ["no", "yes"]}
    labels: {window: 100}
"""


@pytest.fixture
def observed(tmp_path, start_service):
    (tmp_path / "reference.csv").write_text("x\n" + "".join(f"{i / 50 - 1}\n" for i in range(100)))
    (tmp_path / "c.yml").write_text(OBSERVED)
    return start_service("--config", str(tmp_path / "c.yml"))


def observe(service, **members):
    answer = service.post("/observe", json={"features": {"x": 0.5}, **members})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_observation_with_its_label(observed):
    assert "labels" not in observe(observed, prediction="yes")
    assert counts(observe(observed, prediction="yes", label="yes")["labels"]) == {"joined": 1}
    assert counts(observe(observed, prediction="yes", id="a", label="no")["labels"]) == {"joined": 1}
    assert counts(observe(observed, prediction="yes", id="a", label="no")["labels"]) == {"duplicate": 1}
    assert counts(observe(observed, score=0.2, label="no")["labels"]) == {"joined": 1}
    assert "labels" not in observe(observed, score=0.9, id="b")
    assert counts(observe(observed, id="b", label=1)["labels"]) == {"joined": 1}
    report = observed.get("/performance").json()
    assert report["window_labels"] == 4
    assert report["metrics"]["accuracy"]["value"] == 0.75
    assert report["metrics"]["roc_auc"]["value"] == 1 and report["metrics"]["roc_auc"]["labels"] == 2


def test_an_observation_counts_although_its_label_does_not(observed):
    answer = observe(observed, prediction="yes", label="perhaps")
    assert answer["observed"] == 1 and answer["rejected"] == 0
    assert answer["labels"]["rejected"] == 1
    assert answer["errors"] == [{"instance": 0, "detail":
                                 'the label "perhaps" is not one of the model\'s classes ("no", "yes")'}]
    answer = observe(observed, label="yes")
    assert answer["labels"]["rejected"] == 1
    assert answer["errors"][0]["detail"] == "a label needs a prediction beside it, or the id of one"
    # A prediction that is not one of the classes has nothing to be compared with.
    observe(observed, prediction="never", id="z")
    assert counts(label(observed, {"id": "z", "label": "yes"})) == {"unknown": 1}


def test_observed_first_and_labelled_later(observed):
    rows = "\n".join(json.dumps({"features": [0.1], "score": i / 100, "id": f"o{i}"}) for i in range(100))
    answer = observed.post("/observe", data=rows, headers={"Content-Type": "application/x-ndjson"})
    assert answer.json()["observed"] == 100
    assert counts(lines(observed, "\n".join(json.dumps({"id": f"o{i}", "label": i % 2}) for i in range(100)))) == {
        "joined": 100}
