/* drift_detector.h - one model's monitor: a reference and a window per feature, and from them
 * scores, evidence and verdicts.
 *
 * A feature is drifted by a method when its score exceeds the threshold (magnitude) AND its
 * p-value is significant after Holm's correction over all features and methods of the model
 * (evidence) AND the window holds the minimum sample. Nothing else
 * raises an alarm.
 *
 * The correction is made within families: the inputs' live methods, the inputs' other methods, and
 * the same two for the model's own predictions. So the verdict on an input does not depend on what
 * else is computed or known, and is the same in the service and in a check of files.
 *
 * Not thread-safe: the owner locks around every call but the const look-ups marked so. Time is
 * an argument. */
#ifndef DRIFT_DETECTOR_H
#define DRIFT_DETECTOR_H

#include "row/value.h"
#include "stats/drift_types.h"

#include <stdbool.h>

struct detector;
struct counted_category; /* stats/reference.h */

enum drift_severity { SEVERITY_WARNING, SEVERITY_CRITICAL, SEVERITY_COUNT };
/* "warning", "critical" */
const char *drift_severity_name(enum drift_severity severity);

struct detector_feature {
    const char *name; /* borrowed for the detector's life */
    enum feature_type type;
    const double *reference_numbers; /* numeric: [rows], NaN missing; borrowed for creation */
    /* categorical: [rows], NULL missing, read by category_of_text(); borrowed for creation */
    const char *const *reference_texts;
    /* Or the distinct texts, each with its rows; the other rows are missing. Likewise. */
    const struct counted_category *reference_counts;
    size_t reference_count;
    double threshold[SEVERITY_COUNT]; /* 0: the model's */
    bool prediction;                  /* the model's own output, not an input */
};

struct detector_spec {
    const struct detector_feature *features;
    size_t feature_count;  /* >= 1 */
    size_t reference_rows; /* >= 1 */
    struct window_spec window;
    uint64_t minimum_sample;          /* >= 1 observations before any score is published */
    double threshold[SEVERITY_COUNT]; /* of every method that has one; 0 < warning < critical */
    double significance;              /* family-wise error, in (0, 1) */
    unsigned methods;                 /* set of 1u << enum drift_method; the Holm family */
    size_t bins;                      /* of numeric features' histograms */
    size_t reference_resolution;      /* 0: keep every distinct reference value */
    /* NULL, or called when the reference values of a feature are not needed any more, by any thread
     * and for several features at a time. */
    void (*used)(void *context, size_t feature);
    void *context;
};

/* The methods a live service computes by default: cheap enough after every observation. */
#define DETECTOR_LIVE_METHODS (1u << METHOD_KS_TEST | 1u << METHOD_PSI)
#define DETECTOR_ALL_METHODS  ((1u << METHOD_COUNT) - 1)

/* 0, -ENOMEM, -EINVAL. */
NODISCARD int detector_create(const struct detector_spec *spec, struct detector **ret_detector);
void detector_destroy(struct detector *detector);

/* A value as its feature's window counts it. */
union detector_cell {
    double number;     /* numeric; NaN is missing */
    uint32_t category; /* categorical: code of a category, of an unseen one, or of missing */
};

/* The cell of a value: of a numeric feature its number, of a categorical one the category that it
 * names (category_of_value()). Const and thread-safe. */
union detector_cell detector_cell(const struct detector *detector, size_t feature,
                                  const struct value *value);

/* What is known right after an observation. */
struct detector_verdict {
    bool sufficient;     /* the window holds the minimum sample */
    bool drift_detected; /* some input is drifted at the warning threshold */
};

/* Adds a row, read in place. inputs: the values of the features other than predictions, which come
 * first; predictions: those of the other features, NULL if there are none. A missing prediction is
 * one that nobody made, and adds nothing to its window; a missing input is counted as missing.
 * scores: [feature_count], receives each feature's headline score (KS D for a numeric feature, PSI
 * for a categorical one; NaN while insufficient or undefined). Cost: O(log R) per feature; evidence
 * is computed only when a score exceeds its threshold, and only for scores that changed. No
 * allocation. */
struct detector_verdict detector_observe(struct detector *detector, const struct value *inputs,
                                         const struct value *predictions, int64_t now_ms,
                                         double *scores);

/* Adds rows without reading any score: for a batch, which reports once at its end. cells: by
 * feature, row r of feature f at cells[f * stride + r]. feature_rows: NULL, or how many cells each
 * feature has, where some rows lack a prediction. Equal to observing them one by one. */
void detector_add_rows(struct detector *detector, const union detector_cell *cells, size_t rows,
                       size_t stride, const size_t *feature_rows, int64_t now_ms);

/* Reads scores and evidence as detector_observe() does after its row: for rows just added. */
struct detector_verdict detector_judge(struct detector *detector, int64_t now_ms, double *scores);

struct detector_method_report {
    bool applies;     /* the method is computed for this feature */
    double score;     /* NaN while insufficient or undefined */
    double threshold; /* warning; NaN for a method without a scale of its own */
    double p_value;   /* NaN where none is defined */
    bool significant, drifted;
};

/* Shares of the window and of the reference that a category has. */
struct detector_category_report {
    const char *name; /* borrowed from the detector, or static */
    double window_ratio, reference_ratio;
};

/* Of a categorical feature: so many of the reference's most frequent categories, then the rest
 * together and the missing ones. A fixed list, so that each is a series from start to end. */
#define DETECTOR_TOP_CATEGORIES 10
/* and the other categories of the reference, unseen ones, missing */
#define DETECTOR_CATEGORIES (DETECTOR_TOP_CATEGORIES + 3)

struct detector_feature_report {
    const char *name;
    enum feature_type type;
    bool prediction; /* the model's own output */
    bool sufficient; /* its window holds the minimum sample */
    double threshold[SEVERITY_COUNT];
    struct detector_method_report method[METHOD_COUNT];
    double headline_score;
    bool drifted;
    int64_t drifted_since_ms; /* of the running drift; 0 if none */
    uint64_t window_rows, window_missing, window_infinite, window_unseen;
    double effective_rows; /* independent rows that p-values take the window's rows for */
    uint64_t reference_rows, reference_missing;
    double missing_p_value;   /* two proportions, window against reference */
    bool missing_significant; /* Holm over the model's features */
    double window_mean, window_deviation, window_min, window_max;
    double reference_mean, reference_deviation, reference_min, reference_max;
    /* since creation; out of range: finite, and below the reference's min or above its max */
    uint64_t missing_total, infinite_total, unseen_total, out_of_range_total;
    size_t category_count; /* 0 for a numeric feature */
    struct detector_category_report category[DETECTOR_CATEGORIES];
};

/* How long no input must be drifted until the next onset is a new incident: longer than the alert
 * rules hold an alert after its drift (keep_firing_for, 105 s), so that an incident counts once
 * however often its features cross their thresholds. */
#define DETECTOR_QUIET_MS 300000

struct detector_report {
    bool sufficient;
    bool drift_detected;            /* some input is drifted */
    bool prediction_drift_detected; /* the model's own output is */
    double largest_score;           /* among inputs' scores with evidence; 0 when none has any, NaN
                                       insufficient */
    uint64_t window_rows, window_capacity, minimum_sample, reference_rows;
    uint64_t reference_fingerprint; /* of the features' names and references, in order */
    uint64_t observations_total;
    int64_t last_observation_ms; /* 0 before the first */
    uint64_t onsets[SEVERITY_COUNT];
    uint64_t incidents[SEVERITY_COUNT]; /* opened: drift of any input after DETECTOR_QUIET_MS
                                           without any */
    double threshold[SEVERITY_COUNT];
    double significance;
    size_t feature_count;
    struct detector_feature_report *features; /* [feature_count], caller's array */
};

/* Rows since creation. */
uint64_t detector_observations(const struct detector *detector);
size_t detector_feature_count(const struct detector *detector);
/* Borrowed; const and thread-safe. */
const char *detector_feature_name(const struct detector *detector, size_t feature);

/* Other thresholds, significance and minimum sample for the same features; windows stay as they
 * are. spec: only these members are read, of the features only their thresholds. 0, -EINVAL. */
NODISCARD int detector_retune(struct detector *detector, const struct detector_spec *spec);

/* So many rows say as much as one of its own (stats/feature_window.h), from the next p-value on. */
void detector_discount(struct detector *detector, size_t feature, double values, double missing);

/* Fills *report; report->features must have room for every feature. O(features) for the live
 * methods. */
void detector_report(struct detector *detector, int64_t now_ms, struct detector_report *report);

/* "insufficient_data", "No drift" (< 0.1), "Minor drift" (< 0.25), "Moderate drift" (< 0.5),
 * "Severe drift", by the largest score that has evidence. */
const char *detector_status_word(const struct detector_report *report);

#endif
