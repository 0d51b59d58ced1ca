/* test_observe.c - predictions of others, blocks of rows and the labels that come with them. */
#include "fixture.h"

static struct fixture fixture;
static struct served_model *model;

static int set_up(void **state)
{
    (void)state;
    fixture_init(&fixture);
    model = fixture_create(&fixture);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    served_model_release(model);
    fixture_finish(&fixture);
    return 0;
}

static struct observed_prediction *prediction_of(struct value prediction, double score)
{
    static struct observed_prediction observed;
    struct value values[2];
    struct observation observation = plain_observation(values);
    struct error error = {""};

    observation.prediction = prediction;
    observation.score = score;
    if (served_model_read_prediction(model, &observation, &observed, &error) != 0)
        fail_msg("%s", error.text);
    return &observed;
}

static void test_a_prediction_is_read(void **state)
{
    (void)state;
    assert_int_equal(prediction_of(text_value("yes"), NAN)->class_index, 1);
    assert_string_equal(prediction_of(number_value(1), NAN)->class_text, "yes");
    assert_int_equal(prediction_of(value_missing(), 0.9)->class_index, 1);
    assert_int_equal(prediction_of(value_missing(), 0.1)->class_index, 0);
    assert_int_equal(prediction_of(text_value("no"), 0.9)->class_index, 0);
    assert_int_equal(prediction_of(value_missing(), NAN)->class_index, SERVED_MODEL_NO_CLASS);
    assert_int_equal(prediction_of(text_value("NA"), NAN)->class_index, SERVED_MODEL_NO_CLASS);
    const struct observed_prediction *other = prediction_of(number_value(7), NAN);
    assert_int_equal(other->class_index, 2);
    assert_int_equal(other->class_bytes, 1);
    assert_memory_equal(other->class_text, "7", 1);
}

static void test_a_score_that_is_no_probability(void **state)
{
    struct value values[2];
    struct observation observation = plain_observation(values);
    struct observed_prediction observed;
    struct error error = {""};

    (void)state;
    observation.score = 2.5;
    assert_int_equal(served_model_read_prediction(model, &observation, &observed, &error), -EINVAL);
    assert_string_equal(
        error.text, "\"score\" must be the probability of class \"yes\", from 0 to 1, got 2.5; if "
                    "scores are log-odds, set scorer.score to margin");
}

static uint64_t counted(size_t i)
{
    uint64_t count = 0;

    assert_non_null(served_model_prediction_label(model, i, &count));
    return count;
}

static void test_a_block_of_rows(void **state)
{
    struct observation_block *block;
    struct value values[2];
    struct detector_report report;
    size_t rows = 0;
    bool full = false;

    (void)state;
    plain_observation(values);
    assert_int_equal(observation_block_create(model, &block), 0);
    while (!full) {
        full = observation_block_add(block, values,
                                     prediction_of(text_value(rows % 4 ? "yes" : "?"), NAN));
        rows++;
    }
    assert_int_equal(rows, 64);
    assert_int_equal(served_model_report(model, &report), 0);
    assert_int_equal(report.observations_total, 0); /* not before the block is flushed */
    free(report.features);
    const struct detector_verdict verdict = observation_block_flush(block);
    assert_true(verdict.sufficient && verdict.drift_detected); /* x was one value all the time */
    assert_int_equal(served_model_report(model, &report), 0);
    assert_int_equal(report.observations_total, 64);
    assert_int_equal(report.feature_count, 3);
    assert_int_equal(report.features[2].window_unseen, 16);
    assert_int_equal(counted(1), 48);
    assert_int_equal(counted(2), 16);
    assert_true(observation_block_flush(block).drift_detected); /* that of the last flush */
    free(report.features);
    observation_block_destroy(block);
}

/* A row without a prediction adds to the windows of the inputs alone. */
static void test_rows_without_a_prediction(void **state)
{
    struct observation_block *block;
    struct value values[2];
    struct detector_report report;

    (void)state;
    plain_observation(values);
    values[0] = value_missing();
    assert_int_equal(observation_block_create(model, &block), 0);
    for (int r = 0; r < 5; r++)
        observation_block_add(block, values,
                              prediction_of(r < 2 ? text_value("no") : value_missing(), NAN));
    observation_block_flush(block);
    assert_int_equal(served_model_report(model, &report), 0);
    assert_int_equal(report.features[0].window_rows, 5);
    assert_int_equal(report.features[0].window_missing, 5);
    assert_int_equal(report.features[2].window_rows, 2);
    free(report.features);
    observation_block_destroy(block);
}

static void test_labels_beside_predictions(void **state)
{
    const struct value yes = text_value("yes"), wrong = text_value("maybe");
    struct concept_report report;
    enum label_result result;
    struct error error = {""};

    (void)state;
    assert_int_equal(
        served_model_remember(model, prediction_of(yes, NAN), NULL, 0, &yes, &result, &error), 0);
    assert_int_equal(result, LABEL_JOINED);
    assert_int_equal(
        served_model_remember(model, prediction_of(yes, NAN), "a", 1, NULL, &result, &error), 0);
    assert_int_equal(served_model_remember(model, prediction_of(value_missing(), NAN), "a", 1, &yes,
                                           &result, &error),
                     0);
    assert_int_equal(result, LABEL_JOINED);
    assert_int_equal(served_model_remember(model, prediction_of(value_missing(), NAN), NULL, 0,
                                           &yes, &result, &error),
                     -EINVAL);
    assert_string_equal(error.text, "a label needs a prediction beside it, or the id of one");
    assert_int_equal(
        served_model_remember(model, prediction_of(yes, NAN), "b", 1, &wrong, &result, &error),
        -EINVAL);
    assert_string_equal(error.text,
                        "the label \"maybe\" is not one of the model's classes (\"no\", "
                        "\"yes\")");
    served_model_concept(model, NULL, &report);
    assert_int_equal(report.total_labels, 2);
    assert_true(report.metric[PERFORMANCE_ACCURACY].window.value == 1);
    assert_int_equal(report.reference, CONCEPT_REFERENCE_ROWS);
    assert_int_equal(report.reference_labels, FIXTURE_ROWS);
    assert_true(fabs(report.metric[PERFORMANCE_ACCURACY].reference.value - 0.9) < 1e-12);
}

static void test_refused_rows_are_counted(void **state)
{
    struct served_model_counters counters;

    (void)state;
    served_model_count_rejected(model, 3);
    served_model_count_rejected(model, 2);
    served_model_counters(model, &counters);
    assert_int_equal(counters.rejected, 5);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_prediction_is_read),      TEST(test_a_score_that_is_no_probability),
        TEST(test_a_block_of_rows),           TEST(test_rows_without_a_prediction),
        TEST(test_labels_beside_predictions), TEST(test_refused_rows_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
