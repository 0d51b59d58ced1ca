/* urn_rows.c - rows together, a fraction of the cost of each by itself.
 *
 * With a start weight at the first row alone, a bet's wealth grows by the product of its ratios,
 * and its ages by the same product: neither needs the sums between. */
#include "urn_internal.h"

#include <math.h>

/* Ratios of so many rows are multiplied before wealth is: few enough for the range of a float. */
#define CHUNK_ROWS 16u

/* What becomes of the bets in a chunk. */
struct chunk {
    const uint16_t *bin;
    size_t rows;
    float start;                /* of the first row */
    float growth[URN_MAX_BETS]; /* product of each bet's ratios, without the base's */
    float base;                 /* product of the base's ratios */
    uint8_t group[CHUNK_ROWS];
    float group_share[CHUNK_ROWS];
};

static void grow_numeric(const struct urn *urn, struct chunk *chunk)
{
    const struct urn_bets *bets = urn->bets;
    for (size_t k = 0; k < bets->bets; k += URN_BET_LANES) {
        float growth[URN_BET_LANES];
        for (size_t i = 0; i < URN_BET_LANES; i++)
            growth[i] = 1;
        for (size_t r = 0; r < chunk->rows; r++) {
            const float *ratio = bets->ratio + chunk->bin[r] * bets->bets + k;
            for (size_t i = 0; i < URN_BET_LANES; i++)
                growth[i] *= ratio[i] * urn->scale[k + i];
        }
        for (size_t i = 0; i < URN_BET_LANES; i++)
            chunk->growth[k + i] = growth[i];
    }
}

static float power(float x, size_t n)
{
    float result = 1;
    for (; n > 0; n >>= 1, x *= x)
        if (n & 1)
            result *= x;
    return result;
}

/* The bets on a bin's own category, of whose rows the chunk has so many. */
static void grow_own(const struct urn *urn, size_t bin, size_t rows, struct chunk *chunk)
{
    const struct urn_bets *bets = urn->bets;
    for (size_t k = bets->own[bin].from; k < bets->own[bin].to; k++)
        chunk->growth[k] = power(bets->ratio[bets->bets + k] * urn->scale[k], rows) *
                           power(bets->ratio[k] * urn->scale[k], chunk->rows - rows);
}

static void grow_categories(const struct urn *urn, struct chunk *chunk)
{
    const struct urn_bets *bets = urn->bets;
    float factor[URN_MAX_BETS];
    for (size_t k = 0; k < bets->bets; k++) {
        factor[k] = bets->ratio[k] * urn->scale[k];
        chunk->growth[k] = 1;
    }
    for (size_t n = chunk->rows; n > 0; n >>= 1)
        for (size_t k = 0; k < bets->bets; k++) {
            if (n & 1)
                chunk->growth[k] *= factor[k];
            factor[k] *= factor[k];
        }
    unsigned counted = 0; /* a bit per row */
    for (size_t r = 0; r < chunk->rows; r++) {
        size_t same = 0;
        if (counted & 1u << r)
            continue;
        for (size_t s = r; s < chunk->rows; s++)
            if (chunk->bin[s] == chunk->bin[r]) {
                counted |= 1u << s;
                same++;
            }
        grow_own(urn, chunk->bin[r], same, chunk);
    }
}

/* What the wealth of the bets will be, but for the base. */
static float promise(const struct urn *urn, const struct chunk *chunk)
{
    float sum = 0;
    for (size_t k = 0; k < urn->bets->bets; k++)
        sum += (urn->wealth[k] + urn->bets->weight[k] * chunk->start) * chunk->growth[k];
    return sum;
}

static void learn_rows(struct urn *urn, struct chunk *chunk)
{
    const struct urn_bets *bets = urn->bets;
    const float inverse = 1 / (float)bets->discount;
    chunk->base = 1;
    for (size_t r = 0; r < chunk->rows; r++) {
        const size_t bin = chunk->bin[r];
        const float halves = (float)(0.5 / urn->total);
        const float ratio = urn->base[bin] / ((float)urn->count[bin] * halves);
        chunk->base *= 1 + (ratio - 1) * inverse;
        chunk->group[r] = bets->group[bin];
        chunk->group_share[r] = (float)urn->group_count[bets->group[bin]] * halves;
        urn_learn(urn, bin);
    }
    urn->rows += chunk->rows;
}

static double move_bets(struct urn *urn, const struct chunk *chunk)
{
    const float rows = (float)chunk->rows;
    float lane[URN_BET_LANES] = {0};
    double sum = 0;
    for (size_t k = 0; k < urn->bets->bets; k += URN_BET_LANES)
        for (size_t i = 0; i < URN_BET_LANES; i++) {
            const float old = urn->wealth[k + i] + urn->bets->weight[k + i] * chunk->start;
            const float e = chunk->growth[k + i] * chunk->base;
            urn->wealth[k + i] = old * e;
            urn->age[k + i] = (urn->age[k + i] + rows * old) * e;
            lane[i] += old * e;
        }
    for (size_t i = 0; i < URN_BET_LANES; i++)
        sum += (double)lane[i];
    return sum;
}

/* So many rows that no snapshot is taken before the last. */
static size_t chunk_rows(const struct urn *urn, size_t rows)
{
    const double left = ceil(urn->snapshot_at - urn->total);
    const size_t most = rows < CHUNK_ROWS ? rows : CHUNK_ROWS;
    if (!urn->held && left < (double)most)
        return left > 1 ? (size_t)left : 1;
    return most;
}

static double observe_apart(struct urn *urn, const uint16_t *bin, size_t rows, double start)
{
    double evidence = drift_urn_observe(urn, bin[0], start);
    for (size_t r = 1; r < rows; r++)
        evidence = drift_urn_observe(urn, bin[r], 0);
    return evidence;
}

static double observe_chunk(struct urn *urn, struct chunk *chunk, double most)
{
    if (urn->bets->categorical)
        grow_categories(urn, chunk);
    else
        grow_numeric(urn, chunk);
    if (!((double)promise(urn, chunk) < most)) /* nor if it is not a number */
        return observe_apart(urn, chunk->bin, chunk->rows, (double)chunk->start);
    learn_rows(urn, chunk);
    double evidence = move_bets(urn, chunk);
    if (urn->bets->memory_weight > 0)
        evidence += (double)urn_move_memories(urn, chunk->group, chunk->group_share, chunk->rows,
                                              chunk->start);
    return evidence > URN_MAX_EVIDENCE ? drift_urn_limit(urn, URN_MAX_EVIDENCE) : evidence;
}

double drift_urn_observe_rows(struct urn *urn, const uint16_t *bin, size_t rows, double start,
                              double most)
{
    double evidence = 0;
    if (urn->tail.count > 0)
        return observe_apart(urn, bin, rows, start);
    for (size_t done = 0; done < rows;) {
        struct chunk chunk;
        chunk.bin = bin + done;
        chunk.rows = chunk_rows(urn, rows - done);
        chunk.start = done == 0 ? (float)start : 0;
        evidence = observe_chunk(urn, &chunk, most);
        done += chunk.rows;
    }
    return evidence;
}
