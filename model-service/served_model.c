/* served_model.c - predictions, simulation and reports; the header has the contract. */
#include "served_model_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const double latency_bounds[LATENCY_BUCKETS] = {1e-06,  2.5e-06, 5e-06,   1e-05,  2.5e-05,
                                                5e-05,  0.0001,  0.00025, 0.0005, 0.001,
                                                0.0025, 0.005,   0.01,    0.1,    1};

/* Streams of /simulate/drift are numbered from here, away from the reference's own stream. */
#define SIMULATION_STREAM 1000

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

struct served_model *served_model_allocate(size_t features)
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
