/* window_internal.h - the inside of a feature window, shared by feature_window.c (observing),
 * window_scores.c and window_distance.c (reading) and window_state.c (merging, bytes). */
#ifndef DRIFT_WINDOW_INTERNAL_H
#define DRIFT_WINDOW_INTERNAL_H

#include "exact_sum.h"
#include "feature_window.h"
#include "ks_tree.h"

#include <stdbool.h>

/* Times are clamped to this, so that times and panes can be subtracted. */
#define WINDOW_MAX_TIME_MS (INT64_MAX / 4)

/* What a set of observations amounts to. Every part is a pure function of the set, and all but
 * min and max can be subtracted. Categorical windows use cell and observations only. */
struct tally {
    uint32_t *cell; /* [cells]: see drift_numeric_reference_classify(), or the category's code */
    uint64_t observations;
    struct exact_sum sum, below, above; /* all; below and above the reference's range */
    struct exact_squares squares;
    double min, max; /* of the finite ones, infinities if none; not kept in count windows */
    uint64_t *block; /* panes: a bit per TALLY_BLOCK cells that may have counts; else NULL */
};

/* A pane mostly holds few observations: expiring it should not look at every cell. */
#define TALLY_BLOCK 64

static inline void tally_mark(struct tally *tally, size_t cell)
{
    const size_t block = cell / TALLY_BLOCK;
    if (tally->block)
        tally->block[block / 64] |= UINT64_C(1) << (block % 64);
}

/* The observations of a count window, oldest first from `begin`, wrapping around. */
struct ring {
    double *value; /* NULL when categorical */
    uint32_t *cell;
    size_t capacity, begin, length;
};

/* Of a categorical reference: a bin each for its categories, the rare, unseen and missing ones. */
#define WINDOW_MAX_BINS (REFERENCE_MAX_CATEGORIES + 3)
_Static_assert(REFERENCE_MAX_HISTOGRAM <= WINDOW_MAX_BINS, "more than of categories");

/* What a read may write, behind a pointer: the terms of the population stability index, kept while
 * the window's size stands still, and which of them have to be computed again. */
#define PSI_STALE_BINS 8
struct psi_cache {
    bool bins_stale; /* the window's bins are to be counted anew from its cells */
    uint64_t total;  /* the window's size that the terms hold for; 0 when all are stale */
    size_t stale_count;
    size_t stale[PSI_STALE_BINS];
    double term[]; /* [bins] */
};

static inline void psi_cache_clear(struct psi_cache *cache)
{
    cache->total = 0;
}

/* The bin's count has changed and the window's size has not. */
static inline void psi_cache_mark(struct psi_cache *cache, size_t bin)
{
    if (cache->total == 0)
        return;
    if (cache->stale_count == PSI_STALE_BINS)
        psi_cache_clear(cache);
    else
        cache->stale[cache->stale_count++] = bin;
}

struct feature_window {
    const struct numeric_reference *numeric; /* one of the two */
    const struct categorical_reference *categorical;
    struct window_spec spec;
    size_t cells, missing_cell;
    size_t bins;
    const uint64_t *reference_bin; /* [bins] */
    uint64_t reference_rows;
    struct tally total;
    uint64_t *bin;                     /* [bins]; read by window_bins() */
    struct ks_tree tree;               /* numeric; over total.cell */
    uint64_t dropped;                  /* beyond EXACT_SUM_MAX_COUNT */
    double discount, missing_discount; /* of p-values, >= 1 */

    struct psi_cache *psi;

    struct ring ring; /* WINDOW_COUNT */

    /* WINDOW_DURATION: pane i covers the milliseconds [i, i + 1) * pane_ms, at i % WINDOW_PANES. */
    struct tally *pane; /* [WINDOW_PANES] */
    int64_t pane_ms, newest;
    bool started; /* newest is meaningful */
};

/* Adds an observation that has been classified; x is read for numeric windows only. */
void window_add(struct feature_window *window, double x, uint32_t cell, int64_t now_ms);

/* The same into the pane, expiring what that pushes out. */
void window_add_pane(struct feature_window *window, double x, uint32_t cell, int64_t pane);

/* Expires the panes that are out of a window whose newest pane is `pane`. */
void window_advance_panes(struct feature_window *window, int64_t pane);

struct tally *window_pane(const struct feature_window *window, int64_t pane);

/* tally += other, without min and max. */
void tally_combine(struct tally *tally, const struct tally *other, size_t cells);
void tally_clear(struct tally *tally, size_t cells);

/* After total.cell has been changed as a whole: bins, tree and cached terms. */
void window_recount(struct feature_window *window);

/* Counts the bins from the cells. */
void window_count_bins(const struct feature_window *window);

/* The bins as they are now: a window of all observations may leave counting them to the first read.
 */
static inline uint64_t *window_bins(const struct feature_window *window)
{
    if (window->psi->bins_stale)
        window_count_bins(window);
    return window->bin;
}

static inline bool window_is_finite_cell(const struct feature_window *window, size_t cell)
{
    return window->numeric && cell < window->missing_cell;
}

static inline size_t window_bin_of(const struct feature_window *window, size_t cell)
{
    return window->numeric != NULL ? window->numeric->bin_of_cell[cell] : cell;
}

#endif
