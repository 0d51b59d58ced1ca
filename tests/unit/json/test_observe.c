/* Unit tests of json/observe*.c: what is read, by both ways, and every refusal. */
#include "../../fuzz/observe_check.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs the headers above */
#include <cmocka.h>

#include "corpus.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char *const names[] = {"age", "sex", "fare"};
static const bool kinds[] = {false, true, false};
static const struct schema schema = {3, names, kinds, false, NULL};
static struct observation_reader *reader;

static int setup(void **state)
{
    (void)state;
    return observation_reader_create(&schema, &reader);
}

static int teardown(void **state)
{
    (void)state;
    observation_reader_destroy(reader);
    return 0;
}

/* The last observation that was taken, copied as text. */
static struct {
    unsigned calls;
    uint64_t number;
    char shown[1000];
    unsigned status;
    char detail[INPUT_ERROR_BYTES];
} last;

static void show_value(const struct value *value, char *out)
{
    if (value->text)
        sprintf(out, "'%.*s'", (int)value->text_bytes, value->text);
    else if (isnan(value->number))
        strcpy(out, "-");
    else
        sprintf(out, "%.17g", value->number);
}

static void take(void *context, uint64_t number, const struct observation *seen,
                 const struct input_error *error)
{
    char v[5][200];
    assert_ptr_equal(context, &last);
    last.calls++;
    last.number = number;
    last.status = error ? error->status : 0;
    strcpy(last.detail, error ? error->detail : "");
    if (!seen)
        return;
    for (size_t i = 0; i < 3; i++)
        show_value(&seen->value[i], v[i]);
    show_value(&seen->prediction, v[3]);
    show_value(&seen->label, v[4]);
    int n =
        snprintf(last.shown, sizeof(last.shown), "%s %s %s %s %s", v[0], v[1], v[2], v[3], v[4]);
    if (!isnan(seen->score))
        n += sprintf(last.shown + n, " s%.17g", seen->score);
    if (seen->id)
        n += sprintf(last.shown + n, " i%.*s", (int)seen->id_bytes, seen->id);
    if (seen->timestamp_ms != OBSERVATION_NO_TIME)
        sprintf(last.shown + n, " t%lld", (long long)seen->timestamp_ms);
}

static void accept(const char *line, const char *want, bool quick)
{
    assert_int_equal(observation_quick(reader, line, strlen(line)), quick);
    for (int slowly = 0; slowly < 2; slowly++) {
        last.calls = 0;
        (slowly ? observation_read_slowly : observation_read_line)(reader, 7, line, strlen(line),
                                                                   take, &last);
        assert_int_equal(last.calls, 1);
        assert_int_equal(last.number, 7);
        if (last.status != 0 || strcmp(last.shown, want) != 0)
            fail_msg("%s:\ngot  %s %s\nwant %s", line, last.shown, last.detail, want);
    }
}

static void refuse(const char *line, unsigned status, const char *detail)
{
    last.calls = 0;
    observation_read_line(reader, 7, line, strlen(line), take, &last);
    assert_int_equal(last.calls, 1);
    if (last.status != status || strcmp(last.detail, detail) != 0)
        fail_msg("%s:\ngot  %u %s\nwant %u %s", line, last.status, last.detail, status, detail);
}

static void accepted(void **state)
{
    (void)state;
    accept("{\"features\": {\"age\": 31, \"sex\": \"female\", \"fare\": -1.5e-3}, \"prediction\": "
           "\"1\", \"score\": 0.93, \"id\": \"a17\", \"timestamp\": \"2026-01-31T12:00:00Z\", "
           "\"label\": \"no\"}",
           "31 'female' -0.0015 '1' 'no' s0.93000000000000005 ia17 t1769860800000", true);
    accept(" { \"label\" : 1 , \"features\":{\"fare\":2,\"age\":1} }\r", "1 - 2 - 1", true);
    accept("{\"features\":[1,\"x\",2],\"prediction\":0.25}", "1 'x' 2 0.25 -", true);
    accept("{\"features\":{}}", "- - - - -", true);
    accept(
        "{\"features\":{\"age\":null,\"sex\":null},\"id\":null,\"prediction\":null,\"score\":null,"
        "\"label\":null,\"timestamp\":null}",
        "- - - - -", true);
    accept("{\"features\":{\"age\":\"NaN\",\"fare\":\"-Infinity\"}}", "- - -inf - -", true);
    accept("{\"features\":[\"Infinity\",\"\",0]}", "inf - 0 - -", true);
    accept("{\"features\":[0,\"NA\",-0.0]}", "0 - -0 - -", true);
    accept("{\"features\":[0,1,0]}", "0 1 0 - -", true);
    accept("{\"features\":[0,true,0],\"prediction\":false,\"label\":true}",
           "0 'true' 0 'false' 'true'", true);
    /* one meaning, one category, however it is written */
    accept("{\"features\":[0,\"True\",0],\"prediction\":\"TRUE\"}", "0 'true' 0 'TRUE' -", true);
    accept("{\"features\":[0,\"F\\u0041LSE\",0],\"id\":\"\\u0061\"}", "0 'false' 0 - - ia", false);
    accept("{\"features\":[0,\"tRUE\",0]}", "0 'tRUE' 0 - -", true);
    accept("{\"features\":[0,\"Z\xc3\xbcrich\",0]}", "0 'Z\xc3\xbcrich' 0 - -", true);
    accept("{\"features\":[0,\"Z\\u00fcrich\",0]}", "0 'Z\xc3\xbcrich' 0 - -", false);
    accept("{\"features\":{\"\\u0061ge\":3}}", "3 - - - -", false);
    accept("{\"features\":[1e-999,\"nan\",123456789012345678901234567890]}",
           "0 - 1.2345678901234568e+29 - -", true);
}

static void refused(void **state)
{
    (void)state;
    refuse("", 400, "the body is empty; a JSON object is expected");
    refuse("{\"features\": {\"age\": 1}", 400,
           "malformed JSON at column 23: '}' expected near end of file");
    refuse("[1]", 400, "the body must be a JSON object, got an array");
    refuse("{\"prediction\": 1}", 422, "\"features\" is missing");
    refuse("{\"features\": {}, \"lable\": \"1\"}", 422,
           "unknown member \"lable\"; an observation has features, prediction, score, id, "
           "timestamp, label");
    refuse("{\"features\": {\"agee\": 1}}", 422,
           "unknown feature \"agee\"; the model has age, sex, fare");
    refuse("{\"features\": [1, \"x\"]}", 422, "expected 3 features (age, sex, fare), got 2");
    refuse("{\"features\": 3}", 422,
           "\"features\" must be an array or an object of features, got a number");
    refuse("{\"features\": {\"age\": \"12\"}}", 422,
           "feature \"age\" must be a finite number, got \"12\"");
    refuse("{\"features\": {\"age\": true}}", 422,
           "feature \"age\" must be a finite number, got a boolean");
    refuse("{\"features\": {\"age\": 1e999}}", 422,
           "feature \"age\" must be a finite number, got 1e999");
    refuse("{\"features\": {\"sex\": []}}", 422,
           "feature \"sex\" must be a string, a number or a boolean, got an array");
    refuse("{\"features\": {\"age\": NaN}}", 400,
           "malformed JSON at column 24: invalid token near 'NaN'; JSON has no NaN or Infinity: "
           "use null for a missing "
           "value");
    refuse("{\"features\": {\"age\": 1, \"age\": 1}}", 400,
           "malformed JSON at column 29: duplicate object key near '\"age\"'");
    refuse("{\"features\": {}, \"id\": 17}", 422, "\"id\" must be a string, got a number");
    refuse("{\"features\": {}, \"id\": \"\"}", 422, "\"id\" must have 1 to 128 bytes, got 0");
    refuse("{\"features\": {}, \"prediction\": []}", 422,
           "\"prediction\" must be a string, a number or a boolean, got an array");
    refuse("{\"features\": {}, \"label\": \"\"}", 422, "\"label\" must have 1 to 128 bytes, got 0");
    refuse("{\"features\": {}, \"score\": \"0.5\"}", 422,
           "\"score\" must be a number, got a string");
    refuse("{\"features\": {}, \"score\": 1e999}", 422,
           "the number 1e999 is outside the range of a 64-bit float (\"score\")");
    refuse("{\"features\": {}, \"timestamp\": \"now\"}", 422,
           "\"timestamp\" must be an RFC 3339 date-time such as \"2026-01-31T12:00:00Z\", got "
           "\"now\"");
}

static void lengths(void **state)
{
    char line[300], text[130];
    (void)state;
    memset(text, 'x', sizeof(text));
    text[129] = '\0';
    snprintf(line, sizeof(line), "{\"features\": {}, \"prediction\": \"%s\"}", text);
    refuse(line, 422, "\"prediction\" must have 1 to 128 bytes, got 129");
    snprintf(line, sizeof(line), "{\"features\": {}, \"id\": \"%s\"}", text);
    refuse(line, 422, "\"id\" must have 1 to 128 bytes, got 129");
    text[128] = '\0';
    snprintf(line, sizeof(line), "{\"features\": {}, \"id\": \"%s\"}", text);
    assert_true(observation_quick(reader, line, strlen(line)));
}

static int read_body(const char *body, struct input_error *error)
{
    last.calls = 0;
    return observation_read_body(reader, body, strlen(body), 3, take, &last, error);
}

static void bodies(void **state)
{
    static const struct {
        const char *body;
        unsigned status;
        const char *detail;
    } refusals[] = {
        {"{\"instances\": []}", 422, "\"instances\" is empty; at least one is expected"},
        {"{\"instances\": {}}", 422, "\"instances\" must be an array, got an object"},
        {"{\"instances\": [{},{},{},{}]}", 413,
         "too many instances: 4, at most 3 in one request; send application/x-ndjson for more"},
        {"{\"instances\": [{}], \"id\": \"x\"}", 422,
         "\"instances\" stands alone in its object; everything else belongs into an instance"},
        {"{\"instances\": [}", 400,
         "malformed JSON at line 1, column 16: unexpected token near '}'"},
        {"{\"feature\": {}}", 422,
         "unknown member \"feature\"; an observation has features, prediction, score, id, "
         "timestamp, label"},
    };
    struct input_error error = {0};
    (void)state;
    assert_int_equal(read_body("{\"features\": [1, \"a\", 2]}", &error), 0);
    assert_string_equal(last.shown, "1 'a' 2 - -");
    assert_int_equal(read_body("{\"features\": [1, \"\\u0061\", 2]}", &error), 0);
    assert_string_equal(last.shown, "1 'a' 2 - -");
    assert_int_equal(read_body("{\"instances\": [{\"features\": {\"age\": 5}}, [1], {\"features\": "
                               "{}, \"id\": \"b\"}]}",
                               &error),
                     0);
    assert_int_equal(last.calls, 3);
    assert_int_equal(last.number, 2);
    assert_string_equal(last.shown, "- - - - - ib");
    assert_int_equal(read_body("{\"instances\": [[1]]}", &error), 0);
    assert_int_equal(last.status, 422);
    assert_string_equal(last.detail,
                        "an instance must be an object with \"features\", got an array");
    for (size_t i = 0; i < LENGTH(refusals); i++) {
        assert_int_equal(read_body(refusals[i].body, &error), -EINVAL);
        assert_string_equal(error.detail, refusals[i].detail);
        assert_int_equal(error.status, refusals[i].status);
        assert_int_equal(last.calls, 0);
    }
}

#define MANY 300

static void check_many(void *context, uint64_t number, const struct observation *seen,
                       const struct input_error *error)
{
    (void)context;
    (void)error;
    assert_non_null(seen);
    for (size_t f = 0; f < MANY; f++)
        if (f == number)
            assert_true(isnan(seen->value[f].number));
        else
            assert_true(seen->value[f].number == (double)f);
}

/* Whatever the order of the names, which the reader learns; one is left out. */
static void many_features_in_any_order(void **state)
{
    static char many_text[MANY][8], line[MANY * 20 + 20];
    static const char *many[MANY];
    static const bool many_kinds[MANY];
    const struct schema wide = {MANY, many, many_kinds, false, NULL};
    struct observation_reader *wide_reader;
    (void)state;
    for (size_t f = 0; f < MANY; f++) {
        sprintf(many_text[f], "f%zu", f);
        many[f] = many_text[f];
    }
    assert_int_equal(observation_reader_create(&wide, &wide_reader), 0);
    for (uint64_t left_out = 0; left_out < MANY; left_out++) {
        size_t step = left_out / 3 * 7 + 1, n = (size_t)sprintf(line, "{\"features\":{");
        while (step % 2 == 0 || step % 3 == 0 || step % 5 == 0) /* prime to 300 */
            step++;
        for (size_t i = 0, f = 0; i < MANY; i++, f = (f + step) % MANY)
            if (f != left_out)
                n += (size_t)sprintf(line + n, "\"f%zu\":%zu,", f, f);
        strcpy(line + n - 1, "}}");
        assert_true(observation_quick(wide_reader, line, strlen(line)));
        observation_read_line(wide_reader, left_out, line, strlen(line), check_many, NULL);
        observation_read_slowly(wide_reader, left_out, line, strlen(line), check_many, NULL);
    }
    observation_reader_destroy(wide_reader);
}

static void replay(const char *path, const char *bytes, size_t length)
{
    (void)path;
    observe_check(bytes, length);
}

static void kept_inputs(void **state)
{
    (void)state;
    assert_true(corpus_replay("observe", replay) >= 13);
    assert_true(corpus_replay("json", replay) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted),
        cmocka_unit_test(refused),
        cmocka_unit_test(lengths),
        cmocka_unit_test(bodies),
        cmocka_unit_test(many_features_in_any_order),
        cmocka_unit_test(kept_inputs),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
