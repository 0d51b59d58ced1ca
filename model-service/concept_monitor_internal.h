/* concept_monitor_internal.h - the structure, for concept_monitor*.c alone. */
#ifndef CONCEPT_MONITOR_INTERNAL_H
#define CONCEPT_MONITOR_INTERNAL_H

#include "concept_monitor.h"

struct concept_monitor {
    struct concept_spec spec; /* without the borrowed reference */
    size_t score_count;
    double z; /* of `degraded` */
    struct label_store *store;
    struct performance *performance;
    struct change_watch *watch;
    double *row; /* [1 + score_count], scratch */
    enum concept_reference reference;
    uint64_t reference_labels;
    struct performance_value reference_metric[PERFORMANCE_METRIC_COUNT];
    struct concept_ring pairs;
    struct concept_calibration_bin reference_calibration[CONCEPT_CALIBRATION_BINS];
};

/* Whether it is the index of a class, or a number of a regression. */
bool concept_output_valid(const struct concept_monitor *monitor, double output);

#endif
