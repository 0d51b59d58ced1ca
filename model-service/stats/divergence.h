/* divergence.h - scores of two histograms over the same bins.
 *
 * ref, cur: bin counts, borrowed, `bins` of each. Totals are their sums, below 2^63. Bins that
 * are empty on both sides do not count. The scores return 0, -EINVAL (bins is 0) or -ENODATA (a
 * total is 0); outputs are written only on 0. O(bins), no allocation, bins summed in ascending
 * order, so equal counts give equal bits, and equal shares give exactly 0. */
#ifndef DRIFT_DIVERGENCE_H
#define DRIFT_DIVERGENCE_H

#include "drift_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A share below this counts as this, on both sides and without renormalising, in the population
 * stability index; the same constant is used in the PromQL rules and the documentation. */
#define PSI_SHARE_FLOOR 1e-4

/* One bin's term of the population stability index, (p - q) ln(p / q), of two shares, each
 * raised to PSI_SHARE_FLOOR. >= 0. */
DRIFT_API double drift_psi_term(double ref_share, double cur_share);

/* Sum of drift_psi_term over the bins. */
DRIFT_API NODISCARD int drift_psi_score(const uint64_t *ref, const uint64_t *cur, size_t bins,
                                        double *ret_psi);

/* Two-sample chi-square homogeneity statistic (scipy chi2_contingency, correction=False, of the
 * 2 x K table without its empty columns), and its degrees of freedom K - 1 (0 when only one bin
 * is occupied: the statistic is then 0). */
DRIFT_API NODISCARD int drift_chi_square_score(const uint64_t *ref, const uint64_t *cur,
                                               size_t bins, double *ret_statistic, size_t *ret_dof);

/* Jensen-Shannon distance, base 2 (scipy.spatial.distance.jensenshannon(p, q, 2)), in [0, 1].
 * Keeps its digits for nearly equal histograms, where SciPy's form loses them. */
DRIFT_API NODISCARD int drift_jensen_shannon_score(const uint64_t *ref, const uint64_t *cur,
                                                   size_t bins, double *ret_distance);

/* Hellinger distance, sqrt(sum (sqrt p - sqrt q)^2 / 2), in [0, 1]. */
DRIFT_API NODISCARD int drift_hellinger_score(const uint64_t *ref, const uint64_t *cur, size_t bins,
                                              double *ret_distance);

/* Largest absolute difference of shares, in [0, 1]. */
DRIFT_API NODISCARD int drift_l_infinity_score(const uint64_t *ref, const uint64_t *cur,
                                               size_t bins, double *ret_distance);

/* P-values under "no drift" from the score and the sample sizes n (reference) and m (window):
 *   PSI:            PSI / (1/n + 1/m)             ~ chi-square(K - 1)   (Yurdakul 2018)
 *   Jensen-Shannon: 8 ln 2 * JS^2 * nm / (n + m)  ~ chi-square(K - 1)
 *   Hellinger:      8 H^2 * nm / (n + m)          ~ chi-square(K - 1)
 * dof: K - 1 over the bins occupied on either side. 1 when dof, n or m is 0. */
DRIFT_API double drift_psi_p_value(double psi, uint64_t n, uint64_t m, size_t dof);
DRIFT_API double drift_jensen_shannon_p_value(double distance, uint64_t n, uint64_t m, size_t dof);
DRIFT_API double drift_hellinger_p_value(double distance, uint64_t n, uint64_t m, size_t dof);

#ifdef __cplusplus
}
#endif

#endif
