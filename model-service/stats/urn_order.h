/* urn_order.h - what the order of rows means for an urn.
 *
 * Rows that resemble their neighbours carry less evidence than their number says. By how much is
 * measured on the reference in the order in which it came: the variance of the means of blocks of
 * rows, beside what independent rows would have. And rows that came in one block or file are in no
 * order that means anything: they are shuffled. */
#ifndef DRIFT_URN_ORDER_H
#define DRIFT_URN_ORDER_H

#include "drift_types.h"
#include "urn_bins.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* By what to divide the evidence, 1 (independent rows) to 1000: 1.15 times the largest ratio of the
 * variance of block means to that of independent rows, over blocks of 4, 8, ... rows / 20 rows, for
 * the rank of the bin, its distance from the middle, and for categories whether a row is of each
 * bin with at least 2 % of the rows; only a ratio that independent rows reach with probability
 * 0.0002 at most counts. Rounded up to one of 22 levels, so that features share tables of bets.
 * bin: [rows] below bins->count, in the order of the rows. O(rows log rows), times the number of
 * such categories. */
DRIFT_API double drift_urn_discount(const struct urn_bins *bins, const uint16_t *bin, size_t rows);

/* A permutation of 0 .. count - 1 that depends on seed and count only (Fisher and Yates, with
 * splitmix64). */
DRIFT_API void drift_urn_shuffle(uint64_t seed, uint32_t *order, size_t count);

#ifdef __cplusplus
}
#endif

#endif
