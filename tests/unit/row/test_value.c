/* test_value.c - which category a value names, and rows in one block. */
#include "row/row.h"
#include "row/split_mix.h"

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

/* What Python, pandas, R and JSON write is one category; nothing else is. */
static void test_booleans(void **state)
{
    (void)state;
    static const char *const yes[] = {"true", "True", "TRUE"}, *const no[] = {"false", "False",
                                                                              "FALSE"};
    static const char *const others[] = {"tRUE", "t", "T", "yes", "1", "falsE", "true ", "truely"};

    for (size_t i = 0; i < 3; i++) {
        expect_category(text(yes[i]), "true");
        expect_category(text(no[i]), "false");
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        expect_category(text(others[i]), others[i]);
    expect_category(value_of_boolean(true), "true");
    expect_category(value_of_boolean(false), "false");
    const struct value same = value_of_text("NA", 2);
    assert_int_equal(same.text_bytes, 2); /* missing only as a category */
    assert_false(value_is_missing(&same));
}

/* The first outputs of the reference implementation for seed 1234567, as its authors' test and
 * Java's SplittableRandom give them. */
static void test_split_mix(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        UINT64_C(6457827717110365317),  UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),  UINT64_C(4593380528125082431),
        UINT64_C(16408922859458223821),
    };
    uint64_t random = 1234567, zero = 0;

    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        assert_true(split_mix_next(&random) == expected[i]);
    for (uint64_t i = 1; i < 100; i++)
        assert_true(split_mix_at(i) == split_mix_next(&zero));
    for (size_t i = 0; i < 1000; i++) {
        const double unit = split_mix_unit(&random);

        assert_true(unit > 0 && unit < 1);
    }
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
        cmocka_unit_test(test_categories), cmocka_unit_test(test_missing),
        cmocka_unit_test(test_booleans),   cmocka_unit_test(test_split_mix),
        cmocka_unit_test(test_schema),     cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
