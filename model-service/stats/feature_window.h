/* feature_window.h - one feature's recent observations against its reference.
 *
 * Holds nothing but counts (per cell and per bin), exact sums, and for a count window the ring
 * of values. After every observation every score can be read; the exact KS statistic costs
 * O(log R) to keep (in a window of all observations nothing, but O(R) when asked); scores on bins
 * cost O(bins) when asked, the others O(R).
 * Not thread-safe: the owner locks. */
#ifndef DRIFT_FEATURE_WINDOW_H
#define DRIFT_FEATURE_WINDOW_H

#include "drift_types.h"
#include "reference.h"

#ifdef __cplusplus
extern "C" {
#endif

struct feature_window;

/* Exactly one of the references is given; it is borrowed and must outlive the window. Memory: about
 * 24 to 40 bytes per reference value, 12 per observation of a count window, 8 per reference value
 * and pane of a duration window. 0, -ENOMEM, -EINVAL (both or none, bad spec). */
DRIFT_API NODISCARD int drift_feature_window_create(const struct numeric_reference *numeric,
                                                    const struct categorical_reference *categorical,
                                                    const struct window_spec *spec,
                                                    struct feature_window **ret_window);
DRIFT_API void drift_feature_window_destroy(struct feature_window *window);

/* Add one observation and expire what falls out. NaN is missing. Hot path: no allocation. Nothing
 * happens on a window of the other type. */
DRIFT_API void drift_feature_window_observe_number(struct feature_window *window, double x,
                                                   int64_t now_ms);
/* As observing them one by one; in a window of all observations several times as fast. */
DRIFT_API void drift_feature_window_observe_numbers(struct feature_window *window, const double *x,
                                                    size_t count, int64_t now_ms);
/* code: from drift_categorical_reference_code(); out of range counts as unseen. */
DRIFT_API void drift_feature_window_observe_category(struct feature_window *window, uint32_t code,
                                                     int64_t now_ms);
/* Expire only (duration windows). */
DRIFT_API void drift_feature_window_advance(struct feature_window *window, int64_t now_ms);
/* Back to empty. */
DRIFT_API void drift_feature_window_reset(struct feature_window *window);

/* Sizes of the window now. observations = finite or categorised + missing + infinite. dropped:
 * observations not taken because the window held 2^31 - 1 already (never in a count window). */
struct window_counts {
    uint64_t observations, missing, positive_infinite, negative_infinite, unseen, dropped;
};
DRIFT_API struct window_counts drift_feature_window_counts(const struct feature_window *window);

/* Score by a method. 0; -ENODATA when the window or the reference has no usable value (a finite
 * one for KS, Wasserstein and Cramer-von Mises, any row for the rest); -ENOTSUP when the method
 * does not apply to the type. Equal observations give equal bits, whatever the order in which
 * they came and whatever fell out before.
 * Wasserstein is in units of the reference's deviation, or in the feature's own unit where that is
 * zero or undefined. Cramer-von Mises compares the distribution functions after all values of a tie
 * (equal to mid-ranks without ties, and not inflated by them), and takes values strictly between
 * the same two reference values as distinct. */
DRIFT_API NODISCARD int drift_feature_window_score(const struct feature_window *window,
                                                   enum drift_method method, double *ret_score);

/* So many rows, of the window and of the reference, say as much as one row of its own (1 to 1000),
 * as rows resemble their neighbours: p-values are those of samples so much smaller. values: of all
 * scores; missing: of drift_feature_window_missing_p(). 1 at first; no part of the saved state. */
DRIFT_API void drift_feature_window_discount(struct feature_window *window, double values,
                                             double missing);
/* The sample that p-values of scores are computed with, at least 1 of a window that is not empty.
 */
DRIFT_API double drift_feature_window_effective(const struct feature_window *window);

/* P-value of a score just read. Same returns; -ENODATA also where none is defined
 * (wasserstein, l_infinity). */
DRIFT_API NODISCARD int drift_feature_window_p_value(const struct feature_window *window,
                                                     enum drift_method method, double score,
                                                     double *ret_p);

/* P-value of the missing share against the reference's: Fisher's exact test. 1 on an empty window.
 */
DRIFT_API double drift_feature_window_missing_p(const struct feature_window *window);

/* Moments of the finite values now, correctly rounded from exact sums (sample deviation, n - 1);
 * NaN where undefined. O(1), in a count window O(observations) for min and max. */
struct window_moments {
    double mean, deviation, min, max;
};
DRIFT_API struct window_moments drift_feature_window_moments(const struct feature_window *window);

/* Value at probability p in [0, 1] (inverse of the empirical distribution function) to the
 * resolution of the reference's cells: values between two reference values count as their middle,
 * those beyond the reference's range as their mean. NaN if empty. O(R). */
DRIFT_API double drift_feature_window_quantile(const struct feature_window *window, double p);

/* The categories whose share moved most between reference and window, the furthest first, at most
 * `capacity` of them and none that did not move; the rare ones together, unseen and missing count
 * as categories. Returns how many: 0 for a numeric or an empty window. O(categories * capacity). */
struct category_move {
    uint32_t code; /* as drift_categorical_reference_code() */
    double reference_share, current_share;
};
DRIFT_API size_t drift_feature_window_moves(const struct feature_window *window,
                                            struct category_move *moves, size_t capacity);

/* Bin counts of the window, in the order of the reference's bin_count. Borrowed, valid until
 * the next call that changes the window; *ret_bins receives their number. */
DRIFT_API const uint64_t *drift_feature_window_bins(const struct feature_window *window,
                                                    size_t *ret_bins);

/* A bound on |score - truth| of the Wasserstein score, in the same unit, rounding (about 1e-12
 * relative) aside; the truth is the distance of the raw rows. NaN where there is no score. */
DRIFT_API double drift_feature_window_wasserstein_bound(const struct feature_window *window);

/* Add what `later` saw after what `window` saw: byte-identical (drift_feature_window_save) to one
 * window having seen both in that order. (A duration window: if `later` began no earlier than
 * `window` ended; otherwise its panes are moved up to the end of `window`, as late observations
 * are.) Same reference and spec. 0, -EINVAL. */
DRIFT_API NODISCARD int drift_feature_window_merge(struct feature_window *window,
                                                   const struct feature_window *later);

/* State as bytes, the same on every machine (little-endian, versioned, checked).
 * save: returns the size; writes nothing when it exceeds capacity.
 * restore: 0, -EINVAL (not a state, of another version, reference or spec), -ENOMEM; the window
 * is untouched on failure. */
DRIFT_API size_t drift_feature_window_save(const struct feature_window *window, void *bytes,
                                           size_t capacity);
DRIFT_API NODISCARD int drift_feature_window_restore(struct feature_window *window,
                                                     const void *bytes, size_t size);

#ifdef __cplusplus
}
#endif

#endif
