/* urn.c - the urn and its bets, row by row. */
#include "urn_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The bets tilt the shares as they were when the urn was smaller by up to this part. */
#define SNAPSHOT_GROWTH (1.0 / 16)
/* What a memory begins with: so much of its length in rows that fell as the urn says. */
#define MEMORY_PRIOR 0.5f
/* A memory's weights are brought down to 1 from here, far below the largest float. */
#define LARGEST_STEP 1e15f
/* Wealth above the largest evidence is as good as any; below the smallest it is as good as none. */
#define LARGEST_WEALTH  1e19f
#define SMALLEST_WEALTH 1e-15f
/* Counts of this many rows are as good as the truth, and twice as many halves fit 32 bits. */
#define MAX_LEARNED (2.0 * URN_MAX_REFERENCE_ROWS - 1)

static const urn_lanes memory_rows = {60, 250, 1000, 1000};
/* A row more divides by this what older ones weigh beside the newest. */
static const urn_lanes memory_decay = {1 - 1 / 60.f, 1 - 1 / 250.f, 1 - 1 / 1000.f, 1};
/* Each memory's part of what all begin with. */
static const urn_lanes memory_part = {1.f / URN_MEMORIES, 1.f / URN_MEMORIES, 1.f / URN_MEMORIES,
                                      0};

/* --- creation --- */

static float *take(float **floats, size_t count)
{
    float *taken = *floats;
    *floats += count;
    return taken;
}

static size_t memory_groups(const struct urn_bets *bets)
{
    return bets->memory_weight > 0 ? bets->groups : 0;
}

static size_t float_count(const struct urn_bets *bets)
{
    return 3 * bets->bets + bets->bins + memory_groups(bets) * sizeof(urn_lanes) / sizeof(float);
}

/* The arrays over bets come first: they stay aligned. */
static int allocate(struct urn *urn)
{
    const struct urn_bets *bets = urn->bets;
    const size_t bytes = (float_count(bets) * sizeof(float) + 63) / 64 * 64;
    float *floats = aligned_alloc(64, bytes);
    urn->wealth = floats;
    urn->count = calloc(2 * bets->bins, sizeof(*urn->count));
    if (!floats || !urn->count)
        return -ENOMEM;
    memset(floats, 0, bytes);
    urn->wealth = take(&floats, bets->bets);
    urn->age = take(&floats, bets->bets);
    urn->scale = take(&floats, bets->bets);
    urn->seen = (urn_lanes *)(void *)floats;
    floats += memory_groups(bets) * sizeof(urn_lanes) / sizeof(float);
    urn->base = take(&floats, bets->bins);
    urn->collected = urn->count + bets->bins;
    return urn_tail_init(&urn->tail, bets->bins - bets->tail_from, (double)bets->tail_weight,
                         bets->discount);
}

static float plain_sum(const struct urn *urn, size_t bet)
{
    const struct urn_bets *bets = urn->bets;
    float sum = 0;
    for (size_t b = 0; b < bets->bins; b++)
        sum += urn->base[b] * bets->plain_ratio[b * bets->bets + bet];
    return sum;
}

static double category_sum(const struct urn *urn, size_t bet)
{
    const double off = (double)urn->bets->plain_ratio[bet];
    const double on = (double)urn->bets->plain_ratio[urn->bets->bets + bet];
    return off + (double)urn->base[urn->bets->bin[bet]] * (on - off);
}

void urn_derive(struct urn *urn)
{
    const struct urn_bets *bets = urn->bets;
    urn->total = 0;
    memset(urn->group_count, 0, sizeof(urn->group_count));
    for (size_t b = 0; b < bets->bins; b++) {
        urn->total += 0.5 * urn->count[b];
        urn->group_count[bets->group[b]] += urn->count[b];
    }
    for (size_t k = 0; k < bets->bets; k++) {
        const double sum = bets->categorical ? category_sum(urn, k) : (double)plain_sum(urn, k);
        urn->scale[k] = sum > 0 ? (float)pow(sum, -1 / bets->discount) : 0;
    }
}

void urn_snapshot(struct urn *urn)
{
    double total = 0;
    for (size_t b = 0; b < urn->bets->bins; b++)
        total += 0.5 * urn->count[b];
    for (size_t b = 0; b < urn->bets->bins; b++)
        urn->base[b] = (float)urn->count[b] * (float)(0.5 / total);
    urn->snapshot_at = total * (1 + SNAPSHOT_GROWTH);
    urn_derive(urn);
}

static void forget_rows(struct urn *urn)
{
    for (size_t g = 0; g < memory_groups(urn->bets); g++)
        urn->seen[g] = (urn_lanes){0};
    urn->memory = (struct urn_memory){.step = {1, 1, 1, 1}};
}

int drift_urn_create(const struct urn_bins *bins, const struct urn_bets *bets, struct urn **ret_urn)
{
    if (bins->count != bets->bins || bins->categorical != bets->categorical)
        return -EINVAL;
    struct urn *urn = calloc(1, sizeof(*urn));
    if (!urn)
        return -ENOMEM;
    *urn = (struct urn){.bins = bins, .bets = bets, .shards = 1};
    if (allocate(urn) < 0) {
        drift_urn_destroy(urn);
        return -ENOMEM;
    }
    for (size_t b = 0; b < bins->count; b++)
        urn->count[b] = (uint32_t)(2 * bins->mass[b]);
    forget_rows(urn);
    urn_snapshot(urn);
    *ret_urn = urn;
    return 0;
}

void drift_urn_destroy(struct urn *urn)
{
    if (!urn)
        return;
    urn_tail_finish(&urn->tail);
    free(urn->wealth);
    free(urn->count);
    free(urn);
}

size_t drift_urn_bytes(const struct urn *urn)
{
    return sizeof(*urn) + (float_count(urn->bets) * sizeof(float) + 63) / 64 * 64 +
           2 * urn->bets->bins * sizeof(*urn->count) + urn_tail_bytes(&urn->tail);
}

/* --- a row --- */

static float add_lanes(const float lane[URN_BET_LANES])
{
    return (lane[0] + lane[4]) + (lane[1] + lane[5]) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

static float sum_of(const float *x, size_t count)
{
    float lane[URN_BET_LANES] = {0};
    for (size_t k = 0; k < count; k += URN_BET_LANES)
        for (size_t i = 0; i < URN_BET_LANES; i++)
            lane[i] += x[k + i];
    return add_lanes(lane);
}

/* Returns the sum of wealth. In lanes, so that a compiler may use vectors without reordering sums.
 */
static float move_bets(struct urn *urn, const float *ratio, float base_ratio, float start)
{
    const size_t bets = urn->bets->bets;
    const float *restrict weight = urn->bets->weight;
    const float *restrict scale = __builtin_assume_aligned(urn->scale, 32);
    float *restrict wealth = __builtin_assume_aligned(urn->wealth, 32);
    float *restrict age = __builtin_assume_aligned(urn->age, 32);
    float lane[URN_BET_LANES] = {0};
    for (size_t k = 0; k < bets; k += URN_BET_LANES)
        for (size_t i = 0; i < URN_BET_LANES; i++) {
            const float e = ratio[k + i] * scale[k + i] * base_ratio;
            const float old = wealth[k + i] + weight[k + i] * start;
            wealth[k + i] = old * e;
            age[k + i] = (age[k + i] + old) * e;
            lane[i] += old * e;
        }
    return add_lanes(lane);
}

/* As all other bets, but for those on the row's own category. */
static float move_category_bets(struct urn *urn, size_t bin, float base_ratio, float start)
{
    const struct urn_bets *bets = urn->bets;
    const struct urn_bet_range own = bets->own[bin];
    float wealth[URN_BET_LANES], age[URN_BET_LANES];
    for (size_t k = own.from; k < own.to; k++) {
        wealth[k - own.from] = urn->wealth[k];
        age[k - own.from] = urn->age[k];
    }
    float sum = move_bets(urn, bets->ratio, base_ratio, start);
    for (size_t k = own.from; k < own.to; k++) {
        const float e = bets->ratio[bets->bets + k] * urn->scale[k] * base_ratio;
        const float old = wealth[k - own.from] + bets->weight[k] * start;
        sum += old * e - urn->wealth[k];
        urn->wealth[k] = old * e;
        urn->age[k] = (age[k - own.from] + old) * e;
    }
    return sum;
}

static float add_memories(urn_lanes x)
{
    return x[0] + x[1] + x[2];
}

/* The weights of a memory whose newest row has become too heavy. */
static void fade(struct urn *urn)
{
    urn_lanes factor = {1, 1, 1, 1};
    for (size_t i = 0; i < URN_MEMORIES; i++)
        if (urn->memory.step[i] > LARGEST_STEP) {
            factor[i] = 1 / urn->memory.step[i];
            urn->memory.step[i] = 1;
        }
    for (size_t g = 0; g < memory_groups(urn->bets); g++)
        urn->seen[g] *= factor;
    urn->memory.total *= factor;
}

/* With a start weight at the first row alone, wealth and ages only need the product. */
float urn_move_memories(struct urn *urn, const uint8_t *group, const float *share, size_t rows,
                        float start)
{
    const urn_lanes lengths = MEMORY_PRIOR * memory_rows;
    struct urn_memory memory = urn->memory;
    urn_lanes growth = {1, 1, 1, 1};
    for (size_t r = 0; r < rows; r++) {
        urn_lanes *seen = &urn->seen[group[r]];
        const urn_lanes prior = lengths * memory.step;
        growth *= (prior * share[r] + *seen) / ((prior + memory.total) * share[r]);
        memory.step /= memory_decay;
        *seen += memory.step;
        memory.total += memory.step;
    }
    const urn_lanes old = memory.wealth + memory_part * (urn->bets->memory_weight * start);
    for (size_t i = 0; i < URN_MEMORIES; i++) { /* the product may be too large for a float */
        const float from = old[i] > SMALLEST_WEALTH ? old[i] : SMALLEST_WEALTH;
        growth[i] = growth[i] < LARGEST_WEALTH / from ? growth[i] : LARGEST_WEALTH / from;
    }
    growth[URN_MEMORIES] = 0;
    memory.wealth = old * growth;
    memory.age = (memory.age + (float)rows * old) * growth;
    urn->memory = memory;
    for (size_t i = 0; i < URN_MEMORIES; i++)
        if (memory.step[i] > LARGEST_STEP) {
            fade(urn);
            break;
        }
    return add_memories(memory.wealth);
}

bool urn_stands_still(const struct urn *urn, size_t rows)
{
    return urn->held || urn->total + (double)rows > MAX_LEARNED;
}

void urn_grow(struct urn *urn, size_t rows)
{
    urn->total += (double)rows;
    if (urn->total >= urn->snapshot_at)
        urn_snapshot(urn);
}

void urn_learn(struct urn *urn, size_t bin)
{
    if (urn->held) {
        if (urn->collected_rows < URN_MAX_REFERENCE_ROWS) {
            urn->collected[bin]++;
            urn->collected_rows++;
        }
        return;
    }
    if (urn_stands_still(urn, 1))
        return;
    urn->count[bin] += 2;
    urn->group_count[urn->bets->group[bin]] += 2;
    urn_grow(urn, 1);
}

double drift_urn_observe(struct urn *urn, size_t bin, double start)
{
    const struct urn_bets *bets = urn->bets;
    const float halves = (float)(0.5 / urn->total), begun = (float)start;
    const float share = (float)urn->count[bin] * halves;
    float base_ratio = urn->base[bin] / share;
    if (bets->discount > 1)
        base_ratio = 1 + (base_ratio - 1) / (float)bets->discount;
    double sum = bets->categorical
                     ? (double)move_category_bets(urn, bin, base_ratio, begun)
                     : (double)move_bets(urn, bets->ratio + bin * bets->bets, base_ratio, begun);
    if (bets->memory_weight > 0) {
        const uint8_t group = bets->group[bin];
        const float group_share = (float)urn->group_count[group] * halves;
        sum += (double)urn_move_memories(urn, &group, &group_share, 1, begun);
    }
    if (urn->tail.count > 0) /* a bin before the tail wraps to a number beyond its end */
        sum += urn_tail_observe(&urn->tail, bin - bets->tail_from, (double)share, start);
    urn->rows++;
    urn_learn(urn, bin);
    return sum > URN_MAX_EVIDENCE ? drift_urn_limit(urn, URN_MAX_EVIDENCE) : sum;
}

/* --- reading it --- */

double drift_urn_evidence(const struct urn *urn)
{
    return (double)sum_of(urn->wealth, urn->bets->bets) + (double)add_memories(urn->memory.wealth) +
           urn_tail_wealth(&urn->tail);
}

static double sum_of_ages(const struct urn *urn)
{
    return (double)sum_of(urn->age, urn->bets->bets) + (double)add_memories(urn->memory.age) +
           urn_tail_age(&urn->tail);
}

struct urn_change drift_urn_change(const struct urn *urn)
{
    const struct urn_bets *bets = urn->bets;
    const double evidence = drift_urn_evidence(urn);
    struct urn_change change = {.kind = URN_SHAPE};
    float most = 0;
    for (size_t k = 0; k < bets->bets; k++)
        if (urn->wealth[k] > most) {
            most = urn->wealth[k];
            change.kind = (enum urn_change_kind)bets->kind[k];
            change.size = (double)bets->size[k];
            change.bin = bets->bin[k];
        }
    for (size_t i = 0; i < URN_MEMORIES; i++)
        if (urn->memory.wealth[i] > most) {
            most = urn->memory.wealth[i];
            change = (struct urn_change){.kind = URN_SHAPE};
        }
    const struct urn_tail_leader leader = urn_tail_leader(&urn->tail);
    if (leader.wealth > (double)most) {
        change = (struct urn_change){.kind = URN_SHARE_UP, .size = leader.gain};
        change.bin = bets->tail_from + leader.category;
    }
    change.rows = evidence > 0 ? sum_of_ages(urn) / evidence : 0;
    return change;
}

double drift_urn_deviations(const struct urn *urn, double evidence_rows)
{
    const double wealth = drift_urn_evidence(urn), age = sum_of_ages(urn);
    if (!(age > 0) || !(evidence_rows > 1))
        return 0;
    return sqrt(2 * log(evidence_rows) * wealth / age * urn->bets->discount);
}

/* --- steering it --- */

double drift_urn_limit(struct urn *urn, double most)
{
    const double evidence = drift_urn_evidence(urn);
    if (evidence <= most)
        return evidence;
    const float factor = (float)(most / evidence);
    for (size_t k = 0; k < urn->bets->bets; k++) {
        urn->wealth[k] *= factor;
        urn->age[k] *= factor;
    }
    urn->memory.wealth *= factor;
    urn->memory.age *= factor;
    urn_tail_scale(&urn->tail, (double)factor);
    return most;
}

void drift_urn_restart(struct urn *urn)
{
    memset(urn->wealth, 0, urn->bets->bets * sizeof(*urn->wealth));
    memset(urn->age, 0, urn->bets->bets * sizeof(*urn->age));
    urn->memory.wealth = urn->memory.age = (urn_lanes){0};
    urn_tail_restart(&urn->tail);
}

void drift_urn_hold(struct urn *urn, bool hold)
{
    if (hold != urn->held) {
        memset(urn->collected, 0, urn->bets->bins * sizeof(*urn->collected));
        urn->collected_rows = 0;
    }
    urn->held = hold;
}

uint64_t drift_urn_collected(const struct urn *urn)
{
    return urn->collected_rows;
}

int drift_urn_adopt(struct urn *urn)
{
    if (urn->collected_rows == 0)
        return -ENODATA;
    for (size_t b = 0; b < urn->bets->bins; b++)
        urn->count[b] = 2 * urn->collected[b] + 1;
    drift_urn_hold(urn, false);
    drift_urn_restart(urn);
    forget_rows(urn);
    urn_snapshot(urn);
    urn->adopted = true;
    return 0;
}
