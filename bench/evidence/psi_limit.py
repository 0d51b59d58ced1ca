#!/usr/bin/python3
"""How often the p-values of PSI's limit and of the chi-square test fall below 0.001 without drift.

The reference's ten bins hold a tenth of its 1000 rows each; what share of the population they hold
is drawn accordingly (Dirichlet), then windows of m rows from it.
"""
import numpy as np
import scipy.stats

N, K, FLOOR, DRAWS = 1000, 10, 1e-4, 200_000


def main():
    rng = np.random.default_rng(1)
    reference = np.full(K, N // K)
    print("   m   alpha   PSI's limit   chi-square   the larger")
    for m in (50, 100, 200, 500, 1000):
        shares = rng.dirichlet(reference, size=DRAWS)
        current = rng.multinomial(m, shares)
        p, q = reference / N, current / m
        p_floor, q_floor = np.maximum(p, FLOOR), np.maximum(q, FLOOR)
        psi = ((p_floor - q_floor) * np.log(p_floor / q_floor)).sum(axis=1)
        of_psi = scipy.stats.chi2.sf(psi / (1 / N + 1 / m), K - 1)
        pooled = (reference + current) / (N + m)
        chi = N * m / (N + m) * ((p - q) ** 2 / pooled).sum(axis=1)
        of_chi = scipy.stats.chi2.sf(chi, K - 1)
        for alpha in (1e-3, 1e-4):
            rates = [(x < alpha).mean() for x in (of_psi, of_chi, np.maximum(of_psi, of_chi))]
            print(f"{m:4}  {alpha:6g}   " + "   ".join(f"{100 * rate:9.4f} %" for rate in rates))


if __name__ == "__main__":
    main()
