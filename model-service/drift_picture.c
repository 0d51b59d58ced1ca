/* drift_picture.c - what a picture of a feature shows. */
#include "drift_picture.h"

#include "drift_detector_internal.h"

#include "stats/divergence.h"

#include <math.h>
#include <string.h>

static double share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

/* --- numbers --- */

/* The histogram's range leaves out at most this share at each end of the reference, so that a
 * single far value does not squeeze all others into one bar. */
#define RANGE_TAIL 0.005
/* The range goes on to the last value if that is no further than this share of the range. */
#define RANGE_MARGIN 0.25

/* A bar for each of a few values, with its edges half-way to the next ones. */
static void edge_each_value(const struct numeric_reference *ref,
                            struct picture_histogram *histogram)
{
    const double *x = ref->value;
    const size_t last = ref->distinct - 1;
    const double first_gap = last > 0 ? x[1] - x[0] : 1,
                 last_gap = last > 0 ? x[last] - x[last - 1] : 1;
    histogram->bars = ref->distinct;
    histogram->edge[0] = x[0] - first_gap * 0.5;
    for (size_t i = 1; i <= last; i++)
        histogram->edge[i] = x[i - 1] * 0.5 + x[i] * 0.5;
    histogram->edge[last + 1] = x[last] + last_gap * 0.5;
}

static void edge_evenly(const struct numeric_reference *ref, struct picture_histogram *histogram)
{
    double low = drift_numeric_reference_quantile(ref, RANGE_TAIL);
    double high = drift_numeric_reference_quantile(ref, 1 - RANGE_TAIL);
    const double margin = (high - low) * RANGE_MARGIN;
    low = low - ref->min <= margin ? ref->min : low;
    high = ref->max - high <= margin ? ref->max : high;
    histogram->bars = PICTURE_BARS;
    for (size_t i = 0; i <= PICTURE_BARS; i++) {
        const double part = (double)i / PICTURE_BARS;
        histogram->edge[i] = low * (1 - part) + high * part;
    }
}

/* Whether rounding leaves room for the edges between them. */
static bool edges_ascend(const struct picture_histogram *histogram)
{
    for (size_t i = 0; i < histogram->bars; i++)
        if (!(histogram->edge[i] < histogram->edge[i + 1]) || !isfinite(histogram->edge[i + 1]))
            return false;
    return true;
}

static void draw_histogram(const struct feature *feature, struct picture_histogram *histogram)
{
    const struct numeric_reference *ref = &feature->reference.numeric;
    const struct window_counts counts = drift_feature_window_counts(feature->window);
    const uint64_t finite =
        counts.observations - counts.missing - counts.positive_infinite - counts.negative_infinite;
    uint64_t reference[PICTURE_BARS + 2], current[PICTURE_BARS + 2];
    if (ref->distinct == 0)
        return;
    if (ref->distinct <= PICTURE_BARS)
        edge_each_value(ref, histogram);
    else
        edge_evenly(ref, histogram);
    if (!edges_ascend(histogram)) {
        histogram->bars = 0;
        return;
    }
    window_histogram(feature->window, histogram->edge, histogram->bars, reference, current);
    for (size_t i = 0; i < histogram->bars + 2; i++) {
        histogram->reference[i] = share(reference[i], ref->finite_rows);
        histogram->current[i] = share(current[i], finite);
    }
}

static void draw_bins(const struct feature *feature, struct feature_picture *picture)
{
    const struct numeric_reference *ref = &feature->reference.numeric;
    struct shape_bin holds[REFERENCE_MAX_HISTOGRAM];
    const uint64_t *current = drift_feature_window_bins(feature->window, &picture->bins);
    reference_bins(ref, holds);
    for (size_t b = 0; b < picture->bins; b++) {
        struct picture_bin *bin = &picture->bin[b];
        bin->holds = holds[b];
        bin->reference = share(ref->bin_count[b], ref->rows);
        bin->current = share(current[b], picture->window_rows);
        bin->term = picture->window_rows > 0 ? drift_psi_term(bin->reference, bin->current) : NAN;
        picture->psi += bin->term;
    }
}

static void draw_numbers(const struct feature *feature, struct feature_picture *picture)
{
    draw_histogram(feature, &picture->histogram);
    picture->has_curves = window_furthest_apart(feature->window, &picture->apart) == 0;
    if (picture->has_curves)
        picture->points =
            window_curves(feature->window, &picture->apart, picture->point, PICTURE_POINTS);
    draw_bins(feature, picture);
}

/* --- categories --- */

static struct picture_category category_of(const struct feature *feature, const uint64_t *current,
                                           uint64_t rows, uint32_t code)
{
    const struct categorical_reference *ref = &feature->reference.categorical;
    struct picture_category category = {
        .name = feature_category_name(feature, code),
        .reserved = code >= ref->categories,
        .reference = share(ref->bin_count[code], ref->rows),
        .current = share(current[code], rows),
    };
    category.term = rows > 0 ? drift_psi_term(category.reference, category.current) : NAN;
    return category;
}

static double moved_by(const struct picture_category *category)
{
    return fabs(category->current - category->reference);
}

static void add_to_rest(struct feature_picture *picture, const struct picture_category *category)
{
    picture->rest.reference += category->reference;
    picture->rest.current += category->current;
    picture->rest.term += category->term;
    picture->rest_categories++;
}

/* They stay in the order of how far they moved. */
void picture_keep_category(struct feature_picture *picture, const struct picture_category *category)
{
    struct picture_category *kept = picture->category;
    size_t at = picture->categories;
    while (at > 0 && moved_by(&kept[at - 1]) < moved_by(category))
        at--;
    if (at == PICTURE_CATEGORIES) {
        add_to_rest(picture, category);
        return;
    }
    if (picture->categories == PICTURE_CATEGORIES)
        add_to_rest(picture, &kept[--picture->categories]);
    memmove(&kept[at + 1], &kept[at], (picture->categories - at) * sizeof(*kept));
    kept[at] = *category;
    picture->categories++;
}

static void draw_categories(const struct feature *feature, struct feature_picture *picture)
{
    size_t codes;
    const uint64_t *current = drift_feature_window_bins(feature->window, &codes);
    const uint32_t categories = (uint32_t)feature->reference.categorical.categories;
    const uint64_t rows = picture->window_rows;
    for (uint32_t code = 0; code < codes; code++) {
        const struct picture_category category = category_of(feature, current, rows, code);
        picture->psi += category.term;
        if (code < categories)
            picture_keep_category(picture, &category);
        else if (category.reference > 0 || category.current > 0)
            picture->category[picture->categories++] = category;
    }
}

void detector_picture(const struct detector *detector, size_t feature,
                      struct feature_picture *ret_picture)
{
    const struct feature *drawn = &detector->features[feature];
    const struct window_counts counts = drift_feature_window_counts(drawn->window);
    *ret_picture =
        (struct feature_picture){.type = drawn->type, .window_rows = counts.observations};
    detector_details(detector, feature, &ret_picture->details);
    if (drawn->type == FEATURE_NUMERIC) {
        ret_picture->reference_rows = drawn->reference.numeric.rows;
        draw_numbers(drawn, ret_picture);
    } else {
        ret_picture->reference_rows = drawn->reference.categorical.rows;
        draw_categories(drawn, ret_picture);
    }
    if (counts.observations == 0)
        ret_picture->psi = NAN;
}
