/* random_stream.h - seeded random values of many shapes, for the unit tests. */
#ifndef TESTS_RANDOM_STREAM_H
#define TESTS_RANDOM_STREAM_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* splitmix64 (Steele, Lea and Flood 2014). */
static inline uint64_t random_bits(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline size_t random_below(uint64_t *state, size_t bound)
{
    return (size_t)(random_bits(state) % bound);
}

/* In (0, 1). */
static inline double random_unit(uint64_t *state)
{
    return ((double)(random_bits(state) >> 12) + 0.5) * 0x1p-52;
}

static inline double random_normal(uint64_t *state)
{
    const double radius = sqrt(-2 * log(random_unit(state)));
    return radius * cos(6.283185307179586 * random_unit(state));
}

enum stream_shape {
    STREAM_NORMAL,
    STREAM_DISCRETE,
    STREAM_ATOM,
    STREAM_HEAVY_TAIL,
    STREAM_CONSTANT,
    STREAM_ANY_FINITE,
    STREAM_DIRTY, /* missing and infinite values among normal and discrete ones */
    STREAM_MISSING,
    STREAM_SHAPES
};

static inline enum stream_shape random_shape(uint64_t *state)
{
    return (enum stream_shape)random_below(state, STREAM_SHAPES);
}

static inline double random_dirty(uint64_t *state)
{
    switch (random_below(state, 12)) {
    case 0:
        return NAN;
    case 1:
        return INFINITY;
    case 2:
        return -INFINITY;
    case 3:
        return -0.0;
    case 4:
        return 0.0;
    default:
        return round(4 * random_normal(state)) / 4;
    }
}

static inline double random_finite(uint64_t *state)
{
    double x;
    do {
        const uint64_t bits = random_bits(state);
        memcpy(&x, &bits, sizeof(x));
    } while (!isfinite(x));
    return x;
}

static inline double random_value(uint64_t *state, enum stream_shape shape)
{
    switch (shape) {
    case STREAM_NORMAL:
        return random_normal(state);
    case STREAM_DISCRETE:
        return (double)random_below(state, 6);
    case STREAM_ATOM:
        return random_below(state, 10) < 6 ? 0 : random_normal(state);
    case STREAM_HEAVY_TAIL:
        return random_normal(state) / random_unit(state) / random_unit(state);
    case STREAM_CONSTANT:
        return 3;
    case STREAM_ANY_FINITE:
        return random_finite(state);
    case STREAM_DIRTY:
        return random_dirty(state);
    case STREAM_MISSING:
        return NAN;
    case STREAM_SHAPES:
        break;
    }
    return 0;
}

static inline double *random_values(uint64_t *state, enum stream_shape shape, size_t count)
{
    double *x = calloc(count + 1, sizeof(*x));
    if (x == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        x[i] = random_value(state, shape);
    return x;
}

/* A seed that differs from run to run and is printed, so that a failure can be repeated with
 * TEST_SEED=... in the environment. */
static inline uint64_t fresh_seed(void)
{
    const char *given = getenv("TEST_SEED");
    const uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("TEST_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static inline int compare_values(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Bitwise equality, so that NaN equals NaN and 0 differs from -0. */
static inline uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

#endif
