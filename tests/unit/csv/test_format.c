/* test_format.c - what separates the fields of a file, and what its decimals look like. */
#include "csv/csv.h"
#include "csv/format.h"
#include "csv/scan.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static void test_recognised(void **state)
{
    static const struct {
        const char *text;
        struct csv_format format;
    } cases[] = {
        {"a,b\n1,2\n", {',', '.'}},
        {"a;b\n1;2\n", {';', '.'}},
        {"a\tb\r\n1\t2\r\n", {'\t', '.'}},
        {"a|b\n1|2", {'|', '.'}},
        {"a\n1\n2\n", {',', '.'}},
        {"", {',', '.'}},
        {"\n\n", {',', '.'}},
        {"a;b\n1,5;2\n", {';', ','}},
        {"a;b\n1.5;2\n", {';', '.'}},
        {"a;b\n1.5;2,5\n", {';', '.'}},         /* a text such as a list of codes */
        {"a;b\n1,234;2,5\n", {';', ','}},       /* the second field decides */
        {"a;b\n0,234;x\n", {';', ','}},         /* no group of thousands begins with 0 */
        {"a;b\n\"1,5\";2\n", {';', ','}},       /* quoted */
        {"\"a;b\";c\n\"x;y\";1\n", {';', '.'}}, /* not within quotes */
        {"a,b;c\n1;2\n3;4\n", {';', '.'}},      /* rows decide between two of the header */
        {"a;b\nx\ny\n", {',', '.'}},            /* one column with an odd name */
        {"a;b\n1;2;3\n4;5;6\n", {';', '.'}},    /* as R writes row names: all rows are bad */
        {"a;b\n", {';', '.'}},                  /* no row that says otherwise */
        {"a,b\n1;2\n", {',', '.'}},
    };
    struct error error = {""};

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct csv_format format = {0};

        if (csv_format_recognise(&format, "f", cases[i].text, strlen(cases[i].text), true, &error) <
            0)
            fail_msg("%s: %s", cases[i].text, error.text);
        if (format.delimiter != cases[i].format.delimiter ||
            format.decimal != cases[i].format.decimal)
            fail_msg("%s: found '%c' and '%c'", cases[i].text, format.delimiter, format.decimal);
    }
}

static void test_given(void **state)
{
    static const char text[] = "a;b,c\n1;2,3\n";
    struct csv_format format = {.delimiter = ','};
    struct error error = {""};

    (void)state;
    assert_int_equal(csv_format_recognise(&format, "f", text, strlen(text), true, &error), 0);
    assert_int_equal(format.delimiter, ',');
    format = (struct csv_format){.delimiter = ';', .decimal = '.'};
    assert_int_equal(csv_format_recognise(&format, "f", text, strlen(text), true, &error), 0);
    assert_int_equal(format.decimal, '.');
}

static void test_ambiguous(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"a,b;c,d\n1,2;3,4\n", "f:1: the fields may be separated by commas (3 columns) or by "
                               "semicolons (2 columns)"},
        {"a|b\tc\n1|2\t3\n", "by tabs (2 columns) or by pipes (2 columns)"},
        {"a;b\n1,234;2\n", "separated by semicolons, and \"1,234\""},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct csv_format format = {0};
        struct error error = {""};

        assert_int_equal(
            csv_format_recognise(&format, "f", cases[i].text, strlen(cases[i].text), true, &error),
            -EBADMSG);
        assert_int_equal(format.delimiter, 0); /* untouched */
        if (!strstr(error.text, cases[i].words))
            fail_msg("%s", error.text);
    }
}

static void test_numbers_with_a_decimal_comma(void **state)
{
    static const struct {
        const char *text;
        int rc;
        double value;
    } cases[] = {
        {"1,5", 0, 1.5},        {"-0,25e2", 0, -25}, {"7", 0, 7},
        {" 1,5 ", 0, 1.5},      {"1.5", -EINVAL, 0}, {"1.234,5", -EINVAL, 0},
        {"1,2,3", -EINVAL, 0},  {"", 0, NAN},        {"NA", 0, NAN},
        {"-inf", 0, -INFINITY}, {",", -EINVAL, 0},   {"1,5e999", -ERANGE, 0},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        const struct csv_field field = {
            .text = cases[i].text, .bytes = strlen(cases[i].text), .decimal_comma = true};
        double value = 0;

        assert_int_equal(csv_field_number(&field, &value), cases[i].rc);
        if (cases[i].rc == 0 && !(isnan(value) && isnan(cases[i].value)))
            assert_true(value == cases[i].value);
    }
}

static void test_names(void **state)
{
    char found = 0;

    (void)state;
    assert_true(csv_delimiter_parse("tab", &found) && found == '\t');
    assert_true(csv_delimiter_parse("\\t", &found) && found == '\t');
    assert_true(csv_delimiter_parse("|", &found) && found == '|');
    assert_false(csv_delimiter_parse("", &found) || csv_delimiter_parse("tabs", &found));
    assert_int_equal(found, '|');
    assert_true(csv_decimal_parse("comma", &found) && found == ',');
    assert_false(csv_decimal_parse(";", &found));
    assert_string_equal(csv_delimiter_name(';'), "semicolon");
    assert_string_equal(csv_format_words(&(struct csv_format){'\t', ','}), "tabs, decimal commas");
}

static void test_fields_of_a_row(void **state)
{
    static const char row[] = "\"a;\"\"b\";c;;d";

    (void)state;
    assert_int_equal(csv_field_bytes(row, strlen(row), ';'), strlen("\"a;\"\"b\""));
    assert_int_equal(csv_count_fields(row, strlen(row), ';'), 4);
    assert_int_equal(csv_count_fields(row, strlen(row), ','), 1);
    assert_int_equal(csv_count_fields("", 0, ','), 1);
    assert_int_equal(csv_count_fields(";", 1, ';'), 2);
}

static void test_other_formats(void **state)
{
    static const char gzip[] = "\x1f\x8b\x08", parquet[] = "PAR1\x15\x04",
                      header[] = "PAR1,PK\n1,2";
    struct error error = {""};

    (void)state;
    assert_int_equal(csv_refuse_foreign("f", gzip, 3, &error), -EBADMSG);
    assert_non_null(strstr(error.text, "f: the file is compressed with gzip, not CSV: "));
    assert_int_equal(csv_refuse_foreign("f", parquet, 6, &error), -EBADMSG);
    assert_non_null(strstr(error.text, "read_parquet"));
    assert_int_equal(csv_refuse_foreign("f", header, strlen(header), &error), 0);
    assert_int_equal(csv_refuse_foreign("f", "", 0, &error), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recognised),    cmocka_unit_test(test_given),
        cmocka_unit_test(test_ambiguous),     cmocka_unit_test(test_numbers_with_a_decimal_comma),
        cmocka_unit_test(test_names),         cmocka_unit_test(test_fields_of_a_row),
        cmocka_unit_test(test_other_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
