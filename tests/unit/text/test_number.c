/* test_number.c - layout of numbers, exact round trip, independence of the locale. */
#include "text/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef size_t formatter(double value, char *out);

static void assert_text(formatter *format, double value, const char *expected)
{
    char text[NUMBER_MAX_BYTES + 1];
    size_t length = format(value, text);

    assert_true(length < NUMBER_MAX_BYTES);
    text[length] = '\0';
    assert_string_equal(text, expected);
}

static const struct {
    double value;
    const char *text, *le;
} layouts[] = {
    {0, "0", "0.0"},
    {-0.0, "-0", "-0.0"},
    {1, "1", "1.0"},
    {-1, "-1", "-1.0"},
    {0.1, "0.1", "0.1"},
    {0.123, "0.123", "0.123"},
    {-2.5, "-2.5", "-2.5"},
    {100, "100", "100.0"},
    {0.25, "0.25", "0.25"},
    {0.001, "0.001", "0.001"},
    {0.0001, "0.0001", "0.0001"},
    {0.00012, "0.00012", "0.00012"},
    {0.00001, "1e-05", "1e-05"},
    {0.000012, "1.2e-05", "1.2e-05"},
    {9.999999999999999e-05, "9.999999999999999e-05", "9.999999999999999e-05"},
    {123456, "123456", "123456.0"},
    {999999.5, "999999.5", "999999.5"},
    {1e6, "1000000", "1e+06"},
    {1234567, "1234567", "1.234567e+06"},
    {1234567.5, "1234567.5", "1.2345675e+06"},
    {1e15, "1000000000000000", "1e+15"},
    {9007199254740992, "9007199254740992", "9.007199254740992e+15"},
    {9999999999999998, "9999999999999998", "9.999999999999998e+15"},
    {1e16, "1e+16", "1e+16"},
    {1.5e16, "1.5e+16", "1.5e+16"},
    {1e23, "1e+23", "1e+23"},
    {1.5e300, "1.5e+300", "1.5e+300"},
    {-1e-100, "-1e-100", "-1e-100"},
    {0x1p-1074, "5e-324", "5e-324"},
    {DBL_MIN, "2.2250738585072014e-308", "2.2250738585072014e-308"},
    {-DBL_MAX, "-1.7976931348623157e+308", "-1.7976931348623157e+308"},
    {2.0 / 3, "0.6666666666666666", "0.6666666666666666"},
    {1 + DBL_EPSILON, "1.0000000000000002", "1.0000000000000002"},
    {INFINITY, "+Inf", "+Inf"},
    {-INFINITY, "-Inf", "-Inf"},
    {NAN, "NaN", "NaN"},
    {-NAN, "NaN", "NaN"},
};

static void assert_layouts(void)
{
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
        assert_text(number_format, layouts[i].value, layouts[i].text);
        assert_text(number_format_le, layouts[i].value, layouts[i].le);
    }
}

static void test_layouts(void **state)
{
    (void)state;
    assert_layouts();
}

static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* No shorter than needed is shown by the exact comparison with Python; this shows not too short. */
static void assert_round_trip(formatter *format, double value)
{
    char text[NUMBER_MAX_BYTES + 1], *end;
    double back;

    text[format(value, text)] = '\0';
    back = strtod(text, &end);
    assert_int_equal(*end, '\0');
    if (memcmp(&back, &value, sizeof(back)) != 0)
        fail_msg("%a became %s", value, text);
}

static void test_round_trip(void **state)
{
    uint64_t x = 88172645463325252U, bits;
    double value;

    (void)state;
    for (int i = 0; i < 300000; i++) {
        bits = next_random(&x);
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value))
            continue;
        assert_round_trip(number_format, value);
        assert_round_trip(number_format_le, value);
        assert_round_trip(number_format, (double)(bits >> 11) * 0x1p-53);
        assert_round_trip(number_format, (double)(int64_t)(bits >> (bits & 63)) / 1000);
    }
    for (int e = -1074; e < 1024; e++) {
        assert_round_trip(number_format, ldexp(1, e));
        assert_round_trip(number_format, nextafter(ldexp(1, e), 0));
        assert_round_trip(number_format, nextafter(ldexp(1, e), INFINITY));
    }
}

static void assert_u64(uint64_t value)
{
    char text[NUMBER_MAX_BYTES + 1], expected[NUMBER_MAX_BYTES + 1];

    text[number_format_u64(value, text)] = '\0';
    snprintf(expected, sizeof(expected), "%llu", (unsigned long long)value);
    assert_string_equal(text, expected);
}

static void test_integers(void **state)
{
    uint64_t power = 1, x = 42;

    (void)state;
    assert_u64(0);
    assert_u64(UINT64_MAX);
    for (int i = 0; i < 20; i++, power *= 10) {
        assert_u64(power);
        assert_u64(power - 1);
        assert_u64(power + 1);
    }
    for (int i = 0; i < 100000; i++) {
        uint64_t value = next_random(&x);

        assert_u64(value >> (value & 63));
    }
}

/* Under a locale with a decimal comma, where the machine has one. test_number_live.py also shows
 * that the library calls nothing that reads the locale. */
static void test_decimal_comma(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8"};
    char with_comma[16] = "";

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !strchr(with_comma, ','); i++)
        if (setlocale(LC_ALL, names[i]))
            snprintf(with_comma, sizeof(with_comma), "%.1f", 0.5);
    if (!strchr(with_comma, ',')) {
        setlocale(LC_ALL, "C");
        print_message("no locale with a decimal comma on this machine\n");
        skip();
    }
    assert_layouts();
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_decimal_comma),
    };

    return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
