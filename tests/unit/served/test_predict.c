/* test_predict.c - the model's own predictions: what they are, what they count, what is remembered
 * of them. */
#include "fixture.h"

/* The run, the number, and 16 hexadecimal digits that are not those of the id before. */
static void expect_generated_id(const char *id, const char *start)
{
    static char before[17];
    assert_memory_equal(id, start, strlen(start));
    const char *secret = id + strlen(start);
    assert_int_equal(strlen(secret), 16);
    assert_int_equal(strspn(secret, "0123456789abcdef"), 16);
    assert_string_not_equal(secret, before);
    strcpy(before, secret);
}

static void set_up(struct fixture *fixture, struct served_model **model)
{
    fixture_init(fixture);
    fixture_add_scorer(fixture);
    *model = fixture_create(fixture);
}

static void tear_down(struct fixture *fixture, struct served_model *model)
{
    served_model_release(model);
    fixture_finish(fixture);
}

static uint64_t counted(const struct served_model *model, size_t i)
{
    uint64_t count = 0;

    assert_non_null(served_model_prediction_label(model, i, &count));
    return count;
}

static void test_one_row(void **state)
{
    struct fixture fixture;
    struct served_model *model;
    struct value x = number_value(1);
    const struct row row = {.value = &x}, named = {.value = &x, .id = "a17!", .id_bytes = 3};
    struct prediction prediction;
    struct served_model_counters counters;
    double output, scores[SERVED_MODEL_MAX_ROW];

    (void)state;
    set_up(&fixture, &model);
    assert_int_equal(served_model_predict(model, &row, &output, scores, &prediction), 0);
    assert_true(fabs(output - 1 / (1 + exp(-2))) < 1e-15 && prediction.score == output);
    assert_string_equal(prediction.class_name, "positive");
    expect_generated_id(prediction.id, "run-0-");
    assert_false(prediction.verdict.sufficient);
    assert_true(isnan(scores[0]));
    x.number = 0;
    assert_int_equal(served_model_predict(model, &named, NULL, scores, &prediction), 0);
    assert_string_equal(prediction.class_name, "negative");
    assert_string_equal(prediction.id, "a17");
    assert_int_equal(counted(model, 0), 1);
    assert_int_equal(counted(model, 1), 1);
    assert_null(served_model_prediction_label(model, 2, &(uint64_t){0}));
    served_model_counters(model, &counters);
    uint64_t observed = 0;
    for (size_t b = 0; b <= LATENCY_BUCKETS; b++)
        observed += counters.latency_counts[b];
    assert_int_equal(observed, 2);
    assert_int_equal(counters.simulated, 0);
    tear_down(&fixture, model);
}

static void test_a_row_that_lacks_a_value(void **state)
{
    struct fixture fixture;
    struct served_model *model;
    struct value x = value_missing();
    const struct row row = {.value = &x};
    struct prediction prediction;
    struct detector_report report;
    double scores[SERVED_MODEL_MAX_ROW];

    (void)state;
    set_up(&fixture, &model);
    assert_int_equal(served_model_predict(model, &row, NULL, scores, &prediction), -EINVAL);
    assert_int_equal(served_model_report(model, &report), 0);
    assert_int_equal(report.observations_total, 0);
    free(report.features);
    tear_down(&fixture, model);
}

struct taken {
    size_t count;
    double score[600];
};

static void take(void *context, const struct prediction *prediction, const double *outputs)
{
    struct taken *taken = context;

    assert_true(prediction->score == outputs[0]);
    taken->score[taken->count++] = prediction->score;
}

/* More rows than are scored at a time, equal to one after the other. */
static void test_rows_together(void **state)
{
    static struct taken together;
    struct fixture fixture;
    struct served_model *model;
    struct row *rows = rows_create(600, 1);
    double scores[SERVED_MODEL_MAX_ROW];
    struct prediction prediction;
    struct detector_report report;

    (void)state;
    set_up(&fixture, &model);
    for (size_t r = 0; r < 600; r++)
        rows[r].value[0] = number_value((double)(r * 7 % 600) / 600);
    assert_int_equal(served_model_predict_rows(model, rows, 600, scores, take, &together), 0);
    assert_int_equal(together.count, 600);
    for (size_t r = 0; r < 600; r++) {
        assert_int_equal(served_model_predict(model, &rows[r], NULL, scores, &prediction), 0);
        assert_true(prediction.score == together.score[r]);
    }
    expect_generated_id(prediction.id, "run-1199-");
    assert_int_equal(served_model_report(model, &report), 0);
    assert_int_equal(report.observations_total, 1200);
    assert_int_equal(report.window_rows, FIXTURE_WINDOW);
    assert_int_equal(counted(model, 0) + counted(model, 1), 1200);
    free(report.features);
    free(rows);
    tear_down(&fixture, model);
}

static void test_a_label_finds_its_prediction(void **state)
{
    struct fixture fixture;
    struct served_model *model;
    struct value x = number_value(1);
    const struct row row = {.value = &x, .id = "a", .id_bytes = 1};
    const struct value label = text_value("negative");
    struct prediction prediction;
    struct concept_report report;
    enum label_result result;
    double scores[SERVED_MODEL_MAX_ROW];

    (void)state;
    set_up(&fixture, &model);
    assert_int_equal(served_model_predict(model, &row, NULL, scores, &prediction), 0);
    assert_int_equal(served_model_label(model, "b", 1, &label, &result, NULL), 0);
    assert_int_equal(result, LABEL_UNKNOWN);
    assert_int_equal(served_model_label(model, "a", 1, &label, &result, NULL), 0);
    assert_int_equal(result, LABEL_JOINED);
    served_model_concept(model, NULL, &report);
    assert_int_equal(report.total_labels, 1);
    assert_true(report.metric[PERFORMANCE_ACCURACY].window.value == 0);
    tear_down(&fixture, model);
}

static void test_without_a_scorer(void **state)
{
    struct fixture fixture;
    struct value x = number_value(1);
    const struct row row = {.value = &x};
    struct prediction prediction;

    (void)state;
    fixture_init(&fixture);
    struct served_model *model = fixture_create(&fixture);
    assert_false(served_model_has_scorer(model));
    assert_int_equal(served_model_predict(model, &row, NULL, NULL, &prediction), -ENOTSUP);
    assert_int_equal(served_model_predict_rows(model, &row, 1, NULL, take, NULL), -ENOTSUP);
    tear_down(&fixture, model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_row),
        cmocka_unit_test(test_a_row_that_lacks_a_value),
        cmocka_unit_test(test_rows_together),
        cmocka_unit_test(test_a_label_finds_its_prediction),
        cmocka_unit_test(test_without_a_scorer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
