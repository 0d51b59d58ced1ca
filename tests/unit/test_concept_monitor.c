/* test_concept_monitor.c - labels, performance and detectors together. */
#include "concept_monitor.h"
#include "random_stream.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define WINDOW    500
#define REFERENCE 4000
#define SECOND    1000

/* A well calibrated model on one normal feature; flipped, the relation is the other way round. */
struct world {
    uint64_t seed;
    bool flipped;
    double error; /* probability of a wrong label on top */
};

struct outcome {
    double prediction, score, label;
};

static struct outcome draw(struct world *world)
{
    const double score = 1 / (1 + exp(-3 * random_normal(&world->seed)));
    const double positive = world->flipped ? 1 - score : score;
    bool label = random_unit(&world->seed) < positive;
    label ^= random_unit(&world->seed) < world->error;
    return (struct outcome){score > 0.5, score, label};
}

struct rows {
    double prediction[REFERENCE], score[REFERENCE], label[REFERENCE];
};

static struct concept_spec base_spec(void)
{
    return (struct concept_spec){.task = PERFORMANCE_BINARY,
                                 .classes = 2,
                                 .capacity = 5000,
                                 .max_age_ms = INT64_C(7) * 24 * 3600 * 1000,
                                 .window = WINDOW,
                                 .detectors = CHANGE_ALL_DETECTORS,
                                 .level = CONCEPT_DEFAULT_LEVEL,
                                 .significance = 0.0001,
                                 .minimum_labels = 50,
                                 .key = {11, 12}};
}

static struct concept_monitor *monitor_new(const struct concept_spec *spec)
{
    struct concept_monitor *monitor = NULL;
    assert_int_equal(concept_monitor_create(spec, &monitor), 0);
    return monitor;
}

static struct concept_monitor *monitor_with_reference(struct world *world)
{
    static struct rows rows;
    for (size_t r = 0; r < REFERENCE; r++) {
        const struct outcome outcome = draw(world);
        rows.prediction[r] = outcome.prediction;
        rows.score[r] = outcome.score;
        rows.label[r] = outcome.label;
    }
    struct concept_spec spec = base_spec();
    spec.reference_rows = REFERENCE;
    spec.reference_predictions = rows.prediction;
    spec.reference_labels = rows.label;
    spec.reference_scores = rows.score;
    return monitor_new(&spec);
}

/* One prediction per second from `from` on, each labelled at once. */
static void feed(struct concept_monitor *monitor, struct world *world, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++) {
        char id[32];
        const struct outcome outcome = draw(world);
        const size_t bytes = (size_t)snprintf(id, sizeof(id), "%lld", (long long)i);
        assert_true(concept_monitor_predicted(monitor, id, bytes, outcome.prediction,
                                              &outcome.score, i * SECOND));
        assert_int_equal(concept_monitor_label(monitor, id, bytes, outcome.label, i * SECOND),
                         LABEL_JOINED);
    }
}

static struct concept_report report_of(struct concept_monitor *monitor, int64_t now_ms)
{
    struct concept_report report = {.window_class = NULL};
    concept_monitor_report(monitor, now_ms, &report);
    return report;
}

static unsigned detectors_in(const struct concept_report *report, enum change_state state)
{
    unsigned count = 0;
    for (size_t k = 0; k < CHANGE_DETECTOR_COUNT; k++)
        count += report->detector[k].state == state;
    return count;
}

static void test_quiet_while_nothing_changes(void **state)
{
    (void)state;
    struct world world = {.seed = 1};
    struct concept_monitor *monitor = monitor_with_reference(&world);
    struct concept_report report = report_of(monitor, 0);
    assert_int_equal(report.reference, CONCEPT_REFERENCE_ROWS);
    assert_int_equal(report.reference_labels, REFERENCE);
    assert_false(report.metric[PERFORMANCE_ACCURACY].window.defined);
    assert_true(report.metric[PERFORMANCE_ACCURACY].reference.defined);
    assert_false(report.metric[PERFORMANCE_MAE].applies);
    assert_true(isnan(report.coverage));
    for (int64_t at = 0; at < 5000; at += 100) {
        feed(monitor, &world, at, at + 100);
        report = report_of(monitor, (at + 100) * SECOND);
        assert_false(report.degraded);
        assert_false(report.drift);
    }
    assert_int_equal(report.window_labels, WINDOW);
    assert_int_equal(report.total_labels, 5000);
    assert_true(report.coverage == 1);
    concept_monitor_destroy(monitor);
}

/* The relation flips at 3000: a drift, dated to it, held until somebody mends the model, and gone
 * one window and a tenth after that. */
static void test_flip(void **state)
{
    (void)state;
    struct world world = {.seed = 2};
    struct concept_monitor *monitor = monitor_with_reference(&world);
    feed(monitor, &world, 0, 3000);
    world.flipped = true;
    feed(monitor, &world, 3000, 3000 + WINDOW);
    struct concept_report report = report_of(monitor, 3500 * SECOND);
    assert_true(report.drift);
    assert_true(report.metric[PERFORMANCE_ACCURACY].degraded);
    assert_true(report.metric[PERFORMANCE_ROC_AUC].degraded);
    assert_true(report.metric[PERFORMANCE_LOG_LOSS].degraded);
    assert_true(report.metric[PERFORMANCE_ACCURACY].total.value >
                report.metric[PERFORMANCE_ACCURACY].window.value);
    for (size_t k = 0; k < CHANGE_DETECTOR_COUNT; k++) {
        const struct drift_change_watch_report *detector = &report.detector[k];
        if (!drift_change_detector_alerts((enum change_detector_kind)k) ||
            detector->state != CHANGE_DRIFT)
            continue;
        if (detector->onset_ms < 2800 * SECOND || detector->onset_ms > 3300 * SECOND)
            fail_msg("%s: onset at %lld s, expected 3000",
                     drift_change_detector_name((enum change_detector_kind)k),
                     (long long)detector->onset_ms / SECOND);
    }
    for (int64_t at = 3500; at < 6000; at += 10) {
        feed(monitor, &world, at, at + 10);
        assert_true(report_of(monitor, at * SECOND).drift);
    }
    world.flipped = false;
    feed(monitor, &world, 6000, 6000 + 4 * WINDOW);
    report = report_of(monitor, 8000 * SECOND);
    assert_false(report.degraded);
    assert_false(report.drift);
    assert_int_equal(report.detector[CHANGE_DDM].state, CHANGE_NONE);
    assert_true(report.detector[CHANGE_ADWIN].onsets > 0);
    concept_monitor_destroy(monitor);
}

/* Without labels in the reference the first window stands for it. */
static void test_first_labels_as_reference(void **state)
{
    (void)state;
    const struct concept_spec spec = base_spec();
    struct world world = {.seed = 3};
    struct concept_monitor *monitor = monitor_new(&spec);
    feed(monitor, &world, 0, WINDOW - 1);
    struct concept_report report = report_of(monitor, 0);
    assert_int_equal(report.reference, CONCEPT_REFERENCE_NONE);
    assert_false(report.metric[PERFORMANCE_ACCURACY].reference.defined);
    feed(monitor, &world, WINDOW - 1, WINDOW);
    report = report_of(monitor, 0);
    assert_int_equal(report.reference, CONCEPT_REFERENCE_FIRST_LABELS);
    const double first = report.metric[PERFORMANCE_ACCURACY].reference.value;
    assert_true(report.metric[PERFORMANCE_ACCURACY].window.value == first);
    feed(monitor, &world, WINDOW, 4 * WINDOW);
    world.flipped = true;
    feed(monitor, &world, 4 * WINDOW, 5 * WINDOW);
    report = report_of(monitor, 0);
    assert_true(report.metric[PERFORMANCE_ACCURACY].reference.value == first);
    assert_true(report.drift);
    concept_monitor_destroy(monitor);
}

/* Wrong from the first label on: the reference is what it changed from. */
static void test_worse_from_the_start(void **state)
{
    (void)state;
    struct world world = {.seed = 7};
    struct concept_monitor *monitor = monitor_with_reference(&world);
    struct concept_report report = report_of(monitor, 0);
    for (size_t k = 0; k < CHANGE_DETECTOR_COUNT; k++) {
        assert_int_equal(report.detector[k].onsets, 0);
        assert_int_equal(report.detector[k].state, CHANGE_NONE);
    }
    world.flipped = true;
    feed(monitor, &world, 100, 300);
    report = report_of(monitor, 300 * SECOND);
    assert_true(report.drift);
    assert_int_equal(report.detector[CHANGE_ADWIN].state, CHANGE_DRIFT);
    assert_in_range(report.detector[CHANGE_ADWIN].onset_ms, 100 * SECOND, 150 * SECOND);
    assert_int_equal(concept_monitor_retune(monitor, 0.5, 201), 0);
    assert_false(report_of(monitor, 300 * SECOND).degraded);
    assert_int_equal(concept_monitor_retune(monitor, 0, 50), -22);
    concept_monitor_destroy(monitor);
}

static void test_few_labels_never_degrade(void **state)
{
    (void)state;
    struct world world = {.seed = 4};
    struct concept_monitor *monitor = monitor_with_reference(&world);
    world.flipped = true;
    feed(monitor, &world, 0, 49);
    assert_false(report_of(monitor, 0).degraded);
    feed(monitor, &world, 49, 200);
    assert_true(report_of(monitor, 0).degraded);
    concept_monitor_destroy(monitor);
}

/* Scores may be absent: what needs none is still known. */
static void test_no_scores(void **state)
{
    (void)state;
    const struct concept_spec spec = base_spec();
    struct concept_monitor *monitor = monitor_new(&spec);
    assert_true(concept_monitor_predicted(monitor, "a", 1, 1, NULL, 5));
    assert_int_equal(concept_monitor_label(monitor, "a", 1, 1, 6), LABEL_JOINED);
    concept_monitor_direct(monitor, 0, NULL, 1, 7);
    const struct concept_report report = report_of(monitor, 8);
    assert_true(report.metric[PERFORMANCE_ACCURACY].window.value == 0.5);
    assert_false(report.metric[PERFORMANCE_ROC_AUC].window.defined);
    assert_int_equal(report.labels.labels[LABEL_JOINED], 2);
    concept_monitor_destroy(monitor);
}

static double noise(uint64_t *seed, double scale)
{
    return scale * random_normal(seed);
}

static void test_regression(void **state)
{
    (void)state;
    struct concept_spec spec = base_spec();
    uint64_t seed = 5;
    spec.task = PERFORMANCE_REGRESSION;
    spec.classes = 0;
    struct concept_monitor *monitor = monitor_new(&spec);
    int64_t at = 0;
    for (; at < 2000; at++)
        concept_monitor_direct(monitor, noise(&seed, 1), NULL, noise(&seed, 1), at * SECOND);
    struct concept_report report = report_of(monitor, at * SECOND);
    assert_int_equal(report.reference, CONCEPT_REFERENCE_FIRST_LABELS);
    assert_false(report.degraded);
    for (; at < 2000 + WINDOW; at++)
        concept_monitor_direct(monitor, noise(&seed, 1), NULL, 2 + noise(&seed, 2), at * SECOND);
    report = report_of(monitor, at * SECOND);
    assert_true(report.metric[PERFORMANCE_MAE].degraded);
    assert_true(report.metric[PERFORMANCE_RMSE].degraded);
    assert_true(report.metric[PERFORMANCE_BIAS].degraded);
    assert_true(report.drift);
    assert_true(detectors_in(&report, CHANGE_DRIFT) >= 3);
    concept_monitor_destroy(monitor);
}

/* Labels backwards, twice, differing, never and too late; every one counted once. */
static void test_labels_in_any_order(void **state)
{
    (void)state;
    const struct concept_spec spec = base_spec();
    struct concept_monitor *monitor = monitor_new(&spec);
    uint64_t given = 0;
    char id[32];
    for (int i = 0; i < 7000; i++)
        assert_true(concept_monitor_predicted(
            monitor, id, (size_t)snprintf(id, sizeof(id), "p%d", i), i % 2, NULL, i));
    for (int i = 7500; i-- > 0;) {
        const size_t bytes = (size_t)snprintf(id, sizeof(id), "p%d", i);
        if (i % 7 == 0)
            continue;
        const enum label_result expected = i >= 7000   ? LABEL_UNKNOWN
                                           : i >= 2000 ? LABEL_JOINED
                                                       : LABEL_LATE;
        assert_int_equal(concept_monitor_label(monitor, id, bytes, i % 2, 8000), expected);
        given++;
        if (expected != LABEL_JOINED)
            continue;
        assert_int_equal(concept_monitor_label(monitor, id, bytes, i % 2, 8000), LABEL_DUPLICATE);
        assert_int_equal(concept_monitor_label(monitor, id, bytes, 1 - i % 2, 8000),
                         LABEL_CONFLICTING);
        given += 2;
    }
    const struct concept_report report = report_of(monitor, 8000);
    uint64_t counted = 0;
    for (enum label_result r = 0; r < LABEL_RESULT_COUNT; r++)
        counted += report.labels.labels[r];
    assert_int_equal(counted, given);
    assert_int_equal(report.labels.expired, 2000);
    assert_int_equal(report.total_labels, report.labels.labels[LABEL_JOINED]);
    assert_true(report.metric[PERFORMANCE_ACCURACY].window.value == 1);
    concept_monitor_destroy(monitor);
}

static void test_same_stream_same_state(void **state)
{
    (void)state;
    struct world worlds[2] = {{.seed = 6}, {.seed = 6}};
    struct concept_monitor *monitors[2];
    for (int m = 0; m < 2; m++) {
        monitors[m] = monitor_with_reference(&worlds[m]);
        for (int64_t at = 0; at < 3000; at += 100) {
            worlds[m].flipped = at >= 1000 && at < 1500;
            feed(monitors[m], &worlds[m], at, at + 100);
            if (m == 1) /* looking changes nothing */
                (void)report_of(monitors[m], at);
        }
    }
    const struct concept_report a = report_of(monitors[0], 0), b = report_of(monitors[1], 0);
    for (size_t k = 0; k < CHANGE_DETECTOR_COUNT; k++) {
        assert_int_equal(a.detector[k].state, b.detector[k].state);
        assert_int_equal(a.detector[k].onsets, b.detector[k].onsets);
        assert_int_equal(a.detector[k].onset_ms, b.detector[k].onset_ms);
    }
    assert_true(a.metric[PERFORMANCE_BRIER].window.value ==
                b.metric[PERFORMANCE_BRIER].window.value);
    concept_monitor_destroy(monitors[0]);
    concept_monitor_destroy(monitors[1]);
}

static void test_refuses(void **state)
{
    (void)state;
    struct concept_spec spec = base_spec();
    struct concept_monitor *monitor = NULL;
    spec.significance = 0;
    assert_int_equal(concept_monitor_create(&spec, &monitor), -22);
    spec = base_spec();
    spec.detectors = 1u << CHANGE_DETECTOR_COUNT;
    assert_int_equal(concept_monitor_create(&spec, &monitor), -22);
    spec = base_spec();
    spec.window = 0;
    assert_int_equal(concept_monitor_create(&spec, &monitor), -22);
    spec = base_spec();
    spec.task = PERFORMANCE_MULTICLASS;
    spec.classes = 1000;
    spec.capacity = 100000;
    assert_int_equal(concept_monitor_create(&spec, &monitor), -7);
    assert_null(monitor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quiet_while_nothing_changes),
        cmocka_unit_test(test_flip),
        cmocka_unit_test(test_first_labels_as_reference),
        cmocka_unit_test(test_worse_from_the_start),
        cmocka_unit_test(test_few_labels_never_degrade),
        cmocka_unit_test(test_no_scores),
        cmocka_unit_test(test_regression),
        cmocka_unit_test(test_labels_in_any_order),
        cmocka_unit_test(test_same_stream_same_state),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
