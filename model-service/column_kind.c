/* column_kind.c - see the header. */
#include "column_kind.h"

#include <errno.h>

/* At this share of numbers a column is numeric. */
#define NUMERIC_PERCENT 95

void column_kind_count(struct column_kind *kind, uint64_t line, const struct csv_field *field)
{
    double number;
    column_kind_count_parsed(kind, line, field, csv_number(field->text, field->bytes, &number));
}

void column_kind_count_parsed(struct column_kind *kind, uint64_t line,
                              const struct csv_field *field, int parsed)
{
    if (csv_is_missing(field->text, field->bytes))
        return;
    if (parsed != -EINVAL) {
        kind->numbers++;
        return;
    }
    if (kind->texts++ > 0)
        return;
    kind->text_line = line;
    kind->text_there = excerpt_bytes(field->text, field->bytes);
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
