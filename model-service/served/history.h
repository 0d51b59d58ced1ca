/* history.h - how strongly each feature of a model has drifted over the last week, its moments over
 * the last hour, the model's performance, and its incidents: a bounded memory that is filled every
 * few seconds from the model's reports.
 *
 * A strength is a feature's largest score in units of that score's threshold: above 1 it exceeds
 * it. Of each interval the largest one is kept, so that a short peak stays visible. Per feature the
 * series take 4 * HISTORY_FINE + HISTORY_COARSE floats (14 kB), and the performance of a model that
 * has labels 350 kB. Not thread-safe: the owner locks. */
#ifndef SERVED_HISTORY_H
#define SERVED_HISTORY_H

#include "concept_monitor.h"
#include "drift_detector.h"
#include "text/nodiscard.h"

/* 10 s for an hour, 5 min for a week. */
#define HISTORY_FINE_MS   10000
#define HISTORY_FINE      360
#define HISTORY_COARSE_MS 300000
#define HISTORY_COARSE    2016

/* Remembered incidents, the last ones, and features of each, the first ones to drift. */
#define HISTORY_INCIDENTS         64
#define HISTORY_INCIDENT_FEATURES 20

struct incident_feature {
    size_t feature;
    int64_t onset_ms, peak_ms; /* of clock_tick_ms() */
    double peak;               /* strength */
};

struct incident {
    uint64_t id;        /* the second it was opened, since 1970; unique within the model */
    int64_t opened_ms;  /* onset of its first feature */
    int64_t drifted_ms; /* when an input was last seen drifted */
    bool running;       /* some input is drifted now */
    size_t features;    /* that have drifted in it; the first HISTORY_INCIDENT_FEATURES are kept */
    struct incident_feature feature[HISTORY_INCIDENT_FEATURES]; /* in order of onset */
};

struct history_point {
    int64_t ms; /* when the interval began */
    double strength;
};

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

struct model_history;

/* NULL if allocation fails. */
struct model_history *model_history_create(size_t features);
void model_history_destroy(struct model_history *history);

/* Takes what the report says as of now_ms. wall_of: clock_wall_of(), by which incidents get
 * their ids.
 * O(features). */
void model_history_add(struct model_history *history, const struct detector_report *report,
                       int64_t now_ms, int64_t (*wall_of)(int64_t tick_ms));

/* The points of a feature, oldest first, without intervals in which it had no score; the last one
 * may still grow. points: room for HISTORY_FINE or HISTORY_COARSE. Returns how many. */
size_t model_history_fine(const struct model_history *history, size_t feature,
                          struct history_point *points);
size_t model_history_coarse(const struct model_history *history, size_t feature,
                            struct history_point *points);

/* facts: room for HISTORY_FINE. Returns how many, oldest first. */
size_t model_history_facts(const struct model_history *history, size_t feature,
                           struct history_facts *facts);

/* Nothing is kept without labels, or without memory. */
void model_history_add_performance(struct model_history *history,
                                   const struct concept_report *report, int64_t now_ms);
/* rows: room for HISTORY_FINE or HISTORY_COARSE. Returns how many, oldest first. */
size_t model_history_performance(const struct model_history *history, bool coarse,
                                 struct history_performance *rows);

/* Copies the incidents, newest first; incidents: room for HISTORY_INCIDENTS. */
size_t model_history_incidents(const struct model_history *history, struct incident *incidents);

#endif
