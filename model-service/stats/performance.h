/* performance.h - how good a model is: predictions beside their labels, over the last W of them
 * and since the start, each metric with an interval.
 *
 * Values are scikit-learn 1.2.1's definitions:
 *   accuracy, precision, recall, f1   of the positive class (index 1), or the macro average over
 *                    the classes that occur among labels or predictions; a class that was never
 *                    predicted (never occurs) has no precision (recall) of its own and counts as
 *                    0 in the average
 *   roc_auc          ties count half; multi-class: macro average of one class against the rest,
 *                    over the classes that have both
 *   log_loss         natural logarithm; probabilities are clipped to [2^-52, 1 - 2^-52] and
 *                    brought back to sum 1
 *   brier            mean (p - y)^2; multi-class: summed over the classes (Brier 1950), in [0, 2]
 *   expected_calibration_error   10 bins (i/10, (i+1)/10], 0 belongs to the first; binary: P(class
 *                    1) against the share of class 1; multi-class: the largest probability against
 *                    the share of hits (Guo et al. 2017, arXiv 1706.04599)
 *   mae, rmse, bias  of prediction - label
 *   r2               1 - SSE/SST
 * What has no value is undefined (`defined` false, NaN), never 0: precision without a positive
 * prediction, recall without a positive label, roc_auc of one class, r2 of constant labels (where
 * scikit-learn says 0 or 1), scores that were not given.
 *
 * Intervals, two-sided, at `level`:
 *   accuracy, precision, recall   Wilson (1927) on their own denominators
 *   f1               f1 = 2q/(1 + q) with q = tp/(tp + fp + fn): Wilson's for q, mapped
 *   macro averages   standard error by the delta method on the confusion matrix, as Wilson's
 *                    interval of the sample size that would have this error (Korn and Graubard
 *                    1998, Survey Methodology 24, 193-201)
 *   roc_auc          DeLong's standard error, likewise; macro: mean of the classes' errors, an
 * upper bound of the error of the mean whatever their correlation log_loss, brier, mae, bias
 * normal, s/sqrt(n) rmse             square roots of the normal interval of the mean squared error
 *   r2               delta method in the means of e^2, y^2 and y
 *   expected_calibration_error    delta method; the lower end is also lowered by what a perfectly
 *                    calibrated model would be expected to show in these bins, sum over bins of
 *                    sqrt(2/pi sum p(1 - p))/n, since the metric is biased upwards in small samples
 * No interval (NaN) where the sample is too small for one. */
#ifndef DRIFT_PERFORMANCE_H
#define DRIFT_PERFORMANCE_H

#include "drift_types.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum performance_task { PERFORMANCE_BINARY, PERFORMANCE_MULTICLASS, PERFORMANCE_REGRESSION };

enum performance_metric {
    PERFORMANCE_ACCURACY,
    PERFORMANCE_PRECISION,
    PERFORMANCE_RECALL,
    PERFORMANCE_F1,
    PERFORMANCE_ROC_AUC,
    PERFORMANCE_LOG_LOSS,
    PERFORMANCE_BRIER,
    PERFORMANCE_CALIBRATION_ERROR,
    PERFORMANCE_MAE,
    PERFORMANCE_RMSE,
    PERFORMANCE_BIAS,
    PERFORMANCE_R2,
    PERFORMANCE_METRIC_COUNT
};

enum performance_worse { WORSE_LOWER, WORSE_HIGHER, WORSE_FURTHER /* from the reference */ };

/* As in the metrics' `metric` label; NULL when out of range. Static storage. */
DRIFT_API const char *drift_performance_metric_name(enum performance_metric metric);
DRIFT_API enum performance_worse drift_performance_metric_worse(enum performance_metric metric);
DRIFT_API bool drift_performance_metric_applies(enum performance_metric metric,
                                                enum performance_task task);

/* What an interval is computed from, so that it can be had at any level. */
enum performance_basis {
    BASIS_NONE,
    BASIS_PROPORTION, /* Wilson's */
    BASIS_F1,         /* Wilson's, mapped */
    BASIS_NORMAL,
    BASIS_ROOT, /* of a normal one */
};

struct performance_value {
    bool defined;
    double value;          /* NaN when undefined, as the next three */
    double standard_error; /* NaN when unknown */
    double lower, upper;   /* NaN when unknown */
    uint64_t n;            /* labels it rests on: precision's are the positive predictions */
    enum performance_basis basis;
    double centre, error, size; /* of the basis */
    double bias;                /* by which the lower end is lowered */
    double least, most;         /* the metric's range */
};

/* The value of a metric that has none. */
DRIFT_API struct performance_value drift_performance_undefined(void);

/* Standard normal quantile z with P(|Z| <= z) = level, in (0, 1). Relative error below 1e-12. */
DRIFT_API double drift_performance_z(double level);

/* False, and nothing written, when the value is undefined or has no interval. */
DRIFT_API bool drift_performance_interval(const struct performance_value *value, double z,
                                          double *ret_lower, double *ret_upper);

/* Whether `current` is worse than `reference` by more than chance explains in either of them: the
 * interval of their difference, built from both intervals at z (Newcombe 1998, method 10;
 * Zou and Donner 2008, Stat. Med. 27, 1693-1702), excludes 0 on the worse side. Small samples:
 * means use Student's quantile instead of z, and two shares must also differ by Fisher's exact test
 * at z's two-sided level. How often without a difference: docs/size.md. */
DRIFT_API bool drift_performance_degraded(enum performance_metric metric,
                                          const struct performance_value *current,
                                          const struct performance_value *reference, double z);

struct performance_class {
    uint64_t labels, predictions, hits;
    struct performance_value precision, recall, f1, roc_auc;
};

struct performance_report {
    uint64_t labels; /* in the window, or since the start */
    struct performance_value metric[PERFORMANCE_METRIC_COUNT];
    struct performance_class *classes; /* [classes], caller's; NULL if not wanted */
};

/* Two confusion matrices are kept: 8 MB each at the largest number of classes. */
#define PERFORMANCE_MAX_CLASSES 1000u
#define PERFORMANCE_MAX_WINDOW  10000000u

struct performance_spec {
    enum performance_task task;
    size_t classes; /* 2 when binary, 2 to PERFORMANCE_MAX_CLASSES, ignored for regression */
    size_t window;  /* labels, 1 to PERFORMANCE_MAX_WINDOW */
    double level;   /* of the intervals, in (0, 1) */
};

/* Scores a prediction has: 1 when binary, `classes` when multi-class, 0 for regression. */
DRIFT_API size_t drift_performance_score_count(enum performance_task task, size_t classes);

struct performance;

/* 0, -EINVAL, -ENOMEM. Memory: window * (32 + 8 * scores) bytes and, for roc_auc since the start,
 * 64 KiB per score (4 KiB beyond 64 classes); nothing is allocated later. */
DRIFT_API NODISCARD int drift_performance_create(const struct performance_spec *spec,
                                                 struct performance **ret_performance);
DRIFT_API void drift_performance_destroy(struct performance *performance);

/* One prediction and its label, class indices (whole, below `classes`) or finite numbers.
 * scores: binary P(class 1), multi-class one probability per class; NULL, or any outside [0, 1] or
 * NaN, when there are none: the metrics of probabilities leave the pair out. O(scores). */
DRIFT_API void drift_performance_add(struct performance *performance, double prediction,
                                     double label, const double *scores);

DRIFT_API uint64_t drift_performance_window_labels(const struct performance *performance);
DRIFT_API uint64_t drift_performance_total_labels(const struct performance *performance);

/* Fill *report but for report->classes, which is the caller's (or NULL). Over the window: exact,
 * O(W log W) per score, meant for a scrape. Not const: they sort in memory of their own.
 * Since the start: O(classes^2); scores are counted in 4096 steps of their scale (256 beyond 64
 * classes), so that two of one step are a tie: roc_auc is off by at most half the share of such
 * pairs. */
DRIFT_API void drift_performance_window_report(struct performance *performance,
                                               struct performance_report *report);
DRIFT_API void drift_performance_total_report(const struct performance *performance,
                                              struct performance_report *report);

/* State as bytes, the same on every machine (little-endian, versioned); reports of the restored
 * state are equal to the last bit. save: returns the size; writes nothing when it exceeds capacity.
 * restore: 0; -EINVAL (not a state, or of another spec); -ENOMEM. Untouched on failure; any bytes
 * are safe. */
DRIFT_API size_t drift_performance_save(const struct performance *performance, void *bytes,
                                        size_t capacity);
DRIFT_API NODISCARD int drift_performance_restore(struct performance *performance,
                                                  const void *bytes, size_t size);

#ifdef __cplusplus
}
#endif

#endif
