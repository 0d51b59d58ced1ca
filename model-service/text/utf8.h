/* utf8.h - well-formed UTF-8, as the Unicode standard's table 3-7 defines it. */
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

#endif
