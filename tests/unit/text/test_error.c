/* test_error.c - sentences with their place, cut visibly where they are too long. */
#include "text/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_the_place_comes_first(void **state)
{
    (void)state;
    struct error error;

    assert_int_equal(error_set(&error, -EINVAL, "expected a text, found %d", 3), -EINVAL);
    assert_int_equal(error_at(&error, -EINVAL, "line %d", 7), -EINVAL);
    assert_int_equal(error_at(&error, -EINVAL, "%s", "drift.yml"), -EINVAL);
    assert_string_equal(error.text, "drift.yml: line 7: expected a text, found 3");
}

static void test_a_cut_is_marked(void **state)
{
    (void)state;
    struct error error;
    char text[ERROR_BYTES + 1];

    memset(text, 'x', sizeof(text));
    text[ERROR_BYTES - 1] = '\0'; /* the longest that fits */
    error_set(&error, -EIO, "%s", text);
    assert_string_equal(error.text, text);
    error_at(&error, -EIO, "file");
    assert_int_equal(strlen(error.text), ERROR_BYTES - 1);
    assert_memory_equal(error.text, "file: xxx", 9);
    assert_string_equal(error.text + ERROR_BYTES - 5, "x...");
}

static void test_nobody_needs_to_listen(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, -ENOMEM, "not enough memory"), -ENOMEM);
    assert_int_equal(error_at(NULL, -ENOMEM, "somewhere"), -ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_place_comes_first),
        cmocka_unit_test(test_a_cut_is_marked),
        cmocka_unit_test(test_nobody_needs_to_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
