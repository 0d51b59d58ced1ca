/* metrics.h - what a scrape writes, for service/metrics/ alone. A family is an entry of the table
 * in service/metrics/metrics.c: its description, the function that writes its samples, and which
 * value. */
#ifndef SERVICE_METRICS_METRICS_H
#define SERVICE_METRICS_METRICS_H

#include "service/metrics/handler.h"
#include "service/service.h"

#include "encode/exposition.h"
#include "system/process.h"

/* Everything a scrape writes of a model, read at once. */
struct model_snapshot {
    const struct served_model *model;
    const char *name;
    struct detector_report report;
    struct served_model_counters counters;
    struct concept_report concept;
    struct stream_report *streams; /* [stream_count] */
    size_t stream_count;
};

/* What the writers are handed: one model after the other, and at the end none, for the families of
 * the service. */
struct snapshot {
    const struct service *service;
    const struct model_snapshot *models;
    size_t model_count; /* 1 or 0 */
    struct process_usage process;
    bool process_known;
    double collect_seconds;
};

typedef void (*metrics_writer)(struct exposition *out, const struct snapshot *snapshot,
                               int selector);

/* --- service/metrics/models.c --- */

enum { METHOD_SCORE, METHOD_P_VALUE, METHOD_SIGNIFICANT };
void metrics_methods(struct exposition *out, const struct snapshot *snapshot, int selector);

enum {
    FEATURE_MEAN,
    FEATURE_STD,
    FEATURE_REFERENCE_MEAN,
    FEATURE_REFERENCE_STD,
    FEATURE_MISSING,
    FEATURE_MISSING_RATIO,
    FEATURE_REFERENCE_MISSING_RATIO,
    FEATURE_MISSING_SIGNIFICANT,
    FEATURE_UNSEEN,
    FEATURE_UNSEEN_RATIO,
    FEATURE_INFINITE,
    FEATURE_OUT_OF_RANGE,
    FEATURE_DRIFT_SINCE,
};
void metrics_features(struct exposition *out, const struct snapshot *snapshot, int selector);
void metrics_feature_thresholds(struct exposition *out, const struct snapshot *snapshot,
                                int selector);

enum { CATEGORY_RATIO, CATEGORY_REFERENCE_RATIO };
void metrics_categories(struct exposition *out, const struct snapshot *snapshot, int selector);

enum {
    MODEL_WINDOW,
    MODEL_CAPACITY,
    MODEL_MINIMUM,
    MODEL_REFERENCE,
    MODEL_LAST_OBSERVATION,
    MODEL_OBSERVATIONS,
    MODEL_REJECTED,
    MODEL_SIMULATED,
    MODEL_SIGNIFICANCE,
};
void metrics_models(struct exposition *out, const struct snapshot *snapshot, int selector);

enum { SEVERITY_THRESHOLDS, SEVERITY_ONSETS };
void metrics_severities(struct exposition *out, const struct snapshot *snapshot, int selector);
void metrics_predictions(struct exposition *out, const struct snapshot *snapshot, int selector);
void metrics_latency(struct exposition *out, const struct snapshot *snapshot, int selector);

/* --- service/metrics/performance.c --- */

enum { PERFORMANCE_WINDOW_VALUE, PERFORMANCE_REFERENCE_VALUE, PERFORMANCE_IS_DEGRADED };
void metrics_performance(struct exposition *out, const struct snapshot *snapshot, int selector);
void metrics_performance_interval(struct exposition *out, const struct snapshot *snapshot,
                                  int selector);

enum { CONCEPT_STATE, CONCEPT_ONSETS, CONCEPT_ONSET_TIME };
void metrics_concept(struct exposition *out, const struct snapshot *snapshot, int selector);
void metrics_streams(struct exposition *out, const struct snapshot *snapshot, int selector);

enum { LABELS_WINDOW, LABELS_COVERAGE, LABELS_PENDING, LABELS_LAST, LABELS_DRIFT };
void metrics_labels(struct exposition *out, const struct snapshot *snapshot, int selector);
void metrics_label_results(struct exposition *out, const struct snapshot *snapshot, int selector);
void metrics_label_lag(struct exposition *out, const struct snapshot *snapshot, int selector);

/* --- service/metrics/process.c --- */

void metrics_requests(struct exposition *out, const struct snapshot *snapshot, int selector);
void metrics_build(struct exposition *out, const struct snapshot *snapshot, int selector);

enum {
    PROCESS_CPU,
    PROCESS_RESIDENT,
    PROCESS_VIRTUAL,
    PROCESS_OPEN_FDS,
    PROCESS_MAX_FDS,
    PROCESS_START,
    PROCESS_THREADS,
    SERVICE_COLLECT,
    CONFIG_RELOADED,
    CONFIG_RELOAD_TIME,
};
void metrics_process(struct exposition *out, const struct snapshot *snapshot, int selector);

#endif
