/* window_distance.c - Wasserstein-1 and Cramer-von Mises from the counts per cell. */
#include "window_distance.h"

#include "special.h"

#include <math.h>

__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 i128;

/* Distances are computed on half the scale, so that the range of the doubles does not overflow,
 * in units of half the deviation. A constant or single-row reference has no deviation to measure
 * in: the distance is then in the feature's own unit. */
static double unit(const struct numeric_reference *ref)
{
    return ref->deviation > 0 ? ref->deviation * 0.5 : 0.5;
}

/* The mean distance of `count` values with that sum from the end of the reference's range, times
 * their share. */
static double tail(const struct exact_sum *sum, uint32_t count, double end, double m)
{
    if (count == 0)
        return 0;
    return fabs(exact_sum_mean(sum, count) * 0.5 - end * 0.5) * ((double)count / m);
}

/* Between two reference values F_ref stands still. The window's values in there are taken to lie
 * in the middle: F_cur is one step of half the width before, and half after. */
double wasserstein_distance(const struct feature_window *window)
{
    const struct numeric_reference *ref = window->numeric;
    const uint32_t *cell = window->total.cell;
    const int64_t n = (int64_t)ref->finite_rows, m = window->tree.m;
    const size_t last = ref->distinct - 1;
    const double scale = 0.5 / (double)(n * m);
    double distance = tail(&window->total.below, cell[0], ref->value[0], (double)m);
    int64_t current = cell[0], reference = 0;
    for (size_t i = 0; i < last; i++) {
        current += cell[2 * i + 1];
        reference += ref->count[i];
        const int64_t before = n * current - m * reference;
        current += cell[2 * i + 2];
        const int64_t after = n * current - m * reference;
        const double width = ref->value[i + 1] * 0.5 - ref->value[i] * 0.5;
        distance += width * ((fabs((double)before) + fabs((double)after)) * scale);
    }
    distance += tail(&window->total.above, cell[2 * last + 2], ref->value[last], (double)m);
    return distance / unit(ref);
}

/* Moving a value to the middle of its gap moves it by at most half the gap; compressing moved a
 * row of the reference to the next kept value, by at most the gap. */
double wasserstein_bound(const struct feature_window *window)
{
    const struct numeric_reference *ref = window->numeric;
    const uint32_t *cell = window->total.cell;
    const double n = (double)ref->finite_rows, m = window->tree.m;
    double bound = 0;
    for (size_t i = 1; i < ref->distinct; i++) {
        const double width = ref->value[i] * 0.5 - ref->value[i - 1] * 0.5;
        bound += width * 0.5 * ((double)cell[2 * i] / m);
        if (ref->compression_bound > 0)
            bound += width * ((double)ref->count[i] / n);
    }
    return bound / unit(ref);
}

/* A group of `own` values tied with `other` ones, `other_before` of which came before: 4 * the sum
 * of (mid-rank - own index)^2 is own * (2 * other_before + other)^2 + (own^3 - own) / 3, as the
 * indices spread evenly about the group's middle. */
struct rank_sums {
    u128 squares, cubes;
};

static inline void add_group(struct rank_sums *sums, uint64_t own, uint64_t other,
                             uint64_t other_before)
{
    const uint64_t twice = 2 * other_before + other;
    if (own == 0)
        return;
    sums->squares += (u128)(own * twice) * twice;
    sums->cubes += (u128)(own * own - 1) * own;
}

static u128 total_of(const struct rank_sums *sums)
{
    return sums->squares + sums->cubes / 3;
}

/* Anderson (1962) T = U / (k N) - (4 k - 1) / (6 N) with k = n m and N = n + m, in integers up to
 * the division: the difference would lose digits. Values on a reference value are tied and get
 * mid-ranks; values between two are taken as distinct. */
double cramer_von_mises(const struct feature_window *window)
{
    const struct numeric_reference *ref = window->numeric;
    const uint32_t *cell = window->total.cell;
    const uint64_t n = ref->finite_rows, m = window->tree.m;
    struct rank_sums of_reference = {0}, of_current = {0};
    uint64_t before_reference = 0, before_current = 0;
    for (size_t i = 0; i < ref->distinct; i++) {
        const uint64_t gap = cell[2 * i], equal = cell[2 * i + 1];
        of_current.squares += (u128)(2 * gap * before_reference) * (2 * before_reference);
        before_current += gap;
        add_group(&of_reference, ref->count[i], equal, before_current);
        add_group(&of_current, equal, ref->count[i], before_reference);
        before_reference += ref->count[i];
        before_current += equal;
    }
    of_current.squares += (u128)cell[2 * ref->distinct] * (4 * n * n);
    const u128 k = (u128)n * m;
    const i128 difference =
        (i128)(3 * (n * total_of(&of_reference) + m * total_of(&of_current)) - 2 * k * (4 * k - 1));
    return (double)difference / (12.0 * (double)(n * m) * (double)(n + m));
}

/* The normalisation of scipy.stats.cramervonmises_2samp(method='asymptotic'). */
double cramer_von_mises_p_value(double t, uint64_t n, uint64_t m)
{
    const double x = (double)n, y = (double)m, k = x * y, all = x + y;
    const double expected = (1 + 1 / all) / 6;
    const double variance =
        (all + 1) * (4 * k * all - 3 * (x * x + y * y) - 2 * k) / (45 * all * all * 4 * k);
    /* Two single values: T is the same wherever they lie. */
    if (!(variance > 0))
        return 1;
    const double normalised = 1.0 / 6 + (t - expected) / sqrt(45 * variance);
    return normalised < 0.003 ? 1 : cramer_von_mises_sf(normalised);
}
