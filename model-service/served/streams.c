/* streams.c - detectors of change on the mean of a feature or the rate of a prediction. */
#include "served/internal.h"

#include "config/config.h"
#include "row/split_mix.h"

#include <errno.h>
#include <math.h>
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
    struct change_watch *watch; /* guarded by the windows' mu */
};

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

void model_streams_feed(const struct model_streams *streams, size_t i,
                        const union detector_cell *cells, size_t count, int64_t now_ms)
{
    const struct model_stream *stream = &streams->stream[i];
    for (size_t v = 0; v < count; v++) {
        double unit, binary;
        if (!signal_of(stream, cells[v], &unit, &binary))
            continue;
        (void)drift_change_watch_observe(stream->watch, unit, binary, now_ms);
        if (drift_change_watch_due(stream->watch))
            drift_change_watch_release(stream->watch);
    }
}

size_t model_streams_feature(const struct model_streams *streams, size_t i)
{
    return streams->stream[i].feature;
}

struct change_watch *model_streams_watch(const struct model_streams *streams, size_t i)
{
    return streams->stream[i].watch;
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
        const size_t row = split_mix_at(i + 1) % reference->rows;
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
            drift_change_watch_prime(stream->watch, unit, binary);
    }
}

static uint32_t target_code(const struct detector *detector,
                            const struct reference_stream *reference)
{
    const struct value target = {.text = reference->target,
                                 .text_bytes = strlen(reference->target)};
    return detector_cell(detector, reference->feature, &target).category;
}

int model_streams_add(struct model_streams *streams, const struct detector *detector,
                      const struct reference_stream *reference, unsigned detectors, uint64_t hold)
{
    struct model_stream *grown =
        realloc(streams->stream, (streams->count + 1) * sizeof(*streams->stream));
    if (!grown)
        return -ENOMEM;
    streams->stream = grown;
    struct model_stream *stream = &grown[streams->count];
    *stream = (struct model_stream){.feature = reference->feature, .category = reference->texts};
    const struct change_watch_spec spec = {.detectors = detectors,
                                           .direction = CHANGE_BOTH,
                                           .seed = SAMPLING_SEED,
                                           .hold = hold,
                                           .times = 10 * hold};
    if (stream->category)
        stream->target = target_code(detector, reference);
    else
        moments_of(stream, reference->numbers, reference->rows);
    const int rc = drift_change_watch_create(&spec, &stream->watch);
    if (rc < 0)
        return rc;
    streams->count++;
    prime(stream, reference, hold);
    return 0;
}

void model_streams_finish(struct model_streams *streams)
{
    for (size_t i = 0; i < streams->count; i++)
        drift_change_watch_destroy(streams->stream[i].watch);
    free(streams->stream);
}

/* --- reading --- */

size_t served_model_stream_count(const struct served_model *model)
{
    return model->windows.streams.count;
}

void served_model_stream(struct served_model *model, size_t i, struct stream_report *report)
{
    const struct model_stream *stream = &model->windows.streams.stream[i];
    const struct schema *schema = &model->definition.schema;
    report->name =
        stream->feature < schema->features ? schema->name[stream->feature] : CONFIG_PREDICTION_NAME;
    pthread_mutex_lock(&model->windows.mu);
    drift_change_watch_report(stream->watch, report->detector);
    pthread_mutex_unlock(&model->windows.mu);
}
