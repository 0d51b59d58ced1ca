/* past.c - windows as they were. */
#include "served/past.h"

#include <errno.h>
#include <stdlib.h>

struct ring {
    int64_t interval_ms;
    size_t capacity, length, newest;
    int64_t *ms;              /* [capacity] */
    struct past_shape *shape; /* [capacity][features] */
};

struct model_past {
    size_t features;
    struct ring fine, coarse;
    bool keep_coarse; /* of the moment that has begun */
};

static bool ring_init(struct ring *ring, size_t features, size_t capacity, int64_t interval_ms)
{
    *ring = (struct ring){.capacity = capacity, .interval_ms = interval_ms};
    ring->ms = calloc(capacity, sizeof(*ring->ms));
    ring->shape = calloc(capacity * features, sizeof(*ring->shape));
    return ring->ms && ring->shape;
}

static void ring_finish(struct ring *ring)
{
    free(ring->ms);
    free(ring->shape);
}

static bool ring_due(const struct ring *ring, int64_t now_ms)
{
    return ring->length == 0 ||
           ring->ms[ring->newest] / ring->interval_ms != now_ms / ring->interval_ms;
}

static void ring_begin(struct ring *ring, int64_t now_ms)
{
    ring->newest = ring->length == 0 ? 0 : (ring->newest + 1) % ring->capacity;
    ring->length += ring->length < ring->capacity;
    ring->ms[ring->newest] = now_ms;
}

struct model_past *model_past_create(size_t features)
{
    struct model_past *past = calloc(1, sizeof(*past));
    if (!past)
        return NULL;
    past->features = features;
    const bool fine = ring_init(&past->fine, features, PAST_FINE, PAST_FINE_MS);
    const bool coarse = ring_init(&past->coarse, features, PAST_COARSE, PAST_COARSE_MS);
    if (fine && coarse)
        return past;
    model_past_destroy(past);
    return NULL;
}

void model_past_destroy(struct model_past *past)
{
    if (!past)
        return;
    ring_finish(&past->fine);
    ring_finish(&past->coarse);
    free(past);
}

bool model_past_begin(struct model_past *past, int64_t now_ms)
{
    if (!ring_due(&past->fine, now_ms))
        return false;
    ring_begin(&past->fine, now_ms);
    past->keep_coarse = ring_due(&past->coarse, now_ms);
    if (past->keep_coarse)
        ring_begin(&past->coarse, now_ms);
    return true;
}

void model_past_keep(struct model_past *past, size_t feature, const struct past_shape *shape)
{
    past->fine.shape[past->fine.newest * past->features + feature] = *shape;
    if (past->keep_coarse)
        past->coarse.shape[past->coarse.newest * past->features + feature] = *shape;
}

/* --- finding --- */

static int64_t distance(int64_t a, int64_t b)
{
    return a < b ? b - a : a - b;
}

/* Index of the nearest with rows, or the capacity. */
static size_t nearest(const struct ring *ring, size_t features, size_t feature, int64_t ms)
{
    size_t found = ring->capacity;
    for (size_t i = 0; i < ring->length; i++)
        if (ring->shape[i * features + feature].rows > 0 &&
            (found == ring->capacity || distance(ring->ms[i], ms) < distance(ring->ms[found], ms)))
            found = i;
    return found;
}

int model_past_find(const struct model_past *past, size_t feature, int64_t ms, int64_t now_ms,
                    struct past_shape *ret_shape, int64_t *ret_ms)
{
    const struct ring *rings[] = {&past->fine, &past->coarse};
    int64_t best = (now_ms - ms) / 2;
    int rc = -ENODATA;
    best = best < PAST_COARSE_MS ? best : PAST_COARSE_MS;
    for (size_t r = 0; r < 2; r++) {
        const size_t at = nearest(rings[r], past->features, feature, ms);
        if (at == rings[r]->capacity || distance(rings[r]->ms[at], ms) > best)
            continue;
        best = distance(rings[r]->ms[at], ms);
        *ret_shape = rings[r]->shape[at * past->features + feature];
        *ret_ms = rings[r]->ms[at];
        rc = 0;
    }
    return rc;
}
