/* value.c - see the header. */
#include "row/value.h"

#include "row/text_value.h"

struct category category_of_text(const char *text, size_t bytes)
{
    if (!text || text_value_is_missing(text, bytes))
        return (struct category){NULL, 0};
    return (struct category){text, bytes};
}

struct category category_of_value(const struct value *value, char room[NUMBER_MAX_BYTES])
{
    if (value->text || value_is_missing(value))
        return category_of_text(value->text, value->text_bytes);
    return (struct category){room, number_format(value->number, room)};
}
