/* series.h - numbers over time in a fixed memory: a ring of intervals, each with a row of floats.
 */
#ifndef SERVED_SERIES_H
#define SERVED_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct series {
    int64_t interval_ms;
    size_t columns, capacity, length, newest;
    int64_t *interval; /* [capacity] number of the interval: ms / interval_ms */
    float *value;      /* [capacity][columns]; NaN: none */
};

/* False if allocation fails; to be finished in either case. */
bool series_init(struct series *series, size_t columns, size_t capacity, int64_t interval_ms);
void series_finish(struct series *series);

/* The row of the interval that now_ms is in, begun anew, without values, if it is another one. */
float *series_now(struct series *series, int64_t now_ms);
/* Row i of those there are, oldest first, and when it began. */
const float *series_row(const struct series *series, size_t i, int64_t *ret_ms);

#endif
