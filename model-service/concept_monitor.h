/* concept_monitor.h - one model's labels: joins them with predictions, measures the performance and
 * watches the stream of errors for a change of the concept.
 *
 * A metric is **degraded** when it is worse than the reference's own by more than chance explains
 * in either of them: the interval of the difference, at 1 - significance, excludes 0 on the worse
 * side, and the window holds the minimum of labels. The reference's own performance comes from its
 * predictions and labels; when it has none, the first full window of labels takes its place.
 *
 * The detectors see one number per label, in the order in which labels come: 1 for a wrong class, 0
 * for the right one; in regression the absolute error divided by four times the reference's mean
 * absolute error, at most 1 (detectors of 0 and 1 alone: whether it is above twice that mean).
 * They begin with the errors of rows drawn from the reference, as many as the window has, so that a
 * model that is worse from its first label on is a change too; without labels in the reference, a
 * regression's begin after the first window. A drift is held for as many labels as the
 * window has, and then until no metric is degraded, which is asked at every tenth of the window; it
 * is dated by the prediction that its label belongs to. **Concept drift** is a held drift of a
 * detector that is quiet enough (drift_change_detector_alerts()) together with a degraded metric.
 *
 * Not thread-safe: the owner locks around every call. Time is an argument. */
#ifndef CONCEPT_MONITOR_H
#define CONCEPT_MONITOR_H

#include "concept_monitor_pairs.h"
#include "stats/change_watch.h"
#include "stats/label_store.h"
#include "stats/performance.h"

struct concept_monitor;

/* Doubles kept for the scores of remembered predictions: 400 MB. */
#define CONCEPT_MAX_STORED_VALUES 50000000u
#define CONCEPT_DEFAULT_LEVEL     0.95

struct concept_spec {
    enum performance_task task;
    size_t classes; /* as in performance_spec */
    size_t capacity;
    int64_t max_age_ms;  /* of predictions that wait for a label */
    size_t window;       /* labels, 1 to PERFORMANCE_MAX_WINDOW */
    unsigned detectors;  /* bits 1 << enum change_detector_kind */
    double level;        /* of the intervals shown */
    double significance; /* of `degraded`, two-sided, in (0, 1) */
    uint64_t minimum_labels;
    uint64_t key[2]; /* of the hashes of ids; random in a service */
    uint64_t seed;   /* of sampling detectors */
    /* The reference's rows that have a prediction and a label; borrowed for creation. */
    size_t reference_rows;
    const double *reference_predictions, *reference_labels; /* [rows] */
    const double *reference_scores; /* [rows * scores], NaN where there are none; NULL: none */
};

/* 0; -EINVAL; -E2BIG (capacity times scores); -ENOMEM. */
NODISCARD int concept_monitor_create(const struct concept_spec *spec,
                                     struct concept_monitor **ret_monitor);
void concept_monitor_destroy(struct concept_monitor *monitor);

/* Other limits; what was measured stays. 0, or -EINVAL. */
NODISCARD int concept_monitor_retune(struct concept_monitor *monitor, double significance,
                                     uint64_t minimum_labels);

/* A prediction whose label may come: class index or number, and scores as in
 * drift_performance_add(). id_bytes: 1 to LABEL_ID_MAX_BYTES. False when the id is remembered
 * already: the first prediction stays. */
bool concept_monitor_predicted(struct concept_monitor *monitor, const char *id, size_t id_bytes,
                               double prediction, const double *scores, int64_t now_ms);

/* label: class index below `classes`, or a finite number. */
enum label_result concept_monitor_label(struct concept_monitor *monitor, const char *id,
                                        size_t id_bytes, double label, int64_t now_ms);

/* A prediction and its label at once, without an id. Counts as joined. */
void concept_monitor_direct(struct concept_monitor *monitor, double prediction,
                            const double *scores, double label, int64_t now_ms);

enum concept_reference {
    CONCEPT_REFERENCE_NONE,         /* neither labels in the reference nor a full window yet */
    CONCEPT_REFERENCE_ROWS,         /* the reference's own predictions and labels */
    CONCEPT_REFERENCE_FIRST_LABELS, /* the first full window */
};
/* "none", "reference", "first_labels" */
const char *concept_reference_name(enum concept_reference reference);

struct concept_metric {
    bool applies; /* to the task */
    struct performance_value window, total, reference;
    bool degraded;
};

struct concept_report {
    enum performance_task task;
    size_t classes;
    uint64_t window_labels, window_capacity, total_labels, minimum_labels;
    double level, significance;
    enum concept_reference reference;
    uint64_t reference_labels;
    struct concept_metric metric[PERFORMANCE_METRIC_COUNT];
    bool degraded; /* some metric */
    bool drift;
    struct drift_change_watch_report detector[CHANGE_DETECTOR_COUNT];
    struct label_counters labels;
    double coverage;                        /* NaN while unknown */
    struct performance_class *window_class; /* [classes], caller's; NULL if not wanted */
};

/* Fills *report but for window_class, which is the caller's. O(W log W) per score. */
void concept_monitor_report(struct concept_monitor *monitor, int64_t now_ms,
                            struct concept_report *report);

/* The last labels beside their predictions, oldest first; pairs: room for CONCEPT_PAIRS. reference:
 * the calibration of its own predictions, empty where it has none. Returns how many pairs. */
size_t concept_monitor_pairs(const struct concept_monitor *monitor, struct concept_pair *pairs,
                             struct concept_calibration_bin reference[CONCEPT_CALIBRATION_BINS]);

/* Labels that were joined since the start. */
uint64_t concept_monitor_total_labels(const struct concept_monitor *monitor);

/* Bytes of the predictions that wait, which is what the capacity bounds. */
size_t concept_monitor_label_bytes(const struct concept_monitor *monitor);

#endif
