/* test_excerpt.c - names and paths as they stand in a sentence: cleaned, and cut with a sign. */
#include "text/excerpt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LONG 5000

static void test_short_names_and_paths_stay(void **state)
{
    (void)state;
    char longest[EXCERPT_PATH_BYTES + 1];

    assert_string_equal(excerpt("age").text, "age");
    assert_string_equal(excerpt("").text, "");
    assert_string_equal(excerpt_path("").text, "");
    assert_string_equal(excerpt_path("/data/m\xc3\xbcnchen.csv").text, "/data/m\xc3\xbcnchen.csv");
    memset(longest, 'd', EXCERPT_PATH_BYTES);
    longest[EXCERPT_PATH_BYTES] = '\0';
    assert_string_equal(excerpt_path(longest).text, longest);
}

static void test_a_name_keeps_its_beginning(void **state)
{
    (void)state;
    char name[LONG + 1];

    memset(name, 'n', LONG);
    name[LONG] = '\0';
    const struct excerpt cut = excerpt(name);
    assert_int_equal(strlen(cut.text), EXCERPT_BYTES + 3);
    assert_string_equal(cut.text + EXCERPT_BYTES - 1, "n...");
}

static void test_a_path_keeps_its_end(void **state)
{
    (void)state;
    char path[LONG + sizeof("/reference.csv")];

    memset(path, 'd', LONG);
    strcpy(path + LONG, "/reference.csv");
    const struct excerpt_path cut = excerpt_path(path);
    assert_int_equal(strlen(cut.text), EXCERPT_PATH_BYTES + 3);
    assert_memory_equal(cut.text, "...d", 4);
    assert_string_equal(cut.text + strlen(cut.text) - strlen("/reference.csv"), "/reference.csv");
}

/* Every offset of the cut within two-byte characters: none is halved. */
static void test_a_cut_is_between_two_characters(void **state)
{
    (void)state;
    char path[LONG];

    for (size_t extra = 0; extra < 4; extra++) {
        memset(path, 'x', extra);
        for (size_t i = 0; i < 400; i += 2)
            memcpy(path + extra + i, "\xc3\xbc", 3);
        strcpy(path + extra + 400, ".csv"); /* moves the cut by the number of x and these */
        path[extra + 400 + extra] = '\0';
        const struct excerpt_path cut = excerpt_path(path);
        assert_memory_equal(cut.text, "...\xc3\xbc", 5);
        assert_null(strchr(cut.text, '?'));
        assert_in_range(strlen(cut.text), EXCERPT_PATH_BYTES + 2, EXCERPT_PATH_BYTES + 3);
    }
}

static void test_control_characters_do_not_get_through(void **state)
{
    (void)state;

    assert_string_equal(excerpt("a\nb\x1b[31m\x7f").text, "a?b?[31m?");
    assert_string_equal(excerpt_path("a\nb\xff.csv").text, "a?b?.csv");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_names_and_paths_stay),
        cmocka_unit_test(test_a_name_keeps_its_beginning),
        cmocka_unit_test(test_a_path_keeps_its_end),
        cmocka_unit_test(test_a_cut_is_between_two_characters),
        cmocka_unit_test(test_control_characters_do_not_get_through),
    };
    return cmocka_run_group_tests_name("excerpt", tests, NULL, NULL);
}
