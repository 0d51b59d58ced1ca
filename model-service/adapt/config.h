/* config.h - the YAML configuration. The YAML library stays behind this header.
 *
 *   listen: 127.0.0.1:8000
 *   models:
 *     - name: housing
 *       version: "3"
 *       reference: housing_reference.csv    # relative to this file
 *       features:
 *         - name: MedInc
 *           type: numeric                   # or categorical
 *       scorer:
 *         type: logistic
 *         intercept: -1.5
 *         weights:
 *           - {feature: MedInc, weight: 0.8}
 *       window: {observations: 1000}        # or {duration: 15m}
 *       minimum_sample: 50
 *       thresholds: {warning: 0.3, critical: 0.5}
 *       significance: 0.0001
 *       reference_resolution: 10000           # 0: every value
 *       bins: 10
 *       simulation: false
 *
 * Required: models, and in each name, reference, features with their names, scorer with type and
 * weights. A feature without a type is numeric. Strings may be written without quotes, also when
 * they look like numbers. Nothing is read from the environment.
 */
#ifndef ADAPT_CONFIG_H
#define ADAPT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_MAX_MODELS   100
#define CONFIG_MAX_FEATURES 1000

/* What a model has when its configuration does not say. */
#define CONFIG_DEFAULT_WINDOW         1000
#define CONFIG_DEFAULT_MINIMUM_SAMPLE 50
#define CONFIG_DEFAULT_WARNING        0.3
#define CONFIG_DEFAULT_CRITICAL       0.5
#define CONFIG_DEFAULT_SIGNIFICANCE   0.0001
#define CONFIG_DEFAULT_RESOLUTION     10000
#define CONFIG_DEFAULT_BINS           10

struct config_feature {
    const char *name;
    bool categorical;
};

struct config_model {
    const char *name;      /* [A-Za-z0-9._-]{1,64}: it stands in paths */
    const char *version;   /* default "1" */
    const char *reference; /* path, resolved against the configuration file's folder */
    struct config_feature *features;
    size_t feature_count;
    double intercept;
    double *weights; /* [feature_count], by feature; 0 where none was given */
    bool has_window_observations;
    uint64_t window_observations;                 /* default 1000 */
    int64_t window_duration_ms;                   /* 0 unless `duration` was given */
    uint64_t minimum_sample;                      /* default 50 */
    double warning_threshold, critical_threshold; /* default 0.3, 0.5; 0 < warning < critical */
    double significance;                          /* default 0.0001; in (0, 1) */
    bool has_reference_resolution;
    uint64_t reference_resolution; /* default 10000 */
    uint64_t bins;                 /* default 10 */
    bool simulation;               /* default false: POST /simulate/drift is refused */
};

struct config {
    const char *listen; /* NULL when absent */
    struct config_model *models;
    size_t model_count; /* 1 to CONFIG_MAX_MODELS */
    void *document;     /* the reader's */
};

#define CONFIG_ERROR_BYTES 600

/* 0; -ENOENT, -EACCES, ... for the file; -EINVAL for its content; -ENOMEM. error: one line,
 * "FILE:LINE: KEY: found ..., expected ..." with a KEY such as models[0].thresholds.warning,
 * written on failure. *ret_config is untouched on failure. */
int config_load(const char *path, struct config *ret_config, char error[CONFIG_ERROR_BYTES]);
void config_finish(struct config *config);

/* "15m", "90s", "1h30m", "500ms" as milliseconds: numbers with the units d, h, m, s, ms, each at
 * most once and in this order. -EINVAL otherwise. */
int config_parse_duration(const char *text, int64_t *ret_ms);

#endif
