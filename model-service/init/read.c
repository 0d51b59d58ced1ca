/* read.c - one pass over the file: what is counted of every column. */
#include "init/init.h"

#include "csv/progress.h"
#include "row/text_value.h"
#include "text/excerpt.h"
#include "text/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How many distinct values of a column are kept: few measurements, because their count matters only
 * when it is small; enough texts and whole numbers, which may turn out to be codes, to tell
 * categories from identifiers in long files. */
#define MOST_NUMBERS 1000u
#define MOST_TEXTS   100000u

struct reader {
    struct init_file *file;
    struct csv_progress progress;
    int result; /* why a callback stopped */
};

static bool stop(struct reader *reader, int rc)
{
    reader->result = rc;
    return false;
}

uint64_t init_present(const struct init_column *column)
{
    return column->kind.numbers + column->kind.texts;
}

uint64_t init_distinct(const struct init_column *column)
{
    return column->many ? column->distinct_at_limit : column->values.count;
}

/* --- values --- */

static int keep_value(struct init_column *column, const struct csv_field *field)
{
    if (column->many)
        return 0;
    if (!text_pool_intern(&column->values, field->text, field->bytes))
        return -ENOMEM;
    if (column->values.count <=
        (column->kind.texts > 0 || !column->kind.fractions ? MOST_TEXTS : MOST_NUMBERS))
        return 0;
    column->many = true;
    column->distinct_at_limit = column->values.count;
    column->present_at_limit = init_present(column);
    text_pool_finish(&column->values);
    return 0;
}

static void count_number(struct init_column *column, double value)
{
    if (!isfinite(value)) {
        column->falls = true;
        return;
    }
    if (column->kind.numbers == 1 || column->smallest > value)
        column->smallest = value;
    if (column->kind.numbers == 1 || column->largest < value)
        column->largest = value;
    column->falls |= column->kind.numbers > 1 && !(value > column->last);
    column->last = value;
}

static void note_bad(struct init_column *column, uint64_t line, const char *reason)
{
    if (column->bad_line > 0)
        return;
    column->bad_line = line;
    column->bad_reason = reason;
}

static int count_field(struct init_column *column, uint64_t line, const struct csv_field *field)
{
    if (text_value_is_missing(field->text, field->bytes)) {
        column->missing++;
        return 0;
    }
    double value = 0;
    int rc = csv_field_number(field, &value);
    column_kind_count(&column->kind, line, field->text, field->bytes, rc, value);
    if (init_present(column) == 1)
        column->example = excerpt_bytes(field->text, field->bytes);
    if (rc == 0)
        count_number(column, value);
    else if (rc == -ERANGE && !column->kind.large.line)
        note_bad(column, line, "a number outside the range of a 64-bit float");
    else if (!utf8_is_valid(field->text, field->bytes))
        note_bad(column, line, "text that is not UTF-8");
    return keep_value(column, field);
}

/* --- the file --- */

static int fail_row(struct init_file *file, uint64_t line, size_t fields)
{
    return error_set(&file->error, -EBADMSG, "%s:%llu: the row has %zu field%s, the header has %zu",
                     excerpt_path(file->settings->reference).text, (unsigned long long)line, fields,
                     fields == 1 ? "" : "s", file->count);
}

static bool on_row(void *context, uint64_t line, const struct csv_field *fields, size_t count)
{
    struct reader *reader = context;
    struct init_file *file = reader->file;
    csv_progress_row(&reader->progress, fields, count);
    if (count != file->count)
        return stop(reader, fail_row(file, line, count));
    for (size_t i = 0; i < count; i++) {
        int rc = count_field(&file->columns[i], line, &fields[i]);
        if (rc < 0)
            return stop(reader, rc);
    }
    file->rows++;
    return true;
}

static bool on_header(void *context, uint64_t line, const struct csv_field *fields, size_t count)
{
    struct reader *reader = context;
    struct init_file *file = reader->file;
    (void)line;
    file->columns = calloc(count, sizeof(*file->columns));
    if (!file->columns)
        return stop(reader, -ENOMEM);
    for (; file->count < count; file->count++) {
        char *name = strdup(fields[file->count].text);
        if (!name)
            return stop(reader, -ENOMEM);
        file->columns[file->count].name = name;
    }
    int rc = init_assign_roles(file);
    return rc < 0 ? stop(reader, rc) : true;
}

static int fail_empty(struct init_file *file)
{
    return error_set(&file->error, -EBADMSG, "%s has a header but no rows",
                     excerpt_path(file->settings->reference).text);
}

int init_read(struct init_file *file, const struct init_settings *settings)
{
    struct reader reader = {.file = file};
    *file = (struct init_file){.settings = settings, .format = settings->format};
    error_set(&file->error, -ENOMEM, "%s", strerror(ENOMEM));
    csv_progress_begin(&reader.progress, settings->reference);
    int rc = csv_read(settings->reference, &file->format, on_header, on_row, &reader, &file->error);
    csv_progress_end(&reader.progress);
    if (rc == -ECANCELED)
        rc = reader.result;
    return rc == 0 && file->rows == 0 ? fail_empty(file) : rc;
}

void init_finish(struct init_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        free(file->columns[i].name);
        text_pool_finish(&file->columns[i].values);
    }
    free(file->columns);
    *file = (struct init_file){0};
}
