"""The golden expositions and random labels, read back by promtool and by Prometheus's own parsers."""

import math
import os
import random
import struct
import subprocess
from pathlib import Path

import pytest
from prometheus_client import parser as text_parser
from prometheus_client.openmetrics import parser as openmetrics_parser

PROBE = os.environ["ENCODE_PROBE"]
GOLDEN = Path(__file__).resolve().parents[2] / "golden"
TEXT = (GOLDEN / "exposition_text.txt").read_bytes()
OPENMETRICS = (GOLDEN / "exposition_openmetrics.txt").read_bytes()


def parse(body, openmetrics):
    module = openmetrics_parser if openmetrics else text_parser
    return {f.name: f for f in module.text_string_to_metric_families(body.decode("utf-8"))}


def by_series(family):
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for s in family.samples}


def same(a, b):
    """As doubles, without the sign of zero: the OpenMetrics parser reads some as integers."""
    return float(a) == float(b) or (math.isnan(a) and math.isnan(b))


def test_promtool_is_silent():
    done = subprocess.run(["promtool", "check", "metrics"], input=TEXT, capture_output=True,
                          timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_both_formats_hold_the_same_series():
    text = {k: v for f in parse(TEXT, False).values() for k, v in by_series(f).items()}
    openmetrics = {k: v for f in parse(OPENMETRICS, True).values() for k, v in by_series(f).items()}
    assert text.keys() == openmetrics.keys()
    assert [k for k in text if not same(text[k], openmetrics[k])] == []
    assert len(text) > 40


def test_counts_are_exact():
    values = by_series(parse(OPENMETRICS, True)["model_predictions"]).values()
    assert list(values) == [1e6, 2**64 - 1]


def test_types_and_units():
    families = parse(OPENMETRICS, True)
    assert {name: (f.type, f.unit) for name, f in families.items()} == {
        "model_drift_score": ("gauge", ""),
        "model_predictions": ("counter", ""),
        "process_cpu_seconds": ("counter", "seconds"),
        "model_prediction_latency_seconds": ("histogram", "seconds"),
        "model_feature_values": ("histogram", ""),
        "model_service_build": ("info", ""),
        "model_window_observations": ("gauge", ""),
    }
    assert b"UNIT" not in TEXT
    assert b"# TYPE model_service_build_info gauge\n" in TEXT
    assert b"# TYPE model_predictions_total counter\n" in TEXT


@pytest.mark.parametrize("body, openmetrics", [(TEXT, False), (OPENMETRICS, True)],
                         ids=["text", "openmetrics"])
def test_help_and_values(body, openmetrics):
    family = parse(body, openmetrics)["model_drift_score"]
    assert family.documentation == 'Drift score; "PSI" or KS.\nSee C:\\docs \u2265 1.'
    values = [s.value for s in family.samples]
    expected = [0.123, 0.0, -0.0, math.nan, math.inf, -math.inf, 1e-5, 0.0001, 1e15, 1e16,
                1234567.5, -2.5, 5e-324, 1e300, 1.0]
    assert len(values) == len(expected)
    assert all(map(same, values, expected))
    assert family.samples[-1].labels == {"feature": 'a\\b "c"\nd, {e="f"} \u00e9 \ufffd|\ufffd'}


def test_buckets():
    family = parse(OPENMETRICS, True)["model_prediction_latency_seconds"]
    buckets = [(s.labels["le"], s.value) for s in family.samples
               if s.name.endswith("_bucket") and "model" in s.labels]
    assert buckets == [("0.0", 0), ("5e-05", 1), ("0.005", 3), ("0.25", 6), ("1.0", 6), ("10.0", 6),
                       ("250000.0", 10), ("1e+06", 15), ("1.2345678e+07", 21), ("+Inf", 28)]
    series = by_series(family)
    assert series["model_prediction_latency_seconds_sum", (("model", "fraud"),)] == 12.75
    assert series["model_prediction_latency_seconds_count", (("model", "fraud"),)] == 28


def test_no_sum_or_count_where_openmetrics_forbids_them():
    names = {(s.name.rsplit("_", 1)[1], s.labels["feature"])
             for s in parse(OPENMETRICS, True)["model_feature_values"].samples}
    assert names == {("bucket", 'x "1"'), ("bucket", "negative sum"), ("bucket", "unknown sum"),
                     ("bucket", "no bins"), ("sum", "no bins"), ("count", "no bins")}


def test_parser_is_strict():
    """The oracle would notice: it refuses bodies broken in the ways the writer must avoid."""
    for broken in (OPENMETRICS.replace(b"# EOF\n", b""),
                   OPENMETRICS.replace(b"# TYPE model_predictions ", b"# TYPE model_predictions_total "),
                   OPENMETRICS.replace(b"# UNIT process_cpu_seconds seconds", b"# UNIT process_cpu_seconds bytes"),
                   OPENMETRICS.replace(b'le="0.005"} 3', b'le="0.005"} 0')):
        assert broken != OPENMETRICS
        with pytest.raises(ValueError):
            parse(broken, True)


@pytest.mark.parametrize("mode", ["label", "openmetrics-label"])
def test_random_label_values(mode):
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    generator = random.Random(seed)
    awkward = [b"\\", b"\n", b'"', b"n", b"{", b"}", b",", b"=", b"#", b" ", b"\r", b"\t", b"\xc3",
               b"\xa9", b"\xff", "\u20ac".encode(), "\U0001f600".encode()]
    records = [b"".join(generator.choices(awkward, k=generator.randrange(12))) for _ in range(5000)]
    records = [b'help \\ "quoted" \\n\n\xff end'] + records
    # No series may come twice, so what decodes to the same value is sent once.
    records = list({r.decode("utf-8", "replace"): r for r in records}.values())
    done = subprocess.run([PROBE, mode], capture_output=True, check=True, timeout=60,
                          input=b"".join(struct.pack("=I", len(r)) + r for r in records))
    family = parse(done.stdout, mode != "label")["probe"]
    decoded = [r.decode("utf-8", "replace") for r in records]
    assert len(decoded) > 3000
    assert family.documentation == decoded[0]
    assert [s.labels["value"] for s in family.samples] == decoded
    assert [s.value for s in family.samples] == list(range(len(decoded)))
