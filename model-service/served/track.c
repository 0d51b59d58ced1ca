/* track.c - a ring of intervals. */
#include "served/track.h"

#include <math.h>
#include <stdlib.h>

bool track_init(struct track *track, size_t columns, size_t capacity, int64_t interval_ms)
{
    *track = (struct track){.columns = columns, .capacity = capacity, .interval_ms = interval_ms};
    track->interval = calloc(capacity, sizeof(*track->interval));
    track->value = calloc(capacity * columns, sizeof(*track->value));
    return track->interval && track->value;
}

void track_finish(struct track *track)
{
    free(track->interval);
    free(track->value);
    *track = (struct track){0};
}

float *track_now(struct track *track, int64_t now_ms)
{
    const int64_t interval = now_ms / track->interval_ms;
    if (track->length == 0 || track->interval[track->newest] != interval) {
        track->newest = track->length == 0 ? 0 : (track->newest + 1) % track->capacity;
        track->length += track->length < track->capacity;
        track->interval[track->newest] = interval;
        for (size_t c = 0; c < track->columns; c++)
            track->value[track->newest * track->columns + c] = NAN;
    }
    return &track->value[track->newest * track->columns];
}

const float *track_row(const struct track *track, size_t i, int64_t *ret_ms)
{
    const size_t age = track->length - 1 - i;
    const size_t at = (track->newest + track->capacity - age) % track->capacity;
    *ret_ms = track->interval[at] * track->interval_ms;
    return &track->value[at * track->columns];
}
