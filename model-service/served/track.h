/* track.h - numbers over time in a fixed memory: a ring of intervals, each with a row of floats.
 */
#ifndef SERVED_TRACK_H
#define SERVED_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct track {
    int64_t interval_ms;
    size_t columns, capacity, length, newest;
    int64_t *interval; /* [capacity] number of the interval: ms / interval_ms */
    float *value;      /* [capacity][columns]; NaN: none */
};

/* False if allocation fails; to be finished in either case. */
bool track_init(struct track *track, size_t columns, size_t capacity, int64_t interval_ms);
void track_finish(struct track *track);

/* The row of the interval that now_ms is in, begun anew, without values, if it is another one. */
float *track_now(struct track *track, int64_t now_ms);
/* Row i of those there are, oldest first, and when it began. */
const float *track_row(const struct track *track, size_t i, int64_t *ret_ms);

#endif
