/* ks.h - two-sample Kolmogorov-Smirnov statistic of sorted samples.
 * Method: Hodges (1958), Ark. Mat. 3, 469-486. */
#ifndef DRIFT_KS_H
#define DRIFT_KS_H

#include "drift_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* More rows than this in a sample could overflow a product of two counts. */
#define KS_MAX_ROWS ((size_t)INT32_MAX)

/* D = sup|F_ref - F_cur|, unitless, in [0, 1]; ties count as SciPy's ks_2samp counts them.
 * ref, cur: ascending, finite, borrowed.
 * 0; -ENODATA (a sample is empty); -EINVAL (above KS_MAX_ROWS, unsorted or not finite).
 * *ret_d is written only on 0. O(n + m), no allocation. Bit for bit what a window that holds
 * the same values reports. */
DRIFT_API NODISCARD int drift_ks_distance(const double *ref, size_t n, const double *cur, size_t m,
                                          double *ret_d);

/* numerator / (n * m), from integers in one division; NaN when n or m is 0. Every KS statistic of
 * the library is made here, so that equal counts give equal bits. */
DRIFT_API double drift_ks_fraction(uint64_t numerator, uint64_t n, uint64_t m);

#ifdef __cplusplus
}
#endif

#endif
