/* urn_neighbours.h - how much the rows of a live stream resemble their neighbours, where no ordered
 * reference tells.
 *
 * What a change does to the stream must not pass for resemblance, or it would hide itself. So
 * everything is measured by differences of neighbours, of which a change makes only a few:
 * - of rows, beside the variance within segments of 64 rows: the rank von Neumann ratio (Bartels
 *   1982, JASA 77, 40-46), from which follows the variance inflation of a first-order
 *   autoregression. Some fifty rows tell;
 * - of the means of blocks of 16, 32, ... rows, of which at least 20 are asked for: what lasts
 *   longer is learned slowly. The mean square root of the differences is taken, as some large ones
 *   hardly move it.
 * Only what independent rows hardly ever reach counts. A stream that stands still tells nothing. */
#ifndef DRIFT_URN_NEIGHBOURS_H
#define DRIFT_URN_NEIGHBOURS_H

#include "drift_types.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Blocks of up to 128 rows: what lasts longer is a change rather than resemblance. */
#define URN_NEIGHBOUR_LEVELS 4

struct urn_neighbour_level {
    double sum;        /* of the block that has begun */
    float last, roots; /* the mean of the last whole block; square roots of differences */
};

/* Of the bin, and of its distance from the middle. */
struct urn_neighbour_series {
    double last, differences;        /* the last row; squares */
    double segment, segment_squares; /* of the segment that has begun */
    double within;                   /* squares about the means of the whole segments */
    struct urn_neighbour_level level[URN_NEIGHBOUR_LEVELS];
};

struct urn_neighbours { /* all zero at first */
    uint64_t rows, judged_at;
    double discount; /* 0 before anything is known */
    struct urn_neighbour_series series[2];
};

/* Rows in the order in which they came, by their bin of so many. Some 30 instructions a row. */
DRIFT_API void drift_urn_neighbours_add(struct urn_neighbours *neighbours, const uint16_t *bin,
                                        size_t rows, size_t bins);

/* How many rows say as much as one row of its own: 1 (independent rows, or nothing known) to 1000,
 * one of the levels of drift_urn_discount(). */
DRIFT_API double drift_urn_neighbours_discount(const struct urn_neighbours *neighbours);

/* As bytes, the same on every machine. restore: 0, or -EINVAL (not such bytes; unchanged then). */
#define URN_NEIGHBOURS_BYTES (1 + 3 * 8 + 2 * (5 * 8 + URN_NEIGHBOUR_LEVELS * 16))
DRIFT_API void drift_urn_neighbours_save(const struct urn_neighbours *neighbours,
                                         uint8_t bytes[URN_NEIGHBOURS_BYTES]);
DRIFT_API NODISCARD int drift_urn_neighbours_restore(struct urn_neighbours *neighbours,
                                                     const uint8_t bytes[URN_NEIGHBOURS_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
