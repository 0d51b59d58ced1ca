/* urn_order.c - the variance of block means, and a fixed shuffle. */
#include "urn_order.h"

#include "urn_bets.h"
#include "urn_order_internal.h"

#include <math.h>

#define SHORTEST_BLOCK 4
/* Fewer blocks than this do not tell a variance. */
#define FEWEST_BLOCKS 20
/* Only a ratio counts that a normal variable's tail beyond this many deviations explains: a dozen
 * lengths of blocks are looked at, for two values or more. */
#define CERTAIN 3.5
/* What the estimate may be too small by. */
#define MARGIN 1.15
/* Values are in [0, 1]: what one row in 2^30 that differs gives is larger, what rounding leaves of
 * a constant is smaller. */
#define SMALLEST_VARIANCE 1e-15
/* A rarer category does not tell how rows cluster. */
#define SMALLEST_SHARE 0.02

static const double levels[] = {1,  1.5, 2,  2.5, 3,  4,  5,  6,   8,   10,  12,
                                15, 20,  25, 30,  40, 60, 80, 120, 200, 400, URN_MAX_DISCOUNT};
#define LEVELS (sizeof(levels) / sizeof(levels[0]))

double urn_order_level(double ratio)
{
    for (size_t i = 0; ratio > 1 && i < LEVELS; i++)
        if (levels[i] >= ratio * MARGIN)
            return levels[i];
    return ratio > 1 ? URN_MAX_DISCOUNT : 1;
}

struct series {
    const uint16_t *bin;
    size_t rows;
    const double *value; /* of each bin */
    double mean, variance;
};

static void measure(struct series *series)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < series->rows; i++)
        sum += series->value[series->bin[i]];
    series->mean = sum / (double)series->rows;
    for (size_t i = 0; i < series->rows; i++) {
        const double deviation = series->value[series->bin[i]] - series->mean;
        squares += deviation * deviation;
    }
    series->variance = squares / (double)series->rows;
}

/* Variance of the means of blocks, beside that of independent rows. */
static double block_ratio(const struct series *series, size_t length)
{
    const size_t blocks = series->rows / length;
    double squares = 0;
    for (size_t k = 0; k < blocks; k++) {
        double sum = 0;
        for (size_t i = k * length; i < (k + 1) * length; i++)
            sum += series->value[series->bin[i]] - series->mean;
        squares += sum * sum;
    }
    return squares / (double)(blocks * length) / series->variance;
}

/* The ratio at that probability for independent rows: a chi-square over its degrees of freedom, by
 * Wilson and Hilferty (1931). */
double urn_order_by_chance(double blocks)
{
    const double part = 2 / (9 * blocks);
    const double root = 1 - part + CERTAIN * sqrt(part);
    return root * root * root;
}

static double inflation(const uint16_t *bin, size_t rows, const double *value)
{
    struct series series = {.bin = bin, .rows = rows, .value = value};
    double worst = 1;
    measure(&series);
    if (!(series.variance > SMALLEST_VARIANCE))
        return 1;
    for (size_t length = SHORTEST_BLOCK; rows / length >= FEWEST_BLOCKS; length *= 2) {
        const double ratio = block_ratio(&series, length);
        if (ratio > urn_order_by_chance((double)(rows / length)) && ratio > worst)
            worst = ratio;
    }
    return urn_order_level(worst);
}

static double worst_indicator(const struct urn_bins *bins, const uint16_t *bin, size_t rows,
                              double total)
{
    double indicator[URN_MAX_CATEGORY_BINS] = {0}, worst = 1;
    for (size_t b = 0; b < bins->count; b++) {
        if (bins->mass[b] / total < SMALLEST_SHARE)
            continue;
        indicator[b] = 1;
        worst = fmax(worst, inflation(bin, rows, indicator));
        indicator[b] = 0;
    }
    return worst;
}

double drift_urn_discount(const struct urn_bins *bins, const uint16_t *bin, size_t rows)
{
    double value[URN_MAX_CATEGORY_BINS] = {0}, total = 0, below = 0, worst = 1;
    if (rows == 0)
        return 1;
    for (size_t b = 0; b < bins->count; b++)
        total += bins->mass[b];
    for (size_t b = 0; b < bins->count; b++) {
        value[b] = (below + bins->mass[b] / 2) / total;
        below += bins->mass[b];
    }
    if (bins->categorical)
        worst = worst_indicator(bins, bin, rows, total);
    worst = fmax(worst, inflation(bin, rows, value));
    for (size_t b = 0; b < bins->count; b++)
        value[b] = fabs(value[b] - 0.5);
    return fmax(worst, inflation(bin, rows, value));
}

static uint64_t next_bits(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void drift_urn_shuffle(uint64_t seed, uint32_t *order, size_t count)
{
    uint64_t state = seed;
    for (size_t i = 0; i < count; i++) {
        const size_t j = (size_t)(next_bits(&state) % (i + 1));
        order[i] = order[j];
        order[j] = (uint32_t)i;
    }
}
