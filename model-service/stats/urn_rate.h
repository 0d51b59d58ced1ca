/* urn_rate.h - sequential evidence that the rate of a 0/1 stream has changed: the urn of urn.h for
 * two categories, without a reference and small enough to be embedded.
 *
 * The next number is 1 with probability (ones + 1/2) / (count + 1) by all numbers so far. Each bet
 * is that probability moved by 0.1, 0.2 or 0.4 in 2 asin(sqrt(p)), fixed before the number is seen,
 * so that the ratio of the two has mean 1. Their Shiryaev-Roberts sums over "the change began at
 * number k" are mixed: evidence of URN_RATE_BUDGET comes by chance at most once in as many numbers
 * on average, for a rate that a Beta(1/2, 1/2) prior knows as little as the urn does, and not more
 * often at fixed rates (tests/unit/stats/test_urn_rate.c).
 * Sources: as of urn.h. */
#ifndef DRIFT_URN_RATE_H
#define DRIFT_URN_RATE_H

#include "drift_types.h"

#include "change_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers per false alarm. */
#define URN_RATE_BUDGET 1e6
#define URN_RATE_BETS   6

struct urn_rate {
    enum change_direction direction;
    uint64_t count, ones; /* since the last drift */
    double wealth[URN_RATE_BETS], age[URN_RATE_BETS];
};

DRIFT_API void drift_urn_rate_init(struct urn_rate *urn, enum change_direction direction);

/* x: 0 or 1. Starts again after drift. *ret_age, written with CHANGE_DRIFT only: numbers since the
 * change, the posterior mean, at least 1 and at most those since the start. O(1). */
DRIFT_API enum change_state drift_urn_rate_update(struct urn_rate *urn, double x,
                                                  uint64_t *ret_age);

#ifdef __cplusplus
}
#endif

#endif
