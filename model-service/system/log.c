/* log.c - log lines on standard error, one write(2) each, from any thread. */
#include "system/log.h"

#include "system/clock.h"
#include "text/timestamp.h"

#include "text/utf8.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A pipe takes up to PIPE_BUF bytes in one piece, so lines of several threads do not mix. */
#define LINE_BYTES PIPE_BUF
/* Longest escape, "\u001b". */
#define ESCAPE_BYTES 6
/* The sign of a cut and the end of a line of JSON. */
#define END_BYTES sizeof("...\"}\n")

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_ERROR] = "error",
};
static const char *const format_names[] = {
    [LOG_FORMAT_PLAIN] = "plain",
    [LOG_FORMAT_JSON] = "json",
};

/* Written before any thread starts. */
static enum log_level least_level = LOG_LEVEL_INFO;
static enum log_format line_format = LOG_FORMAT_PLAIN;

struct line {
    char text[LINE_BYTES];
    size_t bytes;
};

static int word_index(const char *word, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, names[i]) == 0)
            return (int)i;
    return -EINVAL;
}

void log_configure(enum log_level level, enum log_format format)
{
    least_level = level;
    line_format = format;
}

int log_level_parse(const char *word, enum log_level *ret_level)
{
    const int i = word_index(word, level_names, sizeof(level_names) / sizeof(level_names[0]));
    if (i < 0)
        return i;
    *ret_level = (enum log_level)i;
    return 0;
}

int log_format_parse(const char *word, enum log_format *ret_format)
{
    const int i = word_index(word, format_names, sizeof(format_names) / sizeof(format_names[0]));
    if (i < 0)
        return i;
    *ret_format = (enum log_format)i;
    return 0;
}

/* Bytes of the well-formed UTF-8 character at text, or 0. */
static size_t character_bytes(const unsigned char *text, size_t left)
{
    bool valid;
    const size_t bytes = utf8_span((const char *)text, left, &valid);
    return valid ? bytes : 0;
}

/* C0, DEL and C1: a terminal acts on them. */
static bool is_control(const unsigned char *text, size_t bytes)
{
    return bytes == 1 ? text[0] < 0x20 || text[0] == 0x7f
                      : bytes == 2 && text[0] == 0xc2 && text[1] < 0xa0;
}

static size_t escape_plain(char *out, size_t room, const unsigned char *text, size_t bytes)
{
    if (text[0] == '\n' || text[0] == '\r' || text[0] == '\t')
        return (size_t)snprintf(out, room, "\\%c",
                                text[0] == '\n'   ? 'n'
                                : text[0] == '\r' ? 'r'
                                                  : 't');
    /* The second byte of a C1 control is its code. */
    return (size_t)snprintf(out, room, "\\x%02x", text[bytes == 2 ? 1 : 0]);
}

static size_t escape_json(char *out, size_t room, const unsigned char *text, size_t bytes)
{
    if (text[0] == '"' || text[0] == '\\')
        return (size_t)snprintf(out, room, "\\%c", text[0]);
    if (bytes == 0)
        return (size_t)snprintf(out, room, "\\ufffd");
    return (size_t)snprintf(out, room, "\\u%04x", text[bytes == 2 ? 1 : 0]);
}

/* Appends the message escaped, whole characters only, leaving `reserve` bytes of the line. Returns
 * whether all of it fitted. */
static bool append_escaped(struct line *line, const char *message, size_t length, size_t reserve)
{
    const bool json = line_format == LOG_FORMAT_JSON;
    const unsigned char *text = (const unsigned char *)message;
    for (size_t i = 0; i < length;) {
        const size_t bytes = character_bytes(text + i, length - i);
        if (line->bytes + ESCAPE_BYTES + reserve >= sizeof(line->text))
            return false;
        char *out = line->text + line->bytes;
        const size_t room = sizeof(line->text) - line->bytes;
        const bool quote = json && (text[i] == '"' || text[i] == '\\');
        if (bytes == 0 || quote || is_control(text + i, bytes)) {
            line->bytes += json ? escape_json(out, room, text + i, bytes)
                                : escape_plain(out, room, text + i, bytes);
        } else {
            memcpy(out, text + i, bytes);
            line->bytes += bytes;
        }
        i += bytes ? bytes : 1;
    }
    return true;
}

/* Drops a character that the cut at LOG_MAX_BYTES has split. */
static size_t whole_characters(const char *message, size_t length)
{
    size_t start = length;
    while (start > 0 && length - start < 3 && utf8_is_continuation(message[start - 1]))
        start--;
    if (start == 0 || (unsigned char)message[start - 1] < 0xc2)
        return length;
    start--;
    const unsigned char lead = (unsigned char)message[start];
    const size_t wanted = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    return length - start < wanted ? start : length;
}

static void begin_line(struct line *line, enum log_level level)
{
    char now[TIMESTAMP_BYTES];
    timestamp_format(clock_wall_ms(), now);
    const char *pattern = line_format == LOG_FORMAT_JSON
                              ? "{\"time\":\"%s\",\"level\":\"%s\",\"message\":\""
                              : "%s %s ";
    /* Both patterns hold the same two fields. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    line->bytes =
        (size_t)snprintf(line->text, sizeof(line->text), pattern, now, level_names[level]);
#pragma GCC diagnostic pop
}

static void write_line(const struct line *line)
{
    size_t done = 0;
    while (done < line->bytes) {
        const ssize_t n = write(STDERR_FILENO, line->text + done, line->bytes - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        done += (size_t)n;
    }
}

static void append(struct line *line, const char *text)
{
    memcpy(line->text + line->bytes, text, strlen(text));
    line->bytes += strlen(text);
}

void log_write(enum log_level level, const char *format, ...)
{
    if (level < least_level)
        return;
    const int saved_errno = errno;
    char message[LOG_MAX_BYTES + 1];
    va_list arguments;
    va_start(arguments, format);
    const int wanted = vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    size_t length = wanted < 0 ? 0 : (size_t)wanted;
    const bool cut = length > LOG_MAX_BYTES;
    if (cut)
        length = whole_characters(message, LOG_MAX_BYTES);
    struct line line;
    begin_line(&line, level);
    if (!append_escaped(&line, message, length, END_BYTES) || cut)
        append(&line, "...");
    append(&line, line_format == LOG_FORMAT_JSON ? "\"}\n" : "\n");
    write_line(&line);
    errno = saved_errno;
}
