"""GET /metrics: what Prometheus reads."""
import math
import concurrent.futures
import gzip
import re
import shutil
import subprocess
import threading

import pytest
import requests
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from conftest import ROOT
from raw import exchange, request

ROW = [0.5, -0.3, 0.8, 0.2, -0.1]
TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
# As the two send it.
ACCEPT_2_42 = ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
               "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
ACCEPT_3 = ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            "application/openmetrics-text;version=0.0.1;q=0.5,"
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,"
            "*/*;q=0.2")
ACCEPT_3_PROTOBUF = ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
                     "encoding=delimited;q=0.7," + ACCEPT_3)


def scrape(service, openmetrics=False):
    """Families by name, as Prometheus's own parser reads them."""
    answer = service.get("/metrics", headers={"Accept": OPENMETRICS if openmetrics else TEXT})
    assert answer.status_code == 200
    parse = (openmetrics_parser.text_string_to_metric_families if openmetrics
             else text_string_to_metric_families)
    return {family.name: family for family in parse(answer.text)}


def value(families, name, **labels):
    for family in families.values():
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    raise AssertionError(f"no {name}{labels}")


def series(families):
    """Every sample as (name, labels) -> value; one that is there twice fails."""
    found = {}
    for family in families.values():
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"{key} is there twice"
            found[key] = sample.value
    return found


def documented():
    """Metric -> (type, labels) of the first table in docs/metrics.md."""
    text = (ROOT / "docs" / "metrics.md").read_text()
    rows = re.findall(r"^\| `([a-z_]+)` \| (\w+) \|([^|]*)\|", text.split("\n## ")[1], re.M)
    names = [name for name, _, _ in rows]
    assert len(names) > 20 and len(set(names)) == len(names), "a metric is listed twice"
    return {name: (kind, {w for w in re.split(r"[, ]+", labels) if w}) for name, kind, labels in rows}


def families_of(text):
    """Name -> (type, {labels of its samples}) by the TYPE lines and samples themselves."""
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    labels = {name: set() for name in types}
    for name, inside in re.findall(r"^([a-z_]+)(?:\{(.*)\})? ", text, re.M):
        family = name if name in types else re.sub("_(bucket|sum|count)$", "", name)
        labels[family] |= set(re.findall(r'(\w+)="', inside))
    return {name: (kind, labels[name]) for name, kind in types.items()}


def test_documented_families_and_no_others(start_service):
    service = start_service()
    text = service.get("/metrics").text
    exported = families_of(text)
    expected = documented()
    assert set(exported) == set(expected)
    for name, (kind, labels) in exported.items():
        if name in ("model_last_observation_timestamp_seconds", "model_drift_since_timestamp_seconds",
                    "model_last_label_timestamp_seconds", "model_concept_drift_onset_timestamp_seconds") or (
                        name.startswith("model_stream_drift")):
            continue  # no sample yet
        assert (kind, labels) == expected[name], name


def test_every_known_series_is_there_from_the_first_scrape(start_service):
    service = start_service()
    first = series(scrape(service))
    for i in range(300):
        service.predict([i * 0.01, 1, 2, 3, 4])
    service.post("/simulate/drift?severity=1&n_requests=300")
    for body in ("x", "{}", '{"features": [1]}'):
        service.post("/predict", data=body, headers={"Content-Type": "application/json"})
    service.post("/predict", data="x", headers={"Content-Type": "text/plain"})
    service.post("/models/nobody/predict", json={})
    service.post("/predict", data=b" " * (4 << 20) + b"x")
    exchange(service.url, request("POST", "/predict", length=False))
    service.get("/nowhere")
    service.get("/", headers={"Accept": "text/html"}, allow_redirects=False)
    service.session.delete(service.url + "/predict", timeout=10)
    later = series(scrape(service))
    new = {name for name, _ in set(later) - set(first)}
    assert new == {"model_last_observation_timestamp_seconds", "model_drift_since_timestamp_seconds",
                   "model_feature_change_onset_timestamp_seconds", "model_feature_change_rows",
                   "model_feature_change_size", "model_feature_change_kind"}
    assert not set(first) - set(later)
    for (name, labels), number in first.items():
        if name.endswith("_total") and not name.startswith(("http_", "process_")):
            assert number == 0, (name, labels)
    for name in ("model_drift_score", "model_drift_p_value"):
        values = [v for (n, _), v in first.items() if n == name]
        assert len(values) == 10 + 3 and all(v != v for v in values), "NaN below the minimum sample"


def test_promtool_is_silent(start_service):
    promtool = shutil.which("promtool")
    assert promtool, "Debian's package prometheus"
    service = start_service()
    for _ in range(2):
        run = subprocess.run([promtool, "check", "metrics"], input=service.get("/metrics").text,
                             text=True, capture_output=True, timeout=60)
        assert (run.returncode, run.stdout + run.stderr) == (0, "")
        service.post("/simulate/drift?severity=0.5&n_requests=300")


def test_both_formats_say_the_same(start_service):
    service = start_service()
    service.post("/simulate/drift?severity=1&n_requests=300")
    text, openmetrics = series(scrape(service)), series(scrape(service, openmetrics=True))
    assert set(text) == set(openmetrics)
    moving = ("process_", "http_requests_total", "model_service_metrics_collect_seconds")
    for key, number in text.items():
        if not key[0].startswith(moving):
            assert openmetrics[key] == number or (math.isnan(number) and math.isnan(openmetrics[key])), key
    body = service.get("/metrics", headers={"Accept": OPENMETRICS}).text
    assert body.endswith("# EOF\n") and "\n\n" not in body
    assert body.count("# EOF") == 1


@pytest.mark.parametrize(
    "accept, expected",
    [
        (None, TEXT), ("*/*", TEXT), ("text/plain", TEXT), ("text/*", TEXT), ("", TEXT),
        (ACCEPT_2_42, OPENMETRICS), (ACCEPT_3, OPENMETRICS), (ACCEPT_3_PROTOBUF, OPENMETRICS),
        ("application/openmetrics-text; version=1.0.0; q=0.1, text/plain; q=0.9", TEXT),
        ("application/openmetrics-text;q=0, */*", TEXT),
        ("application/openmetrics-text", OPENMETRICS), ("APPLICATION/OpenMetrics-Text", OPENMETRICS),
        ("application/openmetrics-text;version=1.0.0;q=1, text/plain;q=1", OPENMETRICS),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT),
        ("application/openmetrics-text;q=banana", TEXT), (";;;,,,", TEXT), ("image/png", TEXT),
        ("application/vnd.google.protobuf;q=0.7", TEXT), ("x" * 5000, TEXT),
    ],
    ids=range(19),
)
def test_the_format_is_negotiated(service, accept, expected):
    answer = service.get("/metrics", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == expected
    assert "Accept" in re.split(r",\s*", answer.headers["Vary"])
    assert answer.text.endswith("# EOF\n") == (expected == OPENMETRICS)


@pytest.mark.parametrize("path", ["/metrics", "/drift/status", "/dashboard", "/dashboard.js"])
def test_gzip(service, path):
    plain = exchange(service.url, request("GET", path))
    assert "content-encoding" not in plain.headers
    for accepted in ("gzip", "deflate, gzip;q=0.5", "GZIP", "*", "gzip, identity;q=0"):
        packed = exchange(service.url, request("GET", path, headers=[("Accept-Encoding", accepted)]))
        assert packed.headers["content-encoding"] == "gzip", accepted
        assert len(packed.body) < len(plain.body) / 2
        assert gzip.decompress(packed.body)[:80] == plain.body[:80]
        assert packed.headers["content-type"] == plain.headers["content-type"]
    for refused in ("identity", "gzip;q=0", "gzip;q=0.0", "br", "", "*;q=0", "gzip;q=0, *"):
        raw = exchange(service.url, request("GET", path, headers=[("Accept-Encoding", refused)]))
        assert "content-encoding" not in raw.headers, refused
    assert "Accept-Encoding" in packed.headers["vary"] and "Accept-Encoding" in plain.headers["vary"]


@pytest.mark.parametrize("path", ["/", "/metrics", "/drift/status", "/health", "/ready",
                                  "/dashboard", "/dashboard.css", "/dashboard.js", "/report.css",
                                  "/dashboard/features/feature_0", "/models/synthetic/features/feature_0",
                                  "/models/synthetic/drift/status"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_head_is_get_without_the_body(service, path, encoding):
    headers = [("Accept-Encoding", encoding)]
    head = exchange(service.url, request("HEAD", path, headers=headers), head=True)
    get = exchange(service.url, request("GET", path, headers=headers))
    assert head.status == get.status == 200
    assert head.body == b""
    ignored = ("date", "content-length")
    assert {k: v for k, v in head.headers.items() if k not in ignored} == {
        k: v for k, v in get.headers.items() if k not in ignored}
    # Numbers on the page may have moved in between.
    assert abs(int(head.headers["content-length"]) - int(get.headers["content-length"])) < 200


def test_counters_never_fall_and_histograms_agree_under_load(start_service):
    service = start_service("--threads", "4")
    stop = threading.Event()

    def load(worker):
        url = service.url + "/predict"
        with requests.Session() as session:
            while not stop.is_set():
                session.post(url, json={"features": [worker, 1, 2, 3, 4]}, timeout=30)
                session.post(url, json={"features": [worker]}, timeout=30)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        running = [pool.submit(load, i) for i in range(4)]
        try:
            before = {}
            for i in range(40):
                families = scrape(service, openmetrics=i % 2 == 1)
                now = series(families)
                for key, number in now.items():
                    if key[0].endswith(("_total", "_bucket", "_count", "_sum")):
                        assert number >= before.get(key, 0), key
                buckets = [s.value for s in families["model_prediction_latency_seconds"].samples
                           if s.name.endswith("_bucket")]
                assert buckets == sorted(buckets)
                assert buckets[-1] == value(families, "model_prediction_latency_seconds_count",
                                            model="synthetic")
                before.update(now)
        finally:
            stop.set()
        for one in running:
            one.result()
    last = series(scrape(service))
    total = sum(v for (n, _), v in last.items() if n == "model_predictions_total")
    assert total > 0
    assert total == last[("model_prediction_latency_seconds_count", (("model", "synthetic"),))]


def test_le_is_canonical(service):
    text = service.get("/metrics").text
    bounds = re.findall(r'_bucket\{.*le="([^"]+)"\}', text)
    assert bounds[-1] == "+Inf" and "1.0" in bounds
    for bound in bounds:
        assert re.fullmatch(r"\d+\.\d+|\d(\.\d+)?e[+-]\d\d|\+Inf", bound), bound


def test_values_of_the_process(start_service):
    service = start_service()
    families = scrape(service)
    pid = service.process.pid
    with open(f"/proc/{pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    assert value(families, "process_threads") == int(fields["Threads"])
    resident = int(fields["VmRSS"].split()[0]) * 1024
    assert value(families, "process_resident_memory_bytes") == pytest.approx(resident, rel=0.2)
    assert 1 <= value(families, "process_open_fds") <= value(families, "process_max_fds")
    build = families["model_service_build_info"].samples[0]
    assert build.value == 1 and set(build.labels) == {"version", "revision"}


def test_the_window_gauges(start_service):
    service = start_service()
    assert value(scrape(service), "model_window_observations", model="synthetic") == 0
    service.post("/predict", json={"instances": [ROW] * 77})
    families = scrape(service)
    expected = {"model_window_observations": 77, "model_window_capacity_observations": 200,
                "model_minimum_sample_observations": 50, "model_reference_samples": 1000,
                "model_significance_level": service.get("/drift/status").json()["significance"]}
    for name, number in expected.items():
        assert value(families, name, model="synthetic") == number
    for i, x in enumerate(ROW):
        assert value(families, "model_feature_mean", model="synthetic", feature=f"feature_{i}") == x
        assert value(families, "model_feature_std", model="synthetic", feature=f"feature_{i}") == 0
