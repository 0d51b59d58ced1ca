/* exact_sum.h - sums of doubles and of their squares without any rounding.
 *
 * Method: a small superaccumulator after Neal (2015), "Fast exact summation using small and large
 * superaccumulators", arXiv 1505.05571. Fixed-point numbers that span the whole range of double
 * (of its square), in int64 chunks 32 bits apart, without carrying between chunks: each addition
 * moves a chunk by less than 2^32, so 2^31 - 1 additions cannot overflow. Subtracting undoes
 * adding. Chunks that are carried differently are the same number: settling makes them the same
 * bits, a pure function of the multiset of values. */
#ifndef DRIFT_EXACT_SUM_H
#define DRIFT_EXACT_SUM_H

#include "drift_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bit 0 of chunk 0 is 2^-1074; the highest bit of a double is 2^1023. */
#define EXACT_SUM_CHUNKS 66
/* Bit 0 of chunk 0 is 2^-2148. */
#define EXACT_SQUARES_CHUNKS 132
/* More additions than this could overflow a chunk. */
#define EXACT_SUM_MAX_COUNT ((uint64_t)INT32_MAX)

struct exact_sum {
    int64_t chunk[EXACT_SUM_CHUNKS];
};

struct exact_squares {
    int64_t chunk[EXACT_SQUARES_CHUNKS];
};

/* x: finite. O(1): three chunks for the sum, five for the squares. All zero bytes are an empty
 * sum. At most EXACT_SUM_MAX_COUNT values may be in a sum at a time. */
DRIFT_API void drift_exact_sum_add(struct exact_sum *sum, double x);
DRIFT_API void drift_exact_sum_subtract(struct exact_sum *sum, double x);
DRIFT_API void drift_exact_squares_add(struct exact_squares *squares, double x);
/* x[0 .. count): to both; several times as fast as one by one where few exponents occur. */
DRIFT_API void drift_exact_sums_add(struct exact_sum *sum, struct exact_squares *squares,
                                    const double *x, size_t count);
DRIFT_API void drift_exact_squares_subtract(struct exact_squares *squares, double x);

/* Chunk by chunk, sign +1 or -1: merging and expiring whole panes. */
DRIFT_API void drift_exact_sum_combine(struct exact_sum *sum, const struct exact_sum *other,
                                       int sign);
DRIFT_API void drift_exact_squares_combine(struct exact_squares *squares,
                                           const struct exact_squares *other, int sign);

/* Carries between the chunks, so that equal sums are equal bytes: all chunks get the sum's sign and
 * all but the last a magnitude below 2^32. */
DRIFT_API void drift_exact_sum_settle(struct exact_sum *sum);
DRIFT_API void drift_exact_squares_settle(struct exact_squares *squares);

/* sum / count, correctly rounded (to nearest, ties to even). NaN when count is 0.
 * count: at most EXACT_SUM_MAX_COUNT. */
DRIFT_API double drift_exact_sum_mean(const struct exact_sum *sum, uint64_t count);

/* Sample deviation sqrt((squares - sum^2 / count) / (count - 1)), correctly rounded: computed in
 * integers throughout, so it neither cancels nor overflows. NaN when count is below 2, or when
 * the three arguments do not belong together (a negative variance). */
DRIFT_API double drift_exact_deviation(const struct exact_sum *sum,
                                       const struct exact_squares *squares, uint64_t count);

#ifdef __cplusplus
}
#endif

#endif
