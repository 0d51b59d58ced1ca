/* columns.c - what is read of the reference beside its features: predictions, their scores and
 * labels, and what classes there are. */
#include "served/build/build.h"

#include "text/excerpt.h"
#include "text/number.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t columns_describe(const struct config_model *config, enum prediction_type type,
                               struct csv_column *columns)
{
    size_t count = 0;
    for (; count < config->feature_count; count++)
        columns[count] = (struct csv_column){.name = config->features[count].name,
                                             .categorical = config->features[count].categorical};
    if (config->columns.prediction)
        columns[count++] = (struct csv_column){.name = config->columns.prediction,
                                               .categorical = type != PREDICTION_REGRESSION};
    if (config->columns.score)
        columns[count++] = (struct csv_column){.name = config->columns.score};
    if (config->columns.label)
        columns[count++] = (struct csv_column){.name = config->columns.label,
                                               .categorical = type != PREDICTION_REGRESSION};
    if (config->columns.timestamp)
        columns[count++] =
            (struct csv_column){.name = config->columns.timestamp, .categorical = true};
    return count;
}

struct extra_columns reference_columns_extra(const struct config_model *config,
                                             struct csv_column *columns)
{
    struct extra_columns extra = {0};
    size_t next = config->feature_count;
    if (config->columns.prediction)
        extra.prediction = &columns[next++];
    if (config->columns.score)
        extra.score = &columns[next++];
    if (config->columns.label)
        extra.label = &columns[next++];
    if (config->columns.timestamp)
        extra.timestamp = &columns[next];
    return extra;
}

int reference_columns_read(const struct config_model *config, enum prediction_type type,
                           struct csv_table *table, struct error *error)
{
    table->column_count = columns_describe(config, type, table->columns);
    table->format = (struct csv_format){.delimiter = config->delimiter, .decimal = config->decimal};
    int rc = csv_table_read(table, config->reference, error);
    if (rc < 0)
        return error_at(error, rc, "model \"%s\": reference", config->name);
    if (table->rows == 0)
        return error_set(error, -EINVAL, "model \"%s\": reference %s has a header but no rows",
                         config->name, config->reference);
    return 0;
}

/* --- the classes --- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The distinct values of the reference's predictions, in the order of their bytes. */
static int classes_from_column(struct model_definition *definition, const struct csv_column *column,
                               size_t rows, struct error *error)
{
    const char *classes[SCORER_MAX_CLASSES + 1];
    size_t count = 0;
    const char **sorted = calloc(rows, sizeof(*sorted));
    if (!sorted)
        return -ENOMEM;
    size_t texts = 0;
    for (size_t r = 0; r < rows; r++)
        if (column->text[r])
            sorted[texts++] = column->text[r];
    qsort(sorted, texts, sizeof(*sorted), by_text);
    for (size_t i = 0; i < texts && count <= SCORER_MAX_CLASSES; i++)
        if (i == 0 || strcmp(sorted[i], sorted[i - 1]) != 0)
            classes[count++] = sorted[i];
    free(sorted);
    if (count < 2 || count > SCORER_MAX_CLASSES)
        return error_set(
            error, -EINVAL,
            "model \"%s\": the column \"%s\" of the reference has %s%zu different "
            "predictions, expected 2 to %d; name the classes in scorer.classes, or set "
            "scorer.task to regression",
            definition->name, column->name, count > SCORER_MAX_CLASSES ? "at least " : "", count,
            SCORER_MAX_CLASSES);
    return model_definition_set_classes(definition, classes, count);
}

static int outside_classes(struct model_definition *definition, const struct config_model *config,
                           const struct csv_table *table, struct error *error)
{
    static const char *const usual[] = {"0", "1"};
    const struct csv_column *column = reference_columns_extra(config, table->columns).prediction;
    int rc;
    if (definition->type == PREDICTION_REGRESSION)
        return model_definition_set_classes(definition, usual, 0);
    if (config->scorer.class_count)
        rc = model_definition_set_classes(definition, config->scorer.classes,
                                          config->scorer.class_count);
    else if (column)
        rc = classes_from_column(definition, column, table->rows, error);
    else
        rc = model_definition_set_classes(definition, usual, 2);
    definition->type = definition->classes.count == 2 ? PREDICTION_BINARY : PREDICTION_MULTICLASS;
    return rc;
}

static int scorer_classes(struct model_definition *definition, const struct config_model *config,
                          struct error *error)
{
    const struct config_scorer *scorer = &config->scorer;
    const size_t count = scorer_class_count(definition->scorer);
    if (scorer->class_count && scorer->class_count != count)
        return error_set(error, -EINVAL,
                         "model \"%s\": scorer.classes names %zu classes, but the model has %zu",
                         definition->name, scorer->class_count, count);
    int rc = scorer->class_count
                 ? scorer_name_classes(definition->scorer, scorer->classes, scorer->class_count)
                 : 0;
    const char **names = calloc(count + 1, sizeof(*names));
    if (!names)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        names[i] = scorer_class_name(definition->scorer, i);
    if (rc == 0)
        rc = model_definition_set_classes(definition, names, count);
    free(names);
    return rc;
}

int reference_columns_classes(struct model_definition *definition,
                              const struct config_model *config, const struct csv_table *table,
                              struct error *error)
{
    int rc = definition->scorer ? scorer_classes(definition, config, error)
                                : outside_classes(definition, config, table, error);
    for (size_t i = 0; rc == 0 && i < definition->classes.count; i++)
        if (strcmp(definition->classes.name[i], "__other__") == 0 ||
            strcmp(definition->classes.name[i], "__missing__") == 0)
            return error_set(
                error, -EINVAL,
                "model \"%s\": a class may not be called \"%s\", which stands for what "
                "is not one of the classes",
                definition->name, definition->classes.name[i]);
    return rc;
}

/* --- the predictions --- */

/* NULL: the text names none. */
static const char *class_of_text(const struct model_classes *classes, const char *text)
{
    const struct value value = {.number = NAN, .text = text, .text_bytes = strlen(text)};
    const size_t found = model_classes_find(classes, &value);
    return found < classes->count ? classes->name[found] : NULL;
}

/* The reference's classes under the names that predictions have here: under other names every
 * prediction would look like drift. Equal texts of a column are one text. */
static int classes_translate(const struct model_definition *definition,
                             const struct csv_column *column, size_t rows,
                             struct reference_predictions *predictions, struct error *error)
{
    const char *text = NULL, *name = NULL;
    predictions->class_text = calloc(rows, sizeof(*predictions->class_text));
    predictions->translated_class = true;
    if (!predictions->class_text)
        return -ENOMEM;
    for (size_t r = 0; r < rows; r++) {
        if (column->text[r] != text) {
            text = column->text[r];
            name = text ? class_of_text(&definition->classes, text) : NULL;
        }
        if (text && !name)
            return error_set(error, -EINVAL,
                             "model \"%s\": the column \"%s\" of the reference has the prediction "
                             "\"%s\", which is not one of the model's classes (\"%s\", \"%s\"%s)",
                             definition->name, column->name, excerpt(text).text,
                             definition->classes.name[0], definition->classes.name[1],
                             definition->classes.count > 2 ? ", ..." : "");
        predictions->class_text[r] = name;
    }
    return 0;
}

/* Scores as probabilities, in place. */
static int convert_scores(const struct model_definition *definition,
                          const struct csv_column *column, size_t rows, struct error *error)
{
    for (size_t r = 0; r < rows; r++) {
        const double score = column->number[r];
        char digits[NUMBER_MAX_BYTES];
        if (isnan(score) || model_definition_probability(definition, score, &column->number[r]))
            continue;
        const size_t bytes = number_format(score, digits);
        return error_set(
            error, -EINVAL,
            "model \"%s\": the column \"%s\" of the reference has the score %.*s in row "
            "%zu, which is not a probability from 0 to 1; %s",
            definition->name, column->name, (int)bytes, digits, r + 1,
            definition->scorer ? "leave columns.score out, as the model has a scorer"
                               : "if scores are log-odds, set scorer.score to margin");
    }
    return 0;
}

static int score_table(const struct model_definition *definition, size_t features,
                       const struct csv_table *table, struct reference_predictions *predictions)
{
    const double **numbers = calloc(features, sizeof(*numbers));
    const char *const **texts = calloc(features, sizeof(*texts));
    int rc = numbers && texts ? 0 : -ENOMEM;
    for (size_t f = 0; rc == 0 && f < features; f++) {
        numbers[f] = table->columns[f].number;
        texts[f] = table->columns[f].text;
    }
    if (rc == 0)
        rc = reference_predictions_score(definition, numbers, texts, table->rows, predictions);
    free(numbers);
    free(texts);
    return rc;
}

int reference_columns_predictions(const struct model_definition *definition,
                                  const struct config_model *config, const struct csv_table *table,
                                  struct reference_predictions *predictions, struct error *error)
{
    const struct extra_columns extra = reference_columns_extra(config, table->columns);
    int rc = 0;
    predictions->rows = table->rows;
    if (extra.prediction && extra.prediction->categorical)
        rc = classes_translate(definition, extra.prediction, table->rows, predictions, error);
    else if (extra.prediction)
        predictions->value = extra.prediction->number;
    if (rc == 0 && extra.score && definition->type == PREDICTION_BINARY) {
        predictions->score = extra.score->number;
        rc = convert_scores(definition, extra.score, table->rows, error);
    }
    return rc < 0 || !definition->scorer
               ? rc
               : score_table(definition, config->feature_count, table, predictions);
}
