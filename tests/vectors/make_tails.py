#!/usr/bin/python3
"""Make tails.csv and histograms.csv, the values the kernels of stats/ are tested against.

Values come from mpmath (50 digits and more) or exact rational arithmetic; where SciPy has the
function too it must agree, or the script stops. Inputs are doubles written so that they read
back. Run: /usr/bin/python3 tests/vectors/make_tails.py   (python3-mpmath, python3-scipy)
"""
import math
import pathlib
import random
from fractions import Fraction

import mpmath as mp
import numpy as np
from scipy import special, stats
from scipy.spatial.distance import jensenshannon
from scipy.stats._hypotests import _cdf_cvm_inf

HERE = pathlib.Path(__file__).parent
SMALLEST = 1e-300
PSI_SHARE_FLOOR = mp.mpf(1e-4)
random.seed(20)
mp.mp.dps = 50


def check(name, ours, scipys, tolerance):
    if abs(float(ours) - scipys) > tolerance * abs(scipys):
        raise SystemExit(f"{name}: {float(ours)!r} but SciPy has {scipys!r}")


def chi_square_sf(x, dof):
    return mp.gammainc(mp.mpf(dof) / 2, mp.mpf(x) / 2, mp.inf, regularized=True)


def kolmogorov_sf(x):
    x = mp.mpf(x)
    if x < 0.5:
        unit = mp.pi ** 2 / (8 * x * x)
        terms = (mp.exp(-(2 * k - 1) ** 2 * unit) for k in range(1, 40))
        return 1 - mp.sqrt(2 * mp.pi) / x * mp.fsum(terms)
    return 2 * mp.fsum((-1) ** (k - 1) * mp.exp(-2 * k * k * x * x) for k in range(1, 40))


def cramer_von_mises_sf(x):
    """1 minus equation 1.2 of Csorgo and Faraway (1996), with digits to lose."""
    digits = 60 + int(5 * x / 2)
    with mp.workdps(digits):
        x, total = mp.mpf(x), mp.mpf(0)
        for k in range(2000):
            q = mp.mpf(4 * k + 1) ** 2 / (16 * x)
            ratio = mp.gamma(k + mp.mpf(1) / 2) / mp.factorial(k)
            term = (ratio * mp.sqrt(4 * k + 1) * mp.exp(-q) * mp.besselk(mp.mpf(1) / 4, q)
                    / (mp.pi ** mp.mpf(1.5) * mp.sqrt(x)))
            total += term
            if term < mp.mpf(10) ** -digits:
                break
        return 1 - total


def ks_exact_p(n, m, h):
    """Share of the lattice paths that reach distance h, from the exact number that do not."""
    n, m = min(n, m), max(n, m)
    g = math.gcd(n, m)
    if h == 0:
        return Fraction(1)
    inside = [0] * (n + 1)
    for i in range(m + 1):
        for j in range(n + 1):
            if abs(i * (n // g) - j * (m // g)) >= h:
                inside[j] = 0
            elif i == 0:
                inside[j] = 1
            elif j > 0:
                inside[j] += inside[j - 1]
    paths = math.comb(n + m, n)
    return Fraction(paths - inside[n], paths)


def fisher_exact_p(a, n, b, m):
    """In whole numbers: the tables at most as likely as this one."""
    if n == 0 or m == 0:
        return mp.mpf(1)
    hits = a + b
    ways = [math.comb(hits, x) * math.comb(n + m - hits, m - x)
            for x in range(max(0, hits - n), min(hits, m) + 1)]
    observed = math.comb(hits, b) * math.comb(n + m - hits, m - b)
    return exact(Fraction(sum(way for way in ways if way <= observed), sum(ways)))


def exact(fraction):
    return mp.mpf(fraction.numerator) / fraction.denominator


def chi_square_rows():
    dofs = [1, 2, 3, 4, 9, 10, 39, 40, 41, 100, 999, 10000, 0.5, 1.7, 12.25, 777.7]
    for dof in dofs:
        xs = [0.0, -1.0, 1e-12 * dof, dof / 4, dof, dof + 1.99, dof + 2.01]
        xs += [float(stats.chi2.isf(p, dof)) for p in (0.9, 0.05, 1e-6, 1e-40, 1e-150, 1e-298)]
        for x in xs:
            p = chi_square_sf(x, dof) if x > 0 else mp.mpf(1)
            check("chi2", p, stats.chi2.sf(x, dof), 1e-9)
            yield "chi_square_sf", (x, dof), p


def kolmogorov_rows():
    xs = [-1.0, 0.0, 0.1, 0.1699, 0.1701, 0.2, 0.4, 0.6, 0.8199, 0.8201, 1.0, 1.36, 1.63, 2.0]
    xs += [2.5, 3.7, 5.0, 8.0, 11.1, 15.0, 18.5]
    for x in xs:
        p = kolmogorov_sf(x) if x > 0 else mp.mpf(1)
        check("kolmogorov", p, special.kolmogorov(x), 1e-12)
        yield "kolmogorov_sf", (x,), p


def normal_rows():
    for z in (0.0, 1e-9, -0.5, 1.0, -1.96, 3.0, 6.5, -20.0, 37.0):
        yield "normal_two_sided_p", (z,), mp.erfc(mp.mpf(abs(z)) / mp.sqrt(2))


def cramer_von_mises_rows():
    xs = [-1.0, 0.0, 0.002, 0.0029, 0.0031, 0.01, 0.02, 0.05, 0.1, 0.11888, 0.2, 0.34730, 0.46136]
    xs += [0.74346, 1.0, 1.16786, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0, 25.0, 60.0, 100.0, 139.0]
    for x in xs:
        p = cramer_von_mises_sf(x) if x > 0 else mp.mpf(1)
        if 0 < x <= 1.5:  # SciPy stops its series at terms of 1e-7, which shows beyond
            check("cvm", 1 - p, float(_cdf_cvm_inf(np.array([x]))[0]), 1e-12)
        yield "cramer_von_mises_sf", (x,), p


def ks_cases():
    for n, m in [(1, 1), (1, 2), (1, 50), (2, 3), (5, 5), (7, 7), (6, 9), (8, 64), (10, 1000),
                 (31, 37), (50, 100), (97, 103), (100, 100), (120, 180), (300, 300), (255, 400)]:
        lcm = math.lcm(n, m)
        shares = (0, 1 / lcm, 0.1, 0.2, 0.35, 0.5, 0.8, 1 - 1 / lcm, 1)
        for h in sorted({round(share * lcm) for share in shares} | {lcm + 1}):
            yield n, m, h
    for _ in range(60):
        n, m = random.randint(1, 80), random.randint(1, 80)
        yield n, m, random.randint(0, math.lcm(n, m))


def ks_rows():
    for n, m, h in ks_cases():
        p = ks_exact_p(n, m, h)
        yield "ks_exact_p", (n, m, h), exact(p)
        if n * m <= 10000 and h <= math.lcm(n, m):
            yield "ks_p_value", (h / math.lcm(n, m), n, m), exact(p)
    for n, m, d in [(101, 100, 0.2), (10001, 1, 0.75), (200, 1000, 0.05), (200, 1000, 0.9),
                    (10**9, 10**9, 1e-4), (10**12, 500, 0.1)]:
        root = mp.sqrt(mp.mpf(n) * m / (n + m))
        yield "ks_p_value", (d, n, m), kolmogorov_sf(mp.mpf(d) * root)
    for d, n, m in [(0.5, 0, 10), (0.5, 10, 0), (-0.5, 10, 10)]:
        yield "ks_p_value", (d, n, m), mp.mpf(1)


def proportion_rows():
    cases = [(0, 10, 0, 10), (10, 10, 10, 10), (0, 0, 0, 5), (1, 2, 0, 0), (1, 1, 0, 1),
             (0, 1000, 20, 200), (5, 100, 5, 100), (50, 1000, 12, 200), (3, 10, 600, 1000), (0, 100, 100, 100),
             (0, 1000, 1, 50), (0, 500, 1, 5), (7, 7000, 9, 3000), (400, 2000, 130, 500), (999, 1000, 45, 50)]
    for case in cases:
        yield "fisher_exact_p", case, fisher_exact_p(*case)


def write_tails():
    lines = ["function,a,b,c,d,value"]
    makers = (chi_square_rows, kolmogorov_rows, normal_rows, cramer_von_mises_rows, ks_rows,
              proportion_rows)
    for maker in makers:
        for name, arguments, value in maker():
            if 0 < value < SMALLEST:
                continue
            cells = [repr(argument) for argument in arguments] + [""] * (4 - len(arguments))
            lines.append(",".join([name, *cells, repr(float(value))]))
    (HERE / "tails.csv").write_text("\n".join(lines) + "\n")


def scores(ref, cur):
    n, m = sum(ref), sum(cur)
    pairs = [(a, b) for a, b in zip(ref, cur) if a + b]
    shares = [(exact(Fraction(a, n)), exact(Fraction(b, m))) for a, b in pairs]
    chi = sum(Fraction((a * m - b * n) ** 2, n * m * (a + b)) for a, b in pairs)
    raised = [(max(p, PSI_SHARE_FLOOR), max(q, PSI_SHARE_FLOOR)) for p, q in shares]
    psi = mp.fsum((p - q) * mp.log(p / q) for p, q in raised)
    nats = mp.fsum(share * mp.log(2 * share / (p + q))
                   for p, q in shares for share in (p, q) if share) / 2
    square = mp.fsum((mp.sqrt(p) - mp.sqrt(q)) ** 2 for p, q in shares) / 2
    largest = max(abs(Fraction(a, n) - Fraction(b, m)) for a, b in pairs)
    return {"psi": psi, "chi_square": exact(chi), "dof": len(pairs) - 1,
            "jensen_shannon": mp.sqrt(abs(nats) / mp.log(2)), "hellinger": mp.sqrt(square),
            "l_infinity": exact(largest)}


def p_values(score, n, m):
    scale, dof = mp.mpf(n) * m / (n + m), score["dof"]
    if dof == 0:
        return [mp.mpf(1)] * 3
    chi = [score["psi"], 8 * mp.log(2) * score["jensen_shannon"] ** 2, 8 * score["hellinger"] ** 2]
    return [chi_square_sf(x * scale, dof) if x else mp.mpf(1) for x in chi]


def cross_check(ref, cur, score):
    table = np.array([[a, b] for a, b in zip(ref, cur) if a + b], dtype=float).T
    if score["dof"] and score["chi_square"] > 1e-3:
        check("chi2_contingency", score["chi_square"],
              stats.chi2_contingency(table, correction=False)[0], 1e-9)
    if score["jensen_shannon"] > 1e-3:
        check("jensenshannon", score["jensen_shannon"], jensenshannon(*table, 2), 1e-9)


def histogram_cases():
    yield [5], [9]
    yield [0, 7, 0], [0, 3, 0]
    yield [10, 20, 30], [1, 2, 3]
    yield [10, 0], [0, 10]
    yield [100, 100, 0, 0], [0, 0, 3, 9]
    yield [1] + [0] * 9, [0] * 9 + [1]
    yield [10**9] * 10, [10**9 + 31623 * (-1) ** k for k in range(10)]
    yield [10**9, 10**9 + 1], [10**9, 10**9]
    yield [10**15, 1], [10**15, 0]
    yield [99999, 1], [9999, 1]
    yield [250, 250, 250, 250], [500, 250, 250, 0]
    for _ in range(90):
        bins = random.choice([2, 3, 10, 12, 66])
        weights = [random.random() ** 3 * random.choice([0, 1, 1, 1]) + 1e-9 for _ in range(bins)]
        moved = [w * math.exp(random.gauss(0, random.choice([0.01, 0.3, 2]))) for w in weights]
        size = 10 ** random.randint(1, 7)
        yield ([int(w / sum(weights) * size + 0.5) for w in weights],
               [int(w / sum(moved) * size / 5 + 0.5) for w in moved])


def write_histograms():
    lines = ["ref,cur,psi,chi_square,dof,jensen_shannon,hellinger,l_infinity,"
             "psi_p,jensen_shannon_p,hellinger_p"]
    for ref, cur in histogram_cases():
        if not sum(ref) or not sum(cur):
            continue
        score = scores(ref, cur)
        cross_check(ref, cur, score)
        values = list(score.values()) + p_values(score, sum(ref), sum(cur))
        values = [0.0 if 0 < value < SMALLEST else float(value) for value in values]
        counts = [" ".join(map(str, side)) for side in (ref, cur)]
        lines.append(",".join(counts + [f"{value:.17g}" for value in values]))
    (HERE / "histograms.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    write_tails()
    write_histograms()
