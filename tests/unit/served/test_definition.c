/* test_definition.c - which class a value names, and what a score is. */
#include "fixture.h"
#include "served/definition.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static void define(struct model_definition *definition, const char *const *names, size_t count)
{
    assert_int_equal(model_definition_init(definition, 1), 0);
    assert_int_equal(model_definition_set_classes(definition, names, count), 0);
}

/* -1: none. */
static int find(const struct model_definition *definition, struct value value)
{
    const size_t found = model_classes_find(&definition->classes, &value);

    return found < definition->classes.count ? (int)found : -1;
}

static void test_names_and_indices(void **state)
{
    static const char *const names[] = {"no", "yes", "may be"};
    struct model_definition definition;

    (void)state;
    define(&definition, names, 3);
    assert_int_equal(find(&definition, text_value("no")), 0);
    assert_int_equal(find(&definition, text_value("may be")), 2);
    assert_int_equal(find(&definition, text_value("may")), -1);
    assert_int_equal(find(&definition, text_value("")), -1);
    assert_int_equal(find(&definition, number_value(2)), 2);
    assert_int_equal(find(&definition, text_value("2.0")), 2);
    assert_int_equal(find(&definition, number_value(-0.0)), 0);
    assert_int_equal(find(&definition, number_value(3)), -1);
    assert_int_equal(find(&definition, number_value(-1)), -1);
    assert_int_equal(find(&definition, number_value(0.5)), -1);
    assert_int_equal(find(&definition, number_value(1e300)), -1);
    assert_int_equal(find(&definition, value_missing()), -1);
    assert_int_equal(find(&definition, text_value("NaN")), -1);
    assert_int_equal(find(&definition, text_value("inf")), -1);
    assert_int_equal(find(&definition, value_of_boolean(true)), -1);
    model_definition_finish(&definition);
}

/* Without a number among the classes label 0 would be the first; with one it is nothing. */
static void test_numbers_are_compared_by_value(void **state)
{
    static const char *const names[] = {"1.0", "2.0", "-3e2", "other"};
    struct model_definition definition;

    (void)state;
    define(&definition, names, 4);
    assert_int_equal(find(&definition, number_value(1)), 0);
    assert_int_equal(find(&definition, number_value(2)), 1);
    assert_int_equal(find(&definition, text_value("2")), 1);
    assert_int_equal(find(&definition, text_value("+2.00")), 1);
    assert_int_equal(find(&definition, text_value("-300")), 2);
    assert_int_equal(find(&definition, text_value("other")), 3);
    assert_int_equal(find(&definition, number_value(0)), -1);
    assert_int_equal(find(&definition, number_value(3)), -1);
    assert_int_equal(find(&definition, value_of_boolean(true)), 0); /* 1, as in Python */
    model_definition_finish(&definition);
}

static void test_booleans_are_one_and_zero(void **state)
{
    static const char *const names[] = {"True", "False"};
    struct model_definition definition;

    (void)state;
    define(&definition, names, 2);
    assert_int_equal(find(&definition, value_of_boolean(true)), 0);
    assert_int_equal(find(&definition, value_of_boolean(false)), 1);
    assert_int_equal(find(&definition, text_value("FALSE")), 1);
    assert_int_equal(find(&definition, number_value(1)), 0); /* not the class of index 1 */
    assert_int_equal(find(&definition, number_value(2)), -1);
    model_definition_finish(&definition);
}

static void test_outputs_of_a_regression(void **state)
{
    struct model_definition definition = {.type = PREDICTION_REGRESSION};
    const struct value good = text_value(" 2.5e1"), bad = text_value("12a"),
                       missing = text_value("NA"), infinite = number_value(INFINITY);
    double output = 7;

    (void)state;
    assert_true(model_definition_output(&definition, &good, &output) && output == 25);
    assert_false(model_definition_output(&definition, &bad, &output));
    assert_false(model_definition_output(&definition, &missing, &output));
    assert_false(model_definition_output(&definition, &infinite, &output));
}

static void test_scores(void **state)
{
    struct model_definition definition = {.type = PREDICTION_BINARY};
    static const double wrong[] = {-1e-9, 1 + 1e-9, 3, -2, INFINITY};
    double score = 0.25;

    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++)
        assert_false(model_definition_probability(&definition, wrong[i], &score));
    assert_true(score == 0.25);
    assert_true(model_definition_probability(&definition, 0.75, &score) && score == 0.75);
    assert_true(model_definition_probability(&definition, NAN, &score) && isnan(score));
    definition.score_is_margin = true;
    assert_true(model_definition_probability(&definition, 0, &score) && score == 0.5);
    assert_true(model_definition_probability(&definition, log(3), &score));
    assert_true(fabs(score - 0.75) < 1e-15);
    assert_true(model_definition_probability(&definition, -1e4, &score) && score == 0);
    assert_true(model_definition_probability(&definition, 1e4, &score) && score == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_indices),
        cmocka_unit_test(test_numbers_are_compared_by_value),
        cmocka_unit_test(test_booleans_are_one_and_zero),
        cmocka_unit_test(test_outputs_of_a_regression),
        cmocka_unit_test(test_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
