/* excerpt.c - text of a client or a file, made fit to stand in an error sentence. */
#include "text/excerpt.h"

#include "text/utf8.h"

#include <string.h>

/* Copies whole characters while they fit into `room`; returns the bytes of `text` consumed. Each
 * byte of an ill-formed part becomes a '?' of its own, so that a sentence never grows. */
static size_t copy_clean(char *out, size_t room, const char *text, size_t bytes, size_t *ret_length)
{
    size_t i = 0, length = 0;

    while (i < bytes) {
        unsigned char c = (unsigned char)text[i];
        bool valid = true;
        size_t n = c < 0x80 ? 1 : utf8_span(text + i, bytes - i, &valid);

        if (!valid)
            n = 1;
        if (length + n > room)
            break;
        if (!valid || c < 0x20 || c == 0x7f)
            out[length] = '?';
        else
            memmove(out + length, text + i, n);
        length += n;
        i += n;
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

struct excerpt_path excerpt_path(const char *path)
{
    struct excerpt_path result = {"..."};
    const size_t bytes = strlen(path);
    size_t start = bytes > EXCERPT_PATH_BYTES ? bytes - EXCERPT_PATH_BYTES : 0;
    size_t length = start > 0 ? strlen("...") : 0, copied;

    while (start > 0 && start < bytes && utf8_is_continuation(path[start]))
        start++;
    copy_clean(result.text + length, EXCERPT_PATH_BYTES, path + start, bytes - start, &copied);
    result.text[length + copied] = '\0';
    return result;
}

void excerpt_clean(char *sentence)
{
    size_t bytes = strlen(sentence), length;

    copy_clean(sentence, bytes, sentence, bytes, &length);
    sentence[length] = '\0';
}
