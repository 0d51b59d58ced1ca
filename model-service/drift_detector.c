/* drift_detector.c - scores, evidence and verdicts of one model. See the header for the rule. */
#include "drift_detector.h"

#include "divergence.h"
#include "evidence.h"
#include "feature_window.h"
#include "reference.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* An onset ends when the score falls below this share of its threshold or loses its evidence, so
 * that a score hovering at the threshold counts as one onset, not hundreds. */
#define ONSET_RELEASE 0.9

struct feature {
    const char *name;
    enum feature_type type;
    union {
        struct numeric_reference numeric;
        struct categorical_reference categorical;
    } reference;
    bool reference_ready;
    struct feature_window *window;
    bool in_drift[SEVERITY_COUNT];
    int64_t drifted_since_ms;
    uint64_t missing_total, infinite_total, unseen_total;
};

/* One member of the Holm family: a method on a feature. */
struct test {
    size_t feature;
    enum drift_method method;
    double score;        /* NaN: not available */
    double tested_score; /* the score that p_value and evidence belong to */
    uint64_t tested_rows;
    double p_value;  /* as published */
    double evidence; /* what Holm's correction is given: p_value or larger */
    bool significant;
};

struct detector {
    struct feature *features;
    size_t feature_count;
    size_t reference_rows;
    struct test *tests; /* grouped by feature */
    size_t test_count;
    double *p_values; /* scratch of holm(): [max(test_count, feature_count)] */
    size_t *order;
    bool *significant;
    struct window_spec window;
    uint64_t minimum_sample;
    double threshold[SEVERITY_COUNT];
    double significance;
    uint64_t observations_total;
    uint64_t onsets[SEVERITY_COUNT];
    int64_t last_observation_ms;
    bool any_in_drift;
};

const char *drift_severity_name(enum drift_severity severity)
{
    return severity == SEVERITY_CRITICAL ? "critical" : "warning";
}

/* Chi-square and Cramer-von Mises statistics grow with the sample: they are evidence, not
 * magnitude, and have no threshold. */
static bool method_has_threshold(enum drift_method method)
{
    return method != METHOD_CHI_SQUARE && method != METHOD_CRAMER_VON_MISES;
}

static enum drift_method headline_method(enum feature_type type)
{
    return type == FEATURE_NUMERIC ? METHOD_KS_TEST : METHOD_PSI;
}

/* --- creation --- */

static int feature_create(struct feature *feature, const struct detector_feature *from,
                          const struct detector_spec *spec)
{
    feature->name = from->name;
    feature->type = from->type;
    const bool numeric = from->type == FEATURE_NUMERIC;
    int rc =
        numeric
            ? numeric_reference_init(&feature->reference.numeric, from->reference_numbers,
                                     spec->reference_rows, spec->bins, spec->reference_resolution)
            : categorical_reference_init(&feature->reference.categorical, from->reference_texts,
                                         spec->reference_rows, REFERENCE_MAX_CATEGORIES);
    if (rc < 0)
        return rc;
    feature->reference_ready = true;
    return feature_window_create(numeric ? &feature->reference.numeric : NULL,
                                 numeric ? NULL : &feature->reference.categorical, &spec->window,
                                 &feature->window);
}

static void tests_create(struct detector *detector, unsigned methods)
{
    for (size_t f = 0; f < detector->feature_count; f++)
        for (enum drift_method method = 0; method < METHOD_COUNT; method++) {
            if (!(methods & 1u << method) ||
                !drift_method_applies(method, detector->features[f].type))
                continue;
            detector->tests[detector->test_count++] = (struct test){.feature = f,
                                                                    .method = method,
                                                                    .score = NAN,
                                                                    .tested_score = NAN,
                                                                    .p_value = NAN,
                                                                    .evidence = NAN};
        }
}

static bool spec_valid(const struct detector_spec *spec)
{
    return spec->feature_count > 0 && spec->reference_rows > 0 && spec->minimum_sample > 0 &&
           spec->threshold[SEVERITY_WARNING] > 0 &&
           spec->threshold[SEVERITY_CRITICAL] > spec->threshold[SEVERITY_WARNING] &&
           spec->significance > 0 && spec->significance < 1 && spec->methods != 0;
}

static int detector_allocate(struct detector *detector, size_t feature_count)
{
    const size_t test_max = feature_count * METHOD_COUNT;
    detector->features = calloc(feature_count, sizeof(*detector->features));
    detector->tests = calloc(test_max, sizeof(*detector->tests));
    detector->p_values = calloc(test_max, sizeof(*detector->p_values));
    detector->order = calloc(test_max, sizeof(*detector->order));
    detector->significant = calloc(test_max, sizeof(*detector->significant));
    if (!detector->features || !detector->tests || !detector->p_values || !detector->order ||
        !detector->significant)
        return -ENOMEM;
    detector->feature_count = feature_count;
    return 0;
}

int detector_create(const struct detector_spec *spec, struct detector **ret_detector)
{
    if (!spec_valid(spec))
        return -EINVAL;
    struct detector *detector = calloc(1, sizeof(*detector));
    if (!detector)
        return -ENOMEM;
    int rc = detector_allocate(detector, spec->feature_count);
    for (size_t f = 0; rc == 0 && f < spec->feature_count; f++)
        rc = feature_create(&detector->features[f], &spec->features[f], spec);
    if (rc < 0) {
        detector_destroy(detector);
        return rc;
    }
    tests_create(detector, spec->methods);
    detector->reference_rows = spec->reference_rows;
    detector->window = spec->window;
    detector->minimum_sample = spec->minimum_sample;
    for (enum drift_severity s = 0; s < SEVERITY_COUNT; s++)
        detector->threshold[s] = spec->threshold[s];
    detector->significance = spec->significance;
    *ret_detector = detector;
    return 0;
}

void detector_destroy(struct detector *detector)
{
    if (!detector)
        return;
    for (size_t f = 0; f < detector->feature_count; f++) {
        struct feature *feature = &detector->features[f];
        feature_window_destroy(feature->window);
        if (!feature->reference_ready)
            continue;
        if (feature->type == FEATURE_NUMERIC)
            numeric_reference_finish(&feature->reference.numeric);
        else
            categorical_reference_finish(&feature->reference.categorical);
    }
    free(detector->features);
    free(detector->tests);
    free(detector->p_values);
    free(detector->order);
    free(detector->significant);
    free(detector);
}

size_t detector_feature_count(const struct detector *detector)
{
    return detector->feature_count;
}

uint32_t detector_category(const struct detector *detector, size_t feature, const char *text,
                           size_t bytes)
{
    return categorical_reference_code(&detector->features[feature].reference.categorical, text,
                                      bytes);
}

/* --- scores and evidence --- */

static uint64_t window_rows(const struct detector *detector)
{
    return feature_window_counts(detector->features[0].window).observations;
}

static void test_score(const struct detector *detector, struct test *test)
{
    double score;
    int rc = feature_window_score(detector->features[test->feature].window, test->method, &score);
    test->score = rc == 0 ? score : NAN;
}

/* The limits behind these p-values are far too small when bins are nearly empty: without drift, 50
 * rows in ten bins give PSI p < 0.001 in 6 % of all cases. */
static bool method_needs_backing(enum drift_method method)
{
    return method == METHOD_PSI || method == METHOD_JENSEN_SHANNON || method == METHOD_HELLINGER;
}

/* The p-value of the chi-square test on the same bins, which holds for small samples too. */
static double chi_square_p(const struct feature_window *window)
{
    double score, p;
    if (feature_window_score(window, METHOD_CHI_SQUARE, &score) < 0 ||
        feature_window_p_value(window, METHOD_CHI_SQUARE, score, &p) < 0)
        return 1;
    return p;
}

/* Recomputes p only when the score or the sample changed; returns whether it did. */
static bool test_p_value(const struct detector *detector, struct test *test, uint64_t rows)
{
    if (test->score == test->tested_score && rows == test->tested_rows)
        return false;
    double p;
    const struct feature_window *window = detector->features[test->feature].window;
    if (isnan(test->score) || feature_window_p_value(window, test->method, test->score, &p) < 0)
        p = NAN;
    test->p_value = test->evidence = p;
    if (!isnan(p) && method_needs_backing(test->method))
        test->evidence = fmax(p, chi_square_p(window));
    test->tested_score = test->score;
    test->tested_rows = rows;
    return true;
}

static void tests_evidence(struct detector *detector, uint64_t rows)
{
    bool changed = false;
    for (size_t t = 0; t < detector->test_count; t++)
        changed |= test_p_value(detector, &detector->tests[t], rows);
    if (!changed)
        return;
    for (size_t t = 0; t < detector->test_count; t++)
        detector->p_values[t] = detector->tests[t].evidence;
    holm(detector->p_values, detector->test_count, detector->significance, detector->order,
         detector->significant);
    for (size_t t = 0; t < detector->test_count; t++)
        detector->tests[t].significant = detector->significant[t];
}

static bool test_drifted(const struct detector *detector, const struct test *test, double factor,
                         enum drift_severity severity)
{
    return test->significant && method_has_threshold(test->method) &&
           test->score > factor * detector->threshold[severity];
}

/* Marks onsets and ends of drift of one feature; its tests are [first, last). */
static void feature_track(struct detector *detector, size_t f, const struct test *first,
                          const struct test *last, bool sufficient, int64_t now_ms)
{
    struct feature *feature = &detector->features[f];
    for (enum drift_severity s = 0; s < SEVERITY_COUNT; s++) {
        const double factor = feature->in_drift[s] ? ONSET_RELEASE : 1.0;
        bool drifted = false;
        for (const struct test *test = first; sufficient && test < last; test++)
            drifted |= test_drifted(detector, test, factor, s);
        if (drifted && !feature->in_drift[s])
            detector->onsets[s]++;
        if (s == SEVERITY_WARNING && drifted != feature->in_drift[s])
            feature->drifted_since_ms = drifted ? now_ms : 0;
        feature->in_drift[s] = drifted;
        detector->any_in_drift |= drifted;
    }
}

static void drift_track(struct detector *detector, bool sufficient, int64_t now_ms)
{
    detector->any_in_drift = false;
    const struct test *test = detector->tests;
    const struct test *end = detector->tests + detector->test_count;
    while (test < end) {
        const struct test *last = test;
        while (last < end && last->feature == test->feature)
            last++;
        feature_track(detector, test->feature, test, last, sufficient, now_ms);
        test = last;
    }
}

static bool drift_detected(const struct detector *detector)
{
    for (size_t t = 0; t < detector->test_count; t++)
        if (test_drifted(detector, &detector->tests[t], 1.0, SEVERITY_WARNING))
            return true;
    return false;
}

/* Reads every score; true when one exceeds the warning threshold. */
static bool scores_read(struct detector *detector)
{
    bool exceeds = false;
    for (size_t t = 0; t < detector->test_count; t++) {
        struct test *test = &detector->tests[t];
        test_score(detector, test);
        exceeds |= method_has_threshold(test->method) &&
                   test->score > detector->threshold[SEVERITY_WARNING];
    }
    return exceeds;
}

static void headline_scores(const struct detector *detector, bool sufficient, double *scores)
{
    for (size_t f = 0; f < detector->feature_count; f++)
        scores[f] = NAN;
    for (size_t t = 0; sufficient && t < detector->test_count; t++) {
        const struct test *test = &detector->tests[t];
        if (test->method == headline_method(detector->features[test->feature].type))
            scores[test->feature] = test->score;
    }
}

static void feature_observe(struct feature *feature, union detector_value value, int64_t now_ms)
{
    if (feature->type == FEATURE_NUMERIC) {
        feature->missing_total += isnan(value.number) != 0;
        feature->infinite_total += isinf(value.number) != 0;
        feature_window_observe_number(feature->window, value.number, now_ms);
        return;
    }
    const struct categorical_reference *reference = &feature->reference.categorical;
    feature->missing_total += value.category == categorical_code_missing(reference);
    feature->unseen_total += value.category == categorical_code_other(reference);
    feature_window_observe_category(feature->window, value.category, now_ms);
}

static void feature_observe_all(struct feature *feature, const union detector_value *values,
                                size_t rows, int64_t now_ms)
{
    if (feature->type == FEATURE_CATEGORICAL) {
        for (size_t r = 0; r < rows; r++)
            feature_observe(feature, values[r], now_ms);
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        feature->missing_total += isnan(values[r].number) != 0;
        feature->infinite_total += isinf(values[r].number) != 0;
    }
    if (rows > 0)
        feature_window_observe_numbers(feature->window, &values->number, rows, now_ms);
}

/* Feature by feature: the tables of one reference at a time stay in the processor's cache. */
void detector_add_rows(struct detector *detector, const union detector_value *values, size_t rows,
                       size_t stride, int64_t now_ms)
{
    for (size_t f = 0; f < detector->feature_count; f++)
        feature_observe_all(&detector->features[f], &values[f * stride], rows, now_ms);
    detector->observations_total += rows;
    if (rows > 0)
        detector->last_observation_ms = now_ms;
}

struct detector_verdict detector_observe(struct detector *detector, const union detector_value *row,
                                         int64_t now_ms, double *scores)
{
    for (size_t f = 0; f < detector->feature_count; f++)
        feature_observe(&detector->features[f], row[f], now_ms);
    detector->observations_total++;
    detector->last_observation_ms = now_ms;
    const uint64_t rows = window_rows(detector);
    struct detector_verdict verdict = {.sufficient = rows >= detector->minimum_sample};
    const bool exceeds = scores_read(detector);
    if (verdict.sufficient && (exceeds || detector->any_in_drift)) {
        tests_evidence(detector, rows);
        drift_track(detector, true, now_ms);
        verdict.drift_detected = drift_detected(detector);
    }
    headline_scores(detector, verdict.sufficient, scores);
    return verdict;
}

/* --- report --- */

static void report_reference(const struct feature *feature, struct detector_feature_report *report)
{
    if (feature->type == FEATURE_CATEGORICAL) {
        report->reference_rows = feature->reference.categorical.rows;
        report->reference_missing = feature->reference.categorical.missing_rows;
        report->reference_mean = report->reference_deviation = NAN;
        report->reference_min = report->reference_max = NAN;
        return;
    }
    const struct numeric_reference *reference = &feature->reference.numeric;
    report->reference_rows = reference->rows;
    report->reference_missing = reference->missing_rows;
    report->reference_mean = reference->mean;
    report->reference_deviation = reference->deviation;
    report->reference_min = reference->min;
    report->reference_max = reference->max;
}

static void report_window(const struct feature *feature, struct detector_feature_report *report)
{
    const struct window_counts counts = feature_window_counts(feature->window);
    const struct window_moments moments = feature_window_moments(feature->window);
    report->window_rows = counts.observations;
    report->window_missing = counts.missing;
    report->window_infinite = counts.positive_infinite + counts.negative_infinite;
    report->window_unseen = counts.unseen;
    report->window_mean = moments.mean;
    report->window_deviation = moments.deviation;
    report->window_min = moments.min;
    report->window_max = moments.max;
    report->missing_p_value = feature_window_missing_p(feature->window);
}

static void report_feature(const struct feature *feature, struct detector_feature_report *report)
{
    *report = (struct detector_feature_report){
        .name = feature->name,
        .type = feature->type,
        .headline_score = NAN,
        .drifted_since_ms = feature->drifted_since_ms,
        .missing_total = feature->missing_total,
        .infinite_total = feature->infinite_total,
        .unseen_total = feature->unseen_total,
    };
    report_reference(feature, report);
    report_window(feature, report);
}

static void report_test(const struct detector *detector, const struct test *test,
                        struct detector_report *report)
{
    struct detector_feature_report *feature = &report->features[test->feature];
    const bool scaled = method_has_threshold(test->method);
    const bool significant = report->sufficient && test->significant;
    const bool drifted = significant && test_drifted(detector, test, 1.0, SEVERITY_WARNING);
    feature->method[test->method] = (struct detector_method_report){
        .applies = true,
        .score = report->sufficient ? test->score : NAN,
        .threshold = scaled ? detector->threshold[SEVERITY_WARNING] : NAN,
        .p_value = report->sufficient ? test->p_value : NAN,
        .significant = significant,
        .drifted = drifted,
    };
    if (test->method == headline_method(feature->type))
        feature->headline_score = feature->method[test->method].score;
    feature->drifted |= drifted;
    report->drift_detected |= drifted;
    if (scaled && significant && test->score > report->largest_score)
        report->largest_score = test->score;
}

static void report_missing(struct detector *detector, struct detector_report *report)
{
    for (size_t f = 0; f < detector->feature_count; f++)
        detector->p_values[f] = report->features[f].missing_p_value;
    holm(detector->p_values, detector->feature_count, detector->significance, detector->order,
         detector->significant);
    for (size_t f = 0; f < detector->feature_count; f++)
        report->features[f].missing_significant = report->sufficient && detector->significant[f];
}

void detector_report(struct detector *detector, int64_t now_ms, struct detector_report *report)
{
    for (size_t f = 0; f < detector->feature_count; f++)
        feature_window_advance(detector->features[f].window, now_ms);
    const uint64_t rows = window_rows(detector);
    (void)scores_read(detector);
    tests_evidence(detector, rows);
    report->sufficient = rows >= detector->minimum_sample;
    drift_track(detector, report->sufficient, now_ms);

    report->drift_detected = false;
    report->largest_score = report->sufficient ? 0 : NAN;
    report->window_rows = rows;
    report->window_capacity =
        detector->window.kind == WINDOW_COUNT ? detector->window.observations : 0;
    report->minimum_sample = detector->minimum_sample;
    report->reference_rows = detector->reference_rows;
    report->observations_total = detector->observations_total;
    report->last_observation_ms = detector->last_observation_ms;
    report->significance = detector->significance;
    for (enum drift_severity s = 0; s < SEVERITY_COUNT; s++) {
        report->onsets[s] = detector->onsets[s];
        report->threshold[s] = detector->threshold[s];
    }
    report->feature_count = detector->feature_count;
    for (size_t f = 0; f < detector->feature_count; f++)
        report_feature(&detector->features[f], &report->features[f]);
    for (size_t t = 0; t < detector->test_count; t++)
        report_test(detector, &detector->tests[t], report);
    report_missing(detector, report);
}

const char *detector_status_word(const struct detector_report *report)
{
    static const struct {
        double below;
        const char *word;
    } words[] = {{0.1, "No drift"}, {0.25, "Minor drift"}, {0.5, "Moderate drift"}};
    if (!report->sufficient)
        return "insufficient_data";
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (report->largest_score < words[i].below)
            return words[i].word;
    return "Severe drift";
}
