/* test_urn_rows.c - rows together give what the same rows give one by one. */
#include "random_stream.h"
#include "urn.h"

#include <math.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define REFERENCE 2000
#define ROWS      6000
#define BLOCK     64
#define MOST      1e6

static void close_to(double got, double expected, const char *what, size_t row)
{
    if (!(fabs(got - expected) <= 1e-3 * fabs(expected) + 1e-12))
        fail_msg("%s after row %zu: together %.9g, one by one %.9g", what, row, got, expected);
}

/* A bin as the reference has them. */
static size_t draw(uint64_t *seed, const struct urn_bins *bins)
{
    double total = 0;
    size_t bin = 0;
    for (size_t b = 0; b < bins->count; b++)
        total += bins->mass[b];
    double left = random_unit(seed) * total;
    while (bin + 1 < bins->count && (left -= bins->mass[bin]) >= 0)
        bin++;
    return bin;
}

/* shift: of a fifth of the second half of the rows, in bins. */
static void compare(const struct urn_bins *bins, double discount, size_t shift)
{
    struct urn_bets *bets;
    struct urn *together, *apart;
    uint64_t seed = 17;
    uint16_t bin[BLOCK];
    assert_int_equal(drift_urn_bets_create(bins, discount, &bets), 0);
    assert_int_equal(drift_urn_create(bins, bets, &together), 0);
    assert_int_equal(drift_urn_create(bins, bets, &apart), 0);
    for (size_t row = 0; row < ROWS;) {
        const size_t rows = 1 + random_below(&seed, BLOCK);
        const double start = random_unit(&seed);
        double evidence = 0;
        for (size_t r = 0; r < rows; r++) {
            const size_t drawn = draw(&seed, bins);
            const bool moves = row > ROWS / 2 && random_unit(&seed) < 0.2;
            bin[r] = (uint16_t)(moves && drawn + shift < bins->count ? drawn + shift : drawn);
            evidence = drift_urn_observe(apart, bin[r], r == 0 ? start : 0);
        }
        row += rows;
        close_to(drift_urn_observe_rows(together, bin, rows, start, MOST), evidence, "evidence",
                 row);
        close_to(drift_urn_evidence(together), drift_urn_evidence(apart), "evidence read", row);
        close_to(drift_urn_change(together).rows, drift_urn_change(apart).rows, "age", row);
        if (evidence > 1e6) {
            drift_urn_restart(together);
            drift_urn_restart(apart);
        }
    }
    assert_int_equal(drift_urn_change(together).kind, drift_urn_change(apart).kind);
    drift_urn_destroy(together);
    drift_urn_destroy(apart);
    drift_urn_bets_destroy(bets);
}

static void test_numbers(void **state)
{
    struct urn_bins bins;
    double sorted[REFERENCE];
    (void)state;
    for (size_t r = 0; r < REFERENCE; r++)
        sorted[r] = (double)r;
    assert_int_equal(drift_urn_bins_numeric(&bins, sorted, REFERENCE), 0);
    compare(&bins, 1, 2);
    compare(&bins, 8, 2);
    drift_urn_bins_finish(&bins);
}

static void test_categories(void **state)
{
    static const uint64_t counts[][5] = {{2000}, {1990, 10}, {800, 500, 400, 200, 100}};
    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct urn_bins bins;
        size_t categories = 0;
        while (categories < 5 && counts[i][categories] > 0)
            categories++;
        assert_int_equal(drift_urn_bins_categories(&bins, counts[i], categories), 0);
        compare(&bins, 1, 1);
        compare(&bins, 8, 1);
        drift_urn_bins_finish(&bins);
    }
}

/* Of each of many rare categories. */
static void test_many_categories(void **state)
{
    struct urn_bins bins;
    uint64_t counts[200];
    (void)state;
    for (size_t c = 0; c < 200; c++)
        counts[c] = 2000 / (c + 1);
    assert_int_equal(drift_urn_bins_categories(&bins, counts, 200), 0);
    compare(&bins, 1, 1);
    drift_urn_bins_finish(&bins);
}

static size_t bin_by_counting(const struct urn_bins *bins, double x)
{
    size_t bin = 0;
    while (bin + 1 < bins->count && bins->edge[bin] <= x)
        bin++;
    return bin;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Buckets of values that spread evenly, over 600 orders of magnitude, and hardly at all. */
static void test_bins_of_values(void **state)
{
    uint64_t seed = 5;
    (void)state;
    for (int kind = 0; kind < 5; kind++) {
        struct urn_bins bins;
        double sorted[REFERENCE];
        for (size_t r = 0; r < REFERENCE; r++) {
            const double z = random_normal(&seed);
            sorted[r] = kind == 0   ? z
                        : kind == 1 ? exp(100 * z)
                        : kind == 2 ? 1e9 + floor(3 * z)
                        : kind == 3 ? -1e308 * fmin(fabs(z), 1)
                                    : (r % 3 == 0 ? -INFINITY : z);
        }
        qsort(sorted, REFERENCE, sizeof(sorted[0]), ascending);
        assert_int_equal(drift_urn_bins_numeric(&bins, sorted, REFERENCE), 0);
        for (size_t i = 0; i + 1 < bins.count; i++)
            for (int step = -1; step <= 1; step++) {
                const double x =
                    step ? nextafter(bins.edge[i], step < 0 ? -INFINITY : INFINITY) : bins.edge[i];
                assert_int_equal(urn_bin_of(&bins, x), bin_by_counting(&bins, x));
            }
        for (size_t r = 0; r < REFERENCE; r++)
            assert_int_equal(urn_bin_of(&bins, sorted[r]), bin_by_counting(&bins, sorted[r]));
        const double far[] = {-INFINITY, INFINITY, -1e308, 1e308, 0};
        for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
            assert_int_equal(urn_bin_of(&bins, far[i]), bin_by_counting(&bins, far[i]));
        drift_urn_bins_finish(&bins);
    }
}

/* Evidence that multiplies in a block by more than a float holds ends at the largest. */
static void test_the_same_value_for_ever(void **state)
{
    struct urn_bins bins;
    struct urn_bets *bets;
    double sorted[REFERENCE];
    (void)state;
    for (size_t r = 0; r < REFERENCE; r++)
        sorted[r] = (double)r;
    assert_int_equal(drift_urn_bins_numeric(&bins, sorted, REFERENCE), 0);
    assert_int_equal(drift_urn_bets_create(&bins, 1, &bets), 0);
    for (size_t same = 0; same < bins.count; same++) {
        struct urn *urn;
        uint16_t bin[BLOCK];
        assert_int_equal(drift_urn_create(&bins, bets, &urn), 0);
        for (size_t r = 0; r < BLOCK; r++)
            bin[r] = (uint16_t)same;
        for (size_t block = 0; block < 20; block++)
            (void)drift_urn_observe_rows(urn, bin, BLOCK, 1, URN_MAX_EVIDENCE);
        const double evidence = drift_urn_evidence(urn), rows = drift_urn_change(urn).rows;
        if (!(evidence > 1e15 && evidence <= URN_MAX_EVIDENCE * 1.0001) || !(rows > 0) ||
            !(rows <= 20 * BLOCK + 1))
            fail_msg("bin %zu: evidence %g, changed %g rows ago", same, evidence, rows);
        drift_urn_destroy(urn);
    }
    drift_urn_bets_destroy(bets);
    drift_urn_bins_finish(&bins);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_categories),
        cmocka_unit_test(test_many_categories),
        cmocka_unit_test(test_bins_of_values),
        cmocka_unit_test(test_the_same_value_for_ever),
    };
    return cmocka_run_group_tests_name("urn_rows", tests, NULL, NULL);
}
