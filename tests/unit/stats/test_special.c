/* test_special.c - tail probabilities against tests/vectors/tails.csv, and their edges. */
#include "stats/divergence.h"
#include "stats/proportion.h"
#include "stats/special.h"
#include "vector_file.h"

#include <float.h>

#define TAIL_RELATIVE_TOLERANCE 1e-11
#define TAIL_MIN_CASES          600
#define KS_MAX_SHORTER          1000
/* Monotone up to the rounding of values next to 1. */
#define MONOTONE_TOLERANCE 2e-15

static double of_chi_square(const struct vector_file *v)
{
    return drift_chi_square_sf(vector_number(v, 1), vector_number(v, 2));
}

static double of_kolmogorov(const struct vector_file *v)
{
    return drift_kolmogorov_sf(vector_number(v, 1));
}

static double of_normal(const struct vector_file *v)
{
    return drift_normal_two_sided_p(vector_number(v, 1));
}

static double of_cramer_von_mises(const struct vector_file *v)
{
    return drift_cramer_von_mises_sf(vector_number(v, 1));
}

static double of_ks_exact(const struct vector_file *v)
{
    uint64_t n = vector_count(v, 1), m = vector_count(v, 2);
    size_t shorter = (size_t)(n < m ? n : m);
    assert_true(shorter <= KS_MAX_SHORTER);
    /* Of the documented size, so that the address sanitizer sees one too many. */
    double *scratch = malloc((shorter + 1) * sizeof(*scratch));
    assert_non_null(scratch);
    double p = drift_ks_exact_p(n, m, vector_count(v, 3), scratch);
    double swapped = drift_ks_exact_p(m, n, vector_count(v, 3), scratch);
    free(scratch);
    assert_true(p == swapped);
    return p;
}

static double of_ks(const struct vector_file *v)
{
    return drift_ks_p_value(vector_number(v, 1), vector_count(v, 2), vector_count(v, 3));
}

static double of_fisher(const struct vector_file *v)
{
    return drift_fisher_exact_p(vector_count(v, 1), vector_count(v, 2), vector_count(v, 3),
                                vector_count(v, 4));
}

static const struct tail {
    const char *name;
    double (*call)(const struct vector_file *v);
} tails[] = {
    {"chi_square_sf", of_chi_square},  {"kolmogorov_sf", of_kolmogorov},
    {"normal_two_sided_p", of_normal}, {"cramer_von_mises_sf", of_cramer_von_mises},
    {"ks_exact_p", of_ks_exact},       {"ks_p_value", of_ks},
    {"fisher_exact_p", of_fisher},
};
#define TAILS (sizeof(tails) / sizeof(tails[0]))

static void test_vectors(void **state)
{
    struct vector_file file;
    unsigned cases[TAILS] = {0}, total = 0;

    (void)state;
    vector_file_open(&file, "tails.csv");
    while (vector_file_next(&file)) {
        size_t i = 0;
        while (i < TAILS && strcmp(tails[i].name, file.cell[0]) != 0)
            i++;
        if (i == TAILS)
            fail_msg("line %u: unknown function %s", file.line, file.cell[0]);
        assert_near(tails[i].name, file.line, tails[i].call(&file), vector_number(&file, 5),
                    TAIL_RELATIVE_TOLERANCE, 0);
        cases[i]++;
        total++;
    }
    vector_file_close(&file);
    for (size_t i = 0; i < TAILS; i++)
        if (cases[i] == 0)
            fail_msg("no case of %s", tails[i].name);
    assert_true(total >= TAIL_MIN_CASES);
}

static void test_edges(void **state)
{
    (void)state;
    assert_true(isnan(drift_chi_square_sf(NAN, 3)));
    assert_true(isnan(drift_chi_square_sf(1, NAN)));
    assert_true(isnan(drift_chi_square_sf(1, 0)));
    assert_true(isnan(drift_chi_square_sf(1, -2)));
    assert_true(isnan(drift_chi_square_sf(1, INFINITY)));
    assert_true(drift_chi_square_sf(INFINITY, 3) == 0);
    assert_true(drift_chi_square_sf(-INFINITY, 3) == 1);
    assert_true(drift_chi_square_sf(DBL_MAX, 1) == 0);
    assert_true(drift_chi_square_sf(DBL_MIN, 1) <= 1);
    assert_true(isnan(drift_kolmogorov_sf(NAN)));
    assert_true(drift_kolmogorov_sf(INFINITY) == 0);
    assert_true(drift_kolmogorov_sf(-INFINITY) == 1);
    assert_true(isnan(drift_cramer_von_mises_sf(NAN)));
    assert_true(drift_cramer_von_mises_sf(INFINITY) == 0);
    assert_true(drift_cramer_von_mises_sf(-INFINITY) == 1);
    assert_true(isnan(drift_normal_two_sided_p(NAN)));
    assert_true(drift_normal_two_sided_p(-INFINITY) == 0);
    assert_true(drift_normal_two_sided_p(0) == 1);
    assert_true(isnan(drift_ks_p_value(NAN, 5, 5)));
}

/* A statistic that went through a few roundings still counts as the lattice value it was. */
static void test_ks_statistic_is_snapped(void **state)
{
    (void)state;
    double d = 17.0 / 90;
    double p = drift_ks_p_value(d, 45, 90);
    assert_true(drift_ks_p_value(nextafter(d, 0), 45, 90) == p);
    assert_true(drift_ks_p_value(nextafter(d, 1), 45, 90) == p);
    assert_true(drift_ks_p_value(16.0 / 90, 45, 90) > p);
    assert_true(drift_ks_p_value(1.5, 45, 90) == drift_ks_p_value(1, 45, 90));
}

/* The rule's switch: n m = 10000 is exact, one more is the limit. */
static void test_ks_rule(void **state)
{
    double scratch[101];
    (void)state;
    assert_true(drift_ks_p_value(0.25, 100, 100) == drift_ks_exact_p(100, 100, 25, scratch));
    assert_true(drift_ks_p_value(0.5, 1, 10000) == drift_ks_exact_p(1, 10000, 5000, scratch));
    assert_true(drift_ks_p_value(0.25, 100, 101) ==
                drift_kolmogorov_sf(0.25 * sqrt(100 * (101.0 / 201))));
    assert_true(drift_ks_p_value(0.5, UINT64_MAX, 2) <= 1);
}

/* Exact and limit describe the same thing: they close in on each other as samples grow. */
static void test_ks_exact_tends_to_limit(void **state)
{
    static double scratch[4001];
    double last = 1;
    (void)state;
    for (uint64_t n = 250; n <= 4000; n *= 2) {
        uint64_t h = (uint64_t)(sqrt(2.0 * (double)n));
        double exact = drift_ks_exact_p(n, n, h, scratch);
        double error = fabs(exact / drift_kolmogorov_sf((double)h / sqrt(2.0 * (double)n)) - 1);
        assert_true(error < 2 / sqrt((double)n));
        assert_true(error < last);
        last = error;
    }
}

static double chi_square_of(double x)
{
    return drift_chi_square_sf(x, 9);
}

static void assert_falls(double (*sf)(double), double from, double to, double step)
{
    double last = 1;
    for (double x = from; x < to; x += step) {
        double p = sf(x);
        if (!(p >= 0 && p <= 1 && p <= last + MONOTONE_TOLERANCE))
            fail_msg("at %.17g: %.17g after %.17g", x, p, last);
        last = p;
    }
}

static void test_tails_fall(void **state)
{
    (void)state;
    assert_falls(drift_cramer_von_mises_sf, 0, 0.1, 1e-5);
    assert_falls(drift_cramer_von_mises_sf, 0, 170, 1e-2);
    assert_falls(drift_kolmogorov_sf, 0, 30, 1e-3);
    assert_falls(chi_square_of, 0, 2000, 0.05);
}

static void test_ks_exact_falls(void **state)
{
    double scratch[51], last = 1;
    (void)state;
    for (uint64_t h = 0; h <= 50 * 61 + 1; h++) {
        double p = drift_ks_exact_p(50, 61, h, scratch);
        if (!(p >= 0 && p <= last))
            fail_msg("h %u: %.17g after %.17g", (unsigned)h, p, last);
        last = p;
    }
    assert_true(last == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_ks_statistic_is_snapped),
        cmocka_unit_test(test_ks_rule),
        cmocka_unit_test(test_ks_exact_tends_to_limit),
        cmocka_unit_test(test_tails_fall),
        cmocka_unit_test(test_ks_exact_falls),
    };
    return cmocka_run_group_tests_name("special", tests, NULL, NULL);
}
