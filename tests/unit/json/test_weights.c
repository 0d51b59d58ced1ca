/* Unit tests of json/weights: a whole file, and the fuzzer's corpus. What is refused, and in
 * which words, is in tests/http/test_scorers.py. */
#include "../../fuzz/weights_check.h"
#include "corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* cmocka.h needs the headers above */
#include <cmocka.h>

static void replay(const char *path, const char *bytes, size_t length)
{
    (void)path;
    weights_check(bytes, length);
}

static void test_corpus(void **state)
{
    (void)state;
    assert_true(corpus_replay("weights", replay) >= 13);
    assert_true(corpus_replay("json", replay) > 0);
}

static void test_everything(void **state)
{
    static const char text[] =
        "{\"intercept\": -1.5, \"classes\": [\"no\", \"yes\"], \"features\": ["
        "{\"name\": \"age\", \"weight\": 2, \"mean\": 30, \"scale\": 1e-3, \"missing\": 31},"
        "{\"name\": \"height\", \"weight\": -0.5},"
        "{\"name\": \"sex\", \"categories\": {\"m\": 1, \"\": -1, \"\\u00e9\": 0}, \"other\": 7}, "
        "{\"name\": \"port\", \"categories\": {\"m\": 1}, \"other\": 2, \"missing_weight\": 3}]}";
    struct weights_file file;
    struct error error;

    (void)state;
    assert_int_equal(weights_decode("w", text, strlen(text), &file, &error), 0);
    assert_true(file.intercept == -1.5);
    assert_string_equal(file.classes[0], "no");
    assert_string_equal(file.classes[1], "yes");
    assert_int_equal(file.feature_count, 4);
    assert_true(file.features[0].mean == 30 && file.features[0].scale == 1e-3);
    assert_true(file.features[0].missing == 31 && !file.features[0].categorical);
    assert_true(file.features[1].mean == 0 && file.features[1].scale == 1);
    assert_true(isnan(file.features[1].missing));
    assert_true(file.features[2].categorical && file.features[2].other == 7);
    assert_true(file.features[2].missing_weight == 7);
    assert_true(file.features[3].other == 2 && file.features[3].missing_weight == 3);
    assert_int_equal(file.features[2].category_count, 3);
    assert_string_equal(file.features[2].categories[1].name, "");
    assert_string_equal(file.features[2].categories[2].name, "\xc3\xa9");
    weights_finish(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corpus),
        cmocka_unit_test(test_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
