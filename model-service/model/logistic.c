/* logistic.c - logistic regression, with the optional noise of the original system's model. */
#include "model/back_end.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

struct logistic {
    struct scorer scorer;
    double intercept, noise_deviation;
    uint64_t seed;
    double weights[]; /* [feature_count] */
};

/* Steele, Lea, Flood (2014), "Fast splittable pseudorandom number generators". */
static uint64_t splitmix64(uint64_t counter)
{
    uint64_t z = counter * 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Standard normal number `sequence` of the seed's stream. Derived from the counter, so that scoring
 * needs no state, no lock, and gives the same answer in any order. */
static double standard_normal(uint64_t seed, uint64_t sequence)
{
    uint64_t base = splitmix64(seed + 1) + 2 * sequence;
    double u = (double)((splitmix64(base) >> 11) + 1) * 0x1p-53; /* in (0, 1]: log stays finite */
    double v = (double)(splitmix64(base + 1) >> 11) * 0x1p-53;

    return sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v);
}

/* exp() only of non-positive arguments: no overflow, and small results keep their precision. */
static double sigmoid(double z)
{
    double e = exp(-fabs(z));

    return z >= 0.0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
}

/* Huge products of opposite sign would meet as inf - inf; the wider exponent holds them. */
static double wide_sum(const struct logistic *model, const struct scorer_value *row)
{
    long double z = model->intercept;

    for (size_t i = 0; i < model->scorer.feature_count; i++)
        z += (long double)model->weights[i] * row[i].number;
    return (double)z;
}

static int logistic_score(const struct scorer *scorer, const struct scorer_value *row,
                          uint64_t sequence, double *outputs)
{
    const struct logistic *model = (const struct logistic *)scorer;
    double z = model->intercept;

    for (size_t i = 0; i < scorer->feature_count; i++)
        z += model->weights[i] * row[i].number;
    if (!isfinite(z))
        z = wide_sum(model, row);
    if (isnan(z))
        return -EINVAL;
    if (model->noise_deviation > 0.0)
        z += model->noise_deviation * standard_normal(model->seed, sequence);
    outputs[0] = sigmoid(z);
    return 0;
}

static void logistic_destroy(struct scorer *scorer)
{
    free(scorer);
}

static const struct scorer_back_end logistic_back_end = {
    .score = logistic_score,
    .destroy = logistic_destroy,
};

static int check_parameters(const double *weights, size_t count, double intercept, double deviation)
{
    if (count == 0 || !isfinite(intercept) || !isfinite(deviation) || deviation < 0.0)
        return -EINVAL;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(weights[i]))
            return -EINVAL;
    return 0;
}

int logistic_scorer_create(const double *weights, size_t count, double intercept,
                           double noise_deviation, uint64_t seed, struct scorer **ret_scorer)
{
    struct logistic *model;
    int r = check_parameters(weights, count, intercept, noise_deviation);

    if (r < 0)
        return r;
    if (count > (SIZE_MAX - sizeof(*model)) / sizeof(*weights))
        return -ENOMEM;
    model = malloc(sizeof(*model) + count * sizeof(*weights));
    if (!model)
        return -ENOMEM;
    r = scorer_init(&model->scorer, &logistic_back_end, count, PREDICTION_BINARY, 0);
    if (r < 0) {
        free(model);
        return r;
    }
    model->intercept = intercept;
    model->noise_deviation = noise_deviation;
    model->seed = seed;
    for (size_t i = 0; i < count; i++)
        model->weights[i] = weights[i];
    *ret_scorer = &model->scorer;
    return 0;
}
