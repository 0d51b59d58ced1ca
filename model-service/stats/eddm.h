/* eddm.h - EDDM: the distance between errors against the longest it has been.
 *
 * Source: Baena-Garcia, del Campo-Avila, Fidalgo, Bifet, Gavalda and Morales-Bueno (2006), "Early
 * drift detection method", 4th ECML PKDD workshop on knowledge discovery from data streams, 77-86.
 * As in MOA the first distance is counted from the start and the maximum is taken after 30
 * observations. */
#ifndef DRIFT_EDDM_H
#define DRIFT_EDDM_H

#include "drift_types.h"

#include "change_types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EDDM_MIN_OBSERVATIONS 30
#define EDDM_MIN_ERRORS       30
#define EDDM_WARNING          0.95
#define EDDM_DRIFT            0.90

struct eddm {
    uint64_t count, errors; /* since the last drift */
    uint64_t last_error;    /* count at the last error */
    double mean, scatter;   /* of the distances: mean, sum of squares about it */
    double longest;         /* largest mean + 2 deviations */
    uint64_t warning_at;    /* count at which the running warning began; 0: none */
};

DRIFT_API void drift_eddm_init(struct eddm *eddm);

/* x: 0 (right) or 1 (wrong). Rises only. The state changes at errors and is kept between them.
 * Starts again after drift. *ret_age as in drift_ddm_update. O(1). */
DRIFT_API enum change_state drift_eddm_update(struct eddm *eddm, double x, uint64_t *ret_age);

#ifdef __cplusplus
}
#endif

#endif
