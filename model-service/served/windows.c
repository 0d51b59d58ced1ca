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

/* Holding the windows' mu. stride: cells of a feature; feature_rows: how many of them there are. */
static void feed_streams(const struct guarded_windows *windows, const union detector_cell *cells,
                         size_t stride, const size_t *feature_rows, int64_t now_ms)
{
    for (size_t i = 0; i < windows->streams.count; i++) {
        const size_t f = model_streams_feature(&windows->streams, i);
        model_streams_feed(&windows->streams, i, &cells[f * stride], feature_rows[f], now_ms);
    }
}

/* Rows into all that watches them; reads scores and verdict. Takes the lock. */
static struct detector_verdict add_rows(struct served_model *model,
                                        const union detector_cell *cells, size_t rows,
                                        size_t stride, const size_t *feature_rows, double *scores)
{
    struct guarded_windows *windows = &model->windows;
    const int64_t now_ms = clock_tick_ms();
    pthread_mutex_lock(&windows->mu);
    detector_add_rows(windows->detector, cells, rows, stride, feature_rows, now_ms);
    change_monitor_observe(windows->changes, cells, rows, stride, feature_rows, now_ms);
    change_monitor_discount(windows->changes, windows->detector);
    feed_streams(windows, cells, stride, feature_rows, now_ms);
    const struct detector_verdict verdict = detector_judge(windows->detector, now_ms, scores);
    journal_rows(model, cells, rows, stride, feature_rows, now_ms);
    pthread_mutex_unlock(&windows->mu);
    return verdict;
}

struct detector_verdict windows_observe(struct served_model *model, const struct value *inputs,
                                        const struct observed_prediction *prediction,
                                        double *scores)
{
    const size_t features = model->definition.schema.features;
    const struct detector *detector = model->windows.detector;
    struct value predictions[MODEL_MAX_PREDICTION_VALUES];
    const size_t count = prediction_values(&model->definition, prediction, predictions);
    union detector_cell cells[SERVED_MODEL_MAX_ROW];
    size_t feature_rows[SERVED_MODEL_MAX_ROW];
    for (size_t f = 0; f < features; f++) {
        cells[f] = detector_cell(detector, f, &inputs[f]);
        feature_rows[f] = 1;
    }
    for (size_t i = 0; i < count; i++) {
        feature_rows[features + i] = !value_is_missing(&predictions[i]);
        cells[features + i] = detector_cell(detector, features + i, &predictions[i]);
    }
    return add_rows(model, cells, 1, 1, feature_rows, scores);
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
    double scores[SERVED_MODEL_MAX_ROW];
    if (block->rows == 0)
        return block->verdict;
    block->verdict = add_rows(block->model, block->cells, block->rows, block->capacity,
                              block->feature_rows, scores);
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

const char *served_model_row_name(const struct served_model *model, size_t feature)
{
    return feature < model->definition.row_features
               ? detector_feature_name(model->windows.detector, feature)
               : NULL;
}

int served_model_changes(struct served_model *model, struct feature_changes **ret_changes)
{
    const size_t features = model->definition.row_features;
    struct feature_changes *changes = calloc(features, sizeof(*changes));
    if (!changes)
        return -ENOMEM;
    pthread_mutex_lock(&model->windows.mu);
    for (size_t f = 0; f < features; f++)
        change_monitor_report(model->windows.changes, f, &changes[f]);
    pthread_mutex_unlock(&model->windows.mu);
    *ret_changes = changes;
    return 0;
}

double served_model_false_page_seconds(struct served_model *model)
{
    pthread_mutex_lock(&model->windows.mu);
    const double seconds = change_monitor_rule(model->windows.changes).false_page_seconds;
    pthread_mutex_unlock(&model->windows.mu);
    return seconds;
}
