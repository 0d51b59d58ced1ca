/* urn_bins.h - the bins of an urn: intervals of a numeric feature, or categories.
 *
 * The cuts of a numeric feature are order statistics of its reference. A bin's mass is the number
 * of gaps between neighbouring reference values that it holds, so that under an unchanged
 * continuous distribution the bins of the coming rows are exactly a Polya urn that starts with
 * these masses (Wilks 1962, Mathematical Statistics, 8.7: the coverages between order statistics
 * are Dirichlet). */
#ifndef DRIFT_URN_BINS_H
#define DRIFT_URN_BINS_H

#include "drift_types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 31 cuts in the middle and two tails that are halved down to one gap: below 90 bins for 2^30
 * reference rows. */
#define URN_MAX_NUMERIC_BINS 96
/* The largest number of categories of a reference, and a bin each for rare and for unseen ones. */
#define URN_MAX_CATEGORY_BINS 1002

/* Counts are kept in halves of a row in 32 bits. */
#define URN_MAX_REFERENCE_ROWS (UINT32_C(1) << 30)

struct urn_bins {
    bool categorical;
    size_t count;
    double *edge; /* [count - 1] ascending, numeric only: bin i holds edge[i - 1] <= x < edge[i] */
    double *mass; /* [count] > 0, multiples of 0.5 */
};

/* sorted: rows values, ascending, without NaN; infinities allowed; borrowed for the call.
 * 0, -ENOMEM, -EINVAL (no row, more than
 * URN_MAX_REFERENCE_ROWS, or not ascending). O(rows). */
DRIFT_API NODISCARD int drift_urn_bins_numeric(struct urn_bins *ret_bins, const double *sorted,
                                               size_t rows);

/* rows: how often the reference has each of `categories` categories, the most frequent first; each
 * at least once. Category i is bin i + 1, and bin 0 is for all that the reference does not have:
 * its mass is one more than the number of categories that were seen once (Good 1953).
 * The others have half a row more than they were seen, or, of more than 40 categories, half a row
 * less.
 * 0, -ENOMEM, -EINVAL (no category, more than fit, or a count that is 0 or above
 * URN_MAX_REFERENCE_ROWS in all). */
DRIFT_API NODISCARD int drift_urn_bins_categories(struct urn_bins *ret_bins, const uint64_t *rows,
                                                  size_t categories);
DRIFT_API void drift_urn_bins_finish(struct urn_bins *bins);

/* The bin of a value that is not NaN, of a numeric feature. O(log bins). */
static inline size_t urn_bin_of(const struct urn_bins *bins, double x)
{
    const double *at = bins->edge;
    for (size_t left = bins->count - 1; left > 0;) {
        const size_t half = left / 2;
        const bool above = at[half] <= x;
        at = above ? at + half + 1 : at;
        left = above ? left - half - 1 : half;
    }
    return (size_t)(at - bins->edge);
}

#ifdef __cplusplus
}
#endif

#endif
