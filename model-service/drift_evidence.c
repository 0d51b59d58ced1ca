/* drift_evidence.c - from windows to scores, from scores to evidence, from evidence to onsets. */
#include "drift_detector_internal.h"

#include "stats/evidence.h"

#include <math.h>

/* An onset ends when the score falls below this share of its threshold or loses its evidence, so
 * that a score hovering at the threshold counts as one onset, not hundreds. */
#define ONSET_RELEASE 0.9

/* Chi-square and Cramer-von Mises statistics grow with the sample: they are evidence, not
 * magnitude, and have no threshold. */
bool detector_method_has_threshold(enum drift_method method)
{
    return method != METHOD_CHI_SQUARE && method != METHOD_CRAMER_VON_MISES;
}

enum drift_method detector_headline_method(enum feature_type type)
{
    return type == FEATURE_NUMERIC ? METHOD_KS_TEST : METHOD_PSI;
}

uint64_t detector_window_rows(const struct detector *detector)
{
    return drift_feature_window_counts(detector->features[0].window).observations;
}

static void test_score(const struct detector *detector, struct test *test)
{
    double score;
    int rc =
        drift_feature_window_score(detector->features[test->feature].window, test->method, &score);
    test->score = rc == 0 ? score : NAN;
}

/* Recomputes p only when the score or the sample changed; returns whether it did. */
static bool test_p_value(const struct detector *detector, struct test *test)
{
    const struct feature_window *window = detector->features[test->feature].window;
    const uint64_t rows = drift_feature_window_counts(window).observations;
    if (test->score == test->tested_score && rows == test->tested_rows)
        return false;
    double p;
    if (isnan(test->score) ||
        drift_feature_window_p_value(window, test->method, test->score, &p) < 0)
        p = NAN;
    test->p_value = p;
    test->tested_score = test->score;
    test->tested_rows = rows;
    return true;
}

void detector_discount(struct detector *detector, size_t f, double values, double missing)
{
    struct feature *feature = &detector->features[f];
    if (feature->discount == values && feature->missing_discount == missing)
        return;
    feature->discount = values;
    feature->missing_discount = missing;
    drift_feature_window_discount(feature->window, values, missing);
    for (size_t t = 0; t < detector->test_count; t++)
        if (detector->tests[t].feature == f)
            detector->tests[t].tested_score = NAN; /* judged anew */
}

static void correct_family(struct detector *detector, enum test_family family)
{
    size_t count = 0;
    for (size_t t = 0; t < detector->test_count; t++)
        if (detector->tests[t].family == family) {
            detector->member[count] = t;
            detector->p_values[count++] = detector->tests[t].p_value;
        }
    drift_holm(detector->p_values, count, detector->significance, detector->order,
               detector->significant);
    for (size_t i = 0; i < count; i++)
        detector->tests[detector->member[i]].significant = detector->significant[i];
}

void detector_weigh_evidence(struct detector *detector)
{
    bool changed[FAMILY_COUNT] = {0};
    for (size_t t = 0; t < detector->test_count; t++)
        changed[detector->tests[t].family] |= test_p_value(detector, &detector->tests[t]);
    for (enum test_family family = 0; family < FAMILY_COUNT; family++)
        if (changed[family])
            correct_family(detector, family);
}

bool detector_test_drifted(const struct detector *detector, const struct test *test, double factor,
                           enum drift_severity severity)
{
    return test->significant && detector_method_has_threshold(test->method) &&
           test->score > factor * detector->features[test->feature].threshold[severity];
}

/* Marks onsets and ends of drift of one feature; its tests are [first, last). */
static void feature_track(struct detector *detector, size_t f, const struct test *first,
                          const struct test *last, int64_t now_ms)
{
    struct feature *feature = &detector->features[f];
    for (enum drift_severity s = 0; s < SEVERITY_COUNT; s++) {
        const double factor = feature->in_drift[s] ? ONSET_RELEASE : 1.0;
        bool drifted = false;
        for (const struct test *test = first; feature->sufficient && test < last; test++)
            drifted |= detector_test_drifted(detector, test, factor, s);
        if (drifted && !feature->in_drift[s] && !feature->prediction)
            detector->onsets[s]++;
        if (s == SEVERITY_WARNING && drifted != feature->in_drift[s])
            feature->drifted_since_ms = drifted ? now_ms : 0;
        feature->in_drift[s] = drifted;
        detector->any_in_drift |= drifted;
    }
}

static void count_incidents(struct detector *detector, enum drift_severity severity, int64_t now_ms)
{
    struct incidents *incidents = &detector->incidents[severity];
    const bool before = incidents->drifted;
    incidents->drifted = false;
    for (size_t f = 0; f < detector->feature_count; f++)
        incidents->drifted |=
            detector->features[f].in_drift[severity] && !detector->features[f].prediction;
    if (incidents->drifted && !before &&
        (incidents->opened == 0 || now_ms - incidents->last_ms >= DETECTOR_QUIET_MS))
        incidents->opened++;
    if (incidents->drifted || before)
        incidents->last_ms = now_ms;
}

void detector_track(struct detector *detector, int64_t now_ms)
{
    detector->any_in_drift = false;
    const struct test *test = detector->tests;
    const struct test *end = detector->tests + detector->test_count;
    while (test < end) {
        const struct test *last = test;
        while (last < end && last->feature == test->feature)
            last++;
        feature_track(detector, test->feature, test, last, now_ms);
        test = last;
    }
    for (enum drift_severity s = 0; s < SEVERITY_COUNT; s++)
        count_incidents(detector, s, now_ms);
}

bool detector_read_scores(struct detector *detector)
{
    bool exceeds = false;
    for (size_t f = 0; f < detector->feature_count; f++) {
        struct feature *feature = &detector->features[f];
        feature->sufficient =
            drift_feature_window_counts(feature->window).observations >= detector->minimum_sample;
    }
    for (size_t t = 0; t < detector->test_count; t++) {
        struct test *test = &detector->tests[t];
        test_score(detector, test);
        exceeds |= detector_method_has_threshold(test->method) &&
                   test->score > detector->features[test->feature].threshold[SEVERITY_WARNING];
    }
    return exceeds;
}
