/* sampler.h - random numbers, and rows of a given distribution over bins. */
#ifndef BENCH_SIZE_SAMPLER_H
#define BENCH_SIZE_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

#define SAMPLER_MOST 1000 /* bins */

/* splitmix64 (Steele, Lea and Flood 2014) */
static inline uint64_t random_bits(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline double random_uniform(uint64_t *state)
{
    return (double)(random_bits(state) >> 11) * 0x1p-53;
}

/* The alias method (Walker 1977; Vose 1991): a row costs one random number and one look-up. */
struct sampler {
    size_t bins;
    double keep[SAMPLER_MOST]; /* the probability that a row of the bin's column stays in the bin */
    uint32_t alias[SAMPLER_MOST];
};

/* share: [bins], sums to 1; bins at most SAMPLER_MOST. */
void sampler_init(struct sampler *sampler, const double *share, size_t bins);

static inline size_t sampler_draw(const struct sampler *sampler, uint64_t *state)
{
    const double place = random_uniform(state) * (double)sampler->bins;
    const size_t column = (size_t)place;
    return place - (double)column < sampler->keep[column] ? column : sampler->alias[column];
}

#endif
