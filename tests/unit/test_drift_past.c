/* Unit tests of drift_past.c: a window against an earlier one. */
#include "drift_past.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROWS       400
#define CATEGORIES 60

static double numbers[ROWS];
static char names[CATEGORIES][8];
static const char *texts[ROWS];
static struct feature_picture picture;

static struct detector *create(const struct detector_feature *feature, size_t window)
{
    const struct detector_spec spec = {.features = feature,
                                       .feature_count = 1,
                                       .reference_rows = ROWS,
                                       .window = {.kind = WINDOW_COUNT, .observations = window},
                                       .minimum_sample = 10,
                                       .threshold = {0.3, 0.5},
                                       .significance = 0.0001,
                                       .methods = DETECTOR_LIVE_METHODS,
                                       .bins = 10};
    struct detector *detector;
    assert_int_equal(detector_create(&spec, &detector), 0);
    return detector;
}

static void add(struct detector *detector, const struct value *value)
{
    double score;
    detector_observe(detector, value, NULL, 0, &score);
}

static struct detector_feature_report report_of(struct detector *detector)
{
    struct detector_feature_report feature;
    struct detector_report report = {.features = &feature};
    detector_report(detector, 0, &report);
    return feature;
}

static struct detector *numeric(void)
{
    for (size_t i = 0; i < ROWS; i++)
        numbers[i] = (double)((i * 37) % ROWS) / 40;
    return create(&(struct detector_feature){.name = "x",
                                             .type = FEATURE_NUMERIC,
                                             .reference_numbers = numbers},
                  100);
}

/* The same window then and now: nothing moved, and the sides are equal. */
static void test_a_window_against_itself(void **state)
{
    (void)state;
    struct detector *detector = numeric();
    struct past_shape shape;
    for (int i = 0; i < 100; i++)
        add(detector, &(struct value){.number = i % 10 == 0 ? NAN : 2 + i * 0.07});
    detector_shape(detector, 0, &shape);
    struct detector_feature_report report = report_of(detector);
    detector_picture_against(detector, 0, &shape, &report, &picture);
    assert_true(picture.earlier && picture.has_curves && picture.bins == 0);
    assert_int_equal(picture.reference_rows, 100);
    for (size_t i = 0; i < picture.histogram.bars + 2; i++)
        assert_true(fabs(picture.histogram.reference[i] - picture.histogram.current[i]) < 1e-6);
    assert_true(fabs(picture.apart.reference - picture.apart.current) < 1e-6);
    assert_true(fabs(report.reference_mean - report.window_mean) < 1e-5);
    assert_int_equal(report.reference_missing, 10);
    assert_false(report.missing_significant);
    detector_destroy(detector);
}

/* Curves of two windows are those of the rows themselves at every edge. */
static void test_curves_at_the_edges(void **state)
{
    (void)state;
    struct detector *detector = numeric();
    struct past_shape shape;
    double then[100], now[100];
    for (int i = 0; i < 100; i++)
        add(detector, &(struct value){.number = then[i] = numbers[i]});
    detector_shape(detector, 0, &shape);
    for (int i = 0; i < 100; i++)
        add(detector, &(struct value){.number = now[i] = numbers[i] * 0.5 + 4});
    struct detector_feature_report report = report_of(detector);
    detector_picture_against(detector, 0, &shape, &report, &picture);
    assert_int_equal(picture.points, picture.histogram.bars + 1);
    for (size_t p = 0; p < picture.points; p++) {
        double below[2] = {0};
        const struct curve_point *point = &picture.point[p];
        for (int i = 0; i < 100; i++) {
            below[0] += point->before ? then[i] < point->x : then[i] <= point->x;
            below[1] += point->before ? now[i] < point->x : now[i] <= point->x;
        }
        assert_true(fabs(point->reference - below[0] / 100) < 1e-5);
        assert_true(fabs(point->current - below[1] / 100) < 0.011); /* between reference values */
        assert_true(fabs(picture.apart.reference - picture.apart.current) + 1e-12 >=
                    fabs(point->reference - point->current));
    }
    detector_destroy(detector);
}

/* The shares of both sides add up to 1 with more categories than are kept. */
static void test_categories(void **state)
{
    (void)state;
    for (size_t c = 0; c < CATEGORIES; c++)
        snprintf(names[c], sizeof(names[c]), "c%zu", c);
    for (size_t i = 0; i < ROWS; i++)
        texts[i] = names[(i * i) % CATEGORIES];
    struct detector *detector = create(&(struct detector_feature){.name = "x",
                                                                  .type = FEATURE_CATEGORICAL,
                                                                  .reference_texts = texts},
                                       200);
    struct past_shape shape;
    for (size_t i = 0; i < 200; i++)
        add(detector,
            &(struct value){.number = NAN, .text = texts[i], .text_bytes = strlen(texts[i])});
    detector_shape(detector, 0, &shape);
    for (size_t i = 0; i < 150; i++) {
        const char *text = i % 3 == 0 ? "new" : "c0";
        add(detector, &(struct value){.number = NAN, .text = text, .text_bytes = strlen(text)});
    }
    struct detector_feature_report report = report_of(detector);
    detector_picture_against(detector, 0, &shape, &report, &picture);
    double reference = picture.rest.reference, current = picture.rest.current;
    for (size_t i = 0; i < picture.categories; i++) {
        reference += picture.category[i].reference;
        current += picture.category[i].current;
    }
    assert_true(fabs(reference - 1) < 1e-5 && fabs(current - 1) < 1e-9);
    assert_string_equal(picture.category[0].name, "c0");
    const struct picture_category *last = &picture.category[picture.categories - 1];
    assert_string_equal(last->name, "__unseen__");
    assert_true(fabs(last->current - 0.25) < 1e-9 && last->reference < 1e-9);
    detector_destroy(detector);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_window_against_itself),
        cmocka_unit_test(test_curves_at_the_edges),
        cmocka_unit_test(test_categories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
