/* create.c - the models of a configuration. */
#include "served/build/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int configured_detector(struct model_parts *parts, const struct config_model *config,
                               const struct csv_table *table, double warning_override,
                               const struct reference_predictions *predictions,
                               const struct reference_order *order, struct error *error)
{
    struct detector_feature *features = configured_features(config);
    if (!features)
        return -ENOMEM;
    for (size_t f = 0; f < config->feature_count; f++) {
        features[f].name = parts->definition.feature_names[f];
        features[f].reference_numbers = table->columns[f].number;
        features[f].reference_texts = table->columns[f].text;
    }
    struct detector_spec spec = configured_spec(config);
    spec.reference_rows = table->rows;
    int rc = configured_override(config, &spec, warning_override, error);
    if (rc == 0) {
        const struct change_rule rule = configured_changes(config);
        rc = model_create_detector(parts, features, &spec, predictions);
        if (rc == 0)
            rc = model_create_changes(parts, &spec, order, config->discount, &rule);
        if (rc < 0)
            error_set(error, rc, "model \"%s\": its windows cannot be created: %s", config->name,
                      strerror(-rc));
    }
    free(features);
    return rc;
}

static int configured_concept(struct model_parts *parts, const struct config_model *config,
                              const struct csv_table *table,
                              const struct reference_predictions *predictions, struct error *error)
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
    const int rc = model_create_concept(parts, &settings, predictions, &labels);
    if (rc == -E2BIG || rc == -EINVAL)
        return error_set(
            error, rc,
            "model \"%s\": labels: a capacity of %llu predictions of %zu classes and a "
            "window of %llu exceed what one model may keep",
            config->name, (unsigned long long)config->labels.capacity,
            parts->definition.classes.count, (unsigned long long)config->labels.window);
    return rc < 0 ? error_set(error, rc, "model \"%s\": labels: %s", config->name, strerror(-rc))
                  : 0;
}

/* --- streams --- */

/* A drift of a stream is held for a window, but for no more observations than this. */
#define STREAM_MAX_HOLD 100000u

/* The class whose rate is watched: class 1 of two, else the most frequent of the reference. */
static const char *rated_class(const struct model_classes *classes,
                               const struct reference_predictions *predictions)
{
    size_t best = 1, most = 0;
    for (size_t c = 0; classes->count > 2 && c < classes->count; c++) {
        size_t count = 0;
        for (size_t r = 0; r < predictions->rows; r++)
            count += predictions->class_text[r] &&
                     strcmp(predictions->class_text[r], classes->name[c]) == 0;
        if (count > most) {
            most = count;
            best = c;
        }
    }
    return classes->name[best];
}

static int prediction_stream(const struct model_definition *definition,
                             const struct reference_predictions *predictions,
                             struct reference_stream *stream, struct error *error)
{
    if (definition->class_feature != NO_FEATURE) {
        stream->feature = definition->class_feature;
        stream->texts = predictions->class_text;
        stream->target = rated_class(&definition->classes, predictions);
    } else if (definition->value_feature != NO_FEATURE) {
        stream->feature = definition->value_feature;
        stream->numbers = predictions->value;
    } else {
        return error_set(error, -EINVAL,
                         "model \"%s\": streams: the reference has no predictions to compare with",
                         definition->name);
    }
    return 0;
}

static int configured_streams(struct model_parts *parts, const struct config_model *config,
                              const struct csv_table *table,
                              const struct reference_predictions *predictions, struct error *error)
{
    const uint64_t hold =
        config->window_duration_ms > 0 ? CONFIG_DEFAULT_WINDOW : config->window_observations;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < config->stream_count; i++) {
        const struct config_stream *from = &config->streams[i];
        struct reference_stream stream = {.rows = table->rows};
        if (from->feature == CONFIG_STREAM_PREDICTION) {
            rc = prediction_stream(&parts->definition, predictions, &stream, error);
        } else {
            stream.feature = from->feature;
            stream.numbers = table->columns[from->feature].number;
        }
        if (rc < 0)
            return rc;
        rc = model_streams_add(&parts->streams, parts->detector, &stream, from->detectors,
                               hold < STREAM_MAX_HOLD ? hold : STREAM_MAX_HOLD);
        if (rc < 0)
            error_set(error, rc, "model \"%s\": streams: %s", config->name, strerror(-rc));
    }
    return rc;
}

/* --- a configured model --- */

static int copy_names(struct model_definition *definition, const struct config_model *config,
                      const struct served_model_settings *settings)
{
    int rc =
        model_definition_set_name(definition, config->name, config->version, settings->id_prefix);
    for (size_t f = 0; rc == 0 && f < config->feature_count; f++)
        rc = model_definition_set_feature(definition, f, config->features[f].name,
                                          config->features[f].categorical);
    return rc;
}

static int check_simulation(const struct config_model *config, struct error *error)
{
    const char *why = config->scorer.type == CONFIG_SCORER_NONE ? "a scorer" : NULL;
    for (size_t f = 0; f < config->feature_count; f++)
        if (config->features[f].categorical)
            why = "numeric features only";
    if (!config->simulation || !why)
        return 0;
    return error_set(error, -EINVAL, "model \"%s\": simulation needs %s", config->name, why);
}

/* What the model's predictions are and what they are compared with: after the columns. */
static int create_monitors(struct model_parts *parts, const struct config_model *config,
                           const struct served_model_settings *settings,
                           struct csv_table *table, struct error *error)
{
    struct reference_predictions predictions = {0};
    struct reference_order order = {0};
    int rc = reference_columns_predictions(&parts->definition, config, table, &predictions, error);
    if (rc == -EIO)
        error_set(error, rc, "model \"%s\": its scorer fails on the rows of the reference",
                  config->name);
    if (rc == 0)
        rc = reference_order_read(config, table, settings, &order);
    if (rc == 0)
        rc = configured_detector(parts, config, table, settings->warning_override, &predictions,
                                 &order, error);
    free(order.row);
    if (rc == 0)
        rc = configured_concept(parts, config, table, &predictions, error);
    if (rc == 0)
        rc = configured_streams(parts, config, table, &predictions, error);
    reference_predictions_finish(&predictions);
    return rc;
}

static int create_parts(struct model_parts *parts, const struct config_model *config,
                        const struct served_model_settings *settings, struct csv_table *table,
                        struct error *error)
{
    struct model_definition *definition = &parts->definition;
    int rc = check_simulation(config, error);
    if (rc == 0)
        rc = model_definition_init(definition, config->feature_count);
    if (rc == 0)
        rc = copy_names(definition, config, settings);
    if (rc == 0)
        rc = model_create_scorer(definition, config, error);
    if (rc == 0)
        rc = reference_columns_read(config, definition->type, table, error);
    if (rc == 0)
        rc = reference_columns_classes(definition, config, table, error);
    if (rc == 0)
        rc = create_monitors(parts, config, settings, table, error);
    if (rc == 0)
        reference_warn(config, table, settings);
    if (rc == 0)
        scorer_warn(config, definition->scorer, settings);
    definition->simulation.allowed = config->simulation;
    return rc == 0 && config->simulation ? simulation_prepare(definition, table) : rc;
}

int served_model_create(const struct config_model *config,
                        const struct served_model_settings *settings,
                        struct served_model **ret_model, struct error *error)
{
    struct model_parts parts = {0};
    struct csv_table table = {.column_count = config->feature_count + EXTRA_COLUMNS};
    table.columns = calloc(table.column_count, sizeof(*table.columns));
    int rc = table.columns ? create_parts(&parts, config, settings, &table, error) : -ENOMEM;
    if (table.columns)
        csv_table_finish(&table);
    free(table.columns);
    if (rc == 0)
        rc = served_model_assemble(&parts, ret_model);
    if (rc < 0)
        model_parts_finish(&parts);
    return rc == -ENOMEM ? error_set(error, rc, "model \"%s\": not enough memory", config->name)
                         : rc;
}
