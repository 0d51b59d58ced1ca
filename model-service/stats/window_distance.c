/* window_distance.c - Wasserstein-1 and Cramer-von Mises from the counts per cell. */
#include "window_distance.h"

#include "special.h"

#include <math.h>
#include <stdbool.h>

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
    return fabs(drift_exact_sum_mean(sum, count) * 0.5 - end * 0.5) * ((double)count / m);
}

/* Both distribution functions in counts at some reference values in a row: the loops over these
 * have no step that waits for the one before, so that compilers make vectors of them. */
#define BLOCK 64

struct steps {
    int32_t c[2 * BLOCK];  /* C at the value, and before the next one */
    int32_t f[BLOCK];      /* F at the value */
    int32_t before, below; /* C and F before the next block */
};

static inline size_t next_length(size_t begin, size_t end)
{
    return end - begin < BLOCK ? end - begin : BLOCK;
}

static inline void step_on(struct steps *steps, const struct numeric_reference *ref,
                           const uint32_t *cell, size_t begin, size_t length)
{
    const uint32_t *step = cell + 2 * begin + 1, *count = ref->count + begin;
    uint32_t c = (uint32_t)steps->before, f = (uint32_t)steps->below;
#pragma GCC unroll 8
    for (size_t i = 0; i < length; i++) {
        c += step[2 * i];
        steps->c[2 * i] = (int32_t)c;
        c += step[2 * i + 1];
        steps->c[2 * i + 1] = (int32_t)c;
        f += count[i];
        steps->f[i] = (int32_t)f;
    }
    steps->before = (int32_t)c;
    steps->below = (int32_t)f;
}

/* Terms go round these, so that one addition need not wait for the one before. Which term goes
 * where depends on the reference only: equal observations give equal bits. */
#define LANES 4

/* Products of counts up to this are whole numbers in doubles. */
#define EXACT_PRODUCT (INT64_C(1) << 53)

/* width * (|n C - m F| + |n C' - m F|) / 2 for the gap after each of `length` values, C before and
 * C' behind the values of the window in it. */
static inline void add_gaps(double lane[LANES], const struct steps *steps, const double *value,
                            size_t length, double n, double m)
{
    const double scale = 0.5 / (n * m);
    double term[BLOCK];
    for (size_t i = 0; i < length; i++) {
        const double f = m * steps->f[i], width = value[i + 1] * 0.5 - value[i] * 0.5;
        term[i] =
            width * ((fabs(n * steps->c[2 * i] - f) + fabs(n * steps->c[2 * i + 1] - f)) * scale);
    }
    for (size_t i = length; i % LANES != 0; i++)
        term[i] = 0;
    for (size_t i = 0; i < length; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            lane[k] += term[i + k];
}

static double sum_gaps(const struct numeric_reference *ref, const uint32_t *cell, double n,
                       double m)
{
    const size_t last = ref->distinct - 1;
    struct steps steps = {.before = (int32_t)cell[0]};
    double lane[LANES] = {0};
    for (size_t begin = 0, length; begin < last; begin += length) {
        length = next_length(begin, last);
        step_on(&steps, ref, cell, begin, length);
        add_gaps(lane, &steps, ref->value + begin, length, n, m);
    }
    return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

/* The same where the products need whole numbers of 64 bits. */
static double sum_wide_gaps(const struct numeric_reference *ref, const uint32_t *cell, int64_t n,
                            int64_t m)
{
    const double scale = 0.5 / (double)(n * m);
    double sum = 0;
    int64_t apart = n * cell[0]; /* n C - m F */
    for (size_t i = 0; i + 1 < ref->distinct; i++) {
        const int64_t before = apart + n * cell[2 * i + 1] - m * ref->count[i];
        apart = before + n * cell[2 * i + 2];
        const double width = ref->value[i + 1] * 0.5 - ref->value[i] * 0.5;
        sum += width * ((fabs((double)before) + fabs((double)apart)) * scale);
    }
    return sum;
}

/* Between two reference values F_ref stands still. The window's values in there are taken to lie
 * in the middle: F_cur is one step of half the width before, and half after. */
double wasserstein_distance(const struct feature_window *window)
{
    const struct numeric_reference *ref = window->numeric;
    const uint32_t *cell = window->total.cell;
    const int64_t n = (int64_t)ref->finite_rows, m = window->tree.m;
    const size_t last = ref->distinct - 1;
    const double gaps = n * m <= EXACT_PRODUCT ? sum_gaps(ref, cell, (double)n, (double)m)
                                               : sum_wide_gaps(ref, cell, n, m);
    const double below = tail(&window->total.below, cell[0], ref->value[0], (double)m);
    const double above =
        tail(&window->total.above, cell[2 * last + 2], ref->value[last], (double)m);
    return (below + gaps + above) / unit(ref);
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

/* A sum of positive terms that keeps what rounding drops (Kahan 1965). */
struct careful_sum {
    double sum, rest;
};

static inline void careful_add(struct careful_sum *sum, double term)
{
    const double more = term + sum->rest, total = sum->sum + more;
    sum->rest = more - (total - sum->sum);
    sum->sum = total;
}

/* Squares of (n C - m F) at each of `gap` values that are taken as distinct: C steps up by one
 * before each. apart: n C - m F before the first. */
static inline double gap_squares(int64_t apart, uint64_t gap, double n)
{
    const double k = (double)gap, middle = (double)apart + n * ((k + 1) * 0.5);
    return k * middle * middle + n * n * (k * (k * k - 1) / 12);
}

/* The sum of (n C - m F)^2 over all values, n^2 S1 - 2 n m S2 + m^2 S3 with S1, S2 and S3 the sums
 * of C^2, C F and F^2, is a whole number. Summed by parts, the values in gaps need no look of their
 * own: with C and F after each reference value, a value that appears once and nowhere in the window
 * adds C^2, C F and C to three sums, and that is all.
 * Sums stay below (n + m)^3. */
#define EXACT_SQUARES_VALUES (INT64_C(1) << 20)

struct squares {
    int64_t cc, cf, c, repeated_c; /* sums of count * C^2, count * C F, count * C, count^2 * C */
    int64_t tied_cc, tied_cf, tied_ff; /* what ties change in S1, S2 and S3 */
};

/* The sums of 1 to k, and of their squares. */
static int64_t triangle(int64_t k)
{
    return k * (k + 1) / 2;
}

static int64_t pyramid(int64_t k)
{
    return k * (k + 1) * (2 * k + 1) / 6;
}

/* A reference value of `count` rows and `equal` values of the window. */
static void add_tied(struct squares *sum, int64_t c, int64_t f, int64_t count, int64_t equal)
{
    sum->cc += count * c * c;
    sum->cf += count * c * f;
    sum->c += count * c;
    sum->repeated_c += count * count * c;
    sum->tied_cc += 2 * c * triangle(equal - 1) - pyramid(equal - 1);
    sum->tied_cf += equal * count * c + (f - count) * triangle(equal - 1);
    sum->tied_ff +=
        equal * count * (2 * f - count) + 2 * f * triangle(count - 1) - pyramid(count - 1);
}

/* Each value appears once in the reference and nowhere in the window. */
static inline bool is_untied(const struct numeric_reference *ref, const uint32_t *cell,
                             size_t begin, size_t length)
{
    const uint32_t *step = cell + 2 * begin + 1, *count = ref->count + begin;
    uint32_t ties = 0;
    for (size_t i = 0; i < length; i++)
        ties |= step[2 * i] | (count[i] ^ 1);
    return ties == 0;
}

/* Two doubles at a time: any machine has them, but few have products of 64 bits. A block's sums,
 * below BLOCK * EXACT_SQUARES_VALUES^2, are whole numbers in them too. */
typedef double pair __attribute__((vector_size(16)));

static inline void add_block(struct squares *sum, const struct steps *steps, size_t length)
{
    pair c[BLOCK / 2], f[BLOCK / 2], cc = {0}, cf = {0}, total = {0};
    double *c_at = (double *)c, *f_at = (double *)f;
    for (size_t i = 0; i < length; i++) {
        c_at[i] = steps->c[2 * i];
        f_at[i] = steps->f[i];
    }
    if (length % 2 != 0)
        c_at[length] = f_at[length] = 0;
    for (size_t i = 0; i < (length + 1) / 2; i++) {
        cc += c[i] * c[i];
        cf += c[i] * f[i];
        total += c[i];
    }
    sum->cc += (int64_t)(cc[0] + cc[1]);
    sum->cf += (int64_t)(cf[0] + cf[1]);
    sum->c += (int64_t)(total[0] + total[1]);
    sum->repeated_c += (int64_t)(total[0] + total[1]);
}

static double exact_squares_of(const struct numeric_reference *ref, const uint32_t *cell, int64_t n,
                               int64_t m)
{
    struct squares sum = {0};
    struct steps steps = {.before = (int32_t)cell[0]};
    for (size_t begin = 0, length; begin < ref->distinct; begin += length) {
        length = next_length(begin, ref->distinct);
        step_on(&steps, ref, cell, begin, length);
        if (is_untied(ref, cell, begin, length)) {
            add_block(&sum, &steps, length);
            continue;
        }
        for (size_t i = 0; i < length; i++)
            add_tied(&sum, steps.c[2 * i], steps.f[i], ref->count[begin + i],
                     cell[2 * (begin + i) + 1]);
    }
    const int64_t s1 = pyramid(m) + sum.cc + sum.tied_cc;
    const int64_t s2 = n * triangle(m) - (sum.cc + sum.c) / 2 + sum.cf + sum.tied_cf;
    const int64_t s3 = n * n * m - 2 * sum.cf + sum.repeated_c + pyramid(n) + sum.tied_ff;
    return (double)((i128)(n * n) * s1 - (i128)(2 * n * m) * s2 + (i128)(m * m) * s3);
}

/* The same in doubles, for samples of any size. */
static double careful_squares_of(const struct numeric_reference *ref, const uint32_t *cell,
                                 int64_t n, int64_t m)
{
    struct careful_sum squares[LANES] = {0}, total = {0};
    int64_t apart = 0; /* n C - m F */
    for (size_t i = 0; i < ref->distinct; i++) {
        struct careful_sum *lane = &squares[i % LANES];
        const uint64_t gap = cell[2 * i], equal = cell[2 * i + 1];
        /* an empty gap adds 0: cheaper than a branch that half of the gaps take */
        const double between = gap_squares(apart, gap, (double)n);
        apart += n * (int64_t)(gap + equal) - m * ref->count[i];
        const double at = (double)(equal + ref->count[i]) * ((double)apart * (double)apart);
        careful_add(lane, between + at);
    }
    if (cell[2 * ref->distinct] > 0)
        careful_add(&total, gap_squares(apart, cell[2 * ref->distinct], (double)n));
    for (size_t i = 0; i < LANES; i++) {
        careful_add(&total, squares[i].sum);
        careful_add(&total, squares[i].rest);
    }
    return total.sum;
}

/* Anderson (1962): T = n m / N^2 times the sum of (F_ref - F_cur)^2 over all N = n + m values. Tied
 * values share the distribution functions after all of them: mid-ranks instead, which equal this
 * without ties, make the statistic grow with the ties and not only with the difference. */
double cramer_von_mises(const struct feature_window *window)
{
    const struct numeric_reference *ref = window->numeric;
    const uint32_t *cell = window->total.cell;
    const int64_t n = (int64_t)ref->finite_rows, m = window->tree.m;
    const double all = (double)(n + m);
    const double squares = n + m <= EXACT_SQUARES_VALUES ? exact_squares_of(ref, cell, n, m)
                                                         : careful_squares_of(ref, cell, n, m);
    return squares / ((double)n * (double)m) / (all * all);
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
    return normalised < 0.003 ? 1 : drift_cramer_von_mises_sf(normalised);
}
