/* served_model_simulate.c - synthetic rows through the real predict path. */
#include "served_model_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Streams of /simulate/drift are numbered from here, away from the reference's own stream. */
#define SIMULATION_STREAM 1000

static int simulation_generator(struct served_model *model, struct data_generator **ret_generator)
{
    const uint64_t stream =
        SIMULATION_STREAM + atomic_fetch_add_explicit(&model->simulations, 1, memory_order_relaxed);
    if (model->builtin)
        return data_generator_create_synthetic(model->schema.features, BUILTIN_SEED, stream,
                                               ret_generator);
    return data_generator_create_bootstrap(model->schema.features,
                                           (const double *const *)model->simulation_columns,
                                           model->simulation_rows, model->simulation_mean,
                                           model->simulation_deviation, stream, ret_generator);
}

static int simulate_row(struct served_model *model, struct data_generator *generator)
{
    double row[SERVED_MODEL_MAX_FEATURES], scores[SERVED_MODEL_MAX_ROW];
    struct input_value values[SERVED_MODEL_MAX_FEATURES];
    struct prediction prediction;
    data_generator_next(generator, row);
    for (size_t f = 0; f < model->schema.features; f++)
        values[f] = (struct input_value){.number = row[f]};
    const struct input_row input = {.value = values};
    int rc = served_model_predict(model, &input, NULL, scores, &prediction);
    if (rc == 0)
        atomic_fetch_add_explicit(&model->simulated, 1, memory_order_relaxed);
    return rc;
}

int served_model_simulate(struct served_model *model, enum drift_kind kind, double severity,
                          uint64_t count, const unsigned char *chosen)
{
    if (!model->simulation)
        return -EPERM;
    struct data_generator *generator;
    int rc = simulation_generator(model, &generator);
    if (rc < 0)
        return rc;
    rc = data_generator_set_drift(generator, kind, severity, chosen);
    for (uint64_t i = 0; rc == 0 && i < count; i++)
        rc = simulate_row(model, generator);
    data_generator_destroy(generator);
    return rc;
}
