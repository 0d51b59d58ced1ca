/* urn_rate.c - see the header. */
#include "urn_rate.h"

#include <math.h>

/* In 2 asin(sqrt(share)); the first half are rises. */
static const double step[URN_RATE_BETS] = {0.1, 0.2, 0.4, -0.1, -0.2, -0.4};
/* An angle this close to that of 0 or 1 would be a bet on certainty. */
#define SMALLEST_ANGLE 0.005

void drift_urn_rate_init(struct urn_rate *urn, enum change_direction direction)
{
    *urn = (struct urn_rate){.direction = direction};
}

static double moved(double angle, double by)
{
    const double to = fmin(fmax(angle + by / 2, SMALLEST_ANGLE), M_PI_2 - SMALLEST_ANGLE);
    return sin(to) * sin(to);
}

enum change_state drift_urn_rate_update(struct urn_rate *urn, double x, uint64_t *ret_age)
{
    const size_t bets = urn->direction == CHANGE_UP ? URN_RATE_BETS / 2 : URN_RATE_BETS;
    const double one = ((double)urn->ones + 0.5) / ((double)urn->count + 1);
    const double angle = asin(sqrt(one));
    double evidence = 0, age = 0;
    for (size_t k = 0; k < bets; k++) {
        const double bet = moved(angle, step[k]);
        const double ratio = x > 0 ? bet / one : (1 - bet) / (1 - one);
        const double old = urn->wealth[k] + 1 / (double)bets;
        urn->wealth[k] = old * ratio;
        urn->age[k] = (urn->age[k] + old) * ratio;
        evidence += urn->wealth[k];
        age += urn->age[k];
    }
    urn->count++;
    urn->ones += x > 0;
    if (evidence < URN_RATE_BUDGET)
        return CHANGE_NONE;
    const double rows = fmin(fmax(floor(age / evidence + 0.5), 1), (double)urn->count);
    *ret_age = (uint64_t)rows;
    drift_urn_rate_init(urn, urn->direction);
    return CHANGE_DRIFT;
}
