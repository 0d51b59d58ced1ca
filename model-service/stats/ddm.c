/* ddm.c - DDM: the error rate against the lowest it has been. */
#include "ddm.h"

#include "change_internal.h"

#include <math.h>

void drift_ddm_init(struct ddm *ddm)
{
    *ddm = (struct ddm){0};
}

static enum change_state judge(struct ddm *ddm)
{
    if (ddm->count < DDM_MIN_OBSERVATIONS)
        return CHANGE_NONE;
    const double n = (double)ddm->count, rate = ddm->sum / n;
    const double deviation = sqrt(rate * (1 - rate) / n);
    if (ddm->count == DDM_MIN_OBSERVATIONS ||
        rate + deviation <= ddm->low_rate + ddm->low_deviation) {
        ddm->low_rate = rate;
        ddm->low_deviation = deviation;
    }
    if (rate + deviation > ddm->low_rate + DDM_DRIFT_SIGMAS * ddm->low_deviation)
        return CHANGE_DRIFT;
    return rate + deviation > ddm->low_rate + DDM_WARNING_SIGMAS * ddm->low_deviation
               ? CHANGE_WARNING
               : CHANGE_NONE;
}

enum change_state drift_ddm_update(struct ddm *ddm, double x, uint64_t *ret_age)
{
    ddm->count++;
    ddm->sum += x;
    const enum change_state state = judge(ddm);
    change_note(&ddm->warning_at, ddm->count, state, ret_age);
    if (state == CHANGE_DRIFT)
        drift_ddm_init(ddm);
    return state;
}
