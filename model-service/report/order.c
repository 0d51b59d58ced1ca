/* order.c - verdicts, and which feature comes first. */
#include "report/report.h"

#include <math.h>

static double strength(const struct detector_method_report *method)
{
    const double relative = method->score / method->threshold;
    return isnan(relative) ? 0 : relative;
}

/* How well a method stands for its feature; the strength decides between equals. */
static unsigned fitness(const struct detector_feature_report *feature, enum drift_method method)
{
    const struct detector_method_report *report = &feature->method[method];
    return 4u * (report->drifted == feature->drifted) +
           2u * ((DETECTOR_LIVE_METHODS >> method & 1) != 0) + !isnan(report->p_value);
}

enum drift_method report_method(const struct detector_feature_report *feature)
{
    enum drift_method best = METHOD_COUNT;
    for (enum drift_method method = 0; method < METHOD_COUNT; method++) {
        if (!feature->method[method].applies)
            continue;
        if (best == METHOD_COUNT || fitness(feature, method) > fitness(feature, best) ||
            (fitness(feature, method) == fitness(feature, best) &&
             strength(&feature->method[method]) > strength(&feature->method[best])))
            best = method;
    }
    return best == METHOD_COUNT ? METHOD_PSI : best;
}

double report_strength(const struct detector_feature_report *feature)
{
    return strength(&feature->method[report_method(feature)]);
}

enum report_verdict report_verdict(const struct detector_feature_report *feature)
{
    const struct detector_method_report *method = &feature->method[report_method(feature)];
    bool significant = false, critical = false;
    for (size_t m = 0; m < METHOD_COUNT; m++) {
        significant |= feature->method[m].applies && feature->method[m].significant;
        critical |= feature->method[m].drifted &&
                    feature->method[m].score > feature->threshold[SEVERITY_CRITICAL];
    }
    if (feature->drifted)
        return critical ? REPORT_CRITICAL : REPORT_DRIFT;
    if (isnan(method->score))
        return REPORT_NO_SCORE;
    if (significant)
        return REPORT_MOVED;
    return method->score > method->threshold ? REPORT_UNPROVEN : REPORT_QUIET;
}

const char *report_verdict_words(enum report_verdict verdict)
{
    static const char *const words[] = {
        [REPORT_CRITICAL] = "critical drift",
        [REPORT_DRIFT] = "drift",
        [REPORT_MOVED] = "moved, below the threshold",
        [REPORT_UNPROVEN] = "above the threshold, perhaps by chance",
        [REPORT_QUIET] = "no drift",
        [REPORT_NO_SCORE] = "not enough rows",
    };
    return words[verdict];
}

/* --- the order --- */

struct rank {
    bool drifted, significant;
    double strength;
};

/* The feature's strongest result, by the same order as the features. */
static struct rank rank_of(const struct detector_feature_report *feature)
{
    struct rank best = {false, false, -1};
    for (size_t m = 0; m < METHOD_COUNT; m++) {
        const struct detector_method_report *method = &feature->method[m];
        if (!method->applies)
            continue;
        const struct rank rank = {method->drifted, method->significant, strength(method)};
        if (rank.drifted > best.drifted ||
            (rank.drifted == best.drifted &&
             (rank.significant > best.significant ||
              (rank.significant == best.significant && rank.strength > best.strength))))
            best = rank;
    }
    return best;
}

static bool comes_before(const struct rank *a, const struct rank *b)
{
    if (a->drifted != b->drifted)
        return a->drifted;
    if (a->significant != b->significant)
        return a->significant;
    return a->strength > b->strength;
}

/* By insertion: a model has at most about a thousand features, and is asked for seldom. */
void report_order(const struct detector_report *report, size_t *order)
{
    for (size_t f = 0; f < report->feature_count; f++) {
        const struct rank rank = rank_of(&report->features[f]);
        size_t at = f;
        for (; at > 0; at--) {
            const struct rank before = rank_of(&report->features[order[at - 1]]);
            if (!comes_before(&rank, &before))
                break;
            order[at] = order[at - 1];
        }
        order[at] = f;
    }
}
