/* adwin.h - ADWIN2: a window that is as long as the mean of the stream has not changed.
 *
 * Source: Bifet and Gavalda (2007), "Learning from time-changing data with adaptive windowing",
 * SDM 2007, 443-448: the exponential histogram of section 4 and the variance bound of its equation
 * 3.1, two-sided. Clock, smallest window and smallest side as in the authors' program (MOA). */
#ifndef DRIFT_ADWIN_H
#define DRIFT_ADWIN_H

#include "drift_types.h"

#include "change_types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ADWIN_DELTA       0.002 /* confidence; the bound's false alarms per window length */
#define ADWIN_CLOCK       32    /* observations between two checks */
#define ADWIN_MAX_BUCKETS 5     /* of one size; M of the paper */
#define ADWIN_MIN_WINDOW  10    /* shorter windows are not checked */
#define ADWIN_MIN_SIDE    5     /* no cut with fewer observations on a side */
/* A bucket of row i holds 2^i observations: room for 5 * 2^40. */
#define ADWIN_ROWS 40

struct adwin_bucket {
    double sum;
    double scatter; /* sum of squares about the bucket's own mean */
};

struct adwin_row {
    uint32_t count;
    struct adwin_bucket bucket[ADWIN_MAX_BUCKETS + 1]; /* from the oldest */
};

struct adwin {
    double delta;
    uint64_t length; /* observations in the window */
    uint32_t tick;   /* observations since the last check */
    uint32_t rows;   /* in use */
    uint64_t looked; /* buckets looked at so far; not part of the state */
    struct adwin_row row[ADWIN_ROWS];
};

/* delta: in (0, 1), else the published default. */
DRIFT_API void drift_adwin_init(struct adwin *adwin, double delta);

/* x: finite, in [0, 1]; the bound is proved for that range and scales with no other.
 * CHANGE_DRIFT when the window was cut, else CHANGE_NONE; there is no warning. *ret_age, written
 * with CHANGE_DRIFT only: observations after the cut that exceeded its bound by the largest factor.
 * The window itself may reach back further: it loses only what the bound does not allow, so that
 * one change can lead to cuts at several checks. O(log n) each
 * ADWIN_CLOCK-th time when nothing is cut, O(1) amortised otherwise; each cut drops a bucket and
 * looks again, O(log n) apiece. No allocation. */
DRIFT_API enum change_state drift_adwin_update(struct adwin *adwin, double x, uint64_t *ret_age);

/* Mean and population variance of the window; NaN when it is empty. O(log n). */
DRIFT_API double drift_adwin_mean(const struct adwin *adwin);
DRIFT_API double drift_adwin_variance(const struct adwin *adwin);

/* The cut bound for a window of n observations and its variance, with n0 and n1 on the sides of
 * the cut: sqrt(2/m v ln(2 ln(n)/delta)) + 2/(3m) ln(2 ln(n)/delta), 1/m = 1/n0 + 1/n1. */
DRIFT_API double drift_adwin_bound(double delta, uint64_t n0, uint64_t n1, double variance);

#ifdef __cplusplus
}
#endif

#endif
