/* model.c - predictions, observations and reports; the header has the contract. */
#include "served/internal.h"
#include "system/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const double latency_bounds[LATENCY_BUCKETS] = {1e-06,  2.5e-06, 5e-06,   1e-05,  2.5e-05,
                                                5e-05,  0.0001,  0.00025, 0.0005, 0.001,
                                                0.0025, 0.005,   0.01,    0.1,    1};

static uint64_t monotonic_ns(void)
{
    return (uint64_t)clock_monotonic_ns();
}

int64_t served_model_now_ms(void)
{
    return clock_tick_ms();
}

static void latency_count(struct served_model *model, uint64_t nanoseconds)
{
    const double seconds = (double)nanoseconds * 1e-9;
    size_t bucket = 0;
    while (bucket < LATENCY_BUCKETS && seconds > latency_bounds[bucket])
        bucket++;
    atomic_fetch_add_explicit(&model->latency_counts[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&model->latency_sum_ns, nanoseconds, memory_order_relaxed);
}

/* --- observing --- */

size_t served_model_prediction_values(const struct served_model *model,
                                      const struct observed_prediction *prediction,
                                      struct value values[SERVED_MODEL_PREDICTIONS])
{
    size_t count = 0;
    if (model->class_feature != NO_FEATURE)
        values[count++] = (struct value){
            .number = NAN, .text = prediction->class_text, .text_bytes = prediction->class_bytes};
    if (model->value_feature != NO_FEATURE)
        values[count++] = (struct value){.number = prediction->value};
    if (model->score_feature != NO_FEATURE)
        values[count++] = (struct value){.number = prediction->score};
    return count;
}

/* Feeds the streams of one row. Holding mu. */
static void feed_streams(struct served_model *model, const struct value *inputs,
                         const struct value *predictions, int64_t now_ms)
{
    for (size_t i = 0; i < model->stream_count; i++) {
        const size_t f = served_model_stream_feature(model, i), inputs_end = model->schema.features;
        const struct value *value = f < inputs_end ? &inputs[f] : &predictions[f - inputs_end];
        const union detector_cell cell = detector_cell(model->detector, f, value);
        const bool absent = f >= inputs_end && value_is_missing(value);
        served_model_feed_stream(model, i, &cell, !absent, now_ms);
    }
}

static struct detector_verdict observe(struct served_model *model, const struct value *inputs,
                                       const struct observed_prediction *prediction, double *scores)
{
    struct value predictions[SERVED_MODEL_PREDICTIONS];
    served_model_prediction_values(model, prediction, predictions);
    const int64_t now_ms = served_model_now_ms();
    pthread_mutex_lock(&model->mu);
    struct detector_verdict verdict =
        detector_observe(model->detector, inputs, predictions, now_ms, scores);
    feed_streams(model, inputs, predictions, now_ms);
    pthread_mutex_unlock(&model->mu);
    return verdict;
}

static void prediction_count(struct served_model *model, size_t index)
{
    atomic_fetch_add_explicit(&model->prediction_counts[index], 1, memory_order_relaxed);
}

/* --- the model's own predictions --- */

static void prediction_name(struct served_model *model, const struct row *row, uint64_t sequence,
                            struct prediction *prediction)
{
    if (row->id) {
        snprintf(prediction->id, sizeof(prediction->id), "%s", row->id);
        return;
    }
    const size_t prefix = strlen(model->id_prefix);
    memcpy(prediction->id, model->id_prefix, prefix);
    prediction->id[prefix + number_format_u64(sequence, prediction->id + prefix)] = '\0';
}

/* Reads the outputs as a prediction, and as what the detector observes of it. */
static struct observed_prediction decide(const struct served_model *model, const double *outputs,
                                         struct prediction *prediction)
{
    struct observed_prediction observed = {.value = NAN, .score = NAN};
    if (model->type == PREDICTION_REGRESSION) {
        prediction->class_name = NULL;
        prediction->class_index = 0;
        prediction->score = observed.value = outputs[0];
        return observed;
    }
    prediction->class_index = scorer_class(model->type, outputs, scorer_outputs(model->scorer));
    prediction->class_name = model->class_names[prediction->class_index];
    const bool binary = model->type == PREDICTION_BINARY;
    prediction->score = outputs[binary ? 0 : prediction->class_index];
    observed.class_text = prediction->class_name;
    observed.class_bytes = strlen(prediction->class_name);
    observed.score = binary ? prediction->score : NAN;
    return observed;
}

/* What follows the score of a row. */
static void settle(struct served_model *model, const struct row *row, uint64_t sequence,
                   const double *outputs, double *scores, struct prediction *ret)
{
    const struct observed_prediction observed = decide(model, outputs, ret);
    prediction_name(model, row, sequence, ret);
    prediction_count(model, ret->class_index);
    ret->verdict = observe(model, row->value, &observed, scores);
    served_model_remember_own(model, ret, outputs);
}

int served_model_predict(struct served_model *model, const struct row *row, double *outputs,
                         double *scores, struct prediction *ret)
{
    if (!model->scorer)
        return -ENOTSUP;
    const uint64_t start = monotonic_ns();
    double own_outputs[SCORER_MAX_CLASSES];
    double *target = outputs ? outputs : own_outputs;
    const uint64_t sequence = atomic_fetch_add_explicit(&model->sequence, 1, memory_order_relaxed);
    int rc = scorer_score(model->scorer, row->value, sequence, target);
    if (rc < 0)
        return rc;
    settle(model, row, sequence, target, scores, ret);
    latency_count(model, monotonic_ns() - start);
    return 0;
}

/* Rows scored at a time. */
#define BLOCK_ROWS 256u

struct block {
    double *outputs;      /* [rows][scorer outputs] */
    uint64_t sequence;    /* of the first row */
    uint64_t nanoseconds; /* of scoring one row */
};

static int block_score(struct served_model *model, const struct row *rows, size_t count,
                       struct block *block)
{
    const uint64_t start = monotonic_ns();
    block->sequence = atomic_fetch_add_explicit(&model->sequence, count, memory_order_relaxed);
    const int rc = scorer_score_rows(model->scorer, rows, count, block->sequence, block->outputs);
    block->nanoseconds = (monotonic_ns() - start) / count;
    return rc;
}

int served_model_predict_rows(struct served_model *model, const struct row *rows, size_t count,
                              double *scores,
                              void (*take)(void *context, const struct prediction *prediction,
                                           const double *outputs),
                              void *context)
{
    if (!model->scorer)
        return -ENOTSUP;
    const size_t room = count < BLOCK_ROWS ? count : BLOCK_ROWS;
    const size_t width = scorer_outputs(model->scorer);
    struct block block = {.outputs = malloc(room * width * sizeof(double))};
    int rc = block.outputs ? 0 : -ENOMEM;
    for (size_t done = 0; rc == 0 && done < count; done += room) {
        const size_t part = count - done < room ? count - done : room;
        rc = block_score(model, rows + done, part, &block);
        for (size_t r = 0; rc == 0 && r < part; r++) {
            struct prediction prediction;
            const double *outputs = block.outputs + r * width;
            const uint64_t start = monotonic_ns();
            settle(model, &rows[done + r], block.sequence + r, outputs, scores, &prediction);
            latency_count(model, block.nanoseconds + monotonic_ns() - start);
            take(context, &prediction, outputs);
        }
    }
    free(block.outputs);
    return rc;
}

/* --- predictions of others --- */

struct observed_prediction served_model_complete(const struct served_model *model,
                                                 struct observed_prediction prediction)
{
    if (model->type == PREDICTION_BINARY && !prediction.class_text && !isnan(prediction.score)) {
        prediction.class_text =
            model->class_names[scorer_class(PREDICTION_BINARY, &prediction.score, 1)];
        prediction.class_bytes = strlen(prediction.class_text);
    }
    return prediction;
}

struct observed_prediction
served_model_count_prediction(struct served_model *model,
                              const struct observed_prediction *prediction)
{
    struct observed_prediction whole = served_model_complete(model, *prediction);
    if (model->type == PREDICTION_REGRESSION) {
        if (!isnan(whole.value))
            prediction_count(model, 0);
    } else if (whole.class_text) {
        const size_t index = served_model_class_index(model, whole.class_text, whole.class_bytes);
        if (index < model->class_count) {
            whole.class_text = model->class_names[index];
            whole.class_bytes = strlen(whole.class_text);
        }
        prediction_count(model, index);
    }
    return whole;
}

void served_model_count_rejected(struct served_model *model, uint64_t rows)
{
    atomic_fetch_add_explicit(&model->rejected, rows, memory_order_relaxed);
}

/* --- reading --- */

int served_model_report(struct served_model *model, struct detector_report *report)
{
    *report = (struct detector_report){0};
    report->features = calloc(model->row_features, sizeof(*report->features));
    if (!report->features)
        return -ENOMEM;
    const int64_t now_ms = served_model_now_ms();
    pthread_mutex_lock(&model->mu);
    detector_report(model->detector, now_ms, report);
    pthread_mutex_unlock(&model->mu);
    return 0;
}

void served_model_counters(const struct served_model *model,
                           struct served_model_counters *ret_counters)
{
    ret_counters->simulated = atomic_load(&model->simulated);
    ret_counters->rejected = atomic_load(&model->rejected);
    for (size_t b = 0; b <= LATENCY_BUCKETS; b++)
        ret_counters->latency_counts[b] = atomic_load(&model->latency_counts[b]);
    ret_counters->latency_sum_seconds = (double)atomic_load(&model->latency_sum_ns) * 1e-9;
}

const char *served_model_prediction_label(const struct served_model *model, size_t i,
                                          uint64_t *ret_count)
{
    const bool outside = !model->scorer && model->class_count > 0;
    const size_t labels = model->class_count == 0 ? 1 : model->class_count + outside;
    if (i >= labels)
        return NULL;
    *ret_count = atomic_load_explicit(&model->prediction_counts[i], memory_order_relaxed);
    if (model->class_count == 0)
        return "value";
    return i < model->class_count ? model->class_names[i] : "__other__";
}
