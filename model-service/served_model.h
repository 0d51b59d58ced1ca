/* served_model.h - one model as it is served: scorer, drift detector and counters.
 *
 * Thread-safe: everything but the detector is const or atomic; the detector has one lock, held for
 * one observation or one report. */
#ifndef SERVED_MODEL_H
#define SERVED_MODEL_H

#include "adapt/config.h"
#include "adapt/json_input.h"
#include "data_generator.h"
#include "drift_detector.h"

#include <stdbool.h>
#include <stdint.h>

/* Bounds every per-request array: 8 KiB of doubles. */
#define SERVED_MODEL_MAX_FEATURES CONFIG_MAX_FEATURES

/* The built-in synthetic model (docs/api.md). */
#define BUILTIN_MODEL_NAME "synthetic"
#define BUILTIN_SEED       42
#define BUILTIN_FEATURES   5
#define BUILTIN_REFERENCE  1000
#define BUILTIN_WINDOW     200
#define BUILTIN_MIN_SAMPLE 50

/* Upper bounds of the latency buckets, in seconds. */
#define LATENCY_BUCKETS 15
extern const double latency_bounds[LATENCY_BUCKETS];

struct served_model;

struct prediction {
    double score;
    const char *class_name;
    uint64_t sequence; /* of the model, from 0 */
    struct detector_verdict verdict;
};

/* Cumulative counts since start. */
struct served_model_counters {
    uint64_t positive, negative, simulated;
    uint64_t latency_counts[LATENCY_BUCKETS + 1];
    double latency_sum_seconds;
};

#define SERVED_MODEL_ERROR_BYTES 600

/* warning_override: NaN, or the warning threshold to use instead of the model's own.
 * error: one sentence, written on failure. 0, -EINVAL, -ENOMEM or an error of the files. */
NODISCARD int served_model_create_builtin(double warning_override, struct served_model **ret_model,
                                          char error[SERVED_MODEL_ERROR_BYTES]);
/* config: borrowed for the model's life. */
NODISCARD int served_model_create(const struct config_model *config, double warning_override,
                                  struct served_model **ret_model,
                                  char error[SERVED_MODEL_ERROR_BYTES]);
void served_model_destroy(struct served_model *model);

const char *served_model_name(const struct served_model *model);
const char *served_model_version(const struct served_model *model);
const struct input_schema *served_model_schema(const struct served_model *model);
bool served_model_simulation_allowed(const struct served_model *model);
/* Index of a feature, or -1. */
int served_model_feature(const struct served_model *model, const char *name);

/* Scores a row, observes it, counts it. values: [features] in schema order; numeric ones finite.
 * scores: [features], receives the headline drift scores (NaN where there is none yet). */
struct prediction served_model_predict(struct served_model *model, const struct input_value *values,
                                       double *scores);

/* Drives `count` synthetic rows through served_model_predict. chosen: a flag per feature, or NULL
 * for the default. 0, -EINVAL (severity), -EPERM (not allowed), -ENOMEM. */
NODISCARD int served_model_simulate(struct served_model *model, enum drift_kind kind,
                                    double severity, uint64_t count, const unsigned char *chosen);

/* Fills the report; report->features is allocated here (free() it). 0 or -ENOMEM. */
NODISCARD int served_model_report(struct served_model *model, struct detector_report *report);
void served_model_counters(const struct served_model *model,
                           struct served_model_counters *ret_counters);

#endif
