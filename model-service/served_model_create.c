/* served_model_create.c - the built-in model, and models of a configuration. */
#include "served_model_internal.h"

#include "adapt/csv.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int override_threshold(const char *model, double *threshold, double warning_override,
                              char error[SERVED_MODEL_ERROR_BYTES])
{
    if (isnan(warning_override))
        return 0;
    if (warning_override <= 0 || warning_override >= threshold[SEVERITY_CRITICAL]) {
        snprintf(error, SERVED_MODEL_ERROR_BYTES,
                 "DRIFT_THRESHOLD is %g, but must be below the critical threshold, %g, of model "
                 "\"%s\"",
                 warning_override, threshold[SEVERITY_CRITICAL], model);
        return -EINVAL;
    }
    threshold[SEVERITY_WARNING] = warning_override;
    return 0;
}

static const char *const builtin_names[BUILTIN_FEATURES] = {"feature_0", "feature_1", "feature_2",
                                                            "feature_3", "feature_4"};

static int builtin_reference(double *columns[BUILTIN_FEATURES])
{
    struct data_generator *generator;
    int rc = data_generator_create_synthetic(BUILTIN_FEATURES, BUILTIN_SEED, 0, &generator);
    if (rc < 0)
        return rc;
    for (size_t r = 0; r < BUILTIN_REFERENCE; r++) {
        double row[BUILTIN_FEATURES];
        data_generator_next(generator, row);
        for (size_t f = 0; f < BUILTIN_FEATURES; f++)
            columns[f][r] = row[f];
    }
    data_generator_destroy(generator);
    return 0;
}

static int builtin_detector(struct served_model *model, double warning_override,
                            char error[SERVED_MODEL_ERROR_BYTES])
{
    double *storage = calloc((size_t)BUILTIN_FEATURES * BUILTIN_REFERENCE, sizeof(*storage));
    if (!storage)
        return -ENOMEM;
    double *columns[BUILTIN_FEATURES];
    struct detector_feature features[BUILTIN_FEATURES];
    for (size_t f = 0; f < BUILTIN_FEATURES; f++) {
        columns[f] = storage + f * BUILTIN_REFERENCE;
        features[f] = (struct detector_feature){
            .name = builtin_names[f], .type = FEATURE_NUMERIC, .reference_numbers = columns[f]};
    }
    struct detector_spec spec = {
        .features = features,
        .feature_count = BUILTIN_FEATURES,
        .reference_rows = BUILTIN_REFERENCE,
        .window = {.kind = WINDOW_COUNT, .observations = BUILTIN_WINDOW},
        .minimum_sample = BUILTIN_MIN_SAMPLE,
        .threshold = {CONFIG_DEFAULT_WARNING, CONFIG_DEFAULT_CRITICAL},
        .significance = CONFIG_DEFAULT_SIGNIFICANCE,
        .methods = DETECTOR_LIVE_METHODS,
        .bins = CONFIG_DEFAULT_BINS,
    };
    int rc = override_threshold(model->name, spec.threshold, warning_override, error);
    if (rc == 0)
        rc = builtin_reference(columns);
    if (rc == 0)
        rc = detector_create(&spec, &model->detector);
    free(storage);
    return rc;
}

int served_model_create_builtin(double warning_override, struct served_model **ret_model,
                                char error[SERVED_MODEL_ERROR_BYTES])
{
    static const double weights[BUILTIN_FEATURES] = {0.5, -0.3, 0.8, 0.2, -0.6};
    snprintf(error, SERVED_MODEL_ERROR_BYTES, "not enough memory for the built-in model");
    struct served_model *model = served_model_allocate(BUILTIN_FEATURES);
    if (!model)
        return -ENOMEM;
    model->name = BUILTIN_MODEL_NAME;
    model->version = "1";
    model->simulation = model->builtin = true;
    memcpy(model->feature_names, builtin_names, sizeof(builtin_names));
    int rc = builtin_detector(model, warning_override, error);
    if (rc == 0)
        rc =
            logistic_scorer_create(weights, BUILTIN_FEATURES, 0, 0.1, BUILTIN_SEED, &model->scorer);
    if (rc < 0) {
        served_model_destroy(model);
        return rc;
    }
    *ret_model = model;
    return 0;
}

/* --- a configured model --- */

static double column_replacement(const double *column, size_t rows)
{
    for (size_t r = 0; r < rows; r++)
        if (isfinite(column[r]))
            return column[r];
    return 0;
}

/* Copies a reference column for simulation; missing and infinite values become its first finite
 * one, since a simulated row must be scorable. */
static int simulation_column(struct served_model *model, size_t f, const double *column,
                             size_t rows)
{
    double *copy = calloc(rows, sizeof(*copy));
    if (!copy)
        return -ENOMEM;
    const double replacement = column ? column_replacement(column, rows) : 0;
    double sum = 0, squares = 0;
    for (size_t r = 0; r < rows; r++) {
        copy[r] = column && isfinite(column[r]) ? column[r] : replacement;
        sum += copy[r];
    }
    const double mean = sum / (double)rows;
    for (size_t r = 0; r < rows; r++)
        squares += (copy[r] - mean) * (copy[r] - mean);
    model->simulation_columns[f] = copy;
    model->simulation_mean[f] = mean;
    model->simulation_deviation[f] = sqrt(squares / (double)rows);
    return 0;
}

static int simulation_prepare(struct served_model *model, const struct csv_table *table)
{
    const size_t features = model->schema.features;
    model->simulation_columns = calloc(features, sizeof(*model->simulation_columns));
    model->simulation_mean = calloc(features, sizeof(double));
    model->simulation_deviation = calloc(features, sizeof(double));
    if (!model->simulation_columns || !model->simulation_mean || !model->simulation_deviation)
        return -ENOMEM;
    model->simulation_rows = table->rows;
    for (size_t f = 0; f < features; f++) {
        int rc = simulation_column(model, f, table->columns[f].number, table->rows);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static struct window_spec configured_window(const struct config_model *config)
{
    if (config->window_duration_ms > 0)
        return (struct window_spec){.kind = WINDOW_DURATION,
                                    .duration_ms = config->window_duration_ms};
    return (struct window_spec){.kind = WINDOW_COUNT, .observations = config->window_observations};
}

static int configured_detector(struct served_model *model, const struct config_model *config,
                               const struct csv_table *table, double warning_override,
                               char error[SERVED_MODEL_ERROR_BYTES])
{
    struct detector_feature *features = calloc(config->feature_count, sizeof(*features));
    if (!features)
        return -ENOMEM;
    for (size_t f = 0; f < config->feature_count; f++)
        features[f] = (struct detector_feature){
            .name = config->features[f].name,
            .type = config->features[f].categorical ? FEATURE_CATEGORICAL : FEATURE_NUMERIC,
            .reference_numbers = table->columns[f].number,
            .reference_texts = table->columns[f].text,
        };
    struct detector_spec spec = {
        .features = features,
        .feature_count = config->feature_count,
        .reference_rows = table->rows,
        .window = configured_window(config),
        .minimum_sample = config->minimum_sample,
        .threshold = {config->warning_threshold, config->critical_threshold},
        .significance = config->significance,
        .methods = DETECTOR_LIVE_METHODS,
        .bins = config->bins,
        .reference_resolution = config->reference_resolution,
    };
    int rc = override_threshold(model->name, spec.threshold, warning_override, error);
    if (rc == 0)
        rc = detector_create(&spec, &model->detector);
    free(features);
    return rc;
}

static int reference_read(const struct config_model *config, struct csv_table *table,
                          char error[SERVED_MODEL_ERROR_BYTES])
{
    for (size_t f = 0; f < config->feature_count; f++)
        table->columns[f] = (struct csv_column){.name = config->features[f].name,
                                                .categorical = config->features[f].categorical};
    char csv_error[CSV_ERROR_BYTES];
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

static int configured_create(struct served_model *model, const struct config_model *config,
                             double warning_override, struct csv_table *table,
                             char error[SERVED_MODEL_ERROR_BYTES])
{
    int rc = reference_read(config, table, error);
    if (rc < 0)
        return rc;
    bool categorical = false;
    for (size_t f = 0; f < config->feature_count; f++) {
        model->feature_names[f] = config->features[f].name;
        model->categorical[f] = config->features[f].categorical;
        categorical |= config->features[f].categorical;
    }
    if (config->simulation && categorical) {
        snprintf(error, SERVED_MODEL_ERROR_BYTES,
                 "model \"%s\": simulation needs numeric features only", config->name);
        return -EINVAL;
    }
    model->name = config->name;
    model->version = config->version;
    model->simulation = config->simulation;
    rc = configured_detector(model, config, table, warning_override, error);
    if (rc == 0)
        rc = logistic_scorer_create(config->scorer.weights, config->feature_count,
                                    config->scorer.intercept, 0, 0, &model->scorer);
    if (rc == 0 && config->simulation)
        rc = simulation_prepare(model, table);
    return rc;
}

int served_model_create(const struct config_model *config, double warning_override,
                        struct served_model **ret_model, char error[SERVED_MODEL_ERROR_BYTES])
{
    snprintf(error, SERVED_MODEL_ERROR_BYTES, "model \"%s\": not enough memory", config->name);
    struct served_model *model = served_model_allocate(config->feature_count);
    struct csv_table table = {.column_count = config->feature_count};
    table.columns = calloc(config->feature_count, sizeof(*table.columns));
    int rc = model && table.columns
                 ? configured_create(model, config, warning_override, &table, error)
                 : -ENOMEM;
    if (table.columns)
        csv_table_finish(&table);
    free(table.columns);
    if (rc < 0) {
        served_model_destroy(model);
        return rc;
    }
    *ret_model = model;
    return 0;
}
