/* create.c - the models of a configuration. */
#include "served/build/build.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int served_model_override(const char *model, double *threshold, double warning_override,
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

static struct detector_feature *features_of(const struct config_model *config)
{
    struct detector_feature *features = calloc(config->feature_count + 2, sizeof(*features));
    for (size_t f = 0; features && f < config->feature_count; f++) {
        const struct config_feature *from = &config->features[f];
        features[f] = (struct detector_feature){
            .name = from->name,
            .type = from->categorical ? FEATURE_CATEGORICAL : FEATURE_NUMERIC,
            .threshold = {from->warning_threshold, from->critical_threshold},
        };
    }
    return features;
}

static struct detector_spec spec_of(const struct config_model *config)
{
    return (struct detector_spec){
        .window = configured_window(config),
        .minimum_sample = config->minimum_sample,
        .threshold = {config->warning_threshold, config->critical_threshold},
        .significance = config->significance,
        .methods = DETECTOR_LIVE_METHODS,
        .bins = config->bins,
        .reference_resolution = config->reference_resolution,
    };
}

/* Also where a feature has a critical threshold of its own, but no warning threshold. */
static int override_thresholds(const struct config_model *config, struct detector_spec *spec,
                               double warning_override, char error[SERVED_MODEL_ERROR_BYTES])
{
    int rc = served_model_override(config->name, spec->threshold, warning_override, error);
    for (size_t f = 0; rc == 0 && f < config->feature_count; f++) {
        const struct config_feature *feature = &config->features[f];
        double threshold[SEVERITY_COUNT] = {spec->threshold[SEVERITY_WARNING],
                                            feature->critical_threshold};
        if (feature->critical_threshold != 0 && feature->warning_threshold == 0)
            rc = served_model_override(config->name, threshold, warning_override, error);
    }
    return rc;
}

static int configured_detector(struct served_model *model, const struct config_model *config,
                               const struct csv_table *table, double warning_override,
                               const struct reference_predictions *predictions,
                               char error[SERVED_MODEL_ERROR_BYTES])
{
    struct detector_feature *features = features_of(config);
    if (!features)
        return -ENOMEM;
    for (size_t f = 0; f < config->feature_count; f++) {
        features[f].name = model->feature_names[f];
        features[f].reference_numbers = table->columns[f].number;
        features[f].reference_texts = table->columns[f].text;
    }
    struct detector_spec spec = spec_of(config);
    spec.reference_rows = table->rows;
    int rc = override_thresholds(config, &spec, warning_override, error);
    if (rc == 0)
        rc = served_model_create_detector(model, features, &spec, predictions);
    free(features);
    return rc;
}

int served_model_retune(struct served_model *model, const struct config_model *config,
                        const struct served_model_settings *settings,
                        char error[SERVED_MODEL_ERROR_BYTES])
{
    struct detector_feature *features = features_of(config);
    if (!features) {
        snprintf(error, SERVED_MODEL_ERROR_BYTES, "model \"%s\": not enough memory", config->name);
        return -ENOMEM;
    }
    struct detector_spec spec = spec_of(config);
    spec.features = features;
    spec.feature_count = model->row_features;
    int rc = override_thresholds(config, &spec, settings->warning_override, error);
    if (rc == 0) {
        pthread_mutex_lock(&model->mu);
        rc = detector_retune(model->detector, &spec);
        pthread_mutex_unlock(&model->mu);
    }
    if (rc == 0) {
        pthread_mutex_lock(&model->concept_mu);
        rc = concept_monitor_retune(model->concept, config->significance, config->minimum_sample);
        pthread_mutex_unlock(&model->concept_mu);
    }
    free(features);
    return rc;
}

/* A drift of a stream is held for a window, but for no more observations than this. */
#define STREAM_MAX_HOLD 100000u

static int configured_concept(struct served_model *model, const struct config_model *config,
                              const struct csv_table *table,
                              const struct reference_predictions *predictions,
                              char error[SERVED_MODEL_ERROR_BYTES])
{
    const struct csv_column *column = reference_columns_extra(config, table->columns).label;
    const struct reference_labels labels = {
        .text = column && column->categorical ? column->text : NULL,
        .number = column && !column->categorical ? column->number : NULL};
    const struct label_settings settings = {.capacity = config->labels.capacity,
                                            .window = config->labels.window,
                                            .max_age_ms = config->labels.max_age_ms,
                                            .detectors = config->detectors,
                                            .significance = config->significance,
                                            .minimum_sample = config->minimum_sample};
    const int rc = served_model_create_concept(model, &settings, predictions, &labels);
    if (rc == -E2BIG || rc == -EINVAL)
        snprintf(error, SERVED_MODEL_ERROR_BYTES,
                 "model \"%s\": labels: a capacity of %llu predictions of %zu classes and a window "
                 "of %llu are more than one model may keep",
                 model->name, (unsigned long long)config->labels.capacity, model->class_count,
                 (unsigned long long)config->labels.window);
    return rc;
}

/* The class whose rate is watched: class 1 of two, else the most frequent of the reference. */
static const char *rated_class(const struct served_model *model,
                               const struct reference_predictions *predictions)
{
    size_t best = 1, most = 0;
    for (size_t c = 0; model->class_count > 2 && c < model->class_count; c++) {
        size_t count = 0;
        for (size_t r = 0; r < predictions->rows; r++)
            count += predictions->class_text[r] &&
                     strcmp(predictions->class_text[r], model->class_names[c]) == 0;
        if (count > most) {
            most = count;
            best = c;
        }
    }
    return model->class_names[best];
}

static int prediction_stream(const struct served_model *model,
                             const struct reference_predictions *predictions,
                             struct reference_stream *stream, char error[SERVED_MODEL_ERROR_BYTES])
{
    if (model->class_feature != NO_FEATURE) {
        stream->feature = model->class_feature;
        stream->texts = predictions->class_text;
        stream->target = rated_class(model, predictions);
    } else if (model->value_feature != NO_FEATURE) {
        stream->feature = model->value_feature;
        stream->numbers = predictions->value;
    } else {
        snprintf(error, SERVED_MODEL_ERROR_BYTES,
                 "model \"%s\": streams: the reference has no predictions to compare with",
                 model->name);
        return -EINVAL;
    }
    return 0;
}

static int configured_streams(struct served_model *model, const struct config_model *config,
                              const struct csv_table *table,
                              const struct reference_predictions *predictions,
                              char error[SERVED_MODEL_ERROR_BYTES])
{
    const uint64_t hold =
        config->window_duration_ms > 0 ? CONFIG_DEFAULT_WINDOW : config->window_observations;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < config->stream_count; i++) {
        const struct config_stream *from = &config->streams[i];
        struct reference_stream stream = {.rows = table->rows};
        if (from->feature == CONFIG_STREAM_PREDICTION) {
            rc = prediction_stream(model, predictions, &stream, error);
        } else {
            stream.feature = from->feature;
            stream.numbers = table->columns[from->feature].number;
        }
        if (rc == 0)
            rc = served_model_add_stream(model, &stream, from->detectors,
                                         hold < STREAM_MAX_HOLD ? hold : STREAM_MAX_HOLD);
    }
    return rc;
}

static int names_copy(struct served_model *model, const struct config_model *config,
                      const struct served_model_settings *settings)
{
    int rc = served_model_name_it(model, config->name, config->version, settings);
    for (size_t f = 0; rc == 0 && f < config->feature_count; f++)
        rc = served_model_name_feature(model, f, config->features[f].name,
                                       config->features[f].categorical);
    return rc;
}

static int simulation_check(const struct config_model *config, char error[SERVED_MODEL_ERROR_BYTES])
{
    const char *why = config->scorer.type == CONFIG_SCORER_NONE ? "a scorer" : NULL;
    for (size_t f = 0; f < config->feature_count; f++)
        if (config->features[f].categorical)
            why = "numeric features only";
    if (!config->simulation || !why)
        return 0;
    snprintf(error, SERVED_MODEL_ERROR_BYTES, "model \"%s\": simulation needs %s", config->name,
             why);
    return -EINVAL;
}

static int configured_create(struct served_model *model, const struct config_model *config,
                             const struct served_model_settings *settings, struct csv_table *table,
                             char error[SERVED_MODEL_ERROR_BYTES])
{
    int rc = simulation_check(config, error);
    if (rc == 0)
        rc = names_copy(model, config, settings);
    if (rc == 0)
        rc = served_model_create_scorer(model, config, error);
    if (rc == 0)
        rc = reference_columns_read(config, model->type, table, error);
    if (rc == 0)
        rc = reference_columns_classes(model, config, table, error);
    if (rc < 0)
        return rc;
    model->simulation = config->simulation;
    struct reference_predictions predictions = {0};
    rc = reference_columns_predictions(model, config, table, &predictions, error);
    if (rc == -EIO)
        snprintf(error, SERVED_MODEL_ERROR_BYTES,
                 "model \"%s\": its scorer fails on the rows of the reference", config->name);
    if (rc == 0)
        rc = configured_detector(model, config, table, settings->warning_override, &predictions,
                                 error);
    if (rc == 0)
        rc = configured_concept(model, config, table, &predictions, error);
    if (rc == 0)
        rc = configured_streams(model, config, table, &predictions, error);
    reference_predictions_finish(&predictions);
    return rc == 0 && config->simulation ? simulation_prepare(model, table) : rc;
}

int served_model_create(const struct config_model *config,
                        const struct served_model_settings *settings,
                        struct served_model **ret_model, char error[SERVED_MODEL_ERROR_BYTES])
{
    snprintf(error, SERVED_MODEL_ERROR_BYTES, "model \"%s\": not enough memory", config->name);
    struct served_model *model = served_model_allocate(config->feature_count);
    struct csv_table table = {.column_count = config->feature_count + EXTRA_COLUMNS};
    table.columns = calloc(table.column_count, sizeof(*table.columns));
    int rc = model && table.columns ? configured_create(model, config, settings, &table, error)
                                    : -ENOMEM;
    if (table.columns)
        csv_table_finish(&table);
    free(table.columns);
    if (rc < 0) {
        served_model_release(model);
        return rc;
    }
    *ret_model = model;
    return 0;
}
