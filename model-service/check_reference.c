/* check_reference.c - the reference file in memory, the types of its columns, and the detector. */
#include "check.h"
#include "reference.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FIRST_ROWS 1024

struct loader {
    struct check *check;
    size_t rows, capacity;
    bool again;  /* values were stored as the wrong type: read once more */
    bool second; /* reading for the second time: the types are known */
    int result;  /* why a callback stopped */
    struct csv_progress progress;
};

static bool stop(struct loader *loader, int rc)
{
    loader->result = rc;
    return false;
}

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

/* So far every value was missing, which text can be as well. */
static int become_text(struct check_column *column, size_t capacity)
{
    column->text = calloc(capacity, sizeof(*column->text));
    if (!column->text)
        return -ENOMEM;
    free(column->number);
    column->number = NULL;
    column->categorical = column->decided = true;
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
    if (csv_is_missing(field->text, field->bytes))
        return 0;
    if (!excerpt_is_utf8(field->text, field->bytes))
        return bad_field(loader, line, column, field, 0);
    *text = text_pool_intern(&column->pool, field->text, field->bytes);
    return *text ? 0 : -ENOMEM;
}

/* A column without a configured type is numeric until a field says otherwise. If numbers have been
 * stored by then, their text is gone. */
static int text_among_numbers(struct loader *loader, struct check_column *column, uint64_t line,
                              const struct csv_field *field)
{
    if (loader->check->settings->model)
        return bad_field(loader, line, column, field, -EINVAL);
    if (loader->second && column->kind.texts > 0)
        return bad_field(loader, line, column, field, -EINVAL);
    if (!column->decided) {
        int rc = become_text(column, loader->capacity);
        return rc < 0 ? rc : set_text(loader, column, line, field);
    }
    column->waits = true;
    loader->again = true;
    return 0;
}

static int set_number(struct loader *loader, struct check_column *column, uint64_t line,
                      const struct csv_field *field)
{
    double *number = &column->number[loader->rows];
    int rc = csv_number(field->text, field->bytes, number);
    if (rc == -EINVAL)
        return text_among_numbers(loader, column, line, field);
    if (rc < 0)
        return bad_field(loader, line, column, field, rc);
    column->decided |= !csv_is_missing(field->text, field->bytes);
    return 0;
}

static int set_field(struct loader *loader, struct check_column *column, uint64_t line,
                     const struct csv_field *field)
{
    if (column->decided && column->categorical)
        return set_text(loader, column, line, field);
    if (column->waits)
        return 0;
    return set_number(loader, column, line, field);
}

static void count_kinds(struct check_columns *columns, uint64_t line,
                        const struct csv_field *fields)
{
    for (size_t i = 0; i < columns->count; i++)
        column_kind_count(&columns->column[i].kind, line,
                          &fields[columns->column[i].reference_position]);
}

/* --- the file --- */

static bool on_row(void *context, uint64_t line, const struct csv_field *fields, size_t count)
{
    struct loader *loader = context;
    struct check *check = loader->check;
    struct check_columns *columns = &check->columns;
    csv_progress_row(&loader->progress, fields, count);
    if (count != columns->reference.count) {
        check_bad_length(&check->bad_reference, check->settings->reference, line, count,
                         columns->reference.count);
        return true;
    }
    if (loader->rows == loader->capacity && grow(loader) < 0)
        return stop(loader, -ENOMEM);
    if (!check->settings->model && !loader->second)
        count_kinds(columns, line, fields);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < columns->count; i++) {
        struct check_column *column = &columns->column[i];
        rc = set_field(loader, column, line, &fields[column->reference_position]);
    }
    loader->rows += rc == 0;
    return rc < 0 ? stop(loader, rc) : true;
}

static bool on_header(void *context, uint64_t line, const struct csv_field *fields, size_t count)
{
    struct loader *loader = context;
    struct check *check = loader->check;
    (void)line;
    int rc = check_header_copy(&check->columns.reference, fields, count);
    if (rc == 0)
        rc = check_columns_choose(&check->columns, check->settings, check->error);
    check->wrong_use = rc == -EINVAL;
    return rc < 0 ? stop(loader, rc) : true;
}

static int fail_changed(struct check *check)
{
    snprintf(check->error, sizeof(check->error), "%.200s changed while it was read",
             check->settings->reference);
    excerpt_clean(check->error);
    return -EBADMSG;
}

static bool on_header_again(void *context, uint64_t line, const struct csv_field *fields,
                            size_t count)
{
    struct loader *loader = context;
    (void)line, (void)fields;
    if (count == loader->check->columns.reference.count)
        return true;
    return stop(loader, fail_changed(loader->check));
}

static int read_file(struct loader *loader, csv_row_fn header)
{
    struct check *check = loader->check;
    csv_progress_begin(&loader->progress, check->settings->reference);
    int rc = csv_read(check->settings->reference, header, on_row, loader, check->error);
    csv_progress_end(&loader->progress);
    return rc == -ECANCELED ? loader->result : rc;
}

static bool has_wrong_values(const struct check_column *column)
{
    return column->waits || (column->categorical && column_kind_is_flawed_number(&column->kind));
}

static int become_number(struct check_column *column, size_t capacity)
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

static int fail_pipe(struct check *check, const struct check_column *column)
{
    snprintf(check->error, sizeof(check->error),
             "%.150s:%llu: column \"%s\" has both numbers and text, so the file must be read "
             "twice, which a pipe cannot be",
             check->settings->reference, (unsigned long long)column->kind.text_line,
             excerpt(column->name).text);
    excerpt_clean(check->error);
    return -ESPIPE;
}

static bool is_regular(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

/* Decides on the columns that hold both, and reads again where values of the wrong type were kept.
 */
static int read_again(struct loader *loader)
{
    struct check *check = loader->check;
    size_t wrong = 0;
    for (size_t i = 0; i < check->columns.count; i++) {
        struct check_column *column = &check->columns.column[i];
        if (!has_wrong_values(column))
            continue;
        wrong++;
        if (!is_regular(check->settings->reference))
            return fail_pipe(check, column);
        int rc = column_kind_is_flawed_number(&column->kind)
                     ? become_number(column, loader->capacity)
                     : become_text(column, loader->capacity);
        if (rc < 0)
            return rc;
        column->waits = false;
    }
    if (wrong == 0)
        return 0;
    check->bad_reference = (struct check_bad_rows){0};
    *loader = (struct loader){.check = check, .capacity = loader->capacity, .second = true};
    int rc = read_file(loader, on_header_again);
    return rc == 0 && loader->again ? fail_changed(check) : rc;
}

/* --- what the columns turned out to be --- */

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

/* A column of numbers with much text among them may be one gone wrong: its reason says so. */
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

/* Not for a model's features: somebody decided about those. */
static int judge_columns(struct check_columns *columns, size_t rows, size_t capacity)
{
    for (size_t i = 0; i < columns->count; i++) {
        struct check_column *column = &columns->column[i];
        if (!column->decided && become_text(column, capacity) < 0)
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

static int fail_empty(struct check *check)
{
    const struct check_bad_rows *bad = &check->bad_reference;
    if (bad->count == 0)
        snprintf(check->error, sizeof(check->error), "%.200s has a header but no rows",
                 check->settings->reference);
    else
        snprintf(check->error, sizeof(check->error), "%.200s has no good row, but %llu bad ones",
                 check->settings->reference, (unsigned long long)bad->count);
    excerpt_clean(check->error);
    return -EBADMSG;
}

static int fail_identifiers(struct check *check)
{
    snprintf(check->error, sizeof(check->error),
             "%.200s: no column is left to compare: each holds identifiers or free text",
             check->settings->reference);
    excerpt_clean(check->error);
    return -EBADMSG;
}

static int load(struct loader *loader)
{
    struct check *check = loader->check;
    int rc = read_file(loader, on_header);
    if (rc == 0 && !check->settings->model)
        rc = read_again(loader);
    if (rc < 0)
        return rc;
    if (loader->rows == 0)
        return fail_empty(check);
    check->reference_rows = loader->rows;
    if (check->settings->model)
        return 0;
    rc = judge_columns(&check->columns, loader->rows, loader->capacity);
    return rc == 0 && check->columns.count == 0 ? fail_identifiers(check) : rc;
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
        .methods = DETECTOR_ALL_METHODS,
        .bins = settings->bins,
        .reference_resolution = settings->resolution,
    };
    int rc = detector_create(&spec, &check->detector);
    free(features);
    if (rc == -EINVAL) /* all else has been checked */
        snprintf(check->error, sizeof(check->error), "the reference has more than %u rows",
                 REFERENCE_MAX_ROWS);
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
