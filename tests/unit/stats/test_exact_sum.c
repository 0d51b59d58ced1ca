/* test_exact_sum.c - sums without rounding, and moments rounded once. More cases against exact
 * rational arithmetic are in test_windows_live.py. */
#include "random_stream.h"
#include "stats/exact_sum.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct sums {
    struct exact_sum sum;
    struct exact_squares squares;
    uint64_t count;
};

static void add(struct sums *sums, double x)
{
    drift_exact_sum_add(&sums->sum, x);
    drift_exact_squares_add(&sums->squares, x);
    sums->count++;
}

static void subtract(struct sums *sums, double x)
{
    drift_exact_sum_subtract(&sums->sum, x);
    drift_exact_squares_subtract(&sums->squares, x);
    sums->count--;
}

static void expect(const double *x, size_t count, double mean, double deviation)
{
    struct sums sums = {0};
    for (size_t i = 0; i < count; i++)
        add(&sums, x[i]);
    const double got_mean = drift_exact_sum_mean(&sums.sum, sums.count);
    const double got_deviation = drift_exact_deviation(&sums.sum, &sums.squares, sums.count);
    if (bits_of(got_mean) != bits_of(mean) && !(isnan(mean) && isnan(got_mean)))
        fail_msg("mean: got %.17g, expected %.17g", got_mean, mean);
    if (bits_of(got_deviation) != bits_of(deviation) && !(isnan(deviation) && isnan(got_deviation)))
        fail_msg("deviation: got %.17g, expected %.17g", got_deviation, deviation);
}

#define EXPECT(mean, deviation, ...)                                                               \
    expect((const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / sizeof(double),  \
           mean, deviation)

static void test_known(void **state)
{
    (void)state;
    const double tiny = 0x1p-1074;
    expect(NULL, 0, NAN, NAN);
    EXPECT(2.5, NAN, 2.5);
    EXPECT(2, 1, 1, 2, 3);
    EXPECT(0, 0, 0, 0);
    EXPECT(0, 0, -0.0, -0.0);
    EXPECT(-2, sqrt(2), -1, -3);
    EXPECT(1.0 / 3, 1e300, 1e300, 1, -1e300);
    EXPECT(DBL_MAX, 0, DBL_MAX, DBL_MAX, DBL_MAX);
    EXPECT(0, DBL_MAX, DBL_MAX, 0, -DBL_MAX);
    EXPECT(tiny, 0, tiny, tiny);
    EXPECT(0, tiny, tiny, 0, -tiny);
    /* Half and three quarters of the smallest number: ties to even, then up. */
    EXPECT(0, tiny, tiny, 0);
    EXPECT(2 * tiny, tiny, tiny, 2 * tiny);
    EXPECT(tiny, 0, tiny, tiny, tiny, 0);
}

/* Mean 1e9, deviation 1e-3: in doubles the squares differ in digits that are not there. */
static void test_cancellation(void **state)
{
    (void)state;
    struct sums sums = {0};
    for (int i = 0; i < 1000; i++)
        add(&sums, 1e9 + (i % 2 == 0 ? 0x1p-10 : -0x1p-10));
    assert_true(drift_exact_sum_mean(&sums.sum, 1000) == 1e9);
    assert_true(drift_exact_deviation(&sums.sum, &sums.squares, 1000) ==
                0x1p-10 * sqrt(1000.0 / 999));
}

static void test_subtracting_undoes(void **state)
{
    (void)state;
    uint64_t seed = 21;
    const struct sums zero = {0};
    for (int shape = 0; shape < STREAM_DIRTY; shape++) {
        double *x = random_values(&seed, shape, 500);
        struct sums sums = {0}, backwards = {0};
        for (size_t i = 0; i < 500; i++) {
            add(&sums, x[i]);
            add(&backwards, x[499 - i]);
        }
        assert_memory_equal(&sums, &backwards, sizeof(sums));
        for (size_t i = 0; i < 500; i++)
            subtract(&sums, x[(i * 7) % 500]);
        assert_memory_equal(&sums, &zero, sizeof(sums));
        free(x);
    }
}

static void test_combine(void **state)
{
    (void)state;
    uint64_t seed = 22;
    struct sums all = {0}, left = {0}, right = {0};
    for (size_t i = 0; i < 400; i++) {
        const double x = random_finite(&seed);
        add(&all, x);
        add(i % 3 == 0 ? &left : &right, x);
    }
    drift_exact_sum_combine(&left.sum, &right.sum, 1);
    drift_exact_squares_combine(&left.squares, &right.squares, 1);
    assert_memory_equal(&left.sum, &all.sum, sizeof(all.sum));
    assert_memory_equal(&left.squares, &all.squares, sizeof(all.squares));
    drift_exact_sum_combine(&left.sum, &all.sum, -1);
    assert_true(drift_exact_sum_mean(&left.sum, 1) == 0);
}

static void settle(struct sums *sums)
{
    drift_exact_sum_settle(&sums->sum);
    drift_exact_squares_settle(&sums->squares);
}

/* Blocks of values, of few exponents and of all, with zeros and the smallest numbers. */
static void test_blocks(void **state)
{
    (void)state;
    uint64_t seed = 24;
    static double x[5000];
    for (int round = 0; round < 60; round++) {
        struct sums single = {0}, block = {0};
        const size_t count = random_below(&seed, 5000);
        for (size_t i = 0; i < count; i++) {
            x[i] = random_finite(&seed);
            if (round % 3 > 0)
                x[i] = ldexp(frexp(x[i], &(int){0}), (int)random_below(&seed, 70) - 35);
            if (round % 3 == 2)
                x[i] *= i % 5 == 0 ? 0 : 0x1p-1050;
            add(&single, x[i]);
        }
        drift_exact_sums_add(&block.sum, &block.squares, x, count);
        assert_true(bits_of(drift_exact_sum_mean(&block.sum, count)) ==
                    bits_of(drift_exact_sum_mean(&single.sum, count)));
        settle(&single);
        settle(&block);
        assert_memory_equal(&block.sum, &single.sum, sizeof(single.sum));
        assert_memory_equal(&block.squares, &single.squares, sizeof(single.squares));
        const struct sums once = block;
        settle(&block);
        assert_memory_equal(&block, &once, sizeof(once));
    }
}

/* The largest count of the largest value stays inside the chunks: built by doubling. */
static void test_largest_count(void **state)
{
    (void)state;
    struct sums sums = {0}, one = {0};
    add(&one, -DBL_MAX);
    for (int bit = 0; bit < 31; bit++) {
        const struct sums copy = sums;
        drift_exact_sum_combine(&sums.sum, &copy.sum, 1);
        drift_exact_squares_combine(&sums.squares, &copy.squares, 1);
        drift_exact_sum_combine(&sums.sum, &one.sum, 1);
        drift_exact_squares_combine(&sums.squares, &one.squares, 1);
    }
    assert_true(drift_exact_sum_mean(&sums.sum, EXACT_SUM_MAX_COUNT) == -DBL_MAX);
    settle(&sums);
    assert_true(drift_exact_sum_mean(&sums.sum, EXACT_SUM_MAX_COUNT) == -DBL_MAX);
    assert_true(drift_exact_deviation(&sums.sum, &sums.squares, EXACT_SUM_MAX_COUNT) == 0);
    assert_true(isnan(drift_exact_sum_mean(&sums.sum, EXACT_SUM_MAX_COUNT + 1)));
}

/* Small integers, whose moments a double can tell exactly up to the last step. */
static void test_integers(void **state)
{
    (void)state;
    uint64_t seed = 23;
    for (int round = 0; round < 2000; round++) {
        struct sums sums = {0};
        const size_t count = 2 + random_below(&seed, 50);
        int64_t sum = 0, squares = 0;
        for (size_t i = 0; i < count; i++) {
            const int64_t x = (int64_t)random_below(&seed, 2001) - 1000;
            add(&sums, (double)x);
            sum += x;
            squares += x * x;
        }
        const int64_t n = (int64_t)count, spread = n * squares - sum * sum;
        assert_true(drift_exact_sum_mean(&sums.sum, count) == (double)sum / (double)n);
        const double deviation = drift_exact_deviation(&sums.sum, &sums.squares, count);
        const double expected = sqrt((double)spread / (double)(n * (n - 1)));
        assert_true(fabs(deviation - expected) <= 2 * DBL_EPSILON * expected);
    }
}

/* Parts that do not belong together must not become a number. */
static void test_inconsistent(void **state)
{
    (void)state;
    struct sums sums = {0};
    add(&sums, 5);
    assert_true(isnan(drift_exact_deviation(&sums.sum, &(struct exact_squares){0}, 2)));
    subtract(&sums, 5);
    drift_exact_squares_subtract(&sums.squares, 1);
    assert_true(isnan(drift_exact_deviation(&sums.sum, &sums.squares, 2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_cancellation),
        cmocka_unit_test(test_subtracting_undoes),
        cmocka_unit_test(test_combine),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_largest_count),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_inconsistent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
