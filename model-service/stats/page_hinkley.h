/* page_hinkley.h - the Page-Hinkley test: a cumulative sum against its own extreme.
 *
 * Source: Page (1954), "Continuous inspection schemes", Biometrika 41, 100-115; with the running
 * mean and the fading factor of Gama, Sebastiao and Rodrigues (2013), Machine Learning 90, 317-346;
 * defaults of MOA. */
#ifndef DRIFT_PAGE_HINKLEY_H
#define DRIFT_PAGE_HINKLEY_H

#include "drift_types.h"

#include "change_types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PAGE_HINKLEY_MIN_OBSERVATIONS 30
#define PAGE_HINKLEY_DELTA            0.005  /* tolerated change, in units of x */
#define PAGE_HINKLEY_LAMBDA           50.0   /* limit, in units of x */
#define PAGE_HINKLEY_ALPHA            0.9999 /* forgetting of the sum */

struct page_side {
    double sum, low; /* faded sum of deviations less delta, and its minimum */
    uint64_t low_at; /* count at the minimum; 0: at the start */
};

struct page_hinkley {
    enum change_direction direction;
    uint64_t count; /* since the last drift */
    double mean;
    struct page_side rise, fall; /* fall: of -x, only with CHANGE_BOTH */
};

DRIFT_API void drift_page_hinkley_init(struct page_hinkley *test, enum change_direction direction);

/* x: finite, |x| <= 1e100; delta and lambda are in its units, so scale it. No warning.
 * Starts again after drift. *ret_age, written with CHANGE_DRIFT only: observations since the
 * minimum of the sum. O(1). */
DRIFT_API enum change_state drift_page_hinkley_update(struct page_hinkley *test, double x,
                                                      uint64_t *ret_age);

#ifdef __cplusplus
}
#endif

#endif
