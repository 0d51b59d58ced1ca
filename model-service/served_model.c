/* served_model.c - see the header. */
#include "served_model.h"

#include "adapt/csv.h"
#include "model/scorer.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const double latency_bounds[LATENCY_BUCKETS] = {1e-06,  2.5e-06, 5e-06,   1e-05,  2.5e-05,
                                                5e-05,  0.0001,  0.00025, 0.0005, 0.001,
                                                0.0025, 0.005,   0.01,    0.1,    1};

/* Streams of /simulate/drift are numbered from here, away from the reference's own stream. */
#define SIMULATION_STREAM 1000

struct served_model {
    /* const after creation */
    const char *name, *version;
    struct input_schema schema;
    const char **feature_names;
    bool *categorical;
    struct scorer *scorer;
    bool simulation;
    /* what simulated rows are drawn from: the built-in distribution, or the reference's rows */
    bool builtin;
    double **simulation_columns; /* [features], finite; NULL when builtin or not allowed */
    size_t simulation_rows;
    double *simulation_mean, *simulation_deviation;

    _Atomic uint64_t sequence, positive, negative, simulated, simulations;
    _Atomic uint64_t latency_counts[LATENCY_BUCKETS + 1];
    _Atomic uint64_t latency_sum_ns;

    pthread_mutex_t mu;
    struct detector *detector; /* guarded by mu, but for detector_category() */
};

/* --- creation --- */

static int names_allocate(struct served_model *model, size_t features)
{
    model->feature_names = calloc(features, sizeof(*model->feature_names));
    model->categorical = calloc(features, sizeof(*model->categorical));
    if (!model->feature_names || !model->categorical)
        return -ENOMEM;
    model->schema = (struct input_schema){
        .features = features, .name = model->feature_names, .categorical = model->categorical};
    return 0;
}

static struct served_model *model_allocate(size_t features)
{
    struct served_model *model = calloc(1, sizeof(*model));
    if (!model)
        return NULL;
    pthread_mutex_init(&model->mu, NULL);
    if (names_allocate(model, features) < 0) {
        served_model_destroy(model);
        return NULL;
    }
    return model;
}

void served_model_destroy(struct served_model *model)
{
    if (!model)
        return;
    detector_destroy(model->detector);
    scorer_destroy(model->scorer);
    for (size_t f = 0; model->simulation_columns && f < model->schema.features; f++)
        free(model->simulation_columns[f]);
    free(model->simulation_columns);
    free(model->simulation_mean);
    free(model->simulation_deviation);
    free(model->feature_names);
    free(model->categorical);
    pthread_mutex_destroy(&model->mu);
    free(model);
}

static int override_threshold(double *threshold, double warning_override,
                              char error[SERVED_MODEL_ERROR_BYTES])
{
    if (isnan(warning_override))
        return 0;
    if (warning_override <= 0 || warning_override >= threshold[SEVERITY_CRITICAL]) {
        snprintf(error, SERVED_MODEL_ERROR_BYTES,
                 "the warning threshold %g must lie between 0 and the critical threshold %g",
                 warning_override, threshold[SEVERITY_CRITICAL]);
        return -EINVAL;
    }
    threshold[SEVERITY_WARNING] = warning_override;
    return 0;
}

#define BUILTIN_FEATURES 5
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
    int rc = override_threshold(spec.threshold, warning_override, error);
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
    struct served_model *model = model_allocate(BUILTIN_FEATURES);
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
    int rc = override_threshold(spec.threshold, warning_override, error);
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
        rc = logistic_scorer_create(config->weights, config->feature_count, config->intercept, 0, 0,
                                    &model->scorer);
    if (rc == 0 && config->simulation)
        rc = simulation_prepare(model, table);
    return rc;
}

int served_model_create(const struct config_model *config, double warning_override,
                        struct served_model **ret_model, char error[SERVED_MODEL_ERROR_BYTES])
{
    snprintf(error, SERVED_MODEL_ERROR_BYTES, "model \"%s\": not enough memory", config->name);
    struct served_model *model = model_allocate(config->feature_count);
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

/* --- look-ups --- */

const char *served_model_name(const struct served_model *model)
{
    return model->name;
}

const char *served_model_version(const struct served_model *model)
{
    return model->version;
}

const struct input_schema *served_model_schema(const struct served_model *model)
{
    return &model->schema;
}

bool served_model_simulation_allowed(const struct served_model *model)
{
    return model->simulation;
}

int served_model_feature(const struct served_model *model, const char *name)
{
    for (size_t f = 0; f < model->schema.features; f++)
        if (strcmp(model->feature_names[f], name) == 0)
            return (int)f;
    return -1;
}

/* --- predictions --- */

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int64_t wall_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void latency_count(struct served_model *model, uint64_t nanoseconds)
{
    const double seconds = (double)nanoseconds * 1e-9;
    size_t bucket = 0;
    while (bucket < LATENCY_BUCKETS && seconds > latency_bounds[bucket])
        bucket++;
    atomic_fetch_add_explicit(&model->latency_counts[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&model->latency_sum_ns, nanoseconds, memory_order_relaxed);
}

static void row_convert(const struct served_model *model, const struct input_value *values,
                        double *numbers, union detector_value *row)
{
    for (size_t f = 0; f < model->schema.features; f++) {
        numbers[f] = 0;
        if (model->categorical[f])
            row[f].category =
                detector_category(model->detector, f, values[f].text, values[f].text_bytes);
        else
            row[f].number = numbers[f] = values[f].number;
    }
}

struct prediction served_model_predict(struct served_model *model, const struct input_value *values,
                                       double *scores)
{
    const uint64_t start = monotonic_ns();
    double numbers[SERVED_MODEL_MAX_FEATURES];
    union detector_value row[SERVED_MODEL_MAX_FEATURES];
    row_convert(model, values, numbers, row);

    struct prediction prediction;
    prediction.sequence = atomic_fetch_add_explicit(&model->sequence, 1, memory_order_relaxed);
    prediction.score = scorer_score(model->scorer, numbers, prediction.sequence);
    prediction.class_name = scorer_class(prediction.score);
    atomic_fetch_add_explicit(prediction.score > SCORER_CLASS_THRESHOLD ? &model->positive
                                                                        : &model->negative,
                              1, memory_order_relaxed);

    const int64_t now_ms = wall_clock_ms();
    pthread_mutex_lock(&model->mu);
    prediction.verdict = detector_observe(model->detector, row, now_ms, scores);
    pthread_mutex_unlock(&model->mu);
    latency_count(model, monotonic_ns() - start);
    return prediction;
}

static int simulation_generator(struct served_model *model, struct data_generator **ret_generator)
{
    const uint64_t stream =
        SIMULATION_STREAM + atomic_fetch_add_explicit(&model->simulations, 1, memory_order_relaxed);
    if (model->builtin)
        return data_generator_create_synthetic(model->schema.features, BUILTIN_SEED, stream,
                                               ret_generator);
    return data_generator_create_bootstrap(model->schema.features,
                                           (const double *const *)model->simulation_columns,
                                           model->simulation_rows, model->simulation_mean,
                                           model->simulation_deviation, stream, ret_generator);
}

static void simulate_row(struct served_model *model, struct data_generator *generator)
{
    double row[SERVED_MODEL_MAX_FEATURES], scores[SERVED_MODEL_MAX_FEATURES];
    struct input_value values[SERVED_MODEL_MAX_FEATURES];
    data_generator_next(generator, row);
    for (size_t f = 0; f < model->schema.features; f++)
        values[f] = (struct input_value){.number = row[f]};
    (void)served_model_predict(model, values, scores);
    atomic_fetch_add_explicit(&model->simulated, 1, memory_order_relaxed);
}

int served_model_simulate(struct served_model *model, enum drift_kind kind, double severity,
                          uint64_t count, const unsigned char *chosen)
{
    if (!model->simulation)
        return -EPERM;
    struct data_generator *generator;
    int rc = simulation_generator(model, &generator);
    if (rc < 0)
        return rc;
    rc = data_generator_set_drift(generator, kind, severity, chosen);
    for (uint64_t i = 0; rc == 0 && i < count; i++)
        simulate_row(model, generator);
    data_generator_destroy(generator);
    return rc;
}

/* --- reading --- */

int served_model_report(struct served_model *model, struct detector_report *report)
{
    *report = (struct detector_report){0};
    report->features = calloc(model->schema.features, sizeof(*report->features));
    if (!report->features)
        return -ENOMEM;
    const int64_t now_ms = wall_clock_ms();
    pthread_mutex_lock(&model->mu);
    detector_report(model->detector, now_ms, report);
    pthread_mutex_unlock(&model->mu);
    return 0;
}

void served_model_counters(const struct served_model *model,
                           struct served_model_counters *ret_counters)
{
    ret_counters->positive = atomic_load(&model->positive);
    ret_counters->negative = atomic_load(&model->negative);
    ret_counters->simulated = atomic_load(&model->simulated);
    for (size_t b = 0; b <= LATENCY_BUCKETS; b++)
        ret_counters->latency_counts[b] = atomic_load(&model->latency_counts[b]);
    ret_counters->latency_sum_seconds = (double)atomic_load(&model->latency_sum_ns) * 1e-9;
}
