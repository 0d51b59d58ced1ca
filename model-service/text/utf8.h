/* utf8.h - well-formed UTF-8, as the Unicode standard's table 3-7 (and RFC 3629) defines it. */
#ifndef TEXT_UTF8_H
#define TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* What is written for every maximal ill-formed part: U+FFFD, as Python's errors="replace" does. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Bytes of the first character of text[0..length), or of its ill-formed part, which ends before
 * the first byte that cannot continue it; *ret_valid tells which.
 * length: >= 1. Returns 1 to 4, at most length. */
size_t utf8_span(const char *text, size_t length, bool *ret_valid);

/* Whether all of text[0..length) is well-formed. O(length). */
bool utf8_is_valid(const char *text, size_t length);

/* Whether the byte is not the first one of a character. */
static inline bool utf8_is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Characters of a NUL-terminated text; ill-formed text counts the bytes that can begin one. */
size_t utf8_characters(const char *text);

#endif
