/* kswin.h - KSWIN: the newest values against a sample of those before, by the exact two-sample
 * Kolmogorov-Smirnov test.
 *
 * Source: Raab, Heusinger and Schleif (2020), "Reactive soft prototype computing for concept drift
 * streams", Neurocomputing 416, 340-351. As in the authors' program the test is the exact p-value
 * (the paper's bound sqrt(-ln(alpha)/r) is that of the limit) and the distance must also exceed
 * KSWIN_MIN_DISTANCE. The sample is without repetition. */
#ifndef DRIFT_KSWIN_H
#define DRIFT_KSWIN_H

#include "drift_types.h"

#include "change_types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KSWIN_ALPHA        0.005
#define KSWIN_WINDOW       100
#define KSWIN_SAMPLE       30
#define KSWIN_MIN_DISTANCE 0.1

struct kswin {
    uint64_t seed, count; /* count: observations since init, the counter of the generator */
    uint32_t begin, length;
    double limit; /* smallest significant distance */
    double ring[KSWIN_WINDOW];
};

/* seed: any; chooses which earlier values are sampled. The sample drawn at an observation is a
 * function of seed and count alone. */
DRIFT_API void drift_kswin_init(struct kswin *kswin, uint64_t seed);

/* x: finite. Rises, falls and changes of shape; no warning. After drift only the newest
 * KSWIN_SAMPLE values stay. O(KSWIN_WINDOW), of which sorting twice KSWIN_SAMPLE values is most. No
 * allocation. */
DRIFT_API enum change_state drift_kswin_update(struct kswin *kswin, double x);

/* Which KSWIN_SAMPLE of the `older` values (older >= KSWIN_SAMPLE, at most KSWIN_WINDOW) are drawn
 * at the count-th observation: ascending draws of a Fisher-Yates shuffle by splitmix64 at the
 * counter count * KSWIN_SAMPLE + draw. */
DRIFT_API void drift_kswin_draw(uint64_t seed, uint64_t count, uint32_t older,
                                uint8_t index[KSWIN_SAMPLE]);

#ifdef __cplusplus
}
#endif

#endif
