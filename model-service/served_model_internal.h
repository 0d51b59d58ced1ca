/* served_model_internal.h - the structure, for served_model*.c alone. */
#ifndef SERVED_MODEL_INTERNAL_H
#define SERVED_MODEL_INTERNAL_H

#include "model/scorer.h"
#include "served_model.h"

#include <pthread.h>
#include <stdatomic.h>

struct served_model {
    /* const after creation */
    const char *name, *version;
    struct input_schema schema;
    const char **feature_names;
    bool *categorical;
    struct scorer *scorer;
    bool simulation;
    /* what simulated rows are drawn from: the built-in distribution, or the reference's rows */
    bool builtin;
    double **simulation_columns; /* [features], finite; NULL when builtin or not allowed */
    size_t simulation_rows;
    double *simulation_mean, *simulation_deviation;

    _Atomic uint64_t sequence, positive, negative, simulated, simulations;
    _Atomic uint64_t latency_counts[LATENCY_BUCKETS + 1];
    _Atomic uint64_t latency_sum_ns;

    pthread_mutex_t mu;
    struct detector *detector; /* guarded by mu, but for detector_category() */
};

/* Room for the names of so many features; everything else is zero. NULL without memory. */
struct served_model *served_model_allocate(size_t features);

#endif
