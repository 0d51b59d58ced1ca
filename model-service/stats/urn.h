/* urn.h - sequential evidence that a feature's distribution has changed, row by row.
 *
 * While nothing changes, the next row falls into a bin with a probability that is known exactly
 * from the finite reference and all rows so far (urn_bins.h). Each bet (urn_bets.h) is another
 * probability fixed before the row is seen, so its ratio to the first has mean 1. Their
 * Shiryaev-Roberts sums over "the change began at row k" are mixed: the evidence less the sum of
 * all start weights is a martingale. So a page at evidence >= budget, with start weight 1 per row,
 * happens by chance at most once in `budget` rows on average, whatever the distribution and the
 * size of the reference, and however often one looks; with the seconds since the last row as start
 * weight, at most once in `budget` seconds.
 * Sources: Shin, Ramdas and Rinaldo (2022), "E-detectors", arXiv 2203.03532; Shiryaev (1963) and
 * Roberts (1966) for the sum; Blackwell and MacQueen (1973) for the urn.
 *
 * The promise is for rows in no particular order. Rows that resemble their neighbours need a
 * discount (urn_order.h), which restores it in practice only.
 * Not thread-safe: the owner locks. No clock, no random numbers; nothing is allocated after
 * creation. */
#ifndef DRIFT_URN_H
#define DRIFT_URN_H

#include "drift_types.h"
#include "urn_bets.h"
#include "urn_bins.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct urn;

/* Evidence stops growing here; a budget must be smaller. */
#define URN_MAX_EVIDENCE 1e18

/* bins and bets are borrowed and must outlive the urn; bets were made from bins of the same masses.
 * 0, -ENOMEM, -EINVAL (bins and bets do not fit). Memory: drift_urn_bytes(), below 2 KiB for
 * numeric bins, 36 bytes per bin for many categories. */
DRIFT_API NODISCARD int drift_urn_create(const struct urn_bins *bins, const struct urn_bets *bets,
                                         struct urn **ret_urn);
DRIFT_API void drift_urn_destroy(struct urn *urn); /* accepts NULL */
DRIFT_API size_t drift_urn_bytes(const struct urn *urn);

/* A row in `bin` (below bins->count). start: what the row adds to the evidence that chance is
 * allowed, >= 0: 1, or the time since the last row. Returns the evidence, as drift_urn_evidence().
 * O(bets). */
DRIFT_API double drift_urn_observe(struct urn *urn, size_t bin, double start);

/* Rows together, as if each were observed but for rounding: the first with the start weight, the
 * others with 0. Several times as fast; row by row where the evidence reaches `most`. rows: >= 1.
 * Returns the evidence after the last row. */
DRIFT_API double drift_urn_observe_rows(struct urn *urn, const uint16_t *bin, size_t rows,
                                        double start, double most);

/* In the unit of the start weights; 0 before the first row. */
DRIFT_API double drift_urn_evidence(const struct urn *urn);

/* What the evidence speaks for. */
struct urn_change {
    enum urn_change_kind kind; /* of the bet with the largest wealth */
    double size;               /* in the unit of the kind */
    size_t bin;                /* of the category whose share moved; 0 otherwise */
    double rows;               /* since the change, the posterior mean */
};
/* O(bins) for many categories. */
DRIFT_API struct urn_change drift_urn_change(const struct urn *urn);

/* The constant shift of a normal variable, in deviations, that gives so much evidence (in rows)
 * per row since the change; times the square root of the discount. 0 below one row. */
DRIFT_API double drift_urn_deviations(const struct urn *urn, double evidence_rows);

/* Multiplies the evidence down to `most` if it is above, and returns what it is now. */
DRIFT_API double drift_urn_limit(struct urn *urn, double most);
/* Evidence back to 0; what was learned stays. */
DRIFT_API void drift_urn_restart(struct urn *urn);
/* While held, rows are evidence but not learned: they are collected apart. */
DRIFT_API void drift_urn_hold(struct urn *urn, bool hold);
/* Rows collected since the hold began. */
DRIFT_API uint64_t drift_urn_collected(const struct urn *urn);
/* What was collected in a hold becomes the reference ("the new normal"): evidence, memories and
 * hold start anew. 0, or -ENODATA when nothing has been collected. */
DRIFT_API NODISCARD int drift_urn_adopt(struct urn *urn);

/* Adds what a shard saw: counts add up, and the evidence is the mean over all shards, which keeps
 * the promise. Same bins and bets. 0, or -EINVAL (other bins or bets, or either one held or adopted
 * a new reference); the urn is unchanged then. Changes the form of other's numbers, not their
 * value. */
DRIFT_API NODISCARD int drift_urn_merge(struct urn *urn, struct urn *other);

/* The whole state as bytes, the same on every machine; restored and continued equals never stopped.
 * save: returns the size; writes nothing when that exceeds capacity. restore: into an urn of the
 * same bins and bets. 0, -ENOMEM, or -EINVAL (not a state, damaged, or of others); the urn is
 * unchanged then. Any bytes are safe. */
DRIFT_API size_t drift_urn_save(const struct urn *urn, void *bytes, size_t capacity);
DRIFT_API NODISCARD int drift_urn_restore(struct urn *urn, const void *bytes, size_t size);

#ifdef __cplusplus
}
#endif

#endif
