/* simulate.c - synthetic rows through the real predict path. */
#include "served/internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Streams of /simulate/drift are numbered from here, away from the reference's own stream. */
#define SIMULATION_STREAM 1000

/* --- labels --- */

/* splitmix64 (Steele, Lea and Flood 2014). */
static uint64_t draw_bits(struct label_draw *draw)
{
    uint64_t z = (draw->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

struct label_draw label_draw_begin(uint64_t stream)
{
    struct label_draw draw = {.state = BUILTIN_SEED};
    draw.state = draw_bits(&draw) ^ stream;
    return draw;
}

double label_draw_uniform(struct label_draw *draw)
{
    return ((double)(draw_bits(draw) >> 12) + 0.5) * 0x1p-52;
}

size_t label_draw_class(struct label_draw *draw, const double *outputs, size_t count)
{
    double left = label_draw_uniform(draw);
    if (count == 1)
        return left < outputs[0];
    size_t class = 0;
    while (class < count - 1 && left >= outputs[class])
        left -= outputs[class ++];
    return class;
}

static double draw_normal(struct label_draw *draw)
{
    const double radius = sqrt(-2 * log(label_draw_uniform(draw)));
    return radius * cos(2 * M_PI * label_draw_uniform(draw));
}

static double draw_value(const struct served_model *model, struct label_draw *draw, double value,
                         bool flipped)
{
    const double mirrored = flipped ? 2 * model->reference_mean - value : value;
    return mirrored + model->reference_error * draw_normal(draw);
}

/* --- rows --- */

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

static int simulate_row(struct served_model *model, struct data_generator *generator,
                        double *outputs, struct prediction *prediction)
{
    double row[SERVED_MODEL_MAX_FEATURES], scores[SERVED_MODEL_MAX_ROW];
    struct value values[SERVED_MODEL_MAX_FEATURES];
    data_generator_next(generator, row);
    for (size_t f = 0; f < model->schema.features; f++)
        values[f] = (struct value){.number = row[f]};
    const struct row input = {.value = values};
    int rc = served_model_predict(model, &input, outputs, scores, prediction);
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

static int simulate_label(struct served_model *model, struct label_draw *draw,
                          const struct prediction *prediction, const double *outputs, bool flipped)
{
    char error[SERVED_MODEL_LABEL_ERROR_BYTES];
    enum label_result result;
    struct value label = {.number = NAN};
    if (model->type == PREDICTION_REGRESSION) {
        label.number = draw_value(model, draw, outputs[0], flipped);
    } else {
        size_t class = label_draw_class(draw, outputs, scorer_outputs(model->scorer));
        class = (class + flipped) % model->class_count;
        label.text = model->class_names[class];
        label.text_bytes = strlen(label.text);
    }
    return served_model_label(model, prediction->id, strlen(prediction->id), &label, &result,
                              error);
}

int served_model_simulate_concept(struct served_model *model, double severity, uint64_t count)
{
    if (!model->simulation)
        return -EPERM;
    if (!(severity >= 0 && severity <= 1))
        return -EINVAL;
    struct data_generator *generator;
    struct prediction prediction;
    double outputs[SCORER_MAX_CLASSES];
    struct label_draw draw = label_draw_begin(SIMULATION_STREAM + atomic_load(&model->simulations));
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
