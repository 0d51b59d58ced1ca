/* Unit tests of encode/yaml_text. That a YAML reader agrees is tested by tests/check/test_init.py.
 */
#include "encode/yaml_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the headers above */
#include <cmocka.h>

#include <stdlib.h>

static void check(void (*write)(struct buffer *, const char *), const char *text, const char *want)
{
    struct buffer buffer;
    char *got;
    size_t bytes;

    buffer_init(&buffer, 0);
    write(&buffer, text);
    assert_int_equal(buffer_take(&buffer, &got, &bytes), 0);
    assert_string_equal(got ? got : "", want);
    free(got);
}

static void test_text(void **state)
{
    static const char *const cases[][2] = {
        {"age", "age"},
        {"Home.dest_2", "Home.dest_2"},
        {"a-b", "a-b"},
        {"", "\"\""},
        {"yes", "\"yes\""},
        {"NO", "\"NO\""},
        {"Null", "\"Null\""},
        {"nullable", "nullable"},
        {"12", "\"12\""},
        {"-", "\"-\""},
        {"a b", "\"a b\""},
        {"a: b", "\"a: b\""},
        {"#", "\"#\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"größe", "\"größe\""},
        {"🎉", "\"🎉\""},
        {"a\nb\tc", "\"a\\x0ab\\x09c\""},
        {"\xc2\x85", "\"\\x85\""},
        {"\xe2\x80\xa8", "\"\\u2028\""},
        {"\xef\xbb\xbf", "\"\\ufeff\""},
        {"\xf0\x9f\xbf\xbe", "\"\\U0001fffe\""},
        {"a\xff", "\"a\xef\xbf\xbd\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(yaml_text, cases[i][0], cases[i][1]);
}

static void test_comment(void **state)
{
    (void)state;
    check(yaml_comment_text, "", "");
    check(yaml_comment_text, "größe # \"x\": 1", "größe # \"x\": 1");
    check(yaml_comment_text,
          "a\r\nb\xe2\x80\xa9"
          "c\xc2\x85\xff",
          "a??b?c??");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_comment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
