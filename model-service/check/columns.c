/* columns.c - which columns are compared, and why the others are not. */
#include "check/check.h"

#include "text/excerpt.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define NOWHERE SIZE_MAX
#define TWICE   (SIZE_MAX - 1)

/* Columns listed in a sentence. */
#define SHOWN_COLUMNS 10

int check_header_copy(struct check_header *header, const struct csv_field *fields, size_t count)
{
    header->name = calloc(count, sizeof(*header->name));
    if (!header->name)
        return -ENOMEM;
    for (; header->count < count; header->count++) {
        char *copy = strdup(fields[header->count].text);
        if (!copy)
            return -ENOMEM;
        header->name[header->count] = copy;
    }
    return 0;
}

static void header_finish(struct check_header *header)
{
    for (size_t i = 0; i < header->count; i++)
        free(header->name[i]);
    free(header->name);
    *header = (struct check_header){0};
}

/* Position of a name in the header, or NOWHERE or TWICE. */
static size_t header_find(const struct check_header *header, const char *name)
{
    size_t found = NOWHERE;
    for (size_t i = 0; i < header->count; i++)
        if (strcmp(header->name[i], name) == 0)
            found = found == NOWHERE ? i : TWICE;
    return found;
}

/* --- skipping --- */

static int skip(struct check_columns *columns, const char *name, enum check_side side,
                const char *reason, va_list arguments) __attribute__((format(printf, 4, 0)));

static int skip(struct check_columns *columns, const char *name, enum check_side side,
                const char *reason, va_list arguments)
{
    if (columns->skipped_count == columns->skipped_capacity) {
        const size_t capacity = columns->skipped_capacity ? columns->skipped_capacity * 2 : 16;
        struct check_skipped *larger =
            realloc(columns->skipped, capacity * sizeof(*columns->skipped));
        if (!larger)
            return -ENOMEM;
        columns->skipped = larger;
        columns->skipped_capacity = capacity;
    }
    struct check_skipped *skipped = &columns->skipped[columns->skipped_count];
    skipped->side = side;
    skipped->name = strdup(name);
    if (!skipped->name)
        return -ENOMEM;
    vsnprintf(skipped->reason, sizeof(skipped->reason), reason, arguments);
    excerpt_clean(skipped->reason);
    columns->skipped_count++;
    return 0;
}

static int skip_name(struct check_columns *columns, const char *name, const char *reason, ...)
    __attribute__((format(printf, 3, 4)));

static int skip_name(struct check_columns *columns, const char *name, const char *reason, ...)
{
    va_list arguments;
    va_start(arguments, reason);
    int rc = skip(columns, name, CHECK_BOTH, reason, arguments);
    va_end(arguments);
    return rc;
}

/* Which of several columns of one name is meant cannot be known. */
static int skip_doubled(struct check_columns *columns, const char *name, const char *file)
{
    int rc = skip_name(columns, name, "the name appears more than once in the %s", file);
    if (rc == 0)
        columns->skipped[columns->skipped_count - 1].side = CHECK_DOUBLED;
    return rc;
}

static int skip_side(struct check_columns *columns, const char *name, enum check_side side)
{
    int rc = skip_name(columns, name, "only in the %s",
                       side == CHECK_ONLY_CURRENT ? "current file" : "reference");
    if (rc == 0)
        columns->skipped[columns->skipped_count - 1].side = side;
    return rc;
}

size_t check_columns_only(const struct check_columns *columns, enum check_side side)
{
    size_t count = 0;
    for (size_t i = 0; i < columns->skipped_count; i++)
        count += columns->skipped[i].side == side;
    return count;
}

void check_column_forget_values(struct check_column *column)
{
    free(column->number);
    free(column->text);
    column->number = NULL;
    column->text = NULL;
    text_pool_finish(&column->pool);
}

int check_columns_skip(struct check_columns *columns, size_t i, const char *reason, ...)
{
    struct check_column *column = &columns->column[i];
    va_list arguments;
    va_start(arguments, reason);
    int rc = skip(columns, column->name, CHECK_BOTH, reason, arguments);
    va_end(arguments);
    if (rc < 0)
        return rc;
    check_column_forget_values(column);
    columns->count--;
    memmove(column, column + 1, (columns->count - i) * sizeof(*column));
    return 0;
}

/* --- choosing --- */

/* Whether a name is in a list separated by commas. */
static bool is_listed(const char *list, const char *name)
{
    const size_t bytes = strlen(name);
    for (const char *item = list; item; item = strchr(item, ',')) {
        item += *item == ',';
        const size_t item_bytes = strcspn(item, ",");
        if (item_bytes == bytes && memcmp(item, name, bytes) == 0)
            return true;
    }
    return false;
}

static void add_column(struct check_columns *columns, const char *name, size_t reference_position,
                       size_t current_position)
{
    columns->column[columns->count++] =
        (struct check_column){.name = name,
                              .reference_position = reference_position,
                              .current_position = current_position};
}

/* Compares a column of the reference or skips it with a reason. A name that appears twice is
 * reported once. */
static int choose_common(struct check_columns *columns, const struct check_settings *settings,
                         size_t i)
{
    const char *name = columns->reference.name[i];
    const size_t in_current = header_find(&columns->current, name);
    if (*name == '\0')
        return skip_name(columns, name, "it has no name (column %zu of the reference)", i + 1);
    if (is_listed(settings->exclude, name))
        return skip_name(columns, name, "excluded");
    if (header_find(&columns->reference, name) == TWICE) {
        for (size_t before = 0; before < i; before++)
            if (strcmp(columns->reference.name[before], name) == 0)
                return 0;
        return skip_doubled(columns, name, "reference");
    }
    if (in_current == TWICE)
        return skip_doubled(columns, name, "current file");
    if (in_current == NOWHERE)
        return skip_side(columns, name, CHECK_ONLY_REFERENCE);
    add_column(columns, name, i, in_current);
    return 0;
}

static int skip_only_current(struct check_columns *columns, const struct check_settings *settings)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < columns->current.count; i++) {
        const char *name = columns->current.name[i];
        if (*name == '\0' || header_find(&columns->reference, name) != NOWHERE)
            continue;
        rc = is_listed(settings->exclude, name) ? skip_name(columns, name, "excluded")
                                                : skip_side(columns, name, CHECK_ONLY_CURRENT);
    }
    return rc;
}

static int choose_all_common(struct check_columns *columns, const struct check_settings *settings)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < columns->reference.count; i++)
        rc = choose_common(columns, settings, i);
    return rc == 0 ? skip_only_current(columns, settings) : rc;
}

static int fail_model_column(const struct check_settings *settings, const char *path,
                             const char *name, size_t position, struct error *error)
{
    return error_set(error, -EBADMSG, "%s:1: column \"%s\" of model \"%s\" %s",
                     excerpt_path(path).text, excerpt(name).text, settings->model->name,
                     position == TWICE ? "appears more than once" : "is missing");
}

static int choose_model_feature(struct check_columns *columns,
                                const struct check_settings *settings,
                                const struct config_feature *feature, struct error *error)
{
    if (is_listed(settings->exclude, feature->name))
        return skip_name(columns, feature->name, "excluded");
    const size_t in_reference = header_find(&columns->reference, feature->name);
    if (in_reference >= TWICE)
        return fail_model_column(settings, settings->reference, feature->name, in_reference, error);
    const size_t in_current = header_find(&columns->current, feature->name);
    if (in_current >= TWICE)
        return fail_model_column(settings, settings->current, feature->name, in_current, error);
    add_column(columns, feature->name, in_reference, in_current);
    columns->column[columns->count - 1].categorical = feature->categorical;
    columns->column[columns->count - 1].decided = true;
    return 0;
}

static int choose_model(struct check_columns *columns, const struct check_settings *settings,
                        struct error *error)
{
    int rc = 0;
    for (size_t f = 0; rc == 0 && f < settings->model->feature_count; f++)
        rc = choose_model_feature(columns, settings, &settings->model->features[f], error);
    return rc;
}

/* --- why columns cannot be chosen --- */

static bool is_feature(const struct config_model *model, const char *name)
{
    for (size_t f = 0; model && f < model->feature_count; f++)
        if (strcmp(model->features[f].name, name) == 0)
            return true;
    return false;
}

/* Room for the names of a header in a sentence, of which there may be two. */
#define NAMES_BYTES 160

/* The first columns of the reference, as many as there is room for. */
static void list_names(const struct check_header *header, char names[NAMES_BYTES])
{
    size_t used = 0;
    names[0] = '\0';
    for (size_t i = 0; i < header->count; i++) {
        const struct excerpt name = excerpt(header->name[i]);
        if (i == SHOWN_COLUMNS || used + strlen(name.text) + sizeof(", , ...") > NAMES_BYTES) {
            snprintf(names + used, NAMES_BYTES - used, ", ...");
            return;
        }
        used += (size_t)snprintf(names + used, NAMES_BYTES - used, "%s%s", i > 0 ? ", " : "",
                                 name.text);
    }
}

static int fail_excluded(const struct check_columns *columns, const struct check_settings *settings,
                         const char *name, struct error *error)
{
    char names[NAMES_BYTES];
    list_names(&columns->reference, names);
    return error_set(error, -EINVAL, "--exclude: no column \"%s\" in %s or %s: %s",
                     excerpt(name).text, excerpt_path(settings->reference).text,
                     excerpt_path(settings->current).text, names);
}

/* A name to exclude that is nowhere is a typing error: the column meant would be compared. */
static int check_excluded(const struct check_columns *columns,
                          const struct check_settings *settings, struct error *error)
{
    char *list = strdup(settings->exclude ? settings->exclude : ""), *rest = list;
    if (!list)
        return -ENOMEM;
    int rc = 0;
    for (char *name = strtok_r(list, ",", &rest); rc == 0 && name;
         name = strtok_r(NULL, ",", &rest))
        if (header_find(&columns->reference, name) == NOWHERE &&
            header_find(&columns->current, name) == NOWHERE && !is_feature(settings->model, name))
            rc = fail_excluded(columns, settings, name, error);
    free(list);
    return rc;
}

/* The first column that both files have and that is not compared for a reason of its own. */
static const struct check_skipped *first_skipped(const struct check_columns *columns)
{
    for (size_t i = 0; i < columns->skipped_count; i++)
        if (columns->skipped[i].side != CHECK_ONLY_REFERENCE &&
            columns->skipped[i].side != CHECK_ONLY_CURRENT)
            return &columns->skipped[i];
    return NULL;
}

/* Both headers are shown: one may be taken for a single column, or belong to another file. */
static int fail_nothing_common(const struct check_columns *columns,
                               const struct check_settings *settings, struct error *error)
{
    char reference[NAMES_BYTES], current[NAMES_BYTES];
    const struct check_skipped *skipped = first_skipped(columns);
    if (skipped)
        return error_set(error, -EBADMSG,
                         "%s and %s have no column that can be compared; the first, "
                         "\"%s\": %s",
                         excerpt_path(settings->reference).text,
                         excerpt_path(settings->current).text, excerpt(skipped->name).text,
                         skipped->reason);
    list_names(&columns->reference, reference);
    list_names(&columns->current, current);
    return error_set(error, -EBADMSG,
                     "%s and %s have no column in common to compare: the reference has "
                     "%s; the current file has %s",
                     excerpt_path(settings->reference).text, excerpt_path(settings->current).text,
                     reference, current);
}

/* Replaces the error if a file's only column looks like several whose rows have another separator.
 */
static void name_separator(const struct check_header *header, const char *path, struct error *error)
{
    const char *separator = header->count == 1 ? strpbrk(header->name[0], ";\t|") : NULL;
    if (!separator)
        return;
    error_set(error, -EBADMSG, "%s has one column named \"%s\": is the separator %s?",
              excerpt_path(path).text, excerpt(header->name[0]).text,
              *separator == ';'    ? "\";\""
              : *separator == '\t' ? "a tab"
                                   : "\"|\"");
}

int check_columns_choose(struct check_columns *columns, const struct check_settings *settings,
                         struct error *error)
{
    int rc = check_excluded(columns, settings, error);
    if (rc < 0)
        return rc;
    const size_t most = settings->model ? settings->model->feature_count : columns->reference.count;
    columns->column = calloc(most, sizeof(*columns->column));
    if (!columns->column)
        return -ENOMEM;
    rc = settings->model ? choose_model(columns, settings, error)
                         : choose_all_common(columns, settings);
    if (rc == 0 && columns->count == 0)
        rc = fail_nothing_common(columns, settings, error);
    if (rc == -EBADMSG) {
        name_separator(&columns->reference, settings->reference, error);
        name_separator(&columns->current, settings->current, error);
    }
    return rc;
}

void check_columns_forget_values(struct check_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++)
        check_column_forget_values(&columns->column[i]);
}

void check_columns_finish(struct check_columns *columns)
{
    check_columns_forget_values(columns);
    free(columns->column);
    for (size_t i = 0; i < columns->skipped_count; i++)
        free(columns->skipped[i].name);
    free(columns->skipped);
    header_finish(&columns->reference);
    header_finish(&columns->current);
    *columns = (struct check_columns){0};
}
