/* drift_detector_internal.h - the structures, for drift_*.c alone. */
#ifndef DRIFT_DETECTOR_INTERNAL_H
#define DRIFT_DETECTOR_INTERNAL_H

#include "drift_detector.h"

#include "stats/feature_window.h"
#include "stats/reference.h"

struct feature {
    const char *name;
    enum feature_type type;
    union {
        struct numeric_reference numeric;
        struct categorical_reference categorical;
    } reference;
    bool reference_ready;
    struct feature_window *window;
    bool prediction;
    double threshold[SEVERITY_COUNT];
    double discount, missing_discount; /* what the window was told; 0 before */
    bool sufficient;                   /* as of the last reading of scores */
    bool in_drift[SEVERITY_COUNT];
    int64_t drifted_since_ms;
    uint64_t missing_total, infinite_total, unseen_total, out_of_range_total;
    /* as of the last report, and the state of the window they belong to */
    struct window_moments moments;
    uint64_t moments_observations, moments_rows;
};

/* Each is corrected by itself (drift_detector.h says why). */
enum test_family {
    FAMILY_INPUT_LIVE,
    FAMILY_INPUT_OTHER,
    FAMILY_PREDICTION_LIVE,
    FAMILY_PREDICTION_OTHER,
    FAMILY_COUNT
};

/* One member of a Holm family: a method on a feature. */
struct test {
    size_t feature;
    enum drift_method method;
    enum test_family family;
    double score;        /* NaN: not available */
    double tested_score; /* the score that p_value belongs to */
    uint64_t tested_rows;
    double p_value; /* NaN: not available */
    bool significant;
};

/* Onsets close to each other are one incident. */
struct incidents {
    uint64_t opened;
    bool drifted;    /* some input was, as of the last tracking */
    int64_t last_ms; /* when one was last seen drifted */
};

struct detector {
    struct feature *features;
    size_t feature_count;
    size_t reference_rows;
    uint64_t reference_fingerprint;
    struct test *tests; /* grouped by feature */
    size_t test_count;
    double *p_values; /* scratch of drift_holm(): [max(test_count, feature_count)] */
    size_t *order, *member;
    bool *significant;
    struct window_spec window;
    uint64_t minimum_sample;
    double threshold[SEVERITY_COUNT];
    double significance;
    uint64_t observations_total;
    uint64_t onsets[SEVERITY_COUNT];
    struct incidents incidents[SEVERITY_COUNT];
    int64_t last_observation_ms;
    bool any_in_drift;
};

/* The name of a category's code, or a reserved one; see detector_category_name(). */
const char *feature_category_name(const struct feature *feature, uint32_t code);
uint64_t detector_window_rows(const struct detector *detector);
/* Whether the method's score has a scale of its own that a threshold can stand on. */
bool detector_method_has_threshold(enum drift_method method);
/* The method whose score stands for the feature. */
enum drift_method detector_headline_method(enum feature_type type);

/* Reads every score and which features have the minimum sample; true when a score exceeds its
 * warning threshold. */
bool detector_read_scores(struct detector *detector);
/* p-values of the scores just read, and which are significant together. */
void detector_weigh_evidence(struct detector *detector);
/* Magnitude and evidence; factor: of the threshold. */
bool detector_test_drifted(const struct detector *detector, const struct test *test, double factor,
                           enum drift_severity severity);
/* Marks onsets and ends of drift. */
void detector_track(struct detector *detector, int64_t now_ms);

#endif
