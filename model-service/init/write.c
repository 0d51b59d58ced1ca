/* write.c - the configuration, with what was assumed of each column beside it. */
#include "init/init.h"

#include "config/config.h"
#include "encode/buffer.h"
#include "encode/yaml_text.h"
#include "row/text_value.h"
#include "text/number.h"
#include "text/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A column of whole numbers with at most this many values holds classes; with more it holds a
 * measurement. */
#define MOST_NUMBERED_CLASSES 20u
/* With more classes than anybody would list by hand, the reference is a better place for them. */
#define MOST_LISTED_CLASSES 100u

static void append(struct buffer *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* For short texts of a known length. */
static void append(struct buffer *out, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    buffer_append_text(out, text);
}

static void append_number(struct buffer *out, double value)
{
    char *room = buffer_reserve(out, NUMBER_MAX_BYTES);
    if (room)
        out->length += number_format(value, room);
}

static void append_path(struct buffer *out, const struct init_settings *settings, const char *path)
{
    char *named = init_path(settings, path);
    if (named)
        yaml_text(out, named);
    else
        out->error = -ENOMEM;
    free(named);
}

/* --- features --- */

static void append_missing(struct buffer *out, const struct init_column *column)
{
    const uint64_t rows = column->missing + init_present(column);
    if (column->missing == 0)
        buffer_append_text(out, "none missing");
    else
        append(out, "%.*f %% missing", 1000 * column->missing < rows ? 3 : 1,
               100 * (double)column->missing / (double)rows);
}

static void append_facts(struct buffer *out, const struct init_column *column)
{
    append(out, "%s%llu distinct value%s, ", column->many ? "more than " : "",
           (unsigned long long)init_distinct(column) - column->many,
           init_distinct(column) == 1 ? "" : "s");
    append_missing(out, column);
    if (!column->categorical && column->kind.texts == 0 && column->smallest < column->largest) {
        buffer_append_text(out, ", ");
        append_number(out, column->smallest);
        buffer_append_text(out, " to ");
        append_number(out, column->largest);
    }
    buffer_append_text(out, ", e.g. ");
    yaml_comment_text(out, column->example.text);
}

static void append_column(struct buffer *out, const struct init_column *column)
{
    const bool excluded = column->role == INIT_EXCLUDED;
    buffer_append_text(out, excluded ? "      # - {name: " : "      - {name: ");
    yaml_text(out, column->name);
    append(out, ", type: %s}  # ", column->categorical ? "categorical" : "numeric");
    if (excluded)
        buffer_append_text(out, "left out, ");
    yaml_comment_text(out, column->reason);
    if (column->reason[0] && init_present(column) > 0)
        buffer_append_text(out, "; ");
    if (init_present(column) > 0)
        append_facts(out, column);
    buffer_append_char(out, '\n');
}

static void append_features(struct buffer *out, const struct init_file *file)
{
    buffer_append_text(out,
                       "    # In the order in which /predict and /observe take them as a list. "
                       "A feature may have thresholds of\n    # its own: {name: ..., type: "
                       "..., thresholds: {warning: 0.2, critical: 0.4}}.\n    features:\n");
    for (size_t i = 0; i < file->count; i++)
        if (file->columns[i].role <= INIT_EXCLUDED)
            append_column(out, &file->columns[i]);
}

/* --- the scorer --- */

static bool are_classes(const struct init_column *column)
{
    return column->kind.texts > 0 || (!column->kind.fractions && !column->many &&
                                      column->values.count <= MOST_NUMBERED_CLASSES);
}

static bool is_regression(const struct init_file *file)
{
    const struct init_column *prediction = init_column_of(file, INIT_PREDICTION);
    const struct init_column *label = init_column_of(file, INIT_LABEL);
    if (init_column_of(file, INIT_SCORE))
        return false;
    return (prediction && !are_classes(prediction)) ||
           (!prediction && label && !are_classes(label));
}

struct classes {
    const char *name[2 * MOST_LISTED_CLASSES];
    size_t count;
    bool unfit; /* there are too many classes, or one that a configuration does not accept */
};

static void add_class(struct classes *classes, const char *name)
{
    for (size_t i = 0; i < classes->count; i++)
        if (strcmp(classes->name[i], name) == 0)
            return;
    classes->unfit |= classes->count == MOST_LISTED_CLASSES ||
                      strlen(name) > CONFIG_MAX_TEXT_BYTES || !utf8_is_valid(name, strlen(name)) ||
                      init_has_control(name);
    if (!classes->unfit)
        classes->name[classes->count++] = name;
}

static void add_classes(struct classes *classes, const struct init_column *column)
{
    if (!column)
        return;
    classes->unfit |= column->many || !are_classes(column);
    for (size_t i = 0; i < column->values.size && !classes->unfit; i++)
        if (column->values.slots[i])
            add_class(classes, column->values.slots[i]);
}

/* Numbers by value and before text, text by its bytes. */
static int compare_classes(const void *left, const void *right)
{
    const char *a = *(const char *const *)left, *b = *(const char *const *)right;
    double x = 0, y = 0;
    const bool number_a = text_value_number(a, strlen(a), &x) == 0;
    const bool number_b = text_value_number(b, strlen(b), &y) == 0;
    if (number_a != number_b)
        return number_a ? -1 : 1;
    if (number_a && x != y)
        return x < y ? -1 : 1;
    return strcmp(a, b);
}

/* Whether there are classes to list. */
static bool find_classes(const struct init_file *file, struct classes *classes)
{
    *classes = (struct classes){.count = 0};
    if (is_regression(file))
        return false;
    add_classes(classes, init_column_of(file, INIT_PREDICTION));
    add_classes(classes, init_column_of(file, INIT_LABEL));
    return !classes->unfit && classes->count >= 2;
}

static void append_classes(struct buffer *out, const struct init_file *file)
{
    struct classes classes;
    if (!find_classes(file, &classes))
        return;
    qsort(classes.name, classes.count, sizeof(classes.name[0]), compare_classes);
    buffer_append_text(out, "      classes: [");
    for (size_t i = 0; i < classes.count; i++) {
        buffer_append_text(out, i > 0 ? ", " : "");
        yaml_text(out, classes.name[i]);
    }
    append(out, "]  # of the reference%s\n",
           classes.count == 2 ? "; the second is the one that a score is the probability of" : "");
}

/* --- the columns that are not features --- */

/* Whether the column of scores has numbers that no probability can be. */
static bool is_margin(const struct init_file *file)
{
    const struct init_column *score = init_column_of(file, INIT_SCORE);
    return score && score->kind.numbers > 0 && (score->smallest < 0 || score->largest > 1);
}

static bool has_scorer(const struct init_file *file)
{
    return file->settings->weights || file->settings->model;
}

/* Why a column is written as a comment only; NULL: it is not. */
static const char *why_left_out(const struct init_file *file, enum init_role role)
{
    struct classes classes;
    if (role == INIT_PREDICTION && !is_regression(file) && !find_classes(file, &classes))
        return "its classes cannot be listed";
    if (role == INIT_SCORE && has_scorer(file) && is_margin(file))
        return "not all of it is from 0 to 1, as the scorer's probabilities are";
    return NULL;
}

static const char *about_role(const struct init_file *file, enum init_role role)
{
    static const char *const about[INIT_ROLES] = {
        [INIT_ID] = "of the row",
        [INIT_TIMESTAMP] = "of the row",
        [INIT_PREDICTION] = "the model's on the training data",
        [INIT_SCORE] = "the probability of the second class",
        [INIT_LABEL] = "the truth",
    };
    return role == INIT_SCORE && is_margin(file) ? "the log-odds of the second class" : about[role];
}

static void append_roles(struct buffer *out, const struct init_file *file)
{
    bool any = false;
    for (enum init_role role = INIT_ID; role < INIT_ROLES; role++) {
        const struct init_column *column = init_column_of(file, role);
        if (!column)
            continue;
        const char *why = why_left_out(file, role);
        if (!any && !why)
            buffer_append_text(out, "    columns:\n");
        any |= !why;
        append(out, "      %s%s: ", why ? "# " : "", init_role_names[role]);
        yaml_text(out, column->name);
        append(out, "  # %s%s%s%s%s; ", why ? "left out, as " : "", why ? why : "", why ? ": " : "",
               about_role(file, role),
               column->assumed ? ", assumed for its name, which no feature may have" : "");
        if (init_present(column) > 0)
            append_facts(out, column);
        else
            buffer_append_text(out, "every value is missing");
        buffer_append_char(out, '\n');
    }
    if (!any)
        buffer_append_text(out, "    # columns: {prediction: ..., label: ...}  # of the reference, "
                                "if it has the model's predictions and the truth\n");
}

static void append_scorer(struct buffer *out, const struct init_file *file)
{
    const struct init_settings *settings = file->settings;
    buffer_append_text(out, "    scorer:\n");
    if (settings->weights) {
        buffer_append_text(out, "      type: logistic\n      file: ");
        append_path(out, settings, settings->weights);
        buffer_append_char(out, '\n');
    } else if (settings->model) {
        append(out, "      type: %s\n      file: ", settings->model_type);
        append_path(out, settings, settings->model);
        append(out, "  # is it the same here as where it was trained? Write some rows with\n"
                    "      # its prediction there in a column \"prediction\" (of three or more "
                    "classes one for each,\n      # \"prediction=CLASS\"), then: model-service "
                    "validate THIS_FILE --expect predictions.csv");
        buffer_append_char(out, '\n');
        append_classes(out, file);
    } else {
        append(out,
               "      type: none  # predictions are made elsewhere and come with POST /observe\n"
               "      task: %s\n",
               is_regression(file) ? "regression" : "classification");
        append_classes(out, file);
        if (is_margin(file))
            buffer_append_text(out,
                               "      score: margin  # the log-odds, as not all scores are from "
                               "0 to 1\n");
    }
}

/* --- the whole --- */

/* Only what is not usual, or was given: the rest is recognised again. */
static void append_format(struct buffer *out, const struct init_file *file)
{
    const struct csv_format *given = &file->settings->format, *format = &file->format;
    if (given->delimiter || format->delimiter != ',')
        append(out, "    delimiter: %s\n", csv_delimiter_name(format->delimiter));
    if (given->decimal || format->decimal == ',')
        append(out, "    decimal: %s  # in the numbers of the reference\n",
               format->decimal == ',' ? "comma" : "point");
}

static void append_head(struct buffer *out, const struct init_file *file)
{
    size_t features = 0;
    for (size_t i = 0; i < file->count; i++)
        features += file->columns[i].role == INIT_FEATURE;
    buffer_append_text(out, "# Drift detection for ");
    yaml_comment_text(out, file->settings->reference);
    append(
        out,
        ", written by model-service init.\n# %llu rows, %zu columns, of which %zu are monitored. "
        "What was assumed of a column stands beside it:\n# correct what is wrong, then\n"
        "#   model-service validate THIS_FILE\n#   model-service serve --config THIS_FILE\n"
        "models:\n  - name: ",
        (unsigned long long)file->rows, file->count, features);
    char name[INIT_NAME_BYTES];
    init_model_name(file->settings, name);
    yaml_text(out, file->settings->name ? file->settings->name : name);
    buffer_append_text(out, "\n    reference: ");
    append_path(out, file->settings, file->settings->reference);
    buffer_append_text(out, "  # what is normal; relative to this file\n");
    append_format(out, file);
}

static void append_settings(struct buffer *out)
{
    append(out,
           "    # The defaults: the last rows that are compared with the reference, how many there "
           "must be, the\n    # scores from which a feature is reported, and the chance of a false "
           "alarm.\n    window: {observations: %d}\n    minimum_sample: %d\n    thresholds: "
           "{warning: %g, critical: %g}\n    significance: %g\n",
           CONFIG_DEFAULT_WINDOW, CONFIG_DEFAULT_MINIMUM_SAMPLE, CONFIG_DEFAULT_WARNING,
           CONFIG_DEFAULT_CRITICAL, CONFIG_DEFAULT_SIGNIFICANCE);
}

int init_write(const struct init_file *file, struct buffer *out)
{
    append_head(out, file);
    append_features(out, file);
    append_roles(out, file);
    append_scorer(out, file);
    append_settings(out);
    return out->error;
}
