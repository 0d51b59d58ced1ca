"""Compares the detectors of change with a second implementation from the papers (detector_papers.py),
step by step, on recorded and on fresh streams, and with values that others have published.

Loads the shared library named by LIBDRIFT (default build/stats/libdrift.so). The seed of the fresh
streams is printed; CHANGE_LIVE_SEED repeats a run.
"""
import ctypes
import math
import os
import pathlib
import random
import sys

import numpy as np
import pytest

import detector_papers as papers

ROOT = pathlib.Path(__file__).resolve().parents[3]
LIBRARY = os.environ.get("LIBDRIFT", str(ROOT / "build" / "stats" / "libdrift.so"))
SEED = int(os.environ.get("CHANGE_LIVE_SEED", np.random.SeedSequence().entropy % 2**32))
DETECTOR_BYTES = 16384  # more than sizeof(struct change_detector)
FRESH_STREAMS = 6
NAMES = ("adwin", "ddm", "eddm", "hddm_a", "hddm_w", "page_hinkley", "kswin")
DIRECTED = ("hddm_a", "hddm_w", "page_hinkley")
REAL = ("page_hinkley", "kswin")
EINVAL = 22


class AdwinHead(ctypes.Structure):
    _fields_ = [("delta", ctypes.c_double), ("length", ctypes.c_uint64)]


def load():
    assert os.path.exists(LIBRARY), f"{LIBRARY} is missing: build first, or set LIBDRIFT"
    lib = ctypes.CDLL(LIBRARY)
    pointer, double = ctypes.c_void_p, ctypes.c_double
    lib.drift_change_detector_init.argtypes = [pointer, ctypes.c_int, ctypes.c_int, ctypes.c_uint64]
    lib.drift_change_detector_update.argtypes = [pointer, double]
    lib.drift_change_detector_onset.argtypes = [pointer, pointer]
    lib.drift_change_detector_kind_of.argtypes = [ctypes.c_char_p, pointer]
    lib.drift_adwin_init.argtypes = [pointer, double]
    lib.drift_adwin_update.argtypes = [pointer, double, pointer]
    lib.drift_adwin_mean.argtypes = lib.drift_adwin_variance.argtypes = [pointer]
    lib.drift_adwin_mean.restype = lib.drift_adwin_variance.restype = double
    return lib


LIB = load()


@pytest.fixture(scope="module", autouse=True)
def print_seed():
    print(f"CHANGE_LIVE_SEED={SEED}", file=sys.stderr)


class Detector:
    """A detector of the library."""

    def __init__(self, name, direction=papers.UP, seed=0):
        kind = ctypes.c_int()
        assert LIB.drift_change_detector_kind_of(name.encode(), ctypes.byref(kind)) == 0
        self.memory = ctypes.create_string_buffer(DETECTOR_BYTES)
        assert LIB.drift_change_detector_init(self.memory, kind, direction, seed) == 0

    def update(self, x):
        return LIB.drift_change_detector_update(self.memory, x)

    def onset(self):
        index = ctypes.c_uint64()
        assert LIB.drift_change_detector_onset(self.memory, ctypes.byref(index)) == 0
        return index.value


class Adwin:
    """ADWIN of the library without the facade, which takes values outside [0, 1] too."""

    def __init__(self):
        self.memory = ctypes.create_string_buffer(DETECTOR_BYTES)
        LIB.drift_adwin_init(self.memory, 0.002)

    def update(self, x):
        return LIB.drift_adwin_update(self.memory, x, ctypes.byref(ctypes.c_uint64()))

    def length(self):
        return AdwinHead.from_buffer(self.memory).length

    def mean(self):
        return LIB.drift_adwin_mean(self.memory)

    def variance(self):
        return LIB.drift_adwin_variance(self.memory)


def recorded():
    streams = {}
    for line in (ROOT / "tests/vectors/change_streams.csv").read_text().splitlines():
        name, values = line.split(",")
        streams[name] = ([int(x) / 1000 for x in values.split()] if name.startswith("real_")
                         else [float(x) for x in values])
    return streams


RECORDED = recorded()
BINARY = [name for name in RECORDED if not name.startswith("real_")]


def expect_same(name, values, direction=papers.UP, seed=0):
    """Returns the positions of warnings and of drifts."""
    ours, theirs = Detector(name, direction, seed), papers.make(name, direction, seed)
    warnings, drifts = [], []
    for i, x in enumerate(values):
        got, expected = ours.update(x), theirs.update(x)
        assert got == expected, (name, i, x)
        if got == papers.DRIFT:
            drifts.append(i)
            assert ours.onset() == i + 1 - theirs.age, (name, i)
        elif got == papers.WARNING:
            warnings.append(i)
    return warnings, drifts


def streams_for(name):
    return BINARY if name == "eddm" else list(RECORDED)


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_the_paper_on_recorded_streams(name):
    drifts = 0
    streams = streams_for(name)
    assert len(streams) >= 20
    for seed, stream in enumerate(streams):
        drifts += len(expect_same(name, RECORDED[stream], seed=seed)[1])
    assert drifts >= 5, "the streams say something about this detector"


@pytest.mark.parametrize("name", DIRECTED)
def test_agrees_with_the_paper_in_both_directions(name):
    drifts = sum(len(expect_same(name, values, papers.BOTH)[1]) for values in RECORDED.values())
    assert drifts >= 10


@pytest.mark.parametrize("name", REAL)
def test_agrees_with_the_paper_on_numbers_of_any_size(name):
    for stream in (stream for stream in RECORDED if stream.startswith("real_")):
        values = [100 * x - 30 for x in RECORDED[stream]]
        expect_same(name, values, papers.BOTH, seed=SEED)


def fresh_stream(rng, binary):
    values = []
    for _ in range(rng.integers(1, 5)):
        length, mean = int(rng.integers(40, 900)), rng.random()
        values.append(rng.random(length) < mean if binary else
                      np.clip(rng.normal(mean, 0.2, length), 0, 1))
    return np.concatenate(values).astype(float).tolist()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", range(FRESH_STREAMS))
def test_agrees_with_the_paper_on_fresh_streams(name, case):
    rng = np.random.default_rng([SEED, case])
    direction = papers.BOTH if name in DIRECTED and case % 3 == 0 else papers.UP
    expect_same(name, fresh_stream(rng, name == "eddm" or case % 2 == 0), direction,
                int(rng.integers(2 ** 63)))


def expect_brute_force(values, exactly):
    ours, theirs = Adwin(), papers.Adwin()
    for i, x in enumerate(values):
        assert ours.update(x) == theirs.update(x), i
        assert ours.length() == len(theirs.values), i
        mean, expected = ours.mean(), theirs.mean()
        assert mean == expected if exactly else math.isclose(mean, expected, rel_tol=1e-14), i
        if i % 7 == 0:
            assert math.isclose(ours.variance(), np.var(theirs.values), rel_tol=1e-11, abs_tol=1e-17)


@pytest.mark.parametrize("stream", RECORDED)
def test_adwin_has_the_window_of_its_definition(stream):
    """Equal to the last bit where sums of the values are exact, as they are of errors."""
    expect_brute_force(RECORDED[stream], exactly=not stream.startswith("real_"))


@pytest.mark.parametrize("case", range(FRESH_STREAMS))
def test_adwin_has_the_window_of_its_definition_on_fresh_numbers(case):
    rng = np.random.default_rng([SEED, 1000 + case])
    values = np.round(np.array(fresh_stream(rng, False)) * 2 ** 20) / 2 ** 20
    expect_brute_force(values.tolist(), exactly=True)


def positions(detector, values):
    return [i for i, x in enumerate(values) if detector.update(float(x)) == papers.DRIFT]


# Published positions of drifts, from the tests and the examples of two other programs. Both reset
# ADWIN and Page-Hinkley in ways of their own after a drift, and one takes falls as nothing to
# signal; the values below do not depend on that.

def river_streams():
    """The streams of river/drift/test_drift_detectors.py (online-ml/river)."""
    np.random.seed(12345)
    first = np.concatenate((np.random.randint(2, size=1000), np.random.randint(8, size=1000)))
    np.random.seed(12345)
    second = [np.random.binomial(1, p) for p in (0.2, 0.8) for _ in range(1000)]
    np.random.seed(12345)
    third = np.concatenate([np.random.normal(mean, 0.1, 500) > 0 for mean in (0, 0.25, 0, 0.25)])
    return first, second, third


def multiflow_streams():
    """Those of tests/drift_detection/test_{ddm,eddm,hddm_a,hddm_w}.py (scikit-multiflow)."""
    np.random.seed(1)
    return (np.concatenate([np.random.normal(mean, 0.1, 1000) > 0 for mean in (0, 0.5)]),
            np.concatenate([np.random.normal(mean, 0.1, 500) > 0 for mean in (0, 0.25, 0, 0.25)]))


def binary_example():
    """That of the examples in river/drift/binary/{ddm,hddm_a,hddm_w}.py."""
    rng = random.Random(42)
    return rng.choices([0, 1], k=1000) + rng.choices([0, 1], k=1000, weights=[0.3, 0.7])


def page_example():
    """That of the examples in river/drift/{adwin,page_hinkley}.py."""
    rng = random.Random(12345)
    return rng.choices([0, 1], k=1000) + rng.choices(range(4, 8), k=1000)


def four_parts():
    """That of test_multiple_drifts in river/drift/test_adwin_regression.py."""
    rng = random.Random(42)
    return [x for choices in ([0, 1], range(4, 8)) * 2 for x in rng.choices(choices, k=1000)]


def states(detector, values):
    return [detector.update(float(x)) for x in values]


def positions(detector, values):
    return [i for i, state in enumerate(states(detector, values)) if state == papers.DRIFT]


PUBLISHED = [
    ("ddm", papers.UP, lambda: river_streams()[1], [1049]),
    ("ddm", papers.UP, lambda: multiflow_streams()[0], [103, 1060]),
    ("ddm", papers.UP, binary_example, [1334]),
    ("eddm", papers.UP, lambda: river_streams()[1], [681, 848, 983, 1042, 1089]),
    ("eddm", papers.UP, lambda: multiflow_streams()[0], [64, 1135]),
    ("hddm_a", papers.UP, lambda: river_streams()[1], [1047]),
    ("hddm_a", papers.BOTH, lambda: river_streams()[2], [531, 1015, 1545]),
    ("hddm_a", papers.UP, lambda: multiflow_streams()[0], [1052]),
    ("hddm_a", papers.UP, binary_example, [1206]),
    ("hddm_w", papers.UP, lambda: river_streams()[1], [1018]),
    ("hddm_w", papers.UP, lambda: river_streams()[2], [507, 1508]),
    ("hddm_w", papers.UP, lambda: multiflow_streams()[0], [1018]),
    ("hddm_w", papers.UP, lambda: multiflow_streams()[1], [518, 1513]),
    ("hddm_w", papers.UP, binary_example, [1077]),
    ("page_hinkley", papers.UP, page_example, [1006]),
]


@pytest.mark.parametrize("case", range(len(PUBLISHED)))
def test_published_drifts(case):
    name, direction, stream, expected = PUBLISHED[case]
    assert positions(Detector(name, direction), stream()) == expected


def test_published_first_drift_of_page_hinkley():
    assert positions(Detector("page_hinkley"), river_streams()[0])[0] == 1020


@pytest.mark.parametrize("name", ("hddm_a", "hddm_w"))
def test_published_first_warning(name):
    assert states(Detector(name), binary_example()).index(papers.WARNING) == 451


def test_published_drifts_of_adwin():
    """There each drift empties the window; here the cut goes on at the next check."""
    found = positions(Adwin(), four_parts())
    assert {1023, 2015, 3007} <= set(found) <= {i + 32 * k for i in (1023, 2015, 3007) for k in (0, 1)}
    assert positions(Adwin(), river_streams()[0])[0] == 1023
    assert positions(Adwin(), page_example()) == [1023]
