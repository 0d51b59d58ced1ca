/* decimal.h - decimal text as a double, exactly rounded and without regard to the locale. */
#ifndef TEXT_DECIMAL_H
#define TEXT_DECIMAL_H

#include "text/nodiscard.h"

#include <stddef.h>

/* text: `bytes` characters, and after them one that cannot continue a number (NUL, a comma, ...).
 * Digits with an optional sign, fraction and exponent; no blanks, no hexadecimal, no infinity, no
 * locale (as long as the process does not call setlocale()).
 * 0; -EINVAL: not such a number; -ERANGE: beyond the largest double. *ret_value only on 0. */
NODISCARD int decimal_number(const char *text, size_t bytes, double *ret_value);

#endif
