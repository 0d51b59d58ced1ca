/* Unit tests of report/print.c: numbers as people read them, and texts that cannot be markup. */
#include "report/print.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {1, "1"},
        {-0.254, "-0.254"},
        {0.25449, "0.254"},
        {123456.7, "123457"},
        {1234.5, "1234"},
        {1e6, "1e+06"},
        {1e-5, "1e-05"},
        {NAN, "none"},
        {99999.6, "100000"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(number_words(cases[i].value).text, cases[i].text);
    assert_string_equal(percent_words(0).text, "0 %");
    assert_string_equal(percent_words(0.0004).text, "0.04 %");
    assert_string_equal(percent_words(0.012).text, "1.2 %");
    assert_string_equal(percent_words(0.31).text, "31 %");
    assert_string_equal(percent_words(1).text, "100 %");
}

static void test_pairs_differ_if_their_numbers_do(void **state)
{
    (void)state;
    struct number_pair pair = pair_words(1000.1, 1000.3);
    assert_string_equal(pair.from.text, "1000.1");
    assert_string_equal(pair.to.text, "1000.3");
    pair = pair_words(0.1, nextafter(0.1, 1));
    assert_string_not_equal(pair.from.text, pair.to.text);
    pair = percent_pair_words(0.121, 0.124);
    assert_string_equal(pair.from.text, "12.1 %");
    assert_string_equal(pair.to.text, "12.4 %");
}

static void check_html(const char *text, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 0);
    print_html(&out, text);
    buffer_append_char(&out, '\0');
    assert_string_equal(out.data, expected);
    buffer_finish(&out);
}

static void test_html(void **state)
{
    (void)state;
    check_html("a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#39;");
    check_html("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
    check_html("\xff\x01\x7f\xc2\x85", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_pairs_differ_if_their_numbers_do),
        cmocka_unit_test(test_html),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
