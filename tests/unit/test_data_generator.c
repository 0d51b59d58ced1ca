/* Unit tests of data_generator.c: reproducible rows, and the moments the header promises. */
#include "data_generator.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
/* cmocka.h needs the headers above */
#include <cmocka.h>

#define FEATURES 5
#define ROWS     100000
/* A right generator exceeds five standard errors of one moment once in 1.7 million seeds. */
#define STANDARD_ERRORS 5.0

struct moments {
    double mean, deviation, skewness, kurtosis; /* of the standardised values: 0, 1, 0, 3 */
};

static struct data_generator *synthetic(uint64_t seed, uint64_t stream_seed)
{
    struct data_generator *generator = NULL;

    assert_int_equal(data_generator_create_synthetic(FEATURES, seed, stream_seed, &generator), 0);
    return generator;
}

/* Moments of ROWS values of a feature, standardised by what is expected of them. */
static void draw_moments(struct data_generator *generator, const double *mean,
                         const double *deviation, struct moments *ret_moments)
{
    double sum[4][FEATURES] = {{0.0}};
    double row[FEATURES];

    for (size_t i = 0; i < ROWS; i++) {
        data_generator_next(generator, row);
        for (size_t f = 0; f < FEATURES; f++) {
            double z = (row[f] - mean[f]) / deviation[f];

            sum[0][f] += z;
            sum[1][f] += z * z;
            sum[2][f] += z * z * z;
            sum[3][f] += z * z * z * z;
        }
    }
    for (size_t f = 0; f < FEATURES; f++)
        ret_moments[f] = (struct moments){sum[0][f] / ROWS, sqrt(sum[1][f] / ROWS),
                                          sum[2][f] / ROWS, sum[3][f] / ROWS};
}

static void assert_within(double got, double want, double standard_error)
{
    if (!(fabs(got - want) <= STANDARD_ERRORS * standard_error))
        fail_msg("got %.17g, want %.17g within %g", got, want, STANDARD_ERRORS * standard_error);
}

static void assert_standard_normal(const struct moments *moments)
{
    assert_within(moments->mean, 0.0, sqrt(1.0 / ROWS));
    assert_within(moments->deviation, 1.0, sqrt(0.5 / ROWS));
    assert_within(moments->skewness, 0.0, sqrt(15.0 / ROWS));
    assert_within(moments->kurtosis, 3.0, sqrt(96.0 / ROWS));
}

static void test_kind_words(void **state)
{
    enum drift_kind kind = DRIFT_KIND_MIXED;

    (void)state;
    assert_int_equal(drift_kind_parse("shifted", &kind), 0);
    assert_int_equal(kind, DRIFT_KIND_SHIFTED);
    assert_int_equal(drift_kind_parse("scaled", &kind), 0);
    assert_int_equal(kind, DRIFT_KIND_SCALED);
    assert_int_equal(drift_kind_parse("mixed", &kind), 0);
    assert_int_equal(kind, DRIFT_KIND_MIXED);
    assert_int_equal(drift_kind_parse("Mixed", &kind), -EINVAL);
    assert_int_equal(drift_kind_parse("", &kind), -EINVAL);
    assert_int_equal(kind, DRIFT_KIND_MIXED);
}

/* From a Python model of the same generators (splitmix64, xoshiro256**, polar method with
 * math.log), whose xoshiro256** gives the authors' 11520, 0, 1509978240, ... from {1, 2, 3, 4}. */
static void test_known_rows(void **state)
{
    static const double mean[] = {0.16093536712133805, -0.7608183100449082, 0.5380449882127065,
                                  -0.16723168818690826, 0.4552975189090698};
    static const double deviation[] = {1.0860836326200183, 1.6273718400089272, 1.9622134138481608,
                                       1.198074348496084, 1.4399770489956771};
    static const double rows[][FEATURES] = {
        {1.2083129912896402, -2.491940308343067, -0.05833077770901807, -1.4838786414627805,
         0.8941943995624311},
        {2.016313167780777, -3.529008846312485, 4.720806858854444, -2.16821956735612,
         0.12176420095236051},
        {-0.9614239791057093, 0.013863387693857199, 2.378062551581435, -1.6360172807271665,
         0.9913240757441157}};
    struct data_generator *generator = synthetic(42, 7);
    double row[FEATURES];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        data_generator_next(generator, row);
        for (size_t f = 0; f < FEATURES; f++)
            assert_true(fabs(row[f] - rows[i][f]) < 4e-15);
    }
    for (size_t f = 0; f < FEATURES; f++) {
        assert_true(data_generator_mean(generator, f) == mean[f]);
        assert_true(data_generator_deviation(generator, f) == deviation[f]);
    }
    data_generator_destroy(generator);
}

static void test_parameters_depend_on_seed_alone(void **state)
{
    struct data_generator *first = synthetic(42, 1);
    struct data_generator *second = synthetic(42, 2);
    struct data_generator *other = synthetic(43, 1);
    double a[FEATURES], b[FEATURES];

    (void)state;
    data_generator_next(first, a);
    data_generator_next(second, b);
    for (size_t f = 0; f < FEATURES; f++) {
        double mean = data_generator_mean(first, f);
        double deviation = data_generator_deviation(first, f);

        assert_true(a[f] != b[f]);
        assert_true(mean >= -1.0 && mean < 1.0);
        assert_true(deviation >= 0.5 && deviation < 2.0);
        assert_true(mean == data_generator_mean(second, f));
        assert_true(deviation == data_generator_deviation(second, f));
        assert_true(mean != data_generator_mean(other, f));
    }
    data_generator_destroy(first);
    data_generator_destroy(second);
    data_generator_destroy(other);
}

/* Means are uniform in [-1, 1], deviations in [0.5, 2]. */
static void test_parameter_distribution(void **state)
{
    enum { MANY = 20000 };
    struct data_generator *generator = NULL;
    double mean = 0.0, deviation = 0.0, square = 0.0;

    (void)state;
    assert_int_equal(data_generator_create_synthetic(MANY, 42, 42, &generator), 0);
    for (size_t f = 0; f < MANY; f++) {
        double m = data_generator_mean(generator, f);

        mean += m / MANY;
        square += m * m / MANY;
        deviation += data_generator_deviation(generator, f) / MANY;
    }
    assert_within(mean, 0.0, sqrt(1.0 / 3.0 / MANY));
    assert_within(square, 1.0 / 3.0, sqrt(4.0 / 45.0 / MANY));
    assert_within(deviation, 1.25, 1.5 * sqrt(1.0 / 12.0 / MANY));
    data_generator_destroy(generator);
}

static void test_moments(void **state)
{
    static const struct {
        enum drift_kind kind;
        double severity, shift, scale; /* shift in deviations */
    } cases[] = {
        {DRIFT_KIND_MIXED, 0.0, 0.0, 1.0},   {DRIFT_KIND_MIXED, 0.5, 1.0, 1.25},
        {DRIFT_KIND_MIXED, 1.0, 2.0, 1.5},   {DRIFT_KIND_SHIFTED, 0.7, 1.4, 1.0},
        {DRIFT_KIND_SCALED, 0.25, 0.0, 1.5}, {DRIFT_KIND_SCALED, 1.0, 0.0, 3.0},
    };
    static const unsigned char chosen[FEATURES] = {0, 1, 0, 0, 1};

    (void)state;
    for (size_t c = 0; c < 2 * sizeof(cases) / sizeof(cases[0]); c++) {
        const unsigned char *flags = c % 2 ? chosen : NULL;
        struct data_generator *generator = synthetic(42, 1000 + c);
        double mean[FEATURES], deviation[FEATURES];
        struct moments moments[FEATURES];

        assert_int_equal(
            data_generator_set_drift(generator, cases[c / 2].kind, cases[c / 2].severity, flags),
            0);
        for (size_t f = 0; f < FEATURES; f++) {
            int drifted = flags ? flags[f] : f < 3;

            deviation[f] = data_generator_deviation(generator, f);
            mean[f] = data_generator_mean(generator, f);
            mean[f] += drifted ? cases[c / 2].shift * deviation[f] : 0.0;
            deviation[f] *= drifted ? cases[c / 2].scale : 1.0;
        }
        draw_moments(generator, mean, deviation, moments);
        for (size_t f = 0; f < FEATURES; f++)
            assert_standard_normal(&moments[f]);
        data_generator_destroy(generator);
    }
}

/* Neither features nor neighbouring rows nor streams of neighbouring seeds are correlated. */
static void test_independence(void **state)
{
    struct data_generator *generator = synthetic(42, 5), *neighbour = synthetic(42, 6);
    double row[FEATURES], other[FEATURES], previous[FEATURES] = {0.0};
    double across = 0.0, lagged = 0.0, streams = 0.0;

    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        data_generator_next(generator, row);
        data_generator_next(neighbour, other);
        for (size_t f = 0; f < FEATURES; f++) {
            double mean = data_generator_mean(generator, f);
            double deviation = data_generator_deviation(generator, f);

            row[f] = (row[f] - mean) / deviation;
            other[f] = (other[f] - mean) / deviation;
        }
        across += row[0] * row[1];
        lagged += row[2] * previous[2];
        streams += row[3] * other[3];
        previous[2] = row[2];
    }
    assert_within(across / ROWS, 0.0, sqrt(1.0 / ROWS));
    assert_within(lagged / ROWS, 0.0, sqrt(1.0 / ROWS));
    assert_within(streams / ROWS, 0.0, sqrt(1.0 / ROWS));
    data_generator_destroy(generator);
    data_generator_destroy(neighbour);
}

static void test_drift_ends(void **state)
{
    struct data_generator *drifting = synthetic(42, 3), *stable = synthetic(42, 3);
    double a[FEATURES], b[FEATURES];

    (void)state;
    assert_int_equal(data_generator_set_drift(drifting, DRIFT_KIND_SHIFTED, 0.5, NULL), 0);
    data_generator_next(drifting, a);
    data_generator_next(stable, b);
    for (size_t f = 0; f < FEATURES; f++) {
        double shift = f < 3 ? data_generator_deviation(stable, f) : 0.0;

        assert_true(fabs(a[f] - b[f] - shift) < 1e-14);
    }
    assert_int_equal(data_generator_set_drift(drifting, DRIFT_KIND_SHIFTED, 0.0, NULL), 0);
    data_generator_next(drifting, a);
    data_generator_next(stable, b);
    assert_memory_equal(a, b, sizeof(a));
    data_generator_destroy(drifting);
    data_generator_destroy(stable);
}

static void test_fewer_features_than_the_default(void **state)
{
    struct data_generator *generator, *stable;
    double a[2], b[2];

    (void)state;
    assert_int_equal(data_generator_create_synthetic(2, 1, 1, &generator), 0);
    assert_int_equal(data_generator_create_synthetic(2, 1, 1, &stable), 0);
    assert_int_equal(data_generator_set_drift(generator, DRIFT_KIND_SHIFTED, 1.0, NULL), 0);
    data_generator_next(generator, a);
    data_generator_next(stable, b);
    assert_true(a[0] > b[0]);
    assert_true(a[1] > b[1]);
    data_generator_destroy(generator);
    data_generator_destroy(stable);
}

/* Column 1 is ten times column 0, so that rows that were torn apart would show. */
static void test_bootstrap(void **state)
{
    static const double first[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    static const double second[] = {0, 10, 20, 30, 40, 50, 60, 70, 80, 90};
    static const double mean[] = {4.5, 45.0}, deviation[] = {3.0, 30.0};
    static const int drawn[] = {0, 2, 1, 7, 9, 7, 6, 5, 1, 4, 7, 9}; /* by the Python model */
    const double *columns[] = {first, second};
    const unsigned char chosen[] = {0, 1};
    struct data_generator *generator;
    size_t seen[10] = {0};
    double row[2];

    (void)state;
    assert_int_equal(
        data_generator_create_bootstrap(2, columns, 10, mean, deviation, 9, &generator), 0);
    for (size_t i = 0; i < ROWS; i++) {
        data_generator_next(generator, row);
        if (i < sizeof(drawn) / sizeof(drawn[0]))
            assert_int_equal((int)row[0], drawn[i]);
        assert_true(row[1] == 10.0 * row[0]);
        seen[(size_t)row[0]]++;
    }
    for (size_t i = 0; i < 10; i++)
        assert_within((double)seen[i] / ROWS, 0.1, sqrt(0.09 / ROWS));
    assert_int_equal(data_generator_set_drift(generator, DRIFT_KIND_MIXED, 1.0, chosen), 0);
    data_generator_next(generator, row);
    assert_true(fabs(row[1] - (45.0 + 60.0 + 1.5 * (10.0 * row[0] - 45.0))) < 1e-12);
    data_generator_destroy(generator);
}

static void test_refuses(void **state)
{
    const double good[] = {1.0}, not_finite[] = {NAN}, negative[] = {-1.0};
    const double *columns[] = {good}, *bad_columns[] = {not_finite};
    struct data_generator *generator = NULL, *valid = synthetic(1, 1);

    (void)state;
    assert_int_equal(data_generator_create_synthetic(0, 1, 1, &generator), -EINVAL);
    assert_int_equal(data_generator_create_synthetic(SIZE_MAX / 16, 1, 1, &generator), -ENOMEM);
    assert_int_equal(data_generator_create_bootstrap(0, columns, 1, good, good, 1, &generator),
                     -EINVAL);
    assert_int_equal(data_generator_create_bootstrap(1, columns, 0, good, good, 1, &generator),
                     -EINVAL);
    assert_int_equal(data_generator_create_bootstrap(1, bad_columns, 1, good, good, 1, &generator),
                     -EINVAL);
    assert_int_equal(
        data_generator_create_bootstrap(1, columns, 1, not_finite, good, 1, &generator), -EINVAL);
    assert_int_equal(data_generator_create_bootstrap(1, columns, 1, good, negative, 1, &generator),
                     -EINVAL);
    assert_null(generator);
    assert_int_equal(data_generator_set_drift(valid, DRIFT_KIND_MIXED, -0.1, NULL), -EINVAL);
    assert_int_equal(data_generator_set_drift(valid, DRIFT_KIND_MIXED, 1.1, NULL), -EINVAL);
    assert_int_equal(data_generator_set_drift(valid, DRIFT_KIND_MIXED, NAN, NULL), -EINVAL);
    data_generator_destroy(valid);
    data_generator_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kind_words),
        cmocka_unit_test(test_known_rows),
        cmocka_unit_test(test_parameters_depend_on_seed_alone),
        cmocka_unit_test(test_parameter_distribution),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_independence),
        cmocka_unit_test(test_drift_ends),
        cmocka_unit_test(test_fewer_features_than_the_default),
        cmocka_unit_test(test_bootstrap),
        cmocka_unit_test(test_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
