/* test_options.c - command-line options as a table. */
#include "cli/commands.h"
#include "cli/options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { OPTION_RATE, OPTION_FLAG, OPTION_LIST };

static const struct cli_option options[] = {
    [OPTION_RATE] = {"rate", "X", "a number"},
    [OPTION_FLAG] = {"flag", NULL, "a flag"},
    [OPTION_LIST] = {"list", "A,B", "a list"},
};

static const struct cli_command command = {.name = "test",
                                           .positional = "FILE",
                                           .summary = "Tests.",
                                           .options = options,
                                           .option_count = 3,
                                           .repeatable = 1u << OPTION_LIST,
                                           .max_positionals = 1};

#define MOST_ARGUMENTS 8

/* getopt wants arguments that may be written to. */
static int parse(const char *const *arguments, const char **values, int *first)
{
    char *argv[MOST_ARGUMENTS + 1] = {NULL};
    int count = 0;

    for (; arguments[count]; count++) {
        assert_true(count < MOST_ARGUMENTS);
        argv[count] = (char *)(uintptr_t)arguments[count];
    }
    return cli_parse(&command, count, argv, values, first);
}

#define ARGUMENTS(...)                                                                             \
    (const char *const[])                                                                          \
    {                                                                                              \
        "test", __VA_ARGS__, NULL                                                                  \
    }

static void test_values(void **state)
{
    const char *values[CLI_MAX_OPTIONS];
    int first = 0;

    (void)state;
    assert_int_equal(parse(ARGUMENTS("--rate", "1", "--rate=2", "file"), values, &first), 0);
    assert_string_equal(values[OPTION_RATE], "2"); /* the last one wins */
    assert_null(values[OPTION_FLAG]);
    assert_int_equal(first, 4);
    assert_int_equal(parse(ARGUMENTS("--flag", "--list", "a", "--list", "b,c"), values, &first), 0);
    assert_string_equal(values[OPTION_FLAG], "");
    assert_string_equal(values[OPTION_LIST], "a\nb,c");
}

static void test_refused(void **state)
{
    const char *values[CLI_MAX_OPTIONS];
    int first = 7;

    (void)state;
    assert_int_equal(parse(ARGUMENTS("--unknown"), values, &first), -EINVAL);
    assert_int_equal(parse(ARGUMENTS("--rate"), values, &first), -EINVAL);
    assert_int_equal(parse(ARGUMENTS("--flag=1"), values, &first), -EINVAL);
    assert_int_equal(parse(ARGUMENTS("a", "b"), values, &first), -EINVAL);
    assert_int_equal(first, 7);
    assert_int_equal(parse(ARGUMENTS("--help"), values, &first), CLI_HELP);
}

static void test_numbers(void **state)
{
    unsigned long long whole = 9;
    double number = 9;

    (void)state;
    assert_int_equal(cli_integer(&command, "rate", NULL, 1, 10, &whole), 0);
    assert_int_equal(cli_integer(&command, "rate", "10", 1, 10, &whole), 0);
    assert_int_equal(whole, 10);
    static const char *const wrong[] = {
        "0", "11", "", "-1", "+1", "1.5", "1x", " 1", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(cli_integer(&command, "rate", wrong[i], 1, 10, &whole), -EINVAL);
    assert_int_equal(whole, 10);
    assert_int_equal(cli_number(&command, "rate", "2.5", 1, 10, &number), 0);
    assert_true(number == 2.5);
    assert_int_equal(cli_number(&command, "rate", "nan", 1, 10, &number), -EINVAL);
    assert_int_equal(cli_number(&command, "rate", "10.1", 1, 10, &number), -EINVAL);
    assert_int_equal(cli_log(&command, "loud", NULL), -EINVAL);
    assert_int_equal(cli_log(&command, NULL, "xml"), -EINVAL);
}

static void test_a_configuration_in_memory(void **state)
{
    static const char path[] = "test_options.csv";
    static const char text[] = "models:\n  - {name: m, reference: test_options.csv, scorer: {type: "
                               "none},\n     features: [{name: x}]}\n";
    static const char wrong[] = "models: 5\n";
    struct error error = {""};
    FILE *file = fopen(path, "w");

    (void)state;
    assert_non_null(file);
    fputs("x\n1\n2\n", file);
    fclose(file);
    if (validate_text("test", text, strlen(text), "drift.yml", &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(validate_text("test", wrong, strlen(wrong), "drift.yml", &error), -EINVAL);
    assert_non_null(strstr(error.text, "drift.yml:1: models: "));
    unlink(path);
    assert_int_equal(validate_text("test", text, strlen(text), "drift.yml", &error), -ENOENT);
    assert_non_null(strstr(error.text, "drift.yml: model \"m\": reference"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_a_configuration_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
