/* urn_stream.h - the streams of tests/vectors/urn.csv. Also read by make_urn.py, which gives the
 * same streams to the prototype: everything here is exact arithmetic, so that it is the same
 * anywhere. */
#ifndef TESTS_URN_STREAM_H
#define TESTS_URN_STREAM_H

#include "random_stream.h"

enum urn_shape {
    URN_SHAPE_BELL,       /* the sum of twelve uniform numbers less 6: nearly normal */
    URN_SHAPE_ZEROS,      /* 40 % zeros, else bell */
    URN_SHAPE_ROUNDED,    /* bell in steps of 1/8 */
    URN_SHAPE_STEPS,      /* 0 to 6: a value each */
    URN_SHAPE_CATEGORIES, /* shares proportional to 1 / rank */
};

/* A row of the reference, or of the stream before its change. */
struct urn_case {
    enum urn_shape shape;
    int categories;
    int reference_rows;
    double discount, shift, spread;
};

static const struct urn_case urn_cases[] = {
    {URN_SHAPE_BELL, 0, 200, 1, 0.5, 1},         {URN_SHAPE_BELL, 0, 1000, 1, 0.25, 1},
    {URN_SHAPE_BELL, 0, 5000, 1, 0, 1.3},        {URN_SHAPE_BELL, 0, 5000, 1, 0, 0.75},
    {URN_SHAPE_BELL, 0, 5000, 3, -0.5, 1},       {URN_SHAPE_BELL, 0, 2000, 25, 2, 1},
    {URN_SHAPE_ZEROS, 0, 2000, 1, 0.5, 1},       {URN_SHAPE_ROUNDED, 0, 2000, 1, -0.5, 1},
    {URN_SHAPE_STEPS, 0, 1000, 1, 1, 1},         {URN_SHAPE_CATEGORIES, 1, 500, 1, 0.05, 1},
    {URN_SHAPE_CATEGORIES, 2, 1000, 1, 0.1, 1},  {URN_SHAPE_CATEGORIES, 2, 1000, 4, 0.3, 1},
    {URN_SHAPE_CATEGORIES, 5, 100, 1, 0.2, 1},   {URN_SHAPE_CATEGORIES, 12, 2000, 1, 0.1, 1},
    {URN_SHAPE_CATEGORIES, 12, 2000, 8, 0.3, 1}, {URN_SHAPE_CATEGORIES, 20, 3000, 1, 0.1, 1},
};
#define URN_CASES      ((int)(sizeof(urn_cases) / sizeof(urn_cases[0])))
#define URN_ROWS       2400
#define URN_CHANGE_AT  800
#define URN_RECORDED   200 /* evidence is recorded every so many rows */
#define URN_RESTART_AT 1e6
#define URN_MAX_ROWS   5000

static inline double urn_bell(uint64_t *seed)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += (double)(random_bits(seed) >> 11) * 0x1p-53;
    return sum;
}

/* A category by its rank from 0 on, with integer weights: 232792560 = lcm(1 .. 20) by rank. */
static inline double urn_category(uint64_t *seed, int categories)
{
    uint64_t total = 0;
    for (int i = 1; i <= categories; i++)
        total += UINT64_C(232792560) / (uint64_t)i;
    uint64_t at = random_bits(seed) % total;
    int rank = 1;
    while (at >= UINT64_C(232792560) / (uint64_t)rank)
        at -= UINT64_C(232792560) / (uint64_t)rank++;
    return rank - 1;
}

/* changed: the rows after the change. A category's share grows by `shift`: the last one's, or
 * that of one the reference does not have (numbered after it) for half of the rows. */
static inline double urn_row(const struct urn_case *c, uint64_t *seed, int changed)
{
    const double shift = changed ? c->shift : 0, spread = changed ? c->spread : 1;
    const double choice = (double)(random_bits(seed) >> 11) * 0x1p-53;
    switch (c->shape) {
    case URN_SHAPE_BELL:
        return urn_bell(seed) * spread + shift;
    case URN_SHAPE_ZEROS:
        return choice < 0.4 ? 0 : urn_bell(seed) * spread + shift;
    case URN_SHAPE_ROUNDED:
        return floor(8 * (urn_bell(seed) + shift)) / 8;
    case URN_SHAPE_STEPS:
        return (double)random_below(seed, 4) + (double)random_below(seed, 4) +
               (choice < 0.3 ? shift : 0);
    case URN_SHAPE_CATEGORIES:
        break;
    }
    if (choice < shift)
        return choice < shift / 2 ? c->categories : c->categories - 1;
    return urn_category(seed, c->categories);
}

static inline uint64_t urn_seed(int number)
{
    return UINT64_C(1000) + (uint64_t)number;
}

#endif
