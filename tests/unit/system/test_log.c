/* test_log.c - log lines: form, levels, escapes, cuts, one write each, from many threads. */
#include "system/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PREFIX_BYTES 25 /* "2026-01-31T12:00:00.123Z " */
#define THREADS      4
#define LINES        200

static int packets[2], saved_stderr;
static char line[2 * PIPE_BUF];

/* Standard error becomes a pipe of packets: each read(2) gives what one write(2) wrote. */
static int capture(void **state)
{
    (void)state;
    saved_stderr = dup(STDERR_FILENO);
    return saved_stderr < 0 || pipe2(packets, O_DIRECT | O_NONBLOCK) < 0 ||
                   dup2(packets[1], STDERR_FILENO) < 0
               ? -1
               : 0;
}

static int release(void **state)
{
    (void)state;
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(packets[0]);
    close(packets[1]);
    log_configure(LOG_LEVEL_INFO, LOG_FORMAT_PLAIN);
    return 0;
}

/* The next write, or NULL. */
static const char *next_line(void)
{
    const ssize_t bytes = read(packets[0], line, sizeof(line) - 1);
    if (bytes < 0)
        return NULL;
    line[bytes] = '\0';
    return line;
}

static void expect_pattern(const char *text, const char *pattern)
{
    for (size_t i = 0; pattern[i]; i++)
        if (pattern[i] == '#' ? text[i] < '0' || text[i] > '9' : text[i] != pattern[i])
            fail_msg("\"%s\" is not like \"%s\"", text, pattern);
}

static void plain_lines(void **state)
{
    (void)state;
    log_info("listening on %s:%d", "127.0.0.1", 8000);
    const char *text = next_line();
    assert_non_null(text);
    expect_pattern(text, "####-##-##T##:##:##.###Z info ");
    assert_string_equal(text + PREFIX_BYTES, "info listening on 127.0.0.1:8000\n");
    log_warning("w");
    assert_string_equal(next_line() + PREFIX_BYTES, "warning w\n");
    log_error("e");
    assert_string_equal(next_line() + PREFIX_BYTES, "error e\n");
    assert_null(next_line());
}

static void json_lines(void **state)
{
    (void)state;
    log_configure(LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
    log_debug("a \"b\" \\ c");
    const char *text = next_line();
    assert_non_null(text);
    expect_pattern(text, "{\"time\":\"####-##-##T##:##:##.###Z\",");
    assert_string_equal(strchr(text, ',') + 1,
                        "\"level\":\"debug\",\"message\":\"a \\\"b\\\" \\\\ c\"}\n");
    assert_null(next_line());
}

static void levels(void **state)
{
    static const char *const words[] = {"debug", "info", "warning", "error"};
    (void)state;
    for (int least = 0; least < 4; least++) {
        enum log_level level;
        assert_int_equal(log_level_parse(words[least], &level), 0);
        assert_int_equal((int)level, least);
        log_configure(level, LOG_FORMAT_PLAIN);
        for (int i = 0; i < 4; i++) {
            log_write((enum log_level)i, "x");
            assert_int_equal(next_line() != NULL, i >= least);
        }
    }
}

static void unknown_words(void **state)
{
    enum log_level level = LOG_LEVEL_ERROR;
    enum log_format format = LOG_FORMAT_JSON;
    (void)state;
    assert_int_equal(log_level_parse("loud", &level), -EINVAL);
    assert_int_equal(log_level_parse("", &level), -EINVAL);
    assert_int_equal(log_level_parse("Info", &level), -EINVAL);
    assert_int_equal((int)level, LOG_LEVEL_ERROR);
    assert_int_equal(log_format_parse("xml", &format), -EINVAL);
    assert_int_equal((int)format, LOG_FORMAT_JSON);
    assert_int_equal(log_format_parse("plain", &format), 0);
    assert_int_equal((int)format, LOG_FORMAT_PLAIN);
    assert_int_equal(log_format_parse("json", &format), 0);
    assert_int_equal((int)format, LOG_FORMAT_JSON);
}

static void escapes(void **state)
{
    static const struct {
        const char *message, *plain, *json;
    } cases[] = {
        {"a\nb\r\tc", "a\\nb\\r\\tc", "a\\u000ab\\u000d\\u0009c"},
        {"\x1b[31mred\x7f", "\\x1b[31mred\\x7f", "\\u001b[31mred\\u007f"},
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
         "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xff\x80\xc0\xaf", "\\xff\\x80\\xc0\\xaf", "\\ufffd\\ufffd\\ufffd\\ufffd"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\\ufffd\\ufffd\\ufffd"},
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
        {"\xe0\x80\xaf", "\\xe0\\x80\\xaf", "\\ufffd\\ufffd\\ufffd"},
        {"\xc2\x9b"
         "2J",
         "\\x9b2J", "\\u009b2J"},
        {"cut \xe2\x82", "cut \\xe2\\x82", "cut \\ufffd\\ufffd"},
        {"", "", ""},
    };
    char expected[200];
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        log_configure(LOG_LEVEL_INFO, LOG_FORMAT_PLAIN);
        log_info("%s", cases[i].message);
        snprintf(expected, sizeof(expected), "info %s\n", cases[i].plain);
        assert_string_equal(next_line() + PREFIX_BYTES, expected);
        log_configure(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
        log_info("%s", cases[i].message);
        snprintf(expected, sizeof(expected), "\"message\":\"%s\"}\n", cases[i].json);
        assert_string_equal(strstr(next_line(), "\"message\""), expected);
    }
}

static void long_messages_are_cut(void **state)
{
    static char message[3 * LOG_MAX_BYTES];
    (void)state;
    memset(message, 'm', sizeof(message) - 1);
    log_info("%s", message);
    const char *text = next_line();
    assert_int_equal(strlen(text), PREFIX_BYTES + strlen("info ") + LOG_MAX_BYTES + 4);
    assert_string_equal(text + strlen(text) - 5, "m...\n");
    /* A character that the cut would split is left out: so many bytes are before it. */
    for (size_t before = LOG_MAX_BYTES - 3; before <= LOG_MAX_BYTES; before++) {
        memset(message, 'm', sizeof(message) - 1);
        memcpy(message + before, "\xf0\x9f\x98\x80", 4);
        log_info("%s", message);
        text = next_line();
        assert_int_equal(strlen(text), PREFIX_BYTES + strlen("info ") + before + 4);
        assert_string_equal(text + strlen(text) - 5, "m...\n");
        assert_null(strchr(text, '\\'));
    }
    /* Escapes lengthen a message, but one line stays one write that a pipe takes whole. */
    log_configure(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    memset(message, '\x01', sizeof(message) - 1);
    log_info("%s", message);
    text = next_line();
    const size_t bytes = strlen(text);
    assert_true(bytes <= PIPE_BUF && bytes > PIPE_BUF - 20);
    assert_string_equal(text + bytes - 12, "\\u0001...\"}\n");
    assert_null(next_line());
}

static void errno_is_kept(void **state)
{
    (void)state;
    errno = EBADMSG;
    log_info("x");
    assert_int_equal(errno, EBADMSG);
    assert_non_null(next_line());
}

static void *write_lines(void *argument)
{
    const int fill = *(const int *)argument;
    char text[101];
    memset(text, fill, 100);
    text[100] = '\0';
    for (int i = 0; i < LINES; i++)
        log_info("%s", text);
    return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
    pthread_t threads[THREADS];
    int fills[THREADS], lines[THREADS] = {0};
    char *text = NULL;
    size_t room = 0;
    FILE *file = tmpfile();
    (void)state;
    assert_non_null(file);
    assert_int_equal(fcntl(fileno(file), F_SETFL, O_APPEND), 0);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    for (int i = 0; i < THREADS; i++) {
        fills[i] = 'a' + i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &fills[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    rewind(file);
    while (getline(&text, &room, file) > 0) {
        const char *message = text + PREFIX_BYTES + strlen("info ");
        assert_in_range(message[0], 'a', 'a' + THREADS - 1);
        assert_int_equal(strspn(message, (char[]){message[0], '\0'}), 100);
        assert_string_equal(message + 100, "\n");
        lines[message[0] - 'a']++;
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(lines[i], LINES);
    free(text);
    fclose(file);
}

int main(void)
{
#define CAPTURED(test) cmocka_unit_test_setup_teardown(test, capture, release)
    const struct CMUnitTest tests[] = {
        CAPTURED(plain_lines),   CAPTURED(json_lines),
        CAPTURED(levels),        CAPTURED(unknown_words),
        CAPTURED(escapes),       CAPTURED(long_messages_are_cut),
        CAPTURED(errno_is_kept), CAPTURED(lines_of_threads_do_not_mix),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
