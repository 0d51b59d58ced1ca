/* windows.c - rows into a model's windows, one by one and in blocks, and what the windows say. */
#include "served/internal.h"

#include "system/clock.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows that are added at once: enough to spread the lock and the reading of scores over, few enough
 * that a drift is noticed as it begins. */
#define BLOCK_ROWS 64u
/* Fewer rows where they are wide: a block stays below 64 KiB. */
#define BLOCK_VALUES 8192u

/* --- one row --- */

size_t prediction_values(const struct model_definition *definition,
                         const struct observed_prediction *prediction,
                         struct value values[MODEL_MAX_PREDICTION_VALUES])
{
    size_t count = 0;
    if (definition->class_feature != NO_FEATURE)
        values[count++] = (struct value){
            .number = NAN, .text = prediction->class_text, .text_bytes = prediction->class_bytes};
    if (definition->value_feature != NO_FEATURE)
        values[count++] = (struct value){.number = prediction->value};
    if (definition->score_feature != NO_FEATURE)
        values[count++] = (struct value){.number = prediction->score};
    return count;
}

/* Holding the windows' mu. */
static void feed_streams(struct served_model *model, const struct value *inputs,
                         const struct value *predictions, int64_t now_ms)
{
    const struct model_streams *streams = &model->windows.streams;
    const size_t input_count = model->definition.schema.features;
    for (size_t i = 0; i < streams->count; i++) {
        const size_t f = model_streams_feature(streams, i);
        const bool input = f < input_count;
        const struct value *value = input ? &inputs[f] : &predictions[f - input_count];
        const union detector_cell cell = detector_cell(model->windows.detector, f, value);
        model_streams_feed(streams, i, &cell, input || !value_is_missing(value), now_ms);
    }
}

struct detector_verdict windows_observe(struct served_model *model, const struct value *inputs,
                                        const struct observed_prediction *prediction,
                                        double *scores)
{
    struct value predictions[MODEL_MAX_PREDICTION_VALUES];
    prediction_values(&model->definition, prediction, predictions);
    const int64_t now_ms = clock_tick_ms();
    pthread_mutex_lock(&model->windows.mu);
    struct detector_verdict verdict =
        detector_observe(model->windows.detector, inputs, predictions, now_ms, scores);
    feed_streams(model, inputs, predictions, now_ms);
    journal_row(model, inputs, predictions, now_ms);
    pthread_mutex_unlock(&model->windows.mu);
    return verdict;
}

/* --- blocks --- */

struct observation_block {
    struct served_model *model;
    size_t rows, capacity;
    size_t *feature_rows;       /* [row_features] */
    union detector_cell *cells; /* [row_features][capacity] */
    struct detector_verdict verdict;
};

int observation_block_create(struct served_model *model, struct observation_block **ret_block)
{
    const size_t features = model->definition.row_features;
    struct observation_block *block = calloc(1, sizeof(*block));
    if (!block)
        return -ENOMEM;
    block->model = model;
    block->capacity = BLOCK_VALUES / features;
    block->capacity = block->capacity > BLOCK_ROWS ? BLOCK_ROWS : block->capacity;
    block->feature_rows = calloc(features, sizeof(*block->feature_rows));
    block->cells = calloc(features * block->capacity, sizeof(*block->cells));
    if (!block->feature_rows || !block->cells) {
        observation_block_destroy(block);
        return -ENOMEM;
    }
    *ret_block = block;
    return 0;
}

void observation_block_destroy(struct observation_block *block)
{
    if (!block)
        return;
    free(block->feature_rows);
    free(block->cells);
    free(block);
}

static void add_cell(struct observation_block *block, size_t feature, const struct value *value)
{
    block->cells[feature * block->capacity + block->feature_rows[feature]++] =
        detector_cell(block->model->windows.detector, feature, value);
}

bool observation_block_add(struct observation_block *block, const struct value *values,
                           const struct observed_prediction *prediction)
{
    const struct model_definition *definition = &block->model->definition;
    const size_t features = definition->schema.features;
    struct value predictions[MODEL_MAX_PREDICTION_VALUES];
    const size_t count = prediction_values(definition, prediction, predictions);
    if (prediction->class_index != SERVED_MODEL_NO_CLASS)
        counters_add_prediction(&block->model->counters, prediction->class_index);
    for (size_t f = 0; f < features; f++)
        add_cell(block, f, &values[f]);
    for (size_t i = 0; i < count; i++)
        if (!value_is_missing(&predictions[i]))
            add_cell(block, features + i, &predictions[i]);
    return ++block->rows == block->capacity;
}

struct detector_verdict observation_block_flush(struct observation_block *block)
{
    struct guarded_windows *windows = &block->model->windows;
    double scores[SERVED_MODEL_MAX_ROW];
    if (block->rows == 0)
        return block->verdict;
    const int64_t now_ms = clock_tick_ms();
    pthread_mutex_lock(&windows->mu);
    detector_add_rows(windows->detector, block->cells, block->rows, block->capacity,
                      block->feature_rows, now_ms);
    block->verdict = detector_judge(windows->detector, now_ms, scores);
    for (size_t i = 0; i < windows->streams.count; i++) {
        const size_t f = model_streams_feature(&windows->streams, i);
        model_streams_feed(&windows->streams, i, &block->cells[f * block->capacity],
                           block->feature_rows[f], now_ms);
    }
    journal_rows(block->model, block->cells, block->rows, block->capacity, block->feature_rows,
                 now_ms);
    pthread_mutex_unlock(&windows->mu);
    block->rows = 0;
    memset(block->feature_rows, 0,
           block->model->definition.row_features * sizeof(*block->feature_rows));
    return block->verdict;
}

/* --- reading --- */

int served_model_report(struct served_model *model, struct detector_report *report)
{
    *report = (struct detector_report){0};
    report->features = calloc(model->definition.row_features, sizeof(*report->features));
    if (!report->features)
        return -ENOMEM;
    const int64_t now_ms = clock_tick_ms();
    pthread_mutex_lock(&model->windows.mu);
    detector_report(model->windows.detector, now_ms, report);
    pthread_mutex_unlock(&model->windows.mu);
    return 0;
}

int served_model_pictures(struct served_model *model, size_t feature,
                          struct detector_report *report, struct feature_picture **ret_pictures)
{
    const size_t features = model->definition.row_features;
    const bool all = feature == SERVED_MODEL_ALL;
    struct feature_picture *pictures = calloc(all ? features : 1, sizeof(*pictures));
    *report = (struct detector_report){.features = calloc(features, sizeof(*report->features))};
    if (!pictures || !report->features) {
        free(pictures);
        free(report->features);
        report->features = NULL;
        return -ENOMEM;
    }
    const int64_t now_ms = clock_tick_ms();
    pthread_mutex_lock(&model->windows.mu);
    detector_report(model->windows.detector, now_ms, report);
    for (size_t f = 0; f < (all ? features : 1); f++)
        detector_picture(model->windows.detector, all ? f : feature, &pictures[f]);
    pthread_mutex_unlock(&model->windows.mu);
    *ret_pictures = pictures;
    return 0;
}

int served_model_row_feature(const struct served_model *model, const char *name)
{
    for (size_t f = 0; f < model->definition.row_features; f++)
        if (strcmp(detector_feature_name(model->windows.detector, f), name) == 0)
            return (int)f;
    return -1;
}
