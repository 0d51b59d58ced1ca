/* test_value.c - which category a value names, and rows in one block. */
#include "row/row.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_category(struct value value, const char *expected)
{
    char room[NUMBER_MAX_BYTES];
    const struct category category = category_of_value(&value, room);

    if (!expected) {
        assert_null(category.text);
        return;
    }
    assert_non_null(category.text);
    assert_int_equal(category.bytes, strlen(expected));
    assert_memory_equal(category.text, expected, category.bytes);
}

static struct value text(const char *text)
{
    return (struct value){.text = text, .text_bytes = strlen(text)};
}

static void test_categories(void **state)
{
    (void)state;
    expect_category(text("red"), "red");
    expect_category(text(" red "), " red ");
    expect_category((struct value){.number = 1}, "1");
    expect_category((struct value){.number = -0.5}, "-0.5");
    expect_category((struct value){.number = 1e21}, "1e+21");
    expect_category((struct value){.number = 12, .text = "twelve", .text_bytes = 6}, "twelve");
    expect_category((struct value){.text = "abcdef", .text_bytes = 2}, "ab");
}

static void test_missing(void **state)
{
    (void)state;
    static const char *const words[] = {"", "NA", "NaN", "nan", "null"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        expect_category(text(words[i]), NULL);
    expect_category(value_missing(), NULL);
    expect_category(text("Null"), "Null");
    expect_category(text("none"), "none");
    const struct value missing = value_missing(), zero = {.number = 0}, empty = text("");
    assert_true(value_is_missing(&missing));
    assert_false(value_is_missing(&zero));
    assert_false(value_is_missing(&empty)); /* the scorer may know it as a category */
}

static void test_schema(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b"};
    static const bool categorical[] = {false, true}, nullable[] = {false, true};
    struct schema schema = {.features = 2, .name = names, .categorical = categorical};

    assert_int_equal(schema_find(&schema, "b"), 1);
    assert_int_equal(schema_find(&schema, "c"), 2);
    assert_false(schema_may_be_null(&schema, 1));
    schema.nullable = nullable;
    assert_false(schema_may_be_null(&schema, 0));
    assert_true(schema_may_be_null(&schema, 1));
    schema.allow_missing = true;
    assert_true(schema_may_be_null(&schema, 0));
}

static void test_rows(void **state)
{
    (void)state;
    struct row *rows = rows_create(3, 2);

    assert_non_null(rows);
    for (size_t r = 0; r < 3; r++) {
        assert_null(rows[r].id);
        for (size_t f = 0; f < 2; f++)
            rows[r].value[f] = (struct value){.number = (double)(10 * r + f)};
    }
    assert_true(rows[1].value[1].number == 11 && rows[2].value[0].number == 20);
    free(rows);
    assert_null(rows_create(SIZE_MAX / 8, 1000));
    assert_null(rows_create(1, SIZE_MAX / 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_categories),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_schema),
        cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
