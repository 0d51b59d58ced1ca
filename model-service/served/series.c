/* series.c - a ring of intervals. */
#include "served/series.h"

#include <math.h>
#include <stdlib.h>

bool series_init(struct series *series, size_t columns, size_t capacity, int64_t interval_ms)
{
    *series = (struct series){.columns = columns, .capacity = capacity, .interval_ms = interval_ms};
    series->interval = calloc(capacity, sizeof(*series->interval));
    series->value = calloc(capacity * columns, sizeof(*series->value));
    return series->interval && series->value;
}

void series_finish(struct series *series)
{
    free(series->interval);
    free(series->value);
    *series = (struct series){0};
}

float *series_now(struct series *series, int64_t now_ms)
{
    const int64_t interval = now_ms / series->interval_ms;
    if (series->length == 0 || series->interval[series->newest] != interval) {
        series->newest = series->length == 0 ? 0 : (series->newest + 1) % series->capacity;
        series->length += series->length < series->capacity;
        series->interval[series->newest] = interval;
        for (size_t c = 0; c < series->columns; c++)
            series->value[series->newest * series->columns + c] = NAN;
    }
    return &series->value[series->newest * series->columns];
}

const float *series_row(const struct series *series, size_t i, int64_t *ret_ms)
{
    const size_t age = series->length - 1 - i;
    const size_t at = (series->newest + series->capacity - age) % series->capacity;
    *ret_ms = series->interval[at] * series->interval_ms;
    return &series->value[at * series->columns];
}
