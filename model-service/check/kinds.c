/* kinds.c - decides which columns of a reference are numbers, text, or identifiers. */
#include "check/check.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

void check_column_become_text(struct check_column *column)
{
    check_column_forget_values(column);
    column->categorical = column->decided = true;
}

void check_column_become_number(struct check_column *column)
{
    check_column_forget_values(column);
    column->categorical = false;
    column->decided = true;
}

bool check_column_has_wrong_values(const struct check_column *column)
{
    return column->waits || (column->categorical && column_kind_is_numeric(&column->kind));
}

static uint64_t present(const struct check_column *column)
{
    uint64_t present = 0;
    for (size_t i = 0; i < column->pool.size; i++)
        if (text_pool_at(&column->pool, i))
            present += *text_pool_counter(text_pool_at(&column->pool, i));
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
                              (unsigned long long)column->kind.text.line,
                              column->kind.text.text.text);
}

static bool is_epoch(const struct check_column *column, size_t rows)
{
    double smallest = INFINITY, largest = -INFINITY;
    for (size_t r = 0; r < rows; r++) {
        smallest = column->number[r] < smallest ? column->number[r] : smallest;
        largest = column->number[r] > largest ? column->number[r] : largest;
    }
    return column_kind_is_epoch(column->name, smallest, largest);
}

static int judge_numbers(struct check_columns *columns, size_t i, size_t rows)
{
    struct check_column *column = &columns->column[i];
    if (column_kind_are_large(&column->kind))
        return check_columns_skip(columns, i,
                                  "identifiers: whole numbers above 2^53, such as %s in line "
                                  "%llu, which a 64-bit float cannot tell apart",
                                  column->kind.large.text.text,
                                  (unsigned long long)column->kind.large.line);
    if (is_epoch(column, rows))
        return check_columns_skip(columns, i, "timestamp: seconds or milliseconds since 1970");
    column->counts_up = counts_up(column->number, rows);
    return 0;
}

static int judge_texts(struct check_columns *columns, size_t i)
{
    struct check_column *column = &columns->column[i];
    if (column_kind_are_dates(&column->kind))
        return check_columns_skip(columns, i, "timestamp: every value is a date or a time");
    if (column_kind_are_identifiers(column->pool.count, present(column)))
        return skip_identifiers(columns, i);
    return 0;
}

int check_columns_judge(struct check_columns *columns, size_t rows)
{
    size_t i = 0;
    while (i < columns->count) {
        struct check_column *column = &columns->column[i];
        const size_t before = columns->count;
        if (!column->decided)
            check_column_become_text(column);
        int rc = column->categorical ? judge_texts(columns, i) : judge_numbers(columns, i, rows);
        if (rc < 0)
            return rc;
        i += columns->count == before; /* else the next column is at i now */
    }
    return 0;
}

static bool has_method(const struct check_column *column, unsigned methods)
{
    const enum feature_type type = column->categorical ? FEATURE_CATEGORICAL : FEATURE_NUMERIC;
    for (enum drift_method method = 0; method < METHOD_COUNT; method++)
        if ((methods & 1u << method) && drift_method_applies(method, type))
            return true;
    return false;
}

int check_columns_need_method(struct check_columns *columns, unsigned methods)
{
    size_t i = 0;
    while (i < columns->count) {
        const struct check_column *column = &columns->column[i];
        if (has_method(column, methods)) {
            i++;
            continue;
        }
        int rc = check_columns_skip(columns, i, "none of the --methods is for %s",
                                    column->categorical ? "categories" : "numbers");
        if (rc < 0)
            return rc;
    }
    return 0;
}
