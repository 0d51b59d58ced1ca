/* data_generator.c - seeded synthetic rows, without drift or drifted in a known way.
 *
 * Only additions, multiplications, divisions and square roots, which IEEE 754 fixes to the last
 * bit: a seed gives the same rows on every machine, which libm's log() and cos() do not promise.
 * Generator: Blackman, Vigna (2021), "Scrambled linear pseudorandom number generators".
 * Normal numbers: Marsaglia, Bray (1964), "A convenient method for generating normal variables". */
#include "data_generator.h"

#include "row/split_mix.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 uint128;

struct random {
    uint64_t state[4];
    double spare; /* the polar method yields two numbers at a time */
    bool has_spare;
};

struct feature {
    double mean, deviation;
    double scale, shift; /* of the distance from the mean; 1 and 0 without drift */
    bool drifted;
};

struct data_generator {
    struct random random;
    const double *const *columns; /* of a bootstrap, else NULL */
    size_t rows;
    size_t feature_count;
    struct feature feature[];
};

#define DEFAULT_DRIFTED_FEATURES 3

/* Keeps the draws of means and deviations apart from rows of the same seed. */
#define PARAMETER_DOMAIN 0x6d65616e20262073u

static void random_init(struct random *random, uint64_t seed)
{
    for (size_t i = 0; i < 4; i++)
        random->state[i] = split_mix_next(&seed);
    random->has_spare = false;
}

static uint64_t rotate_left(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static uint64_t random_next(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* Uniform in [0, 1), 53 bits. */
static double random_uniform(struct random *random)
{
    return (double)(random_next(random) >> 11) * 0x1p-53;
}

/* Uniform in [0, bound). Lemire (2019), "Fast random integer generation in an interval". */
static uint64_t random_below(struct random *random, uint64_t bound)
{
    uint128 product = (uint128)random_next(random) * bound;

    if ((uint64_t)product < bound) {
        uint64_t floor = -bound % bound;

        while ((uint64_t)product < floor)
            product = (uint128)random_next(random) * bound;
    }
    return (uint64_t)(product >> 64);
}

/* log(x) of a normal x > 0, within a few units in the last place: exponent * ln 2 + 2 atanh(s) with
 * |s| < 0.172, whose series is cut below 1e-17. */
static double portable_log(double x)
{
    int exponent;
    double m = frexp(x, &exponent);
    double s, square, sum = 0.0;

    if (m < 0.70710678118654752) {
        m *= 2.0;
        exponent--;
    }
    s = (m - 1.0) / (m + 1.0);
    square = s * s;
    for (int k = 23; k >= 1; k -= 2)
        sum = sum * square + 1.0 / k;
    return exponent * 0.69314718055994531 + 2.0 * s * sum;
}

static double random_normal(struct random *random)
{
    double u, v, square, factor;

    if (random->has_spare) {
        random->has_spare = false;
        return random->spare;
    }
    do { /* accepts 79 % of the draws */
        u = 2.0 * random_uniform(random) - 1.0;
        v = 2.0 * random_uniform(random) - 1.0;
        square = u * u + v * v;
    } while (square >= 1.0 || square == 0.0);
    factor = sqrt(-2.0 * portable_log(square) / square);
    random->spare = v * factor;
    random->has_spare = true;
    return u * factor;
}

int drift_kind_parse(const char *word, enum drift_kind *ret_kind)
{
    static const char *const words[] = {
        [DRIFT_KIND_MIXED] = "mixed",
        [DRIFT_KIND_SHIFTED] = "shifted",
        [DRIFT_KIND_SCALED] = "scaled",
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(word, words[i]) == 0) {
            *ret_kind = (enum drift_kind)i;
            return 0;
        }
    return -EINVAL;
}

static struct data_generator *generator_new(size_t features, uint64_t row_seed)
{
    struct data_generator *generator;

    if (features > (SIZE_MAX - sizeof(*generator)) / sizeof(generator->feature[0]))
        return NULL;
    generator = calloc(1, sizeof(*generator) + features * sizeof(generator->feature[0]));
    if (!generator)
        return NULL;
    generator->feature_count = features;
    random_init(&generator->random, row_seed);
    return generator;
}

int data_generator_create_synthetic(size_t features, uint64_t seed, uint64_t row_seed,
                                    struct data_generator **ret_generator)
{
    struct data_generator *generator;
    struct random parameters;

    if (features == 0)
        return -EINVAL;
    generator = generator_new(features, row_seed);
    if (!generator)
        return -ENOMEM;
    random_init(&parameters, seed ^ PARAMETER_DOMAIN);
    for (size_t i = 0; i < features; i++) {
        generator->feature[i].mean = -1.0 + 2.0 * random_uniform(&parameters);
        generator->feature[i].deviation = 0.5 + 1.5 * random_uniform(&parameters);
    }
    *ret_generator = generator;
    return 0;
}

static bool all_finite(const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

int data_generator_create_bootstrap(size_t features, const double *const *columns, size_t rows,
                                    const double *mean, const double *deviation, uint64_t row_seed,
                                    struct data_generator **ret_generator)
{
    struct data_generator *generator;

    if (features == 0 || rows == 0 || !all_finite(mean, features) ||
        !all_finite(deviation, features))
        return -EINVAL;
    for (size_t i = 0; i < features; i++)
        if (deviation[i] < 0.0 || !all_finite(columns[i], rows))
            return -EINVAL;
    generator = generator_new(features, row_seed);
    if (!generator)
        return -ENOMEM;
    generator->columns = columns;
    generator->rows = rows;
    for (size_t i = 0; i < features; i++) {
        generator->feature[i].mean = mean[i];
        generator->feature[i].deviation = deviation[i];
    }
    *ret_generator = generator;
    return 0;
}

void data_generator_destroy(struct data_generator *generator)
{
    free(generator);
}

int data_generator_set_drift(struct data_generator *generator, enum drift_kind kind,
                             double severity, const unsigned char *chosen)
{
    if (!(severity >= 0.0 && severity <= 1.0)) /* NaN too */
        return -EINVAL;
    for (size_t i = 0; i < generator->feature_count; i++) {
        struct feature *feature = &generator->feature[i];

        feature->drifted =
            severity > 0.0 && (chosen ? chosen[i] != 0 : i < DEFAULT_DRIFTED_FEATURES);
        feature->shift = kind == DRIFT_KIND_SCALED ? 0.0 : 2.0 * severity * feature->deviation;
        feature->scale = kind == DRIFT_KIND_MIXED    ? 1.0 + severity / 2.0
                         : kind == DRIFT_KIND_SCALED ? 1.0 + 2.0 * severity
                                                     : 1.0;
    }
    return 0;
}

/* Without drift a bootstrap row is the reference's to the last bit. */
static double apply_drift(const struct feature *feature, double x)
{
    if (!feature->drifted)
        return x;
    return feature->mean + feature->shift + feature->scale * (x - feature->mean);
}

void data_generator_next(struct data_generator *generator, double *row)
{
    uint64_t source = generator->columns ? random_below(&generator->random, generator->rows) : 0;

    for (size_t i = 0; i < generator->feature_count; i++) {
        const struct feature *feature = &generator->feature[i];
        double x = generator->columns
                       ? generator->columns[i][source]
                       : feature->mean + feature->deviation * random_normal(&generator->random);

        row[i] = apply_drift(feature, x);
    }
}

double data_generator_mean(const struct data_generator *generator, size_t feature)
{
    return generator->feature[feature].mean;
}

double data_generator_deviation(const struct data_generator *generator, size_t feature)
{
    return generator->feature[feature].deviation;
}
