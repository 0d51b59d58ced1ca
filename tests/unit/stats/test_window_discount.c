/* test_window_discount.c - p-values of rows that resemble their neighbours: of four rows that are
 * all alike, discounted by four, they are those of one row each. */
#include "feature_window.h"
#include "random_stream.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define REFERENCE 1000
#define ROWS      200
#define COPIES    4
#define MISSING   7 /* every so many rows */

static const struct window_spec spec = {.kind = WINDOW_COUNT, .observations = ROWS * COPIES};

struct pair {
    struct numeric_reference numeric;
    struct categorical_reference categorical;
    struct feature_window *numbers, *texts;
};

static double draw(uint64_t *seed, size_t row, double shift)
{
    return row % MISSING == 0 ? NAN : random_normal(seed) + shift;
}

static const char *category_of(double x)
{
    return isnan(x) ? NULL : x < -0.5 ? "low" : x < 0.7 ? "middle" : "high";
}

/* Every row so many times. */
static void pair_create(struct pair *pair, size_t copies)
{
    double numbers[REFERENCE * COPIES];
    const char *texts[REFERENCE * COPIES];
    uint64_t seed = 3;
    for (size_t r = 0; r < REFERENCE; r++) {
        const double x = draw(&seed, 3 * r, 0);
        for (size_t c = 0; c < copies; c++) {
            numbers[r * copies + c] = x;
            texts[r * copies + c] = category_of(x);
        }
    }
    assert_int_equal(
        drift_numeric_reference_init(&pair->numeric, numbers, REFERENCE * copies, 10, 0), 0);
    assert_int_equal(drift_categorical_reference_init(&pair->categorical, texts, REFERENCE * copies,
                                                      REFERENCE_MAX_CATEGORIES),
                     0);
    assert_int_equal(drift_feature_window_create(&pair->numeric, NULL, &spec, &pair->numbers), 0);
    assert_int_equal(drift_feature_window_create(NULL, &pair->categorical, &spec, &pair->texts), 0);
    seed = 4;
    for (size_t r = 0; r < ROWS; r++) {
        const double x = draw(&seed, r % 4, 0.3); /* a quarter is missing */
        const char *text = category_of(x);
        const uint32_t code =
            drift_categorical_reference_code(&pair->categorical, text, text ? strlen(text) : 0);
        for (size_t c = 0; c < copies; c++) {
            drift_feature_window_observe_number(pair->numbers, x, 0);
            drift_feature_window_observe_category(pair->texts, code, 0);
        }
    }
}

static void pair_finish(struct pair *pair)
{
    drift_feature_window_destroy(pair->numbers);
    drift_feature_window_destroy(pair->texts);
    drift_numeric_reference_finish(&pair->numeric);
    drift_categorical_reference_finish(&pair->categorical);
}

static double p_value(const struct feature_window *window, enum drift_method method)
{
    double score, p;
    assert_int_equal(drift_feature_window_score(window, method, &score), 0);
    assert_int_equal(drift_feature_window_p_value(window, method, score, &p), 0);
    return p;
}

static void compare(const struct feature_window *once, struct feature_window *copied,
                    enum drift_method method, double tolerance)
{
    drift_feature_window_discount(copied, 1, 1);
    const double expected = p_value(once, method), plain = p_value(copied, method);
    drift_feature_window_discount(copied, COPIES, COPIES);
    const double p = p_value(copied, method);
    if (!(fabs(p - expected) <= tolerance * expected))
        fail_msg("%s: %.12g, of one row each %.12g", drift_method_name(method), p, expected);
    if (!(plain < 0.1 * expected)) /* what the discount is for */
        fail_msg("%s: %.12g without a discount, %.12g with it", drift_method_name(method), plain,
                 p);
}

static void test_four_rows_alike_are_one(void **state)
{
    static const enum drift_method of_both[] = {METHOD_PSI, METHOD_CHI_SQUARE,
                                                METHOD_JENSEN_SHANNON, METHOD_HELLINGER};
    struct pair once, copied;
    (void)state;
    pair_create(&once, 1);
    pair_create(&copied, COPIES);
    for (size_t i = 0; i < sizeof(of_both) / sizeof(of_both[0]); i++) {
        compare(once.numbers, copied.numbers, of_both[i], 1e-9);
        compare(once.texts, copied.texts, of_both[i], 1e-9);
    }
    compare(once.numbers, copied.numbers, METHOD_KS_TEST, 1e-9);
    /* its correction for small samples is another one */
    compare(once.numbers, copied.numbers, METHOD_CRAMER_VON_MISES, 0.1);
    const double expected = drift_feature_window_missing_p(once.numbers);
    assert_true(fabs(drift_feature_window_missing_p(copied.numbers) - expected) <= 0.2 * expected);
    drift_feature_window_discount(copied.numbers, 1, 1);
    assert_true(drift_feature_window_missing_p(copied.numbers) < 0.1 * expected);
    pair_finish(&once);
    pair_finish(&copied);
}

/* A window that is worth less than a row proves nothing, and none is worth nothing. */
static void test_worth_a_row(void **state)
{
    struct pair pair;
    (void)state;
    pair_create(&pair, 1);
    assert_true(drift_feature_window_effective(pair.numbers) == ROWS);
    drift_feature_window_discount(pair.numbers, 1000, 1000);
    drift_feature_window_discount(pair.texts, 1000, 1000);
    assert_true(drift_feature_window_effective(pair.numbers) == 1);
    assert_true(p_value(pair.numbers, METHOD_KS_TEST) > 0.05);
    assert_true(p_value(pair.numbers, METHOD_PSI) > 0.05);
    assert_true(p_value(pair.texts, METHOD_PSI) > 0.05);
    assert_true(drift_feature_window_missing_p(pair.numbers) > 0.05);
    drift_feature_window_reset(pair.numbers);
    assert_true(drift_feature_window_effective(pair.numbers) == 0);
    pair_finish(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_four_rows_alike_are_one),
        cmocka_unit_test(test_worth_a_row),
    };
    return cmocka_run_group_tests_name("window_discount", tests, NULL, NULL);
}
