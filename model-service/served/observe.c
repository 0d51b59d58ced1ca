/* observe.c - observations of others' predictions, in blocks. */
#include "served/internal.h"

#include "row/text_value.h"
#include "text/excerpt.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows that are added at once: enough to spread the lock and the reading of scores over, few enough
 * that a drift is noticed as it begins. */
#define BLOCK_ROWS 64u
/* Fewer rows where they are wide: a block stays below 64 KiB. */
#define BLOCK_VALUES 8192u

struct observation_block {
    struct served_model *model;
    size_t rows, capacity;
    size_t *feature_rows;       /* [row_features] */
    union detector_cell *cells; /* [row_features][capacity] */
    struct detector_verdict verdict;
};

/* --- predictions --- */

static int told_value(const struct value *from, double *ret_value,
                      char error[SERVED_MODEL_OBSERVE_ERROR_BYTES])
{
    *ret_value = from->number;
    if (!from->text)
        return 0;
    char copy[OBSERVATION_CLASS_MAX_BYTES + 1]; /* a number in a text ends where the text ends */
    memcpy(copy, from->text, from->text_bytes);
    copy[from->text_bytes] = '\0';
    if (text_value_number(copy, from->text_bytes, ret_value) == 0)
        return 0;
    snprintf(error, SERVED_MODEL_OBSERVE_ERROR_BYTES,
             "\"prediction\" must be a number, as the model is a regression, got \"%s\"",
             excerpt(copy).text);
    return -EINVAL;
}

int served_model_read_prediction(const struct served_model *model,
                                 const struct observation *observation,
                                 struct observed_prediction *ret,
                                 char error[SERVED_MODEL_OBSERVE_ERROR_BYTES])
{
    const struct value *from = &observation->prediction;
    *ret = (struct observed_prediction){.value = NAN, .score = observation->score};
    if (model->type == PREDICTION_REGRESSION)
        return told_value(from, &ret->value, error);
    const struct category category = category_of_value(from, ret->number_text);
    ret->class_text = category.text;
    ret->class_bytes = category.bytes;
    return 0;
}

/* --- blocks --- */

int observation_block_create(struct served_model *model, struct observation_block **ret_block)
{
    struct observation_block *block = calloc(1, sizeof(*block));
    if (!block)
        return -ENOMEM;
    block->model = model;
    block->capacity = BLOCK_VALUES / model->row_features;
    block->capacity = block->capacity > BLOCK_ROWS ? BLOCK_ROWS : block->capacity;
    block->feature_rows = calloc(model->row_features, sizeof(*block->feature_rows));
    block->cells = calloc(model->row_features * block->capacity, sizeof(*block->cells));
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

/* The next place of a feature's values; to be filled. */
static union detector_cell *next(struct observation_block *block, size_t f)
{
    return &block->cells[f * block->capacity + block->feature_rows[f]++];
}

static void add_prediction(struct observation_block *block,
                           const struct observed_prediction *prediction)
{
    const struct served_model *model = block->model;
    struct value values[SERVED_MODEL_PREDICTIONS];
    const size_t count = served_model_prediction_values(model, prediction, values);
    for (size_t i = 0; i < count; i++) {
        const size_t f = model->schema.features + i;
        if (!value_is_missing(&values[i]))
            *next(block, f) = detector_cell(model->detector, f, &values[i]);
    }
}

bool observation_block_add(struct observation_block *block, const struct value *values,
                           const struct observed_prediction *prediction)
{
    const struct served_model *model = block->model;
    const struct observed_prediction whole =
        served_model_count_prediction(block->model, prediction);
    for (size_t f = 0; f < model->schema.features; f++)
        *next(block, f) = detector_cell(model->detector, f, &values[f]);
    add_prediction(block, &whole);
    return ++block->rows == block->capacity;
}

struct detector_verdict observation_block_flush(struct observation_block *block)
{
    struct served_model *model = block->model;
    double scores[SERVED_MODEL_MAX_ROW];
    if (block->rows == 0)
        return block->verdict;
    const int64_t now_ms = served_model_now_ms();
    pthread_mutex_lock(&model->mu);
    detector_add_rows(model->detector, block->cells, block->rows, block->capacity,
                      block->feature_rows, now_ms);
    block->verdict = detector_judge(model->detector, now_ms, scores);
    for (size_t i = 0; i < model->stream_count; i++) {
        const size_t f = served_model_stream_feature(model, i);
        served_model_feed_stream(model, i, &block->cells[f * block->capacity],
                                 block->feature_rows[f], now_ms);
    }
    pthread_mutex_unlock(&model->mu);
    block->rows = 0;
    memset(block->feature_rows, 0, model->row_features * sizeof(*block->feature_rows));
    return block->verdict;
}
