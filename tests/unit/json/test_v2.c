/* Unit tests of json/v2: what tests/http/test_v2.py does not see, and the fuzzer's corpus. */
#include "../../fuzz/v2_check.h"
#include "corpus.h"

#include <setjmp.h>
#include <stdarg.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corpus),
        cmocka_unit_test(test_mixed_features),
        cmocka_unit_test(test_nulls_where_they_may_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
