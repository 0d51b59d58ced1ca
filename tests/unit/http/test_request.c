/* test_request.c - the reader of requests: what is one, and what is refused, in pieces of any size.
 */
#include "corpus.h"
#include "http/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIMIT 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct http_head head;

/* Reads a copy of the text, which is given back, `step` bytes more each time. */
static char *read_text(const char *text, size_t bytes, size_t step, enum http_reading *ret_reading)
{
    char *copy = malloc(bytes + 1);
    assert_non_null(copy);
    memcpy(copy, text, bytes);
    http_head_init(&head);
    *ret_reading = HTTP_READING_MORE;
    for (size_t count = step; *ret_reading == HTTP_READING_MORE; count += step) {
        const size_t given = count < bytes ? count : bytes;
        *ret_reading = http_head_read(&head, copy, given, LIMIT);
        if (given == bytes)
            break;
    }
    return copy;
}

static void expect_bytes(const char *text, size_t bytes, unsigned status)
{
    static const size_t steps[] = {1, 2, 3, 7, 10000};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        enum http_reading reading;
        free(read_text(text, bytes, steps[i], &reading));
        if (status == 200)
            assert_int_equal(reading, HTTP_READING_DONE);
        else if (status == 0)
            assert_int_equal(reading, HTTP_READING_MORE);
        else if (reading != HTTP_READING_WRONG || head.refusal.status != status)
            fail_msg("%s: %u instead of %u", text,
                     reading == HTTP_READING_WRONG ? head.refusal.status : 0, status);
    }
}

static void expect(const char *text, unsigned status)
{
    expect_bytes(text, strlen(text), status);
}

static void a_whole_request(void **state)
{
    static const char text[] = "\r\nPOST /a?b=c HTTP/1.1\r\nHost: t\r\nX-Empty:\r\n"
                               "x-blanks: \t a b\t \r\n\r\nbody";
    (void)state;
    for (size_t step = 1; step < sizeof(text); step++) {
        enum http_reading reading;
        char *copy = read_text(text, sizeof(text) - 1, step, &reading);
        assert_int_equal(reading, HTTP_READING_DONE);
        assert_string_equal(head.method, "POST");
        assert_string_equal(head.target, "/a?b=c");
        assert_int_equal(head.target_bytes, 6);
        assert_int_equal(head.minor, 1);
        assert_int_equal(head.field_count, 3);
        assert_int_equal(head.bytes, sizeof(text) - 1 - 4);
        assert_string_equal(http_head_field(&head, "HOST"), "t");
        assert_string_equal(http_head_field(&head, "X-Empty"), "");
        assert_string_equal(http_head_field(&head, "X-Blanks"), "a b");
        assert_int_equal(head.fields[2].value_bytes, 3);
        assert_null(http_head_field(&head, "X"));
        assert_memory_equal(copy + head.bytes, "body", 4);
        free(copy);
    }
}

static void versions(void **state)
{
    (void)state;
    expect("GET / HTTP/1.0\r\n\r\n", 200);
    assert_int_equal(head.minor, 0);
    expect("GET / HTTP/1.7\r\n\r\n", 200);
    assert_int_equal(head.minor, 1);
    expect("PRI * HTTP/2.0\r\n\r\n", 505);
    expect("GET / HTTP/0.9\r\n\r\n", 505);
    expect("GET / HTTP/1.1x\r\n\r\n", 400);
    expect("GET / HTTP/11\r\n\r\n", 400);
    expect("GET / HTTP/1.\r\n\r\n", 400);
    expect("GET / http/1.1\r\n\r\n", 400);
    expect("GET / \r\n\r\n", 400);
    expect("GET /\r\n\r\n", 400);
}

static void request_lines(void **state)
{
    (void)state;
    expect(" GET / HTTP/1.1\r\n", 400);
    expect("GET  / HTTP/1.1\r\n", 400);
    expect("GET /  HTTP/1.1\r\n", 400);
    expect("GET / HTTP/1.1 \r\n", 400);
    expect("GET\t/ HTTP/1.1\r\n", 400);
    expect("GET /\ta HTTP/1.1\r\n", 400);
    expect("GET\r\n", 400);
    expect("G(T / HTTP/1.1\r\n", 400);
    expect("\xc3\xa9 / HTTP/1.1\r\n", 400);
    expect("g!#$%&'*+-.^_`|~09 \xc3\xa9 HTTP/1.1\r\n\r\n", 200);
    expect("GET / HTTP/1.1\r\n", 0);
    expect("", 0);
    expect("\r\n\r\n", 0);
}

static void lines_and_controls(void **state)
{
    (void)state;
    expect("GET / HTTP/1.1\n\n", 400);
    expect("GET / HTTP/1.1\r\nA: b\n\r\n", 400);
    expect("GET / HTTP/1.1\rA: b\r\r", 400);
    expect("GET / HTTP/1.1\r\nA: b\rc\r\n", 400);
    expect("\n", 400);
    expect("\x16\x03\x01", 400);
    expect_bytes("GET /\0 HTTP/1.1\r\n", 17, 400);
    expect_bytes("GET / HTTP/1.1\r\nA: \0\r\n", 21, 400);
    expect("GET / HTTP/1.1\r\nA: \x7f\r\n", 400);
    expect("GET / HTTP/1.1\r\nA: aaaaaaaaaaaaaaaaaaaaaaaaaa\x01\r\n", 400);
    expect("GET / HTTP/1.1\r\nA: \t\xff\r\n\r\n", 200);
}

static void fields(void **state)
{
    (void)state;
    expect("GET / HTTP/1.1\r\nno colon\r\n", 400);
    expect("GET / HTTP/1.1\r\nnocolon\r\n", 400);
    expect("GET / HTTP/1.1\r\n: a\r\n", 400);
    expect("GET / HTTP/1.1\r\nA : a\r\n", 400);
    expect("GET / HTTP/1.1\r\nA\t: a\r\n", 400);
    expect("GET / HTTP/1.1\r\nA: a\r\n b\r\n", 400);
    expect("GET / HTTP/1.1\r\n\tb: c\r\n", 400);
    expect("GET / HTTP/1.1\r\nA(: a\r\n", 400);
    expect("GET / HTTP/1.1\r\nA:a:b\r\n\r\n", 200);
    assert_int_equal(head.field_count, 1);
}

/* Exactly the limit is taken, and a byte more is not. */
static void limits(void **state)
{
    static char text[2 * LIMIT], many[20 * HTTP_MAX_FIELDS];
    (void)state;
    for (size_t bytes = LIMIT - 2; bytes <= LIMIT + 2; bytes++) {
        const size_t fill = bytes - strlen("GET / HTTP/1.1\r\nA: \r\n\r\n");
        snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nA: %0*d\r\n\r\n", (int)fill, 1);
        expect(text, bytes <= LIMIT ? 200 : 431);
        const size_t target = bytes - strlen("GET / HTTP/1.1\r\n\r\n");
        snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\n\r\n", (int)target, 1);
        expect(text, bytes <= LIMIT ? 200 : 431);
    }
    memset(text, 'a', sizeof(text) - 1);
    expect(text, 414);
    for (size_t fields = HTTP_MAX_FIELDS; fields <= HTTP_MAX_FIELDS + 1; fields++) {
        size_t used = (size_t)sprintf(many, "GET / HTTP/1.1\r\n");
        for (size_t i = 0; i < fields; i++)
            used += (size_t)sprintf(many + used, "a:\r\n");
        sprintf(many + used, "\r\n");
        expect(many, fields <= HTTP_MAX_FIELDS ? 200 : 431);
    }
}

/* --- chunks --- */

struct decoded {
    enum http_reading reading;
    unsigned status;
    size_t used, bytes;
    char body[200];
};

static struct decoded decode(const char *text, size_t step)
{
    struct http_chunks chunks = HTTP_CHUNKS_INIT;
    struct decoded decoded = {.reading = HTTP_READING_MORE};
    const size_t length = strlen(text);
    while (decoded.used < length || decoded.reading == HTTP_READING_PIECE) {
        const char *piece = NULL;
        size_t used, bytes = 0;
        const size_t left = length - decoded.used;
        decoded.reading = http_chunks_read(&chunks, text + decoded.used, left < step ? left : step,
                                           &used, &piece, &bytes);
        decoded.used += used;
        if (decoded.reading == HTTP_READING_PIECE) {
            assert_true(bytes > 0 && decoded.bytes + bytes < sizeof(decoded.body));
            memcpy(decoded.body + decoded.bytes, piece, bytes);
            decoded.bytes += bytes;
        } else if (decoded.reading != HTTP_READING_MORE) {
            break;
        }
    }
    decoded.status = decoded.reading == HTTP_READING_WRONG ? chunks.refusal.status : 0;
    return decoded;
}

static void chunked_bodies(void **state)
{
    static const char text[] =
        "3\r\nabc\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\nX: y\r\nZ:\r\n\r\nnext";
    (void)state;
    for (size_t step = 1; step < sizeof(text); step++) {
        const struct decoded decoded = decode(text, step);
        assert_int_equal(decoded.reading, HTTP_READING_DONE);
        assert_int_equal(decoded.used, sizeof(text) - 1 - 4);
        assert_int_equal(decoded.bytes, 13);
        assert_memory_equal(decoded.body, "abc0123456789", 13);
    }
    assert_int_equal(decode("0\r\n\r\n", 100).reading, HTTP_READING_DONE);
    assert_int_equal(decode("ffffffffffffffff\r\na", 100).reading, HTTP_READING_MORE);
}

static void malformed_chunks(void **state)
{
    static const char *const wrong[] = {
        "\r\n",
        "x",
        "-1\r\n",
        "+1\r\n",
        "0x1\r\n",
        " 1\r\n",
        "1 \r\n",
        "1\n",
        "1\rx",
        "1;a\n",
        "1;\x01",
        "1\r\nab",
        "1\r\na\n",
        "1\r\na\rx",
        "0\r\n\n",
        "0\r\nA b\r\n",
        "0\r\n:a\r\n",
        "0\r\n A: b\r\n",
        "0\r\nA: b\n",
        "0\r\nA: \x01\r\n",
        "0\r\nA: b\rc",
        "0\r\n\rx",
        "10000000000000000\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        for (size_t step = 1; step < 30; step += 7)
            if (decode(wrong[i], step).status != 400)
                fail_msg("\"%s\" is not refused", wrong[i]);
}

static void limits_of_chunks(void **state)
{
    char text[2 * HTTP_TRAILER_BYTES];
    (void)state;
    snprintf(text, sizeof(text), "%0*d\r\na", HTTP_CHUNK_LINE_BYTES - 1, 1);
    assert_int_equal(decode(text, 1000).bytes, 1);
    snprintf(text, sizeof(text), "%0*d\r\na", HTTP_CHUNK_LINE_BYTES, 1);
    assert_int_equal(decode(text, 1000).status, 400);
    snprintf(text, sizeof(text), "0\r\nA:%0*d\r\n\r\n", HTTP_TRAILER_BYTES - 5, 1);
    assert_int_equal(decode(text, 10000).reading, HTTP_READING_DONE);
    snprintf(text, sizeof(text), "0\r\nA:%0*d\r\n\r\n", HTTP_TRAILER_BYTES, 1);
    assert_int_equal(decode(text, 10000).status, 431);
}

static void replay(const char *path, const char *bytes, size_t length)
{
    (void)path;
    LLVMFuzzerTestOneInput((const uint8_t *)bytes, length);
}

static void corpus(void **state)
{
    (void)state;
    assert_true(corpus_replay("request", replay) >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_request),  cmocka_unit_test(versions),
        cmocka_unit_test(request_lines),    cmocka_unit_test(lines_and_controls),
        cmocka_unit_test(fields),           cmocka_unit_test(limits),
        cmocka_unit_test(chunked_bodies),   cmocka_unit_test(malformed_chunks),
        cmocka_unit_test(limits_of_chunks), cmocka_unit_test(corpus),
    };
    return cmocka_run_group_tests_name("http_request", tests, NULL, NULL);
}
