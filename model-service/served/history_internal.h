/* history_internal.h - a model's history, for history.c and history_state.c alone. */
#ifndef SERVED_HISTORY_INTERNAL_H
#define SERVED_HISTORY_INTERNAL_H

#include "served/history.h"

/* A ring of intervals, each with a strength per feature; NaN: no score. */
struct series {
    int64_t interval_ms;
    size_t capacity, length, newest;
    int64_t *interval; /* [capacity] number of the interval: ms / interval_ms */
    float *strength;   /* [capacity][features] */
};

struct model_history {
    size_t features;
    struct series fine, coarse;
    struct incident incident[HISTORY_INCIDENTS]; /* a ring: number i at i % HISTORY_INCIDENTS */
    size_t incidents;                            /* ever opened */
    bool open;  /* the last one goes on when a feature drifts again */
    bool moved; /* something of the incidents changed at the last report */
    int64_t added_ms;
    float *added; /* [features] strengths of the last report, NaN: no score */
};

/* The newest interval, begun anew if now_ms is in another one. */
float *series_now(struct series *series, size_t features, int64_t now_ms);
/* Takes the strengths in `added` into both series. */
void history_add_strengths(struct model_history *history);

#endif
