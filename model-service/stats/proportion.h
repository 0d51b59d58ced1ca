/* proportion.h - whether two samples have the same share of something. */
#ifndef DRIFT_PROPORTION_H
#define DRIFT_PROPORTION_H

#include "drift_types.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fisher's exact test, two-sided: the probability, given a + b hits in n + m rows, of a table at
 * most as likely as this one (Fisher 1935; equal to scipy.stats.fisher_exact). Without a difference
 * p <= alpha comes with probability at most alpha, for all counts.
 * a hits in n rows, b in m rows; a <= n, b <= m, n + m < 2^62. 1 when a sample is empty, or when
 * all rows are hits or none is. Relative error below 1e-9 for up to 10^6 rows, growing with the
 * rows to 1e-5 at 2 * 10^9. O(log rows + deviation of b): nanoseconds far from the middle, 10 us
 * for a million rows in the middle. No allocation. */
DRIFT_API double drift_fisher_exact_p(uint64_t a, uint64_t n, uint64_t b, uint64_t m);

#ifdef __cplusplus
}
#endif

#endif
