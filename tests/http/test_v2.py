"""The Open Inference Protocol (V2): the schemas it publishes, read with a client of our own."""
import json

import numpy
import pandas
import pytest
import xgboost

from conftest import Service

ROWS = 300
FEATURES = ["x0", "x1", "color"]
COLORS = ["red", "green", "blue"]


class Client:
    """What a client of the protocol does, and what it may rely on."""

    def __init__(self, service, model, version=None):
        self.service = service
        self.path = f"/v2/models/{model}" + (f"/versions/{version}" if version else "")

    def infer(self, inputs, status=200, **members):
        answer = self.service.post(self.path + "/infer", json={"inputs": inputs, **members})
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"] == "application/json"
        body = answer.json()
        if status != 200:
            assert set(body) == {"error"} and isinstance(body["error"], str), body
            return body["error"]
        assert {"model_name", "outputs"} <= set(body) <= {"model_name", "model_version", "id",
                                                          "parameters", "outputs"}
        for output in body["outputs"]:
            self.check(output)
        return body

    @staticmethod
    def check(output):
        assert {"name", "shape", "datatype", "data"} == set(output)
        assert len(output["data"]) == numpy.prod(output["shape"])
        wanted = {"FP64": (float, int), "BYTES": str}[output["datatype"]]
        assert all(isinstance(v, wanted) for v in output["data"])


def column(name, datatype, data, shape=None):
    return {"name": name, "shape": shape or [len(data)], "datatype": datatype, "data": data}


def frame():
    random = numpy.random.default_rng(3)
    return pandas.DataFrame({"x0": random.normal(size=ROWS), "x1": random.normal(size=ROWS),
                             "color": random.choice(COLORS, ROWS)})


def matrix_of(data):
    return numpy.column_stack([data.x0, data.x1] + [data.color == c for c in COLORS]).astype("f4")


def train(path, data, target, **parameters):
    names = ["x0", "x1"] + [f"color={c}" for c in COLORS]
    booster = xgboost.train({"nthread": 1, "max_depth": 3, **parameters},
                            xgboost.DMatrix(matrix_of(data), target, feature_names=names), 10)
    booster.save_model(path)
    return booster


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A service of five models, and XGBoost's own."""
    folder = tmp_path_factory.mktemp("v2")
    data = frame()
    data.to_csv(folder / "reference.csv", index=False)
    z = data.x0 + (data.color == "red")
    boosters = {
        "binary": train(folder / "binary.json", data, z > 0, objective="binary:logistic"),
        "multi": train(folder / "multi.ubj", data, numpy.digitize(z, [-1, 1]),
                       objective="multi:softprob", num_class=3),
        "number": train(folder / "number.json", data, z, objective="reg:squarederror"),
    }
    kinds = [{"name": n, "type": "categorical" if n == "color" else "numeric"} for n in FEATURES]
    common = {"reference": "reference.csv", "features": kinds}
    models = [
        {"name": "binary", "version": "7", "scorer": {"type": "xgboost", "file": "binary.json"}},
        {"name": "multi", "scorer": {"type": "xgboost", "file": "multi.ubj",
                                     "classes": ["low", "middle", "high"]}},
        {"name": "number", "scorer": {"type": "xgboost", "file": "number.json"}},
        {"name": "elsewhere", "scorer": {"type": "none"}},
        {"name": "plain", "reference": "reference.csv", "features": kinds[:2], "scorer": {
            "type": "logistic", "intercept": 0, "weights": [{"feature": "x0", "weight": 1},
                                                            {"feature": "x1", "weight": -2}]}},
    ]
    (folder / "drift.yml").write_text(json.dumps({"models": [{**common, **m} for m in models]}))
    service = Service("--config", str(folder / "drift.yml"))
    yield service, boosters, data
    assert service.stop() == 0


@pytest.fixture
def service(world):
    return world[0]


def columns(data):
    return [column("x0", "FP64", data.x0.tolist()), column("x1", "FP64", data.x1.tolist()),
            column("color", "BYTES", data.color.tolist())]


# --- health and metadata ---

def test_server(service):
    answer = service.get("/v2").json()
    assert set(answer) == {"name", "version", "extensions"} and answer["extensions"] == []
    assert service.get("/v2/health/live").json() == {"live": True}
    assert service.get("/v2/health/ready").json() == {"ready": True}


def test_metadata(service):
    answer = service.get("/v2/models/multi").json()
    assert set(answer) == {"name", "versions", "platform", "inputs", "outputs"}
    assert answer["name"] == "multi" and answer["versions"] == ["1"]
    assert answer["inputs"] == [
        {"name": "x0", "datatype": "FP64", "shape": [-1]},
        {"name": "x1", "datatype": "FP64", "shape": [-1]},
        {"name": "color", "datatype": "BYTES", "shape": [-1]}]
    assert answer["outputs"] == [
        {"name": "prediction", "datatype": "FP64", "shape": [-1, 3]},
        {"name": "prediction_class", "datatype": "BYTES", "shape": [-1]}]
    outputs = service.get("/v2/models/number").json()["outputs"]
    assert outputs == [{"name": "prediction", "datatype": "FP64", "shape": [-1]}]


def test_versions(service):
    assert service.get("/v2/models/binary/versions/7").json()["versions"] == ["7"]
    assert service.get("/v2/models/binary/versions/7/ready").json() == {"name": "binary", "ready": True}
    for path in ("/v2/models/binary/versions/8", "/v2/models/binary/versions/8/ready",
                 "/v2/models/nobody", "/v2/models/nobody/ready", "/v2/models/binary/versions"):
        assert service.get(path).status_code == 404, path
    assert set(service.get("/v2/models/nobody").json()) == {"error"}
    assert Client(service, "binary", "8").infer([], status=404)
    assert service.get("/v2/models/binary/infer").status_code == 405


def test_model_without_a_scorer(service):
    answer = service.get("/v2/models/elsewhere/ready")
    assert answer.status_code == 503 and answer.json() == {"name": "elsewhere", "ready": False}
    assert "/observe" in Client(service, "elsewhere").infer([column("x0", "FP64", [1])], status=409)


# --- inference: the model's own numbers ---

def test_binary(world):
    service, boosters, data = world
    expected = boosters["binary"].inplace_predict(matrix_of(data)).astype(float).tolist()
    for client in (Client(service, "binary"), Client(service, "binary", "7")):
        body = client.infer(columns(data), id="request-1")
        assert body["model_name"] == "binary" and body["model_version"] == "7"
        assert body["id"] == "request-1" and isinstance(body["parameters"]["drift_detected"], bool)
        prediction, label = body["outputs"]
        assert prediction["name"] == "prediction" and prediction["shape"] == [ROWS]
        assert prediction["data"] == expected
        assert label["name"] == "prediction_class"
        assert label["data"] == ["positive" if p > 0.5 else "negative" for p in expected]
    assert "id" not in Client(service, "binary").infer(columns(data[:1]))


def test_multi(world):
    service, boosters, data = world
    expected = boosters["multi"].inplace_predict(matrix_of(data))
    prediction, label = Client(service, "multi").infer(columns(data))["outputs"]
    assert prediction["shape"] == [ROWS, 3]
    assert prediction["data"] == expected.astype(float).reshape(-1).tolist()
    assert label["data"] == [["low", "middle", "high"][i] for i in expected.argmax(axis=1)]


def test_regression(world):
    service, boosters, data = world
    outputs = Client(service, "number").infer(columns(data))["outputs"]
    assert [o["name"] for o in outputs] == ["prediction"]
    assert outputs[0]["data"] == boosters["number"].inplace_predict(matrix_of(data)).astype(float).tolist()


def test_matrix(service):
    client = Client(service, "plain")
    rows = [[1.5, -2], [0, 0.25], [-1, 3]]
    expected = [1 / (1 + numpy.exp(-(a - 2 * b))) for a, b in rows]
    flat = [v for row in rows for v in row]
    for data in (flat, rows):
        for name in ("input", "predict", "x0"):
            body = client.infer([column(name, "FP32", data, [3, 2])])
            assert body["outputs"][0]["data"] == pytest.approx(expected, rel=1e-14)
    # whole numbers, booleans, and a tensor for each feature in any order and form
    for datatype in ("INT64", "INT8", "UINT8", "FP16", "FP64"):
        body = client.infer([column("a", datatype, [3, 1], [1, 2])])
        assert body["outputs"][0]["data"] == pytest.approx([1 / (1 + numpy.exp(-1))])
    body = client.infer([column("x1", "BOOL", [True, False]), column("x0", "INT32", [[2], [0]], [2, 1])])
    assert body["outputs"][0]["data"] == pytest.approx([0.5, 0.5])


def test_chosen_outputs(world):
    service, _, data = world
    client = Client(service, "binary")
    body = client.infer(columns(data[:2]), outputs=[{"name": "prediction_class"}])
    assert [o["name"] for o in body["outputs"]] == ["prediction_class"]
    body = client.infer(columns(data[:2]), outputs=[
        {"name": "prediction_class"}, {"name": "prediction", "parameters": {"binary_data": True}}])
    assert [o["name"] for o in body["outputs"]] == ["prediction_class", "prediction"]
    body = client.infer(columns(data[:2]), outputs=[], parameters={"content_type": "pd"})
    assert len(body["outputs"]) == 2


def test_missing_values(world):
    service, boosters, data = world
    hole = data[:3].copy()
    hole.loc[1, "x0"] = numpy.nan
    inputs = columns(data[:3])
    inputs[0]["data"][1] = None
    expected = boosters["binary"].inplace_predict(matrix_of(hole)).astype(float).tolist()
    assert Client(service, "binary").infer(inputs)["outputs"][0]["data"] == expected
    assert "row 1" in Client(service, "plain").infer(
        [column("a", "FP64", [1, 2, None, 3], [2, 2])], status=400)


def test_rows_are_observed(service):
    """Each row goes the way of every prediction: window, counters, labels."""
    def window():
        return service.get("/models/plain/drift/status").json()["window_observations"]

    before = window()
    client = Client(service, "plain")
    client.infer([column("a", "FP64", [0.1] * 20, [10, 2])])
    client.infer([column("a", "FP64", [0.1, 0.2], [1, 2])], id="v2-17")
    assert window() == before + 11
    answer = service.post("/models/plain/labels", json={"id": "v2-17", "label": "positive"})
    assert answer.json()["joined"] == 1, answer.text


# --- refused ---

A = [1.0, 2.0]


@pytest.mark.parametrize("inputs,words", [
    ([], '"inputs" is empty; it must have a tensor for each feature, or one of the shape [n, 2]'),
    ({}, "must be an array of tensors, got an object"),
    ([1], "an input must be an object"),
    ([{"shape": [1, 2]}], 'with a "name"'),
    ([column("a", "FP32", A, [2])], "its shape must be [n, 2]"),
    ([column("a", "FP32", A, [1, 2, 1])], '"shape" must be an array of one or two'),
    ([column("a", "FP32", A, [-1, 2])], '"shape" must be'),
    ([column("a", "FP32", A, [1.5, 2])], '"shape" must be'),
    ([column("a", "FP32", A, [1, 3])], "does not have the size"),
    ([column("a", "FP32", A, [1e15, 2])], "does not have the size"),
    ([column("a", "FP32", [], [0, 2])], "have no rows"),
    ([column("a", "FP32", [], [0, 0])], "its shape must be"),
    ([column("a", "FP32", A + [1], [1, 2])], "does not have the size"),
    ([column("a", "FP32", [[1, 2], [3]], [2, 2])], "does not have the size"),
    ([column("a", "FP32", [[[1, 2]]], [1, 2])], "does not have the size"),
    ([column("a", "FP32", [1, [2]], [1, 2])], "got an array"),
    ([column("a", "FP8", A, [1, 2])], '"datatype" must be'),
    ([column("a", "FP32", "12", [1, 2])], '"data" must be an array'),
    ([column("a", "FP32", ["1", "2"], [1, 2])], 'row 0 of "x0" is not FP32, got a string'),
    ([column("a", "INT8", [1, 200], [1, 2])], 'row 0 of "x1" is not INT8'),
    ([column("a", "INT8", [1, 0.5], [1, 2])], "is not INT8"),
    ([column("a", "UINT16", [1, -1], [1, 2])], "is not UINT16"),
    ([column("a", "BOOL", [1, 0], [1, 2])], "is not BOOL"),
    ([column("a", "BYTES", ["a", "b"], [1, 2])], "is numeric and cannot be BYTES"),
    ([column("x0", "FP32", A)], 'no input for the feature "x1"'),
    ([column("x0", "FP32", A), column("x2", "FP32", A)], "no feature of this name"),
    ([column("x0", "FP32", A), column("x0", "FP32", A)], "is there twice"),
    ([column("x0", "FP32", A), column("x1", "FP32", [1.0])], "has 1 rows, those before it have 2"),
    ([column("x0", "FP32", A), column("x1", "FP32", A, [1, 2])], "must be [n] or [n, 1]"),
    ([{**column("a", "FP32", A, [1, 2]), "parameters": {"binary_data_size": 8}}],
     "binary tensor extension is not supported"),
    ([{**column("a", "FP32", A, [1, 2]), "parameters": 1}], '"parameters" must be an object'),
    ([{**column("a", "BYTES", ["eA=="], [1, 1]), "parameters": {"content_type": "base64"}}], "base64"),
])
def test_wrong_inputs(service, inputs, words):
    assert words in Client(service, "plain").infer(inputs, status=400)


def test_wrong_members(service):
    client = Client(service, "plain")
    good = [column("a", "FP32", A, [1, 2])]
    assert '"id" must be a string' in client.infer(good, status=400, id=1)
    assert '"parameters" must be' in client.infer(good, status=400, parameters=[])
    assert '"outputs" must be' in client.infer(good, status=400, outputs={})
    assert 'no output "x"' in client.infer(good, status=400, outputs=[{"name": "x"}])
    assert "asked for twice" in client.infer(good, status=400, outputs=[{"name": "prediction"}] * 2)
    assert 'no output "prediction_class"' in Client(service, "number").infer(
        good, status=400, outputs=[{"name": "prediction_class"}])
    rows = 10001
    assert "too many rows" in client.infer([column("a", "INT8", [0] * 2 * rows, [rows, 2])], status=413)


def test_no_json(service):
    for body in (b"", b"{", b"[1]", b'{"inputs": [{"name": "a", "data": [1e999]}]}'):
        answer = service.post("/v2/models/plain/infer", data=body,
                              headers={"Content-Type": "application/json"})
        assert answer.status_code == 400 and set(answer.json()) == {"error"}, body
    for body, words in (
            (b'{"inputs": [{"name": "x0", "shape": [1], "datatype": "FP64", "data": [1]}, {"name": "x1", "data": [1e999]}]}',
             'input "x1": the number 1e999 is outside the range of a 64-bit float'),
            (b'{"inputs": [{"name": "a", "shape": [1, 2], "data": [[1, -1e400]]}]}', 'input "a": the number -1e400'),
            (b'{"inputs": [{"data": [[1, 1e400]], "name": "a"}]}', 'the number 1e400'),
            (b'{"inputs": [{"name": "x0", "data": [NaN]}]}', "and a finite number is needed here"),
            (b'{"inputs": []}', '"inputs" is empty'), (b'{"input": []}', '"inputs" is missing')):
        answer = service.post("/v2/models/plain/infer", data=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400 and words in answer.json()["error"], answer.text
    answer = service.post("/v2/models/plain/infer", data=b"{}", headers={
        "Content-Type": "application/json", "Inference-Header-Content-Length": "2"})
    assert answer.status_code == 400 and "binary tensor" in answer.json()["error"]
    answer = service.post("/v2/models/plain/infer", data=b"{}\0\0", headers={
        "Content-Type": "application/octet-stream"})
    assert answer.status_code == 415
