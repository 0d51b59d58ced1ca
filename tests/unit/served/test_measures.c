/* Unit tests of served/measures.c: what is kept of features and of the performance. */
#include "served/measures.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define FEATURES 3
#define START_MS INT64_C(1000000000)

static struct detector_feature_report features[FEATURES];
static const struct detector_report report = {.feature_count = FEATURES, .features = features};

static int set_up(void **state)
{
    features[1].method[METHOD_PSI].score = 0.03;
    *state = model_measures_create(FEATURES);
    assert_non_null(*state);
    return 0;
}

static int tear_down(void **state)
{
    model_measures_destroy(*state);
    return 0;
}

static void test_facts_are_those_of_the_end(void **state)
{
    struct model_measures *measures = *state;
    static struct history_facts facts[HISTORY_FINE];
    for (int i = 0; i < 500; i++) {
        features[1].window_mean = i;
        features[1].window_deviation = i % 2 ? NAN : 2;
        model_measures_add(measures, &report, START_MS + i * INT64_C(5000));
    }
    assert_int_equal(model_measures_facts(measures, 1, facts), 250);
    for (int i = 0; i < 250; i++) {
        assert_int_equal(facts[i].ms, START_MS + i * INT64_C(10000));
        assert_true(facts[i].mean == 2 * i + 1 && isnan(facts[i].deviation));
        assert_true(fabs(facts[i].psi - 0.03) < 1e-6);
    }
}

/* Nothing is allocated before there are labels, and both resolutions have each value. */
static void test_performance(void **state)
{
    struct model_measures *measures = *state;
    static struct history_performance rows[HISTORY_COARSE];
    struct concept_report concept = {.window_labels = 0, .coverage = 0.5};
    model_measures_add_performance(measures, &concept, START_MS);
    assert_int_equal(model_measures_performance(measures, false, rows), 0);
    concept.window_labels = 9;
    for (int i = 0; i < 100; i++) {
        concept.metric[PERFORMANCE_F1].window =
            (struct performance_value){.value = i, .lower = i - 1, .upper = i + 1};
        concept.metric[PERFORMANCE_MAE].window = drift_performance_undefined();
        model_measures_add_performance(measures, &concept, START_MS + i * INT64_C(10000));
    }
    assert_int_equal(model_measures_performance(measures, true, rows), 4);
    assert_int_equal(model_measures_performance(measures, false, rows), 100);
    assert_int_equal(rows[99].ms, START_MS + 990000);
    assert_true(rows[99].value[PERFORMANCE_F1] == 99 && rows[99].lower[PERFORMANCE_F1] == 98 &&
                rows[99].upper[PERFORMANCE_F1] == 100 && rows[99].coverage == 0.5f);
    assert_true(isnan(rows[99].value[PERFORMANCE_MAE]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_facts_are_those_of_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_performance, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
