/* columns.c - what is read of the reference beside its features: predictions, their
 * scores and labels, and what classes there are. */
#include "served/build/build.h"

#include "text/excerpt.h"

#include <errno.h>
#include <stdio.h>
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
    return count;
}

struct extra_columns reference_columns_extra(const struct config_model *config,
                                             const struct csv_column *columns)
{
    struct extra_columns extra = {0};
    size_t next = config->feature_count;
    if (config->columns.prediction)
        extra.prediction = &columns[next++];
    if (config->columns.score)
        extra.score = &columns[next++];
    if (config->columns.label)
        extra.label = &columns[next];
    return extra;
}

int reference_columns_read(const struct config_model *config, enum prediction_type type,
                           struct csv_table *table, char error[SERVED_MODEL_ERROR_BYTES])
{
    char csv_error[CSV_ERROR_BYTES];
    table->column_count = columns_describe(config, type, table->columns);
    int rc = csv_table_read(table, config->reference, csv_error);
    if (rc < 0)
        snprintf(error, SERVED_MODEL_ERROR_BYTES, "model \"%s\": reference: %s", config->name,
                 csv_error);
    else if (table->rows == 0) {
        snprintf(error, SERVED_MODEL_ERROR_BYTES,
                 "model \"%s\": reference %s has a header but no rows", config->name,
                 config->reference);
        rc = -EINVAL;
    }
    return rc;
}

/* --- the classes --- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The distinct values of the reference's predictions, in the order of their bytes. */
static int classes_from_column(struct served_model *model, const struct csv_column *column,
                               size_t rows, char error[SERVED_MODEL_ERROR_BYTES])
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
    if (count < 2 || count > SCORER_MAX_CLASSES) {
        snprintf(error, SERVED_MODEL_ERROR_BYTES,
                 "model \"%s\": the column \"%s\" of the reference has %s%zu different "
                 "predictions, expected 2 to %d; name the classes in scorer.classes, or set "
                 "scorer.task to regression",
                 model->name, column->name, count > SCORER_MAX_CLASSES ? "at least " : "", count,
                 SCORER_MAX_CLASSES);
        return -EINVAL;
    }
    return served_model_set_classes(model, classes, count);
}

static int outside_classes(struct served_model *model, const struct config_model *config,
                           const struct csv_table *table, char error[SERVED_MODEL_ERROR_BYTES])
{
    static const char *const usual[] = {"0", "1"};
    const struct csv_column *column = reference_columns_extra(config, table->columns).prediction;
    int rc;
    if (model->type == PREDICTION_REGRESSION)
        return served_model_set_classes(model, usual, 0);
    if (config->scorer.class_count)
        rc = served_model_set_classes(model, config->scorer.classes, config->scorer.class_count);
    else if (column)
        rc = classes_from_column(model, column, table->rows, error);
    else
        rc = served_model_set_classes(model, usual, 2);
    model->type = model->class_count == 2 ? PREDICTION_BINARY : PREDICTION_MULTICLASS;
    return rc;
}

static int scorer_classes(struct served_model *model, const struct config_model *config,
                          char error[SERVED_MODEL_ERROR_BYTES])
{
    const struct config_scorer *scorer = &config->scorer;
    const size_t count = scorer_class_count(model->scorer);
    if (scorer->class_count && scorer->class_count != count) {
        snprintf(error, SERVED_MODEL_ERROR_BYTES,
                 "model \"%s\": scorer.classes names %zu classes, but the model has %zu",
                 model->name, scorer->class_count, count);
        return -EINVAL;
    }
    int rc = scorer->class_count
                 ? scorer_name_classes(model->scorer, scorer->classes, scorer->class_count)
                 : 0;
    return rc < 0 ? rc : served_model_set_classes(model, NULL, count);
}

int reference_columns_classes(struct served_model *model, const struct config_model *config,
                              const struct csv_table *table, char error[SERVED_MODEL_ERROR_BYTES])
{
    int rc = model->scorer ? scorer_classes(model, config, error)
                           : outside_classes(model, config, table, error);
    for (size_t i = 0; rc == 0 && i < model->class_count; i++)
        if (strcmp(model->class_names[i], "__other__") == 0 ||
            strcmp(model->class_names[i], "__missing__") == 0) {
            snprintf(error, SERVED_MODEL_ERROR_BYTES,
                     "model \"%s\": a class may not be called \"%s\", which stands for what is "
                     "none of the classes",
                     model->name, model->class_names[i]);
            rc = -EINVAL;
        }
    return rc;
}

/* --- the predictions --- */

/* The reference's classes under the names that predictions have here: under others everything that
 * is predicted would look like drift. Equal texts of a column are one text. */
static int classes_translate(const struct served_model *model, const struct csv_column *column,
                             size_t rows, struct reference_predictions *predictions,
                             char error[SERVED_MODEL_ERROR_BYTES])
{
    const char *text = NULL, *name = NULL;
    predictions->class_text = calloc(rows, sizeof(*predictions->class_text));
    predictions->translated_class = true;
    if (!predictions->class_text)
        return -ENOMEM;
    for (size_t r = 0; r < rows; r++) {
        if (column->text[r] != text) {
            text = column->text[r];
            const size_t index =
                text ? served_model_class_index(model, text, strlen(text)) : model->class_count;
            name = index < model->class_count ? model->class_names[index] : NULL;
        }
        if (text && !name) {
            snprintf(error, SERVED_MODEL_ERROR_BYTES,
                     "model \"%s\": the column \"%s\" of the reference has the prediction \"%s\", "
                     "which is none of the model's classes (\"%s\", \"%s\"%s)",
                     model->name, column->name, excerpt(text).text, model->class_names[0],
                     model->class_names[1], model->class_count > 2 ? ", ..." : "");
            return -EINVAL;
        }
        predictions->class_text[r] = name;
    }
    return 0;
}

int reference_columns_predictions(const struct served_model *model,
                                  const struct config_model *config, const struct csv_table *table,
                                  struct reference_predictions *predictions,
                                  char error[SERVED_MODEL_ERROR_BYTES])
{
    const struct extra_columns extra = reference_columns_extra(config, table->columns);
    int rc = 0;
    predictions->rows = table->rows;
    if (extra.prediction && extra.prediction->categorical)
        rc = classes_translate(model, extra.prediction, table->rows, predictions, error);
    else if (extra.prediction)
        predictions->value = extra.prediction->number;
    if (extra.score && model->type == PREDICTION_BINARY)
        predictions->score = extra.score->number;
    if (rc < 0 || !model->scorer)
        return rc;
    const double **numbers = calloc(config->feature_count, sizeof(*numbers));
    const char *const **texts = calloc(config->feature_count, sizeof(*texts));
    rc = numbers && texts ? 0 : -ENOMEM;
    for (size_t f = 0; rc == 0 && f < config->feature_count; f++) {
        numbers[f] = table->columns[f].number;
        texts[f] = table->columns[f].text;
    }
    if (rc == 0)
        rc = reference_predictions_score(model, numbers, texts, table->rows, predictions);
    free(numbers);
    free(texts);
    return rc;
}
