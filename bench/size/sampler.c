/* sampler.c - builds the columns of the alias method. */
#include "sampler.h"

void sampler_init(struct sampler *sampler, const double *share, size_t bins)
{
    size_t low[SAMPLER_MOST], high[SAMPLER_MOST], lows = 0, highs = 0;
    sampler->bins = bins;
    for (size_t i = 0; i < bins; i++) {
        sampler->keep[i] = share[i] * (double)bins;
        sampler->alias[i] = (uint32_t)i;
        if (sampler->keep[i] < 1)
            low[lows++] = i;
        else
            high[highs++] = i;
    }
    while (lows > 0 && highs > 0) {
        const size_t poor = low[--lows], rich = high[highs - 1];
        sampler->alias[poor] = (uint32_t)rich;
        sampler->keep[rich] -= 1 - sampler->keep[poor];
        if (sampler->keep[rich] < 1) {
            highs--;
            low[lows++] = rich;
        }
    }
    /* What rounding has left over fills its column. */
    while (lows > 0)
        sampler->keep[low[--lows]] = 1;
    while (highs > 0)
        sampler->keep[high[--highs]] = 1;
}
