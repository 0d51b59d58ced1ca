/* excerpt.c - text of a client or a file, made fit to stand in an error sentence. */
#include "text/excerpt.h"

#include <string.h>

static int is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* Bytes of the well-formed character at text (RFC 3629, table of section 4), or 0. */
static size_t character_bytes(const unsigned char *text, size_t left)
{
    unsigned char c = text[0], low = 0x80, high = 0xbf;
    size_t bytes = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

    if (bytes < 2 || bytes > left)
        return bytes == 1 ? 1 : 0;
    if (c == 0xe0)
        low = 0xa0;
    else if (c == 0xed)
        high = 0x9f;
    else if (c == 0xf0)
        low = 0x90;
    else if (c == 0xf4)
        high = 0x8f;
    if (text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < bytes; i++)
        if (!is_continuation(text[i]))
            return 0;
    return bytes;
}

bool excerpt_is_utf8(const char *text, size_t bytes)
{
    const unsigned char *in = (const unsigned char *)text;

    for (size_t i = 0, n; i < bytes; i += n) {
        n = character_bytes(in + i, bytes - i);
        if (n == 0)
            return false;
    }
    return true;
}

/* Copies whole characters while they fit into `room`; returns the bytes of `text` consumed. */
static size_t copy_clean(char *out, size_t room, const char *text, size_t bytes, size_t *ret_length)
{
    const unsigned char *in = (const unsigned char *)text;
    size_t i = 0, length = 0;

    while (i < bytes) {
        size_t n = character_bytes(in + i, bytes - i);

        if (length + (n ? n : 1) > room)
            break;
        if (n == 0 || in[i] < 0x20 || in[i] == 0x7f) {
            out[length++] = '?';
            i++;
        } else {
            memmove(out + length, text + i, n);
            length += n;
            i += n;
        }
    }
    *ret_length = length;
    return i;
}

struct excerpt excerpt_bytes(const char *text, size_t bytes)
{
    struct excerpt result;
    size_t length;

    if (copy_clean(result.text, EXCERPT_BYTES, text, bytes, &length) < bytes)
        memcpy(result.text + length, "...", sizeof("..."));
    else
        result.text[length] = '\0';
    return result;
}

struct excerpt excerpt(const char *text)
{
    return excerpt_bytes(text, strlen(text));
}

void excerpt_clean(char *sentence)
{
    size_t bytes = strlen(sentence), length;

    copy_clean(sentence, bytes, sentence, bytes, &length);
    sentence[length] = '\0';
}
