/* concept_monitor.c - labels, performance and detectors of one model. */
#include "concept_monitor_internal.h"

#include "row/split_mix.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* In units of the reference's mean absolute error. A normal error exceeds four of them once in
 * 700 times, and two of them once in 9. */
#define ERROR_BOUND 4.0
#define ERROR_HIGH  2.0
/* Times of this many labels are kept for dating an onset, or of ten windows. */
#define MINIMUM_TIMES 10000u
#define TIMES_WINDOWS 10u

const char *concept_reference_name(enum concept_reference reference)
{
    static const char *const names[] = {"none", "reference", "first_labels"};
    return names[reference];
}

/* --- creation --- */

static void take_reference(struct concept_monitor *monitor, struct performance *performance,
                           enum concept_reference from)
{
    struct performance_report report = {.classes = NULL};
    drift_performance_window_report(performance, &report);
    memcpy(monitor->reference_metric, report.metric, sizeof(report.metric));
    monitor->reference_labels = report.labels;
    monitor->reference = from;
}

/* What the detectors are told about a label. */
struct error_signal {
    double unit, binary;
};

static struct error_signal error_of(const struct concept_monitor *monitor, double prediction,
                                    double label)
{
    if (monitor->spec.task != PERFORMANCE_REGRESSION) {
        const double wrong = prediction != label;
        return (struct error_signal){wrong, wrong};
    }
    const double mean = monitor->reference_metric[PERFORMANCE_MAE].value;
    const double error = fabs(prediction - label);
    return (struct error_signal){.unit = error < ERROR_BOUND * mean ? error / (ERROR_BOUND * mean)
                                                                    : error > 0,
                                 .binary = error > ERROR_HIGH * mean};
}

/* Rows drawn with replacement, so that the order of the reference does not matter. */
static void prime(struct concept_monitor *monitor, const struct concept_spec *spec)
{
    for (uint64_t i = 0; i < spec->window; i++) {
        const size_t r = split_mix_at(i + 1) % spec->reference_rows;
        const struct error_signal error =
            error_of(monitor, spec->reference_predictions[r], spec->reference_labels[r]);
        drift_change_watch_prime(monitor->watch, error.unit, error.binary);
    }
}

static int reference_measure(struct concept_monitor *monitor, const struct concept_spec *spec)
{
    if (spec->reference_rows == 0)
        return 0;
    const struct performance_spec whole = {.task = spec->task,
                                           .classes = spec->classes,
                                           .window = spec->reference_rows,
                                           .level = spec->level};
    struct performance *performance;
    const int rc = drift_performance_create(&whole, &performance);
    if (rc < 0)
        return rc;
    for (size_t r = 0; r < spec->reference_rows; r++) {
        const double *scores =
            spec->reference_scores ? &spec->reference_scores[r * monitor->score_count] : NULL;
        const struct concept_pair pair = {spec->reference_predictions[r], spec->reference_labels[r],
                                          concept_score(spec->task, spec->classes, scores)};
        drift_performance_add(performance, pair.prediction, pair.label, scores);
        concept_calibration_add(monitor->reference_calibration, spec->task, &pair);
    }
    take_reference(monitor, performance, CONCEPT_REFERENCE_ROWS);
    drift_performance_destroy(performance);
    prime(monitor, spec);
    return 0;
}

static int parts_create(struct concept_monitor *monitor)
{
    const struct concept_spec *spec = &monitor->spec;
    const struct label_store_spec store = {.capacity = spec->capacity,
                                           .max_age_ms = spec->max_age_ms,
                                           .values = 1 + monitor->score_count,
                                           .key = {spec->key[0], spec->key[1]}};
    const struct performance_spec performance = {
        .task = spec->task, .classes = spec->classes, .window = spec->window, .level = spec->level};
    const size_t times = spec->window * TIMES_WINDOWS;
    const struct change_watch_spec watch = {.detectors = spec->detectors,
                                            .direction = CHANGE_UP,
                                            .seed = spec->seed,
                                            .hold = spec->window,
                                            .times = times < MINIMUM_TIMES ? MINIMUM_TIMES
                                                     : times > CHANGE_WATCH_MAX_TIMES
                                                         ? CHANGE_WATCH_MAX_TIMES
                                                         : times};
    monitor->row = calloc(1 + monitor->score_count, sizeof(*monitor->row));
    if (!monitor->row)
        return -ENOMEM;
    int rc = concept_ring_init(&monitor->pairs, spec->window);
    if (rc == 0)
        rc = drift_label_store_create(&store, &monitor->store);
    if (rc == 0)
        rc = drift_performance_create(&performance, &monitor->performance);
    return rc < 0 ? rc : drift_change_watch_create(&watch, &monitor->watch);
}

static int spec_check(const struct concept_spec *spec)
{
    if (!(spec->significance > 0 && spec->significance < 1) || spec->minimum_labels == 0 ||
        spec->window == 0 || spec->window > PERFORMANCE_MAX_WINDOW || spec->capacity == 0 ||
        (spec->task == PERFORMANCE_MULTICLASS && spec->classes > PERFORMANCE_MAX_CLASSES))
        return -EINVAL;
    const size_t scores = drift_performance_score_count(spec->task, spec->classes);
    return scores > 0 && spec->capacity > CONCEPT_MAX_STORED_VALUES / scores ? -E2BIG : 0;
}

int concept_monitor_create(const struct concept_spec *spec, struct concept_monitor **ret_monitor)
{
    int rc = spec_check(spec);
    if (rc < 0)
        return rc;
    struct concept_monitor *monitor = calloc(1, sizeof(*monitor));
    if (!monitor)
        return -ENOMEM;
    monitor->spec = *spec;
    monitor->spec.reference_predictions = NULL;
    monitor->spec.reference_labels = NULL;
    monitor->spec.reference_scores = NULL;
    monitor->score_count = drift_performance_score_count(spec->task, spec->classes);
    monitor->z = drift_performance_z(1 - spec->significance);
    for (size_t m = 0; m < PERFORMANCE_METRIC_COUNT; m++)
        monitor->reference_metric[m] = drift_performance_undefined();
    rc = parts_create(monitor);
    if (rc == 0)
        rc = reference_measure(monitor, spec);
    if (rc < 0) {
        concept_monitor_destroy(monitor);
        return rc;
    }
    *ret_monitor = monitor;
    return 0;
}

int concept_monitor_retune(struct concept_monitor *monitor, double significance,
                           uint64_t minimum_labels)
{
    if (!(significance > 0 && significance < 1) || minimum_labels == 0)
        return -EINVAL;
    monitor->spec.significance = significance;
    monitor->spec.minimum_labels = minimum_labels;
    monitor->z = drift_performance_z(1 - significance);
    return 0;
}

void concept_monitor_destroy(struct concept_monitor *monitor)
{
    if (!monitor)
        return;
    drift_label_store_destroy(monitor->store);
    drift_performance_destroy(monitor->performance);
    drift_change_watch_destroy(monitor->watch);
    concept_ring_finish(&monitor->pairs);
    free(monitor->row);
    free(monitor);
}

/* --- the rule --- */

static bool metric_degraded(const struct concept_monitor *monitor,
                            const struct performance_report *window, enum performance_metric metric)
{
    return monitor->reference != CONCEPT_REFERENCE_NONE &&
           window->labels >= monitor->spec.minimum_labels &&
           drift_performance_degraded(metric, &window->metric[metric],
                                      &monitor->reference_metric[metric], monitor->z);
}

static bool any_degraded(const struct concept_monitor *monitor,
                         const struct performance_report *window)
{
    for (enum performance_metric m = 0; m < PERFORMANCE_METRIC_COUNT; m++)
        if (metric_degraded(monitor, window, m))
            return true;
    return false;
}

static bool quiet_detector_in_drift(const struct concept_monitor *monitor)
{
    for (enum change_detector_kind kind = 0; kind < CHANGE_DETECTOR_COUNT; kind++)
        if (drift_change_detector_alerts(kind) && drift_change_watch_in_drift(monitor->watch, kind))
            return true;
    return false;
}

/* --- labels --- */

bool concept_output_valid(const struct concept_monitor *monitor, double output)
{
    if (monitor->spec.task == PERFORMANCE_REGRESSION)
        return isfinite(output);
    return output >= 0 && output < (double)monitor->spec.classes && floor(output) == output;
}

static void release_what_recovered(struct concept_monitor *monitor)
{
    if (!drift_change_watch_due(monitor->watch))
        return;
    struct performance_report window = {.classes = NULL};
    drift_performance_window_report(monitor->performance, &window);
    if (!any_degraded(monitor, &window))
        drift_change_watch_release(monitor->watch);
}

static void joined(struct concept_monitor *monitor, double prediction, const double *scores,
                   double label, int64_t predicted_ms)
{
    /* A prediction that was read from a file of state is whatever the file says. */
    if (!concept_output_valid(monitor, prediction))
        return;
    drift_performance_add(monitor->performance, prediction, label, scores);
    concept_ring_add(
        &monitor->pairs,
        &(struct concept_pair){prediction, label,
                               concept_score(monitor->spec.task, monitor->spec.classes, scores)});
    if (monitor->spec.task != PERFORMANCE_REGRESSION ||
        monitor->reference != CONCEPT_REFERENCE_NONE) {
        const struct error_signal error = error_of(monitor, prediction, label);
        (void)drift_change_watch_observe(monitor->watch, error.unit, error.binary, predicted_ms);
    }
    if (monitor->reference == CONCEPT_REFERENCE_NONE &&
        drift_performance_total_labels(monitor->performance) == monitor->spec.window)
        take_reference(monitor, monitor->performance, CONCEPT_REFERENCE_FIRST_LABELS);
    release_what_recovered(monitor);
}

bool concept_monitor_predicted(struct concept_monitor *monitor, const char *id, size_t id_bytes,
                               double prediction, const double *scores, int64_t now_ms)
{
    monitor->row[0] = prediction;
    for (size_t s = 0; s < monitor->score_count; s++)
        monitor->row[1 + s] = scores ? scores[s] : NAN;
    return drift_label_store_predicted(monitor->store, id, id_bytes, monitor->row, now_ms);
}

enum label_result concept_monitor_label(struct concept_monitor *monitor, const char *id,
                                        size_t id_bytes, double label, int64_t now_ms)
{
    const double *row = NULL;
    int64_t predicted_ms = 0;
    const enum label_result result =
        drift_label_store_label(monitor->store, id, id_bytes, label, now_ms, &row, &predicted_ms);
    if (result == LABEL_JOINED)
        joined(monitor, row[0], row + 1, label, predicted_ms);
    return result;
}

void concept_monitor_direct(struct concept_monitor *monitor, double prediction,
                            const double *scores, double label, int64_t now_ms)
{
    drift_label_store_direct(monitor->store, now_ms);
    joined(monitor, prediction, scores, label, now_ms);
}

/* --- report --- */

static void report_metrics(struct concept_monitor *monitor, struct concept_report *report)
{
    struct performance_report window = {.classes = report->window_class}, total = {.classes = NULL};
    drift_performance_window_report(monitor->performance, &window);
    drift_performance_total_report(monitor->performance, &total);
    report->window_labels = window.labels;
    report->total_labels = total.labels;
    for (enum performance_metric m = 0; m < PERFORMANCE_METRIC_COUNT; m++) {
        struct concept_metric *metric = &report->metric[m];
        *metric = (struct concept_metric){
            .applies = drift_performance_metric_applies(m, monitor->spec.task),
            .window = window.metric[m],
            .total = total.metric[m],
            .reference = monitor->reference_metric[m],
            .degraded = metric_degraded(monitor, &window, m)};
        report->degraded = report->degraded || metric->degraded;
    }
}

void concept_monitor_report(struct concept_monitor *monitor, int64_t now_ms,
                            struct concept_report *report)
{
    *report = (struct concept_report){.task = monitor->spec.task,
                                      .classes = monitor->spec.classes,
                                      .window_capacity = monitor->spec.window,
                                      .minimum_labels = monitor->spec.minimum_labels,
                                      .level = monitor->spec.level,
                                      .significance = monitor->spec.significance,
                                      .reference = monitor->reference,
                                      .reference_labels = monitor->reference_labels,
                                      .window_class = report->window_class};
    report_metrics(monitor, report);
    report->drift = report->degraded && quiet_detector_in_drift(monitor);
    drift_change_watch_report(monitor->watch, report->detector);
    report->coverage = drift_label_store_coverage(monitor->store, now_ms);
    report->labels = *drift_label_store_counters(monitor->store);
}

size_t concept_monitor_pairs(const struct concept_monitor *monitor, struct concept_pair *pairs,
                             struct concept_calibration_bin reference[CONCEPT_CALIBRATION_BINS])
{
    memcpy(reference, monitor->reference_calibration, sizeof(monitor->reference_calibration));
    return concept_ring_read(&monitor->pairs, pairs);
}

uint64_t concept_monitor_total_labels(const struct concept_monitor *monitor)
{
    return drift_performance_total_labels(monitor->performance);
}

size_t concept_monitor_label_bytes(const struct concept_monitor *monitor)
{
    return drift_label_store_bytes(&(struct label_store_spec){.capacity = monitor->spec.capacity,
                                                              .values = 1 + monitor->score_count});
}
