/* config.c - the YAML configuration: its schema, its defaults, and the structures filled from it.
 */
#include "adapt/config.h"

#include "adapt/config_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const config_detector_names[CONFIG_DETECTOR_COUNT] = {
    "adwin", "ddm", "eddm", "hddm_a", "hddm_w", "page_hinkley", "kswin",
};

static const cyaml_strval_t feature_types[] = {{"numeric", 0}, {"categorical", 1}};
static const cyaml_strval_t scorer_types[] = {{"logistic", 0}};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define REQUIRED      CYAML_FLAG_DEFAULT
#define OPTIONAL      CYAML_FLAG_OPTIONAL
#define POINTER       CYAML_FLAG_POINTER

#define STRING(key, flags, type, member)                                                           \
    CYAML_FIELD_STRING_PTR(key, (flags) | POINTER, struct type, member, 0, CYAML_UNLIMITED)

static const cyaml_schema_field_t feature_fields[] = {
    STRING("name", REQUIRED, raw_feature, name),
    CYAML_FIELD_ENUM("type", OPTIONAL | CYAML_FLAG_STRICT, struct raw_feature, type, feature_types,
                     LENGTH(feature_types)),
    CYAML_FIELD_END};
static const cyaml_schema_value_t feature_schema = {
    CYAML_VALUE_MAPPING(REQUIRED, struct raw_feature, feature_fields)};

static const cyaml_schema_field_t weight_fields[] = {
    STRING("feature", REQUIRED, raw_weight, feature),
    CYAML_FIELD_FLOAT("weight", REQUIRED, struct raw_weight, weight), CYAML_FIELD_END};
static const cyaml_schema_value_t weight_schema = {
    CYAML_VALUE_MAPPING(REQUIRED, struct raw_weight, weight_fields)};

static const cyaml_schema_field_t scorer_fields[] = {
    CYAML_FIELD_ENUM("type", REQUIRED | CYAML_FLAG_STRICT, struct raw_scorer, type, scorer_types,
                     LENGTH(scorer_types)),
    CYAML_FIELD_FLOAT("intercept", OPTIONAL, struct raw_scorer, intercept),
    CYAML_FIELD_SEQUENCE("weights", POINTER, struct raw_scorer, weights, &weight_schema, 1,
                         CONFIG_MAX_FEATURES),
    CYAML_FIELD_END};

static const cyaml_schema_field_t window_fields[] = {
    CYAML_FIELD_UINT_PTR("observations", OPTIONAL | POINTER, struct raw_window, observations),
    STRING("duration", OPTIONAL, raw_window, duration), CYAML_FIELD_END};

static const cyaml_schema_field_t threshold_fields[] = {
    CYAML_FIELD_FLOAT_PTR("warning", OPTIONAL | POINTER, struct raw_thresholds, warning),
    CYAML_FIELD_FLOAT_PTR("critical", OPTIONAL | POINTER, struct raw_thresholds, critical),
    CYAML_FIELD_END};

static const cyaml_schema_field_t model_fields[] = {
    STRING("name", REQUIRED, raw_model, name),
    STRING("version", OPTIONAL, raw_model, version),
    STRING("reference", REQUIRED, raw_model, reference),
    CYAML_FIELD_SEQUENCE("features", POINTER, struct raw_model, features, &feature_schema, 1,
                         CONFIG_MAX_FEATURES),
    CYAML_FIELD_MAPPING("scorer", REQUIRED, struct raw_model, scorer, scorer_fields),
    CYAML_FIELD_MAPPING_PTR("window", OPTIONAL | POINTER, struct raw_model, window, window_fields),
    CYAML_FIELD_UINT_PTR("minimum_sample", OPTIONAL | POINTER, struct raw_model, minimum_sample),
    CYAML_FIELD_MAPPING_PTR("thresholds", OPTIONAL | POINTER, struct raw_model, thresholds,
                            threshold_fields),
    CYAML_FIELD_FLOAT_PTR("significance", OPTIONAL | POINTER, struct raw_model, significance),
    CYAML_FIELD_UINT_PTR("reference_resolution", OPTIONAL | POINTER, struct raw_model,
                         reference_resolution),
    CYAML_FIELD_UINT_PTR("bins", OPTIONAL | POINTER, struct raw_model, bins),
    CYAML_FIELD_BOOL("simulation", OPTIONAL, struct raw_model, simulation),
    CYAML_FIELD_END};
static const cyaml_schema_value_t model_schema = {
    CYAML_VALUE_MAPPING(REQUIRED, struct raw_model, model_fields)};

static const cyaml_schema_field_t root_fields[] = {
    STRING("listen", OPTIONAL, raw_config, listen),
    CYAML_FIELD_SEQUENCE("models", POINTER, struct raw_config, models, &model_schema, 1,
                         CONFIG_MAX_MODELS),
    CYAML_FIELD_END};
static const cyaml_schema_value_t root_schema = {
    CYAML_VALUE_MAPPING(POINTER, struct raw_config, root_fields)};

/* Silent: config_file_check() has said before what libcyaml could find. */
static const cyaml_config_t reader = {.mem_fn = cyaml_mem};

/* Words of a duration, largest first: each at most once, in this order. */
static const struct {
    const char *name;
    int64_t ms;
} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

/* Nine digits of days are 2.7 million years: no sum of five parts overflows. */
#define MAX_DURATION_DIGITS 9

int config_parse_duration(const char *text, int64_t *ret_ms)
{
    size_t unit = 0;
    int64_t sum = 0;

    if (*text == '\0')
        return -EINVAL;
    while (*text) {
        size_t digits = strspn(text, "0123456789");
        size_t letters = strspn(text + digits, "dhms");

        if (digits == 0 || digits > MAX_DURATION_DIGITS)
            return -EINVAL;
        while (unit < LENGTH(units) && (strlen(units[unit].name) != letters ||
                                        memcmp(units[unit].name, text + digits, letters) != 0))
            unit++;
        if (unit == LENGTH(units))
            return -EINVAL;
        sum += strtoll(text, NULL, 10) * units[unit++].ms;
        text += digits + letters;
    }
    *ret_ms = sum;
    return 0;
}

/* A relative path is meant from the configuration's folder. NULL without memory. */
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

static int fill_features(struct config_model *model, const struct raw_model *raw)
{
    model->features = calloc(raw->features_count, sizeof(*model->features));
    model->scorer.weights = calloc(raw->features_count, sizeof(*model->scorer.weights));
    if (!model->features || !model->scorer.weights)
        return -ENOMEM;
    model->feature_count = raw->features_count;
    for (size_t i = 0; i < raw->features_count; i++)
        model->features[i] = (struct config_feature){.name = raw->features[i].name,
                                                     .categorical = raw->features[i].type == 1};
    model->scorer.intercept = raw->scorer.intercept;
    for (size_t i = 0; i < raw->scorer.weights_count; i++)
        model->scorer.weights[config_find_feature(raw, raw->scorer.weights[i].feature)] =
            raw->scorer.weights[i].weight;
    return 0;
}

static void fill_window(struct config_model *model, const struct raw_window *raw)
{
    model->window_observations = CONFIG_DEFAULT_WINDOW;
    if (raw && raw->observations) {
        model->has_window_observations = true;
        model->window_observations = *raw->observations;
    }
    if (raw && raw->duration)
        config_parse_duration(raw->duration, &model->window_duration_ms);
}

static double float_or(const double *given, double fallback)
{
    return given ? *given : fallback;
}

static uint64_t count_or(const uint64_t *given, uint64_t fallback)
{
    return given ? *given : fallback;
}

static int fill_model(struct config_model *model, const struct raw_model *raw, const char *path)
{
    static const struct raw_thresholds no_thresholds;
    const struct raw_thresholds *thresholds = raw->thresholds ? raw->thresholds : &no_thresholds;

    model->name = raw->name;
    model->version = raw->version ? raw->version : "1";
    fill_window(model, raw->window);
    model->minimum_sample = count_or(raw->minimum_sample, CONFIG_DEFAULT_MINIMUM_SAMPLE);
    model->warning_threshold = float_or(thresholds->warning, CONFIG_DEFAULT_WARNING);
    model->critical_threshold = float_or(thresholds->critical, CONFIG_DEFAULT_CRITICAL);
    model->significance = float_or(raw->significance, CONFIG_DEFAULT_SIGNIFICANCE);
    model->has_reference_resolution = raw->reference_resolution != NULL;
    model->reference_resolution = count_or(raw->reference_resolution, CONFIG_DEFAULT_RESOLUTION);
    model->bins = count_or(raw->bins, CONFIG_DEFAULT_BINS);
    model->simulation = raw->simulation;
    model->labels = (struct config_labels){.capacity = CONFIG_DEFAULT_CAPACITY,
                                           .max_age_ms = CONFIG_DEFAULT_MAX_AGE_MS,
                                           .window = CONFIG_DEFAULT_LABEL_WINDOW};
    model->detectors = CONFIG_ALL_DETECTORS;
    model->reference = resolve_path(path, raw->reference);
    return model->reference ? fill_features(model, raw) : -ENOMEM;
}

static int fill_config(struct config *config, const char *path)
{
    const struct raw_config *raw = config->document;

    config->listen = raw->listen;
    config->models = calloc(raw->models_count, sizeof(*config->models));
    if (!config->models)
        return -ENOMEM;
    config->model_count = raw->models_count;
    for (size_t i = 0; i < raw->models_count; i++) {
        int r = fill_model(&config->models[i], &raw->models[i], path);

        if (r < 0)
            return r;
    }
    return 0;
}

static int load_raw(struct config_file *file, struct raw_config **ret_raw)
{
    cyaml_err_t error = cyaml_load_data((const uint8_t *)file->bytes, file->size, &reader,
                                        &root_schema, (cyaml_data_t **)ret_raw, NULL);

    if (error == CYAML_OK)
        return 0;
    /* libyaml has read these bytes before: without memory is the one way it can fail now. */
    if (error == CYAML_ERR_OOM || error == CYAML_ERR_LIBYAML_PARSER ||
        error == CYAML_ERR_LIBYAML_PARSER_INIT)
        return -ENOMEM;
    return config_file_fail(file, "", "%s", cyaml_strerror(error));
}

static int load(struct config_file *file, struct config *config)
{
    struct raw_config *raw = NULL;
    int r = config_file_check(file, &root_schema);

    if (r == 0)
        r = load_raw(file, &raw);
    if (r < 0)
        return r;
    config->document = raw;
    r = config_check(file, raw);
    return r < 0 ? r : fill_config(config, file->path);
}

int config_load(const char *path, struct config *ret_config, char error[CONFIG_ERROR_BYTES])
{
    struct config config = {.listen = NULL};
    struct config_file file;
    int r = config_file_open(&file, path, error);

    if (r == 0)
        r = load(&file, &config);
    if (r == -ENOMEM)
        snprintf(error, CONFIG_ERROR_BYTES, "%.200s: %s", path, strerror(ENOMEM));
    config_file_finish(&file);
    if (r < 0)
        config_finish(&config);
    else
        *ret_config = config;
    return r;
}

void config_finish(struct config *config)
{
    for (size_t i = 0; i < config->model_count; i++) {
        free((char *)config->models[i].reference);
        free(config->models[i].features);
        free(config->models[i].scorer.weights);
    }
    free(config->models);
    cyaml_free(&reader, &root_schema, config->document, 0);
    *config = (struct config){.listen = NULL};
}
