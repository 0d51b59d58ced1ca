/* value.h - one value of a row, and which category it names. */
#ifndef ROW_VALUE_H
#define ROW_VALUE_H

#include "text/number.h"

#include <stdbool.h>
#include <stddef.h>

/* One value: a text, or else a number; NaN without a text is a missing value. A text need not be
 * terminated; it is borrowed from whatever was decoded, and lives as long. */
struct value {
    double number;
    const char *text; /* NULL: a number, or missing */
    size_t text_bytes;
};

/* No value. */
static inline struct value value_missing(void)
{
    return (struct value){.number = __builtin_nan("")};
}

static inline bool value_is_missing(const struct value *value)
{
    return !value->text && value->number != value->number;
}

/* A category, or a class; text NULL: missing. */
struct category {
    const char *text;
    size_t bytes;
};

/* The category that a text stands for, by one rule for files and requests: the words for a missing
 * field (text_value_is_missing()) are missing; everything else stands for itself. The result
 * borrows from the text. */
struct category category_of_text(const char *text, size_t bytes);

/* The same for a value: a number is the category of its shortest form, as a CSV file has it.
 * room: for the digits of a number. The result borrows from the value or from room. */
struct category category_of_value(const struct value *value, char room[NUMBER_MAX_BYTES]);

#endif
