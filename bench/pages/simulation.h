/* simulation.h - one stream of observations through the detector, the scrapes and the alert rules,
 * with an injected clock. Called as the service does: detector_observe for every row,
 * detector_report at every scrape. */
#ifndef SIMULATION_H
#define SIMULATION_H

#include "alert.h"
#include "traffic.h"

/* prometheus/prometheus.yml: scrape_interval and evaluation_interval. A scrape is evaluated at the
 * moment at which it is taken; in reality up to one interval later. */
#define SCRAPE_MS 5000

/* prometheus/rules/alerts.yml */
#define WARNING_FOR_MS              60000
#define CRITICAL_FOR_MS             30000
#define WARNING_KEEP_FIRING_FOR_MS  75000
#define CRITICAL_KEEP_FIRING_FOR_MS 105000

#define CRITICAL_THRESHOLD 0.5
#define ORIGINAL_THRESHOLD 0.3
#define MINIMUM_SAMPLE     50

/* The warning thresholds simulated side by side: scores and evidence do not depend on them. */
enum { THRESHOLD_005, THRESHOLD_010, THRESHOLD_015, THRESHOLD_020, THRESHOLD_030, THRESHOLD_COUNT };
extern const double simulation_thresholds[THRESHOLD_COUNT];

enum { METHOD_IS_KS, METHOD_IS_PSI, SIMULATED_METHODS };

struct simulation {
    uint64_t seed;
    uint64_t window;
    uint64_t minimum_sample;
    double significance;
    double correlation;
    unsigned rate; /* observations a second */
    size_t reference_rows;
    uint64_t rows;
    const struct change *change; /* NULL: none */
    size_t changed;              /* the feature */
    uint64_t change_from;        /* after so many rows */
    uint64_t change_to;          /* until so many rows; 0: to the end */
    bool until_found;            /* end as soon as every rule has found the change */
};

/* What a scrape exports of a feature. */
struct exported {
    double score[SIMULATED_METHODS]; /* NaN: below the minimum sample, or no such method */
    bool significant[SIMULATED_METHODS];
};

/* The states of a feature's alerts at one warning threshold. */
struct feature_alerts {
    struct alert warning, critical;
};

/* What came of a rule. A page is the moment at which the first of a feature's alerts fires. */
struct pages {
    unsigned count;      /* over all features */
    int64_t found_after; /* rows from the change to its feature's page; -1: none */
};

struct outcome {
    struct pages rule[THRESHOLD_COUNT];
    struct pages original[SIMULATED_METHODS]; /* score > 0.3 alone, at each scrape */
};

/* Receives every scrape: [TRAFFIC_FEATURES] each; alerts at a threshold of simulation_thresholds.
 */
struct simulation_watcher {
    void (*scraped)(void *context, const struct exported *exported,
                    const struct feature_alerts *alerts);
    void *context;
    size_t threshold;
};

/* Evaluates both rules on what a scrape exported; true when one of them fires. */
bool feature_alerts_evaluate(struct feature_alerts *alerts, const struct exported *exported,
                             double warning_threshold, int64_t now_ms);

/* watcher may be NULL. Ends the program when there is no memory. */
void simulate(const struct simulation *simulation, struct outcome *ret_outcome,
              const struct simulation_watcher *watcher);

#endif
