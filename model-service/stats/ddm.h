/* ddm.h - DDM: the error rate against the lowest it has been.
 *
 * Source: Gama, Medas, Castillo and Rodrigues (2004), "Learning with drift detection", SBIA 2004,
 * LNCS 3171, 286-295. Strictly above the limits, as in MOA: with "at or above", a stream without
 * any error would be drift. */
#ifndef DRIFT_DDM_H
#define DRIFT_DDM_H

#include "drift_types.h"

#include "change_types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DDM_MIN_OBSERVATIONS 30
#define DDM_WARNING_SIGMAS   2.0
#define DDM_DRIFT_SIGMAS     3.0

struct ddm {
    uint64_t count; /* since the last drift */
    double sum;
    double low_rate, low_deviation; /* where rate + deviation was lowest */
    uint64_t warning_at;            /* count at which the running warning began; 0: none */
};

DRIFT_API void drift_ddm_init(struct ddm *ddm);

/* x: in [0, 1]; published for 0 (right) and 1 (wrong). Rises only. Starts again after drift.
 * *ret_age, written with CHANGE_DRIFT only: observations since the warning began, this one
 * included. O(1). */
DRIFT_API enum change_state drift_ddm_update(struct ddm *ddm, double x, uint64_t *ret_age);

#ifdef __cplusplus
}
#endif

#endif
