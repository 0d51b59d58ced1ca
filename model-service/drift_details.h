/* drift_details.h - what a feature looks like on both sides, beyond its scores. */
#ifndef DRIFT_DETAILS_H
#define DRIFT_DETAILS_H

#include "drift_detector.h"

#define DETAILS_QUANTILES 5
#define DETAILS_MOVES     5

/* 0.05, 0.25, 0.5, 0.75, 0.95 */
extern const double details_probability[DETAILS_QUANTILES];

struct detector_move {
    const char *category; /* or "__other__" (the rare ones together), "__unseen__",
                             "__missing__"; borrowed from the detector */
    double reference_share, current_share;
};

struct detector_details {
    /* numeric; NaN where there is no finite value. Those of the window are to the resolution of the
     * reference's values. */
    double reference_quantile[DETAILS_QUANTILES], current_quantile[DETAILS_QUANTILES];
    double wasserstein_bound; /* |score - truth| is at most this; NaN without a score */
    /* categorical */
    size_t moves; /* the categories that moved most, the furthest first */
    struct detector_move move[DETAILS_MOVES];
    uint64_t other_categories; /* of the reference, beyond the cap: counted as __other__ */
};

/* The name of a category's code (detector_cell()), or one of the reserved ones above; borrowed from
 * the detector. */
const char *detector_category_name(const struct detector *detector, size_t feature, uint32_t code);

/* O(R). */
void detector_details(const struct detector *detector, size_t feature,
                      struct detector_details *ret_details);

#endif
