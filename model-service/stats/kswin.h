/* kswin.h - KSWIN: the newest values against a sample of those before, by the exact two-sample
 * Kolmogorov-Smirnov test.
 *
 * Source: Raab, Heusinger and Schleif (2020), "Reactive soft prototype computing for concept drift
 * streams", Neurocomputing 416, 340-351. As in the authors' program the distance must also exceed
 * KSWIN_MIN_DISTANCE, and the sample is without repetition. */
#ifndef DRIFT_KSWIN_H
#define DRIFT_KSWIN_H

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
    uint32_t limit; /* smallest D * KSWIN_SAMPLE that is significant */
    double ring[KSWIN_WINDOW];
};

/* seed: any; chooses which earlier values are sampled. The sample drawn at an observation is a
 * function of seed and count alone. */
void kswin_init(struct kswin *kswin, uint64_t seed);

/* x: finite. Rises, falls and changes of shape; no warning. After drift only the newest
 * KSWIN_SAMPLE values stay. O(KSWIN_WINDOW), of which sorting twice KSWIN_SAMPLE values is most. No
 * allocation. */
enum change_state kswin_update(struct kswin *kswin, double x);

/* P-values are not needed at each observation: the smallest k for which D = k / KSWIN_SAMPLE has
 * p <= KSWIN_ALPHA and D > KSWIN_MIN_DISTANCE. */
uint32_t kswin_limit(void);

#ifdef __cplusplus
}
#endif

#endif
