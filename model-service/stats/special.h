/* special.h - the tail probabilities behind every p-value. Pure functions of their arguments. */
#ifndef DRIFT_SPECIAL_H
#define DRIFT_SPECIAL_H

#include "drift_types.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* P(X > x) for X chi-square with `dof` degrees of freedom; regularised upper incomplete gamma
 * Q(dof/2, x/2), series below the mean and Lentz's continued fraction above (DLMF 8.7, 8.9).
 * x: any; dof: > 0, need not be whole. 1 for x <= 0; NaN when x is NaN or dof is not positive
 * and finite. Relative error below 1e-11 down to 1e-300 for dof from 1 to 10^7. O(sqrt(dof)). */
DRIFT_API double drift_chi_square_sf(double x, double dof);

/* Two-sided tail of the Kolmogorov distribution, P(K > x). Relative error below 1e-12 down to
 * 1e-300. Equal to scipy.special.kolmogorov. 1 for x <= 0; NaN for NaN. */
DRIFT_API double drift_kolmogorov_sf(double x);

/* P(|Z| > |z|) of a standard normal Z. NaN for NaN. */
DRIFT_API double drift_normal_two_sided_p(double z);

/* Tail of the limiting distribution of the Cramer-von Mises statistic, P(W2 > x), by Smirnov's
 * integrals (Anderson and Darling 1952, Ann. Math. Statist. 23, 193-212, section 4). Unlike 1
 * minus the series of Csorgo and Faraway (1996), which SciPy sums, it keeps its digits in the
 * tail: relative error below 1e-12 down to 1e-300. In [0, 1]; falls with x, up to rounding
 * (1e-15) where it is within 1e-9 of 1. 1 for x <= 0; NaN for NaN. */
DRIFT_API double drift_cramer_von_mises_sf(double x);

/* Exact two-sided p-value P(D >= d) of the two-sample Kolmogorov-Smirnov statistic, by counting
 * lattice paths that leave the band (Hodges 1958, Ark. Mat. 3, 469-486; Viehmann 2021 for the
 * relative accuracy in the tail).
 * n, m: sample sizes >= 1.  h: D * lcm(n, m), the statistic as an integer.
 * scratch: at least min(n, m) + 1 doubles, caller's.  n * m < 2^52.  O(n * m) time, less for a
 * small h.  Relative error below 1e-11 down to 1e-300 for n + m up to 10000. 0 for an h above
 * lcm(n, m). */
DRIFT_API double drift_ks_exact_p(uint64_t n, uint64_t m, uint64_t h, double *scratch);

/* The p-value rule used everywhere, live and offline: exact while n * m <= KS_EXACT_MAX_PRODUCT,
 * the Kolmogorov limit at D * sqrt(nm / (n + m)) beyond. d: in [0, 1], rounded to the nearest
 * value the statistic can take where exact. 1 when a sample is empty; NaN for NaN. No
 * allocation. */
#define KS_EXACT_MAX_PRODUCT 10000u
DRIFT_API double drift_ks_p_value(double d, uint64_t n, uint64_t m);

#ifdef __cplusplus
}
#endif

#endif
