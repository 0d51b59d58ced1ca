/* window_shape.h - what a window and its reference look like, as a picture needs it: cumulative
 * curves, histograms, and the bins of the scores. Everything is counted from the window's cells, so
 * it is exact at the reference's values; values of the window between two of these count as their
 * middle. Numeric windows only. No allocation. */
#ifndef DRIFT_WINDOW_SHAPE_H
#define DRIFT_WINDOW_SHAPE_H

#include "feature_window.h"

#include <stdbool.h>

/* Both cumulative distribution functions at x: the shares of the finite rows that are at most x, or
 * below x if `before`. */
struct curve_point {
    double x;
    bool before;
    double reference, current;
};

/* Where the curves are furthest apart: |reference - current| is the Kolmogorov-Smirnov score, to
 * the last bits of a subtraction. 0; -ENODATA if either side has no finite value. O(R). */
NODISCARD int window_furthest_apart(const struct feature_window *window,
                                    struct curve_point *ret_point);

/* The curves, ascending: all steps if they fit, otherwise points about equally far apart in shares.
 * The first and the last value of the reference and `apart` are always among them. capacity: >= 8.
 * Returns how many points; 0 if either side has no finite value. O(R). */
size_t window_curves(const struct feature_window *window, const struct curve_point *apart,
                     struct curve_point *points, size_t capacity);

/* Counts the finite rows of both sides between edges: [0] of each below edge[0], [i] from
 * edge[i - 1] to below edge[i], [bars + 1] above edge[bars], which itself belongs to the last bar.
 * edge: [bars + 1] ascending; reference, current: [bars + 2]. O(R). */
void window_histogram(const struct feature_window *window, const double *edge, size_t bars,
                      uint64_t *reference, uint64_t *current);

/* What a bin of the scores holds; see reference.h. */
enum shape_bin_kind {
    BIN_RANGE,   /* above low, up to high; open ends are infinite */
    BIN_BETWEEN, /* above low, below high: a heavy value comes next */
    BIN_VALUE,   /* low alone: a heavy value */
    BIN_BELOW,   /* below low, the lowest value */
    BIN_ABOVE,   /* above high, the highest value */
    BIN_GAPS,    /* between heavy values */
    BIN_MISSING,
    BIN_INFINITE,
};

struct shape_bin {
    enum shape_bin_kind kind;
    double low, high; /* as the kind says; NaN where it says nothing */
};

/* What each bin of the reference holds. bins: [ref->bins]. O(R). */
void reference_bins(const struct numeric_reference *ref, struct shape_bin *bins);

#endif
