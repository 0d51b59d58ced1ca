/* roc_auc.c - the area under the ROC curve by a walk over groups of equal scores. */
#include "roc_auc.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

__extension__ typedef unsigned __int128 u128;

/* What the groups below have added. A positive's component is the share of negatives it beats, a
 * negative's the share of positives that beat it; both are halves of whole numbers. */
struct walk {
    uint64_t positives, negatives; /* in all */
    uint64_t positives_below, negatives_below;
    u128 twice_pairs;
    double positive_squares, negative_squares;
};

static void walk_group(struct walk *walk, uint64_t positives, uint64_t negatives)
{
    const uint64_t twice_beaten = 2 * walk->negatives_below + negatives;
    const uint64_t above = walk->positives - walk->positives_below - positives;
    const double beaten = (double)twice_beaten / 2 / (double)walk->negatives;
    const double beats = (double)(2 * above + positives) / 2 / (double)walk->positives;
    walk->twice_pairs += (u128)twice_beaten * positives;
    walk->positive_squares += (double)positives * beaten * beaten;
    walk->negative_squares += (double)negatives * beats * beats;
    walk->positives_below += positives;
    walk->negatives_below += negatives;
}

static double mean_variance(double squares, double mean, double count)
{
    return fmax(squares - count * mean * mean, 0) / (count * (count - 1));
}

static void walk_end(const struct walk *walk, struct roc_auc *ret_auc)
{
    const double m = (double)walk->positives, n = (double)walk->negatives;
    const double area = (double)walk->twice_pairs / 2 / m / n;
    *ret_auc = (struct roc_auc){.area = area,
                                .standard_error = NAN,
                                .positives = walk->positives,
                                .negatives = walk->negatives};
    if (walk->positives > 1 && walk->negatives > 1)
        ret_auc->standard_error = sqrt(mean_variance(walk->positive_squares, area, m) +
                                       mean_variance(walk->negative_squares, area, n));
}

static int compare_points(const void *a, const void *b)
{
    const double x = ((const struct roc_point *)a)->score, y = ((const struct roc_point *)b)->score;
    return (x > y) - (x < y);
}

int drift_roc_auc_of_points(struct roc_point *points, size_t count, struct roc_auc *ret_auc)
{
    struct walk walk = {0};
    for (size_t i = 0; i < count; i++)
        walk.positives += points[i].positive;
    walk.negatives = count - walk.positives;
    if (walk.positives == 0 || walk.negatives == 0)
        return -ENODATA;
    qsort(points, count, sizeof(*points), compare_points);
    for (size_t i = 0, end; i < count; i = end) {
        uint64_t positives = 0;
        for (end = i; end < count && points[end].score == points[i].score; end++)
            positives += points[end].positive;
        walk_group(&walk, positives, end - i - positives);
    }
    walk_end(&walk, ret_auc);
    return 0;
}

int drift_roc_auc_of_groups(const uint64_t *positives, const uint64_t *negatives, size_t groups,
                            struct roc_auc *ret_auc)
{
    struct walk walk = {0};
    for (size_t g = 0; g < groups; g++) {
        walk.positives += positives[g];
        walk.negatives += negatives[g];
    }
    if (walk.positives == 0 || walk.negatives == 0)
        return -ENODATA;
    for (size_t g = 0; g < groups; g++)
        if (positives[g] + negatives[g] > 0)
            walk_group(&walk, positives[g], negatives[g]);
    walk_end(&walk, ret_auc);
    return 0;
}
