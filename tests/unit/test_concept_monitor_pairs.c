/* Unit tests of concept_monitor_pairs.c: the ring, calibration, confusion matrix and errors. */
#include "concept_monitor.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct concept_pair pairs[CONCEPT_PAIRS];

static void test_the_ring_keeps_the_last(void **state)
{
    (void)state;
    struct concept_ring ring;
    assert_int_equal(concept_ring_init(&ring, 7), 0);
    for (int i = 0; i < 20; i++) {
        concept_ring_add(&ring, &(struct concept_pair){.prediction = i});
        const size_t count = concept_ring_read(&ring, pairs);
        assert_int_equal(count, i < 7 ? i + 1 : 7);
        for (size_t k = 0; k < count; k++)
            assert_true(pairs[k].prediction == i - (double)(count - 1 - k));
    }
    concept_ring_finish(&ring);
}

static void test_scores(void **state)
{
    (void)state;
    const double three[] = {0.2, 0.7, 0.1}, none[] = {NAN, NAN, NAN}, binary[] = {0.3, 9};
    assert_true(concept_score(PERFORMANCE_MULTICLASS, 3, three) == 0.7);
    assert_true(concept_score(PERFORMANCE_BINARY, 2, binary) == 0.3);
    assert_true(isnan(concept_score(PERFORMANCE_MULTICLASS, 3, none)));
    assert_true(isnan(concept_score(PERFORMANCE_BINARY, 2, NULL)));
    assert_true(isnan(concept_score(PERFORMANCE_REGRESSION, 0, binary)));
}

/* The calibration error of the bins is the one of stats/performance.c, and so is every count. */
static void test_against_the_monitor(void **state)
{
    (void)state;
    const struct concept_spec spec = {.task = PERFORMANCE_BINARY,
                                      .classes = 2,
                                      .capacity = 10,
                                      .max_age_ms = 1000,
                                      .window = 400,
                                      .level = 0.95,
                                      .significance = 0.01,
                                      .minimum_labels = 10};
    struct concept_monitor *monitor;
    assert_int_equal(concept_monitor_create(&spec, &monitor), 0);
    srand(3);
    for (int i = 0; i < 700; i++) {
        const double score = i % 20 == 0 ? (double)(i % 11) / 10 : (double)rand() / RAND_MAX;
        concept_monitor_direct(monitor, score > 0.5, &score, rand() % 3 > 0, i);
    }
    struct performance_class classes[2];
    struct concept_report report = {.window_class = classes};
    struct concept_calibration_bin bin[CONCEPT_CALIBRATION_BINS] = {{0}},
                                   reference[CONCEPT_CALIBRATION_BINS];
    struct concept_confusion_cell cells[CONCEPT_PAIRS];
    concept_monitor_report(monitor, 1000, &report);
    const size_t count = concept_monitor_pairs(monitor, pairs, reference);
    assert_int_equal(count, report.window_labels);
    double error = 0;
    for (size_t i = 0; i < count; i++)
        concept_calibration_add(bin, PERFORMANCE_BINARY, &pairs[i]);
    for (size_t b = 0; b < CONCEPT_CALIBRATION_BINS; b++)
        error += fabs(bin[b].score - bin[b].hits) / (double)count;
    assert_true(fabs(error - report.metric[PERFORMANCE_CALIBRATION_ERROR].window.value) < 1e-12);
    uint64_t labels[2] = {0}, predictions[2] = {0}, hits[2] = {0};
    const size_t found = concept_confusion(pairs, count, cells);
    assert_int_equal(found, 4);
    for (size_t i = 0; i < found; i++) {
        labels[cells[i].label] += cells[i].pairs;
        predictions[cells[i].prediction] += cells[i].pairs;
        hits[cells[i].label] += cells[i].label == cells[i].prediction ? cells[i].pairs : 0;
    }
    for (size_t c = 0; c < 2; c++) {
        assert_int_equal(labels[c], classes[c].labels);
        assert_int_equal(predictions[c], classes[c].predictions);
        assert_int_equal(hits[c], classes[c].hits);
    }
    assert_int_equal(reference[0].pairs, 0);
    concept_monitor_destroy(monitor);
}

static void test_errors(void **state)
{
    (void)state;
    struct concept_errors errors;
    concept_errors(pairs, 0, &errors);
    assert_int_equal(errors.bars, 0);
    for (size_t i = 0; i < 1000; i++)
        pairs[(i * 7) % 1000] =
            (struct concept_pair){.prediction = (double)i, .label = (double)i / 2};
    pairs[0].label = -1e9; /* one far away does not stretch the histogram */
    concept_errors(pairs, 1000, &errors);
    uint64_t all = 0;
    for (size_t i = 0; i < errors.bars + 2; i++)
        all += errors.errors[i];
    assert_int_equal(all, 1000);
    assert_true(errors.edge[errors.bars] < 1000 && errors.errors[errors.bars + 1] >= 1);
    assert_int_equal(errors.steps, CONCEPT_ERROR_STEPS);
    assert_true(fabs(errors.prediction[3] - 349.5) < 1e-9 &&
                fabs(errors.mean[3] - 349.5 / 2) < 1e-9);
    for (size_t i = 0; i < 5; i++)
        pairs[i] = (struct concept_pair){.prediction = 3, .label = 1};
    concept_errors(pairs, 5, &errors);
    assert_int_equal(errors.bars, 1);
    assert_int_equal(errors.errors[1], 5);
    assert_int_equal(errors.steps, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_ring_keeps_the_last),
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_against_the_monitor),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
