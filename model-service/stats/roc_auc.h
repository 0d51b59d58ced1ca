/* roc_auc.h - the area under the ROC curve, exact with ties, and its standard error.
 *
 * The area is the share of (positive, negative) pairs in which the positive has the higher score,
 * ties counting half (Mann and Whitney 1947). Standard error: DeLong, DeLong and Clarke-Pearson
 * (1988), Biometrics 44, 837-845, in one walk over the groups of equal scores (Sun and Xu 2014). */
#ifndef DRIFT_ROC_AUC_H
#define DRIFT_ROC_AUC_H

#include "drift_types.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct roc_point {
    double score;
    bool positive;
};

struct roc_auc {
    double area;           /* in [0, 1] */
    double standard_error; /* NaN with fewer than two positives or negatives */
    uint64_t positives, negatives;
};

/* points: finite scores, sorted in place. 0, or -ENODATA without a positive or a negative;
 * *ret_auc is written only on 0. O(count log count). No more than 2^31 points. */
DRIFT_API NODISCARD int drift_roc_auc_of_points(struct roc_point *points, size_t count,
                                                struct roc_auc *ret_auc);

/* The same from counts per score, ascending: group g holds positives[g] and negatives[g]. */
DRIFT_API NODISCARD int drift_roc_auc_of_groups(const uint64_t *positives,
                                                const uint64_t *negatives, size_t groups,
                                                struct roc_auc *ret_auc);

#ifdef __cplusplus
}
#endif

#endif
