/* loader_rows.c - the fields of a row as values of the columns.
 *
 * What type a column without a configured one has is decided by its first value; until all have
 * one, a single thread reads. */
#include "check/loader_internal.h"
#include "row/text_value.h"
#include "text/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- fields: 0, 1 for a bad row (counted), or -ENOMEM --- */

/* The place of the next row's value. */
static union loader_value *staged_value(const struct loader_part *part, size_t i)
{
    return &part->staged[i * part->crew->staged_rows + part->rows];
}

static int bad_field(struct loader_part *part, size_t i, uint64_t line,
                     const struct csv_field *field, int error)
{
    const struct check *check = part->crew->loader->check;
    check_bad_field(&part->bad, check->settings->reference, line, check->columns.column[i].name,
                    field, error);
    return 1;
}

static int set_text(struct loader_part *part, size_t i, uint64_t line,
                    const struct csv_field *field)
{
    union loader_value *value = staged_value(part, i);
    value->text = NULL;
    if (text_value_is_missing(field->text, field->bytes))
        return 0;
    if (!utf8_is_valid(field->text, field->bytes))
        return bad_field(part, i, line, field, 0);
    value->text = text_pool_intern(&part->column[i].pool, field->text, field->bytes);
    return value->text ? 0 : -ENOMEM;
}

/* The value is stored in the second reading. */
static int wait(struct loader_part *part, size_t i)
{
    part->column[i].waits = true;
    return 0;
}

/* All values before were missing. */
static int decide_text(const struct loader_part *part, size_t i)
{
    const struct check *check = part->crew->loader->check;
    struct check_column *column = &check->columns.column[i];
    check_column_become_text(column);
    for (size_t r = 0; r < part->rows; r++)
        part->staged[i * part->crew->staged_rows + r].text = NULL;
    if (check->keeps_texts)
        column->text = calloc(part->crew->loader->capacity, sizeof(*column->text));
    return check->keeps_texts && !column->text ? -ENOMEM : 0;
}

/* A column without a configured type counts as numeric until a field is not a number, or one of its
 * whole numbers has leading zeros. Numbers that have been stored by then no longer have their text.
 */
static int become_text(struct loader_part *part, size_t i, uint64_t line,
                       const struct csv_field *field)
{
    const struct loader_crew *crew = part->crew;
    if (crew->loader->check->columns.column[i].decided || !crew->alone)
        return wait(part, i);
    const int rc = decide_text(part, i);
    return rc < 0 ? rc : set_text(part, i, line, field);
}

static int text_among_numbers(struct loader_part *part, size_t i, uint64_t line,
                              const struct csv_field *field)
{
    const struct check_loader *loader = part->crew->loader;
    if (loader->check->settings->model)
        return bad_field(part, i, line, field, -EINVAL);
    if (loader->second && loader->check->columns.column[i].kind.texts > 0)
        return bad_field(part, i, line, field, -EINVAL);
    return become_text(part, i, line, field);
}

/* rc: the result of csv_field_number(). Whole numbers beyond any double are identifiers, whose
 * column is left out. */
static int set_number(struct loader_part *part, size_t i, uint64_t line,
                      const struct csv_field *field, double number, int rc)
{
    const struct check_loader *loader = part->crew->loader;
    struct check_column *column = &loader->check->columns.column[i];
    if (rc == -EINVAL)
        return text_among_numbers(part, i, line, field);
    if (column_kind_are_codes(&part->column[i].kind) && !loader->second &&
        !loader->check->settings->model)
        return become_text(part, i, line, field);
    if (rc < 0 && !column_kind_is_whole(field->text, field->bytes))
        return bad_field(part, i, line, field, rc);
    if (!column->decided && !text_value_is_missing(field->text, field->bytes)) {
        if (!part->crew->alone)
            return wait(part, i);
        column->decided = true;
    }
    staged_value(part, i)->number = number;
    return 0;
}

static int set_field(struct loader_part *part, size_t i, uint64_t line,
                     const struct csv_field *field, double number, int rc)
{
    const struct check_column *column = &part->crew->loader->check->columns.column[i];
    if (loader_is_text(column))
        return set_text(part, i, line, field);
    if (part->column[i].waits)
        return 0;
    return set_number(part, i, line, field, number, rc);
}

/* --- rows --- */

/* The types are judged by all fields of all rows, including bad rows. */
static int set_row(struct loader_part *part, const struct csv_rows *csv)
{
    const struct check_loader *loader = part->crew->loader;
    const struct check_columns *columns = &loader->check->columns;
    const bool given = loader->check->settings->model;
    const bool counts = !loader->second;
    int rc = 0;
    for (size_t i = 0; i < columns->count && (rc == 0 || (counts && !given)); i++) {
        const struct check_column *column = &columns->column[i];
        const struct csv_field *field = &csv->fields[column->reference_position];
        double number = NAN;
        const bool text = loader_is_text(column) && (given || !counts);
        const int parsed = text ? 0 : csv_field_number(field, &number);
        if (counts && !text)
            column_kind_count(&part->column[i].kind, csv->line, field->text, field->bytes, parsed,
                              number);
        if (rc == 0)
            rc = set_field(part, i, csv->line, field, number, parsed);
    }
    return rc;
}

static int read_row(struct loader_part *part, const struct csv_rows *csv)
{
    const struct check *check = part->crew->loader->check;
    if (csv->count != check->columns.reference.count) {
        check_bad_length(&part->bad, check->settings->reference, csv->line, csv->count,
                         check->columns.reference.count);
        return 0;
    }
    const int rc = set_row(part, csv);
    part->rows += rc == 0;
    if (part->rows == part->crew->staged_rows)
        loader_store(part);
    return rc < 0 ? rc : 0;
}

int loader_parse_block(struct csv_worker *worker)
{
    struct loader_part *part = worker->context;
    int rc;
    while ((rc = csv_rows_next(&worker->rows, &worker->error)) > 0) {
        worker->read_rows++;
        rc = read_row(part, &worker->rows);
        if (rc < 0)
            return error_set(&worker->error, rc, "%s", strerror(-rc));
    }
    if (rc < 0)
        return rc;
    loader_store(part);
    return loader_remember_run(part->crew,
                               (struct loader_run){part->begin, part->next - part->begin});
}
