/* drift_picture.h - everything that a picture of a feature shows: reference and window as
 * histograms, cumulative curves, bins of the population stability index, or as categories. */
#ifndef DRIFT_PICTURE_H
#define DRIFT_PICTURE_H

#include "drift_details.h"
#include "drift_detector.h"
#include "stats/window_shape.h"

/* More bars than this are noise with windows of a few hundred rows, and narrower than a line on a
 * phone. */
#define PICTURE_BARS 32
/* Finer steps than this cannot be seen in 400 pixels. */
#define PICTURE_POINTS 160
/* Categories drawn one by one: more do not fit on a screen. */
#define PICTURE_CATEGORIES 12

/* Shares of the finite values; [0] is below the first edge, [bars + 1] above the last one. */
struct picture_histogram {
    size_t bars; /* 0 if the reference has no finite value */
    double edge[PICTURE_BARS + 1];
    double reference[PICTURE_BARS + 2], current[PICTURE_BARS + 2];
};

struct picture_bin {
    struct shape_bin holds;
    double reference, current; /* shares of all rows */
    double term;               /* what the bin adds to the population stability index */
};

struct picture_category {
    const char *name; /* borrowed from the detector, or a reserved name (drift_details.h) */
    bool reserved;    /* __other__, __unseen__ or __missing__ */
    double reference, current, term;
};

struct feature_picture {
    enum feature_type type;
    bool earlier; /* the reference's side is an earlier window (drift_past.h) */
    uint64_t window_rows, reference_rows;
    double psi; /* the sum of the terms; NaN without rows */
    /* numeric */
    struct picture_histogram histogram;
    bool has_curves; /* both sides have finite values */
    struct curve_point apart;
    size_t points;
    struct curve_point point[PICTURE_POINTS];
    struct detector_details details;
    size_t bins;
    struct picture_bin bin[REFERENCE_MAX_HISTOGRAM];
    /* categorical: those that moved most, then the reserved ones that have rows */
    size_t categories;
    struct picture_category category[PICTURE_CATEGORIES + 3];
    struct picture_category rest; /* of the categories that are not listed, together */
    size_t rest_categories;
};

/* Describes the feature's window as it is now. Not thread-safe, like the detector. O(R), without
 * allocation. */
void detector_picture(const struct detector *detector, size_t feature,
                      struct feature_picture *ret_picture);

/* Puts a category among those that moved furthest, or else into the rest. */
void picture_keep_category(struct feature_picture *picture,
                           const struct picture_category *category);

#endif
