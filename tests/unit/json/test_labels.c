/* Unit tests of json/labels.c: every accepted form, every refusal and its sentence. */
#include "json/labels.h"

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
#define MAX_LABELS    3

static void accept(const char *body, size_t count, struct input_labels *labels)
{
    struct input_error error = {0};

    if (input_labels_decode(body, strlen(body), MAX_LABELS, labels, &error) != 0)
        fail_msg("%s: %u %s", body, error.status, error.detail);
    assert_int_equal(labels->count, count);
}

static void expect(const struct input_labels *labels, size_t index, const char *id,
                   const char *text, double number)
{
    struct input_error error = {0};
    struct input_label label;

    if (input_labels_get(labels, index, &label, &error) != 0)
        fail_msg("label %zu: %s", index, error.detail);
    assert_int_equal(label.id_bytes, strlen(id));
    assert_memory_equal(label.id, id, label.id_bytes);
    if (text) {
        assert_string_equal(label.label.text, text);
        assert_int_equal(label.label.text_bytes, strlen(text));
        assert_true(isnan(label.label.number));
    } else {
        assert_null(label.label.text);
        assert_true(label.label.number == number);
    }
}

static void test_single(void **state)
{
    struct input_labels labels;
    struct input_label label;
    struct input_error error;

    (void)state;
    accept("{\"id\": \"a17\", \"label\": \"yes\"}", 1, &labels);
    assert_false(labels.batch);
    expect(&labels, 0, "a17", "yes", 0);
    input_labels_finish(&labels);
    accept("{\"id\": \"b\", \"label\": false}", 1, &labels);
    assert_int_equal(input_labels_get(&labels, 0, &label, &error), 0);
    assert_string_equal(label.label.text, "false");
    input_labels_finish(&labels);
    accept(" {\"label\": 1, \"id\": \"\xc3\xa4\"}\n", 1, &labels);
    expect(&labels, 0, "\xc3\xa4", NULL, 1);
    input_labels_finish(&labels);
}

static void test_batch(void **state)
{
    static const char *const bodies[] = {
        "{\"labels\": [{\"id\": \"a\", \"label\": \"x\"}, {\"id\": \"b\", \"label\": -2.5}]}",
        "{\"instances\": [{\"id\": \"a\", \"label\": \"x\"}, {\"id\": \"b\", \"label\": -2.5}]}",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(bodies); i++) {
        struct input_labels labels;

        accept(bodies[i], 2, &labels);
        assert_true(labels.batch);
        expect(&labels, 1, "b", NULL, -2.5);
        expect(&labels, 0, "a", "x", 0);
        input_labels_finish(&labels);
    }
}

static void test_refused_bodies(void **state)
{
    static const struct {
        const char *body;
        unsigned status;
        const char *detail;
    } cases[] = {
        {"", 400, "the body is empty; a JSON object is expected"},
        {"[]", 400, "the body must be a JSON object, got an array"},
        {"{\"id\": \"a\", \"label\": 1", 400,
         "malformed JSON at line 1, column 22: '}' expected near end of file"},
        {"{}", 422, "\"label\" or \"labels\" is missing"},
        {"{\"labels\": []}", 422, "\"labels\" is empty; at least one label is expected"},
        {"{\"instances\": 5}", 422, "\"instances\" must be an array, got a number"},
        {"{\"labels\": [1, 2, 3, 4]}", 413, "too many labels: 4, at most 3 in one request"},
        {"{\"labels\": [1], \"label\": 1}", 422,
         "\"label\", \"labels\" and \"instances\" exclude each other"},
        {"{\"id\": \"a\", \"label\": 1e999}", 422,
         "the number 1e999 is outside the range of a 64-bit float (\"label\")"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct input_error error = {0};
        struct input_labels labels;
        const char *body = cases[i].body;

        assert_int_equal(input_labels_decode(body, strlen(body), MAX_LABELS, &labels, &error),
                         -EINVAL);
        if (error.status != cases[i].status || strcmp(error.detail, cases[i].detail) != 0)
            fail_msg("%s:\ngot  %u %s\nwant %u %s", body, error.status, error.detail,
                     cases[i].status, cases[i].detail);
    }
}

/* One bad label does not spoil the others. */
static void test_refused_labels(void **state)
{
    static const struct {
        const char *element, *detail;
    } cases[] = {
        {"7", "a label must be an object, got a number"},
        {"{\"label\": 1}", "\"id\" is missing"},
        {"{\"id\": 5, \"label\": 1}", "\"id\" must be a string, got a number"},
        {"{\"id\": \"\", \"label\": 1}", "\"id\" must have 1 to 128 bytes, got 0"},
        {"{\"id\": \"a\"}", "\"label\" is missing"},
        {"{\"id\": \"a\", \"label\": null}",
         "\"label\" must be a string, a number or a boolean, got null"},
        {"{\"id\": \"a\", \"label\": []}",
         "\"label\" must be a string, a number or a boolean, got an array"},
        {"{\"id\": null, \"label\": 1}", "\"id\" must be a string, got null"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char body[200];
        struct input_error error = {0};
        struct input_labels labels;
        struct input_label label;

        snprintf(body, sizeof(body), "{\"labels\": [%s, {\"id\": \"b\", \"label\": 2}]}",
                 cases[i].element);
        accept(body, 2, &labels);
        assert_int_equal(input_labels_get(&labels, 0, &label, &error), -EINVAL);
        assert_int_equal(error.status, 422);
        assert_string_equal(error.detail, cases[i].detail);
        expect(&labels, 1, "b", NULL, 2);
        input_labels_finish(&labels);
    }
}

static void test_longest_id(void **state)
{
    char body[OBSERVATION_ID_MAX_BYTES + 40];
    char id[OBSERVATION_ID_MAX_BYTES + 2];

    (void)state;
    memset(id, 'i', sizeof(id));
    for (size_t bytes = OBSERVATION_ID_MAX_BYTES; bytes <= OBSERVATION_ID_MAX_BYTES + 1; bytes++) {
        struct input_error error = {0};
        struct input_labels labels;
        struct input_label label;

        id[bytes] = '\0';
        snprintf(body, sizeof(body), "{\"id\": \"%s\", \"label\": 1}", id);
        accept(body, 1, &labels);
        assert_int_equal(input_labels_get(&labels, 0, &label, &error),
                         bytes > OBSERVATION_ID_MAX_BYTES ? -EINVAL : 0);
        input_labels_finish(&labels);
        id[bytes] = 'i';
    }
}

static void replay(const char *path, const char *bytes, size_t length)
{
    struct input_error error = {0};
    struct input_labels labels;

    if (input_labels_decode(bytes, length, MAX_LABELS, &labels, &error) < 0) {
        if (error.detail[0] == '\0')
            fail_msg("%s: refused without a word", path);
        return;
    }
    for (size_t i = 0; i < labels.count; i++) {
        struct input_label label;

        if (input_labels_get(&labels, i, &label, &error) == 0 && label.id_bytes == 0)
            fail_msg("%s: an empty id", path);
    }
    input_labels_finish(&labels);
}

static void test_corpus(void **state)
{
    (void)state;
    assert_true(corpus_replay("labels", replay) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single),         cmocka_unit_test(test_batch),
        cmocka_unit_test(test_refused_bodies), cmocka_unit_test(test_refused_labels),
        cmocka_unit_test(test_longest_id),     cmocka_unit_test(test_corpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
