/* special.h - the tail probabilities behind every p-value. Pure functions of their arguments. */
#ifndef DRIFT_SPECIAL_H
#define DRIFT_SPECIAL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* P(X > x) for X chi-square with `dof` degrees of freedom; regularised upper incomplete gamma
 * Q(dof/2, x/2), series below the mean and Lentz's continued fraction above (DLMF 8.7, 8.9).
 * x: any; dof: > 0. 1 for x <= 0. Relative error below 1e-10 down to 1e-300. NaN for NaN. */
double chi_square_sf(double x, double dof);

/* Two-sided tail of the Kolmogorov distribution, P(K > x). Relative error below 1e-10 down to
 * 1e-300. Equal to scipy.special.kolmogorov. */
double kolmogorov_sf(double x);

/* Two-sided p-value of a standard normal |Z| > |z|. */
double normal_two_sided_p(double z);

/* Tail of the limiting distribution of the Cramer-von Mises statistic (Csorgo and Faraway 1996,
 * JRSS B 58, 221-234, equation 1.2), P(W2 > x). Absolute error below 1e-12. */
double cramer_von_mises_sf(double x);

/* Exact two-sided p-value P(D >= d) of the two-sample Kolmogorov-Smirnov statistic, by counting
 * lattice paths that leave the band (Hodges 1958, Ark. Mat. 3, 469-486; Viehmann 2021 for the
 * relative accuracy in the tail).
 * n, m: sample sizes >= 1.  h: D * lcm(n, m), the statistic as an integer.
 * scratch: at least min(n, m) + 1 doubles, caller's.  O(n * m) time.
 * Relative error below 1e-9 down to 1e-300. */
double ks_exact_p(uint64_t n, uint64_t m, uint64_t h, double *scratch);

/* The p-value rule used everywhere, live and offline: exact while n * m <= KS_EXACT_MAX_PRODUCT,
 * the Kolmogorov limit at D * sqrt(nm / (n + m)) beyond. d: in [0, 1]. No allocation. */
#define KS_EXACT_MAX_PRODUCT 10000u
double ks_p_value(double d, uint64_t n, uint64_t m);

#ifdef __cplusplus
}
#endif

#endif
