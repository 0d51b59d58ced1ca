/* Unit tests of json/v2: what tests/http/test_v2.py does not see, and the fuzzer's corpus. */
#include "../../fuzz/v2_check.h"
#include "corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka.h needs the headers above */
#include <cmocka.h>

static void replay(const char *path, const char *bytes, size_t length)
{
    (void)path;
    v2_check(bytes, length);
}

static void test_corpus(void **state)
{
    (void)state;
    assert_true(corpus_replay("v2", replay) >= 13);
    assert_true(corpus_replay("json", replay) > 0);
}

static int decode(const char *body, size_t schema, struct v2_request *request)
{
    struct input_error error;

    return v2_request_decode(body, strlen(body), &v2_schemas[schema], true, V2_MAX_ROWS, request,
                             &error);
}

static void test_mixed_features(void **state)
{
    struct v2_request request;

    (void)state;
    assert_int_equal(
        decode("{\"id\": \"a\", \"inputs\": ["
               "{\"name\": \"sex\", \"shape\": [2, 1], \"datatype\": \"BYTES\", \"data\": [\"m\", "
               "\"\"]}, {\"name\": \"x\", \"shape\": [2], \"datatype\": \"INT16\", \"data\": [-1, "
               "2]}, {\"name\": \"age\", \"shape\": [2], \"datatype\": \"BOOL\", \"data\": [true, "
               "false]}], \"outputs\": [{\"name\": \"prediction_class\"}]}",
               0, &request),
        0);
    assert_string_equal(request.id, "a");
    assert_int_equal(request.count, 2);
    assert_int_equal(request.output_count, 1);
    assert_int_equal(request.outputs[0], V2_PREDICTION_CLASS);
    assert_true(request.rows[0].value[0].number == 1.0 && request.rows[1].value[0].number == 0.0);
    assert_string_equal(request.rows[0].value[1].text, "m");
    assert_int_equal(request.rows[1].value[1].text_bytes, 0);
    assert_true(request.rows[0].value[2].number == -1.0 && request.rows[1].value[2].number == 2.0);
    v2_request_finish(&request);
}

static void test_nulls_where_they_may_be(void **state)
{
    static const char *const allowed = "{\"inputs\": [{\"name\": \"in\", \"shape\": [1, 3], "
                                       "\"datatype\": \"FP32\", \"data\": [null, null, 1]}]}";
    static const char *const refused = "{\"inputs\": [{\"name\": \"in\", \"shape\": [1, 3], "
                                       "\"datatype\": \"FP32\", \"data\": [1, 1, null]}]}";
    struct v2_request request;

    (void)state;
    assert_int_equal(decode(allowed, 1, &request), 0);
    assert_true(isnan(request.rows[0].value[0].number) && isnan(request.rows[0].value[1].number));
    v2_request_finish(&request);
    assert_int_equal(decode(refused, 1, &request), -EINVAL);
}

static int decode_with(const char *member, struct v2_request *request, struct input_error *error)
{
    char body[600];

    snprintf(body, sizeof(body),
             "{%s, \"inputs\": [{\"name\": \"in\", \"shape\": [1, 3], \"datatype\": \"FP32\", "
             "\"parameters\": null, \"data\": [1, 2, 3]}]}",
             member);
    return v2_request_decode(body, strlen(body), &v2_schemas[1], true, V2_MAX_ROWS, request, error);
}

static void test_optional_members_may_be_null(void **state)
{
    struct v2_request request;
    struct input_error error;

    (void)state;
    assert_int_equal(
        decode_with("\"id\": null, \"parameters\": null, \"outputs\": null", &request, &error), 0);
    assert_null(request.id);
    assert_int_equal(request.output_count, V2_OUTPUT_COUNT);
    v2_request_finish(&request);
    assert_int_equal(decode_with("\"outputs\": 5", &request, &error), -EINVAL);
    assert_int_equal(decode_with("\"parameters\": []", &request, &error), -EINVAL);
}

/* What one endpoint takes as an id every endpoint takes: 1 to 128 bytes. */
static void test_ids(void **state)
{
    char member[200], id[OBSERVATION_ID_MAX_BYTES + 2];
    struct v2_request request;
    struct input_error error;

    (void)state;
    memset(id, 'x', sizeof(id));
    id[OBSERVATION_ID_MAX_BYTES + 1] = '\0';
    snprintf(member, sizeof(member), "\"id\": \"%s\"", id);
    assert_int_equal(decode_with(member, &request, &error), -EINVAL);
    assert_int_equal(error.status, 400);
    assert_string_equal(error.detail, "\"id\" must have 1 to 128 bytes, got 129");
    assert_int_equal(decode_with("\"id\": \"\"", &request, &error), -EINVAL);
    snprintf(member, sizeof(member), "\"id\": \"%s\"", id + 1);
    assert_int_equal(decode_with(member, &request, &error), 0);
    assert_string_equal(request.id, id + 1);
    v2_request_finish(&request);
}

static void test_booleans_of_a_categorical_feature(void **state)
{
    struct v2_request request;

    (void)state;
    assert_int_equal(
        decode("{\"inputs\": [{\"name\": \"age\", \"shape\": [3], \"datatype\": "
               "\"BOOL\", \"data\": [true, false, true]}, {\"name\": \"sex\", \"shape\": "
               "[3], \"datatype\": \"BOOL\", \"data\": [true, false, true]}, {\"name\": "
               "\"x\", \"shape\": [3], \"datatype\": \"FP64\", \"data\": [0, 0, 0]}]}",
               0, &request),
        0);
    assert_string_equal(request.rows[0].value[1].text, "true");
    assert_string_equal(request.rows[1].value[1].text, "false");
    assert_true(request.rows[2].value[0].number == 1 && !request.rows[2].value[0].text);
    v2_request_finish(&request);
    assert_int_equal(decode("{\"inputs\": [{\"name\": \"age\", \"shape\": [1], \"datatype\": "
                            "\"FP32\", \"data\": [1]}, {\"name\": \"sex\", \"shape\": [1], "
                            "\"datatype\": \"BYTES\", \"data\": [\"True\"]}, {\"name\": \"x\", "
                            "\"shape\": [1], \"datatype\": \"FP64\", \"data\": [0]}]}",
                            0, &request),
                     0);
    assert_string_equal(request.rows[0].value[1].text, "true");
    v2_request_finish(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corpus),
        cmocka_unit_test(test_mixed_features),
        cmocka_unit_test(test_nulls_where_they_may_be),
        cmocka_unit_test(test_optional_members_may_be_null),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_booleans_of_a_categorical_feature),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
