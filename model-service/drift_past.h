/* drift_past.h - what a feature's window looks like in a few floats, and the picture of the window
 * as it is now against such an earlier one.
 *
 * Of a numeric feature it is the histogram of drift_picture.h with moments and quantiles, so curves
 * and their distance are exact at the bars' edges only. Of a categorical one it is the shares of
 * the PAST_CATEGORIES most frequent categories of the reference, and of its others together. */
#ifndef DRIFT_PAST_H
#define DRIFT_PAST_H

#include "drift_picture.h"

#define PAST_CATEGORIES 40
/* After the categories: others of the reference, unseen, missing. */
#define PAST_SHARES (PAST_CATEGORIES + 3)

struct past_shape {
    float rows, missing;                                /* missing: how many of the rows */
    float mean, deviation, quantile[DETAILS_QUANTILES]; /* numeric; NaN where there is none */
    float share[PAST_SHARES]; /* of the histogram's bars, or of the categories */
};
_Static_assert(PICTURE_BARS + 2 <= PAST_SHARES, "a histogram fits");

/* Both as detector_picture(): not thread-safe, O(R), without allocation. */
void detector_shape(const struct detector *detector, size_t feature, struct past_shape *ret_shape);

/* The picture of the window now, with the shape in the place of the reference. It has no bins and
 * no score. report: of the feature, whose numbers of the reference are replaced as well. */
void detector_picture_against(const struct detector *detector, size_t feature,
                              const struct past_shape *shape,
                              struct detector_feature_report *report,
                              struct feature_picture *ret_picture);

#endif
