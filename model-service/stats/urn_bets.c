/* urn_bets.c - tables of likelihood ratios. */
#include "urn_bets.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Beyond this many deviations nothing is left of a normal distribution in doubles. */
#define FAR 40.0
/* Rounding in a tail of one row must not make a ratio zero or negative. */
#define SMALLEST_RATIO 1e-4
/* What the memories get of the initial wealth. */
#define NUMERIC_MEMORY    0.06
#define BINARY_MEMORY     0.05
#define CATEGORIES_MEMORY 0.4
/* What rarer categories get when not every category has bets of its own. */
#define TAIL_WEIGHT 0.3
/* A fall of a share below this is too slow to bet on. */
#define SMALLEST_FALLING 0.02
/* Bins of an urn for two categories: the two, and what the reference does not have. */
#define BINARY_BINS 3
/* With at most so many bins, each category can have bets of three sizes, else two. */
#define THREE_SIZES_BINS 13

/* One bet before it enters the table. */
struct draft {
    double weight, size;
    enum urn_change_kind kind;
    size_t bin;     /* categorical */
    double off, on; /* categorical: ratio in the other bins, and in this one */
};

struct drafts {
    struct draft draft[URN_MAX_BETS];
    size_t count;
};

const char *drift_urn_change_name(enum urn_change_kind kind)
{
    static const char *const names[URN_CHANGE_KINDS] = {
        "up", "down", "wider", "narrower", "tails", "share up", "share down", "shape"};
    return kind < URN_CHANGE_KINDS ? names[kind] : NULL;
}

static double normal_below(double z)
{
    return 0.5 * erfc(-z * M_SQRT1_2);
}

static double normal_quantile(double p)
{
    double low = -FAR, high = FAR;
    for (int i = 0; i < 100; i++) {
        const double middle = 0.5 * (low + high);
        if (normal_below(middle) < p)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

/* --- numeric bets --- */

/* The bins on the scale of a standard normal variable. */
struct scores {
    size_t bins;
    double share[URN_MAX_NUMERIC_BINS];
    double below[URN_MAX_NUMERIC_BINS];    /* share of the bins before */
    double edge[URN_MAX_NUMERIC_BINS + 1]; /* normal quantiles of the edges */
};

static void scores_init(struct scores *scores, const struct urn_bins *bins)
{
    double total = 0, below = 0;
    for (size_t b = 0; b < bins->count; b++)
        total += bins->mass[b];
    scores->bins = bins->count;
    scores->edge[0] = -FAR;
    for (size_t b = 0; b < bins->count; b++) {
        scores->share[b] = bins->mass[b] / total;
        scores->below[b] = below;
        below += scores->share[b];
        scores->edge[b + 1] = b + 1 < bins->count ? normal_quantile(below) : FAR;
    }
}

static double normal_ratio(const struct scores *scores, size_t bin, double mean, double deviation)
{
    const double mass = normal_below((scores->edge[bin + 1] - mean) / deviation) -
                        normal_below((scores->edge[bin] - mean) / deviation);
    return mass / scores->share[bin];
}

static bool is_outermost(const struct scores *scores, size_t bin, double side)
{
    const double outer = 1.0 / 256 + 1e-12;
    const bool low = bin == 0 || scores->below[bin] + scores->share[bin] <= outer;
    const bool high = bin + 1 == scores->bins || 1 - scores->below[bin] <= outer;
    return (side <= 0 && low) || (side >= 0 && high);
}

/* 2 % of the rows, spread evenly over the outermost bins. */
static double tails_ratio(const struct scores *scores, size_t bin, double side)
{
    size_t outermost = 0;
    for (size_t b = 0; b < scores->bins; b++)
        outermost += is_outermost(scores, b, side);
    const double there = 0.02 / (double)outermost / scores->share[bin];
    return 0.98 + (is_outermost(scores, bin, side) ? there : 0);
}

static double numeric_ratio(const struct scores *scores, size_t bin, const struct draft *draft)
{
    double ratio;
    if (draft->kind == URN_TAILS)
        ratio = tails_ratio(scores, bin, draft->size);
    else if (draft->kind == URN_UP || draft->kind == URN_DOWN)
        ratio = normal_ratio(scores, bin, draft->size, 1);
    else
        ratio = normal_ratio(scores, bin, 0, sqrt(draft->size));
    return ratio > SMALLEST_RATIO ? ratio : SMALLEST_RATIO;
}

static const struct draft numeric_drafts[] = {
    {0.10, 0.25, URN_UP, 0, 0, 0},
    {0.10, -0.25, URN_DOWN, 0, 0, 0},
    {0.11, 0.5, URN_UP, 0, 0, 0},
    {0.11, -0.5, URN_DOWN, 0, 0, 0},
    {0.05, 1, URN_UP, 0, 0, 0},
    {0.05, -1, URN_DOWN, 0, 0, 0},
    {0.02, 2, URN_UP, 0, 0, 0},
    {0.02, -2, URN_DOWN, 0, 0, 0},
    {0.10, 1.5, URN_WIDER, 0, 0, 0},
    {0.05, 2.25, URN_WIDER, 0, 0, 0},
    {0.02, 5, URN_WIDER, 0, 0, 0},
    {0.04, 1 / 1.5, URN_NARROWER, 0, 0, 0},
    {0.02, 1 / 2.25, URN_NARROWER, 0, 0, 0},
    {0.01, 0.15, URN_NARROWER, 0, 0, 0},
    {0.02, -1, URN_TAILS, 0, 0, 0},
    {0.02, 0, URN_TAILS, 0, 0, 0},
    {0.02, 1, URN_TAILS, 0, 0, 0},
};
#define NUMERIC_BETS (sizeof(numeric_drafts) / sizeof(numeric_drafts[0]))
_Static_assert(NUMERIC_BETS <= URN_NUMERIC_BETS, "urn_rows.c multiplies so many at once");

/* --- bets on the shares of categories --- */

static void draft_share(struct drafts *drafts, size_t bin, double share, double step, double weight)
{
    const double angle = asin(sqrt(share)) + step / 2;
    if (angle < 0 || angle > M_PI_2 || (step < 0 && share < SMALLEST_FALLING) ||
        drafts->count == URN_MAX_BETS)
        return;
    const double moved = sin(angle) * sin(angle);
    drafts->draft[drafts->count++] = (struct draft){
        .weight = weight,
        .size = moved - share,
        .kind = step > 0 ? URN_SHARE_UP : URN_SHARE_DOWN,
        .bin = bin,
        .off = (1 - moved) / (1 - share),
        .on = moved / share,
    };
}

/* A rise of one of two categories is the fall of the other: only one of them gets bets. Returns
 * the first bin without bets of its own. */
static size_t draft_categories(struct drafts *drafts, const struct urn_bins *bins)
{
    static const double step[] = {0.1, 0.2, 0.4};
    const bool binary = bins->count == BINARY_BINS;
    const size_t first_step = bins->count <= THREE_SIZES_BINS ? 0 : 1;
    double total = 0;
    size_t bin = binary ? BINARY_BINS - 1 : 0;
    for (size_t b = 0; b < bins->count; b++)
        total += bins->mass[b];
    for (; bin < bins->count && drafts->count < URN_MAX_BETS; bin++)
        for (size_t i = first_step; i < sizeof(step) / sizeof(step[0]); i++) {
            const double weight = bin == 0 ? 2 : 1;
            draft_share(drafts, bin, bins->mass[bin] / total, step[i], weight);
            draft_share(drafts, bin, bins->mass[bin] / total, -step[i], weight);
        }
    for (size_t i = 0; binary && i < 2; i++)
        draft_share(drafts, 0, bins->mass[0] / total, step[i], 0.5);
    return bin;
}

/* --- the table --- */

static int allocate(struct urn_bets *bets, size_t rows)
{
    const size_t bytes = (rows * bets->bets * sizeof(float) + 63) / 64 * 64;
    bets->ratio = aligned_alloc(64, bytes);
    bets->plain_ratio = bets->discount > 1 ? aligned_alloc(64, bytes) : bets->ratio;
    bets->group = calloc(bets->bins, sizeof(*bets->group));
    bets->own = bets->categorical ? calloc(bets->bins, sizeof(*bets->own)) : NULL;
    if (!bets->ratio || !bets->plain_ratio || !bets->group || (bets->categorical && !bets->own))
        return -ENOMEM;
    memset(bets->ratio, 0, bytes);
    memset(bets->plain_ratio, 0, bytes);
    return 0;
}

static void set_ratio(struct urn_bets *bets, size_t row, size_t bet, double ratio)
{
    bets->plain_ratio[row * bets->bets + bet] = (float)ratio;
    bets->ratio[row * bets->bets + bet] = (float)pow(ratio, 1 / bets->discount);
}

static void set_weights(struct urn_bets *bets, const struct draft *draft, size_t count)
{
    const double rest = 1 - (double)bets->memory_weight - (double)bets->tail_weight;
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += draft[k].weight;
    for (size_t k = 0; k < count; k++) {
        bets->weight[k] = (float)(draft[k].weight / sum * rest);
        bets->size[k] = (float)draft[k].size;
        bets->kind[k] = (uint8_t)draft[k].kind;
        bets->bin[k] = (uint16_t)draft[k].bin;
    }
}

static size_t fill_up(size_t count)
{
    return (count + URN_BET_LANES - 1) / URN_BET_LANES * URN_BET_LANES;
}

/* Eight groups of about equal mass, and the outermost 1/128 of either side apart. */
static void group_numeric(struct urn_bets *bets, const struct scores *scores)
{
    bets->groups = 10;
    for (size_t b = 0; b < bets->bins; b++) {
        const double middle = scores->below[b] + scores->share[b] / 2;
        bets->group[b] = middle < 1.0 / 128       ? 8
                         : middle > 1 - 1.0 / 128 ? 9
                                                  : (uint8_t)(middle * 8);
    }
}

static int init_numeric(struct urn_bets *bets, const struct urn_bins *bins)
{
    struct scores scores;
    scores_init(&scores, bins);
    bets->bets = URN_NUMERIC_BETS;
    bets->tail_from = bets->bins;
    bets->memory_weight = bets->discount > 1 ? 0 : (float)NUMERIC_MEMORY;
    if (allocate(bets, bets->bins) < 0)
        return -ENOMEM;
    for (size_t b = 0; b < bets->bins; b++)
        for (size_t k = 0; k < NUMERIC_BETS; k++)
            set_ratio(bets, b, k, numeric_ratio(&scores, b, &numeric_drafts[k]));
    set_weights(bets, numeric_drafts, NUMERIC_BETS);
    group_numeric(bets, &scores);
    return 0;
}

static void set_categories(struct urn_bets *bets, const struct drafts *drafts)
{
    for (size_t k = 0; k < drafts->count; k++) {
        const struct draft *draft = &drafts->draft[k];
        struct urn_bet_range *own = &bets->own[draft->bin];
        set_ratio(bets, 0, k, draft->off);
        set_ratio(bets, 1, k, draft->on);
        if (own->to == 0)
            own->from = (uint8_t)k;
        own->to = (uint8_t)(k + 1);
    }
    set_weights(bets, drafts->draft, drafts->count);
    bets->groups = bets->bins < URN_MAX_GROUPS ? bets->bins : URN_MAX_GROUPS;
    for (size_t b = 0; b < bets->bins; b++)
        bets->group[b] = (uint8_t)(b < URN_MAX_GROUPS ? b : URN_MAX_GROUPS - 1);
}

static int init_categories(struct urn_bets *bets, const struct urn_bins *bins)
{
    struct drafts drafts = {.count = 0};
    const size_t next = draft_categories(&drafts, bins);
    bets->bets = fill_up(drafts.count);
    bets->tail_from = next;
    bets->tail_weight = next < bets->bins ? (float)TAIL_WEIGHT : 0;
    if (bets->discount <= 1)
        bets->memory_weight =
            (float)(bets->bins == BINARY_BINS ? BINARY_MEMORY : CATEGORIES_MEMORY);
    if (allocate(bets, 2) < 0)
        return -ENOMEM;
    set_categories(bets, &drafts);
    return 0;
}

int drift_urn_bets_create(const struct urn_bins *bins, double discount, struct urn_bets **ret_bets)
{
    const size_t most = bins->categorical ? URN_MAX_CATEGORY_BINS : URN_MAX_NUMERIC_BINS;
    if (bins->count < 2 || bins->count > most || !(discount >= 1 && discount <= URN_MAX_DISCOUNT))
        return -EINVAL;
    struct urn_bets *bets = calloc(1, sizeof(*bets));
    if (!bets)
        return -ENOMEM;
    bets->categorical = bins->categorical;
    bets->bins = bins->count;
    bets->discount = discount;
    bets->mass = calloc(bins->count, sizeof(*bets->mass));
    int rc = -ENOMEM;
    if (bets->mass) {
        memcpy(bets->mass, bins->mass, bins->count * sizeof(*bets->mass));
        rc = bins->categorical ? init_categories(bets, bins) : init_numeric(bets, bins);
    }
    if (rc < 0) {
        drift_urn_bets_destroy(bets);
        return rc;
    }
    *ret_bets = bets;
    return 0;
}

void drift_urn_bets_destroy(struct urn_bets *bets)
{
    if (!bets)
        return;
    if (bets->plain_ratio != bets->ratio)
        free(bets->plain_ratio);
    free(bets->ratio);
    free(bets->own);
    free(bets->mass);
    free(bets->group);
    free(bets);
}

/* --- the tables of a model --- */

static bool is_of(const struct urn_bets *bets, const struct urn_bins *bins, double discount)
{
    return bets->categorical == bins->categorical && bets->bins == bins->count &&
           bets->discount == discount &&
           memcmp(bets->mass, bins->mass, bins->count * sizeof(*bets->mass)) == 0;
}

int drift_urn_bets_pool_get(struct urn_bets_pool *pool, const struct urn_bins *bins,
                            double discount, const struct urn_bets **ret_bets)
{
    for (size_t i = 0; i < pool->count; i++)
        if (is_of(pool->bets[i], bins, discount)) {
            *ret_bets = pool->bets[i];
            return 0;
        }
    struct urn_bets **more = realloc(pool->bets, (pool->count + 1) * sizeof(struct urn_bets *));
    if (!more)
        return -ENOMEM;
    pool->bets = more;
    const int rc = drift_urn_bets_create(bins, discount, &pool->bets[pool->count]);
    if (rc == 0)
        *ret_bets = pool->bets[pool->count++];
    return rc;
}

void drift_urn_bets_pool_finish(struct urn_bets_pool *pool)
{
    for (size_t i = 0; i < pool->count; i++)
        drift_urn_bets_destroy(pool->bets[i]);
    free(pool->bets);
    *pool = (struct urn_bets_pool){0};
}

size_t drift_urn_bets_bytes(const struct urn_bets *bets)
{
    const size_t ratios =
        (bets->categorical ? 2 : bets->bins) * bets->bets * (bets->discount > 1 ? 2 : 1);
    const size_t per_bin =
        sizeof(*bets->mass) + sizeof(*bets->group) + (bets->categorical ? sizeof(*bets->own) : 0);
    return sizeof(*bets) + ratios * sizeof(float) + bets->bins * per_bin;
}
