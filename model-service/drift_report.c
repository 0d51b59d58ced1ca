/* drift_report.c - what a detector knows, for status, metrics and batch results. */
#include "drift_detector_internal.h"

#include "stats/evidence.h"

#include <math.h>
#include <string.h>

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

/* Computed again only when the window has changed: without a new observation it can only lose rows.
 */
static struct window_moments read_moments(struct feature *feature, uint64_t observations,
                                          uint64_t rows)
{
    if (rows == 0 || observations != feature->moments_observations ||
        rows != feature->moments_rows) {
        feature->moments = drift_feature_window_moments(feature->window);
        feature->moments_observations = observations;
        feature->moments_rows = rows;
    }
    return feature->moments;
}

static void report_window(struct feature *feature, uint64_t observations,
                          struct detector_feature_report *report)
{
    const struct window_counts counts = drift_feature_window_counts(feature->window);
    const struct window_moments moments = read_moments(feature, observations, counts.observations);
    report->window_rows = counts.observations;
    report->window_missing = counts.missing;
    report->window_infinite = counts.positive_infinite + counts.negative_infinite;
    report->window_unseen = counts.unseen;
    report->window_mean = moments.mean;
    report->window_deviation = moments.deviation;
    report->window_min = moments.min;
    report->window_max = moments.max;
    report->effective_rows = drift_feature_window_effective(feature->window);
    report->missing_p_value = drift_feature_window_missing_p(feature->window);
}

/* What is reported after the most frequent categories, in this order. */
enum { SLOT_OTHER, SLOT_UNSEEN, SLOT_MISSING, RESERVED_SLOTS };
static const char *const reserved_name[RESERVED_SLOTS] = {"__other__", "__unseen__", "__missing__"};

/* The place of a bin in the report. A category of the reference that has a reserved name is counted
 * with it, since two series cannot have the same name. */
static size_t category_slot(const struct categorical_reference *reference, size_t bin, size_t top)
{
    if (bin == categorical_code_missing(reference))
        return top + SLOT_MISSING;
    if (bin == categorical_code_unseen(reference))
        return top + SLOT_UNSEEN;
    for (size_t i = 0; bin < reference->categories && i < RESERVED_SLOTS; i++)
        if (strcmp(reference->name[bin], reserved_name[i]) == 0)
            return top + i;
    return bin < top ? bin : top + SLOT_OTHER;
}

static void report_categories(const struct feature *feature, struct detector_feature_report *report)
{
    const struct categorical_reference *reference = &feature->reference.categorical;
    size_t bins;
    const uint64_t *window = drift_feature_window_bins(feature->window, &bins);
    const size_t top = reference->categories < DETECTOR_TOP_CATEGORIES ? reference->categories
                                                                       : DETECTOR_TOP_CATEGORIES;
    uint64_t counts[DETECTOR_CATEGORIES] = {0}, reference_counts[DETECTOR_CATEGORIES] = {0};
    for (size_t b = 0; b < bins; b++) {
        const size_t slot = category_slot(reference, b, top);
        counts[slot] += window[b];
        reference_counts[slot] += reference->bin_count[b];
    }
    for (size_t c = 0; c < top + RESERVED_SLOTS; c++) {
        if (c < top && category_slot(reference, c, top) != c)
            continue;
        report->category[report->category_count++] = (struct detector_category_report){
            .name = c < top ? reference->name[c] : reserved_name[c - top],
            .window_ratio =
                report->window_rows ? (double)counts[c] / (double)report->window_rows : NAN,
            .reference_ratio = (double)reference_counts[c] / (double)reference->rows,
        };
    }
}

static void report_feature(struct feature *feature, uint64_t observations,
                           struct detector_feature_report *report)
{
    *report = (struct detector_feature_report){
        .name = feature->name,
        .type = feature->type,
        .prediction = feature->prediction,
        .sufficient = feature->sufficient,
        .threshold = {feature->threshold[SEVERITY_WARNING], feature->threshold[SEVERITY_CRITICAL]},
        .headline_score = NAN,
        .drifted_since_ms = feature->drifted_since_ms,
        .missing_total = feature->missing_total,
        .infinite_total = feature->infinite_total,
        .unseen_total = feature->unseen_total,
        .out_of_range_total = feature->out_of_range_total,
    };
    report_reference(feature, report);
    report_window(feature, observations, report);
    if (feature->type == FEATURE_CATEGORICAL)
        report_categories(feature, report);
}

static void report_test(const struct detector *detector, const struct test *test,
                        struct detector_report *report)
{
    struct detector_feature_report *feature = &report->features[test->feature];
    const bool scaled = detector_method_has_threshold(test->method);
    const bool significant = feature->sufficient && test->significant;
    const bool drifted =
        significant && detector_test_drifted(detector, test, 1.0, SEVERITY_WARNING);
    feature->method[test->method] = (struct detector_method_report){
        .applies = true,
        .score = feature->sufficient ? test->score : NAN,
        .threshold = scaled ? feature->threshold[SEVERITY_WARNING] : NAN,
        .p_value = feature->sufficient ? test->p_value : NAN,
        .significant = significant,
        .drifted = drifted,
    };
    if (test->method == detector_headline_method(feature->type))
        feature->headline_score = feature->method[test->method].score;
    feature->drifted |= drifted;
    if (feature->prediction) {
        report->prediction_drift_detected |= drifted;
        return;
    }
    report->drift_detected |= drifted;
    if (scaled && significant && test->score > report->largest_score)
        report->largest_score = test->score;
}

static void report_missing(struct detector *detector, struct detector_report *report)
{
    for (size_t f = 0; f < detector->feature_count; f++)
        detector->p_values[f] = report->features[f].prediction
                                    ? NAN /* a family of the inputs */
                                    : report->features[f].missing_p_value;
    drift_holm(detector->p_values, detector->feature_count, detector->significance, detector->order,
               detector->significant);
    for (size_t f = 0; f < detector->feature_count; f++)
        report->features[f].missing_significant = report->sufficient && detector->significant[f];
}

void detector_report(struct detector *detector, int64_t now_ms, struct detector_report *report)
{
    for (size_t f = 0; f < detector->feature_count; f++)
        drift_feature_window_advance(detector->features[f].window, now_ms);
    const uint64_t rows = detector_window_rows(detector);
    (void)detector_read_scores(detector);
    detector_weigh_evidence(detector);
    report->sufficient = rows >= detector->minimum_sample;
    detector_track(detector, now_ms);

    report->drift_detected = report->prediction_drift_detected = false;
    report->largest_score = report->sufficient ? 0 : NAN;
    report->window_rows = rows;
    report->window_capacity =
        detector->window.kind == WINDOW_COUNT ? detector->window.observations : 0;
    report->minimum_sample = detector->minimum_sample;
    report->reference_rows = detector->reference_rows;
    report->reference_fingerprint = detector->reference_fingerprint;
    report->observations_total = detector->observations_total;
    report->last_observation_ms = detector->last_observation_ms;
    report->significance = detector->significance;
    for (enum drift_severity s = 0; s < SEVERITY_COUNT; s++) {
        report->onsets[s] = detector->onsets[s];
        report->incidents[s] = detector->incidents[s].opened;
        report->threshold[s] = detector->threshold[s];
    }
    report->feature_count = detector->feature_count;
    for (size_t f = 0; f < detector->feature_count; f++)
        report_feature(&detector->features[f], detector->observations_total, &report->features[f]);
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
