/* eddm.c - EDDM: the distance between errors against the longest it has been. */
#include "eddm.h"

#include "change_internal.h"

#include <math.h>

void drift_eddm_init(struct eddm *eddm)
{
    *eddm = (struct eddm){0};
}

/* After another error. */
static enum change_state judge(struct eddm *eddm)
{
    const double spread = sqrt(eddm->scatter / (double)eddm->errors);
    const double reach = eddm->mean + 2 * spread;
    if (eddm->count < EDDM_MIN_OBSERVATIONS)
        return CHANGE_NONE;
    if (reach > eddm->longest) {
        eddm->longest = reach;
        return CHANGE_NONE;
    }
    if (eddm->errors <= EDDM_MIN_ERRORS)
        return CHANGE_NONE;
    const double share = reach / eddm->longest;
    if (share < EDDM_DRIFT)
        return CHANGE_DRIFT;
    return share < EDDM_WARNING ? CHANGE_WARNING : CHANGE_NONE;
}

enum change_state drift_eddm_update(struct eddm *eddm, double x, uint64_t *ret_age)
{
    eddm->count++;
    if (x == 0)
        return eddm->warning_at > 0 ? CHANGE_WARNING : CHANGE_NONE;
    const double distance = (double)(eddm->count - eddm->last_error);
    const double before = distance - eddm->mean;
    eddm->last_error = eddm->count;
    eddm->errors++;
    eddm->mean += before / (double)eddm->errors;
    eddm->scatter += before * (distance - eddm->mean);
    const enum change_state state = judge(eddm);
    change_note(&eddm->warning_at, eddm->count, state, ret_age);
    if (state == CHANGE_DRIFT)
        drift_eddm_init(eddm);
    return state;
}
