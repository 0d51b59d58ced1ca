/* table.c - chosen columns of a CSV file in memory. */
#include "csv/csv.h"

#include "row/text_value.h"
#include "text/excerpt.h"
#include "text/pool.h"
#include "text/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Header names listed when a column is not among them. */
#define LISTED_COLUMNS 10

#define FIRST_ROWS 1024

struct loader {
    struct csv_table *table;
    const char *path;
    size_t *position;        /* [column_count] of the asked column in the file */
    struct text_pool *pools; /* [column_count], the table's arena */
    size_t file_columns, row_capacity;
    int result;
    struct error *error;
};

static bool fail(struct loader *loader, int rc, uint64_t line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static bool fail(struct loader *loader, int rc, uint64_t line, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    error_vset(loader->error, rc, format, arguments);
    va_end(arguments);
    loader->result = error_at(loader->error, rc, "%s:%llu", excerpt_path(loader->path).text,
                              (unsigned long long)line);
    return false;
}

static bool fail_memory(struct loader *loader, uint64_t line)
{
    return fail(loader, -ENOMEM, line, "%s", strerror(ENOMEM));
}

static bool fail_missing_column(struct loader *loader, uint64_t line, const char *name,
                                const struct csv_field *fields, size_t count)
{
    char list[256] = "";
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        if (i == LISTED_COLUMNS || used > sizeof(list) - EXCERPT_BYTES - 16) {
            snprintf(list + used, sizeof(list) - used, ", ...");
            break;
        }
        used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
                                 excerpt(fields[i].text).text);
    }
    return fail(loader, -EBADMSG, line, "column \"%s\" is missing; the file has %s",
                excerpt(name).text, list);
}

static bool find_column(struct loader *loader, size_t column, uint64_t line,
                        const struct csv_field *fields, size_t count)
{
    const char *name = loader->table->columns[column].name;
    size_t found = SIZE_MAX;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].text, name) != 0)
            continue;
        if (found != SIZE_MAX)
            return fail(loader, -EBADMSG, line, "column \"%s\" appears twice: columns %zu and %zu",
                        excerpt(name).text, found + 1, i + 1);
        found = i;
    }
    if (found == SIZE_MAX)
        return fail_missing_column(loader, line, name, fields, count);
    loader->position[column] = found;
    return true;
}

static bool on_header(void *context, uint64_t line, const struct csv_field *fields, size_t count)
{
    struct loader *loader = context;

    loader->file_columns = count;
    for (size_t i = 0; i < loader->table->column_count; i++)
        if (!find_column(loader, i, line, fields, count))
            return false;
    return true;
}

static bool resize_column(struct csv_column *column, size_t rows)
{
    size_t bytes = rows * (column->categorical ? sizeof(*column->text) : sizeof(*column->number));
    void *values = realloc(column->categorical ? (void *)column->text : (void *)column->number,
                           bytes ? bytes : 1);

    if (!values)
        return false;
    if (column->categorical)
        column->text = values;
    else
        column->number = values;
    return true;
}

static bool resize_table(struct loader *loader, size_t rows)
{
    for (size_t i = 0; i < loader->table->column_count; i++)
        if (!resize_column(&loader->table->columns[i], rows))
            return false;
    loader->row_capacity = rows;
    return true;
}

static bool set_number(struct loader *loader, struct csv_column *column, uint64_t line,
                       const struct csv_field *field)
{
    double *number = &column->number[loader->table->rows];
    int rc = csv_field_number(field, number);

    column_kind_count(&column->kind, line, field->text, field->bytes, rc, *number);
    if (rc == 0)
        return true;
    return fail(loader, -EBADMSG, line, "column \"%s\": \"%s\" is %s", excerpt(column->name).text,
                excerpt_bytes(field->text, field->bytes).text,
                rc == -ERANGE ? "outside the range of a 64-bit float" : "not a number");
}

static bool set_text(struct loader *loader, size_t index, uint64_t line,
                     const struct csv_field *field)
{
    struct csv_column *column = &loader->table->columns[index];
    const char **text = &column->text[loader->table->rows];

    *text = NULL;
    if (text_value_is_missing(field->text, field->bytes))
        return true;
    if (!utf8_is_valid(field->text, field->bytes))
        return fail(loader, -EBADMSG, line, "column \"%s\": \"%s\" is not UTF-8",
                    excerpt(column->name).text, excerpt_bytes(field->text, field->bytes).text);
    *text = text_pool_intern(&loader->pools[index], field->text, field->bytes);
    return *text || fail_memory(loader, line);
}

static bool on_row(void *context, uint64_t line, const struct csv_field *fields, size_t count)
{
    struct loader *loader = context;
    struct csv_table *table = loader->table;

    if (count != loader->file_columns)
        return fail(loader, -EBADMSG, line, "the row has %zu field%s, the header has %zu", count,
                    count == 1 ? "" : "s", loader->file_columns);
    if (table->rows == loader->row_capacity &&
        !resize_table(loader, loader->row_capacity ? loader->row_capacity * 2 : FIRST_ROWS))
        return fail_memory(loader, line);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct csv_field *field = &fields[loader->position[i]];
        bool set = table->columns[i].categorical
                       ? set_text(loader, i, line, field)
                       : set_number(loader, &table->columns[i], line, field);

        if (!set)
            return false;
    }
    table->rows++;
    return true;
}

/* Opening a FIFO would wait for a writer, and hold up a reload and SIGTERM for ever. What is
 * missing is refused when it is opened. */
static int check_regular(const char *path, struct error *error)
{
    struct stat about;

    if (stat(path, &about) < 0 || S_ISREG(about.st_mode) || S_ISDIR(about.st_mode))
        return 0;
    return error_set(error, -EINVAL, "%s: it is not a regular file", excerpt_path(path).text);
}

int csv_table_read(struct csv_table *table, const char *path, struct error *error)
{
    size_t columns = table->column_count;
    struct loader loader = {.table = table, .path = path, .error = error};
    int rc = -ENOMEM;

    table->rows = 0;
    table->arena = NULL;
    for (size_t i = 0; i < columns; i++) {
        table->columns[i].number = NULL;
        table->columns[i].text = NULL;
        table->columns[i].kind = (struct column_kind){0};
    }
    loader.position = calloc(columns + 1, sizeof(*loader.position));
    loader.pools = calloc(columns + 1, sizeof(*loader.pools));
    table->arena = loader.pools;
    if (loader.position && loader.pools)
        rc = check_regular(path, error);
    else
        error_set(error, -ENOMEM, "%s: %s", excerpt_path(path).text, strerror(ENOMEM));
    if (rc == 0)
        rc = csv_read(path, &table->format, on_header, on_row, &loader, error);
    if (rc == -ECANCELED)
        rc = loader.result;
    free(loader.position);
    for (size_t i = 0; loader.pools && i < columns; i++)
        text_pool_seal(&loader.pools[i]);
    if (rc < 0)
        csv_table_finish(table);
    else
        resize_table(&loader, table->rows); /* shrinks; a refusal changes nothing */
    return rc;
}

void csv_table_finish(struct csv_table *table)
{
    struct text_pool *pools = table->arena;

    for (size_t i = 0; i < table->column_count; i++) {
        if (pools)
            text_pool_finish(&pools[i]);
        free(table->columns[i].number);
        free(table->columns[i].text);
        table->columns[i].number = NULL;
        table->columns[i].text = NULL;
    }
    free(pools);
    table->arena = NULL;
    table->rows = 0;
}
