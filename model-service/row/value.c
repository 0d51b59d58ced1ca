/* value.c - see the header. */
#include "row/value.h"

#include "row/text_value.h"

struct value value_of_text(const char *text, size_t bytes)
{
    bool truth;

    if (text_value_boolean(text, bytes, &truth))
        return value_of_boolean(truth);
    return (struct value){.text = text, .text_bytes = bytes};
}

struct value value_of_boolean(bool truth)
{
    return truth ? (struct value){.text = "true", .text_bytes = 4}
                 : (struct value){.text = "false", .text_bytes = 5};
}

struct category category_of_text(const char *text, size_t bytes)
{
    if (!text || text_value_is_missing(text, bytes))
        return (struct category){NULL, 0};
    const struct value value = value_of_text(text, bytes);
    return (struct category){value.text, value.text_bytes};
}

struct category category_of_value(const struct value *value, char room[NUMBER_MAX_BYTES])
{
    if (value->text || value_is_missing(value))
        return category_of_text(value->text, value->text_bytes);
    return (struct category){room, number_format(value->number, room)};
}
