/* reference.c - the reference file in memory, and the detector made from it. What its columns
 * are is decided in check/kinds.c. */
#include "stats/reference.h"
#include "check/loader.h"
#include "text/excerpt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int fail_pipe(struct check *check, const struct check_column *column)
{
    const bool text = column->kind.text.line > 0;
    const struct column_example *example = text ? &column->kind.text : &column->kind.zeros;
    return error_set(&check->error, -ESPIPE,
                     "%s:%llu: column \"%s\" has %s, so the file must be read twice; a pipe "
                     "cannot be read again",
                     excerpt_path(check->settings->reference).text,
                     (unsigned long long)example->line, excerpt(column->name).text,
                     text ? "both numbers and text" : "numbers with leading zeros");
}

/* Decides the type of columns that hold numbers and text, and reads the file again if values were
 * stored as the wrong type. */
static int read_again(struct check_loader *loader)
{
    struct check *check = loader->check;
    size_t wrong = 0;
    for (size_t i = 0; i < check->columns.count; i++) {
        struct check_column *column = &check->columns.column[i];
        if (!check_column_has_wrong_values(column))
            continue;
        wrong++;
        if (!check_can_read_again(check))
            return fail_pipe(check, column);
        if (column_kind_is_numeric(&column->kind))
            check_column_become_number(column);
        else
            check_column_become_text(column);
        column->waits = false;
    }
    if (wrong == 0)
        return 0;
    check_columns_forget_values(&check->columns);
    check->bad_reference = (struct check_bad_rows){0};
    *loader = (struct check_loader){.check = check, .second = true};
    int rc = check_loader_read(loader);
    return rc == 0 && loader->again ? check_fail_changed(check) : rc;
}

/* --- the whole --- */

static int fail_empty(struct check *check)
{
    const struct excerpt_path path = excerpt_path(check->settings->reference);
    const unsigned long long bad = check->bad_reference.count;
    if (bad == 0)
        return error_set(&check->error, -EBADMSG, "%s has a header but no rows", path.text);
    if (bad == 1)
        return error_set(&check->error, -EBADMSG, "%s: its only row is invalid", path.text);
    return error_set(&check->error, -EBADMSG, "%s: all %llu rows are invalid", path.text, bad);
}

static int fail_nothing_left(struct check *check)
{
    const struct check_skipped *first = check->columns.skipped;
    return error_set(
        &check->error, -EBADMSG, "%s: no column is left to compare; the first, \"%s\": %s",
        excerpt_path(check->settings->reference).text, excerpt(first->name).text, first->reason);
}

static int load(struct check_loader *loader)
{
    struct check *check = loader->check;
    int rc = check_loader_read(loader);
    if (rc == 0 && !check->settings->model)
        rc = read_again(loader);
    if (rc < 0)
        return rc;
    if (loader->rows == 0)
        return fail_empty(check);
    check->reference_rows = loader->rows;
    if (!check->settings->model)
        rc = check_columns_judge(&check->columns, loader->rows);
    if (rc == 0)
        rc = check_columns_need_method(&check->columns, check->settings->methods);
    return rc == 0 && check->columns.count == 0 ? fail_nothing_left(check) : rc;
}

/* The texts of a column, each with its rows; the array is to be freed. 0 or -ENOMEM. */
static int list_counts(const struct check_column *column, struct detector_feature *feature)
{
    const struct text_pool *pool = &column->pool;
    struct counted_category *counts = calloc(pool->count + 1, sizeof(*counts));
    if (!counts)
        return -ENOMEM;
    feature->reference_counts = counts;
    for (size_t i = 0; i < pool->size; i++) {
        const char *text = text_pool_at(pool, i);
        if (text && *text_pool_counter(text) > 0)
            counts[feature->reference_count++] =
                (struct counted_category){text, *text_pool_counter(text)};
    }
    return 0;
}

/* Each feature of the array, whose counts are to be freed. 0 or -ENOMEM. */
static int describe_features(const struct check_columns *columns, struct detector_feature *features)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < columns->count; i++) {
        const struct check_column *column = &columns->column[i];
        features[i] = (struct detector_feature){
            .name = column->name,
            .type = column->categorical ? FEATURE_CATEGORICAL : FEATURE_NUMERIC,
            .reference_numbers = column->number,
        };
        if (column->categorical)
            rc = list_counts(column, &features[i]);
    }
    return rc;
}

static int create_detector(struct check *check, const struct detector_feature *features,
                           void (*used)(void *context, size_t feature),
                           struct detector **ret_detector)
{
    const struct check_settings *settings = check->settings;
    const struct detector_spec spec = {
        .features = features,
        .feature_count = check->columns.count,
        .reference_rows = check->reference_rows,
        .window = settings->window,
        .minimum_sample = settings->minimum_sample,
        .threshold = {settings->threshold[SEVERITY_WARNING],
                      settings->threshold[SEVERITY_CRITICAL]},
        .significance = settings->significance,
        .methods = settings->methods,
        .bins = settings->bins,
        .reference_resolution = settings->resolution,
        .used = used,
        .context = &check->columns,
    };
    const int rc = detector_create(&spec, ret_detector);
    if (rc == -EINVAL) /* everything else has been checked */
        error_set(&check->error, rc, "the reference has more than %u rows", REFERENCE_MAX_ROWS);
    return rc;
}

static int describe_and_create(struct check *check, void (*used)(void *context, size_t feature),
                               struct detector **ret_detector)
{
    const struct check_columns *columns = &check->columns;
    struct detector_feature *features = calloc(columns->count, sizeof(*features));
    if (!features)
        return -ENOMEM;
    int rc = describe_features(columns, features);
    if (rc == 0)
        rc = create_detector(check, features, used, ret_detector);
    for (size_t i = 0; i < columns->count; i++)
        free((void *)(uintptr_t)features[i].reference_counts);
    free(features);
    return rc;
}

int check_detector_create(struct check *check, struct detector **ret_detector)
{
    return describe_and_create(check, NULL, ret_detector);
}

int check_reference_load(struct check *check)
{
    struct check_loader loader = {.check = check};
    return load(&loader);
}

/* The memory is then there for the next feature. */
static void forget_values(void *context, size_t feature)
{
    struct check_columns *columns = context;
    check_column_forget_values(&columns->column[feature]);
}

int check_reference_read(struct check *check)
{
    int rc = check_reference_load(check);
    if (rc == 0)
        rc = describe_and_create(check, forget_values, &check->detector);
    check_columns_forget_values(&check->columns);
    return rc;
}
