/* test_life.c - how a model is made, what refuses to become one, other thresholds, simulations, and
 * its end. */
#include "fixture.h"

#include <pthread.h>

static struct fixture fixture;

static int set_up(void **state)
{
    (void)state;
    fixture_init(&fixture);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_finish(&fixture);
    return 0;
}

static void test_look_ups(void **state)
{
    struct served_model *model = fixture_create(&fixture);

    (void)state;
    assert_string_equal(served_model_name(model), "m");
    assert_string_equal(served_model_version(model), "2");
    assert_int_equal(served_model_type(model), PREDICTION_BINARY);
    assert_int_equal(served_model_class_count(model), 2);
    assert_string_equal(served_model_class_name(model, 1), "yes");
    assert_int_equal(served_model_feature(model, "color"), 1);
    assert_int_equal(served_model_feature(model, "colour"), -1);
    assert_false(served_model_simulation_allowed(model));
    assert_true(served_model_schema(model)->categorical[1]);
    served_model_release(model);
}

static void refuse(const char *sentence)
{
    struct served_model *model = NULL;
    struct error error = {""};

    assert_int_not_equal(served_model_create(&fixture.config, &fixture.settings, &model, &error),
                         0);
    assert_null(model);
    if (!strstr(error.text, sentence))
        fail_msg("%s\n does not have\n%s", error.text, sentence);
}

static void test_what_is_no_model(void **state)
{
    static const char *const classes[] = {"yes", "maybe"}, *const reserved[] = {"no", "__other__"};

    (void)state;
    fixture.config.scorer.classes = classes;
    fixture.config.scorer.class_count = 2;
    refuse("the column \"p\" of the reference has the prediction \"no\", which is not one of the "
           "model's classes (\"yes\", \"maybe\")");
    fixture.config.scorer.classes = reserved;
    refuse("a class may not be called \"__other__\"");
    fixture.config.scorer = (struct config_scorer){.type = CONFIG_SCORER_NONE};
    fixture.config.simulation = true;
    refuse("model \"m\": simulation needs");
    fixture.config.simulation = false;
    fixture.config.columns.score = "x";
    fixture.config.columns.label = "z";
    refuse("model \"m\": reference: ");
    fixture.config.columns.label = NULL;
    fixture.config.feature_count = 1;
    fixture.features[0].name = "y";
    refuse("\"yes\" is not a number");
    fixture.features[0].name = "x";
    fixture.settings.warning_override = 0.6;
    refuse("DRIFT_THRESHOLD is 0.6, but must be below the critical threshold, 0.5, of model \"m\"");
    fixture.settings.warning_override = NAN;
    fixture.config.labels.capacity = 100000000;
    refuse("labels: a capacity of 100000000 predictions");
    fixture.config.reference = "/nonexistent.csv";
    refuse("No such file");
}

static void test_other_levels(void **state)
{
    struct served_model *model = fixture_create(&fixture);
    struct detector_report report;
    struct concept_report labels;
    struct error error = {""};

    (void)state;
    fixture.config.warning_threshold = 0.1;
    fixture.config.minimum_sample = 20;
    fixture.config.significance = 0.01;
    fixture.features[0].warning_threshold = 0.2;
    fixture.features[0].critical_threshold = 0.4;
    assert_int_equal(served_model_retune(model, &fixture.config, &fixture.settings, &error), 0);
    assert_int_equal(served_model_report(model, &report), 0);
    assert_true(report.threshold[SEVERITY_WARNING] == 0.1 && report.significance == 0.01);
    assert_int_equal(report.minimum_sample, 20);
    assert_true(report.features[0].threshold[SEVERITY_WARNING] == 0.2);
    assert_true(report.features[1].threshold[SEVERITY_WARNING] == 0.1);
    free(report.features);
    served_model_concept(model, NULL, &labels);
    assert_int_equal(labels.minimum_labels, 20);
    assert_true(labels.significance == 0.01);
    fixture.settings.warning_override = 0.7;
    assert_int_equal(served_model_retune(model, &fixture.config, &fixture.settings, &error),
                     -EINVAL);
    assert_non_null(strstr(error.text, "DRIFT_THRESHOLD is 0.7"));
    served_model_release(model);
}

static void test_streams(void **state)
{
    struct config_stream streams[] = {
        {.feature = 0, .detectors = 1u << CONFIG_PAGE_HINKLEY},
        {.feature = CONFIG_STREAM_PREDICTION, .detectors = CONFIG_ALL_DETECTORS}};
    struct stream_report report;

    (void)state;
    fixture.config.streams = streams;
    fixture.config.stream_count = 2;
    struct served_model *model = fixture_create(&fixture);
    assert_int_equal(served_model_stream_count(model), 2);
    served_model_stream(model, 0, &report);
    assert_string_equal(report.name, "x");
    served_model_stream(model, 1, &report);
    assert_string_equal(report.name, "prediction");
    served_model_release(model);
    fixture.config.columns = (struct config_columns){0};
    refuse("streams: the reference has no predictions to compare with");
}

static void test_simulations(void **state)
{
    struct served_model_counters counters;
    struct concept_report labels;
    struct detector_report report;

    (void)state;
    struct served_model *observed = fixture_create(&fixture);
    assert_int_equal(served_model_simulate(observed, DRIFT_KIND_SHIFTED, 0.5, 1, NULL), -EPERM);
    assert_int_equal(served_model_simulate_concept(observed, 0.5, 1), -EPERM);
    served_model_release(observed);

    fixture_add_scorer(&fixture);
    fixture.config.simulation = true;
    struct served_model *model = fixture_create(&fixture);
    assert_int_equal(served_model_simulate(model, DRIFT_KIND_SHIFTED, 2, 10, NULL), -EINVAL);
    assert_int_equal(served_model_simulate(model, DRIFT_KIND_SHIFTED, 1, 300, NULL), 0);
    assert_int_equal(served_model_report(model, &report), 0);
    assert_true(report.drift_detected && report.observations_total == 300);
    free(report.features);
    assert_int_equal(served_model_simulate_concept(model, 1.5, 1), -EINVAL);
    assert_int_equal(served_model_simulate_concept(model, 0, 200), 0);
    served_model_concept(model, NULL, &labels);
    assert_int_equal(labels.total_labels, 200);
    assert_int_equal(labels.labels.labels[LABEL_JOINED], 200);
    served_model_counters(model, &counters);
    assert_int_equal(counters.simulated, 500);
    served_model_release(model);
}

static void test_the_built_in_model(void **state)
{
    struct served_model *a, *b;
    struct prediction x, y;
    struct value values[BUILTIN_FEATURES];
    const struct row row = {.value = values};
    double scores[SERVED_MODEL_MAX_ROW];

    (void)state;
    for (size_t f = 0; f < BUILTIN_FEATURES; f++)
        values[f] = number_value(0.1 * (double)f);
    assert_int_equal(served_model_create_builtin(&fixture.settings, &a, NULL), 0);
    assert_int_equal(served_model_create_builtin(&fixture.settings, &b, NULL), 0);
    for (int i = 0; i < 3; i++) { /* its noise is that of the prediction's number */
        assert_int_equal(served_model_predict(a, &row, NULL, scores, &x), 0);
        assert_int_equal(served_model_predict(b, &row, NULL, scores, &y), 0);
        assert_true(x.score == y.score);
        assert_string_not_equal(x.id, y.id); /* nobody can guess it */
    }
    served_model_release(a);
    served_model_release(b);
}

static void *use(void *context)
{
    struct served_model *model = served_model_acquire(context);

    for (int i = 0; i < 1000; i++) {
        served_model_release(served_model_acquire(model));
        served_model_count_rejected(model, 1);
    }
    served_model_release(model);
    return NULL;
}

/* The last of many references destroys it: sanitizers would tell of an earlier or a missing end. */
static void test_references(void **state)
{
    struct served_model *model = fixture_create(&fixture);
    struct served_model_counters counters;
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, model), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    served_model_counters(model, &counters);
    assert_int_equal(counters.rejected, 4000);
    served_model_release(model);
    served_model_release(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_look_ups),   TEST(test_what_is_no_model), TEST(test_other_levels),
        TEST(test_streams),    TEST(test_simulations),      TEST(test_the_built_in_model),
        TEST(test_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
