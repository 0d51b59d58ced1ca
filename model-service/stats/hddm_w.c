/* hddm_w.c - HDDM-W: weighted means before and after the best cut, by McDiarmid's bound. */
#include "change_internal.h"
#include "hddm.h"

#include <math.h>

void drift_hddm_w_init(struct hddm_w *hddm, enum change_direction direction)
{
    *hddm = (struct hddm_w){.direction = direction};
}

static void weigh_in(struct hddm_weighted *sample, double x)
{
    const double keep = 1 - HDDM_LAMBDA;
    if (sample->weight == 0) {
        *sample = (struct hddm_weighted){.mean = x, .weight = 1};
        return;
    }
    sample->mean = HDDM_LAMBDA * x + keep * sample->mean;
    sample->weight = HDDM_LAMBDA * HDDM_LAMBDA + keep * keep * sample->weight;
}

static double bound_of(double weight, double confidence)
{
    return sqrt(weight * log(1 / confidence) / 2);
}

/* sign: 1 for rises, -1 for falls. */
static void move_cut(struct hddm_side *side, const struct hddm_weighted *total, double x,
                     double sign)
{
    const double bound = sign * total->mean + bound_of(total->weight, HDDM_DRIFT_CONFIDENCE);
    if (side->before.weight == 0 || bound < side->bound)
        *side = (struct hddm_side){.before = *total, .bound = bound};
    else
        weigh_in(&side->after, x);
}

static enum change_state judge(const struct hddm_side *side, double sign)
{
    if (side->before.weight == 0 || side->after.weight == 0)
        return CHANGE_NONE;
    const double weight = side->before.weight + side->after.weight;
    const double rise = sign * (side->after.mean - side->before.mean);
    if (rise > bound_of(weight, HDDM_DRIFT_CONFIDENCE))
        return CHANGE_DRIFT;
    return rise > bound_of(weight, HDDM_WARNING_CONFIDENCE) ? CHANGE_WARNING : CHANGE_NONE;
}

enum change_state drift_hddm_w_update(struct hddm_w *hddm, double x, uint64_t *ret_age)
{
    hddm->count++;
    weigh_in(&hddm->total, x);
    move_cut(&hddm->rise, &hddm->total, x, 1);
    enum change_state state = judge(&hddm->rise, 1);
    if (hddm->direction == CHANGE_BOTH) {
        move_cut(&hddm->fall, &hddm->total, x, -1);
        const enum change_state fall = judge(&hddm->fall, -1);
        state = fall > state ? fall : state;
    }
    change_note(&hddm->warning_at, hddm->count, state, ret_age);
    if (state == CHANGE_DRIFT)
        drift_hddm_w_init(hddm, hddm->direction);
    return state;
}
