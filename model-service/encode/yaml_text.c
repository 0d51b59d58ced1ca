/* yaml_text.c - see the header. */
#include "encode/yaml_text.h"

#include "text/utf8.h"

#include <stdbool.h>
#include <stdint.h>

/* Plain words that YAML 1.1 or 1.2 reads as something else than text. */
static const char *const meaningful[] = {"y",   "n",    "yes",   "no",  "on",
                                         "off", "true", "false", "null"};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* ASCII letters only, whatever the locale: text with other letters is quoted anyway. */
static bool same_word(const char *a, const char *b)
{
    while (*a && (*a | 0x20) == (*b | 0x20)) {
        a++;
        b++;
    }
    return *a == *b;
}

/* Letters first, then also digits, dots and hyphens: no indicator, no number, no date. */
static bool is_plain(const char *text)
{
    if (!is_letter(*text))
        return false;
    for (const char *c = text; *c; c++)
        if (!is_letter(*c) && !(*c >= '0' && *c <= '9') && *c != '.' && *c != '-')
            return false;
    for (size_t i = 0; i < sizeof(meaningful) / sizeof(meaningful[0]); i++)
        if (same_word(text, meaningful[i]))
            return false;
    return true;
}

static uint32_t decode(const unsigned char *c, size_t bytes)
{
    if (bytes == 1)
        return c[0];
    uint32_t point = c[0] & (0xffu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++)
        point = point << 6 | (c[i] & 0x3fu);
    return point;
}

/* Control characters, YAML 1.1's line breaks, the byte order mark and noncharacters. */
static bool is_hidden(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029 ||
           point == 0xfeff || (point & 0xfffe) == 0xfffe;
}

/* \xHH, \uHHHH or \UHHHHHHHH, whichever is the shortest that holds it. */
static void append_escape(struct buffer *out, uint32_t point)
{
    static const char hexadecimal[] = "0123456789abcdef";
    const int digits = point < 0x100 ? 2 : point < 0x10000 ? 4 : 8;

    buffer_append_char(out, '\\');
    buffer_append_char(out, digits == 2 ? 'x' : digits == 4 ? 'u' : 'U');
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
        buffer_append_char(out, hexadecimal[point >> shift & 0xf]);
}

static void append_quoted(struct buffer *out, const char *text, size_t bytes, uint32_t point)
{
    if (point == '"' || point == '\\') {
        buffer_append_char(out, '\\');
        buffer_append_char(out, (char)point);
    } else if (is_hidden(point)) {
        append_escape(out, point);
    } else {
        buffer_append(out, text, bytes);
    }
}

void yaml_text(struct buffer *out, const char *text)
{
    size_t left = strlen(text);
    bool valid;

    if (is_plain(text)) {
        buffer_append(out, text, left);
        return;
    }
    buffer_append_char(out, '"');
    for (size_t n; left > 0; text += n, left -= n) {
        n = utf8_span(text, left, &valid);
        if (valid)
            append_quoted(out, text, n, decode((const unsigned char *)text, n));
        else
            buffer_append_text(out, UTF8_REPLACEMENT);
    }
    buffer_append_char(out, '"');
}

void yaml_comment_text(struct buffer *out, const char *text)
{
    size_t left = strlen(text);
    bool valid;

    for (size_t n; left > 0; text += n, left -= n) {
        n = utf8_span(text, left, &valid);
        if (valid && !is_hidden(decode((const unsigned char *)text, n)))
            buffer_append(out, text, n);
        else
            buffer_append_char(out, '?');
    }
}
