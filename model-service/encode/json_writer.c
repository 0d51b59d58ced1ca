/* json_writer.c - JSON text per RFC 8259. */
#include "encode/json_writer.h"

#include "text/number.h"
#include "text/utf8.h"

#include <assert.h>
#include <math.h>
#include <string.h>

_Static_assert(JSON_MAX_DEPTH <= 32, "one bit per open container");

void json_init(struct json_writer *json, struct buffer *out)
{
    *json = (struct json_writer){.out = out};
}

static uint32_t innermost(const struct json_writer *json)
{
    return (uint32_t)1 << (json->depth - 1);
}

static void separate(struct json_writer *json)
{
    if (json->depth == 0)
        return;
    if (json->has_member & innermost(json))
        buffer_append_char(json->out, ',');
    json->has_member |= innermost(json);
}

static void before_key(struct json_writer *json)
{
    assert(json->depth > 0 && (json->is_object & innermost(json)) && !json->after_key);
    separate(json);
    json->after_key = true;
}

/* A value of an object follows its key, which has written the comma. */
static void before_value(struct json_writer *json)
{
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    assert(json->depth == 0 || !(json->is_object & innermost(json)));
    separate(json);
}

static void begin(struct json_writer *json, bool object)
{
    before_value(json);
    assert(json->depth < JSON_MAX_DEPTH);
    json->depth++;
    json->has_member &= ~innermost(json);
    if (object)
        json->is_object |= innermost(json);
    else
        json->is_object &= ~innermost(json);
    buffer_append_char(json->out, object ? '{' : '[');
}

static void end(struct json_writer *json, bool object)
{
    assert(json->depth > 0 && !json->after_key);
    assert(!(json->is_object & innermost(json)) == !object);
    json->depth--;
    buffer_append_char(json->out, object ? '}' : ']');
}

void json_begin_object(struct json_writer *json)
{
    begin(json, true);
}

void json_end_object(struct json_writer *json)
{
    end(json, true);
}

void json_begin_array(struct json_writer *json)
{
    begin(json, false);
}

void json_end_array(struct json_writer *json)
{
    end(json, false);
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Not 0 if and only if a byte of `word` is zero. */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - 0x0101010101010101) & ~word & 0x8080808080808080;
}

/* Length of the leading run that needs no escape, eight bytes at a time while it lasts. */
static size_t plain_run(const char *text, size_t bytes)
{
    size_t i = 0;

    while (bytes - i >= 8) {
        uint64_t word;

        memcpy(&word, text + i, 8);
        if (zero_bytes(word ^ 0x2222222222222222) | zero_bytes(word ^ 0x5c5c5c5c5c5c5c5c) |
            zero_bytes(word & 0xe0e0e0e0e0e0e0e0) | (word & 0x8080808080808080))
            break;
        i += 8;
    }
    while (i < bytes && is_plain((unsigned char)text[i]))
        i++;
    return i;
}

static void append_escape(struct buffer *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char shortcuts[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
    const char *shortcut = memchr(shortcuts, c, sizeof(shortcuts) - 1);
    char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    if (shortcut)
        escape[1] = letters[shortcut - shortcuts];
    buffer_append(out, escape, shortcut ? 2 : 6);
}

static void append_quoted(struct buffer *out, const char *text, size_t bytes)
{
    buffer_append_char(out, '"');
    while (bytes > 0) {
        size_t span = plain_run(text, bytes);
        bool valid = true;

        if (span > 0)
            buffer_append(out, text, span);
        else if ((unsigned char)*text < 0x80)
            append_escape(out, (unsigned char)text[span++]);
        else {
            span = utf8_span(text, bytes, &valid);
            if (valid)
                buffer_append(out, text, span);
            else
                buffer_append_text(out, UTF8_REPLACEMENT);
        }
        text += span;
        bytes -= span;
    }
    buffer_append_char(out, '"');
}

void json_key(struct json_writer *json, const char *key)
{
    before_key(json);
    append_quoted(json->out, key, strlen(key));
    buffer_append_char(json->out, ':');
}

void json_raw_key(struct json_writer *json, const char *text, size_t bytes)
{
    before_key(json);
    buffer_append(json->out, text, bytes);
}

void json_raw(struct json_writer *json, const char *text, size_t bytes)
{
    before_value(json);
    buffer_append(json->out, text, bytes);
}

void json_string_bytes(struct json_writer *json, const char *text, size_t bytes)
{
    before_value(json);
    append_quoted(json->out, text, bytes);
}

void json_string(struct json_writer *json, const char *text)
{
    json_string_bytes(json, text, strlen(text));
}

void json_number(struct json_writer *json, double value)
{
    char *end;

    if (!isfinite(value)) {
        json_null(json);
        return;
    }
    before_value(json);
    end = buffer_reserve(json->out, NUMBER_MAX_BYTES);
    if (!end)
        return;
    json->out->length += number_format(value, end);
    if (value == 0 && signbit(value))
        buffer_append(json->out, ".0", 2);
}

void json_integer(struct json_writer *json, uint64_t value)
{
    char *end;

    before_value(json);
    end = buffer_reserve(json->out, NUMBER_MAX_BYTES);
    if (end)
        json->out->length += number_format_u64(value, end);
}

void json_boolean(struct json_writer *json, bool value)
{
    json_raw(json, value ? "true" : "false", value ? 4 : 5);
}

void json_null(struct json_writer *json)
{
    json_raw(json, "null", 4);
}

void json_member_string(struct json_writer *json, const char *key, const char *text)
{
    json_key(json, key);
    json_string(json, text);
}

void json_member_number(struct json_writer *json, const char *key, double value)
{
    json_key(json, key);
    json_number(json, value);
}

void json_member_integer(struct json_writer *json, const char *key, uint64_t value)
{
    json_key(json, key);
    json_integer(json, value);
}

void json_member_boolean(struct json_writer *json, const char *key, bool value)
{
    json_key(json, key);
    json_boolean(json, value);
}
