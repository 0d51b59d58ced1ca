/* report.h - a comparison of two samples, for people: one self-contained HTML page with pictures,
 * or a short text in Markdown. It is written from a view that knows neither files nor the service.
 *
 * Names of features and categories are anything that a file or a client may send. They are escaped
 * wherever they are written, and can neither add markup nor load anything. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "drift_picture.h"
#include "encode/buffer.h"

struct report_view {
    const char *title;
    const char *reference, *current; /* what the two samples are: paths, or "live window" */
    const char *const *note;         /* [notes] whole sentences for the reader */
    size_t notes;
    int64_t written_ms; /* wall clock; 0: not said, so that equal files give equal bytes */
    const struct detector_report *drift;
    const size_t *feature; /* [features] which ones to show, in this order; see report_order() */
    size_t features;
    /* Describes a feature; called once for each that is shown. */
    void (*picture)(const void *context, size_t feature, struct feature_picture *ret_picture);
    const void *context;
};

enum report_verdict {
    REPORT_CRITICAL, /* drifted, above the critical threshold */
    REPORT_DRIFT,
    REPORT_MOVED,    /* significant, but not above the threshold */
    REPORT_UNPROVEN, /* above the threshold, but chance may explain it */
    REPORT_QUIET,
    REPORT_NO_SCORE,
};

enum report_verdict report_verdict(const struct detector_feature_report *feature);
/* "critical drift", "drift", "moved, below the threshold", ... Static. */
const char *report_verdict_words(enum report_verdict verdict);
/* The method that stands for the feature: among those that say what its verdict is the strongest
 * one, preferably one that the service computes by default and that has a p-value. */
enum drift_method report_method(const struct detector_feature_report *feature);
/* Score by that method in units of its threshold; 0 where there is none. */
double report_strength(const struct detector_feature_report *feature);

/* Indices of all features: drifted ones first, then those with evidence, then by how much of its
 * threshold the strongest score has; ties in their own order. order: [report->feature_count]. */
void report_order(const struct detector_report *report, size_t *order);

/* Appends; failures stick to the buffer. O(features + categories), besides the pictures. */
void report_write_html(const struct report_view *view, struct buffer *out);
void report_write_markdown(const struct report_view *view, struct buffer *out);

#endif
