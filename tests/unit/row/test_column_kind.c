/* test_column_kind.c - what a column is taken for, by its values alone. */
#include "row/column_kind.h"
#include "row/text_value.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Counts values separated by blanks. */
static struct column_kind kind_of(const char *values)
{
    struct column_kind kind = {0};
    char text[64];
    uint64_t line = 2;

    while (*values) {
        const size_t bytes = strcspn(values, " ");
        double number = 0;

        assert_true(bytes < sizeof(text));
        memcpy(text, values, bytes);
        text[bytes] = '\0';
        const int rc = text_value_number(text, bytes, &number);
        column_kind_count(&kind, line++, text, bytes, rc, number);
        values += bytes + strspn(values + bytes, " ");
    }
    return kind;
}

/* Two readers of a column know together what one of all its values knows. */
static void test_parts_together(void **state)
{
    static const char *const values[] = {
        "1 2 NA 3.5 x", "007 12 1",    "2020-01-01 2020-01-02", "1e5 99999999999999999999",
        "NA",           "y 2020-01-01"};

    (void)state;
    for (size_t a = 0; a < sizeof(values) / sizeof(*values); a++)
        for (size_t b = 0; b < sizeof(values) / sizeof(*values); b++) {
            char both[128];
            snprintf(both, sizeof(both), "%s %s", values[a], values[b]);
            const struct column_kind whole = kind_of(both), second = kind_of(values[b]);
            struct column_kind kind = kind_of(values[a]);
            column_kind_add(&kind, &second);
            assert_int_equal(kind.numbers, whole.numbers);
            assert_int_equal(kind.texts, whole.texts);
            assert_int_equal(column_kind_are_dates(&kind), column_kind_are_dates(&whole));
            assert_int_equal(column_kind_are_codes(&kind), column_kind_are_codes(&whole));
            assert_int_equal(column_kind_are_large(&kind), column_kind_are_large(&whole));
            assert_int_equal(column_kind_is_numeric(&kind), column_kind_is_numeric(&whole));
        }
}

/* The earlier of two examples stays, whoever has found it. */
static void test_first_example(void **state)
{
    struct column_kind kind = kind_of("1 2 z"), earlier = kind_of("a 1");

    (void)state;
    column_kind_add(&kind, &earlier);
    assert_int_equal(kind.text.line, 2);
    assert_string_equal(kind.text.text.text, "a");
    earlier = kind_of("1 1 1 1 1 late");
    column_kind_add(&kind, &earlier);
    assert_string_equal(kind.text.text.text, "a");
}

static void test_numbers_and_texts(void **state)
{
    struct column_kind kind = kind_of("1 2 NA 3.5 x");

    (void)state;
    assert_int_equal(kind.numbers, 3);
    assert_int_equal(kind.texts, 1);
    assert_int_equal(kind.text.line, 6);
    assert_string_equal(kind.text.text.text, "x");
    assert_false(column_kind_is_numeric(&kind));
    kind = kind_of("1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 x");
    assert_true(column_kind_is_numeric(&kind) && column_kind_is_flawed_number(&kind));
    kind = kind_of("1 2");
    assert_true(column_kind_is_numeric(&kind));
    assert_false(column_kind_is_flawed_number(&kind));
    kind = kind_of("NA nan");
    assert_false(column_kind_is_numeric(&kind) || column_kind_are_dates(&kind));
}

static void test_codes(void **state)
{
    struct column_kind kind = kind_of("10001 02134 94110");

    (void)state;
    assert_true(column_kind_are_codes(&kind));
    assert_false(column_kind_is_numeric(&kind));
    assert_int_equal(kind.zeros.line, 3);
    kind = kind_of("0 10 0.5 -1"); /* no leading zero */
    assert_false(column_kind_are_codes(&kind));
    kind = kind_of("007 1.5"); /* padded measurements */
    assert_false(column_kind_are_codes(&kind));
    assert_true(column_kind_is_numeric(&kind));
    kind = kind_of("00.5 00.0");
    assert_false(column_kind_are_codes(&kind));
}

static void test_large_integers(void **state)
{
    struct column_kind kind = kind_of("1 9007199254740991");

    (void)state;
    assert_false(column_kind_are_large(&kind));
    kind = kind_of("1 9007199254740993 9007199254740995"); /* the first is read as 2^53 */
    assert_true(column_kind_are_large(&kind));
    assert_int_equal(kind.large.line, 3);
    kind = kind_of("-99999999999999999999 1e20");
    assert_true(column_kind_are_large(&kind));
    kind = kind_of("1e20 inf 1e300"); /* nobody writes an identifier like that */
    assert_false(column_kind_are_large(&kind));
    kind = kind_of("99999999999999999999 0.5"); /* a measurement */
    assert_false(column_kind_are_large(&kind));
}

static void test_dates(void **state)
{
    struct column_kind kind = kind_of("2026-01-02 01/02/2026 02.01.2026 2026-01-02T10:11:12.5Z NA");

    (void)state;
    assert_true(column_kind_are_dates(&kind));
    kind = kind_of("2026-01-02 x 2026-01-03");
    assert_false(column_kind_are_dates(&kind));
    kind = kind_of("2026-01-02 5");
    assert_false(column_kind_are_dates(&kind));
    kind = kind_of("2026-01-02x");
    assert_false(column_kind_are_dates(&kind));
}

static void test_names(void **state)
{
    static const char *const words[] = {"id", NULL};

    (void)state;
    assert_true(column_kind_named("user_id", words) && column_kind_named("userId", words));
    assert_true(column_kind_named("ID", words) && column_kind_named("user id", words));
    assert_false(column_kind_named("paid", words) || column_kind_named("i", words));
    assert_true(column_kind_is_epoch("created_at", 1.7e9, 1.8e9));
    assert_true(column_kind_is_epoch("ts", 1.7e12, 1.8e12));
    assert_false(column_kind_is_epoch("amount", 1.7e9, 1.8e9));
    assert_false(column_kind_is_epoch("ts", 1.7e9, 1.8e12));
}

static void test_identifiers(void **state)
{
    (void)state;
    assert_true(column_kind_are_identifiers(51, 101));
    assert_false(column_kind_are_identifiers(51, 102));
    assert_false(column_kind_are_identifiers(50, 50));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_and_texts),
        cmocka_unit_test(test_parts_together),
        cmocka_unit_test(test_first_example),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_large_integers),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_identifiers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
