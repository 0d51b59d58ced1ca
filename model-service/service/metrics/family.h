/* family.h - a family of metrics: what it is called, how its series are labelled, and what a
 * series' value is. Adding a metric is a row in the table of families.c, and a value function if
 * none says it yet; for service/metrics/ alone. */
#ifndef SERVICE_METRICS_FAMILY_H
#define SERVICE_METRICS_FAMILY_H

#include "encode/exposition.h"
#include "service/keeper.h"
#include "service/service.h"
#include "system/process.h"

#include <stdbool.h>

/* Everything that a scrape writes of a model, read at once. */
struct model_snapshot {
    const struct served_model *model;
    const char *name;
    struct detector_report report;
    struct feature_changes *changes; /* [report.feature_count] */
    double false_page_seconds;
    struct served_model_counters counters;
    struct concept_report concept;
    struct stream_report *streams; /* [stream_count] */
    size_t stream_count;
};

/* What it writes of the service itself. */
struct service_snapshot {
    const struct service *service;
    struct process_usage process;
    bool process_known;
    struct keeper_report state; /* of service->keeper, if there is one */
    double collect_seconds;     /* spent on reading the models */
};

/* The value of one series, by what the series is about. True with *ret_value (NaN: not known yet);
 * false if there is no such series now. */
union metric_value {
    bool (*model)(const struct model_snapshot *model, double *ret_value);
    bool (*severity)(const struct detector_report *report, enum drift_severity severity,
                     double *ret_value);
    bool (*feature)(const struct detector_feature_report *feature, double *ret_value);
    bool (*change)(const struct change_report *change, double *ret_value);
    bool (*changes)(const struct feature_changes *changes, double *ret_value);
    bool (*method)(const struct detector_method_report *method, double *ret_value);
    bool (*category)(const struct detector_category_report *category, double *ret_value);
    bool (*performance)(const struct concept_metric *metric, double *ret_value);
    bool (*detector)(const struct drift_change_watch_report *detector, double *ret_value);
    bool (*service)(const struct service_snapshot *service, double *ret_value);
};

/* Writes the samples of one family that a model has; of_service: those of the service. A walker
 * goes over everything of its kind and asks the value function for each; what has a shape of its
 * own (a histogram, counts by result) is written by a function that ignores the value. */
typedef void (*model_walker)(struct exposition *out, const struct model_snapshot *model,
                             union metric_value value);
typedef void (*service_walker)(struct exposition *out, const struct service_snapshot *service,
                               union metric_value value);

struct family {
    struct metric_family family;
    model_walker of_model; /* one of the two */
    service_walker of_service;
    union metric_value value;
};

#define FAMILIES 79
extern const struct family families[FAMILIES];

/* --- models.c: labels model; model, severity --- */
void walk_model(struct exposition *out, const struct model_snapshot *model,
                union metric_value value);
void walk_severities(struct exposition *out, const struct model_snapshot *model,
                     union metric_value value);
void write_model_info(struct exposition *out, const struct model_snapshot *model,
                      union metric_value value);
void write_predictions(struct exposition *out, const struct model_snapshot *model,
                       union metric_value value);
void write_latency(struct exposition *out, const struct model_snapshot *model,
                   union metric_value value);
bool model_window(const struct model_snapshot *model, double *ret_value);
bool model_capacity(const struct model_snapshot *model, double *ret_value);
bool model_minimum_sample(const struct model_snapshot *model, double *ret_value);
bool model_reference(const struct model_snapshot *model, double *ret_value);
bool model_false_page_budget(const struct model_snapshot *model, double *ret_value);
bool model_significance(const struct model_snapshot *model, double *ret_value);
bool model_last_observation(const struct model_snapshot *model, double *ret_value);
bool model_observations(const struct model_snapshot *model, double *ret_value);
bool model_rejected(const struct model_snapshot *model, double *ret_value);
bool model_simulated(const struct model_snapshot *model, double *ret_value);
bool severity_threshold(const struct detector_report *report, enum drift_severity severity,
                        double *ret_value);
bool severity_onsets(const struct detector_report *report, enum drift_severity severity,
                     double *ret_value);
bool severity_incidents(const struct detector_report *report, enum drift_severity severity,
                        double *ret_value);

/* --- features.c: model, feature; and method, category or severity --- */
void walk_features(struct exposition *out, const struct model_snapshot *model,
                   union metric_value value);
void walk_methods(struct exposition *out, const struct model_snapshot *model,
                  union metric_value value);
void walk_categories(struct exposition *out, const struct model_snapshot *model,
                     union metric_value value);
void write_feature_thresholds(struct exposition *out, const struct model_snapshot *model,
                              union metric_value value);
bool feature_mean(const struct detector_feature_report *feature, double *ret_value);
bool feature_deviation(const struct detector_feature_report *feature, double *ret_value);
bool feature_reference_mean(const struct detector_feature_report *feature, double *ret_value);
bool feature_reference_deviation(const struct detector_feature_report *feature, double *ret_value);
bool feature_missing(const struct detector_feature_report *feature, double *ret_value);
bool feature_missing_ratio(const struct detector_feature_report *feature, double *ret_value);
bool feature_reference_missing_ratio(const struct detector_feature_report *feature,
                                     double *ret_value);
bool feature_missing_significant(const struct detector_feature_report *feature, double *ret_value);
bool feature_unseen(const struct detector_feature_report *feature, double *ret_value);
bool feature_unseen_ratio(const struct detector_feature_report *feature, double *ret_value);
bool feature_infinite(const struct detector_feature_report *feature, double *ret_value);
bool feature_out_of_range(const struct detector_feature_report *feature, double *ret_value);
bool feature_effective_rows(const struct detector_feature_report *feature, double *ret_value);
bool feature_drift_since(const struct detector_feature_report *feature, double *ret_value);
bool method_score(const struct detector_method_report *method, double *ret_value);
bool method_p_value(const struct detector_method_report *method, double *ret_value);
bool method_significant(const struct detector_method_report *method, double *ret_value);
bool category_ratio(const struct detector_category_report *category, double *ret_value);
bool category_reference_ratio(const struct detector_category_report *category, double *ret_value);

/* --- changes.c: model, feature, part; model, feature --- */
void walk_changes(struct exposition *out, const struct model_snapshot *model,
                  union metric_value value);
void walk_changed_features(struct exposition *out, const struct model_snapshot *model,
                           union metric_value value);
bool change_evidence_ratio(const struct change_report *change, double *ret_value);
bool change_open(const struct change_report *change, double *ret_value);
bool change_onset_time(const struct change_report *change, double *ret_value);
bool change_rows(const struct change_report *change, double *ret_value);
bool change_size(const struct change_report *change, double *ret_value);
bool change_kind(const struct change_report *change, double *ret_value);
bool change_discount(const struct change_report *change, double *ret_value);
bool change_notices_only(const struct change_report *change, double *ret_value);
bool changes_pages(const struct feature_changes *changes, double *ret_value);
bool changes_notices(const struct feature_changes *changes, double *ret_value);

/* --- performance.c: model, metric; model, detector; model, feature, detector; labels --- */
void walk_performance(struct exposition *out, const struct model_snapshot *model,
                      union metric_value value);
void walk_detectors(struct exposition *out, const struct model_snapshot *model,
                    union metric_value value);
void walk_streams(struct exposition *out, const struct model_snapshot *model,
                  union metric_value value);
void write_performance_intervals(struct exposition *out, const struct model_snapshot *model,
                                 union metric_value value);
void write_label_results(struct exposition *out, const struct model_snapshot *model,
                         union metric_value value);
void write_label_lag(struct exposition *out, const struct model_snapshot *model,
                     union metric_value value);
bool metric_window(const struct concept_metric *metric, double *ret_value);
bool metric_reference(const struct concept_metric *metric, double *ret_value);
bool metric_degraded(const struct concept_metric *metric, double *ret_value);
bool detector_state(const struct drift_change_watch_report *detector, double *ret_value);
bool detector_onsets(const struct drift_change_watch_report *detector, double *ret_value);
bool detector_onset_time(const struct drift_change_watch_report *detector, double *ret_value);
bool labels_window(const struct model_snapshot *model, double *ret_value);
bool labels_coverage(const struct model_snapshot *model, double *ret_value);
bool labels_pending(const struct model_snapshot *model, double *ret_value);
bool labels_last(const struct model_snapshot *model, double *ret_value);
bool concept_drift(const struct model_snapshot *model, double *ret_value);

/* --- process.c: no labels; method, handler, code; version, revision --- */
void walk_service(struct exposition *out, const struct service_snapshot *service,
                  union metric_value value);
void write_requests(struct exposition *out, const struct service_snapshot *service,
                    union metric_value value);
void write_build(struct exposition *out, const struct service_snapshot *service,
                 union metric_value value);
bool process_cpu(const struct service_snapshot *service, double *ret_value);
bool process_resident(const struct service_snapshot *service, double *ret_value);
bool process_virtual(const struct service_snapshot *service, double *ret_value);
bool process_open_fds(const struct service_snapshot *service, double *ret_value);
bool process_max_fds(const struct service_snapshot *service, double *ret_value);
bool process_threads(const struct service_snapshot *service, double *ret_value);
bool process_start(const struct service_snapshot *service, double *ret_value);
bool collect_time(const struct service_snapshot *service, double *ret_value);
bool requests_shed(const struct service_snapshot *service, double *ret_value);
bool reload_successful(const struct service_snapshot *service, double *ret_value);
bool reload_time(const struct service_snapshot *service, double *ret_value);
bool state_kept(const struct service_snapshot *service, double *ret_value);
bool state_saved(const struct service_snapshot *service, double *ret_value);
bool state_size(const struct service_snapshot *service, double *ret_value);

#endif
