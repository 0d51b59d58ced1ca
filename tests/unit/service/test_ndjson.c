/* test_ndjson.c - the same lines however the stream is cut. */
#include "service/ndjson.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the headers above */
#include <cmocka.h>

struct seen {
    char text[4096]; /* "number:text|" of each */
    size_t bytes;
};

static struct ndjson_memory memory = {.limit = 4u << 20};

/* Notes every line that is there. */
static void pull(struct ndjson *stream, struct seen *seen)
{
    struct ndjson_line line;
    while (ndjson_next(stream, &line)) {
        const char *shown = line.text                           ? line.text
                            : strstr(line.error, "longer than") ? "LONG"
                                                                : "MEMORY";
        const int shown_bytes = line.text ? (int)line.bytes : (int)strlen(shown);
        assert_true(!line.text == (line.error != NULL));
        seen->bytes +=
            (size_t)snprintf(seen->text + seen->bytes, sizeof(seen->text) - seen->bytes,
                             "%llu:%.*s|", (unsigned long long)line.number, shown_bytes, shown);
        assert_true(seen->bytes < sizeof(seen->text));
    }
}

static void feed(struct ndjson *stream, struct seen *seen, const char *piece, size_t count)
{
    ndjson_feed(stream, piece, count);
    pull(stream, seen);
}

static void end(struct ndjson *stream, struct seen *seen)
{
    ndjson_end(stream);
    pull(stream, seen);
}

/* Feeds the text in pieces of a size, each in a block of its own so that a sanitizer sees reads
 * beyond it. */
static void expect(const char *text, size_t bytes, size_t piece, const char *want)
{
    struct seen seen = {.text = ""};
    struct ndjson lines;
    ndjson_init(&lines, &memory);
    for (size_t at = 0; at < bytes; at += piece) {
        const size_t count = bytes - at < piece ? bytes - at : piece;
        char *copy = malloc(count);
        assert_non_null(copy);
        memcpy(copy, text + at, count);
        feed(&lines, &seen, copy, count);
        free(copy);
    }
    end(&lines, &seen);
    ndjson_finish(&lines);
    assert_string_equal(seen.text, want);
    assert_int_equal(atomic_load(&memory.used), 0);
}

static void any_pieces(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"\n", ""},
        {"one", "1:one|"},
        {"one\n", "1:one|"},
        {"\xef\xbb\xbfone\n\xef\xbb\xbftwo\n", "1:one|2:\xef\xbb\xbftwo|"},
        {"\xef\xbb\xbf\ntwo\n", "2:two|"},
        {"\xef\xbb", "1:\xef\xbb|"},
        {"one\ntwo", "1:one|2:two|"},
        {"one\r\ntwo\r\n", "1:one|2:two|"},
        {"\n\r\n \t \nfour\n\n\nseven\n  ", "4:four|7:seven|"},
        {"a\rb\r\r\n c ", "1:a\rb\r|2: c |"},
        {"\r", ""},
        {"first line\nsecond line\nthird line\nfourth",
         "1:first line|2:second line|3:third line|4:fourth|"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (size_t piece = 1; piece <= strlen(cases[i].text) + 1; piece++)
            expect(cases[i].text, strlen(cases[i].text), piece, cases[i].want);
}

static void long_lines(void **state)
{
    static const size_t pieces[] = {100, 4096, NDJSON_LINE_MAX_BYTES, 4 * NDJSON_LINE_MAX_BYTES};
    const size_t room = 2 * NDJSON_LINE_MAX_BYTES + 100;
    char *text = malloc(room);
    (void)state;
    assert_non_null(text);
    memset(text, ' ', room); /* the longest line is blank: it is taken, and skipped */
    text[NDJSON_LINE_MAX_BYTES] = '\n';
    memcpy(text + NDJSON_LINE_MAX_BYTES + 1, "b\n", 2);
    for (size_t i = 0; i < 4; i++)
        expect(text, NDJSON_LINE_MAX_BYTES + 3, pieces[i], "2:b|");
    memset(text, 'x', room); /* one byte more is too much */
    text[NDJSON_LINE_MAX_BYTES + 1] = '\n';
    memcpy(text + NDJSON_LINE_MAX_BYTES + 2, "b\n", 2);
    for (size_t i = 0; i < 4; i++)
        expect(text, NDJSON_LINE_MAX_BYTES + 4, pieces[i], "1:LONG|2:b|");
    memset(text, 'x', room); /* nor does it need an end */
    for (size_t i = 0; i < 4; i++)
        expect(text, room, pieces[i], "1:LONG|");
    free(text);
}

static void memory_limit(void **state)
{
    struct seen seen = {.text = ""}, other_seen = {.text = ""};
    struct ndjson_memory small = {.limit = 8000};
    struct ndjson lines, other;
    char text[6000];
    (void)state;
    memset(text, 'x', sizeof(text));
    ndjson_init(&lines, &small);
    ndjson_init(&other, &small);
    feed(&lines, &seen, "begun", 5);
    assert_int_equal(atomic_load(&small.used), 0);
    feed(&other, &other_seen, text, 3000);
    feed(&other, &other_seen, text, 100);
    assert_int_equal(atomic_load(&small.used), 4096);
    feed(&lines, &seen, text, 2000);
    feed(&lines, &seen, text, 2000); /* would need as much again */
    feed(&lines, &seen, "\nshort\n", 7);
    feed(&other, &other_seen, "\n", 1);
    feed(&lines, &seen, text, 10);
    assert_string_equal(seen.text, "1:MEMORY|2:short|");
    assert_int_equal(other_seen.bytes, 2 + 3100 + 1);
    assert_int_equal(atomic_load(&small.used), 0);
    end(&lines, &seen);
    assert_string_equal(seen.text, "1:MEMORY|2:short|3:xxxxxxxxxx|");
    ndjson_finish(&lines);
    ndjson_finish(&other);
    assert_int_equal(atomic_load(&small.used), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_pieces),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(memory_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
