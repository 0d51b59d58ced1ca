"""Compares whole windows of libdrift with SciPy and with exact arithmetic, on fresh random cases.

Loads the shared library named by LIBDRIFT (default build/stats/libdrift.so). The seed is printed;
WINDOWS_LIVE_SEED repeats a run.
"""
import ctypes
import math
import os
import pathlib
import sys
import warnings
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests"))
import oracles  # noqa: E402
LIBRARY = os.environ.get("LIBDRIFT", str(ROOT / "build" / "stats" / "libdrift.so"))
SEED = int(os.environ.get("WINDOWS_LIVE_SEED", np.random.SeedSequence().entropy % 2**32))

SMALL_CASES = 2000
LARGE_CASES = 12
MOMENT_CASES = 300
IDENTICAL_SHARE = 0.04  # of the cases: the same values on both sides
TOLERANCE = 1e-12         # relative, of statistics
P_TOLERANCE = 1e-6        # relative, of p-values down to SMALLEST_P
SMALLEST_P = 1e-300
SCIPY_CVM_TOLERANCE = 1e-6  # SciPy subtracts two large numbers
SCIPY_CVM_P_TOLERANCE = 1e-5  # absolute: SciPy stops its series early, at up to 3e-6
KS_EXACT_MAX_PRODUCT = 10000
REFERENCE_BYTES = 4096    # more than sizeof(struct numeric_reference)

KS, PSI, CHI_SQUARE, JENSEN_SHANNON, HELLINGER, WASSERSTEIN, CRAMER_VON_MISES = range(7)
WINDOW_COUNT, WINDOW_DURATION, WINDOW_ALL = range(3)


class Spec(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int), ("observations", ctypes.c_size_t),
                ("duration_ms", ctypes.c_int64)]


class Moments(ctypes.Structure):
    _fields_ = [(name, ctypes.c_double) for name in ("mean", "deviation", "min", "max")]


class Counts(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in (
        "observations", "missing", "positive_infinite", "negative_infinite", "unseen", "dropped")]


def load():
    assert os.path.exists(LIBRARY), f"{LIBRARY} is missing: build first, or set LIBDRIFT"
    lib = ctypes.CDLL(LIBRARY)
    pointer, double = ctypes.c_void_p, ctypes.c_double
    lib.drift_numeric_reference_init.argtypes = [pointer, pointer] + [ctypes.c_size_t] * 3
    lib.drift_feature_window_create.argtypes = [pointer] * 4
    lib.drift_feature_window_observe_number.argtypes = [pointer, double, ctypes.c_int64]
    lib.drift_feature_window_score.argtypes = [pointer, ctypes.c_int, ctypes.POINTER(double)]
    lib.drift_feature_window_p_value.argtypes = [pointer, ctypes.c_int, double, ctypes.POINTER(double)]
    lib.drift_feature_window_wasserstein_bound.argtypes = [pointer]
    lib.drift_feature_window_wasserstein_bound.restype = double
    lib.drift_feature_window_quantile.argtypes = [pointer, double]
    lib.drift_feature_window_quantile.restype = double
    lib.drift_feature_window_missing_p.argtypes = [pointer]
    lib.drift_feature_window_missing_p.restype = double
    lib.drift_feature_window_moments.argtypes = [pointer]
    lib.drift_feature_window_moments.restype = Moments
    lib.drift_feature_window_counts.argtypes = [pointer]
    lib.drift_feature_window_counts.restype = Counts
    lib.drift_feature_window_bins.argtypes = [pointer, ctypes.POINTER(ctypes.c_size_t)]
    lib.drift_feature_window_bins.restype = ctypes.POINTER(ctypes.c_uint64)
    lib.drift_feature_window_reset.argtypes = [pointer]
    lib.drift_feature_window_destroy.argtypes = [pointer]
    lib.drift_numeric_reference_finish.argtypes = [pointer]
    return lib


LIB = load()


class Window:
    """A window of the library over a reference of the library."""

    def __init__(self, rows, bins=10, resolution=0, spec=Spec(WINDOW_ALL, 0, 0)):
        rows = np.ascontiguousarray(rows, dtype=float)
        self.reference = ctypes.create_string_buffer(REFERENCE_BYTES)
        assert LIB.drift_numeric_reference_init(self.reference, rows.ctypes.data, len(rows), bins,
                                          resolution) == 0
        self.window = ctypes.c_void_p()
        assert LIB.drift_feature_window_create(self.reference, None, ctypes.byref(spec),
                                         ctypes.byref(self.window)) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        LIB.drift_feature_window_destroy(self.window)
        LIB.drift_numeric_reference_finish(self.reference)

    def observe(self, values):
        observe, window = LIB.drift_feature_window_observe_number, self.window
        for x in values.tolist():
            observe(window, x, 0)
        return self

    def score(self, method):
        value = ctypes.c_double()
        assert LIB.drift_feature_window_score(self.window, method, ctypes.byref(value)) == 0
        return value.value

    def p_value(self, method):
        value = ctypes.c_double()
        assert LIB.drift_feature_window_p_value(self.window, method, self.score(method),
                                          ctypes.byref(value)) == 0
        return value.value

    def bins(self):
        count = ctypes.c_size_t()
        array = LIB.drift_feature_window_bins(self.window, ctypes.byref(count))
        return np.array(array[:count.value], dtype=np.int64)

    def moments(self):
        return LIB.drift_feature_window_moments(self.window)


def any_finite(rng, size):
    x = rng.integers(0, 2**64, size, dtype=np.uint64).view(float)
    return np.where(np.isfinite(x), x, 1.5)


SHAPES = {
    "normal": lambda rng, size: rng.normal(size=size),
    "shifted": lambda rng, size: rng.normal(0.3, 1.2, size=size),
    "discrete": lambda rng, size: rng.integers(0, 7, size).astype(float),
    "atom": lambda rng, size: np.where(rng.random(size) < 0.6, 0.0, rng.normal(size=size)),
    "heavy_tail": lambda rng, size: rng.standard_cauchy(size) ** 3,
    "constant": lambda rng, size: np.full(size, 3.0),
    "rounded": lambda rng, size: np.round(rng.normal(size=size), 1),
    "tiny_spread": lambda rng, size: 1e9 + 1e-3 * rng.normal(size=size),
    "disjoint": lambda rng, size: rng.normal(50, 1, size=size),
}
SEEDS = np.random.SeedSequence(SEED)


@pytest.fixture(scope="module", autouse=True)
def print_seed():
    print(f"WINDOWS_LIVE_SEED={SEED}", file=sys.stderr)


def draw_sizes(rng, large):
    if large:
        return int(rng.integers(10000, 100001)), int(rng.integers(10000, 100001))
    return tuple(int(10 ** rng.uniform(0, 3.2)) for _ in range(2))


def cases(count, large):
    for seed in SEEDS.spawn(count):
        rng = np.random.default_rng(seed)
        names = rng.choice(list(SHAPES), 2)
        n, m = draw_sizes(rng, large)
        ref, cur = SHAPES[names[0]](rng, n), SHAPES[names[1]](rng, m)
        if rng.random() < IDENTICAL_SHARE:
            cur = rng.permutation(ref)
        yield rng, ref, cur, f"{names} n={n} m={len(cur)}"


def all_cases():
    yield from cases(SMALL_CASES, False)
    yield from cases(LARGE_CASES, True)


def close(got, expected, tolerance, what):
    __tracebackhide__ = True
    scale = max(abs(expected), 1e-300)
    assert abs(got - expected) <= tolerance * scale, f"{what}: {got!r}, expected {expected!r}"


def exact_cramer_von_mises(ref, cur):
    """Anderson's T in integers: both distribution functions after all values of each tie."""
    n, m = len(ref), len(cur)
    pooled = np.concatenate([ref, cur])
    below_ref = np.searchsorted(np.sort(ref), pooled, side="right")
    below_cur = np.searchsorted(np.sort(cur), pooled, side="right")
    squares = sum(int(n * c - m * r) ** 2 for r, c in zip(below_ref.tolist(), below_cur.tolist()))
    return float(Fraction(squares, n * m * (n + m) ** 2))


def ties_only_on_reference(ref, cur):
    free = cur[~np.isin(cur, ref)]
    return len(np.unique(free)) == len(free)


def check_cramer_von_mises(window, ref, cur, what):
    if not ties_only_on_reference(ref, cur):
        return
    exact = exact_cramer_von_mises(ref, cur)
    assert abs(window.score(CRAMER_VON_MISES) - exact) <= TOLERANCE * abs(exact) + 1e-300, what
    # SciPy asks for two values on each side, and its mid-ranks are the same only without ties.
    if min(len(ref), len(cur)) < 2 or len(np.unique(np.concatenate([ref, cur]))) < len(ref) + len(cur):
        return
    expected = stats.cramervonmises_2samp(ref, cur, method="asymptotic")
    close(window.score(CRAMER_VON_MISES), expected.statistic, SCIPY_CVM_TOLERANCE, what)
    assert abs(window.p_value(CRAMER_VON_MISES) - expected.pvalue) < SCIPY_CVM_P_TOLERANCE, what


def check_wasserstein(window, ref, cur, what):
    expected = stats.wasserstein_distance(ref, cur)
    # About the first value: NumPy loses digits where the spread is far below the mean.
    deviation = np.std(ref - ref[0], ddof=1) if len(ref) > 1 else 0
    unit = deviation if deviation > 0 else 1
    bound = LIB.drift_feature_window_wasserstein_bound(window.window) * unit
    rounding = 1e-9 * abs(expected) + 1e-12 * max(np.abs(ref).max(), np.abs(cur).max())
    assert abs(window.score(WASSERSTEIN) * unit - expected) <= bound + rounding, what
    return bound == 0


def check_chi_square(window, reference_bins, what):
    table = np.array([reference_bins, window.bins()])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        assert window.score(CHI_SQUARE) == 0 and window.p_value(CHI_SQUARE) == 1, what
        return
    expected = stats.chi2_contingency(table, correction=False)
    assert abs(window.score(CHI_SQUARE) - expected[0]) <= TOLERANCE * expected[0] + 1e-12, what
    tested = oracles.homogeneity_p(*table)
    if tested > SMALLEST_P:
        close(window.p_value(CHI_SQUARE), tested, 1e-7, what)


def check_ks(window, ref, cur, what):
    small = len(ref) * len(cur) <= KS_EXACT_MAX_PRODUCT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = stats.ks_2samp(ref, cur, method="exact" if small else "asymp")
    close(window.score(KS), expected.statistic, TOLERANCE, what)
    if small and expected.pvalue > SMALLEST_P:
        close(window.p_value(KS), expected.pvalue, P_TOLERANCE, what)


def test_against_scipy():
    exact_distances = 0
    for rng, ref, cur, what in all_cases():
        with Window(ref, bins=int(rng.integers(2, 65))) as window:
            reference_bins = window.observe(ref).bins()
            LIB.drift_feature_window_reset(window.window)
            window.observe(cur)
            check_ks(window, ref, cur, what)
            check_chi_square(window, reference_bins, what)
            check_cramer_von_mises(window, ref, cur, what)
            exact_distances += check_wasserstein(window, ref, cur, what)
    assert exact_distances > 10


def test_cramer_von_mises_of_large_samples():
    """Beyond about a million values the sums are in doubles."""
    rng = np.random.default_rng(SEEDS.spawn(1)[0])
    for rows in 350_000, 600_000:
        ref = np.round(rng.normal(size=rows), 3)
        cur = np.round(rng.normal(0.01, 1, size=rows), 3)
        cur = cur[np.isin(cur, ref)]
        values, (n, m) = np.unique(ref), (len(ref), len(cur))
        at_or_below = [np.searchsorted(np.sort(x), values, side="right").tolist() for x in (ref, cur)]
        counts = np.diff(np.array([[0, 0], *zip(*at_or_below)]), axis=0).sum(axis=1).tolist()
        squares = sum(k * (n * c - m * r) ** 2 for k, r, c in zip(counts, *at_or_below))
        with Window(ref) as window:
            window.observe(cur)
            close(window.score(CRAMER_VON_MISES), float(Fraction(squares, n * m * (n + m) ** 2)),
                  TOLERANCE, rows)


def test_compressed_reference():
    for rng, ref, cur, what in cases(100, False):
        resolution = int(rng.integers(2, 300))
        with Window(ref, resolution=resolution) as window:
            window.observe(cur)
            expected = stats.ks_2samp(ref, cur, method="asymp").statistic
            assert abs(window.score(KS) - expected) <= 1 / (resolution - 1) + TOLERANCE, what
            check_wasserstein(window, ref, cur, what)


def test_sliding_window():
    rng = np.random.default_rng(SEEDS.spawn(1)[0])
    ref, stream = rng.normal(size=500), np.round(rng.normal(0.2, 1, size=3000), 2)
    with Window(ref, spec=Spec(WINDOW_COUNT, 200, 0)) as window:
        for end in range(1, len(stream) + 1):
            window.observe(stream[end - 1:end])
            if end % 37 == 0:
                cur = stream[max(0, end - 200):end]
                close(window.score(KS), stats.ks_2samp(ref, cur, method="asymp").statistic,
                      TOLERANCE, f"end={end}")


def rounds_to(deviation, variance):
    """Whether deviation is the double nearest to the square root of the variance."""
    if variance == 0:
        return deviation == 0
    if math.isinf(deviation):  # from halfway between the largest double and the next power of two
        largest = Fraction(sys.float_info.max)
        return variance >= ((largest + 2 ** 1024) / 2) ** 2
    below, above = math.nextafter(deviation, 0), math.nextafter(deviation, math.inf)
    low = (Fraction(deviation) + Fraction(below)) / 2
    high = ((Fraction(deviation) + Fraction(above)) / 2 if math.isfinite(above)
            else Fraction(deviation) * 2)
    return low ** 2 <= variance <= high ** 2


def test_moments_are_correctly_rounded():
    shapes = dict(SHAPES, any_finite=any_finite,
                  subnormal=lambda rng, size: rng.integers(-9, 9, size) * 5e-324,
                  huge=lambda rng, size: rng.choice([1e308, -1e308, 1.7e308, 1.0], size))
    for seed in SEEDS.spawn(MOMENT_CASES):
        rng = np.random.default_rng(seed)
        name, size = rng.choice(list(shapes)), int(10 ** rng.uniform(0, 2.3))
        x = shapes[name](rng, size)
        with Window(np.array([0.0])) as window:
            moments = window.observe(x).moments()
        exact = [Fraction(v) for v in x.tolist()]
        mean = sum(exact) / size
        assert moments.mean == float(mean), f"{name} {size}"
        assert moments.min == x.min() and moments.max == x.max()
        if size == 1:
            assert math.isnan(moments.deviation)
            continue
        variance = sum((v - mean) ** 2 for v in exact) / (size - 1)
        assert rounds_to(moments.deviation, variance), f"{name} {size} {moments.deviation!r}"


def test_quantiles():
    for rng, ref, _, what in cases(100, False):
        cur = rng.choice(ref, int(rng.integers(1, 200)))
        with Window(ref) as window:
            window.observe(cur)
            for p in (0, 0.25, 0.5, 0.75, 1):
                expected = np.quantile(cur, p, method="inverted_cdf")
                assert LIB.drift_feature_window_quantile(window.window, p) == expected, what


def test_missing_and_infinite():
    rng = np.random.default_rng(SEEDS.spawn(1)[0])
    ref = np.where(rng.random(2000) < 0.1, np.nan, rng.normal(size=2000))
    cur = np.where(rng.random(1000) < 0.2, np.nan, rng.normal(size=1000))
    cur[:30], cur[30:70] = np.inf, -np.inf
    with Window(ref) as window:
        counts = LIB.drift_feature_window_counts(window.observe(cur).window)
        assert counts.observations == 1000 and counts.missing == np.isnan(cur).sum()
        assert counts.positive_infinite == 30 and counts.negative_infinite == 40
        finite = cur[np.isfinite(cur)]
        close(window.score(KS), stats.ks_2samp(ref[np.isfinite(ref)], finite).statistic,
              TOLERANCE, "finite values")
        table = [[np.isnan(ref).sum(), (~np.isnan(ref)).sum()],
                 [np.isnan(cur).sum(), (~np.isnan(cur)).sum()]]
        close(LIB.drift_feature_window_missing_p(window.window), stats.fisher_exact(table)[1], 1e-8, "missing_p")
