/* split_mix.h - random bits for synthetic rows, labels and noise: the same numbers for the same
 * seed on every machine. Not for secrets. Source: Steele, Lea and Flood (2014), "Fast splittable
 * pseudorandom number generators", OOPSLA '14, with the constants of the reference implementation
 * of splitmix64. */
#ifndef ROW_SPLIT_MIX_H
#define ROW_SPLIT_MIX_H

#include <stdint.h>

#define SPLIT_MIX_STEP UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t split_mix_bits(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* The bits at a position of the sequence that begins at seed 0, in any order and without a state.
 * The first position is 1. */
static inline uint64_t split_mix_at(uint64_t position)
{
    return split_mix_bits(position * SPLIT_MIX_STEP);
}

/* The next bits of the sequence whose seed the state was at first. */
static inline uint64_t split_mix_next(uint64_t *state)
{
    return split_mix_bits(*state += SPLIT_MIX_STEP);
}

/* Uniform in (0, 1): the middles of 2^52 equal steps, so that a logarithm of it is finite. */
static inline double split_mix_unit(uint64_t *state)
{
    return ((double)(split_mix_next(state) >> 12) + 0.5) * 0x1p-52;
}

#endif
