/* traffic.c - see the header. Tukey's g-and-h family: Hoaglin (1985), "Summarizing shape
 * numerically". */
#include "traffic.h"

#include "data_generator.h"

#include <math.h>
#include <stdlib.h>

#define ZERO_SHARE    0.4
#define MISSING_SHARE 0.03
#define MISSING_EVERY 5
#define MISSING_COUNT (TRAFFIC_NUMERIC / MISSING_EVERY)

/* Normal variables of a row: one per feature, one per feature that may miss values, and one for the
 * rounding of the changed feature. */
#define COLUMNS         (TRAFFIC_FEATURES + MISSING_COUNT + 1)
#define MISSING_COLUMN  TRAFFIC_FEATURES
#define ROUNDING_COLUMN (COLUMNS - 1)

/* Where the normal distribution is cut for integrals; what lies beyond is below 1e-15. */
#define NORMAL_END   8.0
#define NORMAL_STEPS 4000

enum shape { SHAPE_NORMAL, SHAPE_ROUNDED, SHAPE_HEAVY, SHAPE_SKEWED, SHAPE_COUNT, SHAPE_ATOM };

struct traffic {
    struct data_generator *source;
    double correlation, innovation;
    double state[TRAFFIC_FEATURES];
    bool started;
    double middle, deviation; /* of the changed feature */
    const struct change *change;
    size_t changed;
    /* edge[c][i]: category i is where the normal variable lies below it */
    double edge[TRAFFIC_CATEGORICAL][TRAFFIC_MAX_CATEGORIES];
    double zero_below, missing_below;
};

static enum shape feature_shape(size_t numeric)
{
    static const enum shape turn[] = {
        SHAPE_NORMAL, SHAPE_HEAVY,  SHAPE_SKEWED, SHAPE_COUNT,  SHAPE_NORMAL,
        SHAPE_HEAVY,  SHAPE_SKEWED, SHAPE_ATOM,   SHAPE_NORMAL, SHAPE_ROUNDED,
    };
    return turn[numeric % (sizeof(turn) / sizeof(turn[0]))];
}

unsigned traffic_categories(size_t categorical)
{
    static const unsigned count[TRAFFIC_CATEGORICAL] = {3, 4, 5, 6, 8, 10, 12, 20, 30, 50};
    return count[categorical];
}

size_t traffic_changed_feature(enum change_kind kind, uint64_t turn)
{
    return kind == CHANGE_SHARE ? TRAFFIC_NUMERIC + turn % TRAFFIC_CATEGORICAL
                                : turn % TRAFFIC_NUMERIC;
}

static double normal_below(double z)
{
    return 0.5 * erfc(-z * M_SQRT1_2);
}

/* Inverse of normal_below by bisection. */
static double normal_quantile(double p)
{
    double low = -NORMAL_END, high = NORMAL_END;
    for (int i = 0; i < 60; i++) {
        const double middle = 0.5 * (low + high);
        if (normal_below(middle) < p)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

static double shape_value(const struct traffic *traffic, enum shape shape, double z)
{
    switch (shape) {
    case SHAPE_ROUNDED:
        return rint(40 + 10 * z);
    case SHAPE_HEAVY:
        return z * exp(0.1 * z * z);
    case SHAPE_SKEWED:
        return exp(0.8 * z);
    case SHAPE_COUNT:
        return floor(2 * exp(0.6 * z));
    case SHAPE_ATOM:
        return z < traffic->zero_below ? 0 : exp(0.5 * z);
    default:
        return z;
    }
}

/* The middle around which a spread grows: the median, of the values beside the atom. */
static double shape_middle(const struct traffic *traffic, enum shape shape)
{
    const double p = shape == SHAPE_ATOM ? 1 - 0.5 * (1 - ZERO_SHARE) : 0.5;
    return shape_value(traffic, shape, normal_quantile(p));
}

static double shape_deviation(const struct traffic *traffic, enum shape shape)
{
    double weights = 0, sum = 0, squares = 0;
    for (int i = 0; i <= NORMAL_STEPS; i++) {
        const double z = NORMAL_END * (2.0 * i / NORMAL_STEPS - 1);
        const double weight = exp(-0.5 * z * z);
        const double x = shape_value(traffic, shape, z);
        weights += weight;
        sum += weight * x;
        squares += weight * x * x;
    }
    const double mean = sum / weights;
    return sqrt(squares / weights - mean * mean);
}

/* Shares fall as 1/rank; `moved` goes from the first category to the second. */
static void set_edges(struct traffic *traffic, size_t categorical, double moved)
{
    const unsigned count = traffic_categories(categorical);
    double total = 0, below = 0;
    for (unsigned i = 0; i < count; i++)
        total += 1.0 / (i + 1);
    for (unsigned i = 0; i < count; i++) {
        below += 1.0 / (i + 1) / total;
        traffic->edge[categorical][i] = normal_quantile(below - (i == 0 ? moved : 0));
    }
    traffic->edge[categorical][count - 1] = INFINITY;
}

struct traffic *traffic_create(uint64_t stream, double correlation)
{
    struct traffic *traffic = calloc(1, sizeof(*traffic));
    if (!traffic || data_generator_create_synthetic(COLUMNS, 42, stream, &traffic->source) < 0) {
        free(traffic);
        return NULL;
    }
    traffic->correlation = correlation;
    traffic->innovation = sqrt(1 - correlation * correlation);
    traffic->zero_below = normal_quantile(ZERO_SHARE);
    traffic->missing_below = normal_quantile(MISSING_SHARE);
    for (size_t c = 0; c < TRAFFIC_CATEGORICAL; c++)
        set_edges(traffic, c, 0);
    return traffic;
}

void traffic_destroy(struct traffic *traffic)
{
    if (!traffic)
        return;
    data_generator_destroy(traffic->source);
    free(traffic);
}

void traffic_change(struct traffic *traffic, const struct change *change, size_t feature)
{
    const bool share = change && change->kind == CHANGE_SHARE;
    for (size_t c = 0; c < TRAFFIC_CATEGORICAL; c++)
        set_edges(traffic, c, share && TRAFFIC_NUMERIC + c == feature ? change->amount : 0);
    traffic->change = share ? NULL : change;
    traffic->changed = feature;
    if (!traffic->change)
        return;
    traffic->middle = shape_middle(traffic, feature_shape(feature));
    traffic->deviation = shape_deviation(traffic, feature_shape(feature));
}

/* Whole numbers stay whole: up with the probability of the fraction, so that the mean is kept. */
static double change_value(const struct traffic *traffic, enum shape shape, double x, double z)
{
    const struct change *change = traffic->change;
    if (shape == SHAPE_ATOM && x == 0)
        return x;
    double moved = change->kind == CHANGE_SHIFT
                       ? x + change->amount * traffic->deviation
                       : traffic->middle + change->amount * (x - traffic->middle);
    if (shape == SHAPE_ROUNDED || shape == SHAPE_COUNT)
        moved = floor(moved + normal_below(z));
    return shape == SHAPE_COUNT ? fmax(moved, 0) : moved;
}

/* The row's normal variables: [COLUMNS]. */
static void next_normals(struct traffic *traffic, double *z)
{
    data_generator_next(traffic->source, z);
    for (size_t i = 0; i < COLUMNS; i++)
        z[i] = (z[i] - data_generator_mean(traffic->source, i)) /
               data_generator_deviation(traffic->source, i);
    if (traffic->correlation > 0) {
        for (size_t f = 0; f < TRAFFIC_FEATURES; f++) {
            if (traffic->started)
                z[f] = traffic->correlation * traffic->state[f] + traffic->innovation * z[f];
            traffic->state[f] = z[f];
        }
        traffic->started = true;
    }
}

void traffic_next(struct traffic *traffic, struct traffic_row *row)
{
    double z[COLUMNS];
    next_normals(traffic, z);
    for (size_t f = 0; f < TRAFFIC_NUMERIC; f++) {
        const enum shape shape = feature_shape(f);
        row->number[f] = shape_value(traffic, shape, z[f]);
        if (traffic->change && traffic->changed == f)
            row->number[f] = change_value(traffic, shape, row->number[f], z[ROUNDING_COLUMN]);
        if (f % MISSING_EVERY == MISSING_EVERY - 1 &&
            z[MISSING_COLUMN + f / MISSING_EVERY] < traffic->missing_below)
            row->number[f] = NAN;
    }
    for (size_t c = 0; c < TRAFFIC_CATEGORICAL; c++) {
        unsigned category = 0;
        while (z[TRAFFIC_NUMERIC + c] >= traffic->edge[c][category])
            category++;
        row->category[c] = category;
    }
}
