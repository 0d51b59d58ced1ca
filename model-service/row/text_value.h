/* text_value.h - what a field of text stands for: a number, an infinity, or a missing value. */
#ifndef ROW_TEXT_VALUE_H
#define ROW_TEXT_VALUE_H

#include <stdbool.h>
#include <stddef.h>

/* Empty fields, "NA", "NaN", "nan", "null", exactly so; quoted or not. */
bool text_value_is_missing(const char *text, size_t bytes);

/* A field as a number: decimal with optional fraction and exponent, correctly
 * rounded; "inf", "infinity" in any case, with or without a sign; NaN for a missing one. Blanks
 * around it are ignored; no hexadecimal, no thousands separators, no locale (as long as the
 * process does not call setlocale()).
 * 0; -EINVAL: not a number; -ERANGE: finite, but beyond the largest double. */
int text_value_number(const char *text, size_t bytes, double *ret_value);

#endif
