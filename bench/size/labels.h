/* labels.h - how often a metric of a model that has not changed is degraded. */
#ifndef BENCH_SIZE_LABELS_H
#define BENCH_SIZE_LABELS_H

#include "stats/performance.h"
#include "tests.h"

struct label_experiment {
    enum performance_task task; /* binary or regression */
    size_t reference, window;   /* labels */
    bool changed;               /* a fifth of the window's predictions are drawn anew */
};

struct label_tally {
    uint64_t made;
    uint64_t below[PERFORMANCE_METRIC_COUNT][LEVELS];
    double squares[PERFORMANCE_METRIC_COUNT][LEVELS]; /* as in struct tally */
};

/* Adds `windows` windows (a multiple of WINDOWS_PER_REFERENCE) to *tally. */
void label_experiment_run(const struct label_experiment *experiment, uint64_t windows,
                          uint64_t seed, struct label_tally *tally);

#endif
