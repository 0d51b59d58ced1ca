/* Unit tests of drift_picture.c: every number of a picture against a count of the rows themselves.
 */
#include "drift_picture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS   600
#define WINDOW 300

static double reference[ROWS], window[WINDOW];
static size_t reference_rows, window_rows;

/* xorshift64*: uniform in (0, 1) */
static double uniform(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return ((double)((*state * 0x2545F4914F6CDD1Dull) >> 11) + 0.5) / 9007199254740992.0;
}

static struct detector *detector_of(const struct detector_feature *feature, size_t rows)
{
    const struct detector_spec spec = {.features = feature,
                                       .feature_count = 1,
                                       .reference_rows = rows,
                                       .window = {.kind = WINDOW_ALL},
                                       .minimum_sample = 1,
                                       .threshold = {0.3, 0.5},
                                       .significance = 0.0001,
                                       .methods = DETECTOR_ALL_METHODS,
                                       .bins = 10};
    struct detector *detector;
    assert_int_equal(detector_create(&spec, &detector), 0);
    return detector;
}

static void observe(struct detector *detector, const struct value *value)
{
    double score;
    detector_observe(detector, value, NULL, 0, &score);
}

static struct detector *numeric_detector(void)
{
    const struct detector_feature feature = {
        .name = "x", .type = FEATURE_NUMERIC, .reference_numbers = reference};
    struct detector *detector = detector_of(&feature, reference_rows);
    for (size_t i = 0; i < window_rows; i++)
        observe(detector, &(struct value){.number = window[i]});
    return detector;
}

static double share_at(const double *rows, size_t count, double x, bool before)
{
    double below = 0, finite = 0;
    for (size_t i = 0; i < count; i++) {
        finite += isfinite(rows[i]);
        below += isfinite(rows[i]) && (before ? rows[i] < x : rows[i] <= x);
    }
    return below / finite;
}

static void check_curves(const struct feature_picture *picture, double ks)
{
    const struct curve_point *apart = &picture->apart;
    bool has_apart = false;
    assert_true(fabs(fabs(apart->reference - apart->current) - ks) < 1e-15);
    assert_true(picture->points > 0 && picture->points <= PICTURE_POINTS);
    for (size_t i = 0; i < picture->points; i++) {
        const struct curve_point *point = &picture->point[i];
        assert_true(fabs(point->reference -
                         share_at(reference, reference_rows, point->x, point->before)) < 1e-15);
        assert_true(fabs(point->current - share_at(window, window_rows, point->x, point->before)) <
                    1e-15);
        has_apart |= point->x == apart->x && point->before == apart->before;
        assert_true(i == 0 || (point->x >= picture->point[i - 1].x &&
                               point->reference >= picture->point[i - 1].reference));
    }
    assert_true(has_apart);
    assert_true(picture->point[picture->points - 1].reference == 1);
}

static double share_between(const double *rows, size_t count, const struct picture_histogram *of,
                            size_t bar)
{
    double inside = 0, finite = 0;
    for (size_t i = 0; i < count; i++) {
        const bool above_low = bar == 0 || rows[i] >= of->edge[bar - 1];
        const bool below_high = bar > of->bars || rows[i] < of->edge[bar] ||
                                (bar == of->bars && rows[i] == of->edge[bar]);
        const bool last_edge = bar > of->bars && rows[i] == of->edge[of->bars];
        finite += isfinite(rows[i]);
        inside += isfinite(rows[i]) && above_low && below_high && !last_edge;
    }
    return inside / finite;
}

/* tolerance: of the window's shares, whose values between two of the reference count as the middle.
 */
static void check_histogram(const struct picture_histogram *histogram, double tolerance)
{
    double whole_reference = 0, whole_current = 0;
    assert_true(histogram->bars > 0 && histogram->bars <= PICTURE_BARS);
    for (size_t bar = 0; bar < histogram->bars + 2; bar++) {
        whole_reference += histogram->reference[bar];
        whole_current += histogram->current[bar];
        assert_true(fabs(histogram->reference[bar] -
                         share_between(reference, reference_rows, histogram, bar)) < 1e-12);
        assert_true(fabs(histogram->current[bar] -
                         share_between(window, window_rows, histogram, bar)) <= tolerance);
    }
    assert_true(fabs(whole_reference - 1) < 1e-12 && fabs(whole_current - 1) < 1e-12);
}

static bool bin_holds(const struct shape_bin *bin, double x)
{
    switch (bin->kind) {
    case BIN_RANGE:
        return isfinite(x) && x > bin->low && x <= bin->high;
    case BIN_BETWEEN:
        return isfinite(x) && x > bin->low && x < bin->high;
    case BIN_VALUE:
        return x == bin->low;
    case BIN_BELOW:
        return isfinite(x) && x < bin->low;
    case BIN_ABOVE:
        return isfinite(x) && x > bin->high;
    case BIN_MISSING:
        return isnan(x);
    case BIN_INFINITE:
        return isinf(x);
    case BIN_GAPS:
        return false;
    }
    return false;
}

static double share_in(const double *rows, size_t count, const struct shape_bin *bin)
{
    double inside = 0;
    for (size_t i = 0; i < count; i++)
        inside += bin_holds(bin, rows[i]);
    return inside / (double)count;
}

static void check_bins(const struct feature_picture *picture, double psi)
{
    double sum = 0;
    for (size_t b = 0; b < picture->bins; b++) {
        const struct picture_bin *bin = &picture->bin[b];
        sum += bin->term;
        if (bin->holds.kind == BIN_GAPS)
            continue;
        assert_true(fabs(bin->reference - share_in(reference, reference_rows, &bin->holds)) <
                    1e-12);
        assert_true(fabs(bin->current - share_in(window, window_rows, &bin->holds)) < 1e-12);
    }
    assert_true(sum == picture->psi && fabs(psi - sum) < 1e-12);
}

static void check_picture(double tolerance)
{
    struct detector *detector = numeric_detector();
    struct detector_feature_report feature;
    struct detector_report report = {.features = &feature};
    struct feature_picture picture;
    detector_report(detector, 0, &report);
    detector_picture(detector, 0, &picture);
    assert_true(picture.has_curves);
    check_curves(&picture, feature.method[METHOD_KS_TEST].score);
    check_histogram(&picture.histogram, tolerance);
    check_bins(&picture, feature.method[METHOD_PSI].score);
    detector_destroy(detector);
}

static void test_continuous(void **state)
{
    (void)state;
    uint64_t random = 11;
    reference_rows = ROWS;
    window_rows = WINDOW;
    for (size_t i = 0; i < ROWS; i++)
        reference[i] = i % 50 == 0 ? NAN : -log(uniform(&random));
    for (size_t i = 0; i < WINDOW; i++)
        window[i] = i % 9 == 0 ? NAN : i % 40 == 1 ? INFINITY : 1.5 - log(uniform(&random)) - 0.6;
    check_picture(0.03);
}

static void test_few_values(void **state)
{
    (void)state;
    uint64_t random = 5;
    reference_rows = ROWS;
    window_rows = WINDOW;
    for (size_t i = 0; i < ROWS; i++)
        reference[i] = floor(uniform(&random) * 6) + (uniform(&random) < 0.01 ? 0.5 : 0);
    for (size_t i = 0; i < WINDOW; i++)
        window[i] = floor(uniform(&random) * 9) - 1;
    check_picture(0);
}

/* A reference of a single value, and of a range that cannot be divided. */
static void test_degenerate(void **state)
{
    (void)state;
    reference_rows = 20;
    window_rows = 10;
    for (size_t i = 0; i < reference_rows; i++)
        reference[i] = 7;
    for (size_t i = 0; i < window_rows; i++)
        window[i] = i < 4 ? 7 : 8;
    check_picture(0);
    for (size_t i = 0; i < reference_rows; i++)
        reference[i] = i < 10 ? -1.7e308 : 1.7e308;
    struct detector *detector = numeric_detector();
    struct feature_picture picture;
    detector_picture(detector, 0, &picture);
    assert_true(picture.has_curves);
    detector_destroy(detector);
}

static void test_nothing_to_draw(void **state)
{
    (void)state;
    struct feature_picture picture;
    reference_rows = 3;
    window_rows = 0;
    reference[0] = 1;
    reference[1] = reference[2] = 2;
    struct detector *detector = numeric_detector();
    detector_picture(detector, 0, &picture);
    assert_false(picture.has_curves);
    assert_int_equal(picture.points, 0);
    assert_true(isnan(picture.psi));
    detector_destroy(detector);
    reference[0] = reference[1] = reference[2] = NAN;
    window_rows = 1;
    window[0] = 4;
    detector = numeric_detector();
    detector_picture(detector, 0, &picture);
    assert_false(picture.has_curves);
    assert_int_equal(picture.histogram.bars, 0);
    detector_destroy(detector);
}

static void test_categories(void **state)
{
    (void)state;
    static char name[40][8];
    static const char *texts[400];
    for (size_t c = 0; c < 40; c++)
        snprintf(name[c], sizeof(name[c]), "c%u", (unsigned)c % 100);
    for (size_t i = 0; i < 400; i++)
        texts[i] = i < 4 ? NULL : name[i % 40];
    const struct detector_feature feature = {
        .name = "c", .type = FEATURE_CATEGORICAL, .reference_texts = texts};
    struct detector *detector = detector_of(&feature, 400);
    for (size_t i = 0; i < 100; i++) {
        const char *text = i < 60 ? "c7" : i < 70 ? "new" : i < 80 ? NULL : name[i % 40];
        observe(detector, &(struct value){
                              .number = NAN, .text = text, .text_bytes = text ? strlen(text) : 0});
    }
    struct feature_picture picture;
    detector_picture(detector, 0, &picture);
    assert_string_equal(picture.category[0].name, "c7");
    assert_true(fabs(picture.category[0].current - 0.61) < 1e-12);
    assert_int_equal(picture.categories, PICTURE_CATEGORIES + 2);
    assert_string_equal(picture.category[PICTURE_CATEGORIES].name, "__unseen__");
    assert_true(picture.category[PICTURE_CATEGORIES].reserved);
    assert_true(fabs(picture.category[PICTURE_CATEGORIES + 1].reference - 0.01) < 1e-12);
    assert_int_equal(picture.rest_categories, 40 - PICTURE_CATEGORIES);
    double reference_sum = picture.rest.reference, current_sum = picture.rest.current;
    double terms = picture.rest.term;
    for (size_t i = 0; i < picture.categories; i++) {
        reference_sum += picture.category[i].reference;
        current_sum += picture.category[i].current;
        terms += picture.category[i].term;
    }
    assert_true(fabs(reference_sum - 1) < 1e-12 && fabs(current_sum - 1) < 1e-12);
    assert_true(fabs(terms - picture.psi) < 1e-12);
    detector_destroy(detector);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_continuous), cmocka_unit_test(test_few_values),
        cmocka_unit_test(test_degenerate), cmocka_unit_test(test_nothing_to_draw),
        cmocka_unit_test(test_categories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
