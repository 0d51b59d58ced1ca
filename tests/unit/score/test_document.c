/* Unit tests of score/forest/document: both encodings, and documents that are not what they seem.
 */
#include "score/forest/document.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the headers above */
#include <cmocka.h>

static struct error error;

/* A document of a copy of exactly these bytes and a NUL, so that a sanitizer sees reads beyond. */
static struct document open_bytes(const char *bytes, size_t length, char **ret_copy)
{
    struct document document;

    *ret_copy = malloc(length + 1);
    assert_non_null(*ret_copy);
    memcpy(*ret_copy, bytes, length);
    (*ret_copy)[length] = '\0';
    document_init(&document, *ret_copy, length, &error);
    return document;
}
#define OPEN(literal, copy) open_bytes(literal, sizeof(literal) - 1, copy)

static void test_numbers(void **state)
{
    static const double want[] = {0, -1.5, 1e300, 1, 0, INFINITY, -INFINITY};
    struct document_numbers numbers = {0};
    char *copy;
    struct document document = OPEN(" [0, -1.5,1E300 ,true,false,Infinity,-Infinity,NaN]", &copy);

    (void)state;
    assert_int_equal(document_numbers(&document, &numbers), 0);
    assert_int_equal(document_finish(&document), 0);
    assert_int_equal(numbers.count, 8);
    for (size_t i = 0; i < 7; i++)
        assert_true(numbers.item[i] == want[i]);
    assert_true(isnan(numbers.item[7]));
    document_numbers_finish(&numbers);
    free(copy);
}

/* 1 + 2^-24 lies between two floats and goes to the even one; a decimal a little above it, whose
 * double is that middle itself, must go up all the same. Subnormal floats have fewer digits. */
static void test_float_is_rounded_once(void **state)
{
    static const struct {
        const char *text;
        float want;
    } cases[] = {{"1.000000059604644775390625", 1.0f},
                 {"1.00000005960464477539062500000000001", 1.00000012f},
                 {"1E-45", 1E-45f},
                 {"7.006492321624086e-46", 1E-45f},
                 {"7.006492321624085e-46", 0.0f},
                 {"3.4028235e38", 3.4028235e38f},
                 {"1e39", INFINITY}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *copy;
        struct document document = open_bytes(cases[i].text, strlen(cases[i].text), &copy);
        float got = -1;

        assert_int_equal(document_float(&document, &got), 0);
        if (got != cases[i].want)
            fail_msg("%s: got %a, want %a", cases[i].text, (double)got, (double)cases[i].want);
        free(copy);
    }
}

static void test_ubjson_types(void **state)
{
    static const double want[] = {-2, 254, -3, 65536, -5, 1.5, 0.25, 1, 0};
    struct document_numbers numbers = {0};
    const char *name = NULL;
    size_t bytes = 0;
    bool more = false;
    char *copy;
    struct document document =
        OPEN("{i\001a[Ni\xfeU\xfeI\xff\xfdl\0\001\0\0L\xff\xff\xff\xff\xff\xff\xff\xfb"
             "d\x3f\xc0\0\0D\x3f\xd0\0\0\0\0\0\0TF]}",
             &copy);

    (void)state;
    assert_true(document.ubjson);
    assert_int_equal(document_enter(&document, DOCUMENT_OBJECT), 0);
    assert_int_equal(document_more(&document, &more), 0);
    assert_true(more);
    assert_int_equal(document_key(&document, &name, &bytes), 0);
    assert_memory_equal(name, "a", bytes);
    assert_int_equal(document_numbers(&document, &numbers), 0);
    assert_int_equal(numbers.count, 9);
    for (size_t i = 0; i < 9; i++)
        assert_true(numbers.item[i] == want[i]);
    assert_int_equal(document_more(&document, &more), 0);
    assert_false(more);
    assert_int_equal(document_finish(&document), 0);
    document_numbers_finish(&numbers);
    free(copy);
}

static void test_text_escapes(void **state)
{
    char *copy;
    struct document document = OPEN("\"a\\\"\\\\\\/\\n\\u00e9\\ud83e\\udd8a\"", &copy);
    const char *text = NULL;
    size_t bytes = 0;

    (void)state;
    assert_int_equal(document_text(&document, &text, &bytes), 0);
    assert_int_equal(bytes, strlen("a\"\\/\n\xc3\xa9\xf0\x9f\xa6\x8a"));
    assert_memory_equal(text, "a\"\\/\n\xc3\xa9\xf0\x9f\xa6\x8a", bytes);
    free(copy);
}

/* Skipping and reading end at the same place. */
static void test_skip(void **state)
{
    static const char *const whole[] = {"{\"a\": [1, {\"]\": \"\\\"}\"}], \"b\": null}",
                                        "[[[]], \"\\\\\", -0.5e-3, true]"};
    static const char typed[] = "{i\001a[$d#i\002\0\0\0\0\0\0\0\0i\001b[#i\003i\001[]{}}";
    char *copy;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct document document = open_bytes(whole[i], strlen(whole[i]), &copy);

        assert_int_equal(document_skip(&document), 0);
        assert_int_equal(document_finish(&document), 0);
        free(copy);
    }
    struct document document = open_bytes(typed, sizeof(typed) - 1, &copy);
    assert_int_equal(document_skip(&document), 0);
    assert_int_equal(document_finish(&document), 0);
    free(copy);
}

/* Every beginning of a document is refused, by reading and by skipping. */
static void test_every_cut_is_refused(void **state)
{
    static const char json[] = "{\"a\": [1, {\"b\": \"\\u00e9\"}], \"c\": null}";
    static const char typed[] = "{i\001a[$d#i\002\0\0\0\0\0\0\0\0i\001b[#i\003i\001[]{}}";

    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (size_t cut = 1; cut < (i ? sizeof(typed) : sizeof(json)) - 1; cut++) {
            char *copy;
            struct document document = open_bytes(i ? typed : json, cut, &copy);

            document.ubjson = i;
            assert_int_equal(document_skip(&document), -EINVAL);
            assert_non_null(strstr(error.text, "byte "));
            free(copy);
        }
}

static void test_hostile(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *part;
    } cases[] = {
#define CASE(literal, part) {literal, sizeof(literal) - 1, part}
        CASE("[1 2]", "expected a comma"),
        CASE("[1,]", "expected a number"),
        CASE("[01x]", "expected a comma"),
        CASE("[1e999]", "too large"),
        CASE("{i\001a[$Z#L\177\377\377\377\377\377\377\377", "unknown type"),
        CASE("{i\001a[#L\177\377\377\377\377\377\377\377", "bytes are left"),
        CASE("{i\001a[#i\377", "bytes are left"),
        CASE("{i\001a[$dx", "expected a count"),
        CASE("{L\177\377\377\377\377\377\377\377a", "bytes are left"),
#undef CASE
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct document_numbers numbers = {0};
        const char *name;
        size_t bytes;
        bool more = false;
        char *copy;
        struct document document = open_bytes(cases[i].bytes, cases[i].length, &copy);
        int rc = 0;

        if (document.ubjson) {
            assert_int_equal(document_enter(&document, DOCUMENT_OBJECT), 0);
            assert_int_equal(document_more(&document, &more), 0);
            rc = document_key(&document, &name, &bytes);
        }
        if (rc == 0)
            rc = document_numbers(&document, &numbers);
        if (rc != -EINVAL || !strstr(error.text, cases[i].part))
            fail_msg("case %zu: got %d, \"%s\", want \"%s\"", i, rc, error.text, cases[i].part);
        document_numbers_finish(&numbers);
        free(copy);
    }
}

static void test_depth(void **state)
{
    char brackets[2 * DOCUMENT_MAX_DEPTH + 2];

    (void)state;
    for (size_t depth = DOCUMENT_MAX_DEPTH; depth <= DOCUMENT_MAX_DEPTH + 1; depth++) {
        char *copy;

        memset(brackets, '[', depth);
        memset(brackets + depth, ']', depth);
        struct document document = open_bytes(brackets, 2 * depth, &copy);
        assert_int_equal(document_skip(&document), depth > DOCUMENT_MAX_DEPTH ? -EINVAL : 0);
        free(copy);
    }
    assert_non_null(strstr(error.text, "nested"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),      cmocka_unit_test(test_float_is_rounded_once),
        cmocka_unit_test(test_ubjson_types), cmocka_unit_test(test_text_escapes),
        cmocka_unit_test(test_skip),         cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_hostile),      cmocka_unit_test(test_depth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
