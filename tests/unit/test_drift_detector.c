/* Unit tests of drift_detector.c: the verdict needs magnitude, evidence and a sample. */
#include "drift_detector.h"

#include "stats/divergence.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REFERENCE_ROWS 1000

/* xorshift64*: uniform in (0, 1) */
static double uniform(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return ((double)((*state * 0x2545F4914F6CDD1Dull) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(uint64_t *state)
{
    const double radius = sqrt(-2 * log(uniform(state)));
    return radius * cos(6.283185307179586 * uniform(state));
}

struct fixture {
    struct detector *detector;
    double scores[2];
    uint64_t random;
};

static struct detector_spec spec_of(const struct detector_feature *features, size_t count)
{
    return (struct detector_spec){
        .features = features,
        .feature_count = count,
        .reference_rows = REFERENCE_ROWS,
        .window = {.kind = WINDOW_COUNT, .observations = 200},
        .minimum_sample = 50,
        .threshold = {0.3, 0.5},
        .significance = 0.0001,
        .methods = DETECTOR_LIVE_METHODS,
        .bins = 10,
    };
}

/* One numeric feature N(0, 1) and one categorical, 70 % "web", 30 % "app". */
static int set_up(void **state)
{
    static double numbers[REFERENCE_ROWS];
    static const char *texts[REFERENCE_ROWS];
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->random = 7;
    for (size_t i = 0; i < REFERENCE_ROWS; i++) {
        numbers[i] = normal(&fixture->random);
        texts[i] = i % 10 < 7 ? "web" : "app";
    }
    const struct detector_feature features[] = {
        {.name = "amount", .type = FEATURE_NUMERIC, .reference_numbers = numbers},
        {.name = "channel", .type = FEATURE_CATEGORICAL, .reference_texts = texts},
    };
    const struct detector_spec spec = spec_of(features, 2);
    assert_int_equal(detector_create(&spec, &fixture->detector), 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    detector_destroy(fixture->detector);
    free(fixture);
    return 0;
}

/* NULL is missing. */
static struct value value_of(const char *text)
{
    return (struct value){.number = NAN, .text = text, .text_bytes = text ? strlen(text) : 0};
}

static struct detector_verdict observe(struct fixture *fixture, double x, const char *channel,
                                       int64_t now_ms)
{
    const struct value row[2] = {{.number = x}, value_of(channel)};
    return detector_observe(fixture->detector, row, NULL, now_ms, fixture->scores);
}

static struct detector_verdict observe_many(struct fixture *fixture, size_t count, double shift,
                                            double web_share)
{
    struct detector_verdict verdict = {0};
    for (size_t i = 0; i < count; i++)
        verdict = observe(fixture, normal(&fixture->random) + shift,
                          uniform(&fixture->random) < web_share ? "web" : "app", (int64_t)i + 1);
    return verdict;
}

static struct detector_report report(struct fixture *fixture,
                                     struct detector_feature_report features[2])
{
    struct detector_report report = {.features = features};
    detector_report(fixture->detector, 1000000, &report);
    return report;
}

static void below_the_minimum_sample_nothing_is_judged(void **state)
{
    struct fixture *fixture = *state;
    struct detector_feature_report features[2];
    struct detector_verdict verdict = observe_many(fixture, 49, 5, 0);
    assert_false(verdict.sufficient);
    assert_false(verdict.drift_detected);
    assert_true(isnan(fixture->scores[0]));
    struct detector_report r = report(fixture, features);
    assert_string_equal(detector_status_word(&r), "insufficient_data");
    assert_false(features[0].method[METHOD_KS_TEST].significant);
    assert_true(isnan(features[0].method[METHOD_KS_TEST].score));
    assert_int_equal(r.onsets[SEVERITY_WARNING], 0);

    verdict = observe_many(fixture, 1, 5, 0);
    assert_true(verdict.sufficient);
    assert_true(verdict.drift_detected);
    assert_false(isnan(fixture->scores[0]));
}

static void traffic_from_the_reference_is_no_drift(void **state)
{
    struct fixture *fixture = *state;
    struct detector_feature_report features[2];
    for (int i = 0; i < 50; i++) {
        struct detector_verdict verdict = observe_many(fixture, 100, 0, 0.7);
        assert_false(verdict.drift_detected);
        struct detector_report r = report(fixture, features);
        if (r.sufficient)
            assert_string_equal(detector_status_word(&r), "No drift");
    }
}

static void a_small_sure_shift_is_not_drift(void **state)
{
    /* a quarter deviation over 200 rows scores about 0.1 to 0.2: below the threshold, whatever
     * the evidence */
    struct fixture *fixture = *state;
    struct detector_feature_report features[2];
    assert_false(observe_many(fixture, 400, 0.25, 0.7).drift_detected);
    struct detector_report r = report(fixture, features);
    assert_false(r.drift_detected);
    assert_true(features[0].method[METHOD_KS_TEST].score < 0.3);
}

static void a_large_shift_is_drift_and_names_the_feature(void **state)
{
    struct fixture *fixture = *state;
    struct detector_feature_report features[2];
    observe_many(fixture, 200, 0, 0.7);
    assert_true(observe_many(fixture, 200, 2, 0.7).drift_detected);
    struct detector_report r = report(fixture, features);
    assert_string_equal(detector_status_word(&r), "Severe drift");
    assert_true(features[0].drifted);
    assert_true(features[0].method[METHOD_KS_TEST].p_value < 1e-10);
    assert_true(features[0].drifted_since_ms > 0);
    assert_false(features[1].drifted);
    assert_int_equal(r.onsets[SEVERITY_WARNING], 1);
    assert_int_equal(r.onsets[SEVERITY_CRITICAL], 1);
    assert_float_equal(features[0].window_mean, 2, 0.3);
    assert_float_equal(features[0].reference_mean, 0, 0.15);

    /* back to normal: over, and a second time is a second onset */
    assert_false(observe_many(fixture, 300, 0, 0.7).drift_detected);
    r = report(fixture, features);
    assert_string_equal(detector_status_word(&r), "No drift");
    assert_int_equal(features[0].drifted_since_ms, 0);
    assert_true(observe_many(fixture, 200, 2, 0.7).drift_detected);
    r = report(fixture, features);
    assert_int_equal(r.onsets[SEVERITY_WARNING], 2);
}

static void categories_drift_and_unseen_ones_are_counted(void **state)
{
    struct fixture *fixture = *state;
    struct detector_feature_report features[2];
    for (int i = 0; i < 200; i++)
        observe(fixture, normal(&fixture->random), i % 2 ? "tv" : "web", i + 1);
    struct detector_report r = report(fixture, features);
    assert_true(r.drift_detected);
    assert_true(features[1].drifted);
    assert_false(features[0].drifted);
    assert_int_equal(features[1].unseen_total, 100);
    assert_int_equal(features[1].window_unseen, 100);
    assert_true(features[1].method[METHOD_PSI].applies);
    assert_false(features[1].method[METHOD_KS_TEST].applies);
    assert_float_equal(features[1].headline_score, features[1].method[METHOD_PSI].score, 0);
}

static void missing_and_infinite_values_are_counted_and_tested(void **state)
{
    struct fixture *fixture = *state;
    struct detector_feature_report features[2];
    for (int i = 0; i < 200; i++)
        observe(fixture,
                i % 2    ? NAN
                : i % 20 ? normal(&fixture->random)
                         : INFINITY,
                i % 10 < 7 ? "web" : "app", i + 1);
    struct detector_report r = report(fixture, features);
    assert_int_equal(features[0].missing_total, 100);
    assert_int_equal(features[0].window_missing, 100);
    assert_int_equal(features[0].infinite_total, 10);
    assert_true(features[0].missing_significant);
    assert_false(features[1].missing_significant);
    assert_int_equal(r.window_rows, 200);
}

static void a_score_at_the_threshold_is_one_onset(void **state)
{
    /* the shift is chosen so that D hovers around 0.3: hysteresis must keep the onsets few */
    struct fixture *fixture = *state;
    struct detector_feature_report features[2];
    observe_many(fixture, 4000, 0.75, 0.7);
    struct detector_report r = report(fixture, features);
    assert_in_range(r.onsets[SEVERITY_WARNING], 1, 30);
}

static void observe_window_at(struct fixture *fixture, double shift, int64_t now_ms)
{
    for (int i = 0; i < 300; i++)
        observe(fixture, normal(&fixture->random) + shift, i % 10 < 7 ? "web" : "app", now_ms);
}

/* Several onsets close to each other count once; one that comes after a quiet time is another. */
static void an_incident_counts_once(void **state)
{
    struct fixture *fixture = *state;
    struct detector_feature_report features[2];
    struct detector_report r = {.features = features};
    int64_t now_ms = 1000;
    for (int i = 0; i < 4; i++) {
        observe_window_at(fixture, 2, now_ms);
        observe_window_at(fixture, 0, now_ms + 1);
        detector_report(fixture->detector, now_ms + 1, &r);
        assert_false(r.drift_detected);
        now_ms += DETECTOR_QUIET_MS;
    }
    assert_int_equal(r.onsets[SEVERITY_WARNING], 4);
    assert_int_equal(r.incidents[SEVERITY_WARNING], 1);
    assert_int_equal(r.incidents[SEVERITY_CRITICAL], 1);

    observe_window_at(fixture, 2, now_ms + 1);
    detector_report(fixture->detector, now_ms + 1, &r);
    assert_int_equal(r.incidents[SEVERITY_WARNING], 2);
    assert_int_equal(r.incidents[SEVERITY_CRITICAL], 2);
}

static void the_reference_has_a_fingerprint(void **state)
{
    struct fixture *fixture = *state;
    struct detector_feature_report features[2];
    const uint64_t before = report(fixture, features).reference_fingerprint;
    observe_many(fixture, 100, 2, 0.7);
    assert_int_equal(report(fixture, features).reference_fingerprint, before);
    assert_int_not_equal(before, 0);
}

static void verdicts_equal_those_of_a_report(void **state)
{
    struct fixture *fixture = *state;
    struct detector_feature_report features[2];
    for (int i = 0; i < 300; i++) {
        struct detector_verdict verdict = observe_many(fixture, 7, (i / 30) % 2 ? 1.0 : 0.3, 0.5);
        double observed = fixture->scores[0];
        struct detector_report r = report(fixture, features);
        assert_int_equal(verdict.drift_detected, r.drift_detected);
        if (r.sufficient)
            assert_memory_equal(&observed, &features[0].headline_score, sizeof(double));
    }
}

static void rows_added_at_once_give_the_report_of_rows_observed(void **state)
{
    struct fixture *fixture = *state;
    enum { ROWS = 777, STRIDE = 800 };
    static union detector_cell cells[2 * STRIDE];
    struct detector_feature_report one[2], many[2];
    struct detector_report one_report = {.features = one}, many_report = {.features = many};
    void *other_state = NULL;
    assert_int_equal(set_up(&other_state), 0);
    struct fixture *other = other_state;
    for (size_t r = 0; r < ROWS; r++) {
        const char *category = r % 3 == 0 ? "app" : r % 50 == 1 ? "fax" : "web";
        const struct value row[2] = {{.number = r % 40 == 0 ? NAN : normal(&fixture->random) + 0.4},
                                     value_of(r % 30 == 0 ? NULL : category)};
        cells[r] = detector_cell(fixture->detector, 0, &row[0]);
        cells[STRIDE + r] = detector_cell(fixture->detector, 1, &row[1]);
        (void)detector_observe(fixture->detector, row, NULL, 5, fixture->scores);
    }
    detector_add_rows(other->detector, cells, ROWS, STRIDE, NULL, 5);
    detector_report(fixture->detector, 5, &one_report);
    detector_report(other->detector, 5, &many_report);
    assert_int_equal(many_report.observations_total, ROWS);
    for (size_t f = 0; f < 2; f++) {
        assert_int_equal(one[f].missing_total, many[f].missing_total);
        assert_int_equal(one[f].unseen_total, many[f].unseen_total);
        assert_memory_equal(&one[f].missing_p_value, &many[f].missing_p_value, sizeof(double));
        for (enum drift_method method = 0; method < METHOD_COUNT; method++) {
            const struct detector_method_report *a = &one[f].method[method];
            const struct detector_method_report *b = &many[f].method[method];
            assert_memory_equal(&a->score, &b->score, sizeof(double));
            assert_memory_equal(&a->p_value, &b->p_value, sizeof(double));
            assert_int_equal(a->drifted, b->drifted);
        }
    }
    tear_down(&other_state);
}

static void nearly_empty_bins_are_no_evidence(void **state)
{
    /* 50 to 60 rows in ten bins: PSI often exceeds 0.3 with a tiny p-value by its own limit */
    (void)state;
    unsigned exceeded = 0, small = 0, alarms = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct fixture *fixture;
        struct detector_feature_report features[2];
        assert_int_equal(set_up((void **)&fixture), 0);
        fixture->random = seed * 0x9E3779B97F4A7C15ull;
        bool alarm = false;
        for (int i = 0; i < 60; i++)
            alarm |= observe_many(fixture, 1, 0, 0.7).drift_detected;
        alarms += alarm;
        struct detector_report r = report(fixture, features);
        assert_true(r.sufficient);
        const struct detector_method_report *psi = &features[0].method[METHOD_PSI];
        exceeded += psi->score > 0.3 && drift_psi_p_value(psi->score, REFERENCE_ROWS,
                                                          features[0].window_rows, 9) < 1e-4;
        small += psi->p_value < 1e-4;
        assert_int_equal(tear_down((void **)&fixture), 0);
    }
    assert_in_range(exceeded, 3, 300); /* by its own limit */
    assert_in_range(small, 0, 1);
    assert_in_range(alarms, 0, 1);
}

static void wrong_specs_are_refused(void **state)
{
    (void)state;
    static const double numbers[REFERENCE_ROWS];
    const struct detector_feature feature = {
        .name = "x", .type = FEATURE_NUMERIC, .reference_numbers = numbers};
    const struct detector_spec good = spec_of(&feature, 1);
    struct detector_spec bad[7];
    for (size_t i = 0; i < 7; i++)
        bad[i] = good;
    bad[0].feature_count = 0;
    bad[1].reference_rows = 0;
    bad[2].threshold[SEVERITY_WARNING] = 0.5;
    bad[3].significance = 1;
    bad[4].minimum_sample = 0;
    bad[5].methods = 0;
    bad[6].window.observations = 0;
    for (size_t i = 0; i < 7; i++) {
        struct detector *detector = NULL;
        assert_int_equal(detector_create(&bad[i], &detector), -22);
        assert_null(detector);
    }
}

/* Three inputs with the same reference, the second with thresholds of its own, and a prediction. */
static struct detector *create_with_prediction(unsigned methods)
{
    static double numbers[REFERENCE_ROWS];
    static const char *texts[REFERENCE_ROWS];
    uint64_t random = 11;
    for (size_t i = 0; i < REFERENCE_ROWS; i++) {
        numbers[i] = normal(&random);
        texts[i] = i % 2 ? "yes" : "no";
    }
    const struct detector_feature features[] = {
        {.name = "a", .type = FEATURE_NUMERIC, .reference_numbers = numbers},
        {.name = "b",
         .type = FEATURE_NUMERIC,
         .reference_numbers = numbers,
         .threshold = {0.05, 0.9}},
        {.name = "prediction",
         .type = FEATURE_CATEGORICAL,
         .reference_texts = texts,
         .prediction = true},
    };
    struct detector_spec spec = spec_of(features, 3);
    spec.methods = methods;
    struct detector *detector;
    assert_int_equal(detector_create(&spec, &detector), 0);
    return detector;
}

static struct detector_verdict feed(struct detector *detector, size_t rows, double shift,
                                    const char *prediction)
{
    uint64_t random = 5;
    double scores[3];
    struct detector_verdict verdict = {0};
    for (size_t i = 0; i < rows; i++) {
        const double x = normal(&random) + shift;
        const struct value inputs[2] = {{.number = x}, {.number = x}};
        const struct value predicted = value_of(prediction);
        verdict = detector_observe(detector, inputs, &predicted, (int64_t)i + 1, scores);
    }
    return verdict;
}

static void test_a_feature_may_have_thresholds_of_its_own(void **state)
{
    (void)state;
    struct detector *detector = create_with_prediction(DETECTOR_LIVE_METHODS);
    struct detector_feature_report features[3];
    struct detector_report r = {.features = features};
    assert_true(feed(detector, 400, 0.5, "yes").drift_detected);
    detector_report(detector, 400, &r);
    const struct detector_method_report *a = &features[0].method[METHOD_KS_TEST];
    const struct detector_method_report *b = &features[1].method[METHOD_KS_TEST];
    assert_true(a->score == b->score && a->significant && b->significant);
    assert_true(a->score > 0.05 && a->score < 0.3);
    assert_true(!a->drifted && b->drifted && features[1].drifted_since_ms > 0);
    assert_true(a->threshold == 0.3 && b->threshold == 0.05 && features[1].threshold[1] == 0.9);

    /* retuned: the windows stay, the verdicts change */
    struct detector_feature other[3] = {{.threshold = {0.05, 0.5}}, {.threshold = {0.6, 0.7}}};
    struct detector_spec spec = spec_of(other, 3);
    assert_int_equal(detector_retune(detector, &spec), 0);
    detector_report(detector, 401, &r);
    assert_true(a->drifted && !b->drifted && r.window_rows == 200);
    other[0].threshold[SEVERITY_CRITICAL] = 0.01;
    assert_int_equal(detector_retune(detector, &spec), -EINVAL);
    detector_destroy(detector);
}

static void test_predictions_are_a_family_of_their_own(void **state)
{
    (void)state;
    struct detector *detector = create_with_prediction(DETECTOR_LIVE_METHODS);
    struct detector_feature_report features[3];
    struct detector_report r = {.features = features};
    assert_false(feed(detector, 300, 0, NULL).drift_detected);
    detector_report(detector, 300, &r);
    assert_true(features[2].prediction && !features[2].sufficient);
    assert_int_equal(features[2].window_rows, 0);
    assert_true(isnan(features[2].headline_score) && !r.prediction_drift_detected);
    assert_true(isnan(features[2].category[0].window_ratio));

    assert_false(feed(detector, 300, 0, "yes").drift_detected);
    detector_report(detector, 600, &r);
    assert_true(r.prediction_drift_detected && features[2].drifted && !r.drift_detected);
    assert_int_equal(r.onsets[SEVERITY_WARNING], 0);
    assert_string_equal(detector_status_word(&r), "No drift");
    assert_int_equal(features[2].category_count, 5);
    assert_true(features[2].category[1].window_ratio + features[2].category[0].window_ratio == 1);
    assert_true(features[2].category[0].reference_ratio == 0.5);
    assert_string_equal(features[2].category[2].name, "__other__");
    assert_string_equal(features[2].category[3].name, "__unseen__");
    detector_destroy(detector);
}

/* What else is computed does not change the verdict of the live methods. */
static void test_evidence_does_not_depend_on_other_methods(void **state)
{
    (void)state;
    for (int step = 0; step < 40; step++) {
        const double shift = 0.02 * step;
        struct detector *live = create_with_prediction(DETECTOR_LIVE_METHODS);
        struct detector *all = create_with_prediction(DETECTOR_ALL_METHODS);
        struct detector_feature_report left[3], right[3];
        struct detector_report l = {.features = left}, r = {.features = right};
        (void)feed(live, 200, shift, "no");
        (void)feed(all, 200, shift, "no");
        detector_report(live, 200, &l);
        detector_report(all, 200, &r);
        for (size_t f = 0; f < 3; f++)
            for (enum drift_method m = METHOD_KS_TEST; m <= METHOD_PSI; m++) {
                assert_int_equal(left[f].method[m].significant, right[f].method[m].significant);
                assert_int_equal(left[f].method[m].drifted, right[f].method[m].drifted);
            }
        detector_destroy(live);
        detector_destroy(all);
    }
}

static void test_values_out_of_range_are_counted(void **state)
{
    struct fixture *fixture = *state;
    struct detector_feature_report features[2];
    observe(fixture, 99, "web", 1);
    observe(fixture, -99, "web", 2);
    observe(fixture, 0, "web", 3);
    observe(fixture, INFINITY, "web", 4);
    observe(fixture, NAN, "web", 5);
    (void)report(fixture, features);
    assert_int_equal(features[0].out_of_range_total, 2);
    assert_int_equal(features[0].infinite_total, 1);
    assert_int_equal(features[0].missing_total, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_feature_may_have_thresholds_of_its_own),
        cmocka_unit_test(test_predictions_are_a_family_of_their_own),
        cmocka_unit_test(test_evidence_does_not_depend_on_other_methods),
        cmocka_unit_test_setup_teardown(test_values_out_of_range_are_counted, set_up, tear_down),
        TEST(below_the_minimum_sample_nothing_is_judged),
        TEST(traffic_from_the_reference_is_no_drift),
        TEST(a_small_sure_shift_is_not_drift),
        TEST(a_large_shift_is_drift_and_names_the_feature),
        TEST(categories_drift_and_unseen_ones_are_counted),
        TEST(missing_and_infinite_values_are_counted_and_tested),
        TEST(a_score_at_the_threshold_is_one_onset),
        TEST(an_incident_counts_once),
        TEST(the_reference_has_a_fingerprint),
        TEST(verdicts_equal_those_of_a_report),
        TEST(rows_added_at_once_give_the_report_of_rows_observed),
        cmocka_unit_test(nearly_empty_bins_are_no_evidence),
        cmocka_unit_test(wrong_specs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
