/* config.h - the YAML configuration. The YAML library stays behind this header.
 *
 *   listen: 127.0.0.1:8000
 *   state: state
 *   models:
 *     - name: housing
 *       version: "3"
 *       reference: housing_reference.csv    # relative to this file
 *       delimiter: comma                    # semicolon, tab, pipe; default: recognised
 *       decimal: point                      # comma; default: recognised
 *       features:
 *         - name: MedInc
 *           type: numeric                   # or categorical
 *           thresholds: {warning: 0.2}      # of this feature alone
 *       scorer:
 *         type: logistic
 *         intercept: -1.5
 *         weights:
 *           - {feature: MedInc, weight: 0.8}
 *         # or {type: logistic, file: weights.json}
 *         # or {type: xgboost, file: model.json, classes: [no, yes]}; lightgbm, scikit-learn
 *         # or {type: none, task: classification, classes: [no, yes], score: margin}
 *       columns: {id: row, timestamp: t, prediction: p, score: s, label: y}
 *       window: {observations: 1000}        # or {duration: 15m}
 *       minimum_sample: 50
 *       thresholds: {warning: 0.3, critical: 0.5}
 *       significance: 0.0001
 *       false_pages: {at_most: 1, per: 90d}
 *       materiality: 0.15
 *       discount: reference
 *       reference_resolution: 10000           # 0: every value
 *       bins: 10
 *       simulation: false
 *       labels: {capacity: 100000, max_age: 7d, window: 1000}
 *       detectors: [adwin, ddm]             # of concept drift; default: all
 *       streams: [{feature: MedInc, detectors: [page_hinkley]}]
 *
 * Required: models, and in each name, reference, features with their names, scorer with its type.
 * A feature without a type is numeric. Strings may be written without quotes, also when they look
 * like numbers. Nothing is read from the environment. docs/configuration.md has every key.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "text/error.h"
#include "text/nodiscard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_MAX_MODELS   100
#define CONFIG_MAX_FEATURES 1000
#define CONFIG_MAX_CLASSES  1000
/* Of a model's name. */
#define CONFIG_MAX_NAME_BYTES 64
/* Longest name of a feature, a column or a class, in bytes. */
#define CONFIG_MAX_TEXT_BYTES 128

/* Defaults of a model. */
#define CONFIG_DEFAULT_WINDOW         1000
#define CONFIG_DEFAULT_MINIMUM_SAMPLE 50
#define CONFIG_DEFAULT_WARNING        0.3
#define CONFIG_DEFAULT_CRITICAL       0.5
#define CONFIG_DEFAULT_SIGNIFICANCE   0.0001
#define CONFIG_DEFAULT_RESOLUTION     10000
#define CONFIG_DEFAULT_BINS           10
#define CONFIG_DEFAULT_CAPACITY       100000
#define CONFIG_DEFAULT_MAX_AGE_MS     (INT64_C(7) * 24 * 3600 * 1000)
#define CONFIG_DEFAULT_LABEL_WINDOW   1000
/* One false page of a model in 90 days. */
#define CONFIG_DEFAULT_FALSE_PAGES        1.0
#define CONFIG_DEFAULT_FALSE_PAGES_PER_MS (INT64_C(90) * 24 * 3600 * 1000)
#define CONFIG_DEFAULT_MATERIALITY        0.15

struct config_feature {
    const char *name;
    bool categorical;
    /* 0: the model's threshold applies; of the two that apply, 0 < warning < critical */
    double warning_threshold, critical_threshold;
};

enum config_scorer_type {
    CONFIG_SCORER_LOGISTIC,
    CONFIG_SCORER_XGBOOST,
    CONFIG_SCORER_LIGHTGBM,
    CONFIG_SCORER_SCIKIT_LEARN,
    CONFIG_SCORER_NONE
};
/* Whether it is a file of decision trees. */
static inline bool config_scorer_has_trees(enum config_scorer_type type)
{
    return type >= CONFIG_SCORER_XGBOOST && type <= CONFIG_SCORER_SCIKIT_LEARN;
}
enum config_task { CONFIG_TASK_CLASSIFICATION, CONFIG_TASK_REGRESSION };

/* What the scores are that come with predictions: of the second of two classes. */
enum config_score { CONFIG_SCORE_PROBABILITY, CONFIG_SCORE_MARGIN };

/* By what the p-values of windows are discounted where rows resemble their neighbours. */
enum config_discount { CONFIG_DISCOUNT_REFERENCE, CONFIG_DISCOUNT_LIVE, CONFIG_DISCOUNT_NONE };

struct config_scorer {
    enum config_scorer_type type;
    const char *file; /* path, resolved like the reference's; NULL: weights given inline, or none */
    double intercept; /* inline */
    double *weights;  /* inline: [feature_count], by feature, 0 where none was given; else NULL */
    enum config_task task;      /* of the type none */
    enum config_score score;    /* of the type none; a margin is the log-odds */
    const char *const *classes; /* [class_count] distinct, or NULL when absent */
    size_t class_count;         /* 0, or 2 to CONFIG_MAX_CLASSES */
};

/* Names of columns of the reference, each NULL when absent; none of them a feature. */
struct config_columns {
    const char *id, *timestamp, *prediction, *score, *label;
};

struct config_labels {
    uint64_t capacity;  /* predictions that wait for a label; default 100000 */
    int64_t max_age_ms; /* how long a prediction waits; default 7 days */
    uint64_t window;    /* labels the performance is measured on; default 1000 */
};

/* Detectors of change in a stream, in the order of config_detector_names. */
enum config_detector {
    CONFIG_ADWIN,
    CONFIG_DDM,
    CONFIG_EDDM,
    CONFIG_HDDM_A,
    CONFIG_HDDM_W,
    CONFIG_PAGE_HINKLEY,
    CONFIG_KSWIN,
    CONFIG_URN,
    CONFIG_DETECTOR_COUNT
};
#define CONFIG_ALL_DETECTORS ((1u << CONFIG_DETECTOR_COUNT) - 1)
extern const char *const config_detector_names[CONFIG_DETECTOR_COUNT];

/* A stream beside the errors: a numeric feature's values, or the predictions. */
#define CONFIG_STREAM_PREDICTION SIZE_MAX
struct config_stream {
    size_t feature;     /* index, or CONFIG_STREAM_PREDICTION */
    unsigned detectors; /* bits 1 << enum config_detector, at least one */
};

/* Names of the model's own output, which no feature may have. */
#define CONFIG_PREDICTION_NAME       "prediction"
#define CONFIG_PREDICTION_SCORE_NAME "prediction_score"

struct config_model {
    const char *name;      /* [A-Za-z0-9._-]{1,64}: it stands in paths */
    const char *version;   /* default "1" */
    const char *reference; /* path, resolved against the configuration file's folder */
    char delimiter;        /* of the reference's fields; 0: to be recognised */
    char decimal;          /* '.' or ',' in its numbers; 0: to be recognised */
    struct config_feature *features;
    size_t feature_count;
    struct config_scorer scorer;
    struct config_columns columns;
    bool has_window_observations;
    uint64_t window_observations;                 /* default 1000 */
    int64_t window_duration_ms;                   /* 0 unless `duration` was given */
    uint64_t minimum_sample;                      /* default 50 */
    double warning_threshold, critical_threshold; /* default 0.3, 0.5; 0 < warning < critical */
    double significance;                          /* default 0.0001; in (0, 1) */
    double false_page_seconds;     /* at most one false page in so many; default 90 days */
    double materiality;            /* deviations; a smaller change is no page; default 0.15 */
    enum config_discount discount; /* default CONFIG_DISCOUNT_REFERENCE */
    bool has_reference_resolution;
    uint64_t reference_resolution; /* default 10000 */
    uint64_t bins;                 /* default 10 */
    bool simulation;               /* default false: POST /simulate/drift is refused */
    struct config_labels labels;
    unsigned detectors; /* on the stream of errors; bits as in config_stream; default: all */
    struct config_stream *streams;
    size_t stream_count;
};

struct config {
    const char *listen; /* NULL when absent */
    const char *state;  /* the state directory, from the configuration's folder; NULL when absent */
    struct config_model *models;
    size_t model_count; /* 1 to CONFIG_MAX_MODELS */
    void *document;     /* the reader's */
};

/* 0; -ENOENT, -EACCES, ... for the file; -EINVAL for its content; -ENOMEM. error: one line,
 * "FILE:LINE: KEY: found ..., expected ..." with a KEY such as models[0].thresholds.warning,
 * written on failure. *ret_config is untouched on failure. */
NODISCARD int config_load(const char *path, struct config *ret_config, struct error *error);
/* The same from a stream, as if it were the file at the path. stream NULL: the file itself. */
NODISCARD int config_read(FILE *stream, const char *path, struct config *ret_config,
                          struct error *error);
void config_finish(struct config *config);

/* What has changed between two configurations of a model. Of the files that they name it only
 * compares whether there is one. CONFIG_LEVELS_CHANGED: only thresholds, significance, minimum
 * sample, false pages and materiality, which need no new windows. */
enum config_change { CONFIG_SAME, CONFIG_LEVELS_CHANGED, CONFIG_CHANGED };
enum config_change config_model_compare(const struct config_model *a, const struct config_model *b);

/* Whether a text can be a model's name. */
bool config_is_model_name(const char *name);

/* "15m", "90s", "1h30m", "500ms" as milliseconds: numbers with the units d, h, m, s, ms, each at
 * most once and in this order. -EINVAL otherwise. */
NODISCARD int config_parse_duration(const char *text, int64_t *ret_ms);

#endif
