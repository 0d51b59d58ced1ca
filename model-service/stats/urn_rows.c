/* urn_rows.c - rows together, a fraction of the cost of each by itself.
 *
 * With a start weight at the first row alone, a bet's wealth grows by the product of its ratios,
 * and its ages by the same product: neither needs the sums between. */
#include "urn_internal.h"

#include <math.h>
#include <string.h>

/* Ratios of so many rows are multiplied before wealth is. A bet whose product leaves the range of a
 * float is either worth nothing, or the rows go one by one. */
#define CHUNK_ROWS 64u

/* Up to so many rows in the urn, counts in halves of a row fit signed numbers. */
#define MOST_TOGETHER (URN_MAX_REFERENCE_ROWS - 1e6)

/* What becomes of the bets in a chunk. */
struct chunk {
    const uint16_t *bin;
    size_t rows;
    float start; /* of the first row */
    /* product of each bet's ratios, without the base's */
    _Alignas(urn_lanes) float growth[URN_MAX_BETS];
    float base; /* product of the base's ratios */
    bool alike; /* all rows have the same bin */
    /* of each row, before it was learned; counts in halves of a row */
    int32_t count[CHUNK_ROWS], group_count[CHUNK_ROWS];
    uint8_t group[CHUNK_ROWS];
    float share[CHUNK_ROWS], group_share[CHUNK_ROWS];
    _Alignas(urn_lanes) float base_share[CHUNK_ROWS];
};

static bool is_alike(const uint16_t *bin, size_t rows)
{
    unsigned differ = 0;
    for (size_t r = 1; r < rows; r++)
        differ |= bin[r] ^ bin[0];
    return differ == 0;
}

static float power(float x, size_t n)
{
    float result = 1;
    for (; n > 0; n >>= 1, x *= x)
        if (n & 1)
            result *= x;
    return result;
}

/* growth: each factor to the power of n. Both aligned as vectors are. */
static void raise_all(const float *factor, float *growth, size_t bets, size_t n)
{
    const urn_lanes *from = (const urn_lanes *)(const void *)factor;
    urn_lanes *to = (urn_lanes *)(void *)growth;
    for (size_t v = 0; v < bets / URN_LANES; v++) {
        urn_lanes square = from[v], product = {1, 1, 1, 1};
        for (size_t left = n; left > 0; left >>= 1) {
            if (left & 1)
                product *= square;
            square *= square;
        }
        to[v] = product;
    }
}

/* In vectors that stay in registers, six of which are all bets of a numeric feature. */
static void grow_numeric(const struct urn *urn, struct chunk *chunk)
{
    const size_t stride = urn->bets->bets / URN_LANES;
    const urn_lanes *ratio = (const urn_lanes *)(const void *)urn->bets->ratio;
    urn_lanes *growth = (urn_lanes *)(void *)chunk->growth;
    raise_all(urn->scale, chunk->growth, urn->bets->bets, chunk->rows);
    for (size_t v = 0; v < stride; v += 6) {
        urn_lanes a = growth[v], b = growth[v + 1], c = growth[v + 2];
        urn_lanes d = growth[v + 3], e = growth[v + 4], f = growth[v + 5];
        for (size_t r = 0; r < chunk->rows; r++) {
            const urn_lanes *row = ratio + chunk->bin[r] * stride + v;
            a *= row[0];
            b *= row[1];
            c *= row[2];
            d *= row[3];
            e *= row[4];
            f *= row[5];
        }
        growth[v] = a;
        growth[v + 1] = b;
        growth[v + 2] = c;
        growth[v + 3] = d;
        growth[v + 4] = e;
        growth[v + 5] = f;
    }
}

/* The bets on a bin's own category, of whose rows the chunk has so many. */
static void grow_own(const struct urn *urn, size_t bin, size_t rows, struct chunk *chunk)
{
    const struct urn_bets *bets = urn->bets;
    for (size_t k = bets->own[bin].from; k < bets->own[bin].to; k++)
        chunk->growth[k] = power(bets->ratio[bets->bets + k] * urn->scale[k], rows) *
                           power(bets->ratio[k] * urn->scale[k], chunk->rows - rows);
}

/* First as if all rows were of other categories, then each that has come. */
static void grow_categories(const struct urn *urn, struct chunk *chunk)
{
    const struct urn_bets *bets = urn->bets;
    uint8_t rows_of[URN_MAX_CATEGORY_BINS];
    _Alignas(urn_lanes) float factor[URN_MAX_BETS];
    for (size_t k = 0; k < bets->bets; k++)
        factor[k] = bets->ratio[k] * urn->scale[k];
    raise_all(factor, chunk->growth, bets->bets, chunk->rows);
    if (chunk->alike) {
        grow_own(urn, chunk->bin[0], chunk->rows, chunk);
        return;
    }
    memset(rows_of, 0, bets->bins);
    for (size_t r = 0; r < chunk->rows; r++)
        rows_of[chunk->bin[r]]++;
    for (size_t r = 0; r < chunk->rows; r++) {
        const size_t bin = chunk->bin[r];
        if (rows_of[bin] == 0)
            continue;
        grow_own(urn, bin, rows_of[bin], chunk);
        rows_of[bin] = 0;
    }
}

static float add_lanes(const float lane[URN_BET_LANES])
{
    float sum = 0;
    for (size_t i = 0; i < URN_BET_LANES; i++)
        sum += lane[i];
    return sum;
}

/* What the wealth of the bets will be, but for the base. */
static float promise(const struct urn *urn, const struct chunk *chunk)
{
    float lane[URN_BET_LANES] = {0};
    for (size_t k = 0; k < urn->bets->bets; k += URN_BET_LANES)
        for (size_t i = 0; i < URN_BET_LANES; i++)
            lane[i] += (urn->wealth[k + i] + urn->bets->weight[k + i] * chunk->start) *
                       chunk->growth[k + i];
    return add_lanes(lane);
}

/* The urn learns the rows; learned: halves of a row for each. */
static void count_rows(struct urn *urn, struct chunk *chunk, int32_t learned)
{
    for (size_t r = 0; r < chunk->rows; r++) {
        const size_t bin = chunk->bin[r], group = urn->bets->group[bin];
        chunk->group[r] = (uint8_t)group;
        chunk->base_share[r] = urn->base[bin];
        chunk->count[r] = (int32_t)urn->count[bin];
        chunk->group_count[r] = (int32_t)urn->group_count[group];
        urn->count[bin] += (uint32_t)learned;
        urn->group_count[group] += (uint32_t)learned;
    }
}

static void count_alike(struct urn *urn, struct chunk *chunk, int32_t learned)
{
    const size_t bin = chunk->bin[0], group = urn->bets->group[bin];
    const int32_t count = (int32_t)urn->count[bin], rows = (int32_t)chunk->rows;
    const int32_t group_count = (int32_t)urn->group_count[group];
    memset(chunk->group, (int)group, chunk->rows);
    for (int32_t r = 0; r < rows; r++) {
        chunk->base_share[r] = urn->base[bin];
        chunk->count[r] = count + r * learned;
        chunk->group_count[r] = group_count + r * learned;
    }
    urn->count[bin] += (uint32_t)(rows * learned);
    urn->group_count[group] += (uint32_t)(rows * learned);
}

static float multiply(const float *x, size_t count)
{
    urn_lanes lanes = {1, 1, 1, 1};
    size_t done = 0;
    for (; done + URN_LANES <= count; done += URN_LANES)
        lanes *= *(const urn_lanes *)(const void *)(x + done);
    float product = lanes[0] * lanes[1] * lanes[2] * lanes[3];
    for (; done < count; done++)
        product *= x[done];
    return product;
}

/* The chunk ends at a snapshot at the latest. */
static void learn_rows(struct urn *urn, struct chunk *chunk)
{
    const float inverse = 1 / (float)urn->bets->discount;
    const bool still = urn_stands_still(urn, chunk->rows);
    const float total = (float)urn->total, more = still ? 0 : 1;
    if (chunk->alike)
        count_alike(urn, chunk, still ? 0 : 2);
    else
        count_rows(urn, chunk, still ? 0 : 2);
    for (size_t r = 0; r < chunk->rows; r++) {
        const float halves = 0.5f / (total + more * (float)(int)r);
        chunk->share[r] = (float)chunk->count[r] * halves;
        chunk->group_share[r] = (float)chunk->group_count[r] * halves;
        chunk->base_share[r] = 1 + (chunk->base_share[r] / chunk->share[r] - 1) * inverse;
    }
    chunk->base = multiply(chunk->base_share, chunk->rows);
    urn->rows += chunk->rows;
    if (!still)
        urn_grow(urn, chunk->rows);
    for (size_t r = 0; still && r < chunk->rows; r++)
        urn_learn(urn, chunk->bin[r]);
}

static double move_bets(struct urn *urn, const struct chunk *chunk)
{
    const float rows = (float)chunk->rows, base = chunk->base, start = chunk->start;
    const float *restrict weight = urn->bets->weight;
    float *restrict wealth = __builtin_assume_aligned(urn->wealth, 32);
    float *restrict age = __builtin_assume_aligned(urn->age, 32);
    float lane[URN_BET_LANES] = {0};
    for (size_t k = 0; k < urn->bets->bets; k += URN_BET_LANES)
        for (size_t i = 0; i < URN_BET_LANES; i++) {
            const float old = wealth[k + i] + weight[k + i] * start;
            const float e = chunk->growth[k + i] * base;
            wealth[k + i] = old * e;
            age[k + i] = (age[k + i] + rows * old) * e;
            lane[i] += old * e;
        }
    return (double)add_lanes(lane);
}

static double move_tail(struct urn *urn, const struct chunk *chunk)
{
    double sum = 0, start = (double)chunk->start;
    for (size_t r = 0; urn->tail.count > 0 && r < chunk->rows; r++, start = 0)
        sum = urn_tail_observe(&urn->tail, chunk->bin[r] - urn->bets->tail_from,
                               (double)chunk->share[r], start);
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
    /* nor if it is not a number; what the tail will be is not known before */
    if (!((double)promise(urn, chunk) + urn_tail_wealth(&urn->tail) < most))
        return observe_apart(urn, chunk->bin, chunk->rows, (double)chunk->start);
    learn_rows(urn, chunk);
    double evidence = move_bets(urn, chunk) + move_tail(urn, chunk);
    if (urn->bets->memory_weight > 0)
        evidence += (double)urn_move_memories(urn, chunk->group, chunk->group_share, chunk->rows,
                                              chunk->start);
    return evidence > URN_MAX_EVIDENCE ? drift_urn_limit(urn, URN_MAX_EVIDENCE) : evidence;
}

double drift_urn_observe_rows(struct urn *urn, const uint16_t *bin, size_t rows, double start,
                              double most)
{
    double evidence = 0;
    if (urn->total > MOST_TOGETHER)
        return observe_apart(urn, bin, rows, start);
    for (size_t done = 0; done < rows;) {
        struct chunk chunk;
        chunk.bin = bin + done;
        chunk.rows = chunk_rows(urn, rows - done);
        chunk.start = done == 0 ? (float)start : 0;
        chunk.alike = is_alike(chunk.bin, chunk.rows);
        evidence = observe_chunk(urn, &chunk, most);
        done += chunk.rows;
    }
    return evidence;
}
