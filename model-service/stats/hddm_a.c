/* hddm_a.c - HDDM-A: plain means before and after the best cut, by Hoeffding's bound. */
#include "hddm.h"

#include <math.h>

void drift_hddm_a_init(struct hddm_a *hddm, enum change_direction direction)
{
    *hddm = (struct hddm_a){.direction = direction};
}

static double mean_of(const struct hddm_mean *sample)
{
    return sample->sum / (double)sample->count;
}

static double bound_of(const struct hddm_mean *sample)
{
    return sqrt(log(1 / HDDM_DRIFT_CONFIDENCE) / (2 * (double)sample->count));
}

static void move_cuts(struct hddm_a *hddm)
{
    const double mean = mean_of(&hddm->total), bound = bound_of(&hddm->total);
    if (hddm->low.count == 0 || mean_of(&hddm->low) + bound_of(&hddm->low) >= mean + bound)
        hddm->low = hddm->total;
    if (hddm->high.count == 0 || mean_of(&hddm->high) - bound_of(&hddm->high) <= mean - bound)
        hddm->high = hddm->total;
}

/* rise: by how much the mean of all is above (falls: below) that of the cut. */
static enum change_state judge(const struct hddm_mean *cut, const struct hddm_mean *total,
                               double rise)
{
    if (cut->count == total->count)
        return CHANGE_NONE;
    const double m =
        (double)(total->count - cut->count) / (double)cut->count / (double)total->count;
    if (rise >= sqrt(m / 2 * log(2 / HDDM_DRIFT_CONFIDENCE)))
        return CHANGE_DRIFT;
    return rise >= sqrt(m / 2 * log(2 / HDDM_WARNING_CONFIDENCE)) ? CHANGE_WARNING : CHANGE_NONE;
}

enum change_state drift_hddm_a_update(struct hddm_a *hddm, double x, uint64_t *ret_age)
{
    hddm->total.count++;
    hddm->total.sum += x;
    move_cuts(hddm);
    const double mean = mean_of(&hddm->total);
    const struct hddm_mean *cut = &hddm->low;
    enum change_state state = judge(cut, &hddm->total, mean - mean_of(cut));
    if (hddm->direction == CHANGE_BOTH) {
        const enum change_state fall =
            judge(&hddm->high, &hddm->total, mean_of(&hddm->high) - mean);
        if (fall > state) {
            state = fall;
            cut = &hddm->high;
        }
    }
    if (state == CHANGE_DRIFT) {
        *ret_age = hddm->total.count - cut->count;
        drift_hddm_a_init(hddm, hddm->direction);
    }
    return state;
}
