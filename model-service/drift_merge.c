/* drift_merge.c - a detector's rows seen in parts, by several threads at once. */
#include "drift_merge.h"

#include "drift_detector_internal.h"

#include <errno.h>
#include <stdlib.h>

static int fork_feature(struct feature *fork, const struct feature *feature,
                        const struct window_spec *spec)
{
    fork->name = feature->name;
    fork->type = feature->type;
    fork->reference = feature->reference; /* the detector's to free: reference_ready is false */
    const bool numeric = feature->type == FEATURE_NUMERIC;
    return drift_feature_window_create(numeric ? &feature->reference.numeric : NULL,
                                       numeric ? NULL : &feature->reference.categorical, spec,
                                       &fork->window);
}

int detector_fork(const struct detector *detector, struct detector **ret_fork)
{
    struct detector *fork = calloc(1, sizeof(*fork));
    if (!fork)
        return -ENOMEM;
    int rc = -ENOMEM;
    fork->features = calloc(detector->feature_count, sizeof(*fork->features));
    if (fork->features) {
        fork->feature_count = detector->feature_count;
        rc = 0;
    }
    for (size_t f = 0; rc == 0 && f < detector->feature_count; f++)
        rc = fork_feature(&fork->features[f], &detector->features[f], &detector->window);
    if (rc < 0) {
        detector_destroy(fork);
        return rc;
    }
    *ret_fork = fork;
    return 0;
}

static void merge_totals(struct feature *feature, const struct feature *fork)
{
    feature->missing_total += fork->missing_total;
    feature->infinite_total += fork->infinite_total;
    feature->unseen_total += fork->unseen_total;
    feature->out_of_range_total += fork->out_of_range_total;
}

int detector_merge(struct detector *detector, const struct detector *fork)
{
    for (size_t f = 0; f < detector->feature_count; f++) {
        int rc = drift_feature_window_merge(detector->features[f].window, fork->features[f].window);
        if (rc < 0)
            return rc;
        merge_totals(&detector->features[f], &fork->features[f]);
    }
    detector->observations_total += fork->observations_total;
    if (fork->observations_total > 0)
        detector->last_observation_ms = fork->last_observation_ms;
    return 0;
}
