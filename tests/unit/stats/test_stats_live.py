"""Compares the kernels of libdrift with SciPy on cases drawn afresh in every run.

Loads the shared library named by LIBDRIFT (default build/stats/libdrift.so). The seed is printed;
STATS_LIVE_SEED repeats a run. Where SciPy itself loses digits the reference is exact: rational
numbers, or decimals of 50 digits.
"""
import ctypes
import decimal
import math
import os
import pathlib
import sys
import warnings
from fractions import Fraction

import numpy as np
import pytest
from scipy import special, stats
from scipy.spatial.distance import jensenshannon
from scipy.stats._hypotests import _cdf_cvm_inf

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests"))
import oracles  # noqa: E402
LIBRARY = os.environ.get("LIBDRIFT", str(ROOT / "build" / "stats" / "libdrift.so"))
SEED = int(os.environ.get("STATS_LIVE_SEED", np.random.SeedSequence().entropy % 2**32))

TAIL_CASES = 300          # of each continuous tail
KS_CASES = 250
KS_LARGE_CASES = 12
HISTOGRAM_CASES = 600
TAIL_TOLERANCE = 1e-10    # relative, down to SMALLEST_P
KS_TOLERANCE = 1e-9       # relative
CVM_TOLERANCE = 1e-12     # absolute, as far as SciPy's series goes
CVM_SCIPY_LIMIT = 1.2     # beyond, SciPy stops its series too early
SCORE_TOLERANCE = 1e-12   # relative
PSI_FLOOR = 1e-4
SMALLEST_P = 1e-300
KS_EXACT_MAX_PRODUCT = 10000

DOUBLE, COUNT, SIZE = ctypes.c_double, ctypes.c_uint64, ctypes.c_size_t
COUNTS, DOUBLES = ctypes.POINTER(COUNT), ctypes.POINTER(DOUBLE)

class Categories(ctypes.Structure):
    """struct homogeneity_categories"""
    _fields_ = [("rare_bin", SIZE), ("unseen_bin", SIZE),
                *((name, COUNT) for name in ("rare_categories", "least_named", "once", "twice", "scarce_rows", "scarce_next"))]


SIGNATURES = {
    "drift_chi_square_sf": (DOUBLE, DOUBLE),
    "drift_kolmogorov_sf": (DOUBLE,),
    "drift_normal_two_sided_p": (DOUBLE,),
    "drift_cramer_von_mises_sf": (DOUBLE,),
    "drift_ks_exact_p": (COUNT, COUNT, COUNT, DOUBLES),
    "drift_ks_p_value": (DOUBLE, COUNT, COUNT),
    "drift_psi_term": (DOUBLE, DOUBLE),
    "drift_psi_p_value": (DOUBLE, COUNT, COUNT, SIZE),
    "drift_jensen_shannon_p_value": (DOUBLE, COUNT, COUNT, SIZE),
    "drift_hellinger_p_value": (DOUBLE, COUNT, COUNT, SIZE),
    "drift_fisher_exact_p": (COUNT, COUNT, COUNT, COUNT),
    "drift_homogeneity_p": (ctypes.POINTER(COUNT), ctypes.POINTER(COUNT), SIZE),
    "drift_homogeneity_categories_p": (ctypes.POINTER(COUNT), ctypes.POINTER(COUNT), SIZE, ctypes.c_void_p),
}
SCORES = ("drift_psi_score", "drift_jensen_shannon_score", "drift_hellinger_score", "drift_l_infinity_score")

decimal.getcontext().prec = 50


@pytest.fixture(scope="module")
def drift():
    assert os.path.exists(LIBRARY), f"{LIBRARY} is missing: build first, or set LIBDRIFT"
    library = ctypes.CDLL(LIBRARY)
    for name, arguments in SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = DOUBLE, arguments
    for name in SCORES:
        getattr(library, name).argtypes = (COUNTS, COUNTS, SIZE, DOUBLES)
    library.drift_chi_square_score.argtypes = (COUNTS, COUNTS, SIZE, DOUBLES, ctypes.POINTER(SIZE))
    return library


@pytest.fixture
def rng(request):
    print(f"STATS_LIVE_SEED={SEED}")
    return np.random.default_rng([SEED, *request.node.name.encode()])


def assert_close(what, actual, expected, relative, absolute=0.0):
    error = abs(actual - expected)
    assert error <= relative * abs(expected) + absolute, (
        f"{what}: got {actual!r}, expected {expected!r}, error {error!r}, seed {SEED}")


def assert_tail(what, actual, expected, relative):
    assert 0 <= actual <= 1, f"{what}: {actual!r}, seed {SEED}"
    assert_close(what, actual, expected, relative, SMALLEST_P)


# Tails

def random_dof(rng):
    kind = rng.integers(4)
    if kind == 0:
        return 1.0
    if kind == 1:
        return float(rng.integers(1, 100))
    return float(10 ** rng.uniform(0, 4)) if kind == 2 else float(rng.integers(1, 10001))


def test_chi_square_tail(drift, rng):
    for _ in range(TAIL_CASES):
        dof = random_dof(rng)
        x = float(stats.chi2.isf(10 ** -rng.uniform(0, 299), dof))
        if rng.random() < 0.4:
            x = dof * math.exp(rng.normal(0, 0.3))
        expected = special.chdtrc(dof, x)
        assert_tail(f"drift_chi_square_sf({x!r}, {dof!r})", drift.drift_chi_square_sf(x, dof), expected,
                    TAIL_TOLERANCE)


def test_kolmogorov_tail(drift, rng):
    for _ in range(TAIL_CASES):
        x = float(rng.uniform(0, 2) if rng.random() < 0.5 else rng.uniform(0, 18.5))
        assert_tail(f"drift_kolmogorov_sf({x!r})", drift.drift_kolmogorov_sf(x), special.kolmogorov(x),
                    TAIL_TOLERANCE)


def test_normal_tail(drift, rng):
    for _ in range(TAIL_CASES):
        z = float(rng.uniform(-37, 37))
        assert_tail(f"drift_normal_two_sided_p({z!r})", drift.drift_normal_two_sided_p(z),
                    2 * stats.norm.sf(abs(z)), TAIL_TOLERANCE)


def test_cramer_von_mises_tail(drift, rng):
    for _ in range(TAIL_CASES):
        x = float(rng.uniform(0, CVM_SCIPY_LIMIT) if rng.random() < 0.7 else rng.uniform(0, 0.05))
        expected = 1 - float(_cdf_cvm_inf(np.array([x]))[0])
        actual = drift.drift_cramer_von_mises_sf(x)
        assert 0 <= actual <= 1
        assert_close(f"drift_cramer_von_mises_sf({x!r})", actual, expected, 0, CVM_TOLERANCE)


def ks_sizes(rng, largest):
    n, m = (int(size) for size in np.ceil(largest ** rng.uniform(0, 1, 2)))
    kind = rng.integers(5)
    if kind == 0:
        m = n
    elif kind == 1:
        m = max(1, min(largest, n * int(rng.integers(1, 5))))
    elif kind == 2:
        n = 1
    return (n, m) if rng.random() < 0.5 else (m, n)


def ks_samples(rng, n, m):
    """Tied or not, from equal to disjoint."""
    shift = rng.choice([0, 0.3, 1, 2, 4, 9])
    ref, cur = rng.normal(0, 1, n), rng.normal(shift, 1, m)
    if rng.random() < 0.3:
        ref, cur = np.round(ref * 2), np.round(cur * 2)
    if rng.random() < 0.05:
        cur = np.resize(ref, m)
    return ref, cur


def scipy_ks(ref, cur):
    """D and exact p. SciPy gives up, with a warning, where its p rounds to more than 1."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = stats.ks_2samp(ref, cur, method="exact")
    d = float(result.statistic)
    return d, 1.0 if caught else result.pvalue


def check_ks(drift, rng, n, m):
    d, expected = scipy_ks(*ks_samples(rng, n, m))
    h = round(d * math.lcm(n, m))
    scratch = (DOUBLE * (min(n, m) + 1))()
    actual = drift.drift_ks_exact_p(n, m, h, scratch)
    assert_tail(f"drift_ks_exact_p({n}, {m}, {h})", actual, expected, KS_TOLERANCE)
    if n * m <= KS_EXACT_MAX_PRODUCT:
        assert drift.drift_ks_p_value(d, n, m) == actual
    else:
        limit = special.kolmogorov(d * math.sqrt(n * m / (n + m)))
        assert_tail(f"drift_ks_p_value({d!r}, {n}, {m})", drift.drift_ks_p_value(d, n, m), limit,
                    TAIL_TOLERANCE)


def test_ks_exact(drift, rng):
    for _ in range(KS_CASES):
        check_ks(drift, rng, *ks_sizes(rng, 400))


def test_ks_exact_large(drift, rng):
    for _ in range(KS_LARGE_CASES):
        check_ks(drift, rng, *(int(size) for size in rng.integers(1000, 4000, 2)))


def test_ks_exact_every_distance(drift, rng):
    """h from 0 to the largest, at small sizes."""
    for _ in range(6):
        n, m = (int(size) for size in rng.integers(1, 12, 2))
        lcm, scratch = math.lcm(n, m), (DOUBLE * 13)()
        for h in range(lcm + 1):
            expected = ks_paths(n, m, h)
            assert_close(f"drift_ks_exact_p({n}, {m}, {h})", drift.drift_ks_exact_p(n, m, h, scratch),
                         float(expected), 1e-13)


def ks_paths(n, m, h):
    lcm, outside = math.lcm(n, m), {}
    for i in range(n + 1):
        for j in range(m + 1):
            if abs(i * (lcm // n) - j * (lcm // m)) >= h:
                outside[i, j] = math.comb(i + j, i)
            else:
                outside[i, j] = outside.get((i - 1, j), 0) + outside.get((i, j - 1), 0)
    return Fraction(outside[n, m], math.comb(n + m, n))


def test_fisher(drift, rng):
    for _ in range(TAIL_CASES):
        n, m = (int(10 ** e) for e in rng.uniform(0, 5, 2))
        share = float(rng.choice([rng.uniform(0, 1), 10 ** rng.uniform(-4, -1)]))
        a = int(rng.binomial(n, share))
        b = int(rng.binomial(m, min(1, share * rng.choice([1, 1, 1.5, 4]))))
        expected = stats.fisher_exact([[a, n - a], [b, m - b]])[1]
        assert_tail(f"drift_fisher_exact_p({a}, {n}, {b}, {m})", drift.drift_fisher_exact_p(a, n, b, m), expected, 1e-8)


def test_fisher_known_cases(drift):
    """The two that the normal limit took for certain."""
    assert drift.drift_fisher_exact_p(0, 1000, 1, 50) == pytest.approx(0.047619, abs=1e-6)
    assert drift.drift_fisher_exact_p(0, 500, 1, 5) == pytest.approx(0.009901, abs=1e-6)
    assert drift.drift_fisher_exact_p(10**9, 2 * 10**9, 10**9 + 10**5, 2 * 10**9) < 0.01


def test_homogeneity(drift, rng):
    for _ in range(TAIL_CASES):
        bins = int(rng.integers(1, 30))
        shares = rng.dirichlet(np.full(bins, float(rng.choice([0.1, 1, 10]))))
        moved = rng.dirichlet(1 + 50 * shares) if rng.random() < 0.5 else shares
        n, m = int(10 ** rng.uniform(1, 4)), int(10 ** rng.uniform(0.7, 3))
        ref, cur = rng.multinomial(n, shares), rng.multinomial(m, moved)
        expected = oracles.homogeneity_p(ref, cur)
        array = lambda side: (COUNT * bins)(*map(int, side))
        p = drift.drift_homogeneity_p(array(ref), array(cur), bins)
        assert_tail(f"drift_homogeneity_p({list(ref)}, {list(cur)})", p, expected, 1e-8)


def homogeneity_categories_p(drift, ref, cur, unseen=0, once=0, twice=0):
    """Of categories that the reference has, none of them beyond the named ones."""
    bins = len(ref) + 2
    about = Categories(bins - 2, bins - 1, 0, 1, once, twice, 0, 0)
    array = COUNT * bins
    return drift.drift_homogeneity_categories_p(array(*map(int, ref), 0, 0), array(*map(int, cur), 0, unseen), bins,
                                          ctypes.byref(about))


def test_homogeneity_of_categories(drift, rng):
    for _ in range(TAIL_CASES):
        bins = int(rng.integers(1, 60))
        shares = rng.dirichlet(np.full(bins, float(rng.choice([0.1, 1, 10]))))
        moved = rng.dirichlet(1 + 50 * shares) if rng.random() < 0.5 else shares
        n, m = int(10 ** rng.uniform(1, 4)), int(10 ** rng.uniform(0.7, 3.5))
        ref, cur = rng.multinomial(n, shares), rng.multinomial(m, moved)
        known, unseen = ref > 0, int(cur[ref == 0].sum())
        once, twice = int((ref == 1).sum()), int((ref == 2).sum())
        expected = oracles.categories_p(ref[known], cur[known], unseen, once, twice)
        p = homogeneity_categories_p(drift, ref[known], cur[known], unseen=unseen, once=once, twice=twice)
        assert_tail(f"categories {list(ref)}, {list(cur)}", p, expected, 1e-8)


def test_one_unseen_row_in_five_is_no_certainty(drift):
    """The chi-square limit alone gives 6e-218."""
    ref, cur = [100] * 10, [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    p = homogeneity_categories_p(drift, ref, cur, unseen=1)
    assert p >= drift.drift_fisher_exact_p(0, 1000, 1, 5) > 0.004


def many_categories(rng, n, m, categories):
    """Counts of a reference and a window of equally frequent categories."""
    return (rng.multinomial(size, np.full(categories, 1 / categories)) for size in (n, m))


def test_new_rows_of_many_categories_are_no_change(drift):
    """A third of the rows of a healthy window are unseen where the reference is small beside the categories."""
    rng = np.random.default_rng(1)
    small = 0
    for _ in range(200):
        ref, cur = many_categories(rng, 1000, 1000, 1000)
        known = ref > 0
        unseen = int(cur[~known].sum())
        assert unseen > 250
        assert stats.fisher_exact([[0, 1000], [unseen, 1000 - unseen]])[1] < 1e-80  # as if it were one category
        small += homogeneity_categories_p(drift, ref[known], cur[known], unseen=unseen,
                                          once=int((ref == 1).sum()), twice=int((ref == 2).sum())) < 0.05
    assert small <= 20


def test_categories_beyond_the_named_ones_are_no_change(drift):
    """The reference names the 1000 that it has most rows of by chance: their share is smaller in a window."""
    rng = np.random.default_rng(2)
    small = 0
    for rows in (1000, 20000, 100000):
        for _ in range(60):
            ref, cur = many_categories(rng, 60000, rows, 3000)
            order = np.argsort(-ref)
            ref, cur = ref[order], cur[order]
            lumped = homogeneity_with_rare(drift, ref, cur)
            small += lumped < 0.01
    assert small <= 8


def homogeneity_with_rare(drift, ref, cur, named=1000):
    counts = [[*map(int, side[:named]), int(side[named:].sum()), 0] for side in (ref, cur)]
    most = int(ref[named])
    scarce = int(ref[ref <= most + 1].sum()), (most + 1) * (most + 2) * int((ref == most + 2).sum())
    about = Categories(named, named + 1, len(ref) - named, int(ref[named - 1]), 0, 0, *scarce)
    array = COUNT * (named + 2)
    return drift.drift_homogeneity_categories_p(array(*counts[0]), array(*counts[1]), named + 2, ctypes.byref(about))


def test_a_window_of_one_rare_category_is_a_change(drift):
    """The bins do not tell which category it is, only that too many rows are beyond the named ones."""
    rng = np.random.default_rng(4)
    ref, _ = many_categories(rng, 60000, 200, 3000)
    ref = np.sort(ref)[::-1]
    cur = np.zeros_like(ref)
    cur[2500] = 200
    assert homogeneity_with_rare(drift, ref, cur) < 1e-20


def test_the_share_beyond_the_named_categories_is_goods(drift):
    """Good's estimate of the share of all categories that a sample holds at most so often, on samples of a known law."""
    rng = np.random.default_rng(6)
    shares = rng.dirichlet(np.full(3000, 1.5))
    errors = []
    for _ in range(300):
        ref = rng.multinomial(60000, shares)
        most = int(np.sort(ref)[::-1][1000])
        scarce = ref[ref <= most + 1].sum()
        spread = math.sqrt(scarce + (most + 1) * (most + 2) * (ref == most + 2).sum()) / 60000
        errors.append((scarce / 60000 - shares[ref <= most].sum()) / spread)
    assert abs(np.mean(errors)) < 0.25 and 0.8 < np.std(errors) < 1.2, (np.mean(errors), np.std(errors))


def test_new_categories_are_a_change(drift):
    """Ten categories, all well known, and a fifth of the rows in none of them."""
    assert homogeneity_categories_p(drift, [100] * 10, [16] * 10, unseen=40) < 1e-20
    # Beside many that the reference has once, some unseen rows are ordinary.
    ref = [90] * 10 + [1] * 100
    assert homogeneity_categories_p(drift, ref, [9] * 10 + [0] * 100, unseen=110, once=100) < 1e-20
    assert homogeneity_categories_p(drift, ref, [18] * 10 + [0] * 100, unseen=20, once=100) > 0.1


# Histograms

def random_histograms(rng):
    bins = int(rng.choice([1, 2, 3, 10, 12, 66, 1002]))
    weights = rng.dirichlet(np.full(bins, rng.choice([0.1, 1, 30])))
    moved = weights * np.exp(rng.normal(0, rng.choice([1e-3, 0.1, 1]), bins))
    sizes = [int(10 ** e) for e in rng.uniform(0, 6, 2)]
    kind = rng.integers(8)
    if kind == 0:                                            # huge
        sizes = [int(10 ** e) for e in rng.uniform(8, 10, 2)]
    ref = rng.multinomial(sizes[0], weights / weights.sum())
    cur = rng.multinomial(sizes[1], moved / moved.sum())
    if kind == 1:                                            # identical shares
        cur = ref * int(rng.integers(1, 1000))
    elif kind == 2 and bins > 1:                             # disjoint
        ref, cur = ref * (np.arange(bins) % 2), cur * ((np.arange(bins) + 1) % 2)
        ref[1] += 1
        cur[0] += 1
    elif kind == 3:                                          # empty bins
        gaps = rng.random(bins) < 0.5
        gaps[0] = False
        ref[gaps], cur[gaps] = 0, 0
        ref[0] += 1
        cur[0] += 1
    return ref, cur


def decimal_of(fraction):
    return decimal.Decimal(fraction.numerator) / decimal.Decimal(fraction.denominator)


def exact_scores(ref, cur):
    n, m = sum(ref), sum(cur)
    pairs = [(a, b) for a, b in zip(ref, cur) if a + b]
    shares = [(decimal_of(Fraction(a, n)), decimal_of(Fraction(b, m))) for a, b in pairs]
    floor = decimal.Decimal(PSI_FLOOR)
    raised = [(max(p, floor), max(q, floor)) for p, q in shares]
    logs = [((p - q), (p / q).ln(), max(p, q)) for p, q in raised]
    nats = sum(s * (2 * s / (p + q)).ln() for p, q in shares for s in (p, q) if s) / 2
    square = sum((p.sqrt() - q.sqrt())**2 for p, q in shares) / 2
    return {
        "psi": float(sum(d * log for d, log, _ in logs)),
        "psi_rounding": float(sum(top * abs(log) for _, log, top in logs)) * 1e-15,
        "chi_square": float(sum(Fraction((a * m - b * n)**2, n * m * (a + b)) for a, b in pairs)),
        "dof": len(pairs) - 1,
        "jensen_shannon": float((abs(nats) / decimal.Decimal(2).ln()).sqrt()),
        "hellinger": float(square.sqrt()),
        "l_infinity": float(max(abs(Fraction(a, n) - Fraction(b, m)) for a, b in pairs)),
    }


def live_scores(drift, ref, cur):
    sides = [(COUNT * len(side))(*(int(count) for count in side)) for side in (ref, cur)]
    value, dof, result = DOUBLE(), SIZE(), {}
    for name in SCORES:
        assert getattr(drift, name)(*sides, len(ref), ctypes.byref(value)) == 0
        result[name.removeprefix("drift_").removesuffix("_score")] = value.value
    assert drift.drift_chi_square_score(*sides, len(ref), ctypes.byref(value), ctypes.byref(dof)) == 0
    result["chi_square"], result["dof"] = value.value, dof.value
    return result


def check_against_scipy(ref, cur, live):
    """SciPy subtracts rounded shares: its own error is added to the tolerance."""
    table = np.array([ref, cur], dtype=float)
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] > 1:
        expected = stats.chi2_contingency(table, correction=False)
        rounding = 4 * np.finfo(float).eps * math.sqrt(expected[0] * table.sum()) + 1e-20
        assert_close("chi2_contingency", live["chi_square"], expected[0], SCORE_TOLERANCE,
                     rounding)
        assert live["dof"] == expected[2]
    divergence = float(np.nan_to_num(jensenshannon(*table, 2)))**2
    assert_close("jensenshannon squared", live["jensen_shannon"]**2, divergence,
                 2 * SCORE_TOLERANCE, 1e-14)


def check_p_values(drift, ref, cur, live):
    n, m, dof = sum(ref), sum(cur), live["dof"]
    scale = n * m / (n + m)
    cases = {
        "psi": live["psi"] * scale,
        "jensen_shannon": 8 * math.log(2) * live["jensen_shannon"]**2 * scale,
        "hellinger": 8 * live["hellinger"]**2 * scale,
    }
    for name, x in cases.items():
        expected = special.chdtrc(dof, x) if dof else 1.0
        p = getattr(drift, "drift_" + name + "_p_value")(live[name], n, m, dof)
        assert_tail(f"{name}_p_value({live[name]!r}, {n}, {m}, {dof})", p, expected,
                    TAIL_TOLERANCE)


def test_histograms(drift, rng):
    for case in range(HISTOGRAM_CASES):
        ref, cur = ([int(count) for count in side] for side in random_histograms(rng))
        live, expected = live_scores(drift, ref, cur), exact_scores(ref, cur)
        assert live["dof"] == expected["dof"]
        for name in ("chi_square", "jensen_shannon", "hellinger", "l_infinity"):
            assert_close(f"{name}, case {case}", live[name], expected[name], SCORE_TOLERANCE)
        assert_close(f"psi, case {case}", live["psi"], expected["psi"], SCORE_TOLERANCE,
                     expected["psi_rounding"])
        check_against_scipy(ref, cur, live)
        check_p_values(drift, ref, cur, live)


def test_psi_term(drift, rng):
    for _ in range(TAIL_CASES):
        p, q = (float(share) for share in rng.choice([rng.random(2), rng.random(2) * 2e-4]))
        raised = [decimal.Decimal(max(share, PSI_FLOOR)) for share in (p, q)]
        expected = float((raised[0] - raised[1]) * (raised[0] / raised[1]).ln())
        assert_close(f"drift_psi_term({p!r}, {q!r})", drift.drift_psi_term(p, q), expected, 1e-12, 1e-16)
