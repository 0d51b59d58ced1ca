/* Unit tests of json/input.c and its readers: every accepted form, every refusal and its sentence.
 */
#include "json/input.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the headers above */
#include <cmocka.h>

#include "corpus.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_INSTANCES 3

static const char *const five_names[] = {"feature_0", "feature_1", "feature_2", "feature_3",
                                         "feature_4"};
static const bool five_kinds[5];
static const struct schema five = {5, five_names, five_kinds, false, NULL};

static const char *const mixed_names[] = {"age", "sex"};
static const bool mixed_kinds[] = {false, true};
static const struct schema mixed = {2, mixed_names, mixed_kinds, false, NULL};
static const struct schema lenient = {2, mixed_names, mixed_kinds, true, NULL};

static const char *const odd_names[] = {"features", "id"};
static const struct schema odd = {2, odd_names, five_kinds, false, NULL};

static int decode(const struct schema *schema, const char *body, struct input_request *request,
                  struct input_error *error)
{
    return input_predict_decode(body, strlen(body), schema, MAX_INSTANCES, request, error);
}

static void accept(const struct schema *schema, const char *body, struct input_request *request)
{
    struct input_error error = {0};
    int r = decode(schema, body, request, &error);

    if (r != 0)
        fail_msg("%s: %d, %u %s", body, r, error.status, error.detail);
}

static void refuse(const struct schema *schema, const char *body, unsigned status,
                   const char *detail)
{
    struct input_request request;
    struct input_error error = {0};

    assert_int_equal(decode(schema, body, &request, &error), -EINVAL);
    if (error.status != status || strcmp(error.detail, detail) != 0)
        fail_msg("%s:\ngot  %u %s\nwant %u %s", body, error.status, error.detail, status, detail);
}

/* Texts of the quick path are not terminated. */
static void expect_text(const char *text, size_t bytes, const char *want)
{
    assert_non_null(text);
    assert_int_equal(bytes, strlen(want));
    assert_memory_equal(text, want, bytes);
}

static void test_single_row(void **state)
{
    static const double want[] = {0.5, -0.3, 0.8, 2.0, -1e-3};
    static const char *const bodies[] = {
        "{\"features\": [0.5, -0.3, 0.8, 2, -1e-3]}",
        ("{\"features\": {\"feature_4\": -0.001, \"feature_0\": 5e-1, \"feature_1\": -0.3,"
         " \"feature_2\": 0.8, \"feature_3\": 2}}"),
        " {\"features\": [0.5, -0.3, 0.8, 2.0, -0.001], \"id\": null, \"sent_at\": [1, {}]}\r\n",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(bodies); i++) {
        struct input_request request;

        accept(&five, bodies[i], &request);
        assert_int_equal(request.count, 1);
        assert_false(request.batch);
        assert_null(request.rows[0].id);
        for (size_t f = 0; f < 5; f++) {
            assert_true(request.rows[0].value[f].number == want[f]);
            assert_null(request.rows[0].value[f].text);
        }
        input_request_finish(&request);
    }
}

static void test_id_and_text(void **state)
{
    struct input_request request;

    (void)state;
    accept(&mixed, "{\"id\": \"a-1\", \"features\": [22, \"f\\u00e9male\"]}", &request);
    expect_text(request.rows[0].id, request.rows[0].id_bytes, "a-1");
    assert_true(request.rows[0].value[0].number == 22.0);
    expect_text(request.rows[0].value[1].text, request.rows[0].value[1].text_bytes,
                "f\xc3\xa9male");
    assert_int_equal(request.rows[0].value[1].text_bytes, 7);
    input_request_finish(&request);
    accept(&mixed, "{\"features\": {\"sex\": \"\", \"age\": -0.0}}", &request);
    assert_int_equal(request.rows[0].value[1].text_bytes, 0);
    expect_text(request.rows[0].value[1].text, request.rows[0].value[1].text_bytes, "");
    input_request_finish(&request);
}

static void test_batch_of_every_form(void **state)
{
    struct input_request request;

    (void)state;
    accept(&mixed,
           "{\"instances\": [[1, \"a\"], {\"sex\": \"b\", \"age\": 2},"
           " {\"features\": [3, \"c\"], \"id\": \"third\"}]}",
           &request);
    assert_true(request.batch);
    assert_int_equal(request.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(request.rows[i].value[0].number == (double)i + 1.0);
        assert_int_equal(request.rows[i].value[1].text[0], "abc"[i]);
    }
    assert_null(request.rows[0].id);
    expect_text(request.rows[2].id, request.rows[2].id_bytes, "third");
    input_request_finish(&request);
    accept(&mixed, "{\"instances\": [{\"features\": {\"age\": 1, \"sex\": \"m\"}}]}", &request);
    assert_true(request.batch);
    assert_int_equal(request.count, 1);
    input_request_finish(&request);
}

/* A schema with a feature of that name: an instance is never the wrapped form. */
static void test_feature_named_features(void **state)
{
    struct input_request request;

    (void)state;
    accept(&odd, "{\"instances\": [{\"features\": 1, \"id\": 2}, [3, 4]]}", &request);
    assert_true(request.rows[0].value[0].number == 1.0);
    assert_true(request.rows[0].value[1].number == 2.0);
    assert_null(request.rows[0].id);
    input_request_finish(&request);
    accept(&odd, "{\"features\": {\"features\": 1, \"id\": 2}, \"id\": \"x\"}", &request);
    expect_text(request.rows[0].id, request.rows[0].id_bytes, "x");
    input_request_finish(&request);
    refuse(&odd, "{\"instances\": [{\"features\": [1, 2]}]}", 422,
           "instance 0: feature \"features\" must be a finite number, got an array");
}

static void test_missing_values(void **state)
{
    static const char *const bodies[] = {"{\"features\": [null, null]}", "{\"features\": {}}",
                                         "{\"features\": {\"sex\": null}}"};
    struct input_request request;

    (void)state;
    for (size_t i = 0; i < LENGTH(bodies); i++) {
        accept(&lenient, bodies[i], &request);
        for (size_t f = 0; f < 2; f++) {
            assert_true(isnan(request.rows[0].value[f].number));
            assert_null(request.rows[0].value[f].text);
        }
        input_request_finish(&request);
    }
    refuse(&lenient, "{\"features\": [1]}", 422, "expected 2 features (age, sex), got 1");
    refuse(&lenient, "{\"features\": {\"agee\": 1}}", 422,
           "unknown feature \"agee\"; the model has age, sex");
    refuse(&mixed, "{\"features\": [null, \"m\"]}", 422,
           "feature \"age\" must be a finite number, got null");
    refuse(&mixed, "{\"features\": {\"age\": 1}}", 422, "feature \"sex\" is missing");
}

/* More features than the request holds inline. */
static void test_many_features(void **state)
{
    enum { MANY = 300 };
    static char names[MANY][8], body[MANY * 8];
    static const bool numeric[MANY];
    const char *name[MANY];
    struct schema schema = {MANY, name, numeric, false, NULL};
    struct input_request request;
    size_t used = 0;

    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        name[i] = names[i];
        snprintf(names[i], sizeof(names[i]), "x%zu", i);
        used += (size_t)snprintf(body + used, sizeof(body) - used, "%s%zu",
                                 i ? "," : "{\"features\":[", i);
    }
    snprintf(body + used, sizeof(body) - used, "]}");
    accept(&schema, body, &request);
    for (size_t i = 0; i < MANY; i++)
        assert_true(request.rows[0].value[i].number == (double)i);
    input_request_finish(&request);
    refuse(&schema, "{\"features\": []}", 422,
           "expected 300 features (x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, ...), got 0");
    refuse(&schema, "{\"features\": {\"y\": 1}}", 422,
           "unknown feature \"y\"; the model has x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, ...");
}

static void test_malformed(void **state)
{
    static const struct {
        const char *body, *detail;
    } cases[] = {
        {"", "the body is empty; a JSON object is expected"},
        {" \r\n\t", "the body is empty; a JSON object is expected"},
        {"[1, 2]", "the body must be a JSON object, got an array"},
        {"\"x\"", "the body must be a JSON object, got a string"},
        {"true", "the body must be a JSON object, got a boolean"},
        {"1e999", "the body must be a JSON object, got a number"},
        {"[[1e999]]", "the body must be a JSON object, got an array"},
        {"{\"features\": [1, 2", "malformed JSON at line 1, column 18: ']' expected near end of "
                                 "file"},
        {"{\"features\": [1,]}", "malformed JSON at line 1, column 17: unexpected token near ']'"},
        {"{\"features\":\n [NaN]}",
         "malformed JSON at line 2, column 5: invalid token near 'NaN'; "
         "JSON has no NaN or Infinity, and a finite number is needed here"},
        {"{\"features\": [-Infinity]}", "malformed JSON at line 1, column 15: invalid token near "
                                        "'-'; JSON has no NaN or Infinity, "
                                        "and a finite number is needed here"},
        {"{\"features\": [nan]}", "malformed JSON at line 1, column 17: invalid token near 'nan'; "
                                  "JSON has no NaN or Infinity, "
                                  "and a finite number is needed here"},
        {"{\"features\": [+inf]}", "malformed JSON at line 1, column 15: invalid token near '+'; "
                                   "JSON has no NaN or Infinity, "
                                   "and a finite number is needed here"},
        {"{\"features\": [nano]}",
         "malformed JSON at line 1, column 18: invalid token near 'nano'"},
        {"{\"features\": [Infinity]}", "malformed JSON at line 1, column 22: invalid token near "
                                       "'Infinity'; JSON has no NaN or Infinity, and "
                                       "a finite number is needed here"},
        {"{\"features\": [01]}", "malformed JSON at line 1, column 15: invalid token near '0'"},
        {"{} {}", "malformed JSON at line 1, column 4: end of file expected near '{'"},
        {"{\"a\": 1, \"a\": 2}",
         "malformed JSON at line 1, column 12: duplicate object key near '\"a\"'"},
        {"{\"a\": \"\\u0000\"}",
         "malformed JSON at line 1, column 14: a string must not contain \\u0000"},
        {"{\"a\": \"\xff\"}",
         "malformed JSON at line 1, column 7: unable to decode byte 0xff near '\"'"},
        {"{\"a\": \"\x01\"}",
         "malformed JSON at line 1, column 7: control character 0x1 near '\"'"},
        {"{'a': 1}", "malformed JSON at line 1, column 2: string or '}' expected near '''"},
        {"\xef\xbb\xbf{}", "malformed JSON at line 1, column 1: invalid token near '\xef\xbb\xbf'"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        refuse(&five, cases[i].body, 400, cases[i].detail);
}

static void test_wrong_content(void **state)
{
    static const struct {
        const char *body, *detail;
    } cases[] = {
        {"{}", "\"features\" or \"instances\" is missing"},
        {"{\"features\": [1, \"a\"], \"instances\": []}",
         "\"features\" and \"instances\" exclude each other"},
        {"{\"features\": 1}",
         "\"features\" must be an array or an object of features, got a number"},
        {"{\"features\": null}",
         "\"features\" must be an array or an object of features, got null"},
        {"{\"features\": [1]}", "expected 2 features (age, sex), got 1"},
        {"{\"features\": [1, \"a\", 2]}", "expected 2 features (age, sex), got 3"},
        {"{\"features\": [\"1\", \"a\"]}", "feature \"age\" must be a finite number, got a string"},
        {"{\"features\": [true, \"a\"]}", "feature \"age\" must be a finite number, got a boolean"},
        {"{\"features\": [[1], \"a\"]}", "feature \"age\" must be a finite number, got an array"},
        {"{\"features\": [{}, \"a\"]}", "feature \"age\" must be a finite number, got an object"},
        {"{\"features\": [1, 2]}", "feature \"sex\" must be a string or a boolean, got a number"},
        {"{\"features\": {\"age\": 1, \"sex\": \"m\", \"fare\": 2}}",
         "unknown feature \"fare\"; the model has age, sex"},
        {"{\"features\": [1e999, \"a\"]}", "feature \"age\" must be a finite number, got 1e999"},
        {"{\"features\": {\"sex\": \"{[,:\\\"\", \"age\": -1e400}}",
         "feature \"age\" must be a finite number, got -1e400"},
        {"{\"features\": [1, 1e999]}", "feature \"sex\" must be a string or a boolean, got 1e999"},
        {"{\"features\": [1, \"a\", 1e999]}",
         "the number 1e999 is outside the range of a 64-bit float (element 2)"},
        {"{\"features\": {\"fare\": 1e999}}",
         "the number 1e999 is outside the range of a 64-bit float (\"fare\")"},
        {"{\"a\": [[[[[[1e999]]]]]]}",
         "the number 1e999 is outside the range of a 64-bit float (element 0)"},
        {"{\"id\": 7, \"features\": [1, \"a\"]}", "\"id\" must be a string, got a number"},
        {"{\"id\": \"\", \"features\": [1, \"a\"]}", "\"id\" must have 1 to 128 bytes, got 0"},
        {"{\"instances\": {}}", "\"instances\" must be an array, got an object"},
        {"{\"instances\": []}", "\"instances\" is empty; at least one is expected"},
        {"{\"instances\": [[1, \"a\"]], \"id\": \"x\"}",
         "\"id\" belongs beside \"features\" in an instance, not beside \"instances\""},
        {"{\"instances\": [[1, \"a\"], 7]}",
         "instance 1: an instance must be an array or an object of features, got a number"},
        {"{\"instances\": [[1, \"a\"], [1]]}", "instance 1: expected 2 features (age, sex), got 1"},
        {"{\"instances\": [[1, \"a\"], {\"age\": 1}]}", "instance 1: feature \"sex\" is missing"},
        {"{\"instances\": [{\"features\": 1}]}",
         "instance 0: unknown feature \"features\"; the model has age, sex"},
        {"{\"instances\": [{\"features\": [1, \"a\"], \"id\": 1}]}",
         "instance 0: \"id\" must be a string, got a number"},
        {"{\"instances\": [[1, \"a\"], [1e999, \"a\"]]}",
         "instance 1: feature \"age\" must be a finite number, got 1e999"},
        {"{\"instances\": [[1, \"a\"], {\"age\": 1e999}]}",
         "instance 1: feature \"age\" must be a finite number, got 1e999"},
        {"{\"instances\": [{\"features\": {\"age\": 1e999}}]}",
         "instance 0: feature \"age\" must be a finite number, got 1e999"},
        {"{\"instances\": [{\"features\": [1e999]}]}",
         "instance 0: feature \"age\" must be a finite number, got 1e999"},
        {"{\"instances\": [1e999]}",
         "instance 0: the number 1e999 is outside the range of a 64-bit float (element 0)"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        refuse(&mixed, cases[i].body, 422, cases[i].detail);
    refuse(&mixed, "{\"instances\": [0, 0, 0, 0]}", 413,
           "too many instances: 4, at most 3 in one request");
}

static void test_one_feature_is_singular(void **state)
{
    struct schema one = {1, mixed_names, mixed_kinds, false, NULL};

    (void)state;
    refuse(&one, "{\"features\": []}", 422, "expected 1 feature (age), got 0");
}

static void test_id_length(void **state)
{
    char body[400], id[OBSERVATION_ID_MAX_BYTES + 2];
    struct input_request request;

    (void)state;
    memset(id, 'x', sizeof(id));
    id[OBSERVATION_ID_MAX_BYTES] = '\0';
    snprintf(body, sizeof(body), "{\"features\": [1, \"a\"], \"id\": \"%s\"}", id);
    accept(&mixed, body, &request);
    expect_text(request.rows[0].id, request.rows[0].id_bytes, id);
    input_request_finish(&request);
    id[OBSERVATION_ID_MAX_BYTES] = 'x';
    id[OBSERVATION_ID_MAX_BYTES + 1] = '\0';
    snprintf(body, sizeof(body), "{\"features\": [1, \"a\"], \"id\": \"%s\"}", id);
    refuse(&mixed, body, 422, "\"id\" must have 1 to 128 bytes, got 129");
}

/* What a client wrote is cut between characters, and cannot forge a line. */
static void test_echoed_text_is_cut(void **state)
{
    char body[400] = "{\"features\": {\"a", want[400] = "unknown feature \"a";

    (void)state;
    for (size_t i = 0; i < 40; i++)
        strcat(body, "\xc3\xa9");
    for (size_t i = 0; i < 31; i++)
        strcat(want, "\xc3\xa9");
    strcat(body, "\": 1}}");
    strcat(want, "...\"; the model has age, sex");
    refuse(&mixed, body, 422, want);
    refuse(&mixed, "{\"features\": {\"a\\nb\\u007f\": 1}}", 422,
           "unknown feature \"a?b?\"; the model has age, sex");
}

/* The longest sentence there is fits. */
static void test_long_names(void **state)
{
    static char names[12][129], body[200] = "{\"features\": {\"";
    static const bool numeric[12];
    const char *name[12];
    struct schema schema = {12, name, numeric, false, NULL};
    struct input_request request;
    struct input_error error = {0};

    (void)state;
    for (size_t i = 0; i < 12; i++) {
        memset(names[i], 'a' + (int)i, 128);
        name[i] = names[i];
    }
    memset(body + strlen(body), 'z', 128);
    strcat(body, "\": 1}}");
    assert_int_equal(decode(&schema, body, &request, &error), -EINVAL);
    assert_int_equal(error.status, 422);
    assert_true(strlen(error.detail) < INPUT_ERROR_BYTES - 1);
    assert_non_null(strstr(error.detail, "zzz...\"; the model has aaa"));
    assert_string_equal(error.detail + strlen(error.detail) - 5, ", ...");
}

static char *nested(const char *before, const char *open, size_t depth)
{
    char *body = calloc(1, strlen(before) + depth * strlen(open) + 1);
    char *end;

    assert_non_null(body);
    end = stpcpy(body, before);
    for (size_t i = 0; i < depth; i++)
        end = stpcpy(end, open);
    return body;
}

static void test_depth(void **state)
{
    char *arrays = nested("{\"features\": ", "[", 100000);
    char *objects = nested("", "{\"a\":", 100000);

    (void)state;
    refuse(&five, arrays, 400,
           "malformed JSON at line 1, column 2061: maximum parsing depth reached near '['");
    refuse(&five, objects, 400,
           "malformed JSON at line 1, column 10241: maximum parsing depth reached near '{'");
    free(arrays);
    free(objects);
}

static void test_body_needs_no_terminator(void **state)
{
    const char body[] = {'{', '"', 'f', 'e', 'a', 't', 'u', 'r', 'e', 's',
                         '"', ':', '[', '1', ',', '"', 'm', '"', ']', '}'};
    char *copy = malloc(sizeof(body));
    struct input_request request;
    struct input_error error;

    (void)state;
    assert_non_null(copy);
    memcpy(copy, body, sizeof(body));
    assert_int_equal(input_predict_decode(copy, sizeof(body), &mixed, 1, &request, &error), 0);
    input_request_finish(&request);
    assert_int_equal(input_predict_decode("{}\0", 3, &mixed, 1, &request, &error), -EINVAL);
    assert_int_equal(error.status, 400);
    free(copy);
}

static void refuse_simulation(const char *body, unsigned status, const char *detail)
{
    struct input_simulation simulation = {.severity = 0.25, .n_requests = 7, .kind = "mixed"};
    struct input_simulation before = simulation;
    struct input_error error = {0};

    assert_int_equal(input_simulation_decode(body, strlen(body), &simulation, &error), -EINVAL);
    if (error.status != status || strcmp(error.detail, detail) != 0)
        fail_msg("%s:\ngot  %u %s\nwant %u %s", body, error.status, error.detail, status, detail);
    assert_memory_equal(&simulation, &before, sizeof(before));
}

static void test_simulation(void **state)
{
    static const char *const defaults[] = {"", " \n", "{}", "{\"severity\": null, \"kind\": null}"};
    struct input_simulation simulation = {.severity = 0.5, .n_requests = 100, .kind = "mixed"};
    const char *body = "{\"severity\": 1, \"n_requests\": 150, \"kind\": \"scaled\","
                       " \"features\": [\"age\", \"sex\"]}";
    struct input_error error;

    (void)state;
    for (size_t i = 0; i < LENGTH(defaults); i++) {
        assert_int_equal(
            input_simulation_decode(defaults[i], strlen(defaults[i]), &simulation, &error), 0);
        assert_true(simulation.severity == 0.5);
        assert_int_equal(simulation.n_requests, 100);
        assert_string_equal(simulation.kind, "mixed");
        assert_null(simulation.features);
        input_simulation_finish(&simulation);
    }
    assert_int_equal(input_simulation_decode(body, strlen(body), &simulation, &error), 0);
    assert_true(simulation.severity == 1.0);
    assert_int_equal(simulation.n_requests, 150);
    assert_string_equal(simulation.kind, "scaled");
    assert_int_equal(simulation.feature_count, 2);
    assert_string_equal(simulation.features[1], "sex");
    input_simulation_finish(&simulation);
    assert_null(simulation.features);
}

static void test_simulation_refusals(void **state)
{
    static const struct {
        const char *body, *detail;
    } cases[] = {
        {"{\"severity\": \"0.5\"}", "\"severity\" must be a number from 0 to 1, got a string"},
        {"{\"severity\": 1.5}", "\"severity\" must be from 0 to 1, got 1.5"},
        {"{\"severity\": -1}", "\"severity\" must be from 0 to 1, got -1"},
        {"{\"severity\": 1e999}",
         "the number 1e999 is outside the range of a 64-bit float (\"severity\")"},
        {"{\"n_requests\": true}", "\"n_requests\" must be a whole number, got a boolean"},
        {"{\"n_requests\": 0}", "\"n_requests\" must be a whole number from 1, got 0"},
        {"{\"n_requests\": 1.5}", "\"n_requests\" must be a whole number from 1, got 1.5"},
        {"{\"n_requests\": 1e300}", "\"n_requests\" must be a whole number from 1, got 1e+300"},
        {"{\"kind\": 1}", "\"kind\" must be a string, got a number"},
        {"{\"kind\": \"0123456789012345678901234567890123456789\"}",
         "unknown kind \"0123456789012345678901234567890123456789\""},
        {"{\"features\": \"age\"}",
         "\"features\" must be an array of at least one name, got a string"},
        {"{\"features\": []}",
         "\"features\" must be an array of at least one name, got an empty one"},
        {"{\"features\": [\"age\", 1]}", "\"features\"[1] must be a name, got a number"},
        {"{\"features\": [\"age\"], \"n_request\": 1}",
         "unknown member \"n_request\"; known are severity, n_requests, features, kind"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        refuse_simulation(cases[i].body, 422, cases[i].detail);
    refuse_simulation("[]", 400, "the body must be a JSON object, got an array");
    refuse_simulation(
        "{", 400, "malformed JSON at line 1, column 1: string or '}' expected near end of file");
}

static int print_number(char *out, size_t bytes, unsigned form, double x)
{
    switch (form) {
    case 0:
        return snprintf(out, bytes, "%.17g", x);
    case 1:
        return snprintf(out, bytes, "%.3f", x);
    case 2:
        return snprintf(out, bytes, "%.0f", x);
    case 3:
        return snprintf(out, bytes, "%.16E", x);
    default:
        return snprintf(out, bytes, "%e", x);
    }
}

/* A member beside "features" sends a body the JSON library's way. */
static void compare_paths(const char *numbers)
{
    char quick[512], library[512];
    struct input_request a, b;
    struct input_error error_a = {0}, error_b = {0};

    snprintf(quick, sizeof(quick), "{\"features\":%s}", numbers);
    snprintf(library, sizeof(library), "{\"features\":%s,\"other\":0}", numbers);
    int r = input_predict_decode(quick, strlen(quick), &five, MAX_INSTANCES, &a, &error_a);
    assert_int_equal(
        r, input_predict_decode(library, strlen(library), &five, MAX_INSTANCES, &b, &error_b));
    assert_int_equal(error_a.status, error_b.status);
    if (r < 0)
        return;
    for (size_t i = 0; i < 5; i++)
        if (memcmp(&a.rows->value[i].number, &b.rows->value[i].number, sizeof(double)) != 0)
            fail_msg("%s: %.17g, %.17g", numbers, a.rows->value[i].number, b.rows->value[i].number);
    assert_null(a.document);
    assert_non_null(b.document);
    input_request_finish(&a);
    input_request_finish(&b);
}

static void expect_same_rows(const char *body, const struct row *a, const struct row *b)
{
    if (!a->id != !b->id ||
        (a->id && (a->id_bytes != b->id_bytes || memcmp(a->id, b->id, a->id_bytes) != 0)))
        fail_msg("%s: other ids", body);
    for (size_t f = 0; f < mixed.features; f++) {
        const struct value *x = &a->value[f], *y = &b->value[f];

        if (!x->text != !y->text || (x->text ? x->text_bytes != y->text_bytes ||
                                                   memcmp(x->text, y->text, x->text_bytes) != 0
                                             : memcmp(&x->number, &y->number, sizeof(double)) != 0))
            fail_msg("%s: other values of feature %zu", body, f);
    }
}

/* Without a document where `quick`, with one behind a member that the quick path does not know, and
 * to the same row or refusal. */
static void compare_bodies(const char *members, bool quick)
{
    char body[512], library[512];
    struct input_request a, b;
    struct input_error error_a = {0}, error_b = {0};

    snprintf(body, sizeof(body), "{%s}", members);
    snprintf(library, sizeof(library), "{\"other\":0,%s}", members);
    int r = input_predict_decode(body, strlen(body), &mixed, MAX_INSTANCES, &a, &error_a);
    assert_int_equal(
        r, input_predict_decode(library, strlen(library), &mixed, MAX_INSTANCES, &b, &error_b));
    assert_int_equal(error_a.status, error_b.status);
    if (r == 0 && !a.document != quick)
        fail_msg("%s: %s a document", body, quick ? "built" : "did without");
    if (r < 0) {
        assert_false(quick);
        return;
    }
    expect_same_rows(body, a.rows, b.rows);
    input_request_finish(&a);
    input_request_finish(&b);
}

static void test_quick_path_of_names_texts_and_ids(void **state)
{
    static const struct {
        const char *members;
        bool quick;
    } cases[] = {
        {"\"features\":{\"age\":31.5,\"sex\":\"f\"}", true},
        {" \"id\" : \"a-1\" , \"features\" : { \"sex\" : \"\" , \"age\" : -0.0 } ", true},
        {"\"features\":[1,\"\xc3\xa4\"],\"id\":\"\xc3\xa4\"", true},
        {"\"features\":[1,\"TRUE\"]", true},
        {"\"features\":[1,false]", true},
        {"\"features\":[1,\"a\\n\"]", false},
        {"\"features\":{\"\\u0061ge\":1,\"sex\":\"f\"}", false},
        {"\"features\":[1,\"a\"],\"id\":null", false},
        {"\"features\":[1,\"a\"],\"id\":\"\"", false},
        {"\"features\":[1,\"a\"],\"id\":7", false},
        {"\"features\":[1,\"a\"],\"id\":\"b\",\"id\":\"b\"", false},
        {"\"features\":[1,\"a\"],\"features\":[1,\"a\"]", false},
        {"\"features\":[1,\"a\"],\"id\":\"\xff\"", false},
        {"\"features\":{\"age\":1,\"age\":2}", false},
        {"\"features\":{\"age\":1}", false},
        {"\"features\":{\"age\":1,\"sex\":\"f\",\"x\":1}", false},
        {"\"features\":{\"age\":1,\"sexy\":\"f\"}", false},
        {"\"features\":{\"age\":1,\"se\":\"f\"}", false},
        {"\"features\":{\"age\":\"1\",\"sex\":\"f\"}", false},
        {"\"features\":[true,\"f\"]", false},
        {"\"features\":[1,2]", false},
        {"\"features\":[null,\"f\"]", false},
        {"\"features\":[1,\"f\"],", false},
        {"\"id\":\"a\"", false},
        {"\"features\":7", false},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        compare_bodies(cases[i].members, cases[i].quick);
}

static void test_quick_path_equals_the_library(void **state)
{
    static const char *const bodies[] = {
        "[0.5, -0.3, 0.8, 0.2, -0.1]",
        " [ 0 , -0 ,\t1e5,\n1E-5 ,\r123456789012345678901234567890]",
        "[1e-400,5e-324,1.7976931348623157e308,2.2250738585072014e-308,-1e+2]",
        "[01,1,1,1,1]",
        "[1.,1,1,1,1]",
        "[.5,1,1,1,1]",
        "[+1,1,1,1,1]",
        "[-,1,1,1,1]",
        "[1e,1,1,1,1]",
        "[1e+,1,1,1,1]",
        "[0x10,1,1,1,1]",
        "[NaN,1,1,1,1]",
        "[1e999,1,1,1,1]",
        "[1,1,1,1]",
        "[1,1,1,1,1,1]",
        "[1,1,1,1,]",
        "[1 1,1,1,1]",
        "[1,1,1,1,1",
        "[inf,1,1,1,1]",
        "[1,1,1,1,true]",
        "[1,1,1,1,\"1\"]",
        "[1,1,1,1,null]",
        "[1,1,1,1,1]]",
        "[]",
        "1",
        "",
    };
    uint64_t random = 88172645463325252u;

    (void)state;
    for (size_t i = 0; i < LENGTH(bodies); i++)
        compare_paths(bodies[i]);
    for (int round = 0; round < 20000; round++) {
        char text[512] = "[";
        for (int i = 0; i < 5; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            double x =
                ldexp((double)(random >> 11) - 4503599627370496.0, (int)(random % 120) - 110);
            size_t used = strlen(text);
            used += (size_t)snprintf(text + used, sizeof(text) - used, i ? " ," : "");
            print_number(text + used, sizeof(text) - used, (unsigned)(random % 5), x);
        }
        strcat(text, "]");
        compare_paths(text);
    }
}

static void replay(const char *path, const char *bytes, size_t length)
{
    static const struct schema *const schemas[] = {&five, &mixed, &lenient, &odd};
    struct input_simulation simulation = {.severity = 0.5};
    struct input_error error = {0};

    for (size_t i = 0; i < LENGTH(schemas); i++) {
        struct input_request request;
        int r = input_predict_decode(bytes, length, schemas[i], MAX_INSTANCES, &request, &error);

        if (r == 0)
            input_request_finish(&request);
        else if (r != -EINVAL || error.status < 400 || error.detail[0] == '\0')
            fail_msg("%s: %d, %u %s", path, r, error.status, error.detail);
    }
    if (input_simulation_decode(bytes, length, &simulation, &error) == 0)
        input_simulation_finish(&simulation);
}

static void test_corpus(void **state)
{
    (void)state;
    assert_true(corpus_replay("json", replay) >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_row),
        cmocka_unit_test(test_id_and_text),
        cmocka_unit_test(test_batch_of_every_form),
        cmocka_unit_test(test_feature_named_features),
        cmocka_unit_test(test_missing_values),
        cmocka_unit_test(test_many_features),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_wrong_content),
        cmocka_unit_test(test_one_feature_is_singular),
        cmocka_unit_test(test_id_length),
        cmocka_unit_test(test_echoed_text_is_cut),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_body_needs_no_terminator),
        cmocka_unit_test(test_simulation),
        cmocka_unit_test(test_simulation_refusals),
        cmocka_unit_test(test_quick_path_equals_the_library),
        cmocka_unit_test(test_quick_path_of_names_texts_and_ids),
        cmocka_unit_test(test_corpus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
