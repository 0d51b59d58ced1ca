/* measures.c - facts about features and the performance over time. */
#include "served/measures.h"

#include "served/track.h"

#include <stdlib.h>

/* Columns of a feature among the facts. */
enum { FACT_MEAN, FACT_DEVIATION, FACT_PSI, FACTS };
/* Columns of the performance: value and both ends of each metric, then the coverage. */
#define ENDS                3
#define COVERAGE            (PERFORMANCE_METRIC_COUNT * ENDS)
#define PERFORMANCE_COLUMNS (COVERAGE + 1)

struct model_measures {
    size_t features;
    struct track facts;          /* FACTS columns for each feature */
    struct track performance[2]; /* fine, coarse; empty until there are labels */
};

struct model_measures *model_measures_create(size_t features)
{
    struct model_measures *measures = calloc(1, sizeof(*measures));
    if (!measures)
        return NULL;
    measures->features = features;
    if (track_init(&measures->facts, features * FACTS, HISTORY_FINE, HISTORY_FINE_MS))
        return measures;
    model_measures_destroy(measures);
    return NULL;
}

void model_measures_destroy(struct model_measures *measures)
{
    if (!measures)
        return;
    track_finish(&measures->facts);
    track_finish(&measures->performance[0]);
    track_finish(&measures->performance[1]);
    free(measures);
}

/* --- facts --- */

void model_measures_add(struct model_measures *measures, const struct detector_report *report,
                        int64_t now_ms)
{
    float *facts = track_now(&measures->facts, now_ms);
    for (size_t f = 0; f < measures->features && f < report->feature_count; f++) {
        const struct detector_feature_report *feature = &report->features[f];
        facts[f * FACTS + FACT_MEAN] = (float)feature->window_mean;
        facts[f * FACTS + FACT_DEVIATION] = (float)feature->window_deviation;
        facts[f * FACTS + FACT_PSI] = (float)feature->method[METHOD_PSI].score;
    }
}

size_t model_measures_facts(const struct model_measures *measures, size_t feature,
                            struct history_facts *facts)
{
    for (size_t i = 0; i < measures->facts.length; i++) {
        const float *row = track_row(&measures->facts, i, &facts[i].ms) + feature * FACTS;
        facts[i].mean = (double)row[FACT_MEAN];
        facts[i].deviation = (double)row[FACT_DEVIATION];
        facts[i].psi = (double)row[FACT_PSI];
    }
    return measures->facts.length;
}

/* --- performance --- */

/* At the first label. */
static bool begin_performance(struct model_measures *measures)
{
    struct track *track = measures->performance;
    if (track[0].columns > 0)
        return true;
    const bool fine = track_init(&track[0], PERFORMANCE_COLUMNS, HISTORY_FINE, HISTORY_FINE_MS);
    const bool coarse =
        track_init(&track[1], PERFORMANCE_COLUMNS, HISTORY_COARSE, HISTORY_COARSE_MS);
    if (fine && coarse)
        return true;
    track_finish(&track[0]);
    track_finish(&track[1]);
    return false;
}

void model_measures_add_performance(struct model_measures *measures,
                                    const struct concept_report *report, int64_t now_ms)
{
    if (report->window_labels == 0 || !begin_performance(measures))
        return;
    for (size_t s = 0; s < 2; s++) {
        float *row = track_now(&measures->performance[s], now_ms);
        for (size_t m = 0; m < PERFORMANCE_METRIC_COUNT; m++) {
            const struct performance_value *value = &report->metric[m].window;
            row[m * ENDS] = (float)value->value;
            row[m * ENDS + 1] = (float)value->lower;
            row[m * ENDS + 2] = (float)value->upper;
        }
        row[COVERAGE] = (float)report->coverage;
    }
}

size_t model_measures_performance(const struct model_measures *measures, bool coarse,
                                  struct history_performance *rows)
{
    const struct track *track = &measures->performance[coarse];
    for (size_t i = 0; i < track->length; i++) {
        const float *row = track_row(track, i, &rows[i].ms);
        for (size_t m = 0; m < PERFORMANCE_METRIC_COUNT; m++) {
            rows[i].value[m] = row[m * ENDS];
            rows[i].lower[m] = row[m * ENDS + 1];
            rows[i].upper[m] = row[m * ENDS + 2];
        }
        rows[i].coverage = row[COVERAGE];
    }
    return track->length;
}
