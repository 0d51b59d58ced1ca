/* Unit tests of served/history.c: what is kept, for how long, and which incidents there were. */
#include "served/history.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define FEATURES 3
#define START_MS INT64_C(1000000000)

static struct detector_feature_report features[FEATURES];
static const struct detector_report report = {.feature_count = FEATURES, .features = features};
static struct history_point points[HISTORY_COARSE];
static struct incident incidents[HISTORY_INCIDENTS];

/* The wall clock is a million seconds ahead. */
static int64_t wall_of(int64_t tick_ms)
{
    return tick_ms + INT64_C(1000000000);
}

static void set(size_t feature, double score, int64_t drifted_since_ms)
{
    features[feature] = (struct detector_feature_report){
        .method[METHOD_KS_TEST] = {.applies = true, .score = score / 2, .threshold = 0.3},
        .method[METHOD_PSI] = {.applies = true, .score = score, .threshold = 0.3},
        .method[METHOD_CHI_SQUARE] = {.applies = true, .score = 99, .threshold = NAN},
        .drifted = drifted_since_ms != 0,
        .drifted_since_ms = drifted_since_ms,
    };
}

static int set_up(void **state)
{
    for (size_t f = 0; f < FEATURES; f++)
        set(f, 0.03, 0);
    *state = model_history_create(FEATURES);
    assert_non_null(*state);
    return 0;
}

static int tear_down(void **state)
{
    model_history_destroy(*state);
    return 0;
}

static void add(struct model_history *history, int64_t now_ms)
{
    model_history_add(history, &report, now_ms, wall_of);
}

static void test_an_interval_keeps_its_largest(void **state)
{
    struct model_history *history = *state;
    set(1, 0.6, 0);
    add(history, START_MS);
    set(1, 0.3, 0);
    add(history, START_MS + 5000);
    add(history, START_MS + 10000);
    assert_int_equal(model_history_fine(history, 1, points), 2);
    assert_int_equal(points[0].ms, START_MS);
    assert_true(fabs(points[0].strength - 2) < 1e-6);
    assert_true(fabs(points[1].strength - 1) < 1e-6);
    assert_int_equal(model_history_coarse(history, 1, points), 1);
    assert_true(fabs(points[0].strength - 2) < 1e-6);
}

static void test_without_a_score_there_is_no_point(void **state)
{
    struct model_history *history = *state;
    set(2, NAN, 0);
    add(history, START_MS);
    assert_int_equal(model_history_fine(history, 2, points), 0);
    set(2, 0.15, 0);
    add(history, START_MS + 5000);
    assert_int_equal(model_history_fine(history, 2, points), 1);
    assert_true(fabs(points[0].strength - 0.5) < 1e-6);
}

static void test_the_memory_is_bounded(void **state)
{
    struct model_history *history = *state;
    const int64_t week_ms = (int64_t)HISTORY_COARSE * HISTORY_COARSE_MS;
    for (int64_t ms = 0; ms < week_ms + 2 * HISTORY_COARSE_MS; ms += HISTORY_FINE_MS) {
        set(0, 0.3 * (double)(ms / HISTORY_FINE_MS), 0);
        add(history, START_MS + ms);
    }
    assert_int_equal(model_history_fine(history, 0, points), HISTORY_FINE);
    for (size_t i = 1; i < HISTORY_FINE; i++)
        assert_true(fabs(points[i].strength - points[i - 1].strength - 1) < 1e-2);
    assert_int_equal(points[HISTORY_FINE - 1].ms - points[0].ms,
                     (HISTORY_FINE - 1) * HISTORY_FINE_MS);
    assert_int_equal(model_history_coarse(history, 0, points), HISTORY_COARSE);
    assert_int_equal(points[HISTORY_COARSE - 1].ms - points[0].ms,
                     (int64_t)(HISTORY_COARSE - 1) * HISTORY_COARSE_MS);
}

static void test_an_incident_in_order_of_onset(void **state)
{
    struct model_history *history = *state;
    add(history, START_MS);
    set(2, 0.45, START_MS + 3000);
    set(0, 0.9, START_MS + 1000);
    add(history, START_MS + 5000);
    set(1, 0.6, START_MS + 7000);
    set(2, 0.6, START_MS + 3000);
    add(history, START_MS + 10000);
    assert_int_equal(model_history_incidents(history, incidents), 1);
    const struct incident *incident = &incidents[0];
    assert_int_equal(incident->id, (START_MS + 1000 + 1000000000) / 1000);
    assert_int_equal(incident->opened_ms, START_MS + 1000);
    assert_true(incident->running);
    assert_int_equal(incident->features, 3);
    const size_t order[] = {0, 2, 1};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(incident->feature[i].feature, order[i]);
    assert_true(fabs(incident->feature[1].peak - 2) < 1e-6);
    assert_int_equal(incident->feature[1].peak_ms, START_MS + 10000);
}

/* A pause shorter than DETECTOR_QUIET_MS belongs to the incident; after a longer one it is another.
 */
static void test_an_incident_ends(void **state)
{
    struct model_history *history = *state;
    set(0, 0.9, START_MS);
    add(history, START_MS);
    set(0, 0.03, 0);
    add(history, START_MS + 5000);
    assert_int_equal(model_history_incidents(history, incidents), 1);
    assert_false(incidents[0].running);
    assert_int_equal(incidents[0].drifted_ms, START_MS);
    set(0, 0.9, START_MS + 9000);
    add(history, START_MS + 10000);
    assert_int_equal(model_history_incidents(history, incidents), 1);
    assert_true(incidents[0].running);
    set(0, 0.03, 0);
    add(history, START_MS + 15000);
    const int64_t later = START_MS + 10000 + DETECTOR_QUIET_MS;
    set(1, 0.9, later);
    add(history, later);
    assert_int_equal(model_history_incidents(history, incidents), 2);
    assert_int_equal(incidents[0].feature[0].feature, 1);
    assert_int_equal(incidents[1].feature[0].feature, 0);
    assert_false(incidents[1].running);
    assert_true(incidents[0].id > incidents[1].id);
}

static void test_old_incidents_go(void **state)
{
    struct model_history *history = *state;
    for (int64_t i = 0; i < HISTORY_INCIDENTS + 5; i++) {
        const int64_t ms = START_MS + i * 2 * DETECTOR_QUIET_MS;
        set(0, 0.9, ms);
        add(history, ms);
        set(0, 0.03, 0);
        add(history, ms + DETECTOR_QUIET_MS);
    }
    assert_int_equal(model_history_incidents(history, incidents), HISTORY_INCIDENTS);
    for (size_t i = 1; i < HISTORY_INCIDENTS; i++)
        assert_int_equal(incidents[i - 1].opened_ms - incidents[i].opened_ms,
                         2 * DETECTOR_QUIET_MS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_interval_keeps_its_largest),
        TEST(test_without_a_score_there_is_no_point),
        TEST(test_the_memory_is_bounded),
        TEST(test_an_incident_in_order_of_onset),
        TEST(test_an_incident_ends),
        TEST(test_old_incidents_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
