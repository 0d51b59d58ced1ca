/* column_kind.c - see the header. */
#include "row/column_kind.h"
#include "row/text_value.h"

#include <errno.h>

/* At this share of numbers a column is numeric. */
#define NUMERIC_PERCENT 95

void column_kind_count(struct column_kind *kind, uint64_t line, const char *text, size_t bytes)
{
    double number;
    column_kind_count_parsed(kind, line, text, bytes, text_value_number(text, bytes, &number));
}

void column_kind_count_parsed(struct column_kind *kind, uint64_t line, const char *text,
                              size_t bytes, int parsed)
{
    if (text_value_is_missing(text, bytes))
        return;
    if (parsed != -EINVAL) {
        kind->numbers++;
        return;
    }
    if (kind->texts++ > 0)
        return;
    kind->text_line = line;
    kind->text_there = excerpt_bytes(text, bytes);
}

bool column_kind_is_flawed_number(const struct column_kind *kind)
{
    return kind->texts > 0 && kind->numbers > 0 &&
           100 * kind->numbers >= NUMERIC_PERCENT * (kind->numbers + kind->texts);
}

bool column_kind_are_identifiers(uint64_t distinct, uint64_t present)
{
    return distinct > COLUMN_KIND_FEW_VALUES && present < 2 * distinct;
}
