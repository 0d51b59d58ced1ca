/* check_kinds.c - which columns of a reference are numbers, which are text, and which are neither. */
#include "check.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* A text column with more distinct values than this, and on average fewer than two rows for each,
 * is a list of names, tickets or times: what comes next is mostly unseen, drift or not. Below, it
 * may be a short file, where the evidence is the guard. */
#define IDENTIFIER_VALUES 50

/* At this share of numbers a column is numeric, and its text is what is wrong with it. */
#define NUMERIC_PERCENT 95

void check_column_count(struct check_column *column, uint64_t line, const struct csv_field *field,
                        int parsed)
{
    if (csv_is_missing(field->text, field->bytes))
        return;
    if (parsed != -EINVAL) {
        column->numbers++;
        return;
    }
    if (column->texts++ > 0)
        return;
    column->text_line = line;
    column->text_there = excerpt_bytes(field->text, field->bytes);
}

int check_column_become_text(struct check_column *column, size_t capacity)
{
    column->text = calloc(capacity, sizeof(*column->text));
    if (!column->text)
        return -ENOMEM;
    free(column->number);
    column->number = NULL;
    column->categorical = column->decided = true;
    return 0;
}

/* Text in a column that is numeric but for a few fields. */
bool check_column_is_flawed_number(const struct check_column *column)
{
    return column->texts > 0 && column->numbers > 0 &&
           100 * column->numbers >= NUMERIC_PERCENT * (column->numbers + column->texts);
}

bool check_column_has_wrong_values(const struct check_column *column)
{
    return column->waits || (column->categorical && check_column_is_flawed_number(column));
}

int check_column_become_number(struct check_column *column, size_t capacity)
{
    free(column->text);
    column->text = NULL;
    text_pool_finish(&column->pool);
    free(column->number);
    column->number = calloc(capacity, sizeof(*column->number));
    if (!column->number)
        return -ENOMEM;
    column->categorical = false;
    column->decided = true;
    return 0;
}

static size_t present(const struct check_column *column, size_t rows)
{
    size_t present = 0;
    for (size_t r = 0; r < rows; r++)
        present += column->text[r] != NULL;
    return present;
}

static bool counts_up(const double *number, size_t rows)
{
    for (size_t r = 0; r < rows; r++)
        if (number[r] != floor(number[r]) || (r > 0 && !(number[r] > number[r - 1])))
            return false;
    return rows > IDENTIFIER_VALUES;
}

/* A column of numbers with much text among them may be one gone wrong: its reason says so. */
static int skip_identifiers(struct check_columns *columns, size_t i)
{
    const struct check_column *column = &columns->column[i];
    const uint64_t values = column->numbers + column->texts;
    if (2 * column->numbers < values)
        return check_columns_skip(columns, i,
                                  "identifiers or free text: fewer than two rows per value");
    return check_columns_skip(columns, i,
                              "identifiers or free text, though %llu %% are numbers: line %llu has "
                              "\"%s\"",
                              (unsigned long long)(100 * column->numbers / values),
                              (unsigned long long)column->text_line, column->text_there.text);
}

int check_columns_judge(struct check_columns *columns, size_t rows, size_t capacity)
{
    for (size_t i = 0; i < columns->count; i++) {
        struct check_column *column = &columns->column[i];
        if (!column->decided && check_column_become_text(column, capacity) < 0)
            return -ENOMEM;
        if (!column->categorical) {
            column->counts_up = counts_up(column->number, rows);
            continue;
        }
        const size_t values = column->pool.count;
        if (values <= IDENTIFIER_VALUES || present(column, rows) >= 2 * values)
            continue;
        int rc = skip_identifiers(columns, i--);
        if (rc < 0)
            return rc;
    }
    return 0;
}
