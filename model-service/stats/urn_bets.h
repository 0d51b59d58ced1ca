/* urn_bets.h - the alternatives that an urn bets on: a table that features with equal bins share.
 *
 * A bet is a second probability of the next bin beside the urn's own. It is kept as likelihood
 * ratios against the reference's shares:
 * - numeric: shifts by 0.25 to 2 deviations either way, variance times 1.5, 2.25, 5 and divided by
 *   1.5, 2.25, 6.7, and 2 % of the rows in the outermost 1/256 of one tail or of both, all by
 * normal scores of the ranks;
 * - categories: the share of one category moved by 0.1, 0.2 or 0.4 in 2 asin(sqrt(share)), so far
 * as URN_MAX_BETS suffice; each of the rarer categories gains 1, 4 or 15 % of the rows
 *   (urn_tail_internal.h);
 * - for both, memories of the last rows (urn.h), unless evidence is discounted. */
#ifndef DRIFT_URN_BETS_H
#define DRIFT_URN_BETS_H

#include "drift_types.h"
#include "urn_bins.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The number of bets is the cost of a row: 96 take about as long as the other steps together. A
 * multiple of URN_BET_LANES, to which a table is filled up with bets of no weight. */
#define URN_MAX_BETS  96
#define URN_BET_LANES 8
/* Of a numeric feature. */
#define URN_NUMERIC_BETS 24
/* Memories tell at most so many groups of bins apart. */
#define URN_MAX_GROUPS 40
/* Evidence of rows that resemble their neighbours is divided by at most this. */
#define URN_MAX_DISCOUNT 1000.0

enum urn_change_kind {
    URN_UP,         /* size: deviations of a normal variable */
    URN_DOWN,       /* size: the same, negative */
    URN_WIDER,      /* size: factor of the variance */
    URN_NARROWER,   /* size: factor of the variance */
    URN_TAILS,      /* size: -1 the lower tail, 1 the upper, 0 both */
    URN_SHARE_UP,   /* size: difference of the category's share */
    URN_SHARE_DOWN, /* size: difference of the category's share, negative */
    URN_SHAPE,      /* size: 0 */
    URN_CHANGE_KINDS
};

/* "up", "down", "wider", "narrower", "tails", "share up", "share down", "shape"; NULL when out of
 * range. Static storage. */
DRIFT_API const char *drift_urn_change_name(enum urn_change_kind kind);

struct urn_bet_range {
    uint8_t from, to;
};

/* Constant after creation. */
struct urn_bets {
    bool categorical;
    size_t bins, bets; /* bets: a multiple of URN_BET_LANES */
    double discount;   /* >= 1; ratios are raised to its inverse */
    double *mass;      /* [bins] of the bins that the table was made from */
    /* numeric: [bins][bets]; categorical: [2][bets], for the other bins and for the bet's own */
    float *ratio;
    float *plain_ratio; /* the same without discount; ratio itself where that is 1 */
    float weight[URN_MAX_BETS];
    float size[URN_MAX_BETS];
    uint8_t kind[URN_MAX_BETS];
    uint16_t bin[URN_MAX_BETS]; /* categorical: whose share moves */
    struct urn_bet_range *own;  /* [bins] categorical: the bets on each bin's share */
    size_t tail_from;           /* the first category without bets above; bins if none */
    float tail_weight;          /* of all bets on the categories from there on */
    float memory_weight;        /* of all memories */
    size_t groups;
    uint8_t *group; /* [bins] */
};

/* bins: read during the call only. discount: 1 to URN_MAX_DISCOUNT. 0, -ENOMEM, -EINVAL.
 * About bins * bets * 4 bytes for numeric bins, 20 bytes per bin for categories. */
DRIFT_API NODISCARD int drift_urn_bets_create(const struct urn_bins *bins, double discount,
                                              struct urn_bets **ret_bets);
DRIFT_API void drift_urn_bets_destroy(struct urn_bets *bets); /* accepts NULL */

/* The tables of a model's features, each kept once: all continuous features with the same number
 * of reference rows have one. All zero at first. */
struct urn_bets_pool {
    struct urn_bets **bets; /* [count] owned */
    size_t count;
};
/* The table of these bins, made if the pool does not have it; valid until the pool is finished. As
 * drift_urn_bets_create(). O(tables * bins). */
DRIFT_API NODISCARD int drift_urn_bets_pool_get(struct urn_bets_pool *pool,
                                                const struct urn_bins *bins, double discount,
                                                const struct urn_bets **ret_bets);
DRIFT_API void drift_urn_bets_pool_finish(struct urn_bets_pool *pool);

/* Memory in bytes. */
DRIFT_API size_t drift_urn_bets_bytes(const struct urn_bets *bets);

#ifdef __cplusplus
}
#endif

#endif
