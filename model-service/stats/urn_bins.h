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

/* Buckets of equal width in the middle of the edges, and one on either side, tell where to search.
 */
#define URN_BUCKETS 64

struct urn_bins {
    bool categorical;
    size_t count;
    double *edge; /* [count - 1] ascending, numeric only: bin i holds edge[i - 1] <= x < edge[i] */
    double *mass; /* [count] > 0, multiples of 0.5 */
    /* numeric: the bins of a bucket's values are bucket_bin[i] to bucket_bin[i + 1] */
    double bucket_from, buckets_per_unit;
    uint8_t bucket_bin[URN_BUCKETS + 1];
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

/* The bucket of a value that is not NaN; infinities are in the outermost ones. */
static inline size_t urn_bucket_of(const struct urn_bins *bins, double x)
{
    const double at = (x - bins->bucket_from) * bins->buckets_per_unit;
    const double most = at < URN_BUCKETS - 1 ? at : URN_BUCKETS - 1;
    return most > 0 ? (size_t)(int)most : 0;
}

/* The bin of a value that is not NaN, of a numeric feature. Some steps where most values are, else
 * O(log bins). */
static inline size_t urn_bin_of(const struct urn_bins *bins, double x)
{
    const size_t bucket = urn_bucket_of(bins, x);
    size_t bin = bins->bucket_bin[bucket];
    for (size_t left = bins->bucket_bin[bucket + 1] - bin; left > 0;) {
        const size_t half = left / 2;
        const bool above = bins->edge[bin + half] <= x;
        bin = above ? bin + half + 1 : bin;
        left = above ? left - half - 1 : half;
    }
    return bin;
}

#ifdef __cplusplus
}
#endif

#endif
