/* text_value.h - what a text stands for, in a field of a file or in a request: a number, an
 * infinity, true or false, or a missing value. */
#ifndef ROW_TEXT_VALUE_H
#define ROW_TEXT_VALUE_H

#include "text/nodiscard.h"

#include <stdbool.h>
#include <stddef.h>

/* Empty fields, "NA", "NaN", "nan", "null", exactly so; quoted or not. */
bool text_value_is_missing(const char *text, size_t bytes);

/* "true", "True", "TRUE" and "false", "False", "FALSE", exactly so: what JSON, pandas and R write.
 */
bool text_value_boolean(const char *text, size_t bytes, bool *ret_value);

/* A field as a number, text[bytes] being a byte that cannot continue it (NUL, a comma, a quote):
 * decimal with optional fraction and exponent, correctly rounded; "inf", "infinity" in any case,
 * with or without a sign; NaN for a missing one. Blanks around it are ignored; no hexadecimal, no
 * thousands separators, no locale (as long as the process does not call setlocale()). 0; -EINVAL:
 * not a number; -ERANGE: finite, but beyond the largest double. */
NODISCARD int text_value_number(const char *text, size_t bytes, double *ret_value);

#endif
