/* streams.c - detectors of change on the mean of a feature or the rate of a
 * prediction. */
#include "served/internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers are brought to [0, 1] from this many deviations below the reference's mean to as many
 * above it; what lies beyond counts as the end. For detectors of 0 and 1: above one deviation. */
#define STREAM_DEVIATIONS 4.0
#define HIGH_DEVIATIONS   1.0
#define SAMPLING_SEED     42

struct model_stream {
    size_t feature;  /* of the detector's row */
    bool category;   /* 1 for the category `target`, else 0 */
    uint32_t target; /* code */
    double mean, deviation;
    struct change_watch *watch; /* guarded by the model's mu */
};

/* splitmix64 (Steele, Lea and Flood 2014) of a counter. */
static uint64_t scramble(uint64_t counter)
{
    uint64_t z = counter * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* --- observations --- */

static bool signal_of(const struct model_stream *stream, union detector_cell value,
                      double *ret_unit, double *ret_binary)
{
    if (stream->category) {
        *ret_unit = *ret_binary = value.category == stream->target;
        return true;
    }
    if (!isfinite(value.number))
        return false;
    const double from = value.number - stream->mean;
    const double range = STREAM_DEVIATIONS * stream->deviation;
    *ret_unit = range > 0 ? fmin(fmax((from + range) / (2 * range), 0), 1) : (from > 0);
    *ret_binary = from > HIGH_DEVIATIONS * stream->deviation;
    return true;
}

void served_model_feed_stream(struct served_model *model, size_t i,
                              const union detector_cell *cells, size_t count, int64_t now_ms)
{
    struct model_stream *stream = &model->streams[i];
    for (size_t v = 0; v < count; v++) {
        double unit, binary;
        if (!signal_of(stream, cells[v], &unit, &binary))
            continue;
        (void)change_watch_observe(stream->watch, unit, binary, now_ms);
        if (change_watch_due(stream->watch))
            change_watch_release(stream->watch);
    }
}

size_t served_model_stream_feature(const struct served_model *model, size_t i)
{
    return model->streams[i].feature;
}

/* --- creation --- */

static void moments_of(struct model_stream *stream, const double *numbers, size_t rows)
{
    double sum = 0, squares = 0;
    size_t count = 0;
    for (size_t r = 0; r < rows; r++)
        if (isfinite(numbers[r])) {
            sum += numbers[r];
            count++;
        }
    stream->mean = count ? sum / (double)count : 0;
    for (size_t r = 0; r < rows; r++)
        if (isfinite(numbers[r]))
            squares += (numbers[r] - stream->mean) * (numbers[r] - stream->mean);
    stream->deviation = count ? sqrt(squares / (double)count) : 0;
}

/* Rows of the reference drawn with replacement, so that the order of its file does not matter. */
static void prime(struct model_stream *stream, const struct reference_stream *reference,
                  uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        const size_t row = scramble(i + 1) % reference->rows;
        union detector_cell value = {.number = 0};
        double unit, binary;
        if (stream->category) {
            const char *text = reference->texts[row];
            if (!text)
                continue;
            value.category =
                strcmp(text, reference->target) == 0 ? stream->target : stream->target + 1;
        } else {
            value.number = reference->numbers[row];
        }
        if (signal_of(stream, value, &unit, &binary))
            change_watch_prime(stream->watch, unit, binary);
    }
}

int served_model_add_stream(struct served_model *model, const struct reference_stream *reference,
                            unsigned detectors, uint64_t hold)
{
    struct model_stream *grown =
        realloc(model->streams, (model->stream_count + 1) * sizeof(*model->streams));
    if (!grown)
        return -ENOMEM;
    model->streams = grown;
    struct model_stream *stream = &model->streams[model->stream_count];
    *stream =
        (struct model_stream){.feature = reference->feature, .category = reference->texts != NULL};
    const struct change_watch_spec spec = {.detectors = detectors,
                                           .direction = CHANGE_BOTH,
                                           .seed = SAMPLING_SEED,
                                           .hold = hold,
                                           .times = 10 * hold};
    if (stream->category)
        stream->target = detector_cell(model->detector, reference->feature,
                                       &(struct value){.text = reference->target,
                                                       .text_bytes = strlen(reference->target)})
                             .category;
    else
        moments_of(stream, reference->numbers, reference->rows);
    const int rc = change_watch_create(&spec, &stream->watch);
    if (rc < 0)
        return rc;
    model->stream_count++;
    prime(stream, reference, hold);
    return 0;
}

void served_model_streams_destroy(struct served_model *model)
{
    for (size_t i = 0; i < model->stream_count; i++)
        change_watch_destroy(model->streams[i].watch);
    free(model->streams);
}

/* --- reading --- */

size_t served_model_stream_count(const struct served_model *model)
{
    return model->stream_count;
}

void served_model_stream(struct served_model *model, size_t i, struct stream_report *report)
{
    const size_t feature = model->streams[i].feature;
    report->name =
        feature < model->schema.features ? model->feature_names[feature] : CONFIG_PREDICTION_NAME;
    pthread_mutex_lock(&model->mu);
    change_watch_report(model->streams[i].watch, report->detector);
    pthread_mutex_unlock(&model->mu);
}
