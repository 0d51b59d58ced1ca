/* fill.c - the structures of a configuration, filled from what libcyaml read. */
#include "config/check.h"

#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const config_detector_names[CONFIG_DETECTOR_COUNT] = {
    "adwin", "ddm", "eddm", "hddm_a", "hddm_w", "page_hinkley", "kswin", "urn",
};

/* A relative path is resolved against the folder of the configuration. NULL if allocation fails. */
static char *resolve_path(const char *config_path, const char *path)
{
    const char *slash = strrchr(config_path, '/');
    size_t folder = path[0] != '/' && slash ? (size_t)(slash - config_path) + 1 : 0;
    char *resolved = malloc(folder + strlen(path) + 1);

    if (!resolved)
        return NULL;
    memcpy(resolved, config_path, folder);
    strcpy(resolved + folder, path);
    return resolved;
}

static double float_or(const double *given, double fallback)
{
    return given ? *given : fallback;
}

static uint64_t count_or(const uint64_t *given, uint64_t fallback)
{
    return given ? *given : fallback;
}

static unsigned detector_bits(const unsigned *list, unsigned count)
{
    unsigned bits = 0;

    for (unsigned i = 0; i < count; i++)
        bits |= 1u << list[i];
    return bits;
}

static int fill_features(struct config_model *model, const struct raw_model *raw)
{
    model->features = calloc(raw->features_count, sizeof(*model->features));
    if (!model->features)
        return -ENOMEM;
    model->feature_count = raw->features_count;
    for (size_t i = 0; i < raw->features_count; i++) {
        const struct raw_thresholds *thresholds = raw->features[i].thresholds;

        model->features[i] = (struct config_feature){
            .name = raw->features[i].name,
            .categorical = raw->features[i].type == 1,
            .warning_threshold = thresholds ? float_or(thresholds->warning, 0) : 0,
            .critical_threshold = thresholds ? float_or(thresholds->critical, 0) : 0,
        };
    }
    return 0;
}

static int fill_weights(struct config_model *model, const struct raw_model *raw)
{
    const struct raw_scorer *scorer = &raw->scorer;

    if (scorer->weights_count == 0)
        return 0;
    model->scorer.weights = calloc(raw->features_count, sizeof(*model->scorer.weights));
    if (!model->scorer.weights)
        return -ENOMEM;
    for (size_t i = 0; i < scorer->weights_count; i++)
        model->scorer.weights[config_find_feature(raw, scorer->weights[i].feature)] =
            scorer->weights[i].weight;
    return 0;
}

static int fill_scorer(struct config_model *model, const struct raw_model *raw, const char *path)
{
    const struct raw_scorer *scorer = &raw->scorer;

    model->scorer = (struct config_scorer){
        .type = (enum config_scorer_type)scorer->type,
        .intercept = float_or(scorer->intercept, 0),
        .task = scorer->task ? (enum config_task) * scorer->task : CONFIG_TASK_CLASSIFICATION,
        .score = scorer->score ? (enum config_score) * scorer->score : CONFIG_SCORE_PROBABILITY,
        .classes = (const char *const *)scorer->classes,
        .class_count = scorer->classes_count,
    };
    if (scorer->file) {
        model->scorer.file = resolve_path(path, scorer->file);
        if (!model->scorer.file)
            return -ENOMEM;
    }
    return fill_weights(model, raw);
}

static void fill_columns(struct config_model *model, const struct raw_columns *raw)
{
    if (raw)
        model->columns = (struct config_columns){.id = raw->id,
                                                 .timestamp = raw->timestamp,
                                                 .prediction = raw->prediction,
                                                 .score = raw->score,
                                                 .label = raw->label};
}

static void fill_window(struct config_model *model, const struct raw_window *raw)
{
    model->window_observations = CONFIG_DEFAULT_WINDOW;
    if (raw && raw->observations) {
        model->has_window_observations = true;
        model->window_observations = *raw->observations;
    }
    if (raw && raw->duration)
        (void)!config_parse_duration(raw->duration, &model->window_duration_ms); /* was checked */
}

static void fill_labels(struct config_model *model, const struct raw_labels *raw)
{
    static const struct raw_labels none;

    if (!raw)
        raw = &none;
    model->labels = (struct config_labels){
        .capacity = count_or(raw->capacity, CONFIG_DEFAULT_CAPACITY),
        .max_age_ms = CONFIG_DEFAULT_MAX_AGE_MS,
        .window = count_or(raw->window, CONFIG_DEFAULT_LABEL_WINDOW),
    };
    if (raw->max_age)
        (void)!config_parse_duration(raw->max_age, &model->labels.max_age_ms);
}

static int fill_streams(struct config_model *model, const struct raw_model *raw)
{
    model->detectors = raw->detectors_count > 0
                           ? detector_bits(raw->detectors, raw->detectors_count)
                           : CONFIG_ALL_DETECTORS;
    if (raw->streams_count == 0)
        return 0;
    model->streams = calloc(raw->streams_count, sizeof(*model->streams));
    if (!model->streams)
        return -ENOMEM;
    model->stream_count = raw->streams_count;
    for (size_t i = 0; i < raw->streams_count; i++) {
        const struct raw_stream *stream = &raw->streams[i];

        /* no feature may be called "prediction", so config_find_feature() does not find it */
        model->streams[i] = (struct config_stream){
            .feature = config_find_feature(raw, stream->feature),
            .detectors = detector_bits(stream->detectors, stream->detectors_count),
        };
    }
    return 0;
}
_Static_assert(CONFIG_STREAM_PREDICTION == SIZE_MAX, "what config_find_feature() returns");

/* How many seconds have one false page. */
static double false_page_seconds(const struct raw_false_pages *raw)
{
    int64_t per_ms = CONFIG_DEFAULT_FALSE_PAGES_PER_MS;

    if (raw && raw->per)
        (void)!config_parse_duration(raw->per, &per_ms); /* was checked */
    return (double)per_ms / 1000 / float_or(raw ? raw->at_most : NULL, CONFIG_DEFAULT_FALSE_PAGES);
}

static void fill_numbers(struct config_model *model, const struct raw_model *raw)
{
    static const struct raw_thresholds no_thresholds;
    const struct raw_thresholds *thresholds = raw->thresholds ? raw->thresholds : &no_thresholds;

    model->minimum_sample = count_or(raw->minimum_sample, CONFIG_DEFAULT_MINIMUM_SAMPLE);
    model->warning_threshold = float_or(thresholds->warning, CONFIG_DEFAULT_WARNING);
    model->critical_threshold = float_or(thresholds->critical, CONFIG_DEFAULT_CRITICAL);
    model->significance = float_or(raw->significance, CONFIG_DEFAULT_SIGNIFICANCE);
    model->false_page_seconds = false_page_seconds(raw->false_pages);
    model->materiality = float_or(raw->materiality, CONFIG_DEFAULT_MATERIALITY);
    model->discount =
        raw->discount ? (enum config_discount) * raw->discount : CONFIG_DISCOUNT_REFERENCE;
    model->has_reference_resolution = raw->reference_resolution;
    model->reference_resolution = count_or(raw->reference_resolution, CONFIG_DEFAULT_RESOLUTION);
    model->bins = count_or(raw->bins, CONFIG_DEFAULT_BINS);
    model->simulation = raw->simulation;
}

static int fill_model(struct config_model *model, const struct raw_model *raw, const char *path)
{
    int rc;

    model->name = raw->name;
    model->version = raw->version ? raw->version : "1";
    model->delimiter = raw->delimiter ? (char)*raw->delimiter : 0;
    model->decimal = raw->decimal ? (char)*raw->decimal : 0;
    fill_columns(model, raw->columns);
    fill_window(model, raw->window);
    fill_numbers(model, raw);
    fill_labels(model, raw->labels);
    model->reference = resolve_path(path, raw->reference);
    rc = model->reference ? fill_features(model, raw) : -ENOMEM;
    if (rc == 0)
        rc = fill_scorer(model, raw, path);
    return rc == 0 ? fill_streams(model, raw) : rc;
}

int config_fill(struct config *config, const struct raw_config *raw, const char *path)
{
    config->listen = raw->listen;
    config->state = raw->state ? resolve_path(path, raw->state) : NULL;
    if (raw->state && !config->state)
        return -ENOMEM;
    config->models = calloc(raw->models_count, sizeof(*config->models));
    if (!config->models)
        return -ENOMEM;
    config->model_count = raw->models_count;
    for (size_t i = 0; i < raw->models_count; i++) {
        int rc = fill_model(&config->models[i], &raw->models[i], path);

        if (rc < 0)
            return rc;
    }
    return 0;
}
