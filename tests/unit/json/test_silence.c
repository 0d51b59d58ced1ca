/* Unit tests of json/silence.c: what a page asks for as Alertmanager's silence, and what is
 * refused. */
#include "json/silence.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char alerts[] =
    "[{\"fingerprint\":\"f0\",\"labels\":{\"alertname\":\"Other\"}},"
    "{\"fingerprint\":\"f1\",\"labels\":{\"alertname\":\"A\",\"feature\":\"x\\\"y\"}},"
    "{\"fingerprint\":\"f2\",\"labels\":{}}]";

static int make(const char *body, struct buffer *out, struct input_error *error)
{
    return silence_of_body(body, strlen(body), alerts, sizeof(alerts) - 1, 1700000000000, out,
                           error);
}

static void test_every_label_is_matched(void **state)
{
    (void)state;
    struct buffer out;
    struct input_error error = {0};
    buffer_init(&out, 64);
    assert_int_equal(make("{\"alert\":\"f1\",\"author\":\"Ada\",\"seconds\":7200}", &out, &error),
                     0);
    buffer_append_char(&out, '\0');
    assert_string_equal(
        out.data, "{\"matchers\":[{\"name\":\"alertname\",\"value\":\"A\",\"isRegex\":false,"
                  "\"isEqual\":true},{\"name\":\"feature\",\"value\":\"x\\\"y\",\"isRegex\":false,"
                  "\"isEqual\":true}],\"startsAt\":\"2023-11-14T22:13:20.000Z\",\"endsAt\":"
                  "\"2023-11-15T00:13:20.000Z\",\"createdBy\":\"Ada\",\"comment\":\"from the "
                  "dashboard\"}");
    buffer_finish(&out);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        unsigned status;
    } cases[] = {
        {"{\"alert\":\"gone\",\"author\":\"a\",\"seconds\":1}", 404},
        {"{\"alert\":\"f2\",\"author\":\"a\",\"seconds\":1}", 404},
        {"{\"author\":\"a\",\"seconds\":1}", 422},
        {"{\"alert\":\"f1\",\"seconds\":1}", 422},
        {"{\"alert\":\"f1\",\"author\":\"\",\"seconds\":1}", 422},
        {"{\"alert\":\"f1\",\"author\":3,\"seconds\":1}", 422},
        {"{\"alert\":\"f1\",\"author\":\"a\"}", 422},
        {"{\"alert\":\"f1\",\"author\":\"a\",\"seconds\":0}", 422},
        {"{\"alert\":\"f1\",\"author\":\"a\",\"seconds\":1e9}", 422},
        {"{\"alert\":\"f1\",\"author\":\"a\",\"seconds\":1,\"matchers\":[]}", 422},
        {"[]", 400},
        {"{", 400},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer out;
        struct input_error error = {0};
        buffer_init(&out, 64);
        assert_int_equal(make(cases[i].body, &out, &error), -EINVAL);
        if (error.status != cases[i].status)
            fail_msg("%s: %u, %s", cases[i].body, error.status, error.detail);
        assert_int_equal(out.length, 0);
        buffer_finish(&out);
    }
}

static void test_what_is_json(void **state)
{
    (void)state;
    assert_true(json_text_is_valid("[]", 2));
    assert_true(json_text_is_valid("{\"a\": [1]}", 10));
    assert_false(json_text_is_valid("{", 1));
    assert_false(json_text_is_valid("[]x", 3));
    assert_false(json_text_is_valid("", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_label_is_matched),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_what_is_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
