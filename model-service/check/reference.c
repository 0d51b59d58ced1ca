/* reference.c - the reference file in memory, and the detector made from it. What its columns
 * are is decided in check/kinds.c. */
#include "stats/reference.h"
#include "check/check.h"
#include "row/text_value.h"
#include "text/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FIRST_ROWS 1024

struct loader {
    struct check *check;
    size_t rows, capacity;
    bool again;  /* values were stored as the wrong type, so the file is read once more */
    bool second; /* this is the second reading, and the types are known */
    struct csv_progress progress;
};

/* --- storage --- */

static int grow_column(struct check_column *column, size_t rows)
{
    if (column->decided && column->categorical) {
        const char **text = realloc(column->text, rows * sizeof(*text));
        if (!text)
            return -ENOMEM;
        column->text = text;
        return 0;
    }
    double *number = realloc(column->number, rows * sizeof(*number));
    if (!number)
        return -ENOMEM;
    column->number = number;
    return 0;
}

static int grow(struct loader *loader)
{
    const size_t rows = loader->capacity ? loader->capacity * 2 : FIRST_ROWS;
    struct check_columns *columns = &loader->check->columns;
    for (size_t i = 0; i < columns->count; i++) {
        int rc = grow_column(&columns->column[i], rows);
        if (rc < 0)
            return rc;
    }
    loader->capacity = rows;
    return 0;
}

/* --- fields: 0, 1 for a bad row (counted), or -ENOMEM --- */

static int bad_field(struct loader *loader, uint64_t line, const struct check_column *column,
                     const struct csv_field *field, int error)
{
    check_bad_field(&loader->check->bad_reference, loader->check->settings->reference, line,
                    column->name, field, error);
    return 1;
}

static int set_text(struct loader *loader, struct check_column *column, uint64_t line,
                    const struct csv_field *field)
{
    const char **text = &column->text[loader->rows];
    *text = NULL;
    if (text_value_is_missing(field->text, field->bytes))
        return 0;
    if (!utf8_is_valid(field->text, field->bytes))
        return bad_field(loader, line, column, field, 0);
    *text = text_pool_intern(&column->pool, field->text, field->bytes);
    return *text ? 0 : -ENOMEM;
}

/* A column without a configured type counts as numeric until a field is not a number, or one of its
 * whole numbers has leading zeros. Numbers that have been stored by then no longer have their text.
 */
static int become_text(struct loader *loader, struct check_column *column, uint64_t line,
                       const struct csv_field *field)
{
    if (!column->decided) {
        int rc = check_column_become_text(column, loader->capacity);
        return rc < 0 ? rc : set_text(loader, column, line, field);
    }
    column->waits = true;
    loader->again = true;
    return 0;
}

static int text_among_numbers(struct loader *loader, struct check_column *column, uint64_t line,
                              const struct csv_field *field)
{
    if (loader->check->settings->model)
        return bad_field(loader, line, column, field, -EINVAL);
    if (loader->second && column->kind.texts > 0)
        return bad_field(loader, line, column, field, -EINVAL);
    return become_text(loader, column, line, field);
}

/* rc: the result of csv_field_number(). */
static int set_number(struct loader *loader, struct check_column *column, uint64_t line,
                      const struct csv_field *field, double number, int rc)
{
    if (rc == -EINVAL)
        return text_among_numbers(loader, column, line, field);
    if (!loader->second && column_kind_are_codes(&column->kind) && !loader->check->settings->model)
        return become_text(loader, column, line, field);
    if (rc < 0 && column->kind.large.line == 0)
        return bad_field(loader, line, column, field, rc);
    column->number[loader->rows] = number;
    if (!column->decided)
        column->decided = !text_value_is_missing(field->text, field->bytes);
    return 0;
}

static int set_field(struct loader *loader, struct check_column *column, uint64_t line,
                     const struct csv_field *field, double number, int rc)
{
    if (column->decided && column->categorical)
        return set_text(loader, column, line, field);
    if (column->waits)
        return 0;
    return set_number(loader, column, line, field, number, rc);
}

/* --- the file --- */

/* The types are judged by all fields of all rows, including bad rows. */
static int set_row(struct loader *loader, const struct csv_rows *csv)
{
    struct check_columns *columns = &loader->check->columns;
    const bool given = loader->check->settings->model;
    const bool counts = !loader->second;
    int rc = 0;
    for (size_t i = 0; i < columns->count && (rc == 0 || (counts && !given)); i++) {
        struct check_column *column = &columns->column[i];
        const struct csv_field *field = &csv->fields[column->reference_position];
        double number = NAN;
        const bool text = column->decided && column->categorical && (given || !counts);
        const int parsed = text ? 0 : csv_field_number(field, &number);
        if (counts && !text)
            column_kind_count(&column->kind, csv->line, field->text, field->bytes, parsed, number);
        if (rc == 0)
            rc = set_field(loader, column, csv->line, field, number, parsed);
    }
    return rc;
}

static int read_row(struct loader *loader, const struct csv_rows *csv)
{
    struct check *check = loader->check;
    if (csv->count != check->columns.reference.count) {
        check_bad_length(&check->bad_reference, check->settings->reference, csv->line, csv->count,
                         check->columns.reference.count);
        return 0;
    }
    if (loader->rows == loader->capacity && grow(loader) < 0)
        return -ENOMEM;
    const int rc = set_row(loader, csv);
    loader->rows += rc == 0;
    return rc < 0 ? rc : 0;
}

static int fail_changed(struct check *check)
{
    return error_set(&check->error, -EBADMSG, "%.200s changed while it was read",
                     check->settings->reference);
}

static int read_header(struct loader *loader, const struct csv_rows *csv)
{
    struct check *check = loader->check;
    if (loader->second)
        return csv->count == check->columns.reference.count ? 0 : fail_changed(check);
    int rc = check_header_copy(&check->columns.reference, csv->fields, csv->count);
    if (rc == 0)
        rc = check_columns_choose(&check->columns, check->settings, &check->error);
    check->wrong_use = rc == -EINVAL;
    return rc;
}

static int read_blocks(struct loader *loader, struct csv_file *file, struct csv_block *block,
                       struct csv_rows *csv)
{
    struct check *check = loader->check;
    bool header = true;
    int rc;
    while ((rc = csv_next_block(file, block, &check->error)) > 0) {
        uint64_t rows = 0;
        csv_rows_begin(csv, check->settings->reference, block);
        check->reference_format = block->format;
        for (; (rc = csv_rows_next(csv, &check->error)) > 0; rows++) {
            rc = header ? read_header(loader, csv) : read_row(loader, csv);
            if (rc < 0)
                return rc;
            header = false;
        }
        if (rc < 0)
            return rc;
        csv_progress_add(&loader->progress, block->bytes, rows);
    }
    return rc == 0 && header ? csv_fail_empty(check->settings->reference, &check->error) : rc;
}

static int read_file(struct loader *loader)
{
    struct check *check = loader->check;
    struct csv_block block = {0};
    struct csv_rows csv = {0};
    struct csv_file *file;
    int rc = csv_open(check->settings->reference, check->settings->reference_format, &file,
                      &check->error);
    if (rc < 0)
        return rc;
    csv_progress_begin(&loader->progress, check->settings->reference);
    rc = read_blocks(loader, file, &block, &csv);
    csv_progress_end(&loader->progress);
    csv_rows_finish(&csv);
    csv_block_finish(&block);
    csv_close(file);
    return rc;
}

static int fail_pipe(struct check *check, const struct check_column *column)
{
    const bool text = column->kind.text.line > 0;
    const struct column_example *example = text ? &column->kind.text : &column->kind.zeros;
    return error_set(&check->error, -ESPIPE,
                     "%.150s:%llu: column \"%s\" has %s, so the file must be read twice; a pipe "
                     "cannot be read again",
                     check->settings->reference, (unsigned long long)example->line,
                     excerpt(column->name).text,
                     text ? "both numbers and text" : "numbers with leading zeros");
}

static bool is_regular(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

/* Decides the type of columns that hold numbers and text, and reads the file again if values were
 * stored as the wrong type. */
static int read_again(struct loader *loader)
{
    struct check *check = loader->check;
    size_t wrong = 0;
    for (size_t i = 0; i < check->columns.count; i++) {
        struct check_column *column = &check->columns.column[i];
        if (!check_column_has_wrong_values(column))
            continue;
        wrong++;
        if (!is_regular(check->settings->reference))
            return fail_pipe(check, column);
        int rc = column_kind_is_numeric(&column->kind)
                     ? check_column_become_number(column, loader->capacity)
                     : check_column_become_text(column, loader->capacity);
        if (rc < 0)
            return rc;
        column->waits = false;
    }
    if (wrong == 0)
        return 0;
    check->bad_reference = (struct check_bad_rows){0};
    *loader = (struct loader){.check = check, .capacity = loader->capacity, .second = true};
    int rc = read_file(loader);
    return rc == 0 && loader->again ? fail_changed(check) : rc;
}

/* --- the whole --- */

static int fail_empty(struct check *check)
{
    const char *path = check->settings->reference;
    const unsigned long long bad = check->bad_reference.count;
    if (bad == 0)
        return error_set(&check->error, -EBADMSG, "%.200s has a header but no rows", path);
    if (bad == 1)
        return error_set(&check->error, -EBADMSG, "%.200s: its only row is invalid", path);
    return error_set(&check->error, -EBADMSG, "%.200s: all %llu rows are invalid", path, bad);
}

static int fail_nothing_left(struct check *check)
{
    const struct check_skipped *first = check->columns.skipped;
    return error_set(&check->error, -EBADMSG,
                     "%.200s: no column is left to compare; the first, \"%s\": %s",
                     check->settings->reference, excerpt(first->name).text, first->reason);
}

static int load(struct loader *loader)
{
    struct check *check = loader->check;
    int rc = read_file(loader);
    if (rc == 0 && !check->settings->model)
        rc = read_again(loader);
    if (rc < 0)
        return rc;
    if (loader->rows == 0)
        return fail_empty(check);
    check->reference_rows = loader->rows;
    if (!check->settings->model)
        rc = check_columns_judge(&check->columns, loader->rows, loader->capacity);
    if (rc == 0)
        rc = check_columns_need_method(&check->columns, check->settings->methods);
    return rc == 0 && check->columns.count == 0 ? fail_nothing_left(check) : rc;
}

static int create_detector(struct check *check)
{
    const struct check_settings *settings = check->settings;
    const struct check_columns *columns = &check->columns;
    struct detector_feature *features = calloc(columns->count, sizeof(*features));
    if (!features)
        return -ENOMEM;
    for (size_t i = 0; i < columns->count; i++)
        features[i] = (struct detector_feature){
            .name = columns->column[i].name,
            .type = columns->column[i].categorical ? FEATURE_CATEGORICAL : FEATURE_NUMERIC,
            .reference_numbers = columns->column[i].number,
            .reference_texts = columns->column[i].text,
        };
    const struct detector_spec spec = {
        .features = features,
        .feature_count = columns->count,
        .reference_rows = check->reference_rows,
        .window = settings->window,
        .minimum_sample = settings->minimum_sample,
        .threshold = {settings->threshold[SEVERITY_WARNING],
                      settings->threshold[SEVERITY_CRITICAL]},
        .significance = settings->significance,
        .methods = settings->methods,
        .bins = settings->bins,
        .reference_resolution = settings->resolution,
    };
    int rc = detector_create(&spec, &check->detector);
    free(features);
    if (rc == -EINVAL) /* everything else has been checked */
        error_set(&check->error, rc, "the reference has more than %u rows", REFERENCE_MAX_ROWS);
    return rc;
}

int check_reference_read(struct check *check)
{
    struct loader loader = {.check = check};
    int rc = load(&loader);
    if (rc == 0)
        rc = create_detector(check);
    check_columns_forget_values(&check->columns);
    return rc;
}
