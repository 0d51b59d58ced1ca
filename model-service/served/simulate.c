/* simulate.c - synthetic rows through the real predict path. */
#include "data_generator.h"
#include "served/internal.h"
#include "served/label_draw.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Seeds of the rows of /simulate/drift are counted from here, away from the reference's own seed.
 */
#define SIMULATION_SEED 1000

/* --- rows --- */

static int simulation_generator(struct served_model *model, struct data_generator **ret_generator)
{
    const struct simulation_source *source = &model->definition.simulation;
    const size_t features = model->definition.schema.features;
    const uint64_t row_seed =
        SIMULATION_SEED +
        atomic_fetch_add_explicit(&model->counters.simulations, 1, memory_order_relaxed);
    if (source->builtin)
        return data_generator_create_synthetic(features, BUILTIN_SEED, row_seed, ret_generator);
    return data_generator_create_bootstrap(features, (const double *const *)source->columns,
                                           source->rows, source->mean, source->deviation, row_seed,
                                           ret_generator);
}

static int simulate_row(struct served_model *model, struct data_generator *generator,
                        double *outputs, struct prediction *prediction)
{
    double row[SERVED_MODEL_MAX_FEATURES], scores[SERVED_MODEL_MAX_ROW];
    struct value values[SERVED_MODEL_MAX_FEATURES];
    data_generator_next(generator, row);
    for (size_t f = 0; f < model->definition.schema.features; f++)
        values[f] = (struct value){.number = row[f]};
    const struct row input = {.value = values};
    int rc = served_model_predict(model, &input, outputs, scores, prediction);
    if (rc == 0)
        atomic_fetch_add_explicit(&model->counters.simulated, 1, memory_order_relaxed);
    return rc;
}

int served_model_simulate(struct served_model *model, enum drift_kind kind, double severity,
                          uint64_t count, const unsigned char *chosen)
{
    if (!model->definition.simulation.allowed)
        return -EPERM;
    struct data_generator *generator;
    struct prediction prediction;
    int rc = simulation_generator(model, &generator);
    if (rc < 0)
        return rc;
    rc = data_generator_set_drift(generator, kind, severity, chosen);
    for (uint64_t i = 0; rc == 0 && i < count; i++)
        rc = simulate_row(model, generator, NULL, &prediction);
    data_generator_destroy(generator);
    return rc;
}

/* --- labels --- */

/* A regression's label: the prediction, mirrored at the mean if flipped, and the reference's error.
 */
static struct value draw_number(const struct model_definition *definition, struct label_draw *draw,
                                double prediction, bool flipped)
{
    const struct simulation_source *source = &definition->simulation;
    const double mirrored = flipped ? 2 * source->prediction_mean - prediction : prediction;
    return (struct value){.number = mirrored + source->prediction_error * label_draw_normal(draw)};
}

static struct value draw_class(const struct model_definition *definition, struct label_draw *draw,
                               const double *outputs, bool flipped)
{
    const size_t drawn = label_draw_class(draw, outputs, scorer_outputs(definition->scorer));
    const char *name = definition->classes.name[(drawn + flipped) % definition->classes.count];
    return (struct value){.number = NAN, .text = name, .text_bytes = strlen(name)};
}

static int simulate_label(struct served_model *model, struct label_draw *draw,
                          const struct prediction *prediction, const double *outputs, bool flipped)
{
    const struct model_definition *definition = &model->definition;
    const struct value label = definition->type == PREDICTION_REGRESSION
                                   ? draw_number(definition, draw, outputs[0], flipped)
                                   : draw_class(definition, draw, outputs, flipped);
    enum label_result result;
    return served_model_label(model, prediction->id, strlen(prediction->id), &label, &result, NULL);
}

int served_model_simulate_concept(struct served_model *model, double severity, uint64_t count)
{
    if (!model->definition.simulation.allowed)
        return -EPERM;
    if (!(severity >= 0 && severity <= 1))
        return -EINVAL;
    struct data_generator *generator;
    struct prediction prediction;
    double outputs[SCORER_MAX_CLASSES];
    struct label_draw draw =
        label_draw_begin(SIMULATION_SEED + atomic_load(&model->counters.simulations));
    int rc = simulation_generator(model, &generator);
    if (rc < 0)
        return rc;
    for (uint64_t i = 0; rc == 0 && i < count; i++) {
        rc = simulate_row(model, generator, outputs, &prediction);
        if (rc == 0)
            rc = simulate_label(model, &draw, &prediction, outputs,
                                label_draw_uniform(&draw) < severity);
    }
    data_generator_destroy(generator);
    return rc;
}
