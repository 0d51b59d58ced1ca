/* print.c - text into a buffer. */
#include "report/print.h"

#include "text/utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

void print(struct buffer *out, const char *format, ...)
{
    char text[PRINT_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (length > 0)
        buffer_append(out, text, (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1);
}

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    }
    return NULL;
}

/* Control characters; the white space that HTML knows is none of them. */
static bool is_forbidden(const char *text, size_t bytes)
{
    const unsigned char c = (unsigned char)text[0];
    if (bytes == 2 && c == 0xc2)
        return (unsigned char)text[1] < 0xa0;
    return (c < 0x20 && c != '\t' && c != '\n') || c == 0x7f;
}

void print_html(struct buffer *out, const char *text)
{
    for (size_t left = strlen(text), bytes; left > 0; text += bytes, left -= bytes) {
        bool valid;
        bytes = utf8_span(text, left, &valid);
        if (!valid || is_forbidden(text, bytes))
            buffer_append_text(out, UTF8_REPLACEMENT);
        else if (entity(*text))
            buffer_append_text(out, entity(*text));
        else
            buffer_append(out, text, bytes);
    }
}

static size_t longest_run(const char *text, char c)
{
    size_t longest = 0;
    for (size_t run = 0; *text; text++) {
        run = *text == c ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

/* Code ends at as many backticks as it began with, and takes everything else for text. Only a table
 * is split at bars before that. */
void print_markdown_code(struct buffer *out, const char *text, int table)
{
    const size_t fence = longest_run(text, '`') + 1;
    for (size_t i = 0; i < fence; i++)
        buffer_append_char(out, '`');
    buffer_append_char(out, ' ');
    for (size_t left = strlen(text), bytes; left > 0; text += bytes, left -= bytes) {
        bool valid;
        bytes = utf8_span(text, left, &valid);
        if (!valid)
            buffer_append_text(out, UTF8_REPLACEMENT);
        else if (*text == '\n' || is_forbidden(text, bytes))
            buffer_append_char(out, ' ');
        else if (table && *text == '|')
            buffer_append_text(out, "\\|");
        else
            buffer_append(out, text, bytes);
    }
    buffer_append_char(out, ' ');
    for (size_t i = 0; i < fence; i++)
        buffer_append_char(out, '`');
}

/* --- numbers --- */

static struct number_text with_digits(double value, int digits)
{
    struct number_text number = {"none"};
    const double size = fabs(value);
    if (isnan(value))
        return number;
    if (size >= 1000 && size < 1e6) {
        const int whole = size < 1e4 ? 4 : size < 1e5 ? 5 : 6;
        snprintf(number.text, sizeof(number.text), "%.*f", digits > whole ? digits - whole : 0,
                 value);
    } else {
        snprintf(number.text, sizeof(number.text), "%.*g", digits, value);
    }
    return number;
}

#define USUAL_DIGITS 3
#define MOST_DIGITS  17

struct number_text number_words(double value)
{
    return with_digits(value, USUAL_DIGITS);
}

struct number_pair pair_words(double from, double to)
{
    struct number_pair pair;
    int digits = USUAL_DIGITS;
    do {
        pair = (struct number_pair){with_digits(from, digits), with_digits(to, digits)};
    } while (digits++ < MOST_DIGITS && from != to && strcmp(pair.from.text, pair.to.text) == 0);
    return pair;
}

static struct number_text percent_with(double share, int more)
{
    struct number_text number;
    const double percent = 100 * share;
    const int decimals = (percent == 0 || percent >= 9.95 ? 0 : percent >= 0.095 ? 1 : 2) + more;
    snprintf(number.text, sizeof(number.text), "%.*f %%", decimals, percent);
    return number;
}

struct number_text percent_words(double share)
{
    return percent_with(share, 0);
}

struct number_pair percent_pair_words(double from, double to)
{
    struct number_pair pair;
    int more = 0;
    do {
        pair = (struct number_pair){percent_with(from, more), percent_with(to, more)};
    } while (more++ < 4 && from != to && strcmp(pair.from.text, pair.to.text) == 0);
    return pair;
}
