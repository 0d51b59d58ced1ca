/* kinds.c - decides which columns of a reference are numbers, text, or identifiers. */
#include "check/check.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

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

bool check_column_has_wrong_values(const struct check_column *column)
{
    return column->waits || (column->categorical && column_kind_is_flawed_number(&column->kind));
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
    return rows > COLUMN_KIND_FEW_VALUES;
}

/* A column of numbers with much text among them may be a column gone wrong, so the reason says it.
 */
static int skip_identifiers(struct check_columns *columns, size_t i)
{
    const struct check_column *column = &columns->column[i];
    const uint64_t values = column->kind.numbers + column->kind.texts;
    if (2 * column->kind.numbers < values)
        return check_columns_skip(columns, i,
                                  "identifiers or free text: fewer than two rows per value");
    return check_columns_skip(columns, i,
                              "identifiers or free text, though %llu %% are numbers: line %llu has "
                              "\"%s\"",
                              (unsigned long long)(100 * column->kind.numbers / values),
                              (unsigned long long)column->kind.text_line,
                              column->kind.text_there.text);
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
        if (!column_kind_are_identifiers(column->pool.count, present(column, rows)))
            continue;
        int rc = skip_identifiers(columns, i--);
        if (rc < 0)
            return rc;
    }
    return 0;
}
