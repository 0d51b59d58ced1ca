"""Compares the performance metrics with scikit-learn on windows drawn afresh in every run.

Loads the shared library named by LIBDRIFT (default build/stats/libdrift.so). The seed is printed;
PERFORMANCE_LIVE_SEED repeats a run.
"""
import ctypes
import math
import os
import pathlib
import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

ROOT = pathlib.Path(__file__).resolve().parents[3]
LIBRARY = os.environ.get("LIBDRIFT", str(ROOT / "build" / "stats" / "libdrift.so"))
SEED = int(os.environ.get("PERFORMANCE_LIVE_SEED", np.random.SeedSequence().entropy % 2**32))
TOLERANCE = 1e-12
ERROR_TOLERANCE = 1e-9      # of standard errors and ends of intervals, relative
BINS = 10
FINE_STEPS, COARSE_STEPS, FINE_MAX_CLASSES = 4096, 256, 64   # of the scores since the start
LEVEL = 0.95
Z = float(stats.norm.isf(0.025))

BINARY, MULTICLASS, REGRESSION = range(3)
NAMES = ("accuracy precision recall f1 roc_auc log_loss brier expected_calibration_error "
         "mae rmse bias r2").split()
CLASSIFICATION, NUMBERS = NAMES[:8], NAMES[8:]
DOUBLE, SIZE, COUNT, INT = ctypes.c_double, ctypes.c_size_t, ctypes.c_uint64, ctypes.c_int


class Spec(ctypes.Structure):
    _fields_ = [("task", INT), ("classes", SIZE), ("window", SIZE), ("level", DOUBLE)]


class Value(ctypes.Structure):
    _fields_ = [("defined", ctypes.c_bool), ("value", DOUBLE), ("standard_error", DOUBLE),
                ("lower", DOUBLE), ("upper", DOUBLE), ("n", COUNT), ("basis", INT),
                ("centre", DOUBLE), ("error", DOUBLE), ("size", DOUBLE), ("bias", DOUBLE),
                ("least", DOUBLE), ("most", DOUBLE)]


class Class(ctypes.Structure):
    _fields_ = [("labels", COUNT), ("predictions", COUNT), ("hits", COUNT)] + [
        (name, Value) for name in ("precision", "recall", "f1", "roc_auc")]


class Report(ctypes.Structure):
    _fields_ = [("labels", COUNT), ("metric", Value * len(NAMES)),
                ("classes", ctypes.POINTER(Class))]


@pytest.fixture(scope="module")
def drift():
    assert os.path.exists(LIBRARY), f"{LIBRARY} is missing: build first, or set LIBDRIFT"
    library = ctypes.CDLL(LIBRARY)
    library.drift_performance_metric_name.restype = ctypes.c_char_p
    library.drift_performance_z.restype, library.drift_performance_z.argtypes = DOUBLE, (DOUBLE,)
    library.drift_performance_add.argtypes = (ctypes.c_void_p, DOUBLE, DOUBLE, ctypes.c_void_p)
    library.drift_performance_degraded.restype = ctypes.c_bool
    library.drift_performance_degraded.argtypes = (INT, ctypes.POINTER(Value), ctypes.POINTER(Value),
                                             DOUBLE)
    return library


@pytest.fixture
def rng(request):
    print(f"PERFORMANCE_LIVE_SEED={SEED}")
    return np.random.default_rng([SEED, *request.node.name.encode()])


class Live:
    """A struct performance, fed and read."""

    def __init__(self, drift, task, classes, window, level=LEVEL):
        self.drift, self.classes = drift, classes
        self.handle = ctypes.c_void_p()
        spec = Spec(task, classes, window, level)
        assert drift.drift_performance_create(ctypes.byref(spec), ctypes.byref(self.handle)) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.drift.drift_performance_destroy(self.handle)

    def add(self, prediction, label, scores=None):
        values = None
        if scores is not None:
            values = np.atleast_1d(np.asarray(scores, dtype=float)).copy()
        pointer = values.ctypes.data if values is not None else None
        self.drift.drift_performance_add(self.handle, float(prediction), float(label), pointer)

    def report(self, which="window"):
        report = Report()
        classes = (Class * max(self.classes, 1))()
        report.classes = ctypes.cast(classes, ctypes.POINTER(Class))
        getattr(self.drift, f"drift_performance_{which}_report")(self.handle, ctypes.byref(report))
        report.kept = classes
        return report


def values(report):
    return dict(zip(NAMES, report.metric))


def check(name, value, expected, tolerance=TOLERANCE):
    """expected None: undefined."""
    if expected is None:
        assert not value.defined, f"{name}: got {value.value!r}, expected none, seed {SEED}"
        assert all(math.isnan(x) for x in (value.value, value.standard_error, value.lower, value.upper))
        return
    assert value.defined, f"{name}: undefined, expected {expected!r}, seed {SEED}"
    assert abs(value.value - expected) <= tolerance * max(1, abs(expected)), (
        f"{name}: got {value.value!r}, expected {expected!r}, seed {SEED}")
    if not math.isnan(value.lower):
        assert value.lower <= value.value <= value.upper, f"{name}, seed {SEED}"


def check_error(name, value, error):
    assert abs(value.standard_error - error) <= ERROR_TOLERANCE * (abs(error) + 1e-6), (
        f"{name}: got error {value.standard_error!r}, expected {error!r}, seed {SEED}")


def check_variance(name, value, error, terms):
    """Of an error that is the root of a sum whose terms, so large together, may cancel."""
    got, expected = value.standard_error**2, error**2
    assert abs(got - expected) <= 2 * ERROR_TOLERANCE * expected + terms, (
        f"{name}: got error {value.standard_error!r}, expected {error!r}, seed {SEED}")


def check_ends(name, value, lower, upper):
    for got, expected in ((value.lower, lower), (value.upper, upper)):
        assert abs(got - expected) <= ERROR_TOLERANCE * (abs(expected) + 1e-3), (
            f"{name}: got {value.lower!r} to {value.upper!r}, expected {lower!r} to {upper!r}, "
            f"seed {SEED}")


def wilson(p, n):
    centre = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return max(0, centre - half), min(1, centre + half)


def delong(labels, scores):
    """From the definition: all pairs."""
    positives, negatives = scores[labels == 1], scores[labels == 0]
    wins = (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives)
    return math.sqrt(wins.mean(axis=1).var(ddof=1) / len(positives)
                     + wins.mean(axis=0).var(ddof=1) / len(negatives))


def calibration(confidence, hit):
    bins = np.searchsorted([i / BINS for i in range(1, BINS)], confidence)
    gaps = [abs((hit[bins == b] - confidence[bins == b]).sum()) for b in range(BINS)]
    return sum(gaps) / len(hit)


def quietly(function, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(function(*arguments, **options))


# Binary

def binary_stream(rng, n):
    kind = rng.integers(7)
    labels = (rng.random(n) < rng.choice([0.05, 0.3, 0.5])).astype(int)
    scores = np.clip(rng.normal(0.3 + 0.4 * labels, rng.choice([0.05, 0.2, 0.5])), 0, 1)
    if kind == 0:
        labels[:] = rng.integers(2)                 # one class only
    elif kind == 1:
        scores[:] = rng.choice([0, 0.3, 0.5, 1])    # constant
    elif kind == 2:
        scores = np.round(scores * 10) / 10         # ties, and edges of the bins
    elif kind == 3:
        scores = labels.astype(float)               # perfect
    predictions = (scores > 0.5).astype(int)
    if kind == 4:
        predictions[:] = rng.integers(2)            # constant prediction
    return predictions, labels, scores


def expected_binary(predictions, labels, scores):
    n = len(labels)
    if n == 0:
        return dict.fromkeys(CLASSIFICATION)
    both = 0 < labels.sum() < n
    return {
        "accuracy": metrics.accuracy_score(labels, predictions),
        "precision": metrics.precision_score(labels, predictions) if predictions.any() else None,
        "recall": metrics.recall_score(labels, predictions) if labels.any() else None,
        "f1": metrics.f1_score(labels, predictions) if (labels | predictions).any() else None,
        "roc_auc": metrics.roc_auc_score(labels, scores) if both else None,
        "log_loss": metrics.log_loss(labels, scores, labels=[0, 1]),
        "brier": metrics.brier_score_loss(labels, scores, pos_label=1),
        "expected_calibration_error": calibration(scores, labels),
    }


def check_binary_intervals(live, predictions, labels, scores):
    n, hits = len(labels), int((labels & predictions).sum())
    if n == 0:
        return
    for name, part, of in (("accuracy", int((labels == predictions).sum()), n),
                           ("precision", hits, int(predictions.sum())),
                           ("recall", hits, int(labels.sum()))):
        if of:
            assert live[name].n == of
            check_ends(name, live[name], *wilson(part / of, of))
    either = int((labels | predictions).sum())
    if either:
        check_ends("f1", live["f1"], *(2 * q / (1 + q) for q in wilson(hits / either, either)))
    if min(labels.sum(), n - labels.sum()) > 1:
        area, error = live["roc_auc"].value, delong(labels, scores)
        check_variance("roc_auc", live["roc_auc"], error, 1e-16)  # of placements in [0, 1]
        if error > 1e-6:
            check_ends("roc_auc", live["roc_auc"], *wilson(area, area * (1 - area) / error**2))
    if n > 1:
        squares = (labels - scores)**2
        error = squares.std(ddof=1) / math.sqrt(n)
        check_error("brier", live["brier"], error)
        check_ends("brier", live["brier"], max(0, squares.mean() - Z * error),
                   min(1, squares.mean() + Z * error))
    else:
        assert math.isnan(live["brier"].lower) and math.isnan(live["log_loss"].upper)


@pytest.mark.parametrize("case", range(60))
def test_binary(drift, rng, case):
    window = int(rng.choice([1, 2, 3, 10, 100, 1000]))
    n = int(rng.choice([0, 1, 2, window, window + 1, 2 * window + window // 2]))
    predictions, labels, scores = binary_stream(rng, n)
    with Live(drift, BINARY, 2, window) as performance:
        for triple in zip(predictions, labels, scores):
            performance.add(*triple)
        last = slice(max(0, n - window), n)
        report = performance.report()
        assert report.labels == min(n, window)
        live = values(report)
        expected = expected_binary(predictions[last], labels[last], scores[last])
        for name in CLASSIFICATION:
            check(name, live[name], expected[name])
        for name in NUMBERS:
            check(name, live[name], None)
        check_binary_intervals(live, predictions[last], labels[last], scores[last])
        check_binary_total(performance.report("total"), predictions, labels, scores)


def check_binary_total(report, predictions, labels, scores):
    steps = np.minimum(np.floor(scores * FINE_STEPS), FINE_STEPS - 1)
    expected, live = expected_binary(predictions, labels, scores), values(report)
    assert report.labels == len(labels)
    for name in CLASSIFICATION:
        if name != "roc_auc":
            check(f"{name} since the start", live[name], expected[name])
    stepped = None if expected["roc_auc"] is None else metrics.roc_auc_score(labels, steps)
    check("roc_auc since the start", live["roc_auc"], stepped)


def test_half_the_scores_are_missing(drift, rng):
    n = 500
    predictions, labels, scores = (x for x in binary_stream(rng, n))
    labels[:2] = 0, 1
    given = rng.random(n) < 0.5
    given[:2] = True
    with Live(drift, BINARY, 2, n) as performance:
        for i in range(n):
            bad = rng.choice([math.nan, -0.1, 1.5])
            performance.add(predictions[i], labels[i], scores[i] if given[i] else
                            bad if rng.random() < 0.5 else None)
        live = values(performance.report())
        check("accuracy", live["accuracy"], metrics.accuracy_score(labels, predictions))
        expected = expected_binary(predictions[given], labels[given], scores[given])
        for name in CLASSIFICATION[4:]:
            check(name, live[name], expected[name])
            assert live[name].n == given.sum()


# Multi-class

def multiclass_stream(rng, n, k):
    labels = rng.choice(k, n, p=rng.dirichlet(np.full(k, rng.choice([0.3, 3]))))
    logits = rng.normal(0, 1, (n, k)) * rng.choice([0.2, 2])
    logits[np.arange(n), labels] += rng.choice([0, 1, 3])
    scores = np.exp(logits)
    scores /= scores.sum(axis=1, keepdims=True)
    if rng.random() < 0.3:
        scores = np.round(scores, 1)                # ties, zeros, sums other than 1
    predictions = scores.argmax(axis=1)
    if rng.random() < 0.3:
        predictions = rng.integers(0, k, n)
    return predictions, labels, scores


def expected_multiclass(predictions, labels, scores):
    n, k = scores.shape
    if n == 0:
        return dict.fromkeys(CLASSIFICATION)
    areas = [metrics.roc_auc_score(labels == c, scores[:, c]) for c in range(k)
             if 0 < (labels == c).sum() < n]
    result = {name: quietly(function, labels, predictions, average="macro", zero_division=0)
              for name, function in (("precision", metrics.precision_score),
                                     ("recall", metrics.recall_score), ("f1", metrics.f1_score))}
    if len(areas) == k > 2 and np.allclose(scores.sum(axis=1), 1, rtol=1e-9):
        assert math.isclose(np.mean(areas), metrics.roc_auc_score(
            labels, scores, multi_class="ovr", average="macro"), rel_tol=1e-12)
    result["accuracy"] = metrics.accuracy_score(labels, predictions)
    result["roc_auc"] = float(np.mean(areas)) if areas else None
    result["log_loss"] = quietly(metrics.log_loss, labels, scores, labels=range(k))
    result["brier"] = ((scores - np.eye(k)[labels])**2).sum(axis=1).mean()
    result["expected_calibration_error"] = calibration(
        scores.max(axis=1), (scores.argmax(axis=1) == labels).astype(float))
    return result


def macro_error(metric, predictions, labels, k):
    """Delta method by numeric derivatives in the cells of the confusion matrix."""
    matrix = metrics.confusion_matrix(labels, predictions, labels=range(k)).astype(float)
    present = np.flatnonzero(matrix.sum(axis=0) + matrix.sum(axis=1))

    def average(cells):
        hits, of_labels, of_predictions = np.diag(cells), cells.sum(axis=1), cells.sum(axis=0)
        below = {"precision": of_predictions, "recall": of_labels,
                 "f1": (of_labels + of_predictions) / 2}[metric]
        return sum(hits[c] / below[c] for c in present if below[c]) / len(present)

    variance, step = 0.0, 1e-4
    for cell in zip(*np.nonzero(matrix)):
        up, down = matrix.copy(), matrix.copy()
        up[cell] += step
        down[cell] -= step
        variance += matrix[cell] * ((average(up) - average(down)) / (2 * step))**2
    return math.sqrt(variance)


def check_classes(report, predictions, labels, scores):
    for c, live in enumerate(report.kept):
        hits = int(((labels == c) & (predictions == c)).sum())
        of_labels, of_predictions = int((labels == c).sum()), int((predictions == c).sum())
        assert (live.labels, live.predictions, live.hits) == (of_labels, of_predictions, hits)
        check("precision", live.precision, hits / of_predictions if of_predictions else None)
        check("recall", live.recall, hits / of_labels if of_labels else None)
        both = of_labels + of_predictions
        check("f1", live.f1, 2 * hits / both if both else None)
        known = 0 < of_labels < len(labels)
        check("roc_auc", live.roc_auc,
              metrics.roc_auc_score(labels == c, scores[:, c]) if known else None)


@pytest.mark.parametrize("case", range(40))
def test_multiclass(drift, rng, case):
    k = int(rng.choice([2, 3, 7, 80]))
    window = int(rng.choice([1, 5, 100, 600]))
    n = int(rng.choice([0, 1, window, 2 * window + 1]))
    predictions, labels, scores = multiclass_stream(rng, n, k)
    with Live(drift, MULTICLASS, k, window) as performance:
        for triple in zip(predictions, labels, scores):
            performance.add(*triple)
        last = slice(max(0, n - window), n)
        report = performance.report()
        live = values(report)
        expected = expected_multiclass(predictions[last], labels[last], scores[last])
        for name in CLASSIFICATION:
            check(name, live[name], expected[name])
        check_classes(report, predictions[last], labels[last], scores[last])
        for name in ("precision", "recall", "f1") if 0 < n and k < 10 else ():
            error = macro_error(name, predictions[last], labels[last], k)
            assert abs(live[name].standard_error - error) < 1e-6, name
        since, total = expected_multiclass(predictions, labels, scores), values(performance.report("total"))
        for name in CLASSIFICATION:
            if name != "roc_auc":
                check(f"{name} since the start", total[name], since[name])
        check("roc_auc since the start", total["roc_auc"], stepped_area(labels, scores))


def stepped_area(labels, scores):
    n, k = scores.shape
    steps = FINE_STEPS if k <= FINE_MAX_CLASSES else COARSE_STEPS
    cells = np.minimum(np.floor(scores * steps), steps - 1)
    areas = [metrics.roc_auc_score(labels == c, cells[:, c]) for c in range(k)
             if 0 < (labels == c).sum() < n]
    return float(np.mean(areas)) if areas else None


# Regression

@pytest.mark.parametrize("case", range(40))
def test_regression(drift, rng, case):
    window = int(rng.choice([1, 2, 3, 50, 1000]))
    n = int(rng.choice([0, 1, 2, window, 3 * window]))
    labels = rng.normal(rng.choice([0, 5, 1e6]), rng.choice([1, 100]), n)
    predictions = labels + rng.normal(rng.choice([0, 0.5]), rng.choice([0.01, 1]), n)
    kind = rng.integers(5)
    if kind == 0:
        labels[:] = 3
    elif kind == 1:
        predictions = labels.copy()
    with Live(drift, REGRESSION, 0, window) as performance:
        for pair in zip(predictions, labels):
            performance.add(*pair)
        last = slice(max(0, n - window), n)
        check_regression(values(performance.report()), predictions[last], labels[last])
        check_regression(values(performance.report("total")), predictions, labels, 1e-9)


def check_regression(live, predictions, labels, r2_tolerance=TOLERANCE):
    n = len(labels)
    for name in CLASSIFICATION:
        check(name, live[name], None)
    if n == 0:
        for name in NUMBERS:
            check(name, live[name], None)
        return
    errors = predictions - labels
    check("mae", live["mae"], metrics.mean_absolute_error(labels, predictions))
    check("rmse", live["rmse"], math.sqrt(metrics.mean_squared_error(labels, predictions)))
    check("bias", live["bias"], errors.mean())
    constant = n < 2 or np.ptp(labels) == 0
    check("r2", live["r2"], None if constant else metrics.r2_score(labels, predictions), r2_tolerance)
    if n < 2:
        return
    check_error("bias", live["bias"], errors.std(ddof=1) / math.sqrt(n))
    check_error("mae", live["mae"], abs(errors).std(ddof=1) / math.sqrt(n))
    squares, error = (errors**2).mean(), (errors**2).std(ddof=1) / math.sqrt(n)
    check_ends("rmse", live["rmse"], math.sqrt(max(0, squares - Z * error)),
               math.sqrt(squares + Z * error))
    if not constant and r2_tolerance == TOLERANCE:
        d2 = (labels - labels.mean())**2
        influence = (squares / d2.mean() * d2 - errors**2) / d2.mean()
        # The kernel expands the square, whose terms may cancel (two labels are at equal distance from
        # their mean): it is exact relative to the terms, which without cancellation are the result.
        terms = ((squares / d2.mean() * d2)**2 + errors**4).sum() / d2.mean()**2 / n**2
        check_variance("r2", live["r2"], math.sqrt((influence**2).sum()) / n, 2 * ERROR_TOLERANCE * (terms + 1e-12))


# Errors and comparisons hold what they promise

def test_names_and_levels(drift):
    assert [drift.drift_performance_metric_name(i).decode() for i in range(len(NAMES))] == NAMES
    assert drift.drift_performance_metric_name(len(NAMES)) is None
    for level in (0.5, 0.9, 0.95, 0.99, 0.9999, 1 - 1e-9):
        assert math.isclose(drift.drift_performance_z(level), stats.norm.isf((1 - level) / 2), rel_tol=1e-12)


def test_refuses_what_makes_no_sense(drift):
    handle = ctypes.c_void_p()
    for spec in (Spec(BINARY, 3, 10, LEVEL), Spec(BINARY, 2, 0, LEVEL), Spec(BINARY, 2, 10, 1.0),
                 Spec(MULTICLASS, 1, 10, LEVEL), Spec(MULTICLASS, 1001, 10, LEVEL), Spec(7, 2, 10, LEVEL)):
        assert drift.drift_performance_create(ctypes.byref(spec), ctypes.byref(handle)) == -22
        assert not handle


@pytest.mark.parametrize("metric", NAMES)
def test_coverage_of_intervals(drift, rng, metric):
    """95 % intervals on windows of 300 hold the value of a long stream nearly as often as they say."""
    regression, runs, n = metric in NUMBERS, 200, 300
    truth = values_of_stream(drift, rng, regression, 200000)[metric].value
    inside = 0
    for _ in range(runs):
        value = values_of_stream(drift, rng, regression, n)[metric]
        inside += value.lower <= truth <= value.upper
    assert inside / runs > 0.88, f"{metric}: {inside / runs}"


def values_of_stream(drift, rng, regression, n):
    with Live(drift, REGRESSION if regression else BINARY, 2, n) as performance:
        if regression:
            labels = rng.normal(0, 2, n)
            pairs = ((label + e, label, None) for label, e in zip(labels, rng.normal(0.1, 1, n)))
        else:
            scores = rng.beta(1, 1.5, n)
            labels = rng.random(n) < scores**1.2
            pairs = zip(scores > 0.5, labels, scores)
        for triple in pairs:
            performance.add(*triple)
        return values(performance.report())


def test_degraded(drift, rng):
    """By chance hardly ever at z = 4, always when it is much worse, never when it is better."""
    reference = values_of_stream(drift, rng, False, 5000)
    by_chance = 0
    for _ in range(200):
        same = values_of_stream(drift, rng, False, 400)
        by_chance += any(drift.drift_performance_degraded(i, same[name], reference[name], 4.0)
                         for i, name in enumerate(CLASSIFICATION))
    # At most 8 * 3e-5 of the streams: more than two of 200 come once in 50 000 runs.
    assert by_chance <= 2, f"seed {SEED}"
    worse, better = [], []
    for target, flip in ((worse, 0.6), (better, 0.0)):
        with Live(drift, BINARY, 2, 2000) as performance:
            for score in rng.random(2000):
                label = score > 0.5
                sure = 0.97 if label else 0.03
                performance.add(label, label != (rng.random() < flip), sure)
            target.append(values(performance.report()))
    for i, name in enumerate(CLASSIFICATION):
        assert drift.drift_performance_degraded(i, worse[0][name], reference[name], 4.0), name
        assert not drift.drift_performance_degraded(i, better[0][name], reference[name], 4.0), name
