/* measures.h - what features and the model were like over time: mean, deviation and PSI of each
 * feature over the last hour, and the model's performance over the last week, by the intervals of
 * history.h. 4.3 kB for each feature, and 350 kB for a model that has labels. Not thread-safe: the
 * owner locks. */
#ifndef SERVED_MEASURES_H
#define SERVED_MEASURES_H

#include "concept_monitor.h"
#include "drift_detector.h"
#include "served/history.h"

/* What a feature's window was like at the end of an interval of HISTORY_FINE_MS; NaN: nothing. */
struct history_facts {
    int64_t ms; /* when the interval began */
    double mean, deviation, psi;
};

/* The metrics of the window of labels at the end of an interval; NaN: undefined. */
struct history_performance {
    int64_t ms;
    float value[PERFORMANCE_METRIC_COUNT], lower[PERFORMANCE_METRIC_COUNT],
        upper[PERFORMANCE_METRIC_COUNT];
    float coverage;
};

struct model_measures;

/* NULL if allocation fails. */
struct model_measures *model_measures_create(size_t features);
void model_measures_destroy(struct model_measures *measures);

void model_measures_add(struct model_measures *measures, const struct detector_report *report,
                        int64_t now_ms);
/* facts: room for HISTORY_FINE. Returns how many, oldest first. */
size_t model_measures_facts(const struct model_measures *measures, size_t feature,
                            struct history_facts *facts);

/* Nothing is kept without labels, or without memory. */
void model_measures_add_performance(struct model_measures *measures,
                                    const struct concept_report *report, int64_t now_ms);
/* rows: room for HISTORY_FINE or HISTORY_COARSE. Returns how many, oldest first. */
size_t model_measures_performance(const struct model_measures *measures, bool coarse,
                                  struct history_performance *rows);

#endif
