/* Unit tests of model/: the logistic scorer behind the scorer interface. */
#include "score/scorer.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs the headers above */
#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const double built_in_weights[] = {0.5, -0.3, 0.8, 0.2, -0.6};

static void assert_close(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("got %.17g, want %.17g", got, want);
}

static double score(const struct scorer *scorer, const double *features, uint64_t sequence)
{
    struct value row[5] = {0};
    double output = NAN;

    for (size_t i = 0; i < scorer_feature_count(scorer); i++)
        row[i].number = features[i];
    assert_int_equal(scorer_score(scorer, row, sequence, &output), 0);
    return output;
}

static void test_missing_value_is_refused(void **state)
{
    const struct value row[5] = {{.number = NAN}};
    struct scorer *scorer;
    double output = 7.0;

    (void)state;
    assert_int_equal(logistic_scorer_create(built_in_weights, 5, 0.0, 0.0, 1, &scorer), 0);
    assert_int_equal(scorer_score(scorer, row, 0, &output), -EINVAL);
    assert_true(output == 7.0);
    scorer_destroy(scorer);
}

/* Python: z = b; for w, x in zip(ws, xs): z += w * x
 * 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z)) */
static void test_equals_python(void **state)
{
    static const struct {
        double intercept, features[5], score;
    } cases[] = {
        {0.0, {0.5, -0.3, 0.8, 0.2, -0.1}, 0.7464939833376621},
        {0.0, {0.0, 0.0, 0.0, 0.0, 0.0}, 0.5},
        {-0.7, {2.5396, 3.5349, 3.3387, 1.634, -0.6892}, 0.9488559094966148},
        {0.03, {0.7749, 3.1106, 0.7467, 1.1843, 0.556}, 0.4962225718691056},
        {-0.3, {0.7162, -1.366, 0.7055, 4.1562, 3.7254}, 0.40813030559041336},
        {-0.41, {-1.27, 0.9163, -0.1377, 1.5629, -1.9267}, 0.5096363066512732},
        {-1.42, {1.9026, 1.7377, 0.7646, -1.7331, -3.7314}, 0.8196369892815689},
        {-0.51, {-2.1005, -1.0321, -0.3193, 1.8962, 0.7453}, 0.1716469075389188},
        {0.0, {-1400.0, 0.0, 0.0, 0.0, 0.0}, 9.85967654375977e-305},
        {-30.0, {0.0, 0.0, 0.0, 0.0, 0.0}, 9.3576229688393e-14},
        {800.0, {1.0, 1.0, 1.0, 1.0, 1.0}, 1.0},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct scorer *scorer;

        assert_int_equal(
            logistic_scorer_create(built_in_weights, 5, cases[i].intercept, 0.0, 42, &scorer), 0);
        assert_close(score(scorer, cases[i].features, i), cases[i].score, 1e-15);
        scorer_destroy(scorer);
    }
}

static void test_extremes(void **state)
{
    const double weights[] = {10.0, -10.0};
    const double features[][2] = {
        {1e308, 1e308}, {1e308, -1e308}, {-1e308, 1e308}, {1e308, 0.9e308}, {0.0, 0.0}};
    const double want[] = {0.5, 1.0, 0.0, 1.0, 0.5};
    struct scorer *scorer;

    (void)state;
    assert_int_equal(logistic_scorer_create(weights, 2, 0.0, 0.0, 1, &scorer), 0);
    for (size_t i = 0; i < LENGTH(want); i++)
        assert_true(score(scorer, features[i], 0) == want[i]);
    scorer_destroy(scorer);
}

/* The noise is what the log-odds have beyond the weighted sum. */
static double noise_of(const struct scorer *scorer, uint64_t sequence)
{
    const double feature = 0.0;
    double p = score(scorer, &feature, sequence);

    return log(p / (1.0 - p));
}

static void test_noise_moments(void **state)
{
    enum { DRAWS = 200000 };
    const double weight = 1.0, deviation = 0.1;
    double sum = 0.0, square = 0.0, lagged = 0.0, previous = 0.0, cube = 0.0;
    struct scorer *scorer;

    (void)state;
    assert_int_equal(logistic_scorer_create(&weight, 1, 0.0, deviation, 42, &scorer), 0);
    for (uint64_t i = 0; i < DRAWS; i++) {
        double z = noise_of(scorer, i) / deviation;

        sum += z;
        square += z * z;
        cube += z * z * z;
        lagged += z * previous;
        previous = z;
    }
    scorer_destroy(scorer);
    /* five standard errors of each moment of N(0, 1) */
    assert_true(fabs(sum / DRAWS) < 5.0 * sqrt(1.0 / DRAWS));
    assert_true(fabs(square / DRAWS - 1.0) < 5.0 * sqrt(2.0 / DRAWS));
    assert_true(fabs(cube / DRAWS) < 5.0 * sqrt(15.0 / DRAWS));
    assert_true(fabs(lagged / DRAWS) < 5.0 * sqrt(1.0 / DRAWS));
}

static void test_noise_depends_on_seed_and_sequence_only(void **state)
{
    const double weight = 1.0;
    struct scorer *first, *second, *other;

    (void)state;
    assert_int_equal(logistic_scorer_create(&weight, 1, 0.0, 0.1, 42, &first), 0);
    assert_int_equal(logistic_scorer_create(&weight, 1, 0.0, 0.1, 42, &second), 0);
    assert_int_equal(logistic_scorer_create(&weight, 1, 0.0, 0.1, 43, &other), 0);
    for (uint64_t i = 100; i-- > 0;) {
        assert_true(noise_of(first, i) == noise_of(second, i));
        assert_true(noise_of(first, i) != noise_of(first, i + 1));
        assert_true(noise_of(first, i) != noise_of(other, i));
    }
    scorer_destroy(first);
    scorer_destroy(second);
    scorer_destroy(other);
}

static void test_refuses(void **state)
{
    const double weights[] = {1.0, NAN, INFINITY};
    struct scorer *scorer = NULL;

    (void)state;
    assert_int_equal(logistic_scorer_create(weights, 0, 0.0, 0.0, 1, &scorer), -EINVAL);
    assert_int_equal(logistic_scorer_create(weights, 2, 0.0, 0.0, 1, &scorer), -EINVAL);
    assert_int_equal(logistic_scorer_create(weights + 2, 1, 0.0, 0.0, 1, &scorer), -EINVAL);
    assert_int_equal(logistic_scorer_create(weights, 1, NAN, 0.0, 1, &scorer), -EINVAL);
    assert_int_equal(logistic_scorer_create(weights, 1, 0.0, -0.1, 1, &scorer), -EINVAL);
    assert_int_equal(logistic_scorer_create(weights, 1, 0.0, NAN, 1, &scorer), -EINVAL);
    assert_null(scorer);
    scorer_destroy(NULL);
}

/* --- terms --- */

static const struct logistic_category ports[] = {{"Z", 3.0}, {"", -2.0}, {"A", 1.0}, {"AB", 2.0}};

static double log_odds(const struct scorer *scorer, double number, const char *text)
{
    const struct value row[] = {{.number = number},
                                {.text = text, .text_bytes = text ? strlen(text) : 0}};
    double p;

    assert_int_equal(scorer_score(scorer, row, 0, &p), 0);
    return log(p / (1.0 - p));
}

static void test_terms(void **state)
{
    const struct logistic_term terms[] = {
        {.weight = 2.0, .mean = 10.0, .scale = 4.0, .missing = 12.0},
        {.categorical = true,
         .categories = ports,
         .category_count = LENGTH(ports),
         .other = 0.5,
         .missing_weight = 0.25},
    };
    struct scorer *scorer;

    (void)state;
    assert_int_equal(logistic_scorer_create_terms(terms, 2, -1.0, &scorer), 0);
    assert_close(log_odds(scorer, 14.0, "A"), 2.0, 1e-12);
    assert_close(log_odds(scorer, 14.0, "AB"), 3.0, 1e-12);
    assert_close(log_odds(scorer, 14.0, "Z"), 4.0, 1e-12);
    assert_close(log_odds(scorer, 14.0, ""), -1.0, 1e-12);
    assert_close(log_odds(scorer, 14.0, "ABC"), 1.5, 1e-12);
    assert_close(log_odds(scorer, 14.0, NULL), 1.25, 1e-12);
    assert_close(log_odds(scorer, NAN, "A"), 1.0, 1e-12); /* 12 in its place */
    assert_true(scorer_takes_missing(scorer, 0) && scorer_takes_missing(scorer, 1));
    scorer_destroy(scorer);
}

static void test_missing_without_a_replacement(void **state)
{
    const struct logistic_term term = {.weight = 1.0, .scale = 1.0, .missing = NAN};
    const struct value row = {.number = NAN};
    struct scorer *scorer;
    double p = 7.0;

    (void)state;
    assert_int_equal(logistic_scorer_create_terms(&term, 1, 0.0, &scorer), 0);
    assert_false(scorer_takes_missing(scorer, 0));
    assert_int_equal(scorer_score(scorer, &row, 0, &p), -EINVAL);
    assert_true(p == 7.0);
    scorer_destroy(scorer);
}

static void test_refuses_terms(void **state)
{
    static const struct logistic_category twice[] = {{"a", 1.0}, {"b", 1.0}, {"a", 1.0}};
    static const struct logistic_category infinite[] = {{"a", INFINITY}};
    const struct logistic_term wrong[] = {
        {.weight = 1.0, .scale = 0.0},
        {.weight = 1.0, .scale = -1.0},
        {.weight = NAN, .scale = 1.0},
        {.weight = 1.0, .scale = INFINITY},
        {.weight = 1.0, .scale = 1.0, .mean = NAN},
        {.weight = 1.0, .scale = 1.0, .missing = INFINITY},
        {.categorical = true, .other = NAN},
        {.categorical = true, .missing_weight = INFINITY},
        {.categorical = true, .categories = twice, .category_count = 3},
        {.categorical = true, .categories = infinite, .category_count = 1},
    };
    struct scorer *scorer = NULL;

    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++)
        assert_int_equal(logistic_scorer_create_terms(&wrong[i], 1, 0.0, &scorer), -EINVAL);
    assert_null(scorer);
}

static void test_class_and_count(void **state)
{
    struct scorer *scorer;

    (void)state;
    const double scores[] = {0.5, nextafter(0.5, 1.0), 0.0, 1.0}, three[] = {0.2, 0.4, 0.4};
    const size_t classes[] = {0, 1, 0, 1};
    for (size_t i = 0; i < LENGTH(scores); i++)
        assert_int_equal(scorer_class(PREDICTION_BINARY, &scores[i], 1), classes[i]);
    assert_int_equal(scorer_class(PREDICTION_MULTICLASS, three, 3), 1);
    assert_int_equal(logistic_scorer_create(built_in_weights, 5, 0.0, 0.0, 1, &scorer), 0);
    assert_int_equal(scorer_feature_count(scorer), 5);
    assert_int_equal(scorer_type(scorer), PREDICTION_BINARY);
    assert_int_equal(scorer_outputs(scorer), 1);
    assert_int_equal(scorer_class_count(scorer), 2);
    assert_string_equal(scorer_class_name(scorer, 0), "negative");
    assert_string_equal(scorer_class_name(scorer, 1), "positive");
    const char *const names[] = {"no", "yes", "maybe"};
    assert_int_equal(scorer_name_classes(scorer, names, 3), -EINVAL);
    assert_int_equal(scorer_name_classes(scorer, names, 2), 0);
    assert_string_equal(scorer_class_name(scorer, 1), "yes");
    scorer_destroy(scorer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_python),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_noise_moments),
        cmocka_unit_test(test_noise_depends_on_seed_and_sequence_only),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_missing_value_is_refused),
        cmocka_unit_test(test_terms),
        cmocka_unit_test(test_missing_without_a_replacement),
        cmocka_unit_test(test_refuses_terms),
        cmocka_unit_test(test_class_and_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
