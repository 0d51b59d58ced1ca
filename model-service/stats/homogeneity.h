/* homogeneity.h - whether two histograms come from one distribution. */
#ifndef DRIFT_HOMOGENEITY_H
#define DRIFT_HOMOGENEITY_H

#include "drift_types.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fewer expected rows than this make a bin sparse: the limits of the chi-square test do not hold.
 */
#define HOMOGENEITY_EXPECTED 5.0

/* p-value of the hypothesis that both rows of a 2 x K table are samples of one distribution, right
 * at small counts, too. The bins have an order and may be made by ref. One is sparse when it holds
 * fewer than 25 rows of ref, or when fewer than 5 are expected in cur. Bins that are empty on both
 * sides do not count.
 * - Two bins: Fisher's exact test.
 * - No bin is sparse: the larger of the p-values of Pearson's statistic and of the likelihood ratio
 *   with Williams's correction (1976, Biometrika 63, 33-37). Where few rows are expected the first
 *   is too small in its far tail, and the second is not.
 * - Otherwise twice the smaller of two: that test with sparse bins joined to the next sparse ones
 *   until they are not sparse; and Fisher's test of the sparse bin that differs most, times the
 *   number of sparse bins (Bonferroni), so that one bin that bursts out of nowhere is seen.
 * How often p <= alpha without a difference, simulated: docs/size.md.
 * ref, cur: [bins], borrowed. 1 when a sample is empty or fewer than two bins are occupied.
 * O(bins), no allocation. */
DRIFT_API double drift_homogeneity_p(const uint64_t *ref, const uint64_t *cur, size_t bins);

/* What a reference that made the bins of categories says about the ones it does not name. */
struct homogeneity_categories {
    size_t rare_bin, unseen_bin; /* categories that have no bin of their own; not in ref at all */
    uint64_t rare_categories;    /* distinct ones in the rare bin */
    uint64_t least_named;        /* rows of ref in the rarest category that has a bin */
    uint64_t once, twice;        /* categories that ref holds exactly once; exactly twice */
    /* With rare categories, of which none has more than L rows: the rows of all categories of up to
     * L + 1 rows, and (L + 1) (L + 2) times the number of those of L + 2 rows. */
    uint64_t scarce_rows, scarce_next;
};

/* The same of categories, which have no order: all sparse ones are taken together. A reference that
 * makes the bins has no row in the unseen bin, and too few in the rare one, although nothing has
 * changed. So these two are always taken together with the sparse ones. A category is sparse when,
 * by the sum of both samples, which the hypothesis leaves open, fewer than 5 rows are expected in
 * the smaller one, or when it might as well have fallen into one of these two. The unseen bin is
 * also compared, if there is more in it, with the share of rows that ref itself would not have seen
 * had it been drawn without them: once / n (Good 1953, Biometrika 40, 237-264), with the variance
 * of that estimate, (once + 2 twice) / n^2. The rare and the unseen bin together are compared in
 * the same way, if there is more in them, with the share of all categories that ref holds at most L
 * times: Good's estimate is scarce_rows / n, its variance (scarce_rows + scarce_next) / n^2. */
DRIFT_API double drift_homogeneity_categories_p(const uint64_t *ref, const uint64_t *cur,
                                                size_t bins,
                                                const struct homogeneity_categories *categories);

#ifdef __cplusplus
}
#endif

#endif
