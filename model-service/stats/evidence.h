/* evidence.h - multiple testing. */
#ifndef DRIFT_EVIDENCE_H
#define DRIFT_EVIDENCE_H

#include "drift_types.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Holm (1979), Scand. J. Statist. 6, 65-70: step-down control of the family-wise error.
 * p: `count` p-values; NaN marks a test that was not made and is never significant nor counted.
 * alpha: in (0, 1).  significant: written for every index.
 * order: scratch of `count` indices, its content afterwards is unspecified.
 * O(count log count), no allocation. */
DRIFT_API void drift_holm(const double *p, size_t count, double alpha, size_t *order,
                          bool *significant);

#ifdef __cplusplus
}
#endif

#endif
