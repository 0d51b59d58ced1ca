/* test_urn_rows.c - rows together give what the same rows give one by one. */
#include "random_stream.h"
#include "urn.h"

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

/* Bets on each of many rare categories go row by row. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_categories),
        cmocka_unit_test(test_many_categories),
    };
    return cmocka_run_group_tests_name("urn_rows", tests, NULL, NULL);
}
