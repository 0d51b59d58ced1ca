/* test_json_writer.c - JSON documents, character by character. */
#include "encode/json_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct buffer out;
static struct json_writer json;

static int setup(void **state)
{
    (void)state;
    buffer_init(&out, 0);
    json_init(&json, &out);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buffer_finish(&out);
    return 0;
}

static void assert_written(const char *expected)
{
    char *data;
    size_t length;

    assert_int_equal(json.depth, 0);
    assert_int_equal(buffer_take(&out, &data, &length), 0);
    assert_int_equal(length, strlen(data));
    assert_string_equal(data, expected);
    free(data);
}

static void test_every_kind_of_member(void **state)
{
    (void)state;
    json_begin_object(&json);
    json_member_string(&json, "status", "healthy");
    json_member_number(&json, "score", 0.1);
    json_member_integer(&json, "n", UINT64_MAX);
    json_member_boolean(&json, "drift", true);
    json_member_boolean(&json, "ready", false);
    json_key(&json, "p_value");
    json_null(&json);
    json_raw_key(&json, "\"prepared\":", 11);
    json_number(&json, 2);
    json_key(&json, "raw");
    json_raw(&json, "[1,2]", 5);
    json_end_object(&json);
    assert_written("{\"status\":\"healthy\",\"score\":0.1,\"n\":18446744073709551615,"
                   "\"drift\":true,\"ready\":false,\"p_value\":null,\"prepared\":2,"
                   "\"raw\":[1,2]}");
}

static void test_commas_after_nested_containers(void **state)
{
    (void)state;
    json_begin_array(&json);
    json_begin_object(&json);
    json_end_object(&json);
    json_begin_array(&json);
    json_end_array(&json);
    json_begin_object(&json);
    json_key(&json, "a");
    json_begin_array(&json);
    json_integer(&json, 1);
    json_begin_array(&json);
    json_boolean(&json, true);
    json_end_array(&json);
    json_string(&json, "x");
    json_end_array(&json);
    json_key(&json, "b");
    json_begin_object(&json);
    json_end_object(&json);
    json_end_object(&json);
    json_raw(&json, "null", 4);
    json_null(&json);
    json_end_array(&json);
    assert_written("[{},[],{\"a\":[1,[true],\"x\"],\"b\":{}},null,null]");
}

static void test_comma_state_is_per_container(void **state)
{
    (void)state;
    json_begin_array(&json);
    for (unsigned i = 0; i < 3; i++) {
        json_begin_object(&json);
        json_member_integer(&json, "i", i);
        json_end_object(&json);
        json_begin_array(&json);
        json_integer(&json, i);
        json_end_array(&json);
    }
    json_end_array(&json);
    assert_written("[{\"i\":0},[0],{\"i\":1},[1],{\"i\":2},[2]]");
}

static void test_numbers(void **state)
{
    static const double values[] = {0, -0.0, 1, 0.5, 1e-5, 1e16, NAN, INFINITY, -INFINITY};

    (void)state;
    json_begin_array(&json);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        json_number(&json, values[i]);
    json_end_array(&json);
    assert_written("[0,-0.0,1,0.5,1e-05,1e+16,null,null,null]");
}

static void test_non_finite_members(void **state)
{
    (void)state;
    json_begin_object(&json);
    json_member_number(&json, "a", NAN);
    json_member_number(&json, "b", 1);
    json_end_object(&json);
    assert_written("{\"a\":null,\"b\":1}");
}

static void test_escapes(void **state)
{
    (void)state;
    json_begin_array(&json);
    json_string(&json, "");
    json_string(&json, "quote \" backslash \\ slash / del \x7f");
    json_string(&json, "\b\f\n\r\t\x01\x1f");
    json_string_bytes(&json, "a\0b", 3);
    json_string(&json, "longer than eight bytes \n and on again for some more\t");
    json_end_array(&json);
    assert_written("[\"\",\"quote \\\" backslash \\\\ slash / del \x7f\","
                   "\"\\b\\f\\n\\r\\t\\u0001\\u001f\",\"a\\u0000b\","
                   "\"longer than eight bytes \\n and on again for some more\\t\"]");
}

#define FFFD "\xef\xbf\xbd"

static void test_utf8(void **state)
{
    (void)state;
    json_begin_object(&json);
    json_member_string(&json,
                       "gr\xc3\xb6\xc3\x9f"
                       "e",
                       "\xe2\x82\xac \xf0\x9f\x98\x80");
    json_member_string(&json, "stray", "\x80 \xff");
    json_member_string(&json, "cut", "\xe2\x82");
    json_member_string(&json, "overlong", "\xc0\xaf");
    json_member_string(&json, "surrogate", "\xed\xa0\x80");
    json_member_string(&json, "too high", "\xf4\x90\x80\x80");
    json_member_string(&json, "k\xff", "");
    json_end_object(&json);
    assert_written("{\"gr\xc3\xb6\xc3\x9f"
                   "e\":\"\xe2\x82\xac \xf0\x9f\x98\x80\","
                   "\"stray\":\"" FFFD " " FFFD "\",\"cut\":\"" FFFD "\","
                   "\"overlong\":\"" FFFD FFFD "\",\"surrogate\":\"" FFFD FFFD FFFD "\","
                   "\"too high\":\"" FFFD FFFD FFFD FFFD "\",\"k" FFFD "\":\"\"}");
}

static void test_deepest_nesting(void **state)
{
    char expected[2 * JSON_MAX_DEPTH + 8] = "";

    (void)state;
    for (int i = 0; i < JSON_MAX_DEPTH; i++) {
        json_begin_array(&json);
        strcat(expected, "[");
    }
    json_integer(&json, 1);
    json_integer(&json, 2);
    strcat(expected, "1,2");
    for (int i = 0; i < JSON_MAX_DEPTH; i++) {
        json_end_array(&json);
        strcat(expected, "]");
    }
    assert_written(expected);
}

static void test_top_level_values(void **state)
{
    (void)state;
    json_begin_object(&json);
    json_end_object(&json);
    buffer_append_char(&out, '\n');
    json_string(&json, "second");
    assert_written("{}\n\"second\"");
}

static void test_survives_failed_buffer(void **state)
{
    char *data;
    size_t length;

    (void)state;
    assert_null(buffer_reserve(&out, SIZE_MAX));
    json_begin_object(&json);
    json_member_number(&json, "a", 1);
    json_member_integer(&json, "b", 1);
    json_member_string(&json, "c", "\n\xff");
    json_end_object(&json);
    assert_int_equal(buffer_take(&out, &data, &length), -ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_kind_of_member, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commas_after_nested_containers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_comma_state_is_per_container, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_non_finite_members, setup, teardown),
        cmocka_unit_test_setup_teardown(test_escapes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_utf8, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deepest_nesting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_top_level_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_survives_failed_buffer, setup, teardown),
    };

    return cmocka_run_group_tests_name("json_writer", tests, NULL, NULL);
}
