/* Unit tests of text/lines.c: the same lines however the stream is cut. */
#include "text/lines.h"

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

static struct lines_memory memory = {.limit = 4u << 20};

static void note(void *context, uint64_t number, enum line_state state, const char *text,
                 size_t bytes)
{
    struct seen *seen = context;
    const char *shown = state == LINE_WHOLE ? text : state == LINE_TOO_LONG ? "LONG" : "MEMORY";
    const int shown_bytes = state == LINE_WHOLE ? (int)bytes : (int)strlen(shown);
    assert_true((text != NULL) == (state == LINE_WHOLE));
    seen->bytes += (size_t)snprintf(seen->text + seen->bytes, sizeof(seen->text) - seen->bytes,
                                    "%llu:%.*s|", (unsigned long long)number, shown_bytes, shown);
    assert_true(seen->bytes < sizeof(seen->text));
}

/* Feeds the text in pieces of a size, each in a block of its own so that a sanitizer sees reads
 * beyond it. */
static void expect(const char *text, size_t bytes, size_t piece, const char *want)
{
    struct seen seen = {.text = ""};
    struct lines lines;
    lines_init(&lines, &memory, note, &seen);
    for (size_t at = 0; at < bytes; at += piece) {
        const size_t count = bytes - at < piece ? bytes - at : piece;
        char *copy = malloc(count);
        assert_non_null(copy);
        memcpy(copy, text + at, count);
        lines_feed(&lines, copy, count);
        free(copy);
    }
    lines_end(&lines);
    lines_finish(&lines);
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
    static const size_t pieces[] = {100, 4096, LINES_MAX_BYTES, 4 * LINES_MAX_BYTES};
    const size_t room = 2 * LINES_MAX_BYTES + 100;
    char *text = malloc(room);
    (void)state;
    assert_non_null(text);
    memset(text, ' ', room); /* the longest line is blank: it is taken, and skipped */
    text[LINES_MAX_BYTES] = '\n';
    memcpy(text + LINES_MAX_BYTES + 1, "b\n", 2);
    for (size_t i = 0; i < 4; i++)
        expect(text, LINES_MAX_BYTES + 3, pieces[i], "2:b|");
    memset(text, 'x', room); /* one byte more is too much */
    text[LINES_MAX_BYTES + 1] = '\n';
    memcpy(text + LINES_MAX_BYTES + 2, "b\n", 2);
    for (size_t i = 0; i < 4; i++)
        expect(text, LINES_MAX_BYTES + 4, pieces[i], "1:LONG|2:b|");
    memset(text, 'x', room); /* nor does it need an end */
    for (size_t i = 0; i < 4; i++)
        expect(text, room, pieces[i], "1:LONG|");
    free(text);
}

static void memory_limit(void **state)
{
    struct seen seen = {.text = ""}, other_seen = {.text = ""};
    struct lines_memory small = {.limit = 8000};
    struct lines lines, other;
    char text[6000];
    (void)state;
    memset(text, 'x', sizeof(text));
    lines_init(&lines, &small, note, &seen);
    lines_init(&other, &small, note, &other_seen);
    lines_feed(&lines, "begun", 5);
    assert_int_equal(atomic_load(&small.used), 0);
    lines_feed(&other, text, 3000);
    lines_feed(&other, text, 100);
    assert_int_equal(atomic_load(&small.used), 4096);
    lines_feed(&lines, text, 2000);
    lines_feed(&lines, text, 2000); /* would need as much again */
    lines_feed(&lines, "\nshort\n", 7);
    lines_feed(&other, "\n", 1);
    lines_feed(&lines, text, 10);
    assert_string_equal(seen.text, "1:MEMORY|2:short|");
    assert_int_equal(other_seen.bytes, 2 + 3100 + 1);
    assert_int_equal(atomic_load(&small.used), 0);
    lines_end(&lines);
    assert_string_equal(seen.text, "1:MEMORY|2:short|3:xxxxxxxxxx|");
    lines_finish(&lines);
    lines_finish(&other);
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
