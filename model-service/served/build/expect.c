/* expect.c - a model's predictions held against a file of those made where it was trained. */
#include "served/build/build.h"

#include "text/excerpt.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* XGBoost predicts in float32, whose rounding is half of this at most. */
#define TOLERANCE 1e-6

/* Rows that have been compared; the largest difference is relative where the prediction exceeds 1.
 */
struct comparison {
    size_t rows, differing, worst_row, worst_output;
    double worst, got, expected;
};

/* The columns of the file: the features, and for each output its prediction. */
struct expected_table {
    struct csv_table table;
    size_t features, outputs;
    char **names; /* [outputs] */
};

static void expected_finish(struct expected_table *expected)
{
    for (size_t i = 0; expected->names && i < expected->outputs; i++)
        free(expected->names[i]);
    free(expected->names);
    free(expected->table.columns);
}

static int expected_init(const struct model_definition *definition, struct expected_table *expected)
{
    const size_t features = definition->schema.features;
    const size_t outputs = scorer_outputs(definition->scorer);
    *expected = (struct expected_table){.features = features, .outputs = outputs};
    struct csv_column *columns = calloc(features + outputs, sizeof(*columns));
    expected->table.columns = columns;
    expected->table.column_count = features + outputs;
    expected->names = calloc(outputs, sizeof(*expected->names));
    if (!columns || !expected->names)
        return -ENOMEM;
    for (size_t f = 0; f < features; f++)
        columns[f] = (struct csv_column){.name = definition->feature_names[f],
                                         .categorical = definition->categorical[f]};
    for (size_t i = 0; i < outputs; i++) {
        const bool many = definition->type == PREDICTION_MULTICLASS;
        if (asprintf(&expected->names[i], "prediction%s%s", many ? "=" : "",
                     many ? definition->classes.name[i] : "") < 0) {
            expected->names[i] = NULL;
            return -ENOMEM;
        }
        columns[features + i] = (struct csv_column){.name = expected->names[i]};
    }
    return 0;
}

static void fill_row(const struct expected_table *expected, size_t row, struct value *values)
{
    for (size_t f = 0; f < expected->features; f++) {
        const struct csv_column *column = &expected->table.columns[f];
        const char *text = column->text ? column->text[row] : NULL;
        values[f] = text ? value_of_text(text, strlen(text))
                         : (struct value){.number = column->number ? column->number[row] : NAN};
    }
}

static void compare_row(const struct expected_table *expected, size_t row, const double *outputs,
                        struct comparison *comparison)
{
    bool differs = false;
    for (size_t i = 0; i < expected->outputs; i++) {
        const double want = expected->table.columns[expected->features + i].number[row];
        const double distance = fabs(outputs[i] - want) / fmax(1.0, fabs(want));
        if (distance <= TOLERANCE)
            continue;
        differs = true;
        if (distance <= comparison->worst)
            continue;
        comparison->worst = isnan(distance) ? INFINITY : distance;
        comparison->worst_row = row;
        comparison->worst_output = i;
        comparison->got = outputs[i];
        comparison->expected = want;
    }
    comparison->rows++;
    comparison->differing += differs;
}

static int compare_rows(const struct model_definition *definition,
                        const struct expected_table *expected, struct comparison *comparison)
{
    struct value *values = calloc(expected->features, sizeof(*values));
    double *outputs = calloc(expected->outputs, sizeof(*outputs));
    int rc = values && outputs ? 0 : -ENOMEM;
    for (size_t r = 0; r < expected->table.rows && rc == 0; r++) {
        fill_row(expected, r, values);
        rc = scorer_score(definition->scorer, values, r, outputs);
        for (size_t i = 0; rc == -EINVAL && i < expected->outputs; i++)
            outputs[i] = NAN; /* a row that the model refuses has no prediction */
        if (rc == 0 || rc == -EINVAL) {
            compare_row(expected, r, outputs, comparison);
            rc = 0;
        }
    }
    free(values);
    free(outputs);
    return rc;
}

static int judge(const struct comparison *comparison, const struct expected_table *expected,
                 const char *path, struct error *error)
{
    if (comparison->rows == 0)
        return error_set(error, -EBADMSG, "%s: it has no rows", excerpt_path(path).text);
    if (comparison->differing == 0)
        return 0;
    return error_set(error, -EBADMSG,
                     "%s: the predictions of %zu of %zu rows are others here, most of all row %zu: "
                     "\"%s\" is %.9g, expected %.9g",
                     path, comparison->differing, comparison->rows, comparison->worst_row + 1,
                     expected->names[comparison->worst_output], comparison->got,
                     comparison->expected);
}

int served_model_expect(const struct served_model *model, const char *path, size_t *ret_rows,
                        struct error *error)
{
    const struct model_definition *definition = served_model_definition(model);
    struct expected_table expected = {0};
    struct comparison comparison = {0};
    if (!definition->scorer)
        return error_set(error, -EINVAL, "has no scorer, so there are no predictions to compare");
    int rc = expected_init(definition, &expected);
    if (rc == 0)
        rc = csv_table_read(&expected.table, path, error);
    const bool read = rc == 0;
    if (read)
        rc = compare_rows(definition, &expected, &comparison);
    if (rc == 0)
        rc = judge(&comparison, &expected, path, error);
    if (rc == 0)
        *ret_rows = comparison.rows;
    if (read)
        csv_table_finish(&expected.table);
    expected_finish(&expected);
    return rc;
}
