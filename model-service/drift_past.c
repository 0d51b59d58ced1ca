/* drift_past.c - a window then and now. */
#include "drift_past.h"

#include "drift_detector_internal.h"

#include "stats/divergence.h"

#include <math.h>

/* --- then --- */

static double share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

/* Where a code's share is kept: by itself, or in one of the places after the categories. */
static size_t place_of(const struct categorical_reference *ref, size_t code)
{
    if (code >= ref->categories)
        return PAST_CATEGORIES + (code - ref->categories);
    return code < PAST_CATEGORIES ? code : PAST_CATEGORIES;
}

static void shape_categories(const struct feature *feature, double shares[PAST_SHARES])
{
    size_t codes;
    const uint64_t *count = drift_feature_window_bins(feature->window, &codes);
    const uint64_t rows = drift_feature_window_counts(feature->window).observations;
    for (size_t code = 0; code < codes; code++)
        shares[place_of(&feature->reference.categorical, code)] += share(count[code], rows);
}

void detector_shape(const struct detector *detector, size_t feature, struct past_shape *ret_shape)
{
    const struct feature *drawn = &detector->features[feature];
    const struct window_counts counts = drift_feature_window_counts(drawn->window);
    *ret_shape = (struct past_shape){.rows = (float)counts.observations,
                                     .missing = (float)counts.missing,
                                     .mean = NAN,
                                     .deviation = NAN};
    if (drawn->type == FEATURE_NUMERIC) {
        struct feature_picture picture;
        detector_picture(detector, feature, &picture);
        const struct window_moments moments = drift_feature_window_moments(drawn->window);
        ret_shape->mean = (float)moments.mean;
        ret_shape->deviation = (float)moments.deviation;
        for (size_t i = 0; i < DETAILS_QUANTILES; i++)
            ret_shape->quantile[i] = (float)picture.details.current_quantile[i];
        for (size_t i = 0; i < PICTURE_BARS + 2; i++)
            ret_shape->share[i] = (float)picture.histogram.current[i];
    } else {
        double shares[PAST_SHARES] = {0};
        shape_categories(drawn, shares);
        for (size_t i = 0; i < PAST_SHARES; i++)
            ret_shape->share[i] = (float)shares[i];
    }
}

/* --- now against then --- */

/* Both curves at the edges, and the edge where they are furthest apart. */
static void draw_curves(struct feature_picture *picture)
{
    const struct picture_histogram *histogram = &picture->histogram;
    double reference = 0, current = 0;
    picture->points = 0;
    picture->apart = (struct curve_point){0};
    for (size_t i = 0; i <= histogram->bars && histogram->bars > 0; i++) {
        reference += histogram->reference[i];
        current += histogram->current[i];
        const struct curve_point point = {.x = histogram->edge[i],
                                          .before = i < histogram->bars,
                                          .reference = fmin(reference, 1),
                                          .current = fmin(current, 1)};
        picture->point[picture->points++] = point;
        if (i == 0 || fabs(point.reference - point.current) >
                          fabs(picture->apart.reference - picture->apart.current))
            picture->apart = point;
    }
    picture->has_curves = reference > 0 && current > 0;
}

static void draw_numbers(const struct past_shape *shape, struct feature_picture *picture)
{
    for (size_t i = 0; i < picture->histogram.bars + 2; i++)
        picture->histogram.reference[i] = (double)shape->share[i];
    for (size_t i = 0; i < DETAILS_QUANTILES; i++)
        picture->details.reference_quantile[i] = (double)shape->quantile[i];
    draw_curves(picture);
}

static void draw_categories(const struct feature *feature, const struct past_shape *shape,
                            struct feature_picture *picture)
{
    const struct categorical_reference *ref = &feature->reference.categorical;
    double now[PAST_SHARES] = {0};
    picture->categories = 0;
    picture->rest = (struct picture_category){0};
    picture->rest_categories = 0;
    shape_categories(feature, now);
    for (size_t i = 0; i < PAST_SHARES; i++) {
        const bool reserved = i >= PAST_CATEGORIES;
        if (!reserved && i >= ref->categories)
            continue;
        const size_t code = reserved ? ref->categories + (i - PAST_CATEGORIES) : i;
        const struct picture_category category = {
            .name = feature_category_name(feature, (uint32_t)code),
            .reserved = reserved,
            .reference = (double)shape->share[i],
            .current = now[i],
            .term = drift_psi_term((double)shape->share[i], now[i])};
        if (!reserved)
            picture_keep_category(picture, &category);
        else if (category.reference > 0 || category.current > 0)
            picture->category[picture->categories++] = category;
    }
}

/* The clause about missing values of a sentence needs a verdict: a change that can be seen. */
#define SEEN 0.01

static void replace_reference(const struct past_shape *shape,
                              struct detector_feature_report *report)
{
    const double then = shape->rows > 0 ? (double)shape->missing / (double)shape->rows : 0;
    report->reference_mean = (double)shape->mean;
    report->reference_deviation = (double)shape->deviation;
    report->reference_rows = (uint64_t)shape->rows;
    report->reference_missing = (uint64_t)shape->missing;
    report->missing_significant =
        fabs(share(report->window_missing, report->window_rows) - then) >= SEEN;
}

void detector_picture_against(const struct detector *detector, size_t feature,
                              const struct past_shape *shape,
                              struct detector_feature_report *report,
                              struct feature_picture *ret_picture)
{
    const struct feature *drawn = &detector->features[feature];
    detector_picture(detector, feature, ret_picture);
    ret_picture->earlier = true;
    ret_picture->psi = NAN;
    ret_picture->bins = 0;
    ret_picture->reference_rows = (uint64_t)shape->rows;
    if (drawn->type == FEATURE_NUMERIC)
        draw_numbers(shape, ret_picture);
    else
        draw_categories(drawn, shape, ret_picture);
    replace_reference(shape, report);
}
