/* document_json.c - JSON (RFC 8259), and NaN, Infinity and -Infinity, which XGBoost writes too. */
#include "score/forest/document_internal.h"

#include "text/decimal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* The text ends with a NUL, so that the character at the end may be looked at. */
static char next_character(struct document *document)
{
    while (*document->at == ' ' || *document->at == '\n' || *document->at == '\t' ||
           *document->at == '\r')
        document->at++;
    return *document->at;
}

static enum document_kind json_peek(struct document *document)
{
    switch (next_character(document)) {
    case '{':
        return DOCUMENT_OBJECT;
    case '[':
        return DOCUMENT_ARRAY;
    case '"':
        return DOCUMENT_TEXT;
    case 't':
    case 'f':
    case 'n':
    case '\0':
        return DOCUMENT_OTHER;
    default:
        return DOCUMENT_NUMBER;
    }
}

static int json_enter(struct document *document, enum document_kind container)
{
    document->at++;
    return document_push(
        document, &(struct document_frame){.object = container == DOCUMENT_OBJECT, .first = true});
}

static int json_more(struct document *document, bool *ret_more)
{
    struct document_frame *frame = &document->frame[document->depth - 1];
    const char c = next_character(document);

    *ret_more = c != (frame->object ? '}' : ']');
    if (!*ret_more) {
        document->at++;
        document->depth--;
        return 0;
    }
    if (frame->first)
        frame->first = false;
    else if (c != ',')
        return document_fail(document, "expected a comma or the end of the %s",
                             frame->object ? "object" : "array");
    else
        document->at++;
    return 0;
}

/* --- texts --- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The number of four hexadecimal digits, or -1. Stops at the NUL at the end. */
static int hex_four(const char *text)
{
    int value = 0;

    for (int i = 0; i < 4; i++) {
        const int digit = hex_digit(text[i]);

        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static char *put_utf8(char *out, unsigned code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

/* \uXXXX, two of them for a character beyond the first 65536; at: after the 'u'. */
static int unescape_unicode(struct document *document, char **at, char **out)
{
    const int high = hex_four(*at);
    unsigned code = (unsigned)high;

    if (high < 0)
        return document_fail(document, "a text has \\u without four hexadecimal digits");
    *at += 4;
    if (high >= 0xd800 && high < 0xdc00) {
        const int low = (*at)[0] == '\\' && (*at)[1] == 'u' ? hex_four(*at + 2) : -1;

        if (low < 0xdc00 || low > 0xdfff)
            return document_fail(document, "a text has half a surrogate pair");
        code = 0x10000 + ((unsigned)(high - 0xd800) << 10) + (unsigned)(low - 0xdc00);
        *at += 6;
    } else if (high >= 0xdc00 && high < 0xe000) {
        return document_fail(document, "a text has half a surrogate pair");
    }
    *out = put_utf8(*out, code);
    return 0;
}

static int unescape(struct document *document, char **at, char **out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char escape = *(*at)++;
    const char *found = escape ? strchr(from, escape) : NULL;

    if (escape == 'u')
        return unescape_unicode(document, at, out);
    if (!found)
        return document_fail(document, "a text has an unknown escape");
    *(*out)++ = to[found - from];
    return 0;
}

/* Unescapes in place: what is written is never longer than what was read. */
static int json_text(struct document *document, const char **ret_text, size_t *ret_bytes)
{
    char *const begin = document->at + 1;
    char *at = begin, *out = begin;

    while (*at != '"') {
        if ((unsigned char)*at < 0x20)
            return document_fail(document, *at || at < document->end
                                               ? "a text has a control character"
                                               : "a text does not end");
        if (*at != '\\') {
            *out++ = *at++;
            continue;
        }
        at++;
        int rc = unescape(document, &at, &out);
        if (rc < 0)
            return rc;
    }
    document->at = at + 1;
    *ret_text = begin;
    *ret_bytes = (size_t)(out - begin);
    return 0;
}

static int json_key(struct document *document, const char **ret_text, size_t *ret_bytes)
{
    if (next_character(document) != '"')
        return document_fail(document, "expected the name of a member");
    int rc = json_text(document, ret_text, ret_bytes);

    if (rc < 0)
        return rc;
    if (next_character(document) != ':')
        return document_fail(document, "expected a colon");
    document->at++;
    return 0;
}

/* --- numbers and words --- */

static const struct {
    const char *word;
    double number;
} words[] = {
    {"true", 1},  {"false", 0}, {"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY},
    {"null", NAN}};

/* The number of a word; false: there is none. */
static bool read_word(struct document *document, bool null, double *ret_number)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) - !null; i++) {
        const size_t bytes = strlen(words[i].word);

        if (strncmp(document->at, words[i].word, bytes) == 0) {
            document->at += bytes;
            *ret_number = words[i].number;
            return true;
        }
    }
    return false;
}

static bool continues_number(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static int json_number(struct document *document, double *ret_number, const char **ret_digits)
{
    const char first = next_character(document);
    char *at = document->at;

    *ret_digits = NULL;
    if (first >= 'A' || (first == '-' && at[1] == 'I'))
        return read_word(document, false, ret_number)
                   ? 0
                   : document_fail(document, "expected a number");
    while (continues_number(*at))
        at++;
    int rc = decimal_number(document->at, (size_t)(at - document->at), ret_number);
    if (rc < 0)
        return document_fail(document,
                             rc == -ERANGE ? "a number is too large" : "expected a number");
    *ret_digits = document->at;
    document->at = at;
    return 0;
}

/* --- what is not needed --- */

/* The character after a string that begins at `at`; the end of the document if it does not end. */
static char *pass_string(const struct document *document, char *at)
{
    for (at++; at < document->end && *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at < document->end ? at + 1 : document->end;
}

/* From an opening bracket to its closing one. */
static int skip_container(struct document *document)
{
    const size_t room = DOCUMENT_MAX_DEPTH - document->depth;
    char close[DOCUMENT_MAX_DEPTH];
    size_t depth = 0;
    char *at = document->at;

    while (at < document->end) {
        at += strcspn(at, "\"[]{}"); /* many bytes at a time; stops at a NUL too */
        const char c = *at;

        if (c == '"') {
            at = pass_string(document, at);
            continue;
        }
        at++;
        if (c == '[' || c == '{') {
            if (depth == room)
                return document_fail(document, "nested more than %d deep", DOCUMENT_MAX_DEPTH);
            close[depth++] = c == '[' ? ']' : '}';
        } else if (c == ']' || c == '}') {
            if (close[--depth] != c)
                return document_fail(document, "a bracket inside is closed by another one");
            if (depth == 0) {
                document->at = at;
                return 0;
            }
        }
    }
    return document_fail(document, "what begins here does not end");
}

static int json_skip(struct document *document)
{
    const char *text, *digits;
    size_t bytes;
    double number;

    switch (json_peek(document)) {
    case DOCUMENT_OBJECT:
    case DOCUMENT_ARRAY:
        return skip_container(document);
    case DOCUMENT_TEXT:
        return json_text(document, &text, &bytes);
    case DOCUMENT_NUMBER:
        return json_number(document, &number, &digits);
    default:
        return read_word(document, true, &number) ? 0 : document_fail(document, "expected a value");
    }
}

const struct document_encoding document_json = {
    .peek = json_peek,
    .enter = json_enter,
    .more = json_more,
    .key = json_key,
    .text = json_text,
    .number = json_number,
    .skip = json_skip,
};
