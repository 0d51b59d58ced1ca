/* kswin.c - KSWIN: the newest values against a sample of those before. */
#include "kswin.h"

#include "ks.h"
#include "special.h"

#include <math.h>
#include <string.h>

/* The smallest distance that two samples of KSWIN_SAMPLE can have and that is significant. */
static double smallest_significant(void)
{
    for (uint64_t k = 1; k <= KSWIN_SAMPLE; k++) {
        const double d = drift_ks_fraction(k * KSWIN_SAMPLE, KSWIN_SAMPLE, KSWIN_SAMPLE);
        if (d > KSWIN_MIN_DISTANCE &&
            drift_ks_p_value(d, KSWIN_SAMPLE, KSWIN_SAMPLE) <= KSWIN_ALPHA)
            return d;
    }
    return INFINITY;
}

void drift_kswin_init(struct kswin *kswin, uint64_t seed)
{
    *kswin = (struct kswin){.seed = seed, .limit = smallest_significant()};
}

/* splitmix64 (Steele, Lea and Flood 2014) at a position of its sequence. */
static uint64_t random_bits(uint64_t seed, uint64_t position)
{
    uint64_t z = seed + (position + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void drift_kswin_draw(uint64_t seed, uint64_t count, uint32_t older, uint8_t index[KSWIN_SAMPLE])
{
    uint8_t order[KSWIN_WINDOW];
    for (uint32_t i = 0; i < older; i++)
        order[i] = (uint8_t)i;
    for (uint32_t i = 0; i < KSWIN_SAMPLE; i++) {
        const uint64_t bits = random_bits(seed, count * KSWIN_SAMPLE + i) >> 32;
        const uint32_t at = i + (uint32_t)(bits * (older - i) >> 32);
        index[i] = order[at];
        order[at] = order[i];
    }
}

/* Insertion: the fastest for so few. */
static void sort_values(double *x)
{
    for (int i = 1; i < KSWIN_SAMPLE; i++) {
        const double value = x[i];
        int at = i;
        for (; at > 0 && x[at - 1] > value; at--)
            x[at] = x[at - 1];
        x[at] = value;
    }
}

/* The value at a place counted from the oldest. */
static double value_at(const struct kswin *kswin, uint32_t place)
{
    const uint32_t at = kswin->begin + place;
    return kswin->ring[at < KSWIN_WINDOW ? at : at - KSWIN_WINDOW];
}

static bool differs(const struct kswin *kswin)
{
    const uint32_t older = KSWIN_WINDOW - KSWIN_SAMPLE;
    uint8_t index[KSWIN_SAMPLE];
    double before[KSWIN_SAMPLE], recent[KSWIN_SAMPLE], d = 0;
    drift_kswin_draw(kswin->seed, kswin->count, older, index);
    for (uint32_t i = 0; i < KSWIN_SAMPLE; i++) {
        before[i] = value_at(kswin, index[i]);
        recent[i] = value_at(kswin, older + i);
    }
    sort_values(before);
    sort_values(recent);
    return drift_ks_distance(before, KSWIN_SAMPLE, recent, KSWIN_SAMPLE, &d) == 0 &&
           d >= kswin->limit;
}

enum change_state drift_kswin_update(struct kswin *kswin, double x)
{
    kswin->count++;
    if (kswin->length == KSWIN_WINDOW) {
        kswin->begin = (kswin->begin + 1) % KSWIN_WINDOW;
        kswin->length--;
    }
    kswin->ring[(kswin->begin + kswin->length++) % KSWIN_WINDOW] = x;
    if (kswin->length < KSWIN_WINDOW || !differs(kswin))
        return CHANGE_NONE;
    kswin->begin = (kswin->begin + KSWIN_WINDOW - KSWIN_SAMPLE) % KSWIN_WINDOW;
    kswin->length = KSWIN_SAMPLE;
    return CHANGE_DRIFT;
}
