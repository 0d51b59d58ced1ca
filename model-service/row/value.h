/* value.h - one value of a row, and which category it names. */
#ifndef ROW_VALUE_H
#define ROW_VALUE_H

#include "text/number.h"

#include <stdbool.h>
#include <stddef.h>

/* One value: a text, or else a number; NaN without a text is a missing value. A text is borrowed
 * from whatever was decoded and lives as long; it need not be terminated, but the byte after it can
 * be read and cannot continue a number (a NUL, a quote, a comma). */
struct value {
    double number; /* of a text: without a meaning, but not NaN where a scorer may weigh it by 0 */
    const char *text; /* NULL: a number, or missing */
    size_t text_bytes;
};

/* The value of a text that names a category: every spelling of true or false
 * (text_value_boolean()) is "true" or "false", everything else stands for itself. The words for a
 * missing field are left to category_of_text(), as a scorer may know one of them as a category. */
struct value value_of_text(const char *text, size_t bytes);

/* The same for a boolean. */
struct value value_of_boolean(bool truth);

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

/* The category that a text names, by one rule for files and requests: the words for a missing field
 * (text_value_is_missing()) are missing, true and false are as in value_of_text(). The result
 * borrows from the text, or is static. */
struct category category_of_text(const char *text, size_t bytes);

/* The same for a value: a number is the category of its shortest form, as a CSV file has it.
 * room: for the digits of a number. The result borrows from the value or from room. */
struct category category_of_value(const struct value *value, char room[NUMBER_MAX_BYTES]);

#endif
